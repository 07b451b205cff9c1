//! Carriers' invoices, one line a row. An invoice loads whole or not at all, and is never changed: what another file says
//! differently under the same number is refused, and a correction or a credit note is an invoice of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::batch::{Batch, Counts, Input, Run, micros, partner, small, some_text, text, whole};
use super::{ImportError, ImportReport};
use crate::db::contract::contract_list_of_partner;
use crate::db::dimension::Dimensions;
use crate::db::invoice::{InvoiceLineRow, InvoiceRow, invoices_insert, invoices_numbered_unscoped};
use crate::db::setting::reporting_currency;
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::audit::{BillKind, NUMBER_CHARS_MAX, number_key};
use crate::domain::charge_code::usual_category;
use crate::domain::currency::Currency;
use crate::domain::money::Micros;
use crate::domain::viewer::Viewer;
use crate::domain::words;
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::invoices as f;
use crate::feeds::mapping::Compiled;
use crate::feeds::table::Row;

/// Rows of one file, which is read whole.
const ROWS_MAX: usize = 500_000;
/// Lines of one invoice, its tax included.
const LINES_MAX: usize = 20_000;
/// The most that one amount, and that all amounts of one invoice whatever their signs, may come to, in its currency. It
/// leaves room for freight in rupiah or dong, and hundreds of such invoices still add up without reaching the end of what
/// [`Micros`] holds, where a sum would stand still and an audit would pass everything.
const AMOUNT_MAX: Micros = Micros(10_000_000_000 * 1_000_000);
/// The code of a line that holds the tax of another.
const TAX_CODE: &str = "TAX";

/// What every row of an invoice repeats. The day it came in is no part of what it says, so that the same invoice in a
/// later file is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Head {
    kind: String,
    corrects: Option<String>,
    issued_on: NaiveDate,
    currency: String,
    remit_to: Option<String>,
    // Not said, it is not in the text, so that an invoice from before is the same as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    bill_to: Option<String>,
    total: Option<Micros>,
}

/// One line as billed; ordered, so that the order of the rows says nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Line {
    shipment: Option<String>,
    pro: Option<String>,
    bol: Option<String>,
    code: String,
    category: String,
    quantity: Option<Micros>,
    unit: Option<String>,
    amount: Micros,
    tax: Option<Micros>,
    // Not said, they are not in the text, so that an invoice from before is the same as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    load: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    freight_terms: Option<String>,
}

struct Draft {
    partner: String,
    number: String,
    received_on: NaiveDate,
    head: Head,
    line: Line,
}

/// Loads a file of invoices.
pub fn load(db: &mut Db, run: &Run<'_>, input: Input<'_>) -> Result<ImportReport, ImportError> {
    let reporting = reporting_currency(db)?;
    let compiled = input.compiled.clone();
    // A day may have begun where the invoice came in before it does here.
    let latest = run.now.date_naive().succ_opt().unwrap_or(NaiveDate::MAX);
    let draft = move |fields: &Fields| draft(fields, &reporting, latest);
    let write = |db: &mut Db, batch: &mut Batch<Draft>| write(db, run, batch, &compiled);
    whole(db, run, input, ROWS_MAX, (draft, write))
}

