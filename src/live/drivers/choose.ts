import type { DriverName } from '../watch.js';
import { capDriver } from './cap.js';
import type { Driver } from './driver.js';
import { dumpcap } from './dumpcap.js';
import { tcpdump } from './tcpdump.js';
import { tryCommand } from './try.js';

const TRY_MS = 3_000;

/** What `cap` is run by. */
export interface OwnPrograms {
  readonly node: string;
  readonly capChild: string;
}

/** In the order in which `auto` tries them. */
export function driversFor({ node, capChild }: OwnPrograms): readonly Driver[] {
  return [dumpcap, tcpdump, capDriver(node, capChild)];
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
