//! Expected charges: every stored shipment priced by the contract version that holds on its rating day.
//!
//! The refresh that judges a stale day prices it too ([`Shelf`]). What makes days stale without new facts is found
//! here: another version in force ([`versions_mark`]), a late or corrected price ([`Reach`]). A result is stored only
//! where it differs, with the moment whose prices it was made with, so that anybody can make it again
//! ([`check`], [`view`]).

pub mod check;
#[cfg(test)]
pub(in crate::app) mod tests;
pub mod view;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, SubsecRound, TimeDelta, Utc};

use crate::db::contract::{contract_list_of_partner, terms_load, version_list};
use crate::db::expected::{
    Atlas, PricedDay, Spans, StoredConsignment, cells_by_day, cells_by_lane, consignments_fold_unscoped,
    counted_days, expected_delete, expected_of_day_unscoped, expected_replace, expected_spans_replace,
    expected_spans_unscoped, versions_with_rates_unscoped,
};
use crate::db::fold::ShipmentKey;
use crate::db::market::{fuel_price_list, fx_rate_list};
use crate::db::rate::rate_terms_load;
use crate::db::setting::reporting_currency;
use crate::db::shipment::{Source, StaleCell, stale_mark};
use crate::db::{Db, DbError};
use crate::domain::claim::Claimants;
use crate::domain::currency::Currency;
use crate::domain::expected::affected::{clipped, fuel_days, fx_days};
use crate::domain::expected::{
    Choice, Expected, ExpectedStatus, Parts, Priced, RatedBy, Span, chosen, counted_rated, expect,
};
use crate::domain::fuel::{FuelPrice, FuelPrices};
use crate::domain::money::Micros;
use crate::domain::rate::{CompiledRates, FxRate, FxRates, Market, RateTerms, RatingRequest};
use crate::domain::viewer::Viewer;

/// Dated prices from outside, as known at one moment.
#[derive(Debug)]
pub struct Prices {
    /// The moment.
    pub known_at: DateTime<Utc>,
    fuel: FuelPrices,
    fx: FxRates,
}

impl Prices {
    /// Everything stored. It is known at `now`, or when the last of it was recorded, if that is later: an import may
    /// have begun after the run that asks.
    pub(super) fn all(db: &mut Db, now: DateTime<Utc>) -> Result<Self, DbError> {
        let (fuel, fx) = (fuel_price_list(db, FOREVER)?, fx_rate_list(db, FOREVER)?);
        let recorded = fuel.iter().map(|row| row.recorded_at).chain(fx.iter().map(|row| row.recorded_at));
        let known_at = recorded.max().map_or(now, |last| last.max(now)).trunc_subsecs(6);
        Self::of(fuel, fx, known_at)
    }

    /// As they were known then.
    pub(super) fn known(db: &mut Db, known_at: DateTime<Utc>) -> Result<Self, DbError> {
        let (fuel, fx) = (fuel_price_list(db, known_at)?, fx_rate_list(db, known_at)?);
        Self::of(fuel, fx, known_at)
    }

    /// As they were known just before `until`.
    pub(in crate::app) fn known_before(db: &mut Db, until: DateTime<Utc>) -> Result<Self, DbError> {
        Self::known(db, until - TimeDelta::microseconds(1))
    }

    fn of(fuel: Vec<FuelPrice>, fx: Vec<FxRate>, known_at: DateTime<Utc>) -> Result<Self, DbError> {
        let stored = |what: &str, reason: String| DbError::Stored { what: what.to_owned(), reason };
        Ok(Self {
            known_at,
            fuel: FuelPrices::new(fuel, Some(known_at), [])
                .map_err(|error| stored("a fuel price", error.to_string()))?,
            fx: FxRates::new(fx, Some(known_at))
                .map_err(|error| stored("an exchange rate", error.to_string()))?,
        })
    }

    /// As the engine takes them.
    pub(in crate::app) fn market(&self) -> Market<'_> {
        Market { fuel: &self.fuel, fx: &self.fx }
    }
}

/// Later than anything is recorded at; both engines keep this instant.
pub(in crate::app) const FOREVER: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
    Some(at) => at,
    None => DateTime::UNIX_EPOCH,
};

