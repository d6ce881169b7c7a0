import { bcs } from '@mysten/sui/bcs';
import { GrpcTypes } from '@mysten/sui/grpc';
import { toBase64 } from '@mysten/sui/utils';

import { fullAddress } from '../vm/types.ts';
import { GrpcError, Status, unary, type Method } from './method.ts';

function bad(message: string): GrpcError {
  return new GrpcError(Status.invalidArgument, message);
}

/** The signer of a message, by its BCS and the name of its type. */
async function signerOf(name: string, value: Uint8Array, signature: string): Promise<string> {
  // Here and not above: it brings all of zkLogin, a third of the time that a ledger takes to start.
  const { verifyPersonalMessageSignature, verifyTransactionSignature } = await import('@mysten/sui/verify');
  switch (name) {
    case 'TransactionData':
      return (await verifyTransactionSignature(value, signature)).toSuiAddress();
    case 'PersonalMessage': {
      let message: Uint8Array;
      try {
        message = bcs.byteVector().parse(value);
      } catch {
        throw bad('message is not a PersonalMessage in BCS');
      }
      return (await verifyPersonalMessageSignature(message, signature)).toSuiAddress();
    }
    default:
      throw bad(`message of type ${name} is not supported: TransactionData or PersonalMessage`);
  }
}

export const signatureService: readonly Method[] = [
  unary(
    'sui.rpc.v2.SignatureVerificationService/VerifySignature',
    GrpcTypes.VerifySignatureRequest,
    GrpcTypes.VerifySignatureResponse,
    async (_ledger, { message, signature, address }) => {
      const serialized = signature?.bcs?.value;
      if (message?.value === undefined) throw bad('missing message');
      if (serialized === undefined) throw bad('missing signature.bcs');
      try {
        const signer = await signerOf(message.name ?? '', message.value, toBase64(serialized));
        if (address !== undefined && fullAddress(address) !== signer)
          return { isValid: false, reason: `signature is by ${signer}, not by ${address}` };
        return { isValid: true };
      } catch (error) {
        if (error instanceof GrpcError) throw error;
        return { isValid: false, reason: error instanceof Error ? error.message : String(error) };
      }
    },
  ),
];
