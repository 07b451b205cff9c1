//! Rating shipments of a file by a contract version, without storing anything.

use std::path::Path;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use rust_decimal::Decimal;
use serde::Serialize;

use super::App;
use super::expected::Prices;
use crate::app::evidence::shipment;
use crate::app::import::particulars::OF_REQUESTS;
use crate::db::contract::{contract_by_number, version_list};
use crate::db::evidence::source_list;
use crate::db::expected::consignment_show;
use crate::db::rate::rate_terms_load;
use crate::db::{Db, DbError};
use crate::domain::contract::{ContractTerm, VersionDates};
use crate::domain::currency::Currency;
use crate::domain::geo::Place;
use crate::domain::money::Micros;
use crate::domain::quantity::{ChargeUnit, DistanceUnit, WeightUnit};
use crate::domain::rate::{
    ChargePart, CompiledRates, NoTrace, Rated, RatingDate, RatingRequest, Steps, TermProblem, TraceLine,
};
use crate::domain::terms::in_force;
use crate::domain::viewer::Viewer;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{Field, ImportKind, requests as q};
use crate::feeds::mapping::Mapping;
use crate::feeds::table::{Row, TableReader};
use crate::feeds::{FeedError, RowError};

/// Why nothing was rated at all.
#[derive(Debug, thiserror::Error)]
pub enum RatingError {
    /// The file or its mapping.
    #[error(transparent)]
    Feed(Box<FeedError>),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// No such contract.
    #[error(
        "there is no contract {0}; `lanemark import rates FILE --contract {0} --partner CODE` makes one with its rates"
    )]
    NoContract(String),
    /// No such version.
    #[error("contract {contract} has no version {version}")]
    NoVersion {
        /// Contract.
        contract: String,
        /// Version asked for.
        version: i32,
    },
    /// Nothing to rate by.
    #[error(
        "no version of contract {0} has rates; load some with `lanemark import rates FILE --contract {0}`"
    )]
    NoRates(String),
    /// Stored rates that contradict themselves.
    #[error("the rates of contract {contract}, version {version} cannot be used: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Problems {
        /// Contract.
        contract: String,
        /// Version.
        version: i32,
        /// What is wrong.
        problems: Vec<TermProblem>,
    },
    /// The result could not be written.
    #[error("the result cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

impl From<FeedError> for RatingError {
    fn from(error: FeedError) -> Self {
        Self::Feed(Box::new(error))
    }
}

/// One version, compiled once.
#[derive(Debug)]
struct Book {
    version: i32,
    dates: VersionDates,
    /// The day of a shipment that decides whether it is this version's.
    rating_date: RatingDate,
    rates: CompiledRates,
    weight_unit: WeightUnit,
    distance_unit: DistanceUnit,
}

/// A contract's rates, compiled once, and the prices known now: of one version for every shipment, or of every version
/// for the shipments it holds for.
#[derive(Debug)]
pub struct RateBook {
    /// Contract number.
    pub contract: String,
    /// Currency of every amount.
    pub currency: Currency,
    term: ContractTerm,
    /// Newest first, never empty.
    books: Vec<Book>,
    /// Whether the rating date of a shipment decides which of them prices it.
    dated: bool,
    today: NaiveDate,
    prices: Prices,
}

impl RateBook {
    /// The rates of version `version` for every shipment. Without one, each shipment is rated by the version in force on
    /// its rating date (DOMAIN §3.4 step 1); while nothing of the contract was ever signed, by the newest version with
    /// rates.
    ///
    /// # Errors
    /// [`RatingError`] when there are none, or they cannot be used.
    pub fn open(
        app: &App,
        db: &mut Db,
        viewer: &Viewer,
        number: &str,
        version: Option<i32>,
    ) -> Result<Self, RatingError> {
        let contract = contract_by_number(db, viewer, number)?;
        let contract = contract.ok_or_else(|| RatingError::NoContract(number.to_owned()))?;
        let today = app.today(db)?;
        let mut versions = version_list(db, viewer, contract.id)?;
        let mut dated = false;
        if let Some(wanted) = version {
            versions.retain(|version| version.version == wanted);
            if versions.is_empty() {
                return Err(RatingError::NoVersion { contract: contract.number, version: wanted });
            }
        } else {
            let mut binds = Vec::new();
            for version in &versions {
                binds.push(version.state()?.binds());
            }
            dated = binds.contains(&true);
            if dated {
                let mut binds = binds.into_iter();
                versions.retain(|_| binds.next() == Some(true));
            }
        }
        let mut books = Vec::new();
        for version in versions {
            let terms = rate_terms_load(db, viewer, version.id)?;
            // A version in force without rates prices nothing, and no other one stands in for it.
            let Some(terms) = terms.filter(|terms| dated || !terms.lines.is_empty()) else { continue };
            let rates = CompiledRates::new(&terms).map_err(|problems| RatingError::Problems {
                contract: contract.number.clone(),
                version: version.version,
                problems,
            })?;
            books.push(Book {
                version: version.version,
                dates: version.dates()?,
                rating_date: terms.parameters.rating_date,
                rates,
                weight_unit: terms.parameters.weight_unit,
                distance_unit: terms.parameters.distance_unit,
            });
            if !dated {
                break;
            }
        }
        if books.iter().all(|book| book.rates.cells() == 0) {
            return Err(RatingError::NoRates(contract.number));
        }
        let prices = Prices::all(db, app.now())?;
        Ok(Self {
            currency: contract.currency,
            term: contract.term,
            contract: contract.number,
            books,
            dated,
            today,
            prices,
        })
    }

