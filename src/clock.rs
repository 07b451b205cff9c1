//! The only place that asks the host for the time. Everything else takes an instant.

use chrono::{DateTime, SubsecRound, Utc};

/// Where "now" comes from: the host, or a fixed instant for tests and the demo.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The host's clock.
    System,
    /// Always this instant.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// Whether it never moves on, as in the demo.
    #[must_use]
    pub fn stands_still(self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// Now, in whole microseconds as the databases keep it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the host's clock is read")]
    pub fn now(self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now().trunc_subsecs(6),
            Self::Fixed(at) => at,
        }
    }
}
