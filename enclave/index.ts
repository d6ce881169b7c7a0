export * from './errors.ts';
export * from './run.ts';
export { BOOT_STEPS, type BootProgress, type BootStep } from './boot/steps.ts';
export {
  createDevelopmentAuthority,
  developmentNsm,
  measureEnclave,
  type DevelopmentAuthority,
  type Nsm,
} from './nsm/index.ts';
