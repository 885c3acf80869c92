import { type Analysis, type AnalyzeOptions, analyze, DEFAULT_PORTS } from '../analyze.js';
import { CaptureOpenError } from '../capture/capture-error.js';
import { CaptureReader } from '../capture/reader.js';
import { readCapture } from '../capture/source.js';
import { type Comparison, compare } from '../compare/compare.js';
import { only } from '../compare/sides-of-one-file.js';
import { serverKey, serverKeyOf } from '../facts/server-key.js';
import type { Finding } from '../finding/finding.js';
import { blank } from './blanking.js';
import { commentOf, sectionComment } from './comments.js';
import { type ChosenPacket, choices, type Material } from './frame-choice.js';
import { MAX_STORED_OCTETS, PacketCollector, SessionPackets } from './packet-collector.js';
import { type PacketRecord, pcapngFile } from './pcapng-writer.js';
import { foundAgain, type Sameness } from './same-finding.js';
import type { StoredPacket } from './stored-packet.js';

/** Findings of one run that get a file. */
export const MAX_EVIDENCE_CAPTURES = 200;
/** Sessions of one finding whose packets are looked at. */
const MAX_SESSIONS = 16;
/** Exchanges of all those sessions; further sessions are not looked at. */
const MAX_EXCHANGES = 300_000;
/** Packets and octets of one file. */
const MAX_PACKETS = 10_000;
const MAX_OCTETS = 10 << 20;
/** Packets of mail data of a session in which a finding was seen, and of one it is only held against. */
const MAX_BULK = 8000;
const MAX_OTHER_BULK = 200;

/** How evidence captures are made. The first four are what the analysis was made with. */
export interface EvidenceOptions {
  readonly rules: AnalyzeOptions['rules'];
  readonly ports?: AnalyzeOptions['ports'];
  readonly firewallLog?: AnalyzeOptions['firewallLog'];
  readonly read?: AnalyzeOptions['read'];
  /** The analysis is that of a comparison: its findings are proved by both captures. */
  readonly comparison?: Pick<Comparison, 'accepted' | 'swapped'>;
  /** `mailwitness 1.2.3`: stands in the file. */
  readonly application: string;
  /** The last word on what is written: after credentials and text were overwritten, before the check. */
  readonly rewriter?: EvidenceRewriter;
}

/** Changes what an evidence capture tells about who took part, for instance. */
export interface EvidenceRewriter {
  /** @param octets  to be changed in place, checksums included; `packet` has those of the capture, and where its headers are */
  packet(octets: Buffer, packet: StoredPacket): void;
  /** A comment. */
  text(text: string): string;
  /** Text of packets that may be shown, latin1; the result is as long. */
  line(text: string): string;
  /** The name of a capture, by its number. */
  file(file: string, capture: number): string;
  /** The finding as a reading of the rewritten packets must give it. */
  finding(finding: Finding): Finding;
}

/** The evidence capture of one finding; `octets` null: there is none, and why. */
export type EvidenceCapture =
  | { readonly finding: Finding; readonly name: string; readonly octets: Buffer; readonly packets: number }
  | { readonly finding: Finding; readonly name: null; readonly octets: null; readonly reason: string };

/**
 * Makes a capture for each finding, with the packets that prove it and a comment on each.
 *
 * The inputs of the analysis are read a second time, so they must be files. Every capture is itself analysed before it
 * is handed on: it gives the finding again, with the same packets for proof and as surely, and nothing that the whole
 * captures did not give. One of which that is not true is not handed on.
 *
 * @param findings  those of the analysis that are wanted
 * @example
 * const options = { rules: catalog, application: 'mailwitness' };
 * for await (const { name, octets } of evidenceCaptures(analysis, analysis.findings, options)) {
 *   if (octets) writeFileSync(name, octets);
 * }
 */
export async function* evidenceCaptures(
  analysis: Analysis,
  findings: readonly Finding[],
  options: EvidenceOptions,
): AsyncGenerator<EvidenceCapture> {
  const first = findings.slice(0, MAX_EVIDENCE_CAPTURES);
  const neighbours = sessionsOfServers(analysis, first);
  const { sessions, last } = await collect(analysis, first, [...neighbours.values()].flat(), options);
  for (const finding of first) {
    const own = sessionIds(finding);
    const others = (neighbours.get(serverKey(finding.server)) ?? []).filter((id) => !own.includes(id));
    const packetsOf = (ids: readonly string[]): SessionPackets[] =>
      ids.flatMap((id) => sessions.get(id) ?? []);
    const bothSides = options.comparison !== undefined && isOfBothSides(finding, analysis);
    const material = { finding, sessions: packetsOf(own), others: packetsOf(others), last, bothSides };
    yield await evidenceOf(material, analysis, options);
  }
  for (const finding of findings.slice(MAX_EVIDENCE_CAPTURES)) {
    const reason = `only the first ${MAX_EVIDENCE_CAPTURES} findings of a run get one`;
    yield { finding, name: null, octets: null, reason };
  }
}

