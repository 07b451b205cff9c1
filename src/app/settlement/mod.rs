//! Booking what settles agreed items: a document with what of it is applied to which items (DOMAIN §4.5).
//!
//! One document is one transaction under the lock of the partner: document, parts, entries, steps and states, or nothing. What
//! is not applied stays with the document and can be applied later; it is posted when it is applied.

pub mod statement;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::App;
use super::audit::{Entry, audit};
use super::dispute::bulk::take_each;
use super::dispute::inbox::{ITEMS_MAX, items};
use super::dispute::{Item, unsound, whole_step};
use super::edit::{EditError, allowed, valid};
use crate::db::books::closed_through;
use crate::db::contract::contract_lock;
use crate::db::dialect::write_tx;
use crate::db::dispute::{SetOffRow, set_off_insert, set_off_of};
use crate::db::ledger::{ItemFilter, entries_insert};
use crate::db::partner::partner_show;
use crate::db::settlement::{
    PartRow, SettlementListed, SettlementRow, settlement_insert, settlement_is_known, settlement_list,
    settlement_parts_insert,
};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::clause::ObligationKey;
use crate::domain::currency::Currency;
use crate::domain::dispute::{Asked, StepKind};
use crate::domain::exclusion::words_fit;
use crate::domain::field::{FieldErrors, require};
use crate::domain::ledger::{Booking, ItemState, JournalEntry, Recognition, settlement_entry};
use crate::domain::money::Micros;
use crate::domain::settlement::{
    Days, NUMBER_CHARS_MAX, Open, Part, Refused, SettlementKind, WORDS_CHARS_MAX, check, check_noted,
    check_payable, oldest_first,
};
use crate::domain::viewer::{Action, Viewer};
use crate::domain::words;

/// A document to book.
#[derive(Clone, Debug)]
pub struct NewSettlement {
    /// What it is.
    pub kind: SettlementKind,
    /// Its number.
    pub number: String,
    /// The day it is dated, and posted.
    pub settled_on: NaiveDate,
    /// What it comes to.
    pub amount: Micros,
    /// Currency of the amount.
    pub currency: Currency,
    /// What it settles of which items; the oldest first when empty.
    pub parts: Vec<Part>,
    /// What is not applied may stay with it.
    pub keeps_rest: bool,
    /// A remark.
    pub words: String,
}

