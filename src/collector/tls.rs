//! The collector's certificate: read from PEM files, read anew when they change.
//!
//! Called by `serve`. A renewed certificate is taken without a restart; one that cannot be read changes nothing and is
//! logged, so that a renewal that went wrong takes no fleet down.
#![expect(clippy::disallowed_methods, reason = "the operator's own files")]

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Where certificate and key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsFiles {
    /// The certificate and those between it and the root, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM, without a password.
    pub key: PathBuf,
    /// Certificates of who signs the clients'; none: clients need no certificate.
    pub client_ca: Option<PathBuf>,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    /// A file.
    #[error("cannot read {path}: {cause}; it is named by {option}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The option that names it.
        option: &'static str,
        /// What the system says.
        cause: io::Error,
    },
    /// What is in it.
    #[error("{path} holds no {what} in PEM form: {why}; it is named by {option}")]
    Content {
        /// The file.
        path: PathBuf,
        /// The option that names it.
        option: &'static str,
        /// What should be in it.
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// Both do not go together.
    #[error("{cert} and {key} cannot be used together: {cause}")]
    Pair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's.
        key: PathBuf,
        /// Why.
        cause: rustls::Error,
    },
    /// Those that sign the clients'.
    #[error("{path} cannot vouch for clients: {cause}")]
    ClientCa {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: VerifierBuilderError,
    },
}

/// The bytes of the files, and what tells them from others.
struct Read {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Read {
    fn of(files: &TlsFiles) -> Result<Self, TlsError> {
        let ca = files.client_ca.as_ref().map(|path| read(path, "--tls-client-ca")).transpose()?;
        Ok(Self {
            cert: read(&files.cert, "--tls-cert")?,
            key: read(&files.key, "--tls-key")?,
            client_ca: ca,
        })
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [&self.cert, &self.key].into_iter().chain(&self.client_ca) {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

fn read(path: &Path, option: &'static str) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|cause| TlsError::Read { path: path.to_owned(), option, cause })
}

/// A certificate that is in use, and the files that it is from.
pub(super) struct Tls {
    files: TlsFiles,
    config: RustlsConfig,
    digest: [u8; 32],
}

impl Tls {
    /// Reads the files.
    pub(super) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let read = Read::of(&files)?;
        let config = RustlsConfig::from_config(Arc::new(server_config(&files, &read)?));
        Ok(Self { digest: read.digest(), config, files })
    }

    /// What the listener takes; it follows the files for as long as [`Tls::follow`] runs.
    pub(super) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Takes what the files hold, whenever that changes; for ever.
    pub(super) async fn follow(mut self) {
        let mut complained = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let fault = self.look().err().map(|error| error.to_string());
            if fault.is_some() && fault != complained {
                tracing::error!(error = fault, "the new certificate cannot be used; the former stays");
            }
            complained = fault;
        }
    }

    /// Takes what is new.
    fn look(&mut self) -> Result<(), TlsError> {
        let read = Read::of(&self.files)?;
        let digest = read.digest();
        if digest == self.digest {
            return Ok(());
        }
        self.config.reload_from_config(Arc::new(server_config(&self.files, &read)?));
        self.digest = digest;
        tracing::info!(cert = %self.files.cert.display(), "certificate read anew");
        Ok(())
    }
}

fn server_config(files: &TlsFiles, read: &Read) -> Result<ServerConfig, TlsError> {
    let chain = certificates(&read.cert, &files.cert, "--tls-cert")?;
    let key = PrivateKeyDer::from_pem_slice(&read.key).map_err(|error| TlsError::Content {
        path: files.key.clone(),
        option: "--tls-key",
        what: "private key",
        why: error.to_string(),
    })?;
    let builder = ServerConfig::builder();
    let builder = match files.client_ca.as_ref().zip(read.client_ca.as_ref()) {
        None => builder.with_no_client_auth(),
        Some((path, bytes)) => {
            let fault = |cause| TlsError::ClientCa { path: path.clone(), cause };
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates(bytes, path, "--tls-client-ca")?);
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().map_err(fault)?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let pair = |cause| TlsError::Pair { cert: files.cert.clone(), key: files.key.clone(), cause };
    let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(
    bytes: &[u8],
    path: &Path,
    option: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let fault = |why| TlsError::Content { path: path.to_owned(), option, what: "certificate", why };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let found = read.map_err(|error| fault(error.to_string()))?;
    if found.is_empty() { Err(fault("no section of that kind".to_owned())) } else { Ok(found) }
}
