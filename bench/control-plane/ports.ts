import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the range from which kernels take ports for outgoing connections, so that none is lost before it is used. */
const FIRST = 12_000;
const LAST = 29_999;
const TRIES = 500;
/** Given to somebody in this process who may not be listening yet. */
const given = new Set<number>();

/** Ports on loopback on which nobody listens, never the same twice in one process. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let i = 0; i < TRIES && ports.length < count; i++) {
    const port = randomInt(FIRST, LAST + 1);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) ports.push(port);
  }
  if (ports.length < count) throw new Error(`no ${count} free ports between ${FIRST} and ${LAST}`);
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
