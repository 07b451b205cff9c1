//! A period of history under other versions of a contract: asking for it, waiting for it, and what came of it.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use rust_decimal::Decimal;

use crate::app::backtest::run::{
    KEPT_DAYS, RoundLine, Run, backtest_ask, backtest_cancel, in_words, rounds, run_list, run_show,
};
use crate::app::backtest::sheets::{group_cells, net_cells, net_lines, table_csv, workbook_xlsx};
use crate::app::backtest::{BacktestError, BacktestReport, Named, NamedNet, Shown};
use crate::app::contract::{ContractPage, contract_show};
use crate::db::contract::Version;
use crate::domain::backtest::ask::{Ask, Proposal, RunState};
use crate::domain::backtest::{VERSIONS_MAX, percent};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::words;
use crate::report::chart::{CauseGroup, Line, LineText, cause_bars, line_chart};
use crate::web::download::{FileKind, download, download_csv};
use crate::web::extract::{Form, SignedIn, Unit};
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Lanes listed, those that change most; the downloads have more.
const LANES_SHOWN: usize = 50;
/// Versions in one chart beside what was in force; more go into further charts.
const CHART_VERSIONS: usize = 4;
/// How often a page that is kept up to date loads again.
const RELOAD_SECONDS: u32 = 5;

/// One run, in words.
struct RunWords {
    id: i64,
    period: String,
    words: String,
    by: String,
    at: String,
    state: &'static str,
    tone: &'static str,
    shape: &'static str,
    progress: String,
}

impl RunWords {
    fn of(run: &Run) -> Self {
        let (tone, shape) = match run.state {
            RunState::Queued => ("none", "todo"),
            RunState::Running => ("info", "clock"),
            RunState::Done => ("good", "check"),
            RunState::Failed => ("bad", "stop"),
            RunState::Cancelled => ("none", "stop"),
        };
        Self {
            id: run.id,
            period: run.ask.period.to_string(),
            words: in_words(&run.ask),
            by: run.asked_by.clone(),
            at: show::instant(run.asked_at),
            state: run.state.label(),
            tone,
            shape,
            progress: if run.state == RunState::Running { progress(run) } else { String::new() },
        }
    }
}

fn progress(run: &Run) -> String {
    format!("{} of {}", show::count(run.days.0), words::count(run.days.1, "day"))
}

#[derive(Template)]
#[template(path = "contract/backtest.html")]
struct BacktestPage {
    page: Page,
    contract_id: i64,
    number: String,
    most: usize,
    kept_days: u64,
    /// Number, words, chosen.
    versions: Vec<(i32, String, bool)>,
    /// Version and round, words, chosen.
    rounds: Vec<(String, String, bool)>,
    period: String,
    increase: String,
    error: Option<String>,
    runs: Vec<RunWords>,
}

/// What is known of a contract when the form is shown.
struct Known {
    contract: ContractPage,
    rounds: Vec<RoundLine>,
    runs: Vec<Run>,
}

fn known(unit: &mut Unit<'_>, id: i64) -> Result<Known, WebError> {
    let contract = contract_show(unit.app, unit.db, unit.viewer, id, None)?;
    let versions: Vec<Version> = contract.versions.iter().map(|line| line.version.clone()).collect();
    let rounds = rounds(unit.db, unit.viewer, &versions)?;
    let runs = run_list(unit.db, unit.viewer, id)?;
    Ok(Known { contract, rounds, runs })
}

fn form_page(me: &SignedIn, id: i64, known: Known, asked: &Form, error: Option<String>) -> BacktestPage {
    let Known { contract: found, rounds, runs } = known;
    let number = found.contract.number.clone();
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
    let rounds = rounds.iter().map(|line| {
        let Proposal { version, round } = line.proposal;
        let day = show::day(line.on);
        let words = format!("Version {version}, round {round}, proposed by {} on {day}", line.side.label());
        let code = line.proposal.to_string();
        let chosen = asked.all("proposal").any(|asked| asked == code);
        (code, words, chosen)
    });
    BacktestPage {
        page: me.page(format!("Backtest of {number}")),
        contract_id: id,
        most: VERSIONS_MAX,
        kept_days: KEPT_DAYS,
        versions: versions.collect(),
        rounds: rounds.collect(),
        period,
        increase: asked.value("increase").to_owned(),
        number,
        error,
        runs: runs.iter().map(RunWords::of).collect(),
    }
}

