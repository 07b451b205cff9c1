//! What the contract use cases promise, on both databases.

use super::draft::{
    caps_edit, clause_save, options_edit, rate_remove, rate_save, target_save, version_create,
    version_discard, version_edit, version_seen,
};
use super::lifecycle::{Signature, version_approve, version_sign, version_submit};
use super::own::to_sign;
use super::*;
use crate::app::contract_calendar;
use crate::app::expected::tests::{load, refreshed};
use crate::app::partner::partner_create;
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::db::conn::Loan;
use crate::domain::clause::Cap;
use crate::domain::contract::VersionFields;
use crate::domain::currency::Currency;
use crate::domain::lifecycle::VersionOptions;
use crate::domain::money::{Bps, Micros};
use crate::domain::partner::{PartnerFields, PartnerStatus, ReviewCadence};
use crate::domain::terms::KpiTarget;
use crate::domain::terms::tests::{late_clause, liftgate};
use crate::domain::viewer::Role;
use crate::feeds::kind::ImportKind;

const NOW: &str = "2025-07-08T09:00:00Z";

pub(super) fn conn(app: &App) -> Loan {
    app.pool.get().unwrap()
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn partner(app: &App, code: &str) -> i64 {
    let fields = PartnerFields {
        code: code.to_owned(),
        name: format!("{code} Lines"),
        scac: String::new(),
        mode: String::new(),
        status: PartnerStatus::Active,
        contact_name: String::new(),
        contact_email: String::new(),
        review_cadence: ReviewCadence::Monthly,
        aliases: Vec::new(),
    };
    partner_create(app, &mut conn(app), &dina(), &fields).unwrap()
}

/// For tests of other use cases.
pub(in crate::app) fn partner_of(app: &App, code: &str) -> i64 {
    partner(app, code)
}

/// A draft of a contract from October 2024 to September 2025, and its version.
pub(in crate::app) fn contract_of(app: &App, partner_id: i64, number: &str) -> (i64, i64) {
    let fields = fields(number, "2024-10-01", "2025-09-30");
    contract_create(app, &mut conn(app), &dina(), partner_id, &fields).unwrap()
}

pub(super) fn dina() -> Viewer {
    viewer("Dina", Role::Procurement)
}

pub(super) fn piet() -> Viewer {
    viewer("Piet", Role::Procurement)
}

pub(super) fn fields(number: &str, start: &str, end: &str) -> ContractFields {
    ContractFields {
        number: number.to_owned(),
        title: "Regional short haul".to_owned(),
        currency: Currency::USD,
        term: ContractTerm {
            status: ContractStatus::Draft,
            term_start: day(start),
            term_end: Some(day(end)),
            renewal: RenewalKind::Fixed,
            renewal_months: None,
            notice_days: 60,
        },
    }
}

pub(super) fn amendment(from: &str) -> VersionFields {
    VersionFields {
        kind: VersionKind::Amendment,
        valid_from: day(from),
        change_summary: "Liftgate is dearer".to_owned(),
    }
}

/// Somebody in procurement with an address.
fn mail_user(email: &str) -> crate::db::user::UserRow {
    crate::db::user::UserRow {
        id: 0,
        email: email.to_owned(),
        name: "Dina".to_owned(),
        role: Role::Procurement.code().to_owned(),
        partner_id: None,
        password_hash: String::new(),
        active: true,
        created_at: Instant(NOW.parse().unwrap()),
    }
}

/// Dina says what every version must say before it can be approved, and sends it to review.
pub(super) fn submit(app: &App, version: i64) {
    let options = VersionOptions {
        baseline: Some("2023 rates".to_owned()),
        dispute_days: Some(15),
        price_cap: Some(Bps(400)),
    };
    let cap = ContractCap {
        cap: Cap { amount: Some(Micros(5_000_000_000)), share_of_freight: None },
        ..ContractCap::default()
    };
    let db = &mut conn(app);
    let seen = version_seen(db, &dina(), version).unwrap();
    let seen = options_edit(app, db, &dina(), version, &seen, &options).unwrap();
    let seen = caps_edit(app, db, &dina(), version, &seen, &cap).unwrap();
    version_submit(app, db, &dina(), version, &seen).unwrap();
}

/// Approves a version as it is now.
pub(super) fn approve(app: &App, who: &Viewer, version: i64) -> Result<(), EditError> {
    let seen = version_seen(&mut conn(app), who, version)?;
    version_approve(app, &mut conn(app), who, version, &seen)
}

/// Signs a version for its partner, as the portal shows it.
pub(super) fn sign(app: &App, partner_id: i64, version: i64) -> Result<(), EditError> {
    let own = partner_viewer(partner_id);
    let hash = to_sign(app, &mut conn(app), &own, version)?.seal;
    let signature = Signature { hash, name: "Ida Overland".to_owned(), agreed: true };
    version_sign(app, &mut conn(app), &own, version, &signature)
}

/// From draft to signature: Dina, Piet, the partner.
pub(in crate::app) fn agree(app: &App, partner_id: i64, version: i64) {
    submit(app, version);
    approve(app, &piet(), version).unwrap();
    sign(app, partner_id, version).unwrap();
}

/// A contract in force from October 2024 to September 2025, written by Dina, approved by Piet, signed.
pub(super) fn in_force(app: &App, partner_id: i64, number: &str) -> (i64, i64) {
    let (contract, version) = contract_create(
        app,
        &mut conn(app),
        &dina(),
        partner_id,
        &fields(number, "2024-10-01", "2025-09-30"),
    )
    .unwrap();
    let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
    let seen = rate_save(app, &mut conn(app), &dina(), version, &seen, &liftgate(40_000_000), None).unwrap();
    let target = KpiTarget {
        kpi: "OTD_WIN".to_owned(),
        floor: Micros(85_000_000),
        target: Micros(95_000_000),
        stretch: Micros(98_000_000),
    };
    let seen = target_save(app, &mut conn(app), &dina(), version, &seen, &target, None).unwrap();
    clause_save(app, &mut conn(app), &dina(), version, &seen, &late_clause(), None).unwrap();
    agree(app, partner_id, version);
    (contract, version)
}

pub(super) fn message(result: Result<impl Sized, EditError>) -> String {
    result.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn somebody_else_approves_what_one_wrote() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (contract, version) = contract_create(
            app,
            &mut conn(app),
            &dina(),
            partner_id,
            &fields("BRK-1", "2024-10-01", "2025-09-30"),
        )
        .unwrap();
        let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
        assert_eq!(
            store::terms_in_force(&mut conn(app), &dina(), partner_id, day("2025-07-08")).unwrap(),
            []
        );
        // Whoever changes a line is an author too.
        rate_save(app, &mut conn(app), &piet(), version, &seen, &liftgate(40_000_000), None).unwrap();
        assert!(
            message(approve(app, &viewer("Fay", Role::Finance), version)).contains("the version is Draft")
        );
        submit(app, version);
        assert!(message(approve(app, &dina(), version)).contains("your own changes"));
        assert!(message(approve(app, &piet(), version)).contains("your own changes"));
        let auditor = viewer("Ada", Role::Auditor);
        assert!(matches!(approve(app, &auditor, version), Err(EditError::Denied { .. })));

        approve(app, &viewer("Fay", Role::Finance), version).unwrap();
        assert_eq!(
            store::terms_in_force(&mut conn(app), &dina(), partner_id, day("2025-07-08")).unwrap(),
            [],
            "nothing holds before the partner has signed"
        );
        sign(app, partner_id, version).unwrap();
        let mut held = store::terms_in_force(&mut conn(app), &dina(), partner_id, day("2025-07-08")).unwrap();
        let terms = held.remove(0);
        assert_eq!((terms.contract_id, terms.rates), (contract, vec![liftgate(40_000_000)]));
        let page = contract_show(app, &mut conn(app), &dina(), contract, None).unwrap();
        let actions: Vec<_> = page.history.iter().map(|row| row.action.as_str()).collect();
        assert_eq!(
            actions,
            [
                "contract.begin",
                "contract.sign",
                "contract.approve",
                "contract.submit",
                "contract.edit_version",
                "contract.edit_version",
                "contract.edit_version",
                "contract.create"
            ]
        );
        let again = rate_save(app, &mut conn(app), &dina(), version, &page.seen, &liftgate(1), Some("LFT"));
        assert!(message(again).contains("no draft any more"));
    });
}

