import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { METRICS_TYPE } from '../live/metrics.js';
import { UsageError } from './usage-error.js';

const LOOPBACK = '127.0.0.1';
const MAX_CONNECTIONS = 16;
const MAX_HEADER_OCTETS = 4096;
const REQUEST_MS = 5_000;

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * `9100`, `127.0.0.1:9100`, `[::1]:9100`: without an address nobody but this machine is answered.
 *
 * @throws UsageError
 */
export function listenAddress(text: string): ListenAddress {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([0-9A-Za-z.-]+)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3] ?? Number.NaN);
  if (!match || !(port <= 65535)) {
    throw new UsageError(`--metrics-port is a port such as 9100, or ADDRESS:PORT, not '${text}'.`);
  }
  return { host: match[1] ?? match[2] ?? LOOPBACK, port };
}

/**
 * Answers `GET /metrics` and nothing else.
 *
 * @throws UsageError when it cannot listen there
 */
export async function serveMetrics(
  address: ListenAddress,
  metrics: () => string,
): Promise<{ port: number; close(): void }> {
  const server = createServer({ maxHeaderSize: MAX_HEADER_OCTETS }, (request, response) => {
    request.resume();
    const found = request.url === '/metrics';
    const asked = request.method === 'GET' || request.method === 'HEAD';
    response.setHeader('Connection', 'close');
    if (!found) response.writeHead(404).end();
    else if (!asked) response.writeHead(405, { Allow: 'GET, HEAD' }).end();
    else {
      response.writeHead(200, { 'Content-Type': METRICS_TYPE, 'Cache-Control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : metrics());
    }
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.headersTimeout = REQUEST_MS;
  server.requestTimeout = REQUEST_MS;
  server.keepAliveTimeout = 1;
  server.setTimeout(REQUEST_MS, (socket) => socket.destroy());
  await listening(server, address);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listening(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why: Record<string, string> = {
        EADDRINUSE: 'the port is in use: name another.',
        EACCES: 'permission is missing: name a port above 1023.',
        EADDRNOTAVAIL: 'this machine has no such address.',
        ENOTFOUND: 'this machine has no such address.',
      };
      reject(new UsageError(`--metrics-port ${host}:${port}: ${why[error.code ?? ''] ?? `${error.code}.`}`));
    });
    server.listen(port, host, resolve);
  });
}
