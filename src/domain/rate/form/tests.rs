//! What is written into a form reads back the same, and what is wrong is told at its field and line.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::super::tests::samples::{lane, ltl};
use super::super::{DimMethod, DimRule, FakRule, RateParameters};
use super::*;
use crate::domain::accessorial::condition::Condition;
use crate::domain::commitment::{CommitmentSide, VolumeMeasure};
use crate::domain::currency::Currency;
use crate::domain::exact::{RoundMode, Rounding};
use crate::domain::fuel::{FuelBasis, FuelBracket, FuelMethod};
use crate::domain::money::Micros;
use crate::domain::period::PeriodKind;
use crate::domain::quantity::{DistanceUnit, LengthUnit, WeightUnit};
use crate::domain::service_level::{DateWindow, OnTimeEvent, ServiceTier};
use crate::domain::tier::{TierBand, TierMethod, TierWindow};

fn values(pairs: &[(&'static str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

fn on_fields(result: Result<TermItem, FieldErrors>) -> Vec<String> {
    result.unwrap_err().into_iter().map(|(field, message)| format!("{field}: {message}")).collect()
}

fn fuel(brackets: &str) -> Values {
    let mut values = usual(TermKind::Fuel);
    values.insert("index", "EIA".to_owned());
    values.insert("method", "TABLE".to_owned());
    values.insert("brackets", brackets.to_owned());
    values
}

#[test]
fn a_fuel_table_is_written_as_people_write_it() {
    let TermItem::Fuel(read) =
        read(TermKind::Fuel, &fuel("0 – 2.50: 0\n2.50 to 2.75: 18.5 %\n\n2.75 and more: 20")).unwrap()
    else {
        panic!("a fuel programme")
    };
    let row = |from: i64, to: Option<i64>, value: i64| FuelBracket {
        from: Micros(from),
        to: to.map(Micros),
        value: Micros(value),
    };
    let brackets = vec![
        row(0, Some(2_500_000), 0),
        row(2_500_000, Some(2_750_000), 18_500_000),
        row(2_750_000, None, 20_000_000),
    ];
    assert_eq!(read.method, Some(FuelMethod::Table { brackets }));
    assert_eq!((read.effective_days, read.cadence_days), (1, 7));
}

#[test]
fn what_is_wrong_with_a_list_names_its_line() {
    let hole = on_fields(read(TermKind::Fuel, &fuel("0 – 2.50: 0\n\n2.75 and more: 20")));
    assert_eq!(
        hole,
        ["brackets: line 3: no row holds prices from 2.500 to 2.750; a row ends where the next begins"]
    );
    let overlap = on_fields(read(TermKind::Fuel, &fuel("0 – 2.50: 0\n2.40 and more: 20")));
    assert_eq!(overlap, ["brackets: line 2: starts at 2.400, inside the row before it"]);
    let words = on_fields(read(TermKind::Fuel, &fuel("0 – 2.50: 0\n2.50 USD – 3 EUR: 1")));
    assert!(words[0].starts_with("brackets: line 2: `2.50 USD – 3 EUR: 1` is no row"), "{words:?}");
    let calendar = |windows: &str| {
        let values = values(&[("code", "PEAK"), ("label", "Peak"), ("windows", windows)]);
        on_fields(read(TermKind::Calendar, &values))
    };
    assert_eq!(
        calendar("2025-11-15 – 2025-11-01"),
        ["windows: line 1: ends before it starts; choose a later end"]
    );
    assert_eq!(
        calendar("2025-11-01 – 2025-12-01\n2025-12-01 – 2025-12-24"),
        ["windows: line 2: starts before the window above it ends; join or order them"]
    );
    let tier = values(&[
        ("label", "Rebate"),
        ("measure", "SPEND"),
        ("window", "CALENDAR_YEAR"),
        ("bands", "500,000: 2 %"),
        ("grace_weeks", "0"),
    ]);
    assert!(on_fields(read(TermKind::Tier, &tier))[0].starts_with("bands: the first band starts at 0"));
    let zone = values(&[("name", "NE"), ("members", "US-TX\nnowhere")]);
    assert!(
        on_fields(read(TermKind::Zone, &zone))[0].starts_with("members: line 2: `nowhere` names no place")
    );
}

#[test]
fn nothing_typed_is_lost_or_guessed() {
    let mut both = fuel("0 and more: 1");
    both.insert("peg", "1.20".to_owned());
    assert!(on_fields(read(TermKind::Fuel, &both))[0].starts_with("peg: does not belong"));
    let mut two = fuel("0 and more: 1");
    two.insert("currency", "USD EUR".to_owned());
    assert!(on_fields(read(TermKind::Fuel, &two))[0].starts_with("currency: write one currency"));
    let fine = values(&[("code", "TAX"), ("label", "Tax"), ("jurisdiction", "US"), ("share", "8.255")]);
    assert!(on_fields(read(TermKind::Tax, &fine))[0].starts_with("share: write a percentage"));
    let mut turned = fuel("0 and more: 1");
    turned.insert("valid_from", "2025-10-02".to_owned());
    turned.insert("valid_to", "2025-10-01".to_owned());
    assert!(on_fields(read(TermKind::Fuel, &turned))[0].starts_with("valid_to: ends before it starts"));
    // An empty form is refused at each field that must be filled, and nothing panics.
    for kind in TermKind::ALL {
        assert!(!read(*kind, &Values::new()).unwrap_err().is_empty(), "{kind}");
    }
    assert!(parameters_read(&Values::new(), &RateParameters::default()).is_err());
}

#[test]
fn a_term_fits_among_the_others() {
    let mut terms = RateTerms::empty(Currency::USD);
    terms.lines.push(ltl());
    terms.lanes.push(lane("L1", "US-TX", "*", "LTL"));
    let told = |item: TermItem, place| -> Vec<String> {
        item.problems_among(&terms, place)
            .into_iter()
            .map(|(field, text)| format!("{field}: {text}"))
            .collect()
    };
    let same = TermItem::Lane(lane("l1", "US-TX", "US", "LTL"));
    assert_eq!(told(same.clone(), Some(0)), [""; 0]);
    assert_eq!(told(same, None), ["code: is in the list already; change that one instead"]);
    let unknown = TermItem::Lane(lane("L2", "zone:NE", "US", "TL"));
    assert_eq!(
        told(unknown, None),
        [
            "line: the draft has no rate table TL; the tables are LTL",
            "origin: the draft has no zone of that name; add the zone first"
        ]
    );
    let line = fields(TermKind::Lane, &terms).into_iter().find(|field| field.name == "line").unwrap();
    assert_eq!(line.hint, "By code; the tables are LTL.");
    for kind in TermKind::ALL {
        assert_eq!(TermKind::of_slug(&kind.slug()), Some(*kind));
    }
}

#[test]
fn a_full_hour_reads_back() {
    for (typed, shown) in [("15:00", "15:00"), ("00:00:00", "00:00"), ("15:30:05", "15:30:05")] {
        let mut values = usual(TermKind::ServiceLevel);
        values.extend(values_of_service(typed));
        let level = read(TermKind::ServiceLevel, &values).unwrap();
        assert_eq!(write(&level)["cutoff"], shown);
        assert_eq!(read(TermKind::ServiceLevel, &write(&level)), Ok(level));
    }
}

fn values_of_service(cutoff: &str) -> Values {
    values(&[("code", "STD"), ("label", "Standard"), ("transit_business_days", "3"), ("cutoff", cutoff)])
}

#[test]
fn a_dim_rule_says_what_it_is() {
    let read = |dims: &str| {
        let mut values = parameters_write(&RateParameters::default());
        values.insert("dims", dims.to_owned());
        parameters_read(&values, &RateParameters::default())
    };
    let rules = "until 2025-08-17, unit IN, divisor 139, sides nearest 1, weight up 1\nfrom 2025-08-18, unit IN, divisor 139, sides up 1, weight up 1";
    assert_eq!(read(rules).unwrap().dims.len(), 2);
    let told = |dims: &str| read(dims).unwrap_err().remove(0).1;
    assert!(told("unit IN, divisor 139, weight up 1").starts_with("line 1: say how the sides"));
    assert!(told("unit IN, divisor 139, cube 3, sides up 1, weight up 1").contains("one of them"));
    assert!(told("unit IN, divisor 0, sides up 1, weight up 1").contains("must be above 0"));
    assert!(told("unit IN, divisor 139, divisor 166, sides up 1, weight up 1").contains("twice"));
    let open = "unit IN, divisor 139, sides up 1, weight up 1\nunit IN, divisor 166, sides up 1, weight up 1";
    assert!(told(open).contains("hold on the same day"));
}

fn word() -> impl Strategy<Value = String> {
    "[A-Z][A-Za-z0-9]{0,7}"
}

fn code_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    (0_u64..20_000).prop_map(|days| NaiveDate::from_ymd_opt(2000, 1, 1).unwrap() + chrono::Days::new(days))
}

fn place() -> impl Strategy<Value = GeoSelector> {
    const TEXTS: &[&str] = &[
        "facility:DC-1",
        "port:USHOU",
        "zip:75001",
        "zip:US/75001",
        "zip3:750",
        "zip2:DE/10",
        "city:US-TX-Dallas",
        "US-TX",
        "US",
    ];
    proptest::sample::select(TEXTS).prop_map(|text| text.parse().unwrap())
}

fn micros(most: i64) -> impl Strategy<Value = Micros> {
    (0..=most).prop_map(Micros)
}

fn bps() -> impl Strategy<Value = Bps> {
    (0_i64..=10_000).prop_map(Bps)
}

fn rounding() -> impl Strategy<Value = Rounding> {
    (code_of(RoundMode::ALL), micros(100_000_000)).prop_map(|(mode, step)| Rounding { mode, step })
}

fn method() -> impl Strategy<Value = Option<FuelMethod>> {
    let table = (proptest::collection::vec((1_i64..500, 0_i64..90_000_000), 1..8), any::<bool>()).prop_map(
        |(steps, open)| {
            let last = steps.len() - 1;
            let mut from = 0;
            let row = |(at, (step, value)): (usize, (i64, i64))| {
                let start = from;
                from += step * 1_000;
                let to = (at < last || !open).then_some(Micros(from));
                FuelBracket { from: Micros(start), to, value: Micros(value) }
            };
            FuelMethod::Table { brackets: steps.into_iter().enumerate().map(row).collect() }
        },
    );
    let formula = (micros(999_000_000), 1_i64..999_000_000)
        .prop_map(|(peg, mpg)| FuelMethod::Formula { peg, mpg: Micros(mpg) });
    prop_oneof![Just(None), table.prop_map(Some), formula.prop_map(Some)]
}

fn fuel_item() -> impl Strategy<Value = TermItem> {
    let dates = (proptest::option::of(any_day()), proptest::option::of(1_u64..500));
    let bounds = (proptest::option::of(micros(10_000_000)), proptest::option::of(10_000_000_i64..90_000_000));
    (
        word(),
        method(),
        code_of(FuelBasis::ALL),
        0_u32..60,
        1_u32..400,
        bounds,
        proptest::collection::vec(word(), 0..4),
        dates,
        any::<bool>(),
    )
        .prop_map(
            |(
                label,
                method,
                basis,
                effective_days,
                cadence_days,
                (floor, cap),
                applies_to,
                (from, long),
                euro,
            )| {
                let start = from.unwrap_or_else(|| NaiveDate::from_ymd_opt(2000, 1, 1).unwrap());
                TermItem::Fuel(FuelProgramme {
                    code: "405".to_owned(),
                    index: format!("EIA {label}"),
                    label,
                    method,
                    basis,
                    effective_days,
                    cadence_days,
                    floor,
                    cap: cap.map(Micros),
                    applies_to,
                    valid_from: from,
                    valid_to: long.map(|days| start + chrono::Days::new(days)),
                    currency: euro.then(|| "EUR".parse().unwrap()),
                })
            },
        )
}

fn calendar_item() -> impl Strategy<Value = TermItem> {
    (word(), any_day(), proptest::collection::vec((0_u64..40, 1_u64..40), 1..6)).prop_map(
        |(code, start, windows)| {
            let mut from = start;
            let window = |(gap, long): (u64, u64)| {
                let start = from + chrono::Days::new(gap);
                from = start + chrono::Days::new(long);
                DateWindow { from: start, to: from }
            };
            let windows = windows.into_iter().map(window).collect();
            TermItem::Calendar(SeasonCalendar { label: format!("{code} days"), code, windows })
        },
    )
}

fn tier_item() -> impl Strategy<Value = TermItem> {
    let bands = proptest::collection::vec((1_i64..90_000_000_000, 0_i64..=10_000), 0..6);
    (word(), code_of(VolumeMeasure::ALL), code_of(TierWindow::ALL), bands, any::<bool>(), 0_u16..=52)
        .prop_map(|(label, measure, window, steps, chosen, grace_weeks)| {
            let mut from = 0;
            let band = |(step, share): (i64, i64)| {
                from += step;
                TierBand { from: Micros(from), share: Bps(share) }
            };
            let first = TierBand { from: Micros::ZERO, share: Bps(25) };
            let rest: Vec<TierBand> = steps.into_iter().map(band).collect();
            TermItem::Tier(TierProgramme {
                label,
                measure,
                window,
                bands: std::iter::once(first).chain(rest).collect(),
                method: chosen.then_some(TierMethod::Retroactive),
                grace_weeks,
            })
        })
}

fn any_item() -> impl Strategy<Value = TermItem> {
    let lane = (
        word(),
        place(),
        place(),
        proptest::option::of(word()),
        proptest::option::of(word()),
        proptest::option::of(0_u16..=120),
    )
        .prop_map(|(code, origin, destination, equipment, service, transit_business_days)| {
            let line = format!("{code}-T");
            TermItem::Lane(Lane {
                code,
                origin,
                destination,
                equipment,
                service,
                transit_business_days,
                line,
            })
        });
    let zone = (word(), proptest::collection::vec(place(), 1..9))
        .prop_map(|(name, members)| TermItem::Zone(Zone { name, members }));
    let level = (
        word(),
        code_of(ServiceTier::ALL),
        0_u16..=120,
        proptest::option::of(0_u32..86_400),
        code_of(OnTimeEvent::ALL),
        0_u32..=10_080,
    )
        .prop_map(|(code, tier, transit, cutoff, on_time_event, grace)| {
            TermItem::ServiceLevel(ServiceLevel {
                label: format!("{code} service"),
                code,
                tier,
                transit_business_days: transit,
                cutoff: cutoff.map(|s| chrono::NaiveTime::from_num_seconds_from_midnight_opt(s, 0).unwrap()),
                on_time_event,
                pickup_grace_minutes: grace,
                delivery_grace_minutes: grace / 2,
            })
        });
    let tax = (word(), place(), bps()).prop_map(|(code, jurisdiction, share)| {
        TermItem::Tax(TaxRate { label: format!("{code} tax"), code, jurisdiction, share })
    });
    let kinds = [PeriodKind::Week, PeriodKind::Month, PeriodKind::Quarter, PeriodKind::Year];
    let volume = (
        code_of(VolumeMeasure::ALL),
        proptest::sample::select(kinds.to_vec()),
        1_i64..100_000_000,
        bps(),
        micros(90_000_000),
        any::<(bool, bool, bool)>(),
    )
        .prop_map(
            |(
                measure,
                period,
                quantity,
                tolerance,
                shortfall_rate,
                (share, rejections_count, force_majeure_reduces),
            )| {
                TermItem::Volume(VolumeCommitment {
                    side: if share { CommitmentSide::CarrierShare } else { CommitmentSide::Shipper },
                    measure,
                    period,
                    quantity: Micros(quantity),
                    tolerance,
                    shortfall_rate,
                    rejections_count,
                    force_majeure_reduces,
                })
            },
        );
    let capacity =
        (proptest::option::of(word()), 1_u32..9_000, bps(), 0_u16..=60, proptest::option::of(any_day()))
            .prop_map(|(lane, base_units, surge, surge_notice_days, expires)| {
                TermItem::Capacity(CapacityCommitment {
                    lane,
                    base_units,
                    surge,
                    surge_notice_days,
                    surge_premium: Bps(surge.0 / 2),
                    expires,
                    forfeiture: Bps(surge.0 / 3),
                })
            });
    prop_oneof![lane, zone, level, fuel_item(), calendar_item(), tax, volume, capacity, tier_item()]
}

fn any_parameters() -> impl Strategy<Value = RateParameters> {
    let divisor = (1_i64..900_000_000, rounding())
        .prop_map(|(divisor, side_rounding)| DimMethod::Divisor { divisor: Micros(divisor), side_rounding });
    let ratio = (proptest::option::of(1_i64..900_000_000), 1_i64..900_000_000, 1_i64..9_000_000).prop_map(
        |(cube, metre, width)| DimMethod::Ratio {
            per_cube: cube.map(Micros),
            per_loading_metre: Some(Micros(metre)),
            vehicle_width: Micros(width),
        },
    );
    let rule =
        (proptest::option::of(any_day()), code_of(LengthUnit::ALL), rounding(), prop_oneof![divisor, ratio])
            .prop_map(|(valid_from, length_unit, weight_rounding, method)| DimRule {
                valid_from,
                valid_to: valid_from.map(|day| day + chrono::Days::new(30)),
                length_unit,
                weight_rounding,
                method,
            });
    let fak = (proptest::collection::vec(word(), 1..4), word())
        .prop_map(|(classes, rated_as)| FakRule { classes, rated_as });
    (
        (code_of(super::super::RatingDate::ALL), code_of(WeightUnit::ALL), code_of(DistanceUnit::ALL)),
        (rounding(), rounding()),
        proptest::option::of(rule),
        proptest::collection::vec(fak, 0..3),
        (any::<bool>(), any::<bool>(), any::<bool>()),
        proptest::option::of(word()),
    )
        .prop_map(
            |(
                (rating_date, weight_unit, distance_unit),
                (weight, distance),
                rule,
                fak,
                (deficit, a, b),
                source,
            )| {
                RateParameters {
                    rating_date,
                    weight_unit,
                    distance_unit,
                    weight_rounding: weight,
                    distance_rounding: distance,
                    dims: rule.into_iter().collect(),
                    deficit,
                    minimum_order: if a {
                        super::super::MinimumOrder::BeforeDiscount
                    } else {
                        super::super::MinimumOrder::AfterDiscount
                    },
                    fuel_base: if b { super::super::FuelBase::Gross } else { super::super::FuelBase::Net },
                    price_cap: a.then_some(Bps(450)),
                    not_applicable: b
                        .then(|| "flag collect and weight at least 1200.5".parse::<Condition>().unwrap()),
                    fak,
                    distance_source: source,
                    dispute_days: b.then_some(15),
                    baseline: a.then(|| "Rates of 2024".to_owned()),
                }
            },
        )
}

proptest! {
    /// Every term of every kind that holds reads back from its own form, and has words.
    #[test]
    fn what_is_written_reads_back(item in any_item()) {
        // Bands of loads are not paid part by part, and the like: only what holds can be stored.
        prop_assume!(item.validate().is_empty());
        let values = write(&item);
        let names: Vec<&str> = fields(item.kind(), &RateTerms::empty(Currency::USD)).iter().map(|f| f.name).collect();
        prop_assert!(values.keys().all(|name| names.contains(name)), "{values:?}");
        prop_assert_eq!(read(item.kind(), &values), Ok(item.clone()));
        prop_assert!(!item.text().is_empty() && !item.heading().is_empty());
    }

    /// A redline compares words, so one answer changed is other words.
    #[test]
    fn another_answer_is_told_in_other_words(a in any_item(), b in any_item(), at in any::<proptest::sample::Index>()) {
        // Two of one kind are one in nine; passed over here, since a rejection counts against the test.
        if a.kind() != b.kind() {
            return Ok(());
        }
        let (mut mixed, other) = (write(&a), write(&b));
        let name = *at.get(&mixed.keys().copied().collect::<Vec<_>>());
        if let Some(value) = other.get(name) {
            mixed.insert(name, value.clone());
        }
        if let Ok(read) = read(a.kind(), &mixed) {
            let said = |item: &TermItem| (item.code().to_owned(), item.whole_text());
            prop_assert_eq!(read == a, said(&read) == said(&a), "{}: {} / {}", name, read.whole_text(), a.whole_text());
        }
    }

    /// So do the choices of how to rate, the three with a form of their own left alone.
    #[test]
    fn how_to_rate_reads_back(parameters in any_parameters()) {
        prop_assert_eq!(parameters_read(&parameters_write(&parameters), &parameters), Ok(parameters.clone()));
        prop_assert!(parameter_rows(&parameters).len() >= 6);
    }

    /// Whatever is typed is read or refused.
    #[test]
    fn anything_typed_is_read_or_refused(text in "\\PC{0,40}", more in "[0-9 .:,–-]{0,30}") {
        for kind in TermKind::ALL {
            let names: Vec<_> = fields(*kind, &RateTerms::empty(Currency::USD)).into_iter().map(|f| f.name).collect();
            let values: Values = names.iter().zip([&text, &more].into_iter().cycle()).map(|(n, v)| (*n, v.clone())).collect();
            if let Ok(item) = read(*kind, &values) {
                prop_assert_eq!(read(*kind, &write(&item)), Ok(item));
            }
        }
    }
}
