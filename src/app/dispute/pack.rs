//! The evidence of one item in one archive: what the clause says, how the amount came about, the shipments and their events,
//! or the tenders or other records that were counted, every step since, and the files that came with them. Both sides get the same, but for what is the shipper's own: its
//! entries and what its people proposed to each other (DOMAIN §9).

use std::io::{Cursor, Write};

use chrono::{DateTime, Utc};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Item, item_show};
use crate::app::accrual::counted::Counted;
use crate::app::beside::BesideLine;
use crate::app::evidence::{Part, Pick, Rows, behind};
use crate::app::facts::tender_facts;
use crate::app::refresh::apart::Fact;
use crate::db::dispute::ItemStepRow;
use crate::db::evidence::{TenderLine, events_of};
use crate::db::exclusion::{Subject, evidence_file_content, evidence_files_of};
use crate::db::ledger::{LedgerFilter, entry_list};
use crate::db::shipment::{ShipmentRow, shipment_by_id};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::clause::{Obligation, ObligationKey};
use crate::domain::kpi::{Kpi, KpiValue};
use crate::domain::measure::Measures;
use crate::domain::money::Micros;
use crate::domain::tender::judge;
use crate::domain::viewer::{Role, Viewer};
use crate::report::sheet::{Sheet, workbook};

/// Shipments, tenders or other records listed in one archive, the first by day; the sheet says when there are more.
pub const UNITS_MAX: usize = 5_000;
/// Shipments whose events are listed.
const WITH_EVENTS_MAX: usize = 500;
/// Entries listed.
const ENTRIES_MAX: i64 = 5_000;

/// Why an archive was not made.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The database's reason.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The workbook was not written.
    #[error("the workbook was not written: {0}")]
    Sheet(#[from] rust_xlsxwriter::XlsxError),
    /// The archive was not written.
    #[error("the archive was not written: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// The archive was not written.
    #[error("the archive was not written: {0}")]
    Io(#[from] std::io::Error),
}

impl From<diesel::result::Error> for PackError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(DbError::Query(error))
    }
}

