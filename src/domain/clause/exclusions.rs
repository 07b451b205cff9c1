//! Which reasons excuse a miss under one clause, and for how long a lane is new to it (DOMAIN §4.2, exclusions).
//!
//! A clause that says nothing takes the verdicts of the house. One that names reasons judges every fact anew, by the same
//! rules, with only those reasons: what another reason excuses is a miss under it.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{ClauseTerms, Rule};
use crate::domain::attribution::Fault;
use crate::domain::declared_event::EventKind;
use crate::domain::field::{FieldErrors, codes, require};
use crate::domain::kpi::{Counted, Kpi};
use crate::domain::measure::Measures;
use crate::domain::outcome::{Cure, Outcome};
use crate::domain::shipment::{FirstAttempt, ShipmentFacts};
use crate::domain::tender::{TenderFacts, TenderVerdict, judge};
use crate::domain::words;

/// Longest time to put something right, in business days: eight weeks, so that it is over, holidays included, while the accrual
/// still looks at the day the obligation fell on, 90 days back. What is cured or not later would move nothing any more.
const CURE_DAYS_MAX: u32 = 40;
/// KPIs of documents and messages, of which facts say when they came.
const CURED: [Kpi; 4] = [Kpi::PodTimely, Kpi::EdiComplete, Kpi::EdiTimely, Kpi::Visibility];
/// What a clause of another kind is told.
pub(super) const NOT_CURED: &str = "only late documents and status messages can be put right: leave it empty, or choose the KPI \
                                    POD_TIMELY, EDI_COMPLETE, EDI_TIMELY or VISIBILITY";
/// Longest time for which a lane can be new, in days.
const RAMP_UP_DAYS_MAX: u32 = 365;

codes! {
    /// A reason that excuses a miss.
    Excuse, "excusing reason" {
        /// An approved exclusion for force majeure, or a declared event of weather, unrest, strike or closure.
        ForceMajeure = "FORCE_MAJEURE", "force majeure, approved or declared";
        /// An approved exclusion for the shipper's cause. Upstream delay is among them: who hired the earlier carrier answers
        /// for it, and exclusions know no fifth party.
        Shipper = "SHIPPER", "what the shipper caused, a late hand-over by an earlier carrier included";
        /// An approved exclusion for the consignee's cause.
        Consignee = "CONSIGNEE", "what the consignee caused";
        /// An approved exclusion for customs, or a declared event of an authority.
        Government = "GOVERNMENT", "customs or another authority";
        /// A declared outage of a network or system.
        Outage = "OUTAGE", "a declared outage of data or networks";
        /// A tender with less notice than agreed.
        Notice = "NOTICE", "offers with less notice than agreed";
        /// A tender above the commitment.
        Beyond = "BEYOND_COMMITMENT", "offers above the commitment";
    }
}

impl Excuse {
    /// The reason behind an approved exclusion; none for a party that excuses nothing.
    #[must_use]
    pub const fn of_party(party: Fault) -> Option<Self> {
        match party {
            Fault::ForceMajeure => Some(Self::ForceMajeure),
            Fault::Shipper => Some(Self::Shipper),
            Fault::Consignee => Some(Self::Consignee),
            Fault::Government => Some(Self::Government),
            Fault::Carrier | Fault::Review | Fault::Unknown => None,
        }
    }

    /// The reason behind a declared event.
    #[must_use]
    pub const fn of_event(kind: EventKind) -> Self {
        match kind {
            EventKind::Weather | EventKind::Civil | EventKind::Strike | EventKind::Closure => {
                Self::ForceMajeure
            }
            EventKind::Outage => Self::Outage,
            EventKind::Authority => Self::Government,
        }
    }
}

/// What excuses a miss under a clause; nothing said leaves it to the house.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusions {
    /// The only reasons that excuse; none of the list is all of the house. An empty list excuses nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<BTreeSet<Excuse>>,
    /// Days from a lane's first day under the contract on which nothing on it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_up_days: Option<u32>,
    /// Business days after its deadline within which a late document or message is put right, and does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cure_days: Option<u32>,
}

