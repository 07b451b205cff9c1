//! The audit of a carrier's invoice: what was billed against what the contract owes and what happened (DOMAIN §5).
//!
//! [`audit`] is pure: a [`Bill`] and what is [`Known`] about it in, an [`Audited`] out. It goes in the order of §5 and stops
//! at the first hard fail: envelope, duplicate, match, eligibility, quantity, rate, accessorials, tolerance. What is judged is
//! a [`Position`], everything a bill charges under one name for one shipment, beside what other bills charged for the same:
//! so one charge over several invoices, corrections and credits net, and nothing is looked at alone.
//!
//! What is disputed of a position is a function of the running total alone, so over any bills of one charge the
//! disputes sum to what the total is beyond what is owed. [`recovery`] follows the disputed money to its end, and [`release`] is
//! what people rule about what is held.

mod checks;
pub mod drift;
pub mod papers;
pub mod recovery;
pub mod release;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::accessorial::AccessorialRate;
use super::accessorial::charge::AccessorialEvent;
use super::charge_code::Meaning;
use super::currency::Currency;
use super::expected::ExpectedLine;
use super::field::codes;
use super::measure::Measures;
use super::money::Micros;
use super::rate::ChargePart;
use papers::{Bearers, FreightTerms, NumberKey, NumberKind, Said};

pub use terms::{AuditTerms, CHARGES_MAX, DatedTerms, Limits, in_force};

/// Counts up with every change of these rules, so that a result says by which it was made.
pub const RULES: u32 = 4;

codes! {
    /// What a bill is.
    BillKind, "kind of invoice" {
        /// The first bill.
        Original = "ORIGINAL", "invoice";
        /// The difference to a bill before it, which it names.
        Correction = "CORRECTION", "correction";
        /// Money back.
        Credit = "CREDIT", "credit note";
    }
}

codes! {
    /// What an audit found a bill to be (DOMAIN §5).
    BillStatus, "status of an audit" {
        /// As it should be, within the tolerance.
        Matched = "MATCHED", "as agreed";
        /// Other than it should be.
        MatchedVariance = "MATCHED_VARIANCE", "differs";
        /// It names a shipment that is not there.
        Unmatched = "UNMATCHED", "shipment not found";
        /// Billed before.
        Duplicate = "DUPLICATE", "billed twice";
        /// Not to be taken up at all.
        Rejected = "REJECTED", "not acceptable";
    }
}

codes! {
    /// What to do with a bill, or with a position of it.
    Outcome, "outcome of an audit" {
        /// Pay what is billed.
        Pay = "PAY", "pay";
        /// Pay what is rated, and dispute the rest.
        PayAsRated = "PAY_AS_RATED", "pay as rated";
        /// Pay what is billed, and claim the rest back: the contract gives no right to pay less.
        PayAndClaim = "PAY_AND_CLAIM", "pay and claim back";
        /// Wait for what is missing.
        Hold = "HOLD", "hold";
        /// Pay nothing.
        Reject = "REJECT", "reject";
    }
}

codes! {
    /// Why money is disputed (DOMAIN §5).
    DisputeCode, "dispute code" {
        /// Billed before.
        Dup = "DUP", "duplicate";
        /// Another base rate than agreed.
        Rate = "RATE", "base rate";
        /// The discount is missing or too small.
        Disc = "DISC", "discount";
        /// A minimum was charged that is not owed.
        Minc = "MINC", "minimum charge";
        /// More weight than was carried.
        Wght = "WGHT", "weight";
        /// Another class.
        Clss = "CLSS", "freight class";
        /// A longer way than agreed.
        Dist = "DIST", "distance";
        /// More fuel surcharge than owed.
        Fuel = "FUEL", "fuel surcharge";
        /// Nobody agreed to the accessorial.
        Acna = "ACNA", "accessorial not authorised";
        /// The contract has no such charge.
        Acnc = "ACNC", "not in the contract";
        /// Nothing shows that it happened.
        Acev = "ACEV", "no evidence";
        /// More of it than happened.
        Acqt = "ACQT", "quantity or hours";
        /// The carrier caused it.
        Accr = "ACCR", "caused by the carrier";
        /// What is billed was not done.
        Svcf = "SVCF", "service not performed";
        /// Who is to pay whom.
        Term = "TERM", "terms or payee";
        /// Another currency, or tax that is not owed.
        Curr = "CURR", "currency or tax";
        /// Billed too late.
        Late = "LATE", "billed late";
        /// A reference is missing or leads nowhere.
        Refr = "REFR", "missing reference";
        /// The proof of delivery is missing.
        Podm = "PODM", "proof of delivery missing";
    }
}

