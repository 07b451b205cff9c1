//! Replaying a period of stored shipments under other versions of a contract, drafts included.
//!
//! Shipments are read day by day and rated one by one, so memory grows with lanes and months only. Prices from
//! outside are those known now, for what was in force as for what is tried, so that only the terms differ. `credits`
//! says what the clauses come to on the same days, [`run`] stores what somebody asked for and does it as a job, and
//! [`sheets`] writes a result as files.

mod credits;
pub mod run;
pub mod sheets;
#[cfg(test)]
mod tests;

pub use credits::IN_FORCE;

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::App;
use super::contract::negotiate::{round_text, tables_load};
use super::expected::{Book, Books, Prices, claimants, spans_now};
use super::parallel::in_two;
use crate::db::contract::{Version, contract_by_number, terms_load, version_list};
use crate::db::expected::{
    Atlas, StoredConsignment, consignments_brief_unscoped, consignments_fold_unscoped,
    versions_with_rates_unscoped,
};
use crate::db::{Db, DbError};
use crate::domain::backtest::ask::{Ask, AskProblem, Proposal};
use crate::domain::backtest::{
    Causes, Common, Counting, Group, OneSided, Outcome, Place, Tally, increased, month,
};
use crate::domain::claim::Claimants;
use crate::domain::contract::ContractVersionStatus;
use crate::domain::expected::{Choice, Consignment, RatedBy, Span, chosen};
use crate::domain::money::Micros;
use crate::domain::rate::{RateTerms, RatingRequest};
use crate::domain::terms::Terms;
use crate::domain::viewer::Viewer;
use crate::domain::words;

/// What to replay.
#[derive(Clone, Debug)]
pub struct BacktestRequest<'a> {
    /// Number of the contract.
    pub contract: &'a str,
    /// Versions, rounds, period and increase.
    pub ask: &'a Ask,
    /// Most shipments to read; none for all there are.
    pub shipments_max: Option<u64>,
    /// Most lanes to tell apart, those that cost most; at most [`LANES_MAX`](crate::domain::backtest::LANES_MAX).
    pub lanes_max: usize,
}

/// Why nothing was replayed.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// No such contract, or not the viewer's.
    #[error("there is no contract {0}; `lanemark import rates FILE --contract {0} --partner CODE` makes one")]
    NoContract(String),
    /// No such version.
    #[error("contract {contract} has no version {version}")]
    NoVersion {
        /// Contract.
        contract: String,
        /// Version asked for.
        version: i32,
    },
    /// A version says nothing about price.
    #[error(
        "{what} of contract {contract} has no rates; load some with `lanemark import rates FILE --contract {contract}`"
    )]
    NoRates {
        /// Contract.
        contract: String,
        /// Version asked for, in words.
        what: String,
    },
    /// Nobody sent such a round.
    #[error("the negotiation over version {} of contract {contract} has no round {}", .proposal.version, .proposal.round)]
    NoRound {
        /// Contract.
        contract: String,
        /// What was asked for.
        proposal: Proposal,
    },
    /// More than can be compared, or an increase nobody means.
    #[error(transparent)]
    Ask(#[from] AskProblem),
    /// Rates that contradict themselves.
    #[error("version {version} of contract {contract}: {problem}")]
    Problems {
        /// Contract.
        contract: String,
        /// Version, or the place of a text.
        version: i32,
        /// What is wrong.
        problem: String,
    },
    /// More shipments than the caller can wait for.
    #[error(
        "the period has more than {0} shipments; choose a shorter one, or run `lanemark backtest`, which has no such limit"
    )]
    TooManyShipments(u64),
    /// Somebody has asked for as much as may wait.
    #[error("{0} of your backtests are waiting or running, which is as many as may; wait until one is done")]
    TooManyWaiting(usize),
    /// Whoever asked is gone, or may not look any more.
    #[error("{0} may not see contracts any more, so nothing is replayed")]
    NoAsker(String),
    /// The caller does not want it any more.
    #[error("the backtest was cancelled")]
    Cancelled,
}

impl From<diesel::result::Error> for BacktestError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// One version that is tried.
struct Tried {
    /// The stored version whose rates these are, unchanged; none for a text of its own or with an increase.
    same_as: Option<i64>,
    version_no: i32,
    round: Option<i32>,
    status: ContractVersionStatus,
    book: Book,
}

