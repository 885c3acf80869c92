import { IS_OPEN, MESSAGE, MISSING } from '../facts/judging.js';
import { KeptPlaces, placeNumber, placeOf } from '../facts/message-index.js';
import { MESSAGES } from '../facts/session-flags.js';
import type { Confidence, Evidence, SeenIn } from '../finding/finding.js';
import { plural } from '../finding/words.js';
import type { MailDamage } from '../mail/message-facts.js';
import type { SmtpMessage, SmtpSession } from '../smtp/session.js';
import type { Rule, RuleContext } from './rule.js';

/** Whole messages that are remembered, to hold damaged ones against; 4 MB. */
const MAX_WHOLE = 1 << 17;
/** Damaged messages of a run. */
const MAX_DAMAGED = 10_000;
const MAX_EVIDENCE = 4;
/** Of a mask that is shown. */
const EXCERPT = 40;

const MASKS = { stars: '*', letters: 'X', nul: '\0' } as const;
const MASK_NAMES = { stars: 'asterisks', letters: 'X’s', nul: 'NULs' } as const;
type MaskKind = keyof typeof MASKS;

/** A damaged message until the end of the run, when a whole copy of it may have been seen. */
interface Damaged {
  readonly session: SeenIn;
  readonly id: string;
  readonly messageId: string | null;
  readonly octets: number;
  readonly accepted: boolean | null;
  readonly damages: readonly MailDamage[];
  readonly end: SmtpMessage['terminator'];
}

/**
 * A MIME part is broken as transit breaks parts: lines of base64 are overwritten, or the message is cut short.
 *
 * A box that edits packets in place writes its mask over what it takes for a command, wherever that lies; "lines of
 * XXXXXXXXXXX" in messages are known of early PIX. What ends by itself and decodes is whole. RFC 2045 §6.8, RFC 2046
 * §5.1.1.
 */
export const attachmentDamaged: Rule = {
  meta: {
    id: 'attachment-damaged',
    severity: 'high',
    title: 'An attachment was damaged on its way',
    summary:
      'Runs of asterisks, X’s or NULs stand inside a base64 part, or the message ends without its closing boundary or inside a quantum of base64.',
    whyItMatters:
      'The server takes the message and nobody gets an error: the recipient opens an attachment that is garbled or lacks its end.',
    remedy: [
      'Compare the message on both sides of the firewall: captures of both, given together, show which side it was whole on.',
      'PIX: `no fixup protocol smtp 25`; ASA: `no inspect esmtp` for this server.',
      'Let the sender send it again; there is nothing to repair at the recipient.',
    ],
    references: ['KB 320027', 'RFC 2045 §6.8', 'RFC 2046 §5.1.1'],
    symptoms: ['kb320027/2', 'kb320027/11'],
    staysSilent:
      'Messages with gaps, segments whose checksum is wrong (changed after they were captured), parts of one character throughout, what is labelled base64 and is none, fewer than 32 mask characters side by side, long lines, lacking padding, inner multiparts that nobody closes.',
    verdict: {
      kind: 'consequence',
      order: 120,
      clause: ({ findings: { length } }) =>
        length === 1
          ? 'an attachment was damaged'
          : `attachments of ${plural(length, 'message')} were damaged`,
    },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['message-altered'],
    box: 'nothing',
    needs: { occasion: MESSAGE, doubts: MISSING | IS_OPEN, seen: 'beside-server' },
  },
  create: (context) => {
    const whole = new KeptPlaces(context.kept, MAX_WHOLE);
    const damaged: Damaged[] = [];
    let forgotten = 0;
    return {
      heeds: MESSAGES,
      session(session) {
        for (const [index, message] of session.messages.entries()) {
          const damages = message.damages.filter((damage) => counts(damage, message));
          if (damages.length === 0) {
            const key = keyOf(message);
            // A damage that does not count here is one all the same: such a copy is not whole.
            const isWhole = message.damages.length === 0 && message.terminated && message.missingOctets === 0;
            if (key !== null && isWhole) whole.note(key, placeNumber(session, index));
          } else if (damaged.length < MAX_DAMAGED) damaged.push(keep(session, message, damages));
          else forgotten++;
        }
      },
      end() {
        for (const message of damaged) report(context, message, wholeCopy(context, whole, message));
        if (forgotten > 0) {
          context.notAssessed({
            session: null,
            reason: 'limit',
            detail: `${forgotten} more damaged messages are not listed.`,
          });
        }
      },
    };
  },
};

function counts(
  { kind, checksum }: MailDamage,
  { missingOctets, terminated, accepted }: SmtpMessage,
): boolean {
  if (missingOctets > 0 || checksum === 'invalid') return false;
  return kind === 'cut' || kind === 'unclosed' ? terminated && accepted === true : true;
}

function keyOf({ messageId, octets }: { messageId: string | null; octets: number }): string | null {
  return messageId === null ? null : `${messageId}\0${octets}`;
}

