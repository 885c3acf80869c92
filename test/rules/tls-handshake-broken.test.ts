import { expect, it } from 'vitest';
import { tlsHandshakeBroken } from '../../src/rules/tls-handshake-broken.js';
import { findings } from '../support/dialogue.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const OFFERED = 'S: 220 mail.example ESMTP\nC: EHLO a.example\nS: 250-mail.example\nS+ 250 STARTTLS';
const READY = `${OFFERED}\nC: STARTTLS\nS: 220 2.0.0 Ready to start TLS`;
const MASKED_READY = READY.replace('220 mail.example ESMTP', '220 *****************2******0*****');
/** A ClientHello with its key share: what must never be shown. */
const HELLO = `C~ \\x16\\x03\\x01\\x00\\x10\\x01\\0\\0\\x0c\\x03\\x03SECRETkeys`;
const LARGE = `C~ \\x16\\x03\\x01\\x06\\x00${'k'.repeat(1536)}`;
const SERVER_HELLO = 'S~ \\x16\\x03\\x03\\x00\\x04\\x02\\0\\0\\0';

ruleTable(tlsHandshakeBroken, {
  speaks: {
    'the answer to the hello is X’s': {
      script: `${READY}\n${HELLO}\nS~ XXXXXXXXXXXXXXXXXXXXXXXX\nfin`,
      gives: {
        confidence: 'certain',
        args: {
          side: 'server',
          kind: 'masked',
          clientHead: '16 03 01 00 10',
          serverHead: '58 58 58 58 58',
          clientOctets: 21,
          serverOctets: 24,
        },
      },
    },
    'the answer to the hello is X’s, octet by octet': {
      script: `${READY}\n${HELLO}\nS~ X\nS~ X\nS~ X\nS~ X\nS~ X\nfin`,
      gives: { confidence: 'certain', args: { serverHead: '58 58 58 58 58' } },
    },
    'in the segment of the 220': {
      script: `${READY}\nS+ XXXXXXXX\n${HELLO}\nfin`,
      gives: { args: { side: 'server', kind: 'masked', serverOctets: 10 } },
    },
    'zeros may be a recorder’s': {
      script: `${READY}\n${HELLO}\nS~ \\0\\0\\0\\0\\0\\0\\0\\0\nfin`,
      gives: { confidence: 'likely', args: { kind: 'masked' } },
    },
    'plain text in answer to the hello': {
      script: `${READY}\n${HELLO}\nS: 500 5.5.1 Command unrecognized\nfin`,
      gives: { confidence: 'possible', args: { side: 'server', kind: 'plain' } },
    },
    'plain text, and the greeting is masked': {
      script: `${MASKED_READY}\n${HELLO}\nS: 500 5.5.1 Command unrecognized\nfin`,
      gives: { confidence: 'likely', args: { kind: 'plain' } },
    },
    'the version of the server’s record is overwritten': {
      script: `${READY}\n${HELLO}\nS~ \\x16\\x99\\x99\\x00\\x04\\x02\\0\\0\\0\nfin`,
      gives: {
        confidence: 'likely',
        args: { side: 'server', kind: 'garbled', serverHead: '16 99 99 00 04' },
      },
    },
    'the client’s record arrives as X’s': {
      script: `${READY}\nC~ XXXXXXXXXXXXXXXXXXXXX\n@ +10\nfin`,
      gives: { confidence: 'likely', args: { side: 'client', kind: 'masked' } },
    },
    'type and version of the client’s record are overwritten': {
      script: `${READY}\nC~ \\x00\\x03\\x00\\x00\\x10\\x01\\0\\0\\x0cxxxxxxxxxxxx\nS~ \\x15\\x03\\x01\\x00\\x02\\x02\\x46\nfin`,
      gives: { confidence: 'likely', args: { side: 'client', kind: 'garbled' } },
    },
    'only the length is left of the header': {
      script: `${READY}\nC~ \\0\\0\\0\\0\\x02\\x01\\0\nrst S`,
      gives: {
        confidence: 'likely',
        args: { side: 'client', kind: 'garbled', clientHead: '00 00 00 00 02' },
      },
    },
    'something else altogether': {
      script: `${READY}\nC~ \\x9f\\x88\\x77\\x66\\x55\\x44\n@ +10\nfin`,
      gives: { confidence: 'possible', args: { side: 'client', kind: 'garbled' } },
    },
    'the hello never arrives, and the client gives up': {
      script: `${READY}\nnoack S\n${HELLO}\n@ +30\nfin C`,
      gives: {
        confidence: 'likely',
        args: { side: 'server', kind: 'silent', acknowledged: false, waitedSeconds: 30, closedBy: 'client' },
      },
    },
    'a large hello never arrives': {
      script: `${READY}\nnoack S\n${LARGE}\n@ +30\nfin C`,
      gives: { confidence: 'possible', args: { acknowledged: false, clientOctets: 1541 } },
    },
    'the hello is acknowledged and never answered': {
      script: `${READY}\n${HELLO}\n@ +30\nfin C`,
      gives: { confidence: 'possible', args: { kind: 'silent', acknowledged: true } },
    },
    'the server resets': {
      script: `${READY}\n${HELLO}\nrst S`,
      gives: { confidence: 'possible', args: { kind: 'silent', closedBy: 'server' } },
    },
    'nobody speaks any more, the capture goes on': {
      script: `${READY}\n${HELLO}\ncut\ntick 90`,
      gives: { confidence: 'possible', args: { kind: 'silent', closedBy: null, waitedSeconds: 90 } },
    },
    'a second STARTTLS, after the client went on in plain text': {
      script: `${READY}\nC: NOOP\nS: 250 ok\nC: STARTTLS\nS: 220 go\n${HELLO}\nS~ XXXXXXXX\nfin`,
      gives: { confidence: 'certain' },
    },
    'the hello was captured in front of the 220': {
      script: `${OFFERED}\nC: STARTTLS\n${HELLO}\nS: 220 go\nS~ XXXXXXXX\nfin`,
      gives: { confidence: 'certain', args: { clientHead: '16 03 01 00 10' } },
    },
    'one finding for a server': {
      script: Array(3).fill(`session\n${READY}\n${HELLO}\nS~ XXXXXXXX\nfin`).join('\n'),
      gives: { findings: 1, count: 3, sessions: ['s1', 's2', 's3'] },
    },
  },
  silent: {
    'an honest server': HONEST,
    'TLS begins': `${READY}\n${HELLO}\n${SERVER_HELLO}\nC~ \\x17\\x03\\x03\\x00\\x01x\nfin`,
    'TLS 1.3 begins, in pieces': `${READY}\nC~ \\x16\\x03\nC~ \\x01\\x00\\x01x\nS~ \\x16\nS~ \\x03\\x03\\x00\\x04\\x02\\0\\0\\0\nfin`,
    'a TLS alert': `${READY}\n${HELLO}\nS~ \\x15\\x03\\x01\\x00\\x02\\x02\\x28\nfin`,
    'the client says no more than an alert': `${READY}\nC~ \\x15\\x03\\x01\\x00\\x02\\x02\\x28\n@ +10\nfin`,
    'the Chinese national protocol': `${READY}\nC~ \\x16\\x01\\x01\\x00\\x01x\nS~ \\x16\\x01\\x01\\x00\\x01x\nfin`,
    'a hello of SSL 2.0': `${READY}\nC~ \\x80\\x2e\\x01\\x03\\x01\\x00\\x15\\0\\0\\0\\x10xxxxxxxx\n${SERVER_HELLO}\nfin`,
    'a hello of SSL 2.0 and its answer': `${READY}\nC~ \\x80\\x2e\\x01\\0\\x02\\x00\\x15\nS~ \\x84\\x10\\x04\\0\\x01\\0\\x02\nfin`,
    'the client closes after the 220': `${READY}\nfin C`,
    'a server that speaks first is no handshake': `${READY}\nS: 250 hello\nfin`,
    'the client says QUIT after the 220': `${READY}\nC: QUIT\nS: 221 bye\nfin`,
    'the client goes on in plain text': `${READY}\nC: EHLO a.example\nS: 250 mail.example\nC: QUIT\nS: 221 bye\nfin`,
    'the client goes on in plain text, and is masked': `${READY}\nC: XXXXXXXXXXXX\nS: 500 what?\nC: QUIT\nS: 221 bye\nfin`,
    'STARTTLS is refused': `${OFFERED}\nC: STARTTLS\nS: 454 4.7.0 not now\nC: QUIT\nS: 221 bye`,
    'the capture ends': `${READY}\n${HELLO}\ncut`,
    'the capture ends too early': `${READY}\n${HELLO}\ncut\ntick 30`,
    'the client hardly waits': `${READY}\n${HELLO}\n@ +2\nfin C`,
    'the client’s record is not whole': `${READY}\nC~ \\x16\\x03\\x01\\x02\\x00\\x01\\0\n@ +30\nfin C`,
    'fewer octets than a header': `${READY}\nC~ XXX\n@ +30\nfin C`,
    'F7, an anonymised capture': `${READY}\n${HELLO}\nchecksum bad\nS~ XXXXXXXXXXXXXXXX\nfin`,
    'F7, an anonymised client': `${READY}\nchecksum bad\nC~ XXXXXXXXXXXXXXXX\nfin`,
    'F11, the answer is missing in the capture': `${READY}\n${HELLO}\nS? \\x16\\x03\\x03\nS~ XXXXXXXXXX\nfin`,
    'F11, the hello is missing in the capture': `${READY}\nC? \\x16\\x03\\x03\nC~ XXXXXXXXXX\n@ +30\nfin`,
    'F11, the beginning of the answer never arrived': `${READY}\n${HELLO}\nnoack C\nS? \\x16\\x03\\x03\nS~ XXXXXXXXXX\nfin C`,
    'F11, one direction only': `only C\n${READY}\n${HELLO}\n@ +30\nfin`,
    'F11, joined midstream': `midstream\nC: STARTTLS\nS: 220 go\n${HELLO}\nS~ XXXXXXXX\nfin`,
  },
});

it('shows five octets of each side at most, as hex', async () => {
  for (const answer of ['S~ XXXXXXXXSECRETanswer', 'S~ secret plain text', '@ +60']) {
    const found = await findings(`${READY}\n${HELLO}\n${answer}\nfin`, [tlsHandshakeBroken]);
    expect(found).toHaveLength(1);
    expect(JSON.stringify(found)).not.toMatch(/SECRET|secret/);
    const heads = found[0]!.evidence
      .map(({ excerpt }) => excerpt)
      .filter((text) => /^[\da-f]{2} /.test(text));
    expect(heads.length).toBeGreaterThan(0);
    for (const head of heads) expect(head).toMatch(/^([\da-f]{2} ){4}[\da-f]{2}$/);
  }
});