/** Its sessions are of both captures, and it is no sum of what each of them shows by itself. */
function isOfBothSides({ sessions, confidence, proof }: Finding, analysis: Analysis): boolean {
  const captures = new Set(sessions.slice(0, MAX_SESSIONS).map((id) => analysis.session(id)?.capture));
  return captures.size > 1 && confidence === 'certain' && proof === 'octets';
}

/** Of the finding and the rule only: nothing of a packet is in a name. */
function nameOf({ id, rule }: Finding): string {
  return `${id}-${rule}.pcapng`;
}

function sessionIds({ evidenceSessions = [], sessions }: Finding): string[] {
  return [...new Set([...evidenceSessions, ...sessions.slice(0, MAX_SESSIONS)])].slice(0, MAX_SESSIONS);
}

/** The first sessions of each server in which something was found: some findings weigh them against others. */
function sessionsOfServers(analysis: Analysis, findings: readonly Finding[]): Map<string, string[]> {
  const sessions = new Map(findings.map((finding): [string, string[]] => [serverKey(finding.server), []]));
  for (const session of analysis.sessions()) {
    const list = sessions.get(serverKeyOf(session));
    if (list && list.length < MAX_SESSIONS) list.push(session.id);
  }
  return sessions;
}

/** Reads the captures again, for the packets of the findings' sessions and of their neighbours. */
async function collect(
  analysis: Analysis,
  findings: readonly Finding[],
  neighbours: readonly string[],
  { ports = DEFAULT_PORTS, read = readCapture, comparison }: EvidenceOptions,
): Promise<{ sessions: Map<string, SessionPackets>; last: Map<number, StoredPacket> }> {
  const sessions = new Map<string, SessionPackets>();
  const last = new Map<number, StoredPacket>();
  const budget = { octets: MAX_STORED_OCTETS };
  const ofMessages = { octets: MAX_STORED_OCTETS };
  let exchanges = 0;
  const own = new Set(findings.flatMap(sessionIds));
  for (const id of new Set([...own, ...neighbours])) {
    const session = exchanges < MAX_EXCHANGES ? analysis.session(id) : null;
    exchanges += session?.exchanges.length ?? 0;
    if (session)
      sessions.set(id, new SessionPackets(session, ofMessages, own.has(id) ? MAX_BULK : MAX_OTHER_BULK));
  }
  for (const [capture, { file, facts }] of analysis.captures.entries()) {
    const wanted = new Map<number, SessionPackets>();
    for (const packets of sessions.values()) {
      const { session } = packets;
      if (session.capture === capture) wanted.set(session.firstFrame, packets);
    }
    if (wanted.size === 0) continue;
    const proofs = new Set(
      findings.flatMap(({ evidence }) =>
        evidence.filter((one) => one.capture === capture).map(({ packet }) => packet),
      ),
    );
    // Packet viewers number blocks without a packet too: frames may be more than packets.
    const frames = [...wanted.values()].map(({ session }) => session.lastFrame);
    const lastFrame = Math.max(facts.packets, ...proofs, ...frames);
    const collector = new PacketCollector(capture, ports, wanted, proofs, lastFrame, budget);
    try {
      const accept = comparison?.accepted[capture] ?? null;
      await read(file, accept ? only(accept, collector) : collector, { signal: collector.enough.signal });
    } catch (error) {
      // It was there a moment ago: its findings get no evidence, and say so.
      if (!(error instanceof CaptureOpenError)) throw error;
    }
    collector.end();
    if (collector.last) last.set(capture, collector.last);
  }
  return { sessions, last };
}

async function evidenceOf(
  material: Material,
  analysis: Analysis,
  options: EvidenceOptions,
): Promise<EvidenceCapture> {
  const { finding } = material;
  const name = nameOf(finding);
  let second: readonly ChosenPacket[] | null = null;
  let before = '';
  let tooMany = false;
  for (const chosen of choices(material)) {
    const key = chosen.map(({ packet }) => `${packet.capture}/${packet.frame}`).join();
    if (chosen.length === 0 || key === before) continue;
    before = key;
    const size = chosen.reduce((sum, { packet }) => sum + packet.octets.length, 0);
    tooMany = chosen.length > MAX_PACKETS || size > MAX_OCTETS;
    if (tooMany) continue;
    const octets = fileOf(material, chosen, 'words', analysis, options);
    const sameness = await checked(octets, material, chosen, analysis, options);
    if (sameness === 'words') return { finding, name, octets, packets: chosen.length };
    if (sameness === 'proofs') second ??= chosen;
  }
  if (second === null) return { finding, name: null, octets: null, reason: whyNone(material, tooMany) };
  const octets = fileOf(material, second, 'proofs', analysis, options);
  return { finding, name, octets, packets: second.length };
}

