import { GrpcTypes } from '@mysten/sui/grpc';
import { toBase64 } from '@mysten/sui/utils';

import type { CommandOutput } from '../chain/commands.ts';
import { LedgerError } from '../chain/errors.ts';
import { select } from './mask.ts';
import { unary, type Method } from './method.ts';
import type { Partial } from './proto-objects.ts';
import { protoOutcome, selectedTransaction } from './proto-transactions.ts';
import { resolveTransaction } from './resolve.ts';

const SERVICE = 'sui.rpc.v2.TransactionExecutionService';

function protoOutput({ returned, mutated }: CommandOutput): Partial<typeof GrpcTypes.CommandResult> {
  return {
    returnValues: returned.map(({ type, bcs }) => ({ value: { name: type.key, value: bcs } })),
    mutatedByRef: mutated.map(({ type, bcs }) => ({ value: { name: type.key, value: bcs } })),
  };
}

export const executionService: readonly Method[] = [
  unary(
    `${SERVICE}/ExecuteTransaction`,
    GrpcTypes.ExecuteTransactionRequest,
    GrpcTypes.ExecuteTransactionResponse,
    async (ledger, { transaction, signatures, readMask }) => {
      const selection = select(GrpcTypes.ExecutedTransaction, readMask, 'effects.status,checkpoint');
      const bytes = transaction?.bcs?.value;
      if (bytes === undefined) throw new LedgerError('TRANSACTION_MALFORMED', 'missing transaction.bcs');
      const serialized = signatures.map(({ bcs }) => {
        if (bcs?.value === undefined) throw new LedgerError('SIGNATURE_INVALID', 'missing signature.bcs');
        return toBase64(bcs.value);
      });
      const executed = await ledger.executeTransaction(bytes, serialized);
      return { transaction: selectedTransaction(executed, selection) };
    },
  ),
  unary(
    `${SERVICE}/SimulateTransaction`,
    GrpcTypes.SimulateTransactionRequest,
    GrpcTypes.SimulateTransactionResponse,
    (ledger, request) => {
      if (request.transaction === undefined)
        throw new LedgerError('TRANSACTION_MALFORMED', 'missing transaction');
      const selection = select(GrpcTypes.SimulateTransactionResponse, request.readMask, '*');
      const unchecked = request.checks === GrpcTypes.SimulateTransactionRequest_TransactionChecks.DISABLED;
      const data = resolveTransaction(ledger, request.transaction, request.doGasSelection ?? false);
      const { transaction, outcome } = ledger.simulate(data, { unchecked });
      return selection.trim(
        GrpcTypes.SimulateTransactionResponse.create({
          transaction: protoOutcome(transaction, outcome),
          commandOutputs: outcome.outputs.map(protoOutput),
        }),
      );
    },
  ),
];
