import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTimestamp } from '../../../src/capture/timestamp.js';
import { inPieces } from '../../../src/report/chunked.js';
import { jsonReport, ndjsonReport } from '../../../src/report/machine/json.js';
import {
  fakeAnalysis,
  fakeExchange,
  fakeFinding,
  fakeLine,
  fakeReply,
  fakeSession,
  TIME,
} from '../fake-analysis.js';
import { lineErrors, parseReport, publishedSchema, schemaErrors } from '../schema.js';

const MAKER = { name: 'mailwitness', version: '0.0.0' };

interface Report {
  sessions: {
    id: string;
    banner: string | null;
    helo: string | null;
    commands: {
      verb: string;
      packet: number | null;
      time: string | null;
      reply: { code: number | null; text: string[] } | null;
    }[];
    messages: { from: string | null }[];
  }[];
  findings: Record<string, unknown>[];
}

function report(analysis = fakeAnalysis()): Report {
  return parseReport<Report>([...jsonReport(analysis, MAKER)].join(''));
}

describe('the JSON report', () => {
  it('has the keys of the contract in its order', () => {
    const text = [...jsonReport(fakeAnalysis({ findings: [fakeFinding()] }), MAKER)].join('');
    const parsed = parseReport(text);
    expect(Object.keys(parsed)).toEqual([
      'schema',
      'generator',
      'captures',
      'sessions',
      'findings',
      'diagnoses',
      'notAssessed',
      'checks',
    ]);
    const keys = (list: unknown) => Object.keys((list as object[])[0]!);
    expect(keys(parsed.captures)).toEqual(publishedSchema.$defs.capture!.required);
    expect(keys(parsed.sessions)).toEqual(publishedSchema.$defs.session!.required);
    expect(keys(parsed.findings)).toEqual(publishedSchema.$defs.finding!.required);
    expect(parsed.schema).toBe('mailwitness/report/1');
    expect(text.endsWith('}\n')).toBe(true);
  });

  it('gives each reply to exactly one thing', () => {
    const greeting = fakeExchange({
      kind: 'greeting',
      verb: '(greeting)',
      line: null,
      reply: fakeReply(220, '220-mail.example', '220 ready'),
    });
    const data = fakeExchange({ verb: 'DATA', intermediate: fakeReply(354, '354 go on') });
    const end = fakeExchange({
      kind: 'end-of-data',
      verb: '(end-of-data)',
      reply: fakeReply(250, '250 taken'),
    });
    const unseen = fakeExchange({
      kind: 'unseen',
      verb: '(unseen)',
      line: null,
      reply: fakeReply(null, 'OK'),
    });
    const lost = fakeExchange({ verb: 'QUIT', noReply: 'closed' });
    const session = fakeSession({ exchanges: [greeting, data, end, unseen, lost] });
    const [told] = report(fakeAnalysis({ sessionList: [session] })).sessions;
    expect(told!.banner).toBe('220-mail.example\n220 ready');
    expect(told!.commands.map(({ verb, packet, reply }) => [verb, packet, reply?.code, reply?.text])).toEqual(
      [
        ['(greeting)', 1, 220, ['mail.example', 'ready']],
        ['DATA', 4, 354, ['go on']],
        ['(end-of-data)', 4, 250, ['taken']],
        ['(unseen)', null, null, ['OK']],
        ['QUIT', 4, undefined, undefined],
      ],
    );
  });

  it.each([
    ['220 ****2**0', 220, '****2**0'],
    ['220****2**0', 220, '****2**0'],
    ['2002****', 220, '2002****'],
    ['250', 250, ''],
    ['250-', 250, ''],
  ])('takes the code off %j when it is %i', (line, code, text) => {
    const session = fakeSession({ exchanges: [fakeExchange({ reply: fakeReply(code, line) })] });
    expect(report(fakeAnalysis({ sessionList: [session] })).sessions[0]!.commands[0]!.reply!.text).toEqual([
      text,
    ]);
  });

  it('knows the last name of the client, and null for what was not seen', () => {
    const exchanges = [
      fakeExchange({ verb: 'EHLO', argument: 'one.example' }),
      fakeExchange({ verb: 'HELO', argument: 'two.example' }),
    ];
    const sessions = [
      fakeSession({ exchanges }),
      fakeSession({ id: 's2', start: null, end: { ...TIME, us: Number.NaN } }),
    ];
    const told = report(fakeAnalysis({ sessionList: sessions })).sessions;
    expect(told.map(({ helo, banner }) => [helo, banner])).toEqual([
      ['two.example', null],
      [null, null],
    ]);
  });

  it('writes times as they are written anywhere else', () => {
    const time = fc.record({
      us: fc.oneof(
        fc.integer({ min: 1_714_979_288_999_990, max: 1_714_979_289_000_010 }),
        fc.maxSafeInteger(),
        fc.constantFrom(Number.NaN, 8.7e18),
      ),
      ns: fc.integer({ min: 0, max: 999 }),
      digits: fc.constantFrom(0, 3, 6, 6, 6, 9),
    });
    fc.assert(
      fc.property(fc.array(time, { maxLength: 20 }), (times) => {
        const exchanges = times.map((at) => fakeExchange({ line: fakeLine('NOOP', { time: at }) }));
        const { sessions } = report(fakeAnalysis({ sessionList: [fakeSession({ exchanges })] }));
        expect(sessions[0]!.commands.map((command) => command.time)).toEqual(times.map(formatTimestamp));
      }),
    );
  });

  it('is valid and safe whatever was in the packets', () => {
    const octets = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
    fc.assert(
      fc.property(octets, octets, (a, b) => {
        const exchange = fakeExchange({
          verb: a,
          argument: b,
          line: fakeLine(a),
          reply: fakeReply(250, a, b),
        });
        const session = fakeSession({ exchanges: [exchange, fakeExchange({ verb: 'EHLO', argument: b })] });
        const finding = fakeFinding({ message: a, args: { [`k${a}`]: b, list: [a, b] } });
        const analysis = fakeAnalysis({ sessionList: [session], findings: [finding] });
        const text = [...jsonReport(analysis, MAKER)].join('');
        parseReport(text);
        expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      }),
    );
  });

  it('asks for one session at a time', () => {
    let made = 0;
    const analysis = fakeAnalysis({
      sessionCount: 50_000,
      *sessions() {
        for (let i = 1; i <= 50_000; i++) {
          made++;
          yield fakeSession({ id: `s${i}` });
        }
      },
    });
    const pieces = jsonReport(analysis, MAKER)[Symbol.iterator]();
    const { value } = pieces.next();
    expect(value.length).toBeGreaterThanOrEqual(64 * 1024);
    expect(value.length).toBeLessThan(70 * 1024);
    expect(made).toBeLessThan(500);
  });
});

