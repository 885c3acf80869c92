import { networkInterfaces } from 'node:os';
import type { Driver } from './driver.js';
import { tryCommand } from './try.js';

const TRY_MS = 3_000;

/** What can be captured on: a line each, with the addresses that are known of it. */
export async function interfaceList(drivers: readonly Driver[]): Promise<string[]> {
  const addresses = new Map(
    Object.entries(networkInterfaces()).map(([name, entries]) => [
      name,
      (entries ?? []).map(({ address }) => address).join(' '),
    ]),
  );
  const names = new Map<string, string>();
  for (const driver of drivers) {
    const { stdout } = await tryCommand(driver.list, TRY_MS);
    for (const { name, description } of listed(stdout)) if (!names.has(name)) names.set(name, description);
    if (names.size > 0) break;
  }
  for (const name of addresses.keys()) if (!names.has(name)) names.set(name, '');
  return [...names].map(([name, description]) =>
    [name, addresses.get(name) ?? '', description].filter((part) => part !== '').join('  '),
  );
}

/** `1. eth0`, `2.lo [Up, Running, Loopback]`, `3. lo (Loopback)` */
export function listed(stdout: string): { name: string; description: string }[] {
  return stdout
    .split(/\r?\n/)
    .map((line) => /^\s*\d+\.\s*(\S+)\s*(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name = '', description = '']) => ({ name, description }));
}
