//! What every edit through a form shares: who may, and how it is refused.

use crate::db::DbError;
use crate::domain::challenge::NotNow;
use crate::domain::claim::Together;
use crate::domain::contract::ContractError;
use crate::domain::exclusion;
use crate::domain::field::FieldErrors;
use crate::domain::lifecycle::{Missing, Refused};
use crate::domain::negotiation;
use crate::domain::viewer::{Action, Role, Viewer};

/// Why an edit was not stored. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// There is no such thing, or it is another partner's: both look the same.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The role may not do this.
    #[error("as {} you may not do this", role.title())]
    Denied {
        /// The viewer's role.
        role: Role,
        /// What was tried.
        action: Action,
    },
    /// Fields of the form need attention.
    #[error("{} of the form need attention", crate::domain::words::many(.0.len(), "field"))]
    Invalid(FieldErrors),
    /// Somebody else changed it meanwhile.
    #[error(
        "someone changed the {0} while you were editing; look at it as it is now and make your change again"
    )]
    Stale(&'static str),
    /// Only drafts can be changed.
    #[error(
        "contract {contract}, version {version_no} is no draft any more and cannot be changed; have it returned while it is not signed, or start a new version"
    )]
    NotDraft {
        /// Contract number.
        contract: String,
        /// Version.
        version_no: i32,
    },
    /// Only one version is drafted at a time.
    #[error(
        "contract {contract}: version {version_no} is being drafted already; change that one, or discard it first"
    )]
    DraftExists {
        /// Contract number.
        contract: String,
        /// The draft.
        version_no: i32,
    },
    /// Who wrote a version does not approve it (DOMAIN §9).
    #[error(
        "contract {contract}, version {version_no} has your own changes in it; someone else with the right to approve must do it"
    )]
    OwnWork {
        /// Contract number.
        contract: String,
        /// Version.
        version_no: i32,
    },
    /// A step that the life of a version does not allow.
    #[error("contract {contract}, version {version_no}: {reason}")]
    Step {
        /// Contract number.
        contract: String,
        /// Version.
        version_no: i32,
        /// Why.
        reason: Refused,
    },
    /// A move that a negotiation does not allow.
    #[error("contract {contract}, version {version_no}: {reason}")]
    Move {
        /// Contract number.
        contract: String,
        /// Version.
        version_no: i32,
        /// Why.
        reason: negotiation::Refused,
    },
    /// A draft that a negotiation holds.
    #[error("contract {contract}, version {version_no}: {reason}")]
    Held {
        /// Contract number.
        contract: String,
        /// Version.
        version_no: i32,
        /// Why.
        reason: negotiation::Held,
    },
    /// A decision about an exclusion, an event or a challenge that may not be taken.
    #[error("{0}")]
    Review(#[from] exclusion::Refused),
    /// A line of a scorecard that cannot be challenged.
    #[error("{0}")]
    Challenge(#[from] NotNow),
    /// What a scorecard's state does not allow.
    #[error("{0}")]
    Card(String),
    /// What the state of the books does not allow.
    #[error("{0}")]
    Books(String),
    /// Something must be said before a version can be approved.
    #[error(
        "contract {contract}, version {version_no} cannot be approved yet: {}",
        missing.iter().map(|one| format!("{}: {}", one.what, one.todo)).collect::<Vec<_>>().join("; ")
    )]
    Incomplete {
        /// Contract number.
        contract: String,
        /// Version.
        version_no: i32,
        /// Everything that is missing.
        missing: Vec<Missing>,
    },
    /// Versions would overlap in valid time.
    #[error("{0}; change the first day of the draft")]
    Versions(ContractError),
    /// Two contracts of one partner would hold on the same day and claim the same shipments.
    #[error("{0}")]
    OtherContract(Box<Together>),
    /// The contract is in a state that does not allow it.
    #[error("contract {contract} is {status}; {next}")]
    WrongState {
        /// Contract number.
        contract: String,
        /// Its state in words.
        status: &'static str,
        /// What to do instead.
        next: &'static str,
    },
    /// The database did not do it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<diesel::result::Error> for EditError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(DbError::Query(error))
    }
}

impl EditError {
    /// A problem of one field.
    #[must_use]
    pub fn field(name: &str, message: &str) -> Self {
        Self::Invalid(vec![(name.to_owned(), message.to_owned())])
    }
}

/// Refuses whoever may not do `action`.
///
/// # Errors
/// [`EditError::Denied`].
pub fn allowed(viewer: &Viewer, action: Action) -> Result<(), EditError> {
    if viewer.role.may(action) { Ok(()) } else { Err(EditError::Denied { role: viewer.role, action }) }
}

/// Refuses a form with problems.
///
/// # Errors
/// [`EditError::Invalid`].
pub fn valid(errors: FieldErrors) -> Result<(), EditError> {
    if errors.is_empty() { Ok(()) } else { Err(EditError::Invalid(errors)) }
}
