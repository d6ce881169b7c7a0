import { z } from 'zod';

import { isSuiId } from './codec.ts';
import { CodedError } from './errors.ts';
import { EVIDENCE_FORMATS } from './evidence-format.ts';
import { fetchResourcesSchema } from './fetch-resources.ts';
import { SCHEDULER_USER } from './names.ts';
import { policySchema } from './policy.ts';
import { isChainId, networkMismatch, NETWORKS, publicNetworkOf } from './sui-networks.ts';

export type ConfigErrorCode =
  | 'CONFIG_MALFORMED'
  | 'CONFIG_DEVELOPMENT_ROOT_ON_PUBLIC_NETWORK'
  | 'CONFIG_CHAIN_OF_OTHER_NETWORK'
  | 'CONFIG_FORMAT_UNKNOWN'
  | 'CONFIG_CHAIN_WITHOUT_TLS'
  | 'CONFIG_CHAIN_OF_ONE';

/** A `daas.yaml` that cannot be used; the message names each field. */
export class ConfigError extends CodedError<ConfigErrorCode> {}

const id = z.string().refine(isSuiId, 'expected 0x and 64 lower-case hex digits');
const file = z.string().min(1).max(4096);
const listen = z.strictObject({
  host: z.string().min(1).max(253),
  port: z.number().int().min(0).max(65_535),
});
const names = z.array(z.string().min(1).max(253)).max(1024);

const cluster = z.strictObject({
  /** The shared Cluster object. */
  id,
  /** The published Move package. */
  package: id,
  /** Digest of the chain's genesis checkpoint, base58. */
  chainId: z.string().max(64).refine(isChainId, 'expected a digest of 32 bytes in base58'),
});

const network = z.enum(NETWORKS);

const chain = z.strictObject({
  network,
  url: z.url(),
  pollMs: z.number().int().min(50).max(60_000).default(500),
});

const kubernetes = z.strictObject({ server: z.url(), caFile: file });

/** Which enclaves are believed: formats of evidence, and the root that their documents must lead to. */
const attestation = z.strictObject({
  /** Formats of evidence that this cluster accepts; one without a verifier is refused by name. */
  formats: z.array(z.string().min(1).max(64)).min(1).max(8).default(['aws-nitro']),
  root: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('aws') }),
    /** PEM of a development NSM's root. */
    z.strictObject({ kind: z.literal('development'), certificateFile: file }),
  ]),
});

const nsm = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('device'),
    devicePath: file.default('/dev/nsm'),
    /** The program that makes the ioctl; Node cannot (enclave/nsm/device). */
    program: file.default('/usr/bin/nsm-request'),
  }),
  z.strictObject({ kind: z.literal('development'), authorityFile: file }),
]);

const enclave = z.strictObject({
  /** TLS with client certificates: the verbs of kube-scheduler. */
  listen,
  /** Plain HTTP; serves only what is public or proves itself. */
  bootstrap: listen,
  dataDir: file,
  /** CAs of the client certificates of kube-scheduler, and of the enclave's own for the API server. */
  clientCaFile: file,
  allowedClients: names.default([SCHEDULER_USER]),
  /** Clients that may ask for explanations and lags. */
  allowedReaders: names.default(['k3s-daas:admin']),
  nsm,
  /** Where pods ask for releases of their sealed secrets: TLS with the attested key, without client certificates. */
  broker: z
    .strictObject({
      listen,
      /** Releases per namespace and minute; a pod needs one per policy, and again after each restart of it. */
      releasesPerMinuteMax: z.number().int().min(1).max(1_000_000).default(600),
    })
    .optional(),
});

/** `daas registrar`: registers each boot of the enclave on chain, and pays for it within a budget. */
const registrar = z.strictObject({
  /** The enclave's plain HTTP listener. */
  bootstrapUrl: z.url(),
  /** Key that signs and pays: a file with a `suiprivkey…` text. */
  suiKeyFile: file,
  /** The ClusterCap that grants slots and activates sessions, owned by that key. */
  clusterCap: id,
  /** kubeconfig of a user that may create and approve the enclave's CertificateSigningRequest. */
  kubeconfig: file,
  /** What was spent, kept over restarts. */
  stateFile: file,
  budget: z
    .strictObject({
      registrationsPerHourMax: z.number().int().min(1).max(1000).default(6),
      /** Gas budget of one transaction, MIST. */
      gasMistPerTransactionMax: z.coerce.bigint().positive().default(100_000_000n),
      /** Gas of all transactions within 24 hours, MIST. */
      gasMistPerDayMax: z.coerce.bigint().positive().default(1_000_000_000n),
      /** Bonds of sessions that have not come back, MIST. */
      bondMistOutMax: z.coerce.bigint().positive().default(10_000_000_000n),
    })
    .prefault({}),
});

