/** A person who reads a code in `kubectl describe pod` finds it in the guide. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import t from 'tap';

import { FETCH_ERROR_CODES } from './errors.ts';

void t.test('every code of seal-fetch is in its table, and every row is of a code', async (t) => {
  const guide = await readFile(resolve(import.meta.dirname, '../../docs/seal-fetch.md'), 'utf8');
  const rows = guide.split('\n').filter((line) => /^\| `[A-Z]/.test(line));
  const named = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([A-Z_]+)(…?)`/g)].map(([, text = '', rest]) => ({
      text,
      rest,
    })),
  );
  // By the first letters are named those of other layers too: Seal's, the chain's.
  const isNamed = (code: string): boolean =>
    named.some(({ text, rest }) => (rest === '' ? code === text : code.startsWith(text)));
  t.strictSame(
    FETCH_ERROR_CODES.filter((code) => !isNamed(code)),
    [],
    'none is missing',
  );
  t.strictSame(
    named.filter(({ text, rest }) => rest === '' && !FETCH_ERROR_CODES.includes(text)),
    [],
    'none is made up',
  );
});
