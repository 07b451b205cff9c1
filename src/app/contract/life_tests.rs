//! From draft to the end of a contract, on both databases: what is signed, what rests, who is told, what cannot be
//! changed, and what `verify` sees of changes by hand.

use diesel::connection::SimpleConnection;

use super::draft::{options_edit, rate_save, version_create, version_seen};
use super::lifecycle::{
    Signature, version_approve, version_decline, version_recall, version_return, version_sign, version_submit,
};
use super::own::{to_sign, waiting_own};
use super::rest::{BACK_DAYS_MAX, contract_resume, contract_suspend, contract_terminate};
use super::seal::verify_contracts;
use super::tests::{
    amendment, approve, conn, day, dina, fields, in_force, message, partner, piet, sign, submit,
};
use super::*;
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::db::user::{UserRow, user_add};
use crate::domain::lifecycle::VersionOptions;
use crate::domain::money::Bps;
use crate::domain::terms::tests::liftgate;
use crate::domain::viewer::Role;

const NOW: &str = "2025-07-08T09:00:00Z";

/// A draft with one rate.
fn draft(app: &App, partner_id: i64, start: &str) -> (i64, i64) {
    let fields = fields("BRK-1", start, "2026-09-30");
    let (contract, version) = contract_create(app, &mut conn(app), &dina(), partner_id, &fields).unwrap();
    let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
    rate_save(app, &mut conn(app), &dina(), version, &seen, &liftgate(40_000_000), None).unwrap();
    (contract, version)
}

fn status(app: &App, version: i64) -> String {
    store::version_show(&mut conn(app), &dina(), version).unwrap().unwrap().status
}

fn mails(app: &App) -> Vec<(String, String)> {
    use crate::db::schema::mails::dsl::{mails, recipient, subject};
    use diesel::prelude::*;
    mails.select((recipient, subject)).order((recipient, subject)).load(&mut conn(app)).unwrap()
}

fn user(app: &App, who: &Viewer, email: &str) {
    let row = UserRow {
        id: who.user_id,
        email: email.to_owned(),
        name: who.name.clone(),
        role: who.role.code().to_owned(),
        partner_id: who.partner_id,
        password_hash: String::new(),
        active: true,
        created_at: Instant(app.now()),
    };
    user_add(&mut conn(app), &row).unwrap();
}

#[test]
fn a_signature_is_over_the_text_that_was_shown() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (_, version) = draft(app, partner_id, "2025-10-01");
        let own = partner_viewer(partner_id);
        assert!(waiting_own(&mut conn(app), &own).unwrap().is_empty());
        submit(app, version);
        assert!(matches!(to_sign(app, &mut conn(app), &own, version), Err(EditError::NotFound(_))));
        approve(app, &piet(), version).unwrap();

        let waiting = waiting_own(&mut conn(app), &own).unwrap();
        assert_eq!(waiting.iter().map(|one| one.version_id).collect::<Vec<_>>(), [version]);
        let shown = to_sign(app, &mut conn(app), &own, version).unwrap();
        assert_eq!((shown.seal.len(), shown.seal.clone()), (64, shown.terms.hash()));
        let good = Signature { hash: shown.seal, name: "Ida Overland".to_owned(), agreed: true };
        let try_to =
            |who: &Viewer, signature: &Signature| version_sign(app, &mut conn(app), who, version, signature);
        let other = Signature { hash: "0".repeat(64), ..good.clone() };
        assert!(message(try_to(&own, &other)).contains("is not the one that waits for a signature"));
        let unnamed = Signature { name: " ".to_owned(), ..good.clone() };
        assert!(matches!(try_to(&own, &unnamed), Err(EditError::Invalid(errors)) if errors[0].0 == "name"));
        let unticked = Signature { agreed: false, ..good.clone() };
        assert!(
            matches!(try_to(&own, &unticked), Err(EditError::Invalid(errors)) if errors[0].0 == "agreed")
        );
        let foreign = partner_viewer(partner(app, "OVL"));
        assert!(matches!(try_to(&foreign, &good), Err(EditError::NotFound(_))));
        for role in [Role::Procurement, Role::Finance, Role::Admin, Role::Auditor, Role::CarrierManager] {
            let denied = try_to(&viewer("Piet", role), &good);
            assert!(matches!(denied, Err(EditError::Denied { .. })), "{role} does not sign");
        }
        assert_eq!(status(app, version), "APPROVED", "nothing of it was stored");

        try_to(&own, &good).unwrap();
        assert_eq!(status(app, version), "SIGNED", "its first day has not come");
        assert!(message(try_to(&own, &good)).contains("the version is Signed"));
        let signed = store::version_show(&mut conn(app), &dina(), version).unwrap().unwrap();
        assert_eq!((signed.signed_by.as_deref(), &signed.terms_sha256), (Some("Ida Overland"), &good.hash));
        assert_eq!(contract_calendar_run(app, "2025-09-30"), 0);
        assert_eq!(contract_calendar_run(app, "2025-10-01"), 1);
        assert_eq!(contract_calendar_run(app, "2025-10-01"), 0, "once");
        assert_eq!(status(app, version), "ACTIVE");
        assert_eq!(verify_contracts(&mut conn(app)).unwrap().problems, Vec::<String>::new());
    });
}

