//! Bodies that are good, half, late, too large, packed badly, and packed to burst.

use axum::http::HeaderValue;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::Value;

use super::*;

const CAPS: Caps =
    Caps { packed: 1 << 20, unpacked: 4 << 20, within: Duration::from_millis(300), large_at_once: 1 };

fn request(body: impl Into<Body>, encoding: Option<&'static str>) -> Request<Body> {
    let mut request = Request::new(body.into());
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    request
}

fn read(bodies: &Bodies, request: Request<Body>) -> Result<Value, &'static str> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let read = runtime.block_on(bodies.json::<Value>(request));
    read.map(|received| received.document).map_err(|fault| fault.code().word)
}

fn zstd(text: &[u8]) -> Vec<u8> {
    compress_to_vec(text, CompressionLevel::Fastest)
}

#[test]
fn plain_and_packed_bodies_are_read() {
    let bodies = Bodies::new(CAPS);
    let small = br#"{"a": [1, 2]}"#;
    let large = serde_json::to_vec(&vec!["something"; 200_000]).unwrap();
    for text in [&small[..], &large[..]] {
        let want: Value = serde_json::from_slice(text).unwrap();
        assert_eq!(read(&bodies, request(zstd(text), Some("zstd"))), Ok(want.clone()));
        if text.len() < CAPS.packed {
            assert_eq!(read(&bodies, request(text.to_vec(), None)), Ok(want));
        }
    }
}

#[test]
fn other_types_are_refused_before_anything_is_read() {
    let bodies = Bodies::new(CAPS);
    assert_eq!(read(&bodies, Request::new("{}".into())), Err("wrong-type"));
    assert_eq!(read(&bodies, request("{}", Some("gzip"))), Err("wrong-type"));
    let mut form = request("{}", None);
    form.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/json"));
    assert_eq!(read(&bodies, form), Err("wrong-type"));
}

#[test]
fn what_is_not_whole_is_told_from_what_is_of_another_shape() {
    let bodies = Bodies::new(CAPS);
    assert_eq!(read(&bodies, request(r#"{"a": [1"#, None)), Err("bad-json"));
    assert_eq!(read(&bodies, request("", None)), Err("bad-json"));
    let half = zstd(&vec![b' '; 100_000]);
    assert_eq!(read(&bodies, request(half[..half.len() / 2].to_vec(), Some("zstd"))), Err("bad-encoding"));
    assert_eq!(read(&bodies, request(r"{}", Some("zstd"))), Err("bad-encoding"));
    let two = [zstd(b"{}"), zstd(b"{}")].concat();
    assert_eq!(read(&bodies, request(two, Some("zstd"))), Err("bad-encoding"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let shape = runtime.block_on(bodies.json::<Vec<u8>>(request("{}", None)));
    assert_eq!(shape.map(|_| ()).map_err(|fault| fault.code().word), Err("bad-shape"));
    assert_eq!(read(&bodies, request("[".repeat(100_000), None)), Err("bad-json"), "nested without end");
}

#[test]
fn a_body_that_is_too_large_is_refused_packed_and_unpacked() {
    let bodies = Bodies::new(CAPS);
    assert_eq!(read(&bodies, request(vec![b' '; CAPS.packed + 1], None)), Err("too-large"));
    assert_eq!(read(&bodies, request(zstd(&vec![b' '; CAPS.unpacked + 1]), Some("zstd"))), Err("too-large"));
    let mut says_so = request("{}", None);
    says_so.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("99999999999"));
    assert_eq!(read(&bodies, says_so), Err("too-large"));
}

/// A frame whose blocks repeat one byte: each block of three bytes and one stands for 128 kB.
pub(super) fn bomb(blocks: usize) -> Vec<u8> {
    // Magic, no checksum and no size, window of 128 kB.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    for block in 0..blocks {
        let last = u32::from(block + 1 == blocks);
        let head = (128_u32 << 10 << 3) | (1 << 1) | last;
        frame.extend_from_slice(&head.to_le_bytes()[..3]);
        frame.push(b' ');
    }
    frame
}

#[test]
fn a_bomb_is_refused_within_bounds() {
    let bodies = Bodies::new(CAPS);
    // 320 kB that stand for 10 GB.
    let frame = bomb(80_000);
    assert_eq!(unpack(Packing::Zstd, &bomb(2).into(), 1 << 20).map(|text| text.len()), Ok(256 << 10));
    assert_eq!(read(&bodies, request(frame, Some("zstd"))), Err("too-large"));
    // A window of 2 GB is not made room for.
    let greedy = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
    assert_eq!(read(&bodies, request(greedy.to_vec(), Some("zstd"))), Err("bad-encoding"));
}

#[test]
fn a_large_body_waits_for_a_place_and_not_for_ever() {
    let bodies = Bodies::new(CAPS);
    let held = Arc::clone(&bodies.large).try_acquire_owned().unwrap();
    let large = serde_json::to_vec(&vec!["something"; 20_000]).unwrap();
    assert_eq!(read(&bodies, request(large.clone(), None)), Err("busy"));
    assert!(read(&bodies, request("{}", None)).is_ok(), "a small one needs none");
    drop(held);
    assert!(read(&bodies, request(large, None)).is_ok());
    assert_eq!(bodies.large.available_permits(), 1);
}