    /// What shipments are rated by, in words: `version 1 (draft)`, `the version in force on each rating date, of 1, 2`.
    #[must_use]
    pub fn words(&self) -> String {
        match self.books.as_slice() {
            [book] if !self.dated => {
                let holds = in_force(&self.term, &book.dates, self.today);
                let state =
                    if holds { "in force".to_owned() } else { book.dates.status.label().to_lowercase() };
                format!("version {} ({state})", book.version)
            }
            books => {
                let numbers: Vec<String> = books.iter().rev().map(|book| book.version.to_string()).collect();
                let kind = if books.len() == 1 { "version" } else { "versions" };
                format!("the version in force on each rating date ({kind} {})", numbers.join(", "))
            }
        }
    }

    /// The version that prices a shipment.
    fn book_of(&self, request: &RatingRequest) -> Result<&Book, String> {
        let newest = self.books.first().ok_or_else(|| "the contract has no version".to_owned())?;
        if !self.dated {
            return Ok(newest);
        }
        let holds = |book: &&Book| {
            request.day(book.rating_date).is_some_and(|day| in_force(&self.term, &book.dates, day))
        };
        if let Some(book) = self.books.iter().find(holds) {
            return Ok(book);
        }
        let which = newest.rating_date.label();
        Err(match request.day(newest.rating_date) {
            Some(day) => {
                format!("no version of contract {} was in force on {day}, the day of {which}", self.contract)
            }
            None => format!("the day of {which} is missing, so no version can be chosen"),
        })
    }

    /// Rates a file, row by row, and hands each result to `take`.
    ///
    /// A row that cannot be read is an UNRATED result with its reason, so that none is lost. Gives the columns of the
    /// file that the mapping uses for nothing.
    ///
    /// # Errors
    /// [`RatingError`] when the file cannot be read to its end, or `take` fails.
    pub fn rate_file(
        &self,
        path: &Path,
        mapping: &Mapping,
        trace: bool,
        mut take: impl FnMut(RatedShipment) -> std::io::Result<()>,
    ) -> Result<Vec<String>, RatingError> {
        let mut reader = TableReader::open(path, mapping.encoding.as_deref())?;
        let compiled = mapping.compile(reader.headers())?;
        let places = compiled.places();
        let (mut row, mut fields) = (Row::new(), compiled.fields());
        while reader.read_row(&mut row)? {
            let request = compiled.apply(&row, &mut fields).and_then(|()| self.request(&fields));
            let rated = match request {
                Ok(request) => self.rate(&request, row.number(), trace),
                Err(error) => self.unread(&fields, &row, &places.locate(&row, &error)),
            };
            take(rated)?;
        }
        Ok(compiled.ignored().to_vec())
    }

    /// A shipment from fields by name, read as a row of a file is.
    ///
    /// # Errors
    /// What cannot be read, with the name of its field where it is in one.
    pub fn request_of(&self, pairs: &[(&str, &str)]) -> Result<RatingRequest, (Option<String>, String)> {
        let headers: Vec<String> = pairs.iter().map(|(name, _)| (*name).to_owned()).collect();
        let mapping = Mapping::identity(ImportKind::Requests);
        let compiled = mapping.compile(&headers).map_err(|error| (None, error.to_string()))?;
        let (mut row, mut fields) = (Row::new(), compiled.fields());
        row.fill(1, pairs.iter().map(|(_, value)| *value));
        let request = compiled.apply(&row, &mut fields).and_then(|()| self.request(&fields));
        request.map_err(|error| {
            let at = compiled.places().locate(&row, &error);
            // A field is a column of its own name here.
            let field = headers.into_iter().find(|header| *header == at.column);
            let said = if field.is_some() { at.reason.clone() } else { at.to_string() };
            (field, said)
        })
    }

