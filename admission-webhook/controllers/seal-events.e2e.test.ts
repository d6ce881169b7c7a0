/** Why a pod waits for its secrets: Events on a real API server, whose pods' states this test writes as a kubelet would. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { KubeConfig } from '@kubernetes/client-node';
import t from 'tap';
import { ensureControlPlane, startControlPlane } from '@k3s-daas/control-plane';
import { pino } from 'pino';

import { isLost, podSchema, waitingMessage } from './lost-pods.ts';
import { rawApi } from './raw-api.ts';
import { startSealEvents } from './seal-events.ts';

t.setTimeout(600_000);

const status = (state: object, lastState: object = {}, name = 'seal-fetch', ready = false): object => ({
  phase: 'Pending',
  initContainerStatuses: [{ name, state, lastState, image: 'i', imageID: '', ready, restartCount: 1 }],
});
const ended = (message: string, exitCode = 1): object => ({ terminated: { exitCode, message } });
const backOff = {
  waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container' },
};

void t.test('the last words of seal-fetch', (t) => {
  const said = (state: object, lastState?: object, name?: string, ready?: boolean): string | undefined => {
    const metadata = { name: 'p', namespace: 'n', uid: 'u' };
    return waitingMessage(podSchema.parse({ metadata, status: status(state, lastState, name, ready) }));
  };
  const rows: readonly (readonly [string, string | undefined, string | undefined])[] = [
    ['it failed', said(ended('CHAIN_STALE: old')), 'CHAIN_STALE: old'],
    ['it waits to be restarted', said(backOff, ended('BROKER_DOWN: no answer')), 'BROKER_DOWN: no answer'],
    [
      'its log rather than a message',
      said(ended('{"level":30}\nKEY_SERVERS: 1 of 2\n')),
      'KEY_SERVERS: 1 of 2',
    ],
    ['it is done', said(ended('', 0)), undefined],
    ['it was well at last', said({ running: {} }, ended('fine', 0)), undefined],
    ['it failed and then succeeded', said(ended('', 0), ended('CHAIN_STALE: old')), undefined],
    ['it failed and tries again', said({ running: {} }, ended('CHAIN_STALE: old')), 'CHAIN_STALE: old'],
    [
      'it failed, and now keeps the files fresh',
      said({ running: {} }, ended('CHAIN_STALE: old'), undefined, true),
      undefined,
    ],
    ['nothing is known of it', said({ waiting: { reason: 'PodInitializing' } }), undefined],
    ['its image is not there', said({ waiting: { reason: 'ErrImagePull', message: 'no such' } }), 'no such'],
    ['another container', said(ended('X: y'), {}, 'other'), undefined],
    ['it draws on the terminal', said(ended('A: \u001b[2Jb\u0007\u202e')), 'A:  [2Jb'],
    ['it talks too much', said(ended(`A: ${'b'.repeat(2_000)}`)), `A: ${'b'.repeat(797)}`],
  ];
  for (const [name, got, expected] of rows) t.equal(got, expected, name);
  t.end();
});

/** As seal-fetch says them. */
const CHANGED = 'CIPHERTEXT_CHANGED: db/password is not what was admitted (create the pod anew)';
const VERSION =
  'SECRET_VERSION_WRONG: db is version 2 of policy 0x1, planned is 1 of 0x1 (create the pod anew)';
const REFUSED =
  'ROTATION_REFUSED: the new content of Secret db is not taken: it is version 1, in use is 1 (rotate)';
const REPLACED =
  'BROKER_REFUSED: the broker says POD_CHANGED: the spec is not the one that was placed (delete the pod)';

