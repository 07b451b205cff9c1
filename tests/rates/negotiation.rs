//! A draft with rates goes to the partner and back, by the portal and by its sheet, to agreement, signature and force;
//! and the ledger says who moved how far on last year's shipments.

use actix_web::http::{StatusCode, header};
use actix_web::test::TestRequest;
use lanemark::app::contract::draft::{caps_edit, clause_save, version_seen};
use lanemark::app::contract_calendar;
use lanemark::db::contract::{contract_by_number, terms_load, version_list};
use lanemark::domain::clause::{Cap, ClauseTerms, ContractCap, LateDelivery, PerDay, Rule, Sign};
use lanemark::domain::money::{Bps, Micros};
use lanemark::domain::period::PeriodKind;
use lanemark::domain::terms::Clause;
use lanemark::domain::viewer::{Role, Viewer};

use super::{LOADS, LOADS_HEADER, approve, approve_as_it_is, load};
use crate::support::app::{Reply, TestApp, partner, user};
use crate::support::db::on_both_async;
use crate::support::process::Desk;

/// Two loads of 22.0462 hundredweight each, the second one business day late, and one that no round prices.
const SHIPMENTS: &str = "\
reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at,weight_kg,linehaul,freight_total
S-1,BRCK,Alpha,Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,1000,230,230
S-2,BRCK,Alpha,Beta,2025-06-06T10:00:00Z,2025-06-09,2025-06-10T10:00:00Z,1000,230,230
S-3,BRCK,Alpha,Nowhere,2025-06-06T10:00:00Z,2025-06-09,2025-06-09T10:00:00Z,1000,230,230
";
/// Five percent of linehaul a late day.
fn clause() -> Clause {
    let rule = LateDelivery {
        per_day: PerDay::PctOfLinehaul { share: Bps(500) },
        grace_days: 0,
        event_cap_share: None,
        event_cap_amount: None,
        period: PeriodKind::Month,
    };
    let terms = ClauseTerms::of(Sign::Penalty, Rule::LateDelivery(rule), Cap::default());
    Clause { id: 0, code: "7.1".to_owned(), title: "Late delivery".to_owned(), terms }
}

const SHARE: &str = "CLAUSE/7.1/rule/per_day/share";
const CELL: &str = "RATE/L/0/0.00-/0.00-/rate";

fn sheet(price: &str) -> String {
    format!("{LOADS_HEADER}L,facility:Alpha,facility:Beta,0,,,,{price},USD\n")
}

