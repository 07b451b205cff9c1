//! The evidence of one item in one archive: what the clause says, how the amount came about, the shipments and their events,
//! every step since, and the files that came with them. Both sides get the same, but for what is the shipper's own: its
//! entries and what its people proposed to each other (DOMAIN §9).

use std::io::{Cursor, Write};

use chrono::{DateTime, Utc};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Item, item_show};
use crate::app::accrual::counted::Counted;
use crate::app::evidence::{Part, Pick, Rows, behind};
use crate::db::dispute::ItemStepRow;
use crate::db::evidence::events_of;
use crate::db::exclusion::{Subject, evidence_file_content, evidence_files_of};
use crate::db::ledger::{LedgerFilter, entry_list};
use crate::db::shipment::{ShipmentRow, shipment_by_id};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::clause::{Obligation, ObligationKey};
use crate::domain::kpi::Kpi;
use crate::domain::money::Micros;
use crate::domain::viewer::{Role, Viewer};
use crate::report::sheet::{Sheet, workbook};

/// Shipments listed in one archive, the first by day; the sheet says when there are more.
pub const SHIPMENTS_MAX: usize = 5_000;
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
    let (shipments, more) = shipments_of(db, viewer, &item, now)?;
    let mut sheets = vec![item_sheet(&item), clause_sheet(&item), steps_sheet(&steps)];
    sheets.push(shipment_sheet(&shipments, more));
    sheets.push(event_sheet(db, viewer, &shipments)?);
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

/// The shipments behind an item, and whether there are more.
fn shipments_of(
    db: &mut Db,
    viewer: &Viewer,
    item: &Item,
    now: DateTime<Utc>,
) -> Result<(Vec<ShipmentRow>, bool), DbError> {
    let accrual = &item.row.accrual;
    match accrual.key.of {
        Obligation::Event(id) => {
            let day = Day(accrual.obligation_day);
            let row = shipment_by_id(db, viewer, accrual.partner_id, day, id)?;
            Ok((row.into_iter().collect(), false))
        }
        Obligation::Period(period) => {
            // A clause about volume or spend counts every load.
            let Ok(kpi) = item.row.terms.rule.kpi().map_or(Ok(Kpi::Cps), str::parse::<Kpi>) else {
                return Ok((Vec::new(), false));
            };
            let of = (accrual.partner_id, period, now);
            let pick = if Pick::of(kpi).contains(&Pick::Missed) { Pick::Missed } else { Pick::All };
            let clause = (accrual.key.contract_version_id, Some(accrual.key.clause_id));
            let contract = Counted::read(db, viewer, clause, period, now)?;
            let part = Part { contract, ..Part::default() };
            let found = behind(db, viewer, of, (kpi, pick, &part), (None, SHIPMENTS_MAX))?;
            match found.rows {
                Rows::Shipments(rows) => Ok((rows, found.next.is_some())),
                _ => Ok((Vec::new(), false)),
            }
        }
    }
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
        ]
    };
    let mut rows: Vec<Vec<String>> = shipments.iter().map(row).collect();
    if more {
        let mut last = vec![format!("There are more; the first {SHIPMENTS_MAX} by day are listed")];
        last.resize(9, String::new());
        rows.push(last);
    }
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
    ];
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