fn contract_calendar_run(app: &App, on: &str) -> i64 {
    crate::app::contract_calendar::run(app, &mut conn(app), day(on)).unwrap().begun
}

#[test]
fn what_is_missing_is_named_at_approval_and_nothing_is_sealed() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (contract, version) = draft(app, partner_id, "2025-10-01");
        let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
        version_submit(app, &mut conn(app), &dina(), version, &seen).unwrap();
        let Err(EditError::Incomplete { missing, .. }) = approve(app, &piet(), version) else {
            panic!("it must not be approved");
        };
        let names: Vec<_> = missing.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(names, ["baseline", "dispute window", "price cap"]);
        let page = contract_show(app, &mut conn(app), &piet(), contract, None).unwrap();
        assert_eq!(page.missing, missing, "the page says the same");
        assert_eq!((page.version.terms_sha256.as_str(), page.version.approved_by), ("", None));
        assert!(page.may.contains(&Step::Approve) && page.may.contains(&Step::Return));
        let own_page = contract_show(app, &mut conn(app), &dina(), contract, None).unwrap();
        assert!(!own_page.may.contains(&Step::Approve), "no button for one's own work");
        let options = VersionOptions { price_cap: Some(Bps(100_001)), ..VersionOptions::default() };
        let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
        let edit = options_edit(app, &mut conn(app), &dina(), version, &seen, &options);
        assert!(message(edit).contains("no draft any more"), "in review nobody changes it");
    });
}

