//! `lanemark export rates --contract NUMBER FILE`

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};

use lanemark::app::rate_sheet::{
    SheetChoice, SheetForm, rate_sheet_plan, rate_sheet_write, version_for_sheet,
};
use lanemark::domain::viewer::Viewer;
use lanemark::domain::words;
use lanemark::report::rates::SheetFormat;

use super::{Format, Session, shown};

/// What `export` writes.
#[derive(Subcommand)]
pub enum ExportCommand {
    /// Rate tables of a contract version, as `import rates` reads them.
    Rates(RatesArguments),
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
    let ExportCommand::Rates(arguments) = command;
    let file = &arguments.file;
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
