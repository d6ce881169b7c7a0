/** Preloaded by `node --import`: one module is read with one span of it replaced, as $MUTANT says. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

import type { Mutant } from './mutants.ts';

const { file, start, end, text } = JSON.parse(process.env['MUTANT'] ?? '') as Mutant;
const broken = pathToFileURL(file).href;

registerHooks({
  load(url, context, nextLoad) {
    if (url !== broken) return nextLoad(url, context);
    const source = readFileSync(fileURLToPath(url), 'utf8');
    return {
      format: 'module-typescript',
      shortCircuit: true,
      source: source.slice(0, start) + text + source.slice(end),
    };
  },
});
