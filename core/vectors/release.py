"""Makes release.json, and ../../sui/move/daas/tests/release_vectors.move from it:

    python3 core/vectors/release.py && npx prettier --write core/vectors/release.json

Shares no code with the project: BCS by hand, Ed25519 of the `cryptography` package, keys and the decision of
decision.json. Object ids are those of Move test transactions: BLAKE2b-256 of 0xf1, the transaction's digest (here a
u64 and 24 zeros) and the number of the object in it.
"""

import hashlib
import json
import re
import struct
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = Path(__file__).parent
KNOWN = json.loads((HERE / 'decision.json').read_text())
MOVE = HERE / '../../sui/move/daas/tests/release_vectors.move'
DECISION = KNOWN['decision']
RECIPIENT = '0x' + '5e' * 32
NOT_AFTER_MS = 1_763_700_060_000
TIMESTAMP_MS = 1_763_700_000_456

KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KNOWN['seeds']['decision']))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KNOWN['seeds']['other']))


def sha256(data):
    return hashlib.sha256(data).digest()


def object_id(hint, number=0):
    digest = struct.pack('<Q', hint) + bytes(24)
    return '0x' + hashlib.blake2b(b'\xf1' + digest + struct.pack('<Q', number), digest_size=32).hexdigest()


def u64(value):
    return struct.pack('<Q', int(value))


def uleb(value):
    out = b''
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def vector(data):
    return uleb(len(data)) + data


def string(text):
    return vector(text.encode())


def raw(hexadecimal):
    return bytes.fromhex(hexadecimal.removeprefix('0x'))


def decision_message(change, timestamp_ms=KNOWN['timestampMs']):
    d = {**DECISION, **change}
    parts = [
        bytes([1]), u64(timestamp_ms), raw(d['cluster']), raw(d['session']), u64(d['term']), u64(d['configVersion']),
        u64(d['sequence']), vector(raw(d['previous'])), bytes([d['kind']]), string(d['podUid']), string(d['namespace']),
        string(d['pod']), string(d['serviceAccount']), string(d['serviceAccountUid']), vector(raw(d['podSpecDigest'])),
        string(d['node']), string(d['nodeUid']), vector(raw(d['nodeKeyHash'])), raw(d['stake']), u64(d['notAfterMs']),
        vector(raw(d['policyDigest'])), u64(d['checkpoint']), vector(raw(d['checkpointDigest'])),
        vector(raw(d['snapshotDigest'])), vector(raw(d['inputDigest'])), vector(raw(d['feasibleDigest'])),
    ]
    return b''.join(parts)


def receipt(change):
    message = decision_message(change)
    signature = KEY.sign(message)
    return {
        'change': change,
        'message': message.hex(),
        'signature': signature.hex(),
        'digest': sha256(vector(message) + vector(signature)).hex(),
    }


def release_message(r, intent=2):
    images = [vector(raw(image)) for image in r['imageDigests']]
    parts = [
        bytes([intent]), u64(r['timestampMs']), raw(r['cluster']), raw(r['session']), vector(raw(r['receiptDigest'])),
        string(r['podUid']), raw(r['policy']), raw(r['recipient']), uleb(len(images)) + b''.join(images),
        u64(r['notAfterMs']),
    ]
    return b''.join(parts)


def signed(message, outcome):
    return {'message': message.hex(), 'signature': KEY.sign(message).hex(), 'outcome': outcome}


def identity(outcome='ok', data=None, **fields):
    parts = [raw(fields['policy']), raw(fields['cluster']), string(fields['namespace']),
             string(fields['serviceAccount']), u64(fields['version'])]
    return {**fields, 'bytes': (data or b''.join(parts)).hex(), 'outcome': outcome}


IDS = {'policy': object_id(7), 'otherPolicy': object_id(8)}
assert object_id(1) == KNOWN['ids']['cluster'], 'the rule for ids is another'
IMAGES = {name: sha256(f'image {name}'.encode()).hex() for name in 'abc'}

RECEIPTS = {
    'bind': receipt({}),
    'adopt': receipt({'kind': 1, 'sequence': '72623859790382857'}),
    'otherPod': receipt({'podUid': '1d2c3b4a-0000-4000-8000-000000000002', 'pod': 'web-6d4cf56db6-zzzzz'}),
    'otherNamespace': receipt({'namespace': 'tenant-b'}),
    'otherServiceAccount': receipt({'serviceAccount': 'api'}),
    'otherServiceAccountUid': receipt({'serviceAccountUid': '00000000-0000-4000-8000-000000000009'}),
    'otherNode': receipt({'node': 'worker-2'}),
    'otherStake': receipt({'stake': KNOWN['ids']['otherStake']}),
    'otherNodeKey': receipt({'nodeKeyHash': sha256(raw(KNOWN['keys']['other'])).hex()}),
}
assert RECEIPTS['bind']['message'] == KNOWN['messages']['bind']['message'], 'the decision is encoded otherwise'
assert RECEIPTS['bind']['digest'] == KNOWN['receipt']['digest']


