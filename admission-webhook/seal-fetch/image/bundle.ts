import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build, type Plugin } from 'esbuild';

import { ImageError } from './errors.ts';

export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

export interface Bundle {
  /** One script that the kernel starts by itself: its first line names Node, so that no shell is needed. */
  readonly program: Uint8Array;
  /** Every file that was read for it, relative to REPOSITORY. */
  readonly inputs: readonly string[];
}

/**
 * The same sources and packages, the same bytes.
 * @throws ImageError BUNDLE_FAILED
 */
export async function bundleProgram(): Promise<Bundle> {
  try {
    const { outputFiles, metafile } = await build({
      entryPoints: [MAIN],
      absWorkingDir: REPOSITORY,
      bundle: true,
      platform: 'node',
      target: 'node24',
      // Node reads a file without an ending as CommonJS.
      format: 'cjs',
      minify: true,
      legalComments: 'none',
      banner: { js: '#!/usr/bin/node' },
      plugins: [withoutSideEffects],
      logLevel: 'silent',
      write: false,
      metafile: true,
      outfile: 'seal-fetch',
    });
    const [output] = outputFiles;
    if (output === undefined) throw new Error('there is no output');
    return { program: output.contents, inputs: Object.keys(metafile.inputs) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ImageError('BUNDLE_FAILED', `seal-fetch cannot be bundled: ${why}`, 'run npm ci', { cause });
  }
}

/** Modules of this repository do nothing when they are loaded: what is not used of them, a key server for one, stays out. */
const withoutSideEffects: Plugin = {
  name: 'without-side-effects',
  setup(bundler) {
    bundler.onResolve({ filter: /.*/ }, async ({ path, pluginData, ...where }) => {
      if (pluginData === withoutSideEffects) return undefined;
      const { importer, namespace, resolveDir, kind } = where;
      const options = { importer, namespace, resolveDir, kind, pluginData: withoutSideEffects };
      const resolved = await bundler.resolve(path, options);
      const own = resolved.errors.length === 0 && !resolved.path.includes(`${sep}node_modules${sep}`);
      return own ? { ...resolved, sideEffects: false } : resolved;
    });
  },
};
