/** Writes zstd frames of raw and RLE blocks, which need no compressor. RFC 8878 §3.1. */

export interface ZstdForm {
  /** Window descriptor; without it the frame is a single segment that tells its size. */
  windowLog?: number;
  blockSize?: number;
  /** Each block repeats its first octet. */
  rle?: boolean;
  dictionary?: boolean;
}

export function zstdFrame(octets: Buffer, form: ZstdForm = {}): Buffer {
  const { windowLog, blockSize = 1000, rle = false, dictionary = false } = form;
  const size = Buffer.alloc(4);
  size.writeUInt32LE(octets.length);
  const descriptor = (windowLog === undefined ? 0xa0 : 0) | (dictionary ? 1 : 0);
  const parts: Buffer[] = [
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor]),
    ...(windowLog === undefined ? [] : [Buffer.from([(windowLog - 10) << 3])]),
    ...(dictionary ? [Buffer.from([7])] : []),
    ...(windowLog === undefined ? [size] : []),
  ];
  let at = 0;
  do {
    const block = octets.subarray(at, at + blockSize);
    at += block.length;
    const header = Buffer.alloc(3);
    header.writeUIntLE((block.length << 3) | (rle ? 2 : 0) | (at >= octets.length ? 1 : 0), 0, 3);
    parts.push(header, rle ? block.subarray(0, 1) : block);
  } while (at < octets.length);
  return Buffer.concat(parts);
}

export function skippableFrame(octets: Buffer): Buffer {
  const header = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  header.writeUInt32LE(octets.length, 4);
  return Buffer.concat([header, octets]);
}
