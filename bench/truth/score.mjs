/** Puts scenarios before the program and holds its answers against what happened. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { story } from './story.mjs';

/** Runs the program in this process and parses its report. @param run  `run(argv, io)` of the command line */
export async function reportOn(run, scenario, folder) {
  const paths = {};
  for (const { side, extension, octets } of scenario.captures) {
    paths[side] = join(folder, `${side}.${extension}`);
    writeFileSync(paths[side], octets);
  }
  const argv =
    scenario.view === 'both'
      ? ['compare', '--inside', paths.inside, '--outside', paths.outside, '-F', 'json']
      : ['analyze', paths[scenario.view], '-F', 'json'];
  const pieces = [];
  const errors = [];
  const sink = (list) => ({
    write: (text, done) => {
      list.push(text);
      done?.(null);
      return true;
    },
  });
  await run(argv, { stdout: sink(pieces), stderr: sink(errors), env: {} });
  for (const path of Object.values(paths)) rmSync(path);
  const text = pieces.join('');
  if (text === '') throw new Error(`no report: ${errors.join('').slice(0, 300)}`);
  return JSON.parse(text);
}

/** Harm nobody, so that a note is all there is to say. */
const NOTES = new Set(['sender-workaround']);

const row = () => ({
  positives: 0,
  found: 0,
  near: 0,
  false: 0,
  possible: 0,
  allClears: 0,
  blind: 0,
  judged: 0,
});

export class Score {
  /** @param rules  ids of the contract, in its order */
  constructor(rules) {
    this.rows = new Map(rules.map((rule) => [rule, row()]));
    this.honest = { sessions: 0, captures: 0, false: 0, possible: 0 };
    this.scenarios = 0;
    this.wrong = [];
    this.hasChecks = false;
    this.crashes = 0;
  }

  of(rule) {
    if (!this.rows.has(rule)) this.rows.set(rule, row());
    return this.rows.get(rule);
  }

  note(kind, rule, scenario, detail) {
    this.wrong.push({
      kind,
      rule,
      plot: scenario.name,
      view: scenario.view,
      key: scenario.key,
      detail,
      lacks: scenario.lacks,
    });
  }

  add(scenario, report) {
    this.scenarios++;
    const found = new Map();
    const noted = new Set(report.findings.map((finding) => finding.rule));
    for (const finding of report.findings) {
      if (finding.severity === 'info') continue;
      const sure = finding.confidence !== 'possible';
      found.set(finding.rule, (found.get(finding.rule) ?? false) || sure);
    }
    if (scenario.honest) {
      this.honest.sessions += scenario.sessions;
      this.honest.captures++;
    }
    for (const [rule, own] of this.rows) {
      const verdict = scenario.verdict(rule);
      if (verdict === 'must') {
        own.positives++;
        if (found.has(rule) || (NOTES.has(rule) && noted.has(rule))) own.found++;
        else this.note('missed', rule, scenario, scenario.view);
      } else if (verdict === 'mustNot' && scenario.near?.has(rule)) own.near++;
      if (verdict !== 'mustNot' || !found.has(rule)) continue;
      const sure = found.get(rule);
      const message = report.findings.find((finding) => finding.rule === rule && finding.severity !== 'info');
      this.note(sure ? 'false' : 'possible', rule, scenario, `${message.confidence}: ${message.title}`);
      own[sure ? 'false' : 'possible']++;
      if (scenario.honest) this.honest[sure ? 'false' : 'possible']++;
    }
    this.allClears(scenario, report);
  }

  /** "Looked for and not seen" of what did happen. Sessions that the rule says it did not judge are no part of the claim. */
  allClears(scenario, report) {
    if (!report.checks) return;
    this.hasChecks = true;
    for (const { rule, status, notJudged } of report.checks) {
      const own = this.of(rule);
      if (status === 'not-checked') continue;
      own.judged++;
      if (status !== 'not-seen') continue;
      const { took, visible } = scenario.troubled(rule);
      const left = notJudged.reduce((sum, { sessions }) => sum + sessions, 0);
      if (visible.size > left) {
        own.allClears++;
        this.note('all-clear', rule, scenario, 'not seen, though it is there');
      } else if (took.size > left) {
        own.blind++;
        this.note('blind', rule, scenario, 'not seen from where it cannot be seen');
      }
    }
  }
}

/** Captures and the story of a scenario, for people. */
export function keep(folder, scenario) {
  mkdirSync(folder, { recursive: true });
  const name = scenario.key.replace(/[^a-zA-Z0-9]+/g, '-');
  for (const { side, extension, octets } of scenario.captures)
    writeFileSync(join(folder, `${name}.${side}.${extension}`), octets);
  writeFileSync(join(folder, `${name}.txt`), story(scenario));
}

const percent = (part, whole) => (whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`);

/** The score as a table in Markdown. */
export function table(score) {
  const lines = [
    '| rule | positives | found | recall | near misses | false findings | false `possible` | false all-clears | all-clears out of sight |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  const sum = row();
  const checked = (count) => (score.hasChecks ? String(count) : 'n/a');
  for (const [rule, own] of score.rows) {
    for (const key of Object.keys(sum)) sum[key] += own[key];
    lines.push(
      `| ${rule} | ${own.positives} | ${own.found} | ${percent(own.found, own.positives)} | ${own.near} | ${own.false} | ${own.possible} | ${checked(own.allClears)} | ${checked(own.blind)} |`,
    );
  }
  lines.push(
    `| all | ${sum.positives} | ${sum.found} | ${percent(sum.found, sum.positives)} | ${sum.near} | ${sum.false} | ${sum.possible} | ${checked(sum.allClears)} | ${checked(sum.blind)} |`,
  );
  const { honest } = score;
  const each = (count) => (honest.sessions === 0 ? '-' : ((1000 * count) / honest.sessions).toFixed(2));
  lines.push(
    '',
    `Honest: ${honest.sessions} sessions in ${honest.captures} captures; ${honest.false} false findings (${each(honest.false)} in 1,000), ${honest.possible} false \`possible\` (${each(honest.possible)} in 1,000).`,
  );
  return lines.join('\n');
}