/// The number of a document as numbers are compared: capitals and digits.
fn number_key(number: &str) -> String {
    number.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

fn problems(new: &NewSettlement) -> FieldErrors {
    let mut errors = FieldErrors::new();
    let chars = new.number.trim().chars().count();
    let fine = (1..=NUMBER_CHARS_MAX).contains(&chars) && !number_key(&new.number).is_empty();
    let message = format!("give the {}, in up to {NUMBER_CHARS_MAX} characters", new.kind.number_words());
    require(&mut errors, fine, "number", &message);
    let fine = new.words.trim().chars().count() <= WORDS_CHARS_MAX;
    require(&mut errors, fine, "words", &format!("keep the remark to {WORDS_CHARS_MAX} characters"));
    errors
}

impl From<Refused> for EditError {
    fn from(refused: Refused) -> Self {
        let text = refused.to_string();
        match refused {
            Refused::Closed(_) | Refused::Future => Self::field("settled_on", &text),
            Refused::NoAmount
            | Refused::TooMuch { .. }
            | Refused::Rest(_)
            | Refused::TooFine { of_item: false, .. } => Self::field("amount", &text),
            Refused::TooFine { .. } => Self::field("parts", &text),
            _ => Self::Card(text),
        }
    }
}

/// The agreed items of a partner, the oldest first, with what a settlement asks of each.
///
/// # Errors
/// The database's reason, or a row that does not read back.
pub fn open_items(db: &mut Db, viewer: &Viewer, partner_id: i64) -> Result<Vec<(Item, Open)>, DbError> {
    let filter =
        ItemFilter { partner_id: Some(partner_id), states: vec![ItemState::Agreed], ..ItemFilter::default() };
    let granted = set_off(db, viewer, partner_id)?;
    let open = |item: Item| {
        let noted = granted.get(&item.row.contract_id).filter(|row| row.granted);
        let open = Open {
            key: item.row.accrual.key,
            named: item.named(),
            state: item.row.accrual.state,
            is_ours: item.is_ours(),
            outstanding: item.sums.outstanding(),
            form: item.row.terms.handling.settlement,
            set_off_noted_by: noted.map(|row| row.actor_id),
        };
        (item, open)
    };
    Ok(items(db, viewer, &filter, ITEMS_MAX)?.into_iter().map(open).collect())
}

/// What holds about set-off, by contract of a partner; a contract that was never noted grants none.
///
/// # Errors
/// The database's reason.
pub fn set_off(db: &mut Db, viewer: &Viewer, partner_id: i64) -> Result<BTreeMap<i64, SetOffRow>, DbError> {
    Ok(set_off_of(db, viewer, partner_id)?.into_iter().map(|row| (row.contract_id, row)).collect())
}

/// Who may book a document of this kind: a set-off or a deduction takes money off what we pay, so that controllers only.
fn may_book(viewer: &Viewer, kind: SettlementKind) -> Result<(), EditError> {
    allowed(viewer, Action::SettleItems)?;
    if kind.takes_off() && !viewer.role.may(Action::ApproveMoney) {
        let what = if kind == SettlementKind::Offset { "setting off against" } else { "deducting from" };
        return Err(EditError::Card(format!(
            "{what} what we pay is a controller's; ask one, or book a credit note"
        )));
    }
    Ok(())
}

/// Books a document and settles what it is applied to. Gives its id.
///
/// # Errors
/// [`EditError::Invalid`] or [`EditError::Card`] where the rules refuse it, with what to do instead; [`EditError::Denied`],
/// [`EditError::NotFound`], or the database's reason.
pub fn book(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    new: &NewSettlement,
) -> Result<i64, EditError> {
    may_book(viewer, new.kind)?;
    valid(problems(new))?;
    check_payable(new.currency, new.amount, &new.parts)?;
    write_tx(db, |db| {
        contract_lock(db, partner_id)?;
        let partner = partner_show(db, viewer, partner_id)?.ok_or(EditError::NotFound("partner"))?;
        let key = number_key(&new.number);
        if settlement_is_known(db, viewer, partner_id, (new.kind.code(), &key))? {
            return Err(EditError::field("number", "a document of this kind and number is booked already"));
        }
        let found = of_currency(open_items(db, viewer, partner_id)?, new.currency);
        let open: Vec<Open> = found.iter().map(|(_, open)| open.clone()).collect();
        let parts = match new.parts.as_slice() {
            [] => oldest_first(new.kind, new.amount, &open),
            given => given.to_vec(),
        };
        let days =
            Days { settled_on: new.settled_on, today: app.today(db)?, closed_through: closed_through(db)? };
        check(new.kind, new.amount, &parts, &open, (&days, new.keeps_rest))?;
        check_noted(new.kind, &parts, &open, viewer.user_id)?;
        let row = SettlementRow {
            partner_id,
            id: app.id(),
            kind: new.kind.code().to_owned(),
            number: new.number.trim().to_owned(),
            number_key: key,
            settled_on: Day(new.settled_on),
            currency: new.currency.code().to_owned(),
            amount_micros: new.amount.0,
            words: new.words.trim().to_owned(),
            at: Instant(app.now()),
            actor: viewer.name.clone(),
            actor_id: viewer.user_id,
        };
        settlement_insert(db, &row)?;
        apply(app, db, viewer, (&row, new.kind), (&found, &parts, 0), new.settled_on)?;
        let detail = format!(
            "{} {}, {} {} applied to {}",
            words::amount(new.amount),
            new.currency,
            words::amount(parts.iter().map(|part| part.amount).sum()),
            new.currency,
            words::many(parts.len(), "item")
        );
        let subject = format!("{} {} of {}", new.kind.label(), row.number, partner.name);
        let entry = Entry {
            action: "settlement.book",
            subject: &subject,
            partner_id: Some(partner_id),
            detail: &detail,
        };
        audit(app, db, viewer, entry)?;
        Ok(row.id)
    })
}

fn of_currency(found: Vec<(Item, Open)>, currency: Currency) -> Vec<(Item, Open)> {
    found.into_iter().filter(|(item, _)| item.row.accrual.currency == currency).collect()
}

/// Applies what is left of a document to the agreed items of its partner, the oldest first, posted on `on`. Gives how much.
///
/// # Errors
/// As [`book`].
pub fn apply_rest(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, id): (i64, i64),
) -> Result<Micros, EditError> {
    allowed(viewer, Action::SettleItems)?;
    write_tx(db, |db| {
        contract_lock(db, partner_id)?;
        let listed = settlement_list(db, viewer, Some(partner_id), Some(id))?
            .pop()
            .ok_or(EditError::NotFound("settlement"))?;
        let kind = kind_of(&listed)?;
        may_book(viewer, kind)?;
        let currency = listed.row.currency()?;
        let found = of_currency(open_items(db, viewer, partner_id)?, currency);
        let open: Vec<Open> = found.iter().map(|(_, open)| open.clone()).collect();
        let rest = listed.unapplied();
        let parts = oldest_first(kind, rest, &open);
        let today = app.today(db)?;
        let days = Days { settled_on: today, today, closed_through: closed_through(db)? };
        check(kind, rest, &parts, &open, (&days, true))?;
        check_noted(kind, &parts, &open, viewer.user_id)?;
        if parts.is_empty() {
            return Err(Refused::Nothing("no agreed item of this partner waits for it").into());
        }
        let seq = i32::try_from(listed.parts.len()).unwrap_or(i32::MAX);
        apply(app, db, viewer, (&listed.row, kind), (&found, &parts, seq), today)?;
        let applied: Micros = parts.iter().map(|part| part.amount).sum();
        let subject = format!("{} {} of {}", kind.label(), listed.row.number, listed.partner);
        let detail = format!("{} {currency} applied", words::amount(applied));
        let entry = Entry {
            action: "settlement.apply",
            subject: &subject,
            partner_id: Some(partner_id),
            detail: &detail,
        };
        audit(app, db, viewer, entry)?;
        Ok(applied)
    })
}

