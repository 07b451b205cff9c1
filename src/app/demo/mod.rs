//! The demo: a believable network with a fixed seed, written as csv files in the import's own columns.
//!
//! `lanemark demo` loads these files through the same import as everybody, so what it shows is what a
//! user's own files would show. Everything is rolled in whole numbers from [`SEED`]: the same program
//! writes the same bytes on every machine. Reading order: `network` (who carries what where), `season`
//! (when), `tenders`, `shipments` and `money` (what happened), `table` (how it is written).

mod agreements;
mod beside;
mod books;
mod build;
mod dice;
mod happened;
mod invoices;
mod items;
mod money;
mod network;
mod people;
mod quality;
mod rates;
mod season;
mod shipments;
mod table;
mod talk;
mod tenders;

use std::path::{Path, PathBuf};

use crate::app::edit::EditError;
use crate::app::import::ImportError;
use crate::app::user::UserError;
use crate::db::DbError;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};

pub use books::keep_books;
pub use build::{Standing, build, clock, mark_whole, standing};
use dice::Dice;
pub use network::{COSTLY, DECLINING, IMPROVING, SILENT, SLIPPING, STRONG_LAST_MILE, TINY, UNCHANGED};
use network::{LANES, Lane, PARTNERS, Partner, partner_of};
pub use people::{SignIn, sign_ins};
use season::{Calendars, date, weekday_share, weekly_hundredths};
use shipments::{Load, Maker};
use table::{Column, Table};
pub use talk::talk;

/// The seed of everything in the demo.
pub const SEED: u64 = 20_260_708;
/// Changes when the same seed gives other files, so that an older demo database is not taken for this one.
pub const GENERATION: u32 = 6;
/// The day on which the demo stands still.
const AS_OF_DAY: (i32, u32, u32) = (2026, 7, 8);
/// Its time of day, hours UTC.
const AS_OF_HOUR: u32 = 6;
/// First day of pickups: fifteen months and a few days back. Its loads are offered from the first of the
/// month on, so that no earlier month has a scorecard of tenders alone.
const FIRST_DAY: (i32, u32, u32) = (2025, 4, 4);
/// Days after the as-of day on which pickups are booked already.
const BOOKED_DAYS: u64 = 3;
/// Weeks of capacity commitments kept from before the as-of week, and after it.
const CAPACITY_WEEKS: (u64, u64) = (26, 14);

