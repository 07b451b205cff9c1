//! Settings of the process: defaults, then `lanemark.toml`, then the environment.
//!
//! `DATABASE_URL` names the database; everything else is `LANEMARK_` and the name in capitals, with
//! two underscores into a group: `LANEMARK_BIND`, `LANEMARK_MAIL__SMTP__HOST`.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::db::{DbError, DbUrl};

/// The file looked for in the working directory.
pub const FILE: &str = "lanemark.toml";

/// Connections of one process. More than this serves nobody: SQLite has one writer, and PostgreSQL
/// pays for each.
const MAX_POOL_SIZE: u32 = 64;

/// Seconds of a lease: long enough for a few heartbeats, short enough that a night's work is not missed.
const LEASE_SECONDS: RangeInclusive<u16> = 3..=3_600;

/// Fewest characters of `secret`.
const MIN_SECRET_CHARS: usize = 32;

/// A word that must not be shown: printing it gives an ellipsis.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The secret itself; for handing on, not for showing.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Everything a process is told from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `sqlite://FILE` or `postgres://USER@HOST/NAME`; may hold a password, so show it by
    /// [`DbUrl::display`].
    database_url: Secret,
    /// Address and port to listen on.
    pub bind: SocketAddr,
    /// The public address of the site, as people type it; mails link to it, and `https` there turns
    /// on secure cookies.
    #[serde(with = "url_text")]
    pub base_url: Url,
    /// Database connections of this process.
    pub pool_size: u32,
    /// Signs cookies. Without one, a secret is made on the first start and kept in the database.
    pub secret: Option<Secret>,
    /// Whether a proxy in front sets `X-Forwarded-For` and `Forwarded`. Only then is the address in
    /// them believed.
    pub trust_proxy: bool,
    /// How mail leaves.
    pub mail: MailConfig,
    /// How jobs run.
    pub jobs: JobsConfig,
}

/// How jobs run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobsConfig {
    /// Seconds a process may be silent before another one takes its job over.
    pub lease_seconds: u16,
}

/// How mail leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// By SMTP, or into files.
    pub mode: MailMode,
    /// The sender, `Name <address>` or an address.
    pub from: String,
    /// Where [`MailMode::File`] writes one `.eml` file a message.
    pub dir: PathBuf,
    /// The server of [`MailMode::Smtp`].
    pub smtp: SmtpConfig,
}

/// The two ways out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailMode {
    /// One file a message: nothing leaves the machine.
    File,
    /// To a mail server.
    Smtp,
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// Its name.
    pub host: String,
    /// Its port; 0 takes the usual one of `tls`.
    pub port: u16,
    /// How the connection is protected.
    pub tls: SmtpTls,
    /// The account, if the server wants one.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
}

impl SmtpConfig {
    /// The port to use.
    #[must_use]
    pub fn port(&self) -> u16 {
        match (self.port, self.tls) {
            (0, SmtpTls::Tls) => 465,
            (0, SmtpTls::Starttls) => 587,
            (0, SmtpTls::None) => 25,
            (port, _) => port,
        }
    }
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// From the first byte.
    Tls,
    /// After a greeting in clear; refused when the server has none.
    Starttls,
    /// Not at all: for a relay on the same machine.
    None,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: Secret::new("sqlite://lanemark.db"),
            bind: SocketAddr::from(([127, 0, 0, 1], 8080)),
            base_url: local_url(),
            pool_size: 8,
            secret: None,
            trust_proxy: false,
            mail: MailConfig {
                mode: MailMode::File,
                from: "Lanemark <lanemark@localhost>".to_owned(),
                dir: PathBuf::from("lanemark-mail"),
                smtp: SmtpConfig {
                    host: String::new(),
                    port: 0,
                    tls: SmtpTls::Starttls,
                    user: None,
                    password: None,
                },
            },
            jobs: JobsConfig { lease_seconds: 90 },
        }
    }
}

