import { GrpcError, Status } from './method.ts';

const PAGE_DEFAULT = 50;
const PAGE_MAX = 1_000;

/** One page of items in order of their keys; a page token is the last key of the page before. */
export function page<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  request: { readonly pageSize?: number; readonly pageToken?: Uint8Array },
): { readonly items: readonly T[]; readonly nextPageToken?: Uint8Array } {
  const { pageSize = PAGE_DEFAULT, pageToken } = request;
  const size = Math.min(pageSize === 0 ? PAGE_DEFAULT : pageSize, PAGE_MAX);
  if (size < 1) throw new GrpcError(Status.invalidArgument, 'page_size must be positive');
  const after =
    pageToken === undefined || pageToken.length === 0 ? '' : Buffer.from(pageToken).toString('utf8');
  const rest = items.filter((item) => keyOf(item) > after);
  const taken = rest.slice(0, size);
  const last = taken.at(-1);
  if (rest.length <= size || last === undefined) return { items: taken };
  return { items: taken, nextPageToken: new Uint8Array(Buffer.from(keyOf(last))) };
}
