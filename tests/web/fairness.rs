//! Exclusions, challenges, declared events and restatements through the pages: who may what, and what it does.

use actix_web::http::StatusCode;
use lanemark::app::App;
use lanemark::app::import::{ImportRequest, import};
use lanemark::app::refresh::refresh;
use lanemark::app::score::score_due;
use lanemark::clock::Clock;
use lanemark::domain::viewer::Role;
use lanemark::feeds::kind::ImportKind;
use lanemark::feeds::mapping::Mapping;

use crate::support::app::{PASSWORD, TestApp, partner, user};
use crate::support::db::on_both_async;

const HEAD: &str = "reference,partner,origin,destination,mode,pickup_zone,delivery_zone,delivery_window_end,arrived_at,delivery_reason\n";
const ROWS: &str = "\
LATE,BRCK,US-IL,US-TX,LTL,UTC,UTC,2025-06-05T17:00Z,2025-06-05T20:00Z,B1
LATE2,BRCK,US-IL,US-TX,LTL,UTC,UTC,2025-06-06T17:00Z,2025-06-06T20:00Z,B1
FINE,BRCK,US-IL,US-TX,LTL,UTC,UTC,2025-06-06T17:00Z,2025-06-06T16:00Z,
OTHER,ALDR,US-IL,US-TX,LTL,UTC,UTC,2025-06-06T17:00Z,2025-06-06T20:00Z,
";

const CLAIM: [(&str, &str); 5] = [
    ("stop", "DELIVERY"),
    ("party", "CONSIGNEE"),
    ("reason_code", "B1"),
    ("statement", "The dock was closed."),
    ("evidence", "Gate log of 5 June"),
];

fn stage(app: &App, rows: &str) {
    partner(app, "BRCK", "Brackwater Lines");
    partner(app, "ALDR", "Alder Haulage");
    take_in(app, ImportKind::Shipments, &format!("{HEAD}{rows}"));
}

fn take_in(app: &App, kind: ImportKind, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("facts.csv");
    std::fs::write(&path, text).unwrap();
    let mapping = Mapping::identity(kind);
    let rejects = folder.path().join("rejects.csv");
    let request =
        ImportRequest { path: &path, mapping: &mapping, by: "test", rejects, dry_run: false, refresh: true };
    import(app, &request, &|_| {}).unwrap();
    settle(app);
}

fn settle(app: &App) {
    refresh(app, app.now(), |_, _| {}).unwrap();
    score_due(app, app.now(), None).unwrap();
}

async fn second_manager(browser: &mut TestApp) {
    user(&browser.app, "noah@lanes.example", Role::CarrierManager, None);
    browser.forget();
    assert_eq!(browser.sign_in("noah@lanes.example", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[test]
fn whoever_asked_for_an_exclusion_cannot_decide_it_through_the_page() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        stage(&browser.app, ROWS);
        browser.sign_in_as(Role::CarrierManager).await;
        let id = browser.partner_id;
        let shipment = format!("/shipments/{id}/file/LATE");
        let page = browser.get(&shipment).await;
        assert!(page.html.contains("Ask to excuse the delivery"), "{}", page.html);
        let form = browser.get(&format!("{shipment}/exclusion?stop=DELIVERY")).await;
        assert_eq!(form.status, StatusCode::OK);
        assert!(form.html.contains("B1 closed, which points at the consignee"), "{}", form.html);
        let bad = browser.post(&format!("{shipment}/exclusion"), &[("stop", "DELIVERY")]).await;
        assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(bad.html.contains("a miss by the carrier cannot be excused"), "{}", bad.html);
        let asked = browser.post(&format!("{shipment}/exclusion"), &CLAIM).await;
        assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.html);
        let one = asked.location().unwrap().to_owned();

        let page = browser.get(&one).await;
        assert!(page.html.contains("Take it back") && !page.html.contains(">Approve<"), "{}", page.html);
        for decision in ["APPROVED", "DENIED"] {
            let own = browser
                .post(&format!("{one}/decision"), &[("decision", decision), ("words", "Seen the log.")])
                .await;
            assert_eq!(own.status, StatusCode::CONFLICT);
            assert!(own.html.contains("someone else must decide it"), "{}", own.html);
        }
        let list = browser.get("/decisions").await;
        assert!(list.html.contains("Exclusion of shipment LATE"), "{}", list.html);
        assert!(browser.get("/today").await.html.contains("Needs decision: 1 exclusion"));

        second_manager(&mut browser).await;
        let done = browser
            .post(&format!("{one}/decision"), &[("decision", "APPROVED"), ("words", "Seen the log.")])
            .await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
        let page = browser.get(&shipment).await;
        assert!(page.html.contains("late, excused"), "{}", page.html);
        assert!(page.html.contains("approved: Seen the log."), "{}", page.html);
        settle(&browser.app);
        let card = browser.get(&format!("/scorecards/{id}/2025-06")).await;
        assert_eq!(
            card.texts("#OTD_WIN td").get(1).map(String::as_str),
            Some("2"),
            "net counts two of three"
        );
    });
}

