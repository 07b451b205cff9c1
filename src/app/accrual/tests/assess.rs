//! From accrued to assessed: when, what is booked, who is told, and what a later change does.

use super::*;
use crate::app::accrual::assess::{AssessmentReport, assess};
use crate::db::ledger::{PartnerCredit, partner_credit_days, partner_credit_sums};
use crate::db::schema::{clauses, mails, partners};
use crate::domain::ledger::Held;

pub(super) fn told(app: &App) {
    diesel::update(partners::table.find(PARTNER))
        .set(partners::contact_email.eq("claims@brackwater.example"))
        .execute(&mut *app.pool.get().unwrap())
        .unwrap();
}

/// Runs the day twice; the second time nothing may change.
pub(super) fn run_assess(app: &App, as_of: &str) -> AssessmentReport {
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
        linehaul(app, 1, 1_000);
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
        assert_eq!(
            early.summary(),
            "nothing to assess; left alone, since a later day is posted already: 1 partner"
        );
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

/// DOMAIN §4.5: what each account holds in the general ledger, and beside it.
fn held(app: &App) -> Vec<(i32, String, String)> {
    let db = &mut *app.pool.get().unwrap();
    let listed = entry_list(db, &Viewer::system(), &LedgerFilter::default(), None, 100).unwrap();
    let mut sums: std::collections::BTreeMap<i32, Held> = std::collections::BTreeMap::new();
    for entry in listed.iter().map(|listed| &listed.entry) {
        for line in &entry.lines {
            let amount = if line.side == line.account.normal_side() { line.amount } else { -line.amount };
            sums.entry(line.account.number()).or_default().add(entry.recognition, amount);
        }
    }
    sums.into_iter().map(|(account, held)| (account, held.gl.to_string(), held.memo.to_string())).collect()
}

fn line(account: i32, gl: &str, memo: &str) -> (i32, String, String) {
    (account, gl.to_owned(), memo.to_owned())
}

pub(super) fn linehaul(app: &App, id: i64, units: i64) {
    let db = &mut *app.pool.get().unwrap();
    diesel::update(shipments::table.filter(shipments::id.eq(id)))
        .set(shipments::linehaul_micros.eq(Some(money(units).0)))
        .execute(db)
        .unwrap();
}

fn policy(app: &App, policy: &str) {
    setting_set(&mut app.pool.get().unwrap(), RECOGNITION_POLICY, policy).unwrap();
}

fn mailed(app: &App) -> Vec<(String, String)> {
    let db = &mut *app.pool.get().unwrap();
    mails::table.order(mails::id).select((mails::subject, mails::text_body)).load(db).unwrap()
}

#[test]
fn the_general_ledger_gives_no_more_than_it_holds() {
    on_each_engine(NOW, |app| {
        policy(app, "ACCRUE_WHEN_PROBABLE");
        world(app, LATE);
        told(app);
        late(app, 1, "2025-06-10", Some("2025-06-12T10:00:00Z"), Some(1_000));
        run(app, "2025-06-12");
        assert_eq!(held(app), [line(1410, "0.00", "100.00"), line(5190, "0.00", "100.00")], "estimated");
        linehaul(app, 1, 1_400);
        let closed = [
            "07-10 1410/5190 40.00 TRUE_UP",
            "07-10 5190/1410 100.00 RECOGNITION",
            "07-10 1410/5190 100.00 RECOGNITION",
        ];
        assert_eq!(run(app, "2025-07-10"), closed);
        assert_eq!(
            held(app),
            [line(1410, "140.00", "0.00"), line(5190, "140.00", "0.00")],
            "its period is closed"
        );
        assert!(run(app, "2025-07-10").is_empty(), "once");
        assert_eq!(run_assess(app, "2025-07-14").entries, 1);
        policy(app, "MEMO_UNTIL_AGREED");
        linehaul(app, 1, 2_000);
        run(app, "2025-07-15");
        let grown =
            [line(1410, "0.00", "0.00"), line(1420, "140.00", "60.00"), line(5190, "140.00", "60.00")];
        assert_eq!(held(app), grown, "what grows under another policy stays a memo");
        linehaul(app, 1, 1_000);
        let back = ["07-16 5190/1420 40.00 TRUE_UP", "07-16 5190/1420 60.00 TRUE_UP"];
        assert_eq!(run(app, "2025-07-16"), back);
        assert_eq!(held(app)[1..], [line(1420, "100.00", "0.00"), line(5190, "100.00", "0.00")]);
        excuse(app, 1);
        run(app, "2025-07-17");
        assert!(held(app).iter().all(|(_, gl, memo)| gl == "0.00" && memo == "0.00"), "{:?}", held(app));
    });
}

#[test]
fn a_policy_changed_in_between_exports_what_is_still_owed() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        told(app);
        late(app, 1, "2025-05-14", Some("2025-05-16T10:00:00Z"), Some(1_240));
        late(app, 2, "2025-05-15", Some("2025-05-16T10:00:00Z"), Some(2_000));
        run(app, "2025-06-02");
        policy(app, "ACCRUE_WHEN_PROBABLE");
        excuse(app, 2);
        let changed = [
            "06-12 5190/1410 100.00 REVERSAL",
            "06-12 5190/1410 124.00 RECOGNITION",
            "06-12 1410/5190 124.00 RECOGNITION",
        ];
        assert_eq!(run(app, "2025-06-12"), changed);
        run_assess(app, "2025-06-13");
        let recognised =
            [line(1410, "0.00", "0.00"), line(1420, "124.00", "0.00"), line(5190, "124.00", "0.00")];
        assert_eq!(held(app), recognised);
    });
}

