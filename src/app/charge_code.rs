//! The codes on carriers' invoices: which ones nobody has mapped yet, and deciding what one means.
//!
//! A meaning is worked out when it is read, by one [`CodeBook`], so that a decision holds at once for every charge that
//! is stored or will come. Nothing stored is rewritten by it: the amounts of shipments and the KPIs made of them go by
//! the category that the feed gave, and calibration by the meaning. Reported accessorial events are priced by the meaning
//! of their code, so a decision marks the days of those to be priced again.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::App;
use super::audit::{Entry, audit};
use super::edit::{EditError, allowed, valid};
use crate::db::accessorial::cells_by_event_code;
use crate::db::charge_code::{
    AliasRow, CODES_MAX, CodeSum, alias_history, alias_insert, alias_list, alias_rows_unscoped, billed_codes,
    code_books, code_example, code_sums, contract_codes, event_counts, unmapped_of,
};
use crate::db::contract::contract_lock;
use crate::db::dialect::write_tx;
use crate::db::invoice::invoices_coded_mark;
use crate::db::partner::{Partner, partner_list, partner_show};
use crate::db::shipment::{Source, stale_mark};
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::domain::accessorial::{CATALOGUE, catalogue_charge};
use crate::domain::charge_code::suggest::{Suggestion, suggest};
use crate::domain::charge_code::{
    ALIASES_MAX, ChargeKind, CodeBook, Decided, Meaning, catalogue_meaning, normal_code,
};
use crate::domain::money::Micros;
use crate::domain::viewer::{Action, Viewer};

/// Codes on one page.
pub const PAGE_ROWS: usize = 50;
/// Longest code, as long as a feed may write one.
const CODE_CHARS_MAX: usize = 240;

/// What is billed under a code, however the feed spells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Billed {
    /// The spellings.
    pub spellings: Vec<String>,
    /// Charge lines.
    pub lines: i64,
    /// Accessorial events reported under it.
    pub events: i64,
    /// Amount by currency.
    pub amounts: BTreeMap<String, Micros>,
    /// First day of a charge that names its day.
    pub first: Option<NaiveDate>,
    /// Last day.
    pub last: Option<NaiveDate>,
}

impl Billed {
    fn add(&mut self, sum: CodeSum) {
        if !self.spellings.contains(&sum.code) {
            self.spellings.push(sum.code);
        }
        self.lines = self.lines.saturating_add(sum.lines);
        let amount = self.amounts.entry(sum.currency).or_default();
        *amount = *amount + sum.amount;
        self.first = [self.first, sum.first].into_iter().flatten().min();
        self.last = self.last.max(sum.last);
    }

    fn add_events(&mut self, code: String, events: i64) {
        if !self.spellings.contains(&code) {
            self.spellings.push(code);
        }
        self.events = self.events.saturating_add(events);
    }

    /// What decides the order of the queue. Amounts of different currencies are not comparable; the largest counts.
    fn at_stake(&self) -> i64 {
        self.amounts.values().map(|amount| amount.abs().0).max().unwrap_or(0)
    }
}

/// One code that waits for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmapped {
    /// Whose code.
    pub partner: Partner,
    /// The code, normalised.
    pub alias: String,
    /// What is billed under it.
    pub billed: Billed,
    /// Feed and reference of the newest shipment with it.
    pub example: Option<(String, String)>,
    /// What it may mean.
    pub suggestions: Vec<Suggestion>,
}

/// One page of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The codes of this page, the most money first.
    pub lines: Vec<Unmapped>,
    /// Codes in all.
    pub codes: usize,
    /// Charge lines behind all of them.
    pub charges: i64,
    /// Reported events behind all of them.
    pub events: i64,
    /// Amount behind all of them, by currency.
    pub amounts: BTreeMap<String, Micros>,
    /// The page, from 1.
    pub page: usize,
    /// Pages there are, 1 at least.
    pub pages: usize,
    /// There are more codes than [`CODES_MAX`], and the rest was not read.
    pub cut: bool,
}

