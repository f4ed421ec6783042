//! The rules: TOML files compiled into an immutable [`Ruleset`], with every fault of every file as a diagnostic.
//!
//! Loaded by `cli`, read by `matching` and `judge`. Must not know hosts or findings. Only `load` reads the disk.
//! The language stands in `docs/rules.md`.

mod accepted;
mod builtin;
mod category;
mod code;
mod compile;
mod diagnostic;
pub mod fields;
pub mod indicator;
mod json_schema;
mod language;
mod layout;
mod lint;
mod load;
mod manifest;
mod near;
pub mod pattern;
mod refusal;
mod rule_file;
mod rules;
mod schema;
mod signing;
mod site;
mod sought;
mod waiver;
mod wanted;

use std::collections::HashMap;

pub use accepted::Accepted;
pub use category::Category;
pub use code::{Code, Level};
pub(crate) use diagnostic::Faults;
pub use diagnostic::{At, Diagnostic, render};
pub use json_schema::{file_kinds, json_schema};
pub use layout::{Unformattable, layout};
pub use load::{
    Choice, Loaded, Place, Sent, built_in, load, load_trusted, of_text, read_files, read_folder,
    verify_folder, verify_sent,
};
pub use manifest::{Manifest, stale};
pub(crate) use near::nearest;
pub use refusal::Refusal;
pub use rule_file::RuleFile;
pub use rules::{
    Act, Authority, Embedded, Example, Exclude, Expect, Expected, Indicator, Milestone, Policy, Product,
    Prohibition, Rule, Vendor, Verified,
};
pub(crate) use schema::{Table, Value, document};
pub use signing::{
    NewKey, SIGNATURE, SUMS, Seal, SealFault, Signed, SigningKey, TrustedKey, check_seal, generate,
    read_seal, sums_of,
};
pub use site::{DeviceType, Population, Sector, Site};
pub use sought::{Sought, Unsought};
pub use waiver::{AcceptedGap, Answer, Granted, Hosts, Waiver, dated, unused};

use compile::Parts;

/// Everything that is known of vendors, their products and who prohibits them.
#[derive(Debug)]
pub struct Ruleset {
    parts: Parts,
    digest: String,
    origin: String,
    signed: Vec<Signed>,
    ids: Ids,
}

/// Positions by id.
#[derive(Debug, Default)]
struct Ids {
    vendors: HashMap<String, usize>,
    products: HashMap<String, usize>,
    policies: HashMap<String, usize>,
    authorities: HashMap<String, usize>,
}

fn positions<'a>(ids: impl Iterator<Item = &'a String>) -> HashMap<String, usize> {
    ids.enumerate().map(|(position, id)| (id.clone(), position)).collect()
}

impl Ruleset {
    fn new(parts: Parts, digest: String, origin: String) -> Self {
        let ids = Ids {
            vendors: positions(parts.vendors.iter().map(|one| &one.id)),
            products: positions(parts.products.iter().map(|one| &one.id)),
            policies: positions(parts.policies.iter().map(|one| &one.id)),
            authorities: positions(parts.authorities.iter().map(|one| &one.id)),
        };
        Self { parts, digest, origin, signed: Vec::new(), ids }
    }

    /// Every vendor.
    pub fn vendors(&self) -> &[Vendor] {
        &self.parts.vendors
    }

    /// Every product, each vendor's pseudo-product `<vendor>.other` among them.
    pub fn products(&self) -> &[Product] {
        &self.parts.products
    }

    /// Every indicator, those of vendors' own lists among them.
    pub fn indicators(&self) -> &[Indicator] {
        &self.parts.indicators
    }

    /// Every look-alike.
    pub fn excludes(&self) -> &[Exclude] {
        &self.parts.excludes
    }

    /// Every policy.
    pub fn policies(&self) -> &[Policy] {
        &self.parts.policies
    }

    /// Every authority.
    pub fn authorities(&self) -> &[Authority] {
        &self.parts.authorities
    }

    /// Every example.
    pub fn examples(&self) -> &[Example] {
        &self.parts.examples
    }

    /// What the folders of rules say of themselves, the built-in ones first.
    pub fn manifests(&self) -> &[Manifest] {
        &self.parts.manifests
    }

    /// Every waiver.
    pub fn waivers(&self) -> &[Waiver] {
        &self.parts.waivers
    }

    /// Every accepted gap.
    pub fn accepted_gaps(&self) -> &[AcceptedGap] {
        &self.parts.accepted_gaps
    }

    /// SHA-256 over the files, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Where the files came from, in words.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The folders whose signature was checked, in the order of the origin.
    pub fn signed(&self) -> &[Signed] {
        &self.signed
    }

    /// A vendor by its id.
    pub fn vendor(&self, id: &str) -> Option<&Vendor> {
        self.parts.vendors.get(*self.ids.vendors.get(id)?)
    }

    /// A product by its id.
    pub fn product(&self, id: &str) -> Option<&Product> {
        self.parts.products.get(*self.ids.products.get(id)?)
    }

    /// A policy by its id.
    pub fn policy(&self, id: &str) -> Option<&Policy> {
        self.parts.policies.get(*self.ids.policies.get(id)?)
    }

    /// An authority by its id.
    pub fn authority(&self, id: &str) -> Option<&Authority> {
        self.parts.authorities.get(*self.ids.authorities.get(id)?)
    }

    /// The product an indicator is a sign of.
    pub fn product_of(&self, indicator: &Indicator) -> Option<&Product> {
        self.parts.products.get(indicator.product)
    }

    /// The indicators of what a prohibition covers.
    pub fn indicators_of(&self, prohibition: &Prohibition) -> impl Iterator<Item = &Indicator> {
        // Asked once for each product, not for each of its indicators.
        let covered: Vec<bool> = self.parts.products.iter().map(|one| prohibition.covers(one)).collect();
        let all = self.parts.indicators.iter();
        all.filter(move |one| covered.get(one.product).copied().unwrap_or(false))
    }
}
