import { greetingStalled } from '../../src/rules/greeting-stalled.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const V3 = 'S: 220-****\nS+ ********';

ruleTable(greetingStalled, {
  speaks: {
    'V3: the client gives up after five minutes': {
      script: `${V3}\n@ +300\nfin C`,
      gives: { confidence: 'certain', args: { lines: 2, codesLost: 1, waitedSeconds: 300 } },
    },
    'V3: it says QUIT at last': { script: `${V3}\n@ +300\nC: QUIT\nfin`, gives: { confidence: 'certain' } },
    'V3: nobody speaks any more, the capture goes on': { script: `${V3}\ncut\ntick 400`, gives: {} },
  },
  silent: {
    'an honest server': HONEST,
    'V3: the capture ends': `${V3}\ncut`,
    'V3: the client goes on': `${V3}\nC: HELO a\nS: 250 mail.example\nC: QUIT\nS: 221 x`,
    'V3: one direction only': `only S\n${V3}\n@ +300\nfin C`,
    'a slow greeting of several lines': 'S: 220-mail.example\n@ +30\nS: 220 ready\nC: QUIT\nS: 221 x',
    'a greeting that is not masked and not ended': 'S: 220-mail.example ESMTP\n@ +300\nfin C',
    'the rest of the greeting is missing': `S: 220-****\nS? 220 ****\nS: ********\n@ +300\nfin C`,
  },
});
