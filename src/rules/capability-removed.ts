import { EHLO_ACCEPTED } from '../facts/judging.js';
import { extensionsIn } from '../facts/listed.js';
import { greetingOf, sessionMask } from '../facts/mask.js';
import { serverKeyOf } from '../facts/server-key.js';
import { lineEvidence } from '../finding/evidence.js';
import type { Evidence, FindingDraft, SeenIn } from '../finding/finding.js';
import type { Extension, SmtpReply, SmtpSession } from '../smtp/session.js';
import type { Rule } from './rule.js';

/** More lines than these are another server, not a removal. */
const MAX_MISSING = 3;
/** One session is an anecdote. */
const MIN_SESSIONS = 2;

/** Servers that are told apart, and different replies of one: more than these are several servers. */
const MAX_SERVERS = 2_000;
const MAX_VIEWS = 4;
/** Of each reply: clients that are told apart, sessions that are named, and packets that prove it. */
const MAX_CLIENTS = 50;
const MAX_NAMED = 1_000;
const MAX_EVIDENCE = 2;

/** What servers offer to everyone, if at all. AUTH, VRFY, XCLIENT and the like depend on who asks. */
const FOR_EVERYONE = new Set(['STARTTLS', '8BITMIME', 'BINARYMIME', 'ENHANCEDSTATUSCODES', 'DSN']);
/** Who is shown these is known to the server: it tells its clients apart. */
const FOR_FRIENDS = new Set(['XCLIENT', 'XFORWARD', 'XVERP', 'XEXCH50', 'X-LINK2STATE']);

/** One reply to EHLO, and who got it. */
interface View {
  readonly greeting: string;
  readonly lines: readonly string[];
  readonly named: SeenIn[];
  readonly clients: Set<string>;
  sessions: number;
  firstUs: number;
  lastUs: number;
  /** Each keyword line of the first sessions, in their order; behind them the line with the host name. */
  readonly evidence: (readonly Evidence[])[];
}

/**
 * One server shows a keyword line to some clients and not to others, and nothing else differs.
 *
 * Proxies and gateways delete the lines that they do not want used; what is left looks like an honest reply, so that
 * only another client's sight of the same server tells. RFC 5321 §4.1.1.1, RFC 3207 §6.
 */
export const capabilityRemoved: Rule = {
  meta: {
    id: 'capability-removed',
    severity: 'medium',
    title: 'ESMTP keyword missing for some clients',
    summary:
      'A server shows a keyword line to some clients and, meanwhile, not to others; greeting, host name and all other lines are equal.',
    whyItMatters:
      'What is not offered is not used: without STARTTLS mail goes in clear text, without 8BITMIME it comes back, and nothing in the reply shows that a line is gone.',
    remedy: [
      'Capture on both sides of the box in those clients’ path, or ask the server for its keywords from a place without it.',
      'Have the proxy or mail gateway pass the keyword, or take it out of the path.',
    ],
    references: ['RFC 5321 §4.1.1.1', 'RFC 3207 §6', 'KB 320027'],
    symptoms: ['kb320027/5'],
    staysSilent:
      'AUTH, VRFY or ETRN alone; keywords for known clients only (XCLIENT); PIPELINING and CHUNKING as postscreen hides them; anything else that differs (greeting, host name, order, SIZE); more than three lines; a client that gets both (several servers behind one address); all with it before all without it (a change of configuration); EHLO again after STARTTLS or AUTH; masked lines; gaps, midstream.',
    verdict: {
      kind: 'deed',
      order: 60,
      verb: { past: 'removed', participle: 'removed' },
      objects: ['ESMTP keywords'],
    },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['keyword-removed'],
    box: 'signature',
    needs: { occasion: EHLO_ACCEPTED, doubts: 0, seen: 'contrast' },
  },
  create: (context) => {
    const servers = new Map<string, Map<string, View>>();
    const reader = new ShownReader();
    let forgotten = 0;
    /** Sessions with a list of keywords that cannot be held against others. */
    let unlike = 0;
    return {
      session(session) {
        const seen = firstReply(session);
        if (seen === null) {
          if (wasListed(session)) unlike++;
          return;
        }
        const key = serverKeyOf(session);
        let views = servers.get(key);
        if (!views) {
          if (servers.size >= MAX_SERVERS) {
            forgotten++;
            unlike++;
            return;
          }
          views = new Map();
          servers.set(key, views);
        }
        note(views, session, seen, reader.read(seen));
      },
      alone() {
        let sessions = 0;
        for (const views of servers.values()) sessions += isContrast(views) ? 0 : sessionsOf(views);
        return sessions + unlike;
      },
      end() {
        for (const views of servers.values()) {
          if (views.size > MAX_VIEWS) continue;
          for (const without of views.values()) {
            const fuller = fullerView(without, views.values());
            if (fuller) context.report(draftOf(without, fuller.view, fuller.missing));
          }
        }
        if (forgotten > 0) {
          context.notAssessed({
            session: null,
            reason: 'limit',
            detail: `The keywords of ${forgotten} sessions were not compared: only those of ${MAX_SERVERS} servers are.`,
          });
        }
      },
    };
  },
};

