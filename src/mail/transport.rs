//! Three ways to hand a mail over: an SMTP server, a folder of `.eml` files (the demo), or memory
//! (tests).

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport as _};

use super::message::{MessageError, Outgoing, address_parse, message_build};

/// How long one SMTP command may take unless set otherwise.
const DEFAULT_TIMEOUT_SECONDS: u64 = 30;
/// The longest wait that may be set, well below the time a sender owns a mail.
const MAX_TIMEOUT_SECONDS: u64 = 60;
/// How many such waits a connection may take from the first byte to a welcome, and a mail from there to its receipt: a
/// server that sends a byte now and then would otherwise hold us for ever.
const WAITS_IN_ALL: u32 = 2;
/// Connections that were given up and have not ended yet; with more than this nothing is sent.
const MAX_GIVEN_UP: usize = 4;
/// Connections kept open to the server.
const SMTP_CONNECTIONS: u32 = 2;
/// Replies that mean "we do not know you": the set-up is wrong, not the mail, so try again.
const AUTH_REPLIES: [&str; 4] = ["530", "534", "535", "538"];

/// How the connection to the SMTP server is kept private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TlsMode {
    /// Plain at first, then TLS before anything is said; a server without it is refused.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// No TLS. Only to the same machine, unless `allow_plain` is set.
    Plain,
}

/// How mail leaves, as the configuration says it.
#[derive(Clone)]
pub enum MailSettings {
    /// An SMTP server.
    Smtp {
        /// The sender, `Name <name@host>`.
        from: String,
        /// The server's name.
        host: String,
        /// Its port; 587 for STARTTLS, 465 for TLS, 25 for plain unless set.
        port: Option<u16>,
        /// How the connection is kept private.
        tls: TlsMode,
        /// The name to sign in with, if the server wants one.
        username: Option<String>,
        /// Its password.
        password: Option<String>,
        /// Seconds one command may take.
        timeout_seconds: Option<u64>,
        /// Allows a connection without TLS to another machine.
        allow_plain: bool,
    },
    /// One `.eml` file per mail.
    File {
        /// The sender.
        from: String,
        /// The folder; made when missing.
        folder: PathBuf,
    },
}

/// What is wrong with the mail settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The sender is no address.
    #[error("mail setting `from`: {0}")]
    From(#[from] MessageError),
    /// Plain SMTP to another machine.
    #[error(
        "mail setting `tls`: mail to {0} would cross the network unprotected; use starttls or tls, or set allow_plain on a trusted network"
    )]
    PlainAcrossNetwork(String),
    /// A user without a password or the other way round.
    #[error("mail settings `username` and `password` go together; set both or neither")]
    HalfCredentials,
    /// A password over a connection anybody can read.
    #[error("mail settings: a password is never sent without TLS; use starttls or tls")]
    PasswordInTheClear,
    /// TLS cannot be set up for the name.
    #[error("mail setting `host`: TLS to {host} cannot be set up: {reason}")]
    Tls {
        /// The server's name.
        host: String,
        /// The library's words.
        reason: String,
    },
    /// The folder cannot be made.
    #[error("mail setting `folder`: {folder} cannot be made: {reason}")]
    Folder {
        /// The folder.
        folder: String,
        /// The system's words.
        reason: String,
    },
}

/// Why a mail was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SendError {
    /// Sending the same mail again cannot help.
    pub permanent: bool,
    /// It is the server that cannot be reached or refuses us, so other mails would fare no better now.
    pub server: bool,
    /// What happened, for the outbox page.
    pub reason: String,
}

/// What the memory transport keeps of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The mail as it was given.
    pub mail: Outgoing,
    /// The whole message as it would go over the wire.
    pub mime: Vec<u8>,
}

/// Hands mails over.
#[derive(Clone, Debug)]
pub struct Mailer {
    from: Mailbox,
    host: String,
    transport: Transport,
}

#[derive(Clone, Debug)]
enum Transport {
    Smtp { server: SmtpTransport, name: String, patience: Patience },
    File(PathBuf),
    Memory(Arc<Mutex<Vec<Kept>>>),
}

