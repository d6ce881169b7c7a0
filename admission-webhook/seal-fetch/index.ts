export { buildSealFetchImage, type BuildOptions, type SealFetchImage } from './image/build.ts';
