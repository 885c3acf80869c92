import type { Analysis } from '../../analyze.js';
import { formatTimestamp, type Timestamp } from '../../capture/timestamp.js';
import type { Finding } from '../../finding/finding.js';
import { sha256 } from '../../platform/platform.js';
import { inPieces } from '../chunked.js';
import { displayFilters } from '../document/display-filter.js';
import { decodeOctets, escapeJson } from '../printable.js';
import { communityId } from './community-id.js';
import { type Conversation, conversations, sessionOf } from './conversations.js';

/** As Suricata counts priorities: 1 is worst. */
const SEVERITY: Readonly<Record<Finding['severity'], number>> = { high: 1, medium: 2, low: 3, info: 4 };

/** Local rules of Suricata have ids from a million up. */
const FIRST_LOCAL_SID = 1_000_000;

/**
 * One alert for each finding in the envelope of Suricata's `eve.json`, with the frame as `pcap_cnt` and what is ours under
 * `mailwitness`. It was sent from where the first packet that proves it came.
 */
export function eveReport(analysis: Analysis): Iterable<string> {
  return inPieces(eveLines(analysis));
}

function* eveLines(analysis: Analysis): Generator<string> {
  const ends = conversations(analysis);
  for (const finding of analysis.findings) {
    const file = analysis.captures[finding.evidence[0]?.capture ?? finding.capture]?.file ?? '';
    yield `${escapeJson(JSON.stringify(alert(finding, file, ends.get(sessionOf(finding)))))}\n`;
  }
}

function alert(finding: Finding, file: string, ends: Conversation | undefined): object {
  const [first] = finding.evidence;
  const fromClient = first?.direction === 'client';
  const [source, target] =
    (ends && (fromClient ? [ends.client, ends.server] : [ends.server, ends.client])) || [];
  const timestamp = eveTime(first?.time ?? finding.evidence.find(({ time }) => time !== null)?.time ?? null);
  return {
    ...(timestamp !== null && { timestamp }),
    pcap_cnt: first?.packet ?? 0,
    pcap_filename: file,
    event_type: 'alert',
    ...(source &&
      target && {
        src_ip: source.address,
        src_port: source.port,
        dest_ip: target.address,
        dest_port: target.port,
      }),
    proto: 'TCP',
    app_proto: 'smtp',
    ...(ends && { community_id: communityId(ends.client, ends.server) }),
    alert: {
      action: 'allowed',
      gid: 1,
      signature_id: signatureId(finding.rule),
      rev: 1,
      signature: `mailwitness ${finding.rule}: ${finding.title}`,
      category: 'SMTP altered on the way',
      severity: SEVERITY[finding.severity],
    },
    mailwitness: {
      finding: finding.id,
      fingerprint: finding.fingerprint,
      rule: finding.rule,
      severity: finding.severity,
      confidence: finding.confidence,
      proof: finding.proof,
      message: decodeOctets(finding.message),
      count: finding.count,
      sessions: finding.sessions.length,
      filters: displayFilters(finding.evidence),
    },
  };
}

/** The same for a rule whatever rules come after it. */
export function signatureId(rule: string): number {
  return FIRST_LOCAL_SID + (sha256(rule).readUInt32BE() % FIRST_LOCAL_SID);
}

/** `2024-05-06T07:08:09.010000+0000`: always microseconds. */
function eveTime(time: Timestamp | null): string | null {
  return formatTimestamp(time && { ...time, digits: 6 })?.replace('Z', '+0000') ?? null;
}
