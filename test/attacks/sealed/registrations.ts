/** Family 13: the registrations themselves, and other webhooks beside ours. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

import { z } from 'zod';

import { rows, type Family } from './cases.ts';
import {
  admin,
  APP,
  mainContainer,
  PATCHES,
  plainPod,
  sealedPod,
  tenant,
  until,
  type SealedWorld,
} from './world.ts';

type Row = readonly [string, string, () => Promise<string>];
const GROUP = '/apis/admissionregistration.k8s.io/v1';
const PODS = `/api/v1/namespaces/${APP}/pods`;
const OURS: readonly (readonly [string, string])[] = [
  ['validatingwebhookconfigurations', 'k3s-daas'],
  ['mutatingwebhookconfigurations', 'k3s-daas'],
  ['validatingadmissionpolicies', 'k3s-daas-namespace-modes'],
  ['validatingadmissionpolicybindings', 'k3s-daas-namespace-modes'],
];
/** The annotation whose value the foreign webhook applies to the pod: a JSON patch. */
const TAMPER = 'tamper.example/patch';

let foreign: Server | undefined;

export const registrations: Family = {
  name: 'the registrations, and webhooks of others',
  async prepare(world) {
    foreign = await startForeign(world);
    const tampered = (patch: readonly object[], body: (name: string, parts: object) => object) => () =>
      world.create(
        tenant,
        PODS,
        body(world.name('tampered'), { metadata: { annotations: { [TAMPER]: JSON.stringify(patch) } } }),
      );
    const add = (path: string, value: unknown): object => ({ op: 'add', path, value });
    const stored = (patch: readonly object[], judge: (spec: Stored['spec']) => boolean) => async () => {
      const annotations = { [TAMPER]: JSON.stringify(patch) };
      const { spec } = storedSchema.parse(
        await world.stored(sealedPod(world.name('mended'), { metadata: { annotations } })),
      );
      return judge(spec) ? 'mended' : 'accepted';
    };
    const plainRef = { name: 'OLD', valueFrom: { secretKeyRef: { name: 'old', key: 'password' } } };
    return {
      controls: [
        { name: 'a pod that the other webhook leaves alone', act: tampered([], sealedPod) },
        {
          name: 'a label of the other webhook',
          act: tampered([add('/metadata/labels', { mesh: 'x' })], sealedPod),
        },
      ],
      attacks: [
        ...rows('registration', rights(world)),
        ...rows('other webhook', [
          [
            'hands over the image of seal-fetch',
            'mended',
            stored(
              [{ op: 'replace', path: '/spec/initContainers/0/image', value: 'evil' }],
              ({ initContainers }) => initContainers[0]?.image !== 'evil',
            ),
          ],
          [
            'runs before seal-fetch',
            'mended',
            stored(
              [add('/spec/initContainers/0', { name: 'evil', image: 'evil' })],
              ({ initContainers }) => initContainers[0]?.name === 'seal-fetch',
            ),
          ],
          [
            'takes seal-fetch away',
            'SEAL_FETCH_FORGED',
            tampered([{ op: 'remove', path: '/spec/initContainers' }], sealedPod),
          ],
          [
            'adds a plain Secret',
            'SECRET_NOT_SEALED',
            tampered([add('/spec/containers/0/env/-', plainRef)], sealedPod),
          ],
          [
            'adds a path of the host',
            'POD_REACHES_HOST',
            tampered([add('/spec/volumes/-', { name: 'h', hostPath: { path: '/' } })], sealedPod),
          ],
          [
            'adds a privileged container',
            'POD_REACHES_HOST',
            tampered(
              [
                add('/spec/containers/-', {
                  name: 'evil',
                  image: 'evil',
                  securityContext: { privileged: true },
                }),
              ],
              sealedPod,
            ),
          ],
          [
            'shares the processes',
            'POD_SHARES_PROCESSES',
            tampered([add('/spec/shareProcessNamespace', true)], sealedPod),
          ],
          [
            'mounts the token elsewhere',
            'SEAL_FETCH_FORGED',
            tampered(
              [add('/spec/containers/0/volumeMounts/-', { name: 'seal-token', mountPath: '/stolen' })],
              sealedPod,
            ),
          ],
          [
            'takes another scheduler',
            'POD_SCHEDULER_WRONG',
            tampered([add('/spec/schedulerName', 'mine')], sealedPod),
          ],
          ['presets the node', 'POD_NODE_PRESET', tampered([add('/spec/nodeName', 'n1')], sealedPod)],
          [
            'marks a pod without secrets',
            'POD_MARKS_FORGED',
            tampered([add('/metadata/labels', { 'k3s-daas.io/sealed': 'true' })], plainPod),
          ],
          [
            'adds a plain Secret to a pod without',
            'SECRET_NOT_SEALED',
            tampered([add('/spec/containers/0/env', [plainRef])], plainPod),
          ],
        ]),
      ],
    };
  },
  async restore(world) {
    await world.must(`${GROUP}/mutatingwebhookconfigurations/zz-other`, { method: 'DELETE' });
    foreign?.closeAllConnections();
    foreign?.close();
    await until('nobody to be asked any more', async () => {
      const verdict = await world.create(admin, `${PODS}?dryRun=All`, sealedPod('probe'));
      return verdict === 'accepted' ? true : undefined;
    });
  },
};

