import { DER_GENERALIZED_TIME, DER_SEQUENCE, DER_UTC_TIME, DerError, type DerElement } from './der.ts';

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** From this year on times are GeneralizedTime, before it UTCTime (RFC 5280 section 4.1.2.5). */
const GENERALIZED_SINCE = 2050;
/** UTCTime has two digits of the year, 50 to 99 being 19xx (section 4.1.2.5.1). */
const UTC_FORM = /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;
const GENERALIZED_FORM = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;

/** Validity of RFC 5280 section 4.1.2.5: two times in UTC with seconds and without fractions. @throws DerError */
export function readValidity(validity: DerElement): Validity {
  const [notBefore, notAfter, ...more] = validity.children;
  if (validity.tag !== DER_SEQUENCE || notBefore === undefined || notAfter === undefined || more.length > 0) {
    throw new DerError('validity is not two times');
  }
  return { notBeforeMs: readTime(notBefore), notAfterMs: readTime(notAfter) };
}

function readTime({ tag, content }: DerElement): number {
  if (tag !== DER_UTC_TIME && tag !== DER_GENERALIZED_TIME) throw new DerError('a time has another type');
  const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');
  const fields = (tag === DER_UTC_TIME ? UTC_FORM : GENERALIZED_FORM).exec(text)?.slice(1).map(Number);
  if (fields === undefined) throw new DerError('a time is not in the form of RFC 5280');
  const [digits = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields;
  const year = tag === DER_GENERALIZED_TIME ? digits : digits + (digits < 50 ? 2000 : 1900);
  if ((tag === DER_GENERALIZED_TIME) !== year >= GENERALIZED_SINCE) {
    throw new DerError(`a time of ${year} has the wrong type`);
  }
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date carries 31 April over to 1 May, and 24:00 to the next day: such a date is refused.
  const date = new Date(ms);
  const real =
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second;
  if (!real) throw new DerError('there is no such time');
  return ms;
}
