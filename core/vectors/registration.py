"""Makes registration.json, from which registration-move.ts makes Move tests:

    python3 core/vectors/registration.py && npx prettier --write core/vectors/registration.json
    node core/vectors/registration-move.ts > sui/move/daas/tests/registration_vectors.move
    npx prettier --write sui/move/daas/tests/registration_vectors.move

Shares no code with the project: each verdict is stated by hand from docs/chain/enclaves.md, user_data is SHA-256 by
hashlib over the layout of docs/formats.md. Keys, ids and digests are those of decision.json; images, times and amounts
those of sui/move/daas/tests/world.move.
"""

import hashlib
import json
from pathlib import Path

HERE = Path(__file__).parent
KNOWN = json.loads((HERE / 'decision.json').read_text())

NOW_MS = 1_763_700_000_000
AGE_MS_MAX = 300_000
AHEAD_MS_MAX = 10_000
EXPIRES_MS = NOW_MS + 60_000
BOND_MIN = 700
U64_MAX = 2**64 - 1

CLUSTER = KNOWN['ids']['cluster']
OTHER_CLUSTER = KNOWN['ids']['otherCluster']
SLOT = KNOWN['ids']['slot'].removeprefix('0x')
OTHER_SLOT = KNOWN['ids']['session'].removeprefix('0x')
DECISION, LOG, OTHER = (KNOWN['keys'][name] for name in ('decision', 'log', 'other'))
TLS = KNOWN['enclave']['tlsKeyHash']
CONFIG_DIGEST = KNOWN['config']['digest']
ZERO = '00' * 48

# The abort of enclaves.move for each code of core/registration.ts.
ABORTS = {
    'SLOT_WRONG_CLUSTER': 'EWrongCluster',
    'SLOT_EXPIRED': 'ESlotExpired',
    'CONFIG_NOT_ACCEPTED': 'EConfigNotAccepted',
    'DOCUMENT_FROM_FUTURE': 'EDocumentFromFuture',
    'DOCUMENT_TOO_OLD': 'EDocumentTooOld',
    'PCR_MISSING': 'EPcrMissing',
    'PCR_ZERO': 'EPcrZero',
    'PCR_MISMATCH': 'EPcrMismatch',
    'NONCE_WRONG': 'EWrongNonce',
    'DECISION_KEY_MISSING': 'EDecisionKeyMissing',
    'KEY_LENGTH': 'EKeyLength',
    'KEYS_NOT_DISTINCT': 'EKeysNotDistinct',
    'USER_DATA_WRONG': 'EWrongUserData',
    'BOND_TOO_SMALL': 'EBondTooSmall',
}


def pcr(byte, length=48):
    return bytes([byte] * length).hex()


def image(first, retired=False):
    return {'pcr0': pcr(first), 'pcr1': pcr(first + 1), 'pcr2': pcr(first + 2), 'retired': retired}


def pcrs(*values, indices=(0, 1, 2)):
    return [[index, value] for index, value in zip(indices, values, strict=True)]


def user_data(decision=DECISION, log=LOG, tls=TLS, cluster=CLUSTER, digest=CONFIG_DIGEST, domain='k3s-daas/enclave/v1'):
    parts = (cluster.removeprefix('0x'), digest, decision, log, tls)
    return hashlib.sha256(domain.encode() + b''.join(bytes.fromhex(part) for part in parts)).hexdigest()


P0, P1, P2 = pcr(10), pcr(11), pcr(12)
HONEST = {
    'nowMs': NOW_MS,
    'documentMs': NOW_MS,
    'slotCluster': CLUSTER,
    'configVersion': 1,
    'expiresMs': EXPIRES_MS,
    # Accepted one after the other, so that the first has config version 1.
    'images': [image(10)],
    'pcrs': pcrs(P0, P1, P2),
    'publicKey': DECISION,
    'userData': user_data(),
    'nonce': SLOT,
    'logKey': LOG,
    'tlsKeyHash': TLS,
    'bond': BOND_MIN,
}
assert HONEST['userData'] == KNOWN['enclave']['userData']

cases = {}


def case(name, verdict, **changes):
    assert name not in cases and changes.keys() <= HONEST.keys(), name
    whole = HONEST | changes
    keys = [whole[field] for field in ('publicKey', 'logKey', 'tlsKeyHash')]
    complete = all(key is not None and len(key) == 64 for key in keys)
    cases[name] = {
        'changes': changes,
        'expectedUserData': user_data(*keys) if complete else None,
        'code': verdict,
        'abort': verdict and ABORTS[verdict],
    }


def keys(decision=DECISION, log=LOG, tls=TLS):
    """Three keys and the user_data of an enclave that means them."""
    return {'publicKey': decision, 'logKey': log, 'tlsKeyHash': tls, 'userData': user_data(decision, log, tls)}


