import type { ServerBlock } from './document.js';

/** Servers with the same trouble: the same box by its headline, findings of the same rules. */
export interface ServersAlike {
  /** The one whose findings stand for all. */
  readonly first: ServerBlock;
  /** All of them, `first` among them. */
  readonly servers: readonly ServerBlock[];
}

/** The worst first, as the servers are given. */
export function serversAlike(servers: readonly ServerBlock[]): ServersAlike[] {
  const kinds = new Map<string, ServerBlock[]>();
  for (const server of servers) {
    const key = troubleOf(server);
    const list = kinds.get(key);
    if (list) list.push(server);
    else kinds.set(key, [server]);
  }
  return [...kinds.values()].map((list) => {
    // The one in which most is seen explains the others.
    const first = list.reduce((best, one) => (one.sessions > best.sessions ? one : best));
    return { first, servers: list };
  });
}

function troubleOf({ headline, groups }: ServerBlock): string {
  const rules = groups.map(([finding]) => finding!).filter(({ severity }) => severity !== 'info');
  return [headline.box ?? '', ...new Set(rules.map(({ rule, severity }) => `${severity} ${rule}`))].join(
    '\n',
  );
}
