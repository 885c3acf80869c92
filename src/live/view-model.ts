import type { Finding } from '../finding/finding.js';
import { plural, thousands } from '../finding/words.js';
import { printableOctets, printableText } from '../report/printable.js';
import { type Detail, detailOf } from './details.js';
import { helpLines } from './help.js';
import type { Shown } from './keys.js';
import { List, type Orders } from './list.js';
import {
  asciiLine,
  fitted,
  fittedLine,
  type Glyphs,
  type Line,
  type Size,
  type Span,
  spread,
  widthOf,
} from './screen.js';
import { type Column, TABLES, type Table } from './tables.js';
import { SORTS, type UiState, VIEWS, type View } from './ui-state.js';
import type { Watch } from './watch.js';
import { dropsText, elapsed, shortNumber, sourceState, sourceText } from './wording.js';

/** What is drawn: as many lines as the screen has, each as wide; and what the keys need to know of it. */
export interface Screen {
  readonly lines: readonly Line[];
  readonly shown: Shown;
}

export interface Seen {
  /** What the lists show: while paused, as it was then. */
  readonly watch: Watch;
  /** What the header shows, always as it is now. */
  readonly now: Watch;
  /** Orders of long lists, from the frames before. */
  readonly orders?: Orders;
}

export const SMALLEST: Size = { columns: 60, rows: 15 };

const HEADER = 4;
const FOOTER = 1;

/** Can a dashboard be drawn here? Where not, plain lines are better. */
export function canDraw({ columns, rows }: Size, term: string | undefined): boolean {
  return term !== 'dumb' && term !== '' && columns >= SMALLEST.columns && rows >= SMALLEST.rows;
}

/**
 * The whole screen. Pure: the same watch, choices and size give the same.
 *
 * Of the lists only the rows that are seen become text.
 */
export function screenOf(seen: Seen, state: UiState, size: Size, glyphs: Glyphs): Screen {
  const { columns, rows } = size;
  const { watch, now } = seen;
  if (columns < SMALLEST.columns || rows < SMALLEST.rows) return tooSmall(size, glyphs);
  const trouble = troubleLines(now, columns, glyphs);
  const room = rows - HEADER - FOOTER - trouble.length;
  const opened = state.opened.at(-1);
  const body = state.help
    ? helpBody(room, columns, glyphs)
    : opened
      ? detailBody(
          detailOf(watch, opened, columns - 2, glyphs),
          state.scroll.at(-1) ?? 0,
          room,
          columns,
          glyphs,
        )
      : listBody(seen, state, room, columns, glyphs);
  const lines = [
    ...header(seen, state, columns, glyphs),
    tabs(watch, state, columns, glyphs),
    ...body.lines,
    ...trouble,
    footer(state, columns, glyphs),
  ];
  const whole = lines.map((line) => fittedLine(line, columns, glyphs.more));
  return { lines: glyphs.wide ? whole : whole.map(asciiLine), shown: body.shown };
}

function tooSmall({ columns, rows }: Size, glyphs: Glyphs): Screen {
  const text = `${columns}x${rows} is too small: ${SMALLEST.columns}x${SMALLEST.rows} is needed. The watch goes on; q quits.`;
  const lines = Array.from({ length: rows }, (_, index): Line => {
    const piece = text.slice(index * columns, (index + 1) * columns);
    return fittedLine([[piece, 'yellow']], columns, glyphs.more);
  });
  return { lines, shown: NOTHING_SHOWN };
}

const NOTHING_SHOWN: Shown = {
  step: () => null,
  enters: () => null,
  follows: true,
  page: 1,
  lines: 0,
};

