//! The contract pages: writing, review, approval, signature in the portal, amending, the end.

use actix_web::http::{StatusCode, header};
use actix_web::test::TestRequest;
use lanemark::app::contract_calendar;
use lanemark::db::contract::terms_in_force;
use lanemark::domain::money::Micros;
use lanemark::domain::viewer::{Role, Viewer};

use crate::support::app::{Reply, TestApp};
use crate::support::db::on_both_async;

/// One contract on its way, and the browser of whoever looks at it.
struct Desk {
    browser: TestApp,
    contract: String,
}

impl Desk {
    /// A draft from October 2024 to September 2025, written by procurement.
    async fn new(mut browser: TestApp) -> Self {
        browser.sign_in_as(Role::Procurement).await;
        let partner = browser.partner_id.to_string();
        let made = browser.post("/contracts", &frame(&partner)).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.html);
        let contract = made.location().unwrap().to_owned();
        Self { browser, contract }
    }

    async fn page(&mut self, query: &str) -> Reply {
        let path = format!("{}{query}", self.contract);
        let page = self.browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
        page
    }

    /// Opens a form of the draft shown, fills it in and sends it.
    async fn fill(&mut self, query: &str, form: &str, fields: &[(&str, &str)]) -> Reply {
        let page = self.page(query).await;
        let version = version_address(&page);
        let form_page = self.browser.get(&format!("{version}/{form}")).await;
        assert_eq!(form_page.status, StatusCode::OK, "{form}: {}", form_page.html);
        let seen = form_page.attribute("input[name=seen]", "value").unwrap();
        let replaces = form_page.attribute("input[name=replaces]", "value").unwrap_or_default();
        let mut fields = fields.to_vec();
        fields.push(("seen", &seen));
        fields.push(("replaces", &replaces));
        let path = form.split('?').next().unwrap();
        self.browser.post(&format!("{version}/{path}"), &fields).await
    }

    async fn become_one(&mut self, role: Role) {
        self.browser.forget();
        self.browser.sign_in_as(role).await;
    }

    /// Procurement says what every version must say, and sends it to review.
    async fn submit(&mut self, query: &str) -> Reply {
        self.become_one(Role::Procurement).await;
        for (form, fields) in [("options", OPTIONS.as_slice()), ("limits", &LIMITS)] {
            let reply = self.fill(query, form, fields).await;
            assert_eq!(reply.status, StatusCode::SEE_OTHER, "{form}: {}", reply.html);
        }
        self.send_to_review(query).await
    }

    async fn send_to_review(&mut self, query: &str) -> Reply {
        let page = self.page(query).await;
        let seen = page.attribute("form[action$='/review'] input[name=seen]", "value").unwrap();
        let path = page.attribute("form[action$='/review']", "action").unwrap();
        self.browser.post(&path, &[("seen", seen.as_str())]).await
    }

    /// The partner signs what waits first on its home page.
    async fn sign(&mut self) -> Reply {
        self.become_one(Role::Partner).await;
        let home = self.browser.get("/portal").await;
        let sign = home.attribute(".act a[href^='/portal/signatures/']", "href").expect("something waits");
        let page = self.browser.get(&sign).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        let hash = page.attribute("input[name=hash]", "value").unwrap();
        assert!(page.text("code").contains(&hash), "what is signed is shown");
        assert!(!page.html.contains("Stays a draft"), "what is signed runs to its end");
        self.browser
            .post(&sign, &[("hash", hash.as_str()), ("name", "Ida Overland"), ("agreed", "yes")])
            .await
    }

    /// From draft to signature.
    async fn agree(&mut self, query: &str) {
        assert_eq!(self.submit(query).await.status, StatusCode::SEE_OTHER);
        let approved = self.approve(Role::Finance, query).await;
        assert_eq!(approved.status, StatusCode::SEE_OTHER, "{}", approved.html);
        let signed = self.sign().await;
        assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.html);
        self.become_one(Role::Finance).await;
    }

    /// Opens a step's form as whoever is signed in, fills it in and sends it to `action`.
    async fn step(&mut self, form: &str, action: &str, fields: &[(&str, &str)]) -> Reply {
        let page = self.browser.get(form).await;
        assert_eq!(page.status, StatusCode::OK, "{form}: {}", page.html);
        let seen = page.attribute("input[name=seen]", "value").unwrap();
        let mut fields = fields.to_vec();
        fields.push(("seen", &seen));
        self.browser.post(action, &fields).await
    }

    async fn approve(&mut self, role: Role, query: &str) -> Reply {
        self.become_one(role).await;
        let page = self.page(query).await;
        let value = |name: &str| {
            let input = format!("form[action$='/approval'] input[name={name}]");
            page.attribute(&input, "value").unwrap_or_default()
        };
        let fields = [("version_id", value("version_id")), ("seen", value("seen"))];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let path = format!("{}/approval", self.contract);
        self.browser.post(&path, &fields).await
    }
}

fn frame(partner: &str) -> Vec<(&'static str, &str)> {
    vec![
        ("partner", partner),
        ("number", "BRK-2024"),
        ("title", "Regional short haul"),
        ("currency", "USD"),
        ("term_start", "2024-10-01"),
        ("term_end", "2025-09-30"),
        ("renewal", "AUTO_RENEW"),
        ("renewal_months", "12"),
        ("notice_days", "60"),
    ]
}

/// `/contract-versions/…`, from a link of the page.
fn version_address(page: &Reply) -> String {
    let link = page.attribute("a[href^='/contract-versions/']", "href").expect("the version may be changed");
    link.split('/').take(3).collect::<Vec<_>>().join("/")
}

const OPTIONS: [(&str, &str); 3] =
    [("baseline", "Rates of 2023"), ("dispute_days", "15"), ("price_cap", "4.5")];