void t.test('pods that wait in vain', (t) => {
  const lost = (parts: object, metadata: object = {}): boolean =>
    isLost(
      podSchema.parse({ metadata: { name: 'p', namespace: 'n', uid: 'u', ...metadata }, status: parts }),
    );
  const containers = (state: object): object => ({
    containerStatuses: [{ name: 'c', state, lastState: {} }],
  });
  const again = status(backOff, ended(CHANGED));
  const rows: readonly (readonly [string, boolean, boolean])[] = [
    ['other ciphertext', lost(status(ended(CHANGED))), true],
    ['another version', lost(status(backOff, ended(VERSION))), true],
    ['the broker knows another pod', lost(status(backOff, ended(REPLACED))), true],
    ['as its log says it', lost(status(ended(`a\nseal-fetch: ${CHANGED}\n`))), true],
    ['it will be better', lost(status(ended('CHAIN_STALE: 90 s'))), false],
    ['it refreshes, and starts on what is not signed', lost(status(backOff, ended(REFUSED))), true],
    [
      'it refreshes, and its containers run',
      lost({ ...status(backOff, ended(REFUSED)), ...containers({ running: {} }) }),
      false,
    ],
    ['it says so of something else', lost(status(ended('X: ROTATION_REFUSED: y'))), false],
    [
      'the broker refuses otherwise',
      lost(status(ended('BROKER_REFUSED: the broker says X: POD_CHANGED: '))),
      false,
    ],
    ['it tries again just now', lost(status({ running: {} }, ended(CHANGED))), false],
    ['it has succeeded', lost(status(ended('', 0), ended(CHANGED))), false],
    [
      'it has succeeded, and the pod fails for a reason of its own',
      lost({ ...status(ended('', 0), ended(CHANGED), undefined, true), ...containers(backOff) }),
      false,
    ],
    ['its containers run', lost({ ...again, ...containers({ running: {} }) }), false],
    ['its containers do not run', lost({ ...again, ...containers({ waiting: { reason: 'X' } }) }), true],
    ['it goes already', lost(again, { deletionTimestamp: '2026-01-01T00:00:00Z' }), false],
    ['in an exempt namespace', lost(again, { namespace: 'kube-system' }), false],
    ['another container says so', lost(status(ended(CHANGED), {}, 'other')), false],
  ];
  for (const [name, got, expected] of rows) t.equal(got, expected, name);
  t.end();
});

