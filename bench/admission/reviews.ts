import type { ApiClient } from './api-client.ts';
import { EXEMPT, GUARDED, podOf } from './world.ts';

/** One kind of review, ready to be sent. */
export interface Review {
  readonly name: string;
  readonly path: '/validate' | '/mutate';
  readonly body: Buffer;
}

/**
 * The reviews that kube-apiserver sends for the pods of the bench: the objects are the API server's own, with its
 * defaults and managed fields, taken from dry runs.
 */
export async function reviewsOf(api: ApiClient): Promise<readonly Review[]> {
  const created = async (namespace: string, sealed: boolean): Promise<object> => {
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
    return (await api.create(path, podOf('web', sealed))).json;
  };
  // Before mutation: as an exempt namespace leaves it.
  const raw = moved(await created(EXEMPT, true), GUARDED);
  return [
    {
      name: 'not a pod’s business: an exempt namespace',
      path: '/validate',
      body: reviewOf(await created(EXEMPT, false), EXEMPT),
    },
    {
      name: 'plain pod, validate',
      path: '/validate',
      body: reviewOf(await created(GUARDED, false), GUARDED),
    },
    { name: 'sealed pod, mutate', path: '/mutate', body: reviewOf(raw, GUARDED) },
    {
      name: 'sealed pod, validate',
      path: '/validate',
      body: reviewOf(await created(GUARDED, true), GUARDED),
    },
  ];
}

function moved(object: object, namespace: string): object {
  return { ...object, metadata: { ...('metadata' in object ? (object.metadata as object) : {}), namespace } };
}

function reviewOf(object: object, namespace: string): Buffer {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const resource = { group: '', version: 'v1', resource: 'pods' };
  const request = {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind,
    resource,
    requestKind: kind,
    requestResource: resource,
    name: 'web',
    namespace,
    operation: 'CREATE',
    userInfo: { username: 'bench', groups: ['system:masters', 'system:authenticated'] },
    object,
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
  };
  return Buffer.from(JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request }));
}
