import type { SmtpExchange } from './session.js';

/**
 * The EHLO or HELO that counts in the end: a refused one changes nothing. RFC 5321 §4.1.4.
 *
 * @returns where each was refused, the last of them; null: there is none
 */
export function lastHello(exchanges: readonly SmtpExchange[]): SmtpExchange | null {
  let refused: SmtpExchange | null = null;
  for (let index = exchanges.length - 1; index >= 0; index--) {
    const exchange = exchanges[index]!;
    if (exchange.verb !== 'EHLO' && exchange.verb !== 'HELO') continue;
    if ((exchange.reply?.code ?? 0) < 400) return exchange;
    refused ??= exchange;
  }
  return refused;
}
