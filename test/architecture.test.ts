import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { catalog } from '../src/rules/catalog.js';
import { CHANGES as CHANGE_KINDS } from '../src/rules/rule-meta.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const FLOORS = [
  'platform',
  'capture',
  'wire',
  'fragment',
  'stream',
  'mail',
  'smtp',
  'transcript',
  'dialogue',
  'reading',
  'finding',
  'facts',
  'rules',
  'syslog',
  'diagnose',
  'analyze.ts',
  'compare',
  'anonymize',
  'report',
  'evidence',
  'live',
  'api',
  'core.ts',
  'index.ts',
  'cli',
];

/** What Node gives the program: see `src/platform/contract.ts`. */
const NODE_FORM = /^src\/platform\/node[^/]*\.ts$/;

function files(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

const SOURCES = files('src').map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

function floorOf(path: string): number {
  const [, first = ''] = path.split('/');
  return FLOORS.indexOf(first);
}

/** Every module that the text imports, statically, by type or lazily. */
function imports(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)'([^']+)'/g)].map((match) => match[1]!);
}

function upward(path: string, text: string): string[] {
  return imports(text)
    .filter((name) => name.startsWith('.'))
    .map((name) => join(dirname(path), name).split(sep).join('/').replace(/\.js$/, '.ts'))
    .filter((target) => floorOf(target) > floorOf(path) || floorOf(target) < 0);
}

/** Code without comments: prose may name what code may not. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
}

const CHANGES = new Set(
  [
    'set',
    'add',
    'delete',
    'clear',
    'push',
    'pop',
    'shift',
    'unshift',
    'splice',
    'fill',
    'sort',
    'reverse',
  ].concat('copyWithin'),
);

/** Classes of the language whose instances nobody changes here: `CHANGES` are looked for, and `AbortController` ends a program. */
const OF_THE_LANGUAGE = /^(?:Map|Set|WeakMap|WeakSet|RegExp|\w*Array|TextDecoder|AbortController|Script)$/;

/**
 * Variables of a module that change once it is loaded: `let`, static members, instances of our own classes, and
 * constants that a function changes.
 */
function moduleState(path: string, source: string): string[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const constants = new Set<string>();
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) {
      for (const { name, initializer } of statement.declarationList.declarations) {
        if (!(statement.declarationList.flags & ts.NodeFlags.Const)) found.push(name.getText());
        else if (ts.isIdentifier(name)) constants.add(name.text);
        if (initializer && ts.isNewExpression(initializer)) {
          const made = initializer.expression.getText();
          if (!OF_THE_LANGUAGE.test(made)) found.push(`${name.getText()}: ${made}`);
        }
      }
    }
    if (ts.isClassDeclaration(statement)) {
      for (const member of statement.members) {
        const flags = ts.getCombinedModifierFlags(member);
        const isStatic = ts.isPropertyDeclaration(member) && (flags & ts.ModifierFlags.Static) !== 0;
        if (isStatic && !(flags & ts.ModifierFlags.Readonly)) found.push(member.name.getText());
      }
    }
  }
  const isConstant = (node: ts.Node): boolean => ts.isIdentifier(node) && constants.has(node.text);
  const held = (node: ts.Node): ts.Node =>
    ts.isElementAccessExpression(node) || ts.isPropertyAccessExpression(node) || ts.isNonNullExpression(node)
      ? held(node.expression)
      : node;
  const visit = (node: ts.Node, inFunction: boolean): void => {
    if (inFunction) {
      if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
        const { expression, name } = node.expression;
        if (CHANGES.has(name.text) && isConstant(held(expression))) found.push(node.expression.getText());
      }
      const target = ts.isBinaryExpression(node)
        ? node.operatorToken.kind >= ts.SyntaxKind.FirstAssignment &&
          node.operatorToken.kind <= ts.SyntaxKind.LastAssignment &&
          node.left
        : (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) &&
          (node.operator === ts.SyntaxKind.PlusPlusToken ||
            node.operator === ts.SyntaxKind.MinusMinusToken) &&
          node.operand;
      if (target && !ts.isIdentifier(target) && isConstant(held(target))) found.push(target.getText());
    }
    ts.forEachChild(node, (child) => visit(child, inFunction || ts.isFunctionLike(node)));
  };
  visit(file, false);
  return found;
}

