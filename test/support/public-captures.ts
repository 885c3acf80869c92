/** A collection of public captures with other programs' readings of them, where it lies beside the project. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { has, PUBLIC_CAPTURES } from './needs.js';

export interface PublicStream {
  tcp_stream: number;
  client: string;
  server: string;
  server_port: number;
  first_frame: number;
  banner?: string;
  reply_lines: number[];
  server_lines: string[];
  client_lines: string[];
  data_messages_terminated: number;
  starttls: { client_sent: boolean; offered: boolean; tls_followed: boolean };
  follow: {
    client_bytes: number;
    server_bytes: number;
    client_sha256: string;
    server_sha256: string;
    gap_marker: boolean;
  };
  tshark_message_ids: string[];
  caution?: string[];
}

export interface PublicCapture {
  file: string;
  category: string;
  format: string;
  compression?: string | null;
  records_by_header_walk: number | null;
  framing_problem?: string | null;
  tcp_streams_on_smtp_ports: number;
  tshark: { tshark_rc: number; packets: number; tcp_streams_total: number };
  smtp_streams?: PublicStream[];
}

/** Empty when the collection is absent: what is about it `needs('public-captures')`. */
export const publicCaptures: readonly PublicCapture[] = has('public-captures')
  ? (JSON.parse(readFileSync(join(PUBLIC_CAPTURES, 'manifest.json'), 'utf8')) as PublicCapture[])
  : [];

export function publicPath(capture: PublicCapture): string {
  return join(PUBLIC_CAPTURES, capture.file);
}

const DOCUMENT = readFileSync(
  join(dirname(fileURLToPath(import.meta.url)), '../../docs/public-captures.md'),
  'utf8',
);

/** The rows of a table of docs/public-captures.md: capture, and stream and what is different. */
export function differencesTold(section: string): { file: string; what: string }[] {
  const table = DOCUMENT.split(`\n## ${section}\n`)[1]!.split('\n## ')[0]!;
  return [...table.matchAll(/^\| `([^`]+)` \| (.*) \| [^|]+ \|$/gm)].map(([, file, what]) => ({
    file: file!,
    what: what!.replaceAll(' | ', ' '),
  }));
}

/** Those of one capture, in the order of the table. */
export function differencesOf(section: string, file: string): string[] {
  return differencesTold(section).flatMap((row) => (row.file === file ? [row.what] : []));
}
