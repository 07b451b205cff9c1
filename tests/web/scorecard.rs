//! Scorecard, evidence, shipment, dashboard and portal pages over imported facts.

use std::fmt::Write as _;

use actix_web::http::StatusCode;
use diesel::prelude::*;
use lanemark::app::App;
use lanemark::app::import::{ImportReport, ImportRequest, import};
use lanemark::app::refresh::refresh;
use lanemark::app::score::score_due;
use lanemark::app::standing::{NewOverride, override_ask, override_decide, standing_on};
use lanemark::db::schema::partners;
use lanemark::db::scorecard::template_insert;
use lanemark::db::types::Instant;
use lanemark::domain::scorecard::{OverrideDecision, Scope, Template, Tier, default_template};
use lanemark::domain::viewer::Role;
use lanemark::feeds::kind::ImportKind;
use lanemark::feeds::mapping::Mapping;

use crate::support::app::{TestApp, partner, user};
use crate::support::db::on_both_async;

/// Forty deliveries of June 2025 for BRCK: 36 on time, 2 late, 1 never reported, 1 late and excused; six for TINY.
fn facts() -> String {
    let mut csv = String::from(
        "reference,partner,lane,pickup_zone,delivery_zone,delivery_window_start,delivery_window_end,arrived_at,\
         delivery_exclusion,delivery_reason,currency,linehaul\n",
    );
    for number in 0..40 {
        let day = number % 20 + 2;
        let (arrived, exclusion, reason) = match number {
            0 => (format!("2025-06-{day:02}T15:57Z"), "", "No driver"),
            1 => (format!("2025-06-{day:02}T18:00Z"), "", ""),
            2 => (String::new(), "", ""),
            3 => (format!("2025-06-{day:02}T19:00Z"), "SHIPPER", "Dock not ready"),
            _ => (format!("2025-06-{day:02}T14:30Z"), "", ""),
        };
        writeln!(
            csv,
            "SHP-{number:03},BRCK,JOL-IND,America/Chicago,America/Chicago,2025-06-{day:02}T13:00Z,2025-06-{day:02}T15:00Z,\
             {arrived},{exclusion},{reason},USD,100.00"
        )
        .unwrap();
    }
    for number in 0..6 {
        writeln!(
            csv,
            "T-{number},TINY,JOL-IND,America/Chicago,America/Chicago,2025-06-10T13:00Z,2025-06-10T15:00Z,\
             2025-06-10T14:00Z,,,USD,100.00"
        )
        .unwrap();
    }
    csv
}

/// Imports the facts and scores them.
pub fn stage(app: &App) -> i64 {
    partner(app, "BRCK", "Brackwater Lines");
    let tiny = partner(app, "TINY", "Tiny Cartage");
    partner(app, "IDLE", "Idle Freight");
    let report = load(app, &facts());
    assert_eq!((report.rows_new, report.rows_rejected), (46, 0));
    tiny
}

/// Imports shipments and scores what changed.
/// The id of the partner with forty deliveries.
fn brackwater(app: &App) -> i64 {
    let found = partners::table.filter(partners::code.eq("BRCK")).select(partners::id);
    found.first(&mut *app.pool.get().unwrap()).unwrap()
}

fn load(app: &App, csv: &str) -> ImportReport {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shipments.csv");
    std::fs::write(&path, csv).unwrap();
    let mapping = Mapping::identity(ImportKind::Shipments);
    let rejects = folder.path().join("rejects.csv");
    let report = import(
        app,
        &ImportRequest { path: &path, mapping: &mapping, by: "test", rejects, dry_run: false, refresh: true },
        &|_| {},
    )
    .unwrap();
    refresh(app, app.now(), |_, _| {}).unwrap();
    score_due(app, app.now(), None).unwrap();
    report
}