#[test]
fn an_edit_made_on_an_older_state_is_refused() {
    on_each_engine(NOW, |app| {
        let (_, version) = contract_create(
            app,
            &mut conn(app),
            &dina(),
            partner(app, "BRK"),
            &fields("BRK-1", "2025-10-01", "2026-09-30"),
        )
        .unwrap();
        let old = version_seen(&mut conn(app), &dina(), version).unwrap();
        let new =
            rate_save(app, &mut conn(app), &dina(), version, &old, &liftgate(40_000_000), None).unwrap();
        assert!(matches!(
            rate_remove(app, &mut conn(app), &dina(), version, &old, "LFT"),
            Err(EditError::Stale(_))
        ));
        assert!(matches!(
            version_submit(app, &mut conn(app), &dina(), version, &old),
            Err(EditError::Stale(_))
        ));
        let twice = rate_save(app, &mut conn(app), &dina(), version, &new, &liftgate(1), None);
        assert!(matches!(twice, Err(EditError::Invalid(errors)) if errors[0].0 == "code"));
        rate_remove(app, &mut conn(app), &dina(), version, &new, "LFT").unwrap();
    });
}

#[test]
fn a_new_version_ends_the_one_before_and_shows_what_changed() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (contract, _) = in_force(app, partner_id, "BRK-1");
        let second =
            version_create(app, &mut conn(app), &dina(), contract, &amendment("2025-08-01")).unwrap();
        let busy = version_create(app, &mut conn(app), &dina(), contract, &amendment("2025-09-01"));
        assert!(matches!(busy, Err(EditError::DraftExists { version_no: 2, .. })));
        let seen = version_seen(&mut conn(app), &dina(), second).unwrap();
        let seen = rate_save(app, &mut conn(app), &dina(), second, &seen, &liftgate(45_000_000), Some("LFT"))
            .unwrap();
        let cap = ContractCap {
            cap: Cap { amount: Some(Micros(5_000_000_000)), share_of_freight: None },
            ..ContractCap::default()
        };
        caps_edit(app, &mut conn(app), &dina(), second, &seen, &cap).unwrap();
        agree(app, partner_id, second);

        let page = contract_show(app, &mut conn(app), &dina(), contract, Some(2)).unwrap();
        let changed: Vec<_> = page.redline.iter().map(|change| change.what.as_str()).collect();
        assert_eq!(changed, ["Liftgate (LFT)"]);
        let states: Vec<_> =
            page.versions.iter().map(|line| (line.version.status.as_str(), line.in_force)).collect();
        assert_eq!(states, [("SIGNED", false), ("ACTIVE", true)], "version 1 holds until the end of July");
        let rate_on = |text: &str| {
            store::terms_in_force(&mut conn(app), &dina(), partner_id, day(text))
                .unwrap()
                .first()
                .map(|terms| terms.rates[0].rate.unwrap())
        };
        assert_eq!(rate_on("2025-07-31"), Some(Micros(40_000_000)));
        assert_eq!(rate_on("2025-08-01"), Some(Micros(45_000_000)));
        assert_eq!(rate_on("2025-10-01"), None, "the term is over");
    });
}

