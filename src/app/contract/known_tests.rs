//! What was known when, on both databases: what the page said on a day is what it says of that day ever after.

use super::draft::version_create;
use super::known::{KnownAnswer, contract_known};
use super::rest::{contract_resume, contract_suspend, contract_terminate};
use super::tests::{agree, amendment, conn, day, dina, in_force, partner, piet};
use super::*;
use crate::app::contract_calendar;
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::clock::Clock;
use crate::domain::viewer::Role;

const NOW: &str = "2025-07-08T09:00:00Z";

/// The same installation on another day.
fn on_day(app: &App, today: &str) -> App {
    App::new(
        app.pool.clone(),
        Clock::Fixed(format!("{today}T09:00:00Z").parse().unwrap()),
        "http://localhost",
    )
}

fn known(app: &App, contract: i64, on: &str, known_on: &str) -> KnownAnswer {
    contract_known(app, &mut conn(app), &dina(), contract, day(on), day(known_on)).unwrap()
}

/// The answer in one line.
fn line(answer: &KnownAnswer) -> String {
    let held = answer.held.as_ref().map(|held| {
        assert!(held.same, "the text is the one that was sealed");
        format!(
            "{} {} until {:?} rests {:?}",
            held.terms.version_no, held.terms.status, held.terms.valid_to, held.terms.rests
        )
    });
    let term =
        answer.term.as_ref().map(|term| format!("{} {:?} {}", term.status, term.term_end, term.renewal));
    format!(
        "{} | {}",
        held.unwrap_or_else(|| "nothing".to_owned()),
        term.unwrap_or_else(|| "no contract".to_owned())
    )
}

const DAYS: [&str; 7] =
    ["2024-09-30", "2024-10-01", "2025-07-08", "2025-07-20", "2025-08-01", "2025-09-30", "2025-10-01"];

#[test]
fn an_answer_about_an_earlier_day_never_changes() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (contract, _) = in_force(app, partner_id, "BRK-1");
        let mut said: Vec<(String, String, String)> = Vec::new();
        let mut look = |app: &App, today: &'static str| {
            for on in DAYS {
                let answer = known(app, contract, on, today);
                // As known today it is what everything else goes by.
                let now = store::terms_in_force(&mut conn(app), &dina(), partner_id, day(on)).unwrap().pop();
                let then = answer.held.as_ref().map(|held| held.terms.clone());
                assert_eq!(then, now, "on {on}, today {today}");
                assert_eq!(answer.now, then.map(|terms| terms.version_no));
                assert!(answer.changes.is_empty());
                said.push((on.to_owned(), today.to_owned(), line(&answer)));
            }
            for (on, known_on, line_then) in &said {
                assert_eq!(
                    &line(&known(app, contract, on, known_on)),
                    line_then,
                    "on {on}, known on {known_on}"
                );
            }
        };
        look(app, "2025-07-08");

        let app = &on_day(app, "2025-07-10");
        let second =
            version_create(app, &mut conn(app), &dina(), contract, &amendment("2025-07-15")).unwrap();
        look(app, "2025-07-10");
        let app = &on_day(app, "2025-07-25");
        agree(app, partner_id, second);
        look(app, "2025-07-25");

        // On the 24th everybody took version 1 for the 20th.
        let late = known(app, contract, "2025-07-20", "2025-07-24");
        assert_eq!((late.held.as_ref().unwrap().terms.version_no, late.now), (1, Some(2)));
        assert_eq!(known(app, contract, "2025-07-14", "2025-07-25").now, Some(1));

        let app = &on_day(app, "2025-07-28");
        let seen =
            |app: &App| contract_show(app, &mut conn(app), &dina(), contract, None).unwrap().contract_seen;
        let token = seen(app);
        contract_suspend(app, &mut conn(app), &piet(), contract, &token, day("2025-07-26"), "Insurance")
            .unwrap();
        look(app, "2025-07-28");
        let app = &on_day(app, "2025-07-30");
        let token = seen(app);
        contract_resume(app, &mut conn(app), &piet(), contract, &token, day("2025-07-29"), "Insured")
            .unwrap();
        look(app, "2025-07-30");
        let app = &on_day(app, "2025-08-05");
        contract_calendar::run(app, &mut conn(app), day("2025-08-05")).unwrap();
        let token = seen(app);
        contract_terminate(app, &mut conn(app), &piet(), contract, &token, day("2025-07-31"), "Lost")
            .unwrap();
        look(app, "2025-08-05");
        let gone = known(app, contract, "2025-08-01", "2025-08-05");
        assert_eq!((gone.held.is_none(), gone.now), (true, None));
        assert_eq!(known(app, contract, "2025-08-01", "2025-08-04").held.unwrap().terms.version_no, 2);

        let before = known(app, contract, "2025-07-08", "2025-07-07");
        assert_eq!(line(&before), "nothing | no contract");
        assert!(!before.taken_over);
    });
}

#[test]
fn it_is_the_shippers_own_and_its_record_stays() {
    use diesel::connection::SimpleConnection;
    on_each_engine(NOW, |app| {
        let brk = partner(app, "BRK");
        let (contract, _) = in_force(app, brk, "BRK-1");
        for who in [partner_viewer(brk), viewer("Root", Role::Admin)] {
            let denied =
                contract_known(app, &mut conn(app), &who, contract, day("2025-07-08"), day("2025-07-08"));
            assert!(matches!(denied, Err(EditError::Denied { .. })));
        }
        for sql in ["UPDATE contract_terms SET title = 'x'", "DELETE FROM contract_terms"] {
            let refused = conn(app).batch_execute(sql).unwrap_err().to_string();
            assert!(refused.contains("contract_terms is a history"), "{sql}: {refused}");
        }
    });
}
