//! A run over the deadlines of assessed items that is killed half-way is run again, and every item was dealt with once.

use chrono::NaiveDate;
use diesel::prelude::*;
use lanemark::app::App;
use lanemark::app::ledger::verify_ledger;
use lanemark::db::ledger::{Accrual, accruals_upsert, entries_insert};
use lanemark::db::schema::{item_steps, job_runs, journal_entries};
use lanemark::db::types::Instant;
use lanemark::domain::clause::{Delta, Obligation, ObligationKey, Reason, Sign};
use lanemark::domain::currency::Currency;
use lanemark::domain::ledger::{
    Booking, ItemState, JournalEntry, Recognition, accrual_entry, assessment_entry,
};
use lanemark::domain::money::Micros;
use lanemark::domain::period::Period;

use crate::support::app::partner;
use crate::support::books::day;
use crate::support::contract::{LATE, contract};
use crate::support::db::on_both;
use crate::support::process::{Desk, wait_for};

/// Partners, and items of each. One partner is one transaction.
const PARTNERS: i64 = 5;
const ITEMS: i64 = 120;
const RUN: [&str; 5] = ["job", "run", "item-deadlines", "--as-of", "2025-07-10"];

/// A contract whose version is `id + 1` and whose clause is `id + 2`, with items that were told on 13 June.
fn told(app: &App, id: i64, partner_id: i64) {
    let db = &mut *app.pool.get().unwrap();
    contract(db, Instant(app.now()), (id, partner_id), &[("7.3", "Late delivery", LATE)]);
    let (period, due): (Period, NaiveDate) = ("2025-05".parse().unwrap(), day("2025-05-14"));
    let amount = Micros(124_000_000);
    let (mut accruals, mut entries): (Vec<Accrual>, Vec<JournalEntry>) = (Vec::new(), Vec::new());
    for event in 1..=ITEMS {
        let key =
            ObligationKey { contract_version_id: id + 1, clause_id: id + 2, of: Obligation::Event(event) };
        let booking = Booking {
            partner_id,
            currency: Currency::USD,
            posting_date: day("2025-06-13"),
            recognition: Recognition::Memo,
            told: false,
            memo: String::new(),
        };
        let delta = Delta {
            key,
            sign: Sign::Penalty,
            delta: amount,
            target: amount,
            reason: Reason::Initial,
            obligation_period: period,
            obligation_day: due,
        };
        entries.push(accrual_entry(&delta, &booking).unwrap());
        entries.push(assessment_entry(key, (period, due), amount, &booking).unwrap());
        accruals.push(Accrual {
            partner_id,
            key,
            period,
            obligation_day: due,
            uncapped: amount,
            target: amount,
            forgone: Micros::ZERO,
            currency: Currency::USD,
            state: ItemState::Assessed,
            assessed_on: Some(day("2025-06-13")),
            steps: vec!["Two days late.".to_owned()],
        });
    }
    let entries: Vec<(i64, &JournalEntry)> = entries.iter().map(|entry| (app.id(), entry)).collect();
    entries_insert(db, &entries, None, app.now()).unwrap();
    accruals_upsert(db, &accruals, None, app.now()).unwrap();
}

#[test]
fn a_killed_run_over_deadlines_deals_with_every_item_once() {
    on_both(|db| {
        let app = db.app();
        for number in 1..=PARTNERS {
            let id = partner(&app, &format!("P{number}"), &format!("Partner {number}"));
            told(&app, number * 1_000, id);
        }
        let desk = Desk::new(&db);
        let mut conn = db.conn();
        let steps =
            |conn: &mut lanemark::db::Db| -> i64 { item_steps::table.count().get_result(conn).unwrap() };
        let entries =
            |conn: &mut lanemark::db::Db| -> i64 { journal_entries::table.count().get_result(conn).unwrap() };
        let before = entries(&mut conn);
        let mut running = desk.start(&RUN, &[]);
        wait_for("the first partner to be done", || {
            (running.has_ended() || steps(&mut conn) > 0).then_some(())
        });
        running.kill();
        // What the server was still committing when its client died may have been kept.
        std::thread::sleep(std::time::Duration::from_millis(300));
        let left = steps(&mut conn);
        assert_eq!(left % ITEMS, 0, "a partner is done whole or not at all: {left}");
        assert_eq!(entries(&mut conn) - before, 2 * left, "and its entries with it");
        // The killed run's lease is let go, as if it had run out.
        diesel::update(job_runs::table).set(job_runs::state.eq("FAILED")).execute(&mut *conn).unwrap();
        desk.run(&RUN).ends(0);
        assert_eq!(steps(&mut conn), PARTNERS * ITEMS);
        assert_eq!(entries(&mut conn) - before, 2 * PARTNERS * ITEMS, "memo out, general ledger in");
        assert_eq!(verify_ledger(&mut conn).unwrap(), []);
    });
}
