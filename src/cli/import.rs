//! `lanemark import KIND FILE --mapping NAME|FILE`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use lanemark::app::import::{ImportRequest, Progress, default_rejects_path, import};
use lanemark::db::setting::reporting_zone;
use lanemark::feeds::kind::ImportKind;
use lanemark::feeds::mapping::Mapping;

use super::{Format, Session, shown};

/// Arguments of `import`.
#[derive(Args)]
pub struct ImportArguments {
    /// partners, lanes, shipments, events, tenders, capacity or charges.
    #[arg(value_parser = kind)]
    kind: ImportKind,
    /// The file: csv, csv.gz, tsv or xlsx.
    file: PathBuf,
    /// A shipped mapping or a mapping file; without one, columns named as our fields are taken.
    #[arg(long)]
    mapping: Option<String>,
    /// Where rejected rows go; made only when there are any.
    #[arg(long)]
    rejects: Option<PathBuf>,
    /// Do everything, then take it back.
    #[arg(long)]
    dry_run: bool,
    /// Leave the sums to the next refresh, which several files can share.
    #[arg(long)]
    no_refresh: bool,
}

fn kind(text: &str) -> Result<ImportKind, String> {
    ImportKind::named(text).ok_or_else(|| {
        let kinds: Vec<&str> = ImportKind::ALL.into_iter().map(ImportKind::name).collect();
        format!("there is no kind `{text}`; the kinds are {}", kinds.join(", "))
    })
}

/// Exit code when some rows were rejected: the good ones are in, the bad ones are in the rejects file.
/// 1 is an error and 2 a command line that cannot be understood.
const SOME_REJECTED: u8 = 3;

/// Runs the import and prints what it did.
pub fn run(session: &Session, arguments: &ImportArguments) -> anyhow::Result<ExitCode> {
    let mapping = match &arguments.mapping {
        Some(name) => Mapping::load(name)?,
        None => {
            let zone = reporting_zone(&mut *session.app.pool.get()?)?;
            Mapping::identity(arguments.kind).with_default_zone(zone)
        }
    };
    mapping.expect_kind(arguments.kind)?;
    let rejects =
        arguments.rejects.clone().unwrap_or_else(|| default_rejects_path(&arguments.file, session.app.now()));
    let request = ImportRequest {
        path: &arguments.file,
        mapping: &mapping,
        rejects,
        dry_run: arguments.dry_run,
        refresh: !arguments.no_refresh,
    };
    let bar = progress_bar();
    let report = import(&session.app, &request, &|progress: Progress| {
        bar.set_length(progress.bytes_total);
        bar.set_position(progress.bytes_read);
        bar.set_message(format!("{} rows", HumanCount(progress.rows)));
    })?;
    bar.finish_and_clear();
    match session.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => {
            let kept = if report.dry_run { " (dry run: nothing was kept)" } else { "" };
            println!(
                "{}: {} rows read, {} new, {} changed, {} already there, {} rejected{kept}",
                shown(&arguments.file),
                report.rows_read,
                report.rows_new,
                report.rows_changed,
                report.rows_same,
                report.rows_rejected,
            );
            if let Some(file) = &report.rejects_file {
                println!("rejected rows, each with its reason: {}", shown(file));
            }
        }
    }
    Ok(if report.rows_rejected == 0 { ExitCode::SUCCESS } else { ExitCode::from(SOME_REJECTED) })
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {bytes}/{total_bytes} {msg} {eta}") {
        bar.set_style(style);
    }
    bar
}
