//! One KPI read in five ways: card, portal, e-mail, command line, export. All say the same to the last digit they show, and
//! what they show is the same fraction.

use diesel::prelude::*;
use lanemark::app::review::send_reviews;
use lanemark::db::schema::{mails, partners};
use lanemark::domain::viewer::Role;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::scorecard::stage;
use crate::support::app::TestApp;
use crate::support::db::on_both_async;
use crate::support::process::Desk;

/// The KPIs in percent that the review mail leads with, by name and code.
const HEADLINES: [(&str, &str); 2] =
    [("Delivery on time, window", "OTD_WIN"), ("Delivery on time, day", "OTD_DAY")];

/// A fraction as pages word it.
fn percent(share: Decimal) -> String {
    let rounded =
        (share * Decimal::ONE_HUNDRED).round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
    format!("{rounded:.1} %")
}

fn decimal(value: &Value) -> Decimal {
    value.as_str().map_or_else(|| value.to_string().parse().unwrap(), |text| text.parse().unwrap())
}

#[test]
fn a_kpi_reads_the_same_on_card_portal_mail_command_line_and_export() {
    on_both_async(|db| async move {
        let desk = Desk::new(&db);
        let mut browser = TestApp::new(&db).await;
        stage(&browser.app);
        let app = browser.app.clone();
        {
            let mut db = app.pool.get().unwrap();
            diesel::update(partners::table.filter(partners::code.eq("BRCK")))
                .set((
                    partners::contact_email.eq("dana@brackwater.example"),
                    partners::review_cadence.eq("MONTHLY"),
                ))
                .execute(&mut *db)
                .unwrap();
        }
        let day = "2025-07-08".parse().unwrap();
        send_reviews(&app, day, Some("2025-06".parse().unwrap())).unwrap();
        let mail: String = mails::table
            .filter(mails::recipient.eq("dana@brackwater.example"))
            .filter(mails::kind.eq("REVIEW"))
            .select(mails::text_body)
            .first(&mut *app.pool.get().unwrap())
            .unwrap();

        browser.sign_in_as(Role::CarrierManager).await;
        let id = browser.partner_id;
        let card = browser.get(&format!("/scorecards/{id}/2025-06")).await;
        let csv = browser.get(&format!("/scorecards/{id}/2025-06.csv")).await.html;
        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        let portal = browser.get("/portal/scorecards/2025-06").await;

        for (name, code) in HEADLINES {
            let lines = desk.run(&["kpi", code, "--period", "2025-06", "--format", "json"]).ends(0).json();
            let line = lines.as_array().unwrap().iter().find(|line| line["key"] == "BRCK").unwrap().clone();
            let (numerator, denominator) = (decimal(&line["numerator"]), decimal(&line["denominator"]));
            let exact = numerator / denominator;
            let words = percent(exact);

            let of_page = |texts: Vec<String>| (texts[0].clone(), texts[1].clone());
            let (on_card, counted) = of_page(card.texts(&format!("#{code} td")));
            assert!(on_card.ends_with(&words), "card {on_card}, {words}");
            assert_eq!(counted, denominator.to_string(), "the card counts {code}");
            assert_eq!(of_page(portal.texts(&format!("#{code} td"))), (on_card, counted), "portal {code}");

            let told =
                mail.lines().skip_while(|line| !line.contains(name)).take(2).collect::<Vec<_>>().join(" ");
            assert!(told.contains(&format!("{name}: {words}")), "mail: {told}");
            assert!(told.contains(&format!("counted {denominator},")), "mail: {told}");

            let mut rows = csv::Reader::from_reader(csv.as_bytes());
            let header = rows.headers().unwrap().clone();
            let row = rows.records().map(Result::unwrap).find(|row| &row[2] == code).unwrap();
            let cell = |name: &str| {
                row[header.iter().position(|head| head == name).unwrap()].parse::<Decimal>().unwrap()
            };
            assert_eq!((cell("numerator"), cell("denominator")), (numerator, denominator), "export {code}");
            for end in ["net", "gross", "low", "high"] {
                assert_eq!(cell(end), decimal(&line[end]), "export and command line: {end} of {code}");
            }
            assert_eq!(
                decimal(&line["net"]),
                exact.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero),
                "to six places"
            );
        }
    });
}
