//! The checks of an audit, in the order of DOMAIN §5.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::papers::{Match, NumberKind, Said, billed_on, matched, shared_words};
use super::{
    Accuracy, Audited, Bill, BillKind, BillLine, BillStatus, Charge, Consigned, DisputeCode, Finding, Known,
    Limits, Outcome, Owed, Position, RULES, number_key,
};
use crate::domain::accessorial::charge::{AccessorialEvent, ChargeBasis, Withheld};
use crate::domain::currency::Currency;
use crate::domain::money::Micros;
use crate::domain::quantity::{ChargeUnit, WeightUnit};
use crate::domain::words;

/// A bill of the same shipments within this many days may be the same bill again.
const PROBABLE_DAYS: i64 = 60;
/// And its total within one part in so many.
const PROBABLE_PART: i128 = 100;
/// The code of a certificate of weight or class (DOMAIN §5, "Quantity").
const CERTIFICATE: &str = "WTV";
/// Codes of a discount and of minimum charges among the lines of linehaul.
const DISCOUNT_CODES: &[&str] = &["DSC", "DAA", "VAB", "QQD", "275"];
const MINIMUM_CODES: &[&str] = &["MIC", "AMC"];
/// Grams in a pound, in a hundred pounds, in a ton of 2,000 pounds and in a metric one; metres in a mile.
const POUND_G: Decimal = Decimal::from_parts(45_359_237, 0, 0, false, 5);
const HUNDREDWEIGHT_G: Decimal = Decimal::from_parts(45_359_237, 0, 0, false, 3);
const SHORT_TON_G: Decimal = Decimal::from_parts(90_718_474, 0, 0, false, 2);
const TONNE_G: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
const MILE_M: Decimal = Decimal::from_parts(1_609_344, 0, 0, false, 3);

/// What a position is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Shipment(String),
    Unknown(String),
    /// The shipment as the bill names it, and why nobody can tell which one that is; whether the number is one of ours.
    Shared(String, String, bool),
    Nameless,
}

/// A bill, and the shipment that each of its lines is for.
struct Seen<'a> {
    bill: &'a Bill,
    matches: Vec<Match<'a>>,
}

impl<'a> Seen<'a> {
    /// `all` are the bills among which the one is that this one corrects.
    fn new(bill: &'a Bill, known: &'a Known, all: &(impl Iterator<Item = &'a Bill> + Clone)) -> Self {
        let day = || billed_on(bill, all.clone());
        Self { bill, matches: bill.lines.iter().map(|line| matched(known, &line.named, day)).collect() }
    }

    fn lines(&self) -> impl Iterator<Item = (&'a BillLine, &Match<'a>)> {
        self.bill.lines.iter().zip(&self.matches)
    }

    /// The lines that charge this for this shipment.
    fn lines_for(&self, id: &str, charge: &Charge) -> impl Iterator<Item = &'a BillLine> {
        let is_it = move |(line, found): &(&BillLine, &Match<'_>)| {
            line.charge == *charge && found.reference() == Some(id)
        };
        self.lines().filter(is_it).map(|(line, _)| line)
    }

    /// Our references of its shipments.
    fn references(&self) -> BTreeSet<&str> {
        self.matches.iter().filter_map(Match::reference).collect()
    }

    /// The names it gives shipments with the stops of those that are loads, or those alone of which none was found.
    fn names(&self, only_unfound: bool) -> Names<'a> {
        let mut found: Names<'a> = BTreeMap::new();
        for (line, _) in self.lines().filter(|(_, found)| !only_unfound || found.reference().is_none()) {
            let named = &line.named;
            let whole =
                [&named.shipment, &named.pro, &named.bol].into_iter().filter_map(|name| name.as_deref());
            for name in whole {
                found.entry(name).or_default().insert(None);
            }
            if let Some(load) = named.load.as_deref() {
                found.entry(load).or_default().insert(named.stop);
            }
        }
        found
    }

    /// Whether the two bills have a shipment in common: the same one, or one that both name alike and that one of them has not found.
    fn meets(&self, other: &Self) -> bool {
        !self.references().is_disjoint(&other.references())
            || alike(&self.names(true), &other.names(false))
            || alike(&self.names(false), &other.names(true))
    }
}

/// Names with the stops that are said of each; no stop is any of them.
type Names<'a> = BTreeMap<&'a str, BTreeSet<Option<i32>>>;

/// Whether both have a name that may mean one shipment. Two stops of a load are two.
fn alike(some: &Names<'_>, others: &Names<'_>) -> bool {
    some.iter().any(|(name, stops)| {
        others
            .get(*name)
            .is_some_and(|known| stops.contains(&None) || known.contains(&None) || !stops.is_disjoint(known))
    })
}

