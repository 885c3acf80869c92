import type { Extension, SmtpReply } from './session.js';

/**
 * The service extensions that an EHLO reply lists: every line but the first, masked ones included.
 * RFC 5321 §4.1.1.1.
 */
export function extensionsOf(reply: SmtpReply): Extension[] {
  const extensions: Extension[] = [];
  for (let index = 1; index < reply.lines.length; index++) {
    const line = reply.lines[index]!;
    const text = /^\d{3}(?:[ -]|$)/.test(line.text) ? line.text.slice(4) : line.text;
    const keyword = /^[ \t]*([^ \t]+)/.exec(text)?.[1];
    if (keyword !== undefined) extensions.push({ text, keyword: keyword.toUpperCase(), line });
  }
  return extensions;
}
