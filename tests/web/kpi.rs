//! The pages of KPIs, and `lanemark kpi` of own ones.

use actix_web::http::StatusCode;
use lanemark::app::App;
use lanemark::app::import::{ImportRequest, import};
use lanemark::app::own_kpi::save;
use lanemark::app::refresh::refresh;
use lanemark::app::score::score_due;
use lanemark::db::scorecard::template_insert;
use lanemark::db::types::Instant;
use lanemark::domain::formula::{OwnKpi, OwnUnit};
use lanemark::domain::scorecard::{Scale, Template, TemplateKpi, Volume, default_template};
use lanemark::domain::signal::Better;
use lanemark::domain::viewer::{Role, Viewer};
use lanemark::feeds::kind::ImportKind;
use lanemark::feeds::mapping::Mapping;

use crate::support::app::{TestApp, partner};
use crate::support::db::{on_both, on_both_async};
use crate::support::process::Desk;

const FIELDS: [(&str, &str); 8] = [
    ("code", "LATE_SHARE"),
    ("name", "Late share"),
    ("unit", "PERCENT"),
    ("better", "LOWER"),
    ("volume", "PROPORTION"),
    ("formula", "delivery_window.late / shipments"),
    ("rules", "Deliveries after their window, for each shipment due."),
    ("do", "keep"),
];

fn with(changed: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let now = |name: &str, old: &'static str| {
        changed.iter().find(|(field, _)| *field == name).map_or(old, |&(_, new)| new)
    };
    let mut fields: Vec<_> = FIELDS.iter().map(|&(name, old)| (name, now(name, old))).collect();
    fields.extend(changed.iter().copied().filter(|(name, _)| !FIELDS.iter().any(|(field, _)| field == name)));
    fields
}

/// Ten deliveries of June 2025 for BRCK, two of them late.
fn facts(app: &App) {
    partner(app, "BRCK", "Brackwater Lines");
    let mut csv = String::from(
        "reference,partner,lane,pickup_zone,delivery_zone,delivery_window_start,delivery_window_end,arrived_at,currency,linehaul\n",
    );
    for number in 0..10 {
        let hour = if number < 2 { 19 } else { 14 };
        csv.push_str(&format!(
            "S-{number},BRCK,JOL-IND,America/Chicago,America/Chicago,2025-06-10T13:00Z,2025-06-10T15:00Z,2025-06-10T{hour}:00Z,USD,100.00\n"
        ));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shipments.csv");
    std::fs::write(&path, csv).unwrap();
    let mapping = Mapping::identity(ImportKind::Shipments);
    let rejects = folder.path().join("rejects.csv");
    let request =
        ImportRequest { path: &path, mapping: &mapping, by: "test", rejects, dry_run: false, refresh: true };
    let report = import(app, &request, &|_| {}).unwrap();
    assert_eq!((report.rows_new, report.rows_rejected), (10, 0));
    refresh(app, app.now(), |_, _| {}).unwrap();
}

fn own() -> OwnKpi {
    OwnKpi {
        code: "LATE_SHARE".to_owned(),
        version: 0,
        name: "Late share".to_owned(),
        unit: OwnUnit::Percent,
        better: Better::Lower,
        formula: "delivery_window.late / shipments".to_owned(),
        rules: "Deliveries after their window, for each shipment due.".to_owned(),
        volume: Volume::Proportion,
        retired: false,
    }
}

fn manager() -> Viewer {
    Viewer { user_id: 5, name: "Mara".to_owned(), role: Role::CarrierManager, partner_id: None }
}

#[test]
fn a_kpi_is_looked_at_kept_changed_and_retired() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        facts(&db.app());
        browser.sign_in_as(Role::CarrierManager).await;
        let list = browser.get("/kpis").await;
        assert!(list.text(".empty b").contains("Nothing defined yet"));
        let words = list.text(".top p");
        assert!(words.contains("which counts wherever no other does. A contract"), "{words}");
        let form = browser.get("/kpis/new").await;
        assert!(form.texts("details code").contains(&"delivery_window.no_evidence".to_owned()));

        let look = browser.post("/kpis", &with(&[("do", "look")])).await;
        assert_eq!(look.status, StatusCode::OK, "{}", look.html);
        assert!(look.texts("td.num").contains(&"20.0 %".to_owned()), "{:?}", look.texts("td.num"));
        let steps = look.texts("#steps + div td");
        assert_eq!(
            steps,
            ["delivery_window.late = 2", "shipments = 10", "2 / 10 = 0.2", "LATE_SHARE = 20 percent"]
        );
        assert_eq!(look.attribute("#code", "value").as_deref(), Some("LATE_SHARE"), "kept in the form");
        assert!(
            browser.get("/kpis").await.text(".empty b").contains("Nothing defined yet"),
            "looking keeps nothing"
        );

        let kept = browser.post("/kpis", &FIELDS).await;
        assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", kept.html);
        assert_eq!(kept.location(), Some("/kpis/LATE_SHARE"));
        let page = browser.get("/kpis/LATE_SHARE").await;
        assert_eq!(page.text("h1"), "Late share");
        assert_eq!(page.text("pre.formula"), "delivery_window.late / shipments");
        assert!(browser.get("/kpis").await.texts("tbody th a").contains(&"Late share".to_owned()));

        let changed = with(&[("formula", "1 - OTD_WIN"), ("seen", "1")]);
        assert_eq!(browser.post("/kpis/LATE_SHARE", &changed).await.status, StatusCode::SEE_OTHER);
        let page = browser.get("/kpis/LATE_SHARE").await;
        let said = page.texts("[aria-labelledby=versions] td");
        assert!(
            said.contains(&"Formula: 1 - OTD_WIN, was delivery_window.late / shipments.".to_owned()),
            "{said:?}"
        );
        let stale = browser.post("/kpis/LATE_SHARE", &with(&[("name", "Other"), ("seen", "1")])).await;
        assert_eq!(stale.status, StatusCode::CONFLICT);
        assert!(stale.text(".notice.warn").contains("Someone changed the KPI"));

        let retired = browser.post("/kpis/LATE_SHARE/retirement", &[("seen", "2")]).await;
        assert_eq!(retired.status, StatusCode::SEE_OTHER, "{}", retired.html);
        assert!(browser.get("/kpis/LATE_SHARE").await.text(".top p").contains("version 3, retired"));
        assert_eq!(browser.get("/kpis/NOWHERE").await.status, StatusCode::NOT_FOUND);
        browser.sign_in_as(Role::Auditor).await;
        let audit = browser.get("/audit").await;
        assert!(audit.texts("td").contains(&"Changed the definition of a KPI".to_owned()));
    });
}

