//! The pages of scorecard templates and standings: proposed, refused with words, agreed by a second person.

use actix_web::http::StatusCode;

use lanemark::app::template::template_books;
use lanemark::domain::scorecard::{Template, plain};
use lanemark::domain::viewer::Role;

use crate::support::app::TestApp;
use crate::support::db::{on_both, on_both_async};
use crate::support::process::Desk;

/// The fields of the form as the page fills them for the next version of the standard template.
fn fields(template: &Template) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = [
        ("of", "STANDARD"),
        ("code", "STANDARD"),
        ("name", "Standard"),
        ("first_period", "2040-01"),
        ("reason", "Agreed in the yearly review."),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let mut put = |name: &str, value: String| fields.push((name.to_owned(), value));
    for (row, _) in template.kpis().enumerate().filter(|(_, line)| line.critical) {
        put("line_critical", row.to_string());
    }
    for category in &template.categories {
        put("cat_code", category.code.clone());
        put("cat_title", category.title.clone());
        put("cat_weight", plain(category.weight));
        for line in &category.kpis {
            let mark = |of: fn(&lanemark::domain::scorecard::Scale) -> rust_decimal::Decimal| {
                line.scale.as_ref().map_or_else(String::new, |scale| plain(of(scale)))
            };
            put("line_cat", category.code.clone());
            put("line_code", line.code.clone());
            put("line_weight", plain(line.weight));
            put("line_floor", mark(|s| s.floor));
            put("line_target", mark(|s| s.target));
            put("line_stretch", mark(|s| s.stretch));
            put("line_bands", String::new());
        }
    }
    fields
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn a_template_is_proposed_by_one_person_and_agreed_by_another() {
    on_both_async(|db| async move {
        let app = db.app();
        let mut browser = TestApp::new(&db).await;
        let books = template_books(&app, &mut db.conn()).unwrap();
        let template = books[0].shown().unwrap().template.clone();
        browser.sign_in_as(Role::CarrierManager).await;
        let list = browser.get("/templates").await;
        assert_eq!(list.text("tbody th a"), "Standard");
        let form = browser.get("/templates/STANDARD/edit").await;
        assert_eq!(form.status, StatusCode::OK);

        let mut wrong = fields(&template);
        wrong.iter_mut().find(|(name, _)| name == "cat_weight").unwrap().1 = "41".to_owned();
        let reply = browser.post("/templates", &borrowed(&wrong)).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(reply.html.contains("sum to 101 and must sum to 100"), "{}", reply.html);
        let mut wrong = fields(&template);
        wrong.iter_mut().find(|(name, _)| name == "line_floor").unwrap().1 = "many".to_owned();
        let reply = browser.post("/templates", &borrowed(&wrong)).await;
        assert!(reply.html.contains("Floor of OTP_WIN: write a number"), "{}", reply.html);
        let same = browser.post("/templates", &borrowed(&fields(&template))).await;
        assert!(same.html.contains("It says the same as the version before"), "{}", same.html);

        let mut sound = fields(&template);
        sound.iter_mut().find(|(name, _)| name == "line_target").unwrap().1 = "94".to_owned();
        let reply = browser.post("/templates", &borrowed(&sound)).await;
        assert_eq!(reply.location(), Some("/template-versions/STANDARD-2"), "{}", reply.html);
        let page = browser.get("/template-versions/STANDARD-2").await;
        assert_eq!(page.text("ul.redline del"), "Reliability: weight 5, floor 85, target 95, stretch 98");
        let waits = browser.get("/decisions").await;
        assert!(waits.html.contains("Scorecard template STANDARD-2"));
        assert_eq!(waits.text(".top p"), "1 scorecard template waits for a decision.");
        assert!(browser.get("/today").await.html.contains("Needs decision: 1 scorecard template"));
        let decision = [("decision", "APPROVED"), ("words", "As discussed.")];
        let own = browser.post("/template-versions/STANDARD-2/decision", &decision).await;
        assert_eq!(own.status, StatusCode::CONFLICT, "not by its author");

        browser.sign_in_as(Role::Procurement).await;
        let empty = browser
            .post("/template-versions/STANDARD-2/decision", &[("decision", "APPROVED"), ("words", "")])
            .await;
        assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
        let agreed = browser.post("/template-versions/STANDARD-2/decision", &decision).await;
        assert_eq!(agreed.status, StatusCode::SEE_OTHER, "{}", agreed.html);
        let page = browser.get("/templates/STANDARD").await;
        assert!(page.text("h1").contains("2026.1"), "what holds today is shown first");
        assert!(page.html.contains("agreed") && !page.html.contains("None"));
        browser.sign_in_as(Role::Auditor).await;
        let audit = browser.get("/audit").await;
        assert!(audit.texts("td").contains(&"Agreed to a scorecard template".to_owned()));
    });
}

#[test]
fn a_scope_is_named_in_the_form_and_refused_where_nothing_could_be_counted() {
    on_both_async(|db| async move {
        let app = db.app();
        let mut browser = TestApp::new(&db).await;
        crate::web::scorecard::stage(&browser.app);
        let books = template_books(&app, &mut db.conn()).unwrap();
        let template = books[0].shown().unwrap().template.clone();
        browser.sign_in_as(Role::CarrierManager).await;
        let with = |scope: [&str; 6]| {
            let mut fields = fields(&template);
            let names =
                ["scope_code", "scope_title", "scope_service", "scope_mode", "scope_lanes", "scope_regions"];
            fields
                .extend(names.iter().zip(scope).map(|(name, value)| ((*name).to_owned(), value.to_owned())));
            // The first line of all counts by it.
            fields.extend(template.kpis().enumerate().map(|(row, _)| {
                ("line_scope".to_owned(), if row == 0 { scope[0].to_owned() } else { String::new() })
            }));
            fields
        };
        let post = async |browser: &mut TestApp, fields: &[(String, String)]| {
            browser.post("/templates", &borrowed(fields)).await
        };
        let unknown =
            post(&mut browser, &with(["WEST", "lanes of group West", "", "", "JOL-IND; JOL-NIL", ""])).await;
        assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(unknown.html.contains("no lane is called JOL-NIL"), "{}", unknown.html);
        assert!(unknown.html.contains("JOL-IND; JOL-NIL"), "what was typed stays");
        let mode = post(&mut browser, &with(["WEST", "West", "", "LTL", "JOL-IND", ""])).await;
        assert!(mode.html.contains("not by mode"), "{}", mode.html);
        let sound = post(&mut browser, &with(["WEST", "lanes of group West", "", "", "JOL-IND", ""])).await;
        assert_eq!(sound.location(), Some("/template-versions/STANDARD-2"), "{}", sound.html);
        let page = browser.get("/template-versions/STANDARD-2").await;
        assert!(page.html.contains("Pickup on time, window: lanes of group West"), "{}", page.html);
        assert_eq!(page.text("section[aria-labelledby=scopes] tbody td"), "lane JOL-IND");
        assert!(page.texts("ul.redline li").iter().any(|line| line.contains("scope WEST")));
    });
}

#[test]
fn a_standing_by_hand_is_asked_for_and_agreed_on_its_page() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let id = browser.partner_id;
        let today = db.app().today(&mut db.conn()).unwrap();
        let (first, last) = (today.to_string(), (today + chrono::Days::new(20)).to_string());
        browser.sign_in_as(Role::CarrierManager).await;
        let address = format!("/partners/{id}/standing-overrides");
        let mut ask = vec![
            ("tier", "PREFERRED"),
            ("first_day", first.as_str()),
            ("last_day", "2099-01-01"),
            ("reason", "New depot."),
        ];
        let reply = browser.post(&address, &ask).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(reply.text("#last_day-err").contains("one quarter at most"));
        ask[2].1 = last.as_str();
        assert_eq!(browser.post(&address, &ask).await.status, StatusCode::SEE_OTHER);
        let page = browser.get(&format!("/partners/{id}/standing")).await;
        let post = page.attribute("form.line", "action").unwrap();
        let own = browser.post(&post, &[("decision", "APPROVED"), ("words", "All is well.")]).await;
        assert_eq!(own.status, StatusCode::CONFLICT, "{}", own.html);
        assert_eq!(own.text("h1"), "Standing of Brackwater Lines", "on its page, not on a bare one");
        assert!(own.text(".notice.bad").contains("someone else must decide it"), "{}", own.html);
        assert_eq!(own.attribute("form.line input", "value").as_deref(), Some("All is well."));
        browser.sign_in_as(Role::Procurement).await;
        assert_eq!(
            browser.get("/decisions").await.text(".top p"),
            "1 standing by hand waits for a decision."
        );
        let mute = browser.post(&post, &[("decision", "APPROVED"), ("words", "")]).await;
        assert_eq!(mute.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(mute.text(".notice.bad").starts_with("Say why"), "{}", mute.text(".notice.bad"));
        let agreed = browser.post(&post, &[("decision", "APPROVED"), ("words", "Agreed.")]).await;
        assert_eq!(agreed.status, StatusCode::SEE_OTHER, "{}", agreed.html);
        let page = browser.get(&format!("/partners/{id}/standing")).await;
        assert!(page.text(".notice.warn").contains("Set by hand to Preferred"));
        assert!(browser.get("/partners").await.html.contains("by hand, measured not ranked"));
        assert_eq!(browser.get("/watch-list").await.status, StatusCode::OK);
        let ended = browser.post(&post, &[("decision", "ENDED"), ("words", "Too early.")]).await;
        assert_eq!(ended.status, StatusCode::SEE_OTHER, "{}", ended.html);
        let page = browser.get(&format!("/partners/{id}/standing")).await;
        let told = page.texts("[aria-labelledby=overrides] td").join(" | ");
        assert!(told.contains("ended before it began") && told.contains("ended it from"), "{told}");
        assert!(page.texts(".notice.warn").is_empty());
        let again = browser.post(&post, &[("decision", "ENDED"), ("words", "Again.")]).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        assert!(again.text(".notice.bad").contains("ended already"), "{}", again.html);
    });
}

