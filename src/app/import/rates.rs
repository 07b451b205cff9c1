//! Loading a rate sheet into a contract's draft: all of it or nothing.
//!
//! The file is read to its end and checked whole before anything is written. A row that cannot be read, an
//! overlap, a gap or a second currency leaves the contract as it was and says where.

pub mod terms;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::Serialize;

use super::batch::micros;
use super::{Progress, file_name};
use crate::app::App;
use crate::app::contract::contract_create_in_tx;
use crate::app::contract::draft::{pricing_save_in_tx, version_create_in_tx};
use crate::app::contract::prior::{lineage, priors_fill, version_before};
use crate::app::edit::{EditError, valid};
use crate::db::contract::{self as store, Contract, Version};
use crate::db::dialect::{bulk_writer_settings, import_lock, write_tx};
use crate::db::dimension::Dimensions;
use crate::db::import::{ImportCounts, NewImport, import_begin, import_end};
use crate::db::rate::table_cells;
use crate::db::setting::reporting_currency;
use crate::db::types::Instant;
use crate::db::{Db, DbError, currency_of};
use crate::domain::contract::{
    ContractFields, ContractStatus, ContractTerm, ContractVersionStatus, RenewalKind, VersionFields,
    VersionKind,
};
use crate::domain::geo::GeoSelector;
use crate::domain::guard::unguarded;
use crate::domain::lifecycle::VersionOptions;
use crate::domain::money::Micros;
use crate::domain::rate::cap::held_back;
use crate::domain::rate::form::{
    HEAD_FIELDS, PARAMETER_NAMES, head_write, parameter_rows, parameters_of_sheet,
};
use crate::domain::rate::{
    Axis, Columns, CompiledRates, Ends, Lane, Pricing, RateLine, RateParameters, RateTerms, Sheet,
    SheetBuilder, SheetRow, TableSeal, TermProblem, diff_summary,
};
use crate::domain::terms::Terms;
use crate::domain::viewer::Viewer;
use crate::domain::words;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{Field, ImportKind, rates as r};
use crate::feeds::mapping::{Compiled, Mapping, UnknownPartner};
use crate::feeds::rates::{PriceColumn, amount};
use crate::feeds::rejects::RejectWriter;
use crate::feeds::table::{Row, TableReader};
use crate::feeds::{FeedError, RowError};

/// Rows between two looks at the progress bar.
const PROGRESS_ROWS: u64 = 10_000;
/// Rejected rows told in the message itself; the file has them all.
const REJECTS_TOLD: usize = 5;
/// Problems told in the message; more of them tell nobody more.
const PROBLEMS_TOLD: usize = 20;
/// Changed cells told for each line of the report.
const CELLS_TOLD: usize = 3;
/// Days of notice of a contract made by an import; whoever signs it sets the real ones.
const NOTICE_DAYS: u32 = 30;

/// What to load, and where to.
#[derive(Debug)]
pub struct RatesRequest<'a> {
    /// The file.
    pub path: &'a Path,
    /// How its columns become rates.
    pub mapping: &'a Mapping,
    /// Who imports it, as the list of imports says.
    pub by: &'a str,
    /// Where rejected rows go; made only when there are any.
    pub rejects: PathBuf,
    /// Number of the contract.
    pub contract: &'a str,
    /// Code of the partner, for a contract that does not exist yet.
    pub partner: Option<&'a str>,
    /// The draft version meant; the open one when none.
    pub version: Option<i32>,
    /// Baseline, dispute window and price cap, as far as they are given.
    pub options: VersionOptions,
    /// Do everything, then take it back.
    pub dry_run: bool,
}

/// What a rate sheet changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RatesReport {
    /// Contract number.
    pub contract: String,
    /// The draft version it was loaded into.
    pub version: i32,
    /// The contract was made for it.
    pub contract_created: bool,
    /// The draft was made for it.
    pub version_created: bool,
    /// First day of the draft.
    pub valid_from: Option<NaiveDate>,
    /// The version it is compared with: the one in force, else the newest signed one.
    pub compared_with: Option<i32>,
    /// Rows read.
    pub rows_read: u64,
    /// Prices in the sheet.
    pub cells: usize,
    /// Its lanes.
    pub lanes: usize,
    /// What happened to each of its rate lines.
    pub lines: Vec<LineReport>,
    /// What it changes for the whole version, and what it does not say and so stays, in words.
    pub notes: Vec<String>,
    /// Nothing was kept.
    pub dry_run: bool,
}

