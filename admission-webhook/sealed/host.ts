import { Denied } from '../denied.ts';
import { allContainers, type Container, type PodSpec } from './pod.ts';

/**
 * What lets a container look into other pods of its node: their memory, files and traffic or the kernel under them. These
 * capabilities do not; the list is one of what is allowed, since the kernel gets new ones.
 */
const HARMLESS_CAPABILITIES: ReadonlySet<string> = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'IPC_LOCK',
  'KILL',
  'LEASE',
  'MKNOD',
  'NET_ADMIN',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_RAW',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
]);
/** Types of SELinux that confine (Pod Security Standards, baseline); `spc_t` and its like do not. */
const CONFINED_TYPES: ReadonlySet<string> = new Set([
  '',
  'container_t',
  'container_init_t',
  'container_kvm_t',
  'container_engine_t',
]);

/**
 * A pod of a guarded namespace stays within itself: sealed secrets of its neighbours lie in their memory.
 *
 * @throws Denied POD_REACHES_HOST
 */
export function requireOwnSandbox(spec: PodSpec): void {
  if (spec.hostPID === true) throw reaches('spec.hostPID', 'shows the processes of every pod of the node');
  if (spec.hostIPC === true) throw reaches('spec.hostIPC', 'shares memory with every pod of the node');
  if (spec.hostNetwork === true)
    throw reaches('spec.hostNetwork', 'sees the traffic of every pod of the node, and may answer for them');
  requireConfined(spec.securityContext ?? {}, 'spec.securityContext');
  (spec.volumes ?? []).forEach((volume, i) => {
    if (Object.hasOwn(volume, 'hostPath'))
      throw reaches(`spec.volumes[${i}].hostPath`, "opens the node's disk, and every pod's files with it");
  });
  for (const { container, path } of allContainers(spec)) requireOwnContainer(container, path);
}

function requireOwnContainer({ securityContext }: Container, path: string): void {
  if (securityContext === undefined) return;
  const at = `${path}.securityContext`;
  requireConfined(securityContext, at);
  if (securityContext.privileged === true)
    throw reaches(`${at}.privileged`, 'makes the container a master of its node');
  if ((securityContext.procMount ?? 'Default') !== 'Default')
    throw reaches(`${at}.procMount`, "shows the kernel's own files");
  const capability = securityContext.capabilities?.add?.find((each) => !HARMLESS_CAPABILITIES.has(each));
  if (capability !== undefined)
    throw reaches(
      `${at}.capabilities.add: ${capability.slice(0, 64)}`,
      'reaches beyond the container, or may',
    );
}

interface Confinement {
  readonly seLinuxOptions?: { readonly type?: string | undefined } | undefined;
  readonly windowsOptions?: { readonly hostProcess?: boolean | undefined } | undefined;
}

function requireConfined({ seLinuxOptions, windowsOptions }: Confinement, at: string): void {
  if (windowsOptions?.hostProcess === true)
    throw reaches(`${at}.windowsOptions.hostProcess`, 'is a process of the host');
  if (!CONFINED_TYPES.has(seLinuxOptions?.type ?? ''))
    throw reaches(`${at}.seLinuxOptions.type`, 'is not one of the types that confine containers');
}

function reaches(where: string, why: string): Denied {
  return new Denied(
    'POD_REACHES_HOST',
    `${where} ${why}; what other pods keep to themselves is open there`,
    'leave it out, or run the workload in an exempt namespace, which only administrators may use',
  );
}
