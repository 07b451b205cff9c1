//! The service as a process of its own, spoken to over its socket.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use super::app::PASSWORD;
use super::process::{Desk, Running, wait_for};

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// A running server.
pub struct Server {
    /// Its process; killed when dropped.
    pub process: Running,
    address: String,
}

impl Server {
    /// Starts one beside the database of `desk` and waits until it answers.
    pub fn start(desk: &Desk) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let mut server = Self {
            process: desk.start(&["serve"], &[("LANEMARK_BIND", &address)]),
            address: address.clone(),
        };
        wait_for("the server to answer", || {
            assert!(!server.process.has_ended(), "{:?}", server.process.said());
            server.is_up().then_some(())
        });
        server
    }

    /// Whether it answers.
    pub fn is_up(&self) -> bool {
        let health = self.ask(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        health.is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// What it answers to these bytes, after which nothing more comes; none when it does not listen.
    pub fn ask(&self, bytes: &[u8]) -> Option<String> {
        exchange(&self.address, bytes, true)
    }

    /// The cookies of a user who signs in.
    pub fn sign_in(&self, email: &str) -> String {
        let form = form("/sign-in", "", &[("email", email), ("password", PASSWORD)]);
        let answer = exchange(&self.address, &form, false).unwrap();
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        let cookies = answer
            .lines()
            .filter_map(|line| line.strip_prefix("set-cookie: "))
            .filter_map(|cookie| cookie.split(';').next());
        cookies.collect::<Vec<_>>().join("; ")
    }

    /// Sends a form from another thread.
    pub fn send(&self, form: Vec<u8>) -> std::thread::JoinHandle<Option<String>> {
        let address = self.address.clone();
        std::thread::spawn(move || exchange(&address, &form, false))
    }
}

/// A form as one of our own pages sends it.
pub fn form(path: &str, cookies: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nsec-fetch-site: same-origin\r\ncookie: {cookies}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A whole form ends by its length; only of other bytes does the server have to know that no more come.
fn exchange(address: &str, bytes: &[u8], hang_up: bool) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
    // The server may hang up before it has read everything; that is an answer too.
    let _early = stream.write_all(bytes);
    if hang_up {
        let _half = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    let _cut = stream.read_to_end(&mut answer);
    Some(String::from_utf8_lossy(&answer).into_owned())
}