/// What the sheet changes in one rate line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LineReport {
    /// Its code.
    pub code: String,
    /// Its first day.
    pub valid_from: Option<NaiveDate>,
    /// The compared version does not have it.
    pub new: bool,
    /// Cells only the sheet has.
    pub added: usize,
    /// Cells only the compared version has.
    pub removed: usize,
    /// Cells with another rate or minimum.
    pub changed: usize,
    /// Cells that are the same.
    pub same: usize,
    /// The largest changes in words.
    pub largest: Vec<String>,
    /// Cells that cost more than the price cap lets them; they are charged at what it lets them.
    pub over_cap: usize,
    /// The first of them in words.
    pub held: Vec<String>,
}

/// Why a rate sheet was not loaded. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum RatesError {
    /// The file or its mapping.
    #[error(transparent)]
    Feed(Box<FeedError>),
    /// The contract cannot take it.
    #[error(transparent)]
    Edit(EditError),
    /// The contract or its draft cannot be made as it would have to be.
    #[error("the contract cannot take these rates:\n{0}")]
    Invalid(Lines),
    /// Another import holds the lock.
    #[error("another import is running on this database; wait for it to finish and run this one again")]
    Busy,
    /// Rows that cannot be read.
    #[error("{file}: {count} of {read} rows cannot be read, so no rate was loaded; all of them are in {}, each with its reason:\n{first}", rejects.display())]
    Rejected {
        /// The sheet.
        file: String,
        /// How many.
        count: u64,
        /// Of how many.
        read: u64,
        /// Where they are.
        rejects: PathBuf,
        /// The first of them.
        first: Lines,
    },
    /// A sheet that is wrong as a whole.
    #[error("{file}: the sheet cannot be used, and no rate was loaded:\n{problems}")]
    Problems {
        /// The sheet.
        file: String,
        /// What is wrong, and where.
        problems: Lines,
    },
    /// No such contract.
    #[error(
        "there is no contract {0}; name a contract that exists, or add --partner CODE to make it with a draft version"
    )]
    NoContract(String),
    /// A contract of somebody else.
    #[error("contract {contract} is not with {partner}; leave --partner out or name another contract number")]
    OtherPartner {
        /// Contract.
        contract: String,
        /// Partner asked for.
        partner: String,
    },
    /// No such partner.
    #[error(
        "no partner has the code, name or alias `{0}`; import it first, or let the mapping create partners"
    )]
    NoPartner(String),
    /// No such version.
    #[error("contract {contract} has no version {version}")]
    NoVersion {
        /// Contract.
        contract: String,
        /// Version asked for.
        version: i32,
    },
    /// End of a dry run: the transaction is rolled back.
    #[error("dry run")]
    DryRun(Box<RatesReport>),
}

/// Sentences, one a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines(pub Vec<String>);

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
    }
}

impl From<FeedError> for RatesError {
    fn from(error: FeedError) -> Self {
        Self::Feed(Box::new(error))
    }
}

impl From<EditError> for RatesError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Invalid(fields) => Self::Invalid(Lines(
                fields.iter().map(|(field, message)| format!("{field}: {message}")).collect(),
            )),
            other => Self::Edit(other),
        }
    }
}

impl From<DbError> for RatesError {
    fn from(error: DbError) -> Self {
        Self::Edit(error.into())
    }
}

impl From<diesel::result::Error> for RatesError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Edit(error.into())
    }
}

