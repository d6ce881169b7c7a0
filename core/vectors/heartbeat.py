"""Makes heartbeat.json, and ../../sui/move/daas/tests/heartbeat_vectors.move from it:

    python3 core/vectors/heartbeat.py && npx prettier --write core/vectors/heartbeat.json

Shares no code with the project: BCS by hand, Ed25519 of the `cryptography` package, keys and ids of decision.json.
"""

import json
import re
import struct
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = Path(__file__).parent
KNOWN = json.loads((HERE / 'decision.json').read_text())
MOVE = HERE / '../../sui/move/daas/tests/heartbeat_vectors.move'
NOW_MS = 1_763_700_000_000

KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KNOWN['seeds']['node']))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KNOWN['seeds']['other']))


def message(heartbeat):
    """domain ‖ BCS { cluster: ID, stake: ID, node: string, timestamp_ms: u64 }, for names of less than 128 bytes."""
    node = heartbeat['node'].encode()
    ids = bytes.fromhex(heartbeat['cluster'][2:]) + bytes.fromhex(heartbeat['stake'][2:])
    time = struct.pack('<Q', heartbeat['timestampMs'])
    return b'k3s-daas/heartbeat/v1' + ids + bytes([len(node)]) + node + time


ids = KNOWN['ids']
first = {'cluster': ids['cluster'], 'stake': ids['stake'], 'node': 'worker-1', 'timestampMs': NOW_MS}
heartbeats = {
    'first': first,
    'next': first | {'timestampMs': NOW_MS + 1},
    'otherName': first | {'node': 'worker-2'},
    'otherStake': first | {'stake': ids['otherStake']},
    'otherCluster': first | {'cluster': ids['otherCluster']},
    'zero': first | {'timestampMs': 0},
    'largest': first | {'timestampMs': 2**64 - 1},
}
vectors = {
    'about': 'Heartbeats of docs/formats.md, signed with the node key of decision.json; made by heartbeat.py. u64 as '
    'decimal text, bytes as hex. otherKeySignature: of the first message, by decision.json\'s key "other".',
    'heartbeats': {
        name: heartbeat
        | {
            'timestampMs': str(heartbeat['timestampMs']),
            'message': message(heartbeat).hex(),
            'signature': KEY.sign(message(heartbeat)).hex(),
        }
        for name, heartbeat in heartbeats.items()
    },
    'otherKeySignature': OTHER_KEY.sign(message(first)).hex(),
}
(HERE / 'heartbeat.json').write_text(json.dumps(vectors, indent=2, ensure_ascii=False) + '\n')

functions = {'other_key_signature': vectors['otherKeySignature']}
for name, heartbeat in vectors['heartbeats'].items():
    path = 'heartbeats_' + re.sub('[A-Z]', lambda letter: '_' + letter[0].lower(), name)
    functions[path + '_message'] = heartbeat['message']
    functions[path + '_signature'] = heartbeat['signature']
MOVE.write_text(
    """/// The bytes of core/vectors/heartbeat.json: a function's name is the path of its value there.
/// core/heartbeat-vectors.test.ts compares the two files, so that they cannot drift apart.
#[test_only]
module k3s_daas::heartbeat_vectors;
"""
    + ''.join(
        f'\npublic fun {name}(): vector<u8> {{\n    x"{text}"\n}}\n' for name, text in functions.items()
    )
)
