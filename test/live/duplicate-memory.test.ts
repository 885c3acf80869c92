/** Messages of days: what is remembered of them, for how long, and in how much room. */
import { describe, expect, it } from 'vitest';
import { CaptureReader } from '../../src/capture/reader.js';
import type { Finding } from '../../src/finding/finding.js';
import { DuplicateMemory } from '../../src/live/duplicate-memory.js';
import { duplicateDelivery } from '../../src/rules/duplicate-delivery.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';
import { watched } from '../support/monitor.js';

const DAY_S = 86_400;
const DAY_US = DAY_S * 1e6;

let nextPort = 40_000;

/** A session that delivers message `id`, which the server takes without the client hearing of it. */
function delivery(id: string, { wait = 0, to = 'bob@example.com', body = 'x' } = {}): string {
  return [
    `@ +${wait}`,
    `session C=192.0.2.10:${nextPort++} S=198.51.100.25:25`,
    'S: 220 mail.example ESMTP',
    'C: EHLO client.example',
    'S: 250 mail.example',
    'C: MAIL FROM:<a@client.example>',
    'S: 250 ok',
    `C: RCPT TO:<${to}>`,
    'S: 250 ok',
    'C: DATA',
    'S: 354 go',
    `C: Message-ID: <${id}@client.example>`,
    'C:',
    `C: ${body}`,
    'C: .',
    'S: 250 ok',
    'rst C',
  ].join('\n');
}

/** @param sessions  so many are kept */
async function remembered(
  scripts: readonly string[],
  limits: Partial<ConstructorParameters<typeof DuplicateMemory>[0]> = {},
  memory?: DuplicateMemory,
  sessions = 100,
) {
  const duplicates =
    memory ?? new DuplicateMemory({ windowUs: 3 * DAY_US, messages: 100, old: 100, ...limits });
  const { monitor } = await watched({ duplicates, rules: [duplicateDelivery], limits: { sessions } });
  const reader = new CaptureReader(monitor);
  reader.push(pcapOf(scriptPackets(scripts.join('\n'))));
  monitor.end(true, reader.end());
  const rows = [...monitor.duplicates()];
  return { duplicates, rows, findings: monitor.findings(), health: duplicates.health };
}

const copies = (finding: Finding | undefined) => finding?.args.copies;

