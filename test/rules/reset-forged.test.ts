import { resetForged } from '../../src/rules/reset-forged.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const BEGINNING = `
  stack S ttl=52 ipid=100+
  S: 220 mail.example ESMTP
  C: EHLO client.example
  S: 250 mail.example
  C: MAIL FROM:<a@client.example>`;

ruleTable(resetForged, {
  speaks: {
    'from another distance, in the middle': {
      script: `${BEGINNING}\nstack S ttl=254\nrst S`,
      gives: { confidence: 'possible', args: { direction: 'server', hopLimit: 254 }, excerpt: '(RST)' },
    },
    'from another distance, in the name of the client': {
      script: `${BEGINNING}\nstack C ttl=30\nrst C`,
      gives: { confidence: 'possible', args: { direction: 'client', hopLimit: 30 } },
    },
  },
  silent: {
    'a session that ends as it should': HONEST,
    'the server resets by itself': `${BEGINNING}\nrst S`,
    'a route that is one hop longer': `${BEGINNING}\nstack S ttl=51\nrst S`,
    'behind QUIT': `${BEGINNING}\nS: 250 ok\nC: QUIT\nstack C ttl=30\nrst C`,
    'behind a farewell': `${BEGINNING}\nS: 421 closing\nstack S ttl=254\nrst S`,
  },
});
