/**
 * What one tick of an interface's clock is worth (pcapng, `if_tsresol` and `if_tsoffset`).
 *
 * The powers of ten that occur are split exactly in doubles. 2^32 ticks are `quotient` microseconds and
 * `rest` ticks, so that nothing above 2^53 is ever formed before the year 2255. All other resolutions go
 * through BigInt, per packet; nobody has been seen to use them at a rate that matters.
 */
export class TimeUnit {
  /** Decimal digits of a second that this resolution can tell apart, at most 9. */
  readonly digits: number;
  us = 0;
  ns = 0;
  private readonly offsetUs: number;
  private readonly ticksPerUs: number;
  private readonly usPerTick: number;
  private readonly quotient: number;
  private readonly rest: number;
  private readonly ticksPerSecond: bigint;

  /**
   * @param tsresol the option's octet: 10^-n, or 2^-n when its highest bit is set
   * @param offsetSeconds whole seconds to be added
   */
  constructor(tsresol: number, offsetSeconds: number) {
    const exponent = tsresol & 0x7f;
    const decimal = (tsresol & 0x80) === 0;
    this.offsetUs = offsetSeconds * 1e6;
    this.digits = Math.min(9, decimal ? exponent : Math.ceil(exponent * Math.LOG10E * Math.LN2));
    this.usPerTick = decimal && exponent <= 6 ? 10 ** (6 - exponent) : 0;
    this.ticksPerUs = decimal && exponent > 6 && exponent <= 9 ? 10 ** (exponent - 6) : 0;
    this.quotient = Math.floor(2 ** 32 / (this.ticksPerUs || 1));
    this.rest = 2 ** 32 % (this.ticksPerUs || 1);
    this.ticksPerSecond = (decimal ? 10n : 2n) ** BigInt(exponent);
  }

  /** Leaves in `us` and `ns` the time of a tick count given as its two 32-bit halves. */
  split(high: number, low: number): void {
    if (this.usPerTick > 0) {
      this.us = (high * 4294967296 + low) * this.usPerTick + this.offsetUs;
      this.ns = 0;
    } else if (this.ticksPerUs > 0) {
      const ticks = high * this.rest + low;
      const us = Math.floor(ticks / this.ticksPerUs);
      this.ns = (ticks - us * this.ticksPerUs) * (1000 / this.ticksPerUs);
      this.us = high * this.quotient + us + this.offsetUs;
    } else {
      const ns = (((BigInt(high) << 32n) + BigInt(low)) * 1_000_000_000n) / this.ticksPerSecond;
      this.us = Number(ns / 1000n) + this.offsetUs;
      this.ns = Number(ns % 1000n);
    }
  }
}
