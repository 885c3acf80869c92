import { blackHole } from '../facts/black-hole.js';
import type { SmtpExchange, SmtpLine, SmtpReply } from '../smtp/session.js';
import type { Direction } from '../stream/event.js';
import { type Absence, endOf, lineOctets, linesOf, type Place, placeBetween, type Sent } from './absence.js';
import { align } from './alignment.js';
import type { DifferenceList, View } from './difference-list.js';
import { isUnended, lineChange } from './line-change.js';
import { compareMessages } from './message-differences.js';
import { OctetMap, type Stretch } from './octet-map.js';
import type { Change, Difference, Subject } from './pair.js';

/** Compares what was said, command by command, each with its replies. */
export function compareDialogues(list: DifferenceList): void {
  const asked = list.nearClient.session.exchanges;
  const heard = list.nearServer.session.exchanges;
  const partners = align(asked.length, heard.length, {
    same: (a, b) => isSame(asked[a]!, heard[b]!),
    score: (a, b) => likeness(asked[a]!, heard[b]!),
  });
  const comparison = new DialogueComparison(
    list,
    mapOf(list, partners, 'client'),
    mapOf(list, partners, 'server'),
  );
  let next = 0;
  for (let index = 0; index < asked.length; index++) {
    const partner = partners[index]!;
    if (partner < 0) {
      comparison.onlyNearClient(index, next);
      continue;
    }
    while (next < partner) comparison.onlyNearServer(next++, index);
    comparison.both(index, next++);
  }
  while (next < heard.length) comparison.onlyNearServer(next++, asked.length);
  comparison.compareMisread();
  list.reconcileUnseen();
  compareMessages(list, partners);
}

/** null: offsets of the two captures cannot be held against each other. */
function mapOf(
  { nearClient, nearServer }: DifferenceList,
  partners: Int32Array,
  direction: Direction,
): OctetMap | null {
  const [asked, heard] = [nearClient.session, nearServer.session];
  const isCounted = ({ midstream, gaps, gapCount, truncated, encryptedFrom }: typeof asked) => {
    const isWhole = gapCount === gaps.length && gaps.every((gap) => gap.direction !== direction);
    return isWhole && !midstream && !truncated && encryptedFrom === null;
  };
  if (!isCounted(asked) || !isCounted(heard)) return null;
  const end = ({ tcp, exchanges }: typeof asked) =>
    direction === 'client'
      ? tcp.clientEnd
      : Math.max(0, ...exchanges.flatMap((exchange) => linesOf(exchange, 'server').map(endOf)));
  const ends = [end(asked), end(heard)] as const;
  const { exchanges } = heard;
  return new OctetMap(
    direction,
    asked.exchanges,
    exchanges,
    partners,
    direction === 'client' ? ends : [ends[1], ends[0]],
  );
}

/** Beyond doubt one exchange: the same line, or its mask in its place, and the same reply. */
function isSame(a: SmtpExchange, b: SmtpExchange): boolean {
  if (a.kind === 'greeting' || b.kind === 'greeting') return a.kind === b.kind;
  if (a.line === null || b.line === null) return false;
  if (!isSameLine(a.line, b.line) && !(a.line.offset === b.line.offset && isMask(a.line, b.line)))
    return false;
  return isSameReply(a, b);
}

function isSameLine(a: SmtpLine, b: SmtpLine): boolean {
  return a.text === b.text && a.octets === b.octets;
}

/** The one became the other by a box that keeps lengths. */
function isMask(before: SmtpLine, after: SmtpLine): boolean {
  if (before.octets !== after.octets || before.ending !== after.ending) return false;
  const change = lineChange(before, after, false);
  return change === null || change.how !== 'other';
}

/** The one is what came of the other before a capture, or the connection, ended. */
function isBeginning(one: SmtpLine, other: SmtpLine): boolean {
  if (!isUnended(one) && !isUnended(other)) return false;
  return one.text.startsWith(other.text) || other.text.startsWith(one.text);
}

