import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the range from which kernels take ports for outgoing connections, so that none is lost before it is used. */
const FIRST = 20_000;
const LAST = 29_999;
const TRIES = 200;

/** Different ports on which nobody listens on loopback. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let i = 0; i < TRIES && ports.size < count; i++) {
    const port = randomInt(FIRST, LAST + 1);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  if (ports.size < count) throw new Error(`no ${count} free ports between ${FIRST} and ${LAST}`);
  return [...ports];
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
