//! From accrued to assessed: when, what is booked, who is told, and what a later change does.

use super::*;
use crate::app::accrual::assess::{AssessmentReport, assess};
use crate::db::ledger::{PartnerCredit, partner_credit_days, partner_credit_sums};
use crate::db::schema::{mails, partners};

fn told(app: &App) {
    diesel::update(partners::table.find(PARTNER))
        .set(partners::contact_email.eq("claims@brackwater.example"))
        .execute(&mut *app.pool.get().unwrap())
        .unwrap();
}

/// Runs the day twice; the second time nothing may change.
fn run_assess(app: &App, as_of: &str) -> AssessmentReport {
    let report = assess(app, day(as_of), None).unwrap();
    let again = assess(app, day(as_of), None).unwrap();
    assert_eq!((again.items, again.changed_rows), (0, 0), "a second run on {as_of}");
    assert_eq!(verify_ledger(&mut app.pool.get().unwrap()).unwrap(), []);
    report
}

fn own(app: &App) -> Vec<PartnerCredit> {
    let db = &mut *app.pool.get().unwrap();
    let always = (day("2020-01-01"), day("2100-01-01"));
    let listed = partner_credit_list(db, &partner_viewer(PARTNER), PARTNER, always, 100).unwrap();
    let days = partner_credit_days(db, &partner_viewer(PARTNER), PARTNER).unwrap();
    assert_eq!(days.is_empty(), listed.is_empty());
    let sums = partner_credit_sums(db, &partner_viewer(PARTNER), PARTNER).unwrap();
    assert!(!listed.is_empty() || sums.is_empty(), "{sums:?}");
    listed
}

fn assessed(app: &App) -> String {
    let db = &mut *app.pool.get().unwrap();
    let balance = trial_balance(db, &Viewer::system(), None, day("2026-01-01")).unwrap();
    balance.balance(Currency::USD, Account::CreditAssessed).to_string()
}

/// DOMAIN P6 up to the assessment, with a true-up and a reversal after it.
#[test]
fn a_final_month_is_assessed_once_and_changes_where_it_stands() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        told(app);
        late(app, 1, "2025-05-14", Some("2025-05-16T10:00:00Z"), Some(1_240));
        late(app, 2, "2025-06-10", Some("2025-06-12T10:00:00Z"), Some(1_000));
        run(app, "2025-06-12");
        // Business day 10 of June is the 13th.
        assert_eq!(run_assess(app, "2025-06-12"), AssessmentReport::default());
        assert_eq!(own(app), []);
        let report = run_assess(app, "2025-06-13");
        assert_eq!((report.partners, report.items, report.entries, report.mails), (1, 1, 1, 1));
        {
            let db = &mut *app.pool.get().unwrap();
            assert_eq!(entries(db).last().unwrap(), "06-13 1420/1410 124.00 ASSESSMENT");
            let sent: Vec<(String, String)> =
                mails::table.select((mails::recipient, mails::text_body)).load(db).unwrap();
            assert_eq!(sent.len(), 1);
            assert_eq!(sent[0].0, "claims@brackwater.example");
            assert!(
                sent[0].1.contains("May 2025: service credit under clause 7.3, Late delivery, 1 shipment")
            );
            assert!(!sent[0].1.contains("124"), "no money in a mail: {}", sent[0].1);
        }
        let seen: Vec<_> = own(app).into_iter().map(|item| (item.state, item.amount)).collect();
        assert_eq!(seen, [(ItemState::Assessed, money(124))]);

        // The linehaul was corrected: the difference stands on the account of the item.
        {
            let db = &mut *app.pool.get().unwrap();
            diesel::update(shipments::table.filter(shipments::id.eq(1)))
                .set(shipments::linehaul_micros.eq(Some(money(1_000).0)))
                .execute(db)
                .unwrap();
        }
        assert_eq!(run(app, "2025-06-16"), ["06-16 5190/1420 24.00 TRUE_UP"]);
        assert_eq!(assessed(app), "100.00");
        excuse(app, 1);
        assert_eq!(run(app, "2025-06-17"), ["06-17 5190/1420 100.00 REVERSAL"]);
        assert_eq!(assessed(app), "0.00");
        let seen: Vec<_> = own(app).into_iter().map(|item| (item.state, item.amount)).collect();
        assert_eq!(seen, [(ItemState::Reversed, Micros::ZERO)], "it was told, so taking it back is told");

        // What is taken back before it was told stays the shipper's own.
        excuse(app, 2);
        run(app, "2025-07-10");
        run_assess(app, "2025-07-14");
        assert_eq!(own(app).len(), 1);
    });
}

#[test]
fn nothing_is_assessed_without_anybody_to_tell_or_for_an_earlier_day() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        late(app, 1, "2025-05-14", Some("2025-05-16T10:00:00Z"), Some(1_240));
        run(app, "2025-06-20");
        assert_eq!(run_assess(app, "2025-06-20").no_address, ["Brackwater"]);
        assert_eq!(own(app), []);
        told(app);
        let early = run_assess(app, "2025-06-13");
        assert_eq!((early.ahead, early.items), (1, 0), "the amounts are those of the 20th");
        assert_eq!(run_assess(app, "2025-06-20").items, 1);
    });
}

#[test]
fn a_bonus_is_told_without_an_entry() {
    on_each_engine(NOW, |app| {
        let bonus = r#"{"sign":"BONUS","rule":{"kind":"PERIOD_THRESHOLD","kpi":"OTD_WIN","better":"HIGHER","scale":"PERCENT",
            "threshold":"90","period":"MONTH","amount":{"type":"PCT_OF_SPEND","share":100}}}"#;
        world(app, bonus);
        told(app);
        june(app, 395, 400, 1_000_000);
        run(app, "2025-07-10");
        let report = run_assess(app, "2025-07-14");
        assert_eq!((report.items, report.entries), (1, 0));
        assert_eq!(own(app)[0].state, ItemState::Assessed);
    });
}
