import { NO_CODE, replyCodeOf } from './reply.js';
import type { Extension, SmtpReply } from './session.js';

/**
 * The service extensions that an EHLO reply lists: every line but the first, masked ones included.
 * RFC 5321 §4.1.1.1.
 */
export function extensionsOf(reply: SmtpReply): Extension[] {
  const extensions: Extension[] = [];
  for (let index = 1; index < reply.lines.length; index++) {
    const line = reply.lines[index]!;
    const text = replyCodeOf(line.text) === NO_CODE ? line.text : line.text.slice(4);
    const words = text.trimStart();
    if (words === '') continue;
    const end = words.search(/[ \t]/);
    const keyword = (end < 0 ? words : words.slice(0, end)).toUpperCase();
    extensions.push({ text, keyword, line });
  }
  return extensions;
}
