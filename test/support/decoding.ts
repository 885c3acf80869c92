/** Runs frames through a decoder and keeps copies of the segments it names. */
import { CapturedPacket } from '../../src/capture/packet.js';
import { createDecoder } from '../../src/fragment/decoder.js';
import { AddressTable } from '../../src/wire/address.js';
import { tcpChecksum } from '../../src/wire/checksum.js';
import type { TcpSegment } from '../../src/wire/segment.js';

export interface SeenSegment {
  frame: number;
  src: string;
  dst: string;
  sport: number;
  dport: number;
  seq: number;
  ack: number;
  flags: number;
  window: number;
  hopLimit: number;
  ipId: number;
  payload: string;
  length: number;
  options: string;
  checksum: string;
}

export interface Frame {
  octets: Buffer;
  linkType?: number;
  /** Octets on the wire, when the capture kept fewer. */
  originalLength?: number;
  us?: number;
}

export interface Decoded {
  segments: SeenSegment[];
  skipped: Record<string, number>;
}

export function seen(segment: TcpSegment, addresses: AddressTable): SeenSegment {
  const family = segment.family === 6 ? 6 : 4;
  return {
    frame: segment.frame,
    src: addresses.text(family, segment.source),
    dst: addresses.text(family, segment.destination),
    sport: segment.sourcePort,
    dport: segment.destinationPort,
    seq: segment.seq >>> 0,
    ack: segment.ack >>> 0,
    flags: segment.flags,
    window: segment.window,
    hopLimit: segment.hopLimit,
    ipId: segment.ipId,
    payload: segment.octets.toString('latin1', segment.start, segment.end),
    length: segment.length,
    options: segment.octets.toString('hex', segment.tcpStart + 20, segment.start),
    checksum: tcpChecksum(segment, addresses),
  };
}

/** Each frame lies at an odd place in a larger buffer of ones, so that reading beyond it shows. */
export function decode(frames: readonly Frame[], ports: readonly number[] = [25]): Decoded {
  const addresses = new AddressTable();
  const segments: SeenSegment[] = [];
  const listener = { segment: (segment: TcpSegment) => segments.push(seen(segment, addresses)) };
  const decoder = createDecoder(listener, ports, addresses);
  const packet = new CapturedPacket();
  for (const [index, frame] of frames.entries()) {
    packet.octets = Buffer.concat([Buffer.alloc(7, 0xff), frame.octets, Buffer.alloc(9, 0xff)]);
    packet.start = 7;
    packet.end = 7 + frame.octets.length;
    packet.originalLength = frame.originalLength ?? frame.octets.length;
    packet.frame = index + 1;
    packet.linkType = frame.linkType ?? 1;
    packet.us = frame.us ?? index * 1000;
    decoder.packet(packet);
  }
  return { segments, skipped: decoder.skipped };
}
