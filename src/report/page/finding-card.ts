import type { Evidence, Finding } from '../../finding/finding.js';
import { enumerate, plural, thousands } from '../../finding/words.js';
import {
  confirmingLines,
  evidenceFilesOf,
  evidenceOf,
  referencesOf,
  remediesOf,
  type ShownEvidence,
  sessionNames,
  shownOnce,
} from '../document/finding-group.js';
import { JOINED, naming, PROOF, unique } from '../document/grouping.js';
import { type Places, WAY } from '../document/places.js';
import { printableOctets } from '../printable.js';
import { type BarClass, bar } from './bars.js';
import { type Content, html, type Markup } from './markup.js';
import { maskedText, packetText, prose } from './packet-text.js';
import type { Attempt } from './page-facts.js';

/** What the card takes from the page that it stands in. */
export interface CardView {
  readonly places: Places;
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

/** Findings of one heading, and proofs, that stand open, and that are shown at all. */
const OPEN_FINDINGS = 2;
const MAX_FINDINGS = 20;
const OPEN_PROOFS = 2;
const MAX_PROOFS = 20;
const MAX_WITNESSES = 6;
const MAX_ATTEMPTS = 8;

/** Findings of one rule with one severity and confidence. Not open: folded, all of it. */
export function* findingCard(findings: readonly Finding[], open: boolean, view: CardView): Generator<Markup> {
  const [first] = findings;
  if (!first) return;
  const times = findings.length > 1 ? ` (${findings.length})` : '';
  const heading = html`<span class="severity">${SEVERITY[first.severity]}</span> ${printableOctets(first.title)}${times} <span class="sure">${first.confidence}, ${PROOF[first.proof]}</span> <span class="tag">${naming(findings.map(({ id }) => id))}</span>`;
  yield open
    ? html`<article class="finding ${first.severity}">\n<h3>${heading}</h3>\n`
    : html`<details class="finding ${first.severity}">\n<summary>${heading}</summary>\n`;
  const shown = findings.slice(0, MAX_FINDINGS);
  const evidence = evidenceOf(shown, MAX_PROOFS);
  const proofs = shownOnce(evidence);
  yield* messages(shown.slice(0, OPEN_FINDINGS), findings.length > 1, view);
  yield html`<ul class="proofs">${proofs.slice(0, OPEN_PROOFS).map((one) => proof(one, view))}${view.filters(evidence)}</ul>\n`;
  yield* witnesses(shown);
  yield html`<details><summary>${folded(findings.length, proofs.length)}</summary>\n`;
  yield* messages(shown.slice(OPEN_FINDINGS), true, view);
  const more = findings.length - shown.length;
  if (more > 0) yield html`<p>and ${thousands(more)} more like these: the JSON report has them all.</p>\n`;
  const rest = proofs.slice(OPEN_PROOFS);
  if (rest.length > 0) yield html`<ul class="proofs">${rest.map((one) => proof(one, view))}</ul>\n`;
  yield html`${remediesOf(findings)
    .slice(0, MAX_FINDINGS)
    .map((remedy) => html`<p>Change: ${prose(remedy)}</p>\n`)}`;
  const files = evidenceFilesOf(findings);
  if (files.length > 0) yield html`<p>Packets: ${naming(files)}</p>\n`;
  yield html`<p class="why">${provenance(findings)}</p></details>\n`;
  yield open ? html`</article>\n` : html`</details>\n`;
}

function folded(findings: number, proofs: number): string {
  const parts = [
    ...(findings > OPEN_FINDINGS ? [plural(findings - OPEN_FINDINGS, 'more finding')] : []),
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

function proof({ first, again }: ShownEvidence, { places }: CardView): Markup {
  const place = [places.frame(first), places.clock(first.time), WAY[first.direction]].filter(
    (part) => part !== '',
  );
  const note = first.note === '' ? null : html` <span class="why">${printableOctets(first.note)}</span>`;
  const others = unique(again.map((other) => places.frame(other)));
  return html`<li><span class="dim">${place.join(' · ')}</span> <span class="octets">${maskedText(first.excerpt)}</span>${note}${others.length > 0 ? html` <span class="why">· again in ${enumerate(others)}</span>` : null}</li>\n`;
}

/** Lines of the firewall's log that confirm what was found. */
function* witnesses(findings: readonly Finding[]): Generator<Markup> {
  for (const { line, text, joinedBy } of confirmingLines(findings).slice(0, MAX_WITNESSES)) {
    yield html`<p>The firewall’s own log, line ${line}: <code>${packetText(text)}</code> <span class="why">(joined ${JOINED[joinedBy]})</span></p>\n`;
  }
}

/** Rule, fingerprint, sessions, symptoms, sources: what one needs to look it up elsewhere. */
function provenance(findings: readonly Finding[]): string {
  const [first] = findings as readonly [Finding];
  const mark = findings.length === 1 ? `, fingerprint ${first.fingerprint}` : '';
  return `${first.rule}${mark}, in ${sessionNames(findings)}. ${referencesOf(findings)}.`;
}
