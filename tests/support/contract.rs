//! A contract for a test, in force since January 2025.

use lanemark::db::Db;
use lanemark::db::contract::{
    Contract, Version, caps_text, clause_upsert, contract_insert, version_insert, version_show,
};
use lanemark::db::rate::{pricing_replace, table_insert};
use lanemark::db::types::{Day, Instant};
use lanemark::domain::clause::{ClauseTerms, ContractCap};
use lanemark::domain::contract::{ContractStatus, ContractTerm, RenewalKind};
use lanemark::domain::currency::Currency;
use lanemark::domain::money::Micros;
use lanemark::domain::rate::{Band, Cell, Lane, Pricing, RateBasis, RateLine, RateTerms, TableSeal};
use lanemark::domain::terms::Clause;
use lanemark::domain::viewer::Viewer;

use super::books::day;

/// Five percent of the linehaul a day late, fifteen at most.
pub const LATE: &str = r#"{"sign":"PENALTY","rule":{"kind":"LATE_DELIVERY","per_day":{"type":"PCT_OF_LINEHAUL","share":500},"event_cap_share":1500}}"#;

/// The contract `id` of a partner, `C-` and its id, made at `at`, with clauses by code, title and terms. Its version is `id + 1`, its
/// clauses from `id + 2` on.
pub fn contract(db: &mut Db, at: Instant, (id, partner_id): (i64, i64), clauses: &[(&str, &str, &str)]) {
    let contract = Contract {
        id,
        partner_id,
        number: format!("C-{id}"),
        title: "Linehaul".to_owned(),
        currency: Currency::USD,
        term: ContractTerm {
            status: ContractStatus::Active,
            term_start: day("2025-01-01"),
            term_end: None,
            renewal: RenewalKind::Evergreen,
            renewal_months: None,
            notice_days: 60,
        },
        created_by: "test".to_owned(),
        created_at: at,
    };
    contract_insert(db, &contract).unwrap();
    let version = Version {
        id: id + 1,
        contract_id: id,
        partner_id,
        version: 1,
        kind: "ORIGINAL".to_owned(),
        valid_from: Day(day("2025-01-01")),
        valid_to: None,
        status: "ACTIVE".to_owned(),
        change_summary: String::new(),
        caps: caps_text(&ContractCap::default()).unwrap(),
        authors: String::new(),
        created_by: "test".to_owned(),
        created_at: at,
        approved_by: None,
        approved_at: None,
        rating: "{}".to_owned(),
        agreed: String::new(),
        terms_sha256: String::new(),
        signed_by: None,
        signed_at: None,
    };
    version_insert(db, &version).unwrap();
    for (own, (code, title, terms)) in (id + 2..).zip(clauses) {
        let terms = ClauseTerms::from_json(terms).unwrap();
        let clause = Clause { id: 0, code: (*code).to_owned(), title: (*title).to_owned(), terms };
        clause_upsert(db, own, &version, &clause).unwrap();
    }
}

/// Has the contract `id` of [`contract`] price a load from Alpha to Beta at so many dollars, and nothing else. Its table is
/// `id + 90`.
pub fn priced(db: &mut Db, id: i64, dollars: i64) {
    let version = version_show(db, &Viewer::system(), id + 1).unwrap().unwrap();
    let mut line = RateLine::new("LOAD", "Load", RateBasis::Flat);
    let mut cells = vec![Cell {
        column: 0,
        first: Band::ALL,
        second: Band::ALL,
        rate: Micros(dollars * 1_000_000),
        prior: None,
        min: None,
    }];
    let seal = TableSeal { table_id: id + 90, ..TableSeal::of(&mut cells) };
    table_insert(db, version.partner_id, seal.table_id, &cells).unwrap();
    line.cells = Vec::new();
    let lane = Lane {
        code: "A-B".to_owned(),
        origin: "facility:Alpha".parse().unwrap(),
        destination: "facility:Beta".parse().unwrap(),
        equipment: None,
        service: None,
        transit_business_days: None,
        line: "LOAD".to_owned(),
    };
    let terms = RateTerms { lanes: vec![lane], lines: vec![line], ..RateTerms::empty(Currency::USD) };
    pricing_replace(db, || id + 91, &version, &Pricing { terms, tables: vec![seal] }).unwrap();
}
