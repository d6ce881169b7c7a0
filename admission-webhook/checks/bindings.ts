import {
  decodeDecisionMessage,
  decodeReceipt,
  DecisionKind,
  ENCLAVE_USER,
  equalBytes,
  FormatError,
  RECEIPT_ANNOTATION,
  sha256,
  verifyEd25519,
  type ChainSnapshot,
  type Decision,
  type DecisionMessage,
  type Receipt,
  type Session,
} from '@k3s-daas/core';
import { z } from 'zod';

import { Denied } from '../denied.ts';
import type { AdmissionRequest } from '../http/decode.ts';
import { freshSnapshot, requireEligible, type SnapshotSource } from '../snapshot.ts';
import { metadataSchema, parseObject } from './marks.ts';

/** The API server copies these labels of the node onto the Binding, and from there onto the pod (1.33 and later). */
const TOPOLOGY_LABEL_PREFIX = 'topology.kubernetes.io/';

const bindingSchema = z.object({
  metadata: metadataSchema,
  target: z.object({
    kind: z.string().default(''),
    name: z.string().default(''),
    uid: z.string().default(''),
  }),
});

type Binding = z.infer<typeof bindingSchema>;

export interface BindingRules extends SnapshotSource {
  readonly receiptLifetimeMs: number;
  readonly clockSkewMsMax: number;
}

/**
 * CREATE of pods/binding: only the enclave binds, and only what its live session decided (design section 5).
 *
 * @throws Denied
 */
export function checkBinding(request: AdmissionRequest, rules: BindingRules): void {
  requireEnclave(request);
  const binding = parseObject(bindingSchema, request.object, 'Binding');
  const receipt = requireShape(binding);
  const message = parseReceipt(receipt);
  const snapshot = freshSnapshot(rules);
  const session = requireActiveSession(snapshot, message.payload);
  requireSignature(session, receipt);
  requireTime(message, rules);
  requireSamePlacement(request, binding, message.payload);
  requireStake(snapshot, message.payload);
}

/** CREATE of the legacy resource: its UID is wiped before admission, so no receipt could be tied to the pod. */
export function refuseLegacyBinding(): never {
  throw new Denied(
    'BINDING_LEGACY',
    'the legacy resource "bindings" cannot carry a pod UID to admission, so it is closed here',
    'create pods/binding instead, which is what every scheduler of this decade does',
  );
}

function requireEnclave({ user }: AdmissionRequest): void {
  if (user.name === ENCLAVE_USER) return;
  throw new Denied(
    'BINDING_NOT_BY_ENCLAVE',
    `user "${user.name}" may not bind pods; only ${ENCLAVE_USER} does, after it has signed the decision`,
    'let the pod be scheduled by k3s-daas-scheduler, or place it in an exempt namespace',
  );
}

/** The form of the Binding itself. Gives the receipt it carries. */
function requireShape({ metadata, target }: Binding): Receipt {
  const remedy = 'bind through the enclave, which writes the Binding itself';
  if (metadata.uid === '') {
    throw new Denied(
      'BINDING_UID_MISSING',
      'the Binding names no pod UID, so it could bind a later pod of the name',
      remedy,
    );
  }
  if (target.kind !== 'Node' || target.name === '') {
    throw new Denied(
      'BINDING_TARGET_WRONG',
      `the target is "${target.kind} ${target.name}", not a Node`,
      remedy,
    );
  }
  const annotations = Object.entries(metadata.annotations ?? {});
  const [first] = annotations;
  if (annotations.length !== 1 || first?.[0] !== RECEIPT_ANNOTATION) {
    const found = annotations.map(([key]) => key).join(', ') || 'none';
    throw new Denied(
      'BINDING_ANNOTATIONS_WRONG',
      `a Binding carries the annotation ${RECEIPT_ANNOTATION} and no other, since all are copied to the pod; found: ${found}`,
      remedy,
    );
  }
  const foreign = Object.keys(metadata.labels ?? {}).filter((key) => !key.startsWith(TOPOLOGY_LABEL_PREFIX));
  if (foreign.length > 0) {
    throw new Denied(
      'BINDING_LABELS_WRONG',
      `labels of a Binding overwrite the pod's, so only ${TOPOLOGY_LABEL_PREFIX}* may be there; found: ${foreign.join(', ')}`,
      remedy,
    );
  }
  return parsed(() => decodeReceipt(first[1]));
}

function parseReceipt(receipt: Receipt): DecisionMessage {
  const message = parsed(() => decodeDecisionMessage(receipt.message));
  if (message.payload.kind !== DecisionKind.bind) {
    throw new Denied(
      'RECEIPT_KIND_WRONG',
      'the receipt adopts a running pod and does not bind a pending one',
      'bind with a receipt of kind bind',
    );
  }
  return message;
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new Denied(
      'RECEIPT_MALFORMED',
      `the receipt is malformed (${error.code}: ${error.message})`,
      error.remedy,
      400,
    );
  }
}

