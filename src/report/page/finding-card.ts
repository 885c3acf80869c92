import type { Timestamp } from '../../capture/timestamp.js';
import type { Evidence, Finding } from '../../finding/finding.js';
import { enumerate, plural, thousands } from '../../finding/words.js';
import { inOrder, JOINED, namedSessions, naming, PROOF, unique } from '../document/grouping.js';
import { printableOctets } from '../printable.js';
import { type BarClass, bar } from './bars.js';
import { type Content, html, type Markup } from './markup.js';
import { maskedText, packetText, prose } from './packet-text.js';
import type { Attempt } from './page-facts.js';

/** How the page it stands in writes places and times. */
export interface CardView {
  place(evidence: Evidence): string;
  clock(time: Timestamp | null): string;
  filters(evidence: readonly Evidence[]): Content;
  readonly attempts: ReadonlyMap<string, readonly Attempt[]>;
}

/** Severity has a word, a shape and a colour: any two of them may be lost. */
const SEVERITY: Readonly<Record<Finding['severity'], string>> = {
  high: '■ HIGH',
  medium: '▲ MEDIUM',
  low: '● LOW',
  info: '○ NOTE',
};

const WAY = { client: 'client → server', server: 'server → client' } as const;

/** Findings of one heading, and proofs, that stand open, and that are told at all. */
const OPEN_TOLD = 2;
const MAX_TOLD = 20;
const OPEN_PROOFS = 2;
const MAX_PROOFS = 20;
const MAX_WITNESSES = 6;
const MAX_ATTEMPTS = 8;

interface Shown {
  readonly proof: Evidence;
  readonly again: Evidence[];
}

/** Findings of one rule with one severity and confidence. Not open: folded, all of it. */
export function* findingCard(findings: readonly Finding[], open: boolean, view: CardView): Generator<Markup> {
  const [first] = findings;
  if (!first) return;
  const times = findings.length > 1 ? ` (${findings.length})` : '';
  const heading = html`<span class="severity">${SEVERITY[first.severity]}</span> ${printableOctets(first.title)}${times} <span class="sure">${first.confidence}, ${PROOF[first.proof]}</span> <span class="tag">${naming(findings.map(({ id }) => id))}</span>`;
  yield open
    ? html`<article class="finding ${first.severity}">\n<h3>${heading}</h3>\n`
    : html`<details class="finding ${first.severity}">\n<summary>${heading}</summary>\n`;
  const told = findings.slice(0, MAX_TOLD);
  const evidence = inOrder(told.flatMap((one) => one.evidence)).slice(0, MAX_PROOFS);
  const proofs = distinct(evidence);
  yield* messages(told.slice(0, OPEN_TOLD), findings.length > 1, view);
  yield html`<ul class="proofs">${proofs.slice(0, OPEN_PROOFS).map((one) => proof(one, view))}${view.filters(evidence)}</ul>\n`;
  yield* witnesses(told);
  yield html`<details><summary>${folded(findings.length, proofs.length)}</summary>\n`;
  yield* messages(told.slice(OPEN_TOLD), true, view);
  const more = findings.length - told.length;
  if (more > 0) yield html`<p>and ${thousands(more)} more like these: the JSON report has them all.</p>\n`;
  const rest = proofs.slice(OPEN_PROOFS);
  if (rest.length > 0) yield html`<ul class="proofs">${rest.map((one) => proof(one, view))}</ul>\n`;
  yield html`${unique(findings.flatMap(({ remedy }) => remedy))
    .slice(0, MAX_TOLD)
    .map((remedy) => html`<p>Change: ${prose(printableOctets(remedy))}</p>\n`)}`;
  const files = findings.flatMap(({ evidenceFile }) => evidenceFile ?? []);
  if (files.length > 0) yield html`<p>Packets: ${naming(files)}</p>\n`;
  yield html`<p class="why">${provenance(findings)}</p></details>\n`;
  yield open ? html`</article>\n` : html`</details>\n`;
}

function folded(findings: number, proofs: number): string {
  const parts = [
    ...(findings > OPEN_TOLD ? [plural(findings - OPEN_TOLD, 'more finding')] : []),
    ...(proofs > OPEN_PROOFS ? [plural(proofs - OPEN_PROOFS, 'more proof')] : []),
    'cure and sources',
  ];
  return parts.join(', ');
}

function* messages(findings: readonly Finding[], listed: boolean, view: CardView): Generator<Markup> {
  if (findings.length === 0) return;
  if (listed) yield html`<ul>`;
  for (const { id, message, args } of findings) {
    const text = printableOctets(message);
    yield listed ? html`<li>${text}</li>\n` : html`<p>${text}</p>\n`;
    if (Array.isArray(args.attempts)) {
      const all = typeof args.copies === 'number' ? args.copies : args.attempts.length;
      yield* attempts(args.attempts, all, view.attempts.get(id) ?? []);
    }
  }
  if (listed) yield html`</ul>\n`;
}

