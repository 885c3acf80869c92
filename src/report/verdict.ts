import type { Analysis } from '../analyze.js';
import { CONFIDENCES, type Confidence, type Finding } from '../finding/finding.js';
import { enumerate, plural, thousands } from '../finding/words.js';
import type { RuleMeta } from '../rules/rule-meta.js';
import type { Consequence, Deed, DeedVerb, Spoken, Verdict } from '../rules/verdict.js';
import { printableOctets, printableText } from './printable.js';
import type { Survey } from './session-counts.js';

/** What one rule adds to the sentence, and how sure it is. */
interface Part<V extends Verdict> {
  readonly verdict: V;
  readonly spoken: Spoken;
  readonly confidence: Confidence;
}

/** A deed whose objects are known. */
interface Phrase {
  readonly verb: DeedVerb;
  readonly objects: readonly string[];
  readonly confidence: Confidence;
}

/** What is only possible blames nobody. */
const ADVERB: Readonly<Record<Exclude<Confidence, 'possible'>, string>> = {
  certain: '',
  likely: 'probably ',
};

const WHO_ELSE_MAY_BE_WHY = "the server's own policy, a load balancer, the sender or the path";
const WHO_MAY_BE_WHY = "the server's own policy, a load balancer, the sender, the path or a firewall";

/** Clauses that one sentence bears. */
const MAX_CLAUSES = 4;

/** Characters of a verb, a product or a file name in the sentence. */
const MAX_NAME = 60;

/** The outcome in one sentence that can stand alone; what limits it follows as sentences of its own. */
export function verdict(
  analysis: Analysis,
  { smtp, other, partly, clients }: Survey,
  leftOut: number,
): string {
  const limits = damage(analysis);
  if (leftOut > 0) limits.push(`${plural(leftOut, 'less certain finding')} left out, as asked for.`);
  const serious = analysis.findings.filter((finding) => finding.severity !== 'info');
  if (serious.length > 0) return [accusation(analysis, serious, clients), ...limits].join(' ');
  if (smtp === 0) return [nothingToJudge(analysis, other), ...limits].join(' ');
  if (partly > 0) {
    limits.unshift(
      smtp === 1
        ? 'It could be judged only in part.'
        : `${partly === smtp ? 'All' : thousands(partly)} of them could be judged only in part.`,
    );
  }
  const notes = analysis.findings.length;
  const aside = notes > 0 ? `, and ${plural(notes, 'note')}` : '';
  return [`No sign of a firewall editing mail in ${plural(smtp, 'session')}${aside}.`, ...limits].join(' ');
}

/** The firewall says so itself, of this very connection. */
function admitted({ witnesses = [] }: Finding): boolean {
  return witnesses.some(({ confirms, joinedBy }) => confirms && joinedBy === 'addresses-and-ports');
}

function whoMayBeWhy(findings: readonly Finding[]): string {
  if (findings.every(admitted)) return "the firewall's own log says that it was the firewall";
  return findings.every(({ confidence }) => confidence === 'possible')
    ? `${WHO_MAY_BE_WHY} may be why`
    : 'a firewall may be why';
}

function accusation({ rules }: Analysis, findings: readonly Finding[], clients: Survey['clients']): string {
  const parts = partsOf(rules, findings);
  const deeds = parts.filter((part) => isKind(part, 'deed'));
  const consequences = parts.filter((part) => isKind(part, 'consequence'));
  const happened = consequences
    .slice(0, MAX_CLAUSES)
    .map(({ verdict: { clause }, spoken }) => (typeof clause === 'string' ? clause : clause(spoken)));
  const where = place(findings, clients);
  if (deeds.length === 0) {
    if (happened.length === 0) return `Mail between ${where} met something that is no plain SMTP.`;
    return consequences.every(isNothingLost)
      ? `Between ${where}, ${enumerate(happened)}, but nothing was lost on the way.`
      : `Between ${where}, ${enumerate(happened)}; ${whoMayBeWhy(findings)}.`;
  }
  const phrases = namedOnce(deeds);
  const blamed = phrases.filter(({ confidence }) => confidence !== 'possible');
  const doubtful = phraseTexts(phrases, 'possible', MAX_CLAUSES);
  if (blamed.length === 0) {
    const seen = enumerate([...happened, `something may have ${enumerate(doubtful)}`]);
    return `Between ${where}, ${seen}; ${WHO_MAY_BE_WHY} may be why.`;
  }
  const sentences: string[] = [];
  let room = MAX_CLAUSES;
  for (const level of ['certain', 'likely'] as const) {
    const texts = phraseTexts(blamed, level, room);
    room -= texts.length;
    if (texts.length > 0) sentences.push(`${ADVERB[level]}${enumerate(texts)}`);
  }
  const outcome = happened.length > 0 ? `; ${enumerate(happened)}` : '';
  const who =
    deeds.find(({ verdict, confidence }) => verdict.who && confidence !== 'possible')?.verdict.who ??
    'A firewall';
  const rest = doubtful.slice(0, room);
  const aside =
    rest.length > 0 ? ` Something may have ${enumerate(rest)}, too: it, or ${WHO_ELSE_MAY_BE_WHY}.` : '';
  return `${who} between ${where} ${sentences.join(', and ')}${outcome}.${aside}`;
}

