import { type Driver, libpcapCause } from './driver.js';

/** libpcap in a child of ours: where there is no capture program. Times on arrival, drops unknown. */
export function capDriver(node: string, child: string): Driver {
  return {
    name: 'cap',
    times: 'arrival',
    command: (target) => ({ file: node, args: [child, 'capture', target.interface, target.filter] }),
    list: { file: node, args: [child, 'list'] },
    cause(stderr, signal) {
      if (/cannot find module|could not locate|NODE_MODULE_VERSION|invalid ELF/i.test(stderr))
        return 'missing';
      // Its way to say that the interface has gone.
      if (signal === 'SIGABRT') return 'gone';
      return libpcapCause(stderr);
    },
    drops: () => null,
    asks: null,
    mend: 'sudo mailwitness live --driver cap',
  };
}
