import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { utf8, type Bytes } from '@k3s-daas/core';
import fc from 'fast-check';
import t, { type Test } from 'tap';

import { writeAtomically, type FileProjection } from './atomic-writer.ts';
import { environmentFile, writeEnvironmentFile } from './env-file.ts';

const NOW = Date.UTC(2026, 10, 21, 16, 5, 7);
const file = (text: string, mode = 0o644): FileProjection => ({ data: utf8(text), mode });
const payload = (files: Record<string, FileProjection>) => new Map(Object.entries(files));
const mode = (path: string) => lstatSync(path).mode & 0o7777;

function volume(t: Test): string {
  return t.testdir({ volume: {} }) + '/volume';
}

/** Names in a volume; the stamped folder as `..stamp`. */
function names(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => (/^\.\.\d/.test(name) ? '..stamp' : name))
    .sort();
}

await t.test('a volume looks as the kubelet would have written it', (t) => {
  const folder = volume(t);
  chmodSync(folder, 0o2777); // as the kubelet leaves a volume of a pod with fsGroup
  const umask = process.umask(0o077);
  writeAtomically(
    folder,
    payload({ password: file('one', 0o440), 'tls/key': file('k', 0o400), 'tls/a/b': file('b') }),
    NOW,
  );
  process.umask(umask);
  t.strictSame(names(folder), ['..data', '..stamp', 'password', 'tls']);
  const stamped = readlinkSync(join(folder, '..data'));
  t.match(stamped, /^\.\.2026_11_21_16_05_07\.\w{6}$/);
  t.equal(readlinkSync(join(folder, 'password')), '..data/password');
  t.equal(readlinkSync(join(folder, 'tls')), '..data/tls');
  t.equal(readFileSync(join(folder, 'tls/a/b'), 'utf8'), 'b');
  t.strictSame(
    ['password', 'tls/key', 'tls/a/b'].map((path) => mode(join(folder, stamped, path))),
    [0o440, 0o400, 0o644],
    'modes are those asked for, whatever the umask',
  );
  t.strictSame(
    ['', 'tls', 'tls/a'].map((path) => mode(join(folder, stamped, path))),
    [0o2755, 0o2755, 0o2755],
    'folders keep the bit of the group',
  );
  t.end();
});

await t.test('new content is swapped in whole', (t) => {
  const folder = volume(t);
  writeAtomically(folder, payload({ a: file('1'), gone: file('1'), 'dir/x': file('1') }), NOW);
  const before = readlinkSync(join(folder, '..data'));
  const held = join(folder, before, 'a');
  writeAtomically(folder, payload({ a: file('2'), 'dir/y': file('2') }), NOW);
  t.not(readlinkSync(join(folder, '..data')), before);
  t.notOk(existsSync(held), 'the old folder is gone');
  t.strictSame(names(folder), ['..data', '..stamp', 'a', 'dir'], 'and so is the link to what is gone');
  t.strictSame(readdirSync(join(folder, 'dir')), ['y']);
  t.equal(readFileSync(join(folder, 'a'), 'utf8'), '2');
  t.end();
});

await t.test('a write that was cut short leaves the old content, and the next one cleans up', (t) => {
  const folder = volume(t);
  writeAtomically(folder, payload({ a: file('old') }), NOW);
  const failing = payload({ a: file('new'), 'a/b': file('a file under a file') });
  t.throws(
    () => {
      writeAtomically(folder, failing, NOW);
    },
    { code: 'WRITE_FAILED' },
  );
  t.equal(readFileSync(join(folder, 'a'), 'utf8'), 'old');
  t.strictSame(names(folder), ['..data', '..stamp', 'a'], 'nothing of the new one is left');

  // What a killed one leaves: a folder that nothing leads to, and the link that was to be renamed.
  mkdirSync(join(folder, '..2026_01_01_00_00_00.abcdef'));
  writeFileSync(join(folder, '..2026_01_01_00_00_00.abcdef/a'), 'half');
  symlinkSync('..2026_01_01_00_00_00.abcdef', join(folder, '..data_tmp'));
  t.equal(readFileSync(join(folder, 'a'), 'utf8'), 'old', 'readers do not see it');
  writeAtomically(folder, payload({ a: file('new') }), NOW);
  t.equal(readFileSync(join(folder, 'a'), 'utf8'), 'new');
  t.strictSame(names(folder), ['..data', '..stamp', 'a']);
  t.end();
});

