import type { ExitStatus, Io } from './io.js';
import { notYet } from './usage-error.js';

/** `mailwitness doctor`: which live drivers work here, and what to type for each that does not. */
export async function runDoctor(_words: readonly string[], _io: Io): Promise<ExitStatus> {
  throw notYet("the command 'doctor'");
}
