//! The tables and keys of the language as data: in which order they stand, what may stand there, what it means.
//!
//! Layout and JSON Schema are made of it. The reader asks for keys by itself; a test compares the two.

mod vendor;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::model::{Confidence, Depth, Effect, GapReason, IdentifierType, Order, ScopeAsk, Severity};

use super::category::Category;
use super::indicator::KINDS;
use super::rules::{Act, Embedded, Verified};
use super::site::{DeviceType, Sector};
use vendor::VENDOR_FILE;

/// The words of a closed list, as a schema.
pub(super) type Words = fn(&mut SchemaGenerator) -> Schema;

/// The words of an enumeration.
pub(super) fn words<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The words of `priority`, which no noun of a report has.
fn priorities(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["normal", "low"] })
}

fn naming(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["named", "pseudonym"] })
}

fn failing(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["inconclusive", "non-compliant", "never"] })
}

/// What may stand at a key.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// The version of the language.
    Version,
    /// A text that says something.
    Text,
    /// An id.
    Id,
    /// A text or a list of texts.
    Texts,
    /// Codes of ISO 3166, one or several.
    Places,
    /// One word of a list.
    Word(Words),
    /// One word or several.
    Words(Words),
    /// Yes or no.
    Bool,
    /// A whole number that is not negative.
    Count,
    /// A whole number from 1.
    Ordinal,
    /// A SHA-256.
    Hash,
    /// A day.
    Date,
    /// A table.
    Table(&'static Spec),
    /// A list of tables.
    Tables(&'static Spec),
    /// `"none"`, a table or a list of tables.
    NoneOr(&'static Spec),
}

impl Form {
    /// The table that may stand there.
    pub(super) fn spec(self) -> Option<&'static Spec> {
        match self {
            Self::Table(spec) | Self::Tables(spec) | Self::NoneOr(spec) => Some(spec),
            _ => None,
        }
    }
}

/// A key of a table.
#[derive(Clone, Copy)]
pub(super) struct Key {
    /// As written.
    pub(super) name: &'static str,
    /// What may stand there.
    pub(super) form: Form,
    /// Whether it must be there.
    pub(super) needed: bool,
    /// What it is, for people.
    pub(super) means: &'static str,
}

/// A table: its keys in the order in which they stand.
#[derive(Clone, Copy)]
pub(super) struct Spec {
    /// Its name in the JSON Schema.
    pub(super) id: &'static str,
    /// Its name in diagnostics.
    pub(super) what: &'static str,
    /// Its keys.
    keys: &'static [Key],
    /// How many keys stand before the conditions, where the table has conditions.
    conditions_after: Option<usize>,
    /// Keys of which one must be there; none: no such keys.
    pub(super) one_of: &'static [&'static str],
}

impl Spec {
    /// Its keys in the order in which they stand, conditions among them.
    pub(super) fn keys(&self) -> Vec<Key> {
        let Some((before, after)) = self.conditions_after.and_then(|at| self.keys.split_at_checked(at))
        else {
            return self.keys.to_vec();
        };
        let mut conditions: Vec<Key> = KINDS
            .iter()
            .map(|kind| Key { name: kind.key, form: kind.form, needed: false, means: kind.means })
            .collect();
        conditions.order_by_key(|key| place(key.name));
        [before, &conditions, after].concat()
    }

    /// A key by its name.
    pub(super) fn key(&self, name: &str) -> Option<Key> {
        self.keys().into_iter().find(|key| key.name == name)
    }
}

/// Conditions that say who made a thing stand before those that say where and when.
fn place(condition: &str) -> usize {
    const ORDER: &[&str] = &[
        "name",
        "publisher",
        "signer",
        "team_id",
        "identifier",
        "path",
        "image",
        "sha256",
        "version",
        "state",
    ];
    ORDER.iter().position(|known| *known == condition).unwrap_or(ORDER.len())
}

/// A kind of file: its name, and its tables.
pub(super) struct FileKind {
    /// Its word: `vendor`, `policy` and so on.
    pub(super) name: &'static str,
    /// What such a file says.
    pub(super) means: &'static str,
    /// Tables of which one must be there; none: no such tables.
    pub(super) one_of: &'static [&'static str],
    /// The top of the file.
    pub(super) top: &'static Spec,
}

