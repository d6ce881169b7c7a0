import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';

import { encryptTo, generateMasterKey, MasterKey } from '@k3s-daas/seal';

import { BenchError } from '../errors.ts';

export const SUBJECTS = ['bare', 'new identity', 'known identity'] as const;
export type Subject = (typeof SUBJECTS)[number];

/** One subject in one round. */
export interface Sample {
  readonly subject: Subject;
  readonly round: number;
  /** Of each call, one after the other. */
  readonly ms: readonly number[];
  /** With `WIDTH` requests at a time; of one core for the bare one. */
  readonly perSecond: number;
}

export const WIDTH = 8;
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** What no key server can do without: the key of an identity, encrypted to a session. No policy, no signature, no network. */
export function measureBare(calls: number, round: number): Sample {
  const masterKey = new MasterKey(generateMasterKey(random));
  const { key: session } = masterKey.extract(random(32));
  const ms: number[] = [];
  for (let index = 0; index < calls; index += 1) {
    const started = performance.now();
    encryptTo(session, masterKey.extract(random(150)).key, random);
    ms.push(performance.now() - started);
  }
  return { subject: 'bare', round, ms, perSecond: 1000 / (ms.reduce((sum, each) => sum + each, 0) / calls) };
}

/** Sends each body once, one after the other. */
export async function measureSerial(url: string, bodies: readonly string[]): Promise<number[]> {
  using client = new Client(url, 1);
  const ms: number[] = [];
  for (const body of bodies) {
    const started = performance.now();
    await client.post(body);
    ms.push(performance.now() - started);
  }
  return ms;
}

/** Sends each body once, `WIDTH` at a time. @returns requests a second. */
export async function measureRate(url: string, bodies: readonly string[]): Promise<number> {
  using client = new Client(url, WIDTH);
  const queue = [...bodies];
  const started = performance.now();
  await Promise.all(
    Array.from({ length: WIDTH }, async () => {
      for (let body = queue.pop(); body !== undefined; body = queue.pop()) await client.post(body);
    }),
  );
  return (bodies.length * 1000) / (performance.now() - started);
}

/** Connections that are kept, as a proxy before a key server keeps them. */
class Client implements Disposable {
  readonly #agent: Agent;
  readonly #url: URL;

  constructor(url: string, width: number) {
    this.#url = new URL('/v1/fetch_key', url);
    this.#agent = new Agent({ keepAlive: true, maxSockets: width });
  }

  async post(body: string): Promise<void> {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'client-sdk-type': 'typescript',
      'client-sdk-version': '1.4.12',
    };
    const status = await new Promise<number>((resolve, reject) => {
      const outgoing = request(this.#url, { method: 'POST', agent: this.#agent, headers }, (incoming) => {
        incoming.resume();
        incoming.on('end', () => {
          resolve(incoming.statusCode ?? 0);
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
    if (status !== 200)
      throw new BenchError('API_REFUSED', `the key server answered ${status}`, 'run it again; report it');
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
