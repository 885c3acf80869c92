/** The dashboard in a real terminal: keys are sent, the screen is read. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseReport } from '../report/schema.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';
import { childrenOf, haste } from '../support/live.js';
import { needs } from '../support/needs.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = join(ROOT, 'dist/bin/mailwitness.js');
const EDITED = join(ROOT, 'captures/asa-esmtp-outside.pcap');
const HONEST = join(ROOT, 'captures/control-auth.pcap');

/** Without the language, colours and width of whoever runs the tests: tmux and the shell in it take them over. */
const { COLUMNS: _, LINES: __, NO_COLOR: ___, FORCE_COLOR: ____, ...rest } = process.env;
const SURROUNDINGS = { ...rest, LC_ALL: 'C.UTF-8' };

/** A server of each test's own: whatever else runs in tmux here stays as it is. */
let server = '';
let servers = 0;
let folder: string;

function tmux(...words: string[]): string {
  return execFileSync('tmux', ['-L', server, ...words], { encoding: 'utf8', env: SURROUNDINGS });
}

/** A shell in a terminal, in which the program is typed; or what is to be there instead of it. */
function terminal(columns = 80, rows = 24, term = 'screen-256color', instead: string | null = null): void {
  server = `mailwitness-${process.pid}-${++servers}`;
  tmux(
    '-f',
    '/dev/null',
    'new-session',
    '-d',
    '-s',
    'main',
    '-x',
    String(columns),
    '-y',
    String(rows),
    instead === null ? 'sh -i' : `export LC_ALL=C.UTF-8 TERM=${term}; ${instead}`,
  );
  if (instead !== null) return;
  type(`cd ${folder}; export LC_ALL=C.UTF-8 TERM=${term} PS1='$ '; stty -a | tail -n +2 > before`, 'Enter');
}

function type(...keys: string[]): void {
  tmux('send-keys', '-t', 'main', ...keys);
}

const screen = (): string => tmux('capture-pane', '-p', '-t', 'main');

