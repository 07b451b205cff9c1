//! A file brought to a draft on a page: looked at, then loaded, and refused row by row.

use actix_web::http::{StatusCode, header};
use actix_web::test::TestRequest;
use lanemark::db::contract::contract_by_number;
use lanemark::domain::viewer::{Role, Viewer};

use super::{LOADS, LOADS_HEADER, load};
use crate::support::app::{Reply, TestApp};
use crate::support::db::on_both_async;
use crate::support::process::Desk;

fn upload(path: &str, fields: &[(&str, &str)], file: Option<&str>) -> TestRequest {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--bnd\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    if let Some(file) = file {
        body += &format!(
            "--bnd\r\nContent-Disposition: form-data; name=\"sheet\"; filename=\"new rates.csv\"\r\n\r\n{file}\r\n"
        );
    }
    body += "--bnd--\r\n";
    TestRequest::post()
        .uri(path)
        .insert_header((header::CONTENT_TYPE, "multipart/form-data; boundary=bnd"))
        .insert_header((header::ORIGIN, "http://127.0.0.1:8080"))
        .set_payload(body)
}

/// What the confirmation sends back.
fn confirmed(page: &Reply) -> Vec<(&'static str, String)> {
    let value = |name: &str| {
        let input = format!("section[aria-labelledby=preview] input[name={name}]");
        page.attribute(&input, "value").unwrap_or_else(|| panic!("no {name}: {}", page.html))
    };
    let mut fields: Vec<_> =
        ["seen", "how", "file_name", "content"].into_iter().map(|name| (name, value(name))).collect();
    fields.push(("do", "load".to_owned()));
    fields
}

#[test]
fn a_file_is_looked_at_before_it_is_in_the_draft() {
    on_both_async(|db| async move {
        let desk = Desk::new(&db);
        let mapping = desk.file("loads.toml", LOADS);
        desk.file(
            "loads.csv",
            format!("{LOADS_HEADER}TX,US-TX,*,0,500,,,10.00,USD\nTX,US-TX,*,500,,,,2,USD\n"),
        );
        load(&desk, "loads.csv", mapping.to_str().unwrap()).ends(0);
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::Procurement).await;
        let id = contract_by_number(&mut db.conn(), &Viewer::system(), "C-1").unwrap().unwrap().id;
        let contract = format!("/contracts/{id}");
        let page = browser.get(&contract).await;
        let path = page.attribute("a[href$='/sheet']", "href").expect("the draft can be loaded");
        let form = browser.get(&path).await;
        assert_eq!(form.status, StatusCode::OK, "{}", form.html);
        let seen = form.attribute("input[name=seen]", "value").unwrap();
        let look = |how: &'static str, file: Option<&'static str>| {
            upload(&path, &[("seen", &seen), ("how", how), ("do", "check")], file)
        };
        let none = browser.send(look("rates", None)).await;
        assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(none.text("section[aria-labelledby=wrong]").contains("Choose a file"), "{}", none.html);
        // Rows that cannot be read are each told, and the draft stays.
        let bad = "line,weight_from,weight_to,rate\nTX,0,500,ten\nTX,500,,-2\nTX,9,,3\n";
        let bad = browser.send(look("rates", Some(bad))).await;
        assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
        let told = bad.texts("section[aria-labelledby=wrong] li").join(" ");
        for said in ["2 of 3 rows", "Row 2, column rate, value ten", "Row 3, column rate, value -2"] {
            assert!(told.contains(said), "{said}: {told}");
        }
        let hole =
            browser.send(look("rates", Some("line,weight_from,weight_to,rate\nTX,0,5,1\nTX,6,,1\n"))).await;
        assert_eq!(hole.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", hole.html);
        assert!(!hole.html.contains("/tmp/"), "no path of ours is told: {}", hole.html);

        let good = "line,weight_from,weight_to,rate,discount_percent\nTX,0,500,12.00,5\nTX,500,,2,\n";
        let preview = browser.send(look("rates", Some(good))).await;
        assert_eq!(preview.status, StatusCode::OK, "{}", preview.html);
        assert!(
            preview.text("section[aria-labelledby=preview]").contains("2 rates in 1 line"),
            "{}",
            preview.html
        );
        let rates = contract.clone() + "/versions/1/rates";
        assert!(browser.get(&rates).await.html.contains("10.00"), "nothing is loaded yet");
        let fields = confirmed(&preview);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let loaded = browser.send(upload(&path, &fields, None)).await;
        assert_eq!(loaded.status, StatusCode::SEE_OTHER, "{}", loaded.html);
        assert!(browser.get(&rates).await.html.contains("12.00"));
        // The same confirmation again is about a draft that has changed.
        let late = browser.send(upload(&path, &fields, None)).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        assert!(late.text("section[aria-labelledby=wrong]").contains("has changed"), "{}", late.html);

        // The other kinds of file come the same way.
        for (how, file, said) in [
            (
                "accessorial-rates",
                "code,label,unit,rate\nLFT,Liftgate,PER_OCCURRENCE,40\n",
                "40.00 per occurrence",
            ),
            (
                "fuel-table",
                "label,index,basis,from,to,value\nFuel,EIA,PCT_OF_BASE,0,,12\n",
                "table of one row",
            ),
        ] {
            let preview = browser.send(look(how, Some(file))).await;
            assert_eq!(preview.status, StatusCode::OK, "{}", preview.html);
            let fields = confirmed(&preview);
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let loaded = browser.send(upload(&path, &fields, None)).await;
            assert_eq!(loaded.status, StatusCode::SEE_OTHER, "{}", loaded.html);
            let shown = browser.get(&contract).await;
            assert!(
                shown.html.contains(said) || how == "fuel-table" && shown.html.contains("1 row"),
                "{said}"
            );
        }
        let listed = browser.get("/imports").await.texts("tbody tr th").join("; ");
        for said in ["accessorial rates, mapping", "fuel tables, mapping"] {
            assert!(listed.contains(said), "{said}: {listed}");
        }
        let large = "x".repeat(2_000_001);
        let large = browser.send(upload(&path, &[("how", "rates")], Some(&large))).await;
        assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    });
}
