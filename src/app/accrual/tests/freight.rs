//! Freight delivered and not billed through the database, on both engines: DOMAIN §4.5 and §5.

use diesel::prelude::*;

use super::super::freight::differs_on;
use super::{accrue, day, money};
use crate::app::App;
use crate::app::accrual::{AccrualReport, AccrualScope};
use crate::app::books::roll::roll_forward;
use crate::app::expected::tests::{conn, load, partner, refreshed, worked};
use crate::app::invoice::audit_freight;
use crate::app::invoice::terms::{terms_of, terms_set};
use crate::app::ledger::freight::{freight_csv, freight_entry_view, freight_export, freight_view};
use crate::app::ledger::verify_ledger;
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::clock::Clock;
use crate::db::freight::{freight_list, freight_marked_unscoped, freight_sums, lapsed_before_unscoped};
use crate::db::ledger::{LedgerFilter, entry_list};
use crate::db::schema::{freight_accruals, freight_moves};
use crate::db::setting::{BOOKS_CLOSED_THROUGH, setting_set};
use crate::domain::audit::AuditTerms;
use crate::domain::books::roll::{Book, RollRow, net_accrued};
use crate::domain::ledger::{Account, Side};
use crate::domain::viewer::{Role, Viewer};
use crate::feeds::kind::ImportKind;

const NOW: &str = "2025-07-08T09:00:00Z";
const HEAD: &str = "invoice,partner,kind,corrects,issued_on,received_on,shipment,code,category,amount\n";

fn finance() -> Viewer {
    viewer("Karin", Role::Finance)
}

/// Invoices come in and are audited.
fn billed(app: &App, lines: &str) {
    load(app, ImportKind::Invoices, &format!("{HEAD}{lines}"));
    refreshed(app);
    audit_freight(app, None).unwrap();
    refreshed(app);
}

fn run(app: &App, on: &str) -> AccrualReport {
    let report = accrue(app, day(on), AccrualScope::default()).unwrap();
    assert_eq!(report.problems, Vec::new());
    assert_eq!(differs(app, on), Vec::<String>::new());
    report
}

fn differs(app: &App, on: &str) -> Vec<String> {
    differs_on(&mut conn(app), Some(day(on))).unwrap().differences
}

/// The newest entries, oldest first: day, accounts, amount, reason, month.
fn newest(app: &App, count: i64) -> Vec<String> {
    let filter = LedgerFilter::default();
    let mut rows: Vec<String> = entry_list(&mut conn(app), &Viewer::system(), &filter, None, count)
        .unwrap()
        .into_iter()
        .map(|listed| {
            let (of, entry) = (|side| listed.accounts(side)[0].number(), &listed.entry);
            format!(
                "{} {}/{} {} {} {}",
                entry.posting_date.format("%m-%d"),
                of(Side::Debit),
                of(Side::Credit),
                listed.amount(),
                entry.reason,
                entry.obligation_period
            )
        })
        .collect();
    rows.reverse();
    rows
}

fn stands(app: &App) -> (i64, String) {
    let sums = freight_sums(&mut conn(app), &finance(), None).unwrap();
    let sum = sums.get("USD").copied().unwrap_or_default();
    (sum.shipments, sum.amount.to_string())
}

/// The balance of the account is what stands for the shipments.
fn assert_sound(app: &App) {
    let db = &mut *conn(app);
    assert_eq!(verify_ledger(db).unwrap(), Vec::new());
    let view = freight_view(db, &finance(), None, 1, day("2025-07-08")).unwrap();
    let sums: Vec<_> = view.sums.iter().map(|(currency, sum)| (currency.clone(), sum.amount)).collect();
    assert_eq!(sums, view.posted.into_iter().collect::<Vec<_>>());
}

