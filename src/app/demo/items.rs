//! What both sides of the demo did about assessed items: one is accepted and credited, one accepted, others are disputed and in
//! every state between. Through the same use cases as the forms.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use super::{DemoError, as_of};
use crate::app::App;
use crate::app::dispute::inbox::{ITEMS_MAX, items};
use crate::app::dispute::{Item, act, month_of, waiver, whole_step};
use crate::app::edit::EditError;
use crate::app::exclusion::NewEvidence;
use crate::app::settlement::{NewSettlement, book};
use crate::db::Db;
use crate::db::ledger::ItemFilter;
use crate::db::partner::partner_list;
use crate::domain::currency::Currency;
use crate::domain::dispute::{Asked, Ruling, StepKind};
use crate::domain::ledger::ItemState;
use crate::domain::money::Micros;
use crate::domain::settlement::{Part, SettlementKind};
use crate::domain::viewer::Viewer;

/// Items the story needs.
const LOOKED_AT: i64 = 40;
/// Waiver budget of the year, in whole units of the currency.
const BUDGET: i64 = 5_000;
/// What is given up of the item that was decided, in millionths: the default waiver limit.
const GIVEN_UP_MOST: i64 = 250_000_000;

/// Who takes part.
pub(super) struct Cast<'a> {
    /// The carrier's user.
    pub partner: &'a Viewer,
    /// Answers disputes.
    pub manager: &'a Viewer,
    /// Decides up to the limit, and settles.
    pub finance: &'a Viewer,
    /// Sets the waiver budget.
    pub controller: &'a Viewer,
}

/// What becomes of the items, in order; the rest waits for an answer.
#[derive(Clone, Copy)]
enum Story {
    Credited,
    Accepted,
    Disputed,
    Proposed,
    Reduced,
    Upheld,
}

/// Tells the story over the partner's own items, the ones with the most money first.
pub(super) fn settle(app: &App, db: &mut Db, partner_id: i64, cast: &Cast<'_>) -> Result<(), DemoError> {
    let filter = ItemFilter {
        partner_id: Some(partner_id),
        states: vec![ItemState::Assessed],
        ..ItemFilter::default()
    };
    let mut open = items(db, cast.finance, &filter, LOOKED_AT)?;
    open.retain(|item| item.is_ours() && item.sums.outstanding() > Micros::ZERO);
    open.sort_by_key(|item| std::cmp::Reverse(item.sums.outstanding()));
    if let Some(first) = open.first() {
        let sum = (Micros(BUDGET * 1_000_000), first.row.accrual.currency);
        let of = (partner_id, as_of().date_naive().year());
        waiver::set(app, db, cast.controller, of, sum, "What we can give up without changing the forecast.")?;
    }
    let stories =
        [Story::Reduced, Story::Credited, Story::Disputed, Story::Proposed, Story::Accepted, Story::Upheld];
    for (item, story) in open.iter().zip(stories) {
        tell(app, db, item, story, cast)?;
    }
    Ok(())
}

/// Every month but the newest that was agreed is settled: carriers sent credit notes, bonuses were paid.
pub(super) fn credit_older(app: &App, db: &mut Db, finance: &Viewer) -> Result<(), DemoError> {
    for partner in partner_list(db, finance)? {
        credit_older_of(app, db, partner.id, finance)?;
    }
    Ok(())
}

fn credit_older_of(app: &App, db: &mut Db, partner_id: i64, finance: &Viewer) -> Result<(), DemoError> {
    let filter =
        ItemFilter { partner_id: Some(partner_id), states: vec![ItemState::Agreed], ..ItemFilter::default() };
    // By month and by who owes.
    let mut months: BTreeMap<(NaiveDate, bool), (Currency, Vec<Part>)> = BTreeMap::new();
    for item in
        items(db, finance, &filter, ITEMS_MAX)?.iter().filter(|item| item.sums.outstanding() > Micros::ZERO)
    {
        let accrual = &item.row.accrual;
        let at = (month_of(accrual).start(), item.is_ours());
        let month = months.entry(at).or_insert_with(|| (accrual.currency, Vec::new()));
        month.1.push(Part { key: accrual.key, amount: item.sums.outstanding() });
    }
    let newest = months.last_key_value().map(|((month, _), _)| *month);
    months.retain(|(month, _), _| Some(*month) != newest);
    for (number, ((month, is_ours), (currency, parts))) in months.into_iter().enumerate() {
        let (kind, letters) =
            if is_ours { (SettlementKind::CreditNote, "CN") } else { (SettlementKind::Payment, "PAY") };
        let new = NewSettlement {
            kind,
            number: format!("{letters}-{}", 2_101 + 11 * number),
            settled_on: as_of().date_naive(),
            amount: parts.iter().map(|part| part.amount).sum(),
            currency,
            parts,
            keeps_rest: false,
            words: format!("For {}", month.format("%B %Y")),
        };
        book(app, db, finance, partner_id, &new)?;
    }
    Ok(())
}

fn tell(app: &App, db: &mut Db, item: &Item, story: Story, cast: &Cast<'_>) -> Result<(), EditError> {
    let accrual = &item.row.accrual;
    let of = (accrual.partner_id, accrual.key);
    let half = Micros(item.sums.outstanding().0 / 20_000 * 10_000);
    let dispute = Asked {
        amount: half,
        unit: "Waiting at the dock".to_owned(),
        words: "The truck stood at the gate in time; the gate log says so.".to_owned(),
        ..whole_step(StepKind::Disputed)
    };
    let answer = |kind, ruling, amount, words: &str| Asked {
        line: 1,
        ruling: Some(ruling),
        amount,
        words: words.to_owned(),
        ..whole_step(kind)
    };
    match story {
        Story::Credited | Story::Accepted => {
            act(app, db, cast.partner, of, (&whole_step(StepKind::Accepted), 0), None)?;
        }
        Story::Disputed | Story::Proposed | Story::Reduced | Story::Upheld => {
            let log = "gate,entered,docked\nB,09:10,13:45\n";
            let file = NewEvidence { name: "gate-log.csv".to_owned(), content: log.into() };
            act(app, db, cast.partner, of, (&dispute, 0), Some(&file))?;
        }
    }
    match story {
        Story::Credited => {
            let new = NewSettlement {
                kind: SettlementKind::CreditNote,
                number: "CN-2291".to_owned(),
                settled_on: as_of().date_naive(),
                amount: item.sums.outstanding(),
                currency: accrual.currency,
                parts: vec![Part { key: accrual.key, amount: item.sums.outstanding() }],
                keeps_rest: false,
                words: String::new(),
            };
            book(app, db, cast.finance, accrual.partner_id, &new)?;
        }
        Story::Proposed | Story::Reduced => {
            let words = "The dock was late by its own log for a part of the time.";
            // Finance decides it, which gives up no more than the limit.
            let half = Micros(half.0 / 20_000 * 10_000).min(Micros(GIVEN_UP_MOST));
            let proposed = answer(StepKind::Proposed, Ruling::Reduced, half, words);
            act(app, db, cast.manager, of, (&proposed, 1), None)?;
            if matches!(story, Story::Reduced) {
                let decided = answer(StepKind::Decided, Ruling::Reduced, half, words);
                act(app, db, cast.finance, of, (&decided, 2), None)?;
            }
        }
        Story::Upheld => {
            let words = "The log names another truck.";
            let decided = answer(StepKind::Decided, Ruling::Upheld, Micros::ZERO, words);
            act(app, db, cast.finance, of, (&decided, 1), None)?;
        }
        Story::Accepted | Story::Disputed => {}
    }
    Ok(())
}