/// What one charge of a shipment is, however it is written on the bill.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Charge {
    /// Moving the goods: gross, discount and minimum.
    Linehaul,
    /// Fuel surcharge.
    Fuel,
    /// The accessorial of this code.
    Accessorial(String),
    /// Tax.
    Tax,
    /// A code of which somebody decided that the contract owes nothing for it.
    NotChargeable(String),
    /// A code of which somebody decided that it is no freight.
    Outside(String),
    /// A code that nobody has mapped.
    Unmapped(String),
}

/// The accessorial of a truck that was ordered and not used, which the trade calls TONU.
const TRUCK_NOT_USED: &str = "VOR";

impl Charge {
    /// Whether it is for a truck that was ordered and not used.
    #[must_use]
    pub fn is_truck_not_used(&self) -> bool {
        matches!(self, Self::Accessorial(code) if code == TRUCK_NOT_USED)
    }

    /// Of what a billed code means, as the partner's code book says.
    #[must_use]
    pub fn of(meaning: Option<&Meaning>, code: &str) -> Self {
        match meaning {
            Some(Meaning::Linehaul) => Self::Linehaul,
            Some(Meaning::Fuel) => Self::Fuel,
            Some(Meaning::Tax) => Self::Tax,
            Some(Meaning::Accessorial(code)) => Self::Accessorial(code.clone()),
            Some(Meaning::NotChargeable) => Self::NotChargeable(code.to_owned()),
            Some(Meaning::Other) => Self::Outside(code.to_owned()),
            None => Self::Unmapped(code.to_owned()),
        }
    }

    /// Of a line of an expected charge.
    #[must_use]
    pub fn of_line(line: &ExpectedLine) -> Self {
        match line.part {
            ChargePart::Linehaul => Self::Linehaul,
            ChargePart::Fuel => Self::Fuel,
            ChargePart::Tax => Self::Tax,
            ChargePart::Accessorial => Self::Accessorial(line.code.clone()),
        }
    }

    /// In words: `linehaul`, `accessorial DTU`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Linehaul => "linehaul".to_owned(),
            Self::Fuel => "fuel surcharge".to_owned(),
            Self::Tax => "tax".to_owned(),
            Self::Accessorial(code) => format!("accessorial {code}"),
            Self::NotChargeable(code) => format!("{code}, not chargeable"),
            Self::Outside(code) => format!("{code}, outside freight"),
            Self::Unmapped(code) => format!("{code}, not mapped"),
        }
    }
}

impl fmt::Display for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linehaul => f.write_str("LINEHAUL"),
            Self::Fuel => f.write_str("FUEL"),
            Self::Tax => f.write_str("TAX"),
            Self::Accessorial(code) => write!(f, "ACCESSORIAL:{code}"),
            Self::NotChargeable(code) => write!(f, "NOT_CHARGEABLE:{code}"),
            Self::Outside(code) => write!(f, "OUTSIDE:{code}"),
            Self::Unmapped(code) => write!(f, "UNMAPPED:{code}"),
        }
    }
}

/// The text names no charge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no charge; use LINEHAUL, FUEL, TAX or ACCESSORIAL: with its code, such as ACCESSORIAL:DTU")]
pub struct BadCharge(pub String);

impl FromStr for Charge {
    type Err = BadCharge;

    fn from_str(text: &str) -> Result<Self, BadCharge> {
        let bad = || BadCharge(text.to_owned());
        Ok(match text {
            "LINEHAUL" => Self::Linehaul,
            "FUEL" => Self::Fuel,
            "TAX" => Self::Tax,
            other => {
                let (kind, code) = other.split_once(':').ok_or_else(bad)?;
                let code = code.to_owned();
                match kind {
                    "ACCESSORIAL" if !code.is_empty() => Self::Accessorial(code),
                    "NOT_CHARGEABLE" => Self::NotChargeable(code),
                    "OUTSIDE" => Self::Outside(code),
                    "UNMAPPED" => Self::Unmapped(code),
                    _ => return Err(bad()),
                }
            }
        })
    }
}

impl TryFrom<String> for Charge {
    type Error = BadCharge;

    fn try_from(text: String) -> Result<Self, BadCharge> {
        text.parse()
    }
}

impl From<Charge> for String {
    fn from(charge: Charge) -> Self {
        charge.to_string()
    }
}

/// By what a line names its shipment; tried in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Named {
    /// Our own reference.
    pub shipment: Option<String>,
    /// The carrier's number.
    pub pro: Option<String>,
    /// The bill of lading.
    pub bol: Option<String>,
    /// The load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<String>,
    /// Which stop of the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<i32>,
}