await t.test('links that lead out of a volume are not followed', (t) => {
  const root = t.testdir({ volume: {}, outside: { kept: 'outside' } });
  const folder = join(root, 'volume');
  const outside = join(root, 'outside');
  symlinkSync(outside, join(folder, '..data'));
  symlinkSync(join(outside, 'kept'), join(folder, 'a'));
  symlinkSync(outside, join(folder, 'dir'));
  symlinkSync(outside, join(folder, 'theirs'));
  writeAtomically(folder, payload({ a: file('secret'), 'dir/kept': file('secret') }), NOW);
  t.strictSame(readdirSync(outside), ['kept']);
  t.equal(readFileSync(join(outside, 'kept'), 'utf8'), 'outside');
  t.equal(readFileSync(join(folder, 'a'), 'utf8'), 'secret');
  t.equal(readFileSync(join(folder, 'dir/kept'), 'utf8'), 'secret');
  t.equal(readlinkSync(join(folder, 'theirs')), outside, 'what is not ours is left alone');

  const refuse = (folder: string, path = 'a'): void => {
    t.throws(
      () => {
        writeAtomically(folder, payload({ [path]: file('secret') }), NOW);
      },
      { code: 'WRITE_FAILED' },
    );
  };
  symlinkSync(outside, join(root, 'link'));
  refuse(join(root, 'link'));
  for (const path of ['../outside/x', '/etc/x', '..data', '..data/x', 'a/../../x', '']) refuse(folder, path);
  mkdirSync(join(folder, 'taken'));
  refuse(folder, 'taken');
  t.equal(readFileSync(join(folder, 'a'), 'utf8'), 'secret', 'and the old content is still there');
  t.strictSame(readdirSync(outside), ['kept']);
  t.end();
});

const variables = (values: readonly Bytes[]) =>
  values.map((value, index) => ({ name: `V${index}`, from: `app/key-${index}`, value }));

// Each is refused for a reason of the kubelet's: env_util.go, kubelet_pods.go and CRI's strings, release 1.36.
const REFUSED: readonly (readonly [string, Bytes, RegExp])[] = [
  ['a single quote', utf8("it's"), /single quote/],
  ['NUL', utf8('a\0b'), /NUL/],
  ['nothing', utf8(''), /empty/],
  ['CRLF', utf8('a\r\nb'), /carriage return/],
  ['no UTF-8', new Uint8Array([0x61, 0xff]), /UTF-8/],
  ['a long line', utf8('x'.repeat(65_531)), /64 KiB/],
  ['a long first line', utf8(`${'x'.repeat(65_532)}\n`), /64 KiB/],
  ['a long inner line', utf8(`a\n${'x'.repeat(65_536)}\nb`), /64 KiB/],
  ['a long last line', utf8(`a\n${'x'.repeat(65_535)}`), /64 KiB/],
];
// From env_util_test.go ("value with …", "multi-line value …") and the edges of what is refused above.
const TAKEN: readonly string[] = [
  'x'.repeat(65_530),
  `${'x'.repeat(65_531)}\n${'y'.repeat(65_535)}\n${'z'.repeat(65_534)}`,
  'foo#notcomment',
  '   foo bar   ',
  'foo=bar=baz',
  'foo$BAR-${HOME}_$',
  '!@#$%^&*()_+-=[]{}|;:,.<>?/',
  '中文 Español Français 🌍',
  'path\\\\to\\\\file',
  'value with "nested" quotes',
  'line1\n\nline3 after empty line\n\nline5',
  'line1\n  # no comment\nKEY=1',
  '\n',
  '\r',
  'ends with\n',
  'a\rb',
  ' ',
  '\ufeffmark',
];

