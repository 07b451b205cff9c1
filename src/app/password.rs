//! Passwords: what makes one acceptable, how it is kept, how it is checked.

use std::sync::OnceLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};

/// Fewest characters of a password.
pub const MIN_CHARS: usize = 12;

/// Most bytes of a password: hashing longer ones would be work given away.
pub const MAX_BYTES: usize = 1_024;

/// Why a password is not accepted or could not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`MIN_CHARS`].
    #[error("Use {MIN_CHARS} characters or more; a short sentence is easy to remember.")]
    Short,
    /// More than [`MAX_BYTES`].
    #[error("Use {MAX_BYTES} bytes or fewer.")]
    Long,
    /// The e-mail address, or its part before the @.
    #[error("Choose something else than the e-mail address.")]
    IsEmail,
    /// The operating system gave no randomness, or the parameters are impossible.
    #[error("the password could not be hashed")]
    Hash,
}

/// Whether `password` may be used by the owner of `email`.
///
/// # Errors
/// What is wrong with it, in words for the form.
pub fn check(password: &str, email: &str) -> Result<(), PasswordError> {
    if password.len() > MAX_BYTES {
        return Err(PasswordError::Long);
    }
    if password.trim().eq_ignore_ascii_case(email.trim()) {
        return Err(PasswordError::IsEmail);
    }
    if password.chars().count() < MIN_CHARS {
        return Err(PasswordError::Short);
    }
    Ok(())
}

/// argon2id at the library's default cost (19 MiB, two passes, one lane), with a fresh salt.
///
/// # Errors
/// [`PasswordError::Hash`].
pub fn hash(password: &str) -> Result<String, PasswordError> {
    hash_with(&Argon2::default(), password)
}

/// argon2id at the lowest cost the algorithm knows: for tests, and for a demo that is thrown away.
///
/// # Errors
/// [`PasswordError::Hash`].
pub fn hash_cheaply(password: &str) -> Result<String, PasswordError> {
    let params = Params::new(Params::MIN_M_COST, Params::MIN_T_COST, Params::MIN_P_COST, None)
        .map_err(|_| PasswordError::Hash)?;
    hash_with(&Argon2::from(params), password)
}

fn hash_with(argon2: &Argon2<'_>, password: &str) -> Result<String, PasswordError> {
    argon2.hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|_| PasswordError::Hash)
}

/// Whether `password` is the one behind `stored`.
///
/// Without a stored hash the same work is done on a made-up one and the answer is no, so that the
/// time taken does not tell whether an address is known.
#[must_use]
pub fn matches(password: &str, stored: Option<&str>) -> bool {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let known = stored.is_some();
    let text = stored.unwrap_or_else(|| NOBODY.get_or_init(|| hash("nobody").unwrap_or_default()));
    if password.len() > MAX_BYTES {
        return false;
    }
    PasswordHash::new(text)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        && known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_not_the_address() {
        assert_eq!(check("eleven char", "a@b.example"), Err(PasswordError::Short));
        assert_eq!(check("twelve chars", "a@b.example"), Ok(()));
        assert_eq!(check("ÄÖÜäöüßéèàùç", "a@b.example"), Ok(()), "characters count, not bytes");
        assert_eq!(check("Someone@b.example", "someone@b.example"), Err(PasswordError::IsEmail));
        assert_eq!(check(&"x".repeat(MAX_BYTES + 1), ""), Err(PasswordError::Long));
    }

    #[test]
    fn only_the_right_password_matches_and_an_unknown_user_never_does() {
        let stored = hash_cheaply("a lane is a promise").unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(matches("a lane is a promise", Some(&stored)));
        assert!(!matches("a lane is a threat", Some(&stored)));
        assert!(!matches("nobody", None), "the made-up hash opens nothing");
        assert!(!matches("anything", Some("not a hash")));
    }
}
