/** What did not arrive before the connection ended: told where the box ended it, or the connection outlived it. */
import { describe, expect, it } from 'vitest';
import { linesBetween, sessionsOf } from './difference-lines.js';

const BEGIN = 'S: 220 mx.example\nC: DATA\nS: 354 go';
const FIRST = 'C: Subject: x\nC:';
const REST = 'C: the rest';
const DOT = 'C: .';

async function between(nearClient: string, nearServer: string): Promise<string[]> {
  const [a, b] = await sessionsOf([nearClient, nearServer]);
  return linesBetween(a!, b!);
}

describe('a message that broke off', () => {
  const sent = `${BEGIN}\n${FIRST}\nnoack S\n${REST}\n${DOT}`;
  const arrived = `${BEGIN}\n${FIRST}`;
  const LOST = [
    'removed end-of-data (end-of-data) 0..1 "." -> - #15/-',
    'removed message DATA 10 octets "[10 octets]" -> - #10/-',
  ];

  it('by resets in the name of either end is told to its end', async () => {
    const lines = await between(`${sent}\nrst S`, `${arrived}\nrst C`);
    expect(lines.filter((line) => line.startsWith('removed'))).toEqual(LOST);
    expect(lines.filter((line) => line.includes('close'))).toHaveLength(2);
  });

  it('while the connection went on in silence is told to its end', async () => {
    const lines = await between(`${sent}\n@ +20\nrst C`, `${arrived}\n@ +20\nrst S`);
    expect(lines.filter((line) => line.startsWith('removed'))).toEqual(LOST);
  });

  it('before its first octet is told whole', async () => {
    const lines = await between(`${sent}\nrst S`, `${BEGIN}\nrst C`);
    expect(lines).toContain('removed message DATA 24 octets "[24 octets]" -> - #10/-');
  });

  it('by a reset of the sender is not called a change: the network may have lost the rest', async () => {
    expect(await between(`${sent}\nrst C`, `${arrived}\nrst C`)).toEqual([]);
  });

  it('with the capture is not called a change', async () => {
    expect(await between(`${sent}\nrst S`, `${arrived}\ncut`)).toEqual([]);
  });
});

describe('a line that broke off', () => {
  const sent =
    'S: 220 mx.example\nC: HELO client.example\nS: 250 ok\nnoack S\nC~ MAIL FROM:<al\nC: ice@client.example>';
  const arrived = 'S: 220 mx.example\nC: HELO client.example\nS: 250 ok\nC~ MAIL FROM:<al';

  it('by a reset of the box is told to its end', async () => {
    expect(await between(`${sent}\nrst S`, `${arrived}\nrst C`)).toContain(
      'removed command MAIL 21 octets "ice@client.example>" -> - #11/-',
    );
  });

  it('with the capture is not called a change', async () => {
    expect(await between(`${sent}\nrst S`, `${arrived}\ncut`)).toEqual([]);
  });
});
