//! Which days a late or corrected price can change.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use crate::domain::fuel::{FuelPrice, FuelProgramme};
use crate::domain::rate::FxRate;

/// Days from, and until but without; open when none.
pub type Range = (NaiveDate, Option<NaiveDate>);

/// The pickup days on which `new` gives a programme another quote than the prices `known` before it: those of the
/// week it is in force, and where it corrects the day another price starts, those between.
///
/// None when the programme follows another series, or no day changes.
#[must_use]
pub fn fuel_days(programme: &FuelProgramme, known: &[FuelPrice], new: &FuelPrice) -> Option<Range> {
    if programme.index != new.index {
        return None;
    }
    let effective = |row: &FuelPrice| {
        let lag = Days::new(u64::from(programme.effective_days));
        let usual = || row.published_on.checked_add_days(lag).unwrap_or(row.published_on);
        row.effective_from.unwrap_or_else(usual)
    };
    // Of several rows for one publication the one recorded last counts.
    let mut series: BTreeMap<NaiveDate, &FuelPrice> = BTreeMap::new();
    for row in known.iter().filter(|row| row.index == new.index) {
        let kept = series.entry(row.published_on).or_insert(row);
        if (kept.recorded_at, row) < (row.recorded_at, *kept) {
            *kept = row;
        }
    }
    // A later publication takes over, however late an earlier one comes in.
    let taken_over = series.range(new.published_on..).filter(|(day, _)| **day > new.published_on);
    let taken_over = taken_over.map(|(_, row)| effective(row)).min();
    let (mut from, mut until) = (effective(new), taken_over);
    if let Some(old) = series.get(&new.published_on) {
        let started = effective(old);
        if old.price == new.price {
            let moved = started.max(from);
            until = Some(until.map_or(moved, |until| until.min(moved)));
        }
        from = from.min(started);
    }
    clipped((from, until), (programme.valid_from, programme.valid_to))
}

/// The rating days on which `new` converts at another rate than the rates `known` before it.
#[must_use]
pub fn fx_days(known: &[FxRate], new: &FxRate) -> Range {
    let later = known
        .iter()
        .filter(|row| (row.from, row.to) == (new.from, new.to) && row.valid_on > new.valid_on)
        .map(|row| row.valid_on)
        .min();
    (new.valid_on, later)
}

/// The part of `range` inside a validity; none when nothing is left.
#[must_use]
pub fn clipped(range: Range, (from, until): (Option<NaiveDate>, Option<NaiveDate>)) -> Option<Range> {
    let first = from.map_or(range.0, |from| from.max(range.0));
    let end = match (range.1, until) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    end.is_none_or(|end| first < end).then_some((first, end))
}
