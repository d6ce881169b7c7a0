/** Family 4: into a pod that holds opened secrets, beside it, or under it. */
import { rows, type Family } from './cases.ts';
import {
  admin,
  APP,
  IMAGE,
  kubelet,
  LOOSE,
  mainContainer,
  PATCHES,
  plainPod,
  sealedPod,
  tenant,
  type Person,
  type SealedWorld,
} from './world.ts';

type Row = readonly [string, string, () => Promise<string>];
const PODS = `/api/v1/namespaces/${APP}/pods`;

export const connections: Family = {
  name: 'into a pod with secrets',
  async prepare(world) {
    const victim = await world.bind(await world.createPod(sealedPod('inside')));
    const plain = await world.createPod(plainPod('plain', { spec: {} }), LOOSE);
    const other = await world.createPod(plainPod('plain-2'), LOOSE);
    const at = `${PODS}/${victim.metadata.name}`;
    const loose = `/api/v1/namespaces/${LOOSE}/pods/${plain.metadata.name}`;
    return {
      controls: [
        {
          name: 'exec into a pod without secrets is left to its kubelet',
          act: async () =>
            (await exec(world, tenant, loose)) === 'POD_CONNECT_REFUSED' ? 'refused' : 'accepted',
        },
        {
          name: 'an ephemeral container in a pod without secrets',
          act: () =>
            world.patch(tenant, `${loose}/ephemeralcontainers?dryRun=All`, PATCHES.strategic, debug('debug')),
        },
        {
          name: 'the metrics of a kubelet are left to it',
          act: async () =>
            (await world.attempt(admin, '/api/v1/nodes/n1/proxy/metrics', { method: 'GET' })).startsWith(
              'NODE_',
            )
              ? 'refused'
              : 'accepted',
        },
      ],
      attacks: [
        ...rows('connect', connects(world, at)),
        ...rows('node proxy', nodeProxies(world)),
        ...rows(
          'ephemeral container',
          ephemeral(world, at, loose, `/api/v1/namespaces/${LOOSE}/pods/${other.metadata.name}`),
        ),
        ...rows('sandbox', sandbox(world)),
      ],
    };
  },
};

const exec = (world: SealedWorld, by: Person, pod: string): Promise<string> =>
  world.attempt(by, `${pod}/exec?command=id&stdout=true`, { method: 'POST' });

function connects(world: SealedWorld, pod: string): Row[] {
  const get = (by: Person, rest: string) => () => world.attempt(by, `${pod}${rest}`, { method: 'GET' });
  const post = (by: Person, rest: string) => () => world.attempt(by, `${pod}${rest}`, { method: 'POST' });
  const command = '/exec?command=cat&command=/proc/1/environ&container=main&stdout=true';
  const REFUSED = 'POD_CONNECT_REFUSED';
  return [
    ['exec by a tenant', REFUSED, post(tenant, command)],
    ['exec by a tenant, as GET', REFUSED, get(tenant, command)],
    ['exec by an administrator', REFUSED, post(admin, command)],
    ['exec into seal-fetch', REFUSED, post(tenant, '/exec?command=id&container=seal-fetch&stdout=true')],
    ['attach', REFUSED, post(tenant, '/attach?container=main&stdout=true')],
    ['attach, as GET', REFUSED, get(tenant, '/attach?container=main&stdout=true')],
    ['attach by an administrator', REFUSED, post(admin, '/attach?container=main&stdout=true')],
    ['portforward', REFUSED, post(tenant, '/portforward?ports=8080')],
    ['portforward by an administrator', REFUSED, post(admin, '/portforward?ports=8080')],
    ['proxy', REFUSED, get(tenant, '/proxy/debug/env')],
    ['proxy by POST', REFUSED, post(tenant, '/proxy/')],
    ['exec into a pod that is not there yet', 'POD_NOT_FOUND', () => exec(world, tenant, `${PODS}/soon`)],
  ];
}

function nodeProxies(world: SealedWorld): Row[] {
  const call = (method: 'GET' | 'POST', path: string) => () =>
    world.attempt(admin, `/api/v1/nodes/n1/proxy/${path}`, { method });
  const REFUSED = 'NODE_PROXY_REFUSED';
  return [
    ['run', REFUSED, call('POST', `run/${APP}/inside/main?cmd=id`)],
    ['exec', REFUSED, call('POST', `exec/${APP}/inside/main?command=id&output=1`)],
    ['exec, as GET', REFUSED, call('GET', `exec/${APP}/inside/main?command=id&output=1`)],
    ['attach', REFUSED, call('POST', `attach/${APP}/inside/main`)],
    ['portForward', REFUSED, call('POST', `portForward/${APP}/inside`)],
    ['a checkpoint of its memory', REFUSED, call('POST', `checkpoint/${APP}/inside/main`)],
    ["the node's own logs", REFUSED, call('GET', 'logs/pods/')],
    [
      'by a tenant',
      'RBAC: get nodes/proxy',
      () => world.attempt(tenant, '/api/v1/nodes/n1/proxy/metrics', { method: 'GET' }),
    ],
    [
      'by another node',
      'RBAC: get nodes/proxy',
      () => world.attempt(kubelet('n2'), '/api/v1/nodes/n1/proxy/metrics', { method: 'GET' }),
    ],
  ];
}