function phraseTexts(phrases: readonly Phrase[], level: Confidence, limit: number): string[] {
  return joined(phrases.filter(({ confidence }) => confidence === level))
    .slice(0, limit)
    .map(phraseText);
}

/** One part for each rule that spoke, in the order of the sentence. */
function partsOf(rules: readonly RuleMeta[], findings: readonly Finding[]): Part<Verdict>[] {
  const parts: Part<Verdict>[] = [];
  for (const { id, verdict } of rules) {
    const ofRule = findings.filter(({ rule }) => rule === id);
    const confidence = CONFIDENCES.find((level) => ofRule.some((finding) => finding.confidence === level));
    if (!confidence) continue;
    const spoken = { findings: ofRule, texts: (argument: string) => argumentTexts(ofRule, argument) };
    parts.push({ verdict, spoken, confidence });
  }
  return parts.sort((a, b) => a.verdict.order - b.verdict.order);
}

function isKind<K extends Verdict['kind']>(
  part: Part<Verdict>,
  kind: K,
): part is Part<Extract<Verdict, { kind: K }>> {
  return part.verdict.kind === kind;
}

function isNothingLost({ verdict: { nothingLost }, spoken: { findings } }: Part<Consequence>): boolean {
  return nothingLost !== undefined && findings.every(nothingLost);
}

/** A verb that was taken away need not be named as overwritten, swallowed or refused, too. */
function namedOnce(deeds: readonly Part<Deed>[]): Phrase[] {
  const named = new Set<string>();
  return deeds
    .map(({ verdict: { verb, objects: given }, spoken, confidence }) => {
      const all = typeof given === 'function' ? given(spoken) : given;
      const objects = all.filter((object) => !named.has(object));
      for (const object of objects) named.add(object);
      return { verb, objects, confidence };
    })
    .filter(({ objects }) => objects.length > 0);
}

/** "took AUTH away" and "took STARTTLS away" become one. */
function joined(phrases: readonly Phrase[]): Phrase[] {
  const one: Phrase[] = [];
  for (const phrase of phrases) {
    const { past, tail } = phrase.verb;
    const index = one.findIndex(({ verb }) => verb.past === past && tail !== undefined && verb.tail === tail);
    if (index < 0) one.push(phrase);
    else one[index] = { ...phrase, objects: [...new Set([...one[index]!.objects, ...phrase.objects])] };
  }
  return one;
}

function phraseText({ verb: { past, participle, tail }, objects, confidence }: Phrase): string {
  const done = `${confidence === 'possible' ? participle : past} ${enumerate(objects)}`;
  return tail === undefined ? done : `${done} ${tail}`;
}

function place(findings: readonly Finding[], clients: Survey['clients']): string {
  const servers = [...new Set(findings.map(({ server }) => server.address))];
  const peers = new Set<string>();
  for (const finding of findings) {
    for (const id of finding.sessions) {
      const client = clients.get(id);
      if (client !== undefined) peers.add(client);
    }
  }
  const [peer] = peers;
  const left = peer !== undefined && peers.size === 1 ? peer : plural(peers.size, 'client');
  const right = servers.length === 1 ? servers[0]! : plural(servers.length, 'server');
  return `${peers.size === 0 ? 'clients' : printableText(left)} and ${printableText(right)}`;
}

function argumentTexts(findings: readonly Finding[], name: string): string[] {
  const values = findings.map(({ args }) => args[name]).filter((value) => typeof value === 'string');
  return [...new Set(values.map((value) => cutName(printableOctets(value))))];
}

function nothingToJudge({ captures }: Analysis, other: number): string {
  const [first] = captures;
  if (!first) return 'Nothing to judge: nothing was read.';
  const name = captures.length === 1 ? fileName(first.file) : plural(captures.length, 'capture');
  if (captures.every(({ facts }) => facts.packets === 0)) {
    return captures.some(({ facts }) => facts.problems.length > 0)
      ? `Nothing to judge: ${name} could not be read.`
      : `Nothing to judge: ${captures.length === 1 ? 'there is no packet' : 'there are no packets'} in ${name}.`;
  }
  const aside = other > 0 ? ` (${plural(other, 'connection')} to its ports carried none)` : '';
  return `Nothing to judge: no SMTP in ${name}${aside}.`;
}

/** What is wrong with the inputs, unless the sentence in front of it says so already. */
function damage({ captures, interrupted }: Analysis): string[] {
  const damaged = captures.filter(({ facts }) => facts.problems.length > 0);
  const readable = damaged.filter(({ facts }) => facts.packets > 0);
  const sentences: string[] = [];
  const [first] = damaged;
  if (first && (readable.length > 0 || damaged.length < captures.length)) {
    const which =
      damaged.length === 1 ? fileName(first.file) : `${damaged.length} of ${captures.length} captures`;
    sentences.push(`Not all could be read: see ${which} below.`);
  }
  if (interrupted) sentences.push('Reading was interrupted: the rest was not read.');
  return sentences;
}

/** The name without its folders: a sentence is no place for a path. */
export function fileName(file: string): string {
  if (file === '-') return 'standard input';
  return cutName(printableText(file.split(/[/\\]/).findLast((part) => part !== '') ?? file));
}

function cutName(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name;
}
