import type { Analysis } from '../../analyze.js';
import type { Comparison } from '../../compare/compare.js';
import type { Diagnosis } from '../../diagnose/diagnosis.js';
import type { Finding } from '../../finding/finding.js';
import type { RuleMeta } from '../../rules/rule-meta.js';
import { type Survey, survey } from '../session-counts.js';
import { verdict } from '../verdict.js';
import { type CaptureBlock, captureBlocks } from './capture-block.js';
import { type ComparisonBlock, comparisonBlock } from './comparison-block.js';
import { type FirewallLogBlock, firewallLogBlock } from './firewall-log-block.js';
import { byRule, byServer } from './grouping.js';
import { type Headline, headlineOf } from './headline.js';
import { Places } from './places.js';
import { absenceText, quality, type Unchecked, unchecked } from './quality.js';
import { type ExcludedRule, type NotCheckedBlock, silentRules } from './silent-rules.js';

/** What was asked of the report, whatever its form. */
export interface DocumentOptions {
  /** Ports that were looked at. */
  readonly ports?: readonly number[];
  /** The rules that were asked, in the order of the catalogue. */
  readonly rules?: readonly Pick<RuleMeta, 'id' | 'title'>[];
  /** Findings that the analysis no longer holds because they are less certain than was asked for. */
  readonly leftOut?: number;
  /** Directory of the evidence captures. */
  readonly evidence?: string;
}

/**
 * A report for people, as data: one block for each thing that it says. Text, tickets, the HTML page and the short form
 * lay it out; what a block says is decided here and nowhere else.
 *
 * Sentences in it are printable. Octets of packets (`Evidence.excerpt`, lines of a log) and file names are raw: each form
 * makes them safe for itself.
 */
export interface ReportDocument {
  /** The outcome in one sentence that can stand alone; what limits it follows. */
  readonly verdict: string;
  readonly outcome: Outcome;
  /** The first sentence of the verdict, for a form that has what limits it in a place of its own. */
  readonly sentence: string;
  /** Reading was stopped: the rest was not read. */
  readonly interrupted: boolean;
  /** Findings that are less certain than was asked for. */
  readonly leftOut: number;
  readonly seen: Survey;
  /** What was changed between two captures; null for a report of captures that were read one after the other. */
  readonly comparison: ComparisonBlock | null;
  /** The servers of which something was found, the worst first. */
  readonly servers: readonly ServerBlock[];
  readonly firewallLog: FirewallLogBlock | null;
  readonly captures: readonly CaptureBlock[];
  /** Rules that were asked and found nothing; null where there was nothing to find it in. */
  readonly excluded: ExcludedBlock | null;
  /** Rules that were asked and could judge nothing. */
  readonly notChecked: readonly NotCheckedBlock[];
  readonly unchecked: readonly Unchecked[];
  /** How far the captures can be trusted; empty where no SMTP was seen. */
  readonly quality: string;
  readonly ports: readonly number[];
  /** Directory of the evidence captures, as it was named on the command line. */
  readonly evidence: string | undefined;
  /** All findings, and all boxes that explain them, in the order of the analysis. */
  readonly findings: readonly Finding[];
  readonly diagnoses: readonly Diagnosis[];
  /** Names for captures, frames and times. */
  readonly places: Places;
}

/** `found`: more than notes; `clean`: nothing, and all could be judged; `unsure`: nothing in what could be judged. */
export type Outcome = 'found' | 'clean' | 'unsure' | 'nothing-to-judge';

/** What happened to the mail of one server. */
export interface ServerBlock {
  /** `192.0.2.25 port 25` */
  readonly name: string;
  readonly server: Finding['server'];
  readonly headline: Headline;
  readonly findings: readonly Finding[];
  /** Sessions that the findings name, counted once. */
  readonly sessions: number;
  /** The boxes that explain the findings. */
  readonly diagnoses: readonly Diagnosis[];
  /** Findings of one rule with one severity and confidence, the worst first. */
  readonly groups: readonly (readonly [Finding, ...Finding[]])[];
}

export interface ExcludedBlock {
  /** How far "not seen" can be trusted. */
  readonly absence: string;
  readonly rules: readonly ExcludedRule[];
}

/**
 * Walks the sessions once, unless the caller did so already.
 *
 * @param seen  what a walk over the sessions of this analysis has counted
 */
export function reportDocument(
  analysis: Analysis,
  options: DocumentOptions,
  seen: Survey = survey(analysis),
): ReportDocument {
  return made(analysis, options, seen, null);
}

/** The same of two captures that were held against each other. */
export function comparisonDocument(
  comparison: Comparison,
  options: DocumentOptions,
  seen: Survey = survey(comparison.analysis),
): ReportDocument {
  return made(comparison.analysis, options, seen, comparisonBlock(comparison));
}

function made(
  analysis: Analysis,
  { ports = [], rules = [], leftOut = 0, evidence }: DocumentOptions,
  seen: Survey,
  comparison: ComparisonBlock | null,
): ReportDocument {
  const silent = silentRules(analysis.checks, rules);
  return {
    verdict: comparison?.verdict ?? verdict(analysis, seen, leftOut),
    outcome: outcomeOf(analysis, seen),
    sentence: verdict({ ...analysis, captures: [], interrupted: false }, seen, 0),
    interrupted: analysis.interrupted,
    leftOut,
    seen,
    comparison,
    servers: byServer(analysis.findings).map(([name, findings]) =>
      serverBlock(name, findings, analysis, seen),
    ),
    firewallLog: firewallLogBlock(analysis.firewallLog),
    captures: captureBlocks(analysis.captures, comparison?.captureNames),
    excluded:
      silent.notSeen.length > 0 && seen.smtp > 0
        ? { absence: absenceText(seen), rules: silent.notSeen }
        : null,
    notChecked: seen.smtp > 0 ? silent.notChecked : [],
    unchecked: unchecked(analysis.notAssessed),
    quality: quality(analysis, seen),
    ports,
    evidence,
    findings: analysis.findings,
    diagnoses: analysis.diagnoses,
    places: new Places(analysis.captures, comparison?.captureNames),
  };
}

function outcomeOf({ findings }: Analysis, { smtp, partly }: Survey): Outcome {
  if (findings.some(({ severity }) => severity !== 'info')) return 'found';
  if (smtp === 0) return 'nothing-to-judge';
  return partly === 0 ? 'clean' : 'unsure';
}

function serverBlock(
  name: string,
  findings: readonly Finding[],
  analysis: Analysis,
  seen: Survey,
): ServerBlock {
  const [{ server }] = findings as readonly [Finding];
  const diagnoses = analysis.diagnoses.filter(
    (one) => one.server.address === server.address && one.server.port === server.port,
  );
  return {
    name,
    server,
    headline: headlineOf(analysis, findings, diagnoses, seen),
    findings,
    sessions: new Set(findings.flatMap(({ sessions }) => sessions)).size,
    diagnoses,
    groups: byRule(findings),
  };
}
