/**
 * The wire itself: an Exim behind the lab's emulated ASA, in network namespaces of their own, watched by every driver that is
 * installed. Needs root.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { childrenOf, haste, Live } from '../support/live.js';
import { needs, onPath } from '../support/needs.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const DRIVERS = ['dumpcap', 'tcpdump', 'cap'] as const;

/** More than the kernel keeps for a program that does not read. */
const FLOODED = 20_000;
const FLOOD = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(${FLOODED}): s.sendto(b'x' * 1400, ('127.0.0.1', 9))`;

/** What the lab's world is made of. */
const WORLD = ['root', 'network-namespaces', 'ip', 'python3', 'exim4', 'ethtool'] as const;

/** The lab's world, which sends and unplugs when told to. */
class World {
  private said = '';
  private readonly child: ChildProcessWithoutNullStreams;
  private waiting: (() => void) | null = null;
  client = '';

  constructor() {
    this.child = spawn('python3', ['-B', join(ROOT, 'lab/wire.py'), 'asa'], { cwd: join(ROOT, 'lab') });
    this.child.stdout.on('data', (octets: Buffer) => {
      this.said += octets.toString();
      this.waiting?.();
    });
  }

  async begin(): Promise<void> {
    this.client = (JSON.parse(await this.line()) as { client: string }).client;
  }

  async tell(command: string): Promise<void> {
    this.child.stdin.write(`${command}\n`);
    expect(await this.line()).toBe(command);
  }

  async end(): Promise<void> {
    this.child.stdin.end();
    await new Promise((resolve) => this.child.on('close', resolve));
  }

  live(...args: string[]): Live {
    return new Live(args, ['ip', 'netns', 'exec', this.client]);
  }

  private async line(): Promise<string> {
    while (!this.said.includes('\n')) {
      await new Promise<void>((resolve) => {
        this.waiting = resolve;
      });
    }
    const [line = '', ...rest] = this.said.split('\n');
    this.said = rest.join('\n');
    return line;
  }
}

describe('live -i', needs(...WORLD), () => {
  let world: World;
  beforeAll(async () => {
    world = new World();
    await world.begin();
  }, 30_000);
  afterAll(async () => world?.end(), 30_000);

  describe.for(DRIVERS)('%s', (driver) => {
    const here = needs(...WORLD, driver);

    it('says what the wire shows within a second', here, async () => {
      const live = world.live('-i', 'eth0', '--driver', driver);
      await live.says(new RegExp(`capturing on eth0 by ${driver}, filter 'tcp port 25 or .*vlan`));
      await world.tell('mail');
      await live.until(() => live.rules().includes('capability-masked'));
      const found = live.lines.find(({ rule }) => rule === 'banner-masked')!;
      const [{ time = '' } = {}] = found.evidence as { time: string }[];
      expect(found.at - Date.parse(time)).toBeGreaterThanOrEqual(0);
      expect(found.at - Date.parse(time)).toBeLessThan(1_000 * haste());
      expect(await live.end()).toBe(1);
      expect(live.summary).toMatchObject({
        driver,
        interface: 'eth0',
        sessions: 1,
        messages: 1,
        state: 'ended',
      });
      expect(live.summary.times).toBe(driver === 'cap' ? 'arrival' : 'kernel');
      expect(live.summary.drops).toBe(driver === 'cap' ? null : 0);
      expect(live.err).not.toMatch(/ at .*\.js/);
    });

    it('waits for an interface that goes, and loses nothing', here, async () => {
      const live = world.live('-i', 'eth0', '--driver', driver);
      await live.says(/capturing on eth0/);
      await world.tell('mail');
      await live.until(() => live.rules().includes('banner-masked'));
      await world.tell('unplug');
      await live.says(/eth0 has gone: waiting for it/);
      await world.tell('plug');
      await live.says(/capturing on eth0/, 2);
      await world.tell('mail');
      await live.until(() => live.child.kill('SIGUSR1') && /2 sessions \(0 open\)/.test(live.err));
      expect(await live.end()).toBe(1);
      expect(live.summary).toMatchObject({ sessions: 2, messages: 2 });
      expect(live.lines.filter(({ type }) => type === 'withdrawn')).toEqual([]);
    });

    it('says that an interface is down, and goes on when it is up', here, async () => {
      const live = world.live('-i', 'eth0', '--driver', driver);
      await live.says(/capturing on eth0/);
      execFileSync('ip', ['-n', world.client, 'link', 'set', 'eth0', 'down']);
      await live.says(/eth0 (is down|has gone): waiting for it/);
      execFileSync('ip', ['-n', world.client, 'link', 'set', 'eth0', 'up']);
      execFileSync('ip', ['-n', world.client, 'route', 'replace', '192.0.2.0/24', 'dev', 'eth0']);
      await live.says(/capturing on eth0/, 2);
      await world.tell('mail');
      await live.until(() => live.rules().includes('banner-masked'));
      expect(await live.end()).toBe(1);
      expect(live.summary).toMatchObject({ trouble: null, sessions: 1 });
    });

    it('is started again when it is killed', here, async () => {
      const live = world.live('-i', 'eth0', '--driver', driver);
      await live.says(/capturing on eth0/);
      process.kill(childrenOf(live.child.pid!)[0]!, 'SIGKILL');
      await live.says(new RegExp(`${driver} ended \\(SIGKILL\\): starting it again \\(1 of 5\\)`));
      await live.says(/capturing on eth0/, 2);
      await world.tell('mail');
      await live.until(() => live.rules().includes('banner-masked'));
      expect(await live.end()).toBe(1);
      // The one that was killed could not tell.
      expect(live.summary.drops).toBeNull();
    });

    it('counts what is lost', here, async () => {
      const live = world.live('-i', 'lo', '--driver', driver, '-f', 'udp port 9');
      await live.says(/capturing on lo/);
      live.child.kill('SIGSTOP');
      execFileSync('ip', ['netns', 'exec', world.client, 'python3', '-c', FLOOD]);
      live.child.kill('SIGCONT');
      await live.until(() => live.child.kill('SIGUSR1') && /: [1-9]\d* packets in/.test(live.err));
      expect(await live.end()).toBe(0);
      const { drops, packets } = live.summary as unknown as { drops: number | null; packets: number };
      if (driver === 'cap') expect(drops).toBeNull();
      else {
        // Loopback is captured on the way out and on the way in. The kernel's own count leaves some out.
        expect(drops! + packets).toBeGreaterThan(0.9 * FLOODED);
        expect(drops! + packets).toBeLessThanOrEqual(2 * FLOODED);
        expect(drops).toBeGreaterThan(packets);
      }
    });

    it('tells in one line what is wrong, and what to type', here, async () => {
      const filter = world.live('-i', 'eth0', '--driver', driver, '-f', 'tcp prt 25');
      expect(await filter.ended).toBe(2);
      expect(filter.err).toMatch(/the filter 'tcp prt 25' is none .*: try it by {2}tcpdump -d 'tcp prt 25'/);
      const name = world.live('-i', 'nosuch0', '--driver', driver);
      expect(await name.ended).toBe(2);
      expect(name.err).toMatch(/there is no interface nosuch0: 'mailwitness live -D'/);
      const rights = new Live(
        ['-i', 'eth0', '--driver', driver],
        [
          ...['ip', 'netns', 'exec', world.client],
          ...['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'],
        ],
      );
      expect(await rights.ended).toBe(2);
      expect(rights.err).toMatch(/may not capture on eth0: sudo /);
      for (const { err } of [filter, name, rights]) {
        expect(err.split('\n').filter((line) => / (is none|no interface|may not)/.test(line))).toHaveLength(
          1,
        );
        expect(err).not.toMatch(/ at .*\.js/);
      }
    });
  });

  const two = needs(...WORLD, 'dumpcap', 'tcpdump', 'setcap', 'setpriv');
  it('auto goes on to the driver that has the rights', two, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mailwitness-path-'));
    try {
      // Of nobody's programs, tcpdump alone may capture.
      const tcpdump = join(folder, 'tcpdump');
      copyFileSync(realpathSync(onPath('tcpdump')!), tcpdump);
      chmodSync(folder, 0o755);
      execFileSync('setcap', ['cap_net_raw+eip', tcpdump]);
      const live = new Live(
        ['-i', 'eth0'],
        [
          ...['ip', 'netns', 'exec', world.client, 'env', `PATH=${folder}:${process.env.PATH}`],
          ...['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'],
        ],
      );
      await live.says(/capturing on eth0 by tcpdump/);
      expect(live.err).not.toMatch(/may not capture/);
      expect(await live.end()).toBe(0);
      expect(live.summary).toMatchObject({ driver: 'tcpdump', drops: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('any, which knows no tags, has the filter without them', async () => {
    const live = world.live('-i', 'any');
    await live.says(/capturing on any/);
    expect(live.err).not.toMatch(/vlan/);
    await world.tell('mail');
    await live.until(() => live.rules().includes('banner-masked'));
    expect(await live.end()).toBe(1);
  });
});

describe('doctor', () => {
  it('says of each driver whether it works, or what to type', () => {
    const program = join(ROOT, 'dist/bin/mailwitness.js');
    const { stdout, status } = spawnSync(process.execPath, [program, 'doctor'], { encoding: 'utf8' });
    for (const driver of DRIVERS) {
      const line = stdout.split('\n').find((text) => text.startsWith(driver))!;
      expect(line).toMatch(/ {2}works {2}tried on | {2}no {5}.*: .+/);
    }
    expect(status).toBe(/^(dumpcap|tcpdump|cap) +works/m.test(stdout) ? 0 : 1);
  });

  it('names what is missing and how to install it', () => {
    const program = join(ROOT, 'dist/bin/mailwitness.js');
    const { stdout } = spawnSync(process.execPath, [program, 'doctor'], {
      encoding: 'utf8',
      env: { PATH: '/nowhere' },
    });
    expect(stdout).toMatch(/dumpcap +no +not installed: .*(wireshark|dumpcap)/);
    expect(stdout).toMatch(/tcpdump +no +not installed: .*tcpdump/);
  });
});
