import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';

import { encryptTo, generateMasterKey, MasterKey } from '@k3s-daas/seal';

import { BenchError } from '../errors.ts';
import { endChild, messageOf, startChild } from '../frame/children.ts';
import type { Progress } from '../frame/command.ts';
import { inParallel, inRounds, timesOf } from '../frame/rounds.ts';
import type { Limits } from './options.ts';
import type { ServerOptions } from './server.ts';

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

/** Chain, key server and this process: each round a key server that has seen nothing. */
export async function measure({ rounds, calls }: Limits, progress: Progress): Promise<Sample[]> {
  progress('a chain, a policy and its versions');
  const chain = startChild(new URL('chain.ts', import.meta.url), { identities: calls });
  try {
    const world = (await messageOf(chain)) as Omit<ServerOptions, 'secret'> & {
      readonly secret: Uint8Array;
      readonly bodies: readonly string[];
    };
    const { bodies, secret, ...rest } = world;
    const server = startChild(new URL('server.ts', import.meta.url), { ...rest, secret: [...secret] });
    try {
      const measured = (round: number) => measureRound(server, bodies, round);
      return (await inRounds({ rounds }, progress, measured)).flat();
    } finally {
      await endChild(server);
    }
  } finally {
    await endChild(chain);
  }
}

async function measureRound(
  server: ChildProcess,
  bodies: readonly string[],
  round: number,
): Promise<Sample[]> {
  const fresh = async (): Promise<string> => {
    const told = messageOf(server);
    server.send('serve');
    return (await told) as string;
  };
  const bare = await measureBare(bodies.length, round);
  const newRate = await measureRate(await fresh(), bodies);
  const url = await fresh();
  const newMs = await measureSerial(url, bodies);
  const knownMs = await measureSerial(url, bodies);
  const knownRate = await measureRate(url, bodies);
  return [
    bare,
    { subject: 'new identity', round, ms: newMs, perSecond: newRate },
    { subject: 'known identity', round, ms: knownMs, perSecond: knownRate },
  ];
}

/** What no key server can do without: the key of an identity, encrypted to a session. No policy, no signature, no network. */
export async function measureBare(calls: number, round: number): Promise<Sample> {
  const masterKey = new MasterKey(generateMasterKey(random));
  const { key: session } = masterKey.extract(random(32));
  const ms = await timesOf(Array(calls).keys(), () =>
    encryptTo(session, masterKey.extract(random(150)).key, random),
  );
  return { subject: 'bare', round, ms, perSecond: 1000 / (ms.reduce((sum, each) => sum + each, 0) / calls) };
}

/** Sends each body once, one after the other. */
async function measureSerial(url: string, bodies: readonly string[]): Promise<number[]> {
  using client = new Client(url, 1);
  return await timesOf(bodies, (body) => client.post(body));
}

/** Sends each body once, `WIDTH` at a time. @returns requests a second. */
async function measureRate(url: string, bodies: readonly string[]): Promise<number> {
  using client = new Client(url, WIDTH);
  const started = performance.now();
  await inParallel(bodies, WIDTH, (body) => client.post(body));
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
