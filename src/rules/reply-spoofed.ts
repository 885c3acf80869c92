import { ANSWERED as COMMANDS_ANSWERED, MISSING } from '../facts/judging.js';
import { type JudgedReply, signText, whoAnswered } from '../facts/who-answered.js';
import { exchangeEvidence, lineEvidence } from '../finding/evidence.js';
import type { Evidence, FindingDraft, NotAssessed } from '../finding/finding.js';
import type { SmtpExchange, SmtpSession } from '../smtp/session.js';
import type { Rule } from './rule.js';
import { ANSWERED } from './verdict.js';

/** Replies that are listed, and those whose packets are shown. */
const MAX_LISTED = 20;
const MAX_SHOWN = 3;

/**
 * In one connection some replies come from another stack than the server's, or faster than the server can answer.
 *
 * A box that answers for the server has to make the packet itself: its hop limit, IP ID and options are not the
 * server's, and it need not wait for the path behind it. RFC 9293 §3.1, RFC 7323 §3.2, RFC 791 §3.1.
 */
export const replySpoofed: Rule = {
  meta: {
    id: 'reply-spoofed',
    severity: 'high',
    title: 'Replies written by another machine than the server',
    summary:
      'In one connection some replies come from another stack (hop limit, timestamps, IP ID) or faster than the server can answer.',
    whyItMatters:
      'The server never saw these commands: what the client was told of them is the word of something in between.',
    remedy: [
      'Look for the machine that is nearer to the client by the hop limit: a firewall’s SMTP inspection, a proxy, an antivirus product.',
      'PIX: `no fixup protocol smtp 25` (PIX 4.0 and 4.1: `no mailhost`, a static and a conduit instead).',
    ],
    references: ['RFC 9293 §3.1', 'RFC 7323 §3.2', 'RFC 791 §3.1', 'KB 320027'],
    symptoms: ['kb320027/4'],
    staysSilent:
      'One sign at one reply (routes that change or alternate), a stack that changes for good, IP IDs that go on counting, SYN proxies and full proxies, resets and bare acknowledgements, gaps, one-sided and midstream captures, fewer than three replies of the server’s own.',
    verdict: { kind: 'deed', order: 30, verb: ANSWERED, objects: ["in the server's name"] },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['reply-forged'],
    box: 'signature',
    needs: { occasion: COMMANDS_ANSWERED, doubts: MISSING, seen: 'before-server' },
  },
  create: (context) => ({
    session(session) {
      const { replies, chance } = whoAnswered(session);
      const another = replies.filter(({ writer }) => writer === 'another');
      if (another.length === 0) {
        const looks = replies.filter(({ signs }) => signs.length > 1);
        if (looks[0]) context.notAssessed(undecided(session, looks.length, looks[0]));
        return;
      }
      const server = replies.filter(({ writer }) => writer === 'server');
      const commands = [...new Set(another.map(({ exchange }) => nameOf(exchange)))];
      context.report({
        session,
        subject: '',
        ...certaintyOf(another),
        message: `${sentence(another, chance)} ${extent(another.length, replies.length, commands)}`,
        args: {
          another: another.length,
          server: server.length,
          undecided: replies.length - another.length - server.length,
          commands: commands.slice(0, MAX_LISTED),
          handshakeUs: session.tcp.handshakeUs,
          medianUs: median(server),
          chance: chance === null ? null : Number(chance.toPrecision(3)),
          replies: another.slice(0, MAX_LISTED).map(listed),
        },
        evidence: evidenceOf(session, another, server),
      });
    },
  }),
};

/** No server says `OK` without a code: where its packet is not the server's either, nothing honest is left. */
function certaintyOf(another: readonly JudgedReply[]): Pick<FindingDraft, 'confidence' | 'proof'> {
  return another.some(({ reply, signs }) => reply.code === null && signs.length > 1)
    ? { confidence: 'certain', proof: 'octets' }
    : { confidence: 'likely', proof: 'contrast' };
}

function sentence(another: readonly JudgedReply[], chance: number | null): string {
  const { line, signs } = another.reduce((best, one) => (one.signs.length > best.signs.length ? one : best));
  const clauses = signs.map(({ clause }) => clause);
  const came = `The reply in frame ${line.frame} came ${enumerate(clauses)}`;
  if (chance === null) return `${came}: another machine wrote it.`;
  const odds = chance < 0.001 ? 'less than 0.001' : chance.toFixed(3);
  return `${came}, as did all replies that say so, and no other: another machine wrote them. The probability that this is chance is ${odds} (Fisher’s exact test).`;
}

function extent(another: number, all: number, commands: readonly string[]): string {
  const named = commands.length > 3 ? '' : `, ${another === 1 ? 'that' : 'those'} to ${enumerate(commands)}`;
  return `So it is with ${another} of the ${all} replies in this connection${named}.`;
}

/** What was no verb is not repeated: its octets may be anything. */
function nameOf({ kind, known, verb }: SmtpExchange): string {
  if (kind === 'greeting') return 'the connection itself';
  if (kind === 'end-of-data') return 'the end of the message';
  if (kind === 'auth-response') return 'the credentials';
  return known ? verb : 'a command that is no verb';
}

/** The signs are there; what they are held against is not. */
function undecided(session: SmtpSession, count: number, first: JudgedReply): NotAssessed {
  const subject = count === 1 ? 'A reply looks' : `${count} replies look`;
  return {
    session: session.id,
    reason: 'undecided',
    detail: `${subject} like another machine's (frame ${first.line.frame}: ${signText(first)}), but too few of the server's own stand around: a server or a route that changed for good shows the same.`,
  };
}

function listed(judged: JudgedReply): string {
  return `frame ${judged.line.frame}: ${judged.writer} (${signText(judged)})`;
}

function evidenceOf(
  session: SmtpSession,
  another: readonly JudgedReply[],
  server: readonly JudgedReply[],
): Evidence[] {
  const own = server[0];
  return [
    ...another
      .slice(0, MAX_SHOWN)
      .flatMap((judged) =>
        exchangeEvidence(session, { ...judged.exchange, reply: judged.reply }, [
          'the command',
          signText(judged),
        ]),
      ),
    ...(own ? [lineEvidence(session, own.line, 'a reply of the server’s own')] : []),
  ];
}

/** Microseconds that the server's own replies took. */
function median(server: readonly JudgedReply[]): number | null {
  const delays = server.flatMap(({ delayUs }) => (delayUs === null ? [] : [delayUs])).sort((a, b) => a - b);
  return delays[delays.length >> 1] ?? null;
}

function enumerate(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
