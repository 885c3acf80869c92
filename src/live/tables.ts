import type { Finding } from '../finding/finding.js';
import { compareSeverity, SEVERITIES } from '../finding/finding.js';
import { plural, thousands } from '../finding/words.js';
import { printableOctets } from '../report/printable.js';
import type { Endpoint } from '../stream/event.js';
import type { Fields } from './row-filter.js';
import type { Glyphs, Span } from './screen.js';
import type { Opened, View } from './ui-state.js';
import type { DuplicateRow, SessionRow, Watch } from './watch.js';
import { clock, severityOf, sizeText, stateOf, stateWord } from './wording.js';

/** A column: so wide, or what the others leave; shown where the screen has so many columns, and no more. */
export interface Column<Row> {
  readonly title: string;
  readonly width: number | 'rest';
  readonly from: number;
  readonly to?: number;
  readonly align?: 'right';
  cell(row: Row, cells: Cells): Span;
}

/** What cells need beside their row. */
export interface Cells {
  readonly glyphs: Glyphs;
  /** Findings by id. */
  readonly findings: ReadonlyMap<string, Finding>;
}

/** One of the lists. */
export interface Table<Row> {
  /** Newest first. */
  all(watch: Watch): Iterable<Row>;
  /** The same as numbers, where rows are made of these. */
  numbers?(watch: Watch): Iterable<number>;
  row?(watch: Watch, number: number): Row | null;
  key(row: Row): string;
  /** By the name of the order; `newest` needs none. */
  compare(order: string, a: Row, b: Row): number;
  readonly columns: readonly Column<Row>[];
  fields(row: Row): Fields;
  enters(row: Row): Opened | null;
  /** The line where there are none. */
  readonly nothing: string;
}

