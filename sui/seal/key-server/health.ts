import type { Clock } from '@k3s-daas/core';

/** One thing that must hold; rejects with an error whose message says what does not. */
export interface HealthCheck {
  readonly name: string;
  readonly run: () => Promise<void>;
}

export interface Health {
  readonly ok: boolean;
  /** One line per check, as Kubernetes' own components print them. */
  readonly text: string;
}

const CACHE_MS = 1_000;

/** Runs checks together, at most once a second however many ask: asking costs the chain's node a request. */
export function healthOf(checks: readonly HealthCheck[], clock: Clock): () => Promise<Health> {
  let last: { readonly at: number; readonly health: Promise<Health> } | null = null;
  return () => {
    const now = clock.now();
    if (last === null || now - last.at >= CACHE_MS || now < last.at)
      last = { at: now, health: runAll(checks) };
    return last.health;
  };
}

async function runAll(checks: readonly HealthCheck[]): Promise<Health> {
  const results = await Promise.all(
    checks.map(async ({ name, run }) => {
      try {
        await run();
        return { ok: true, line: `[+]${name} ok` };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return { ok: false, line: `[-]${name} failed: ${why}` };
      }
    }),
  );
  const ok = results.every((result) => result.ok);
  const lines = results.map(({ line }) => line);
  return { ok, text: `${lines.join('\n')}\n${ok ? 'ok' : 'not ready'}\n` };
}
