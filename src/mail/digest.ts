import { runningSha256 } from '../platform/platform.js';
/** `xxh64` is for telling copies of a message apart from others; `sha256` also withstands an adversary. */
export type DigestKind = 'xxh64' | 'sha256';

/** Makes digests of one kind; any number may run side by side. */
export interface DigestFactory {
  readonly kind: DigestKind;
  create(): RunningDigest;
}

/** A digest of octets that come in pieces. */
export interface RunningDigest {
  /** @param octets view, read during the call only */
  update(octets: Uint8Array): void;
  /** `xxh64:` and 16, or `sha256:` and 64 hexadecimal digits. Called once, last. */
  finish(): string;
}

/**
 * Makes the digest of this kind ready. What it takes is loaded only when its kind is asked for.
 *
 * @example
 * const digest = (await createDigestFactory('xxh64')).create();
 * digest.update(Buffer.from('abc'));
 * digest.finish(); // 'xxh64:44bc2cf5ad770999'
 */
export async function createDigestFactory(kind: DigestKind): Promise<DigestFactory> {
  if (kind === 'xxh64') {
    const { Xxh64, Xxh64Digest } = await import('../platform/xxh64.js');
    const xxh64 = new Xxh64();
    return { kind, create: () => new Xxh64Digest(xxh64) };
  }
  if (kind === 'sha256') {
    return {
      kind,
      create: () => {
        const hash = runningSha256();
        return {
          update: (octets) => void hash.update(octets),
          finish: () => `sha256:${hash.digest().toString('hex')}`,
        };
      },
    };
  }
  throw new TypeError(`unknown digest: ${String(kind)}`);
}
