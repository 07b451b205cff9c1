//! `lanemark kpi KPI --by DIMENSION --period P`, `lanemark kpi --list`

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use rust_decimal::Decimal;
use serde::Serialize;

use lanemark::app::kpi::{Dimension, KpiLine, OwnLine, kpi_by, own_by};
use lanemark::app::own_kpi::{library, own_plan};
use lanemark::app::refresh::waiting_days;
use lanemark::db::Db;
use lanemark::domain::formula::{OwnValue, better_words};
use lanemark::domain::kpi::{Kpi, KpiValue, UnknownKpi};
use lanemark::domain::nearest::suggestion;
use lanemark::domain::period::Period;
use lanemark::domain::scorecard::DEFINITIONS_VERSION;
use lanemark::domain::signal::Better;
use lanemark::domain::viewer::Viewer;
use lanemark::domain::words;

use super::Session;
use super::output::{NO_DATA, print};

/// Arguments of `kpi`.
#[derive(Args)]
pub struct KpiArguments {
    /// A KPI of the catalogue, such as OTD_WIN, or one of your own.
    #[arg(required_unless_present = "list")]
    kpi: Option<String>,
    /// List every KPI with its formula instead.
    #[arg(long, conflicts_with_all = ["kpi", "by", "period"])]
    list: bool,
    /// What to group by.
    #[arg(long, value_enum, default_value_t = Dimension::Partner)]
    by: Dimension,
    /// A week (2025-W26), month (2025-06), quarter (2025-Q2) or year (2025); everything without it.
    #[arg(long, value_parser = super::period)]
    period: Option<Period>,
}

/// One line of the answer. Rates are fractions as decimal strings, null where there is no data.
#[derive(Serialize)]
struct Line {
    key: String,
    kpi: String,
    /// The version of the definition it was computed by.
    version: String,
    period: Option<Period>,
    period_basis: &'static str,
    numerator: Number,
    denominator: Number,
    gross: Option<Decimal>,
    net: Option<Decimal>,
    low: Option<Decimal>,
    high: Option<Decimal>,
    n: i64,
    excused: i64,
    no_evidence: i64,
    no_baseline: i64,
    pending: i64,
}

/// A count is a JSON number; money and durations are decimal strings.
#[derive(Serialize)]
#[serde(untagged)]
enum Number {
    Count(i64),
    Exact(Decimal),
}

impl Number {
    fn of(value: Decimal) -> Self {
        use rust_decimal::prelude::ToPrimitive;
        if value.is_integer() {
            value.to_i64().map_or(Self::Exact(value), Self::Count)
        } else {
            Self::Exact(value)
        }
    }
}

/// One KPI of `--list`.
#[derive(Serialize)]
struct Listed {
    kpi: String,
    name: String,
    /// `catalogue` or `own`.
    origin: &'static str,
    version: String,
    better: &'static str,
    formula: String,
}

