import { OWN_BITS } from '../transcript/session-bits.js';

// Modes: what the client's next octets are.

/** Commands, a line each. */
export const COMMANDS = 0;
/** Not known before a reply comes: they wait. */
export const WAITING = 1;
/** Mail data up to CRLF.CRLF. */
export const MAIL_DATA = 2;
/** `remaining` octets of mail data. */
export const CHUNK = 3;
/** `remaining` octets of something else. */
export const BINARY = 4;
/** Answers to challenges of AUTH. */
export const AUTH_RESPONSE = 5;
/** Their beginning was not captured: nothing counts before a certain command or a reply. */
export const SEARCHING = 6;
/** The server said 220 to STARTTLS: the first octet shows what follows. */
export const AFTER_STARTTLS = 7;
/** Encrypted, or not SMTP. */
export const OPAQUE = 8;

/** Mail data was refused: a message may follow all the same. `remaining` is 0 in front of it, then its lines. */
export const REFUSED_MAIL = 9;

// What a dialogue remembers, beside TLS_FOLLOWED and TLS_BROKEN of session-bits.ts: bits of `memory`.

export const BEGUN = 1 << OWN_BITS;
export const CLOSING = 1 << (OWN_BITS + 1);
export const CLIENT_SPOKE = 1 << (OWN_BITS + 2);
export const SERVER_SPOKE = 1 << (OWN_BITS + 3);
/** AUTH was tried. */
export const AUTH_ATTEMPTED = 1 << (OWN_BITS + 4);
/** The sender of the mail transaction is `<>`. */
export const NULL_SENDER = 1 << (OWN_BITS + 5);
/** Nothing of the server can be read any more. */
export const SERVER_OPAQUE = 1 << (OWN_BITS + 6);
/** The server's next line may be the tail of one that began in a gap. */
export const SERVER_TAIL = 1 << (OWN_BITS + 7);
/** The client's last line was AUTH, or an answer in its exchange. */
export const IN_AUTH = 1 << (OWN_BITS + 8);
/** Octets of the client were lost: credentials may have been in them. */
export const CLIENT_LOST = 1 << (OWN_BITS + 9);
/** The server was sent lines of a message where it awaited commands. */
export const MAIL_REFUSED = 1 << (OWN_BITS + 10);
