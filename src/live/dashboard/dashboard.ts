import { frozen } from '../frozen.js';
import { type Action, type Key, pressed } from '../keys.js';
import { Orders } from '../list.js';
import { ASCII, UNICODE } from '../screen.js';
import { INITIAL, type UiState } from '../ui-state.js';
import { type Screen, screenOf, summaryOf } from '../view-model.js';
import type { Watch } from '../watch.js';
import { type Host, openTerminal, type Terminal } from './terminal.js';

/** Milliseconds between two drawings that no key asked for. */
const REDRAW_MS = 200;

export interface DashboardOptions {
  readonly host: Host;
  readonly console: Pick<Console, 'error'>;
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly color: boolean;
  readonly ascii: boolean;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** The watch is to end: the dashboard gives the terminal back. */
  readonly signal: AbortSignal;
  /** Writes the report and the evidence; returns where they are, or why not, in one line. */
  readonly onExport?: () => Promise<string>;
}

/**
 * Shows a watch on a terminal until `q` is pressed, or the signal says so.
 *
 * A key is answered at once; what comes from the wire is drawn five times a second. However it ends, the terminal is
 * given back as it was.
 *
 * @returns what is left to be printed on the normal screen
 * @throws what drawing throws; the terminal is given back before
 */
export async function runDashboard(watch: Watch, options: DashboardOptions): Promise<string> {
  const dashboard = new Dashboard(watch, options);
  try {
    await dashboard.run();
  } finally {
    dashboard.close();
  }
  return summaryOf(watch);
}

class Dashboard {
  private state: UiState = INITIAL;
  private terminal: Terminal | null = null;
  private screen: Screen | null = null;
  private paused: Watch | null = null;
  private exporting = false;
  private readonly orders: Orders;
  private end: (error?: unknown) => void = () => {};

  constructor(
    private readonly watch: Watch,
    private readonly options: DashboardOptions,
  ) {
    this.orders = new Orders(options.now);
  }

  async run(): Promise<void> {
    const { host, input, output, color, signal } = this.options;
    const ended = new Promise<void>((resolve, reject) => {
      this.end = (error) => (error === undefined ? resolve() : reject(error as Error));
    });
    const quit = (): void => this.end();
    // Whatever fails outside of our own calls must not leave the terminal in our hands: given back first, then the error is printed.
    const failed = (error: unknown): void => {
      this.close();
      this.end(error ?? new Error('unknown failure'));
    };
    signal.addEventListener('abort', quit, { once: true });
    host.prependListener('uncaughtException', failed);
    host.prependListener('unhandledRejection', failed);
    host.on('SIGHUP', quit);
    const exit = (): void => this.close();
    host.on('exit', exit);
    this.terminal = await openTerminal({
      host,
      console: this.options.console,
      input,
      output,
      color,
      onKey: (key) => this.guard(() => this.key(key)),
      onResize: () => this.guard(() => this.draw()),
    });
    const timer = setInterval(() => this.guard(() => this.draw()), REDRAW_MS);
    try {
      this.draw();
      if (signal.aborted) quit();
      await ended;
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', quit);
      host.off('uncaughtException', failed);
      host.off('unhandledRejection', failed);
      host.off('SIGHUP', quit);
      host.off('exit', exit);
    }
  }

  close(): void {
    this.terminal?.close();
    this.terminal = null;
  }

  private guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.end(error);
    }
  }

  private draw(): void {
    if (!this.terminal) return;
    const { ascii } = this.options;
    const seen = { watch: this.paused ?? this.watch, now: this.watch, orders: this.orders };
    this.screen = screenOf(seen, this.state, this.terminal.size, ascii ? ASCII : UNICODE);
    this.terminal.draw(this.screen.lines);
  }

  private key(key: Key): void {
    if (!this.screen) return;
    const [state, action] = pressed(this.state, key, this.screen.shown);
    if (state.paused !== this.state.paused) this.paused = state.paused ? frozen(this.watch) : null;
    this.state = state;
    this.act(action);
    this.draw();
  }

  private act(action: Action): void {
    if (action === 'quit') this.end();
    else if (action === 'redraw') this.terminal?.redraw();
    else if (action === 'suspend') this.terminal?.suspend();
    else if (action === 'export') void this.export();
  }

  private async export(): Promise<void> {
    const { onExport } = this.options;
    if (!onExport) return this.say('There is nowhere to export to here.');
    if (this.exporting) return this.say('The export before is still being written.');
    this.exporting = true;
    this.say('Writing the report and the evidence ..');
    try {
      this.say(await onExport());
    } catch (error) {
      this.say(`Not exported: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      this.exporting = false;
    }
  }

  private say(message: string): void {
    this.state = { ...this.state, message };
    this.guard(() => this.draw());
  }
}