function firstLine({ intermediate, reply }: SmtpExchange): SmtpLine | null {
  return (intermediate ?? reply)?.lines[0] ?? null;
}

function isSameReply(a: SmtpExchange, b: SmtpExchange): boolean {
  const [one, other] = [firstLine(a), firstLine(b)];
  return one === null || other === null ? one === other : isSameLine(one, other);
}

/** How much two exchanges look like one; 0: not at all. */
function likeness(a: SmtpExchange, b: SmtpExchange): number {
  if (a.kind === 'greeting' || b.kind === 'greeting') return a.kind === b.kind ? 1000 : 0;
  const [one, other] = [firstLine(a), firstLine(b)];
  const replied = one !== null && other !== null && isSameLine(one, other);
  if (a.line === null || b.line === null) return replied ? 2 : a.line === b.line ? 1 : 0;
  const alike = lineLikeness(a, b, replied);
  if (alike === 0) return 0;
  const inPlace = a.line.offset === b.line.offset ? 1 : 0;
  const coded = one !== null && one.text.slice(0, 3) === other?.text.slice(0, 3);
  return alike + inPlace + (replied ? 2 : coded ? 1 : 0);
}

function lineLikeness(a: SmtpExchange, b: SmtpExchange, replied: boolean): number {
  if (a.kind === 'end-of-data' || b.kind === 'end-of-data') return a.kind === b.kind ? 10 : 0;
  const [before, after] = [a.line!, b.line!];
  if (isSameLine(before, after)) return 10;
  if (isBeginning(before, after)) return 9;
  if (isMask(before, after)) return 9;
  if (a.verb === b.verb && a.kind === b.kind) return a.kind === 'auth-response' ? 4 : 6;
  if (before.octets !== after.octets) return 0;
  return before.offset === after.offset ? 4 : replied ? 3 : 0;
}

class DialogueComparison {
  private readonly asked: readonly SmtpExchange[];
  private readonly heard: readonly SmtpExchange[];

  /** Where stretches begin that are to be read again. */
  private readonly compared = { client: new Set<number>(), server: new Set<number>() };
  /** Lines whose octets stand in the other capture, where they are read as something else; and what they belong to. */
  private readonly misread = {
    client: { sent: new Map<SmtpLine, string>(), arrived: new Map<SmtpLine, string>() },
    server: { sent: new Map<SmtpLine, string>(), arrived: new Map<SmtpLine, string>() },
  };

  constructor(
    private readonly list: DifferenceList,
    private readonly clientMap: OctetMap | null,
    private readonly serverMap: OctetMap | null,
  ) {
    this.asked = list.nearClient.session.exchanges;
    this.heard = list.nearServer.session.exchanges;
  }

  /** Near the client alone; near the server it would stand in front of exchange `at`. */
  onlyNearClient(index: number, at: number): void {
    const { list } = this;
    const exchange = this.asked[index]!;
    const { line, verb } = exchange;
    const replies = linesOf(exchange, 'server');
    const suspect = exchange.afterGap || isBesideGap(this.heard, at);
    if (line !== null) {
      const where = this.placeOf('client', 'sent', verb, [line]);
      if (where === 'there') {
        this.placeOf('server', 'arrived', verb, replies);
        return;
      }
      const place = beyond(placeBetween(this.heard, at, at, 'client'), where);
      const absence = this.lineAbsence(list.nearServer, exchange, place, suspect);
      this.oneSided(absence, 'removed', commandSubject(exchange), 'client', verb, [line]);
      if (absence !== 'absent' || this.placeOf('server', 'arrived', verb, replies) === 'there') return;
      // The box kept the command: whatever answers it, the server does not.
      if (replies.length > 0)
        this.oneSided('absent', 'answered', replySubject(exchange), 'server', verb, replies);
    } else if (replies.length > 0 && this.placeOf('server', 'arrived', verb, replies) !== 'there') {
      const place = placeBetween(this.heard, at, at, 'server');
      const absence = this.absence(list.nearServer, sentLines(replies), place, suspect);
      this.oneSided(absence, 'added', replySubject(exchange), 'server', verb, replies);
    }
  }

