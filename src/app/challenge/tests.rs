//! Challenges through both databases: when, by whom, and what an answer does.

use super::*;
use crate::app::edit::EditError;
use crate::app::exclusion::{Named, NewExclusion, request_tender};
use crate::app::expected::tests::{conn, load, partner, refreshed};
use crate::app::score::{score_due, score_period};
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::clock::Clock;
use crate::db::restatement::final_of;
use crate::domain::challenge::NotNow;
use crate::feeds::kind::ImportKind;

/// The last day of the review of June 2025.
const REVIEW: &str = "2025-07-08T09:00:00Z";
const HEAD: &str = "reference,partner,lane,pickup_zone,delivery_zone,delivery_window_end,arrived_at\n";
const ROWS: &str = "\
A,P1,L,UTC,UTC,2025-06-05T17:00Z,2025-06-05T16:00Z
B,P1,L,UTC,UTC,2025-06-05T17:00Z,2025-06-05T20:00Z
C,P1,L,UTC,UTC,2025-06-06T17:00Z,2025-06-06T20:00Z
MAY,P1,L,UTC,UTC,2025-05-06T17:00Z,2025-05-06T20:00Z
D,P2,L,UTC,UTC,2025-06-06T17:00Z,2025-06-06T20:00Z
";

fn at(app: &App, now: &str) -> App {
    App { clock: Clock::Fixed(now.parse().unwrap()), ..app.clone() }
}

fn june() -> Period {
    "2025-06".parse().unwrap()
}

fn staged(app: &App) -> (i64, i64) {
    load(app, ImportKind::Shipments, &format!("{HEAD}{ROWS}"));
    refreshed(app);
    score_due(app, app.now(), None).unwrap();
    (partner(app, "P1"), partner(app, "P2"))
}

fn raises(
    app: &App,
    who: &Viewer,
    of: (Period, Kpi),
    partner_id: i64,
    reference: &str,
) -> Result<i64, EditError> {
    let new = NewChallenge {
        statement: "The truck was there at four.".to_owned(),
        evidence: "Gate log of 5 June".to_owned(),
        file: None,
    };
    raise(app, &mut conn(app), who, of, Named { partner_id, source: "file", reference }, &new)
}

fn answers(app: &App, id: i64, answer_: Answer) -> Result<(Challenge, bool), EditError> {
    let new = NewAnswer {
        answer: answer_,
        words: "Seen the gate log.".to_owned(),
        party: Some(Fault::Consignee),
        reason_code: "B1".to_owned(),
    };
    answer(app, &mut conn(app), &viewer("Mara", Role::CarrierManager), id, &new)
}

#[test]
fn a_partner_challenges_its_own_lines_in_its_review_only() {
    on_each_engine(REVIEW, |app| {
        let (p1, p2) = staged(app);
        let own = partner_viewer(p1);
        let of = (june(), Kpi::OtdWin);
        let id = raises(app, &own, of, p1, "B").unwrap();
        assert!(matches!(raises(app, &own, of, p1, "B"), Err(EditError::Card(_))), "challenged already");
        assert!(matches!(raises(app, &own, of, p1, "MAY"), Err(EditError::Card(_))), "no line of June");
        assert!(matches!(raises(app, &own, of, p1, "NONE"), Err(EditError::NotFound(_))));
        assert!(matches!(raises(app, &own, of, p2, "D"), Err(EditError::NotFound(_))), "another partner's");
        assert!(challenge_show(&mut conn(app), &partner_viewer(p2), id).unwrap().is_none());
        let may = (Period::containing(PeriodKind::Month, "2025-05-01".parse().unwrap()), Kpi::OtdWin);
        let late = raises(app, &own, may, p1, "MAY").unwrap_err();
        assert!(matches!(late, EditError::Challenge(NotNow::TooLate { .. })), "{late:?}");
        let july = (Period::containing(PeriodKind::Month, "2025-07-01".parse().unwrap()), Kpi::OtdWin);
        assert!(raises(app, &own, july, p1, "B").is_err());
        let after = at(app, "2025-07-09T09:00:00Z");
        let late = raises(&after, &own, of, p1, "C").unwrap_err();
        assert!(late.to_string().contains("ended on 8 July 2025"), "{late}");
    });
}