/// The codes that nobody has mapped yet, of one partner or of all the viewer may see: one page of them, or all without one.
///
/// # Errors
/// [`EditError::Denied`], or the database's reason.
pub fn unmapped(
    db: &mut Db,
    viewer: &Viewer,
    partner: Option<i64>,
    page: Option<usize>,
) -> Result<Queue, EditError> {
    allowed(viewer, Action::ViewContracts)?;
    let partners: BTreeMap<i64, Partner> =
        partner_list(db, viewer)?.into_iter().map(|partner| (partner.id, partner)).collect();
    let books = code_books(db, viewer, partner)?;
    let (codes, cut) = billed_codes(db, viewer, partner)?;
    let mut spellings: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (partner_id, code) in unmapped_of(&books, codes) {
        spellings.entry(partner_id).or_default().push(code);
    }
    let mut found: BTreeMap<(i64, String), Billed> = BTreeMap::new();
    for (partner_id, codes) in &spellings {
        for sum in code_sums(db, viewer, *partner_id, codes)? {
            found.entry((*partner_id, normal_code(&sum.code))).or_default().add(sum);
        }
        for (code, events) in event_counts(db, viewer, *partner_id, codes)? {
            found.entry((*partner_id, normal_code(&code))).or_default().add_events(code, events);
        }
    }
    let codes = found.len();
    let mut amounts = BTreeMap::new();
    for (currency, amount) in found.values().flat_map(|billed| &billed.amounts) {
        let sum: &mut Micros = amounts.entry(currency.clone()).or_default();
        *sum = *sum + *amount;
    }
    let charges = found.values().map(|billed| billed.lines).sum();
    let events = found.values().map(|billed| billed.events).sum();
    let mut order: Vec<((i64, String), Billed)> = found.into_iter().collect();
    order.sort_by_key(|(_, billed)| std::cmp::Reverse(billed.at_stake()));
    let rows = if page.is_some() { PAGE_ROWS } else { codes.max(1) };
    let pages = codes.div_ceil(rows).max(1);
    let page = page.unwrap_or(1).clamp(1, pages);
    let none = CodeBook::default();
    let mut lines = Vec::new();
    for ((partner_id, alias), billed) in order.into_iter().skip((page - 1) * rows).take(rows) {
        let Some(partner) = partners.get(&partner_id) else { continue };
        lines.push(Unmapped {
            example: code_example(db, viewer, partner_id, &billed.spellings)?,
            suggestions: suggest(&alias, &labelled(books.get(&partner_id).unwrap_or(&none))),
            partner: partner.clone(),
            alias,
            billed,
        });
    }
    Ok(Queue { lines, codes, charges, events, amounts, page, pages, cut })
}

fn labelled(book: &CodeBook) -> Vec<(String, String)> {
    book.labels().iter().map(|(code, label)| (code.clone(), label.clone())).collect()
}

/// The words of a meaning: `Fuel surcharge`, `Liftgate (LFT)`.
#[must_use]
pub fn words(meaning: &Meaning, labels: &BTreeMap<String, String>) -> String {
    let Some(code) = meaning.code() else { return meaning.kind().label().to_owned() };
    match labels.get(code).map(String::as_str).or(catalogue_charge(code).map(|charge| charge.label)) {
        Some(label) => format!("{label} ({code})"),
        None => code.to_owned(),
    }
}

/// One decision as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The partner.
    pub partner: Partner,
    /// As stored.
    pub row: AliasRow,
    /// What it says, in words; `taken back` for no meaning.
    pub words: String,
}

/// The codes with a meaning that was decided, by partner and code.
///
/// # Errors
/// [`EditError::Denied`], or the database's reason.
pub fn mapped(db: &mut Db, viewer: &Viewer, partner: Option<i64>) -> Result<Vec<Shown>, EditError> {
    allowed(viewer, Action::ViewContracts)?;
    let partners: BTreeMap<i64, Partner> =
        partner_list(db, viewer)?.into_iter().map(|partner| (partner.id, partner)).collect();
    let labels = contract_codes(db, viewer, partner)?;
    let mut lines = Vec::new();
    for row in alias_list(db, viewer, partner)? {
        let Some(partner) = partners.get(&row.partner_id).filter(|_| row.kind.is_some()) else { continue };
        lines.push(shown(partner, row, labels.get(&partner.id))?);
    }
    lines.sort_by(|a, b| (&a.partner.name, &a.row.alias).cmp(&(&b.partner.name, &b.row.alias)));
    Ok(lines)
}

fn shown(
    partner: &Partner,
    row: AliasRow,
    labels: Option<&BTreeMap<String, String>>,
) -> Result<Shown, DbError> {
    let none = BTreeMap::new();
    let words = row
        .meaning()?
        .map_or_else(|| "taken back".to_owned(), |meaning| words(&meaning, labels.unwrap_or(&none)));
    Ok(Shown { partner: partner.clone(), row, words })
}

