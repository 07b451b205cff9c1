//! `lanemark export rates|accessorials|fuel-table --contract NUMBER FILE` and `lanemark export journal`

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};

use lanemark::app::books::close::closing_operator;
use lanemark::app::books::export::{ExportFormat, batch_file, batch_make, batch_view};
use lanemark::app::rate_sheet::{
    SheetChoice, SheetForm, rate_sheet_plan, rate_sheet_write, version_for_sheet,
};
use lanemark::app::term_sheet::{term_sheet, version_for_terms};
use lanemark::domain::viewer::Viewer;
use lanemark::domain::words;
use lanemark::feeds::kind::ImportKind;
use lanemark::report::rates::SheetFormat;
use lanemark::report::sheet;

use super::{Format, Session, shown};

/// What `export` writes.
#[derive(Subcommand)]
pub enum ExportCommand {
    /// Rate tables of a contract version, as `import rates` reads them.
    Rates(RatesArguments),
    /// Accessorial rates of a contract version, as `import accessorials --contract NUMBER` reads them.
    Accessorials(TermsArguments),
    /// Fuel programmes of a contract version, as `import fuel-table --contract NUMBER` reads them.
    FuelTable(TermsArguments),
    /// Journal entries for the general ledger: the next batch, or an earlier one again, byte for byte.
    Journal(JournalArguments),
}

/// Arguments of `export journal`.
#[derive(Args)]
pub struct JournalArguments {
    /// The new file; without it one named after the batch, in this folder.
    file: Option<PathBuf>,
    /// A batch that was made already; without it the next one is made.
    #[arg(long)]
    batch: Option<i32>,
    /// Make the batch of what was posted up to and on this day; today without it.
    #[arg(long, value_name = "DAY", conflicts_with = "batch")]
    through: Option<NaiveDate>,
    /// How the file is written.
    #[arg(long = "as", value_enum, default_value_t = JournalForm::Csv)]
    form: JournalForm,
    /// A version of the layout for the journal file; without it the batch's own.
    #[arg(long)]
    layout: Option<i32>,
}

/// How a batch is written.
#[derive(Clone, Copy, ValueEnum)]
enum JournalForm {
    /// Comma-separated values.
    Csv,
    /// A workbook.
    Xlsx,
    /// JSON, as it is kept.
    Json,
    /// As the layout says.
    Journal,
}

/// Arguments of `export accessorials` and `export fuel-table`.
#[derive(Args)]
pub struct TermsArguments {
    /// The new file: csv or xlsx.
    file: PathBuf,
    /// Number of the contract.
    #[arg(long)]
    contract: String,
    /// A version; without it the one in force, else the newest.
    #[arg(long)]
    version: Option<i32>,
}

/// How prices stand in the file.
#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// One price a row; imports without a mapping.
    Long,
    /// Zones or classes across; imports with `--mapping rates-matrix`.
    Matrix,
}

/// Arguments of `export rates`.
#[derive(Args)]
pub struct RatesArguments {
    /// The new file: csv or xlsx.
    file: PathBuf,
    /// Number of the contract.
    #[arg(long)]
    contract: String,
    /// A version; without it the one in force, else the newest with rate tables.
    #[arg(long)]
    version: Option<i32>,
    /// One rate line only.
    #[arg(long)]
    line: Option<String>,
    /// How prices stand.
    #[arg(long, value_enum, default_value_t = Form::Long)]
    form: Form,
}

/// Writes the file and says what it leaves out.
pub fn run(session: &Session, command: &ExportCommand) -> anyhow::Result<ExitCode> {
    match command {
        ExportCommand::Rates(arguments) => rates(session, arguments),
        ExportCommand::Accessorials(arguments) => terms(session, arguments, ImportKind::AccessorialRates),
        ExportCommand::FuelTable(arguments) => terms(session, arguments, ImportKind::FuelTable),
        ExportCommand::Journal(arguments) => journal(session, arguments),
    }
}