/// What is set by hand is about today, so it stands on the newest card of its kind alone, beside what is measured now.
#[test]
fn a_standing_by_hand_is_told_on_the_newest_card_only() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        stage(&browser.app);
        let id = browser.partner_id;
        let mut csv = facts();
        csv = csv.replace("2025-06-", "2025-05-").replace("SHP-", "MAY-");
        load(&browser.app, &csv);
        let mara = browser.sign_in_as(Role::CarrierManager).await;
        let today = browser.app.today(&mut db.conn()).unwrap();
        let new = NewOverride {
            partner_id: id,
            tier: Some(Tier::Preferred),
            days: (today, today + chrono::Days::new(20)),
            reason: "New depot.".to_owned(),
        };
        let asked = override_ask(&browser.app, &mut db.conn(), &mara, &new).unwrap();
        let paul = user(&browser.app, "paul@lanes.example", Role::Procurement, None);
        let agreed = OverrideDecision::Approved;
        override_decide(&browser.app, &mut db.conn(), &paul, asked, agreed, "Agreed.").unwrap();
        let measured = standing_on(&mut db.conn(), &mara, id, today).unwrap().measured;
        let measured = measured.map_or("not ranked yet", Tier::title);
        for (period, told) in [("2025-05", false), ("2025-06", true), ("2025-Q2", true), ("2025-07", true)] {
            let card = browser.get(&format!("/scorecards/{id}/{period}")).await;
            let words = format!("agreed by {}: New depot. Measured: {measured}.", paul.name);
            assert_eq!(card.html.contains("Set by hand to Preferred"), told, "{period}: {}", card.html);
            assert_eq!(card.html.contains(&words), told, "{period}");
        }
    });
}

