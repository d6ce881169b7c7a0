import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t from 'tap';

import { compileFramework, compilePackage, frameworkSources, moduleName, packageName } from './index.ts';

void t.test('names of modules are those of the sources', async (t) => {
  const declared = async (dir: string): Promise<string[]> => {
    const files = (await readdir(dir)).filter((name) => name.endsWith('.move'));
    const texts = await Promise.all(files.map((name) => readFile(join(dir, name), 'utf8')));
    return texts.flatMap((text) => [...text.matchAll(/^module \w+::(\w+)/gm)].map(([, name = '']) => name));
  };
  const own = join(import.meta.dirname, 'daas');
  const { modules } = await compilePackage({ dir: own });
  t.strictSame(modules.map(moduleName).sort(), (await declared(join(own, 'sources'))).sort());

  const { stdlibDir, suiDir } = await frameworkSources();
  const framework: string[] = [];
  for (const dir of [stdlibDir, suiDir]) {
    const sources = join(dir, 'sources');
    const folders = (await readdir(sources, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name));
    for (const folder of [sources, ...folders]) framework.push(...(await declared(folder)));
  }
  const names = (await compileFramework()).map(moduleName);
  t.ok(names.length > 80);
  t.strictSame(
    names.filter((name) => !framework.includes(name)),
    [],
  );

  const [code = new Uint8Array()] = modules;
  for (const length of [0, 3, 8, 20, 60]) {
    t.throws(
      () => moduleName(code.subarray(0, length)),
      { code: 'COMPILE_FAILED' },
      `cut to ${length} bytes`,
    );
  }
});

void t.test('name of a package', async (t) => {
  t.equal(await packageName(join(import.meta.dirname, 'daas')), 'k3s_daas');
  const dir = await mkdtemp(join(tmpdir(), 'daas-manifest-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  await t.rejects(packageName(dir), { code: 'PACKAGE_UNREADABLE', message: /holds no Move.toml/ });
  for (const [text, name] of [
    ['[addresses]\nname = "no"\n\n[package]\nedition = "2024"\nname = \'mine\' # yes\n', 'mine'],
    ['[package]\r\nname="crlf"\r\n', 'crlf'],
  ] as const) {
    await writeFile(join(dir, 'Move.toml'), text);
    t.equal(await packageName(dir), name);
  }
  for (const text of [
    '',
    '[addresses]\nname = "no"\n',
    '[package]\nname = "two words"\n',
    '[package]\n[x]\nname="n"',
  ]) {
    await writeFile(join(dir, 'Move.toml'), text);
    await t.rejects(packageName(dir), { code: 'PACKAGE_UNREADABLE', message: /without the name/ });
  }
});