#[test]
fn a_partner_asks_sees_its_own_and_nobody_elses() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        stage(&browser.app, ROWS);
        let alder = partner(&browser.app, "ALDR", "Alder Haulage");
        browser.sign_in_as(Role::Partner).await;
        let asked = browser.post("/portal/shipments/file/LATE/exclusion", &CLAIM).await;
        assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.html);
        let one = asked.location().unwrap().to_owned();
        assert!(browser.get("/portal/exclusions").await.html.contains("LATE"));
        assert_eq!(browser.get(&one).await.status, StatusCode::OK);
        let foreign = browser.get("/portal/shipments/file/OTHER/exclusion?stop=DELIVERY").await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND);
        let foreign = browser.post("/portal/shipments/file/OTHER/exclusion", &CLAIM).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND);

        user(&browser.app, "own@alder.example", Role::Partner, Some(alder));
        browser.forget();
        browser.sign_in("own@alder.example", PASSWORD).await;
        assert_eq!(browser.get(&one).await.status, StatusCode::NOT_FOUND);
        let taken = browser.post(&format!("{one}/withdrawal"), &[("words", "Mine now")]).await;
        assert_eq!(taken.status, StatusCode::NOT_FOUND);
        assert!(!browser.get("/portal/exclusions").await.html.contains("LATE"));
    });
}

