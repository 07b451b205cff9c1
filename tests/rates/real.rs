//! Public tariffs, loaded and looked up against prices read by hand from the files.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{lines_stored, of, rate};
use crate::support::data::real_data;
use crate::support::db::{TestDb, on_both};
use crate::support::process::Desk;

fn load(desk: &Desk, file: &std::path::Path, mapping: &str) -> Value {
    let file = file.to_str().unwrap();
    super::load(desk, file, mapping).ends(0).json()
}

/// Household goods: half-open bands of weight and distance, dollars one year and cents the next.
#[test]
fn the_household_goods_tariff_of_two_years() {
    let Some(first) = real_data("tariff_400ng/linehaul_rates_2019.csv") else { return };
    let Some(second) = real_data("tariff_400ng/linehaul_rates_2020.csv") else { return };
    on_both(|db| {
        let desk = Desk::new(&db);
        let said = load(&desk, &first, "400ng-2019");
        assert_eq!((&said["rows_read"], &said["cells"]), (&10_528.into(), &10_528.into()));
        assert_eq!((&said["contract_created"], &said["version"]), (&true.into(), &1.into()));
        let said = load(&desk, &second, "400ng-2020");
        assert_eq!((&said["cells"], &said["version_created"]), (&10_528.into(), &false.into()));

        desk.file(
            "orders.csv",
            "reference,pickup,weight,distance,origin_state,origin_country,destination_state,destination_country\n\
             at the band,2019-06-01,4000,362,,,,\n\
             below it,2019-06-01,3999,362,,,,\n\
             a year later,2020-06-01,4000,362,,,,\n\
             the last day,2020-05-14,4000,362,,,,\n\
             the first day,2020-05-15,4000,362,,,,\n\
             too early,2019-05-14,4000,362,,,,\n\
             too late,2021-05-15,4000,362,,,,\n\
             too light,2019-06-01,999.99,362,,,,\n\
             the lightest,2019-06-01,1000,362,,,,\n\
             too heavy,2019-06-01,24000,362,,,,\n\
             the heaviest,2019-06-01,23999.99,362,,,,\n\
             no weight,2019-06-01,,362,,,,\n\
             no number,2019-06-01,heavy,362,,,,\n\
             in Alaska,2019-06-01,4000,362,AK,US,AK,US\n",
        );
        let rated = rate(&desk, "orders.csv", &["--trace"]);
        assert_eq!(rated.len(), 14);
        for (reference, total) in [
            ("at the band", "4776.00"),
            ("below it", "4652.00"),
            ("a year later", "4957.00"),
            ("the last day", "4776.00"),
            ("the first day", "4957.00"),
        ] {
            let one = of(&rated, reference);
            assert_eq!((&one["status"], &one["total"]), (&"RATED".into(), &total.into()), "{one}");
            assert_eq!(one["currency"], "USD");
            assert!(!one["trace"].as_array().unwrap().is_empty(), "{one}");
            assert_eq!(one["lines"][0]["amount"], total);
        }
        for reference in ["too early", "too late", "too light", "too heavy", "no weight", "no number"] {
            let one = of(&rated, reference);
            assert_eq!((&one["status"], &one["total"]), (&"UNRATED".into(), &Value::Null), "{one}");
            assert!(one["reason"].as_str().is_some_and(|why| !why.is_empty()), "{one}");
        }
        assert!(of(&rated, "no number")["reason"].as_str().unwrap().contains("heavy"));
        for reference in ["the lightest", "the heaviest", "in Alaska"] {
            assert_eq!(of(&rated, reference)["status"], "RATED", "{reference}");
        }
        assert_eq!(of(&rated, "in Alaska")["line"], "IntraAlaskaLinehaul");
    });
}

/// One row of a csv as its cells.
fn rows(path: &std::path::Path) -> Vec<csv::StringRecord> {
    csv::Reader::from_path(path).unwrap().into_records().map(Result::unwrap).collect()
}

fn number(text: &str) -> rust_decimal::Decimal {
    text.trim().replace(['$', ',', ' '], "").parse().unwrap()
}

