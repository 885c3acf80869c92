import type { Analysis } from '../../analyze.js';
import type { Comparison } from '../../compare/compare.js';
import type { Diagnosis } from '../../diagnose/diagnosis.js';
import type { Evidence, Finding } from '../../finding/finding.js';
import { enumerate, plural, thousands } from '../../finding/words.js';
import { sha256 } from '../../platform/platform.js';
import { inPieces } from '../chunked.js';
import { type CaptureBlock, sessionsText } from '../document/capture-block.js';
import { displayFilters } from '../document/display-filter.js';
import {
  comparisonDocument,
  type DocumentOptions,
  type ExcludedBlock,
  type ReportDocument,
  reportDocument,
  type ServerBlock,
} from '../document/document.js';
import { actorText, evidenceFilesOf, surenessOf } from '../document/finding-group.js';
import type { FirewallLogBlock } from '../document/firewall-log-block.js';
import { JOINED, namedSessions, naming, PROOF, unique } from '../document/grouping.js';
import type { Places } from '../document/places.js';
import { ladder, type Rung } from '../document/sequence-diagram.js';
import type { NotCheckedBlock } from '../document/silent-rules.js';
import { printableOctets, printableText } from '../printable.js';
import { fileName } from '../verdict.js';
import { type BarClass, bar, type Stretch, sign } from './bars.js';
import { comparedBar, comparedLadders, comparedState, howSection } from './comparison-page.js';
import { findingCard } from './finding-card.js';
import { type Content, html, type Markup, verbatim } from './markup.js';
import { maskedText, packetText, prose } from './packet-text.js';
import { type PageFacts, pageFacts } from './page-facts.js';
import { STYLE_SHEET } from './style-sheet.js';

/** What was asked for, and by which release it was answered. */
export interface HtmlOptions extends DocumentOptions {
  readonly version?: string;
}

/** Servers, and findings of one server under headings of their own, that are shown; the JSON report has all. */
const MAX_SERVERS = 20;
const MAX_GROUPS = 12;
/** Of these, the first stand open; what comes after them is folded. */
const OPEN_GROUPS = 4;
const MAX_CAPTURES = 10;
const MAX_PROBLEMS = 10;
const MAX_CHANGES = 4;
const MAX_LOG_LINES = 20;
const MAX_ADVISING = 1000;
const MAX_NAMED_FILES = 6;
/** So many need a column as high as the two sections beside them. */
const MANY_COMMANDS = 5;

/**
 * The report to attach to a ticket, as one HTML file: for the firewall's owner, who has never seen this program, and for
 * the vendor's support.
 *
 * Nothing in it runs and nothing is loaded; its policy forbids both, and allows the one style sheet by its digest. Names
 * of mailboxes in packets are left out.
 *
 * @example for (const piece of htmlReport(analysis, { version })) process.stdout.write(piece);
 */
export function htmlReport(analysis: Analysis, options: HtmlOptions): Iterable<string> {
  const facts = pageFacts(analysis);
  return written(reportDocument(analysis, options, facts.seen), facts, options);
}

/** The same of two captures of the same traffic: what was changed between them, both sides beside each other. */
export function comparisonHtml(comparison: Comparison, options: HtmlOptions): Iterable<string> {
  const facts = pageFacts(comparison.analysis);
  return written(comparisonDocument(comparison, options, facts.seen), facts, options);
}

function written(document: ReportDocument, facts: PageFacts, { version }: HtmlOptions): Iterable<string> {
  return inPieces(texts(new HtmlReport(document, facts, version).page()));
}

function* texts(parts: Iterable<Markup>): Generator<string> {
  for (const { text } of parts) yield text;
}

class HtmlReport {
  private readonly serious: readonly Finding[];
  private readonly places: Places;

  constructor(
    private readonly document: ReportDocument,
    private readonly facts: PageFacts,
    private readonly version: string | undefined,
  ) {
    this.serious = document.findings.filter(({ severity }) => severity !== 'info');
    this.places = document.places;
  }

