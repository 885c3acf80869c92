import { EIGHT_BIT, MISSING } from '../facts/judging.js';
import { extensionsIn, keywordsIn } from '../facts/listed.js';
import { ehloLost } from '../facts/lost-verbs.js';
import { ehloWorked, greetingOf, sessionMask } from '../facts/mask.js';
import { serverKeyOf } from '../facts/server-key.js';
import type { MaskedKeyword } from '../facts/templates.js';
import { exchangeEvidence, lineEvidence, replyEvidence } from '../finding/evidence.js';
import type { Confidence, Evidence, SeenIn } from '../finding/finding.js';
import type { SmtpExchange, SmtpMessage, SmtpSession } from '../smtp/session.js';
import type { Rule } from './rule.js';

/** Servers whose offers are remembered. */
const MAX_SERVERS = 10_000;
/** Servers and reasons that are told apart, sessions of each that are named, and packets that prove them. */
const MAX_CASES = 10_000;
const MAX_NAMED = 10_000;
const MAX_EVIDENCE = 8;

/** Why the client could not see 8BITMIME. The last two are the client's or the server's own doing. */
type Why = 'masked' | 'ehlo-lost' | 'greeting-masked' | 'ehlo-refused' | 'not-listed' | 'not-asked';

interface Unseen {
  readonly why: Why;
  readonly evidence: readonly Evidence[];
  readonly keyword?: MaskedKeyword;
}

interface Case {
  readonly first: SeenIn;
  readonly others: SeenIn[];
  readonly unseen: Unseen;
  messages: number;
  /** BODY=8BITMIME was declared all the same. */
  declared: number;
  readonly evidence: Evidence[];
}

/**
 * 8-bit octets are sent where 8BITMIME is masked, removed or not to be seen by the client.
 *
 * The offer that counts is that of the last EHLO or HELO in front of the message's MAIL. RFC 6152 §2, §3.
 */
export const eightBitMimeUnadvertised: Rule = {
  meta: {
    id: '8bitmime-unadvertised',
    severity: 'medium',
    title: '8-bit octets sent without sight of 8BITMIME',
    summary:
      'A message with 8-bit octets is sent though 8BITMIME is masked, lost with EHLO, or not shown to this client; where the server honestly lacks it, a note.',
    whyItMatters:
      'One sender sends all the same, another returns the mail with 5.6.1, a third re-encodes it; the next server may refuse or spoil what it never agreed to: mail with accents fails, mail without passes.',
    remedy: [
      'Let EHLO and its keywords pass: ASA `no inspect esmtp`, PIX `no fixup protocol smtp 25`.',
      'Or have the sender encode to 7 bit.',
    ],
    references: ['KB 320027', 'RFC 6152 §2', 'RFC 6152 §3', 'RFC 3030 §3'],
    symptoms: ['kb320027/10'],
    staysSilent:
      '8BITMIME (in any case) or, for BODY=BINARYMIME, BINARYMIME offered; an EHLO reply that is incomplete or was missed: midstream, gaps, one-sided captures; encrypted mail; masks under which 8BITMIME does not fit.',
    verdict: { kind: 'consequence', order: 30, clause: '8-bit mail was sent without sight of 8BITMIME' },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['8bit-unadvertised'],
    box: 'nothing',
    needs: { occasion: EIGHT_BIT, doubts: MISSING },
    eightBit: true,
  },
  create: (context) => {
    const offered = new Map<string, string>();
    const cases = new Map<string, Case>();
    let forgotten = 0;
    return {
      session(session) {
        const server = serverKeyOf(session);
        if (!offered.has(server) && offered.size < MAX_SERVERS) {
          const offer = session.extensions.some(({ keyword }) => keyword === '8BITMIME');
          if (offer) offered.set(server, session.id);
        }
        for (const { message, unseen } of unseenIn(session)) {
          const key = `${server}\0${unseen.why}`;
          let one = cases.get(key);
          if (!one) {
            if (cases.size >= MAX_CASES) {
              forgotten++;
              continue;
            }
            one = { first: seenIn(session), others: [], unseen, messages: 0, declared: 0, evidence: [] };
            cases.set(key, one);
          }
          count(one, session, message, unseen);
        }
      },
      end() {
        for (const [key, one] of cases) {
          const offer = offered.get(key.slice(0, key.indexOf('\0')));
          const elsewhere = offer === one.first.id ? undefined : offer;
          const judged = judge(one.unseen, elsewhere);
          const messages = one.messages === 1 ? 'A message' : `${one.messages} messages`;
          const declared = one.declared > 0 ? ', declared as BODY=8BITMIME,' : '';
          context.report({
            session: one.first,
            others: one.others,
            subject: one.unseen.why,
            ...(judged.honest && { severity: 'info', symptoms: [], remedy: [HONEST_REMEDY] }),
            confidence: judged.confidence,
            ...(elsewhere && !judged.honest && { proof: 'contrast' as const }),
            message: `${messages} with 8-bit octets${declared} ${one.messages === 1 ? 'was' : 'were'} sent ${judged.what}`,
            args: {
              why: one.unseen.why,
              messages: one.messages,
              declared: one.declared,
              offeredIn: elsewhere ?? null,
            },
            evidence: one.evidence,
          });
        }
        if (forgotten > 0) {
          context.notAssessed({
            session: null,
            reason: 'limit',
            detail: `${forgotten} messages with 8-bit octets were not looked into: only those at ${MAX_CASES} servers are.`,
          });
        }
      },
    };
  },
};

