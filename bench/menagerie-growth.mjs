/**
 * One process that analyses spoiled captures, one after the other, and tells each minute what it holds: of
 * `menagerie.mjs`, which hands it the names of the captures on standard input. `node --expose-gc menagerie-growth.mjs MINUTES SEED`
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { analyze, catalog } from '../dist/index.js';
import { SCRATCH } from './measure.mjs';
import { chance, spoiled } from './menagerie.mjs';

const [, , minutes, seed] = process.argv.map(Number);
const files = readFileSync(0, 'utf8').split('\n');
const chances = chance(seed + 1_000_000);
const begun = Date.now();
const path = join(SCRATCH, 'capture');
let analyses = 0;
for (let minute = 1; minute <= minutes; minute++) {
  while (Date.now() < begun + minute * 60_000) {
    writeFileSync(path, spoiled(files, chances).octets);
    const analysis = await analyze([path], { rules: catalog });
    for (const session of analysis.sessions())
      if (session.id === '') throw new Error('a session without a name');
    analyses++;
  }
  global.gc();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  const open = readdirSync('/proc/self/fd').length;
  console.log(
    JSON.stringify({ minute, analyses, heap: (heapUsed + arrayBuffers) / 1e6, resident: rss / 1e6, open }),
  );
}
