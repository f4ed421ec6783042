//! The tables of vendor files.
//!
//! Part of the language as data; every kind of file is listed in its `FILES`.

use crate::model::{Class, Confidence, Family, IdentifierType, ItemKind, Scheme, State, Strength, Trust};
use crate::ruleset::category::Category;

use super::{Form, Key, SCHEMA, Spec, TOP, conditional, key, need, spec, words};

/// A vendor file.
pub(super) static VENDOR_FILE: Spec = spec(
    "vendor-file",
    TOP,
    &[
        SCHEMA,
        key("vendor", Form::Table(&VENDOR), "The maker of the software"),
        key("product", Form::Tables(&PRODUCT), "A product of the vendor"),
        key("embedding", Form::Tables(&EMBEDDING), "A third party's product with the vendor's code inside"),
        key("exclude", Form::Tables(&EXCLUDE), "A look-alike: cancels hits weaker than conclusive"),
        key("example", Form::Tables(&EXAMPLE), "Items that the rules are tried on"),
    ],
);

static VENDOR: Spec = spec(
    "vendor",
    "[vendor]",
    &[
        need("id", Form::Id, "Id, for life, never used again"),
        need("name", Form::Text, "Name"),
        key("aliases", Form::Texts, "Other names, former ones and those in other scripts"),
        key(
            "publishers",
            Form::Texts,
            "Names in publisher fields: strong, as a whole or before a mail address",
        ),
        key(
            "signers",
            Form::Texts,
            "Subjects of its signing certificates: conclusive where the chain is trusted",
        ),
        key("team_ids", Form::Texts, "Apple team ids: conclusive where the chain is trusted"),
        key(
            "signers_closed",
            Form::Bool,
            "Whether it signs with nothing else: what another signed is then not its",
        ),
        key("source", Form::Text, "Where the lists can be checked"),
    ],
);

static PRODUCT: Spec = spec(
    "product",
    "[[product]]",
    &[
        need("id", Form::Id, "Id: the vendor's, a dot, and more"),
        need("name", Form::Text, "Name"),
        key(
            "category",
            Form::Word(words::<Category>),
            "What it is for; policies make exceptions for categories",
        ),
        key("indicator", Form::Tables(&INDICATOR), "A sign of the product; one is enough"),
    ],
);

const INDICATOR_KEYS: &[Key] = &[
    need("kind", Form::Words(words::<ItemKind>), "Kinds of items it looks at"),
    key("families", Form::Words(words::<Family>), "Families of systems it is for; all, where it is not said"),
    key("unless", Form::Table(&UNLESS), "Where all of this is met too, it is no sign"),
    need("strength", Form::Word(words::<Strength>), "How much it says by itself"),
    key("class", Form::Word(words::<Class>), "What a match is of; `product`, where it is not said"),
    need("source", Form::Text, "Where a person can check it"),
    key("note", Form::Text, "A word to the reader"),
];

static INDICATOR: Spec = conditional("indicator", "[[product.indicator]]", INDICATOR_KEYS, 2);
static HOST: Spec = conditional("embedding-host", "[[embedding.host]]", INDICATOR_KEYS, 2);
static PROOF: Spec = conditional("embedding-proof", "[[embedding.proof]]", INDICATOR_KEYS, 2);
static UNLESS: Spec = conditional("unless", "unless", &[], 0);

static EMBEDDING: Spec = spec(
    "embedding",
    "[[embedding]]",
    &[
        need("id", Form::Id, "Id: the vendor's, a dot, and more"),
        need("name", Form::Text, "Name"),
        key("host", Form::Tables(&HOST), "A sign of the third party's product"),
        need("proof", Form::Tables(&PROOF), "A sign of the vendor's code inside it"),
    ],
);

static EXCLUDE: Spec = conditional(
    "exclude",
    "[[exclude]]",
    &[
        need("kind", Form::Words(words::<ItemKind>), "Kinds of items it looks at"),
        key(
            "families",
            Form::Words(words::<Family>),
            "Families of systems it is for; all, where it is not said",
        ),
        key("unless", Form::Table(&UNLESS), "Where all of this is met too, it excludes nothing"),
        need("reason", Form::Text, "What it really is"),
    ],
    2,
);

static EXAMPLE: Spec = spec(
    "example",
    "[[example]]",
    &[
        key("note", Form::Text, "What it shows"),
        key("families", Form::Words(words::<Family>), "Families it is tried on; Linux, where it is not said"),
        need("items", Form::Tables(&ITEM), "What is found on the host"),
        need("expect", Form::NoneOr(&EXPECT), "What must come of it: these products and no others"),
    ],
);

static ITEM: Spec = spec(
    "example-item",
    "an item of an example",
    &[
        need("kind", Form::Word(words::<ItemKind>), "What kind of thing"),
        key("source", Form::Text, "The source that would report it"),
        need("name", Form::Text, "Technical name"),
        key("display_name", Form::Text, "Name for people"),
        key("publisher", Form::Text, "Who the record claims made it"),
        key("version", Form::Text, "Version, as recorded"),
        key("scheme", Form::Word(words::<Scheme>), "Order of its version"),
        key("arch", Form::Text, "Architecture"),
        key("path", Form::Text, "Path, where the kind has one"),
        key("place", Form::Text, "Where it would be read"),
        key("state", Form::Word(words::<State>), "How present; `installed`, where it is not said"),
        key("identifiers", Form::Tables(&ITEM_IDENTIFIER), "Typed identifiers"),
        key("signer", Form::Table(&ITEM_SIGNER), "Who signed it"),
        key("unsigned", Form::Bool, "It was looked at, and nobody signed it"),
        key("image", Form::Table(&ITEM_IMAGE), "The program file that it is or points to"),
    ],
);

static ITEM_IDENTIFIER: Spec = spec(
    "example-identifier",
    "an identifier",
    &[
        need("type", Form::Word(words::<IdentifierType>), "Its type"),
        need("value", Form::Text, "Its value, as recorded"),
    ],
);

static ITEM_SIGNER: Spec = spec(
    "example-signer",
    "a signer",
    &[
        need("name", Form::Text, "Subject of the signing certificate"),
        key("team_id", Form::Text, "Apple's id of the team"),
        need("trust", Form::Word(words::<Trust>), "How far it is proven"),
    ],
);

static ITEM_IMAGE: Spec = spec(
    "example-image",
    "an image",
    &[need("path", Form::Text, "Its path"), key("exists", Form::Bool, "Whether it is there")],
);

static EXPECT: Spec = spec(
    "expect",
    "expect",
    &[
        need("product", Form::Id, "Id of the product"),
        key("state", Form::Word(words::<State>), "How present"),
        key("confidence", Form::Word(words::<Confidence>), "How sure"),
        key("class", Form::Word(words::<Class>), "What it is of"),
    ],
);
