//! From invoices with a carrier's own codes to a mapped code and a calibrated contract, as a user comes by them.

use actix_web::http::StatusCode;
use lanemark::db::contract::contract_by_number;
use lanemark::domain::viewer::{Role, Viewer};

use super::{LOADS, LOADS_HEADER, approve, load};
use crate::support::app::{TestApp, partner};
use crate::support::db::on_both_async;
use crate::support::process::Desk;

/// Twelve loads at 220.46 by contract; a tonne is 22.0462 hundredweight.
fn shipments() -> String {
    let mut text =
        "reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at,weight_kg\n"
            .to_owned();
    for day in 11..23 {
        text.push_str(&format!(
            "S-{day},BRCK,Alpha,Beta,2025-05-{day}T10:00:00Z,2025-05-{day},2025-05-{day}T20:00:00Z,1000\n"
        ));
    }
    text
}

/// Billed as agreed but for one heavier band, and twice under codes of the carrier's own.
fn charges() -> String {
    let mut text = "reference,partner,shipment,code,amount,charged_on\n".to_owned();
    for day in 11..23 {
        let linehaul = if day == 14 { "320.46" } else { "220.46" };
        text.push_str(&format!("{day}-1,BRCK,S-{day},400,{linehaul},2025-05-{day}\n"));
    }
    text.push_str("X1,BRCK,S-12,Lumper Fee,75,2025-05-12\nX2,BRCK,S-13,=HYP/9,1.5,2025-05-13\n");
    text
}

