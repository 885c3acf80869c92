import { blackHole } from '../facts/black-hole.js';
import type { Confidence, Evidence, FindingDraft, Proof } from '../finding/finding.js';
import type { ReportableChange } from '../rules/rule-meta.js';
import { parseCommand } from '../smtp/command.js';
import type { SmtpExchange, SmtpMessage, SmtpReply, SmtpSession } from '../smtp/session.js';
import type { Difference, Spot } from './pair.js';

/** What follows from the differences of one pair together, and from what was said around them. */
export interface Consequence {
  readonly change: ReportableChange;
  readonly subject: string;
  readonly confidence: Confidence;
  readonly proof?: Proof;
  readonly message: string;
  readonly args: FindingDraft['args'];
  readonly evidence: readonly Evidence[];
  /** The difference that proves it; null: several do. */
  readonly difference: Difference | null;
}

/**
 * Draws the consequences of what changed between two captures of one session.
 *
 * A difference says what became of octets. What that did to mail shows in what was said afterwards: a recipient refused
 * behind a lost AUTH, text with octets above 127 sent without sight of 8BITMIME, an end of data that was split and lost.
 */
export function consequencesOf(nearClient: SmtpSession, differences: readonly Difference[]): Consequence[] {
  return [
    ...lostOnTheWay(nearClient, differences),
    ...forgedReplies(differences),
    ...relayDenied(nearClient, differences),
    ...eightBitUnadvertised(nearClient, differences),
    ...splitEnds(nearClient, differences),
  ];
}

/** The client got a reply that the server never gave, or another than it gave. */
export function isForged({ change, subject, direction, how, before, after }: Difference): boolean {
  if (subject !== 'reply' || direction !== 'server' || after === null) return false;
  if (before === null) return change === 'answered';
  // A masked line is the server's own; one with another outcome is not.
  return change === 'altered' && how === 'other' && outcomeOf(before) !== outcomeOf(after);
}

/** The first digit of a reply: what it says of the command. RFC 5321 §4.2.1. */
function outcomeOf({ text }: Spot): string {
  return /^[2-5]/.exec(text)?.[0] ?? '';
}

/** A client that is refused falls back, or gives up. */
export function isRefusal(difference: Difference): boolean {
  return isForged(difference) && outcomeOf(difference.after!) === '5';
}

function forgedReplies(differences: readonly Difference[]): Consequence[] {
  return differences.filter(isForged).map((difference) => {
    const { verb, before, after } = difference;
    const said =
      before === null
        ? 'the server never said it'
        : `the server said "${excerpt(before)}" (${placeOf(before)})`;
    return {
      change: 'reply-forged',
      subject: 'both-sides',
      confidence: 'certain',
      message: `The client got "${excerpt(after!)}" (${placeOf(after!)}) in answer to ${whatOf(verb)}, and ${said}: the box between the two captures wrote it.`,
      args: { verb, reply: after!.text },
      evidence: evidenceOf(difference),
      difference,
    } satisfies Consequence;
  });
}

/** A recipient is refused as relaying behind an AUTH that the client never saw, or that never arrived. */
function relayDenied(session: SmtpSession, differences: readonly Difference[]): Consequence[] {
  const lost = differences.find((difference) => isLost(difference, 'AUTH'));
  if (lost === undefined || session.exchanges.some(({ reply }) => reply?.code === 235)) return [];
  const refused = session.exchanges.find(
    ({ verb, reply }) => verb === 'RCPT' && reply !== null && isRelayDenial(reply),
  );
  if (refused === undefined) return [];
  const { code } = refused.reply!;
  return [
    {
      change: 'recipient-refused',
      subject: 'RCPT',
      confidence: 'likely',
      proof: 'octets',
      message: `RCPT was refused with ${code} as relaying, in a session that had lost AUTH between the two captures (${whatBecameOf(lost)}): the client could not log in. A client without a password is refused so as well.`,
      args: { code, how: lost.subject === 'keyword' ? `${lost.change}-keyword` : 'lost-command' },
      evidence: [...evidenceOf(lost), ...exchangeEvidence(session, refused)],
      difference: null,
    },
  ];
}

