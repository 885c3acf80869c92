/** Two tables per rule: scripts in which it speaks, and scripts in which it must not. */
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/finding/finding.js';
import type { Rule } from '../../src/rules/rule.js';
import { findings } from './dialogue.js';

export interface Speaks {
  /** One script, or several captures given together. */
  readonly script: string | readonly string[];
  /** Of the first finding. Only what is named is compared. */
  readonly gives: {
    readonly confidence?: Finding['confidence'];
    readonly args?: Readonly<Record<string, unknown>>;
    readonly count?: number;
    readonly findings?: number;
    readonly sessions?: readonly string[];
    /** Of the first evidence: its excerpt. */
    readonly excerpt?: string;
  };
}

export function ruleTable(
  rule: Rule,
  table: {
    readonly speaks: Readonly<Record<string, Speaks>>;
    readonly silent: Readonly<Record<string, string | readonly string[]>>;
  },
): void {
  describe(rule.meta.id, () => {
    it.each(Object.entries(table.speaks))('speaks: %s', async (_, { script, gives }) => {
      const found = await findings(script, [rule]);
      expect(found.length).toBe(gives.findings ?? 1);
      const first = found[0]!;
      expect(first.rule).toBe(rule.meta.id);
      if (gives.confidence) expect(first.confidence).toBe(gives.confidence);
      if (gives.args) expect(first.args).toMatchObject(gives.args);
      if (gives.count) expect(first.count).toBe(gives.count);
      if (gives.sessions) expect(first.sessions).toEqual(gives.sessions);
      if (gives.excerpt) expect(first.evidence[0]!.excerpt).toBe(gives.excerpt);
      for (const evidence of first.evidence) expect(evidence.packet).toBeGreaterThan(0);
    });

    it.each(Object.entries(table.silent))('silent: %s', async (_, script) => {
      const found = await findings(script, [rule]);
      expect(found.map((finding) => finding.message)).toEqual([]);
    });
  });
}

/** Lines of a transaction that works, from EHLO to QUIT. */
export const HONEST = `
  S: 220 mail.example ESMTP Postfix
  C: EHLO client.example
  S: 250-mail.example
  S+ 250-PIPELINING
  S+ 250-SIZE 10240000
  S+ 250-STARTTLS
  S+ 250-AUTH PLAIN LOGIN
  S+ 250 8BITMIME
  C: MAIL FROM:<a@client.example>
  S: 250 2.1.0 Ok
  C: RCPT TO:<b@mail.example>
  S: 250 2.1.5 Ok
  C: DATA
  S: 354 End data with <CR><LF>.<CR><LF>
  C~ Message-ID: <1@client.example>\\r\\nSubject: x\\r\\n\\r\\nhello\\r\\n.\\r\\n
  S: 250 2.0.0 Ok: queued
  C: QUIT
  S: 221 2.0.0 Bye
`;

/** V4: the EHLO reply that one ASA was seen to make of Exchange 2003's. */
export const V4 = `
  S: 220 mail.example Microsoft ESMTP MAIL Service ready
  C: EHLO client.example
  S: 250-mail.example Hello [192.0.2.10]
  S+ 250-XXXA
  S+ 250-SIZE
  S+ 250-ETRN
  S+ 250-PIPELINING
  S+ 250-DSN
  S+ 250-ENHANCEDSTATUSCODES
  S+ 250-8bitmime
  S+ 250-BINARYMIME
  S+ 250-XXXXXXXB
  S+ 250-XXXC
  S+ 250-XXXXXXXXXXXXXXXXXXXXXXXD
  S+ 250-XXXXXXXXXXXE
  S+ 250-AUTH GSSAPI NTLM LOGIN
  S+ 250-XXXXXXXXXF
  S+ 250-XXXXXXXXXXXG
  S+ 250-XXXXXXH
  S+ 250 XI
  C: QUIT
  S: 221 bye
`;

export interface Attempt {
  end: string;
  id?: string;
  to?: string;
  text?: string;
  at?: string;
  where?: string;
}

/**
 * One attempt to deliver one message, in a session of its own.
 *
 * `end` begins with `.` where the end lies in the segment of the body; otherwise with the line that sends it.
 */
export function attempt({
  end,
  id = '<9@client.example>',
  to = 'b',
  text = 'hello',
  at = '',
  where = '',
}: Attempt): string {
  return `
  session ${where}
  S: 220 mail.example ESMTP
  C: HELO client.example
  S: 250 mail.example
  C: MAIL FROM:<a@client.example>
  S: 250 ok
  C: RCPT TO:<${to}@mail.example>
  S: 250 ok
  C: DATA
  S: 354 go
  C~ Message-ID: ${id}\\r\\n\\r\\n${text}\\r\\n${end.startsWith('.') ? end : ''}
  ${end.startsWith('.') ? '' : end}
  ${at}`;
}