def release(of='bind', **change):
    source = RECEIPTS[of]
    return {
        'timestampMs': str(TIMESTAMP_MS),
        'cluster': DECISION['cluster'],
        'session': DECISION['session'],
        'receiptDigest': source['digest'],
        'podUid': source['change'].get('podUid', DECISION['podUid']),
        'policy': IDS['policy'],
        'recipient': RECIPIENT,
        'imageDigests': [],
        'notAfterMs': str(NOT_AFTER_MS),
        **change,
    }


# Milliseconds after the first release: each of these is made later than those before it.
LATER = {name: str(TIMESTAMP_MS + ms) for ms, name in enumerate(
    ['now', 'second', 'third', 'fourth', 'adopted', 'adoptedSecond', 'afterAdoption'])}
OTHER_RECIPIENT = '0x' + '6f' * 32


def good(fields):
    return {'release': fields, **signed(release_message(fields), 'ok')}


FIRST = release()
BYTES = release_message(FIRST)
POD = string(FIRST['podUid'])
LONG_POD = bytes([POD[0] | 0x80, 0x00]) + POD[1:]
# A text of the same length, whose last byte begins a character that does not come.
NOT_UTF8 = POD[:-1] + b'\xc3'
DIGEST = vector(raw(FIRST['receiptDigest']))
assert BYTES.count(POD) == 1 and BYTES.count(DIGEST) == 1

RELEASES = {name: good(release(name)) for name in RECEIPTS} | {
    'adopt': good(release('adopt', timestampMs=LATER['adopted'])),
    # For the pod of "bind": what its containers' keys are given as they restart.
    'second': good(release(timestampMs=LATER['second'], recipient=OTHER_RECIPIENT)),
    'third': good(release(timestampMs=LATER['third'])),
    'fourth': good(release(timestampMs=LATER['fourth'], recipient=OTHER_RECIPIENT)),
    'sameRecipientLater': good(release(timestampMs=LATER['second'])),
    'adoptSecond': good(release('adopt', timestampMs=LATER['adoptedSecond'], recipient=OTHER_RECIPIENT)),
    'afterAdoption': good(release(timestampMs=LATER['afterAdoption'])),
    'otherPolicy': good(release(policy=IDS['otherPolicy'])),
    'otherRecipient': good(release(recipient=OTHER_RECIPIENT)),
    'otherReceipt': good(release(receiptDigest=RECEIPTS['adopt']['digest'])),
    'otherPodUid': good(release(podUid=RECEIPTS['otherPod']['change']['podUid'])),
    'otherCluster': good(release(cluster=KNOWN['ids']['otherCluster'])),
    'otherSession': good(release(session=object_id(9))),
    'oneImage': good(release(imageDigests=[IMAGES['a']])),
    'twoImages': good(release(imageDigests=[IMAGES['a'], IMAGES['b']])),
    'oneImageOfTwo': good(release(imageDigests=[IMAGES['a'], IMAGES['c']])),
    # A length that takes two bytes: 130 images.
    'manyImages': good(release(imageDigests=[IMAGES['a']] * 130)),
    'decisionIntent': signed(release_message(FIRST, 1), 'INTENT_WRONG'),
    'anchorIntent': signed(release_message(FIRST, 3), 'INTENT_WRONG'),
    'shortDigest': signed(BYTES.replace(DIGEST, vector(DIGEST[1:-1])), 'LENGTH_WRONG'),
    'longDigest': signed(BYTES.replace(DIGEST, vector(DIGEST[1:] + b'\0')), 'LENGTH_WRONG'),
    'shortImage': signed(release_message(release(imageDigests=['00' * 31])), 'LENGTH_WRONG'),
    'longLength': signed(BYTES.replace(POD, LONG_POD), 'BCS_MALFORMED'),
    'notUtf8': signed(BYTES.replace(POD, NOT_UTF8), 'BCS_MALFORMED'),
    'trailing': signed(BYTES + b'\0', 'BCS_NOT_CANONICAL'),
    'truncated': signed(BYTES[:-1], 'BCS_MALFORMED'),
}

