/** Preloaded by `node --import`: one module is read with one span of its text replaced, as $MUTATION says. The work tree stays as it is. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

import type { Edit } from './table.ts';

const { file, from, to } = JSON.parse(process.env['MUTATION'] ?? '') as Edit;
const broken = pathToFileURL(fileURLToPath(new URL(`../../../${file}`, import.meta.url))).href;

registerHooks({
  load(url, context, nextLoad) {
    if (url !== broken) return nextLoad(url, context);
    const source = readFileSync(fileURLToPath(url), 'utf8').replace(from, () => to);
    return { format: 'module-typescript', shortCircuit: true, source };
  },
});
