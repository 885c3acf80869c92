const FRAME = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50; // and the 15 above
const MAX_BLOCK = 128 * 1024;

/** What the walk found wrong. `refused`: not damage, but more than is decompressed here. */
export interface ZstdObjection {
  readonly state: 'corrupt' | 'refused';
  readonly reason: string;
}

type Expected = 'magic' | 'descriptor' | 'frame-header' | 'skippable-size' | 'block-header' | 'checksum';

/**
 * Walks the frames and blocks of a zstd stream without decompressing them (RFC 8878 §3.1).
 *
 * Says whether the stream may end here, and refuses what would take unreasonable memory.
 *
 * @example
 * const frames = new ZstdFrames(2 ** 27);
 * frames.walk(octets);
 * frames.objection?.reason; // 'its window of 2147483648 octets is too large'
 */
export class ZstdFrames {
  private expected: Expected = 'magic';
  private want = 4;
  private readonly header = Buffer.alloc(16);
  private have = 0;
  private skip = 0;
  private hasChecksum = false;
  private singleSegment = false;
  private window = 0;

  /** What is wrong with the stream, at the octet last walked over. */
  objection: ZstdObjection | null = null;
  /** Of the newest frame: the lower 32 bits of its content's XXH64, where the frame has them. */
  checksum: number | null = null;

  /** The sum of the windows of all blocks and frames so far: what moving the window for each costs. */
  windows = 0;

  /** @param maxWindow largest window in octets that is let pass */
  constructor(private readonly maxWindow: number) {}

  /** The octets so far end where a frame does. */
  get complete(): boolean {
    return this.expected === 'magic' && this.have === 0 && this.skip === 0;
  }

  /** What a wrong checksum would lose is in front of it: it is stepped over apart. */
  private get atChecksum(): boolean {
    return this.expected === 'checksum' && this.have === 0 && this.skip === 0;
  }

  /**
   * Walks on, at most to the end of the frame or of its blocks; returns how many octets that were.
   *
   * None: there is an objection.
   */
  walk(octets: Uint8Array): number {
    let at = 0;
    while (at < octets.length && !this.objection) {
      if (this.skip > 0) {
        const step = Math.min(this.skip, octets.length - at);
        this.skip -= step;
        at += step;
      } else {
        this.header[this.have++] = octets[at++]!;
        if (this.have < this.want) continue;
        this.have = 0;
        this.objection = this.advance();
      }
      if (this.complete || this.atChecksum) break;
    }
    return at;
  }

  private expect(expected: Expected, want: number): null {
    this.expected = expected;
    this.want = want;
    return null;
  }

  private advance(): ZstdObjection | null {
    const { header } = this;
    switch (this.expected) {
      case 'magic': {
        const magic = header.readUInt32LE(0);
        if (magic === FRAME) return this.expect('descriptor', 1);
        if ((magic & 0xfffffff0) === SKIPPABLE) return this.expect('skippable-size', 4);
        return { state: 'corrupt', reason: 'what follows a frame is no frame' };
      }
      case 'skippable-size':
        this.skip = header.readUInt32LE(0);
        return this.expect('magic', 4);
      case 'descriptor': {
        const descriptor = header[0]!;
        this.singleSegment = (descriptor & 0x20) !== 0;
        this.hasChecksum = (descriptor & 4) !== 0;
        this.checksum = null;
        if (descriptor & 8) return { state: 'corrupt', reason: 'a reserved bit is set' };
        if (descriptor & 3) return { state: 'refused', reason: 'it needs a dictionary' };
        const contentSize = descriptor >> 6 === 0 ? Number(this.singleSegment) : 1 << (descriptor >> 6);
        return this.expect('frame-header', contentSize + (this.singleSegment ? 0 : 1));
      }
      case 'frame-header':
        this.window = this.windowSize();
        if (this.window > this.maxWindow)
          return { state: 'refused', reason: `its window of ${this.window} octets is too large` };
        this.windows += this.window;
        return this.expect('block-header', 3);
      case 'block-header':
        return this.block(header.readUIntLE(0, 3));
      case 'checksum':
        this.checksum = header.readUInt32LE(0);
        return this.expect('magic', 4);
    }
  }

  private windowSize(): number {
    const { header, want } = this;
    if (!this.singleSegment) {
      const base = 2 ** (10 + (header[0]! >> 3));
      return base + (base / 8) * (header[0]! & 7);
    }
    if (want === 1) return header[0]!;
    if (want === 2) return header.readUInt16LE(0) + 256;
    if (want === 4) return header.readUInt32LE(0);
    return Number(header.readBigUInt64LE(0));
  }

  private block(header: number): ZstdObjection | null {
    const last = (header & 1) !== 0;
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === 3 || size > MAX_BLOCK) return { state: 'corrupt', reason: 'a block header is impossible' };
    this.skip = type === 1 ? 1 : size;
    this.windows += this.window;
    if (!last) return this.expect('block-header', 3);
    return this.hasChecksum ? this.expect('checksum', 4) : this.expect('magic', 4);
  }
}
