/** `mailwitness live -r`: a capture that somebody else writes, by the built program. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { haste, Live } from '../support/live.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const CAPTURE = readFileSync(join(ROOT, 'captures/asa-esmtp-outside.pcap'));
const RECORD = 16;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-live-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The capture up to and with a packet, and the rest. */
function cutAfter(packet: number): [Buffer, Buffer] {
  let at = 24;
  for (let seen = 0; seen < packet; seen++) at += RECORD + CAPTURE.readUInt32LE(at + 8);
  return [CAPTURE.subarray(0, at), CAPTURE.subarray(at)];
}

describe('live -r -', () => {
  it('says what a packet proves within a second, though the session and the pipe go on', async () => {
    const live = new Live(['-r', '-']);
    const [greeting, rest] = cutAfter(4);
    live.child.stdin.write(greeting);
    await live.until(() => live.rules().includes('banner-masked'));
    expect(live.lines[0]).toMatchObject({ state: 'new', open: true });
    live.child.stdin.write(rest);
    const written = Date.now();
    await live.until(() => live.rules().includes('starttls-stripped'));
    expect(live.lines.find(({ rule }) => rule === 'starttls-stripped')!.at - written).toBeLessThan(
      1_000 * haste(),
    );
    live.child.stdin.end();
    expect(await live.ended).toBe(1);
    expect(live.lines.at(-1)).toMatchObject({ type: 'summary', driver: 'stream', packets: 38, sessions: 2 });
  });

  it('loses nothing when it is told to end, and says how well it could see', async () => {
    const live = new Live(['-r', '-']);
    live.child.stdin.write(CAPTURE);
    await live.until(() => live.rules().length >= 5);
    live.child.kill('SIGUSR1');
    await live.until(() => live.err.includes('38 packets'));
    live.child.kill('SIGTERM');
    expect(await live.ended).toBe(1);
    expect(live.lines.at(-1)).toMatchObject({ type: 'summary', drops: null, times: 'unknown' });
    expect(live.err).toMatch(/drops unknown/);
  });

  it('reads a named pipe', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const live = new Live(['-r', pipe]);
    writeFileSync(pipe, CAPTURE);
    expect(await live.ended).toBe(1);
    expect(live.rules()).toHaveLength(5);
  });

  it.each([
    ['what is no capture', Buffer.from('HTTP/1.1 404 Not Found\r\n\r\n'), /HTTP|no capture|not a capture/i],
    ['nothing at all', Buffer.alloc(0), /no octets/],
  ])('%s gets one line and status 2', async (_, octets, said) => {
    const live = new Live(['-r', '-']);
    live.child.stdin.end(octets);
    expect(await live.ended).toBe(2);
    expect(live.err).toMatch(said);
    expect(live.err).not.toMatch(/at .*\.js/);
  });

  it('a reader that goes away ends it', async () => {
    const live = new Live(['-r', '-']);
    live.child.stdout.destroy();
    live.child.stdin.write(CAPTURE);
    expect([0, 1]).toContain(await live.ended);
    expect(live.err).not.toMatch(/Error|at .*\.js/);
  });
});
