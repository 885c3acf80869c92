import type { Analysis, CaptureResult } from '../../analyze.js';
import { formatTimestamp, type Timestamp } from '../../capture/timestamp.js';
import type { Comparison } from '../../compare/compare.js';
import type { Diagnosis } from '../../diagnose/diagnosis.js';
import type { Evidence, Finding } from '../../finding/finding.js';
import { enumerate, plural, thousands } from '../../finding/words.js';
import { sha256 } from '../../platform/platform.js';
import { catalog } from '../../rules/catalog.js';
import { inPieces } from '../chunked.js';
import { captureNames, comparisonVerdict } from '../document/comparison-words.js';
import { displayFilters } from '../document/display-filter.js';
import {
  byRule,
  byServer,
  captureName,
  JOINED,
  LINK_TYPES,
  naming,
  PROOF,
  toSeconds,
  unique,
} from '../document/grouping.js';
import { quality, unjudged } from '../document/quality.js';
import { ladder, type Rung } from '../document/sequence-diagram.js';
import { printableOctets, printableText } from '../printable.js';
import { fileName, verdict } from '../verdict.js';
import { type BarClass, bar, type Stretch, sign } from './bars.js';
import { comparedBar, comparedLadders, comparedState, howSection } from './comparison-page.js';
import { findingCard } from './finding-card.js';
import { type Content, html, type Markup, verbatim } from './markup.js';
import { maskedText, packetText, prose } from './packet-text.js';
import { type PageFacts, pageFacts } from './page-facts.js';
import { STYLE_SHEET } from './style-sheet.js';

/** What was asked for, and by which release it was answered. */
export interface HtmlOptions {
  /** Ports that were looked at. */
  readonly ports?: readonly number[];
  /** Ids of the rules that were asked, in the order of the catalogue. */
  readonly rules?: readonly string[];
  /** Findings that the analysis no longer holds because they are less certain than was asked for. */
  readonly leftOut?: number;
  /** Directory of the evidence captures. */
  readonly evidence?: string;
  readonly version?: string;
  /** The analysis is that of two captures which were held against each other. */
  readonly comparison?: Comparison;
}

/** Servers, and findings of one server under headings of their own, that are told; the JSON report has all. */
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
  return inPieces(texts(new HtmlReport(analysis, options).page()));
}

/** The same of two captures of the same traffic: what was changed between them, both sides beside each other. */
export function comparisonHtml(comparison: Comparison, options: HtmlOptions): Iterable<string> {
  return htmlReport(comparison.analysis, { ...options, comparison });
}

function* texts(parts: Iterable<Markup>): Generator<string> {
  for (const { text } of parts) yield text;
}

class HtmlReport {
  private readonly facts: PageFacts;
  private readonly serious: readonly Finding[];
  private readonly servers: readonly [string, Finding[]][];
  /** Several days are covered: times need their date. */
  private readonly dated: boolean;
  private readonly names: readonly string[] | undefined;

  constructor(
    private readonly analysis: Analysis,
    private readonly options: HtmlOptions,
  ) {
    this.names = options.comparison && captureNames(options.comparison);
    this.facts = pageFacts(analysis);
    this.serious = analysis.findings.filter(({ severity }) => severity !== 'info');
    this.servers = byServer(analysis.findings);
    const days = analysis.captures
      .flatMap(({ facts }) => [facts.first, facts.last])
      .map((time) => formatTimestamp(time)?.slice(0, 10))
      .filter((day) => day !== undefined);
    this.dated = new Set(days).size > 1;
  }

