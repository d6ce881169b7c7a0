import { z } from 'zod';

import { ImageError } from '../errors.ts';

const port = z.number().int().min(1).max(65_535);
const dnsName = z
  .string()
  .regex(/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/);
/** 127.0.0.1 stays with the enclave's own listeners. */
const ownLoopback = z.string().regex(/^127\.0\.0\.([2-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-4])$/);

const egressSchema = z.strictObject({
  /** CID of the machine that the enclave runs on; always 3 on Nitro. */
  hostCid: z.number().int().min(1).max(0xffff_fffe),
  installation: z.strictObject({ vsockPort: port }),
  outbound: z.array(z.strictObject({ name: dnsName, address: ownLoopback, port, vsockPort: port })).max(16),
  inbound: z.array(z.strictObject({ name: dnsName, port, vsockPort: port })).max(16),
});

/** What may pass between the enclave and its host: `enclave/image/guest/egress.json`, measured into the image. */
export type Egress = z.infer<typeof egressSchema>;

/** One socat process: it listens at one address and connects each caller to the other. */
export interface Forward {
  /** For a person. */
  readonly name: string;
  readonly listen: string;
  readonly connect: string;
}

/** The parent instance waits there for the enclave's sign of life (aws-nitro-enclaves-sdk-bootstrap, init.c). */
const HEARTBEAT_VSOCK_PORT = 9_000;
const CONNECTIONS_MAX = 256;
const LISTEN_OPTIONS = `fork,reuseaddr,max-children=${CONNECTIONS_MAX}`;

/** Validates the text of egress.json. Two entries never share a name, an address or a port. */
export function parseEgress(text: string): Egress {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed('it is not JSON', cause);
  }
  const result = egressSchema.safeParse(value);
  if (!result.success) throw malformed(z.prettifyError(result.error));
  const egress = result.data;
  unique(
    'name',
    [...egress.outbound, ...egress.inbound].map(({ name }) => name),
  );
  unique(
    'address',
    egress.outbound.map(({ address }) => address),
  );
  unique(
    'port',
    egress.inbound.map(({ port: own }) => own),
  );
  unique('vsock port', [
    HEARTBEAT_VSOCK_PORT,
    egress.installation.vsockPort,
    ...egress.outbound.map(({ vsockPort }) => vsockPort),
    ...egress.inbound.map(({ vsockPort }) => vsockPort),
  ]);
  return egress;
}

/** The processes inside: a loopback listener for each allowed destination, a vsock listener for each own service. */
export function guestForwards({ hostCid, outbound, inbound }: Egress): Forward[] {
  return [
    ...outbound.map(({ name, address, port: at, vsockPort }) => ({
      name,
      listen: `TCP4-LISTEN:${at},bind=${address},${LISTEN_OPTIONS}`,
      connect: `VSOCK-CONNECT:${hostCid}:${vsockPort}`,
    })),
    ...inbound.map(({ name, port: at, vsockPort }) => ({
      name,
      listen: `VSOCK-LISTEN:${vsockPort},${LISTEN_OPTIONS}`,
      connect: `TCP4:127.0.0.1:${at}`,
    })),
  ];
}

export interface HostSide {
  /** CID of the running enclave. */
  readonly guestCid: number;
  /** Address of this machine that the enclave's services are offered at. */
  readonly bind: string;
  /** `host:port` by name, where the host reaches a destination by another address than its name and port. */
  readonly destinations: ReadonlyMap<string, string>;
}

/** The processes of the host, one for each entry; a destination that is not in the list is refused. */
export function hostForwards(egress: Egress, { guestCid, bind, destinations }: HostSide): Forward[] {
  for (const name of destinations.keys()) {
    if (!egress.outbound.some((entry) => entry.name === name)) {
      throw malformed(`${name} is no destination of this image`);
    }
  }
  return [
    ...egress.outbound.map(({ name, port: at, vsockPort }) => ({
      name,
      listen: `VSOCK-LISTEN:${vsockPort},${LISTEN_OPTIONS}`,
      connect: `TCP4:${destinations.get(name) ?? `${name}:${at}`}`,
    })),
    ...egress.inbound.map(({ name, port: at, vsockPort }) => ({
      name,
      listen: `TCP4-LISTEN:${at},bind=${bind},${LISTEN_OPTIONS}`,
      connect: `VSOCK-CONNECT:${guestCid}:${vsockPort}`,
    })),
  ];
}

/** socat's arguments that hand the installation file to whoever asks: from right to left, and nothing back. */
export function installationServer(egress: Egress, file: string): string[] {
  return ['-U', `VSOCK-LISTEN:${egress.installation.vsockPort},${LISTEN_OPTIONS}`, `OPEN:${file},rdonly`];
}

function unique(what: string, values: readonly (string | number)[]): void {
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) throw malformed(`the ${what} ${twice} is taken twice`);
}

function malformed(problem: string, cause?: unknown): ImageError {
  return new ImageError('BRIDGE_MALFORMED', `egress.json: ${problem}`, 'docs/enclave-image.md shows one', {
    cause,
  });
}
