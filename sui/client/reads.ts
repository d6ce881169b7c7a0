import { bcs } from '@mysten/bcs';
import type { ClientWithCoreApi } from '@mysten/sui/client';
import { deriveDynamicFieldID } from '@mysten/sui/utils';
import { u64, type ClusterState, type NodeClaim, type Session, type Stake, type SuiId } from '@k3s-daas/core';

import { ChainError, toChainError } from './errors.ts';
import {
  capBcs,
  claimFieldBcs,
  CLUSTER_VERSION,
  clusterBcs,
  clusterFieldBcs,
  moveTypes,
  parseObject,
  positionBcs,
  sessionBcs,
  slotBcs,
  type ClaimRecord,
  type ClusterRecord,
  type Layout,
  type PositionRecord,
  type SessionRecord,
  type SlotRecord,
} from './layouts.ts';

/** An object's value at a version of the chain's. */
export interface Versioned<T> {
  readonly value: T;
  readonly version: bigint;
}

interface Shape<T> {
  readonly type: string;
  readonly layout: Layout<T>;
}

const BATCH = 50; // BatchGetObjects of a public node takes no more
const BATCHES_AT_ONCE = 4;
const PAGE = 1_000;

/**
 * Reads objects of one Move type by id; ids without an object are absent from the answer.
 * @throws ChainError OBJECT_MALFORMED if one is of another type or does not parse.
 */
export async function readObjects<T extends { readonly id: SuiId }>(
  client: ClientWithCoreApi,
  ids: readonly SuiId[],
  { type, layout }: Shape<T>,
): Promise<Map<SuiId, Versioned<T>>> {
  const found = new Map<SuiId, Versioned<T>>();
  const batches: SuiId[][] = [];
  for (let at = 0; at < ids.length; at += BATCH) batches.push(ids.slice(at, at + BATCH));
  const readBatch = async (batch: SuiId[]): Promise<void> => {
    const { objects } = await client.core.getObjects({ objectIds: batch, include: { content: true } });
    if (objects.length !== batch.length)
      throw new ChainError('CHAIN_MALFORMED', 'an object batch has the wrong length');
    batch.forEach((id, index) => {
      const object = objects[index];
      if (object === undefined || object instanceof Error) {
        const error = toChainError(object);
        if (error.code === 'OBJECT_MISSING') return;
        throw error;
      }
      if (object.type !== type)
        throw new ChainError('OBJECT_MALFORMED', `${id} is a ${object.type}, not a ${type}`);
      const value = parseObject(layout, id, object.content);
      if (value.id !== id) throw new ChainError('OBJECT_MALFORMED', `asked for ${id}, got ${value.id}`);
      found.set(id, { value, version: BigInt(object.version) });
    });
  };
  try {
    for (let at = 0; at < batches.length; at += BATCHES_AT_ONCE) {
      await Promise.all(batches.slice(at, at + BATCHES_AT_ONCE).map(readBatch));
    }
  } catch (error) {
    throw toChainError(error);
  }
  return found;
}

export async function readOne<T extends { readonly id: SuiId }>(
  client: ClientWithCoreApi,
  id: SuiId,
  shape: Shape<T>,
): Promise<T> {
  const object = (await readObjects(client, [id], shape)).get(id);
  if (object === undefined) throw new ChainError('OBJECT_MISSING', `there is no object ${id}`);
  return object.value;
}

export const shapes = {
  cluster: (packageId: SuiId): Shape<ClusterObject> => shape(moveTypes(packageId).cluster, clusterBcs),
  clusterField: (packageId: SuiId): Shape<ClusterField> =>
    shape(moveTypes(packageId).clusterField, clusterFieldBcs),
  position: (packageId: SuiId): Shape<PositionRecord> => shape(moveTypes(packageId).position, positionBcs),
  claimField: (packageId: SuiId): Shape<ClaimField> => shape(moveTypes(packageId).claimField, claimFieldBcs),
  session: (packageId: SuiId): Shape<SessionRecord> => shape(moveTypes(packageId).session, sessionBcs),
  slot: (packageId: SuiId): Shape<SlotRecord> => shape(moveTypes(packageId).slot, slotBcs),
};

