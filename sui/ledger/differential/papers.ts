import {
  consistencyProof,
  encodeAnchorMessage,
  encodeDecisionMessage,
  encodeReleaseMessage,
  encodeSealIdentity,
  inclusionProof,
  leafHash,
  merkleRoot,
  receiptDigest,
  type Bytes,
  type Decision,
} from '@k3s-daas/core';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';

import type { Value } from '../vm/values.ts';
import type { Kind } from './kinds.ts';
import { PODS } from './domains.ts';
import { bytes, list, u64, type Argument } from './literals.ts';
import { keyOf, type KeyPair, type Scene } from './scene.ts';

/** What is asked of the driver in the ledger's VM, without changing anything. */
export type Ask = (name: string, args: readonly Value[]) => Uint8Array;
/** Puts what must fit together into arguments chosen one by one. Arguments are changed in place. */
type Fit = (scene: Scene, args: Argument[], ask: Ask) => void;

const own = (data: Uint8Array): Bytes => Uint8Array.from(data);
const filled = (byte: number): Bytes => new Uint8Array(32).fill(byte);
const number = (argument: Argument | undefined): number => Number(argument?.value);
const data = (value: Value | undefined): Bytes => Uint8Array.from((value ?? []) as number[]);

const nodeKey = ({ random, keys }: Scene): KeyPair =>
  random.pick(random.chance(80) ? keys.nodes.slice(0, 1) : keys.nodes);

function sign(scene: Scene, publicKey: Uint8Array, message: Uint8Array): Argument {
  const key = keyOf(publicKey) ?? scene.keys.nodes[0];
  const signature = ed25519.sign(message, key?.secret ?? filled(1));
  if (scene.random.chance(4)) signature[0] = (signature[0] ?? 0) ^ 1;
  return bytes(signature);
}

/** Canonical bytes, or rarely something else than that. */
function spoil(scene: Scene, message: Bytes): Bytes {
  if (scene.random.chance(95)) return message;
  const at = scene.random.below(message.length);
  return scene.random.pick([
    message.slice(0, at),
    Uint8Array.from([...message, 0]),
    message.map((byte, i) => (i === at ? byte ^ 1 : byte)),
  ]);
}

/** Records of a session's log are made up from its id; another log has another salt. */
function leaves(session: string, size: bigint, salt: number): Bytes[] {
  return Array.from({ length: Number(size) }, (_, i) => leafHash(record(session, i, salt)));
}

function record(session: string, index: number, salt: number): Bytes {
  return own(Buffer.from(`${session} ${index} ${salt}`));
}

interface Seen {
  readonly id: string;
  readonly cluster: string;
  readonly decisionKey: Bytes;
  readonly logKey: Bytes;
  readonly configVersion: bigint;
  readonly size: bigint;
  readonly root: Bytes;
  readonly lastSequence: bigint;
}

function sessionAt(scene: Scene, index: number): Seen {
  const fields = scene.objects('session')[index] ?? [];
  const head = (fields[10] ?? [0n, [], 0n]) as Value[];
  return {
    id: scene.idOf('session', index),
    cluster: scene.idOf('cluster', scene.clusterOf('session', index) ?? 0),
    decisionKey: data(fields[3]),
    logKey: data(fields[4]),
    configVersion: (fields[2] ?? 0n) as bigint,
    size: head[0] as bigint,
    root: fields.length === 0 ? filled(0) : data(head[1]),
    lastSequence: head[2] as bigint,
  };
}

function decision(scene: Scene, session: Seen, position: number, sequence: bigint): Bytes {
  const { random } = scene;
  const wrong = (): boolean => random.chance(3);
  const made: Decision = {
    cluster: wrong() ? session.id : session.cluster,
    session: wrong() ? session.cluster : session.id,
    term: wrong() ? random.pick([0n, 99n]) : random.chance(85) ? 1n : 2n,
    configVersion: session.configVersion + (wrong() ? 1n : 0n),
    sequence,
    previous: filled(0),
    kind: wrong() ? 2 : random.below(2),
    podUid: random.pick(PODS),
    namespace: wrong() ? 'other' : 'default',
    pod: 'pod',
    serviceAccount: wrong() ? 'other' : 'web',
    serviceAccountUid: random.pick(['uid-1', 'uid-2']),
    podSpecDigest: filled(random.below(3)),
    node: scene.nodeName(position) ?? 'worker-1',
    nodeUid: 'node-uid',
    nodeKeyHash: own(sha256((wrong() ? scene.keys.nodes[1] : scene.keys.nodes[0])?.publicKey ?? filled(0))),
    stake: wrong() ? session.id : scene.idOf('position', position),
    notAfterMs: scene.now + 60_000n,
    policyDigest: filled(1),
    checkpoint: 7n,
    checkpointDigest: filled(2),
    snapshotDigest: filled(3),
    inputDigest: filled(4),
    feasibleDigest: filled(5),
  };
  return spoil(scene, own(encodeDecisionMessage(scene.now, made)));
}

