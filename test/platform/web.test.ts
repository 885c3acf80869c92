/** The form for browsers is the twin of Node's: each function, and each method of `Buffer` that the program uses. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as node from '../../src/platform/node.js';
import * as web from '../../src/platform/web.js';
import { Buffer as WebBuffer } from '../../src/platform/web-buffer.js';

const octets = fc.uint8Array({ maxLength: 300 });

it('has the same names', () => {
  expect(Object.keys(web).sort()).toEqual(Object.keys(node).sort());
});

it('hashes and sums alike', () => {
  fc.assert(
    fc.property(octets, octets, fc.string(), (some, others, text) => {
      expect(web.crc32(others, web.crc32(some))).toBe(node.crc32(others, node.crc32(some)));
      expect(web.sha1(some)).toEqual(node.sha1(some));
      expect(web.sha256(text)).toEqual(node.sha256(text));
      expect(web.hmacSha256(some, others)).toEqual(node.hmacSha256(some, others));
      const [one, other] = [web.runningSha256(), node.runningSha256()];
      for (const part of [some, others]) for (const hash of [one, other]) hash.update(part);
      expect(one.digest()).toEqual(other.digest());
    }),
  );
});

it('tells ASCII, and the last name of a path', () => {
  fc.assert(
    fc.property(fc.uint8Array({ max: 0x82, maxLength: 20 }), (some) => {
      expect(web.isAscii(some)).toBe(node.isAscii(some));
    }),
  );
  for (const path of ['', '/', 'a', 'a/b', '/a/b/', 'a//b', 'a\nb/c'])
    expect(web.basename(path)).toBe(node.basename(path));
});

it('has a Buffer that does what Node’s does', () => {
  const position = fc.nat(300);
  fc.assert(
    fc.property(octets, octets, position, position, (some, others, from, to) => {
      const seen = [Buffer, WebBuffer as unknown as typeof Buffer].map((Class) => {
        const whole = Class.concat([Class.from(some), others]);
        const [start, end] = [Math.min(from, to, whole.length), Math.min(Math.max(from, to), whole.length)];
        const view = whole.subarray(start, end);
        const target = Class.alloc(50, 7);
        const copied = view.copy(target, 3, Math.min(1, view.length));
        const written = Class.alloc(40);
        const counts = [
          written.latin1Write(view.latin1Slice(0, Math.min(9, view.length)), 1),
          written.utf8Write('öß€', 12),
          written.hexWrite('00ff7e', 30),
          written.writeUInt16BE(some.length, 34),
          written.writeUIntBE(77_777, 36, 3),
        ];
        const numbers =
          view.length < 8
            ? []
            : [view.readUInt32LE(0), view.readInt32BE(1), view.readUIntBE(2, 3), view.readDoubleLE(0)];
        return {
          whole: [...whole],
          target: [...target],
          written: [...written],
          copied,
          counts,
          numbers,
          texts: [
            view.toString('latin1'),
            view.toString('hex'),
            view.toString('base64'),
            view.toString(),
            view.hexSlice(0, Math.min(4, view.length)),
          ],
          found: [
            whole.indexOf(view),
            whole.indexOf(7, start),
            whole.indexOf('ab'),
            whole.includes(9),
            view.equals(others),
          ],
          compared: Class.compare(view, others),
          shared: view.buffer === whole.buffer && view.slice(0, 1).buffer === whole.buffer,
          decoded: [Class.from('YWJj_w', 'base64'), Class.from('6162', 'hex'), Class.from('é', 'latin1')].map(
            (made) => [...made],
          ),
        };
      });
      expect(seen[1]).toEqual(seen[0]);
    }),
  );
});