fn draft(fields: &Fields, reporting: &str, latest: NaiveDate) -> Result<Draft, RowError> {
    let (issued_on, received_on) = days(fields, latest)?;
    let number = text(fields, f::INVOICE).trim().to_owned();
    if !is_number(&number) {
        let reason = format!(
            "is no invoice number; it has letters or digits, and {NUMBER_CHARS_MAX} characters at most"
        );
        return Err(RowError::field("invoice", &number, reason));
    }
    let currency = fields.text(f::CURRENCY).unwrap_or(reporting).to_owned();
    if let Err(error) = currency.parse::<Currency>() {
        return Err(RowError::field("currency", &currency, error.to_string()));
    }
    let kind = fields.text(f::KIND).unwrap_or(BillKind::Original.code()).to_owned();
    let corrects = some_text(fields, f::CORRECTS);
    check_corrects(&kind, corrects.as_deref(), &number)?;
    let amount = money("amount", fields.decimal(f::AMOUNT))?
        .ok_or_else(|| RowError::field("amount", "", "a line needs an amount"))?;
    let code = text(fields, f::CODE);
    let (load, stop) = (some_text(fields, f::LOAD), small("stop", fields.int(f::STOP))?);
    if let Some(stop) = stop.filter(|_| load.is_none()) {
        return Err(RowError::field("stop", &stop.to_string(), "says no load; give its number in load"));
    }
    Ok(Draft {
        partner: text(fields, f::PARTNER),
        received_on,
        head: Head {
            kind,
            corrects,
            issued_on,
            currency,
            remit_to: some_text(fields, f::REMIT_TO),
            bill_to: some_text(fields, f::BILL_TO),
            total: money("invoice_total", fields.decimal(f::INVOICE_TOTAL))?,
        },
        line: Line {
            shipment: some_text(fields, f::SHIPMENT),
            pro: some_text(fields, f::PRO),
            bol: some_text(fields, f::BOL),
            category: some_text(fields, f::CATEGORY).unwrap_or_else(|| usual_category(&code).to_owned()),
            code,
            quantity: micros("quantity", fields.decimal(f::QUANTITY))?,
            unit: some_text(fields, f::UNIT),
            amount,
            tax: money("tax", fields.decimal(f::TAX))?.filter(|tax| *tax != Micros::ZERO),
            load,
            stop,
            freight_terms: some_text(fields, f::FREIGHT_TERMS),
        },
        number,
    })
}

/// The day on the invoice and the day it came in, which is that day or later, and `latest` at most.
fn days(fields: &Fields, latest: NaiveDate) -> Result<(NaiveDate, NaiveDate), RowError> {
    let day = |name: &str, field| {
        fields.day(field).ok_or_else(|| RowError::field(name, "", "an invoice needs this day"))
    };
    let (issued_on, received_on) = (day("issued_on", f::ISSUED_ON)?, day("received_on", f::RECEIVED_ON)?);
    let told = if received_on < issued_on {
        let issued = words::day(issued_on);
        format!("is before the day on the invoice, {issued}; check both days, and how the mapping reads them")
    } else if received_on > latest {
        "is in the future; an invoice is loaded when it has come in".to_owned()
    } else {
        return Ok((issued_on, received_on));
    };
    Err(RowError::field("received_on", &received_on.to_string(), told))
}

/// A correction names another invoice, and an original none. One that says otherwise would use up its number, under which
/// the right one could not follow.
fn check_corrects(kind: &str, corrects: Option<&str>, number: &str) -> Result<(), RowError> {
    let is_original = kind == BillKind::Original.code();
    let reason = match corrects {
        Some(_) if is_original => {
            "only a correction or a credit note names another invoice; say which it is in `kind`"
        }
        Some(original) if number_key(original) == number_key(number) => {
            "is the number of this invoice itself; name the invoice that it corrects or credits"
        }
        None if kind == BillKind::Correction.code() => {
            "a correction needs the number of the invoice it corrects"
        }
        Some(_) | None => return Ok(()),
    };
    Err(RowError::field("corrects", corrects.unwrap_or_default(), reason))
}

/// An amount of at most [`AMOUNT_MAX`], or why not.
fn money(name: &str, value: Option<Decimal>) -> Result<Option<Micros>, RowError> {
    let amount = micros(name, value)?;
    if let Some(beyond) = amount.filter(|amount| amount.abs() > AMOUNT_MAX) {
        let reason = format!(
            "is beyond {}, the most that is taken; check whether its decimal point is lost, or the column holds a number of \
             another kind",
            words::amount(AMOUNT_MAX)
        );
        return Err(RowError::field(name, &beyond.to_string(), reason));
    }
    Ok(amount)
}

fn is_number(number: &str) -> bool {
    !number_key(number).is_empty() && number.chars().count() <= NUMBER_CHARS_MAX
}

