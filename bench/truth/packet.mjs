/**
 * Packets of the model and their octets: Ethernet, IPv4 and TCP or ICMP, with options and true checksums.
 *
 * A packet is a plain object: `source`, `destination` (IPv4 as numbers), `sourcePort`, `destinationPort`, `seq`, `ack`,
 * `flags`, `window`, `options`, `payload`, `ttl`, `identification`, `dontFragment`. `flip` is the octet of the payload that
 * a bit error hit on the way, null in most: its checksum is then that of the packet as it was sent. `icmp` replaces TCP.
 */
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;
export const EMPTY = Buffer.alloc(0);

const IPV4 = 20;
const TCP = 20;

/** How a stack lays out its options in a SYN: N is a NOP. */
const LAYOUTS = {
  linux: ['mss', 'sack', 'time', 'N', 'scale'],
  windows: ['mss', 'N', 'scale', 'N', 'N', 'sack'],
  bsd: ['mss', 'N', 'scale', 'sack', 'time'],
  plain: ['mss'],
};

export function address(text) {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function dotted(value) {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

/** The options as octets, padded to whole words. */
function optionOctets({ options, layout }) {
  const octets = [];
  const four = (value) =>
    octets.push((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
  const time = () => {
    octets.push(8, 10);
    four(options.time[0]);
    four(options.time[1]);
  };
  if (options.mss !== undefined) {
    for (const kind of LAYOUTS[layout]) {
      if (kind === 'N') octets.push(1);
      else if (kind === 'mss') octets.push(2, 4, options.mss >> 8, options.mss & 255);
      else if (kind === 'scale' && options.scale !== undefined) octets.push(3, 3, options.scale);
      else if (kind === 'sack' && options.sackPermitted) octets.push(4, 2);
      else if (kind === 'time' && options.time) time();
    }
  } else {
    if (options.time) {
      octets.push(1, 1);
      time();
    }
    if (options.sack) {
      octets.push(1, 1, 5, 2 + 8 * options.sack.length);
      for (const [begin, end] of options.sack) {
        four(begin);
        four(end);
      }
    }
  }
  while (octets.length % 4 !== 0) octets.push(octets.length % 4 === 3 ? 0 : 1);
  return octets;
}

function sumOf(buffer, start, end, sum) {
  let total = sum;
  for (let at = start; at < end - 1; at += 2) total += (buffer[at] << 8) | buffer[at + 1];
  if ((end - start) % 2 === 1) total += buffer[end - 1] << 8;
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return total;
}

/** The octets of an IPv4 packet. `checksums` false leaves the TCP checksum as an offloading sender does: the pseudo header's. */
export function ipOctets(packet, checksums = true) {
  const body = packet.icmp ? icmpOctets(packet.icmp) : tcpOctets(packet, checksums);
  const octets = Buffer.alloc(IPV4 + body.length);
  octets[0] = 0x45;
  octets.writeUInt16BE(octets.length, 2);
  octets.writeUInt16BE(packet.identification, 4);
  octets[6] = packet.dontFragment ? 0x40 : 0;
  octets[8] = packet.ttl;
  octets[9] = packet.icmp ? 1 : 6;
  octets.writeUInt32BE(packet.source, 12);
  octets.writeUInt32BE(packet.destination, 16);
  octets.writeUInt16BE(~sumOf(octets, 0, IPV4, 0) & 0xffff, 10);
  body.copy(octets, IPV4);
  return octets;
}

function tcpOctets(packet, checksums) {
  const options = optionOctets(packet);
  const header = TCP + options.length;
  const octets = Buffer.alloc(header + packet.payload.length);
  octets.writeUInt16BE(packet.sourcePort, 0);
  octets.writeUInt16BE(packet.destinationPort, 2);
  octets.writeUInt32BE(packet.seq >>> 0, 4);
  octets.writeUInt32BE(packet.ack >>> 0, 8);
  octets[12] = (header / 4) << 4;
  octets[13] = packet.flags;
  octets.writeUInt16BE(packet.window, 14);
  for (let at = 0; at < options.length; at++) octets[TCP + at] = options[at];
  packet.payload.copy(octets, header);
  const { source, destination } = packet;
  const pseudo =
    (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + 6 + octets.length;
  const sum = checksums ? ~sumOf(octets, 0, octets.length, pseudo) : sumOf(octets, 0, 0, pseudo);
  octets.writeUInt16BE(sum & 0xffff, 16);
  if (packet.flip !== null) octets[header + packet.flip] ^= 0x10;
  return octets;
}

/** An ICMP error and what it quotes: the IP header and eight octets of the packet it is about (RFC 792). */
function icmpOctets({ type, code, mtu, quoted }) {
  const quote = ipOctets(quoted).subarray(0, IPV4 + 8);
  const octets = Buffer.alloc(8 + quote.length);
  octets[0] = type;
  octets[1] = code;
  octets.writeUInt16BE(mtu ?? 0, 6);
  quote.copy(octets, 8);
  octets.writeUInt16BE(~sumOf(octets, 0, octets.length, 0) & 0xffff, 2);
  return octets;
}

export function ethernet(octets, vlan) {
  const link = Buffer.alloc(vlan === null ? 14 : 18);
  link.writeUIntBE(0x020000000001, 0, 6);
  link.writeUIntBE(0x020000000002, 6, 6);
  if (vlan === null) {
    link.writeUInt16BE(0x0800, 12);
  } else {
    link.writeUInt16BE(0x8100, 12);
    link.writeUInt16BE(vlan, 14);
    link.writeUInt16BE(0x0800, 16);
  }
  return Buffer.concat([link, octets]);
}