#[test]
fn a_scorecard_shows_every_number_with_its_count_and_leads_to_the_facts() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        stage(&browser.app);
        browser.sign_in_as(Role::CarrierManager).await;
        let id = browser.partner_id;

        let card = browser.get(&format!("/scorecards/{id}/2025-06")).await;
        assert_eq!(card.status, StatusCode::OK, "{}", card.html);
        assert_eq!(card.text("h1"), "Brackwater Lines, June 2025");
        let row = card.texts("#OTD_WIN td");
        // 36 of 39 net; gross keeps the excused one.
        assert!(row.first().is_some_and(|value| value.contains("92.3 %")), "{row:?}");
        assert_eq!(row.get(1).map(String::as_str), Some("39"));
        assert!(row.iter().any(|cell| cell == "90.0 %"), "{row:?}");
        assert!(card.texts("#TAR td").iter().any(|cell| cell == "not scored"));
        assert!(card.texts(".steps [aria-current]").iter().any(|step| step.contains("Partner review, now")));
        assert!(!card.html.contains("None"), "no data is worded");

        let list = browser.get(&format!("/scorecards/{id}/2025-06/OTD_WIN")).await;
        assert_eq!(list.texts("tbody th a"), ["SHP-000", "SHP-001", "SHP-002"]);
        let words = list.texts("#rows ~ * tbody td, section:last-of-type tbody td").join("|");
        assert!(
            words.contains("57 min after the window, 15 min allowed; carrier says: No driver"),
            "{words}"
        );
        assert!(words.contains("never reported"), "{words}");
        let excused = browser.get(&format!("/scorecards/{id}/2025-06/OTD_WIN?show=excused")).await;
        assert_eq!(excused.texts("tbody th a"), ["SHP-003"]);
        let all = browser.get(&format!("/scorecards/{id}/2025-06/OTD_WIN.csv?show=all")).await;
        assert_eq!(all.html.lines().count(), 41);
        // The heading of the page says of which year it is; a row of a file stands alone.
        assert!(words.contains("2 Jun 08:00 to 10:00 CDT|2 Jun 10:57 CDT"), "{words}");
        assert!(all.html.contains("2 Jun 2025 08:00 to 10:00 CDT,2 Jun 2025 10:57 CDT,"), "{}", all.html);
        let wrong = browser.get(&format!("/scorecards/{id}/2025-06/OTD_WIN?show=some")).await;
        assert_eq!(wrong.status, StatusCode::NOT_FOUND);

        // A lane of the scorecard leads to what was counted on it, and every figure to its own part.
        let lanes = card.texts("section[aria-labelledby=lanes] tbody th a");
        assert_eq!(lanes.len(), 1, "{lanes:?}");
        let links = card.attributes("section[aria-labelledby=lanes] .cols > div:first-child tbody a", "href");
        let of_lane = async |browser: &mut TestApp, show: &str| {
            let link = links.iter().find(|link| link.contains(&format!("show={show}&lane="))).unwrap();
            browser.get(link).await
        };
        assert_eq!(of_lane(&mut browser, "late").await.texts("tbody th a"), ["SHP-000", "SHP-001"]);
        assert_eq!(of_lane(&mut browser, "never").await.texts("tbody th a"), ["SHP-002"]);
        let excused = of_lane(&mut browser, "excused").await;
        assert_eq!(excused.texts("tbody th a"), ["SHP-003"]);
        assert!(excused.text("section:last-of-type .note").contains("Show all lanes"));
        let whole = of_lane(&mut browser, "all").await;
        assert_eq!(whole.texts("section:last-of-type tbody th a").len(), 40);
        let none = browser.get(&format!("/scorecards/{id}/2025-06/OTD_WIN?show=late&lane=1")).await;
        assert!(none.texts("section:last-of-type tbody th a").is_empty(), "another lane has none of them");

        // Each reason leads to exactly the shipments it counts, as page, csv and workbook.
        let reasons = card.texts("#reasons ~ div tbody tr");
        assert_eq!(reasons.len(), 2, "{reasons:?}");
        assert!(
            reasons[0].starts_with("No reason given"),
            "of two that are equal, what counts more: {reasons:?}"
        );
        assert!(
            reasons[1].starts_with("A reason without a known code") && reasons[1].contains("100"),
            "{reasons:?}"
        );
        let links = card.attributes("#reasons ~ div tbody a", "href");
        let counts = card.texts("#reasons ~ div tbody a");
        assert_eq!(counts, ["2", "1", "1"], "late and never reported; late, excused");
        for (link, count) in links.iter().zip(&counts) {
            let list = browser.get(link).await;
            let rows = list.texts("section:last-of-type tbody th a");
            assert_eq!(&rows.len().to_string(), count, "{link}");
            assert!(list.text("section:last-of-type .note").contains("Show all reasons"));
            let csv = browser.get(&list.attributes("a[href*='.csv?']", "href")[0]).await;
            assert_eq!(csv.html.lines().count(), rows.len() + 1);
        }
        let unknown = browser.get(&format!("/scorecards/{id}/2025-06/OTD_WIN?reason=ZZ")).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        let book = browser.get(&format!("/scorecards/{id}/2025-06/OTD_WIN.xlsx?show=missed")).await;
        assert!(book.header("content-type").is_some_and(|kind| kind.contains("spreadsheetml")));
        assert!(
            book.header("content-disposition")
                .is_some_and(|name| name.contains("BRCK-2025-06-OTD_WIN-missed.xlsx"))
        );
        assert!(book.html.starts_with("PK"));

        let shipment = browser.get(&format!("/shipments/{id}/file/SHP-000")).await;
        assert_eq!(shipment.text("h1"), "Shipment SHP-000");
        assert!(shipment.html.contains("2 Jun 2025 08:00 to 10:00 CDT"), "local time of the stop");
        assert!(shipment.html.contains("shipments.csv, row 2"), "{}", shipment.html);

        let csv = browser.get(&format!("/scorecards/{id}/2025-06.csv")).await;
        assert!(
            csv.header("content-disposition").is_some_and(|name| name.contains("scorecard-BRCK-2025-06.csv"))
        );
        assert!(csv.html.contains("OTD_WIN,\"Delivery on time, window\",36,39,"), "{}", csv.html);
    });
}

