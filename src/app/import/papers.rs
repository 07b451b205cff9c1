//! The fields of a file of shipments that say what their papers say.

use super::batch::small;
use crate::domain::audit::papers::{Number, NumberKind, Papers, numbers_in};
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{Field, shipments as f};
use crate::feeds::mapping::Compiled;

const ALL: [Field; 5] = [f::PRO, f::BOL, f::LOAD, f::STOP, f::FREIGHT_TERMS];

/// Of what a file can say at all: its rows take away what they leave empty, and leave what they have no column of.
#[derive(Clone, Debug)]
pub struct Columns {
    kinds: Vec<NumberKind>,
    freight_terms: bool,
}

impl Columns {
    /// Those that a mapping fills.
    pub fn of(compiled: &Compiled) -> Self {
        let kinds = [(f::PRO, NumberKind::Pro), (f::BOL, NumberKind::Bol), (f::LOAD, NumberKind::Load)];
        let filled = kinds.into_iter().filter(|(field, _)| compiled.fills(*field));
        Self {
            kinds: filled.map(|(_, kind)| kind).collect(),
            freight_terms: compiled.fills(f::FREIGHT_TERMS),
        }
    }

    /// What holds of a shipment of which this was known, once a row says that.
    pub fn over(&self, said: Option<Box<Papers>>, before: Option<&Papers>) -> Option<Box<Papers>> {
        let Some(before) = before else { return said };
        let mut papers = said.unwrap_or_default();
        let kept = before.numbers.iter().filter(|number| !self.kinds.contains(&number.kind));
        papers.numbers.extend(kept.cloned());
        if !self.freight_terms {
            papers.freight_terms = before.freight_terms;
        }
        (!papers.are_blank()).then_some(papers)
    }
}

/// What a row says; none where it says nothing.
///
/// # Errors
/// A number that is none, too many of them, or a stop of no load, with its field.
pub fn papers(fields: &Fields) -> Result<Option<Box<Papers>>, RowError> {
    if ALL.iter().all(|field| fields.is_blank(*field)) {
        return Ok(None);
    }
    let read = |name: &str, field: Field, kind| -> Result<Vec<Number>, RowError> {
        let text = fields.text(field).unwrap_or_default();
        numbers_in(kind, text).map_err(|reason| RowError::field(name, text, reason))
    };
    let mut numbers = read("pro", f::PRO, NumberKind::Pro)?;
    numbers.extend(read("bol", f::BOL, NumberKind::Bol)?);
    let loads = read("load", f::LOAD, NumberKind::Load)?;
    let stop = small("stop", fields.int(f::STOP))?;
    if let Some(stop) = stop
        && loads.len() != 1
    {
        let reason = "a stop is one of a single load; give its number in load";
        return Err(RowError::field("stop", &stop.to_string(), reason));
    }
    numbers.extend(loads.into_iter().map(|load| Number { stop, ..load }));
    let freight_terms = fields.text(f::FREIGHT_TERMS).and_then(|terms| terms.parse().ok());
    let papers = Papers { numbers, freight_terms };
    Ok((!papers.are_blank()).then(|| Box::new(papers)))
}
