import type { Evidence } from '../../finding/finding.js';

/** What selects frames of one capture in Wireshark and tshark. */
export interface DisplayFilter {
  /** Index of the capture, from 0: frames are counted in each file anew. */
  readonly capture: number;
  /** `frame.number in {1041, 1046}` */
  readonly filter: string;
}

/**
 * Filters that show exactly these packets, one for each capture.
 *
 * Frame numbers alone: they are exact in the file that was read, whatever tunnels, fragments or translated addresses
 * stand around the packet. `tcp.stream` would count connections to all ports, which are not seen here.
 */
export function displayFilters(evidence: readonly Evidence[]): DisplayFilter[] {
  const frames = new Map<number, Set<number>>();
  for (const { capture, packet } of evidence) {
    const known = frames.get(capture);
    if (known) known.add(packet);
    else frames.set(capture, new Set([packet]));
  }
  return [...frames]
    .sort(([a], [b]) => a - b)
    .map(([capture, packets]) => ({
      capture,
      filter: `frame.number in {${[...packets].sort((a, b) => a - b).join(', ')}}`,
    }));
}