#[test]
fn what_is_not_priced_as_the_facts_are_now_is_not_told() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        told(app);
        late(app, 1, "2025-05-14", Some("2025-05-16T10:00:00Z"), Some(1_240));
        late(app, 2, "2025-05-15", Some("2025-05-16T10:00:00Z"), Some(2_000));
        run(app, "2025-06-12");
        linehaul(app, 1, 1_000);
        let report = run_assess(app, "2025-06-13");
        assert_eq!(report.items, 1, "the other item is as it should be");
        assert_eq!(report.problems[0].contract, "C-1");
        assert!(report.problems[0].message.starts_with("1 item left as accrued"), "{:?}", report.problems);
        assert!(
            report.summary().ends_with("the accrual is not up to date: contract C-1"),
            "{}",
            report.summary()
        );
        assert_eq!(own(app).len(), 1);
        assert_eq!(run(app, "2025-06-13"), ["06-13 5190/1410 24.00 TRUE_UP"]);
        let report = run_assess(app, "2025-06-13");
        assert_eq!((report.items, report.problems.len()), (1, 0));
    });
}

#[test]
fn nothing_is_told_of_a_contract_that_cannot_be_priced() {
    on_each_engine(NOW, |app| {
        world(app, SHORTFALL);
        told(app);
        june(app, 388, 412, 18_642_055);
        run(app, "2025-07-10");
        let broken = SHORTFALL.replace("OTD_WIN", "OTIFX");
        diesel::update(clauses::table.filter(clauses::id.eq(73)))
            .set(clauses::terms.eq(&broken))
            .execute(&mut *app.pool.get().unwrap())
            .unwrap();
        let report = run_assess(app, "2025-07-14");
        assert_eq!((report.items, report.mails), (0, 0));
        assert!(report.problems[0].message.contains("`OTIFX` is no KPI"), "{:?}", report.problems);
        assert_eq!((own(app).len(), mailed(app).len()), (0, 0));
    });
}