/// Replays the period. `progress` hears (done, total) days and says whether to go on.
///
/// # Errors
/// [`BacktestError`].
pub fn backtest(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    request: &BacktestRequest<'_>,
    progress: impl FnMut(u64, u64) -> ControlFlow<()> + Send,
) -> Result<BacktestReport, BacktestError> {
    let ask = request.ask;
    ask.check()?;
    let contract = contract_by_number(db, viewer, request.contract)?
        .filter(|contract| viewer.sees(contract.partner_id))
        .ok_or_else(|| BacktestError::NoContract(request.contract.to_owned()))?;
    let versions = version_list(db, viewer, contract.id)?;
    let (tried, texts) = tried(db, viewer, &contract.number, &versions, ask)?;
    let stretch = Stretch {
        partner_id: contract.partner_id,
        contract_id: contract.id,
        from: ask.period.start(),
        to: ask.period.end(),
        shipments_max: request.shipments_max,
    };
    let (read, prices, sums, more) =
        replay(app, db, &stretch, &tried, progress, |sums: &mut Counting, place, was, versions| {
            sums.add(place, was, versions);
        })?;
    let mut sums = sums.done();
    sums.merge(more.done());
    sums.total.widen(tried.len());
    sums.keep_lanes(request.lanes_max);
    let versions: Vec<TriedVersion> = tried
        .iter()
        .map(|tried| TriedVersion { version: tried.version_no, round: tried.round, status: tried.status })
        .collect();
    let net = credits::net(app, db, viewer, &contract, &sums, (&versions, &texts), ask.period)?;
    let digits = contract.currency.minor_digits();
    Ok(BacktestReport {
        contract: contract.number,
        currency: contract.currency.code().to_owned(),
        period: ask.period.to_string(),
        period_basis: "obligation".to_owned(),
        increase_percent: ask.increase.map(|by| rust_decimal::Decimal::new(by.0, 2).normalize().to_string()),
        known_at: prices.known_at,
        shipments: read,
        versions,
        total: Shown::of(&sums.total, digits),
        months: shown(&sums.months, digits),
        services: shown(&sums.services, digits),
        lanes: shown(&sums.lanes, digits),
        net,
    })
}

/// Whose shipments of which days.
struct Stretch {
    partner_id: i64,
    /// The contract whose texts are tried: shipments of another one that is in force beside it are not its own.
    contract_id: i64,
    from: NaiveDate,
    /// First day no longer.
    to: NaiveDate,
    shipments_max: Option<u64>,
}

/// What one of two threads has: the lanes it has read, and what it has counted.
#[derive(Default)]
struct Side<S> {
    atlas: Option<Atlas>,
    sums: S,
}

