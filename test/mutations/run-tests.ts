/** Runs test files in this one process, which starts once: `node run-tests.ts FILE...`. */
import { pathToFileURL } from 'node:url';

for (const file of process.argv.slice(2)) await import(pathToFileURL(file).href);