#[test]
fn a_code_is_mapped_and_a_contract_calibrated() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let desk = Desk::new(&db);
        desk.file("loads.toml", LOADS);
        desk.file(
            "rates.csv",
            format!("{LOADS_HEADER}L,facility:Alpha,facility:Beta,0,,2025-01-01,,10,USD\n"),
        );
        desk.file("shipments.csv", shipments());
        desk.file("charges.csv", charges());
        load(&desk, "rates.csv", "loads.toml").ends(0);
        approve(&db);
        desk.run(&["import", "shipments", "shipments.csv"]).ends(0);
        desk.run(&["import", "charges", "charges.csv"]).ends(0);

        // The command line: what waits, and what it may mean.
        let waiting = desk.run(&["charges", "unmapped", "--format", "json"]).ends(0).json();
        assert_eq!(waiting.as_array().unwrap().len(), 2, "{waiting}");
        assert_eq!(
            (&waiting[0]["code"], &waiting[0]["amounts"]["USD"]),
            (&"LUMPER FEE".into(), &"75.00".into())
        );
        assert_eq!(waiting[0]["suggestions"][0]["to"], "UNL");
        assert_eq!(waiting[0]["example_shipment"], "S-12");
        let table = desk.run(&["charges", "unmapped", "--partner", "BRCK"]).ends(0).out;
        assert!(table.contains("HYP 9") && table.contains("lumper is unloading labour"), "{table}");
        desk.run(&["charges", "unmapped", "--partner", "NOBODY"]).ends(1).complains(&["no partner NOBODY"]);
        let map = |to: &str, because: &str| {
            desk.run(&["charges", "map", "BRCK", "lumper-fee", "--to", to, "--because", because])
        };
        map("ZZZ", "why").ends(1).complains(&["`ZZZ` is neither in the catalogue"]);
        map("UNL", " ").ends(1).complains(&["say why"]);
        let calibrate = ["calibrate", "--contract", "C-1", "--period", "2025-05", "--format", "json"];
        let report = desk.run(&calibrate).ends(0).json();
        assert_eq!((&report["compared"], &report["period_basis"]), (&12.into(), &"obligation".into()));
        assert_eq!(report["residual"], "-176.50");
        assert_eq!(
            (&report["types"][0]["type"], &report["types"][0]["signature"]),
            (&"LINEHAUL".into(), &"SPORADIC".into())
        );
        assert_eq!(
            (&report["types"][1]["type"], &report["types"][1]["residual"]),
            (&"UNMAPPED".into(), &"-76.50".into())
        );

        // The pages: procurement maps the code, and sees what that does.
        browser.sign_in_as(Role::Procurement).await;
        let queue = browser.get("/charge-codes").await;
        assert_eq!(queue.texts("tbody th a"), ["LUMPER FEE", "HYP 9"]);
        assert!(queue.text(".head p").contains("76.50 USD"), "{}", queue.text(".head p"));
        let code = queue.attribute("tbody th a", "href").unwrap();
        let page = browser.get(&code).await;
        assert_eq!(page.attribute("#to option[selected]", "value").as_deref(), Some("ACCESSORIAL:UNL"));
        let seen = page.attribute("input[name=seen]", "value").unwrap();
        let fields = [("seen", seen.as_str()), ("to", "ACCESSORIAL:UNL"), ("note", "")];
        let refused = browser.post(&code, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text("#note-err").contains("Say why"), "{}", refused.html);
        let fields = [("seen", seen.as_str()), ("to", "ACCESSORIAL:UNL"), ("note", "tariff item 40")];
        let done = browser.post(&code, &fields).await;
        assert_eq!(done.location(), Some(code.as_str()), "{}", done.html);
        let page = browser.get(&code).await;
        assert!(page.text(".notice").contains("is mapped"), "{}", page.html);
        assert_eq!(page.text("tbody th"), "Unloading labour (UNL)");
        assert_eq!(browser.post(&code, &fields).await.status, StatusCode::CONFLICT, "decided meanwhile");
        assert_eq!(browser.get("/charge-codes").await.texts("tbody th a"), ["HYP 9"]);
        assert_eq!(browser.get("/charge-codes/mapped").await.texts("tbody th a"), ["LUMPER FEE"]);
        let again = desk.run(&calibrate).ends(0).json();
        assert_eq!(again["residual"], "-176.50", "a meaning moves no money");
        assert_eq!(again["types"][1]["type"], "ACCESSORIAL:UNL");

        let id = contract_by_number(&mut db.conn(), &Viewer::system(), "C-1").unwrap().unwrap().id;
        let page = browser.get(&format!("/contracts/{id}/calibration?period=2025-05")).await;
        for part in [
            "12 of 12 shipments",
            "Sporadic",
            "Hot spots",
            "Unmapped codes",
            "Map them",
            "<svg",
            "\u{2212}100.00",
        ] {
            assert!(page.html.contains(part), "no {part} in {}", page.html);
        }
        let drill = page.attribute("#spots ~ * a.n, tbody a.n", "href").unwrap();
        let behind = browser.get(&drill).await;
        assert_eq!(behind.texts("tbody th a").first().map(String::as_str), Some("S-14"), "{}", behind.html);
        assert!(behind.html.contains("Linehaul") && behind.html.contains("\u{2212}100.00"));
        let csv = browser.get(&format!("/contracts/{id}/calibration?period=2025-05&as=csv")).await;
        assert!(
            csv.html.contains("LINEHAUL,Linehaul,all lanes,USD,2645.52,2745.52,-100.00,-3.64,12,12,0,0,1,1,"),
            "{}",
            csv.html
        );
        let wrong = browser.get(&format!("/contracts/{id}/calibration?period=May")).await;
        assert!(wrong.text(".err").contains("is not a period"), "{}", wrong.html);
        for bad in ["type=LFT", "period=May"] {
            let bad = browser.get(&format!("/contracts/{id}/calibration/shipments?{bad}")).await;
            assert_eq!(bad.status, StatusCode::BAD_REQUEST);
        }

        // Taken back, the code waits again.
        let page = browser.get(&code).await;
        let seen = page.attribute("input[name=seen]", "value").unwrap();
        let back = format!("{code}/withdrawal");
        let fields = [("seen", seen.as_str()), ("undo_note", "a slip")];
        assert_eq!(browser.post(&back, &fields).await.status, StatusCode::SEE_OTHER);
        assert_eq!(browser.get("/charge-codes").await.texts("tbody th a"), ["LUMPER FEE", "HYP 9"]);
        let mapped = desk.run(&["charges", "mapped", "--format", "json"]).ends(0).json();
        assert_eq!(mapped, serde_json::json!([]));

        // Who only reads is not offered the form; a code of nobody is no page; a partner finds none of it.
        let stranger = partner(&browser.app, "OTHR", "Other Lines");
        browser.forget();
        browser.sign_in_as(Role::Auditor).await;
        let page = browser.get(&code).await;
        assert!(page.texts("form.form").is_empty() && page.status == StatusCode::OK);
        assert_eq!(browser.get("/charge-codes/1/LUMPER%20FEE").await.status, StatusCode::NOT_FOUND);
        assert_eq!(
            browser.get(&format!("/charge-codes/{stranger}/lumper%20fee")).await.status,
            StatusCode::NOT_FOUND
        );
        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        for path in ["/charge-codes", &code, &drill, &format!("/contracts/{id}/calibration")] {
            assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        desk.run(&["verify"]).ends(0);
    });
}