/// Every order against a plain reading of the rate rows: the cheapest of those that match, or none.
#[test]
fn nine_thousand_orders_by_overlapping_tariffs() {
    let Some(rates) = real_data("brunel/FreightRates.csv") else { return };
    let Some(orders) = real_data("brunel/OrderList.csv") else { return };
    let known = rows(&rates);
    let expected: Vec<(String, Option<rust_decimal::Decimal>)> = rows(&orders)
        .iter()
        .map(|order| {
            let weight = number(&order[13]);
            let matching = known.iter().filter(|rate| {
                (&rate[0], &rate[1], &rate[2], &rate[5]) == (&order[3], &order[2], &order[11], &order[5])
                    && number(&rate[3]) <= weight
                    && weight <= number(&rate[4])
            });
            let charge = matching.map(|rate| {
                let charge = (number(&rate[7]) * weight)
                    .round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
                charge.max(number(&rate[6]))
            });
            (order[3].to_owned(), charge.min())
        })
        .collect();
    on_both(|db| {
        let desk = Desk::new(&db);
        let said = load(&desk, &rates, "brunel");
        assert_eq!(said["rows_read"], 1_540, "{said}");
        let rated = rate(&desk, orders.to_str().unwrap(), &["--mapping", "brunel-orders"]);
        assert_eq!(rated.len(), expected.len());
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (one, (carrier, charge)) in rated.iter().zip(&expected) {
            let status = one["status"].as_str().unwrap();
            *counts.entry(status.to_owned()).or_default() += 1;
            let wanted = match (carrier.as_str(), charge) {
                ("V44_3", _) => "NOT_APPLICABLE",
                (_, Some(_)) => "RATED",
                (_, None) => "UNRATED",
            };
            assert_eq!(status, wanted, "{one}");
            match charge.filter(|_| status == "RATED") {
                Some(charge) => assert_eq!(number(one["total"].as_str().unwrap()), charge, "{one}"),
                None => assert_eq!(one["total"], Value::Null, "never 0.00: {one}"),
            }
        }
        assert_eq!(counts["NOT_APPLICABLE"], 854, "{counts:?}");
        println!("{counts:?}");
    });
}

/// Exports `C-1`, imports the file, and finds every line and every price as it was.
fn out_and_in(db: &TestDb, desk: &Desk, file: &str) {
    let before = lines_stored(db);
    assert!(!before.is_empty());
    let said = desk.run(&["export", "rates", file, "--contract", "C-1", "--format", "json"]).ends(0).json();
    let loaded = desk.run(&["import", "rates", file, "--contract", "C-1", "--format", "json"]).ends(0).json();
    assert_eq!(loaded["cells"], said["rates"], "{file}");
    assert_eq!(lines_stored(db), before, "{file}");
}

/// Two public tariffs out as csv and workbook and in again: not one price differs.
#[test]
fn public_tariffs_go_out_and_come_in_as_they_were() {
    let Some(first) = real_data("tariff_400ng/linehaul_rates_2019.csv") else { return };
    let Some(second) = real_data("tariff_400ng/linehaul_rates_2020.csv") else { return };
    let Some(freight) = real_data("brunel/FreightRates.csv") else { return };
    on_both(|db| {
        let desk = Desk::new(&db);
        load(&desk, &first, "400ng-2019");
        load(&desk, &second, "400ng-2020");
        out_and_in(&db, &desk, "tariff.csv");
        out_and_in(&db, &desk, "tariff.xlsx");
    });
    on_both(|db| {
        let desk = Desk::new(&db);
        load(&desk, &freight, "brunel");
        out_and_in(&db, &desk, "freight.csv");
        out_and_in(&db, &desk, "freight.xlsx");
        // Against the version in force the import itself says that nothing changes.
        super::approve(&db);
        let arguments =
            ["import", "rates", "freight.csv", "--contract", "C-1", "--dry-run", "--format", "json"];
        let said = desk.run(&arguments).ends(0).json();
        assert_eq!((&said["compared_with"], &said["version"]), (&1.into(), &2.into()));
        let count = |name: &str| -> u64 {
            said["lines"].as_array().unwrap().iter().map(|line| line[name].as_u64().unwrap()).sum()
        };
        assert_eq!(["added", "removed", "changed"].map(count), [0; 3]);
        assert_eq!(said["cells"], count("same"));
    });
}

/// Weekly diesel prices: each one once, and a correction beside the price it corrects.
#[test]
fn diesel_prices_are_kept_as_they_became_known() {
    let Some(file) = real_data("diesel/eia_us_no2_diesel_weekly_2020.csv") else { return };
    on_both(|db| {
        let desk = Desk::new(&db);
        let import = |file: &str| {
            desk.run(&["import", "fuel", file, "--mapping", "eia-diesel", "--format", "json"]).ends(0).json()
        };
        let said = import(file.to_str().unwrap());
        assert_eq!((&said["rows_new"], &said["rows_rejected"]), (&29.into(), &0.into()));
        let said = import(file.to_str().unwrap());
        assert_eq!((&said["rows_new"], &said["rows_same"]), (&0.into(), &29.into()));
        desk.file("correction.csv", "week_monday,usd_per_gallon\n2020-03-30,2.590\n");
        assert_eq!(import("correction.csv")["rows_changed"], 1);
        let app = db.app_at("2099-01-01T00:00:00Z");
        let all = lanemark::db::market::fuel_price_list(&mut db.conn(), app.now()).unwrap();
        let of_day: Vec<i64> = all
            .iter()
            .filter(|price| price.published_on.to_string() == "2020-03-30")
            .map(|price| price.price.0)
            .collect();
        assert_eq!((all.len(), of_day), (30, vec![2_586_000, 2_590_000]));
    });
}