  *page(): Generator<Markup> {
    const { comparison, servers, firewallLog, excluded, notChecked } = this.document;
    yield head(this.sources(), comparison ? 'compared' : null);
    yield* this.opening();
    if (comparison) yield* comparedLadders(comparison);
    for (const server of servers.slice(0, MAX_SERVERS)) yield* this.server(server);
    const more = servers.length - MAX_SERVERS;
    if (more > 0) yield html`<p>and ${plural(more, 'more server')}: the JSON report has them all.</p>\n`;
    if (comparison) yield* howSection(comparison);
    else yield* this.ladder();
    if (firewallLog) yield* this.firewallLog(firewallLog);
    if (this.serious.length > 0) {
      const wide = this.commands().length >= MANY_COMMANDS;
      yield html`<div class="${wide ? 'two tall' : 'two'}">\n`;
      yield* this.actions();
      yield* this.captures();
      yield html`</div>\n`;
    } else yield* this.captures();
    if (excluded) yield* this.excluded(excluded);
    if (notChecked.length > 0) yield this.notChecked(notChecked);
    yield this.closing();
  }

  private *opening(): Generator<Markup> {
    const { comparison, excluded, notChecked, quality, seen } = this.document;
    const others = notChecked.reduce((sum, { rules }) => sum + rules.length, 0);
    const { smtp, messages, partly } = seen;
    const [kind, state] = comparison ? comparedState(comparison) : this.state();
    yield html`<header>
<p class="kicker">What happened to mail on its way, as packets show it · ${this.sources()}</p>
<div class="verdict ${kind}"><p class="state">${state}</p>
<h1>${this.document.verdict}</h1></div>
`;
    yield* comparison ? comparedBar(comparison) : this.sessions();
    if (this.serious.length === 0 && smtp > 0) {
      yield html`<p>${plural(excluded?.rules.length ?? 0, 'kind')} of interference by firewalls and proxies were looked for in ${plural(smtp, 'session')} with ${plural(messages, 'message')}, and not seen. ${partly > 0 ? '' : 'The capture is good enough to have seen them. '}${others > 0 ? `${plural(others, 'other kind')} could not be judged here. ` : ''}${quality}</p>\n`;
    }
    yield html`</header>\n`;
  }

  /** What the verdict rests on, in a few words and a shape. */
  private state(): [kind: string, words: string] {
    const { found, wordlessFound, seen } = this.facts;
    switch (this.document.outcome) {
      case 'found':
        return [
          'found',
          `■ ${plural(this.serious.length, 'finding')} in ${thousands(found + wordlessFound)} of ${plural(seen.smtp + seen.other, 'session')}`,
        ];
      case 'nothing-to-judge':
        return ['unsure', '◐ Nothing to judge'];
      case 'clean':
        return ['clean', '✔ Nothing found'];
      case 'unsure':
        return ['unsure', '◐ Nothing found in what could be judged'];
    }
  }

  private sources(): string {
    const { captures, comparison } = this.document;
    const [first] = captures;
    if (!first) return 'no capture';
    if (comparison) return unique(captures.map(({ file }) => fileName(file))).join(' and ');
    return captures.length === 1 ? fileName(first.file) : plural(captures.length, 'capture');
  }

  private *sessions(): Generator<Markup> {
    const { found, part, clean, wordlessFound, seen } = this.facts;
    const parts: [BarClass, number, string][] = [
      ['found', found + wordlessFound, 'with findings'],
      ['part', part, 'without, but judged only in part'],
      ['clean', clean, 'in which nothing was found'],
      ['other', seen.other - wordlessFound, 'without SMTP'],
    ];
    const shown = parts.filter(([, count]) => count > 0);
    // One stretch says no more than the words above.
    if (shown.length < 2) return;
    const total = shown.reduce((sum, [, count]) => sum + count, 0);
    let from = 0;
    const stretches: Stretch[] = shown.map(([kind, count]) => {
      from += count;
      return { kind, from: from - count, to: from };
    });
    const words = shown.map(([, count, what]) => `${plural(count, 'session')} ${what}`);
    yield bar(stretches, total, `Of ${plural(total, 'session')}: ${enumerate(words)}`);
    yield html`<ul class="legend">${shown.map(([kind, count, what]) => html`<li>${sign(kind)}${plural(count, 'session')} ${what}</li>`)}</ul>\n`;
  }

