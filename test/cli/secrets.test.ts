/**
 * No credential leaves the program. Accounts are planted in a capture, each in a session of its own and in another way,
 * and whatever the program writes is searched for every part of each.
 */
import { execFileSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readCapture } from '../../src/capture/source.js';
import { exportWatch } from '../../src/cli/live-export.js';
import { type LiveArguments, parseLive } from '../../src/cli/live-options.js';
import { FORMATS } from '../../src/cli/options.js';
import { SmtpDialogues } from '../../src/dialogue/dialogue.js';
import { textOf, UNICODE } from '../../src/live/screen.js';
import { INITIAL, type Opened, VIEWS } from '../../src/live/ui-state.js';
import { screenOf } from '../../src/live/view-model.js';
import { catalog } from '../../src/rules/catalog.js';
import { type Account, base64, partsOf, scriptsWith, surrounded } from '../support/credentials.js';
import { pcapOf, type ScriptPacket, scriptPackets, unescapeScript } from '../support/dialogue.js';
import { sample } from '../support/extent.js';
import { watched, watchFile } from '../support/monitor.js';
import { FakeOutput, ran } from './fake-io.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/mailwitness.js', import.meta.url));
const SESSION_US = 3_600_000_000;

/** Letters of which no word of ours is made. */
function accountOf(number: number): Account {
  const mark = `${String.fromCharCode(0x61 + (number % 26))}${String.fromCharCode(0x61 + Math.floor(number / 26))}`;
  return { user: `Zq${mark}.Xw7${mark}`, password: `jQ${mark}vK-9${mark}xZy${number}` };
}

const WAYS = Object.keys(scriptsWith(accountOf(0)));

/** Six octets and more of a secret, and how it was planted. */
const PLANTED = new Map<string, string>();
for (const [number, way] of WAYS.entries()) {
  for (const part of partsOf(accountOf(number))) PLANTED.set(part, way);
}
const SIZES = [...new Set([...PLANTED.keys()].map((part) => part.length))];
/** By the first three octets of each part: most octets that are searched need no further look. */
const HEADS = new Uint8Array(1 << 24);
for (const part of PLANTED.keys()) HEADS[Buffer.from(part).readUIntBE(0, 3)] = 1;

/** Ways of planting of which a part is found in octets. */
function leaks(octets: Buffer): string[] {
  const text = octets.latin1Slice().toLowerCase();
  const lower = Buffer.from(text, 'latin1');
  const found = new Set<string>();
  let head = 0;
  for (let end = 0; end < lower.length; end++) {
    head = ((head << 8) | lower[end]!) & 0xff_ffff;
    if (HEADS[head] === 0) continue;
    for (const size of SIZES) {
      const way = PLANTED.get(text.slice(end - 2, end - 2 + size));
      if (way !== undefined) found.add(`${way}: ${text.slice(Math.max(0, end - 40), end + 20)}`);
    }
  }
  return [...found].slice(0, 5);
}

/** The account's dialogue with a server of its own, behind a firewall that masks. */
function sessionOf(number: number, masked: boolean): string {
  const script = surrounded(Object.values(scriptsWith(accountOf(number)))[number]!);
  const ends = `session C=192.0.2.${number + 1}:${40_001 + number} S=198.51.100.${number + 1}:25`;
  if (!masked) return `${ends}\n${script}`;
  const { password } = accountOf(number);
  return `${ends}\n${script
    .replace('220 mx.example ESMTP', '220 ****************************')
    .replace('S+ 250 AUTH PLAIN LOGIN', 'S+ 250-XXXXXXXA\nS+ 250 XXXXXXXXXXXXXXXXXXXXXB')
    .replaceAll(/^(C[:+~] )AUTH /gim, '$1XXXX ')
    .replaceAll(` ${base64(password)}`, ` ${base64(password).slice(0, -4)}XXXX`)
    .replaceAll('235 ok', '500 unrecognized')}`;
}