/** RFC 3463 §3.8, RFC 4954 §6. Policies that have nothing to do with relaying say 5.7.1 too: the word must be there, or that code. */
function isRelayDenial({ code, enhanced, lines }: SmtpReply): boolean {
  if (code === null || ![454, 550, 551, 553, 554].includes(code)) return false;
  return /^[45]\.7\.1$/.test(enhanced ?? '') || lines.some(({ text }) => /\brelay/i.test(text));
}

/** Octets above 127 are sent where 8BITMIME was lost on its way to the client. */
function eightBitUnadvertised(session: SmtpSession, differences: readonly Difference[]): Consequence[] {
  if (session.extensions.some(({ keyword }) => keyword === '8BITMIME')) return [];
  const keyword = differences.find(
    (difference) => difference.subject === 'keyword' && isLost(difference, '8BITMIME'),
  );
  const lost = keyword ?? differences.find((difference) => isLost(difference, 'EHLO'));
  const messages = session.messages.filter((message) => message.eightBit);
  const [first] = messages;
  if (lost === undefined || first === undefined) return [];
  const many = messages.length > 1;
  const why = keyword ? 'keyword' : 'ehlo-lost';
  return [
    {
      change: '8bit-unadvertised',
      subject: why,
      confidence: keyword ? 'certain' : 'likely',
      proof: 'octets',
      message: `${many ? `${messages.length} messages` : 'A message'} with 8-bit octets ${many ? 'were' : 'was'} sent without sight of 8BITMIME, which was lost between the two captures (${whatBecameOf(lost)}).${keyword ? '' : ' Whether the server has 8BITMIME, this does not show.'}`,
      args: { why, messages: messages.length },
      evidence: [...evidenceOf(lost), ...eightBitEvidence(session, first)],
      difference: null,
    },
  ];
}

/** Octets of a message that were sent in vain: by the path where it takes no large packets, by whatever stands there elsewhere. */
function lostOnTheWay(session: SmtpSession, differences: readonly Difference[]): Consequence[] {
  const hole = blackHole(session);
  return differences.flatMap((difference): Consequence[] => {
    const { change, subject, direction, before, octets } = difference;
    if (change !== 'lost' || subject !== 'message' || before === null) return [];
    const base = {
      confidence: 'certain',
      proof: 'octets',
      evidence: evidenceOf(difference),
      difference,
    } as const;
    const what = `${plural(octets)} of a message were sent (${placeOf(before)}) and did not arrive at the other side`;
    if (hole === null || hole.direction !== direction) {
      return [
        {
          ...base,
          change: 'message-end-lost',
          subject: 'end',
          message: `${what}, whose own acknowledgement stays in front of them: they were lost in between, and the server never had the whole message.`,
          args: { lost: 'end' },
        },
      ];
    }
    const { length, repeats } = hole.segment;
    return [
      {
        ...base,
        change: 'large-segments-lost',
        subject: direction,
        message: `${what}: segments of ${length} bytes were lost in between, sent ${repeats + 1} times, while smaller ones passed. That is how a path behaves that takes smaller packets only and whose ICMP messages do not come back; nothing that arrived was changed.`,
        args: { direction, length, repeats },
      },
    ];
  });
}

const PARTS = ['CR', 'LF', '.', 'CR', 'LF'] as const;

/** An end of data that straddled segments left the client and never arrived, where a whole one did arrive or none was sent. */
function splitEnds(session: SmtpSession, differences: readonly Difference[]): Consequence[] {
  const found: Consequence[] = [];
  for (const difference of differences) {
    const { change, subject, direction, before } = difference;
    if (direction !== 'client' || before === null || (change !== 'removed' && change !== 'lost')) continue;
    if (subject !== 'end-of-data' && subject !== 'message') continue;
    const message = session.messages.find(
      ({ offset, terminator }) =>
        terminator !== null && before.offset! >= offset && before.offset! < terminator.endOffset,
    );
    const splits = (message?.terminator?.splits ?? []).filter((position) => position > 0);
    // Of a message that was lost before its end, the split of the end is not why.
    if (splits.length === 0 || before.offset! < message!.terminator!.offset) continue;
    const split = PARTS.map((part, index) => (splits.includes(index) ? `|${part}` : part)).join('');
    found.push({
      change: 'split-end-lost',
      subject: 'both-sides',
      confidence: 'likely',
      proof: 'octets',
      message: `The end of a message was split over segments as ${split} (${placeOf(before)}), and its octets did not arrive at the other side.`,
      args: { splits: [split] },
      evidence: evidenceOf(difference),
      difference,
    });
    break;
  }
  return found;
}