/** `daas attest-proxy`: beside kube-scheduler; checks the enclave, pins its TLS key and forwards. */
const proxy = z.strictObject({
  /** TLS with client certificates, as the enclave's own listener. */
  listen,
  certFile: file,
  keyFile: file,
  clientCaFile: file,
  allowedClients: names.default([SCHEDULER_USER]),
  enclaveUrl: z.url(),
  bootstrapUrl: z.url(),
  /** What the proxy shows the enclave: a certificate of a name in its allowedClients. */
  clientCertFile: file,
  clientKeyFile: file,
  /** The enclave is attested once per session, with a nonce; a document older than this is not taken. */
  documentAgeMsMax: z.number().int().min(1_000).max(3_600_000).default(60_000),
});

/** Sealed secrets: what counts as sealed, and where pods reach what opens them. */
const seal = z
  .strictObject({
    /** Key servers that secrets of this cluster may be sealed to, by the id of their object on chain. */
    keyServers: z
      .array(z.strictObject({ objectId: id, weight: z.number().int().min(1).max(255).default(1) }))
      .min(1)
      .max(16),
    /** Least threshold of a sealed value. */
    threshold: z.number().int().min(1).max(255),
    /** The enclave's broker, the relay and full nodes, as pods reach them. */
    brokerUrl: z.url({ protocol: /^https$/ }),
    relayUrl: z.url({ protocol: /^https?$/ }),
    /** More than half must agree on the enclave's TLS key. */
    chainUrls: z
      .array(z.url({ protocol: /^https?$/ }))
      .min(1)
      .max(3),
    /** Image of seal-fetch, by digest. */
    image: z
      .string()
      .max(512)
      .regex(/^[^@\s]+@sha256:[0-9a-f]{64}$/, 'expected NAME@sha256:DIGEST'),
    /** What seal-fetch requests and may use in each pod; for namespaces whose LimitRange asks for less. */
    fetchResources: fetchResourcesSchema.optional(),
  })
  .refine(({ keyServers }) => new Set(keyServers.map((each) => each.objectId)).size === keyServers.length, {
    path: ['keyServers'],
    error: 'a key server is named twice',
  })
  .refine(
    ({ keyServers, threshold }) => threshold <= keyServers.reduce((sum, each) => sum + each.weight, 0),
    {
      path: ['threshold'],
      error: 'more than all key servers weigh',
    },
  );

/** `daas relay`: sends the enclave's releases to the chain, and pays for them within a budget. */
const relay = z.strictObject({
  listen,
  /** Key that signs and pays: a file with a `suiprivkey…` text. */
  suiKeyFile: file,
  /** What was spent, kept over restarts. */
  stateFile: file,
  /** How long a request waits for others to share a transaction with. */
  batchMs: z.number().int().min(0).max(1_000).default(20),
  batchMax: z.number().int().min(1).max(64).default(16),
  budget: z
    .strictObject({
      /** Of one remote address, granted or not (IPv6: of one /64). The pods of a node may share one. */
      requestsPerAddressAndMinuteMax: z.number().int().min(1).max(1_000_000).default(600),
      /** Releases that are not granted yet. */
      requestsPerNamespaceAndMinuteMax: z.number().int().min(1).max(1_000_000).default(600),
      /** Gas budget of one transaction, MIST. */
      gasMistPerTransactionMax: z.coerce.bigint().positive().default(500_000_000n),
      /** Gas of all transactions within 24 hours, MIST. */
      gasMistPerDayMax: z.coerce.bigint().positive().default(50_000_000_000n),
      /** What one namespace may use up of that at once; it comes back over a day. */
      gasMistPerNamespaceAndDayMax: z.coerce.bigint().positive().default(10_000_000_000n),
    })
    .prefault({}),
});

