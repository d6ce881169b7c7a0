import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { describeError } from '@k3s-daas/core';
import t from 'tap';
import { temporaryDir } from './test/fixtures.ts';
import { processStartTime } from './process-identity.ts';
import {
  type Binaries,
  type ChildExit,
  clientCertificateFromCsr,
  type ControlPlane,
  ControlPlaneError,
  ensureControlPlane,
  nodeManifest,
  startControlPlane,
} from './index.ts';

/** A quiet machine takes 5 s and 1 s; there a start that waits for something in vain takes minutes. */
const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 15_000;

let binaries: Binaries;
t.before(async () => {
  binaries = await ensureControlPlane({
    progress: ({ step, message }) => {
      t.comment(`${step}: ${message}`);
    },
  });
});

void t.test('a whole control plane', async (t) => {
  const exits: ChildExit[] = [];
  const began = performance.now();
  const cp = await startControlPlane({ binaries, dir: temporaryDir(t), onExit: (exit) => exits.push(exit) });
  const readyMs = performance.now() - began;
  t.teardown(() => cp.stop());
  t.comment(`ready in ${Math.round(readyMs)} ms`);
  t.ok(readyMs <= READY_MS_MAX, `ready within ${READY_MS_MAX} ms, took ${Math.round(readyMs)}`);
  t.same(
    new Set(cp.children.map(({ name }) => name)),
    new Set(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok']),
  );
  t.match(await cp.kubectl(['version']), /Server Version: v1\.\d+\.\d+/);

  await t.test('pods run', async (t) => {
    await addNode(cp, 'n1');
    await addNode(cp, 'n2');
    await cp.kubectl(['create', 'namespace', 'tenant']);
    await cp.kubectl(['wait', '-n', 'tenant', '--for=create', 'serviceaccount/default', '--timeout=60s']);
    await runPod(cp, 'tenant', 'first');
    await untilRunning(cp, 'tenant', 'first');
    const about = ['get', 'node', 'n1', '-o', 'jsonpath={.status.allocatable.cpu} {.spec.taints}'];
    let node = await cp.kubectl(about);
    // The pod may run on the other node, and the controller be late in lifting the taint of this one.
    for (let i = 0; i < 100 && node !== '4 '; i++) node = await cp.kubectl(about);
    t.equal(node, '4 ', 'kwok keeps the capacity we gave, and the node has no taint');
  });

  await t.test('only who may, may', async (t) => {
    const mallory = await cp.kubeconfig({ commonName: 'mallory' });
    await t.rejects(cp.kubectl(['get', 'pods', '-n', 'tenant'], { kubeconfig: mallory }), {
      code: 'kubectl-failed',
      message: /Forbidden.*User "mallory" cannot list resource "pods"/,
    });
    t.equal(await status(cp, '/api/v1/pods'), 401, 'nobody without a certificate');
    const node = await cp.kubeconfig({ commonName: 'system:node:n1', organizations: ['system:nodes'] });
    t.match(await cp.kubectl(['label', 'node', 'n1', 'zone=a'], { kubeconfig: node }), /labeled/);
    await t.rejects(
      cp.kubectl(['label', 'node', 'n1', 'node-restriction.kubernetes.io/trusted=yes'], { kubeconfig: node }),
      { code: 'kubectl-failed', message: /not allowed to modify labels/ },
    );
    await t.rejects(cp.kubectl(['label', 'node', 'n2', 'zone=a'], { kubeconfig: node }), {
      code: 'kubectl-failed',
      message: /node 'n1' cannot read 'n2', only its own Node object/,
    });
  });

  await t.test('a certificate for a request carries the names we dictate', async (t) => {
    const dir = temporaryDir(t);
    const [key, csr, crt] = [join(dir, 'k'), join(dir, 'csr'), join(dir, 'crt')];
    const subject = ['-subj', '/O=system:masters/CN=admin'];
    execFileSync(
      'openssl',
      ['req', '-new', '-newkey', 'ed25519', '-nodes', '-keyout', key, '-out', csr, ...subject],
      { stdio: 'pipe' },
    );
    const names = { commonName: 'system:node:n1', organizations: ['system:nodes'] };
    writeFileSync(crt, (await clientCertificateFromCsr(cp.ca, readFileSync(csr, 'utf8'), names)).certPem);
    const flags = ['--client-certificate', crt, '--client-key', key];
    const review: unknown = JSON.parse(await cp.kubectl(['auth', 'whoami', '-o', 'json', ...flags]));
    t.match(review, {
      status: { userInfo: { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] } },
    });
  });

  await t.test('an admission webhook on loopback is asked', async (t) => {
    const usages = ['server'] as const;
    const { certPem, keyPem } = await cp.ca.issue({
      commonName: 'webhook',
      usages,
      ips: ['127.0.0.1'],
      days: 1,
    });
    const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
      void json(request).then((review) => {
        const { uid } = (review as { request: { uid: string } }).request;
        const denial = { uid, allowed: false, status: { message: 'not while the webhook says no' } };
        response.setHeader('content-type', 'application/json');
        response.end(
          JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: denial }),
        );
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;
    const webhook = {
      name: 'no.k3s-daas.io',
      clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: Buffer.from(cp.caPem).toString('base64') },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
    };
    const kind = 'ValidatingWebhookConfiguration';
    const metadata = { name: 'no' };
    const manifest = { apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata, webhooks: [webhook] };
    await cp.kubectl(['create', '-f', '-'], { input: JSON.stringify(manifest) });
    // The API server reads new webhooks from a watch.
    let refusal = '';
    for (let i = 0; i < 200 && refusal === ''; i++) {
      refusal = await cp.kubectl(['create', 'configmap', `c${i}`]).then(() => '', describeError);
    }
    t.match(
      refusal,
      /admission webhook "no\.k3s-daas\.io" denied the request: not while the webhook says no/,
    );
    await cp.kubectl(['delete', kind, 'no']);
    server.closeAllConnections();
  });

  await t.test('a second scheduler', async (t) => {
    const config = {
      apiVersion: 'kubescheduler.config.k8s.io/v1',
      kind: 'KubeSchedulerConfiguration',
      profiles: [{ schedulerName: 'second' }],
    };
    const second = await cp.startScheduler({ name: 'second', config, apiQps: 500, apiBurst: 500 });
    await runPod(cp, 'tenant', 'by-second', { schedulerName: 'second' });
    await untilRunning(cp, 'tenant', 'by-second');
    const client = await cp.issueClient({ commonName: 'daas-admin', organizations: ['system:masters'] });
    const metrics = await fetchText(`${second.url}/metrics`, cp.caPem, client);
    t.match(metrics, /scheduler_schedule_attempts_total\{profile="second",result="scheduled"\} 1/);
    await second.stop();
    t.notOk(cp.children.some(({ name }) => name === 'second'));
    t.same(exits, [], 'what is stopped is not reported');
    await t.rejects(cp.startScheduler({ name: 'third', config: { kind: 'Pod' } }), {
      code: 'scheduler-config-invalid',
    });
  });

  await t.test('the API server restarts with its data', async (t) => {
    const pid = pidOf(cp, 'kube-apiserver');
    await cp.restartApiServer(['--max-requests-inflight=321']);
    t.not(pidOf(cp, 'kube-apiserver'), pid);
    t.equal(processStartTime(pid), undefined);
    t.match(
      readFileSync(`/proc/${pidOf(cp, 'kube-apiserver')}/cmdline`, 'utf8'),
      /max-requests-inflight=321/,
    );
    t.match(await cp.kubectl(['get', 'pod', '-n', 'tenant', 'first']), /Running/);
    await runPod(cp, 'tenant', 'after-restart');
    await untilRunning(cp, 'tenant', 'after-restart');
  });

  await t.test('an unexpected end is reported', async (t) => {
    const pid = pidOf(cp, 'kwok');
    process.kill(pid, 'SIGKILL');
    for (let i = 0; i < 3_000 && exits.length === 0; i++) await new Promise((done) => setTimeout(done, 20));
    t.match(exits, [{ name: 'kwok', pid, signal: 'SIGKILL', code: null, lastLines: /kwok/ }]);
  });

  await t.test('stop leaves nothing', async (t) => {
    const pids = cp.children.map(({ pid }) => pid);
    const listening = process.platform === 'linux' ? pids.flatMap(listeningSockets) : [];
    t.same(
      listening.filter(({ address }) => address !== '127.0.0.1'),
      [],
      'loopback only',
    );
    const ports = [...listening.map(({ port }) => port), Number(new URL(cp.apiServerUrl).port)];
    const stopping = performance.now();
    await cp.stop();
    const stopMs = performance.now() - stopping;
    t.ok(stopMs <= STOP_MS_MAX, `stopped within ${STOP_MS_MAX} ms, took ${Math.round(stopMs)}`);
    t.same(
      pids.map(processStartTime),
      pids.map(() => undefined),
      'no process',
    );
    for (const port of ports) t.notOk(await accepts(port), `port ${port} is closed`);
    await t.rejects(cp.startScheduler({ name: 'late' }), { code: 'not-running' });
  });

  await t.test('a start in the same folder continues the cluster', async (t) => {
    const options = {
      binaries,
      dir: cp.dir,
      controllerManager: false,
      scheduler: false,
      kwok: false,
    } as const;
    const again = await startControlPlane(options);
    t.teardown(() => again.stop());
    t.equal(again.caPem, cp.caPem);
    t.match(await again.kubectl(['get', 'pod', '-n', 'tenant', 'first']), /Running/);
    await runPod(again, 'tenant', 'bound', { nodeName: 'n1' });
    t.match(await again.kubectl(['get', 'pod', '-n', 'tenant', 'bound']), /Pending/);
    await again.stop();
  });
});

