import { readFile } from 'node:fs/promises';

import { z } from 'zod';

import { fromBase64, toHex, type Bytes, type Clock, type EnclaveConfiguration } from '@k3s-daas/core';

import { EnclaveError } from '../errors.ts';
import { developmentNsm, measureEnclave, type Nsm } from '../nsm/index.ts';

const authorityFile = z.strictObject({ rootCertificateDer: z.base64(), rootKeyPkcs8: z.base64() });

/** An NSM, and the root that its documents lead to. */
export interface OpenedNsm {
  readonly nsm: Nsm;
  readonly trustAnchor: Bytes;
}

/** The NSM that the configuration names. */
export async function openNsm(options: {
  readonly enclave: EnclaveConfiguration;
  readonly path: (relative: string) => string;
  readonly repository: string;
  readonly clock: Clock;
}): Promise<OpenedNsm> {
  const { enclave, path, repository, clock } = options;
  if (enclave.nsm.kind === 'device') {
    throw new EnclaveError('NSM_UNSUPPORTED', 'no NSM device here', 'use the development NSM');
  }
  const text = await readFile(path(enclave.nsm.authorityFile), 'utf8');
  const { rootCertificateDer, rootKeyPkcs8 } = authorityFile.parse(JSON.parse(text));
  const trustAnchor = fromBase64(rootCertificateDer);
  const nsm = await developmentNsm({
    authority: { rootCertificateDer: trustAnchor, rootKeyPkcs8: fromBase64(rootKeyPkcs8) },
    pcrs: measureEnclave(repository),
    clock,
    moduleId: `i-development-enc${toHex(crypto.getRandomValues(new Uint8Array(8)))}`,
  });
  return { nsm, trustAnchor };
}