/** `daas key-server --name NAME`: one of Seal's key servers. */
const keyServer = z.strictObject({
  listen,
  /** The KeyServer object on chain that names this server, its URL and its public key. */
  objectId: id,
  /** 32 bytes in hex: in a file, in an environment variable, or printed by a program (a KMS, an HSM). */
  masterKey: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('file'), file }),
    z.strictObject({
      kind: z.literal('environment'),
      variable: z.string().regex(/^[A-Z_][A-Z0-9_]{0,127}$/),
    }),
    z.strictObject({
      kind: z.literal('command'),
      command: z.array(z.string().min(1).max(4096)).min(1).max(64),
    }),
  ]),
  /** Package with `time::check_staleness`. */
  stalenessPackage: id,
  stalenessMsMax: z.number().int().min(1_000).max(600_000).default(120_000),
  /** Packages whose policies it answers for; the cluster's own unless given. */
  packages: z.array(id).min(1).max(64).optional(),
  requestsPerClientAndMinuteMax: z.number().int().min(1).max(1_000_000).default(600),
});

const webhook = z.strictObject({
  listen,
  /** As registered with the API server, `https://host:port/validate`; made of `listen` unless given. */
  url: z.url().optional(),
  /** The authority as registered with the API server; that of `clientCaFile` unless given. */
  caFile: file.optional(),
  certFile: file,
  keyFile: file,
  /** CA of the client certificate that the API server presents. */
  clientCaFile: file,
  allowedClients: names.default(['k3s-daas:apiserver']),
  /** kubeconfig of the user k3s-daas:controller. */
  kubeconfig: file,
  /** kubeconfig of the user k3s-daas:webhook, which reads namespaces, sealed Secrets and pods. */
  readerKubeconfig: file,
  controlPlaneNodes: names.default([]),
  /** How long a closing webhook still answers while it says that it is not ready. */
  drainMs: z.number().int().min(0).max(60_000).default(10_000),
});

/** What `daas verify`, `explain` and the other commands of a person use. */
const client = z.strictObject({
  kubeconfig: file,
  enclaveUrl: z.url(),
  /** The plain HTTP listener of the enclave: its certificate is taken from there and checked against the chain. */
  bootstrapUrl: z.url(),
  certFile: file,
  keyFile: file,
  /** Key that signs this person's transactions: a file with a `suiprivkey…` text. */
  suiKeyFile: file.optional(),
  /** What `daas secret config` published: secrets are sealed with it, without a network. */
  sealConfigFile: file.optional(),
});

const digest = z.string().regex(/^[1-9A-HJ-NP-Za-km-z]{32,44}$/, 'expected base58');

/** What `daas chain publish` wrote down of one publication. */
const deployment = z.strictObject({
  chainId: z.string().min(1).max(64),
  package: id,
  /** Of the compiled package, as `sui move build --dump-bytecode-as-base64` gives it; hex. */
  packageDigest: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits'),
  /** The transaction that published it. */
  transaction: digest,
  upgradePolicy: z.enum(['immutable', 'timelock', 'keep']),
  /** The UpgradeCap, or what it is locked in; absent if the package is immutable. */
  upgradeCap: id.optional(),
});

const configurationSchema = z.strictObject({
  apiVersion: z.literal('k3s-daas.io/v1alpha1'),
  kind: z.literal('DaaSConfiguration'),
  cluster,
  chain,
  kubernetes,
  policy: policySchema,
  attestation: attestation.prefault({ root: { kind: 'aws' } }),
  enclave: enclave.optional(),
  registrar: registrar.optional(),
  proxy: proxy.optional(),
  webhook: webhook.optional(),
  seal: seal.optional(),
  relay: relay.optional(),
  /** By a name that is used on the command line only. */
  keyServers: z.record(z.string().regex(/^[a-z0-9-]{1,63}$/), keyServer).optional(),
  client: client.optional(),
  /** By the package's name in its Move.toml, then by network. */
  packages: z.record(z.string().max(128), z.partialRecord(network, deployment)).optional(),
});

