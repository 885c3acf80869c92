import type { Analysis } from '../analyze.js';
import type { Confidence, Finding } from '../finding/finding.js';
import { enumerate, plural, thousands } from '../finding/words.js';
import { printableOctets, printableText } from './printable.js';
import type { Survey } from './session-counts.js';

/** What was done, for "A firewall took .." and "A firewall may have taken ..". Deeds with one tail are told together. */
interface Deed {
  readonly past: string;
  readonly participle: string;
  readonly objects: readonly string[];
  readonly tail?: string;
}

interface Told<T> {
  readonly clause: T;
  readonly confidence: Confidence;
}

const overwrote = (...objects: string[]): Deed => ({ past: 'overwrote', participle: 'overwritten', objects });
const took = (...objects: string[]): Deed => ({ past: 'took', participle: 'taken', objects, tail: ' away' });

/** What a firewall did to the dialogue, in the order in which it is told. */
const DEEDS: Readonly<Record<string, (findings: readonly Finding[]) => Deed>> = {
  'banner-masked': () => overwrote("the server's greeting"),
  'banner-proxy': (findings) => {
    const products = argValues(findings, 'product');
    const name = products.length > 0 && products.length <= 3 ? ` (${enumerate(products)})` : '';
    return { past: 'answered', participle: 'answered', objects: [`in the server's place${name}`] };
  },
  'reply-spoofed': () => ({ past: 'answered', participle: 'answered', objects: ["in the server's name"] }),
  'greeting-stalled': () => ({
    past: 'left',
    participle: 'left',
    objects: ['clients waiting for the end of the greeting'],
  }),
  'capability-masked': (findings) => ({ past: 'hid', participle: 'hidden', objects: [keywords(findings)] }),
  'capability-removed': () => ({ past: 'removed', participle: 'removed', objects: ['ESMTP keywords'] }),
  'auth-dropped': () => took('AUTH'),
  'starttls-stripped': () => took('STARTTLS'),
  'tls-handshake-broken': () => ({ past: 'broke', participle: 'broken', objects: ['the TLS handshake'] }),
  'link2state-dropped': (findings) => took(...verbs(findings)),
  'ehlo-rejected': () => ({ past: 'broke', participle: 'broken', objects: ['EHLO'] }),
  'verb-masked': (findings) => overwrote(...verbs(findings)),
  'verb-swallowed': (findings) => ({ past: 'swallowed', participle: 'swallowed', objects: verbs(findings) }),
  'verb-rejected': (findings) => ({
    past: 'had',
    participle: 'had',
    objects: verbs(findings),
    tail: ' refused',
  }),
};

/** What became of mail. The rules see that it happened; who did it is another question. */
const CONSEQUENCES: Readonly<Record<string, (findings: readonly Finding[]) => string>> = {
  'relay-denied-after-auth-dropped': () => 'a recipient was refused as relaying',
  '8bitmime-rejected': () => '8-bit mail was refused',
  '8bitmime-unadvertised': () => '8-bit mail was sent without sight of 8BITMIME',
  'ndr-8bitmime': () => 'mail came back for its body type',
  'end-of-data-unacknowledged': (findings) =>
    findings.length === 1
      ? 'the end of a message was never answered'
      : `the ends of ${plural(findings.length, 'message')} were never answered`,
  'char-mode-telnet': () => 'commands typed octet by octet were spoiled',
  'sender-workaround': () => 'the sender works around a PIX by itself',
  'connection-blocked': () => 'connections were not answered, or were refused',
  'segment-over-mss': () => 'segments larger than the receiver allows did not arrive',
  'sack-impossible': () => 'lost packets could not be repaired as TCP means it',
  'end-of-data-split': () => 'messages whose end was split over segments failed',
  'attachment-damaged': (findings) =>
    findings.length === 1
      ? 'an attachment was damaged'
      : `attachments of ${plural(findings.length, 'message')} were damaged`,
  'inspection-limit': () => 'a connection was torn down where a limit of the inspection was crossed',
  'duplicate-delivery': (findings) => {
    const copies = Math.max(
      0,
      ...findings.map(({ args }) => (typeof args.copies === 'number' ? args.copies : 0)),
    );
    if (findings.length > 1) return `${plural(findings.length, 'message')} were sent more than once`;
    const atLeast = findings[0]?.args.atLeast === true ? 'at least ' : '';
    return `a message was sent ${copies > 1 ? `${atLeast}${copies} times` : 'more than once'}`;
  },
};

const LEVELS: readonly Confidence[] = ['certain', 'likely', 'possible'];

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

