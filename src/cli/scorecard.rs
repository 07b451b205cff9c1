//! `lanemark scorecard PARTNER --period P`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use rust_decimal::{Decimal, RoundingStrategy};

use lanemark::app::bundle::bundle;
use lanemark::app::score::{Published, tier_from_code};
use lanemark::db::Db;
use lanemark::db::dimension::Dimensions;
use lanemark::db::partner::partner_show;
use lanemark::db::scorecard::{ScorecardRow, scorecard_latest};
use lanemark::domain::formula::OwnUnit;
use lanemark::domain::kpi::Kpi;
use lanemark::domain::period::Period;
use lanemark::domain::scorecard::Tier;
use lanemark::domain::viewer::Viewer;

use super::output::{NO_DATA, print_table};
use super::{Format, Session};

/// Arguments of `scorecard`.
#[derive(Args)]
pub struct ScorecardArguments {
    /// Code, name or alias of the partner.
    partner: String,
    /// A month (2025-06) or quarter (2025-Q2).
    #[arg(long, value_parser = super::period)]
    period: Period,
    /// Write the evidence to this file: the document, what it was made by and every fact behind it. `lanemark verify
    /// --bundle FILE` makes the scorecard again from it, without a database.
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
}

/// Prints the newest publication.
pub fn run(session: &Session, arguments: &ScorecardArguments) -> anyhow::Result<ExitCode> {
    let app = &session.app;
    let mut db = app.pool.get()?;
    let partner_id = Dimensions::load(&mut db, &app.ids, app.now())?
        .partner(&arguments.partner)
        .with_context(|| format!("no partner has the code, name or alias `{}`", arguments.partner))?;
    let card =
        scorecard_latest(&mut db, &Viewer::system(), partner_id, arguments.period)?.with_context(|| {
            format!(
                "no scorecard of {} for {}; run `lanemark job run score-period --period {}`",
                arguments.partner, arguments.period, arguments.period
            )
        })?;
    if let Some(file) = &arguments.evidence {
        return write_evidence(session, &mut db, partner_id, card, file);
    }
    let snapshot: serde_json::Value = serde_json::from_str(&card.snapshot)?;
    match session.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&snapshot)?),
        Format::Table => {
            let standing = tier_from_code(&card.standing).map_or("no standing yet", Tier::title);
            let score = card.composite_tenths.map_or_else(
                || "not scored".to_owned(),
                |tenths| format!("score {}", Decimal::new(i64::from(tenths), 1)),
            );
            println!("{}, {}: {score}, {standing}", arguments.partner, arguments.period.title());
            let categories = snapshot.pointer("/result/categories").and_then(serde_json::Value::as_array);
            let rows: Vec<Vec<String>> = categories
                .into_iter()
                .flatten()
                .filter_map(|category| category.get("kpis")?.as_array())
                .flatten()
                .map(|kpi| row(kpi, &snapshot))
                .collect();
            print_table(&["kpi", "value", "unit", "n", "low", "high", "score"], &rows);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write_evidence(
    session: &Session,
    db: &mut Db,
    partner_id: i64,
    card: ScorecardRow,
    file: &Path,
) -> anyhow::Result<ExitCode> {
    let viewer = Viewer::system();
    let partner = partner_show(db, &viewer, partner_id)?.context("the partner is gone")?;
    let published = Published::read(card)?;
    let archive = bundle(db, &viewer, &partner, &published, session.app.now())?
        .context("the template the scorecard was made by is gone")?;
    std::fs::write(file, archive).with_context(|| format!("writing {}", file.display()))?;
    println!("{}", file.display());
    Ok(ExitCode::SUCCESS)
}

/// What an own KPI is declared in, by the definition in the document.
fn own_unit(snapshot: &serde_json::Value, code: &str) -> &'static str {
    let definitions = snapshot.pointer("/own/definitions").and_then(serde_json::Value::as_array);
    let is_it = |kpi: &&serde_json::Value| kpi.get("code").and_then(serde_json::Value::as_str) == Some(code);
    let unit = definitions.and_then(|all| all.iter().find(is_it)?.get("unit")?.as_str());
    unit.and_then(|unit| unit.parse().ok()).map_or("", OwnUnit::label)
}

fn row(kpi: &serde_json::Value, snapshot: &serde_json::Value) -> Vec<String> {
    let text = |name: &str| match kpi.get(name).unwrap_or(&serde_json::Value::Null) {
        serde_json::Value::Null => NO_DATA.to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut cells: Vec<String> =
        ["code", "value", "n", "low", "high", "score"].into_iter().map(text).collect();
    let code = text("code");
    let unit = match code.parse::<Kpi>() {
        Ok(kpi) => kpi.definition().unit.words(),
        Err(_) => own_unit(snapshot, &code),
    };
    cells.insert(2, unit.to_owned());
    if let Some(score) = cells.last_mut()
        && let Ok(exact) = score.parse::<Decimal>()
    {
        // Scores are published to a tenth (DOMAIN §0.2).
        *score = exact.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero).to_string();
    }
    cells
}