/// Loads a rate sheet.
///
/// # Errors
/// [`RatesError`]; then nothing was changed.
pub fn rates_import(
    app: &App,
    viewer: &Viewer,
    request: &RatesRequest<'_>,
    progress: &dyn Fn(Progress),
) -> Result<RatesReport, RatesError> {
    let (sheet, rows_read) = read(request, progress)?;
    let Some(_lock) = import_lock(app.pool.url())? else { return Err(RatesError::Busy) };
    let mut db = app.pool.url().connect()?;
    bulk_writer_settings(&mut db)?;
    let load = Load { app, viewer, request, rows_read };
    let done = write_tx(&mut db, |db| {
        let report = load.run(db, sheet)?;
        if request.dry_run { Err(RatesError::DryRun(Box::new(report))) } else { Ok(report) }
    });
    match done {
        Err(RatesError::DryRun(report)) => Ok(*report),
        other => other,
    }
}

/// The file as a sheet, and its rows.
pub(in crate::app) fn read(
    request: &RatesRequest<'_>,
    progress: &dyn Fn(Progress),
) -> Result<(Sheet, u64), RatesError> {
    let mapping = request.mapping;
    let mut reader = TableReader::open(request.path, mapping.encoding.as_deref())?;
    let compiled = mapping.compile(reader.headers())?;
    let mut rejects = RejectWriter::new(&request.rejects, reader.headers())?;
    let mut sheet = SheetReader::new(mapping, &compiled, reader.headers())?;
    let places = compiled.places();
    let (mut row, mut fields) = (Row::new(), compiled.fields());
    let (mut read, mut first) = (0_u64, Vec::new());
    while reader.read_row(&mut row)? {
        read += 1;
        let taken = compiled.apply(&row, &mut fields).and_then(|()| sheet.take(&row, &fields));
        if let Err(error) = taken {
            let error = places.locate(&row, &error);
            if first.len() < REJECTS_TOLD {
                first.push(format!("row {}: {error}", row.number()));
            }
            rejects.reject(&row, &error)?;
        }
        if read.is_multiple_of(PROGRESS_ROWS) {
            progress(Progress {
                bytes_read: reader.bytes_read(),
                bytes_total: reader.bytes_total(),
                rows: read,
            });
        }
    }
    let (file, count) = (request.path.display().to_string(), rejects.count());
    if let Some(rejects) = rejects.finish()? {
        return Err(RatesError::Rejected { file, count, read, rejects, first: Lines(first) });
    }
    let sheet = sheet.builder.finish().map_err(|problems| refused(request, &problems))?;
    Ok((sheet, read))
}

fn refused(request: &RatesRequest<'_>, problems: &[TermProblem]) -> RatesError {
    let mut said: Vec<String> = problems.iter().take(PROBLEMS_TOLD).map(ToString::to_string).collect();
    if problems.len() > PROBLEMS_TOLD {
        said.push("and more".to_owned());
    }
    RatesError::Problems { file: request.path.display().to_string(), problems: Lines(said) }
}

/// Turns mapped rows into rows of a sheet.
struct SheetReader {
    builder: SheetBuilder,
    /// Fields of the ends of the first and second axis.
    first: Option<(Axis, Pair)>,
    second: Option<(Axis, Pair)>,
    columns: Option<Vec<PriceColumn>>,
    prices: Vec<(usize, Micros)>,
    /// Fields of the columns that say how a line rates, and how the whole version does.
    head: Vec<Field>,
    whole: Vec<Field>,
}

type Pair = (Field, Field);