#[test]
fn a_corrective_action_is_opened_by_hand_and_named_by_its_kpi() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let id = browser.partner_id;
        let today = db.app().today(&mut db.conn()).unwrap();
        let due = (today + chrono::Days::new(10)).to_string();
        browser.sign_in_as(Role::CarrierManager).await;
        let address = format!("/partners/{id}/corrective-actions");
        let mute = [("kpi", "EDI_TIMELY"), ("what", ""), ("due_on", due.as_str())];
        let reply = browser.post(&address, &mute).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(reply.text("#what-err").starts_with("Say what is wrong"), "{}", reply.html);
        let sound = [("kpi", "EDI_TIMELY"), ("what", "A day late since Monday."), ("due_on", due.as_str())];
        let opened = browser.post(&address, &sound).await;
        assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.html);
        let page = browser.get(opened.location().unwrap()).await;
        assert_eq!(page.text("h1"), "Corrective action: Status within 60 min, opened by hand");
        let list = browser.get("/watch-list").await;
        let titles = list.texts("[aria-labelledby=actions] tbody th a");
        assert_eq!(titles, ["Status within 60 min, opened by hand"]);
        let noted = browser
            .post(
                &format!("{}/steps", opened.location().unwrap()),
                &[("step", "NOTED"), ("words", "Quarter 3.")],
            )
            .await;
        assert_eq!(noted.status, StatusCode::BAD_REQUEST);
        browser.sign_in_as(Role::Partner).await;
        let own = browser.get(&format!("/portal{}", opened.location().unwrap())).await;
        assert!(own.html.contains("A day late since Monday."), "{}", own.html);
    });
}