# What nodes::claim asks of the key "other", were it the key of Alice's node.
CLAIM = KNOWN['claims']['first']
CLAIM_BY_OTHER_KEY = OTHER_KEY.sign(raw(CLAIM['message'])).hex()

SUBJECT = {
    'policy': IDS['policy'],
    'cluster': DECISION['cluster'],
    'namespace': DECISION['namespace'],
    'serviceAccount': DECISION['serviceAccount'],
}
VERSION_ONE = raw(identity(**SUBJECT, version='1')['bytes'])
NAMESPACE = string(SUBJECT['namespace'])
IDENTITIES = {f'version{n}': identity(**SUBJECT, version=str(n)) for n in (0, 1, 2, 3)} | {
    'versionMax': identity(**SUBJECT, version=str(2**64 - 1)),
    'otherPolicy': identity(**{**SUBJECT, 'policy': IDS['otherPolicy']}, version='1'),
    'otherCluster': identity(**{**SUBJECT, 'cluster': KNOWN['ids']['otherCluster']}, version='1'),
    'otherNamespace': identity(**{**SUBJECT, 'namespace': 'tenant-b'}, version='1'),
    'otherServiceAccount': identity(**{**SUBJECT, 'serviceAccount': 'api'}, version='1'),
    # The same letters, divided otherwise between the two names.
    'otherDivision': identity(**{**SUBJECT, 'namespace': 'tenant-aw', 'serviceAccount': 'eb'}, version='1'),
    'trailing': identity(**SUBJECT, version='1', data=VERSION_ONE + b'\0', outcome='BCS_NOT_CANONICAL'),
    # Read from its end this is version 1 still.
    'leading': identity(**SUBJECT, version='1', data=b'\0' + VERSION_ONE, outcome='BCS_MALFORMED'),
    'truncated': identity(**SUBJECT, version='1', data=VERSION_ONE[:-1], outcome='BCS_MALFORMED'),
    'longLength': identity(
        **SUBJECT, version='1', outcome='BCS_MALFORMED',
        data=VERSION_ONE.replace(NAMESPACE, bytes([NAMESPACE[0] | 0x80, 0]) + NAMESPACE[1:]),
    ),
    'onlyVersion': identity(**SUBJECT, version='1', data=u64(1), outcome='BCS_MALFORMED'),
}

VECTORS = {
    'about': 'Receipts, releases and Seal identities of docs/formats.md, made by release.py, which shares no code with '
             'the project. u64 as decimal text, bytes as hex. change: what differs from the decision of decision.json. '
             'outcome: what core says about the bytes by themselves. By the key "other" are: otherKeySignature, of the '
             'release "bind", and claimByOtherKey, of the first claim.',
    'ids': IDS,
    'recipient': RECIPIENT,
    'otherRecipient': OTHER_RECIPIENT,
    'images': IMAGES,
    'receipts': RECEIPTS,
    'releases': RELEASES,
    'otherKeySignature': OTHER_KEY.sign(BYTES).hex(),
    'claimByOtherKey': CLAIM_BY_OTHER_KEY,
    'identities': IDENTITIES,
}

HEADER = '''/// The bytes of core/vectors/release.json: a function's name is the path of its value there. Made by
/// core/vectors/release.py; core/release.test.ts compares the two files, so that they cannot drift apart.
#[test_only]
module k3s_daas::release_vectors;
'''


def snake(name):
    return re.sub('[A-Z]', lambda letter: '_' + letter[0].lower(), name)


def flatten(path, value):
    if isinstance(value, str):
        return [(snake('_'.join(path)), value.removeprefix('0x'))]
    return [entry for key, inner in value.items() for entry in flatten([*path, key], inner)]


def move():
    taken = {
        'ids': IDS,
        'recipient': RECIPIENT,
        'otherRecipient': OTHER_RECIPIENT,
        'images': IMAGES,
        'receipts': {name: {k: v[k] for k in ('message', 'signature', 'digest')} for name, v in RECEIPTS.items()},
        'releases': {name: {k: v[k] for k in ('message', 'signature')} for name, v in RELEASES.items()},
        'otherKeySignature': VECTORS['otherKeySignature'],
        'claimByOtherKey': CLAIM_BY_OTHER_KEY,
        'identities': {name: v['bytes'] for name, v in IDENTITIES.items()},
    }
    functions = [f'\npublic fun {name}(): vector<u8> {{\n    x"{data}"\n}}\n' for name, data in flatten([], taken)]
    return HEADER + ''.join(functions)


(HERE / 'release.json').write_text(json.dumps(VECTORS, indent=2) + '\n')
MOVE.write_text(move())