case('honest', None)

# Slot
case('slot_of_another_cluster', 'SLOT_WRONG_CLUSTER', slotCluster=OTHER_CLUSTER)
case('slot_of_another_cluster_for_which_all_else_is_right', 'SLOT_WRONG_CLUSTER', slotCluster=OTHER_CLUSTER,
     userData=user_data(cluster=OTHER_CLUSTER))
case('slot_in_its_last_millisecond', None, nowMs=EXPIRES_MS - 1)
case('slot_expiring_now', 'SLOT_EXPIRED', nowMs=EXPIRES_MS, documentMs=EXPIRES_MS)
case('slot_expired_by_a_millisecond', 'SLOT_EXPIRED', nowMs=EXPIRES_MS + 1, documentMs=EXPIRES_MS)
case('slot_that_expired_in_1970', 'SLOT_EXPIRED', expiresMs=0)
case('slot_without_end', None, expiresMs=U64_MAX)

# Config version
OLD, NEW = image(10), image(20)
case('config_old_and_still_accepted', None, images=[OLD, NEW])
case('config_new', None, images=[OLD, NEW], configVersion=2, pcrs=pcrs(pcr(20), pcr(21), pcr(22)))
case('config_retired', 'CONFIG_NOT_ACCEPTED', images=[image(10, retired=True), NEW])
case('config_retired_whose_image_is_accepted_again', 'CONFIG_NOT_ACCEPTED', images=[image(10, retired=True), OLD])
case('config_of_the_same_image_accepted_again', None, images=[image(10, retired=True), OLD], configVersion=2)
case('config_newest_retired', 'CONFIG_NOT_ACCEPTED', images=[OLD, image(20, retired=True)], configVersion=2)
case('config_of_a_cluster_that_accepts_none', 'CONFIG_NOT_ACCEPTED', images=[image(10, retired=True)])
case('config_old_for_a_slot_of_the_new', 'PCR_MISMATCH', images=[OLD, NEW], configVersion=2)
case('config_new_for_a_slot_of_the_old', 'PCR_MISMATCH', images=[OLD, NEW], pcrs=pcrs(pcr(20), pcr(21), pcr(22)))
case('config_mixed_of_two_images', 'PCR_MISMATCH', images=[OLD, NEW], pcrs=pcrs(P0, P1, pcr(22)))

# Age
case('age_of_a_millisecond', None, documentMs=NOW_MS - 1)
case('age_max', None, documentMs=NOW_MS - AGE_MS_MAX)
case('age_max_and_one', 'DOCUMENT_TOO_OLD', documentMs=NOW_MS - AGE_MS_MAX - 1)
case('age_of_a_document_of_1970', 'DOCUMENT_TOO_OLD', documentMs=0)
case('age_where_a_sum_would_wrap', None, documentMs=1, nowMs=1 + AGE_MS_MAX)
case('ahead_by_a_millisecond', None, documentMs=NOW_MS + 1)
case('ahead_max', None, documentMs=NOW_MS + AHEAD_MS_MAX)
case('ahead_max_and_one', 'DOCUMENT_FROM_FUTURE', documentMs=NOW_MS + AHEAD_MS_MAX + 1)
case('ahead_to_the_end_of_time', 'DOCUMENT_FROM_FUTURE', documentMs=U64_MAX)
case('ahead_of_a_chain_at_zero', None, documentMs=AHEAD_MS_MAX, nowMs=0)

# PCRs
case('pcrs_in_another_order', None, pcrs=pcrs(P2, P0, P1, indices=(2, 0, 1)))
case('pcrs_with_others_between', None,
     pcrs=pcrs(pcr(88), P2, pcr(4), P0, ZERO, P1, pcr(99), indices=(8, 2, 4, 0, 3, 1, 31)))
case('pcrs_of_the_right_places_and_wrong_indices', 'PCR_MISMATCH', pcrs=pcrs(P0, P1, P2, indices=(1, 0, 2)))
case('pcrs_moved_up_by_one', 'PCR_MISSING', pcrs=pcrs(P0, P1, P2, indices=(1, 2, 3)))
case('pcrs_none', 'PCR_MISSING', pcrs=[])
for missing in range(3):
    left = [entry for entry in HONEST['pcrs'] if entry[0] != missing]
    case(f'pcr{missing}_missing', 'PCR_MISSING', pcrs=left)