  *page(): Generator<Markup> {
    const { comparison } = this.options;
    yield head(this.sources(), comparison ? 'compared' : null);
    yield* this.opening();
    if (comparison) yield* comparedLadders(comparison);
    for (const [name, findings] of this.servers.slice(0, MAX_SERVERS)) yield* this.server(name, findings);
    const more = this.servers.length - MAX_SERVERS;
    if (more > 0) yield html`<p>and ${plural(more, 'more server')}: the JSON report has them all.</p>\n`;
    if (comparison) yield* howSection(comparison);
    else yield* this.ladder();
    yield* this.firewallLog();
    if (this.serious.length > 0) {
      const wide = this.commands().length >= MANY_COMMANDS;
      yield html`<div class="${wide ? 'two tall' : 'two'}">\n`;
      yield* this.actions();
      yield* this.captures();
      yield html`</div>\n`;
    } else yield* this.captures();
    yield* this.notSeen();
    yield this.closing();
  }

  private *opening(): Generator<Markup> {
    const { analysis, facts } = this;
    const { smtp, messages } = facts.seen;
    const { comparison, leftOut = 0 } = this.options;
    const [kind, state] = comparison ? comparedState(comparison) : this.state();
    const said = comparison ? comparisonVerdict(comparison) : verdict(analysis, facts.seen, leftOut);
    yield html`<header>
<p class="kicker">What happened to mail on its way, as packets show it · ${this.sources()}</p>
<div class="verdict ${kind}"><p class="state">${state}</p>
<h1>${said}</h1></div>
`;
    yield* comparison ? comparedBar(comparison) : this.sessions();
    if (this.serious.length === 0 && smtp > 0) {
      yield html`<p>${plural(this.asked().length, 'kind')} of interference by firewalls and proxies were looked for in ${plural(smtp, 'session')} with ${plural(messages, 'message')}, and not seen. ${facts.seen.partly > 0 ? '' : 'The capture is good enough to have seen them. '}${quality(analysis, facts.seen)}</p>\n`;
    }
    yield html`</header>\n`;
  }

  /** What the verdict rests on, in a few words and a shape. */
  private state(): [kind: string, words: string] {
    const { seen, found, wordlessFound } = this.facts;
    const { length } = this.serious;
    if (length > 0) {
      const affected = found + wordlessFound;
      return [
        'found',
        `■ ${plural(length, 'finding')} in ${thousands(affected)} of ${plural(seen.smtp + seen.other, 'session')}`,
      ];
    }
    if (seen.smtp === 0) return ['unsure', '◐ Nothing to judge'];
    return seen.partly === 0
      ? ['clean', '✔ Nothing found']
      : ['unsure', '◐ Nothing found in what could be judged'];
  }

