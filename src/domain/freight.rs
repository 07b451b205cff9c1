//! Freight to accrue: what was delivered and is on no invoice that counts (DOMAIN §4.5, §5).
//!
//! As of clauses the ledger is brought to a target. The target of a shipment is what it should cost, charge by charge, less
//! the charges that are billed: so a shipment of which only the linehaul was billed keeps its accessorials. A charge is
//! billed when audited invoices that are to be paid come to more than 0 for it; where the audit found that they come to less
//! than is owed, beyond the tolerance, the rest stays until it is billed too. An invoice on hold, refused or billed twice
//! changes nothing, but of what is refused since the carrier was the cause nothing is owed. What nobody billed in the time the
//! contract gives would be refused, and is taken back.
//!
//! A shipment makes no entry of its own. Its [`Move`]s add up to one entry for each contract version, month of delivery,
//! currency and cause, and stay behind that entry as its evidence.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::audit::{Audited, BillStatus, Charge, DisputeCode, Outcome};
use super::clause::{ObligationKey, Reason, Sign};
use super::currency::Currency;
use super::expected::{ExpectedLine, Parts};
use super::field::codes;
use super::ledger::{
    Booking, ItemState, JournalEntry, LedgerError, Recognition, RecognitionPolicy, freight_entry,
};
use super::money::Micros;
use super::period::{Period, PeriodKind};
use super::rate::ChargePart;
use super::words;

#[cfg(test)]
mod tests;

codes! {
    /// Why the freight accrued for a shipment changed.
    Why, "cause of a change of accrued freight" {
        /// It was delivered and is not billed.
        Delivered = "DELIVERED", "delivered, not billed";
        /// What it should cost changed, or what its invoices say.
        Price = "PRICE", "expected charge or invoice changed";
        /// It was billed.
        Billed = "BILLED", "billed";
        /// The time to bill it is over.
        Lapsed = "LAPSED", "not billed in time";
        /// It is not delivered any more, or has no price, or another one accounts for it.
        Gone = "GONE", "no longer delivered or priced here";
    }
}

impl Why {
    /// The posting reason of such a change.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Delivered => Reason::Initial,
            Self::Price => Reason::TrueUp,
            Self::Billed | Self::Lapsed | Self::Gone => Reason::Reversal,
        }
    }

    /// What is said of the shipments of an entry.
    const fn words(self) -> &'static str {
        match self {
            Self::Delivered => "delivered and not billed",
            Self::Price => "not billed, of which the expected charge or an invoice changed",
            Self::Billed => "of which charges were billed",
            Self::Lapsed => "not billed in the time the contract gives",
            Self::Gone => "no longer delivered, or without a price of this version",
        }
    }
}

/// A delivered shipment with a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Local day of the delivery.
    pub delivered_on: NaiveDate,
    /// The contract version that prices it.
    pub version_id: i64,
    /// The currency of its price.
    pub currency: Currency,
    /// What it should cost.
    pub lines: Vec<ExpectedLine>,
}

/// What invoices say of one charge of a shipment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Billed {
    /// Billed by invoices that are to be paid, less what they credit.
    pub net: Micros,
    /// An invoice for it waits for something.
    pub is_held: bool,
    /// An audit refused it since the carrier was the cause: whatever it should cost, nothing is owed.
    pub is_not_owed: bool,
    /// What they came to in all where an audit found less billed than is owed, beyond the tolerance.
    pub short_at: BTreeSet<Micros>,
}

impl Billed {
    fn is_billed(&self) -> bool {
        self.net > Micros::ZERO
    }

    /// What is still to be billed of what is owed. Below it within the tolerance is paid as billed, and that is all.
    fn left_of(&self, owed: Micros) -> Micros {
        if self.is_not_owed {
            return Micros::ZERO;
        }
        match (self.is_billed(), self.short_at.contains(&self.net)) {
            (false, _) => owed,
            (true, true) => (owed - self.net).max(Micros::ZERO),
            (true, false) => Micros::ZERO,
        }
    }
}

/// What invoices say of the charges of shipments, by our reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bills(BTreeMap<String, BTreeMap<Charge, Billed>>);