export type ClusterObject = typeof clusterBcs.$inferType;
export type ClusterField = typeof clusterFieldBcs.$inferType;
export type ClaimField = typeof claimFieldBcs.$inferType;

function shape<T>(type: string, layout: Layout<T>): Shape<T> {
  return { type, layout };
}

/** @throws ChainError OBJECT_MISSING, OBJECT_MALFORMED, CLUSTER_VERSION, CHAIN_… */
export async function readCluster(
  client: ClientWithCoreApi,
  packageId: SuiId,
  id: SuiId,
): Promise<ClusterRecord> {
  return (await readVersionedCluster(client, packageId, id)).value;
}

/** A cluster's state and the version of the object that holds it, which grows with each change. */
export async function readVersionedCluster(
  client: ClientWithCoreApi,
  packageId: SuiId,
  id: SuiId,
): Promise<Versioned<ClusterRecord>> {
  const { inner } = await readOne(client, id, shapes.cluster(packageId));
  if (inner.version !== CLUSTER_VERSION) {
    throw new ChainError(
      'CLUSTER_VERSION',
      `cluster ${id} was migrated to version ${inner.version}; this program reads version ${CLUSTER_VERSION}`,
    );
  }
  const field = clusterFieldId(inner.id);
  const read = (await readObjects(client, [field], shapes.clusterField(packageId))).get(field);
  if (read?.value.key !== CLUSTER_VERSION)
    throw new ChainError('OBJECT_MALFORMED', `cluster ${id} has no state of its version`);
  return { value: { id, ...read.value.value }, version: read.version };
}

/** Id of the object that holds a cluster's state: a dynamic field, keyed by version, of its `Versioned`. */
export function clusterFieldId(versioned: SuiId): SuiId {
  return deriveDynamicFieldID(versioned, 'u64', u64.serialize(CLUSTER_VERSION).toBytes());
}

/** @throws ChainError (as all reads below). */
export function readPosition(
  client: ClientWithCoreApi,
  packageId: SuiId,
  id: SuiId,
): Promise<PositionRecord> {
  return readOne(client, id, shapes.position(packageId));
}

export function readSession(client: ClientWithCoreApi, packageId: SuiId, id: SuiId): Promise<SessionRecord> {
  return readOne(client, id, shapes.session(packageId));
}

export function readSlot(client: ClientWithCoreApi, packageId: SuiId, id: SuiId): Promise<SlotRecord> {
  return readOne(client, id, shapes.slot(packageId));
}

/**
 * Those of the ids that are slots; a slot that was used is none any more. The ids may be a stranger's: of what is something
 * else, however large, only the type is read.
 */
export async function findSlots(
  client: ClientWithCoreApi,
  packageId: SuiId,
  ids: readonly SuiId[],
): Promise<Map<SuiId, SlotRecord>> {
  const { type } = shapes.slot(packageId);
  const slots: SuiId[] = [];
  try {
    for (let at = 0; at < ids.length; at += BATCH) {
      const batch = ids.slice(at, at + BATCH);
      const { objects } = await client.core.getObjects({ objectIds: batch });
      for (const [index, object] of objects.entries()) {
        const id = batch[index];
        if (object instanceof Error) {
          const error = toChainError(object);
          if (error.code !== 'OBJECT_MISSING') throw error;
        } else if (id !== undefined && object.type === type) slots.push(id);
      }
    }
  } catch (error) {
    throw toChainError(error);
  }
  const found = await readObjects(client, slots, shapes.slot(packageId));
  return new Map([...found].map(([id, { value }]) => [id, value]));
}

/** The claim of a node name, or null if nobody claims it. */
export async function readClaim(
  client: ClientWithCoreApi,
  packageId: SuiId,
  cluster: Pick<ClusterRecord, 'claims'>,
  node: string,
): Promise<ClaimRecord | null> {
  const id = claimFieldId(cluster.claims.id, node);
  const field = (await readObjects(client, [id], shapes.claimField(packageId))).get(id)?.value;
  return field === undefined ? null : checkedClaim(field);
}

/** Base58 digest of the genesis checkpoint, asked of the node now (the SDK's own getter caches it for ever). */
export async function readChainId(client: ClientWithCoreApi): Promise<string> {
  client.cache.clear();
  try {
    return (await client.core.getChainIdentifier()).chainIdentifier;
  } catch (error) {
    throw toChainError(error);
  }
}

