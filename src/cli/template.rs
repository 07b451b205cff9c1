//! `lanemark template list`, `template show`, `template set FILE`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use serde::Serialize;

use lanemark::app::edit::EditError;
use lanemark::app::template::{
    TemplateVersion, scope_words, template_books, template_draft, template_propose,
};
use lanemark::domain::scorecard::{TemplateDraft, season_words};
use lanemark::domain::viewer::{Role, Viewer};

use super::output::print;
use super::{Format, Session};

/// Commands about scorecard templates.
#[derive(Subcommand)]
pub enum TemplateCommand {
    /// Every version, by template, the newest first.
    List,
    /// A version as a file that `set` reads: TOML, or JSON with `--format json`.
    Show {
        /// A template such as STANDARD, then the version in force, or a version such as STANDARD-2.
        name: String,
    },
    /// Propose the version in a file, TOML or JSON. Somebody agrees to it on its page.
    Set {
        /// The file; `lanemark template show STANDARD` writes one to begin with.
        file: PathBuf,
    },
}

#[derive(Serialize)]
struct Line {
    template: String,
    version: String,
    valid_from: chrono::NaiveDate,
    state: &'static str,
    #[serde(rename = "for")]
    scope: String,
    months: String,
    proposed_by: String,
    reason: String,
}

/// Who proposes from the command line; somebody else agrees in any case.
fn author() -> Viewer {
    Viewer { name: "command line".to_owned(), role: Role::CarrierManager, ..Viewer::system() }
}

fn state(version: &TemplateVersion) -> &'static str {
    match version.proposal.as_ref().map(|proposal| proposal.state) {
        _ if version.agreed => "agreed",
        Some(None) => "waits",
        Some(Some(decision)) => decision.label(),
        None => "unknown",
    }
}

/// Runs a command about templates.
pub fn run(session: &Session, command: &TemplateCommand) -> anyhow::Result<ExitCode> {
    let app = &session.app;
    let mut db = app.pool.get()?;
    let viewer = author();
    match command {
        TemplateCommand::List => {
            let mut lines = Vec::new();
            for book in template_books(app, &mut db)? {
                for one in &book.versions {
                    let row = one.proposal.as_ref().map(|proposal| &proposal.row);
                    lines.push(Line {
                        template: book.code.clone(),
                        version: one.template.version.clone(),
                        valid_from: one.valid_from,
                        state: state(one),
                        scope: scope_words(&mut db, &viewer, &one.template.terms)?,
                        months: season_words(&one.template.terms.months),
                        proposed_by: row.map(|row| row.proposed_by.clone()).unwrap_or_default(),
                        reason: row.map(|row| row.reason.clone()).unwrap_or_default(),
                    });
                }
            }
            let header =
                ["template", "version", "counts from", "state", "for", "months", "proposed by", "why"];
            print(session.format, &lines, &header, |line| {
                vec![
                    line.template.clone(),
                    line.version.clone(),
                    line.valid_from.to_string(),
                    line.state.to_owned(),
                    line.scope.clone(),
                    line.months.clone(),
                    line.proposed_by.clone(),
                    line.reason.clone(),
                ]
            })?;
        }
        TemplateCommand::Show { name } => {
            let books = template_books(app, &mut db)?;
            let of_book = books.iter().find(|book| book.code == *name).and_then(|book| book.shown());
            let named =
                || books.iter().flat_map(|book| &book.versions).find(|one| one.template.version == *name);
            let shown = of_book.or_else(named).with_context(|| {
                format!("there is no template or version `{name}`; `lanemark template list` shows them")
            })?;
            let draft = template_draft(&mut db, &viewer, &shown.template)?;
            match session.format {
                Format::Json => println!("{}", serde_json::to_string_pretty(&draft)?),
                Format::Table => print!("{}", toml::to_string(&draft)?),
            }
        }
        TemplateCommand::Set { file } => {
            let text =
                std::fs::read_to_string(file).with_context(|| format!("reading {}", super::shown(file)))?;
            let draft =
                TemplateDraft::read(&text).map_err(|why| anyhow::anyhow!("{}: {why}", super::shown(file)))?;
            match template_propose(app, &mut db, &viewer, &draft) {
                Ok(version) => println!(
                    "{version} is proposed from {}; it counts once somebody agrees to it at {}/template-versions/{version}",
                    draft.first_period, app.base_url
                ),
                Err(EditError::Invalid(errors)) => {
                    let told: Vec<String> =
                        errors.iter().map(|(field, words)| format!("  {field}: {words}")).collect();
                    anyhow::bail!("{} is not proposed:\n{}", super::shown(file), told.join("\n"));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
