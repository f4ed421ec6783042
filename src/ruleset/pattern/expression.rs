//! A regular expression that is compiled when it is first asked: most of a large set never are.
//!
//! Made by the patterns. A rule that could not be asked is never passed over: its syntax is checked when it is read, with
//! the parser that compiles it later, and one that could be too large is compiled when it is read. What is left fits into
//! the memory it may take, whenever it is compiled.

use std::sync::OnceLock;

use regex::{Error, Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};
use regex_syntax::utf8::Utf8Sequences;

use super::needle::needles;

/// Memory a compiled expression may take; a vendor's longest take a tenth.
const SIZE_LIMIT: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Expression {
    text: String,
    compiled: OnceLock<Option<Regex>>,
    needles: Vec<String>,
}

impl Expression {
    /// Reads an expression, and what is wrong with it.
    pub(super) fn read(text: String) -> (Self, Result<(), Error>) {
        let parsed = ParserBuilder::new().case_insensitive(true).build().parse(&text);
        let hir = match parsed {
            Ok(hir) => hir,
            Err(error) => return (Self::new(text, Vec::new()), Err(Error::Syntax(error.to_string()))),
        };
        let expression = Self::new(text, needles(&hir));
        if at_most(&hir) <= SIZE_LIMIT {
            return (expression, Ok(()));
        }
        let compiled = build(&expression.text, SIZE_LIMIT);
        let error = compiled.as_ref().err().cloned();
        (Self { compiled: OnceLock::from(compiled.ok()), ..expression }, error.map_or(Ok(()), Err))
    }

    fn new(text: String, needles: Vec<String>) -> Self {
        Self { text, compiled: OnceLock::new(), needles }
    }

    /// As written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether folded text matches. One that does not compile matches nothing; its rule was never loaded.
    pub(super) fn is_match(&self, folded: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| build(&self.text, SIZE_LIMIT).ok());
        compiled.as_ref().is_some_and(|regex| regex.is_match(folded))
    }

    /// One of these stands in every folded text that matches; none where nothing must.
    pub(super) fn needles(&self) -> &[String] {
        &self.needles
    }
}

fn build(expression: &str, limit: usize) -> Result<Regex, Error> {
    RegexBuilder::new(expression).case_insensitive(true).size_limit(limit).build()
}

/// Bytes of memory for one state of a compiled expression, with its place in the states that lead to it.
const STATE: usize = 64;

/// Bytes that an expression can take at most when it is compiled. The recursion is as deep as the expression's nesting,
/// which its parser limits.
fn at_most(hir: &Hir) -> usize {
    let states = |count: usize| count.saturating_mul(STATE);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => states(1),
        HirKind::Literal(literal) => states(literal.0.len()),
        HirKind::Class(Class::Unicode(class)) => {
            let sequences =
                class.ranges().iter().flat_map(|range| Utf8Sequences::new(range.start(), range.end()));
            states(sequences.map(|sequence| sequence.len()).sum::<usize>() + 2)
        }
        HirKind::Class(Class::Bytes(class)) => states(class.ranges().len() + 2),
        HirKind::Capture(capture) => at_most(&capture.sub).saturating_add(states(8)),
        HirKind::Repetition(repetition) => {
            let copies = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
            let one = at_most(&repetition.sub).saturating_add(states(2));
            one.saturating_mul(usize::try_from(copies).unwrap_or(usize::MAX)).saturating_add(states(2))
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            let all = parts.iter().map(at_most).fold(0, usize::saturating_add);
            all.saturating_add(states(parts.len() + 2))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bound(expression: &str) -> usize {
        // Start, end and the group of the whole.
        at_most(&ParserBuilder::new().case_insensitive(true).build().parse(expression).unwrap()) + 16 * STATE
    }

    fn expressions() -> impl Strategy<Value = String> {
        let atom = prop_oneof![
            "[a-zk ]{1,8}",
            "[а-я]{1,4}",
            Just(r"\w".to_owned()),
            Just(r"\d".to_owned()),
            Just(r"\pL".to_owned()),
            Just("[^/]".to_owned()),
            Just(".".to_owned()),
            Just("^".to_owned()),
            Just("$".to_owned()),
            Just(r"(?-u:\d)".to_owned()),
        ];
        atom.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..6).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 1..6).prop_map(|parts| format!("({})", parts.join("|"))),
                (inner.clone(), 0_u32..9, 0_u32..9)
                    .prop_map(|(part, min, more)| format!("(?:{part}){{{min},{}}}", min + more)),
                inner.clone().prop_map(|part| format!("(?:{part})*")),
                inner
                    .prop_map(|part| format!("(?P<n>{part})?"))
                    .prop_filter("names are unique", |text| { text.matches("?P<n>").count() == 1 }),
            ]
        })
    }

    proptest! {
        /// What is not compiled when it is read must compile later.
        #[test]
        fn no_expression_takes_more_than_was_reckoned(expression in expressions()) {
            prop_assume!(ParserBuilder::new().build().parse(&expression).is_ok());
            let bound = bound(&expression);
            prop_assume!(bound < 64 * SIZE_LIMIT);
            prop_assert!(build(&expression, bound).is_ok(), "{} takes more than {}", expression, bound);
        }
    }

    #[test]
    fn what_is_too_large_is_an_error_when_it_is_read() {
        for text in ["^a{1000}{1000}$", r"\pL{500}", r"(\w{3}x){60}"] {
            let (_, result) = Expression::read(text.to_owned());
            assert!(matches!(result, Err(Error::CompiledTooBig(SIZE_LIMIT))), "{text}: {result:?}");
        }
        for text in [r"^kesl[-_]?\d{1,4}$", r"^[^/]*\w+/x$", r"^\w{1,4}-\w+$"] {
            let (expression, result) = Expression::read(text.to_owned());
            assert!(result.is_ok(), "{text}: {result:?}");
            expression.is_match("x");
            assert!(expression.compiled.get().unwrap().is_some(), "{text}");
        }
    }

    #[test]
    fn an_expression_is_compiled_when_it_is_asked() {
        let (expression, _) = Expression::read(r"^avp\d+$".to_owned());
        assert!(expression.compiled.get().is_none());
        assert!(expression.is_match("avp21"));
        assert!(expression.compiled.get().is_some());
    }
}