/// Prints the KPI.
pub fn run(session: &Session, arguments: &KpiArguments) -> anyhow::Result<ExitCode> {
    let mut db = session.app.pool.get()?;
    let Some(code) = arguments.kpi.as_deref().filter(|_| !arguments.list) else {
        return list(session, &mut db);
    };
    let lines = lines(&mut db, code, arguments)?;
    match waiting_days(&mut db)? {
        0 => {}
        days => eprintln!(
            "note: the facts of {} wait to be summed and are not in these figures; run `lanemark job run refresh-measures`",
            words::many(days, "day")
        ),
    }
    let header = [
        "key",
        "numerator",
        "denominator",
        "gross",
        "net",
        "low",
        "high",
        "excused",
        "no evidence",
        "no baseline",
    ];
    print(session.format, &lines, &header, |line| {
        vec![
            line.key.clone(),
            shown(&line.numerator),
            shown(&line.denominator),
            rate(line.gross),
            rate(line.net),
            rate(line.low),
            rate(line.high),
            line.excused.to_string(),
            line.no_evidence.to_string(),
            line.no_baseline.to_string(),
        ]
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The lines of a KPI of the catalogue, else of an own one.
fn lines(db: &mut Db, code: &str, arguments: &KpiArguments) -> anyhow::Result<Vec<Line>> {
    let (viewer, by, period) = (Viewer::system(), arguments.by, arguments.period);
    if let Ok(kpi) = code.parse::<Kpi>() {
        let lines = kpi_by(db, &viewer, kpi, by, period)?;
        return Ok(lines.into_iter().map(|line| line_of(line, period)).collect());
    }
    let own = code.trim().to_uppercase();
    let Some(plan) = own_plan(db, &own)? else {
        let known = library(db)?;
        if known.get(&own).is_some() {
            bail!("`{own}` was retired; `lanemark kpi --list` shows the KPIs in use");
        }
        let codes = Kpi::ALL.map(Kpi::code);
        let near = suggestion(&own, codes.into_iter().chain(known.codes()));
        bail!("{}, or one of your own{near}; `lanemark kpi --list` shows all", UnknownKpi(code.to_owned()));
    };
    let lines = own_by(db, &viewer, &plan, by, period)?;
    for line in &lines {
        if let Some(fault) = &line.value.fault {
            eprintln!("note: {}: {}", line.key, fault.words());
        }
    }
    Ok(lines.into_iter().map(|line| own_line(line, period)).collect())
}

fn list(session: &Session, db: &mut Db) -> anyhow::Result<ExitCode> {
    let catalogue = Kpi::ALL.into_iter().map(|kpi| {
        let definition = kpi.definition();
        Listed {
            kpi: definition.code.to_owned(),
            name: definition.name.to_owned(),
            origin: "catalogue",
            version: DEFINITIONS_VERSION.to_owned(),
            better: match definition.better {
                Some(Better::Higher) => better_words(Better::Higher),
                Some(Better::Lower) => better_words(Better::Lower),
                None => "for information",
            },
            formula: definition.formula.to_owned(),
        }
    });
    let library = library(db)?;
    let own = library.kpis().filter(|kpi| !kpi.retired).map(|kpi| Listed {
        kpi: kpi.code.clone(),
        name: kpi.name.clone(),
        origin: "own",
        version: kpi.version.to_string(),
        better: better_words(kpi.better),
        formula: kpi.formula.clone(),
    });
    let all: Vec<Listed> = catalogue.chain(own).collect();
    let header = ["kpi", "name", "origin", "version", "better", "formula"];
    print(session.format, &all, &header, |kpi| {
        vec![
            kpi.kpi.clone(),
            kpi.name.clone(),
            kpi.origin.to_owned(),
            kpi.version.clone(),
            kpi.better.to_owned(),
            kpi.formula.clone(),
        ]
    })?;
    Ok(ExitCode::SUCCESS)
}

fn line_of(line: KpiLine, period: Option<Period>) -> Line {
    let KpiValue {
        kpi,
        numerator,
        denominator,
        gross,
        net,
        low,
        high,
        n,
        excused,
        no_evidence,
        no_baseline,
        pending,
    } = line.value;
    Line {
        key: line.key,
        kpi: kpi.code().to_owned(),
        version: DEFINITIONS_VERSION.to_owned(),
        period,
        period_basis: "obligation",
        numerator: Number::of(numerator),
        denominator: Number::of(denominator),
        gross,
        net,
        low,
        high,
        n,
        excused,
        no_evidence,
        no_baseline,
        pending,
    }
}

fn own_line(line: OwnLine, period: Option<Period>) -> Line {
    let OwnValue {
        code,
        version,
        numerator,
        denominator,
        gross,
        net,
        low,
        high,
        n,
        excused,
        no_evidence,
        no_baseline,
        pending,
        coverage: _,
        fault: _,
    } = line.value;
    Line {
        key: line.key,
        kpi: code,
        version: version.to_string(),
        period,
        period_basis: "obligation",
        numerator: Number::of(numerator),
        denominator: Number::of(denominator),
        gross,
        net,
        low,
        high,
        n,
        excused,
        no_evidence,
        no_baseline,
        pending,
    }
}

fn shown(number: &Number) -> String {
    match number {
        Number::Count(count) => count.to_string(),
        Number::Exact(value) => value.to_string(),
    }
}

fn rate(value: Option<Decimal>) -> String {
    // As many as the bounds of the interval have, so that all can be compared by eye.
    const PLACES: u32 = 6;
    value.map_or_else(|| NO_DATA.to_owned(), |value| words::fixed(value, PLACES))
}