/** Each line as one octet a segment. */
function octetByOctet(script: string): string {
  return script.replaceAll(/^([CS])([:+~])(?: (.*))?$/gm, (_, side: string, kind: string, text = '') => {
    const octets = unescapeScript(kind === '~' ? text : `${text}\\r\\n`);
    if (octets.length > 300) return `${side}${kind} ${text}`;
    return [...octets].map((octet) => `${side}~ \\x${octet.toString(16).padStart(2, '0')}`).join('\n');
  });
}

/** Sessions one after another, an hour each. */
function captureOf(scripts: readonly string[]): Buffer {
  const packets = scripts.flatMap((script, index) =>
    scriptPackets(script).map(({ us, octets }): ScriptPacket => ({ us: us + index * SESSION_US, octets })),
  );
  return pcapOf(packets);
}

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-secrets-'));
  const inside = WAYS.map((_, number) => sessionOf(number, false));
  const outside = WAYS.map((_, number) => sessionOf(number, true));
  writeFileSync(at('inside.pcap'), captureOf(inside));
  writeFileSync(at('outside.pcap'), captureOf(outside));
  writeFileSync(at('octets.pcap'), captureOf(inside.map(octetByOctet)));
  writeFileSync(at('key'), 'sixteen octets or more of a key');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Every file of a directory: its name and its octets; compressed ones are the same as others. */
function writtenTo(directory: string): Buffer[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap(({ parentPath, name }) => {
      const octets = readFileSync(join(parentPath, name));
      if (!name.endsWith('.gz')) return [Buffer.from(name), octets];
      expect(gunzipSync(octets).equals(readFileSync(join(parentPath, name.slice(0, -3))))).toBe(true);
      return [];
    });
}

function expectNone(where: string, ...written: readonly (string | Buffer)[]): void {
  for (const one of written) expect(leaks(Buffer.from(one)), where).toEqual([]);
}

describe('what is searched for', () => {
  it('is in the captures, whole', () => {
    for (const name of ['inside.pcap', 'outside.pcap']) {
      const text = readFileSync(at(name)).latin1Slice();
      const ways = WAYS.filter((_, number) => {
        const { user, password } = accountOf(number);
        const forms = [
          password,
          base64(password),
          base64(`\0${user}\0${password}`),
          base64(`${user} ${password}`),
        ];
        return forms.some((form) => text.includes(form.slice(0, 12)));
      });
      expect(ways.length).toBeGreaterThan(WAYS.length * 0.8);
    }
    expect(leaks(readFileSync(at('inside.pcap')))).toHaveLength(5);
  });

  it('is found however it is written', () => {
    const { password } = accountOf(3);
    for (const form of [
      password.slice(2, 8),
      password.toUpperCase(),
      base64(`ab${password}`),
      base64(`abc${password}`),
      base64(`a${password}`).toUpperCase(),
      Buffer.from(password).toString('hex'),
      Buffer.from(password).toString('hex').replace(/../g, '$& '),
    ]) {
      expect(leaks(Buffer.from(`said ${form}.`)), form).not.toEqual([]);
    }
  });
});

