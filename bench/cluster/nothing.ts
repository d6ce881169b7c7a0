import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Children, freePorts, type ChildExit, type ControlPlane } from '@k3s-daas/control-plane';
import { z } from 'zod';

import { connectApi, type Api } from '../kube-api.ts';
import { until } from '../wait.ts';

const SERVER = fileURLToPath(new URL('../nothing/server.ts', import.meta.url));
const USER = 'bench:nothing';
const ROLE = 'bench:nothing';
const DAYS = 1;
const READY_MS_MAX = 20_000;

const samplesSchema = z.record(z.string(), z.array(z.number()));

/** The do-nothing extender as a process of its own, as ours is. */
export interface NothingExtender {
  readonly pid: number;
  readonly url: string;
  readonly caPem: string;
  /** Milliseconds of every call since the last time this was asked, by verb. */
  takeSamples(): Promise<Record<string, number[]>>;
  stop(): Promise<void>;
}

export async function startNothing(options: {
  readonly dir: string;
  readonly plane: ControlPlane;
  readonly api: Api;
  readonly k: number;
  readonly signal: AbortSignal;
  readonly onExit: (exit: ChildExit) => void;
}): Promise<NothingExtender> {
  const { dir, plane, api, k, signal, onExit } = options;
  await grantBinding(api);
  const [port = 0] = await freePorts(1);
  const serving = await plane.ca.issue({
    commonName: 'bench-nothing',
    usages: ['server'],
    ips: ['127.0.0.1'],
    days: DAYS,
  });
  const client = await plane.issueClient({ commonName: USER });
  const children = new Children(dir, onExit);
  const config = join(dir, 'nothing.json');
  const content = {
    port,
    k,
    cert: serving.certPem,
    key: serving.keyPem,
    clientCa: plane.caPem,
    apiServer: plane.apiServerUrl,
    apiCert: client.certPem,
    apiKey: client.keyPem,
  };
  await writeFile(config, JSON.stringify(content), { mode: 0o600 });
  const child = await children.start('nothing', process.execPath, [SERVER, config]);
  const url = `https://127.0.0.1:${port}`;
  const own = connectApi(url, { caPem: plane.caPem, certPem: client.certPem, keyPem: client.keyPem });
  const stop = async (): Promise<void> => {
    own.close();
    await children.stop();
  };
  const takeSamples = async (): Promise<Record<string, number[]>> =>
    samplesSchema.parse(await own.json({ method: 'GET', path: '/samples' }));
  try {
    await until('do-nothing extender', READY_MS_MAX, signal, async () => {
      const answer = await takeSamples().catch((error: unknown) => String(error));
      return typeof answer === 'string' ? answer : null;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid, url, caPem: plane.caPem, takeSamples, stop };
}

/** As much as our enclave may, and no more: a user of system:masters would be spared queueing and RBAC. */
async function grantBinding(api: Api): Promise<void> {
  const group = 'rbac.authorization.k8s.io';
  const path = `/apis/${group}/v1`;
  const metadata = { name: ROLE };
  const rules = [{ apiGroups: [''], resources: ['pods/binding'], verbs: ['create'] }];
  await api.json({ method: 'POST', path: `${path}/clusterroles`, body: { metadata, rules } });
  const roleRef = { apiGroup: group, kind: 'ClusterRole', name: ROLE };
  const subjects = [{ apiGroup: group, kind: 'User', name: USER }];
  await api.json({
    method: 'POST',
    path: `${path}/clusterrolebindings`,
    body: { metadata, roleRef, subjects },
  });
}
