export { buildSealFetchImage, type BuildOptions, type SealFetchImage } from './build.ts';
export { keptSealFetchImage } from './kept.ts';