  /** Near the server alone; near the client it would stand in front of exchange `at`. */
  onlyNearServer(index: number, at: number): void {
    const { list } = this;
    const exchange = this.heard[index]!;
    const { line, verb } = exchange;
    const replies = linesOf(exchange, 'server');
    const suspect = exchange.afterGap || isBesideGap(this.asked, at);
    if (line !== null && this.placeOf('client', 'arrived', verb, [line]) !== 'there') {
      const place = placeBetween(this.asked, at, at, 'client');
      const absence = this.lineAbsence(list.nearClient, exchange, place, suspect);
      this.oneSided(absence, 'added', commandSubject(exchange), 'client', verb, [line]);
    }
    if (replies.length > 0 && this.placeOf('server', 'sent', verb, replies) !== 'there') {
      const place = placeBetween(this.asked, at, at, 'server');
      const absence = this.absence(list.nearClient, sentLines(replies), place, suspect);
      this.oneSided(absence, 'removed', replySubject(exchange), 'server', verb, replies);
    }
  }

  both(index: number, partner: number): void {
    const { nearClient, nearServer } = this.list;
    const a = this.asked[index]!;
    const b = this.heard[partner]!;
    const verb = a.kind === 'unseen' ? b.verb : a.verb;
    if (a.line !== null && b.line !== null) {
      this.line(commandSubject(a), 'client', verb, a.line, b.line);
    } else if (a.line !== null) {
      const where = this.placeOf('client', 'sent', verb, [a.line]);
      const place = beyond(placeBetween(this.heard, partner, partner + 1, 'client'), where);
      const absence =
        where === 'there' ? 'unknown' : this.absence(nearServer, sentLine(a), place, b.afterGap);
      this.oneSided(absence, 'removed', commandSubject(a), 'client', verb, [a.line]);
    } else if (b.line !== null && this.placeOf('client', 'arrived', verb, [b.line]) !== 'there') {
      const place = placeBetween(this.asked, index, index + 1, 'client');
      const absence = this.absence(nearClient, sentLine(b), place, a.afterGap);
      this.oneSided(absence, 'added', commandSubject(b), 'client', verb, [b.line]);
    }
    for (const [sent, received] of replyPairs(b, a)) this.reply(a, index, partner, verb, sent, received);
  }

  /** The octets that the two captures read differently, for a second reading: it is not known that any of them differs. */
  compareMisread(): void {
    for (const direction of ['client', 'server'] as const) {
      for (const side of ['sent', 'arrived'] as const) {
        const lines = this.misread[direction][side];
        const map = direction === 'client' ? this.clientMap : this.serverMap;
        for (const { sent, arrived } of map?.unlike(new Set(lines.keys()), side) ?? []) {
          this.doubtful(direction, sent, arrived);
        }
      }
    }
  }

  private reply(
    exchange: SmtpExchange,
    index: number,
    partner: number,
    verb: string,
    sent: SmtpReply | null,
    received: SmtpReply | null,
  ): void {
    const { nearClient, nearServer } = this.list;
    const subject = replySubject(exchange);
    if (sent !== null && received !== null) {
      this.replyLines(exchange, index, partner, verb, sent, received);
    } else if (sent !== null) {
      if (this.placeOf('server', 'sent', verb, sent.lines) === 'there') return;
      const place = placeBetween(this.asked, index, index + 1, 'server');
      const absence = this.absence(nearClient, sentLines(sent.lines), place, exchange.noReply === 'gap');
      this.oneSided(absence, 'removed', subject, 'server', verb, sent.lines);
    } else if (received !== null) {
      if (this.placeOf('server', 'arrived', verb, received.lines) === 'there') return;
      const place = placeBetween(this.heard, partner, partner + 1, 'server');
      const gap = this.heard[partner]!.noReply === 'gap';
      const absence = this.absence(nearServer, sentLines(received.lines), place, gap);
      this.oneSided(absence, 'answered', subject, 'server', verb, received.lines);
    }
  }

