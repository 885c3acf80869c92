import { extensionsOf } from '../smtp/extension.js';
import type { Extension, SmtpReply, SmtpSession } from '../smtp/session.js';
import { factsOf } from './session-facts.js';
import { type MaskedKeyword, maskedKeywords, sessionKeywords } from './templates.js';

/** What one EHLO reply of a session lists, where it is not the last one. */
export interface Listed {
  readonly extensions: readonly Extension[];
  readonly keywords: readonly MaskedKeyword[];
}

/** The keyword lines of that EHLO reply, masked ones included. */
export function extensionsIn(session: SmtpSession, reply: SmtpReply): readonly Extension[] {
  return isLast(session, reply) ? session.extensions : listedIn(session, reply).extensions;
}

/** The masked lines of that EHLO reply. */
export function keywordsIn(session: SmtpSession, reply: SmtpReply): readonly MaskedKeyword[] {
  return isLast(session, reply) ? sessionKeywords(session) : listedIn(session, reply).keywords;
}

/** The session has its extensions from its last EHLO reply, line by line. */
function isLast({ extensions }: SmtpSession, reply: SmtpReply): boolean {
  const last = extensions[0]?.line;
  return last !== undefined && reply.lines.includes(last);
}

/** Kept by reply, since a session may hold thousands of messages behind one EHLO and each of them asks. */
function listedIn(session: SmtpSession, reply: SmtpReply): Listed {
  const facts = factsOf(session);
  facts.listed ??= new Map();
  let listed = facts.listed.get(reply);
  if (listed === undefined) {
    const extensions = extensionsOf(reply);
    listed = { extensions, keywords: maskedKeywords(extensions) };
    facts.listed.set(reply, listed);
  }
  return listed;
}
