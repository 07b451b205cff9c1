//! Accrual and assessment through the database, on both engines: the golden examples of DOMAIN §4.5 and what must never
//! happen to a ledger.

use diesel::prelude::*;

mod assess;
mod contest;
mod disputes;
mod excuses;
mod freight;
mod incidents;
mod kinds;
mod packs;
mod reach;
mod statement;

use super::*;
use crate::app::ledger::verify_ledger;
use crate::app::ledger::view::{Evidence, accrual_view};
use crate::app::testing::{on_each_engine, open_history, partner_viewer};
use crate::db::contract::{
    Contract, Version, caps_text, clause_upsert, contract_insert, version_insert, version_list,
};
use crate::db::contract_event::{EventRow, event_insert};
use crate::db::dimension::Dimensions;
use crate::db::ledger::{
    LedgerFilter, accrual_show, entry_list, entry_totals, partner_credit_list, trial_balance,
};
use crate::db::partner::{Partner, partner_insert};
use crate::db::schema::{contract_versions, journal_lines, measure_cells, shipments};
use crate::db::setting::{BOOKS_CLOSED_THROUGH, setting_set};
use crate::db::shipment::ShipmentRow;
use crate::db::types::{Day, Instant};
use crate::domain::clause::{Cap, ClauseTerms, PeriodAmount, Rule};
use crate::domain::contract::{ContractStatus, ContractTerm, RenewalKind};
use crate::domain::currency::Currency;
use crate::domain::ledger::{Account, ItemState, Side};
use crate::domain::measure::{Measures, Tally};
use crate::domain::money::{Bps, Micros};
use crate::domain::outcome::OutcomePolicy;
use crate::domain::terms::Clause;
use crate::on_engine;

const PARTNER: i64 = 7;
const NOW: &str = "2025-07-31T12:00:00Z";
const LATE: &str = r#"{"sign":"PENALTY","rule":{"kind":"LATE_DELIVERY","per_day":{"type":"PCT_OF_LINEHAUL","share":500},"event_cap_share":1500}}"#;
const SHORTFALL: &str = r#"{"sign":"PENALTY","rule":{"kind":"PERIOD_THRESHOLD","kpi":"OTD_WIN","better":"HIGHER","scale":"PERCENT",
    "threshold":"95","dead_band":"0.5","period":"MONTH","amount":{"type":"TIER_TABLE","tiers":[
    {"up_to_points":"2","share":100},{"up_to_points":"5","share":250},{"up_to_points":null,"share":500}]}}}"#;
const CAPPED: &str = r#"{"sign":"PENALTY","rule":{"kind":"LATE_DELIVERY","per_day":{"type":"PCT_OF_LINEHAUL","share":1000},"event_cap_amount":150000000},
    "period_cap":{"amount":400000000}}"#;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn money(units: i64) -> Micros {
    Micros(units * 1_000_000)
}

/// One partner with one contract in force since January, and one clause.
fn world(app: &App, terms: &str) {
    let db = &mut *app.pool.get().unwrap();
    let at = Instant(app.now());
    let partner = Partner {
        id: PARTNER,
        code: "BRW".to_owned(),
        name: "Brackwater".to_owned(),
        scac: String::new(),
        mode: String::new(),
        status: "ACTIVE".to_owned(),
        contact_name: String::new(),
        contact_email: String::new(),
        review_cadence: "MONTHLY".to_owned(),
        created_at: at,
    };
    partner_insert(db, &partner).unwrap();
    let contract = Contract {
        id: 70,
        partner_id: PARTNER,
        number: "C-1".to_owned(),
        title: "Linehaul".to_owned(),
        currency: Currency::USD,
        term: ContractTerm {
            status: ContractStatus::Active,
            term_start: day("2025-01-01"),
            term_end: None,
            renewal: RenewalKind::Evergreen,
            renewal_months: None,
            notice_days: 60,
        },
        created_by: "test".to_owned(),
        created_at: at,
    };
    contract_insert(db, &contract).unwrap();
    let version = Version {
        id: 71,
        contract_id: 70,
        partner_id: PARTNER,
        version: 1,
        kind: "ORIGINAL".to_owned(),
        valid_from: Day(day("2025-01-01")),
        valid_to: None,
        status: "ACTIVE".to_owned(),
        change_summary: String::new(),
        caps: caps_text(&ContractCap::default()).unwrap(),
        authors: String::new(),
        created_by: "test".to_owned(),
        created_at: at,
        approved_by: None,
        approved_at: None,
        rating: "{}".to_owned(),
        agreed: String::new(),
        terms_sha256: String::new(),
        signed_by: None,
        signed_at: None,
    };
    version_insert(db, &version).unwrap();
    clause_upsert(db, 73, &version, &clause_of(terms)).unwrap();
    Dimensions::load(db, &app.ids, app.now()).unwrap().policy(db, OutcomePolicy::default()).unwrap();
}

