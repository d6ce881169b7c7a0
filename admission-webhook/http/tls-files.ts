import { readFile } from 'node:fs/promises';

import type { Logger } from 'pino';

import type { Webhook, WebhookTls } from './server.ts';

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string;
}

export interface FollowOptions {
  readonly webhook: Webhook;
  readonly files: TlsFiles;
  /** What the webhook was started with. */
  readonly tls: WebhookTls;
  readonly log: Logger;
  /** 10,000 unless given. */
  readonly everyMs?: number;
}

/** @throws Error if a file cannot be read. */
export async function readTlsFiles({ certFile, keyFile, clientCaFile }: TlsFiles): Promise<WebhookTls> {
  const read = (file: string): Promise<string> => readFile(file, 'utf8');
  const [certPem, keyPem, clientCaPem] = await Promise.all([
    read(certFile),
    read(keyFile),
    read(clientCaFile),
  ]);
  return { certPem, keyPem, clientCaPem };
}

/**
 * Gives the webhook its certificates anew when the files change. The files are read again and again: mounted secrets
 * are swapped behind symbolic links, of which file watchers tell nothing. A half-written or broken set is left alone
 * until it is whole.
 *
 * @returns stops it.
 */
export function followTlsFiles({ webhook, files, tls, log, everyMs = 10_000 }: FollowOptions): () => void {
  let current = JSON.stringify(tls);
  const look = async (): Promise<void> => {
    try {
      const next = await readTlsFiles(files);
      if (JSON.stringify(next) === current) return;
      webhook.setTls(next);
      current = JSON.stringify(next);
    } catch (err) {
      log.warn({ err }, 'the new certificates cannot be used yet; the old ones stay');
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  return () => {
    clearInterval(timer);
  };
}
