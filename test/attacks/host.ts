/** Whoever reaches the enclave's bootstrap listener: plain HTTP, for the registrar. */
import { clientCertificateFromCsr, createAuthority } from '@k3s-daas/control-plane';
import { ENCLAVE_USER } from '@k3s-daas/core';
import { z } from 'zod';

import type { Attempts } from './attempts.ts';
import { codeOf } from './http.ts';
import { enclave, type World } from './world.ts';

const attestation = z.looseObject({ csrPem: z.string() });

export async function bootstrapPort({ attack, control }: Attempts, world: World): Promise<void> {
  const { client } = await world.configuration();
  const { ca } = world.stack.plane;
  const put = (body: string) => async (): Promise<string> => {
    const url = `${client.bootstrapUrl}/api/v1/tee/kubernetes-certificate`;
    const headers = { 'content-type': 'application/x-pem-file' };
    const response = await fetch(url, { method: 'PUT', headers, body });
    return codeOf({ status: response.status, text: await response.text() });
  };
  const reply = await fetch(`${client.bootstrapUrl}/api/v1/tee/attestation`);
  const { csrPem } = attestation.parse(await reply.json());
  const issue = async (issuer: typeof ca, commonName: string): Promise<string> =>
    (await clientCertificateFromCsr(issuer, csrPem, { commonName, days: 1 })).certPem;
  const other = await world.credentials(enclave);
  await attack('bootstrap port: no certificate', 'CERTIFICATE_MALFORMED', put('x'));
  await attack(
    'bootstrap port: a certificate for another key',
    'CERTIFICATE_FOREIGN_KEY',
    put(other.certPem),
  );
  await attack('bootstrap port: another user', 'CERTIFICATE_WRONG_USER', put(await issue(ca, 'alice')));
  const stranger = await createAuthority('stranger');
  await attack(
    'bootstrap port: the right key and name by another CA',
    'CERTIFICATE_FOREIGN_CA',
    put(await issue(stranger, ENCLAVE_USER)),
  );
  await control('the same by the cluster', put(await issue(ca, ENCLAVE_USER)));
}