/// One audit under way.
pub(super) struct Desk<'a> {
    bill: &'a Bill,
    /// The same with its shipments.
    own: Seen<'a>,
    /// The numbers by which those were found, by place of the line on the bill.
    found_by: BTreeMap<i32, Said<'a>>,
    known: &'a Known,
    /// Bills before this one that can be taken up at all.
    before: Vec<Seen<'a>>,
    /// Bills after it, likewise.
    after: Vec<Seen<'a>>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(bill: &'a Bill, known: &'a Known) -> Self {
        let order = bill.order();
        let all = || known.others.iter().chain(std::iter::once(bill));
        let mut found: Vec<&Bill> = known
            .others
            .iter()
            .filter(|other| other.currency == bill.currency && envelope(other, known, all()).is_none())
            .collect();
        // Whatever order they come in, the first one is the first one.
        found.sort_by_key(|other| other.order());
        let seen = |other: &'a Bill| Seen::new(other, known, &all());
        let (before, after): (Vec<&Bill>, Vec<&Bill>) =
            found.into_iter().partition(|other| other.order() < order);
        let own = seen(bill);
        let number = |(line, found): (&BillLine, &Match<'a>)| match found {
            Match::Shipment(_, said) => said.map(|said| (line.seq, said)),
            Match::Shared(..) | Match::Unknown => None,
        };
        Self {
            bill,
            found_by: own.lines().filter_map(number).collect(),
            own,
            known,
            before: before.into_iter().map(seen).collect(),
            after: after.into_iter().map(seen).collect(),
        }
    }

    pub(super) fn envelope(&self) -> Option<(BillStatus, Outcome, Finding)> {
        envelope(self.bill, self.known, self.known.others.iter())
    }

    /// Whether the whole bill was billed before, surely or probably (DOMAIN §5, step 2).
    pub(super) fn duplicate(&self) -> Option<(Finding, Outcome)> {
        let bill = self.bill;
        if bill.kind != BillKind::Original {
            return None;
        }
        let originals = || self.before.iter().filter(|other| other.bill.kind == BillKind::Original);
        let key = number_key(&bill.number);
        if let Some(first) =
            originals().map(|other| other.bill).find(|other| number_key(&other.number) == key)
        {
            let words =
                format!("has the number of invoice {} of {}", first.number, words::day(first.issued_on));
            return Some((finding(DisputeCode::Dup, words), Outcome::Reject));
        }
        if bill.total() <= Micros::ZERO || self.has_room() {
            return None;
        }
        let positive = || self.own.lines().filter(|(line, _)| line.amount > Micros::ZERO);
        let is_again = |(line, found): (&BillLine, &Match<'_>)| {
            found.reference().is_some_and(|id| self.repeats(id, line))
        };
        if positive().count() > 0 && positive().all(is_again) {
            let words = "repeats what was billed before, for the same shipments and the same amounts";
            return Some((finding(DisputeCode::Dup, words), Outcome::Reject));
        }
        let is_probable = |other: &&Seen<'_>| {
            let (own, theirs) = (i128::from(bill.total().0), i128::from(other.bill.total().0));
            let days = bill.issued_on.signed_duration_since(other.bill.issued_on).num_days().abs();
            days <= PROBABLE_DAYS
                && theirs > 0
                && (own - theirs).abs() * PROBABLE_PART <= theirs
                && self.own.meets(other)
        };
        let probable = originals().find(is_probable)?.bill;
        let words = format!(
            "looks like invoice {} of {}: the same shipment, and {} against {}",
            probable.number,
            words::day(probable.issued_on),
            words::amount(bill.total()),
            words::amount(probable.total())
        );
        Some((finding(DisputeCode::Dup, words), Outcome::Hold))
    }

    /// Whether the contract owes as much as was billed with this bill, so that none of it can be billed twice.
    fn has_room(&self) -> bool {
        self.grouped().into_iter().all(|((place, charge), lines)| {
            let Place::Shipment(id) = &place else { return false };
            let Some(owed) = self.known.shipments.get(id).and_then(|one| owed(one, &charge)) else {
                return false;
            };
            let total = Self::sum(&self.before, id, &charge) + amount(&lines);
            excess(total, owed, self.known.terms.limits(&charge)) == Micros::ZERO
        })
    }

    /// Whether a line for a shipment was billed before with the same amount, and not taken back since.
    fn repeats(&self, id: &str, line: &BillLine) -> bool {
        let count = |amount: Micros| {
            let lines = self.before.iter().flat_map(|other| other.lines_for(id, &line.charge));
            lines.filter(|other| other.amount == amount).count()
        };
        count(line.amount) > count(-line.amount)
    }

    fn sum(bills: &[Seen<'a>], id: &str, charge: &Charge) -> Micros {
        let lines = bills.iter().flat_map(|other| other.lines_for(id, charge));
        lines.map(|line| line.amount).sum()
    }

    /// The lines by what they are for and what they charge. In an order of their own, so that the bill's does not matter.
    fn grouped(&self) -> BTreeMap<(Place, Charge), Vec<&'a BillLine>> {
        let mut found: BTreeMap<(Place, Charge), Vec<&BillLine>> = BTreeMap::new();
        for (line, found_for) in self.own.lines() {
            let name = || line.named.names().next().unwrap_or_default().to_owned();
            let place = match found_for {
                Match::Shipment(reference, _) if self.known.shipments.contains_key(*reference) => {
                    Place::Shipment((*reference).to_owned())
                }
                Match::Shared(said, bearers) => {
                    Place::Shared(name(), shared_words(*said, bearers), said.kind != NumberKind::Pro)
                }
                Match::Shipment(..) | Match::Unknown => match name() {
                    name if name.is_empty() => Place::Nameless,
                    name => Place::Unknown(name),
                },
            };
            found.entry((place, line.charge.clone())).or_default().push(line);
        }
        for lines in found.values_mut() {
            lines.sort_by(|a, b| (&a.code, a.amount, a.seq).cmp(&(&b.code, b.amount, b.seq)));
        }
        found
    }

    /// The bill as a whole, of which nothing is approved.
    pub(super) fn whole(&self, status: BillStatus, outcome: Outcome, finding: Finding) -> Audited {
        let mut accuracy = self.accuracy(&[]);
        if status == BillStatus::Duplicate {
            accuracy.error = self.bill.total().abs();
        }
        let positions = self.grouped().into_iter().map(|((place, charge), lines)| {
            let mut one = self.blank(&place, charge, &lines);
            if let Place::Shipment(id) = &place
                && let Some(shipment) = self.known.shipments.get(id)
            {
                one.name.clone_from(&shipment.reference);
                one.lane.clone_from(&shipment.lane);
                one.evidence = evidence(shipment, &one.charge);
                // What there was to compare with; amounts of two currencies are not compared.
                if status == BillStatus::Duplicate {
                    one.before = Self::sum(&self.before, id, &one.charge);
                    one.rated = owed(shipment, &one.charge);
                    one.variance = one.rated.map(|rated| one.before + one.billed - rated);
                }
            }
            one.approved = Micros::ZERO;
            one.disputed = one.billed;
            one.outcome = outcome;
            one
        });
        Audited {
            rules: RULES,
            status,
            outcome,
            billed: self.bill.total(),
            approved: Micros::ZERO,
            disputed: self.bill.total(),
            payable: Micros::ZERO,
            positions: positions.collect(),
            accuracy: Accuracy { is_right: false, ..accuracy },
            finding: Some(finding),
        }
    }

    /// Each position by itself.
    pub(super) fn positions(&self) -> Vec<Position> {
        self.grouped()
            .into_iter()
            .map(|((place, charge), lines)| self.position(&place, charge, &lines))
            .collect()
    }

    fn position(&self, place: &Place, charge: Charge, lines: &[&BillLine]) -> Position {
        let mut one = self.blank(place, charge, lines);
        let shipment = match place {
            Place::Shipment(id) => self.known.shipments.get(id),
            Place::Unknown(_) | Place::Shared(..) | Place::Nameless => None,
        };
        // Money that comes back is taken whatever it is for.
        let is_credit = one.billed <= Micros::ZERO;
        let Some(shipment) = shipment else {
            if !is_credit {
                let (words, outcome, is_ours) = match place {
                    Place::Nameless => ("names no shipment".to_owned(), Outcome::Reject, false),
                    // A bill of lading or a load that we gave twice is no fault of the carrier.
                    Place::Shared(_, words, is_ours) => (words.clone(), Outcome::Hold, *is_ours),
                    Place::Unknown(_) | Place::Shipment(_) => {
                        let words = format!("no shipment of this partner is known as {}", one.name);
                        (words, Outcome::Hold, false)
                    }
                };
                refuse(&mut one, outcome, Finding { is_ours, ..finding(DisputeCode::Refr, words) });
            }
            return one;
        };
        one.name.clone_from(&shipment.reference);
        one.lane.clone_from(&shipment.lane);
        one.evidence = evidence(shipment, &one.charge);
        one.before = Self::sum(&self.before, &shipment.reference, &one.charge);
        one.rated = owed(shipment, &one.charge);
        one.variance = one.rated.map(|rated| one.before + one.billed - rated);
        if !is_credit && let Some((outcome, finding)) = self.eligible(shipment, &one, lines) {
            refuse(&mut one, outcome, finding);
            return one;
        }
        match one.rated {
            Some(rated) => self.compare(shipment, &mut one, rated, lines),
            None if is_credit => {}
            None => self.unpriced(shipment, &mut one, lines),
        }
        one
    }

    /// Whether the shipment was carried, and billed in time and to the right one (DOMAIN §5, steps 1 and 4). A charge for a truck that
    /// did not come is refused before a delivery is asked for: of such a load there may never be one.
    fn eligible(
        &self,
        shipment: &Consigned,
        one: &Position,
        lines: &[&BillLine],
    ) -> Option<(Outcome, Finding)> {
        let is_owed = one.rated.is_some_and(|rated| rated > Micros::ZERO);
        if let Owed::Rated { currency, .. } = &shipment.owed
            && *currency != self.bill.currency
        {
            let words =
                format!("billed in {}, and the contract that prices it is in {currency}", self.bill.currency);
            return Some((Outcome::Reject, finding(DisputeCode::Curr, words)));
        }
        if failed_to_come(shipment, &one.charge) {
            let words =
                "the carrier missed the pickup of this load, so a truck ordered and not used is not owed";
            return Some((Outcome::Reject, finding(DisputeCode::Accr, words)));
        }
        if shipment.is_cancelled && !is_owed {
            let words = "the shipment was cancelled, and the contract owes nothing for it";
            return Some((Outcome::Reject, finding(DisputeCode::Svcf, words)));
        }
        if let Some(found) = self.bill_to(shipment, lines) {
            return Some(found);
        }
        let Some(delivered) = shipment.delivered_on else {
            let words = "no delivery is reported yet";
            return (!shipment.is_cancelled).then(|| (Outcome::Hold, finding(DisputeCode::Svcf, words)));
        };
        let days = self.bill.received_on.signed_duration_since(delivered).num_days();
        let window = self.known.terms.window_days;
        if self.bill.kind == BillKind::Original && days > window {
            let words = format!(
                "received {} after the delivery; the contract allows {window}",
                words::many(days, "day")
            );
            return Some((Outcome::Reject, finding(DisputeCode::Late, words)));
        }
        if self.known.terms.proof_required && !shipment.has_proof {
            let words = "the contract asks for a proof of delivery, and none came in yet";
            return Some((Outcome::Hold, finding(DisputeCode::Podm, words)));
        }
        None
    }

    /// Whether the freight is ours to pay (DOMAIN §5, step 4). It waits where the bill is addressed to somebody else, which may be a
    /// name of ours that nobody has written down, or where the papers contradict each other, and is refused where they agree, or where
    /// one of them alone says, that somebody else pays.
    fn bill_to(&self, shipment: &Consigned, lines: &[&BillLine]) -> Option<(Outcome, Finding)> {
        let terms = &self.known.terms;
        if let Some(addressee) = self.bill.bill_to.as_deref()
            && !terms.takes_addressee(Some(addressee))
        {
            // The partner reads this too: by which names we are billed is for our eyes.
            let words = format!("the bill is addressed to {addressee}, a name we are not billed under");
            return Some((Outcome::Hold, finding(DisputeCode::Term, words)));
        }
        let billed: BTreeSet<_> = lines.iter().filter_map(|line| line.freight_terms).collect();
        if let Some(shipped) = shipment.freight_terms
            && let Some(other) = billed.iter().find(|terms| **terms != shipped)
        {
            let words = format!(
                "the bill says {} and the shipment {}; who pays has to be settled first",
                other.label(),
                shipped.label()
            );
            return Some((Outcome::Hold, finding(DisputeCode::Term, words)));
        }
        let ours = &terms.freight_terms;
        let stated = shipment.freight_terms.into_iter().chain(billed);
        let other = stated.into_iter().find(|terms| !ours.is_empty() && !ours.contains(terms))?;
        let paid: Vec<&str> = ours.iter().map(|terms| terms.label()).collect();
        let words = format!("the freight is {}, and we pay what is {}", other.label(), paid.join(" or "));
        Some((Outcome::Reject, finding(DisputeCode::Term, words)))
    }

    /// A charge nobody can price.
    fn unpriced(&self, shipment: &Consigned, one: &mut Position, lines: &[&BillLine]) {
        if lines.iter().all(|line| self.repeats(&shipment.reference, line)) {
            let words = "billed before, for the same shipment and the same amount";
            return refuse(one, Outcome::Reject, finding(DisputeCode::Dup, words));
        }
        let (code, words) = match (&one.charge, &shipment.owed) {
            (Charge::Unmapped(code), _) => (
                DisputeCode::Acnc,
                format!("nobody has said what code {code} means; map it, and it is audited again"),
            ),
            (Charge::Outside(_), _) => {
                (DisputeCode::Acev, "is no freight charge; compare it with its own receipt".to_owned())
            }
            (_, Owed::Unrated(reason)) => {
                (DisputeCode::Rate, format!("the contract has no price for it: {reason}"))
            }
            _ => (DisputeCode::Rate, "no contract with prices held on its day".to_owned()),
        };
        refuse(one, Outcome::Hold, Finding { is_ours: true, ..finding(code, words) });
    }

    /// Billed against owed (DOMAIN §5, steps 5 to 8). The dispute is what the running total is beyond what is owed, less
    /// what was so before, so that a credit takes back what was disputed and nothing is disputed twice.
    fn compare(&self, shipment: &Consigned, one: &mut Position, rated: Micros, lines: &[&BillLine]) {
        let limits = self.known.terms.limits(&one.charge);
        let total = one.before + one.billed;
        let disputed = excess(total, rated, limits) - excess(one.before, rated, limits);
        one.disputed = disputed;
        one.approved = one.billed - disputed;
        let after = Self::sum(&self.after, &shipment.reference, &one.charge);
        let all = total + after - rated;
        one.is_short = self.bill.kind == BillKind::Original
            && one.billed > Micros::ZERO
            && all < Micros::ZERO
            && !limits.pass(all, rated);
        if disputed <= Micros::ZERO {
            return;
        }
        let found = self.why(shipment, one, (rated, disputed), lines);
        one.outcome = match found.code {
            // What was billed before is not owed whatever the tariff says of paying less.
            DisputeCode::Dup if one.approved > Micros::ZERO => Outcome::PayAsRated,
            DisputeCode::Dup => Outcome::Reject,
            DisputeCode::Wght | DisputeCode::Clss if has_certificate(shipment) => Outcome::Hold,
            _ if self.known.terms.short_pay => Outcome::PayAsRated,
            _ => Outcome::PayAndClaim,
        };
        if one.outcome == Outcome::Hold {
            one.approved = Micros::ZERO;
            one.disputed = one.billed;
        }
        one.finding = Some(found);
    }

    /// Why more was billed than is owed.
    fn why(
        &self,
        shipment: &Consigned,
        one: &Position,
        (rated, disputed): (Micros, Micros),
        lines: &[&BillLine],
    ) -> Finding {
        use DisputeCode as D;
        let repeated = |(at, line): (usize, &&BillLine)| {
            let is_again =
                lines.iter().take(at).any(|other| other.amount == line.amount && other.code == line.code);
            line.amount > Micros::ZERO
                && disputed >= line.amount
                && (is_again || self.repeats(&shipment.reference, line))
        };
        if lines.iter().enumerate().any(repeated) {
            return finding(D::Dup, "billed before, for the same shipment and the same amount");
        }
        let over = words::amount(disputed);
        if let Owed::Nothing(reason) = &shipment.owed {
            return finding(D::Term, format!("the contract owes nothing for this shipment: {reason}"));
        }
        match &one.charge {
            Charge::Linehaul => linehaul(shipment, lines, &over),
            Charge::Fuel => {
                finding(D::Fuel, format!("{over} more than the surcharge of the agreed programme"))
            }
            Charge::Tax => finding(D::Curr, format!("{over} more tax than is owed")),
            Charge::NotChargeable(code) => finding(D::Acnc, format!("the contract owes nothing for {code}")),
            Charge::Accessorial(code) if rated > Micros::ZERO => {
                if one.before == Micros::ZERO
                    && let Some(words) = counted_beyond(shipment, code, lines)
                {
                    return finding(D::Acqt, words);
                }
                let spent = Self::sum(&self.before, &shipment.reference, &one.charge);
                let before = if spent > Micros::ZERO { " with what was billed before" } else { "" };
                finding(D::Acqt, format!("{over} more of {code} than happened{before}"))
            }
            Charge::Accessorial(code) => accessorial(shipment, code),
            Charge::Outside(_) | Charge::Unmapped(_) => finding(D::Acnc, "is in no contract".to_owned()),
        }
    }

    /// What is short inside its own limit must be so together too; it is paid as billed either way.
    fn bill_under(&self, positions: &mut [Position]) {
        let short_by = |one: &Position| {
            let is_judged =
                self.bill.kind == BillKind::Original && one.billed > Micros::ZERO && !one.is_short;
            let rated = one.rated.filter(|_| is_judged && one.outcome == Outcome::Pay)?;
            let after = Self::sum(&self.after, one.shipment.as_deref()?, &one.charge);
            Some(((rated - one.before - one.billed - after).max(Micros::ZERO), rated))
        };
        let (under, owed) = positions
            .iter()
            .filter_map(short_by)
            .fold((Micros::ZERO, Micros::ZERO), |(under, owed), (one, rated)| (under + one, owed + rated));
        if self.known.terms.bill.pass(-under, owed) {
            return;
        }
        for one in positions.iter_mut() {
            one.is_short |= short_by(one).is_some_and(|(part, _)| part > Micros::ZERO);
        }
    }

    /// What passed charge by charge must pass together too (DOMAIN §5, "evaluate lines, then the bill").
    pub(super) fn bill_tolerance(&self, positions: &mut [Position]) {
        self.bill_under(positions);
        // What of a position was paid beyond what is owed, inside its own limit.
        let paid_over = |one: &Position| {
            let rated = one.rated.filter(|_| one.outcome == Outcome::Pay && one.finding.is_none())?;
            let over = |total: Micros| (total - rated).max(Micros::ZERO);
            Some((over(one.before + one.billed) - over(one.before), rated))
        };
        let (over, owed) = positions
            .iter()
            .filter_map(paid_over)
            .fold((Micros::ZERO, Micros::ZERO), |(over, owed), (one, rated)| (over + one, owed + rated));
        if over <= Micros::ZERO || self.known.terms.bill.pass(over, owed) {
            return;
        }
        for one in positions.iter_mut() {
            let Some((part, _)) = paid_over(one).filter(|(part, _)| *part > Micros::ZERO) else { continue };
            one.disputed = one.disputed + part;
            one.approved = one.billed - one.disputed;
            one.outcome = if self.known.terms.short_pay { Outcome::PayAsRated } else { Outcome::PayAndClaim };
            let words = format!(
                "{} over, inside its own limit; together the bill is {} over, beyond the limit of the bill",
                words::amount(part),
                words::amount(over)
            );
            let code = match one.charge {
                Charge::Fuel => DisputeCode::Fuel,
                Charge::Tax => DisputeCode::Curr,
                Charge::Accessorial(_) => DisputeCode::Acqt,
                _ => DisputeCode::Rate,
            };
            one.finding = Some(finding(code, words));
        }
    }

    /// The bill from its positions.
    pub(super) fn conclude(&self, positions: Vec<Position>) -> Audited {
        let is_double =
            |one: &Position| one.finding.as_ref().is_some_and(|found| found.code == DisputeCode::Dup);
        let mut charged = positions.iter().filter(|one| one.billed > Micros::ZERO).peekable();
        let status = if charged.peek().is_some() && charged.all(is_double) {
            BillStatus::Duplicate
        } else if positions.iter().any(|one| one.shipment.is_none() && one.finding.is_some()) {
            BillStatus::Unmatched
        } else if positions.iter().any(|one| one.finding.is_some() || one.is_short) {
            BillStatus::MatchedVariance
        } else {
            BillStatus::Matched
        };
        let accuracy = self.accuracy(&positions);
        Audited {
            rules: RULES,
            status,
            outcome: outcome_of(&positions),
            billed: self.bill.total(),
            approved: positions.iter().map(|one| one.approved).sum(),
            disputed: positions.iter().map(|one| one.disputed).sum(),
            payable: positions.iter().map(payable_of).sum(),
            finding: None,
            accuracy: Accuracy { is_right: status == BillStatus::Matched, ..accuracy },
            positions,
        }
    }

    /// What the bill adds to the billing KPIs, but whether it passed.
    fn accuracy(&self, positions: &[Position]) -> Accuracy {
        let waits = |one: &Position| one.finding.as_ref().is_some_and(|found| found.is_ours);
        let mut found = Accuracy {
            is_counted: self.bill.kind == BillKind::Original && !positions.iter().any(waits),
            ..Accuracy::default()
        };
        for one in positions {
            let (Some(id), Some(rated)) = (one.shipment.as_deref(), one.rated) else { continue };
            let over = |total: Micros| (total - rated).max(Micros::ZERO);
            let above = over(one.before + one.billed) - over(one.before);
            // What a later bill brings is not missing on this one.
            let is_last = Self::sum(&self.after, id, &one.charge) == Micros::ZERO;
            let missing = (rated - one.before - one.billed).max(Micros::ZERO);
            let below = if is_last { missing } else { Micros::ZERO };
            found.error = found.error + above.max(Micros::ZERO) + below;
            found.correct = found.correct + one.billed - above + below;
        }
        found.is_timely = self.delivered().map(|day| {
            self.bill.received_on.signed_duration_since(day).num_days() <= self.known.terms.timely_days
        });
        found
    }

    /// The last delivery of the shipments on the bill; none before each of them is delivered.
    fn delivered(&self) -> Option<NaiveDate> {
        let found = self.own.matches.iter().filter_map(|one| self.known.shipments.get(one.reference()?));
        found.map(|one| one.delivered_on).collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    fn blank(&self, place: &Place, charge: Charge, lines: &[&BillLine]) -> Position {
        let billed = amount(lines);
        let mut seqs: Vec<i32> = lines.iter().map(|line| line.seq).collect();
        seqs.sort_unstable();
        let said = lines.iter().find_map(|line| self.found_by.get(&line.seq));
        Position {
            lines: seqs,
            shipment: match place {
                Place::Shipment(id) => Some(id.clone()),
                Place::Unknown(_) | Place::Shared(..) | Place::Nameless => None,
            },
            name: match place {
                Place::Unknown(name) | Place::Shared(name, ..) => name.clone(),
                Place::Shipment(_) | Place::Nameless => String::new(),
            },
            found_by: said.filter(|_| matches!(place, Place::Shipment(_))).map(Said::words),
            lane: String::new(),
            charge,
            code: lines.first().map(|line| line.code.clone()).unwrap_or_default(),
            billed,
            before: Micros::ZERO,
            rated: None,
            variance: None,
            approved: billed,
            disputed: Micros::ZERO,
            outcome: Outcome::Pay,
            evidence: String::new(),
            finding: None,
            is_short: false,
        }
    }
}

