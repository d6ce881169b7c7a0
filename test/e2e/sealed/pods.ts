import { execFileSync } from 'node:child_process';
import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';

import type { ContainerSpec, SealedCluster } from '../../../bench/pod-start/cluster.ts';

/** seal-fetch gives up after a minute, and says why in the termination message. */
export const GIVES_UP_MS_MAX = 120_000;
const WAIT_MS_MAX = 60_000;
const POLL_MS = 100;

/** Ends parts at once while `work` runs, so that connections to them are refused; then `revive` starts them anew. */
export async function killed<T>(
  at: SealedCluster,
  parts: (name: string) => boolean,
  work: () => Promise<T>,
  revive: () => Promise<unknown>,
): Promise<T> {
  const found = at.stack.parts.processes().filter(({ name }) => parts(name));
  if (found.length === 0) throw new Error('no such part runs');
  for (const { pid } of found) process.kill(pid, 'SIGKILL');
  try {
    return await work();
  } finally {
    await revive();
  }
}

/**
 * A pod that nobody answers, until seal-fetch has given up once and the controller has told.
 *
 * @returns the pod's events.
 */
export async function cutOffForLong(
  at: SealedCluster,
  name: string,
  container: ContainerSpec,
): Promise<string> {
  await at.create(name, container);
  await at.untilPlaced(name);
  const ip = (action: 'add' | 'del', address: string): void => {
    execFileSync('ip', ['route', action, 'blackhole', `${address}/32`]);
  };
  // Its address is known about when it asks.
  const address = await at.frozen(
    (part) => part === 'enclave',
    async () => {
      const found = await until(async () => (await at.pod(name)).status.podIP);
      ip('add', found);
      return found;
    },
  );
  const events = ['get', 'events', '-n', 'app', '--field-selector', `involvedObject.name=${name}`];
  const told = await until(
    async () => {
      await delay(1000);
      const found = await at.kubectl(events);
      return found.includes('SealFetchWaiting') ? found : '';
    },
    () => at.log(name, 'seal-fetch'),
    GIVES_UP_MS_MAX,
  );
  ip('del', address);
  return told;
}

/** @returns the first of the answers that says something. @throws with what `about` tells, after `msMax`. */
export async function until<T>(
  attempt: () => Promise<T>,
  about: () => Promise<string> = () => Promise.resolve('waited in vain'),
  msMax = WAIT_MS_MAX,
): Promise<T> {
  const deadline = performance.now() + msMax;
  for (;;) {
    const found = await attempt();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(await about());
    await delay(POLL_MS);
  }
}

/** SHA-256 of a certificate. */
export function fingerprint(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}

/** The certificate that the pod's process serves now. */
export async function served(at: SealedCluster, name: string): Promise<string> {
  const { podIP } = (await at.pod(name)).status;
  return new Promise((resolve, reject) => {
    const socket = connect({ host: podIP, port: 8443, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** The pid of the one process whose command begins so, in our namespace. */
export function processOf(...command: readonly string[]): number {
  const pids = readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      return readFileSync(`/proc/${entry}/cmdline`, 'utf8').startsWith(`${command.join('\0')}\0`);
    } catch {
      return false;
    }
  });
  if (pids.length !== 1) throw new Error(execFileSync('ps', ['-e', '-o', 'pid,args'], { encoding: 'utf8' }));
  return Number(pids[0]);
}

/** The same token of an hour ago, as the API server signed it then. */
export function expire(token: string, pki: string): string {
  const [header = '', payload = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  const past = Math.floor(Date.now() / 1000) - 3600;
  const old = { ...claims, iat: past - 600, nbf: past - 600, exp: past };
  const text = `${header}.${Buffer.from(JSON.stringify(old)).toString('base64url')}`;
  const key = createPrivateKey(readFileSync(join(pki, 'service-account.key')));
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}