#[test]
fn accepting_makes_an_exclusion_that_the_partner_asked_for() {
    on_each_engine(REVIEW, |app| {
        let (p1, _) = staged(app);
        let own = partner_viewer(p1);
        let id = raises(app, &own, (june(), Kpi::OtdWin), p1, "B").unwrap();
        let (_, is_final) = answers(app, id, Answer::Excused).unwrap();
        assert!(!is_final);
        assert!(matches!(answers(app, id, Answer::Denied), Err(EditError::Card(_))), "answered once");
        let found = challenge_show(&mut conn(app), &own, id).unwrap().unwrap();
        let (kind, row) = found.answer.unwrap();
        assert_eq!(kind, Answer::Excused);
        let exclusion = crate::db::exclusion::exclusion_show(&mut conn(app), &own, row.exclusion_id.unwrap());
        let exclusion = exclusion.unwrap().unwrap();
        assert_eq!(exclusion.state, Some(Decision::Approved));
        assert_eq!((exclusion.row.requested_by_id, exclusion.row.side.as_str()), (own.user_id, "PARTNER"));
        assert_eq!(exclusion.decisions[0].actor, "Mara");
        refreshed(app);
        score_due(app, app.now(), None).unwrap();
        let card = scorecard_latest(&mut conn(app), &own, p1, june()).unwrap().unwrap();
        let snapshot = crate::app::score::parsed(&card).unwrap();
        assert_eq!(snapshot.evidence_of("OTD_WIN").unwrap().value.excused, 1, "provisional figures follow");
    });
}

#[test]
fn an_open_challenge_delays_nothing_and_is_told_when_final() {
    on_each_engine(REVIEW, |app| {
        let (p1, p2) = staged(app);
        let own = partner_viewer(p1);
        let id = raises(app, &own, (june(), Kpi::OtdWin), p1, "B").unwrap();
        // Final on business day 10, Monday 14 July.
        let later = at(app, "2025-07-14T09:00:00Z");
        score_period(&later, june(), later.now(), None).unwrap();
        let accepted =
            |partner_id| final_of(&mut conn(app), &Viewer::system(), partner_id, "2025-06").unwrap().unwrap();
        let row = accepted(p1);
        assert_eq!((row.acceptance.as_str(), row.open_challenges), ("OPEN", 1));
        assert_eq!(accepted(p2).acceptance, "DEEMED");
        let (_, is_final) = answers(&later, id, Answer::Excused).unwrap();
        assert!(is_final, "accepted late it leads to a restatement");
        refreshed(&later);
        let held = score_period(&later, june(), later.now(), None).unwrap();
        assert_eq!((held.held, held.restated), (1, 0), "and moves nothing by itself");
    });
}

#[test]
fn the_partner_takes_its_challenge_back_and_nobody_answers_it_then() {
    on_each_engine(REVIEW, |app| {
        let (p1, _) = staged(app);
        let own = partner_viewer(p1);
        let id = raises(app, &own, (june(), Kpi::OtdWin), p1, "B").unwrap();
        let back = NewAnswer {
            answer: Answer::Withdrawn,
            words: "Our own clock was wrong.".to_owned(),
            party: None,
            reason_code: String::new(),
        };
        answer(app, &mut conn(app), &own, id, &back).unwrap();
        assert!(answers(app, id, Answer::Excused).is_err());
        assert!(waiting(&mut conn(app), &Viewer::system()).unwrap().challenges.is_empty());
    });
}