describe.each(['inside.pcap', 'outside.pcap', 'octets.pcap'])('of %s nothing is', (name) => {
  it.each(sample(FORMATS, 4))('in a report: %s', async (format) => {
    const { status, out, err } = await ran(['-F', format, '--port', '25', at(name)]);
    expect(status).toBeLessThan(2);
    expect(out.length).toBeGreaterThan(200);
    expectNone(format, out, err);
    expectNone('anonymized', (await ran(['--anonymize', '--key', at('key'), '-F', format, at(name)])).out);
  });

  it('in the short form, nor in the details, nor in a coloured one', async () => {
    expectNone('brief', (await ran(['--brief', at(name)])).out);
    const details = (await ran(['--details', '--port', '25', at(name)])).out;
    expect(details).toContain('Looked for and not found');
    expectNone('details', details);
    const terminal = await ran([at(name)], { stdout: new FakeOutput(true), stderr: new FakeOutput(true) });
    expectNone('terminal', terminal.out, terminal.err);
  });

  it('in what a damaged capture leaves, nor in what is said of the damage', async () => {
    const whole = readFileSync(at(name));
    for (const place of sample([0.21, 0.43, 0.87], 1)) {
      const length = Math.floor(whole.length * place);
      const cut = whole.subarray(0, length);
      const broken = Buffer.from(whole);
      broken.fill(0xff, length, length + 8);
      for (const octets of [cut, broken, whole.subarray(length), gzipSync(whole).subarray(0, -200)]) {
        writeFileSync(at('damaged'), octets);
        const { out, err } = await ran(['-F', 'json', at('damaged')]);
        expectNone(`damaged at ${length}`, out, err);
      }
    }
  });

  it('on a screen', async () => {
    const { monitor } = await watchFile(at(name), 20);
    const size = { columns: 300, rows: 400 };
    const opened: (Opened | null)[] = [
      null,
      ...WAYS.map((_, index): Opened => ({ kind: 'session', key: String(index + 1) })),
      ...monitor.findings().map(({ id }): Opened => ({ kind: 'finding', key: id })),
    ];
    let seen = '';
    for (const view of VIEWS) {
      for (const one of view === 'sessions' ? opened : [null]) {
        const state = { ...INITIAL, view, opened: one ? [one] : [], scroll: one ? [0] : [] };
        const { lines } = screenOf({ watch: monitor, now: monitor }, state, size, UNICODE);
        seen += `${lines.map((line) => textOf(line).trimEnd()).join('\n')}\n`;
      }
    }
    expect(seen).toMatch(/AUTH|XXXX/);
    expectNone('screen', seen);
  });

  it('on a screen while it is said, nor in what is announced', async () => {
    const { monitor, said, pass } = await watched();
    const size = { columns: 200, rows: 120 };
    const every = name === 'octets.pcap' ? 97 : 7;
    let packets = 0;
    let seen = '';
    await readCapture(at(name), {
      packet: (packet) => {
        monitor.packet(packet);
        if (++packets % every > 0) return;
        pass(500);
        for (const key of [null, ...[...monitor.sessions()].slice(-1)]) {
          const opened: Opened[] = key === null ? [] : [{ kind: 'session', key: String(key.number) }];
          const state = { ...INITIAL, opened, scroll: opened.map(() => 0) };
          const { lines } = screenOf({ watch: monitor, now: monitor }, state, size, UNICODE);
          seen += `${lines.map((line) => textOf(line).trimEnd()).join('\n')}\n`;
        }
      },
    });
    expect(seen).toMatch(/AUTH|XXXX/);
    expectNone('screen', seen, JSON.stringify(said));
  });

  it('in what a watch says and keeps', async () => {
    const directory = at(`live-${name}`);
    mkdirSync(directory);
    const interrupts = new EventEmitter();
    interrupts.on('newListener', (signal: string) => {
      if (signal === 'SIGUSR1')
        for (const ms of [1, 50, 200]) setTimeout(() => interrupts.emit('SIGUSR1'), ms);
    });
    const formats = sample(['html', 'json', 'text'] as const, 1);
    for (const format of formats) {
      const words = ['-F', format, '-o', join(directory, format), '--state', join(directory, 'state')];
      const kept = ['--metrics', join(directory, 'metrics')];
      const { status, out, err } = await ran(['live', '-r', at(name), '--no-ui', ...words, ...kept], {
        interrupts,
      });
      expect(status).toBeLessThan(2);
      expect(out).toContain('"type":"summary"');
      expectNone('live', out, err);
    }
    expect(readdirSync(directory).sort()).toEqual([...formats, 'metrics', 'state'].sort());
    expectNone('live', ...writtenTo(directory));
  });
});

