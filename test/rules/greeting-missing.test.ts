import { greetingMissing } from '../../src/rules/greeting-missing.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const at = (port: number, server = '198.51.100.25') => `session C=192.0.2.10:${port} S=${server}:25`;
/** Accepted, acknowledged by the client, and nothing more until the client gives up. */
const silent = (port: number, seconds: number, end = 'fin C') =>
  `${at(port)}\nknock\nC~ \n@ +${seconds}\n${end}\n@ +5`;

ruleTable(greetingMissing, {
  speaks: {
    'once, five minutes long': {
      script: silent(40_001, 300),
      gives: { confidence: 'possible', args: { connections: 1, seconds: 300, othersGreeted: false } },
    },
    'three times: something accepts and does not speak': {
      script: [silent(40_001, 300), silent(40_002, 300), silent(40_003, 300)].join('\n'),
      gives: { confidence: 'likely', args: { connections: 3 }, sessions: ['s1', 's2', 's3'] },
    },
    'the client gives up after twenty seconds': {
      script: [silent(40_001, 20), silent(40_002, 20)].join('\n'),
      gives: { confidence: 'likely', args: { connections: 2, seconds: 20 } },
    },
    'the client resets': {
      script: [silent(40_001, 120, 'rst C'), silent(40_002, 120, 'rst C')].join('\n'),
      gives: { confidence: 'likely', args: { connections: 2 } },
    },
    'others are greeted meanwhile': {
      script: [silent(40_001, 300), silent(40_002, 300), at(40_003), HONEST].join('\n'),
      gives: { confidence: 'likely', args: { connections: 2, othersGreeted: true } },
    },
    'still open, while the capture goes on': {
      script: `${at(40_001)}\nknock\nC~ \ncut\ntick 200`,
      gives: { confidence: 'possible', args: { connections: 1 } },
    },
  },
  silent: {
    'a server that greets': HONEST,
    'a server that greets late': `${at(40_001)}\n@ +90\n${HONEST}`,
    'a monitor that only looks whether the port is open': [silent(40_001, 0), silent(40_002, 1)].join('\n'),
    'the capture ends while the client waits': `${at(40_001)}\nknock\nC~ \ncut`,
    'one direction only': `only C\n${silent(40_001, 300)}`,
    'refused at once': `${at(40_001)}\nknock\nrefuse\n@ +300`,
    'the greeting was not captured': `${at(40_001)}\nS? 220 mail.example ESMTP\n@ +300\nfin C`,
  },
});