impl Named {
    /// The names given, in the order in which they are tried.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.shipment, &self.pro, &self.bol, &self.load].into_iter().filter_map(|name| name.as_deref())
    }

    /// The numbers by which others know a shipment, in the order in which they are tried.
    pub fn said(&self) -> impl Iterator<Item = Said<'_>> {
        let said = |kind, number, stop| Some(Said { kind, number, stop });
        let numbers = [
            self.pro.as_deref().and_then(|number| said(NumberKind::Pro, number, None)),
            self.bol.as_deref().and_then(|number| said(NumberKind::Bol, number, None)),
            self.load.as_deref().and_then(|number| said(NumberKind::Load, number, self.stop)),
        ];
        numbers.into_iter().flatten()
    }

    /// Those as numbers are compared.
    pub fn keys(&self) -> impl Iterator<Item = NumberKey> {
        self.said().filter_map(|said| said.key())
    }
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BillLine {
    /// Its place on the bill, from 1.
    pub seq: i32,
    /// The shipment it is for.
    pub named: Named,
    /// The code as billed.
    pub code: String,
    /// What the code means.
    pub charge: Charge,
    /// How much of it, in `unit`.
    pub quantity: Option<Micros>,
    /// What the quantity counts, as billed.
    pub unit: Option<String>,
    /// Billed; negative on credits and corrections.
    pub amount: Micros,
    /// Who pays the freight of its shipment, as the bill says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freight_terms: Option<FreightTerms>,
}

/// An invoice, a correction or a credit note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The carrier's number.
    pub number: String,
    /// What it is.
    pub kind: BillKind,
    /// The number of the bill it is a correction of, or a credit for.
    pub corrects: Option<String>,
    /// The day on it.
    pub issued_on: NaiveDate,
    /// The day it came in.
    pub received_on: NaiveDate,
    /// Currency of every amount.
    pub currency: Currency,
    /// Where to pay, as it says.
    pub remit_to: Option<String>,
    /// To whom it is addressed, as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill_to: Option<String>,
    /// Its lines.
    pub lines: Vec<BillLine>,
}

impl Bill {
    /// Sum of the lines.
    #[must_use]
    pub fn total(&self) -> Micros {
        self.lines.iter().map(|line| line.amount).sum()
    }

    /// What bills are ordered by: one is compared with those before it.
    #[must_use]
    pub fn order(&self) -> impl Ord + use<> {
        (self.received_on, self.issued_on, number_key(&self.number), self.number.clone())
    }
}

/// Longest number of a bill.
pub const NUMBER_CHARS_MAX: usize = 120;

/// A number as numbers are compared: letters and digits alone, capitals, no zeros in front. So `INV-0042` and `inv 0042`
/// are one.
#[must_use]
pub fn number_key(number: &str) -> String {
    let plain: String = number.to_uppercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let short = plain.trim_start_matches('0');
    if short.is_empty() { plain } else { short.to_owned() }
}

/// A name as names are compared: letters and digits alone, capitals. So `Acme Foods, Inc.` and `ACME FOODS INC` are one.
#[must_use]
pub fn name_key(name: &str) -> String {
    name.to_uppercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// What the contract owes for a shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owed {
    /// So much, line by line.
    Rated {
        /// In this currency.
        currency: Currency,
        /// The lines.
        lines: Vec<ExpectedLine>,
    },
    /// The contract holds and has no price, for this reason.
    Unrated(String),
    /// Nothing, by agreement, for this reason.
    Nothing(String),
    /// No contract with prices holds.
    NoContract,
}

/// A shipment as the audit needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consigned {
    /// Our reference.
    pub reference: String,
    /// Code of its lane; empty without one.
    pub lane: String,
    /// Local day of its delivery, once it is reported.
    pub delivered_on: Option<NaiveDate>,
    /// It was cancelled.
    pub is_cancelled: bool,
    /// Its proof of delivery is there.
    pub has_proof: bool,
    /// Weight in grams.
    pub weight_g: Option<i64>,
    /// Distance in metres.
    pub distance_m: Option<i64>,
    /// Handling units.
    pub pieces: Option<i64>,
    /// Freight class.
    pub freight_class: Option<String>,
    /// What it should cost.
    pub owed: Owed,
    /// What happened and may be charged, under the codes it is charged by.
    pub events: Vec<AccessorialEvent>,
    /// The accessorial rates of the version that prices it.
    pub rates: Vec<AccessorialRate>,
    /// Who pays its freight, as its papers say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freight_terms: Option<FreightTerms>,
    /// The carrier missed its pickup. Looked for only where a bill charges for a truck that was ordered and not used, since nothing
    /// else rests on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_pickup_missed: bool,
}

/// What is known about a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// By what it is audited.
    pub terms: AuditTerms,
    /// The shipments that this bill names, by our reference.
    pub shipments: BTreeMap<String, Consigned>,
    /// The reference that a name means, on this bill and on the others.
    pub names: BTreeMap<String, String>,
    /// The shipments that carry the numbers on this bill and on the others.
    #[serde(default, skip_serializing_if = "Bearers::is_empty")]
    pub numbers: Bearers,
    /// Currencies of the partner's contracts; any where it has none.
    pub currencies: BTreeSet<Currency>,
    /// The partner's other bills that share a number, an original or a shipment with this one.
    pub others: Vec<Bill>,
}