#[test]
fn reminders_go_out_once() {
    on_each_engine(REVIEW, |app| {
        let (p1, _) = staged(app);
        crate::app::restatement::tests::user(app, "mara@lanes.example", Role::CarrierManager, None);
        crate::app::restatement::tests::user(app, "own@p1.example", Role::Partner, Some(p1));
        raises(app, &partner_viewer(p1), (june(), Kpi::OtdWin), p1, "B").unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        // Raised on Tuesday 8 July, so due on Tuesday 15 July.
        assert_eq!(daily(app, day("2025-07-10")).unwrap().mails, 0);
        assert_eq!(daily(app, day("2025-07-11")).unwrap().mails, 1, "two business days before");
        assert_eq!(daily(app, day("2025-07-14")).unwrap().mails, 0, "once");
        assert_eq!(daily(app, day("2025-07-16")).unwrap().mails, 2, "overdue: both sides");
        assert_eq!(daily(app, day("2025-07-17")).unwrap(), Daily::default());
    });
}

const TENDERS: &str = "reference,partner,sent_at,respond_by,response,responded_at,sequence,bounced_at\n\
    T1,P1,2025-06-05T08:00Z,2025-06-05T12:00Z,ACCEPTED,2025-06-05T09:00Z,1,\n\
    T2,P1,2025-06-05T08:00Z,2025-06-05T12:00Z,REJECTED,2025-06-05T09:00Z,1,\n\
    T3,P1,2025-06-05T08:00Z,2025-06-05T12:00Z,,,1,\n\
    T4,P2,2025-06-05T08:00Z,2025-06-05T12:00Z,REJECTED,2025-06-05T09:00Z,1,\n";

/// Net, gross, failures and excused of tenders accepted by P1 in June, as the newest card counts them.
fn acceptance(app: &App, partner_id: i64) -> (i64, i64, i64) {
    refreshed(app);
    score_due(app, app.now(), None).unwrap();
    let card = scorecard_latest(&mut conn(app), &Viewer::system(), partner_id, june()).unwrap().unwrap();
    let snapshot = crate::app::score::parsed(&card).unwrap();
    let value = &snapshot.evidence_of("TAR").unwrap().value;
    (value.n, value.excused, value.no_evidence)
}

