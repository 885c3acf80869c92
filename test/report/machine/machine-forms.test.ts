/** The formats of other programs: SARIF, JUnit, Suricata's EVE, Zeek's smtp.log. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import type { Analysis } from '../../../src/analyze.js';
import { communityId } from '../../../src/report/machine/community-id.js';
import { eveReport, signatureId } from '../../../src/report/machine/eve.js';
import { junitReport } from '../../../src/report/machine/junit.js';
import { sarifReport } from '../../../src/report/machine/sarif.js';
import { zeekReport } from '../../../src/report/machine/zeek.js';
import { catalog } from '../../../src/rules/catalog.js';
import {
  fakeAnalysis,
  fakeExchange,
  fakeFinding,
  fakeMessage,
  fakeReply,
  fakeSession,
} from '../fake-analysis.js';
import { hostileAnalysis, hostileText } from '../hostile-text.js';

const OPTIONS = { rules: catalog.map(({ meta }) => meta) };
const REPORTS: Readonly<Record<string, (analysis: Analysis) => Iterable<string>>> = {
  sarif: (analysis) => sarifReport(analysis, { name: 'mailwitness', version: '0' }, OPTIONS),
  junit: (analysis) => junitReport(analysis, OPTIONS),
  eve: eveReport,
  zeek: zeekReport,
};

/** The published schema of SARIF 2.1.0. */
function publishedSarif(): ValidateFunction {
  const path = createRequire(import.meta.url).resolve(
    '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json',
  );
  // It uses nothing of draft 4 that later drafts took away, but its names.
  const { $schema: _, id: __, ...schema } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  // One of its patterns is none where patterns are Unicode.
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  formats.default(ajv);
  return ajv.compile(schema);
}
const published = publishedSarif();

/** Narrower than the published one: what is written here, and no more. */
const message = { type: 'object', required: ['text'], properties: { text: { type: 'string' } } };
const location = {
  type: 'object',
  required: ['physicalLocation', 'logicalLocations'],
  properties: {
    id: { type: 'integer', minimum: 0 },
    message,
    physicalLocation: {
      type: 'object',
      required: ['artifactLocation'],
      properties: {
        artifactLocation: {
          type: 'object',
          additionalProperties: false,
          required: ['uri', 'index'],
          properties: {
            uri: { type: 'string', pattern: '^[A-Za-z0-9._~%/:@+,;=&$-]*$' },
            index: { type: 'integer' },
          },
        },
      },
    },
    logicalLocations: { type: 'array', items: { type: 'object', required: ['name'] } },
  },
};
const sarif = new Ajv2020({ strict: false }).compile({
  type: 'object',
  additionalProperties: false,
  required: ['version', 'runs'],
  properties: {
    version: { const: '2.1.0' },
    runs: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['tool', 'results'],
        properties: {
          tool: {
            type: 'object',
            required: ['driver'],
            properties: { driver: { type: 'object', required: ['name', 'rules'] } },
          },
          invocations: { type: 'array', items: { type: 'object', required: ['executionSuccessful'] } },
          artifacts: { type: 'array', items: { type: 'object', required: ['location'] } },
          results: {
            type: 'array',
            items: {
              type: 'object',
              required: ['message'],
              properties: {
                ruleId: { type: 'string' },
                ruleIndex: { type: 'integer', minimum: 0 },
                kind: { const: 'fail' },
                level: { enum: ['error', 'warning', 'note'] },
                message,
                locations: { type: 'array', items: location },
                relatedLocations: { type: 'array', items: location },
                partialFingerprints: { type: 'object', additionalProperties: { type: 'string' } },
                occurrenceCount: { type: 'integer', minimum: 1 },
              },
            },
          },
        },
      },
    },
  },
});

function check(format: string, text: string): void {
  if (format === 'junit') {
    new SaxesParser().write(text).close();
    return;
  }
  if (format === 'sarif') {
    const report: unknown = JSON.parse(text);
    expect(sarif(report) ? [] : sarif.errors).toEqual([]);
    expect(published(report) ? [] : published.errors).toEqual([]);
    return;
  }
  for (const line of text.split('\n').slice(0, -1)) JSON.parse(line);
}

describe.each(Object.entries(REPORTS))('%s', (format, report) => {
  it('is well formed and safe whatever was in the packets', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 1, maxLength: 12 }), (texts) => {
        const text = [...report(hostileAnalysis(texts))].join('');
        expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        check(format, text);
      }),
    );
  });

  it('is well formed with nothing in it', () => {
    check(format, [...report(fakeAnalysis({ sessionList: [], captures: [] }))].join(''));
  });

  it('is written as it is made', () => {
    const findings = Array.from({ length: 10_000 }, (_, i) => fakeFinding({ id: `f${i + 1}` }));
    const pieces = [
      ...report(
        fakeAnalysis({
          findings,
          sessionList: Array.from({ length: 3000 }, (_, i) => fakeSession({ id: `s${i + 1}` })),
        }),
      ),
    ];
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(100_000);
    check(format, pieces.join(''));
  });
});

