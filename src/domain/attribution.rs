//! Who a reason code blames, as a proposal (DOMAIN §8.4).
//!
//! The one list of the codes we interpret, with short labels of our own. A code that came from a carrier never excuses
//! anything by itself: it says whom to ask, and what an exclusion may be asked for.

use std::cmp::Ordering;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::field::codes;

codes! {
    /// Who is at fault for a miss.
    Fault, "fault" {
        /// The carrier: the miss counts.
        Carrier = "CARRIER", "the carrier";
        /// The shipper.
        Shipper = "SHIPPER", "the shipper";
        /// Who receives the goods.
        Consignee = "CONSIGNEE", "the consignee";
        /// Nobody: weather, disaster, a closed road. Needs corroboration.
        ForceMajeure = "FORCE_MAJEURE", "force majeure";
        /// Customs or an inspection.
        Government = "GOVERNMENT", "customs or another authority";
        /// A person must look.
        Review = "REVIEW", "for a person to judge";
        /// Counts against the carrier until somebody shows otherwise.
        Unknown = "UNKNOWN", "the carrier, until shown otherwise";
    }
}

impl Fault {
    /// The parties for which a miss can be excused.
    pub const EXCUSING: [Self; 4] = [Self::Shipper, Self::Consignee, Self::ForceMajeure, Self::Government];

    /// Whether a miss by its fault can be excused.
    #[must_use]
    pub fn excuses(self) -> bool {
        Self::EXCUSING.contains(&self)
    }

    /// The party that an exclusion names, from its code beside a shipment or a tender; none where there is none.
    #[must_use]
    pub fn of_exclusion(code: Option<&str>) -> Option<Self> {
        code.and_then(|code| code.parse().ok())
    }
}

/// A reason code we interpret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The code as messages carry it.
    pub code: &'static str,
    /// What it says, in our words.
    pub label: &'static str,
    /// Whom it blames: a proposal.
    pub fault: Fault,
}

impl Reason {
    /// `B1 closed`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} {}", self.code, self.label)
    }
}

const fn reason(code: &'static str, label: &'static str, fault: Fault) -> Reason {
    Reason { code, label, fault }
}