const LIMITS: [(&str, &str); 3] = [("period", "MONTH"), ("cap_amount", "5,000.00"), ("cap_share", "")];
const LIFTGATE: [(&str, &str); 5] = [
    ("code", "LFT"),
    ("label", "Liftgate"),
    ("unit", "PER_OCCURRENCE"),
    ("rate", "40.00"),
    ("free_quantity", "0"),
];
const TARGET: [(&str, &str); 4] = [("kpi", "OTD_WIN"), ("floor", "85"), ("target", "95"), ("stretch", "98")];
const LATE: [(&str, &str); 7] = [
    ("code", "7.1"),
    ("title", "Late delivery"),
    ("price_kind", "PCT_OF_LINEHAUL"),
    ("price", "5"),
    ("grace_days", "0"),
    ("event_cap_share", "15"),
    ("period", "MONTH"),
];
/// DOMAIN P2: 1 % up to two points short, 2.5 % up to five, 5 % beyond.
const THRESHOLD: [(&str, &str); 14] = [
    ("code", "7.2"),
    ("title", "On time in the window"),
    ("sign", "PENALTY"),
    ("kpi", "OTD_WIN"),
    ("threshold", "95"),
    ("dead_band", "0.5"),
    ("min_volume", "20"),
    ("period", "MONTH"),
    ("price_kind", "TIER_TABLE"),
    ("points_0", "2"),
    ("share_0", "1"),
    ("points_1", "5"),
    ("share_1", "2.5"),
    ("share_2", "5"),
];

#[test]
fn a_contract_is_written_by_one_and_approved_by_another() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        for (form, fields) in [
            ("rate", LIFTGATE.as_slice()),
            ("target", &TARGET),
            ("late-clause", &LATE),
            ("threshold-clause", &THRESHOLD),
            ("limits", &[("period", "MONTH"), ("cap_amount", "5,000.00"), ("cap_share", "")]),
        ] {
            let reply = desk.fill("", form, fields).await;
            assert_eq!(reply.status, StatusCode::SEE_OTHER, "{form}: {}", reply.html);
        }
        let page = desk.page("").await;
        assert!(page.text(".top p").contains("Nothing is in force; version 1 is being written."));
        assert!(page.html.contains("Up to 2 points: 1 % of the month&#39;s spend."), "{}", page.html);
        assert_eq!(desk.submit("").await.status, StatusCode::SEE_OTHER);
        let page = desk.page("").await;
        assert!(page.text(".top p").contains("version 1 is in review."), "{}", page.text(".top p"));
        assert!(page.texts("form[action$='/approval']").is_empty(), "not one's own");
        assert!(page.texts(".note").iter().any(|note| note.contains("someone else")));
        assert!(
            page.texts("a[href^='/contract-versions/'][href$='/rate']").is_empty(),
            "nobody edits it now"
        );
        let own = desk.approve(Role::Procurement, "").await;
        assert!(own.status.is_client_error(), "{}", own.status);

        let approved = desk.approve(Role::Finance, "").await;
        assert_eq!(approved.status, StatusCode::SEE_OTHER, "{}", approved.html);
        let page = desk.page("").await;
        assert!(
            page.text(".top p").contains("Nothing is in force; version 1 waits for the partner's signature.")
        );
        assert_eq!(page.text(".steps [aria-current] b"), "Approved");
        let signed = desk.sign().await;
        assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.html);
        let own = desk.browser.get(signed.location().unwrap()).await;
        assert!(own.text(".top p").contains("Version 1 is in force"), "{}", own.text(".top p"));
        assert!(desk.browser.get("/portal").await.texts("a[href^='/portal/signatures/']").is_empty());

        desk.become_one(Role::Finance).await;
        let page = desk.page("").await;
        assert!(page.text(".top p").contains("Version 1 is in force."));
        assert!(page.html.contains("approved by Finance") && page.html.contains("signed by Ida Overland"));
        assert_eq!(page.text(".steps [aria-current] b"), "In force");
        let life = page.texts("section[aria-labelledby=life] tbody tr");
        let taken = [
            "came into force",
            "signed it",
            "approved and sealed it",
            "sent it to review",
            "started the draft",
        ];
        assert_eq!(life.len(), taken.len(), "{life:?}");
        assert!(life.iter().zip(taken).all(|(line, words)| line.contains(words)), "{life:?}");
        let list = desk.browser.get("/contracts").await;
        assert_eq!(
            (list.text(".due b"), list.text(".due small")),
            ("Fri 1 August 2025".into(), "24 days left".into())
        );

        let viewer = Viewer::system();
        let today = "2025-07-08".parse().unwrap();
        let terms =
            terms_in_force(&mut db.conn(), &viewer, desk.browser.partner_id, today).unwrap().remove(0);
        assert_eq!(terms.rates[0].rate, Some(Micros(40_000_000)));
        assert_eq!((terms.targets.len(), terms.clauses.len()), (1, 2));
    });
}

const TIER: [(&str, &str); 6] = [
    ("label", "Volume rebate"),
    ("measure", "SPEND"),
    ("window", "CALENDAR_YEAR"),
    ("bands", "0: 0 %\r\n500,000: 2 %"),
    ("method", "INCREMENTAL"),
    ("grace_weeks", "0"),
];
const ZONE: [(&str, &str); 2] = [("name", "NE"), ("members", "US-NY\r\nzip3:070")];
const LANE: [(&str, &str); 4] =
    [("code", "NE-TX"), ("origin", "zone:NE"), ("destination", "US-TX"), ("line", "LTL")];
const FUEL: [(&str, &str); 8] = [
    ("code", "405"),
    ("label", "Fuel surcharge"),
    ("index", "EIA"),
    ("method", "TABLE"),
    ("basis", "PCT_OF_BASE"),
    ("brackets", "0 – 2.50: 0\r\n2.50 and more: 18.5"),
    ("effective_days", "1"),
    ("cadence_days", "7"),
];