/** One client alone is shown what it is shown: only another one shows that a line is missing. */
function isContrast(views: ReadonlyMap<string, View>): boolean {
  if (views.size > MAX_VIEWS) return false;
  const clients = new Set<string>();
  for (const view of views.values()) for (const client of view.clients) clients.add(client);
  return clients.size > 1;
}

function sessionsOf(views: ReadonlyMap<string, View>): number {
  let sessions = 0;
  for (const view of views.values()) sessions += view.sessions;
  return sessions;
}

function wasListed({ exchanges }: SmtpSession): boolean {
  return exchanges.some(({ verb, reply }) => verb === 'EHLO' && reply?.code === 250 && reply.complete);
}

interface FirstReply {
  readonly greeting: SmtpReply;
  readonly reply: SmtpReply;
  readonly extensions: readonly Extension[];
  readonly us: number;
}

/** The reply to the EHLO right behind the greeting, both whole and clear. */
function firstReply(session: SmtpSession): FirstReply | null {
  const greeting = greetingOf(session)?.reply;
  const hello = session.exchanges[1];
  const us = session.start?.us;
  if (greeting?.code !== 220 || us === undefined || sessionMask(session)) return null;
  if (hello?.verb !== 'EHLO' || hello.afterGap || hello.reply?.code !== 250) return null;
  const { reply } = hello;
  if (!greeting.complete || !reply.complete || reply.droppedLines > 0) return null;
  if (!reply.lines.every(({ checksum }) => checksum !== 'invalid')) return null;
  const extensions = extensionsIn(session, reply);
  return extensions.some(isMasked) || extensions.length === 0 ? null : { greeting, reply, extensions, us };
}

function isMasked({ text }: Extension): boolean {
  // Few lines begin so: the expression is seldom asked.
  return (text.length === 1 || text.startsWith('X')) && /^X*[A-Z]$/.test(text);
}

/** What a server has shown, by which views are told apart. */
interface Shown {
  readonly lasting: string;
  /** The reply's first line. */
  readonly hello: string;
  /** Its keyword lines. */
  readonly lines: readonly string[];
  readonly greeting: string;
  readonly key: string;
}

/**
 * Puts together what a session was shown. Mostly it is what the session before was shown: nothing is made anew then, and
 * the key has its hash already.
 */
class ShownReader {
  private newest: Shown | null = null;
  private greeting = '';
  private lasting = '';

  read({ greeting, reply, extensions }: FirstReply): Shown {
    const hello = reply.lines[0]!.text;
    const lasting = this.lastingOf(greeting);
    const { newest } = this;
    if (newest?.lasting === lasting && newest.hello === hello && isSame(newest.lines, extensions))
      return newest;
    const host = hello.slice(4).split(' ', 1)[0]!;
    const lines = extensions.map(({ text }) => text);
    const named = `${lasting}\n${host}`;
    const shown = { lasting, hello, lines, greeting: named, key: `${named}\0${lines.join('\n')}` };
    this.newest = shown;
    return shown;
  }

  /** A greeting without its times and the names of its sessions: what has a digit and is no host and no release. */
  private lastingOf({ lines }: SmtpReply): string {
    const greeting = lines.length === 1 ? lines[0]!.text : lines.map(({ text }) => text).join('\n');
    // Servers without a clock in their greeting always greet alike.
    if (greeting !== this.greeting) {
      this.greeting = greeting;
      this.lasting = lines.map(({ text }) => lastingLine(text.slice(4))).join('\n');
    }
    return this.lasting;
  }
}

function isSame(lines: readonly string[], extensions: readonly Extension[]): boolean {
  if (lines.length !== extensions.length) return false;
  for (let index = 0; index < lines.length; index++)
    if (lines[index] !== extensions[index]!.text) return false;
  return true;
}

