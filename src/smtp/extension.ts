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

function readExtensions(reply: SmtpReply): Extension[] {
  const extensions: Extension[] = [];
  for (let index = 1; index < reply.lines.length; index++) {
    const line = reply.lines[index]!;
    const text = replyCodeOf(line.text) === NO_CODE ? line.text : line.text.slice(4);
    const words = text.trimStart();
    if (words === '') continue;
    const end = firstBlank(words);
    const keyword = (end < 0 ? words : words.slice(0, end)).toUpperCase();
    extensions.push({ text, keyword, line });
  }
  return extensions;
}

function firstBlank(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x20 || code === 0x09) return at;
  }
  return -1;
}