it('sarif is held against the published schema, also of a capture that is damaged', () => {
  const { captures } = fakeAnalysis();
  const problems = [{ code: 'truncated-record', message: 'the file ends within a packet', offset: 24 }];
  const damaged = captures.map((capture) => ({ ...capture, facts: { ...capture.facts, problems } }));
  const report = [
    ...sarifReport(
      fakeAnalysis({ captures: damaged, findings: [fakeFinding()] }),
      { name: 'mailwitness', version: '0' },
      OPTIONS,
    ),
  ].join('');
  check('sarif', report);
  expect(published(JSON.parse(report.replace('"fail"', '"failed"')))).toBe(false);
});

describe('Community ID', () => {
  // corelight/community-id-spec, baseline_deflt.json: the rows of TCP.
  it.each([
    [
      '2001:470:e5bf:dead:4957:2174:e82c:4887',
      63943,
      '2607:f8b0:400c:c03::1a',
      25,
      '1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=',
    ],
    ['128.232.110.120', 34855, '66.35.250.204', 80, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  ])('of %s port %i and %s port %i', (address, port, peer, peerPort, id) => {
    const [one, other] = [
      { address, port },
      { address: peer, port: peerPort },
    ];
    expect(communityId(one, other)).toBe(id);
    expect(communityId(other, one)).toBe(id);
  });
});

describe('eve', () => {
  it('is Suricata’s envelope, from where the proof came', () => {
    const event = JSON.parse([...eveReport(fakeAnalysis({ findings: [fakeFinding()] }))].join('')) as object;
    expect(event).toMatchObject({
      timestamp: '2024-05-06T07:08:09.000000+0000',
      pcap_cnt: 4,
      event_type: 'alert',
      src_ip: '198.51.100.25',
      src_port: 25,
      dest_ip: '192.0.2.10',
      dest_port: 40000,
      proto: 'TCP',
      community_id: communityId(
        { address: '192.0.2.10', port: 40000 },
        { address: '198.51.100.25', port: 25 },
      ),
      alert: { severity: 2, gid: 1 },
      mailwitness: { fingerprint: '00ff00ff00ff00ff', rule: 'banner-masked' },
    });
  });

  it('has a signature id of its own for each rule', () => {
    const ids = catalog.map(({ meta }) => signatureId(meta.id));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toBeGreaterThanOrEqual(1_000_000);
  });
});

it('zeek has a line for each message, and one for a session without', () => {
  const end = fakeExchange({
    kind: 'end-of-data',
    verb: '(end-of-data)',
    reply: fakeReply(250, '250 2.0.0 taken'),
  });
  const hello = fakeExchange({ verb: 'EHLO', argument: 'mx.example' });
  const sessionList = [
    fakeSession({
      exchanges: [hello, end],
      messages: [fakeMessage({ endExchange: 1 }), fakeMessage({ id: 'm2', from: '', messageId: null })],
    }),
    fakeSession({ id: 's2' }),
    fakeSession({ id: 's3', protocol: 'http' }),
  ];
  const text = [...zeekReport(fakeAnalysis({ sessionList, findings: [fakeFinding()] }))].join('');
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatchObject({
    ts: 1714979289,
    'id.orig_h': '192.0.2.10',
    'id.resp_p': 25,
    trans_depth: 1,
    helo: 'mx.example',
    mailfrom: 'anna@example.net',
    rcptto: ['bert@example.com'],
    msg_id: '<1@example.net>',
    last_reply: '250 2.0.0 taken',
    tls: false,
    mailwitness: {
      session: 's1',
      findings: [{ finding: 'f1', rule: 'banner-masked', fingerprint: '00ff00ff00ff00ff' }],
    },
  });
  expect(lines[0]!.uid).toMatch(/^C[A-Za-z0-9]{10,17}$/);
  expect(lines[1]).toMatchObject({ trans_depth: 2, mailfrom: '' });
  expect(lines[2]).not.toHaveProperty('mailfrom');
});

it('junit fails for what is no note', () => {
  const findings = [fakeFinding(), fakeFinding({ id: 'f2', rule: 'verb-masked', severity: 'info' })];
  const text = [...junitReport(fakeAnalysis({ findings }), OPTIONS)].join('');
  expect(text).toContain(`tests="${catalog.length}" failures="1" errors="0"`);
  expect(text.match(/<testcase /g)).toHaveLength(catalog.length);
  expect(text.match(/<failure /g)).toHaveLength(1);
});
