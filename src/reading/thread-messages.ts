import type { DigestKind } from '../mail/digest.js';
import type { CaptureAccount } from './capture-sessions.js';

/** What a reader's thread is told when it starts. */
export interface ReaderTask {
  readonly files: readonly string[];
  readonly ports: readonly number[];
  readonly digest: DigestKind;
  /** This thread's mark in `claims`. */
  readonly mark: number;
  /** For each file who reads it: 0 nobody yet. Shared by all threads. */
  readonly claims: Int32Array<SharedArrayBuffer>;
  readonly tellsProgress: boolean;
}

/** What it says. Messages are numbered from 1 in each capture. */
export type ReaderMessage =
  | {
      readonly kind: 'sessions';
      readonly index: number;
      /** A batch, for `SessionBatch`. */
      readonly sessions: Uint8Array<ArrayBuffer>;
      /** Numbered so far. */
      readonly messages: number;
    }
  | {
      readonly kind: 'progress';
      readonly index: number;
      readonly octets: number;
      readonly total: number | null;
    }
  | { readonly kind: 'read'; readonly index: number; readonly account: CaptureAccount };

/** The only thing it is told later. */
export const STOP = 'stop';

/** Takes the file for `mark`; false: somebody has it. */
export function claim(claims: Int32Array<SharedArrayBuffer>, index: number, mark: number): boolean {
  return Atomics.compareExchange(claims, index, 0, mark) === 0;
}