#[test]
fn a_tender_is_challenged_like_a_shipment_and_excused_leaves_net() {
    on_each_engine(REVIEW, |app| {
        let (p1, p2) = staged(app);
        load(app, ImportKind::Tenders, TENDERS);
        assert_eq!(acceptance(app, p1), (3, 0, 1));
        let own = partner_viewer(p1);
        let of = (june(), Kpi::Tar);
        let id = raises(app, &own, of, p1, "T2").unwrap();
        let found = challenge_show(&mut conn(app), &own, id).unwrap().unwrap();
        assert_eq!((found.row.named().as_str(), found.row.outcome.as_str()), ("tender T2", "not accepted"));
        assert!(matches!(raises(app, &own, of, p1, "T2"), Err(EditError::Card(_))), "challenged already");
        assert!(matches!(raises(app, &own, of, p1, "T4"), Err(EditError::NotFound(_))), "another partner's");
        assert!(
            matches!(raises(app, &own, of, p1, "B"), Err(EditError::NotFound(_))),
            "a shipment is no tender"
        );
        let surge = raises(app, &own, (june(), Kpi::SurgeAcc), p1, "T2").unwrap_err();
        assert!(surge.to_string().contains("tender T2 is no line of"), "{surge}");
        assert!(challenge_show(&mut conn(app), &partner_viewer(p2), id).unwrap().is_none());
        // Who asked is not who decides.
        let asker = Viewer { role: Role::CarrierManager, partner_id: None, ..own.clone() };
        let excused = NewAnswer {
            answer: Answer::Excused,
            words: "The dock was closed.".to_owned(),
            party: Some(Fault::Consignee),
            reason_code: "B1".to_owned(),
        };
        let refused = answer(app, &mut conn(app), &asker, id, &excused).unwrap_err();
        assert!(matches!(refused, EditError::Review(Refused::OwnRequest)), "{refused:?}");
        answers(app, id, Answer::Excused).unwrap();
        assert_eq!(acceptance(app, p1), (2, 1, 1));

        // What was approved stays when the tender comes in again, and the checks agree.
        let again = TENDERS.replace(
            "T2,P1,2025-06-05T08:00Z,2025-06-05T12:00Z",
            "T2,P1,2025-06-05T08:00Z,2025-06-05T13:00Z",
        );
        load(app, ImportKind::Tenders, &again);
        assert_eq!(acceptance(app, p1), (2, 1, 1));
        let sums = crate::app::refresh::check::sums_differ(&mut conn(app), app.now()).unwrap();
        assert!(sums.differences.is_empty(), "{:?}", sums.differences);
        assert_eq!(crate::app::exclusion::exclusions_differ(&mut conn(app)).unwrap(), (1, Vec::new()));

        // The list behind the number has it, and a denial after the approval brings it back.
        let part = crate::app::evidence::Part::default();
        let listed = |pick| {
            let of = (p1, june(), app.now());
            let of_kpi = (Kpi::Tar, pick, &part);
            let found = crate::app::evidence::behind(&mut conn(app), &own, of, of_kpi, (None, 50)).unwrap();
            let crate::app::evidence::Rows::Tenders(rows) = found.rows else { panic!("tenders") };
            rows.into_iter().map(|row| row.reference).collect::<Vec<_>>()
        };
        assert_eq!(listed(crate::app::evidence::Pick::Excused), ["T2"]);
        assert_eq!(listed(crate::app::evidence::Pick::Missed), ["T3"]);
        let exclusion =
            challenge_show(&mut conn(app), &own, id).unwrap().unwrap().answer.unwrap().1.exclusion_id;
        let second = viewer("Paul", Role::CarrierManager);
        crate::app::exclusion::decide(
            app,
            &mut conn(app),
            &second,
            exclusion.unwrap(),
            Decision::Denied,
            "The dock was open after all.",
        )
        .unwrap();
        assert_eq!(acceptance(app, p1), (3, 0, 1));
        // What was taken cannot be excused.
        let taken = raises(app, &own, of, p1, "T1").unwrap();
        let nothing = answers(app, taken, Answer::Excused).unwrap_err();
        assert!(nothing.to_string().contains("tender T1 is accepted"), "{nothing}");

        // The shipper's own people ask without a challenge; somebody else decides.
        let mara = viewer("Mara", Role::CarrierManager);
        let wanted = NewExclusion {
            stop: StopPurpose::Pickup,
            party: Some(Fault::Shipper),
            reason_code: "AJ".to_owned(),
            statement: "The load was not ready.".to_owned(),
            evidence: "The loading sheet of the fifth.".to_owned(),
            file: None,
        };
        let ask = |viewer: &Viewer, partner_id, reference| {
            let named = Named { partner_id, source: "file", reference };
            request_tender(app, &mut conn(app), viewer, named, &wanted)
        };
        let nothing = ask(&mara, p1, "T1").unwrap_err();
        assert!(nothing.to_string().contains("tender T1 is accepted"), "{nothing}");
        assert!(matches!(ask(&own, p2, "T4"), Err(EditError::NotFound(_))), "another partner's");
        let id = ask(&mara, p1, "T3").unwrap();
        assert!(matches!(ask(&own, p1, "T3"), Err(EditError::Card(_))), "one waits already");
        let decide = |viewer: &Viewer| {
            let yes = "Seen on the sheet.";
            crate::app::exclusion::decide(app, &mut conn(app), viewer, id, Decision::Approved, yes)
        };
        assert!(decide(&mara).is_err(), "who asked does not decide");
        decide(&second).unwrap();
        assert_eq!(acceptance(app, p1), (2, 1, 0));
    });
}
