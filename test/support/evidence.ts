/** Evidence captures of captures in memory, and what is in them. */
import { type Analysis, type AnalyzeOptions, analyze } from '../../src/analyze.js';
import type { PacketListener } from '../../src/capture/packet.js';
import { CaptureReader } from '../../src/capture/reader.js';
import { type EvidenceCapture, evidenceCaptures } from '../../src/evidence/evidence-capture.js';
import { PacketCollector, SessionPackets } from '../../src/evidence/packet-collector.js';
import type { StoredPacket } from '../../src/evidence/stored-packet.js';
import { catalog } from '../../src/rules/catalog.js';

/** Reads captures by the names `0`, `1`, .. out of memory. */
export function readerOf(captures: readonly Buffer[]): NonNullable<AnalyzeOptions['read']> {
  return async (file: string, listener: PacketListener) => {
    const reader = new CaptureReader(listener);
    reader.push(Buffer.from(captures[Number(file)]!));
    return reader.end();
  };
}

export function analyzed(captures: readonly Buffer[]): Promise<Analysis> {
  return analyze(
    captures.map((_, index) => String(index)),
    { rules: catalog, read: readerOf(captures) },
  );
}

export async function evidenceOf(...captures: Buffer[]): Promise<EvidenceCapture[]> {
  const analysis = await analyzed(captures);
  const options = { rules: catalog, read: readerOf(captures), application: 'test' };
  const all: EvidenceCapture[] = [];
  for await (const one of evidenceCaptures(analysis, analysis.findings, options)) all.push(one);
  return all;
}

/** All packets of all sessions of one capture, as they are collected. */
export async function collected(
  capture: Buffer,
): Promise<{ sessions: SessionPackets[]; packets: StoredPacket[] }> {
  const analysis = await analyzed([capture]);
  const sessions = [...analysis.sessions()].map(
    (session) => new SessionPackets(session, { octets: 1 << 30 }, 8000),
  );
  const wanted = new Map(sessions.map((one) => [one.session.firstFrame, one]));
  const collector = new PacketCollector(0, [25, 587, 2525], wanted, new Set(), 1e9, { octets: 1 << 30 });
  await readerOf([capture])('0', collector, {});
  collector.end();
  return { sessions, packets: sessions.flatMap(({ packets }) => packets) };
}