/// `GET /contracts/{id}/backtest?version=2&proposal=3.1&period=2025-Q2&increase=5.9`: the form, filled in with the query.
pub(in crate::web) async fn form(
    me: SignedIn,
    id: web::Path<i64>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let id = id.into_inner();
    let known = me.in_db(move |mut unit| known(&mut unit, id)).await?;
    page::html(&form_page(&me, id, known, &Form::filled(query.into_inner()), None))
}

/// `POST /contracts/{id}/backtests`: a node takes it up within seconds; its page says how far it is.
pub(in crate::web) async fn create(
    me: SignedIn,
    id: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    let id = id.into_inner();
    let asked = request(&form);
    let (known, answer) = me
        .in_db(move |mut unit| {
            let known = known(&mut unit, id)?;
            let answer = match asked {
                Err(wrong) => Err(wrong),
                Ok(ask) => match backtest_ask(unit.app, unit.db, unit.viewer, id, ask) {
                    Ok(run) => Ok(run),
                    Err(BacktestError::Db(error)) => return Err(WebError::from(error)),
                    Err(error) => Err(error.to_string()),
                },
            };
            Ok::<_, WebError>((known, answer))
        })
        .await?;
    match answer {
        Ok(run) => Ok(page::see_other(&format!("/contracts/{id}/backtests/{run}?live=1"))),
        Err(error) => {
            page::html_with(StatusCode::UNPROCESSABLE_ENTITY, &form_page(&me, id, known, &form, Some(error)))
        }
    }
}

fn request(asked: &Form) -> Result<Ask, String> {
    let period = asked.value("period").parse::<Period>().map_err(|error| error.to_string())?;
    let increase = match asked.value("increase") {
        "" => None,
        text => Some(percent(text)?),
    };
    let versions = asked.all("version").map(|text| text.parse::<i32>().map_err(|_| text));
    let versions = versions.collect::<Result<_, _>>().map_err(|text| format!("`{text}` is no version"))?;
    let proposals = asked.all("proposal").map(str::parse::<Proposal>).collect::<Result<_, _>>()?;
    Ok(Ask { versions, proposals, period, increase })
}

/// How far a run is that is not over.
struct Waiting {
    words: String,
    done: i64,
    total: i64,
}

/// What one version comes to: its heading, and group, in force, version, difference, causes, counts.
struct VersionTable {
    id: String,
    heading: String,
    column: String,
    rows: Vec<[String; TABLE_CELLS]>,
}

struct Outcome {
    summary: String,
    /// Terms, charges, credits, bonuses, net cost, difference, shipments it leaves out, shipments rated, shipments that need
    /// rates.
    sides: Vec<[String; 9]>,
    /// What the differences leave out, in sentences.
    left_out: Vec<String>,
    notes: Vec<String>,
    months_title: String,
    months: Vec<String>,
    causes: String,
    /// Month, terms, charges, credits, bonuses, off by caps, net cost, difference.
    net: Vec<[String; 8]>,
    /// Clause, terms, times, credits, bonuses, off by caps.
    clauses: Vec<[String; 6]>,
    tables: Vec<VersionTable>,
    csv: String,
    xlsx: String,
    more_lanes: usize,
}

#[derive(Template)]
#[template(path = "contract/backtest_run.html")]
struct RunPage {
    page: Page,
    contract_id: i64,
    number: String,
    run: RunWords,
    live: bool,
    reload_seconds: u32,
    waiting: Option<Waiting>,
    may_cancel: bool,
    cancelled: bool,
    /// Why there is no result, or empty.
    error: String,
    /// Leads to the form, filled in with what was asked.
    again: String,
    outcome: Option<Outcome>,
}

async fn found(me: &SignedIn, id: i64, run: i64) -> Result<(String, Run, Option<BacktestReport>), WebError> {
    me.in_db(move |unit| {
        let contract = contract_show(unit.app, unit.db, unit.viewer, id, None)?.contract;
        let (run, report) = run_show(unit.db, unit.viewer, id, run)?.ok_or(WebError::NotFound)?;
        Ok::<_, WebError>((contract.number, run, report))
    })
    .await
}

