/**
 * Reports that are kept as files. `UPDATE_GOLDEN=1` writes them anew; read the difference before it is committed.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { pcapOf, scriptPackets } from './dialogue.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../golden');

/** Names of the dialogues of which golden reports are kept. */
export const goldenNames: readonly string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.dialogue'))
  .map((name) => name.slice(0, -'.dialogue'.length))
  .sort();

/** The capture of a dialogue, octet for octet the same every time. */
export function goldenCapture(name: string): Buffer {
  return pcapOf(scriptPackets(readFileSync(join(FOLDER, `${name}.dialogue`), 'utf8')));
}

/** Is the report the one that is kept? */
export function expectGolden(file: string, actual: string): void {
  const path = join(FOLDER, file);
  if (process.env.UPDATE_GOLDEN) writeFileSync(path, actual);
  expect(existsSync(path), `${file} is missing: UPDATE_GOLDEN=1 writes it`).toBe(true);
  expect(actual).toBe(readFileSync(path, 'utf8'));
}

/** What is kept; '' when nothing is. */
export function readGolden(file: string): string {
  const path = join(FOLDER, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** A folder of its own, gone afterwards. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
