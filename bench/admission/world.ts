import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { renderAdmissionConfiguration, renderOverlay } from '@k3s-daas/admission-webhook';
import {
  createAuthority,
  ensureControlPlane,
  freePorts,
  startControlPlane,
  type Authority,
  type Binaries,
  type ControlPlane,
  type KeyedCertificatePem,
} from '@k3s-daas/control-plane';
import { SECRETS_MODE_LABEL, WEBHOOK_USER } from '@k3s-daas/core';

import { sealedSecret } from '../../admission-webhook/test/sealing.ts';
import { sealSettings } from '../../admission-webhook/test/world.ts';
import { BenchError } from '../errors.ts';
import { ApiClient } from './api-client.ts';
import type { WebhookArgument } from './webhook.ts';

const API_CLIENT = 'k3s-daas:api-server';
const HOST = '127.0.0.1';
/** Guarded, of mode `references`. */
export const GUARDED = 'shop';
/** One of the namespaces that the shipped manifests exempt: the same API server, and no webhook is asked. */
export const EXEMPT = 'kube-public';
const SECRET = 'db';

/** A real control plane, and the webhook beside it as `daas up` has it: by URL, over TLS with client certificates. */
export interface AdmissionWorld {
  readonly binaries: Binaries;
  readonly api: ApiClient;
  readonly webhook: { readonly port: number; readonly pid: number; readonly caPem: string };
  /** What kube-apiserver shows the webhook. */
  readonly client: KeyedCertificatePem;
  end(): Promise<void>;
}

export async function startWorld(): Promise<AdmissionWorld> {
  const binaries = await ensureControlPlane();
  const dir = await mkdtemp(join(tmpdir(), 'daas-bench-admission-'));
  const [port = 0] = await freePorts(1);
  const ca = await createAuthority('webhook-ca');
  const client = await ca.issue({ commonName: API_CLIENT, usages: ['client'], days: 1 });
  const webhookUrl = `https://${HOST}:${port}/validate`;
  const { certPem: cert, keyPem: key } = client;
  const admission = join(dir, 'admission');
  const configuration = await renderAdmissionConfiguration({ dir: admission, webhookUrl, cert, key });
  let plane: ControlPlane | undefined;
  let child: ChildProcess | undefined;
  const end = async (): Promise<void> => {
    child?.stdin?.end();
    if (child?.exitCode === null) await once(child, 'exit');
    await plane?.stop();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    plane = await startControlPlane({
      binaries,
      dir: join(dir, 'control-plane'),
      controllerManager: false,
      scheduler: false,
      kwok: false,
      flags: { apiServer: [`--admission-control-config-file=${configuration}`] },
    });
    const overlay = await renderOverlay({ dir: join(dir, 'overlay'), webhookUrl, webhookCaPem: ca.certPem });
    // Its rights first: the webhook lists when it starts.
    await plane.kubectl(['apply', '-k', overlay]);
    child = await startWebhook(plane, ca, port);
    const api = await ApiClient.asAdmin(plane);
    await fill(api);
    return { binaries, api, webhook: { port, pid: child.pid ?? 0, caPem: ca.certPem }, client, end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function startWebhook(plane: ControlPlane, ca: Authority, port: number): Promise<ChildProcess> {
  const server = await ca.issue({ commonName: 'webhook', usages: ['server'], ips: [HOST], days: 1 });
  const argument: WebhookArgument = {
    kubeconfig: await plane.kubeconfig({ commonName: WEBHOOK_USER }),
    config: {
      allowedClients: [API_CLIENT],
      receiptLifetimeMs: 10_000,
      stakeSnapshotAgeMsMax: 30_000,
      drainMs: 0,
      seal: sealSettings,
    },
    tls: { ...server, clientCaPem: ca.certPem },
    host: HOST,
    port,
  };
  const file = fileURLToPath(new URL('webhook.ts', import.meta.url));
  const child = spawn(process.execPath, [file, JSON.stringify(argument)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(() => {
    throw new BenchError('PROCESS_ENDED', 'the webhook ended at its start', 'see what it printed');
  });
  await Promise.race([once(child.stdout, 'data'), ended]);
  ended.catch(() => undefined);
  return child;
}

/** Namespace, service account and Secret; returns once both webhooks are called. */
async function fill(api: ApiClient): Promise<void> {
  const labels = { [SECRETS_MODE_LABEL]: 'references' };
  await api.create('/api/v1/namespaces', { metadata: { name: GUARDED, labels } });
  await api.create(
    `/api/v1/namespaces/${GUARDED}/secrets`,
    await sealedSecret({ namespace: GUARDED, name: SECRET }),
  );
  for (let tries = 0; tries < 100; tries++) {
    const { json } = await api
      .create(`/api/v1/namespaces/${GUARDED}/pods?dryRun=All`, podOf('probe', true))
      .catch(() => ({ json: {} }));
    if (JSON.stringify(json).includes('seal-fetch')) return;
    await sleep(100);
  }
  throw new BenchError(
    'NOT_READY',
    'the webhooks were not called within 10 s',
    'run it again on a quieter machine',
  );
}

/** What a Deployment of a web server makes, with or without a password from a Secret. */
export function podOf(name: string, sealed: boolean): object {
  const env = [
    { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    { name: 'LOG_LEVEL', value: 'info' },
    ...(sealed ? [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: SECRET, key: 'password' } } }] : []),
  ];
  const probe = { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 10 };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'web', 'pod-template-hash': '5d4f8c7b9' } },
    spec: {
      serviceAccountName: 'default',
      containers: [
        {
          name: 'web',
          image: 'registry.example/web:1.2.3',
          ports: [{ containerPort: 8080 }],
          env,
          resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
          livenessProbe: probe,
          readinessProbe: probe,
          volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
        },
      ],
      volumes: [{ name: 'tmp', emptyDir: {} }],
    },
  };
}
