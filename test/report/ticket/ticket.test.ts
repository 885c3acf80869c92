/** The reports for trackers: what they hold, and that nothing of a packet is live in them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Analysis } from '../../../src/analyze.js';
import { absenceText } from '../../../src/report/document/quality.js';
import { jiraInline, jiraReport } from '../../../src/report/ticket/jira.js';
import { markdownInline, markdownReport } from '../../../src/report/ticket/markdown.js';
import { catalog } from '../../../src/rules/catalog.js';
import { runs } from '../../support/extent.js';
import { fakeAnalysis, fakeFinding, fakeSession } from '../fake-analysis.js';
import { HOSTILE, hostileAnalysis, hostileText } from '../hostile-text.js';
import { html, liveInHtml, liveInJira } from './live-markup.js';

const OPTIONS = { ports: [25], rules: catalog.map(({ meta }) => meta) };
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

const markdown = (analysis: Analysis): string => [...markdownReport(analysis, OPTIONS)].join('');
const jira = (analysis: Analysis): string => [...jiraReport(analysis, OPTIONS)].join('');

function sameLines(text: string): void {
  for (const line of text.split('\n')) expect(line).not.toMatch(UNSAFE);
}

describe('hostile text', () => {
  it.each(HOSTILE)('is not live in a line: %j', (text) => {
    const analysis = hostileAnalysis([text]);
    expect(liveInHtml(html(markdown(analysis)))).toEqual([]);
    expect(liveInJira(jira(analysis))).toEqual([]);
  });

  it('is not live anywhere in Markdown', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 1, maxLength: 12 }), (texts) => {
        const report = markdown(hostileAnalysis(texts));
        sameLines(report);
        const page = html(report);
        expect(liveInHtml(page)).toEqual([]);
        for (const tag of ['details', 'summary', 'pre', 'ul', 'table']) {
          expect(page.split(`<${tag}>`).length).toBe(page.split(`</${tag}>`).length);
        }
      }),
      { numRuns: runs(300) },
    );
  });

  it('is not live anywhere in Jira', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 1, maxLength: 12 }), (texts) => {
        const report = jira(hostileAnalysis(texts));
        sameLines(report);
        expect(liveInJira(report)).toEqual([]);
      }),
      { numRuns: runs(300) },
    );
  });

  it('keeps every character of a line in Markdown', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', ' ', '`', '*', '<', '@', '"', '.', '\\', '|') }),
        (words) => {
          const text = words.replaceAll(/`+/g, '').trim().replaceAll(/ +/g, ' ');
          const shown = html(markdownInline(text))
            .replace(/<\/?(?:p|code)>/g, '')
            .replace(/&lt;/g, '<')
            .replace(/&quot;/g, '"');
          expect(shown).toBe(text);
        },
      ),
    );
  });

  it('would be noticed', () => {
    expect(liveInHtml(html('[x](https://a.example) @octocat <b>x</b> www.a.example'))).not.toEqual([]);
    for (const text of ['{code}', '[~admin]', '\\\\[~admin]', '!x.png!', 'https://x', 'a *x*', '\\\\']) {
      expect(liveInJira(text), text).not.toEqual([]);
    }
  });
});

describe('the inline text of each tracker', () => {
  it.each([
    ['ASA: `no mask-banner`.', 'ASA: `no mask-banner`.', 'ASA: {{no mask-banner}}.'],
    [
      'The message <1@a.example>, again.',
      'The message `<1@a.example>`, again.',
      'The message <1\\@a.example>, again.',
    ],
    ['220 ****2**0', '220 `****2**0`', '220 \\*\\*\\*\\*2\\*\\*0'],
    ['C:\\x \\{code}', '`C:\\x` `\\{code}`', 'C:\\x \\ \\{code\\}'],
    ['see https://a.example', 'see `https://a.example`', 'see https\\[:\\]//a.example'],
  ])('%j', (text, inMarkdown, inJira) => {
    expect(markdownInline(text)).toBe(inMarkdown);
    expect(jiraInline(text)).toBe(inJira);
  });
});

describe('a report for a tracker', () => {
  it('says that a clean capture is clean, and how far that goes', () => {
    const report = markdown(fakeAnalysis());
    expect(report).toMatch(/^\*\*No sign of a firewall editing mail in 1 session\.\*\*\n/);
    expect(report).toContain('Not seen in 1 session; the capture is good enough to have seen it.');
    expect(report).not.toContain('How to check');
    expect(absenceText({ smtp: 1200, partly: 3 })).toBe(
      'Not seen in 1,200 sessions; 1,197 of them were captured well enough to have seen it.',
    );
    expect(absenceText({ smtp: 2, partly: 2 })).toContain('none of which');
  });

  it('names no folder', () => {
    const [capture] = fakeAnalysis().captures;
    const analysis = fakeAnalysis({
      captures: [{ ...capture!, file: '/home/anna/case/mail.pcap' }],
      findings: [fakeFinding()],
    });
    for (const report of [markdown(analysis), jira(analysis)]) {
      expect(report).toContain('mail.pcap');
      expect(report).not.toContain('anna');
    }
  });

  it('stays a page, whatever there is to tell', () => {
    const findings = Array.from({ length: 10_000 }, (_, i) =>
      fakeFinding({
        id: `f${i + 1}`,
        rule: `rule-${i % 40}`,
        message: `Finding ${i}.`,
        server: { address: `198.51.100.${i % 20}`, port: 25 },
      }),
    );
    const analysis = fakeAnalysis({ findings, sessionList: Array.from({ length: 3 }, () => fakeSession()) });
    for (const report of [markdown(analysis), jira(analysis)]) {
      expect(report.length).toBeLessThan(60_000);
      expect(report).toContain('And 15 more servers with findings.');
      expect(report).toContain('And 9,950 more findings.');
    }
  });
});
