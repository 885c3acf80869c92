import { NO_CODE, replyCodeOf } from './reply.js';
import type { Extension, SmtpLine, SmtpReply } from './session.js';

/**
 * The service extensions that an EHLO reply lists: every line but the first, masked ones included.
 * RFC 5321 §4.1.1.1.
 */
export function extensionsOf(reply: SmtpReply): readonly Extension[] {
  const extensions: Extension[] = [];
  for (let index = 1; index < reply.lines.length; index++) {
    const extension = readLine(reply.lines[index]!);
    if (extension !== null) extensions.push(extension);
  }
  return extensions;
}

/** null: it lists nothing. */
function readLine(line: SmtpLine): Extension | null {
  const text = replyCodeOf(line.text) === NO_CODE ? line.text : line.text.slice(4);
  const words = text.trimStart();
  if (words === '') return null;
  const end = firstBlank(words);
  return { text, keyword: (end < 0 ? words : words.slice(0, end)).toUpperCase(), line };
}

function firstBlank(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x20 || code === 0x09) return at;
  }
  return -1;
}
