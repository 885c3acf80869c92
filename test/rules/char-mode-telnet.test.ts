import { charModeTelnet } from '../../src/rules/char-mode-telnet.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

/** A line as telnet sends it in character mode: each octet in a segment of its own. */
function typed(line: string): string {
  return `${[...line].map((octet) => `C~ ${octet === ' ' ? '\\x20' : octet}`).join('\n')}\nC~ \\r\\n`;
}

const CLEAR = 'S: 220 mail.example ESMTP Postfix';
const MASKED = 'S: 220 **********************2**0****';
const REFUSED = 'S: 500 5.5.1 Command unrecognized';
const QUIT = 'C: QUIT\nS: 221 bye';

ruleTable(charModeTelnet, {
  speaks: {
    'at the server: every octet is an X': {
      script: `${CLEAR}\n${typed('XXXX XXXXXXXXXXXXXX')}\n${REFUSED}\n${QUIT}`,
      gives: { confidence: 'likely', args: { damage: 'masked', octets: 19, segments: 20 } },
    },
    'at the client: HELO is refused beside a masked greeting': {
      script: `${MASKED}\n${typed('HELO a.example')}\n${REFUSED}\n${QUIT}`,
      gives: { confidence: 'likely', args: { damage: 'refused' }, excerpt: 'HELO a.example' },
    },
    'HELO is refused, and nothing else speaks against the firewall': {
      script: `${CLEAR}\n${typed('HELO a.example')}\n${REFUSED}\n${QUIT}`,
      gives: { confidence: 'possible', args: { damage: 'refused' } },
    },
    'the refusal quotes X’s': {
      script: `${CLEAR}\n${typed('HELO a.example')}\nS: 500 5.5.1 Command unrecognized: "XXXX XXXXXXXXX"\n${QUIT}`,
      gives: { confidence: 'certain', args: { damage: 'echoed' } },
    },
    'nothing is answered any more': {
      script: `${CLEAR}\n${typed('HELO a.example')}\ncut\ntick 400`,
      gives: { confidence: 'possible', args: { damage: 'lost' } },
    },
    'F6, typed by hand and nothing spoiled: a note': {
      script: `${CLEAR}\n${typed('HELO a.example')}\nS: 250 mail.example\n${typed('NOOP')}\nS: 250 ok\n${QUIT}`,
      gives: { confidence: 'certain', args: { damage: null, commands: 2 } },
    },
    'F6, an editing key in a refused line: a note': {
      script: `${MASKED}\n${typed('HELP').replace('C~ P', 'C~ O\nC~ \\x08')}\n${REFUSED}\n${QUIT}`,
      gives: { args: { damage: null } },
    },
    'a verb that not every server has: a note': {
      script: `${MASKED}\n${typed('STARTTLS')}\n${REFUSED}\n${QUIT}`,
      gives: { args: { damage: null } },
    },
    'the reply is missing in the capture: a note': {
      script: `${CLEAR}\n${typed('HELO a.example')}\nS? 250 mail.example\n${QUIT}`,
      gives: { args: { damage: null } },
    },
  },
  silent: {
    'an honest server': HONEST,
    'a refused HELO in one segment': `${MASKED}\nC: HELO a.example\n${REFUSED}\n${QUIT}`,
    'a line in a few segments': `${CLEAR}\nC~ HELO\nC~ \\x20a.exam\nC: ple\n${REFUSED}\n${QUIT}`,
  },
});