fn clause_of(terms: &str) -> Clause {
    Clause {
        id: 0,
        code: "7.3".to_owned(),
        title: "Late delivery".to_owned(),
        terms: ClauseTerms::from_json(terms).unwrap(),
    }
}

/// A second version from `on`, with the same clause.
fn amend(app: &App, on: &str, terms: &str) {
    let db = &mut *app.pool.get().unwrap();
    let first = version_list(db, &Viewer::system(), 70).unwrap().remove(0);
    diesel::update(contract_versions::table.find(71))
        .set(contract_versions::valid_to.eq(Some(Day(day(on)))))
        .execute(db)
        .unwrap();
    let second = Version {
        id: 72,
        version: 2,
        kind: "AMENDMENT".to_owned(),
        valid_from: Day(day(on)),
        valid_to: None,
        ..first
    };
    version_insert(db, &second).unwrap();
    clause_upsert(db, 74, &second, &clause_of(terms)).unwrap();
}

fn late(app: &App, id: i64, due: &str, delivered: Option<&str>, linehaul: Option<i64>) {
    let db = &mut *app.pool.get().unwrap();
    let row = ShipmentRow {
        obligation_day: Day(day(due)),
        partner_id: PARTNER,
        id,
        reference: format!("SHP-{id}"),
        fact_hash: id,
        version: 1,
        policy_id: 1,
        delivery_due_day: Some(Day(day(due))),
        arrived_at: delivered.map(|at| Instant(at.parse().unwrap())),
        currency: Some("USD".to_owned()),
        linehaul_micros: linehaul.map(|units| money(units).0),
        pickup_window_outcome: "-".to_owned(),
        delivery_day_outcome: "L".to_owned(),
        delivery_window_outcome: "-".to_owned(),
        ..ShipmentRow::default()
    };
    on_engine!(db, |conn| diesel::insert_into(shipments::table).values(&row).execute(conn)).unwrap();
}

fn excuse(app: &App, id: i64) {
    let db = &mut *app.pool.get().unwrap();
    let rows = shipments::table.filter(shipments::id.eq(id));
    let values =
        (shipments::delivery_day_outcome.eq("X"), shipments::delivery_exclusion.eq(Some("FORCE_MAJEURE")));
    assert_eq!(diesel::update(rows).set(values).execute(db).unwrap(), 1);
}

/// June to date: on time in the window, out of how many, on so much freight.
fn june(app: &App, success: i64, total: i64, freight_cents: i64) {
    diesel::delete(measure_cells::table).execute(&mut *app.pool.get().unwrap()).unwrap();
    cell(app, "2025-06-05", success, total, freight_cents);
}

fn cell(app: &App, on: &str, success: i64, total: i64, freight_cents: i64) {
    let db = &mut *app.pool.get().unwrap();
    let mut measures = Measures { shipments: total, ..Measures::default() };
    measures.delivery_window = Tally { success, late: total - success, ..Tally::default() };
    measures.freight.add(freight_cents * 10_000, total);
    diesel::insert_into(measure_cells::table)
        .values((
            measure_cells::partner_id.eq(PARTNER),
            measure_cells::day.eq(Day(day(on))),
            measure_cells::service.eq(""),
            measure_cells::mode.eq(""),
            measure_cells::source.eq("SHIPMENTS"),
            measure_cells::source_day.eq(Day(day(on))),
            measure_cells::measures.eq(serde_json::to_string(&measures).unwrap()),
        ))
        .execute(db)
        .unwrap();
}

