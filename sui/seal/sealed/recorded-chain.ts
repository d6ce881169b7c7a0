import { bcs } from '@mysten/sui/bcs';
import type { ClientWithCoreApi, CoreClient, SuiClientTypes } from '@mysten/sui/client';
import { toBase64, type SuiId } from '@k3s-daas/core';

import { SealConfigError, type SealConfig, type SealKeyServer } from './config.ts';

// SealClient asks the chain for the package, and for each key server and its field; and each key server for its proof.
// Here a published configuration answers, so that sealing needs no network and SealClient's own checks stay on.

const FIELD_VERSION = 2n;
const KEY_TYPE_BONEH_FRANKLIN = 0;
/** The oldest version that SealClient speaks with. */
const KEY_SERVER_VERSION = '0.4.1';

const keyServerBcs = bcs.struct('KeyServer', {
  id: bcs.Address,
  firstVersion: bcs.u64(),
  lastVersion: bcs.u64(),
});
const keyServerV2Bcs = bcs.struct('KeyServerV2', {
  name: bcs.string(),
  keyType: bcs.u8(),
  pk: bcs.byteVector(),
  serverType: bcs.enum('ServerType', { Independent: bcs.struct('Independent', { url: bcs.string() }) }),
});

/** A chain that knows a package's first version and some key servers, and nothing else. */
export function recordedChain(config: SealConfig): ClientWithCoreApi {
  const servers = new Map(config.keyServers.map((server) => [server.objectId, server]));
  const knownServer = (id: SuiId): SealKeyServer => {
    const server = servers.get(id);
    if (server !== undefined) return server;
    throw new SealConfigError('SEAL_CONFIG_KEY_SERVER_MISSING', `${id} is not in the configuration`);
  };
  const core = {
    getObject: ({ objectId }: SuiClientTypes.GetObjectOptions) =>
      Promise.resolve({
        object:
          objectId === config.package
            ? { version: '1' }
            : { content: keyServerContent(knownServer(objectId).objectId) },
      }),
    getDynamicField: ({ parentId }: SuiClientTypes.GetDynamicFieldOptions) =>
      Promise.resolve({ dynamicField: { value: { bcs: keyServerField(knownServer(parentId)) } } }),
  };
  // Of the interface only what SealClient's encryption calls; whatever else it called would throw.
  return { core: core as unknown as CoreClient } as unknown as ClientWithCoreApi;
}

/** Answers `GET {url}/v1/service?service_id=ID` for the servers of a configuration. */
export function recordedProofs(config: SealConfig): typeof fetch {
  return (input) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const server = config.keyServers.find(({ objectId }) => objectId === url.searchParams.get('service_id'));
    if (server === undefined) return Promise.reject(new TypeError('sealing needs no network'));
    return Promise.resolve(
      Response.json(
        { service_id: server.objectId, pop: toBase64(server.proof) },
        { headers: { 'x-keyserver-version': KEY_SERVER_VERSION } },
      ),
    );
  };
}

function keyServerContent(id: SuiId): Uint8Array {
  return keyServerBcs.serialize({ id, firstVersion: FIELD_VERSION, lastVersion: FIELD_VERSION }).toBytes();
}

function keyServerField({ name, publicKey }: SealKeyServer): Uint8Array {
  return keyServerV2Bcs
    .serialize({
      name,
      keyType: KEY_TYPE_BONEH_FRANKLIN,
      pk: publicKey,
      // Never dialled: recordedProofs answers.
      serverType: { Independent: { url: 'https://recorded.invalid' } },
    })
    .toBytes();
}
