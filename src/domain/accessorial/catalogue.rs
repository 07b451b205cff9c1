//! The usual charges beside linehaul, with labels of our own (DOMAIN §3.9).

use super::AccessorialUnit::{self, PassThrough, PctOfLinehaul, PerCwt, PerDay, PerHour, PerOccurrence};

/// One charge the catalogue knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueCharge {
    /// Code of X12 data element 150.
    pub code: &'static str,
    /// Our own words for it.
    pub label: &'static str,
    /// The unit it is usually charged in.
    pub unit: AccessorialUnit,
    /// What proves it or who approves it.
    pub evidence: &'static str,
}

/// The catalogue entry of a code.
#[must_use]
pub fn catalogue_charge(code: &str) -> Option<&'static CatalogueCharge> {
    CATALOGUE.iter().find(|charge| charge.code == code)
}

const fn charge(
    code: &'static str,
    label: &'static str,
    unit: AccessorialUnit,
    evidence: &'static str,
) -> CatalogueCharge {
    CatalogueCharge { code, label, unit, evidence }
}

/// The usual charges, with labels of our own (DOMAIN §3.9). A contract may use other codes.
pub const CATALOGUE: &[CatalogueCharge] = &[
    charge("405", "Fuel surcharge", PctOfLinehaul, "index"),
    charge("LFT", "Liftgate", PerOccurrence, "requested, or noted on the proof of delivery"),
    charge("IDL", "Inside delivery", PerOccurrence, "proof of delivery"),
    charge("IPU", "Inside pickup", PerOccurrence, "proof of delivery"),
    charge("RES", "Residential delivery", PerOccurrence, "address class"),
    charge("REP", "Residential pickup", PerOccurrence, "address class"),
    charge("APT", "Appointment", PerOccurrence, "order"),
    charge("MNC", "Call before delivery", PerOccurrence, "order"),
    charge("DTL", "Detention while loading", PerHour, "in and out times"),
    charge("DTU", "Detention while unloading", PerHour, "in and out times"),
    charge("DET", "Trailer detention", PerDay, "gate log"),
    charge("WTG", "Waiting", PerHour, "gate log"),
    charge("LAY", "Layover", PerDay, "approval"),
    charge("SOC", "Stop-off", PerOccurrence, "stops beyond those included"),
    charge("SPU", "Split pickup", PerOccurrence, "stops beyond those included"),
    charge("SDL", "Split delivery", PerOccurrence, "stops beyond those included"),
    charge("RCL", "Redelivery", PerOccurrence, "attempt, for a reason not the carrier's"),
    charge("ATD", "Attempted delivery", PerOccurrence, "attempt, for a reason not the carrier's"),
    charge("ATP", "Attempted pickup", PerOccurrence, "attempt, for a reason not the carrier's"),
    charge("RCC", "Reconsignment", PerOccurrence, "request by the shipper"),
    charge("DIV", "Diversion", PerOccurrence, "request by the shipper"),
    charge("UNL", "Unloading labour", PassThrough, "receipt"),
    charge("LOA", "Loading labour", PassThrough, "receipt"),
    charge("SEG", "Sorting", PerCwt, "approval"),
    charge("SRG", "Storage", PerDay, "approval"),
    charge("SAT", "Saturday service", PerOccurrence, "order"),
    charge("HOL", "Sunday or holiday service", PerOccurrence, "order"),
    charge("ABH", "After-hours service", PerOccurrence, "order"),
    charge("HAZ", "Dangerous goods", PerOccurrence, "goods data"),
    charge("OVR", "Over-dimension", PerOccurrence, "goods data"),
    charge("EXL", "Extra length", PerOccurrence, "goods data"),
    charge("PSC", "Protection from cold", PerOccurrence, "order"),
    charge("PSH", "Protection from heat", PerOccurrence, "order"),
    charge("TAR", "Tarping", PerOccurrence, "order"),
    charge("EXP", "Expedited service", PerOccurrence, "approval"),
    charge("EXC", "Exclusive use of the vehicle", PerOccurrence, "approval"),
    charge("VOR", "Vehicle ordered, not used", PerOccurrence, "cancelled inside the notice time"),
    charge("020", "Address correction", PerOccurrence, "scan"),
    charge("WTV", "Weight check", PerOccurrence, "scan"),
    charge("PEC", "Pallet exchange", PerOccurrence, "proof of delivery"),
    charge("CON", "Congestion", PerOccurrence, "contract"),
    charge("SUR", "Peak or other surcharge", PerOccurrence, "contract"),
    charge("IHT", "Tolls", PassThrough, "receipt"),
    charge("CUS", "Customs", PassThrough, "receipt"),
];
