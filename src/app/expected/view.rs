//! One expected charge with its trace, and what a contract could not price.

use crate::app::charge_code::words;
use crate::db::accessorial::{AccessorialEventRow, event_list};
use crate::db::charge_code::code_books;
use crate::db::contract::{contract_show, version_list, version_show};
use crate::db::evidence::source_list;
use crate::db::expected::{
    StoredExpected, consignment_show, expected_reasons, expected_show, unrated_example,
};
use crate::db::fold::ShipmentKey;
use crate::db::rate::rate_terms_load;
use crate::db::{Db, DbError};
use crate::domain::accessorial::charge::{AccessorialEvent, Withheld};
use crate::domain::expected::{ExpectedStatus, RatedBy};
use crate::domain::money::Micros;
use crate::domain::rate::{CompiledRates, Market, RatingRequest, Step, Steps, Trace, TraceLine};
use crate::domain::viewer::Viewer;

use super::{Book, Prices, Untold};

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
    /// Whether it is this contract's shipment; where nobody can tell, the reason is in the stored charge.
    pub told: bool,
    /// Line by line.
    pub lines: Vec<LineShown>,
    /// Every step, made again with the prices known then.
    pub trace: Vec<TraceLine>,
    /// Whether the steps made again give the digits stored.
    pub same: bool,
    /// What each reported event came to; empty without a price.
    outcomes: Vec<(AccessorialEvent, Result<Micros, Withheld>)>,
}

/// Hears what accessorials come to, in the order in which they are charged.
#[derive(Debug, Default)]
struct Outcomes {
    heard: Vec<Result<Micros, Withheld>>,
    /// The step before was a charge, so a conversion is one of its amount.
    charged: bool,
}

impl<'a> Trace<'a> for Outcomes {
    fn step(&mut self, step: impl FnOnce() -> Step<'a>) {
        let charged = std::mem::take(&mut self.charged);
        match step() {
            Step::Accessorial { amount, .. } => {
                self.heard.push(Ok(amount));
                self.charged = true;
            }
            Step::Withheld { why, .. } => self.heard.push(Err(why)),
            Step::Converted { result, .. } if charged => {
                if let Some(last) = self.heard.last_mut() {
                    *last = Ok(result);
                }
            }
            _ => {}
        }
    }
}

/// What each reported event comes to: the engine charges what applies by itself and what the shipment's own times say
/// first, then the reported events in their order, each once.
fn outcomes(
    rates: &CompiledRates,
    request: &RatingRequest,
    market: Market<'_>,
) -> Vec<(AccessorialEvent, Result<Micros, Withheld>)> {
    let mut outcomes = Outcomes::default();
    let rated = rates.rate(request, market, &mut outcomes);
    if rated.total.is_none() {
        return Vec::new();
    }
    let mut events = request.events.clone();
    events.sort_by(|a, b| a.order().cmp(&b.order()));
    let beside = outcomes.heard.len().saturating_sub(events.len());
    events.into_iter().zip(outcomes.heard.into_iter().skip(beside)).collect()
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
    let untold = match stored.expected.reason {
        Some(_) => Untold::read(db, key.1)?.charge(&book, &facts).filter(|again| *again == stored.expected),
        None => None,
    };
    let told = untold.is_none();
    let again = untold.unwrap_or_else(|| book.price(by, &facts, &request, prices.market()));
    let (mut trace, mut labels, mut came_to) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(rates) = book.rates.as_ref().ok().filter(|_| told) {
        let mut steps = Steps::default();
        let rated = rates.rate(&request, prices.market(), &mut steps);
        labels.extend(rated.lines.iter().map(|line| line.label.to_owned()));
        if stored.expected.status != ExpectedStatus::NotApplicable {
            trace = steps.lines();
            came_to = outcomes(rates, &request, prices.market());
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
        outcomes: came_to,
        contract: (contract.id, contract.number),
        version_no: version.version,
        told,
        lines,
        trace,
        stored,
    }))
}

/// What became of a reported event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventFate {
    /// Charged, in the contract's currency.
    Charged(Micros),
    /// Not charged, and why.
    Withheld(String),
    /// The shipment has no price yet, so neither has the event.
    NotPriced,
}

/// A reported event as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventShown {
    /// As stored.
    pub row: AccessorialEventRow,
    /// What its code means; none while nobody has mapped it.
    pub means: Option<String>,
    /// What became of it.
    pub fate: EventFate,
}

/// The reported events of a shipment, each with what it came to; nothing when the viewer may not see it.
///
/// # Errors
/// The database's reason.
pub fn events_view(
    db: &mut Db,
    viewer: &Viewer,
    key: ShipmentKey,
    expected: Option<&ExpectedView>,
) -> Result<Vec<EventShown>, DbError> {
    let reported = event_list(db, viewer, key.1, key.2)?;
    if reported.is_empty() {
        return Ok(Vec::new());
    }
    let book = code_books(db, viewer, Some(key.1))?.remove(&key.1).unwrap_or_default();
    let mut left: Vec<_> = expected.map(|expected| expected.outcomes.clone()).unwrap_or_default();
    let shown = reported.into_iter().map(|reported| {
        let meaning = book.meaning(&reported.row.code, "ACCESSORIAL").map(|(meaning, _)| meaning);
        let fate = match &reported.event {
            None if reported.row.withdrawn => EventFate::Withheld("its feed withdrew it".to_owned()),
            None => EventFate::Withheld("its code means no accessorial".to_owned()),
            Some(event) => match left.iter().position(|(other, _)| other == event) {
                Some(place) => match left.swap_remove(place).1 {
                    Ok(amount) => EventFate::Charged(amount),
                    Err(Withheld::NoRate) if meaning.is_none() => {
                        EventFate::Withheld("nobody has said yet what its code means".to_owned())
                    }
                    Err(why) => EventFate::Withheld(why.to_string()),
                },
                None => EventFate::NotPriced,
            },
        };
        let means = meaning.map(|meaning| words(&meaning, book.labels()));
        EventShown { row: reported.row, means, fate }
    });
    Ok(shown.collect())
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
