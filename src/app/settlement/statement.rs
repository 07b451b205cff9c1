//! The statement of one partner, with the same numbers for both sides: all money between the shipper and the carrier that the
//! carrier was told of, by section and currency: what stood, what moved it, which document settled it, what stands, and the net.
//!
//! What a partner may see is what the pages of its portal show: an item once it is assessed, and what was taken back after that
//! (DOMAIN §9). That holds for bonuses, what is earned back, promised volume and rebates as for service credits: though they
//! stand on their account from the first accrual on, they come into the statement on the day of the notice, with what they came
//! to by then ([`as_told`]). So the statement of a month that is over stays as it was read, and the books come to the same plus
//! what was not told yet, which is said beside it to the shipper's people alone ([`Booked`]). Currencies are never added.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{documents, kind_of};
use crate::app::dispute::Item;
use crate::app::dispute::inbox::{ITEMS_MAX, items};
use crate::db::ledger::{AccountMove, ItemFilter, account_moves, notices_of_items, trial_balance};
use crate::db::partner::{Partner, partner_show};
use crate::db::settlement::SettlementListed;
use crate::db::{Db, DbError};
use crate::domain::clause::{ObligationKey, Reason};
use crate::domain::currency::Currency;
use crate::domain::ledger::{Account, ItemState};
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::settlement::SettlementKind;
use crate::domain::statement::{Move, Part, Section, Sums, as_told, net};
use crate::domain::viewer::{Role, Viewer};
use crate::report::sheet::{Sheet, csv, workbook};

/// An item as a statement names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The obligation.
    pub key: ObligationKey,
    /// What people call it.
    pub item: String,
    /// Whether it has a page that both sides may open.
    pub has_page: bool,
}

/// One change of what stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// The day it is posted on, or told on.
    pub on: NaiveDate,
    /// The item.
    pub of: Named,
    /// Why, in words.
    pub why: &'static str,
    /// The document that settles it, as `Credit note CN-7`; empty for what no document settles.
    pub document: String,
    /// Its row id, where the document is known by that name.
    pub document_id: Option<i64>,
    /// What it adds.
    pub amount: Micros,
    /// What stands after it.
    pub balance: Micros,
}

/// A section of a statement in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatementPart {
    /// Opening, what moved, what was settled, closing.
    pub sums: Sums,
    /// The changes, by day.
    pub lines: Vec<StatementLine>,
    /// The items that come to the closing balance, each with what stands of it.
    pub standing: Vec<(Named, Micros)>,
}

/// What is between both sides in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InCurrency {
    /// The sections with anything in them.
    pub sections: BTreeMap<Section, StatementPart>,
    /// What the carrier owes less what the shipper owes.
    pub net: Sums,
}

/// The balance of an account at the end of the days, beside what of it the partner was told of. For the shipper's people alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booked {
    /// The currency.
    pub currency: Currency,
    /// The account.
    pub account: Account,
    /// Its balance in the books.
    pub booked: Micros,
    /// What the closing balances of its sections come to.
    pub told: Micros,
}

/// A document with a rest, and what of it is applied.
#[derive(Clone, Debug)]
pub struct Unapplied {
    /// The document.
    pub listed: SettlementListed,
    /// What it is.
    pub kind: SettlementKind,
    /// The items it settles, with how much of each.
    pub applied: Vec<(Named, Micros)>,
}

/// The statement of one partner over some days.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The carrier.
    pub partner: Partner,
    /// The period.
    pub period: Period,
    /// What is between both sides, by currency.
    pub parts: BTreeMap<Currency, InCurrency>,
    /// What the books hold; empty for the partner.
    pub books: Vec<Booked>,
    /// Items that stand now and are not over, both ways.
    pub open: Vec<Item>,
    /// Documents with a rest that is applied to nothing.
    pub unapplied: Vec<Unapplied>,
}

/// Why a change was made, as both sides read it.
#[must_use]
pub const fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Assessment | Reason::Initial => "Assessed",
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
    let states: Vec<ItemState> = ItemState::TOLD.into_iter().chain([ItemState::Reversed]).collect();
    let filter = ItemFilter { partner_id: Some(partner_id), states, ..ItemFilter::default() };
    let mut told = items(db, viewer, &filter, ITEMS_MAX)?;
    // What was taken back before it was told is named to neither side.
    told.retain(|item| item.row.accrual.state.is_told() || item.row.accrual.assessed_on.is_some());
    let found = documents(db, viewer, Some(partner_id))?;
    let names = Names {
        items: told.iter().map(|item| (item.row.accrual.key, item.named())).collect(),
        documents: found
            .iter()
            .filter_map(|one| {
                Some((format!("{} {}", kind_of(one).ok()?.label(), one.row.number), one.row.id))
            })
            .collect(),
    };
    let moves = account_moves(db, viewer, partner_id, period.end())?;
    let notices = notices_of_items(db, viewer, partner_id)?;
    let parts = parts(moves, &notices, period, &names);
    let books = match viewer.role {
        Role::Partner => Vec::new(),
        _ => booked(db, viewer, partner_id, period, &parts)?,
    };
    let is_open = |item: &Item| {
        matches!(item.row.accrual.state, ItemState::Assessed | ItemState::Disputed | ItemState::Agreed)
    };
    let rests = found.into_iter().filter(|one| one.unapplied() > Micros::ZERO);
    Ok(Some(Statement {
        partner,
        period,
        parts,
        books,
        open: told.into_iter().filter(is_open).collect(),
        unapplied: rests.map(|listed| names.unapplied(listed)).collect::<Result<_, _>>()?,
    }))
}

