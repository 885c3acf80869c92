import { keyedCycle, keyedOctets } from './keyed.js';

/** Prefixes whose orders are kept; then they are made anew. */
const MAX_KEPT = 50_000;
const NIBBLES = 32;

/**
 * Pseudonyms of addresses. What two addresses have in common at their beginning, their pseudonyms have too: of IPv4 octet
 * by octet, of IPv6 digit by digit. As text each is as long as it was, so that it fits where it stood in a packet.
 *
 * For that an octet keeps its number of decimal digits, and a zero digit of IPv6 stays zero. Nothing else stays.
 */
export class AddressPseudonyms {
  private readonly orders = new Map<string, Uint8Array>();

  constructor(private readonly key: Buffer) {}

  /** @param octets  4 of IPv4 or 16 of IPv6 */
  ip(octets: Uint8Array): Buffer {
    return octets.length === 4 ? this.ipv4(octets) : this.ipv6(octets);
  }

  /** Of `192.0.2.1` or `2001:db8::1`, in whichever of its forms; null: it is none. */
  text(text: string): string | null {
    return IPV4.test(text) ? this.ipv4Text(text) : this.ipv6Text(text);
  }

  /** Whether it is one card's or a group's, and assigned locally, stays. IEEE 802-2014 §8.2. */
  mac(octets: Uint8Array): Buffer {
    const group = (octets[0]! & 1) === 1;
    if (group || octets.every((octet) => octet === 0)) return Buffer.from(octets);
    const made = keyedOctets(this.key, `mac\0${Buffer.from(octets).toString('hex')}`, octets.length);
    made[0] = (made[0]! & 0xfc) | (octets[0]! & 3);
    return made;
  }

  /** Of `00:16:3e:12:34:56`; null: it is none. */
  macText(text: string): string | null {
    if (!MAC.test(text)) return null;
    const octets = Buffer.from(text.replaceAll(':', ''), 'hex');
    const made = this.mac(octets).toString('hex').match(/../g)!.join(':');
    return text === text.toUpperCase() ? made.toUpperCase() : made;
  }

  private ipv4(octets: Uint8Array): Buffer {
    const made = Buffer.alloc(4);
    let prefix = 'ipv4';
    for (const [index, octet] of octets.entries()) {
      const [low, high] = rangeOf(octet, index === 0);
      const order = this.order(`${prefix}\0${low}`, high - low + 1);
      made[index] = low + order[octet - low]!;
      prefix += `.${octet}`;
    }
    return made;
  }

  private ipv6(octets: Uint8Array): Buffer {
    return Buffer.from(this.nibbles(Buffer.from(octets).toString('hex')), 'hex');
  }

  /** @param digits  32 hexadecimal digits, lower case */
  private nibbles(digits: string): string {
    let made = digits[0]!;
    for (let index = 1; index < NIBBLES; index++) {
      const digit = Number.parseInt(digits[index]!, 16);
      // Zeros are what `::` and leading places leave out.
      if (digit === 0) made += '0';
      else made += (1 + this.order(`ipv6\0${digits.slice(0, index)}`, 15)[digit - 1]!).toString(16);
    }
    return made;
  }

  private ipv4Text(text: string): string | null {
    const places = text.split('.');
    const octets = places.map(Number);
    if (octets.some((octet) => octet > 255)) return null;
    // `192.000.002.005` is as long afterwards, too.
    return Array.from(this.ipv4(Uint8Array.from(octets)), (octet, index) =>
      String(octet).padStart(places[index]!.length, '0'),
    ).join('.');
  }

  private ipv6Text(text: string): string | null {
    const [, before = '', v4] = /^(.*:)(\d{1,3}(?:\.\d{1,3}){3})$/.exec(text) ?? [];
    if (v4 !== undefined) {
      const front = this.ipv6Text(`${before}0:0`);
      const back = this.ipv4Text(v4);
      return front === null || back === null ? null : front.slice(0, -3) + back;
    }
    const [head = '', tail] = text.toLowerCase().split('::');
    const front = head === '' ? [] : head.split(':');
    const back = tail === undefined || tail === '' ? [] : tail.split(':');
    const groups = front.length + back.length;
    if (tail === undefined ? groups !== 8 : groups > 7) return null;
    if ([...front, ...back].some((group) => !/^[0-9a-f]{1,4}$/.test(group))) return null;
    const zeros = Array.from({ length: 8 - groups }, () => '0000');
    const padded = (group: string): string => group.padStart(4, '0');
    const made = this.nibbles([...front.map(padded), ...zeros, ...back.map(padded)].join(''));
    const shown = (group: string, index: number): string =>
      made.slice(4 * index + 4 - group.length, 4 * index + 4);
    const first = front.map((group, index) => shown(group, index)).join(':');
    const last = back.map((group, index) => shown(group, 8 - back.length + index)).join(':');
    const whole = tail === undefined ? first : `${first}::${last}`;
    return text === text.toUpperCase() ? whole.toUpperCase() : whole;
  }

  private order(label: string, size: number): Uint8Array {
    let order = this.orders.get(label);
    if (!order) {
      if (this.orders.size >= MAX_KEPT) this.orders.clear();
      order = keyedCycle(this.key, label, size);
      this.orders.set(label, order);
    }
    return order;
  }
}

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/** Octets with as many decimal digits. A first octet stays one of a host: neither 0 nor 224 and above, RFC 1122 §3.2.1.3. */
function rangeOf(octet: number, first: boolean): readonly [number, number] {
  if (octet < 10) return !first ? [0, 9] : octet > 0 ? [1, 9] : [0, 0];
  if (octet < 100) return [10, 99];
  if (!first) return [100, 255];
  return octet < 224 ? [100, 223] : [224, 255];
}