/// What excuses a stop or a tender: the party of an approved exclusion, and the declared events that cover it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excused {
    /// By an approved exclusion.
    pub party: Option<Fault>,
    /// Kinds of the declared events that cover it.
    pub events: Vec<EventKind>,
}

impl Exclusions {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_unsaid(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a reason excuses under the clause.
    #[must_use]
    pub fn names(&self, excuse: Excuse) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&excuse))
    }

    /// Whether an approved exclusion excuses under the clause.
    #[must_use]
    pub fn takes(&self, party: Option<Fault>) -> bool {
        party.and_then(Excuse::of_party).is_some_and(|excuse| self.names(excuse))
    }

    /// Whether a declared event takes a unit out under the clause.
    fn takes_out(&self, excused: &Excused) -> bool {
        excused.events.iter().any(|kind| self.names(Excuse::of_event(*kind)))
    }

    /// Whether a lane whose first day is `first` is still new on `day`: nothing on it counts.
    #[must_use]
    pub fn is_ramping_up(&self, first: Option<NaiveDate>, day: NaiveDate) -> bool {
        let end = self
            .ramp_up_days
            .zip(first)
            .and_then(|(days, first)| first.checked_add_days(Days::new(u64::from(days))));
        end.is_some_and(|end| day < end)
    }

    /// A shipment as the clause judges it.
    #[must_use]
    pub fn shipment(&self, facts: &ShipmentFacts, pickup: &Excused, delivery: &Excused) -> ShipmentFacts {
        let mut own = *facts;
        if self.only.is_none() {
            return own;
        }
        let times = &mut own.milestones;
        (times.pickup_excused, times.pickup_declared) = (self.takes(pickup.party), self.takes_out(pickup));
        (times.delivery_excused, times.delivery_declared) =
            (self.takes(delivery.party), self.takes_out(delivery));
        let counts = match own.first_attempt {
            Some(FirstAttempt::Refused) => !self.names(Excuse::Consignee),
            Some(FirstAttempt::AddressError) => {
                !self.names(Excuse::Consignee) && !self.names(Excuse::Shipper)
            }
            _ => false,
        };
        if counts {
            own.first_attempt = Some(FirstAttempt::Failed);
        }
        own
    }

    /// A tender as the clause judges it. Where offers above the commitment are not excused, such a one counts among all
    /// offers, and among those above the commitment as before.
    #[must_use]
    pub fn tender(
        &self,
        facts: &TenderFacts,
        party: Option<Fault>,
        as_of: DateTime<Utc>,
    ) -> (TenderFacts, TenderVerdict) {
        if self.only.is_none() {
            return (*facts, judge(facts, as_of));
        }
        let own = TenderFacts {
            excused: self.takes(party),
            short_notice: facts.short_notice && self.names(Excuse::Notice),
            ..*facts
        };
        let mut verdict = judge(&own, as_of);
        if own.beyond_commitment && !self.names(Excuse::Beyond) {
            verdict.outcome = verdict.surge;
        }
        (own, verdict)
    }

    /// The time to put something right, as judged at an instant; none where the clause gives none.
    #[must_use]
    pub fn cure(&self, as_of: DateTime<Utc>) -> Option<Cure> {
        let business_days = u16::try_from(self.cure_days?).ok()?;
        Some(Cure { business_days, as_of })
    }

    /// What a fact of a lane that is new adds: what it cost, and nothing of how it went.
    #[must_use]
    pub fn of_new_lane(sums: &Measures) -> Measures {
        Measures { freight: sums.freight, ..Measures::default() }
    }

    pub(super) fn validate(&self, terms: &ClauseTerms, e: &mut FieldErrors) {
        let fine = self.ramp_up_days.is_none_or(|days| (1..=RAMP_UP_DAYS_MAX).contains(&days));
        require(e, fine, "exclusions.ramp_up_days", "write 1 to 365 days, or leave it empty");
        let fine = self.cure_days.is_none_or(|days| (1..=CURE_DAYS_MAX).contains(&days));
        require(e, fine, "exclusions.cure_days", "write 1 to 40 business days, or leave it empty");
        let of_documents = match &terms.rule {
            Rule::PeriodThreshold(rule) => rule.kpi.parse().is_ok_and(|kpi| CURED.contains(&kpi)),
            _ => false,
        };
        require(e, self.cure_days.is_none() || of_documents, "exclusions.cure_days", NOT_CURED);
        if self.only.is_none() && self.ramp_up_days.is_none() {
            return;
        }
        let counts_units = match &terms.rule {
            Rule::LateDelivery(_) | Rule::MissedPickup(_) => true,
            Rule::PeriodThreshold(rule) => rule.kpi.parse::<Kpi>().is_ok_and(|kpi| {
                let of_facts = matches!(kpi.counted(), Counted::Shipments | Counted::Tenders);
                of_facts && !kpi.definition().unit.is_money()
            }),
            Rule::VolumeShortfall(_) | Rule::EarnBack(_) | Rule::Rebate(_) => false,
        };
        let message = "only a clause about late shipments or missed pickups, or about a KPI of shipments or tenders that is no cost, has \
                       excuses of its own; say nothing here";
        require(e, counts_units, "exclusions", message);
    }

    pub(super) fn explain(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match self.only.as_ref() {
            None => {}
            Some(only) if only.is_empty() => {
                lines.push("Nothing excuses a miss under this clause.".to_owned());
            }
            Some(only) => {
                let named: Vec<&str> = only.iter().map(|excuse| excuse.label()).collect();
                lines.push(format!("Only this excuses a miss: {}.", named.join("; ")));
            }
        }
        if let Some(days) = self.ramp_up_days {
            let days = words::count(days, "day");
            lines.push(format!(
                "Nothing counts on a lane in its first {days}: from the first day on which a shipment was due on it, or \
                 offered to the carrier, under the contract."
            ));
        }
        if let Some(days) = self.cure_days {
            let days = words::count(days, "business day");
            lines.push(format!(
                "What comes within {days} after its deadline is put right and counts as in time; what has not come counts \
                 when they are over."
            ));
        }
        lines
    }
}

