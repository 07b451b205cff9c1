//! The price cap from one version to the next, cell by cell (DOMAIN §3.1, §3.4 step 3): what a cell may cost at most is
//! what it cost in the version before and the cap on top. The prior rate stands in the cell, so that the engine needs
//! no other version; this file says which prior rate belongs there, and which cells the cap holds back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::table::{Table, capped, span};
use super::{
    Axis, Band, BandEdges, Bps, Cell, CellChange, Currency, Lane, Micros, OverlapRule, Problems, RateLine,
};
use crate::domain::words;

/// What cells cost in the version before, by place in the table.
#[derive(Debug)]
struct Before<'a> {
    line: &'a RateLine,
    cap: Option<Bps>,
    columns: HashMap<String, u16>,
    table: Table,
}

impl<'a> Before<'a> {
    fn new(line: &'a RateLine, cap: Option<Bps>) -> Self {
        // It was checked when it was agreed; what does not come out today has no prior rates.
        let table = Table::new(line, &[], cap, "", &mut Problems::default());
        let columns =
            line.columns.iter().zip(0..).map(|(name, at)| (name.to_ascii_uppercase(), at)).collect();
        Self { line, cap, columns, table }
    }

    /// What the place of `cell` cost; none where the version before had no price there, or it was free.
    fn rate(&self, of: &RateLine, cell: &Cell) -> Option<Micros> {
        let column = match of.columns.get(usize::from(cell.column)) {
            Some(name) => *self.columns.get(&name.to_ascii_uppercase())?,
            None => 0,
        };
        // The table keeps its cells sorted by column and bands.
        let place = (column, cell.first, cell.second);
        let at = self.table.cells.partition_point(|old| (old.column, old.first, old.second) < place);
        let old = self.table.cells.get(at).filter(|old| (old.column, old.first, old.second) == place);
        let exact = old.map(|old| capped(old, self.cap));
        exact.or_else(|| self.at(column, of.edges, cell)).filter(|rate| *rate > Micros::ZERO)
    }

    /// Where the bands were cut otherwise: the rate that held at the lower end of the cell.
    fn at(&self, column: u16, edges: BandEdges, cell: &Cell) -> Option<Micros> {
        let lower = |axis: Option<Axis>, band: Band| axis.map_or(0, |_| span(band, edges).0);
        let grid = self.table.grid(usize::from(column))?;
        let part = grid.part(lower(self.line.first, cell.first))?;
        let overlaps = self.line.overlaps != OverlapRule::Refuse;
        let rates = grid.hits(part, lower(self.line.second, cell.second), overlaps).map(|entry| entry.rate);
        if self.line.overlaps == OverlapRule::Dearest { rates.max() } else { rates.min() }
    }
}

/// Which line of the version before priced what a line prices now: that is told by their lanes (both ends, equipment,
/// service), since a name is given anew at will.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// The code of the version before, by the code now: only of lines that share a lane.
    by_lane: BTreeMap<String, String>,
}

impl Lineage {
    /// From the lanes of the version before, and the lanes now.
    #[must_use]
    pub fn new(before: &[Lane], now: &[Lane]) -> Self {
        let key = |lane: &Lane| {
            let text = |text: &Option<String>| text.as_deref().unwrap_or_default().to_ascii_uppercase();
            (lane.origin.clone(), lane.destination.clone(), text(&lane.equipment), text(&lane.service))
        };
        let old: HashMap<_, &str> = before.iter().map(|lane| (key(lane), lane.line.as_str())).collect();
        let mut shared: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for lane in now {
            if let Some(code) = old.get(&key(lane)) {
                *shared.entry(lane.line.as_str()).or_default().entry(code).or_default() += 1;
            }
        }
        // Most lanes in common; the same name of equals, else the first by name.
        let most = |code: &str, of: BTreeMap<&str, usize>| {
            let best = of.into_iter().max_by_key(|(old, lanes)| (*lanes, *old == code, Reverse(*old)));
            best.map(|(old, _)| old.to_owned())
        };
        let by_lane = shared.into_iter().filter_map(|(code, of)| Some((code.to_owned(), most(code, of)?)));
        Self { by_lane: by_lane.collect() }
    }