function note(
  views: Map<string, View>,
  session: SmtpSession,
  seen: FirstReply,
  { key, greeting, lines }: Shown,
): void {
  let view = views.get(key);
  if (!view) {
    if (views.size > MAX_VIEWS) return;
    view = {
      greeting,
      lines,
      named: [],
      clients: new Set(),
      sessions: 0,
      firstUs: seen.us,
      lastUs: seen.us,
      evidence: [],
    };
    views.set(key, view);
  }
  view.sessions++;
  view.firstUs = Math.min(view.firstUs, seen.us);
  view.lastUs = Math.max(view.lastUs, seen.us);
  if (view.clients.size < MAX_CLIENTS) view.clients.add(session.client.address);
  const { id, capture, server } = session;
  if (view.named.length < MAX_NAMED) view.named.push({ id, capture, server });
  if (view.evidence.length < MAX_EVIDENCE) {
    const shown = [...seen.extensions.map(({ line }) => line), seen.reply.lines[0]!];
    view.evidence.push(shown.map((line) => lineEvidence(session, line, '')));
  }
}

const CALENDAR = /^(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*,?$/i;
const RELEASE = /^[(v]?\d+(?:\.\d+)+\S*$/i;

function lastingLine(text: string): string {
  return text
    .split(/ +/)
    .map((word, index) =>
      index > 0 && (CALENDAR.test(word) || (/\d/.test(word) && !RELEASE.test(word))) ? '#' : word,
    )
    .join(' ');
}

/** The reply with the most sessions that differs from this one by lines that are missing here, and by nothing else. */
function fullerView(without: View, views: Iterable<View>): { view: View; missing: readonly number[] } | null {
  let best: { view: View; missing: readonly number[] } | null = null;
  for (const view of views) {
    if (view.greeting !== without.greeting || view.sessions < MIN_SESSIONS || without.sessions < MIN_SESSIONS)
      continue;
    const missing = missingLines(view.lines, without.lines);
    if (missing === null || !areTelling(missing.map((index) => view.lines[index]!))) continue;
    if (!areMixed(view, without) || [...without.clients].some((client) => view.clients.has(client))) continue;
    if (best === null || view.sessions > best.view.sessions) best = { view, missing };
  }
  return best;
}

/** Where the lines stand that the shorter list lacks; null when that is not all that differs. */
function missingLines(longer: readonly string[], shorter: readonly string[]): number[] | null {
  const count = longer.length - shorter.length;
  if (count < 1 || count > MAX_MISSING) return null;
  const missing: number[] = [];
  for (const [index, line] of longer.entries()) {
    if (line !== shorter[index - missing.length]) missing.push(index);
  }
  return missing.length === count ? missing : null;
}

function areTelling(lines: readonly string[]): boolean {
  const keywords = lines.map((line) => line.split(/[ =]/, 1)[0]!.toUpperCase());
  if (keywords.some((keyword) => FOR_FRIENDS.has(keyword))) return false;
  // Postfix's postscreen has no PIPELINING and no CHUNKING for clients that it does not know yet.
  const chunking = keywords.includes('CHUNKING') && !keywords.includes('PIPELINING');
  return chunking || keywords.some((keyword) => FOR_EVERYONE.has(keyword));
}

/** Neither came to its end before the other began: no change of configuration. */
function areMixed(a: View, b: View): boolean {
  return a.firstUs < b.lastUs && b.firstUs < a.lastUs;
}

function draftOf(without: View, view: View, missing: readonly number[]): FindingDraft {
  const [first, ...rest] = without.named;
  const lines = missing.map((index) => view.lines[index]!.slice(0, 40));
  const named = lines.map((line) => `"${line}"`).join(' and ');
  return {
    session: first!,
    others: [...rest, ...view.named],
    subject: lines.join('\n'),
    confidence: 'possible',
    proof: 'contrast',
    message: `${named} ${lines.length === 1 ? 'is' : 'are'} missing from the EHLO reply that ${who(without)} got, whereas ${who(view)} meanwhile got ${lines.length === 1 ? 'it' : 'them'} from the same server; the greeting and all other lines are equal. A proxy or gateway in the way of the former may have removed ${lines.length === 1 ? 'the line' : 'the lines'}. A server that offers it to some clients only (Postfix \`smtpd_discard_ehlo_keyword_address_maps\`, Exim \`tls_advertise_hosts\` and the like) and several servers behind one address that serve different clients show the same.`,
    args: {
      lines,
      sessionsWithout: without.sessions,
      sessionsWith: view.sessions,
      clientsWithout: without.clients.size,
      clientsWith: view.clients.size,
    },
    evidence: [
      ...without.evidence.map((shown) => ({ ...shown.at(-1)!, note: `the reply without ${named}` })),
      ...view.evidence.flatMap((shown) => missing.map((index) => ({ ...shown[index]!, note: 'shown here' }))),
    ],
  };
}

function who({ clients, sessions }: View): string {
  const [client] = clients;
  const more = clients.size >= MAX_CLIENTS ? `at least ${MAX_CLIENTS}` : clients.size;
  return `${clients.size === 1 ? client : `${more} clients`} (${sessions} sessions)`;
}