const storedSchema = z.looseObject({
  spec: z.looseObject({ initContainers: z.array(z.looseObject({ name: z.string(), image: z.string() })) }),
});
type Stored = z.infer<typeof storedSchema>;

function rights(world: SealedWorld): Row[] {
  return OURS.flatMap(([kind, name]): Row[] => [
    [
      `a tenant deletes ${kind}`,
      `RBAC: delete ${kind}`,
      () => world.attempt(tenant, `${GROUP}/${kind}/${name}`, { method: 'DELETE' }),
    ],
    [
      `a tenant changes ${kind}`,
      `RBAC: patch ${kind}`,
      () =>
        world.patch(tenant, `${GROUP}/${kind}/${name}`, PATCHES.merge, { metadata: { labels: { a: 'b' } } }),
    ],
    [
      `a tenant adds to ${kind}`,
      `RBAC: create ${kind}`,
      () => world.create(tenant, `${GROUP}/${kind}`, { metadata: { name: 'mine' } }),
    ],
  ]);
}

const reviewSchema = z.object({
  request: z.object({
    uid: z.string(),
    object: z.object({ metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }) }),
  }),
});

/** A mutating webhook of somebody else that is called after ours and does what the pod's annotation says, once. */
async function startForeign(world: SealedWorld): Promise<Server> {
  const { certPem, keyPem } = await world.authority.issue({
    commonName: 'other',
    usages: ['server'],
    ips: ['127.0.0.1'],
    days: 1,
  });
  const server = createServer({ cert: certPem, key: keyPem }, (incoming, outgoing) => {
    void json(incoming).then((body) => {
      const { uid, object } = reviewSchema.parse(body).request;
      const wanted = object.metadata.annotations[TAMPER] ?? '[]';
      const patch =
        wanted === '[]' ? {} : { patchType: 'JSONPatch', patch: Buffer.from(wanted).toString('base64') };
      const response = { uid, allowed: true, ...patch };
      outgoing.setHeader('content-type', 'application/json');
      outgoing.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await world.must(`${GROUP}/mutatingwebhookconfigurations`, {
    method: 'POST',
    body: {
      metadata: { name: 'zz-other' },
      webhooks: [
        {
          name: 'other.example.com',
          admissionReviewVersions: ['v1'],
          clientConfig: {
            url: `https://127.0.0.1:${port}/`,
            caBundle: Buffer.from(world.authority.certPem).toString('base64'),
          },
          failurePolicy: 'Fail',
          sideEffects: 'None',
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        },
      ],
    },
  });
  await until('the other webhook to be asked', async () => {
    const patch = JSON.stringify([{ op: 'add', path: '/metadata/labels', value: { seen: 'x' } }]);
    const body = sealedPod('probe', {
      metadata: { annotations: { [TAMPER]: patch } },
      spec: {
        containers: [
          mainContainer({
            env: [{ name: 'P', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }],
          }),
        ],
      },
    });
    return JSON.stringify(await world.stored(body)).includes('"seen"') ? true : undefined;
  });
  return server;
}
