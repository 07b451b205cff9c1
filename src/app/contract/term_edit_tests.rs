//! Terms of a draft one at a time, on both databases.

use super::*;
use crate::app::contract::draft::version_seen;
use crate::app::contract::tests::{agree, amendment, conn, contract_of, dina, partner};
use crate::app::testing::{on_each_engine, viewer};
use crate::db::audit::audit_list;
use crate::db::contract::terms_load;
use crate::domain::currency::Currency;
use crate::domain::rate::RateTerms;
use crate::domain::rate::form::{Values, parameters_read, parameters_write, read, usual, write};
use crate::domain::viewer::Role;

const NOW: &str = "2025-07-08T09:00:00Z";

fn item(kind: TermKind, pairs: &[(&'static str, &str)]) -> TermItem {
    let mut values: Values = usual(kind);
    values.extend(pairs.iter().map(|(name, value)| (*name, (*value).to_owned())));
    read(kind, &values).unwrap()
}

fn zone(name: &str) -> TermItem {
    item(TermKind::Zone, &[("name", name), ("members", "US-TX\nzip3:750")])
}

fn one_of_each() -> Vec<TermItem> {
    vec![
        zone("NE"),
        item(
            TermKind::ServiceLevel,
            &[("code", "STD"), ("label", "Standard"), ("transit_business_days", "3")],
        ),
        item(
            TermKind::Fuel,
            &[("index", "EIA"), ("method", "TABLE"), ("brackets", "0 – 2.50: 0\n2.50 and more: 18.5")],
        ),
        item(
            TermKind::Calendar,
            &[("code", "PEAK"), ("label", "Peak"), ("windows", "2025-11-15 – 2026-01-09")],
        ),
        item(
            TermKind::Tax,
            &[("code", "TAX"), ("label", "Sales tax"), ("jurisdiction", "US-TX"), ("share", "8.25")],
        ),
        item(
            TermKind::Volume,
            &[
                ("side", "SHIPPER"),
                ("measure", "LOADS"),
                ("period", "YEAR"),
                ("quantity", "1,000"),
                ("shortfall_rate", "85"),
            ],
        ),
        item(
            TermKind::Capacity,
            &[("base_units", "40"), ("surge", "25"), ("surge_notice_days", "3"), ("surge_premium", "10")],
        ),
        item(
            TermKind::Tier,
            &[
                ("label", "Rebate"),
                ("window", "CALENDAR_YEAR"),
                ("bands", "0: 0\n500,000: 2 %"),
                ("method", "INCREMENTAL"),
            ],
        ),
    ]
}

fn pricing(app: &App, version: i64) -> RateTerms {
    terms_load(&mut conn(app), &dina(), version).unwrap().unwrap().pricing.terms
}

#[test]
fn each_kind_is_added_changed_and_removed() {
    on_each_engine(NOW, |app| {
        let (_, version) = contract_of(app, partner(app, "BRK"), "BRK-2024");
        let db = &mut conn(app);
        let mut seen = version_seen(db, &dina(), version).unwrap();
        for item in one_of_each() {
            let next = term_save(app, db, &dina(), version, &seen, &item, None).unwrap();
            assert_ne!(seen, next, "an edit changes the token");
            seen = next;
            assert_eq!(item.kind().item(&pricing(app, version), 0), Some(item));
        }
        for name in ["SE", "SW"] {
            seen = term_save(app, db, &dina(), version, &seen, &zone(name), None).unwrap();
        }
        let names =
            || -> Vec<String> { pricing(app, version).zones.into_iter().map(|zone| zone.name).collect() };
        // The middle one goes, and the last one changes where it then is.
        seen = term_remove(app, db, &dina(), version, &seen, TermKind::Zone, 1).unwrap();
        assert_eq!(names(), ["NE", "SW"]);
        seen = term_save(app, db, &dina(), version, &seen, &zone("West"), Some(1)).unwrap();
        seen = term_save(app, db, &dina(), version, &seen, &zone("South"), None).unwrap();
        assert_eq!(names(), ["NE", "West", "South"]);
        let gone = term_remove(app, db, &dina(), version, &seen, TermKind::Zone, 3);
        assert!(matches!(gone, Err(EditError::NotFound(_))), "{gone:?}");
        let said: Vec<String> =
            audit_list(db, None, 100).unwrap().into_iter().map(|row| row.detail).collect();
        assert!(said.iter().any(|detail| detail.starts_with("zone West: 2 places")), "{said:?}");
        assert!(said.iter().any(|detail| detail == "zone SE removed"), "{said:?}");
    });
}

#[test]
fn a_term_that_does_not_hold_is_refused_and_nothing_is_stored() {
    on_each_engine(NOW, |app| {
        let (_, version) = contract_of(app, partner(app, "BRK"), "BRK-2024");
        let db = &mut conn(app);
        let seen = version_seen(db, &dina(), version).unwrap();
        let lane = item(
            TermKind::Lane,
            &[("code", "L1"), ("origin", "zone:NE"), ("destination", "US"), ("line", "TL")],
        );
        let Err(EditError::Invalid(errors)) = term_save(app, db, &dina(), version, &seen, &lane, None) else {
            panic!("no such table")
        };
        let fields: Vec<&str> = errors.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["line", "origin"]);
        assert_eq!(pricing(app, version), RateTerms::empty(Currency::USD));

        let next = term_save(app, db, &dina(), version, &seen, &zone("NE"), None).unwrap();
        let stale = term_save(app, db, &dina(), version, &seen, &zone("SE"), None);
        assert!(matches!(stale, Err(EditError::Stale(_))), "{stale:?}");
        let twice = term_save(app, db, &dina(), version, &next, &zone("ne"), None);
        assert!(matches!(twice, Err(EditError::Invalid(_))), "{twice:?}");
        let denied = term_save(app, db, &viewer("Fin", Role::Finance), version, &next, &zone("SE"), None);
        assert!(matches!(denied, Err(EditError::Denied { .. })), "{denied:?}");
    });
}

#[test]
fn how_it_is_rated_is_set_and_the_rest_stays() {
    on_each_engine(NOW, |app| {
        let (_, version) = contract_of(app, partner(app, "BRK"), "BRK-2024");
        let db = &mut conn(app);
        let seen = version_seen(db, &dina(), version).unwrap();
        let seen = term_save(app, db, &dina(), version, &seen, &zone("NE"), None).unwrap();
        let before = pricing(app, version);
        let mut values = parameters_write(&before.parameters);
        values.insert("deficit", "yes".to_owned());
        values.insert("fak", "50, 55: 60".to_owned());
        values.insert("distance_source", "PC*MILER 30".to_owned());
        let wanted = parameters_read(&values, &before.parameters).unwrap();
        parameters_edit(app, db, &dina(), version, &seen, &wanted).unwrap();
        let after = pricing(app, version);
        assert_eq!((&after.parameters, &after.zones), (&wanted, &before.zones));
    });
}

#[test]
fn a_new_version_takes_its_terms_along_and_the_old_one_keeps_its_own() {
    on_each_engine(NOW, |app| {
        let partner_id = partner(app, "BRK");
        let (contract, first) = contract_of(app, partner_id, "BRK-2024");
        let db = &mut conn(app);
        let mut seen = version_seen(db, &dina(), first).unwrap();
        // Fuel without lanes and tables is not complete.
        for item in one_of_each().into_iter().filter(|item| item.kind() != TermKind::Fuel) {
            seen = term_save(app, db, &dina(), first, &seen, &item, None).unwrap();
        }
        agree(app, partner_id, first);
        let next =
            crate::app::contract::draft::version_create(app, db, &dina(), contract, &amendment("2025-08-01"))
                .unwrap();
        let seen = version_seen(db, &dina(), next).unwrap();
        let mut values = write(&TermKind::Tier.item(&pricing(app, next), 0).unwrap());
        values.insert("bands", "0: 0\n400,000: 2 %".to_owned());
        let dearer = read(TermKind::Tier, &values).unwrap();
        let after = term_save(app, db, &dina(), next, &seen, &dearer, Some(0)).unwrap();
        assert_ne!(seen, after);
        assert_ne!(pricing(app, first).tiers, pricing(app, next).tiers);
        // What is agreed is not changed any more.
        let seen = version_seen(db, &dina(), first).unwrap();
        let refused = term_save(app, db, &dina(), first, &seen, &zone("SE"), None);
        assert!(matches!(refused, Err(EditError::NotDraft { .. })), "{refused:?}");
    });
}

#[test]
fn what_would_be_charged_twice_is_refused() {
    on_each_engine(NOW, |app| {
        let (_, version) = contract_of(app, partner(app, "BRK"), "BRK-2024");
        let db = &mut conn(app);
        let mut seen = version_seen(db, &dina(), version).unwrap();
        let fuel = |from: &str, to: &str| {
            let days = [("valid_from", from), ("valid_to", to)];
            let pairs = [("index", "EIA"), ("method", "TABLE"), ("brackets", "0 and more: 18.5")];
            item(TermKind::Fuel, &[&pairs[..], &days].concat())
        };
        let all = one_of_each();
        let kinds = [TermKind::Tax, TermKind::Volume];
        let twice = all.iter().filter(|item| kinds.contains(&item.kind())).cloned();
        let firsts: Vec<TermItem> = std::iter::once(fuel("2025-01-01", "2025-06-30")).chain(twice).collect();
        for first in &firsts {
            seen = term_save(app, db, &dina(), version, &seen, first, None).unwrap();
            let again = term_save(app, db, &dina(), version, &seen, first, None);
            let Err(EditError::Invalid(errors)) = again else { panic!("{again:?}") };
            assert!(errors[0].1.contains("twice"), "{errors:?}");
            // The same term in its own place is no second one.
            seen = term_save(app, db, &dina(), version, &seen, first, Some(0)).unwrap();
        }
        let overlapping = term_save(app, db, &dina(), version, &seen, &fuel("2025-06-30", ""), None);
        assert!(matches!(overlapping, Err(EditError::Invalid(e)) if e[0].0 == "valid_from"));
        term_save(app, db, &dina(), version, &seen, &fuel("2025-07-01", ""), None).unwrap();
        assert_eq!(pricing(app, version).fuel.len(), 2, "one after the other");
    });
}
