//! What a charge code on a carrier's invoice means to us (DOMAIN §3.9).
//!
//! Carriers write codes of their own. [`CodeBook::meaning`] is the one answer to what a billed charge is: what a person
//! decided for the partner's code, else the category its feed names, else a code of the catalogue or of the partner's
//! contract. Everything else is unmapped: it waits in a queue, and nothing guesses. [`suggest`] proposes, a person
//! decides, and a decision is kept with who, when and why.

pub mod suggest;

use std::collections::BTreeMap;

use serde::Serialize;

use super::accessorial::{CODE_CHARS_MAX, catalogue_charge};
use super::field::{FieldErrors, codes, require};

/// Longest reason of a decision.
pub const NOTE_CHARS_MAX: usize = 240;
/// Codes of one partner that can be mapped.
pub const ALIASES_MAX: usize = 20_000;

codes! {
    /// What kind of charge a code can be decided to be.
    ChargeKind, "kind of charge" {
        /// Moving the goods: gross, discount, minimum.
        Linehaul = "LINEHAUL", "Linehaul";
        /// Fuel surcharge.
        Fuel = "FUEL", "Fuel surcharge";
        /// A charge beside linehaul, by its code.
        Accessorial = "ACCESSORIAL", "Accessorial";
        /// Tax; never inside a cost KPI.
        Tax = "TAX", "Tax";
        /// Billed, though the contract owes nothing for it.
        NotChargeable = "NOT_CHARGEABLE", "Not chargeable";
        /// No freight charge at all, such as duties paid for us.
        Other = "OTHER", "Outside freight";
    }
}

/// What a billed charge is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Meaning {
    /// Moving the goods.
    Linehaul,
    /// Fuel surcharge.
    Fuel,
    /// The accessorial of this code, in the catalogue or in the partner's contract.
    Accessorial(String),
    /// Tax.
    Tax,
    /// Billed, though the contract owes nothing for it.
    NotChargeable,
    /// No freight charge.
    Other,
}

impl Meaning {
    /// Kind and code, as they are stored and typed; none when an accessorial has no code.
    #[must_use]
    pub fn of(kind: ChargeKind, code: Option<&str>) -> Option<Self> {
        Some(match kind {
            ChargeKind::Linehaul => Self::Linehaul,
            ChargeKind::Fuel => Self::Fuel,
            ChargeKind::Accessorial => Self::Accessorial(code?.to_owned()),
            ChargeKind::Tax => Self::Tax,
            ChargeKind::NotChargeable => Self::NotChargeable,
            ChargeKind::Other => Self::Other,
        })
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> ChargeKind {
        match self {
            Self::Linehaul => ChargeKind::Linehaul,
            Self::Fuel => ChargeKind::Fuel,
            Self::Accessorial(_) => ChargeKind::Accessorial,
            Self::Tax => ChargeKind::Tax,
            Self::NotChargeable => ChargeKind::NotChargeable,
            Self::Other => ChargeKind::Other,
        }
    }

    /// The code of an accessorial.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Accessorial(code) => Some(code),
            _ => None,
        }
    }
}

/// A charge code as codes are compared: capitals, one blank for whatever stands between letters and digits. A text of
/// signs only stays as it is. Done again it changes nothing, since decisions are kept under it.
#[must_use]
pub fn normal_code(text: &str) -> String {
    // Capitals first: some letters become a letter and a mark.
    let capitals = text.to_uppercase();
    let parts: Vec<&str> =
        capitals.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        let plain: String = text.chars().filter(|c| !c.is_control()).collect();
        return plain.trim().to_owned();
    }
    parts.join(" ")
}

/// Codes of X12 data element 150 that are parts of linehaul: the charge itself, minimum, deficit weight, discounts.
const LINEHAUL_CODES: &[&str] = &["400", "LHS", "FFR", "MIC", "AMC", "DAA", "DSC", "VAB", "QQD", "275"];
/// Those of them that are the charge itself.
const LINEHAUL_BASE_CODES: &[&str] = &["400", "LHS", "FFR"];
const FUEL_CODES: &[&str] = &["405", "FUE"];
const TAX_CODES: &[&str] = &["TAX", "GST"];

/// What a code of the catalogue means, whoever bills it (DOMAIN §3.9).
#[must_use]
pub fn catalogue_meaning(code: &str) -> Option<Meaning> {
    let code = normal_code(code);
    let is = |codes: &[&str]| codes.contains(&code.as_str());
    if is(LINEHAUL_CODES) {
        Some(Meaning::Linehaul)
    } else if is(FUEL_CODES) {
        Some(Meaning::Fuel)
    } else if is(TAX_CODES) {
        Some(Meaning::Tax)
    } else {
        catalogue_charge(&code).map(|charge| Meaning::Accessorial(charge.code.to_owned()))
    }
}

