//! What the clauses of a text would have come to on facts that are stored already: nothing is posted.

use chrono::NaiveDate;

use super::facts::price;
use super::{AccrualError, Group, Run};
use crate::db::Db;
use crate::db::setting::reporting_zone;
use crate::domain::clause::Sign;
use crate::domain::contract::{ContractStatus, ContractVersionStatus, RenewalKind};
use crate::domain::ledger::RecognitionPolicy;
use crate::domain::money::Micros;
use crate::domain::terms::{Clause, Terms};

/// Bonuses less service credits of a text, as if it had been in force from `from` to before `to`: what its clauses
/// would have added to the shipper's cost. The freight they take shares of is the freight as it was billed.
///
/// # Errors
/// [`AccrualError`] for clauses that contradict themselves or facts that cannot be priced.
pub(in crate::app) fn clauses_replay(
    db: &mut Db,
    terms: &Terms,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<Micros, AccrualError> {
    if terms.clauses.is_empty() {
        return Ok(Micros::ZERO);
    }
    let mut terms = Terms {
        status: ContractVersionStatus::Signed,
        valid_from: from,
        valid_to: Some(to),
        rests: Vec::new(),
        ..terms.clone()
    };
    terms.term.status = ContractStatus::Active;
    terms.term.term_start = from;
    terms.term.term_end = None;
    terms.term.renewal = RenewalKind::Evergreen;
    // Clauses of a text are not stored rows; each needs a number of its own.
    terms.clauses = terms.clauses.into_iter().zip(1..).map(|(clause, id)| Clause { id, ..clause }).collect();
    let last = to.pred_opt().unwrap_or(to);
    let run = Run {
        as_of: last,
        posting_day: last,
        policy: RecognitionPolicy::MemoUntilAgreed,
        zone: reporting_zone(db)?,
        run_id: None,
    };
    let group = Group {
        number: terms.number.clone(),
        partner_id: terms.partner_id,
        currency: terms.currency,
        cap: terms.caps,
        in_force: vec![terms.span()],
        versions: vec![terms],
        from,
    };
    let priced = price(db, &run, &group)?;
    Ok(priced
        .targets
        .iter()
        .map(|target| match target.sign {
            Sign::Penalty => -target.amount,
            Sign::Bonus => target.amount,
        })
        .sum())
}
