import { fromHex, toHex } from '@k3s-daas/core';
import t from 'tap';
import { DerError, readDer } from './der.ts';

// X.690: BER forms that are not DER, next to the DER form of the same value.
const ACCEPTED = {
  null: '0500',
  'empty sequence': '3000',
  'sequence of an integer': '3003020101',
  'integer 0': '020100',
  'integer 128': '02020080',
  'integer -128': '020180',
  'integer -129': '0202ff7f',
  true: '0101ff',
  false: '010100',
  '127 bytes': `047f${'00'.repeat(127)}`,
  '128 bytes': `048180${'00'.repeat(128)}`,
  '256 bytes': `04820100${'00'.repeat(256)}`,
  '12 levels': nested(12),
};
const REFUSED = {
  nothing: '',
  'a tag alone': '30',
  'a length without its second byte': '3081',
  'content cut short': '3004020101',
  'inner content cut short': '3003020201',
  'a byte after it': '050000',
  'a byte after the inner element': '300402010100',
  'indefinite length (8.1.3.6)': '30800000',
  'length 3 in two bytes (10.1)': '308103020101',
  'length 127 in two bytes': `04817f${'00'.repeat(127)}`,
  'length 128 in three bytes': `04820080${'00'.repeat(128)}`,
  'length in four bytes': '3083000003020101',
  'length of 2^32-1': '3084ffffffff',
  'high tag number': '1f0100',
  'empty integer (8.3.1)': '0200',
  'integer 1 in two bytes (8.3.2)': '02020001',
  'integer -128 in two bytes': '0202ff80',
  'boolean 01 (11.1)': '010101',
  'boolean of two bytes': '01020000',
  'boolean 01 further in': '30053003010101',
  '14 levels': nested(14),
};

function refuses(hex: string): boolean {
  try {
    readDer(fromHex(hex));
    return false;
  } catch (error) {
    return error instanceof DerError;
  }
}

function nested(levels: number): string {
  let inner = '';
  for (let level = 0; level < levels; level++) {
    inner = `30${(inner.length / 2).toString(16).padStart(2, '0')}${inner}`;
  }
  return inner;
}

void t.test('only DER', (t) => {
  for (const [name, hex] of Object.entries(ACCEPTED))
    t.equal(toHex(readDer(fromHex(hex)).encoded), hex, name);
  for (const [name, hex] of Object.entries(REFUSED)) t.ok(refuses(hex), name);
  t.end();
});

void t.test('children in order, as encoded', (t) => {
  const { children } = readDer(fromHex('300702010130000500'));
  t.strictSame(
    children.map(({ tag, encoded }) => [tag, toHex(encoded)]),
    [
      [0x02, '020101'],
      [0x30, '3000'],
      [0x05, '0500'],
    ],
  );
  t.end();
});