const fn key(name: &'static str, form: Form, means: &'static str) -> Key {
    Key { name, form, needed: false, means }
}

const fn need(name: &'static str, form: Form, means: &'static str) -> Key {
    Key { name, form, needed: true, means }
}

const fn spec(id: &'static str, what: &'static str, keys: &'static [Key]) -> Spec {
    Spec { id, what, keys, conditions_after: None, one_of: &[] }
}

const fn conditional(id: &'static str, what: &'static str, keys: &'static [Key], after: usize) -> Spec {
    Spec { id, what, keys, conditions_after: Some(after), one_of: &[] }
}

const fn one_of(spec: Spec, one_of: &'static [&'static str]) -> Spec {
    Spec { one_of, ..spec }
}

const SCHEMA: Key = need("schema", Form::Version, "Version of the language: 1");

/// Every kind of rule file.
pub(super) static FILES: &[FileKind] = &[
    FileKind {
        name: "vendor",
        means: "How software of a vendor is recognised",
        one_of: &["vendor"],
        top: &VENDOR_FILE,
    },
    FileKind {
        name: "policy",
        means: "What is prohibited here, from when, and how sure one must be",
        one_of: &["policy"],
        top: &POLICY_FILE,
    },
    FileKind {
        name: "authority",
        means: "The law or advice behind a prohibition",
        one_of: &["authority"],
        top: &AUTHORITY_FILE,
    },
    FileKind {
        name: "waiver",
        means: "Exceptions that a site makes, each with who, why and until when",
        one_of: &["waiver", "accept_gap"],
        top: &WAIVER_FILE,
    },
    FileKind {
        name: "ruleset",
        means: "A folder of rules as a whole: its name, its version, when it was released",
        one_of: &["ruleset"],
        top: &RULESET_FILE,
    },
    FileKind {
        name: "config",
        means: "What a computer is always asked; no rule file, read by the program itself",
        one_of: &[],
        top: &CONFIG_FILE,
    },
];

const TOP: &str = "the top of the file";

const EXACT: Key = key("exact", Form::Texts, "The whole text");
const PREFIX: Key = key("prefix", Form::Texts, "Its beginning");
const GLOB: Key = key("glob", Form::Texts, "The whole text; `*` and `?` stop at a separator, `**` does not");
const REGEX: Key = key("regex", Form::Texts, "An expression; anchor it with ^ and $");

/// A pattern.
pub(super) static PATTERN: Spec = spec("pattern", "a pattern", &[EXACT, PREFIX, GLOB, REGEX]);

/// A condition on an identifier.
pub(super) static IDENTIFIER: Spec = spec(
    "identifier",
    "an identifier condition",
    &[need("type", Form::Word(words::<IdentifierType>), "Its type"), EXACT, PREFIX, GLOB, REGEX],
);

/// A condition on the program file.
pub(super) static IMAGE: Spec = spec(
    "image",
    "an image condition",
    &[
        key("exists", Form::Bool, "Whether it must be there, or must not"),
        key("path", Form::Table(&PATTERN), "Its path"),
    ],
);

/// A condition on the file's bytes.
pub(super) static HASH: Spec = spec(
    "hash",
    "a hash",
    &[
        need("value", Form::Hash, "SHA-256 in hexadecimal"),
        need("size", Form::Count, "Size of the file in bytes: only files of this size are hashed"),
    ],
);

/// A condition on the version.
pub(super) static VERSION: Spec = spec(
    "version",
    "a version condition",
    &[
        key("from", Form::Text, "The first version of the range"),
        key("before", Form::Text, "The first version after the range"),
        key("exact", Form::Texts, "Whole versions"),
    ],
);

static POLICY_FILE: Spec = spec(
    "policy-file",
    TOP,
    &[
        SCHEMA,
        key("policy", Form::Table(&POLICY), "The policy"),
        key("prohibition", Form::Tables(&PROHIBITION), "What it prohibits"),
        key("override", Form::Tables(&OVERRIDE), "What it changes in a prohibition that it took over"),
    ],
);

