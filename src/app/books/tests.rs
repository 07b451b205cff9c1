//! The books through the database, on both engines: what a closed month refuses, that batches never overlap, that balances
//! foot, and that the chain tells any change.

use chrono::NaiveDate;
use diesel::prelude::*;
use rand::RngExt as _;
use rand::SeedableRng as _;

use super::chain::chain_problems;
use super::close::*;
use super::export::{ExportFormat, batch_file, batch_make, batch_view, batches_differ};
use super::layout::{layout_preview, layout_set};
use super::reconcile::reconciliation;
use super::roll::{roll_forward, roll_sheet};
use super::{budget, chart, open_month};
use crate::app::App;
use crate::app::edit::EditError;
use crate::app::testing::{carrier, on_each_engine, open_history, viewer};
use crate::db::books::{close_list, closed_through};
use crate::db::dialect::write_tx;
use crate::db::job::{JobRunRow, job_run_insert};
use crate::db::ledger::{Accrual, accruals_upsert, entries_insert};
use crate::db::schema::{
    accruals, export_batches, export_entries, export_months, imports, journal_entries, journal_lines,
    journal_months, period_closes,
};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::books::batch::Batch;
use crate::domain::books::chart::Called;
use crate::domain::books::close::{StepKind, StepState};
use crate::domain::books::layout::EXAMPLE;
use crate::domain::books::month_of;
use crate::domain::books::roll::{Book, RollRow, totals};
use crate::domain::clause::{Delta, Obligation, ObligationKey, Reason, Sign};
use crate::domain::currency::Currency;
use crate::domain::ledger::{
    Account, Booking, ItemState, JournalEntry, Recognition, accrual_entry, assessment_entry,
};
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::viewer::{Role, Viewer};

const NOW: &str = "2025-07-08T06:10:00Z";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn month(text: &str) -> Period {
    text.parse().unwrap()
}

fn finance(name: &str) -> Viewer {
    viewer(name, Role::Finance)
}

fn controller(name: &str) -> Viewer {
    viewer(name, Role::Controller)
}

fn key(item: i64) -> ObligationKey {
    ObligationKey { contract_version_id: 1, clause_id: 2, of: Obligation::Event(item) }
}

fn booking(partner_id: i64, on: &str, recognition: Recognition) -> Booking {
    Booking {
        partner_id,
        currency: Currency::USD,
        posting_date: day(on),
        recognition,
        told: false,
        memo: "2 business days late; 5 % a day.".to_owned(),
    }
}

fn entry(item: i64, cents: i64, sign: Sign, reason: Reason, booking: &Booking) -> JournalEntry {
    let delta = Delta {
        key: key(item),
        sign,
        delta: Micros(cents * 10_000),
        target: Micros(cents * 10_000),
        reason,
        obligation_period: month_of(booking.posting_date),
        obligation_day: booking.posting_date,
    };
    accrual_entry(&delta, booking).unwrap()
}

fn try_post(app: &App, entries: &[JournalEntry]) -> Result<(), DbError> {
    let db = &mut *app.pool.get().unwrap();
    let named: Vec<(i64, &JournalEntry)> = entries.iter().map(|entry| (app.id(), entry)).collect();
    write_tx(db, |db| entries_insert(db, &named, None, app.now()))
}

/// Posts one item of a partner, with the row of what it comes to.
fn post(app: &App, partner_id: i64, item: i64, cents: i64, on: &str, recognition: Recognition) {
    let sign = if recognition == Recognition::Gl { Sign::Bonus } else { Sign::Penalty };
    let one = entry(item, cents, sign, Reason::Initial, &booking(partner_id, on, recognition));
    try_post(app, std::slice::from_ref(&one)).unwrap();
    let accrual = Accrual {
        partner_id,
        key: key(item),
        period: one.obligation_period,
        obligation_day: one.obligation_day,
        uncapped: Micros(cents * 10_000),
        target: Micros(cents * 10_000),
        forgone: Micros::ZERO,
        currency: Currency::USD,
        state: ItemState::Accrued,
        assessed_on: None,
        steps: vec!["2 business days late.".to_owned()],
    };
    accruals_upsert(&mut app.pool.get().unwrap(), &[accrual], None, app.now()).unwrap();
}

