import type { Analysis } from '../analyze.js';
import type { Confidence, Finding } from '../rules/finding.js';
import { enumerate, plural, thousands } from './columns.js';
import { printableOctets, printableText } from './printable.js';
import type { Survey } from './survey.js';

/** `took`, `taken`, `AUTH away`: what was done, for "A firewall took .." and "A firewall may have taken ..". */
type Deed = readonly [past: string, participle: string, object: string];

/** What a firewall did to the dialogue, in the order in which it is told. */
const DEEDS: Readonly<Record<string, (findings: readonly Finding[]) => Deed>> = {
  'banner-masked': () => ['overwrote', 'overwritten', "the server's greeting"],
  'banner-proxy': (findings) => {
    const products = enumerate(argValues(findings, 'product'));
    return ['answered', 'answered', `in the server's place${products ? ` (${products})` : ''}`];
  },
  'greeting-stalled': () => ['left', 'left', 'clients waiting for the end of the greeting'],
  'capability-masked': (findings) => ['hid', 'hidden', keywordCount(findings)],
  'capability-removed': () => ['removed', 'removed', 'ESMTP keywords'],
  'verb-masked': (findings) => ['overwrote', 'overwritten', verbs(findings)],
  'verb-swallowed': (findings) => ['swallowed', 'swallowed', verbs(findings)],
  'ehlo-rejected': () => ['broke', 'broken', 'EHLO'],
  'auth-dropped': () => ['took', 'taken', 'AUTH away'],
  'starttls-stripped': () => ['took', 'taken', 'STARTTLS away'],
  'link2state-dropped': (findings) => ['took', 'taken', `${verbs(findings)} away`],
  'verb-rejected': (findings) => ['had', 'had', `${verbs(findings)} refused`],
};

/** What became of mail. The rules see that it happened; who did it is another question. */
const CONSEQUENCES: Readonly<Record<string, (findings: readonly Finding[]) => string>> = {
  'relay-denied-after-auth-dropped': () => 'a recipient was refused as relaying',
  '8bitmime-rejected': () => '8-bit mail was refused',
  'ndr-8bitmime': () => 'mail came back for its body type',
  'end-of-data-unacknowledged': (findings) =>
    findings.length === 1
      ? 'the end of a message was never answered'
      : `the ends of ${plural(findings.length, 'message')} were never answered`,
  'duplicate-delivery': (findings) => {
    const copies = Math.max(
      0,
      ...findings.map(({ args }) => (typeof args.copies === 'number' ? args.copies : 0)),
    );
    if (findings.length > 1) return `${plural(findings.length, 'message')} were sent more than once`;
    return `a message was sent ${copies > 1 ? `${copies} times` : 'more than once'}`;
  },
};

const LEVELS: readonly Confidence[] = ['certain', 'likely', 'possible'];

/** Clauses that one sentence bears. */
const MAX_CLAUSES = 3;

/** The outcome in one sentence that can stand alone; what limits it follows as sentences of its own. */
export function verdict(analysis: Analysis, { smtp, other, partly, clients }: Survey): string {
  const limits = damage(analysis);
  const serious = analysis.findings.filter((finding) => finding.severity !== 'info');
  if (serious.length > 0) return [accusation(serious, clients), ...limits].join(' ');
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

function accusation(findings: readonly Finding[], clients: Survey['clients']): string {
  const deeds = clauses(findings, DEEDS);
  const happened = clauses(findings, CONSEQUENCES)
    .map(({ clause }) => clause)
    .slice(0, MAX_CLAUSES);
  const where = place(findings, clients);
  if (deeds.length === 0) {
    if (happened.length === 0) return `Mail between ${where} met something that is no plain SMTP.`;
    return `Between ${where}, ${enumerate(happened)}; a firewall may be why.`;
  }
  const best = LEVELS.find((level) => deeds.some(({ confidence }) => confidence === level))!;
  const main = deeds.filter(({ confidence }) => confidence === best);
  const phrases = main.slice(0, MAX_CLAUSES).map(({ clause }) => phrase(clause, best));
  const next = LEVELS.find((level) => level !== best && deeds.some(({ confidence }) => confidence === level));
  const also = deeds.filter(({ confidence }) => confidence === next).slice(0, MAX_CLAUSES - phrases.length);
  const word = { certain: '', likely: 'probably ', possible: 'may have ' } as const;
  let sentence = `A firewall between ${where} ${word[best]}${enumerate(phrases)}`;
  if (next && also.length > 0) {
    sentence += `, and ${word[next]}${enumerate(also.map(({ clause }) => phrase(clause, next)))}`;
  }
  if (happened.length > 0) sentence += `; ${enumerate(happened)}`;
  return `${sentence}.`;
}

function phrase([past, participle, object]: Deed, confidence: Confidence): string {
  return `${confidence === 'possible' ? participle : past} ${object}`;
}

/** One clause for each rule that spoke, in the order of the table. */
function clauses<T>(
  findings: readonly Finding[],
  table: Readonly<Record<string, (findings: readonly Finding[]) => T>>,
): { clause: T; confidence: Confidence }[] {
  const told: { clause: T; confidence: Confidence }[] = [];
  for (const [rule, clause] of Object.entries(table)) {
    const spoken = findings.filter((finding) => finding.rule === rule);
    const confidence = LEVELS.find((level) => spoken.some((finding) => finding.confidence === level));
    if (confidence) told.push({ clause: clause(spoken), confidence });
  }
  return told;
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

/** A masked line is a finding of its own; several servers are not added up. */
function keywordCount(findings: readonly Finding[]): string {
  const servers = new Set(findings.map(({ server }) => `${server.address} ${server.port}`));
  return servers.size === 1 ? plural(findings.length, 'ESMTP keyword') : 'ESMTP keywords';
}

/** `EHLO and STARTTLS`, or `commands` where it is not known which. */
function verbs(findings: readonly Finding[]): string {
  const named = argValues(findings, 'verb');
  if (named.length > 0 && named.length <= 3) return enumerate(named);
  return findings.length === 1 ? 'a command' : 'commands';
}

function argValues(findings: readonly Finding[], name: string): string[] {
  const values = findings.map(({ args }) => args[name]).filter((value) => typeof value === 'string');
  return [...new Set(values.map((value) => printableOctets(value).slice(0, 40)))];
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
  const name = printableText(file.split(/[/\\]/).findLast((part) => part !== '') ?? file);
  return name.length > 40 ? `${name.slice(0, 39)}…` : name;
}