/// What is wrong, or worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The dispute code.
    pub code: DisputeCode,
    /// In words.
    pub words: String,
    /// It waits for something of ours (a rate, a mapping), so it is no fault of the carrier.
    #[serde(default)]
    pub is_ours: bool,
}

/// Everything a bill charges under one name for one shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Places of its lines on the bill.
    pub lines: Vec<i32>,
    /// Our reference of the shipment; none where none was found.
    pub shipment: Option<String>,
    /// The shipment as the bill names it; empty where it names none.
    pub name: String,
    /// The number by which the shipment was found, in words; none where our reference was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_by: Option<String>,
    /// Code of the shipment's lane; empty where none is known.
    pub lane: String,
    /// What it is.
    pub charge: Charge,
    /// As billed: the first of its codes.
    pub code: String,
    /// Billed here.
    pub billed: Micros,
    /// Billed for the same by bills before.
    pub before: Micros,
    /// What the contract owes for it in all; none where nobody can tell.
    pub rated: Option<Micros>,
    /// Billed here and before, minus what is owed.
    pub variance: Option<Micros>,
    /// Paid for good. With `disputed` it is what is billed.
    pub approved: Micros,
    /// Not agreed to; negative where a credit takes back what was disputed before.
    pub disputed: Micros,
    /// What to do with it.
    pub outcome: Outcome,
    /// What happened, in words.
    pub evidence: String,
    /// Why it is disputed or held.
    pub finding: Option<Finding>,
    /// Billed less than owed, beyond the tolerance.
    pub is_short: bool,
}

/// The result of an audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    /// The rules it was made by.
    pub rules: u32,
    /// What the bill is.
    pub status: BillStatus,
    /// What to do with it.
    pub outcome: Outcome,
    /// Sum of the lines.
    pub billed: Micros,
    /// What is paid for good.
    pub approved: Micros,
    /// The rest of what is billed.
    pub disputed: Micros,
    /// What is paid now: with a claim all of it, of what is held nothing.
    pub payable: Micros,
    /// What is wrong with the bill as a whole.
    pub finding: Option<Finding>,
    /// Charge by charge.
    pub positions: Vec<Position>,
    /// What it means for the carrier's billing KPIs.
    pub accuracy: Accuracy,
}

/// What one bill adds to the billing KPIs (DOMAIN §1.5 D).
///
/// It is what the audit found, and no ruling changes it: the KPI is the yield of the first pass, and what a person released was
/// stopped at it. Nor does a release say another price, so that the value stays what the contract owes. Where a fact was missing, the
/// fact makes a new audit, which counts. A ruling that counted would let whoever pays a carrier move its score, beside the challenge and
/// the exclusion that are there for that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accuracy {
    /// It counts: a first bill that nothing of ours keeps from being judged.
    pub is_counted: bool,
    /// It passed.
    pub is_right: bool,
    /// What should have been billed, where that is known.
    pub correct: Micros,
    /// The distances from it, above and below, added up.
    pub error: Micros,
    /// It came in time after the delivery; none before one is reported.
    pub is_timely: Option<bool>,
}

impl Accuracy {
    /// Adds it to the sums of the day the bill was received. Amounts count in the currency sums are kept in only.
    pub fn add_to(&self, is_reporting_currency: bool, sums: &mut Measures) {
        if !self.is_counted {
            return;
        }
        sums.invoices_right.add(i64::from(self.is_right), 1);
        if is_reporting_currency && (self.correct > Micros::ZERO || self.error > Micros::ZERO) {
            sums.invoice_error.add(self.error.0, self.correct.0);
            sums.invoices_valued += 1;
        }
        if let Some(is_timely) = self.is_timely {
            sums.invoices_timely.add(i64::from(is_timely), 1);
        }
    }
}

impl Audited {
    /// The dispute codes of money that is not agreed to, each once.
    #[must_use]
    pub fn codes(&self) -> Vec<DisputeCode> {
        let found = self.finding.iter().chain(self.positions.iter().filter_map(|one| one.finding.as_ref()));
        found.map(|finding| finding.code).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Audits a bill.
#[must_use]
pub fn audit(bill: &Bill, known: &Known) -> Audited {
    let desk = checks::Desk::new(bill, known);
    if let Some((status, outcome, finding)) = desk.envelope() {
        return desk.whole(status, outcome, finding);
    }
    if let Some((finding, outcome)) = desk.duplicate() {
        return desk.whole(BillStatus::Duplicate, outcome, finding);
    }
    let mut positions = desk.positions();
    desk.bill_tolerance(&mut positions);
    desk.conclude(positions)
}
