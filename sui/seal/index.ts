export { suiChain, type KeyServerChain, type SimulatedFailure } from './key-server/chain.ts';
export { encryptTo, type RandomBytes } from './key-server/crypto.ts';
export { KeyServerError, type KeyServerErrorCode } from './key-server/errors.ts';
export { type HealthCheck } from './key-server/health.ts';
export { chainChecks, readKeyServer, type KeyServerRecord } from './key-server/registration.ts';
export { serveKeyServer, type KeyServer, type KeyServerOptions } from './key-server/server.ts';
export * from './registering.ts';
export * from './sealed/index.ts';
