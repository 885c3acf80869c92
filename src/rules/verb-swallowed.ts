import { ANSWERED, MISSING } from '../facts/judging.js';
import { sessionMask } from '../facts/mask.js';
import { serverKeyOf } from '../facts/server-key.js';
import { BARE, UNCODED } from '../facts/session-flags.js';
import { foreignSigns } from '../facts/who-answered.js';
import { exchangeEvidence } from '../finding/evidence.js';
import type { FindingDraft } from '../finding/finding.js';
import type { SmtpExchange } from '../smtp/session.js';
import type { Rule } from './rule.js';
import { verbs } from './verdict.js';

const MAX_CANDIDATES = 1_000;

/** Verbs that a reply of `OK` can honestly answer. */
const PASSED = new Set(['HELO', 'MAIL', 'RCPT', 'DATA', 'RSET', 'NOOP', 'QUIT', 'BDAT']);

/**
 * The firewall kept a command for itself and answered `OK`, or passed NOOP in its place.
 *
 * PIX 4.x answers any verb but seven with a bare `OK`; PIX 5.1 to 6.x sends NOOP on, so that EHLO gets the server's
 * reply to NOOP: 250 with neither host name nor keywords. RFC 5321 §4.1.1.1, §4.2.
 */
export const verbSwallowed: Rule = {
  meta: {
    id: 'verb-swallowed',
    severity: 'high',
    title: 'Command swallowed and answered with OK',
    summary:
      'A verb is answered by a bare OK without reply code, or EHLO by the reply that this server gives to NOOP.',
    whyItMatters:
      'The client believes that its command was carried out. EHLO without keywords leaves it without AUTH, STARTTLS, SIZE and 8BITMIME.',
    remedy: [
      'PIX: `no fixup protocol smtp 25` (PIX 4.0 and 4.1: `no mailhost`, a static and a conduit instead).',
    ],
    references: ['KB 320027', 'RFC 5321 §4.1.1.1', 'RFC 5321 §4.2'],
    symptoms: ['kb320027/4', 'kb320027/6'],
    staysSilent:
      'Servers that were seen to answer everything with 250, and EHLO replies that name the host or keywords.',
    verdict: {
      kind: 'deed',
      order: 130,
      verb: { past: 'swallowed', participle: 'swallowed' },
      objects: verbs,
    },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['command-swallowed'],
    box: 'signature',
    needs: { occasion: ANSWERED, doubts: MISSING, seen: 'before-server' },
  },
  create: (context) => {
    /** What servers reply to NOOP; of those that are known. */
    const noops = new Map<string, string>();
    let forgotten = 0;
    const candidates: { key: string; reply: string; signs: string | null; draft: FindingDraft }[] = [];
    return {
      heeds: BARE | UNCODED,
      session(session) {
        const key = serverKeyOf(session);
        let lenient = false;
        for (const exchange of session.exchanges) {
          if (exchange.verb === 'NOOP' && exchange.reply?.code === 250 && !noops.has(key)) {
            const text = singleReply(exchange);
            if (text !== null && context.knowledge.of(session)) noops.set(key, text);
          }
          if (exchange.kind === 'command' && !exchange.known && exchange.reply?.code === 250) lenient = true;
        }
        for (const exchange of session.exchanges) {
          if (exchange.kind !== 'command' || !exchange.line || !exchange.reply || exchange.afterGap) continue;
          const first = exchange.reply.lines[0];
          if (exchange.reply.code === null && /^ok[.!]?$/i.test(first?.text.trim() ?? '')) {
            if (PASSED.has(exchange.verb)) continue;
            const signs = foreignSigns(session, exchange.reply);
            context.report({
              session,
              subject: exchange.known ? exchange.verb : '(unknown verb)',
              confidence: 'certain',
              message: `${exchange.known ? exchange.verb : 'A command that is no verb'} was answered by "${first!.text.trim()}" without a reply code, which no SMTP server sends: the command was not passed on, as the oldest PIX do.${signs === null ? '' : ` ${byItself(signs)}`}`,
              args: {
                verb: exchange.known ? exchange.verb : null,
                reply: first!.text.trim(),
                spoofed: signs !== null,
              },
              evidence: exchangeEvidence(session, exchange, [
                'the command',
                'no reply code: not the server’s',
              ]),
            });
          } else if (exchange.verb === 'EHLO' && !lenient && isBareOk(exchange)) {
            if (candidates.length >= MAX_CANDIDATES) {
              forgotten++;
              continue;
            }
            const signs = foreignSigns(session, exchange.reply);
            candidates.push({
              signs,
              key,
              reply: singleReply(exchange)!,
              draft: {
                session: { id: session.id, capture: session.capture, server: session.server },
                subject: 'EHLO',
                confidence: sessionMask(session) ? 'likely' : 'possible',
                message: '',
                args: { verb: 'EHLO', reply: singleReply(exchange)!, spoofed: signs !== null },
                evidence: exchangeEvidence(session, exchange, [
                  'EHLO as it was sent',
                  '250 without host name and keywords',
                ]),
              },
            });
          }
        }
      },
      end() {
        for (const { key, reply, signs, draft } of candidates) {
          const esmtp = context.knowledge.of(draft.session)?.esmtp ?? false;
          const twin = noops.get(key) === reply;
          const sure = twin || esmtp || signs !== null;
          context.report({
            ...draft,
            confidence: sure ? 'likely' : draft.confidence,
            // A very plain server answers so by itself: alone it is no more than a note.
            ...(!sure && draft.confidence === 'possible' && { severity: 'info' as const }),
            ...(sure && { proof: 'contrast' }),
            message: `EHLO was answered by "${reply}": one line, no host name, no keywords. ${whose(signs, twin, esmtp)}`,
          });
        }
        if (forgotten > 0) {
          context.notAssessed({
            session: null,
            reason: 'limit',
            detail: `${forgotten} bare replies to EHLO were not looked into: only ${MAX_CANDIDATES} are.`,
          });
        }
      },
    };
  },
};

function byItself(signs: string): string {
  return `The packet of the reply is not the server’s (${signs}): the box answered by itself.`;
}

function whose(signs: string | null, twin: boolean, esmtp: boolean): string {
  if (signs !== null) return byItself(signs);
  if (twin) {
    return 'This is the very reply that the server gives to NOOP: NOOP arrived in the place of EHLO, as PIX 5.1 to 6.x do.';
  }
  return esmtp
    ? 'To other clients this server answers EHLO with its keywords.'
    : 'That is how a server answers NOOP, which PIX 5.1 to 6.x send in the place of EHLO; a very plain server may answer so by itself.';
}

function singleReply(exchange: SmtpExchange): string | null {
  return exchange.reply?.lines.length === 1 ? exchange.reply.lines[0]!.text.trim() : null;
}

/** `250 OK`, `250 2.0.0 Ok`, `250`: nothing that names a host. */
function isBareOk(exchange: SmtpExchange): boolean {
  return (
    exchange.reply?.code === 250 &&
    exchange.reply.complete &&
    /^250(?: (?:2\.\d\.\d )?(?:ok\b[^.@]*)?[.!]?)?$/i.test(singleReply(exchange) ?? '-')
  );
}
