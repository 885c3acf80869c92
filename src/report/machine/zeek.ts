import type { Analysis } from '../../analyze.js';
import { sha256 } from '../../platform/platform.js';
import { lastHello } from '../../smtp/hello.js';
import type { SmtpMessage, SmtpReply, SmtpSession } from '../../smtp/session.js';
import { inPieces } from '../chunked.js';
import { decodeOctets, escapeJson } from '../printable.js';
import { communityId } from './community-id.js';

/** Findings that one line names. */
const MAX_FINDINGS = 50;

/**
 * One line for each message, and one for a session without any, with the names of Zeek's `smtp.log` in JSON; what Zeek
 * does not know is under `mailwitness`. Headers other than the Message-ID are not kept and are absent.
 *
 * `uid` is made of both ends and the time: the same every time, and not the one that Zeek would draw.
 */
export function zeekReport(analysis: Analysis): Iterable<string> {
  return inPieces(zeekLines(analysis));
}

function* zeekLines(analysis: Analysis): Generator<string> {
  const found = new Map<string, { finding: string; rule: string; fingerprint: string }[]>();
  for (const { id, rule, fingerprint, sessions } of analysis.findings) {
    for (const session of sessions) {
      const list = found.get(session);
      if (!list) found.set(session, [{ finding: id, rule, fingerprint }]);
      else if (list.length < MAX_FINDINGS) list.push({ finding: id, rule, fingerprint });
    }
  }
  for (const session of analysis.sessions()) {
    if (session.protocol !== 'smtp') continue;
    const shared = sessionFields(session);
    const findings = found.get(session.id) ?? [];
    const messages: readonly (SmtpMessage | null)[] = session.messages.length > 0 ? session.messages : [null];
    for (const [index, message] of messages.entries()) {
      const line = {
        ts: seconds(message?.time ?? session.start),
        ...shared,
        trans_depth: index + 1,
        ...(message && messageFields(message)),
        last_reply: lastReply(session, message),
        tls: session.encryptedFrom !== null,
        mailwitness: {
          session: session.id,
          first_packet: session.firstFrame,
          ...(message && { message: message.id, accepted: message.accepted, digest: message.digest }),
          findings,
        },
      };
      yield `${escapeJson(JSON.stringify(line))}\n`;
    }
  }
}

function sessionFields(session: SmtpSession): object {
  const { client, server } = session;
  const hello = lastHello(session.exchanges);
  return {
    uid: uid(session),
    'id.orig_h': client.address,
    'id.orig_p': client.port,
    'id.resp_h': server.address,
    'id.resp_p': server.port,
    community_id: communityId(client, server),
    ...(hello?.argument && { helo: decodeOctets(hello.argument) }),
  };
}

function messageFields({ fromSeen, from, to, messageId }: SmtpMessage): object {
  return {
    ...(fromSeen && { mailfrom: decodeOctets(from) }),
    rcptto: to.map(decodeOctets),
    ...(messageId !== null && { msg_id: decodeOctets(messageId) }),
  };
}

/** Of the message's end, or of the session. */
function lastReply({ exchanges }: SmtpSession, message: SmtpMessage | null): string | undefined {
  const reply =
    message === null
      ? exchanges.findLast((exchange) => exchange.reply !== null)?.reply
      : message.endExchange === null
        ? undefined
        : exchanges[message.endExchange]?.reply;
  return reply ? replyText(reply) : undefined;
}

function replyText({ lines }: SmtpReply): string | undefined {
  const last = lines.at(-1);
  return last && decodeOctets(last.text);
}

function seconds(time: SmtpSession['start']): number | undefined {
  return time === null || Number.isNaN(time.us) ? undefined : time.us / 1e6;
}

function uid({ client, server, start }: SmtpSession): string {
  const named = [client.address, client.port, server.address, server.port, start?.us ?? ''].join(' ');
  return `C${sha256(named).toString('base64').replace(/[+/]/g, '').slice(0, 17)}`;
}
