import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressTable } from '../../src/wire/address.js';
import { addressOctets } from '../support/packet.js';

describe('AddressTable', () => {
  it('writes IPv4 addresses', () => {
    const table = new AddressTable();
    expect(table.text(4, 0xc0000201 | 0)).toBe('192.0.2.1');
    expect(table.text(4, -1)).toBe('255.255.255.255');
    expect(table.text(4, 0)).toBe('0.0.0.0');
  });

  it.each([
    ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::', '::'],
    ['::1', '::1'],
    ['fe80::', 'fe80::'],
    ['2001:DB8::AB', '2001:db8::ab'],
    ['0:0:0:0:0:ffff:c000:201', '::ffff:192.0.2.1'],
  ])('writes %s as RFC 5952 wants it', (address, text) => {
    const table = new AddressTable();
    expect(table.text(6, table.intern(addressOctets(address), 0))).toBe(text);
  });

  it('gives one index to one address, and the address back', () => {
    const octets = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(fc.array(octets, { maxLength: 700 }), (list) => {
        const table = new AddressTable();
        const indexes = new Map<string, number>();
        for (const each of [...list, ...list]) {
          const key = Buffer.from(each).toString('hex');
          const index = table.intern(Buffer.from(each), 0);
          expect(index).toBe(indexes.get(key) ?? indexes.size);
          indexes.set(key, index);
        }
        expect(table.size).toBe(indexes.size);
      }),
      { numRuns: 50 },
    );
  });

  it('grows over 100,000 addresses', () => {
    const table = new AddressTable();
    const octets = Buffer.alloc(16);
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 100_000; i++) {
        octets.writeUInt32BE(i, 12);
        if (table.intern(octets, 0) !== i) expect.fail(`address ${i} moved`);
      }
    }
    expect(table.text(6, 65_536)).toBe('::1:0');
  });

  it('takes no new address when it is full, and keeps the old ones', () => {
    const table = new AddressTable(2);
    const [a, b, c] = ['2001:db8::a', '2001:db8::b', '2001:db8::c'].map(addressOctets);
    expect([a, b, c, a, b].map((octets) => table.intern(octets!, 0))).toEqual([0, 1, -1, 0, 1]);
  });
});