#[test]
fn what_is_wrong_stands_beside_its_field_with_the_place_marked() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::CarrierManager).await;
        for (formula, marked, says) in [
            ("delivery_window.late / shipmets", "shipmets", "did you mean `shipments`?"),
            ("freight.amount + shipments", "shipments", "needs one unit on both sides"),
            ("freight.amount / shipments", "freight.amount / shipments", "declare it in money each"),
            ("delivery_window.late / 0", "0", "divides by zero"),
            ("<b>", "<", "a value was expected"),
        ] {
            for what in ["look", "keep"] {
                let fields: Vec<(&str, &str)> = with(&[("do", what)])
                    .into_iter()
                    .map(|(name, value)| (name, if name == "formula" { formula } else { value }))
                    .collect();
                let reply = browser.post("/kpis", &fields).await;
                assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{formula} {what}");
                assert!(reply.text("#formula-err").contains(says), "{}", reply.text("#formula-err"));
                assert_eq!(reply.text("pre.formula mark"), marked, "{formula}");
                assert_eq!(reply.text("#formula"), formula, "what was typed stays");
            }
        }
        for (field, value) in
            [("code", "OTD_WIN"), ("code", "late"), ("name", ""), ("rules", ""), ("unit", "PINTS")]
        {
            let reply = browser.post("/kpis", &with(&[(field, value)])).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}");
            reply.text(&format!("#{field}-err"));
        }
    });
}

/// The default template, with the own KPI shown for information.
fn template() -> Template {
    let mut template = Template { version: "OWN".to_owned(), ..default_template() };
    template.categories[0].kpis[0].weight = 3.into();
    template.categories[0].kpis.push(TemplateKpi {
        code: "LATE_SHARE".to_owned(),
        weight: 2.into(),
        scale: Some(Scale::linear(30.into(), 10.into(), 2.into())),
        critical: false,
        gate: false,
        volume: Volume::Proportion,
        unit: "point".to_owned(),
    });
    assert_eq!(template.problems(), []);
    template
}

