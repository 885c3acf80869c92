import { type Driver, libpcapCause } from './driver.js';

/** The kernel's times, and drop counts whenever it is asked. */
export const tcpdump: Driver = {
  name: 'tcpdump',
  times: 'kernel',
  command: (target) => ({
    file: 'tcpdump',
    args: ['--immediate-mode', '-U', '-n', '-s', '262144', '-i', target.interface, '-w', '-', target.filter],
  }),
  list: { file: 'tcpdump', args: ['-D'] },
  cause: libpcapCause,
  drops(line) {
    const counts = /(\d+) packets? dropped by (?:kernel|interface)/.exec(line);
    return counts && line.includes('kernel') ? Number(counts[1]) : null;
  },
  asks: 'SIGUSR1',
  mend: 'sudo setcap cap_net_raw,cap_net_admin+eip "$(command -v tcpdump)"',
};
