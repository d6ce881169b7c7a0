export interface NodeOptions {
  readonly name: string;
  /** Kubernetes quantities, e.g. `'4'`, `'16Gi'`, `'110'`. */
  readonly cpu: string;
  readonly memory: string;
  readonly pods: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly now?: Date;
}

export interface NodeManifest {
  apiVersion: 'v1';
  kind: 'Node';
  metadata: { name: string; labels: Record<string, string>; annotations: Record<string, string> };
  status: {
    phase: 'Running';
    capacity: Record<string, string>;
    allocatable: Record<string, string>;
    conditions: { type: string; status: string; reason: string; message: string; [time: string]: string }[];
    addresses: { type: string; address: string }[];
  };
}

/** A kubelet always reports some; pods that ask for it stay pending on a node that says nothing of it. */
const EPHEMERAL_STORAGE = '100Gi';

/**
 * A Ready Node to POST. The API server keeps `status` on create, and kwok leaves a Ready node's capacity alone;
 * left to itself it would give every node 1,000 CPUs, on which no fairness lag ever shows.
 */
export function nodeManifest(options: NodeOptions): NodeManifest {
  const { name, cpu, memory, pods } = options;
  const size = { cpu, memory, pods, 'ephemeral-storage': EPHEMERAL_STORAGE };
  const time = (options.now ?? new Date()).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        // A kubelet sends these too. Left out, kube-controller-manager adds them, seconds later.
        'beta.kubernetes.io/os': 'linux',
        'beta.kubernetes.io/arch': 'amd64',
        ...options.labels,
      },
      annotations: { ...options.annotations },
    },
    status: {
      // kwok's heartbeat stage selects on it; without it the node's status is never refreshed.
      phase: 'Running',
      capacity: size,
      allocatable: size,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: 'kubelet is posting ready status',
          lastHeartbeatTime: time,
          lastTransitionTime: time,
        },
      ],
      addresses: [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: name },
      ],
    },
  };
}
