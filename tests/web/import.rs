//! Imports on a page: what came in, what became of it, and for whom it is listed.

use actix_web::http::StatusCode;
use lanemark::app::import::{ImportRequest, import};
use lanemark::domain::viewer::Role;
use lanemark::feeds::kind::ImportKind;
use lanemark::feeds::mapping::Mapping;

use crate::support::app::TestApp;
use crate::support::db::on_both_async;

#[test]
fn an_import_is_listed_with_what_became_of_its_rows() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        browser.sign_in_as(Role::Procurement).await;
        assert!(browser.get("/imports").await.text(".empty").starts_with("Nothing imported yet"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lanes.csv");
        std::fs::write(&path, "code,distance_km\nA-B,100\nA-C,far\n").unwrap();
        let mapping = Mapping::identity(ImportKind::Lanes);
        for time in 0..2 {
            let request = ImportRequest {
                path: &path,
                mapping: &mapping,
                by: "jo, command line",
                rejects: folder.path().join(format!("rejects-{time}.csv")),
                dry_run: false,
                refresh: false,
            };
            import(&browser.app, &request, &|_| ()).unwrap();
        }
        let list = browser.get("/imports").await;
        let rows = list.texts("tbody tr");
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert!(rows[1].contains("lanes.csv") && rows[1].contains("jo, command line"), "{rows:?}");
        assert!(rows[1].contains("Done, rows rejected"), "{rows:?}");
        let numbers = |row: usize| list.texts(&format!("tbody tr:nth-child({row}) td.num"));
        assert_eq!(numbers(2), ["2", "1", "0", "0", "1"]);
        assert_eq!(numbers(1), ["2", "0", "0", "1", "1"], "the same file again");
        let link = list.attribute("tbody th a", "href").unwrap();
        let one = browser.get(&link).await;
        assert_eq!(one.text("h1"), "lanes.csv");
        assert!(one.text(".notice").contains("rejects file"), "{}", one.html);
        for gone in ["/imports/7", "/imports/none"] {
            assert_eq!(browser.get(gone).await.status, StatusCode::NOT_FOUND, "{gone}");
        }
        browser.forget();
        browser.sign_in_as(Role::Partner).await;
        assert_eq!(browser.get(&link).await.status, StatusCode::NOT_FOUND);
    });
}