    /// Rates one shipment.
    #[must_use]
    pub fn rate(&self, request: &RatingRequest, row: u64, trace: bool) -> RatedShipment {
        let book = match self.book_of(request) {
            Ok(book) => book,
            Err(reason) => return self.unrated(&request.reference, row, reason),
        };
        let market = self.prices.market();
        let (by, digits) = ((self.contract.as_str(), book.version), self.currency.minor_digits());
        if trace {
            let mut steps = Steps::default();
            let rated = book.rates.rate(request, market, &mut steps);
            return RatedShipment::of(&rated, request, (row, by), digits, Some(steps.lines()));
        }
        let rated = book.rates.rate(request, market, &mut NoTrace);
        RatedShipment::of(&rated, request, (row, by), digits, None)
    }

    fn unread(&self, fields: &Fields, row: &Row, error: &RowError) -> RatedShipment {
        let reference = fields.text(q::REFERENCE).unwrap_or_default();
        self.unrated(reference, row.number(), format!("row {} cannot be read: {error}", row.number()))
    }

    fn unrated(&self, reference: &str, row: u64, reason: String) -> RatedShipment {
        RatedShipment {
            reference: reference.to_owned(),
            row,
            contract: self.contract.clone(),
            version: None,
            status: "UNRATED",
            total: None,
            currency: self.currency.code().to_owned(),
            reason: Some(reason),
            lane: None,
            line: None,
            lines: Vec::new(),
            withheld: Vec::new(),
            fuel_carried: false,
            size_unknown: false,
            trace: None,
        }
    }

    /// A shipment, in the units of the version that prices it where it names none.
    fn request(&self, fields: &Fields) -> Result<RatingRequest, RowError> {
        let units = |book: Option<&Book>| {
            book.map_or((WeightUnit::Lb, DistanceUnit::Mi), |book| (book.weight_unit, book.distance_unit))
        };
        let newest = units(self.books.first());
        let request = Self::request_in(fields, newest)?;
        let own = self.book_of(&request).ok();
        if own.is_some() && units(own) != newest { Self::request_in(fields, units(own)) } else { Ok(request) }
    }

    fn request_in(
        fields: &Fields,
        (weight_unit, distance_unit): (WeightUnit, DistanceUnit),
    ) -> Result<RatingRequest, RowError> {
        let text = |field: Field| fields.text(field).unwrap_or_default().to_owned();
        let midnight = |field: Field| fields.day(field).map(|day| day.and_time(NaiveTime::MIN));
        let number = |name: &str, field: Field| -> Result<Option<Micros>, RowError> {
            let value: Option<Decimal> = fields.decimal(field);
            value
                .map(|value| {
                    let large = |e: crate::domain::money::OutOfRange| {
                        RowError::field(name, &value.to_string(), e.to_string())
                    };
                    Micros::from_decimal(value).map_err(large)
                })
                .transpose()
        };
        let pieces = fields.int(q::PIECES).map(|n| {
            u32::try_from(n).map_err(|_| RowError::field("pieces", &n.to_string(), "the number is too large"))
        });
        let said = OF_REQUESTS.read(fields)?.unwrap_or_default();
        let request = RatingRequest {
            reference: text(q::REFERENCE),
            pickup: midnight(q::PICKUP),
            delivery: midnight(q::DELIVERY),
            origin: Arc::new(Place {
                facility: text(q::ORIGIN_FACILITY),
                port: text(q::ORIGIN_PORT),
                postcode: text(q::ORIGIN_POSTCODE),
                city: text(q::ORIGIN_CITY),
                state: text(q::ORIGIN_STATE),
                country: text(q::ORIGIN_COUNTRY),
                zone: text(q::ORIGIN_ZONE),
            }),
            destination: Arc::new(Place {
                facility: text(q::DESTINATION_FACILITY),
                port: text(q::DESTINATION_PORT),
                postcode: text(q::DESTINATION_POSTCODE),
                city: text(q::DESTINATION_CITY),
                state: text(q::DESTINATION_STATE),
                country: text(q::DESTINATION_COUNTRY),
                zone: text(q::DESTINATION_ZONE),
            }),
            equipment: text(q::EQUIPMENT),
            service: text(q::SERVICE),
            zone: text(q::ZONE),
            weight: number("weight", q::WEIGHT)?,
            weight_unit: fields.text(q::WEIGHT_UNIT).and_then(|u| u.parse().ok()).unwrap_or(weight_unit),
            distance: number("distance", q::DISTANCE)?,
            distance_unit: fields
                .text(q::DISTANCE_UNIT)
                .and_then(|u| u.parse().ok())
                .unwrap_or(distance_unit),
            ..RatingRequest::default()
        };
        Ok(said.onto(request, pieces.transpose()?))
    }
}

