/** Family 1: what calls itself injected. No name, label or annotation is believed. */
import { SEALED_LABEL } from '@k3s-daas/core';

import { rows, type Family } from './cases.ts';
import {
  APP,
  fromSecret,
  IMAGE,
  LOOSE,
  mainContainer,
  plainPod,
  sealedPod,
  tenant,
  type Pod,
  type PodParts,
  type SealedWorld,
} from './world.ts';

const PODS = `/api/v1/namespaces/${APP}/pods`;

export const markers: Family = {
  name: 'forged marks of an injection',
  prepare: (world) => {
    const create = (body: (name: string) => object) => () =>
      world.create(tenant, PODS, body(world.name('marked')));
    const plain = (parts: PodParts) => create((name) => plainPod(name, parts));
    const annotated = (annotations: Record<string, string>) => plain({ metadata: { annotations } });
    const named = { name: 'seal-fetch', image: IMAGE };
    const volume = (name: string, source: object = { emptyDir: {} }) =>
      plain({
        spec: {
          volumes: [{ name, ...source }],
          containers: [mainContainer({ volumeMounts: [{ name, mountPath: '/x' }] })],
        },
      });
    return Promise.resolve({
      controls: [{ name: 'a pod with a sealed secret', act: create((name) => sealedPod(name)) }],
      attacks: [
        ...rows('marker', [
          ['no secret at all', 'SECRETS_REQUIRED', plain({})],
          ['an annotation of ours', 'POD_MARKS_FORGED', annotated({ 'k3s-daas.io/sealed': 'true' })],
          ['an empty annotation of ours', 'POD_MARKS_FORGED', annotated({ 'k3s-daas.io/injected': '' })],
          [
            'the label of sealed Secrets',
            'POD_MARKS_FORGED',
            plain({ metadata: { labels: { [SEALED_LABEL]: 'true' } } }),
          ],
          [
            'an annotation that looks like one',
            'SECRETS_REQUIRED',
            annotated({ 'seal.k3s-daas.io/injected': 'true' }),
          ],
          [
            "another injector's status",
            'SECRETS_REQUIRED',
            annotated({ 'vault.hashicorp.com/agent-inject-status': 'injected' }),
          ],
          ['a container named like ours', 'SEAL_FETCH_FORGED', plain({ spec: { containers: [named] } })],
          [
            'a container named like ours, where only references count',
            'SEAL_FETCH_FORGED',
            () => {
              const body = plainPod(world.name('marked'), { spec: { containers: [named] } });
              return world.create(tenant, `/api/v1/namespaces/${LOOSE}/pods`, body);
            },
          ],
          [
            'an initContainer named like ours',
            'SEAL_FETCH_FORGED',
            plain({ spec: { initContainers: [named] } }),
          ],
          [
            'an initContainer with a plan that is none',
            'SEAL_FETCH_FORGED',
            plain({ spec: { initContainers: [{ ...named, env: [{ name: 'DAAS_PLAN', value: '{}' }] }] } }),
          ],
          [
            'two initContainers named like ours',
            'SEAL_FETCH_FORGED',
            plain({ spec: { initContainers: [named, named] } }),
          ],
          ['a volume named seal-token', 'SEAL_FETCH_FORGED', volume('seal-token')],
          ['a volume named seal-env', 'SEAL_FETCH_FORGED', volume('seal-env')],
          ['a volume named seal-in-0', 'SEAL_FETCH_FORGED', volume('seal-in-0')],
          [
            'a volume named seal-in-0 beside a sealed secret',
            'SEAL_FETCH_FORGED',
            create((name) => sealedPod(name, { spec: { volumes: [{ name: 'seal-in-0', emptyDir: {} }] } })),
          ],
          [
            'a token for the broker',
            'BROKER_TOKEN_FORGED',
            volume('own', {
              projected: {
                sources: [{ serviceAccountToken: { audience: 'k3s-daas.io/broker', path: 'token' } }],
              },
            }),
          ],
          [
            'a token for the broker beside a sealed secret',
            'BROKER_TOKEN_FORGED',
            create((name) =>
              sealedPod(name, {
                spec: {
                  volumes: [
                    {
                      name: 'own',
                      projected: {
                        sources: [{ serviceAccountToken: { audience: 'k3s-daas.io/broker', path: 't' } }],
                      },
                    },
                  ],
                },
              }),
            ),
          ],
          [
            'a container that mounts what only seal-fetch may',
            'SEAL_FETCH_FORGED',
            create((name) =>
              sealedPod(name, {
                spec: {
                  containers: [
                    mainContainer({
                      env: [fromSecret()],
                      volumeMounts: [{ name: 'seal-token', mountPath: '/stolen' }],
                    }),
                  ],
                },
              }),
            ),
          ],
        ]),
        ...rewritten(world),
      ],
    });
  },
};

/** Copies of an injected pod with another seal-fetch: the webhook writes its own over them. */
function rewritten(world: SealedWorld): ReturnType<typeof rows> {
  const copy = (change: (fetch: Pod['spec']['initContainers'][number]) => object) => async () => {
    const honest = await world.stored(sealedPod(world.name('copied')));
    const [fetch] = honest.spec.initContainers;
    if (fetch === undefined) throw new Error('nothing was injected');
    const spec = { ...honest.spec, initContainers: [change(fetch)] };
    const again = await world.stored({ ...honest, spec });
    return JSON.stringify(again.spec.initContainers) === JSON.stringify(honest.spec.initContainers)
      ? 'rewritten'
      : 'accepted';
  };
  const plan = JSON.stringify({ name: 'DAAS_PLAN', value: '' });
  return rows('marker', [
    ['a copy whose seal-fetch has its own image', 'rewritten', copy((fetch) => ({ ...fetch, image: IMAGE }))],
    [
      'a copy whose seal-fetch runs another command',
      'rewritten',
      copy((fetch) => ({ ...fetch, command: ['/bin/sh'] })),
    ],
    [
      'a copy whose seal-fetch is root',
      'rewritten',
      copy((fetch) => ({ ...fetch, securityContext: { runAsUser: 0 } })),
    ],
    [
      'a copy whose seal-fetch has a hook',
      'rewritten',
      copy((fetch) => ({ ...fetch, args: [plan], stdin: true })),
    ],
  ]);
}