impl SheetReader {
    fn new(mapping: &Mapping, compiled: &Compiled, headers: &[String]) -> Result<Self, RatesError> {
        let columns = mapping.rates.price_columns(&mapping.name, headers, compiled.ignored())?;
        if columns.is_none() && !compiled.fills(r::RATE) {
            return Err(RatesError::from(FeedError::MissingField {
                mapping: mapping.name.clone(),
                kind: "rates",
                field: "rate",
                columns: headers.join(", "),
            }));
        }
        // Weight comes first, which is what the deficit rule needs.
        let mut axes = [
            (Axis::Weight, (r::WEIGHT_FROM, r::WEIGHT_TO)),
            (Axis::Distance, (r::DISTANCE_FROM, r::DISTANCE_TO)),
            (Axis::Units, (r::UNITS_FROM, r::UNITS_TO)),
        ]
        .into_iter()
        .filter(|(_, (from, to))| compiled.fills(*from) || compiled.fills(*to));
        let (first, second) = (axes.next(), axes.next());
        if axes.next().is_some() {
            return Err(RatesError::from(FeedError::MappingSyntax {
                mapping: mapping.name.clone(),
                reason: "a rate table has bands over at most two of weight, distance and units".to_owned(),
            }));
        }
        let ends = |axis: Option<(Axis, Pair)>| {
            axis.map_or_else(Ends::default, |(axis, (from, to))| Ends {
                axis: Some(axis),
                lower: compiled.fills(from),
                upper: compiled.fills(to),
            })
        };
        let model = mapping.rates.model(compiled.fills(r::COLUMN));
        let lane_fields = [r::LANE, r::ORIGIN, r::DESTINATION, r::EQUIPMENT, r::SERVICE];
        // A sheet that names lines and no lane prices lanes the contract has.
        let makes_lanes =
            !compiled.fills(r::LINE) || lane_fields.into_iter().any(|field| compiled.fills(field));
        let builder = SheetBuilder::new(model, ends(first), ends(second), makes_lanes);
        let builder = if mapping.rates.says_edges() { builder } else { builder.leaving_edges() };
        let builder = if columns.is_some() { builder.across() } else { builder };
        let known = |names: &[&'static str]| -> Vec<(&'static str, Field)> {
            let field = |name: &&'static str| Some((*name, ImportKind::Rates.field(name)?));
            names.iter().filter_map(field).filter(|(_, field)| compiled.fills(*field)).collect()
        };
        let (head, whole) = (known(&HEAD_FIELDS), known(&PARAMETER_NAMES));
        let names = |found: &[(&'static str, Field)]| -> Vec<&'static str> {
            found.iter().map(|(name, _)| *name).collect()
        };
        let builder = builder.saying(Columns { head: names(&head), whole: names(&whole) });
        let fields =
            |found: Vec<(&str, Field)>| -> Vec<Field> { found.into_iter().map(|(_, field)| field).collect() };
        let (head, whole) = (fields(head), fields(whole));
        Ok(Self { builder, first, second, columns, prices: Vec::new(), head, whole })
    }

    fn take(&mut self, row: &Row, fields: &Fields) -> Result<(), RowError> {
        let text = |field| unguarded(fields.text(field).unwrap_or_default());
        let band = |axis: Option<(Axis, Pair)>| -> Result<(Option<Micros>, Option<Micros>), RowError> {
            let Some((_, (from, to))) = axis else { return Ok((None, None)) };
            Ok((micros(name(from), fields.decimal(from))?, micros(name(to), fields.decimal(to))?))
        };
        let said = |columns: &[Field]| columns.iter().map(|field| text(*field)).collect::<Vec<&str>>();
        let (head, whole) = (said(&self.head), said(&self.whole));
        let transit_days = fields.int(r::TRANSIT_DAYS).map(u16::try_from).transpose();
        let sheet_row = SheetRow {
            row: u32::try_from(row.number()).unwrap_or(u32::MAX),
            line: text(r::LINE),
            label: text(r::LABEL),
            lane: text(r::LANE),
            origin: text(r::ORIGIN),
            destination: text(r::DESTINATION),
            equipment: text(r::EQUIPMENT),
            service: text(r::SERVICE),
            transit_days: transit_days
                .map_err(|_| RowError::field("transit_days", "", "the number is too large"))?,
            valid_from: fields.day(r::VALID_FROM),
            valid_to: fields.day(r::VALID_TO),
            currency: text(r::CURRENCY),
            first: band(self.first)?,
            second: band(self.second)?,
            prior: micros("prior", fields.decimal(r::PRIOR))?,
            min: micros("min", fields.decimal(r::MIN))?,
            head: &head,
            whole: &whole,
        };
        let problem =
            |(field, value, reason): (&'static str, String, String)| RowError::field(field, &value, reason);
        let Some(columns) = &self.columns else {
            let rate = micros("rate", fields.decimal(r::RATE))?
                .ok_or_else(|| RowError::field("rate", "", "a value is required here and there is none"))?;
            return self.builder.push(&sheet_row, [(text(r::COLUMN), rate)]).map_err(problem);
        };
        self.prices.clear();
        for (column, number) in columns.iter().zip(0..) {
            let cell = row.get(column.at).unwrap_or_default();
            let wrong = |reason: &str| RowError::cell(&column.header, cell.trim(), reason);
            match amount(cell) {
                // A zone without a price in this row has none.
                Ok(None) => {}
                Ok(Some(rate)) if rate < Micros::ZERO => return Err(wrong("is below 0")),
                Ok(Some(rate)) => self.prices.push((number, rate)),
                Err(_) => return Err(wrong("is not an amount such as 12.50")),
            }
        }
        let prices = self
            .prices
            .iter()
            .filter_map(|(number, rate)| Some((columns.get(*number)?.name.as_str(), *rate)));
        self.builder.push(&sheet_row, prices).map_err(problem)
    }
}

fn name(field: Field) -> &'static str {
    ImportKind::Rates.spec(field).map_or("", |spec| spec.name)
}

/// A draft's terms with a sheet in them.
struct Merged {
    rates: RateTerms,
    /// The seal of each line whose table is stored already.
    kept: Vec<Option<TableSeal>>,
    /// For each line the rows of the file it came from.
    rows: Vec<Vec<u32>>,
    /// What the sheet does not say and stays as the contract has it, in words.
    notes: Vec<String>,
}

/// One load under way, inside its transaction.
struct Load<'a> {
    app: &'a App,
    viewer: &'a Viewer,
    request: &'a RatesRequest<'a>,
    rows_read: u64,
}

impl Load<'_> {
    fn run(&self, db: &mut Db, sheet: Sheet) -> Result<RatesReport, RatesError> {
        let (contract, contract_created) = self.contract(db, &sheet)?;
        let (version, version_created) = self.draft(db, &contract, &sheet)?;
        let terms = self.terms(db, version.id)?;
        let compared = self.compared(db, &contract, version.id)?;
        let mut report = RatesReport {
            contract: contract.number.clone(),
            version: version.version,
            contract_created,
            version_created: version_created || contract_created,
            valid_from: Some(version.valid_from.0),
            compared_with: compared.as_ref().map(|terms| terms.version_no),
            rows_read: self.rows_read,
            cells: sheet.lines.iter().map(|line| line.cells.len()).sum(),
            lanes: sheet.lanes.len(),
            lines: Vec::new(),
            notes: Vec::new(),
            dry_run: self.request.dry_run,
        };
        let sheet_keys: BTreeSet<LineKey> = sheet.lines.iter().map(key).collect();
        let accessorials = terms.rates;
        let was = terms.pricing.terms.parameters.clone();
        let Merged { mut rates, mut kept, rows, notes } =
            self.merge(db, terms.pricing, terms.partner_id, sheet)?;
        report.notes = whole_notes(&was, &rates.parameters);
        report.notes.extend(notes);
        valid(self.request.options.validate())?;
        self.request.options.set(&mut rates.parameters);
        rates.accessorials = accessorials;
        if let Some(before) = version_before(db, contract.id, version.version)? {
            let lineage = lineage(&before, &rates.lanes);
            for (line, _) in rates.lines.iter_mut().zip(&kept).filter(|(_, kept)| kept.is_none()) {
                priors_fill(db, &before, &lineage, line)?;
            }
        }
        CompiledRates::with_rows(&rates, &rows).map_err(|problems| refused(self.request, &problems))?;
        drop(rows);
        rates.accessorials = Vec::new();
        let cap = rates.parameters.price_cap;
        for (line, kept) in rates.lines.iter_mut().zip(&mut kept) {
            if kept.is_none() && sheet_keys.contains(&key(line)) {
                let (over_cap, held) = held_back(line, cap, CELLS_TOLD);
                let report_of = self.compare(db, compared.as_ref(), line, kept)?;
                report.lines.push(LineReport { over_cap, held, ..report_of });
            }
        }
        let detail = format!(
            "{} of {} into {} from {}",
            words::many(report.cells, "rate"),
            words::many(report.lines.len(), "line"),
            self.request.mapping.name,
            file_name(self.request.path)
        );
        pricing_save_in_tx(self.app, db, self.viewer, version.id, rates, kept, &detail)?;
        self.record(db, &report)?;
        Ok(report)
    }

