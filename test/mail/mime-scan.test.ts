import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import { OpenMessage } from '../../src/dialogue/open-message.js';
import { MailContext } from '../../src/mail/mail-context.js';
import type { MailDamage } from '../../src/mail/message-facts.js';
import { processorMs } from '../support/timing.js';
import { chunkOf, randomCuts, scan, seeded, xxh64 } from './mail-data-pieces.js';

const BASE = 100;

/** `count` octets that look like a compressed file, always the same. */
function file(count: number, seed = 1): Buffer {
  const random = seeded(seed);
  return Buffer.from(Array.from({ length: count }, () => random(256)));
}

function lines(base64: string, width = 76): string {
  return base64.replace(new RegExp(`.{1,${width}}`, 'g'), '$&\r\n');
}

function attachment(octets: Buffer, width = 76): string {
  return lines(octets.toString('base64'), width);
}

const TEXT = 'Content-Type: text/plain\r\n\r\nHello Bob,\r\n\r\n-- \r\nAlice\r\n';
const PDF = 'Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n';

interface Shape {
  boundary?: string;
  closing?: string;
  preamble?: string;
}

function mixed(parts: readonly string[], { boundary = 'b', closing, preamble = '' }: Shape = {}): string {
  const header = `Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary="${boundary}"\r\n\r\n`;
  const body = parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('');
  return header + preamble + body + (closing ?? `--${boundary}--\r\n`);
}

function damagesOf(content: string, cuts: readonly number[] = []): readonly MailDamage[] {
  return scan(`${content}.\r\n`, cuts, { base: BASE }).facts.damages;
}

/** The same in a few segmentations, in segments of one octet, and cut in front of each octet in `[from, to)`. */
function everyWay(content: string, from = 0, to = content.length): readonly MailDamage[] {
  const whole = damagesOf(content);
  const plain = (damages: readonly MailDamage[]) => damages.map((damage) => ({ ...damage, frame: 0 }));
  const same = (cuts: readonly number[]) =>
    expect(plain(damagesOf(content, cuts)), JSON.stringify(cuts.slice(0, 5))).toEqual(plain(whole));
  for (let cut = Math.max(from, 1); cut < to; cut++) same([cut]);
  same(Array.from({ length: content.length - 1 }, (_, index) => index + 1));
  const random = seeded(content.length);
  for (let round = 0; round < 60; round++) same(randomCuts(content.length, random));
  return whole;
}

/** Overwrites octets as a box does that keeps lengths; `keep`: line ends stay. */
function overwritten(content: string, from: number, count: number, mask: string, keep = true): string {
  const octets = [...content];
  for (let at = from; at < from + count; at++) {
    if (!keep || (octets[at] !== '\r' && octets[at] !== '\n')) octets[at] = mask;
  }
  return octets.join('');
}

const WHOLE = mixed([TEXT, PDF + attachment(file(700))]);
const BODY = WHOLE.indexOf(PDF) + PDF.length;