impl Mailer {
    /// A mailer as configured.
    ///
    /// # Errors
    /// [`SettingsError`], naming the setting.
    pub fn from_settings(settings: &MailSettings) -> Result<Self, SettingsError> {
        match settings {
            MailSettings::File { from, folder } => Self::file(from, folder.clone()),
            MailSettings::Smtp {
                from,
                host,
                port,
                tls,
                username,
                password,
                timeout_seconds,
                allow_plain,
            } => {
                let credentials = match (username, password) {
                    (Some(user), Some(word)) => Some(Credentials::new(user.clone(), word.clone())),
                    (None, None) => None,
                    _ => return Err(SettingsError::HalfCredentials),
                };
                if *tls == TlsMode::Plain {
                    if !*allow_plain && !is_loopback(host) {
                        return Err(SettingsError::PlainAcrossNetwork(host.clone()));
                    }
                    if credentials.is_some() && !is_loopback(host) {
                        return Err(SettingsError::PasswordInTheClear);
                    }
                }
                let seconds =
                    timeout_seconds.unwrap_or(DEFAULT_TIMEOUT_SECONDS).clamp(1, MAX_TIMEOUT_SECONDS);
                let once = Duration::from_secs(seconds);
                let server = smtp_server(host, *port, *tls, credentials, once)?;
                let patience = Patience::new(once.saturating_mul(WAITS_IN_ALL));
                Self::new(from, Transport::Smtp { server, name: host.clone(), patience })
            }
        }
    }

    /// A mailer that writes `<mail id>.eml` files into `folder`.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn file(from: &str, folder: PathBuf) -> Result<Self, SettingsError> {
        std::fs::create_dir_all(&folder).map_err(|error| SettingsError::Folder {
            folder: folder.display().to_string(),
            reason: error.to_string(),
        })?;
        Self::new(from, Transport::File(folder))
    }

    /// A mailer that keeps what it is given; see [`Mailer::kept`].
    ///
    /// # Errors
    /// [`SettingsError::From`].
    pub fn memory(from: &str) -> Result<Self, SettingsError> {
        Self::new(from, Transport::Memory(Arc::default()))
    }

    fn new(from: &str, transport: Transport) -> Result<Self, SettingsError> {
        let from = address_parse(from)?;
        let host = from.email.domain().to_owned();
        Ok(Self { from, host, transport })
    }

    /// What a memory mailer was given so far; nothing for the others.
    #[must_use]
    pub fn kept(&self) -> Vec<Kept> {
        match &self.transport {
            Transport::Memory(kept) => kept.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Transport::Smtp { .. } | Transport::File(_) => Vec::new(),
        }
    }

    /// Hands one mail over and says who took it.
    ///
    /// # Errors
    /// [`SendError`]; permanent when the mail itself is at fault.
    pub fn send(&self, mail: &Outgoing) -> Result<String, SendError> {
        let message = message_build(&self.from, &self.host, mail).map_err(|error| SendError {
            permanent: true,
            server: false,
            reason: error.to_string(),
        })?;
        match &self.transport {
            Transport::Smtp { server, name, patience } => smtp_send(server, name, patience, message),
            Transport::File(folder) => {
                let path = folder.join(format!("{}.eml", mail.mail_id));
                // The name is the mail's id: sending it again replaces the file.
                std::fs::write(&path, message.formatted()).map_err(|error| SendError {
                    permanent: false,
                    server: true,
                    reason: format!("cannot write {}: {error}", path.display()),
                })?;
                Ok(path.display().to_string())
            }
            Transport::Memory(kept) => {
                let kept_mail = Kept { mail: mail.clone(), mime: message.formatted() };
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(kept_mail);
                Ok("memory".to_owned())
            }
        }
    }
}

fn smtp_server(
    host: &str,
    port: Option<u16>,
    tls: TlsMode,
    credentials: Option<Credentials>,
    timeout: Duration,
) -> Result<SmtpTransport, SettingsError> {
    let parameters = || {
        TlsParameters::new(host.to_owned())
            .map_err(|error| SettingsError::Tls { host: host.to_owned(), reason: error.to_string() })
    };
    let (default_port, tls) = match tls {
        TlsMode::StartTls => (587, Tls::Required(parameters()?)),
        TlsMode::Tls => (465, Tls::Wrapper(parameters()?)),
        TlsMode::Plain => (25, Tls::None),
    };
    let mut builder = SmtpTransport::builder_dangerous(host)
        .port(port.unwrap_or(default_port))
        .tls(tls)
        .timeout(Some(timeout))
        .pool_config(PoolConfig::new().max_size(SMTP_CONNECTIONS));
    if let Some(credentials) = credentials {
        builder = builder.credentials(credentials);
    }
    Ok(builder.build())
}

