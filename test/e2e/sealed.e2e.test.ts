/**
 * The second half of the promise, on a real node: a pod's process has its secrets, nobody else does, and whatever of the
 * parts is down, the pod waits, says why, and goes on by itself.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { consoleProgress } from '@k3s-daas/cli';
import { createAuthority } from '@k3s-daas/control-plane';
import { REFRESH_ANNOTATION, systemClock } from '@k3s-daas/core';
import { inPrivateNetwork } from '@k3s-daas/kubelet/test';
import t from 'tap';

import { type SealedCluster, startSealedCluster } from '../../bench/pod-start/cluster.ts';
import { inFiles, inMemory, needle } from './sealed/leaks.ts';
import {
  cutOffForLong,
  expire,
  fingerprint,
  GIVES_UP_MS_MAX,
  killed,
  processOf,
  served,
  until,
} from './sealed/pods.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const random = (): string => randomBytes(24).toString('base64url');
const STAY = ['say', 'ready', 'wait'];
const REFRESH_S = 5;
/** Every process of an installation, in the order of the alphabet. */
const SEARCHED = [
  'attest-proxy',
  'enclave',
  'etcd',
  'k3s-daas-scheduler',
  'key-server-one',
  'key-server-three',
  'key-server-two',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'ledger',
  'registrar',
  'relay',
  'webhook',
];
interface Outage {
  readonly name: string;
  readonly parts: (name: string) => boolean;
  /** What seal-fetch says meanwhile. */
  readonly why: RegExp;
  /** Starts anew what is killed; without, the part is stopped and goes on, and never refuses a connection. */
  readonly revive?: () => Promise<unknown>;
}

