//! Whose a shipment is while several contracts of one partner are in force (DOMAIN §3.1, §3.2).
//!
//! A contract claims the shipments that its lanes match, and one without lanes every shipment. Contracts of one partner
//! may be in force together while no shipment is surely claimed by two of them ([`conflict`], asked at approval and
//! signature). A shipment that several claim all the same, or none, belongs to none of them: it is never priced by a
//! guess, and no clause credits it. While one contract is in force alone, every shipment is its own.

use std::fmt;

use chrono::NaiveDate;

use super::rate::Lane;
use super::rate::claim::{Claimed, LaneBook};
use super::terms::{Days, KpiTarget, Terms};

/// One version with the days it holds on and the lanes it claims by.
#[derive(Clone, Debug)]
pub struct Claimant {
    /// Its contract.
    pub contract_id: i64,
    /// The version.
    pub version_id: i64,
    /// Contract number.
    pub contract: String,
    /// Number of the version.
    pub version_no: i32,
    days: Days,
    lanes: LaneBook,
}

impl Claimant {
    /// Of a version as it is agreed.
    #[must_use]
    pub fn of(terms: &Terms) -> Self {
        Self {
            contract_id: terms.contract_id,
            version_id: terms.version_id,
            contract: terms.number.clone(),
            version_no: terms.version_no,
            days: terms.in_force_days(),
            lanes: LaneBook::of(&terms.pricing.terms),
        }
    }

    fn holds(&self, day: NaiveDate) -> bool {
        self.days.0 <= day && self.days.1.is_none_or(|end| day < end)
    }
}

impl fmt::Display for Claimant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (version {})", self.contract, self.version_no)
    }
}

/// Whose a shipment is.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// One contract's, by this version.
    One(&'a Claimant),
    /// No lane of those in force matches it: the first two of them, or one.
    Nobody(Option<&'a Claimant>, Option<&'a Claimant>),
    /// Two match it, each with its lane.
    Several((&'a Claimant, &'a str), (&'a Claimant, &'a str)),
}

impl Whose<'_> {
    /// The contract it belongs to.
    #[must_use]
    pub fn contract_id(&self) -> Option<i64> {
        match self {
            Self::One(claimant) => Some(claimant.contract_id),
            Self::Nobody(..) | Self::Several(..) => None,
        }
    }

    /// Why it belongs to nobody, and what to do; none where it belongs to one.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let lane = |code: &str| if code.is_empty() { "no lanes".to_owned() } else { format!("lane {code}") };
        match self {
            Self::One(_) => None,
            Self::Nobody(first, second) => {
                let named = [first, second].into_iter().flatten().map(ToString::to_string);
                let named: Vec<String> = named.collect();
                Some(format!("no lane of the contracts in force together matches: {}", named.join(", ")))
            }
            Self::Several((a, lane_a), (b, lane_b)) => Some(format!(
                "contracts {a}, {}, and {b}, {}, both match; amend one so that only one does",
                lane(lane_a),
                lane(lane_b)
            )),
        }
    }
}

/// The versions of one partner, to say whose a shipment is.
#[derive(Clone, Debug, Default)]
pub struct Claimants(Vec<Claimant>);

impl Claimants {
    /// Of the partner's signed versions; empty, which costs nothing, where no two contracts are in force together.
    #[must_use]
    pub fn of(all: &[Terms]) -> Self {
        let together = all.iter().enumerate().any(|(number, a)| {
            let mut others = all.iter().skip(number + 1).filter(|b| b.contract_id != a.contract_id);
            others.any(|b| first_shared_day(a.in_force_days(), b.in_force_days()).is_some())
        });
        if together { Self::each(all) } else { Self::default() }
    }

    /// Of these versions, whatever days they hold on.
    #[must_use]
    pub fn each(all: &[Terms]) -> Self {
        let mut claimants: Vec<Claimant> = all.iter().map(Claimant::of).collect();
        claimants.sort_by_key(|one| (one.contract_id, one.version_id));
        Self(claimants)
    }

    /// Whether there is anything to choose between.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the contract and another one are in force on a day.
    #[must_use]
    pub fn shares(&self, contract_id: i64, day: NaiveDate) -> bool {
        let holds =
            |own: bool| self.0.iter().any(|one| (one.contract_id == contract_id) == own && one.holds(day));
        holds(true) && holds(false)
    }

    /// The contract in force on a day that was made first, so that what concerns them all is counted once.
    #[must_use]
    pub fn first_on(&self, day: NaiveDate) -> Option<i64> {
        self.0.iter().filter(|one| one.holds(day)).map(|one| one.contract_id).min()
    }

