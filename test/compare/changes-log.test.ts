/** What is found between two recordings, against the emulated box's own log of what it changed: octet for octet. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Difference } from '../../src/compare/pair.js';
import type { SmtpSession } from '../../src/smtp/session.js';
import { compareFiles } from './second-reading.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../captures');
const SUFFIX = '.changes.jsonl.gz';
/** Recordings without all frames: what is found there is less than the log. */
const WITH_GAPS = ['compare-loss'];

interface Change {
  readonly flow: string;
  readonly direction: 'client' | 'server';
  readonly kind: 'altered' | 'removed' | 'answered' | 'dropped' | 'reset' | 'translated';
  readonly offset: number;
  readonly before?: string;
  readonly after?: string;
  readonly length?: number;
  readonly as?: string;
}

const scenarios = readdirSync(FOLDER)
  .filter((name) => name.endsWith(SUFFIX))
  .map((name) => name.slice(0, -SUFFIX.length))
  .filter((name) => readdirSync(FOLDER).includes(`${name}-inside.pcap.zst`));

function logOf(scenario: string): Change[] {
  const text = gunzipSync(readFileSync(join(FOLDER, scenario + SUFFIX))).toString('latin1');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Change);
}

/** `flow server altered 4`, one for each octet. */
function octets(flow: string, direction: string, kind: string, offset: number, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${flow} ${direction} ${kind} ${offset + at}`);
}

/** A greeting of the box's own is an altered one here, and one taken out and one put in there. */
function isOwnGreeting({ direction, kind, offset }: Change): boolean {
  return direction === 'server' && offset === 0 && (kind === 'removed' || kind === 'answered');
}

function logged(log: readonly Change[]): string[] {
  return log.flatMap((change) => {
    const { flow, direction, kind, offset, before, after, length } = change;
    if (isOwnGreeting(change)) return [];
    switch (kind) {
      case 'translated':
        return [];
      case 'reset':
        return [`${flow} ${direction} reset`];
      case 'answered':
        return octets(flow, direction, 'answered', offset, after!.length);
      case 'altered':
        return octets(flow, direction, 'altered', offset, before!.length);
      default:
        return octets(flow, direction, 'removed', offset, length ?? before!.length);
    }
  });
}

function found(flow: string, differences: readonly Difference[]): string[] {
  return differences.flatMap(({ change, subject, direction, before, after, octets: count, ranges, how }) => {
    if (change === 'unseen' || subject === 'sequence-numbers') return [];
    if (subject === 'close') return [`${flow} ${direction} reset`];
    if (subject === 'greeting' && how === 'other') return [];
    if (change === 'altered') {
      const { offset } = before!;
      return ranges.flatMap(([from, to]) => octets(flow, direction, 'altered', offset! + from, to - from));
    }
    if (change === 'removed') return octets(flow, direction, 'removed', before!.offset!, count);
    return octets(flow, direction, 'answered', after!.offset!, count);
  });
}

const flowOf = ({ client }: SmtpSession): string => `${client.address}:${client.port}`;

describe('the log of the box', () => {
  it.each(scenarios)('%s', async (scenario) => {
    const log = logOf(scenario);
    const names = new Map(log.flatMap(({ kind, as, flow }) => (kind === 'translated' ? [[flow, as!]] : [])));
    const side = (name: string) => join(FOLDER, `${scenario}-${name}.pcap.zst`);
    const pairs = await compareFiles(side('outside'), side('inside'), (outside, sessions) =>
      sessions.find((session) => flowOf(session) === (names.get(flowOf(outside)) ?? flowOf(outside))),
    );
    const told = pairs.flatMap(({ nearClient, differences }) => found(flowOf(nearClient), differences));
    const made = logged(log);
    if (WITH_GAPS.includes(scenario)) expect(made).toEqual(expect.arrayContaining(told));
    else expect(told.sort()).toEqual(made.sort());
  });
});