function keep(session: SmtpSession, message: SmtpMessage, damages: readonly MailDamage[]): Damaged {
  const { id, capture, server } = session;
  return {
    session: { id, capture, server },
    id: message.id,
    messageId: message.messageId,
    octets: message.octets,
    accepted: message.accepted,
    damages,
    end: message.terminator,
  };
}

/** The same message, of the same length, without the damage. */
function wholeCopy(
  context: RuleContext,
  whole: KeptPlaces,
  damaged: Damaged,
): { session: SmtpSession; message: SmtpMessage } | null {
  const key = keyOf(damaged);
  const number = key === null ? -1 : whole.find(key);
  if (number < 0) return null;
  const place = placeOf(number);
  const session = context.session(place.session);
  const message = session?.messages[place.message];
  if (!session || !message || keyOf(message) !== key) return null;
  return { session, message };
}

function report(context: RuleContext, damaged: Damaged, copy: ReturnType<typeof wholeCopy>): void {
  const { session, messageId, damages, accepted } = damaged;
  const masks = damages.filter(({ kind }) => kind in MASKS);
  const told = masks.length > 0 ? masks : damages;
  const first = told[0]!;
  const name = messageId === null ? 'a message without a Message-ID' : messageId;
  const contrast =
    copy &&
    ` The same message, of the same length, is whole in ${copy.session.id}: it was changed on its way.`;
  context.report({
    session,
    others: copy ? [{ id: copy.session.id, capture: copy.session.capture }] : [],
    subject: messageId ?? damaged.id,
    enduring: messageId ?? '',
    severity: masks.length > 0 ? 'high' : 'medium',
    confidence: copy ? 'certain' : confidenceOf(told),
    ...(copy && { proof: 'contrast' }),
    message: `${statement(told, name)}${contrast ?? doubtOf(told)}`,
    args: {
      messageId,
      kind: first.kind,
      parts: [...new Set(told.map(({ part }) => part))],
      octets: masks.reduce((sum, { octets }) => sum + octets, 0),
      runs: masks.length,
      shape: masks.length > 0 ? first.shape : null,
      offset: first.offset,
      accepted,
      wholeIn: copy?.session.id ?? null,
    },
    evidence: [
      ...told.slice(0, MAX_EVIDENCE).map((damage) => evidenceOf(damaged, damage)),
      ...(copy ? [copyEvidence(copy)] : []),
    ],
    symptoms: first.kind === 'cut' ? ['kb320027/2', 'kb320027/11'] : ['kb320027/11'],
  });
}

function confidenceOf(damages: readonly MailDamage[]): Confidence {
  const likely = ({ kind, shape }: MailDamage) =>
    kind === 'stars' || kind === 'nul' || (kind === 'letters' && shape !== 'inside');
  return damages.some(likely) ? 'likely' : 'possible';
}

function statement(damages: readonly MailDamage[], name: string): string {
  const first = damages[0]!;
  const where = `part ${first.part} of ${name}`;
  if (first.kind === 'unclosed') return `No boundary closes ${name}: it ends in part ${first.part}.`;
  if (first.kind === 'cut') {
    return `${name} ends inside a quantum of base64 in part ${first.part}, and its closing boundary is not there.`;
  }
  const others = damages.length > 1 ? `, and ${damages.length - 1} more such runs` : '';
  const octets = `${first.octets} ${MASK_NAMES[first.kind]}`;
  return `${octets} stand inside the base64 of ${where}, at offset ${first.offset} of the client’s stream${others}.`;
}

/** What else could be why. */
function doubtOf(damages: readonly MailDamage[]): string {
  if (damages[0]!.kind === 'unclosed') {
    return ' A careless sender, or a filter that took the last part away, does the same.';
  }
  if (damages[0]!.kind === 'cut') return ' A sender or a filter in front of it may have cut it already.';
  if (confidenceOf(damages) === 'likely')
    return ' No encoder writes that; who has overwritten it, one side does not show.';
  return ' It may be data: the octets 5D 75 D7 again and again, a blue surface for instance, give the same.';
}

function evidenceOf({ session, end }: Damaged, damage: MailDamage): Evidence {
  const { kind, frame, offset, octets, part } = damage;
  const place = { capture: session.capture, packet: frame, direction: 'client', offset } as const;
  if (kind === 'cut' || kind === 'unclosed') {
    const note =
      kind === 'cut' ? `the end, inside base64 of part ${part}` : `the end; part ${part} is not closed`;
    return { ...place, time: end?.time ?? null, excerpt: '(end of the message)', note };
  }
  return { ...place, time: null, excerpt: excerptOf(kind, octets), note: `${octets} octets of part ${part}` };
}

function excerptOf(kind: MaskKind, octets: number): string {
  return MASKS[kind].repeat(Math.min(octets, EXCERPT)) + (octets > EXCERPT ? '...' : '');
}

function copyEvidence({ session, message }: { session: SmtpSession; message: SmtpMessage }): Evidence {
  return {
    capture: session.capture,
    packet: message.frame,
    time: message.time,
    direction: 'client',
    offset: message.offset,
    excerpt: message.messageId ?? '',
    note: 'the same message, whole, begins here',
  };
}