    /// Whether what lies on that day is the contract's: it is in force alone, or claims it alone.
    #[must_use]
    pub fn is_of(&self, contract_id: i64, day: NaiveDate, what: Claimed<'_>) -> bool {
        !self.shares(contract_id, day) || self.whose(day, what).contract_id() == Some(contract_id)
    }

    /// Whose an obligation of that day is.
    #[must_use]
    pub fn whose(&self, day: NaiveDate, what: Claimed<'_>) -> Whose<'_> {
        decide(self.0.iter().filter(|one| one.holds(day)), what)
    }

    /// Whose a shipment is that these versions could price, each of another contract.
    #[must_use]
    pub fn whose_of(&self, versions: &[i64], what: Claimed<'_>) -> Whose<'_> {
        decide(self.0.iter().filter(|one| versions.contains(&one.version_id)), what)
    }
}

fn decide<'a>(holding: impl Iterator<Item = &'a Claimant> + Clone, what: Claimed<'_>) -> Whose<'a> {
    let mut claims = holding.clone().filter_map(|one| Some((one, one.lanes.claim(what)?)));
    match (claims.next(), claims.next()) {
        (Some(first), Some(second)) => Whose::Several(first, second),
        (Some((only, _)), None) => Whose::One(only),
        (None, _) => {
            let mut holding = holding;
            Whose::Nobody(holding.next(), holding.next())
        }
    }
}

/// The first day of both ranges, if any; an open end is no end.
#[must_use]
pub fn first_shared_day(a: Days, b: Days) -> Option<NaiveDate> {
    let first = a.0.max(b.0);
    let before = |end: Option<NaiveDate>| end.is_none_or(|end| first < end);
    (before(a.1) && before(b.1)).then_some(first)
}

/// What two versions of different contracts both say about one shipment or one KPI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// The version has no lanes, so it claims every shipment.
    NoLanes {
        /// Which of the two: ours, or the other's.
        ours: bool,
    },
    /// A lane of each claims the same shipments.
    Lanes {
        /// Ours, as `L1 (US-TX to anywhere)`.
        ours: String,
        /// The other's.
        other: String,
    },
    /// Both set a target for one KPI, and the scorecard of a partner has one.
    Target {
        /// The KPI.
        kpi: String,
    },
}

/// What keeps two versions of different contracts of a partner from being in force on one day; none when they may be.
#[must_use]
pub fn conflict(ours: &Terms, other: &Terms) -> Option<Conflict> {
    let (lanes, others) = (LaneBook::of(&ours.pricing.terms), LaneBook::of(&other.pricing.terms));
    if lanes.claims_all() || others.claims_all() {
        return Some(Conflict::NoLanes { ours: lanes.claims_all() });
    }
    if let Some((a, b)) = lanes.shared(&others) {
        let words = |lane: &Lane| {
            let kinds = [lane.equipment.as_deref(), lane.service.as_deref()].into_iter().flatten();
            let kinds: String = kinds.map(|kind| format!(", {kind}")).collect();
            format!("{} ({} to {}{kinds})", lane.code, lane.origin.words(), lane.destination.words())
        };
        return Some(Conflict::Lanes { ours: words(a), other: words(b) });
    }
    let differs = |target: &&KpiTarget| {
        other.targets.iter().any(|theirs| theirs.kpi == target.kpi && theirs != *target)
    };
    ours.targets.iter().find(differs).map(|target| Conflict::Target { kpi: target.kpi.clone() })
}

/// Two versions of different contracts that would be in force together and must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Together {
    /// Number of the contract that is asked for.
    pub contract: String,
    /// Its version.
    pub version_no: i32,
    /// The contract that holds already.
    pub other: String,
    /// Its version.
    pub other_version_no: i32,
    /// First and last day on which both would hold; open when none.
    pub days: (NaiveDate, Option<NaiveDate>),
    /// What both say.
    pub why: Conflict,
}

