/**
 * A program of its own: captures by `cap` (libpcap) and writes pcap to standard output.
 *
 * `cap` aborts its process when the interface goes down, and blocks its event loop under load: it never gets ours.
 * `node cap-child.js list` names the interfaces, `node cap-child.js capture IFACE FILTER` captures.
 */
import { createRequire } from 'node:module';

/** As much of `cap` 0.2.1 as is used. It comes without types. */
interface CapModule {
  Cap: {
    new (): {
      open(device: string, filter: string, bufferSize: number, buffer: Buffer): string;
      setMinBytes?(octets: number): void;
      on(event: 'packet', listener: (octets: number, truncated: boolean) => void): void;
    };
    deviceList(): { name: string; description?: string }[];
  };
}

const LINK_TYPES: Readonly<Record<string, number>> = {
  NULL: 0,
  ETHERNET: 1,
  RAW: 101,
  LINKTYPE_LINUX_SLL: 113,
  IEEE802_11_RADIO: 127,
};
const KERNEL_BUFFER = 16 << 20;
const SNAPLEN = 65_535;
const RECORD_HEADER = 16;
const ORPHAN_MS = 2_000;

function main([task, device = '', filter = '']: readonly string[]): void {
  const { Cap } = createRequire(import.meta.url)('cap') as CapModule;
  if (task === 'list') {
    for (const [index, { name, description }] of Cap.deviceList().entries()) {
      process.stdout.write(`${index + 1}. ${name}${description ? ` (${description})` : ''}\n`);
    }
    return;
  }
  const buffer = Buffer.alloc(SNAPLEN);
  const capture = new Cap();
  const link = LINK_TYPES[capture.open(device, filter, KERNEL_BUFFER, buffer)];
  if (link === undefined) throw new Error(`${device} has a link type that cap does not know`);
  capture.setMinBytes?.(0);
  process.stdout.on('error', () => process.exit(0));
  process.stdout.write(fileHeader(link));
  capture.on('packet', (octets, truncated) => process.stdout.write(record(buffer, octets, truncated)));
  // Without packets a pipe that nobody reads any more is not noticed.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(0);
  }, ORPHAN_MS);
}

function fileHeader(link: number): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(SNAPLEN, 16);
  header.writeUInt32LE(link, 20);
  return header;
}

/** The time is that of arrival here: `cap` does not hand on the kernel's. */
function record(packet: Buffer, octets: number, truncated: boolean): Buffer {
  const us = Math.round((performance.timeOrigin + performance.now()) * 1000);
  const made = Buffer.allocUnsafe(RECORD_HEADER + octets);
  made.writeUInt32LE(Math.floor(us / 1e6), 0);
  made.writeUInt32LE(us % 1e6, 4);
  made.writeUInt32LE(octets, 8);
  made.writeUInt32LE(truncated ? octets + 1 : octets, 12);
  packet.copy(made, RECORD_HEADER, 0, octets);
  return made;
}

try {
  main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message.split('\n')[0] : String(error)}\n`);
  process.exit(1);
}
