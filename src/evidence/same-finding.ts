import type { Finding } from '../finding/finding.js';
import type { StoredPacket } from './stored-packet.js';

/** How much of a finding another reading gives again. `words`: its message and arguments too. */
export type Sameness = 'words' | 'proofs' | null;

/**
 * Is the finding among those of its evidence capture? The same rule says it of the same server, as surely, and proves it
 * with the same packets.
 *
 * @param packets  of the evidence capture, in its order
 */
export function foundAgain(
  finding: Finding,
  again: readonly Finding[],
  packets: readonly StoredPacket[],
): Sameness {
  const captures = new Set(packets.map(({ capture }) => capture));
  const proofs = new Set(
    finding.evidence
      .filter(({ capture }) => captures.has(capture))
      .map(({ capture, packet, direction, offset }) => `${capture}/${packet}/${direction}/${offset}`),
  );
  if (proofs.size === 0) return null;
  let sameness: Sameness = null;
  for (const one of again) {
    if (one.rule !== finding.rule || one.confidence !== finding.confidence) continue;
    if (one.severity !== finding.severity) continue;
    if (one.server.address !== finding.server.address || one.server.port !== finding.server.port) continue;
    const shown = new Set(
      one.evidence.map(({ packet, direction, offset }) => {
        const original = packets[packet - 1];
        return original && `${original.capture}/${original.frame}/${direction}/${offset}`;
      }),
    );
    if (![...proofs].every((proof) => shown.has(proof))) continue;
    if (one.message === finding.message && JSON.stringify(one.args) === JSON.stringify(finding.args)) {
      return 'words';
    }
    sameness = 'proofs';
  }
  return sameness;
}
