import type { SmtpReply, SmtpSession } from '../smtp/session.js';
import type { Listed } from './listed.js';
import type { Loss } from './lost-verbs.js';
import type { MaskedGreeting } from './mask.js';
import type { MaskedKeyword } from './templates.js';
import type { JudgedReply, WhoAnswered } from './who-answered.js';

/**
 * What rules ask of a session, each computed by a pure function when the first of them asks, and kept with the session.
 *
 * Every field begins as "not computed yet", so that all objects have one shape; the function named beside a field is
 * the only one that fills it. Twenty-eight rules hear a session one after the other, and several ask the same.
 */
export class SessionFacts {
  /** `flagsOf`; -1 before. */
  flags = -1;
  /** `absenceDoubt`: all doubts, as bits; -1 before. */
  absence = -1;
  /** `serverKeyOf` */
  serverKey: string | null = null;
  /** `sessionMask`; undefined before, since null says that there is no mask. */
  greetingMask: MaskedGreeting | null | undefined = undefined;
  /** `sessionKeywords` */
  maskedKeywords: readonly MaskedKeyword[] | null = null;
  /** `extensionsIn`, `keywordsIn`: of EHLO replies that are not the last. */
  listed: Map<SmtpReply, Listed> | null = null;
  /** `lostVerbs` */
  losses: readonly Loss[] | null = null;
  /** `ehloLost` */
  ehloLost: boolean | null = null;
  /** `whoAnswered` */
  whoAnswered: WhoAnswered | null = null;
  /** `foreignSigns`: the replies of `whoAnswered`, to be looked up. */
  judgedReplies: ReadonlyMap<SmtpReply, JudgedReply> | null = null;
}

/** The facts of a session. The session holds them for this floor without knowing what they are. */
export function factsOf(session: SmtpSession): SessionFacts {
  const { facts } = session;
  if (facts instanceof SessionFacts) return facts;
  const made = new SessionFacts();
  session.facts = made;
  return made;
}