  private sources(): string {
    const { captures } = this.analysis;
    const [first] = captures;
    if (!first) return 'no capture';
    if (this.names) return unique(captures.map(({ file }) => fileName(file))).join(' and ');
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

  private *server(name: string, findings: readonly Finding[]): Generator<Markup> {
    if (this.servers.length > 1) yield html`<h2 class="server">Server ${name}</h2>\n`;
    const [{ server }] = findings as readonly [Finding];
    const diagnoses = this.analysis.diagnoses.filter(
      (one) => one.server.address === server.address && one.server.port === server.port,
    );
    if (diagnoses.length > 0) {
      yield html`<section>\n<h2>What did it, as far as packets tell</h2>\n`;
      for (const diagnosis of diagnoses) yield* this.diagnosis(diagnosis);
      yield html`</section>\n`;
    }
    const sessions = new Set(findings.flatMap((finding) => finding.sessions)).size;
    const notes = findings.filter(({ severity }) => severity === 'info').length;
    const counts = [
      ...(findings.length > notes ? [plural(findings.length - notes, 'finding')] : []),
      ...(notes > 0 ? [plural(notes, 'note')] : []),
    ];
    yield html`<section>\n<h2>What was seen <small>${enumerate(counts)} in ${plural(sessions, 'session')}</small></h2>\n`;
    if (diagnoses.length === 0) {
      yield html`<p class="why">The packets show what happened to this mail. They do not tell which box did it, if one did.</p>\n`;
    }
    const groups = byRule(findings);
    const view = { place: this.place, clock: this.clock, attempts: this.facts.attempts };
    for (const [index, group] of groups.slice(0, MAX_GROUPS).entries()) {
      yield* findingCard(group, index < OPEN_GROUPS && (index === 0 || group[0]!.severity !== 'info'), {
        ...view,
        filters: this.filters,
      });
    }
    const more = groups.slice(MAX_GROUPS).reduce((sum, group) => sum + group.length, 0);
    if (more > 0) yield html`<p>and ${plural(more, 'more finding')}: the JSON report has them all.</p>\n`;
    yield html`</section>\n`;
  }

  private *diagnosis(diagnosis: Diagnosis): Generator<Markup> {
    const [first, ...others] = diagnosis.proved;
    yield html`<p><strong>${diagnosis.summary}</strong> <span class="sure">(${diagnosis.confidence}${first ? `; ${PROOF[first.proof]}, ${naming(first.findings)}` : ''})</span></p>\n`;
    for (const { what, proof, findings } of others) {
      yield html`<p>Also: ${what} <span class="sure">(${PROOF[proof]}, ${naming(findings)})</span></p>\n`;
    }
    const { kind, why } = diagnosis.actor;
    yield html`<p>${kind === 'appliance' ? 'A box rather than an attacker' : 'Box or attacker cannot be told'}: ${why}</p>\n`;
    yield html`<p class="why">Not proved: ${diagnosis.notProved.join(' ')}</p>\n`;
    yield html`<details><summary>What was ruled out, and where it is written</summary>
<dl>${diagnosis.ruledOut.map((box) => html`<dt>Ruled out</dt><dd>${box}</dd>`)}
${diagnosis.proved.map(({ what, source }) => html`<dt>Source</dt><dd>${what}: ${source}</dd>`)}</dl></details>\n`;
  }

  /** The one session that shows most, row by row, so that the page and the packet viewer can be laid side by side. */
  private *ladder(): Generator<Markup> {
    const { telling, marks } = this.facts;
    if (telling === null) return;
    const rungs = ladder(telling, marks);
    if (rungs.length === 0) return;
    const proving = rungs.filter(({ mark, frame }) => mark !== null && frame !== null);
    const client = `${telling.client.address} port ${telling.client.port}`;
    const server = `${telling.server.address} port ${telling.server.port}`;
    const file = this.analysis.captures[telling.capture]?.file ?? '-';
    if (proving.length === 0) {
      yield html`<details${this.serious.length > 0 ? null : verbatim(' open')}><summary>A session as it passed: ${client} to ${server}</summary>\n`;
      yield* this.rows(rungs);
      yield html`</details>\n`;
      return;
    }
    const frames = unique(proving.map(({ frame }) => frame)).join(', ');
    yield html`<section>\n<h2>Proof <small>session ${telling.id}, client ${client} to server ${server}</small></h2>
<p class="filter">To see it yourself, open ${fileName(file)} in Wireshark and filter: <code>frame.number in {${frames}}</code></p>\n`;
    yield* this.rows(rungs);
    const masked = rungs.some(({ mark, text }) => mark !== null && /\*{3}|X{3}/.test(text));
    const legend = masked ? html`<mark>marked</mark> octets were overwritten on the way. ` : null;
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
      yield html`<tr class="${direction}${mark ? ' proof' : ' context'}"><td class="frame">${frame}</td><td class="time">${this.clock(time)}</td><td class="way">${way}</td><td class="said"><span class="octets">${mark ? maskedText(text) : packetText(text)}</span>${note}</td></tr>\n`;
    }
    yield html`</tbody></table>\n`;
  }

