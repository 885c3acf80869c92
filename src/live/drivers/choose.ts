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

/** Those that are installed and list an interface. Whether they may capture on it is seen when they do. */
export async function thatList(drivers: readonly Driver[]): Promise<Driver[]> {
  const tried = await Promise.all(drivers.map(({ list }) => tryCommand(list, TRY_MS)));
  return drivers.filter((_, index) => tried[index]!.error === null && tried[index]!.stdout.trim() !== '');
}

export const DRIVER_NAMES: readonly Exclude<DriverName, 'stream'>[] = ['dumpcap', 'tcpdump', 'cap'];
