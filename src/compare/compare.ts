import {
  type Analysis,
  type AnalyzeOptions,
  analyzePart,
  DEFAULT_PORTS,
  NOTHING_NUMBERED,
  type Numbered,
  reading,
} from '../analyze.js';
import { type ReadCapture, readCapture } from '../capture/source.js';
import { diagnose } from '../diagnose/diagnose.js';
import { type RuleCheck, UNJUDGED } from '../finding/check.js';
import type { Finding, SeenIn } from '../finding/finding.js';
import { capturesReader } from '../reading/captures-reader.js';
import type { CapturesReader } from '../reading/one-by-one.js';
import type { SmtpSession } from '../smtp/session.js';
import { ChangeFindings } from './change-findings.js';
import { consequencesOf } from './consequences.js';
import { type Differences, differencesOf, type SidedSession } from './differences.js';
import type { WantedOctets } from './message-octets.js';
import type { ClockFit, Difference, Pair, Pairing, Side, Unpaired } from './pair.js';
import { pairSessions } from './pairing.js';
import { readAgain, type Source } from './second-reading.js';
import { SessionKeys } from './session-key.js';
import { type Accept, ofInterface, only, splitOf } from './sides-of-one-file.js';

/** One side's capture, and which of its packets are meant. */
export interface SideInput {
  readonly file: string;
  /** Name or number of the interface; null: all. */
  readonly interface: string | null;
  /** What reads this side, where it is not what reads the other. Default: that of the options. */
  readonly read?: ReadCapture;
}

export type CompareOptions = Omit<AnalyzeOptions, 'onSession'>;

/** A pair and what changed between its two captures. */
export interface ComparedPair extends Pair {
  readonly differences: readonly Difference[];
  /** More than are listed. */
  readonly droppedDifferences: number;
}

/** What two captures of the same traffic say together. */
export interface Comparison {
  /** Both captures, the inside's first: findings that both sides prove have taken the place of those of one side. */
  readonly analysis: Analysis;
  readonly pairs: readonly ComparedPair[];
  readonly unpaired: readonly Unpaired[];
  readonly clock: ClockFit | null;
  /** null: cannot tell. */
  readonly nearerServer: Side | null;
  readonly nearerServerBecause: string;
  /** Which packets of each capture of the analysis are meant; null: all. */
  readonly accepted: readonly (Accept | null)[];
  /** The captures were given the other way round, and have been put right. */
  readonly swapped: boolean;
  /** What the reader should know of how it was done, a sentence each. */
  readonly notes: readonly string[];
}

/** Differences that are kept in all, and of one pair. */
const MAX_DIFFERENCES = 200_000;
const MAX_OF_ONE_PAIR = 1_000;
/** Messages and flights of TLS that are read a second time for the very octets. */
const MAX_MESSAGES = 10_000;

/**
 * Compares the same traffic captured on both sides of a box.
 *
 * Each capture is analysed by itself; sessions are then paired and held against each other. Messages and
 * flights of TLS that differ are read a second time, for their very octets. One file may hold both sides: see `splitOf`.
 *
 * @throws CaptureOpenError never: an input that cannot be opened is a problem of its capture
 */
export async function compare(
  inside: SideInput,
  outside: SideInput,
  options: CompareOptions,
): Promise<Comparison> {
  const notes: string[] = [];
  const readerOf = (side: SideInput) => side.read ?? options.read ?? readCapture;
  const accepted = await acceptedOf(inside, outside, options, notes);
  const isOfFiles = !options.read && !inside.read && !outside.read;
  const atOnce = isOfFiles && (options.jobs ?? 1) > 1 && !accepted.inside && !accepted.outside;
  const both = atOnce ? await capturesReader([inside.file, outside.file], reading(options)) : null;
  const read = async (side: Side, numbered: Numbered): Promise<Read> => {
    const keys = new SessionKeys();
    const input = side === 'inside' ? inside : outside;
    const { file } = input;
    const readFile = readerOf(input);
    const accept = accepted[side];
    const part = await analyzePart(
      [file],
      {
        ...options,
        onSession: (session) => keys.add(session),
        ...(input.read && { read: input.read }),
        ...(accept && {
          read: (name, listener, how) => readFile(name, only(accept, listener), how),
        }),
      },
      { numbered, ...(both && { reader: oneOf(both, side === 'inside' ? 0 : 1, file, options) }) },
    );
    const { analysis } = part;
    for (const { facts } of analysis.captures) keys.cover(facts.first, facts.last);
    return {
      keys,
      analysis,
      file,
      read: readFile,
      accept,
      sessionsBefore: numbered.sessions,
      numbered: part.numbered,
    };
  };
  let first: Read;
  let second: Read;
  try {
    first = await read('inside', NOTHING_NUMBERED);
    second = await read('outside', first.numbered);
  } finally {
    await both?.end();
  }
  const given = pairSessions(first.keys, second.keys);
  const swapped = isSwapped(given, first.analysis, second.analysis);
  const pairing = swapped ? mirrored(given) : given;
  const reads: Readonly<Record<Side, Read>> = swapped
    ? { inside: second, outside: first }
    : { inside: first, outside: second };
  if (swapped) {
    notes.push(
      `The capture given as inside is the one farther from the server: the two were taken the other way round. ${given.nearerServerBecause}`,
    );
  }
  const compared = await compareAll(pairing, reads, options, notes);
  const { findings, superseded } = compared.changes.end(partners(pairing.pairs));
  const all = numberAll(
    [...findings, ...first.analysis.findings, ...second.analysis.findings].filter(
      (finding) => !superseded.has(finding),
    ),
  );
  return {
    analysis: {
      ...merged(first.analysis, second.analysis),
      findings: all,
      diagnoses: diagnose(all, first.analysis.rules),
      checks: checksOfBoth(first.analysis, second.analysis, all, compared.pairs.length),
    },
    pairs: compared.pairs,
    unpaired: pairing.unpaired,
    clock: pairing.clock,
    nearerServer: pairing.nearerServer,
    nearerServerBecause: pairing.nearerServerBecause,
    accepted: [accepted.inside, accepted.outside],
    swapped,
    notes,
  };
}