/// Other terms for the invoices of `P1`, since ever.
fn agreed(app: &App, terms: &AuditTerms) {
    let db = &mut *conn(app);
    let partner_id = partner(app, "P1");
    let seen = terms_of(db, &finance(), partner_id, day("2025-07-08")).unwrap().sets.len();
    let set = (day("2025-01-01"), terms, "as written to them", i32::try_from(seen).unwrap());
    terms_set(app, db, &finance(), partner_id, set).unwrap();
}

#[test]
fn freight_is_accrued_when_it_is_delivered_and_taken_back_part_by_part() {
    on_each_engine(NOW, |app| {
        worked(app);
        assert_eq!(run(app, "2025-05-16").freight, 0, "the partner sends no invoices");

        // The linehaul of one load is billed: its fuel stays.
        billed(app, "I-1,P1,,,2025-05-15,2025-05-15,W1-B,400,LINEHAUL,100\n");
        let report = run(app, "2025-05-16");
        assert_eq!((report.freight, report.entries), (4, 1), "{report:?}");
        assert_eq!(newest(app, 9), ["05-16 5100/2020 340.00 INITIAL 2025-05"]);
        assert_eq!(stands(app), (4, "340.00".to_owned()));
        let again = run(app, "2025-05-16");
        assert_eq!((again.entries, again.changed_rows), (0, 0), "twice posts nothing: {again:?}");

        // Two more are delivered after that day.
        assert_eq!(run(app, "2025-05-20").freight, 2);
        assert_eq!(newest(app, 1), ["05-20 5100/2020 220.00 INITIAL 2025-05"]);
        assert_eq!(run(app, "2025-05-21").entries, 0);

        // A second invoice for the same charge, and one that is on hold, change nothing.
        billed(
            app,
            "I-2,P1,,,2025-05-20,2025-05-21,W1-B,400,LINEHAUL,100\n\
             I-3,P1,,,2025-05-20,2025-05-21,NOBODY,400,LINEHAUL,100\n",
        );
        assert_eq!(run(app, "2025-05-21").entries, 0);

        // The rest of the one is billed, and all of another: above what is owed, which is claimed back.
        billed(
            app,
            "I-4,P1,,,2025-05-21,2025-05-22,W1-B,405,FUEL,10\n\
             I-5,P1,,,2025-05-21,2025-05-22,W2-A,400,LINEHAUL,140\n\
             I-5,P1,,,2025-05-21,2025-05-22,W2-A,405,FUEL,10\n",
        );
        run(app, "2025-05-22");
        assert_eq!(newest(app, 1), ["05-22 2020/5100 120.00 REVERSAL 2025-05"]);
        assert_eq!(stands(app), (4, "440.00".to_owned()));

        // A fuel price comes late: two of the loads that are not billed cost 10 more, and one that is was billed 10 short.
        let later = App { clock: Clock::Fixed("2025-07-09T09:00:00Z".parse().unwrap()), ..app.clone() };
        load(&later, ImportKind::Fuel, "index,published_on,price\nDIESEL,2025-05-12,4.10\n");
        refreshed(&later);
        audit_freight(&later, None).unwrap();
        run(&later, "2025-05-23");
        assert_eq!(
            newest(app, 2),
            ["05-23 5100/2020 10.00 INITIAL 2025-05", "05-23 5100/2020 20.00 TRUE_UP 2025-05"]
        );
        assert_sound(app);

        // May is closed: what is billed then posts in June for May.
        setting_set(&mut conn(app), BOOKS_CLOSED_THROUGH, "2025-05-31").unwrap();
        billed(
            app,
            "I-6,P1,,,2025-05-24,2025-05-24,W3-A,400,LINEHAUL,100\n\
             I-6,P1,,,2025-05-24,2025-05-24,W3-A,405,FUEL,10\n",
        );
        run(app, "2025-05-31");
        assert_eq!(newest(app, 1), ["06-01 2020/5100 110.00 REVERSAL 2025-05"]);

        // The rest is billed: nothing stands.
        billed(
            app,
            "I-7,P1,,,2025-06-02,2025-06-02,W1-A,400,LINEHAUL,100\n\
             I-7,P1,,,2025-06-02,2025-06-02,W1-A,405,FUEL,10\n\
             I-7,P1,,,2025-06-02,2025-06-02,W2-B,400,LINEHAUL,100\n\
             I-7,P1,,,2025-06-02,2025-06-02,W2-B,405,FUEL,20\n\
             I-7,P1,,,2025-06-02,2025-06-02,W2-C,400,LINEHAUL,100\n\
             I-7,P1,,,2025-06-02,2025-06-02,W2-C,405,FUEL,20\n\
             I-8,P1,CORRECTION,I-5,2025-06-02,2025-06-02,W2-A,405,FUEL,10\n",
        );
        run(app, "2025-06-03");
        assert_eq!(stands(app), (0, "0.00".to_owned()));
        assert_sound(app);

        // An older day posts nothing behind a later one.
        let older = accrue(app, day("2025-05-20"), AccrualScope::default()).unwrap();
        assert_eq!(older.entries, 0);

        // The roll-forward foots, and freight is no part of what is compared with budgets.
        let db = &mut *conn(app);
        for month in ["2025-05", "2025-06"] {
            let rows = roll_forward(db, &finance(), month.parse().unwrap(), None).unwrap();
            assert_eq!(rows.iter().map(|row| row.book).collect::<Vec<_>>(), [Book::Freight], "{month}");
            assert!(rows.iter().all(RollRow::foots));
            assert_eq!(net_accrued(&rows).len(), 0);
        }
    });
}