#[test]
fn terms_are_written_by_forms_and_shown_to_both_sides() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        for (form, fields) in [("terms/zone", ZONE.as_slice()), ("terms/fuel", &FUEL), ("terms/tier", &TIER)]
        {
            let reply = desk.fill("", form, fields).await;
            assert_eq!(reply.status, StatusCode::SEE_OTHER, "{form}: {}", reply.html);
        }
        let page = desk.page("").await;
        let says = |kind: &str| page.text(&format!("section[aria-labelledby={kind}] td"));
        assert!(says("zone").starts_with("2 places"), "{}", says("zone"));
        assert!(says("fuel").contains("table of 2 rows"), "{}", says("fuel"));
        assert!(says("tier").contains("2 % from 500,000.00"), "{}", says("tier"));
        // The form of a stored term is filled with it.
        let edit = page.attribute("section[aria-labelledby=fuel] td a", "href").unwrap();
        let form = desk.browser.get(&edit).await;
        assert_eq!(form.text("#brackets"), "0.00 – 2.50: 0 2.50 and more: 18.5");
        // A lane by a table that is not there, and a table with a hole: beside their fields, the values kept.
        let lane = desk.fill("", "terms/lane", &LANE).await;
        assert_eq!(lane.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(lane.text("#line-err").contains("The draft has no rate table LTL"), "{}", lane.html);
        assert_eq!(lane.attribute("#origin", "value").as_deref(), Some("zone:NE"));
        let holed: Vec<_> = FUEL
            .iter()
            .map(|&(name, old)| {
                (name, if name == "brackets" { "0 – 2: 0\r\n2.50 and more: 18.5" } else { old })
            })
            .collect();
        let hole = desk.fill("", "terms/fuel?place=0", &holed).await;
        assert_eq!(hole.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(hole.text("#brackets-err").contains("Line 2: no row holds prices from 2.000 to 2.500"));
        for path in ["terms/zone?place=1", "terms/nothing", "terms/zone?place=x"] {
            let reply = desk.browser.get(&format!("{}/{path}", version_address(&page))).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        }
        // Fuel needs tables, so it goes again; the rest is agreed and shown to the partner.
        let seen = page.attribute("form[action$='/review'] input[name=seen]", "value").unwrap();
        let removals = format!("{}/removals", version_address(&page));
        let gone = desk.browser.post(&removals, &[("seen", &seen), ("part", "fuel"), ("code", "0")]).await;
        assert_eq!(gone.status, StatusCode::SEE_OTHER, "{}", gone.html);
        let page = desk.page("").await;
        assert!(page.text("section[aria-labelledby=fuel]").contains("Nothing agreed"));
        let rated = desk.browser.get(&format!("{}/parameters", version_address(&page))).await;
        let seen = rated.attribute("input[name=seen]", "value").unwrap();
        let choices = [
            ("seen", seen.as_str()),
            ("rating_date", "DELIVERY"),
            ("weight_unit", "KG"),
            ("weight_mode", "UP"),
            ("weight_step", "1"),
            ("distance_unit", "KM"),
            ("distance_mode", "NEAREST"),
            ("distance_step", "1"),
            ("deficit", "yes"),
            ("minimum_order", "AFTER_DISCOUNT"),
            ("fuel_base", "NET"),
        ];
        let stored = desk.browser.post(&format!("{}/parameters", version_address(&page)), &choices).await;
        assert_eq!(stored.status, StatusCode::SEE_OTHER, "{}", stored.html);
        desk.agree("").await;
        desk.become_one(Role::Partner).await;
        let own = desk.browser.get("/portal/contract").await;
        assert!(own.text("section[aria-labelledby=tier] td").contains("2 % from 500,000.00"), "{}", own.html);
        assert!(own.text("section[aria-labelledby=options]").contains("in kg, up to the next 1"));
        assert!(own.texts("a[href^='/contract-versions/']").is_empty());
        assert!(own.texts("section[aria-labelledby=fuel]").is_empty(), "nothing is listed as empty");
    });
}

#[test]
fn a_clause_is_worked_out_on_figures_of_ones_own() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        desk.fill("", "threshold-clause", &THRESHOLD).await;
        // DOMAIN P2: 388 of 412 on 186,420.55.
        let page = desk.page("?version=1&try=7.2&a=388&b=412&c=186,420.55").await;
        assert!(page.text(".calc output b").contains("1,864.21 USD"), "{}", page.text(".calc output"));
        let enough = desk.page("?version=1&try=7.2&a=391&b=412&c=186,420.55").await;
        assert!(!enough.text(".calc output").contains("1,864.21"));
        let wrong = desk.page("?version=1&try=7.2&a=many&b=412&c=1").await;
        assert!(wrong.text(".calc output").contains("whole numbers"));
    });
}

/// The fields of a form with others in place of some, or beside them.
fn with<'a>(fields: &[(&'a str, &'a str)], others: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = fields.iter().filter(|(name, _)| others.iter().all(|(other, _)| other != name));
    kept.chain(others).copied().collect()
}

#[test]
fn a_clause_says_what_excuses_a_miss_under_it() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        let own =
            [("excusing", "ONLY"), ("excuse", "FORCE_MAJEURE"), ("excuse", "OUTAGE"), ("ramp_up_days", "30")];
        let stored = desk.fill("", "late-clause", &with(&LATE, &own)).await;
        assert_eq!(stored.status, StatusCode::SEE_OTHER, "{}", stored.html);
        let page = desk.page("").await;
        assert!(page.html.contains(
            "Only this excuses a miss: force majeure, approved or declared; a declared outage of data or networks."
        ));
        assert!(page.html.contains("Nothing counts on a lane in its first 30 days"));
        let form = desk.browser.get(&format!("{}/late-clause?code=7.1", version_address(&page))).await;
        let ticked = form.texts("input[name=excuse][checked] + label");
        assert_eq!(ticked.len(), 2, "{ticked:?}");
        assert_eq!(form.attribute("#ramp_up_days", "value").as_deref(), Some("30"));
        // Ticks without the choice would be lost, so they are refused.
        let unsure =
            desk.fill("", "late-clause", &with(&LATE, &[("code", "7.9"), ("excuse", "SHIPPER")])).await;
        assert_eq!(unsure.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(unsure.text("#excusing-err").contains("only the reasons ticked here"));
        // Nothing tells that lateness was put right.
        let cured = desk.fill("", "late-clause", &with(&LATE, &[("code", "7.9"), ("cure_days", "3")])).await;
        assert_eq!(cured.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(cured.text("#cure_days-err").contains("POD_TIMELY"), "{}", cured.text("#cure_days-err"));
    });
}