void t.test('events on pods that wait', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'daas-seal-events-'));
  const plane = await startControlPlane({
    binaries: await ensureControlPlane(),
    dir,
    scheduler: false,
    kwok: false,
    controllerManager: false,
  });
  let stop = (): Promise<void> => plane.stop();
  t.teardown(async () => {
    await stop();
    await rm(dir, { recursive: true, force: true });
  });
  await plane.kubectl(['apply', '-f', resolve(import.meta.dirname, '../../manifests/base/rbac.yaml')]);
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(await plane.kubeconfig({ commonName: 'k3s-daas:controller' }));
  const log = pino({ level: 'silent' });
  let now = Date.now();
  const events = startSealEvents({ kubeConfig, log, intervalMs: 3_600_000, clock: { now: () => now } });
  const pod = async (name: string, owner?: string): Promise<void> => {
    const spec = {
      initContainers: [{ name: 'seal-fetch', image: 'i' }],
      containers: [{ name: 'c', image: 'i' }],
    };
    const reference = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, controller: true };
    const ownerReferences = owner === undefined ? [] : [{ ...reference, uid: `uid-of-${owner}` }];
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name, ownerReferences }, spec };
    await plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(body) });
  };
  const set = (name: string, parts: object): Promise<string> =>
    plane.kubectl([
      'patch',
      'pod',
      name,
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status: parts }),
    ]);
  const told = async (name: string): Promise<string> =>
    plane.kubectl([
      'get',
      'events',
      `--field-selector=involvedObject.name=${name}`,
      '-o',
      'jsonpath={range .items[*]}{.type} {.reason} {.message};{end}',
    ]);
  await pod('waits');
  await pod('starts');
  t.equal(await events.check(), 0, 'nobody has said anything');
  await set('waits', status(backOff, ended('CHAIN_STALE: the newest checkpoint is 90 s old; wait')));
  t.equal(await events.check(), 1);
  t.equal(await events.check(), 0, 'once');
  t.equal(
    await told('waits'),
    'Warning SealFetchWaiting CHAIN_STALE: the newest checkpoint is 90 s old; wait;',
  );
  const second = startSealEvents({ kubeConfig, log, intervalMs: 3_600_000 });
  stop = async () => {
    await Promise.all([events.close(), second.close()]);
    await plane.stop();
  };
  t.equal(await second.check(), 0, 'nor does a second controller repeat it');
  await set('waits', status(backOff, ended('KEY_SERVERS_UNAVAILABLE: 1 of 2 answered; wait')));
  t.equal(await events.check(), 1, 'another reason is told');
  // Events of one second come in no particular order.
  const both = await told('waits');
  t.match(both, 'Warning SealFetchWaiting CHAIN_STALE: the newest checkpoint is 90 s old; wait;');
  t.match(both, 'Warning SealFetchWaiting KEY_SERVERS_UNAVAILABLE: 1 of 2 answered; wait;');
  t.equal(both.split('SealFetchWaiting').length, 3, 'two events');
  t.equal(await told('starts'), '');
  const running = {
    name: 'c',
    state: { running: {} },
    image: 'i',
    imageID: '',
    ready: true,
    restartCount: 0,
  };
  const sidecar = (words: string): object => ({
    ...status(backOff, ended(words)),
    phase: 'Running',
    containerStatuses: [running],
  });
  await set('waits', sidecar(REFUSED));
  t.equal(await events.check(), 1, 'of a pod that runs, too: its sidecar fails');
  t.match(await told('waits'), `SealFetchWaiting ${REFUSED};`);
  await set('waits', { ...status({ running: {} }), phase: 'Running', containerStatuses: [running] });
  t.equal(await events.check(), 0, 'and has nothing to complain of');

  const left = async (): Promise<string[]> =>
    (await plane.kubectl(['get', 'pods', '-o', 'name'])).trim().split('\n').sort();
  for (const name of ['a1', 'a2', 'a3']) await pod(name, 'a');
  await pod('b1', 'b');
  await pod('bare');
  await pod('works', 'c');
  await pod('d1', 'd');
  await pod('keeps', 'e');
  for (const [name, words] of [
    ['a1', CHANGED],
    ['a2', VERSION],
    ['a3', 'CHAIN_STALE: 90 s'],
    ['b1', REPLACED],
    ['bare', CHANGED],
    ['d1', REFUSED],
  ] as const)
    await set(name, status(backOff, ended(words)));
  await set('works', sidecar(CHANGED));
  await set('keeps', sidecar(REFUSED));
  t.equal(await events.check(), 11, 'eight wait, and three are replaced');
  const first = (await left()).includes('pod/a1') ? 'a2' : 'a1';
  const other = first === 'a1' ? 'a2' : 'a1';
  const kept = ['pod/a3', 'pod/bare', 'pod/keeps', 'pod/starts', 'pod/waits', 'pod/works'];
  t.same(
    await left(),
    [`pod/${other}`, ...kept].sort(),
    'one of each owner; no bare pod, and none that runs',
  );
  t.match(await told(first), 'SealFetchReplaced deleted, so that ReplicaSet a makes a new one');
  t.match(await told('b1'), `SealFetchReplaced deleted, so that ReplicaSet b makes a new one`);
  t.match(await told('b1'), REPLACED);
  t.match(await told('d1'), `SealFetchReplaced deleted, so that ReplicaSet d makes a new one`);
  t.equal(
    await told('bare'),
    `Warning SealFetchWaiting ${CHANGED} (no controller makes this pod anew: delete and create it);`,
  );
  now += 29_999;
  t.equal(await events.check(), 0);
  t.ok((await left()).includes(`pod/${other}`), 'not two of an owner within half a minute');
  const raw = rawApi(kubeConfig);
  t.equal(await raw.delete(`/api/v1/namespaces/default/pods/${other}`, 'another'), 409, 'only of that UID');
  t.equal(await raw.delete('/api/v1/namespaces/default/pods/none', 'another'), 404);
  now += 1;
  t.equal(await events.check(), 1);
  t.same(await left(), kept);
});
