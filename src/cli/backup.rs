//! `lanemark backup FILE` and `lanemark restore FILE`

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use clap::Args;

use lanemark::db::DbUrl;
use lanemark::db::dialect::backup_into;

/// The file to write or to read.
#[derive(Args)]
pub struct BackupArguments {
    /// The file.
    file: PathBuf,
}

/// Copies the database into a file while it is in use.
pub fn backup(url: &DbUrl, arguments: &BackupArguments) -> anyhow::Result<ExitCode> {
    let file = &arguments.file;
    if file.exists() {
        bail!("{} exists already; name a new file, so that no copy is lost", file.display());
    }
    match url {
        DbUrl::Sqlite(path) => {
            if !path.is_file() {
                bail!("{} is no database", path.display());
            }
            backup_into(&mut url.connect()?, file)?;
        }
        DbUrl::Postgres(text) => {
            tool("pg_dump", &["--format=custom", "--file"], file, &["--dbname", text])?;
        }
    }
    println!("{} is in {}", url.display(), file.display());
    Ok(ExitCode::SUCCESS)
}

/// Puts a copy in place of a database that is not there or empty.
pub fn restore(url: &DbUrl, arguments: &BackupArguments) -> anyhow::Result<ExitCode> {
    let file = &arguments.file;
    if !file.is_file() {
        bail!("{} is no file", file.display());
    }
    match url {
        DbUrl::Sqlite(path) => {
            if path.exists() {
                bail!("{} exists; move it away first, so that nothing is overwritten", path.display());
            }
            // Opening proves that the copy is a database, before anything takes its place.
            let mut copy = DbUrl::Sqlite(file.clone()).connect()?;
            lanemark::db::conn::migrate(&mut copy).with_context(|| format!("reading {}", file.display()))?;
            backup_into(&mut copy, path)?;
        }
        DbUrl::Postgres(text) => {
            tool("pg_restore", &["--exit-on-error", "--single-transaction"], file, &["--dbname", text])?;
        }
    }
    println!("{} is in {}", file.display(), url.display());
    Ok(ExitCode::SUCCESS)
}

/// PostgreSQL's own tools know its whole catalogue; a copy of ours would not.
fn tool(name: &str, before: &[&str], file: &std::path::Path, after: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(name)
        .args(before)
        .arg(file)
        .args(after)
        .status()
        .with_context(|| format!("starting {name}; install PostgreSQL's client tools"))?;
    if !status.success() {
        bail!("{name} did not finish: {status}; its own words stand above");
    }
    Ok(())
}
