import type { DriverName, SourceFacts } from '../watch.js';

/** What to run so that a capture stream comes out of it. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * Why a capture program ended.
 *
 * `rights`, `missing`, `filter`, `interface`: it never began, and why; `gone`: the interface went away while it captured;
 * `ended`: anything else.
 */
export type EndCause = 'rights' | 'missing' | 'filter' | 'interface' | 'gone' | 'ended';

/** A capture program and how it talks. */
export interface Driver {
  readonly name: Exclude<DriverName, 'stream'>;
  readonly times: SourceFacts['times'];
  command(target: Target): Command;
  /** Lists interfaces. */
  readonly list: Command;
  /** Finds the cause of its end in what it printed on standard error. */
  cause(stderr: string, signal: NodeJS.Signals | null): EndCause;
  /** Packets lost, if this line of standard error has their number; null: it is about something else. */
  drops(line: string): number | null;
  /** The signal that makes it print its counts while it captures; null: there is none. */
  readonly asks: NodeJS.Signals | null;
  /** What mends missing rights. */
  readonly mend: string;
}

export interface Target {
  readonly interface: string;
  readonly filter: string;
}

/** Both capture programs hand on the words of libpcap. */
export function libpcapCause(stderr: string): EndCause {
  if (/permission|not permitted|EPERM|EACCES|are you root/i.test(stderr)) return 'rights';
  if (
    /syntax error|capture filter|filter expression|can't parse filter|unknown (host|port)|illegal|no VLAN support/i.test(
      stderr,
    )
  )
    return 'filter';
  if (/went down|disappeared|no longer|is down|not up|network is down/i.test(stderr)) return 'gone';
  if (/no such device|doesn't exist|no interface|there is no device|SIOCGIF|couldn't be opened/i.test(stderr))
    return 'interface';
  return 'ended';
}
