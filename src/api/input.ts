import { CaptureOpenError } from '../capture/capture-error.js';
import { type OctetIterator, OctetsInput } from '../capture/octets-input.js';
import { readInput } from '../capture/read-input.js';
import { CaptureReader } from '../capture/reader.js';
import { type ReadCapture, readCapture } from '../capture/source.js';
import type { OctetInput } from '../platform/platform.js';

/** A `Blob` or `File` of a browser, or of Node: its octets can be read any number of times. */
export interface OctetBlob {
  /** Octets. */
  readonly size: number;
  readonly name?: string;
  stream(): unknown;
}

/**
 * The octets of a capture: all of them, or a stream of pieces of any size (`Readable` of Node, `ReadableStream` of the web, a
 * generator), which can be read once.
 */
export type CaptureOctets = Uint8Array | OctetBlob | AsyncIterable<Uint8Array>;

/** The octets of a capture with the name that reports give it. Without one it is called `capture`. */
export interface NamedCapture {
  readonly name: string;
  readonly octets: CaptureOctets;
}

/** A capture: the name of a file (`-` is standard input), or its octets. */
export type CaptureInput = string | CaptureOctets | NamedCapture;

/** A capture as the floors below know it. */
export interface OpenableCapture {
  /** What reports call it. */
  readonly file: string;
  /** null: it is a file, read by its name. */
  readonly read: ReadCapture | null;
}

const UNNAMED = 'capture';
const WANTED =
  'a capture is the name of a file, a Uint8Array, a Blob, a stream of Uint8Array, or { name, octets } with one of these';

/** @throws TypeError for what is no capture */
export function openable(input: unknown): OpenableCapture {
  if (typeof input === 'string') {
    if (input === '') throw new TypeError('The name of a capture is empty.');
    return { file: input, read: null };
  }
  if (isOctets(input)) {
    const { name } = input as { readonly name?: unknown };
    return { file: typeof name === 'string' && isBlob(input) ? name : UNNAMED, read: readerOf(input) };
  }
  const { name, octets } = (input ?? {}) as Partial<Record<keyof NamedCapture, unknown>>;
  if (typeof name !== 'string' || !isOctets(octets)) throw new TypeError(`${WANTED}, not ${kindOf(input)}.`);
  return { file: name, read: readerOf(octets) };
}

/** Opens what is given: for whoever reads it piece by piece. */
export function opened(octets: CaptureOctets): OctetInput {
  if (octets instanceof Uint8Array) return new OctetsInput(once(octets), octets.length);
  if (isBlob(octets)) return new OctetsInput(piecesOf(octets.stream()), octets.size);
  return new OctetsInput(piecesOf(octets), null);
}

function readerOf(octets: CaptureOctets): ReadCapture {
  const isLasting = octets instanceof Uint8Array || isBlob(octets);
  let readings = 0;
  return async (_file, listener, options) => {
    if (readings++ > 0 && !isLasting) {
      throw new CaptureOpenError(
        'not-readable',
        'A stream can be read once: give its octets as a Uint8Array.',
      );
    }
    const input = opened(octets);
    try {
      return await readInput(input, new CaptureReader(listener), options);
    } finally {
      input.close();
    }
  };
}

/** What reads one of several captures by its place among them. */
export const byName = ({ read }: OpenableCapture): ReadCapture => read ?? readCapture;

async function* once(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  yield octets;
}

/** Of a stream of the web by its reader: not every browser can iterate over one. */
function piecesOf(stream: unknown): OctetIterator {
  const { getReader, [Symbol.asyncIterator]: iterate } = stream as {
    getReader?: () => { read(): Promise<IteratorResult<Uint8Array>>; cancel(): Promise<void> };
    [Symbol.asyncIterator]?: () => AsyncIterator<Uint8Array>;
  };
  if (iterate) return iterate.call(stream) as OctetIterator;
  const reader = getReader!.call(stream);
  return { next: () => reader.read(), return: () => reader.cancel() };
}

function isOctets(value: unknown): value is CaptureOctets {
  return value instanceof Uint8Array || isBlob(value) || isStream(value);
}

function isBlob(value: unknown): value is OctetBlob {
  const { size, stream } = (value ?? {}) as Partial<Record<keyof OctetBlob, unknown>>;
  return typeof size === 'number' && typeof stream === 'function';
}

function isStream(value: unknown): value is AsyncIterable<Uint8Array> {
  if (typeof value !== 'object' || value === null) return false;
  return Symbol.asyncIterator in value || typeof (value as { getReader?: unknown }).getReader === 'function';
}

/** What a value is, in a word or two that hold nothing of it. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'another object' : `a value of type ${typeof value}`;
}
