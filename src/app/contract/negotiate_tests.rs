//! What proposals promise, on both databases: turns, deadlines, frozen texts, mails, isolation, and what `verify` sees.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;

use super::draft::{clause_save, rate_save, version_discard, version_seen};
use super::lifecycle::version_submit;
use super::negotiate::{
    CounterError, Named, Said, proposal_adopt, proposal_answer, proposal_counter, proposal_send,
};
use super::negotiate_view::{counter_sheet, negotiation_own, negotiation_show, negotiations_own};
use super::seal::verify_contracts;
use super::tests::{approve, conn, day, dina, fields, message, partner, piet, sign, submit};
use super::*;
use crate::app::testing::{on_each_engine, open_history, partner_viewer, viewer};
use crate::db::user::{UserRow, user_add};
use crate::domain::negotiation::Move;
use crate::domain::terms::tests::{late_clause, liftgate};
use crate::domain::viewer::Role;

const NOW: &str = "2025-07-08T09:00:00Z";
const LIFTGATE: &str = "ACCESSORIAL/LFT/rate";

fn draft(app: &App, partner_id: i64) -> (i64, i64) {
    let fields = fields("BRK-1", "2025-10-01", "2026-09-30");
    let (contract, version) = contract_create(app, &mut conn(app), &dina(), partner_id, &fields).unwrap();
    let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
    let db = &mut conn(app);
    let seen = rate_save(app, db, &dina(), version, &seen, &liftgate(40_000_000), None).unwrap();
    clause_save(app, db, &dina(), version, &seen, &late_clause(), None).unwrap();
    (contract, version)
}

fn until(text: &str) -> Said {
    Said { message: "See for yourself".to_owned(), reply_by: Some(day(text)) }
}

fn send(app: &App, version: i64) -> Result<(), EditError> {
    let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
    proposal_send(app, &mut conn(app), &dina(), version, &seen, &until("2025-07-20"))
}

/// The newest round, as whoever answers was shown it.
fn shown(app: &App, version: i64) -> Named {
    let found = negotiation_show(app, &mut conn(app), &dina(), version).unwrap();
    let round = &found.talk.rounds[0];
    Named { round: round.round, sha256: round.sha256.clone() }
}

fn counter(app: &App, own: &Viewer, version: i64, key: &str, value: &str) -> Result<(), CounterError> {
    let changes = BTreeMap::from([(key.to_owned(), value.parse().unwrap())]);
    let named = shown(app, version);
    proposal_counter(app, &mut conn(app), own, version, &named, &changes, &until("2025-07-25"))
}

fn answer(app: &App, who: &Viewer, version: i64, kind: Move) -> Result<(), EditError> {
    let said = Said { message: "Because".to_owned(), reply_by: None };
    let named = shown(app, version);
    proposal_answer(app, &mut conn(app), who, version, kind, &named, &said)
}