fn imported(app: &App, id: i64, name: &str, at: &str, state: &str, rejected: i64) {
    diesel::insert_into(imports::table)
        .values((
            imports::id.eq(id),
            imports::kind.eq("SHIPMENTS"),
            imports::file_name.eq(name),
            imports::mapping.eq("own"),
            imports::state.eq(state),
            imports::started_at.eq(Instant(at.parse().unwrap())),
            imports::finished_at.eq((state != "RUNNING").then_some(Instant(at.parse().unwrap()))),
            imports::rows_rejected.eq(rejected),
        ))
        .execute(&mut *app.pool.get().unwrap())
        .unwrap();
}

fn accrued_as_of(app: &App, at: &str) {
    let at = Instant(at.parse().unwrap());
    let row = JobRunRow {
        id: app.id(),
        job: crate::app::accrual::ACCRUAL_JOB.to_owned(),
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
        changed_rows: 1,
        summary: String::new(),
        details: String::new(),
        error: String::new(),
    };
    job_run_insert(&mut app.pool.get().unwrap(), &row).unwrap();
}

/// A carrier with a credit in May and one in June, and everything that a close of May asks for.
fn world(app: &App) {
    carrier(app, 7, "BRCK");
    post(app, 7, 1, 12_400, "2025-05-16", Recognition::Memo);
    post(app, 7, 2, 20_000, "2025-06-12", Recognition::Memo);
    imported(app, 1, "loads.csv", "2025-07-03T05:00:00Z", "DONE", 0);
    accrued_as_of(app, "2025-07-01T02:14:00Z");
}

fn close(app: &App, by: &Viewer, of: &str) -> Result<(), EditError> {
    reperform(app, by, month(of))?;
    close_month(app, by, month(of)).map(drop)
}

fn look(app: &App, of: &str) -> CloseView {
    close_view(app, &mut app.pool.get().unwrap(), &finance("K. Brandt"), Some(month(of))).unwrap()
}

#[test]
fn months_close_in_order_and_refuse_what_comes_after_twice() {
    on_each_engine(NOW, |app| {
        world(app);
        let brandt = controller("K. Brandt");
        let told = close_month(app, &brandt, month("2025-06")).unwrap_err().to_string();
        assert!(told.starts_with("May 2025 is not closed yet"), "{told}");
        let told = close_month(app, &brandt, month("2025-05")).unwrap_err().to_string();
        assert!(told.contains("sub-ledger re-performed: not done yet"), "{told}");
        close(app, &brandt, "2025-05").unwrap();
        close(app, &brandt, "2025-06").unwrap();
        let told = close(app, &brandt, "2025-06").unwrap_err().to_string();
        assert!(told.contains("never opened again") && told.contains("July 2025"), "{told}");
        let told = close(app, &brandt, "2025-07").unwrap_err().to_string();
        assert!(told.contains("still runs"), "{told}");
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Controller) {
            let refused = close_month(app, &viewer("x", role), month("2025-07"));
            assert!(matches!(refused, Err(EditError::Denied { .. })), "{role:?}");
        }

        // The application says what to do; the database refuses whoever goes around it.
        let late =
            entry(3, 100, Sign::Penalty, Reason::Initial, &booking(7, "2025-06-30", Recognition::Memo));
        let refused = try_post(app, std::slice::from_ref(&late));
        assert!(matches!(refused, Err(DbError::PeriodClosed { .. })), "{refused:?}");
        let db = &mut *app.pool.get().unwrap();
        assert_eq!(closed_through(db).unwrap(), Some(day("2025-06-30")));
        assert_eq!(open_month(db, day("2025-07-08")).unwrap(), month("2025-07"));
        let raw = |id: i64, on: &str| {
            (
                journal_entries::partner_id.eq(7_i64),
                journal_entries::id.eq(id),
                journal_entries::obligation_key.eq("cv:1/cl:2/ev:3"),
                journal_entries::contract_version_id.eq(1_i64),
                journal_entries::clause_id.eq(2_i64),
                journal_entries::period.eq("2025-06"),
                journal_entries::obligation_day.eq(Day(day("2025-06-30"))),
                journal_entries::posting_day.eq(Day(day(on))),
                journal_entries::reason.eq("INITIAL"),
                journal_entries::recognition.eq("MEMO"),
                journal_entries::memo.eq(""),
                journal_entries::created_at.eq(Instant(app.now())),
            )
        };
        let slipped = diesel::insert_into(journal_entries::table).values(raw(5, "2025-06-30")).execute(db);
        assert!(slipped.unwrap_err().to_string().contains("accounting period is closed"));
        let changed = diesel::delete(period_closes::table).execute(db);
        assert!(changed.unwrap_err().to_string().contains("is a history"));
        assert_eq!(close_list(db).unwrap().len(), 2);

        // What comes later posts in the first open month and keeps the period of its obligation.
        let mut next = late;
        next.posting_date = day("2025-07-01");
        try_post(app, &[next]).unwrap();
    });
}