  private replyLines(
    exchange: SmtpExchange,
    index: number,
    partner: number,
    verb: string,
    sent: SmtpReply,
    received: SmtpReply,
  ): void {
    const before = sent.lines;
    const after = received.lines;
    const likeness = (x: number, y: number) => replyLikeness(before, after, x, y);
    const partners = align(before.length, after.length, {
      same: (x, y) => likeness(x, y) >= IN_PLACE,
      score: likeness,
    });
    const subjectOf = (line: number) => (isKeyword(exchange, line) ? 'keyword' : replySubject(exchange));
    const { nearClient, nearServer } = this.list;
    let next = 0;
    const added = (upTo: number, x: number) => {
      for (; next < upTo; next++) {
        const place = placeInReply(before, x, placeBetween(this.heard, partner, partner + 1, 'server'));
        const absence = cutOff(sent, x) ?? this.absence(nearServer, sentLines([after[next]!]), place, false);
        this.oneSided(absence, 'added', subjectOf(next), 'server', verb, [after[next]!]);
      }
    };
    for (let x = 0; x < before.length; x++) {
      const y = partners[x]!;
      if (y >= 0) {
        added(y, x);
        this.line(subjectOf(x), 'server', verb, before[x]!, after[y]!);
        next = y + 1;
        continue;
      }
      const place = placeInReply(after, next, placeBetween(this.asked, index, index + 1, 'server'));
      const absence =
        cutOff(received, next) ?? this.absence(nearClient, sentLines([before[x]!]), place, false);
      this.oneSided(absence, 'removed', subjectOf(x), 'server', verb, [before[x]!]);
    }
    added(after.length, before.length);
  }

  /** A line that both captures have. */
  private line(
    subject: Subject,
    direction: Direction,
    verb: string,
    before: SmtpLine,
    after: SmtpLine,
  ): void {
    const change = lineChange(before, after, subject === 'greeting');
    this.cutLine(subject, direction, verb, before, after);
    if (change === null) return;
    const { sender, receiver } = this.list.between(direction);
    const unseen = sender.sight.bordersOnGap(before) || receiver.sight.bordersOnGap(after);
    this.list.add({
      change: unseen ? 'unseen' : 'altered',
      subject,
      how: unseen ? null : change.how,
      direction,
      verb,
      before: spotOf(sender, before),
      after: spotOf(receiver, after),
      octets: change.octets,
      ranges: unseen ? [] : change.ranges,
    });
  }

  /** The rest of a line that did not arrive before the connection ended. */
  private cutLine(
    subject: Subject,
    direction: Direction,
    verb: string,
    before: SmtpLine,
    after: SmtpLine,
  ): void {
    const arrived = lineOctets(after);
    const octets = lineOctets(before) - arrived;
    if (!isUnended(after) || octets <= 0) return;
    const { sender, receiver } = this.list.between(direction);
    const { time, offset } = before;
    const sent = { direction, time, acknowledged: null, from: offset + arrived, to: endOf(before) };
    const place = { from: endOf(after), to: Number.POSITIVE_INFINITY };
    if (receiver.sight.absence(sent, place) !== 'absent') return;
    this.list.add({
      change: 'removed',
      subject,
      how: null,
      direction,
      verb,
      before: sender.spot(before.lastFrame, before.offset + arrived, before.text.slice(arrived)),
      after: null,
      octets,
      ranges: [],
    });
  }

