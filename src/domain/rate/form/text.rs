//! Terms in words, as a contract page lists them.

use super::super::change::lane_text;
use super::TermItem;
use super::kinds::{bracket_text, capital};
use super::read::{last_day, time_text};
use crate::domain::commitment::{CapacityCommitment, CommitmentSide, VolumeCommitment};
use crate::domain::fuel::{FuelMethod, FuelProgramme};
use crate::domain::service_level::{SeasonCalendar, ServiceLevel};
use crate::domain::words;

impl TermItem {
    /// The words it is listed under: `405, Fuel surcharge`.
    #[must_use]
    pub fn heading(&self) -> String {
        let named = |code: &str, label: &str| format!("{code}, {label}");
        match self {
            Self::Lane(lane) => lane.code.clone(),
            Self::Zone(zone) => zone.name.clone(),
            Self::ServiceLevel(level) => named(&level.code, &level.label),
            Self::Fuel(fuel) => named(&fuel.code, &fuel.label),
            Self::Calendar(calendar) => named(&calendar.code, &calendar.label),
            Self::Tax(tax) => named(&tax.code, &tax.label),
            Self::Volume(volume) => capital(volume.side.label()),
            Self::Capacity(capacity) => match &capacity.lane {
                Some(lane) => format!("Lane {lane}"),
                None => "Every lane".to_owned(),
            },
            Self::Tier(tier) => tier.label.clone(),
        }
    }

    /// What it says, in words.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Lane(lane) => lane_text(lane),
            Self::Zone(zone) => words::many(zone.members.len(), "place"),
            Self::ServiceLevel(level) => service_text(level),
            Self::Fuel(fuel) => fuel_text(fuel),
            Self::Calendar(calendar) => windows_text(calendar),
            Self::Tax(tax) => format!("{} to {}", words::percent(tax.share), tax.jurisdiction),
            Self::Volume(volume) => volume_text(volume),
            Self::Capacity(capacity) => capacity_text(capacity),
            Self::Tier(tier) => {
                let grace = match tier.grace_weeks {
                    0 => String::new(),
                    weeks => {
                        format!(", kept {} after the volume falls", words::count(i64::from(weeks), "week"))
                    }
                };
                let (measure, window) = (tier.measure.label(), tier.window.label());
                format!("{}; by {measure}, {window}{grace}", tier.text())
            }
        }
    }

    /// All of it but its code, in words: its label, what it says, and every row. Two terms that differ read
    /// differently.
    #[must_use]
    pub fn whole_text(&self) -> String {
        let label = match self {
            Self::ServiceLevel(level) => Some(&level.label),
            Self::Fuel(fuel) => Some(&fuel.label),
            Self::Calendar(calendar) => Some(&calendar.label),
            Self::Tax(tax) => Some(&tax.label),
            Self::Volume(_) | Self::Capacity(_) => return format!("{}: {}", self.heading(), self.text()),
            Self::Lane(_) | Self::Zone(_) | Self::Tier(_) => None,
        };
        let mut text = label.map(|label| format!("{label}: ")).unwrap_or_default() + &self.text();
        if !self.rows().is_empty() {
            text += &format!(": {}", self.rows().join("; "));
        }
        text
    }

    /// The rows behind the words, where there are any.
    #[must_use]
    pub fn rows(&self) -> Vec<String> {
        match self {
            Self::Zone(zone) => zone.members.iter().map(ToString::to_string).collect(),
            Self::Fuel(FuelProgramme { method: Some(FuelMethod::Table { brackets }), .. }) => {
                brackets.iter().map(bracket_text).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn service_text(level: &ServiceLevel) -> String {
    let days = words::count(i64::from(level.transit_business_days), "business day");
    let mut text = format!("{}, {days} in transit", level.tier.label());
    if let Some(cutoff) = level.cutoff {
        text += &format!(", cut-off {}", time_text(cutoff));
    }
    let minutes = |grace: u32| words::count(i64::from(grace), "minute");
    text += &format!(
        ", on time by {}, grace {} at pickup and {} at delivery",
        level.on_time_event.label(),
        minutes(level.pickup_grace_minutes),
        minutes(level.delivery_grace_minutes)
    );
    text
}

fn fuel_text(fuel: &FuelProgramme) -> String {
    let mut text = fuel.text();
    text += &format!(", published every {}", words::count(i64::from(fuel.cadence_days), "day"));
    for (word, bound) in [("at least", fuel.floor), ("at most", fuel.cap)] {
        if let Some(bound) = bound {
            text += &format!(", {word} {}", words::quantity(bound));
        }
    }
    if !fuel.applies_to.is_empty() {
        text += &format!(", also on {}", fuel.applies_to.join(", "));
    }
    if let Some(from) = fuel.valid_from {
        text += &format!(", from {from}");
    }
    if let Some(to) = fuel.valid_to {
        text += &format!(", until {}", last_day(to));
    }
    if let Some(currency) = fuel.currency {
        text += &format!(", prices in {}", currency.code());
    }
    text
}

fn windows_text(calendar: &SeasonCalendar) -> String {
    let window = |window: &crate::domain::service_level::DateWindow| {
        format!("{} to {}", window.from, last_day(window.to))
    };
    calendar.windows.iter().map(window).collect::<Vec<_>>().join("; ")
}

fn volume_text(volume: &VolumeCommitment) -> String {
    let quantity = words::quantity(volume.quantity);
    let period = volume.period.label();
    let measure = volume.measure.label();
    let much = match volume.side {
        CommitmentSide::Shipper => format!("{quantity} {measure} a {period}"),
        CommitmentSide::CarrierShare => format!("{quantity} % of {measure} a {period}"),
    };
    let or_not =
        |yes: bool, what: &str| if yes { what.to_owned() } else { what.replacen(' ', " do not ", 1) };
    let rejections = or_not(volume.rejections_count, "rejections count");
    let majeure = if volume.force_majeure_reduces {
        "force majeure takes its days out"
    } else {
        "force majeure takes nothing out"
    };
    format!(
        "{much}, tolerance {}, {} owed for each unit short, {rejections}, {majeure}",
        words::percent(volume.tolerance),
        words::amount(volume.shortfall_rate)
    )
}

fn capacity_text(capacity: &CapacityCommitment) -> String {
    let units = words::count(i64::from(capacity.base_units), "unit");
    let notice = words::count(i64::from(capacity.surge_notice_days), "business day");
    let until = capacity.expires.map(|end| format!(", until {}", last_day(end))).unwrap_or_default();
    format!(
        "{units} a week; surge up to {} above with {notice} of notice at {} more; forfeiture {}{until}",
        words::percent(capacity.surge),
        words::percent(capacity.surge_premium),
        words::percent(capacity.forfeiture)
    )
}
