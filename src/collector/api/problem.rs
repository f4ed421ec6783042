//! What the collector says when it refuses: one shape for every route, with a word that does not change.
//!
//! Made by handlers and by the layers around them. [`Fault`] is what went wrong; `request` gives it the request's number and
//! makes the body of it. What is said to a client tells nothing of the collector's inside: that is in the log.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::collector::rules::Declined;
use crate::collector::store::StoreError;
use crate::model::Problem;

/// A word of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    /// The word; clients decide by it, so that it never changes.
    pub(super) word: &'static str,
    /// The status of its answers.
    pub(super) status: StatusCode,
    /// What it means, for the documents.
    pub(super) means: &'static str,
}

macro_rules! codes {
    ($($name:ident $word:literal $status:ident $means:literal)*) => {
        $(#[doc = $means] pub(super) const $name: Code = Code { word: $word, status: StatusCode::$status, means: $means };)*
        /// Every word, in the order of their numbers.
        pub(super) const CODES: &[Code] = &[$($name),*];
    };
}

codes! {
    BAD_JSON "bad-json" BAD_REQUEST "The body is no JSON, or not all of it came."
    BAD_ENCODING "bad-encoding" BAD_REQUEST "The body cannot be unpacked as its Content-Encoding says."
    BAD_QUERY "bad-query" BAD_REQUEST "A parameter of the address is not known, or its value cannot be read."
    NO_TOKEN "no-token" UNAUTHORIZED "The request names no token of the kind that this route wants."
    BAD_TOKEN "bad-token" UNAUTHORIZED "The token is not known, its time is over, or it was taken back."
    BAD_SECRET "bad-secret" FORBIDDEN "The enrolment secret is not known, its time is over, or it was taken back."
    NOT_ALLOWED "not-allowed" FORBIDDEN "The token is good, but not for this."
    NOT_FOUND "not-found" NOT_FOUND "There is no such address, host or item."
    WRONG_METHOD "wrong-method" METHOD_NOT_ALLOWED "The address is there, but not for this method."
    BODY_LATE "body-late" REQUEST_TIMEOUT "The body did not come in time."
    CONFLICT "conflict" CONFLICT "What is kept says otherwise: the host must enrol anew."
    TOO_LARGE "too-large" PAYLOAD_TOO_LARGE "The body is larger than this collector takes, packed or unpacked."
    WRONG_TYPE "wrong-type" UNSUPPORTED_MEDIA_TYPE "The body is of a type or an encoding that is not taken."
    BAD_SHAPE "bad-shape" UNPROCESSABLE_ENTITY "The body is JSON, but not what this route takes."
    BAD_RULES "bad-rules" UNPROCESSABLE_ENTITY "The rules have faults; the detail names each with its place."
    RULES_REFUSED "rules-refused" FORBIDDEN "The rules are not signed by a trusted key, are altered, or are older than what is there."
    DIGEST_MISMATCH "digest-mismatch" UNPROCESSABLE_ENTITY "An id or a digest is not that of what was sent: send all of it."
    TOO_MANY "too-many-requests" TOO_MANY_REQUESTS "Too many requests in a short time; Retry-After says when."
    HEAD_TOO_LARGE "head-too-large" REQUEST_HEADER_FIELDS_TOO_LARGE "The head of the request is too large."
    INTERNAL "internal" INTERNAL_SERVER_ERROR "A fault of the collector; its log says more under the request's number."
    CANNOT_KEEP "cannot-keep" SERVICE_UNAVAILABLE "The collector cannot keep anything now; nothing of the request was kept."
    BUSY "busy" SERVICE_UNAVAILABLE "The collector has too much to do; Retry-After says when."
}

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    code: Code,
    detail: Cow<'static, str>,
    retry_after: Option<u64>,
}

impl Fault {
    /// What, why, what next: for people.
    pub(super) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), retry_after: None }
    }

    /// When it may be tried again.
    pub(super) fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The word.
    pub(super) fn code(&self) -> Code {
        self.code
    }

    /// What stands for an answer of the framework's own, which has no words.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => {
                Self::new(NOT_FOUND, "there is no such address; see /api/v1/openapi.json")
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                Self::new(WRONG_METHOD, "the address does not take this method; see the header Allow")
            }
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(TOO_LARGE, "the body is too large"),
            StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                Self::new(HEAD_TOO_LARGE, "the head of the request is too large")
            }
            status if status.is_client_error() => Self::new(BAD_QUERY, "the request cannot be read"),
            _ => Self::new(INTERNAL, "a fault of the collector; its log says more"),
        }
    }

    /// The words of the answer.
    pub(super) fn problem(&self, request_id: String) -> Problem {
        Problem { code: self.code.word.into(), detail: self.detail.clone().into_owned(), request_id }
    }
}

/// A fault of the store is the log's; the client is told to come again.
impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = full(&error), "the store fails");
        Self::new(CANNOT_KEEP, "the collector's store fails now, and nothing was kept; try again later")
            .after(30)
    }
}

impl From<Declined> for Fault {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::Store(error) => error.into(),
            Declined::Law(why) => {
                tracing::error!(%why, "the law cannot be made ready");
                Self::new(INTERNAL, "it was kept, and cannot be used now; the collector's log says more")
            }
            Declined::Faults(why) => Self::new(BAD_RULES, why),
            Declined::Refused(why) => Self::new(RULES_REFUSED, why),
            Declined::Unknown(why) => Self::new(NOT_FOUND, why),
            Declined::Wrong(why) => Self::new(BAD_SHAPE, why),
        }
    }
}

/// An error with all its causes.
pub(super) fn full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

/// The head alone; `request` makes the body, for it knows the request's number.
impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.code.status;
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        if self.code.status == StatusCode::UNAUTHORIZED {
            set(header::WWW_AUTHENTICATE, "Bearer");
        }
        if self.code == WRONG_TYPE {
            set(header::ACCEPT_ENCODING, "zstd");
        }
        // What is left of a body that is too large or too slow is not waited for.
        if self.code == TOO_LARGE || self.code == BODY_LATE {
            set(header::CONNECTION, "close");
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
