import * as verb from './command.js';
import type { Protocol } from './session.js';

/** What a dialogue has seen that says which protocol it is. Bits of a number. */
export const CLIENT_OCTETS = 1 << 0;
export const SERVER_OCTETS = 1 << 1;
/** A coded reply. */
export const CODED_REPLY = 1 << 2;
/** A greeting with a code that SMTP servers greet with. */
export const SMTP_GREETING = 1 << 3;
/** A certain SMTP command. */
export const SMTP_COMMAND = 1 << 4;
/** A bare OK, a starred greeting, a verb of X's: marks of a firewall. */
export const FIREWALL_MARK = 1 << 5;
export const FTP_GREETING = 1 << 6;
/** USER, PASS and the like. */
export const LOGIN_COMMAND = 1 << 7;
export const HTTP = 1 << 8;
export const SSH = 1 << 9;
export const TLS = 1 << 10;
/** Something that is certainly another protocol. */
export const FOREIGN = 1 << 11;

const HTTP_REQUEST = /^(?:GET|POST|PUT|HEAD|OPTIONS|DELETE|PATCH|TRACE|CONNECT|PRI) \S+ HTTP\/\d/;
const HTTP_REQUEST_BEGINNING =
  /^(?:GET|POST|PUT|HEAD|OPTIONS|DELETE|PATCH|TRACE|CONNECT) (?:\/|\*|https?:)\S*/;
const HTTP_HEADER = /^(?:Host|User-Agent|Cookie|Authorization|Proxy-Authorization): /i;

/** What a client's line says, in its first 200 octets. `first`: it is the client's first. */
export function clientEvidence(text: string, first: boolean, seen: number): number {
  if (first) {
    if (HTTP_REQUEST.test(text) || HTTP_REQUEST_BEGINNING.test(text) || HTTP_HEADER.test(text)) return HTTP;
    if (text.startsWith('SSH-')) return SSH;
    // SOCKS and other binary protocols, where no server has greeted.
    if (/^[\x00-\x08]/.test(text) && (seen & CODED_REPLY) === 0) return FOREIGN;
  }
  if (/^[Xx]{4,}(?:[ \t]|$)/.test(text)) return FIREWALL_MARK;
  return 0;
}

/** A command that only SMTP has, or that only others have. */
export function commandEvidence({ effect, argument }: verb.Command): number {
  switch (effect) {
    case verb.HELLO:
    case verb.DATA:
    case verb.BDAT:
    case verb.STARTTLS:
      return SMTP_COMMAND;
    case verb.MAIL:
    case verb.RCPT:
      return argument === null ? 0 : SMTP_COMMAND;
    case verb.LOGIN:
      return LOGIN_COMMAND;
    default:
      return 0;
  }
}

/** What a server's first line says. */
export function serverEvidence(text: string, code: number): number {
  if (code !== 0) {
    if (/\bFTPD?\b|FileZilla Server|vsFTPd|ProFTPD/i.test(text) && !/SMTP|mail/i.test(text))
      return CODED_REPLY | FTP_GREETING;
    const greeting = code === 220 || code === 421 || (code >= 500 && code < 560);
    return greeting ? CODED_REPLY | SMTP_GREETING : CODED_REPLY;
  }
  if (/^HTTP\/\d/.test(text)) return HTTP;
  if (text.startsWith('SSH-')) return SSH;
  if (/^OK\b/i.test(text) && text.length < 40) return FIREWALL_MARK;
  if (/^(?:\+OK|\* (?:OK|PREAUTH|BYE)|RFB |@RSYNCD|AMQP|-ERR|<\?xml|<html|<!DOCTYPE)/i.test(text))
    return FOREIGN;
  if (/[\x00-\x08\x0e-\x1f]/.test(text.slice(0, 64))) return FOREIGN;
  return 0;
}

/** Adds it up. A login without any SMTP command is FTP's or POP's; one SMTP command outweighs what a banner says. */
export function protocolOf(seen: number): Protocol {
  if ((seen & (CLIENT_OCTETS | SERVER_OCTETS)) === 0) return 'none';
  if (seen & HTTP) return 'http';
  if (seen & SSH) return 'ssh';
  if (seen & SMTP_COMMAND) return 'smtp';
  if (seen & (FOREIGN | LOGIN_COMMAND | FTP_GREETING)) return 'other';
  if (seen & (SMTP_GREETING | CODED_REPLY | FIREWALL_MARK)) return 'smtp';
  if (seen & TLS) return 'tls';
  return 'unknown';
}
