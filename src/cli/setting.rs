//! `lanemark setting list` and `lanemark setting set KEY VALUE`

use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use lanemark::app::setting::{setting_change, setting_list};
use lanemark::domain::viewer::Viewer;

use super::Session;
use super::output::print;

/// Commands about what an installation is set to.
#[derive(Subcommand)]
pub enum SettingCommand {
    /// Every setting, its value and what it is.
    List,
    /// Set one; the audit log notes it.
    Set {
        /// Its name; `lanemark setting list` shows them.
        key: String,
        /// Its value.
        value: String,
    },
}

#[derive(Serialize)]
struct Line {
    key: &'static str,
    value: String,
    is_set: bool,
    about: &'static str,
}

/// Runs a command about settings.
pub fn run(session: &Session, command: &SettingCommand) -> anyhow::Result<ExitCode> {
    let app = &session.app;
    let mut db = app.pool.get()?;
    match command {
        SettingCommand::List => {
            let lines: Vec<Line> = setting_list(&mut db)?
                .into_iter()
                .map(|(setting, value)| Line {
                    key: setting.key,
                    is_set: value.is_some(),
                    value: value.unwrap_or_else(|| setting.default.to_owned()),
                    about: setting.about,
                })
                .collect();
            print(session.format, &lines, &["setting", "value", ""], |line| {
                vec![line.key.to_owned(), line.value.clone(), line.about.to_owned()]
            })?;
        }
        SettingCommand::Set { key, value } => {
            setting_change(app, &mut db, &Viewer::system(), key, value)?;
            println!("{key} is {}", value.trim());
        }
    }
    Ok(ExitCode::SUCCESS)
}