/// The test stands on 8 July 2025, the last day of the review of June.
#[test]
fn a_line_is_challenged_answered_made_final_and_restated() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        stage(&browser.app, ROWS);
        let id = browser.partner_id;
        browser.sign_in_as(Role::Partner).await;
        let list = browser.get("/portal/scorecards/2025-06/OTD_WIN").await;
        let href = list.attribute("td a[href*='/challenge?']", "href");
        assert_eq!(
            href.as_deref(),
            Some("/portal/scorecards/2025-06/OTD_WIN/challenge?source=file&reference=LATE")
        );
        let form =
            browser.get("/portal/scorecards/2025-06/OTD_WIN/challenge?source=file&reference=LATE").await;
        assert_eq!(form.status, StatusCode::OK);
        let fields = |reference| {
            [
                ("source", "file"),
                ("reference", reference),
                ("statement", "The truck was there."),
                ("evidence", "Gate log"),
            ]
        };
        let address = "/portal/scorecards/2025-06/OTD_WIN/challenge";
        let raised = browser.post(address, &fields("LATE")).await;
        assert_eq!(raised.status, StatusCode::SEE_OTHER, "{}", raised.html);
        let own = raised.location().unwrap().to_owned();
        assert!(browser.get(&own).await.html.contains("waits for an answer"));
        let again = browser.post(address, &fields("LATE")).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        assert_eq!(browser.post(address, &fields("OTHER")).await.status, StatusCode::NOT_FOUND);
        let may = browser.post("/portal/scorecards/2025-05/OTD_WIN/challenge", &fields("LATE")).await;
        assert_eq!(may.status, StatusCode::NOT_FOUND, "there is no scorecard of May");
        let second = browser.post(address, &fields("LATE2")).await;
        let open = second.location().unwrap().replace("/portal", "");

        browser.forget();
        browser.sign_in_as(Role::CarrierManager).await;
        let theirs = own.replace("/portal", "");
        let page = browser.get(&theirs).await;
        assert!(page.html.contains("Accept: excuse the unit"), "{}", page.html);
        let answered = browser
            .post(
                &format!("{theirs}/answer"),
                &[
                    ("answer", "EXCUSED"),
                    ("party", "CONSIGNEE"),
                    ("reason_code", "B1"),
                    ("words", "Seen the log."),
                ],
            )
            .await;
        assert_eq!(answered.status, StatusCode::SEE_OTHER, "{}", answered.html);
        settle(&browser.app);
        let early = browser.get(&format!("/scorecards/{id}/2025-06/restatement")).await;
        assert!(early.html.contains("It is final on 14 July 2025"), "{}", early.html);

        // Business day 10: final, with one challenge still open.
        let later =
            App { clock: Clock::Fixed("2025-07-14T09:00:00Z".parse().unwrap()), ..browser.app.clone() };
        let mut browser = TestApp::with(later, "http://127.0.0.1:8080").await;
        settle(&browser.app);
        browser.sign_in_as(Role::CarrierManager).await;
        let card = browser.get(&format!("/scorecards/{id}/2025-06")).await;
        assert!(
            card.html.contains("Final, with challenges still open on 14 July 2025 (1 then)"),
            "{}",
            card.html
        );
        let accepted = browser
            .post(
                &format!("{open}/answer"),
                &[
                    ("answer", "EXCUSED"),
                    ("party", "CONSIGNEE"),
                    ("reason_code", "B1"),
                    ("words", "Seen this log too."),
                ],
            )
            .await;
        let restatement = format!("/scorecards/{id}/2025-06/restatement");
        assert_eq!(accepted.location(), Some(restatement.as_str()), "{}", accepted.html);
        settle(&browser.app);
        let before = browser.get(&format!("/scorecards/{id}/2025-06.csv")).await.html;
        let silent = browser.post(&restatement, &[("reason", "")]).await;
        assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", silent.html);
        let done = browser.post(&restatement, &[("reason", "A challenge accepted late")]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
        let nothing = browser.post(&restatement, &[("reason", "Once more")]).await;
        assert_eq!(nothing.status, StatusCode::CONFLICT);
        assert!(nothing.html.contains("nothing to restate"), "{}", nothing.html);
        let card = browser.get(&format!("/scorecards/{id}/2025-06")).await;
        assert!(card.html.contains("A challenge accepted late"), "{}", card.html);
        let versions = card.texts("details table.rows tbody tr").len();
        let kept = browser.get(&format!("/scorecards/{id}/2025-06.csv?version={}", versions - 1)).await.html;
        assert_eq!(kept, before, "the original stays as it was");

        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        let own = browser.get("/portal/scorecards/2025-06").await;
        assert!(own.html.contains("A challenge accepted late"), "{}", own.html);
        assert!(own.html.contains("100.0 % of the exclusions"), "{}", own.html);
        let late = browser.post(address, &fields("FINE")).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        assert!(late.html.contains("ended on 8 July 2025"), "{}", late.html);
    });
}

#[test]
fn an_event_is_declared_by_one_and_approved_by_another() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        stage(&browser.app, ROWS);
        let id = browser.partner_id;
        browser.sign_in_as(Role::CarrierManager).await;
        let event = [
            ("name", "Ice storm"),
            ("kind", "WEATHER"),
            ("first_day", "2025-06-06"),
            ("last_day", "2025-06-06"),
            ("places", "US-TX"),
            ("modes", ""),
            ("partners", "BRCK"),
            ("statement", "Roads closed by the state"),
        ];
        let mut bad = event;
        bad[4].1 = "somewhere";
        let refused = browser.post("/declared-events", &bad).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.html.contains("names no place"), "{}", refused.html);
        let done = browser.post("/declared-events", &event).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
        let list = browser.get("/declared-events").await;
        let action = list.attribute("td form", "action").unwrap();
        let own = browser.post(&action, &[("decision", "APPROVED"), ("words", "Seen the notice")]).await;
        assert_eq!(own.status, StatusCode::CONFLICT, "{}", own.html);
        second_manager(&mut browser).await;
        let done = browser.post(&action, &[("decision", "APPROVED"), ("words", "Seen the notice")]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
        settle(&browser.app);
        let fine = browser.get(&format!("/shipments/{id}/file/FINE")).await;
        assert!(fine.html.contains("the declared event “Ice storm” takes it out"), "{}", fine.html);
        let card = browser.get(&format!("/scorecards/{id}/2025-06")).await;
        assert_eq!(card.texts("#OTD_WIN td").get(1).map(String::as_str), Some("1"), "{}", card.html);
    });
}

