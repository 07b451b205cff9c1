//! `lanemark backup FILE` and `lanemark restore FILE`

use std::path::{Path, PathBuf};
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
    whole_or_none(file, |part| match url {
        DbUrl::Sqlite(path) => {
            if !path.is_file() {
                bail!("{} is no database", path.display());
            }
            Ok(backup_into(&mut url.connect()?, part)?)
        }
        DbUrl::Postgres(text) => tool("pg_dump", &["--format=custom", "--file"], part, &["--dbname", text]),
    })?;
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
            whole_or_none(path, |part| Ok(backup_into(&mut copy, part)?))?;
        }
        DbUrl::Postgres(text) => {
            tool("pg_restore", &["--exit-on-error", "--single-transaction"], file, &["--dbname", text])?;
        }
    }
    println!("{} is in {}", file.display(), url.display());
    Ok(ExitCode::SUCCESS)
}

/// Lets `write` fill a file beside `file` and gives it that name when it is whole, so that no half copy passes for one.
fn whole_or_none(file: &Path, write: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    if part.exists() {
        bail!("{} is there from a copy that was broken off; remove it first", part.display());
    }
    let done = write(part).and_then(|()| Ok(std::fs::rename(part, file)?));
    if done.is_err() && part.exists() {
        std::fs::remove_file(part).with_context(|| format!("removing {}", part.display()))?;
    }
    done.with_context(|| format!("copying into {}", file.display()))
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