/// How long is waited for the server in all. The library limits each read alone.
#[derive(Clone, Debug)]
struct Patience {
    limit: Duration,
    given_up: Arc<AtomicUsize>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, given_up: Arc::default() }
    }

    /// Does `work` on a thread of its own, which is left to itself when the time is over.
    fn wait<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SendError> {
        let trouble = |reason: String| SendError { permanent: false, server: true, reason };
        if self.given_up.load(Ordering::Relaxed) >= MAX_GIVEN_UP {
            return Err(trouble(format!(
                "{name}: {MAX_GIVEN_UP} connections are still open that it did not answer in time"
            )));
        }
        // Without room for a result nobody fetches, so that either the thread or we know that it was given up.
        let (done, waiting) = mpsc::sync_channel(0);
        let given_up = Arc::clone(&self.given_up);
        given_up.fetch_add(1, Ordering::Relaxed);
        std::thread::Builder::new()
            .name("smtp".to_owned())
            .spawn(move || {
                if done.send(work()).is_err() {
                    given_up.fetch_sub(1, Ordering::Relaxed);
                }
            })
            .map_err(|error| {
                self.given_up.fetch_sub(1, Ordering::Relaxed);
                trouble(format!("{name}: no thread for the connection: {error}"))
            })?;
        match waiting.recv_timeout(self.limit) {
            Ok(found) => {
                self.given_up.fetch_sub(1, Ordering::Relaxed);
                Ok(found)
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                self.given_up.fetch_sub(1, Ordering::Relaxed);
                Err(trouble(format!("{name}: the connection broke down; the log says more")))
            }
            Err(mpsc::RecvTimeoutError::Timeout) => Err(trouble(format!(
                "{name}: it did not finish within {} seconds; look whether it is overloaded",
                self.limit.as_secs()
            ))),
        }
    }
}

