import type { Timestamp } from '../capture/timestamp.js';
import type { DeliveryReport, MailDamage, OverlongItem } from '../mail/message-facts.js';
import type { CloseReason, Direction, Endpoint, Gap, Overlap } from '../stream/event.js';
import type { TcpFacts } from '../stream/tcp-facts.js';
import type { Checksum } from '../wire/segment.js';

/** One line as it was on the wire. Text is latin1 (one character per octet), raw: escape before printing.
 * Credentials are already replaced by `[n octets]`. */
export interface SmtpLine {
  readonly direction: Direction;
  /** Without its ending; cut at the limit (`truncated`). */
  readonly text: string;
  /** Octets on the wire without the ending, also where `text` was cut or redacted. */
  readonly octets: number;
  readonly ending: 'CRLF' | 'LF' | 'CR' | 'none';
  readonly truncated: boolean;
  readonly offset: number;
  /** Frames that carried its first and last octet. */
  readonly frame: number;
  readonly lastFrame: number;
  /** Time of the last octet's frame. */
  readonly time: Timestamp | null;
  /** Verdict of the segment with its last octet; computed only for lines that look masked (runs of X or
   * asterisks), `unverifiable` otherwise. */
  readonly checksum: Checksum;
}

export interface SmtpReply {
  /** null: a line without a three-digit code, such as a bare `OK`. */
  readonly code: number | null;
  /** RFC 3463 `5.7.1`, from the first line that has one. */
  readonly enhanced: string | null;
  readonly lines: readonly SmtpLine[];
  /** The last line (`250 `, not `250-`) arrived. */
  readonly complete: boolean;
  /** More lines than were kept. */
  readonly droppedLines: number;
}

/** Why no reply is there. The first five are evidence of absence.
 * `closed`: the connection was closed or reset, nothing is missing from the capture;
 * `silent`: capture and connection went on for at least 60 s without a reply;
 * `unacknowledged`: its octets were sent again and again, and the peer's TCP never took them;
 * `lost`: the server's own sequence numbers show that it sent a reply, which never reached the client;
 * `next`: a later command was answered, this one was not. */
export type NoReply =
  | 'closed'
  | 'silent'
  | 'unacknowledged'
  | 'lost'
  | 'next'
  | 'end-of-capture'
  | 'gap'
  | 'one-sided'
  | 'encrypted'
  | 'limit';

export type ExchangeKind = 'greeting' | 'command' | 'auth-response' | 'end-of-data' | 'bdat' | 'unseen';

/** One thing that gets one reply. The connection itself and the end of a message count (RFC 5321 §4.3.2). */
export interface SmtpExchange {
  readonly kind: ExchangeKind;
  /** `(greeting)`, `EHLO`, `(end-of-data)`, `(auth-response)`, `(unseen)`; upper case, or the octets as seen when they are no verb. */
  readonly verb: string;
  /** Is it a verb the registry knows? */
  readonly known: boolean;
  readonly argument: string | null;
  /** The command line; null for the greeting and unseen commands. For end-of-data: the line with the dot. */
  readonly line: SmtpLine | null;
  /** 354 to DATA, 334 to AUTH. */
  readonly intermediate: SmtpReply | null;
  readonly reply: SmtpReply | null;
  /** null when answered. */
  readonly noReply: NoReply | null;
  /** Sent before the reply to the command in front of it arrived. */
  readonly pipelined: boolean;
  /** The peer's TCP acknowledged the whole line; null when the capture cannot tell. */
  readonly acknowledged: boolean | null;
  /** TCP segments that carried the line (1 = whole line in one). */
  readonly segments: number;
  /** Index into `messages` for an end-of-data / last BDAT, else null. */
  readonly message: number | null;
  /** TLS state when it was sent. Always plain text here; kept for STARTTLS then plain text. */
  readonly afterGap: boolean;
}

export interface Extension {
  /** `SIZE 10240000`, as printed in the reply, without the code. */
  readonly text: string;
  /** `SIZE`, upper case; `AUTH=LOGIN` gives `AUTH=LOGIN`. */
  readonly keyword: string;
  readonly line: SmtpLine;
}

/** Where and how the mail data ended. */
export interface Terminator {
  /** Stream offset of the CR of CRLF.CRLF; for BDAT, the end of the last chunk. */
  readonly offset: number;
  readonly endOffset: number;
  /** Positions 0..4 inside CRLF.CRLF in front of which a new segment began: [] = one segment; [2] = `CRLF|.CRLF`. */
  readonly splits: readonly number[];
  readonly frame: number;
  readonly lastFrame: number;
  readonly time: Timestamp | null;
  /** `CRLF|.CRLF`: microseconds without any packet of this connection in front of the dot's segment, everything before
   * the dot having been acknowledged. null: split otherwise, not acknowledged, or a time is not known. */
  readonly pauseUs: number | null;
  /** The server's TCP acknowledged its last octet. null: no packet of the server was captured after it. */
  readonly acknowledged: boolean | null;
}