function header({ watch, now }: Seen, { paused }: UiState, columns: number, glyphs: Glyphs): Line[] {
  const { source, counts } = now;
  const since = Math.max(0, counts.packets - watch.counts.packets);
  const [word] = sourceState(source.state, glyphs);
  const state = paused ? `${glyphs.medium} PAUSED +${thousands(since)}` : word;
  const left = ` mailwitness  ${sourceText(source, glyphs)}`;
  const right = `${elapsed(counts.elapsedMs)}  ${state} `;
  const room = columns - right.length - 1;
  const drops: Span = [
    dropsText(counts.drops),
    counts.drops === null ? 'yellow' : counts.drops > 0 ? 'red' : 'green',
  ];
  const { packets, sessions, openSessions, findings } = counts;
  const narrow = columns < 80;
  const number = narrow ? shortNumber : thousands;
  const gap = narrow ? ' ' : '  ';
  return [
    [[`${fitted(left, room, glyphs.more)} ${right}`, 'bar']],
    [
      [' packets ', 'dim'],
      [number(packets), 'bold'],
      [gap, 'plain'],
      drops,
      [`${gap}sessions `, 'dim'],
      [number(sessions), 'bold'],
      [narrow ? '' : ` (${number(openSessions)} open)`, 'plain'],
      [`${gap}findings `, 'dim'],
      [number(findings), findings > 0 ? 'yellow' : 'bold'],
    ],
    [
      [' filter ', 'dim'],
      [source.filter === null ? 'unknown, as of a stream' : printableOctets(source.filter), 'plain'],
    ],
  ];
}

const NAMES: Readonly<Record<View, string>> = {
  sessions: 'Sessions',
  findings: 'Findings',
  duplicates: 'Duplicates',
  health: 'Health',
};

function tabs(watch: Watch, state: UiState, columns: number, glyphs: Glyphs): Line {
  const left: Span[] = [[' ', 'plain']];
  for (const [index, view] of VIEWS.entries()) {
    const name =
      view === 'findings' && watch.counts.findings > 0
        ? `${NAMES[view]} ${thousands(watch.counts.findings)}`
        : NAMES[view];
    // A shape as well as a colour: without either it still shows which one it is.
    left.push(view === state.view ? [`[${name}]`, 'selected'] : [` ${name} `, 'plain']);
    if (index < VIEWS.length - 1) left.push([' ', 'plain']);
  }
  const right: Span[] = [];
  if (state.filter !== '') right.push([`/${printableText(state.filter)} `, 'magenta']);
  const sort = SORTS[state.view][state.sort[state.view]]!;
  if (sort !== '-') right.push([`by ${sort} `, 'dim']);
  return spread(left, right, columns, 'plain', glyphs.more);
}

interface Body {
  readonly lines: readonly Line[];
  readonly shown: Shown;
}

function helpBody(room: number, columns: number, glyphs: Glyphs): Body {
  const lines = helpLines(glyphs, columns).slice(0, room);
  return { lines: filled(lines, room), shown: { ...NOTHING_SHOWN, page: room } };
}

function detailBody(detail: Detail, scroll: number, room: number, columns: number, glyphs: Glyphs): Body {
  const page = room - 1;
  const from = Math.max(0, Math.min(scroll, detail.lines.length - page));
  const to = Math.min(detail.lines.length, from + page);
  const where = detail.lines.length > page ? `${from + 1} to ${to} of ${thousands(detail.lines.length)}` : '';
  const title: Line = spread(
    [[` ${glyphs.rule}${glyphs.rule} ${detail.title} `, 'bold']],
    [[`${where} `, 'dim']],
    columns,
    'plain',
    glyphs.more,
  );
  const shown = detail.lines.slice(from, to).map((line): Line => [[' ', 'plain'], ...line]);
  return {
    lines: [title, ...filled(shown, page)],
    shown: { ...NOTHING_SHOWN, enters: () => detail.enters, page, lines: detail.lines.length },
  };
}

/** The rows of a list that are seen, and how to walk along it. */
function listBody(
  { watch, orders }: Seen,
  state: UiState,
  room: number,
  columns: number,
  glyphs: Glyphs,
): Body {
  const table: Table<unknown> = TABLES[state.view];
  const list = new List(watch, table, state, orders);
  const page = room - 1;
  const { rows, selected } = list.window(page);
  const widths = widthsOf(table.columns, columns);
  const findings = new Map<string, Finding>(watch.findings().map((finding) => [finding.id, finding]));
  const lines: Line[] = [titles(widths, glyphs)];
  for (const row of rows) {
    const chosen = table.key(row) === selected;
    const spans: Span[] = [[chosen ? glyphs.cursor : ' ', chosen ? 'bold' : 'plain']];
    for (const [index, [column, width]] of widths.entries()) {
      const [text, style] = column.cell(row, { glyphs, findings });
      const gap = index < widths.length - 1 ? ' ' : '';
      spans.push([`${fitted(text, width, glyphs.more, column.align)}${gap}`, chosen ? 'selected' : style]);
    }
    lines.push(spans);
  }
  if (rows.length === 0) {
    lines.push([]);
    lines.push([
      [`  ${state.filter === '' ? table.nothing : `Nothing fits /${printableText(state.filter)}`}`, 'dim'],
    ]);
  }
  return { lines: filled(lines, room), shown: list.shown(page) };
}