/// What to do with a bill of such positions.
pub(super) fn outcome_of(positions: &[Position]) -> Outcome {
    let any = |outcome: Outcome| positions.iter().any(|one| one.outcome == outcome);
    if !positions.is_empty() && positions.iter().all(|one| one.outcome == Outcome::Reject) {
        Outcome::Reject
    } else if any(Outcome::Hold) {
        Outcome::Hold
    } else if any(Outcome::PayAndClaim) {
        Outcome::PayAndClaim
    } else if any(Outcome::PayAsRated) || any(Outcome::Reject) {
        Outcome::PayAsRated
    } else {
        Outcome::Pay
    }
}

/// What is paid of a position now.
pub(super) fn payable_of(one: &Position) -> Micros {
    match one.outcome {
        Outcome::PayAndClaim => one.billed,
        _ => one.approved,
    }
}

/// Whether a bill can be taken up at all (DOMAIN §5, step 1); its original is looked for in `all`. Asks nothing about other
/// audits, so that it can be asked of every bill.
fn envelope<'a>(
    bill: &Bill,
    known: &Known,
    all: impl Iterator<Item = &'a Bill> + Clone,
) -> Option<(BillStatus, Outcome, Finding)> {
    let reject = |code, words: String| Some((BillStatus::Rejected, Outcome::Reject, finding(code, words)));
    if !known.currencies.is_empty() && !known.currencies.contains(&bill.currency) {
        let agreed: Vec<&str> = known.currencies.iter().map(Currency::code).collect();
        let words = format!("is in {}, and the contracts are in {}", bill.currency, agreed.join(" and "));
        return reject(DisputeCode::Curr, words);
    }
    let payees = &known.terms.remit_to;
    if let Some(payee) = bill.remit_to.as_deref().filter(|_| !payees.is_empty()) {
        let same = |one: &String| one.trim().eq_ignore_ascii_case(payee.trim());
        if !payees.iter().any(same) {
            let words = format!(
                "asks to be paid at {payee}, which is not on file; ask the partner by a known contact"
            );
            return reject(DisputeCode::Term, words);
        }
    }
    if bill.lines.iter().all(|line| line.named.names().next().is_none()) {
        return reject(DisputeCode::Refr, "names no shipment on any line".to_owned());
    }
    match bill.kind {
        BillKind::Original => return None,
        BillKind::Credit => return credit(bill, all),
        BillKind::Correction => {}
    }
    let Some(original) = &bill.corrects else {
        return reject(DisputeCode::Refr, "is a correction and does not say of which invoice".to_owned());
    };
    let key = number_key(original);
    let same = all.filter(|other| number_key(&other.number) == key && other.kind == BillKind::Original);
    let Some(original) = same.min_by_key(|other| other.order()) else {
        let words = format!("corrects invoice {original}, which is not here");
        return Some((BillStatus::Rejected, Outcome::Hold, finding(DisputeCode::Refr, words)));
    };
    let days = bill.received_on.signed_duration_since(original.issued_on).num_days();
    if bill.total() > Micros::ZERO && days > known.terms.correction_days {
        let words = format!(
            "bills more {} after invoice {} was issued; that is possible for {}",
            words::many(days, "day"),
            original.number,
            words::many(known.terms.correction_days, "day")
        );
        return reject(DisputeCode::Late, words);
    }
    None
}

