//! `lanemark demo`: a realistic network to look around in.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use lanemark::app::demo::{Size, as_of, sign_ins};
use lanemark::config::Config;
use lanemark::db::DbUrl;
use lanemark::jobs::demo::{Demo, DemoOptions, run};

use super::Format;
use super::serve::{log_to_stderr, serve};

/// The database of the demo unless another one is named.
const DATABASE: &str = "sqlite://lanemark-demo.db";
/// Where the demo's mails are written.
const MAIL_FOLDER: &str = "lanemark-demo-mail";

#[derive(Args)]
pub struct DemoArguments {
    /// Stop before serving.
    #[arg(long)]
    no_serve: bool,
    /// Leave the generated csv files here, as examples of what can be imported.
    #[arg(long, value_name = "DIR")]
    keep_files: Option<PathBuf>,
}

/// Makes the demo or finds it made, prints how to sign in, and serves it.
pub fn demo(
    arguments: DemoArguments,
    database: Option<String>,
    format: Format,
    config: &Config,
) -> anyhow::Result<ExitCode> {
    let database = database.or_else(|| std::env::var("DATABASE_URL").ok());
    let options = DemoOptions {
        database: DbUrl::parse(database.as_deref().unwrap_or(DATABASE))?,
        size: Size::WHOLE,
        keep_files: arguments.keep_files,
        mail_folder: PathBuf::from(MAIL_FOLDER),
        base_url: config.base().to_owned(),
        pool_size: config.pool_size,
    };
    let begun = Instant::now();
    let demo = run(&options, &mut |line| {
        let seconds = begun.elapsed().as_millis();
        eprintln!("{:>4}.{} s  {line}", seconds / 1_000, seconds % 1_000 / 100);
    })?;
    match format {
        Format::Table => print_welcome(&demo, &options, config),
        Format::Json => print_json(&demo, &options, config),
    }
    if arguments.no_serve {
        return Ok(ExitCode::SUCCESS);
    }
    log_to_stderr();
    serve(demo.app, config)
}

fn print_welcome(demo: &Demo, options: &DemoOptions, config: &Config) {
    let state = if demo.built { "was made" } else { "is as you left it" };
    println!("\nThe demo in {} {state}.", options.database.display());
    println!("Its clock stands still at {} UTC.\n", as_of().format("%Y-%m-%d %H:%M"));
    println!("{:<16} {:<34} {:<24} name", "sign in as", "e-mail", "password");
    for known in sign_ins() {
        println!("{:<16} {:<34} {:<24} {}", known.role, known.email, known.password, known.name);
    }
    println!("\nThese passwords are the same in every demo and anybody may know them.");
    if !config.bind.ip().is_loopback() {
        println!("It listens on {}: whoever reaches that address can sign in.", config.bind);
    }
    println!("Mails are written to {}; none leaves this machine.", options.mail_folder.display());
    println!("Open {}", config.base());
    // What follows may be a server that never ends.
    let _ = std::io::stdout().flush();
}

fn print_json(demo: &Demo, options: &DemoOptions, config: &Config) {
    let people: Vec<_> = sign_ins()
        .into_iter()
        .map(|known| json!({ "role": known.role, "email": known.email, "password": known.password }))
        .collect();
    let answer = json!({
        "database": options.database.display(),
        "built": demo.built,
        "as_of": as_of(),
        "url": config.base(),
        "sign_ins": people,
    });
    println!("{answer}");
    let _ = std::io::stdout().flush();
}
