//! A partner: who it is, what it is called, how often it is reviewed (DOMAIN §3.1).

use super::field::{FieldErrors, codes, require};

/// Longest code.
pub const CODE_CHARS_MAX: usize = 40;
/// Longest name, mode or contact.
pub const TEXT_CHARS_MAX: usize = 120;
/// Most names one partner goes by.
pub const ALIASES_MAX: usize = 50;

/// A name as it is compared: trimmed, inner blanks single, lower case.
#[must_use]
pub fn normal_name(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

codes! {
    /// Whether we work with a partner.
    PartnerStatus, "partner status" {
        /// We do.
        Active = "ACTIVE", "Active";
        /// Not for now.
        Suspended = "SUSPENDED", "Suspended";
        /// Not any more.
        Closed = "CLOSED", "Closed";
    }
}

codes! {
    /// How often a partner's review goes out.
    ReviewCadence, "review cadence" {
        /// Every Monday.
        Weekly = "WEEKLY", "Every week";
        /// After each month.
        Monthly = "MONTHLY", "Every month";
        /// After each quarter.
        Quarterly = "QUARTERLY", "Every quarter";
        /// Not at all.
        Never = "NEVER", "Never";
    }
}

/// What a form says about a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerFields {
    /// Our short code.
    pub code: String,
    /// Legal name.
    pub name: String,
    /// Standard carrier alpha code; empty when there is none.
    pub scac: String,
    /// Mode it mainly runs; empty when not said.
    pub mode: String,
    /// Whether we work with it.
    pub status: PartnerStatus,
    /// Who answers reviews; empty when not said.
    pub contact_name: String,
    /// Where reviews go; empty when not said.
    pub contact_email: String,
    /// How often reviews go out.
    pub review_cadence: ReviewCadence,
    /// Further names it goes by in files; its code and name always count.
    pub aliases: Vec<String>,
}

impl PartnerFields {
    /// Problems of the form, by field.
    #[must_use]
    pub fn validate(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let e = &mut errors;
        let length = |text: &str| text.trim().chars().count();
        let fine = (1..=CODE_CHARS_MAX).contains(&length(&self.code));
        require(e, fine, "code", "give a short code of up to 40 characters, such as BRK");
        let fine = (1..=TEXT_CHARS_MAX).contains(&length(&self.name));
        require(e, fine, "name", "give the legal name in up to 120 characters");
        let scac = self.scac.trim();
        let letters = scac.chars().all(|c| c.is_ascii_uppercase());
        let fine = scac.is_empty() || ((2..=4).contains(&scac.len()) && letters);
        require(e, fine, "scac", "a SCAC has 2 to 4 capital letters; leave it empty if there is none");
        let fine = length(&self.mode) <= TEXT_CHARS_MAX;
        require(e, fine, "mode", "write at most 120 characters");
        let fine = length(&self.contact_name) <= TEXT_CHARS_MAX;
        require(e, fine, "contact_name", "write at most 120 characters");
        let mail = self.contact_email.trim();
        let fine = mail.is_empty() || looks_like_mail(mail);
        require(e, fine, "contact_email", "write an address such as ops@carrier.example, or leave it empty");
        let fine = self.aliases.len() <= ALIASES_MAX
            && self.aliases.iter().all(|alias| length(alias) <= TEXT_CHARS_MAX);
        require(e, fine, "aliases", "at most 50 names of up to 120 characters, one a line");
        errors
    }

    /// Every name the partner goes by, normalised, its code and name included, each once.
    #[must_use]
    pub fn all_aliases(&self) -> Vec<String> {
        let mut all: Vec<String> = [&self.code, &self.name]
            .into_iter()
            .chain(&self.aliases)
            .map(|alias| normal_name(alias))
            .filter(|alias| !alias.is_empty())
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// One `@` with something around it, no blanks and nothing unseen: the mail server has the last word.
#[must_use]
pub fn looks_like_mail(text: &str) -> bool {
    let parts: Vec<&str> = text.split('@').collect();
    matches!(parts.as_slice(), [user, host] if !user.is_empty() && host.contains('.') && !host.ends_with('.'))
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        && text.len() <= 254
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> PartnerFields {
        PartnerFields {
            code: "BRK".to_owned(),
            name: "Brackwater  Lines".to_owned(),
            scac: "BRKW".to_owned(),
            mode: "Road".to_owned(),
            status: PartnerStatus::Active,
            contact_name: String::new(),
            contact_email: "ops@brackwater.example".to_owned(),
            review_cadence: ReviewCadence::Monthly,
            aliases: vec![" BRACKWATER lines ".to_owned(), "Brackwater".to_owned()],
        }
    }

    #[test]
    fn names_are_compared_without_case_and_blanks() {
        assert_eq!(fields().all_aliases(), ["brackwater", "brackwater lines", "brk"]);
    }

    #[test]
    fn problems_name_their_field() {
        assert_eq!(fields().validate(), []);
        let wrong = PartnerFields {
            code: " ".to_owned(),
            scac: "brkw".to_owned(),
            contact_email: "ops@nowhere".to_owned(),
            ..fields()
        };
        let fields: Vec<_> = wrong.validate().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["code", "scac", "contact_email"]);
        for bad in ["ops@x.example\nBcc: all@x.example", "a@b@c.example", "ops@x.example\u{0}", "@x.example"]
        {
            assert!(!looks_like_mail(bad), "{bad:?}");
        }
    }
}