  private *server({ name, findings, sessions, diagnoses, groups }: ServerBlock): Generator<Markup> {
    if (this.document.servers.length > 1) yield html`<h2 class="server">Server ${name}</h2>\n`;
    if (diagnoses.length > 0) {
      yield html`<section>\n<h2>What did it, as far as packets show</h2>\n`;
      for (const diagnosis of diagnoses) yield* this.diagnosis(diagnosis);
      yield html`</section>\n`;
    }
    const notes = findings.filter(({ severity }) => severity === 'info').length;
    const counts = [
      ...(findings.length > notes ? [plural(findings.length - notes, 'finding')] : []),
      ...(notes > 0 ? [plural(notes, 'note')] : []),
    ];
    yield html`<section>\n<h2>What was seen <small>${enumerate(counts)} in ${plural(sessions, 'session')}</small></h2>\n`;
    if (diagnoses.length === 0) {
      yield html`<p class="why">The packets show what happened to this mail. They do not show which firewall did it, if one did.</p>\n`;
    }
    const view = { places: this.places, filters: this.filters, attempts: this.facts.attempts };
    for (const [index, group] of groups.slice(0, MAX_GROUPS).entries()) {
      yield* findingCard(group, index < OPEN_GROUPS && (index === 0 || group[0]!.severity !== 'info'), view);
    }
    const more = groups.slice(MAX_GROUPS).reduce((sum, group) => sum + group.length, 0);
    if (more > 0) yield html`<p>and ${plural(more, 'more finding')}: the JSON report has them all.</p>\n`;
    yield html`</section>\n`;
  }

  private *diagnosis(diagnosis: Diagnosis): Generator<Markup> {
    yield html`<p><strong>${diagnosis.summary}</strong> <span class="sure">(${surenessOf(diagnosis, true)})</span></p>\n`;
    for (const { what, proof, findings } of diagnosis.proved.slice(1)) {
      yield html`<p>Also: ${what} <span class="sure">(${PROOF[proof]}, ${naming(findings)})</span></p>\n`;
    }
    yield html`<p>${actorText(diagnosis)}</p>\n`;
    yield html`<p class="why">Not proved: ${diagnosis.notProved.join(' ')}</p>\n`;
    yield html`<details><summary>What was ruled out, and where it is written</summary>
<dl>${diagnosis.ruledOut.map((box) => html`<dt>Ruled out</dt><dd>${box}</dd>`)}
${diagnosis.proved.map(({ what, source }) => html`<dt>Source</dt><dd>${what}: ${source}</dd>`)}</dl></details>\n`;
  }

  /** The one session that shows most, row by row, so that the page and the packet viewer can be laid side by side. */
  private *ladder(): Generator<Markup> {
    const { example, marks } = this.facts;
    if (example === null) return;
    const rungs = ladder(example, marks);
    if (rungs.length === 0) return;
    const proving = rungs.filter(({ mark, frame }) => mark !== null && frame !== null);
    const client = `${example.client.address} port ${example.client.port}`;
    const server = `${example.server.address} port ${example.server.port}`;
    const file = this.document.captures[example.capture]?.file ?? '-';
    if (proving.length === 0) {
      yield html`<details${this.serious.length > 0 ? null : verbatim(' open')}><summary>A session as it passed: ${client} to ${server}</summary>\n`;
      yield* this.rows(rungs);
      yield html`</details>\n`;
      return;
    }
    const frames = unique(proving.map(({ frame }) => frame)).join(', ');
    yield html`<section>\n<h2>Proof <small>session ${example.id}, client ${client} to server ${server}</small></h2>
<p class="filter">To see it yourself, open ${fileName(file)} in Wireshark and filter: <code>frame.number in {${frames}}</code></p>\n`;
    yield* this.rows(rungs);
    const masked = rungs.some(({ mark, text }) => mark !== null && /\*{3}|X{3}/.test(text));
    const legend = masked ? html`<mark>marked</mark> bytes were overwritten on the way. ` : null;
    yield html`<p class="hint">${legend}Rows with a bold frame number are proof. The part of mail addresses in front of @ is left out.</p>\n</section>\n`;
  }