describe('of the outside nothing is', () => {
  const OUTSIDE = (): string => at('outside.pcap');
  /** Those whose proof is the lines of an AUTH exchange. */
  const RULES = ['auth-dropped', 'verb-masked', 'verb-rejected'];

  it('in evidence, names of files included', async () => {
    for (const more of [[], ['--anonymize', '--key', at('key')]]) {
      const directory = at(`evidence-${more.length}`);
      const { out, err } = await ran([...more, '--evidence', directory, '--rule', RULES.join(), OUTSIDE()]);
      const written = writtenTo(directory);
      expect(written.length).toBeGreaterThan(50);
      expectNone('evidence', out, err, ...written);
    }
  });

  it('in what a watch exports', async () => {
    const rules = catalog.filter(({ meta }) => RULES.includes(meta.id));
    const { monitor } = await watchFile(OUTSIDE(), 20, { name: OUTSIDE(), rules });
    const directory = at('export');
    mkdirSync(directory);
    const before = process.cwd();
    process.chdir(directory);
    try {
      const args = (await parseLive(['-r', OUTSIDE()])) as LiveArguments;
      expectNone('export', await exportWatch(monitor, args, rules, 'stamp', '1.2.3'));
    } finally {
      process.chdir(before);
    }
    const written = writtenTo(directory);
    expect(written.length).toBeGreaterThan(50);
    expectNone('export', ...written);
  });
});

describe('of two captures nothing is', () => {
  const COMPARED = FORMATS.filter(
    (format) => !['sarif', 'junit', 'eve', 'zeek', 'csv-sessions'].includes(format),
  );
  const SIDES = (): string[] => ['compare', '--inside', at('inside.pcap'), '--outside', at('outside.pcap')];

  it('in the details of a comparison', async () => {
    const { status, out } = await ran([...SIDES(), '--details']);
    expect(status).toBeLessThan(3);
    expect(out).toContain('How they were compared');
    expectNone('details', out);
  });

  it.each(sample(COMPARED, 3))('in a comparison: %s', async (format) => {
    const { status, out, err } = await ran([...SIDES(), '-F', format]);
    expect([status, err]).toEqual([1, '']);
    expectNone(format, out);
    expectNone('anonymized', (await ran([...SIDES(), '-F', format, '--anonymize', '--key', at('key')])).out);
  });

  it('in the short form, nor in evidence', async () => {
    expectNone('brief', (await ran([...SIDES(), '--brief'])).out);
    const rules = ['--rule', 'auth-dropped,verb-masked,verb-rejected'];
    const { out, err } = await ran([...SIDES(), ...rules, '--evidence', at('both')]);
    const written = writtenTo(at('both'));
    expect(written.length).toBeGreaterThan(50);
    expectNone('evidence', out, err, ...written);
  });

  it('in what a change has done', async () => {
    writeFileSync(at('before.json'), (await ran(['-F', 'json', at('outside.pcap')])).out);
    writeFileSync(at('after.json'), (await ran(['-F', 'json', at('inside.pcap')])).out);
    for (const format of ['text', 'json']) {
      const { out, err } = await ran(['diff', '-F', format, at('before.json'), at('after.json')]);
      expectNone('diff', out, err);
    }
  });
});

describe('a refusal in another session', () => {
  it('repeats nothing of a credential', async () => {
    const { user, password } = accountOf(0);
    const plain = base64(`\0${user}\0${password}`);
    const others = [
      `S: 421 4.7.0 too many attempts with ${password}`,
      `S: 220 mx.example\nC: NOOP\nS: 554 5.7.1 "${plain}" was seen before`,
      `S: 220 mx.example\nC: AUTH PLAIN ${base64('\0me\0other')}\nS: 535 5.7.8 not ${password.toUpperCase()}, nor ${base64(password)}`,
      `S: 220 mx.example\nC: DATA\nS: 503-5.5.1 no\nS+ 503 5.5.1 ${password}!`,
    ];
    const scripts = [
      surrounded(`C: AUTH PLAIN ${plain}\nS: 235 ok`),
      surrounded(`C: AUTH LOGIN\nS: 334 x\nC: ${base64(user)}\nS: 334 y\nC: ${base64(password)}\nS: 235 ok`),
      ...others,
    ].map((script, index) => `session C=192.0.2.${index + 1}:40001 S=198.51.100.1:25\n${script}`);
    writeFileSync(at('others.pcap'), captureOf(scripts));
    for (const format of FORMATS) {
      const { out, err } = await ran(['-F', format, at('others.pcap')]);
      expectNone(format, out, err);
    }
    expectNone('details', (await ran(['--details', at('others.pcap')])).out);
    expect((await ran(['-F', 'json', at('others.pcap')])).out).toContain('too many attempts with');
  });
});

