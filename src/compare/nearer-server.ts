import { median } from './clock.js';
import type { Pair, Side } from './pair.js';
import type { SessionKeys } from './session-key.js';

export interface NearerServer {
  readonly nearerServer: Side | null;
  readonly nearerServerBecause: string;
}

/** A handshake that is so much shorter was timed nearer the server; less may be the jitter of a queue. */
const SHORTER = 0.8;
const SHORTER_BY_US = 20;

/** How far one side must be ahead. */
const MAJORITY = 2;

interface Poll {
  inside: number;
  outside: number;
}

/**
 * Which capture was made nearer the server.
 *
 * Each router takes one off the hop limit, so the client's packets have the lower one nearer the server, and the
 * server's the higher one. A firewall that is no router leaves it alone; then the times of handshakes tell.
 *
 * @param pairs  places of sessions in the keys, and whether both captures saw one TCP connection
 */
export function nearerServer(
  pairs: Iterable<readonly [inside: number, outside: number, matchedBy: Pair['matchedBy']]>,
  inside: SessionKeys,
  outside: SessionKeys,
): NearerServer {
  const hops: Poll = { inside: 0, outside: 0 };
  const handshakes: Poll = { inside: 0, outside: 0 };
  const insideUs: number[] = [];
  const outsideUs: number[] = [];
  let count = 0;
  let direct = 0;
  for (const [i, o, matchedBy] of pairs) {
    count++;
    if (!matchedBy.some((fact) => DIRECT.has(fact))) continue;
    direct++;
    poll(hops, inside.clientHopLimit[i]!, outside.clientHopLimit[o]!);
    poll(hops, outside.serverHopLimit[o]!, inside.serverHopLimit[i]!);
    const [a, b] = [inside.handshakeUs[i]!, outside.handshakeUs[o]!];
    if (Number.isNaN(a) || Number.isNaN(b)) continue;
    insideUs.push(a);
    outsideUs.push(b);
    if (a < b * SHORTER && b - a >= SHORTER_BY_US) handshakes.inside++;
    else if (b < a * SHORTER && a - b >= SHORTER_BY_US) handshakes.outside++;
  }
  const byHops = winner(hops);
  if (byHops !== null) {
    const agree = hops[byHops];
    return {
      nearerServer: byHops,
      nearerServerBecause: `The hop limits say so: ${agree} of ${hops.inside + hops.outside} that differ are as they must be when the ${byHops} capture is nearer the server.`,
    };
  }
  const byHandshakes = winner(handshakes);
  if (byHandshakes !== null && handshakes[byHandshakes] * 2 > insideUs.length) {
    return {
      nearerServer: byHandshakes,
      nearerServerBecause: `The server answers a SYN sooner there: ${shown(insideUs)} inside and ${shown(outsideUs)} outside (median of ${insideUs.length}), shorter ${byHandshakes} in ${handshakes[byHandshakes]}.`,
    };
  }
  return {
    nearerServer: null,
    nearerServerBecause:
      count > 0 && direct === 0
        ? `Of ${count} sessions on both sides none is one TCP connection: whoever stands between ends each and opens another.`
        : undecided(count, insideUs, outsideUs, hops),
  };
}

/** What shows that both captures hold one TCP connection; a proxy has two, each with its own handshake. */
const DIRECT: ReadonlySet<string> = new Set(['sequence-numbers', 'timestamps', 'endpoints', 'dialogue']);

/** @param atInside  lower at the inside when the inside is nearer the server */
function poll(of: Poll, atInside: number, atOutside: number): void {
  if (atInside < atOutside) of.inside++;
  else if (atInside > atOutside) of.outside++;
}

function winner({ inside, outside }: Poll): Side | null {
  if (inside > outside * MAJORITY) return 'inside';
  return outside > inside * MAJORITY ? 'outside' : null;
}

function undecided(
  count: number,
  insideUs: readonly number[],
  outsideUs: readonly number[],
  hops: Poll,
): string {
  if (count === 0) return 'No session was seen on both sides.';
  const hopPart =
    hops.inside + hops.outside === 0
      ? 'Hop limits are the same on both sides'
      : `Hop limits contradict each other (${hops.inside} for inside, ${hops.outside} for outside)`;
  if (insideUs.length === 0) return `${hopPart}, and no handshake was timed on both.`;
  return `${hopPart}, and handshakes took ${shown(insideUs)} inside and ${shown(outsideUs)} outside (median of ${insideUs.length}), which is too much alike.`;
}

function shown(us: readonly number[]): string {
  return `${(median(us) / 1000).toFixed(3)} ms`;
}