/// Every code, by whom it blames.
pub const REASONS: &[Reason] = &[
    reason("A1", "missed delivery", Fault::Carrier),
    reason("A3", "indirect delivery", Fault::Carrier),
    reason("AA", "mis-sort", Fault::Carrier),
    reason("AF", "accident", Fault::Carrier),
    reason("AH", "driver", Fault::Carrier),
    reason("AI", "breakdown", Fault::Carrier),
    reason("AJ", "other carrier involved", Fault::Carrier),
    reason("AK", "damaged, rewrapped", Fault::Carrier),
    reason("AY", "missed pickup", Fault::Carrier),
    reason("AZ", "another carrier delivered", Fault::Carrier),
    reason("BF", "keying error", Fault::Carrier),
    reason("BI", "cartage agent", Fault::Carrier),
    reason("BM", "flatcar shortage", Fault::Carrier),
    reason("BO", "rail missed its schedule", Fault::Carrier),
    reason("D1", "dispatch error", Fault::Carrier),
    reason("D2", "no driver", Fault::Carrier),
    reason("MQ", "missed pickup, dispatcher", Fault::Carrier),
    reason("MS", "missed pickup, driver", Fault::Carrier),
    reason("P1", "processing", Fault::Carrier),
    reason("P4", "held for a full load", Fault::Carrier),
    reason("S1", "delivery shortage", Fault::Carrier),
    reason("T1", "tractor unavailable", Fault::Carrier),
    reason("T2", "trailer unavailable", Fault::Carrier),
    reason("T3", "tractor breakdown", Fault::Carrier),
    reason("T4", "trailer breakdown", Fault::Carrier),
    reason("T5", "trailer not usable", Fault::Carrier),
    reason("T6", "equipment unavailable", Fault::Carrier),
    reason("AM", "shipper", Fault::Shipper),
    reason("B2", "trap freight", Fault::Shipper),
    reason("BB", "held for the shipper", Fault::Shipper),
    reason("BC", "missing documents", Fault::Shipper),
    reason("BN", "billing not released", Fault::Shipper),
    reason("BQ", "overweight", Fault::Shipper),
    reason("C6", "awaiting instructions", Fault::Shipper),
    reason("CB", "no requested date", Fault::Shipper),
    reason("CC", "no requested time", Fault::Shipper),
    reason("CS", "cancelled", Fault::Shipper),
    reason("DU", "duplicate pickup request", Fault::Shipper),
    reason("LG", "lift-gate not requested", Fault::Shipper),
    reason("UI", "lift-gate needed, not requested", Fault::Shipper),
    reason("MP", "wrong closing time", Fault::Shipper),
    reason("MR", "request too late", Fault::Shipper),
    reason("NF", "no freight", Fault::Shipper),
    reason("P3", "production", Fault::Shipper),
    reason("SD", "shipper delivered to the dock", Fault::Shipper),
    reason("SN", "freight not ready", Fault::Shipper),
    reason("UB", "upgrade by the shipper", Fault::Shipper),
    reason("UD", "update by the shipper", Fault::Shipper),
    reason("A2", "wrong address", Fault::Consignee),
    reason("A5", "cannot be found", Fault::Consignee),
    reason("A6", "address corrected", Fault::Consignee),
    reason("AD", "future delivery requested", Fault::Consignee),
    reason("AG", "consignee", Fault::Consignee),
    reason("AN", "closed for a holiday", Fault::Consignee),
    reason("AQ", "recipient unavailable", Fault::Consignee),
    reason("B1", "closed", Fault::Consignee),
    reason("B4", "held for payment", Fault::Consignee),
    reason("B5", "held", Fault::Consignee),
    reason("B8", "unloading facility", Fault::Consignee),
    reason("B9", "receiving hours", Fault::Consignee),
    reason("BJ", "wanted earlier", Fault::Consignee),
    reason("BK", "appointment agreed before", Fault::Consignee),
    reason("BS", "refused", Fault::Consignee),
    reason("C1", "customer waits for the bank", Fault::Consignee),
    reason("C2", "customer waits for a decision", Fault::Consignee),
    reason("C3", "credit hold", Fault::Consignee),
    reason("C4", "customer suspended", Fault::Consignee),
    reason("C5", "customer on vacation", Fault::Consignee),
    reason("C7", "customer on strike", Fault::Consignee),
    reason("C8", "customer uses an own carrier", Fault::Consignee),
    reason("C9", "no cash on delivery", Fault::Consignee),
    reason("HB", "held for an appointment", Fault::Consignee),
    reason("UA", "consignee waits", Fault::Consignee),
    reason("UC", "consignee requests later", Fault::Consignee),
    reason("UH", "driver waiting", Fault::Consignee),
    reason("UJ", "consignee asks to wait", Fault::Consignee),
    reason("AO", "weather or disaster", Fault::ForceMajeure),
    reason("AU", "civil event", Fault::ForceMajeure),
    reason("BE", "road conditions", Fault::ForceMajeure),
    reason("AP", "awaiting export", Fault::Government),
    reason("AR", "customs papers", Fault::Government),
    reason("AS", "international papers", Fault::Government),
    reason("AT", "customs broker", Fault::Government),
    reason("BD", "border", Fault::Government),
    reason("CA", "customs", Fault::Government),
    reason("F1", "clearance", Fault::Government),
    reason("F2", "clearance, not by the carrier", Fault::Government),
    reason("P2", "inspection", Fault::Government),
    reason("AE", "restricted article", Fault::Review),
    reason("AL", "previous stop", Fault::Review),
    reason("AV", "exceeds the service", Fault::Review),
    reason("AW", "past the cut-off", Fault::Review),
    reason("AX", "pickup time too short", Fault::Review),
    reason("BH", "delivery time too short", Fault::Review),
    reason("T7", "delivery time too short, reported", Fault::Review),
    reason("BL", "protective hold", Fault::Review),
    reason("BP", "load shifted", Fault::Review),
    reason("BR", "derailment", Fault::Review),
    reason("BT", "returned", Fault::Review),
    reason("RC", "reconsigned", Fault::Review),
    reason("SI", "special instructions", Fault::Review),
    reason("SR", "service restriction", Fault::Review),
    reason("UE", "unusual event", Fault::Review),
    reason("UF", "unusual freight", Fault::Review),
    reason("UG", "unusual goods", Fault::Review),
    reason("UK", "unknown by the reporter", Fault::Review),
    reason("BG", "other", Fault::Unknown),
    reason("NS", "normal status", Fault::Unknown),
    reason("NA", "normal appointment", Fault::Unknown),
];

/// The reason a code names, however it is cased; none for a code we do not interpret.
#[must_use]
pub fn reason_of(code: &str) -> Option<&'static Reason> {
    let code = code.trim();
    REASONS.iter().find(|reason| reason.code.eq_ignore_ascii_case(code))
}

/// Whom a code that came with a late event blames: unknown for a blank one and for one we do not interpret.
#[must_use]
pub fn fault_of(code: &str) -> Fault {
    reason_of(code).map_or(Fault::Unknown, |reason| reason.fault)
}

