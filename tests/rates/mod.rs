//! Rate sheets loaded and shipments rated exactly as a user types it, on both databases.

mod bad;
mod calibration;
mod carry;
mod cell;
mod expected;
mod negotiation;
mod pages;
mod real;
mod sheet;
mod upload;

use diesel::prelude::*;
use lanemark::app::contract::draft::{options_edit, version_seen};
use lanemark::app::contract::lifecycle::{Signature, version_approve, version_sign, version_submit};
use lanemark::app::contract::own::to_sign;
use lanemark::db::contract::{contract_by_number, version_list};
use lanemark::db::schema::rate_lines;
use lanemark::domain::lifecycle::VersionOptions;
use lanemark::domain::money::Bps;
use lanemark::domain::viewer::{Role, Viewer};
use serde_json::Value;

use crate::support::db::TestDb;
use crate::support::process::{Desk, Said};

/// A parcel tariff: up to so many pounds, zones across.
pub const PARCELS: &str = "\
kind = \"rates\"

[rates]
basis = \"FLAT\"
weight_rounding = { mode = \"UP\", step = \"1\" }
gaps = \"UNRATED\"
matrix = { across = \"ZONE\", prefix = \"Zone \" }

[fields]
line = { constant = \"PARCEL\" }
weight_to = \"lb\"
currency = { constant = \"USD\" }
";

/// A load tariff by weight, one price a row.
pub const LOADS: &str = "\
kind = \"rates\"

[rates]
basis = \"PER_CWT\"

[fields]
line = \"line\"
origin = \"from\"
destination = \"to\"
weight_from = \"above\"
weight_to = \"below\"
valid_from = \"starts\"
valid_to = \"ends\"
rate = \"price\"
currency = \"money\"
";

/// Columns of [`LOADS`].
pub const LOADS_HEADER: &str = "line,from,to,above,below,starts,ends,price,money\n";

/// Loads a sheet into contract `C-1` of carrier `BRCK`.
pub fn load(desk: &Desk, sheet: &str, mapping: &str) -> Said {
    desk.run(&[
        "import",
        "rates",
        sheet,
        "--contract",
        "C-1",
        "--partner",
        "BRCK",
        "--mapping",
        mapping,
        "--format",
        "json",
    ])
}

/// Rates a file by contract `C-1`.
#[track_caller]
pub fn rate(desk: &Desk, file: &str, more: &[&str]) -> Vec<Value> {
    let arguments = [&["rate", file, "--contract", "C-1", "--format", "json"], more].concat();
    desk.run(&arguments).ends(0).json().as_array().unwrap().clone()
}

/// The result of one reference.
#[track_caller]
pub fn of<'a>(rated: &'a [Value], reference: &str) -> &'a Value {
    rated
        .iter()
        .find(|one| one["reference"] == reference)
        .unwrap_or_else(|| panic!("no {reference} in {rated:?}"))
}

/// How every stored rate line rates, and the hash over its prices.
pub fn lines_stored(db: &TestDb) -> Vec<(String, String)> {
    let lines = rate_lines::table.select((rate_lines::head, rate_lines::cells_sha256));
    let mut lines: Vec<(String, String)> = lines.load(&mut *db.conn()).unwrap();
    lines.sort();
    lines
}

/// Somebody else approves the open draft of `C-1`, and the carrier signs it.
pub fn approve(db: &TestDb) {
    let viewer =
        Viewer { user_id: 77, name: "Approver".to_owned(), role: Role::Procurement, partner_id: None };
    let app = db.app();
    let mut conn = db.conn();
    let contract = contract_by_number(&mut conn, &viewer, "C-1").unwrap().unwrap();
    let versions = version_list(&mut conn, &viewer, contract.id).unwrap();
    let draft = versions.iter().find(|version| version.status == "DRAFT").unwrap();
    let author = Viewer { user_id: 78, name: "Author".to_owned(), ..viewer.clone() };
    let options = VersionOptions {
        baseline: Some("last year".to_owned()),
        dispute_days: Some(15),
        price_cap: Some(Bps(100_000)),
    };
    let seen = version_seen(&mut conn, &author, draft.id).unwrap();
    options_edit(&app, &mut conn, &author, draft.id, &seen, &options).unwrap();
    approve_as_it_is(db);
}

/// The same without another word: for a draft that says everything.
pub fn approve_as_it_is(db: &TestDb) {
    let viewer =
        Viewer { user_id: 77, name: "Approver".to_owned(), role: Role::Procurement, partner_id: None };
    let app = db.app();
    let mut conn = db.conn();
    let contract = contract_by_number(&mut conn, &viewer, "C-1").unwrap().unwrap();
    let versions = version_list(&mut conn, &viewer, contract.id).unwrap();
    let draft = versions.iter().find(|version| version.status == "DRAFT").unwrap();
    let author = Viewer { user_id: 78, name: "Author".to_owned(), ..viewer.clone() };
    let seen = version_seen(&mut conn, &author, draft.id).unwrap();
    version_submit(&app, &mut conn, &author, draft.id, &seen).unwrap();
    let seen = version_seen(&mut conn, &viewer, draft.id).unwrap();
    version_approve(&app, &mut conn, &viewer, draft.id, &seen).unwrap();
    let partner_id = Some(contract.partner_id);
    let carrier = Viewer { user_id: 79, name: "Carrier".to_owned(), role: Role::Partner, partner_id };
    let shown = to_sign(&app, &mut conn, &carrier, draft.id).unwrap();
    let listed = |what: &str| shown.pricing.iter().any(|line| line.what.starts_with(what));
    assert!(listed("Rate table ") && listed("Lane "), "who signs reads what it prices: {:?}", shown.pricing);
    let signature = Signature { hash: shown.seal.clone(), name: "Ida Overland".to_owned(), agreed: true };
    version_sign(&app, &mut conn, &carrier, draft.id, &signature).unwrap();
}