/// The kind of a stored document.
///
/// # Errors
/// A code that does not read back.
pub fn kind_of(listed: &SettlementListed) -> Result<SettlementKind, DbError> {
    listed.row.kind.parse().map_err(|error: crate::domain::field::BadCode| DbError::Stored {
        what: format!("settlement {}", listed.row.id),
        reason: error.to_string(),
    })
}

/// Posts the parts of a document, and takes the step of each item.
fn apply(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    (row, kind): (&SettlementRow, SettlementKind),
    (found, parts, after_seq): (&[(Item, Open)], &[Part], i32),
    on: NaiveDate,
) -> Result<(), EditError> {
    let mut rows = Vec::with_capacity(parts.len());
    let mut entries: Vec<JournalEntry> = Vec::with_capacity(parts.len());
    let mut steps: Vec<(&Item, Asked)> = Vec::with_capacity(parts.len());
    let by_key: BTreeMap<ObligationKey, &Item> =
        found.iter().map(|(item, _)| (item.row.accrual.key, item)).collect();
    let mut seq = after_seq;
    for part in parts {
        let item = *by_key.get(&part.key).ok_or(EditError::NotFound("item"))?;
        seq = seq.saturating_add(1);
        rows.push(PartRow {
            partner_id: row.partner_id,
            settlement_id: row.id,
            seq,
            obligation_key: part.key.to_string(),
            amount_micros: part.amount.0,
            posted_on: Day(on),
            at: Instant(app.now()),
            actor: viewer.name.clone(),
            actor_id: viewer.user_id,
        });
        let accrual = &item.row.accrual;
        // What goes back counts the other way.
        let amount = if item.sums.outstanding() < Micros::ZERO { -part.amount } else { part.amount };
        let booking = Booking {
            partner_id: row.partner_id,
            currency: accrual.currency,
            posting_date: on,
            recognition: Recognition::Gl,
            told: true,
            memo: format!("{} {}: {}", kind.label(), row.number, item.named()),
        };
        let entry = settlement_entry(item.item_ref(), item.row.sign(), amount, &booking)
            .map_err(|error| unsound(&error))?;
        entries.push(entry);
        let words = format!("{} {}", kind.label(), row.number);
        steps.push((item, Asked { amount, words, ..whole_step(StepKind::Settled) }));
    }
    let entries: Vec<(i64, &JournalEntry)> = entries.iter().map(|entry| (app.id(), entry)).collect();
    entries_insert(db, &entries, None, app.now())?;
    take_each(app, db, viewer, &steps, on)?;
    Ok(settlement_parts_insert(db, &rows)?)
}

/// Notes whether a contract lets us set credits off against what we pay, and where it says so.
///
/// # Errors
/// [`EditError::Denied`], [`EditError::Invalid`], [`EditError::NotFound`], or the database's reason.
pub fn note_set_off(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    contract_id: i64,
    (granted, clause): (bool, &str),
) -> Result<(), EditError> {
    allowed(viewer, Action::SettleItems)?;
    let mut errors = FieldErrors::new();
    words_fit(&mut errors, "words", clause, "say which clause of the contract decides it");
    valid(errors)?;
    write_tx(db, |db| {
        let contract = crate::db::contract::contract_show(db, viewer, contract_id)?
            .ok_or(EditError::NotFound("contract"))?;
        let partner_id = contract.partner_id;
        contract_lock(db, partner_id)?;
        let known = set_off_of(db, viewer, partner_id)?;
        let last = known.iter().filter(|row| row.contract_id == contract_id).map(|row| row.seq).max();
        set_off_insert(
            db,
            &SetOffRow {
                contract_id,
                seq: last.unwrap_or(0).saturating_add(1),
                partner_id,
                granted,
                words: clause.trim().to_owned(),
                at: Instant(app.now()),
                actor: viewer.name.clone(),
                actor_id: viewer.user_id,
            },
        )?;
        let detail = format!("{}: {}", if granted { "granted" } else { "not granted" }, clause.trim());
        let subject = format!("set-off under contract {}", contract.number);
        let entry = Entry {
            action: "contract.set_off",
            subject: &subject,
            partner_id: Some(partner_id),
            detail: &detail,
        };
        Ok(audit(app, db, viewer, entry)?)
    })
}

/// The documents of a partner as both sides see them.
///
/// # Errors
/// The database's reason.
pub fn documents(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
) -> Result<Vec<SettlementListed>, DbError> {
    Ok(settlement_list(db, viewer, partner_id, None)?)
}

/// Names for the obligations of a partner that the viewer may see.
///
/// # Errors
/// The database's reason, or a row that does not read back.
pub fn names(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
) -> Result<BTreeMap<ObligationKey, String>, DbError> {
    let filter = ItemFilter { partner_id: Some(partner_id), ..ItemFilter::default() };
    let found = items(db, viewer, &filter, ITEMS_MAX)?;
    Ok(found.iter().map(|item| (item.row.accrual.key, item.named())).collect())
}
