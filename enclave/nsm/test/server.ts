import { createServer, type Socket } from 'node:net';
import { concatBytes, type Bytes } from '@k3s-daas/core';
import { readCbor, type CborFields, type CborItem } from '../cbor-reader.ts';
import { array, boolean, bytes, map, text, unsigned } from '../cbor-writer.ts';
import type { Nsm } from '../nsm.ts';
import type { NsmRequest, NsmResponse } from '../protocol.ts';

/** What an NSM reads: the other direction of `encodeRequest`. */
export function decodeRequest(encoded: Bytes): NsmRequest {
  const item = readCbor(encoded);
  if (item === 'DescribeNSM' || item === 'GetRandom') return { kind: item };
  const [entry] = item instanceof Map ? [...(item as CborFields)] : [];
  const fields = entry?.[1] as CborFields;
  if (entry?.[0] === 'DescribePCR') return { kind: 'DescribePCR', index: fields.get('index') as number };
  if (entry?.[0] !== 'Attestation') throw new Error(`${String(entry?.[0])} is no request of ours`);
  const optional = (name: string, field: CborItem | undefined): object =>
    field instanceof Uint8Array ? { [name]: field } : {};
  return {
    kind: 'Attestation',
    ...optional('userData', fields.get('user_data')),
    ...optional('nonce', fields.get('nonce')),
    ...optional('publicKey', fields.get('public_key')),
  };
}

/** What an NSM writes: the other direction of `decodeResponse`. */
export function encodeResponse(response: NsmResponse): Bytes {
  const variant = (...fields: (readonly [Bytes, Bytes])[]): Bytes =>
    map([[text(response.kind), map(fields)]]);
  switch (response.kind) {
    case 'DescribeNSM':
      return variant(
        [text('version_major'), unsigned(response.versionMajor)],
        [text('version_minor'), unsigned(response.versionMinor)],
        [text('version_patch'), unsigned(response.versionPatch)],
        [text('module_id'), text(response.moduleId)],
        [text('max_pcrs'), unsigned(response.maxPcrs)],
        [text('locked_pcrs'), array(response.lockedPcrs.map(unsigned))],
        [text('digest'), text(response.digest)],
      );
    case 'DescribePCR':
      return variant([text('lock'), boolean(response.lock)], [text('data'), bytes(response.data)]);
    case 'Attestation':
      return variant([text('document'), bytes(response.document)]);
    case 'GetRandom':
      return variant([text('random'), bytes(response.random)]);
    case 'Error':
      return map([[text('Error'), text(response.error)]]);
  }
}

/** An NSM behind its protocol. */
export async function answerWith(nsm: Nsm, request: NsmRequest): Promise<NsmResponse> {
  const { moduleId, pcrs } = nsm.describe();
  switch (request.kind) {
    case 'DescribeNSM':
      return {
        kind: 'DescribeNSM',
        versionMajor: 1,
        versionMinor: 0,
        versionPatch: 0,
        moduleId,
        maxPcrs: 32,
        lockedPcrs: [...pcrs.keys()],
        digest: 'SHA384',
      };
    case 'DescribePCR': {
      const data = pcrs.get(request.index);
      return data === undefined
        ? { kind: 'Error', error: 'InvalidIndex' }
        : { kind: 'DescribePCR', lock: true, data };
    }
    case 'GetRandom':
      return { kind: 'GetRandom', random: await nsm.random() };
    case 'Attestation':
      return { kind: 'Attestation', document: await nsm.attest(request) };
  }
}

/** What the driver does with one request. */
export interface DriverAnswer {
  /** Of the ioctl; 0 is success. */
  readonly errno?: number;
  readonly response: Bytes;
  /** Length that the driver states. Default: that of the response. */
  readonly stated?: number;
}

/** Serves answer-ioctl.c on a unix socket; a handler that returns null leaves the request hanging. */
export async function serveDriver(path: string, handle: (request: Bytes) => Promise<DriverAnswer | null>) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    let received: Bytes = new Uint8Array();
    socket.on('data', (chunk) => {
      received = concatBytes(received, new Uint8Array(chunk as Buffer));
      if (received.length < 4) return;
      const length = Buffer.from(received).readUInt32LE(0);
      if (received.length < 4 + length) return;
      void handle(received.subarray(4)).then((answer) => {
        if (answer === null) return;
        const head = Buffer.alloc(8);
        head.writeInt32LE(answer.errno ?? 0, 0);
        head.writeUInt32LE(answer.stated ?? answer.response.length, 4);
        socket.end(concatBytes(new Uint8Array(head), answer.response));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    /** Requests that are being answered or hang. */
    open: (): number => sockets.size,
    close: async (): Promise<void> => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