describe('masks inside base64', () => {
  it('are found where they begin and end, in every segmentation', () => {
    for (const mask of ['X', '*', '\0']) {
      for (const [from, count] of [
        [78, 78],
        [78, 76],
        [80, 32],
        [100, 300],
      ] as const) {
        const content = overwritten(WHOLE, BODY + from, count, mask);
        const octets = content.slice(BODY + from, BODY + from + count).replace(/[\r\n]/g, '').length;
        const damages = everyWay(content, BODY + from - 80, BODY + from + count + 80);
        expect(damages).toEqual([
          {
            kind: { X: 'letters', '*': 'stars', '\0': 'nul' }[mask],
            part: '2',
            offset: BASE + BODY + from,
            frame: 1,
            octets,
            shape: from === 78 ? 'lines' : 'inside',
            checksum: 'unverifiable',
          },
        ]);
      }
    }
  });

  it('are told with the frame that carries their first octet', () => {
    const content = overwritten(WHOLE, BODY + 78, 78, 'X');
    expect(damagesOf(content, [BODY + 70, BODY + 90])[0]!.frame).toBe(2);
    expect(damagesOf(content, [BODY + 78])[0]!.frame).toBe(2);
    expect(damagesOf(content, [BODY + 79])[0]!.frame).toBe(1);
  });

  it('may run over line ends', () => {
    const content = overwritten(WHOLE, BODY + 100, 200, 'X', false);
    expect(everyWay(content, BODY + 60, BODY + 320)).toMatchObject([{ shape: 'over-lines', octets: 200 }]);
  });

  it('are no data: fewer than 32 letters, and what the octets 5D 75 D7 give by chance', () => {
    expect(damagesOf(overwritten(WHOLE, BODY + 80, 31, 'X'))).toEqual([]);
    const picture = Buffer.concat([file(99), Buffer.alloc(300, Buffer.from('5d75d7', 'hex')), file(100, 2)]);
    expect(damagesOf(mixed([PDF + attachment(picture)]))).toMatchObject([
      { kind: 'letters', shape: 'inside' },
    ]);
  });

  it('are found in a message of one part, in a nested part and in a message inside', () => {
    const single = `Content-Type: image/png\r\n${'Content-Transfer-Encoding: base64\r\n\r\n'}${attachment(file(400))}`;
    expect(damagesOf(overwritten(single, single.indexOf('\r\n\r\n') + 100, 100, '*'))).toMatchObject([
      { kind: 'stars', part: '1' },
    ]);
    const inner = mixed([TEXT, PDF + attachment(file(400))], { boundary: 'c' });
    const nested = mixed([inner, TEXT]);
    const place = nested.indexOf(PDF) + PDF.length + 78;
    expect(damagesOf(overwritten(nested, place, 76, '*'))).toMatchObject([{ kind: 'stars', part: '1.2' }]);
    const enclosed = mixed([TEXT, `Content-Type: message/rfc822\r\n\r\n${inner}`]);
    const there = enclosed.indexOf(PDF) + PDF.length + 78;
    expect(damagesOf(overwritten(enclosed, there, 76, '*'))).toMatchObject([{ kind: 'stars', part: '2.2' }]);
  });

  it('are listed up to a limit, each part for itself', () => {
    let content = mixed([PDF + attachment(file(6000)), PDF + attachment(file(400))]);
    const begin = content.indexOf(PDF) + PDF.length;
    for (let line = 1; line < 90; line += 3) content = overwritten(content, begin + line * 78, 76, 'X');
    expect(damagesOf(content)).toHaveLength(8);
  });

  it('mean nothing in what is no base64, and in a filler', () => {
    const stars = `${'*'.repeat(70)}\r\n`;
    const xs = `${'X'.repeat(76)}\r\n`;
    for (const part of [
      `Content-Type: text/plain\r\n\r\n${stars}${xs}`,
      `${PDF}The attachment was removed by policy of this site, ask for it.\r\n${stars.repeat(3)}${xs}`,
      `${PDF}${xs.repeat(20)}`,
      `${PDF}${stars.repeat(20)}`,
      `${PDF}${stars}short\r\n`,
    ]) {
      expect(damagesOf(mixed([part, TEXT])), part).toEqual([]);
      expect(damagesOf(mixed([TEXT, part])), part).toEqual([]);
    }
  });
});