/// What items and documents are called.
struct Names {
    items: BTreeMap<ObligationKey, String>,
    documents: BTreeMap<String, i64>,
}

impl Names {
    fn of(&self, key: ObligationKey) -> Named {
        let item = self.items.get(&key).cloned();
        let has_page = item.is_some();
        Named { key, item: item.unwrap_or_else(|| "An item taken back".to_owned()), has_page }
    }

    fn unapplied(&self, listed: SettlementListed) -> Result<Unapplied, DbError> {
        let kind = kind_of(&listed)?;
        let applied = listed.parts.iter().map(|part| {
            let key = part.obligation_key.parse::<ObligationKey>().map_err(|error| DbError::Stored {
                what: format!("a part of settlement {}", listed.row.id),
                reason: error.to_string(),
            })?;
            Ok((self.of(key), Micros(part.amount_micros)))
        });
        let applied = applied.collect::<Result<_, DbError>>()?;
        Ok(Unapplied { kind, applied, listed })
    }

    fn line(&self, key: ObligationKey, moved: &Move, balance: Micros) -> StatementLine {
        let of = self.of(key);
        let document = document(moved, &of.item);
        StatementLine {
            on: moved.on,
            why: why(moved.reason),
            document_id: self.documents.get(&document).copied(),
            document,
            of,
            amount: moved.amount,
            balance,
        }
    }
}

/// Moves of one section and currency, each of its obligation.
type Told = BTreeMap<(Currency, Section), Vec<(ObligationKey, Move)>>;

fn parts(
    moves: Vec<AccountMove>,
    notices: &BTreeMap<ObligationKey, Vec<NaiveDate>>,
    period: Period,
    names: &Names,
) -> BTreeMap<Currency, InCurrency> {
    let mut told = Told::new();
    let mut waiting: BTreeMap<(Currency, Section, ObligationKey), Vec<Move>> = BTreeMap::new();
    for (place, one) in moves.into_iter().enumerate() {
        let (key, section) = (one.key, Section::of(one.sign));
        let moved = Move { on: one.posted_on, place, reason: one.reason, amount: one.amount, memo: one.memo };
        if section == Section::Credits {
            // Nothing lies on 1420 that the partner was not told of: the notice is an entry there.
            told.entry((one.currency, section)).or_default().push((key, moved));
        } else {
            waiting.entry((one.currency, section, key)).or_default().push(moved);
        }
    }
    for ((currency, section, key), moves) in waiting {
        let days = notices.get(&key).map(Vec::as_slice).unwrap_or_default();
        let said = as_told(&moves, days).into_iter().map(|moved| (key, moved));
        told.entry((currency, section)).or_default().extend(said);
    }
    let mut by_currency: BTreeMap<Currency, BTreeMap<Section, Part>> = BTreeMap::new();
    for ((currency, section), moves) in told {
        let part = Part::of(moves, (period.start(), period.end()));
        if !part.is_empty() {
            by_currency.entry(currency).or_default().insert(section, part);
        }
    }
    let in_currency = |sections: BTreeMap<Section, Part>| InCurrency {
        net: net(&sections),
        sections: sections.into_iter().map(|(section, part)| (section, named(&part, names))).collect(),
    };
    by_currency.into_iter().map(|(currency, sections)| (currency, in_currency(sections))).collect()
}

fn named(part: &Part, names: &Names) -> StatementPart {
    StatementPart {
        sums: part.sums(),
        lines: part.lines.iter().map(|line| names.line(line.key, &line.moved, line.balance)).collect(),
        standing: part.standing.iter().map(|(key, amount)| (names.of(*key), *amount)).collect(),
    }
}

/// What a settlement's entry says before it names the item. Only a settlement's: other entries say what is between us.
fn document(moved: &Move, item: &str) -> String {
    if moved.reason != Reason::Settlement {
        return String::new();
    }
    let before = moved.memo.strip_suffix(item).and_then(|before| before.strip_suffix(": "));
    before.unwrap_or(&moved.memo).to_owned()
}

