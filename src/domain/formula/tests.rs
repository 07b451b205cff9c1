//! Formulas by case files (`tests/cases/formula/README.md` tells how), by properties, and by nonsense.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::*;
use crate::domain::kpi::Kpi;
use crate::domain::measure::Measures;
use crate::domain::outcome::Outcome;
use crate::domain::scorecard::Volume;
use crate::domain::signal::Better;
use crate::domain::syntax::Tree;

const VALUES: &str = include_str!("../../../tests/cases/formula/values.toml");
const REFUSED: &str = include_str!("../../../tests/cases/formula/refused.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<T> {
    case: Vec<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    code: String,
    unit: OwnUnit,
    formula: String,
    #[serde(default)]
    retired: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueCase {
    title: String,
    source: String,
    formula: String,
    unit: OwnUnit,
    #[serde(default)]
    own: Vec<Other>,
    measures: Measures,
    value: Option<Decimal>,
    gross: Option<Decimal>,
    low: Option<Decimal>,
    high: Option<Decimal>,
    #[serde(default)]
    no_interval: bool,
    n: Option<i64>,
    coverage: Option<Decimal>,
    fault: Option<String>,
    steps: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedCase {
    title: String,
    formula: String,
    unit: OwnUnit,
    #[serde(default)]
    own: Vec<Other>,
    at: usize,
    says: String,
}

fn kpi(code: &str, unit: OwnUnit, formula: &str) -> OwnKpi {
    OwnKpi {
        code: code.to_owned(),
        version: 1,
        name: code.to_owned(),
        unit,
        better: Better::Higher,
        formula: formula.to_owned(),
        rules: "As the case says.".to_owned(),
        volume: Volume::Mean,
        retired: false,
    }
}

fn library(own: Vec<Other>) -> Library {
    own.into_iter()
        .map(|one| OwnKpi { retired: one.retired, ..kpi(&one.code, one.unit, &one.formula) })
        .collect()
}

fn plan(text: &str, unit: OwnUnit) -> Plan {
    Plan::new(&kpi("ASKED", unit, text), &Library::default()).unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn formula_case_values() {
    let file: File<ValueCase> = toml::from_str(VALUES).unwrap();
    assert!(file.case.len() > 15);
    for case in file.case {
        let title = format!("{} ({})", case.title, case.source);
        let asked = kpi("ASKED", case.unit, &case.formula);
        let plan = Plan::new(&asked, &library(case.own)).unwrap_or_else(|error| panic!("{title}: {error}"));
        let Answer { value, steps } = plan.answer(&case.measures);
        assert_eq!(value.net, case.value, "{title}");
        assert_eq!(value.fault.as_ref().map(Fault::words), case.fault, "{title}");
        assert_eq!((value.code.as_str(), value.version), ("ASKED", 1), "{title}");
        for (what, found, wanted) in [
            ("gross", value.gross, case.gross),
            ("low", value.low, case.low),
            ("high", value.high, case.high),
            ("coverage", value.coverage, case.coverage),
        ] {
            assert!(wanted.is_none() || found == wanted, "{title}: {what} is {found:?}");
        }
        assert!(!case.no_interval || (value.low.is_none() && !plan.is_proportion()), "{title}: an interval");
        assert!(case.n.is_none_or(|n| n == value.n), "{title}: n is {}", value.n);
        if let Some(wanted) = case.steps {
            let told: Vec<String> =
                steps
                    .into_iter()
                    .map(|step| {
                        if step.kpi == "ASKED" { step.words } else { format!("{}: {}", step.kpi, step.words) }
                    })
                    .collect();
            assert_eq!(told, wanted, "{title}");
        }
    }
}

#[test]
fn formula_case_refused() {
    let file: File<RefusedCase> = toml::from_str(REFUSED).unwrap();
    for case in file.case {
        let found = check(&case.formula, case.unit, Some("ASKED"), &library(case.own));
        let error = found.expect_err(&case.title);
        assert_eq!(error.place.at, case.at, "{}: {error}", case.title);
        assert!(error.to_string().contains(&case.says), "{}: {error}", case.title);
        let (before, marked, after) = error.marked(&case.formula);
        let whole = format!("{before}{marked}{after}");
        assert_eq!(whole.trim_end(), case.formula.trim_end(), "{}", case.title);
    }
}

#[test]
fn bounds_are_named_in_the_error() {
    let refused = |text: &str| {
        let found = check(text, OwnUnit::Count, None, &Library::default());
        found.expect_err("it is beyond a bound").problem
    };
    assert_eq!(refused(&"shipments+".repeat(300)), Problem::TooLong);
    assert_eq!(refused(&format!("{}shipments{}", "(".repeat(40), ")".repeat(40))), Problem::TooDeep);
    assert_eq!(refused(&format!("{}shipments", "-".repeat(40))), Problem::TooDeep);
    assert_eq!(refused(&vec!["shipments"; 40].join("+")), Problem::TooDeep);
    let wide = format!("max({})", vec!["min(a, a, a, a, a, a)"; 29].join(","));
    assert_eq!(refused(&wide), Problem::TooManyParts);
    // One too many, and no more: a text of all would be too long.
    let counts = names().filter(|n| n.unit == Unit::COUNT).map(|n| n.name);
    let all: Vec<&str> = counts.take(MAX_FORMULA_NAMES + 1).collect();
    if all.len() > MAX_FORMULA_NAMES {
        assert_eq!(refused(&format!("max({})", all.join(","))), Problem::TooManyNames);
    }
}

#[test]
fn an_own_kpi_says_what_is_wrong_with_it() {
    let fields = |kpi: OwnKpi| kpi.problems().into_iter().map(|(field, _)| field).collect::<Vec<_>>();
    assert!(fields(kpi("LATE_SHARE2", OwnUnit::Percent, "x")).is_empty());
    for code in ["late", "9A", "A", "A-B", "Ä1", "OTD_WIN", "A234567890123456789012345", ""] {
        assert_eq!(fields(kpi(code, OwnUnit::Percent, "x"))[0], "code", "{code}");
    }
    let bare = OwnKpi { rules: " ".to_owned(), name: "x".repeat(81), ..kpi("AB", OwnUnit::Count, "x") };
    assert_eq!(fields(bare), ["name", "rules"]);
}

#[test]
fn a_wide_web_of_own_kpis_is_followed_once() {
    // Each uses the one below twice: followed blindly that is two to the sixth, and of 40 twice a lifetime.
    let mut own: Vec<OwnKpi> = (0..5)
        .map(|at| kpi(&format!("L{at}"), OwnUnit::Count, &format!("L{} + L{}", at + 1, at + 1)))
        .collect();
    own.push(kpi("L5", OwnUnit::Count, "shipments"));
    let library: Library = own.iter().cloned().collect();
    let plan = Plan::new(&own[0], &library).unwrap();
    assert_eq!(plan.kpis().count(), 6);
    let value = plan.value(&Measures { shipments: 3, ..Measures::default() });
    assert_eq!(value.net, Some(Decimal::from(96)));
    assert_eq!(library.users_of("L5").iter().map(|kpi| kpi.code.as_str()).collect::<Vec<_>>(), ["L4"]);
}

/// The fields of [`Measures`], as its own reader names them.
fn fields() -> Vec<String> {
    let error = serde_json::from_str::<Measures>(r#"{"?": 0}"#).unwrap_err().to_string();
    let listed = error.split("expected one of").nth(1).expect("the reader lists its fields");
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_field_of_the_measures_has_its_names() {
    let fields = fields();
    assert!(fields.len() >= 19, "{fields:?}");
    for name in names() {
        assert!(fields.iter().any(|field| field == name.field), "{} is read from no field", name.name);
    }
    // Misses by reason are a table for people, told whole; the tallies beside them have the names.
    for field in fields.iter().filter(|field| *field != "causes") {
        let read = |json: &str| serde_json::from_str::<Measures>(&format!(r#"{{"{field}": {json}}}"#)).ok();
        // Parts of one field are told apart by figures of their own; a part without a name goes unread.
        let (filled, parts): (Measures, Vec<i64>) = if let Some(whole) = read("7") {
            (whole, vec![7])
        } else if let Some(histogram) = read("[2, 3, 4, 5]") {
            (histogram, vec![8])
        } else if let Some(pair) = read("[11000000, 13000000]") {
            (pair, vec![11_000_000, 13_000_000])
        } else if let Some(states) = read(
            r#"[[1, "2026-01-05", "2026-01-05", true], [2, "2026-01-05", "2026-01-05", true], [3, "2026-01-05", "2026-01-05", false]]"#,
        ) {
            (states, vec![2, 3])
        } else {
            (read("[1, 2, 3, 4, 5, 6]").expect("a tally"), vec![1, 2, 3, 4, 5, 6])
        };
        let own: Vec<&Name> = names().filter(|name| name.field == *field).collect();
        let seen: BTreeSet<i64> = own
            .iter()
            .filter_map(|name| match name.read {
                Read::Count(of) | Read::Micros(of) | Read::Thousandths(of) => Some(of(&filled)),
                Read::Histogram(_) => None,
            })
            .collect();
        for part in parts {
            assert!(seen.contains(&part), "a part of `{field}` has no name in a formula; add it to name.rs");
        }
    }
}

#[test]
fn names_are_told_once_and_never_look_like_a_kpi() {
    let all: Vec<&str> = names().map(|name| name.name).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    for name in &all {
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '.')), "{name}");
        assert!(!["and", "or", "not", "min", "max", "if", "percentile"].contains(name));
    }
    let shares = names().filter(|name| name.role == Role::Success);
    for success in shares {
        let failures =
            names().filter(|name| name.field == success.field && name.role == Role::Failure).count();
        assert_eq!(failures, 2, "{}", success.field);
    }
}

fn measures() -> impl Strategy<Value = Measures> {
    (0..50_i64, prop::collection::vec((0..7_usize, 0..4000_i64), 0..20)).prop_map(|(shipments, units)| {
        let mut measures = Measures { shipments, ..Measures::default() };
        for (outcome, minutes) in units {
            measures.delivery_window.count(Outcome::ALL[outcome]);
            measures.tender.count(Outcome::ALL[outcome]);
            measures.dwell.count(minutes);
            measures.freight.add(minutes * 10_000, 1);
            measures.status_timely.add(minutes % 2, 1);
        }
        measures
    })
}

/// A formula as text, of any unit, made of everything the language has. Some of them hold.
fn formula() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> = names()
        .map(|name| name.name)
        .chain(Kpi::ALL.map(Kpi::code))
        .chain(["percentile(dwell, 90)", "0", "3", "2.50", "30 count", "15 minutes", "5 %", "1 money"])
        .collect();
    let leaf = prop::sample::select(names).prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let sign =
            prop::sample::select(vec!["+", "-", "*", "/", "=", "!=", "<", "<=", ">", ">=", "and", "or"]);
        prop_oneof![
            (inner.clone(), sign.clone(), inner.clone()).prop_map(|(a, s, b)| format!("{a} {s} {b}")),
            (inner.clone(), sign, inner.clone()).prop_map(|(a, s, b)| format!("({a}) {s} ({b})")),
            inner.clone().prop_map(|a| format!("-{a}")),
            inner.clone().prop_map(|a| format!("not ({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("min({a}, {b})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("if({a} >= {b}, {c}, {b})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// What is printed reads back as the same tree, and prints the same again.
    #[test]
    fn a_formula_reads_back_as_it_is_printed(text in formula()) {
        if let Ok(tree) = read(&text) {
            let printed = tree.to_string();
            let again: Tree = read(&printed).map_err(|e| TestCaseError::fail(format!("{printed}: {e}")))?;
            prop_assert_eq!(&again, &tree, "{} printed as {}", text, printed);
            prop_assert_eq!(again.to_string(), printed);
        }
    }

    /// Any bytes: an answer or an error with a place inside the text, never a panic.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        if let Err(error) = check(&text, OwnUnit::Percent, None, &Library::default()) {
            prop_assert!(error.place.at >= 1 && error.place.at <= text.chars().count() + 1);
            let (before, _, after) = error.marked(&text);
            prop_assert!(before.len() + after.len() <= text.len());
        }
    }

    /// Words of the language in any order: what holds is computed without a panic, what does not says where.
    #[test]
    fn any_soup_of_words_is_computed_or_refused(
        words in prop::collection::vec(prop::sample::select(vec![
            "shipments", "delivery_window.success", "delivery_window.late", "freight.amount", "dwell", "OTD_WIN",
            "CPS", "DWELL_LM", "nothing", "9999999999999999999999999999", "0.0000000000000000000000000001", "0", "30",
            "count", "money", "%", "minutes", "+", "-", "*", "/", "(", ")", ",", "=", "<", ">=", "and", "or", "not",
            "min", "max", "if", "percentile", "percentile(dwell, 90)", "min(", "if(", ".", "..", "é", "\"",
        ]), 0..40),
        cell in measures(),
    ) {
        let text = words.join(" ");
        for unit in OwnUnit::ALL {
            match Plan::new(&kpi("ASKED", *unit, &text), &Library::default()) {
                Ok(plan) => {
                    let value = plan.value(&cell);
                    prop_assert!(value.net.is_some() != value.fault.is_some());
                }
                Err(error) => {
                    prop_assert!(error.place.at >= 1 && error.place.at <= text.chars().count() + 1, "{}", error);
                }
            }
        }
    }

    /// Cells add up: a formula over a sum is the same however the sum was split and ordered.
    #[test]
    fn a_formula_over_a_sum_does_not_see_the_split(
        text in formula(), cells in prop::collection::vec(measures(), 1..6), at in 0..6_usize,
    ) {
        let unit = OwnUnit::ALL.iter().find(|unit| check(&text, **unit, None, &Library::default()).is_ok());
        if let Some(unit) = unit {
            let plan = plan(&text, *unit);
            let sum = |cells: &[&Measures]| {
                let mut whole = Measures::default();
                cells.iter().for_each(|cell| whole += cell);
                whole
            };
            let all: Vec<&Measures> = cells.iter().collect();
            let (left, right) = all.split_at(at.min(all.len()));
            let mut parts = sum(right);
            parts += &sum(left);
            prop_assert_eq!(plan.answer(&parts), plan.answer(&sum(&all)));
        }
    }

    /// Each name is additive: a cell adds to it what it has.
    #[test]
    fn a_name_of_a_sum_is_the_sum_of_the_name(a in measures(), b in measures()) {
        let mut both = a.clone();
        both += &b;
        for name in names() {
            let (Some(left), Some(right), Some(whole)) = (name.figure(&a), name.figure(&b), name.figure(&both)) else {
                continue;
            };
            prop_assert_eq!(left + right, whole, "{}", name.name);
            prop_assert_eq!((name.units_behind)(&a) + (name.units_behind)(&b), (name.units_behind)(&both));
        }
    }

    /// A share written out is the catalogue's KPI to the last digit.
    #[test]
    fn the_catalogue_written_as_a_formula_is_the_catalogue(cell in measures()) {
        for (kpi, text, unit) in [
            (Kpi::OtdWin, "delivery_window.success / (delivery_window.success + delivery_window.late + delivery_window.no_evidence)", OwnUnit::Percent),
            (Kpi::Tar, "tender.accepted / (tender.accepted + tender.rejected + tender.unanswered)", OwnUnit::Percent),
            (Kpi::EdiTimely, "status.in_time / status.received", OwnUnit::Percent),
            (Kpi::Cps, "freight.amount / freight.shipments", OwnUnit::MoneyEach),
            (Kpi::DwellLm, "percentile(dwell, 90)", OwnUnit::Hours),
        ] {
            let (own, catalogue) = (plan(text, unit).value(&cell), kpi.value(&cell));
            prop_assert_eq!(
                (own.net, own.gross, own.low, own.high, own.n, own.excused, own.no_evidence, own.no_baseline, own.pending),
                (catalogue.net, catalogue.gross, catalogue.low, catalogue.high, catalogue.n, catalogue.excused,
                    catalogue.no_evidence, catalogue.no_baseline, catalogue.pending),
                "{}", kpi
            );
        }
    }
}
