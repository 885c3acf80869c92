import { inspectionLimit } from '../../src/rules/inspection-limit.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const START = `
  S: 220 mail.example ESMTP
  C: EHLO client.example
  S: 250 mail.example
`;
const MAIL = `${START}
  C: MAIL FROM:<a@client.example>
  S: 250 ok
`;
const DATA = `${MAIL}
  C: RCPT TO:<b@mail.example>
  S: 250 ok
  C: DATA
  S: 354 go
`;
const BYE = `
  C: QUIT
  S: 221 bye
`;

function recipients(from: number, to: number, reply = 'S: 250 ok'): string {
  let script = '';
  for (let n = from; n <= to; n++) script += `\n  C: RCPT TO:<r${n}@mail.example>\n  ${reply}`;
  return `${script}\n`;
}

/** All in one segment. */
function pipelined(count: number): string {
  let script = 'C: RCPT TO:<r1@mail.example>';
  for (let n = 2; n <= count; n++) script += `\n  C+ RCPT TO:<r${n}@mail.example>`;
  return `${script}\n`;
}

const HEADER = 'C~ Message-ID: <1@client.example>\\r\\nSubject: x\\r\\n';
const PUZZLE = `C* 1200 x`;
const LONG_NAME = 'n'.repeat(300);

ruleTable(inspectionLimit, {
  speaks: {
    'RST after a long header line': {
      script: `${DATA}${HEADER}\n${PUZZLE}\n@ +0.2\nrst S`,
      gives: {
        confidence: 'likely',
        args: { limit: 'header-line', value: 1200, allowed: 998, how: 'reset', closeMs: 201 },
        excerpt: '(header line of 1200 octets)',
      },
    },
    'a header line cut by the RST': {
      script: `${DATA}${HEADER}\nC~ X-Puzzle: ${'y'.repeat(1050)}\nrst S`,
      gives: { confidence: 'likely', args: { limit: 'header-line', value: 1060, how: 'reset' } },
    },
    'FIN of the server’s side': {
      script: `${DATA}${HEADER}\n${PUZZLE}\nfin S`,
      gives: { confidence: 'likely', args: { limit: 'header-line', how: 'fin' } },
    },
    'silence after a long header line': {
      script: `${DATA}${HEADER}\nnoack S\n${PUZZLE}\n@ +3\n${PUZZLE}\n@ +4\nrst C`,
      gives: { confidence: 'possible', args: { limit: 'header-line', how: 'silence', closeMs: null } },
    },
    'silence, in a session with a masked greeting': {
      script: `${DATA.replace('220 mail.example ESMTP', '220 **********2**0**********')}${HEADER}
        noack S\n${PUZZLE}\n@ +3\n${PUZZLE}\n@ +4\nrst C`,
      gives: { confidence: 'likely', args: { limit: 'header-line', how: 'silence' } },
    },
    'the 101st recipient, one by one': {
      script: `${MAIL}${recipients(1, 100)}\n  C: RCPT TO:<r101@mail.example>\n  rst S`,
      gives: {
        confidence: 'likely',
        args: { limit: 'recipients', value: 101, allowed: 100, how: 'reset' },
        excerpt: 'RCPT TO:<r101@mail.example>',
      },
    },
    'the 101st recipient, pipelined': {
      script: `${MAIL}${pipelined(110)}\n  rst S`,
      gives: { confidence: 'likely', args: { limit: 'recipients' } },
    },
    'refused recipients count too': {
      script: `${MAIL}${recipients(1, 100, 'S: 550 no')}\n  C: RCPT TO:<r101@mail.example>\n  rst S`,
      gives: { confidence: 'likely', args: { limit: 'recipients' } },
    },
    'silence after the 101st recipient': {
      script: `${MAIL}${recipients(1, 100)}\n  noack S\n  C: RCPT TO:<r101@mail.example>\n  @ +30\n  rst C`,
      gives: { confidence: 'likely', args: { limit: 'recipients', how: 'silence' } },
    },
    'a long command line': {
      script: `${START}\n  C: XFOO ${'y'.repeat(600)}\n  rst S`,
      gives: { confidence: 'likely', args: { limit: 'command-line', value: 605, allowed: 512 } },
    },
    'a long sender': {
      script: `${START}\n  C: MAIL FROM:<${'y'.repeat(330)}@client.example>\n  rst S`,
      gives: { confidence: 'likely', args: { limit: 'sender-address', value: 345, allowed: 320 } },
    },
    'a long file name': {
      script: `${DATA}${HEADER}\nC~ Content-Type: multipart/mixed; boundary=b\\r\\n\\r\\n--b\\r\\n
        C~ Content-Disposition: attachment; filename="${LONG_NAME}"\\r\\n\\r\\n\nrst S`,
      gives: { confidence: 'likely', args: { limit: 'file-name', value: 300, allowed: 255 } },
    },
    'one finding for two sessions': {
      script: `${DATA}${HEADER}\n${PUZZLE}\nrst S\nsession\n${DATA}${HEADER}\n${PUZZLE}\nrst S`,
      gives: { count: 2, sessions: ['s1', 's2'] },
    },
  },
  silent: {
    'an honest server': HONEST,
    'more than 100 recipients, answered': `${MAIL}${recipients(1, 120)}${BYE}`,
    'pipelined, answered': `${MAIL}${pipelined(110)}${Array(110).fill('S: 250 ok').join('\n')}${BYE}`,
    '452 too many recipients, then closed': `${MAIL}${recipients(1, 100)}${recipients(101, 101, 'S: 452 too many')}\nfin S`,
    '421, then closed': `${MAIL}${recipients(1, 100)}${recipients(101, 101, 'S: 421 too many')}\nfin S`,
    '500 line too long, then closed': `${START}\n  C: XFOO ${'y'.repeat(600)}\n  S: 500 too long\n  rst S`,
    '552 to a long header line': `${DATA}${HEADER}\n${PUZZLE}\n  C~ \\r\\n.\\r\\n\n  S: 552 no\n  fin S`,
    '421 to all of a pipelined group': `${MAIL}${pipelined(110)}\n  S: 421 too many\n  rst S`,
    '421 inside the mail data': `${DATA}${HEADER}\n${PUZZLE}\n  S: 421 no\n  rst S`,
    'a long header line, accepted': `${DATA}${HEADER}\n${PUZZLE}\n  C~ \\r\\n.\\r\\n\n  S: 250 ok${BYE}`,
    'a header line of 998': `${DATA}${HEADER}\nC* 998 x\nrst S`,
    'a body line of 1200': `${DATA}${HEADER}\nC~ \\r\\n\n${PUZZLE}\nrst S`,
    'a command line of 512': `${START}\n  C: XFOO ${'y'.repeat(507)}\n  rst S`,
    'a hundred recipients': `${MAIL}${recipients(1, 99)}\n  C: RCPT TO:<r100@mail.example>\n  rst S`,
    'two transactions of 60': `${MAIL}${recipients(1, 60)}
      C: RSET\n  S: 250 ok\n  C: MAIL FROM:<a@client.example>\n  S: 250 ok${recipients(1, 59)}
      C: RCPT TO:<r60@mail.example>\n  rst S`,
    'a name of 255': `${DATA}${HEADER}\nC~ Content-Type: application/pdf; name="${'n'.repeat(255)}"\\r\\n\\r\\n\nrst S`,
    'closed two seconds later': `${DATA}${HEADER}\n${PUZZLE}\n@ +2\nrst S`,
    'closed by the client': `${DATA}${HEADER}\n${PUZZLE}\nrst C`,
    'the client first, then the server': `${DATA}${HEADER}\n${PUZZLE}\nfin`,
    'acknowledged, and silence': `${DATA}${HEADER}\n${PUZZLE}\nnoack S\nC: x\n@ +30\nC: y\n  rst C`,
    'silence, and the sender does not go on': `${DATA}${HEADER}\nnoack S\n${PUZZLE}\ncut\ntick 300`,
    'F11, a gap': `${DATA}${HEADER}\nC? lost\n${PUZZLE}\nrst S`,
    'F11, a reply is not in the capture': `${MAIL}${recipients(1, 100)}\n  C: RCPT TO:<r101@mail.example>\n  S? 452 too many\n  rst S`,
    'F11, one direction only': `only C\n${DATA}${HEADER}\n${PUZZLE}\nrst C`,
    'F11, the capture ends': `${DATA}${HEADER}\n${PUZZLE}\ncut`,
    'midstream, the recipients before it not seen': `midstream\n${recipients(1, 60)}\n  rst S`,
  },
});
