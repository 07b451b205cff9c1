//! The fields of a file of shipments that say what their papers say.

use super::batch::small;
use crate::domain::audit::papers::{Number, NumberKind, Papers, numbers_in};
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{Field, shipments as f};

const ALL: [Field; 5] = [f::PRO, f::BOL, f::LOAD, f::STOP, f::FREIGHT_TERMS];

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
