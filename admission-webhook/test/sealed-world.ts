/** A cluster's Secrets and pods in memory for tests of sealed secrets: the real port, data of the test. */
import { sha256, toHex, utf8, type SuiId } from '@k3s-daas/core';

import type { SealSettings } from '../config.ts';
import { Denied } from '../denied.ts';
import type { AdmissionRequest } from '../http/decode.ts';
import type { JsonPatchOperation } from '../rules.ts';
import type { BoundPod, ClusterFacts, SealedSecret, SecretsMode } from '../sealed/facts.ts';

const id = (byte: string): SuiId => `0x${byte.repeat(32)}`;

export const IMAGE = `registry.example/seal-fetch@sha256:${'ab'.repeat(32)}`;

export const settings: SealSettings = {
  cluster: id('c1'),
  package: id('9a'),
  broker: 'https://broker.example:8443/',
  relay: 'http://relay.example:8080/',
  chain: { chainId: '69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD', urls: ['https://node.example/'] },
  keyServers: [
    { objectId: id('51'), weight: 1 },
    { objectId: id('52'), weight: 1 },
  ],
  threshold: 2,
  image: IMAGE,
};

/** What the ciphertext of a key of these Secrets hashes to: made up, and different for each. */
export const digestOf = (secret: string, key: string, version = 1n): string =>
  toHex(sha256(utf8(`${secret}/${key}/${version}`)));

export function sealed(
  name: string,
  keys: readonly string[],
  change: Partial<Omit<SealedSecret, 'name' | 'keys'>> = {},
): SealedSecret {
  const version = change.version ?? 1n;
  return {
    namespace: 'shop',
    policy: id('0f'),
    serviceAccount: 'default',
    ...change,
    name,
    version,
    keys: new Map(keys.map((key) => [key, digestOf(name, key, version)])),
  };
}

export class MemoryFacts implements ClusterFacts {
  readonly secrets = new Map<string, SealedSecret | Denied>();
  readonly pods = new Map<string, BoundPod>();
  namespaceMode: SecretsMode = 'required';
  lookUps = 0;

  constructor(secrets: readonly SealedSecret[] = []) {
    this.set(...secrets);
  }

  set(...secrets: readonly SealedSecret[]): void {
    for (const secret of secrets) this.secrets.set(`${secret.namespace}/${secret.name}`, secret);
  }

  mode(): Promise<SecretsMode> {
    return Promise.resolve(this.namespaceMode);
  }

  secret(namespace: string, name: string): Promise<SealedSecret> {
    this.lookUps++;
    const found = this.secrets.get(`${namespace}/${name}`);
    if (found === undefined) {
      const denied = new Denied('SECRET_NOT_FOUND', `there is no Secret ${namespace}/${name}`, 'seal it');
      return Promise.reject(denied);
    }
    return found instanceof Denied ? Promise.reject(found) : Promise.resolve(found);
  }

  pod(namespace: string, name: string): Promise<BoundPod | null> {
    return Promise.resolve(this.pods.get(`${namespace}/${name}`) ?? null);
  }

  expectChange(): void {
    // Nothing is remembered here.
  }
}

/** A request of a tenant about an object in namespace `shop`. */
export function request(
  operation: AdmissionRequest['operation'],
  on: string,
  object: unknown,
  oldObject: unknown = null,
): AdmissionRequest {
  const [kind = '', subResource = ''] = on.split('/');
  const [resource = '', group = ''] = kind.split('.');
  return {
    uid: 'r1',
    resource: { group, version: 'v1', resource },
    subResource,
    operation,
    name: 'web',
    namespace: 'shop',
    user: { name: 'tenant', groups: ['system:authenticated'] },
    object,
    oldObject,
  };
}

/** RFC 6902 for `add` and `remove`, which is all that the mutation writes; the object given is left as it is. */
export function applyPatch<T>(object: T, patch: readonly JsonPatchOperation[]): T {
  const copy = structuredClone(object);
  for (const operation of patch) {
    const parts = operation.path.slice(1).split('/');
    const member = parts.pop() ?? '';
    let parent = copy as Record<string, unknown>;
    for (const part of parts) parent = parent[part] as Record<string, unknown>;
    if (operation.op === 'remove') {
      if (!Object.hasOwn(parent, member)) throw new Error(`nothing at ${operation.path}`);
      Reflect.deleteProperty(parent, member);
    } else if (operation.op === 'add') parent[member] = structuredClone(operation.value);
    else throw new Error(`the mutation does not write ${operation.op}`);
  }
  return copy;
}