/// The category of a charge whose feed names none: that of the catalogue's code, else accessorial.
///
/// A line of the category linehaul is taken for the whole linehaul of its shipment, so a discount, a minimum or another
/// part of it is not put there.
#[must_use]
pub fn usual_category(code: &str) -> &'static str {
    let is_base = LINEHAUL_BASE_CODES.contains(&normal_code(code).as_str());
    match catalogue_meaning(code) {
        Some(Meaning::Linehaul) if is_base => "LINEHAUL",
        Some(Meaning::Fuel) => "FUEL",
        Some(Meaning::Tax) => "TAX",
        _ => "ACCESSORIAL",
    }
}

codes! {
    /// Why a charge means what it means.
    Basis, "basis of a meaning" {
        /// Somebody decided it for the partner's code.
        Decided = "DECIDED", "mapped for this partner";
        /// The feed names its category.
        Feed = "FEED", "category of the feed";
        /// A code of the catalogue.
        Catalogue = "CATALOGUE", "code of the catalogue";
        /// A code of the partner's contract.
        Contract = "CONTRACT", "code of the contract";
    }
}

/// The codes of one partner: what was decided, and what its contracts name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeBook {
    decided: BTreeMap<String, Meaning>,
    /// Label by code.
    contract: BTreeMap<String, String>,
}

impl CodeBook {
    /// `decided` by [`normal_code`], and the accessorial codes of the partner's contracts with their labels.
    #[must_use]
    pub fn new(
        decided: impl IntoIterator<Item = (String, Meaning)>,
        contract: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        Self { decided: decided.into_iter().collect(), contract: contract.into_iter().collect() }
    }

    /// The accessorial codes of the partner's contracts, with their labels.
    #[must_use]
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.contract
    }

    /// What a charge of `code` in `category` is, and why; none when nobody has said so yet.
    ///
    /// A category other than accessorial is what the feed says, and decides over a code of the catalogue. Accessorial
    /// may stand there because the feed says nothing, so it decides nothing.
    #[must_use]
    pub fn meaning(&self, code: &str, category: &str) -> Option<(Meaning, Basis)> {
        let normal = normal_code(code);
        if let Some(meaning) = self.decided.get(&normal) {
            return Some((meaning.clone(), Basis::Decided));
        }
        let said = match category {
            "LINEHAUL" => Some(Meaning::Linehaul),
            "FUEL" => Some(Meaning::Fuel),
            "TAX" => Some(Meaning::Tax),
            _ => None,
        };
        if let Some(meaning) = said {
            return Some((meaning, Basis::Feed));
        }
        if let Some(meaning) = catalogue_meaning(&normal) {
            return Some((meaning, Basis::Catalogue));
        }
        let is_agreed = self.contract.contains_key(&normal);
        is_agreed.then_some((Meaning::Accessorial(normal), Basis::Contract))
    }

    /// The code by which a reported event of `code` is charged: what it means, else itself, so that a draft that has
    /// a rate for it prices it. None where it means no accessorial.
    #[must_use]
    pub fn event_code(&self, code: &str) -> Option<String> {
        match self.meaning(code, "ACCESSORIAL") {
            Some((meaning, _)) => meaning.code().map(str::to_owned),
            None => Some(normal_code(code)),
        }
    }

    /// Whether an accessorial of that code can be meant: it is in the catalogue or in a contract of the partner.
    #[must_use]
    pub fn knows(&self, code: &str) -> bool {
        catalogue_charge(code).is_some() || self.contract.contains_key(code)
    }
}

/// What somebody decides about a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The kind; none takes the decision before back.
    pub kind: Option<ChargeKind>,
    /// The accessorial code, for that kind only.
    pub code: String,
    /// Why.
    pub note: String,
}