fn rate_of(app: &App, version: i64) -> Option<i64> {
    let terms = store::terms_load(&mut conn(app), &dina(), version).unwrap().unwrap();
    terms.rates[0].rate.map(|rate| rate.0)
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

fn mails_to(app: &App, to: &str) -> Vec<String> {
    use crate::db::schema::mails::dsl::{created_at, mails, recipient, subject};
    use diesel::prelude::*;
    let query = mails.filter(recipient.eq(to)).select(subject).order((created_at, subject));
    query.load(&mut conn(app)).unwrap()
}

fn clean(app: &App) {
    assert_eq!(verify_contracts(&mut conn(app)).unwrap().problems, Vec::<String>::new());
}

#[test]
fn from_offer_through_counters_to_signature() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let own = partner_viewer(partner_id);
        user(app, &dina(), "dina@lanes.example");
        user(app, &own, "ops@brk.example");
        let (_, version) = draft(app, partner_id);
        assert!(negotiations_own(&mut conn(app), &own).unwrap().is_empty());
        send(app, version).unwrap();
        let lines = negotiations_own(&mut conn(app), &own).unwrap();
        assert_eq!(lines[0].waits.as_ref().map(|open| open.round), Some(1));

        counter(app, &own, version, LIFTGATE, "50").unwrap();
        assert_eq!(rate_of(app, version), Some(40_000_000), "the draft is the shipper's own");
        let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
        let db = &mut conn(app);
        rate_save(app, db, &dina(), version, &seen, &liftgate(45_000_000), Some("LFT")).unwrap();
        send(app, version).unwrap();
        let found = negotiation_own(app, &mut conn(app), &own, version).unwrap();
        let redlines: Vec<_> = found
            .rounds
            .iter()
            .rev()
            .map(|round| {
                let after = round.redline.iter().filter_map(|change| change.after.clone());
                (round.against.clone(), after.collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(redlines[0], (None, vec![]), "first terms");
        assert_eq!(redlines[1], (Some("round 1".to_owned()), vec!["50.00 per occurrence".to_owned()]));
        assert_eq!(redlines[2], (Some("round 2".to_owned()), vec!["45.00 per occurrence".to_owned()]));

        answer(app, &own, version, Move::Accept).unwrap();
        assert_eq!(rate_of(app, version), Some(45_000_000));
        let agreed = shown(app, version).sha256;
        let terms = store::terms_load(&mut conn(app), &dina(), version).unwrap().unwrap();
        assert_eq!(terms.hash(), agreed);
        clean(app);
        assert_eq!(
            mails_to(app, "ops@brk.example"),
            [
                "BRK-1: Round 1 over version 1 waits for your answer",
                "BRK-1: Round 3 over version 1 waits for your answer"
            ]
        );
        assert_eq!(
            mails_to(app, "dina@lanes.example"),
            [
                "BRK-1: Round 2 over version 1 waits for your answer",
                "BRK-1: Round 3 over version 1 was accepted"
            ]
        );
    });
}

#[test]
fn what_was_agreed_is_what_is_sealed_and_signed() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let own = partner_viewer(partner_id);
        let (contract, version) = draft(app, partner_id);
        // Everything a version must say, before it is sent.
        submit(app, version);
        let seen = version_seen(&mut conn(app), &piet(), version).unwrap();
        super::lifecycle::version_return(app, &mut conn(app), &piet(), version, &seen, "Ask them first")
            .unwrap();
        send(app, version).unwrap();
        answer(app, &own, version, Move::Accept).unwrap();
        let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
        let db = &mut conn(app);
        let edit = rate_save(app, db, &dina(), version, &seen, &liftgate(1), Some("LFT"));
        assert!(message(edit).contains("what both sides agreed to"), "no edit without a new round");
        let frame = store::contract_show(db, &dina(), contract).unwrap().unwrap();
        let edit = contract_edit(
            app,
            db,
            &dina(),
            contract,
            &contract_seen(&frame),
            &fields("X", "2025-10-01", "2026-09-30"),
        );
        assert!(message(edit).contains("what both sides agreed to"));
        version_submit(app, db, &dina(), version, &seen).unwrap();
        approve(app, &piet(), version).unwrap();
        let sealed = store::version_show(&mut conn(app), &dina(), version).unwrap().unwrap().terms_sha256;
        assert_eq!(sealed, shown(app, version).sha256);
        sign(app, partner_id, version).unwrap();
        assert!(message(send(app, version)).contains("no draft any more"));
        clean(app);
    });
}

#[test]
fn whoever_took_the_partners_text_does_not_approve_it() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let own = partner_viewer(partner_id);
        let (_, version) = draft(app, partner_id);
        submit(app, version);
        let seen = version_seen(&mut conn(app), &piet(), version).unwrap();
        super::lifecycle::version_return(app, &mut conn(app), &piet(), version, &seen, "Ask them first")
            .unwrap();
        send(app, version).unwrap();
        counter(app, &own, version, "CLAUSE/7.1/rule/per_day/share", "4").unwrap();
        let submitted = |app: &App| {
            let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
            version_submit(app, &mut conn(app), &dina(), version, &seen)
        };
        assert!(message(submitted(app)).contains("round 2 of the partner is not answered"));
        answer(app, &piet(), version, Move::Accept).unwrap();
        submitted(app).unwrap();
        assert!(matches!(approve(app, &piet(), version), Err(EditError::OwnWork { .. })));
        approve(app, &viewer("Fay", Role::Finance), version).unwrap();
        clean(app);
    });
}