  private *actions(): Generator<Markup> {
    const { diagnoses } = this.analysis;
    const where = (server: Diagnosis['server']): string =>
      this.servers.length > 1 ? `${server.address} port ${server.port}: ` : '';
    const smallest = unique(
      diagnoses.flatMap((one) => one.smallestChange.map((change) => where(one.server) + change)),
    );
    // What one finding advises belongs together: "Or .." makes no sense alone.
    const remedies = unique(this.serious.slice(0, MAX_ADVISING).map(({ remedy }) => remedy.join(' ')));
    const changes = (smallest.length > 0 ? smallest : remedies).slice(0, MAX_CHANGES);
    const commands = this.commands();
    const { evidence } = this.options;
    const files = this.serious.flatMap(({ evidenceFile }) => evidenceFile ?? []);
    yield html`<section class="change">\n<h2>What to change</h2>
<ul>${changes.map((change) => html`<li>${prose(change)}</li>`)}</ul>
${smallest.length > 0 ? html`<p class="hint">The smallest change that cures what was seen, with its cost.</p>` : null}
</section>\n<section class="verify">\n<h2>How to verify</h2>\n`;
    if (commands.length > 0)
      yield html`<p>On the box, to see it there:</p><pre>${verbatimLines(commands)}</pre>\n`;
    if (evidence !== undefined && files.length > 0) {
      yield html`<p>The packets that prove it stand in small captures of their own, one for each finding: ${files.slice(0, MAX_NAMED_FILES).map((name) => html`<code>${name}</code> `)}${files.length > MAX_NAMED_FILES ? `and ${thousands(files.length - MAX_NAMED_FILES)} more` : null}</p>\n`;
    }
    yield this.names
      ? html`<p>After the change capture again on both sides while the same kind of mail passes. Nothing may be changed between the two any more.</p>\n</section>\n`
      : html`<p>After the change capture again while the same kind of mail passes. In the new capture the findings above must be gone.</p>\n</section>\n`;
  }

  /** Of the first box that has a command line: each names its server. */
  private commands(): readonly string[] {
    return this.analysis.diagnoses.find(({ verify }) => verify.length > 0)?.verify ?? [];
  }

  private *firewallLog(): Generator<Markup> {
    const log = this.analysis.firewallLog;
    if (log === null) return;
    const lines = new Map(log.joined.map((joined) => [joined.record.line, joined]));
    yield html`<section>\n<h2>The firewall’s own log says <small>${fileName(log.file)}</small></h2>
<p>${plural(log.records.length, 'message')} of 108002 to 108007 in ${plural(log.lines, 'line')}${log.notJoined > 0 ? `, ${thousands(log.notJoined)} of them of no session here` : ''}.</p>\n<ul>`;
    for (const { record, joinedBy, session } of [...lines.values()].slice(0, MAX_LOG_LINES)) {
      yield html`<li>line ${record.line}, session ${session} <span class="why">(joined ${JOINED[joinedBy]})</span><br><code>${packetText(record.text)}</code></li>\n`;
    }
    if (lines.size > MAX_LOG_LINES)
      yield html`<li>and ${thousands(lines.size - MAX_LOG_LINES)} more such lines</li>`;
    yield html`</ul>\n</section>\n`;
  }

  private *captures(): Generator<Markup> {
    const { captures } = this.analysis;
    const { smtp, other, messages } = this.facts.seen;
    yield html`<section class="capture">\n<h2>${captures.length === 1 ? 'The capture' : 'The captures'}</h2>\n`;
    for (const [index, capture] of captures.slice(0, MAX_CAPTURES).entries()) {
      const name = this.names?.[index] ?? String(index + 1);
      yield this.capture(capture, captures.length > 1 ? `${name} ` : '');
    }
    if (captures.length > MAX_CAPTURES)
      yield html`<p>and ${plural(captures.length - MAX_CAPTURES, 'more capture')}</p>`;
    const ports = this.options.ports?.length ? ` on ports ${this.options.ports.join(', ')}` : '';
    const others = other > 0 ? `, and ${plural(other, 'connection')} without SMTP` : '';
    yield html`<p>${plural(smtp, 'SMTP session')} with ${plural(messages, 'message')}${others}${ports}${this.names ? ', both captures together' : ''}. ${this.serious.length > 0 ? quality(this.analysis, this.facts.seen) : null}</p>\n`;
    const reasons = unjudged(this.analysis.notAssessed);
    if (reasons.length > 0) {
      yield html`<p>Not judged:</p>\n<ul>${reasons.map(({ reason, whom, detail }) => html`<li>${reason}${whom}: ${detail}</li>\n`)}</ul>\n`;
    }
    yield html`</section>\n`;
  }

