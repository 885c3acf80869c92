import { exchangeEvidence, lineEvidence, replyEvidence } from '../finding/evidence.js';
import type { Confidence, Evidence } from '../finding/finding.js';
import type { SmtpExchange, SmtpSession } from '../smtp/session.js';
import { echoedMask, greetingOf, maskedCommand, sessionMask } from './mask.js';
import { ANY_PROXY_GREETING, PROXY_GREETINGS } from './proxies.js';
import { sessionKeywords } from './templates.js';
import { foreignSigns } from './who-answered.js';

/** What shows, beside a refusal, that something on the path had its hand in this session. */
export interface BoxWitness {
  readonly kind: 'echo' | 'stack' | 'greeting' | 'command' | 'keyword' | 'proxy';
  /** Of the claim that a box, and not the server, refused. */
  readonly confidence: Confidence;
  /** One clause: `the packet of the refusal is not the server's (no timestamp; IP ID 3103/13256)`. */
  readonly clause: string;
  readonly evidence: readonly Evidence[];
}

/**
 * The second witness to a refusal, the best there is: one proof serves every rule that asks who refused.
 *
 * @returns null: nothing in this session points to anybody but the server
 */
export function boxWitness(session: SmtpSession, exchange: SmtpExchange): BoxWitness | null {
  const echoed = echoedMask(exchange);
  if (echoed !== null) {
    return {
      kind: 'echo',
      confidence: 'certain',
      clause: `the refusal quotes "${echoed.quoted}": the server never got ${exchange.verb}`,
      evidence: exchangeEvidence(session, exchange, [
        `${exchange.verb} as it was sent`,
        'quotes what arrived',
      ]),
    };
  }
  const signs = exchange.reply ? foreignSigns(session, exchange.reply) : null;
  if (signs !== null) {
    return {
      kind: 'stack',
      confidence: 'likely',
      clause: `the packet of the refusal is not the server’s (${signs}): another machine refused it`,
      evidence: [],
    };
  }
  const greeting = greetingOf(session);
  const mask = sessionMask(session);
  if (mask !== null && greeting && !greeting.reply.lines.some(({ checksum }) => checksum === 'invalid')) {
    return {
      kind: 'greeting',
      confidence: 'likely',
      clause: 'the greeting is masked: the same box probably stands behind the refusal',
      evidence: replyEvidence(session, greeting.reply, 'the greeting is masked'),
    };
  }
  const line = greeting?.reply.lines[0];
  const proxy = line && ANY_PROXY_GREETING.test(line.text) ? strongProxy(line.text) : undefined;
  if (line && proxy) {
    return {
      kind: 'proxy',
      confidence: 'likely',
      clause: `the greeting is that of ${proxy.product}: the proxy refused it, and not the server behind it`,
      evidence: [lineEvidence(session, line, `greeting of ${proxy.product}`)],
    };
  }
  const masked = session.exchanges.find(
    (one) => maskedCommand(one) && one.line!.checksum !== 'invalid' && !one.afterGap,
  );
  if (masked?.line && masked !== exchange) {
    return {
      kind: 'command',
      confidence: 'likely',
      clause: 'another command of this session arrives as X’s',
      evidence: [lineEvidence(session, masked.line, 'X’s in the place of a command')],
    };
  }
  const [keyword] = sessionKeywords(session);
  if (keyword && keyword.extension.line.checksum !== 'invalid') {
    return {
      kind: 'keyword',
      confidence: 'likely',
      clause: 'keywords of the EHLO reply are masked in this session',
      evidence: [lineEvidence(session, keyword.extension.line, 'a masked keyword')],
    };
  }
  return null;
}

function strongProxy(text: string) {
  return PROXY_GREETINGS.find(({ pattern, weight }) => weight === 'strong' && pattern.test(text));
}
