//! Which shipments the lanes of a version claim, and whether two versions surely claim one (DOMAIN §3.2).

use hashbrown::{HashMap, HashSet};

use super::lane::{LaneHit, LaneIndex};
use super::{Lane, RateTerms, Zone};
use crate::domain::geo::{GeoSelector, Place};

/// Pairs of lanes compared with each other before a look for two that claim one shipment is given up; a pair beyond
/// that leaves its shipments unrated.
const PAIRS_MAX: usize = 20_000_000;

/// What a claim depends on.
#[derive(Clone, Copy, Debug)]
pub struct Claimed<'a> {
    /// Where it starts.
    pub origin: &'a Place,
    /// Where it goes.
    pub destination: &'a Place,
    /// Equipment; empty when unknown.
    pub equipment: &'a str,
    /// Service level; empty when unknown.
    pub service: &'a str,
}

/// The lanes of a version, ready to say which shipments are its own. A version without lanes claims every one.
#[derive(Clone, Debug)]
pub struct LaneBook {
    lanes: Vec<Lane>,
    zones: Vec<Zone>,
    index: LaneIndex,
}

impl LaneBook {
    /// Of what a version says about price; its tables are not looked at.
    #[must_use]
    pub fn of(terms: &RateTerms) -> Self {
        let index = LaneIndex::laid_out(&terms.lanes, &terms.zones);
        Self { lanes: terms.lanes.clone(), zones: terms.zones.clone(), index }
    }

    /// Whether it has no lanes, and so claims every shipment.
    #[must_use]
    pub fn claims_all(&self) -> bool {
        self.lanes.is_empty()
    }

    /// The lane that claims a shipment, by its code; empty for a version without lanes, none where no lane does.
    #[must_use]
    pub fn claim(&self, what: Claimed<'_>) -> Option<&str> {
        if self.claims_all() {
            return Some("");
        }
        let ends = (what.origin, what.destination);
        match self.index.find(&self.lanes, &self.zones, ends, (what.equipment, what.service)) {
            LaneHit::One(number) | LaneHit::Tied(number, _) => {
                self.lanes.get(number).map(|lane| lane.code.as_str())
            }
            LaneHit::None => None,
        }
    }

    /// The first lane of each that surely claim one shipment: some place lies in both origins and some in both
    /// destinations, and neither names an equipment or a service that the other excludes. How precise they are does not
    /// matter: between contracts nothing says that the more precise lane wins.
    #[must_use]
    pub fn shared<'a>(&'a self, other: &'a Self) -> Option<(&'a Lane, &'a Lane)> {
        let (origins, destinations) =
            (Met::of(self, other, |lane| &lane.origin), { Met::of(self, other, |lane| &lane.destination) });
        let mut left = PAIRS_MAX;
        for lane in &self.lanes {
            // Whichever end leaves fewer to look at.
            let by_origin = origins.of_lane(&lane.origin);
            let by_destination = destinations.of_lane(&lane.destination);
            let fewer = if by_origin.len() <= by_destination.len() { by_origin } else { by_destination };
            for number in fewer {
                left = left.checked_sub(1)?;
                let Some(theirs) = other.lanes.get(*number) else { continue };
                let words = may_share(lane.equipment.as_deref(), theirs.equipment.as_deref())
                    && may_share(lane.service.as_deref(), theirs.service.as_deref());
                let meets = |ours: &GeoSelector, theirs: &GeoSelector| {
                    ours.surely_meets(&self.zones, theirs, &other.zones)
                };
                if words
                    && meets(&lane.origin, &theirs.origin)
                    && meets(&lane.destination, &theirs.destination)
                {
                    return Some((lane, theirs));
                }
            }
        }
        None
    }
}

/// Whether one word can be meant by both; none means any.
fn may_share(a: Option<&str>, b: Option<&str>) -> bool {
    a.zip(b).is_none_or(|(a, b)| a.eq_ignore_ascii_case(b))
}

/// Selectors by the fingerprint of a place.
type ByPrint<'a> = HashMap<u64, Vec<&'a GeoSelector>>;

/// For each end of our lanes, the lanes of the other whose end may lie in it or around it.
struct Met<'a>(HashMap<&'a GeoSelector, Vec<usize>>);