static POLICY: Spec = one_of(
    spec(
        "policy",
        "[policy]",
        &[
            need("id", Form::Id, "Id, for life"),
            need("title", Form::Text, "Title"),
            key("extends", Form::Texts, "Ids of policies whose prohibitions it takes over"),
            key("effect", Form::Word(words::<Effect>), "What it does with what counts"),
            key("effective", Form::Date, "The day from which it counts; needed where it extends nothing"),
            key(
                "min_confidence",
                Form::Word(words::<Confidence>),
                "Findings less sure are shown and do not decide",
            ),
            key("min_depth", Form::Word(words::<Depth>), "A scan less deep is inconclusive"),
            key("min_scope", Form::Word(words::<ScopeAsk>), "A scan of less is inconclusive"),
        ],
    ),
    &["effective", "extends"],
);

const PROHIBITED_EMBEDDED: Key = key(
    "embedded",
    Form::Word(words::<Embedded>),
    "What of third parties' products with the vendor's code inside",
);

static PROHIBITION: Spec = one_of(
    spec(
        "prohibition",
        "[[prohibition]]",
        &[
            need("id", Form::Id, "Id: the policy's, a dot, and more; findings and waivers carry it"),
            key("vendor", Form::Id, "Id of a vendor, all of whose products are prohibited"),
            key("products", Form::Texts, "Ids of products"),
            key(
                "categories",
                Form::Words(words::<Category>),
                "Categories; with a vendor, only of this vendor",
            ),
            key("except_categories", Form::Words(words::<Category>), "Categories that are excepted"),
            key("except_products", Form::Texts, "Ids of products that are excepted"),
            PROHIBITED_EMBEDDED,
            key(
                "effect",
                Form::Word(words::<Effect>),
                "What this prohibition does, where it is not what the policy does",
            ),
            key("effective", Form::Date, "The day from which it counts, where it is not the policy's"),
            key("authorities", Form::Texts, "Ids of the authorities behind it"),
            key(
                "severity",
                Form::Word(words::<Severity>),
                "How grave a finding is; `high`, where it is not said",
            ),
            key("advice", Form::Text, "What to do about a finding"),
        ],
    ),
    &["vendor", "products", "categories"],
);

static OVERRIDE: Spec = spec(
    "override",
    "[[override]]",
    &[
        need("prohibition", Form::Id, "Id of a prohibition that was taken over"),
        key("products", Form::Texts, "Ids of products that are prohibited too"),
        key("except_categories", Form::Words(words::<Category>), "Further categories that are excepted"),
        key("except_products", Form::Texts, "Further products that are excepted"),
        PROHIBITED_EMBEDDED,
        key("effect", Form::Word(words::<Effect>), "What it does with what counts"),
        key("effective", Form::Date, "The day from which it counts, where it is not the policy's"),
        key("authorities", Form::Texts, "Further authorities behind it"),
        key("severity", Form::Word(words::<Severity>), "How grave a finding is"),
        key("advice", Form::Text, "What to do about a finding"),
    ],
);

static AUTHORITY_FILE: Spec = spec(
    "authority-file",
    TOP,
    &[
        SCHEMA,
        key("authority", Form::Table(&AUTHORITY), "The act or advice"),
        key("milestone", Form::Tables(&MILESTONE), "A date from which something holds"),
    ],
);

static AUTHORITY: Spec = spec(
    "authority",
    "[authority]",
    &[
        need("id", Form::Id, "Id, for life"),
        need("title", Form::Text, "Title"),
        need("jurisdiction", Form::Text, "Jurisdiction and body"),
        need("citation", Form::Text, "Citation"),
        key("url", Form::Text, "Where it can be read"),
        need("verified", Form::Word(words::<Verified>), "How well it was checked"),
        need("acts", Form::Words(words::<Act>), "What it forbids or asks"),
        need("forbids", Form::Text, "What it forbids, in words; never more than the text does"),
        need("population", Form::Text, "Whom it binds, in words"),
        key("applies_to", Form::Table(&POPULATION), "Whom it binds, as data"),
        key("exclusions", Form::Texts, "What it leaves out"),
        key("embedded", Form::Word(words::<Embedded>), "What of third parties' products"),
    ],
);

static POPULATION: Spec = spec("applies-to", "applies_to", SITE_KEYS);