/// Runs the day twice; the second time nothing may change. Entries of the day as
/// `debit/credit amount reason`, in order of their making.
fn run(app: &App, as_of: &str) -> Vec<String> {
    let report = accrue(app, day(as_of), AccrualScope::default()).unwrap();
    assert_eq!(report.problems, []);
    let again = accrue(app, day(as_of), AccrualScope::default()).unwrap();
    assert_eq!((again.entries, again.changed_rows), (0, 0), "a second run on {as_of}");
    let db = &mut *app.pool.get().unwrap();
    assert_eq!(verify_ledger(db).unwrap(), []);
    let mut all = entries(db);
    all.split_off(all.len() - report.entries)
}

fn entries(db: &mut Db) -> Vec<String> {
    let mut listed = entry_list(db, &Viewer::system(), &LedgerFilter::default(), None, 100).unwrap();
    listed.sort_by_key(|listed| listed.id);
    listed
        .iter()
        .map(|listed| {
            let account = |side| listed.accounts(side).first().unwrap().number();
            format!(
                "{} {}/{} {} {}",
                listed.entry.posting_date.format("%m-%d"),
                account(Side::Debit),
                account(Side::Credit),
                listed.amount(),
                listed.entry.reason
            )
        })
        .collect()
}

fn accrued(app: &App) -> String {
    let db = &mut *app.pool.get().unwrap();
    let balance = trial_balance(db, &Viewer::system(), None, day("2026-01-01")).unwrap();
    assert_eq!(balance.unbalanced(), []);
    balance.balance(Currency::USD, Account::CreditAccrued).to_string()
}

/// DOMAIN P1.
#[test]
fn a_late_delivery_is_accrued_and_taken_back_when_it_is_excused() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        late(app, 1, "2025-05-14", Some("2025-05-16T10:00:00Z"), Some(1_240));
        assert_eq!(run(app, "2025-05-16"), ["05-16 1410/5190 124.00 INITIAL"]);
        excuse(app, 1);
        assert_eq!(run(app, "2025-06-04"), ["06-04 5190/1410 124.00 REVERSAL"]);
        assert_eq!(accrued(app), "0.00");
        let db = &mut *app.pool.get().unwrap();
        let key = "cv:71/cl:73/ev:1".parse().unwrap();
        let accrual = accrual_show(db, &Viewer::system(), PARTNER, key).unwrap().unwrap();
        assert_eq!(accrual.state, ItemState::Reversed);
        assert_eq!(accrual.steps, ["SHP-1 was late and is excused (force majeure): nothing is owed."]);
    });
}

/// DOMAIN P2, by the window instead of in full.
#[test]
fn a_period_is_accrued_to_date_closed_and_restated() {
    on_each_engine(NOW, |app| {
        world(app, SHORTFALL);
        june(app, 121, 130, 5_821_000);
        assert_eq!(run(app, "2025-06-10"), ["06-10 1410/5190 582.10 INITIAL"]);
        june(app, 249, 265, 12_133_040);
        assert_eq!(run(app, "2025-06-20"), ["06-20 1410/5190 631.20 ACCRUAL"]);
        june(app, 388, 412, 18_642_055);
        assert_eq!(run(app, "2025-06-30"), ["06-30 1410/5190 650.91 ACCRUAL"]);
        assert_eq!(accrued(app), "1864.21");
        setting_set(&mut app.pool.get().unwrap(), BOOKS_CLOSED_THROUGH, "2025-06-30").unwrap();
        assert_eq!(run(app, "2025-06-30"), [""; 0], "closed books alone change nothing");
        june(app, 391, 412, 18_642_055);
        assert_eq!(run(app, "2025-07-08"), ["07-08 5190/1410 1864.21 REVERSAL"]);
        let db = &mut *app.pool.get().unwrap();
        let listed = entry_list(db, &Viewer::system(), &LedgerFilter::default(), None, 1).unwrap();
        assert_eq!(listed[0].entry.obligation_period.to_string(), "2025-06");
    });
}