/// The archive of an item; none when there is none or the viewer may not see it.
///
/// # Errors
/// [`PackError`].
pub fn pack(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, key): (i64, ObligationKey),
    now: DateTime<Utc>,
) -> Result<Option<Vec<u8>>, PackError> {
    let Some((item, steps)) = item_show(db, viewer, partner_id, key)? else { return Ok(None) };
    let counted = counted_of(db, viewer, &item, now)?;
    let mut sheets = vec![item_sheet(&item), clause_sheet(&item), steps_sheet(&steps)];
    match &counted.units {
        Units::Shipments(rows) => {
            sheets.push(shipment_sheet(rows, counted.more));
            sheets.push(event_sheet(db, viewer, rows)?);
        }
        Units::Tenders(rows) => sheets.push(tender_sheet(rows, counted.more)),
        Units::Records(rows) => sheets.push(record_sheet(rows, counted.more)),
    }
    if viewer.role != Role::Partner {
        sheets.push(entry_sheet(db, viewer, partner_id, key)?);
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // Without a time of their own, equal contents make equal archives.
    let options = SimpleFileOptions::default();
    zip.start_file("item.xlsx", options)?;
    zip.write_all(&workbook(sheets)?)?;
    for step in &steps {
        for file in evidence_files_of(db, viewer, Subject::Dispute, step.id)? {
            if let Some((file, content)) = evidence_file_content(db, viewer, file.id)? {
                zip.start_file(format!("evidence/line-{}-{}", step.line, file.file_name), options)?;
                zip.write_all(&content)?;
            }
        }
    }
    Ok(Some(zip.finish()?.into_inner()))
}

/// What a clause counts, one unit a row.
enum Units {
    /// Shipments.
    Shipments(Vec<ShipmentRow>),
    /// Tenders, each with what the clause makes of it.
    Tenders(Vec<(TenderLine, &'static str)>),
    /// Invoices, claims, cases and the like.
    Records(Vec<BesideLine>),
}

/// The units behind an item.
struct Behind {
    units: Units,
    /// Whether there are more than are listed.
    more: bool,
}

/// What was counted for an item: its shipment; of a period the misses, of tenders all, so that the share can be worked out.
fn counted_of(db: &mut Db, viewer: &Viewer, item: &Item, now: DateTime<Utc>) -> Result<Behind, DbError> {
    let accrual = &item.row.accrual;
    let shipments = |rows| Behind { units: Units::Shipments(rows), more: false };
    match accrual.key.of {
        Obligation::Event(id) => {
            let day = Day(accrual.obligation_day);
            let row = shipment_by_id(db, viewer, accrual.partner_id, day, id)?;
            Ok(shipments(row.into_iter().collect()))
        }
        Obligation::Period(period) => {
            // A clause about volume or spend counts every load.
            let Ok(kpi) = item.row.terms.rule.kpi().map_or(Ok(Kpi::Cps), str::parse::<Kpi>) else {
                return Ok(shipments(Vec::new()));
            };
            let of = (accrual.partner_id, period, now);
            let has_misses = Pick::of(kpi).contains(&Pick::Missed) && !kpi.counts_tenders();
            let pick = if has_misses { Pick::Missed } else { Pick::All };
            let clause = (accrual.key.contract_version_id, Some(accrual.key.clause_id));
            let contract = Counted::read(db, viewer, clause, period, now)?;
            let part = Part { contract, ..Part::default() };
            let found = behind(db, viewer, of, (kpi, pick, &part), (None, UNITS_MAX))?;
            let more = found.next.is_some();
            let verdict = |line: TenderLine| {
                let words = tender_words(kpi, &line, part.contract.as_ref(), now);
                (line, words)
            };
            let units = match found.rows {
                Rows::Shipments(rows) => Units::Shipments(rows),
                Rows::Tenders(rows) => Units::Tenders(rows.into_iter().map(verdict).collect()),
                Rows::Beside(rows) => Units::Records(rows),
            };
            Ok(Behind { units, more })
        }
    }
}

/// What a KPI makes of one tender, under the clause where that judges otherwise.
fn tender_words(kpi: Kpi, line: &TenderLine, clause: Option<&Counted>, now: DateTime<Utc>) -> &'static str {
    let fact = &line.fact;
    let value: KpiValue =
        match clause.and_then(|clause| clause.otherwise(fact.sent_day.0, Fact::Tender(fact.id))) {
            Some(alone) => kpi.value(alone),
            None => {
                let facts = tender_facts(fact);
                let mut alone = Measures::default();
                facts.add_to(&judge(&facts, now), &mut alone);
                kpi.value(&alone)
            }
        };
    match value.has_misses() {
        _ if value.pending > 0 => "not answered yet",
        _ if value.excused > 0 => "excused",
        _ if value.n == 0 => "not counted",
        Some(true) if value.no_evidence > 0 => "missed: no answer in time",
        Some(true) => "missed",
        Some(false) => "accepted",
        None => "counted",
    }
}

/// A row that says that there are more.
fn more_row(what: &str, columns: usize) -> Vec<String> {
    let mut last = vec![format!("There are more; the first {UNITS_MAX} {what} by day are listed")];
    last.resize(columns, String::new());
    last
}

fn tender_sheet(tenders: &[(TenderLine, &'static str)], more: bool) -> Sheet {
    let header = vec![
        "Tender",
        "Sent, UTC",
        "Pickup, UTC",
        "Answer by, UTC",
        "Answered, UTC",
        "Answer",
        "Why turned down",
        "Above the commitment",
        "Verdict",
    ];
    let row = |(line, verdict): &(TenderLine, &'static str)| {
        let fact = &line.fact;
        vec![
            line.reference.clone(),
            fact.sent_at.0.to_rfc3339(),
            at(fact.pickup_at),
            at(fact.respond_by),
            at(fact.responded_at),
            fact.response.clone().unwrap_or_default(),
            line.decline_reason.clone().unwrap_or_default(),
            if fact.beyond_commitment { "yes" } else { "no" }.to_owned(),
            (*verdict).to_owned(),
        ]
    };
    let mut rows: Vec<Vec<String>> = tenders.iter().map(row).collect();
    rows.extend(more.then(|| more_row("tenders", header.len())));
    Sheet { name: "Tenders", header, rows }
}

fn record_sheet(records: &[BesideLine], more: bool) -> Sheet {
    let header = vec!["Record", "Day", "Shipment"];
    let row = |line: &BesideLine| vec![line.reference.clone(), line.day.to_string(), line.shipment.clone()];
    let mut rows: Vec<Vec<String>> = records.iter().map(row).collect();
    rows.extend(more.then(|| more_row("records", header.len())));
    Sheet { name: "Records", header, rows }
}

fn item_sheet(item: &Item) -> Sheet {
    let accrual = &item.row.accrual;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let told = accrual.assessed_on.map(|day| day.to_string()).unwrap_or_default();
    let mut rows = vec![
        row("Item", item.named()),
        row("Partner", item.row.partner_name.clone()),
        row("Contract", item.row.contract.clone()),
        row("Clause", item.row.clause_code.clone()),
        row("Period", accrual.period.to_string()),
        row("Day of the obligation", accrual.obligation_day.to_string()),
        row("Told on", told),
        row("State", item.stage.label().to_owned()),
        row("For tax", item.row.terms.grounds.tax_words().to_owned()),
        row("Currency", accrual.currency.to_string()),
        row("By clause and facts", accrual.target.to_string()),
        row("Given up by decisions", item.sums.waived().to_string()),
        row("Settled", item.sums.settled.to_string()),
        row("Left", item.sums.outstanding().to_string()),
    ];
    let steps = accrual.steps.iter().enumerate();
    rows.extend(steps.map(|(index, step)| row(&format!("Step {}", index.saturating_add(1)), step.clone())));
    Sheet { name: "Item", header: vec!["What", "Value"], rows }
}

fn clause_sheet(item: &Item) -> Sheet {
    let mut rows = vec![vec![format!("{} {}", item.row.clause_code, item.row.clause_title)]];
    rows.extend(item.row.terms.explain().into_iter().map(|line| vec![line]));
    Sheet { name: "Clause", header: vec!["What the clause says"], rows }
}

fn steps_sheet(steps: &[ItemStepRow]) -> Sheet {
    let row = |step: &ItemStepRow| {
        let what = step.taken().map(|taken| {
            let ruling = taken.ruling.map(|ruling| format!(": {}", ruling.label())).unwrap_or_default();
            format!("{}{ruling}", taken.kind.label())
        });
        vec![
            step.day.0.to_string(),
            what.unwrap_or_default(),
            if step.line == 0 { String::new() } else { step.line.to_string() },
            step.unit.clone(),
            Micros(step.amount_micros).to_string(),
            step.words.clone(),
            step.actor.clone(),
        ]
    };
    let header = vec!["Day", "What", "Line", "About", "Amount", "Words", "Who"];
    Sheet { name: "Steps", header, rows: steps.iter().map(row).collect() }
}

fn at(instant: Option<Instant>) -> String {
    instant.map(|at| at.0.to_rfc3339()).unwrap_or_default()
}

fn shipment_sheet(shipments: &[ShipmentRow], more: bool) -> Sheet {
    let row = |row: &ShipmentRow| {
        let money = |micros: Option<i64>| micros.map(|m| Micros(m).to_string()).unwrap_or_default();
        vec![
            row.reference.clone(),
            row.obligation_day.0.to_string(),
            at(row.delivery_window_end),
            at(row.arrived_at),
            at(row.delivered_at),
            money(row.linehaul_micros),
            money(row.freight_micros),
            row.currency.clone().unwrap_or_default(),
            row.delivery_reason.clone().unwrap_or_default(),
            row.pickup_due_day.map(|day| day.0.to_string()).unwrap_or_default(),
            at(row.pickup_window_end),
            at(row.pickup_arrived_at),
            at(row.picked_up_at),
            row.pickup_reason.clone().unwrap_or_default(),
        ]
    };
    let header = vec![
        "Shipment",
        "Due",
        "Window ends, UTC",
        "Arrived, UTC",
        "Delivered, UTC",
        "Linehaul",
        "Freight",
        "Currency",
        "Reason given",
        "Pickup due",
        "Pickup window ends, UTC",
        "Arrived at the pickup, UTC",
        "Left the pickup, UTC",
        "Reason given for the pickup",
    ];
    let mut rows: Vec<Vec<String>> = shipments.iter().map(row).collect();
    rows.extend(more.then(|| more_row("shipments", header.len())));
    Sheet { name: "Shipments", header, rows }
}

fn event_sheet(db: &mut Db, viewer: &Viewer, shipments: &[ShipmentRow]) -> Result<Sheet, DbError> {
    let mut rows = Vec::new();
    for shipment in shipments.iter().take(WITH_EVENTS_MAX) {
        for event in events_of(db, viewer, shipment.partner_id, shipment.id)? {
            rows.push(vec![
                shipment.reference.clone(),
                event.kind.clone(),
                event.event_at.0.to_rfc3339(),
                event.reporter.clone(),
                event.reason.clone().unwrap_or_default(),
            ]);
        }
    }
    let header = vec!["Shipment", "Event", "When, UTC", "Reported by", "Reason"];
    Ok(Sheet { name: "Events", header, rows })
}

fn entry_sheet(db: &mut Db, viewer: &Viewer, partner_id: i64, key: ObligationKey) -> Result<Sheet, DbError> {
    let filter = LedgerFilter { partner_id: Some(partner_id), key: Some(key), ..LedgerFilter::default() };
    let mut rows = Vec::new();
    let mut entries = entry_list(db, viewer, &filter, None, ENTRIES_MAX)?;
    entries.reverse();
    for listed in &entries {
        for line in &listed.entry.lines {
            rows.push(vec![
                listed.entry.posting_date.to_string(),
                listed.entry.reason.label().to_owned(),
                listed.entry.recognition.label().to_owned(),
                line.account.code().to_owned(),
                line.side.label().to_owned(),
                line.amount.to_string(),
                line.currency.to_string(),
                listed.entry.memo.clone(),
            ]);
        }
    }
    let header = vec!["Posted", "Reason", "Goes to", "Account", "Side", "Amount", "Currency", "Memo"];
    Ok(Sheet { name: "Entries", header, rows })
}
