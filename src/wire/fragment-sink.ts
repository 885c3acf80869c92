/** One IP fragment, valid during the call: a single instance re-pointed at each. RFC 791 §3.2, RFC 8200 §4.5. */
export class IpFragment {
  family = 4;
  /** IPv4 protocol, or the next header that the IPv6 fragment header names. */
  protocol = 0;
  id = 0;
  /** Octets before this fragment's first in the datagram's payload; a multiple of 8. */
  offset = 0;
  more = false;
  /** False: add to a datagram that is already begun, do not begin one. */
  mayBegin = true;
  us = Number.NaN;
  octets: Buffer = Buffer.alloc(0);
  /** First octet of the source address; the destination follows it. */
  addressAt = 0;
  start = 0;
  end = 0;
}

/** Collects fragments. Declared here so that the decoder needs nothing above it. */
export interface FragmentSink {
  /** The whole payload when this fragment was the last one missing, else null. */
  add(fragment: IpFragment): Buffer | null;
  /** Protocol of the datagram that `add` returned: IPv6 goes by its first fragment. */
  readonly protocol: number;
  /** How many fragments that datagram was made of. */
  readonly used: number;
}
