import type { SessionRecord } from '../transcript/session-record.js';
import {
  type CaptureAccount,
  type Place,
  type ReadingOptions,
  readSessions,
  type SessionListener,
} from './capture-sessions.js';

/** How several captures are read. */
export interface CapturesOptions extends Omit<ReadingOptions, 'onProgress'> {
  readonly onProgress?: (file: string, octets: number, total: number | null) => void;
}

/** Reads several captures, and is asked for them in their order. */
export interface CapturesReader {
  /**
   * Tells of the sessions of one capture.
   *
   * @returns null when reading was stopped before that capture was begun; the first one always is
   */
  read(index: number, place: Place, closed: SessionListener<SessionRecord>): Promise<CaptureAccount | null>;
  end(): Promise<void>;
}

/** Reads one capture after the other, here. */
export class OneByOne implements CapturesReader {
  constructor(
    private readonly files: readonly string[],
    private readonly options: CapturesOptions,
  ) {}

  async read(
    index: number,
    place: Place,
    closed: SessionListener<SessionRecord>,
  ): Promise<CaptureAccount | null> {
    const { onProgress, ...options } = this.options;
    if (index > 0 && options.signal?.aborted) return null;
    const file = this.files[index]!;
    const told = onProgress && {
      onProgress: (octets: number, total: number | null) => onProgress(file, octets, total),
    };
    return readSessions(file, place, { ...options, ...told }, (record, lastUs, messages) =>
      closed(record.pack(), lastUs, messages),
    );
  }

  async end(): Promise<void> {}
}
