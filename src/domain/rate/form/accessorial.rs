//! The form of an accessorial rate: its fields in groups, what they are filled with, and how they are read
//! (DOMAIN §3.9). A file of accessorial rates has the same answers, one rate a row.

use std::fmt::Display;

use super::kinds::{all, capital, field, flag, joined, or_empty};
use super::read::{Reader, number, plain, share_text};
use super::{Field, Input, Values};
use crate::domain::accessorial::{
    AccessorialRate, AccessorialRules, AccessorialTrigger, AccessorialUnit, Authorisation, CapScope,
    CatalogueCharge, ClockStart, Evidence, FreeFrom, LateArrival,
};
use crate::domain::exact::RoundMode;
use crate::domain::field::FieldErrors;
use crate::domain::money::Bps;

/// Steps of an hourly charge where a form starts anew: half an hour "or fraction" (DOMAIN §3.9).
const USUAL_STEP_MINUTES: &str = "30";
/// Free time of an hourly charge where a form starts anew: two hours (DOMAIN §3.9).
const USUAL_FREE_MINUTES: &str = "120";

/// Fields under one heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The heading; empty for what is always in sight.
    pub title: &'static str,
    /// Its fields, in reading order.
    pub fields: Vec<Field>,
}

/// The fields of an accessorial rate. What few contracts say stands under headings of its own.
#[must_use]
pub fn rate_groups() -> Vec<Group> {
    use Input::{Choice, Lines, Number, Text, Whole};
    let group = |title, fields| Group { title, fields };
    let scopes = std::iter::once((String::new(), "No cap".to_owned())).chain(all!(CapScope)).collect();
    vec![
        group(
            "",
            vec![
                field(
                    "code",
                    "Code",
                    Text,
                    "1 to 8 capital letters or digits; the usual ones are in the list on this page.",
                ),
                field("label", "Charge", Text, "The words on the page, such as Liftgate."),
                field("unit", "Charged", Choice(all!(AccessorialUnit)), ""),
                field(
                    "rate",
                    "Amount per unit",
                    Number,
                    "Leave it empty for a share of linehaul and at cost.",
                ),
                field("share", "Share of linehaul, %", Number, "Only when it is a share of linehaul."),
                field(
                    "free_quantity",
                    "Free before it starts",
                    Whole,
                    "Minutes for an hourly rate, days for a daily one; 0 for nothing free.",
                ),
                field("increment_minutes", "Billed in steps of, minutes", Whole, "Only for an hourly rate."),
                field("min", "At least", Number, "Least charge once any is due. May stay empty."),
                field("max", "At most", Number, "Most for one charge. May stay empty."),
                field("cap", "Cap", Number, "Most for all charges of this code together. May stay empty."),
                field("cap_scope", "The cap covers", Choice(scopes), ""),
            ],
        ),
        group(
            "When it is due",
            vec![
                field(
                    "trigger",
                    "It is due",
                    Choice(all!(AccessorialTrigger)),
                    "A charge whenever its condition holds needs no report.",
                ),
                field(
                    "condition",
                    "Only if",
                    Text,
                    "Such as: weight at least 500 and not service in economy; pickup day in sat, sun; flag hazmat. Empty for always.",
                ),
            ],
        ),
        group(
            "How the clock runs",
            vec![
                field("increment_rounding", "A step begun counts", Choice(roundings()), ""),
                field(
                    "clock_start",
                    "The clock starts at",
                    Choice(all!(ClockStart)),
                    "For hourly and daily charges.",
                ),
                field("late_arrival", "When the vehicle came late", Choice(late()), ""),
                field(
                    "free_by_weight",
                    "Free time by weight",
                    Lines,
                    "One a line, the lightest first: 5000: 180 for 180 free from that weight on. May stay empty.",
                ),
            ],
        ),
        group(
            "What it needs",
            vec![
                field("notification_required", "The carrier must warn that it begins", flag(), ""),
                field("authorisation", "Agreed before it happens", Choice(agreed()), ""),
                field(
                    "evidence",
                    "Proof",
                    Choice(proofs()),
                    "Without it nothing is charged. At cost always needs the receipt.",
                ),
            ],
        ),
        group(
            "Fuel, discount and currency",
            vec![
                field("fuel_applicable", "Fuel is charged on it", flag(), ""),
                field("discount", "Discount, %", Number, "Off the charge; 0 for none."),
                field("currency", "Currency", Text, "Three capitals; empty for the contract's."),
            ],
        ),
    ]
}

