/** Who stole the enclave's Kubernetes identity: RBAC lets it bind, so only the receipt stands in its way. */
import {
  decodeDecisionMessage,
  decodeReceipt,
  DecisionKind,
  encodeDecisionMessage,
  encodeReceipt,
  generateEd25519,
  RECEIPT_ANNOTATION,
  systemClock,
  type Decision,
  type Signer,
  type SuiId,
} from '@k3s-daas/core';
import { activate, readCluster, register, revoke } from '@k3s-daas/sui-client';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Attempts } from './attempts.ts';
import { boot, slotFor, trustedAuthority } from './nitro.ts';
import { filterCode } from './scheduler.ts';
import {
  admin,
  APP,
  enclave,
  NOWHERE,
  OTHER,
  receiptOf,
  RECEIPT_MS,
  until,
  type Person,
  type Pod,
  type World,
} from './world.ts';

interface BindingParts {
  readonly receipt?: string;
  readonly node?: string;
  readonly uid?: string;
  readonly metadata?: object;
  readonly target?: object;
  readonly by?: Person;
  readonly query?: string;
}

const pathOf = ({ metadata }: Pod): string =>
  `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;

/** POST of pods/binding, with this much of it changed. */
function bind(world: World, pod: Pod, parts: BindingParts): Promise<string> {
  const { receipt, node = 'a', uid = pod.metadata.uid, by = enclave, query = '' } = parts;
  const { name, namespace } = pod.metadata;
  const annotations = receipt === undefined ? {} : { annotations: { [RECEIPT_ANNOTATION]: receipt } };
  const body = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name, namespace, ...(uid !== '' && { uid }), ...annotations, ...parts.metadata },
    target: { apiVersion: 'v1', kind: 'Node', name: node, ...parts.target },
  };
  return world.attempt(by, `${pathOf(pod)}/binding${query}`, { method: 'POST', body });
}

/** With receipts that the real enclave has signed. */
export async function realReceipts({ attack }: Attempts, world: World): Promise<void> {
  const victim = await world.createPod('victim', { spec: NOWHERE });
  const namesake = await world.createPod('real', { spec: NOWHERE }, OTHER);
  const real = await world.placed('real');
  const receipt = receiptOf(real);
  const node = real.spec.nodeName;
  const elsewhere = node === 'a' ? 'b' : 'a';
  const at = { receipt, node };
  await attack('identity: no receipt', 'BINDING_ANNOTATIONS_WRONG', () => bind(world, victim, { node }));
  await attack('identity: no receipt, dry run', 'BINDING_ANNOTATIONS_WRONG', () =>
    bind(world, victim, { node, query: '?dryRun=All' }),
  );
  await attack('identity: the receipt of another pod', 'RECEIPT_POD_WRONG', () => bind(world, victim, at));
  await attack('identity: the receipt of another pod, dry run', 'RECEIPT_POD_WRONG', () =>
    bind(world, victim, { ...at, query: '?dryRun=All' }),
  );
  await attack("identity: the other pod's UID as well", 'RECEIPT_POD_WRONG', () =>
    bind(world, victim, { ...at, uid: real.metadata.uid }),
  );
  await attack('identity: a pod of the same name in another namespace', 'RECEIPT_POD_WRONG', () =>
    bind(world, namesake, at),
  );
  await attack("identity: … with the first one's UID", 'RECEIPT_POD_WRONG', () =>
    bind(world, namesake, { ...at, uid: real.metadata.uid }),
  );
  await attack('identity: its own pod to another node', 'RECEIPT_NODE_WRONG', () =>
    bind(world, real, { receipt, node: elsewhere }),
  );
  await attack('identity: its own pod once more', '409 Conflict', () => bind(world, real, at));
  await attack('identity: a good receipt in other hands', 'BINDING_NOT_BY_ENCLAVE', () =>
    bind(world, real, { ...at, by: admin }),
  );
  const bytes = decodeReceipt(receipt);
  const turned = (position: number) => {
    const message = new Uint8Array(bytes.message);
    message.set([(message.at(position) ?? 0) ^ 1], position < 0 ? message.length + position : position);
    return encodeReceipt({ ...bytes, message });
  };
  await attack('identity: a byte of the message altered', 'RECEIPT_SIGNATURE_WRONG', () =>
    bind(world, real, { receipt: turned(-1), node }),
  );
  await attack('identity: the time of the message altered', 'RECEIPT_SIGNATURE_WRONG', () =>
    bind(world, real, { receipt: turned(1), node }),
  );
  const signature = new Uint8Array(bytes.signature);
  signature.set([(signature[0] ?? 0) ^ 1], 0);
  await attack('identity: a byte of the signature altered', 'RECEIPT_SIGNATURE_WRONG', () =>
    bind(world, real, { receipt: encodeReceipt({ ...bytes, signature }), node }),
  );
  await attack('identity: another intent', 'RECEIPT_MALFORMED', () =>
    bind(world, real, { receipt: turned(0), node }),
  );
  await attack('identity: the same bytes in another text', 'RECEIPT_MALFORMED', () =>
    bind(world, real, { receipt: `${receipt}\n`, node }),
  );

  await world.deletePod('real');
  const again = await world.createPod('real', { spec: NOWHERE });
  await attack('identity: a later pod of the name', 'RECEIPT_POD_WRONG', () => bind(world, again, at));
  await attack("identity: a later pod of the name, the first one's UID", '409 Conflict', () =>
    bind(world, again, { ...at, uid: real.metadata.uid }),
  );
  await legacy({ attack }, world, { again, receipt, node });

  const { payload } = decodeDecisionMessage(bytes.message);
  await sleep(Math.max(0, Number(payload.notAfterMs) + 100 - systemClock.now()));
  await attack('identity: an expired receipt', 'RECEIPT_EXPIRED', () =>
    bind(world, again, { ...at, uid: real.metadata.uid }),
  );
  for (const [name, namespace] of [
    ['victim', APP],
    ['real', APP],
    ['real', OTHER],
  ] as const)
    await world.deletePod(name, namespace);
}

async function legacy(
  { attack }: Pick<Attempts, 'attack'>,
  world: World,
  { again, receipt, node }: { again: Pod; receipt: string; node: string },
): Promise<void> {
  const body = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: {
      name: 'real',
      namespace: APP,
      uid: again.metadata.uid,
      annotations: { [RECEIPT_ANNOTATION]: receipt },
    },
    target: { kind: 'Node', name: node },
  };
  const post =
    (by: Person, query = '') =>
    () =>
      world.attempt(by, `/api/v1/namespaces/${APP}/bindings${query}`, { method: 'POST', body });
  await attack('identity: the legacy resource', 'RBAC: create bindings', post(enclave));
  await attack('administrator: the legacy resource', 'BINDING_LEGACY', post(admin));
  await attack('administrator: the legacy resource, dry run', 'BINDING_LEGACY', post(admin, '?dryRun=All'));
  const merge = {
    method: 'PATCH',
    type: 'application/merge-patch+json',
    body: { metadata: { labels: { own: 'x' } } },
  } as const;
  await attack('identity: writes the pod', 'RBAC: patch pods', () =>
    world.attempt(enclave, pathOf(again), merge),
  );
  await attack('identity: writes its status', 'RBAC: patch pods/status', () =>
    world.attempt(enclave, `${pathOf(again)}/status`, merge),
  );
  await attack('identity: writes a node', 'RBAC: patch nodes', () =>
    world.attempt(enclave, '/api/v1/nodes/a', merge),
  );
  await attack('identity: deletes the pod', 'RBAC: delete pods', () =>
    world.attempt(enclave, pathOf(again), { method: 'DELETE' }),
  );
  await attack('identity: creates a pod', 'RBAC: create pods', () =>
    world.attempt(enclave, `/api/v1/namespaces/${APP}/pods`, { method: 'POST', body: {} }),
  );
  await attack('identity: reads secrets', 'RBAC: list secrets', () =>
    world.attempt(enclave, '/api/v1/secrets', { method: 'GET' }),
  );
}

/** A session whose decision key the test holds: each field is signed, so that nothing but its own check refuses it. */
export interface Twin {
  readonly session: SuiId;
  readonly sign: (change?: Partial<Decision>, key?: Signer, atMs?: number) => string;
  readonly victim: Pod;
  /** The decision's node. */
  readonly node: string;
}

/** Registers an image of the right measurements and makes it active; the real enclave is not any more. */
export async function activateTwin(world: World): Promise<Twin> {
  const { operator, owned } = world.stack.world;
  const placed = await world.placed('template');
  const template = decodeDecisionMessage(decodeReceipt(receiptOf(placed)).message).payload;
  await world.deletePod('template');
  const victim = await world.createPod('victim', { spec: NOWHERE });
  const slot = await slotFor(world, operator);
  const image = await boot(world, { slot, authority: await trustedAuthority(world) });
  const { session } = await register(operator, owned.cluster, image.args);
  const { term } = await activate(operator, owned, session);
  const base = {
    ...template,
    session,
    term,
    podUid: victim.metadata.uid,
    namespace: victim.metadata.namespace,
    pod: victim.metadata.name,
  };
  const twin: Twin = {
    session,
    victim,
    node: template.node,
    sign: (change = {}, key = image.decision, atMs = systemClock.now()) => {
      const decision = { ...base, notAfterMs: BigInt(atMs + RECEIPT_MS), ...change };
      const message = encodeDecisionMessage(BigInt(atMs), decision);
      return encodeReceipt({ message, signature: key.sign(message) });
    },
  };
  await until('the webhook to see the session', async () =>
    (await tryTwin(world, twin)) === 'accepted' ? true : undefined,
  );
  return twin;
}

/** Binds the twin's victim; without writing, unless told otherwise. */
export function tryTwin(world: World, twin: Twin, parts: BindingParts = {}): Promise<string> {
  return bind(world, twin.victim, { receipt: twin.sign(), node: twin.node, query: '?dryRun=All', ...parts });
}

/** Every field of a receipt and of its Binding, one at a time. Refused alike when written and in a dry run. */
export async function signedReceipts({ attack, control }: Attempts, world: World): Promise<void> {
  const twin = await activateTwin(world);
  const { operator, owned } = world.stack.world;
  const { sign, node, victim } = twin;
  const now = (): number => systemClock.now();
  const elsewhere = node === 'a' ? 'b' : 'a';
  const zero = `0x${'0'.repeat(64)}`;
  const { term } = await readCluster(operator.client, operator.packageId, owned.cluster);
  const receiptOnly = { [RECEIPT_ANNOTATION]: sign() };
  const cases: readonly (readonly [string, string, () => BindingParts])[] = [
    ['a foreign key', 'RECEIPT_SIGNATURE_WRONG', () => ({ receipt: sign({}, generateEd25519()) })],
    ['expired', 'RECEIPT_EXPIRED', () => ({ receipt: sign({}, undefined, now() - RECEIPT_MS - 1) })],
    [
      'made in the future',
      'RECEIPT_LIFETIME_WRONG',
      () => ({ receipt: sign({}, undefined, now() + 60_000) }),
    ],
    [
      'living too long',
      'RECEIPT_LIFETIME_WRONG',
      () => ({ receipt: sign({ notAfterMs: BigInt(now() + 3_600_000) }) }),
    ],
    ['ending before it begins', 'RECEIPT_LIFETIME_WRONG', () => ({ receipt: sign({ notAfterMs: 1n }) })],
    ['of another cluster', 'RECEIPT_CLUSTER_WRONG', () => ({ receipt: sign({ cluster: zero }) })],
    [
      'under another policy',
      'RECEIPT_POLICY_WRONG',
      () => ({ receipt: sign({ policyDigest: new Uint8Array(32) }) }),
    ],
    [
      'of the session before',
      'RECEIPT_SESSION_WRONG',
      () => ({ receipt: sign({ session: world.stack.enclave.session }) }),
    ],
    ['of another config', 'RECEIPT_SESSION_WRONG', () => ({ receipt: sign({ configVersion: 2n }) })],
    ['of the term before', 'RECEIPT_TERM_WRONG', () => ({ receipt: sign({ term: term - 1n }) })],
    ['of a term to come', 'RECEIPT_TERM_WRONG', () => ({ receipt: sign({ term: term + 1n }) })],
    ['adopting', 'RECEIPT_KIND_WRONG', () => ({ receipt: sign({ kind: DecisionKind.adopt }) })],
    [
      'for another UID',
      'RECEIPT_POD_WRONG',
      () => ({ receipt: sign({ podUid: '3f2504e0-4f89-41d3-9a0c-0305e82c3301' }) }),
    ],
    ['for another namespace', 'RECEIPT_POD_WRONG', () => ({ receipt: sign({ namespace: OTHER }) })],
    ['for another name', 'RECEIPT_POD_WRONG', () => ({ receipt: sign({ pod: 'other' }) })],
    ['for another node', 'RECEIPT_NODE_WRONG', () => ({ node: elsewhere })],
    [
      'for another node UID',
      'RECEIPT_NODE_WRONG',
      () => ({ target: { uid: '3f2504e0-4f89-41d3-9a0c-0305e82c3301' } }),
    ],
    ['on another stake', 'RECEIPT_STAKE_WRONG', () => ({ receipt: sign({ stake: zero }) })],
    [
      'on another node key',
      'RECEIPT_STAKE_WRONG',
      () => ({ receipt: sign({ nodeKeyHash: new Uint8Array(32) }) }),
    ],
    [
      'for a node that nobody claims',
      'NODE_NOT_CLAIMED',
      () => ({ receipt: sign({ node: 'ghost' }), node: 'ghost' }),
    ],
    [
      'for a slashed node',
      'STAKE_TOO_SMALL',
      () => ({ receipt: sign({ node: 'falling', stake: world.node('falling').position }), node: 'falling' }),
    ],
    ['without a UID', 'BINDING_UID_MISSING', () => ({ uid: '' })],
    [
      'with the UID of another pod',
      'RECEIPT_POD_WRONG',
      () => ({ uid: '3f2504e0-4f89-41d3-9a0c-0305e82c3301' }),
    ],
    [
      'and another annotation',
      'BINDING_ANNOTATIONS_WRONG',
      () => ({ metadata: { annotations: { ...receiptOnly, own: 'x' } } }),
    ],
    [
      'under another annotation',
      'BINDING_ANNOTATIONS_WRONG',
      () => ({ metadata: { annotations: { 'k3s-daas.io/Receipt': sign() } } }),
    ],
    ['and a label', 'BINDING_LABELS_WRONG', () => ({ metadata: { labels: { app: 'web' } } })],
    [
      'and a label of ours',
      'BINDING_LABELS_WRONG',
      () => ({ metadata: { labels: { 'k3s-daas.io/x': 'y' } } }),
    ],
    ['for a target that is no node', '500 target.kind', () => ({ target: { kind: 'Pod' } })],
    ['empty', 'RECEIPT_MALFORMED', () => ({ receipt: '' })],
    ['cut', 'RECEIPT_MALFORMED', () => ({ receipt: sign().slice(0, -4) })],
    ['longer than any', 'RECEIPT_MALFORMED', () => ({ receipt: 'A'.repeat(4_100) })],
  ];
  for (const [name, code, parts] of cases) {
    await attack(`receipt ${name}`, code, () => tryTwin(world, twin, { query: '', ...parts() }));
    await attack(`receipt ${name}, dry run`, code, () => tryTwin(world, twin, parts()));
  }
  await attack('receipt of the active session by the administrator', 'BINDING_NOT_BY_ENCLAVE', () =>
    tryTwin(world, twin, { query: '', by: admin }),
  );
  await control('the same receipt as it is', () => tryTwin(world, twin));
  await attack('an enclave that is not the active one any more goes on', 'ENCLAVE_NOT_ACTIVE', () =>
    filterCode(world, victim, [node]),
  );
  await sessions({ attack, control }, world, twin);
  await control('the same pod, bound by the last session', () =>
    bind(world, victim, { receipt: sign({ term: term + 1n }), node }),
  );
  await world.deletePod('victim');
  await activate(operator, owned, world.stack.enclave.session);
}

/** Terms and revocation on the real chain; the twin ends as it began, one term later. */
async function sessions({ attack }: Attempts, world: World, twin: Twin): Promise<void> {
  const { operator, owned } = world.stack.world;
  const { sign } = twin;
  const { term } = await readCluster(operator.client, operator.packageId, owned.cluster);
  const now = (change: Partial<Decision>) => tryTwin(world, twin, { receipt: sign(change) });
  await activate(operator, owned, twin.session);
  await until('the next term', async () =>
    (await now({ term: term + 1n })) === 'accepted' ? true : undefined,
  );
  await attack('receipt of the same session, from before it was activated again', 'RECEIPT_TERM_WRONG', () =>
    tryTwin(world, twin, { receipt: sign({ term }), query: '' }),
  );
}

/** The key is found out and revoked; the published enclave takes over again. */
export async function revocation({ attack, control }: Attempts, world: World): Promise<void> {
  const { operator, owned } = world.stack.world;
  const twin = await activateTwin(world);
  const { session } = world.stack.enclave;
  const before = await readCluster(operator.client, operator.packageId, owned.cluster);
  await revoke(operator, owned, twin.session);
  await until('the revocation', async () => ((await tryTwin(world, twin)) === 'accepted' ? undefined : true));
  await attack('receipt of a revoked session, none active', 'ENCLAVE_NOT_ACTIVE', () =>
    tryTwin(world, twin, { query: '' }),
  );
  await activate(operator, owned, session);
  await until('the real enclave', async () =>
    (await tryTwin(world, twin)) === 'RECEIPT_SESSION_WRONG' ? true : undefined,
  );
  await attack('receipt of a revoked session', 'RECEIPT_SESSION_WRONG', () =>
    tryTwin(world, twin, { query: '' }),
  );
  const renamed = { session, term: before.term + 1n };
  await attack("receipt in the active session's name by the revoked key", 'RECEIPT_SIGNATURE_WRONG', () =>
    tryTwin(world, twin, { receipt: twin.sign(renamed), query: '' }),
  );
  await world.deletePod('victim');
  await control('the published enclave binds again', async () =>
    (await world.placed('after')).spec.nodeName === '' ? 'pending' : 'accepted',
  );
  await world.deletePod('after');
}
