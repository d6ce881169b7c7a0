import { EnclaveError } from '../errors.ts';
import { pause, type HostTime } from '../time.ts';

const POLL_MS = 20;

/** Resolves when the condition holds. @throws EnclaveError BOOT_CANCELLED */
export async function until(condition: () => boolean, time: HostTime, signal: AbortSignal): Promise<void> {
  while (!condition()) {
    if (signal.aborted) throw cancelled();
    await pause(time, POLL_MS, signal);
  }
}

/** Resolves as `work` does. @throws EnclaveError BOOT_CANCELLED */
export async function orCancelled<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = (): void => {
    reject(cancelled());
  };
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  return Promise.race([work, promise]).finally(() => {
    signal.removeEventListener('abort', cancel);
  });
}

function cancelled(): EnclaveError {
  return new EnclaveError('BOOT_CANCELLED', 'the enclave was stopped during its boot', 'start it again');
}