/// A form with one file, as a browser sends it.
fn upload(path: &str, fields: &[(&str, &str)], file: &[u8]) -> TestRequest {
    let mut body = Vec::new();
    for (name, value) in fields {
        let head = format!("--bnd\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(head.as_bytes());
    }
    body.extend_from_slice(
        b"--bnd\r\nContent-Disposition: form-data; name=\"sheet\"; filename=\"t\"\r\nContent-Type: text/csv\r\n\r\n",
    );
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--bnd--\r\n");
    TestRequest::post()
        .uri(path)
        .insert_header((header::CONTENT_TYPE, "multipart/form-data; boundary=bnd"))
        .insert_header((header::ORIGIN, "http://127.0.0.1:8080"))
        .set_payload(body)
}

fn named(page: &Reply) -> [(String, String); 2] {
    ["round", "sha256"].map(|name| {
        let value = page.attribute(&format!("input[name={name}]"), "value");
        (name.to_owned(), value.unwrap_or_else(|| panic!("no {name}: {}", page.html)))
    })
}

async fn answer(browser: &mut TestApp, at: &str, kind: &str, message: &str) -> Reply {
    let page = browser.get(at).await;
    let named = named(&page);
    let mut fields = vec![("answer", kind), ("message", message)];
    fields.extend(named.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    browser.post(&format!("{at}/answers").replace("/negotiation/answers", "/answers"), &fields).await
}

async fn send(browser: &mut TestApp, version: i64) -> Reply {
    let page = browser.get(&format!("/contract-versions/{version}/negotiation")).await;
    let seen = page.attribute("form[action$='/rounds'] input[name=seen]", "value").expect("it may be sent");
    let fields = [("seen", seen.as_str()), ("message", "Please look"), ("reply_by", "2025-07-20")];
    browser.post(&format!("/contract-versions/{version}/rounds"), &fields).await
}

#[test]
fn a_draft_goes_back_and_forth_by_sheet_to_signature() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let desk = Desk::new(&db);
        desk.file("loads.toml", LOADS);
        desk.file("rates.csv", sheet("10"));
        desk.file("shipments.csv", SHIPMENTS);
        load(&desk, "rates.csv", "loads.toml").ends(0);
        approve(&db);
        desk.run(&["import", "shipments", "shipments.csv"]).ends(0);
        desk.file("more.csv", sheet("12"));
        load(&desk, "more.csv", "loads.toml").ends(0);
        let contract = contract_by_number(&mut db.conn(), &Viewer::system(), "C-1").unwrap().unwrap().id;
        let version = version_list(&mut db.conn(), &Viewer::system(), contract).unwrap()[0].clone();
        let (id, number) = (version.id, version.version);
        assert_eq!((number, version.status.as_str()), (2, "DRAFT"));

        let author = Viewer { user_id: 78, name: "Author".to_owned(), ..Viewer::operator() };
        let seen = version_seen(&mut db.conn(), &author, id).unwrap();
        let seen = clause_save(&db.app(), &mut db.conn(), &author, id, &seen, &clause(), None).unwrap();
        let cap = Cap { amount: Some(Micros(5_000_000_000)), share_of_freight: None };
        let caps = ContractCap { cap, ..ContractCap::default() };
        caps_edit(&db.app(), &mut db.conn(), &author, id, &seen, &caps).unwrap();

        // The shipper sends it.
        browser.sign_in_as(Role::Procurement).await;
        let page = browser.get(&format!("/contracts/{contract}?version=2")).await;
        assert!(page.html.contains("Send to the partner"), "{}", page.html);
        let sent = send(&mut browser, id).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
        desk.file("locked.csv", sheet("9"));
        load(&desk, "locked.csv", "loads.toml").ends(1).complains(&["waits for its answer"]);

        // Another partner knows of nothing.
        let other = partner(&browser.app, "OTHR", "Other Lines");
        user(&browser.app, "other@lanes.example", Role::Partner, Some(other));
        browser.forget();
        browser.sign_in("other@lanes.example", crate::support::app::PASSWORD).await;
        let own = format!("/portal/negotiations/{id}");
        for path in ["", "/counter", "/terms.csv", "/terms.xlsx", "/replay"] {
            let reply = browser.get(&format!("{own}{path}")).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        }
        let stolen = browser.post(&format!("{own}/answers"), &[("answer", "ACCEPT"), ("round", "1")]).await;
        assert_eq!(stolen.status, StatusCode::NOT_FOUND);
        assert!(!browser.get("/portal").await.html.contains("Answer round"));

        // The partner counters by the sheet it downloads.
        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        let home = browser.get("/portal").await;
        assert!(home.html.contains("Answer round 1 over version 2 of C-1"), "{}", home.html);
        let page = browser.get(&own).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert!(page.html.contains("Please look") && page.html.contains("It is your turn"), "{}", page.html);
        let file = browser.get(&format!("{own}/terms.csv")).await;
        assert!(file.html.contains(CELL), "{}", file.html);
        let counter = format!("{own}/counter");
        let form = browser.get(&counter).await;
        assert_eq!(form.status, StatusCode::OK, "{}", form.html);
        let named_now = named(&form);
        let mut fields: Vec<(&str, &str)> =
            named_now.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.push(("do", "check"));
        let same = browser.send(upload(&counter, &fields, file.html.as_bytes())).await;
        assert_eq!(same.status, StatusCode::OK, "{}", same.html);
        assert!(same.html.contains("Nothing: every value is what round 1 says"), "{}", same.html);
        assert!(same.html.contains("rows of the sheet read."), "{}", same.html);
        let bare = browser.send(upload(&counter, &fields, b"key,value\n")).await;
        assert!(bare.html.contains("The sheet has no rows under its headings"), "{}", bare.html);
        let wrong = file.html.replace(",12\r", ",twelve\r");
        let wrong = browser.send(upload(&counter, &fields, wrong.as_bytes())).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.html.contains("column value"), "{}", wrong.html);
        let unknown = browser.send(upload(&counter, &fields, b"key,value\nRATE/X,1\n")).await;
        assert!(unknown.html.contains("Row 2, RATE/X"), "{}", unknown.html);
        let not_a_table = browser.send(upload(&counter, &fields, b"PK\x03\x04broken")).await;
        assert_eq!(not_a_table.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", not_a_table.html);
        let changed = file.html.replace(",12\r", ",16\r").replace(",%,5\r", ",%,4\r");
        let preview = browser.send(upload(&counter, &fields, changed.as_bytes())).await;
        assert_eq!(preview.status, StatusCode::OK, "{}", preview.html);
        assert!(preview.html.contains("<ins>"), "the change is shown: {}", preview.html);
        // What the page shows is what it sends back.
        let value = preview.attribute(&format!("input[name='v:{CELL}']"), "value").unwrap();
        assert_eq!(value, "16");
        let share = preview.attribute(&format!("input[name='v:{SHARE}']"), "value").unwrap();
        assert_eq!(share, "4");
        let field = format!("v:{CELL}");
        fields.retain(|(name, _)| *name != "do");
        fields.extend([("do", "send"), ("message", "Drivers cost more"), ("reply_by", "2025-07-25")]);
        fields.push((&field, &value));
        let share_field = format!("v:{SHARE}");
        fields.push((&share_field, &share));
        let sent = browser.post(&counter, &fields).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
        let again = browser.post(&counter, &fields).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "it is not the partner's turn any more");
        assert!(again.html.contains("Nothing was sent: no round waits for your answer"), "{}", again.html);
        assert!(again.text("#turn").contains("shipper's turn"), "{}", again.html);
        let waits = browser.get(&own).await;
        assert!(waits.text("#turn").contains("shipper's turn"), "{}", waits.html);

        // The shipper counters with a sheet of its own.
        desk.file("between.csv", sheet("14"));
        load(&desk, "between.csv", "loads.toml").ends(0);
        browser.forget();
        browser.sign_in_as(Role::Procurement).await;
        let desk_page = browser.get(&format!("/contract-versions/{id}/negotiation")).await;
        assert!(desk_page.html.contains("It is your turn"), "{}", desk_page.html);
        assert_eq!(send(&mut browser, id).await.status, StatusCode::SEE_OTHER);

        // The shipper replays the partner's round beside the draft: the same net costs as the ledger of concessions.
        let replay = ["--period", "2025", "--proposal", "2.1", "--proposal", "2.2", "--format", "json"];
        let report = desk.run(&[&["backtest", "--contract", "C-1"], &replay[..]].concat()).ends(0).json();
        let rounds: Vec<_> =
            report["versions"].as_array().unwrap().iter().map(|v| v["round"].clone()).collect();
        assert_eq!(rounds, [1, 2], "in the order asked");
        let net = |place: usize, what: &str| report["net"]["total"]["versions"][place][what].clone();
        assert_eq!((net(0, "net_cost"), net(1, "net_cost")), ("517.60".into(), "696.28".into()));
        assert_eq!((net(0, "credits"), net(1, "credits")), ("11.50".into(), "9.20".into()));
        let june = &report["net"]["months"][1];
        assert_eq!((&june["name"], &june["versions"][0]["credits"]), (&"2025-06".into(), &"11.50".into()));
        assert_eq!(report["net"]["total"]["in_force"]["net_cost"], "0.00", "nothing was in force yet");
        assert!(net(0, "difference").is_null(), "so no difference is claimed over what nothing else priced");
        assert_eq!(report["total"]["versions"][0]["only_version"]["shipments"], 2);
        assert_eq!(report["net"]["clauses"][1]["terms"], "version 2, round 2");
        let form = browser.get(&format!("/contracts/{contract}/backtest")).await;
        assert!(form.html.contains("Version 2, round 2, proposed by the partner"), "{}", form.html);
        let ask = [("proposal", "2.2"), ("period", "2025")];
        let run = browser.post(&format!("/contracts/{contract}/backtests"), &ask).await;
        desk.run(&["job", "run", "replay-backtests"]).ends(0);
        let page = browser.get(run.location().unwrap()).await;
        for part in ["Version 2, round 2 (proposed)", "696.28", "7.1 Late delivery", "9.20", "leaves out 3"] {
            assert!(page.html.contains(part), "no {part} in {}", page.html);
        }

        // The partner sees its own shipments under each round, and accepts.
        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        let replay = browser.get(&format!("{own}/replay")).await;
        // 2 × 22.0462 × 12, 16, 14, less 5 %, 4 %, 5 % of the linehaul of 230 that was late.
        for part in ["517.60", "696.28", "605.80"] {
            assert!(replay.html.contains(part), "no {part} in {}", replay.html);
        }
        let accepted = answer(&mut browser, &own, "ACCEPT", "").await;
        assert_eq!(accepted.status, StatusCode::SEE_OTHER, "{}", accepted.html);

        // Who moved how far.
        browser.forget();
        browser.sign_in_as(Role::Procurement).await;
        let ledger = browser.get(&format!("/contract-versions/{id}/concessions")).await;
        assert_eq!(ledger.status, StatusCode::OK, "{}", ledger.html);
        // The rate is worth 176.38, the clause 2.30, together 178.68; the shipper gave 88.20 of it.
        assert!(
            ledger.html.contains("1 of 3 shipments have no price under one of the rounds"),
            "{}",
            ledger.html
        );
        let told = ["You moved 49 % of the gap; they moved 51 %.", "+176.38", "+2.30", "+178.68", "+88.20"];
        for part in told.into_iter().chain(["agreed, you", "ask, Brackwater Lines", "offer, you"]) {
            assert!(ledger.html.contains(part), "no {part} in {}", ledger.html);
        }
        let held = load(&desk, "locked.csv", "loads.toml").ends(1);
        held.complains(&["both sides agreed"]);

        // Review, approval, signature, force.
        approve_as_it_is(&db);
        let terms = terms_load(&mut db.conn(), &Viewer::system(), id).unwrap().unwrap();
        let page = browser.get(&format!("/contract-versions/{id}/negotiation")).await;
        assert!(page.html.contains(&terms.hash()[..12]), "what was accepted is what was signed");
        assert!(page.html.contains("past negotiation"), "{}", page.html);
        let later = db.app_at("2030-01-02T06:00:00Z");
        contract_calendar::run(&later, &mut db.conn(), "2030-01-01".parse().unwrap()).unwrap();
        let signed = version_list(&mut db.conn(), &Viewer::system(), contract).unwrap()[0].clone();
        assert_eq!(signed.status, "ACTIVE");
        desk.run(&["job", "run", "refresh-measures"]).ends(0);
        let said = desk.run(&["verify"]).ends(0).out;
        assert!(said.contains("all as they should be"), "{said}");
        let rounds = desk.run(&["contract", "rounds", "C-1", "--format", "json"]).ends(0).json();
        let sides: Vec<_> =
            rounds.as_array().unwrap().iter().map(|r| (&r["round"], &r["side"], &r["answer"])).collect();
        assert_eq!(sides.len(), 3);
        assert_eq!(rounds[2]["answer"], "ACCEPT");
        let table = desk.run(&["contract", "rounds", "C-1", "--concessions"]).ends(0).out;
        assert!(table.contains("terms together"), "{table}");
        desk.run(&["contract", "rounds", "C-9"]).ends(1).complains(&["no contract C-9"]);
    });
}

#[test]
fn a_sheet_for_excel_is_read_back_unchanged() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let desk = Desk::new(&db);
        desk.file("loads.toml", LOADS);
        desk.file("rates.csv", sheet("10.1375"));
        load(&desk, "rates.csv", "loads.toml").ends(0);
        let contract = contract_by_number(&mut db.conn(), &Viewer::system(), "C-1").unwrap().unwrap().id;
        let id = version_list(&mut db.conn(), &Viewer::system(), contract).unwrap()[0].id;
        browser.sign_in_as(Role::Procurement).await;
        assert_eq!(send(&mut browser, id).await.status, StatusCode::SEE_OTHER);
        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        let own = format!("/portal/negotiations/{id}");
        let request = TestRequest::get().uri(&format!("{own}/terms.xlsx"));
        let bytes = browser.send_bytes(request).await;
        assert!(bytes.starts_with(b"PK"));
        let form = browser.get(&format!("{own}/counter")).await;
        let named = named(&form);
        let fields: Vec<(&str, &str)> =
            named.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let reply = browser.send(upload(&format!("{own}/counter"), &fields, &bytes)).await;
        assert!(reply.html.contains("Nothing: every value is what round 1 says"), "{}", reply.html);
    });
}