await inPrivateNetwork(t, import.meta.filename, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'daas-real-'));
  const progress = consoleProgress(systemClock, (text) => {
    t.comment(text.trimEnd());
  });
  const at: SealedCluster = await startSealedCluster(dir, progress);
  t.teardown(async () => {
    await at.node.stop();
    await at.stack.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const values = { password: random(), url: `https://user:${random()}@db.internal/?a=b&c="d"` };
  const authority = await createAuthority('the tenant');
  const certificate = async (): Promise<{ 'tls.crt': string; 'tls.key': string }> => {
    const { certPem, keyPem } = await authority.issue({
      commonName: 'api.app.svc',
      usages: ['server'],
      hosts: ['api.app.svc'],
      days: 1,
    });
    return { 'tls.crt': certPem, 'tls.key': keyPem };
  };
  const web = await certificate();
  const secretKeyRef = { name: 'db', key: 'password' };
  const variable = { env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef } }] };

  await t.test('a process has what its owner sealed: variables, files, TLS', async (t) => {
    await at.seal('db', values);
    await at.seal('web', web, 'kubernetes.io/tls');
    const files = { name: 'files', mountPath: '/files', readOnly: true };
    const tls = { name: 'tls', mountPath: '/tls', readOnly: true };
    const one = { name: 'files', mountPath: '/one', subPath: 'the-password', readOnly: true };
    const said = ['env', 'PASSWORD', 'env', 'DB_url', 'file', '/files/the-password', 'file', '/one'];
    await at.create(
      'api',
      {
        args: [...said, 'file', '/tls/tls.key', 'tls', ':8443', '/tls', ...STAY],
        ...variable,
        envFrom: [{ prefix: 'DB_', secretRef: { name: 'db' } }],
        volumeMounts: [files, one, tls],
      },
      {
        annotations: { [REFRESH_ANNOTATION]: String(REFRESH_S) },
        spec: {
          securityContext: { runAsUser: 1000, runAsNonRoot: true, fsGroup: 2000 },
          volumes: [
            {
              name: 'files',
              secret: { secretName: 'db', items: [{ key: 'password', path: 'the-password' }] },
            },
            { name: 'tls', secret: { secretName: 'web', defaultMode: 0o400 } },
          ],
        },
      },
    );
    await at.untilReady('api');
    const log = await at.untilLogged('api', 'c', /ready/);
    t.match(log, `env PASSWORD ${sha256(values.password)}\n`);
    t.match(log, `env DB_url ${sha256(values.url)}\n`);
    // As the kubelet does it, fsGroup adds 0440.
    for (const path of ['/files/the-password', '/one'])
      t.match(log, new RegExp(`file ${path} ${sha256(values.password)} 0644 \\d+:2000\n`));
    t.match(log, new RegExp(`file /tls/tls.key ${sha256(web['tls.key'])} 0440 \\d+:2000\n`));
    t.equal(await served(at, 'api'), fingerprint(web['tls.crt']));
  });

  await t.test('nobody else has it', async (t) => {
    const [, pemLine = ''] = web['tls.key'].split('\n');
    const url = values.url.slice('https://user:'.length, -'@db.internal/?a=b&c="d"'.length);
    const needles = [needle('password', values.password), needle('url', url), needle('key', pemLine)];
    t.same(await inFiles(at.stack.dir, needles), [], 'etcd, its journal, logs, audit, state of every part');
    const database = readFileSync(join(at.stack.dir, 'control-plane', 'etcd', 'member', 'snap', 'db'));
    t.ok(database.includes('/registry/secrets/app/db'), 'and that was the database of the cluster');
    const onDisk = await inFiles(at.node.dir, needles);
    // Variables are in the container's spec, which containerd keeps: as with any Secret. Files and keys are not.
    t.same(
      onDisk.filter((found) => !/\/meta\.db: (password|url)$/.test(found)),
      [],
      'nor is it on the node’s disk, but for variables, with containerd',
    );
    t.comment(onDisk.map((found) => found.slice(at.node.dir.length)).join(', '));
    // Every process of the installation; each names the folder in its arguments, so that a search which reads nothing fails.
    const itself = needle('its own arguments', at.stack.dir);
    const processes = [...at.stack.parts.processes(), ...at.stack.plane.children];
    t.same(processes.map(({ name }) => name).sort(), SEARCHED, 'whose memory is searched');
    for (const { name, pid } of processes)
      t.same(await inMemory(pid, [...needles, itself]), [itself.name], `memory of ${name}`);
    t.same(
      (await inMemory(processOf('/workload'), needles)).sort(),
      ['key', 'password', 'url'],
      'the search finds all of it where it is',
    );

    const told = await at.kubectl(['get', 'pods,events,secrets', '-A', '-o', 'json']);
    for (const { name, forms } of needles)
      t.notOk(
        forms.some((form) => told.includes(form.toString())),
        name,
      );
  });

  await t.test('a certificate is rotated under a process that goes on', async (t) => {
    const before = await at.pod('api');
    const next = await certificate();
    await at.rotate('web', next, 'kubernetes.io/tls');
    const started = performance.now();
    await until(
      async () => (await served(at, 'api')) === fingerprint(next['tls.crt']),
      () => at.log('api', 'seal-fetch'),
    );
    t.comment(`new certificate served after ${Math.round(performance.now() - started)} ms`);
    const after = await at.pod('api');
    t.same(after.status.containerStatuses, before.status.containerStatuses, 'the same container');
    t.same(after.status.initContainerStatuses, before.status.initContainerStatuses);
  });

  await t.test('a sidecar killed after a rotation comes back with what was rotated', async (t) => {
    const before = await at.pod('api');
    const volumes = join(at.node.dir, 'kubelet', 'pods', before.metadata.uid, 'volumes');
    const ciphertext = (): Promise<string> =>
      at.node.asRoot(['sh', '-c', `cat ${volumes}/kubernetes.io~secret/seal-in-*/tls.key`]);
    const admitted = await ciphertext();
    const sidecar = processOf('/usr/bin/node', '/usr/bin/seal-fetch', 'run');
    // Stopped first, so that it is the one after it that finds the rotation.
    process.kill(sidecar, 'SIGSTOP');
    const next = await certificate();
    await at.rotate('web', next, 'kubernetes.io/tls');
    await until(
      async () => (await ciphertext()) !== admitted,
      () => at.kubectl(['describe', 'pod', '-n', 'app', 'api']),
    );
    t.not(await served(at, 'api'), fingerprint(next['tls.crt']));
    process.kill(sidecar, 'SIGKILL');
    await until(
      async () => (await served(at, 'api')) === fingerprint(next['tls.crt']),
      () => at.log('api', 'seal-fetch'),
    );
    const { status } = await at.untilReady('api');
    t.equal(status.initContainerStatuses[0]?.restartCount, 1);
    t.same(status.containerStatuses, before.status.containerStatuses, 'the same container beside it');
    await at.remove('api');
  });

  // It takes a minute, in which the others go on.
  const cutOff = cutOffForLong(at, 'long', { args: ['env', 'PASSWORD', ...STAY], ...variable });
  cutOff.catch(() => undefined);

  await t.test('a Job completes, although its sidecar refreshes for as long as the pod lives', async (t) => {
    const container = { name: 'c', image: at.image, imagePullPolicy: 'IfNotPresent' };
    const spec = {
      restartPolicy: 'Never',
      serviceAccountName: 'api',
      automountServiceAccountToken: false,
      containers: [{ ...container, args: ['env', 'PASSWORD'], ...variable }],
    };
    const template = { metadata: { annotations: { [REFRESH_ANNOTATION]: String(REFRESH_S) } }, spec };
    const metadata = { name: 'job', namespace: 'app' };
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { backoffLimit: 0, template } };
    await at.kubectl(['create', '-f', '-'], JSON.stringify(job));
    await at.kubectl(['wait', 'job/job', '-n', 'app', '--for=condition=Complete', '--timeout=120s']);
    const sidecar = '.items[*].status.initContainerStatuses[*]';
    const path = `jsonpath={.items[*].status.phase} {${sidecar}.name} {${sidecar}.state.terminated.exitCode}`;
    t.equal(
      await at.kubectl(['get', 'pods', '-n', 'app', '-l', 'job-name=job', '-o', path]),
      'Succeeded seal-fetch 0',
    );
    t.equal(
      await at.kubectl(['logs', '-n', 'app', 'job/job', '-c', 'c']),
      `env PASSWORD ${sha256(values.password)}\n`,
    );
    await at.kubectl(['delete', 'job', '-n', 'app', 'job', '--timeout=120s']);
  });

  const { stack } = at;
  const outages: readonly Outage[] = [
    {
      name: 'broker',
      parts: (part) => part === 'enclave',
      why: /BROKER_UNREACHABLE: .*again in/,
      // Of another session, which has to adopt a pod that it did not place.
      revive: () => stack.restartEnclave(),
    },
    {
      name: 'relay',
      parts: (part) => part === 'relay',
      why: /RELAY_UNREACHABLE: .*again in/,
      revive: () => stack.parts.start('relay', ['--config', stack.configFile]),
    },
    { name: 'chain', parts: (part) => part === 'ledger', why: /CHAIN_\w+: .*again in/ },
    {
      name: 'key-servers',
      parts: (part) => part.startsWith('key-server'),
      why: /OPEN_KEY_SERVERS_UNAVAILABLE: .*again in/,
    },
  ];
  for (const { name, parts, why, revive } of outages) {
    const how = revive === undefined ? 'silent' : 'killed';
    await t.test(`${name} ${how}: the pod waits, says why, and goes on by itself`, async (t) => {
      const { session } = stack.enclave;
      await at.create(name, { args: ['env', 'PASSWORD', ...STAY], ...variable });
      // Placing it takes chain and enclave; its image takes a second to start.
      await at.untilPlaced(name);
      const said = (): Promise<string> => at.untilLogged(name, 'seal-fetch', why);
      const log = await (revive === undefined ? at.frozen(parts, said) : killed(at, parts, said, revive));
      t.comment(why.exec(log)?.[0]);
      const { status } = await at.untilReady(name);
      t.equal(status.initContainerStatuses[0]?.restartCount, 0, 'within the one attempt');
      t.match(await at.untilLogged(name, 'c', /ready/), `env PASSWORD ${sha256(values.password)}\n`);
      t.equal(
        stack.enclave.session !== session,
        name === 'broker',
        'opened by consent of the active session',
      );
      await at.remove(name);
    });
  }

  await t.test('one key server of three down is not noticed', async (t) => {
    const [first] = at.stack.parts.processes().filter(({ name }) => name.startsWith('key-server'));
    await at.frozen(
      (part) => part === first?.name,
      async () => {
        await at.create('two-of-three', { args: ['env', 'PASSWORD', ...STAY], ...variable });
        await at.untilReady('two-of-three');
      },
    );
    t.match(await at.log('two-of-three', 'c'), `env PASSWORD ${sha256(values.password)}\n`);
    await at.remove('two-of-three');
  });

  await t.test('a token that has expired: the kubelet writes a new one', async (t) => {
    await at.create('expired', { args: ['env', 'PASSWORD', ...STAY], ...variable });
    const { uid } = (await at.untilPlaced('expired')).metadata;
    const volumes = join(at.node.dir, 'kubelet', 'pods', uid, 'volumes', 'kubernetes.io~projected');
    const path = join(volumes, 'seal-token', 'token');
    let expired = '';
    await at.frozen(
      (part) => part === 'enclave',
      async () => {
        // Before the broker has consented: a release that is held needs no token any more.
        await at.untilLogged('expired', 'seal-fetch', /BROKER_UNREACHABLE/);
        expired = expire(await at.node.asRoot(['cat', path]), join(at.stack.dir, 'control-plane', 'pki'));
        await at.node.asRoot(['tee', path], expired);
      },
    );
    // The kubelet looks every two seconds, and must not mend it before it was shown.
    await until(
      async () => {
        await at.node.asRoot(['tee', path], expired);
        return /TOKEN_REFUSED/.test(await at.log('expired', 'seal-fetch'));
      },
      () => at.log('expired', 'seal-fetch'),
    );
    await at.untilReady('expired', GIVES_UP_MS_MAX);
    t.notMatch(await at.log('expired', 'seal-fetch'), /eyJ/, 'no token is printed');
    t.match(await at.log('expired', 'c'), `env PASSWORD ${sha256(values.password)}\n`);
    await at.remove('expired');
  });

  await t.test('cut off for longer than a minute: an event says why', async (t) => {
    t.match(await cutOff, /SealFetchWaiting.*CHAIN_\w+: /);
    await at.untilReady('long', GIVES_UP_MS_MAX);
    t.match(await at.log('long', 'c'), `env PASSWORD ${sha256(values.password)}\n`);
    await at.remove('long');
  });
});
