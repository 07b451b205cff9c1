//! Mail out of the house: what a message is ([`message`]), its wording ([`template`]) and the three
//! ways to hand it over ([`transport`]). Knows no database; the outbox is `app::mail`.

pub mod message;
pub mod template;
pub mod transport;

pub use message::{Outgoing, Part, Rendered};
pub use transport::{MailSettings, Mailer, SendError, SettingsError, TlsMode};
