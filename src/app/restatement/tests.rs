//! Final scorecards and their restatement, through both databases.

use diesel::prelude::*;

use super::*;
use crate::app::expected::tests::{conn, load, partner, refreshed};
use crate::app::score::{ScoreReport, published, score_due, verify_scorecards};
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::clock::Clock;
use crate::db::restatement::{final_of, restatements_after_unscoped};
use crate::db::schema::{mails, users};
use crate::db::scorecard::scorecard_publications;
use crate::domain::viewer::Role;
use crate::feeds::kind::ImportKind;

/// Final day of June 2025 is Monday 14 July.
const FINAL: &str = "2025-07-14T09:00:00Z";
const HEAD: &str = "reference,partner,lane,pickup_zone,delivery_zone,delivery_window_end,arrived_at\n";
const ROWS: &str = "\
A,P1,L,UTC,UTC,2025-06-05T17:00Z,2025-06-05T16:00Z
B,P1,L,UTC,UTC,2025-06-05T17:00Z,2025-06-05T20:00Z
C,P1,L,UTC,UTC,2025-06-06T17:00Z,2025-06-06T16:30Z
";

fn at(app: &App, now: &str) -> App {
    App { clock: Clock::Fixed(now.parse().unwrap()), ..app.clone() }
}

fn june() -> Period {
    "2025-06".parse().unwrap()
}

fn mara() -> Viewer {
    viewer("Mara", Role::CarrierManager)
}

/// A user who can be mailed.
pub(in crate::app) fn user(app: &App, email: &str, role: Role, partner_id: Option<i64>) {
    diesel::insert_into(users::table)
        .values((
            users::id.eq(app.id()),
            users::email.eq(email),
            users::name.eq("User"),
            users::role.eq(role.code()),
            users::partner_id.eq(partner_id),
            users::password_hash.eq("-"),
            users::active.eq(true),
            users::created_at.eq(Instant(app.now())),
        ))
        .execute(&mut *conn(app))
        .unwrap();
}

fn staged(app: &App) -> i64 {
    load(app, ImportKind::Shipments, &format!("{HEAD}{ROWS}"));
    refreshed(app);
    score_due(app, app.now(), None).unwrap();
    partner(app, "P1")
}

fn hash(app: &App, partner_id: i64) -> String {
    published(&mut conn(app), &Viewer::system(), partner_id, june()).unwrap().unwrap().row.snapshot_hash
}

#[test]
fn a_late_fact_moves_a_final_scorecard_only_by_a_restatement() {
    on_each_engine("2025-07-08T09:00:00Z", |app| {
        let p1 = staged(app);
        user(app, "own@p1.example", Role::Partner, Some(p1));
        let first = hash(app, p1);
        let early = restate(app, &mara(), p1, june(), "A late gate log").unwrap_err();
        assert!(early.to_string().contains("14 July 2025"), "{early}");

        let later = at(app, FINAL);
        let reports = score_due(&later, later.now(), None).unwrap();
        assert!(reports.iter().all(|report| report.restated == 0));
        assert_eq!(hash(app, p1), first);
        let made = final_of(&mut conn(app), &mara(), p1, "2025-06").unwrap();
        assert_eq!(made.unwrap().acceptance, "DEEMED");
        assert_eq!(
            score_due(&later, later.now(), None).unwrap().iter().map(ScoreReport::changed_rows).sum::<i64>(),
            0
        );

        // Restating nothing changes nothing, and is refused with words.
        let nothing = restate(&later, &mara(), p1, june(), "To be sure").unwrap_err();
        assert!(nothing.to_string().contains("nothing"), "{nothing}");

        // The carrier's clock is corrected: B was on time.
        let late = ROWS.replace("2025-06-05T20:00Z", "2025-06-05T16:40Z");
        load(&later, ImportKind::Shipments, &format!("{HEAD}{late}"));
        refreshed(&later);
        let held: i64 = score_due(&later, later.now(), None).unwrap().iter().map(|report| report.held).sum();
        assert_eq!(held, 2, "the month and its quarter are held");
        assert_eq!(hash(app, p1), first, "no published figure moved");
        assert_eq!(drifts(&mut conn(app), &mara()).unwrap().len(), 2);
        assert!(drifts(&mut conn(app), &partner_viewer(p1 + 1)).unwrap().is_empty());
        let seen = preview(&later, &mut conn(app), &mara(), p1, june()).unwrap();
        assert!(seen.is_final && !seen.moved.is_empty());

        assert!(
            matches!(restate(&later, &mara(), p1, june(), ""), Err(EditError::Invalid(_))),
            "never silent"
        );
        for role in [Role::Procurement, Role::Finance, Role::Auditor, Role::Admin] {
            let other = viewer("Else", role);
            assert!(matches!(restate(&later, &other, p1, june(), "Why not"), Err(EditError::Denied { .. })));
        }
        let moved = restate(&later, &mara(), p1, june(), "The clock at the dock was wrong").unwrap();
        assert_eq!(moved, seen.moved);
        assert!(moved.iter().any(|one| one.what.ends_with(": net")), "{moved:?}");
        assert_ne!(hash(app, p1), first);
        let mut db = conn(app);
        assert_eq!(scorecard_publications(&mut db, &partner_viewer(p1), p1, june()).unwrap().len(), 2);
        let told = restated(&mut db, &partner_viewer(p1), p1, june()).unwrap();
        assert_eq!(told[0].reason, "The clock at the dock was wrong");
        assert_eq!(restatements_after_unscoped(&mut db, 0).unwrap(), told, "what an accrual reads");
        assert_eq!(drifts(&mut db, &mara()).unwrap().len(), 1, "the quarter still waits for its own");
        assert_eq!(verify_scorecards(&mut db).unwrap().0, []);
        let body: Vec<String> =
            mails::table.filter(mails::kind.eq("SCORECARD")).select(mails::text_body).load(&mut *db).unwrap();
        assert_eq!(body.len(), 1);
        assert!(
            body[0].contains("The clock at the dock was wrong") && body[0].contains(": net"),
            "{}",
            body[0]
        );
        drop(db);
        let again = restate(&later, &mara(), p1, june(), "Once more").unwrap_err();
        assert!(matches!(again, EditError::Card(_)), "{again:?}");
        assert_eq!(
            score_due(&later, later.now(), None).unwrap().iter().map(ScoreReport::changed_rows).sum::<i64>(),
            0
        );
    });
}

/// A scorecard published late, such as of imported history, is final at once.
#[test]
fn what_is_first_published_after_its_final_day_is_final_at_once() {
    on_each_engine("2025-09-08T09:00:00Z", |app| {
        let p1 = staged(app);
        let made = final_of(&mut conn(app), &mara(), p1, "2025-06").unwrap();
        assert!(made.is_some());
        let first = hash(app, p1);
        let late = ROWS.replace("2025-06-05T20:00Z", "2025-06-05T16:40Z");
        load(app, ImportKind::Shipments, &format!("{HEAD}{late}"));
        refreshed(app);
        score_due(app, app.now(), None).unwrap();
        assert_eq!(hash(app, p1), first);
    });
}