/// The rates of one version, ready to use, or why they are not.
#[derive(Debug)]
pub struct Book {
    /// Currency of the contract.
    pub currency: Currency,
    /// The rates, or what is wrong with them.
    pub rates: Result<CompiledRates, String>,
}

impl Book {
    /// Compiles what a version says about price.
    pub(super) fn of(terms: &RateTerms) -> Self {
        let problem = |problems: Vec<crate::domain::rate::TermProblem>| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            format!("the rates of the contract version contradict themselves: {first}")
        };
        Self { currency: terms.currency, rates: CompiledRates::new(terms).map_err(problem) }
    }

    /// A shipment of which nobody can tell whose it is.
    pub(super) fn untold(
        &self,
        by: RatedBy,
        facts: &StoredConsignment,
        request: &RatingRequest,
        why: &str,
    ) -> Expected {
        self.cancelled(by, facts, request).unwrap_or_else(|| {
            Expected::without_price(by, request, self.currency, (ExpectedStatus::Unrated, why))
        })
    }

    fn cancelled(&self, by: RatedBy, facts: &StoredConsignment, request: &RatingRequest) -> Option<Expected> {
        let why = (ExpectedStatus::NotApplicable, "the shipper cancelled it");
        let cancelled = facts.facts.milestones.cancelled_at.is_some();
        cancelled.then(|| Expected::without_price(by, request, self.currency, why))
    }

    /// Prices a shipment.
    pub(super) fn price(
        &self,
        by: RatedBy,
        facts: &StoredConsignment,
        request: &RatingRequest,
        market: Market<'_>,
    ) -> Expected {
        if let Some(cancelled) = self.cancelled(by, facts, request) {
            return cancelled;
        }
        match &self.rates {
            Ok(rates) => expect(rates, by, request, market),
            Err(problem) => Expected::without_price(
                by,
                request,
                self.currency,
                (ExpectedStatus::Unrated, problem.as_str()),
            ),
        }
    }

    /// The same without lines and reasons, for comparing many; whether the shipper cancelled it is known.
    pub(super) fn brief(&self, cancelled: bool, request: &RatingRequest, market: Market<'_>) -> Priced {
        match &self.rates {
            _ if cancelled => Priced::without_price(ExpectedStatus::NotApplicable),
            Ok(rates) => Priced::by(rates, request, market),
            Err(_) => Priced::without_price(ExpectedStatus::Unrated),
        }
    }
}

/// The rates of versions, each compiled once. A version out of draft never changes, so one serves a whole run.
#[derive(Clone, Debug, Default)]
pub struct Books(Arc<Mutex<HashMap<i64, Arc<Book>>>>);

impl Books {
    /// The rates of a version.
    pub(super) fn open(&self, db: &mut Db, version_id: i64) -> Result<Arc<Book>, DbError> {
        // The lock is held while one is compiled: the other reader would need the same one next.
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(book) = books.get(&version_id) {
            return Ok(Arc::clone(book));
        }
        let terms = rate_terms_load(db, &Viewer::system(), version_id)?.ok_or_else(|| DbError::Stored {
            what: format!("contract version {version_id}"),
            reason: "expected charges name it and it is missing".to_owned(),
        })?;
        let book = Arc::new(Book::of(&terms));
        books.insert(version_id, Arc::clone(&book));
        Ok(book)
    }
}

/// How a run of sums comes to expected charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Prices the shipments and says what differs from what is stored.
    Price,
    /// Takes what is stored.
    Stored,
}

/// What it takes to price shipments by the versions in force.
#[derive(Debug)]
pub struct Shelf {
    spans: Spans,
    /// By partner, where several contracts may be in force together.
    claimants: HashMap<i64, Claimants>,
    reporting: String,
    books: Books,
    atlas: Atlas,
    /// None where the stored charges are taken as they are.
    prices: Option<Prices>,
}

/// Expected charges of one day.
#[derive(Debug, Default)]
pub struct DayCharges {
    /// Priced shipments, by partner and id.
    priced: HashMap<(i64, i64), (Parts, Currency)>,
    /// Stored ones that are no longer right.
    pub gone: Vec<ShipmentKey>,
    /// What is right instead, or new.
    pub new: Vec<(ShipmentKey, Expected)>,
}

impl DayCharges {
    /// How many differ from what is stored.
    #[must_use]
    pub fn differing(&self) -> usize {
        let stored: BTreeSet<&ShipmentKey> =
            self.gone.iter().chain(self.new.iter().map(|(k, _)| k)).collect();
        stored.len()
    }
}