/// `GET /contracts/{id}/backtests/{run}`; `?live=1` has it load again until it is over.
pub(in crate::web) async fn show(
    me: SignedIn,
    path: web::Path<(i64, i64)>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let (id, run) = path.into_inner();
    let (number, run, report) = found(&me, id, run).await?;
    let waiting = (!run.state.is_over()).then(|| Waiting {
        words: match run.state {
            RunState::Running if run.attempt > 1 => {
                format!(
                    "{} replayed, begun again since the process that replayed it went away.",
                    progress(&run)
                )
            }
            RunState::Running => format!("{} replayed.", progress(&run)),
            _ => "It waits for its turn; one is replayed at a time, in the order they were asked for."
                .to_owned(),
        },
        done: run.days.0,
        total: run.days.1,
    });
    page::html(&RunPage {
        page: me.page(format!("Backtest of {number}, {}", run.ask.period)),
        contract_id: id,
        number,
        cancelled: run.state == RunState::Cancelled,
        may_cancel: run.may_cancel(&me.viewer),
        live: Form::filled(query.into_inner()).is("live", "1"),
        reload_seconds: RELOAD_SECONDS,
        waiting,
        error: run.error.clone(),
        again: again(id, &run.ask),
        outcome: report.map(|report| outcome(id, run.id, &report)),
        run: RunWords::of(&run),
    })
}

/// `POST /contracts/{id}/backtests/{run}/cancellation`: one that is over already stays as it is.
pub(in crate::web) async fn cancel(
    me: SignedIn,
    path: web::Path<(i64, i64)>,
) -> Result<HttpResponse, WebError> {
    let (id, run) = path.into_inner();
    me.in_db(move |unit| backtest_cancel(unit.app, unit.db, unit.viewer, id, run)).await?;
    Ok(page::see_other(&format!("/contracts/{id}/backtests/{run}")))
}

/// `GET /contracts/{id}/backtests/{run}/table.csv`
pub(in crate::web) async fn csv(me: SignedIn, path: web::Path<(i64, i64)>) -> Result<HttpResponse, WebError> {
    let (id, run) = path.into_inner();
    let (number, _, report) = found(&me, id, run).await?;
    let report = report.ok_or(WebError::NotFound)?;
    download_csv(&format!("backtest-{number}-{}.csv", report.period), table_csv(&report))
}

/// `GET /contracts/{id}/backtests/{run}/workbook.xlsx`
pub(in crate::web) async fn xlsx(
    me: SignedIn,
    path: web::Path<(i64, i64)>,
) -> Result<HttpResponse, WebError> {
    let (id, run) = path.into_inner();
    let (number, _, report) = found(&me, id, run).await?;
    let report = report.ok_or(WebError::NotFound)?;
    let bytes = workbook_xlsx(&report).map_err(anyhow::Error::from)?;
    Ok(download(&format!("backtest-{number}-{}.xlsx", report.period), FileKind::Xlsx, bytes))
}

fn again(id: i64, ask: &Ask) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(ask.versions.iter().map(|version| ("version", version.to_string())));
    query.extend_pairs(ask.proposals.iter().map(|proposal| ("proposal", proposal.to_string())));
    query.append_pair("period", &ask.period.to_string());
    if let Some(by) = ask.increase {
        query.append_pair("increase", &Decimal::new(by.0, 2).normalize().to_string());
    }
    format!("/contracts/{id}/backtest?{}", query.finish())
}

fn size(text: &str) -> Decimal {
    text.parse::<Decimal>().unwrap_or_default().abs()
}

/// An amount as people read it; what is not known says so.
fn amount(text: &str) -> String {
    if text.is_empty() {
        return "not known".to_owned();
    }
    text.parse::<Decimal>().map_or_else(|_| text.to_owned(), |value| show::decimal(value, value.scale()))
}

