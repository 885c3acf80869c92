import { GREETED } from '../facts/judging.js';
import { greetingOf } from '../facts/mask.js';
import { ANY_PROXY_GREETING, PROXY_GREETINGS } from '../facts/proxies.js';
import { lineEvidence } from '../finding/evidence.js';
import { enumerate } from '../finding/words.js';
import type { Rule } from './rule.js';
import { ANSWERED } from './verdict.js';

/**
 * The greeting is a mail proxy's own: `220 CheckPoint FireWall-1 secure ESMTP server`.
 *
 * Who answers is then not the mail server, and what it offers is what the proxy offers. RFC 5321 §3.1.
 */
export const bannerProxy: Rule = {
  meta: {
    id: 'banner-proxy',
    severity: 'low',
    title: 'An SMTP proxy greets in the server’s place',
    summary: 'The greeting (and, where it is a common one, the reply to HELP) is that of a known SMTP proxy.',
    whyItMatters:
      'A proxy ends the connection and speaks for the server: keywords it does not know disappear, replies may be its own, and its acknowledgement is not the server’s.',
    remedy: [
      'Ask the owner of the proxy to pass the connection through, or to allow the keywords that are missing.',
    ],
    references: ['RFC 5321 §3.1', 'RFC 5321 §3.7'],
    symptoms: ['kb320027/5'],
    staysSilent:
      'A greeting that merely contains the name of a product; a common greeting without the matching reply to HELP.',
    verdict: {
      kind: 'deed',
      order: 20,
      who: 'A firewall or proxy',
      verb: ANSWERED,
      objects: ({ texts }) => {
        const products = texts('product');
        const isNamed = products.length > 0 && products.length <= 3;
        return [`in the server's place${isNamed ? ` (${enumerate(products)})` : ''}`];
      },
    },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['greeting-replaced'],
    box: 'product',
    needs: { occasion: GREETED, doubts: 0, seen: 'before-server' },
  },
  create: (context) => ({
    session(session) {
      const greeting = greetingOf(session);
      const line = greeting?.reply.lines[0];
      if (!greeting || !line) return;
      if (!ANY_PROXY_GREETING.test(line.text)) return;
      const proxy = PROXY_GREETINGS.find(({ pattern }) => pattern.test(line.text));
      if (!proxy) return;
      const help = session.exchanges.find((exchange) => exchange.verb === 'HELP')?.reply;
      const helpLine = help?.lines.find((candidate) => proxy.help?.test(candidate.text));
      if (proxy.weight === 'weak' && !helpLine) return;
      context.report({
        session,
        subject: proxy.product,
        confidence: 'likely',
        message: `The greeting is that of ${proxy.product}: a proxy answers in front of the mail server.`,
        args: { product: proxy.product },
        evidence: [
          lineEvidence(session, line, `greeting of ${proxy.product}`),
          ...(helpLine ? [lineEvidence(session, helpLine, 'its reply to HELP')] : []),
        ],
      });
    },
  }),
};
