import { readFile } from 'node:fs/promises';

import { describeError } from '@k3s-daas/core';
import { z } from 'zod';

import { FetchError } from './errors.ts';

/** What the pod's own token says of the pod. The broker has it verified; here it only says where this is. */
export interface PodToken {
  /** The bearer token itself. */
  readonly text: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

const claims = z.object({
  'kubernetes.io': z.object({
    namespace: z.string().min(1).max(253),
    serviceaccount: z.object({ name: z.string().min(1).max(253) }),
  }),
});

const TOKEN_CHARACTERS_MAX = 16_384;

/** Read for each attempt: the kubelet renews it. @throws FetchError TOKEN_UNREADABLE */
export async function readToken(path: string): Promise<PodToken> {
  try {
    const text = (await readFile(path, 'utf8')).trim();
    if (text.length > TOKEN_CHARACTERS_MAX || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text))
      throw new Error('it is no JSON web token');
    const payload = Buffer.from(text.split('.')[1] ?? '', 'base64url').toString('utf8');
    const { namespace, serviceaccount } = claims.parse(JSON.parse(payload))['kubernetes.io'];
    return { text, namespace, serviceAccount: serviceaccount.name };
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : describeError(cause);
    throw new FetchError('TOKEN_UNREADABLE', `the pod’s token cannot be read from ${path}: ${why}`, {
      cause,
    });
  }
}