/// Rates every shipment of a stretch by what was in force and by each of `tried`, two days at once. Gives how many there
/// were, the prices used, and what `count` made of them, in two parts whose sum is the whole.
fn replay<S: Default + Send>(
    app: &App,
    db: &mut Db,
    stretch: &Stretch,
    tried: &[Tried],
    progress: impl FnMut(u64, u64) -> ControlFlow<()> + Send,
    count: impl Fn(&mut S, Place<'_>, &Outcome, &[Outcome]) + Sync,
) -> Result<(u64, Prices, S, S), BacktestError> {
    let with_rates = versions_with_rates_unscoped(db)?;
    let spans = spans_now(db, stretch.partner_id, &with_rates)?;
    let claimants = claimants(db, &spans)?;
    let books = Books::default();
    let mut in_force: HashMap<i64, Arc<Book>> = HashMap::new();
    for span in &spans {
        in_force.insert(span.version_id, books.open(db, span.version_id)?);
    }
    let prices = Prices::all(db, app.now())?;
    let desk = Desk { spans, claimants, contract_id: stretch.contract_id, in_force, tried, prices: &prices };
    let brief = desk.asks_for_pickups_alone();
    let days: Vec<NaiveDate> = stretch.from.iter_days().take_while(|day| *day < stretch.to).collect();
    let read = AtomicU64::new(0);
    let told = Mutex::new((progress, 0_u64));
    let mut spare = app.pool.spare();
    let (own, other) = in_two(db, spare.as_deref_mut(), days.len(), |db, index, side: &mut Side<S>| {
        let Some(&day) = days.get(index) else { return Ok::<_, BacktestError>(()) };
        let Side { atlas, sums } = side;
        let atlas = match atlas {
            Some(atlas) => atlas,
            None => atlas.insert(Atlas::read(db)?),
        };
        let (month, mut versions) = (month(day), Vec::with_capacity(tried.len()));
        let mut each = |row: StoredConsignment| {
            let Some((request, was)) = desk.rate(row.facts, &mut versions) else { return Ok(()) };
            let read = read.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            if let Some(most) = stretch.shipments_max.filter(|most| read > *most) {
                return Err(BacktestError::TooManyShipments(most));
            }
            let (lane_id, lane) = (row.lane.id, &*row.lane.code);
            let place = Place { lane_id, lane, service: &request.service, month: &month };
            count(sums, place, &was, &versions);
            Ok::<_, BacktestError>(())
        };
        if brief {
            consignments_brief_unscoped(db, atlas, stretch.partner_id, day, &mut each)?;
        } else {
            consignments_fold_unscoped(db, atlas, &[stretch.partner_id], day, &mut each)?;
        }
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.1 += 1;
        let done = told.1;
        match (told.0)(done, u64::try_from(days.len()).unwrap_or(0)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(BacktestError::Cancelled),
        }
    })?;
    Ok((read.into_inner(), prices, own.sums, other.sums))
}

/// Texts that are no stored versions, such as rounds of a negotiation, replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Shipments read.
    pub shipments: u64,
    /// Sums under each text, in order, over the shipments that every one of them prices.
    pub sums: Common,
    /// The same by month of the obligation, of each month that has a shipment.
    pub months: BTreeMap<String, Common>,
}

/// Replays the shipments of a partner from `from` to before `to` under texts that need not be stored versions.
///
/// # Errors
/// [`BacktestError::Problems`] for rates that contradict themselves, with the place of the text as its version,
/// [`BacktestError::TooManyShipments`], or the database's reason; a viewer who may not see the partner gets
/// [`BacktestError::NoContract`].
pub(in crate::app) fn replay_texts(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    (contract, contract_id, partner_id): (&str, i64, i64),
    texts: &[RateTerms],
    (from, to): (NaiveDate, NaiveDate),
    shipments_max: u64,
) -> Result<Replayed, BacktestError> {
    if !viewer.sees(partner_id) {
        return Err(BacktestError::NoContract(contract.to_owned()));
    }
    let mut tried = Vec::with_capacity(texts.len());
    for (terms, place) in texts.iter().zip(1..) {
        let book = Book::of(terms);
        if let Err(problem) = &book.rates {
            let (contract, problem) = (contract.to_owned(), problem.clone());
            return Err(BacktestError::Problems { contract, version: place, problem });
        }
        tried.push(Tried {
            same_as: None,
            version_no: place,
            round: None,
            status: ContractVersionStatus::Draft,
            book,
        });
    }
    let stretch = Stretch { partner_id, contract_id, from, to, shipments_max: Some(shipments_max) };
    let (shipments, _, mut months, more) = replay(
        app,
        db,
        &stretch,
        &tried,
        |_, _| ControlFlow::Continue(()),
        |months: &mut BTreeMap<String, Common>, place, _, versions| match months.get_mut(place.month) {
            Some(sums) => sums.add(versions),
            None => months.entry(place.month.to_owned()).or_default().add(versions),
        },
    )?;
    for (month, sums) in &more {
        months.entry(month.clone()).or_default().merge(sums);
    }
    let mut sums = Common::default();
    sums.widen(texts.len());
    for of_month in months.values() {
        sums.merge(of_month);
    }
    Ok(Replayed { shipments, sums, months })
}

