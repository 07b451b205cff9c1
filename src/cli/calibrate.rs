//! `lanemark calibrate --contract NUMBER --period P`

use std::process::ExitCode;

use clap::Args;

use lanemark::app::calibration::{CalibrationReport, CalibrationRequest, RowShown, SHIPMENTS_MAX, calibrate};
use lanemark::domain::period::Period;
use lanemark::domain::viewer::Viewer;
use lanemark::domain::words;

use super::output::print_table;
use super::{Format, Session};

/// Rows by lane printed for people, the largest residuals; JSON has them all.
const ROWS_SHOWN: usize = 20;

/// Arguments of `calibrate`.
#[derive(Args)]
pub struct CalibrateArguments {
    /// Number of the contract.
    #[arg(long)]
    contract: String,
    /// The period compared, by obligation day: 2025, 2025-Q2, 2025-05.
    #[arg(long, value_parser = super::period)]
    period: Period,
}

/// Compares and prints.
pub fn run(session: &Session, arguments: &CalibrateArguments) -> anyhow::Result<ExitCode> {
    let mut db = session.app.pool.get()?;
    let request = CalibrationRequest {
        contract: &arguments.contract,
        period: arguments.period,
        shipments_max: SHIPMENTS_MAX,
    };
    let bar = indicatif::ProgressBar::new(0);
    let report = calibrate(&mut db, &Viewer::system(), &request, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let report = report?;
    match session.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => table(&report),
    }
    Ok(ExitCode::SUCCESS)
}

fn table(report: &CalibrationReport) {
    println!(
        "contract {}, {} by obligation day: {} of {} compared, amounts in {}",
        report.contract,
        report.period,
        words::figure(report.compared),
        words::many(report.shipments, "shipment"),
        report.currency
    );
    println!(
        "modelled {}, billed {}, residual {} ({} % of billed)",
        report.modelled,
        report.billed,
        report.residual,
        report.residual_percent.as_deref().unwrap_or("no")
    );
    let header = [
        "type",
        "lane",
        "modelled",
        "billed",
        "residual",
        "%",
        "both",
        "only modelled",
        "only billed",
        "differ",
        "compared",
        "signature",
    ];
    println!("\nby charge type");
    print_table(&header, &report.types.iter().map(row).collect::<Vec<_>>());
    println!("\nby charge type and lane, hot spots first");
    print_table(&header, &report.hot_spots.iter().take(ROWS_SHOWN).map(row).collect::<Vec<_>>());
    if report.hot_spots.len() > ROWS_SHOWN {
        println!(
            "and {} more; --format json has them all",
            words::figure(report.hot_spots.len() - ROWS_SHOWN)
        );
    }
    println!(
        "\nnot compared: {} not billed yet, {} billed without a linehaul, {} priced by no version, {} not to be priced, {} in another currency",
        report.not_billed,
        report.no_linehaul.shipments,
        report.not_modelled.shipments,
        report.not_applicable.shipments,
        report.other_currency
    );
    for (reason, left) in &report.unrated {
        println!("not compared: {} need rates, {reason}", left.shipments);
    }
    println!("\n{}", report.rule);
}

fn row(row: &RowShown) -> Vec<String> {
    vec![
        row.label.clone(),
        row.lane.clone().unwrap_or_else(|| "all".to_owned()),
        row.modelled.clone(),
        row.billed.clone(),
        row.residual.clone(),
        row.residual_percent.clone().unwrap_or_default(),
        row.both.to_string(),
        row.only_modelled.to_string(),
        row.only_billed.to_string(),
        row.differing.to_string(),
        row.compared.to_string(),
        row.signature.label().to_owned(),
    ]
}
