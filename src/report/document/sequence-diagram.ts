import { absenceDoubt } from '../../facts/absence.js';
import type { Evidence, Finding } from '../../finding/finding.js';
import { plural, thousands } from '../../finding/words.js';
import type {
  NoReply,
  SmtpExchange,
  SmtpLine,
  SmtpMessage,
  SmtpReply,
  SmtpSession,
} from '../../smtp/session.js';
import type { Direction } from '../../stream/event.js';

/** Rows of one ladder; beyond them it says how many there are. */
const MAX_ROWS = 40;

/** A run of rows in which nothing was found is folded from this length on. */
const MIN_FOLD = 4;

/** What findings say of one packet or line. */
export interface Mark {
  readonly note: string;
  readonly findings: readonly string[];
  readonly weight: number;
}

/** One line of the dialogue, or what is to be known between two lines (`direction` is null). */
export interface Rung {
  readonly frame: number | null;
  readonly time: SmtpLine['time'];
  readonly direction: Direction | null;
  /** Raw latin1 where there is a direction, words of ours elsewhere. */
  readonly text: string;
  readonly mark: Mark | null;
}

const WEIGHT: Readonly<Record<Finding['severity'], number>> = { high: 27, medium: 9, low: 3, info: 1 };

const UNANSWERED: Readonly<Record<NoReply, string>> = {
  closed: 'No reply came before the connection ended.',
  silent: 'No reply came in a minute or more.',
  unacknowledged: 'It was sent again and again, and never acknowledged.',
  lost: 'The server sent a reply, which never arrived.',
  next: 'No reply came to this command; the next one was answered.',
  'end-of-capture': 'The capture ends before a reply.',
  gap: 'A reply may be among the packets that the capture lacks.',
  'one-sided': 'Replies were not captured.',
  encrypted: 'What follows is encrypted.',
  limit: 'Its reply was not kept.',
};

/** The packets that findings rest on, to be looked up line by line. */
export class Marks {
  private readonly marks = new Map<string, Mark>();
  /** By session: evidence of findings of this one session, some of which lies in mail data. */
  private readonly own = new Map<string, { proof: Evidence; mark: Mark }[]>();

  constructor(findings: readonly Finding[]) {
    for (const { id, severity, evidence, sessions } of findings) {
      const [session] = sessions;
      const own = sessions.length === 1 ? (this.own.get(session!) ?? []) : null;
      if (own) this.own.set(session!, own);
      for (const proof of evidence) {
        const weight = WEIGHT[severity];
        this.add(keyOf(proof), proof.note, id, weight);
        own?.push({ proof, mark: { note: proof.note, findings: [id], weight } });
      }
    }
  }

  /** Inside a message there are no lines to be looked up: what is proof there is shown as the finding has it. */
  inMessage({ id, capture }: SmtpSession, message: SmtpMessage): Rung[] {
    const { terminator } = message;
    const within = ({ direction, offset, packet, capture: of }: Evidence): boolean =>
      of === capture &&
      direction === 'client' &&
      offset !== null &&
      offset >= message.offset &&
      packet >= message.frame &&
      (terminator === null || offset < terminator.offset);
    return (this.own.get(id) ?? [])
      .filter(({ proof }) => within(proof))
      .map(({ proof, mark }) => ({
        frame: proof.packet,
        time: proof.time,
        direction: proof.direction,
        text: proof.excerpt,
        mark,
      }));
  }

  of(capture: number, line: SmtpLine): Mark | null {
    return this.marks.get(key(capture, line.lastFrame, line.direction, line.offset)) ?? null;
  }

  /** A packet without octets: how the connection ended. */
  ofPacket(capture: number, packet: number, direction: Direction): Mark | null {
    return this.marks.get(key(capture, packet, direction, null)) ?? null;
  }

  private add(place: string, note: string, finding: string, weight: number): void {
    const known = this.marks.get(place);
    this.marks.set(
      place,
      known
        ? {
            // The weightiest finding's words say most.
            note: weight > known.weight ? note : known.note,
            findings: known.findings.includes(finding) ? known.findings : [...known.findings, finding],
            weight: Math.max(weight, known.weight),
          }
        : { note, findings: [finding], weight },
    );
  }
}

function keyOf({ capture, packet, direction, offset }: Evidence): string {
  return key(capture, packet, direction, offset);
}

function key(capture: number, packet: number, direction: Direction, offset: number | null): string {
  return `${capture} ${packet} ${direction} ${offset}`;
}

/** How much of what was found this session shows. */
export function provingWeight(session: SmtpSession, marks: Marks): number {
  let weight = 0;
  for (const exchange of session.exchanges) {
    for (const line of linesOf(exchange)) weight += marks.of(session.capture, line)?.weight ?? 0;
  }
  for (const message of session.messages) {
    for (const { mark } of marks.inMessage(session, message)) weight += mark?.weight ?? 0;
  }
  return weight;
}

