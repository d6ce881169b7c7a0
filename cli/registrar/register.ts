import { AttestationError, verifyDocument } from '@k3s-daas/attestation';
import {
  checkRegistration,
  fromHex,
  toHex,
  type AttestationConfiguration,
  type Bytes,
  type RegistrarConfiguration,
  type RegistrationSlot,
  type SuiId,
} from '@k3s-daas/core';
import {
  addressOf,
  grantSlot,
  listOwned,
  readObjects,
  registerAndActivate,
  shapes,
  type ClusterRecord,
  type Owned,
} from '@k3s-daas/sui-client';

import { fetchAttestation, type EnclaveAttestation } from '../enclave-client.ts';
import { verifyEnclave } from '../enclave-verify.ts';
import { requireBond, requireRoom } from './budget.ts';
import { RegistrarError } from './errors.ts';
import { sameKeys, type OnChain } from './sessions.ts';

/** A slot serves any boot of its image, so that a crash loop is granted one in an hour and not one per crash. */
const SLOT_LIFETIME_MS = 3_600_000;
/** Less is left of a slot than a registration may take. */
const SLOT_LEFT_MS_MIN = 60_000;
/** A standing document is as old as its enclave lets it become; its certificate lives three hours. */
const STANDING_AGE_MS_MAX = 3 * 3_600_000;
const FRESH_AGE_MS_MAX = 60_000;

export interface RegisterOptions extends OnChain {
  readonly registrar: RegistrarConfiguration;
  readonly accepted: AttestationConfiguration;
  readonly trustAnchor: Bytes;
  readonly signal: AbortSignal;
}

/** What a registration left on chain. */
export interface Registered {
  readonly session: SuiId;
  readonly term: bigint;
  readonly digest: string;
}

/**
 * Registers and activates one boot: which accepted image is it → is there room in the budget → a slot → the document for
 * that slot → verified here by the rules that Move applies → one transaction. Everything that can be refused without gas
 * is refused before it.
 */
export async function register(
  options: RegisterOptions,
  cluster: ClusterRecord,
  standing: EnclaveAttestation,
): Promise<Registered> {
  const { registrar, books, clock, signal } = options;
  const configVersion = acceptedImage(options, cluster, standing);
  const bond = cluster.parameters.enclaves.bondMin;
  requireRoom(books.state, registrar.budget, 'register', clock.now());
  requireBond(books.state, registrar.budget, bond);
  await options.chain.info();
  await requireCap(options);
  const slot = await slotFor(options, configVersion);
  const fresh = await fetchAttestation(registrar.bootstrapUrl, { slot: slot.id }, signal);
  if (!sameKeys(standing, fresh)) {
    throw new RegistrarError(
      'BOOT_CHANGED',
      'the enclave restarted while it was being registered',
      'nothing to do: the slot is kept for the new boot',
    );
  }
  verifyEnclave(fresh, {
    cluster,
    configVersion,
    accepted: options.accepted,
    trustAnchor: options.trustAnchor,
    nonce: fromHex(slot.id.slice(2)),
    nowMs: clock.now(),
    ageMsMax: Math.min(FRESH_AGE_MS_MAX, Number(cluster.parameters.enclaves.documentAgeMsMax)),
  });
  requireMove(options, cluster, { slot, bond, fresh });
  return send(options, { slot: slot.id, bond, fresh, expectedTerm: cluster.term });
}

/** Move's own rules, so that no gas is paid to hear no. The chain's clock trails ours a little. @throws RegistrationError */
function requireMove(
  { clock, trustAnchor }: RegisterOptions,
  cluster: ClusterRecord,
  what: { readonly slot: RegistrationSlot; readonly bond: bigint; readonly fresh: EnclaveAttestation },
): void {
  const { slot, bond, fresh } = what;
  const { logKey, tlsKeyHash } = fresh;
  const nowMs = clock.now();
  const document = verifyDocument(fresh.document, { trustAnchor, nowMs });
  checkRegistration({ cluster, slot, document, logKey, tlsKeyHash, bond, nowMs: BigInt(nowMs) });
}