/// The accounts of the sections at the end of the period, as the books have them.
fn booked(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: Period,
    parts: &BTreeMap<Currency, InCurrency>,
) -> Result<Vec<Booked>, DbError> {
    let trial = trial_balance(db, viewer, Some(partner_id), period.last_day())?;
    let is_ours = |account: Account| Section::ALL.iter().any(|section| section.account() == account);
    let told = |currency: Currency, account: Account| -> Micros {
        let sections = parts.get(&currency).into_iter().flat_map(|part| &part.sections);
        let of_account = sections.filter(|(section, _)| section.account() == account);
        of_account.map(|(_, part)| part.sums.closing).sum()
    };
    let rows = trial.rows.iter().filter(|row| is_ours(row.account)).map(|row| Booked {
        currency: row.currency,
        account: row.account,
        booked: row.balance(),
        told: told(row.currency, row.account),
    });
    Ok(rows.filter(|row| row.booked != Micros::ZERO || row.told != Micros::ZERO).collect())
}

/// The columns of a statement in files.
const COLUMNS: [&str; 10] = [
    "section",
    "posted",
    "item",
    "obligation",
    "why",
    "document",
    "amount",
    "balance",
    "currency",
    "owed_by",
];

/// Who owes what stands in a section, in files.
const fn debtor(owed_by_carrier: bool) -> &'static str {
    if owed_by_carrier { "carrier" } else { "shipper" }
}

/// A section in one currency, or the net after the sections of one, as files have it.
struct Block<'a> {
    name: &'static str,
    owed_by: &'static str,
    currency: Currency,
    sums: Sums,
    /// Of a section; the net has no lines.
    part: Option<&'a StatementPart>,
}

/// What a statement is made of, in the order of its files.
fn blocks(statement: &Statement) -> impl Iterator<Item = Block<'_>> {
    statement.parts.iter().flat_map(|(currency, of_currency)| {
        let currency = *currency;
        let sections = of_currency.sections.iter().map(move |(section, part)| Block {
            name: section.title(),
            owed_by: debtor(section.owed_by_carrier()),
            currency,
            sums: part.sums,
            part: Some(part),
        });
        // Below zero where the shipper owes more.
        let net = Block { name: "Net", owed_by: debtor(true), currency, sums: of_currency.net, part: None };
        sections.chain([net])
    })
}

fn rows(statement: &Statement) -> Vec<[String; 10]> {
    let (first, last) = (statement.period.start(), statement.period.last_day());
    let end = |block: &Block<'_>, on: NaiveDate, what: &str, balance: Micros| {
        let (on, balance) = (on.to_string(), balance.to_string());
        let code = block.currency.code();
        [block.name, on.as_str(), what, "", "", "", "", balance.as_str(), code, block.owed_by]
            .map(str::to_owned)
    };
    let mut rows = Vec::new();
    for block in blocks(statement) {
        rows.push(end(&block, first, "Opening balance", block.sums.opening));
        rows.extend(block.part.into_iter().flat_map(|part| &part.lines).map(|line| {
            [
                block.name.to_owned(),
                line.on.to_string(),
                line.of.item.clone(),
                line.of.key.to_string(),
                line.why.to_owned(),
                line.document.clone(),
                line.amount.to_string(),
                line.balance.to_string(),
                block.currency.code().to_owned(),
                block.owed_by.to_owned(),
            ]
        }));
        rows.push(end(&block, last, "Closing balance", block.sums.closing));
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

/// The four figures of each section and the net, as rows of a file.
fn sum_rows(statement: &Statement) -> Vec<Vec<String>> {
    let row = |block: Block<'_>| -> Vec<String> {
        let sums = block.sums;
        let figures = [sums.opening, sums.moved, sums.settled, sums.closing].map(|sum| sum.to_string());
        let ends = [block.currency.code().to_owned(), block.owed_by.to_owned()];
        [block.name.to_owned()].into_iter().chain(figures).chain(ends).collect()
    };
    blocks(statement).map(row).collect()
}

/// What the closing balances are made of, as rows of a file.
fn standing_rows(statement: &Statement) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for block in blocks(statement) {
        rows.extend(block.part.into_iter().flat_map(|part| &part.standing).map(|(of, amount)| {
            vec![
                block.name.to_owned(),
                of.item.clone(),
                of.key.to_string(),
                amount.to_string(),
                block.currency.code().to_owned(),
                block.owed_by.to_owned(),
            ]
        }));
    }
    rows
}

/// The statement as a workbook: the sections and the net, the changes, what the closing balances are made of, and the items
/// that stand.
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
            debtor(item.is_ours()).to_owned(),
            item.row.terms.grounds.tax_words().to_owned(),
        ]
    };
    workbook(vec![
        Sheet {
            name: "Sections",
            header: vec!["section", "opening", "moved", "settled", "closing", "currency", "owed by"],
            rows: sum_rows(statement),
        },
        Sheet {
            name: "Statement",
            header: COLUMNS.to_vec(),
            rows: rows(statement).into_iter().map(Vec::from).collect(),
        },
        Sheet {
            name: "What stands",
            header: vec!["section", "item", "obligation", "amount", "currency", "owed by"],
            rows: standing_rows(statement),
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
