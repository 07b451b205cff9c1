//! The contract desk on both databases: who is told of a deadline and how often, and what needs attention.

use super::draft::{rate_save, version_create, version_seen};
use super::lifecycle::version_submit;
use super::negotiate::{Said, proposal_send};
use super::rest::contract_terminate;
use super::tests::{agree, amendment, approve, conn, day, dina, fields, in_force, partner, piet, submit};
use super::*;
use crate::app::attention::attention;
use crate::app::contract_calendar;
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::db::user::{UserRow, user_add, user_set_active};
use crate::domain::attention::{Kind, Place};
use crate::domain::terms::tests::liftgate;
use crate::domain::viewer::Role;

const NOW: &str = "2025-07-08T09:00:00Z";

fn user(app: &App, email: &str, role: Role, partner_id: Option<i64>) -> i64 {
    let row = UserRow {
        id: app.id(),
        email: email.to_owned(),
        name: email.to_owned(),
        role: role.code().to_owned(),
        partner_id,
        password_hash: String::new(),
        active: true,
        created_at: Instant(app.now()),
    };
    user_add(&mut conn(app), &row).unwrap();
    row.id
}

fn mails_to(app: &App, to: &str) -> Vec<String> {
    use crate::db::schema::mails::dsl::{created_at, id, mails, recipient, text_body};
    use diesel::prelude::*;
    mails.filter(recipient.eq(to)).order((created_at, id)).select(text_body).load(&mut conn(app)).unwrap()
}

/// Runs the calendar and says which notices are new.
fn run(app: &App, on: &str) -> Vec<String> {
    let report = contract_calendar::run(app, &mut conn(app), day(on)).unwrap();
    report.notices.iter().map(|n| format!("{} {} {}", n.kind, n.due_day, n.days_before)).collect()
}

/// A signed contract of 2025 that renews for a year, with 60 days of notice: by Friday 31 October.
fn renewing(app: &App, partner_id: i64, number: &str) -> i64 {
    let mut fields = fields(number, "2025-01-01", "2025-12-31");
    fields.term.renewal = RenewalKind::AutoRenew;
    fields.term.renewal_months = Some(12);
    let (contract, version) = contract_create(app, &mut conn(app), &dina(), partner_id, &fields).unwrap();
    agree(app, partner_id, version);
    contract
}

#[test]
fn whoever_may_act_is_told_five_times_and_after_downtime_of_the_newest_alone() {
    on_each_engine(NOW, |app| {
        let (brk, ovl) = (partner(app, "BRK"), partner(app, "OVL"));
        renewing(app, brk, "BRK-1");
        user(app, "dina@lanes.example", Role::Procurement, None);
        user(app, "cara@lanes.example", Role::CarrierManager, None);
        user(app, "fin@lanes.example", Role::Finance, None);
        user(app, "ida@brk.example", Role::Partner, Some(brk));
        let gone = user(app, "left@lanes.example", Role::Procurement, None);
        user_set_active(&mut conn(app), gone, false).unwrap();

        assert_eq!(run(app, "2025-07-02"), [""; 0]);
        assert_eq!(run(app, "2025-07-03"), ["NOTICE 2025-10-31 120"]);
        assert_eq!(run(app, "2025-07-03"), [""; 0], "once");
        // Nothing ran in August and September.
        assert_eq!(run(app, "2025-10-02"), ["NOTICE 2025-10-31 30"]);
        assert_eq!(run(app, "2025-10-24"), ["NOTICE 2025-10-31 7"]);
        assert_eq!(run(app, "2025-11-01"), [""; 0], "the deadline has passed");
        // A contract that another partner signs late is told of once, not three times.
        renewing(app, ovl, "OVL-1");
        assert_eq!(run(app, "2025-10-25"), ["NOTICE 2025-10-31 7"]);

        let dina = mails_to(app, "dina@lanes.example");
        assert_eq!(dina.len(), 4, "{dina:?}");
        assert!(
            dina[0].contains("Renews for 12 months after 2025-12-31 unless notice arrives by 2025-10-31")
        );
        assert!(dina[1].contains("2025-10-31 (in 29 days)"), "{}", dina[1]);
        assert_eq!(mails_to(app, "cara@lanes.example").len(), 4);
        for silent in ["fin@lanes.example", "ida@brk.example", "left@lanes.example"] {
            assert_eq!(mails_to(app, silent), [""; 0], "{silent}");
        }
        assert_eq!(run(app, "2026-01-01"), [""; 0], "both renewed");
        assert_eq!(run(app, "2026-07-02").len(), 2, "and their next deadline comes");
    });
}