describe('a message that is cut', () => {
  it('ends inside a quantum', () => {
    for (const [octets, kind] of [
      [500, 'unclosed'],
      [501, 'cut'],
      [502, 'cut'],
      [503, 'cut'],
    ] as const) {
      const content = `${WHOLE.slice(0, BODY + Math.floor(octets / 76) * 78 + (octets % 76))}\r\n`;
      const damages = everyWay(content, content.length - 90);
      expect(damages, String(octets)).toMatchObject([{ kind, part: '2', offset: BASE + content.length + 3 }]);
    }
  });

  it('is unclosed when it ends in its text, or between parts', () => {
    expect(damagesOf(mixed([TEXT], { closing: '' }))).toMatchObject([{ kind: 'unclosed', part: '1' }]);
    expect(damagesOf(mixed([TEXT, TEXT], { closing: '--b\r\nContent-Type: text/plain\r\n' }))).toMatchObject([
      { kind: 'unclosed', part: '3' },
    ]);
  });

  it('of one part shows only where no encoder could have ended', () => {
    const header = 'Content-Transfer-Encoding: base64\r\n\r\n';
    const base64 = file(400).toString('base64').replace(/=/g, '');
    for (const [length, kinds] of [
      [400, []],
      [401, ['cut']],
      [402, []],
      [403, []],
    ] as const) {
      const damages = damagesOf(header + lines(base64.slice(0, length)));
      expect(damages.map(({ kind }) => kind)).toEqual(kinds);
    }
  });

  it('by BDAT may lack the end of its last line', () => {
    const content = mixed([TEXT, PDF + attachment(file(300))]).trimEnd();
    for (const [text, kinds] of [
      [content, []],
      [content.slice(0, -1), ['unclosed']],
      [content.slice(0, -60), ['unclosed']],
    ] as const) {
      const end = BASE + text.length;
      const message = new OpenMessage(new MailContext(xxh64), 'BDAT', false, 0);
      const chunk = chunkOf(Buffer.from(text, 'latin1'), BASE, 7);
      message.chunked(chunk, chunk.start, chunk.end);
      const { damages } = message.finishChunked({ frame: 7, us: 0, ns: 0, digits: 6 }, end);
      expect(damages.map(({ kind, frame, offset }) => [kind, frame, offset])).toEqual(
        kinds.map((kind) => [kind, 7, end]),
      );
    }
  });

  it('is nothing to say of where its own end was not seen, or octets are missing', () => {
    const content = mixed([TEXT], { closing: '' });
    expect(scan(content, []).facts.damages).toEqual([]);
    const masked = overwritten(WHOLE, BODY + 78, 78, 'X');
    const cut = BODY + 300;
    expect(scan(`${masked}.\r\n`, [cut], { gaps: new Map([[1, 10]]) }).facts.damages).toEqual([]);
    const header = WHOLE.indexOf('Content-Type') + 5;
    expect(scan(`${masked}.\r\n`, [header], { gaps: new Map([[1, 1]]) }).facts.damages).toEqual([]);
  });
});