  private capture({ file, facts, skipped }: CaptureResult, number: string): Markup {
    const links = unique(facts.linkTypes.map((type) => LINK_TYPES[type] ?? `link type ${type}`));
    const what = [facts.format, ...links, plural(facts.packets, 'packet'), plural(facts.bytes, 'octet')];
    const [first, last] = [toSeconds(facts.first), toSeconds(facts.last)];
    const when = first === null ? '' : `, ${span(first, last ?? first)} UTC`;
    const aside = Object.entries(skipped).map(
      ([reason, count]) => `${thousands(count)} ${printableOctets(reason)}`,
    );
    const problems = facts.problems
      .slice(0, MAX_PROBLEMS)
      .map(({ message, code }) => html`<br>! ${message} [${code}]`);
    const more = facts.problems.length - MAX_PROBLEMS;
    return html`<p><strong>${number}${fileName(file)}</strong>: ${what.join(', ')}${when}.${aside.length > 0 ? ` Packets left aside: ${aside.join(', ')}.` : ''}${facts.truncated ? ' Its last packet is cut short.' : ''}${problems}${more > 0 ? html`<br>! and ${plural(more, 'more problem')}` : null}</p>\n`;
  }

  /** Rules that were asked and had nothing to say. */
  private asked(): { title: string; id: string }[] {
    const spoken = new Set(this.analysis.findings.map(({ rule }) => rule));
    const asked = new Set(this.options.rules ?? []);
    return catalog.map(({ meta }) => meta).filter(({ id }) => asked.has(id) && !spoken.has(id));
  }

  private *notSeen(): Generator<Markup> {
    const silent = this.asked();
    if (silent.length === 0 || this.facts.seen.smtp === 0) return;
    yield html`<details><summary>Looked for and not found: ${plural(silent.length, 'kind')} of interference</summary>
<ul>${silent.map(({ title, id }) => html`<li>${printableOctets(title)} <span class="tag">${id}</span></li>\n`)}</ul></details>\n`;
  }

  private closing(): Markup {
    const { version } = this.options;
    const anonymous = this.analysis.notAssessed.some(({ reason }) => reason === 'anonymized');
    return html`<footer>
<p>certain: octets that no honest server sends, or both sides seen. likely: little else explains it. possible: other things explain it, too, and are named. f1, f2 number the findings, s1, s2 the sessions.</p>
<p>Made by mailwitness${version === undefined ? '' : ` ${version}`} from packets alone, without access to a server or a firewall. It holds no mail text and no passwords; ${anonymous ? 'addresses and names in it are pseudonyms' : 'it does hold addresses and names of machines'}.</p>
</footer>\n</body>\n</html>\n`;
  }

  private readonly place = ({ capture, packet }: Pick<Evidence, 'capture' | 'packet'>): string =>
    `${captureName(this.analysis, this.names, capture)} frame ${packet}`.trimStart();

  private readonly filters = (evidence: readonly Evidence[]): Content =>
    displayFilters(evidence).map(({ capture, filter }) => {
      const name = captureName(this.analysis, this.names, capture);
      return html`<li class="filter">Wireshark${name === '' ? '' : `, ${name}`}: <code>${filter}</code></li>\n`;
    });

  private readonly clock = (time: Timestamp | null): string => {
    const text = formatTimestamp(time && { ...time, digits: Math.min(3, time.digits) });
    if (text === null) return '';
    return this.dated ? text.slice(0, -1).replace('T', ' ') : text.slice(11, -1);
  };
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