impl fmt::Display for Together {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contract, version_no, other, other_version_no, days: (first, last), why } = self;
        let until = last.map_or_else(String::new, |last| format!(" to {last}"));
        write!(
            f,
            "contract {contract}, version {version_no}, would be in force from {first}{until} together with contract \
             {other}, version {other_version_no}, of the same partner, "
        )?;
        match why {
            Conflict::NoLanes { ours } => write!(
                f,
                "and {} has no lanes, so it claims every shipment; give it lanes that leave the others out, end {other} \
                 first, or start later",
                if *ours { contract } else { other }
            ),
            Conflict::Lanes { ours, other: theirs } => write!(
                f,
                "and both claim the shipments of its lane {ours} and of lane {theirs} of {other}; change one of the two \
                 lanes, name another equipment or service on each, end {other} first, or start later"
            ),
            Conflict::Target { kpi } => write!(
                f,
                "and they set different targets for {kpi}, of which the partner's scorecard has one; make them equal, \
                 keep it in one of the two, end {other} first, or start later"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::geo::Place;
    use crate::domain::terms::tests::terms;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// A version of a contract of its own with one lane to anywhere, of one service.
    fn of(contract_id: i64, from: &str, to: Option<&str>, service: &str) -> Terms {
        let mut terms = Terms {
            contract_id,
            version_id: contract_id * 10,
            number: format!("C-{contract_id}"),
            valid_from: day(from),
            valid_to: to.map(day),
            ..terms()
        };
        terms.pricing.terms.lanes = vec![Lane {
            code: format!("TO {service}"),
            origin: "US".parse().unwrap(),
            destination: "*".parse().unwrap(),
            equipment: None,
            service: Some(service.to_owned()).filter(|service| !service.is_empty()),
            transit_business_days: None,
            line: "LOAD".to_owned(),
        }];
        terms
    }

    #[test]
    fn contracts_one_after_the_other_leave_nothing_to_choose() {
        let after = [of(1, "2025-01-01", Some("2025-03-01"), ""), of(2, "2025-03-01", None, "")];
        assert!(Claimants::of(&after).is_empty());
        let mut amended = after.clone();
        (amended[1].contract_id, amended[1].valid_from) = (1, day("2025-02-01"));
        assert!(Claimants::of(&amended).is_empty(), "versions of one contract are another rule's");
        let together = [of(1, "2025-01-01", Some("2025-03-01"), "TL"), of(2, "2025-02-28", None, "LTL")];
        let claimants = Claimants::of(&together);
        assert!(claimants.shares(1, day("2025-02-28")) && claimants.shares(2, day("2025-02-28")));
        let place = Place { country: "US".to_owned(), ..Place::default() };
        let is_first = |on: &str| {
            claimants.is_of(
                1,
                day(on),
                Claimed { origin: &place, destination: &place, equipment: "", service: "LTL" },
            )
        };
        assert!(is_first("2025-02-27") && !is_first("2025-02-28"), "alone in force, everything is its own");
        assert!(!claimants.shares(1, day("2025-02-27")) && !claimants.shares(2, day("2025-03-01")));
        assert_eq!(
            (claimants.first_on(day("2025-02-28")), claimants.first_on(day("2025-03-01"))),
            (Some(1), Some(2))
        );
    }

    #[test]
    fn a_shipment_is_the_contracts_that_alone_claims_it() {
        let all = [of(1, "2025-01-01", None, "TL"), of(2, "2025-01-01", None, "LTL")];
        let claimants = Claimants::of(&all);
        let place = Place { country: "US".to_owned(), ..Place::default() };
        let whose = |service: &str| {
            let what = Claimed { origin: &place, destination: &place, equipment: "", service };
            claimants.whose(day("2025-02-01"), what)
        };
        assert_eq!((whose("tl").contract_id(), whose("LTL").contract_id()), (Some(1), Some(2)));
        assert_eq!(whose("TL").reason(), None);
        assert_eq!(whose("AIR").contract_id(), None);
        assert_eq!(
            whose("AIR").reason().unwrap(),
            "no lane of the contracts in force together matches: C-1 (version 1), C-2 (version 1)"
        );
        let open = Claimants::each(&[of(1, "2025-01-01", None, "TL"), of(2, "2025-01-01", None, "")]);
        let what = Claimed { origin: &place, destination: &place, equipment: "", service: "TL" };
        assert_eq!(
            open.whose(day("2025-02-01"), what).reason().unwrap(),
            "contracts C-1 (version 1), lane TO TL, and C-2 (version 1), lane TO , both match; amend one so that only one \
             does"
        );
    }

    #[test]
    fn what_two_versions_both_say_is_named() {
        let (tl, ltl) = (of(1, "2025-01-01", None, "TL"), of(2, "2025-01-01", None, "LTL"));
        assert_eq!(conflict(&tl, &ltl), None);
        assert_eq!(
            conflict(&tl, &of(2, "2025-01-01", None, "")),
            Some(Conflict::Lanes {
                ours: "TO TL (US to anywhere, TL)".to_owned(),
                other: "TO  (US to anywhere)".to_owned()
            })
        );
        let mut bare = ltl.clone();
        bare.pricing.terms.lanes.clear();
        assert_eq!(conflict(&tl, &bare), Some(Conflict::NoLanes { ours: false }));
        assert_eq!(conflict(&bare, &tl), Some(Conflict::NoLanes { ours: true }));
        let mut other = ltl.clone();
        other.targets[0].target = crate::domain::money::Micros(96_000_000);
        assert_eq!(conflict(&tl, &other), Some(Conflict::Target { kpi: "OTD_WIN".to_owned() }));
        other.targets.clear();
        assert_eq!(conflict(&tl, &other), None);
    }
}
