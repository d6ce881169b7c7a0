import type { Bytes } from '@k3s-daas/core';
import { malformed } from './cbor-reader.ts';
import { NsmError, RANDOM_BYTES, type AttestationRequest, type Nsm, type NsmDescription } from './nsm.ts';
import { runProgram } from './program.ts';
import { decodeResponse, encodeRequest, type NsmRequest, type NsmResponse } from './protocol.ts';

/** An attestation takes some 100 ms on hardware; a request that takes longer than this hangs. */
const TIMEOUT_MS = 5_000;
const VERSION_MAJOR = 1;
const PCR_BYTES = 48;
const PCR_COUNT_MAX = 32;

export interface DeviceOptions {
  /** Character device of the driver, /dev/nsm. */
  readonly devicePath: string;
  /** Program that makes the ioctl (device/nsm-request.c). */
  readonly program: string;
  /** Of one request, waiting for its turn included. */
  readonly timeoutMs?: number;
}

type Kind = NsmRequest['kind'];
type Answer<K extends Kind> = Extract<NsmResponse, { kind: K }>;

/** The NSM of the enclave that this process runs in, through its driver. */
class DeviceNsm implements Nsm {
  readonly kind = 'device';
  readonly #line: RequestLine;
  readonly #description: NsmDescription;

  constructor(line: RequestLine, description: NsmDescription) {
    this.#line = line;
    this.#description = description;
  }

  describe(): NsmDescription {
    const { moduleId, pcrs } = this.#description;
    return { moduleId, pcrs: new Map([...pcrs].map(([index, pcr]) => [index, new Uint8Array(pcr)])) };
  }

  async attest(request: AttestationRequest): Promise<Bytes> {
    const { document } = await this.#line.ask({ kind: 'Attestation', ...request });
    return document;
  }

  async random(): Promise<Bytes> {
    const { random } = await this.#line.ask({ kind: 'GetRandom' });
    if (random.length === RANDOM_BYTES) return random;
    throw malformed(`GetRandom gave ${random.length} bytes, not ${RANDOM_BYTES}`);
  }
}

/**
 * Opens the NSM device and reads what it says about itself: its module id and its locked PCRs. Throws `NsmError`:
 * `NSM_DEVICE_MISSING`, `NSM_PROGRAM_FAILED`, `NSM_TIMEOUT`, `NSM_RESPONSE_MALFORMED`, `NSM_REFUSED` with the NSM's
 * own name of the error, `NSM_VERSION`, `NSM_PCRS`. Every later request may throw the first five.
 */
export async function deviceNsm(options: DeviceOptions): Promise<Nsm> {
  const line = new RequestLine(options);
  const described = await line.ask({ kind: 'DescribeNSM' });
  if (described.versionMajor !== VERSION_MAJOR) {
    throw new NsmError(
      'NSM_VERSION',
      `the NSM speaks version ${described.versionMajor}.${described.versionMinor}, this release version ${VERSION_MAJOR}`,
      'Use a release that knows this NSM.',
    );
  }
  if (described.digest !== 'SHA384' || described.lockedPcrs.length > PCR_COUNT_MAX) {
    throw pcrError(`the NSM has ${described.lockedPcrs.length} locked PCRs of ${described.digest}`);
  }
  const pcrs = new Map<number, Bytes>();
  for (const index of described.lockedPcrs) {
    const { lock, data } = await line.ask({ kind: 'DescribePCR', index });
    if (!lock || data.length !== PCR_BYTES) {
      throw pcrError(`PCR${index} has ${data.length} bytes and is ${lock ? '' : 'not '}locked`);
    }
    pcrs.set(index, data);
  }
  return new DeviceNsm(line, { moduleId: described.moduleId, pcrs });
}

/** One request at a time, as the driver has it: what hangs there must not gather processes here. */
class RequestLine {
  readonly #options: DeviceOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: DeviceOptions) {
    this.#options = options;
  }

  async ask<R extends NsmRequest>(request: R): Promise<Answer<R['kind']>> {
    // Encoded before the first await: the caller may reuse its buffers.
    const encoded = encodeRequest(request);
    const response = decodeResponse(await this.#send(encoded));
    if (response.kind === 'Error') {
      throw new NsmError(
        'NSM_REFUSED',
        `the NSM refused ${request.kind}: ${response.error}`,
        'Look up that error in the documentation of the Nitro Secure Module.',
      );
    }
    if (response.kind !== request.kind) {
      throw malformed(`it answers ${request.kind} with ${response.kind}`);
    }
    return response as Answer<R['kind']>;
  }

  async #send(request: Bytes): Promise<Bytes> {
    const { program, devicePath, timeoutMs = TIMEOUT_MS } = this.#options;
    const deadline = new AbortController();
    const timer = setTimeout(() => {
      deadline.abort(timeoutError(timeoutMs));
    }, timeoutMs);
    const { signal } = deadline;
    const run = this.#last.then(() => {
      signal.throwIfAborted();
      return runProgram({ program, devicePath, request, signal });
    });
    this.#last = run.then(
      ({ gone }) => gone,
      () => undefined,
    );
    try {
      return await beforeAbort(
        run.then(({ response }) => response),
        signal,
      );
    } finally {
      clearTimeout(timer);
    }
  }
}

/** As `work`, but rejects as soon as `signal` aborts. */
async function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => {
    aborted.reject(signal.reason as Error);
  });
  return Promise.race([work, aborted.promise]);
}

function timeoutError(timeoutMs: number): NsmError {
  return new NsmError(
    'NSM_TIMEOUT',
    `the NSM gave no answer within ${timeoutMs} ms`,
    'If it happens again, end the enclave and start it anew: its NSM or driver hangs.',
  );
}

function pcrError(problem: string): NsmError {
  return new NsmError(
    'NSM_PCRS',
    problem,
    'Run on a Nitro enclave, whose PCRs are SHA-384 values of 48 bytes.',
  );
}
