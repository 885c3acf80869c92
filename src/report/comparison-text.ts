import type { ComparedPair, Comparison } from '../compare/compare.js';
import { type Difference, isTcp, isTold, type Side, type Spot } from '../compare/pair.js';
import { cutText, enumerate, plural, textWidth, thousands } from './columns.js';
import { Page } from './page.js';
import { inPieces } from './pieces.js';
import { printableOctets, printableText } from './printable.js';
import { type TextOptions, textLines } from './text.js';

/** Pairs whose ladder is shown, and rungs of one ladder; the JSON report has all. */
const MAX_LADDERS = 5;
const MAX_RUNGS = 30;
const MAX_UNPAIRED = 10;
const GUTTER = '  ';

const MATCHED: Readonly<Record<string, string>> = {
  'sequence-numbers': 'sequence numbers',
  timestamps: 'TCP timestamps',
  endpoints: 'addresses and ports',
  'client-port': 'the client’s port',
  message: 'the message',
  dialogue: 'the dialogue',
  clock: 'the clock',
};

/** What a change is called beside a rung. */
const CHANGES: Readonly<Record<Difference['change'], string>> = {
  altered: 'changed',
  removed: 'did not pass',
  added: 'added on the way',
  answered: 'answered by the box',
  unseen: 'not in the other capture',
};

const HOW: Readonly<Record<string, string>> = {
  stars: 'overwritten with asterisks',
  xs: 'overwritten with X’s',
  noop: 'made NOOP',
  blank: 'blank for |',
  other: 'changed',
};

/**
 * What changed between the two captures, for people: the verdict, how the sessions were found, the ladders of both
 * sides beside each other, then the findings as in the report of one capture.
 */
export function comparisonText(comparison: Comparison, options: TextOptions): Iterable<string> {
  return inPieces(new ComparisonText(comparison, options).lines());
}

class ComparisonText {
  private readonly page: Page;

  constructor(
    private readonly comparison: Comparison,
    private readonly options: TextOptions,
  ) {
    this.page = new Page(options.width ?? 80, options.color);
  }

  *lines(): Generator<string> {
    const { analysis, pairs } = this.comparison;
    const changed = pairs.filter(isChanged);
    yield this.page.paragraph(
      this.verdict(changed),
      '',
      pairs.length === 0 ? 'yellow' : changed.length > 0 ? 'bold' : 'green',
    );
    yield* this.matching();
    yield* this.ladders(changed);
    yield* this.unpaired();
    yield* textLines(analysis, { ...this.options, verdict: null });
  }

  private verdict(changed: readonly ComparedPair[]): string {
    const { pairs, analysis } = this.comparison;
    if (pairs.length === 0)
      return 'The two captures have nothing in common: no session of one is in the other.';
    const both = `${plural(pairs.length, 'session')} seen on both sides`;
    if (changed.length === 0) {
      const touched = pairs.some(({ differences }) => differences.some(isTcp));
      const but = touched ? ' TCP was touched (see below), the mail was not.' : '';
      return `Nothing was changed between the two captures, in ${both}.${but}`;
    }
    const subjects = [
      ...new Set(changed.flatMap(({ differences }) => differences.filter(isTold).map(subjectOf))),
    ];
    const certain = analysis.findings.filter(
      ({ proof, confidence }) => proof === 'octets' && confidence === 'certain',
    );
    const proof = certain.length > 0 ? ' Both sides were seen: this is proved octet by octet.' : '';
    return `The box between the two captures changed ${enumerate(subjects)} in ${thousands(changed.length)} of ${both}.${proof}`;
  }