    /// The code that was followed by the line of this code. A line that shares no lane follows its name, unless what the
    /// name priced has another one now.
    fn code_before<'a>(&'a self, code: &'a str) -> Option<&'a str> {
        if let Some(old) = self.by_lane.get(code) {
            return Some(old);
        }
        let taken = self.by_lane.values().any(|old| old == code);
        (!taken).then_some(code)
    }
}

/// Of the lines of the version before the one that `line` follows: of those that priced the same, the one with its first
/// day, else the newest.
#[must_use]
pub fn line_before(lines: &[RateLine], lineage: &Lineage, line: &RateLine) -> Option<usize> {
    let code = lineage.code_before(&line.code)?;
    let of_code = || lines.iter().enumerate().filter(|(_, one)| one.code == code);
    let exact = of_code().find(|(_, one)| one.valid_from == line.valid_from);
    exact.or_else(|| of_code().max_by_key(|(_, one)| one.valid_from)).map(|(at, _)| at)
}

/// Whether rates of both lines mean the same thing, so that one can be held to the other.
fn comparable(old: &RateLine, new: &RateLine, currency: Currency) -> bool {
    let of = |line: &RateLine| {
        (line.basis, line.unit, line.first, line.second, line.columns_by, line.currency.unwrap_or(currency))
    };
    of(old) == of(new)
}

/// The prior rate of each cell of `line`, from `old`, its line in the version before with that version's `cap`: the
/// rate that was charged, its own cap applied. A cell that the version before did not price keeps the prior rate it
/// has. A table with the same prices raises nothing and stays as it is.
#[must_use]
pub fn priors(old: &RateLine, cap: Option<Bps>, line: &RateLine, currency: Currency) -> Vec<Option<Micros>> {
    let own = |cell: &Cell| cell.prior;
    if !comparable(old, line, currency) {
        return line.cells.iter().map(own).collect();
    }
    let before = Before::new(old, cap);
    line.cells.iter().map(|cell| before.rate(line, cell).or(own(cell))).collect()
}

/// Whether both lines have the same prices, whatever their prior rates.
#[must_use]
pub fn same_prices(old: &RateLine, new: &RateLine) -> bool {
    let plain = |line: &RateLine| {
        let cells = line.cells.iter().map(|cell| Cell { prior: None, ..*cell });
        let mut cells: Vec<Cell> = cells.collect();
        cells.sort_unstable();
        cells
    };
    old.cells.len() == new.cells.len() && old.columns == new.columns && plain(old) == plain(new)
}

/// The cells of `line` that cost more than the cap lets them, in few words each, up to `keep` of them; and how many
/// there are.
#[must_use]
pub fn held_back(line: &RateLine, cap: Option<Bps>, keep: usize) -> (usize, Vec<String>) {
    let mut told = Vec::new();
    let mut count = 0;
    for cell in &line.cells {
        let most = capped(cell, cap);
        if most >= cell.rate {
            continue;
        }
        count += 1;
        if told.len() < keep {
            let change = CellChange {
                column: line.columns.get(usize::from(cell.column)).cloned().unwrap_or_default(),
                first: cell.first,
                second: cell.second,
                before: cell.prior,
                after: Some(cell.rate),
                min: None,
            };
            let held = words::amount(most);
            told.push(format!("{}, held to {held}", change.text((line.first, line.second))));
        }
    }
    (count, told)
}

#[cfg(test)]
mod tests {
    use super::super::tests::samples::{band, cell, ltl, micros};
    use super::*;

    const FIVE: Option<Bps> = Some(Bps(500));

    fn priors_of(old: &RateLine, line: &RateLine) -> Vec<Option<Micros>> {
        priors(old, FIVE, line, Currency::USD)
    }

    #[test]
    fn r10_the_prior_rate_is_what_was_charged_in_the_version_before() {
        let mut old = ltl();
        // Announced 60.00, charged 50.61: that is what the next version is held to.
        old.cells[0] = Cell { prior: Some(micros("48.20")), ..cell(old.cells[0].first, "60.00") };
        let mut new = ltl();
        new.cells.reverse();
        new.cells.push(cell(band(9_000, None), "1"));
        let found = priors_of(&old, &new);
        let wanted = ["21.85", "26.10", "31.40", "39.75", "50.61"].map(|rate| Some(micros(rate)));
        assert_eq!(found[..5], wanted);
        assert_eq!(
            found[5],
            Some(micros("21.85")),
            "where bands are cut otherwise, the rate at the lower end"
        );
    }