/// A step in the history of the version, as a suspension writes it.
fn step(app: &App, seq: i32, step: &str, (from, to): (&str, &str), on: &str) {
    let event = EventRow {
        id: app.id(),
        contract_id: 70,
        contract_version_id: 71,
        partner_id: PARTNER,
        version: 1,
        seq,
        step: step.to_owned(),
        from_status: from.to_owned(),
        to_status: to.to_owned(),
        at: Instant(app.now()),
        actor: "test".to_owned(),
        actor_id: 0,
        actor_role: "FINANCE".to_owned(),
        day: Some(Day(day(on))),
        note: "Insurance lapsed".to_owned(),
        terms_sha256: String::new(),
        written_sha256: String::new(),
    };
    event_insert(&mut app.pool.get().unwrap(), &event).unwrap();
}

#[test]
fn what_falls_due_while_a_contract_rests_is_not_credited() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        late(app, 1, "2025-06-10", Some("2025-06-12T10:00:00Z"), Some(1_000));
        late(app, 2, "2025-06-12", Some("2025-06-13T10:00:00Z"), Some(2_000));
        let both = ["06-13 1410/5190 100.00 INITIAL", "06-13 1410/5190 100.00 INITIAL"];
        assert_eq!(run(app, "2025-06-13"), both);
        step(app, 1, "SUSPEND", ("ACTIVE", "SUSPENDED"), "2025-06-11");
        assert_eq!(run(app, "2025-06-14"), ["06-14 5190/1410 100.00 REVERSAL"]);
        assert_eq!(accrued(app), "100.00", "what fell due before stays owed");
        let key = "cv:71/cl:73/ev:2".parse().unwrap();
        let accrual = accrual_show(&mut app.pool.get().unwrap(), &Viewer::system(), PARTNER, key);
        assert_eq!(
            accrual.unwrap().unwrap().steps,
            ["The contract was suspended on 2025-06-12: nothing is owed for what fell due then."]
        );
        step(app, 2, "RESUME", ("SUSPENDED", "ACTIVE"), "2025-06-12");
        run(app, "2025-06-15");
        assert_eq!(accrued(app), "200.00", "it rested on the 11th alone");
    });
}

#[test]
fn a_period_is_taken_over_the_days_that_are_not_rested() {
    on_each_engine(NOW, |app| {
        world(app, SHORTFALL);
        june(app, 388, 412, 18_642_055);
        run(app, "2025-06-30");
        assert_eq!(accrued(app), "1864.21");
        // All of June's figures are of the 5th.
        step(app, 1, "SUSPEND", ("ACTIVE", "SUSPENDED"), "2025-06-05");
        step(app, 2, "RESUME", ("SUSPENDED", "ACTIVE"), "2025-06-06");
        run(app, "2025-07-01");
        assert_eq!(accrued(app), "0.00");
    });
}

/// DOMAIN P9.
#[test]
fn room_under_a_cap_goes_to_the_next_when_one_is_excused() {
    on_each_engine(NOW, |app| {
        world(app, CAPPED);
        for (id, due, linehaul) in [(1, 2, 1_200), (2, 3, 2_100), (3, 4, 1_800), (4, 5, 900)] {
            let next = if due == 5 { 6 } else { due + 1 };
            late(
                app,
                id,
                &format!("2025-06-0{due}"),
                Some(&format!("2025-06-0{next}T10:00:00Z")),
                Some(linehaul),
            );
        }
        let first = [
            "06-10 1410/5190 120.00 INITIAL",
            "06-10 1410/5190 150.00 INITIAL",
            "06-10 1410/5190 130.00 INITIAL",
        ];
        assert_eq!(run(app, "2025-06-10"), first);
        excuse(app, 1);
        let second = [
            "06-20 5190/1410 120.00 REVERSAL",
            "06-20 1410/5190 20.00 CAP_REALLOCATION",
            "06-20 1410/5190 90.00 CAP_REALLOCATION",
        ];
        assert_eq!(run(app, "2025-06-20"), second);
        assert_eq!(accrued(app), "390.00");
    });
}

