/**
 * The part of the library that needs no files and no threads: octets in, an analysis out. In a browser it is one file
 * without an import (`dist/web/core.js`); in Node it is this module.
 */
import type { Analysis } from './analyze.js';
import { type AnalyzeOptions, analyze as analyzeAny } from './api/analyze.js';
import { type CompareOptions, compare as compareAny } from './api/compare.js';
import type { CaptureOctets, NamedCapture } from './api/input.js';
import type { Comparison } from './compare/compare.js';

export type { Analysis, CaptureResult } from './analyze.js';
export type { CaptureOctets, NamedCapture, OctetBlob } from './api/input.js';
export { type RenderOptions, render } from './api/render.js';
export type { Comparison } from './compare/compare.js';
export type { ReportFormat } from './report/formats.js';
export { catalog } from './rules/catalog.js';
export { FirewallLogReader } from './syslog/reader.js';

/** A capture that is not a file. */
export type OctetCapture = CaptureOctets | NamedCapture;

/**
 * As `analyze` of the whole library, of octets.
 *
 * @throws TypeError for a wrong argument, the name of a file among them
 * @example const analysis = await analyze({ name: 'mail.pcap', octets: file });
 */
export async function analyze(
  captures: OctetCapture | readonly OctetCapture[],
  options?: Omit<AnalyzeOptions, 'jobs'>,
): Promise<Analysis> {
  for (const capture of Array.isArray(captures) ? (captures as unknown[]) : [captures]) refuseName(capture);
  return analyzeAny(captures, options);
}

/** As `compare` of the whole library, of octets. @throws TypeError for a wrong argument, the name of a file among them */
export async function compare(
  inside: OctetCapture,
  outside: OctetCapture,
  options?: Omit<CompareOptions, 'jobs'>,
): Promise<Comparison> {
  refuseName(inside);
  refuseName(outside);
  return compareAny(inside, outside, options);
}

function refuseName(capture: unknown): void {
  if (typeof capture !== 'string') return;
  throw new TypeError('mailwitness/core takes octets, not the names of files: those are for mailwitness.');
}
