export type { Checkpoint } from './chain/checkpoints.ts';
export type { LedgerClock, ManualClock } from './chain/clock.ts';
export { LedgerError, type LedgerErrorCode } from './chain/errors.ts';
export { feeAt, GAS_UNITS, REFERENCE_GAS_PRICE } from './chain/gas.ts';
export type { ExecutedTransaction } from './chain/history.ts';
export {
  createLedger,
  type Ledger,
  type LedgerOptions,
  type Simulation,
  type SimulationOptions,
} from './chain/ledger.ts';
export { openLedger, type JournaledLedger, type JournaledLedgerOptions } from './journal/open.ts';
export { restoreLedger, type RestoredJournal, type RestoreOptions } from './journal/restore.ts';
export type { SnapshotOptions, SnapshotResult } from './journal/snapshots.ts';
export { AttestationFault, type AttestationFaultReason } from './natives/nitro.ts';
export type { AdminOptions, SnapshotReport } from './server/admin.ts';
export { serveLedger, type LedgerServer, type ServeOptions } from './server/server.ts';
export type { AttestationVerifier, PcrEntry, VerifiedAttestation } from './vm/native.ts';