export interface SmtpMessage {
  /** `m1`, .. unique in the report. */
  readonly id: string;
  readonly transport: 'DATA' | 'BDAT';
  /** With its angle brackets, as in the header; null when absent or unseen. */
  readonly messageId: string | null;
  /** Reverse-path without brackets; '' is the null sender. */
  readonly from: string;
  readonly fromSeen: boolean;
  /** Forward-paths without brackets which were not refused. At most 1000 kept. */
  readonly to: readonly string[];
  readonly recipients: number;
  /** BODY= of MAIL, upper case, or null. */
  readonly body: string | null;
  /** Un-stuffed octets seen, without the final dot line; includes the CRLF that precedes it. */
  readonly octets: number;
  readonly missingOctets: number;
  /** true: final reply 2xx; false: 4xx / 5xx; null: no final reply seen. */
  readonly accepted: boolean | null;
  readonly replyCode: number | null;
  /** `xxh64:…` of the un-stuffed octets seen; with `missingOctets` > 0 it covers only those. */
  readonly digest: string;
  /** Frame and time of the first octet of mail data. */
  readonly frame: number;
  readonly time: Timestamp | null;
  readonly offset: number;
  readonly terminated: boolean;
  readonly terminator: Terminator | null;
  /** Index in `exchanges` of DATA or the first BDAT, and of the end (null when it never came). */
  readonly commandExchange: number;
  readonly endExchange: number | null;
  /** Any octet above 127, and where the first chunk with one lies. */
  readonly eightBit: boolean;
  readonly eightBitFrame: number | null;
  readonly eightBitOffset: number | null;
  readonly report: DeliveryReport | null;
  /** Content-Type says multipart/report, or the reverse-path is null. */
  readonly looksLikeReport: boolean;
  /** At most 8. Empty too where octets of the message are missing. */
  readonly damages: readonly MailDamage[];
  /** The first line of its header with more than 998 octets, and the first name of a file with more than 255. */
  readonly longHeaderLine: OverlongItem | null;
  readonly longFileName: OverlongItem | null;
}

/** What one side sent after the 220 to STARTTLS. */
export interface TlsFlight {
  /** Its first octets, latin1: as many as a TLS record header has, five, and never more. */
  readonly head: string;
  /** All octets of it in the capture. */
  readonly octets: number;
  /** CRC-32 of them: tells whether two captures hold the same. */
  readonly crc32: number;
  readonly offset: number;
  /** Frame and time of its first octet. */
  readonly frame: number;
  readonly time: Timestamp | null;
  /** Verdict of the segment with its head; computed only when that begins no TLS record. */
  readonly checksum: Checksum;
}

/** What became of a STARTTLS that was answered 220. null: nothing of that side was captured. */
export interface TlsOpening {
  readonly client: TlsFlight | null;
  readonly server: TlsFlight | null;
  /** The server's TCP acknowledged all that the client sent. null: no packet of the server was captured after it. */
  readonly acknowledged: boolean | null;
}

/** `smtp`; or what else spoke on the port; `none`: no payload octet at all; `unknown`: too little to say. */
export type Protocol = 'smtp' | 'http' | 'tls' | 'ssh' | 'other' | 'none' | 'unknown';

/** A whole session as rules and reports see it. Made from the compact transcript when asked for; the
 * transcript is what stays in memory. */
export interface SmtpSession {
  /** `s1`, .. in order of opening, over all captures. */
  readonly id: string;
  /** Ordinal of the capture in this run, from 0. */
  readonly capture: number;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly start: Timestamp | null;
  readonly end: Timestamp | null;
  readonly firstFrame: number;
  readonly lastFrame: number;
  readonly closed: CloseReason;
  /** Who sent the first FIN or RST. */
  readonly closedBy: Direction | null;
  readonly closeFrame: number | null;
  readonly midstream: boolean;
  /** Only packets of this direction were captured. */
  readonly oneSided: Direction | null;
  readonly synSeen: boolean;
  readonly synAckSeen: boolean;
  /** Microseconds from this connection's last packet to the last packet of the capture. */
  readonly silenceUs: number;
  readonly protocol: Protocol;
  /** Put together when asked for. */
  readonly tcp: TcpFacts;
  readonly gaps: readonly Gap[];
  readonly gapCount: number;
  readonly overlaps: readonly Overlap[];
  readonly overlapCount: number;
  readonly exchanges: readonly SmtpExchange[];
  /** Of the last EHLO reply in plain text. */
  readonly extensions: readonly Extension[];
  /** Frame of the 220 to STARTTLS (or of the first TLS record in a session that began encrypted). */
  readonly encryptedFrom: number | null;
  /** After that 220: a TLS record followed from the client. null: nothing followed in the capture. */
  readonly tlsFollowed: boolean | null;
  /** null: no 220 to a STARTTLS was seen. */
  readonly tls: TlsOpening | null;
  readonly messages: readonly SmtpMessage[];
  /** More exchanges or messages than are kept. */
  readonly truncated: boolean;
  readonly droppedExchanges: number;
  /**
   * What a floor above has computed of this session, kept here so that it lives and dies with it. Only
   * `facts/session-facts.ts` reads and sets it. A copy of a session does not take it along, since it may say something else.
   */
  facts?: object | null;
}