/// Whether a credit note can be taken up: it gives money back, for a bill that is here, and no more than that came to.
fn credit<'a>(
    bill: &Bill,
    all: impl Iterator<Item = &'a Bill> + Clone,
) -> Option<(BillStatus, Outcome, Finding)> {
    if let Some(line) = billing(bill) {
        let words = format!(
            "is a credit note and bills {} on line {}; what is owed is billed by an invoice",
            words::amount(line.amount),
            line.seq
        );
        return Some((BillStatus::Rejected, Outcome::Reject, finding(DisputeCode::Term, words)));
    }
    // Money that comes back for no bill in particular is taken.
    let named = bill.corrects.as_ref()?;
    let key = number_key(named);
    let is_same = |other: &&Bill| number_key(&other.number) == key && other.kind != BillKind::Credit;
    let first =
        all.clone().filter(is_same).min_by_key(|other| (other.kind != BillKind::Original, other.order()));
    let Some(first) = first else {
        let words = format!("credits invoice {named}, which is not here");
        return Some((BillStatus::Unmatched, Outcome::Hold, finding(DisputeCode::Refr, words)));
    };
    if first.currency != bill.currency {
        let words = format!("is in {}, and invoice {} is in {}", bill.currency, first.number, first.currency);
        return Some((BillStatus::MatchedVariance, Outcome::Hold, finding(DisputeCode::Curr, words)));
    }
    // What corrects or credits the same bill and came before counts, unless it gave back more than there was.
    let of_same = |other: &&Bill| {
        let is_of = other.corrects.as_ref().is_some_and(|of| number_key(of) == key);
        is_of && other.kind != BillKind::Original && other.currency == bill.currency
    };
    let mut earlier: Vec<&Bill> = all.filter(of_same).filter(|other| other.order() < bill.order()).collect();
    earlier.sort_by_key(|other| other.order());
    let left = earlier.into_iter().fold(first.total(), |left, other| {
        let after = left + other.total();
        let is_refused = other.kind == BillKind::Credit && (billing(other).is_some() || after < Micros::ZERO);
        if is_refused { left } else { after }
    });
    if left + bill.total() >= Micros::ZERO {
        return None;
    }
    let before = if left == first.total() { "" } else { " with what came in for it before" };
    let words = format!(
        "credits {}, and invoice {} came to {}{before}",
        words::amount(-bill.total()),
        first.number,
        words::amount(left)
    );
    Some((BillStatus::MatchedVariance, Outcome::Hold, finding(DisputeCode::Term, words)))
}