#[test]
fn a_line_within_a_scope_has_its_own_page_on_both_sides() {
    on_both_async(|db| async move {
        let mut template = Template { version: "SCOPED".to_owned(), ..default_template() };
        template.scopes = vec![Scope {
            code: "JOLIET".to_owned(),
            title: "lanes from Joliet".to_owned(),
            lanes: ["JOL-IND".to_owned()].into(),
            ..Scope::default()
        }];
        let kpis = &mut template.categories[0].kpis;
        let at = kpis.iter().position(|line| line.code == "OTD_WIN").unwrap();
        kpis[at].weight = 5.into();
        let mut scoped = kpis[at].clone();
        scoped.code = "OTD_WIN@JOLIET".to_owned();
        kpis.insert(at + 1, scoped);
        assert_eq!(template.problems(), []);
        let from = "2020-01-01".parse().unwrap();
        let at = Instant("2020-01-01T00:00:00Z".parse().unwrap());
        template_insert(&mut db.conn(), 7, &template, from, "test", at).unwrap();
        let mut browser = TestApp::new(&db).await;
        stage(&browser.app);
        let id = browser.partner_id;
        browser.sign_in_as(Role::CarrierManager).await;
        let card = browser.get(&format!("/scorecards/{id}/2025-06")).await;
        let name = "Delivery on time, window: lanes from Joliet";
        assert!(card.texts("tbody th").iter().any(|text| text == name), "{}", card.html);
        let here = format!("/scorecards/{id}/2025-06/OTD_WIN@JOLIET");
        let links = card.attributes("tbody td a", "href");
        assert!(links.contains(&here), "{links:?}");
        let list = browser.get(&here).await;
        assert_eq!(list.status, StatusCode::OK);
        assert!(list.text("h1").contains(name));
        assert_eq!(list.texts("tbody th a"), ["SHP-000", "SHP-001", "SHP-002"]);
        assert!(list.text("section:last-of-type .note").starts_with("Only lane JOL-IND."));
        let csv = browser.get(&format!("{here}.csv?show=all")).await;
        assert_eq!(csv.html.lines().count(), 41);
        for none in ["OTD_WIN@WEST", "TAR@JOLIET"] {
            let found = browser.get(&format!("/scorecards/{id}/2025-06/{none}")).await;
            assert_eq!(found.status, StatusCode::NOT_FOUND, "{none}");
        }
        let table = browser.get(&format!("/scorecards/{id}/2025-06.csv")).await;
        assert!(table.html.contains("OTD_WIN@JOLIET,\"Delivery on time, window: lanes from Joliet\",36,39,"));
        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        let own = browser.get("/portal/scorecards/2025-06/OTD_WIN@JOLIET").await;
        assert_eq!(own.texts("tbody th a"), ["SHP-000", "SHP-001", "SHP-002"]);
    });
}

#[test]
fn a_small_or_silent_partner_is_told_why_it_has_no_score() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let tiny = stage(&browser.app);
        browser.sign_in_as(Role::Procurement).await;
        let card = browser.get(&format!("/scorecards/{tiny}/2025-06")).await;
        assert!(card.text(".facts .lead dd").starts_with("not scored"), "{}", card.text(".facts .lead dd"));
        let row = card.texts("#OTD_WIN td");
        assert!(row.iter().any(|cell| cell == "6 counted, 10 needed"), "{row:?}");
        let idle = partner(&browser.app, "IDLE", "Idle Freight");
        let none = browser.get(&format!("/scorecards/{idle}/2025-06")).await;
        assert_eq!(none.status, StatusCode::OK);
        assert!(none.text(".empty").starts_with("No scorecard"));
        assert_eq!(browser.get(&format!("/scorecards/{idle}/2025-W26")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(browser.get("/scorecards/7/2025-06").await.status, StatusCode::NOT_FOUND);

        let today = browser.get("/today?period=2025-06").await;
        let line: Vec<String> =
            today.texts(".heatmap tbody tr").into_iter().filter(|l| l.starts_with("Tiny")).collect();
        assert!(line.iter().all(|l| l.contains("not scored") && l.contains("n 6")), "{line:?}");
        assert!(today.texts("h2").contains(&"Act on this today".to_owned()));
        assert!(!today.texts(".heatmap tbody th").iter().any(|name| name.starts_with("Idle")));
        assert!(
            today.html.contains("not scored in June 2025 or the twelve months before"),
            "who has no line is counted"
        );
        assert_eq!(browser.get("/scorecards").await.status, StatusCode::OK);
        assert_eq!(browser.get("/kpis/OTD_WIN").await.text("h1"), "Delivery on time, window");
        assert_eq!(browser.get("/kpis/NOPE").await.status, StatusCode::NOT_FOUND);
    });
}

