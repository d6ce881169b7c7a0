export * from './errors.ts';
export * from './image.ts';
export { HOST_ADDRESS, place, type Place } from './private-network.ts';
export * from './programs.ts';
export * from './start.ts';
