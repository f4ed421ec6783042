//! What signs come to, for a person who asks: each product with what it is weighed to, and what each policy does.
//!
//! Called by `cli`. It asks the same as a verdict does, and makes none.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Because, Class, Confidence, Finding, State, set_of};

use super::Question;
use super::assess::assess;
use super::decide::decide;

/// A product that something speaks for.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Outcome {
    /// Its id.
    pub product: String,
    /// How many sightings meet an indicator of it.
    pub sightings: usize,
    /// How many hits there are.
    pub hits: usize,
    /// What it is weighed to, and what follows, under each policy.
    pub policies: Vec<Under>,
    /// Positions of the items that meet its indicators.
    #[serde(skip)]
    pub items: BTreeSet<usize>,
}

/// What it is weighed to under a policy.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Under {
    /// The policy.
    pub policy: String,
    /// What it is of.
    pub class: Class,
    /// How present.
    pub state: State,
    /// How sure.
    pub confidence: Confidence,
    /// The prohibition that covers it; none: the policy does not prohibit it.
    pub prohibition: Option<String>,
    /// Whether it makes the verdict non-compliant.
    pub decides: bool,
    /// Why not, where it is prohibited and does not.
    pub because: Option<Because>,
}

/// Every product that the items of a question speak for.
pub fn outcomes(question: &Question<'_>) -> Vec<Outcome> {
    let assessments = assess(question.items, question.engine, question.hits);
    let mut outcomes: Vec<Outcome> = assessments
        .iter()
        .map(|assessment| Outcome {
            product: assessment.product.id.clone(),
            sightings: set_of(assessment.signs.iter().map(|sign| (sign.item, sign.sighting))).len(),
            hits: assessment.signs.len(),
            policies: Vec::new(),
            items: assessment.signs.iter().map(|sign| sign.item).collect(),
        })
        .collect();
    for policy in &question.policies {
        let (_, findings) = decide(question, policy, &assessments);
        for (outcome, assessment) in outcomes.iter_mut().zip(&assessments) {
            let mut own = findings.iter().filter(|finding| finding.product == outcome.product).peekable();
            let weighed = assessment.weigh(policy.min_confidence);
            let not_prohibited = own.peek().is_none();
            outcome.policies.extend(own.map(under));
            outcome.policies.extend(weighed.filter(|_| not_prohibited).map(|weighed| Under {
                policy: policy.id.clone(),
                class: weighed.class,
                state: weighed.state,
                confidence: weighed.confidence,
                prohibition: None,
                decides: false,
                because: None,
            }));
        }
    }
    outcomes
}

fn under(finding: &Finding) -> Under {
    Under {
        policy: finding.policy.clone(),
        class: finding.class,
        state: finding.state,
        confidence: finding.confidence,
        prohibition: Some(finding.prohibition.clone()),
        decides: finding.decides,
        because: finding.because,
    }
}
