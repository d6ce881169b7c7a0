export * from './build.ts';
export * from './errors.ts';
export * from './kubectl.ts';
export * from './nodes.ts';
export * from './pki.ts';
export * from './start.ts';
export { type Child, type ChildExit, Children, stopRecorded } from './children.ts';
export type { SchedulerConfigOptions } from './scheduler-config.ts';