  private *rows(rungs: readonly Rung[]): Generator<Markup> {
    yield html`<table class="ladder"><thead><tr><th scope="col">Frame</th><th scope="col">Time (UTC)</th><th scope="col">From</th><th scope="col">What was sent</th></tr></thead>\n<tbody>\n`;
    for (const { frame, time, direction, text, mark } of rungs) {
      if (direction === null) {
        yield html`<tr class="aside"><td></td><td></td><td></td><td class="said">${text}</td></tr>\n`;
        continue;
      }
      const way = direction === 'client' ? 'client →' : '← server';
      const note = mark
        ? html` <span class="why">${printableOctets(mark.note)}</span> ${mark.findings.slice(0, 4).map((id) => html`<span class="tag">${id}</span> `)}`
        : null;
      yield html`<tr class="${direction}${mark ? ' proof' : ' context'}"><td class="frame">${frame}</td><td class="time">${this.places.clock(time)}</td><td class="way">${way}</td><td class="said"><span class="octets">${mark ? maskedText(text) : packetText(text)}</span>${note}</td></tr>\n`;
    }
    yield html`</tbody></table>\n`;
  }

  private *actions(): Generator<Markup> {
    const { diagnoses, servers, evidence, comparison } = this.document;
    const where = (server: Diagnosis['server']): string =>
      servers.length > 1 ? `${server.address} port ${server.port}: ` : '';
    const smallest = unique(
      diagnoses.flatMap((one) => one.smallestChange.map((change) => where(one.server) + change)),
    );
    // What one finding advises belongs together: "Or .." makes no sense alone.
    const remedies = unique(this.serious.slice(0, MAX_ADVISING).map(({ remedy }) => remedy.join(' ')));
    const changes = (smallest.length > 0 ? smallest : remedies).slice(0, MAX_CHANGES);
    const commands = this.commands();
    const files = evidenceFilesOf(this.serious);
    yield html`<section class="change">\n<h2>What to change</h2>
<ul>${changes.map((change) => html`<li>${prose(change)}</li>`)}</ul>
${smallest.length > 0 ? html`<p class="hint">The smallest change that cures what was seen, with its cost.</p>` : null}
</section>\n<section class="verify">\n<h2>How to verify</h2>\n`;
    if (commands.length > 0)
      yield html`<p>On the firewall, to see it there:</p><pre>${verbatimLines(commands)}</pre>\n`;
    if (evidence !== undefined && files.length > 0) {
      yield html`<p>The packets that prove it stand in small captures of their own, one for each finding: ${files.slice(0, MAX_NAMED_FILES).map((name) => html`<code>${name}</code> `)}${files.length > MAX_NAMED_FILES ? `and ${thousands(files.length - MAX_NAMED_FILES)} more` : null}</p>\n`;
    }
    yield comparison
      ? html`<p>After the change capture again on both sides while the same kind of mail passes. Nothing may be changed between the two any more.</p>\n</section>\n`
      : html`<p>After the change capture again while the same kind of mail passes. In the new capture the findings above must be gone.</p>\n</section>\n`;
  }

  /** Of the first box that has a command line: each names its server. */
  private commands(): readonly string[] {
    return this.document.diagnoses.find(({ verify }) => verify.length > 0)?.verify ?? [];
  }

  private *firewallLog(log: FirewallLogBlock): Generator<Markup> {
    const { entries } = log;
    yield html`<section>\n<h2>The firewall’s own log says <small>${fileName(log.file)}</small></h2>
<p>${plural(log.messages, 'message')} of 108002 to 108007 in ${plural(log.lines, 'line')}${log.notJoined > 0 ? `, ${thousands(log.notJoined)} of them of no session here` : ''}.</p>\n<ul>`;
    for (const { line, text, joined } of entries.slice(0, MAX_LOG_LINES)) {
      const { session, joinedBy } = joined.at(-1)!;
      yield html`<li>line ${line}, session ${session} <span class="why">(joined ${JOINED[joinedBy]})</span><br><code>${packetText(text)}</code></li>\n`;
    }
    const more = entries.length - MAX_LOG_LINES;
    if (more > 0) yield html`<li>and ${thousands(more)} more such lines</li>`;
    yield html`</ul>\n</section>\n`;
  }

