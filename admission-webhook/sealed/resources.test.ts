import { fetchResourcesSchema, SEAL_FETCH } from '@k3s-daas/core';
import t from 'tap';

import type { SealSettings } from '../config.ts';
import type { PodSpec } from './pod.ts';
import { fetchResources, requireRoom } from './resources.ts';

const settings = (fetch: object = {}): SealSettings =>
  ({ fetchResources: fetchResourcesSchema.parse(fetch) }) as SealSettings;
const pod = (resources?: object, ...containers: object[]): PodSpec =>
  ({
    containers: [{ name: 'web' }, ...containers],
    ...(resources === undefined ? {} : { resources }),
  }) as unknown as PodSpec;

const OWN = {
  requests: { cpu: '100m', memory: '128Mi', 'ephemeral-storage': '64Mi' },
  limits: { cpu: '1', memory: '256Mi', 'ephemeral-storage': '64Mi' },
};

void t.test('without resources of the pod as a whole: what is set, else what common ratios take', (t) => {
  t.same(fetchResources({} as SealSettings, pod()), OWN, 'no setting');
  t.same(fetchResources(settings(), pod({})), OWN, 'a pod-level section without kinds');
  const small = { requests: { cpu: '10m', memory: '64Mi' }, limits: { cpu: '200m', memory: '64Mi' } };
  t.same(fetchResources(settings(small), pod()), {
    requests: { ...small.requests, 'ephemeral-storage': '64Mi' },
    limits: { ...small.limits, 'ephemeral-storage': '64Mi' },
  });
  t.end();
});

void t.test('a pod of class Guaranteed stays one', (t) => {
  const equal = { cpu: '2', memory: '1Gi' };
  const of = (...resources: object[]): PodSpec =>
    ({
      containers: resources.map((each, at) => ({ name: `c${at}`, resources: each })),
      initContainers: [{ name: SEAL_FETCH }],
    }) as unknown as PodSpec;
  const guaranteed = { cpu: '500m', memory: '256Mi', 'ephemeral-storage': '64Mi' };
  t.same(fetchResources(settings(), of({ limits: equal })), { requests: guaranteed, limits: guaranteed });
  t.same(fetchResources(settings(), of({ limits: equal, requests: equal })).requests, guaranteed);
  const tiny = settings({ limits: { cpu: '200m' } });
  t.equal(fetchResources(tiny, of({ limits: equal })).limits.cpu, '200m', 'never more than is set');
  for (const [what, spec] of [
    ['another request', of({ limits: equal, requests: { ...equal, cpu: '1' } })],
    ['no limit of memory', of({ limits: { cpu: '2' } })],
    ['one container of two', of({ limits: equal }, {})],
  ] as const)
    t.same(fetchResources(settings(), spec), OWN, what);
  t.end();
});

void t.test('of what a pod asks for as a whole, seal-fetch takes its part, kind by kind', (t) => {
  t.same(fetchResources(settings(), pod({ requests: { cpu: '50m' } })), {
    requests: { ...OWN.requests, cpu: '0' },
    limits: OWN.limits,
  });
  t.same(fetchResources(settings(), pod({ limits: { memory: '200Mi' } })), {
    requests: { ...OWN.requests, memory: '0' },
    limits: { ...OWN.limits, memory: '200Mi' },
  });
  t.same(
    fetchResources(settings(), pod({ requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '250m' } })),
    {
      requests: { ...OWN.requests, cpu: '0', memory: '0' },
      limits: { ...OWN.limits, cpu: '250m' },
    },
  );
  t.same(fetchResources(settings(), pod({ limits: { cpu: '4', memory: '0.25Gi' } })).limits, OWN.limits);
  t.same(fetchResources(settings(), pod({ limits: { memory: 'much' } })).limits, OWN.limits, 'no quantity');
  t.end();
});

void t.test('a pod too small for seal-fetch is refused before it is killed for it', (t) => {
  const check = (limits: object, fetch?: object) => (): void => {
    requireRoom(settings(fetch), pod({ limits }));
  };
  t.throws(check({ memory: '127Mi' }), { code: 'SEALED_RESOURCES_TOO_SMALL', message: /127Mi.*128Mi/ });
  t.throws(check({ memory: '300Mi' }, { requests: { memory: '512Mi' }, limits: { memory: '512Mi' } }), {
    code: 'SEALED_RESOURCES_TOO_SMALL',
  });
  for (const limits of [{}, { cpu: '1m' }, { memory: '128Mi' }, { memory: '1Gi' }])
    t.doesNotThrow(check(limits), JSON.stringify(limits));
  t.doesNotThrow(() => {
    requireRoom({} as SealSettings, pod());
  });
  t.end();
});
