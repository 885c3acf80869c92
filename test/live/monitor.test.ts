/** A watch over scripts: what it says when, what it keeps, and that it never grows. */
import { describe, expect, it } from 'vitest';
import { CaptureReader } from '../../src/capture/reader.js';
import type { MonitorOptions } from '../../src/live/monitor.js';
import { catalog } from '../../src/rules/catalog.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';
import { type Watched, watched } from '../support/monitor.js';

const MASKED = `S: 220 ${'*'.repeat(30)}2${'*'.repeat(5)}0${'*'.repeat(10)}`;
const HELLO = 'C: EHLO client.example\nS: 250-mail.example\nS+ 250 SIZE 1000';
const MESSAGE = [
  'C: MAIL FROM:<a@client.example>',
  'S: 250 ok',
  'C: RCPT TO:<b@mail.example>',
  'S: 250 ok',
  'C: DATA',
  'S: 354 go',
  'C: Message-ID: <1@client.example>',
  'C:',
  'C: text',
  'C: .',
].join('\n');

function masked(port: number, rest = 'fin'): string {
  return `session C=192.0.2.10:${port} S=198.51.100.25:25\n${MASKED}\n${HELLO}\n${rest}`;
}

async function watchScript(script: string, more: Partial<MonitorOptions> = {}): Promise<Watched> {
  const watch = await watched(more);
  push(watch, script);
  return watch;
}

function push({ monitor }: Watched, script: string): void {
  new CaptureReader(monitor).push(pcapOf(scriptPackets(script)));
}

const said = ({ said }: Watched) =>
  said.map(({ state, open, finding }) => `${state} ${open ? 'open' : 'closed'} ${finding.rule}`);
const only = (...ids: string[]) => ({ rules: catalog.filter(({ meta }) => ids.includes(meta.id)) });

describe('what a watch says', () => {
  it('of a session in progress within two ticks, and once', async () => {
    const watch = await watchScript(`${MASKED}\n${HELLO}\ncut`, only('banner-masked'));
    expect(said(watch)).toEqual([]);
    watch.pass(400);
    watch.pass(400);
    expect(said(watch)).toEqual(['new open banner-masked']);
    watch.pass(400);
    watch.monitor.end(true);
    expect(said(watch)).toEqual(['new open banner-masked']);
    expect(watch.monitor.findings().map(({ id, count }) => [id, count])).toEqual([['f1', 1]]);
  });

  it('of silence, when a minute has gone by without a packet', async () => {
    const watch = await watchScript(
      `S: 220 x\n${HELLO}\n${MESSAGE}\ncut`,
      only('end-of-data-unacknowledged'),
    );
    for (let second = 0; second < 59; second++) watch.pass(1000);
    expect(said(watch)).toEqual([]);
    for (let second = 0; second < 4; second++) watch.pass(1000);
    expect(said(watch)).toEqual(['new open end-of-data-unacknowledged']);
  });

  it('takes back what does not hold when the session has ended', async () => {
    const script = `S: 220 x\n${HELLO}\n${MESSAGE}\n@ +90\nS: 250 ok\nC: QUIT\nS: 221 x\nfin`;
    const before = script.slice(0, script.indexOf('\n@ +90'));
    const watch = await watchScript(`${before}\ncut`, only('end-of-data-unacknowledged'));
    const packets = scriptPackets(`${before}\ncut`).length;
    for (let second = 0; second < 70; second++) watch.pass(1000);
    expect(said(watch)).toEqual(['new open end-of-data-unacknowledged']);
    new CaptureReader(watch.monitor).push(pcapOf(scriptPackets(script).slice(packets)));
    watch.pass(500);
    expect(said(watch)).toEqual([
      'new open end-of-data-unacknowledged',
      'withdrawn closed end-of-data-unacknowledged',
    ]);
    expect(watch.monitor.findings()).toEqual([]);
  });

  it('at its end: a capture that was stopped has watched the silence, one that ended has not', async () => {
    for (const [whole, findings] of [
      [true, 0],
      [false, 1],
    ] as const) {
      const { monitor, pass } = await watchScript(`S: 220 x\n${HELLO}\n${MESSAGE}\ncut`, {
        ...only('end-of-data-unacknowledged'),
        limits: { tickMs: 0 },
      });
      for (const ms of [500, 1_000, 90_000]) pass(ms);
      monitor.end(whole);
      expect(monitor.findings()).toHaveLength(findings);
    }
  });
});

