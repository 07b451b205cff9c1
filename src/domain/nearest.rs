//! The nearest known name, for whoever mistyped one.

/// How many edits apart two names may be for one to be suggested for the other.
const MAX_EDITS: usize = 3;
/// Characters of a name that are compared; no name of ours is longer.
const MAX_CHARS: usize = 120;

/// The nearest of `known`, none when none is near.
#[must_use]
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    let allowed = MAX_EDITS.min(wanted.chars().count().div_ceil(2));
    known
        .into_iter()
        .map(|name| (edits(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// ` (did you mean …?)` for the nearest of `known`, or nothing when none is near.
#[must_use]
pub fn suggestion<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wanted, known).map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// Levenshtein distance; names are short, so the plain row-by-row form will do.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(MAX_CHARS).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(MAX_CHARS).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != *y)).min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_name_only() {
        assert_eq!(suggestion("Vender", ["Vendor", "Country"]), " (did you mean `Vendor`?)");
        assert_eq!(suggestion("weightkg", ["weight_kg"]), " (did you mean `weight_kg`?)");
        assert_eq!(suggestion("xyz", ["Vendor", "Country"]), "");
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