/// The first line of a bill that asks for money.
fn billing(bill: &Bill) -> Option<&BillLine> {
    bill.lines.iter().filter(|line| line.amount > Micros::ZERO).min_by_key(|line| line.seq)
}

fn finding(code: DisputeCode, words: impl Into<String>) -> Finding {
    Finding { code, words: words.into(), is_ours: false }
}

fn refuse(one: &mut Position, outcome: Outcome, finding: Finding) {
    one.approved = Micros::ZERO;
    one.disputed = one.billed;
    one.outcome = outcome;
    one.finding = Some(finding);
}

fn amount(lines: &[&BillLine]) -> Micros {
    lines.iter().map(|line| line.amount).sum()
}

/// What is owed of a charge; none where nobody can tell.
fn owed(shipment: &Consigned, charge: &Charge) -> Option<Micros> {
    if matches!(charge, Charge::Outside(_) | Charge::Unmapped(_)) {
        return None;
    }
    if failed_to_come(shipment, charge) {
        return Some(Micros::ZERO);
    }
    match &shipment.owed {
        Owed::Rated { lines, .. } => Some(
            lines
                .iter()
                .filter(|line| Charge::of_line(line) == *charge)
                .map(|line| Micros(line.amount_micros))
                .sum(),
        ),
        Owed::Nothing(_) => Some(Micros::ZERO),
        Owed::Unrated(_) | Owed::NoContract => {
            matches!(charge, Charge::NotChargeable(_)).then_some(Micros::ZERO)
        }
    }
}