describe('what a watch keeps', () => {
  it('closes by the clock what has been idle for an hour', async () => {
    const { monitor, pass } = await watchScript(`S: 220 x\n${HELLO}\ncut`);
    pass(60_000);
    expect(monitor.counts).toMatchObject({ sessions: 1, openSessions: 1 });
    for (let minute = 0; minute < 61; minute++) pass(60_000);
    expect(monitor.counts).toMatchObject({ sessions: 1, openSessions: 0 });
    expect(monitor.session(1)?.closed).toBe('idle');
  });

  const many = Array.from({ length: 12 }, (_, index) => masked(40_001 + index)).join('\n');

  it('has the newest sessions, gives the room of the others back and counts them', async () => {
    const { monitor } = await watchScript(many, { limits: { sessions: 5 } });
    expect([...monitor.sessions()].map(({ number }) => number)).toEqual([12, 11, 10, 9, 8]);
    expect(monitor.session(7)).toBeNull();
    expect(monitor.session(8)!.exchanges[1]!.verb).toBe('EHLO');
    expect(monitor.health.tables.find(({ name }) => name === 'closed sessions')).toMatchObject({
      used: 5,
      dropped: 7,
    });
  });

  it('counts on though rules begin anew', async () => {
    const whole = await watchScript(many, only('banner-masked'));
    whole.monitor.end(true);
    const anew = await watchScript(many, { ...only('banner-masked'), limits: { sessionsOfRules: 5 } });
    expect(
      anew.monitor.health.tables.find(({ name }) => name === 'sessions compared by rules'),
    ).toMatchObject({
      used: 2,
      dropped: 10,
    });
    anew.monitor.end(true);
    expect(anew.monitor.findings()).toEqual(whole.monitor.findings());
    expect(anew.monitor.findings()[0]).toMatchObject({
      count: 12,
      sessions: Array.from({ length: 12 }, (_, n) => `s${n + 1}`),
    });
  });

  it('has a limit of findings, and says so', async () => {
    const script = Array.from({ length: 6 }, (_, n) => masked(40_001).replace('.25:25', `.${n + 1}:25`)).join(
      '\n',
    );
    const { monitor } = await watchScript(script, { ...only('banner-masked'), limits: { findings: 4 } });
    monitor.end(true);
    expect(monitor.findings()).toHaveLength(4);
    expect(monitor.health.tables.find(({ name }) => name === 'findings')!.dropped).toBeGreaterThan(0);
    expect(
      monitor
        .analysis()
        .notAssessed.some(({ detail }) => /^findings: \d+ are not kept \(limit 4\)/.test(detail)),
    ).toBe(true);
  });

  it('closes one for each connection too many', async () => {
    const open = Array.from({ length: 6 }, (_, n) => `${masked(40_001 + n, '')}\ncut`).map((script) =>
      pcapOf(scriptPackets(script)),
    );
    const watch = await watched({ limits: { connections: 4 } });
    for (const capture of open) new CaptureReader(watch.monitor).push(capture);
    expect(watch.monitor.counts).toMatchObject({ sessions: 6, openSessions: 4 });
    expect(watch.monitor.health.tables[0]).toMatchObject({
      name: 'open connections',
      used: 4,
      limit: 4,
      dropped: 2,
    });
  });

  it('shows sessions in progress beside those that have ended', async () => {
    const watch = await watchScript(`${masked(40_001)}\n${masked(40_002, '')}\ncut`, only('banner-masked'));
    watch.pass(500);
    watch.pass(500);
    const rows = [...watch.monitor.sessions()];
    expect(rows.map(({ number, state, findings }) => [number, state, findings])).toEqual([
      [2, 'open', []],
      [1, 'fin', ['f1']],
    ]);
    expect(rows[0]).toMatchObject({
      helo: 'client.example',
      commands: 2,
      lastLine: '250 SIZE 1000',
      messages: 0,
    });
    expect(watch.monitor.session(2)!.closed).toBe('end-of-capture');
  });

  it('numbers frames on when its capture begins anew', async () => {
    const watch = await watchScript(masked(40_001), only('banner-masked'));
    const { packets } = watch.monitor.counts;
    watch.monitor.resume();
    push(watch, masked(40_002));
    watch.monitor.end(false);
    const frames = watch.monitor.findings()[0]!.evidence.map(({ packet }) => packet);
    expect(frames).toEqual([4, packets + 4]);
  });

  it('judges in slices when it may, in the same order and to the same end', async () => {
    const at: (() => void)[] = [];
    const slow = await watchScript(many, { later: (work) => at.push(work) });
    expect(slow.monitor.health.tables.find(({ name }) => name === 'closed sessions')!.used).toBe(0);
    while (at.length > 0) at.shift()!();
    expect(slow.monitor.health.tables.find(({ name }) => name === 'closed sessions')!.used).toBe(12);
    slow.monitor.end(true);
    const once = await watchScript(many);
    once.monitor.end(true);
    expect(slow.monitor.findings()).toEqual(once.monitor.findings());
    const never = await watchScript(many, { later: () => {} });
    never.monitor.end(true);
    expect(never.monitor.findings()).toEqual(once.monitor.findings());
  });

  it('never shows a secret', async () => {
    const secret = 'AGFsaWNlAHNlY3JldA==';
    const script = `${MASKED}\n${HELLO}\nC: AUTH PLAIN ${secret}\nS: 235 ok ${secret}\ncut`;
    const watch = await watchScript(script);
    watch.pass(500);
    watch.pass(500);
    const shown = JSON.stringify([
      [...watch.monitor.sessions()],
      watch.monitor.session(1),
      watch.said,
      [...watch.monitor.analysis().sessions()],
    ]);
    expect(shown).toContain('AUTH');
    expect(shown).not.toContain(secret);
  });
});
