/**
 * How often the program is right: seeded scenarios whose truth is known, because they were made.
 *
 * usage: npm run truth -- [--seed N] [--count N] [--rule ID] [--keep DIR] [--only KEY] [--write]
 *
 * `--count` is how many positives and how many near misses each rule gets (150); honest sessions grow with it (20,000 at
 * 150). A quarter of everything is drawn from a seed of this moment, which is printed. `--only` plays one scenario, by the
 * key that is printed beside each wrong answer; with `--keep` its captures and its story are written.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HONEST } from './truth/plots.mjs';
import { RULES } from './truth/rules.mjs';
import { honestScenario, TROUBLED, troubledScenario } from './truth/scenario.mjs';
import { keep, reportOn, Score, table } from './truth/score.mjs';
import { story } from './truth/story.mjs';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '150' },
    rule: { type: 'string' },
    keep: { type: 'string' },
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

/** `t:SEED:PLOT`: troubled; `n:SEED:PLOT`: a near miss; `h:SEED`: honest sessions of every kind. */
function scenarioOf(key) {
  const [kind, seed, plot] = key.split(':');
  const made =
    kind === 't'
      ? troubledScenario(Number(seed), { plot })
      : kind === 'n'
        ? honestScenario(Number(seed), { plot, sessions: 2 })
        : honestScenario(Number(seed));
  return Object.assign(made, { key, honest: kind === 'h' });
}

const { run } = await import('../dist/cli/run.js');
const folder = mkdtempSync(join(tmpdir(), 'mailwitness-truth-'));
const score = new Score(values.rule ? [values.rule] : RULES);

async function judge(key) {
  const scenario = scenarioOf(key);
  score.add(scenario, await reportOn(run, scenario, folder));
  if (values.keep && score.wrong.some((wrong) => wrong.key === key)) keep(values.keep, scenario);
}

try {
  if (values.only) await playOne(values.only);
  else await playAll();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function playOne(key) {
  const scenario = scenarioOf(key);
  const report = await reportOn(run, scenario, folder);
  score.add(scenario, report);
  if (values.keep) keep(values.keep, scenario);
  console.log(story(scenario));
  for (const { rule, severity, confidence, title } of report.findings)
    console.log(`${rule}: ${severity}, ${confidence}: ${title}`);
  for (const { kind, rule, detail } of score.wrong) console.log(`wrong: ${kind} ${rule} (${detail})`);
}

async function playAll() {
  const count = Number(values.count);
  const fresh = Math.floor(Math.random() * 1e9);
  for (const [seed, share] of [
    [Number(values.seed) * 1_000_000, 0.75],
    [fresh, 0.25],
  ]) {
    await round(seed, Math.ceil(count * share));
  }
  const text = [
    `${score.scenarios} scenarios, seed ${values.seed}; a quarter of them from the fresh seed ${fresh}.`,
    '',
    table(score),
  ].join('\n');
  console.log(text);
  printWrong();
  if (values.write) writePage(text);
}

/** So many positives and near misses for each rule, and honest sessions in proportion. */
async function round(firstSeed, count) {
  const wanted = values.rule ? [values.rule] : RULES;
  let seed = firstSeed;
  const begin = new Map(wanted.map((rule) => [rule, { ...score.of(rule) }]));
  const grown = (rule, what) => score.of(rule)[what] - begin.get(rule)[what];
  for (const rule of wanted) {
    const plots = Object.keys(TROUBLED).filter((name) => TROUBLED[name].aims.includes(rule));
    for (let tries = 0; plots.length > 0 && grown(rule, 'positives') < count && tries < count * 8; tries++) {
      await judge(`t:${seed++}:${plots[tries % plots.length]}`);
    }
    const near = Object.keys(HONEST).filter((name) => HONEST[name].near.includes(rule));
    for (let tries = 0; near.length > 0 && grown(rule, 'near') < count && tries < count * 3; tries++) {
      await judge(`n:${seed++}:${near[tries % near.length]}`);
    }
  }
  if (values.rule) return;
  const aimless = Object.keys(TROUBLED).filter((name) => TROUBLED[name].aims.length === 0);
  for (let each = 0; each < count; each++) await judge(`t:${seed++}:${aimless[each % aimless.length]}`);
  const target = score.honest.sessions + (count * 20_000) / 150;
  while (score.honest.sessions < target) await judge(`h:${seed++}`);
}

function printWrong() {
  const groups = new Map();
  for (const wrong of score.wrong) {
    const name = `${wrong.kind} ${wrong.rule} · ${wrong.plot} · ${wrong.view}`;
    const group = groups.get(name) ?? [];
    group.push(wrong);
    groups.set(name, group);
  }
  const order = ['false', 'all-clear', 'missed', 'possible', 'blind'];
  const rank = ([name, list]) => order.indexOf(name.split(' ')[0]) * 1e6 - list.length;
  for (const [name, list] of [...groups].sort((one, other) => rank(one) - rank(other))) {
    console.log(`${String(list.length).padStart(5)} × ${name}: ${list[0].detail}; --only '${list[0].key}'`);
  }
}

function writePage(text) {
  writeFileSync(
    new URL('../docs/truth.md', import.meta.url),
    `# How often mailwitness is right\n\nWritten by \`npm run truth -- --write\`: scenarios that were made, so that what happened is known, put before the program.\nThe generator (\`bench/truth/\`) knows the contract and the programs that speak SMTP; it knows no rule.\n\n${text}\n`,
  );
}
