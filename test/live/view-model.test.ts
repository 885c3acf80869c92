/** Screens as text: what is drawn, at every size, whatever the packets hold. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frozen } from '../../src/live/frozen.js';
import { type Key, pressed } from '../../src/live/keys.js';
import { Orders } from '../../src/live/list.js';
import { ASCII, type Glyphs, type Size, textOf, UNICODE } from '../../src/live/screen.js';
import { INITIAL, type UiState, VIEWS } from '../../src/live/ui-state.js';
import { canDraw, type Screen, screenOf, summaryOf } from '../../src/live/view-model.js';
import type { SessionRow, Watch } from '../../src/live/watch.js';
import { textWidth } from '../../src/report/columns.js';
import { fakeFinding, fakeSession } from '../report/fake-analysis.js';
import { HOSTILE } from '../report/hostile-text.js';
import { expectGolden } from '../support/golden.js';
import { fakeDuplicate, fakeRow, fakeWatch } from './fake-watch.js';

const USUAL: Size = { columns: 80, rows: 24 };

function drawn(
  state: Partial<UiState> = {},
  watch = fakeWatch(),
  size = USUAL,
  glyphs: Glyphs = UNICODE,
): Screen {
  return screenOf({ watch, now: watch }, { ...INITIAL, ...state }, size, glyphs);
}

function text(screen: Screen): string {
  return `${screen.lines.map((line) => textOf(line).trimEnd()).join('\n')}\n`;
}

/** After these keys, one after another. */
function typing(keys: readonly string[], watch = fakeWatch(), size = USUAL): UiState {
  let state: UiState = INITIAL;
  for (const name of keys) {
    const key: Key = { name, text: name.length === 1 ? name : null };
    [state] = pressed(state, key, drawn(state, watch, size).shown);
  }
  return state;
}

const SIZES: readonly Size[] = [USUAL, { columns: 60, rows: 15 }, { columns: 200, rows: 50 }];