void t.test('a start that fails says why and leaves nothing', async (t) => {
  const dir = temporaryDir(t);
  const mark = `--no-such-flag-${randomUUID()}`;
  const error: unknown = await startControlPlane({ binaries, dir, flags: { apiServer: [mark] } }).catch(
    (error: unknown) => error,
  );
  t.ok(error instanceof ControlPlaneError);
  t.match(error, { code: 'start-failed', message: new RegExp(`unknown flag: ${mark}`), remedy: /./ });
  const left = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && cmdline(pid).includes(dir));
  t.same(left, []);
});

function addNode(cp: ControlPlane, name: string): Promise<string> {
  const node = nodeManifest({ name, cpu: '4', memory: '16Gi', pods: '110' });
  return cp.kubectl(['create', '-f', '-'], { input: JSON.stringify(node) });
}

function runPod(cp: ControlPlane, namespace: string, name: string, spec: object = {}): Promise<string> {
  const containers = [{ name: 'c', image: 'none', resources: { requests: { cpu: '100m' } } }];
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec: { containers, ...spec } };
  return cp.kubectl(['create', '-f', '-'], { input: JSON.stringify(pod) });
}

function untilRunning(cp: ControlPlane, namespace: string, name: string): Promise<string> {
  const condition = '--for=jsonpath={.status.phase}=Running';
  return cp.kubectl(['wait', '-n', namespace, condition, `pod/${name}`, '--timeout=60s']);
}

function pidOf(cp: ControlPlane, name: string): number {
  return cp.children.find((child) => child.name === name)?.pid ?? 0;
}

function status(cp: ControlPlane, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(`${cp.apiServerUrl}${path}`, { ca: cp.caPem, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).once('error', reject);
  });
}

function fetchText(url: string, ca: string, client: { certPem: string; keyPem: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { ca, cert: client.certPem, key: client.keyPem, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => {
        resolve(text);
      });
    }).once('error', reject);
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

/** What a process listens on: its socket inodes looked up in /proc/net/tcp and tcp6 (proc(5); state 0A is LISTEN). */
function listeningSockets(pid: number): { address: string; port: number }[] {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A' && inodes.has(fields[9] ?? ''))
      .map((fields) => {
        const [host = '', port = ''] = (fields[1] ?? '').split(':');
        return { address: host === '0100007F' ? '127.0.0.1' : host, port: parseInt(port, 16) };
      }),
  );
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function cmdline(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
