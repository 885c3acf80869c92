import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import { randomCuts, scan, seeded } from './mail-data-pieces.js';

const BASE = 100;

const crlf = (text: string): string => text.replace(/\n/g, '\r\n');

/** A report as RFC 3464 wants it; parts may be replaced. */
function report({
  text = 'Content-Type: text/plain\n\nYour message did not reach some recipients.\n',
  status = [
    'Reporting-MTA: dns; relay.example.com',
    '',
    'Final-Recipient: rfc822; b@example.net',
    'Action: failed',
    'Status: 5.6.1',
    'Diagnostic-Code: smtp;554 5.6.1 Body type not supported by Remote Host',
    '',
  ].join('\n'),
  returned = 'Content-Type: message/rfc822\n\nFrom: a@example.com\nMessage-ID: <original@example.com>\n\nSecret.\n',
  type = 'multipart/report; report-type=delivery-status;\n\tboundary="=_b1"',
} = {}): string {
  return crlf(
    [
      'From: postmaster@example.com',
      'Message-ID: <report@example.com>',
      'MIME-Version: 1.0',
      `Content-Type: ${type}`,
      '',
      'This is a MIME message.',
      '--=_b1',
      text,
      '--=_b1',
      'Content-Type: message/delivery-status',
      '',
      status,
      '--=_b1',
      returned,
      '--=_b1--',
      'Final-Recipient: rfc822; epilogue@example.com',
      'Status: 5.0.0',
      '',
    ].join('\n'),
  );
}

const reportOf = (message: string, cuts: readonly number[] = [], nullSender = true) =>
  scan(`${message}.\r\n`, cuts, { nullSender }).facts;

describe('a delivery report', () => {
  it('is read wherever it is cut', () => {
    const message = report();
    const expected = {
      status: '5.6.1',
      diagnostic: 'smtp;554 5.6.1 Body type not supported by Remote Host',
      originalMessageId: '<original@example.com>',
      finalRecipient: 'b@example.net',
      text: null,
      offset: BASE + message.indexOf('Status: 5.6.1'),
    };
    for (let cut = 1; cut < message.length; cut++) {
      const facts = reportOf(message, [cut]);
      expect(facts.report).toEqual({ ...expected, frame: cut <= message.indexOf('Status: 5.6.1') ? 2 : 1 });
      expect(facts.messageId).toBe('<report@example.com>');
    }
    const random = seeded(3464);
    for (let round = 0; round < 100; round++) {
      expect(reportOf(message, randomCuts(message.length, random)).report).toMatchObject(expected);
    }
  });

  it('is looked for in multipart/report and under the null sender, nowhere else', () => {
    expect(reportOf(report(), [], false)).toMatchObject({
      looksLikeReport: true,
      report: { status: '5.6.1' },
    });
    const mixed = report({ type: 'multipart/mixed; boundary==_b1' });
    expect(reportOf(mixed, [], true)).toMatchObject({ looksLikeReport: true, report: { status: '5.6.1' } });
    expect(reportOf(mixed, [], false)).toMatchObject({ looksLikeReport: false, report: null });
  });

  it('tells the first recipient that failed', () => {
    const group = (name: string, action: string, status: string) =>
      `\nFinal-Recipient: rfc822;${name}@example.net\nAction: ${action}\nStatus: ${status} (why)\n`;
    const status = `Reporting-MTA: dns; r.example\n${group('first', 'delivered', '2.0.0')}${group('second', 'failed', '5.7.1')}${group('third', 'failed', '5.6.1')}`;
    expect(reportOf(report({ status })).report).toMatchObject({
      status: '5.7.1',
      finalRecipient: 'second@example.net',
      diagnostic: null,
    });
    const delayed = `Reporting-MTA: dns; r.example\n${group('first', 'delayed', '4.4.1')}`;
    expect(reportOf(report({ status: delayed })).report).toMatchObject({ status: '4.4.1' });
  });

  it('unfolds its fields, whatever their case', () => {
    const status = [
      'REPORTING-MTA: dns; r.example',
      'Original-Message-ID:',
      ' <field@example.com>',
      '',
      'final-recipient: RFC822;<b@example.net>',
      'ACTION: Failed',
      'status:',
      '\t5.6.1',
      'diagnostic-code: smtp; 554 5.6.1 Body type',
      ' not supported by',
      '\tRemote Host',
      '',
    ].join('\n');
    expect(reportOf(report({ status })).report).toMatchObject({
      status: '5.6.1',
      diagnostic: 'smtp; 554 5.6.1 Body type not supported by Remote Host',
      finalRecipient: 'b@example.net',
      originalMessageId: '<field@example.com>',
    });
  });

  it('reads a returned header alone', () => {
    const returned = 'Content-Type: text/rfc822-headers\n\nMessage-ID:\n <headers@example.com>\n';
    expect(reportOf(report({ returned })).report?.originalMessageId).toBe('<headers@example.com>');
  });

  it('takes nothing from the body that comes back', () => {
    const returned =
      'Content-Type: message/rfc822\n\nSubject: x\n\nMessage-ID: <quoted@example.com>\n554 5.6.1 Body type not supported by Remote Host\n';
    expect(reportOf(report({ returned, status: 'Reporting-MTA: dns; r.example\n' })).report).toBeNull();
  });

  it('says nothing of an automatic answer that returns a message', () => {
    const answer = report({ type: 'multipart/mixed; boundary==_b1', status: 'X-Note: none\n' });
    expect(reportOf(answer).report).toBeNull();
  });

  it('is not fooled by a boundary that merely begins alike', () => {
    const text =
      'Content-Type: text/plain\n\n--=_b1x\nContent-Type: message/delivery-status\n\nStatus: 5.0.1\n';
    expect(reportOf(report({ text })).report?.status).toBe('5.6.1');
  });

  it('is read through nested parts', () => {
    const text = [
      'Content-Type: multipart/alternative; boundary=inner',
      '',
      '--inner',
      'Content-Type: text/html',
      '',
      '<p>#554 5.6.1 <b>Body type</b> not supported<br>by Remote Host</p>',
      '--inner--',
    ].join('\n');
    expect(reportOf(report({ text, status: 'Reporting-MTA: dns; r.example\n' })).report).toMatchObject({
      text: '554 5.6.1 Body type not supported by Remote Host',
      status: null,
    });
  });

  it('takes nothing behind a gap up to the next boundary', () => {
    const message = report();
    const cut = message.indexOf('--=_b1\r\nContent-Type: message/delivery') + 3;
    const { facts } = scan(`${message}.\r\n`, [cut], { nullSender: true, gaps: new Map([[1, 5]]) });
    expect(facts.report).toMatchObject({ status: null, originalMessageId: '<original@example.com>' });
    const inField = message.indexOf('Status: 5.6.1') + 10;
    const { facts: later } = scan(`${message}.\r\n`, [inField], {
      nullSender: true,
      gaps: new Map([[1, 5]]),
    });
    expect(later.report).toMatchObject({ status: null, finalRecipient: 'b@example.net', diagnostic: null });
  });

  it('is read up to a limit', () => {
    const filler = (octets: number) =>
      `Content-Type: text/plain\n\n${`${'x'.repeat(70)}\n`.repeat(octets / 72)}`;
    expect(reportOf(report({ text: filler(200_000) })).report?.status).toBe('5.6.1');
    const far = report({ text: filler(280_000) });
    expect(reportOf(far, [100_000, 200_000, 270_000]).report).toBeNull();
  });
});

