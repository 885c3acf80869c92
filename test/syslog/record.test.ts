import { describe, expect, it } from 'vitest';
import { type LogRecord, parseLogLine } from '../../src/syslog/record.js';
import { processorMs } from '../support/timing.js';

const end = (address: string | null, port: number | null) => ({ address, port });
const TIME = (before: string) => ({
  year: before.includes('2024') ? 2024 : null,
  month: 4,
  day: 6,
  seconds: 25_689,
});
const ENDS = { from: end('192.0.2.10', 40000), to: end('198.51.100.25', 25) };
const FROM_TO = 'from outside:192.0.2.10/40000 to inside:198.51.100.25/25';

describe('documented formats', () => {
  it.each<[string, Partial<LogRecord>]>([
    [
      '%ASA-2-108002: SMTP replaced |: out 192.0.2.10 in 198.51.100.25 data: MAIL FROM:<a|b@example.net>',
      { id: 108002, from: end('192.0.2.10', null), to: end('198.51.100.25', null), action: null },
    ],
    [
      '%PIX-2-108002: SMTP replaced string: out 192.0.2.10 in 198.51.100.25 data: string',
      { id: 108002, text: 'SMTP replaced [6 octets]: out 192.0.2.10 in 198.51.100.25 data: [6 octets]' },
    ],
    [
      `%ASA-2-108003: Terminating ESMTP connection; malicious pattern detected in the mail address ${FROM_TO}. Mail Address:a|b@example.net`,
      { id: 108003, ...ENDS },
    ],
    [
      `%FWSM-2-108003: Terminating SMTP connection; malicious pattern detected in the mail address ${FROM_TO}. Mail Address:x`,
      { id: 108003, ...ENDS },
    ],
    [
      `%ASA-4-108004: ESMTP Classification: Dropped connection for ESMTP Request ${FROM_TO}; matched Class 2: cmd RCPT count gt 100`,
      {
        id: 108004,
        ...ENDS,
        action: 'Dropped connection for',
        cause: 'matched Class 2: cmd RCPT count gt 100',
      },
    ],
    [
      `%ASA-4-108004: ESMTP Classification: Dropped ESMTP Request ${FROM_TO}; matched Class 1: body length gt 100`,
      { id: 108004, action: 'Dropped' },
    ],
    [
      `%ASA-4-108004: ESMTP Classification: Reset connection for ESMTP Request ${FROM_TO}; matched Class 1234: match body length 100`,
      { id: 108004, action: 'Reset connection for' },
    ],
    [
      '%ASA-4-108004: ESMTP Classification: Masked header flags for ESMTP Response from inside:198.51.100.25/25 to outside:192.0.2.10/40000; matched Class 7: ehlo-reply-parameter others',
      {
        id: 108004,
        from: ENDS.to,
        to: ENDS.from,
        action: 'Masked header flags for',
        cause: 'matched Class 7: ehlo-reply-parameter others',
      },
    ],
    [
      `%ASA-4-108004: ESMTP Parameter: Dropped connection for ESMTP Request ${FROM_TO}; mail-relay: No Mail Relay allowed`,
      { id: 108004, cause: 'mail-relay: No Mail Relay allowed' },
    ],
    [
      `%ASA-6-108005: ESMTP Classification: Received ESMTP Request ${FROM_TO}; matched Class 3: body line length gt 998`,
      { id: 108005, action: 'Received', cause: 'matched Class 3: body line length gt 998' },
    ],
    [
      `%ASA-7-108006: Detected ESMTP size violation ${FROM_TO}; declared size is: 100, actual size is 200`,
      { id: 108006, ...ENDS },
    ],
    [
      '%ASA-6-108007: TLS started on ESMTP session between client outside:192.0.2.10/40000 and server inside:198.51.100.25/25',
      { id: 108007, ...ENDS },
    ],
  ])('%s', (text, record) => {
    const parsed = parseLogLine(7, text);
    expect(parsed).toMatchObject({ line: 7, text: text.replace(/^%\S+: /, ''), ...record });
    for (const before of [
      'May  6 2024 07:08:09: ',
      '<164>May 06 07:08:09 fw1.example.net : ',
      '2024-05-06T07:08:09Z 203.0.113.1 ',
    ]) {
      expect(parseLogLine(7, before + text)).toEqual({ ...parsed, time: TIME(before) });
    }
    expect(parseLogLine(7, `${text}\r`)).toEqual(parsed);
  });

  it('takes any severity, for administrators change it', () => {
    const text = `%PIX-7-108004: ESMTP Classification: Dropped connection for ESMTP Request ${FROM_TO}; x`;
    expect(parseLogLine(1, text)?.id).toBe(108004);
  });

  it('knows a message without its tag by its text', () => {
    const dropped = `ESMTP Classification: Dropped connection for ESMTP Request ${FROM_TO}; matched Class 2: cmd RCPT count gt 100`;
    expect(parseLogLine(1, dropped)).toMatchObject({ id: 108004, ...ENDS });
    expect(parseLogLine(1, `4|May 06 2024|07:08:09|108004|${dropped}`)).toMatchObject({
      id: 108004,
      text: dropped,
    });
    expect(parseLogLine(1, dropped.replace('Dropped connection for', 'Received'))).toMatchObject({
      id: 108005,
    });
  });

  it('reads addresses as sessions have them', () => {
    const started = (client: string) =>
      parseLogLine(
        1,
        `%ASA-6-108007: TLS started on ESMTP session between client ${client} and server DMZ-1_a:198.51.100.25/25`,
      )?.from;
    expect(started('outside:2001:DB8:0::0:1/40000')).toEqual(end('2001:db8::1', 40000));
    expect(started('outside:::ffff:192.0.2.1/40000')).toEqual(end('::ffff:192.0.2.1', 40000));
    expect(started('outside:mailhost/40000')).toEqual(end(null, 40000));
    expect(started('outside:192.0.xxx.x/40000')).toEqual(end(null, 40000));
    expect(started('outside:192.0.2/40000')).toEqual(end(null, 40000));
  });
});