#[test]
fn the_portal_shows_the_same_numbers_and_nothing_of_anyone_else() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let tiny = stage(&browser.app);
        browser.sign_in_as(Role::CarrierManager).await;
        let id = browser.partner_id;
        let ours = browser.get(&format!("/scorecards/{id}/2025-06")).await.texts("#OTD_WIN td");
        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        let theirs = browser.get("/portal/scorecards/2025-06").await;
        assert_eq!(theirs.texts("#OTD_WIN td"), ours);
        assert!(!theirs.html.contains("Tiny"));
        let home = browser.get("/portal").await;
        assert_eq!(home.status, StatusCode::OK, "{}", home.html);
        assert!(!home.html.contains("Tiny") && !home.html.contains("percentile"), "five peers at least");
        let list = browser.get("/portal/scorecards/2025-06/OTD_WIN").await;
        assert_eq!(list.texts("tbody th a"), ["SHP-000", "SHP-001", "SHP-002"]);
        let given = theirs.attributes("#reasons ~ div tbody a", "href");
        assert!(given.iter().all(|link| link.starts_with("/portal/")), "{given:?}");
        let unsaid = browser.get("/portal/scorecards/2025-06/OTD_WIN?show=missed&reason=NONE").await;
        assert_eq!(unsaid.texts("tbody th a"), ["SHP-001", "SHP-002"]);
        let book = browser.get("/portal/scorecards/2025-06/OTD_WIN.xlsx?show=missed&reason=NONE").await;
        assert!(book.html.starts_with("PK"), "the same list to take away");
        let own = browser.get("/portal/shipments/file/SHP-000").await;
        assert_eq!(own.status, StatusCode::OK);
        assert!(
            !own.html.contains("shipments.csv"),
            "where the shipper's file came from is its own business"
        );
        for foreign in [
            "/portal/shipments/file/T-0".to_owned(),
            format!("/scorecards/{tiny}/2025-06"),
            format!("/scorecards/{id}/2025-06"),
            format!("/shipments/{tiny}/file/T-0"),
            "/today".to_owned(),
        ] {
            assert_eq!(browser.get(&foreign).await.status, StatusCode::NOT_FOUND, "{foreign}");
        }
    });
}