#[test]
fn a_version_comes_back_from_review_from_the_shelf_and_from_the_partner() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (contract, version) = draft(app, partner_id, "2025-10-01");
        user(app, &dina(), "dina@lanes.example");
        let own = partner_viewer(partner_id);
        user(app, &own, "ida@brk.example");
        let seen = || version_seen(&mut conn(app), &piet(), version).unwrap();

        submit(app, version);
        let bare = version_return(app, &mut conn(app), &piet(), version, &seen(), " ");
        assert!(matches!(bare, Err(EditError::Invalid(errors)) if errors[0].0 == "note"));
        version_return(app, &mut conn(app), &piet(), version, &seen(), "No free time").unwrap();
        assert_eq!(status(app, version), "DRAFT");
        submit(app, version);
        approve(app, &piet(), version).unwrap();
        let frame = contract_seen(&store::contract_show(&mut conn(app), &dina(), contract).unwrap().unwrap());
        let moved = contract_edit(
            app,
            &mut conn(app),
            &dina(),
            contract,
            &frame,
            &fields("BRK-1", "2025-11-01", "2026-09-30"),
        );
        assert!(message(moved).contains("waiting for approval or signature"), "the seal covers the term");
        version_recall(app, &mut conn(app), &piet(), version, &seen(), "A lane is missing").unwrap();
        let back = store::version_show(&mut conn(app), &dina(), version).unwrap().unwrap();
        assert_eq!((back.terms_sha256.as_str(), back.agreed.as_str(), back.approved_by), ("", "", None));
        submit(app, version);
        approve(app, &piet(), version).unwrap();
        version_decline(app, &mut conn(app), &own, version, "Too cheap").unwrap();
        assert!(waiting_own(&mut conn(app), &own).unwrap().is_empty());
        submit(app, version);
        approve(app, &piet(), version).unwrap();
        sign(app, partner_id, version).unwrap();

        let waits = "BRK-1: Version 1 waits for your signature";
        let wanted = [
            ("dina@lanes.example", "BRK-1: The partner did not sign version 1"),
            ("dina@lanes.example", "BRK-1: Version 1 was returned to you"),
            ("dina@lanes.example", "BRK-1: Version 1 was signed"),
            ("ida@brk.example", waits),
            ("ida@brk.example", waits),
            ("ida@brk.example", waits),
        ];
        let sent = mails(app);
        let sent: Vec<_> = sent.iter().map(|(to, subject)| (to.as_str(), subject.as_str())).collect();
        assert_eq!(sent, wanted, "one mail for each time it waited");
        let page = contract_show(app, &mut conn(app), &dina(), contract, None).unwrap();
        let steps: Vec<_> = page.steps.iter().map(|event| (event.seq, event.step.as_str())).collect();
        assert_eq!(steps.first(), Some(&(1, "START")));
        assert_eq!(steps.last(), Some(&(12, "SIGN")));
        assert_eq!(page.steps[2].note, "No free time");
        assert_eq!(verify_contracts(&mut conn(app)).unwrap().problems, Vec::<String>::new());
    });
}

#[test]
fn a_late_signature_takes_over_at_once() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (contract, first) = in_force(app, partner_id, "BRK-1");
        assert_eq!(status(app, first), "ACTIVE");
        let second =
            version_create(app, &mut conn(app), &dina(), contract, &amendment("2025-07-01")).unwrap();
        submit(app, second);
        let busy = version_create(app, &mut conn(app), &dina(), contract, &amendment("2025-09-01"));
        assert!(matches!(busy, Err(EditError::DraftExists { version_no: 2, .. })), "one at a time");
        approve(app, &piet(), second).unwrap();
        let on = |text: &str| {
            store::terms_in_force(&mut conn(app), &dina(), partner_id, day(text))
                .unwrap()
                .remove(0)
                .version_no
        };
        assert_eq!(on("2025-07-05"), 1, "approval alone changes nothing");
        sign(app, partner_id, second).unwrap();
        assert_eq!((on("2025-06-30"), on("2025-07-01"), on("2025-07-05")), (1, 2, 2));
        assert_eq!((status(app, first), status(app, second)), ("SUPERSEDED".to_owned(), "ACTIVE".to_owned()));
        assert_eq!(verify_contracts(&mut conn(app)).unwrap().problems, Vec::<String>::new());
    });
}