#[test]
fn what_changes_after_it_was_told_is_told_too() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        told(app);
        late(app, 1, "2025-05-14", Some("2025-05-16T10:00:00Z"), Some(1_240));
        late(app, 2, "2025-05-15", Some("2025-05-16T10:00:00Z"), Some(2_000));
        run(app, "2025-06-12");
        run_assess(app, "2025-06-13");
        let told_on = |app: &App, shipment: i64| {
            let db = &mut *app.pool.get().unwrap();
            let key = format!("cv:71/cl:73/ev:{shipment}").parse().unwrap();
            accrual_show(db, &Viewer::system(), PARTNER, key).unwrap().unwrap().assessed_on.unwrap()
        };
        linehaul(app, 1, 2_000);
        assert_eq!(run(app, "2025-06-16"), ["06-16 1420/5190 76.00 TRUE_UP"]);
        assert_eq!(told_on(app, 1), day("2025-06-16"), "it grew");
        let (subject, text) = mailed(app).remove(1);
        assert_eq!(subject, "Brackwater: credits or bonuses under contract C-1 changed");
        assert!(
            text.contains("May 2025: service credit under clause 7.3, Late delivery, 1 shipment"),
            "{text}"
        );
        assert!(!text.contains("200") && !text.contains("76"), "no money in a mail: {text}");
        linehaul(app, 1, 1_000);
        run(app, "2025-06-17");
        assert_eq!(
            (told_on(app, 1), mailed(app).len()),
            (day("2025-06-16"), 3),
            "less is told, not assessed anew"
        );
        excuse(app, 1);
        run(app, "2025-06-18");
        assert_eq!(mailed(app).len(), 4, "taking it back is told");

        // Nobody to tell: the books go on, and the run says so.
        let contact = partners::contact_email.eq("");
        diesel::update(partners::table).set(contact).execute(&mut *app.pool.get().unwrap()).unwrap();
        linehaul(app, 2, 3_000);
        let report = accrue(app, day("2025-06-19"), AccrualScope::default()).unwrap();
        assert_eq!((report.entries, report.mails, report.not_told), (1, 0, vec!["C-1".to_owned()]));
        assert_eq!(told_on(app, 2), day("2025-06-13"), "nobody was told that it grew");
        assert_eq!(mailed(app).len(), 4);
    });
}

#[test]
fn a_due_day_corrected_after_the_assessment_is_no_early_assessment() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        told(app);
        late(app, 1, "2025-05-14", Some("2025-05-16T10:00:00Z"), Some(1_240));
        run(app, "2025-06-12");
        run_assess(app, "2025-06-13");
        {
            let db = &mut *app.pool.get().unwrap();
            let corrected = (
                shipments::obligation_day.eq(Day(day("2025-06-10"))),
                shipments::delivery_due_day.eq(Some(Day(day("2025-06-10")))),
                shipments::arrived_at.eq(Some(Instant("2025-06-12T10:00:00Z".parse().unwrap()))),
            );
            diesel::update(shipments::table.filter(shipments::id.eq(1))).set(corrected).execute(db).unwrap();
        }
        // Verified by `run`.
        assert_eq!(run(app, "2025-06-16"), [""; 0], "the amount is the same");
        let seen: Vec<_> = own(app).into_iter().map(|item| (item.state, item.period.to_string())).collect();
        assert_eq!(seen, [(ItemState::Assessed, "2025-06".to_owned())]);
        assert_eq!(mailed(app).len(), 2, "the other day is told");
    });
}

#[test]
fn an_address_no_mail_can_go_to_is_none() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        let set = |address: &str| {
            let contact = partners::contact_email.eq(address.to_owned());
            diesel::update(partners::table).set(contact).execute(&mut *app.pool.get().unwrap()).unwrap();
        };
        set("ask for Joan");
        late(app, 1, "2025-05-14", Some("2025-05-16T10:00:00Z"), Some(1_240));
        run(app, "2025-06-12");
        let report = run_assess(app, "2025-06-13");
        assert_eq!((report.items, report.no_address.len()), (0, 1));
        assert_eq!((own(app).len(), mailed(app).len()), (0, 0));
        set("joan@brackwater.example");
        assert_eq!(run_assess(app, "2025-06-13").mails, 1);
    });
}
