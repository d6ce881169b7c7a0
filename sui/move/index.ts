export * from './compile.ts';
export * from './errors.ts';
export * from './framework.ts';
export * from './manifest.ts';
export * from './unit-test.ts';
