//! `lanemark audit --partner P --period 2025-06`

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use lanemark::app::invoice::audit_freight;
use lanemark::app::invoice::view::{Asked, DOWNLOAD_ROWS, Listed, Pick, Shown, Totals, list};
use lanemark::app::refresh::ensure_fresh;
use lanemark::db::dimension::Dimensions;
use lanemark::domain::period::Period;
use lanemark::domain::viewer::Viewer;
use lanemark::domain::words;

use super::output::print_table;
use super::{Format, Session};

/// Invoices printed for people; JSON has them all.
const ROWS_SHOWN: usize = 20;

/// Arguments of `audit`.
#[derive(Args)]
pub struct AuditArguments {
    /// Code, name or alias of one partner; all of them without it.
    #[arg(long)]
    partner: Option<String>,
    /// Only invoices received in this period: 2025, 2025-Q2, 2025-06.
    #[arg(long, value_parser = super::period)]
    period: Option<Period>,
}

/// One invoice; amounts are decimal strings.
#[derive(Serialize)]
struct Line {
    partner: String,
    number: String,
    kind: String,
    received_on: String,
    currency: String,
    status: &'static str,
    outcome: &'static str,
    billed: String,
    approved: String,
    disputed: String,
    payable: String,
    at_risk: String,
    codes: String,
    stage: &'static str,
}

#[derive(Serialize)]
struct Sum {
    currency: String,
    invoices: i64,
    first_pass: i64,
    audited: i64,
    billed: String,
    found: String,
    disputed: String,
    accepted: String,
    recovered: String,
    written_off: String,
    open: String,
}

#[derive(Serialize)]
struct Report {
    looked: i64,
    audited: i64,
    totals: Vec<Sum>,
    invoices: Vec<Line>,
}

/// Audits what waits, then prints the invoices by money at risk.
pub fn run(session: &Session, arguments: &AuditArguments) -> anyhow::Result<ExitCode> {
    let app = &session.app;
    let partner_id = match &arguments.partner {
        None => None,
        Some(named) => Some(
            Dimensions::load(&mut *app.pool.get()?, &app.ids, app.now())?
                .partner(named)
                .with_context(|| format!("no partner has the code, name or alias `{named}`"))?,
        ),
    };
    ensure_fresh(app, app.now())?;
    let done = audit_freight(app, partner_id)?;
    ensure_fresh(app, app.now())?;
    let asked = Asked { partner_id, period: arguments.period, pick: Pick::All, page: 1, rows: DOWNLOAD_ROWS };
    let found = list(&mut *app.pool.get()?, &Viewer::system(), &asked)?;
    match session.format {
        Format::Json => {
            let report = Report {
                looked: done.looked,
                audited: done.audited,
                totals: found
                    .totals
                    .iter()
                    .map(|(currency, sums)| sum(&currency.to_string(), sums))
                    .collect(),
                invoices: found.rows.iter().map(line).collect(),
            };
            println!("{}", serde_json::to_string_pretty(&report)?);
        }
        Format::Table => {
            println!("{}", done.summary());
            table(&found);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(one: &Shown) -> Line {
    let listed = &one.listed;
    Line {
        partner: listed.partner.clone(),
        number: listed.number.clone(),
        kind: listed.kind.clone(),
        received_on: listed.received_on.to_string(),
        currency: listed.currency.to_string(),
        status: listed.status.code(),
        outcome: listed.outcome.code(),
        billed: listed.billed.to_string(),
        approved: listed.approved.to_string(),
        disputed: listed.disputed.to_string(),
        payable: listed.payable.to_string(),
        at_risk: one.funnel.open().to_string(),
        codes: listed.codes.clone(),
        stage: one.funnel.stage.code(),
    }
}

fn sum(currency: &str, sums: &Totals) -> Sum {
    Sum {
        currency: currency.to_owned(),
        invoices: sums.invoices,
        first_pass: sums.passed,
        audited: sums.audited,
        billed: sums.billed.to_string(),
        found: sums.found.to_string(),
        disputed: sums.disputed.to_string(),
        accepted: sums.accepted.to_string(),
        recovered: sums.recovered.to_string(),
        written_off: sums.written_off.to_string(),
        open: sums.open.to_string(),
    }
}

fn table(found: &Listed) {
    for (currency, sums) in &found.totals {
        println!(
            "{}, {} of {} first bills as agreed; {currency}: billed {}, found {}, recovered {}, written off {}, open {}",
            words::count(sums.invoices, "invoice"),
            words::figure(sums.passed),
            words::figure(sums.audited),
            words::amount(sums.billed),
            words::amount(sums.found),
            words::amount(sums.recovered),
            words::amount(sums.written_off),
            words::amount(sums.open)
        );
    }
    let header = [
        "partner",
        "invoice",
        "received",
        "billed",
        "approved",
        "disputed",
        "at risk",
        "codes",
        "what to do",
        "dispute",
    ];
    let cells = |one: &Shown| {
        let listed = &one.listed;
        vec![
            listed.partner.clone(),
            listed.number.clone(),
            listed.received_on.to_string(),
            words::amount(listed.billed),
            words::amount(listed.approved),
            words::amount(listed.disputed),
            words::amount(one.funnel.open()),
            listed.codes.clone(),
            listed.outcome.label().to_owned(),
            one.funnel.stage.label().to_owned(),
        ]
    };
    print_table(&header, &found.rows.iter().take(ROWS_SHOWN).map(cells).collect::<Vec<_>>());
    if found.rows.len() > ROWS_SHOWN {
        println!("and {} more; --format json has them all", words::figure(found.rows.len() - ROWS_SHOWN));
    }
}
