//! The item that a certificate of a store makes, whatever system's store it is.
//!
//! Called by the sources of certificates. Must not know stores.

use crate::model::{HostPath, Identifier, IdentifierType, ItemKind, Place, Scope, State, Trace};
use crate::parse::x509::Certificate;

/// What is left, or was put there, to be trusted: it runs nothing, and so counts as left behind.
pub(super) fn trace(certificate: &Certificate, store: &HostPath, scope: &Scope) -> Trace {
    let thumbprint = certificate.thumbprint();
    let shown = certificate.subject.shown();
    let name = if shown.is_empty() { thumbprint.clone() } else { shown.to_owned() };
    let place = Place::record(store.clone(), format!("certificate {thumbprint}"));
    let mut trace = Trace::new(ItemKind::Certificate, name, State::Remnant, place);
    trace.publisher = certificate.subject.organization().map(str::to_owned);
    trace.identifiers = vec![Identifier::new(IdentifierType::Thumbprint, thumbprint)];
    trace.scope = scope.clone();
    trace
}