#[test]
fn a_clause_is_priced_by_replacements_and_against_the_year_before() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        let offers = [
            ("kpi", "TAR"),
            ("threshold", "90"),
            ("dead_band", "0"),
            ("price_kind", "COST_DIFFERENCE"),
            ("price", "100"),
            ("load_cap", "200.00"),
        ];
        let plain: Vec<_> = THRESHOLD
            .iter()
            .copied()
            .filter(|(name, _)| !name.starts_with("points_") && !name.starts_with("share_"))
            .collect();
        let stored = desk.fill("", "threshold-clause", &with(&plain, &offers)).await;
        assert_eq!(stored.status, StatusCode::SEE_OTHER, "{}", stored.html);
        // 19 turned down, 12 may be: 7 at 240.00 more each, and no more than 200.00 for one.
        let page = desk.page("?version=1&try=7.2&a=101&b=120&c=240.00").await;
        assert!(page.text(".calc output b").contains("1,400.00 USD"), "{}", page.text(".calc output"));
        let wrong = with(&with(&plain, &offers), &[("kpi", "OTD_WIN"), ("code", "7.8")]);
        let wrong = desk.fill("", "threshold-clause", &wrong).await;
        assert!(wrong.text("#kpi-err").contains("only an offer turned down has a replacement"));

        let saved = [
            ("code", "7.3"),
            ("sign", "BONUS"),
            ("kpi", "CPS"),
            ("threshold", ""),
            ("dead_band", "0"),
            ("price_kind", "SHARE_OF_SAVINGS"),
            ("price", "50"),
            ("baseline", "YEAR_BEFORE"),
        ];
        let stored = desk.fill("", "threshold-clause", &with(&plain, &saved)).await;
        assert_eq!(stored.status, StatusCode::SEE_OTHER, "{}", stored.html);
        let page = desk.page("").await;
        let form = desk.browser.get(&format!("{}/threshold-clause", version_address(&page))).await;
        assert!(form.attribute("option[value=CPS]", "value").is_some(), "a person can choose a cost");
        // 400 shipments at 240.00 each where it was 250.00: half of 4,000.00.
        let page = desk.page("?version=1&try=7.3&a=96000&b=400&c=250.00").await;
        assert!(page.html.contains("what it was in the same time of the year before"), "{}", page.html);
        let results = page.texts(".calc output b");
        assert!(results.iter().any(|said| said.contains("2,000.00 USD")), "{results:?}");
        let months = [
            ("baseline", "MONTHS"),
            ("baseline_from", "2024-03"),
            ("baseline_to", "2024-01"),
            ("code", "7.4"),
        ];
        let wrong = desk.fill("", "threshold-clause", &with(&with(&plain, &saved), &months)).await;
        assert!(wrong.text("#baseline-err").contains("the first one first"), "{}", wrong.html);
    });
}

#[test]
fn a_new_version_shows_what_it_changes_and_may_not_overlap() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        desk.fill("", "rate", &LIFTGATE).await;
        desk.agree("").await;
        desk.become_one(Role::Procurement).await;
        let versions = format!("{}/versions", desk.contract);
        let fields =
            [("kind", "AMENDMENT"), ("valid_from", "2024-10-01"), ("change_summary", "Liftgate is dearer")];
        let started = desk.browser.post(&versions, &fields).await;
        assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.html);
        let busy = desk.browser.post(&versions, &fields).await;
        assert_eq!(busy.status, StatusCode::CONFLICT);
        assert!(busy.text(".notice.warn").contains("version 2 is being drafted already"));

        let dearer: Vec<_> =
            LIFTGATE.iter().map(|&(name, old)| (name, if name == "rate" { "45.00" } else { old })).collect();
        let stored = desk.fill("?version=2", "rate?code=LFT", &dearer).await;
        assert_eq!(stored.status, StatusCode::SEE_OTHER, "{}", stored.html);
        let page = desk.page("?version=2").await;
        assert_eq!(
            (page.text("del"), page.text("ins")),
            ("40.00 per occurrence".into(), "45.00 per occurrence".into())
        );

        assert_eq!(desk.send_to_review("?version=2").await.status, StatusCode::SEE_OTHER);
        let refused = desk.approve(Role::Finance, "?version=2").await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.html.contains("version 1: it would end on 2024-10-01"), "{}", refused.html);
    });
}

#[test]
fn every_rule_of_a_rate_is_entered_shown_and_kept() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        let rules = [
            ("code", "DTU"),
            ("label", "Detention"),
            ("unit", "PER_HOUR"),
            ("rate", "60.00"),
            ("free_quantity", "120"),
            ("increment_minutes", "30"),
            ("trigger", "ON_EVENT"),
            ("condition", "weight at least 500 and not service in economy"),
            ("increment_rounding", "DOWN"),
            ("clock_start", "NOTIFICATION"),
            ("late_arrival", "FORFEIT"),
            ("free_by_weight", "5000: 180"),
            ("notification_required", "yes"),
            ("authorisation", "BEFORE"),
            ("evidence", "TIMES"),
            ("fuel_applicable", "yes"),
            ("discount", "10"),
            ("currency", "EUR"),
        ];
        let stored = desk.fill("", "rate", &rules).await;
        assert_eq!(stored.status, StatusCode::SEE_OTHER, "{}", stored.html);
        let page = desk.page("").await;
        for said in [
            "if weight at least 500 and not service in economy",
            "steps down",
            "clock from the carrier's notification",
            "late arrival forfeits the charge",
            "free 180 from weight 5,000",
            "warning needed",
            "agreed before",
            "in and out times needed",
            "fuel applies",
            "less 10 %",
            "in EUR",
        ] {
            let text = page.texts("section[aria-labelledby=rates] td").join(" ");
            assert!(text.contains(said), "{said}: {text}");
        }
        // The form shows all of it again, and storing it unchanged changes nothing.
        let address = version_address(&page);
        let form = desk.browser.get(&format!("{address}/rate?code=DTU")).await;
        assert_eq!(form.attribute("#condition", "value").as_deref(), Some(rules[7].1));
        assert_eq!(form.attribute("#late_arrival option[selected]", "value").as_deref(), Some("FORFEIT"));
        assert_eq!(form.texts("details[open]").len(), 4, "what is not as usual stands open");
        let mut same = rules.to_vec();
        same.push(("replaces", "DTU"));
        assert_eq!(desk.fill("", "rate", &same).await.status, StatusCode::SEE_OTHER);
        let texts = |page: &Reply| page.texts("section[aria-labelledby=rates] td").join(" ");
        assert_eq!(texts(&desk.page("").await), texts(&page));
        // A rule taken back is gone, and what is wrong stands at its field.
        let changed = |name: &'static str, value: &'static str| -> Vec<(&str, &str)> {
            same.iter().map(|&(n, old)| (n, if n == name { value } else { old })).collect()
        };
        assert_eq!(desk.fill("", "rate", &changed("condition", "")).await.status, StatusCode::SEE_OTHER);
        assert!(!texts(&desk.page("").await).contains("if weight"));
        for (name, value) in [("condition", "weight over"), ("free_by_weight", "x"), ("discount", "101")] {
            let wrong = desk.fill("", "rate", &changed(name, value)).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {}", wrong.html);
            wrong.text(&format!("details[open] #{name}-err"));
        }
        let usual = desk.browser.get(&format!("{address}/rate?usual=LAY")).await;
        assert_eq!(usual.attribute("#unit option[selected]", "value").as_deref(), Some("PER_DAY"));
        assert!(usual.texts("details[open]").is_empty());
    });
}

