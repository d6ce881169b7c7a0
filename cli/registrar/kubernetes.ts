import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import { ENCLAVE_USER, equalBytes, sha256, type Bytes } from '@k3s-daas/core';

import type { ApiAnswer, ApiCaller } from '../kube-api.ts';
import { requestName, type CheckedRequest } from './csr.ts';
import { RegistrarError } from './errors.ts';

const PATH = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const SIGNER = 'kubernetes.io/kube-apiserver-client';
const USAGES = ['client auth', 'digital signature'];
/** Cannot be revoked, so it is short; the policy in manifests/base/registrar.yaml allows no more. */
const CERTIFICATE_SECONDS = 7 * 86_400;
const SIGNED_MS_MAX = 20_000;
const POLL_MS = 100;
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

export interface IssuedCertificate {
  readonly pem: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Has the client certificate of the enclave's user issued for a checked request. */
export type CertificateIssuer = (request: CheckedRequest, signal: AbortSignal) => Promise<IssuedCertificate>;

const condition = z.looseObject({ type: z.string(), message: z.string().default('') });
const requestObject = z.looseObject({
  metadata: z.looseObject({ name: z.string(), uid: z.string().min(1), resourceVersion: z.string().min(1) }),
  spec: z.looseObject({
    request: z.string(),
    signerName: z.string(),
    usages: z.array(z.string()),
  }),
  status: z
    .looseObject({ certificate: z.string().optional(), conditions: z.array(condition).default([]) })
    .default({ conditions: [] }),
});
type RequestObject = z.infer<typeof requestObject>;

/**
 * Through the API of CertificateSigningRequests: create → is it what we asked for → approve → read → is it what we
 * asked for. The approval names UID and resourceVersion of the object that was looked at, so that another request
 * under the same name is not approved in its place.
 */
export function kubernetesIssuer(api: ApiCaller): CertificateIssuer {
  return async (request, signal) => {
    const created = await create(api, request);
    requireSame(created, request);
    await approve(api, created);
    const pem = await signed(api, created, signal);
    const issued = checkCertificate(pem, request.keyHash);
    // A copy that nobody needs; the control plane removes it within an hour otherwise.
    await remove(api, created).catch(() => undefined);
    return issued;
  };
}

/** What an earlier attempt left under this name is replaced: it was made by us, and not approved or not delivered. */
async function create(api: ApiCaller, request: CheckedRequest): Promise<RequestObject> {
  const name = requestName(request);
  const body = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: {
      request: Buffer.from(request.pem).toString('base64'),
      signerName: SIGNER,
      usages: USAGES,
      expirationSeconds: CERTIFICATE_SECONDS,
    },
  };
  let answer = await api('POST', PATH, body);
  if (answer.status === 409) {
    const kept = await api('GET', `${PATH}/${name}`);
    if (kept.status !== 404) await remove(api, parse(kept, 200));
    answer = await api('POST', PATH, body);
  }
  return parse(answer, 201);
}

function requireSame({ metadata, spec }: RequestObject, request: CheckedRequest): void {
  const same =
    metadata.name === requestName(request) &&
    spec.request === Buffer.from(request.pem).toString('base64') &&
    spec.signerName === SIGNER &&
    spec.usages.toSorted().join() === USAGES.join();
  if (same) return;
  throw new RegistrarError(
    'KUBERNETES_REFUSED',
    `the API server holds another request under ${metadata.name} than the one sent, so it is not approved`,
    'look for a mutating webhook on certificatesigningrequests',
  );
}

async function approve(api: ApiCaller, created: RequestObject): Promise<void> {
  const approved = {
    ...created,
    status: {
      conditions: [
        {
          type: 'Approved',
          status: 'True',
          reason: 'EnclaveRegistered',
          message: 'the key is the TLS key of the enclave session that is active on chain',
        },
      ],
    },
  };
  const answer = await api('PUT', `${PATH}/${created.metadata.name}/approval`, approved);
  parse(answer, 200);
}

async function signed(api: ApiCaller, { metadata }: RequestObject, signal: AbortSignal): Promise<string> {
  const { name, uid } = metadata;
  for (let waitedMs = 0; waitedMs < SIGNED_MS_MAX; waitedMs += POLL_MS) {
    const read = parse(await api('GET', `${PATH}/${name}`), 200);
    const refusal = read.status.conditions.find(({ type }) => type === 'Denied' || type === 'Failed');
    if (read.metadata.uid !== uid || refusal !== undefined) {
      throw new RegistrarError(
        'KUBERNETES_REFUSED',
        `request ${name} was ${refusal?.type ?? 'replaced'}: ${(refusal?.message ?? '').slice(0, 300)}`,
        'see who handles certificatesigningrequests in this cluster',
      );
    }
    if (read.status.certificate !== undefined)
      return Buffer.from(read.status.certificate, 'base64').toString('utf8');
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new RegistrarError(
    'KUBERNETES_REFUSED',
    `request ${name} is approved, and nobody signed it within ${SIGNED_MS_MAX / 1000} s`,
    'kube-controller-manager signs it: check that it runs with --cluster-signing-cert-file and --cluster-signing-key-file',
  );
}

/** The certificate is for the enclave's user and the attested key, and for nothing else. @throws RegistrarError */
export function checkCertificate(pem: string, keyHash: Bytes): IssuedCertificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (cause) {
    throw wrongCertificate('it does not parse', cause);
  }
  if (certificate.subject !== `CN=${ENCLAVE_USER}`) {
    throw wrongCertificate(`its subject is ${certificate.subject.replaceAll('\n', ', ').slice(0, 200)}`);
  }
  const spki = certificate.publicKey.export({ format: 'der', type: 'spki' });
  if (!equalBytes(sha256(spki), keyHash)) throw wrongCertificate('it is for another key');
  // `keyUsage` is Node's name for the extended key usages.
  const usages = certificate.keyUsage as readonly string[] | undefined;
  if (certificate.ca || usages?.join() !== CLIENT_AUTH)
    throw wrongCertificate('it is not for a client alone');
  if (certificate.subjectAltName !== undefined) throw wrongCertificate('it has other names');
  return {
    pem: certificate.toString(),
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
  };
}

async function remove(api: ApiCaller, { metadata }: RequestObject): Promise<void> {
  const preconditions = { uid: metadata.uid };
  const answer = await api('DELETE', `${PATH}/${metadata.name}`, {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    preconditions,
  });
  if (answer.status !== 200 && answer.status !== 404) throw unexpected(answer);
}

function parse(answer: ApiAnswer, status: number): RequestObject {
  if (answer.status !== status) throw unexpected(answer);
  const object = requestObject.safeParse(answer.body);
  if (object.success) return object.data;
  throw new RegistrarError(
    'KUBERNETES_REFUSED',
    `the API server's answer is no CertificateSigningRequest: ${z.prettifyError(object.error).slice(0, 300)}`,
    'check what answers at the kubeconfig’s address',
  );
}

function unexpected({ status, text }: ApiAnswer): RegistrarError {
  return new RegistrarError(
    'KUBERNETES_REFUSED',
    `the API server answered ${status}: ${text.slice(0, 300)}`,
    'apply manifests/base: it gives k3s-daas:registrar its rights',
  );
}

function wrongCertificate(why: string, cause?: unknown): RegistrarError {
  return new RegistrarError(
    'CERTIFICATE_REFUSED',
    `the certificate that the cluster issued is not handed to the enclave: ${why}`,
    'see which signer and which webhooks handle certificatesigningrequests in this cluster',
    { cause },
  );
}