/// A URL as text, without asking the whole dependency tree for a feature.
mod url_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use url::Url;

    pub(super) fn serialize<S: Serializer>(url: &Url, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(url.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Url, D::Error> {
        let text = String::deserialize(input)?;
        Url::parse(&text).map_err(|error| D::Error::custom(format!("`{text}` is no web address: {error}")))
    }
}

#[expect(clippy::expect_used, reason = "a constant that a test reads")]
fn local_url() -> Url {
    Url::parse("http://127.0.0.1:8080").expect("the default address parses")
}

/// What is wrong with the settings, and where.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value does not read, or a name is unknown.
    #[error("{0}")]
    Read(String),
    /// A value reads but cannot be used.
    #[error("setting `{name}`: {reason}")]
    Value {
        /// Which.
        name: &'static str,
        /// What is wrong and what to write instead.
        reason: String,
    },
    /// `DATABASE_URL` is no address.
    #[error("setting `database_url`: {0}")]
    Database(#[source] DbError),
}

impl Config {
    /// Reads `file` if it exists, then the environment, and checks everything.
    ///
    /// # Errors
    /// The setting that is wrong and where it came from.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let mut sources = Figment::from(Serialized::defaults(Self::default()));
        // No file is fine; a file that cannot be read is not.
        if file.exists() {
            sources = sources.merge(Toml::file_exact(file));
        }
        let read: Self = sources
            .merge(Env::raw().only(&["DATABASE_URL"]))
            // Not settings of the process: where the tests find data.
            .merge(Env::prefixed("LANEMARK_").ignore(&["data"]).split("__"))
            .extract()
            .map_err(|error| ConfigError::Read(error.to_string()))?;
        read.check()?;
        Ok(read)
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        let wrong = |name, reason: &str| Err(ConfigError::Value { name, reason: reason.to_owned() });
        self.database()?;
        if !matches!(self.base_url.scheme(), "http" | "https") || self.base_url.host_str().is_none() {
            return wrong("base_url", "give the address people type, such as https://lanes.company.example");
        }
        if self.base_url.path() != "/" || self.base_url.query().is_some() {
            return wrong("base_url", "give scheme, host and port only; the site lives at the root");
        }
        if !(1..=MAX_POOL_SIZE).contains(&self.pool_size) {
            return wrong("pool_size", "give 1 to 64 connections");
        }
        if self.secret.as_ref().is_some_and(|secret| secret.reveal().chars().count() < MIN_SECRET_CHARS) {
            return wrong("secret", "give 32 characters or more, or none to have one made and kept");
        }
        if !LEASE_SECONDS.contains(&self.jobs.lease_seconds) {
            return wrong("jobs.lease_seconds", "give 3 to 3600 seconds");
        }
        if self.mail.from.trim().is_empty() {
            return wrong("mail.from", "name the sender of mails");
        }
        if self.mail.mode == MailMode::Smtp && self.mail.smtp.host.trim().is_empty() {
            return wrong("mail.smtp.host", "name the mail server, or set mail.mode to \"file\"");
        }
        if self.mail.smtp.user.is_some() != self.mail.smtp.password.is_some() {
            return wrong("mail.smtp.user", "give user and password together, or neither");
        }
        Ok(())
    }

    /// The database to open.
    ///
    /// # Errors
    /// [`ConfigError::Database`].
    pub fn database(&self) -> Result<DbUrl, ConfigError> {
        DbUrl::parse(self.database_url.reveal()).map_err(ConfigError::Database)
    }

    /// Takes another database than the one configured; the demo does.
    pub fn set_database(&mut self, url: &str) {
        self.database_url = Secret::new(url);
    }

    /// Where the site is reached, without a trailing slash.
    #[must_use]
    pub fn base(&self) -> &str {
        self.base_url.as_str().trim_end_matches('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_a_password_is_never_printed() {
        let mut config = Config::default();
        config.check().unwrap();
        config.mail.smtp.user = Some("mara".into());
        config.mail.smtp.password = Some(Secret::new("a lane is a promise"));
        config.set_database("postgres://mara:hunter2@db/lanemark");
        let shown = format!("{config:?}");
        assert!(!shown.contains("promise") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let with = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.check().unwrap_err().to_string()
        };
        assert!(with(|c| c.jobs.lease_seconds = 1).contains("jobs.lease_seconds"));
        assert!(with(|c| c.pool_size = 0).contains("pool_size"));
        assert!(with(|c| c.mail.mode = MailMode::Smtp).contains("mail.smtp.host"));
        assert!(with(|c| c.secret = Some(Secret::new("short"))).contains("secret"));
        assert!(with(|c| c.set_database("mysql://x")).contains("database_url"));
        assert!(with(|c| c.base_url = Url::parse("https://x.example/sub").unwrap()).contains("base_url"));
    }

    #[test]
    fn a_file_is_read_and_an_unknown_name_in_it_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(FILE);
        std::fs::write(&file, "bind = \"0.0.0.0:9000\"\n[mail.smtp]\ntls = \"tls\"\n").unwrap();
        let config = Config::load(&file).unwrap();
        assert_eq!((config.bind.port(), config.mail.smtp.port()), (9000, 465));
        std::fs::write(&file, "bindd = \"0.0.0.0:9000\"\n").unwrap();
        assert!(Config::load(&file).unwrap_err().to_string().contains("bindd"));
    }
}