impl Shelf {
    /// Reads the versions by which charges are made, and the prices; none when no partner has any, which is all it
    /// costs then. After the marks of the facts are taken, so that a later price marks them again.
    ///
    /// # Errors
    /// The database's reason.
    pub fn read(
        db: &mut Db,
        books: &Books,
        (mode, now): (Mode, DateTime<Utc>),
    ) -> Result<Option<Self>, DbError> {
        let spans = expected_spans_unscoped(db)?;
        if spans.is_empty() {
            return Ok(None);
        }
        let prices = match mode {
            Mode::Price => Some(Prices::all(db, now)?),
            Mode::Stored => None,
        };
        let reporting = reporting_currency(db)?;
        let mut by_partner = HashMap::new();
        for (partner_id, spans) in spans.iter().filter(|_| mode == Mode::Price) {
            let found = claimants(db, spans)?;
            if !found.is_empty() {
                by_partner.insert(*partner_id, found);
            }
        }
        Ok(Some(Self {
            spans,
            claimants: by_partner,
            reporting,
            books: books.clone(),
            atlas: Atlas::read(db)?,
            prices,
        }))
    }

    /// Prices the shipments of a day, those of the partners that have rates.
    ///
    /// # Errors
    /// The database's reason.
    pub fn day(&self, db: &mut Db, day: NaiveDate, partners: &[i64]) -> Result<DayCharges, DbError> {
        let partners: Vec<i64> =
            partners.iter().copied().filter(|partner| self.spans.contains_key(partner)).collect();
        let mut charges = DayCharges::default();
        if partners.is_empty() {
            return Ok(charges);
        }
        let mut stored = expected_of_day_unscoped(db, &partners, day)?;
        let Some(prices) = &self.prices else {
            charges.priced = stored
                .into_iter()
                .filter_map(|(key, row)| Some((key, (row.expected.parts?, row.expected.currency))))
                .collect();
            return Ok(charges);
        };
        let mut facts = Vec::new();
        consignments_fold_unscoped(db, &self.atlas, &partners, day, |row| {
            facts.push(row);
            Ok::<_, DbError>(())
        })?;
        for row in &facts {
            let Some(expected) = self.price(db, row, prices)? else { continue };
            let (_, partner_id, id) = row.key;
            if let Some(parts) = expected.parts {
                charges.priced.insert((partner_id, id), (parts, expected.currency));
            }
            match stored.remove(&(partner_id, id)) {
                Some(before) if before.expected == expected => {}
                before => {
                    charges.gone.extend(before.map(|before| before.key));
                    charges.new.push((row.key, expected));
                }
            }
        }
        // Shipments that are gone from the day, or that no version prices any more.
        charges.gone.extend(stored.into_values().map(|row| row.key));
        Ok(charges)
    }

    fn price(
        &self,
        db: &mut Db,
        row: &StoredConsignment,
        prices: &Prices,
    ) -> Result<Option<Expected>, DbError> {
        let request = row.facts.request();
        let nobody = Claimants::default();
        let spans = self.spans.get(&row.key.1).map_or(&[][..], Vec::as_slice);
        let claimants = self.claimants.get(&row.key.1).unwrap_or(&nobody);
        let choice = chosen(spans, claimants, row.facts.obligation_day, &request);
        let Some((by, untold)) = choice.listed() else { return Ok(None) };
        let book = self.books.open(db, by.version_id)?;
        Ok(Some(match untold {
            None => book.price(by, row, &request, prices.market()),
            Some(why) => book.untold(by, row, &request, &why),
        }))
    }

    /// The contract-rated amount of a shipment that counts in KPIs.
    #[must_use]
    pub fn counted(&self, charges: &DayCharges, own: Option<Micros>, key: (i64, i64)) -> Option<Micros> {
        counted_rated(own, charges.priced.get(&key).copied(), &self.reporting)
    }

    /// Stores what differs on a day.
    ///
    /// # Errors
    /// The database's reason.
    pub fn store(&self, db: &mut Db, charges: &DayCharges) -> Result<(), DbError> {
        let Some(prices) = &self.prices else { return Ok(()) };
        expected_replace(db, &charges.gone, &charges.new, prices.known_at)
    }
}

