import { randomBytes } from 'node:crypto';
import type { Bytes, Clock } from '@k3s-daas/core';
import { writeCoseSign1, writePayload } from './document-writer.ts';
import {
  checkRequest,
  NsmError,
  RANDOM_BYTES,
  type AttestationRequest,
  type Nsm,
  type NsmDescription,
} from './nsm.ts';
import { CertificateIssuer, type DevelopmentAuthority } from './pki.ts';

const PCR_COUNT = 16;
const PCR_BYTES = 48;

/**
 * An NSM for machines without Nitro hardware: the same documents under a root of its own. Nothing else differs, so
 * a verifier that pins AWS's root refuses them, and one that pins this root applies every rule to them.
 */
class DevelopmentNsm implements Nsm {
  readonly kind = 'development';
  readonly #description: NsmDescription;
  readonly #issuer: CertificateIssuer;
  readonly #clock: Clock;
  /** The NSM driver serialises requests; so does this, which keeps the renewal of certificates simple. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(description: NsmDescription, issuer: CertificateIssuer, clock: Clock) {
    this.#description = description;
    this.#issuer = issuer;
    this.#clock = clock;
  }

  describe(): NsmDescription {
    const { moduleId, pcrs } = this.#description;
    return { moduleId, pcrs: new Map([...pcrs].map(([index, pcr]) => [index, new Uint8Array(pcr)])) };
  }

  async attest(request: AttestationRequest): Promise<Bytes> {
    checkRequest(request);
    // Copied before the first await: the caller may reuse its buffers.
    const fields = {
      publicKey: copy(request.publicKey),
      userData: copy(request.userData),
      nonce: copy(request.nonce),
    };
    const document = this.#last.then(async () => {
      const { certificate, cabundle, leafKey } = await this.#issuer.current();
      const payload = writePayload({
        ...this.#description,
        ...fields,
        timestampMs: this.#clock.now(),
        certificate,
        cabundle,
      });
      return writeCoseSign1(payload, leafKey);
    });
    this.#last = document.catch(() => undefined);
    return document;
  }

  random(): Promise<Bytes> {
    return Promise.resolve(new Uint8Array(randomBytes(RANDOM_BYTES)));
  }
}

/**
 * Opens a development NSM. `pcrs`: 48 bytes each, by index 0 to 15; those not given are zero, as on AWS, so without
 * PCR0 to 2 every verifier takes it for a debug enclave. `moduleId`: 1 to 40 of A-Z a-z 0-9 `.` `-` (it becomes
 * part of certificate names, and X.520 limits those to 64). `leafLeftMsMin`: a leaf that has less left is not used any
 * more; half of its life unless given, where AWS's NSM goes on almost to the end. Throws `NsmError`.
 */
export async function developmentNsm(options: {
  authority: DevelopmentAuthority;
  pcrs: ReadonlyMap<number, Bytes>;
  clock: Clock;
  moduleId: string;
  leafLeftMsMin?: number;
}): Promise<Nsm> {
  if (!/^[A-Za-z0-9.-]{1,40}$/.test(options.moduleId)) {
    throw new NsmError(
      'NSM_MODULE_ID',
      `module id ${JSON.stringify(options.moduleId)} is not usable in a certificate name`,
      'Use 1 to 40 letters, digits, dots and dashes.',
    );
  }
  const pcrs = fillPcrs(options.pcrs);
  const { authority, moduleId, clock, leafLeftMsMin } = options;
  const issuer = await CertificateIssuer.open(authority, moduleId, clock, leafLeftMsMin);
  return new DevelopmentNsm({ moduleId, pcrs }, issuer, clock);
}

function fillPcrs(given: ReadonlyMap<number, Bytes>): ReadonlyMap<number, Bytes> {
  for (const [index, pcr] of given) {
    if (!Number.isInteger(index) || index < 0 || index >= PCR_COUNT || pcr.length !== PCR_BYTES) {
      throw new NsmError(
        'NSM_PCRS',
        `PCR${index} with ${pcr.length} bytes is not a PCR`,
        'Give SHA-384 values of 48 bytes under the indices 0 to 15.',
      );
    }
  }
  const filled = new Map<number, Bytes>();
  for (let index = 0; index < PCR_COUNT; index++) {
    filled.set(index, new Uint8Array(given.get(index) ?? new Uint8Array(PCR_BYTES)));
  }
  return filled;
}

function copy(value: Bytes | undefined): Bytes | null {
  return value === undefined ? null : new Uint8Array(value);
}
