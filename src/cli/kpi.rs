//! `lanemark kpi KPI --by DIMENSION --period P`

use std::process::ExitCode;

use clap::Args;
use rust_decimal::Decimal;
use serde::Serialize;

use lanemark::app::kpi::{Dimension, KpiLine, kpi_by};
use lanemark::app::refresh::waiting_days;
use lanemark::domain::kpi::{Kpi, KpiValue};
use lanemark::domain::period::Period;
use lanemark::domain::viewer::Viewer;
use lanemark::domain::words;

use super::Session;
use super::output::{NO_DATA, print};

/// Arguments of `kpi`.
#[derive(Args)]
pub struct KpiArguments {
    /// A KPI of the catalogue, such as OTD_WIN.
    #[arg(value_parser = kpi)]
    kpi: Kpi,
    /// What to group by.
    #[arg(long, value_enum, default_value_t = Dimension::Partner)]
    by: Dimension,
    /// A week (2025-W26), month (2025-06), quarter (2025-Q2) or year (2025); everything without it.
    #[arg(long, value_parser = super::period)]
    period: Option<Period>,
}

fn kpi(text: &str) -> Result<Kpi, String> {
    text.parse().map_err(|error: lanemark::domain::kpi::UnknownKpi| error.to_string())
}

/// One line of the answer. Rates are fractions as decimal strings, null where there is no data.
#[derive(Serialize)]
struct Line {
    key: String,
    kpi: Kpi,
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

/// Prints the KPI.
pub fn run(session: &Session, arguments: &KpiArguments) -> anyhow::Result<ExitCode> {
    let mut db = session.app.pool.get()?;
    let lines = kpi_by(&mut db, &Viewer::system(), arguments.kpi, arguments.by, arguments.period)?;
    let lines: Vec<Line> = lines.into_iter().map(|line| line_of(line, arguments.period)).collect();
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
        kpi,
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