    fn terms(&self, db: &mut Db, version_id: i64) -> Result<Terms, RatesError> {
        Ok(store::terms_load(db, self.viewer, version_id)?.ok_or(EditError::NotFound("contract version"))?)
    }

    /// The contract, made if it is missing and a partner is named.
    fn contract(&self, db: &mut Db, sheet: &Sheet) -> Result<(Contract, bool), RatesError> {
        let number = self.request.contract.trim();
        let found = store::contract_by_number(db, self.viewer, number)?;
        let Some(partner) = self.request.partner else {
            return found
                .map(|contract| (contract, false))
                .ok_or_else(|| RatesError::NoContract(number.to_owned()));
        };
        let now = self.app.now();
        let mut dimensions = Dimensions::load(db, &self.app.ids, now)?;
        let known = dimensions.partner(partner);
        if let Some(contract) = found {
            return if known == Some(contract.partner_id) {
                Ok((contract, false))
            } else {
                Err(RatesError::OtherPartner { contract: contract.number, partner: partner.to_owned() })
            };
        }
        let partner_id = match (known, self.request.mapping.unknown_partner) {
            (Some(id), _) => id,
            (None, UnknownPartner::Create) => dimensions.partner_create(db, partner, None)?,
            (None, UnknownPartner::Refuse) => return Err(RatesError::NoPartner(partner.to_owned())),
        };
        let currency = match sheet.lines.iter().find_map(|line| line.currency) {
            Some(currency) => currency,
            None => currency_of(&reporting_currency(db)?, "reporting currency")?,
        };
        let fields = ContractFields {
            number: number.to_owned(),
            title: format!("Rates of {partner}"),
            currency,
            term: ContractTerm {
                status: ContractStatus::Draft,
                term_start: sheet.first_day.unwrap_or(self.app.today(db)?),
                term_end: None,
                renewal: RenewalKind::Evergreen,
                renewal_months: None,
                notice_days: NOTICE_DAYS,
            },
        };
        let (id, _) = contract_create_in_tx(self.app, db, self.viewer, partner_id, &fields)?;
        let contract = store::contract_show(db, self.viewer, id)?.ok_or(EditError::NotFound("contract"))?;
        Ok((contract, true))
    }

