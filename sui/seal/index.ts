export { suiChain, type KeyServerChain, type SimulatedFailure } from './key-server/chain.ts';
export { generateMasterKey, MasterKey, type RandomBytes } from './key-server/crypto.ts';
export { KeyServerError, type KeyServerErrorCode } from './key-server/errors.ts';
export { registerKeyServer } from './key-server/register.ts';
export { serveKeyServer, type KeyServer, type KeyServerOptions } from './key-server/server.ts';
export * from './sealed/index.ts';
