import { z } from 'zod';

import { Denied } from '../denied.ts';
import type { AdmissionRequest } from '../http/decode.ts';
import type { ClusterFacts } from '../sealed/facts.ts';
import { parseObject } from './marks.ts';

/**
 * CONNECT to pods/exec, attach, portforward and proxy: nobody enters a pod that holds opened secrets.
 *
 * @throws Denied
 */
export async function checkConnect(
  { name, namespace, subResource }: AdmissionRequest,
  { facts }: { readonly facts: ClusterFacts },
): Promise<void> {
  const pod = await facts.pod(namespace, subResource === 'proxy' ? proxiedPod(name) : name);
  if (pod === null) {
    // The API server would look it up after this, when it may have come to be.
    throw new Denied(
      'POD_NOT_FOUND',
      `there is no pod ${namespace}/${name} to connect to`,
      'look up its name and try again',
    );
  }
  if (!pod.sealed) return;
  throw new Denied(
    'POD_CONNECT_REFUSED',
    `${subResource} into ${namespace}/${name}: whoever enters the pod reads the secrets that it has opened`,
    'use logs and the Services in front of the pod; debug a copy of the workload with secrets made for that',
  );
}

/**
 * The pod in `[scheme:]name[:port]`, which the API server takes for a name where it proxies, split as it does
 * (k8s.io/apimachinery/pkg/util/net/port_split.go). What it would not split is no name of a pod.
 */
function proxiedPod(id: string): string {
  const parts = id.split(':');
  if (parts.length > 3) return id;
  const [first = '', second = ''] = parts;
  return parts.length === 3 ? second : first;
}

/** What a kubelet serves besides commands, files and checkpoints of its containers. */
const KUBELET_PATHS =
  /^\/?(metrics(\/(cadvisor|probes|resource|slis))?|stats\/summary|healthz|pods|spec)\/?$/;
const optionsSchema = z.looseObject({ path: z.string().default('') });

/**
 * CONNECT to nodes/proxy: a kubelet runs commands in any of its pods for the API server (`/exec`, `/run`, `/attach`,
 * `/portForward`, `/checkpoint`), past pods/exec.
 *
 * @throws Denied
 */
export function checkNodeProxy({ name, object }: AdmissionRequest): void {
  const { path } = parseObject(optionsSchema, object, 'NodeProxyOptions');
  if (KUBELET_PATHS.test(path)) return;
  throw new Denied(
    'NODE_PROXY_REFUSED',
    `"${path.slice(0, 256)}" of node ${name}: a kubelet would run commands in its pods, past the gate before pods/exec`,
    'use pods/log and metrics; nothing else of a kubelet is open through the API server',
  );
}
