//! From a rate sheet and a file of shipments to expected charges, their pages and a backtest, as a user comes by them.

use actix_web::http::StatusCode;
use lanemark::db::contract::contract_by_number;
use lanemark::domain::viewer::{Role, Viewer};

use super::{LOADS, LOADS_HEADER, approve, load};
use crate::support::app::TestApp;
use crate::support::db::on_both_async;
use crate::support::process::Desk;

/// One load on a lane with a rate, one on a lane without; a tonne is 22.0462 hundredweight.
const SHIPMENTS: &str = "\
reference,partner,origin,destination,picked_up_at,delivery_due_date,delivered_at,weight_kg,linehaul,freight_total
S-1,BRCK,Alpha,Beta,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,1000,230,230
S-2,BRCK,Alpha,Gamma,2025-05-06T10:00:00Z,2025-05-07,2025-05-07T10:00:00Z,1000,230,230
";

#[test]
fn shipments_are_priced_shown_and_replayed() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let desk = Desk::new(&db);
        desk.file("loads.toml", LOADS);
        desk.file(
            "rates.csv",
            format!("{LOADS_HEADER}L,facility:Alpha,facility:Beta,0,,2025-01-01,,10,USD\n"),
        );
        desk.file("shipments.csv", SHIPMENTS);
        load(&desk, "rates.csv", "loads.toml").ends(0);
        approve(&db);
        desk.run(&["import", "shipments", "shipments.csv"]).ends(0);
        let kpi = ["kpi", "CVC", "--by", "partner", "--period", "2025-05", "--format", "json"];
        let said = desk.run(&kpi).ends(0).out;
        // (230 − 220.46) ÷ 220.46, and S-2 has nothing to compare.
        assert!(said.contains("220.46"), "{said}");
        let said = desk.run(&["verify"]).ends(0).out;
        assert!(said.contains("expected charges made again"), "{said}");
        assert!(said.contains("2 looked at, all as they should be"), "{said}");

        // A second sheet is a draft: twelve instead of ten.
        desk.file(
            "more.csv",
            format!("{LOADS_HEADER}L,facility:Alpha,facility:Beta,0,,2025-01-01,,12,USD\n"),
        );
        load(&desk, "more.csv", "loads.toml").ends(0);
        let replay = ["backtest", "--contract", "C-1", "--period", "2025-05", "--format", "json"];
        let report = desk.run(&replay).ends(0).json();
        assert_eq!((&report["shipments"], &report["period_basis"]), (&2.into(), &"obligation".into()));
        assert_eq!(report["versions"][0]["version"], 2);
        assert_eq!(report["total"]["in_force"]["total"], "220.46");
        let version = &report["total"]["versions"][0];
        assert_eq!((&version["total"], &version["difference"]), (&"264.55".into(), &"44.09".into()));
        assert_eq!((&version["causes"]["base"], &version["unrated"]), (&"44.09".into(), &1.into()));
        let table =
            desk.run(&["backtest", "--contract", "C-1", "--period", "2025", "--increase", "-5"]).ends(0).out;
        assert!(table.contains("against what was in force") && table.contains("2025-05"), "{table}");
        desk.run(&["backtest", "--contract", "C-9", "--period", "2025"])
            .ends(1)
            .complains(&["no contract C-9"]);

        browser.sign_in_as(Role::Procurement).await;
        let id = contract_by_number(&mut db.conn(), &Viewer::system(), "C-1").unwrap().unwrap().id;
        let page = browser.get(&format!("/contracts/{id}")).await;
        assert!(page.html.contains("1 rated, 1 need rates"), "{}", page.html);
        assert!(page.html.contains("no lane goes from Alpha to Gamma"), "{}", page.html);
        let lost = page.attribute("a[href^='/shipments/']", "href").unwrap();
        assert!(lost.ends_with("/S-2"), "{lost}");
        let shown = browser.get(&lost).await;
        assert!(shown.html.contains("Needs rates"), "{}", shown.html);
        let priced = browser.get(&lost.replace("/S-2", "/S-1")).await;
        for part in ["Expected charge", "Contract C-1, version 1", "220.46", "9.54", "Show every step"] {
            assert!(priced.html.contains(part), "no {part} in {}", priced.html);
        }
        let page = browser.get(&format!("/contracts/{id}/backtest?period=2025-05&version=2")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            page.html.contains("No backtest yet") && page.html.contains("value=\"2\" checked"),
            "{}",
            page.html
        );
        let runs = format!("/contracts/{id}/backtests");
        let wrong = browser.post(&runs, &[("period", "soon")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.html.contains("role=\"alert\""), "{}", wrong.html);
        let wrong = browser.post(&runs, &[("period", "2025-05"), ("version", "7")]).await;
        assert!(wrong.text("[role=alert]").contains("has no version 7"), "{}", wrong.html);

        let ask = [("version", "2"), ("period", "2025-05"), ("increase", "")];
        let asked = browser.post(&runs, &ask).await;
        assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.html);
        let live = asked.location().unwrap().to_owned();
        let run = live.strip_suffix("?live=1").expect("it shows its progress").to_owned();
        let page = browser.get(&live).await;
        assert!(
            page.html.contains("http-equiv=\"refresh\"") && page.html.contains("Waiting"),
            "{}",
            page.html
        );
        let page = browser.get(&run).await;
        assert!(!page.html.contains("http-equiv") && page.html.contains("Look again"), "{}", page.html);
        for file in ["table.csv", "workbook.xlsx"] {
            assert_eq!(browser.get(&format!("{run}/{file}")).await.status, StatusCode::NOT_FOUND, "{file}");
        }
        desk.run(&["job", "run", "replay-backtests"]).ends(0);
        let page = browser.get(&live).await;
        assert!(!page.html.contains("http-equiv"), "it is over: {}", page.html);
        for part in [
            "264.55",
            "44.09",
            "Version 2 (draft) against what was in force",
            "backtest-causes",
            "Side by side",
        ] {
            assert!(page.html.contains(part), "no {part} in {}", page.html);
        }
        assert_eq!(
            page.attribute("a[href*='/backtest?']", "href").as_deref(),
            Some(format!("/contracts/{id}/backtest?version=2&period=2025-05").as_str())
        );
        let file = browser.get(&format!("{run}/table.csv")).await;
        assert!(file.html.contains("2,lane,"), "{}", file.html);
        let file = browser.get(&format!("{run}/workbook.xlsx")).await;
        assert_eq!(file.status, StatusCode::OK);
        assert!(file.header("content-type").unwrap().contains("spreadsheetml"), "{:?}", file.headers);
        let page = browser.get(&format!("/contracts/{id}/backtest")).await;
        assert!(page.html.contains(&run) && page.html.contains("version 2"), "{}", page.html);
        let book = desk.path("replay.xlsx");
        let replay = ["backtest", "--contract", "C-1", "--period", "2025", "--xlsx", book.to_str().unwrap()];
        let table = desk.run(&replay).ends(0).out;
        assert!(table.contains("with service credits and bonuses") && table.contains("net cost"), "{table}");
        let names = {
            use calamine::Reader as _;
            calamine::open_workbook_auto(&book).unwrap().sheet_names()
        };
        assert_eq!(names, ["total", "months", "services", "lanes", "credits", "clauses", "about"]);

        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        for path in [run.clone(), format!("{run}/table.csv"), format!("/contracts/{id}/backtest")] {
            assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND, "partners have no {path}");
        }
    });
}