  private *captures(): Generator<Markup> {
    const { captures, comparison, ports, quality, seen, unchecked } = this.document;
    yield html`<section class="capture">\n<h2>${captures.length === 1 ? 'The capture' : 'The captures'}</h2>\n`;
    for (const capture of captures.slice(0, MAX_CAPTURES)) {
      yield this.capture(capture, captures.length > 1 ? `${capture.name} ` : '');
    }
    if (captures.length > MAX_CAPTURES)
      yield html`<p>and ${plural(captures.length - MAX_CAPTURES, 'more capture')}</p>`;
    const looked = ports.length > 0 ? ` on ports ${ports.join(', ')}` : '';
    yield html`<p>${sessionsText(seen)}${looked}${comparison ? ', both captures together' : ''}. ${this.serious.length > 0 ? quality : null}</p>\n`;
    if (unchecked.length > 0) {
      const items = unchecked.map(({ words, sessions, detail, details }) => {
        const whom = sessions.length > 0 ? ` (${namedSessions(unique(sessions))})` : '';
        const more = details > 1 ? ` And ${thousands(details - 1)} more of the kind.` : '';
        return html`<li>${words}${whom}: ${detail}${more}</li>\n`;
      });
      yield html`<p>Not judged:</p>\n<ul>${items}</ul>\n`;
    }
    yield html`</section>\n`;
  }

  private capture(capture: CaptureBlock, number: string): Markup {
    const { file, first, last, aside } = capture;
    const what = [...capture.contents, capture.size];
    const when = first === null ? '' : `, ${span(first, last ?? first)} UTC`;
    const problems = capture.problems
      .slice(0, MAX_PROBLEMS)
      .map(({ message, code }) => html`<br>! ${message} [${code}]`);
    const more = capture.problems.length - MAX_PROBLEMS;
    return html`<p><strong>${number}${fileName(file)}</strong>: ${what.join(', ')}${when}.${aside.length > 0 ? ` Packets left aside: ${aside.join(', ')}.` : ''}${capture.truncated ? ' Its last packet is cut short.' : ''}${problems}${more > 0 ? html`<br>! and ${plural(more, 'more problem')}` : null}</p>\n`;
  }

  /** What the silence of the page does not speak of. */
  private notChecked(blocks: readonly NotCheckedBlock[]): Markup {
    const count = blocks.reduce((sum, { rules }) => sum + rules.length, 0);
    return html`<details><summary>Not checked: ${plural(count, 'kind')} of interference</summary>
<ul>${blocks.map(({ why, rules }) => html`<li>${why}: ${rules.map(({ title }) => printableOctets(title)).join('; ')}.</li>\n`)}</ul></details>\n`;
  }

  private *excluded({ rules }: ExcludedBlock): Generator<Markup> {
    yield html`<details><summary>Looked for and not found: ${plural(rules.length, 'kind')} of interference</summary>
<ul>${rules.map(({ title, id, extent }) => html`<li>${printableOctets(title)}${extent} <span class="tag">${id}</span></li>\n`)}</ul></details>\n`;
  }

  private closing(): Markup {
    const { version } = this;
    const anonymous = this.document.unchecked.some(({ reason }) => reason === 'anonymized');
    return html`<footer>
<p>certain: octets that no honest server sends, or both sides seen. likely: little else explains it. possible: other things explain it, too, and are named. f1, f2 number the findings, s1, s2 the sessions.</p>
<p>Made by mailwitness${version === undefined ? '' : ` ${version}`} from packets alone, without access to a server or a firewall. It holds no mail text and no passwords; ${anonymous ? 'addresses and names in it are pseudonyms' : 'it does hold addresses and names of machines'}.</p>
</footer>\n</body>\n</html>\n`;
  }

  private readonly filters = (evidence: readonly Evidence[]): Content =>
    displayFilters(evidence).map(({ capture, filter }) => {
      const name = this.places.capture(capture);
      return html`<li class="filter">Wireshark${name === '' ? '' : `, ${name}`}: <code>${filter}</code></li>\n`;
    });
}

/** The day once, where both are of one day. */
function span(first: string, last: string): string {
  if (first === last) return first;
  return `${first} to ${first.slice(0, 10) === last.slice(0, 10) ? last.slice(11) : last}`;
}

function head(sources: string, look: string | null): Markup {
  const digest = sha256(STYLE_SHEET).toString('base64');
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>What happened to mail on its way: ${sources}</title>
<style>${verbatim(STYLE_SHEET)}</style>
</head>
<body${look === null ? null : html` class="${look}"`}>
`;
}

function verbatimLines(lines: readonly string[]): Content {
  return lines.map((line) => [printableText(line), verbatim('\n')]);
}
