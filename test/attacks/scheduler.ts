/** Who stole kube-scheduler's certificate, or all of its process; and others who reach the extender's port. */
import { SCHEDULER_NAME } from '@k3s-daas/core';
import { createAuthority } from '@k3s-daas/control-plane';
import { slash } from '@k3s-daas/sui-client';
import { z } from 'zod';

import type { Attempts } from './attempts.ts';
import { codeOf, refusedByTls, send, type Call, type Credentials } from './http.ts';
import {
  alice,
  APP,
  enclave,
  kubelet,
  NOWHERE,
  OTHER,
  scheduler,
  until,
  type Person,
  type Pod,
  type World,
} from './world.ts';

const MERGE = 'application/merge-patch+json';
const PODS = `/api/v1/namespaces/${APP}/pods`;

/** With the API server: RBAC, and admission where RBAC must let it. */
export async function stolenSchedulerAtApi({ attack }: Attempts, world: World): Promise<void> {
  const pod = await world.createPod('api-victim', { spec: NOWHERE });
  const by = scheduler;
  const binding = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'api-victim', namespace: APP, uid: pod.metadata.uid },
    target: { kind: 'Node', name: 'a' },
  };
  const post = (path: string, body: object, more: Partial<Call> = {}) =>
    world.attempt(by, path, { method: 'POST', body, ...more });
  const denied = 'RBAC: create pods/binding';
  await attack('scheduler: binding', denied, () => post(`${PODS}/api-victim/binding`, binding));
  await attack('scheduler: binding, dry run', denied, () =>
    post(`${PODS}/api-victim/binding?dryRun=All`, binding),
  );
  await attack('scheduler: legacy binding', 'RBAC: create bindings', () =>
    post(`/api/v1/namespaces/${APP}/bindings`, binding),
  );
  await attack('scheduler: binding as the enclave, impersonated', 'RBAC: impersonate', () =>
    post(`${PODS}/api-victim/binding`, binding, { headers: { 'impersonate-user': 'k3s-daas:enclave' } }),
  );
  const mark = { metadata: { annotations: { 'k3s-daas.io/receipt': 'AAAA' } } };
  const patch = (path: string, body: object) =>
    world.attempt(by, path, { method: 'PATCH', type: MERGE, body });
  await attack('scheduler: receipt by pods/status', 'POD_MARKS_CHANGED', () =>
    patch(`${PODS}/api-victim/status`, mark),
  );
  await attack('scheduler: receipt by pods', 'RBAC: patch pods', () => patch(`${PODS}/api-victim`, mark));
  await attack('scheduler: marks of a node', 'RBAC: patch nodes', () => patch('/api/v1/nodes/a', mark));
  await attack('scheduler: reads secrets', 'RBAC: list secrets', () =>
    world.attempt(by, `/api/v1/namespaces/${APP}/secrets`, { method: 'GET' }),
  );
  await world.deletePod('api-victim');
}

/** One call of a verb; the error inside a reply of status 200 counts. */
async function verb(
  world: World,
  by: Person | Credentials,
  name: string,
  body: unknown,
  call: Partial<Call> = {},
): Promise<{ verdict: string; json: unknown }> {
  const { client } = await world.configuration();
  const credentials = 'user' in by ? await world.credentials(by) : by;
  const url = `${client.enclaveUrl}/scheduler/${name}`;
  const answer = await send(url, world.stack.enclave.certificatePem, credentials, {
    method: 'POST',
    body,
    ...call,
  });
  if (answer.status !== 200) return { verdict: codeOf(answer), json: null };
  const json: unknown = JSON.parse(answer.text);
  const error = z.object({ Error: z.string() }).safeParse(json);
  const told = error.success ? error.data.Error : '';
  return { verdict: told === '' ? 'accepted' : (/^([A-Z_]+): /.exec(told)?.[1] ?? told), json };
}

/** What the enclave answers to a filter call of the scheduler. */
export async function filterCode(world: World, pod: object, nodes: readonly string[]): Promise<string> {
  return (await verb(world, scheduler, 'filter', filterArgs(pod, nodes))).verdict;
}

const filterReply = z.object({ NodeNames: z.array(z.string()) });

