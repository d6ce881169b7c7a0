/** Preloaded by `node --import`: spans of modules are read as $MUTATION says. The work tree stays as it is. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { edited, type Edit } from './edits.ts';

const edits = JSON.parse(process.env['MUTATION'] ?? '') as readonly Edit[];
const urlOf = (file: string): string =>
  pathToFileURL(fileURLToPath(new URL(`../../../${file}`, import.meta.url))).href;
const broken = Map.groupBy(edits, ({ file }) => urlOf(file));

registerHooks({
  load(url, context, nextLoad) {
    const own = broken.get(url);
    if (own === undefined) return nextLoad(url, context);
    const source = edited(readFileSync(fileURLToPath(url), 'utf8'), own);
    return { format: 'module-typescript', shortCircuit: true, source };
  },
});