describe('duplicates over days', () => {
  it('a message that comes again within the window is told, and one after it is not', async () => {
    const within = await remembered([delivery('1'), delivery('1', { wait: 2 * DAY_S })]);
    expect(copies(within.findings[0])).toBe(2);
    const after = await remembered([
      delivery('1'),
      delivery('2', { wait: 4 * DAY_S }),
      delivery('1', { wait: 10 }),
    ]);
    expect(after.findings).toEqual([]);
    const twice = [delivery('1'), delivery('1', { wait: 5 }), delivery('1', { wait: 4 * DAY_S })];
    expect((await remembered(twice)).findings.map(copies)).toEqual([2]);
  });

  const others = Array.from({ length: 10 }, (_, index) => delivery(String(index + 100), { wait: 60 }));

  it('one of which hashes alone are left is told, as far as they tell', async () => {
    const scripts = [delivery('1'), ...others, delivery('1', { wait: 60 })];
    const { findings, rows } = await remembered(scripts, {}, undefined, 4);
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    expect(finding!.args).toMatchObject({
      copies: 2,
      outcomes: ['accepted', 'accepted'],
      messageId: '<1@client.example>',
    });
    expect(finding!.message).toMatch(/1 of them was seen before what is kept of the capture/);
    expect(finding!.sessions).toEqual(['s12']);
    expect(rows).toEqual([
      expect.objectContaining({ copies: 2, accepted: 2, sessions: [12], finding: 'f1' }),
    ]);
  });

  it.each([
    ['other recipients', { to: 'eve@example.com' }],
    ['another body', { body: 'y' }],
  ])('hashes tell %s', async (_, other) => {
    const scripts = [delivery('1'), ...others, delivery('1', { wait: 60, ...other })];
    expect((await remembered(scripts, {}, undefined, 4)).findings).toEqual([]);
  });

  it('has a limit, and says what was lost at it', async () => {
    const { findings, health } = await remembered([delivery('1'), ...others, delivery('1', { wait: 60 })], {
      messages: 4,
      old: 3,
    });
    expect(findings).toEqual([]);
    expect(health).toMatchObject({ used: 3, limit: 7, dropped: 9 });
  });

  it('is told by its session as long as that is kept', async () => {
    const scripts = [delivery('1'), ...others, delivery('1', { wait: 60 })];
    const { findings, rows } = await remembered(scripts);
    expect(findings[0]!.sessions).toEqual(['s1', 's12']);
    expect(findings[0]!.message).not.toContain('seen before what is kept');
    expect(findings[0]!.evidence.filter(({ note }) => note.startsWith('end of a copy'))).toHaveLength(2);
    expect(rows[0]!.sessions).toEqual([1, 12]);
  });

  /** One session with all of these messages. */
  function together(scripts: readonly string[]): string {
    const [first = '', ...more] = scripts.map((script) => script.split('\n'));
    return [...first.slice(0, -1), ...more.flatMap((script) => script.slice(5, -1)), 'rst C'].join('\n');
  }

  it('is told when it comes again in the same session', async () => {
    const { findings } = await remembered([together([delivery('1'), delivery('1')])]);
    expect(copies(findings[0])).toBe(2);
    expect(findings[0]!.sessions).toEqual(['s1']);
  });

  it('is told by so many sessions only for one session: who sends the mail decides how long that takes', async () => {
    const ids = Array.from({ length: 25 }, (_, index) => String(index));
    const again = together(ids.map((id) => delivery(id, { wait: 60 })));
    const { findings } = await remembered([...ids.map((id) => delivery(id)), again]);
    expect(findings).toHaveLength(25);
    expect(findings.filter(({ sessions }) => sessions.length === 2)).toHaveLength(20);
    expect(findings.filter(({ message }) => message.includes('seen before what is kept'))).toHaveLength(5);
  });

  it('tells of what it told, however much comes after it', async () => {
    const { findings } = await remembered([delivery('1'), delivery('1', { wait: 60 }), ...others], {
      messages: 2,
      old: 2,
    });
    expect(copies(findings[0])).toBe(2);
    expect(findings[0]!.evidence.length).toBeGreaterThan(2);
  });

  it.each([
    ['by its session', 100],
    ['by hashes', 4],
  ])(
    'is told when the message has come again, not only when its session has ended (known %s)',
    async (_, sessions) => {
      const watch = await watched({ rules: [duplicateDelivery], limits: { sessions } });
      const again = delivery('1', { wait: 60 });
      const packets = scriptPackets([delivery('1'), ...others, again].join('\n'));
      // Without the reset at its end.
      const reader = new CaptureReader(watch.monitor);
      const octets = pcapOf(packets);
      reader.push(octets.subarray(0, pcapOf(packets.slice(0, -1)).length));
      for (let tick = 0; tick < 2; tick++) watch.pass(400);
      expect(watch.said.map(({ state, open }) => [state, open])).toEqual([['new', true]]);
      expect(copies(watch.said[0]!.finding)).toBe(2);
      expect(watch.monitor.counts.openSessions).toBe(1);
      reader.push(octets.subarray(pcapOf(packets.slice(0, -1)).length));
      watch.pass(400);
      watch.monitor.end(true, reader.end());
      expect(watch.said).toHaveLength(1);
      expect(watch.monitor.findings()).toHaveLength(1);
      expect(watch.monitor.findings()[0]!.message).toBe(watch.said[0]!.finding.message);
    },
  );

  it('is not told before it has come whole, nor where it is another', async () => {
    const { monitor, said, pass } = await watched({ rules: [duplicateDelivery] });
    const packets = scriptPackets([delivery('1'), delivery('1', { wait: 60 })].join('\n'));
    // Up to `DATA` and 354.
    new CaptureReader(monitor).push(pcapOf(packets.slice(0, -7)));
    for (let tick = 0; tick < 3; tick++) pass(400);
    const other = scriptPackets([delivery('1', { to: 'eve@example.com', wait: 90 })].join('\n'));
    new CaptureReader(monitor).push(pcapOf(other.slice(0, -1)));
    for (let tick = 0; tick < 3; tick++) pass(400);
    expect(monitor.counts.openSessions).toBe(2);
    expect(said).toEqual([]);
  });

  it.each([1, 2])('is the same after a restart (%i copies before)', async (number) => {
    const scripts = Array.from({ length: number }, (_, index) => delivery('1', { wait: index }));
    const before = await remembered([...scripts, ...others]);
    const again = new DuplicateMemory({ windowUs: 3 * DAY_US, messages: 100, old: 100 });
    expect(again.restore([...before.duplicates.state()].join(''))).toBe(true);
    expect(again.health).toEqual({ ...before.health, dropped: 0 });
    const { findings } = await remembered([delivery('1', { wait: 3_000 })], {}, again);
    expect(copies(findings[0])).toBe(number + 1);
    expect(findings[0]!.sessions).toEqual(['s1']);
  });

  it('takes in nothing of a state that is damaged anywhere', async () => {
    const { duplicates } = await remembered([delivery('1'), delivery('1', { wait: 5 }), ...others]);
    const state = [...duplicates.state()].join('');
    for (let length = 0; length < state.length; length += 7) {
      const fresh = new DuplicateMemory({ windowUs: DAY_US, messages: 4, old: 4 });
      expect(fresh.restore(state.slice(0, length))).toBe(false);
      expect(fresh.health.used).toBe(0);
    }
  });
});
