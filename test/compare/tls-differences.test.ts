/** What is told of TLS after STARTTLS: which octets were changed or lost, and never what they are. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Comparison, compare } from '../../src/compare/compare.js';
import { comparisonNdjson } from '../../src/report/machine/comparison-json.js';
import { catalog } from '../../src/rules/catalog.js';
import { pcapOf, type ScriptPacket, scriptPackets } from '../support/dialogue.js';
import { lineOf } from './difference-lines.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BEGIN = `
  S: 220 mx.example
  C: EHLO client.example
  S: 250-mx.example
  S+ 250 STARTTLS
  C: STARTTLS
  S: 220 go ahead
`;
const HEADER = '\\x16\\x03\\x01\\x02\\x00';
const SHOWN = '\\u0016\\u0003\\u0001\\u0002\\u0000';
const DATA = 'secret-application-data';

type Keep = (packet: ScriptPacket, index: number) => boolean;

function comparing(outside: string, inside: string, keep: Keep = () => true): Promise<Comparison> {
  const side = (name: string, packets: ScriptPacket[]) => {
    const file = join(folder, `${name}.pcap`);
    writeFileSync(file, pcapOf(packets));
    return { file, interface: null };
  };
  return compare(
    side('inside', scriptPackets(BEGIN + inside).filter(keep)),
    side('outside', scriptPackets(BEGIN + outside)),
    { rules: catalog },
  );
}

function told({ pairs }: Comparison): string[] {
  expect(pairs).toHaveLength(1);
  return pairs.flatMap(({ differences }) => differences.map(lineOf));
}

const carries =
  (text: string): Keep =>
  ({ octets }) =>
    !octets.includes(text, 'latin1');

describe('a flight of TLS', () => {
  it('that is the same on both sides is no difference', async () => {
    const flight = `C~ ${HEADER}${DATA}\nS~ ${HEADER}${DATA}\nC~ ${DATA}`;
    expect(told(await comparing(flight, flight))).toEqual([]);
  });

  it.each(['client', 'server'])('of the %s is told octet by octet, without what they were', async (who) => {
    const [letter, arrow] = who === 'client' ? ['C', '->'] : ['S', '=>'];
    const near = `${letter === 'C' ? 'S' : 'C'}~ ${HEADER}ok\n${letter}~ ${HEADER}aaaa${DATA}aaaa`;
    const far = near.replace('aaaa', 'abba').replace(/aaaa$/, 'aaab');
    const comparison = await comparing(...(letter === 'C' ? ([near, far] as const) : ([far, near] as const)));
    expect(told(comparison)).toEqual([
      `altered tls STARTTLS other 0..2 "[2 octets]" ${arrow} "[2 octets]" #16/#16`,
      `altered tls STARTTLS other 0..1 "[1 octets]" ${arrow} "[1 octets]" #16/#16`,
    ]);
    const [first, last] = comparison.pairs[0]!.differences;
    expect(last!.before!.offset! - first!.before!.offset!).toBe(2 + 'a'.length + DATA.length + 'aaa'.length);
    expect([...comparisonNdjson(comparison)].join('')).not.toContain(DATA);
    expect(comparison.analysis.findings.map(({ rule, confidence }) => [rule, confidence])).toEqual([
      ['tls-handshake-broken', 'certain'],
    ]);
  });

  it('shows its header, and a mask', async () => {
    const masked = `C~ XXXXX${'X'.repeat(DATA.length)}`;
    expect(told(await comparing(`C~ ${HEADER}${DATA}`, masked))).toEqual([
      `altered tls STARTTLS xs 0..28 "${SHOWN}" -> "XXXXX" #14/#14`,
    ]);
  });

  it('that did not arrive to its end is told by how much', async () => {
    const began = `C~ ${HEADER}begin`;
    expect(told(await comparing(`${began}\nC~ ${DATA}`, began))).toEqual([
      'removed tls STARTTLS 23 octets "[23 octets]" -> - #16/-',
    ]);
    expect(told(await comparing(began, `${began}\nC~ ${DATA}`))).toEqual([
      'added tls STARTTLS 23 octets - -> "[23 octets]" -/#16',
    ]);
  });

  it('of which a piece in the middle never arrived: that piece, and what was changed around it', async () => {
    const sent = (end: string) => `noack S\nC~ ${HEADER}begin\nC~ ${DATA}\nC~ ${end}\n@ +5\nfin C`;
    const comparison = await comparing(sent('the end'), sent('thE end'), carries(DATA));
    expect(told(comparison)).toEqual([
      'altered tls STARTTLS other 0..1 "[1 octets]" -> "[1 octets]" #16/#15',
      'removed tls STARTTLS 23 octets "[23 octets]" -> - #15/-',
    ]);
    const lost = comparison.pairs[0]!.differences[1]!.before!;
    const [session] = comparison.analysis.sessions();
    expect(lost.offset! - session!.tls!.client!.offset).toBe(5 + 'begin'.length);
  });

  it('of which a capture lacks a piece is not called changed', async () => {
    const whole = `C~ ${HEADER}begin\nC~ ${DATA}\nC~ the end`;
    expect(told(await comparing(whole, whole.replace(`C~ ${DATA}`, `C? ${DATA}`)))).toEqual([]);
    expect(told(await comparing(whole.replace(`C~ ${DATA}`, `C? ${DATA}`), whole))).toEqual([]);
  });

  it('of a capture that ends early is not called lost', async () => {
    const began = `C~ ${HEADER}begin`;
    expect(told(await comparing(`${began}\nC~ ${DATA}`, `${began}\ncut`))).toEqual([]);
  });
});