#[test]
fn what_an_import_changed_waits_for_its_refresh_before_it_is_called_wrong() {
    on_each_engine(NOW, |app| {
        worked(app);
        billed(app, "I-1,P1,,,2025-05-15,2025-05-15,W1-B,400,LINEHAUL,100\n");
        run(app, "2025-05-16");
        let checked = || differs_on(&mut conn(app), Some(day("2025-05-16"))).unwrap();
        let before = checked().waiting;
        let later = App { clock: Clock::Fixed("2025-07-09T09:00:00Z".parse().unwrap()), ..app.clone() };
        load(
            &later,
            ImportKind::Shipments,
            "reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at,linehaul,freight_total,rated_total\n\
             W2-A,P1,Alpha,Beta,2025-05-13T10:00:00Z,2025-05-14,2025-05-17T10:00:00Z,100,110,\n",
        );
        let after = checked();
        assert_eq!(
            (after.waiting, after.differences),
            (before + 1, Vec::new()),
            "its day waits for a refresh"
        );
        refreshed(&later);
        run(&later, "2025-05-16");
        assert_eq!(
            newest(app, 1),
            ["05-16 2020/5100 110.00 REVERSAL 2025-05"],
            "it was not delivered by then"
        );
        assert_sound(app);
    });
}

#[test]
fn what_was_delivered_in_a_month_that_is_open_stands_in_it_and_goes_when_it_is_billed() {
    on_each_engine(NOW, |app| {
        worked(app);
        billed(app, "I-1,P1,,,2025-05-15,2025-05-15,W1-B,400,LINEHAUL,100\n");
        run(app, "2025-06-01");
        assert_eq!(newest(app, 9), ["05-31 5100/2020 560.00 INITIAL 2025-05"], "the night after");
        assert_eq!(run(app, "2025-06-01").entries, 0);
        assert_eq!(run(app, "2025-05-31").entries, 0, "nor has the day before anything to add");
        assert_eq!(accrue(app, day("2025-05-20"), AccrualScope::default()).unwrap().entries, 0);
        billed(
            app,
            "I-2,P1,,,2025-06-02,2025-06-02,W2-A,400,LINEHAUL,100\n\
             I-2,P1,,,2025-06-02,2025-06-02,W2-A,405,FUEL,10\n",
        );
        run(app, "2025-06-02");
        assert_eq!(newest(app, 1), ["06-02 2020/5100 110.00 REVERSAL 2025-05"], "booked when it comes in");
        assert_sound(app);
    });
}