#[test]
fn versions_and_contracts_may_not_overlap() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (contract, _) = in_force(app, partner_id, "BRK-1");
        let second =
            version_create(app, &mut conn(app), &dina(), contract, &amendment("2024-10-01")).unwrap();
        let seen = version_seen(&mut conn(app), &dina(), second).unwrap();
        version_submit(app, &mut conn(app), &dina(), second, &seen).unwrap();
        let refused = message(approve(app, &piet(), second));
        assert!(refused.contains("contract BRK-1, version 1: it would end on 2024-10-01"), "{refused}");
        let seen = version_seen(&mut conn(app), &dina(), second).unwrap();
        let edited = version_edit(app, &mut conn(app), &dina(), second, &seen, &amendment("2025-09-01"));
        assert!(message(edited).contains("no draft any more"));
        lifecycle::version_return(app, &mut conn(app), &piet(), second, &seen, "It overlaps").unwrap();
        let seen = version_seen(&mut conn(app), &dina(), second).unwrap();
        let seen =
            version_edit(app, &mut conn(app), &dina(), second, &seen, &amendment("2025-09-01")).unwrap();
        version_discard(app, &mut conn(app), &dina(), second, &seen).unwrap();

        let (_, other) = contract_create(
            app,
            &mut conn(app),
            &dina(),
            partner_id,
            &fields("BRK-2", "2025-09-30", "2026-09-29"),
        )
        .unwrap();
        submit(app, other);
        let refused = message(approve(app, &piet(), other));
        assert_eq!(
            refused,
            "contract BRK-2, version 1, would be in force from 2025-09-30 to 2025-09-30 together with contract BRK-1, \
             version 1, of the same partner, and BRK-2 has no lanes, so it claims every shipment; give it lanes that \
             leave the others out, end BRK-1 first, or start later"
        );
        assert_eq!(contract_show(app, &mut conn(app), &dina(), contract, None).unwrap().versions.len(), 1);
    });
}

