/** COSE_Sign1 against messages that others signed: RFC 8152 and RFC 9052, and the working group's examples. */
import { createPublicKey, verify } from 'node:crypto';
import { fromHex, toHex, utf8 } from '@k3s-daas/core';
import t from 'tap';
import { verifyDocument } from '../index.ts';
import { parseCoseSign1, sigStructure, verifyCoseSignature } from './cose.ts';
import { outcome } from './test/fixture.ts';

const CONTENT = utf8('This is the content.');
const refusal = (message: string): string =>
  outcome(() => verifyDocument(fromHex(message), { trustAnchor: new Uint8Array(), nowMs: 1 }));

// RFC 8152 appendix C.2.1, which is RFC 9052 appendix C.2.1 as well: ES256, kid "11", tag 18.
const RFC_SIGNATURE =
  '8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e' +
  '2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36';
const RFC_MESSAGE = `d28443a10126a10442313154546869732069732074686520636f6e74656e742e5840${RFC_SIGNATURE}`;

void t.test('RFC 8152 and RFC 9052, appendix C.2.1', (t) => {
  const structure = sigStructure(fromHex('a10126'), CONTENT);
  t.equal(toHex(structure), '846a5369676e61747572653143a101264054546869732069732074686520636f6e74656e742e');
  // Key "11" of RFC 8152 appendix C.7.1.
  const key = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: 'usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8',
      y: 'IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4',
    },
  });
  t.ok(verify('sha256', structure, { key, dsaEncoding: 'ieee-p1363' }, fromHex(RFC_SIGNATURE)));
  t.equal(refusal(RFC_MESSAGE), 'COSE_PROTECTED_HEADER', 'the message itself is ES256');
  const es384 = RFC_MESSAGE.replace('43a10126', '44a1013822');
  t.equal(refusal(es384), 'COSE_UNPROTECTED_HEADER', 'with alg ES384 it has a key id');
  t.equal(refusal(es384.replace('a104423131', 'a0')), 'COSE_SIGNATURE_SIZE', 'without it, 64 bytes');
  t.end();
});

// github.com/cose-wg/Examples, ecdsa-examples/ecdsa-sig-02.json: ES384, kid "P384", tag 18.
const ES384_SIGNATURE =
  'b8f85eff78c88f5351ced2f1887b79b296490795594b62e41e22529bb90208b7d8cddd4a46d0e9c986464d83d0a5d1ed' +
  'f39b3e2c5750364230d0e8d76460d8808e76c83830fbbd1978cc174066eb437f17887979ecf027dcc9d51baf6c4fd8c0';
const ES384_MESSAGE = `d28444a1013822a104445033383454546869732069732074686520636f6e74656e742e5860${ES384_SIGNATURE}`;
const ES384_KEY = createPublicKey({
  format: 'jwk',
  key: {
    kty: 'EC',
    crv: 'P-384',
    x: 'kTJyP2KSsBBhnb4kjWmMF7WHVsY55xUPgb7k64rDcjatChoZ1nvjKmYmPh5STRKc',
    y: 'mM0weMVU2DKsYDxDJkEP9hZiRZtB8fPfXbzINZj_fF7YQRynNWedHEyzAJOX2e8s',
  },
});

void t.test('ES384 of the COSE working group (ecdsa-sig-02)', (t) => {
  t.equal(
    toHex(sigStructure(fromHex('a1013822'), CONTENT)),
    '846a5369676e61747572653144a10138224054546869732069732074686520636f6e74656e742e',
  );
  t.equal(refusal(ES384_MESSAGE), 'COSE_UNPROTECTED_HEADER', 'its key id is not of an attestation');
  // The unprotected header is not signed: without it the message is in our profile, and its signature holds.
  const message = ES384_MESSAGE.replace('a1044450333834', 'a0');
  const cose = parseCoseSign1(fromHex(message));
  t.strictSame([toHex(cose.protectedHeader), cose.payload], ['a1013822', CONTENT]);
  t.equal(
    outcome(() => {
      verifyCoseSignature(cose, ES384_KEY);
    }),
    'accepted',
  );
  const other = parseCoseSign1(fromHex(message.replace('636f6e74656e742e', '636f6e74656e742f')));
  t.equal(
    outcome(() => {
      verifyCoseSignature(other, ES384_KEY);
    }),
    'COSE_SIGNATURE',
  );
  t.equal(
    refusal(message),
    'CBOR_TRUNCATED',
    'its payload, T (a byte string of 20) and 19 bytes, is no document',
  );
  t.end();
});

void t.test('messages that the COSE working group wants refused, and what we refuse besides', (t) => {
  const rest =
    'a10442313154546869732069732074686520636f6e74656e742e5840' +
    'eae868ecc176883766c5dc5ba5b8dca25dab3c2e56a551ce5705b793914348e1' +
    '9f43d6c6ba654472da301b645b293c9ba939295b97c4bdb847782bff384c5794';
  t.equal(refusal(`d903e68443a10126${rest}`), 'CBOR_TAG', 'sign-fail-01: tag 998');
  t.equal(refusal(`8443a10126${rest}`), 'COSE_PROTECTED_HEADER', 'sign-pass-03: no tag, but ES256');
  const headerless =
    'd28441a0a201260442313154546869732069732074686520636f6e74656e742e5840' +
    'eae868ecc176883766c5dc5ba5b8dca25dab3c2e56a551ce5705b793914348e1' +
    '1a02e5f0344bf2d4ee5c7fd75a68a9f5e0b3cc1f1fc1409c189566586ff9d610';
  t.equal(refusal(headerless), 'COSE_PROTECTED_HEADER', 'sign-pass-01: the algorithm is not protected');
  t.equal(
    refusal(
      'd28444a1013823a104581e62696c626f2e62616767696e7340686f626269746f6e2e6578616d706c6554' +
        '546869732069732074686520636f6e74656e742e5884000f348009badc7da478150aa7fa06dfd812cdf826344f17c73305' +
        '63573d8f97f7a966924c3d88b108907235476e3f6bea9f3890027792b0f94e905c217227cf064e00a6bc6a5187d0df9b1d' +
        'b7675aecfc678ce4692a8121eb8170f3592a859d518fd3b823091aab22e6c41eb97ed92127ce8c46dcc715a247cb78921f' +
        'ad1e19133afc30',
    ),
    'COSE_PROTECTED_HEADER',
    'ecdsa-sig-03: ES512',
  );
  t.end();
});