#[test]
fn a_partner_whose_freight_never_moved_is_begun_with_once_and_verified() {
    on_each_engine(NOW, |app| {
        worked(app);
        billed(
            app,
            "I-1,P1,,,2025-05-07,2025-05-08,W1-A,400,LINEHAUL,100\n\
             I-1,P1,,,2025-05-07,2025-05-08,W1-A,405,FUEL,10\n",
        );
        let waits = |on| differs_on(&mut conn(app), Some(day(on))).unwrap();
        assert_eq!(waits("2025-05-10").looked, 0, "nothing was accrued yet");
        assert_eq!(run(app, "2025-05-10").entries, 0, "its one delivery was billed at once");
        let checked = waits("2025-05-10");
        assert!(checked.looked > 0, "{checked:?}");
        let db = &mut *conn(app);
        let partner_id = partner(app, "P1");
        let ahead = freight_marked_unscoped(db, partner_id).unwrap();
        assert_eq!(checked.waiting, i64::try_from(ahead.len()).unwrap(), "days with deliveries to come");
        assert_eq!(lapsed_before_unscoped(db, partner_id).unwrap(), Some(day("2025-03-11")));
        assert_eq!(run(app, "2025-05-11").entries, 0);
        assert_eq!(lapsed_before_unscoped(db, partner_id).unwrap(), Some(day("2025-03-12")));
    });
}

#[test]
fn what_is_not_billed_in_time_is_taken_back_and_comes_back_with_a_longer_window() {
    on_each_engine(NOW, |app| {
        worked(app);
        billed(app, "I-1,P1,,,2025-05-15,2025-05-15,W1-B,400,LINEHAUL,100\n");
        run(app, "2025-07-06");
        assert_eq!(stands(app), (6, "560.00".to_owned()));
        run(app, "2025-07-07");
        assert_eq!(
            newest(app, 1),
            ["07-07 2020/5100 110.00 REVERSAL 2025-05"],
            "sixty days after the seventh of May"
        );
        agreed(app, &AuditTerms { window_days: 90, ..AuditTerms::default() });
        run(app, "2025-07-08");
        assert_eq!(newest(app, 1), ["07-08 5100/2020 110.00 INITIAL 2025-05"]);
        assert_sound(app);
    });
}

#[test]
fn what_an_invoice_on_hold_keeps_standing_goes_when_the_hold_does() {
    on_each_engine(NOW, |app| {
        worked(app);
        agreed(app, &AuditTerms { proof_required: true, ..AuditTerms::default() });
        billed(
            app,
            "I-1,P1,,,2025-05-15,2025-05-15,W1-A,400,LINEHAUL,100\n\
             I-1,P1,,,2025-05-15,2025-05-15,W1-A,405,FUEL,10\n",
        );
        run(app, "2025-07-06");
        assert_eq!(stands(app), (6, "660.00".to_owned()));
        // Sixty days after its delivery, and the days after: its invoice waits for a proof.
        for on in ["2025-07-07", "2025-07-08"] {
            assert_eq!(run(app, on).entries, 0, "{on}");
        }
        let partner_id = partner(app, "P1");
        assert_eq!(freight_marked_unscoped(&mut conn(app), partner_id).unwrap().len(), 0);
        agreed(app, &AuditTerms::default());
        audit_freight(app, None).unwrap();
        run(app, "2025-07-08");
        assert_eq!(newest(app, 1), ["07-08 2020/5100 110.00 REVERSAL 2025-05"]);
        assert_sound(app);
    });
}

