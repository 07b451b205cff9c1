//! What terms must say before they can be activated, beyond being free of mistakes.

use chrono::NaiveDate;

use super::lane::lane_ties;
use super::{RateTerms, TaxRate, TermProblem};
use crate::domain::commitment::VolumeCommitment;
use crate::domain::fuel::{FuelBasis, FuelProgramme};

/// Pairs of lanes told that tie; more of them tell nobody more.
pub const TIES_TOLD: usize = 10;

/// What the contract version says outside its rates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activation {
    /// First day in force.
    pub valid_from: Option<NaiveDate>,
    /// Whether any clause of the version owes money.
    pub has_clauses: bool,
    /// Whether a limit over all clauses is agreed.
    pub has_clause_cap: bool,
}

/// Each term that is the same as one before it, with its row counted from 1 and the one before.
fn twins<T>(terms: &[T], same: impl Fn(&T, &T) -> bool) -> Vec<(usize, &T, &T)> {
    let found = |(at, term)| {
        let before = terms.iter().take(at).find(|other| same(other, term))?;
        Some((at + 1, before, term))
    };
    terms.iter().enumerate().filter_map(found).take(TIES_TOLD).collect()
}

/// Everything that is still open, in reading order; empty when the version can be activated.
#[must_use]
pub fn missing_terms(terms: &RateTerms, version: &Activation) -> Vec<TermProblem> {
    let mut missing = Vec::new();
    let mut need = |fine: bool, at: &str, message: &str| {
        if !fine {
            missing.push(TermProblem { at: at.to_owned(), message: message.to_owned() });
        }
    };
    let parameters = &terms.parameters;
    need(version.valid_from.is_some(), "effective date", "say from which day the rates hold");
    need(!terms.lines.is_empty(), "rates", "add at least one rate line");
    need(!terms.lanes.is_empty(), "lanes", "say from where to where the rates hold");
    for tie in lane_ties(&terms.lanes, &terms.zones, TIES_TOLD) {
        need(false, &tie.at, &tie.message);
    }
    let per_distance = terms.lines.iter().any(|line| {
        line.basis == super::RateBasis::PerDistance
            || [line.first, line.second].contains(&Some(super::Axis::Distance))
    });
    let fuel_distance = terms.fuel.iter().any(|programme| programme.basis == FuelBasis::PerDistance);
    let guided = parameters.distance_source.as_ref().is_some_and(|source| !source.trim().is_empty());
    need(
        !(per_distance || fuel_distance) || guided,
        "distance source",
        "name the mileage guide and its version",
    );
    for programme in &terms.fuel {
        let at = format!("fuel programme {}", programme.code);
        need(programme.method.is_some(), &at, "choose table or formula; the two give different amounts");
    }
    for (_, other, programme) in twins(&terms.fuel, FuelProgramme::charges_with) {
        let day = programme.valid_from.max(other.valid_from);
        let day = day.map_or_else(|| "the first day".to_owned(), |day| day.to_string());
        let message = format!(
            "two of that code hold on {day}, so fuel is charged twice; end one before the other starts"
        );
        need(false, &format!("fuel programme {}", programme.code), &message);
    }
    for (_, _, tax) in twins(&terms.taxes, TaxRate::charges_with) {
        let message = "is there twice for one place, so it is charged twice; remove one";
        need(false, &format!("tax {}", tax.code), message);
    }
    for (row, _, _) in twins(&terms.volumes, VolumeCommitment::promises_with) {
        let message = "promises the same volume as one before it, so a shortfall is owed twice; remove one";
        need(false, &format!("volume commitment {row}"), message);
    }
    for programme in &terms.tiers {
        let at = format!("tier programme {}", programme.label);
        need(programme.method.is_some(), &at, "choose whether bands pay on their own part or on everything");
    }
    let cap = parameters.price_cap.is_some();
    let has_prior = terms.lines.iter().any(|line| line.cells.iter().any(|cell| cell.prior.is_some()));
    need(cap || !has_prior, "price cap", "prior rates are listed, but not how far a rate may rise over them");
    need(
        !version.has_clauses || version.has_clause_cap,
        "cap",
        "say how much all clauses may come to in a period",
    );
    let baseline = parameters.baseline.as_ref().is_some_and(|baseline| !baseline.trim().is_empty());
    need(baseline, "baseline", "say what cost and service are compared with");
    need(
        parameters.dispute_days.is_some_and(|days| days > 0),
        "dispute window",
        "say in how many days an invoice can be disputed",
    );
    missing
}