#[test]
fn a_restated_scorecard_stays_to_be_opened_by_both_sides() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        stage(&browser.app);
        browser.sign_in_as(Role::CarrierManager).await;
        let id = browser.partner_id;
        let page = browser.get(&format!("/scorecards/{id}/2025-06")).await;
        assert!(!page.html.contains("Publications of this period"), "published once");
        assert_eq!(browser.get(&format!("/scorecards/{id}/2025-06?version=1")).await.status, StatusCode::OK);

        // The one that was never reported came on time after all.
        let late = facts().replace(
            "2025-06-04T13:00Z,2025-06-04T15:00Z,,,",
            "2025-06-04T13:00Z,2025-06-04T15:00Z,2025-06-04T14:30Z,,",
        );
        assert_eq!(load(&browser.app, &late).rows_changed, 1);
        let now = browser.get(&format!("/scorecards/{id}/2025-06")).await;
        assert!(now.text("#OTD_WIN td").contains("94.9 %"), "{}", now.text("#OTD_WIN td"));
        let lines = now.texts("details[open] tbody tr, main > details tbody tr");
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("Open it to see which KPIs moved"), "{lines:?}");
        let now = browser.get(&format!("/scorecards/{id}/2025-06?version=2")).await;
        let lines = now.texts("details[open] tbody tr, main > details tbody tr");
        assert!(lines[0].starts_with("Publication 2shown here"), "{lines:?}");
        assert!(
            lines[0].contains("Delivery on time, window: 94.9 % of 39")
                && lines[0].contains("was 92.3 % of 39"),
            "{lines:?}"
        );
        assert!(lines[1].contains("First publication"), "{lines:?}");
        let before = browser.get(&format!("/scorecards/{id}/2025-06?version=1")).await;
        assert!(before.text("#OTD_WIN td").contains("92.3 %"));
        assert!(before.html.contains("This is publication 1 of 2. It was replaced on"), "{}", before.html);
        let csv = browser.get(&format!("/scorecards/{id}/2025-06.csv?version=1")).await;
        assert!(csv.html.contains("OTD_WIN,\"Delivery on time, window\",36,39,"), "{}", csv.html);
        for gone in ["3", "0", "first"] {
            let address = format!("/scorecards/{id}/2025-06?version={gone}");
            assert_eq!(browser.get(&address).await.status, StatusCode::NOT_FOUND, "{gone}");
        }

        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        let own = browser.get("/portal/scorecards/2025-06").await;
        assert_eq!(own.texts("main > details tbody tr").len(), 2);
        assert!(!own.html.contains("/jobs/"), "the shipper's runs are its own");
        let before = browser.get("/portal/scorecards/2025-06?version=1").await;
        assert!(before.text("#OTD_WIN td").contains("92.3 %"));
    });
}

#[test]
fn a_shipment_tells_who_moved_its_commitment() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        partner(&browser.app, "BRCK", "Brackwater Lines");
        let head = "reference,partner,delivery_zone,delivery_window_end,delivery_requested_by,delivery_set_at,\
                    delivery_change_reason,arrived_at\n";
        let row = |end: &str, by: &str, set: &str, why: &str| {
            format!("{head}SHP-7,BRCK,America/Chicago,{end},{by},{set},{why},2025-06-11T15:00Z\n")
        };
        load(&browser.app, &row("2025-06-10T15:00Z", "", "", ""));
        load(&browser.app, &row("2025-06-12T15:00Z", "CARRIER", "2025-06-09T12:00Z", "No driver"));
        load(&browser.app, &row("2025-06-13T15:00Z", "SHIPPER", "2025-06-10T18:00Z", ""));
        browser.sign_in_as(Role::CarrierManager).await;
        let id = browser.partner_id;
        let page = browser.get(&format!("/shipments/{id}/file/SHP-7")).await;
        let lines = page.texts("section:has(#commitments) tbody tr");
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].contains("as first committed") && lines[0].contains("judged by this"), "{lines:?}");
        assert!(
            lines[1].contains("the carrier, No driver")
                && lines[1].contains("only the shipper or the consignee can"),
            "{lines:?}"
        );
        assert!(
            lines[2].contains("planned now") && lines[2].contains("had closed at 10 Jun 2025 10:00"),
            "{lines:?}"
        );
        assert!(page.html.contains("href=\"/imports/"), "the file leads to its import");
        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        let own = browser.get("/portal/shipments/file/SHP-7").await;
        assert_eq!(own.texts("section:has(#commitments) tbody tr"), lines);
    });
}

