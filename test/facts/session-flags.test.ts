/** Rules say the same whether they hear every session or those alone that show what they heed. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { analyze } from '../../src/analyze.js';
import { catalog } from '../../src/rules/catalog.js';
import type { Rule } from '../../src/rules/rule.js';
import { type RuleResults, RuleSet } from '../../src/rules/rule-set.js';
import type { SmtpExchange, SmtpSession } from '../../src/smtp/session.js';
import {
  fakeExchange,
  fakeLine,
  fakeMessage,
  fakeReply,
  fakeSession,
  TIME,
} from '../report/fake-analysis.js';
import { runs } from '../support/extent.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../captures');

/** Rules that are given every session. */
const attentive: readonly Rule[] = catalog.map((rule) => ({
  meta: rule.meta,
  create: (context) => ({ ...rule.create(context), heeds: undefined as never }),
}));

it('is so in every recorded capture', async () => {
  const captures = readdirSync(FOLDER)
    .filter((name) => /\.pcap/.test(name))
    .map((name) => join(FOLDER, name));
  const all = await analyze(captures, { rules: attentive });
  const chosen = await analyze(captures, { rules: catalog });
  expect(all.findings.length).toBeGreaterThan(50);
  expect(chosen.findings).toEqual(all.findings);
  expect(chosen.notAssessed).toEqual(all.notAssessed);
});

const VERBS = [
  'EHLO',
  'HELO',
  'MAIL',
  'RCPT',
  'NOOP',
  'AUTH',
  'STARTTLS',
  'X-EXPS',
  'XEXCH50',
  'BDAT',
  'QUIT',
];
const LINES = [
  ...VERBS,
  'XXXX',
  'XXXX client.example',
  'XXXXXXXX',
  'XXXXXXXXXXXX',
  'MAIL FROM:<a@b> BODY=8BITMIME',
  `MAIL FROM:<${'a'.repeat(321)}@b>`,
  `RCPT TO:<${'a'.repeat(600)}@b>`,
  'EHLO client.example',
];
const TEXTS = [
  '220 mail.example ESMTP',
  '220-mail.example',
  '220-****************',
  '********',
  '220 ****************2**0******',
  'OK',
  '250 OK',
  '250 2.0.0 Ok',
  '250-mail.example',
  '250 8BITMIME',
  '250-STARTTLS',
  '250 XXXXXXXA',
  '250-XXXB',
  '250 A',
  '354 go on',
  '421 gone',
  '500 "XXXX" not known',
  '500 Unsupported command.',
  '502 XXXXXXXX',
  '550 5.7.1 relaying denied',
  '554 5.6.1 body type not supported',
];

const reply = fc
  .array(fc.constantFrom(...TEXTS), { minLength: 1, maxLength: 3 })
  .chain((texts) => fc.tuple(fc.constant(texts), fc.boolean()))
  .map(([texts, complete]) => {
    const code = /^\d{3}/.exec(texts[0]!)?.[0];
    const enhanced = /\b[245]\.\d\.\d\b/.exec(texts.join(' '))?.[0] ?? null;
    return { ...fakeReply(code === undefined ? null : Number(code), ...texts), complete, enhanced };
  });

const exchange: fc.Arbitrary<SmtpExchange> = fc
  .record({
    kind: fc.constantFrom('command', 'command', 'command', 'end-of-data', 'bdat', 'unseen', 'auth-response'),
    text: fc.constantFrom(...LINES),
    reply: fc.option(reply),
    intermediate: fc.option(reply),
    noReply: fc.constantFrom('closed', 'silent', 'next', 'gap'),
    segments: fc.constantFrom(1, 1, 1, 2, 4, 8, 400),
    message: fc.constantFrom(null, null, 0, 1),
    bare: fc.boolean(),
  })
  .map(({ kind, text, bare, noReply, ...more }) => {
    const [verb = '', argument = null] = text.split(' ', 2);
    return fakeExchange({
      kind: kind as SmtpExchange['kind'],
      verb: kind === 'end-of-data' ? '(end-of-data)' : verb,
      known: VERBS.includes(verb),
      argument,
      line: bare && kind === 'unseen' ? null : fakeLine(text, { direction: 'client' }),
      noReply: more.reply === null ? (noReply as SmtpExchange['noReply']) : null,
      ...more,
    });
  });

