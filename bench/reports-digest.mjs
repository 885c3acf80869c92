/**
 * One line for each report that the program writes of each capture: its SHA-256, the exit status, the format, the input.
 * Two builds that write the same reports give the same lines. `npm run reports -- [--dist FOLDER] [FOLDER..]`
 *
 *   --dist FOLDER   the build that is asked (default: dist of this project)
 *   --every N       only every Nth capture
 *   --evidence      the evidence captures of each input, too
 *   FOLDER..        where captures are (default: captures/, and ../shared/captures and ../shared/cases where they are)
 *
 *   node bench/reports-digest.mjs --dist ../before/dist > before.txt
 *   node bench/reports-digest.mjs > after.txt && diff before.txt after.txt
 *
 * The program's own version is left out of the sums: it may differ, and nothing else may.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CAPTURE = /\.(pcap|pcapng|cap|ntar|dmp|trace|pkt)(\.gz|\.zst)?$/i;
const MAX_INPUT = 4e6;
const COMPARED = ['text', 'json', 'ndjson', 'html', 'markdown', 'jira', 'csv', 'sarif', 'junit', 'eve'];

const words = process.argv.slice(2);
const at = words.indexOf('--dist');
const dist = resolve(at < 0 ? join(ROOT, 'dist') : words.splice(at, 2)[1]);
const every = words.indexOf('--every');
const step = every < 0 ? 1 : Number(words.splice(every, 2)[1]);
const withEvidence = words.includes('--evidence');
const given = words.filter((word) => word !== '--evidence');
const folders =
  given.length > 0
    ? given.map((name) => resolve(name))
    : ['captures', '../shared/captures', '../shared/cases']
        .map((name) => join(ROOT, name))
        .filter(existsSync);

const { run } = await import(pathToFileURL(join(dist, 'cli/run.js')).href);
const { FORMATS } = await import(pathToFileURL(join(dist, 'cli/options.js')).href);
const { version } = JSON.parse(readFileSync(join(dist, '../package.json'), 'utf8'));

/** Only where it stands as the program's: an address may hold the same digits. */
const OWN = new RegExp(`(mailwitness[ /]|"version": ?")${version.replaceAll('.', '\\.')}`, 'g');
function withoutVersion(text) {
  return text.replaceAll(OWN, '$1VERSION');
}

/** Names as they stand in reports: without the folder, which is another on another machine. */
function captures(folder) {
  process.chdir(folder);
  return readdirSync('.', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && CAPTURE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).length <= MAX_INPUT)
    .sort();
}

async function report(argv) {
  const sum = createHash('sha256');
  const output = {
    write(text, done) {
      sum.update(withoutVersion(text));
      done?.();
      return true;
    },
  };
  const status = await run(argv, { stdout: output, stderr: output, env: {} });
  console.log(`${sum.digest('hex').slice(0, 32)} ${status} ${argv.join(' ').replace(ROOT, '')}`);
}

const nowhere = {
  write(_text, done) {
    done?.();
    return true;
  },
};

const other = (file) =>
  /inside/.test(file)
    ? file.replace('inside', 'outside')
    : /-in\.pcap/.test(file)
      ? file.replace('-in.pcap', '-out.pcap')
      : null;

for (const folder of folders) {
  for (const [index, file] of captures(folder).entries()) {
    if (index % step !== 0) continue;
    for (const format of FORMATS) await report(['analyze', '-F', format, file]);
    await report(['analyze', '--brief', file]);
    await report(['analyze', '-F', 'json', '--anonymize', '--key', join(ROOT, 'LICENSE'), file]);
    const outside = other(file);
    if (outside !== null && existsSync(outside)) {
      for (const format of COMPARED)
        await report(['compare', '-F', format, '--inside', file, '--outside', outside]);
    }
    if (withEvidence) {
      const scratch = mkdtempSync(join(tmpdir(), 'mailwitness-reports-'));
      await run(['analyze', '--evidence', join(scratch, 'e'), file], {
        stdout: nowhere,
        stderr: nowhere,
        env: {},
      });
      for (const entry of existsSync(join(scratch, 'e')) ? readdirSync(join(scratch, 'e')).sort() : []) {
        const sum = createHash('sha256').update(
          withoutVersion(readFileSync(join(scratch, 'e', entry), 'latin1')),
        );
        console.log(`${sum.digest('hex').slice(0, 32)} - evidence ${entry} of ${file}`);
      }
      rmSync(scratch, { recursive: true });
    }
  }
}
