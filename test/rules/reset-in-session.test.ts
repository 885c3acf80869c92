import { resetInSession } from '../../src/rules/reset-in-session.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const at = (port: number) => `session C=192.0.2.10:${port} S=198.51.100.25:25`;
const GREETED = 'S: 220 mail.example ESMTP';
const atEhlo = (port: number, end = 'rst S') =>
  `${at(port)}\n${GREETED}\nC: EHLO client.example\n${end}\n@ +60`;
const inMessage = (port: number, id: string, end = 'rst S') => `${at(port)}
  ${GREETED}
  C: EHLO client.example
  S: 250 mail.example
  C: MAIL FROM:<a@client.example>
  S: 250 ok
  C: RCPT TO:<b@example.org>
  S: 250 ok
  C: DATA
  S: 354 go
  C: Message-ID: <${id}@client.example>
  C: Subject: x
  C:
  C: text
  ${end}
  @ +60`;

ruleTable(resetInSession, {
  speaks: {
    'the same message, twice': {
      script: [inMessage(40_001, '1'), inMessage(40_002, '1')].join('\n'),
      gives: {
        confidence: 'possible',
        args: { sessions: 2, step: 'the message <1@client.example>', by: 'server' },
      },
    },
    'the same message, three times': {
      script: [1, 2, 3].map((n) => inMessage(40_000 + n, '1')).join('\n'),
      gives: { confidence: 'likely', args: { sessions: 3 }, sessions: ['s1', 's2', 's3'] },
    },
    'at EHLO, three times': {
      script: [1, 2, 3].map((n) => atEhlo(40_000 + n)).join('\n'),
      gives: { confidence: 'likely', args: { step: 'EHLO', sessions: 3 } },
    },
  },
  silent: {
    'sessions that end as they should': HONEST,
    once: inMessage(40_001, '1'),
    'two messages, once each': [inMessage(40_001, '1'), inMessage(40_002, '2')].join('\n'),
    'at EHLO, twice': [atEhlo(40_001), atEhlo(40_002)].join('\n'),
    'behind QUIT': [1, 2, 3].map((n) => `${at(40_000 + n)}\n${GREETED}\nC: QUIT\nrst S\n@ +60`).join('\n'),
    'the client hangs up hard when everything was answered': [1, 2, 3]
      .map((n) => `${at(40_000 + n)}\n${GREETED}\nrst C\n@ +60`)
      .join('\n'),
    'idle for minutes': [1, 2, 3].map((n) => atEhlo(40_000 + n, '@ +300\nrst S')).join('\n'),
    'closed, not reset': [1, 2, 3].map((n) => atEhlo(40_000 + n, 'fin S')).join('\n'),
  },
});
