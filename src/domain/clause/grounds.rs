//! What a clause rests on: why its amount is a fair forecast of the harm, whether anything more may be claimed, and what it is
//! for tax (DOMAIN §4.1, §4.5). Nothing of it changes an amount.

use serde::{Deserialize, Serialize};

use crate::domain::field::{FieldErrors, codes, require};

/// Longest rationale, in characters.
pub const RATIONALE_CHARS_MAX: usize = 1_000;

codes! {
    /// What the amount of a clause is for tax.
    TaxTreatment, "tax treatment" {
        /// It changes the price, and as a rule the taxable base with it.
        PriceAdjustment = "PRICE_ADJUSTMENT", "a price adjustment";
        /// It makes good a loss, and as a rule leaves the taxable base as it is.
        Damages = "DAMAGES", "damages";
    }
}

/// How exports and pages say that a clause names no tax treatment.
const UNDECIDED: &str = "to be decided by finance";

/// What a clause rests on; nothing said claims nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grounds {
    /// Why the amount is a reasonable forecast of the harm.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rationale: String,
    /// Whether it is the only financial remedy for what it covers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive_remedy: bool,
    /// What it is for tax; none leaves it to finance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_treatment: Option<TaxTreatment>,
}

impl Grounds {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_unsaid(&self) -> bool {
        *self == Self::default()
    }

    /// The tax treatment in words.
    #[must_use]
    pub fn tax_words(&self) -> &'static str {
        self.tax_treatment.map_or(UNDECIDED, TaxTreatment::label)
    }

    pub(super) fn validate(&self, e: &mut FieldErrors) {
        let fine = self.rationale.chars().count() <= RATIONALE_CHARS_MAX;
        require(e, fine, "grounds.rationale", "keep it to 1,000 characters");
    }

    pub(super) fn explain(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.rationale.is_empty() {
            let rationale = self.rationale.trim_end_matches('.');
            lines.push(format!("Why the amount is a fair forecast of the harm: {rationale}."));
        }
        if self.exclusive_remedy {
            lines.push("It is the only financial remedy for what it covers.".to_owned());
        }
        if let Some(tax) = self.tax_treatment {
            lines.push(format!("For tax it is {}.", tax.label()));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::super::ClauseTerms;
    use super::*;

    const LATE: &str = concat!(
        r#"{"sign":"PENALTY","rule":{"kind":"LATE_DELIVERY","per_day":{"type":"FIXED","amount":50000000},"#,
        r#""grace_days":0,"event_cap_share":null,"event_cap_amount":null,"period":"MONTH"},"#,
        r#""period_cap":{"amount":null,"share_of_freight":null}"#,
    );

    #[test]
    fn a_text_signed_before_keeps_its_bytes_and_claims_nothing() {
        let signed = format!("{LATE}}}");
        let terms = ClauseTerms::from_json(&signed).unwrap();
        assert_eq!(terms.to_json().unwrap(), signed);
        assert!(terms.grounds.is_unsaid() && terms.grounds.explain().is_empty());
        assert_eq!(terms.grounds.tax_words(), "to be decided by finance");
    }

    #[test]
    fn what_it_rests_on_is_kept_and_read_in_plain_words() {
        let said = concat!(
            r#","grounds":{"rationale":"A late day stops the line for two hours.","#,
            r#""exclusive_remedy":true,"tax_treatment":"PRICE_ADJUSTMENT"}}"#,
        );
        let terms = ClauseTerms::from_json(&format!("{LATE}{said}")).unwrap();
        assert_eq!(terms.to_json().unwrap(), format!("{LATE}{said}"));
        assert_eq!(terms.validate(), []);
        let lines = terms.explain();
        assert_eq!(
            lines[lines.len() - 3..],
            [
                "Why the amount is a fair forecast of the harm: A late day stops the line for two hours.",
                "It is the only financial remedy for what it covers.",
                "For tax it is a price adjustment.",
            ]
        );
        let grounds = Grounds { rationale: "x".repeat(1_001), ..Grounds::default() };
        let long = ClauseTerms { grounds, ..terms };
        assert_eq!(long.validate()[0].0, "grounds.rationale");
    }
}
