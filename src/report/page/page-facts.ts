import type { Analysis } from '../../analyze.js';
import type { Finding } from '../../finding/finding.js';
import type { SmtpSession } from '../../smtp/session.js';
import { Marks, provingWeight } from '../document/sequence-diagram.js';
import { type Survey, survey } from '../session-counts.js';

/** One delivery of a message that was sent more than once. */
export interface Attempt {
  readonly session: string;
  /** Seconds from the start of the first attempt. */
  readonly fromUs: number;
  readonly toUs: number;
  readonly accepted: boolean | null;
}

/** What a page shows of sessions, put together in one walk over them; holds one session. */
export interface PageFacts {
  readonly seen: Survey;
  /** SMTP sessions with a finding worse than a note; of the others, those judged in part, and the clean ones. */
  readonly found: number;
  readonly part: number;
  readonly clean: number;
  /** Connections without SMTP, of which findings speak, and all others. */
  readonly wordlessFound: number;
  readonly marks: Marks;
  /** The session that shows most of what was found; where nothing was, the first that was judged wholly. */
  readonly example: SmtpSession | null;
  /** By the id of the finding. */
  readonly attempts: ReadonlyMap<string, readonly Attempt[]>;
}

/** Findings whose attempts are drawn. */
const MAX_DRAWN = 3;
const MAX_ATTEMPTS = 20;

export function pageFacts(analysis: Analysis): PageFacts {
  const serious = analysis.findings.filter(({ severity }) => severity !== 'info');
  const marks = new Marks(analysis.findings);
  const withFinding = new Set(serious.flatMap(({ sessions }) => sessions));
  const named = new Set(analysis.findings.flatMap(({ sessions }) => sessions));
  const limited = new Set(analysis.notAssessed.map(({ session }) => session));
  const timeline = new Timeline(analysis);
  let [found, part, clean, wordlessFound] = [0, 0, 0, 0];
  let example: SmtpSession | null = null;
  let most = -1;
  const visit = (session: SmtpSession): void => {
    timeline.session(session);
    if (session.protocol !== 'smtp') {
      if (withFinding.has(session.id)) wordlessFound++;
      return;
    }
    const whole = !limited.has(session.id);
    if (withFinding.has(session.id)) found++;
    else if (whole) clean++;
    else part++;
    const weight = named.has(session.id) ? provingWeight(session, marks) : 0;
    const worth = weight > 0 ? weight : whole ? 0.5 : 0;
    if (worth > most) [example, most] = [session, worth];
  };
  const seen = survey(analysis, visit);
  return { seen, found, part, clean, wordlessFound, marks, example, attempts: timeline.end() };
}

/** Times of the sessions in which a message was sent again. */
class Timeline {
  private readonly wanted = new Map<string, Finding[]>();
  private readonly attempts = new Map<string, Attempt[]>();

  constructor({ rules, findings }: Analysis) {
    const drawn = new Set(rules.filter(({ attempts }) => attempts).map(({ id }) => id));
    for (const finding of findings.filter(({ rule }) => drawn.has(rule)).slice(0, MAX_DRAWN)) {
      this.attempts.set(finding.id, []);
      for (const session of finding.sessions.slice(0, MAX_ATTEMPTS)) {
        this.wanted.set(session, [...(this.wanted.get(session) ?? []), finding]);
      }
    }
  }

  session(session: SmtpSession): void {
    for (const { id, args } of this.wanted.get(session.id) ?? []) {
      const message = session.messages.find(({ messageId }) => messageId === args.messageId);
      const [fromUs, toUs] = [session.start?.us ?? Number.NaN, session.end?.us ?? Number.NaN];
      if (!message || !(toUs >= fromUs)) continue;
      this.attempts.get(id)?.push({ session: session.id, fromUs, toUs, accepted: message.accepted });
    }
  }

  end(): Map<string, Attempt[]> {
    for (const list of this.attempts.values()) list.sort((a, b) => a.fromUs - b.fromUs);
    return this.attempts;
  }
}