/** A filter call that must be answered: its shortlist. */
async function shortlist(world: World, pod: object, nodes: readonly string[]): Promise<string[]> {
  const { verdict, json } = await verb(world, scheduler, 'filter', filterArgs(pod, nodes));
  if (verdict !== 'accepted') throw new Error(`filter: ${verdict}`);
  return filterReply.parse(json).NodeNames;
}

const filterArgs = (pod: object, nodes: readonly string[]): object => ({
  Pod: pod,
  Nodes: null,
  NodeNames: nodes,
});

const bindArgs = (pod: Pod, node: string, change: object = {}): object => ({
  PodName: pod.metadata.name,
  PodNamespace: pod.metadata.namespace,
  PodUID: pod.metadata.uid,
  Node: node,
  ...change,
});

/** With the enclave: what a scheduler in other hands can talk it into. */
export async function stolenSchedulerAtEnclave({ attack, control }: Attempts, world: World): Promise<void> {
  const victim = await world.createPod('victim', { spec: NOWHERE });
  const bind = async (pod: Pod, node: string, change: object = {}): Promise<string> =>
    (await verb(world, scheduler, 'bind', bindArgs(pod, node, change))).verdict;
  const filter = (pod: object, nodes: readonly string[]): Promise<string> => filterCode(world, pod, nodes);
  const all = ['a', 'b', 'c'];

  await attack('extender: bind without a filter call', 'POD_UNKNOWN', () => bind(victim, 'a'));
  const listed = await until('the extender to know the pod', async () => {
    const { verdict, json } = await verb(world, scheduler, 'filter', filterArgs(victim, all));
    return verdict === 'accepted' ? filterReply.parse(json).NodeNames : undefined;
  });
  const outside = all.find((name) => !listed.includes(name)) ?? '';
  await attack('extender: bind outside of the shortlist', 'NODE_NOT_IN_SHORTLIST', () =>
    bind(victim, outside),
  );
  await attack('extender: bind to a node that was never there', 'NODE_NOT_IN_SHORTLIST', () =>
    bind(victim, 'ghost'),
  );
  await attack('extender: bind under another namespace', 'POD_UNKNOWN', () =>
    bind(victim, listed[0] ?? '', { PodNamespace: OTHER }),
  );
  await attack('extender: bind under another name', 'POD_UNKNOWN', () =>
    bind(victim, listed[0] ?? '', { PodName: 'api-victim' }),
  );
  await attack('extender: bind with an invented UID', 'POD_UNKNOWN', () =>
    bind(victim, listed[0] ?? '', { PodUID: '3f2504e0-4f89-41d3-9a0c-0305e82c3301' }),
  );
  await attack('extender: a filter call without nodes', 'CANDIDATES_EMPTY', () => filter(victim, []));

  await forgedBodies({ attack, control }, world, { victim, bind, filter, all });
  await lostStake({ attack, control }, world, { victim, bind });

  const honest = await shortlist(world, await world.pod('victim'), all);
  await control('the same bind inside the shortlist', () => bind(victim, honest[0] ?? ''));
  await attack('extender: replay of a bind to another node', 'POD_ALREADY_BOUND', () =>
    bind(victim, honest[1] ?? ''),
  );
  const unbound = { ...victim, metadata: { ...victim.metadata, resourceVersion: '1' } };
  await shortlist(world, unbound, all);
  await attack(
    'extender: bind of a bound pod that a forged filter call shows as pending',
    'POD_ALREADY_BOUND',
    () => bind(victim, honest[1] ?? ''),
  );
  await world.deletePod('victim');
}

interface Tools {
  readonly victim: Pod;
  readonly bind: (pod: Pod, node: string) => Promise<string>;
}

