/**
 * Our sessions beside another analyzer's account of the same streams, and a line split of what it reassembled.
 */
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze.js';
import type { SmtpSession } from '../../src/smtp/session.js';
import { needs } from '../support/needs.js';
import {
  differencesOf,
  type PublicCapture,
  type PublicStream,
  publicCaptures,
  publicPath,
} from '../support/public-captures.js';

/** What we say otherwise than the witness, and why we are right to. Key: file, stream, field. */

/** Those are explained in docs/public-captures.md, and no others. */
const withStreams = publicCaptures.filter((capture) => (capture.smtp_streams?.length ?? 0) > 0);

interface Account {
  banner: string | null;
  replyCodes: number[];
  clientLines: string[];
  messages: number;
  starttlsSent: boolean;
}

function ours(session: SmtpSession): Account {
  const replies = session.exchanges
    .flatMap((exchange) => [exchange.intermediate, exchange.reply])
    .filter((reply) => reply !== null)
    .filter((reply) => reply.code !== null && reply.complete)
    .map((reply) => ({ code: reply.code!, offset: reply.lines[0]?.offset ?? 0 }))
    .sort((a, b) => a.offset - b.offset);
  const lines = session.exchanges.filter((exchange) => exchange.kind !== 'end-of-data' && exchange.line);
  const greeting = session.exchanges.find((exchange) => exchange.kind === 'greeting')?.reply?.lines[0];
  return {
    banner: greeting?.text ?? null,
    replyCodes: replies.map((reply) => reply.code),
    clientLines: lines.map((exchange) => comparable(exchange.line!.text)),
    messages: session.messages.filter((message) => message.terminated && message.transport === 'DATA').length,
    starttlsSent: session.exchanges.some((exchange) => exchange.verb === 'STARTTLS'),
  };
}

function theirs(stream: PublicStream): Account {
  return {
    banner: stream.banner || null,
    replyCodes: stream.reply_lines,
    clientLines: withoutCredentials(stream.client_lines),
    messages: stream.data_messages_terminated,
    starttlsSent: stream.starttls.client_sent,
  };
}

const VERB = /^(EHLO|HELO|MAIL|RCPT|DATA|BDAT|RSET|NOOP|QUIT|VRFY|EXPN|HELP|AUTH|STARTTLS|XCLIENT)\b/i;

/** Their remarks on what is no line, and the exchange after AUTH, which ours replaces. */
function withoutCredentials(lines: readonly string[]): string[] {
  let authenticating = false;
  const kept: string[] = [];
  for (const line of lines) {
    if (line === '<TLS>' || line === '<unterminated DATA>') continue;
    if (VERB.test(line)) authenticating = /^AUTH\b/i.test(line);
    kept.push(authenticating && !VERB.test(line) ? `[${line.length} octets]` : comparable(line));
  }
  return kept;
}

/** Credentials are replaced in ours; compared is what stays. */
function comparable(text: string): string {
  if (/^AUTH /i.test(text)) return text.split(' ').slice(0, 2).join(' ').toUpperCase();
  return text.trimEnd();
}

/** Without the server's octets, they cannot tell mail data from commands: compared is what comes first. */
function upToData(lines: readonly string[]): string[] {
  const data = lines.findIndex((line) => /^DATA$/i.test(line));
  return lines.slice(0, data < 0 ? lines.length : data + 1);
}

function find(sessions: readonly SmtpSession[], stream: PublicStream): SmtpSession | undefined {
  const at = (end: { address: string; port: number }) =>
    end.address.includes(':') ? `[${end.address}]:${end.port}` : `${end.address}:${end.port}`;
  return sessions.find(
    (session) =>
      session.firstFrame === stream.first_frame &&
      [at(session.client), at(session.server)].sort().join() === [stream.client, stream.server].sort().join(),
  );
}

async function sessionsOf(capture: PublicCapture): Promise<SmtpSession[]> {
  const ports = [...new Set([25, 587, 2525, ...capture.smtp_streams!.map((stream) => stream.server_port)])];
  const analysis = await analyze([publicPath(capture)], { rules: [], ports });
  return [...analysis.sessions()];
}

/** Says in what our account of a stream is another than theirs. */
function compare(
  session: SmtpSession,
  stream: PublicStream,
  say: (what: string, told: string) => void,
): void {
  const [we, they] = [ours(session), theirs(stream)];
  if (stream.caution?.some((caution) => caution.startsWith('no server replies'))) {
    they.clientLines = upToData(they.clientLines);
    we.clientLines = upToData(we.clientLines);
  }
  for (const field of Object.keys(we) as (keyof Account)[]) {
    const [a, b] = [JSON.stringify(we[field]), JSON.stringify(they[field])];
    if (a !== b) say(field, `\n  ours   ${a}\n  theirs ${b}`);
  }
}

describe('sessions of public captures', needs('public-captures'), () => {
  it('are more than a few', () => expect(withStreams.length).toBeGreaterThan(10));

  it.each(withStreams)('$file', async (capture) => {
    const sessions = await sessionsOf(capture);
    const differences = new Map<string, string>();
    for (const stream of capture.smtp_streams!) {
      const session = find(sessions, stream);
      const say = (what: string, told = ''): void => {
        differences.set(`${stream.tcp_stream} ${what}`, told);
      };
      if (!session) say('session');
      else if (/^(other|http|unknown)$/.test(session.protocol)) say('protocol');
      else compare(session, stream, say);
    }
    const told = [...differences].map((difference) => difference.join(': ')).join('\n');
    expect([...differences.keys()].sort(), told).toEqual(differencesOf('Sessions', capture.file).sort());
  });
});
