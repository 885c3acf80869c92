import { canonicalAddress } from '../wire/address.js';
import { type LogTime, logTime } from './log-time.js';

export type LogMessageId = 108002 | 108003 | 108004 | 108005 | 108006 | 108007;

/** One end of a connection as the firewall names it. */
export interface LogEndpoint {
  /** As sessions have it; null: no address (a name of the firewall's configuration, or made illegible). */
  readonly address: string | null;
  /** null: the message tells none. */
  readonly port: number | null;
}

/** What one line of a firewall's log says of an SMTP connection. */
export interface LogRecord {
  /** Line of the file, from 1. */
  readonly line: number;
  readonly id: LogMessageId;
  /** null: there is none in front of the message. */
  readonly time: LogTime | null;
  /** The message without time, host and tag; latin1, raw: escape before printing. */
  readonly text: string;
  readonly from: LogEndpoint;
  readonly to: LogEndpoint;
  /** Of 108004 and 108005: `Dropped connection for`. */
  readonly action: string | null;
  /** Of 108004 and 108005: `matched Class 2: cmd RCPT count gt 100`. */
  readonly cause: string | null;
}

/** Octets of a message that are kept. */
const MAX_TEXT = 500;
/** Octets in front of it in which a time is looked for. */
const MAX_BEFORE = 200;

/** `%ASA-4-108004: `; the severity is what the administrator made it. */
const TAG = /%(?:ASA|PIX|FWSM)-[0-7]-(10800[2-7]): {0,4}/;
/** Pasted without its tag, this alone names itself. */
const UNTAGGED = /\bESMTP (?:Classification|Parameter): /;

/** `inside:192.0.2.25/25`, `outside:2001:db8::1/40000` */
const END = '[^\\s:;,]{1,64}:(\\S{1,64})/(\\d{1,5})';

/**
 * The texts of Cisco's "Syslog Messages" guides for the ASA; of PIX and FWSM they are the same as far as they have
 * them. Groups: address and port of both ends, then action and cause.
 */
const FORMATS: Readonly<Record<LogMessageId, RegExp>> = {
  108002: /^SMTP replaced .{0,200}?: out (\S{1,64})() in (\S{1,64})() data:/,
  108003: new RegExp(
    `^Terminating (?:ESMTP|SMTP|ESMTP/SMTP) connection; malicious pattern detected in the mail address from ${END} to ${END}\\.`,
  ),
  108004: acted('Dropped connection for|Dropped|Reset connection for|Masked header flags for'),
  108005: acted('Received'),
  108006: new RegExp(`^Detected ESMTP size violation from ${END} to ${END};`),
  108007: new RegExp(`^TLS started on ESMTP session between client ${END} and server ${END}`),
};

function acted(actions: string): RegExp {
  return new RegExp(
    `^ESMTP (?:Classification|Parameter): ?(?<action>${actions}) ESMTP (?:Request|Response) from ${END} to ${END}; ?(?<cause>.*)$`,
  );
}

/**
 * What a line says, when it is one of the messages 108002 to 108007 in a documented format; otherwise null.
 *
 * @param line  number in its file, from 1
 * @param text  latin1, without its ending; whatever stands in front of the message is left out
 *
 * @example parseLogLine(1, '%ASA-6-108007: TLS started on ESMTP session between client o:192.0.2.1/4000 and server i:198.51.100.2/25')
 */
export function parseLogLine(line: number, text: string): LogRecord | null {
  const tag = TAG.exec(text);
  const start = tag ? tag.index + tag[0].length : text.search(UNTAGGED);
  if (start < 0) return null;
  const time = logTime(text.slice(0, Math.min(start, MAX_BEFORE)));
  const message = text.slice(start).trimEnd();
  const ids = tag ? [Number(tag[1]) as LogMessageId] : ([108004, 108005] as const);
  for (const id of ids) {
    const clean = withoutSecrets(id, message);
    const match = FORMATS[id].exec(clean);
    if (match) return recordOf(line, id, time, clean, match);
  }
  return null;
}

function recordOf(
  line: number,
  id: LogMessageId,
  time: LogTime | null,
  message: string,
  match: RegExpExecArray,
): LogRecord | null {
  // A named group counts as well; it stands in front of the ends and behind them.
  const [fromAddress = '', fromPort = '', toAddress = '', toPort = ''] = match.slice(match.groups ? 2 : 1);
  const from = endpoint(fromAddress, fromPort);
  const to = endpoint(toAddress, toPort);
  if (from === null || to === null) return null;
  return {
    line,
    id,
    time,
    text: message.slice(0, MAX_TEXT),
    from,
    to,
    action: match.groups?.action ?? null,
    cause: match.groups?.cause?.slice(0, MAX_TEXT) ?? null,
  };
}

/** null: the port is none. */
function endpoint(address: string, port: string): LogEndpoint | null {
  if (Number(port) > 65535) return null;
  return { address: canonicalAddress(address), port: port === '' ? null : Number(port) };
}

/**
 * The firewall quotes the client's octets: a mail address may be seen, anything else may be a login. What it looks for in
 * addresses (108002: what it replaced) are single characters.
 */
function withoutSecrets(id: LogMessageId, message: string): string {
  const text = message.replace(/\b(AUTH\s+\S+\s+)(\S.*)$/i, hidden);
  if (id === 108002) {
    return text.replace(/^(SMTP replaced )([^:]{5,}?)(?=: out )/, hidden).replace(DATA_BUT_ADDRESS, hidden);
  }
  return id === 108003 ? text.replace(DATA_BUT_ADDRESS, hidden) : text;
}

const DATA_BUT_ADDRESS = /( data:\s*)(?!\s|(?:MAIL|RCPT)\s[^<]*<)(.+)$/i;

function hidden(_: string, head: string, secret: string): string {
  return `${head}[${secret.length} octets]`;
}