#[test]
fn every_entry_opens_to_its_shipments_and_partners_see_none() {
    on_each_engine(NOW, |app| {
        worked(app);
        billed(app, "I-1,P1,,,2025-05-15,2025-05-15,W1-B,400,LINEHAUL,100\n");
        run(app, "2025-05-16");
        let db = &mut *conn(app);
        let partner_id = partner(app, "P1");
        let own = partner_viewer(partner_id);
        let listed = entry_list(db, &Viewer::system(), &LedgerFilter::default(), None, 9).unwrap().remove(0);
        assert_eq!(
            (listed.entry.memo.as_str(), listed.clause_code.as_str()),
            ("4 shipments delivered and not billed: linehaul 300.00, fuel 40.00", "FREIGHT")
        );
        let key = (partner_id, listed.id);
        let view = freight_entry_view(db, &finance(), key, 1).unwrap().unwrap();
        assert_eq!((view.count, view.parts.total()), (4, money(340)));
        let names: Vec<String> = view.rows.iter().map(|row| row.shipment.clone().unwrap().1).collect();
        assert_eq!(names, ["W1-A", "W1-B", "W2-A", "W2-B"]);
        assert_eq!(view.rows[1].parts.total(), money(10));
        let all = freight_list(db, &finance(), Some(partner_id), (0, 50)).unwrap();
        assert_eq!(all.iter().map(|row| row.parts.total()).sum::<crate::domain::money::Micros>(), money(340));

        let (rows, more) = freight_export(db, &finance(), Some(partner_id)).unwrap();
        let file = String::from_utf8(freight_csv(&rows).unwrap()).unwrap();
        assert_eq!((file.lines().count(), more), (5, false), "{file}");
        assert!(file.contains("W1-B,2025-05-13,2025-05-13,USD,0.00,10.00,0.00,0.00,10.00"), "{file}");

        assert_eq!(freight_sums(db, &own, None).unwrap().len(), 0);
        assert!(freight_export(db, &own, None).unwrap().0.is_empty());
        assert_eq!(freight_list(db, &own, None, (0, 50)).unwrap(), Vec::new());
        assert!(
            freight_entry_view(db, &own, key, 1).unwrap().is_none_or(|view| view.rows.is_empty()),
            "nor the shipments behind an entry"
        );
        assert!(freight_entry_view(db, &partner_viewer(partner_id + 1), key, 1).unwrap().is_none());
        assert!(freight_entry_view(db, &finance(), (partner_id, 1), 1).unwrap().is_none());
    });
}

#[test]
fn a_row_or_a_move_that_was_edited_is_found() {
    on_each_engine(NOW, |app| {
        worked(app);
        billed(app, "I-1,P1,,,2025-05-15,2025-05-15,W1-B,400,LINEHAUL,100\n");
        run(app, "2025-05-16");
        let db = &mut *conn(app);
        diesel::update(freight_accruals::table)
            .filter(freight_accruals::fuel_micros.eq(10_000_000))
            .set(freight_accruals::fuel_micros.eq(11_000_000))
            .execute(db)
            .unwrap();
        assert_eq!(differs(app, "2025-05-16").len(), 8, "each against its entries and against its price");
        diesel::update(freight_accruals::table)
            .set(freight_accruals::fuel_micros.eq(10_000_000))
            .execute(db)
            .unwrap();
        assert_eq!(differs(app, "2025-05-16").len(), 0);
        crate::app::testing::open_history(db, "freight_moves");
        diesel::delete(freight_moves::table.filter(freight_moves::part.eq("FUEL"))).execute(db).unwrap();
        let found = differs(app, "2025-05-16");
        assert_eq!(found.len(), 5, "the entry and its four shipments: {found:?}");
        assert!(
            found.iter().any(|one| one.contains("accrues freight of 340.00, its shipments come to 300.00"))
        );
        let posted = crate::db::ledger::trial_balance(db, &finance(), None, day("2025-05-31")).unwrap();
        let currency = crate::domain::currency::Currency::USD;
        assert_eq!(posted.balance(currency, Account::FreightAccrued), money(340));
    });
}