#[test]
fn what_is_decided_is_told_no_more() {
    on_each_engine(NOW, |app| {
        let (brk, ovl, nfd) = (partner(app, "BRK"), partner(app, "OVL"), partner(app, "NFD"));
        let (ended, over) = (renewing(app, brk, "BRK-1"), renewing(app, ovl, "OVL-1"));
        let (_, first) = {
            let fields = fields("NFD-1", "2025-01-01", "2025-12-31");
            contract_create(app, &mut conn(app), &dina(), nfd, &fields).unwrap()
        };
        agree(app, nfd, first);
        assert_eq!(run(app, "2025-07-08").len(), 3);

        let seen = |id| contract_show(app, &mut conn(app), &dina(), id, None).unwrap().contract_seen;
        contract_end(app, &mut conn(app), &dina(), ended, &seen(ended), day("2025-12-31")).unwrap();
        let note = "Insurance lapsed";
        contract_terminate(app, &mut conn(app), &piet(), over, &seen(over), day("2025-07-08"), note).unwrap();
        let (_, next) = {
            let fields = fields("NFD-2", "2026-01-01", "2026-12-31");
            contract_create(app, &mut conn(app), &dina(), nfd, &fields).unwrap()
        };
        agree(app, nfd, next);
        // Notice was given to one, one is over, one has a successor: only the end of the first is left to be told.
        assert_eq!(run(app, "2025-08-02"), [""; 0]);
        assert_eq!(run(app, "2025-09-02"), ["EXPIRY 2025-12-31 120"]);
        assert_eq!(run(app, "2025-10-25"), ["EXPIRY 2025-12-31 90"]);
        let (items, _) = attention(app, &mut conn(app), &dina()).unwrap();
        assert_eq!(items, [], "more than 120 days are left");
    });
}

#[test]
fn the_desk_says_what_waits_and_where_to_act() {
    on_each_engine(NOW, |app| {
        let (brk, ovl) = (partner(app, "BRK"), partner(app, "OVL"));
        let (contract, _) = in_force(app, brk, "BRK-1");
        let amended =
            version_create(app, &mut conn(app), &dina(), contract, &amendment("2025-08-01")).unwrap();
        let (other, draft) =
            contract_create(app, &mut conn(app), &dina(), ovl, &fields("OVL-1", "2025-07-01", "2026-06-30"))
                .unwrap();
        let found = |who: &Viewer| {
            let (items, today) = attention(app, &mut conn(app), who).unwrap();
            assert_eq!(today, day("2025-07-08"));
            items
                .into_iter()
                .map(|item| (item.kind, item.subject, item.days_left, item.place))
                .collect::<Vec<_>>()
        };
        let of = |kind, number: &str, left, place| (kind, number.to_owned(), Some(left), place);
        let expiry = of(Kind::Expiry, "BRK-1", 24, Place::Contract(contract));
        assert_eq!(
            found(&dina()),
            [
                of(Kind::Incomplete, "OVL-1", -7, Place::Version(other, 1)),
                expiry.clone(),
                of(Kind::Ready, "BRK-1", 24, Place::Version(contract, 2)),
            ]
        );
        submit(app, amended);
        let seen = version_seen(&mut conn(app), &dina(), draft).unwrap();
        version_submit(app, &mut conn(app), &dina(), draft, &seen).unwrap();
        assert_eq!(
            found(&viewer("Ann", Role::Auditor)),
            [
                of(Kind::Approval, "OVL-1", -7, Place::Version(other, 1)),
                expiry.clone(),
                of(Kind::Approval, "BRK-1", 24, Place::Version(contract, 2)),
            ]
        );
        approve(app, &piet(), amended).unwrap();
        let (items, _) = attention(app, &mut conn(app), &piet()).unwrap();
        let waiting = &items[2];
        assert_eq!(waiting.kind, Kind::Signature);
        assert_eq!(waiting.why, "Approved since 8 July 2025. It is to hold from 1 August 2025.");
        let lacks = &items[0];
        assert_eq!(
            lacks.why,
            "In review since 8 July 2025. Missing: baseline, dispute window, price cap. Its first day, 1 July 2025, has passed."
        );
        // Nobody who may not see contracts, and no partner, has this page.
        for who in [partner_viewer(brk), viewer("Root", Role::Admin)] {
            assert!(matches!(attention(app, &mut conn(app), &who), Err(EditError::Denied { .. })));
        }
    });
}

#[test]
fn a_proposal_that_waits_stands_in_place_of_its_draft() {
    on_each_engine(NOW, |app| {
        let brk = partner(app, "BRK");
        let fields = fields("BRK-1", "2025-10-01", "2026-09-30");
        let (_, version) = contract_create(app, &mut conn(app), &dina(), brk, &fields).unwrap();
        let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
        let seen =
            rate_save(app, &mut conn(app), &dina(), version, &seen, &liftgate(40_000_000), None).unwrap();
        let said = Said { message: "Ours".to_owned(), reply_by: Some(day("2025-07-15")) };
        proposal_send(app, &mut conn(app), &dina(), version, &seen, &said).unwrap();
        let (items, _) = attention(app, &mut conn(app), &dina()).unwrap();
        let found: Vec<_> = items.iter().map(|item| (item.kind, item.days_left, item.place)).collect();
        assert_eq!(found, [(Kind::Reply, Some(7), Place::Negotiation(version))]);
    });
}