const HONEST_REMEDY = 'Nothing on a firewall: have the sender encode to 7 bit, or the server offer 8BITMIME.';

function count(one: Case, session: SmtpSession, message: SmtpMessage, unseen: Unseen): void {
  one.messages++;
  if (message.body === '8BITMIME') one.declared++;
  const newest = one.others.at(-1) ?? one.first;
  const another = newest.id !== session.id;
  if (another && one.others.length < MAX_NAMED) one.others.push(seenIn(session));
  // Once for each session: what it was shown, and the first octet that is not ASCII.
  if ((!another && one.messages > 1) || one.evidence.length >= MAX_EVIDENCE) return;
  one.evidence.push(...unseen.evidence, ...octetEvidence(session, message));
}

function octetEvidence(session: SmtpSession, message: SmtpMessage): Evidence[] {
  if (message.eightBitFrame === null) return [];
  return [
    {
      capture: session.capture,
      packet: message.eightBitFrame,
      time: null,
      direction: 'client',
      offset: message.eightBitOffset,
      excerpt: '(mail data)',
      note: 'the first octet above 127',
    },
  ];
}

/** What the client was told of keywords before MAIL. */
interface Hello {
  /** The EHLO or HELO that was accepted; null: MAIL came without one. */
  readonly exchange: SmtpExchange | null;
  /** The EHLO behind which HELO was the way out. */
  readonly refused: SmtpExchange | null;
}

/** The messages with 8-bit octets for which 8BITMIME was not to be seen. What cannot be told is left out. */
function unseenIn(session: SmtpSession): { message: SmtpMessage; unseen: Unseen }[] {
  const { messages, exchanges } = session;
  const found: { message: SmtpMessage; unseen: Unseen }[] = [];
  if (!messages.some(({ eightBit }) => eightBit)) return found;
  const told = new Map<Hello, Unseen | null>();
  const begun = !session.midstream && exchanges[0]?.kind === 'greeting';
  let hello: Hello | null = begun ? { exchange: null, refused: null } : null;
  let atMail: Hello | null = null;
  let next = 0;
  for (const [index, exchange] of exchanges.entries()) {
    hello = helloAfter(exchange, hello);
    if (exchange.verb === 'MAIL') atMail = hello;
    for (let message = messages[next]; message?.commandExchange === index; message = messages[++next]) {
      if (
        !message.eightBit ||
        !atMail ||
        (message.body === 'BINARYMIME' && offers(session, atMail, 'BINARYMIME'))
      )
        continue;
      if (!told.has(atMail)) told.set(atMail, whyUnseen(session, atMail));
      const unseen = told.get(atMail);
      if (unseen) found.push({ message, unseen });
    }
  }
  return found;
}

/** null: it could have been missed. */
function helloAfter(exchange: SmtpExchange, before: Hello | null): Hello | null {
  if (exchange.kind === 'unseen' || exchange.afterGap || exchange.verb === 'LHLO') return null;
  if (exchange.verb !== 'EHLO' && exchange.verb !== 'HELO') return before;
  const { reply } = exchange;
  if (!reply?.complete || reply.droppedLines > 0) return null;
  const accepted = reply.code !== null && reply.code >= 200 && reply.code < 300;
  if (accepted) return { exchange, refused: exchange.verb === 'HELO' ? (before?.refused ?? null) : null };
  return before && exchange.verb === 'EHLO' ? { ...before, refused: exchange } : before;
}