describe('a crash', () => {
  it('says nothing of what was read, wherever an error has it', async () => {
    const octets = readFileSync(at('inside.pcap')).latin1Slice();
    const opened = vi.spyOn(SmtpDialogues.prototype, 'opened').mockImplementation(() => {
      throw Object.assign(new SyntaxError(octets), { name: octets });
    });
    try {
      for (const words of [[at('inside.pcap')], ['live', '--no-ui', '-r', at('inside.pcap')]]) {
        const { status, out, err } = await ran(words);
        expect([status, out]).toEqual([2, '']);
        expect(err).toMatch(/^mailwitness: internal error: SyntaxError( at [\w.-]+:\d+:\d+)?\.\n$/);
        expectNone('crash', err);
      }
    } finally {
      opened.mockRestore();
    }
  });

  it('nor does a rule that fails', async () => {
    const [rule] = catalog;
    const create = vi.spyOn(rule!, 'create').mockImplementation(() => ({
      session: () => {
        throw new Error(readFileSync(at('inside.pcap')).latin1Slice());
      },
    }));
    try {
      for (const format of FORMATS) {
        const { out, err } = await ran(['-F', format, at('inside.pcap')]);
        expectNone('failed rule', out, err);
      }
      expectNone('failed rule', (await ran(['--details', at('inside.pcap')])).out);
    } finally {
      create.mockRestore();
    }
  });

  it('of what nobody awaits is one line too', () => {
    const script = `import ${JSON.stringify(PROGRAM)}; setTimeout(() => { throw new Error('jQaavK-9aaxZy0 ' + process.argv0) }, 1)`;
    let err = '';
    try {
      execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
    } catch (error) {
      err = String((error as { stderr: Buffer }).stderr);
    }
    expect(err).toContain('mailwitness: internal error: Error');
    expectNone('uncaught', err);
  });
});

describe("the firewall's own log", () => {
  it('may quote credentials: they are not shown', async () => {
    const ends = (number: number) => `out 192.0.2.${number + 1} in 198.51.100.${number + 1}`;
    const lines = WAYS.flatMap((_, number) => {
      const { user, password } = accountOf(number);
      const plain = base64(`\0${user}\0${password}`);
      return [
        `%ASA-2-108002: SMTP replaced AUTH: ${ends(number)} data: AUTH PLAIN ${plain}`,
        `%ASA-2-108002: SMTP replaced ${plain}: ${ends(number)} data: ${plain}`,
        `%ASA-2-108002: SMTP replaced ${password}: ${ends(number)} data: MAIL ${password}`,
        `%ASA-2-108003: Terminating ESMTP connection; malicious pattern detected in the mail address from outside:192.0.2.${number + 1}/${40_001 + number} to inside:198.51.100.${number + 1}/25. Data: AUTH PLAIN ${plain}`,
        `%ASA-2-108003: Terminating ESMTP connection; malicious pattern detected in the mail address from outside:192.0.2.${number + 1}/${40_001 + number} to inside:198.51.100.${number + 1}/25. Data: ${base64(password)}`,
      ];
    });
    writeFileSync(at('asa.log'), lines.join('\n'));
    const { out } = await ran(['-F', 'json', '--asa-log', at('asa.log'), at('inside.pcap')]);
    expect(out).toContain('108002');
    expectNone('log', out);
    expectNone('log', (await ran(['--asa-log', at('asa.log'), at('inside.pcap')])).out);
  });
});