/** The program that people start: what it is given of the loaded program it has for good. */
const PROGRAMS = new Set(['src/cli/start.ts']);

describe('the state of a run', () => {
  it('is in no module: who uses it holds it', () => {
    const state = SOURCES.filter(({ path }) => !PROGRAMS.has(path)).flatMap(({ path, text }) =>
      moduleState(path, text).map((name) => `${path}: ${name}`),
    );
    expect(state).toEqual([]);
  });

  it.each([
    ['let newest = null;', 'newest'],
    ['export let newest: string | null = null;', 'newest'],
    ['const memo = new Map(); export function f(a) { memo.set(a, a); }', 'memo.set'],
    ['const list: string[] = []; const f = (a) => { list.push(a); };', 'list.push'],
    ['const places = new Float64Array(2); class A { f() { places[0] = 1; } }', 'places[0]'],
    ['const state = { at: 0 }; function f() { state.at++; }', 'state.at'],
    ['class A { static newest = 0; }', 'newest'],
    ['const searches = new OctetSearch(".");', 'searches: OctetSearch'],
  ])('would be noticed: %s', (source, name) => {
    expect(moduleState('a.ts', source)).toEqual([name]);
  });

  it('is not what a module makes once, nor what a function makes for itself', () => {
    const source =
      'const T = new Uint8Array(2); for (let i = 0; i < 2; i++) T[i] = 1; function f() { const list = []; list.push(1); let n = 0; n++; return [...T]; }';
    expect(moduleState('a.ts', source)).toEqual([]);
  });
});

