//! Tells by HTTP, signed as <https://www.standardwebhooks.com> (specification 1.0) has it.
//!
//! One event a call. The receiver checks `webhook-signature` over `webhook-id.webhook-timestamp.body`, and sees by the id what
//! it was told already.
#![expect(clippy::disallowed_methods, reason = "the operator's own files")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use ct_codecs::{Base64, Decoder as _, Encoder as _};
use ring::hmac;
use serde::Serialize;
use ureq::http::header;

use crate::collector::clock;
use crate::collector::events::Happening;
use crate::collector::outgoing::{agent, is_plain};
use crate::collector::store::Due;
use crate::model::Stamp;

use super::{Channel, Untold};

/// For one call, whatever the receiver does.
const CALL: Duration = Duration::from_secs(20);
/// Bytes of a secret, at least and at most: as the specification has it.
const SECRET: std::ops::RangeInclusive<usize> = 24..=64;

/// Why a webhook cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::collector) enum WebhookError {
    /// Its secret.
    #[error(
        "the secret of webhook '{name}' in {path}: {why}; write whsec_ and 24 to 64 bytes in base64, as 'openssl rand -base64 32' makes them"
    )]
    Secret {
        /// The webhook.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Its address.
    #[error(
        "the address of webhook '{name}': {why}; write it like https://siem.example/interdict, or http:// for a program of this computer"
    )]
    Address {
        /// The webhook.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Whom it believes.
    #[error("the authority of webhook '{name}' in {path}: {why}")]
    Authority {
        /// The webhook.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// A receiver.
pub(in crate::collector) struct Webhook {
    agent: ureq::Agent,
    url: String,
    key: hmac::Key,
}

/// How a receiver is reached.
pub(in crate::collector) struct Address<'a> {
    /// What it is called.
    pub(in crate::collector) name: &'a str,
    /// Where it is.
    pub(in crate::collector) url: &'a str,
    /// The file with the secret.
    pub(in crate::collector) secret: &'a Path,
    /// The only authorities that are believed; without any those of the system.
    pub(in crate::collector) ca: Option<&'a Path>,
}

impl Webhook {
    /// One that is reached so.
    pub(in crate::collector) fn new(address: &Address<'_>) -> Result<Self, WebhookError> {
        let key = key(address)?;
        let plain = is_plain(address.url)
            .map_err(|why| WebhookError::Address { name: address.name.to_owned(), why })?;
        let agent = agent(plain, address.ca, CALL).map_err(|why| WebhookError::Authority {
            name: address.name.to_owned(),
            path: address.ca.map(Path::to_owned).unwrap_or_default(),
            why,
        })?;
        Ok(Self { agent, url: address.url.to_owned(), key })
    }

    fn call(&self, due: &Due, now: Stamp) -> Result<(), Untold> {
        let body = serde_json::to_vec(&Message::of(due)).map_err(|error| Untold::now(&error))?;
        let id = due.event.id();
        let signature = sign(&self.key, &id, now, &body);
        let request = self
            .agent
            .post(&self.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", now.unix().to_string())
            .header("webhook-signature", signature);
        let response = request.send(&body[..]).map_err(|error| Untold::now(&error))?;
        let status = response.status().as_u16();
        let after = response.headers().get(header::RETRY_AFTER);
        let after = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        match status {
            200..=299 => Ok(()),
            // "The receiver is gone": it is not told this any more.
            410 => Err(Untold { why: "it answers 410: gone".to_owned(), after: None, never: true }),
            _ => Err(Untold { why: format!("it answers {status}"), after, never: false }),
        }
    }
}

impl Channel for Webhook {
    const AT_ONCE: u32 = 1;

    fn tell(&self, due: &[Due]) -> Result<(), Untold> {
        due.iter().try_for_each(|one| self.call(one, clock::now()))
    }
}

/// The body: type, time and data, as the specification has it.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(flatten)]
    happened: &'a Happening,
    timestamp: Stamp,
}

impl<'a> Message<'a> {
    fn of(due: &'a Due) -> Self {
        Self { happened: &due.event.happened, timestamp: due.event.at }
    }
}

fn sign(key: &hmac::Key, id: &str, at: Stamp, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(format!("{id}.{}.", at.unix()).as_bytes());
    context.update(body);
    format!("v1,{}", Base64::encode_to_string(context.sign()).unwrap_or_default())
}

fn key(address: &Address<'_>) -> Result<hmac::Key, WebhookError> {
    let fault = |why: String| WebhookError::Secret {
        name: address.name.to_owned(),
        path: address.secret.to_owned(),
        why,
    };
    let text = std::fs::read_to_string(address.secret).map_err(|error| fault(error.to_string()))?;
    let text = text.trim();
    let bytes = Base64::decode_to_vec(text.strip_prefix("whsec_").unwrap_or(text), None)
        .map_err(|_| fault("it is not base64".to_owned()))?;
    if !SECRET.contains(&bytes.len()) {
        return Err(fault(format!("it has {} bytes", bytes.len())));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the specification's own libraries.
    #[test]
    fn signed_as_the_specification_has_it() {
        let bytes = Base64::decode_to_vec("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", None).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        let at = Stamp::from_unix(1_614_265_330).unwrap();
        let signature = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