const debug = (name: string, more: object = {}): object => ({
  spec: { ephemeralContainers: [{ name, image: IMAGE, ...more }] },
});

function ephemeral(world: SealedWorld, sealed: string, loose: string, other: string): Row[] {
  const add =
    (pod: string, more: object, by: Person = tenant) =>
    () =>
      world.patch(by, `${pod}/ephemeralcontainers`, PATCHES.strategic, debug(world.name('debug'), more));
  const secretKeyRef = { name: 'old', key: 'password' };
  return [
    ['beside secrets', 'POD_EPHEMERAL_CONTAINERS', add(sealed, {})],
    ['beside secrets, by an administrator', 'POD_EPHEMERAL_CONTAINERS', add(sealed, {}, admin)],
    ['that shares processes', 'POD_EPHEMERAL_CONTAINERS', add(sealed, { targetContainerName: 'main' })],
    [
      'with all variables of a Secret',
      'SECRET_REFERENCE_REFUSED',
      add(loose, { envFrom: [{ secretRef: { name: 'old' } }] }),
    ],
    [
      'with a variable of a Secret',
      'SECRET_REFERENCE_REFUSED',
      add(loose, { env: [{ name: 'X', valueFrom: { secretKeyRef } }] }),
    ],
    [
      'with a sealed Secret',
      'SECRET_REFERENCE_REFUSED',
      add(loose, { envFrom: [{ secretRef: { name: 'db' } }] }),
    ],
    ['that is privileged', 'POD_REACHES_HOST', add(other, { securityContext: { privileged: true } })],
    [
      'that traces',
      'POD_REACHES_HOST',
      add(other, { securityContext: { capabilities: { add: ['SYS_PTRACE'] } } }),
    ],
  ];
}

/** What looks into the memory of other pods of the node, in any guarded namespace, with secrets or without. */
function sandbox(world: SealedWorld): Row[] {
  const create =
    (spec: object, namespace = LOOSE) =>
    () =>
      world.create(tenant, `/api/v1/namespaces/${namespace}/pods`, plainPod(world.name('box'), { spec }));
  const context = (securityContext: object): (() => Promise<string>) =>
    create({ containers: [mainContainer({ securityContext })] });
  const init = (securityContext: object): (() => Promise<string>) =>
    create({ initContainers: [{ name: 'init', image: IMAGE, securityContext }] });
  const capability = (name: string): (() => Promise<string>) => context({ capabilities: { add: [name] } });
  const HOST = 'POD_REACHES_HOST';
  return [
    ['hostPID', HOST, create({ hostPID: true })],
    ['hostIPC', HOST, create({ hostIPC: true })],
    ['hostNetwork', HOST, create({ hostNetwork: true })],
    [
      'hostNetwork beside secrets',
      HOST,
      () => world.create(tenant, PODS, sealedPod(world.name('box'), { spec: { hostNetwork: true } })),
    ],
    [
      'hostPID beside secrets',
      HOST,
      () => world.create(tenant, PODS, sealedPod(world.name('box'), { spec: { hostPID: true } })),
    ],
    [
      'a path of the host',
      HOST,
      create({ volumes: [{ name: 'h', hostPath: { path: '/var/lib/kubelet' } }] }),
    ],
    ['a privileged container', HOST, context({ privileged: true })],
    ['a privileged initContainer', HOST, init({ privileged: true })],
    ['SYS_PTRACE', HOST, capability('SYS_PTRACE')],
    ['SYS_ADMIN', HOST, capability('SYS_ADMIN')],
    ['CAP_SYS_ADMIN', HOST, capability('CAP_SYS_ADMIN')],
    ['ALL', HOST, capability('ALL')],
    ['BPF', HOST, capability('BPF')],
    ['SYS_MODULE in an initContainer', HOST, init({ capabilities: { add: ['SYS_MODULE'] } })],
    [
      "the kernel's own files",
      HOST,
      create({
        hostUsers: false,
        containers: [mainContainer({ securityContext: { procMount: 'Unmasked' } })],
      }),
    ],
    ['an unconfined type of SELinux', HOST, context({ seLinuxOptions: { type: 'spc_t' } })],
    [
      'an unconfined type of SELinux, for the pod',
      HOST,
      create({ securityContext: { seLinuxOptions: { type: 'spc_t' } } }),
    ],
    [
      'processes shared with seal-fetch',
      'POD_SHARES_PROCESSES',
      () =>
        world.create(tenant, PODS, sealedPod(world.name('box'), { spec: { shareProcessNamespace: true } })),
    ],
  ];
}