/// Whether a charge is for a truck that was not used since it was not there (DOMAIN §4.2, "TONU offset"): it is the carrier that
/// failed, and whatever the rate, nothing is owed.
fn failed_to_come(shipment: &Consigned, charge: &Charge) -> bool {
    shipment.is_pickup_missed && charge.is_truck_not_used()
}

/// What a total is beyond what is owed; nothing inside the tolerance.
fn excess(total: Micros, owed: Micros, limits: &Limits) -> Micros {
    let over = total - owed;
    if over <= Micros::ZERO || limits.pass(over, owed) { Micros::ZERO } else { over }
}

fn has_certificate(shipment: &Consigned) -> bool {
    shipment.events.iter().any(|event| event.code == CERTIFICATE && event.proven)
}

/// Why a linehaul is too high: the quantity, the discount, a minimum, else the rate.
fn linehaul(shipment: &Consigned, lines: &[&BillLine], over: &str) -> Finding {
    use DisputeCode as D;
    for line in lines {
        let Some((billed, unit)) = line.quantity.zip(line.unit.as_deref()) else { continue };
        let unit = unit.trim().to_uppercase();
        // With how many places such a quantity is billed; half of the last one is a matter of rounding. A hundredweight is of
        // pounds and a ton of 2,000 of them: where a carrier means the heavier metric ones, it bills fewer, and is not blamed.
        let (code, is, size, label, places) = match unit.as_str() {
            "MI" | "MILE" | "MILES" => (D::Dist, shipment.distance_m, MILE_M, "mi", 0),
            "KM" | "KMS" => (D::Dist, shipment.distance_m, Decimal::ONE_THOUSAND, "km", 0),
            "LB" | "LBS" => (D::Wght, shipment.weight_g, POUND_G, "lb", 0),
            "KG" | "KGS" => (D::Wght, shipment.weight_g, Decimal::ONE_THOUSAND, "kg", 0),
            "CWT" | "CW" => (D::Wght, shipment.weight_g, HUNDREDWEIGHT_G, "hundredweight", 2),
            "TON" | "TONS" | "ST" | "STN" => (D::Wght, shipment.weight_g, SHORT_TON_G, "tons of 2,000 lb", 2),
            "T" | "MT" | "TNE" | "TONNE" | "TONNES" => {
                (D::Wght, shipment.weight_g, TONNE_G, "metric tons", 2)
            }
            "PC" | "PCS" | "PCE" | "PIECE" | "PIECES" => {
                (D::Acqt, shipment.pieces, Decimal::ONE, "pieces", 0)
            }
            "CLASS" => {
                let Some(class) = shipment.freight_class.as_deref() else { continue };
                let billed = words::quantity(billed);
                if billed == class.trim() {
                    continue;
                }
                return finding(D::Clss, format!("billed as class {billed}, shipped as class {class}"));
            }
            _ => continue,
        };
        let Some(is) = is.and_then(|is| Decimal::from(is).checked_div(size)) else { continue };
        if billed.decimal() > is + Decimal::new(5, places + 1) {
            let words = format!(
                "billed {} {label}, shipped {} {label}",
                words::quantity(billed),
                words::number(rounded(is, places))
            );
            return finding(code, words);
        }
    }
    let coded = |codes: &[&str], code: &str| codes.contains(&code.trim().to_uppercase().as_str());
    let Owed::Rated { lines: expected, .. } = &shipment.owed else {
        return finding(D::Rate, format!("{over} more than owed"));
    };
    let of = |codes: &[&str]| -> Micros {
        let own = lines.iter().filter(|line| coded(codes, &line.code));
        own.map(|line| line.amount).sum()
    };
    let owed_of = |codes: &[&str]| -> Micros {
        let own = expected
            .iter()
            .filter(|line| line.part == super::ChargePart::Linehaul && coded(codes, &line.code));
        own.map(|line| Micros(line.amount_micros)).sum()
    };
    let (billed, owed) = (of(DISCOUNT_CODES), owed_of(DISCOUNT_CODES));
    if owed < Micros::ZERO && billed > owed {
        let words =
            format!("the agreed discount is {}, billed is {}", words::amount(-owed), words::amount(-billed));
        return finding(D::Disc, words);
    }
    let (billed, owed) = (of(MINIMUM_CODES), owed_of(MINIMUM_CODES));
    if billed > owed {
        let words =
            format!("a minimum of {} is billed, {} is owed", words::amount(billed), words::amount(owed));
        return finding(D::Minc, words);
    }
    finding(D::Rate, format!("{over} more than the agreed rate"))
}