#[test]
fn what_is_left_is_told_and_passed_over_only_by_two() {
    on_each_engine(NOW, |app| {
        world(app);
        let (brandt, amari) = (controller("K. Brandt"), controller("D. Amari"));
        imported(app, 2, "events.csv", "2025-06-02T05:00:00Z", "DONE", 12);
        reperform(app, &brandt, month("2025-05")).unwrap();
        let state = |of: &str, kind: StepKind| {
            let view = look(app, of);
            view.steps.into_iter().find(|step| step.kind == kind).unwrap()
        };
        let facts = state("2025-05", StepKind::Facts);
        assert_eq!(facts.finding, "12 rows refused in 1 file");
        let told = close_month(app, &brandt, month("2025-05")).unwrap_err().to_string();
        assert!(told.contains("12 rows refused in 1 file (correct the rows"), "{told}");

        let ask = |reason: &str| override_ask(app, &brandt, month("2025-05"), StepKind::Facts, reason);
        assert!(matches!(ask("  "), Err(EditError::Invalid(_))));
        ask("They are of another shipper.").unwrap();
        assert!(ask("Again.").is_err(), "it waits already");
        let nothing = override_ask(app, &brandt, month("2025-05"), StepKind::Accrued, "Why not.");
        assert!(nothing.unwrap_err().to_string().contains("nothing is left"), "it is done");
        let id = look(app, "2025-05").overrides[0].id;
        let denied = override_decide(app, &finance("P. Tell"), id, true, "");
        assert!(matches!(denied, Err(EditError::Denied { .. })), "{denied:?}");
        let own = override_decide(app, &brandt, id, true, "").unwrap_err().to_string();
        assert!(own.contains("you asked for this yourself"), "{own}");
        assert!(close_month(app, &brandt, month("2025-05")).is_err(), "nobody approved it");
        override_decide(app, &amari, id, true, "Seen the rows.").unwrap();
        assert!(override_decide(app, &amari, id, false, "").is_err(), "decided once");
        assert_eq!(state("2025-05", StepKind::Facts).state, StepState::Overridden);
        close_month(app, &brandt, month("2025-05")).unwrap();
        let (row, steps) = look(app, "2025-05").closed.unwrap();
        assert_eq!(row.closed_by, "K. Brandt");
        assert_eq!(steps[0].passed, "K. Brandt asked, D. Amari approved: They are of another shipper.");

        // Loaded again without refused rows, the file stands in nobody's way.
        imported(app, 3, "events.csv", "2025-07-04T05:00:00Z", "DONE", 0);
        assert_eq!(state("2025-06", StepKind::Facts).state, StepState::Done);
        // Whatever is posted makes a re-performance out of date.
        reperform(app, &brandt, month("2025-06")).unwrap();
        post(app, 7, 4, 100, "2025-06-20", Recognition::Memo);
        assert_eq!(state("2025-06", StepKind::Reperformed).finding, "entries were posted since");
        // A dispute that waits, and what is not exported yet.
        diesel::update(accruals::table.filter(accruals::obligation_key.eq(key(4).to_string())))
            .set(accruals::updated_at.eq(Instant(app.now())))
            .execute(&mut *app.pool.get().unwrap())
            .unwrap();
        post(app, 7, 5, 64_000, "2025-06-30", Recognition::Gl);
        assert_eq!(state("2025-06", StepKind::Exported).finding, "1 entry not exported");
        batch_make(app, &brandt, Some(day("2025-06-30"))).unwrap();
        assert_eq!(state("2025-06", StepKind::Exported).state, StepState::Done);
        let own = close(app, &brandt, "2025-06").unwrap_err().to_string();
        assert_eq!(
            own,
            "you made export batch 1, which holds entries of June 2025; whoever exports a month does not close it, so another controller must"
        );
        assert_eq!(close_list(&mut app.pool.get().unwrap()).unwrap().len(), 1, "nothing was closed");
        close(app, &amari, "2025-06").unwrap();
    });
}

