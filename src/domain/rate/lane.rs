//! Which lane a shipment runs on: the most precise one, found by look-up and not by scanning (DOMAIN §3.2).
//!
//! Equipment and service matching exactly come first, equipment before service; then the sum of the two ends'
//! precision, then the origin's. What is still tied is refused when the terms are approved, naming both lanes.

use hashbrown::HashMap;

use super::{GeoSelector, Lane, Problems, TermProblem, Zone};
use crate::domain::geo::{GeoLevel, Place, key};

/// Lanes compared with each other for ties that only zones and prefixes can make; more are not compared
/// beforehand, and a tie among them leaves the shipment unrated.
const COMPARED_MAX: usize = 20_000;
/// The same at each look at a draft, which somebody waits for.
const LOOKED_AT_MAX: usize = 1_000;

/// The lanes of one precision.
#[derive(Clone, Debug)]
struct Rank {
    equipment: bool,
    service: bool,
    origin: GeoLevel,
    destination: GeoLevel,
    /// Fingerprint of equipment, service and both ends, to indices of lanes.
    lanes: HashMap<u64, Vec<u32>>,
}

/// Every lane, most precise first.
#[derive(Clone, Debug, Default)]
pub(super) struct LaneIndex {
    ranks: Vec<Rank>,
    /// Fingerprint of a member to the fingerprints of its zones.
    zones: HashMap<u64, Vec<u64>>,
    /// Lengths of postcode prefixes in use.
    prefixes: Vec<usize>,
}

/// What the look-up found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LaneHit {
    One(usize),
    Tied(usize, usize),
    None,
}

/// Fingerprints of one place at one level; a place is in few zones, and the rest is dropped.
const KEYS_MAX: usize = 16;

#[derive(Default)]
struct Keys {
    found: [u64; KEYS_MAX],
    len: usize,
}

impl Keys {
    fn push(&mut self, fingerprint: u64) {
        if let Some(slot) = self.found.get_mut(self.len) {
            *slot = fingerprint;
            self.len += 1;
        }
    }

    fn all(&self) -> &[u64] {
        self.found.get(..self.len).unwrap_or_default()
    }
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn order(lane: &Lane) -> (bool, bool, u8, u8) {
    let (origin, destination) = (lane.origin.level().specificity(), lane.destination.level().specificity());
    (lane.equipment.is_some(), lane.service.is_some(), origin + destination, origin)
}

fn fingerprint(equipment: &str, service: &str, origin: u64, destination: u64) -> u64 {
    key(b'w', [equipment, service, ""]).rotate_left(17) ^ origin.rotate_left(31) ^ destination
}

impl LaneIndex {
    /// Laid out, with every tie told.
    pub fn new(lanes: &[Lane], zones: &[Zone], problems: &mut Problems) -> Self {
        check_ties(lanes, zones, COMPARED_MAX, problems);
        Self::laid_out(lanes, zones)
    }

    /// Laid out; approval has refused ties.
    pub fn laid_out(lanes: &[Lane], zones: &[Zone]) -> Self {
        let mut index = Self::default();
        let mut order_of: Vec<usize> = (0..lanes.len()).collect();
        let lane_at = |index: usize| lanes.get(index);
        // Most precise first; the code only to be independent of the order given.
        order_of.sort_by_key(|i| lane_at(*i).map(|lane| (std::cmp::Reverse(order(lane)), lane.code.clone())));
        for number in order_of {
            if let Some(lane) = lane_at(number) {
                index.add(lane, number);
            }
        }
        let mut member = |key: u64, zone: u64| index.zones.entry(key).or_default().push(zone);
        for zone in zones {
            let name = GeoSelector::Zone(zone.name.clone()).fingerprint();
            zone.members.iter().for_each(|selector| member(selector.fingerprint(), name));
        }
        let selectors = lanes.iter().flat_map(|lane| [&lane.origin, &lane.destination]);
        for selector in selectors.chain(zones.iter().flat_map(|zone| &zone.members)) {
            if let GeoSelector::Area(_, prefix) = selector {
                index.prefixes.push(prefix.len());
            }
        }
        index.prefixes.sort_unstable();
        index.prefixes.dedup();
        index
    }

    fn add(&mut self, lane: &Lane, number: usize) {
        let (equipment, service) = (lane.equipment.is_some(), lane.service.is_some());
        let (origin, destination) = (lane.origin.level(), lane.destination.level());
        let same = |rank: &Rank| {
            (rank.equipment, rank.service, rank.origin, rank.destination)
                == (equipment, service, origin, destination)
        };
        if !self.ranks.last().is_some_and(same) {
            self.ranks.push(Rank { equipment, service, origin, destination, lanes: HashMap::new() });
        }
        let words =
            (lane.equipment.as_deref().unwrap_or_default(), lane.service.as_deref().unwrap_or_default());
        let key = fingerprint(words.0, words.1, lane.origin.fingerprint(), lane.destination.fingerprint());
        if let (Some(rank), Ok(number)) = (self.ranks.last_mut(), u32::try_from(number)) {
            rank.lanes.entry(key).or_default().push(number);
        }
    }