impl<'a> Met<'a> {
    fn of(ours: &'a LaneBook, theirs: &'a LaneBook, end: impl Fn(&Lane) -> &GeoSelector) -> Self {
        let mut lanes_at: HashMap<&GeoSelector, Vec<usize>> = HashMap::new();
        for (number, lane) in theirs.lanes.iter().enumerate() {
            lanes_at.entry(end(lane)).or_default().push(number);
        }
        let (mut exact, mut below): (ByPrint<'_>, ByPrint<'_>) = (HashMap::new(), HashMap::new());
        for selector in lanes_at.keys() {
            let (own, around) = selector.within(&theirs.zones);
            own.into_iter().for_each(|key| exact.entry(key).or_default().push(selector));
            around.into_iter().for_each(|key| below.entry(key).or_default().push(selector));
        }
        let mut met: HashMap<&'a GeoSelector, Vec<usize>> = HashMap::new();
        for lane in &ours.lanes {
            let selector = end(lane);
            if met.contains_key(selector) {
                continue;
            }
            let (own, around) = selector.within(&ours.zones);
            let above = around.iter().filter_map(|key| exact.get(key));
            let found: HashSet<&GeoSelector> =
                above.chain(own.iter().filter_map(|key| below.get(key))).flatten().copied().collect();
            let mut numbers: Vec<usize> =
                found.into_iter().filter_map(|selector| lanes_at.get(selector)).flatten().copied().collect();
            numbers.sort_unstable();
            met.insert(selector, numbers);
        }
        Self(met)
    }

    fn of_lane(&self, selector: &GeoSelector) -> &[usize] {
        self.0.get(selector).map_or(&[][..], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::currency::Currency;

    fn lane(code: &str, from: &str, to: &str, words: [&str; 2]) -> Lane {
        let word = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Lane {
            code: code.to_owned(),
            origin: from.parse().unwrap(),
            destination: to.parse().unwrap(),
            equipment: word(words[0]),
            service: word(words[1]),
            transit_business_days: None,
            line: "LOAD".to_owned(),
        }
    }

    fn book(lanes: Vec<Lane>) -> LaneBook {
        LaneBook::of(&RateTerms { lanes, ..RateTerms::empty(Currency::USD) })
    }

    fn shared(a: &LaneBook, b: &LaneBook) -> Option<(String, String)> {
        a.shared(b).map(|(a, b)| (a.code.clone(), b.code.clone()))
    }

    #[test]
    fn services_equipment_and_regions_keep_contracts_apart() {
        let full = book(vec![lane("TL", "*", "*", ["VAN", "TL"])]);
        let part = book(vec![lane("LTL", "*", "*", ["", "LTL"])]);
        assert_eq!(shared(&full, &part), None, "one service each");
        let any = book(vec![lane("VANS", "US-TX", "*", ["van", ""])]);
        assert_eq!(shared(&full, &any), Some(("TL".to_owned(), "VANS".to_owned())), "a van of service TL");
        let north = book(vec![lane("N", "US-IL", "*", ["", ""]), lane("W", "US-WA", "*", ["", ""])]);
        let south =
            book(vec![lane("S", "US-TX", "*", ["", ""]), lane("D", "city:US-WA-Seattle", "US", ["", ""])]);
        assert_eq!(
            shared(&north, &south),
            Some(("W".to_owned(), "D".to_owned())),
            "a city lies in its state"
        );
        assert_eq!(shared(&south, &north), Some(("D".to_owned(), "W".to_owned())));
    }

    #[test]
    fn a_lane_claims_whatever_is_more_precise_elsewhere() {
        let wide = book(vec![lane("ALL", "*", "*", ["", ""])]);
        let place = Place { postcode: "75001".to_owned(), ..Place::default() };
        let what = Claimed { origin: &place, destination: &place, equipment: "", service: "" };
        assert_eq!(wide.claim(what), Some("ALL"));
        assert_eq!(book(vec![lane("Z", "zip:75001", "zip:75002", ["", ""])]).claim(what), None);
        assert_eq!(book(Vec::new()).claim(what), Some(""), "a version without lanes claims everything");
    }

    const ENDS: [&str; 9] = [
        "*",
        "US",
        "US-TX",
        "US-OK",
        "city:US-TX-Dallas",
        "zip3:US/750",
        "zip:75001",
        "zip:DE/75001",
        "facility:DC-1",
    ];

    fn lanes() -> impl Strategy<Value = Vec<Lane>> {
        let word = prop_oneof![Just(""), Just("VAN"), Just("REEFER")];
        let one = (0..ENDS.len(), 0..ENDS.len(), word)
            .prop_map(|(from, to, equipment)| lane("L", ENDS[from], ENDS[to], [equipment, ""]));
        prop::collection::vec(one, 1..6)
    }

    proptest! {
        /// The look-up finds a pair exactly where comparing every two does.
        #[test]
        fn the_look_up_misses_no_pair(a in lanes(), b in lanes()) {
            let (a, b) = (book(a), book(b));
            let slow = a.lanes.iter().any(|x| b.lanes.iter().any(|y| {
                may_share(x.equipment.as_deref(), y.equipment.as_deref())
                    && x.origin.surely_meets(&[], &y.origin, &[])
                    && x.destination.surely_meets(&[], &y.destination, &[])
            }));
            prop_assert_eq!(a.shared(&b).is_some(), slow);
        }
    }
}