#[test]
fn an_earlier_day_takes_nothing_back() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        late(app, 1, "2025-06-10", Some("2025-06-12T10:00:00Z"), Some(1_000));
        assert_eq!(run(app, "2025-06-12").len(), 1);
        let report = accrue(app, day("2025-06-01"), AccrualScope::default()).unwrap();
        assert_eq!((report.ahead, report.changed_rows), (1, 0));
    });
}

#[test]
fn a_missing_report_counts_up_to_the_evidence_grace_and_a_missing_charge_waits() {
    on_each_engine(NOW, |app| {
        world(app, CAPPED);
        late(app, 1, "2025-06-02", None, Some(100));
        late(app, 2, "2025-06-02", Some("2025-06-04T10:00:00Z"), None);
        assert_eq!(run(app, "2025-06-04"), ["06-04 1410/5190 20.00 INITIAL"]);
        assert_eq!(run(app, "2025-06-30"), ["06-30 1410/5190 30.00 TRUE_UP"], "five days at most");
        let report = accrue(app, day("2025-06-30"), AccrualScope::default()).unwrap();
        assert_eq!(report.unpriced, 1);
        assert!(report.summary().contains(", 1 late shipment without a charge"), "{}", report.summary());
    });
}

#[test]
fn a_contract_that_cannot_be_priced_is_named_and_left_alone() {
    on_each_engine(NOW, |app| {
        world(app, &SHORTFALL.replace("OTD_WIN", "OTIFX"));
        let report = accrue(app, day("2025-06-30"), AccrualScope::default()).unwrap();
        let [problem] = report.problems.as_slice() else { panic!("{:?}", report.problems) };
        assert!(problem.message.starts_with("clause 7.3: `OTIFX` is no KPI"), "{}", problem.message);
        assert_eq!(report.changed_rows, 0);
    });
}

#[test]
fn the_check_finds_a_changed_line_and_a_missing_entry() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        late(app, 1, "2025-06-10", Some("2025-06-12T10:00:00Z"), Some(1_000));
        run(app, "2025-06-12");
        let db = &mut *app.pool.get().unwrap();
        open_history(db, "journal_lines");
        let first = journal_lines::table.filter(journal_lines::line_no.eq(1));
        diesel::update(first).set(journal_lines::amount_micros.eq(1_000_000)).execute(db).unwrap();
        let messages: Vec<_> = verify_ledger(db).unwrap().into_iter().map(|p| p.message).collect();
        assert_eq!(
            messages,
            [
                "the entry for cv:71/cl:73/ev:1 does not balance: debit 1.00, credit 100.00",
                "the entries come to 0.00, the obligation to 100.00",
            ]
        );
        diesel::update(first)
            .set((journal_lines::amount_micros.eq(100_000_000), journal_lines::account.eq(2010)))
            .execute(db)
            .unwrap();
        let problem = verify_ledger(db).unwrap().remove(0);
        assert!(problem.message.ends_with("this entry uses 2010, 5190"), "{}", problem.message);
        diesel::delete(first).execute(db).unwrap();
        assert!(verify_ledger(db).unwrap()[0].message.ends_with("an entry needs at least two"));
    });
}

#[test]
fn two_nodes_at_once_post_once() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        for id in 1..=20 {
            late(app, id, "2025-06-10", Some("2025-06-12T10:00:00Z"), Some(100 * id));
        }
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| accrue(app, day("2025-06-12"), AccrualScope::default()).unwrap());
            }
        });
        let db = &mut *app.pool.get().unwrap();
        let totals = entry_totals(db, &Viewer::system(), &LedgerFilter::default()).unwrap();
        assert_eq!(totals.entries, 20);
        assert_eq!(totals.sums[&Currency::USD], (money(2_100), money(2_100)));
        assert_eq!(verify_ledger(db).unwrap(), []);
    });
}

