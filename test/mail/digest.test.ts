import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { createDigestFactory, type DigestKind } from '../../src/mail/digest.js';
import { scan, seeded } from './mail-data-pieces.js';

const library = await xxhash();

function oneShot(kind: DigestKind, octets: Buffer): string {
  if (kind === 'sha256') return `sha256:${createHash('sha256').update(octets).digest('hex')}`;
  return `xxh64:${library.h64Raw(octets).toString(16).padStart(16, '0')}`;
}

describe.each(['xxh64', 'sha256'] as const)('%s', (kind) => {
  it('of pieces is that of the whole, also when messages take turns', async () => {
    const factory = await createDigestFactory(kind);
    const random = seeded(64);
    for (let round = 0; round < 150; round++) {
      const messages = Array.from({ length: 1 + random(6) }, () => ({
        digest: factory.create(),
        octets: Buffer.from(Array.from({ length: random(60_000) >> random(9) }, () => random(256))),
        at: 0,
      }));
      const turns = 1 + random(5);
      let open = [...messages];
      while (open.length > 0) {
        const message = open[random(open.length)]!;
        for (let turn = 0; turn < turns && message.at < message.octets.length; turn++) {
          const end = Math.min(message.octets.length, message.at + 1 + (random(40_000) >> random(10)));
          // The view is good during the call only: it is overwritten after it.
          const view = Buffer.from(message.octets.subarray(message.at, end));
          message.digest.update(view);
          view.fill(0xee);
          message.at = end;
        }
        open = open.filter(({ at, octets }) => at < octets.length);
        if (message.at >= message.octets.length) {
          expect(message.digest.finish()).toBe(oneShot(kind, message.octets));
        }
      }
    }
  });

  it('of nothing is that of nothing', async () => {
    const factory = await createDigestFactory(kind);
    expect(factory.create().finish()).toBe(oneShot(kind, Buffer.alloc(0)));
    expect(scan('.\r\n', [], { digest: factory }).facts.digest).toBe(oneShot(kind, Buffer.alloc(0)));
  });

  it('of a message is that of its un-stuffed octets', async () => {
    const digest = await createDigestFactory(kind);
    const { facts } = scan('..a\r\nb.c\r\n.d\r\n.\r\n', [1, 9, 12], { digest });
    expect(facts.digest).toBe(oneShot(kind, Buffer.from('.a\r\nb.c\r\nd\r\n')));
  });
});

it('xxh64 is the published function', async () => {
  const digest = (await createDigestFactory('xxh64')).create();
  digest.update(Buffer.from('abc'));
  expect(digest.finish()).toBe('xxh64:44bc2cf5ad770999');
});

it('refuses a digest it does not know', async () => {
  await expect(createDigestFactory('md5' as DigestKind)).rejects.toThrow(TypeError);
});
