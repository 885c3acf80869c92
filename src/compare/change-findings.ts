import {
  compareConfidence,
  type Evidence,
  type Finding,
  type FindingDraft,
  type Proof,
  type SeenIn,
} from '../finding/finding.js';
import type { Rule, RuleContext } from '../rules/rule.js';
import type { ReportableChange } from '../rules/rule-meta.js';
import { RuleSet } from '../rules/rule-set.js';
import type { Difference, Spot } from './pair.js';
import { isWithheld } from './tls-excerpt.js';

/** What one difference means, for the rule that reports such a change. */
interface Meaning {
  readonly change: ReportableChange;
  readonly subject: string;
  /** As in FindingDraft. */
  readonly enduring?: string;
  readonly message: string;
  readonly args: FindingDraft['args'];
}

/**
 * Makes findings of differences: the ids and the documentation of the rules, now `certain`, since both sides were seen.
 *
 * A finding of one side that says the same of the same server gives way; its args stay where they say more.
 */
export class ChangeFindings {
  private readonly contexts = new Map<string, RuleContext>();
  /** By change: the rule that reports it. */
  private readonly reporting = new Map<ReportableChange, string>();
  private readonly set: RuleSet;
  private readonly singles = new Map<string, Finding[]>();
  private readonly spoken = new Map<string, Set<string>>();

  /** @param singles  what each capture gave by itself */
  constructor(
    rules: readonly Rule[],
    private readonly findings: readonly Finding[],
  ) {
    this.set = new RuleSet(
      rules.map(({ meta }) => ({
        meta,
        create: (context) => {
          this.contexts.set(meta.id, context);
          return {};
        },
      })),
    );
    for (const { meta } of rules) for (const change of meta.changes) this.reporting.set(change, meta.id);
    for (const finding of findings) {
      const list = this.singles.get(finding.rule);
      if (list) list.push(finding);
      else this.singles.set(finding.rule, [finding]);
    }
  }

  /** @param client  the session at the client's side of the box, which names the server as clients do */
  add(client: SeenIn, server: SeenIn, differences: readonly Difference[]): void {
    const refused = new Set(differences.filter(isRefusal).map(({ verb }) => verb));
    for (const difference of differences) {
      // What the box refuses in the server's name is told with that refusal.
      const told = difference.change === 'removed' && refused.has(difference.verb);
      if (!told) this.one(client, server, difference);
    }
  }

  private one(client: SeenIn, server: SeenIn, difference: Difference): void {
    for (const { change, args, ...meaning } of meaningsOf(difference)) {
      const rule = this.reporting.get(change);
      const context = rule === undefined ? undefined : this.contexts.get(rule);
      if (rule === undefined || context === undefined) continue;
      const same = this.singleOf(rule, difference);
      context.report({
        session: client,
        others: [server],
        ...meaning,
        confidence: 'certain',
        proof: 'octets' satisfies Proof,
        args: { ...same?.args, ...args },
        evidence: evidenceOf(difference),
        ...(same && { symptoms: same.symptoms, remedy: same.remedy }),
      });
      this.note(rule, client.id);
      this.note(rule, server.id);
    }
  }

  /**
   * The findings, and those of one side whose place they take. What each side by itself says of the same sessions is
   * told once, by the surer one.
   *
   * @param partner  the session's id in the other capture
   */
  end(partner: ReadonlyMap<string, string>): {
    findings: readonly Finding[];
    superseded: ReadonlySet<Finding>;
  } {
    const superseded = new Set<Finding>();
    const best = new Map<string, Finding>();
    for (const finding of this.findings) {
      const { rule, sessions, confidence } = finding;
      const spoken = this.spoken.get(rule);
      if (spoken !== undefined && sessions.every((id) => spoken.has(id))) {
        superseded.add(finding);
        continue;
      }
      if (!sessions.every((id) => partner.has(id))) continue;
      // The name of a pair is the lower of its two numbers.
      const pairs = sessions.map((id) => lower(id, partner.get(id)!));
      const key = `${rule} ${[...new Set(pairs)].sort().join(' ')}`;
      const other = best.get(key);
      if (other === undefined || other.capture === finding.capture) {
        if (other === undefined) best.set(key, finding);
      } else if (compareConfidence(confidence, other.confidence) < 0) {
        superseded.add(other);
        best.set(key, finding);
      } else superseded.add(finding);
    }
    return { findings: this.set.end().findings, superseded };
  }

