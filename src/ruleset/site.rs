//! Whom an authority binds, and who a site is: both as data, so that one can be held against the other.
//!
//! Read from authority files and from the configuration. What neither says is never a reason to leave a law out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema::{Table, Text, Value};

/// A part of society that laws speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sector {
    /// Agencies of a national government.
    FederalAgency,
    /// Contractors of a national government, and their subcontractors.
    FederalContractor,
    /// Intelligence services, and who runs systems for them.
    IntelligenceCommunity,
    /// Armed forces, and who works for them.
    Defense,
    /// Agencies of a state or province.
    StateAgency,
    /// Contractors of a state or province.
    StateContractor,
    /// Towns, counties, schools.
    LocalGovernment,
    /// Any public body.
    PublicAdministration,
    /// Operators of critical infrastructure.
    CriticalInfrastructure,
    /// Carriers.
    Telecommunications,
    /// Vendors, resellers and integrators.
    Supplier,
    /// Private organisations.
    Private,
    /// Private persons.
    Individual,
}

/// What a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceType {
    /// Desktop and laptop computers.
    Desktop,
    /// Servers.
    Server,
    /// Telephones and tablets.
    Mobile,
    /// Equipment of networks, cameras, drones.
    Equipment,
}

/// Whom an authority binds. An empty list binds everybody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Population {
    /// Countries and subdivisions of ISO 3166: `US`, `US-TX`.
    pub jurisdictions: Vec<String>,
    /// Sectors.
    pub sectors: Vec<Sector>,
    /// Kinds of devices.
    pub devices: Vec<DeviceType>,
}

/// Who the site is, by its configuration. An empty list says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Site {
    /// Where it is: countries and subdivisions of ISO 3166.
    pub jurisdictions: Vec<String>,
    /// Which sectors it belongs to.
    pub sectors: Vec<Sector>,
    /// What its devices are.
    pub devices: Vec<DeviceType>,
}

impl Population {
    /// Reads `{ jurisdictions = […], sectors = […], devices = […] }`.
    pub(super) fn read(value: Value<'_>) -> Option<Self> {
        let mut table = value.table("applies_to")?;
        let read = lists(&mut table);
        table.finish();
        let (jurisdictions, sectors, devices) = read;
        Some(Self { jurisdictions, sectors, devices })
    }

    /// Whether a site is surely none of those bound. What either does not say excludes nobody.
    pub fn excludes(&self, site: &Site) -> bool {
        fn disjoint<T>(bound: &[T], own: &[T], meets: impl Fn(&T, &T) -> bool) -> bool {
            !bound.is_empty() && !own.is_empty() && !bound.iter().any(|a| own.iter().any(|b| meets(a, b)))
        }
        disjoint(&self.jurisdictions, &site.jurisdictions, |a, b| overlap(a, b))
            || disjoint(&self.sectors, &site.sectors, |a, b| a == b)
            || disjoint(&self.devices, &site.devices, |a, b| a == b)
    }
}

impl Site {
    /// Reads the table `[site]`.
    pub(crate) fn read(value: Value<'_>) -> Option<Self> {
        let mut table = value.table("[site]")?;
        let (jurisdictions, sectors, devices) = lists(&mut table);
        table.finish();
        Some(Self { jurisdictions, sectors, devices })
    }
}

fn lists(table: &mut Table<'_>) -> (Vec<String>, Vec<Sector>, Vec<DeviceType>) {
    let jurisdictions = table.texts("jurisdictions");
    for text in &jurisdictions {
        check_jurisdiction(text, table);
    }
    let jurisdictions = jurisdictions.into_iter().map(|text| text.value).collect();
    (jurisdictions, table.words("sectors"), table.words("devices"))
}

/// `US`, `US-TX`, or `EU` for what binds the institutions of the Union.
fn check_jurisdiction(text: &Text, table: &Table<'_>) {
    let (country, rest) = text.value.split_once('-').unwrap_or((&text.value, "X"));
    let country = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
    let subdivision =
        (1..=3).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if !(country && subdivision) {
        let (label, hint) = ("not a code of ISO 3166", "write `US`, or `US-TX` for a part of a country");
        table.faults().hint(super::Code::UnknownWord, &text.at, label, hint);
    }
}

/// Whether one place lies in the other: a site in the US may be in Texas.
fn overlap(a: &str, b: &str) -> bool {
    let within =
        |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    within(a, b) || within(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_surely_elsewhere_is_excluded() {
        let texas = Population {
            jurisdictions: vec!["US-TX".into()],
            sectors: vec![Sector::StateAgency, Sector::StateContractor],
            devices: Vec::new(),
        };
        let site = |place: &str, sectors: &[Sector]| Site {
            jurisdictions: vec![place.into()],
            sectors: sectors.to_vec(),
            devices: vec![DeviceType::Desktop],
        };
        assert!(!texas.excludes(&Site::default()));
        assert!(!texas.excludes(&site("US-TX", &[Sector::StateAgency])));
        assert!(!texas.excludes(&site("US", &[])), "a site somewhere in the US may be in Texas");
        assert!(texas.excludes(&site("US-NY", &[Sector::StateAgency])));
        assert!(texas.excludes(&site("US-TX", &[Sector::Private])));
        assert!(texas.excludes(&site("CA", &[])));
        assert!(!Population::default().excludes(&site("CA", &[Sector::Private])));
    }
}