/// What was given as the reason of a miss: a code of the list, something else, or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Given {
    /// A code of [`REASONS`].
    Code(&'static Reason),
    /// A text, or a code we do not interpret.
    Other,
    /// Nothing.
    #[default]
    Nothing,
}

impl Given {
    /// Reads what came with an event; a blank is nothing.
    #[must_use]
    pub fn of(text: Option<&str>) -> Self {
        match text.map(str::trim).filter(|text| !text.is_empty()) {
            None => Self::Nothing,
            Some(text) => reason_of(text).map_or(Self::Other, Self::Code),
        }
    }

    /// The word in an address and in stored sums: the code, `OTHER` or `NONE`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Code(reason) => reason.code,
            Self::Other => "OTHER",
            Self::Nothing => "NONE",
        }
    }

    /// Reads the word of [`Given::code`].
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "OTHER" => Some(Self::Other),
            "NONE" => Some(Self::Nothing),
            _ => REASONS.iter().find(|reason| reason.code == code).map(Self::Code),
        }
    }

    /// Whom it points at, a proposal only: where nothing usable is given, the carrier until shown otherwise.
    #[must_use]
    pub fn fault(self) -> Fault {
        match self {
            Self::Code(reason) => reason.fault,
            Self::Other | Self::Nothing => Fault::Unknown,
        }
    }

    /// `AI breakdown`, `A reason without a known code`, `No reason given`.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Code(reason) => reason.words(),
            Self::Other => "A reason without a known code".to_owned(),
            Self::Nothing => "No reason given".to_owned(),
        }
    }

    /// Whether nothing was given.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}

impl PartialOrd for Given {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Given {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code().cmp(other.code())
    }
}

impl Serialize for Given {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::from_code(&code)
            .ok_or_else(|| serde::de::Error::custom(format!("`{code}` is no reason code, OTHER or NONE")))
    }
}

/// What a carrier gave as its reason, in words: `B1 closed, which is the consignee`. A text that is no code stays.
#[must_use]
pub fn proposal_words(given: &str) -> String {
    match reason_of(given) {
        Some(reason) => format!("{}, which points at {}", reason.words(), reason.fault.label()),
        None => given.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_and_blames_somebody() {
        for (at, reason) in REASONS.iter().enumerate() {
            assert!(REASONS[..at].iter().all(|other| other.code != reason.code), "{}", reason.code);
            assert!(!reason.label.is_empty() && reason.code.len() == 2, "{}", reason.code);
        }
        for fault in Fault::ALL {
            assert!(REASONS.iter().any(|reason| reason.fault == *fault), "{fault}");
        }
    }

    /// DOMAIN §8.4, one of each line.
    #[test]
    fn a_code_proposes_whom_to_blame() {
        let cases = [
            ("AI", Fault::Carrier),
            ("T6", Fault::Carrier),
            ("nf", Fault::Shipper),
            ("B1", Fault::Consignee),
            (" C9 ", Fault::Consignee),
            ("AO", Fault::ForceMajeure),
            ("P2", Fault::Government),
            ("T7", Fault::Review),
            ("NS", Fault::Unknown),
            ("", Fault::Unknown),
            ("Q9", Fault::Unknown),
        ];
        for (code, fault) in cases {
            assert_eq!(fault_of(code), fault, "{code:?}");
        }
        assert_eq!(proposal_words("B1"), "B1 closed, which points at the consignee");
        assert_eq!(proposal_words("truck stuck"), "truck stuck");
    }

    #[test]
    fn what_was_given_reads_back_from_its_word() {
        let given = [None, Some(" "), Some("ai"), Some("truck stuck"), Some("Q9")].map(Given::of);
        let codes = given.map(Given::code);
        assert_eq!(codes, ["NONE", "NONE", "AI", "OTHER", "OTHER"]);
        for one in given {
            assert_eq!(Given::from_code(one.code()), Some(one));
        }
        assert_eq!(Given::from_code("ai"), None);
        assert_eq!((given[2].fault(), given[3].fault()), (Fault::Carrier, Fault::Unknown));
        assert!(REASONS.iter().all(|reason| !["OTHER", "NONE"].contains(&reason.code)));
    }

    #[test]
    fn only_others_than_the_carrier_excuse() {
        assert!(!Fault::Carrier.excuses() && !Fault::Unknown.excuses() && !Fault::Review.excuses());
        assert_eq!(Fault::ALL.iter().filter(|fault| fault.excuses()).count(), Fault::EXCUSING.len());
    }
}
