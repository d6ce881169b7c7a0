/** Family 8: templates get the verdict of their pods early, and the pods get it all the same. */
import { z } from 'zod';

import { rows, type Family } from './cases.ts';
import {
  ACCOUNT,
  APP,
  fromSecret,
  mainContainer,
  PATCHES,
  tenant,
  until,
  type SealedWorld,
} from './world.ts';

type Row = readonly [string, string, () => Promise<string>];

interface Kind {
  readonly resource: string;
  readonly path: string;
  readonly body: (name: string, template: object) => object;
}

const selector = { matchLabels: { app: 'x' } };
const withSelector = (name: string, template: object): object => ({
  metadata: { name },
  spec: { selector, template },
});
const apps = (resource: string): Kind => ({
  resource,
  path: `/apis/apps/v1/namespaces/${APP}/${resource}`,
  body: withSelector,
});
const never = (template: object): object => {
  const { spec, ...rest } = template as { spec: object };
  return { ...rest, spec: { restartPolicy: 'Never', ...spec } };
};
const KINDS: readonly Kind[] = [
  apps('deployments'),
  apps('daemonsets'),
  apps('replicasets'),
  {
    ...apps('statefulsets'),
    body: (name, template) => ({ metadata: { name }, spec: { selector, serviceName: name, template } }),
  },
  {
    resource: 'jobs',
    path: `/apis/batch/v1/namespaces/${APP}/jobs`,
    body: (name, template) => ({ metadata: { name }, spec: { template: never(template) } }),
  },
  {
    resource: 'cronjobs',
    path: `/apis/batch/v1/namespaces/${APP}/cronjobs`,
    body: (name, template) => ({
      metadata: { name },
      spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: { template: never(template) } } },
    }),
  },
  {
    resource: 'replicationcontrollers',
    path: `/api/v1/namespaces/${APP}/replicationcontrollers`,
    body: (name, template) => ({ metadata: { name }, spec: { selector: { app: 'x' }, template } }),
  },
  {
    resource: 'podtemplates',
    path: `/api/v1/namespaces/${APP}/podtemplates`,
    body: (name, template) => ({ metadata: { name }, template }),
  },
];

const template = (spec: object): object => ({
  metadata: { labels: { app: 'x' } },
  spec: { serviceAccountName: ACCOUNT, containers: [mainContainer()], ...spec },
});
const sealed = template({ containers: [mainContainer({ env: [fromSecret()] })] });

export const templates: Family = {
  name: 'templates and their pods',
  async prepare(world) {
    const create =
      ({ path, body }: Kind, spec: object, dry = '') =>
      () =>
        world.create(tenant, `${path}${dry}`, body(world.name('template'), template(spec)));
    const own = { containers: [mainContainer({ env: [fromSecret()] })] };
    const plain = { containers: [mainContainer({ env: [fromSecret('old')] })] };
    const deployments = KINDS[0] ?? apps('deployments');
    const good = await goodDeployment(world);
    const change = (spec: object) => () =>
      world.patch(tenant, good, PATCHES.strategic, { spec: { template: { spec } } });
    return {
      controls: [
        ...KINDS.map((kind) => ({
          name: `${kind.resource} with a sealed secret`,
          act: () => world.create(tenant, `${kind.path}?dryRun=All`, kind.body('good2', sealed)),
        })),
        {
          name: 'a Secret that is not there yet',
          act: create(
            deployments,
            { containers: [mainContainer({ env: [fromSecret('ghost')] })] },
            '?dryRun=All',
          ),
        },
        {
          name: 'more replicas',
          act: () => world.patch(tenant, `${good}?dryRun=All`, PATCHES.merge, { spec: { replicas: 1 } }),
        },
      ],
      attacks: [
        ...rows(
          'template',
          KINDS.flatMap((kind): Row[] => [
            [`${kind.resource} with a plain Secret`, 'SECRET_NOT_SEALED', create(kind, plain)],
            [`${kind.resource} without a secret`, 'SECRETS_REQUIRED', create(kind, {})],
          ]),
        ),
        ...rows('template', [
          [
            'deployments with a preset node',
            'POD_NODE_PRESET',
            create(deployments, { ...own, nodeName: 'n1' }),
          ],
          [
            'deployments with a scheduler of their own',
            'POD_SCHEDULER_WRONG',
            create(deployments, { ...own, schedulerName: 'mine' }),
          ],
          [
            'deployments that reach the host',
            'POD_REACHES_HOST',
            create(deployments, { ...own, hostPID: true }),
          ],
          [
            'deployments with imagePullSecrets',
            'IMAGE_PULL_SECRETS_REFUSED',
            create(deployments, { ...own, imagePullSecrets: [{ name: 'old' }] }),
          ],
          [
            'a good deployment, changed',
            'SECRET_NOT_SEALED',
            change({ containers: [mainContainer({ name: 'more', env: [fromSecret('old')] })] }),
          ],
          ['a good deployment, changed to reach the host', 'POD_REACHES_HOST', change({ hostIPC: true })],
          [
            'a good deployment for another service account',
            'SEALED_SERVICE_ACCOUNT_WRONG',
            change({ serviceAccountName: 'default' }),
          ],
        ]),
        ...rows('pods of a template', podsOf(world)),
      ],
    };
  },
  restore: removeGood,
  async mend(world) {
    await removeGood(world);
    await goodDeployment(world);
  },
};

