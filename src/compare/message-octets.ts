import type { Difference } from './pair.js';

/** Octets of a client's stream, half-open. */
export interface OctetRange {
  readonly from: number;
  readonly to: number;
}

/** A message of which both captures must be read again. */
export interface WantedOctets {
  /** What is known so far; what the second reading finds takes its place. */
  readonly difference: Difference;
  readonly before: OctetRange;
  readonly after: OctetRange;
}