const TENDERS: &str = "reference,partner,sent_at,respond_by,response,responded_at\n\
    LOAD-1,BRCK,2025-06-05T08:00Z,2025-06-05T12:00Z,ACCEPTED,2025-06-05T09:00Z\n\
    LOAD-2,BRCK,2025-06-05T08:00Z,2025-06-05T12:00Z,REJECTED,2025-06-05T09:00Z\n\
    LOAD-3,ALDR,2025-06-05T08:00Z,2025-06-05T12:00Z,REJECTED,2025-06-05T09:00Z\n";

#[test]
fn a_tender_is_challenged_in_the_portal_and_excused_by_a_manager() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        stage(&browser.app, ROWS);
        take_in(&browser.app, ImportKind::Tenders, TENDERS);
        let id = browser.partner_id;
        browser.sign_in_as(Role::Partner).await;
        let list = browser.get("/portal/scorecards/2025-06/TAR").await;
        let href = list.attribute("td a[href*='/challenge?']", "href").unwrap();
        assert_eq!(href, "/portal/scorecards/2025-06/TAR/challenge?source=file&reference=LOAD-2");
        let form = browser.get(&href).await;
        assert!(form.html.contains("Tender LOAD-2 in Tenders accepted"), "{}", form.html);
        let fields = |reference| {
            [
                ("source", "file"),
                ("reference", reference),
                ("statement", "The load was withdrawn by phone."),
                ("evidence", "Call of 5 June"),
            ]
        };
        let address = "/portal/scorecards/2025-06/TAR/challenge";
        assert_eq!(browser.post(address, &fields("LOAD-3")).await.status, StatusCode::NOT_FOUND);
        let raised = browser.post(address, &fields("LOAD-2")).await;
        assert_eq!(raised.status, StatusCode::SEE_OTHER, "{}", raised.html);
        let own = raised.location().unwrap().to_owned();
        let page = browser.get(&own).await;
        assert_eq!(page.text("h1"), "Challenge of tender LOAD-2");
        let see = page.attribute(".top .actions a", "href").unwrap();
        assert_eq!(browser.get(&see).await.status, StatusCode::OK, "{see}");

        browser.forget();
        browser.sign_in_as(Role::CarrierManager).await;
        assert!(browser.get("/decisions").await.html.contains("Challenge of tender LOAD-2"));
        let theirs = own.replace("/portal", "");
        let excused = [
            ("answer", "EXCUSED"),
            ("party", "SHIPPER"),
            ("reason_code", "CS"),
            ("words", "We took it back by phone."),
        ];
        let answered = browser.post(&format!("{theirs}/answer"), &excused).await;
        assert_eq!(answered.status, StatusCode::SEE_OTHER, "{}", answered.html);
        settle(&browser.app);
        let listed = browser.get(&format!("/scorecards/{id}/2025-06/TAR?show=excused")).await;
        assert!(listed.html.contains("rejected; excused: shipper"), "{}", listed.html);
        let page = browser.get(&theirs).await;
        let exclusion = page.attribute("section[aria-labelledby=answer] a", "href").unwrap();
        let shown = browser.get(&exclusion).await;
        assert_eq!(shown.text("h1"), "Exclusion of tender LOAD-2");
        assert!(!shown.html.contains("None") && !shown.html.contains("PICKUP"), "{}", shown.html);
        let see = shown.attribute(".top .actions a", "href").unwrap();
        assert_eq!(browser.get(&see).await.status, StatusCode::OK, "{see}");
    });
}