#[test]
fn a_contract_rests_resumes_and_is_terminated() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (contract, version) = in_force(app, partner_id, "BRK-1");
        let fay = viewer("Fay", Role::Finance);
        let seen = || contract_seen(&store::contract_show(&mut conn(app), &fay, contract).unwrap().unwrap());
        let terms = || store::terms_load(&mut conn(app), &fay, version).unwrap().unwrap();
        let suspend = |on: &str, note: &str| {
            contract_suspend(app, &mut conn(app), &fay, contract, &seen(), day(on), note)
        };
        assert!(matches!(suspend("2025-07-01", ""), Err(EditError::Invalid(e)) if e[0].0 == "note"));
        assert!(matches!(suspend("2025-07-09", "x"), Err(EditError::Invalid(e)) if e[0].0 == "day"));
        let too_far = day("2025-07-07") - Days::new(BACK_DAYS_MAX);
        assert!(suspend(&too_far.to_string(), "x").is_err());
        suspend("2025-07-01", "Insurance lapsed").unwrap();
        assert_eq!(status(app, version), "SUSPENDED");
        let resting = terms();
        assert!(resting.in_force(day("2025-07-02")) && !resting.credits_on(day("2025-07-02")));
        assert!(resting.credits_on(day("2025-06-30")));
        let resume = |on: &str| {
            contract_resume(app, &mut conn(app), &fay, contract, &seen(), day(on), "Insured again")
        };
        assert!(resume("2025-06-30").is_err(), "before it was suspended");
        resume("2025-07-05").unwrap();
        assert!(terms().credits_on(day("2025-07-05")) && !terms().credits_on(day("2025-07-04")));
        assert!(suspend("2025-07-04", "again").is_err(), "rests do not overlap");

        let end =
            |on: &str| contract_terminate(app, &mut conn(app), &fay, contract, &seen(), day(on), "For cause");
        assert!(end("2025-07-09").is_err(), "a later end is notice");
        end("2025-07-08").unwrap();
        assert_eq!(status(app, version), "TERMINATED");
        let ended = terms();
        assert!(ended.in_force(day("2025-07-08")) && !ended.in_force(day("2025-07-09")));
        assert!(end("2025-07-08").is_err(), "there is nothing after the end");
        let next = version_create(app, &mut conn(app), &dina(), contract, &amendment("2025-09-01"));
        assert!(matches!(next, Err(EditError::WrongState { .. })));
        assert_eq!(verify_contracts(&mut conn(app)).unwrap().problems, Vec::<String>::new());
    });
}

#[test]
fn a_successor_of_a_suspended_version_rests_until_somebody_resumes_it() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (contract, version) = in_force(app, partner_id, "BRK-1");
        let fay = viewer("Fay", Role::Finance);
        let stored = || store::contract_show(&mut conn(app), &fay, contract).unwrap().unwrap();
        let seen = || contract_seen(&stored());
        contract_suspend(app, &mut conn(app), &fay, contract, &seen(), day("2025-07-01"), "No insurance")
            .unwrap();
        let next = version_create(app, &mut conn(app), &dina(), contract, &amendment("2025-08-01")).unwrap();
        super::tests::agree(app, partner_id, next);
        assert_eq!(status(app, next), "SIGNED");
        for _ in 0..2 {
            contract_calendar_run(app, "2025-08-01");
            assert_eq!((status(app, version), status(app, next)), ("SUPERSEDED".into(), "SUSPENDED".into()));
            assert_eq!(stored().term.status, ContractStatus::Suspended);
        }
        let terms = store::terms_load(&mut conn(app), &fay, next).unwrap().unwrap();
        assert!(terms.in_force(day("2025-08-02")) && !terms.credits_on(day("2025-08-02")));
        assert_eq!(verify_contracts(&mut conn(app)).unwrap().problems, Vec::<String>::new());
    });
}

