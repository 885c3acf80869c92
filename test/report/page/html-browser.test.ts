/** The report in Chromium, as the one who gets it sees it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { analyze } from '../../../src/analyze.js';
import { compare } from '../../../src/compare/compare.js';
import { comparisonHtml, htmlReport } from '../../../src/report/page/html.js';
import { catalog } from '../../../src/rules/catalog.js';
import { sample } from '../../support/extent.js';
import { goldenCapture } from '../../support/golden.js';
import { findChromium, fontFolder, needs } from '../../support/needs.js';

const CAPTURES = join(dirname(fileURLToPath(import.meta.url)), '../../../captures');

/** The generic families that the style sheet names. */
const GENERIC = {
  'system-ui': 'DejaVu Sans',
  'sans-serif': 'DejaVu Sans',
  'ui-monospace': 'DejaVu Sans Mono',
  monospace: 'DejaVu Sans Mono',
};

/**
 * A configuration of fontconfig that knows the fonts of one folder and no others: what is installed on a machine decides how
 * wide words are, and so how many lines and sheets there are.
 */
function onlyFonts(folder: string, fonts: string): string {
  const path = join(folder, 'fonts.conf');
  const cache = join(folder, 'font-cache');
  const aliases = Object.entries(GENERIC).map(
    ([name, font]) =>
      `<alias binding="same"><family>${name}</family><prefer><family>${font}</family></prefer></alias>`,
  );
  writeFileSync(
    path,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>${fonts}</dir><cachedir>${cache}</cachedir>${aliases.join('')}</fontconfig>`,
  );
  return path;
}

/** One of each mode of the lab's firewall, and controls; and on how many sheets of A4, at most, each is printed. */
const LAB: readonly (readonly [file: string, sheets: number])[] = [
  ['asa-esmtp-outside.pcap', 1],
  ['asa-auth-masked-outside.pcap', 1],
  ['asa-telnet-outside.pcap', 1],
  ['pix-6-xxxx-outside.pcapng', 1],
  ['pix-6-off-outside.pcap', 1],
  ['pix-5.1-noop-outside.pcap', 1],
  ['pix-4.4-stars-outside.pcap', 1],
  ['pix-4.0-ok-outside.pcap', 1],
  ['pix-cmap-outside.pcap', 1],
  ['delivered-five-times-outside.pcap', 1],
  ['proxy-antivirus-outside.pcap', 1],
  ['tls-spoiled-outside.pcap', 1],
  ['greeting-stalled-outside.pcap', 1],
  ['blocked-syn-outside.pcap', 1],
  ['attachment-damaged-inside.pcap', 1],
  ['control-postfix-outside.pcap', 1],
  ['control-capture-gap.pcap', 1],
  ['control-starttls.pcap', 1],
  // Five kinds of findings and more, or a table of attempts beside them, are no usual case.
  ['asa-limits-outside.pcap.gz', 2],
  ['asa-link2state-outside.pcap', 2],
  ['lost-end-of-data-outside.pcap', 1],
];

/** Pairs of captures, likewise. */
const PAIRS: readonly (readonly [pair: string, sheets: number])[] = [
  ['asa', 1],
  ['nat', 1],
  ['attachment', 1],
  ['lost-250', 1],
  ['control', 1],
];

/** Releases of Chromium break lines in their own way: that there is room left is no fault. */
function expectSheets(pdf: Buffer, most: number): void {
  const { length } = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g) ?? [];
  expect(length).toBeGreaterThan(0);
  expect(length).toBeLessThanOrEqual(most);
}

describe('in Chromium', needs('chromium', 'fonts'), () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
    browser = await chromium.launch({
      executablePath: findChromium()!,
      env: { ...process.env, FONTCONFIG_FILE: onlyFonts(folder, fontFolder()!) } as Record<string, string>,
      // Its sandbox refuses root, whom continuous integration runs as.
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
  });

  afterAll(async () => {
    await browser?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  async function reportOf(capture: string): Promise<string> {
    const analysis = await analyze([capture], { rules: catalog });
    const options = { ports: [25, 587, 2525], rules: catalog.map(({ meta }) => meta), version: '0.0.0' };
    const path = join(folder, 'report.html');
    writeFileSync(path, [...htmlReport(analysis, options)].join(''));
    return pathToFileURL(path).href;
  }

  async function comparisonOf(pair: string): Promise<string> {
    const side = (which: string) => ({
      file: join(CAPTURES, `compare-${pair}-${which}.pcap.zst`),
      interface: null,
    });
    const comparison = await compare(side('inside'), side('outside'), { rules: catalog });
    const options = { ports: [25, 587, 2525], rules: catalog.map(({ meta }) => meta), version: '0.0.0' };
    const path = join(folder, 'comparison.html');
    writeFileSync(path, [...comparisonHtml(comparison, options)].join(''));
    return pathToFileURL(path).href;
  }

  /** Opens it with scripting off, and tells all that a page should not do. */
  async function opened<T>(
    url: string,
    look: { width: number; dark?: boolean },
    work: (page: Page) => Promise<T>,
  ): Promise<{ result: T; complaints: string[] }> {
    const context = await browser.newContext({
      javaScriptEnabled: false,
      colorScheme: look.dark ? 'dark' : 'light',
      viewport: { width: look.width, height: 800 },
    });
    const complaints: string[] = [];
    const page = await context.newPage();
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('dialog', (dialog) => complaints.push(dialog.message()));
    page.on('request', (request) => {
      if (request.url() !== url) complaints.push(request.url());
    });
    await page.goto(url);
    const result = await work(page);
    await context.close();
    return { result, complaints };
  }

  // The page's globals are not this program's: no type names them.
  const style = (page: Page, selector: string, name: string): Promise<string> =>
    page.evaluate(`getComputedStyle(document.querySelector('${selector}')).getPropertyValue('${name}')`);

  const tooWide = (page: Page): Promise<boolean> =>
    page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');

  it.each(sample(LAB, 6))(
    '%s: at most %i sheets, nothing asked of the network, no complaint',
    async (file, sheets) => {
      const url = await reportOf(join(CAPTURES, file));
      const { result, complaints } = await opened(url, { width: 1280 }, (page) =>
        page.pdf({ preferCSSPageSize: true }),
      );
      expect(complaints).toEqual([]);
      expectSheets(result, sheets);
      const phone = await opened(url, { width: 360 }, tooWide);
      expect(phone).toEqual({ result: false, complaints: [] });
    },
  );

  it.each(sample(PAIRS, 2))(
    'compare-%s: at most %i sheets, nothing asked of the network, no complaint',
    async (pair, sheets) => {
      const url = await comparisonOf(pair);
      const { result, complaints } = await opened(url, { width: 1280 }, (page) =>
        page.pdf({ preferCSSPageSize: true }),
      );
      expect(complaints).toEqual([]);
      expectSheets(result, sheets);
      const phone = await opened(url, { width: 360 }, tooWide);
      expect(phone).toEqual({ result: false, complaints: [] });
    },
  );

  it('takes the style sheet that its policy names, light and dark', async () => {
    const url = await reportOf(join(CAPTURES, 'asa-esmtp-outside.pcap'));
    const paper = (page: Page): Promise<string> => style(page, 'body', 'background-color');
    const light = await opened(url, { width: 1280 }, paper);
    const dark = await opened(url, { width: 1280, dark: true }, paper);
    expect(light.result).toBe('rgb(255, 255, 255)');
    expect(dark.result).toBe('rgb(21, 24, 28)');
  });

  it('marks masked octets by more than colour', async () => {
    const url = await reportOf(join(CAPTURES, 'asa-esmtp-outside.pcap'));
    const { result } = await opened(url, { width: 1280 }, async (page) => ({
      under: await style(page, '.ladder mark', 'border-bottom-style'),
      text: await page.locator('.ladder tr.proof').first().textContent(),
    }));
    expect(result.under).toBe('solid');
    expect(result.text).toContain('220 ****************************');
  });

  it('runs nothing and asks for nothing whatever the packets say', async () => {
    const path = join(folder, 'hostile.pcap');
    writeFileSync(path, goldenCapture('hostile'));
    const url = await reportOf(path);
    const { complaints } = await opened(url, { width: 1280 }, (page) => page.pdf());
    expect(complaints).toEqual([]);
  });
});
