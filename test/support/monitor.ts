/** A watch over packets that are at hand, with a clock that the test moves. */
import type { CapturedPacket } from '../../src/capture/packet.js';
import { readCapture } from '../../src/capture/source.js';
import { DuplicateMemory } from '../../src/live/duplicate-memory.js';
import type { Announcement } from '../../src/live/finding-board.js';
import { Monitor, type MonitorOptions } from '../../src/live/monitor.js';
import { createDigestFactory } from '../../src/mail/digest.js';
import { catalog } from '../../src/rules/catalog.js';

export interface Watched {
  readonly monitor: Monitor;
  readonly said: Announcement[];
  /** Moves the clock. */
  pass(ms: number): void;
}

export async function watched(more: Partial<MonitorOptions> = {}): Promise<Watched> {
  let clock = 0;
  const said: Announcement[] = [];
  const monitor = new Monitor({
    name: '-',
    ports: [25, 587, 2525],
    rules: catalog,
    digest: await createDigestFactory('xxh64'),
    duplicates: new DuplicateMemory({ windowUs: 3 * 86_400e6, messages: 5_000, old: 200_000 }),
    now: () => clock,
    onFinding: (announcement) => said.push(announcement),
    ...more,
  });
  return {
    monitor,
    said,
    pass: (ms) => {
      clock += ms;
      monitor.tick();
    },
  };
}

/** @param tickEvery  packets between two ticks of half a second; 0: none */
export async function watchFile(
  file: string,
  tickEvery: number,
  more: Partial<MonitorOptions> = {},
): Promise<Watched> {
  const watch = await watched(more);
  let packets = 0;
  await readCapture(file, {
    packet: (packet: CapturedPacket) => {
      watch.monitor.packet(packet);
      if (tickEvery > 0 && ++packets % tickEvery === 0) watch.pass(500);
    },
  });
  watch.monitor.end(true);
  return watch;
}
