import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { ControlPlane, RunningScheduler, SchedulerOptions } from '@k3s-daas/control-plane';
import { SCHEDULER_NAME, SCHEDULER_USER } from '@k3s-daas/core';

import type { Subject } from '../options.ts';
import type { NothingExtender } from './nothing.ts';
import type { Ours } from './ours.ts';

/**
 * Requests a second that kube-scheduler allows itself. The stock scheduler binds through this very client, and its
 * default of 50 would cap it at 50 pods a second; extenders bind through clients of their own. No subject is to be
 * measured by such a limit.
 */
const QPS = 5_000;

const BASE = {
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  percentageOfNodesToScore: 0,
};

/** Where a subject's pods are, and by which name they ask for their scheduler. */
export interface Place {
  readonly namespace: string;
  readonly schedulerName: string;
}

/** `kube-public` is exempt from the webhooks, in the manifests as they are. */
const EXEMPT = 'kube-public';
const GUARDED = 'default';

export function placeOf(subject: Subject): Place {
  switch (subject) {
    case 'stock':
      return { namespace: EXEMPT, schedulerName: 'bench-stock' };
    case 'nothing':
      return { namespace: EXEMPT, schedulerName: 'bench-nothing' };
    case 'ours':
      return { namespace: GUARDED, schedulerName: SCHEDULER_NAME };
    case 'ours-unguarded':
      return { namespace: EXEMPT, schedulerName: SCHEDULER_NAME };
  }
}

export interface SchedulerParts {
  readonly plane: ControlPlane;
  readonly nothing: NothingExtender | null;
  readonly ours: Ours | null;
}

/** A fresh kube-scheduler process for a subject; all have the same flags and limits. */
export async function startSubject(subject: Subject, parts: SchedulerParts): Promise<RunningScheduler> {
  return parts.plane.startScheduler({
    ...(await schedulerOptions(subject, parts)),
    apiQps: QPS,
    apiBurst: QPS,
  });
}

async function schedulerOptions(subject: Subject, parts: SchedulerParts): Promise<SchedulerOptions> {
  const { schedulerName } = placeOf(subject);
  const profiles = [{ schedulerName }];
  switch (subject) {
    case 'stock':
      return { name: schedulerName, config: { ...BASE, profiles } };
    case 'nothing':
      return {
        name: schedulerName,
        config: { ...BASE, profiles, extenders: [await nothingExtender(parts)] },
      };
    case 'ours':
    case 'ours-unguarded': {
      if (parts.ours === null) throw new TypeError('our installation is not running');
      const kubeconfig = await parts.plane.kubeconfig({ commonName: SCHEDULER_USER });
      return { name: SCHEDULER_NAME, kubeconfig, configFile: parts.ours.schedulerConfigFile };
    }
  }
}

/** The same stanza as manifests/base/scheduler-config.yaml, but for preemption, which nothing here causes. */
async function nothingExtender({ plane, nothing }: SchedulerParts): Promise<object> {
  if (nothing === null) throw new TypeError('the do-nothing extender is not running');
  const client = await plane.issueClient({ commonName: 'system:kube-scheduler' });
  const file = join(plane.dir, 'nothing-client');
  await writeFile(`${file}.crt`, client.certPem);
  await writeFile(`${file}.key`, client.keyPem, { mode: 0o600 });
  return {
    urlPrefix: nothing.url,
    filterVerb: 'filter',
    prioritizeVerb: 'prioritize',
    bindVerb: 'bind',
    weight: 10,
    enableHTTPS: true,
    tlsConfig: {
      insecure: false,
      caData: Buffer.from(nothing.caPem).toString('base64'),
      certFile: `${file}.crt`,
      keyFile: `${file}.key`,
    },
    httpTimeout: '5s',
    nodeCacheCapable: true,
    ignorable: false,
  };
}
