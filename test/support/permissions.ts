/** Root may read and write what nobody may. To see what permissions do, the program runs without that right. */
import type { Need } from './needs.js';

const IS_ROOT = process.getuid?.() === 0;

const CAPABILITIES = '-dac_override,-dac_read_search';

/** What stands in front of a command line. */
export const BOUND_BY_PERMISSIONS: readonly string[] = IS_ROOT
  ? ['setpriv', `--bounding-set=${CAPABILITIES}`, `--inh-caps=${CAPABILITIES}`]
  : [];

/** What it needs. */
export const BOUND_NEEDS: readonly Need[] = IS_ROOT ? ['setpriv'] : [];
