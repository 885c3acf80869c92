import type { Key } from '../keys.js';
import type { Line, Size } from '../screen.js';
import { placed } from './sgr.js';

/** A terminal that is drawn on as a whole. */
export interface Terminal {
  readonly size: Size;
  draw(lines: readonly Line[]): void;
  /** Everything again, whatever is believed to be there. */
  redraw(): void;
  /** Gives the terminal back to the shell until the process receives SIGCONT. */
  suspend(): void;
  /** Gives it back for good. To be called any number of times. */
  close(): void;
}

/** The process that owns the terminal. */
export type Host = Pick<NodeJS.Process, 'on' | 'off' | 'prependListener' | 'kill' | 'env'>;

export interface TerminalOptions {
  readonly host: Host;
  /** What blessed complains to. */
  readonly console: Pick<Console, 'error'>;
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly color: boolean;
  onKey(key: Key): void;
  onResize(): void;
}

/**
 * blessed compiles what the terminal can do, all of it, and prints what it cannot compile, of modern terminals' entries a
 * few that nothing here uses.
 */
function quietly<T>(to: Pick<Console, 'error'>, work: () => T): T {
  const { error } = to;
  to.error = () => {};
  try {
    return work();
  } finally {
    to.error = error;
  }
}

/** Of blessed's program, what its type library lacks. */
interface Program {
  alternateBuffer(): void;
  normalBuffer(): void;
  hideCursor(): void;
  showCursor(): void;
  flush(): void;
  write(text: string): void;
}

/** DECAWM: whether a text that reaches the right edge goes on in the next line. */
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';
const CLEAR = '\x1b[0m\x1b[2J';

/** Who still runs so long after having stopped was not stopped: nothing could have resumed it. */
const NOT_STOPPED_MS = 100;

/** Of the keys only those that are typed: no control, and no sequence. */
const TYPED = /^[^\p{C}]+$/u;

/**
 * Takes the terminal: alternate screen, raw keys, no cursor. The only file that knows blessed.
 *
 * blessed knows what terminals can do, and reads their keys. It is given nothing to draw: its idea of how wide characters
 * are is older than the terminals', and what it then takes for the screen is not what is there. Lines that differ are
 * written as a whole, with wrapping off, so that one that is wider than we think is cut.
 */
export async function openTerminal(options: TerminalOptions): Promise<Terminal> {
  // Read when blessed is loaded: lines and shapes are sent as UTF-8, never as alternate character sets.
  options.host.env.NCURSES_NO_UTF8_ACS = '1';
  const { default: blessed } = await import('blessed');
  const { input, output, color, host } = options;
  const screen = quietly(options.console, () =>
    blessed.screen({
      input: input as never,
      output: output as never,
      fullUnicode: true,
      forceUnicode: true,
      warnings: false,
      resizeTimeout: 50,
      title: 'mailwitness',
    }),
  );
  screen.render = () => {};
  const { program } = screen as unknown as { program: Program };
  let shown: readonly string[] = [];
  const write = (text: string): void => {
    program.flush();
    program.write(text);
  };
  const begin = (): void => {
    program.hideCursor();
    write(`${NO_WRAP}${CLEAR}`);
    shown = [];
  };
  begin();
  let closed = false;
  screen.on('keypress', (character: string | undefined, key: { full?: string; name?: string }) => {
    // blessed sends Return twice, once by each of its names.
    if (key.name === 'return') return;
    options.onKey(keyOf(character, key));
  });
  screen.on('resize', () => {
    begin();
    options.onResize();
  });
  let given = false;
  const resume = (): void => {
    if (closed) return;
    given = false;
    input.setRawMode(true);
    input.resume();
    program.alternateBuffer();
    begin();
    options.onResize();
  };
  // blessed's own way of doing this forgets what it has not flushed, and so leaves its screen behind.
  const suspend = (): void => {
    if (closed || given) return;
    given = true;
    write(WRAP);
    program.normalBuffer();
    program.showCursor();
    program.flush();
    input.setRawMode(false);
    input.pause();
    // All of the pipeline, as the terminal's own Ctrl-Z does: while any of it runs a shell does not come back. Not SIGSTOP,
    // which would also stop where there is no shell to go on from.
    host.off('SIGTSTP', suspend);
    host.kill(0, 'SIGTSTP');
    host.on('SIGTSTP', suspend);
    setTimeout(() => given && resume(), NOT_STOPPED_MS);
  };
  host.on('SIGCONT', resume);
  host.on('SIGTSTP', suspend);
  return {
    get size() {
      return { columns: Number(screen.width), rows: Number(screen.height) };
    },
    draw(lines) {
      if (closed) return;
      const rows = lines.map((line, row) => placed(line, row, color));
      const text = rows.filter((row, index) => row !== shown[index]).join('');
      shown = rows;
      if (text !== '') write(text);
    },
    redraw: begin,
    suspend,
    close() {
      if (closed) return;
      closed = true;
      host.off('SIGCONT', resume);
      host.off('SIGTSTP', suspend);
      write(WRAP);
      program.showCursor();
      screen.destroy();
      program.flush();
      input.pause();
    },
  };
}

const NAMES: Readonly<Record<string, string>> = { ' ': 'space', linefeed: 'enter' };

function keyOf(character: string | undefined, { full, name }: { full?: string; name?: string }): Key {
  const text = character !== undefined && TYPED.test(character) ? character : null;
  const known = name !== undefined && name.length > 1 ? (full ?? name) : null;
  if (known !== null && known !== 'space') return { name: NAMES[known] ?? known, text };
  if (text !== null) return { name: NAMES[text] ?? text, text };
  return { name: full ?? name ?? '', text };
}