describe('a report that is mere text', () => {
  const plain = (headers: string, body: string) => crlf(`From: <>\n${headers}\n${body}\n`);
  const said = (headers: string, body: string) => reportOf(plain(headers, body)).report;

  it.each([
    ['as it stands', '', 'x #5.6.1 smtp;554 5.6.1 Body type not supported by Remote Host> y'],
    ['over lines', '', '554 5.6.1\nBody type not\n   supported by Remote\n Host'],
    [
      'in quoted-printable',
      'Content-Transfer-Encoding: quoted-printable\n',
      '554 5=2E6.1 Body ty=\npe not supported=20=\nby Remote Host',
    ],
    [
      'in base64',
      'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: BASE64\n',
      Buffer.from('why: 554 5.6.1 Body type not supported by Remote Host.\r\n'.padStart(400))
        .toString('base64')
        .replace(/.{76}/g, '$&\n'),
    ],
  ])('%s', (_, headers, body) => {
    const sentence = '554 5.6.1 Body type not supported by Remote Host';
    const message = plain(headers, body);
    for (let cut = 1; cut < message.length; cut++) {
      expect(reportOf(message, [cut]).report?.text).toBe(sentence);
    }
  });

  it('gives the identifier of the message that it quotes', () => {
    const body =
      '554 5.6.1 refused\n\n------ This is a copy of the message.\n\nMessage-Id: <copy@example.com>\n';
    expect(said('', body)).toMatchObject({
      text: expect.any(String),
      originalMessageId: '<copy@example.com>',
    });
  });

  it.each([
    ['another code', '550 5.6.1 no such user'],
    ['another number', '1554 5.6.1 and 554 5.6.10'],
    ['another sentence', 'Body type not supported. Remote Host unknown.'],
    ['an identifier alone', 'I am away.\nMessage-ID: <yours@example.com>\n'],
  ])('is silent about %s', (_, body) => {
    expect(said('', body)).toBeNull();
  });
});

it('agrees with postal-mime', async () => {
  const random = seeded(6522);
  const pick = <T>(of: readonly T[]): T => of[random(of.length)]!;
  for (let round = 0; round < 120; round++) {
    const id = `<r${round}@example.${pick(['com', 'org'])}>`;
    const code = `5.${random(8)}.${random(30)}`;
    const name = pick(['message/rfc822', 'text/rfc822-headers']);
    const message = report({
      text: `${pick(['Content-Type: text/plain\n', '', 'Content-Type: text/html\n'])}\nSorry.\n`,
      status: `Reporting-MTA: dns; r.example\n\nFinal-Recipient: rfc822; u${round}@example.net\nAction: failed\nStatus:${pick([' ', '', '\n '])}${code}\n`,
      returned: `Content-Type: ${name}\nContent-Disposition: attachment\n\nSubject: x\nMessage-ID: ${id}\n\n`,
    });
    const witness = await PostalMime.parse(Buffer.from(message, 'latin1'), { forceRfc822Attachments: true });
    const part = (type: string) => {
      const content = witness.attachments.find(({ mimeType }) => mimeType === type)?.content;
      return Buffer.from((content ?? new ArrayBuffer(0)) as ArrayBuffer).toString('latin1');
    };
    const status = part('message/delivery-status');
    expect(reportOf(message, randomCuts(message.length, random)).report).toMatchObject({
      status: /Status:\s*(\S+)/.exec(status)?.[1],
      finalRecipient: /Final-Recipient: rfc822; (\S+)/.exec(status)?.[1],
      originalMessageId: (await PostalMime.parse(part(name))).messageId,
    });
  }
});