await t.test('values that no environment variable can hold are refused by name', (t) => {
  for (const [what, value, why] of REFUSED) {
    const all = variables([utf8('good'), value]);
    const refused = {
      code: 'VALUE_NOT_ENVIRONMENT',
      message: why,
      remedy: 'mount app/key-1 as a file instead',
    };
    t.throws(() => environmentFile(all), refused, what);
  }
  t.equal(environmentFile(variables([utf8('a'), utf8('b\nc')])).toString(), "V0='a'\nV1='b\nc'\n");
  const path = join(t.testdir(), 'env');
  writeEnvironmentFile(path, utf8('old'));
  writeEnvironmentFile(path, utf8('new'));
  t.strictSame([readFileSync(path, 'utf8'), mode(path)], ['new', 0o400]);
  t.strictSame(readdirSync(dirname(path)), ['env']);
  t.end();
});

const GO = 'go';
const PARSER = 'k8s.io/kubernetes@v1.36.3/pkg/kubelet/util/env/env_util.go';
const { status, stdout } = spawnSync(GO, ['env', 'GOMODCACHE'], { encoding: 'utf8' });
const modules = status === 0 ? stdout.trim() : '';
const source = join(modules, PARSER);
const skip = modules !== '' && existsSync(source) ? false : 'needs Go and the sources of Kubernetes';

await t.test('the kubelet’s own parser reads the very same values back', { skip }, (t) => {
  // The parser reads UTF-8 with single quotes around it; whatever else strings hold, it must come back.
  const seed = 20261121;
  const random = fc.sample(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((text) => !/['\0]|\r\n/.test(text)),
    { numRuns: 300, seed },
  );
  const values = [...TAKEN, ...random];
  const dir = t.testdir({
    'go.mod': 'module oracle\n\ngo 1.24\n',
    'main.go': `package main
import ("encoding/base64"; "fmt"; "os"; "strconv")
func main() {
  n, _ := strconv.Atoi(os.Args[2])
  for i := 0; i < n; i++ {
    value, err := ParseEnv(os.Args[1], fmt.Sprintf("V%d", i))
    if err != nil { fmt.Println("error", err); continue }
    fmt.Println(base64.StdEncoding.EncodeToString([]byte(value)))
  }
}`,
    'env_util.go': readFileSync(source, 'utf8').replace(/^package env$/m, 'package main'),
    env: environmentFile(variables(values.map(utf8))),
  });
  execFileSync(GO, ['build', '-o', 'oracle', '.'], {
    cwd: dir,
    env: { ...process.env, GOFLAGS: '-mod=mod' },
  });
  const read = execFileSync(join(dir, 'oracle'), [join(dir, 'env'), String(values.length)], {
    encoding: 'utf8',
  });
  t.strictSame(
    read
      .trimEnd()
      .split('\n')
      .map((line) => Buffer.from(line, 'base64').toString('utf8')),
    values,
    `seed ${seed}`,
  );
  // And what is refused is refused for a reason: the parser does not give it back.
  for (const [what, value] of REFUSED.filter(([name]) => !['NUL', 'no UTF-8', 'nothing'].includes(name))) {
    const text = Buffer.concat([utf8("V0='"), value, utf8("'\nV1='after'\n")]);
    writeFileSync(join(dir, 'bad'), text);
    const lines = execFileSync(join(dir, 'oracle'), [join(dir, 'bad'), '2'], { encoding: 'utf8' }).split(
      '\n',
    );
    const good = lines[0] === Buffer.from(value).toString('base64') && lines[1] === 'YWZ0ZXI=';
    t.notOk(good, `${what}: ${(lines[0] ?? '').slice(0, 60)}`);
  }
  t.end();
});