impl Bills {
    /// Adds what the newest audit of one invoice says.
    pub fn add(&mut self, audited: &Audited) {
        if matches!(audited.status, BillStatus::Duplicate | BillStatus::Rejected) {
            return;
        }
        for position in &audited.positions {
            let Some(shipment) = &position.shipment else { continue };
            // Of what is refused this alone says that no other invoice will be paid for it either.
            let is_cause = position.finding.as_ref().is_some_and(|found| found.code == DisputeCode::Accr);
            if is_cause && position.outcome == Outcome::Reject {
                let of_shipment = self.0.entry(shipment.clone()).or_default();
                of_shipment.entry(position.charge.clone()).or_default().is_not_owed = true;
                continue;
            }
            let is_held = match position.outcome {
                Outcome::Pay | Outcome::PayAsRated | Outcome::PayAndClaim => false,
                Outcome::Hold if position.billed > Micros::ZERO => true,
                Outcome::Hold | Outcome::Reject => continue,
            };
            let of_shipment = self.0.entry(shipment.clone()).or_default();
            let billed = of_shipment.entry(position.charge.clone()).or_default();
            if is_held {
                billed.is_held = true;
            } else {
                billed.net = billed.net + position.billed;
                if position.is_short {
                    billed.short_at.insert(position.before + position.billed);
                }
            }
        }
    }

    fn of(&self, reference: &str, charge: &Charge) -> Billed {
        self.0.get(reference).and_then(|charges| charges.get(charge)).cloned().unwrap_or_default()
    }
}

/// How far a run looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// Deliveries up to this day count.
    pub as_of: NaiveDate,
    /// Days after the delivery in which a first invoice may come in.
    pub window_days: i64,
}

impl Horizon {
    /// Deliveries before this day may not be billed any more.
    #[must_use]
    pub fn first_day(self) -> NaiveDate {
        let days = Days::new(u64::try_from(self.window_days).unwrap_or(0));
        self.as_of.checked_sub_days(days).unwrap_or(NaiveDate::MIN)
    }
}

/// What is accrued for a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The contract version that prices it.
    pub version_id: i64,
    /// Currency of the amounts.
    pub currency: Currency,
    /// Local day of the delivery.
    pub delivered_on: NaiveDate,
    /// Part by part.
    pub parts: Parts,
}

impl Standing {
    /// The obligation it belongs to: version and month of delivery.
    #[must_use]
    pub fn key(&self) -> ObligationKey {
        ObligationKey::freight(self.version_id, Period::containing(PeriodKind::Month, self.delivered_on))
    }
}

/// What a shipment comes to, and why parts of it come to less than they should cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// What is to stand; none when nothing is.
    pub standing: Option<Standing>,
    billed: BTreeSet<ChargePart>,
    lapsed: BTreeSet<ChargePart>,
}

/// What is to be accrued for a shipment: what each charge should cost that is not billed.
#[must_use]
pub fn target(reference: &str, carried: &Carried, bills: &Bills, horizon: Horizon) -> Target {
    let mut target = Target::default();
    if carried.delivered_on > horizon.as_of {
        return target;
    }
    let has_lapsed = carried.delivered_on < horizon.first_day();
    let mut parts = Parts::default();
    let mut charges: BTreeMap<(ChargePart, Charge), Micros> = BTreeMap::new();
    for line in &carried.lines {
        let sum = charges.entry((line.part, Charge::of_line(line))).or_default();
        *sum = *sum + Micros(line.amount_micros);
    }
    for ((part, charge), owed) in charges {
        let said = bills.of(reference, &charge);
        if said.is_billed() {
            target.billed.insert(part);
        }
        let left = said.left_of(owed);
        if !has_lapsed || said.is_held {
            parts.add(part, left);
        } else if left != Micros::ZERO {
            target.lapsed.insert(part);
        }
    }
    if parts != Parts::default() {
        let Carried { delivered_on, version_id, currency, .. } = *carried;
        target.standing = Some(Standing { version_id, currency, delivered_on, parts });
    }
    target
}

/// What to add to one part of what is accrued for a shipment; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The obligation.
    pub key: ObligationKey,
    /// Currency of the amount.
    pub currency: Currency,
    /// Which part.
    pub part: ChargePart,
    /// Why.
    pub why: Why,
    /// Negative takes back.
    pub delta: Micros,
}

