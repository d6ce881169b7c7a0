import { z } from 'zod';

import { metadataSchema } from '../checks/marks.ts';

/**
 * The parts of a pod that the checks read, as the API server wrote them: whatever else is there is kept and nothing is
 * filled in, so that parts can be compared and patched. Parsed once per review.
 */

const optionalText = z.string().optional();
const optionalFlag = z.boolean().optional();
/** Go writes an empty list as null or leaves it out. */
const list = <T extends z.ZodType>(item: T): z.ZodOptional<z.ZodNullable<z.ZodArray<T>>> =>
  z.array(item).nullable().optional();

const itemsSchema = list(
  z.looseObject({ key: z.string(), path: z.string(), mode: z.number().int().optional() }),
);

const envSchema = z.looseObject({
  name: z.string(),
  value: optionalText,
  valueFrom: z
    .looseObject({
      secretKeyRef: z
        .looseObject({ name: optionalText, key: optionalText, optional: optionalFlag })
        .optional(),
      fileKeyRef: z.looseObject({ volumeName: z.string(), path: z.string(), key: z.string() }).optional(),
    })
    .optional(),
});

const envFromSchema = z.looseObject({
  prefix: optionalText,
  secretRef: z.looseObject({ name: optionalText, optional: optionalFlag }).optional(),
});

const amountsSchema = z.record(z.string(), z.string()).optional();
const resourcesSchema = z.looseObject({ requests: amountsSchema, limits: amountsSchema }).optional();

const containerSchema = z.looseObject({
  name: z.string(),
  image: optionalText,
  env: list(envSchema),
  envFrom: list(envFromSchema),
  volumeMounts: list(
    z.looseObject({
      name: z.string(),
      readOnly: optionalFlag,
      mountPropagation: optionalText,
    }),
  ),
  resources: resourcesSchema,
  securityContext: z
    .looseObject({
      privileged: optionalFlag,
      procMount: optionalText,
      capabilities: z.looseObject({ add: list(z.string()) }).optional(),
      seLinuxOptions: z.looseObject({ type: optionalText }).optional(),
      windowsOptions: z.looseObject({ hostProcess: optionalFlag }).optional(),
    })
    .optional(),
});

const volumeSchema = z.looseObject({
  name: z.string(),
  emptyDir: z.looseObject({ medium: optionalText }).optional(),
  secret: z
    .looseObject({
      secretName: optionalText,
      items: itemsSchema,
      defaultMode: z.number().int().optional(),
      optional: optionalFlag,
    })
    .optional(),
  projected: z
    .looseObject({
      defaultMode: z.number().int().optional(),
      sources: list(
        z.looseObject({
          secret: z
            .looseObject({ name: optionalText, items: itemsSchema, optional: optionalFlag })
            .optional(),
          serviceAccountToken: z.looseObject({ audience: optionalText }).optional(),
        }),
      ),
    })
    .optional(),
});

const tolerationSchema = z.object({
  key: z.string().default(''),
  operator: z.string().default(''),
  value: z.string().default(''),
  effect: z.string().default(''),
});

export const podSpecSchema = z.looseObject({
  nodeName: optionalText,
  schedulerName: optionalText,
  serviceAccountName: optionalText,
  hostPID: optionalFlag,
  hostIPC: optionalFlag,
  hostNetwork: optionalFlag,
  shareProcessNamespace: optionalFlag,
  os: z.looseObject({ name: optionalText }).optional(),
  tolerations: list(tolerationSchema),
  resources: resourcesSchema,
  imagePullSecrets: list(z.looseObject({ name: optionalText })),
  securityContext: z
    .looseObject({
      runAsUser: z.number().int().optional(),
      runAsGroup: z.number().int().optional(),
      fsGroup: z.number().int().optional(),
      seLinuxOptions: z.looseObject({ type: optionalText }).optional(),
      windowsOptions: z.looseObject({ hostProcess: optionalFlag }).optional(),
    })
    .nullable()
    .optional(),
  volumes: list(volumeSchema),
  initContainers: list(containerSchema),
  containers: list(containerSchema),
  ephemeralContainers: list(containerSchema),
});

export const podSchema = z.object({ metadata: metadataSchema, spec: podSpecSchema });

export type Pod = z.infer<typeof podSchema>;
export type PodSpec = z.infer<typeof podSpecSchema>;
export type Resources = z.infer<typeof resourcesSchema>;
export type Container = z.infer<typeof containerSchema>;
export type EnvVar = z.infer<typeof envSchema>;
export type EnvFrom = z.infer<typeof envFromSchema>;
export type Volume = z.infer<typeof volumeSchema>;
export type SecretItems = z.infer<typeof itemsSchema>;
export type Toleration = z.infer<typeof tolerationSchema>;

/** A container and where it is, e.g. `spec.initContainers[0]`. */
export interface Placed {
  readonly container: Container;
  readonly list: 'initContainers' | 'containers' | 'ephemeralContainers';
  readonly index: number;
  readonly path: string;
}

const LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;

/** In the order in which a kubelet starts them. */
export function allContainers(spec: PodSpec): Placed[] {
  return LISTS.flatMap((list) =>
    (spec[list] ?? []).map((container, index) => ({
      container,
      list,
      index,
      path: `spec.${list}[${index}]`,
    })),
  );
}

/** The ServiceAccount plugin writes the default before any webhook; a template may have none. */
export function serviceAccountOf({ serviceAccountName = '' }: PodSpec): string {
  return serviceAccountName === '' ? 'default' : serviceAccountName;
}