/// The portfolio is kept as it was drawn until something it shows changes.
#[test]
fn the_portfolio_is_drawn_again_when_a_card_or_a_partner_changes() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        stage(&browser.app);
        browser.sign_in_as(Role::CarrierManager).await;
        let first = browser.get("/today?period=2025-06").await;
        let cells = first.texts("table.heatmap tbody tr:first-child td.heat");
        assert!(
            first.html.contains("Brackwater Lines") && cells.iter().any(|cell| cell.contains("92.3")),
            "{cells:?}"
        );
        assert_eq!(browser.get("/today?period=2025-06").await.html, first.html);

        // A late arrival: the card is published again, and the page shows it at once.
        load(
            &browser.app,
            "reference,partner,lane,pickup_zone,delivery_zone,delivery_window_start,delivery_window_end,arrived_at,currency,linehaul\n\
             SHP-002,BRCK,JOL-IND,America/Chicago,America/Chicago,2025-06-04T13:00Z,2025-06-04T15:00Z,2025-06-04T14:00Z,USD,100.00\n",
        );
        let again = browser.get("/today?period=2025-06").await;
        let cells = again.texts("table.heatmap tbody tr:first-child td.heat");
        assert!(cells.iter().any(|cell| cell.contains("94.9")), "{cells:?}");

        diesel::update(partners::table.filter(partners::code.eq("BRCK")))
            .set(partners::name.eq("Brackwater Road"))
            .execute(&mut *browser.app.pool.get().unwrap())
            .unwrap();
        let renamed = browser.get("/today?period=2025-06").await;
        assert!(renamed.html.contains("Brackwater Road") && !renamed.html.contains("Brackwater Lines"));
    });
}

/// A preview of the running month is put in place of the one before without a line in the log of publications.
#[test]
fn a_preview_made_anew_shows_at_once() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        stage(&browser.app);
        let running = |arrived: &str| {
            let mut csv = facts().lines().next().unwrap().to_owned() + "\n";
            for number in 0..12 {
                let day = number % 6 + 1;
                let arrived = if number == 0 { arrived } else { "14:30" };
                writeln!(
                    csv,
                    "JUL-{number:03},BRCK,JOL-IND,America/Chicago,America/Chicago,2025-07-{day:02}T13:00Z,\
                     2025-07-{day:02}T15:00Z,2025-07-{day:02}T{arrived}Z,,,USD,100.00"
                )
                .unwrap();
            }
            csv
        };
        load(&browser.app, &running("14:30"));
        let brck = brackwater(&browser.app);
        browser.sign_in_as(Role::CarrierManager).await;
        let addresses = ["/today?period=2025-07".to_owned(), format!("/scorecards/{brck}/2025-07")];
        let mut before = Vec::new();
        for address in &addresses {
            let page = browser.get(address).await;
            assert!(page.html.contains("100.0"), "{address}");
            before.push(page.html);
        }
        load(&browser.app, &running("17:30"));
        for (address, before) in addresses.iter().zip(&before) {
            let page = browser.get(address).await;
            assert!(page.html.contains("91.7") && page.html != *before, "{address}: {}", page.html);
        }
    });
}

/// Every list tells one standing: the one that holds today.
#[test]
fn a_standing_by_hand_shows_wherever_a_standing_is_told() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        stage(&browser.app);
        let brck = brackwater(&browser.app);
        browser.sign_in_as(Role::CarrierManager).await;
        let lists = ["/today?period=2025-06", "/scorecards", "/partners"];
        for address in lists {
            assert!(!browser.get(address).await.html.contains("by hand"), "{address}");
        }
        let today = db.app().today(&mut db.conn()).unwrap();
        let (first, last) = (today.to_string(), (today + chrono::Days::new(20)).to_string());
        let ask = [
            ("tier", "SUSPENDED"),
            ("first_day", first.as_str()),
            ("last_day", last.as_str()),
            ("reason", "Insurance ran out."),
        ];
        let asked = browser.post(&format!("/partners/{brck}/standing-overrides"), &ask).await;
        assert_eq!(asked.status, StatusCode::SEE_OTHER);
        browser.sign_in_as(Role::Procurement).await;
        let page = browser.get(&format!("/partners/{brck}/standing")).await;
        let post = page.attribute("form.line", "action").unwrap();
        let agreed = browser.post(&post, &[("decision", "APPROVED"), ("words", "Agreed.")]).await;
        assert_eq!(agreed.status, StatusCode::SEE_OTHER);
        for address in lists {
            let page = browser.get(address).await.html;
            assert!(page.contains("Suspended") && page.contains("by hand, measured"), "{address}");
        }
        let today = browser.get("/today?period=2025-06").await;
        assert!(today.html.contains("Standing asks for"), "{}", today.html);
    });
}