/// The rows of one invoice, by their place in the file.
#[derive(Default)]
struct Gathered {
    rows: Vec<usize>,
    refused: Option<RowError>,
}

/// Whose invoice, and its number.
type Key = (i64, String);

fn write(
    db: &mut Db,
    run: &Run<'_>,
    batch: &mut Batch<Draft>,
    compiled: &Compiled,
) -> Result<Counts, ImportError> {
    let mut dimensions = Dimensions::load(db, &run.app.ids, run.now)?;
    let mut keys: Vec<Option<Key>> = Vec::with_capacity(batch.drafts.len());
    for slot in &mut batch.drafts {
        let key = match slot {
            Ok(draft) => match partner(db, &mut dimensions, run, &draft.partner, None)? {
                Ok(id) => Some((id, draft.number.clone())),
                Err(error) => {
                    *slot = Err(error);
                    None
                }
            },
            Err(_) => None,
        };
        keys.push(key);
    }
    let mut found: BTreeMap<Key, Gathered> = BTreeMap::new();
    for (at, key) in keys.iter().enumerate() {
        if let Some(key) = key {
            found.entry(key.clone()).or_default().rows.push(at);
        }
    }
    let mut fields = compiled.fields();
    refuse_broken(batch, &keys, &mut found, |row| {
        compiled.apply_readable(row, &mut fields);
        let number = text(&fields, f::INVOICE).trim().to_owned();
        let partner_id = fields.text(f::PARTNER).and_then(|partner| dimensions.partner(partner));
        is_number(&number).then_some((partner_id, number))
    });
    let counts = store(db, run, batch, &mut found)?;
    for gathered in found.into_values() {
        let Some(error) = gathered.refused else { continue };
        for at in gathered.rows {
            if let Some(slot) = batch.drafts.get_mut(at) {
                *slot = Err(error.clone());
            }
        }
    }
    Ok(counts)
}

/// Refuses the invoices that a refused row is of. Where the row still says its number, that is the one of this number, of
/// any partner where its own is not known. Else it may be of the invoice before it or after it, so neither is whole.
///
/// `said` reads partner and number off such a row.
fn refuse_broken(
    batch: &Batch<Draft>,
    keys: &[Option<Key>],
    found: &mut BTreeMap<Key, Gathered>,
    mut said: impl FnMut(&Row) -> Option<(Option<i64>, String)>,
) {
    let mut owners: HashMap<String, Vec<i64>> = HashMap::new();
    for (partner_id, number) in found.keys() {
        owners.entry(number.clone()).or_default().push(*partner_id);
    }
    for (at, slot) in batch.drafts.iter().enumerate() {
        let Some(row) = batch.rows.get(at).filter(|_| slot.is_err()) else { continue };
        let (broken, why): (Vec<Key>, &str) = match said(row) {
            Some((Some(partner_id), number)) => {
                (vec![(partner_id, number)], "of it is refused, and an invoice")
            }
            Some((None, number)) => {
                let owners = owners.get(&number).map(Vec::as_slice).unwrap_or_default();
                let broken = owners.iter().map(|partner_id| (*partner_id, number.clone())).collect();
                (broken, "of it is refused, and an invoice")
            }
            None => {
                let before = keys.get(..at).and_then(|keys| keys.iter().rev().flatten().next());
                let after = keys.get(at..).and_then(|keys| keys.iter().flatten().next());
                let broken = [before, after].into_iter().flatten().cloned().collect();
                (broken, "beside it is refused and may be of this invoice, which")
            }
        };
        for key in broken {
            let reason = format!("row {} {why} loads whole or not at all; correct that row", row.number());
            if let Some(gathered) = found.get_mut(&key) {
                gathered.refused = Some(RowError::field("invoice", &key.1, reason));
            }
        }
    }
}

