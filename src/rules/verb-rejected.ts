import { ANSWERED, MISSING } from '../facts/judging.js';
import { isSyntax, isUnderstood } from '../facts/lost-verbs.js';
import { echoedMask } from '../facts/mask.js';
import { REFUSED } from '../facts/session-flags.js';
import { foreignSigns } from '../facts/who-answered.js';
import { exchangeEvidence, lineEvidence } from '../finding/evidence.js';
import type { FindingDraft } from '../finding/finding.js';
import type { Extension, SmtpLine, SmtpSession } from '../smtp/session.js';
import type { Rule } from './rule.js';
import { verbs } from './verdict.js';

const MAX_WAITING = 1_000;

/** Keyword in the EHLO reply → verb that it allows. RFC 5321 §4.1.1.1. */
const KEYWORD_OF: Readonly<Record<string, string>> = {
  STARTTLS: 'STARTTLS',
  AUTH: 'AUTH',
  BDAT: 'CHUNKING',
  ETRN: 'ETRN',
  ATRN: 'ATRN',
  TURN: 'TURN',
  VRFY: 'VRFY',
  EXPN: 'EXPN',
  HELP: 'HELP',
  XCLIENT: 'XCLIENT',
  XFORWARD: 'XFORWARD',
  XEXCH50: 'XEXCH50',
  'X-EXPS': 'X-EXPS',
  'X-LINK2STATE': 'X-LINK2STATE',
};

/** Seen of an antivirus proxy on the sender's own machine, which answers STARTTLS itself. */
const LOCAL_PROXY_REPLY = /^500 Unsupported command\.$/;
const LOCAL_PROXY_BYE = /^221 Closing connection\. Good bye\.$/;

/**
 * A verb that this server offers is refused with 500 or 502, as if the server did not know it.
 *
 * Who offers a verb knows it: the refusal came from another, or the verb arrived as something else. RFC 5321 §4.2.4.
 */
export const verbRejected: Rule = {
  meta: {
    id: 'verb-rejected',
    severity: 'medium',
    title: 'A verb that the server offers is refused',
    summary:
      'A verb is refused with 500 or 502 though this server offers it, in this session or to other clients.',
    whyItMatters: 'Something between client and server spoils the verb or answers in the server’s name.',
    remedy: [
      'Compare with a capture on the other side of the firewall: did the verb arrive?',
      'ASA: `no inspect esmtp` or `allow-tls`; PIX: `no fixup protocol smtp 25`; antivirus on the sending machine: switch off its mail shield.',
    ],
    references: ['RFC 5321 §4.2.4', 'RFC 5321 §4.1.1.1'],
    symptoms: ['kb320027/4'],
    staysSilent:
      'Replies 503, 530, 535, 538, 454; verbs that nobody saw offered; AUTH and VRFY that a server switches off itself (502) when they were not offered here.',
    verdict: {
      kind: 'deed',
      order: 140,
      verb: { past: 'had', participle: 'had', tail: 'refused' },
      objects: verbs,
    },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['command-refused'],
    box: 'nothing',
    needs: { occasion: ANSWERED, doubts: MISSING, seen: 'before-server' },
  },
  create: (context) => {
    let forgotten = 0;
    const waiting: { keyword: string; signs: string | null; draft: FindingDraft }[] = [];
    return {
      heeds: REFUSED,
      session(session) {
        // Made when first needed, and once: a session may hold thousands of refusals, exchanges and keywords.
        let offers: ReadonlyMap<string, Extension> | undefined;
        let bye: SmtpLine | null | undefined;
        for (const exchange of session.exchanges) {
          const keyword = KEYWORD_OF[exchange.verb];
          const code = exchange.reply?.code;
          if (exchange.kind !== 'command' && exchange.kind !== 'bdat') continue;
          if (!keyword || !exchange.line || (code !== 500 && code !== 502) || exchange.afterGap) continue;
          if (echoedMask(exchange) || isSyntax(exchange) || isUnderstood(session, exchange.verb)) continue;
          offers ??= offersOf(session);
          const offer = offers.get(keyword);
          const signs = foreignSigns(session, exchange.reply!);
          const local = LOCAL_PROXY_REPLY.test(exchange.reply!.lines[0]?.text ?? '');
          if (local && bye === undefined) bye = farewellOf(session);
          const draft: FindingDraft = {
            session: { id: session.id, capture: session.capture, server: session.server },
            subject: exchange.verb,
            confidence: offer || signs !== null ? 'likely' : 'possible',
            message: `${exchange.verb} was refused with ${code} though this server offers ${keyword} in the same session. ${refuser(signs, local)}`,
            args: { verb: exchange.verb, keyword, code, localProxyText: local, spoofed: signs !== null },
            evidence: [
              ...(offer ? [lineEvidence(session, offer.line, 'offered here')] : []),
              ...exchangeEvidence(session, exchange, ['the verb as it was sent', 'refused as unknown']),
              ...(local && bye ? [lineEvidence(session, bye, 'the same proxy’s farewell')] : []),
            ],
          };
          if (offer) context.report(draft);
          else if (waiting.length < MAX_WAITING) waiting.push({ keyword, signs, draft });
          else forgotten++;
        }
      },
      end() {
        for (const { keyword, signs, draft } of waiting) {
          const known = context.knowledge.of(draft.session);
          if (!known?.session || !known.keywords.has(keyword)) continue;
          // Offered to others only: servers do offer AUTH or STARTTLS to some clients alone.
          context.report({
            ...draft,
            proof: 'contrast',
            contrast: [known.session],
            message: `${draft.subject} was refused with ${draft.args.code} by a server that offers ${keyword} to others (session ${known.session.id}). ${
              signs === null
                ? "Something on this client's way may hide and refuse it; a server may also offer it to some clients alone."
                : refuser(signs, false)
            }`,
          });
        }
        if (forgotten > 0) {
          context.notAssessed({
            session: null,
            reason: 'limit',
            detail: `${forgotten} refused verbs were not held against other sessions: only ${MAX_WAITING} are.`,
          });
        }
      },
    };
  },
};

/** By keyword, the first line that offers it. */
function offersOf({ extensions }: SmtpSession): ReadonlyMap<string, Extension> {
  const offers = new Map<string, Extension>();
  for (const extension of extensions) {
    const [keyword = ''] = extension.keyword.split('=');
    if (!offers.has(keyword)) offers.set(keyword, extension);
  }
  return offers;
}

/** The first reply that bids farewell as that proxy does. */
function farewellOf({ exchanges }: SmtpSession): SmtpLine | null {
  for (const { reply } of exchanges) {
    const line = reply?.lines[0];
    if (line && LOCAL_PROXY_BYE.test(line.text)) return line;
  }
  return null;
}

function refuser(signs: string | null, local: boolean): string {
  if (local) {
    return 'The text of the refusal is the one that an antivirus proxy on the sending machine is known for (Norton AntiVirus 2002): it may never have left that machine.';
  }
  return signs === null
    ? 'A server that offers a verb knows it; a server that is set up inconsistently is the other explanation.'
    : `The packet of the refusal is not the server’s (${signs}): another machine refused it.`;
}
