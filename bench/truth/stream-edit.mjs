/**
 * One direction of a connection as a box that edits in place keeps it: the octets that came in, the octets that went out,
 * and where each of the one lies in the other.
 *
 * Offsets begin with 0 at the first octet after the SYN. `runs` are in order; a run of equal length maps octet to octet, any
 * other (removed, or put in) as a whole.
 */
export class StreamEdit {
  constructor() {
    this.runs = [];
    this.incoming = 0;
    this.out = Buffer.alloc(0);
  }

  /** Notes that `before` octets came in and `after` went out in their place. */
  add(before, after) {
    const last = this.runs[this.runs.length - 1];
    const equal = before === after.length;
    if (equal && last?.equal) {
      last.inEnd += before;
      last.outEnd += before;
    } else if (before > 0 || after.length > 0) {
      this.runs.push({
        inStart: this.incoming,
        inEnd: this.incoming + before,
        outStart: this.out.length,
        outEnd: this.out.length + after.length,
        equal,
      });
    }
    this.incoming += before;
    if (after.length > 0) this.out = Buffer.concat([this.out, after]);
  }

  /**
   * Where an incoming offset lies among the octets that went out.
   *
   * @param asEnd  the offset is the end of a range: what was put in at this place does not belong to it
   */
  image(offset, asEnd = false) {
    for (let index = this.runs.length - 1; index >= 0; index--) {
      const { inStart, inEnd, outStart, outEnd, equal } = this.runs[index];
      if (offset === inStart && inStart === inEnd && !asEnd) return outEnd;
      if (offset >= inEnd && (inEnd > inStart || offset > inEnd)) return outEnd + (offset - inEnd);
      if (offset > inStart && offset < inEnd) return equal ? outStart + (offset - inStart) : outEnd;
      if (offset === inStart && inEnd > inStart) return outStart;
    }
    return offset;
  }

  /** How many incoming octets are settled once `offset` octets of what went out were acknowledged. */
  preimage(offset) {
    for (let index = this.runs.length - 1; index >= 0; index--) {
      const { inStart, inEnd, outStart, outEnd, equal } = this.runs[index];
      if (offset >= outEnd) return inEnd + (offset - outEnd);
      if (offset >= outStart) return equal ? inStart + (offset - outStart) : inStart;
    }
    return offset;
  }
}