#[test]
fn contracts_of_one_partner_may_be_in_force_together_where_none_claims_the_others_shipments() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let draft = |number: &str, lanes: &[(&str, &str, &str)], target: i64| {
            let fields = fields(number, "2024-10-01", "2025-09-30");
            let (_, version) = contract_create(app, &mut conn(app), &dina(), partner_id, &fields).unwrap();
            set_lanes(app, version, lanes);
            let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
            let target = KpiTarget {
                kpi: "OTD_WIN".to_owned(),
                floor: Micros(85_000_000),
                target: Micros(target * 1_000_000),
                stretch: Micros(98_000_000),
            };
            target_save(app, &mut conn(app), &dina(), version, &seen, &target, None).unwrap();
            submit(app, version);
            version
        };
        let full = draft("BRK-TL", &[("TL", "*", "TL")], 95);
        approve(app, &piet(), full).unwrap();
        // Both approved while none is signed; the signature asks again.
        let texas = draft("BRK-TX", &[("SOUTH", "US-TX", "")], 95);
        approve(app, &piet(), texas).unwrap();
        sign(app, partner_id, full).unwrap();
        let refused = message(sign(app, partner_id, texas));
        assert_eq!(
            refused,
            "contract BRK-TX, version 1, would be in force from 2024-10-01 to 2025-09-30 together with contract BRK-TL, \
             version 1, of the same partner, and both claim the shipments of its lane SOUTH (US-TX to anywhere) and of \
             lane TL (anywhere to anywhere, TL) of BRK-TL; change one of the two lanes, name another equipment or service \
             on each, end BRK-TL first, or start later"
        );
        let other = draft("BRK-AIR", &[("AIR", "*", "AIR")], 96);
        let refused = message(approve(app, &piet(), other));
        assert!(refused.contains("they set different targets for OTD_WIN"), "{refused}");
        let part = draft("BRK-LTL", &[("LTL", "*", "LTL")], 95);
        approve(app, &piet(), part).unwrap();
        sign(app, partner_id, part).unwrap();
        let held = store::terms_in_force(&mut conn(app), &dina(), partner_id, day("2025-07-08")).unwrap();
        assert_eq!(held.iter().map(|terms| terms.number.as_str()).collect::<Vec<_>>(), ["BRK-LTL", "BRK-TL"]);
        let targets = crate::db::scorecard::targets_in_force(&mut conn(app), day("2025-07-01")).unwrap();
        assert_eq!(targets[&partner_id].len(), 2, "equal, so whichever is read first");

        // An amendment that reaches into the other one is refused like a contract.
        let contract = store::version_show(&mut conn(app), &dina(), part).unwrap().unwrap().contract_id;
        let second =
            version_create(app, &mut conn(app), &dina(), contract, &amendment("2025-08-01")).unwrap();
        set_lanes(app, second, &[("LTL", "*", "LTL"), ("MORE", "US-TX", "TL")]);
        submit(app, second);
        let refused = message(approve(app, &piet(), second));
        assert!(
            refused.contains("BRK-LTL, version 2, would be in force from 2025-08-01 to 2025-09-30")
                && refused.contains("its lane MORE (US-TX to anywhere, TL)"),
            "{refused}"
        );
    });
}

