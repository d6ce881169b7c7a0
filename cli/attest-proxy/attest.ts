import { describeChecked } from '@k3s-daas/attestation';
import { CodedError, describeError, equalBytes, toHex, type Bytes, type Clock } from '@k3s-daas/core';
import type { AttestationConfiguration, Session } from '@k3s-daas/core';

import type { EnclaveAttestation } from '../enclave-client.ts';
import { verifyEnclave, type AcceptingCluster } from '../enclave-verify.ts';
import { activeSession, type Active, type ChainPort } from './chain.ts';
import { ProxyError } from './errors.ts';

/** An enclave that was checked: what it is, and the TLS key by which it is recognised from then on. */
export interface Attested extends Active {
  readonly pcr0: Bytes;
  /** SHA-256 of the SubjectPublicKeyInfo of its TLS key, as its document binds it and the chain holds it. */
  readonly tlsKeyHash: Bytes;
  /** Its certificate for that key, PEM. */
  readonly certificatePem: string;
  /** By the NSM's clock. */
  readonly documentMs: number;
  /** By ours. */
  readonly attestedMs: number;
  /** Each thing that was checked, in order. */
  readonly checked: readonly string[];
}

export interface AttestOptions {
  readonly chain: ChainPort;
  /** Asks the enclave for a document with this nonce. */
  readonly fetch: (nonce: Bytes) => Promise<EnclaveAttestation>;
  readonly accepted: AttestationConfiguration;
  /** DER. */
  readonly trustAnchor: Bytes;
  readonly random: (bytes: number) => Bytes;
  readonly clock: Clock;
  readonly documentAgeMsMax: number;
  readonly chainAgeMsMax: number;
}

/** Not 32: that is the form of a slot's id, and the enclave makes no document for a stranger's slot. */
const NONCE_BYTES = 24;

/**
 * Checks the enclave once: the chain's active session, a fresh document with our nonce, of an image that the cluster
 * accepts, which binds exactly the keys of that session.
 *
 * @throws ProxyError with the first thing that does not hold
 */
export async function attest(options: AttestOptions): Promise<Attested> {
  const { chain, clock, chainAgeMsMax, random } = options;
  const active = activeSession(chain, clock, chainAgeMsMax);
  const cluster = await readCluster(chain);
  requireAcceptedConfig(cluster, active.session);
  const nonce = random(NONCE_BYTES);
  const reply = await fetchReply(options, nonce);
  // Compared before anything is verified: an enclave that restarted and is not registered yet shall be called that.
  const keys = requireSessionKeys(reply, active.session);
  const verified = verify(options, { active, cluster, nonce, reply });
  const { session, term } = active;
  return {
    session,
    term,
    pcr0: verified.measurements.get('pcr0') ?? new Uint8Array(),
    tlsKeyHash: session.tlsKeyHash,
    certificatePem: reply.certificatePem,
    documentMs: verified.timestampMs,
    attestedMs: clock.now(),
    checked: [
      `chain: session ${session.id} is active in term ${term} of cluster ${cluster.id}, and not revoked`,
      `config: version ${session.configVersion} is accepted by the cluster`,
      ...keys,
      ...verified.checked.map(describeChecked),
      'certificate: its key is the one whose hash the document binds',
    ],
  };
}

async function readCluster(chain: ChainPort): Promise<AcceptingCluster> {
  try {
    return await chain.cluster();
  } catch (cause) {
    throw new ProxyError(
      'CHAIN_UNREADABLE',
      `the cluster cannot be read: ${describeError(cause)}`,
      'see that chain.url can be reached',
      { cause },
    );
  }
}

function requireAcceptedConfig(cluster: AcceptingCluster, { id, configVersion }: Session): void {
  if (cluster.configs.some(({ key }) => key === configVersion)) return;
  throw new ProxyError(
    'CONFIG_NOT_ACCEPTED',
    `session ${id} runs image config ${configVersion}, which the cluster does not accept`,
    'run an image that the cluster accepts, or have this one accepted',
  );
}

async function fetchReply({ fetch }: AttestOptions, nonce: Bytes): Promise<EnclaveAttestation> {
  try {
    return await fetch(nonce);
  } catch (cause) {
    throw new ProxyError(
      'ATTESTATION_UNAVAILABLE',
      `the enclave gives no attestation: ${describeError(cause)}`,
      'see that proxy.bootstrapUrl is the listener of a running enclave, and its log',
      { cause },
    );
  }
}

function requireSessionKeys(reply: EnclaveAttestation, session: Session): string[] {
  return (['decisionKey', 'logKey', 'tlsKeyHash'] as const).map((name) => {
    if (equalBytes(reply[name], session[name])) return `${name}: as in the session, ${toHex(session[name])}`;
    throw new ProxyError(
      'ATTESTATION_KEYS_DIFFER',
      `the enclave has ${name} ${toHex(reply[name])}, the active session ${session.id} has ${toHex(session[name])}`,
      'register the enclave if it has restarted (daas registrar); else this is not the enclave of the session',
    );
  });
}

function verify(
  { accepted, trustAnchor, clock, documentAgeMsMax }: AttestOptions,
  found: {
    readonly active: Active;
    readonly cluster: AcceptingCluster;
    readonly nonce: Bytes;
    readonly reply: EnclaveAttestation;
  },
): ReturnType<typeof verifyEnclave> {
  const { active, cluster, nonce, reply } = found;
  try {
    return verifyEnclave(reply, {
      cluster,
      configVersion: active.session.configVersion,
      accepted,
      trustAnchor,
      nonce,
      nowMs: clock.now(),
      ageMsMax: documentAgeMsMax,
    });
  } catch (cause) {
    const coded = cause instanceof CodedError;
    throw new ProxyError(
      'ATTESTATION_REFUSED',
      `the enclave's attestation does not hold: ${describeError(cause)}`,
      coded ? cause.remedy : 'do not use this enclave',
      { cause },
    );
  }
}
