import { podFacts, RECEIPT_ANNOTATION } from '@k3s-daas/core';
import { z } from 'zod';

import type { Binder, BindingRequest, BindingResult } from '../ports.ts';
import type { KubeClient, KubeResponse } from './client.ts';
import { KubeError } from './errors.ts';

const statusSchema = z.object({ message: z.string().max(65_536) });
const MESSAGE_CHARACTERS_MAX = 1_000;

/**
 * Binds pods through the API server. Kubernetes 1.36 (pkg/registry/core/pod/storage, BindingREST) takes
 * `metadata.uid` and `metadata.resourceVersion` as preconditions of the one write that also copies the annotations to
 * the pod; a failed precondition, a bound or a deleted pod are all 409.
 */
export function binder(client: KubeClient): Binder {
  return {
    async bind(request) {
      if (request.podUid === '' || request.resourceVersion === '') {
        // An empty precondition is none: the API server would bind whatever pod has the name now.
        return { kind: 'refused', status: 412, message: 'the binding names no UID or no resourceVersion' };
      }
      const path = `${podPath(request.namespace, request.pod)}/binding`;
      try {
        return bindingResult(await client.request({ method: 'POST', path, body: bindingOf(request) }));
      } catch (error) {
        if (error instanceof KubeError)
          return { kind: 'unknown', message: `${error.code}: ${error.message}` };
        throw error;
      }
    },
    async read(namespace, name, uid) {
      const path = podPath(namespace, name);
      const response = await client.request({ method: 'GET', path });
      if (response.status === 404) return null;
      if (response.status !== 200) {
        throw new KubeError(
          'KUBE_STATUS',
          `GET ${path} is answered with ${response.status}: ${messageOf(response)}`,
          'give the enclave get on pods (manifests/base)',
        );
      }
      const pod = podFacts(response.body);
      return pod.uid === uid ? pod : null;
    },
  };
}

function podPath(namespace: string, name: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
}

function bindingOf({ namespace, pod, podUid, resourceVersion, node, receipt }: BindingRequest): object {
  return {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: {
      name: pod,
      namespace,
      uid: podUid,
      resourceVersion,
      annotations: { [RECEIPT_ANNOTATION]: receipt },
    },
    target: { apiVersion: 'v1', kind: 'Node', name: node },
  };
}

function bindingResult(response: KubeResponse): BindingResult {
  const { status } = response;
  if (status === 200 || status === 201) return { kind: 'bound' };
  const message = messageOf(response);
  if (status === 409) return { kind: 'conflict', message };
  // 408 and 429 are the client errors that say "later"; whatever else is no client error may have been executed.
  if (status >= 400 && status < 500 && status !== 408 && status !== 429)
    return { kind: 'refused', status, message };
  return { kind: 'unknown', message: `status ${status}: ${message}` };
}

function messageOf({ body }: KubeResponse): string {
  const parsed = statusSchema.safeParse(body);
  return parsed.success ? parsed.data.message.slice(0, MESSAGE_CHARACTERS_MAX) : '';
}