    /// The lane of a shipment.
    pub fn find(
        &self,
        lanes: &[Lane],
        zones: &[Zone],
        ends: (&Place, &Place),
        words: (&str, &str),
    ) -> LaneHit {
        for rank in &self.ranks {
            let (origins, destinations) =
                (self.keys(ends.0, rank.origin), self.keys(ends.1, rank.destination));
            let equipment = if rank.equipment { words.0 } else { "" };
            let service = if rank.service { words.1 } else { "" };
            let mut found: Option<usize> = None;
            for origin in origins.all() {
                for destination in destinations.all() {
                    let key = fingerprint(equipment, service, *origin, *destination);
                    for number in rank.lanes.get(&key).into_iter().flatten() {
                        let Ok(number) = usize::try_from(*number) else { continue };
                        let Some(lane) = lanes.get(number) else { continue };
                        // A fingerprint may lie; the lane itself decides.
                        if !accepts(lane, zones, ends, words) || found == Some(number) {
                            continue;
                        }
                        match found {
                            Some(first) => return LaneHit::Tied(first.min(number), first.max(number)),
                            None => found = Some(number),
                        }
                    }
                }
            }
            if let Some(number) = found {
                return LaneHit::One(number);
            }
        }
        LaneHit::None
    }

    fn keys(&self, place: &Place, level: GeoLevel) -> Keys {
        let mut keys = Keys::default();
        let mut known = |kind: u8, text: &str| {
            if !text.is_empty() {
                keys.push(key(kind, [text, "", ""]));
            }
        };
        match level {
            GeoLevel::Facility => {
                known(b'f', &place.facility);
                known(b'p', &place.port);
            }
            GeoLevel::Postcode => known(b'z', &place.postcode),
            GeoLevel::Area => {
                for prefix in self.prefixes.iter().filter_map(|length| place.postcode.get(..*length)) {
                    known(b'a', prefix);
                }
            }
            GeoLevel::City => keys.push(key(b'c', [&place.country, &place.state, &place.city])),
            GeoLevel::State => keys.push(key(b's', [&place.country, &place.state, ""])),
            GeoLevel::Country => known(b'l', &place.country),
            GeoLevel::Any => keys.push(GeoSelector::Any.fingerprint()),
            GeoLevel::Zone => {
                known(b'n', &place.zone);
                for level in GeoLevel::ALL.iter().filter(|l| !matches!(l, GeoLevel::Zone | GeoLevel::Any)) {
                    for member in self.keys(place, *level).all() {
                        let zones = self.zones.get(member).into_iter().flatten();
                        zones.for_each(|zone| keys.push(*zone));
                    }
                }
            }
        }
        keys
    }
}

fn accepts(lane: &Lane, zones: &[Zone], ends: (&Place, &Place), words: (&str, &str)) -> bool {
    lane.equipment.as_ref().is_none_or(|wanted| same(wanted, words.0))
        && lane.service.as_ref().is_none_or(|wanted| same(wanted, words.1))
        && lane.origin.matches(ends.0, zones)
        && lane.destination.matches(ends.1, zones)
}

/// The first lanes that could claim one shipment with the same precision, at most `most` pairs: what approval refuses.
/// Of lanes that only zones and prefixes could tie, [`LOOKED_AT_MAX`] are compared; approval compares more.
pub(super) fn lane_ties(lanes: &[Lane], zones: &[Zone], most: usize) -> Vec<TermProblem> {
    let mut problems = Problems::default();
    check_ties(lanes, zones, LOOKED_AT_MAX, &mut problems);
    problems.0.truncate(most);
    problems.0
}

/// Two lanes that could claim one shipment with the same precision.
fn check_ties(lanes: &[Lane], zones: &[Zone], compared_max: usize, problems: &mut Problems) {
    let tie = |a: &Lane, b: &Lane, problems: &mut Problems| {
        let (low, high) = if a.code <= b.code { (a, b) } else { (b, a) };
        problems.say(
            || format!("lanes {} and {}", low.code, high.code),
            || {
                format!(
                    "both match shipments from {} to {} equally well; make one more precise or remove it",
                    low.origin, low.destination
                )
            },
        );
    };
    // Equal ends are found by look-up, however many lanes there are.
    let mut seen: HashMap<(u64, bool, bool), Vec<&Lane>> = HashMap::new();
    let mut vague: Vec<&Lane> = Vec::new();
    for lane in lanes {
        let words =
            (lane.equipment.as_deref().unwrap_or_default(), lane.service.as_deref().unwrap_or_default());
        let print = fingerprint(words.0, words.1, lane.origin.fingerprint(), lane.destination.fingerprint());
        let group = seen.entry((print, lane.equipment.is_some(), lane.service.is_some())).or_default();
        group.iter().filter(|other| tied(other, lane, zones)).for_each(|other| tie(other, lane, problems));
        group.push(lane);
        let open = |s: &GeoSelector| matches!(s.level(), GeoLevel::Zone | GeoLevel::Area);
        if (open(&lane.origin) || open(&lane.destination)) && vague.len() < compared_max {
            vague.push(lane);
        }
        if problems.full() {
            return;
        }
    }
    for (number, a) in vague.iter().enumerate() {
        for b in vague.iter().skip(number + 1).filter(|b| order(a) == order(b) && tied(a, b, zones)) {
            let equal = a.origin.fingerprint() == b.origin.fingerprint()
                && a.destination.fingerprint() == b.destination.fingerprint();
            if !equal {
                tie(a, b, problems);
            }
            if problems.full() {
                return;
            }
        }
    }
}

fn tied(a: &Lane, b: &Lane, zones: &[Zone]) -> bool {
    let word = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    };
    word(&a.equipment, &b.equipment)
        && word(&a.service, &b.service)
        && a.origin.may_overlap(&b.origin, zones)
        && a.destination.may_overlap(&b.destination, zones)
}
