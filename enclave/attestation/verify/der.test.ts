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
  'bit string of no bits': '030100',
  'bit string of a bit': '03020780',
  'object identifier 1.2.840.10045.4.3.3': '06082a8648ce3d040303',
  'set in order': '3106020101020102',
  'set with two equal elements': '3106020101020101',
  'a context tag with any content': '8002ffff',
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
  'bit string without a count (8.6.2)': '0300',
  'bit string with 8 unused bits (8.6.2.2)': '03020800',
  'unused bits of an empty bit string (8.6.2.3)': '030101',
  'a one among the unused bits (11.2.1)': '03020701',
  'bit string in pieces (10.2)': '230403020780',
  'octet string in pieces (10.2)': '24030401ff',
  'text in pieces (10.2)': '2c030c0161',
  'primitive sequence (8.9.1)': '1000',
  'primitive set (8.11.1)': '1100',
  'null with content (8.8.2)': '050100',
  'end of contents (8.1.5)': '0000',
  'empty object identifier (8.19)': '0600',
  'padded object identifier (8.19.2)': '06032a8003',
  'object identifier cut short (8.19.2)': '06022a86',
  'set out of order (11.6)': '3106020102020101',
  'child longer than its parent': '300402050101',
  'child whose head is cut': '300102',
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