fn smtp_send(
    server: &SmtpTransport,
    name: &str,
    patience: &Patience,
    message: Message,
) -> Result<String, SendError> {
    let test = || {
        let server = server.clone();
        patience.wait(name, move || server.test_connection())
    };
    // First the connection alone, which the server then keeps: one that is given up while it is greeted sends nothing
    // later on.
    let sent = match test()? {
        Ok(_) => {
            let server = server.clone();
            patience.wait(name, move || server.send(&message))?
        }
        Err(error) => Err(error),
    };
    match sent {
        Ok(reply) => {
            let words = reply.first_line().unwrap_or_default();
            Ok(format!("{name} ({} {words})", reply.code()).trim_end().to_owned())
        }
        Err(error) => {
            let code = error.status().map(|code| code.to_string()).unwrap_or_default();
            let refuses_us = AUTH_REPLIES.contains(&code.as_str());
            // The same reply may greet us or answer the mail: only a server that still welcomes us has judged the mail.
            let server =
                refuses_us || error.status().is_none() || (error.is_permanent() && !test()?.unwrap_or(false));
            Err(SendError {
                permanent: error.is_permanent() && !server,
                server,
                reason: format!("{name}: {}", with_causes(&error)),
            })
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread::JoinHandle;

    use super::super::message::Rendered;
    use super::*;

    fn mail() -> Outgoing {
        Outgoing {
            mail_id: 7,
            to: "ops@carrier.example".into(),
            message: Rendered { subject: "S".into(), text: "T".into(), html: "<p>H</p>".into() },
            parts: vec![],
            created_at: chrono::DateTime::from_timestamp(1_750_000_000, 0).unwrap(),
        }
    }

    fn smtp(host: &str, port: u16, tls: TlsMode, allow_plain: bool) -> MailSettings {
        MailSettings::Smtp {
            from: "Lanemark <noreply@shipper.example>".into(),
            host: host.into(),
            port: Some(port),
            tls,
            username: None,
            password: None,
            timeout_seconds: Some(5),
            allow_plain,
        }
    }

    /// A server on this machine for as many connections as `greetings`, which answers RCPT with `reply`; gives back all it
    /// heard.
    fn stub(greetings: &'static [&'static str], reply: &'static str) -> (u16, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let mut heard = Vec::new();
            for greeting in greetings {
                serve(listener.accept().unwrap().0, greeting, reply, &mut heard);
            }
            heard
        });
        (port, server)
    }

    fn serve(mut stream: TcpStream, greeting: &str, reply: &str, heard: &mut Vec<String>) {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut in_data = false;
        stream.write_all(format!("{greeting}\r\n").as_bytes()).unwrap();
        while let Some(Ok(line)) = lines.next() {
            let answer = match line.split_whitespace().next().unwrap_or_default() {
                "." if in_data => {
                    in_data = false;
                    "250 kept"
                }
                _ if in_data => "",
                "RCPT" => reply,
                "DATA" => {
                    in_data = true;
                    "354 go on"
                }
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            heard.push(line);
            if !answer.is_empty() && stream.write_all(format!("{answer}\r\n").as_bytes()).is_err() {
                break;
            }
            if answer == "221 bye" || heard.len() > 200 {
                break;
            }
        }
    }

    #[test]
    fn a_server_takes_the_mail() {
        let (port, server) = stub(&["220 stub"], "250 ok");
        let mailer = Mailer::from_settings(&smtp("127.0.0.1", port, TlsMode::Plain, false)).unwrap();
        assert_eq!(mailer.send(&mail()).unwrap(), "127.0.0.1 (250 kept)");
        drop(mailer);
        let heard = server.join().unwrap().join("\n");
        for line in [
            "MAIL FROM:<noreply@shipper.example>",
            "RCPT TO:<ops@carrier.example>",
            "Message-ID: <lanemark.7@shipper.example>",
        ] {
            assert!(heard.contains(line), "no `{line}` in\n{heard}");
        }
    }

    #[test]
    fn a_refusal_is_permanent_and_a_full_mailbox_is_not() {
        const ONCE: &[&str] = &["220 stub"];
        // A refused mail is asked about: does the server still welcome us?
        const TWICE: &[&str] = &["220 stub", "220 stub"];
        const CLOSED: &[&str] = &["554 no mail from you", "554 no mail from you"];
        for (greetings, reply, permanent, server_at_fault) in [
            (TWICE, "550 no such user", true, false),
            (ONCE, "452 full", false, false),
            (ONCE, "535 who are you", false, true),
            (CLOSED, "250 ok", false, true),
        ] {
            let (port, server) = stub(greetings, reply);
            let mailer = Mailer::from_settings(&smtp("localhost", port, TlsMode::Plain, false)).unwrap();
            let error = mailer.send(&mail()).unwrap_err();
            assert_eq!((error.permanent, error.server), (permanent, server_at_fault), "{reply}: {error}");
            drop(mailer);
            server.join().unwrap();
        }
    }

    #[test]
    fn a_server_without_starttls_is_told_nothing() {
        let (port, server) = stub(&["220 stub"], "250 ok");
        let mailer = Mailer::from_settings(&smtp("127.0.0.1", port, TlsMode::StartTls, false)).unwrap();
        assert!(!mailer.send(&mail()).unwrap_err().permanent);
        drop(mailer);
        assert!(!server.join().unwrap().iter().any(|line| line.starts_with("MAIL")));
    }

    #[test]
    fn a_server_that_takes_its_time_is_given_up() {
        // It takes connections and greets nobody.
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut mailer = Mailer::from_settings(&smtp("127.0.0.1", port, TlsMode::Plain, false)).unwrap();
        let Transport::Smtp { patience, .. } = &mut mailer.transport else { panic!("it is a server") };
        patience.limit = Duration::from_millis(20);
        for _ in 0..MAX_GIVEN_UP {
            let error = mailer.send(&mail()).unwrap_err();
            assert!(error.server && !error.permanent && error.reason.contains("within"), "{error}");
        }
        let error = mailer.send(&mail()).unwrap_err();
        assert!(error.server && error.reason.contains("4 connections are still open"), "{error}");
        drop(listener);
    }

    #[test]
    fn plain_mail_does_not_cross_the_network_unasked() {
        let refused = Mailer::from_settings(&smtp("mail.example", 25, TlsMode::Plain, false));
        assert!(matches!(refused, Err(SettingsError::PlainAcrossNetwork(_))));
        assert!(Mailer::from_settings(&smtp("mail.example", 25, TlsMode::Plain, true)).is_ok());
        assert!(Mailer::from_settings(&smtp("mail.example", 465, TlsMode::Tls, false)).is_ok());
    }

    #[test]
    fn sending_a_file_twice_leaves_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = Mailer::file("noreply@shipper.example", folder.path().join("out")).unwrap();
        mailer.send(&mail()).unwrap();
        let path = mailer.send(&mail()).unwrap();
        assert!(std::fs::read_to_string(path).unwrap().contains("To: ops@carrier.example"));
        assert_eq!(std::fs::read_dir(folder.path().join("out")).unwrap().count(), 1);
    }
}
