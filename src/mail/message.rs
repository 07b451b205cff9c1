//! One mail as MIME: text, HTML and the pictures the HTML shows.
//!
//! Addresses and headers go through lettre's types, so no line break in a name or a subject can add a
//! header. Message-ID and Date come from the stored mail, so a mail that is sent twice (the process
//! died between sending and noting it) is the same message twice, and receivers drop the repeat.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::address::AddressError;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};

/// The longest subject; the rest is cut off.
const MAX_SUBJECT_CHARS: usize = 200;

/// A rendered message: what a template makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// For readers without HTML.
    pub text: String,
    /// The HTML body; pictures are named `cid:…`.
    pub html: String,
}

/// A picture inside the HTML body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name the HTML body calls it by, without `cid:`.
    pub content_id: String,
    /// Its MIME type, such as `image/png`.
    pub content_type: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// A mail ready to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The stored mail's id; names the message and its file.
    pub mail_id: i64,
    /// The address it goes to.
    pub to: String,
    /// Subject and bodies.
    pub message: Rendered,
    /// Pictures.
    pub parts: Vec<Part>,
    /// When it was queued; its Date header.
    pub created_at: DateTime<Utc>,
}

/// Why a mail cannot be put into MIME; trying again does not help.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// The address is none.
    #[error("`{address}` is not a mail address: {reason}; correct the contact and send again")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: AddressError,
    },
    /// A picture has a MIME type that is none.
    #[error("picture `{content_id}` has the content type `{content_type}`, which is none")]
    ContentType {
        /// The picture.
        content_id: String,
        /// What was given.
        content_type: String,
    },
    /// The parts do not make a message.
    #[error("the message cannot be built: {0}")]
    Build(#[from] lettre::error::Error),
}

/// Reads `name@host` or `Name <name@host>`.
///
/// # Errors
/// [`MessageError::Address`].
pub fn address_parse(text: &str) -> Result<Mailbox, MessageError> {
    text.trim().parse().map_err(|reason| MessageError::Address { address: text.to_owned(), reason })
}

/// One line without control characters, cut to a bounded length.
#[must_use]
pub fn subject_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").chars().take(MAX_SUBJECT_CHARS).collect()
}

/// Puts a mail into MIME: `alternative(text, related(html, pictures))`.
///
/// `host` is the right side of the Message-ID.
///
/// # Errors
/// [`MessageError`].
pub fn message_build(from: &Mailbox, host: &str, mail: &Outgoing) -> Result<Message, MessageError> {
    let mut related = MultiPart::related().singlepart(SinglePart::html(mail.message.html.clone()));
    for part in &mail.parts {
        let kind = ContentType::parse(&part.content_type).map_err(|_| MessageError::ContentType {
            content_id: part.content_id.clone(),
            content_type: part.content_type.clone(),
        })?;
        related = related
            .singlepart(Attachment::new_inline(part.content_id.clone()).body(part.content.clone(), kind));
    }
    let body =
        MultiPart::alternative().singlepart(SinglePart::plain(mail.message.text.clone())).multipart(related);
    let automatic =
        HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    Ok(Message::builder()
        .from(from.clone())
        .to(address_parse(&mail.to)?)
        .subject(subject_line(&mail.message.subject))
        .message_id(Some(format!("<lanemark.{}@{host}>", mail.mail_id)))
        .date(host_time(mail.created_at))
        .raw_header(automatic)
        .multipart(body)?)
}

/// The same instant in the host's type, which lettre asks for.
fn host_time(at: DateTime<Utc>) -> SystemTime {
    let micros = u64::try_from(at.timestamp_micros()).unwrap_or(0);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(micros)).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn outgoing() -> Outgoing {
        Outgoing {
            mail_id: 42,
            to: "Ops <ops@carrier.example>".into(),
            message: Rendered {
                subject: "June".into(),
                text: "plain words".into(),
                html: "<p>marked words</p><img src=\"cid:chart\">".into(),
            },
            parts: vec![Part {
                content_id: "chart".into(),
                content_type: "image/png".into(),
                content: vec![137, 80, 78, 71],
            }],
            created_at: DateTime::from_timestamp(1_750_000_000, 0).unwrap(),
        }
    }

    fn formatted(mail: &Outgoing) -> String {
        let from = address_parse("Lanemark <noreply@shipper.example>").unwrap();
        String::from_utf8(message_build(&from, "shipper.example", mail).unwrap().formatted()).unwrap()
    }

    #[test]
    fn text_html_and_picture_are_nested_as_readers_expect() {
        let text = formatted(&outgoing());
        let places: Vec<usize> = [
            "Message-ID: <lanemark.42@shipper.example>",
            "Date: Sun, 15 Jun 2025 15:06:40",
            "multipart/alternative",
            "plain words",
            "multipart/related",
            "marked words",
            "Content-ID: <chart>",
        ]
        .iter()
        .map(|needle| text.find(needle).unwrap_or_else(|| panic!("no `{needle}` in\n{text}")))
        .collect();
        assert!(places[2..].is_sorted(), "{places:?}\n{text}");
        assert!(
            text.contains("Auto-Submitted: auto-generated") && text.contains("Content-Disposition: inline")
        );
    }

    #[test]
    fn no_line_break_adds_a_header() {
        let mut mail = outgoing();
        mail.message.subject = "June\r\nBcc: all@world.example".into();
        let text = formatted(&mail);
        assert!(!text.contains("\r\nBcc:"), "{text}");
        mail.to = "ops@carrier.example\r\nBcc: all@world.example".into();
        let from = address_parse("noreply@shipper.example").unwrap();
        assert!(matches!(message_build(&from, "shipper.example", &mail), Err(MessageError::Address { .. })));
        mail.to = "\"Eve\r\nBcc: x@y.example\" <ops@carrier.example>".into();
        if let Ok(message) = message_build(&from, "shipper.example", &mail) {
            let text = String::from_utf8(message.formatted()).unwrap();
            assert!(!text.contains("\r\nBcc:") && !text.contains("\nBcc:"), "{text}");
        }
    }
}