  private *matching(): Generator<string> {
    const { pairs, clock, nearerServer, nearerServerBecause, notes } = this.comparison;
    const { page } = this;
    yield '\n';
    yield page.line(['How they were compared', 'bold']);
    const means = [...new Set(pairs.flatMap(({ matchedBy }) => matchedBy))].map((by) => MATCHED[by] ?? by);
    if (means.length > 0) yield page.paragraph(`Sessions were matched by ${enumerate(means)}.`, '  ');
    if (clock) {
      const ahead = clock.offsetUs >= 0 ? 'ahead of' : 'behind';
      const away = `${secondsText(Math.abs(clock.offsetUs))} ${ahead} the outside’s`;
      const drift = clock.driftPpm === 0 ? '' : `, drifting by ${clock.driftPpm.toFixed(1)} ppm`;
      yield page.paragraph(
        `The inside’s clock is ${Math.abs(clock.offsetUs) < 1000 ? 'within a millisecond of the outside’s' : away}${drift} (${plural(clock.pairs, 'pair')}).`,
        '  ',
      );
    }
    const nearer =
      nearerServer === null
        ? 'Which side is nearer the server cannot be told; inside was taken for it.'
        : `The ${nearerServer} is nearer the server.`;
    yield page.paragraph(`${nearer} ${printableText(nearerServerBecause)}`, '  ');
    for (const note of notes) yield page.paragraph(printableText(note), '  ! ', 'yellow');
  }

  private *ladders(changed: readonly ComparedPair[]): Generator<string> {
    const alike = new Map<string, ComparedPair[]>();
    for (const pair of changed) {
      const key = pair.differences.filter(isTold).map(signature).join('\n');
      const others = alike.get(key);
      if (others) others.push(pair);
      else alike.set(key, [pair]);
    }
    const kinds = [...alike.values()];
    for (const [pair, ...others] of kinds.slice(0, MAX_LADDERS)) yield* this.ladder(pair!, others.length);
    if (kinds.length > MAX_LADDERS) {
      yield this.page.paragraph(
        `and ${plural(kinds.length - MAX_LADDERS, 'other pattern')} of changes, in the JSON report.`,
        '  ',
        'dim',
      );
    }
    const tcp = tcpChanges(this.comparison.pairs);
    if (tcp.length === 0) return;
    yield '\n';
    yield this.page.line(['  TCP', 'bold']);
    for (const line of tcp) yield this.page.paragraph(line, '    - ');
  }

  /** The client's side at the left, the server's at the right. */
  private *ladder({ inside, outside, differences }: ComparedPair, others: number): Generator<string> {
    const { page } = this;
    const server: Side = this.comparison.nearerServer ?? 'inside';
    const client: Side = server === 'inside' ? 'outside' : 'inside';
    const ids = { inside: `s${inside}`, outside: `s${outside}` };
    const same = others > 0 ? `and ${plural(others, 'other pair')} alike` : '';
    yield '\n';
    yield page.spread(
      [[`Session ${ids[client]} ${client}, ${ids[server]} ${server}`, 'bold']],
      [same, 'dim'],
      '─',
    );
    const width = Math.floor((page.width - GUTTER.length - 2) / 2);
    yield page.line(
      ['  '],
      [`client’s side (${client})`.padEnd(width), 'dim'],
      [GUTTER],
      [`server’s side (${server})`, 'dim'],
    );
    const rungs = differences.filter(isTold);
    for (const difference of rungs.slice(0, MAX_RUNGS)) yield* this.rung(difference, width);
    if (rungs.length > MAX_RUNGS)
      yield page.paragraph(`and ${plural(rungs.length - MAX_RUNGS, 'other change')}`, '  ', 'dim');
  }

  private *rung(difference: Difference, width: number): Generator<string> {
    const { page } = this;
    const { direction, before, after, ranges, change, how, subject, octets } = difference;
    const [left, right] = direction === 'client' ? [before, after] : [after, before];
    const arrow = direction === 'client' ? '→' : '←';
    const what =
      change === 'altered' ? `${HOW[how ?? 'other']}, ${plural(octets, 'octet')}` : CHANGES[change];
    yield page.line(
      ['  '],
      [`${frameOf(left)} ${arrow} ${frameOf(right)}  `, 'cyan'],
      [`${subject}: ${what}`, 'dim'],
    );
    const start = Math.max(0, (ranges[0]?.[0] ?? 0) - 8);
    const [l, r] = [windowOf(left, start, width), windowOf(right, start, width)];
    yield page.line(['  '], [padded(l, width)], [GUTTER], [padded(r, width)]);
    const marks = marked(ranges, start, width);
    if (marks.trim() === '' || left === null || right === null) return;
    yield page.line(['  '], [padded(marks, width), 'yellow'], [GUTTER], [marks, 'yellow']);
  }

