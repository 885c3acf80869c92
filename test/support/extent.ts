/**
 * How much is tried of what could be tried for hours. `npm test` tries a sample, always the same one; `MAILWITNESS_WHOLE=1`
 * tries everything, as continuous integration does; `MAILWITNESS_SEED=n` draws another sample.
 */
import { Random } from './perturb.js';

export const WHOLE = process.env.MAILWITNESS_WHOLE === '1';

const SEED = Number(process.env.MAILWITNESS_SEED ?? 1);

/** So many of the list, in its order; all of them when everything is tried. */
export function sample<T>(list: readonly T[], count: number): readonly T[] {
  if (WHOLE || list.length <= count) return list;
  const random = new Random(SEED);
  const places = list.map((_, place) => place);
  for (let place = 0; place < count; place++) {
    const other = place + random.int(places.length - place);
    [places[place], places[other]] = [places[other]!, places[place]!];
  }
  return places
    .slice(0, count)
    .sort((one, other) => one - other)
    .map((place) => list[place]!);
}

/** How often something random is tried: a quarter of what everything is. */
export const runs = (whole: number): number => (WHOLE ? whole : Math.ceil(whole / 4));
