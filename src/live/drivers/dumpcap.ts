import { type Driver, libpcapCause } from './driver.js';

/** Wireshark's capture program: the kernel's times, and drop counts when it ends. */
export const dumpcap: Driver = {
  name: 'dumpcap',
  times: 'kernel',
  // -P: pcap, which is written packet by packet. Never a path behind -w: dumpcap unlinks it on a bad filter.
  command: (target) => ({
    file: 'dumpcap',
    args: ['-q', '-P', '-i', target.interface, '-f', target.filter, '-w', '-'],
  }),
  list: { file: 'dumpcap', args: ['-D'] },
  cause: libpcapCause,
  drops(line) {
    const counts = /received\/dropped on interface .*?: (\d+)\/(\d+)/.exec(line);
    return counts ? Number(counts[2]) : null;
  },
  asks: null,
  mend: 'sudo setcap cap_net_raw,cap_net_admin+eip "$(command -v dumpcap)"',
};
