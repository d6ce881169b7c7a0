"""Makes anchor.json, and ../../sui/move/daas/tests/anchor_vectors.move from it:

    python3 core/vectors/anchor.py && npx prettier --write core/vectors/anchor.json

Shares no code with the project: BCS by hand, the tree of RFC 6962 section 2.1 by its recursive definition, Ed25519 of
the `cryptography` package, keys and ids of decision.json.
"""

import hashlib
import json
import re
import struct
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = Path(__file__).parent
KNOWN = json.loads((HERE / 'decision.json').read_text())
MOVE = HERE / '../../sui/move/daas/tests/anchor_vectors.move'
TIMESTAMP_MS = 1_763_700_000_789
RECORDS = [f'record {number}'.encode() for number in range(8)]
OTHER_RECORDS = RECORDS[:3] + [b'a record that never was'] + RECORDS[4:]


def key(name):
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KNOWN['seeds'][name]))


def sha256(data):
    return hashlib.sha256(data).digest()


def u64(value):
    return struct.pack('<Q', value)


def vector(data):
    assert len(data) < 128
    return bytes([len(data)]) + data


def raw(hexadecimal):
    return bytes.fromhex(hexadecimal.removeprefix('0x'))


def split(size):
    half = 1
    while half * 2 < size:
        half *= 2
    return half


def root(records):
    if not records:
        return sha256(b'')
    if len(records) == 1:
        return sha256(b'\x00' + records[0])
    half = split(len(records))
    return sha256(b'\x01' + root(records[:half]) + root(records[half:]))


def path(index, records):
    """PATH(m, D[n]) of RFC 6962 section 2.1.1."""
    if len(records) == 1:
        return []
    half = split(len(records))
    if index < half:
        return path(index, records[:half]) + [root(records[half:])]
    return path(index - half, records[half:]) + [root(records[:half])]


def consistency(size, records):
    """PROOF(m, D[n]) of RFC 6962 section 2.1.2."""
    return [] if size in (0, len(records)) else subproof(size, records, True)


def subproof(size, records, whole):
    if size == len(records):
        return [] if whole else [root(records)]
    half = split(len(records))
    if size <= half:
        return subproof(size, records[:half], whole) + [root(records[half:])]
    return subproof(size - half, records[half:], False) + [root(records[:half])]


def message(intent=3, **change):
    anchor = {
        'cluster': KNOWN['ids']['cluster'],
        'session': KNOWN['ids']['session'],
        'size': 3,
        'root': root(RECORDS[:3]),
        'previousRoot': root([]),
        'lastSequence': 2,
        **change,
    }
    parts = [
        bytes([intent]), u64(TIMESTAMP_MS), raw(anchor['cluster']), raw(anchor['session']), u64(anchor['size']),
        vector(anchor['root']), vector(anchor['previousRoot']), u64(anchor['lastSequence']),
    ]
    return b''.join(parts)


def signed(data, name='log'):
    return {'message': data.hex(), 'signature': key(name).sign(data).hex()}


FIRST = message()
EIGHT = {'size': 8, 'root': root(RECORDS), 'previousRoot': root(RECORDS[:3]), 'lastSequence': 6}
FORKED = {**EIGHT, 'root': root(OTHER_RECORDS)}

ANCHORS = {
    'first': signed(FIRST),
    'second': signed(message(**EIGHT)),
    'five': signed(message(size=5, root=root(RECORDS[:5]), previousRoot=root(RECORDS[:3]), lastSequence=2)),
    'secondAtOnce': signed(message(size=8, root=root(RECORDS), lastSequence=6)),
    'forked': signed(message(**FORKED)),
    'rewritten': signed(message(**{**EIGHT, 'root': root([b'changed'] + RECORDS[1:])})),
    'sameSize': signed(message(previousRoot=root(RECORDS[:3]))),
    'smaller': signed(message(size=2, root=root(RECORDS[:2]), previousRoot=root(RECORDS[:3]))),
    'sequenceBack': signed(message(**{**EIGHT, 'lastSequence': 1})),
    'largest': signed(message(size=2**64 - 1, lastSequence=2**64 - 1)),
    'otherCluster': signed(message(cluster=KNOWN['ids']['otherCluster'])),
    'otherSession': signed(message(session=KNOWN['ids']['slot'])),
    'otherIntent': signed(message(intent=1)),
    'otherKey': signed(FIRST, 'decision'),
    'longer': signed(FIRST + b'\x00'),
    'shorter': signed(FIRST[:-1]),
    'shortRoot': signed(message(root=root(RECORDS[:3])[:31])),
    'longPreviousRoot': signed(message(previousRoot=root([]) + b'\x00')),
}

BIND = raw(KNOWN['messages']['bind']['message'])
SEQUENCE_AT = 1 + 8 + 32 + 32 + 8 + 8
NEXT = BIND[:SEQUENCE_AT] + u64(int(KNOWN['decision']['sequence']) + 1) + BIND[SEQUENCE_AT + 8:]
LATER = BIND[:1] + u64(int(KNOWN['timestampMs']) + 1) + BIND[9:]
assert struct.unpack('<Q', BIND[SEQUENCE_AT:SEQUENCE_AT + 8])[0] == int(KNOWN['decision']['sequence'])

VECTORS = {
    'about': 'Anchors of a session’s log and evidence against a session (docs/formats.md), made by anchor.py, which shares '
             'no code with the project. Keys and ids are those of decision.json.',
    'timestampMs': str(TIMESTAMP_MS),
    'records': [record.hex() for record in RECORDS],
    'roots': {'empty': root([]).hex(), 'three': root(RECORDS[:3]).hex(), 'eight': root(RECORDS).hex(),
              'forked': root(OTHER_RECORDS).hex()},
    'consistency': {'threeToEight': [node.hex() for node in consistency(3, RECORDS)],
                    'threeToFive': [node.hex() for node in consistency(3, RECORDS[:5])],
                    'threeToForked': [node.hex() for node in consistency(3, OTHER_RECORDS)]},
    'inclusion': {'record2Of8': [node.hex() for node in path(2, RECORDS)],
                  'record2Of3': [node.hex() for node in path(2, RECORDS[:3])]},
    'anchors': ANCHORS,
    'decisions': {'next': signed(NEXT, 'decision'), 'later': signed(LATER, 'decision'),
                  'otherKey': signed(LATER, 'other')},
}


def flatten(name, value):
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, list):
        yield name, value
    else:
        for key_, inner in value.items():
            yield from flatten(f'{name}_{re.sub("[A-Z]", lambda m: "_" + m[0].lower(), key_)}', inner)


def move():
    lines = [
        '/// The bytes of core/vectors/anchor.json: a function\'s name is the path of its value there. Made by',
        '/// core/vectors/anchor.py; core/anchor.test.ts compares the two files, so that they cannot drift apart.',
        '#[test_only]',
        'module k3s_daas::anchor_vectors;',
    ]
    for section in ('records', 'roots', 'consistency', 'inclusion', 'anchors', 'decisions'):
        for name, value in flatten(section, VECTORS[section]):
            if isinstance(value, list):
                items = ''.join(f'        x"{item}",\n' for item in value)
                lines += ['', f'public fun {name}(): vector<vector<u8>> {{', f'    vector[\n{items}    ]', '}']
            else:
                lines += ['', f'public fun {name}(): vector<u8> {{', f'    x"{value}"', '}']
    return '\n'.join(lines) + '\n'


(HERE / 'anchor.json').write_text(json.dumps(VECTORS, ensure_ascii=False, indent=2) + '\n')
MOVE.write_text(move())