/// What brings a shipment from what stands to its target. With it applied, the next run gives nothing.
#[must_use]
pub fn moves(before: Option<&Standing>, target: &Target) -> Vec<Move> {
    let after = target.standing.as_ref();
    let same_place = match (before, after) {
        (Some(before), Some(after)) => (before.key(), before.currency) == (after.key(), after.currency),
        _ => true,
    };
    if !same_place {
        let gone = moves(before, &Target::default());
        return gone.into_iter().chain(moves(None, target)).collect();
    }
    let Some(place) = before.or(after) else { return Vec::new() };
    let amount = |of: Option<&Standing>, part| of.map_or(Micros::ZERO, |of| of.parts.part(part));
    let why = |part: ChargePart, delta: Micros| {
        if before.is_none() {
            Why::Delivered
        } else if delta < Micros::ZERO && target.lapsed.contains(&part) {
            Why::Lapsed
        } else if delta < Micros::ZERO && target.billed.contains(&part) {
            Why::Billed
        } else if after.is_none() && target.billed.is_empty() && target.lapsed.is_empty() {
            Why::Gone
        } else {
            Why::Price
        }
    };
    let parts = ChargePart::ALL.iter().copied();
    parts
        .map(|part| (part, amount(after, part) - amount(before, part)))
        .filter(|(_, delta)| *delta != Micros::ZERO)
        .map(|(part, delta)| Move {
            key: place.key(),
            currency: place.currency,
            part,
            why: why(part, delta),
            delta,
        })
        .collect()
}

/// Everything that one entry stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The obligation.
    pub key: ObligationKey,
    /// Currency of the amounts.
    pub currency: Currency,
    /// Why.
    pub why: Why,
    /// How many shipments.
    pub shipments: usize,
    /// Part by part; all of them grow, or all of them shrink.
    pub parts: Parts,
    /// The moves, by their place among those given.
    pub moves: Vec<usize>,
}

/// The moves of shipments added up to entries: by obligation, currency, cause and direction, so that no entry comes to 0.
pub fn batches<'a>(moves: impl IntoIterator<Item = (i64, &'a Move)>) -> Vec<Batch> {
    type Sum = (BTreeSet<i64>, Parts, Vec<usize>);
    let mut sums: BTreeMap<(ObligationKey, Currency, Why, bool), Sum> = BTreeMap::new();
    for (place, (shipment_id, one)) in moves.into_iter().enumerate() {
        let is_more = one.delta > Micros::ZERO;
        let (shipments, parts, places) = sums.entry((one.key, one.currency, one.why, is_more)).or_default();
        shipments.insert(shipment_id);
        parts.add(one.part, one.delta);
        places.push(place);
    }
    sums.into_iter()
        .map(|((key, currency, why, _), (shipments, parts, moves))| Batch {
            key,
            currency,
            why,
            shipments: shipments.len(),
            parts,
            moves,
        })
        .collect()
}

impl Batch {
    /// The entry. What is owed for work that was done is a liability that is certain but for its invoice, and goes to the
    /// general ledger as everything the shipper owes.
    ///
    /// # Errors
    /// [`LedgerError`], which no batch of [`batches`] is known to give.
    pub fn entry(
        &self,
        partner_id: i64,
        posting_date: NaiveDate,
        policy: RecognitionPolicy,
    ) -> Result<JournalEntry, LedgerError> {
        let named = [
            ("linehaul", self.parts.base),
            ("fuel", self.parts.fuel),
            ("accessorials", self.parts.accessorial),
            ("tax", self.parts.tax),
        ];
        let named: Vec<String> = named
            .into_iter()
            .filter(|(_, amount)| *amount != Micros::ZERO)
            .map(|(name, amount)| format!("{name} {}", words::amount(amount.abs())))
            .collect();
        let booking = Booking {
            partner_id,
            currency: self.currency,
            posting_date,
            recognition: recognition(policy),
            told: false,
            memo: format!(
                "{} {}: {}",
                words::many(self.shipments, "shipment"),
                self.why.words(),
                named.join(", ")
            ),
        };
        freight_entry(self.key, self.parts.total(), self.why.reason(), &booking)
    }
}

/// Where such entries go: what the shipper owes always reaches the general ledger.
#[must_use]
pub fn recognition(policy: RecognitionPolicy) -> Recognition {
    policy.recognition(Sign::ShipperLiability, ItemState::Accrued)
}
