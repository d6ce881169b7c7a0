export * from './engine.ts';
export * from './errors.ts';
export * from './kube/binder.ts';
export * from './kube/client.ts';
export * from './kube/errors.ts';
export * from './kube/view.ts';
export type { WatchLimits, WatchStatus } from './kube/watch-list.ts';
export * from './ports.ts';
