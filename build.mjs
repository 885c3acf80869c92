import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const { dependencies, version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const folder = fileURLToPath(new URL('dist/bin/', import.meta.url));

/** The licences of what a bundle holds beside the project's own code. */
const licencesOf = (packages) => ({
  name: 'licences',
  generateBundle() {
    const texts = packages.map((name) => {
      const folder = new URL(`node_modules/${name}/`, import.meta.url);
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      if (!file) throw new Error(`${name} comes without a licence`);
      return `${name}\n\n${readFileSync(new URL(file, folder), 'utf8').trim()}\n`;
    });
    this.emitFile({ type: 'asset', fileName: 'LICENCES', source: texts.join('\n\n') });
  },
});

/** What a run on a small capture without findings calls nothing of, and how long its loading takes. */
const SELDOM = {
  'node:crypto': ['createHash', 'createHmac', 'randomBytes'], // 7 ms
  'node:child_process': ['spawn'], // 6 ms
  'node:zlib': ['crc32', 'gzipSync'], // 2 ms
  'node:http': ['createServer'], // 1 ms
  'node:tty': ['isatty', 'ReadStream'], // 2 ms, with node:net
  'node:v8': ['deserialize', 'serialize', 'setFlagsFromString'], // 2 ms
  'node:worker_threads': ['Worker'], // 0.4 ms
};

/**
 * Parts of Node that are loaded at their first call: 20 ms of a small capture. The sources import them as ever. The
 * price: what is called of them stands in a list, and a name that is missing there ends the build.
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
        (call) => `export function ${call}(...given) {
          const { ${call}: called } = process.getBuiltinModule('${name}');
          return new.target ? new called(...given) : called(...given);
        }`,
      )
      .join('\n');
  },
};

/** The program as `src/cli/start.ts` calls it. */
const aFunction = {
  name: 'function',
  generateBundle(_options, files) {
    const chunk = files['program.js'];
    chunk.code = `(function (exports, require, __filename, __dirname) {${chunk.code}\n})`;
  },
};

/** One octet a character: half the memory of a text with a § in it, and no decoding. */
const ascii = {
  name: 'ascii',
  generateBundle(_options, files) {
    for (const file of Object.values(files)) {
      if (file.type !== 'chunk') continue;
      file.code = file.code.replace(
        /[^\0-\x7f]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    }
  },
};

/**
 * Bundles one file of `dist/bin`, and all that it imports. CommonJS: the loader of ES modules takes 4 ms, and a script
 * with a code cache can be nothing else. One file: each of many took half a millisecond to find, and what is not called is
 * not compiled. The price is that libraries are held twice where one is also imported from `dist/index.js`.
 */
async function bundle(input, file, plugins = []) {
  const bundled = await rolldown({
    input,
    platform: 'node',
    plugins: [ascii, ...plugins],
    // blessed is no strict code, and cannot be bundled: it stays a package of its own.
    external: ['blessed'],
    checks: { ineffectiveDynamicImport: false },
  });
  await bundled.write({
    dir: folder,
    format: 'cjs',
    entryFileNames: file,
    codeSplitting: false,
    dynamicImportInCjs: false,
    comments: false,
  });
}

const sourceOf = (path) => fileURLToPath(new URL(path, import.meta.url));

/** In a bundle for browsers the machine is one, and no module of Node can be had: naming one ends the build. */
const inBrowsers = {
  name: 'in-browsers',
  resolveId(id) {
    if (id.startsWith('node:')) this.error(`${id} is not to be had in a browser`);
    return id === './node.js' ? sourceOf('src/platform/web.ts') : null;
  },
};

/** Packages in the bundle for browsers; most of them are not installed with mailwitness. */
const WEB_PACKAGES = ['buffer', 'base64-js', 'ieee754', '@noble/hashes', 'pako', 'fzstd', 'ipaddr.js'];

/** `mailwitness/core` for browsers: one file that imports nothing. `Buffer` in it is the class of `web-buffer.ts`. */
async function bundleForBrowsers() {
  const bundled = await rolldown({
    input: 'src/core.ts',
    platform: 'browser',
    plugins: [inBrowsers, ascii, licencesOf(WEB_PACKAGES)],
    transform: {
      inject: { Buffer: [sourceOf('src/platform/web-buffer.ts'), 'Buffer'] },
      define: { PROGRAM_VERSION: JSON.stringify(version) },
    },
    checks: { ineffectiveDynamicImport: false },
  });
  await bundled.write({
    dir: sourceOf('dist/web'),
    format: 'esm',
    entryFileNames: 'core.js',
    codeSplitting: false,
    comments: false,
    minify: true,
  });
}

rmSync(folder, { recursive: true, force: true });
rmSync(sourceOf('dist/web'), { recursive: true, force: true });
await bundle('src/reading/reader-thread.ts', 'reader-thread.js');
await bundle('src/cli/main.ts', 'program.js', [seldom, licencesOf(Object.keys(dependencies)), aFunction]);
await bundle('src/cli/start.ts', 'mailwitness.js');
await bundleForBrowsers();
writeFileSync(`${folder}package.json`, '{ "type": "commonjs" }\n');

// One for who starts it by its name, one for `node dist/bin/mailwitness.js`.
const [, ...flags] = readFileSync(`${folder}mailwitness.js`, 'utf8').split('\n', 1)[0].split(' --');
for (const given of [flags.map((flag) => `--${flag}`), []]) {
  const cache = `${folder}program.js.${given.length}.cache`;
  execFileSync(process.execPath, [
    ...given,
    fileURLToPath(new URL('code-cache.mjs', import.meta.url)),
    cache,
  ]);
}
