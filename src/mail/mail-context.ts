import type { StreamChunk } from '../stream/event.js';
import type { DigestFactory } from './digest.js';
import { OctetSearch } from './octet-search.js';

/**
 * What all scanners of one capture's mail share. The searches go on from one segment to the next, whichever message it
 * belongs to, since the segments lie in one piece of the capture.
 */
export class MailContext {
  readonly dots = new OctetSearch('.');
  readonly dashes = new OctetSearch('-');
  readonly dashLines = new OctetSearch('\n--');
  readonly lineEnds = new OctetSearch('\n');
  /** The chunk that is being read, by whichever scanner: that is over before another begins. */
  chunk: StreamChunk | null = null;

  constructor(readonly digests: DigestFactory) {}
}