#[test]
fn whoever_closed_a_month_does_not_export_it() {
    on_each_engine(NOW, |app| {
        world(app);
        post(app, 7, 3, 5_000, "2025-05-20", Recognition::Gl);
        let (brandt, priya) = (controller("K. Brandt"), finance("P. Tell"));
        reperform(app, &priya, month("2025-05")).unwrap();
        override_ask(app, &priya, month("2025-05"), StepKind::Exported, "It goes out with June.").unwrap();
        let id = look(app, "2025-05").overrides[0].id;
        // Whoever asked as finance does not decide as a controller.
        let risen = Viewer { role: Role::Controller, ..priya.clone() };
        let own = override_decide(app, &risen, id, true, "").unwrap_err().to_string();
        assert!(own.contains("you asked for this yourself"), "{own}");
        override_decide(app, &brandt, id, true, "").unwrap();
        close_month(app, &brandt, month("2025-05")).unwrap();
        let own = batch_make(app, &brandt, None).unwrap_err().to_string();
        assert_eq!(
            own,
            "you closed May 2025, which this batch holds entries of; whoever closes a month does not export it, so somebody else must"
        );
        assert_eq!(batch_make(app, &priya, None).unwrap().entries, 1);
    });
}

/// Random histories of several partners, with moves between accounts and corrections, in May to July.
fn history(app: &App, seed: u64, entries: usize) {
    let mut dice = rand::rngs::StdRng::seed_from_u64(seed);
    for (id, code) in [(7, "BRCK"), (8, "FENN"), (9, "ISLE")] {
        carrier(app, id, code);
    }
    let mut all = Vec::new();
    for item in 0..i64::try_from(entries).unwrap() {
        let partner_id = dice.random_range(7..10);
        let on = format!("2025-0{}-{:02}", dice.random_range(5..8), dice.random_range(1..7));
        let recognition = if dice.random_bool(0.5) { Recognition::Gl } else { Recognition::Memo };
        let sign = if dice.random_bool(0.3) { Sign::Bonus } else { Sign::Penalty };
        let mut cents = dice.random_range(1..500_000);
        let told = dice.random_bool(0.3);
        let mut booking = booking(partner_id, &on, recognition);
        booking.told = told;
        booking.currency = if dice.random_bool(0.8) { Currency::USD } else { Currency::EUR };
        let reason = *[
            Reason::Initial,
            Reason::Accrual,
            Reason::TrueUp,
            Reason::Reversal,
            Reason::CapReallocation,
            Reason::Dispute,
            Reason::Recognition,
        ]
        .get(dice.random_range(0..7))
        .unwrap();
        if dice.random_bool(0.3) {
            cents = -cents;
        }
        all.push(entry(item, cents, sign, reason, &booking));
        if dice.random_bool(0.2) {
            let of = (month_of(booking.posting_date), booking.posting_date);
            all.push(assessment_entry(key(item), of, Micros(10_000), &booking).unwrap());
        }
    }
    for some in all.chunks(7) {
        try_post(app, some).unwrap();
    }
}