/** Waits until the screen is so; a bounded wait, and the screen in the failure. */
async function until(sign: string | RegExp, withinMs = 60_000): Promise<string> {
  const end = performance.now() + withinMs;
  for (;;) {
    const now = screen();
    if (typeof sign === 'string' ? now.includes(sign) : sign.test(now)) return now;
    if (performance.now() > end) throw new Error(`no ${sign} on the screen:\n${now}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

/** Keys that come before the program has ended would be its own. */
async function quit(): Promise<string> {
  type('q');
  // Not `MB resident`: that is what the view Health shows, too.
  return until(/^mailwitness: \d+ sessions? \(/m);
}

async function sane(): Promise<void> {
  type('clear; stty -a | tail -n +2 | diff - before && echo its-as-it-was', 'Enter');
  await until(/^its-as-it-was$/m);
}

describe('in a terminal', needs('tmux'), () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mailwitness-screen-'));
  });
  afterEach(() => {
    spawnSync('tmux', ['-L', server, 'kill-server']);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('shows what is found, opens it, goes back, filters, pauses, sorts, and quits with a summary', async () => {
    terminal();
    type(`node ${PROGRAM} live -r ${EDITED}`, 'Enter');
    const first = await until('ENDED');
    expect(first).toContain('[Sessions]');
    expect(first).toMatch(/2 ✓ closed 198\.51\.100\.10:\d+ +192\.0\.2\.25:25/);
    type('Tab');
    await until('[Findings 5]');
    type('Enter');
    expect(await until('── Finding f')).toMatch(/■ HIGH +(certain|likely) +STARTTLS lost on the way/);
    type('Enter');
    expect(await until('── Session s')).toContain('Offered: PIPELINING');
    type('Escape');
    await until('── Finding f');
    type('Escape');
    await until(/^▌■ HIGH/m);
    type('/', 'greeting', 'Enter');
    expect(await until('/greeting by')).not.toContain('STARTTLS');
    type('Escape');
    await until('STARTTLS');
    type('s');
    await until('by newest');
    type('Space');
    await until('PAUSED +0');
    type('Space', '4');
    await until('[Health]');
    type('?');
    await until('it never quits');
    type('Space', 'e');
    await until('Exported mailwitness-');
    const written = readdirSync(folder).filter((name) => name.startsWith('mailwitness-'));
    expect(written.map((name) => name.replace(/\d{8}T\d{6}Z/, '*')).sort()).toEqual([
      'mailwitness-*-evidence',
      'mailwitness-*.html',
      'mailwitness-*.json',
    ]);
    const [report = ''] = written.filter((name) => name.endsWith('.json'));
    expect(
      parseReport<{ findings: unknown[] }>(readFileSync(join(folder, report), 'utf8')).findings,
    ).toHaveLength(5);
    expect(await quit()).toContain('2 sessions');
    await sane();
  });

  it('shows a finding within a second of the packet', async () => {
    terminal();
    type(`mkfifo stream; exec 3<> stream; node ${PROGRAM} live -r stream`, 'Enter');
    await until('No session yet.');
    // The shell holds the pipe open as its third descriptor; so the stream does not end.
    const octets = readFileSync(EDITED);
    writeFileSync(join(folder, 'stream'), octets);
    const since = performance.now();
    await until(/findings [1-9]/);
    // A second, the next drawing of the screen, and that it is looked at.
    expect(performance.now() - since).toBeLessThan(2500 * haste());
    expect(screen()).toContain('RUNNING');
    type('Space');
    await until('PAUSED +0');
    writeFileSync(join(folder, 'stream'), readFileSync(HONEST).subarray(24));
    expect(await until(/PAUSED \+[1-9]/)).not.toMatch(/ {6}3 /);
    type('Space');
    await until(/ {6}3 . /);
    await quit();
    await sane();
  });

  it('is resized, too small, and large again', async () => {
    terminal();
    type(`node ${PROGRAM} live -r ${EDITED}`, 'Enter');
    await until('ENDED');
    tmux('resize-window', '-t', 'main', '-x', '60', '-y', '15');
    const small = await until(/sessions 2 findings 5/);
    expect(small.trimEnd().split('\n')).toHaveLength(15);
    tmux('resize-window', '-t', 'main', '-x', '40', '-y', '10');
    await until('is too small');
    tmux('resize-window', '-t', 'main', '-x', '200', '-y', '50');
    await until('LAST LINE');
    expect(await until('HELO')).toContain('START');
    await quit();
    await sane();
  });

  it('gives the terminal back for Ctrl-Z, and comes back', async () => {
    terminal();
    type(`node ${PROGRAM} live -r ${EDITED}`, 'Enter');
    await until('ENDED');
    type('C-z');
    await until(/Stopped|stopped/i);
    expect(screen()).not.toContain('[Sessions]');
    type('stty -a | tail -n +2 | diff - before && echo its-as-it-was', 'Enter');
    await until(/^its-as-it-was$/m);
    type('fg', 'Enter');
    await until('[Sessions]');
    type('Tab');
    await until('[Findings 5]');
    await quit();
    await sane();
  });

  it('stops the whole pipeline for Ctrl-Z, so that the shell comes back', async () => {
    terminal();
    type(`(cat ${EDITED}; exec sleep 60) | node ${PROGRAM} live -r -`, 'Enter');
    await until('RUNNING');
    type('C-z');
    await until(/Stopped|stopped/i);
    type('clear; stty -a | tail -n +2 | diff - before && echo its-as-it-was', 'Enter');
    await until(/^its-as-it-was$/m);
    type('fg', 'Enter');
    await until('[Sessions]');
    type('Tab');
    await until(/\[Findings [1-9]/);
    type('C-c');
    await until('MB resident');
  });

  it('goes on after Ctrl-Z where there is no shell to go on from', async () => {
    terminal(80, 24, 'screen-256color', `node ${PROGRAM} live -r ${EDITED}; sleep 1`);
    await until('ENDED');
    type('C-z');
    // tmux wakes the pane's first process only, and this is its second.
    await new Promise((resolve) => setTimeout(resolve, 400));
    type('Tab');
    await until('[Findings 5]');
    expect(tmux('display-message', '-p', '-t', 'main', '#{alternate_on}').trim()).toBe('1');
  });

  it.each(['TERM', 'HUP', 'INT'])('gives the terminal back on SIG%s', async (signal) => {
    terminal();
    type(`node ${PROGRAM} live -r ${EDITED} & echo $! > pid; fg`, 'Enter');
    await until('ENDED');
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), `SIG${signal}`);
    await until('MB resident');
    await sane();
  });

  it('gives the terminal back, with one line, when something in the program fails', async () => {
    writeFileSync(
      join(folder, 'fail.cjs'),
      "process.on('SIGUSR2', () => { throw new Error('something of no use to a user'); });",
    );
    terminal();
    type(
      `NODE_OPTIONS='--require ${join(folder, 'fail.cjs')}' node ${PROGRAM} live -r ${EDITED} & echo $! > pid; fg; echo status-$?`,
      'Enter',
    );
    await until('ENDED');
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGUSR2');
    const after = await until('status-2');
    expect(after).toMatch(/^mailwitness: internal error: Error at fail\.cjs:1:\d+\.$/m);
    expect(after).not.toContain('something of no use to a user');
    expect(after).not.toMatch(/^ +at /m);
    await sane();
  });

  it('says in one line that its capture program was killed', needs('root', 'tcpdump'), async () => {
    terminal(120);
    type(`node ${PROGRAM} live -i lo --driver tcpdump -f 'port 9' & echo $! > pid; fg`, 'Enter');
    await until('RUNNING');
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    const [first] = childrenOf(pid);
    process.kill(first!, 'SIGKILL');
    const line = 'tcpdump ended (SIGKILL): starting it again (1 of 5).';
    expect((await until(line)).split(line)).toHaveLength(2);
    await until('RUNNING');
    expect(childrenOf(pid)).not.toContain(first);
    expect(await quit()).toContain('lo by tcpdump');
    await sane();
  });

  it.each(['xterm-256color', 'tmux-256color', 'linux', 'vt100', 'xterm-kitty', 'no-such-terminal'])(
    'draws on %s',
    async (term) => {
      terminal(80, 24, term);
      type(`node ${PROGRAM} live -r ${EDITED}`, 'Enter');
      expect(await until('ENDED')).toContain('[Sessions]');
      expect(await quit()).not.toMatch(/error|\n +at /i);
    },
  );

  it('in ASCII without colours nothing is lost', async () => {
    terminal();
    type(`NO_COLOR=1 node ${PROGRAM} live --ascii -r ${EDITED}`, 'Enter');
    const text = await until('ENDED');
    expect(text).toMatch(/^[\n\x20-\x7e]*$/);
    expect(text).toMatch(/2 \+ closed/);
    expect(tmux('capture-pane', '-e', '-p', '-t', 'main')).not.toMatch(/\x1b\[(?:3[0-7]|9[0-7])m/);
    await quit();
    await sane();
  });

  it('columns stand where they stood, however wide a terminal draws what came in a packet', async () => {
    const lines = [
      '🙂👩‍👩‍👧‍👦🚀',
      'e\u0301e\u0301z̸̢̧̛͓a̷l',
      '漢字日本語',
      'กำ้ हिन्दी عربى ✅⚡',
      '{bold}x{/}',
      'plain',
    ];
    const octets = (text: string): string =>
      [...Buffer.from(text)].map((octet) => `\\x${octet.toString(16).padStart(2, '0')}`).join('');
    const script = lines.map(
      (line, index) =>
        `session C=192.0.2.10:${40_001 + index} S=198.51.100.25:25\nS: 220 mx\nC: EHLO ${octets(line)}\nS: 250 ${octets(line)}\n`,
    );
    writeFileSync(join(folder, 'strange.pcap'), pcapOf(scriptPackets(script.join(''))));
    terminal(200, 30);
    type(`node ${PROGRAM} live -r strange.pcap`, 'Enter');
    await until('ENDED');
    // The terminal itself is asked how many columns stand before the last one.
    for (const row of screen()
      .split('\n')
      .slice(5, 5 + lines.length)) {
      const [before = ''] = /^.* (?=250 )/u.exec(row) ?? [];
      tmux('set-option', '-g', '@before', before);
      expect(tmux('display-message', '-p', '-t', 'main', '#{w:@before}').trim()).toBe('104');
    }
    type('k', 'k', 'k', 'k', 'k', 'Enter');
    await until('── Session s1');
    type('Escape', '2', '1', 'G');
    expect(
      (await until(/▌ +6 /))
        .split('\n')
        .slice(5 + lines.length, -2)
        .join('')
        .trim(),
    ).toBe('');
    expect(
      screen()
        .split('\n')
        .filter((row) => /^[^ ▌]/.test(row)),
    ).toEqual([]);
    await quit();
    await sane();
  });

  it('without a terminal, or on one that cannot be drawn on, it prints lines', async () => {
    terminal(80, 24, 'dumb');
    type(
      `clear; node ${PROGRAM} live -r ${EDITED} 2> /dev/null | head -c 300; echo; node ${PROGRAM} live -r ${EDITED} | wc -l`,
      'Enter',
    );
    await until('"type":"finding"');
    type(`clear; node ${PROGRAM} live -r ${EDITED} 2> /dev/null > lines; echo done-$?`, 'Enter');
    await until(/done-1/);
    expect(readFileSync(join(folder, 'lines'), 'utf8').split('\n').length).toBeGreaterThan(5);
  });
});