  private *unpaired(): Generator<string> {
    const { unpaired } = this.comparison;
    if (unpaired.length === 0) return;
    yield '\n';
    yield this.page.line([`Seen on one side only (${thousands(unpaired.length)})`, 'bold']);
    for (const { side, session, reason, detail } of unpaired.slice(0, MAX_UNPAIRED)) {
      yield this.page.paragraph(`${side} s${session}, ${reason}: ${printableText(detail)}`, '  - ');
    }
    if (unpaired.length > MAX_UNPAIRED)
      yield this.page.paragraph(`and ${thousands(unpaired.length - MAX_UNPAIRED)} more`, '  - ', 'dim');
  }
}

function isChanged({ differences }: ComparedPair): boolean {
  return differences.some(isTold);
}

function subjectOf({ subject, verb }: Difference): string {
  switch (subject) {
    case 'greeting':
      return 'the greeting';
    case 'keyword':
      return 'keywords of the EHLO reply';
    case 'command':
      return verb === null || verb.startsWith('(') ? 'commands' : `the command ${printableOctets(verb)}`;
    case 'reply':
      return 'replies';
    case 'message':
      return 'the octets of messages';
    case 'tls':
      return 'the TLS handshake';
    case 'end-of-data':
      return 'the end of messages';
    default:
      return 'how the connection ended';
  }
}

/** Changes that read the same are told once. */
function signature({ change, subject, how, verb, before, after }: Difference): string {
  return JSON.stringify([change, subject, how, verb, before?.text, after?.text]).replace(NUMBERS, '#');
}

/** Times, queue ids and counters: what differs from one mail to the next. */
const NUMBERS = /[0-9A-Fa-f]*\d[0-9A-Fa-f]*/g;

function tcpChanges(pairs: readonly ComparedPair[]): string[] {
  const counts = new Map<string, number>();
  for (const { differences } of pairs) {
    for (const { subject, direction, change, before, after } of differences.filter(isTcp)) {
      const numbers = subject === 'sequence-numbers';
      const values = numbers ? 'rewritten' : `${before?.text ?? 'none'} became ${after?.text ?? 'none'}`;
      const line = `${direction}’s ${subject.replace('-', ' ')}: ${change === 'unseen' ? 'not seen' : values}`;
      counts.set(line, (counts.get(line) ?? 0) + 1);
    }
  }
  return [...counts]
    .slice(0, MAX_RUNGS)
    .map(([line, count]) => `${printableOctets(line)} (${plural(count, 'session')})`);
}

function frameOf(spot: Spot | null): string {
  return spot === null ? '·' : `frame ${spot.packet}`;
}

/** As much of the text as fits, from the octet `start` on. */
function windowOf(spot: Spot | null, start: number, width: number): string {
  if (spot === null) return '(nothing)';
  const text = printableOctets(spot.text.slice(start));
  const lead = start > 0 ? '…' : '';
  const [first = ''] = cutText(`${lead}${text}`, width - 1);
  return textWidth(`${lead}${text}`) > width ? `${first}…` : `${lead}${text}`;
}

/** `^` below each octet that differs; only where every octet is one column. */
function marked(ranges: Difference['ranges'], start: number, width: number): string {
  const lead = start > 0 ? 1 : 0;
  let marks = '';
  for (const [from, to] of ranges) {
    const [at, end] = [from - start + lead, Math.min(to - start + lead, width)];
    if (at >= width) break;
    marks = `${marks.padEnd(at)}${'^'.repeat(Math.max(0, end - at))}`;
  }
  return marks;
}

function padded(text: string, width: number): string {
  return `${text}${' '.repeat(Math.max(0, width - textWidth(text)))}`;
}

/** `0.4 ms`, `3 min 17.2 s` */
function secondsText(us: number): string {
  if (us < 1_000_000) return `${(us / 1000).toFixed(1)} ms`;
  const seconds = us / 1e6;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = `${(seconds - minutes * 60).toFixed(1)} s`;
  return minutes < 60
    ? `${minutes} min ${rest}`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min ${rest}`;
}
