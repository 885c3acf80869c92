import { type Opened, SORTS, type UiState, VIEWS, type View } from './ui-state.js';

/** A key as terminals send them: `up`, `G`, `tab`, `space`; `text` where it is a character to be typed. */
export interface Key {
  readonly name: string;
  readonly text: string | null;
}

/** What the keys need to know of the screen that they act on. Asked for when a key was pressed, not for each frame. */
export interface Shown {
  /** The key of the row so many rows behind this one, at most the last, at least the first; of none: null. */
  step(from: string | null, by: number): string | null;
  /** What Enter opens; null: nothing. */
  enters(): Opened | null;
  /** The order is that of time, and the last row goes on being the last. */
  readonly follows: boolean;
  /** Rows or lines that fit. */
  readonly page: number;
  /** Lines of what stands open. */
  readonly lines: number;
}

/** What is to be done beside the change of state. */
export type Action = 'quit' | 'export' | 'suspend' | 'redraw' | null;

const MAX_FILTER = 200;

/**
 * What a key does. Pure: the same state, key and screen give the same.
 *
 * @example pressed(INITIAL, { name: 'tab', text: null }, shown)[0].view // 'findings'
 */
export function pressed(before: UiState, key: Key, shown: Shown): readonly [UiState, Action] {
  const state = before.message === null ? before : { ...before, message: null };
  switch (key.name) {
    case 'C-c':
      return [state, 'quit'];
    case 'C-z':
      return [state, 'suspend'];
    case 'C-l':
      return [state, 'redraw'];
  }
  if (state.typing !== null) return [typed(state, state.typing, key), null];
  if (state.help)
    return [HELP_ENDS.has(key.name) ? { ...state, help: false } : state, key.name === 'q' ? 'quit' : null];
  switch (key.name) {
    case 'q':
      return [state, 'quit'];
    case 'e':
      return [state, 'export'];
    case '?':
      return [{ ...state, help: true }, null];
    case 'space':
      return [{ ...state, paused: !state.paused }, null];
    case '/':
      return state.opened.length > 0 ? [state, null] : [{ ...state, typing: state.filter }, null];
    case 'tab':
      return [turned(state, 1), null];
    case 'S-tab':
      return [turned(state, -1), null];
    case '1':
    case '2':
    case '3':
    case '4':
      return [{ ...closedAll(state), view: VIEWS[Number(key.name) - 1]! }, null];
  }
  return [state.opened.length > 0 ? inOpened(state, key, shown) : inList(state, key, shown), null];
}

const HELP_ENDS = new Set(['escape', '?', 'enter', 'space', 'h', 'left']);

function closedAll(state: UiState): UiState {
  return { ...state, opened: [], scroll: [] };
}

function turned(state: UiState, by: number): UiState {
  const at = (VIEWS.indexOf(state.view) + by + VIEWS.length) % VIEWS.length;
  return { ...closedAll(state), view: VIEWS[at]! };
}

function typed(state: UiState, text: string, { name, text: character }: Key): UiState {
  switch (name) {
    case 'enter':
      return { ...state, typing: null, filter: text.trim(), selected: nothingSelected(state) };
    case 'escape':
      return { ...state, typing: null };
    case 'backspace':
      return { ...state, typing: [...text].slice(0, -1).join('') };
    case 'C-u':
      return { ...state, typing: '' };
    default:
      if (character === null || text.length >= MAX_FILTER) return state;
      return { ...state, typing: text + character };
  }
}

function nothingSelected(state: UiState): UiState['selected'] {
  return { ...state.selected, [state.view]: null };
}

function inList(state: UiState, { name }: Key, shown: Shown): UiState {
  const { page, follows, step } = shown;
  switch (name) {
    case 'up':
    case 'k':
      return moved(state, shown, -1);
    case 'down':
    case 'j':
      return moved(state, shown, 1);
    case 'pageup':
    case 'C-b':
      return moved(state, shown, -page);
    case 'pagedown':
    case 'C-f':
      return moved(state, shown, page);
    case 'g':
    case 'home':
      return chosen(state, step(null, Number.NEGATIVE_INFINITY));
    case 'G':
    case 'end':
      return chosen(state, follows ? null : step(null, Number.POSITIVE_INFINITY));
    case 'left':
    case 'h':
      return turned(state, -1);
    case 'right':
    case 'l':
    case 'enter':
      return entered(state, shown);
    case 's':
      return {
        ...state,
        sort: { ...state.sort, [state.view]: nextSort(state.view, state.sort[state.view]) },
        selected: nothingSelected(state),
      };
    case 'escape':
      // Back: first the filter goes. It never quits.
      return state.filter === '' ? state : { ...state, filter: '' };
    default:
      return state;
  }
}

function nextSort(view: View, now: number): number {
  return (now + 1) % SORTS[view].length;
}

function chosen(state: UiState, key: string | null): UiState {
  return { ...state, selected: { ...state.selected, [state.view]: key } };
}

/** The last row is chosen by name, and goes on being it: only `G` follows. */
function moved(state: UiState, { step }: Shown, by: number): UiState {
  return chosen(state, step(state.selected[state.view], by));
}

function entered(state: UiState, { enters }: Shown): UiState {
  const opens = enters();
  return opens === null
    ? state
    : { ...state, opened: [...state.opened, opens], scroll: [...state.scroll, 0] };
}

function inOpened(state: UiState, { name }: Key, shown: Shown): UiState {
  const now = state.scroll.at(-1) ?? 0;
  const last = Math.max(0, shown.lines - shown.page);
  const to = (line: number): UiState => ({
    ...state,
    scroll: [...state.scroll.slice(0, -1), Math.max(0, Math.min(last, line))],
  });
  switch (name) {
    case 'up':
    case 'k':
      return to(now - 1);
    case 'down':
    case 'j':
      return to(now + 1);
    case 'pageup':
    case 'C-b':
      return to(now - shown.page);
    case 'pagedown':
    case 'C-f':
      return to(now + shown.page);
    case 'g':
    case 'home':
      return to(0);
    case 'G':
    case 'end':
      return to(last);
    case 'enter':
    case 'right':
    case 'l':
      return entered(state, shown);
    case 'escape':
    case 'left':
    case 'h':
    case 'backspace':
      return { ...state, opened: state.opened.slice(0, -1), scroll: state.scroll.slice(0, -1) };
    default:
      return state;
  }
}