describe('the rules', () => {
  it('know nothing of each other, and nothing below them knows one', () => {
    const rules = new Set(catalog.map(({ meta }) => `${meta.id}.js`));
    const knowing = SOURCES.filter(({ path }) => /^src\/(?:facts|finding|rules)\//.test(path))
      .filter(({ path }) => path !== 'src/rules/catalog.ts')
      .filter(({ text }) => imports(text).some((name) => rules.has(name.split('/').at(-1)!)))
      .map(({ path }) => path);
    expect(knowing).toEqual([]);
  });
});

describe('the floors', () => {
  it('has every source on a floor', () => {
    expect(SOURCES.filter(({ path }) => floorOf(path) < 0).map(({ path }) => path)).toEqual([]);
  });

  it.each(SOURCES)('$path imports from its own floor or a lower one', ({ path, text }) => {
    expect(upward(path, text)).toEqual([]);
  });

  it('would notice an upward import', () => {
    expect(upward('src/wire/decode.ts', "import { x } from '../dialogue/dialogue.js';")).toHaveLength(1);
    expect(upward('src/wire/decode.ts', "await import('../cli/run.js')")).toHaveLength(1);
    expect(upward('src/smtp/dialogue.ts', "import type { x } from '../stream/event.js';")).toEqual([]);
  });

  it('keeps files, time of day, console and process where they belong', () => {
    const offences: string[] = [];
    for (const { path, text } of SOURCES) {
      const plain = code(text);
      const cli = path.startsWith('src/cli/');
      // A program of its own, which stands where a capture program would.
      const program = path === 'src/live/drivers/cap-child.ts';
      if (
        !cli &&
        !program &&
        !path.startsWith('src/platform/') &&
        /\bDate\.now\b|\bnew Date\(\)|performance\.now/.test(plain)
      )
        offences.push(`${path}: clock`);
      if (!cli && /\bconsole\./.test(plain)) offences.push(`${path}: console`);
      if (!cli && !program && /\bprocess\./.test(plain)) offences.push(`${path}: process`);
      const form = NODE_FORM.test(path);
      if (!cli && !form && imports(text).some((name) => name === 'node:fs' || name === 'node:zlib')) {
        offences.push(`${path}: files`);
      }
      const feed = path === 'src/live/feed.ts' || /^src\/live\/drivers\/(try|examine)\.ts$/.test(path);
      if (!feed && imports(text).some((name) => /child_process/.test(name)))
        offences.push(`${path}: processes`);
      if (!form && !path.startsWith('src/reading/') && imports(text).includes('node:worker_threads')) {
        offences.push(`${path}: threads`);
      }
      const metrics = path === 'src/cli/metrics-server.ts';
      if (!metrics && imports(text).some((name) => /node:net|node:http|node:dgram/.test(name))) {
        offences.push(`${path}: network`);
      }
    }
    expect(offences).toEqual([]);
  });

  it('reaches for Node behind the platform, in programs of their own, live and on the command line alone', () => {
    const reaching = SOURCES.filter(({ text }) => imports(text).some((name) => name.startsWith('node:')));
    const outside = reaching.filter(({ path }) => !NODE_FORM.test(path) && !/^src\/(cli|live)\//.test(path));
    expect(outside.map(({ path }) => path)).toEqual(['src/reading/reader-thread.ts']);
  });

  it('has a core that imports no module of Node, whatever it imports by whatever', () => {
    const texts = new Map(SOURCES.map(({ path, text }) => [path, text]));
    const reached = new Set(['src/core.ts']);
    const ofNode: string[] = [];
    for (const path of reached) {
      for (const name of imports(texts.get(path) ?? '')) {
        if (name.startsWith('node:')) ofNode.push(`${path}: ${name}`);
        if (!name.startsWith('.')) continue;
        const target = join(dirname(path), name).split(sep).join('/').replace(/\.js$/, '.ts');
        // The build for browsers puts another in its place.
        reached.add(target === 'src/platform/node.ts' ? 'src/platform/web.ts' : target);
      }
    }
    expect(ofNode).toEqual([]);
    expect(reached.size).toBeGreaterThan(150);
    for (const path of ['src/rules/banner-masked.ts', 'src/platform/web.ts', 'src/compare/compare.ts']) {
      expect(reached).toContain(path);
    }
    expect([...reached].filter((path) => /^src\/(cli|live|evidence)\//.test(path))).toEqual([]);
  });

  it('knows the terminal library in one file', () => {
    const knowing = SOURCES.filter(({ text }) => imports(text).includes('blessed')).map(({ path }) => path);
    expect(knowing).toEqual(['src/live/dashboard/terminal.ts']);
  });

  it('joins the floors from packets to connections in one place', () => {
    const joining = SOURCES.filter(({ text }) =>
      /\bnew ConnectionTable\b|\bcreateDecoder\(/.test(code(text)),
    );
    expect(joining.map(({ path }) => path).sort()).toEqual([
      'src/fragment/decoder.ts',
      'src/reading/packet-reader.ts',
    ]);
  });

  it('has no drawer for everything', () => {
    const drawers = SOURCES.filter(({ path }) => /\/(utils?|helpers?|common|misc|types)(\/|\.ts)/.test(path));
    expect(drawers).toEqual([]);
  });

  it('has no file that nobody can read in one go', () => {
    const long = SOURCES.filter(({ text }) => text.split('\n').length > 650).map(({ path }) => path);
    expect(long).toEqual([]);
  });
});

describe('what is known of a rule', () => {
  const ids = catalog.map(({ meta }) => meta.id);
  /** Ids that strings hold; who imports a rule names it safely. */
  const naming = (text: string): string[] => {
    const plain = code(text).replace(/\bfrom '[^']+'/g, '');
    const strings = [...plain.matchAll(/'([^'\n]*)'|"([^"\n]*)"|`([^`]*)`/g)];
    const words = new Set(strings.flatMap(([, ...texts]) => texts.join('').split(/[^a-z0-9-]+/)));
    return ids.filter((id) => words.has(id));
  };

  /** It puts the marks of boxes in an order, whichever rules find them. */
  const signatures = 'src/diagnose/box-signatures.ts';

  it('stands in its own file: no other names it', () => {
    const others = SOURCES.filter(({ path }) => !path.startsWith('src/rules/') && path !== signatures);
    expect(others.flatMap(({ path, text }) => naming(text).map((id) => `${path}: ${id}`))).toEqual([]);
    for (const meta of catalog.map((rule) => rule.meta)) {
      const text = SOURCES.find(({ path }) => path === `src/rules/${meta.id}.ts`)!.text;
      expect(naming(text), meta.id).toEqual([meta.id]);
    }
  });

  it('would be noticed elsewhere', () => {
    expect(naming("if (rule === 'verb-masked') {}")).toEqual(['verb-masked']);
    expect(naming('const key = `s1 verb-masked`;')).toEqual(['verb-masked']);
    expect(naming('const rules = "auth-dropped, verb-masked";')).toEqual(['verb-masked', 'auth-dropped']);
    expect(naming("import { verbMasked } from '../rules/verb-masked.js';")).toEqual([]);
    expect(naming('/** As `verb-masked` does. */ // verb-masked\nverbMasked.meta.id')).toEqual([]);
  });

  it('says which of them are signatures of boxes', () => {
    const marks = naming(SOURCES.find(({ path }) => path === signatures)!.text);
    expect(marks).toEqual(catalog.filter(({ meta }) => meta.box === 'signature').map(({ meta }) => meta.id));
  });

  it('gives each its own place in the sentence of a report', () => {
    for (const kind of ['deed', 'consequence']) {
      const orders = catalog.map(({ meta }) => meta.verdict).filter((verdict) => verdict.kind === kind);
      expect(new Set(orders.map(({ order }) => order)).size).toBe(orders.length);
    }
  });

  it('gives each change between two captures to one rule', () => {
    const changes = catalog.flatMap(({ meta }) => meta.changes);
    expect(new Set(changes).size).toBe(changes.length);
    expect(changes.filter((change) => !change.startsWith('lost ')).sort()).toEqual([...CHANGE_KINDS].sort());
  });
});

describe('parity of the rules', () => {
  const read = (path: string): string =>
    existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : '';
  const readme = read('README.md');
  const expected = JSON.parse(read('captures/expected.json') || '{}') as Record<string, string[]>;
  const ids = catalog.map((rule) => rule.meta.id);

  it('names each rule once', () => {
    expect(new Set(ids).size).toBe(ids.length);
  });

  /** Only two captures together show them: `expected.json` is of single ones. */
  const COMPARED = ['verb-rewritten'];

  it.each(COMPARED)('%s has its file, its row, and its tests where sides are compared', (id) => {
    expect(existsSync(join(ROOT, 'src/rules', `${id}.ts`)), 'source').toBe(true);
    expect(readme).toContain(`| \`${id}\` |`);
    expect(read('test/compare/consequences.test.ts')).toContain(`'${id} certain`);
  });

  const single = ids.filter((id) => !COMPARED.includes(id));
  it.each(single)(
    '%s has its file, its tests, its row, a capture that speaks and one that is silent',
    (id) => {
      expect(existsSync(join(ROOT, 'src/rules', `${id}.ts`)), 'source').toBe(true);
      expect(existsSync(join(ROOT, 'test/rules', `${id}.test.ts`)), 'test').toBe(true);
      expect(readme).toContain(`| \`${id}\` |`);
      expect(Object.values(expected).some((rules) => rules.includes(id))).toBe(true);
      expect(Object.values(expected).some((rules) => !rules.includes(id))).toBe(true);
    },
  );

  it.each(catalog)('$meta.id documents itself', ({ meta }) => {
    for (const text of [meta.title, meta.summary, meta.whyItMatters, meta.staysSilent]) {
      expect(text.length).toBeGreaterThan(10);
    }
    expect(meta.remedy.length).toBeGreaterThan(0);
    expect(meta.references.length).toBeGreaterThan(0);
    for (const symptom of meta.symptoms) expect(symptom).toMatch(/^kb320027\/([1-9]|1[0-4])$/);
  });

  it('has a rule for every id that a capture is to give', () => {
    for (const rules of Object.values(expected)) for (const id of rules) expect(ids).toContain(id);
  });
});