    /// The draft the sheet goes into, started if there is none.
    fn draft(&self, db: &mut Db, contract: &Contract, sheet: &Sheet) -> Result<(Version, bool), RatesError> {
        store::contract_lock(db, contract.partner_id)?;
        let versions = store::version_list(db, self.viewer, contract.id)?;
        let is_draft = |version: &&Version| version.status == ContractVersionStatus::Draft.code();
        if let Some(wanted) = self.request.version {
            let found = versions.iter().find(|version| version.version == wanted);
            let missing = || RatesError::NoVersion { contract: contract.number.clone(), version: wanted };
            let version = found.ok_or_else(missing)?;
            return if is_draft(&version) {
                Ok((version.clone(), false))
            } else {
                Err(EditError::NotDraft { contract: contract.number.clone(), version_no: wanted }.into())
            };
        }
        if let Some(open) = versions.iter().find(is_draft) {
            return Ok((open.clone(), false));
        }
        let today = self.app.today(db)?;
        let newest = versions.iter().map(|version| version.valid_from.0).max();
        let earliest = newest.and_then(|day| day.succ_opt()).unwrap_or(today).max(contract.term.term_start);
        let fields = VersionFields {
            kind: VersionKind::RateUpdate,
            valid_from: sheet.first_day.unwrap_or(today).max(earliest),
            change_summary: format!("Rates from {}", file_name(self.request.path)),
        };
        let id = version_create_in_tx(self.app, db, self.viewer, contract.id, &fields)?;
        let version =
            store::version_show(db, self.viewer, id)?.ok_or(EditError::NotFound("contract version"))?;
        Ok((version, true))
    }

