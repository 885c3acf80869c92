import {
  type Analysis,
  analyze as analyzeFiles,
  analyzePart,
  NOTHING_NUMBERED,
  reading,
} from '../analyze.js';
import { capturesReader } from '../reading/captures-reader.js';
import type { CapturesReader } from '../reading/one-by-one.js';
import type { SmtpSession } from '../smtp/session.js';
import type { FirewallLog } from '../syslog/reader.js';
import { byName, type CaptureInput, type OpenableCapture, openable } from './input.js';
import { type CommonOptions, checkedOptions } from './options.js';

/** How captures are read and judged. */
export interface AnalyzeOptions extends CommonOptions {
  /** The firewall's own log, joined to the sessions by address and port: see `FirewallLogReader`. */
  readonly firewallLog?: FirewallLog;
  /** So many files are read at once, each in a thread of its own. Default 1. Octets and streams are read here. */
  readonly jobs?: number;
  /** Octets read so far of the capture of this name, as it lies there; how many it has, or null. Every 16 MiB and at its end. */
  readonly onProgress?: (name: string, octets: number, total: number | null) => void;
  /** Receives each session once, when it closes; it is valid during the call. */
  readonly onSession?: (session: SmtpSession) => void;
}

export const ANALYZE_OPTIONS = ['firewallLog', 'jobs', 'onProgress', 'onSession'] as const;

/**
 * Reads captures one after another and says what a firewall did to the mail in them.
 *
 * A capture is pcap or pcapng, plain or compressed by gzip or zstd. One that cannot be opened, or is damaged, is no error: it
 * has a problem in `captures[..].facts.problems`, and what could be read of it is judged.
 *
 * @param captures  the name of a file, octets, a stream, or a list of these
 * @returns findings with their evidence, sessions, diagnoses, and what could not be judged. Times are microseconds since
 *   1970, text of packets is one character for each octet, frames are numbered from 1 as in Wireshark
 * @throws TypeError for a wrong argument
 * @example
 * const { findings } = await analyze('captures/asa-esmtp-outside.pcap');
 * for (const { rule, message } of findings) console.log(rule, message);
 */
export async function analyze(
  captures: CaptureInput | readonly CaptureInput[],
  options?: AnalyzeOptions,
): Promise<Analysis> {
  const checked = checkedOptions('analyze', options, ANALYZE_OPTIONS);
  const { jobs } = checked;
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs >= 1)) {
    throw new TypeError('The option jobs is a whole number from 1 on.');
  }
  const inputs = (Array.isArray(captures) ? (captures as readonly CaptureInput[]) : [captures]).map(openable);
  if (inputs.length === 0) throw new TypeError('analyze needs a capture, and the list is empty.');
  if (inputs.filter(({ file, read }) => file === '-' && read === null).length > 1) {
    throw new TypeError("Standard input can be read only once, and '-' is named twice.");
  }
  const names = inputs.map(({ file }) => file);
  if (inputs.every(({ read }) => read === null)) return analyzeFiles(names, checked);
  const reader = eachByItself(inputs, checked);
  return (await analyzePart(names, checked, { numbered: NOTHING_NUMBERED, reader })).analysis;
}

/** Two captures may have one name: each has a reader of its own. */
function eachByItself(inputs: readonly OpenableCapture[], options: AnalyzeOptions): CapturesReader {
  return {
    async read(index, place, closed) {
      if (index > 0 && options.signal?.aborted) return null;
      const input = inputs[index]!;
      const how = { ...reading(options), read: byName(input) };
      return (await capturesReader([input.file], how)).read(0, place, closed);
    },
    end: () => Promise.resolve(),
  };
}
