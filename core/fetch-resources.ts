import { z } from 'zod';

import { cpuMilli, memoryBytes } from './quantity.ts';

/**
 * CPU and bytes in the one form in which the API server writes them back (canonical quantities), so that what was written
 * can be compared with what is there: `1000m` is `1`, `1024Mi` is `1Gi`.
 */
const cpu = z
  .union([z.string(), z.number().transform(String)])
  .pipe(z.string().regex(/^[1-9]\d{0,5}m?$/, 'expected cores or thousandths of them, as 1 or 500m'))
  .transform((text) => {
    const milli = cpuMilli(text);
    return milli % 1_000n === 0n ? String(milli / 1_000n) : `${milli}m`;
  });
const bytes = z
  .string()
  .regex(/^[1-9]\d{0,5}[MG]i$/, 'expected a number of Mi or Gi, as 256Mi')
  .transform((text) => {
    const mi = memoryBytes(text) >> 20n;
    return mi % 1_024n === 0n ? `${mi / 1_024n}Gi` : `${mi}Mi`;
  });

/** Of seal-fetch in each pod. What a LimitRange asks is mostly a ratio: 10 for CPU and 2 for memory are common. */
export const fetchResourcesSchema = z
  .strictObject({
    requests: z
      .strictObject({
        cpu: cpu.default('100m'),
        memory: bytes.default('128Mi'),
        'ephemeral-storage': bytes.default('64Mi'),
      })
      .prefault({}),
    limits: z
      .strictObject({
        cpu: cpu.default('1'),
        memory: bytes.default('256Mi'),
        'ephemeral-storage': bytes.default('64Mi'),
      })
      .prefault({}),
  })
  .refine(
    ({ requests, limits }) =>
      cpuMilli(requests.cpu) <= cpuMilli(limits.cpu) &&
      memoryBytes(requests.memory) <= memoryBytes(limits.memory) &&
      memoryBytes(requests['ephemeral-storage']) <= memoryBytes(limits['ephemeral-storage']),
    { path: ['requests'], error: 'more is requested than the limits allow' },
  );

/** Requests and limits of seal-fetch, in canonical quantities. */
export type FetchResources = z.infer<typeof fetchResourcesSchema>;