/// Everything about one code of a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodePage {
    /// Whose code.
    pub partner: Partner,
    /// The code, normalised.
    pub alias: String,
    /// What is billed under it beside linehaul, fuel and tax.
    pub billed: Billed,
    /// Feed and reference of the newest shipment with it.
    pub example: Option<(String, String)>,
    /// What it means now and why, in words; none when it is unmapped.
    pub now: Option<(String, &'static str)>,
    /// What it may mean, while nothing is decided.
    pub suggestions: Vec<Suggestion>,
    /// Decisions so far, the newest first.
    pub history: Vec<Shown>,
    /// Number of the newest decision, 0 for none; an edit names it.
    pub seq: i32,
    /// Accessorials to choose from: code and words, those of the contract first.
    pub choices: Vec<(String, String)>,
}

/// One code of a partner. Also one that nobody bills yet, so that it can be mapped ahead.
///
/// # Errors
/// [`EditError::NotFound`] also when the partner is not the viewer's to see, or the text is no normalised code;
/// [`EditError::Denied`]; the database's reason.
pub fn code_page(db: &mut Db, viewer: &Viewer, partner_id: i64, alias: &str) -> Result<CodePage, EditError> {
    allowed(viewer, Action::ViewContracts)?;
    let partner = known(db, viewer, partner_id, alias)?;
    let (codes, _) = billed_codes(db, viewer, Some(partner_id))?;
    let spellings: Vec<String> =
        codes.into_iter().map(|(_, code)| code).filter(|code| normal_code(code) == alias).collect();
    let mut billed = Billed::default();
    for sum in code_sums(db, viewer, partner_id, &spellings)? {
        billed.add(sum);
    }
    for (code, events) in event_counts(db, viewer, partner_id, &spellings)? {
        billed.add_events(code, events);
    }
    let book = code_books(db, viewer, Some(partner_id))?.remove(&partner_id).unwrap_or_default();
    let own = book.labels();
    let history: Vec<Shown> = alias_history(db, viewer, partner_id, alias)?
        .into_iter()
        .map(|row| shown(&partner, row, Some(own)))
        .collect::<Result<_, _>>()?;
    let now =
        book.meaning(alias, "ACCESSORIAL").map(|(meaning, basis)| (words(&meaning, own), basis.label()));
    let is_accessorial = |code| catalogue_meaning(code).is_some_and(|meaning| meaning.code().is_some());
    let listed =
        CATALOGUE.iter().filter(|charge| is_accessorial(charge.code) && !own.contains_key(charge.code));
    let choices = own
        .iter()
        .map(|(code, label)| (code.clone(), format!("{label} ({code}, in the contract)")))
        .chain(listed.map(|charge| (charge.code.to_owned(), format!("{} ({})", charge.label, charge.code))))
        .collect();
    Ok(CodePage {
        example: code_example(db, viewer, partner_id, &spellings)?,
        suggestions: if now.is_some() { Vec::new() } else { suggest(alias, &labelled(&book)) },
        seq: history.first().map_or(0, |line| line.row.seq),
        alias: alias.to_owned(),
        partner,
        billed,
        now,
        history,
        choices,
    })
}

/// The partner, when the viewer may see it and the text is a code as it is kept.
fn known(db: &mut Db, viewer: &Viewer, partner_id: i64, alias: &str) -> Result<Partner, EditError> {
    let is_text = !alias.is_empty() && !alias.chars().any(char::is_control);
    let fine = is_text && normal_code(alias) == alias && alias.chars().count() <= CODE_CHARS_MAX;
    let partner = if fine { partner_show(db, viewer, partner_id)? } else { None };
    partner.ok_or(EditError::NotFound("charge code"))
}