/** The attempts of a message that was sent again, each with a bar that says when. */
function* attempts(rows: readonly string[], all: number, drawn: readonly Attempt[]): Generator<Markup> {
  const from = drawn[0]?.fromUs ?? 0;
  const total = Math.max(1, ...drawn.map(({ toUs }) => toUs - from));
  yield html`<table class="attempts"><thead><tr><th scope="col">Attempt</th><th scope="col">When</th><th scope="col">How it ended</th></tr></thead>\n<tbody>\n`;
  const shown = rows.slice(0, MAX_ATTEMPTS);
  for (const row of shown) {
    const [name = '', ...rest] = row.split(', ');
    const attempt = drawn.find(({ session }) => session === name.split(' ')[0]);
    yield html`<tr><td>${printableOctets(name)}</td><td class="when">${attempt ? attemptBar(attempt, from, total) : null}</td><td>${printableOctets(rest.join(', '))}</td></tr>\n`;
  }
  yield html`</tbody></table>\n`;
  if (all > shown.length) yield html`<p class="why">and ${plural(all - shown.length, 'more attempt')}</p>\n`;
}

function attemptBar({ fromUs, toUs, accepted }: Attempt, start: number, total: number): Markup {
  const kind: BarClass = accepted === true ? 'clean' : accepted === false ? 'part' : 'found';
  const outcome = accepted === true ? 'accepted' : accepted === false ? 'refused' : 'no final reply';
  const seconds = (us: number): string => (us / 1e6).toFixed(1);
  const label = `${seconds(fromUs - start)} s to ${seconds(toUs - start)} s of ${seconds(total)} s: ${outcome}`;
  return bar([{ kind, from: fromUs - start, to: toUs - start }], total, label);
}

/** What was seen again is not shown again. */
function distinct(evidence: readonly Evidence[]): Shown[] {
  const shown = new Map<string, Shown>();
  for (const proof of evidence) {
    const key = `${proof.direction} ${proof.excerpt} ${proof.note}`;
    const known = shown.get(key);
    if (known) known.again.push(proof);
    else shown.set(key, { proof, again: [] });
  }
  return [...shown.values()];
}

function proof({ proof: one, again }: Shown, view: CardView): Markup {
  const place = [view.place(one), view.clock(one.time), WAY[one.direction]].filter((part) => part !== '');
  const note = one.note === '' ? null : html` <span class="why">${printableOctets(one.note)}</span>`;
  const others = unique(again.map((other) => view.place(other)));
  return html`<li><span class="dim">${place.join(' · ')}</span> <span class="octets">${maskedText(one.excerpt)}</span>${note}${others.length > 0 ? html` <span class="why">· again in ${enumerate(others)}</span>` : null}</li>\n`;
}

/** Lines of the firewall's log that say what was found. */
function* witnesses(findings: readonly Finding[]): Generator<Markup> {
  const confirming = findings.flatMap(({ witnesses }) => witnesses?.filter(({ confirms }) => confirms) ?? []);
  const lines = new Map(confirming.map((witness) => [witness.line, witness]));
  for (const { line, text, joinedBy } of [...lines.values()].slice(0, MAX_WITNESSES)) {
    yield html`<p>The firewall’s own log, line ${line}: <code>${packetText(text)}</code> <span class="why">(joined ${JOINED[joinedBy]})</span></p>\n`;
  }
}

/** Rule, fingerprint, sessions, symptoms, sources: what one needs to look it up elsewhere. */
function provenance(findings: readonly Finding[]): string {
  const [first] = findings as readonly [Finding];
  const sessions = unique(findings.flatMap((finding) => finding.sessions)).sort(
    (a, b) => Number(a.slice(1)) - Number(b.slice(1)),
  );
  const symptoms = unique(findings.flatMap((finding) => finding.symptoms)).map((one) => one.split('/')[1]!);
  const references = unique(findings.flatMap((finding) => finding.references)).map((reference) =>
    reference === 'KB 320027' && symptoms.length > 0
      ? `KB 320027 (${symptoms.length === 1 ? 'symptom' : 'symptoms'} ${enumerate(symptoms)})`
      : reference,
  );
  const mark = findings.length === 1 ? `, fingerprint ${first.fingerprint}` : '';
  return `${first.rule}${mark}, in ${namedSessions(sessions)}. ${references.join(', ')}.`;
}