/// The versions and rounds asked for, compiled, with what each says beside its rates.
fn tried(
    db: &mut Db,
    viewer: &Viewer,
    contract: &str,
    versions: &[Version],
    ask: &Ask,
) -> Result<(Vec<Tried>, Vec<Terms>), BacktestError> {
    let no_rates = |what: String| BacktestError::NoRates { contract: contract.to_owned(), what };
    let numbered = |number: i32| {
        let found = versions.iter().find(|version| version.version == number);
        found.ok_or_else(|| BacktestError::NoVersion { contract: contract.to_owned(), version: number })
    };
    let (mut found, mut texts) = (Vec::new(), Vec::new());
    // Newest first, as listed.
    let wanted: Vec<i32> = if ask.is_open() {
        versions.iter().map(|version| version.version).collect()
    } else {
        ask.versions.clone()
    };
    for number in wanted {
        let version = numbered(number)?;
        let text = terms_load(db, viewer, version.id)?;
        let Some(mut text) = text.filter(|text| !text.pricing.terms.lines.is_empty()) else {
            if ask.is_open() {
                continue;
            }
            return Err(no_rates(format!("version {number}")));
        };
        tables_load(db, &mut text)?;
        let rates = rates_taken(&mut text);
        found.push(compiled(contract, version, None, rates, ask)?);
        texts.push(text);
        if ask.is_open() {
            break;
        }
    }
    for proposal in &ask.proposals {
        let version = numbered(proposal.version)?;
        let text = round_text(db, viewer, version, proposal.round)?;
        let Some(mut text) = text else {
            return Err(BacktestError::NoRound { contract: contract.to_owned(), proposal: *proposal });
        };
        if text.pricing.terms.lines.is_empty() {
            return Err(no_rates(format!("version {}, round {}", proposal.version, proposal.round)));
        }
        let rates = rates_taken(&mut text);
        found.push(compiled(contract, version, Some(proposal.round), rates, ask)?);
        texts.push(text);
    }
    if found.is_empty() {
        return Err(no_rates("no version".to_owned()));
    }
    Ok((found, texts))
}

/// What a text says about price, its tables taken out of it: they are large, and its clauses need none.
fn rates_taken(text: &mut Terms) -> RateTerms {
    let lines = std::mem::take(&mut text.pricing.terms.lines);
    RateTerms { accessorials: text.rates.clone(), lines, ..text.pricing.terms.clone() }
}

/// Rates of one version or round, as they are tried.
fn compiled(
    contract: &str,
    version: &Version,
    round: Option<i32>,
    mut rates: RateTerms,
    ask: &Ask,
) -> Result<Tried, BacktestError> {
    if let Some(by) = ask.increase {
        rates = increased(&rates, by);
    }
    let book = Book::of(&rates);
    if let Err(problem) = &book.rates {
        let (contract, version) = (contract.to_owned(), version.version);
        return Err(BacktestError::Problems { contract, version, problem: problem.clone() });
    }
    let status = version.dates()?.status;
    let same_as = (round.is_none() && ask.increase.is_none()).then_some(version.id);
    Ok(Tried { same_as, version_no: version.version, round, status, book })
}

/// What one shipment is rated by.
struct Desk<'a> {
    spans: Vec<Span>,
    claimants: Claimants,
    contract_id: i64,
    in_force: HashMap<i64, Arc<Book>>,
    tried: &'a [Tried],
    prices: &'a Prices,
}

impl Desk<'_> {
    /// Under what was in force, and into `versions` under each that is tried; none for a shipment of another contract
    /// that is in force beside this one.
    fn rate(&self, facts: Consignment, versions: &mut Vec<Outcome>) -> Option<(RatingRequest, Outcome)> {
        let (day, cancelled) = (facts.obligation_day, facts.milestones.cancelled_at.is_some());
        let (request, market) = (facts.into_request(), self.prices.market());
        let in_force = match chosen(&self.spans, &self.claimants, day, &request) {
            Choice::By(by) if self.is_of_another(by) => return None,
            Choice::By(by) => Some(by.version_id),
            Choice::Nothing | Choice::Untold(..) => None,
        };
        let was = in_force
            .and_then(|version_id| self.in_force.get(&version_id))
            .map(|book| book.brief(cancelled, &request, market));
        versions.clear();
        versions.extend(self.tried.iter().map(|tried| match was {
            // The same rates come to the same.
            Some(was) if tried.same_as == in_force => Some(was),
            _ => Some(tried.book.brief(cancelled, &request, market)),
        }));
        Some((request, was))
    }

    /// Whether no rates look at a time after the pickup, so that those need not be read.
    fn asks_for_pickups_alone(&self) -> bool {
        let mut books =
            self.in_force.values().map(Arc::as_ref).chain(self.tried.iter().map(|tried| &tried.book));
        books.all(|book| book.rates.as_ref().is_ok_and(|rates| !rates.uses_later_times()))
    }

    fn is_of_another(&self, by: RatedBy) -> bool {
        if self.claimants.is_empty() {
            return false;
        }
        let own = |span: &Span| span.contract_id == self.contract_id;
        !self.spans.iter().any(|span| own(span) && span.version_id == by.version_id)
            && self.spans.iter().any(|span| own(span) && span.holds(by.rating_day))
    }
}