#[test]
fn history_cannot_be_changed_and_changes_by_hand_are_found() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (contract, version) = in_force(app, partner_id, "BRK-1");
        let run = |sql: &str| conn(app).batch_execute(sql);
        for sql in ["UPDATE contract_events SET note = 'x'", "DELETE FROM contract_events"] {
            let refused = run(sql).unwrap_err().to_string();
            assert!(refused.contains("contract_events is a history"), "{sql}: {refused}");
        }
        let problems = || verify_contracts(&mut conn(app)).unwrap().problems;
        assert_eq!(problems(), Vec::<String>::new());
        let name = "contract BRK-1, version 1";
        let found = |sql: &str, back: &str, told: &str| {
            run(sql).unwrap();
            let found = problems();
            assert!(found.iter().any(|one| one.starts_with(name) && one.contains(told)), "{sql}: {found:?}");
            run(back).unwrap();
            assert_eq!(problems(), Vec::<String>::new(), "{back}");
        };
        found(
            "UPDATE contract_versions SET status = 'SIGNED'",
            "UPDATE contract_versions SET status = 'ACTIVE'",
            "it is stored as SIGNED, but its history leads to ACTIVE",
        );
        found(
            "UPDATE kpi_targets SET target_micros = 94000000",
            "UPDATE kpi_targets SET target_micros = 95000000",
            "its text is not the one that was sealed",
        );
        found(
            "UPDATE contracts SET notice_days = 5",
            "UPDATE contracts SET notice_days = 60",
            "are not those that were sealed",
        );
        let past = |sql: &str, back: &str, told: &str| {
            run(sql).unwrap();
            let found = problems();
            assert!(found.iter().any(|one| one.contains(told)), "{sql}: {found:?}");
            run(back).unwrap();
            assert_eq!(problems(), Vec::<String>::new(), "{back}");
        };
        past(
            "UPDATE contracts SET renewal = 'EVERGREEN'",
            "UPDATE contracts SET renewal = 'FIXED'",
            "contract BRK-1: its title, dates or state are not those that were written down last",
        );
        let end = if matches!(&*conn(app), Db::Pg(_)) { "'2025-08-01'" } else { "20301" };
        past(
            &format!("UPDATE contract_versions SET valid_to = {end}"),
            "UPDATE contract_versions SET valid_to = NULL",
            "version 1: its end is stored as 2025-08-01, but the history leads to open",
        );
        let piet = piet().user_id;
        let dina = dina().user_id;
        found(
            &format!("UPDATE contract_versions SET authors = '{dina},{piet}'"),
            &format!("UPDATE contract_versions SET authors = '{dina}'"),
            "Piet approved it and wrote some of it",
        );
        found(
            "UPDATE contract_versions SET authors = ''",
            &format!("UPDATE contract_versions SET authors = '{dina}'"),
            "its kind, summary or authors are not those it was approved with",
        );
        found(
            "UPDATE contract_versions SET change_summary = 'Nothing to see'",
            "UPDATE contract_versions SET change_summary = ''",
            "its kind, summary or authors are not those it was approved with",
        );
        found(
            "UPDATE contract_versions SET signed_by = 'Eve'",
            "UPDATE contract_versions SET signed_by = 'Ida Overland'",
            "who signed it is stored as Eve, but its history says Ida Overland",
        );
        found(
            "UPDATE contract_versions SET approved_by = NULL",
            "UPDATE contract_versions SET approved_by = 'Piet'",
            "who approved it is stored as nobody, but its history says Piet",
        );
        found(
            "UPDATE accessorial_rates SET rate_micros = 1",
            "UPDATE accessorial_rates SET rate_micros = 40000000",
            "the amount stored for LFT is not that of its text",
        );
        let _ = (contract, version);
    });
}

#[test]
fn a_text_changed_by_hand_after_approval_cannot_be_signed() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (_, version) = draft(app, partner_id, "2025-10-01");
        submit(app, version);
        approve(app, &piet(), version).unwrap();
        conn(app).batch_execute("UPDATE contract_versions SET change_summary = 'same'").unwrap();
        conn(app)
            .batch_execute("UPDATE accessorial_rates SET terms = REPLACE(terms, '40000000', '4000000')")
            .unwrap();
        assert!(message(sign(app, partner_id, version)).contains("is not the one that waits"));
        let again = version_approve(
            app,
            &mut conn(app),
            &piet(),
            version,
            &version_seen(&mut conn(app), &piet(), version).unwrap(),
        );
        assert!(message(again).contains("the version is Approved"));
    });
}
