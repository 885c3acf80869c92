import ipaddr from 'ipaddr.js';
import { sha1 } from '../../platform/platform.js';

const TCP = 6;

/** One end of a connection. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/**
 * The Community ID of a TCP connection, version 1, seed 0: the same from either end, in Zeek, Suricata, Wireshark.
 *
 * SHA-1 of seed, the smaller end's address, the other's, protocol, a zero, and the ports in the same order.
 */
export function communityId(one: Endpoint, other: Endpoint): string {
  const [a, b] = [one, other].map(({ address, port }) => ({ octets: addressOctets(address), port }));
  const order = Buffer.compare(a!.octets, b!.octets) || a!.port - b!.port;
  const [first, second] = order <= 0 ? [a!, b!] : [b!, a!];
  const ends = Buffer.alloc(6);
  ends.writeUInt8(TCP, 0);
  ends.writeUInt16BE(first.port, 2);
  ends.writeUInt16BE(second.port, 4);
  const octets = Buffer.concat([Buffer.alloc(2), first.octets, second.octets, ends]);
  return `1:${sha1(octets).toString('base64')}`;
}

function addressOctets(address: string): Buffer {
  return Buffer.from(ipaddr.parse(address).toByteArray());
}