fn whole(value: Decimal) -> Decimal {
    rounded(value, 0)
}

fn rounded(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
}

/// What a quantity on a bill counts, of what accessorials are priced by. Weights are asked of the linehaul.
fn charge_unit(text: &str) -> Option<ChargeUnit> {
    Some(match text.trim().to_uppercase().as_str() {
        "HR" | "HRS" | "HOUR" | "HOURS" | "HUR" => ChargeUnit::Hour,
        "DA" | "DAY" | "DAYS" => ChargeUnit::Day,
        "STOP" | "STOPS" | "STP" => ChargeUnit::Stop,
        "PC" | "PCS" | "PCE" | "PIECE" | "PIECES" => ChargeUnit::Piece,
        "PLT" | "PALLET" | "PALLETS" => ChargeUnit::Pallet,
        "EA" | "EACH" | "TIMES" => ChargeUnit::Occurrence,
        _ => return None,
    })
}

/// The hours, stops, pieces or whatever the contract's rate counts that are billed beyond what was reported, in words; none where
/// the bill counts something else, or nothing.
fn counted_beyond(shipment: &Consigned, code: &str, lines: &[&BillLine]) -> Option<String> {
    let rate = shipment.rates.iter().find(|rate| rate.code == code)?;
    let basis = basis(shipment);
    let events = shipment.events.iter().filter(|event| event.code == code);
    let priced: Vec<_> = events.filter_map(|event| rate.price(event, &basis).ok()).collect();
    let rated = priced.first()?.unit;
    let unit = lines.first()?.unit.as_deref().and_then(charge_unit)?;
    // A stop more is one more time that it happened.
    if unit != rated && (unit, rated) != (ChargeUnit::Stop, ChargeUnit::Occurrence) {
        return None;
    }
    let counted: Option<Vec<Micros>> = lines
        .iter()
        .map(|line| line.quantity.filter(|_| line.unit.as_deref().and_then(charge_unit) == Some(unit)))
        .collect();
    let billed: Micros = counted?.into_iter().sum();
    let reported: Micros = priced.iter().filter(|one| one.unit == rated).map(|one| one.quantity).sum();
    // Two places, as hours are billed.
    (billed.decimal() > reported.decimal() + Decimal::new(5, 3)).then(|| {
        let some = |count: Decimal| {
            let more = if count == Decimal::ONE { "" } else { "s" };
            format!("{} {}{more}", words::number(count), unit.label())
        };
        format!(
            "billed {}, to be charged by what was reported: {}",
            some(billed.decimal()),
            some(rounded(reported.decimal(), 2))
        )
    })
}