const overlong = fc.option(fc.constant({ octets: 1200, offset: 400, frame: 5, time: TIME }));

const message = fc
  .record({
    accepted: fc.constantFrom(true, false, null),
    eightBit: fc.boolean(),
    longHeaderLine: overlong,
    longFileName: overlong,
    acknowledged: fc.constantFrom(true, false, null),
    end: fc.constantFrom(1, null),
  })
  .map(({ acknowledged, end, ...more }) =>
    fakeMessage({
      endExchange: end,
      terminated: true,
      terminator: {
        offset: 90,
        endOffset: 95,
        splits: [2],
        frame: 6,
        lastFrame: 7,
        time: TIME,
        pauseUs: null,
        acknowledged,
      },
      ...more,
    }),
  );

const STALLED = { ...fakeReply(220, '220-****', '********'), complete: false };

const session: fc.Arbitrary<Partial<SmtpSession>> = fc
  .record({
    greeting: fc.oneof(fc.constant(STALLED), fc.option(reply)),
    exchanges: fc.array(exchange, { maxLength: 8 }),
    extensions: fc.array(fc.constantFrom('8BITMIME', 'STARTTLS', 'AUTH PLAIN', 'XXXXXXXA', 'XB', 'A', 'DSN')),
    messages: fc.array(message, { minLength: 2, maxLength: 2 }),
    without: fc.boolean(),
    closedBy: fc.constantFrom('client', 'server', null),
    silenceUs: fc.constantFrom(0, 70e6),
    waitedUs: fc.constantFrom(0, 10e6),
    server: fc.constantFrom('198.51.100.25', '198.51.100.26'),
  })
  .map(({ greeting, exchanges, extensions, without, messages, waitedUs, server, ...more }) => ({
    ...more,
    server: { address: server, port: 25 },
    end: { ...TIME, us: TIME.us + waitedUs },
    exchanges: [
      fakeExchange({ kind: 'greeting', verb: '(greeting)', line: null, reply: greeting, known: true }),
      // What names a message is there.
      ...exchanges.map((one) => (without ? { ...one, message: null } : one)),
    ],
    messages: without
      ? []
      : messages.map((one) => (exchanges.length > 1 ? one : { ...one, endExchange: null })),
    extensions: extensions.map((text) => ({
      text,
      keyword: text.split(' ', 1)[0]!,
      line: fakeLine(`250-${text}`),
    })),
  }));

function heard(rules: readonly Rule[], sessions: readonly Partial<SmtpSession>[]): RuleResults {
  const made = sessions.map((one, index) => fakeSession({ ...one, id: `s${index + 1}` }));
  const ruleSet = new RuleSet(rules, (number) => made[number - 1] ?? null);
  for (const one of made) ruleSet.session(one);
  return ruleSet.end();
}

it('is so in sessions of all kinds', () => {
  const spoken = new Set<string>();
  fc.assert(
    fc.property(fc.array(session, { maxLength: 4 }), (sessions) => {
      const all = heard(attentive, sessions);
      expect(heard(catalog, sessions)).toEqual(all);
      for (const { reason } of all.notAssessed) expect(reason).not.toBe('rule-failed');
      for (const { rule } of all.findings) spoken.add(rule);
    }),
    { numRuns: runs(1500) },
  );
  // It is no comparison of silence with silence.
  expect([...spoken].sort()).toEqual(
    expect.arrayContaining([
      '8bitmime-rejected',
      'auth-dropped',
      'capability-masked',
      'char-mode-telnet',
      'ehlo-rejected',
      'end-of-data-unacknowledged',
      'greeting-stalled',
      'link2state-dropped',
      'relay-denied-after-auth-dropped',
      'starttls-stripped',
      'verb-masked',
      'verb-rejected',
      'verb-swallowed',
    ]),
  );
});
