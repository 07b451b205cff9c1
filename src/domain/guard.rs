//! Texts that a spreadsheet must not take for a formula, and the way back.

/// Characters with which a spreadsheet takes a cell for a formula.
pub const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

fn is_risky(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA)
}

/// The text as a sheet may hold it: an apostrophe goes before what would run as a formula.
#[must_use]
pub fn guarded(text: &str) -> String {
    if is_risky(text) { format!("'{text}") } else { text.to_owned() }
}

/// What was written by [`guarded`].
#[must_use]
pub fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|_| is_risky(text)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guarded_comes_back_and_runs_nothing() {
        for text in ["", "LTL", "=1+1", "'=1+1", "''-x", "+1", "-", "@a", "'", "'quoted'", "it's"] {
            let held = guarded(text);
            assert!(!held.starts_with(FORMULA), "{held}");
            assert_eq!(unguarded(&held), text, "{held}");
        }
    }
}
