//! A raw trace: what one source read about one thing, before it is split into item and sighting.
//!
//! Made by `sources`, consumed by `normalise`.

use super::{
    HostPath, Identifier, Image, ItemKind, Looked, Place, ProcessFacts, Recorded, Scope, Signer, Stamp,
    State, Version,
};

/// What a source read about one thing. Start from [`Trace::new`] and set what was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// What kind of thing.
    pub kind: ItemKind,
    /// Its technical name, as recorded.
    pub name: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// Its version.
    pub version: Option<Version>,
    /// Who the record claims made it.
    pub publisher: Option<String>,
    /// Who signed it.
    pub signer: Looked<Signer>,
    /// Typed identifiers.
    pub identifiers: Vec<Identifier>,
    /// Architecture.
    pub arch: Option<String>,
    /// Its path, for kinds that have one (see `docs/fields.md`); without an image: the thing itself.
    pub path: Option<HostPath>,
    /// The program file it is or points to; becomes the item's path where `path` is none.
    pub image: Option<Image>,
    /// How present it is.
    pub state: State,
    /// Whose it is.
    pub scope: Scope,
    /// Where it was read.
    pub place: Place,
    /// A date of the record.
    pub recorded_at: Recorded,
    /// When the product last updated itself.
    pub last_update: Option<Stamp>,
    /// Facts of a running process.
    pub process: Option<ProcessFacts>,
}

impl Trace {
    /// A trace of a thing of the machine, with nothing but kind, name, state and place.
    pub fn new(kind: ItemKind, name: impl Into<String>, state: State, place: Place) -> Self {
        Self {
            kind,
            name: name.into(),
            display_name: None,
            version: None,
            publisher: None,
            signer: Looked::NotLooked,
            identifiers: Vec::new(),
            arch: None,
            path: None,
            image: None,
            state,
            scope: Scope::Machine,
            place,
            recorded_at: Recorded::default(),
            last_update: None,
            process: None,
        }
    }

    /// The file whose owner is the owner of this trace: the program itself for what is a file,
    /// the record's own file for what merely points at one (a unit run by an interpreter belongs
    /// to the package that ships the unit, not to the interpreter's). None for what lies in a container:
    /// the same path there is another file, which no package of the host owns.
    pub fn owned_path(&self) -> Option<&HostPath> {
        if matches!(self.scope, Scope::Container(_)) {
            return None;
        }
        match self.kind {
            ItemKind::Executable | ItemKind::Driver => {
                self.image.as_ref().map(|image| &image.path).or(self.path.as_ref())
            }
            ItemKind::Service | ItemKind::Autostart | ItemKind::Application => Some(&self.place.path),
            _ => None,
        }
    }
}