#[test]
fn what_is_wrong_stands_beside_its_field_and_the_values_stay() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        let partner = desk.browser.partner_id.to_string();
        for (wrong, value) in [
            ("number", ""),
            ("number", "BRK-2024"),
            ("currency", "dollars"),
            ("term_start", "1 October"),
            ("term_end", "2024-01-01"),
            ("renewal_months", ""),
            ("notice_days", "9999"),
        ] {
            let fields: Vec<_> = frame(&partner)
                .into_iter()
                .map(|(name, old)| (name, if name == wrong { value } else { old }))
                .collect();
            // Only the case of the taken number may keep the number.
            let fields: Vec<_> = fields
                .into_iter()
                .map(|(name, old)| {
                    (name, if name == "number" && wrong != "number" { "BRK-2025" } else { old })
                })
                .collect();
            let reply = desk.browser.post("/contracts", &fields).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong} `{value}`: {}", reply.html);
            assert_eq!(reply.texts(".err").len(), 1, "{wrong} `{value}`");
            reply.text(&format!("#{wrong}-err"));
            assert_eq!(reply.attribute(&format!("#{wrong}"), "value").as_deref(), Some(value), "kept");
        }
        // An untouched form: nothing is chosen beforehand, and everything that is missing is said at once.
        let form = desk.browser.get("/contracts/new").await;
        assert_eq!(form.texts("#partner option")[0], "Choose a partner");
        assert_eq!(form.attribute("#partner option[selected]", "value").as_deref(), Some(""));
        let empty = [("partner", ""), ("currency", "USD"), ("renewal", "FIXED"), ("notice_days", "60")];
        let reply = desk.browser.post("/contracts", &empty).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        for missing in ["partner", "number", "title", "term_start"] {
            reply.text(&format!("#{missing}-err"));
        }
        assert_eq!(reply.text("#term_start-err"), "Choose a day.");
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);
        let cases: [Case<'_>; 10] = [
            ("rate", &LIFTGATE, "rate", "free"),
            ("rate", &LIFTGATE, "code", "lift gate"),
            ("rate", &LIFTGATE, "free_quantity", "-1"),
            ("target", &TARGET, "target", "99"),
            ("target", &TARGET, "floor", ""),
            ("late-clause", &LATE, "price", "0"),
            ("late-clause", &LATE, "event_cap_share", "101"),
            // Less than one late day comes to.
            ("late-clause", &LATE, "event_cap_share", "4"),
            ("threshold-clause", &THRESHOLD, "threshold", "200"),
            ("threshold-clause", &THRESHOLD, "min_volume", "0"),
        ];
        for (form, fields, wrong, value) in cases {
            let fields: Vec<_> =
                fields.iter().map(|&(name, old)| (name, if name == wrong { value } else { old })).collect();
            let reply = desk.fill("", form, &fields).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{form} {wrong}: {}", reply.html);
            assert_eq!(reply.texts(".err").len(), 1, "{form} {wrong} {:?}", reply.texts(".err"));
            reply.text(&format!("#{wrong}-err"));
            assert_eq!(reply.attribute(&format!("#{wrong}"), "value").as_deref(), Some(value), "kept");
        }
        let tiers: Vec<_> =
            THRESHOLD.iter().map(|&(name, old)| (name, if name == "points_1" { "1" } else { old })).collect();
        let reply = desk.fill("", "threshold-clause", &tiers).await;
        assert!(reply.text("#tiers-err").contains("Row 2"), "{}", reply.text("#tiers-err"));
        let open: Vec<_> =
            THRESHOLD.iter().map(|&(name, old)| (name, if name == "points_0" { "" } else { old })).collect();
        let reply = desk.fill("", "threshold-clause", &open).await;
        assert_eq!(
            reply.text("#tiers-err"),
            "Row 1: only the last row may be open; give its points.",
            "a table with a hole"
        );
    });
}

#[test]
fn a_line_is_removed_from_the_draft_only_as_it_was_seen() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        desk.fill("", "rate", &LIFTGATE).await;
        let page = desk.page("").await;
        let seen = page.attribute("input[name=seen]", "value").unwrap();
        desk.fill("", "target", &TARGET).await;
        let path = format!("{}/removals", version_address(&page));
        let fields = [("part", "rate"), ("code", "LFT"), ("seen", seen.as_str())];
        assert_eq!(desk.browser.post(&path, &fields).await.status, StatusCode::CONFLICT);
        let seen = desk.page("").await.attribute("input[name=seen]", "value").unwrap();
        let fields = [("part", "rate"), ("code", "LFT"), ("seen", seen.as_str())];
        assert_eq!(desk.browser.post(&path, &fields).await.status, StatusCode::SEE_OTHER);
        assert!(!desk.page("").await.html.contains("Liftgate"));
    });
}

#[test]
fn a_partner_reads_what_was_agreed_and_no_draft() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        desk.fill("", "rate", &LIFTGATE).await;
        desk.fill("", "late-clause", &LATE).await;
        desk.browser.forget();
        desk.browser.sign_in_as(Role::Partner).await;
        assert!(desk.browser.get("/portal/contract").await.text(".empty").starts_with("No contract yet"));
        desk.submit("").await;
        desk.become_one(Role::Partner).await;
        assert!(desk.browser.get("/portal/contract").await.text(".empty").starts_with("No contract yet"));
        desk.approve(Role::Finance, "").await;
        desk.sign().await;
        desk.become_one(Role::Procurement).await;
        let versions = format!("{}/versions", desk.contract);
        let dearer = [("kind", "AMENDMENT"), ("valid_from", "2025-08-01"), ("change_summary", "Dearer")];
        assert_eq!(desk.browser.post(&versions, &dearer).await.status, StatusCode::SEE_OTHER);

        desk.browser.forget();
        desk.browser.sign_in_as(Role::Partner).await;
        let page =
            desk.browser.get("/portal/contract?number=BRK-2024&version=1&try=7.1&a=2&c=1,240.00").await;
        assert_eq!(page.text("h1"), "BRK-2024, Regional short haul");
        assert!(page.text(".top p").contains("Version 1 is in force"));
        assert_eq!(page.text(".calc output b"), "124.00 USD credited to the shipper");
        assert!(!page.html.contains("Dearer") && !page.html.contains("Finance"), "nothing of who wrote what");
        let draft = desk.browser.get("/portal/contract?version=2").await;
        assert_eq!(draft.status, StatusCode::NOT_FOUND);
    });
}

