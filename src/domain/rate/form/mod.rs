//! The forms of what a contract says about price beside its tables and accessorial rates: nine kinds of term, and
//! the choices of how to rate. One design for all: a form is a list of [`Field`]s, its answers are [`Values`], and
//! each kind says what it writes into them and what it reads back. Pure; what is refused names its field.
//!
//! A list inside a term, such as the rows of a fuel table, is a field with one row a line. Amounts and shares are
//! exact, and days that end something are the last day that counts, as people write them.

mod accessorial;
mod kinds;
mod line_head;
mod parameters;
mod read;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use super::{LANES_MAX, Lane, PROGRAMMES_MAX, RateTerms, TaxRate, ZONES_MAX};
use crate::domain::commitment::{CapacityCommitment, VolumeCommitment};
use crate::domain::field::{FieldErrors, codes, require};
use crate::domain::fuel::FuelProgramme;
use crate::domain::geo::{GeoSelector, Zone};
use crate::domain::money::Bps;
use crate::domain::service_level::{CODE_CHARS_MAX, SeasonCalendar, ServiceLevel, TRANSIT_DAYS_MAX};
use crate::domain::tier::TierProgramme;

pub use accessorial::{Group, rate_fields, rate_groups, rate_read, rate_usual, rate_write};
pub(super) use kinds::capital;
pub use kinds::{LIST_FIELDS, list_from_cell, list_to_cell, read, write};
pub use line_head::{HEAD_FIELDS, head_needs_columns, head_set, head_write};
pub use parameters::{
    PARAMETER_NAMES, parameter_fields, parameter_rows, parameters_of_sheet, parameters_read,
    parameters_to_sheet, parameters_write,
};
pub use read::plain as sheet_number;

/// Longest answer of one line.
pub const ANSWER_CHARS_MAX: usize = 200;
/// Rate tables named in a hint.
const TABLES_TOLD: usize = 8;

codes! {
    /// A kind of term; the code is that of its stored rows.
    TermKind, "kind of term" {
        /// From where to where.
        Lane = "LANE", "lane";
        /// Places under one name.
        Zone = "ZONE", "zone";
        /// What a service promises.
        ServiceLevel = "SERVICE_LEVEL", "service level";
        /// How the price of fuel becomes a surcharge.
        Fuel = "FUEL", "fuel programme";
        /// Peak and season windows.
        Calendar = "CALENDAR", "calendar";
        /// A tax.
        Tax = "TAX", "tax";
        /// A minimum volume.
        Volume = "VOLUME", "volume commitment";
        /// Capacity that can be called.
        Capacity = "CAPACITY", "capacity commitment";
        /// A rebate by volume.
        Tier = "TIER", "tier programme";
    }
}

impl TermKind {
    /// Its part of an address: `service-level`.
    #[must_use]
    pub fn slug(self) -> String {
        self.code().to_ascii_lowercase().replace('_', "-")
    }

    /// The kind of that part of an address.
    #[must_use]
    pub fn of_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.slug() == slug)
    }

    /// The heading over all of a kind.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Lane => "Lanes",
            Self::Zone => "Zones",
            Self::ServiceLevel => "Service levels",
            Self::Fuel => "Fuel programmes",
            Self::Calendar => "Calendars",
            Self::Tax => "Taxes",
            Self::Volume => "Volume commitments",
            Self::Capacity => "Capacity commitments",
            Self::Tier => "Tier programmes",
        }
    }

    /// Most of them a contract version may have.
    #[must_use]
    pub const fn most(self) -> usize {
        match self {
            Self::Lane => LANES_MAX,
            Self::Zone => ZONES_MAX,
            _ => PROGRAMMES_MAX,
        }
    }

    /// How many the terms have.
    #[must_use]
    pub fn count(self, terms: &RateTerms) -> usize {
        match self {
            Self::Lane => terms.lanes.len(),
            Self::Zone => terms.zones.len(),
            Self::ServiceLevel => terms.service_levels.len(),
            Self::Fuel => terms.fuel.len(),
            Self::Calendar => terms.calendars.len(),
            Self::Tax => terms.taxes.len(),
            Self::Volume => terms.volumes.len(),
            Self::Capacity => terms.capacities.len(),
            Self::Tier => terms.tiers.len(),
        }
    }

    /// The one at `place`, counted from 0; a copy.
    #[must_use]
    pub fn item(self, terms: &RateTerms, place: usize) -> Option<TermItem> {
        Some(match self {
            Self::Lane => TermItem::Lane(terms.lanes.get(place)?.clone()),
            Self::Zone => TermItem::Zone(terms.zones.get(place)?.clone()),
            Self::ServiceLevel => TermItem::ServiceLevel(terms.service_levels.get(place)?.clone()),
            Self::Fuel => TermItem::Fuel(terms.fuel.get(place)?.clone()),
            Self::Calendar => TermItem::Calendar(terms.calendars.get(place)?.clone()),
            Self::Tax => TermItem::Tax(terms.taxes.get(place)?.clone()),
            Self::Volume => TermItem::Volume(terms.volumes.get(place)?.clone()),
            Self::Capacity => TermItem::Capacity(terms.capacities.get(place)?.clone()),
            Self::Tier => TermItem::Tier(terms.tiers.get(place)?.clone()),
        })
    }
}