async function send(
  { actor, books, clock, ...options }: RegisterOptions,
  what: {
    readonly slot: SuiId;
    readonly bond: bigint;
    readonly fresh: EnclaveAttestation;
    readonly expectedTerm: bigint;
  },
): Promise<Registered> {
  const { slot, bond, fresh, expectedTerm } = what;
  const boot = toHex(fresh.decisionKey);
  const { document, logKey, tlsKeyHash } = fresh;
  const { session, term, digest } = await books.spend('register', boot, actor, (paying) =>
    registerAndActivate(paying, ownedOf(options), {
      slot,
      document,
      logKey,
      tlsKeyHash,
      bond,
      expectedTerm,
    }),
  );
  const registration = { atMs: clock.now(), session, term: term.toString(), boot, digest };
  await books.change((state) => ({
    ...state,
    registrations: [...state.registrations, registration],
    bonds: [...state.bonds, { session, mist: bond.toString() }],
  }));
  return { session, term, digest };
}

/** The newest accepted image whose measurements the standing document has. @throws AttestationError, RegistrarError */
function acceptedImage(
  options: RegisterOptions,
  cluster: ClusterRecord,
  standing: EnclaveAttestation,
): bigint {
  const { accepted, trustAnchor, clock } = options;
  for (const { key: configVersion } of cluster.configs.toReversed()) {
    try {
      const nowMs = clock.now();
      const rules = { accepted, trustAnchor, nonce: null, nowMs, ageMsMax: STANDING_AGE_MS_MAX };
      verifyEnclave(standing, { cluster, configVersion, ...rules });
      return configVersion;
    } catch (error) {
      if (!(error instanceof AttestationError && error.code === 'POLICY_PCR')) throw error;
    }
  }
  throw new RegistrarError(
    'IMAGE_NOT_ACCEPTED',
    'what runs there is of no image that the cluster accepts',
    'run an accepted image, or have the owner of the ClusterCap accept this one',
  );
}

/** A slot of ours that is still good, else a new one. */
async function slotFor(options: RegisterOptions, configVersion: bigint): Promise<RegistrationSlot> {
  const { actor, cluster, books, clock } = options;
  const address = addressOf(actor.signer);
  const owned = await listOwned(actor.client, cluster.package, address, 'slot');
  const ids = owned.filter((slot) => slot.cluster === cluster.id).map(({ id }) => id);
  const slots = await readObjects(actor.client, ids, shapes.slot(cluster.package));
  const usableUntil = BigInt(clock.now() + SLOT_LEFT_MS_MIN);
  for (const { value } of slots.values()) {
    if (value.configVersion === configVersion && value.expiresMs > usableUntil) return value;
  }
  const expiresMs = BigInt(clock.now() + SLOT_LIFETIME_MS);
  const { slot } = await books.spend('grant', null, actor, (paying) =>
    grantSlot(paying, ownedOf(options), { registrar: address, configVersion, expiresMs }),
  );
  return { id: slot, cluster: cluster.id, configVersion, expiresMs };
}

async function requireCap({ actor, cluster, registrar }: RegisterOptions): Promise<void> {
  const address = addressOf(actor.signer);
  const caps = await listOwned(actor.client, cluster.package, address, 'cap');
  if (caps.some((cap) => cap.id === registrar.clusterCap && cap.cluster === cluster.id)) return;
  throw new RegistrarError(
    'CAP_NOT_OWNED',
    `${address} does not own ${registrar.clusterCap}, the ClusterCap of cluster ${cluster.id}`,
    'set registrar.clusterCap and registrar.suiKeyFile to those of the cluster’s owner',
  );
}

function ownedOf({ cluster, registrar }: Pick<RegisterOptions, 'cluster' | 'registrar'>): Owned {
  return { cluster: cluster.id, cap: registrar.clusterCap };
}