/** Id of the object that holds a node's claim: a dynamic field of the cluster's claims table. */
export function claimFieldId(table: SuiId, node: string): SuiId {
  return deriveDynamicFieldID(table, '0x1::string::String', bcs.string().serialize(node).toBytes());
}

/** Field and claim must name the same node, else one claim could stand in for another. */
export function checkedClaim(field: ClaimField): ClaimRecord {
  if (field.key === field.value.node) return field.value;
  throw new ChainError('OBJECT_MALFORMED', `the claim under ${field.key} is of node ${field.value.node}`);
}

/** Ids of all fields of a table. @throws ChainError SNAPSHOT_TOO_LARGE beyond `max`. */
export async function listFieldIds(client: ClientWithCoreApi, table: SuiId, max: number): Promise<SuiId[]> {
  const ids = new Set<SuiId>();
  let cursor: string | null = null;
  try {
    do {
      const page = await client.core.listDynamicFields({ parentId: table, limit: PAGE, cursor });
      const before = ids.size;
      for (const field of page.dynamicFields) ids.add(field.fieldId);
      if (ids.size > max)
        throw new ChainError('SNAPSHOT_TOO_LARGE', `table ${table} has more than ${max} entries`);
      if (page.hasNextPage && ids.size === before) {
        throw new ChainError('CHAIN_MALFORMED', `the pages of table ${table} do not end`);
      }
      cursor = page.hasNextPage ? page.cursor : null;
    } while (cursor !== null);
  } catch (error) {
    throw toChainError(error);
  }
  return [...ids];
}

/** Owned objects of the package that an address holds: the ids of its cluster caps or enclave slots. */
export async function listOwned(
  client: ClientWithCoreApi,
  packageId: SuiId,
  owner: SuiId,
  kind: 'cap' | 'slot',
): Promise<{ readonly id: SuiId; readonly cluster: SuiId }[]> {
  const type = moveTypes(packageId)[kind];
  const found: { id: SuiId; cluster: SuiId }[] = [];
  let cursor: string | null = null;
  try {
    do {
      const page: OwnedPage = await client.core.listOwnedObjects({
        owner,
        type,
        cursor,
        include: { content: true },
      });
      for (const object of page.objects) {
        const { objectId, content } = object;
        const { id, cluster } =
          kind === 'cap' ? parseObject(capBcs, objectId, content) : parseObject(slotBcs, objectId, content);
        found.push({ id, cluster });
      }
      cursor = page.hasNextPage && page.objects.length > 0 ? page.cursor : null;
    } while (cursor !== null);
  } catch (error) {
    throw toChainError(error);
  }
  return found;
}

interface OwnedPage {
  readonly objects: readonly { readonly objectId: string; readonly content: Uint8Array<ArrayBuffer> }[];
  readonly hasNextPage: boolean;
  readonly cursor: string | null;
}

/** Balance of an address in MIST. */
export async function readBalance(client: ClientWithCoreApi, owner: SuiId): Promise<bigint> {
  try {
    return BigInt((await client.core.getBalance({ owner })).balance.balance);
  } catch (error) {
    throw toChainError(error);
  }
}

export function clusterState(record: ClusterRecord): ClusterState {
  const { id, configDigest, policyDigest, configVersion, active } = record;
  return {
    id,
    configDigest,
    policyDigest,
    configVersion,
    active: active === null ? null : { session: active.session, term: active.term },
  };
}

export function stakeOf({ id, owner, role, active, unbonding }: PositionRecord): Stake {
  return { id, owner, role, active, unbonding };
}

export function claimOf(record: ClaimRecord): NodeClaim {
  const { node, stake, owner, nodeKey, csrKeyHash, cpuMilli, memoryMib, required, jailed } = record;
  return { node, stake, owner, nodeKey, csrKeyHash, cpuMilli, memoryMib, required, jailed };
}

export function sessionOf({
  id,
  configVersion,
  decisionKey,
  logKey,
  tlsKeyHash,
  revoked,
}: SessionRecord): Session {
  return { id, configVersion, decisionKey, logKey, tlsKeyHash, revoked };
}