    /// The version the sheet is compared with: in force today, else the newest signed one.
    fn compared(&self, db: &mut Db, contract: &Contract, draft: i64) -> Result<Option<Terms>, RatesError> {
        let today = self.app.today(db)?;
        let mut newest = None;
        for version in store::version_list(db, self.viewer, contract.id)? {
            if version.id == draft || !version.state()?.binds() {
                continue;
            }
            let terms = self.terms(db, version.id)?;
            if terms.in_force(today) {
                return Ok(Some(terms));
            }
            newest = newest.or(Some(terms));
        }
        Ok(newest)
    }

    /// The draft's terms with the sheet in them: lines and lanes of the same name are replaced, others stay.
    fn merge(
        &self,
        db: &mut Db,
        pricing: Pricing,
        partner_id: i64,
        mut sheet: Sheet,
    ) -> Result<Merged, RatesError> {
        let Pricing { terms: mut rates, tables } = pricing;
        self.request.mapping.rates.apply(&mut rates.parameters);
        let whole = parameters_of_sheet(&sheet.whole, &rates.parameters);
        rates.parameters = whole.map_err(|problems| RatesError::Problems {
            file: self.request.path.display().to_string(),
            problems: Lines(problems.into_iter().map(|(name, why)| format!("{name}: {why}")).collect()),
        })?;
        let mut notes = Vec::new();
        let replaced: BTreeSet<LineKey> = sheet.lines.iter().map(key).collect();
        let before: BTreeSet<String> = rates.lines.iter().map(|line| line.code.clone()).collect();
        for line in &mut sheet.lines {
            let by_itself = head_write(line);
            if let Some(old) = former(&rates.lines.iter(), line, |old| old) {
                self.request.mapping.rates.keep(line, old, sheet.said);
                notes.extend(kept_note(line, &by_itself));
            }
        }
        let (mut kept, mut rows, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        for (mut line, seal) in std::mem::take(&mut rates.lines).into_iter().zip(tables) {
            if replaced.contains(&key(&line)) {
                continue;
            }
            line.cells = table_cells(db, self.viewer, partner_id, &seal)?;
            lines.push(line);
            kept.push(Some(seal));
            rows.push(Vec::new());
        }
        kept.resize(kept.len() + sheet.lines.len(), None);
        lines.extend(sheet.lines);
        rows.extend(sheet.rows);
        rates.lines = lines;
        let mut lanes: BTreeMap<String, Lane> =
            sheet.lanes.into_iter().map(|l| (l.code.clone(), l)).collect();
        for lane in &mut rates.lanes {
            if let Some(new) = lanes.remove(&lane.code) {
                *lane = new;
            }
        }
        rates.lanes.extend(lanes.into_values());
        // A new line no lane uses would price nothing; it prices everything instead.
        let used: BTreeSet<&str> = rates.lanes.iter().map(|lane| lane.line.as_str()).collect();
        let loose: BTreeSet<String> = replaced
            .into_iter()
            .map(|(code, _)| code)
            .filter(|code| !used.contains(code.as_str()) && !before.contains(code))
            .collect();
        rates.lanes.extend(loose.into_iter().map(|code| Lane {
            line: code.clone(),
            code,
            origin: GeoSelector::Any,
            destination: GeoSelector::Any,
            equipment: None,
            service: None,
            transit_business_days: None,
        }));
        Ok(Merged { rates, kept, rows, notes })
    }

    /// What the sheet changes in one line. A table with the same cells as the compared one is shared with it.
    fn compare(
        &self,
        db: &mut Db,
        compared: Option<&Terms>,
        line: &mut RateLine,
        kept: &mut Option<TableSeal>,
    ) -> Result<LineReport, RatesError> {
        let mut report =
            LineReport { code: line.code.clone(), valid_from: line.valid_from, ..LineReport::default() };
        let before = compared.and_then(|terms| {
            let both = terms.pricing.terms.lines.iter().zip(&terms.pricing.tables);
            former(&both, line, |(old, _)| old).map(|found| (terms.partner_id, found))
        });
        let Some((partner_id, (old, seal))) = before else {
            report.new = true;
            report.added = line.cells.len();
            return Ok(report);
        };
        let own = TableSeal::of(&mut line.cells);
        if own.sha256 == seal.sha256 && old.columns == line.columns {
            report.same = line.cells.len();
            *kept = Some(seal.clone());
            return Ok(report);
        }
        let old = RateLine { cells: table_cells(db, self.viewer, partner_id, seal)?, ..old.head() };
        let diff = diff_summary(&old, line, CELLS_TOLD);
        (report.added, report.removed) = (diff.added, diff.removed);
        (report.changed, report.same) = (diff.changed, diff.same);
        report.largest = diff.largest.iter().map(|c| c.text((line.first, line.second))).collect();
        Ok(report)
    }

    /// The run in the list of imports.
    fn record(&self, db: &mut Db, report: &RatesReport) -> Result<(), RatesError> {
        let changed: usize = report.lines.iter().map(|line| line.changed).sum();
        let same: usize = report.lines.iter().map(|line| line.same).sum();
        let added: usize = report.lines.iter().map(|line| line.added).sum();
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let now = Instant(self.app.now());
        let import = NewImport {
            id: self.app.id(),
            kind: ImportKind::Rates.code(),
            file_name: file_name(self.request.path),
            mapping: &self.request.mapping.name,
            started_at: now,
            imported_by: self.request.by,
        };
        import_begin(db, &import)?;
        let counts = ImportCounts {
            rows_read: i64::try_from(report.rows_read).unwrap_or(i64::MAX),
            rows_new: count(added),
            rows_changed: count(changed),
            rows_same: count(same),
            rows_rejected: 0,
        };
        import_end(db, import.id, Some(counts), now)?;
        Ok(())
    }
}

/// How a sheet without the columns for it leaves a line, where that is not as the sheet by itself would have it.
fn kept_note(line: &RateLine, by_itself: &[String]) -> Option<String> {
    let all = HEAD_FIELDS.iter().zip(head_write(line)).zip(by_itself);
    let kept: Vec<String> = all
        .filter(|((_, now), own)| now != *own)
        .map(|((name, now), _)| {
            format!("{} {}", name.replace('_', " "), if now.is_empty() { "none" } else { now.as_str() })
        })
        .collect();
    (!kept.is_empty()).then(|| {
        format!(
            "{}: the sheet does not say all of how the line rates, so it stays as the contract has it: {}",
            line.code,
            kept.join(", ")
        )
    })
}

/// What changes for the whole version, in words.
fn whole_notes(was: &RateParameters, now: &RateParameters) -> Vec<String> {
    let before = parameter_rows(was);
    let changed = parameter_rows(now).into_iter().filter(|row| !before.contains(row));
    changed
        .map(|(what, how)| {
            let old = before.iter().find(|(name, _)| *name == what).map_or("none", |(_, how)| how.as_str());
            format!("for the whole version, {}: {old} → {how}", what.to_lowercase())
        })
        .collect()
}

/// Of `all` the one whose line `line` takes the place of: the same code and first day, else the newest of the code.
fn former<'l, T: Copy>(
    all: &(impl Iterator<Item = T> + Clone),
    line: &RateLine,
    head: impl Fn(T) -> &'l RateLine,
) -> Option<T> {
    let of_code = || all.clone().filter(|one| head(*one).code == line.code);
    let exact = of_code().find(|one| head(*one).valid_from == line.valid_from);
    exact.or_else(|| of_code().max_by_key(|one| head(*one).valid_from))
}

/// What makes two lines the same one: code and first day.
type LineKey = (String, Option<NaiveDate>);

fn key(line: &RateLine) -> LineKey {
    (line.code.clone(), line.valid_from)
}
