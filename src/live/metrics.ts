import { SEVERITIES } from '../finding/finding.js';
import type { Watch } from './watch.js';

/** https://prometheus.io/docs/specs/om/open_metrics_spec/ */
export const METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** How a watch stands, as OpenMetrics text. What is not known is not there. */
export function openMetrics(watch: Watch, version: string): string {
  const { counts, health, source } = watch;
  const findings = watch.findings();
  const rules = new Map<string, number>();
  for (const { rule } of findings) rules.set(rule, (rules.get(rule) ?? 0) + 1);
  const by = (label: string, of: Iterable<readonly [string, number]>): Sample[] =>
    [...of].map(([name, value]) => [{ [label]: name }, value]);
  const one = (value: number): Sample[] => [[{}, value]];
  return [
    family('build', 'info', 'The program.', [[{ version }, 1]]),
    family('source_up', 'gauge', 'Packets are being captured.', one(source.state === 'running' ? 1 : 0)),
    family('uptime_seconds', 'gauge', 'Since the watch began.', one(Math.round(counts.elapsedMs / 1000))),
    family('packets', 'counter', 'Packets captured.', one(counts.packets)),
    family('octets', 'counter', 'Octets captured.', one(counts.octets)),
    family(
      'drops',
      'counter',
      'Packets lost by the kernel or the driver.',
      counts.drops === null ? [] : one(counts.drops),
    ),
    family('sessions', 'counter', 'Connections seen.', one(counts.sessions)),
    family('sessions_open', 'gauge', 'Connections open now.', one(counts.openSessions)),
    family('messages', 'counter', 'Messages seen.', one(counts.messages)),
    family('gaps', 'counter', 'Holes in what was captured of closed sessions.', one(health.gaps)),
    family(
      'findings',
      'gauge',
      'Findings that hold, by severity.',
      by(
        'severity',
        SEVERITIES.map((level) => [level, findings.filter(({ severity }) => severity === level).length]),
      ),
    ),
    family('findings_by_rule', 'gauge', 'Findings that hold, by rule.', by('rule', rules)),
    family('skipped', 'counter', 'Packets in no session.', by('reason', Object.entries(health.skipped))),
    family(
      'not_assessed',
      'gauge',
      'What could not be judged.',
      by('reason', Object.entries(health.notAssessed)),
    ),
    family(
      'table_entries',
      'gauge',
      'Entries of a table.',
      by(
        'table',
        health.tables.map(({ name, used }) => [name, used]),
      ),
    ),
    family(
      'table_limit',
      'gauge',
      'Entries that a table may have.',
      by(
        'table',
        health.tables.map(({ name, limit }) => [name, limit]),
      ),
    ),
    family(
      'table_dropped',
      'counter',
      'Entries lost at the limit.',
      by(
        'table',
        health.tables.map(({ name, dropped }) => [name, dropped]),
      ),
    ),
    family('resident_memory_bytes', 'gauge', 'Memory in use.', one(health.residentOctets)),
    '# EOF\n',
  ].join('');
}

function family(
  name: string,
  type: 'counter' | 'gauge' | 'info',
  help: string,
  samples: readonly Sample[],
): string {
  if (samples.length === 0) return '';
  const full = `mailwitness_${name}`;
  const suffix = { counter: '_total', gauge: '', info: '_info' }[type];
  const lines = samples.map(([labels, value]) => `${full}${suffix}${labelText(labels)} ${value}\n`);
  return `# TYPE ${full} ${type}\n# HELP ${full} ${help}\n${lines.join('')}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
}