/// A stored shipment of a partner as it is rated, by its reference in any feed; none when there is none or the viewer
/// may not see it.
///
/// # Errors
/// The database's reason.
pub fn stored_request(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    reference: &str,
) -> Result<Option<RatingRequest>, DbError> {
    for (_, source) in source_list(db)? {
        let Some(whole) = shipment(db, viewer, partner_id, &source, reference)? else { continue };
        if let Some(stored) = consignment_show(db, viewer, whole.key())? {
            return Ok(Some(stored.facts.request()));
        }
    }
    Ok(None)
}

/// The result for one shipment. Amounts are decimal strings; without a price there is none, and never 0.00.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RatedShipment {
    /// What people call the shipment.
    pub reference: String,
    /// Row of the file.
    pub row: u64,
    /// Number of the contract it was rated by.
    pub contract: String,
    /// The version it was rated by; none where no version could be.
    pub version: Option<i32>,
    /// `RATED`, `UNRATED` or `NOT_APPLICABLE`.
    pub status: &'static str,
    /// Sum of the lines.
    pub total: Option<String>,
    /// Currency of every amount.
    pub currency: String,
    /// Why there is no price.
    pub reason: Option<String>,
    /// The lane found.
    pub lane: Option<String>,
    /// The rate line found.
    pub line: Option<String>,
    /// The charge, line by line.
    pub lines: Vec<ChargeShown>,
    /// Events that are not charged: code and reason.
    pub withheld: Vec<(String, String)>,
    /// A fuel price was due and missing, so the last one was carried.
    pub fuel_carried: bool,
    /// The contract weighs by size too and no sides are given, so it is billed at the actual weight.
    pub size_unknown: bool,
    /// Every step, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Vec<TraceLine>>,
}

/// One charge line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChargeShown {
    /// Which part of the total.
    pub part: ChargePart,
    /// Charge code.
    pub code: String,
    /// The words on it.
    pub label: String,
    /// How much of the unit.
    pub quantity: String,
    /// What is counted.
    pub unit: ChargeUnit,
    /// Price of one.
    pub rate: String,
    /// The amount.
    pub amount: String,
}

impl RatedShipment {
    fn of(
        rated: &Rated<'_>,
        request: &RatingRequest,
        (row, (contract, version)): (u64, (&str, i32)),
        digits: u32,
        trace: Option<Vec<TraceLine>>,
    ) -> Self {
        let lines = rated.lines.iter().map(|line| ChargeShown {
            part: line.part,
            code: line.code.to_owned(),
            label: line.label.to_owned(),
            quantity: line.quantity.decimal().normalize().to_string(),
            unit: line.unit,
            rate: line.rate.to_string(),
            amount: money(line.amount, digits),
        });
        Self {
            reference: request.reference.clone(),
            row,
            contract: contract.to_owned(),
            version: Some(version),
            status: rated.status.code(),
            total: rated.total.map(|total| money(total, digits)),
            currency: rated.currency.code().to_owned(),
            reason: rated.status.reason(),
            lane: rated.lane.map(str::to_owned),
            line: rated.line.map(str::to_owned),
            lines: lines.collect(),
            withheld: rated
                .withheld
                .iter()
                .map(|(code, why)| ((*code).to_owned(), why.to_string()))
                .collect(),
            fuel_carried: rated.fuel_carried,
            size_unknown: rated.size_unknown,
            trace,
        }
    }
}

/// An amount with the digits of its currency.
pub(super) fn money(amount: Micros, digits: u32) -> String {
    let width = usize::try_from(digits).unwrap_or(0);
    format!("{:.width$}", amount.decimal())
}