function titles(widths: readonly (readonly [Column<unknown>, number])[], glyphs: Glyphs): Line {
  const text = widths.map(([{ title, align }, width]) => fitted(title, width, glyphs.more, align)).join(' ');
  return [[` ${text}`, 'title']];
}

function widthsOf(all: readonly Column<unknown>[], columns: number): (readonly [Column<unknown>, number])[] {
  const shown = all.filter(({ from, to = columns }) => columns >= from && columns <= to);
  const fixed = shown.reduce((sum, { width }) => sum + (width === 'rest' ? 0 : width), 0);
  const rest = Math.max(8, columns - 1 - fixed - (shown.length - 1));
  return shown.map((column) => [column, column.width === 'rest' ? rest : column.width] as const);
}

function filled(lines: readonly Line[], rows: number): Line[] {
  return [
    ...lines.slice(0, rows),
    ...Array.from({ length: Math.max(0, rows - lines.length) }, (): Line => []),
  ];
}

function troubleLines({ source }: Watch, columns: number, glyphs: Glyphs): Line[] {
  if (source.trouble === null) return [];
  return [[[fitted(` ${glyphs.medium} ${printableOctets(source.trouble)}`, columns, glyphs.more), 'yellow']]];
}

function footer(state: UiState, columns: number, glyphs: Glyphs): Line {
  if (state.typing !== null) {
    return spread(
      [
        [' /', 'magenta'],
        [printableText(state.typing), 'bold'],
        ['_', 'plain'],
      ],
      [['Enter applies, Esc leaves it ', 'dim']],
      columns,
      'plain',
      glyphs.more,
    );
  }
  if (state.message !== null)
    return [[fitted(` ${printableText(state.message)}`, columns, glyphs.more), 'bold']];
  const { up, down } = glyphs;
  const keys: readonly (readonly [string, string])[] = state.help
    ? [
        ['Esc', 'back'],
        ['q', 'quit'],
      ]
    : state.opened.length > 0
      ? [
          ['Esc', 'back'],
          [`${up}${down}`, 'scroll'],
          ['Enter', 'further'],
          ['e', 'export'],
          ['?', 'help'],
          ['q', 'quit'],
        ]
      : [
          ['Enter', 'open'],
          ['Tab', 'view'],
          ['/', 'filter'],
          ['s', 'sort'],
          ['Space', state.paused ? 'go on' : 'pause'],
          ['e', 'export'],
          ['?', 'help'],
          ['q', 'quit'],
        ];
  // How to get help and how to quit stand there however narrow it is.
  for (let count = keys.length - 2; ; count--) {
    const line = keyLine([...keys.slice(0, count), ...keys.slice(-2)]);
    if (widthOf(line) < columns || count === 0) return line;
  }
}

function keyLine(keys: readonly (readonly [string, string])[]): Line {
  return keys.flatMap(([key, what], index): Span[] => [
    [`${index === 0 ? ' ' : '  '}${key}`, 'bold'],
    [` ${what}`, 'dim'],
  ]);
}

/** What is left on the normal screen. */
export function summaryOf({ source, counts }: Watch): string {
  const { packets, drops, sessions, messages, findings, elapsedMs } = counts;
  const from =
    source.driver === 'stream' ? 'a stream' : `${source.interface ?? 'any interface'} by ${source.driver}`;
  return `mailwitness watched ${printableOctets(from)} for ${elapsed(elapsedMs)}: ${plural(packets, 'packet')}, ${dropsText(drops)}, ${plural(sessions, 'session')}, ${plural(messages, 'message')}, ${plural(findings, 'finding')}.`;
}