/// The versions that price a partner's shipments now.
pub(super) fn spans_now(
    db: &mut Db,
    partner_id: i64,
    with_rates: &BTreeSet<(i64, i64)>,
) -> Result<Vec<Span>, DbError> {
    let mut spans = Vec::new();
    for contract in contract_list_of_partner(db, &Viewer::system(), partner_id)? {
        for version in version_list(db, &Viewer::system(), contract.id)? {
            if with_rates.contains(&(partner_id, version.id)) {
                let which = version.rating_date()?;
                spans.extend(Span::of((contract.id, &contract.term), &version.dates()?, which));
            }
        }
    }
    spans.sort_unstable_by_key(|span| (span.from, span.version_id));
    Ok(spans)
}

/// The lanes of versions, to say whose a shipment is; nothing where they are all of one contract.
///
/// # Errors
/// The database's reason.
pub(super) fn claimants(db: &mut Db, spans: &[Span]) -> Result<Claimants, DbError> {
    let contracts: BTreeSet<i64> = spans.iter().map(|span| span.contract_id).collect();
    if contracts.len() < 2 {
        return Ok(Claimants::default());
    }
    let mut all = Vec::new();
    for version_id in spans.iter().map(|span| span.version_id).collect::<BTreeSet<_>>() {
        all.extend(terms_load(db, &Viewer::system(), version_id)?);
    }
    // By the days that price, which the spans say.
    Ok(Claimants::each(&all))
}

/// Why a partner's shipment has no price, where nobody can tell whose it is: by the versions its charges are made by.
#[derive(Debug, Default)]
pub(super) struct Untold {
    spans: Vec<Span>,
    claimants: Claimants,
}

impl Untold {
    /// For one partner.
    ///
    /// # Errors
    /// The database's reason.
    pub(super) fn read(db: &mut Db, partner_id: i64) -> Result<Self, DbError> {
        let spans = expected_spans_unscoped(db)?.remove(&partner_id).unwrap_or_default();
        let claimants = claimants(db, &spans)?;
        Ok(Self { spans, claimants })
    }

    /// The charge such a shipment has; none where a version prices it.
    pub(super) fn charge(&self, book: &Book, facts: &StoredConsignment) -> Option<Expected> {
        if self.claimants.is_empty() {
            return None;
        }
        let request = facts.facts.request();
        match chosen(&self.spans, &self.claimants, facts.facts.obligation_day, &request) {
            Choice::Untold(by, why) => Some(book.untold(by, facts, &request, &why)),
            Choice::By(_) | Choice::Nothing => None,
        }
    }
}

/// Partner, and the versions that priced its shipments before and do now.
type Turned = Vec<(i64, Vec<Span>, Vec<Span>)>;

/// The partners whose versions in force are not those their charges were made by: a version was approved, ended or
/// taken back since, whoever did it.
///
/// # Errors
/// The database's reason.
pub fn versions_turned(db: &mut Db) -> Result<Turned, DbError> {
    let with_rates = versions_with_rates_unscoped(db)?;
    let mut before = expected_spans_unscoped(db)?;
    let partners: BTreeSet<i64> =
        with_rates.iter().map(|(partner_id, _)| *partner_id).chain(before.keys().copied()).collect();
    let mut turned = Vec::new();
    for partner_id in partners {
        let was = before.remove(&partner_id).unwrap_or_default();
        let now = spans_now(db, partner_id, &with_rates)?;
        if was != now {
            turned.push((partner_id, was, now));
        }
    }
    Ok(turned)
}

/// Marks exactly the days with a shipment that another version prices now, and notes those versions.
///
/// The refresh compares instead of every writer marking: a contract's state has many ways to change, and one that
/// forgot to mark would leave wrong numbers that nobody sees.
///
/// # Errors
/// The database's reason.
pub fn versions_mark(db: &mut Db) -> Result<(), DbError> {
    let atlas = Atlas::read(db)?;
    for (partner_id, was, now) in versions_turned(db)? {
        let mut cells = BTreeSet::new();
        let all: Vec<Span> = was.iter().chain(&now).copied().collect();
        let claimants = claimants(db, &all)?;
        for day in counted_days(db, partner_id)? {
            let mut turns = false;
            consignments_fold_unscoped(db, &atlas, &[partner_id], day, |row| {
                let request = row.facts.request();
                let choice =
                    |spans: &[Span]| match chosen(spans, &claimants, row.facts.obligation_day, &request)
                        .listed()
                    {
                        Some((by, why)) => (Some(by.version_id), why),
                        None => (None, None),
                    };
                turns = turns || choice(&was) != choice(&now);
                Ok::<_, DbError>(())
            })?;
            if turns {
                cells.insert(StaleCell { partner_id, day });
            }
        }
        if now.is_empty() {
            // Nothing prices them any more, so no later pass would come by here.
            cells.extend(expected_delete(db, partner_id)?);
        }
        stale_mark(db, Source::Shipments, &cells)?;
        expected_spans_replace(db, partner_id, &now)?;
    }
    Ok(())
}

