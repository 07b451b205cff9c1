//! What an unmapped code may stand for: proposals with their reasons. A person decides; nothing maps by itself.

use super::{Meaning, normal_code};
use crate::domain::accessorial::CATALOGUE;

/// Proposals for one code.
pub const SUGGESTIONS_MAX: usize = 3;
/// Shortest code of which one letter may be wrong.
const CODE_CHARS_MIN: usize = 3;
/// Shortest beginning of a word that counts as the word.
const BEGINNING_CHARS_MIN: usize = 3;
/// Fewest letters that may stand for a longer word, such as `UNLD`.
const ABBREVIATION_CHARS_MIN: usize = 4;

/// One proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What the code may mean.
    pub meaning: Meaning,
    /// Its words.
    pub label: String,
    /// Why it is proposed.
    pub reason: String,
}

/// Short forms carriers use, what they stand for, and where that is known from (DOMAIN §3.9).
const SHORT_FORMS: &[(&str, &str, &str)] = &[
    ("FSC", "FUEL", "the code for fuel on bills of lading (data element 1602)"),
    ("FSU", "FUEL", "a usual short form of fuel surcharge"),
    ("LUM", "UNL", "a usual short form of lumper"),
    ("LUMPER", "UNL", "a lumper is unloading labour"),
    ("TON", "VOR", "a usual short form of truck ordered, not used"),
    ("TONU", "VOR", "a usual short form of truck ordered, not used"),
    ("VFN", "VOR", "data element 150 has it beside VOR"),
    ("PEK", "SUR", "a usual short form of peak surcharge"),
    ("EMS", "SUR", "data element 150 has it beside SUR"),
    ("DTO", "DTL", "data element 150 has it beside DTL, with power"),
    ("DTN", "DTU", "data element 150 has it beside DTU, with power"),
    ("DTQ", "DET", "data element 150 has it beside DET"),
    ("DTR", "DET", "data element 150 has it beside DET"),
    ("STQ", "SOC", "data element 150 has it beside SOC"),
    ("STD", "SOC", "data element 150 has it beside SOC"),
    ("665", "SAT", "data element 150 has it for Saturday delivery"),
    ("600", "020", "data element 150 has it for a corrected recipient"),
    ("HZC", "HAZ", "data element 150 has it beside HAZ"),
    ("BCF", "CUS", "data element 150 has it beside CUS"),
    ("CTX", "CUS", "data element 150 has it for a customs exam"),
    ("LH", "LINEHAUL", "a usual short form of linehaul"),
    ("FRT", "LINEHAUL", "a usual short form of freight"),
    ("VAT", "TAX", "value added tax"),
];

/// Words that say nothing about which charge it is.
const EMPTY_WORDS: &[&str] =
    &["CHARGE", "CHARGES", "FEE", "FEES", "COST", "SERVICE", "AND", "THE", "FOR", "OTHER", "WHILE", "NOT"];

/// A charge a code may stand for.
struct Candidate {
    meaning: Meaning,
    /// Its code, empty for linehaul, fuel and tax.
    code: String,
    label: String,
    /// More words it goes by.
    words: &'static str,
}

fn candidates(contract: &[(String, String)]) -> Vec<Candidate> {
    let kind = |meaning, label: &str, words| Candidate {
        meaning,
        code: String::new(),
        label: label.to_owned(),
        words,
    };
    let mut all = vec![
        kind(Meaning::Linehaul, "Linehaul", "FREIGHT TRANSPORT BASE LINE HAUL"),
        kind(Meaning::Fuel, "Fuel surcharge", "DIESEL BUNKER"),
        kind(Meaning::Tax, "Tax", "VAT GST"),
    ];
    let accessorial = |code: &str, label: &str| Candidate {
        meaning: Meaning::Accessorial(code.to_owned()),
        code: code.to_owned(),
        label: label.to_owned(),
        words: "",
    };
    // What the contract calls it comes before what the catalogue does.
    all.extend(contract.iter().map(|(code, label)| accessorial(code, label)));
    let known = |code: &str| contract.iter().any(|(own, _)| own == code);
    let rest = CATALOGUE.iter().filter(|charge| charge.code != "405" && !known(charge.code));
    all.extend(rest.map(|charge| accessorial(charge.code, charge.label)));
    all
}

/// The nearest charges to a code, the best first, at most [`SUGGESTIONS_MAX`]. `contract` are codes and labels of the
/// partner's contracts.
#[must_use]
pub fn suggest(code: &str, contract: &[(String, String)]) -> Vec<Suggestion> {
    let normal = normal_code(code);
    let mut found: Vec<(usize, Suggestion)> = Vec::new();
    for candidate in candidates(contract) {
        let near = short_form(&normal, &candidate)
            .or_else(|| near_code(&normal, &candidate))
            .into_iter()
            .chain(shared_words(&normal, &candidate))
            .max_by_key(|(score, _)| *score);
        if let Some((score, reason)) = near {
            found.push((score, Suggestion { meaning: candidate.meaning, label: candidate.label, reason }));
        }
    }
    // Stable, so that equals stay in the order of contract and catalogue.
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().map(|(_, suggestion)| suggestion).take(SUGGESTIONS_MAX).collect()
}

