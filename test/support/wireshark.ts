/** The surroundings of Wireshark's programs: what they print is compared, so nobody's preferences and language count. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { LANG: _, LANGUAGE: __, ...surroundings } = process.env;

export const WIRESHARK_ENV: NodeJS.ProcessEnv = {
  ...surroundings,
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  WIRESHARK_CONFIG_DIR: join(tmpdir(), 'mailwitness-no-preferences'),
};
