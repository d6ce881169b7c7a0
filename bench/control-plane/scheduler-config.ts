import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { ControlPlaneError } from './errors.ts';

export interface SchedulerConfigOptions {
  /** A `KubeSchedulerConfiguration`; either this or `configFile`, or neither for kube-scheduler's defaults. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly configFile?: string;
  /** Requests per second to the API server; kube-scheduler's own default is 50, with bursts of 100. */
  readonly apiQps?: number;
  readonly apiBurst?: number;
}

const schema = z.looseObject({
  apiVersion: z.literal('kubescheduler.config.k8s.io/v1'),
  kind: z.literal('KubeSchedulerConfiguration'),
  clientConnection: z.looseObject({}).optional(),
  leaderElection: z.looseObject({}).optional(),
});

const DEFAULT = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' };

/**
 * The configuration to run: the caller's, with our kubeconfig (the flag is ignored next to `--config`) and without
 * leader election, which only delays the start of a scheduler that is alone.
 *
 * @throws ControlPlaneError `scheduler-config-invalid`.
 */
export async function schedulerConfig(options: SchedulerConfigOptions, kubeconfig: string): Promise<string> {
  const given = options.config ?? (await readConfig(options.configFile)) ?? DEFAULT;
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  const config = {
    ...parsed.data,
    clientConnection: {
      ...parsed.data.clientConnection,
      kubeconfig,
      ...(options.apiQps === undefined ? {} : { qps: options.apiQps }),
      ...(options.apiBurst === undefined ? {} : { burst: options.apiBurst }),
    },
    leaderElection: { ...parsed.data.leaderElection, leaderElect: false },
  };
  return `${JSON.stringify(config, null, 1)}\n`;
}

async function readConfig(path: string | undefined): Promise<unknown> {
  if (path === undefined) return undefined;
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw invalid(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function invalid(why: string, cause?: unknown): ControlPlaneError {
  return new ControlPlaneError(
    'scheduler-config-invalid',
    `The kube-scheduler configuration is refused: ${why}`,
    'Give a KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1.',
    { cause },
  );
}