/// A count as the page shows it.
fn number(count: u64) -> String {
    show::count(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The first letter large.
fn title(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn outcome(id: i64, run: i64, report: &BacktestReport) -> Outcome {
    let mut lanes: Vec<&Named> = report.lanes.iter().collect();
    let most = |named: &&Named| {
        named.sums.versions.iter().filter_map(|version| version.difference.as_deref().map(size)).max()
    };
    lanes.sort_by_key(|named| std::cmp::Reverse(most(named)));
    let increase = report
        .increase_percent
        .as_ref()
        .map_or_else(String::new, |by| format!(" Table rates are {by} % higher than written."));
    let (months_title, months) = charts(report);
    let net = report.net.months.iter().flat_map(|month| {
        net_lines(report, &month.sums).map(|(terms, net)| {
            let is_first = terms == crate::app::backtest::IN_FORCE;
            let [charges, credits, bonuses, forgone, cost, difference] = net_cells(net);
            let difference = if is_first { String::new() } else { amount(&difference) };
            let cells = [charges, credits, bonuses, forgone, cost].map(|cell| amount(&cell));
            let [charges, credits, bonuses, forgone, cost] = cells;
            [month.name.clone(), title(&terms), charges, credits, bonuses, forgone, cost, difference]
        })
    });
    let clauses = report.net.clauses.iter().map(|line| {
        [
            line.clause.clone(),
            title(&line.terms),
            number(line.obligations),
            amount(&line.credits),
            amount(&line.bonuses),
            amount(&line.forgone),
        ]
    });
    Outcome {
        summary: format!(
            "{} due in {}, amounts in {}, tax included, with the fuel prices and exchange rates known at {}.{increase}",
            words::many(report.shipments, "shipment"),
            report.period,
            report.currency,
            show::instant(report.known_at),
        ),
        sides: sides(report),
        left_out: report.left_out_words(),
        notes: report.net.notes.clone(),
        months_title,
        months,
        causes: causes(report),
        net: net.collect(),
        clauses: clauses.collect(),
        tables: (0..report.versions.len()).map(|place| table(report, &lanes, place)).collect(),
        csv: format!("/contracts/{id}/backtests/{run}/table.csv"),
        xlsx: format!("/contracts/{id}/backtests/{run}/workbook.xlsx"),
        more_lanes: lanes.len().saturating_sub(LANES_SHOWN),
    }
}

fn sides(report: &BacktestReport) -> Vec<[String; 9]> {
    let was = (String::new(), &report.total.in_force);
    let versions = report.total.versions.iter();
    let tallies =
        std::iter::once(was).chain(versions.map(|version| (number(version.left_out), &version.tally)));
    let states = std::iter::once(String::new())
        .chain(report.versions.iter().map(|tried| format!(" ({})", tried.state())));
    let lines = net_lines(report, &report.net.total).zip(tallies).zip(states).enumerate();
    lines
        .map(|(place, (((terms, net), (left_out, tally)), state))| {
            let [charges, credits, bonuses, _, cost, difference] = net_cells(net);
            let difference = if place == 0 { String::new() } else { amount(&difference) };
            [
                format!("{}{state}", title(&terms)),
                amount(&charges),
                amount(&credits),
                amount(&bonuses),
                amount(&cost),
                difference,
                left_out,
                number(tally.rated),
                number(tally.unrated),
            ]
        })
        .collect()
}

/// What is drawn by month, and the drawings: net cost where it is known for all, charges else.
fn charts(report: &BacktestReport) -> (String, Vec<String>) {
    let net = &report.net;
    let all = || std::iter::once(&net.total.in_force).chain(&net.total.versions);
    let is_net = all().all(|one| one.net_cost.is_some());
    let what = if is_net { "Net cost by month" } else { "Charges by month" };
    let labels: Vec<&str> = net.months.iter().map(|month| month.name.as_str()).collect();
    let value = |one: &crate::app::backtest::NetShown| {
        if is_net { one.net_cost.as_deref()?.parse().ok() } else { one.charges.parse::<Decimal>().ok() }
    };
    // A version is drawn at what was in force and the difference, so that what it does not price is no gap between lines.
    let charges: BTreeMap<&str, &Shown> =
        report.months.iter().map(|month| (month.name.as_str(), &month.sums)).collect();
    let tried_value = |month: &NamedNet, place: usize| {
        let less: Decimal = if is_net {
            month.sums.versions.get(place)?.difference.as_deref()?.parse().ok()?
        } else {
            let sums = charges.get(month.name.as_str());
            sums.map_or(Some(Decimal::ZERO), |sums| {
                sums.versions.get(place)?.difference.as_deref()?.parse().ok()
            })?
        };
        value(&month.sums.in_force)?.checked_add(less)
    };
    let was = Line {
        name: "In force".to_owned(),
        note: String::new(),
        values: net.months.iter().map(|month| value(&month.sums.in_force)).collect(),
        alternative: true,
    };
    let tried: Vec<Line> = report
        .versions
        .iter()
        .enumerate()
        .map(|(place, version)| Line {
            name: title(&version.name()),
            note: String::new(),
            values: net.months.iter().map(|month| tried_value(month, place)).collect(),
            alternative: false,
        })
        .collect();
    let drawn = tried.chunks(CHART_VERSIONS).enumerate().map(|(place, tried)| {
        let lines: Vec<Line> = std::iter::once(&was).chain(tried).cloned().collect();
        let id = format!("backtest-months-{place}");
        let title = format!("{what}, {}", report.currency);
        line_chart(&lines, &labels, &LineText { id: &id, title: &title, zero: None })
    });
    (what.to_owned(), drawn.collect())
}

fn causes(report: &BacktestReport) -> String {
    let value = |text: &str| text.parse::<Decimal>().unwrap_or_default();
    let was = &report.net.total.in_force;
    let group = |place: usize| {
        let version = report.total.versions.get(place)?;
        let why = &version.causes;
        let causes = [
            ("Base", &why.base),
            ("Minimum", &why.minimum),
            ("Fuel", &why.fuel),
            ("Accessorial", &why.accessorial),
            ("Tax", &why.tax),
        ];
        let mut causes: Vec<(String, Decimal)> =
            causes.into_iter().map(|(name, text)| (name.to_owned(), value(text))).collect();
        let net = report.net.total.versions.get(place)?;
        if let (Some(credits), Some(before)) = (&net.credits, &was.credits) {
            causes.push(("Service credits".to_owned(), value(before) - value(credits)));
        }
        if let (Some(bonuses), Some(before)) = (&net.bonuses, &was.bonuses) {
            causes.push(("Bonuses".to_owned(), value(bonuses) - value(before)));
        }
        let name = report.versions.get(place).map_or_else(String::new, |tried| title(&tried.name()));
        Some(CauseGroup { name, causes })
    };
    let groups: Vec<CauseGroup> = (0..report.versions.len()).filter_map(group).collect();
    let title = format!("Difference to what was in force by cause, {}", report.currency);
    cause_bars(&groups, "backtest-causes", &title)
}

fn table(report: &BacktestReport, lanes: &[&Named], place: usize) -> VersionTable {
    let named = |kind: &str, name: &str| match name {
        "" => format!("No {kind}"),
        name => name.to_owned(),
    };
    let mut rows = vec![row("All shipments", &report.total, place)];
    rows.extend(report.months.iter().map(|group| row(&group.name, &group.sums, place)));
    rows.extend(report.services.iter().map(|group| row(&named("service", &group.name), &group.sums, place)));
    let shown = lanes.iter().take(LANES_SHOWN);
    rows.extend(shown.map(|group| row(&named("lane", &group.name), &group.sums, place)));
    let tried = report.versions.get(place);
    let name = tried.map_or_else(String::new, |tried| title(&tried.name()));
    let state = tried.map_or_else(String::new, crate::app::backtest::TriedVersion::state);
    VersionTable {
        id: format!("version-{place}"),
        heading: format!("{name} ({state}) against what was in force"),
        column: name,
        rows,
    }
}

/// The cells of a group that the page shows; the downloads have more.
const TABLE_CELLS: usize = 12;

fn row(name: &str, sums: &Shown, place: usize) -> [String; TABLE_CELLS] {
    let count = |cell: String| cell.parse().map_or(cell, show::count);
    let [name, was, is, less, base, minimum, fuel, accessorial, tax, _, left_out, _, _, rated, unrated] =
        group_cells(name, sums, place);
    let [was, is, less, base, minimum, fuel, accessorial, tax] =
        [was, is, less, base, minimum, fuel, accessorial, tax].map(|cell| amount(&cell));
    let [left_out, rated, unrated] = [left_out, rated, unrated].map(count);
    [name, was, is, less, left_out, base, minimum, fuel, accessorial, tax, rated, unrated]
}
