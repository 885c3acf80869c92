/** Lines and names in mail data that are longer than inspections allow. */
import { describe, expect, it } from 'vitest';
import { fileNameOctets } from '../../src/mail/header-scan.js';
import { analyzeScripts } from '../support/dialogue.js';
import { randomCuts, scan, seeded } from './mail-data-pieces.js';

const BASE = 100;
const HEAD = 'Message-ID: <1@client.example>\r\nSubject: x\r\n';

function line(octets: number): string {
  return `X-Puzzle: ${'y'.repeat(octets - 10)}`;
}

/** Of the first long line, in every segmentation that is tried. */
function longLine(text: string): { octets: number; offset: number } | null {
  const random = seeded(text.length);
  const whole = scan(text, [], { base: BASE }).facts.longHeaderLine;
  for (let round = 0; round < 40; round++) {
    const cuts =
      round === 0
        ? Array.from({ length: text.length - 1 }, (_, at) => at + 1)
        : randomCuts(text.length, random);
    const { longHeaderLine } = scan(text, cuts, { base: BASE }).facts;
    expect(longHeaderLine && { ...longHeaderLine, frame: 0, us: 0 }).toEqual(
      whole && { ...whole, frame: 0, us: 0 },
    );
    if (!longHeaderLine) continue;
    const breach = longHeaderLine.offset - BASE;
    // The octet that goes beyond, its successor at the latest: a CR may end the line.
    const frame = 1 + cuts.filter((cut) => cut <= breach).length;
    expect([frame, 1 + cuts.filter((cut) => cut <= breach + 1).length]).toContain(longHeaderLine.frame);
    expect(longHeaderLine.us).toBe(1_000_000 + longHeaderLine.frame);
  }
  return whole && { octets: whole.octets, offset: whole.offset };
}

describe('a header line', () => {
  it('of more than 998 octets is noted where it goes beyond', () => {
    const text = `${HEAD}${line(1200)}\r\nTo: b\r\n\r\nx\r\n.\r\n`;
    expect(longLine(text)).toEqual({ octets: 1200, offset: BASE + HEAD.length + 998 });
    expect(longLine(`${HEAD}${line(999)}\r\n\r\n.\r\n`)?.octets).toBe(999);
    expect(longLine(`${HEAD}X: y\r\n\t${'z'.repeat(1100)}\r\n\r\n.\r\n`)?.octets).toBe(1101);
  });

  it('is noted though the message ends inside it', () => {
    expect(longLine(`${HEAD}${line(1050)}`)).toEqual({ octets: 1050, offset: BASE + HEAD.length + 998 });
  });

  it('is the first of several', () => {
    expect(longLine(`${line(1100)}\r\n${line(2000)}\r\n\r\n.\r\n`)?.octets).toBe(1100);
  });

  it('of 998 octets, folded, or in the body is none', () => {
    expect(longLine(`${HEAD}${line(998)}\r\n\r\n.\r\n`)).toBeNull();
    expect(longLine(`${HEAD}${`X: y\r\n\t${'z'.repeat(700)}\r\n`.repeat(2)}\r\n.\r\n`)).toBeNull();
    expect(longLine(`${HEAD}\r\n${line(1200)}\r\n.\r\n`)).toBeNull();
  });
});

describe('the name of a file', () => {
  it.each([
    [null, 0],
    ['attachment', 0],
    ['attachment; filename=a.pdf', 5],
    ['attachment; filename="a b.pdf"; size=7', 7],
    ['attachment; FileName = "a\\"b"', 4],
    ["attachment; filename*=utf-8''%e2%82%ac.pdf", 20],
    ['attachment; filename*0="abc"; filename*1="defg"; filename*2*=h', 8],
    ['attachment; filename="abc"; filename*=utf-8\'\'abcdef', 13],
    ['application/pdf; name=long.pdf', 8],
    ['attachment; filename="never closed', 0],
    ['x; rename=abc', 0],
  ])('%j has %i octets', (field, octets) => {
    expect(fileNameOctets(field)).toBe(octets);
  });

  it('of more than 255 octets is noted, of the message and of its parts', () => {
    const name = 'n'.repeat(300);
    const single = `${HEAD}Content-Disposition: attachment; filename="${name}"\r\n\r\nx\r\n.\r\n`;
    const parts = (file: string) =>
      `${HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: a/b;\r\n name="${file}"\r\n\r\nx\r\n--b--\r\n.\r\n`;
    for (const [text, end] of [
      [single, single.indexOf('\r\n\r\nx')],
      [parts(name), parts(name).indexOf('\r\n\r\nx')],
    ] as const) {
      const random = seeded(text.length);
      for (let round = 0; round < 40; round++) {
        const cuts = randomCuts(text.length, random);
        const frame = 1 + cuts.filter((cut) => cut <= end + 3).length;
        expect(scan(text, cuts, { base: BASE }).facts.longFileName).toEqual({
          octets: 300,
          offset: BASE + end + 4,
          frame,
          us: 1_000_000 + frame,
          ns: 0,
          digits: 6,
        });
      }
    }
    expect(scan(parts('n'.repeat(255)), []).facts.longFileName).toBeNull();
  });
});

it('comes through the transcript', async () => {
  const script = `
    S: 220 mail.example
    C: HELO c
    S: 250 mail.example
    C: MAIL FROM:<a@b>
    S: 250 ok
    C: RCPT TO:<b@c>
    S: 250 ok
    C: DATA
    S: 354 go
    C: ${line(1200)}
    C~ Content-Type: a/b; name="${'n'.repeat(256)}"\\r\\n\\r\\n.\\r\\n
    S: 250 ok`;
  const [session] = [...(await analyzeScripts([script], { rules: [] })).sessions()];
  const [message] = session!.messages;
  expect(message!.longHeaderLine).toMatchObject({ octets: 1200, offset: message!.offset + 998 });
  expect(message!.longHeaderLine!.frame).toBe(message!.frame);
  expect(message!.longHeaderLine!.time).toEqual(message!.time);
  expect(message!.longFileName).toMatchObject({ octets: 256, offset: message!.offset + 1202 + 286 });
  expect(message!.damages).toEqual([]);
});