#[test]
fn lists_page_filter_and_hide_other_partners() {
    on_each_engine(NOW, |app| {
        world(app, LATE);
        late(app, 1, "2025-05-14", Some("2025-05-16T10:00:00Z"), Some(1_000));
        late(app, 2, "2025-06-10", Some("2025-06-12T10:00:00Z"), Some(2_000));
        run(app, "2025-05-16");
        run(app, "2025-06-12");
        let db = &mut *app.pool.get().unwrap();
        let system = Viewer::system();
        let page = |db: &mut Db, filter: &LedgerFilter, after| {
            entry_list(db, &system, filter, after, 1)
                .unwrap()
                .into_iter()
                .map(|e| e.entry.memo)
                .collect::<Vec<_>>()
        };
        let all = LedgerFilter::default();
        let first = entry_list(db, &system, &all, None, 1).unwrap().remove(0);
        let cursor = crate::db::ledger::Cursor { posting_day: first.entry.posting_date, id: first.id };
        assert!(page(db, &all, Some(cursor))[0].starts_with("SHP-1 was 2 business days late."));
        let may = LedgerFilter { obligation_period: Some("2025-05".parse().unwrap()), ..all.clone() };
        assert_eq!(page(db, &may, None).len(), 1);
        let estimated = LedgerFilter { states: vec![ItemState::Estimated], ..all.clone() };
        assert!(page(db, &estimated, None)[0].starts_with("SHP-2"));
        let payable = LedgerFilter { accounts: vec![Account::CarrierPayable], ..all.clone() };
        assert_eq!(page(db, &payable, None).len(), 0);
        let other = partner_viewer(8);
        assert!(entry_list(db, &other, &all, None, 10).unwrap().is_empty());
        assert_eq!(entry_totals(db, &other, &all).unwrap().entries, 0);
        assert!(
            partner_credit_list(db, &other, PARTNER, (day("2020-01-01"), day("2100-01-01")), 10)
                .unwrap()
                .is_empty()
        );
        let own = partner_credit_list(
            db,
            &partner_viewer(PARTNER),
            PARTNER,
            (day("2020-01-01"), day("2100-01-01")),
            10,
        )
        .unwrap();
        let shown: Vec<_> = own.iter().map(|credit| (credit.period.to_string(), credit.state)).collect();
        assert_eq!(shown, [], "nothing before it is assessed");
    });
}

/// A fixed share of freight caps a clause by what the period came to.
#[test]
fn a_share_of_freight_caps_the_month() {
    on_each_engine(NOW, |app| {
        let mut terms = ClauseTerms::from_json(SHORTFALL).unwrap();
        terms.period_cap = Cap { amount: None, share_of_freight: Some(Bps(50)) };
        world(app, &terms.to_json().unwrap());
        june(app, 388, 412, 18_642_055);
        assert_eq!(run(app, "2025-06-30"), ["06-30 1410/5190 932.10 INITIAL"]);
    });
}

/// DOMAIN §3.10: a month amended in its middle owes one month, each version by its days; the evidence of each
/// half is that half.
#[test]
fn a_month_amended_in_its_middle_owes_one_month() {
    on_each_engine(NOW, |app| {
        let terms = CAPPED.replace("400000000", "40000000");
        world(app, &terms);
        late(app, 1, "2025-06-02", Some("2025-06-03T10:00:00Z"), Some(1_000));
        late(app, 2, "2025-06-20", Some("2025-06-23T10:00:00Z"), Some(1_000));
        // The amendment is known before its day: the cap is that of the days up to it from the start.
        amend(app, "2025-06-15", &terms);
        assert_eq!(run(app, "2025-06-10"), ["06-10 1410/5190 18.67 INITIAL"]);
        assert_eq!(run(app, "2025-06-30"), ["06-30 1410/5190 21.33 INITIAL"]);
        assert_eq!(accrued(app), "40.00");
    });
}