describe('screens', () => {
  it.each(VIEWS)('%s', (view) => {
    for (const size of SIZES) {
      expectGolden(
        `screen-${view}-${size.columns}x${size.rows}.txt`,
        text(drawn({ view }, fakeWatch(), size)),
      );
    }
  });

  it('what stands open, help, the filter being typed', () => {
    expectGolden('screen-session.txt', text(drawn(typing(['enter']))));
    expectGolden('screen-finding.txt', text(drawn(typing(['tab', 'enter']))));
    expectGolden('screen-help.txt', text(drawn({ help: true })));
    expectGolden('screen-typing.txt', text(drawn({ typing: 'server:192.0.2' })));
  });

  it('in ASCII nothing is lost but the shapes', () => {
    const screen = text(drawn({}, fakeWatch(), USUAL, ASCII));
    expectGolden('screen-ascii.txt', screen);
    expect(screen).toMatch(/^[\n\x20-\x7e]*$/);
    const words = (of: string): string[] => of.match(/[A-Za-z0-9.:]{2,}/g) ?? [];
    expect(words(screen)).toEqual(words(text(drawn())));
  });

  it('in ASCII everything is ASCII, in each view and of each letter', () => {
    const watch = fakeWatch({
      findings: () => [fakeFinding({ id: 'f1', title: 'X’s 漢字 é', message: '“漢” …', sessions: ['s9'] })],
      duplicates: () => [fakeDuplicate({ messageId: '漢🙂' })],
    });
    const states = [...VIEWS.map((view) => ({ view })), typing(['tab', 'enter'], watch), { help: true }];
    for (const state of states) {
      const { lines } = drawn(state, watch, USUAL, ASCII);
      for (const line of lines) expect(textOf(line)).toMatch(/^[\x20-\x7e]{80}$/);
    }
    expect(text(drawn({ view: 'findings' }, watch, USUAL, ASCII))).toContain("X's ???? ?");
  });

  it('says how to get help and how to quit on the narrowest, too', () => {
    for (const state of [{}, typing(['enter']), { paused: true }]) {
      const last = text(drawn(state, fakeWatch(), { columns: 60, rows: 15 }))
        .trimEnd()
        .split('\n')
        .at(-1);
      expect(last).toMatch(/\? help {2}q quit$/);
    }
  });

  it('every state has a word', () => {
    const states: SessionRow['state'][] = ['open', 'fin', 'rst', 'idle', 'reused', 'limit', 'end-of-capture'];
    const rows = states.map((state, index) => fakeRow(7 - index, { state }));
    const screen = text(drawn({}, fakeWatch({ sessions: () => rows })));
    for (const word of ['open', 'closed', 'reset', 'idle', 'reused', 'limit', 'cut'])
      expect(screen).toContain(word);
    for (const [state, word] of [
      ['starting', 'STARTING'],
      ['running', 'RUNNING'],
      ['waiting', 'WAITING'],
      ['ended', 'ENDED'],
      ['failed', 'FAILED'],
    ] as const) {
      const watch = fakeWatch();
      expect(text(drawn({}, { ...watch, source: { ...watch.source, state } }))).toContain(word);
    }
  });

  it('says what was lost, and that it is not known', () => {
    const watch = fakeWatch();
    const lost = (drops: number | null) => text(drawn({}, { ...watch, counts: { ...watch.counts, drops } }));
    expect(lost(1234)).toContain('drops 1,234');
    expect(lost(null)).toContain('drops unknown');
  });

  it('shows trouble above the keys', () => {
    const watch = fakeWatch();
    const trouble = 'eth0 is gone: waiting for it. Type: ip link set eth0 up';
    const lines = text(drawn({}, { ...watch, source: { ...watch.source, trouble } })).split('\n');
    expect(lines[22]).toBe(` ▲ ${trouble}`);
  });

  it('leaves a summary', () => {
    expect(summaryOf(fakeWatch())).toBe(
      'mailwitness watched eth0 by dumpcap for 00:12:31: 12,345 packets, drops 0, 9 sessions, 8 messages, 3 findings.',
    );
  });

  it.each([
    [{ columns: 60, rows: 15 }, 'xterm', true],
    [{ columns: 59, rows: 15 }, 'xterm', false],
    [{ columns: 60, rows: 14 }, 'xterm', false],
    [{ columns: 80, rows: 24 }, 'dumb', false],
    [{ columns: 80, rows: 24 }, '', false],
    [{ columns: 80, rows: 24 }, undefined, true],
  ] as const)('%j on %s: %s', (size, term, can) => {
    expect(canDraw(size, term)).toBe(can);
  });
});

