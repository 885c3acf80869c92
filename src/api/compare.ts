import { type Comparison, compare as compareSides, type SideInput } from '../compare/compare.js';
import { type CaptureInput, openable } from './input.js';
import { type CommonOptions, checkedOptions } from './options.js';

/** How two captures are read and held against each other. */
export interface CompareOptions extends CommonOptions {
  /** 2: both files are read at once, each in a thread of its own. Default 1. */
  readonly jobs?: number;
  /** Name or number of the interface whose packets are meant, in a pcapng that holds several. Default: all. */
  readonly insideInterface?: string;
  readonly outsideInterface?: string;
}

export const COMPARE_OPTIONS = ['jobs', 'insideInterface', 'outsideInterface'] as const;

/**
 * Holds two captures of the same traffic against each other, taken on both sides of a firewall.
 *
 * Messages that differ are read a second time, for their very octets: of a stream, which can be read once, it is only said
 * that they differ. The same capture may be given twice where it holds both sides.
 *
 * @param inside  the side of the mail server
 * @returns the pairs of sessions with what changed between the two, and one analysis of both captures
 * @throws TypeError for a wrong argument
 * @example
 * const { pairs } = await compare('captures/asa-esmtp-inside.pcap', 'captures/asa-esmtp-outside.pcap');
 * for (const { differences } of pairs) console.log(differences.length);
 */
export async function compare(
  inside: CaptureInput,
  outside: CaptureInput,
  options?: CompareOptions,
): Promise<Comparison> {
  const { insideInterface, outsideInterface, ...common } = checkedOptions(
    'compare',
    options,
    COMPARE_OPTIONS,
  );
  const first = sideOf(inside, insideInterface);
  // The same object is one capture, not two of one name.
  const second =
    outside === inside ? { ...first, ...interfaceOf(outsideInterface) } : sideOf(outside, outsideInterface);
  return compareSides(first, second, common);
}

function sideOf(input: CaptureInput, name: string | undefined): SideInput {
  const { file, read } = openable(input);
  return { file, ...interfaceOf(name), ...(read && { read }) };
}

function interfaceOf(name: unknown): Pick<SideInput, 'interface'> {
  if (name === undefined) return { interface: null };
  if (typeof name !== 'string') throw new TypeError('The interface of a side is the name of one, a string.');
  return { interface: name };
}
