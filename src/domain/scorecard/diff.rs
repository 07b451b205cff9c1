//! Every figure that one publication of a period gives otherwise than another: what a restatement tells both sides.

use rust_decimal::{Decimal, RoundingStrategy};

use super::snapshot::{KpiEvidence, Snapshot};
use super::words::{one_place, plain};
use crate::domain::kpi::{Kpi, KpiValue, Unit};

/// A figure that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// What it is: `Composite`, `On-time delivery, window: net`.
    pub what: String,
    /// As it was; `–` for nothing.
    pub before: String,
    /// As it is.
    pub now: String,
}

/// The figures that differ, in reading order. Empty exactly when the two documents are equal, but for what the earlier was
/// made too early to hold: what has no words of its own is told as one line.
#[must_use]
pub fn figures_moved(before: &Snapshot, now: &Snapshot) -> Vec<Moved> {
    let mut found = Diff::default();
    found.say("Composite", before.result.words(), now.result.words());
    let standing = |one: &Snapshot| {
        one.standing.as_ref().map_or_else(nothing, |held| held.standing.tier.title().to_owned())
    };
    found.say("Standing", standing(before), standing(now));
    let coverage = |one: &Snapshot| percent(one.result.coverage);
    found.say("Share of weight that is scored", coverage(before), coverage(now));
    found.say("Shipments", before.shipments.to_string(), now.shipments.to_string());
    let freight = |one: &Snapshot| {
        one.spend
            .as_ref()
            .map_or_else(nothing, |spend| format!("{} {}", plain(spend.freight), spend.currency))
    };
    found.say("Freight", freight(before), freight(now));
    categories(&mut found, before, now);
    for kpi in Kpi::ALL {
        line_moved(&mut found, (kpi.code(), kpi.name()), before, now);
    }
    let gone = before.scoped.iter().filter(|one| now.scoped_of(&one.code).is_none());
    for one in now.scoped.iter().chain(gone) {
        line_moved(&mut found, (&one.code, &one.name), before, now);
    }
    let misses = |one: &Snapshot| {
        one.misses.as_ref().map_or_else(nothing, |misses| {
            let all = &misses.all;
            format!("{} late, {} never reported, {} excused", all.late, all.no_evidence, all.excused)
        })
    };
    found.say("Misses of the charted KPI", misses(before), misses(now));
    if found.moved.is_empty() && *before != now.told_like(before) {
        found.moved.push(Moved {
            what: "Lanes, reasons, weeks or the figures of the period before".to_owned(),
            before: "as first published".to_owned(),
            now: "differ".to_owned(),
        });
    }
    found.moved
}

#[derive(Default)]
struct Diff {
    moved: Vec<Moved>,
}

impl Diff {
    fn say(&mut self, what: impl Into<String>, before: String, now: String) {
        if before != now {
            self.moved.push(Moved { what: what.into(), before, now });
        }
    }
}

fn nothing() -> String {
    "–".to_owned()
}