function anchor(scene: Scene, session: Seen, size: bigint, salt: number): Bytes {
  const { random } = scene;
  const wrong = (): boolean => random.chance(3);
  const message = encodeAnchorMessage(scene.now, {
    cluster: wrong() ? session.id : session.cluster,
    session: wrong() ? session.cluster : session.id,
    size,
    root: merkleRoot(leaves(session.id, size, salt)),
    previousRoot: wrong() ? filled(9) : session.root,
    lastSequence: wrong() ? 0n : session.lastSequence + 1n,
  });
  return spoil(scene, own(message));
}

/** The grant's or receipt's own objects in place of chosen ones, mostly. */
function place(scene: Scene, args: Argument[], at: number, kind: Kind, id: string): void {
  const index = scene.objects(kind).findIndex((_, i) => scene.idOf(kind, i) === id);
  if (index >= 0 && scene.random.chance(94)) args[at] = u64(index);
}

const field = (scene: Scene, kind: Kind, at: Argument | undefined, index: number): Value =>
  scene.objects(kind)[number(at)]?.[index] ?? [''];

const idField = (scene: Scene, kind: Kind, at: Argument | undefined, index: number): string =>
  (field(scene, kind, at, index) as string[])[0] ?? '';

const fitPass: (pass: number, position: number) => Fit = (pass, position) => (scene, args) => {
  place(scene, args, position, 'position', idField(scene, 'pass', args[pass], 2));
};

const identity: (policy: number) => Fit = (policy) => (scene, args) => {
  const version = BigInt(scene.random.chance(85) ? 1 : scene.random.below(4));
  const made = encodeSealIdentity({
    policy: scene.idOf('policy', number(args[policy])),
    cluster: scene.idOf('cluster', 0),
    namespace: 'default',
    serviceAccount: 'web',
    version,
  });
  args[0] = bytes(spoil(scene, own(made)));
};

const signedDecision: Fit = (scene, args) => {
  const session = sessionAt(scene, number(args[1]));
  const position = scene.random.below(Math.max(scene.objects('position').length, 1));
  const message = decision(scene, session, position, BigInt(scene.random.below(5)));
  args[2] = bytes(message);
  args[3] = sign(scene, session.decisionKey, message);
};

function release(scene: Scene, session: Seen, policy: number, receipt: Bytes, pod: string): Bytes {
  const { random } = scene;
  const wrong = (): boolean => random.chance(3);
  const message = encodeReleaseMessage(scene.now + BigInt(random.below(4)), {
    cluster: wrong() ? session.id : session.cluster,
    session: wrong() ? session.cluster : session.id,
    receiptDigest: wrong() ? filled(0) : receipt,
    podUid: pod,
    policy: wrong() ? session.id : scene.idOf('policy', policy),
    recipient: `0x${(random.chance(60) ? 'b0b' : 'a11ce').padStart(64, '0')}`,
    imageDigests: random.chance(70) ? [filled(5)] : random.pick([[], [filled(6)]]),
    notAfterMs: scene.now + (random.chance(15) ? -1n : random.pick([0n, 1_000n])),
  });
  return spoil(scene, own(message));
}

