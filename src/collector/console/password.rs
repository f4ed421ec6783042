//! Passwords: argon2id (RFC 9106), with the parameters that OWASP's password storage cheat sheet names first.
//!
//! Called by `sign_in` and `people`. Two at a time: each takes 19 MiB.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use tokio::sync::Semaphore;

/// How long a password is.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=256;
/// Hashes at a time.
static PLACES: Semaphore = Semaphore::const_new(2);
/// The hash of a password that nobody has, so that an unknown name takes as long as a known one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRvZm5vYm9keQ$6J3C9wMTYmLhBoCGs5M7bH7kd4lQ1s4cEWpJvK5yJ0k";

/// Whether a password may be taken; else why not.
pub(in crate::collector) fn check(password: &str) -> Result<(), String> {
    if LENGTH.contains(&password.chars().count()) {
        return Ok(());
    }
    Err(format!(
        "a password has {} to {} letters; a few words are easy to keep",
        LENGTH.start(),
        LENGTH.end()
    ))
}

/// What is kept of a password.
pub(in crate::collector) async fn hash(password: String) -> Result<String, String> {
    let _place = PLACES.acquire().await.map_err(|error| error.to_string())?;
    let work = move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string());
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
    done.map_err(|error| error.to_string())
}

/// Whether it is the password; of nobody none is.
pub(super) async fn is(password: String, kept: Option<String>) -> bool {
    let Ok(_place) = PLACES.acquire().await else { return false };
    let work = move || {
        let known = kept.is_some();
        let text = kept.unwrap_or_else(|| NOBODY.to_owned());
        let Ok(hash) = PasswordHash::new(&text) else { return false };
        Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && known
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash() {
        let kept = hash("correct horse battery".to_owned()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(is("correct horse battery".to_owned(), Some(kept.clone())).await);
        assert!(!is("correct horse batterz".to_owned(), Some(kept.clone())).await);
        assert!(!is("correct horse battery".to_owned(), None).await);
        assert!(!is("correct horse battery".to_owned(), Some("damaged".to_owned())).await);
        assert_ne!(kept, hash("correct horse battery".to_owned()).await.unwrap(), "each has its salt");
        assert!(PasswordHash::new(NOBODY).is_ok());
    }

    #[test]
    fn what_is_short_is_none() {
        assert!(
            check("elevenletts").is_err()
                && check("twelve lette").is_ok()
                && check(&"x".repeat(257)).is_err()
        );
    }
}
