import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Finding } from '../../src/finding/finding.js';
import { jsonReport } from '../../src/report/machine/json.js';
import { fakeAnalysis, fakeExchange, fakeFinding, fakeReply, fakeSession } from '../report/fake-analysis.js';
import { HOSTILE, hostileAnalysis } from '../report/hostile-text.js';
import { inFolder } from '../support/golden.js';
import { ran } from './fake-io.js';

const spoken = fakeSession({ exchanges: [fakeExchange({ verb: 'EHLO', reply: fakeReply(250, '250 ok') })] });
const greeting = fakeFinding({ fingerprint: '1111111111111111' });
const keyword = fakeFinding({ id: 'f2', fingerprint: '2222222222222222', rule: 'capability-masked' });
const note = fakeFinding({ id: 'f3', fingerprint: '3333333333333333', severity: 'info' });

function report(findings: Finding[], sessionList = [spoken]): string {
  return [...jsonReport(fakeAnalysis({ findings, sessionList }), { name: 'mailwitness', version: '1' })].join(
    '',
  );
}

async function diff(before: string, after: string, ...more: string[]): Promise<[number, string, string]> {
  return inFolder(async (folder) => {
    const [first, second] = [join(folder, 'before.json'), join(folder, 'after.json')];
    writeFileSync(first, before);
    writeFileSync(second, after);
    const { status, out, err } = await ran(['diff', ...more, first, second]);
    return [status, out, err];
  });
}

it.each<[string, Finding[], Finding[], number, RegExp]>([
  ['all fixed', [greeting, keyword], [], 0, /^Nothing is left: 2 fixed, 0 still there, 0 new\./],
  [
    'one left',
    [greeting, keyword],
    [keyword],
    1,
    /^Not done: 1 fixed, 1 still there, 0 new\.[\s\S]*Still there\n {2}2222/,
  ],
  ['one new', [greeting], [keyword], 1, /^Not done: 1 fixed, 0 still there, 1 new\./],
  ['a note is left', [greeting, note], [note], 0, /^Nothing is left: 1 fixed, 1 still there/],
  ['nothing at all', [], [], 0, /^Nothing was found before or after\./],
])('%s', async (_, before, after, status, text) => {
  const [exit, out, err] = await diff(report(before), report(after));
  expect([exit, err]).toEqual([status, '']);
  expect(out).toMatch(text);
});

it('does not call fixed what nobody looked at again', async () => {
  const elsewhere = fakeSession({ ...spoken, server: { address: '198.51.100.99', port: 25 } });
  for (const sessions of [[], [elsewhere], [fakeSession()]]) {
    const [exit, out] = await diff(report([greeting]), report([], sessions));
    expect(exit).toBe(1);
    expect(out).toContain('1 not certain');
    expect(out).toContain('Not certain: no SMTP session with this server after the change');
  }
});

it('tells it as JSON', async () => {
  const [exit, out] = await diff(report([greeting, keyword]), report([keyword]), '-F', 'json');
  const told = JSON.parse(out) as {
    schema: string;
    left: number;
    changes: { change: string; fingerprint: string }[];
  };
  expect([exit, told.schema, told.left]).toEqual([1, 'mailwitness/diff/1', 1]);
  expect(told.changes.map(({ change, fingerprint }) => [change, fingerprint])).toEqual([
    ['still-there', '2222222222222222'],
    ['fixed', '1111111111111111'],
  ]);
});

it('prints nothing that a terminal obeys', async () => {
  const maker = { name: 'mailwitness', version: '\x1b[2J' };
  const hostile = [...jsonReport(hostileAnalysis(HOSTILE), maker)].join('');
  for (const format of ['text', 'json']) {
    const [, out] = await diff(hostile, report([greeting]), '-F', format);
    expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
  }
});

it('brackets that are text nest nothing', async () => {
  const quoted = report([greeting]).replace('{', `{"x":${JSON.stringify(`\\"${'[{'.repeat(100)}`)},`);
  expect((await diff(quoted, quoted))[2]).toBe('');
});

it.each([
  [
    `{"schema":"mailwitness/report/1","findings":[],"sessions":[],"captures":[],"x":${'['.repeat(64)}${']'.repeat(64)}}`,
    /no report of this program/,
  ],
  ['', /no report of this program/],
  ['{', /no report of this program/],
  ['null', /no report/],
  ['{"schema":"mailwitness/report/1"}', /no report/],
  ['{"schema":"mailwitness/report/1","findings":[1],"sessions":[],"captures":[]}', /no report/],
  ['{"schema":"mailwitness/report/1","findings":[{}],"sessions":[{"id":1}],"captures":[]}', /no report/],
])('refuses %j', async (text, complaint) => {
  const [exit, out, err] = await diff(text, report([]));
  expect([exit, out]).toEqual([2, '']);
  expect(err).toMatch(complaint);
});

it('wants two files', async () => {
  for (const words of [[], ['a'], ['a', 'b', 'c'], ['-F', 'xml', 'a', 'b'], ['/nowhere/a', '/nowhere/b']]) {
    const { status, err } = await ran(['diff', ...words]);
    expect(status).toBe(2);
    expect(err.split('\n')).toHaveLength(2);
  }
});