#[test]
fn a_version_is_not_approved_before_everything_is_said() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        desk.fill("", "late-clause", &LATE).await;
        let draft = desk.page("").await;
        assert_eq!(
            draft.texts(".check .stop a"),
            ["Limit over all clauses", "Options", "Options", "Options"],
            "each with where to mend it"
        );
        assert_eq!(desk.send_to_review("").await.status, StatusCode::SEE_OTHER);
        let refused = desk.approve(Role::Finance, "").await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text("h1").contains("is not complete"), "{}", refused.text("h1"));
        let listed = refused.texts(".check .stop span:not(.muted)");
        assert_eq!(listed.len(), 4, "{listed:?}");
        for (line, what) in listed.iter().zip(["cap", "baseline", "dispute window", "price cap"]) {
            assert!(line.starts_with(what), "{listed:?}");
        }
        let places = refused.texts(".check .stop .muted");
        assert_eq!(
            places,
            ["Limit over all clauses", "Options", "Options", "Options"],
            "no links: it is in review"
        );

        // Returned with the reason, mended, and approved.
        let give_back = refused.attribute("a[href$='/return']", "href").unwrap();
        let bare = desk.step(&give_back, &give_back, &[("note", "")]).await;
        assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
        bare.text("#note-err");
        let back = desk.step(&give_back, &give_back, &[("note", "Say the baseline")]).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.html);
        desk.become_one(Role::Procurement).await;
        assert!(
            desk.page("").await.text("section[aria-labelledby=todo] .head p").contains("Say the baseline")
        );
        for (field, value) in [("dispute_days", "0"), ("price_cap", "x"), ("dispute_days", "400")] {
            let wrong: Vec<_> =
                OPTIONS.iter().map(|&(name, old)| (name, if name == field { value } else { old })).collect();
            let reply = desk.fill("", "options", &wrong).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} `{value}`");
            reply.text(&format!("#{field}-err"));
        }
        desk.agree("").await;
        let page = desk.page("").await;
        let options = page.texts("section[aria-labelledby=options] dd");
        assert_eq!(options.get(..3).unwrap(), ["Rates of 2023", "15 days", "4.5 % a version"]);
    });
}

#[test]
fn the_partner_signs_what_it_was_shown_and_nothing_else() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        desk.fill("", "rate", &LIFTGATE).await;
        desk.submit("").await;
        desk.approve(Role::Finance, "").await;
        desk.become_one(Role::Partner).await;
        let home = desk.browser.get("/portal").await;
        assert!(home.text(".act").contains("Sign version 1 of BRK-2024"), "{}", home.text(".act"));
        let sign = home.attribute("a[href^='/portal/signatures/']", "href").unwrap();
        let page = desk.browser.get(&sign).await;
        let hash = page.attribute("input[name=hash]", "value").unwrap();
        let other = "0".repeat(64);
        let cases: [(&str, &str, &str, StatusCode); 3] = [
            (&other, "Ida", "yes", StatusCode::CONFLICT),
            (&hash, "", "yes", StatusCode::UNPROCESSABLE_ENTITY),
            (&hash, "Ida", "", StatusCode::UNPROCESSABLE_ENTITY),
        ];
        for (hash, name, agreed, status) in cases {
            let reply = desk.browser.post(&sign, &[("hash", hash), ("name", name), ("agreed", agreed)]).await;
            assert_eq!(reply.status, status, "{hash} {name} {agreed}: {}", reply.html);
        }
        let declined = desk.browser.post(&format!("{sign}/refusal"), &[("note", "")]).await;
        assert_eq!(declined.status, StatusCode::UNPROCESSABLE_ENTITY);
        let declined = desk.browser.post(&format!("{sign}/refusal"), &[("note", "Too cheap")]).await;
        assert_eq!(declined.status, StatusCode::SEE_OTHER, "{}", declined.html);
        assert_eq!(desk.browser.get(&sign).await.status, StatusCode::NOT_FOUND, "a draft again");
        let late =
            desk.browser.post(&sign, &[("hash", hash.as_str()), ("name", "Ida"), ("agreed", "yes")]).await;
        assert_eq!(late.status, StatusCode::NOT_FOUND);

        desk.become_one(Role::Procurement).await;
        assert!(desk.page("").await.text("section[aria-labelledby=todo] .head p").contains("Too cheap"));
    });
}

#[test]
fn a_contract_is_suspended_resumed_and_terminated_from_its_page() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        desk.fill("", "rate", &LIFTGATE).await;
        desk.agree("").await;
        let rest = format!("{}/suspension", desk.contract);
        let tomorrow = [("day", "2025-07-09"), ("note", "Insurance lapsed")];
        let wrong = desk.step(&rest, &rest, &tomorrow).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong.text("#day-err");
        let today = [("day", "2025-07-08"), ("note", "Insurance lapsed")];
        assert_eq!(desk.step(&rest, &rest, &today).await.status, StatusCode::SEE_OTHER);
        let page = desk.page("").await;
        assert!(page.text("#todo").contains("is suspended"), "{}", page.text("#todo"));
        assert!(page.text(".top p").contains("Version 1 is suspended"), "{}", page.text(".top p"));
        let go_on = format!("{}/resumption", desk.contract);
        let reply = desk.step(&rest, &go_on, &[("day", "2025-07-08"), ("note", "Insured again")]).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.html);
        let end = format!("{}/termination", desk.contract);
        let reply = desk.step(&end, &end, &[("day", "2025-07-08"), ("note", "For cause")]).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.html);
        let page = desk.page("").await;
        assert!(page.text("#todo").contains("is over"), "{}", page.text("#todo"));
        assert_eq!(desk.browser.get(&end).await.status, StatusCode::CONFLICT, "no second end");
        let run = contract_calendar::run(&db.app(), &mut db.conn(), "2025-07-09".parse().unwrap()).unwrap();
        assert_eq!(run.changed_rows(), 0, "nothing is left for the calendar");
    });
}

#[test]
fn what_needs_attention_is_listed_with_one_link_to_act() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        desk.become_one(Role::Auditor).await;
        let page = desk.browser.get("/contracts/attention").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert!(page.text("#now").contains("Now"), "{}", page.html);
        let link = page.attribute("tbody td a.btn", "href").unwrap();
        assert_eq!(link, format!("{}?version=1", desk.contract));
        assert_eq!(desk.browser.get(&link).await.status, StatusCode::OK);
        let list = desk.browser.get("/contracts").await;
        assert!(list.text(".actions a[href='/contracts/attention']").contains("Needs attention: 1"));
        assert!(list.texts("thead th").iter().any(|head| head.starts_with("Money at stake")));
        let today = desk.browser.get("/today").await;
        assert!(today.text("a[href='/contracts/attention']").contains("1 item"), "{}", today.html);
    });
}