describe('sloppy and intact', () => {
  const base64 = attachment(file(900));
  const intact: Record<string, string> = {
    'two parts': WHOLE,
    'no MIME': 'Subject: x\r\n\r\n--b\r\n********************************************\r\n',
    'no boundary in the header': 'Content-Type: multipart/mixed\r\n\r\n--b\r\n',
    'a header alone': 'Content-Type: multipart/mixed; boundary=b\r\n\r\n',
    'the boundary never used': 'Content-Type: multipart/mixed; boundary=b\r\n\r\nplain text\r\n',
    'preamble and epilogue': mixed([TEXT], {
      preamble: 'This is MIME.\r\n',
      closing: '--b--\r\nepilogue\r\n--b\r\n',
    }),
    'white space behind boundaries': mixed([TEXT, PDF + base64]).replaceAll('--b\r\n', '--b \t\r\n'),
    'no newline in front of the last boundary': mixed([PDF + base64.trimEnd()]),
    'long lines': mixed([PDF + attachment(file(5000), 1_000_000)]),
    'lines of 73': mixed([PDF + attachment(file(500), 73)]),
    'spaces at the ends of lines': mixed([PDF + base64.replace(/\r\n/g, '  \r\n')]),
    'blank lines in between': mixed([PDF + base64.replace(/\r\n/g, '\r\n\r\n')]),
    'no padding': mixed([PDF + base64.replace(/=/g, '')]),
    'lines that begin with dashes': mixed([`${TEXT}--\r\n--bb\r\n--b-\r\n---b\r\n- -b\r\n`, PDF + base64]),
    'ends with the line that begins a part': mixed([TEXT, PDF + base64], { closing: '--b\r\n' }),
    'boundary of dashes': mixed([TEXT, PDF + base64], { boundary: '----=_Part_1' }),
    'a nested multipart that nobody closes': mixed([mixed([TEXT], { boundary: 'c', closing: '' }), TEXT]),
    'a report that returns half a message': mixed([
      TEXT,
      `Content-Type: message/rfc822\r\n\r\n${mixed([TEXT, PDF + base64.slice(0, 99)], { boundary: 'c', closing: '' })}`,
    ]),
    'part without a header': mixed(['\r\ntext\r\n', PDF + base64]),
    'a part that ends in its header': mixed(['Content-Type: text/plain\r\n', PDF + base64]),
    encrypted: mixed([
      'Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n',
      `Content-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n${base64}-----END PGP MESSAGE-----\r\n`,
    ]),
    TNEF: mixed([
      TEXT,
      `Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: BASE64\r\n\r\n${base64}`,
    ]),
  };

  it.each(Object.entries(intact))('%s', async (_, content) => {
    expect(everyWay(content)).toEqual([]);
    // The witness finds the octets that went in, too.
    if (!content.includes(PDF)) return;
    const { attachments } = await PostalMime.parse(Buffer.from(content, 'latin1'));
    for (const { mimeType, content: octets } of attachments) {
      if (mimeType !== 'application/pdf') continue;
      const arrived = Buffer.from(octets as ArrayBuffer);
      expect(arrived.equals(file(5000).subarray(0, arrived.length))).toBe(true);
    }
  });

  it('has the parts that postal-mime has', async () => {
    const random = seeded(2046);
    for (let round = 0; round < 150; round++) {
      const part = (depth: number): string => {
        switch (random(depth > 2 ? 2 : 4)) {
          case 0:
            return TEXT;
          case 1:
            return PDF + attachment(file(60 + random(900), round), [76, 72, 64, 60][random(4)]);
          case 2:
            return mixed([part(depth + 1), part(depth + 1)], { boundary: `n${depth}${random(9)}` });
          default:
            return `${PDF}${attachment(file(300, round))}`;
        }
      };
      const content = mixed([part(0), part(0), PDF + attachment(file(600, round))]);
      expect(damagesOf(content, randomCuts(content.length, random)), content).toEqual([]);
      const { attachments } = await PostalMime.parse(Buffer.from(content, 'latin1'));
      expect(attachments.filter(({ mimeType }) => mimeType === 'application/pdf').length).toBe(
        content.split(PDF).length - 1,
      );
      // A mask in the last attachment is found there, whatever came before it.
      const last = content.lastIndexOf(PDF) + PDF.length;
      const masked = overwritten(content, last + 78, 76, 'X');
      expect(damagesOf(masked, randomCuts(content.length, random))).toMatchObject([{ part: '3' }]);
    }
  });
});

describe('hostile parts', () => {
  it('cost no depth, no memory and no time', () => {
    let deep = 'Content-Type: text/plain\r\n\r\nx\r\n';
    for (let depth = 0; depth < 200; depth++) deep = mixed([deep], { boundary: `b${depth}`, closing: '' });
    expect(damagesOf(deep)).toMatchObject([{ kind: 'unclosed' }]);
    const messages = mixed([`${'Content-Type: message/rfc822\r\n\r\n'.repeat(300)}x`]);
    expect(damagesOf(messages)).toEqual([]);
    const header = mixed([`X: ${'y'.repeat(200_000)}\r\n${'Z: z\r\n'.repeat(20_000)}\r\n`]);
    expect(damagesOf(header, [1000, 90_000, 150_000])).toEqual([]);
    const dashes = mixed([`${TEXT}${'--'.repeat(100_000)}\r\n`]);
    expect(damagesOf(dashes, [50_000, 120_000])).toEqual([]);
    const salad = mixed([PDF + attachment(file(300)) + `${'*\0X'.repeat(25)}\r\n`.repeat(4000)]);
    const begin = processorMs();
    expect(damagesOf(salad, [70_000, 140_000])).toEqual([]);
    expect(processorMs() - begin).toBeLessThan(2000);
  });
});
