//! Misses by the reason that was given for them: additive, so that a period is a sum of days (DOMAIN §8.4).

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::attribution::Given;
use super::field::codes;
use super::kpi::Kpi;
use super::measure::Nothing;
use super::outcome::Outcome;

codes! {
    /// What a miss was judged by.
    MissedBy, "verdict" {
        /// The delivery day.
        DeliveryDay = "delivery_day", "delivery day";
        /// The delivery window.
        DeliveryWindow = "delivery_window", "delivery window";
        /// The pickup window.
        PickupWindow = "pickup_window", "pickup window";
    }
}

impl MissedBy {
    /// What the misses of a KPI are judged by; none for a KPI whose misses are not told by reason.
    #[must_use]
    pub fn of(kpi: Kpi) -> Option<Self> {
        match kpi {
            Kpi::OtdDay => Some(Self::DeliveryDay),
            Kpi::OtdWin => Some(Self::DeliveryWindow),
            Kpi::OtpWin => Some(Self::PickupWindow),
            _ => None,
        }
    }
}

/// Misses of one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// Late or never reported: they count against the carrier.
    pub failed: i64,
    /// Excused after evidence.
    pub excused: i64,
}

impl Missed {
    /// Both.
    #[must_use]
    pub fn total(self) -> i64 {
        self.failed + self.excused
    }
}

impl AddAssign for Missed {
    fn add_assign(&mut self, other: Self) {
        self.failed += other.failed;
        self.excused += other.excused;
    }
}

/// Misses by what they were judged by and the reason given, written only where there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Causes {
    /// In order, without zeros.
    counts: Vec<((MissedBy, Given), Missed)>,
}

impl Causes {
    /// Counts one outcome; what is no miss is not counted.
    pub fn count(&mut self, by: MissedBy, outcome: Outcome, given: Given) {
        match outcome {
            Outcome::Late | Outcome::NoEvidence => self.add((by, given), Missed { failed: 1, excused: 0 }),
            Outcome::Excused => self.add((by, given), Missed { failed: 0, excused: 1 }),
            Outcome::NotApplicable | Outcome::Pending | Outcome::Success | Outcome::NoBaseline => {}
        }
    }

    fn add(&mut self, key: (MissedBy, Given), missed: Missed) {
        match self.counts.binary_search_by_key(&key, |&(key, _)| key) {
            Ok(place) => {
                if let Some(entry) = self.counts.get_mut(place) {
                    entry.1 += missed;
                }
            }
            Err(place) => self.counts.insert(place, (key, missed)),
        }
    }

    /// The reasons of one kind of miss, worst first; equal ones by code.
    #[must_use]
    pub fn worst_first(&self, by: MissedBy) -> Vec<(Given, Missed)> {
        let of_kind = self.counts.iter().filter(|((of, _), _)| *of == by);
        let mut reasons: Vec<(Given, Missed)> =
            of_kind.map(|((_, given), missed)| (*given, *missed)).collect();
        reasons.sort_by_key(|(given, missed)| {
            (std::cmp::Reverse(missed.total()), std::cmp::Reverse(missed.failed), *given)
        });
        reasons
    }

    /// Whether nothing was missed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

impl Nothing for Causes {
    const NOTHING: &'static Self = &Self { counts: Vec::new() };
}

impl AddAssign<&Causes> for Causes {
    fn add_assign(&mut self, other: &Causes) {
        for &(key, missed) in &other.counts {
            self.add(key, missed);
        }
    }
}

/// As written: kind of miss → reason → failed and excused.
type Written = BTreeMap<MissedBy, BTreeMap<Given, [i64; 2]>>;

impl Serialize for Causes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = Written::new();
        for &((by, given), missed) in &self.counts {
            written.entry(by).or_default().insert(given, [missed.failed, missed.excused]);
        }
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Causes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let mut causes = Self::default();
        for (by, reasons) in written {
            for (given, [failed, excused]) in reasons {
                causes.add((by, given), Missed { failed, excused });
            }
        }
        Ok(causes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::attribution::REASONS;

    fn causes() -> impl Strategy<Value = Causes> {
        let unit = (0..MissedBy::ALL.len(), 0..Outcome::ALL.len(), 0..REASONS.len() + 2);
        prop::collection::vec(unit, 0..40).prop_map(|units| {
            let mut causes = Causes::default();
            for (by, outcome, given) in units {
                let given = match REASONS.get(given) {
                    Some(reason) => Given::Code(reason),
                    None if given == REASONS.len() => Given::Other,
                    None => Given::Nothing,
                };
                causes.count(MissedBy::ALL[by], Outcome::ALL[outcome], given);
            }
            causes
        })
    }

    proptest! {
        #[test]
        fn reasons_add_up_in_any_order_and_read_back(a in causes(), b in causes()) {
            let (mut ab, mut ba) = (a.clone(), b.clone());
            ab += &b;
            ba += &a;
            prop_assert_eq!(&ab, &ba);
            let text = serde_json::to_string(&ab).unwrap();
            prop_assert_eq!(serde_json::from_str::<Causes>(&text).unwrap(), ab);
        }
    }

    #[test]
    fn the_worst_comes_first_and_no_reason_is_one_of_them() {
        let mut causes = Causes::default();
        let mut miss = |outcome, code| causes.count(MissedBy::DeliveryDay, outcome, Given::of(code));
        miss(Outcome::Late, Some("AI"));
        miss(Outcome::NoEvidence, None);
        miss(Outcome::Late, None);
        miss(Outcome::Excused, Some("B1"));
        miss(Outcome::Success, Some("AI"));
        miss(Outcome::Pending, None);
        let told: Vec<_> = causes
            .worst_first(MissedBy::DeliveryDay)
            .into_iter()
            .map(|(given, missed)| (given.code(), missed.failed, missed.excused))
            .collect();
        assert_eq!(told, [("NONE", 2, 0), ("AI", 1, 0), ("B1", 0, 1)]);
        assert!(causes.worst_first(MissedBy::PickupWindow).is_empty());
        assert_eq!(
            serde_json::to_string(&causes).unwrap(),
            r#"{"delivery_day":{"AI":[1,0],"B1":[0,1],"NONE":[2,0]}}"#
        );
    }
}