#[test]
fn the_command_line_shows_a_template_as_the_file_that_proposes_the_next() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let text = desk.run(&["template", "show", "STANDARD"]).ends(0).out;
        let folder = tempfile::tempdir().unwrap();
        let set = |text: &str| {
            let file = folder.path().join("template.toml");
            std::fs::write(&file, text).unwrap();
            desk.run(&["template", "set", file.to_str().unwrap()])
        };
        set(&text).ends(1).complains(&["first_period", "reason"]);
        let next = text.replace("first_period = \"\"", "first_period = \"2040-Q1\"");
        let next = next.replace("reason = \"\"", "reason = \"Agreed in the yearly review.\"");
        assert_ne!(next, text);
        set(&next).ends(1).complains(&["says the same"]);
        set(&next.replacen("target = \"95\"", "target = \"99\"", 1)).ends(1).complains(&["must all rise"]);
        set(&next.replacen("target = \"95\"", "target = 94.5", 1)).ends(1).complains(&["in quotes"]);
        let told = set(&next.replacen("target = \"95\"", "target = \"94.5\"", 1)).ends(0).out;
        assert!(told.contains("STANDARD-2 is proposed from 2040-Q1"), "{told}");
        let list = desk.run(&["template", "list"]).ends(0).out;
        assert!(list.contains("STANDARD-2") && list.contains("waits"), "{list}");
        let shown = desk.run(&["template", "show", "STANDARD-2", "--format", "json"]).ends(0).json();
        assert_eq!(shown["categories"][0]["kpis"][0]["target"].as_str(), Some("94.5"));
        desk.run(&["template", "show", "NOWHERE"]).ends(1).complains(&["no template or version"]);
        desk.run(&["verify"]).ends(0);
    });
}