#[test]
fn every_way_around_is_refused() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let own = partner_viewer(partner_id);
        let foreign = partner_viewer(partner(app, "OVL"));
        let (_, version) = draft(app, partner_id);
        let not_found = |result: Result<(), EditError>| matches!(result, Err(EditError::NotFound(_)));
        let named = Named { round: 1, sha256: "0".repeat(64) };
        let said = Said { message: "x".to_owned(), reply_by: None };
        let try_accept = |who: &Viewer, named: &Named| {
            proposal_answer(app, &mut conn(app), who, version, Move::Accept, named, &said)
        };
        assert!(not_found(try_accept(&own, &named)), "before anything was sent the partner knows of nothing");
        send(app, version).unwrap();
        assert!(not_found(try_accept(&foreign, &shown(app, version))));
        assert!(matches!(
            negotiation_own(app, &mut conn(app), &foreign, version),
            Err(EditError::NotFound(_))
        ));
        assert!(matches!(counter_sheet(app, &mut conn(app), &foreign, version), Err(EditError::NotFound(_))));
        assert!(message(try_accept(&own, &named)).contains("not what waits now"), "a stale round");
        assert!(message(answer(app, &dina(), version, Move::Accept)).contains("turn of the partner"));
        assert!(message(send(app, version)).contains("turn of the partner"));
        for role in [Role::Finance, Role::Auditor, Role::CarrierManager, Role::Admin] {
            let denied = try_accept(&viewer("Ann", role), &shown(app, version));
            assert!(matches!(denied, Err(EditError::Denied { .. })), "{role}");
        }
        let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
        let edit = rate_save(app, &mut conn(app), &dina(), version, &seen, &liftgate(1), Some("LFT"));
        assert!(message(edit).contains("waits for its answer"), "what was sent does not change");
        assert!(
            message(version_submit(app, &mut conn(app), &dina(), version, &seen))
                .contains("waits for its answer")
        );
        assert!(version_discard(app, &mut conn(app), &dina(), version, &seen).is_err());
        let same = counter(app, &own, version, LIFTGATE, "40");
        assert!(matches!(same, Err(CounterError::Edit(EditError::Move { .. }))), "nothing is changed");
        let unsound = counter(app, &own, version, LIFTGATE, "-1");
        assert!(matches!(unsound, Err(CounterError::Values(problems)) if problems[0].key == LIFTGATE));
        let edited = app.clone();
        let late =
            App { clock: crate::clock::Clock::Fixed("2025-07-21T09:00:00Z".parse().unwrap()), ..edited };
        assert!(message(answer(&late, &own, version, Move::Accept)).contains("until 2025-07-20"));
        clean(app);
    });
}

#[test]
fn a_round_lapses_once_and_whoever_must_answer_is_reminded_once() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let own = partner_viewer(partner_id);
        user(app, &own, "ops@brk.example");
        let (_, version) = draft(app, partner_id);
        send(app, version).unwrap();
        let run = |on: &str| {
            let report = crate::app::contract_calendar::run(app, &mut conn(app), day(on)).unwrap();
            (report.reminded, report.lapsed)
        };
        assert_eq!(run("2025-07-17"), (0, 0));
        assert_eq!(run("2025-07-18"), (1, 0));
        assert_eq!(run("2025-07-18"), (0, 0), "once");
        assert_eq!(run("2025-07-20"), (0, 0), "its last day counts");
        assert_eq!(run("2025-07-21"), (0, 1));
        assert_eq!(run("2025-07-22"), (0, 0), "once");
        let talk = negotiation_own(app, &mut conn(app), &own, version).unwrap();
        assert_eq!(talk.rounds[0].answers[0].kind, Move::Lapse);
        send(app, version).unwrap();
        assert_eq!(shown(app, version).round, 2);
        clean(app);
    });
}

#[test]
fn declined_withdrawn_and_taken_up_again() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let own = partner_viewer(partner_id);
        let (_, version) = draft(app, partner_id);
        send(app, version).unwrap();
        answer(app, &own, version, Move::Decline).unwrap();
        send(app, version).unwrap();
        answer(app, &dina(), version, Move::Withdraw).unwrap();
        send(app, version).unwrap();
        counter(app, &own, version, LIFTGATE, "50").unwrap();
        let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
        proposal_adopt(app, &mut conn(app), &dina(), version, &seen).unwrap();
        assert_eq!(rate_of(app, version), Some(50_000_000));
        let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
        let same = proposal_send(app, &mut conn(app), &dina(), version, &seen, &until("2025-07-20"));
        assert!(message(same).contains("nothing is changed"));
        answer(app, &dina(), version, Move::Accept).unwrap();
        answer(app, &dina(), version, Move::Reopen).unwrap();
        let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
        rate_save(app, &mut conn(app), &dina(), version, &seen, &liftgate(44_000_000), Some("LFT")).unwrap();
        send(app, version).unwrap();
        assert_eq!(shown(app, version).round, 5);
        clean(app);
    });
}

#[test]
fn a_round_cannot_be_changed_and_verify_sees_one_that_was() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (_, version) = draft(app, partner_id);
        send(app, version).unwrap();
        let db = &mut conn(app);
        for sql in ["UPDATE negotiation_moves SET message = 'x'", "DELETE FROM negotiation_moves"] {
            let refused = db.batch_execute(sql).unwrap_err().to_string();
            assert!(refused.contains("negotiation_moves is a history"), "{sql}: {refused}");
        }
        clean(app);
        // By hand, past the triggers.
        open_history(db, "negotiation_moves");
        db.batch_execute("UPDATE negotiation_moves SET body = REPLACE(body, '40000000', '41000000')")
            .unwrap();
        let problems = verify_contracts(db).unwrap().problems;
        assert!(problems[0].contains("the text of round 1 is not the one that was sent"), "{problems:?}");
        db.batch_execute("UPDATE negotiation_moves SET side = 'PARTNER'").unwrap();
        let problems = verify_contracts(db).unwrap().problems;
        assert!(problems[0].contains("does not follow"), "{problems:?}");
    });
}
