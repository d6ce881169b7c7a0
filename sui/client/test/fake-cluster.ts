import { bcs } from '@mysten/bcs';
import { sha256, utf8, type Bytes, type SuiId } from '@k3s-daas/core';

import {
  claimFieldBcs,
  claimFieldId,
  CLUSTER_VERSION,
  clusterBcs,
  clusterFieldBcs,
  clusterFieldId,
  moveTypes,
  positionBcs,
  sessionBcs,
  type ClaimRecord,
  type ClusterRecord,
  type Parameters,
  type PositionRecord,
  type SessionRecord,
} from '../index.ts';
import type { FakeNode } from './fake-node.ts';

export const id = (text: string): SuiId => `0x${Buffer.from(sha256(utf8(text))).toString('hex')}`;
const bytes = (text: string): Bytes => sha256(utf8(text));
const address = bcs.bytes(32);
const idBytes = (value: SuiId): Uint8Array => address.serialize(Buffer.from(value.slice(2), 'hex')).toBytes();

export const PACKAGE = id('package');
export const CLUSTER = id('cluster');
const TABLE = id('claims table');
const VERSIONED = id('versioned');
const PARAMETERS: Parameters = {
  stakes: {
    userMin: 1n,
    nodeMin: 1n,
    adminMin: 1n,
    mistPerCpu: 1n,
    mistPerGib: 1n,
    userUnbondingMs: 1n,
    nodeUnbondingMs: 1n,
    adminUnbondingMs: 1n,
  },
  enclaves: { documentAgeMsMax: 60_000n, bondMin: 1n, anchorWindowMs: 1n },
  votes: { votingMs: 1n, timelockMs: 1n, executionMs: 1n, quorumBps: 1n, electorateMin: 1n, deposit: 1n },
};
const TYPES = moveTypes(PACKAGE);
const versions = new Map<SuiId, bigint>();

/** Writes objects of one cluster into a fake node, with versions that grow. */
export class FakeCluster {
  readonly #node: FakeNode;

  constructor(node: FakeNode) {
    this.#node = node;
    this.cluster({});
  }

  cluster(change: Partial<ClusterRecord>): void {
    const pcr = new Uint8Array(48).fill(1);
    const record: ClusterRecord = {
      id: CLUSTER,
      configDigest: bytes('config'),
      policyDigest: bytes('policy'),
      configVersion: 1n,
      configs: [{ key: 1n, value: { pcr0: pcr, pcr1: pcr, pcr2: pcr } }],
      active: null,
      term: 0n,
      parameters: PARAMETERS,
      governed: false,
      claims: { id: TABLE, size: 0n },
      claimedStakes: { id: id('claimed stakes'), size: 0n },
      reserved: { id: id('reserved'), size: 0n },
      tiers: [],
      activeTotal: 0n,
      unbondingTotal: 0n,
      treasury: 0n,
      ...change,
    };
    const object = { id: CLUSTER, inner: { id: VERSIONED, version: CLUSTER_VERSION } };
    this.#put(CLUSTER, TYPES.cluster, clusterBcs.serialize(object).toBytes());
    const field = clusterFieldId(VERSIONED);
    const content = clusterFieldBcs.serialize({ id: field, key: CLUSTER_VERSION, value: record }).toBytes();
    this.#put(field, TYPES.clusterField, content, VERSIONED);
  }

  position(name: string, change: Partial<PositionRecord> = {}): SuiId {
    const record: PositionRecord = {
      id: id(`position ${name}`),
      cluster: CLUSTER,
      owner: id('owner'),
      role: 1,
      active: 1_000n,
      unbonding: 0n,
      unbondingUntilMs: 0n,
      increasedMs: 0n,
      rewards: 0n,
      node: name,
      heartbeatMs: 0n,
      pass: null,
      votingUntilMs: 0n,
      freezes: 0n,
      ...change,
    };
    this.#put(record.id, TYPES.position, positionBcs.serialize(record).toBytes());
    return record.id;
  }

  claim(name: string, change: Partial<ClaimRecord> = {}, under = name): SuiId {
    const record: ClaimRecord = {
      node: name,
      stake: id(`position ${name}`),
      owner: id('owner'),
      nodeKey: bytes('node key'),
      csrKeyHash: bytes('csr key'),
      cpuMilli: 1_000n,
      memoryMib: 1_024n,
      required: 1_000n,
      jailed: false,
      claimedMs: 1n,
      certificateUntilMs: 0n,
      ...change,
    };
    const field = claimFieldId(TABLE, under);
    this.#put(
      field,
      TYPES.claimField,
      claimFieldBcs.serialize({ id: field, key: under, value: record }).toBytes(),
      TABLE,
    );
    return field;
  }

  session(name: string, change: Partial<SessionRecord> = {}): SuiId {
    const record: SessionRecord = {
      id: id(`session ${name}`),
      cluster: CLUSTER,
      configVersion: 1n,
      decisionKey: bytes(`${name} decision`),
      logKey: bytes(`${name} log`),
      tlsKeyHash: bytes(`${name} tls`),
      documentMs: 1n,
      registeredMs: 2n,
      revoked: false,
      endedMs: 0n,
      head: { size: 0n, root: sha256(), lastSequence: 0n },
      sponsor: id('owner'),
      bond: 1n,
      bondHeldMs: 3n,
      ...change,
    };
    this.#put(record.id, TYPES.session, sessionBcs.serialize(record).toBytes());
    return record.id;
  }

  remove(object: SuiId): void {
    this.#node.objects.delete(object);
  }

  #put(object: SuiId, type: string, content: Bytes, parent?: SuiId): void {
    const version = (versions.get(object) ?? 0n) + 1n;
    versions.set(object, version);
    this.#node.objects.set(object, { type, version, content, ...(parent !== undefined && { parent }) });
  }
}

const name = bcs.string();
const event = (kind: string, ...parts: Uint8Array[]) => ({
  type: `${PACKAGE}::${kind}`,
  content: new Uint8Array(Buffer.concat([idBytes(CLUSTER), ...parts])),
});

/** Events as Move writes them: the fields in order, each in BCS. */
export const events = {
  claimed: (node: string) =>
    event(
      'nodes::NodeClaimed',
      name.serialize(node).toBytes(),
      idBytes(id(`position ${node}`)),
      idBytes(id('owner')),
    ),
  left: (node: string) =>
    event(
      'nodes::NodeLeft',
      name.serialize(node).toBytes(),
      idBytes(id(`position ${node}`)),
      bcs.u64().serialize(1).toBytes(),
    ),
  jailed: (node: string) => event('nodes::NodeJailed', name.serialize(node).toBytes()),
  slashed: (node: string, amount: bigint) =>
    event(
      'staking::Slashed',
      idBytes(id(`position ${node}`)),
      bcs.u64().serialize(amount).toBytes(),
      name.serialize('why').toBytes(),
    ),
  registered: (session: string) =>
    event(
      'enclaves::SessionRegistered',
      idBytes(id(`session ${session}`)),
      bcs.u64().serialize(1).toBytes(),
      ...['decision', 'log', 'tls'].map((part) =>
        bcs
          .byteVector()
          .serialize(bytes(`${session} ${part}`))
          .toBytes(),
      ),
      idBytes(id('owner')),
      bcs.u64().serialize(1).toBytes(),
    ),
  activated: (session: string, term: bigint) =>
    event(
      'enclaves::SessionActivated',
      idBytes(id(`session ${session}`)),
      bcs.u64().serialize(term).toBytes(),
    ),
  unheardOf: () => event('nodes::NodePainted', name.serialize('green').toBytes()),
};
