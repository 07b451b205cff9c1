//! What stands beside a row in numbered steps and is only added to: decisions about it, moves of it.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::DbError;
use crate::domain::field::BadCode;

/// Rows by the one they stand beside, in the order they come in.
pub(super) fn by_parent<T>(
    rows: impl IntoIterator<Item = T>,
    parent: impl Fn(&T) -> i64,
) -> BTreeMap<i64, Vec<T>> {
    let mut found: BTreeMap<i64, Vec<T>> = BTreeMap::new();
    for row in rows {
        found.entry(parent(&row)).or_default().push(row);
    }
    found
}

/// What the newest step says; none without one. `what` names the row for a message.
///
/// # Errors
/// [`DbError::Stored`] for a word nobody knows.
pub(super) fn newest<S: FromStr<Err = BadCode>>(
    kind: Option<&str>,
    what: impl FnOnce() -> String,
) -> Result<Option<S>, DbError> {
    kind.map(str::parse)
        .transpose()
        .map_err(|error: BadCode| DbError::Stored { what: what(), reason: error.to_string() })
}