for index, value in enumerate((P0, P1, P2)):
    def with_pcr(other, at=index):
        return [[i, other if i == at else honest] for i, honest in HONEST['pcrs']]
    case(f'pcr{index}_zero', 'PCR_ZERO', pcrs=with_pcr(ZERO))
    case(f'pcr{index}_of_another_image', 'PCR_MISMATCH', pcrs=with_pcr(pcr(9)))
    case(f'pcr{index}_one_bit_off', 'PCR_MISMATCH', pcrs=with_pcr(value[:-1] + f'{int(value[-1], 16) ^ 1:x}'))
    case(f'pcr{index}_twice_the_same', 'PCR_MISSING', pcrs=HONEST['pcrs'] + [[index, value]])
    case(f'pcr{index}_twice_wrong_first', 'PCR_MISSING', pcrs=[[index, pcr(9)]] + HONEST['pcrs'])
    case(f'pcr{index}_twice_wrong_last', 'PCR_MISSING', pcrs=HONEST['pcrs'] + [[index, pcr(9)]])
case('pcr0_of_32_bytes', 'PCR_MISMATCH', pcrs=pcrs(pcr(10, 32), P1, P2))
case('pcr1_of_64_bytes', 'PCR_MISMATCH', pcrs=pcrs(P0, pcr(11, 64), P2))
case('pcr2_of_32_zero_bytes', 'PCR_ZERO', pcrs=pcrs(P0, P1, pcr(0, 32)))
case('pcr0_empty', 'PCR_ZERO', pcrs=pcrs('', P1, P2))
case('pcr_all_zero_as_in_debug_mode', 'PCR_ZERO', pcrs=pcrs(ZERO, ZERO, ZERO, pcr(4), indices=(0, 1, 2, 4)))
# Index by index, not check by check.
case('pcr0_of_another_image_and_pcr1_missing', 'PCR_MISMATCH', pcrs=pcrs(pcr(9), P2, indices=(0, 2)))
case('pcr0_of_another_image_and_pcr1_zero', 'PCR_MISMATCH', pcrs=pcrs(pcr(9), ZERO, P2))
case('pcr0_zero_and_pcr2_missing', 'PCR_ZERO', pcrs=pcrs(ZERO, P1, indices=(0, 1)))
case('pcr1_missing_and_pcr2_zero', 'PCR_MISSING', pcrs=pcrs(P0, ZERO, indices=(0, 2)))

# Nonce
case('nonce_of_another_slot', 'NONCE_WRONG', nonce=OTHER_SLOT)
case('nonce_absent', 'NONCE_WRONG', nonce=None)
case('nonce_empty', 'NONCE_WRONG', nonce='')
case('nonce_of_31_bytes', 'NONCE_WRONG', nonce=SLOT[:-2])
case('nonce_of_33_bytes', 'NONCE_WRONG', nonce=SLOT + '00')
case('nonce_one_bit_off', 'NONCE_WRONG', nonce=f'{int(SLOT[0], 16) ^ 8:x}' + SLOT[1:])
case('nonce_with_leading_zero', 'NONCE_WRONG', nonce='00' + SLOT)
case('nonce_is_the_cluster', 'NONCE_WRONG', nonce=CLUSTER.removeprefix('0x'))

# Keys
case('public_key_absent', 'DECISION_KEY_MISSING', publicKey=None)
case('public_key_empty', 'DECISION_KEY_MISSING', publicKey='')
case('public_key_of_31_bytes', 'DECISION_KEY_MISSING', publicKey=DECISION[:-2])
case('public_key_of_33_bytes', 'DECISION_KEY_MISSING', publicKey=DECISION + '00')
case('public_key_of_1024_bytes', 'DECISION_KEY_MISSING', publicKey=pcr(1, 1024))
case('log_key_empty', 'KEY_LENGTH', logKey='')
case('log_key_of_31_bytes', 'KEY_LENGTH', logKey=LOG[:-2])
case('log_key_of_33_bytes', 'KEY_LENGTH', logKey=LOG + '00')
case('tls_key_hash_empty', 'KEY_LENGTH', tlsKeyHash='')
case('tls_key_hash_of_31_bytes', 'KEY_LENGTH', tlsKeyHash=TLS[:-2])
case('tls_key_hash_of_48_bytes', 'KEY_LENGTH', tlsKeyHash=pcr(1))
# The same bytes in a row, cut elsewhere: the hash over them is the same.
case('keys_cut_elsewhere', 'KEY_LENGTH', logKey=LOG[:-2], tlsKeyHash=LOG[-2:] + TLS)
case('decision_key_is_the_log_key', 'KEYS_NOT_DISTINCT', **keys(log=DECISION))
case('decision_key_is_the_tls_key_hash', 'KEYS_NOT_DISTINCT', **keys(tls=DECISION))
case('log_key_is_the_tls_key_hash', 'KEYS_NOT_DISTINCT', **keys(tls=LOG))
case('keys_all_the_same', 'KEYS_NOT_DISTINCT', **keys(log=DECISION, tls=DECISION))
case('keys_of_another_boot', None, **keys(OTHER, TLS, LOG))