#[test]
fn a_fixed_amount_is_owed_by_the_days_in_force_and_shown_with_their_figures() {
    on_each_engine(NOW, |app| {
        let mut terms = ClauseTerms::from_json(SHORTFALL).unwrap();
        let Rule::PeriodThreshold(rule) = &mut terms.rule else { panic!() };
        rule.amount = PeriodAmount::Fixed { amount: money(1_000) };
        let terms = terms.to_json().unwrap();
        world(app, &terms);
        amend(app, "2025-06-15", &terms);
        cell(app, "2025-06-05", 40, 60, 700_000);
        cell(app, "2025-06-20", 41, 60, 790_000);
        assert_eq!(
            run(app, "2025-06-30"),
            ["06-30 1410/5190 466.67 INITIAL", "06-30 1410/5190 533.33 INITIAL"]
        );
        let db = &mut *app.pool.get().unwrap();
        let mut seen = |key: &str| {
            let view = accrual_view(db, &Viewer::system(), PARTNER, key.parse().unwrap(), app.now())
                .unwrap()
                .unwrap();
            let Evidence::Kpi(Some(value)) = view.evidence else { panic!("no figures") };
            (value.quotient().unwrap(), view.accrual.steps[0].clone())
        };
        let (first, second) = (seen("cv:71/cl:73/2025-06"), seen("cv:72/cl:74/2025-06"));
        assert_eq!((first.0, second.0), ((40.into(), 60.into()), (41.into(), 60.into())));
        assert!(first.1.contains("40 of 60") && second.1.contains("41 of 60"), "{first:?}, {second:?}");
    });
}

#[test]
fn a_replay_of_what_was_in_force_comes_to_what_the_ledger_has() {
    use super::replay::{ReplayDays, in_force_replay, text_replay};

    on_each_engine(NOW, |app| {
        world(app, SHORTFALL);
        june(app, 388, 412, 18_642_055);
        amend(app, "2025-07-01", LATE);
        late(app, 1, "2025-07-14", Some("2025-07-16T10:00:00Z"), Some(1_240));
        late(app, 2, "2025-07-15", Some("2025-07-16T10:00:00Z"), None);
        run(app, "2025-07-31");
        assert_eq!(accrued(app), "1988.21");
        let db = &mut *app.pool.get().unwrap();
        let before = entries(db);
        let days = ReplayDays::past((day("2025-06-01"), day("2025-08-01")));
        let of = |currency| (PARTNER, 70, currency);
        let replayed = in_force_replay(db, &Viewer::system(), of(Currency::USD), days).unwrap();
        let months: Vec<_> =
            replayed.sums.months.iter().map(|(month, sums)| (month.as_str(), sums.credits)).collect();
        assert_eq!(months, [("2025-06", Micros(1_864_210_000)), ("2025-07", money(124))]);
        assert_eq!((replayed.sums.total.credits, replayed.unpriced), (Micros(1_988_210_000), 1));
        assert_eq!(replayed.sums.clauses.keys().collect::<Vec<_>>(), ["7.3 Late delivery"]);

        // The amendment alone, as if it had held all the time: nothing was late in June.
        let second = crate::db::contract::terms_load(db, &Viewer::system(), 72).unwrap().unwrap();
        let tried = text_replay(db, &second, days).unwrap();
        assert_eq!(tried.sums.total.credits, money(124));
        assert_eq!(tried.sums.total.effect(), money(-124), "credits lower the cost");
        // Half of July sees only what fell due in it.
        let half = ReplayDays::past((day("2025-07-15"), day("2025-08-01")));
        assert_eq!(text_replay(db, &second, half).unwrap().sums.total.credits, Micros::ZERO);

        let euro = in_force_replay(db, &Viewer::system(), of(Currency::EUR), days).unwrap();
        assert_eq!((euro.foreign, euro.sums.total.credits), (vec!["C-1".to_owned()], Micros::ZERO));
        let other = in_force_replay(db, &partner_viewer(PARTNER + 1), of(Currency::USD), days).unwrap();
        assert_eq!(other.sums.total.credits, Micros::ZERO, "another partner's");
        assert_eq!(entries(db), before, "a replay posts nothing");
    });
}