describe('any screen', () => {
  // Whatever a terminal obeys, does not show, or shows in another place.
  const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
  const hostile = fc.oneof(
    fc.constantFrom(...HOSTILE),
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.constant('漢字{bold}🙂é'),
  );
  const latin1 = hostile.map((given) => Buffer.from(given, 'utf8').toString('latin1'));
  const size = fc.record({
    columns: fc.integer({ min: 1, max: 220 }),
    rows: fc.integer({ min: 1, max: 60 }),
  });

  it('is exactly as large as the terminal, and holds nothing that a terminal obeys', () => {
    fc.assert(
      fc.property(
        latin1,
        size,
        fc.constantFrom(...VIEWS),
        fc.integer({ min: 0, max: 3 }),
        fc.boolean(),
        (octets, given, view, open, ascii) => {
          const watch = fakeWatch({
            source: { ...fakeWatch().source, interface: octets, filter: octets, trouble: octets },
            sessions: () => [
              fakeRow(2, { helo: octets, lastLine: octets, findings: ['f1'] }),
              fakeRow(1, { client: { address: '2001:db8:1111:2222:3333:4444:5555:6666', port: 65_535 } }),
            ],
            session: () => fakeSession({ id: 's2' }),
            findings: () => [fakeFinding({ id: 'f1', message: octets, title: octets, sessions: ['s2'] })],
            duplicates: () => [fakeDuplicate({ messageId: octets, from: octets })],
          });
          const keys = ['enter', 'enter', 'enter'].slice(0, open);
          let state: UiState = { ...INITIAL, view, filter: open === 0 ? octets.slice(0, 3) : '' };
          const glyphs = ascii ? ASCII : UNICODE;
          for (const name of keys)
            [state] = pressed(state, { name, text: null }, drawn(state, watch, given, glyphs).shown);
          const { lines } = drawn(state, watch, given, glyphs);
          expect(lines).toHaveLength(given.rows);
          for (const line of lines) {
            expect(textWidth(textOf(line))).toBe(given.columns);
            expect(textOf(line)).not.toMatch(UNSAFE);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('a list', () => {
  const numbers = (screen: Screen): number[] =>
    screen.lines.flatMap((line) => /^[ ▌] +(\d+) [◐✓✗]/.exec(textOf(line))?.[1] ?? []).map(Number);
  const chosen = (screen: Screen): string =>
    screen.lines
      .map(textOf)
      .find((line) => line.startsWith('▌'))
      ?.split(/\s+/)[1] ?? '';
  const many = (count: number): Watch =>
    fakeWatch({ sessions: () => Array.from({ length: count }, (_, index) => fakeRow(count - index)) });

  it('follows the newest until another row is chosen, and again after G', () => {
    expect(chosen(drawn({}, many(50)))).toBe('50');
    const up = typing(['up'], many(50));
    expect(chosen(drawn(up, many(50)))).toBe('49');
    // What comes does not move the choice.
    expect(chosen(drawn(up, many(90)))).toBe('49');
    const [last] = pressed(up, { name: 'G', text: 'G' }, drawn(up, many(90)).shown);
    expect(chosen(drawn(last, many(95)))).toBe('95');
  });

  it('goes to its first row, by pages, and not beyond its ends', () => {
    expect(chosen(drawn(typing(['g'], many(50)), many(50)))).toBe('1');
    expect(chosen(drawn(typing(['g', 'up', 'pageup'], many(50)), many(50)))).toBe('1');
    expect(chosen(drawn(typing(['g', 'pagedown'], many(50)), many(50)))).toBe('19');
    expect(chosen(drawn(typing(['j', 'down', 'pagedown'], many(50)), many(50)))).toBe('50');
  });

  it('keeps the choice when its row is gone: the newest', () => {
    const state = typing(['g'], many(50));
    const later = fakeWatch({ sessions: () => [fakeRow(60), fakeRow(59)] });
    expect(chosen(drawn(state, later))).toBe('60');
  });

  it('asks for no more rows than are seen', () => {
    let asked = 0;
    const endless = fakeWatch({
      *sessions() {
        for (let number = 900_000; number > 0; number--) {
          asked++;
          yield fakeRow(number);
        }
      },
    });
    expect(numbers(drawn({}, endless))).toHaveLength(18);
    expect(asked).toBe(18);
  });

  it('makes rows only of the sessions that are seen, whichever is chosen', () => {
    const made: number[] = [];
    const watch = fakeWatch({
      sessions: () => expect.unreachable(),
      *sessionNumbers() {
        for (let number = 100_000; number > 0; number--) yield number;
      },
      sessionRow(number) {
        made.push(number);
        return fakeRow(number);
      },
    });
    const state: UiState = { ...INITIAL, selected: { ...INITIAL.selected, sessions: '50000' } };
    const screen = drawn(state, watch);
    expect(chosen(screen)).toBe('50000');
    expect(made).toHaveLength(18);
    expect(screen.shown.step('50000', 1)).toBe('50001');
    expect(screen.shown.step('50000', Number.NEGATIVE_INFINITY)).toBe('1');
    expect(made).toHaveLength(18);
  });

  it('keeps a long order for as many frames as it was worth', () => {
    let ms = 0;
    let passes = 0;
    const watch = fakeWatch({
      sessions() {
        passes++;
        ms += 60;
        return [fakeRow(2), fakeRow(1)];
      },
    });
    const orders = new Orders(() => ms);
    const frame = (filter: string): void => {
      screenOf({ watch, now: watch, orders }, { ...INITIAL, filter }, USUAL, UNICODE);
    };
    for (; ms < 6_000; ms += 100) frame('closed');
    expect(passes).toBeGreaterThan(7);
    expect(passes).toBeLessThan(12);
    frame('open');
    expect(
      screenOf({ watch, now: watch, orders }, { ...INITIAL, filter: '2' }, USUAL, UNICODE).lines,
    ).toHaveLength(24);
    expect(passes).toBeGreaterThan(9);
  });

  it('an opened session stands still, too, while paused', () => {
    let asked = 0;
    const watch = frozen(fakeWatch({ session: () => fakeSession({ id: `s${++asked}` }) }));
    expect([watch.session(1)?.id, watch.session(1)?.id]).toEqual(['s1', 's1']);
  });

  it.each([
    ['open', [9]],
    ['state:open', [9]],
    ['-closed', [8, 9]],
    ['server:192.0.2.25 found:f2', [8, 9]],
    ['198.51.100.10:40003', [3]],
    ['EHLO', [9]],
    ['nowhere', []],
  ])('filtered by %s', (filter, left) => {
    expect(numbers(drawn({ filter }))).toEqual(left);
  });

  it('sorts by what was found, the worst first', () => {
    const state = typing(['s']);
    expect(numbers(drawn(state)).slice(0, 3)).toEqual([9, 8, 1]);
  });

  it('stands still while paused, and counts what comes', () => {
    const before = fakeWatch();
    const watch = frozen(before);
    const now = fakeWatch({
      counts: { ...before.counts, packets: before.counts.packets + 312 },
      sessions: () => [fakeRow(99)],
    });
    const screen = screenOf({ watch, now }, { ...INITIAL, paused: true }, USUAL, UNICODE);
    expect(text(screen)).toContain('PAUSED +312');
    expect(numbers(screen)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('keys', () => {
  const shown = (state: UiState) => drawn(state).shown;
  const press = (state: UiState, name: string, character: string | null = name.length === 1 ? name : null) =>
    pressed(state, { name, text: character }, shown(state));

  it('Esc goes back and never quits', () => {
    let state = typing(['enter', 'enter']);
    expect(state.opened.map(({ kind }) => kind)).toEqual(['session', 'finding']);
    for (let left = 5; left > 0; left--) {
      const [next, action] = press(state, 'escape');
      expect(action).toBeNull();
      state = next;
    }
    expect(state).toEqual({ ...INITIAL });
  });

  it.each(['q', 'C-c'])('%s quits', (name) => {
    expect(press(INITIAL, name)[1]).toBe('quit');
    expect(press(typing(['enter']), name)[1]).toBe('quit');
    expect(press({ ...INITIAL, help: true }, name)[1]).toBe('quit');
  });

  it('while a filter is typed, letters are letters', () => {
    let state = typing(['/']);
    for (const character of 'qe?s é漢')
      [state] = press(state, character === ' ' ? 'space' : character, character);
    expect(state.typing).toBe('qe?s é漢');
    [state] = press(state, 'backspace');
    [state] = press(state, 'enter');
    expect([state.typing, state.filter]).toEqual([null, 'qe?s é']);
    expect(press({ ...INITIAL, typing: 'x' }, 'C-c')[1]).toBe('quit');
  });

  it('Tab goes round the views, both ways', () => {
    expect(
      ['tab', 'tab', 'tab', 'tab'].map(
        (_, index) => typing(Array.from({ length: index + 1 }, () => 'tab')).view,
      ),
    ).toEqual(['findings', 'duplicates', 'health', 'sessions']);
    expect(typing(['S-tab']).view).toBe('health');
  });

  it('scrolls what stands open, not beyond its end', () => {
    const tall = Array.from({ length: 60 }, (_, index) => `remedy ${index}`);
    const watch = fakeWatch({ findings: () => [fakeFinding({ id: 'f1', remedy: tall })] });
    const state = typing(['tab', 'enter', 'G'], watch);
    const lines = text(drawn(state, watch));
    expect(lines).toContain('remedy 59');
    expect(typing(['tab', 'enter', 'G', 'down', 'down'], watch).scroll).toEqual(state.scroll);
    expect(typing(['tab', 'enter', 'G', 'g', 'up'], watch).scroll).toEqual([0]);
  });

  it('a message is gone with the next key', () => {
    expect(press({ ...INITIAL, message: 'Exported.' }, 'down')[0].message).toBeNull();
  });

  it.each(['f5', 'mouse', 'C-x', ''])('%s does nothing', (name) => {
    expect(press(INITIAL, name, null)).toEqual([INITIAL, null]);
  });
});