const DEPLOYMENTS = `/apis/apps/v1/namespaces/${APP}/deployments`;

/** One that its controller has made of what it makes. @returns its path. */
async function goodDeployment(world: SealedWorld): Promise<string> {
  const body = { metadata: { name: 'good' }, spec: { replicas: 0, selector, template: sealed } };
  await world.must(DEPLOYMENTS, { method: 'POST', body });
  const good = `${DEPLOYMENTS}/good`;
  await until('its controller to have made of it what it makes', async () => {
    const { metadata, status } = managed.parse(await world.get(good));
    const revision = metadata.annotations['deployment.kubernetes.io/revision'];
    return revision === '1' && status.observedGeneration >= 1 ? true : undefined;
  });
  return good;
}

async function removeGood(world: SealedWorld): Promise<void> {
  await world.must(`${DEPLOYMENTS}/good`, { method: 'DELETE' });
  await until('its ReplicaSet to be gone', async () => {
    const { items } = named.parse(await world.get(`/apis/apps/v1/namespaces/${APP}/replicasets`));
    return items.some(({ metadata }) => metadata.name.startsWith('good-')) ? undefined : true;
  });
}

const managed = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
  status: z.object({ observedGeneration: z.number().default(0) }),
});
const named = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });
const status = z.object({
  status: z.object({
    replicas: z.number(),
    conditions: z.array(z.object({ type: z.string(), message: z.string() })).default([]),
  }),
});

/** A template that may pass since its Secret is to come: its pods are refused as long as it has not, or is plain. */
function podsOf(world: SealedWorld): Row[] {
  const refusal = (key: string, secret: string) => async () => {
    const path = `/apis/apps/v1/namespaces/${APP}/replicasets`;
    const name = world.name('pods');
    const body = withSelector(
      name,
      template({ containers: [mainContainer({ env: [fromSecret(secret, key)] })] }),
    );
    const made = await world.create(tenant, path, body);
    if (made !== 'accepted') return made;
    const code = await until('the ReplicaSet to fail, or not', async () => {
      const { conditions, replicas } = status.parse(await world.get(`${path}/${name}`)).status;
      if (replicas > 0) return 'accepted';
      const message = conditions.find(({ type }) => type === 'ReplicaFailure')?.message ?? '';
      return /denied the request: ([A-Z_]+): /.exec(message)?.[1];
    });
    await world.must(`${path}/${name}?propagationPolicy=Background`, { method: 'DELETE' });
    return code;
  };
  return [['whose Secret never comes', 'SECRET_NOT_FOUND', refusal('password', 'ghost')]];
}
