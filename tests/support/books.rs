//! Books for a test: entries with what they come to, and the facts that a close asks for.

use chrono::NaiveDate;
use diesel::prelude::*;
use lanemark::app::App;
use lanemark::app::accrual::ACCRUAL_JOB;
use lanemark::db::DbError;
use lanemark::db::dialect::write_tx;
use lanemark::db::job::{JobRunRow, job_run_insert};
use lanemark::db::ledger::{Accrual, accruals_upsert, entries_insert};
use lanemark::db::schema::imports;
use lanemark::db::types::Instant;
use lanemark::domain::books::month_of;
use lanemark::domain::clause::{Delta, Obligation, ObligationKey, Reason, Sign};
use lanemark::domain::currency::Currency;
use lanemark::domain::ledger::{Booking, ItemState, JournalEntry, Recognition, accrual_entry};
use lanemark::domain::money::Micros;

/// A day.
pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A bonus that counts in the general ledger: as many cents as `item`, and one.
pub fn entry(partner_id: i64, item: i64, on: &str) -> JournalEntry {
    let on = day(on);
    let key = ObligationKey { contract_version_id: 1, clause_id: 2, of: Obligation::Event(item) };
    let delta = Delta {
        key,
        sign: Sign::Bonus,
        delta: Micros(item * 10_000 + 10_000),
        target: Micros(item * 10_000 + 10_000),
        reason: Reason::Initial,
        obligation_period: month_of(on),
        obligation_day: on,
    };
    let booking = Booking {
        partner_id,
        currency: Currency::USD,
        posting_date: on,
        recognition: Recognition::Gl,
        told: false,
        memo: "98.7 % is 98.5 % or more: 1 % of what was spent.".to_owned(),
    };
    accrual_entry(&delta, &booking).unwrap()
}

/// Posts entries and what they come to, in one transaction.
pub fn post(app: &App, entries: &[JournalEntry]) -> Result<(), DbError> {
    let db = &mut *app.pool.get().unwrap();
    let named: Vec<(i64, &JournalEntry)> = entries.iter().map(|entry| (app.id(), entry)).collect();
    let rows: Vec<Accrual> = entries
        .iter()
        .map(|entry| Accrual {
            partner_id: entry.partner_id,
            key: entry.key,
            period: entry.obligation_period,
            obligation_day: entry.obligation_day,
            uncapped: entry.lines[0].amount,
            target: entry.lines[0].amount,
            forgone: Micros::ZERO,
            currency: Currency::USD,
            state: ItemState::Accrued,
            assessed_on: None,
            steps: vec!["In time.".to_owned()],
        })
        .collect();
    write_tx(db, |db| {
        entries_insert(db, &named, None, app.now())?;
        accruals_upsert(db, &rows, None, app.now())
    })
}

/// A file that came in and an accrual that ran early on 3 June 2025, so that May can be closed, or at another instant.
pub fn facts_in(app: &App, at: &str) {
    let conn = &mut *app.pool.get().unwrap();
    let at = Instant(at.parse().unwrap());
    diesel::insert_into(imports::table)
        .values((
            imports::id.eq(1_i64),
            imports::kind.eq("SHIPMENTS"),
            imports::file_name.eq("loads.csv"),
            imports::mapping.eq("own"),
            imports::state.eq("DONE"),
            imports::started_at.eq(at),
            imports::finished_at.eq(Some(at)),
        ))
        .execute(conn)
        .unwrap();
    let run = JobRunRow {
        id: 2,
        job: ACCRUAL_JOB.to_owned(),
        scope: "all".to_owned(),
        due_at: at,
        as_of: at,
        period: String::new(),
        state: "DONE".to_owned(),
        trigger_kind: "SCHEDULE".to_owned(),
        requested_by: "scheduler".to_owned(),
        node: String::new(),
        attempt: 1,
        lease_until: at,
        started_at: at,
        finished_at: Some(at),
        changed_rows: 0,
        summary: String::new(),
        details: String::new(),
        error: String::new(),
    };
    job_run_insert(conn, &run).unwrap();
}
