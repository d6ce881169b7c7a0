import {
  decodeDecisionMessage,
  decodeReceipt,
  describeError,
  equalBytes,
  podSpecDigest,
  policyDigest,
  RECEIPT_ANNOTATION,
  sha256,
  verifyEd25519,
  type Decision,
  type DecisionMessage,
  type Receipt,
} from '@k3s-daas/core';
import {
  readClaim,
  readSession,
  verifyReceiptOnChain,
  type ClusterRecord,
  type SessionRecord,
} from '@k3s-daas/sui-client';

import { CliError } from '../errors.ts';
import { print, type Output } from '../output.ts';
import { currentCluster, openReader, readPod, type PodObject, type Reader } from '../reader.ts';

interface Check {
  readonly what: string;
  readonly holds: boolean;
  readonly detail: string;
}

interface Proof {
  readonly pod: PodObject;
  readonly receipt: Receipt;
  readonly message: DecisionMessage;
  readonly cluster: ClusterRecord;
  readonly session: SessionRecord;
}

/**
 * receipt → is it for this pod → is the session of this cluster → does its key sign it → what does Move say → is the
 * node still staked. Believes the API server only for what the pod is now, and the chain for everything else.
 *
 * @returns the exit code: 0 if every check holds.
 */
export async function verifyPod(
  output: Output,
  configFile: string | undefined,
  namespace: string,
  name: string,
): Promise<number> {
  const reader = await openReader(configFile);
  const proof = await collect(reader, namespace, name);
  const checks = [
    ...checkPod(proof),
    ...checkSession(reader, proof),
    await checkMove(reader, proof),
    await checkClaim(reader, proof),
  ];
  const verified = checks.every(({ holds }) => holds);
  const { payload, timestampMs } = proof.message;
  print(output, { verified, checks, timestampMs, decision: payload }, () =>
    render(`${namespace}/${name}`, payload, checks),
  );
  return verified ? 0 : 1;
}

async function collect(reader: Reader, namespace: string, name: string): Promise<Proof> {
  const pod = await readPod(reader, namespace, name);
  const text = pod.metadata.annotations[RECEIPT_ANNOTATION];
  if (text === undefined) {
    const why = pod.spec.nodeName === '' ? 'it is not placed yet' : 'it was placed without one';
    throw new CliError(
      'VERIFICATION_FAILED',
      `pod ${namespace}/${name} carries no receipt: ${why}`,
      'kubectl describe pod',
    );
  }
  const receipt = decodeReceipt(text);
  const message = decodeDecisionMessage(receipt.message);
  const { package: packageId } = reader.configuration.cluster;
  const [cluster, session] = await Promise.all([
    currentCluster(reader),
    readSession(reader.chain.client, packageId, message.payload.session),
  ]);
  return { pod, receipt, message, cluster, session };
}

function checkPod({ pod, message: { payload } }: Proof): Check[] {
  const same = (what: string, signed: string, actual: string): Check => ({
    what: `the receipt names this pod's ${what}`,
    holds: signed === actual,
    detail: signed === actual ? signed : `${signed}, but the pod has ${actual === '' ? 'none' : actual}`,
  });
  const digest = podSpecDigest(pod.rawSpec);
  return [
    same('UID', payload.podUid, pod.metadata.uid),
    same('namespace', payload.namespace, pod.metadata.namespace),
    same('name', payload.pod, pod.metadata.name),
    same('service account', payload.serviceAccount, pod.spec.serviceAccountName),
    same('node', payload.node, pod.spec.nodeName),
    {
      what: 'the spec is the one that was decided',
      holds: equalBytes(digest, payload.podSpecDigest),
      detail: 'SHA-256 over its canonical JSON without nodeName',
    },
  ];
}

function checkSession(
  { configuration }: Reader,
  { receipt, message: { payload }, cluster, session }: Proof,
): Check[] {
  const active = cluster.active?.session === payload.session && cluster.active.term === payload.term;
  return [
    {
      what: 'the session was registered in this cluster',
      holds: session.cluster === configuration.cluster.id && payload.cluster === configuration.cluster.id,
      detail: `session ${payload.session}, term ${payload.term}${active ? ', active now' : ', not active any more'}`,
    },
    {
      what: 'the session is not revoked',
      holds: !session.revoked,
      detail: `enclave config ${session.configVersion}`,
    },
    {
      what: 'the session key signed the decision',
      holds: verifyEd25519(session.decisionKey, receipt.message, receipt.signature),
      detail: 'Ed25519 over the receipt’s own bytes',
    },
    {
      what: 'the policy is the cluster’s',
      holds:
        equalBytes(payload.policyDigest, cluster.policyDigest) &&
        equalBytes(cluster.policyDigest, policyDigest(configuration.policy)),
      detail: 'digest in the receipt, on chain and of daas.yaml',
    },
  ];
}

async function checkMove({ chain, configuration }: Reader, { receipt, message }: Proof): Promise<Check> {
  const what = 'Move verifies the receipt (decisions::verify, simulated)';
  const { id: cluster, package: packageId } = configuration.cluster;
  try {
    const decision = await verifyReceiptOnChain(
      { client: chain.client, packageId },
      { cluster, session: message.payload.session, receipt },
    );
    return { what, holds: decision.podUid === message.payload.podUid, detail: 'it parsed the same decision' };
  } catch (error) {
    return { what, holds: false, detail: describeError(error) };
  }
}

async function checkClaim(
  { chain, configuration }: Reader,
  { message: { payload }, cluster }: Proof,
): Promise<Check> {
  const claim = await readClaim(chain.client, configuration.cluster.package, cluster, payload.node);
  const holds =
    claim !== null && claim.stake === payload.stake && equalBytes(sha256(claim.nodeKey), payload.nodeKeyHash);
  const detail = claim === null ? 'nobody claims it any more' : `stake ${claim.stake}`;
  return { what: `node ${payload.node} is claimed by the stake and key in the receipt`, holds, detail };
}

function render(pod: string, decision: Decision, checks: readonly Check[]): string {
  const lines = checks.map(({ what, holds, detail }) => `${holds ? '✓' : '✗'} ${what} (${detail})`);
  const failed = checks.filter(({ holds }) => !holds).length;
  const verdict = failed === 0 ? 'verified' : `NOT verified: ${failed} of ${checks.length} checks fail`;
  return [`${pod} on ${decision.node}, decision ${decision.sequence}`, ...lines, verdict].join('\n');
}
