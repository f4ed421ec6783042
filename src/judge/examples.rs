//! The examples in rule files, judged like a host that holds nothing but their items.
//!
//! Called by `interdict rules test` and by `cargo test`.

use crate::matching::Engine;
use crate::model::{Confidence, Family};
use crate::ruleset::{Example, Expect, Expected, Ruleset};

use super::assess::{Assessment, Weighed, assess};

/// An example that did not come out as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFailure {
    /// `file:line` of the example.
    pub place: String,
    /// The family it was tried on.
    pub family: Family,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub found: String,
}

/// Tries every example; how many were tried, and those that failed.
pub fn run_examples(ruleset: &Ruleset) -> (usize, Vec<ExampleFailure>) {
    let mut tried = 0;
    let mut failures = Vec::new();
    for example in ruleset.examples() {
        for family in &example.families {
            tried += 1;
            failures.extend(try_on(ruleset, example, *family));
        }
    }
    (tried, failures)
}

fn try_on(ruleset: &Ruleset, example: &Example, family: Family) -> Option<ExampleFailure> {
    let (items, engine) = (example.items(), Engine::new(ruleset, family));
    let assessments = assess(&items, &engine, &engine.all_hits(items.iter().map(|one| &one.item)));
    if holds(&example.expect, &assessments) {
        return None;
    }
    Some(ExampleFailure {
        place: example.at.to_string(),
        family,
        expected: expected(&example.expect),
        found: found(&assessments),
    })
}

/// Whether what came is what was expected: those products, and no other.
fn holds(expect: &Expect, assessments: &[Assessment<'_>]) -> bool {
    match expect {
        Expect::Nothing => assessments.is_empty(),
        Expect::Findings(all) => {
            let came = |one: &Expected| assessments.iter().any(|assessment| is(one, assessment));
            all.len() == assessments.len() && all.iter().all(came)
        }
    }
}

fn is(expected: &Expected, assessment: &Assessment<'_>) -> bool {
    let fits = |weighed: Weighed| {
        expected.state.is_none_or(|state| state == weighed.state)
            && expected.confidence.is_none_or(|confidence| confidence == weighed.confidence)
            && expected.class.is_none_or(|class| class == weighed.class)
    };
    assessment.product.id == expected.product && assessment.weigh(Confidence::Probable).is_some_and(fits)
}

fn expected(expect: &Expect) -> String {
    let say = |one: &Expected| {
        let words = [
            one.state.map(crate::model::State::word),
            one.confidence.map(Confidence::word),
            one.class.map(crate::model::Class::word),
        ];
        let words: Vec<_> = words.into_iter().flatten().collect();
        format!("{} {}", one.product, words.join(" ")).trim_end().to_owned()
    };
    match expect {
        Expect::Nothing => "none".to_owned(),
        Expect::Findings(all) => all.iter().map(say).collect::<Vec<_>>().join("; "),
    }
}

fn found(assessments: &[Assessment<'_>]) -> String {
    let say = |assessment: &Assessment<'_>| {
        let id = &assessment.product.id;
        let weighed = assessment.weigh(Confidence::Probable);
        let words = weighed.map(|w| format!("{} {} {}", w.state.word(), w.confidence.word(), w.class.word()));
        format!("{id} {}", words.unwrap_or_default())
    };
    let all: Vec<_> = assessments.iter().map(say).collect();
    if all.is_empty() { "none".to_owned() } else { all.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ruleset::{built_in, of_text};

    #[test]
    fn every_built_in_example_comes_out_as_it_says() {
        let (tried, failures) = run_examples(&built_in().ruleset.unwrap());
        assert!(tried > 50, "{tried} examples");
        assert!(failures.is_empty(), "{failures:#?}");
    }

    #[test]
    fn an_example_that_lies_is_told() {
        let text = r#"
            schema = 1
            [vendor]
            id = "acme"
            name = "Acme"
            [[product]]
            id = "acme.guard"
            name = "Guard"
            category = "security"
            [[product.indicator]]
            kind = "package"
            name = { exact = ["guard"] }
            strength = "strong"
            source = "this test"
            [[example]]
            items = [{ kind = "package", source = "dpkg", name = "guard" }]
            expect = "none"
            [[example]]
            items = [{ kind = "package", source = "dpkg", name = "other" }]
            expect = { product = "acme.guard" }
            [[example]]
            items = [{ kind = "package", source = "dpkg", name = "guard" }]
            expect = { product = "acme.guard", confidence = "confirmed" }
        "#;
        let (tried, failures) = run_examples(&of_text(&[("acme.toml", text)]).ruleset.unwrap());
        assert_eq!((tried, failures.len()), (3, 3), "{failures:#?}");
        assert_eq!(failures[0].found, "acme.guard installed probable product");
        assert_eq!(failures[1].found, "none");
    }
}