/// One term of any kind. Written down as what it holds, without the kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TermItem {
    /// From where to where.
    Lane(Lane),
    /// Places under one name.
    Zone(Zone),
    /// What a service promises.
    ServiceLevel(ServiceLevel),
    /// A fuel surcharge.
    Fuel(FuelProgramme),
    /// Peak and season windows.
    Calendar(SeasonCalendar),
    /// A tax.
    Tax(TaxRate),
    /// A minimum volume.
    Volume(VolumeCommitment),
    /// Capacity that can be called.
    Capacity(CapacityCommitment),
    /// A rebate by volume.
    Tier(TierProgramme),
}

impl TermItem {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> TermKind {
        match self {
            Self::Lane(_) => TermKind::Lane,
            Self::Zone(_) => TermKind::Zone,
            Self::ServiceLevel(_) => TermKind::ServiceLevel,
            Self::Fuel(_) => TermKind::Fuel,
            Self::Calendar(_) => TermKind::Calendar,
            Self::Tax(_) => TermKind::Tax,
            Self::Volume(_) => TermKind::Volume,
            Self::Capacity(_) => TermKind::Capacity,
            Self::Tier(_) => TermKind::Tier,
        }
    }

    /// What it is cited by; empty for commitments, which have no name.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Lane(lane) => &lane.code,
            Self::Zone(zone) => &zone.name,
            Self::ServiceLevel(level) => &level.code,
            Self::Fuel(programme) => &programme.code,
            Self::Calendar(calendar) => &calendar.code,
            Self::Tax(tax) => &tax.code,
            Self::Volume(_) | Self::Capacity(_) => "",
            Self::Tier(programme) => &programme.label,
        }
    }

    /// Problems of the term by itself, by form field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        match self {
            Self::Lane(lane) => lane_problems(lane),
            Self::Zone(zone) => zone.validate(),
            Self::ServiceLevel(level) => level.validate(),
            Self::Fuel(programme) => programme.validate(),
            Self::Calendar(calendar) => calendar.validate(),
            Self::Tax(tax) => tax_problems(tax),
            Self::Volume(commitment) => commitment.validate(),
            Self::Capacity(commitment) => commitment.validate(),
            Self::Tier(programme) => programme.validate(),
        }
    }

    /// Problems of the term among the others of a version, by form field: a name taken, a table, zone or lane
    /// that is not there. `place` is where it goes when it replaces one.
    #[must_use]
    pub fn problems_among(&self, terms: &RateTerms, place: Option<usize>) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let kind = self.kind();
        let others = |names: &mut dyn Iterator<Item = &str>, own: &str| {
            names.enumerate().any(|(at, name)| Some(at) != place && name.eq_ignore_ascii_case(own))
        };
        let taken = match self {
            Self::Lane(lane) => others(&mut terms.lanes.iter().map(|l| l.code.as_str()), &lane.code),
            Self::Zone(zone) => others(&mut terms.zones.iter().map(|z| z.name.as_str()), &zone.name),
            Self::ServiceLevel(level) => {
                others(&mut terms.service_levels.iter().map(|l| l.code.as_str()), &level.code)
            }
            Self::Calendar(calendar) => {
                others(&mut terms.calendars.iter().map(|c| c.code.as_str()), &calendar.code)
            }
            Self::Tier(tier) => others(&mut terms.tiers.iter().map(|t| t.label.as_str()), &tier.label),
            _ => false,
        };
        let name = match kind {
            TermKind::Zone => "name",
            TermKind::Tier => "label",
            _ => "code",
        };
        require(&mut errors, !taken, name, "is in the list already; change that one instead");
        match self {
            Self::Lane(lane) => lane_among(lane, terms, &mut errors),
            Self::Fuel(programme) => {
                let twice = among(&terms.fuel, place).any(|other| other.charges_with(programme));
                let advice = "a programme of this code holds on some of these days already, and fuel would be charged twice; end that one first, or change it";
                require(&mut errors, !twice, "valid_from", advice);
            }
            Self::Tax(tax) => {
                let twice = among(&terms.taxes, place).any(|other| other.charges_with(tax));
                let advice = "is in the list already for the same place, and would be charged twice; change that one instead";
                require(&mut errors, !twice, "code", advice);
            }
            Self::Volume(commitment) => {
                let twice = among(&terms.volumes, place).any(|other| other.promises_with(commitment));
                let advice = "a commitment to the same volume is in the list already, and a shortfall would be owed twice; change that one instead";
                require(&mut errors, !twice, "measure", advice);
            }
            Self::Capacity(commitment) => {
                let known = |code: &String| terms.lanes.iter().any(|lane| lane.code == *code);
                let fine = commitment.lane.as_ref().is_none_or(known);
                require(&mut errors, fine, "lane", "the draft has no lane of that code; add the lane first");
            }
            _ => {}
        }
        if place.is_none() && kind.count(terms) >= kind.most() {
            let most = crate::domain::words::group(&kind.most().to_string());
            errors
                .push((name.to_owned(), format!("a version holds at most {most} of them; remove one first")));
        }
        errors
    }
}

