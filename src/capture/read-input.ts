import { type OctetInput, turn } from '../platform/platform.js';
import {
  COMPRESSION_MAGIC_LENGTH,
  type Compression,
  compressionOf,
  createDecompressor,
  type Decompressor,
} from './decompress.js';
import type { CaptureFacts } from './packet.js';
import type { CaptureReader } from './reader.js';

const PIECE = 1024 * 1024;
const WASM_PAGE = 64 * 1024;
const TURN = 16 * 1024 * 1024;

/** The only part of it that is used: the type libraries here have no WebAssembly. */
declare const WebAssembly: {
  Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

/** How to read one capture from an open input. */
export interface ReadInputOptions {
  /** Stops reading; the facts are those of what was read. */
  readonly signal?: AbortSignal;
  /** Octets read of the input as it lies there, and how many it has where that is known. */
  readonly onProgress?: (octets: number, total: number | null) => void;
  /** Octets read between two looks at the events of the process (signals, timers, keys). Default 16 MiB. */
  readonly turnOctets?: number;
}

/** Reads one capture from an input that is open; whoever opened it closes it. */
export async function readInput(
  input: OctetInput,
  reader: CaptureReader,
  options: ReadInputOptions,
): Promise<CaptureFacts> {
  const { signal, onProgress, turnOctets = TURN } = options;
  // The only page-aligned memory to be had: reading into it was measured to be 1.25 times as fast.
  const memory = new WebAssembly.Memory({ initial: PIECE / WASM_PAGE, maximum: PIECE / WASM_PAGE });
  // What is read at once is also worked off at once.
  const buffer = Buffer.from(memory.buffer, 0, Math.min(PIECE, turnOctets));
  let compression: Compression | null = null;
  let decompressor: Decompressor | null = null;
  let octets = 0;
  let yielded = 0;
  let waiting = 0;
  let failure: string | null = null;
  const wanted = () => !reader.stopped && !(signal?.aborted ?? false);
  try {
    for (let ended = false; !ended && wanted(); ) {
      const count = await input.read(buffer, waiting, signal);
      if (typeof count === 'string') failure = count;
      ended = typeof count === 'string' || count === 0;
      if (typeof count === 'number') waiting += count;
      if (octets === 0 && waiting < COMPRESSION_MAGIC_LENGTH && !ended) continue;
      const piece = buffer.subarray(0, waiting);
      if (octets === 0) {
        compression = compressionOf(piece);
        if (compression) {
          decompressor = await createDecompressor(compression, {
            wanted,
            decompressed: (given) => reader.push(given),
          });
        }
      }
      octets += waiting;
      waiting = 0;
      if (decompressor) await decompressor.write(piece);
      else reader.push(piece);
      if (decompressor?.ended) break;
      if (octets - yielded < turnOctets) continue;
      yielded = octets;
      onProgress?.(octets, input.size);
      await turn();
    }
    if (wanted() && failure === null) await decompressor?.end();
    onProgress?.(octets, input.size);
    return conclude(reader, compression, decompressor, failure, signal?.aborted ?? false);
  } finally {
    decompressor?.close();
  }
}

function conclude(
  reader: CaptureReader,
  compression: Compression | null,
  decompressor: Decompressor | null,
  failure: string | null,
  aborted: boolean,
): CaptureFacts {
  const state = decompressor?.state ?? 'whole';
  if (failure !== null) {
    reader.note({
      code: 'read-error',
      message: `Reading failed (${failure}): check the medium it lies on and copy it again.`,
    });
  }
  if (state === 'corrupt') {
    reader.note({
      code: 'corrupt-compression',
      message: `Its ${compression} compression is damaged (${decompressor?.reason}); what came before was read: copy it again.`,
    });
  }
  if (state === 'refused') {
    reader.note({
      code: 'unsupported-compression',
      message: `Its ${compression} compression is not read here (${decompressor?.reason}): decompress it with the zstd program first.`,
    });
  }
  const whole = failure === null && !aborted && (state === 'whole' || state === 'truncated');
  const facts = reader.end(whole);
  if (state === 'truncated' && !reader.stopped) facts.truncated = true;
  if (compression && facts.format !== 'unknown') facts.format += `+${compression}`;
  return facts;
}