/** By the name of the action. */
export const FITS: Readonly<Record<string, Fit>> = {
  nodes_claim: (scene, args, ask) => {
    const pair = nodeKey(scene);
    if (scene.random.chance(95)) args[3] = bytes(pair.publicKey);
    const named = [args[0], args[1], args[2], args[4]].map((argument) => argument?.value as Value);
    args[7] = sign(scene, pair.publicKey, ask('claim_message', named));
  },
  nodes_heartbeat: (scene, args, ask) => {
    const name = Array.from(Buffer.from(scene.nodeName(number(args[1])) ?? 'x'));
    const message = ask('heartbeat_message', [
      args[0]?.value ?? 0n,
      args[1]?.value ?? 0n,
      name,
      args[2]?.value ?? 0n,
    ]);
    args[3] = sign(scene, nodeKey(scene).publicKey, message);
  },
  register: (scene, args) => {
    const { random, keys } = scene;
    if (random.chance(95)) args[5] = bytes(random.pick(keys.decisions).publicKey);
    if (random.chance(95)) args[6] = bytes(random.pick(keys.logs).publicKey);
    if (random.chance(70)) args[2] = u64(scene.now);
  },
  propose_slash: (scene, args) => {
    const positions = scene.objects('position');
    const owner = positions[number(args[1])]?.[2];
    const other = positions.findIndex((position) => position[2] !== owner);
    if (other >= 0 && !scene.random.chance(15)) args[2] = u64(other);
  },
  decisions_verify: signedDecision,
  releases_verify: (scene, args) => {
    const session = sessionAt(scene, number(args[1]));
    const message = release(scene, session, scene.index('policy'), filled(1), PODS[0]);
    args[2] = bytes(message);
    args[3] = sign(scene, session.decisionKey, message);
  },
  anchors_anchor: (scene, args) => {
    const { random } = scene;
    const session = sessionAt(scene, number(args[1]));
    const size = session.size + BigInt(random.chance(95) ? 1 + random.below(4) : 0);
    const salt = random.chance(95) ? 0 : 1;
    const message = anchor(scene, session, size, salt);
    args[2] = bytes(message);
    args[3] = sign(scene, session.logKey, message);
    args[4] = list(consistencyProof(leaves(session.id, size, salt), session.size, size).map(bytes));
  },
  anchors_assert_included: (scene, args) => {
    const session = sessionAt(scene, number(args[1]));
    if (session.size === 0n) return;
    const index = scene.random.below(Number(session.size));
    args[2] = bytes(record(session.id, index, scene.random.chance(92) ? 0 : 1));
    args[3] = u64(index);
    args[4] = list(
      inclusionProof(leaves(session.id, session.size, 0), BigInt(index), session.size).map(bytes),
    );
  },
  slashing_report_decisions: (scene, args) => {
    const session = sessionAt(scene, number(args[1]));
    const messages = [0, 0].map(() => decision(scene, session, 0, BigInt(scene.random.chance(90) ? 1 : 2)));
    args.splice(2, 4, ...messages.flatMap((one) => [bytes(one), sign(scene, session.decisionKey, one)]));
  },
  slashing_report_anchors: (scene, args) => {
    const session = sessionAt(scene, number(args[1]));
    const messages = [0, scene.random.chance(85) ? 1 : 0].map((salt) =>
      anchor(scene, session, BigInt(scene.random.chance(90) ? 2 : 3), salt),
    );
    args.splice(2, 4, ...messages.flatMap((one) => [bytes(one), sign(scene, session.logKey, one)]));
  },
  seal_policy_new_grant: (scene, args) => {
    const session = sessionAt(scene, number(args[1]));
    const message = decision(scene, session, number(args[3]), 1n);
    const signature = sign(scene, session.decisionKey, message);
    const digest = receiptDigest({ message, signature: data(signature.value) });
    const pod = PODS.find((one) => Buffer.from(message).includes(one)) ?? PODS[0];
    const second = release(scene, session, number(args[2]), digest, scene.random.chance(96) ? pod : 'pod-3');
    args.splice(4, 4, bytes(message), signature, bytes(second), sign(scene, session.decisionKey, second));
  },
  seal_policy_seal_approve: (scene, args, ask) => {
    place(scene, args, 3, 'policy', idField(scene, 'grant', args[1], 2));
    place(scene, args, 4, 'session', idField(scene, 'grant', args[1], 4));
    place(scene, args, 5, 'position', idField(scene, 'grant', args[1], 8));
    identity(3)(scene, args, ask);
  },
  seal_policy_seal_approve_recovery: (scene, args, ask) => {
    place(scene, args, 3, 'policy', idField(scene, 'recovery', args[1], 1));
    identity(3)(scene, args, ask);
  },
  access_pass_renew: fitPass(1, 2),
  access_pass_rotate: fitPass(1, 2),
  access_pass_revoke: fitPass(2, 3),
  access_pass_give_back: fitPass(1, 2),
  access_pass_validate: (scene, args, ask) => {
    fitPass(1, 2)(scene, args, ask);
    if (scene.random.chance(85)) args[3] = bytes(data(field(scene, 'pass', args[1], 7)));
  },
  nodes_record_certificate: (scene, args) => {
    const name = scene.nodeName(number(args[3]));
    if (name !== null && scene.random.chance(85)) args[2] = bytes(Buffer.from(name));
  },
  merkle_assert_inclusion: (scene, args) => {
    const size = 1 + scene.random.below(20);
    const index = scene.random.below(size);
    const tree = leaves('tree', BigInt(size), 0);
    const wrong = scene.random.chance(15) ? scene.random.below(5) : -1;
    const fitting = [
      bytes(tree[index] ?? filled(0)),
      u64(index),
      u64(size),
      bytes(merkleRoot(tree)),
      list(inclusionProof(tree, BigInt(index), BigInt(size)).map(bytes)),
    ];
    for (const [i, argument] of fitting.entries()) if (i !== wrong) args[i] = argument;
  },
  merkle_assert_consistency: (scene, args) => {
    const size = 1 + scene.random.below(20);
    const before = scene.random.below(size + 1);
    const tree = leaves('tree', BigInt(size), 0);
    const wrong = scene.random.chance(15) ? scene.random.below(5) : -1;
    const proof = consistencyProof(tree, BigInt(before), BigInt(size));
    const fitting = [
      u64(before),
      bytes(merkleRoot(tree.slice(0, before))),
      u64(size),
      bytes(merkleRoot(tree)),
      list(proof.map(bytes)),
    ];
    for (const [i, argument] of fitting.entries()) if (i !== wrong) args[i] = argument;
  },
};