/// Whether a verdict on a tender is a miss that a price for each counts: within the commitment, or above it.
#[must_use]
pub fn is_turned_down(verdict: &TenderVerdict, surge: bool) -> bool {
    let outcome = if surge { verdict.surge } else { verdict.outcome };
    matches!(outcome, Outcome::Late | Outcome::NoEvidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::OutcomePolicy;
    use crate::domain::shipment::Milestones;
    use crate::domain::tender::Response;

    fn only(excuses: &[Excuse]) -> Exclusions {
        Exclusions { only: Some(excuses.iter().copied().collect()), ramp_up_days: None, cure_days: None }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn late() -> ShipmentFacts {
        ShipmentFacts {
            milestones: Milestones {
                delivery_zone: Some(chrono_tz::UTC),
                delivery_window_end: Some(at("2025-06-05T17:00:00Z")),
                arrived_at: Some(at("2025-06-07T09:00:00Z")),
                delivery_excused: true,
                ..Milestones::default()
            },
            first_attempt: Some(FirstAttempt::Refused),
            ..ShipmentFacts::default()
        }
    }

    fn window(exclusions: &Exclusions, delivery: &Excused) -> Outcome {
        let own = exclusions.shipment(&late(), &Excused::default(), delivery);
        own.judge(&OutcomePolicy::default(), at("2025-07-01T00:00:00Z")).delivery_window
    }

    #[test]
    fn only_what_is_named_excuses() {
        let by = |party| Excused { party: Some(party), events: Vec::new() };
        let weather = only(&[Excuse::ForceMajeure]);
        assert_eq!(window(&weather, &by(Fault::ForceMajeure)), Outcome::Excused);
        assert_eq!(window(&weather, &by(Fault::Shipper)), Outcome::Late);
        assert_eq!(window(&only(&[]), &by(Fault::ForceMajeure)), Outcome::Late);
        assert_eq!(
            window(&Exclusions::default(), &by(Fault::Shipper)),
            Outcome::Excused,
            "as the house has it"
        );
        let outage = Excused { party: None, events: vec![EventKind::Outage] };
        assert_eq!(window(&only(&[Excuse::Outage]), &outage), Outcome::NotApplicable);
        assert_eq!(window(&weather, &outage), Outcome::Late);
    }

    #[test]
    fn a_refusal_is_a_failed_attempt_where_the_consignee_excuses_nothing() {
        let first = |exclusions: &Exclusions| {
            let none = Excused::default();
            exclusions.shipment(&late(), &none, &none).first_attempt
        };
        assert_eq!(first(&only(&[Excuse::Shipper])), Some(FirstAttempt::Failed));
        assert_eq!(first(&only(&[Excuse::Consignee])), Some(FirstAttempt::Refused));
    }

    #[test]
    fn an_offer_above_the_commitment_counts_among_all_where_that_is_no_excuse() {
        let now = at("2025-07-01T00:00:00Z");
        let facts = TenderFacts {
            response: Some(Response::Rejected),
            beyond_commitment: true,
            ..TenderFacts::default()
        };
        let judged = |exclusions: &Exclusions, facts: &TenderFacts| {
            let (_, verdict) = exclusions.tender(facts, None, now);
            (verdict.outcome, verdict.surge)
        };
        let house = (Outcome::NotApplicable, Outcome::Late);
        assert_eq!(judged(&Exclusions::default(), &facts), house);
        assert_eq!(judged(&only(&[Excuse::Beyond]), &facts), house);
        assert_eq!(judged(&only(&[]), &facts), (Outcome::Late, Outcome::Late));
        let short = TenderFacts { short_notice: true, beyond_commitment: false, ..facts };
        assert_eq!(judged(&only(&[Excuse::Notice]), &short).0, Outcome::NotApplicable);
        assert_eq!(judged(&only(&[Excuse::Beyond]), &short).0, Outcome::Late);
    }

    #[test]
    fn a_lane_is_new_for_so_many_days_from_its_first() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let thirty = Exclusions { ramp_up_days: Some(30), ..Exclusions::default() };
        let first = Some(day("2025-06-01"));
        assert!(thirty.is_ramping_up(first, day("2025-05-30")), "the pickup before the first delivery");
        assert!(thirty.is_ramping_up(first, day("2025-06-30")));
        assert!(!thirty.is_ramping_up(first, day("2025-07-01")));
        assert!(!thirty.is_ramping_up(None, day("2025-06-01")), "no lane is given");
        assert!(!Exclusions::default().is_ramping_up(first, day("2025-06-01")));
    }

    /// The reasons whose bits are set.
    fn of_bits(bits: usize) -> Exclusions {
        let named = Excuse::ALL.iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0);
        Exclusions { only: Some(named.map(|(_, excuse)| *excuse).collect()), ..Exclusions::default() }
    }

    proptest::proptest! {
        /// Who names more reasons counts no more misses, and all of them count as the house does.
        #[test]
        fn more_reasons_never_make_more_misses(
            party in 0_usize..4, event in 0_usize..EventKind::ALL.len(), is_declared: bool, few: usize, more: usize,
        ) {
            let kind = EventKind::ALL[event];
            let excused = Excused {
                party: Some(Fault::EXCUSING[party]),
                events: if is_declared { vec![kind] } else { Vec::new() },
            };
            let (all, few) = (of_bits(usize::MAX), few & more);
            let missed = |exclusions: &Exclusions| window(exclusions, &excused).is_failure();
            proptest::prop_assert!(!missed(&of_bits(more)) || missed(&of_bits(few)));
            proptest::prop_assert!(!missed(&all), "every reason is one of the house");
            proptest::prop_assert!(missed(&of_bits(0)));
        }
    }
}