/** Its cause lies with the sender or the server, for all that the packets show. */
function nothingLost({ rule, args }: Finding): boolean {
  return rule === 'duplicate-delivery' && (args.cause === 'sender' || args.cause === 'slow-acceptance');
}

/** The firewall says so itself, of this very connection. */
function admitted({ witnesses = [] }: Finding): boolean {
  return witnesses.some(({ confirms, joinedBy }) => confirms && joinedBy === 'addresses-and-ports');
}

function accusation(findings: readonly Finding[], clients: Survey['clients']): string {
  const deeds = toldOnce(clauses(findings, DEEDS));
  const happened = clauses(findings, CONSEQUENCES)
    .map(({ clause }) => clause)
    .slice(0, MAX_CLAUSES);
  const where = place(findings, clients);
  if (deeds.length === 0) {
    if (happened.length === 0) return `Mail between ${where} met something that is no plain SMTP.`;
    return findings.every(nothingLost)
      ? `Between ${where}, ${enumerate(happened)}, but nothing was lost on the way.`
      : `Between ${where}, ${enumerate(happened)}; ${findings.every(admitted) ? "the firewall's own log says that it was the firewall" : 'a firewall may be why'}.`;
  }
  const levels = LEVELS.filter((level) => deeds.some(({ confidence }) => confidence === level));
  const told: string[] = [];
  let room = MAX_CLAUSES;
  for (const level of levels.slice(0, 2)) {
    const phrases = joined(deeds.filter(({ confidence }) => confidence === level).map(({ clause }) => clause))
      .slice(0, room)
      .map((deed) => phrase(deed, level));
    room -= phrases.length;
    if (phrases.length > 0)
      told.push(`${{ certain: '', likely: 'probably ', possible: 'may have ' }[level]}${enumerate(phrases)}`);
  }
  const outcome = happened.length > 0 ? `; ${enumerate(happened)}` : '';
  const who = findings.some(({ rule }) => rule === 'banner-proxy') ? 'A firewall or proxy' : 'A firewall';
  return `${who} between ${where} ${told.join(', and ')}${outcome}.`;
}

/** A verb that was taken away need not be told as overwritten, swallowed or refused, too. */
function toldOnce(deeds: readonly Told<Deed>[]): Told<Deed>[] {
  const named = new Set<string>();
  return deeds
    .map(({ clause, confidence }) => {
      const objects = clause.objects.filter((object) => !named.has(object));
      for (const object of objects) named.add(object);
      return { clause: { ...clause, objects }, confidence };
    })
    .filter(({ clause }) => clause.objects.length > 0);
}

/** "took AUTH away" and "took STARTTLS away" become one. */
function joined(deeds: readonly Deed[]): Deed[] {
  const one: Deed[] = [];
  for (const deed of deeds) {
    const index = one.findIndex(
      ({ past, tail }) => past === deed.past && tail !== undefined && tail === deed.tail,
    );
    if (index < 0) one.push(deed);
    else one[index] = { ...deed, objects: [...new Set([...one[index]!.objects, ...deed.objects])] };
  }
  return one;
}

function phrase({ past, participle, objects, tail = '' }: Deed, confidence: Confidence): string {
  return `${confidence === 'possible' ? participle : past} ${enumerate(objects)}${tail}`;
}

/** One clause for each rule that spoke, in the order of the table. */
function clauses<T>(
  findings: readonly Finding[],
  table: Readonly<Record<string, (findings: readonly Finding[]) => T>>,
): Told<T>[] {
  const told: Told<T>[] = [];
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

/** A masked line is a finding of its own: as many as one session showed. Several servers are not added up. */
function keywords(findings: readonly Finding[]): string {
  const servers = new Set(findings.map(({ server }) => `${server.address} ${server.port}`));
  if (servers.size > 1) return 'ESMTP keywords';
  const lines = new Map<string, number>();
  for (const { sessions } of findings) for (const id of sessions) lines.set(id, (lines.get(id) ?? 0) + 1);
  const most = Math.max(1, ...lines.values());
  return most === 1 ? 'an ESMTP keyword' : plural(most, 'ESMTP keyword');
}

/** `EHLO` and `STARTTLS`, or `commands` where it is not known which. */
function verbs(findings: readonly Finding[]): string[] {
  const named = argValues(findings, 'verb');
  if (named.length > 0 && named.length <= 3) return named;
  return [findings.length === 1 ? 'a command' : 'commands'];
}

function argValues(findings: readonly Finding[], name: string): string[] {
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
