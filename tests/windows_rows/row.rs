//! A row of the reference: which values it has, how each is laid out, what must be found of it.

use crate::layout::Lay;

/// What must be found of a value.
#[derive(Clone, Copy)]
pub struct Expect {
    /// Product.
    pub product: &'static str,
    /// How much the value says by itself, at least.
    pub strength: &'static str,
    /// Class of the finding.
    pub class: &'static str,
    /// Whether it is a leftover only.
    pub left: bool,
}

/// Found by weak evidence at least.
pub fn weak(product: &'static str) -> Expect {
    Expect { product, strength: "weak", class: "product", left: false }
}

/// Found by strong evidence at least.
pub fn strong(product: &'static str) -> Expect {
    weak(product).strong()
}

/// A product, weakly.
pub fn product(product: &'static str) -> Expect {
    weak(product)
}

/// A leftover, weakly.
pub fn left(product: &'static str) -> Expect {
    weak(product).left()
}

/// A tool of the vendor, weakly.
pub fn tool(product: &'static str) -> Expect {
    Expect { class: "tool", ..weak(product) }
}

/// Something for a person to look at, weakly.
pub fn review(product: &'static str) -> Expect {
    Expect { class: "review", ..weak(product) }
}

/// The vendor's code inside another product, strongly.
pub fn embedded(product: &'static str) -> Expect {
    Expect { class: "embedded", ..strong(product) }
}

impl Expect {
    /// By strong evidence at least.
    pub fn strong(self) -> Self {
        Self { strength: "strong", ..self }
    }

    /// By conclusive evidence.
    pub fn conclusive(self) -> Self {
        Self { strength: "conclusive", ..self }
    }

    /// As a leftover.
    pub fn left(self) -> Self {
        Self { left: true, ..self }
    }
}

/// A row of the reference, or a part of one that needs a disk of its own.
pub struct Row {
    /// Section of the reference.
    pub section: &'static str,
    /// Column `kind`.
    pub kind: &'static str,
    /// The first value in backticks; empty where there is none.
    pub first: &'static str,
    /// What tells two disks of one row apart.
    pub part: &'static str,
    /// What lies on the disk.
    pub entries: Vec<(Lay, Expect)>,
    /// Values of the row that the entries show.
    pub shown: Vec<&'static str>,
    /// Values that no source sees, and why.
    pub not: Vec<(&'static str, &'static str)>,
    /// Why no source sees the row at all.
    pub unseen: Option<&'static str>,
}

/// A row without values.
pub fn row(section: &'static str, kind: &'static str, first: &'static str) -> Row {
    Row {
        section,
        kind,
        first,
        part: "",
        entries: Vec::new(),
        shown: Vec::new(),
        not: Vec::new(),
        unseen: None,
    }
}

impl Row {
    /// Names a further disk of the same row.
    pub fn again(self, part: &'static str) -> Self {
        Self { part, ..self }
    }

    /// One value of the row and how it is laid out.
    pub fn see(mut self, value: &'static str, lay: Lay, expect: Expect) -> Self {
        self.shown.push(value);
        self.also(lay, expect)
    }

    /// Something more for a value that is there already.
    pub fn also(mut self, lay: Lay, expect: Expect) -> Self {
        self.entries.push((lay, expect));
        self
    }

    /// Several values that are laid out alike.
    pub fn all(self, values: &[&'static str], lay: impl Fn(&'static str) -> Lay, expect: Expect) -> Self {
        values.iter().fold(self, |row, value| row.see(value, lay(value), expect))
    }

    /// A value that no source sees.
    pub fn not(mut self, value: &'static str, why: &'static str) -> Self {
        self.not.push((value, why));
        self
    }

    /// No source sees the row.
    pub fn unseen(self, why: &'static str) -> Self {
        Self { unseen: Some(why), ..self }
    }

    /// The row's name in what a failing test says.
    pub fn name(&self) -> String {
        format!("{} {} `{}` {}", self.section, self.kind, self.first, self.part)
    }
}
