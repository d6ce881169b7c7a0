export { developmentNsm } from './development.ts';
export { deviceNsm } from './device.ts';
export { measureEnclave, measureTree } from './measure.ts';
export {
  NsmError,
  type AttestationRequest,
  type Nsm,
  type NsmDescription,
  type NsmErrorCode,
} from './nsm.ts';
export { createDevelopmentAuthority, type DevelopmentAuthority } from './pki.ts';