fn store(
    db: &mut Db,
    run: &Run<'_>,
    batch: &Batch<Draft>,
    found: &mut BTreeMap<Key, Gathered>,
) -> Result<Counts, ImportError> {
    let mut currencies: BTreeMap<i64, BTreeSet<Currency>> = BTreeMap::new();
    let mut numbers: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (partner_id, number) in found.keys() {
        numbers.entry(*partner_id).or_default().push(number.clone());
    }
    let mut stored: BTreeMap<Key, InvoiceRow> = BTreeMap::new();
    for (partner_id, numbers) in &numbers {
        for row in invoices_numbered_unscoped(db, *partner_id, numbers)? {
            stored.insert((*partner_id, row.number.clone()), row);
        }
        let contracts = contract_list_of_partner(db, &Viewer::system(), *partner_id)?;
        currencies.insert(*partner_id, contracts.into_iter().map(|contract| contract.currency).collect());
    }
    let (mut counts, mut invoices, mut lines) = (Counts::default(), Vec::new(), Vec::new());
    for (key, gathered) in found.iter_mut().filter(|(_, gathered)| gathered.refused.is_none()) {
        let rows: Vec<(usize, &Draft)> = gathered
            .rows
            .iter()
            .filter_map(|at| batch.drafts.get(*at)?.as_ref().ok().map(|draft| (*at, draft)))
            .collect();
        let Some((_, first)) = rows.first() else { continue };
        if let Err(error) = check(&rows, first, batch, currencies.get(&key.0)) {
            gathered.refused = Some(error);
            continue;
        }
        let hash = content_hash(first, &rows)?;
        let size = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        if let Some(known) = stored.get(key) {
            if known.fact_hash == hash {
                counts.same += size;
            } else {
                let reason = format!(
                    "came in before with another content, issued {} over {} {}; send a correction or a credit note \
                     under a number of its own",
                    words::day(known.issued_on.0),
                    words::amount(Micros(known.total_micros)),
                    known.currency
                );
                gathered.refused = Some(RowError::field("invoice", &key.1, reason));
            }
            continue;
        }
        counts.new += size;
        let own = lines_of((key.0, run.app.ids.next(run.now)), &rows, batch);
        invoices.push(invoice(run, key, first, (&own, hash)));
        lines.extend(own);
    }
    invoices_insert(db, &invoices, &lines)?;
    Ok(counts)
}

/// Whether the rows make one invoice, and one that can be taken up.
fn check(
    rows: &[(usize, &Draft)],
    first: &Draft,
    batch: &Batch<Draft>,
    currencies: Option<&BTreeSet<Currency>>,
) -> Result<(), RowError> {
    let row = |at: usize| batch.rows.get(at).map_or(0, Row::number);
    if rows.len() > LINES_MAX / 2 {
        let reason =
            format!("has {} lines; an invoice has up to {}", words::figure(rows.len()), LINES_MAX / 2);
        return Err(RowError::field("invoice", &first.number, reason));
    }
    let start = rows.first().map_or(0, |(at, _)| row(*at));
    for (at, draft) in rows {
        let differs = draft.received_on != first.received_on || draft.head != first.head;
        if differs {
            let reason = format!(
                "row {} says another kind, original, day, currency, payee or total of it than row {start}; they are the \
                 same on every row of one invoice",
                row(*at)
            );
            return Err(RowError::field("invoice", &first.number, reason));
        }
    }
    let moved: i128 = rows
        .iter()
        .flat_map(|(_, draft)| [draft.line.amount, draft.line.tax.unwrap_or_default()])
        .map(|amount| i128::from(amount.0).abs())
        .sum();
    if moved > i128::from(AMOUNT_MAX.0) {
        let reason = format!(
            "the amounts of invoice {} come to more than {} together, the most that is taken; check whether a decimal point \
             is lost",
            first.number,
            words::amount(AMOUNT_MAX)
        );
        return Err(RowError::field("amount", "", reason));
    }
    let total = sum(rows);
    if let Some(stated) = first.head.total.filter(|stated| *stated != total) {
        let reason = format!(
            "the lines of invoice {} come to {}, and its total says {}; a line is missing or too much",
            first.number,
            words::amount(total),
            words::amount(stated)
        );
        return Err(RowError::field("invoice_total", &stated.to_string(), reason));
    }
    let agreed = currencies.filter(|currencies| !currencies.is_empty());
    if let Some(agreed) = agreed
        && !agreed.iter().any(|one| one.code() == first.head.currency)
    {
        let codes: Vec<&str> = agreed.iter().map(Currency::code).collect();
        let reason = format!(
            "no contract of this partner is in it, only in {}; ask for an invoice in the currency of the contract",
            codes.join(" and ")
        );
        return Err(RowError::field("currency", &first.head.currency, reason));
    }
    Ok(())
}

