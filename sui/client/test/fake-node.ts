import { toBase58 } from '@mysten/bcs';
import { GrpcTypes } from '@mysten/sui/grpc';
import { sha256, utf8, type Bytes, type SuiId } from '@k3s-daas/core';

import type { Fetch } from '../bounded-fetch.ts';

/** What a node holds of one object. */
export interface FakeObject {
  type: string;
  version: bigint;
  content: Bytes;
  /** Set for a field of a table: the table's id. */
  parent?: SuiId;
}

interface FakeEvent {
  type: string;
  content: Bytes;
  checkpoint: bigint;
}

type Handler = (request: never) => object[];

/**
 * A gRPC-web node in memory, for what an honest node would never answer: the tests bend it by replacing a handler or
 * its data. Speaks through the real SuiGrpcClient; only the network is replaced.
 */
export class FakeNode {
  chainId = toBase58(sha256(utf8('genesis of the fake')));
  checkpoint = 7n;
  /** Oldest checkpoint still kept. */
  checkpointMin = 0n;
  timeMs = 1_700_000_000_000;
  /** Changes the digest of every checkpoint, as another history has. */
  history = '';
  readonly objects = new Map<SuiId, FakeObject>();
  readonly events: FakeEvent[] = [];
  readonly calls: string[] = [];
  /** Called before each answer: what happens on the chain in the meantime. */
  meanwhile: () => void = () => undefined;
  /** Thrown by fetch while set: an outage. */
  outage: Error | null = null;
  readonly handlers: Record<string, Handler> = {
    GetServiceInfo: () => [
      {
        chainId: this.chainId,
        checkpointHeight: this.checkpoint,
        lowestAvailableCheckpoint: this.checkpointMin,
      },
    ],
    GetCheckpoint: (request: GrpcTypes.GetCheckpointRequest) => [this.#checkpoint(request)],
    BatchGetObjects: (request: GrpcTypes.BatchGetObjectsRequest) => [this.#objects(request)],
    ListDynamicFields: (request: GrpcTypes.ListDynamicFieldsRequest) => [this.#fields(request)],
    ListEvents: (request: GrpcTypes.ListEventsRequest) => this.#events(request),
  };

  readonly fetch: Fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const name = url.slice(url.lastIndexOf('/') + 1);
    this.calls.push(name);
    await Promise.resolve();
    if (this.outage !== null) throw this.outage;
    this.meanwhile();
    const services = [GrpcTypes.LedgerService, GrpcTypes.StateService];
    const method = services
      .flatMap((service) => service.methods)
      .find((candidate) => candidate.name === name);
    const handler = this.handlers[name];
    if (method === undefined || handler === undefined)
      return new Response(null, { headers: { 'grpc-status': '12' } });
    const request: unknown = method.I.fromBinary((init?.body as Uint8Array).subarray(5));
    const answers = handler(request as never).map((answer) =>
      frame(0, method.O.toBinary(method.O.create(answer))),
    );
    const trailer = frame(0x80, utf8('grpc-status:0\r\n'));
    return new Response(Buffer.concat([...answers, trailer]), {
      headers: { 'content-type': 'application/grpc-web+proto' },
    });
  };

  /** A checkpoint with these events. */
  advance(events: readonly { type: string; content: Bytes }[] = []): void {
    this.checkpoint += 1n;
    this.timeMs += 250;
    for (const event of events) this.events.push({ ...event, checkpoint: this.checkpoint });
  }

  #checkpoint({ checkpointId }: GrpcTypes.GetCheckpointRequest): object {
    const sequence = checkpointId.oneofKind === 'sequenceNumber' ? checkpointId.sequenceNumber : -1n;
    const ms = this.timeMs - Number(this.checkpoint - sequence) * 250;
    const timestamp = { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
    const digest = toBase58(sha256(utf8(`${this.history}${sequence}`)));
    return { checkpoint: { sequenceNumber: sequence, digest, summary: { timestamp }, transactions: [] } };
  }

  #objects({ requests }: GrpcTypes.BatchGetObjectsRequest): object {
    return {
      objects: requests.map(({ objectId }) => {
        const found = this.objects.get(objectId ?? '');
        if (found === undefined) {
          return {
            result: { oneofKind: 'error', error: { code: 5, message: `no ${objectId ?? ''}`, details: [] } },
          };
        }
        const { type, version, content } = found;
        const object = { objectId, objectType: type, version, digest: 'x', contents: { value: content } };
        return { result: { oneofKind: 'object', object } };
      }),
    };
  }

  #fields({ parent, pageSize, pageToken }: GrpcTypes.ListDynamicFieldsRequest): object {
    const ids = [...this.objects].filter(([, object]) => object.parent === parent).map(([id]) => id);
    const from = pageToken === undefined ? 0 : Number(pageToken[0]);
    const size = Math.min(pageSize ?? 50, 2);
    const dynamicFields = ids.slice(from, from + size).map((fieldId) => ({
      fieldId,
      kind: 1,
      name: { name: '0x1::string::String', value: new Uint8Array() },
      valueType: 'u8',
    }));
    const more = from + size < ids.length ? { nextPageToken: new Uint8Array([from + size]) } : {};
    return { dynamicFields, ...more };
  }

  #events({ filter, options }: GrpcTypes.ListEventsRequest): object[] {
    const types = (filter?.terms ?? []).flatMap(({ literals }) =>
      literals.map(({ predicate }) =>
        predicate.oneofKind === 'eventType' ? (predicate.eventType.eventType ?? '') : '',
      ),
    );
    const after = options?.after === undefined ? 0 : Buffer.from(options.after).readUInt32BE();
    const matching = this.events
      .map((event, index) => ({ ...event, at: index + 1 }))
      .filter(
        (event) =>
          event.at > after && types.some((type) => event.type === type || event.type.startsWith(`${type}::`)),
      );
    if (options?.ordering === GrpcTypes.Ordering.DESCENDING) matching.reverse();
    const limit = Math.min(options?.limit ?? 50, 3);
    const frames: object[] = matching.slice(0, limit).map((event) => ({
      event: { eventType: event.type, contents: { value: event.content }, checkpoint: event.checkpoint },
      watermark: { cursor: cursorAt(event.at) },
    }));
    if (matching.length > limit) {
      Object.assign(frames.at(-1) ?? {}, { end: { reason: GrpcTypes.QueryEndReason.ITEM_LIMIT } });
    } else {
      const cursor = cursorAt(this.events.length);
      const end = { reason: GrpcTypes.QueryEndReason.LEDGER_TIP };
      frames.push({ watermark: { cursor, checkpoint: this.checkpoint }, end });
    }
    return frames;
  }
}

function cursorAt(position: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(position);
  return bytes;
}

function frame(kind: number, message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head[0] = kind;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