function plural(octets: number): string {
  return octets === 1 ? '1 byte' : `${octets} bytes`;
}

/** The keyword or the command did not come through as it was. EHLO takes all keywords with it. */
function isLost(difference: Difference, name: string): boolean {
  const { change, subject, how, verb, before } = difference;
  if (subject === 'keyword') {
    if (before === null || (change !== 'removed' && !(change === 'altered' && how !== 'blank'))) return false;
    return keywordName(before).split('=')[0] === name;
  }
  if (isForged(difference)) return verb === name && isRefusal(difference);
  if (subject !== 'command' || verb !== name || before === null) return false;
  return change === 'removed' || (change === 'altered' && verbArrived(difference) !== name);
}

/** What stands in the verb's place where a command arrived; null: nothing arrived. */
export function verbArrived({ after }: Difference): string | null {
  return after === null ? null : parseCommand(after.text).verb;
}

/** `250-AUTH=LOGIN`: what follows the code, up to a blank, in upper case. */
function keywordName({ text }: Spot): string {
  return /^\d{3}[ -]([^ ]*)/.exec(text)?.[1]?.toUpperCase() ?? '';
}

function whatBecameOf({ change, before, after }: Difference): string {
  if (before === null) return `answered by "${excerpt(after!)}", ${placeOf(after!)}`;
  if (after === null || change === 'removed') return `"${excerpt(before)}", ${placeOf(before)}, is missing`;
  return `"${excerpt(before)}", ${placeOf(before)}, became "${excerpt(after)}", ${placeOf(after)}`;
}

function whatOf(verb: string | null): string {
  if (verb === '(end-of-data)') return 'the end of a message';
  if (verb === null || verb.startsWith('(')) return 'what it sent';
  return verb;
}

/** The packets of a difference, on both its sides. */
export function evidenceOf({ direction, before, after }: Difference): Evidence[] {
  const one = (spot: Spot | null, note: string): Evidence[] =>
    spot === null
      ? []
      : [
          {
            capture: spot.capture,
            packet: spot.packet,
            time: null,
            direction,
            offset: spot.offset,
            excerpt: shortened(spot.text, 120),
            note,
          },
        ];
  return [...one(before, 'as it was sent'), ...one(after, 'as it arrived')];
}

function exchangeEvidence({ capture }: SmtpSession, { line, reply }: SmtpExchange): Evidence[] {
  return [line, reply?.lines[0]].flatMap((of) =>
    of
      ? [
          {
            capture,
            packet: of.lastFrame,
            time: of.time,
            direction: of.direction,
            offset: of.offset,
            excerpt: shortened(of.text, 120),
            note: of.direction === 'client' ? 'the recipient' : 'refused as relaying',
          },
        ]
      : [],
  );
}

function eightBitEvidence({ capture }: SmtpSession, message: SmtpMessage): Evidence[] {
  if (message.eightBitFrame === null) return [];
  return [
    {
      capture,
      packet: message.eightBitFrame,
      time: null,
      direction: 'client',
      offset: message.eightBitOffset,
      excerpt: '(mail data)',
      note: 'the first octet above 127',
    },
  ];
}

export function excerpt({ text }: Spot): string {
  return shortened(text, 80);
}

function shortened(text: string, octets: number): string {
  return text.length > octets ? `${text.slice(0, octets)}...` : text;
}

export function placeOf({ side, packet }: Spot): string {
  return `${side}, frame ${packet}`;
}