/// The same in one list.
#[must_use]
pub fn rate_fields() -> Vec<Field> {
    rate_groups().into_iter().flat_map(|group| group.fields).collect()
}

fn choices<T: Copy + Display>(values: &[(T, &str)]) -> Vec<(String, String)> {
    values.iter().map(|(value, words)| (value.to_string(), (*words).to_owned())).collect()
}

fn roundings() -> Vec<(String, String)> {
    choices(&[
        (RoundMode::Up, "Whole"),
        (RoundMode::Down, "Not at all"),
        (RoundMode::Nearest, "From its half on"),
    ])
}

fn late() -> Vec<(String, String)> {
    choices(&[
        (LateArrival::StartAtArrival, "The clock starts at arrival"),
        (LateArrival::StartAtWorkIn, "The clock starts when work starts"),
        (LateArrival::Forfeit, "Nothing is due"),
    ])
}

fn agreed() -> Vec<(String, String)> {
    choices(&[(Authorisation::None, "Not needed"), (Authorisation::Before, "Needed")])
}

fn proofs() -> Vec<(String, String)> {
    Evidence::ALL
        .iter()
        .map(|proof| match proof {
            Evidence::None => (proof.code().to_owned(), "Not needed".to_owned()),
            other => (other.code().to_owned(), capital(other.label())),
        })
        .collect()
}

/// What an empty form starts with: the plain rules, and of a usual charge what it usually says.
#[must_use]
pub fn rate_usual(usual: Option<&CatalogueCharge>) -> Values {
    let mut values = rules_write(&AccessorialRules::default());
    values.insert("unit", AccessorialUnit::PerOccurrence.code().to_owned());
    values.insert("free_quantity", "0".to_owned());
    let Some(usual) = usual else { return values };
    values.insert("code", usual.code.to_owned());
    values.insert("label", usual.label.to_owned());
    values.insert("unit", usual.unit.code().to_owned());
    if usual.unit == AccessorialUnit::PerHour {
        values.insert("free_quantity", USUAL_FREE_MINUTES.to_owned());
        values.insert("increment_minutes", USUAL_STEP_MINUTES.to_owned());
    }
    values
}

/// What the form of a rate is filled with.
#[must_use]
pub fn rate_write(rate: &AccessorialRate) -> Values {
    let mut out = rules_write(&rate.rules);
    let mut put = |name: &'static str, value: String| {
        out.insert(name, value);
    };
    put("code", rate.code.clone());
    put("label", rate.label.clone());
    put("unit", rate.unit.code().to_owned());
    put("rate", or_empty(rate.rate));
    put("share", rate.share.map(share_text).unwrap_or_default());
    put("free_quantity", rate.free_quantity.to_string());
    put("increment_minutes", or_empty(rate.increment_minutes));
    put("min", or_empty(rate.min));
    put("max", or_empty(rate.max));
    put("cap", or_empty(rate.cap));
    put("cap_scope", or_empty(rate.cap_scope));
    out
}

fn rules_write(rules: &AccessorialRules) -> Values {
    let flag = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    Values::from([
        ("trigger", rules.trigger.to_string()),
        ("condition", or_empty(rules.condition.as_ref())),
        ("increment_rounding", rules.increment_rounding.to_string()),
        ("clock_start", rules.clock_start.to_string()),
        ("late_arrival", rules.late_arrival.to_string()),
        ("free_by_weight", joined(rules.free_by_weight.iter().map(free_text))),
        ("notification_required", flag(rules.notification_required)),
        ("authorisation", rules.authorisation.to_string()),
        ("evidence", rules.evidence.to_string()),
        ("fuel_applicable", flag(rules.fuel_applicable)),
        ("discount", share_text(rules.discount)),
        ("currency", rules.currency.map(|currency| currency.code().to_owned()).unwrap_or_default()),
    ])
}

