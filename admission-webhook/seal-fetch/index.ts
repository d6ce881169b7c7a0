export { placesUnder, type Places } from './places.ts';
export { run, type Process } from './run.ts';