/** The content of `daas.yaml`. Sections of parts that a machine does not run may be left out. */
export type Configuration = z.infer<typeof configurationSchema>;
export type EnclaveConfiguration = z.infer<typeof enclave>;
export type AttestationConfiguration = z.infer<typeof attestation>;
export type RegistrarConfiguration = z.infer<typeof registrar>;
export type ProxyConfiguration = z.infer<typeof proxy>;
export type SealConfiguration = z.infer<typeof seal>;
export type RelayConfiguration = z.infer<typeof relay>;
export type KeyServerConfiguration = z.infer<typeof keyServer>;
export type WebhookConfiguration = z.infer<typeof webhook>;
export type ClientConfiguration = z.infer<typeof client>;

/** Validates a parsed `daas.yaml`. Unknown fields are refused. */
export function parseConfiguration(value: unknown): Configuration {
  const result = configurationSchema.safeParse(value);
  if (!result.success) {
    throw new ConfigError(
      'CONFIG_MALFORMED',
      `the configuration is not valid:\n${z.prettifyError(result.error)}`,
      'mend the named fields; docs/configuration.md describes each',
    );
  }
  const configuration = result.data;
  refuseUnknownFormats(configuration);
  refuseDevelopmentRoot(configuration);
  refuseUnsureChain(configuration);
  refuseOtherNetwork(configuration);
  return configuration;
}

/** It could never be verified; and were it the only one, nothing would be. */
function refuseUnknownFormats({ attestation: { formats } }: Configuration): void {
  const known: readonly string[] = EVIDENCE_FORMATS;
  const unknown = formats.find((format) => !known.includes(format));
  if (unknown === undefined) return;
  throw new ConfigError(
    'CONFIG_FORMAT_UNKNOWN',
    `attestation.formats: no verifier for ${JSON.stringify(unknown)}`,
    `name formats that have one: ${known.join(', ')}`,
  );
}

/** On a public network there is money and there are strangers: only hardware that AWS vouches for is believed. */
function refuseDevelopmentRoot(configuration: Configuration): void {
  const { attestation, enclave } = configuration;
  const network = publicNetworkOf(configuration);
  if (network === null) return;
  const development = [
    attestation.root.kind === 'development' ? 'attestation.root.kind' : null,
    enclave?.nsm.kind === 'development' ? 'enclave.nsm.kind' : null,
  ].filter((field) => field !== null);
  if (development.length === 0) return;
  throw new ConfigError(
    'CONFIG_DEVELOPMENT_ROOT_ON_PUBLIC_NETWORK',
    `${development.join(' and ')}: development cannot be used on ${network}`,
    'run the enclave on Nitro hardware with kind device and root aws, or choose the embedded network or a localnet',
  );
}

/**
 * What a pod hears from these says to whom it shows its token. Over plain HTTP anyone on its way (on the pod's own node, a pod
 * with the node's network) could name himself, and open the pod's secrets with it; and so could who runs a full node that is
 * asked alone, or as most of them: each host is named once.
 */
function refuseUnsureChain(configuration: Configuration): void {
  const { seal } = configuration;
  const network = publicNetworkOf(configuration);
  if (seal === undefined || network === null) return;
  const remedy = 'name two or three full nodes by https, of different operators: more than half must agree';
  const plain = seal.chainUrls.find((url) => !url.startsWith('https:'));
  if (plain !== undefined)
    throw new ConfigError(
      'CONFIG_CHAIN_WITHOUT_TLS',
      `seal.chainUrls: ${plain} is not https, which pods need on ${network}`,
      remedy,
    );
  const hosts = seal.chainUrls.map((url) => new URL(url).hostname);
  const alone = hosts.length === 1 ? hosts[0] : hosts.find((host, at) => hosts.indexOf(host) !== at);
  if (alone !== undefined)
    throw new ConfigError(
      'CONFIG_CHAIN_OF_ONE',
      `seal.chainUrls: ${alone} alone would say whom pods trust on ${network}`,
      remedy,
    );
}

/** One of the two is a mistake, and nobody but the operator knows which. */
function refuseOtherNetwork({ chain, cluster }: Configuration): void {
  const mismatch = networkMismatch(chain.network, cluster.chainId);
  if (mismatch === null) return;
  throw new ConfigError(
    'CONFIG_CHAIN_OF_OTHER_NETWORK',
    `chain.network is ${chain.network}, but of cluster.chainId: ${mismatch}`,
    'correct chain.network, or take the chainId of the chain that the cluster was created on',
  );
}
