//! `lanemark serve`: pages and scheduler in one process.

use std::process::ExitCode;

use anyhow::Context;

use lanemark::app::App;
use lanemark::app::mail::mailer_open;
use lanemark::config::Config;
use lanemark::jobs::Runner;
use lanemark::jobs::Scheduler;
use lanemark::web::{self, WebConfig};

/// Serves until the process is told to stop.
pub fn run(config: &Config) -> anyhow::Result<ExitCode> {
    log_to_stderr();
    let url = config.database()?;
    let pool = url.open(config.pool_size).with_context(|| format!("opening {}", url.display()))?;
    let clock = lanemark::app::demo::clock(&mut *pool.get()?)?;
    let app = App::new(pool, clock, config.base()).with_mailer(mailer_open(&config.mail)?);
    serve(app, config)
}

/// Serves `app` and runs its jobs, whatever clock it has.
pub fn serve(app: App, config: &Config) -> anyhow::Result<ExitCode> {
    actix_web::rt::System::new().block_on(async {
        let runner = Runner::new(app.clone()).leasing_seconds(config.jobs.lease_seconds);
        let scheduler = Scheduler::start(runner).await?;
        let served = web::serve(app, WebConfig::from(config)).await;
        scheduler.stop().await?;
        served
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What is logged when `RUST_LOG` is not set; the cron library tells of every line it reads.
const USUAL_LOG: &str = "info,tokio_cron_scheduler=warn";

/// Log lines on standard error; `RUST_LOG` chooses how many.
pub fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| USUAL_LOG.into());
    // A second call, from a test or a command that serves after other work, keeps the first.
    let _already = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
