//! A period of history under other versions of a contract: what it would have cost, and why.

use actix_web::{HttpResponse, web};
use askama::Template;
use rust_decimal::Decimal;

use crate::app::backtest::{BacktestError, BacktestReport, BacktestRequest, Named, Shown, backtest};
use crate::app::contract::contract_show;
use crate::domain::backtest::percent;
use crate::domain::period::{Period, PeriodKind};
use crate::report::chart::{Line, LineText, line_chart};
use crate::report::sheet::csv;
use crate::web::download::download_csv;
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Shipments a page replays while its reader waits; the command line has no such limit.
const SHIPMENTS_MAX: u64 = 200_000;
/// Lanes listed, those that change most; the download has them all.
const LANES_SHOWN: usize = 50;

/// What one version comes to: its heading, and group, in force, version, difference, causes, counts.
struct VersionTable {
    id: String,
    heading: String,
    rows: Vec<[String; 12]>,
}

struct Outcome {
    summary: String,
    chart: String,
    tables: Vec<VersionTable>,
    download: String,
    more_lanes: usize,
}

#[derive(Template)]
#[template(path = "contract/backtest.html")]
struct BacktestPage {
    page: Page,
    contract_id: i64,
    number: String,
    /// Number, words, chosen.
    versions: Vec<(i32, String, bool)>,
    period: String,
    increase: String,
    error: Option<String>,
    outcome: Option<Outcome>,
}

/// `GET /contracts/{id}/backtest?version=2&version=3&period=2025-Q2&increase=5.9`
pub(in crate::web) async fn show(
    me: SignedIn,
    id: web::Path<i64>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let (id, pairs) = (id.into_inner(), query.into_inner());
    let asked = Form::filled(pairs.clone());
    let given = asked.clone();
    let (found, answer) = me
        .in_db(move |unit| {
            let found = contract_show(unit.app, unit.db, unit.viewer, id, None)?;
            let answer = if given.value("period").is_empty() {
                None
            } else {
                Some(match request(&given) {
                    Err(wrong) => Err(wrong),
                    Ok((versions, period, increase)) => {
                        let request = BacktestRequest {
                            contract: &found.contract.number,
                            versions: &versions,
                            period,
                            increase,
                            shipments_max: Some(SHIPMENTS_MAX),
                        };
                        match backtest(unit.app, unit.db, unit.viewer, &request, |_, _| ()) {
                            Ok(report) => Ok(report),
                            Err(BacktestError::Db(error)) => return Err(WebError::from(error)),
                            Err(error) => Err(error.to_string()),
                        }
                    }
                })
            };
            Ok::<_, WebError>((found, answer))
        })
        .await?;
    let number = found.contract.number.clone();
    if let (Some(Ok(report)), true) = (&answer, asked.is("as", "csv")) {
        return download_csv(&format!("backtest-{number}-{}.csv", report.period), table_csv(report));
    }
    let period = match asked.value("period") {
        "" => Period::containing(PeriodKind::Quarter, found.today).previous().to_string(),
        text => text.to_owned(),
    };
    let versions = found.versions.iter().map(|line| {
        let version = &line.version;
        let state = if line.in_force { "in force".to_owned() } else { version.status.to_lowercase() };
        let words = format!("Version {}, {state}, from {}", version.version, show::day(version.valid_from.0));
        let chosen = asked.all("version").any(|number| number == version.version.to_string());
        (version.version, words, chosen)
    });
    let (outcome, error) = match answer {
        None => (None, None),
        Some(Err(error)) => (None, Some(error)),
        Some(Ok(report)) => (Some(outcome(id, &report, &pairs)), None),
    };
    page::html(&BacktestPage {
        page: me.page(format!("Backtest of {number}")),
        contract_id: id,
        versions: versions.collect(),
        period,
        increase: asked.value("increase").to_owned(),
        number,
        error,
        outcome,
    })
}

type Asked = (Vec<i32>, Period, Option<crate::domain::money::Bps>);

fn request(asked: &Form) -> Result<Asked, String> {
    let period = asked.value("period").parse::<Period>().map_err(|error| error.to_string())?;
    let increase = match asked.value("increase") {
        "" => None,
        text => Some(percent(text)?),
    };
    let versions = asked.all("version").map(|text| text.parse::<i32>().map_err(|_| text));
    let versions = versions.collect::<Result<_, _>>().map_err(|text| format!("`{text}` is no version"))?;
    Ok((versions, period, increase))
}

fn size(text: &str) -> Decimal {
    text.parse::<Decimal>().unwrap_or_default().abs()
}

fn amount(text: &str) -> String {
    text.parse::<Decimal>().map_or_else(|_| text.to_owned(), |value| show::decimal(value, value.scale()))
}

