import { NO_CODE, replyCodeOf } from './reply.js';
import type { Extension, SmtpReply } from './session.js';

/** Several rules ask about the same reply, one after the other. */
let newest: { readonly reply: SmtpReply; readonly extensions: readonly Extension[] } | null = null;

/**
 * The service extensions that an EHLO reply lists: every line but the first, masked ones included.
 * RFC 5321 §4.1.1.1.
 */
export function extensionsOf(reply: SmtpReply): readonly Extension[] {
  if (newest?.reply !== reply) newest = { reply, extensions: readExtensions(reply) };
  return newest.extensions;
}

/** What one line lists. */
interface Listed {
  readonly text: string;
  readonly keyword: string;
}

/** Servers list the same lines in each session; longer ones than these are not remembered, nor more of them. */
const MAX_REMEMBERED = 1 << 10;
const MAX_LENGTH = 256;

/**
 * By the text of the line. The line table gives one string for all lines that are equal, so that to look it up takes less
 * than to read it; and what comes of it is one string too, for the rules to compare. The price: what is kept of lines that
 * never come again, a quarter of a megabyte at most.
 */
const remembered = new Map<string, Listed | null>();

function readExtensions(reply: SmtpReply): Extension[] {
  const extensions: Extension[] = [];
  for (let index = 1; index < reply.lines.length; index++) {
    const line = reply.lines[index]!;
    let listed = remembered.get(line.text);
    if (listed === undefined) {
      listed = readLine(line.text);
      if (line.text.length <= MAX_LENGTH) {
        if (remembered.size >= MAX_REMEMBERED) remembered.clear();
        remembered.set(line.text, listed);
      }
    }
    if (listed !== null) extensions.push({ text: listed.text, keyword: listed.keyword, line });
  }
  return extensions;
}

/** null: it lists nothing. */
function readLine(line: string): Listed | null {
  const text = replyCodeOf(line) === NO_CODE ? line : line.slice(4);
  const words = text.trimStart();
  if (words === '') return null;
  const end = firstBlank(words);
  return { text, keyword: (end < 0 ? words : words.slice(0, end)).toUpperCase() };
}

function firstBlank(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x20 || code === 0x09) return at;
  }
  return -1;
}