/// The rate a filled-in form says; a finer rule that is left empty is the plain one.
///
/// # Errors
/// Every field to correct, with the line where it has several.
pub fn rate_read(values: &Values) -> Result<AccessorialRate, FieldErrors> {
    let mut reader = Reader::new(values);
    let rate = read(&mut reader);
    if let Some(rate) = &rate
        && reader.is_sound()
    {
        reader.take(rate.validate());
    }
    reader.end(rate)
}

fn read(r: &mut Reader<'_>) -> Option<AccessorialRate> {
    let plain = AccessorialRules::default();
    let unit = r.choice("unit");
    let share = if r.value("share").is_empty() { None } else { r.share("share") };
    let discount = if r.value("discount").is_empty() { Some(Bps(0)) } else { r.share("discount") };
    let yes = |r: &mut Reader<'_>, name| if r.value(name).is_empty() { None } else { r.flag(name) };
    let rate = AccessorialRate {
        code: r.text("code").to_uppercase(),
        label: r.text("label"),
        rate: r.number_optional("rate"),
        share,
        free_quantity: r.whole_optional("free_quantity").unwrap_or(0),
        increment_minutes: r.whole_optional("increment_minutes"),
        min: r.number_optional("min"),
        max: r.number_optional("max"),
        cap: r.number_optional("cap"),
        cap_scope: r.choice_optional("cap_scope"),
        rules: AccessorialRules {
            trigger: r.choice_optional("trigger").unwrap_or(plain.trigger),
            condition: r.said_optional("condition"),
            increment_rounding: r.choice_optional("increment_rounding").unwrap_or(plain.increment_rounding),
            clock_start: r.choice_optional("clock_start").unwrap_or(plain.clock_start),
            late_arrival: r.choice_optional("late_arrival").unwrap_or(plain.late_arrival),
            free_by_weight: r.lines("free_by_weight", free_from),
            notification_required: yes(r, "notification_required").unwrap_or(plain.notification_required),
            authorisation: r.choice_optional("authorisation").unwrap_or(plain.authorisation),
            evidence: r.choice_optional("evidence").unwrap_or(plain.evidence),
            fuel_applicable: yes(r, "fuel_applicable").unwrap_or(plain.fuel_applicable),
            discount: discount?,
            currency: r.said_optional("currency"),
        },
        unit: unit?,
    };
    Some(rate)
}

/// `5000: 180`
fn free_text(step: &FreeFrom) -> String {
    format!("{}: {}", plain(step.weight), step.free_quantity)
}