fn journal(session: &Session, arguments: &JournalArguments) -> anyhow::Result<ExitCode> {
    let format = match arguments.form {
        JournalForm::Csv => ExportFormat::Csv,
        JournalForm::Xlsx => ExportFormat::Xlsx,
        JournalForm::Json => ExportFormat::Json,
        JournalForm::Journal => ExportFormat::Journal,
    };
    if let Some(file) = arguments.file.as_ref().filter(|file| file.exists()) {
        bail!("{} exists already; name a new file, so that none is lost", shown(file));
    }
    let by = closing_operator();
    let number = match arguments.batch {
        Some(number) => number,
        None => batch_make(&session.app, &by, arguments.through)?.batch,
    };
    let mut db = session.app.pool.get()?;
    let made = batch_file(&mut db, &by, number, format, arguments.layout)?;
    let file = arguments.file.clone().unwrap_or_else(|| PathBuf::from(&made.name));
    File::create_new(&file).and_then(|mut out| out.write_all(&made.bytes)).with_context(|| {
        format!("writing {}; `lanemark export journal --batch {number}` writes the batch again", shown(&file))
    })?;
    let (row, _) = batch_view(&mut db, &by, number)?;
    match session.format {
        Format::Json => println!(
            "{}",
            serde_json::json!({
                "batch": number,
                "entries": row.entries,
                "lines": row.lines,
                "content_sha256": row.content_sha256,
                "file": shown(&file),
            })
        ),
        Format::Table => {
            println!("{}: batch {number}, {}", shown(&file), words::count(row.entries, "entry"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How the name of the file says to write it.
fn format_of(file: &Path) -> anyhow::Result<SheetFormat> {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let format = match ending.as_deref() {
        Some("csv") => SheetFormat::Csv,
        Some("xlsx") => SheetFormat::Xlsx,
        _ => {
            bail!("{} ends neither in .csv nor in .xlsx; name it so, which says how to write it", shown(file))
        }
    };
    if file.exists() {
        bail!("{} exists already; name a new file, so that none is lost", shown(file));
    }
    Ok(format)
}

fn terms(session: &Session, arguments: &TermsArguments, kind: ImportKind) -> anyhow::Result<ExitCode> {
    let file = &arguments.file;
    let format = format_of(file)?;
    let mut db = session.app.pool.get()?;
    let viewer = Viewer::operator();
    let version = version_for_terms(&session.app, &mut db, &viewer, &arguments.contract, arguments.version)?;
    let sheet = term_sheet(&mut db, &viewer, version.id, kind)?;
    let rows = sheet.rows.len();
    let bytes = match format {
        SheetFormat::Csv => sheet::csv(&sheet.header, &sheet.rows)?,
        SheetFormat::Xlsx => sheet::workbook(vec![sheet])?,
    };
    File::create_new(file)
        .and_then(|mut out| out.write_all(&bytes))
        .with_context(|| format!("writing {}", shown(file)))?;
    match session.format {
        Format::Json => println!(
            "{}",
            serde_json::json!({ "contract": arguments.contract, "version": version.version, "rows": rows })
        ),
        Format::Table => println!(
            "{}: {} of contract {}, version {}",
            shown(file),
            words::many(rows, "row"),
            arguments.contract,
            version.version
        ),
    }
    Ok(ExitCode::SUCCESS)
}

fn rates(session: &Session, arguments: &RatesArguments) -> anyhow::Result<ExitCode> {
    let file = &arguments.file;
    let format = format_of(file)?;
    let form = match arguments.form {
        Form::Long => SheetForm::Long,
        Form::Matrix => SheetForm::Matrix,
    };
    let mut db = session.app.pool.get()?;
    let viewer = Viewer::operator();
    let version = version_for_sheet(&session.app, &mut db, &viewer, &arguments.contract, arguments.version)?;
    let choice = SheetChoice { line: arguments.line.as_deref(), form, format };
    let plan = rate_sheet_plan(&mut db, &viewer, version.id, choice)?;
    let out = File::create_new(file).with_context(|| format!("creating {}", shown(file)))?;
    let written = rate_sheet_write(&mut db, &viewer, plan, BufWriter::new(out)).inspect_err(|_| {
        // Half a sheet looks like a whole one.
        let _ = std::fs::remove_file(file);
    })?;
    match session.format {
        Format::Json => println!(
            "{}",
            serde_json::json!({
                "contract": arguments.contract,
                "version": version.version,
                "rates": written.rates,
                "rows": written.rows,
                "left_out": written.left_out,
            })
        ),
        Format::Table => {
            println!(
                "{}: {} in {}, of contract {}, version {}",
                shown(file),
                words::many(written.rates, "rate"),
                words::many(written.rows, "row"),
                arguments.contract,
                version.version
            );
            if !written.left_out.is_empty() {
                println!("not in the sheet, and kept where it is imported into a version of this contract:");
                written.left_out.iter().for_each(|what| println!("  {what}"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
