import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { refuseInput } from './input-files.js';
import { cannotWrite } from './usage-error.js';

const MAX_OCTETS = 512 << 20;
const PIECE = 256 << 10;
const MAX_ASIDE = 100;

/** What a watch remembers over a restart. It is there whole or not at all. */
export class StateFile {
  private readonly part: string;

  /** @throws UsageError when it, or the file that becomes it, is one of the inputs */
  constructor(
    private readonly path: string,
    inputs: readonly string[],
    private readonly say: (line: string) => void,
  ) {
    this.part = `${path}.part`;
    for (const written of [path, this.part]) refuseInput(written, inputs, 'the state');
  }

  /**
   * Reads it, where there is one. One that is damaged is set aside, for whoever wants to look at it.
   *
   * @param restore  takes it in; false: it is damaged
   * @throws UsageError when it cannot be read
   */
  load(restore: (text: string) => boolean): void {
    let text: string;
    try {
      const stats = statSync(this.path, { throwIfNoEntry: false });
      if (stats === undefined) return;
      if (!stats.isFile())
        throw Object.assign(new Error(), { code: stats.isDirectory() ? 'EISDIR' : 'ENXIO' });
      text = stats.size > MAX_OCTETS ? '' : readFileSync(this.path, 'utf8');
    } catch (error) {
      throw cannotWrite(this.path, error, 'the state');
    }
    if (restore(text)) return;
    const aside = this.aside();
    renameSync(this.path, aside);
    this.say(`${this.path} is damaged: it was set aside as ${aside}, and nothing is remembered of before.`);
  }

  /** @returns false when it could not be written; it is what it was before, and that was said */
  save(lines: Iterable<string>): boolean {
    const { part } = this;
    try {
      const descriptor = openSync(part, 'w', 0o600);
      try {
        let piece = '';
        for (const line of lines) {
          piece += line;
          if (piece.length < PIECE) continue;
          writeFileSync(descriptor, piece);
          piece = '';
        }
        writeFileSync(descriptor, piece);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      renameSync(part, this.path);
      return true;
    } catch (error) {
      rmSync(part, { force: true });
      this.say(cannotWrite(this.path, error, 'the state').message);
      return false;
    }
  }

  private aside(): string {
    for (let number = 1; number < MAX_ASIDE; number++) {
      const name = `${this.path}.damaged${number === 1 ? '' : `-${number}`}`;
      if (!existsSync(name)) return name;
    }
    return `${this.path}.damaged`;
  }
}
