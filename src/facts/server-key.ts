import type { Endpoint } from '../stream/event.js';

let newestAddress = '';
let newestPort = -1;
let newestKey = '';

/**
 * `192.0.2.25 25`, by which rules remember a server.
 *
 * Many rules ask for the same one, and mostly it is that of the session before: a string that was asked for once has its
 * hash, which a new one has not.
 */
export function serverKey({ address, port }: Endpoint): string {
  if (address !== newestAddress || port !== newestPort) {
    newestAddress = address;
    newestPort = port;
    newestKey = `${address} ${port}`;
  }
  return newestKey;
}