/// Lanes looked up at once; their shipments are found by reading those of the partners with rates.
const LANES_PER_STATEMENT: usize = 2_000;

/// Whose charges a late price may change: read once for a batch of prices.
pub struct Reach {
    /// Partner, version, and what it says about price, without tables.
    terms: Vec<(i64, Span, RateTerms)>,
    fuel: Vec<FuelPrice>,
    fx: Vec<FxRate>,
}

impl Reach {
    /// Reads the versions and every price there is.
    ///
    /// # Errors
    /// The database's reason.
    pub fn read(db: &mut Db) -> Result<Self, DbError> {
        let mut terms = Vec::new();
        for (partner_id, spans) in expected_spans_unscoped(db)? {
            for span in spans {
                let found = terms_load(db, &Viewer::system(), span.version_id)?;
                terms.extend(found.map(|found| (partner_id, span, found.pricing.terms)));
            }
        }
        if terms.is_empty() {
            return Ok(Self { terms, fuel: Vec::new(), fx: Vec::new() });
        }
        Ok(Self { terms, fuel: fuel_price_list(db, FOREVER)?, fx: fx_rate_list(db, FOREVER)? })
    }

    /// The partners with rates.
    fn partners(&self) -> Vec<i64> {
        let partners: BTreeSet<i64> = self.terms.iter().map(|(partner_id, ..)| *partner_id).collect();
        partners.into_iter().collect()
    }

    /// Marks the days whose charges corrected lanes may change: the places they name decide the rate.
    ///
    /// # Errors
    /// The database's reason.
    pub fn lanes_mark(&self, db: &mut Db, lane_ids: &[i64]) -> Result<(), DbError> {
        let partners = self.partners();
        if partners.is_empty() {
            return Ok(());
        }
        let mut cells = BTreeSet::new();
        for ids in lane_ids.chunks(LANES_PER_STATEMENT) {
            cells.extend(cells_by_lane(db, &partners, ids)?);
        }
        Ok(stale_mark(db, Source::Shipments, &cells)?)
    }

    /// Marks the days whose charges a new or corrected fuel price changes, in the transaction that stores it.
    ///
    /// # Errors
    /// The database's reason.
    pub fn fuel_mark(&mut self, db: &mut Db, price: &FuelPrice) -> Result<(), DbError> {
        let mut cells = BTreeSet::new();
        for (partner_id, span, rates) in &self.terms {
            for programme in &rates.fuel {
                if let Some(days) = fuel_days(programme, &self.fuel, price) {
                    cells.extend(cells_by_day(db, (*partner_id, span.version_id), PricedDay::Pickup, days)?);
                }
            }
        }
        self.fuel.push(price.clone());
        Ok(stale_mark(db, Source::Shipments, &cells)?)
    }

    /// Marks the days whose charges a new or corrected exchange rate changes.
    ///
    /// # Errors
    /// The database's reason.
    pub fn fx_mark(&mut self, db: &mut Db, rate: &FxRate) -> Result<(), DbError> {
        let mut cells = BTreeSet::new();
        let days = fx_days(&self.fx, rate);
        for (partner_id, span, rates) in &self.terms {
            let converts = rates.currency == rate.to && rates.foreign_currencies().contains(&rate.from);
            let days = clipped(days, (Some(span.from), span.until)).filter(|_| converts);
            if let Some(days) = days {
                cells.extend(cells_by_day(db, (*partner_id, span.version_id), PricedDay::Rating, days)?);
            }
        }
        self.fx.push(rate.clone());
        Ok(stale_mark(db, Source::Shipments, &cells)?)
    }
}
