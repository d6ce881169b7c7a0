import { createRequire } from 'node:module';

import type * as Bls from '@noble/curves/bls12-381.js';
import type * as Ed25519 from '@noble/curves/ed25519.js';
import type * as Nist from '@noble/curves/nist.js';
import type * as Secp256k1 from '@noble/curves/secp256k1.js';

/** Loading the curves takes a tenth of the time to start and most chains need none; natives cannot wait for `import`. */
const load = createRequire(import.meta.url);

export const bls12381 = () => (load('@noble/curves/bls12-381.js') as typeof Bls).bls12_381;
export const ed25519 = () => (load('@noble/curves/ed25519.js') as typeof Ed25519).ed25519;
export const p256 = () => (load('@noble/curves/nist.js') as typeof Nist).p256;
export const secp256k1 = () => (load('@noble/curves/secp256k1.js') as typeof Secp256k1).secp256k1;