#[test]
fn balances_foot_over_random_histories_and_open_where_they_closed() {
    for seed in [1, 2] {
        on_each_engine(NOW, |app| {
            history(app, seed, 60);
            let db = &mut *app.pool.get().unwrap();
            let system = Viewer::system();
            let mut closed: Vec<RollRow> = Vec::new();
            for of in ["2025-05", "2025-06", "2025-07"] {
                let rows = roll_forward(db, &system, month(of), None).unwrap();
                assert!(rows.iter().all(RollRow::foots));
                for row in &rows {
                    let own = |one: &&RollRow| {
                        (one.book, one.currency, one.partner_id) == (row.book, row.currency, row.partner_id)
                    };
                    let before = closed.iter().find(own).map_or(Micros::ZERO, |one| one.roll.closing());
                    assert_eq!(row.roll.opening, before, "{of} {row:?}");
                }
                closed = rows;
            }
            // The closing balances are those of the lines.
            let trial = crate::db::ledger::trial_balance(db, &system, None, day("2025-07-31")).unwrap();
            for (book, currency, roll, _) in totals(&closed) {
                let lines: Micros =
                    book.accounts().iter().map(|account| trial.balance(currency, *account)).sum();
                assert_eq!(roll.closing(), lines, "{book} {currency}");
            }
            let of_one = roll_forward(db, &system, month("2025-06"), Some(8)).unwrap();
            assert!(!of_one.is_empty() && of_one.iter().all(|row| row.partner_id == 8));
            let hidden = crate::app::testing::partner_viewer(8);
            assert!(
                roll_forward(db, &hidden, month("2025-06"), Some(7)).unwrap().is_empty(),
                "another partner's"
            );
            let sheet = roll_sheet(month("2025-06"), &of_one, &[(8, "Fennmark".to_owned())].into());
            assert!(sheet.rows.iter().all(|row| row.len() == sheet.header.len() && row[12] == "yes"));
            assert_eq!(chain_problems(db).unwrap().1, [""; 0]);
        });
    }
}