fn outcome(id: i64, report: &BacktestReport, pairs: &[(String, String)]) -> Outcome {
    let mut lanes: Vec<&Named> = report.lanes.iter().collect();
    let most = |named: &&Named| named.sums.versions.iter().map(|version| size(&version.difference)).max();
    lanes.sort_by_key(|named| std::cmp::Reverse(most(named)));
    let increase = report
        .increase_percent
        .as_ref()
        .map_or_else(String::new, |by| format!(" Table rates are {by} % higher than written."));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter(|(name, _)| name != "as")).append_pair("as", "csv");
    Outcome {
        summary: format!(
            "{} shipments due in {}, amounts in {}, tax included, with the fuel prices and exchange rates known at {}.{increase}",
            show::count(i64::try_from(report.shipments).unwrap_or(i64::MAX)),
            report.period,
            report.currency,
            show::instant(report.known_at),
        ),
        chart: chart(report),
        tables: (0..report.versions.len()).map(|number| table(report, &lanes, number)).collect(),
        download: format!("/contracts/{id}/backtest?{}", query.finish()),
        more_lanes: lanes.len().saturating_sub(LANES_SHOWN),
    }
}

fn chart(report: &BacktestReport) -> String {
    let labels: Vec<&str> = report.months.iter().map(|month| month.name.as_str()).collect();
    let value = |text: &str| text.parse::<Decimal>().ok();
    let was = Line {
        name: "In force".to_owned(),
        note: String::new(),
        values: report.months.iter().map(|month| value(&month.sums.in_force.total)).collect(),
        alternative: true,
    };
    let tried = report.versions.iter().enumerate().map(|(number, version)| Line {
        name: format!("Version {}", version.version),
        note: String::new(),
        values: report
            .months
            .iter()
            .map(|month| value(&month.sums.versions.get(number)?.tally.total))
            .collect(),
        alternative: false,
    });
    let lines: Vec<Line> = std::iter::once(was).chain(tried).collect();
    let title = format!("Total by month, {}", report.currency);
    line_chart(&lines, &labels, &LineText { id: "backtest-months", title: &title, zero: None })
}

fn table(report: &BacktestReport, lanes: &[&Named], number: usize) -> VersionTable {
    let named = |kind: &str, name: &str| match name {
        "" => format!("No {kind}"),
        name => name.to_owned(),
    };
    let mut rows = vec![row("All shipments", &report.total, number)];
    rows.extend(report.months.iter().map(|group| row(&group.name, &group.sums, number)));
    rows.extend(report.services.iter().map(|group| row(&named("service", &group.name), &group.sums, number)));
    let shown = lanes.iter().take(LANES_SHOWN);
    rows.extend(shown.map(|group| row(&named("lane", &group.name), &group.sums, number)));
    let (version, state) =
        report.versions.get(number).map_or((0, ""), |tried| (tried.version, tried.status.label()));
    VersionTable {
        id: format!("version-{version}"),
        heading: format!("Version {version} ({}) against what was in force", state.to_lowercase()),
        rows,
    }
}

fn row(name: &str, sums: &Shown, number: usize) -> [String; 12] {
    let cells = cells(name, sums, number);
    let mut number = 0;
    cells.map(|cell| {
        number += 1;
        // The name and the counts stay as they are.
        if (2..=10).contains(&number) { amount(&cell) } else { cell }
    })
}

fn cells(name: &str, sums: &Shown, number: usize) -> [String; 12] {
    let mut cells = <[String; 12]>::default();
    let Some(version) = sums.versions.get(number) else { return cells };
    let why = &version.causes;
    let texts = [
        name,
        &sums.in_force.total,
        &version.tally.total,
        &version.difference,
        &why.base,
        &why.minimum,
        &why.fuel,
        &why.accessorial,
        &why.tax,
        &why.unrated,
        &version.tally.rated.to_string(),
        &version.tally.unrated.to_string(),
    ];
    for (cell, text) in cells.iter_mut().zip(texts) {
        text.clone_into(cell);
    }
    cells
}

/// Every group of every version, plain.
fn table_csv(report: &BacktestReport) -> Result<Vec<u8>, csv::Error> {
    let header = [
        "version",
        "by",
        "group",
        "in_force",
        "total",
        "difference",
        "base",
        "minimum",
        "fuel",
        "accessorial",
        "tax",
        "unrated",
        "shipments_rated",
        "shipments_unrated",
    ];
    let mut rows = Vec::new();
    for (number, tried) in report.versions.iter().enumerate() {
        let mut push = |by: &str, name: &str, sums: &Shown| {
            let [group, was, total, difference, base, minimum, fuel, accessorial, tax, unrated, rated, needs] =
                cells(name, sums, number);
            let version = tried.version.to_string();
            rows.push([
                version,
                by.to_owned(),
                group,
                was,
                total,
                difference,
                base,
                minimum,
                fuel,
                accessorial,
                tax,
                unrated,
                rated,
                needs,
            ]);
        };
        push("all", "", &report.total);
        for (by, groups) in
            [("month", &report.months), ("service", &report.services), ("lane", &report.lanes)]
        {
            for group in groups {
                push(by, &group.name, &group.sums);
            }
        }
    }
    csv(header, rows)
}
