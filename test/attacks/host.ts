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
  await documents({ attack, control }, client.bootstrapUrl);
}

/** A document for a slot would let its asker register this enclave once more, as a session of its own. */
async function documents(
  { attack, control }: Pick<Attempts, 'attack' | 'control'>,
  bootstrapUrl: string,
): Promise<void> {
  const ask = (query: string) => async (): Promise<string> => {
    const response = await fetch(`${bootstrapUrl}/api/v1/tee/attestation?${query}`);
    return codeOf({ status: response.status, text: await response.text() });
  };
  const slot = '11'.repeat(32);
  await attack('bootstrap port: a slot, after registration', 'ALREADY_REGISTERED', ask(`slot=0x${slot}`));
  await attack('bootstrap port: a slot under the name of a nonce', 'NONCE_MALFORMED', ask(`nonce=${slot}`));
  await attack('bootstrap port: both', 'NONCE_MALFORMED', ask(`nonce=${'22'.repeat(24)}&slot=0x${slot}`));
  await attack(
    'bootstrap port: two nonces',
    'NONCE_MALFORMED',
    ask(`nonce=${'22'.repeat(24)}&nonce=${'33'.repeat(24)}`),
  );
  await attack('bootstrap port: a nonce of 15 bytes', 'NONCE_MALFORMED', ask(`nonce=${'22'.repeat(15)}`));
  await attack('bootstrap port: a slot that is none', 'SLOT_MALFORMED', ask(`slot=${slot}`));
  await control('a nonce', ask(`nonce=${'22'.repeat(24)}`));
  await attack('bootstrap port: a flood of nonces', 'RATE_LIMITED', async () => {
    const nonces = Array.from({ length: 60 }, (_, index) => index.toString(16).padStart(2, '0').repeat(20));
    const answers = await Promise.all(nonces.map((nonce) => ask(`nonce=${nonce}`)()));
    const refused = answers.filter((answer) => answer !== 'accepted');
    return refused.length >= 20 ? (refused[0] ?? '') : `${refused.length} of ${answers.length} refused`;
  });
}