/// A file as the page's own form sends it.
fn upload(path: &str, name: &str, content: &[u8], fields: &[(&str, &str)]) -> TestRequest {
    let mut body = Vec::new();
    for (field, value) in fields {
        let part = format!("--bnd\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--bnd\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/html\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--bnd--\r\n");
    TestRequest::post()
        .uri(path)
        .insert_header((header::CONTENT_TYPE, "multipart/form-data; boundary=bnd"))
        .insert_header((header::ORIGIN, "http://127.0.0.1:8080"))
        .set_payload(body)
}

#[test]
fn a_file_goes_up_and_comes_down_as_something_to_store() {
    on_both_async(|db| async move {
        const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n\0\xff";
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        let path = format!("{}/attachments", desk.contract);
        let wrong = desk.browser.send(upload(&path, "Offer.pdf", b"<html>", &[("note", "kept")])).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text("#file-err").contains("its content is text/html"), "{}", wrong.html);
        assert_eq!(wrong.attribute("input[name=note]", "value").as_deref(), Some("kept"));
        let none = desk.browser.send(upload(&path, "", b"", &[])).await;
        assert!(none.text("#file-err").contains("Choose the file"), "{}", none.html);

        let fields = [("version", "1"), ("note", "Signed copy"), ("shared", "yes")];
        let sent = desk.browser.send(upload(&path, "Angebot Z\u{fc}rich.pdf", PDF, &fields)).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
        let page = desk.browser.get(&path).await;
        assert!(page.text("tbody").contains("Signed copy"), "{}", page.html);
        assert!(page.text("tbody .chip").contains("shown to the partner"));
        let href = page.attribute("tbody th a", "href").unwrap();
        let file = desk.browser.get(&href).await;
        assert_eq!(file.status, StatusCode::OK);
        assert_eq!(
            file.header("content-type"),
            Some("application/pdf"),
            "ours, not the one that came with it"
        );
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(file.header("content-security-policy"), Some("default-src 'none'; sandbox"));
        let disposition = file.header("content-disposition").unwrap();
        assert!(disposition.starts_with("attachment; filename=\"Angebot_Z_rich.pdf\""), "{disposition}");
        assert!(disposition.contains("filename*=UTF-8''Angebot%20Z%C3%BCrich.pdf"), "{disposition}");
        assert_eq!(desk.browser.send_bytes(TestRequest::get().uri(&href)).await, PDF);

        let own = href.replace("/attachments/", "/portal/attachments/");
        desk.become_one(Role::Partner).await;
        assert_eq!(desk.browser.get(&own).await.status, StatusCode::NOT_FOUND, "the version is a draft");
        desk.agree("").await;
        desk.become_one(Role::Partner).await;
        let contract = desk.browser.get("/portal/contract").await;
        assert_eq!(
            contract.attribute("#files ~ ul a, .check a[href^='/portal/attachments/']", "href"),
            Some(own.clone())
        );
        assert_eq!(desk.browser.get(&own).await.status, StatusCode::OK);
        assert_eq!(desk.browser.get(&href).await.status, StatusCode::NOT_FOUND, "a page of the shipper's");

        desk.become_one(Role::Procurement).await;
        let moves = format!("{href}/moves");
        let bare = desk.browser.post(&moves, &[("move", "WITHDRAW"), ("note", " ")]).await;
        assert_eq!(bare.status, StatusCode::CONFLICT);
        let gone = desk.browser.post(&moves, &[("move", "WITHDRAW"), ("note", "The wrong annex")]).await;
        assert_eq!(gone.status, StatusCode::SEE_OTHER);
        let page = desk.browser.get(&path).await;
        assert!(page.text("tbody").contains("withdrew it: The wrong annex"), "{}", page.html);
        desk.become_one(Role::Partner).await;
        assert_eq!(desk.browser.get(&own).await.status, StatusCode::NOT_FOUND);
    });
}

#[test]
fn what_was_known_on_a_day_is_asked_from_the_contract_page() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        desk.agree("").await;
        desk.become_one(Role::Auditor).await;
        let page = desk.page("").await;
        let link = page.attribute(".top a[href$='/known']", "href").unwrap();
        let form = desk.browser.get(&link).await;
        assert_eq!(form.attribute("input[name=known_on]", "value").as_deref(), Some("2025-07-08"));
        assert!(form.text("#answer").contains("as known on 8 July 2025: version 1"), "{}", form.html);
        assert!(form.text("dl").contains("the text kept today has this fingerprint"));
        let early = desk.browser.get(&format!("{link}?on=2025-07-08&known_on=2025-07-07")).await;
        assert!(early.text("#answer").contains("as known on 7 July 2025: nothing"), "{}", early.html);
        assert!(early.text("main").contains("There was no contract yet"), "{}", early.html);
        let wrong = desk.browser.get(&format!("{link}?on=soon&known_on=")).await;
        assert_eq!(wrong.status, StatusCode::OK);
        assert!(wrong.text("#on-err").contains("Choose a day"), "{}", wrong.html);
        assert_eq!(desk.browser.get("/contracts/1/known").await.status, StatusCode::NOT_FOUND);
    });
}

/// DOMAIN P4, as a promise of the clause.
const VOLUME: [(&str, &str); 10] = [
    ("code", "7.5"),
    ("title", "Volume of the year"),
    ("number", ""),
    ("sign", "SHIPPER_LIABILITY"),
    ("measure", "LOADS"),
    ("period", "YEAR"),
    ("quantity", "1,000"),
    ("tolerance", "5"),
    ("price", "85.00"),
    ("rejections_count", "yes"),
];
/// DOMAIN P5.
const EARN_BACK: [(&str, &str); 9] = [
    ("code", "7.6"),
    ("title", "Earned back"),
    ("of_clause", "7.2"),
    ("kpi", "OTD_WIN"),
    ("threshold", "98"),
    ("min_volume", "20"),
    ("period", "MONTH"),
    ("consecutive", "3"),
    ("share", "100"),
];

