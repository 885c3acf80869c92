/** Public API: re-exports only. */
export { type Analysis, type AnalyzeOptions, analyze, type CaptureResult } from './analyze.js';
export { CaptureOpenError } from './capture/capture-error.js';
export type { CaptureFacts, Problem } from './capture/packet.js';
export { formatTimestamp, type Timestamp } from './capture/timestamp.js';
export type { Diagnosis } from './diagnose/diagnosis.js';
export type { Confidence, Evidence, Finding, NotAssessed, Severity, Witness } from './finding/finding.js';
export { catalog } from './rules/catalog.js';
export type { Rule, RuleContext, RuleListener } from './rules/rule.js';
export type { RuleMeta } from './rules/rule-meta.js';
export type { SmtpExchange, SmtpMessage, SmtpReply, SmtpSession } from './smtp/session.js';
export type { FirewallLogReport, JoinedLine } from './syslog/joiner.js';
export { type FirewallLog, FirewallLogReader } from './syslog/reader.js';
export type { LogRecord } from './syslog/record.js';
