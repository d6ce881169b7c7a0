export * from './build.ts';
export {
  type BuildProgress,
  type BuildTarget,
  cacheRoot,
  ensureCached,
  goBuild,
  moduleFiles,
  pinnedModules,
  platformKey,
} from './cached-build.ts';
export { MODULE_DIR } from './go.ts';
export { locateFile } from './locate.ts';
export * from './errors.ts';
export * from './kubectl.ts';
export * from './nodes.ts';
export * from './pki.ts';
export * from './start.ts';
export { type Child, type ChildExit, Children, refuseIfOwned, stopRecorded } from './children.ts';
export type { SchedulerConfigOptions } from './scheduler-config.ts';
export { prepareIdentity } from './identity.ts';
export { freePorts } from './ports.ts';
