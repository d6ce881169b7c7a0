import { ExecutionFailure, NativeAbort } from '../vm/failure.ts';
import type { Native, PcrEntry, VerifiedAttestation } from '../vm/native.ts';
import { arg, moveBytes, moveOption } from './arguments.ts';

/** Why an attestation document does not hold; the names are those of the constants in sui::nitro_attestation. */
export type AttestationFaultReason = 'parse' | 'verify' | 'pcrs';

/** Abort codes EParseError, EVerifyError, EInvalidPCRsError of sui::nitro_attestation. */
const ABORT_CODES: Readonly<Record<AttestationFaultReason, bigint>> = { parse: 1n, verify: 2n, pcrs: 3n };

/** Thrown by an AttestationVerifier to choose the abort code that the transaction sees. */
export class AttestationFault extends Error {
  readonly reason: AttestationFaultReason;
  constructor(reason: AttestationFaultReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** PCRs that the framework keeps even when they are zero (sui::nitro_attestation::pcrs). */
const REQUIRED_PCRS: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 8]);

function keptPcrs(pcrs: readonly PcrEntry[]): PcrEntry[] {
  return pcrs
    .filter(({ index, value }) => REQUIRED_PCRS.has(index) || value.some((byte) => byte !== 0))
    .sort((a, b) => a.index - b.index);
}

function optionalBytes(bytes: Uint8Array | undefined): ReturnType<typeof moveOption> {
  return moveOption(bytes === undefined ? undefined : moveBytes(bytes));
}

export const nitroNatives: Readonly<Record<string, Native>> = {
  'nitro_attestation::load_nitro_attestation_internal': (
    { verifyAttestation },
    _types,
    [document, clockMs],
  ) => {
    let verified: VerifiedAttestation;
    try {
      verified = verifyAttestation(arg.bytes(document), arg.u64(clockMs));
    } catch (error) {
      if (error instanceof ExecutionFailure) throw error;
      throw new NativeAbort(ABORT_CODES[error instanceof AttestationFault ? error.reason : 'verify']);
    }
    // NitroAttestationDocument { module_id, timestamp, digest, pcrs, public_key, user_data, nonce }
    return [
      moveBytes(Buffer.from(verified.moduleId)),
      BigInt(verified.timestampMs),
      moveBytes(Buffer.from(verified.digest)),
      keptPcrs(verified.pcrs).map(({ index, value }) => [index, moveBytes(value)]),
      optionalBytes(verified.publicKey),
      optionalBytes(verified.userData),
      optionalBytes(verified.nonce),
    ];
  },
};