/// The others of a list, without the one that is replaced.
fn among<T>(all: &[T], place: Option<usize>) -> impl Iterator<Item = &T> {
    all.iter().enumerate().filter(move |(at, _)| Some(*at) != place).map(|(_, one)| one)
}

fn lane_problems(lane: &Lane) -> FieldErrors {
    let mut errors = FieldErrors::new();
    let e = &mut errors;
    require(e, !lane.code.trim().is_empty(), "code", "give the lane a code, such as DAL-NE");
    require(e, !lane.line.trim().is_empty(), "line", "name the rate table that prices it");
    let fine = lane.transit_business_days.is_none_or(|days| days <= TRANSIT_DAYS_MAX);
    require(e, fine, "transit_business_days", "transit of more than 120 business days is not supported");
    errors
}

fn lane_among(lane: &Lane, terms: &RateTerms, errors: &mut FieldErrors) {
    if !lane.line.is_empty() && !terms.lines.iter().any(|line| line.code == lane.line) {
        errors.push((
            "line".to_owned(),
            format!("the draft has no rate table {}; {}", lane.line, tables(terms)),
        ));
    }
    for (field, end) in [("origin", &lane.origin), ("destination", &lane.destination)] {
        if let GeoSelector::Zone(name) = end {
            let fine = terms.zones.iter().any(|zone| zone.name.eq_ignore_ascii_case(name));
            require(errors, fine, field, "the draft has no zone of that name; add the zone first");
        }
    }
}

/// Which rate tables there are to name.
fn tables(terms: &RateTerms) -> String {
    let mut codes: Vec<&str> = terms.lines.iter().map(|line| line.code.as_str()).collect();
    codes.dedup();
    match codes.len() {
        0 => "the draft has none yet, so import a rate sheet first".to_owned(),
        n if n > TABLES_TOLD => {
            let told = codes.get(..TABLES_TOLD).unwrap_or_default().join(", ");
            format!("the tables are {told} and {} more", n - TABLES_TOLD)
        }
        _ => format!("the tables are {}", codes.join(", ")),
    }
}

fn tax_problems(tax: &TaxRate) -> FieldErrors {
    let mut errors = FieldErrors::new();
    let e = &mut errors;
    let fine = (1..=CODE_CHARS_MAX).contains(&tax.code.trim().chars().count());
    require(e, fine, "code", "write the code of the charge line in up to 20 characters, such as TAX");
    require(e, !tax.label.trim().is_empty(), "label", "name the tax");
    let fine = Bps(0) <= tax.share && tax.share <= Bps::WHOLE;
    require(e, fine, "share", "a tax is between 0 and 100 %");
    errors
}

/// How a field is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Words on one line.
    Text,
    /// A whole number.
    Whole,
    /// An exact decimal number.
    Number,
    /// A day.
    Day,
    /// One of few: (value, words).
    Choice(Vec<(String, String)>),
    /// One row a line.
    Lines,
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, which is also what problems call it.
    pub name: &'static str,
    /// The words beside it, with the unit.
    pub label: &'static str,
    /// What to write; empty where that is plain.
    pub hint: String,
    /// How it is filled in.
    pub input: Input,
}

/// Answers by field; what is missing is empty.
pub type Values = BTreeMap<&'static str, String>;

/// The fields of a kind, in reading order, for a version with these terms.
#[must_use]
pub fn fields(kind: TermKind, terms: &RateTerms) -> Vec<Field> {
    let mut fields = kinds::fields(kind);
    if kind == TermKind::Lane
        && let Some(line) = fields.iter_mut().find(|field| field.name == "line")
    {
        line.hint = format!("By code; {}.", tables(terms));
    }
    fields
}

/// What an empty form of the kind starts with.
#[must_use]
pub fn usual(kind: TermKind) -> Values {
    let pairs: &[(&'static str, &str)] = match kind {
        TermKind::ServiceLevel => &[
            ("tier", "STANDARD"),
            ("on_time_event", "ARRIVAL"),
            ("pickup_grace_minutes", "15"),
            ("delivery_grace_minutes", "15"),
        ],
        TermKind::Fuel => &[
            ("code", "405"),
            ("label", "Fuel surcharge"),
            ("basis", "PCT_OF_BASE"),
            ("effective_days", "1"),
            ("cadence_days", "7"),
        ],
        TermKind::Volume => {
            &[("tolerance", "0"), ("rejections_count", "yes"), ("force_majeure_reduces", "yes")]
        }
        TermKind::Capacity => &[("forfeiture", "0")],
        TermKind::Tier => &[("measure", "SPEND"), ("grace_weeks", "0")],
        _ => &[],
    };
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests;
