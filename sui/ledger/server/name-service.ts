import { refused, type Method } from './method.ts';

const SERVICE = 'sui.rpc.v2.NameService';

/** There is no SuiNS on this chain; refused in the words of a full node of a local network. */
export const nameService: readonly Method[] = ['LookupName', 'ReverseLookupName'].map((name) =>
  refused(`${SERVICE}/${name}`, 'SuiNS not configured for this network'),
);
