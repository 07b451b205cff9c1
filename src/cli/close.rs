//! `lanemark close MONTH [--check]`: closes a month of the books, or says what is left to do.

use std::process::ExitCode;

use serde_json::json;

use lanemark::app::books::close::{CloseView, close_month, close_view, closing_operator, reperform};
use lanemark::domain::books::CloseRefused;
use lanemark::domain::period::Period;

use super::{Format, Session, period};

/// Arguments of `close`.
#[derive(clap::Args)]
pub struct CloseArguments {
    /// The month, such as 2026-06.
    #[arg(value_parser = period)]
    month: Period,
    /// Re-perform the ledger and say how far the steps are, without closing.
    #[arg(long)]
    check: bool,
}

/// Re-performs the ledger, then closes the month or says what is left; the exit code is 0 only when it is closed, or with
/// `--check` when it can be.
pub fn run(session: &Session, arguments: &CloseArguments) -> anyhow::Result<ExitCode> {
    let (app, month, by) = (&session.app, arguments.month, closing_operator());
    let look = || -> anyhow::Result<CloseView> {
        let mut db = app.pool.get()?;
        Ok(close_view(app, &mut db, &by, Some(month))?)
    };
    let mut view = look()?;
    // A month that is not next is refused before anything is computed.
    if view.closed.is_none() && matches!(view.may_close, Ok(()) | Err(CloseRefused::StepsLeft { .. })) {
        reperform(app, &by, month)?;
        view = look()?;
    }
    if arguments.check {
        tell(session.format, &view)?;
        return Ok(if view.may_close.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let closed = match close_month(app, &by, month) {
        Ok(row) => row,
        Err(error) => {
            tell(session.format, &view)?;
            return Err(error.into());
        }
    };
    match session.format {
        Format::Json => {
            println!("{}", json!({ "month": closed.month, "ledger_sha256": closed.ledger_sha256 }));
        }
        Format::Table => println!("{} is closed", month.title()),
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(format: Format, view: &CloseView) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            let steps: Vec<_> = view
                .steps
                .iter()
                .map(|step| {
                    json!({ "step": step.kind, "state": step.state, "finding": step.finding, "todo": step.todo })
                })
                .collect();
            let refused = view.may_close.as_ref().err().map(ToString::to_string);
            let told = json!({ "month": view.month, "may_close": refused.is_none(), "refused": refused, "steps": steps });
            println!("{}", serde_json::to_string_pretty(&told)?);
        }
        Format::Table => {
            for step in &view.steps {
                let todo = if step.is_settled() { String::new() } else { format!("; {}", step.todo) };
                println!("{:<11} {}: {}{todo}", step.state.label(), step.kind.label(), step.finding);
            }
            match &view.may_close {
                Ok(()) => println!("{} can be closed", view.month.title()),
                Err(CloseRefused::StepsLeft { .. }) => {
                    println!("{} cannot be closed yet", view.month.title());
                }
                Err(refused) => println!("{refused}"),
            }
        }
    }
    Ok(())
}
