import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { Stack } from '@k3s-daas/cli';
import { parseConfiguration } from '@k3s-daas/core';
import { parse } from 'yaml';

import { connectApi, type Api } from '../kube-api.ts';
import { parseMetrics, valueOf, type Sample } from '../prometheus.ts';
import { until } from '../wait.ts';

const READY_MS_MAX = 60_000;

/** The parts that only our installation has: enclave, webhook, chain. */
export interface Ours {
  readonly schedulerConfigFile: string;
  /** Stops the parts where they stand (SIGSTOP): a stock cluster would not have them. */
  pause(): void;
  /** Lets them run on and waits until enclave and webhook are ready again. */
  resume(signal: AbortSignal): Promise<void>;
  /** Waits until the enclave's view of the API server holds so many pods and nodes. */
  untilSeen(objects: { readonly pods?: number; readonly nodes?: number }, signal: AbortSignal): Promise<void>;
  metrics(): Promise<Sample[]>;
  close(): void;
}

export async function connectOurs(stack: Stack): Promise<Ours> {
  const { client, webhook } = parseConfiguration(parse(await readFile(stack.configFile, 'utf8')));
  if (client === undefined || webhook === undefined) throw new TypeError('daas.yaml has client and webhook');
  const read = (file: string): Promise<string> => readFile(resolve(stack.dir, file), 'utf8');
  const certPem = await read(client.certFile);
  const keyPem = await read(client.keyFile);
  const enclave = connectApi(client.enclaveUrl, { caPem: stack.enclave.certificatePem, certPem, keyPem });
  const { host, port } = webhook.listen;
  const hook = connectApi(`https://${host}:${port}`, { caPem: stack.plane.caPem, certPem, keyPem });
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const { pid } of stack.parts.processes()) process.kill(pid, signal);
  };
  const metrics = async (): Promise<Sample[]> => parseMetrics(await enclave.text('/metrics'), ['daas_']);
  return {
    // Where startStack puts it.
    schedulerConfigFile: resolve(stack.dir, 'scheduler-config.yaml'),
    pause: () => {
      signalAll('SIGSTOP');
    },
    async resume(signal) {
      signalAll('SIGCONT');
      await until('enclave', READY_MS_MAX, signal, () => readyz(enclave));
      await until('webhook', READY_MS_MAX, signal, () => readyz(hook));
    },
    untilSeen: (objects, signal) =>
      until('view of the enclave', READY_MS_MAX, signal, async () => unseen(await metrics(), objects)),
    metrics,
    close() {
      signalAll('SIGCONT');
      enclave.close();
      hook.close();
    },
  };
}

async function readyz(api: Api): Promise<string | null> {
  const reply = await api.call({ method: 'GET', path: '/readyz' }).catch((error: unknown) => String(error));
  if (typeof reply === 'string') return reply;
  return reply.status === 200 ? null : reply.text.slice(0, 300);
}

function unseen(samples: readonly Sample[], objects: Readonly<Record<string, number>>): string | null {
  for (const [resource, expected] of Object.entries(objects)) {
    const seen = valueOf(samples, 'daas_kube_objects', { resource });
    if (seen !== expected) return `${seen} of ${expected} ${resource}`;
  }
  return null;
}
