import type { DriverName } from '../watch.js';
import type { Driver } from './driver.js';
import { dumpcap } from './dumpcap.js';
import { tcpdump } from './tcpdump.js';
import { tryCommand } from './try.js';

const TRY_MS = 3_000;

/** In the order in which `auto` tries them. */
export function driversFor(_capChild: string): readonly Driver[] {
  return [dumpcap, tcpdump];
}

/** The first that is installed and lists an interface; null: none. */
export async function firstThatWorks(drivers: readonly Driver[]): Promise<Driver | null> {
  for (const driver of drivers) {
    const { error, stdout } = await tryCommand(driver.list, TRY_MS);
    if (error === null && stdout.trim() !== '') return driver;
  }
  return null;
}

export const DRIVER_NAMES: readonly Exclude<DriverName, 'stream'>[] = ['dumpcap', 'tcpdump', 'cap'];