/// Half away from zero, as figures are shown.
fn fixed(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

fn percent(share: Decimal) -> String {
    format!("{} %", fixed(share * Decimal::ONE_HUNDRED, 2).normalize())
}

fn categories(found: &mut Diff, before: &Snapshot, now: &Snapshot) {
    let score = |one: &Snapshot, code: &str| {
        let category = one.result.categories.iter().find(|category| category.code == code);
        category.and_then(|category| category.score).map_or_else(|| "not scored".to_owned(), one_place)
    };
    for category in &now.result.categories {
        let what = format!("{}: score", category.title);
        found.say(what, score(before, &category.code), score(now, &category.code));
    }
    for category in &before.result.categories {
        if !now.result.categories.iter().any(|one| one.code == category.code) {
            found.say(format!("{}: score", category.title), score(before, &category.code), nothing());
        }
    }
}

/// One count of a KPI.
type Count = fn(&KpiEvidence) -> i64;

fn line_moved(found: &mut Diff, (code, name): (&str, &str), before: &Snapshot, now: &Snapshot) {
    let (was, is) = (before.evidence_of(code), now.evidence_of(code));
    let value = |one: Option<&KpiEvidence>, pick: fn(&KpiValue) -> Option<Decimal>| {
        one.and_then(|evidence| Some(in_words(&evidence.value, pick(&evidence.value)?)))
            .unwrap_or_else(nothing)
    };
    let count = |one: Option<&KpiEvidence>, pick: Count| {
        one.map_or_else(nothing, |evidence| pick(evidence).to_string())
    };
    found.say(format!("{name}: net"), value(was, |v| v.net), value(is, |v| v.net));
    found.say(format!("{name}: gross"), value(was, |v| v.gross), value(is, |v| v.gross));
    let counts: [(&str, Count); 6] = [
        ("counted", |e| e.value.n),
        ("excused", |e| e.value.excused),
        ("never reported", |e| e.value.no_evidence),
        ("no commitment", |e| e.value.no_baseline),
        ("not decided yet", |e| e.value.pending),
        ("left out by rule", |e| e.apart),
    ];
    for (words, pick) in counts {
        found.say(format!("{name}: {words}"), count(was, pick), count(is, pick));
    }
    let points = |one: &Snapshot| {
        let score = one.result.kpi(code).and_then(|score| score.score);
        score.map_or_else(|| "not scored".to_owned(), one_place)
    };
    found.say(format!("{name}: score"), points(before), points(now));
}

/// The value as exactly as two different ones need: four places at most.
fn in_words(value: &KpiValue, share: Decimal) -> String {
    let number = fixed(value.in_threshold_unit(share), 4).normalize();
    match value.kpi.definition().unit {
        Unit::Percent => format!("{number} %"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::measure::{Measures, Tally};
    use crate::domain::scorecard::{Facts, default_template, snapshot};

    fn document(success: i64, late: i64, excused: i64) -> Snapshot {
        let tally = Tally { success, late, excused, ..Tally::default() };
        let now =
            Measures { shipments: success + late + excused, delivery_window: tally, ..Measures::default() };
        snapshot(Facts {
            period: "2025-06".parse().unwrap(),
            to_date: None,
            currency: "USD",
            template: &default_template(),
            overrides: Vec::new(),
            now: &now,
            before: &Measures::default(),
            weeks: &[],
            lanes: Vec::new(),
            own: &[],
            scoped: &[],
            earlier: &[],
        })
    }

    #[test]
    fn an_excused_unit_moves_net_and_leaves_gross() {
        let moved = figures_moved(&document(90, 10, 0), &document(90, 9, 1));
        let whats: Vec<&str> = moved.iter().map(|one| one.what.as_str()).collect();
        assert!(whats.iter().any(|what| what.ends_with(": net")), "{whats:?}");
        assert!(whats.iter().any(|what| what.ends_with(": excused")), "{whats:?}");
        assert!(!whats.iter().any(|what| what.ends_with(": gross")), "{whats:?}");
        let net = moved.iter().find(|one| one.what.ends_with(": net")).unwrap();
        assert_eq!((net.before.as_str(), net.now.as_str()), ("90 %", "90.9091 %"));
    }

    /// DOMAIN §1.2: 90 on time, 4 excused, 6 failed is 93.75 %, not 94 %.
    #[test]
    fn excused_misses_leave_both_sides_of_the_ratio() {
        let document = document(90, 6, 4);
        let value = &document.evidence_of("OTD_WIN").unwrap().value;
        assert_eq!(value.net, Some(Decimal::new(9375, 4)));
        assert_eq!(value.gross, Some(Decimal::new(90, 2)));
    }

    proptest! {
        /// Equal documents say nothing, and different ones always say something.
        #[test]
        fn something_moved_exactly_when_the_documents_differ(
            a in (0_i64..60, 0_i64..9, 0_i64..9), b in (0_i64..60, 0_i64..9, 0_i64..9),
        ) {
            let (one, two) = (document(a.0, a.1, a.2), document(b.0, b.1, b.2));
            prop_assert!(figures_moved(&one, &one).is_empty());
            prop_assert_eq!(figures_moved(&one, &two).is_empty(), one == two);
        }
    }
}