async function forgedBodies(
  { attack }: Attempts,
  world: World,
  tools: Tools & { filter: (pod: object, nodes: readonly string[]) => Promise<string>; all: string[] },
): Promise<void> {
  const { victim, bind, filter, all } = tools;
  const { metadata, spec } = victim;
  // Another version than the enclave knows, so that it has to take the body's word.
  const older = { ...metadata, resourceVersion: '1' };
  const big = [{ name: 'main', image: 'registry.example/app:1', resources: { requests: { cpu: '15' } } }];
  const greedy = await shortlist(world, { metadata: older, spec: { ...spec, containers: big } }, all);
  await attack('extender: filter with requests of another pod, then bind', 'POD_CHANGED', () =>
    bind(victim, greedy[0] ?? ''),
  );
  const other = await shortlist(world, { metadata: older, spec: { ...spec, priority: 1_000_000 } }, all);
  await attack('extender: filter with a changed spec, then bind', 'POD_CHANGED', () =>
    bind(victim, other[0] ?? ''),
  );
  const system = await world.createPod(
    'system',
    { spec: { ...NOWHERE, schedulerName: 'default-scheduler' } },
    'kube-system',
  );
  await attack("extender: filter of another scheduler's pod", 'POD_FOREIGN_SCHEDULER', () =>
    filter(system, all),
  );
  const taken = { ...system, metadata: { ...system.metadata, resourceVersion: '1' } };
  const ours = { ...taken, spec: { ...system.spec, schedulerName: SCHEDULER_NAME } };
  const foreign = await shortlist(world, ours, all);
  await attack("extender: another scheduler's pod under ours, then bind", 'POD_FOREIGN_SCHEDULER', () =>
    bind(system, foreign[0] ?? ''),
  );
  await world.deletePod('system', 'kube-system');
  await attack('extender: a pod without spec', 'REQUEST_MALFORMED', () => filter({ metadata: older }, all));
  await attack('extender: quantities that are none', 'REQUEST_MALFORMED', () => {
    const broken = [{ name: 'main', resources: { requests: { cpu: '1e999999' } } }];
    return filter({ metadata: older, spec: { ...spec, containers: broken } }, all);
  });
}

/** The stake goes between filter and bind; afterwards the node is slashed for the rest of the test. */
async function lostStake({ attack }: Attempts, world: World, { victim, bind }: Tools): Promise<void> {
  const { stack } = world;
  const { position } = world.node('falling');
  const listed = await shortlist(world, await world.pod('victim'), ['falling']);
  if (listed[0] !== 'falling') throw new Error('falling is not eligible before it is slashed');
  await slash(stack.world.operator, stack.world.owned, { position, amount: 1_500n, reason: 'attacks' });
  const probe = { ...victim, metadata: { ...victim.metadata, uid: 'probe', resourceVersion: '1' } };
  await until('the extender to see the slash', async () =>
    (await shortlist(world, probe, ['falling'])).length === 0 ? true : undefined,
  );
  await until('the taint on falling', async () =>
    JSON.stringify(await world.get('/api/v1/nodes/falling')).includes('NoExecute') ? true : undefined,
  );
  await attack('extender: bind to a node whose stake went after the filter call', 'NODE_INELIGIBLE', () =>
    bind(victim, 'falling'),
  );
  await shortlist(world, await world.pod('victim'), ['falling']);
  await attack('extender: bind to a slashed node', 'NODE_NOT_IN_SHORTLIST', () => bind(victim, 'falling'));
}

const BODY_BYTES_MAX = 16 << 20;