const NOTHING: Differences = { differences: [], more: 0, needsOctets: [] };

/** One capture as it was read. */
interface Read extends Source {
  readonly keys: SessionKeys;
  readonly analysis: Analysis;
  /** What was numbered with it and before it. */
  readonly numbered: Numbered;
}

/** One of two captures that are read at the same time, as if it were the only one: that one is always begun. */
function oneOf(both: CapturesReader, index: number, file: string, options: CompareOptions): CapturesReader {
  return {
    read: async (_, place, closed) =>
      (await both.read(index, place, closed)) ??
      (await capturesReader([file], reading(options))).read(0, place, closed),
    end: () => Promise.resolve(),
  };
}

/** Which packets belong to which side. */
async function acceptedOf(
  inside: SideInput,
  outside: SideInput,
  { ports, signal }: CompareOptions,
  notes: string[],
): Promise<Readonly<Record<Side, Accept | null>>> {
  const ofSide = ({ interface: name }: SideInput) => (name === null ? null : ofInterface(name));
  const named = { inside: ofSide(inside), outside: ofSide(outside) };
  const isOneFile = inside.file === outside.file && inside.read === outside.read;
  if (!isOneFile || inside.file === '-' || named.inside || named.outside) return named;
  const split = await splitOf(inside.file, ports ?? DEFAULT_PORTS, signal, inside.read).catch(() => null);
  if (!split) {
    notes.push(
      'Both names are of one file, and its packets do not tell the two sides apart: each session is held against itself.',
    );
    return named;
  }
  notes.push(
    `Both sides are in one file; they were told apart by ${split.by}. Inside is taken for the server’s side.`,
  );
  return { inside: split.nearServer, outside: split.nearClient };
}

/**
 * The capture given as inside is the farther one from the server. Right so where mail goes out, which the client's
 * private address shows when it is translated.
 */
function isSwapped(pairing: Pairing, inside: Analysis, outside: Analysis): boolean {
  if (pairing.nearerServer !== 'outside') return false;
  return !pairing.pairs.some((pair) => {
    const within = inside.session(`s${pair.inside}`)?.client.address;
    const without = outside.session(`s${pair.outside}`)?.client.address;
    return within !== without && isPrivate(within) && !isPrivate(without);
  });
}

/** RFC 1918, RFC 4193. */
function isPrivate(address: string | undefined): boolean {
  return (
    address !== undefined && /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|f[cd][0-9a-f]{2}:)/.test(address)
  );
}

function mirrored({ pairs, unpaired, clock, nearerServer, nearerServerBecause }: Pairing): Pairing {
  const other = (side: Side): Side => (side === 'inside' ? 'outside' : 'inside');
  return {
    pairs: pairs.map(({ inside, outside, matchedBy, clockOffsetUs }) => ({
      inside: outside,
      outside: inside,
      matchedBy,
      clockOffsetUs: clockOffsetUs === null ? null : -clockOffsetUs,
    })),
    unpaired: unpaired.map((one) => ({ ...one, side: other(one.side) })),
    clock: clock && { ...clock, offsetUs: -clock.offsetUs, driftPpm: -clock.driftPpm },
    nearerServer: nearerServer && other(nearerServer),
    nearerServerBecause,
  };
}

