import type { Difference, Spot } from '../../compare/pair.js';
import { enumerate, plural, thousands } from '../../finding/words.js';
import { changedRanges, ends, stretches } from '../document/changed-octets.js';
import { alikeText, type ChangedSession, type ComparisonBlock } from '../document/comparison-block.js';
import { whatChanged } from '../document/comparison-words.js';
import { type BarClass, bar, sign } from './bars.js';
import { type Content, html, type Markup } from './markup.js';
import { withoutMailboxes } from './packet-text.js';

/** Octets of a line that one column shows. */
const EXCERPT = 160;

/** Of the first session, changes that stand open. */
const OPEN_CHANGES = 12;

/** What the verdict rests on: a word for its colour, and words. */
export function comparedState({
  pairs,
  changed,
  unpaired,
  grave,
}: ComparisonBlock): [kind: string, words: string] {
  if (pairs === 0) return ['unsure', '◐ Nothing to compare'];
  if (changed > 0)
    return [
      'found',
      `■ Changed on the way in ${thousands(changed)} of ${plural(pairs, 'session')} seen on both sides`,
    ];
  if (grave > 0) return ['unsure', '◐ The same on both sides, and yet not in order'];
  return unpaired === 0
    ? ['clean', '✔ The same on both sides']
    : ['unsure', '◐ The same in what was seen on both sides'];
}

export function* comparedBar({ pairs, changed, unpaired }: ComparisonBlock): Generator<Markup> {
  const parts = (
    [
      ['found', changed, 'changed on the way'],
      ['clean', pairs - changed, 'the same on both sides'],
      ['part', unpaired, 'seen on one side only'],
    ] satisfies [BarClass, number, string][]
  ).filter(([, count]) => count > 0);
  if (parts.length < 2) return;
  const total = pairs + unpaired;
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
export function* comparedLadders({ sides, changes, moreKinds, tcp }: ComparisonBlock): Generator<Markup> {
  const [first, ...others] = changes;
  if (first) {
    yield html`<section>\n<h2>What was changed on the way <small>${sessionsOf(first, sides)}</small></h2>\n`;
    yield* changedSession(first, sides, OPEN_CHANGES);
    const legend = first.altered ? html`<mark>Marked</mark> bytes are not the same on both sides. ` : null;
    yield html`<p class="hint">${legend}Frame numbers are those that Wireshark shows in the capture of that side. What is not shown passed unchanged.</p>\n`;
    for (const other of others) {
      yield html`<details><summary>Changed in another way: ${sessionsOf(other, sides)}</summary>\n`;
      yield* changedSession(other, sides, other.differences.length);
      yield html`</details>\n`;
    }
    if (moreKinds > 0) {
      yield html`<p>and ${plural(moreKinds, 'other pattern')} of changes: the JSON report has them all.</p>\n`;
    }
    yield html`</section>\n`;
  }
  if (tcp.length === 0) return;
  yield html`<details${first ? null : OPEN}><summary>Changed below the mail, in TCP: ${plural(tcp.length, 'thing')}</summary>
<ul>${tcp.map((line) => html`<li>${line}</li>`)}</ul></details>\n`;
}

const OPEN = html` open`;

function sessionsOf(change: ChangedSession, { client, server }: ComparisonBlock['sides']): string {
  const { ids, others } = change;
  const alike = others > 0 ? `, ${alikeText(change)}` : '';
  return `session ${ids.client} ${client} and ${ids.server} ${server}${alike}`;
}

/** @param open  changes that are not folded */
function* changedSession(
  { differences, more }: ChangedSession,
  { client, server }: ComparisonBlock['sides'],
  open: number,
): Generator<Markup> {
  yield* table(differences.slice(0, open), client, server);
  const folded = differences.slice(open);
  if (folded.length > 0) {
    yield html`<details><summary>${plural(folded.length, 'more change')} of this session</summary>\n`;
    yield* table(folded, client, server);
    yield html`</details>\n`;
  }
  if (more > 0) yield html`<p>and ${plural(more, 'other change')}</p>\n`;
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
export function* howSection({
  pairs,
  how,
  notes,
  unpaired,
  unpairedTexts,
}: ComparisonBlock): Generator<Markup> {
  yield html`<section>\n<h2>How the two captures were compared</h2>\n<p>${how.join(' ')}</p>\n`;
  if (notes.length > 0) yield html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>\n`;
  if (unpaired > 0) {
    yield html`<details${pairs === 0 ? OPEN : null}><summary>Seen on one side only: ${plural(unpaired, 'session')}</summary>
<ul>${unpairedTexts.map((text) => html`<li>${text}</li>`)}</ul></details>\n`;
  }
  yield html`</section>\n`;
}