describe('what is no such message', () => {
  it.each([
    '',
    'hello',
    '%ASA-4-108004: ',
    '%ASA-4-108004: something else',
    '%ASA-6-302013: Built inbound TCP connection 1 for outside:192.0.2.10/40000 to inside:198.51.100.25/25',
    '%ASA-4-507003: tcp flow from outside:192.0.2.10/40000 to inside:198.51.100.25/25 terminated by inspection engine, reason - inspector disconnected, dropped packet.',
    '%ASA-4-108001: x',
    '%ASA-4-108008: x',
    '%FOO-4-108004: ESMTP Classification: Dropped ESMTP Request x',
    `%ASA-9-108004: x`,
    `%ASA-4-108004: ESMTP Classification: Received ESMTP Request ${FROM_TO}; matched Class 2: x`,
    `%ASA-6-108005: ESMTP Classification: Dropped ESMTP Request ${FROM_TO}; matched Class 2: x`,
    `%ASA-4-108004: ESMTP Classification: Blessed ESMTP Request ${FROM_TO}; matched Class 2: x`,
    '%ASA-4-108004: ESMTP Classification: Dropped ESMTP Request from outside:192.0.2.10/99999 to inside:198.51.100.25/25; x',
    '%ASA-4-108004: ESMTP Classification: Dropped ESMTP Request from 192.0.2.10 to 198.51.100.25; x',
    '%ASA-6-108007: TLS started on ESMTP session between client outside:192.0.2.10 and server inside:198.51.100.25/25',
  ])('%j', (text) => {
    expect(parseLogLine(1, text)).toBeNull();
  });
});

describe('hostile lines', () => {
  it('are cut and kept raw', () => {
    const text = `%ASA-4-108004: ESMTP Parameter: Dropped ESMTP Request ${FROM_TO}; \x1b[2J${'x'.repeat(3000)}`;
    const record = parseLogLine(1, text)!;
    expect(record.text).toHaveLength(500);
    expect(record.text).toContain('\x1b[2J');
  });

  it('show no login', () => {
    for (const [text, secret] of [
      [
        '%ASA-2-108002: SMTP replaced |: out 192.0.2.10 in 198.51.100.25 data: AUTH PLAIN AGFubmEAc2VjcmV0',
        'AGF',
      ],
      ['%ASA-2-108002: SMTP replaced |: out 192.0.2.10 in 198.51.100.25 data: c2VjcmV0', 'c2V'],
      ['%ASA-2-108002: SMTP replaced c2VjcmV0: out 192.0.2.10 in 198.51.100.25 data: x', 'c2V'],
      [
        `%ASA-2-108003: Terminating ESMTP connection; malicious pattern detected in the mail address ${FROM_TO}. Data: c2VjcmV0`,
        'c2V',
      ],
      [`%ASA-4-108004: ESMTP Classification: Dropped ESMTP Request ${FROM_TO}; AUTH LOGIN c2VjcmV0`, 'c2V'],
    ] as const) {
      const record = parseLogLine(1, text);
      expect(record).not.toBeNull();
      expect(JSON.stringify(record)).not.toContain(secret);
      expect(record!.text).toMatch(/\[\d+ octets\]/);
    }
  });

  it('take no time', () => {
    const started = processorMs();
    for (const part of [
      '%ASA-2-108002: SMTP replaced ',
      ': out ',
      'AUTH a ',
      'ESMTP Classification: ',
      '/1 to a:b',
      ' ',
    ]) {
      parseLogLine(1, `%ASA-2-108002: ${part.repeat(Math.floor(4000 / part.length))}`);
      parseLogLine(1, `%ASA-4-108004: ${part.repeat(Math.floor(4000 / part.length))}`);
    }
    expect(processorMs() - started).toBeLessThan(1000);
  });
});
