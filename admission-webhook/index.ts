export {
  EXEMPT_NAMESPACES,
  webhookConfigSchema,
  type SealSettings,
  type WebhookConfig,
  type WebhookConfigInput,
} from './config.ts';
export { Denied, type DenialCode } from './denied.ts';
export { serveWebhook, type Webhook, type WebhookOptions, type WebhookTls } from './http/server.ts';
export { followTlsFiles, readTlsFiles, type FollowOptions, type TlsFiles } from './http/tls-files.ts';
export { startClusterFacts, type ClusterFactsOptions, type WatchedFacts } from './sealed/cluster-facts.ts';
export { ManifestError } from './manifest-error.ts';
export {
  renderAdmissionConfiguration,
  renderOverlay,
  renderSchedulerConfig,
  renderStaticManifests,
  type AdmissionConfigurationOptions,
  type OverlayOptions,
  type SchedulerConfigOptions,
  type StaticManifests,
} from './manifests.ts';
export { type AdmissionSite } from './admission-objects.ts';
export {
  startAdmissionGuard,
  type AdmissionGuard,
  type AdmissionGuardOptions,
} from './controllers/admission-guard.ts';
export { startSealEvents, type SealEvents, type SealEventsOptions } from './controllers/seal-events.ts';
export {
  startStakeWatch,
  type RoundResult,
  type StakeWatch,
  type StakeWatchConfig,
  type StakeWatchOptions,
} from './controllers/stake-watch.ts';
