export { createEngine } from './decision/engine.ts';
export * from './engine.ts';
export * from './errors.ts';
export { readJson, type BodyLimits } from './http/body.ts';
export { clients, type Clients } from './http/clients.ts';
export { HttpError, type HttpErrorCode } from './http/errors.ts';
export type { Readiness, Reason } from './http/readiness.ts';
export * from './http/serve.ts';
export * from './kube/binder.ts';
export * from './kube/client.ts';
export * from './kube/errors.ts';
export * from './kube/view.ts';
export type { WatchLimits, WatchStatus } from './kube/watch-list.ts';
export { openDecisionLog, type DecisionLog } from './log/log.ts';
export {
  replayLog,
  type Replay,
  type ReplayedAdoption,
  type ReplayedDecision,
  type ReplayOptions,
  type Violation,
  type ViolationCode,
} from './log/replay.ts';
export * from './ports.ts';
