import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

import t, { type Test } from 'tap';

import { toHex, utf8, type Bytes } from '@k3s-daas/core';

import { checkClosure, committedRuntime, renderClosure, runtimePackage } from './closure.ts';
import { commonArchive } from './compare.ts';
import { cpioArchive } from './cpio.ts';
import { ENCLAVE_ROOTS, listSources } from '../nsm/measure.ts';
import { readClosure } from './lockfile.ts';
import { packageFiles, readTar } from './tarball.ts';
import { writeTree, type ImageEntry } from './tree.ts';

function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'daas-image-test-'));
  t.teardown(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

function hasProgram(name: string): boolean {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const sha512 = (text: string): string => `sha512-${createHash('sha512').update(text).digest('base64')}`;

type Lock = Record<string, Record<string, unknown>>;

/** app → (a → b 1, core → b 2 of the root); dev has its own; native is optional; every tarball is pinned. */
function lock(change: (packages: Lock) => void = () => undefined): string {
  const packages: Lock = {
    '': { dependencies: { unrelated: '1' } },
    app: { dependencies: { a: '1', '@own/core': '1' }, devDependencies: { dev: '1' } },
    core: { dependencies: { b: '2' } },
    'node_modules/@own/core': { link: true, resolved: 'core' },
    'node_modules/a': {
      version: '1.0.0',
      integrity: sha512('a'),
      dependencies: { b: '1', '@scope/c': '*' },
      optionalDependencies: { native: '1' },
      peerDependencies: { peer: '1' },
    },
    'node_modules/a/node_modules/b': { version: '1.5.0', integrity: sha512('b1') },
    'node_modules/b': { version: '2.0.0', integrity: sha512('b2') },
    'node_modules/@scope/c': { version: '3.0.0', integrity: sha512('c'), dependencies: { b: '2' } },
    'node_modules/native': { version: '1.0.0', integrity: sha512('n'), hasInstallScript: true },
    'node_modules/dev': { version: '1.0.0', integrity: sha512('d') },
    'node_modules/peer': { version: '1.0.0', integrity: sha512('p') },
    'node_modules/unrelated': { version: '1.0.0', integrity: sha512('u') },
  };
  change(packages);
  return JSON.stringify({ name: 'x', lockfileVersion: 3, packages });
}

const rendered = (lockText: string): string =>
  renderClosure({
    runtime: runtimePackage('24.0.0', sha512('node')),
    packages: readClosure(lockText, ['app']),
    sourceFolders: ['core', 'app/inner'],
  });

void t.test('the closure is what the workspaces need, and every change of it is named', (t) => {
  const closure = readClosure(lock(), ['app']);
  t.strictSame(
    closure.map(({ location, version }) => `${location}@${version}`),
    [
      'node_modules/@scope/c@3.0.0',
      'node_modules/a@1.0.0',
      'node_modules/a/node_modules/b@1.5.0',
      'node_modules/b@2.0.0',
    ],
    'without what is optional, a peer, for development, or of others',
  );
  t.strictSame(
    readClosure(lock(), ['app'], new Set(['@scope/c', 'b'])).map(({ name }) => name),
    ['a'],
    'and without what is left out',
  );

  const committed = rendered(lock());
  t.match(committed, `package b@1.5.0 ${sha512('b1')} in a\n`);
  t.match(committed, `package b@2.0.0 ${sha512('b2')}\n`);
  t.match(committed, 'source app/inner\nsource core\n');
  t.strictSame(committedRuntime(committed), runtimePackage('24.0.0', sha512('node')));
  t.equal(committedRuntime('runtime other@1.0.0 sha512-x'), null);
  checkClosure(committed, rendered(lock()));

  const differs = (change: (packages: Lock) => void, ...lines: string[]): void => {
    let message = '';
    try {
      checkClosure(committed, rendered(lock(change)));
    } catch (error) {
      t.match(error, { code: 'CLOSURE_CHANGED', remedy: /--update/ });
      message = (error as Error).message;
    }
    t.strictSame(message.split('\n').slice(1), lines);
  };
  differs(
    (packages) => (packages['node_modules/b'] = { version: '2.0.0', integrity: sha512('other bytes') }),
    `- package b@2.0.0 ${sha512('b2')}`,
    `+ package b@2.0.0 ${sha512('other bytes')}`,
  );
  differs(
    (packages) => {
      packages['node_modules/b'] = { ...packages['node_modules/b'], dependencies: { evil: '*' } };
      packages['node_modules/evil'] = { version: '6.6.6', integrity: sha512('evil') };
    },
    `+ package evil@6.6.6 ${sha512('evil')}`,
  );
  differs(
    (packages) => delete packages['node_modules/a/node_modules/b'],
    `- package b@1.5.0 ${sha512('b1')} in a`,
  );
  differs(() => undefined);
  t.end();
});

void t.test('a lock file that does not pin is refused', (t) => {
  const refused = (change: (packages: Lock) => void, code: string, message: RegExp): void => {
    t.throws(() => readClosure(lock(change), ['app']), { code, message });
  };
  const b = (entry: Record<string, unknown>) => (packages: Lock) => (packages['node_modules/b'] = entry);
  refused(b({ version: '2.0.0' }), 'CLOSURE_UNPINNED', /node_modules\/b is not pinned/);
  refused(
    b({ version: '2.0.0', integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }),
    'CLOSURE_UNPINNED',
    /pinned/,
  );
  refused(b({ integrity: sha512('b2') }), 'CLOSURE_UNPINNED', /pinned/);
  refused(
    b({ version: '2.0.0', integrity: sha512('b2'), hasInstallScript: true }),
    'CLOSURE_UNPINNED',
    /run a script/,
  );
  refused((packages) => delete packages['node_modules/b'], 'CLOSURE_MALFORMED', /core needs b/);
  refused(
    (packages) => (packages['node_modules/@own/core'] = { link: true, resolved: '../elsewhere' }),
    'CLOSURE_MALFORMED',
    /links out/,
  );
  t.throws(() => readClosure('{', ['app']), { code: 'CLOSURE_MALFORMED' });
  t.throws(() => readClosure('{"lockfileVersion":1,"packages":{}}', ['app']), { code: 'CLOSURE_MALFORMED' });
  t.throws(() => readClosure(lock(), ['absent']), { code: 'CLOSURE_MALFORMED' });
  t.end();
});

void t.test('packages are read from their tarballs by digest', async (t) => {
  const base = folder(t);
  const long = `${'deep/'.repeat(30)}file.js`;
  const content = new Map([
    ['index.js', 'module.exports = 1;\n'],
    [long, 'x'],
    ['empty', ''],
    ['ü.js', 'ü'],
  ]);
  for (const [path, text] of content) {
    mkdirSync(dirname(join(base, 'package', path)), { recursive: true });
    writeFileSync(join(base, 'package', path), text);
  }
  const read = (archive: Bytes): [string, string][] =>
    [...readTar(archive)].map(([path, bytes]) => [path, new TextDecoder().decode(bytes)]);
  const archive = execFileSync('tar', ['-c', '--format=pax', '-C', base, 'package']);
  t.strictSame(new Map(read(archive)), content, 'as the system tar wrote it, with long names');
  const [name, text] = ['package/index.js', 'module.exports = 1;\n'];
  const ustar = execFileSync('tar', ['-c', '--format=ustar', '-C', base, name]);
  t.strictSame(read(ustar), [['index.js', text]]);

  t.throws(() => readTar(ustar.subarray(0, 512)), { code: 'ARCHIVE_MALFORMED' }, 'ends within a file');
  t.throws(() => readTar(ustar.subarray(0, 1024)), { code: 'ARCHIVE_MALFORMED' }, 'has no end');
  const patched = (change: (header: Buffer) => void): Buffer => {
    const copy = Buffer.from(ustar);
    change(copy);
    return copy;
  };
  for (const [what, archive] of [
    ['a path upwards', patched((header) => header.write('package/../../x\0', 0))],
    ['an absolute path', patched((header) => header.write('package//etc/x\0', 0))],
    ['a link', patched((header) => header.write('2', 156))],
    ['a size that is no number', patched((header) => header.write('99999999999', 124))],
  ] as const) {
    t.throws(() => readTar(archive), { code: 'ARCHIVE_MALFORMED' }, what);
  }

  const tarball = gzipSync(archive);
  const digest = createHash('sha512').update(tarball).digest();
  const pinned = {
    location: 'node_modules/p',
    name: 'p',
    version: '1.0.0',
    integrity: `sha512-${digest.toString('base64')}`,
  };
  await t.rejects(packageFiles(base, pinned), { code: 'PACKAGE_ABSENT' });
  const hex = digest.toString('hex');
  const held = join(base, '_cacache/content-v2/sha512', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
  mkdirSync(dirname(held), { recursive: true });
  writeFileSync(held, tarball);
  t.equal((await packageFiles(base, pinned)).size, content.size);
  writeFileSync(held, gzipSync(ustar));
  await t.rejects(packageFiles(base, pinned), { code: 'PACKAGE_DIGEST' }, 'other bytes under that name');
});

void t.test('sources: what runs inside, and nothing for tests or for building', (t) => {
  const base = folder(t);
  const inside = [
    'core/a.ts',
    'core/package.json',
    'core/testing.ts',
    'enclave/image/guest/installation.ts',
    'enclave/main.ts',
    'enclave/nsm/measure.ts',
  ];
  const outside = [
    'core/.cache/x.ts',
    'core/README.md',
    'core/a.test.ts',
    'core/data.json',
    'core/vectors/make.ts',
    'enclave/image/deeper/x.ts',
    'enclave/image/measure.ts',
    'enclave/node_modules/x/index.ts',
    'enclave/nsm/device/nsm-request.c',
    'enclave/nsm/test/world.ts',
    'enclave/testdata/x.ts',
  ];
  for (const path of [...outside, ...inside].reverse()) {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    writeFileSync(join(base, path), '');
  }
  t.strictSame(listSources(base, ['enclave', 'core', 'enclave']), inside);
  const repository = join(import.meta.dirname, '../..');
  const own = listSources(repository, ENCLAVE_ROOTS);
  t.ok(own.includes('enclave/main.ts') && own.includes('enclave/attestation/package.json'));
  t.strictSame(
    own.filter((path) => /\/test|\.test\.|vectors|image\/(?!guest\/)/.test(path)),
    [],
  );
  t.end();
});

const sample: readonly ImageEntry[] = [
  { path: 'init', kind: 'file', content: utf8('#!/bin/sh\n'), executable: true },
  { path: 'app/a.ts', kind: 'file', content: utf8('export {};\n'), executable: false },
  { path: 'app/deep/empty', kind: 'file', content: new Uint8Array(), executable: false },
  { path: 'app-b', kind: 'file', content: utf8('b'), executable: false },
  { path: 'app/node_modules/own', kind: 'link', target: '../deep' },
];

async function archiveOf(tree: string): Promise<Buffer> {
  const parts: Bytes[] = [];
  for await (const part of cpioArchive(tree)) parts.push(part);
  return Buffer.concat(parts);
}

void t.test('the archive is canonical', async (t) => {
  const base = folder(t);
  const tree = join(base, 'tree');
  await writeTree(tree, sample);
  const archive = await archiveOf(tree);

  // One file by hand: inode 1 after the folder, 0100644, one link, 2 bytes, name of 4 with its zero.
  mkdirSync(join(base, 'small/d'), { recursive: true });
  writeFileSync(join(base, 'small/d/f'), 'hi');
  const zero = '00000000';
  const numbers = ['00000001', '000081A4', zero, zero, '00000001', zero, '00000002'];
  const expected = `070701${numbers.join('')}${zero.repeat(4)}00000004${zero}d/f\0\0\0hi\0\0`;
  const small = await archiveOf(join(base, 'small'));
  t.equal(small.toString('latin1', 112, 112 + expected.length), expected.slice(0));
  t.equal(archive.length % 512, 0);

  await t.test('and the one of GNU cpio', { skip: hasProgram('cpio') ? false : 'no cpio here' }, (t) => {
    const names = ['app', 'app-b', 'app/a.ts', 'app/deep', 'app/deep/empty', 'app/node_modules'];
    names.push('app/node_modules/own', 'init');
    for (const name of names) {
      if (name !== 'app/node_modules/own') utimesSync(join(tree, name), 0, 0);
    }
    execFileSync('touch', ['-h', '-d', '@0', join(tree, 'app/node_modules/own')]);
    const options = ['--null', '-o', '--quiet', '--format=newc', '--reproducible', '--owner=+0:+0'];
    const theirs = execFileSync('cpio', options, { cwd: tree, input: names.map((n) => `${n}\0`).join('') });
    t.ok(theirs.equals(archive), 'byte for byte');
    const out = join(base, 'unpacked');
    mkdirSync(out);
    execFileSync('cpio', ['-i', '-d', '--quiet'], { cwd: out, input: archive });
    t.equal(readFileSync(join(out, 'app/a.ts'), 'utf8'), 'export {};\n');
    t.ok(existsSync(join(out, 'app/node_modules/own/empty')), 'the link leads there');
    t.end();
  });
  execFileSync('mkfifo', [join(tree, 'pipe')]);
  await t.rejects(archiveOf(tree), { code: 'BUILD_FAILED' }, 'nothing else may be in it');
});

void t.test('two builds: surroundings do not matter, a difference is named', async (t) => {
  const base = folder(t);
  const before = process.umask(0o077);
  await writeTree(join(base, 'one'), sample);
  process.umask(0o002);
  await writeTree(join(base, 'other'), [...sample].reverse());
  process.umask(before);
  utimesSync(join(base, 'other/app/a.ts'), 1, 1);
  const { digest, bytes } = await commonArchive(join(base, 'one'), join(base, 'other'));
  const archive = await archiveOf(join(base, 'one'));
  t.equal(digest, toHex(createHash('sha384').update(archive).digest()));
  t.equal(bytes, archive.length);
  await t.rejects(writeTree(join(base, 'one'), sample), { code: 'EEXIST' });

  let count = 0;
  const named = async (change: (tree: string) => void, lines: RegExp[]): Promise<void> => {
    const tree = join(base, `changed-${count++}`);
    await writeTree(tree, sample);
    change(tree);
    let message = '';
    try {
      await commonArchive(join(base, 'one'), tree);
    } catch (error) {
      t.match(error, { code: 'NOT_REPRODUCIBLE' });
      message = (error as Error).message;
    }
    const found = message.split('\n').slice(1);
    t.equal(found.length, lines.length, message);
    for (const [index, line] of lines.entries()) t.match(found[index], line);
  };
  await named(
    (tree) => {
      writeFileSync(join(tree, 'app/a.ts'), `// built in ${tree}\n`);
    },
    [/^differs: app\/a\.ts \(file [0-9a-f]{96} \| file [0-9a-f]{96}\)$/],
  );
  await named(
    (tree) => {
      writeFileSync(join(tree, 'app/time'), String(Date.now()));
      rmSync(join(tree, 'init'));
    },
    [/^only in the second: app\/time$/, /^only in the first: init$/],
  );
  await named(
    (tree) => {
      chmodSync(join(tree, 'app/a.ts'), 0o755);
      rmSync(join(tree, 'app/node_modules/own'));
      symlinkSync(tree, join(tree, 'app/node_modules/own'));
    },
    [/^differs: app\/a\.ts \(file .* \| file executable /, /^differs: app\/node_modules\/own/],
  );
});