function endpoint({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function lower(text: string | null): string {
  return text === null ? '' : printableOctets(text).toLowerCase();
}

const FOUND: Column<{ readonly findings: readonly string[] }> = {
  title: 'FOUND',
  width: 5,
  from: 0,
  cell: ({ findings: ids }, { glyphs, findings }) => {
    if (ids.length === 0) return ['', 'plain'];
    const known = ids.flatMap((id) => findings.get(id)?.severity ?? []);
    const worst = SEVERITIES.find((severity) => known.includes(severity)) ?? 'info';
    const [shape, style] = severityOf(worst, glyphs);
    return [`${shape.split(' ')[0]} ${ids.length}`, style];
  },
};

const SESSIONS_ORDERS: Readonly<Record<string, (a: SessionRow, b: SessionRow) => number>> = {
  findings: (a, b) => b.findings.length - a.findings.length || b.number - a.number,
  messages: (a, b) => b.messages - a.messages || b.number - a.number,
  client: (a, b) => compared(a.client.address, b.client.address) || b.number - a.number,
  server: (a, b) => compared(a.server.address, b.server.address) || b.number - a.number,
};

const SESSIONS: Table<SessionRow> = {
  all: (watch) => watch.sessions(),
  numbers: (watch) => watch.sessionNumbers(),
  row: (watch, number) => watch.sessionRow(number),
  key: ({ number }) => String(number),
  compare: (order, a, b) => SESSIONS_ORDERS[order]?.(a, b) ?? 0,
  columns: [
    { title: '#', width: 7, from: 0, align: 'right', cell: ({ number }) => [String(number), 'dim'] },
    { title: 'STATE', width: 8, from: 0, cell: ({ state }, { glyphs }) => stateOf(state, glyphs) },
    { title: 'START', width: 8, from: 96, cell: ({ start }) => [clock(start), 'plain'] },
    { title: 'CLIENT', width: 21, from: 0, cell: ({ client }) => [endpoint(client), 'plain'] },
    { title: 'SERVER', width: 18, from: 76, cell: ({ server }) => [endpoint(server), 'plain'] },
    { title: 'HELO', width: 24, from: 130, cell: ({ helo }) => [printableOctets(helo ?? ''), 'plain'] },
    {
      title: 'MSGS',
      width: 4,
      from: 110,
      align: 'right',
      cell: ({ messages }) => [messages === 0 ? '' : String(messages), 'plain'],
    },
    FOUND,
    {
      title: 'LAST LINE',
      width: 'rest',
      from: 0,
      cell: ({ lastLine, encrypted }) =>
        encrypted ? ['(encrypted)', 'dim'] : [printableOctets(lastLine ?? ''), 'plain'],
    },
  ],
  fields: (row) => ({
    number: String(row.number),
    state: stateWord(row.state),
    client: endpoint(row.client),
    server: endpoint(row.server),
    helo: lower(row.helo),
    line: lower(row.lastLine),
    found: row.findings.join(' '),
  }),
  enters: ({ number }) => ({ kind: 'session', key: String(number) }),
  nothing: 'No session yet.',
};

const FINDINGS_ORDERS: Readonly<Record<string, (a: Finding, b: Finding) => number>> = {
  severity: (a, b) => compareSeverity(a.severity, b.severity) || b.count - a.count || compared(a.id, b.id),
  count: (a, b) => b.count - a.count || compared(a.id, b.id),
  rule: (a, b) => compared(a.rule, b.rule) || compared(a.id, b.id),
};

const FINDINGS: Table<Finding> = {
  all: (watch) => [...watch.findings()].reverse(),
  key: ({ id }) => id,
  compare: (order, a, b) => FINDINGS_ORDERS[order]?.(a, b) ?? 0,
  columns: [
    {
      title: 'SEVERITY',
      width: 8,
      from: 0,
      cell: ({ severity }, { glyphs }) => severityOf(severity, glyphs),
    },
    { title: 'SURE', width: 8, from: 0, cell: ({ confidence }) => [confidence, 'plain'] },
    { title: 'SERVER', width: 18, from: 76, cell: ({ server }) => [endpoint(server), 'plain'] },
    { title: 'TIMES', width: 6, from: 0, align: 'right', cell: ({ count }) => [thousands(count), 'plain'] },
    {
      title: 'WHAT',
      width: 'rest',
      from: 0,
      to: 119,
      cell: ({ title }) => [printableOctets(title), 'plain'],
    },
    { title: 'WHAT', width: 38, from: 120, cell: ({ title }) => [printableOctets(title), 'plain'] },
    {
      title: 'WHAT WAS FOUND',
      width: 'rest',
      from: 120,
      cell: ({ message }) => [printableOctets(message), 'plain'],
    },
    { title: 'RULE', width: 24, from: 150, cell: ({ rule }) => [rule, 'dim'] },
  ],
  fields: ({ severity, confidence, server, title, message, rule, id }) => ({
    severity: severity === 'info' ? 'note info' : severity,
    sure: confidence,
    server: endpoint(server),
    rule,
    id,
    text: `${lower(title)} ${lower(message)}`,
  }),
  enters: ({ id }) => ({ kind: 'finding', key: id }),
  nothing: 'Nothing was found so far.',
};

const DUPLICATES: Table<DuplicateRow> = {
  all: (watch) => watch.duplicates(),
  key: ({ messageId, from, first }) => `${messageId} ${from} ${first?.us}`,
  compare: (_, a, b) => b.copies - a.copies,
  columns: [
    { title: 'COPIES', width: 6, from: 0, align: 'right', cell: ({ copies }) => [thousands(copies), 'bold'] },
    {
      title: 'ACCEPTED',
      width: 8,
      from: 0,
      align: 'right',
      cell: ({ accepted }) => [thousands(accepted), accepted > 1 ? 'red' : 'plain'],
    },
    { title: 'FIRST', width: 8, from: 0, cell: ({ first }) => [clock(first), 'plain'] },
    { title: 'LAST', width: 8, from: 0, cell: ({ last }) => [clock(last), 'plain'] },
    { title: 'FROM', width: 28, from: 96, cell: ({ from }) => [printableOctets(from ?? ''), 'plain'] },
    {
      title: 'FOUND',
      width: 5,
      from: 0,
      cell: ({ finding }, cells) => FOUND.cell({ findings: finding === null ? [] : [finding] }, cells),
    },
    {
      title: 'MESSAGE-ID',
      width: 'rest',
      from: 0,
      cell: ({ messageId }) => [messageId === null ? '(none)' : printableOctets(messageId), 'plain'],
    },
  ],
  fields: ({ messageId, from, finding }) => ({
    id: lower(messageId),
    from: lower(from),
    found: finding ?? '',
  }),
  enters: ({ finding, sessions: [first] }) =>
    finding !== null
      ? { kind: 'finding', key: finding }
      : first === undefined
        ? null
        : { kind: 'session', key: String(first) },
  nothing: 'No message was seen twice.',
};

/** One line of the view Health: what, and how much of it. */
interface Fact {
  readonly what: string;
  readonly value: Span;
  readonly note: string;
}

const HEALTH: Table<Fact> = {
  all: (watch) => [...facts(watch)].reverse(),
  key: ({ what }) => what,
  compare: () => 0,
  columns: [
    { title: 'WHAT', width: 30, from: 0, cell: ({ what }) => [what, 'plain'] },
    { title: 'VALUE', width: 10, from: 0, align: 'right', cell: ({ value }) => value },
    { title: 'NOTE', width: 'rest', from: 0, cell: ({ note }) => [note, 'dim'] },
  ],
  fields: ({ what, note }) => ({ what: what.toLowerCase(), note: note.toLowerCase() }),
  enters: () => null,
  nothing: '',
};

function* facts({ counts, health, source }: Watch): Generator<Fact> {
  const number = (value: number): Span => [thousands(value), 'plain'];
  yield {
    what: 'packets a second',
    value: number(health.packetsPerSecond),
    note: `${thousands(counts.packets)} in all, ${sizeText(counts.octets)}`,
  };
  yield {
    what: 'packets lost by the capture',
    value:
      counts.drops === null
        ? ['unknown', 'yellow']
        : [thousands(counts.drops), counts.drops > 0 ? 'red' : 'green'],
    note: counts.drops === null ? 'this driver does not tell' : 'as kernel and driver count',
  };
  yield {
    what: 'stretches missing in sessions',
    value: [thousands(health.gaps), health.gaps > 0 ? 'yellow' : 'green'],
    note: 'absence next to one proves nothing',
  };
  yield { what: 'memory', value: [sizeText(health.residentOctets), 'plain'], note: 'resident' };
  for (const { name, used, limit, dropped } of health.tables) {
    yield {
      what: name,
      value: [`${thousands(used)}`, used >= limit ? 'yellow' : 'plain'],
      note: `of ${thousands(limit)}${dropped > 0 ? `; ${thousands(dropped)} kept no longer` : ''}`,
    };
  }
  for (const [reason, count] of Object.entries(health.skipped)) {
    yield { what: `packets in no session: ${printableOctets(reason)}`, value: number(count), note: '' };
  }
  for (const [reason, count] of Object.entries(health.notAssessed)) {
    yield {
      what: `not judged: ${printableOctets(reason)}`,
      value: number(count),
      note: plural(count, 'session or remark', 'sessions or remarks'),
    };
  }
  yield {
    what: 'filter',
    value: ['', 'plain'],
    note: printableOctets(source.filter ?? 'unknown, as of a stream'),
  };
  for (const { time, message } of health.troubles) {
    yield { what: `trouble ${clock(time)}`, value: ['', 'plain'], note: printableOctets(message) };
  }
}

function compared(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export const TABLES: Readonly<Record<View, Table<unknown>>> = {
  sessions: SESSIONS,
  findings: FINDINGS,
  duplicates: DUPLICATES,
  health: HEALTH,
};
