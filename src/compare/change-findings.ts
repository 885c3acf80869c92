import {
  compareConfidence,
  type Evidence,
  type Finding,
  type FindingDraft,
  type SeenIn,
} from '../finding/finding.js';
import type { Rule, RuleContext } from '../rules/rule.js';
import type { ReportableChange } from '../rules/rule-meta.js';
import { RuleSet } from '../rules/rule-set.js';
import { parseCommand } from '../smtp/command.js';
import { type Consequence, evidenceOf, isForged, isRefusal } from './consequences.js';
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
  /** Rules that report the loss of a verb. */
  private readonly ofLoss = new Set<string>();
  private readonly set: RuleSet;
  private readonly singles = new Map<string, Finding[]>();
  private readonly spoken = new Map<string, Set<string>>();
  /** What stood under a mask that the other capture has in clear, by its place. */
  private readonly unmasked = new Map<string, string>();

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
    for (const { meta } of rules) {
      for (const change of meta.changes) {
        this.reporting.set(change, meta.id);
        if (change.startsWith('lost ')) this.ofLoss.add(meta.id);
      }
    }
    for (const finding of findings) {
      const list = this.singles.get(finding.rule);
      if (list) list.push(finding);
      else this.singles.set(finding.rule, [finding]);
    }
  }

  /** @param client  the session at the client's side of the box, which names the server as clients do */
  add(
    client: SeenIn,
    server: SeenIn,
    differences: readonly Difference[],
    consequences: readonly Consequence[],
  ): void {
    const refused = new Set(differences.filter(isRefusal).map(({ verb }) => verb));
    for (const difference of differences) {
      const { change, subject, verb, after } = difference;
      if (change === 'altered' && subject === 'command' && verb !== null && after !== null) {
        this.unmasked.set(spotKey(after), verb);
      }
      // What the box refuses in the server's name is told with that refusal.
      const told = difference.change === 'removed' && refused.has(difference.verb);
      if (!told) this.one(client, server, difference);
    }
    for (const { difference, ...consequence } of consequences) {
      this.report(client, server, consequence, difference);
    }
  }

  private one(client: SeenIn, server: SeenIn, difference: Difference): void {
    for (const meaning of meaningsOf(difference)) {
      const sure = { confidence: 'certain', proof: 'octets' } as const;
      this.report(client, server, { ...meaning, ...sure, evidence: evidenceOf(difference) }, difference);
    }
  }

  private report(
    client: SeenIn,
    server: SeenIn,
    { change, ...draft }: Pick<Meaning, 'change'> & Omit<FindingDraft, 'session' | 'others'>,
    difference: Difference | null,
  ): void {
    const rule = this.reporting.get(change);
    const context = rule === undefined ? undefined : this.contexts.get(rule);
    if (rule === undefined || context === undefined) return;
    const same = difference === null ? undefined : this.singleOf(rule, difference);
    context.report({
      session: client,
      others: [server],
      ...draft,
      args: { ...same?.args, ...draft.args },
      ...(same && { symptoms: same.symptoms, remedy: same.remedy }),
    });
    this.note(rule, client.id);
    this.note(rule, server.id);
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
      const { rule, sessions } = finding;
      const spoken = this.spoken.get(rule);
      if (spoken !== undefined && sessions.every((id) => spoken.has(id))) {
        superseded.add(finding);
        continue;
      }
      if (this.isRefuted(finding)) {
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
      } else if (isSurer(finding, other)) {
        superseded.add(other);
        best.set(key, finding);
      } else superseded.add(finding);
    }
    return { findings: this.set.end().findings, superseded };
  }

  /** It took a masked command for another than the other side shows. */
  private isRefuted({ rule, evidence }: Finding): boolean {
    const commands = evidence.filter(({ direction, offset }) => direction === 'client' && offset !== null);
    return (
      this.ofLoss.has(rule) &&
      commands.length > 0 &&
      commands.every((one) => {
        const verb = this.unmasked.get(spotKey(one));
        return verb !== undefined && this.reporting.get(`lost ${verb}`) !== rule;
      })
    );
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

function spotKey({ capture, packet, offset }: Pick<Evidence, 'capture' | 'packet' | 'offset'>): string {
  return `${capture} ${packet} ${offset}`;
}

/** A note is behind every finding, however sure it is. */
function isSurer(one: Finding, other: Finding): boolean {
  const isNote = one.severity === 'info';
  if (isNote !== (other.severity === 'info')) return !isNote;
  return compareConfidence(one.confidence, other.confidence) < 0;
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
      if (isForged(difference)) return answered(difference);
      return change === 'removed' && verb === '(end-of-data)' ? [endOfData(difference)] : [];
    case 'message':
      if (change === 'removed') return [messageEnd(difference)];
      return change === 'altered'
        ? [
            {
              change: 'message-altered',
              // Places in one capture do not outlast it.
              enduring: '',
              subject: `${before?.session} ${before?.offset}`,
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
  if (change === 'removed') {
    return [
      {
        change: 'command-swallowed',
        subject: verb,
        message: what,
        args: { verb, seenAt: 'both', octets: before.text.length },
      },
      lostVerb(verb, what, 'swallowed'),
    ];
  }
  if (how === 'xs' || how === 'noop') {
    return [
      {
        change: 'command-masked',
        subject: verb,
        message: what,
        args: { verb, seenAt: 'both', octets: before.text.length },
      },
      lostVerb(verb, what, how === 'noop' ? 'swallowed' : 'masked-verb'),
    ];
  }
  return rewritten(difference, before, after, what);
}

/** EHLO as HELO: both are honest by themselves. Other letter case is no change of the verb. RFC 5321 §2.4. */
function rewritten({ verb }: Difference, before: Spot, after: Spot | null, what: string): Meaning[] {
  if (after === null) return [];
  const [sent, arrived] = [parseCommand(before.text), parseCommand(after.text)];
  if (!sent.known || sent.verb !== verb || sent.verb === arrived.verb) return [];
  const cost =
    sent.verb === 'EHLO'
      ? ' Every keyword of the server is lost to this client: no STARTTLS, no AUTH, no SIZE, no 8BITMIME, whatever the server offers.'
      : '';
  return [
    {
      change: 'command-rewritten',
      subject: sent.verb,
      message: `${what}${cost}`,
      args: { verb: sent.verb, arrived: arrived.known ? arrived.verb : null },
    },
    lostVerb(sent.verb, what, 'masked-verb'),
  ];
}

/** The box answered by itself: with OK what it swallowed, with a refusal in the server's name. */
function answered(difference: Difference): Meaning[] {
  const { verb, before, after } = difference;
  // What stands in the place of a verb that is none has no rule; neither has the end of a message.
  if (!after || verb === null || verb.startsWith('(')) return [];
  const refused = isRefusal(difference);
  if (!refused && (before !== null || /^4/.test(after.text))) return [];
  const said =
    before === null ? 'the server never said it' : `the server said "${excerpt(before)}" (${place(before)})`;
  const what = `The client got "${excerpt(after)}" (${place(after)}) in answer to ${verb}, and ${said}.`;
  return [
    refused
      ? {
          change: verb === 'EHLO' ? 'ehlo-refused' : 'command-refused',
          subject: verb,
          message: what,
          args: { verb },
        }
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