/// What a shipment measures, for the rates of accessorials.
fn basis(shipment: &Consigned) -> ChargeBasis {
    ChargeBasis {
        weight: Micros(shipment.weight_g.unwrap_or(0).saturating_mul(1_000)),
        weight_unit: WeightUnit::Kg,
        distance: shipment.distance_m.map(|metres| Micros(metres.saturating_mul(1_000))),
        distance_unit: ChargeUnit::Km,
        pieces: Micros(shipment.pieces.unwrap_or(0).saturating_mul(1_000_000)),
        pallets: None,
        linehaul: Micros::ZERO,
    }
}

/// Why an accessorial is not owed (DOMAIN §5, step 7).
fn accessorial(shipment: &Consigned, code: &str) -> Finding {
    use DisputeCode as D;
    let Some(rate) = shipment.rates.iter().find(|rate| rate.code == code) else {
        return finding(D::Acnc, format!("the contract has no rate for {code}, or has it inside another"));
    };
    let events: Vec<&AccessorialEvent> = shipment.events.iter().filter(|event| event.code == code).collect();
    if events.is_empty() {
        return finding(D::Acev, format!("nothing reports that {code} happened"));
    }
    let basis = basis(shipment);
    let withheld = events.iter().find_map(|event| rate.price(event, &basis).err());
    let code = match withheld {
        Some(Withheld::NotAuthorised) => D::Acna,
        Some(Withheld::Late) => D::Accr,
        Some(Withheld::NotNotified | Withheld::NotProven | Withheld::NoClock | Withheld::NoQuantity) => {
            D::Acev
        }
        Some(Withheld::Free | Withheld::OtherUnit | Withheld::OtherCurrency | Withheld::TooLarge) => D::Acqt,
        Some(Withheld::NoRate | Withheld::Condition) | None => D::Acnc,
    };
    let why = withheld.unwrap_or(Withheld::Condition);
    finding(code, why.to_string())
}

/// What is known of a shipment for a charge, in words.
fn evidence(shipment: &Consigned, charge: &Charge) -> String {
    let mut parts = Vec::new();
    if let Charge::Accessorial(code) = charge {
        let events: Vec<&AccessorialEvent> =
            shipment.events.iter().filter(|event| event.code == *code).collect();
        if events.is_empty() {
            return "no event reported".to_owned();
        }
        parts.push(format!("{} reported", words::many(events.len(), "event")));
        parts.extend(events.iter().all(|event| event.authorised).then(|| "agreed before".to_owned()));
        parts.extend(events.iter().all(|event| event.proven).then(|| "proof there".to_owned()));
        return parts.join(", ");
    }
    if *charge == Charge::Linehaul {
        let km = |metres: i64| whole(Decimal::from(metres) / Decimal::ONE_THOUSAND);
        let kg = |grams: i64| whole(Decimal::from(grams) / Decimal::ONE_THOUSAND);
        parts.extend(shipment.distance_m.map(|metres| format!("{} km", words::number(km(metres)))));
        parts.extend(shipment.weight_g.map(|grams| format!("{} kg", words::number(kg(grams)))));
    }
    parts.push(match shipment.delivered_on {
        Some(day) => format!("delivered {}", words::day(day)),
        None if shipment.is_cancelled => "cancelled".to_owned(),
        None => "not delivered yet".to_owned(),
    });
    parts.join(", ")
}
