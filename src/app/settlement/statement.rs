//! The statement of one partner, with the same numbers for both sides: what stood as assessed, what changed it, what stands,
//! item by item. It is read from account 1420, on which nothing lies that the partner was not told of.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::documents;
use crate::app::dispute::Item;
use crate::app::dispute::inbox::{ITEMS_MAX, items};
use crate::db::ledger::{AssessedMove, ItemFilter, assessed_moves};
use crate::db::partner::{Partner, partner_show};
use crate::db::settlement::SettlementListed;
use crate::db::{Db, DbError};
use crate::domain::clause::{ObligationKey, Reason};
use crate::domain::currency::Currency;
use crate::domain::ledger::ItemState;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;
use crate::report::sheet::{Sheet, csv, workbook};

/// One change of what stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// The day it is posted on.
    pub on: NaiveDate,
    /// The obligation.
    pub key: ObligationKey,
    /// What people call it.
    pub item: String,
    /// Why, in words.
    pub why: &'static str,
    /// The document that settles it, as `Credit note CN-7`; empty for what no document settles.
    pub document: String,
    /// What it adds.
    pub amount: Micros,
    /// What stands after it.
    pub balance: Micros,
}

/// The part of a statement in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatementPart {
    /// What stood before.
    pub opening: Micros,
    /// The changes, by day.
    pub lines: Vec<StatementLine>,
    /// What stands after.
    pub closing: Micros,
}

/// The statement of one partner over some days.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The carrier.
    pub partner: Partner,
    /// The period.
    pub period: Period,
    /// Service credits, by currency.
    pub parts: BTreeMap<Currency, StatementPart>,
    /// Items that stand now and are not over, both ways.
    pub open: Vec<Item>,
    /// Documents with a rest that is applied to nothing.
    pub unapplied: Vec<SettlementListed>,
}

/// Why a change was made, as both sides read it.
#[must_use]
pub const fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Assessment => "Assessed",
        Reason::Dispute => "Given up by a decision",
        Reason::Settlement => "Settled",
        _ => "Changed by the facts",
    }
}

/// The statement of a partner over `period`; none when the viewer may not see it.
///
/// # Errors
/// The database's reason, or a row that does not read back.
pub fn statement(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: Period,
) -> Result<Option<Statement>, DbError> {
    let Some(partner) = partner_show(db, viewer, partner_id)? else { return Ok(None) };
    let all =
        items(db, viewer, &ItemFilter { partner_id: Some(partner_id), ..ItemFilter::default() }, ITEMS_MAX)?;
    let names: BTreeMap<ObligationKey, String> =
        all.iter().map(|item| (item.row.accrual.key, item.named())).collect();
    let moves = assessed_moves(db, viewer, partner_id, period.end())?;
    let unapplied = documents(db, viewer, Some(partner_id))?;
    let is_open = |item: &Item| {
        matches!(item.row.accrual.state, ItemState::Assessed | ItemState::Disputed | ItemState::Agreed)
    };
    Ok(Some(Statement {
        partner,
        period,
        parts: parts(&moves, period.start(), &names),
        open: all.into_iter().filter(is_open).collect(),
        unapplied: unapplied.into_iter().filter(|one| one.unapplied() > Micros::ZERO).collect(),
    }))
}

fn parts(
    moves: &[AssessedMove],
    from: NaiveDate,
    names: &BTreeMap<ObligationKey, String>,
) -> BTreeMap<Currency, StatementPart> {
    let mut parts: BTreeMap<Currency, StatementPart> = BTreeMap::new();
    for one in moves {
        let part = parts.entry(one.currency).or_default();
        part.closing = part.closing + one.amount;
        if one.posted_on < from {
            part.opening = part.closing;
            continue;
        }
        let item = names.get(&one.key).cloned().unwrap_or_else(|| "An item taken back".to_owned());
        part.lines.push(StatementLine {
            on: one.posted_on,
            key: one.key,
            document: document(one, &item),
            item,
            why: why(one.reason),
            amount: one.amount,
            balance: part.closing,
        });
    }
    parts
}

/// What a settlement's entry says before it names the item. Only a settlement's: other entries say what is between us.
fn document(one: &AssessedMove, item: &str) -> String {
    if one.reason != Reason::Settlement {
        return String::new();
    }
    let before = one.memo.strip_suffix(item).and_then(|before| before.strip_suffix(": "));
    before.unwrap_or(&one.memo).to_owned()
}

/// The columns of a statement in files.
const COLUMNS: [&str; 8] =
    ["posted", "item", "obligation", "why", "document", "amount", "balance", "currency"];

fn rows(statement: &Statement) -> Vec<[String; 8]> {
    let mut rows = Vec::new();
    for (currency, part) in &statement.parts {
        let end = |on: NaiveDate, what: &str, balance: Micros| {
            let (none, code) = (String::new(), currency.code().to_owned());
            [
                on.to_string(),
                what.to_owned(),
                none.clone(),
                none.clone(),
                none.clone(),
                none,
                balance.to_string(),
                code,
            ]
        };
        rows.push(end(statement.period.start(), "Opening balance", part.opening));
        rows.extend(part.lines.iter().map(|line| {
            [
                line.on.to_string(),
                line.item.clone(),
                line.key.to_string(),
                line.why.to_owned(),
                line.document.clone(),
                line.amount.to_string(),
                line.balance.to_string(),
                currency.code().to_owned(),
            ]
        }));
        rows.push(end(
            statement.period.end().pred_opt().unwrap_or(statement.period.end()),
            "Closing balance",
            part.closing,
        ));
    }
    rows
}

/// The statement as comma-separated values.
///
/// # Errors
/// The writer's reason.
pub fn statement_csv(statement: &Statement) -> Result<Vec<u8>, csv::Error> {
    csv(COLUMNS, rows(statement))
}

/// The statement as a workbook: the changes, and the items that stand.
///
/// # Errors
/// The writer's reason.
pub fn statement_xlsx(statement: &Statement) -> Result<Vec<u8>, rust_xlsxwriter::XlsxError> {
    let open = |item: &Item| {
        vec![
            item.named(),
            item.row.accrual.key.to_string(),
            item.stage.label().to_owned(),
            item.dispute_by.map(|day| day.to_string()).unwrap_or_default(),
            item.sums.target.to_string(),
            item.sums.waived().to_string(),
            item.sums.settled.to_string(),
            item.sums.outstanding().to_string(),
            item.row.accrual.currency.to_string(),
            if item.is_ours() { "carrier" } else { "shipper" }.to_owned(),
            item.row.terms.grounds.tax_words().to_owned(),
        ]
    };
    workbook(vec![
        Sheet {
            name: "Statement",
            header: COLUMNS.to_vec(),
            rows: rows(statement).into_iter().map(Vec::from).collect(),
        },
        Sheet {
            name: "Open items",
            header: vec![
                "item",
                "obligation",
                "state",
                "answer by",
                "by clause",
                "given up",
                "settled",
                "left",
                "currency",
                "owed by",
                "for tax",
            ],
            rows: statement.open.iter().map(open).collect(),
        },
    ])
}
