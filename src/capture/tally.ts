import { CapturedPacket, type CaptureFacts, type Problem } from './packet.js';

/** Problems listed of one capture; one `too-many-problems` more says that there were others. */
export const MAX_PROBLEMS = 100;

/**
 * Largest captured length that is believed. Ethernet and IP stay far below 262,144 octets, where capture
 * programs end; other link types (USB) may be larger, and such packets have to be stepped over.
 */
export const MAX_CAPTURED = 64 * 1024 * 1024;

/** Finds the records of one capture format in octets that arrive in pieces. */
export interface RecordParser {
  /**
   * Octets wanted, counted from what `read` returned, to get any further. More than there were.
   * Meaningless when `read` returned `end`.
   */
  readonly need: number;
  /** The capture's own header was whole. */
  readonly begun: boolean;
  /** In the middle of a record although all octets were consumed (it is being skipped). */
  readonly inside: boolean;
  /** Hands on every whole record of `octets[start, end)`; returns where the unfinished one begins. */
  read(octets: Buffer, start: number, end: number): number;
}

/** What is known of a capture while it is read, and the one packet cursor. */
export class CaptureTally {
  readonly packet = new CapturedPacket();
  format = 'unknown';
  /** Offset in the (decompressed) capture of the octets that are being read. */
  offset = 0;
  /** Frame number of the newest record that packet viewers number. */
  frames = 0;
  /** Packet records, those that could not be handed on included. */
  packets = 0;
  /** Reading has to end here: what follows cannot be found. */
  stopped = false;
  truncated = false;
  private readonly linkTypes = new Set<number>();
  private readonly problems: Problem[] = [];
  private firstUs = Number.POSITIVE_INFINITY;
  private firstNs = 0;
  private firstDigits = 6;
  private lastUs = Number.NEGATIVE_INFINITY;
  private lastNs = 0;
  private lastDigits = 6;

  /** At most 65,536 different ones: the field has 16 bits. */
  linkType(linkType: number): void {
    this.linkTypes.add(linkType);
  }

  /** Takes the time of the packet under the cursor into account; one without a time compares false. */
  time(): void {
    const { us, ns } = this.packet;
    if (us <= this.firstUs && (us < this.firstUs || ns < this.firstNs)) {
      this.firstUs = us;
      this.firstNs = ns;
      this.firstDigits = this.packet.digits;
    }
    if (us >= this.lastUs && (us > this.lastUs || ns > this.lastNs)) {
      this.lastUs = us;
      this.lastNs = ns;
      this.lastDigits = this.packet.digits;
    }
  }

  note(problem: Problem): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem);
    else if (this.problems.length === MAX_PROBLEMS) {
      this.problems.push({
        code: 'too-many-problems',
        message: `More than ${MAX_PROBLEMS} problems: the others are not listed.`,
      });
    }
  }

  stop(problem: Problem): void {
    this.note(problem);
    this.stopped = true;
  }

  /** @param bytes octets of the capture */
  facts(bytes: number): CaptureFacts {
    const known = Number.isFinite(this.firstUs);
    return {
      format: this.format,
      linkTypes: [...this.linkTypes],
      packets: this.packets,
      bytes,
      first: known ? { us: this.firstUs, ns: this.firstNs, digits: this.firstDigits } : null,
      last: known ? { us: this.lastUs, ns: this.lastNs, digits: this.lastDigits } : null,
      truncated: this.truncated,
      problems: this.problems,
    };
  }
}