# User data
case('user_data_absent', 'USER_DATA_WRONG', userData=None)
case('user_data_empty', 'USER_DATA_WRONG', userData='')
case('user_data_of_31_bytes', 'USER_DATA_WRONG', userData=user_data()[:-2])
case('user_data_of_33_bytes', 'USER_DATA_WRONG', userData=user_data() + '00')
case('user_data_one_bit_off', 'USER_DATA_WRONG', userData=f'{int(user_data()[0], 16) ^ 1:x}' + user_data()[1:])
case('user_data_of_another_cluster', 'USER_DATA_WRONG', userData=user_data(cluster=OTHER_CLUSTER))
case('user_data_of_another_config_digest', 'USER_DATA_WRONG', userData=user_data(digest=KNOWN['config']['policyDigest']))
case('user_data_of_another_domain', 'USER_DATA_WRONG', userData=user_data(domain='k3s-daas/enclave/v2'))
case('user_data_with_log_and_tls_swapped', 'USER_DATA_WRONG', userData=user_data(log=TLS, tls=LOG))
case('user_data_with_decision_and_log_swapped', 'USER_DATA_WRONG', userData=user_data(decision=LOG, log=DECISION))
case('user_data_of_another_decision_key', 'USER_DATA_WRONG', publicKey=OTHER)
case('user_data_of_another_log_key', 'USER_DATA_WRONG', logKey=OTHER)
case('user_data_of_another_tls_key', 'USER_DATA_WRONG', tlsKeyHash=OTHER)
case('keys_given_swapped', 'USER_DATA_WRONG', logKey=TLS, tlsKeyHash=LOG)

# Bond
case('bond_one_mist_short', 'BOND_TOO_SMALL', bond=BOND_MIN - 1)
case('bond_none', 'BOND_TOO_SMALL', bond=0)
case('bond_one_mist_over', None, bond=BOND_MIN + 1)
case('bond_max', None, bond=U64_MAX)

# Of two faults the first is told: one case for each two that follow each other.
FAULTS = [
    ('SLOT_WRONG_CLUSTER', {'slotCluster': OTHER_CLUSTER}),
    ('SLOT_EXPIRED', {'expiresMs': NOW_MS}),
    ('CONFIG_NOT_ACCEPTED', {'images': [image(10, retired=True)]}),
    ('DOCUMENT_TOO_OLD', {'documentMs': NOW_MS - AGE_MS_MAX - 1}),
    ('PCR_MISSING', {'pcrs': []}),
    ('NONCE_WRONG', {'nonce': None}),
    ('DECISION_KEY_MISSING', {'publicKey': None}),
    ('KEY_LENGTH', {'logKey': LOG[:-2]}),
    ('KEYS_NOT_DISTINCT', {'tlsKeyHash': DECISION}),
    ('USER_DATA_WRONG', {'userData': None}),
    ('BOND_TOO_SMALL', {'bond': 0}),
]
for (first, fault), (second, other) in zip(FAULTS, FAULTS[1:]):
    case(f'{first.lower()}_before_{second.lower()}', first, **(other | fault))
case('document_from_future_before_pcr_zero', 'DOCUMENT_FROM_FUTURE', documentMs=NOW_MS + AHEAD_MS_MAX + 1,
     pcrs=pcrs(ZERO, ZERO, ZERO))
case('pcr_mismatch_before_nonce_wrong', 'PCR_MISMATCH', pcrs=pcrs(P0, P1, pcr(9)), nonce=None)
case('all_faults_at_once', 'SLOT_WRONG_CLUSTER', **{field: value for _, fault in FAULTS for field, value in fault.items()})


def text(value):
    """u64 as decimal text; a PCR's index stays a number."""
    if isinstance(value, dict):
        return {key: text(inner) for key, inner in value.items()}
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


assert set(ABORTS) == {found['code'] for found in cases.values()} - {None}
vectors = {
    'about': 'Registrations of enclaves (docs/chain/enclaves.md), made by registration.py, which shares no code with the '
    'project. A case is `honest` with `changes`; code and abort are null where it is accepted; expectedUserData is null '
    'where the keys have not 32 bytes each. u64 as decimal text, bytes as hex.',
    'cluster': text({
        'id': CLUSTER,
        'configDigest': CONFIG_DIGEST,
        'documentAgeMsMax': AGE_MS_MAX,
        'bondMin': BOND_MIN,
        'anchorWindowMs': 30_000,
    }),
    'slot': '0x' + SLOT,
    'honest': text(HONEST),
    'cases': {name: found | {'changes': text(found['changes'])} for name, found in cases.items()},
}
(HERE / 'registration.json').write_text(json.dumps(vectors, indent=2) + '\n')
print(f'{len(cases)} cases')
