//! What waits for people of one role, read once for all who look in the same few seconds.

use std::sync::Arc;

use super::decision;
use super::extract::Unit;
use super::kept::Kept;
use super::page::WebError;
use super::today::Drawn;
use crate::app::attention::attention_with;
use crate::db::audit::{Newest, newest};
use crate::domain::attention::Item;
use crate::domain::period::Period;
use crate::domain::viewer::Action;

/// What imports and jobs change is seen after so many seconds; what people change, at once.
const MOMENT_SECONDS: i64 = 5;
/// Desks kept: those of the roles, by the period they look at.
pub(super) const DESKS: usize = 64;

/// What waits.
pub(super) struct Desk {
    /// On contracts.
    pub attention: Vec<Item>,
    /// For a decision about scorecards, in words; empty when nothing does.
    pub decisions: String,
}

/// What a desk was read from: it holds for as long as all of it is the same.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Seen {
    newest: Newest,
    moment: i64,
}

/// Desks, by the word of a role and the period asked for. People of one role see the same partners: all of them.
pub(super) type Desks = Kept<(&'static str, Option<Period>), Seen, Desk>;

/// The desk of the viewer, beside a portfolio as drawn.
///
/// # Errors
/// The database's reason.
pub(super) fn desk_of(
    kept: &Desks,
    unit: &mut Unit<'_>,
    asked: Option<Period>,
    drawn: &Drawn,
) -> Result<Arc<Desk>, WebError> {
    let moment = unit.app.now().timestamp().div_euclid(MOMENT_SECONDS);
    let (key, seen) = ((unit.viewer.role.code(), asked), Seen { newest: newest(unit.db)?, moment });
    if let Some(desk) = kept.get(&key, &seen).filter(|_| unit.viewer.partner_id.is_none()) {
        return Ok(desk);
    }
    let attention = if unit.viewer.role.may(Action::ViewContracts) {
        attention_with(unit.app, unit.db, unit.viewer, &drawn.spend)?
    } else {
        Vec::new()
    };
    let desk = Desk { attention, decisions: decision::counted(unit.db, unit.viewer)? };
    if unit.viewer.partner_id.is_some() {
        return Ok(Arc::new(desk));
    }
    Ok(kept.keep(key, seen, desk))
}
