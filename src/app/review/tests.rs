//! Reviews on both engines: sent once, corrected when restated, and never with a rate.

use chrono::{DateTime, Days, NaiveDate, Utc};
use diesel::prelude::*;

use super::{ReviewReport, send_reviews};
use crate::app::App;
use crate::app::mail::{MailShown, mail_list, mail_show};
use crate::app::score::score_period;
use crate::app::testing::{day_cell, on_each_engine, viewer};
use crate::db::schema::partners;
use crate::db::types::Instant;
use crate::domain::measure::{Measures, Ratio, Tally};
use crate::domain::viewer::Role;

const NOW: &str = "2025-07-08T06:10:00Z";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn partner(app: &App, id: i64, email: &str, cadence: &str) {
    diesel::insert_into(partners::table)
        .values((
            partners::id.eq(id),
            partners::code.eq(format!("P{id}")),
            partners::name.eq(format!("Partner {id}")),
            partners::contact_email.eq(email),
            partners::review_cadence.eq(cadence),
            partners::created_at.eq(Instant(app.now())),
        ))
        .execute(&mut *app.pool.get().unwrap())
        .unwrap();
}

/// 100 deliveries with a freight of 987.65 each; all else went well.
fn cell(app: &App, partner_id: i64, on: NaiveDate, on_time: i64) {
    let measures = Measures {
        shipments: 100,
        delivery_window: Tally { success: on_time, late: 100 - on_time, ..Tally::default() },
        delivery_day: Tally { success: 100, ..Tally::default() },
        pickup_window: Tally { success: 100, ..Tally::default() },
        first_attempt: Tally { success: 100, ..Tally::default() },
        tender: Tally { success: 100, ..Tally::default() }.into(),
        status_timely: Ratio { numerator: 100, denominator: 100 },
        diverted: Ratio { numerator: 0, denominator: 100 },
        freight: Ratio { numerator: 98_765_000_000, denominator: 100 },
        billed_to_rated: Ratio { numerator: 98_765_000_000, denominator: 98_765_000_000 },
        rated: 100,
        accessorial: Ratio { numerator: 2_000_000_000, denominator: 98_765_000_000 },
        with_linehaul: 100,
        ..Measures::default()
    };
    day_cell(app, partner_id, on, &measures);
}

/// Half a year of Tuesdays, 9 in 10 on time.
fn history(app: &App, partner_id: i64) {
    for week in 0..26 {
        cell(app, partner_id, day("2025-01-07") + Days::new(7 * week), 90);
    }
}

fn score(app: &App, at: &str) {
    let at: DateTime<Utc> = at.parse().unwrap();
    for period in ["2025-05", "2025-06"] {
        score_period(app, period.parse().unwrap(), at, None).unwrap();
    }
}

fn send(app: &App) -> ReviewReport {
    send_reviews(app, day("2025-07-08"), None).unwrap()
}

fn newest(app: &App) -> MailShown {
    let auditor = viewer("Ada", Role::Auditor);
    let id = mail_list(app, &auditor, None, 1).unwrap().first().unwrap().id;
    mail_show(app, &auditor, id).unwrap().unwrap()
}

#[test]
fn a_published_period_is_mailed_once_with_its_chart_and_without_a_rate() {
    on_each_engine(NOW, |app| {
        partner(app, 1, "ops@alder.example", "MONTHLY");
        partner(app, 2, "", "MONTHLY");
        partner(app, 3, "ops@cedar.example", "NEVER");
        history(app, 1);
        assert_eq!(send(app), ReviewReport { waiting: 1, no_address: 1, ..ReviewReport::default() });
        score(app, NOW);
        assert_eq!(send(app), ReviewReport { queued: 1, no_address: 1, ..ReviewReport::default() });
        assert_eq!(send(app), ReviewReport { already: 1, no_address: 1, ..ReviewReport::default() });
        let mail = newest(app).content.unwrap();
        assert_eq!(
            (mail.to.as_str(), mail.message.subject.as_str()),
            ("ops@alder.example", "Partner 1: review of June 2025")
        );
        let text = &mail.message.text;
        for words in [
            "unchanged since May 2025",
            "Delivery on time, window: 90.0 %, target",
            "counted 400, likely 86.7 to 92.6 %",
            "http://localhost/portal/scorecards/2025-06",
        ] {
            assert!(text.contains(words), "no `{words}` in\n{text}");
        }
        for body in [text, &mail.message.html] {
            assert!(
                !body.contains("987") && !body.contains("98,765") && !body.contains("USD"),
                "a rate in\n{body}"
            );
            assert!(!body.contains("None"), "{body}");
        }
        assert!(mail.message.html.contains("cid:trend") && mail.message.html.contains("90.0 %"));
        let chart = mail.parts.first().unwrap();
        assert_eq!(chart.content_type, "image/png");
        assert!(chart.content.starts_with(b"\x89PNG") && chart.content.len() > 5_000);
    });
}

/// 12 of 12 reach the stretch, and their interval goes below the floor.
#[test]
fn a_handful_of_good_cases_is_no_target_met() {
    on_each_engine(NOW, |app| {
        partner(app, 1, "ops@alder.example", "MONTHLY");
        let measures = Measures {
            shipments: 12,
            delivery_window: Tally { success: 12, ..Tally::default() },
            delivery_day: Tally { success: 12, ..Tally::default() },
            pickup_window: Tally { success: 12, ..Tally::default() },
            first_attempt: Tally { success: 12, ..Tally::default() },
            ..Measures::default()
        };
        day_cell(app, 1, day("2025-06-10"), &measures);
        score(app, NOW);
        send(app);
        let text = newest(app).content.unwrap().message.text;
        assert!(text.contains("at stretch, not beyond chance, few cases"), "{text}");
        assert!(!text.contains("at stretch, few cases") && !text.contains("at target"), "{text}");
    });
}

#[test]
fn a_restatement_of_what_was_mailed_says_what_changed() {
    on_each_engine(NOW, |app| {
        partner(app, 1, "ops@alder.example", "MONTHLY");
        history(app, 1);
        score(app, NOW);
        send(app);
        // May is final, so it stays as it is; June, under review, is restated.
        cell(app, 1, day("2025-05-21"), 10);
        cell(app, 1, day("2025-06-18"), 10);
        score(app, "2025-07-09T06:00:00Z");
        let report = send(app);
        assert_eq!((report.queued, report.corrected), (1, 1));
        let mail = newest(app).content.unwrap();
        assert_eq!(mail.message.subject, "Partner 1: corrected review of June 2025");
        let text = &mail.message.text;
        assert!(text.contains("This replaces the review sent earlier."), "{text}");
        assert!(text.contains("Delivery on time, window 74.0 % of 500, was 90.0 % of 400"), "{text}");
        assert_eq!(send(app).queued, 0);
    });
}
