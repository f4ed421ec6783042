//! `state = […]`: how present the thing is. A fact of the host, asked of the sighting; no evidence of who made it.

use crate::model::{Field, Sighting, State};
use crate::ruleset::code::Code;
use crate::ruleset::language::{Form, words};
use crate::ruleset::schema::Value;

use super::{Condition, Folded, Kind, Seen};

pub(super) const KIND: Kind = Kind {
    key: "state",
    field: None,
    form: Form::Words(words::<State>),
    means: "How present the thing is; no evidence of who made it",
    read,
};

#[derive(Debug)]
struct States(Vec<State>);

fn read(value: Value<'_>) -> Option<Box<dyn Condition>> {
    let states = value.words();
    if states.is_empty() {
        value.faults().add(Code::EmptyPattern, &value.at(), "no state that could match");
        return None;
    }
    Some(Box::new(States(states)))
}

impl Condition for States {
    fn key(&self) -> &'static str {
        KIND.key
    }

    fn asked(&self) -> String {
        self.0.iter().map(|state| state.word()).collect::<Vec<_>>().join(" or ")
    }

    fn seen(&self, _: &Folded<'_>, sighting: &Sighting) -> Seen {
        Seen::Value(sighting.state.word().to_owned())
    }

    fn rests_on(&self) -> Option<Field> {
        KIND.field
    }

    fn sighting(&self, sighting: &Sighting) -> bool {
        self.0.contains(&sighting.state)
    }
}