/** null: it was to be seen, or it cannot be told. */
function whyUnseen(session: SmtpSession, hello: Hello): Unseen | null {
  const { exchange, refused } = hello;
  if (exchange && ehloWorked(exchange)) {
    if (offers(session, hello, '8BITMIME')) return null;
    const keywords = keywordsIn(session, exchange.reply!);
    if (keywords.some(({ extension }) => extension.line.checksum === 'invalid')) return null;
    const fitting = keywords.filter(({ candidates }) => candidates.includes('8BITMIME'));
    const keyword = fitting.find(({ name }) => name !== null) ?? fitting[0];
    if (keyword) {
      const note = `${keyword.octets} octets masked: 8BITMIME fits`;
      return { why: 'masked', keyword, evidence: [lineEvidence(session, keyword.extension.line, note)] };
    }
    return {
      why: 'not-listed',
      evidence: replyEvidence(session, exchange.reply, 'the keywords: 8BITMIME is not among them'),
    };
  }
  const evidence = exchange?.line ? [lineEvidence(session, exchange.line, 'no keywords came')] : [];
  if (ehloLost(session)) return { why: 'ehlo-lost', evidence };
  if (sessionMask(session) !== null) {
    const greeting = replyEvidence(session, greetingOf(session)!.reply, 'the greeting is masked');
    return { why: 'greeting-masked', evidence: [...greeting, ...evidence] };
  }
  if (exchange?.verb === 'EHLO') {
    return {
      why: 'not-listed',
      evidence: replyEvidence(session, exchange.reply, 'no keyword is listed'),
    };
  }
  if (!refused) return { why: 'not-asked', evidence };
  return {
    why: 'ehlo-refused',
    evidence: exchangeEvidence(session, refused, ['EHLO as it was sent', 'refused']),
  };
}

function offers(session: SmtpSession, { exchange }: Hello, keyword: string): boolean {
  return (
    exchange?.verb === 'EHLO' &&
    extensionsIn(session, exchange.reply!).some((extension) => extension.keyword === keyword)
  );
}

interface Judged {
  readonly confidence: Confidence;
  readonly what: string;
  readonly honest?: boolean;
}

/** @param offered  another session in which the same server offers 8BITMIME */
function judge({ why, keyword }: Unseen, offered: string | undefined): Judged {
  const elsewhere = offered ? ` The same server offers 8BITMIME in session ${offered}.` : '';
  switch (why) {
    case 'masked':
      return masked(keyword!, elsewhere);
    case 'ehlo-lost':
      return {
        confidence: offered ? 'likely' : 'possible',
        what: `after EHLO was lost on the way: the client saw no keywords.${elsewhere || ' Whether the server has 8BITMIME, this does not show.'}`,
      };
    case 'greeting-masked':
      return {
        confidence: 'possible',
        what: `after HELO behind a masked greeting: senders that know such greetings do not ask for keywords.${elsewhere} Others say HELO by themselves, or because they were told to.`,
      };
    case 'ehlo-refused':
      if (!offered) break;
      return {
        confidence: 'possible',
        what: `after EHLO was refused.${elsewhere} A firewall may stand between; a server that refuses some clients' EHLO, or one that was changed, shows the same.`,
      };
    case 'not-listed':
      if (!offered) break;
      return {
        confidence: 'possible',
        what: `though 8BITMIME is not among the keywords.${elsewhere} It may have been removed on the way; servers that offer it to some clients only, several servers behind one address, or one that was changed show the same.`,
      };
  }
  const cause =
    why === 'not-listed'
      ? 'though 8BITMIME is not among the keywords, none of which is masked'
      : why === 'ehlo-refused'
        ? 'to a server that refuses EHLO'
        : 'by a client that did not ask for keywords';
  return {
    honest: true,
    confidence: 'certain',
    what: `${cause}: nothing points to a firewall, the sender broke RFC 6152.${why === 'not-asked' ? elsewhere : ''}`,
  };
}

function masked({ octets, name, fits, candidates }: MaskedKeyword, elsewhere: string): Judged {
  const where = `though 8BITMIME was not to be seen: a line of ${octets} octets in the EHLO reply is masked`;
  if (name !== null) {
    return {
      confidence: 'likely',
      what: `${where}, and the order and the lengths of ${fits.join(', ')} leave no other reading.${elsewhere}`,
    };
  }
  const others = candidates.filter((line) => line !== '8BITMIME').join(', ');
  return {
    confidence: elsewhere ? 'likely' : 'possible',
    what: `${where}, under which 8BITMIME fits (as would ${others}).${elsewhere || ' A server without 8BITMIME, and another keyword under the mask, show the same.'}`,
  };
}

function seenIn({ id, capture, server }: SeenIn): SeenIn {
  return { id, capture, server };
}