#[test]
fn a_scorecard_with_an_own_kpi_is_read_down_to_its_steps_by_shipper_and_partner() {
    on_both_async(|db| async move {
        let app = db.app();
        let mut browser = TestApp::new(&db).await;
        facts(&app);
        let early = db.app_at("2025-05-01T00:00:00Z");
        save(&early, &mut db.conn(), &manager(), 0, &own()).unwrap();
        let unseen = OwnKpi { code: "SECRET_SHARE".to_owned(), name: "Not scored".to_owned(), ..own() };
        save(&early, &mut db.conn(), &manager(), 0, &unseen).unwrap();
        let since = Instant("2020-01-01T00:00:00Z".parse().unwrap());
        template_insert(&mut db.conn(), 9, &template(), "2020-01-01".parse().unwrap(), "test", since)
            .unwrap();
        score_due(&app, app.now(), None).unwrap();

        browser.sign_in_as(Role::CarrierManager).await;
        let list = browser.get("/scorecards").await;
        let card = list.texts("tbody th a");
        assert!(card.contains(&"Brackwater Lines".to_owned()), "{card:?}");
        let id = lanemark::db::partner::partner_list(&mut db.conn(), &Viewer::system())
            .unwrap()
            .into_iter()
            .find(|partner| partner.code == "BRCK")
            .unwrap()
            .id;
        let card = browser.get(&format!("/scorecards/{id}/2025-06")).await;
        assert_eq!(card.text("#LATE_SHARE th"), "Late share");
        assert!(
            card.texts("#LATE_SHARE td a").contains(&"20.0 %".to_owned()),
            "{:?}",
            card.texts("#LATE_SHARE td")
        );
        let evidence = browser.get(&format!("/scorecards/{id}/2025-06/LATE_SHARE")).await;
        assert_eq!(evidence.status, StatusCode::OK);
        assert!(evidence.texts("td").contains(&"2 / 10 = 0.2".to_owned()));
        let csv = browser.get(&format!("/scorecards/{id}/2025-06.csv")).await;
        assert!(
            csv.html.contains(",LATE_SHARE,Late share,2,10,0.2,"),
            "a download lists it too: {}",
            csv.html
        );

        browser.sign_in_as(Role::Partner).await;
        let kpis = browser.get("/portal/kpis").await;
        assert!(kpis.html.contains("LATE_SHARE") && !kpis.html.contains("SECRET_SHARE"), "only what scores");
        assert_eq!(browser.get("/kpis/LATE_SHARE").await.status, StatusCode::NOT_FOUND);
    });
}

#[test]
fn the_command_line_reads_an_own_kpi_as_one_of_the_catalogue() {
    on_both(|db| {
        let app = db.app();
        facts(&app);
        save(&app, &mut db.conn(), &manager(), 0, &own()).unwrap();
        let desk = Desk::new(&db);
        let ask = |kpi: &str| {
            desk.run(&["kpi", kpi, "--by", "partner", "--period", "2025-06", "--format", "json"])
                .ends(0)
                .json()
        };
        let (own, catalogue) = (ask("late_share"), ask("OTD_WIN"));
        let keys =
            |json: &serde_json::Value| json[0].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&own), keys(&catalogue), "one shape");
        assert_eq!(
            (own[0]["kpi"].as_str(), own[0]["version"].as_str(), own[0]["net"].as_str()),
            (Some("LATE_SHARE"), Some("1"), Some("0.2"))
        );
        assert_eq!((own[0]["numerator"].as_i64(), own[0]["denominator"].as_i64()), (Some(2), Some(10)));
        let list = desk.run(&["kpi", "--list"]).ends(0).out;
        assert!(list.contains("LATE_SHARE") && list.contains("OTD_WIN"), "{list}");
        desk.run(&["kpi", "LATE_SHAR"])
            .ends(1)
            .complains(&["`LATE_SHAR` is no KPI", "did you mean `LATE_SHARE`?"]);
        desk.run(&["kpi"]).ends(2);
        desk.run(&["verify"]).ends(0);
    });
}