  /** Lines that one capture has; `change` is what that means when the other would have them. */
  private oneSided(
    absence: Absence,
    change: Change,
    subject: Subject,
    direction: Direction,
    verb: string,
    lines: readonly SmtpLine[],
  ): void {
    // Of half a line nothing follows: where its other half is, is not known.
    if (absence === 'unknown' || lines.every(isUnended)) return;
    const { sender, receiver } = this.list.between(direction);
    const [first] = lines;
    const isBefore = change === 'removed';
    // The end of a message goes with the large segments in front of it, which the path lost.
    const isLost =
      isBefore && subject === 'end-of-data' && blackHole(sender.session)?.direction === direction;
    const text = Math.min(first!.text.length, first!.octets);
    const difference: Difference = {
      change: absence === 'unseen' ? 'unseen' : isLost ? 'lost' : change,
      subject,
      how: null,
      direction,
      verb,
      before: isBefore ? spotOf(sender, first!) : null,
      after: isBefore ? null : spotOf(receiver, first!),
      octets: lines.reduce((sum, line) => sum + lineOctets(line), 0),
      ranges: isBefore && absence === 'absent' ? [[0, text]] : [],
    };
    this.list.add(difference);
  }

  /** What the other capture has at the place of these lines, which it has not as lines. */
  private placeOf(
    direction: Direction,
    side: 'sent' | 'arrived',
    verb: string,
    lines: readonly SmtpLine[],
  ): 'there' | 'behind' | null {
    const map = direction === 'client' ? this.clientMap : this.serverMap;
    const places = lines.map((line) => map?.placeOf(line, side) ?? null);
    if (places.length === 0) return null;
    if (places.every((place) => place === 'there')) {
      for (const line of lines) this.misread[direction][side].set(line, verb);
      return 'there';
    }
    return places[0] === 'behind' ? 'behind' : null;
  }

  private doubtful(direction: Direction, sent: Stretch['sent'], arrived: Stretch['arrived']): void {
    const { list } = this;
    const { sender, receiver } = list.between(direction);
    if (sent.to <= sent.from || this.compared[direction].has(sent.from)) return;
    this.compared[direction].add(sent.from);
    const frame = (view: View, at: number) => frameAt(view.session.exchanges, direction, at);
    const difference: Difference = {
      change: 'altered',
      subject: direction === 'client' ? 'command' : 'reply',
      how: 'other',
      direction,
      verb: verbAt(sender.session.exchanges, direction, sent.from),
      before: sender.spot(frame(sender, sent.from), sent.from, ''),
      after: receiver.spot(frame(receiver, arrived.from), arrived.from, ''),
      octets: 1,
      ranges: [],
    };
    list.add(difference);
    list.needsOctets.push({ difference, before: sent, after: arrived, isDoubt: true });
  }

  /** A command where the other capture has mail data: one of the two is wrong about what the octets are. */
  private lineAbsence(view: View, exchange: SmtpExchange, place: Place, suspect: boolean): Absence {
    const isData = view.session.messages.some(
      ({ offset, terminator }) =>
        offset < place.to && (terminator?.endOffset ?? Number.POSITIVE_INFINITY) > place.from,
    );
    if (isData && exchange.kind !== 'end-of-data') return 'unknown';
    return this.absence(view, sentLine(exchange), place, suspect);
  }

  /** @param suspect  a gap is near, though not just there: what the dialogue makes of it is not certain */
  private absence(view: View, sent: Sent, place: Place, suspect: boolean): Absence {
    const absence = view.sight.absence(sent, place);
    return absence === 'absent' && suspect ? 'unseen' : absence;
  }
}

/** The other capture's octets end in front of it. */
function beyond(place: Place, where: 'there' | 'behind' | null): Place {
  return where === 'behind' ? { ...place, to: Number.POSITIVE_INFINITY } : place;
}

/** The exchange whose line is the last in front of that octet, or begins with it. */
function lineAt(exchanges: readonly SmtpExchange[], direction: Direction, offset: number) {
  const before = exchanges.filter(
    (exchange) => (linesOf(exchange, direction)[0]?.offset ?? offset + 1) <= offset,
  );
  return before.at(-1) ?? null;
}