  private note(rule: string, session: string): void {
    const sessions = this.spoken.get(rule);
    if (sessions) sessions.add(session);
    else this.spoken.set(rule, new Set([session]));
  }

  /** What one side by itself said of these very octets; or of this rule at all. */
  private singleOf(rule: string, { before, after }: Difference): Finding | undefined {
    const singles = this.singles.get(rule) ?? [];
    const at = (spot: Spot | null) => (finding: Finding) =>
      spot !== null &&
      finding.evidence.some(
        ({ capture, packet, offset }) =>
          capture === spot.capture && packet === spot.packet && offset === spot.offset,
      );
    return singles.find(at(after)) ?? singles.find(at(before));
  }
}

function lower(a: string, b: string): string {
  return Number(a.slice(1)) < Number(b.slice(1)) ? a : b;
}

function meaningsOf(difference: Difference): Meaning[] {
  const { change, subject, verb, before, after } = difference;
  if (change === 'unseen') return [];
  switch (subject) {
    case 'greeting':
      return change === 'altered' ? [greeting(difference)] : [];
    case 'keyword':
      return keyword(difference);
    case 'command':
      return change === 'altered' || change === 'removed' ? command(difference) : [];
    case 'reply':
      if (change === 'answered') return answered(difference);
      return change === 'removed' && verb === '(end-of-data)' ? [endOfData(difference)] : [];
    case 'message':
      if (change === 'removed') return [messageEnd(difference)];
      return change === 'altered'
        ? [
            {
              change: 'message-altered',
              subject: `${before?.session} ${before?.offset}`,
              // Places in one capture do not outlast it.
              enduring: '',
              message: `${octets(difference)} of a message are not the same on both sides: ${frames(difference)}.`,
              args: { octets: difference.octets, kind: change },
            },
          ]
        : [];
    case 'tls':
      return change === 'altered' || change === 'removed' ? [handshake(difference)] : [];
    case 'end-of-data':
      return change === 'removed' ? [endOfData(difference)] : [];
    default:
      return [];
  }

  function greeting({ how }: Difference): Meaning {
    const masked = how === 'stars';
    return {
      change: masked ? 'greeting-masked' : 'greeting-replaced',
      subject: masked ? 'both-sides' : (after?.text ?? ''),
      message: `The server greets with "${excerpt(before)}" (${place(before)}), the client gets "${excerpt(after)}" (${place(after)}): ${octets(difference)} were changed in between.`,
      args: { sent: before?.text ?? null, arrived: after?.text ?? null },
    };
  }
}

/** Record headers in hex: they hold no key. Of what lies behind them, where it is and how much. */
function handshake(difference: Difference): Meaning {
  const { change, direction, before, after } = difference;
  const hex = (spot: Spot | null) => Buffer.from(spot?.text ?? '', 'latin1').toString('hex');
  const who = direction === 'client' ? 'The client' : 'The server';
  const isHead = !isWithheld(before);
  const args = isHead
    ? { sent: hex(before), arrived: after === null ? null : hex(after) }
    : { offset: before?.offset ?? null, octets: difference.octets };
  return {
    change: 'tls-handshake-altered',
    subject: `${direction} ${change}`,
    message: message(),
    args: { who: direction, ...args },
  };

  function message(): string {
    if (!isHead && change === 'removed')
      return `${octets(difference)} of what ${who.toLowerCase()} sent after STARTTLS did not arrive at the other side (${place(before)}).`;
    if (!isHead)
      return `${octets(difference)} of what ${who.toLowerCase()} sent after STARTTLS are not the same on both sides: ${frames(difference)}.`;
    if (change === 'removed')
      return `${who} began its TLS handshake (${hex(before)}, ${place(before)}), and nothing of it arrived at the other side.`;
    if (before?.text === after?.text)
      return `${who} began its TLS handshake with ${hex(before)} (${place(before)}), and ${octets(difference)} behind that arrived changed (${place(after)}).`;
    return `${who} began its TLS handshake with ${hex(before)} (${place(before)}), and ${hex(after)} arrived (${place(after)}).`;
  }
}

/** The end that did not arrive, or the reply to it. */
function endOfData({ direction, before }: Difference): Meaning {
  const lost = direction === 'client' ? 'end' : 'reply';
  return {
    change: lost === 'end' ? 'message-end-lost' : 'final-reply-lost',
    subject: lost,
    message:
      lost === 'end'
        ? `The end of a message was sent (${place(before)}) and did not arrive at the other side: the server never saw it.`
        : `The server answered the end of a message with "${excerpt(before)}" (${place(before)}), and the reply did not arrive at the other side: the sender will send the message again.`,
    args: { lost },
  };
}

