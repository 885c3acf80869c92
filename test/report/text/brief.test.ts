import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BRIEF_LIMIT, briefReport } from '../../../src/report/text/brief.js';
import { fakeAnalysis, fakeFinding } from '../fake-analysis.js';
import { hostileAnalysis, hostileText } from '../hostile-text.js';

const brief = (analysis: Parameters<typeof briefReport>[0]): string => [...briefReport(analysis)].join('');

it('never exceeds its limit, and is printable', () => {
  fc.assert(
    fc.property(fc.array(hostileText, { minLength: 1, maxLength: 12 }), (texts) => {
      const analysis = hostileAnalysis(texts);
      const many = Array.from({ length: 40 }, (_, i) => ({
        ...analysis.findings[0]!,
        id: `f${i + 1}`,
        rule: `r${i}`,
      }));
      const report = brief({ ...analysis, findings: many });
      expect(report.length).toBeLessThanOrEqual(BRIEF_LIMIT);
      expect(report.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      expect(report).toContain('Proof:');
    }),
  );
});

it('shows three proofs of different octets and the filter for them', () => {
  const [proof] = fakeFinding().evidence;
  const evidence = [4, 8, 12, 16, 20].map((packet) => ({
    ...proof!,
    packet,
    excerpt: `octets ${packet % 16}`,
  }));
  const report = brief(fakeAnalysis({ findings: [fakeFinding({ evidence })] }));
  expect(report.match(/^ {2}frame \d+/gm)).toHaveLength(3);
  expect(report).toContain('frame.number in {4, 8, 12}');
});

it('says how good a clean capture is', () => {
  expect(brief(fakeAnalysis())).toBe(
    'No sign of a firewall editing mail in 1 session.\nNot seen in 1 session; the capture is good enough to have seen it.\nBoth directions of every SMTP session were captured, from the first packet on, without a gap.\nFrom mail.pcap. Times are UTC.\n',
  );
});
