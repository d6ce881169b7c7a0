import { FormatError } from './format-error.ts';

/** Largest amount of any quantity: what Kubernetes itself saturates at (int64). */
export const QUANTITY_MAX = (1n << 63n) - 1n;

// k8s.io/apimachinery/pkg/api/resource/quantity.go, grammar in the comment of type Quantity. The exponent form is
// tried last: `E` alone is exa, `E3` is ten to the third.
const QUANTITY = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d{1,4})?$/;
const CHARACTERS_MAX = 64;

const DECIMAL_EXPONENT: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY_EXPONENT: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

/** CPU in thousandths of a core, rounded up as Quantity.MilliValue does. @throws FormatError QUANTITY_MALFORMED */
export function cpuMilli(text: string): bigint {
  return scaled(text, 3);
}

/** Memory in bytes, rounded up as Quantity.Value does. @throws FormatError QUANTITY_MALFORMED */
export function memoryBytes(text: string): bigint {
  return scaled(text, 0);
}

/** ceil(quantity · 10^scale), at most QUANTITY_MAX. A request is never negative, so a minus is refused. */
function scaled(text: string, scale: number): bigint {
  const match = text.length > CHARACTERS_MAX ? null : QUANTITY.exec(text);
  if (match === null) {
    const shown = JSON.stringify(text.slice(0, CHARACTERS_MAX));
    throw new FormatError('QUANTITY_MALFORMED', `${shown} is not a quantity of Kubernetes`);
  }
  const [, sign = '', number = '', suffix = ''] = match;
  const [whole = '', fraction = ''] = number.split('.');
  const digits = BigInt(whole + fraction);
  if (sign === '-' && digits !== 0n) {
    throw new FormatError('QUANTITY_MALFORMED', `the quantity ${text} is negative`);
  }
  if (digits === 0n) return 0n;
  const binary = BINARY_EXPONENT[suffix];
  const factor = binary === undefined ? 1n : 1n << BigInt(binary);
  const exponent = (binary === undefined ? decimalExponent(suffix) : 0) - fraction.length + scale;
  const value =
    exponent >= 0
      ? digits * factor * 10n ** BigInt(exponent)
      : ceilDiv(digits * factor, 10n ** BigInt(-exponent));
  return value > QUANTITY_MAX ? QUANTITY_MAX : value;
}

function decimalExponent(suffix: string): number {
  return DECIMAL_EXPONENT[suffix] ?? Number(suffix.slice(1));
}

/** Quotient rounded up; both arguments are positive or zero. */
export function ceilDiv(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
