//! A request's body: how much of it is taken, how long it may take to come, and unpacking it within bounds.
//!
//! Called by handlers that take a document. What is held of one request is at most the packed and the unpacked cap; bodies
//! that are more than small wait for one of few places, so that the sum is bounded too.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::{HeaderMap, Request, header};
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::packing::{Unpack, unzstd};
use super::problem::{
    BAD_ENCODING, BAD_JSON, BAD_SHAPE, BODY_LATE, BUSY, Fault, INTERNAL, TOO_LARGE, WRONG_TYPE,
};

/// How long a body is waited for of who has shown no token.
pub(super) const STRANGERS_WITHIN: Duration = Duration::from_secs(5);
/// Bytes, packed or unpacked, up to which a body is small.
pub(super) const SMALL: usize = 64 << 10;

/// How much of a body is taken, and how long it is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::collector) struct Caps {
    /// Bytes as they come.
    pub packed: usize,
    /// Bytes unpacked.
    pub unpacked: usize,
    /// From the first byte to the last.
    pub within: Duration,
    /// Large bodies at a time.
    pub large_at_once: usize,
}

/// Takes bodies.
pub(super) struct Bodies {
    caps: Caps,
    large: Arc<Semaphore>,
}

/// A document that came; while it is held, so is its place among the large ones.
pub(super) struct Received<T> {
    /// It.
    pub(super) document: T,
    /// Bytes as they came.
    pub(super) bytes: usize,
    _place: Option<OwnedSemaphorePermit>,
}

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    Zstd,
}

impl Bodies {
    pub(super) fn new(caps: Caps) -> Self {
        Self { caps, large: Arc::new(Semaphore::new(caps.large_at_once)) }
    }

    /// The document of a request.
    pub(super) async fn json<T: DeserializeOwned + Send + 'static>(
        &self,
        request: Request<Body>,
    ) -> Result<Received<T>, Fault> {
        let (head, body) = request.into_parts();
        let packing = packing(&head.headers)?;
        let mut coming = Coming { place: None, until: Instant::now() + self.caps.within, of: self };
        let packed = coming.collect(&head.headers, body).await?;
        let bytes = packed.len();
        if bytes <= SMALL {
            match unpack(packing, &packed, SMALL) {
                Ok(text) => return Ok(Received { document: parse(&text)?, bytes, _place: coming.place }),
                Err(Unpack::TooLarge) => {}
                Err(Unpack::Bad(why)) => return Err(bad_encoding(&why)),
            }
        }
        coming.take_place().await?;
        let cap = self.caps.unpacked;
        let work = move || match unpack(packing, &packed, cap) {
            Ok(text) => {
                drop(packed);
                parse(&text)
            }
            Err(Unpack::TooLarge) => Err(too_large(cap)),
            Err(Unpack::Bad(why)) => Err(bad_encoding(&why)),
        };
        // A reader that panics on what it is sent ends this request and nothing else.
        let document = tokio::task::spawn_blocking(work).await.map_err(|error| {
            tracing::error!(%error, "unpacking a body failed");
            Fault::new(INTERNAL, "the body could not be read")
        })??;
        Ok(Received { document, bytes, _place: coming.place })
    }
}

/// A body on its way.
struct Coming<'a> {
    place: Option<OwnedSemaphorePermit>,
    until: Instant,
    of: &'a Bodies,
}

impl Coming<'_> {
    /// All of it, as it comes. What says beforehand that it is too large is not kept.
    async fn collect(&mut self, headers: &HeaderMap, body: Body) -> Result<Bytes, Fault> {
        let (cap, mut body) = (self.of.caps.packed, body);
        let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: usize| length > cap) {
            return Err(self.too_large(body).await);
        }
        if length.is_some_and(|length| length > SMALL) {
            self.take_place().await?;
        }
        let mut all = Vec::with_capacity(length.unwrap_or_default());
        while let Some(data) = self.next(&mut body).await? {
            if all.len() + data.len() > cap {
                return Err(self.too_large(body).await);
            }
            if all.len() + data.len() > SMALL {
                self.take_place().await?;
            }
            all.extend_from_slice(&data);
        }
        Ok(all.into())
    }

    /// What comes next, in time; none: that was all.
    async fn next(&self, body: &mut Body) -> Result<Option<Bytes>, Fault> {
        let late = |_| Fault::new(BODY_LATE, "the body did not come in time; send it again at once");
        let broken = |_| Fault::new(BAD_JSON, "the connection ended before the whole body had come");
        loop {
            let next = poll_fn(|context| Pin::new(&mut *body).poll_frame(context));
            let Some(frame) = timeout_at(self.until, next).await.map_err(late)? else { return Ok(None) };
            if let Ok(data) = frame.map_err(broken)?.into_data() {
                return Ok(Some(data));
            }
        }
    }

    /// Who is still sending does not read an answer, and a connection that is closed under it loses the answer: some of what is
    /// not wanted is let come, and thrown away.
    async fn too_large(&self, mut body: Body) -> Fault {
        let mut left = 4 * self.of.caps.packed;
        while let Ok(Some(data)) = self.next(&mut body).await {
            left = left.saturating_sub(data.len());
            if left == 0 {
                break;
            }
        }
        too_large(self.of.caps.packed)
    }

    /// A place among the large ones, once.
    async fn take_place(&mut self) -> Result<(), Fault> {
        if self.place.is_some() {
            return Ok(());
        }
        let waiting = Arc::clone(&self.of.large).acquire_owned();
        let Ok(Ok(place)) = timeout_at(self.until, waiting).await else {
            let why = "too many large bodies are being read; try again later";
            return Err(Fault::new(BUSY, why).after(10));
        };
        self.place = Some(place);
        Ok(())
    }
}

fn packing(headers: &HeaderMap) -> Result<Packing, Fault> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim());
    let kind = text(header::CONTENT_TYPE).and_then(|kind| kind.split(';').next()).unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("application/json") {
        return Err(Fault::new(WRONG_TYPE, "Content-Type must be application/json"));
    }
    match text(header::CONTENT_ENCODING) {
        None | Some("" | "identity") => Ok(Packing::None),
        Some(word) if word.eq_ignore_ascii_case("zstd") => Ok(Packing::Zstd),
        Some(_) => Err(Fault::new(WRONG_TYPE, "Content-Encoding must be zstd, or not be there")),
    }
}

fn too_large(cap: usize) -> Fault {
    Fault::new(TOO_LARGE, format!("the body has more than {cap} bytes, which is all that is taken"))
}

fn bad_encoding(why: &str) -> Fault {
    Fault::new(BAD_ENCODING, format!("the body is not the zstd frame that Content-Encoding says: {why}"))
}

/// A body unpacked, if that has at most so many bytes.
fn unpack(packing: Packing, packed: &Bytes, cap: usize) -> Result<Bytes, Unpack> {
    match packing {
        Packing::None if packed.len() > cap => Err(Unpack::TooLarge),
        Packing::None => Ok(packed.clone()),
        Packing::Zstd => unzstd(packed, cap).map(Bytes::from),
    }
}

/// What is no JSON, and what is JSON of another shape, are two faults: the first may come right when it is sent again.
fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(text).map_err(|error| {
        let detail = format!("the body cannot be read: {error}");
        Fault::new(if error.is_data() { BAD_SHAPE } else { BAD_JSON }, detail)
    })
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
