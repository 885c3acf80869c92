/** Two captures compared, their messages read twice. */
import { analyze } from '../../src/analyze.js';
import { readCapture } from '../../src/capture/source.js';
import { differencesOf } from '../../src/compare/differences.js';
import { MessageOctets } from '../../src/compare/message-octets.js';
import type { Difference, Side } from '../../src/compare/pair.js';
import { createDecoder } from '../../src/fragment/decoder.js';
import { createDigestFactory } from '../../src/mail/digest.js';
import type { SmtpSession } from '../../src/smtp/session.js';
import { ConnectionTable } from '../../src/stream/connections.js';
import { AddressTable } from '../../src/wire/address.js';

/** How a second reading is done. */
async function readAgain(file: string, side: Side, octets: MessageOctets): Promise<void> {
  const addresses = new AddressTable();
  const table = new ConnectionTable(octets.reading(side), addresses, [25], () => 'unverifiable');
  await readCapture(file, createDecoder(table, [25], addresses), {});
  table.end();
}

async function sessionsIn(file: string): Promise<SmtpSession[]> {
  return [...(await analyze([file], { rules: [] })).sessions()];
}

export interface ComparedPair {
  readonly nearClient: SmtpSession;
  readonly differences: Difference[];
}

export async function compareFiles(
  outside: string,
  inside: string,
  partner: (session: SmtpSession, sessions: readonly SmtpSession[], index: number) => SmtpSession | undefined,
): Promise<ComparedPair[]> {
  const [near, far] = [await sessionsIn(outside), await sessionsIn(inside)];
  const pairs = near.flatMap((nearClient, index) => {
    const nearServer = partner(nearClient, far, index);
    if (nearServer === undefined) return [];
    const sides = [
      { side: 'outside', session: nearClient },
      { side: 'inside', session: nearServer },
    ] as const;
    return [{ nearClient, ...differencesOf(...sides) }];
  });
  const wanted = pairs.flatMap(({ needsOctets }) => needsOctets);
  const octets = new MessageOctets(wanted, await createDigestFactory('xxh64'));
  await readAgain(outside, 'outside', octets);
  await readAgain(inside, 'inside', octets);
  const doubts = new Set(wanted.filter(({ isDoubt }) => isDoubt).map(({ difference }) => difference));
  return pairs.map(({ nearClient, differences }) => ({
    nearClient,
    differences: octets.resolve(differences).filter((one) => !doubts.has(one)),
  }));
}