/** Others at the enclave's port, and bodies that are meant to hurt. */
export async function extenderPort({ attack }: Attempts, world: World): Promise<void> {
  const body = filterArgs({ metadata: { uid: 'x' } }, ['a']);
  const as =
    (by: Person | Credentials, call: Partial<Call> = {}) =>
    async (): Promise<string> =>
      refusedByTls(async () => (await verb(world, by, 'filter', body, call)).verdict);
  const stranger = await createAuthority('stranger');
  const forged = await stranger.issue({ commonName: scheduler.user, usages: ['client'], days: 1 });
  const served = await world.stack.plane.ca.issue({
    commonName: scheduler.user,
    usages: ['server'],
    days: 1,
  });
  await attack('extender port: no certificate', 'TLS', as({}));
  await attack('extender port: the right name by another CA', 'TLS', as(forged));
  await attack('extender port: a server certificate of the right name', 'TLS', as(served));
  await attack('extender port: TLS 1.2', 'TLS', as(scheduler, { maxVersion: 'TLSv1.2' }));
  await attack('extender port: a kubelet', 'CLIENT_NOT_ALLOWED', as(kubelet('a')));
  await attack("extender port: the enclave's stolen identity", 'CLIENT_NOT_ALLOWED', as(enclave));
  await attack('extender port: an author of workloads', 'CLIENT_NOT_ALLOWED', as(alice));
  await attack('extender port: a reader calls a verb', 'CLIENT_NOT_ALLOWED', as({ user: 'k3s-daas:admin' }));
  const { client, webhook, proxy } = await world.configuration();
  const get = (path: string, by: Person) => async (): Promise<string> =>
    codeOf(
      await send(
        `${client.enclaveUrl}${path}`,
        world.stack.enclave.certificatePem,
        await world.credentials(by),
        {
          method: 'GET',
        },
      ),
    );
  for (const path of ['/api/v1/lags', '/metrics', '/api/v1/explain/x', '/api/v1/dry-run']) {
    await attack(`extender port: a kubelet reads ${path}`, 'CLIENT_NOT_ALLOWED', get(path, kubelet('a')));
  }
  const sent =
    (text: string, call: Partial<Call> = {}) =>
    async (): Promise<string> =>
      (await verb(world, scheduler, 'filter', text, call)).verdict;
  await attack('extender port: GET of a verb', 'METHOD_NOT_ALLOWED', async () => {
    return (await verb(world, scheduler, 'filter', undefined, { method: 'GET' })).verdict;
  });
  await attack('extender port: 17 MiB', 'BODY_TOO_LARGE', sent(' '.repeat(BODY_BYTES_MAX + 1)));
  await attack('extender port: nested 100,000 deep', 'BODY_TOO_DEEP', sent('['.repeat(100_000)));
  await attack('extender port: no JSON', 'BODY_NOT_JSON', sent('{"Pod":'));
  await attack('extender port: a form', 'CONTENT_TYPE_WRONG', sent('Pod=x', { type: 'text/plain' }));
  const names = Array.from({ length: 20_001 }, (_, index) => `n${index}`);
  await attack(
    'extender port: 20,001 nodes',
    'REQUEST_MALFORMED',
    sent(JSON.stringify(filterArgs({ metadata: { uid: 'x' } }, names))),
  );

  const forward =
    (by: Person | Credentials, path = '/scheduler/filter', call: Partial<Call> = {}) =>
    async (): Promise<string> =>
      refusedByTls(async () => {
        const credentials = 'user' in by ? await world.credentials(by) : by;
        const url = `https://127.0.0.1:${proxy.listen.port}${path}`;
        return codeOf(
          await send(url, world.stack.plane.caPem, credentials, { method: 'POST', body, ...call }),
        );
      });
  await attack('proxy port: no certificate', 'TLS', forward({}));
  await attack('proxy port: the right name by another CA', 'TLS', forward(forged));
  await attack('proxy port: TLS 1.2', 'TLS', forward(scheduler, undefined, { maxVersion: 'TLSv1.2' }));
  await attack('proxy port: a kubelet', 'CLIENT_NOT_ALLOWED', forward(kubelet('a')));
  await attack("proxy port: the enclave's stolen identity", 'CLIENT_NOT_ALLOWED', forward(enclave));
  await attack('proxy port: an author of workloads', 'CLIENT_NOT_ALLOWED', forward(alice));
  await attack('proxy port: a path that is none of the extender', 'ROUTE_UNKNOWN', forward(scheduler, '/x'));

  const validate = (by: Person | Credentials) => async (): Promise<string> =>
    refusedByTls(async () => {
      const credentials = 'user' in by ? await world.credentials(by) : by;
      const url = `https://127.0.0.1:${webhook.listen.port}/validate`;
      return codeOf(await send(url, world.stack.plane.caPem, credentials, { method: 'POST', body: {} }));
    });
  await attack('webhook port: no certificate', 'CLIENT_UNKNOWN', validate({}));
  await attack('webhook port: a kubelet', 'CLIENT_UNKNOWN', validate(kubelet('a')));
  await attack("webhook port: the enclave's stolen identity", 'CLIENT_UNKNOWN', validate(enclave));
}
