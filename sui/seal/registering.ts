// What makes and registers key servers, without what serves one: that loads a web server and takes a tenth of a second.
export { firstPackageId } from './key-server/chain.ts';
export { generateMasterKey, MasterKey } from './key-server/crypto.ts';
export { registerKeyServer, updateKeyServerUrl } from './key-server/register.ts';
