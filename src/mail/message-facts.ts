import type { Timestamp } from '../capture/timestamp.js';
import type { Checksum } from '../wire/segment.js';

/** What a delivery report (RFC 3464) inside a message says; strings are latin1, at most 500 octets. */
export interface DeliveryReport {
  /** `5.6.1` of the first failed recipient. */
  readonly status: string | null;
  readonly diagnostic: string | null;
  /** Message-ID of the original: Original-Message-ID, or the returned header's own. */
  readonly originalMessageId: string | null;
  readonly finalRecipient: string | null;
  /** A human-readable sentence such as `Body type not supported by Remote Host`, when found in the text. */
  readonly text: string | null;
  readonly frame: number;
  readonly offset: number;
}

/** A MIME part that is broken as transit breaks parts. */
export interface MailDamage {
  /** `stars`, `letters`, `nul`: octets inside base64 are overwritten with asterisks, X's or NULs; `cut`: the message
   * ends inside a quantum of base64, and no boundary closes it; `unclosed`: no boundary closes it. */
  readonly kind: 'stars' | 'letters' | 'nul' | 'cut' | 'unclosed';
  /** Number of the part as IMAP counts: `2.1`. RFC 9051 §6.4.5. */
  readonly part: string;
  /** Of the first such octet; of the message's end where it is cut or unclosed. */
  readonly offset: number;
  readonly frame: number;
  /** Octets overwritten. */
  readonly octets: number;
  /** `lines`: whole lines are overwritten; `over-lines`: so are line ends; `inside`: neither. */
  readonly shape: 'lines' | 'over-lines' | 'inside';
  /** Verdict of a segment that carries it; `unverifiable` where the message is cut or unclosed. */
  readonly checksum: Checksum;
}

/** Something in mail data that is longer than allowed. */
export interface OverlongItem {
  /** Of the whole; where the message ended inside it, as many as there were. */
  readonly octets: number;
  /** Where it goes beyond what is allowed; of a file name, where the header that gives it ends. */
  readonly offset: number;
  readonly frame: number;
  readonly time: Timestamp | null;
}
