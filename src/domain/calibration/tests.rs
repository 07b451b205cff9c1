//! The case files, and what holds for any set of shipments.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

const CASES: [&str; 2] = [
    include_str!("../../../tests/cases/calibration/signatures.toml"),
    include_str!("../../../tests/cases/calibration/bills.toml"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    source: String,
    compared: u64,
    modelled: String,
    billed: String,
    order: Vec<String>,
    #[serde(default)]
    outside: Option<String>,
    #[serde(default)]
    not_billed: u64,
    no_linehaul: Option<(u64, String)>,
    not_modelled: Option<(u64, String)>,
    #[serde(default)]
    other_currency: u64,
    #[serde(default)]
    unrated: BTreeMap<String, (u64, String)>,
    shipment: Vec<Given>,
    row: Vec<Wanted>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    lane: String,
    #[serde(default)]
    count: Option<usize>,
    modelled: Option<BTreeMap<String, String>>,
    unrated: Option<String>,
    #[serde(default)]
    billed: BTreeMap<String, String>,
    #[serde(default)]
    sums: BTreeMap<String, String>,
    #[serde(default)]
    currency: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    r#type: String,
    lane: Option<String>,
    modelled: String,
    billed: String,
    residual: String,
    #[serde(default)]
    both: u64,
    #[serde(default)]
    only_modelled: u64,
    #[serde(default)]
    only_billed: u64,
    differ: u64,
    signature: String,
}

fn micros(text: &str) -> Micros {
    Micros::from_decimal(text.parse().unwrap()).unwrap()
}

fn modelled_line((name, amount): (&String, &String)) -> ExpectedLine {
    let (part, code) = match name.as_str() {
        "base" => (ChargePart::Linehaul, "400"),
        "fuel" => (ChargePart::Fuel, "405"),
        "tax" => (ChargePart::Tax, "TAX"),
        code => (ChargePart::Accessorial, code),
    };
    ExpectedLine { code: code.to_owned(), part, amount_micros: micros(amount).0 }
}

fn billed_line((name, amount): (&String, &String)) -> BilledLine {
    let (category, meaning) = match name.as_str() {
        "linehaul" => ("LINEHAUL", Some(Meaning::Linehaul)),
        "fuel" => ("FUEL", Some(Meaning::Fuel)),
        "tax" => ("TAX", Some(Meaning::Tax)),
        "not chargeable" => ("ACCESSORIAL", Some(Meaning::NotChargeable)),
        "outside" => ("ACCESSORIAL", Some(Meaning::Other)),
        "unmapped" => ("ACCESSORIAL", None),
        code => ("ACCESSORIAL", Some(Meaning::Accessorial(code.to_owned()))),
    };
    BilledLine { meaning, category: category.to_owned(), amount: micros(amount) }
}

impl Given {
    fn outcome(&self) -> Outcome {
        let lines: Vec<ExpectedLine> = self.modelled.iter().flatten().map(modelled_line).collect();
        let modelled = match (&self.modelled, &self.unrated) {
            (_, Some(reason)) => Modelled::Unrated(reason),
            (Some(_), None) => Modelled::Rated(&lines, Currency::USD),
            (None, None) => Modelled::Nothing,
        };
        let sum = |name: &str| self.sums.get(name).map(|text| micros(text));
        let bill = Bill {
            linehaul: sum("linehaul"),
            fuel: sum("fuel"),
            accessorial: sum("accessorial"),
            freight: sum("freight"),
            lines: self.billed.iter().map(billed_line).collect(),
            currencies: vec![self.currency.clone().unwrap_or_else(|| "USD".to_owned())],
        };
        compare(modelled, &bill, Currency::USD)
    }
}

fn calibrated(shipments: &[(String, Outcome)]) -> Calibrated {
    let mut sums = Calibration::new(Currency::USD);
    for (lane, outcome) in shipments {
        sums.add(lane, outcome);
    }
    sums.finish()
}

/// Parts sum to the whole, over lanes and over types alike.
fn assert_sums(found: &Calibrated) {
    for rows in [&found.types, &found.hot_spots] {
        let sum = |of: fn(&Tally) -> Micros| rows.iter().map(|row| of(&row.tally)).sum::<Micros>();
        assert_eq!(sum(|tally| tally.modelled), found.modelled);
        assert_eq!(sum(|tally| tally.billed), found.billed);
        assert_eq!(sum(Tally::residual), found.modelled - found.billed);
        for pair in rows.windows(2) {
            assert!(pair[0].tally.residual().abs() >= pair[1].tally.residual().abs(), "hot spots first");
        }
        for row in rows {
            let tally = &row.tally;
            assert!(tally.both + tally.only_modelled + tally.only_billed <= tally.compared, "{row:?}");
            assert!(tally.one_way() <= tally.differing() && tally.one_way() * 2 >= tally.differing());
            assert!(tally.tenth().is_none_or(|share| share > Decimal::ZERO && share <= Decimal::ONE));
        }
    }
}

#[test]
fn calibration_case() {
    for file in CASES {
        let file: File = toml::from_str(file).unwrap();
        for case in file.case {
            let title = format!("{} ({})", case.title, case.source);
            let mut shipments: Vec<(String, Outcome)> = case
                .shipment
                .iter()
                .flat_map(|given| {
                    std::iter::repeat_with(|| (given.lane.clone(), given.outcome()))
                        .take(given.count.unwrap_or(1))
                })
                .collect();
            let found = calibrated(&shipments);
            assert_sums(&found);
            shipments.reverse();
            assert_eq!(calibrated(&shipments), found, "{title}");
            case.holds(&found, &title);
        }
    }
}

impl Case {
    fn holds(&self, found: &Calibrated, title: &str) {
        assert_eq!(found.compared, self.compared, "{title}");
        assert_eq!((found.modelled, found.billed), (micros(&self.modelled), micros(&self.billed)), "{title}");
        let order: Vec<String> = found
            .hot_spots
            .iter()
            .map(|row| format!("{} {}", row.of, row.lane.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(order, self.order, "{title}");
        assert_eq!(found.outside, self.outside.as_deref().map_or(Micros::ZERO, micros), "{title}");
        assert_eq!(found.left.not_billed, self.not_billed, "{title}");
        assert_eq!(found.left.other_currency, self.other_currency, "{title}");
        let count = |(shipments, billed): &(u64, String)| (*shipments, micros(billed));
        assert_eq!(
            found.left.not_modelled,
            self.not_modelled.as_ref().map(count).unwrap_or_default(),
            "{title}"
        );
        assert_eq!(
            found.left.no_linehaul,
            self.no_linehaul.as_ref().map(count).unwrap_or_default(),
            "{title}"
        );
        let unrated: BTreeMap<String, (u64, Micros)> =
            self.unrated.iter().map(|(reason, told)| (reason.clone(), count(told))).collect();
        assert_eq!(found.left.unrated, unrated, "{title}");
        for wanted in &self.row {
            let of: ChargeType = wanted.r#type.parse().unwrap();
            let rows = if wanted.lane.is_some() { &found.hot_spots } else { &found.types };
            let row = rows.iter().find(|row| row.of == of && row.lane == wanted.lane).unwrap();
            let tally = &row.tally;
            let place = format!("{title}: {of} {:?}", wanted.lane);
            assert_eq!(tally.modelled, micros(&wanted.modelled), "{place}");
            assert_eq!(tally.billed, micros(&wanted.billed), "{place}");
            assert_eq!(tally.residual(), micros(&wanted.residual), "{place}");
            assert_eq!(
                (tally.both, tally.only_modelled, tally.only_billed, tally.differing()),
                (wanted.both, wanted.only_modelled, wanted.only_billed, wanted.differ),
                "{place}"
            );
            assert_eq!(row.signature().code(), wanted.signature, "{place}");
        }
    }
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let names = prop::sample::select(vec![
        "linehaul",
        "fuel",
        "tax",
        "LFT",
        "DTU",
        "unmapped",
        "not chargeable",
        "outside",
    ]);
    let parts = prop::sample::select(vec!["base", "fuel", "tax", "LFT", "DTU"]);
    let amount = || (0_i64..2_000).prop_map(|cents| Micros(cents * 10_000).to_string());
    let billed = prop::collection::btree_map(names.prop_map(str::to_owned), amount(), 0..5);
    let modelled =
        prop::option::of(prop::collection::btree_map(parts.prop_map(str::to_owned), amount(), 1..4));
    let sums = prop::collection::btree_map(
        prop::sample::select(vec!["linehaul", "fuel", "accessorial", "freight"]).prop_map(str::to_owned),
        amount(),
        0..4,
    );
    (billed, modelled, sums, prop::option::of(Just("no lane fits".to_owned()))).prop_map(
        |(billed, modelled, sums, unrated)| {
            let unrated = unrated.filter(|_| modelled.is_none());
            let given =
                Given { lane: String::new(), count: None, modelled, unrated, billed, sums, currency: None };
            given.outcome()
        },
    )
}

proptest! {
    #[test]
    fn parts_sum_to_the_whole_and_order_does_not_matter(
        shipments in prop::collection::vec(
            (prop::sample::select(vec!["A-B", "C-D", ""]).prop_map(str::to_owned), any_outcome()), 0..60,
        ).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let (first, shuffled) = shipments;
        let found = calibrated(&first);
        assert_sums(&found);
        prop_assert_eq!(calibrated(&shuffled), found.clone());
        // Every shipment is somewhere, once.
        let left = &found.left;
        let unrated: u64 = left.unrated.values().map(|(shipments, _)| shipments).sum();
        let neither = first.iter().filter(|(_, outcome)| *outcome == Outcome::Neither).count();
        let all = found.compared + left.not_billed + left.no_linehaul.0 + left.not_modelled.0 + left.not_applicable.0 + left.other_currency + unrated;
        prop_assert_eq!(usize::try_from(all).unwrap() + neither, first.len());
    }

    #[test]
    fn a_shipment_billed_as_modelled_agrees(lines in prop::collection::btree_map(
        prop::sample::select(vec!["base", "fuel", "LFT", "DTU"]).prop_map(str::to_owned),
        (1_i64..2_000).prop_map(|cents| Micros(cents * 10_000).to_string()), 1..4,
    )) {
        let mut modelled = lines;
        modelled.entry("base".to_owned()).or_insert_with(|| "10".to_owned());
        let billed = modelled
            .iter()
            .map(|(name, amount)| (if name == "base" { "linehaul".to_owned() } else { name.clone() }, amount.clone()))
            .collect();
        let given = Given {
            lane: "A-B".to_owned(), count: None, modelled: Some(modelled), unrated: None, billed,
            sums: BTreeMap::new(), currency: None,
        };
        let found = calibrated(&[("A-B".to_owned(), given.outcome())]);
        prop_assert!(found.hot_spots.iter().all(|row| row.signature() == Signature::Agrees), "{:?}", found);
    }
}

#[test]
fn charge_types_read_back_as_written() {
    let code = |code: &str| ChargeType::Accessorial(code.to_owned());
    for of in [
        ChargeType::Whole,
        ChargeType::Linehaul,
        ChargeType::Fuel,
        ChargeType::Accessorials,
        code("LFT"),
        code("FUEL"),
        ChargeType::Tax,
        ChargeType::NotChargeable,
        ChargeType::Unmapped,
    ] {
        assert_eq!(of.to_string().parse(), Ok(of));
    }
    assert!("LFT".parse::<ChargeType>().is_err() && "ACCESSORIAL:".parse::<ChargeType>().is_err());
}
