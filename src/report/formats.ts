import type { Analysis } from '../analyze.js';
import type { Comparison } from '../compare/compare.js';
import type { RuleMeta } from '../rules/rule-meta.js';
import type { TextOptions } from './text/text.js';

/** Every form that a report has, by its name on the command line. */
export const FORMATS = [
  'text',
  'json',
  'ndjson',
  'html',
  'markdown',
  'jira',
  'csv',
  'csv-sessions',
  'sarif',
  'junit',
  'eve',
  'zeek',
] as const;

export type ReportFormat = (typeof FORMATS)[number];

/** What reports say beside the analysis; `rules` are those that were asked. */
export type ReportOptions = TextOptions & { readonly rules: readonly RuleMeta[] };

/** Only the report that is asked for is loaded: start-up is most of a small run. */
export async function reportOf(
  analysis: Analysis,
  format: ReportFormat | 'brief',
  options: ReportOptions,
  version: string,
): Promise<Iterable<string>> {
  switch (format) {
    case 'brief':
      return (await import('./text/brief.js')).briefReport(analysis, options);
    case 'sarif': {
      const maker = { name: 'mailwitness', version };
      return (await import('./machine/sarif.js')).sarifReport(analysis, maker, options);
    }
    case 'junit':
      return (await import('./machine/junit.js')).junitReport(analysis, options);
    case 'eve':
      return (await import('./machine/eve.js')).eveReport(analysis);
    case 'zeek':
      return (await import('./machine/zeek.js')).zeekReport(analysis);
    case 'csv':
      return (await import('./machine/csv.js')).csvReport(analysis);
    case 'csv-sessions':
      return (await import('./machine/csv.js')).csvSessions(analysis);
    case 'text':
      return (await import('./text/text.js')).textReport(analysis, options);
    case 'json':
      return (await import('./machine/json.js')).jsonReport(analysis, {
        name: 'mailwitness',
        version,
      });
    case 'ndjson':
      return (await import('./machine/json.js')).ndjsonReport(analysis);
    case 'html':
      return (await import('./page/html.js')).htmlReport(analysis, { ...options, version });
    case 'markdown':
      return (await import('./ticket/markdown.js')).markdownReport(analysis, options);
    case 'jira':
      return (await import('./ticket/jira.js')).jiraReport(analysis, options);
  }
}

/** What has no form of its own for two captures is reported of both as of captures that were read one after the other. */
export async function comparisonReportOf(
  comparison: Comparison,
  format: ReportFormat | 'brief',
  options: ReportOptions,
  version: string,
): Promise<Iterable<string>> {
  switch (format) {
    case 'brief':
      return (await import('./text/brief.js')).comparisonBrief(comparison, options);
    case 'text':
      return (await import('./text/text.js')).comparisonText(comparison, options);
    case 'json':
      return (await import('./machine/comparison-json.js')).comparisonJson(comparison, {
        name: 'mailwitness',
        version,
      });
    case 'ndjson':
      return (await import('./machine/comparison-json.js')).comparisonNdjson(comparison);
    case 'html':
      return (await import('./page/html.js')).comparisonHtml(comparison, { ...options, version });
    case 'markdown':
      return (await import('./ticket/markdown.js')).comparisonMarkdown(comparison, options);
    case 'jira':
      return (await import('./ticket/jira.js')).comparisonJira(comparison, options);
    default:
      return reportOf(comparison.analysis, format, options, version);
  }
}
