import type { Finding } from '../finding/finding.js';
import { plural, thousands } from '../finding/words.js';
import { cutText, wrapText } from '../report/columns.js';
import { displayFilters } from '../report/document/display-filter.js';
import { Marks, wholeLadder } from '../report/document/sequence-diagram.js';
import { printableOctets, printableText } from '../report/printable.js';
import type { SmtpSession } from '../smtp/session.js';
import type { Glyphs, Line, Span, Style } from './screen.js';
import type { Opened } from './ui-state.js';
import type { Watch } from './watch.js';
import { clock, fineClock, severityOf } from './wording.js';

/** Lines of one thing that stands open, and what Enter opens from there. */
export interface Detail {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly enters: Opened | null;
}

/** Rungs of a dialogue that are shown; a session keeps at most 10,000 exchanges. */
const MAX_RUNGS = 5_000;
const MAX_SESSIONS = 20;

export function detailOf(watch: Watch, { kind, key }: Opened, columns: number, glyphs: Glyphs): Detail {
  if (kind === 'session') return sessionDetail(watch, Number(key), columns, glyphs);
  const finding = watch.findings().find(({ id }) => id === key);
  return finding
    ? findingDetail(finding, columns, glyphs)
    : gone(`Finding ${printableText(key)}`, 'It was withdrawn, or is kept no longer.');
}

function gone(title: string, text: string): Detail {
  return { title, lines: [[[text, 'yellow']]], enters: null };
}

function sessionDetail(watch: Watch, number: number, columns: number, glyphs: Glyphs): Detail {
  const session = watch.session(number);
  if (session === null)
    return gone(`Session ${number}`, 'It is kept no longer: only the newest sessions are.');
  const findings = watch.findings().filter(({ sessions }) => sessions.includes(session.id));
  const lines: Line[] = [...aboutSession(session, columns)];
  for (const { severity, title, id } of findings) {
    lines.push([severityOf(severity, glyphs), [`  ${printableOctets(title)} (${id})`, 'bold']]);
  }
  lines.push([[glyphs.rule.repeat(columns), 'dim']]);
  if (session.protocol !== 'smtp' && session.protocol !== 'none') {
    lines.push([['What was said is not SMTP, and is not shown.', 'dim']]);
  } else lines.push(...dialogue(session, new Marks(findings), columns, glyphs));
  const [first] = findings;
  return {
    title: `Session ${session.id}`,
    lines,
    enters: first ? { kind: 'finding', key: first.id } : null,
  };
}

function* aboutSession(session: SmtpSession, columns: number): Generator<Line> {
  const { client, server, start, end, exchanges, messages, extensions, gapCount, encryptedFrom } = session;
  yield [
    [`${client.address} port ${client.port}`, 'cyan'],
    [' to ', 'dim'],
    [`${server.address} port ${server.port}`, 'bold'],
  ];
  const counts = [plural(exchanges.length, 'exchange'), plural(messages.length, 'message')];
  if (gapCount > 0) counts.push(`${plural(gapCount, 'stretch', 'stretches')} missing`);
  if (encryptedFrom !== null) counts.push(`encrypted from frame ${thousands(encryptedFrom)}`);
  yield [[`${clock(start)} to ${clock(end)} UTC, ${counts.join(', ')}`, 'plain']];
  if (extensions.length === 0) return;
  const offered = extensions.map(({ text }) => text).join(', ');
  for (const line of wrapText(`Offered: ${printableOctets(offered)}`, columns)) yield [[line, 'dim']];
}

function* dialogue(session: SmtpSession, marks: Marks, columns: number, glyphs: Glyphs): Generator<Line> {
  const rungs = wholeLadder(session, marks);
  const digits = String(session.lastFrame).length;
  const lead = digits + 17;
  const room = Math.max(20, columns - lead);
  for (const { frame, time, direction, text, mark } of rungs.slice(0, MAX_RUNGS)) {
    if (direction === null) {
      for (const piece of wrapText(text, room)) yield [[`${' '.repeat(lead)}${piece}`, 'dim']];
      continue;
    }
    const own: Style = mark !== null ? 'yellow' : direction === 'client' ? 'cyan' : 'plain';
    const arrow = direction === 'client' ? glyphs.right : glyphs.left;
    const place = frame === null ? '' : String(frame);
    for (const [index, piece] of cutText(printableOctets(text), room).entries()) {
      const head: Span =
        index === 0
          ? [`${place.padStart(digits)} ${fineClock(time).padEnd(12)} `, 'dim']
          : [' '.repeat(lead - 3), 'plain'];
      yield [head, [index === 0 ? ` ${arrow} ` : '   ', own], [piece, own]];
    }
    if (mark === null || mark.note === '') continue;
    const found = `${glyphs.medium} ${printableOctets(mark.note)} (${mark.findings.join(', ')})`;
    for (const piece of wrapText(found, room)) yield [[`${' '.repeat(lead)}${piece}`, 'yellow']];
  }
  if (rungs.length > MAX_RUNGS) {
    yield [[`${' '.repeat(lead)}and ${thousands(rungs.length - MAX_RUNGS)} more rows`, 'dim']];
  }
}

function findingDetail(finding: Finding, columns: number, glyphs: Glyphs): Detail {
  const lines: Line[] = [];
  const say = (text: string, style: Style, indent = ''): void => {
    for (const piece of wrapText(text, columns - indent.length)) lines.push([[`${indent}${piece}`, style]]);
  };
  lines.push([
    severityOf(finding.severity, glyphs),
    [` ${finding.confidence}  `, 'plain'],
    [printableOctets(finding.title), 'bold'],
  ]);
  lines.push([[`Server ${finding.server.address} port ${finding.server.port}`, 'dim']]);
  lines.push([]);
  say(printableOctets(finding.message), 'plain');
  lines.push([], [['Proof', 'bold']]);
  for (const { packet, time, direction, excerpt, note } of finding.evidence) {
    const way = direction === 'client' ? `client ${glyphs.right} server` : `server ${glyphs.right} client`;
    lines.push([[`  frame ${thousands(packet)}  ${fineClock(time)}  ${way}`, 'cyan']]);
    for (const piece of cutText(printableOctets(excerpt), columns - 4))
      lines.push([[`    ${piece}`, 'yellow']]);
    if (note !== '') say(`(${printableOctets(note)})`, 'dim', '    ');
  }
  for (const { filter } of displayFilters(finding.evidence)) say(`Wireshark: ${filter}`, 'dim', '  ');
  if (finding.remedy.length > 0) lines.push([], [['Change', 'bold']]);
  for (const remedy of finding.remedy) say(printableOctets(remedy), 'green', '  ');
  lines.push([]);
  const named = finding.sessions.slice(0, MAX_SESSIONS).join(', ');
  const more = finding.sessions.length - MAX_SESSIONS;
  say(
    `${finding.rule} (${finding.id}), ${plural(finding.count, 'time')}, in ${named}${more > 0 ? ` and ${thousands(more)} more` : ''}.`,
    'dim',
  );
  say(finding.references.join(', '), 'dim');
  const [first] = finding.sessions;
  return {
    title: `Finding ${finding.id}`,
    lines,
    enters: first === undefined ? null : { kind: 'session', key: first.slice(1) },
  };
}