fn sum(rows: &[(usize, &Draft)]) -> Micros {
    rows.iter().map(|(_, draft)| draft.line.amount + draft.line.tax.unwrap_or_default()).sum()
}

/// The same content gives the same number, whatever the order of the rows and the name of the partner.
fn content_hash(first: &Draft, rows: &[(usize, &Draft)]) -> Result<i64, DbError> {
    let mut lines: Vec<&Line> = rows.iter().map(|(_, draft)| &draft.line).collect();
    lines.sort_unstable();
    // A total that is only said by one of two files changes nothing.
    let head = Head { total: None, ..first.head.clone() };
    let text = serde_json::to_vec(&(head, lines)).map_err(|error| DbError::Stored {
        what: format!("invoice {}", first.number),
        reason: error.to_string(),
    })?;
    Ok(i64::from_ne_bytes(xxh3_64(&text).to_ne_bytes()))
}

fn invoice(run: &Run<'_>, key: &Key, first: &Draft, (lines, hash): (&[InvoiceLineRow], i64)) -> InvoiceRow {
    let head = &first.head;
    InvoiceRow {
        partner_id: key.0,
        id: lines.first().map_or(0, |line| line.invoice_id),
        number: key.1.clone(),
        number_key: number_key(&key.1),
        kind: head.kind.clone(),
        corrects_key: head.corrects.as_deref().map(number_key),
        corrects: head.corrects.clone(),
        issued_on: Day(head.issued_on),
        received_on: Day(first.received_on),
        currency: head.currency.clone(),
        remit_to: head.remit_to.clone(),
        total_micros: lines.iter().map(|line| Micros(line.amount_micros)).sum::<Micros>().0,
        fact_hash: hash,
        import_id: run.import_id,
        recorded_at: Instant(run.now),
        bill_to: head.bill_to.clone(),
    }
}

/// The lines as stored; a tax beside an amount is a line of its own.
fn lines_of(
    (partner_id, invoice_id): (i64, i64),
    rows: &[(usize, &Draft)],
    batch: &Batch<Draft>,
) -> Vec<InvoiceLineRow> {
    let mut lines = Vec::with_capacity(rows.len());
    for (at, draft) in rows {
        let line = &draft.line;
        let number = batch.rows.get(*at).map_or(0, Row::number);
        let mut push = |code: &str,
                        category: &str,
                        amount: Micros,
                        quantity: Option<(Option<Micros>, &Option<String>)>| {
            let (quantity, unit) = quantity.unzip();
            lines.push(InvoiceLineRow {
                partner_id,
                invoice_id,
                seq: i32::try_from(lines.len() + 1).unwrap_or(i32::MAX),
                shipment: line.shipment.clone(),
                pro: line.pro.clone(),
                bol: line.bol.clone(),
                code: code.to_owned(),
                category: category.to_owned(),
                quantity_micros: quantity.flatten().map(|quantity| quantity.0),
                unit: unit.cloned().flatten(),
                amount_micros: amount.0,
                import_row: i64::try_from(number).unwrap_or(i64::MAX),
                load_number: line.load.clone(),
                stop: line.stop,
                freight_terms: line.freight_terms.clone(),
            });
        };
        push(&line.code, &line.category, line.amount, Some((line.quantity, &line.unit)));
        if let Some(tax) = line.tax {
            push(TAX_CODE, "TAX", tax, None);
        }
    }
    lines
}
