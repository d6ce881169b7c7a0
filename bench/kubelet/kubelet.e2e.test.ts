/** A real node: what the design asks of a kubelet, and that nothing of it is left behind. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { ensureControlPlane, startControlPlane } from '@k3s-daas/control-plane';
import t from 'tap';
import { z } from 'zod';

import { hierarchies } from './cgroups.ts';
import { buildImage, ensureNodePrograms, HOST_ADDRESS, type RealNode, startNode } from './index.ts';
import { groupOfThisRun } from './private-network.ts';
import { inPrivateNetwork } from './test/private.ts';

const NAME = 'k3s-daas.local/workload';
const WAIT = '--timeout=120s';
const STAY = ['say', 'ready', 'wait'];

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

await inPrivateNetwork(t, import.meta.filename, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'daas-node-'));
  const programs = await ensureNodePrograms();
  const plane = await startControlPlane({
    binaries: await ensureControlPlane(),
    dir: join(dir, 'plane'),
    kwok: false,
  });
  const nodes: RealNode[] = [];
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await plane.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const archive = join(dir, 'workload.tar');
  const image = buildImage({
    files: [{ path: '/workload', content: readFileSync(programs.files.workload), mode: 0o755 }],
    entrypoint: ['/workload'],
  });
  writeFileSync(archive, image.archive);
  const reference = `${NAME}@${image.digest}`;
  const start = async (name: string): Promise<RealNode> => {
    const onExit = ({ name: program, lastLines }: { name: string; lastLines: string }): void => {
      t.fail(`${program} of ${name} ended: ${lastLines}`);
    };
    const node = await startNode({
      plane,
      programs,
      name,
      dir: join(dir, name),
      labels: { 'k3s-daas.io/test': name },
      onExit,
    });
    nodes.push(node);
    return node;
  };

  const container = (args: readonly string[], more: object = {}): object => ({
    name: 'c',
    image: reference,
    imagePullPolicy: 'IfNotPresent',
    args,
    ...more,
  });
  const run = async (name: string, spec: object, until = 'condition=Ready'): Promise<string> => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, ...spec },
    };
    await plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(pod) });
    await plane.kubectl(['wait', `--for=${until}`, `pod/${name}`, WAIT]).catch(async (error: unknown) => {
      t.comment(await plane.kubectl(['describe', 'pod', name]));
      throw error;
    });
    // Ready is when the process was started, not when it has spoken.
    for (;;) {
      const log = await plane.kubectl(['logs', name, '-c', 'c']);
      if (until !== 'condition=Ready' || log.endsWith('ready\n')) return log.replace(/ready\n$/, '');
      await delay(50);
    }
  };

  await t.test('a node registers and gets ready, in a network with nobody else', async (t) => {
    const node = await start('n1');
    t.ok((await node.importImage(archive, NAME)).includes(reference), 'containerd computes the same digest');
    const about = await plane.kubectl(['get', 'node', 'n1', '-o', 'json']);
    t.match(JSON.parse(about), {
      metadata: { labels: { 'k3s-daas.io/test': 'n1' } },
      status: {
        addresses: [{ type: 'InternalIP', address: HOST_ADDRESS }, { type: 'Hostname' }],
        nodeInfo: { kubeletVersion: 'v1.36.3', containerRuntimeVersion: /^containerd:\/\/2\./ },
      },
    });
    t.notOk(networkInterfaces()['eth0'], 'no interface of the machine');
    t.notOk(existsSync('/var/lib/kubelet/device-plugins'), 'nothing written where the machine would see it');
  });

  await t.test('a pod by digest runs, prints, and can be looked into', async (t) => {
    const seccompProfile = { type: 'RuntimeDefault' };
    const securityContext = {
      runAsUser: 65_532,
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile,
    };
    const args = ['say', 'hello', 'env', 'A', 'proc', 'Uid', 'proc', 'CapEff', 'proc', 'Seccomp', ...STAY];
    const limits = { cpu: '100m', memory: '32Mi' };
    const log = await run('plain', {
      containers: [
        container(args, { env: [{ name: 'A', value: 'abc' }], securityContext, resources: { limits } }),
      ],
    });
    t.equal(
      log,
      // SHA-256 of "abc": FIPS 180-2, appendix B.1.
      'hello\nenv A ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n' +
        'proc Uid 65532\t65532\t65532\t65532\nproc CapEff 0000000000000000\n' +
        `proc Seccomp ${programs.seccomp ? '2' : '0'}\n`,
    );
    if (!programs.seccomp) t.comment('no libseccomp here: RuntimeDefault is accepted and not enforced');
    t.equal(await plane.kubectl(['exec', 'plain', '--', '/workload', 'say', 'inside']), 'inside\n');
  });

  await t.test('variables from a file in a memory volume, as sealed pods get theirs', async (t) => {
    // What a shell would make of it is of no account: single quotes, no escapes (pkg/kubelet/util/env).
    const values = {
      V0: 'plain',
      V1: 'with "quotes" \\ and $HOME `x` # =',
      V2: ' two\nlines ',
      V3: 'a\r\nb',
    };
    const file = Object.entries(values)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join('');
    const volume = { name: 'seal-env', mountPath: '/env' };
    const env = Object.keys(values).map((key, i) => ({
      name: `MINE_${i}`,
      valueFrom: { fileKeyRef: { volumeName: 'seal-env', path: 'env', key } },
    }));
    const log = await run(
      'variables',
      {
        restartPolicy: 'Never',
        initContainers: [
          { ...container(['write', '/env/env', file]), name: 'writer', volumeMounts: [volume] },
        ],
        containers: [
          container(
            env.flatMap(({ name }) => ['env', name]),
            { env },
          ),
        ],
        volumes: [{ name: 'seal-env', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }],
      },
      'jsonpath={.status.phase}=Succeeded',
    );
    t.equal(
      log,
      Object.values(values)
        // The kubelet reads by lines and drops carriage returns at their ends: why seal-fetch refuses such values.
        .map((value, i) => `env MINE_${i} ${sha256(value.replace('\r', ''))}\n`)
        .join(''),
    );
  });

  await t.test('a native sidecar is waited for; files are of the group that the pod asks for', async (t) => {
    const volume = { name: 'shared', mountPath: '/shared' };
    const sidecar = {
      ...container(['write', '/shared/secret', 'abc', 'wait']),
      name: 'sidecar',
      restartPolicy: 'Always',
      volumeMounts: [volume],
      startupProbe: { exec: { command: ['/workload', 'exists', '/shared/secret'] }, periodSeconds: 1 },
    };
    const log = await run(
      'sidecar',
      {
        restartPolicy: 'Never',
        securityContext: { runAsUser: 1000, runAsNonRoot: true, fsGroup: 2000 },
        initContainers: [sidecar],
        containers: [
          container(['file', '/shared/secret'], { volumeMounts: [{ ...volume, readOnly: true }] }),
        ],
        volumes: [{ name: 'shared', emptyDir: { medium: 'Memory' } }],
      },
      'jsonpath={.status.phase}=Succeeded',
    );
    t.equal(log, `file /shared/secret ${sha256('abc')} 0644 1000:2000\n`);
  });

  await t.test('a token of an audience of its own, bound to pod and node', async (t) => {
    const log = await run('token', {
      containers: [
        container(['claims', '/token/token', ...STAY], {
          volumeMounts: [{ name: 'token', mountPath: '/token' }],
        }),
      ],
      volumes: [
        {
          name: 'token',
          projected: {
            sources: [
              {
                serviceAccountToken: {
                  audience: 'k3s-daas.io/broker',
                  path: 'token',
                  expirationSeconds: 600,
                },
              },
            ],
          },
        },
      ],
    });
    const uid = await plane.kubectl(['get', 'pod', 'token', '-o', 'jsonpath={.metadata.uid}']);
    const claims = z
      .object({ exp: z.number(), iat: z.number() })
      .loose()
      .parse(JSON.parse(log.split(' ').slice(2).join(' ')));
    t.match(claims, {
      aud: ['k3s-daas.io/broker'],
      sub: 'system:serviceaccount:default:default',
      'kubernetes.io': { pod: { name: 'token', uid }, node: { name: 'n1' } },
    });
    t.equal(claims.exp - claims.iat, 600);
    const path = `${nodes[0]?.dir ?? ''}/kubelet/pods/${uid}/volumes/kubernetes.io~projected/token/token`;
    t.notOk(existsSync(path), 'it is on no disk');
    t.equal((await nodes[0]?.asRoot(['cat', path]))?.split('.').length, 3, 'but root of the node has it');
  });

  await t.test('pods reach services of the test, each other, and nothing else', async (t) => {
    const server = createServer((_, response) => response.end('from the test'));
    await new Promise<void>((resolve) => server.listen(0, HOST_ADDRESS, resolve));
    t.teardown(() => server.close());
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const second = await start('n2');
    await second.importImage(archive, NAME);
    await run('server', { nodeName: 'n2', containers: [container(['http', ':8080', ...STAY])] });
    const ip = await plane.kubectl(['get', 'pod', 'server', '-o', 'jsonpath={.status.podIP}']);
    const urls = [`http://${HOST_ADDRESS}:${port}/`, `http://${ip}:8080/`];
    const log = await run(
      'client',
      {
        nodeName: 'n1',
        restartPolicy: 'Never',
        containers: [container(urls.flatMap((url) => ['get', url]))],
      },
      'jsonpath={.status.phase}=Succeeded',
    );
    const [first = '', other = ''] = urls;
    t.equal(log, `get ${first} 200 ${sha256('from the test')}\nget ${other} 200 ${sha256('ok\n')}\n`);
    t.match(ip, /^10\.88\.2\./);
  });

  await t.test('a kubelet that restarts finds its pods', async (t) => {
    const [node] = nodes;
    const id = ['get', 'pod', 'plain', '-o', 'jsonpath={.status.containerStatuses[0].containerID}'];
    const before = await plane.kubectl(id);
    await node?.restartKubelet();
    const log = await run('later', { nodeName: 'n1', containers: [container(['say', 'again', ...STAY])] });
    t.equal(log, 'again\n');
    t.equal(await plane.kubectl(id), before);
  });

  await t.test('what stops leaves nothing', async (t) => {
    const group = groupOfThisRun() ?? '';
    const inside = async (): Promise<string[]> =>
      (await hierarchies()).flatMap(({ own }) =>
        readdirSync(join(own, group), { recursive: true }).map(String),
      );
    t.ok((await inside()).some((path) => path.includes('kubepods')));
    const started = performance.now();
    await Promise.all(nodes.map((node) => node.stop()));
    t.ok(performance.now() - started < 20_000);
    t.same(
      (await inside()).filter((path) => /^n\d(\/|$)/.test(path)),
      [],
    );
    const commands = execFileSync('ps', ['-e', '-o', 'args='], { encoding: 'utf8' });
    t.notMatch(commands, /containerd|bin\/kubelet |\/workload|\/pause|defunct/);
  });
});