impl Decided {
    /// The meaning decided, or what is wrong with the form. A decision taken back is no meaning.
    ///
    /// # Errors
    /// The fields to correct.
    pub fn checked(&self, book: &CodeBook) -> Result<Option<Meaning>, FieldErrors> {
        let mut errors = FieldErrors::new();
        let chars = self.note.trim().chars().count();
        require(
            &mut errors,
            (1..=NOTE_CHARS_MAX).contains(&chars),
            "note",
            "say why in one sentence of up to 240 characters, such as where the code is explained",
        );
        let code = self.code.trim().to_uppercase();
        let accessorial = self.kind == Some(ChargeKind::Accessorial);
        let other = catalogue_meaning(&code).filter(|meaning| meaning.kind() != ChargeKind::Accessorial);
        if accessorial && code.is_empty() {
            require(&mut errors, false, "code", "choose the accessorial that is meant");
        } else if let Some(other) = other.filter(|_| accessorial) {
            let message = format!("is no accessorial; choose {} instead", other.kind().label());
            require(&mut errors, false, "code", &message);
        } else if accessorial && (code.len() > CODE_CHARS_MAX || !book.knows(&code)) {
            let message = format!(
                "`{}` is neither in the catalogue nor in a contract of this partner; add it to the contract first, or \
                 choose a listed one",
                code.chars().take(NOTE_CHARS_MAX).collect::<String>()
            );
            require(&mut errors, false, "code", &message);
        } else if !accessorial && !code.is_empty() {
            require(&mut errors, false, "code", "only an accessorial has a code; leave it empty");
        }
        if errors.is_empty() {
            Ok(self.kind.and_then(|kind| Meaning::of(kind, Some(&code))))
        } else {
            Err(errors)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> CodeBook {
        CodeBook::new([("FUEL SC".to_owned(), Meaning::Fuel)], [("TAIL".to_owned(), "Tail lift".to_owned())])
    }

    #[test]
    fn codes_compare_without_signs_and_case() {
        for text in ["Fuel-Surcharge", " fuel  surcharge ", "FUEL/SURCHARGE."] {
            assert_eq!(normal_code(text), "FUEL SURCHARGE");
        }
        assert_eq!(normal_code(" *** "), "***");
        assert_eq!(normal_code("größe"), "GRÖSSE");
        assert_eq!(normal_code("\u{1f0}"), "J", "a letter whose capital is a letter and a mark");
    }

    proptest::proptest! {
        #[test]
        fn a_normal_code_stays_as_it_is(text in ".{0,12}") {
            let once = normal_code(&text);
            proptest::prop_assert_eq!(normal_code(&once), once.clone());
            proptest::prop_assert!(!once.chars().any(char::is_control));
        }
    }

    #[test]
    fn what_was_decided_comes_first_then_the_feed_then_the_catalogue_then_the_contract() {
        let book = book();
        let is = |code: &str, category: &str| book.meaning(code, category);
        assert_eq!(is("Fuel-SC", "ACCESSORIAL"), Some((Meaning::Fuel, Basis::Decided)));
        assert_eq!(is("Fuel-SC", "TAX"), Some((Meaning::Fuel, Basis::Decided)));
        assert_eq!(is("FSC", "FUEL"), Some((Meaning::Fuel, Basis::Feed)));
        assert_eq!(is("LFT", "LINEHAUL"), Some((Meaning::Linehaul, Basis::Feed)));
        assert_eq!(is("405", "ACCESSORIAL"), Some((Meaning::Fuel, Basis::Catalogue)));
        let accessorial = |code: &str| Meaning::Accessorial(code.to_owned());
        assert_eq!(is("lft", "ACCESSORIAL"), Some((accessorial("LFT"), Basis::Catalogue)));
        assert_eq!(is("tail", "ACCESSORIAL"), Some((accessorial("TAIL"), Basis::Contract)));
        // FSC is no code of element 150 (DOMAIN §3.9): a person maps it.
        assert_eq!(is("FSC", "ACCESSORIAL"), None);
        assert_eq!(is("", "ACCESSORIAL"), None);
    }

    #[test]
    fn a_feed_without_categories_is_read_by_the_codes_of_the_catalogue() {
        let codes = ["400", "fue", "GST", "LFT", "Q7"];
        assert_eq!(codes.map(usual_category), ["LINEHAUL", "FUEL", "TAX", "ACCESSORIAL", "ACCESSORIAL"]);
    }

    #[test]
    fn a_decision_names_what_is_wrong_with_it() {
        let decided = |kind, code: &str, note: &str| {
            Decided { kind: Some(kind), code: code.to_owned(), note: note.to_owned() }.checked(&book())
        };
        let fields = |errors: FieldErrors| errors.into_iter().map(|(field, _)| field).collect::<Vec<_>>();
        assert_eq!(
            decided(ChargeKind::Accessorial, " unl ", "tariff item 40"),
            Ok(Some(Meaning::Accessorial("UNL".to_owned())))
        );
        assert_eq!(fields(decided(ChargeKind::Accessorial, "", " ").unwrap_err()), ["note", "code"]);
        assert_eq!(fields(decided(ChargeKind::Accessorial, "ZZZ", "why").unwrap_err()), ["code"]);
        assert_eq!(fields(decided(ChargeKind::Fuel, "LFT", "why").unwrap_err()), ["code"]);
        assert_eq!(decided(ChargeKind::Accessorial, "TAIL", "why").unwrap().unwrap().code(), Some("TAIL"));
        let back = Decided { kind: None, code: String::new(), note: "a slip".to_owned() };
        assert_eq!(back.checked(&book()), Ok(None));
    }

    #[test]
    fn every_kind_reads_back_as_it_is_stored() {
        for kind in ChargeKind::ALL {
            let code = (*kind == ChargeKind::Accessorial).then_some("LFT");
            let meaning = Meaning::of(*kind, code).unwrap();
            assert_eq!((meaning.kind(), meaning.code()), (*kind, code));
        }
        assert_eq!(Meaning::of(ChargeKind::Accessorial, None), None);
    }
}
