/**
 * A number that stands for texts and numbers: 53 bits, never 0, the same in every run.
 *
 * It finds candidates. Two different texts with one fingerprint would cost a pair, never a credential.
 */
export class Fingerprint {
  private low = 0x9e3779b9;
  private high = 0x85ebca6b;

  /** A fresh one that holds the given parts. */
  static of(...parts: readonly (string | number)[]): number {
    const fingerprint = new Fingerprint();
    for (const part of parts) {
      if (typeof part === 'string') fingerprint.text(part);
      else fingerprint.number(part);
    }
    return fingerprint.value;
  }

  number(value: number): void {
    this.mix(value | 0);
    this.mix(Math.floor(value / 2 ** 32) | 0);
  }

  text(value: string): void {
    for (let at = 0; at < value.length; at++) this.mix(value.charCodeAt(at));
    // Its length, so that `ab` and `c` are not `a` and `bc`.
    this.mix(~value.length);
  }

  get value(): number {
    let a = Math.imul(this.low ^ (this.low >>> 16), 0x85ebca6b);
    let b = Math.imul(this.high ^ (this.high >>> 16), 0xc2b2ae35);
    a ^= Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
    b ^= Math.imul(a ^ (a >>> 13), 0x85ebca6b);
    return (b & 0x1fffff) * 2 ** 32 + (a >>> 0) + 1;
  }

  private mix(word: number): void {
    this.low = Math.imul(this.low ^ word, 0x9e3779b1) ^ (this.low >>> 15);
    this.high = Math.imul(this.high ^ word, 0x5f356495) ^ (this.high >>> 13);
  }
}
