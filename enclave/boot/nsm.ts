import { readFile } from 'node:fs/promises';

import { z } from 'zod';

import { awsNitroRootG1 } from '@k3s-daas/attestation';
import { fromBase64, toHex, type Bytes, type Clock, type EnclaveConfiguration } from '@k3s-daas/core';

import {
  developmentNsm,
  deviceNsm,
  measureEnclave,
  NsmError,
  type DevelopmentAuthority,
  type Nsm,
} from '../nsm/index.ts';

const authorityFile = z.strictObject({ rootCertificateDer: z.base64(), rootKeyPkcs8: z.base64() });

/** An NSM, and the root that its documents lead to. */
export interface OpenedNsm {
  readonly nsm: Nsm;
  readonly trustAnchor: Bytes;
}

/**
 * The NSM that the configuration names, and the root that its documents lead to: AWS's for a device, that of the
 * authority file for development. Throws `NsmError`.
 */
export async function openNsm(options: {
  readonly enclave: EnclaveConfiguration;
  readonly path: (relative: string) => string;
  readonly repository: string;
  readonly clock: Clock;
}): Promise<OpenedNsm> {
  const { enclave, path, repository, clock } = options;
  if (enclave.nsm.kind === 'device') {
    const { devicePath, program } = enclave.nsm;
    const nsm = await deviceNsm({ devicePath: path(devicePath), program: path(program) });
    return { nsm, trustAnchor: awsNitroRootG1 };
  }
  const authority = await readAuthority(path(enclave.nsm.authorityFile));
  const nsm = await developmentNsm({
    authority,
    pcrs: measureEnclave(repository),
    clock,
    moduleId: `i-development-enc${toHex(crypto.getRandomValues(new Uint8Array(8)))}`,
  });
  return { nsm, trustAnchor: authority.rootCertificateDer };
}

async function readAuthority(file: string): Promise<DevelopmentAuthority> {
  try {
    const text = await readFile(file, 'utf8');
    const { rootCertificateDer, rootKeyPkcs8 } = authorityFile.parse(JSON.parse(text));
    return { rootCertificateDer: fromBase64(rootCertificateDer), rootKeyPkcs8: fromBase64(rootKeyPkcs8) };
  } catch (cause) {
    throw new NsmError(
      'NSM_AUTHORITY',
      `${file} is not a development authority`,
      'Let enclave.nsm.authorityFile name the file that `daas up` made.',
      { cause },
    );
  }
}
