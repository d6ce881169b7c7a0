import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t from 'tap';

import { inFiles, inMemory, needle, regions } from './leaks.ts';

// What finds nothing proves nothing unless it finds what is there.
void t.test('the search finds what is there, in every form', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'daas-leaks-'));
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const value = 'correct-horse-battery-staple';
  const texts = {
    plain: `{"password":"${value}"}`,
    base64: Buffer.from(value).toString('base64'),
    inside1: Buffer.from(`a${value}b`).toString('base64'),
    inside2: Buffer.from(`ab${value}`).toString('base64'),
    url: Buffer.from(`>>>${value}`).toString('base64url'),
    // Longer than what is read at once, across its edge.
    edge: 'x'.repeat((4 << 20) - 10) + value,
  };
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(dir, name), text);
  writeFileSync(join(dir, 'wide'), Buffer.from(value, 'utf16le'));
  writeFileSync(
    join(dir, 'clean'),
    `${value.slice(0, -1)} ${Buffer.from(`xx${value.slice(1)}`).toString('base64')}`,
  );
  writeFileSync(join(dir, 'empty'), '');
  const found = await inFiles(dir, [needle('password', value), needle('other', 'not there at all')]);
  t.same(
    found.sort(),
    [...Object.keys(texts), 'wide'].sort().map((name) => `${join(dir, name)}: password`),
  );
});

void t.test('of memory, the regions that hold something', async (t) => {
  // proc(5), shortened.
  const smaps = `00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/dbus-daemon
Size:                328 kB
Rss:                 120 kB
00652000-00653000 rw-p 00052000 08:02 173521 /usr/bin/dbus-daemon
Rss:                   4 kB
7f0000000000-7f0040000000 rw-p 00000000 00:00 0
Rss:                   0 kB
7f0040000000-7f0040001000 ---p 00000000 00:00 0
Rss:                   4 kB
7f0040001000-7f0040002000 r--p 00000000 00:00 0
Rss:                   4 kB
ffffffffff600000-ffffffffff601000 r-xp 00000000 00:00 0 [vsyscall]
Rss:                   4 kB
`;
  t.same(regions(smaps), [
    { from: 0x652000, to: 0x653000 },
    { from: 0x7f0040001000, to: 0x7f0040002000 },
  ]);
  const held = needle('held', `held-${process.pid}-${'y'.repeat(20)}`);
  if (process.platform !== 'linux') return;
  t.same(await inMemory(process.pid, [held]), ['held']);
});
