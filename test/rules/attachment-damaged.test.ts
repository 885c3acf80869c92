import { attachmentDamaged } from '../../src/rules/attachment-damaged.js';
import { attempt, HONEST, ruleTable } from '../support/rule-table.js';

const LINE = 'JVBERi0xLjQKJcfsj6IKNSAwIG9iago8PC9MZW5ndGggNiAwIFIvRmlsdGVyIC9GbGF0ZURlY29k';
const XS = 'X'.repeat(76);
const STARS = '*'.repeat(76);
const NULS = '\\0'.repeat(76);

interface Mail {
  attachment?: readonly string[];
  text?: string;
  closing?: string;
  header?: string;
  partHeader?: string;
  before?: string;
  after?: string;
  reply?: string;
}

/** One message with a text and one attachment, each of its lines in a segment of its own. */
function mail({
  attachment = [LINE, LINE, LINE, 'ZQo='],
  text = 'Hello Bob',
  closing = '--b--',
  header = 'Content-Type: multipart/mixed; boundary=b',
  partHeader = 'Content-Type: application/pdf\\r\\nContent-Transfer-Encoding: base64',
  before = '',
  after = '',
  reply = 'S: 250 2.0.0 queued',
}: Mail = {}): string {
  return `
  S: 220 mail.example ESMTP
  C: EHLO client.example
  S: 250 mail.example
  C: MAIL FROM:<a@client.example>
  S: 250 ok
  C: RCPT TO:<b@mail.example>
  S: 250 ok
  C: DATA
  S: 354 go
  C~ Message-ID: <7@client.example>\\r\\nMIME-Version: 1.0\\r\\n${header}\\r\\n\\r\\n
  C~ --b\\r\\nContent-Type: text/plain\\r\\n\\r\\n${text}\\r\\n--b\\r\\n${partHeader}\\r\\n\\r\\n
  ${before}
  ${attachment.map((line) => `C~ ${line}\\r\\n`).join('\n  ')}
  ${after}
  C~ ${closing === '' ? '' : `${closing}\\r\\n`}.\\r\\n
  ${reply}
  C: QUIT
  S: 221 bye
  `;
}

ruleTable(attachmentDamaged, {
  speaks: {
    'a line of X’s': {
      script: mail({ attachment: [LINE, XS, LINE, 'ZQo='] }),
      gives: {
        confidence: 'likely',
        args: { messageId: '<7@client.example>', kind: 'letters', parts: ['2'], octets: 76, shape: 'lines' },
        excerpt: `${'X'.repeat(40)}...`,
      },
    },
    'asterisks over many lines, and to the end': {
      script: mail({ attachment: [LINE, STARS, STARS, STARS] }),
      gives: { confidence: 'likely', args: { kind: 'stars', octets: 228, runs: 1 } },
    },
    'two runs': {
      script: mail({ attachment: [LINE, STARS, LINE, STARS, LINE] }),
      gives: { confidence: 'likely', args: { octets: 152, runs: 2 } },
    },
    NULs: {
      script: mail({ attachment: [LINE, NULS, LINE] }),
      gives: { confidence: 'likely', args: { kind: 'nul' } },
    },
    'X’s inside lines may be data': {
      script: mail({ attachment: [LINE, `${LINE.slice(0, 20)}${'X'.repeat(36)}${LINE.slice(0, 20)}`, LINE] }),
      gives: { confidence: 'possible', args: { kind: 'letters', shape: 'inside' } },
    },
    'X’s over line ends': {
      script: mail({ attachment: [LINE, LINE, `${LINE.slice(0, 20)}${'X'.repeat(90)}YWJj`, LINE] }),
      gives: { confidence: 'likely', args: { shape: 'over-lines' } },
    },
    'a mask in a message that was refused': {
      script: mail({ attachment: [LINE, STARS, LINE], reply: 'S: 554 5.6.0 malformed' }),
      gives: { confidence: 'likely', args: { accepted: false } },
    },
    'a mask in a message whose end is not in the capture': {
      script: mail({ attachment: [LINE, STARS, LINE], after: 'cut\n  session' }).split('cut')[0]!,
      gives: { confidence: 'likely', args: { accepted: null } },
    },
    'both sides of the firewall': {
      script: [mail(), mail({ attachment: [LINE, XS, LINE, 'ZQo='] })],
      gives: { confidence: 'certain', args: { wholeIn: 's1' }, sessions: ['s1', 's2'] },
    },
    'both sides, the other way round': {
      script: [mail({ attachment: [LINE, `${'X'.repeat(36)}${LINE.slice(0, 40)}`, LINE, 'ZQo='] }), mail()],
      gives: { confidence: 'certain', args: { wholeIn: 's2' } },
    },
    'a copy of another length proves nothing': {
      script: [mail({ attachment: [LINE, LINE] }), mail({ attachment: [LINE, STARS, LINE, 'ZQo='] })],
      gives: { confidence: 'likely', args: { wholeIn: null } },
    },
    'the message is cut inside base64': {
      script: mail({ attachment: [LINE, LINE, LINE.slice(0, 33)], closing: '' }),
      gives: { confidence: 'possible', args: { kind: 'cut', parts: ['2'] }, excerpt: '(end of the message)' },
    },
    'no boundary closes it': {
      script: mail({ closing: '' }),
      gives: { confidence: 'possible', args: { kind: 'unclosed' } },
    },
  },
  silent: {
    'an honest server': HONEST,
    'a whole message': mail(),
    'text that contains asterisks and X’s': mail({ text: `${STARS}\\r\\n${XS}` }),
    'no MIME at all': attempt({ end: '.\\r\\n', text: `${STARS}\\r\\n${XS}` }),
    'an attachment that is not base64': mail({
      partHeader: 'Content-Type: text/plain',
      attachment: [STARS, XS],
    }),
    'labelled base64, and text': mail({ attachment: ['This attachment was removed.', STARS, XS, STARS] }),
    'F7, one character throughout': mail({ attachment: [XS, XS, XS] }),
    'F7, changed after it was captured': mail({
      before: 'checksum bad',
      attachment: [LINE, STARS, LINE],
      after: 'checksum good',
    }),
    'F9, a few X’s': mail({ attachment: [LINE, `${'X'.repeat(20)}${LINE.slice(0, 56)}`, LINE] }),
    'F11, a gap in the message': mail({ attachment: [LINE, STARS, LINE], before: `C? ${LINE}` }),
    'F11, a gap where the boundary was': mail({ after: 'C? --b--', closing: '' }),
    'F11, cut, and the capture ends there': mail({
      attachment: [LINE, LINE.slice(0, 33)],
      after: 'cut\n  session',
    }).split('cut')[0]!,
    'unclosed, and refused': mail({ closing: '', reply: 'S: 554 5.6.0 malformed' }),
    'unclosed, one direction only': `only C\n${mail({ closing: '' })}`,
    'long lines, no padding, no final newline in the part': mail({ attachment: [LINE.repeat(20), 'ZQo'] }),
  },
});