function whyNone({ finding, sessions }: Material, tooMany: boolean): string {
  if (sessions.some(({ fragmented }) => fragmented > 0)) {
    return 'its packets came in IP fragments, in which nothing can be overwritten safely';
  }
  const { length } = sessionIds(finding);
  if (tooMany || sessions.length < length || sessions.some(({ left }) => left > 0)) {
    return 'the packets that prove it are too many for a small file';
  }
  return 'once credentials and text are overwritten, its packets alone do not give the finding again';
}

function fileOf(
  { finding, sessions, others, bothSides }: Material,
  chosen: readonly ChosenPacket[],
  sameness: Exclude<Sameness, null>,
  analysis: Analysis,
  { application, rewriter, comparison }: EvidenceOptions,
): Buffer {
  const keepEightBit = analysis.rules.some(({ id, eightBit }) => eightBit && id === finding.rule);
  const names = analysis.captures.map(({ file }, index) => rewriter?.file(file, index) ?? file);
  const text = (comment: string): string => rewriter?.text(comment) ?? comment;
  const records = chosen.map((one): PacketRecord => {
    const { packet } = one;
    const session = [...sessions, ...others].find((candidate) => candidate.session.id === packet.session);
    const stream = session?.readable.of(packet.direction) ?? null;
    const blanked = blank(packet, stream, keepEightBit, rewriter && ((shown) => rewriter.line(shown)));
    rewriter?.packet(blanked.octets, packet);
    const { linkType, us, ns, digits, originalLength } = packet;
    const comment = text(commentOf(finding, one, blanked, names));
    const interfaceName = comparison && sideOf(packet.capture, comparison.swapped);
    const { octets } = blanked;
    return {
      linkType,
      us,
      ns,
      digits,
      octets,
      originalLength,
      comment,
      ...(interfaceName && { interfaceName }),
    };
  });
  return pcapngFile(records, text(sectionComment(finding, chosen, sameness, names, bothSides)), application);
}

async function checked(
  octets: Buffer,
  { finding, bothSides }: Material,
  chosen: readonly ChosenPacket[],
  analysis: Analysis,
  options: EvidenceOptions,
): Promise<Sameness> {
  const packets = chosen.map(({ packet }) => packet);
  const again = await (bothSides ? comparedAgain(octets, packets, options) : analyzedAgain(octets, options));
  const known = new Set(analysis.findings.map(({ rule }) => rule));
  if (again.some(({ rule }) => !known.has(rule))) return null;
  return foundAgain(options.rewriter?.finding(finding) ?? finding, again, packets);
}

async function analyzedAgain(octets: Buffer, options: EvidenceOptions): Promise<readonly Finding[]> {
  const { findings } = await analyze(['evidence'], rereading(octets, options));
  return findings;
}

const FRAME = /\b(inside|outside), frame (\d+)/g;

/** Both sides of the file held against each other; its messages name the frames of the captures. */
async function comparedAgain(
  octets: Buffer,
  packets: readonly StoredPacket[],
  options: EvidenceOptions,
): Promise<Finding[]> {
  const side = (name: string) => ({ file: 'evidence', interface: name });
  const { analysis } = await compare(side('inside'), side('outside'), rereading(octets, options));
  return analysis.findings.map((finding) => ({
    ...finding,
    message: finding.message.replace(
      FRAME,
      (found, name: string, frame: string) => `${name}, frame ${packets[Number(frame) - 1]?.frame ?? found}`,
    ),
  }));
}

function rereading(
  octets: Buffer,
  { rules, ports, firewallLog }: EvidenceOptions,
): Pick<AnalyzeOptions, 'rules' | 'ports' | 'firewallLog' | 'read'> {
  return {
    rules,
    ...(ports && { ports }),
    ...(firewallLog && { firewallLog }),
    read: async (_file, listener) => {
      const reader = new CaptureReader(listener);
      reader.push(octets);
      return reader.end();
    },
  };
}

function sideOf(capture: number, swapped: boolean): string {
  return (capture === 0) !== swapped ? 'inside' : 'outside';
}