/// What a period would have cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacktestReport {
    /// Contract.
    pub contract: String,
    /// Currency of every amount.
    pub currency: String,
    /// The period.
    pub period: String,
    /// Which day of a shipment belongs to it.
    pub period_basis: String,
    /// The general rate increase tried, in percent.
    pub increase_percent: Option<String>,
    /// The moment whose prices were used.
    pub known_at: DateTime<Utc>,
    /// Shipments replayed.
    pub shipments: u64,
    /// The versions, in the order of every list below.
    pub versions: Vec<TriedVersion>,
    /// Every shipment.
    pub total: Shown,
    /// By month.
    pub months: Vec<Named>,
    /// By service level.
    pub services: Vec<Named>,
    /// By lane.
    pub lanes: Vec<Named>,
    /// With the service credits and bonuses of the clauses.
    pub net: NetReport,
}

/// A version that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedVersion {
    /// Its number.
    pub version: i32,
    /// The round of the negotiation over it; none for the version itself.
    pub round: Option<i32>,
    /// Where the version is in its life.
    pub status: ContractVersionStatus,
}

impl BacktestReport {
    /// What the differences leave out, a sentence for each version that has unpriced shipments.
    #[must_use]
    pub fn left_out_words(&self) -> Vec<String> {
        let versions = self.versions.iter().zip(&self.total.versions);
        versions.filter_map(|(tried, sums)| sums.left_out_words(&tried.name(), &self.currency)).collect()
    }
}

impl TriedVersion {
    /// `version 3`, `version 3, round 2`.
    #[must_use]
    pub fn name(&self) -> String {
        let round = self.round.map_or_else(String::new, |round| format!(", round {round}"));
        format!("version {}{round}", self.version)
    }

    /// How it stands, in words: `draft`, `in force`, `proposed`.
    #[must_use]
    pub fn state(&self) -> String {
        self.round.map_or_else(|| self.status.label().to_lowercase(), |_| "proposed".to_owned())
    }
}

/// One group with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Lane, service level or month; empty where shipments have none.
    pub name: String,
    /// Its sums.
    #[serde(flatten)]
    pub sums: Shown,
}

/// Sums of one group, amounts as decimal strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Under what was in force.
    pub in_force: TallyShown,
    /// Under each version.
    pub versions: Vec<VersionShown>,
}

/// Counts and the total.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyShown {
    /// Shipments priced.
    pub rated: u64,
    /// Shipments that need rates.
    pub unrated: u64,
    /// Shipments not to be priced.
    pub not_applicable: u64,
    /// Total of the priced ones.
    pub total: String,
}

/// The same for a version, with what differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionShown {
    /// Counts and the total.
    #[serde(flatten)]
    pub tally: TallyShown,
    /// What it costs more than what was in force, over the shipments that both price; none where they price none.
    pub difference: Option<String>,
    /// Why; the causes sum to the difference.
    pub causes: CausesShown,
    /// Shipments that both price.
    pub compared: u64,
    /// Shipments that no difference is claimed over, since one side or both have no price for them.
    pub left_out: u64,
    /// Those that only what was in force prices: in its total, and not in the difference.
    pub only_in_force: OneSidedShown,
    /// Those that only the version prices.
    pub only_version: OneSidedShown,
}

/// Shipments that one side prices and the other does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneSidedShown {
    /// How many.
    pub shipments: u64,
    /// What they come to there.
    pub total: String,
}

