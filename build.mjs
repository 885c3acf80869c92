import { readdirSync, readFileSync } from 'node:fs';
import { rolldown } from 'rolldown';

const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/** The licences of what the program's files hold beside its own code. */
const licences = {
  name: 'licences',
  generateBundle() {
    const texts = Object.keys(dependencies).map((name) => {
      const folder = new URL(`node_modules/${name}/`, import.meta.url);
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      if (!file) throw new Error(`${name} comes without a licence`);
      return `${name}\n\n${readFileSync(new URL(file, folder), 'utf8').trim()}\n`;
    });
    this.emitFile({ type: 'asset', fileName: 'LICENCES', source: texts.join('\n\n') });
  },
};

/** What a run on a small capture without findings calls nothing of, and how long its loading takes. */
const SELDOM = {
  'node:crypto': ['createHash', 'createHmac', 'randomBytes'], // 7 ms
  'node:child_process': ['spawn'], // 6 ms
  'node:zlib': ['crc32', 'gzipSync'], // 2 ms
};

/**
 * Parts of Node that are loaded at their first call: 15 ms of the 95 ms of a small capture. The sources import them as
 * ever. The price: what is called of them stands in a list, and a name that is missing there ends the build.
 */
const seldom = {
  name: 'seldom',
  resolveId(id, _importer, { kind }) {
    return id in SELDOM && kind !== 'dynamic-import' ? `\0seldom:${id}` : null;
  },
  load(id) {
    if (!id.startsWith('\0seldom:')) return null;
    const name = id.slice('\0seldom:'.length);
    return SELDOM[name]
      .map(
        (call) =>
          `export const ${call} = (...given) => process.getBuiltinModule('${name}').${call}(...given);`,
      )
      .join('\n');
  },
};

/**
 * The program as a few files instead of a hundred: finding and linking them took 55 ms of the 165 ms of a small
 * capture, and 12 MB. The price is that libraries are held twice where one is also imported from `dist/index.js`.
 */
// blessed is no strict code, and cannot be bundled: it stays a package of its own.
const program = await rolldown({
  input: 'src/cli/main.ts',
  platform: 'node',
  plugins: [licences, seldom],
  external: ['blessed'],
});
await program.write({
  dir: 'dist/bin',
  format: 'esm',
  entryFileNames: 'mailwitness.js',
  chunkFileNames: '[name].js',
  // What nearly every run needs is one file: each of 27 took half a millisecond to find.
  codeSplitting: {
    groups: [
      {
        name: 'cli',
        priority: 2,
        test: /src\/(cli\/(options|io|usage-error)|report\/printable|rules\/finding)\.ts$/,
      },
      {
        name: 'analysis',
        priority: 1,
        test: /src\/(capture|wire|fragment|stream|smtp|rules|diagnose)\/|src\/analyze\.ts$|src\/cli\/(analyze|chosen-rules|output-file|progress)\.ts$|src\/report\/(json|pieces|display-filter)\.ts$|node_modules\/xxhash-wasm\//,
      },
    ],
  },
});

// By itself, so that the program's own files are not cut up for what both hold.
const reader = await rolldown({ input: 'src/reading/reader-thread.ts', platform: 'node' });
await reader.write({
  dir: 'dist/bin',
  format: 'esm',
  entryFileNames: 'reader-thread.js',
  chunkFileNames: 'thread-[name].js',
});