fn short_form(normal: &str, candidate: &Candidate) -> Option<(usize, String)> {
    let target = candidate.meaning.code().unwrap_or_else(|| candidate.meaning.kind().code());
    let (form, _, why) = SHORT_FORMS
        .iter()
        .find(|(form, to, _)| *to == target && normal.split(' ').any(|part| part == *form))?;
    Some((if *form == normal { 1_000 } else { 500 }, format!("{form}: {why}")))
}

fn near_code(normal: &str, candidate: &Candidate) -> Option<(usize, String)> {
    let fits = normal.chars().count() >= CODE_CHARS_MIN && candidate.code.chars().count() >= CODE_CHARS_MIN;
    (fits && one_letter_apart(normal, &candidate.code))
        .then(|| (50, format!("one letter from the code {}", candidate.code)))
}

/// Whether one letter changed, added or left out makes one text of the other.
fn one_letter_apart(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    let same = short.iter().zip(long.iter()).take_while(|(x, y)| x == y).count();
    let rest = |from: &[char], at: usize| from.get(at..).unwrap_or_default().to_vec();
    match long.len() - short.len() {
        0 => a != b && rest(short, same + 1) == rest(long, same + 1),
        1 => rest(short, same) == rest(long, same + 1),
        _ => false,
    }
}

fn shared_words(normal: &str, candidate: &Candidate) -> Option<(usize, String)> {
    let label = candidate.label.to_uppercase();
    let words: Vec<&str> = label
        .split(|c: char| !c.is_alphanumeric())
        .chain(candidate.words.split(' '))
        .filter(|word| word.len() >= BEGINNING_CHARS_MIN && !EMPTY_WORDS.contains(word))
        .collect();
    let mut shared: Vec<&str> = Vec::new();
    let mut score = 0;
    for part in normal.split(' ').filter(|part| !EMPTY_WORDS.contains(part)) {
        if let Some(word) = words.iter().find(|word| is_meant(part, word)) {
            shared.push(word);
            score += if part == *word { 40 } else { 30 };
        }
    }
    let strangers = words.len().saturating_sub(shared.len());
    (!shared.is_empty()).then(|| {
        let words = shared.join(" and ").to_lowercase();
        (60 + score - strangers.min(20), format!("{} reads as “{words}”", normal.to_uppercase()))
    })
}

/// Whether `part` is the word, begins it, or leaves letters of it out.
fn is_meant(part: &str, word: &str) -> bool {
    if part == word {
        return true;
    }
    let chars = part.chars().count();
    if chars >= BEGINNING_CHARS_MIN && word.starts_with(part) {
        return true;
    }
    let mut letters = word.chars();
    chars >= ABBREVIATION_CHARS_MIN
        && chars < word.chars().count()
        && part.chars().next() == word.chars().next()
        && part.chars().all(|wanted| letters.any(|letter| letter == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(code: &str) -> Option<(String, String)> {
        let found = suggest(code, &[("TAIL".to_owned(), "Tailgate lift".to_owned())]).into_iter().next()?;
        let target = found.meaning.code().unwrap_or_else(|| found.meaning.kind().code()).to_owned();
        Some((target, found.reason))
    }

    #[test]
    fn short_forms_words_and_slips_find_their_charge() {
        let target = |code: &str| first(code).map(|(target, _)| target);
        for (code, expected) in [
            ("FSC", "FUEL"),
            ("Fuel-Surchg", "FUEL"),
            ("TONU", "VOR"),
            ("lumper", "UNL"),
            ("LUMPER FEE", "UNL"),
            ("DET UNLD", "DTU"),
            ("Detention unloading", "DTU"),
            ("RESIDENTIAL", "RES"),
            ("tailgate", "TAIL"),
            ("LFTG", "LFT"),
            ("LXT", "LFT"),
            ("Freight", "LINEHAUL"),
        ] {
            assert_eq!(target(code).as_deref(), Some(expected), "{code}: {:?}", suggest(code, &[]));
        }
        assert_eq!(target("Q7"), None);
        assert_eq!(target(""), None);
    }

    #[test]
    fn a_reason_stands_beside_each_and_there_are_few() {
        assert_eq!(first("FSC").unwrap().1, "FSC: the code for fuel on bills of lading (data element 1602)");
        assert_eq!(first("LXT").unwrap().1, "one letter from the code LFT");
        assert_eq!(first("DET UNLD").unwrap().1, "DET UNLD reads as “detention and unloading”");
        for code in ["DELIVERY", "SURCHARGE", "DETENTION"] {
            let found = suggest(code, &[]);
            assert!((1..=SUGGESTIONS_MAX).contains(&found.len()), "{found:?}");
        }
    }

    #[test]
    fn one_letter_is_changed_added_or_left_out() {
        for (a, b, apart) in [
            ("LFT", "LFT", false),
            ("LFT", "LIT", true),
            ("LFTG", "LFT", true),
            ("FT", "LFT", true),
            ("L", "LFT", false),
        ] {
            assert_eq!(one_letter_apart(a, b), apart, "{a} {b}");
            assert_eq!(one_letter_apart(b, a), apart, "{b} {a}");
        }
    }
}
