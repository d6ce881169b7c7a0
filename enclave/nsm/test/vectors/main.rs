// Writes vectors.json: requests and responses as AWS's own crate encodes them. See README.md.
use aws_nitro_enclaves_nsm_api::api::{Digest, ErrorCode, Request, Response};
use serde_bytes::ByteBuf;
use serde_json::{json, Value};
use std::collections::BTreeSet;

/// 0, 1, 2, … modulo 251: a reader that drops or repeats a byte does not find the same.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

fn text(bytes: Option<usize>) -> Value {
    bytes.map_or(Value::Null, |length| json!(hex::encode(pattern(length))))
}

fn attestation(user_data: Option<usize>, nonce: Option<usize>, public_key: Option<usize>) -> Value {
    let bytes = |length: Option<usize>| length.map(|length| ByteBuf::from(pattern(length)));
    let request = Request::Attestation {
        user_data: bytes(user_data),
        nonce: bytes(nonce),
        public_key: bytes(public_key),
    };
    json!({
        "kind": "Attestation",
        "userData": text(user_data), "nonce": text(nonce), "publicKey": text(public_key),
        "cbor": hex::encode(serde_cbor::to_vec(&request).unwrap()),
    })
}

fn with_cbor<T: serde::Serialize>(mut fields: Value, message: T) -> Value {
    fields["cbor"] = json!(hex::encode(serde_cbor::to_vec(&message).unwrap()));
    fields
}

fn requests() -> Vec<Value> {
    let mut all = vec![
        with_cbor(json!({"kind": "DescribeNSM"}), Request::DescribeNSM),
        with_cbor(json!({"kind": "GetRandom"}), Request::GetRandom),
        attestation(None, None, None),
        attestation(Some(0), Some(0), Some(1)),
        attestation(Some(23), Some(24), Some(32)),
        attestation(None, Some(255), Some(256)),
        attestation(Some(512), Some(512), Some(1024)),
    ];
    for index in [0, 16, 23, 24, 31, 255, 256, 65535] {
        let request = Request::DescribePCR { index };
        all.push(with_cbor(
            json!({"kind": "DescribePCR", "index": index}),
            request,
        ));
    }
    all
}

fn describe_nsm(version: (u16, u16, u16), max_pcrs: u16, locked: &[u16], digest: Digest) -> Value {
    let module_id = "i-0123456789abcdef0-enc0123456789abcdef".to_string();
    let fields = json!({
        "kind": "DescribeNSM",
        "versionMajor": version.0, "versionMinor": version.1, "versionPatch": version.2,
        "moduleId": module_id, "maxPcrs": max_pcrs, "lockedPcrs": locked,
        "digest": format!("{digest:?}"),
    });
    let response = Response::DescribeNSM {
        version_major: version.0,
        version_minor: version.1,
        version_patch: version.2,
        module_id,
        max_pcrs,
        locked_pcrs: locked.iter().copied().collect::<BTreeSet<u16>>(),
        digest,
    };
    with_cbor(fields, response)
}

fn responses() -> Vec<Value> {
    let sixteen: Vec<u16> = (0..16).collect();
    let all32: Vec<u16> = (0..32).collect();
    let mut all = vec![
        describe_nsm((1, 0, 0), 32, &sixteen, Digest::SHA384),
        describe_nsm((1, 24, 256), 32, &all32, Digest::SHA512),
        describe_nsm((0, 255, 65535), 16, &[], Digest::SHA256),
    ];
    for (lock, length) in [(true, 48), (false, 48), (true, 32), (false, 64)] {
        let data = pattern(length);
        let fields = json!({"kind": "DescribePCR", "lock": lock, "data": hex::encode(&data)});
        all.push(with_cbor(fields, Response::DescribePCR { lock, data }));
    }
    for length in [1, 23, 24, 255, 256, 5000] {
        let document = pattern(length);
        let fields = json!({"kind": "Attestation", "document": hex::encode(&document)});
        all.push(with_cbor(fields, Response::Attestation { document }));
    }
    for length in [32, 256] {
        let random = pattern(length);
        let fields = json!({"kind": "GetRandom", "random": hex::encode(&random)});
        all.push(with_cbor(fields, Response::GetRandom { random }));
    }
    use ErrorCode::*;
    for error in [
        Success,
        InvalidArgument,
        InvalidIndex,
        InvalidResponse,
        ReadOnlyIndex,
        InvalidOperation,
        BufferTooSmall,
        InputTooLarge,
        InternalError,
    ] {
        let fields = json!({"kind": "Error", "error": format!("{error:?}")});
        all.push(with_cbor(fields, Response::Error(error)));
    }
    all
}

/// What answers requests that we never make: our decoder refuses them.
fn foreign() -> Vec<Value> {
    let data = pattern(48);
    vec![
        with_cbor(json!({"kind": "ExtendPCR"}), Response::ExtendPCR { data }),
        with_cbor(json!({"kind": "LockPCR"}), Response::LockPCR),
        with_cbor(json!({"kind": "LockPCRs"}), Response::LockPCRs),
    ]
}

fn main() {
    let vectors = json!({
        "source": "aws-nitro-enclaves-nsm-api 0.5.2, serde_cbor 0.11.2",
        "requests": requests(), "responses": responses(), "foreign": foreign(),
    });
    println!("{}", serde_json::to_string_pretty(&vectors).unwrap());
}