#[test]
fn batches_never_overlap_and_come_again_byte_for_byte() {
    on_each_engine(NOW, |app| {
        history(app, 3, 50);
        let brandt = finance("K. Brandt");
        let mut seen = std::collections::BTreeSet::new();
        let mut last: Option<(i32, Vec<u8>, Vec<u8>)> = None;
        for through in ["2025-05-03", "2025-05-31", "2025-06-04", "2025-07-08"] {
            let row = batch_make(app, &brandt, Some(day(through))).unwrap();
            let db = &mut *app.pool.get().unwrap();
            let (_, batch) = batch_view(db, &brandt, row.batch).unwrap();
            for line in &batch.lines {
                assert!(line.posted <= day(through));
                assert!(seen.insert((line.entry, line.line)), "{} is in two batches", line.entry);
            }
            let debit: i64 = batch
                .lines
                .iter()
                .filter_map(|line| line.on(crate::domain::ledger::Side::Debit))
                .map(|m| m.0)
                .sum();
            let credit: i64 = batch
                .lines
                .iter()
                .filter_map(|line| line.on(crate::domain::ledger::Side::Credit))
                .map(|m| m.0)
                .sum();
            assert_eq!(debit, credit);
            let mut file = |format| batch_file(db, &brandt, row.batch, format, None).unwrap().bytes;
            let (csv, xlsx) = (file(ExportFormat::Csv), file(ExportFormat::Xlsx));
            assert_eq!((file(ExportFormat::Csv), file(ExportFormat::Xlsx)), (csv.clone(), xlsx.clone()));
            assert_eq!(
                crate::domain::digest::sha256(file(ExportFormat::Json)),
                row.content_sha256,
                "what is handed out is what was written"
            );
            last = Some((row.batch, csv, xlsx));
        }
        let nothing = batch_make(app, &brandt, None).unwrap_err().to_string();
        assert!(nothing.contains("is not exported yet"), "{nothing}");
        assert!(matches!(batch_make(app, &brandt, Some(day("2025-07-09"))), Err(EditError::Invalid(_))));
        let db = &mut *app.pool.get().unwrap();
        let gl: i64 = journal_entries::table
            .filter(journal_entries::recognition.eq("GL"))
            .count()
            .get_result(db)
            .unwrap();
        let out: i64 = export_entries::table.count().get_result(db).unwrap();
        assert_eq!(gl, out, "all of it went out, once");

        // Accounts that are called otherwise later change no batch that was made before.
        let (number, csv, _) = last.unwrap();
        let called = Called { number: "9-1410".to_owned(), name: "Claims".to_owned() };
        assert_eq!(chart::chart_set(app, db, &brandt, &[(Account::CreditContraFreight, called)]).unwrap(), 1);
        assert_eq!(batch_file(db, &brandt, number, ExportFormat::Csv, None).unwrap().bytes, csv);
        let no_layout = batch_file(db, &brandt, number, ExportFormat::Journal, None).unwrap_err().to_string();
        assert!(no_layout.contains("no layout"), "{no_layout}");
        assert!(layout_preview(db, &brandt, EXAMPLE).unwrap().unwrap().starts_with("Company;Posting date"));
        assert!(matches!(layout_set(app, db, &brandt, "decimal = 1"), Err(EditError::Invalid(_))));
        assert_eq!(layout_set(app, db, &brandt, EXAMPLE).unwrap(), 1);
        assert_eq!(layout_set(app, db, &brandt, EXAMPLE).unwrap(), 1, "the same again");
        let journal = batch_file(db, &brandt, number, ExportFormat::Journal, None).unwrap();
        assert!(journal.name.ends_with(".txt") && journal.bytes.starts_with(b"Company;"));

        let (rows, _) = reconciliation(db, &brandt).unwrap();
        assert!(!rows.is_empty() && rows.iter().all(|row| row.difference() == Micros::ZERO));
        assert_eq!(batches_differ(db).unwrap(), (4, Vec::new()));
        // What is not explained is told by month and account.
        open_history(db, "export_months");
        let credits = export_months::table.filter(export_months::side.eq("CR"));
        diesel::update(credits.filter(export_months::month.eq("2025-06")))
            .set(export_months::amount_micros.eq(export_months::amount_micros + 1))
            .execute(db)
            .unwrap();
        let (rows, _) = reconciliation(db, &brandt).unwrap();
        let off: Vec<_> = rows.iter().filter(|row| row.difference() != Micros::ZERO).collect();
        assert!(!off.is_empty() && off.iter().all(|row| row.month == month("2025-06")), "{off:?}");
        // A batch cannot be changed; whoever may change the schema is found.
        assert!(diesel::delete(export_batches::table).execute(db).is_err());
        open_history(db, "export_batches");
        let content: String =
            export_batches::table.find(2).select(export_batches::content).first(db).unwrap();
        let mut batch: Batch = serde_json::from_str(&content).unwrap();
        batch.lines[0].amount_micros += 1;
        diesel::update(export_batches::table.find(2))
            .set(export_batches::content.eq(batch.to_json()))
            .execute(db)
            .unwrap();
        assert!(batches_differ(db).unwrap().1[0].contains("export batch 2"));
        assert!(batch_view(db, &brandt, 2).is_err());
    });
}

fn tamper(app: &App, change: impl Fn(&mut Db)) -> Vec<String> {
    let db = &mut *app.pool.get().unwrap();
    change(db);
    chain_problems(db).unwrap().1
}

