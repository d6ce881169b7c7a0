/** Why a pod waits for its secrets: Events on a real API server, whose pods' states this test writes as a kubelet would. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { KubeConfig } from '@kubernetes/client-node';
import t from 'tap';
import { ensureControlPlane, startControlPlane } from '@k3s-daas/control-plane';
import { pino } from 'pino';

import { startSealEvents, waitingMessage } from './seal-events.ts';

t.setTimeout(300_000);

const status = (state: object, lastState: object = {}, name = 'seal-fetch'): object => ({
  phase: 'Pending',
  initContainerStatuses: [{ name, state, lastState, image: 'i', imageID: '', ready: false, restartCount: 1 }],
});
const ended = (message: string, exitCode = 1): object => ({ terminated: { exitCode, message } });
const backOff = {
  waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container' },
};

void t.test('the last words of seal-fetch', (t) => {
  const said = (state: object, lastState?: object, name?: string): string | undefined => {
    const parts = status(state, lastState, name) as Parameters<typeof waitingMessage>[0]['status'];
    return waitingMessage({ metadata: { name: 'p', namespace: 'n', uid: 'u' }, status: parts });
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
    ['nothing is known of it', said({ waiting: { reason: 'PodInitializing' } }), undefined],
    ['its image is not there', said({ waiting: { reason: 'ErrImagePull', message: 'no such' } }), 'no such'],
    ['another container', said(ended('X: y'), {}, 'other'), undefined],
    ['it draws on the terminal', said(ended('A: \u001b[2Jb\u0007\u202e')), 'A:  [2Jb'],
    ['it talks too much', said(ended(`A: ${'b'.repeat(2_000)}`)), `A: ${'b'.repeat(997)}`],
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
  const events = startSealEvents({ kubeConfig, log, intervalMs: 3_600_000 });
  const pod = async (name: string): Promise<void> => {
    const spec = {
      initContainers: [{ name: 'seal-fetch', image: 'i' }],
      containers: [{ name: 'c', image: 'i' }],
    };
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec };
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
  await set('waits', { ...status(backOff, ended('X: y')), phase: 'Running' });
  t.equal(await events.check(), 0, 'a pod that runs has its secrets');
});
