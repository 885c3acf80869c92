import { type Analysis, DEFAULT_PORTS } from '../analyze.js';
import type { Comparison } from '../compare/compare.js';
import { programVersion } from '../platform/platform.js';
import { comparisonReportOf, FORMATS, type ReportFormat, reportOf } from '../report/formats.js';
import { knownOnly } from './options.js';

/** How a report is written. */
export interface RenderOptions {
  /** Ports that were looked at, for reports that name them. Default 25, 587, 2525: give those that `analyze` got. */
  readonly ports?: readonly number[];
  /** Escape sequences for colours in the format `text`. Default false. */
  readonly color?: boolean;
  /** Columns of the format `text`, at least 60. Default 80. */
  readonly width?: number;
  /** All of the format `text`, instead of one screen. Default false. */
  readonly details?: boolean;
}

export const RENDER_OPTIONS = ['ports', 'color', 'width', 'details'] as const;

/**
 * Writes a report of an analysis or of a comparison, in any format of the command line's `-F`: `text`, `json`, `ndjson`, `html`,
 * `markdown`, `jira`, `csv`, `csv-sessions`, `sarif`, `junit`, `eve`, `zeek`. Formats without a form of their own for
 * comparisons report both captures as if one had been read after the other.
 *
 * @returns the report in pieces, made as they are taken: a report of 200,000 sessions is never in memory whole. No piece holds
 *   a control character that came from a packet
 * @throws TypeError for a wrong argument
 * @example
 * const analysis = await analyze('captures/asa-esmtp-outside.pcap');
 * const page = [...(await render(analysis, 'html'))].join('');
 */
export async function render(
  analysis: Analysis | Comparison,
  format: ReportFormat,
  options: RenderOptions = {},
): Promise<Iterable<string>> {
  if (!FORMATS.includes(format)) {
    throw new TypeError(`There is no such format: there are ${FORMATS.join(', ')}.`);
  }
  knownOnly('render', options, RENDER_OPTIONS);
  const { ports = DEFAULT_PORTS, color = false, width = 80, details = false } = options;
  if (!Number.isInteger(width) || width < 60) throw new TypeError('The option width is a number from 60 on.');
  const isComparison = 'pairs' in analysis;
  const whole = isComparison ? analysis.analysis : analysis;
  if (typeof whole?.sessions !== 'function') {
    throw new TypeError('render takes what analyze or compare has returned.');
  }
  const words = { color, width, details, ports, rules: whole.rules };
  return isComparison
    ? comparisonReportOf(analysis, format, words, programVersion())
    : reportOf(whole, format, words, programVersion());
}