function requireActiveSession(snapshot: ChainSnapshot, decision: Decision): Session {
  const { cluster } = snapshot;
  if (decision.cluster !== cluster.id) {
    throw new Denied(
      'RECEIPT_CLUSTER_WRONG',
      `the receipt is for cluster ${decision.cluster}, this one is ${cluster.id}`,
      'a receipt cannot be carried to another cluster',
    );
  }
  if (!equalBytes(decision.policyDigest, cluster.policyDigest)) {
    throw new Denied(
      'RECEIPT_POLICY_WRONG',
      "the decision was made under another policy than the cluster's on chain",
      'start the enclave with the policy that the Cluster object names',
    );
  }
  const session = cluster.active === null ? undefined : snapshot.sessions.get(cluster.active.session);
  if (cluster.active === null || session === undefined) {
    throw new Denied(
      'ENCLAVE_NOT_ACTIVE',
      'no enclave session is active on chain',
      'register and activate the enclave (its /readyz names the step it waits for)',
    );
  }
  if (session.revoked) {
    throw new Denied(
      'ENCLAVE_REVOKED',
      `session ${session.id} is revoked on chain`,
      'register a fresh enclave session',
    );
  }
  if (decision.session !== session.id || decision.configVersion !== session.configVersion) {
    throw new Denied(
      'RECEIPT_SESSION_WRONG',
      `the receipt is of session ${decision.session}, config ${decision.configVersion}; active is ${session.id}, config ${session.configVersion}`,
      'the active enclave decides again by itself',
    );
  }
  if (decision.term !== cluster.active.term) {
    throw new Denied(
      'RECEIPT_TERM_WRONG',
      `the receipt is of term ${decision.term}, the active term is ${cluster.active.term}`,
      'the active enclave decides again by itself',
    );
  }
  return session;
}

function requireSignature(session: Session, receipt: Receipt): void {
  if (verifyEd25519(session.decisionKey, receipt.message, receipt.signature)) return;
  throw new Denied(
    'RECEIPT_SIGNATURE_WRONG',
    `the signature is not by the decision key of the active session ${session.id}`,
    'only the attested enclave can sign; a receipt that was altered is worthless',
  );
}

function requireTime({ timestampMs, payload }: DecisionMessage, rules: BindingRules): void {
  const { receiptLifetimeMs, clockSkewMsMax, clock } = rules;
  const now = BigInt(clock.now());
  const lifetime = payload.notAfterMs - timestampMs;
  if (lifetime < 0n || lifetime > BigInt(receiptLifetimeMs) || timestampMs > now + BigInt(clockSkewMsMax)) {
    throw new Denied(
      'RECEIPT_LIFETIME_WRONG',
      `a receipt lives at most ${receiptLifetimeMs} ms from now; this one is made ${timestampMs - now} ms from now and lives ${lifetime} ms`,
      "compare the clocks of enclave and webhook, and the enclave's policy with this one",
    );
  }
  if (now > payload.notAfterMs) {
    throw new Denied(
      'RECEIPT_EXPIRED',
      `the receipt expired ${now - payload.notAfterMs} ms ago`,
      'kube-scheduler tries again and the enclave decides anew; if it repeats, compare the clocks',
    );
  }
}

function requireSamePlacement(
  request: AdmissionRequest,
  { metadata, target }: Binding,
  decision: Decision,
): void {
  const samePod =
    decision.podUid === metadata.uid &&
    decision.namespace === request.namespace &&
    decision.namespace === metadata.namespace &&
    decision.pod === request.name &&
    decision.pod === metadata.name;
  if (!samePod) {
    throw new Denied(
      'RECEIPT_POD_WRONG',
      `the receipt is for pod ${decision.namespace}/${decision.pod} (${decision.podUid}), the Binding for ` +
        `${request.namespace}/${request.name} (${metadata.uid})`,
      'a receipt binds exactly one pod, once',
    );
  }
  if (decision.node !== target.name || (target.uid !== '' && target.uid !== decision.nodeUid)) {
    throw new Denied(
      'RECEIPT_NODE_WRONG',
      `the receipt is for node ${decision.node}, the Binding for ${target.name}`,
      'a receipt binds to exactly one node',
    );
  }
}

/** The stake, or the node's key, may have gone between the decision and now. */
function requireStake(snapshot: ChainSnapshot, decision: Decision): void {
  const { stake, claim } = requireEligible(snapshot, decision.node);
  const remedy = 'the enclave decides again by itself on the new claim';
  if (stake.id !== decision.stake) {
    throw new Denied(
      'RECEIPT_STAKE_WRONG',
      `the decision rests on stake ${decision.stake}, node ${decision.node} is claimed by ${stake.id}`,
      remedy,
    );
  }
  if (!equalBytes(decision.nodeKeyHash, sha256(claim.nodeKey))) {
    throw new Denied(
      'RECEIPT_STAKE_WRONG',
      `node ${decision.node} is claimed with another key than the decision names`,
      remedy,
    );
  }
}