function frameAt(exchanges: readonly SmtpExchange[], direction: Direction, offset: number): number {
  const exchange = lineAt(exchanges, direction, offset) ?? exchanges[0];
  return (exchange && linesOf(exchange, direction).at(-1)?.lastFrame) ?? 1;
}

function verbAt(exchanges: readonly SmtpExchange[], direction: Direction, offset: number): string {
  return lineAt(exchanges, direction, offset - 1)?.verb ?? '(unseen)';
}

function spotOf(view: View, line: SmtpLine) {
  return view.spot(line.lastFrame, line.offset, line.text);
}

function commandSubject({ kind }: SmtpExchange): Subject {
  return kind === 'end-of-data' ? 'end-of-data' : 'command';
}

function replySubject({ kind }: SmtpExchange): Subject {
  return kind === 'greeting' ? 'greeting' : 'reply';
}

/** RFC 5321 §4.1.1.1: all lines but the first one. */
function isKeyword({ verb }: SmtpExchange, line: number): boolean {
  return line > 0 && (verb === 'EHLO' || verb === 'LHLO');
}

function sentLine({ line, acknowledged }: SmtpExchange): Sent {
  const { time, offset: from } = line!;
  return { direction: 'client', time, acknowledged, from, to: endOf(line!) };
}

function sentLines(lines: readonly SmtpLine[]): Sent {
  const { time, offset: from } = lines[0]!;
  return { direction: 'server', time, acknowledged: null, from, to: endOf(lines.at(-1)!) };
}

/** A lone reply goes with a lone reply, whichever it is; else 354 with 354, and what follows with what follows. */
function replyPairs(b: SmtpExchange, a: SmtpExchange): [SmtpReply | null, SmtpReply | null][] {
  const isLone = ({ intermediate, reply }: SmtpExchange) => intermediate === null || reply === null;
  if (isLone(a) && isLone(b)) return [[b.intermediate ?? b.reply, a.intermediate ?? a.reply]];
  return [
    [b.intermediate, a.intermediate],
    [b.reply, a.reply],
  ];
}

/** What was said around the place was itself found behind a gap. */
function isBesideGap(exchanges: readonly SmtpExchange[], at: number): boolean {
  const [before, after] = [exchanges[at - 1], exchanges[at]];
  return before?.kind === 'unseen' && before.afterGap ? true : (after?.afterGap ?? false);
}

const IN_PLACE = 5;

/** How much two lines of a reply look like one. */
function replyLikeness(
  before: readonly SmtpLine[],
  after: readonly SmtpLine[],
  x: number,
  y: number,
): number {
  const [one, other] = [before[x]!, after[y]!];
  if (x === 0 || y === 0) return x === y ? 100 : 0;
  if (one.text === other.text && one.octets === other.octets) return 9;
  if (one.octets === other.octets && one.text.slice(4) === other.text.slice(4)) return 8;
  const place = one.offset - before[0]!.offset === other.offset - after[0]!.offset;
  if (place && (one.octets === other.octets || isBeginning(one, other))) return IN_PLACE;
  if (isMask(one, other)) return 4;
  return keywordOf(one) === keywordOf(other) ? 3 : 0;
}

function keywordOf({ text }: SmtpLine): string {
  return /^.{4}([^ =]*)/.exec(text)?.[1]?.toUpperCase() ?? '';
}

/** Where in a reply a line would be that comes in front of line `at` of those. */
function placeInReply(lines: readonly SmtpLine[], at: number, around: Place): Place {
  const before = lines[at - 1];
  const after = lines[at];
  return { from: before ? endOf(before) : around.from, to: after ? after.offset : around.to };
}

/** The capture, or the limit of what is kept, cut the reply off in front of line `at`. */
function cutOff(reply: SmtpReply, at: number): Absence | null {
  if (at < reply.lines.length) return null;
  return reply.droppedLines > 0 ? 'unknown' : null;
}
