/** What tests outside of this workspace need of its dependencies, so that they need not depend on them as well. */
import { KubeConfig } from '@kubernetes/client-node';
import { pino, type Logger } from 'pino';

export const silentLog = (): Logger => pino({ level: 'silent' });

export function kubeConfigFrom(file: string): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(file);
  return kubeConfig;
}
