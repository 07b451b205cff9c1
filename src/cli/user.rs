//! `lanemark user add` and `lanemark user role`

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use lanemark::app::user::{NewUser, user_add, user_named, user_set_role};
use lanemark::db::dimension::Dimensions;
use lanemark::domain::viewer::{Role, Viewer};

use super::Session;

/// Commands about users.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Add a user. The password is read from standard input, one line.
    Add(UserArguments),
    /// Give a user another role; every session of the user ends.
    Role {
        /// The address the user signs in with.
        email: String,
        /// ADMIN, PROCUREMENT, `CARRIER_MANAGER`, FINANCE, CONTROLLER or AUDITOR; a partner's user stays one.
        #[arg(value_parser = role)]
        role: Role,
    },
}

/// Arguments of `user add`.
#[derive(Args)]
pub struct UserArguments {
    /// The address to sign in with.
    email: String,
    /// The name people read.
    #[arg(long)]
    name: String,
    /// ADMIN, PROCUREMENT, `CARRIER_MANAGER`, FINANCE, CONTROLLER, AUDITOR or PARTNER.
    #[arg(long, value_parser = role)]
    role: Role,
    /// Code, name or alias of the partner, for the role PARTNER.
    #[arg(long)]
    partner: Option<String>,
}

fn role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|error: lanemark::domain::viewer::UnknownRole| error.to_string())
}

/// Runs a command about users.
pub fn run(session: &Session, command: UserCommand) -> anyhow::Result<ExitCode> {
    match command {
        UserCommand::Add(arguments) => add(session, arguments),
        UserCommand::Role { email, role } => change_role(session, &email, role),
    }
}

fn change_role(session: &Session, email: &str, role: Role) -> anyhow::Result<ExitCode> {
    let app = &session.app;
    let mut db = app.pool.get()?;
    let user = user_named(&mut db, email).with_context(|| format!("looking for the user `{email}`"))?;
    let seen = user.role()?;
    user_set_role(app, &mut db, &Viewer::system(), user.id, (seen, role))?;
    println!("{} was {} and is {} now; every session has ended", user.email, seen.title(), role.title());
    Ok(ExitCode::SUCCESS)
}

fn add(session: &Session, arguments: UserArguments) -> anyhow::Result<ExitCode> {
    let app = &session.app;
    let mut db = app.pool.get()?;
    let partner_id = match &arguments.partner {
        None => None,
        Some(name) => {
            let found = Dimensions::load(&mut db, &app.ids, app.now())?.partner(name);
            Some(found.with_context(|| format!("no partner has the code, name or alias `{name}`"))?)
        }
    };
    let new = NewUser {
        email: arguments.email,
        name: arguments.name,
        role: arguments.role,
        partner_id,
        password: read_password()?,
    };
    user_add(app, &mut db, &Viewer::system(), &new)?;
    println!("{} may sign in as {}", new.email, new.role.title());
    Ok(ExitCode::SUCCESS)
}

fn read_password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        eprintln!("password (shown as you type; 12 characters or more):");
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("reading the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        bail!("no password on standard input; type one, or pipe it in");
    }
    Ok(password)
}
