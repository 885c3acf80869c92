import type { SmtpExchange, SmtpLine } from '../smtp/session.js';
import type { Direction } from '../stream/event.js';
import { endOf, linesOf } from './absence.js';

/** Octets of one stream as its two captures have them: of the sender's side first. Half-open. */
export interface Stretch {
  readonly sent: Range;
  readonly arrived: Range;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Octets between stretches that both captures read in the same way. */
interface Hole extends Stretch {
  /** Nothing that both read alike follows. */
  readonly last: boolean;
}

/**
 * Which octets of one direction stand at the same place in both captures.
 *
 * Words mislead where the two captures are read differently: a masked BDAT makes commands of its data. Between two lines
 * that are beyond doubt one, as many octets on either side are the same octets, whatever they are read as: none of them was
 * removed, and none was added.
 */
export class OctetMap {
  private readonly holes: Hole[] = [];
  private readonly lines: Readonly<Record<'sent' | 'arrived', readonly SmtpLine[]>>;

  /**
   * @param partners  for each exchange near the client the one near the server; -1: none
   * @param ends  behind all octets of the direction near its sender, and near its receiver
   */
  constructor(
    readonly direction: Direction,
    asked: readonly SmtpExchange[],
    heard: readonly SmtpExchange[],
    partners: Int32Array,
    ends: readonly [sent: number, arrived: number],
  ) {
    const isClient = direction === 'client';
    const all = (of: readonly SmtpExchange[]) => of.flatMap((exchange) => linesOf(exchange, direction));
    const [nearClient, nearServer] = [all(asked), all(heard)];
    this.lines = {
      sent: isClient ? nearClient : nearServer,
      arrived: isClient ? nearServer : nearClient,
    };
    let sentFrom = 0;
    let arrivedFrom = 0;
    const reach = (sent: Range, arrived: Range, last: boolean) => {
      const [from, to] = [Math.min(sentFrom, sent.from), Math.min(arrivedFrom, arrived.from)];
      this.holes.push({
        sent: { from, to: sent.from },
        arrived: { from: to, to: arrived.from },
        last,
      });
      sentFrom = sent.to;
      arrivedFrom = arrived.to;
    };
    for (const [index, partner] of partners.entries()) {
      const [a, b] = [rangeOf(asked[index]!, direction), rangeOf(heard[partner], direction)];
      if (a !== null && b !== null) reach(isClient ? a : b, isClient ? b : a, false);
    }
    const end = (at: number) => ({ from: at, to: at });
    reach(end(Math.max(ends[0], sentFrom)), end(Math.max(ends[1], arrivedFrom)), true);
  }

  /**
   * What is at that line's place in the other capture: `there`, octets that are read as something else; `behind`, nothing,
   * since the other capture's octets end in front of it; null: no more than the lines around it tells.
   */
  placeOf(line: SmtpLine, side: 'sent' | 'arrived'): 'there' | 'behind' | null {
    const hole = this.holeOf(line, side);
    if (hole === null) return null;
    const [own, other] = side === 'sent' ? [hole.sent, hole.arrived] : [hole.arrived, hole.sent];
    const [length, otherLength] = [own.to - own.from, other.to - other.from];
    if (length === otherLength) return 'there';
    if (!hole.last) return null;
    const from = other.from + (line.offset - own.from);
    const to = from + (endOf(line) - line.offset);
    if (to > other.to) return side === 'sent' && this.readsOtherwise(hole) ? 'behind' : null;
    return side === 'arrived' || this.isCovered(from, to) ? 'there' : null;
  }

  /** The stretches that hold lines which the two captures read differently: their octets are to be compared one by one. */
  *unlike(lines: ReadonlySet<SmtpLine>, side: 'sent' | 'arrived'): Generator<Stretch> {
    const given = new Set<Hole>();
    for (const line of lines) {
      const hole = this.holeOf(line, side);
      if (hole === null || given.has(hole)) continue;
      given.add(hole);
      const length = Math.min(hole.sent.to - hole.sent.from, hole.arrived.to - hole.arrived.from);
      const piece = ({ from }: Range) => ({ from, to: from + length });
      yield { sent: piece(hole.sent), arrived: piece(hole.arrived) };
    }
  }

  private holeOf(line: SmtpLine, side: 'sent' | 'arrived'): Hole | null {
    const end = endOf(line);
    return this.holes.find((hole) => line.offset >= hole[side].from && end <= hole[side].to) ?? null;
  }

  /** Lines near the receiver lie at that place, which belong to none near the sender. */
  private isCovered(from: number, to: number): boolean {
    const holds = (at: number) => this.lines.arrived.some((line) => line.offset <= at && endOf(line) > at);
    return holds(from) && holds(to - 1);
  }

  private readsOtherwise({ arrived }: Hole): boolean {
    return this.lines.arrived.some((line) => line.offset >= arrived.from);
  }
}

function rangeOf(exchange: SmtpExchange | undefined, direction: Direction): Range | null {
  if (exchange === undefined) return null;
  const lines = linesOf(exchange, direction);
  const [first, last] = [lines[0], lines.at(-1)];
  return first === undefined ? null : { from: first.offset, to: endOf(last!) };
}