impl VersionShown {
    /// What the totals differ by that is not in the difference, in words; none when everything is compared.
    #[must_use]
    pub fn left_out_words(&self, name: &str, currency: &str) -> Option<String> {
        if self.left_out == 0 {
            return None;
        }
        let side = |side: &OneSidedShown, who: &str| {
            (side.shipments > 0).then(|| {
                format!(
                    "{} only {who} prices ({} {currency})",
                    words::figure(side.shipments),
                    words::group(&side.total)
                )
            })
        };
        let neither =
            self.left_out.saturating_sub(self.only_in_force.shipments + self.only_version.shipments);
        let neither = (neither > 0).then(|| format!("{} neither side prices", words::figure(neither)));
        let parts: Vec<String> =
            [side(&self.only_in_force, "what was in force"), side(&self.only_version, name), neither]
                .into_iter()
                .flatten()
                .collect();
        Some(format!(
            "The difference of {name} is over the {} that both sides price and leaves out {}: {}.",
            words::many(self.compared, "shipment"),
            words::figure(self.left_out),
            parts.join(", ")
        ))
    }
}

/// Why a total differs, as decimal strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the causes are documented on Causes")]
pub struct CausesShown {
    pub base: String,
    pub minimum: String,
    pub fuel: String,
    pub accessorial: String,
    pub tax: String,
}

/// What was to pay after service credits and bonuses, and what would have been.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetReport {
    /// Every shipment and obligation.
    pub total: NetGroup,
    /// By month; an obligation counts in the month it was due, one of a period in its last.
    pub months: Vec<NamedNet>,
    /// What each clause came to.
    pub clauses: Vec<ClauseShown>,
    /// What is not in these numbers, and why.
    pub notes: Vec<String>,
}

/// One group, net.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetGroup {
    /// Under what was in force.
    pub in_force: NetShown,
    /// Under each version.
    pub versions: Vec<NetShown>,
}

/// One group with its name, net.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedNet {
    /// The month.
    pub name: String,
    /// Its sums.
    #[serde(flatten)]
    pub sums: NetGroup,
}

/// Charges, credits and what is left to pay, as decimal strings; no credits where they could not be evaluated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetShown {
    /// Total of the charges, tax included.
    pub charges: String,
    /// Service credits of the partner.
    pub credits: Option<String>,
    /// Bonuses of the shipper.
    pub bonuses: Option<String>,
    /// What caps took off both.
    pub forgone: Option<String>,
    /// Charges less credits plus bonuses.
    pub net_cost: Option<String>,
    /// What it costs more net than what was in force, over the shipments that both price; none for what was in force.
    pub difference: Option<String>,
}

/// What one clause came to, as decimal strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClauseShown {
    /// Whose it is: `in force`, `version 3`.
    pub terms: String,
    /// Its number and title.
    pub clause: String,
    /// Obligations that come to an amount.
    pub obligations: u64,
    /// Service credits.
    pub credits: String,
    /// Bonuses.
    pub bonuses: String,
    /// What caps took off.
    pub forgone: String,
}

fn shown(groups: &BTreeMap<String, Group>, digits: u32) -> Vec<Named> {
    groups.iter().map(|(name, group)| Named { name: name.clone(), sums: Shown::of(group, digits) }).collect()
}

impl Shown {
    fn of(group: &Group, digits: u32) -> Self {
        let money = |amount: Micros| super::rating::money(amount, digits);
        let tally = |tally: &Tally| TallyShown {
            rated: tally.rated,
            unrated: tally.unrated,
            not_applicable: tally.not_applicable,
            total: money(tally.total),
        };
        let causes = |causes: &Causes| CausesShown {
            base: money(causes.base),
            minimum: money(causes.minimum),
            fuel: money(causes.fuel),
            accessorial: money(causes.accessorial),
            tax: money(causes.tax),
        };
        let side = |side: &OneSided| OneSidedShown { shipments: side.shipments, total: money(side.total) };
        let versions = group.versions.iter().zip(&group.compared);
        Self {
            in_force: tally(&group.in_force),
            versions: versions
                .map(|(sum, compared)| VersionShown {
                    tally: tally(sum),
                    difference: compared.difference().map(money),
                    causes: causes(&compared.causes),
                    compared: compared.both,
                    left_out: compared.left_out(),
                    only_in_force: side(&compared.only_in_force),
                    only_version: side(&compared.only_version),
                })
                .collect(),
        }
    }
}