fn free_from(line: &str) -> Result<FreeFrom, String> {
    let read = || {
        let (weight, free) = line.rsplit_once(':')?;
        Some(FreeFrom {
            weight: number(weight.trim())?,
            free_quantity: free.trim().replace(',', "").parse().ok()?,
        })
    };
    read()
        .ok_or_else(|| format!("`{line}` is no row; write 5000: 180, the weight and what is free from it on"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::accessorial::{CATALOGUE, catalogue_charge};
    use crate::domain::currency::Currency;
    use crate::domain::money::Micros;

    const CONDITIONS: &[&str] = &[
        "weight between 100 and 500 and pickup day in sat, sun",
        "flag hazmat or (distance at least 300 and not service in economy, standard)",
        "destination at \"city:US-TX-Fort Worth\"",
    ];

    fn pick<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
        prop::sample::select(all)
    }

    fn rules() -> impl Strategy<Value = AccessorialRules> {
        let first = (
            pick(AccessorialTrigger::ALL),
            prop::option::of(pick(CONDITIONS)),
            pick(RoundMode::ALL),
            pick(ClockStart::ALL),
            pick(LateArrival::ALL),
            prop::collection::btree_map(1_i64..1 << 40, 0_u32..10_000, 0..4),
        );
        let second = (
            any::<bool>(),
            pick(Authorisation::ALL),
            pick(Evidence::ALL),
            any::<bool>(),
            0_i64..=10_000,
            prop::option::of(Just(Currency::EUR)),
        );
        (first, second).prop_map(|(a, b)| AccessorialRules {
            trigger: a.0,
            condition: a.1.map(|text| text.parse().unwrap()),
            increment_rounding: a.2,
            clock_start: a.3,
            late_arrival: a.4,
            free_by_weight: a
                .5
                .into_iter()
                .map(|(weight, free_quantity)| FreeFrom { weight: Micros(weight), free_quantity })
                .collect(),
            notification_required: b.0,
            authorisation: b.1,
            evidence: b.2,
            fuel_applicable: b.3,
            discount: Bps(b.4),
            currency: b.5,
        })
    }

    pub(crate) fn rate() -> impl Strategy<Value = AccessorialRate> {
        let money = || prop::option::of(0_i64..1_000_000_000_000);
        let bounds = (money(), money(), money(), prop::option::of(pick(CapScope::ALL)));
        let price = (pick(AccessorialUnit::ALL), 0_i64..1_000_000_000_000, 0_i64..=10_000);
        (price, bounds, 0_u32..1_000, prop::option::of(1_u32..1_440), rules()).prop_filter_map(
            "no rate a contract may have",
            |((unit, rate, share), (min, max, cap, scope), free, step, rules)| {
                let (by_share, at_cost) =
                    (unit == AccessorialUnit::PctOfLinehaul, unit == AccessorialUnit::PassThrough);
                let found = AccessorialRate {
                    code: "DTU".to_owned(),
                    label: "Detention, =1+1".to_owned(),
                    unit,
                    rate: (!by_share && !at_cost).then_some(Micros(rate)),
                    share: by_share.then_some(Bps(share)),
                    free_quantity: if unit.allowance_unit().is_some() { free } else { 0 },
                    increment_minutes: step.filter(|_| unit == AccessorialUnit::PerHour),
                    min: min.map(Micros),
                    max: max.map(Micros).max(min.map(Micros)),
                    cap: scope.and(cap.map(Micros).max(min.map(Micros))),
                    cap_scope: scope.filter(|_| cap.map(Micros).max(min.map(Micros)).is_some()),
                    rules: AccessorialRules {
                        free_by_weight: if unit.allowance_unit().is_some() {
                            rules.free_by_weight.clone()
                        } else {
                            Vec::new()
                        },
                        trigger: if at_cost || unit == AccessorialUnit::PerHour {
                            AccessorialTrigger::OnEvent
                        } else {
                            rules.trigger
                        },
                        ..rules
                    },
                };
                found.validate().is_empty().then_some(found)
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(rate in rate()) {
            let values = rate_write(&rate);
            prop_assert!(rate_fields().iter().all(|field| values.contains_key(field.name)));
            prop_assert_eq!(values.len(), rate_fields().len());
            prop_assert_eq!(rate_read(&values), Ok(rate));
        }

        #[test]
        fn two_rates_that_differ_read_differently(rate in rate(), other in rules()) {
            let with = AccessorialRate { rules: other, ..rate.clone() };
            prop_assert_eq!(with == rate, with.conditions_text() == rate.conditions_text());
        }
    }

    #[test]
    fn what_does_not_read_names_its_field_and_line() {
        let mut values = rate_usual(catalogue_charge("DTU"));
        values.insert("rate", "60".to_owned());
        assert!(rate_read(&values).is_ok());
        values.insert("condition", "weight over 5".to_owned());
        values.insert("free_by_weight", "5000: 180\n\nheavy: 240".to_owned());
        values.insert("evidence", "PAPER".to_owned());
        let told: Vec<String> =
            rate_read(&values).unwrap_err().into_iter().map(|(f, m)| format!("{f}: {m}")).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("condition: the condition cannot be read at `over`"), "{told:?}");
        assert!(told[1].starts_with("free_by_weight: line 3: `heavy: 240` is no row"), "{told:?}");
        assert_eq!(told[2], "evidence: choose from the list");
        assert!(!rate_read(&Values::new()).unwrap_err().is_empty());
    }

    #[test]
    fn every_usual_charge_fills_a_form_that_lacks_its_price_only() {
        for charge in CATALOGUE {
            let mut values = rate_usual(Some(charge));
            let price = match charge.unit {
                AccessorialUnit::PassThrough => None,
                AccessorialUnit::PctOfLinehaul => Some("share"),
                _ => Some("rate"),
            };
            price.map(|name| values.insert(name, "1".to_owned()));
            assert!(rate_read(&values).is_ok(), "{}", charge.code);
        }
    }
}
