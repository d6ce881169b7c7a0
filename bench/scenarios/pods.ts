import { z } from 'zod';

import { placeOf } from '../cluster/schedulers.ts';
import type { Api } from '../kube-api.ts';
import type { Subject } from '../options.ts';
import { until } from '../wait.ts';

const LABEL = 'bench-turn';
const DELETE_MS_MAX = 60_000;

/** The pods of one scenario in one turn; the label sets them apart from all others. */
export interface PodSet {
  readonly label: string;
  readonly selector: string;
  readonly names: readonly string[];
  readonly namespace: string;
  readonly schedulerName: string;
}

export function podSet(subject: Subject, label: string, count: number): PodSet {
  const names = Array.from({ length: count }, (_, at) => `${label}-${String(at)}`);
  return { label, selector: `${LABEL}=${label}`, names, ...placeOf(subject) };
}

/** An ordinary small pod; nothing ever runs it. */
function manifest(name: string, { label, schedulerName }: PodSet): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { [LABEL]: label } },
    spec: {
      schedulerName,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'main',
          image: 'registry.invalid/bench:1',
          resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '16Mi' } },
        },
      ],
    },
  };
}

export async function createPod(api: Api, set: PodSet, name: string): Promise<void> {
  await api.json({
    method: 'POST',
    path: `/api/v1/namespaces/${set.namespace}/pods`,
    body: manifest(name, set),
  });
}

const podList = z.object({ items: z.array(z.unknown()) });

/** Deletes the pods and waits until the API server has none of them. */
export async function removePods(api: Api, set: PodSet, signal: AbortSignal): Promise<void> {
  const query = new URLSearchParams({ labelSelector: set.selector });
  const path = `/api/v1/namespaces/${set.namespace}/pods?${query.toString()}`;
  // No kubelet would confirm their end.
  await api.json({ method: 'DELETE', path, body: { gracePeriodSeconds: 0 } });
  await until('removal of the pods', DELETE_MS_MAX, signal, async () => {
    const { items } = podList.parse(await api.json({ method: 'GET', path: `${path}&limit=1` }));
    return items.length === 0 ? null : 'some are left';
  });
}
