import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';

import { BenchError } from '../errors.ts';
import type { Review } from './reviews.ts';
import type { AdmissionWorld } from './world.ts';

const HEAD_END = Buffer.from('\r\n\r\n');

/** A kept connection with kube-apiserver's certificate; one call at a time, with as little work as possible here. */
export class Connection {
  readonly #socket: TLSSocket;
  #received: Buffer = Buffer.alloc(0);
  #settle: { done(answer: Buffer): void; fail(error: Error): void } | null = null;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
    socket.on('close', () => this.#settle?.fail(new Error('the webhook closed the connection')));
    socket.on('error', (error: Error) => this.#settle?.fail(error));
  }

  static async open({ webhook, client }: AdmissionWorld): Promise<Connection> {
    const { certPem: cert, keyPem: key } = client;
    const socket = connect({ host: '127.0.0.1', port: webhook.port, ca: webhook.caPem, cert, key });
    socket.setNoDelay(true);
    await once(socket, 'secureConnect');
    return new Connection(socket);
  }

  /** @returns milliseconds from the first byte sent to the last one received. @throws BenchError unless it is allowed. */
  async review(request: Buffer): Promise<number> {
    const began = performance.now();
    const answer = await new Promise<Buffer>((done, fail) => {
      this.#settle = { done, fail };
      this.#socket.write(request);
    });
    const ms = performance.now() - began;
    if (answer.includes('"allowed":true')) return ms;
    throw new BenchError(
      'API_REFUSED',
      `the webhook answered ${answer.toString().slice(-500)}`,
      'see the message',
    );
  }

  close(): void {
    this.#settle = null;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const head = this.#received.indexOf(HEAD_END);
    if (head < 0) return;
    const length = /content-length: (\d+)/i.exec(this.#received.toString('latin1', 0, head))?.[1];
    const end = head + HEAD_END.length + Number(length);
    if (this.#received.length < end) return;
    const answer = this.#received;
    this.#received = Buffer.alloc(0);
    this.#settle?.done(answer);
  }
}

/** The whole request, made once. */
export function requestOf({ path, body }: Review): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nhost: webhook\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}
