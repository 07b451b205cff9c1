//! Calibration of a contract: what its rates model minus what was billed, and the shipments behind each number.

use actix_web::{HttpResponse, web};
use askama::Template;
use rust_decimal::Decimal;

use crate::app::calibration::{
    Behind, CalibrationError, CalibrationReport, CalibrationRequest, RowShown, behind, calibrate,
};
use crate::app::contract::contract_show;
use crate::domain::calibration::{ChargeType, Signature};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::words;
use crate::report::chart::{Party, pareto_bar};
use crate::report::sheet::csv;
use crate::web::download::download_csv;
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Shipments a page reads while its reader waits; the command line reads more.
const SHIPMENTS_MAX: u64 = 200_000;
/// Rows by lane listed, the largest residuals; the download has them all.
const ROWS_SHOWN: usize = 50;

/// One comparison, ready to print.
struct Line {
    label: String,
    lane: String,
    href: String,
    modelled: String,
    billed: String,
    residual: String,
    percent: String,
    bar: String,
    /// Both, only modelled, only billed.
    counts: [String; 3],
    differing: String,
    tenth: String,
    tone: &'static str,
    shape: &'static str,
    word: &'static str,
    hint: &'static str,
}

struct Outcome {
    summary: String,
    residual: String,
    percent: String,
    modelled: String,
    billed: String,
    is_empty: bool,
    /// Id, heading, what it is about, rows.
    tables: Vec<(&'static str, &'static str, &'static str, Vec<Line>)>,
    more: usize,
    /// Why, shipments, billed.
    beside: Vec<(String, String, String)>,
    /// Tone, shape, word and hint of every signature in the table.
    legend: Vec<(&'static str, &'static str, &'static str, &'static str)>,
    rule: String,
    download: String,
    unmapped: bool,
}

#[derive(Template)]
#[template(path = "contract/calibration.html")]
struct CalibrationPage {
    page: Page,
    contract_id: i64,
    number: String,
    partner_id: i64,
    currency: String,
    period: String,
    error: Option<String>,
    outcome: Option<Outcome>,
}

/// What a form says when a period was not compared; an error of the database is a page of its own.
fn words(error: CalibrationError) -> Result<String, WebError> {
    match error {
        CalibrationError::Db(error) => Err(error.into()),
        other => Ok(other.to_string()),
    }
}

/// `GET /contracts/{id}/calibration?period=2025-05`
pub(in crate::web) async fn show(
    me: SignedIn,
    id: web::Path<i64>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let (id, asked) = (id.into_inner(), Form::filled(query.into_inner()));
    let given = asked.value("period").to_owned();
    let (found, period, answer) = me
        .in_db(move |unit| {
            let found = contract_show(unit.app, unit.db, unit.viewer, id, None)?;
            let period = match given.as_str() {
                "" => Ok(Period::containing(PeriodKind::Month, found.today).previous()),
                text => text.parse::<Period>().map_err(|error| error.to_string()),
            };
            let shown = period.as_ref().map_or(given, Period::to_string);
            let answer = match period {
                Err(wrong) => Err(wrong),
                Ok(period) => {
                    let request = CalibrationRequest {
                        contract: &found.contract.number,
                        period,
                        shipments_max: SHIPMENTS_MAX,
                    };
                    match calibrate(unit.db, unit.viewer, &request, |_, _| ()) {
                        Ok(report) => Ok(report),
                        Err(error) => Err(words(error)?),
                    }
                }
            };
            Ok::<_, WebError>((found, shown, answer))
        })
        .await?;
    let number = found.contract.number.clone();
    if let (Ok(report), true) = (&answer, asked.is("as", "csv")) {
        return download_csv(&format!("calibration-{number}-{}.csv", report.period), table_csv(report));
    }
    let (outcome, error) = match answer {
        Err(error) => (None, Some(error)),
        Ok(report) => (Some(outcome(id, &report)), None),
    };
    page::html(&CalibrationPage {
        page: me.page(format!("Calibration of {number}")),
        contract_id: id,
        partner_id: found.contract.partner_id,
        currency: found.contract.currency.code().to_owned(),
        number,
        period,
        error,
        outcome,
    })
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap_or_default()
}

fn amount(text: &str) -> String {
    let value = number(text);
    show::decimal(value, value.scale().max(2))
}

fn percent(text: Option<&String>) -> String {
    text.map_or_else(|| "–".to_owned(), |text| format!("{}\u{a0}%", show::decimal(number(text), 1)))
}

fn count(number: u64) -> String {
    show::count(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Tone, shape and whose it looks like.
fn look(signature: Signature) -> (&'static str, &'static str, Party) {
    match signature {
        Signature::Agrees => ("good", "check", Party::Nobody),
        Signature::TooFew => ("none", "todo", Party::Nobody),
        Signature::Unmapped => ("info", "todo", Party::Nobody),
        Signature::Systematic => ("bad", "under", Party::Ours),
        Signature::NeverModelled | Signature::NeverBilled => ("warn", "near", Party::Ours),
        Signature::Sporadic | Signature::NotOwed => ("warn", "dot", Party::Theirs),
        Signature::Mixed => ("warn", "near", Party::Nobody),
    }
}

fn behind_href(id: i64, period: &str, row: &RowShown) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("period", period).append_pair("type", &row.of);
    if let Some(lane) = &row.lane {
        query.append_pair("lane", lane);
    }
    format!("/contracts/{id}/calibration/shipments?{}", query.finish())
}

fn lane_words(lane: Option<&String>) -> String {
    match lane.map(String::as_str) {
        None => "all lanes".to_owned(),
        Some("") => "no lane".to_owned(),
        Some(lane) => lane.to_owned(),
    }
}

fn line(id: i64, period: &str, row: &RowShown, most: Decimal) -> Line {
    let (tone, shape, party) = look(row.signature);
    let share = number(&row.residual).abs().checked_div(most).unwrap_or_default();
    Line {
        label: row.label.clone(),
        lane: lane_words(row.lane.as_ref()),
        href: behind_href(id, period, row),
        modelled: amount(&row.modelled),
        billed: amount(&row.billed),
        residual: amount(&row.residual),
        percent: percent(row.residual_percent.as_ref()),
        bar: pareto_bar(share, party),
        counts: [row.both, row.only_modelled, row.only_billed].map(count),
        differing: format!("{} of {}", count(row.differing), count(row.compared)),
        tenth: match &row.largest_tenth_percent {
            Some(text) => format!("{} one way; largest tenth {}", count(row.one_way), percent(Some(text))),
            None => String::new(),
        },
        tone,
        shape,
        word: row.signature.label(),
        hint: row.signature.hint(),
    }
}

fn outcome(id: i64, report: &CalibrationReport) -> Outcome {
    let most =
        |rows: &[RowShown]| rows.iter().map(|row| number(&row.residual).abs()).max().unwrap_or_default();
    let lines = |rows: &[RowShown], shown: usize| {
        let most = most(rows);
        rows.iter().take(shown).map(|row| line(id, &report.period, row, most)).collect::<Vec<_>>()
    };
    let mut beside = Vec::new();
    let mut tell = |why: &str, shipments: u64, billed: Option<&String>| {
        if shipments > 0 {
            let billed = billed.map_or_else(|| "–".to_owned(), |text| amount(text));
            beside.push((why.to_owned(), count(shipments), billed));
        }
    };
    tell("Modelled, not billed yet", report.not_billed, None);
    tell("Billed without a linehaul", report.no_linehaul.shipments, Some(&report.no_linehaul.billed));
    tell("Billed, priced by no version", report.not_modelled.shipments, Some(&report.not_modelled.billed));
    tell(
        "Not to be priced, by agreement",
        report.not_applicable.shipments,
        Some(&report.not_applicable.billed),
    );
    tell("Billed in another currency than the contract's", report.other_currency, None);
    for (reason, left) in &report.unrated {
        tell(&format!("Needs rates: {reason}"), left.shipments, Some(&left.billed));
    }
    if number(&report.outside_freight) != Decimal::ZERO {
        let billed = amount(&report.outside_freight);
        beside.push(("Outside freight, on compared shipments".to_owned(), "–".to_owned(), billed));
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("period", &report.period).append_pair("as", "csv");
    Outcome {
        summary: format!(
            "Compared: {} of {} due in {}, those that are priced and billed in full.",
            count(report.compared),
            words::many(report.shipments, "shipment"),
            report.period
        ),
        residual: amount(&report.residual),
        percent: percent(report.residual_percent.as_ref()),
        modelled: amount(&report.modelled),
        billed: amount(&report.billed),
        is_empty: report.types.is_empty(),
        tables: vec![
            (
                "types",
                "By charge type",
                "Over all lanes; open a figure for its shipments",
                lines(&report.types, usize::MAX),
            ),
            (
                "spots",
                "Hot spots",
                "By charge type and lane, the largest residual first; they sum to the residual",
                lines(&report.hot_spots, ROWS_SHOWN),
            ),
        ],
        more: report.hot_spots.len().saturating_sub(ROWS_SHOWN),
        beside,
        legend: Signature::ALL
            .iter()
            .filter(|one| report.types.iter().chain(&report.hot_spots).any(|row| row.signature == **one))
            .map(|one| {
                let (tone, shape, _) = look(*one);
                (tone, shape, one.label(), one.hint())
            })
            .collect(),
        rule: report.rule.clone(),
        download: format!("/contracts/{id}/calibration?{}", query.finish()),
        unmapped: report.no_linehaul_unmapped > 0
            || report.types.iter().any(|row| row.signature == Signature::Unmapped),
    }
}

/// Every row, plain: types over all lanes first, then by lane.
fn table_csv(report: &CalibrationReport) -> Result<Vec<u8>, csv::Error> {
    let header = [
        "type",
        "label",
        "lane",
        "currency",
        "modelled",
        "billed",
        "residual",
        "residual_percent",
        "shipments_compared",
        "both",
        "only_modelled",
        "only_billed",
        "differing",
        "one_way",
        "largest_tenth_percent",
        "signature",
    ];
    let rows = report.types.iter().chain(&report.hot_spots).map(|row| {
        [
            row.of.clone(),
            row.label.clone(),
            row.lane.clone().unwrap_or_else(|| "all lanes".to_owned()),
            report.currency.clone(),
            row.modelled.clone(),
            row.billed.clone(),
            row.residual.clone(),
            row.residual_percent.clone().unwrap_or_default(),
            row.compared.to_string(),
            row.both.to_string(),
            row.only_modelled.to_string(),
            row.only_billed.to_string(),
            row.differing.to_string(),
            row.one_way.to_string(),
            row.largest_tenth_percent.clone().unwrap_or_default(),
            row.signature.code().to_owned(),
        ]
    });
    csv(header, rows)
}

struct ShipmentLine {
    href: String,
    reference: String,
    day: String,
    lane: String,
    modelled: String,
    billed: String,
    residual: String,
}

#[derive(Template)]
#[template(path = "contract/calibration_behind.html")]
struct BehindPage {
    page: Page,
    contract_id: i64,
    number: String,
    currency: String,
    period: String,
    row: Line,
    lines: Vec<ShipmentLine>,
    summary: String,
    number_of: usize,
    pages: usize,
    before: Option<String>,
    after: Option<String>,
}

/// `GET /contracts/{id}/calibration/shipments?period=2025-05&type=LINEHAUL&lane=CHI-ATL&page=1`
pub(in crate::web) async fn shipments(
    me: SignedIn,
    id: web::Path<i64>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let (id, pairs) = (id.into_inner(), query.into_inner());
    let lane = pairs.iter().find(|(name, _)| name == "lane").map(|(_, lane)| lane.clone());
    let asked = Form::filled(pairs);
    let bad = |error: String| WebError::BadRequest(error);
    let (period, of) = (asked.value("period").to_owned(), asked.value("type").to_owned());
    let page_no = asked.value("page").parse().unwrap_or(1);
    let (found, behind, period) = me
        .in_db(move |unit| {
            let found = contract_show(unit.app, unit.db, unit.viewer, id, None)?;
            let period: Period = match period.as_str() {
                "" => Period::containing(PeriodKind::Month, found.today).previous(),
                text => {
                    text.parse().map_err(|error: crate::domain::period::BadPeriod| bad(error.to_string()))?
                }
            };
            let of: ChargeType = match of.as_str() {
                "" => ChargeType::Linehaul,
                text => text
                    .parse()
                    .map_err(|error: crate::domain::calibration::BadChargeType| bad(error.to_string()))?,
            };
            let request =
                CalibrationRequest { contract: &found.contract.number, period, shipments_max: SHIPMENTS_MAX };
            let behind = behind(unit.db, unit.viewer, &request, (&of, lane.as_deref()), page_no);
            let behind = match behind {
                Ok(behind) => behind,
                Err(error) => return Err(bad(words(error)?)),
            };
            Ok::<_, WebError>((found, behind, period.to_string()))
        })
        .await?;
    let Behind { partner_id, row, shipments, count: all, page: number_of, pages } = behind;
    let to = |page: usize| format!("{}&page={page}", behind_href(id, &period, &row));
    let figure =
        |amount: Option<crate::domain::money::Micros>| amount.map_or_else(|| "–".to_owned(), show::money);
    let lines = shipments
        .into_iter()
        .map(|one| ShipmentLine {
            href: show::shipment_href(partner_id, &one.source, &one.reference),
            reference: one.reference,
            day: show::day(one.day),
            lane: lane_words(Some(&one.lane)),
            modelled: figure(one.modelled),
            billed: figure(one.billed),
            residual: show::money(one.residual),
        })
        .collect();
    page::html(&BehindPage {
        page: me.page(format!("{} of {}", row.label, found.contract.number)),
        contract_id: id,
        number: found.contract.number,
        currency: found.contract.currency.code().to_owned(),
        summary: match all {
            1 => "1 shipment has it.".to_owned(),
            _ => format!(
                "{} shipments have it, the largest difference first.",
                show::count(i64::try_from(all).unwrap_or(i64::MAX))
            ),
        },
        before: (number_of > 1).then(|| to(number_of - 1)),
        after: (number_of < pages).then(|| to(number_of + 1)),
        row: line(id, &period, &row, number(&row.residual).abs()),
        period,
        lines,
        number_of,
        pages,
    })
}