/// Lanes to anywhere of a draft: code, origin, service.
fn set_lanes(app: &App, version: i64, lanes: &[(&str, &str, &str)]) {
    use crate::domain::rate::{Band, Cell, Lane, RateBasis, RateLine, RateTerms};

    let mut line = RateLine::new("LOAD", "Load", RateBasis::Flat);
    let rate = Micros(100_000_000);
    line.cells = vec![Cell { column: 0, first: Band::ALL, second: Band::ALL, rate, prior: None, min: None }];
    let lane = |(code, origin, service): &(&str, &str, &str)| Lane {
        code: (*code).to_owned(),
        origin: origin.parse().unwrap(),
        destination: "*".parse().unwrap(),
        equipment: None,
        service: Some((*service).to_owned()).filter(|service| !service.is_empty()),
        transit_business_days: None,
        line: "LOAD".to_owned(),
    };
    let lanes = lanes.iter().map(lane).collect();
    let terms = RateTerms { lanes, lines: vec![line], ..RateTerms::empty(Currency::USD) };
    crate::db::dialect::write_tx(&mut conn(app), |db| {
        draft::pricing_save_in_tx(app, db, &dina(), version, terms, vec![None], "")
    })
    .unwrap();
}

#[test]
fn a_partner_sees_its_own_contracts_and_no_draft() {
    on_each_engine(NOW, |app| {
        let (brk, ovl) = (partner(app, "BRK"), partner(app, "OVL"));
        let (contract, version) = in_force(app, brk, "BRK-1");
        version_create(app, &mut conn(app), &dina(), contract, &amendment("2025-08-01")).unwrap();
        let mut conn = app.pool.get().unwrap();
        let (own, foreign) = (partner_viewer(brk), partner_viewer(ovl));
        assert_eq!(store::version_list(&mut conn, &own, contract).unwrap().len(), 1);
        assert_eq!(store::contract_list(&mut conn, &own).unwrap().len(), 1);
        assert!(store::contract_show(&mut conn, &foreign, contract).unwrap().is_none());
        assert!(store::terms_load(&mut conn, &foreign, version).unwrap().is_none());
        assert!(store::version_list(&mut conn, &foreign, contract).unwrap().is_empty());
        assert!(store::terms_in_force(&mut conn, &foreign, brk, day("2025-07-08")).unwrap().is_empty());
        assert!(store::contract_list(&mut conn, &viewer("Ann", Role::Admin)).unwrap().is_empty());
    });
}

#[test]
fn the_calendar_warns_hands_over_and_expires_once() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (contract, _) = in_force(app, partner_id, "BRK-1");
        let second =
            version_create(app, &mut conn(app), &dina(), contract, &amendment("2025-08-01")).unwrap();
        agree(app, partner_id, second);

        let mut user = mail_user("dina@lanes.example");
        user.id = app.id();
        crate::db::user::user_add(&mut conn(app), &user).unwrap();
        // Notice is due on Friday 1 August, 24 days from now; the term ends in 84 days.
        let report = contract_calendar::run(app, &mut conn(app), day("2025-07-08")).unwrap();
        let raised: Vec<_> =
            report.notices.iter().map(|n| (n.kind.code(), n.due_day.to_string(), n.days_before)).collect();
        assert_eq!(
            raised,
            [("NOTICE", "2025-08-01".to_owned(), 30), ("EXPIRY", "2025-09-30".to_owned(), 90)]
        );
        assert_eq!(contract_calendar::run(app, &mut conn(app), day("2025-07-08")).unwrap().changed_rows(), 0);
        let mails: Vec<(String, String)> = {
            use crate::db::schema::mails::dsl::{mails, recipient, text_body};
            use diesel::prelude::*;
            mails.select((recipient, text_body)).load(&mut conn(app)).unwrap()
        };
        assert_eq!(mails.len(), 1, "one mail, also after a second run");
        assert!(mails[0].1.contains("2025-08-01 (in 24 days)"), "{}", mails[0].1);

        let handed_over = contract_calendar::run(app, &mut conn(app), day("2025-08-01")).unwrap();
        assert_eq!((handed_over.begun, handed_over.superseded), (1, 1));
        assert_eq!(contract_calendar::run(app, &mut conn(app), day("2025-09-30")).unwrap().expired, 0);
        assert_eq!(contract_calendar::run(app, &mut conn(app), day("2025-10-01")).unwrap().expired, 1);
        assert_eq!(contract_calendar::run(app, &mut conn(app), day("2025-10-01")).unwrap().changed_rows(), 0);
        let page = contract_show(app, &mut conn(app), &dina(), contract, None).unwrap();
        let states: Vec<_> = page.versions.iter().map(|line| line.version.status.as_str()).collect();
        assert_eq!(
            (page.contract.term.status, states),
            (ContractStatus::Expired, vec!["EXPIRED", "SUPERSEDED"])
        );
        let held = store::terms_in_force(&mut conn(app), &dina(), partner_id, day("2025-09-30")).unwrap();
        assert_eq!(held.first().map(|terms| terms.version_no), Some(2), "what held before still did");
    });
}