    #[test]
    fn what_the_version_before_did_not_price_or_priced_otherwise_has_none() {
        let old = ltl();
        let mut new = ltl();
        new.cells[1].prior = Some(micros("7"));
        let mut free = ltl();
        free.cells[0].rate = Micros::ZERO;
        assert_eq!(priors_of(&free, &new)[0], None, "free before");
        let mut other = ltl();
        other.basis = super::super::RateBasis::Flat;
        assert_eq!(priors_of(&other, &new)[..2], [None, Some(micros("7"))]);
        let dollars = RateLine { currency: Some(Currency::USD), ..ltl() };
        assert_eq!(priors_of(&dollars, &new), priors_of(&old, &new), "the contract's currency, said or not");
    }

    fn lane(destination: &str, line: &str) -> Lane {
        Lane {
            code: format!("{destination} {line}"),
            origin: "US-TX".parse().unwrap(),
            destination: destination.parse().unwrap(),
            equipment: Some("Reefer".to_owned()),
            service: None,
            transit_business_days: None,
            line: line.to_owned(),
        }
    }

    #[test]
    fn a_line_follows_what_priced_its_lanes_whatever_its_name() {
        let named = |code: &str| RateLine { code: code.to_owned(), ..ltl() };
        let old = [named("NORTH"), named("SOUTH"), named("IDLE")];
        let before = [lane("US-NY", "NORTH"), lane("US-NJ", "NORTH"), lane("US-FL", "SOUTH")];
        let follows = |now: &[Lane], code: &str| {
            line_before(&old, &Lineage::new(&before, now), &named(code)).map(|at| old[at].code.clone())
        };
        let some = |code: &str| Some(code.to_owned());
        // Renamed, and in other words of the same equipment.
        let mut renamed = [lane("US-NY", "N1"), lane("US-NJ", "N1"), lane("US-FL", "SOUTH")];
        renamed[0].equipment = Some("REEFER".to_owned());
        assert_eq!(follows(&renamed, "N1"), some("NORTH"));
        assert_eq!(follows(&renamed, "SOUTH"), some("SOUTH"));
        assert_eq!(follows(&renamed, "IDLE"), some("IDLE"), "without lanes the name is all there is");
        // The names change places.
        let swapped = [lane("US-NY", "SOUTH"), lane("US-NJ", "SOUTH"), lane("US-FL", "NORTH")];
        assert_eq!((follows(&swapped, "SOUTH"), follows(&swapped, "NORTH")), (some("NORTH"), some("SOUTH")));
        // A name used again for a lane that is new, while what it priced has another one.
        let again = [lane("US-NY", "N1"), lane("US-NJ", "N1"), lane("US-CA", "NORTH")];
        assert_eq!((follows(&again, "N1"), follows(&again, "NORTH")), (some("NORTH"), None));
        // Split in two: both were priced by the one.
        let split = [lane("US-NY", "NORTH"), lane("US-NJ", "N2")];
        assert_eq!((follows(&split, "NORTH"), follows(&split, "N2")), (some("NORTH"), some("NORTH")));
        // Another service was never priced.
        let mut express = [lane("US-NY", "X")];
        express[0].service = Some("EXPRESS".to_owned());
        assert_eq!(follows(&express, "X"), None);
    }

    #[test]
    fn cells_over_the_cap_are_named() {
        let mut new = ltl();
        for cell in &mut new.cells {
            cell.prior = Some(cell.rate);
        }
        new.cells[1].rate = micros("45.00");
        let (count, told) = held_back(&new, FIVE, 3);
        assert_eq!(count, 1);
        assert_eq!(told, ["weight 500 to 1,000: 39.75 → 45.00 (+5.25, +13.21 %), held to 41.7375"]);
        assert_eq!(held_back(&new, None, 3), (0, Vec::new()));
        assert!(same_prices(&ltl(), &RateLine { cells: ltl().cells, ..new.head() }));
        assert!(!same_prices(&ltl(), &new));
    }
}
