//! One expected charge with its trace, and what a contract could not price.

use crate::db::contract::{contract_show, version_list, version_show};
use crate::db::evidence::source_list;
use crate::db::expected::{
    StoredExpected, consignment_show, expected_reasons, expected_show, unrated_example,
};
use crate::db::fold::ShipmentKey;
use crate::db::rate::rate_terms_load;
use crate::db::{Db, DbError};
use crate::domain::expected::{ExpectedStatus, RatedBy};
use crate::domain::money::Micros;
use crate::domain::rate::{Steps, TraceLine};
use crate::domain::viewer::Viewer;

use super::{Book, Prices};

/// Reasons one page lists; the rest is counted.
pub const REASONS_MAX: usize = 50;

/// A charge line as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineShown {
    /// Charge code.
    pub code: String,
    /// The words on it; the part it belongs to where they are not known.
    pub label: String,
    /// The amount.
    pub amount: Micros,
}

/// The expected charge of one shipment with every step that led to it.
#[derive(Clone, Debug)]
pub struct ExpectedView {
    /// As stored.
    pub stored: StoredExpected,
    /// Contract row and number.
    pub contract: (i64, String),
    /// Number of the version.
    pub version_no: i32,
    /// Line by line.
    pub lines: Vec<LineShown>,
    /// Every step, made again with the prices known then.
    pub trace: Vec<TraceLine>,
    /// Whether the steps made again give the digits stored.
    pub same: bool,
}

/// The expected charge of a shipment; none when there is none or the viewer may not see it.
///
/// # Errors
/// The database's reason.
pub fn expected_view(
    db: &mut Db,
    viewer: &Viewer,
    key: ShipmentKey,
) -> Result<Option<ExpectedView>, DbError> {
    let Some(stored) = expected_show(db, viewer, key)? else { return Ok(None) };
    let Some(facts) = consignment_show(db, viewer, key)? else { return Ok(None) };
    let version_id = stored.expected.version_id;
    let Some(version) = version_show(db, viewer, version_id)? else { return Ok(None) };
    let Some(contract) = contract_show(db, viewer, version.contract_id)? else { return Ok(None) };
    let Some(terms) = rate_terms_load(db, viewer, version_id)? else { return Ok(None) };
    let (book, prices) = (Book::of(&terms), Prices::known(db, stored.known_at)?);
    let request = facts.facts.request();
    let by = RatedBy { version_id, rating_day: stored.expected.rating_day };
    let again = book.price(by, &facts, &request, prices.market());
    let mut trace = Vec::new();
    let mut labels = Vec::new();
    if let Ok(rates) = &book.rates {
        let mut steps = Steps::default();
        let rated = rates.rate(&request, prices.market(), &mut steps);
        labels.extend(rated.lines.iter().map(|line| line.label.to_owned()));
        if stored.expected.status != ExpectedStatus::NotApplicable {
            trace = steps.lines();
        }
    }
    let mut labels = labels.into_iter();
    let lines = stored
        .expected
        .lines
        .iter()
        .map(|line| LineShown {
            code: line.code.clone(),
            label: labels.next().unwrap_or_else(|| line.part.label().to_owned()),
            amount: Micros(line.amount_micros),
        })
        .collect();
    Ok(Some(ExpectedView {
        same: again == stored.expected,
        contract: (contract.id, contract.number),
        version_no: version.version,
        lines,
        trace,
        stored,
    }))
}

/// Why shipments have no price, and one of them to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The reason, in the words of the engine.
    pub text: String,
    /// How many shipments.
    pub shipments: i64,
    /// Feed and reference of the newest.
    pub example: Option<(String, String)>,
}

/// What the versions of a contract price and what they cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Shipments priced.
    pub rated: i64,
    /// Shipments that need rates.
    pub unrated: i64,
    /// Shipments not to be priced, by agreement.
    pub not_applicable: i64,
    /// Why the unrated ones are, the most first, at most [`REASONS_MAX`].
    pub reasons: Vec<Reason>,
    /// Reasons that are not listed.
    pub more_reasons: usize,
}

/// How many shipments a contract prices, and why it cannot price the others; nothing when the viewer may not see it.
///
/// # Errors
/// The database's reason.
pub fn coverage(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, contract_id): (i64, i64),
) -> Result<Coverage, DbError> {
    let versions: Vec<i64> =
        version_list(db, viewer, contract_id)?.into_iter().map(|version| version.id).collect();
    let mut coverage = Coverage::default();
    for (status, reason, shipments) in expected_reasons(db, viewer, partner_id, &versions)? {
        if status == ExpectedStatus::Rated.code() {
            coverage.rated += shipments;
        } else if status == ExpectedStatus::NotApplicable.code() {
            coverage.not_applicable += shipments;
        } else {
            coverage.unrated += shipments;
            let text = reason.unwrap_or_default();
            if coverage.reasons.len() < REASONS_MAX {
                coverage.reasons.push(Reason { text, shipments, example: None });
            } else {
                coverage.more_reasons += 1;
            }
        }
    }
    if !coverage.reasons.is_empty() {
        let sources = source_list(db)?;
        for reason in &mut coverage.reasons {
            let found = unrated_example(db, viewer, partner_id, &versions, &reason.text)?;
            reason.example = found.and_then(|(source_id, reference)| {
                let (_, source) = sources.iter().find(|(id, _)| *id == source_id)?;
                Some((source.clone(), reference))
            });
        }
    }
    Ok(coverage)
}