/// Keeps what somebody decided about a code, with a line in the audit log. `seen` is the number of the decision they
/// looked at, 0 for none. Says whether anything changed: the same meaning again is none.
///
/// # Errors
/// [`EditError::Invalid`] with the fields `kind`, `code` and `note`, [`EditError::Stale`] when somebody decided
/// meanwhile, [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn decide(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, alias): (i64, &str),
    seen: Option<i32>,
    decided: &Decided,
) -> Result<bool, EditError> {
    allowed(viewer, Action::MapCharges)?;
    write_tx(db, |db| {
        let partner = known(db, viewer, partner_id, alias)?;
        // Two people deciding at once come one after the other, and the second is told.
        contract_lock(db, partner_id)?;
        let book: CodeBook =
            code_books(db, viewer, Some(partner_id))?.remove(&partner_id).unwrap_or_default();
        let meaning = match decided.checked(&book) {
            Ok(meaning) => meaning,
            Err(errors) => return Err(EditError::Invalid(errors)),
        };
        let history = alias_history(db, viewer, partner_id, alias)?;
        let newest = history.first();
        let seq = newest.map_or(0, |row| row.seq);
        if seen.is_some_and(|seen| seen != seq) {
            return Err(EditError::Stale("meaning of the code"));
        }
        let before = newest.map(AliasRow::meaning).transpose()?.flatten();
        if meaning == before {
            if meaning.is_none() {
                valid(vec![(
                    "kind".to_owned(),
                    "nothing is decided about this code, so nothing can be taken back".to_owned(),
                )])?;
            }
            return Ok(false);
        }
        if newest.is_none() && alias_list(db, viewer, Some(partner_id))?.len() >= ALIASES_MAX {
            let message = format!(
                "this partner has ALIASES_MAX = {ALIASES_MAX} mapped codes; have its feed write fewer"
            );
            return Err(EditError::field("code", &message));
        }
        let note = decided.note.trim().to_owned();
        alias_insert(
            db,
            &AliasRow {
                partner_id,
                alias: alias.to_owned(),
                seq: seq.saturating_add(1),
                kind: meaning.as_ref().map(|meaning| meaning.kind().code().to_owned()),
                code: meaning.as_ref().and_then(Meaning::code).map(str::to_owned),
                note: note.clone(),
                at: Instant(app.now()),
                actor: viewer.name.clone(),
                actor_id: viewer.user_id,
            },
        )?;
        let priced_by_it = cells_by_event_code(db, partner_id, alias)?;
        stale_mark(db, Source::Shipments, &priced_by_it)?;
        invoices_coded_mark(db, partner_id, |code| normal_code(code) == alias)?;
        let told = |meaning: &Option<Meaning>| {
            meaning.as_ref().map_or_else(|| "not decided".to_owned(), |meaning| words(meaning, book.labels()))
        };
        let detail = format!("{} → {}: {note}", told(&before), told(&meaning));
        let subject = format!("charge code {alias} of {}", partner.code);
        let entry = Entry {
            action: "charge_code.map",
            subject: &subject,
            partner_id: Some(partner_id),
            detail: &detail,
        };
        audit(app, db, viewer, entry)?;
        Ok(true)
    })
}

/// Reads every decision again: of a known partner, about a code as it is kept, numbered without a gap, with a meaning
/// that reads back. Says how many there are, and one line a problem.
///
/// # Errors
/// The database's reason.
pub fn decisions_differ(db: &mut Db) -> Result<(i64, Vec<String>), DbError> {
    let mut problems = Vec::new();
    let mut before: Option<(i64, String, i32)> = None;
    let rows = alias_rows_unscoped(db)?;
    let looked = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    for (row, has_partner) in rows {
        let place =
            format!("decision {} about charge code {} of partner {}", row.seq, row.alias, row.partner_id);
        let last =
            before.filter(|(partner_id, alias, _)| (*partner_id, alias) == (row.partner_id, &row.alias));
        if row.seq != last.map_or(0, |(_, _, seq)| seq).saturating_add(1) {
            problems.push(format!("{place}: the one before it is missing"));
        }
        if !has_partner {
            problems.push(format!("{place}: there is no such partner"));
        }
        if normal_code(&row.alias) != row.alias {
            problems.push(format!("{place}: no charge has a code that is kept this way"));
        }
        if let Err(error) = row.meaning() {
            problems.push(error.to_string());
        }
        before = Some((row.partner_id, row.alias, row.seq));
    }
    Ok((looked, problems))
}

/// What a person chose or typed: a kind, or the code of an accessorial, alone or after `ACCESSORIAL:`.
#[must_use]
pub fn target(text: &str) -> (ChargeKind, String) {
    let text = text.trim().to_uppercase();
    match text.parse::<ChargeKind>() {
        Ok(kind) => (kind, String::new()),
        Err(_) => {
            let code = text.strip_prefix("ACCESSORIAL:").unwrap_or(&text);
            (ChargeKind::Accessorial, code.to_owned())
        }
    }
}

/// Words for a list that was cut.
#[must_use]
pub fn cut_words() -> String {
    format!(
        "There are more than {CODES_MAX} codes; those beyond are not read. A feed that writes a new code on every line needs another mapping."
    )
}

#[cfg(test)]
mod tests;