const SITE_KEYS: &[Key] = &[
    key("jurisdictions", Form::Places, "Codes of ISO 3166: `US`, `US-TX`; none: everywhere"),
    key("sectors", Form::Words(words::<Sector>), "Parts of society; none: all"),
    key("devices", Form::Words(words::<DeviceType>), "Kinds of devices; none: all"),
];

static MILESTONE: Spec = spec(
    "milestone",
    "[[milestone]]",
    &[
        need("date", Form::Date, "The day"),
        key("act", Form::Word(words::<Act>), "The act that holds from it; none for an announcement"),
        need("text", Form::Text, "What holds, in words"),
    ],
);

static WAIVER_FILE: Spec = spec(
    "waiver-file",
    TOP,
    &[
        SCHEMA,
        key("waiver", Form::Tables(&WAIVER), "A finding that a site puts up with"),
        key("accept_gap", Form::Tables(&ACCEPT_GAP), "A gap in coverage that a site puts up with"),
    ],
);

const HOSTS: Key = key("hosts", Form::Texts, "Globs of host names; all hosts, where it is not said");
const REASON: Key = need("reason", Form::Text, "Why");
const APPROVER: Key = need("approver", Form::Text, "Who approved it");
const EXPIRES: Key = need("expires", Form::Date, "The last day on which it holds");

static WAIVER: Spec = spec(
    "waiver",
    "[[waiver]]",
    &[
        need("prohibition", Form::Id, "Id of the prohibition"),
        key(
            "products",
            Form::Texts,
            "Ids of products; whatever the prohibition covers, where it is not said",
        ),
        HOSTS,
        REASON,
        APPROVER,
        EXPIRES,
    ],
);

static ACCEPT_GAP: Spec = spec(
    "accept-gap",
    "[[accept_gap]]",
    &[
        need("source", Form::Text, "Source that has the gap"),
        key("gaps", Form::Words(words::<GapReason>), "Reasons of gaps; any, where it is not said"),
        key("places", Form::Texts, "Globs of places; any, where it is not said"),
        HOSTS,
        REASON,
        APPROVER,
        EXPIRES,
    ],
);

static RULESET_FILE: Spec =
    spec("ruleset-file", TOP, &[SCHEMA, key("ruleset", Form::Table(&RULESET), "The folder as a whole")]);

static RULESET: Spec = spec(
    "ruleset",
    "[ruleset]",
    &[
        need("name", Form::Id, "The lineage: what later versions have in common with this one"),
        need("version", Form::Ordinal, "Grows with every release; counted from 1"),
        need("released", Form::Date, "When it was released"),
        key("stale_after", Form::Date, "From this day on the rules are old"),
    ],
);

static CONFIG_FILE: Spec = spec(
    "config-file",
    TOP,
    &[
        SCHEMA,
        key("policies", Form::Texts, "Policies to judge by: ids and files"),
        key("rules", Form::Texts, "Folders of rules"),
        key("built_in", Form::Bool, "Whether the built-in rules are used; true, where it is not said"),
        key("waivers", Form::Texts, "Files of waivers"),
        key("trusted_keys", Form::Texts, "Public keys whose rules are taken, or their `.pub` files"),
        key("state", Form::Text, "Folder that remembers accepted rules, and holds the lock"),
        key("scope", Form::Word(words::<ScopeAsk>), "Which half of the host is looked at"),
        key("depth", Form::Word(words::<Depth>), "How deep"),
        key("budget", Form::Count, "Seconds for the whole look"),
        key("wait", Form::Count, "Seconds to wait for another scan of this computer to end"),
        key("priority", Form::Word(priorities), "Whether a scan gives way to every other program"),
        key("max_memory", Form::Count, "MiB that the scanner may hold"),
        key("log", Form::Text, "Where runs are logged: journal, eventlog, file:PATH, none"),
        key("fail_on", Form::Word(failing), "From which verdict on the exit code is not 0"),
        key("users", Form::Word(naming), "How users are told"),
        key("site_key", Form::Text, "File with the site's key for pseudonyms"),
        key(
            "output",
            Form::Texts,
            "Where the report of a scan goes: FORMAT=FILE, or a file whose ending says the format",
        ),
        key("site", Form::Table(&SITE), "Who the site is"),
    ],
);

static SITE: Spec = spec("site", "[site]", SITE_KEYS);