#[test]
fn promised_volume_and_what_is_earned_back_are_written_read_and_worked_out() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        desk.fill("", "threshold-clause", &THRESHOLD).await;
        for (form, fields) in [("clauses/volume", VOLUME.as_slice()), ("clauses/earn-back", &EARN_BACK)] {
            let mut fields = fields.to_vec();
            fields.extend([
                ("dispute_days", "15"),
                ("settlement", "CREDIT_NOTE"),
                ("scope_services", "Express"),
                ("rationale", "A load we cannot ship\n costs two hours of the line."),
                ("exclusive_remedy", "EXCLUSIVE"),
                ("tax_treatment", "PRICE_ADJUSTMENT"),
            ]);
            let reply = desk.fill("", form, &fields).await;
            assert_eq!(reply.status, StatusCode::SEE_OTHER, "{form}: {}", reply.html);
        }
        let page = desk.page("?version=1&try=7.5&a=912&b=20").await;
        for line in [
            "What the shipper owes for each year in which it brings fewer than 1,000 loads.",
            "100 % of a settled service credit under clause 7.2 is given back",
            "Only service Express.",
            "Settled by a credit note of the carrier.",
            "It may be disputed within 15 business days of the notice.",
            "Why the amount is a fair forecast of the harm: A load we cannot ship costs two hours of the line.",
            "It is the only financial remedy for what it covers.",
            "For tax it is a price adjustment.",
        ] {
            assert!(page.html.contains(line), "{line}: {}", page.html);
        }
        assert!(page.html.contains("1,530.00 USD paid to the carrier"), "{}", page.text(".calc output"));
        let page = desk.page("?version=1&try=7.6&a=99&b=100&c=640.00").await;
        assert!(page.html.contains("640.00 USD paid to the carrier"), "{}", page.html);
        // The form shows what is stored, and stores it again.
        let version = version_address(&page);
        let form = desk.browser.get(&format!("{version}/clauses/volume?code=7.5")).await;
        assert_eq!(form.attribute("#scope_services", "value").as_deref(), Some("Express"));
        assert_eq!(form.attribute("#tolerance", "value").as_deref(), Some("5"));
        assert_eq!(form.attribute("#settlement option[selected]", "value").as_deref(), Some("CREDIT_NOTE"));
        let tax = form.attribute("#tax_treatment option[selected]", "value");
        assert_eq!(tax.as_deref(), Some("PRICE_ADJUSTMENT"));
        assert!(form.text("#rationale").contains("two hours of the line"), "{}", form.html);
        let wrong = desk.browser.get(&format!("{version}/clauses/other")).await;
        assert_eq!(wrong.status, StatusCode::NOT_FOUND);
        let rebate = [("code", "7.7"), ("title", "Rebate"), ("number", "1"), ("expected_spend", "1,260,000")];
        let reply = desk.fill("", "clauses/rebate", &rebate).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.html);
        let page = desk.page("").await;
        assert!(page.html.contains("names tier programme 1, which is not there"), "{}", page.html);
        let long = "x".repeat(1_001);
        let bad: Vec<_> = VOLUME
            .iter()
            .map(|&(name, old)| (name, if name == "tolerance" { "100" } else { old }))
            .chain([("dispute_days", "0"), ("rationale", long.as_str())])
            .collect();
        let reply = desk.fill("", "clauses/volume", &bad).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        reply.text("#tolerance-err");
        reply.text("#dispute_days-err");
        reply.text("#rationale-err");
    });
}

#[test]
fn a_price_for_each_missed_pickup_is_written_read_and_worked_out() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        let fields = [
            ("code", "7.8"),
            ("title", "Missed pickup"),
            ("price", "150.00"),
            ("miss", "DAY"),
            ("period", "MONTH"),
            ("incidents", "HIGHEST_ONLY"),
            ("excusing", "ONLY"),
            ("excuse", "SHIPPER"),
            ("scope_sites", "Columbus, OH\r\n Dock 4"),
        ];
        let reply = desk.fill("", "clauses/missed-pickup", &fields).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.html);
        let page = desk.page("?version=1&try=7.8").await;
        for line in [
            "150.00 for each pickup that is not made on its committed day.",
            "It counts on the day on which the load was due at its destination.",
            "Nor is a charge owed for a truck ordered and not used, where nothing excuses the pickup.",
            "No lane starts or ends at site Columbus, OH or Dock 4 so far, so nothing counts there",
            "Only sites Columbus, OH, Dock 4.",
            "Only this excuses a miss: what the shipper caused",
            "Where another such clause comes to more for the same shipment, only that one counts.",
            "150.00 USD credited to us",
        ] {
            assert!(page.html.contains(line), "{line}: {}", page.html);
        }
        let version = version_address(&page);
        let form = desk.browser.get(&format!("{version}/clauses/missed-pickup?code=7.8")).await;
        assert_eq!(form.attribute("#price", "value").as_deref(), Some("150.00"));
        assert_eq!(form.text("#scope_sites"), "Columbus, OH Dock 4");
        assert_eq!(form.attribute("#incidents option[selected]", "value").as_deref(), Some("HIGHEST_ONLY"));
        let bad: Vec<_> = fields
            .iter()
            .map(|&(name, old)| (name, if name == "code" { "7.9" } else { old }))
            .chain([("cap_amount", "100.00")])
            .collect();
        let reply = desk.fill("", "clauses/missed-pickup", &bad).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(reply.text("#cap_amount-err").contains("at least the amount of a missed pickup"));
    });
}

#[test]
fn a_clause_of_a_draft_is_replayed_over_history() {
    on_both_async(|db| async move {
        let mut desk = Desk::new(TestApp::new(&db).await).await;
        desk.fill("", "threshold-clause", &THRESHOLD).await;
        let path = format!("{}/simulation?version=1&clause=7.2", desk.contract);
        let page = desk.browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert_eq!(page.texts("section[aria-labelledby=months] tbody tr").len(), 6, "{}", page.html);
        assert_eq!(page.texts("section[aria-labelledby=by-threshold] tbody tr").len(), 7);
        assert!(page.text("section[aria-labelledby=by-price] tbody b").contains("100 %"));
        let wrong = desk.browser.get(&format!("{path}&from=May")).await;
        assert!(wrong.text(".err").contains("`May` is not a month"), "{}", wrong.html);
        let long = desk.browser.get(&format!("{path}&from=2020-01&to=2025-01")).await;
        assert!(long.text(".err").contains("12 months at most"), "{}", long.html);
        let none = desk.browser.get(&format!("{}/simulation?version=1&clause=9.9", desk.contract)).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
    });
}
