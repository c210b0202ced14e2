/** The app on a port: how long a client may take, and how the server stops. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAdaptorServer } from '@hono/node-server';
import { ClozeError } from '../gpu/errors.ts';
import { type AppOptions, createApp } from './app.ts';

export interface ServerOptions extends AppOptions {
  host: string;
  /** 0 takes one that is free. */
  port: number;
  /** Seconds in which a client must have sent its whole request; half of it for the head. */
  sending: number;
}

export interface RunningServer {
  /** Where it listens. */
  readonly url: string;
  /** Takes no more requests, answers those that it has, and resolves when all is done. */
  stop(): Promise<void>;
}

/** Connections beyond which further ones are dropped. */
const mostConnections = 1024;

/** Listens. Throws ClozeError `io` where it cannot. */
export async function openServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port, timeout, sending } = options;
  const app = createApp(options);
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      headersTimeout: 500 * sending,
      requestTimeout: 1000 * sending,
      connectionsCheckingInterval: 250 * sending,
    },
  }) as Server;
  server.maxConnections = mostConnections;
  // A client that does not read its answer holds a connection no longer than this.
  server.timeout = 1000 * (timeout + sending);
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'the port is in use' : message;
    throw new ClozeError('io', `cannot listen on ${host}, port ${port}: ${why}`, 'Name another --port');
  }
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}`,
    async stop() {
      app.stopping = true;
      const closed = new Promise((resolve) => server.close(resolve));
      const patience = new AbortController();
      await Promise.race([
        closed,
        sleep(1000 * timeout, undefined, { signal: patience.signal }).catch(() => {}),
      ]);
      patience.abort();
      server.closeAllConnections();
      await closed;
      await app.drained();
    },
  };
}
