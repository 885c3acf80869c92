import type { ComparedPair, Comparison } from '../../compare/compare.js';
import { type Difference, isTold, type Spot } from '../../compare/pair.js';
import { enumerate, plural, thousands } from '../../finding/words.js';
import {
  changedRanges,
  ends,
  graveFindings,
  howCompared,
  isChanged,
  kindsOfChanges,
  MAX_LADDERS,
  MAX_RUNGS,
  sidesOf,
  stretches,
  tcpChanges,
  unpairedTexts,
  whatChanged,
} from '../document/comparison-words.js';
import { type BarClass, bar, sign } from './bars.js';
import { type Content, html, type Markup } from './markup.js';
import { withoutMailboxes } from './packet-text.js';

/** Octets of a line that one column shows. */
const EXCERPT = 160;

/** Of the first kind of change, rungs that stand open. */
const OPEN_RUNGS = 12;

/** What the verdict rests on: a word for its colour, and words. */
export function comparedState({ pairs, unpaired, analysis }: Comparison): [kind: string, words: string] {
  const changed = pairs.filter(isChanged).length;
  if (pairs.length === 0) return ['unsure', '◐ Nothing to compare'];
  if (changed > 0)
    return [
      'found',
      `■ Changed on the way in ${thousands(changed)} of ${plural(pairs.length, 'session')} seen on both sides`,
    ];
  if (graveFindings(analysis) > 0) return ['unsure', '◐ The same on both sides, and yet not in order'];
  return unpaired.length === 0
    ? ['clean', '✔ The same on both sides']
    : ['unsure', '◐ The same in what was seen on both sides'];
}

export function* comparedBar({ pairs, unpaired }: Comparison): Generator<Markup> {
  const changed = pairs.filter(isChanged).length;
  const parts = (
    [
      ['found', changed, 'changed on the way'],
      ['clean', pairs.length - changed, 'the same on both sides'],
      ['part', unpaired.length, 'seen on one side only'],
    ] satisfies [BarClass, number, string][]
  ).filter(([, count]) => count > 0);
  if (parts.length < 2) return;
  const total = pairs.length + unpaired.length;
  let from = 0;
  const shown = parts.map(([kind, count]) => {
    from += count;
    return { kind, from: from - count, to: from };
  });
  const words = parts.map(([, count, what]) => `${plural(count, 'session')} ${what}`);
  yield bar(shown, total, `Of ${plural(total, 'session')}: ${enumerate(words)}`);
  yield html`<ul class="legend">${parts.map(([kind], index) => html`<li>${sign(kind)}${words[index]!}</li>`)}</ul>\n`;
}

/** Each change with both sides beside each other, the client's at the left. */
export function* comparedLadders(comparison: Comparison): Generator<Markup> {
  const kinds = kindsOfChanges(comparison.pairs);
  const tcp = tcpChanges(comparison.pairs);
  const [first, ...others] = kinds;
  if (first) {
    yield html`<section>\n<h2>What was changed on the way <small>${sessionsOf(comparison, first.pair, first.others)}</small></h2>\n`;
    yield* rungs(comparison, first.pair, true);
    const isMarked = first.pair.differences.some(({ change }) => change === 'altered');
    const legend = isMarked ? html`<mark>Marked</mark> octets are not the same on both sides. ` : null;
    yield html`<p class="hint">${legend}Frame numbers are those that Wireshark shows in the capture of that side. What is not shown passed unchanged.</p>\n`;
    for (const { pair, others: alike } of others.slice(0, MAX_LADDERS - 1)) {
      yield html`<details><summary>Changed in another way: ${sessionsOf(comparison, pair, alike)}</summary>\n`;
      yield* rungs(comparison, pair, false);
      yield html`</details>\n`;
    }
    if (kinds.length > MAX_LADDERS) {
      yield html`<p>and ${plural(kinds.length - MAX_LADDERS, 'other pattern')} of changes: the JSON report has them all.</p>\n`;
    }
    yield html`</section>\n`;
  }
  if (tcp.length === 0) return;
  yield html`<details${kinds.length === 0 ? OPEN : null}><summary>Changed below the mail, in TCP: ${plural(tcp.length, 'thing')}</summary>
<ul>${tcp.map((line) => html`<li>${line}</li>`)}</ul></details>\n`;
}

const OPEN = html` open`;

function sessionsOf(comparison: Comparison, { inside, outside }: ComparedPair, others: number): string {
  const { client, server } = sidesOf(comparison);
  const ids = { inside: `s${inside}`, outside: `s${outside}` };
  const alike = others > 0 ? `, and ${plural(others, 'other pair')} alike` : '';
  return `session ${ids[client]} ${client} and ${ids[server]} ${server}${alike}`;
}

function* rungs(comparison: Comparison, { differences }: ComparedPair, cut: boolean): Generator<Markup> {
  const { client, server } = sidesOf(comparison);
  const told = differences.filter(isTold);
  const open = cut ? OPEN_RUNGS : MAX_RUNGS;
  yield* table(told.slice(0, open), client, server);
  const folded = told.slice(open, MAX_RUNGS);
  if (folded.length > 0) {
    yield html`<details><summary>${plural(folded.length, 'more change')} of this session</summary>\n`;
    yield* table(folded, client, server);
    yield html`</details>\n`;
  }
  if (told.length > MAX_RUNGS) yield html`<p>and ${plural(told.length - MAX_RUNGS, 'other change')}</p>\n`;
}

function* table(differences: readonly Difference[], client: string, server: string): Generator<Markup> {
  yield html`<table class="sides"><thead><tr><th scope="col">Client’s side (${client})</th><th scope="col"></th><th scope="col">Server’s side (${server})</th></tr></thead>\n<tbody>\n`;
  for (const difference of differences) {
    const [left, right] = ends(difference);
    const arrow = difference.direction === 'client' ? '→' : '←';
    const spoken = difference.direction === 'client' ? 'from client to server' : 'from server to client';
    yield html`<tr class="what"><td colspan="3">${whatChanged(difference)}</td></tr>
<tr><td>${spotCell(left, difference, client)}</td><td class="way" title="${spoken}">${arrow}</td><td>${spotCell(right, difference, server)}</td></tr>\n`;
  }
  yield html`</tbody></table>\n`;
}

function spotCell(spot: Spot | null, difference: Difference, side: string): Content {
  if (spot === null) {
    return html`<span class="place">${side}</span> <span class="none">nothing</span>`;
  }
  const whole = difference.before === null || difference.after === null;
  const shown = stretches(withoutMailboxes(spot.text), changedRanges(spot, difference), EXCERPT);
  const octets = shown.map(({ text, changed }) => (changed && !whole ? html`<mark>${text}</mark>` : text));
  return html`<span class="place">${side} frame ${spot.packet}</span> <span class="octets">${octets}</span>`;
}

/** How it was found which session is which, and which have no partner. */
export function* howSection(comparison: Comparison): Generator<Markup> {
  const { notes, unpaired } = comparison;
  yield html`<section>\n<h2>How the two captures were compared</h2>\n<p>${howCompared(comparison).join(' ')}</p>\n`;
  if (notes.length > 0) yield html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>\n`;
  if (unpaired.length > 0) {
    yield html`<details${comparison.pairs.length === 0 ? OPEN : null}><summary>Seen on one side only: ${plural(unpaired.length, 'session')}</summary>
<ul>${unpairedTexts(comparison).map((text) => html`<li>${text}</li>`)}</ul></details>\n`;
  }
  yield html`</section>\n`;
}
