import { ANNOTATION_PREFIX, CONTROLLER_USER, NODE_USER_PREFIX, UNSTAKED_TAINT } from '@k3s-daas/core';
import { z } from 'zod';

import { Denied } from '../denied.ts';
import type { AdmissionRequest } from '../http/decode.ts';
import { freshSnapshot, requireEligible, type SnapshotSource } from '../snapshot.ts';
import { changedMarks, marksOf, metadataSchema, parseObject } from './marks.ts';

/** Group of kubelets: the Node authorizer and NodeRestriction know a kubelet by it, not by the name alone. */
const NODES_GROUP = 'system:nodes';

const nodeSchema = z.object({
  metadata: metadataSchema,
  spec: z
    .object({
      taints: z
        .array(z.object({ key: z.string(), value: z.string().default(''), effect: z.string().default('') }))
        .nullish(),
    })
    .nullish(),
});

type Node = z.infer<typeof nodeSchema>;

export interface NodeRules extends SnapshotSource {
  readonly controlPlaneNodes: readonly string[];
  readonly adminGroups: readonly string[];
}

/**
 * CREATE of a node: by the node itself, with a live claim and stake on chain. Control-plane nodes need neither
 * chain nor enclave, or a cluster could not start.
 *
 * @throws Denied
 */
export function checkNodeCreate(request: AdmissionRequest, rules: NodeRules): void {
  const node = parseNode(request.object);
  const { name } = node.metadata;
  requireUnowned(node);
  requireNoMarks(node);
  if (rules.controlPlaneNodes.includes(name)) requireSelfOrAdmin(request, name, rules);
  else {
    requireSelf(request, name);
    requireEligible(freshSnapshot(rules), name);
  }
}

/**
 * UPDATE of a node's main resource: what marks it as unstaked belongs to the stake controller, and even that cannot
 * lift the taint while the chain says that the stake is gone.
 *
 * @throws Denied
 */
export function checkNodeUpdate(request: AdmissionRequest, rules: NodeRules): void {
  const old = parseNode(request.oldObject);
  const node = parseNode(request.object);
  requireStillUnowned(old, node);
  const changed = [...changedMarks(old.metadata, node.metadata), ...changedTaints(old, node)];
  if (changed.length === 0) return;
  const exempt = rules.controlPlaneNodes.includes(node.metadata.name);
  if (exempt && isAdmin(request, rules)) return;
  if (request.user.name !== CONTROLLER_USER) throw marksChanged(request, changed);
  if (!exempt && liftsTaint(old, node)) requireEligible(freshSnapshot(rules), node.metadata.name);
}

/** UPDATE of nodes/status, which persists labels, annotations and owners too: nobody marks a node that way. @throws Denied */
export function checkNodeStatus(request: AdmissionRequest): void {
  const old = parseNode(request.oldObject);
  const node = parseNode(request.object);
  requireStillUnowned(old, node);
  const changed = changedMarks(old.metadata, node.metadata);
  if (changed.length > 0) throw marksChanged(request, changed);
}

function parseNode(object: unknown): Node {
  return parseObject(nodeSchema, object, 'Node');
}

function isSelf({ user }: AdmissionRequest, name: string): boolean {
  return name !== '' && user.name === `${NODE_USER_PREFIX}${name}` && user.groups.includes(NODES_GROUP);
}

function isAdmin({ user }: AdmissionRequest, { adminGroups }: NodeRules): boolean {
  return user.groups.some((group) => adminGroups.includes(group));
}

function requireSelf(request: AdmissionRequest, name: string): void {
  if (isSelf(request, name)) return;
  throw new Denied(
    'NODE_NOT_SELF',
    `user "${request.user.name}" may not create node "${name}"; only ${NODE_USER_PREFIX}${name} of group ${NODES_GROUP} does`,
    'let the kubelet register itself with the certificate that its claim entitles it to',
  );
}

function requireSelfOrAdmin(request: AdmissionRequest, name: string, rules: NodeRules): void {
  if (isSelf(request, name) || isAdmin(request, rules)) return;
  throw new Denied(
    'NODE_NAME_RESERVED',
    `"${name}" is the name of a control-plane node, which user "${request.user.name}" may not create`,
    'choose another node name',
  );
}

function requireNoMarks(node: Node): void {
  const marks = [...marksOf(node.metadata), ...changedTaints({ metadata: node.metadata, spec: null }, node)];
  if (marks.length === 0) return;
  throw new Denied(
    'NODE_MARKS_FORGED',
    `${marks.join(', ')}: a node brings nothing under ${ANNOTATION_PREFIX} with it`,
    'leave it out of --node-labels and --register-with-taints',
  );
}

/** A node owned by another object is deleted with it, and comes back with labels of its own choice (CVE-2025-5187). */
function requireUnowned(node: Node): void {
  if ((node.metadata.ownerReferences ?? []).length > 0) throw owned(node);
}

function requireStillUnowned(old: Node, node: Node): void {
  const references = node.metadata.ownerReferences ?? [];
  if (references.length === 0) return;
  if (JSON.stringify(references) !== JSON.stringify(old.metadata.ownerReferences ?? [])) throw owned(node);
}

function owned({ metadata }: Node): Denied {
  return new Denied(
    'NODE_OWNED',
    `node ${metadata.name} must not get ownerReferences: whoever deletes the owner would delete the node and its taints`,
    'leave metadata.ownerReferences of nodes empty',
  );
}

function marksChanged({ user }: AdmissionRequest, changed: readonly string[]): Denied {
  return new Denied(
    'NODE_MARKS_CHANGED',
    `${changed.join(', ')}: user "${user.name}" may not change what the stake controller keeps on nodes`,
    'mend the stake on chain; the controller follows within seconds',
  );
}

function changedTaints(old: Node, node: Node): string[] {
  const before = ourTaints(old);
  const after = ourTaints(node);
  return [...before.symmetricDifference(after)].sort().map((taint) => `taint ${taint}`);
}

function ourTaints({ spec }: Pick<Node, 'spec'>): Set<string> {
  const ours = (spec?.taints ?? []).filter(({ key }) => key.startsWith(ANNOTATION_PREFIX));
  return new Set(ours.map(({ key, value, effect }) => `${key}=${value}:${effect}`));
}

function liftsTaint(old: Node, node: Node): boolean {
  const effects = ({ spec }: Node): Set<string> =>
    new Set((spec?.taints ?? []).filter(({ key }) => key === UNSTAKED_TAINT).map(({ effect }) => effect));
  return !effects(old).isSubsetOf(effects(node));
}