/// Why the demo could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file could not be written.
    #[error("cannot write {}: {source}; free some space there or choose another folder with --keep-files", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The database holds something else.
    #[error(
        "{database} is no demo database and stays as it is; name another one with --database, such as sqlite://lanemark-demo.db"
    )]
    NotDemo {
        /// Its address.
        database: String,
    },
    /// The database holds the demo of another version or size.
    #[error(
        "{database} holds another demo ({found}; this one is {ours}); remove it, or name another one with --database"
    )]
    OtherDemo {
        /// Its address.
        database: String,
        /// What it says it holds.
        found: String,
        /// What was asked for.
        ours: String,
    },
    /// A file is of no kind that can be imported.
    #[error("`{0}` is no kind of import")]
    Kind(&'static str),
    /// A file did not load.
    #[error(transparent)]
    Import(#[from] Box<ImportError>),
    /// Rows of our own were refused.
    #[error("the import refused {rows} of the demo's {kind}; see {}", file.display())]
    Rejected {
        /// The kind of file.
        kind: &'static str,
        /// How many rows.
        rows: u64,
        /// Where the reasons are.
        file: PathBuf,
    },
    /// A user was not added.
    #[error("a user of the demo was not added: {0}")]
    User(#[from] UserError),
    /// A contract was not drawn up, or a charge code not mapped.
    #[error("a contract or charge code of the demo was not settled: {0}")]
    Contract(#[from] EditError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// How much of the network is generated, in per cent of its loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub i64);

impl Size {
    /// The whole: more than 200,000 shipments.
    pub const WHOLE: Self = Self(100);
}

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoFile {
    /// The kind to import it as, in the words of the command line.
    pub kind: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// Records in it.
    pub rows: u64,
}

/// The instant at which the demo stands still: 2026-07-08 06:00 UTC.
#[must_use]
pub fn as_of() -> DateTime<Utc> {
    date(AS_OF_DAY).and_hms_opt(AS_OF_HOUR, 0, 0).unwrap_or_default().and_utc()
}

/// First day of the history.
#[must_use]
pub fn first_day() -> NaiveDate {
    date(FIRST_DAY)
}

/// Writes the files into `folder`, in the order in which they are imported.
///
/// # Errors
/// [`DemoError::File`] with the file that could not be written.
pub fn write_files(folder: &Path, size: Size) -> Result<Vec<DemoFile>, DemoError> {
    std::fs::create_dir_all(folder).map_err(|source| DemoError::File { path: folder.to_owned(), source })?;
    let mut files = vec![
        listed(folder, "partners", PARTNER_COLUMNS, PARTNERS.iter())?,
        listed(folder, "lanes", LANE_COLUMNS, LANES.iter())?,
    ];
    files.extend(write_traffic(folder, size)?);
    files.insert(4, listed(folder, "capacity", CAPACITY_COLUMNS, commitments(size).iter())?);
    files.push(listed(folder, "safety", beside::SAFETY_COLUMNS, beside::safety().iter())?);
    files.push(listed(folder, "benchmarks", beside::BENCHMARK_COLUMNS, beside::benchmarks().iter())?);
    files.push(listed(folder, "fuel", rates::FUEL_COLUMNS, rates::fuel_prices().iter())?);
    Ok(files)
}

fn days() -> (NaiveDate, NaiveDate) {
    let last = date(AS_OF_DAY).checked_add_days(Days::new(BOOKED_DAYS)).unwrap_or_default();
    (date(FIRST_DAY), last)
}

fn listed<'a, R: 'static>(
    folder: &Path,
    kind: &'static str,
    columns: &'static [Column<R>],
    records: impl Iterator<Item = &'a R>,
) -> Result<DemoFile, DemoError> {
    let mut table = Table::create(folder, &format!("{kind}.csv"), columns, days())?;
    for record in records {
        table.row(record)?;
    }
    finish(kind, table)
}

fn finish<R>(kind: &'static str, table: Table<R>) -> Result<DemoFile, DemoError> {
    let (path, rows) = table.finish()?;
    Ok(DemoFile { kind, path, rows })
}

/// Shipments, tenders, charges, accessorial events, invoices, claims and cases, day by day, and the appointments that were
/// changed later.
fn write_traffic(folder: &Path, size: Size) -> Result<[DemoFile; 8], DemoError> {
    let (first, last) = days();
    let columns = [shipments::COLUMNS, quality::COLUMNS].concat();
    let mut shipments = Table::create(folder, "shipments.csv", &columns, (first, last))?;
    let mut moved = Table::create(folder, "appointments.csv", &columns, (first, last))?;
    let mut tenders = Table::create(folder, "tenders.csv", tenders::COLUMNS, (first, last))?;
    let mut charges = Table::create(folder, "charges.csv", money::COLUMNS, (first, last))?;
    let mut happened = Table::create(folder, "accessorials.csv", happened::COLUMNS, (first, last))?;
    let mut bills = Table::create(folder, "invoices.csv", invoices::COLUMNS, (first, last))?;
    let mut claims = Table::create(folder, "claims.csv", beside::CLAIM_COLUMNS, (first, last))?;
    let mut cases = Table::create(folder, "cases.csv", beside::CASE_COLUMNS, (first, last))?;
    let maker = Maker { calendars: Calendars::new(), as_of: as_of().timestamp() / 60 };
    let mut streams: Vec<(&'static Lane, Dice)> =
        LANES.iter().zip(1_u64..).map(|(lane, stream)| (lane, Dice::new(SEED, stream))).collect();
    let mut number = 0_u64;
    let mut offers = Vec::new();
    for day in first.iter_days().take_while(|day| *day <= last) {
        for (lane, dice) in &mut streams {
            for _ in 0..loads_on(lane, day, size, &maker.calendars, dice) {
                number += 1;
                let load = Load::roll(lane, reference(lane, number), day, dice);
                let carrier = carrier_of(&load, maker.as_of, dice, &mut offers);
                for tender in offers.drain(..) {
                    tenders.row(&tender)?;
                }
                let Some(carrier) = carrier else { continue };
                let mut shipment = maker.ship(load, carrier, dice);
                if let Some(event) = happened::of(&shipment, lane, number, day) {
                    happened.row(&event)?;
                }
                let billed = shipment
                    .cost
                    .map(|cost| if carrier.code == COSTLY { cost.by_own_tariff(lane) } else { cost });
                for line in invoices::of(&shipment, lane, billed) {
                    bills.row(&line)?;
                }
                if carrier.code == COSTLY {
                    // This partner's invoices come line by line.
                    for line in shipment.cost.take().into_iter().flat_map(|cost| {
                        cost.by_own_tariff(lane).lines(carrier.code, &shipment.reference, day)
                    }) {
                        charges.row(&line)?;
                    }
                }
                shipments.row(&shipment)?;
                if let Some(claim) = beside::claim(&shipment) {
                    claims.row(&claim)?;
                }
                if let Some(case) = beside::case(&shipment) {
                    cases.row(&case)?;
                }
                if let Some(again) = shipment.moved(number) {
                    moved.row(&again)?;
                }
            }
        }
    }
    Ok([
        finish("shipments", shipments)?,
        finish("tenders", tenders)?,
        finish("charges", charges)?,
        finish("shipments", moved)?,
        finish("accessorials", happened)?,
        finish("invoices", bills)?,
        finish("claims", claims)?,
        finish("cases", cases)?,
    ])
}

fn reference(lane: &Lane, number: u64) -> String {
    let prefix = match lane.mode {
        network::Mode::Truckload => "TL",
        network::Mode::Ltl => "LT",
        network::Mode::Parcel => "PX",
        network::Mode::LastMile => "LM",
    };
    format!("{prefix}{number:07}")
}

/// How many loads a lane has on a day.
fn loads_on(lane: &Lane, day: NaiveDate, size: Size, calendars: &Calendars, dice: &mut Dice) -> i64 {
    if !calendars.of(lane.mode).is_open(day) {
        return 0;
    }
    let wanted = weekly_hundredths(lane, day, date(FIRST_DAY)) * weekday_share(lane.mode, day) / dice::WHOLE;
    let hundredths = dice.around(wanted, 22) * size.0 / 100;
    hundredths / 100 + i64::from(dice.chance(hundredths % 100 * 100))
}

fn carrier_of(
    load: &Load,
    as_of: i64,
    dice: &mut Dice,
    offers: &mut Vec<tenders::Tender>,
) -> Option<&'static Partner> {
    if !load.lane.mode.is_tendered() {
        return tenders::in_turn(load.lane, load.day, dice).into_iter().next();
    }
    let offer = tenders::Offer {
        reference: &load.reference,
        lane: load.lane,
        service: load.service,
        day: load.day,
        pickup_at: load.pickup_window.0,
        as_of,
    };
    offer.ask_around(dice, offers)
}

const PARTNER_COLUMNS: &[Column<Partner>] = &[
    ("code", |p, c| c.text(p.code)),
    ("name", |p, c| c.text(p.name)),
    ("alias", |p, c| c.text(p.alias)),
    ("mode", |p, c| c.text(p.mode)),
    ("contact_name", |p, c| c.text(p.contact)),
    ("contact_email", |p, c| c.text(&p.email())),
    ("review_cadence", |p, c| c.text(p.cadence)),
];

const LANE_COLUMNS: &[Column<Lane>] = &[
    ("code", |l, c| c.text(l.code)),
    ("origin", |l, c| c.text(&l.origin_text())),
    ("destination", |l, c| c.text(&l.destination_text())),
    ("origin_region", |l, c| c.text(l.origin.region)),
    ("region", |l, c| c.text(l.destination.region)),
    ("distance_km", |l, c| c.number(l.km)),
];

/// Loads a partner promised for a lane and week.
struct Commitment {
    partner: &'static Partner,
    lane: &'static Lane,
    week: NaiveDate,
    base_units: i64,
    surge_percent: i64,
    unit_cost: i64,
}

const CAPACITY_COLUMNS: &[Column<Commitment>] = &[
    ("partner", |r, c| c.text(r.partner.code)),
    ("lane", |r, c| c.text(r.lane.code)),
    ("week", |r, c| c.day(r.week)),
    ("base_units", |r, c| c.number(r.base_units)),
    ("surge_percent", |r, c| c.number(r.surge_percent)),
    ("unit_cost", |r, c| c.cents(r.unit_cost)),
    ("currency", |_, c| c.text("USD")),
];

/// What was committed: about the expected loads, a little more where a lane is calm and too little
/// where it grows fast, so that the plan has something to say.
fn commitments(size: Size) -> Vec<Commitment> {
    let today = date(AS_OF_DAY);
    let back = u64::from(today.weekday().num_days_from_monday()) + 7 * CAPACITY_WEEKS.0;
    let Some(first) = today.checked_sub_days(Days::new(back)) else { return Vec::new() };
    let mut dice = Dice::new(SEED, 0);
    let mut all = Vec::new();
    for lane in &LANES {
        // Agreed once a year, so that growth since then is not covered.
        let agreed = weekly_hundredths(lane, first, date(FIRST_DAY)) * size.0 / 100;
        for (code, share) in lane.carriers {
            let Some(partner) = partner_of(code) else { continue };
            let base_units = dice.around(agreed * share * 106 / 1_000_000, 6).max(1);
            let surge_percent = dice.between(2, 6) * 5;
            let weeks = (0..CAPACITY_WEEKS.0 + CAPACITY_WEEKS.1)
                .filter_map(|week| first.checked_add_days(Days::new(7 * week)))
                .filter(|week| partner.since.is_none_or(|since| date(since) <= *week));
            all.extend(weeks.map(|week| Commitment {
                partner,
                lane,
                week,
                base_units,
                surge_percent,
                unit_cost: money::planned_cost(lane, &partner.conduct, week),
            }));
        }
    }
    all
}

#[cfg(test)]
mod tests;
