import { formatTimestamp } from '../capture/timestamp.js';
import { SEVERITIES, type Severity } from '../finding/finding.js';
import type { Watch } from '../live/watch.js';
import { text } from '../report/machine/json.js';
import { decodeOctets, printableText } from '../report/printable.js';

/** How the times were taken and what was lost, in words. */
export function witnessNote({ source, counts }: Watch): string {
  const times = {
    kernel: 'times taken by the kernel',
    arrival: 'times taken on arrival',
    unknown: "times as the stream's writer took them",
  }[source.times];
  return `${times}, ${counts.drops === null ? 'drops unknown' : `${counts.drops} packets dropped`}`;
}

/** One JSON line: what the watch has seen, and how well it could see. */
export function summaryLine(watch: Watch): string {
  const { source, counts, health } = watch;
  return `${text({
    type: 'summary',
    driver: source.driver,
    interface: source.interface,
    filter: source.filter,
    times: source.times,
    state: source.state,
    trouble: source.trouble === null ? null : decodeOctets(source.trouble),
    elapsedSeconds: Math.round(counts.elapsedMs / 1000),
    packets: counts.packets,
    bytes: counts.octets,
    drops: counts.drops,
    last: formatTimestamp(counts.last),
    sessions: counts.sessions,
    openSessions: counts.openSessions,
    messages: counts.messages,
    findings: bySeverity(watch),
    skipped: health.skipped,
    notAssessed: health.notAssessed,
    limits: health.tables,
  })}\n`;
}

function bySeverity(watch: Watch): Record<Severity, number> {
  const findings = watch.findings();
  return Object.fromEntries(
    SEVERITIES.map((level) => [level, findings.filter(({ severity }) => severity === level).length]),
  ) as Record<Severity, number>;
}

/** A few lines for people. */
export function summaryText(watch: Watch): string {
  const { source, counts, health } = watch;
  const from =
    source.interface === null
      ? 'a capture stream'
      : `${source.interface} by ${source.driver}, filter '${source.filter}'`;
  const lost = health.tables.filter(({ dropped }) => dropped > 0);
  const lines = [
    `${printableText(from)}: ${counts.packets} packets in ${Math.round(counts.elapsedMs / 1000)} s; ${witnessNote(watch)}.`,
    `${counts.sessions} sessions (${counts.openSessions} open), ${counts.messages} messages, ${counts.findings} findings, ${Math.round(health.residentOctets / 1e6)} MB resident.`,
    ...lost.map(({ name, limit, dropped }) => `${name}: ${dropped} are not kept (limit ${limit}).`),
  ];
  return lines.map((line) => `mailwitness: ${line}\n`).join('');
}