/** A message broke off on its way. */
function messageEnd(difference: Difference): Meaning {
  return {
    change: 'message-end-lost',
    subject: 'end',
    message: `${octets(difference)} of a message were sent (${place(difference.before)}) and did not arrive at the other side: the server never saw its end.`,
    args: { lost: 'end' },
  };
}

/** The box said 5xx to what it did not pass on. */
function isRefusal({ change, subject, after }: Difference): boolean {
  return change === 'answered' && subject === 'reply' && after !== null && /^5\d\d/.test(after.text);
}

function keyword(difference: Difference): Meaning[] {
  const { change, before, after } = difference;
  if (!before || (change !== 'altered' && change !== 'removed')) return [];
  if (change === 'altered' && difference.how !== 'xs' && difference.how !== 'stars') return [];
  const line = keywordOf(before.text);
  const name = line.split(/[ =]/)[0]!.toUpperCase();
  const what =
    change === 'altered'
      ? `The server offers "${line}" (${place(before)}), and the client gets "${keywordOf(after?.text ?? '')}" (${place(after)}).`
      : `The server offers "${line}" (${place(before)}), and that line is missing in what the client gets.`;
  const meanings: Meaning[] = [
    {
      change: change === 'altered' ? 'keyword-masked' : 'keyword-removed',
      subject: line,
      message: what,
      args: { name: line, keyword: name, octets: line.length },
    },
  ];
  return [...meanings, lostVerb(name, what, change === 'altered' ? 'masked-keyword' : 'removed-keyword')];
}

function command(difference: Difference): Meaning[] {
  const { change, how, before, after } = difference;
  if (!before) return [];
  const verb = (difference.verb ?? before.text.split(' ')[0] ?? '').toUpperCase();
  const arrived = after ? `"${excerpt(after)}" (${place(after)})` : 'nothing';
  const what = `"${excerpt(before)}" was sent (${place(before)}), and ${arrived} arrived.`;
  const isSwallowed = change === 'removed' || how === 'noop';
  if (!isSwallowed && how !== 'xs') return [];
  return [
    {
      change: isSwallowed ? 'command-swallowed' : 'command-masked',
      subject: verb,
      message: what,
      args: { verb, seenAt: 'both', octets: before.text.length },
    },
    lostVerb(verb, what, isSwallowed ? 'swallowed' : 'masked-verb'),
  ];
}

/** The box answered by itself: with OK what it swallowed, with a refusal in the server's name. */
function answered({ verb, after }: Difference): Meaning[] {
  if (!after || verb === null) return [];
  const refused = /^5\d\d/.test(after.text);
  const what = `The client got "${excerpt(after)}" (${place(after)}) in answer to ${verb}, and the server never said it.`;
  return [
    refused
      ? { change: 'command-refused', subject: verb, message: what, args: { verb } }
      : { change: 'command-swallowed', subject: verb, message: what, args: { verb, reply: after.text } },
    lostVerb(verb, what, refused ? 'refused' : 'swallowed'),
  ];
}

/** Of most verbs no rule reports the loss. */
function lostVerb(verb: string, message: string, how: string): Meaning {
  return { change: `lost ${verb}`, subject: verb, message, args: { verb, how } };
}

/** `250-SIZE 10` without the code. */
function keywordOf(line: string): string {
  return line.replace(/^\d{3}[ -]/, '');
}

function octets({ octets: count }: Difference): string {
  return count === 1 ? '1 octet' : `${count} octets`;
}

function excerpt(spot: Spot | null): string {
  const text = spot?.text ?? '';
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

function place(spot: Spot | null): string {
  return spot === null ? 'not seen' : `${spot.side}, frame ${spot.packet}`;
}

function frames({ before, after }: Difference): string {
  return [before, after]
    .filter((spot) => spot !== null)
    .map(place)
    .join('; ');
}

function evidenceOf({ direction, before, after }: Difference): Evidence[] {
  const one = (spot: Spot | null, note: string): Evidence[] =>
    spot === null
      ? []
      : [
          {
            capture: spot.capture,
            packet: spot.packet,
            time: null,
            direction,
            offset: spot.offset,
            excerpt: spot.text.length > 120 ? `${spot.text.slice(0, 120)}...` : spot.text,
            note,
          },
        ];
  return [...one(before, 'as it was sent'), ...one(after, 'as it arrived')];
}