describe('the schema', () => {
  it('refuses what is not in it', () => {
    const good = report(fakeAnalysis({ findings: [fakeFinding()] }));
    expect(schemaErrors({ ...good, more: 1 })).not.toEqual([]);
    expect(schemaErrors({ ...good, findings: [{ ...good.findings[0], server: {} }] })).not.toEqual([]);
    for (const key of Object.keys(good)) {
      const { [key as keyof Report]: _, ...less } = good;
      expect(schemaErrors(less), key).not.toEqual([]);
    }
    expect(schemaErrors({ ...good, findings: [{ ...good.findings[0], confidence: 'sure' }] })).not.toEqual(
      [],
    );
  });
});

describe('ndjson', () => {
  it('is one valid object per line, of the four types only', () => {
    const analysis = fakeAnalysis({
      findings: [fakeFinding()],
      notAssessed: [{ session: 's1', reason: 'gap', detail: 'x' }],
    });
    const lines = [...ndjsonReport(analysis)].join('').trimEnd().split('\n');
    const objects = lines.map((line) => JSON.parse(line) as { type: string });
    expect(objects.map(({ type }) => type)).toEqual(['capture', 'session', 'finding']);
    for (const object of objects) expect(lineErrors(object)).toEqual([]);
  });
});

describe('pieces', () => {
  it('are large, in order, and lose nothing', () => {
    const texts = Array.from({ length: 1000 }, (_, i) => `${i}`.padEnd(300, '.'));
    const pieces = [...inPieces(texts)];
    expect(pieces.join('')).toBe(texts.join(''));
    expect(pieces.slice(0, -1).every((piece) => piece.length >= 64 * 1024)).toBe(true);
    expect([...inPieces([])]).toEqual([]);
  });
});