/// Whatever a clause is about that no fact has named stands where the version is looked at before it is approved, until one does.
#[test]
fn a_clause_about_a_site_nobody_knows_is_worth_a_look() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let head = "reference,partner,origin,destination,service,mode,delivery_due_date,delivered_at\n";
        let shipment = |reference: &str, from: &str, service: &str| {
            let day = "2025-06-10,2025-06-10T10:00:00Z";
            load(
                app,
                ImportKind::Shipments,
                &format!("{head}{reference},BRK,{from},port:USHOU,{service},TL,{day}\n"),
            );
            refreshed(app);
        };
        shipment("A", "Columbus", "Express");
        let (contract, version) = contract_of(app, partner_id, "BRK-1");
        let mut clause = late_clause();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        clause.terms.scope.sites = names(&["COLUMBUS", "Dock 4", "USHOU"]);
        clause.terms.scope.modes = names(&["Rail", "tl"]);
        clause.terms.scope.services = names(&["express"]);
        let seen = version_seen(&mut conn(app), &dina(), version).unwrap();
        clause_save(app, &mut conn(app), &dina(), version, &seen, &clause, None).unwrap();

        let told = || -> Vec<String> {
            let page = contract_show(app, &mut conn(app), &dina(), contract, None).unwrap();
            let notes = contract_notes(&mut conn(app), &page).unwrap();
            let own = notes.into_iter().filter(|note| note.what == "clause 7.1");
            own.map(|note| note.todo.split(',').next().unwrap().to_owned()).collect()
        };
        let rail = "no shipment or tender has mode Rail so far";
        assert_eq!(told(), ["no lane starts or ends at site Dock 4 so far", rail]);
        shipment("B", "Dock 4", "Economy");
        assert_eq!(told(), [rail]);
        // It keeps nobody from sending the version to review, where it still stands.
        submit(app, version);
        assert_eq!(told(), [rail]);
    });
}

#[test]
fn a_renewing_contract_runs_on_until_it_is_ended() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let mut fields = fields("BRK-1", "2024-07-01", "2025-06-30");
        fields.term.renewal = RenewalKind::AutoRenew;
        fields.term.renewal_months = Some(6);
        let (contract, version) = contract_create(app, &mut conn(app), &dina(), partner_id, &fields).unwrap();
        agree(app, partner_id, version);
        assert_eq!(contract_calendar::run(app, &mut conn(app), day("2025-07-08")).unwrap().renewed, 1);
        let page = contract_show(app, &mut conn(app), &dina(), contract, None).unwrap();
        assert_eq!(page.contract.term.term_end, Some(day("2025-12-31")));

        let soon =
            contract_end(app, &mut conn(app), &dina(), contract, &page.contract_seen, day("2025-07-31"));
        assert!(matches!(soon, Err(EditError::Invalid(errors)) if errors[0].1.contains("2025-09-06")));
        let longer =
            contract_end(app, &mut conn(app), &dina(), contract, &page.contract_seen, day("2031-06-30"));
        assert!(matches!(longer, Err(EditError::Invalid(errors)) if errors[0].1.contains("2025-12-31")));
        contract_end(app, &mut conn(app), &dina(), contract, &page.contract_seen, day("2025-12-31")).unwrap();
        let on = |text: &str| {
            store::terms_in_force(&mut conn(app), &dina(), partner_id, day(text)).unwrap().len() == 1
        };
        assert!(on("2025-12-31") && !on("2026-01-01"));
    });
}
