/**
 * Our sessions beside another analyzer's account of the same streams, and a line split of what it reassembled.
 */
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze.js';
import type { SmtpSession } from '../../src/smtp/session.js';
import {
  absentReason,
  type PublicCapture,
  type PublicStream,
  publicCaptures,
  publicPath,
} from '../support/public-captures.js';

/** What we say otherwise than the witness, and why we are right to. Key: file, stream, field. */
const EXPLAINED: Record<string, string> = {
  'smtp/arkime__pcap__socks5-smtp-503.pcap 0':
    'SOCKS speaks first on this port: said to be something else, and not read',
  'smtp/zeek__http__connect-with-smtp.pcap 0':
    'HTTP CONNECT speaks first on this port: said to be HTTP, and not read',
  'smtp/pcaps__ppa-capture-files__ftp-crack.pcap 306': 'FTP: said to be something else, and not read',
  'smtp/PcapPlusPlus__PacketExamples__Smtp.pcap 0 replyCodes':
    'the 334 in the last segment lies behind a hole, and the witness stops at the hole',
  'smtp/osi-model__smtp.pcapng 0 messages':
    'the message ends with LF, dot, LF and never with CRLF.CRLF; this server takes it all the same',
  'smtp/arkime__pcap__smtp-subject-windows.pcap 0 clientLines':
    'an empty line comes behind LF, dot, CRLF, in front of the 2xx that ends the message',
  'smtp/arkime__pcap__smtp-subject-windows.pcap 0 messages':
    'the message ends with LF, dot, CRLF and never with CRLF.CRLF; this server takes it all the same',
  'smtp/zeek__Traces__smtp-attachment-msg.pcap 0 messages':
    'one direction only: the witness counts no message without 354, CRLF.CRLF is there',
  'smtp/zeek__Traces__smtp-one-side-only.pcap 0 messages':
    'one direction only: the witness counts no message without 354, CRLF.CRLF is there twice',
  'smtp/zeek__Traces__smtp-mail-transactions-invalid.pcap 0 clientLines':
    'several DATA, some refused: the witness takes the first 354 that comes for the first DATA',
  'smtp/zeek__smtp__smtp-bdat-cmd-chunk-size-overflow.pcap 0 clientLines':
    'the size is refused, so the next line is a command; the witness takes it for the chunk',
  'smtp/zeek__smtp__smtp-bdat-cmd-chunk-size-overflow2.pcap 0 clientLines':
    'the size is refused, so the next line is a command; the witness takes it for the chunk',
  'smtp/zeek__smtp__smtp-bdat-gap.pcap 0 clientLines':
    '1000 octets are missing: the witness puts a remark of another length in their place',
  'smtp/zeek__smtp__smtp-bdat-gap.pcap 0 messages':
    '1000 octets are missing: the witness puts a remark of another length in their place',
  'smtp/zeek__smtp__smtp-many-addresses.pcap.gz 0 clientLines': 'the witness lists the first 600 lines',
  'smtp/zeek__smtp__smtp-many-addresses.pcap.gz 0 replyCodes': 'the witness lists the first 600 lines',
  'smtp/zeek__tcp__truncated-header.pcap 0 session':
    'the first SYN is cut inside its TCP header: the session begins with the next packet here',
};

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

describe('sessions of public captures', () => {
  it.skipIf(withStreams.length > 0)(absentReason, () => {
    console.log(absentReason);
  });

  it.each(withStreams)('$file', async (capture) => {
    const sessions = await sessionsOf(capture);
    const differences: string[] = [];
    for (const stream of capture.smtp_streams!) {
      const session = find(sessions, stream);
      const key = `${capture.file} ${stream.tcp_stream}`;
      if (EXPLAINED[key]) {
        expect(session?.protocol).toMatch(/^(other|http|unknown)$/);
        continue;
      }
      if (!session) {
        if (!EXPLAINED[`${key} session`]) differences.push(`${key} session: not found`);
        continue;
      }
      const [we, they] = [ours(session), theirs(stream)];
      if (stream.caution?.some((caution) => caution.startsWith('no server replies'))) {
        they.clientLines = upToData(they.clientLines);
        we.clientLines = upToData(we.clientLines);
      }
      for (const field of Object.keys(we) as (keyof Account)[]) {
        const [a, b] = [JSON.stringify(we[field]), JSON.stringify(they[field])];
        if (a !== b && !EXPLAINED[`${key} ${field}`])
          differences.push(`${key} ${field}:\n  ours   ${a}\n  theirs ${b}`);
      }
    }
    expect(differences.join('\n')).toBe('');
  });
});
