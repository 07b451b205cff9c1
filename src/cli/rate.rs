//! `lanemark rate --contract NUMBER FILE --mapping NAME|FILE`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use lanemark::app::rating::{RateBook, RatedShipment};
use lanemark::domain::viewer::Viewer;
use lanemark::feeds::kind::ImportKind;
use lanemark::feeds::mapping::Mapping;

use super::output::{NO_DATA, print_table};
use super::{Format, Session};

/// Arguments of `rate`.
#[derive(Args)]
pub struct RateArguments {
    /// Shipments to rate: csv, csv.gz, tsv or xlsx.
    file: PathBuf,
    /// Number of the contract.
    #[arg(long)]
    contract: String,
    /// A shipped mapping or a mapping file; without one, columns named as our fields are taken.
    #[arg(long)]
    mapping: Option<String>,
    /// A version of the contract for every row; without it, each row is rated by the version in force on its rating date,
    /// and by the newest with rates while none is signed.
    #[arg(long)]
    version: Option<i32>,
    /// Every step of every price.
    #[arg(long)]
    trace: bool,
}

/// Rates the file and prints the results in its order.
pub fn run(session: &Session, arguments: &RateArguments) -> anyhow::Result<ExitCode> {
    let mapping = match &arguments.mapping {
        Some(name) => Mapping::load(name)?,
        None => Mapping::identity(ImportKind::Requests),
    };
    mapping.expect_kind(ImportKind::Requests)?;
    let mut db = session.app.pool.get()?;
    let viewer = Viewer::system();
    let book = RateBook::open(&session.app, &mut db, &viewer, &arguments.contract, arguments.version)?;
    eprintln!("rated by contract {}, {}", book.contract, book.words());
    let unused = match session.format {
        Format::Json => json(&book, arguments, &mapping)?,
        Format::Table => table(&book, arguments, &mapping)?,
    };
    if !unused.is_empty() {
        eprintln!("not used, since no field has that name: {}", unused.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

/// One element at a time, so that memory does not grow with the file.
fn json(book: &RateBook, arguments: &RateArguments, mapping: &Mapping) -> anyhow::Result<Vec<String>> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut comma = "[\n";
    let unused = book.rate_file(&arguments.file, mapping, arguments.trace, |rated| {
        out.write_all(comma.as_bytes())?;
        comma = ",\n";
        serde_json::to_writer(&mut out, &rated).map_err(std::io::Error::from)
    })?;
    out.write_all(if comma == "[\n" { b"[]\n" } else { b"\n]\n" })?;
    out.flush()?;
    Ok(unused)
}

fn table(book: &RateBook, arguments: &RateArguments, mapping: &Mapping) -> anyhow::Result<Vec<String>> {
    let (mut rows, mut counts) = (Vec::new(), [0_u64; 3]);
    let unused = book.rate_file(&arguments.file, mapping, arguments.trace, |rated| {
        for (count, status) in counts.iter_mut().zip(["RATED", "UNRATED", "NOT_APPLICABLE"]) {
            *count += u64::from(rated.status == status);
        }
        rows.push(cells(&rated));
        for step in rated.trace.iter().flatten() {
            let step = format!("  {}. {}", step.stage, step.text);
            let blank = || String::new();
            rows.push(vec![blank(), blank(), blank(), blank(), blank(), step]);
        }
        Ok(())
    })?;
    print_table(&["reference", "version", "status", "total", "currency", "lane or reason"], &rows);
    let [rated, unrated, not_applicable] = counts;
    println!("{rated} rated, {unrated} unrated, {not_applicable} not applicable");
    Ok(unused)
}

fn cells(rated: &RatedShipment) -> Vec<String> {
    let total = rated.total.clone().unwrap_or_else(|| NO_DATA.to_owned());
    let mut why = rated.reason.clone().or_else(|| rated.lane.clone()).unwrap_or_default();
    if rated.size_unknown && rated.total.is_some() {
        why += " (at actual weight: no sides given)";
    }
    let version = rated.version.map_or_else(|| NO_DATA.to_owned(), |version| version.to_string());
    vec![rated.reference.clone(), version, rated.status.to_owned(), total, rated.currency.clone(), why]
}
