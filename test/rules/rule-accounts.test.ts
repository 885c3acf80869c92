import { describe, expect, it } from 'vitest';
import { type Analysis, analyze } from '../../src/analyze.js';
import { catalog } from '../../src/rules/catalog.js';

const CASES = '../shared/cases';

async function read(...files: string[]): Promise<Analysis> {
  return analyze(files, { rules: catalog });
}

function checkOf({ checks }: Analysis, rule: string): Analysis['checks'][number] {
  return checks.find((check) => check.rule === rule)!;
}

describe('checks', () => {
  it('has every rule once, in the order of the catalogue, and each accounts for every session', async () => {
    const analysis = await read('captures/asa-esmtp-outside.pcap');
    expect(analysis.checks.map(({ rule }) => rule)).toEqual(catalog.map(({ meta }) => meta.id));
    for (const { judged, notJudged, rule } of analysis.checks) {
      const sum = notJudged.reduce((all, { sessions }) => all + sessions, judged);
      expect([rule, sum]).toEqual([rule, analysis.smtpCount]);
    }
  });

  it('says found for each rule with a finding, and has judged what it found', async () => {
    const analysis = await read('captures/asa-esmtp-outside.pcap');
    const spoken = new Set(analysis.findings.map(({ rule }) => rule));
    expect(spoken.size).toBeGreaterThan(0);
    for (const { rule, status, judged } of analysis.checks) {
      expect([rule, status === 'found']).toEqual([rule, spoken.has(rule)]);
      if (status === 'found') expect(judged).toBeGreaterThan(0);
      if (status === 'not-checked') expect(judged).toBe(0);
    }
  });

  it.each([
    ['damage behind the client’s side', 'garble-truncate.outside.pcap', 'attachment-damaged', 'viewpoint'],
    ['keywords that were removed', 'caps-removed-auth-tls.outside.pcap', 'capability-removed', 'viewpoint'],
    ['masks, beside the server', 'caps-removed-auth-tls.inside.pcap', 'banner-masked', 'viewpoint'],
    ['a greeting cut by the snap length', 'stars-greeting-snap96.pcap', 'banner-masked', 'snaplen'],
  ])('does not claim to have looked for %s', async (_, file, rule, reason) => {
    const check = checkOf(await read(`${CASES}/${file}`), rule);
    expect(check).toEqual({ rule, status: 'not-checked', judged: 0, notJudged: [{ reason, sessions: 1 }] });
  });

  it('of complete captures leaves at most a tenth of what could be judged', async () => {
    const names = ['asa-esmtp-outside', 'asa-esmtp-inside', 'control-postfix-outside', 'control-auth'];
    const { checks } = await read(...names.map((name) => `captures/${name}.pcap`));
    let [judged, left] = [0, 0];
    for (const check of checks) {
      judged += check.judged;
      for (const { reason, sessions } of check.notJudged) {
        if (reason !== 'viewpoint' && reason !== 'no-occasion') left += sessions;
      }
    }
    expect(judged).toBeGreaterThan(50);
    expect(left / (judged + left)).toBeLessThanOrEqual(0.1);
  });
});