#[test]
fn a_change_anywhere_in_the_ledger_is_found() {
    on_each_engine(NOW, |app| {
        history(app, 4, 30);
        let mut all: Vec<(i64, i64)> = journal_entries::table
            .order((journal_entries::partner_id, journal_entries::id))
            .select((journal_entries::partner_id, journal_entries::id))
            .load(&mut *app.pool.get().unwrap())
            .unwrap();
        let (partner_id, id) = all.remove(2);
        let named = format!("partner {partner_id}, entry {id}:");
        {
            let db = &mut *app.pool.get().unwrap();
            open_history(db, "journal_entries");
            open_history(db, "journal_lines");
        }
        let found = tamper(app, |db| {
            diesel::update(journal_entries::table.find((partner_id, id)))
                .set(journal_entries::memo.eq("nothing to see"))
                .execute(db)
                .unwrap();
        });
        assert!(found.len() == 1 && found[0].starts_with(&named), "{found:?}");
        let found = tamper(app, |db| {
            let lines = journal_lines::table.filter(journal_lines::entry_id.eq(id));
            diesel::update(lines).set(journal_lines::amount_micros.eq(1)).execute(db).unwrap();
        });
        assert!(found[0].starts_with(&named) && found.len() == 3, "its sums differ too: {found:?}");
        let found = tamper(app, |db| {
            diesel::delete(journal_lines::table.filter(journal_lines::entry_id.eq(id))).execute(db).unwrap();
            diesel::delete(journal_entries::table.find((partner_id, id))).execute(db).unwrap();
        });
        assert!(found[0].starts_with(&named) && found[0].contains("is gone"), "{found:?}");
        // The sums of months are derived; a changed one is found by the lines.
        let found = tamper(app, |db| {
            diesel::update(journal_months::table)
                .set(journal_months::amount_micros.eq(journal_months::amount_micros + 1))
                .execute(db)
                .unwrap();
        });
        assert!(found.iter().any(|words| words.contains("is kept as")), "{found:?}");
    });
}

#[test]
fn entries_from_before_chains_were_kept_are_sealed_with_the_next() {
    on_each_engine(NOW, |app| {
        history(app, 5, 20);
        {
            // As an installation is after the update: entries, and no seal.
            let db = &mut *app.pool.get().unwrap();
            open_history(db, "journal_seals");
            diesel::delete(crate::db::schema::journal_seals::table).execute(db).unwrap();
            assert_eq!(crate::db::books::chain_unsealed(db).unwrap(), [7, 8, 9]);
            assert_eq!(chain_problems(db).unwrap().1, [""; 0]);
        }
        post(app, 8, 900, 100, "2025-07-07", Recognition::Memo);
        let db = &mut *app.pool.get().unwrap();
        assert_eq!(crate::db::books::chain_unsealed(db).unwrap(), [7, 9]);
        crate::app::accrual::accrue(app, day("2025-07-08"), Default::default()).unwrap();
        assert_eq!(crate::db::books::chain_unsealed(db).unwrap(), [0_i64; 0]);
        assert_eq!(chain_problems(db).unwrap().1, [""; 0]);
    });
}

#[test]
fn budgets_stand_beside_what_was_accrued() {
    on_each_engine(NOW, |app| {
        world(app);
        let brandt = finance("K. Brandt");
        let db = &mut *app.pool.get().unwrap();
        let mut set = |text: &str| budget::budget_set(app, db, &brandt, text);
        let wrong = set("BRCK; 2025-06; 100\nNOBODY; 2025-06; 1\nBRCK; June; 1").unwrap_err();
        let EditError::Invalid(errors) = wrong else { panic!("{wrong}") };
        assert_eq!(errors[0].1, "line 2: there is no partner NOBODY; and 1 more");
        assert_eq!(set("BRCK; 2025-05; 150.00\nPartner BRCK\t2025-06\t-20").unwrap(), 2);
        assert_eq!(set("BRCK; 2025-06; -20.00").unwrap(), 0, "the same again");
        assert_eq!(set("BRCK; 2025-06; 180").unwrap(), 1);
        let view = budget::budget_view(db, &brandt, month("2025-06")).unwrap();
        let line = &view.lines[0];
        assert_eq!((line.month.budget, line.month.accrued), (Some(Micros(180_000_000)), Micros(200_000_000)));
        assert_eq!(line.month.beyond(), Some(Micros(20_000_000)));
        assert_eq!((line.year.budget, line.year.accrued), (Some(Micros(330_000_000)), Micros(324_000_000)));
        assert_eq!(view.history.len(), 3);
        let book = roll_forward(db, &brandt, month("2025-06"), None).unwrap();
        assert_eq!((book[0].book, book[0].roll.opening), (Book::Credits, Micros(124_000_000)));
    });
}