/** The dialogue as rungs in the order of the packets; what proves nothing is folded, and no body is shown. */
export function ladder(session: SmtpSession, marks: Marks): Rung[] {
  const rungs = folded(wholeLadder(session, marks));
  if (rungs.length <= MAX_ROWS) return rungs;
  return [...rungs.slice(0, MAX_ROWS), aside(`and ${thousands(rungs.length - MAX_ROWS)} more rows`)];
}

/** The same without folding, however long. */
export function wholeLadder(session: SmtpSession, marks: Marks): Rung[] {
  const rungs: Rung[] = [];
  const say = (line: SmtpLine): void => {
    const { lastFrame: frame, time, direction, text } = line;
    rungs.push({ frame, time, direction, text, mark: marks.of(session.capture, line) });
  };
  const reply = (answer: SmtpReply | null): void => {
    for (const line of answer?.lines ?? []) say(line);
    if (answer && answer.droppedLines > 0) {
      rungs.push(aside(`${plural(answer.droppedLines, 'more line')} of this reply`, answer.lines.at(-1)));
    }
  };
  for (const exchange of session.exchanges) {
    const { line, message, kind, noReply } = exchange;
    const sent = message === null ? undefined : session.messages[message];
    if (sent && kind === 'end-of-data') {
      const proofs = marks.inMessage(session, sent);
      const shown = proofs.length > 0 ? 'shown where it is proof' : 'not shown';
      const start = { lastFrame: proofs.length > 0 ? sent.frame : (line?.lastFrame ?? sent.frame) };
      rungs.push(aside(`The message: ${plural(sent.octets, 'byte')}, ${shown}.`, start), ...proofs);
    }
    if (line) say(line);
    reply(exchange.intermediate);
    reply(exchange.reply);
    // Nobody waits for the reply to QUIT.
    if (noReply && exchange.verb !== 'QUIT') {
      const why = absenceDoubt(session) !== null ? UNANSWERED.gap : UNANSWERED[noReply];
      rungs.push(aside(why, line ?? undefined));
    }
  }
  // Commands that were sent in advance stand in front of the replies to those before them.
  const inOrder = rungs
    .map((rung, index) => ({ rung, index }))
    .sort((a, b) => (a.rung.frame ?? 0) - (b.rung.frame ?? 0) || a.index - b.index)
    .map(({ rung }) => (rung.direction === null ? { ...rung, frame: null, time: null } : rung));
  return [...inOrder, ...ending(session, marks)];
}

function ending(session: SmtpSession, marks: Marks): Rung[] {
  const { capture, droppedExchanges, encryptedFrom, closeFrame, closedBy, closed, gapCount } = session;
  const rungs: Rung[] = [];
  if (droppedExchanges > 0) rungs.push(aside(`${plural(droppedExchanges, 'more command')}, not kept.`));
  if (encryptedFrom !== null) {
    rungs.push(aside(`From frame ${encryptedFrom} on the connection is encrypted: not readable here.`));
  }
  if (gapCount > 0) {
    const stretches = gapCount === 1 ? 'A stretch' : `${thousands(gapCount)} stretches`;
    rungs.push(aside(`${stretches} of this connection ${gapCount === 1 ? 'is' : 'are'} not in the capture.`));
  }
  if (closeFrame !== null && closedBy !== null) {
    const text = closed === 'rst' ? '(resets the connection: RST)' : '(closes the connection: FIN)';
    const mark = marks.ofPacket(capture, closeFrame, closedBy);
    rungs.push({ frame: closeFrame, time: null, direction: closedBy, text, mark });
  }
  return rungs;
}

function* linesOf({ line, intermediate, reply }: SmtpExchange): Generator<SmtpLine> {
  if (line) yield line;
  if (intermediate) yield* intermediate.lines;
  if (reply) yield* reply.lines;
}

function aside(text: string, at?: Pick<SmtpLine, 'lastFrame'>): Rung {
  return { frame: at?.lastFrame ?? null, time: null, direction: null, text, mark: null };
}

/** Long runs of rungs without a mark become one, but for those next to a marked one. */
function folded(rungs: readonly Rung[]): Rung[] {
  if (rungs.every(({ mark }) => mark === null)) return [...rungs];
  const shown: Rung[] = [];
  let run: Rung[] = [];
  const flush = (last: boolean): void => {
    const before = shown.length > 0 ? run.slice(0, 1) : [];
    const after = last ? [] : run.slice(Math.max(before.length, run.length - 1));
    const middle = run.slice(before.length, run.length - after.length);
    shown.push(...before);
    if (middle.length < MIN_FOLD) shown.push(...middle);
    else shown.push(aside(`${plural(middle.length, 'row')} in which nothing was found`));
    shown.push(...after);
    run = [];
  };
  for (const rung of rungs) {
    if (rung.mark === null) run.push(rung);
    else {
      flush(false);
      shown.push(rung);
    }
  }
  flush(true);
  return shown;
}
