/** `mailwitness/core` in Chromium: the same report, octet for octet, as the command line writes of the same capture. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, needs } from '../support/needs.js';
import { zstdFrame } from '../support/zstd.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const PROGRAM = join(ROOT, 'dist/bin/mailwitness.js');
const CORE = join(ROOT, 'dist/web/core.js');

const LAB = [
  'asa-esmtp-outside.pcap',
  'asa-auth-masked-outside.pcap',
  'asa-telnet-outside.pcap',
  'pix-6-xxxx-outside.pcapng',
  'pix-5.1-noop-outside.pcap',
  'delivered-five-times-outside.pcap',
  'proxy-antivirus-outside.pcap',
  'tls-spoiled-outside.pcap',
  'greeting-stalled-outside.pcap',
  'blocked-syn-outside.pcap',
];

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the command line writes of a capture in `folder`. */
function reported(name: string, octets: Uint8Array, format: string): string {
  writeFileSync(join(folder, name), octets);
  const words = [PROGRAM, '-F', format, '--quiet', name];
  const { stdout, stderr } = spawnSync(process.execPath, words, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  expect(stderr).toBe('');
  return stdout;
}

function damaged(octets: Buffer, at: number): Buffer {
  const copy = Buffer.from(octets);
  copy[at] = copy[at]! ^ 0x55;
  return copy;
}

/** Captures by their names; among them some that are compressed, cut short, damaged, or none. */
function inputs(): [name: string, octets: Buffer][] {
  const lab = LAB.map((name): [string, Buffer] => [name, readFileSync(join(ROOT, 'captures', name))]);
  const [, capture] = lab[0]!;
  const packed = gzipSync(capture);
  return [
    ...lab,
    ['packed.pcap.gz', packed],
    ['members.pcap.gz', Buffer.concat([gzipSync(capture.subarray(0, 999)), gzipSync(capture.subarray(999))])],
    ['padded.pcap.gz', Buffer.concat([packed, Buffer.alloc(99)])],
    ['followed.pcap.gz', Buffer.concat([packed, Buffer.from('this is no member of gzip')])],
    ['cut.pcap.gz', packed.subarray(0, packed.length >> 1)],
    ['wrong-sum.pcap.gz', damaged(packed, packed.length - 6)],
    ...[10, 40, 700, packed.length >> 1].map((at): [string, Buffer] => [
      `damaged-${at}.pcap.gz`,
      damaged(packed, at),
    ]),
    ['packed.pcap.zst', zstdFrame(capture)],
    ['cut.pcap', capture.subarray(0, 3001)],
    ['none.pcap', Buffer.from('This is no capture, and has enough octets to say so. '.repeat(20))],
    ['empty.pcap', Buffer.alloc(0)],
  ];
}

interface InBrowser {
  readonly report: string;
  readonly other: string;
}

describe('the core in Chromium', needs('chromium'), () => {
  let browser: Browser;
  let page: Page;
  const requests: string[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: findChromium()!, headless: true, args: ARGUMENTS });
    page = await browser.newPage();
    await page.goto('about:blank');
    page.on('request', (request) => requests.push(request.url()));
    const code = readFileSync(CORE, 'utf8');
    // As text: the test runner would give `import` another meaning.
    await page.evaluate(`(async () => {
      const url = URL.createObjectURL(new Blob([${JSON.stringify(code)}], { type: 'text/javascript' }));
      globalThis.core = await import(url);
    })()`);
  });
  afterAll(() => browser?.close());

  /** The report of octets that are given whole, and that of the same in a stream of small pieces. */
  function inBrowser(name: string, octets: Buffer, format: string): Promise<InBrowser> {
    return page.evaluate(
      async ([name, base64, format]) => {
        const { core } = globalThis as unknown as { core: typeof import('../../src/core.js') };
        const octets = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        async function* pieces(): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < octets.length; at += 777) yield octets.slice(at, at + 777);
        }
        const reportOf = async (given: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> => {
          const analysis = await core.analyze({ name, octets: given });
          return [...(await core.render(analysis, format as 'json'))].join('');
        };
        return { report: await reportOf(octets), other: await reportOf(pieces()) };
      },
      [name, octets.toString('base64'), format] as const,
    );
  }

  it.each(inputs())('reports %s as the command line does', async (name, octets) => {
    const { report, other } = await inBrowser(name, octets, 'json');
    expect(report).toBe(reported(name, octets, 'json'));
    // What a step of the decompression gave is lost with it, and where steps end depends on the pieces: of files as well.
    if (name !== 'followed.pcap.gz') expect(other).toBe(report);
  });

  it.each(['text', 'html', 'ndjson', 'sarif', 'eve', 'zeek', 'junit', 'csv', 'markdown', 'jira'])(
    'writes the format %s as the command line does',
    async (format) => {
      const [[name, octets]] = inputs() as [[string, Buffer]];
      const { report } = await inBrowser(name, octets, format);
      expect(report).toBe(reported(name, octets, format));
    },
  );

  it('compares two captures as the command line does', async () => {
    const names = ['asa-esmtp-inside.pcap', 'asa-esmtp-outside.pcap'];
    const [inside, outside] = names.map((name) => readFileSync(join(ROOT, 'captures', name)));
    const report = await page.evaluate(
      async ([inside, outside]) => {
        const { core } = globalThis as unknown as { core: typeof import('../../src/core.js') };
        const fileOf = (name: string, base64: string) =>
          new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], name);
        const comparison = await core.compare(
          fileOf('asa-esmtp-inside.pcap', inside),
          fileOf('asa-esmtp-outside.pcap', outside),
        );
        return [...(await core.render(comparison, 'json'))].join('');
      },
      [inside!.toString('base64'), outside!.toString('base64')] as const,
    );
    const words = ['compare', '--inside', names[0]!, '--outside', names[1]!, '-F', 'json', '--quiet'];
    const { stdout } = spawnSync(process.execPath, [PROGRAM, ...words], {
      cwd: join(ROOT, 'captures'),
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    expect(stdout.length).toBeGreaterThan(1000);
    expect(report).toBe(stdout);
  });

  it('has asked for nothing from anywhere', () => {
    expect(requests.filter((url) => !url.startsWith('blob:'))).toEqual([]);
  });
});

describe('the bundle for browsers', () => {
  const code = readFileSync(CORE, 'utf8');

  it('imports nothing', () => {
    const script = join(folder, 'core.mjs');
    writeFileSync(script, code);
    expect(code).not.toMatch(/\bimport\s*[({"'*a-zA-Z_$]/);
    expect(code).not.toMatch(/["'`]node:/);
    // Nor does it need anything beside it.
    execFileSync(process.execPath, [
      '--input-type=module',
      '-e',
      `await import(${JSON.stringify(`file://${script}`)})`,
    ]);
  });
});