async function compareAll(
  pairing: Pairing,
  reads: Readonly<Record<Side, Read>>,
  options: CompareOptions,
  notes: string[],
): Promise<{ pairs: ComparedPair[]; changes: ChangeFindings }> {
  const server: Side = pairing.nearerServer === 'outside' ? 'outside' : 'inside';
  const client: Side = server === 'inside' ? 'outside' : 'inside';
  const sided = (side: Side, pair: Pair): SidedSession | null => {
    const session = reads[side].analysis.session(`s${pair[side]}`);
    return session && { side, session };
  };
  const wanted: WantedOctets[] = [];
  const doubts = new Set<Difference>();
  const found: Difference[][] = [];
  const dropped: number[] = [];
  for (const pair of pairing.pairs) {
    const [nearClient, nearServer] = [sided(client, pair), sided(server, pair)];
    const { differences, more, needsOctets } =
      nearClient && nearServer ? differencesOf(nearClient, nearServer) : NOTHING;
    found.push([...differences]);
    dropped.push(more);
    for (const { difference, isDoubt } of needsOctets) if (isDoubt) doubts.add(difference);
    wanted.push(...needsOctets.slice(0, MAX_MESSAGES - wanted.length));
  }
  const octets =
    wanted.length > 0 && !options.signal?.aborted ? await readAgain(wanted, reads, options) : null;
  const changes = new ChangeFindings(options.rules, [
    ...reads.inside.analysis.findings,
    ...reads.outside.analysis.findings,
  ]);
  let room = MAX_DIFFERENCES;
  const pairs = pairing.pairs.map((pair, index): ComparedPair => {
    const all = (octets?.resolve(found[index]!) ?? found[index]!).filter((one) => !doubts.has(one));
    const [nearClient, nearServer] =
      all.length > 0 ? [sided(client, pair), sided(server, pair)] : [null, null];
    if (nearClient && nearServer) {
      const [a, b] = [nearClient.session, nearServer.session];
      changes.add(seenIn(a), seenIn(b), all, consequencesOf(a, all));
    }
    const differences = all.slice(0, Math.min(MAX_OF_ONE_PAIR, room));
    room -= differences.length;
    return { ...pair, differences, droppedDifferences: dropped[index]! + all.length - differences.length };
  });
  const unlisted = pairs.reduce((sum, { droppedDifferences }) => sum + droppedDifferences, 0);
  if (unlisted > 0) notes.push(`${unlisted} more differences are not listed.`);
  return { pairs, changes };
}

function partners(pairs: readonly Pair[]): Map<string, string> {
  const both = pairs.map(({ inside, outside }) => [`s${inside}`, `s${outside}`] as const);
  return new Map([...both, ...both.map(([inside, outside]) => [outside, inside] as const)]);
}

function seenIn({ id, capture, server }: SmtpSession): SeenIn {
  return { id, capture, server };
}

/** One analysis of both. */
function merged(first: Analysis, second: Analysis): Omit<Analysis, 'findings' | 'diagnoses' | 'checks'> {
  return {
    captures: [...first.captures, ...second.captures],
    sessionCount: first.sessionCount + second.sessionCount,
    smtpCount: first.smtpCount + second.smtpCount,
    *sessions() {
      yield* first.sessions();
      yield* second.sessions();
    },
    session: (id) => first.session(id) ?? second.session(id),
    rules: first.rules,
    firewallLog: null,
    notAssessed: [...first.notAssessed, ...second.notAssessed],
    interrupted: first.interrupted || second.interrupted,
  };
}

/**
 * What the rules have judged on both sides. What leaves no trace on one side was seen where its session was paired: the
 * octets of both were held against each other.
 */
function checksOfBoth(
  first: Analysis,
  second: Analysis,
  findings: readonly Finding[],
  pairs: number,
): RuleCheck[] {
  const spoken = new Set(findings.map(({ rule }) => rule));
  return first.checks.map(({ rule, judged, notJudged }, index) => {
    const other = second.checks[index]!;
    const compared = first.rules[index]!.changes.length > 0 ? 2 * pairs : 0;
    const all = UNJUDGED.map((reason) => {
      const sessions = [...notJudged, ...other.notJudged]
        .filter((one) => one.reason === reason)
        .reduce((sum, one) => sum + one.sessions, 0);
      return { reason, sessions: reason === 'viewpoint' ? Math.max(0, sessions - compared) : sessions };
    }).filter(({ sessions }) => sessions > 0);
    const heard = [...notJudged, ...other.notJudged].reduce((sum, { sessions }) => sum + sessions, 0);
    const left = all.reduce((sum, { sessions }) => sum + sessions, 0);
    const sum = judged + other.judged + heard - left;
    const status = spoken.has(rule) ? 'found' : sum > 0 ? 'not-seen' : 'not-checked';
    return { rule, status, judged: sum, notJudged: all };
  });
}

/** In the order of the packets that prove them, with ids of one run. */
function numberAll(findings: readonly Finding[]): Finding[] {
  return [...findings]
    .sort((a, b) => a.capture - b.capture || (a.evidence[0]?.packet ?? 0) - (b.evidence[0]?.packet ?? 0))
    .map((finding, index) => ({ ...finding, id: `f${index + 1}` }));
}
