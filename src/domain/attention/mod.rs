//! What needs somebody's attention on the contract desk, decided from facts: deadlines coming, versions that wait,
//! drafts that are not complete, shipments that the contract cannot price. Sorted by urgency.
//!
//! Whatever else belongs on the list is an [`Item`] of its own [`Kind`]: [`sorted`] puts it in its place.

use std::cmp::Reverse;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::calendar::BusinessCalendar;
use super::contract::{ALERT_DAYS, ContractTerm, ContractVersionStatus, RenewalKind};
use super::currency::Currency;
use super::field::codes;
use super::negotiation::{Open, Side, Talk};
use super::notice::Decided;
use super::words;

#[cfg(test)]
mod tests;

/// Up to this many days left it is to be done now: the last alert day.
pub const NOW_DAYS: i64 = 7;
/// Up to this many days left it is to be done soon: the last alert day but one.
pub const SOON_DAYS: i64 = 30;
/// Reasons for which one contract cannot price that are items of their own; the rest is one item together.
pub const REASONS_MAX: usize = 5;
/// Missing things named one by one; the rest is counted.
const MISSING_NAMED: usize = 4;

codes! {
    /// What kind of thing it is. Among equally urgent items of no day the order is this one.
    Kind, "kind of attention" {
        /// Shipments the contract cannot price.
        Unrated = "UNRATED", "Needs rates";
        /// Codes a partner bills under that nobody has mapped.
        Unmapped = "UNMAPPED", "Codes to map";
        /// The day by which notice must have arrived.
        Notice = "NOTICE", "Notice deadline";
        /// A fixed term runs out.
        Expiry = "EXPIRY", "Term ends";
        /// A contract that rests until somebody resumes it.
        Suspended = "SUSPENDED", "Suspended";
        /// A proposal of the partner that we have not answered.
        Answer = "ANSWER", "Our answer";
        /// A version under review.
        Approval = "APPROVAL", "Approval";
        /// An approved version that the partner has not signed.
        Signature = "SIGNATURE", "Signature";
        /// A proposal of ours that the partner has not answered.
        Reply = "REPLY", "Partner's answer";
        /// A draft that cannot be approved as it is.
        Incomplete = "INCOMPLETE", "Incomplete draft";
        /// A draft that is complete and lies still.
        Ready = "READY", "Ready for review";
    }
}

codes! {
    /// How soon something must be done.
    Urgency, "urgency" {
        /// Within [`NOW_DAYS`] days, or late already.
        Now = "NOW", "Now";
        /// Within [`SOON_DAYS`] days, and what costs money every day.
        Soon = "SOON", "Within 30 days";
        /// Later than that, or without a day.
        Later = "LATER", "Later";
    }
}

/// What an amount at stake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StakeOf {
    /// Freight of the partner in twelve months.
    Year,
    /// Billed for the shipments in question.
    Billed,
}

impl StakeOf {
    /// In words, below the amount.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Year => "freight, 12 months",
            Self::Billed => "billed for them",
        }
    }
}

/// The money at stake, where it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stake {
    /// How much.
    pub amount: Decimal,
    /// In which currency.
    pub currency: Currency,
    /// What it is.
    pub of: StakeOf,
}

/// Where somebody can act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The contract.
    Contract(i64),
    /// A version of a contract, by its number.
    Version(i64, i32),
    /// What a contract could not price.
    Rates(i64),
    /// The proposals over a version, by the row of the version.
    Negotiation(i64),
    /// The charge codes of a partner.
    Codes(i64),
}

/// One thing that needs attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What kind of thing.
    pub kind: Kind,
    /// Number of the contract it is about.
    pub subject: String,
    /// The carrier.
    pub partner_id: i64,
    /// Its name.
    pub partner: String,
    /// What is the matter, as a sentence without its full stop.
    pub what: String,
    /// Why it matters and what happens if nobody acts, in sentences.
    pub why: String,
    /// The day by which to act; none where every day is as good.
    pub day: Option<NaiveDate>,
    /// Days left to that day; negative when it has passed.
    pub days_left: Option<i64>,
    /// The money at stake, where it is known.
    pub stake: Option<Stake>,
    /// Where to act.
    pub place: Place,
}

impl Item {
    /// How soon something must be done.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        match self.days_left {
            Some(left) if left <= NOW_DAYS => Urgency::Now,
            Some(left) if left <= SOON_DAYS => Urgency::Soon,
            None if matches!(self.kind, Kind::Unrated | Kind::Unmapped | Kind::Suspended) => Urgency::Soon,
            Some(_) | None => Urgency::Later,
        }
    }
}

/// A version of a contract whose life is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionFacts {
    /// Row id.
    pub id: i64,
    /// 1 for the original.
    pub version_no: i32,
    /// Where it is in its life.
    pub status: ContractVersionStatus,
    /// The day it got there, where that is known.
    pub since: Option<NaiveDate>,
    /// Its first day.
    pub valid_from: NaiveDate,
    /// What keeps it from being approved, in few words each.
    pub missing: Vec<String>,
    /// Where the negotiation over it stands.
    pub talk: Talk,
}

/// Shipments that a contract cannot price for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnratedFacts {
    /// The reason.
    pub reason: String,
    /// How many.
    pub shipments: i64,
    /// Day of the first obligation among them.
    pub first: NaiveDate,
    /// Day of the last.
    pub last: NaiveDate,
    /// What was billed for them in the contract's currency, where a feed says so.
    pub billed: Option<Decimal>,
}

impl UnratedFacts {
    /// Takes in those of another version or reason.
    pub fn add(&mut self, other: &Self) {
        self.shipments = self.shipments.saturating_add(other.shipments);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.billed = match (self.billed, other.billed) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
    }
}

/// What is known of one contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractFacts {
    /// Row id.
    pub id: i64,
    /// Its number.
    pub number: String,
    /// The carrier.
    pub partner_id: i64,
    /// Its name.
    pub partner: String,
    /// Currency of the contract.
    pub currency: Currency,
    /// Its dates.
    pub term: ContractTerm,
    /// What is decided about its end.
    pub decided: Decided,
    /// Freight of the partner in twelve months, and its currency, where it is known.
    pub year: Option<(Decimal, Currency)>,
    /// The versions whose life is not over.
    pub versions: Vec<VersionFacts>,
    /// What it could not price.
    pub unrated: Vec<UnratedFacts>,
}

/// The codes of a partner that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmappedFacts {
    /// The carrier.
    pub partner_id: i64,
    /// Its name.
    pub partner: String,
    /// How many codes nobody has mapped, at least 1.
    pub codes: i64,
}

impl UnmappedFacts {
    fn item(&self) -> Item {
        Item {
            kind: Kind::Unmapped,
            subject: "Charge codes".to_owned(),
            partner_id: self.partner_id,
            partner: self.partner.clone(),
            what: format!("{} to map", words::count(self.codes, "charge code")),
            why: "What is billed under them cannot be held against the contract until somebody says what it is."
                .to_owned(),
            day: None,
            days_left: None,
            stake: None,
            place: Place::Codes(self.partner_id),
        }
    }
}

/// What needs attention on `today`, the most urgent first.
#[must_use]
pub fn needs_attention(
    contracts: &[ContractFacts],
    unmapped: &[UnmappedFacts],
    calendar: &BusinessCalendar,
    today: NaiveDate,
) -> Vec<Item> {
    let mut items: Vec<Item> = unmapped.iter().map(UnmappedFacts::item).collect();
    for contract in contracts {
        let desk = Desk { contract, today };
        items.extend(desk.end(calendar));
        // A contract that is over keeps drafts nobody can bring into force.
        if contract.term.status.term_runs() || contract.term.status == super::contract::ContractStatus::Draft
        {
            items.extend(contract.versions.iter().filter_map(|version| desk.version(version)));
        }
        items.extend(desk.unrated());
    }
    sorted(items)
}

/// By urgency, then the nearest day, then kind, then the most money of one currency, then number.
#[must_use]
pub fn sorted(mut items: Vec<Item>) -> Vec<Item> {
    items.sort_by(|a, b| {
        let key = |item: &Item| {
            let money = item.stake.map(|stake| (stake.currency, Reverse(stake.amount)));
            (item.urgency(), item.days_left.is_none(), item.days_left, item.kind, money.is_none(), money)
        };
        key(a).cmp(&key(b)).then_with(|| (&a.subject, &a.what).cmp(&(&b.subject, &b.what)))
    });
    items
}

struct Desk<'a> {
    contract: &'a ContractFacts,
    today: NaiveDate,
}

impl Desk<'_> {
    fn item(&self, kind: Kind, what: String, why: String, day: Option<NaiveDate>, place: Place) -> Item {
        let stake =
            self.contract.year.map(|(amount, currency)| Stake { amount, currency, of: StakeOf::Year });
        Item {
            kind,
            subject: self.contract.number.clone(),
            partner_id: self.contract.partner_id,
            partner: self.contract.partner.clone(),
            what,
            why,
            day,
            days_left: day.map(|day| (day - self.today).num_days()),
            stake,
            place,
        }
    }

    /// The deadline or the end that comes, from the first alert day on.
    fn end(&self, calendar: &BusinessCalendar) -> Option<Item> {
        let (contract, today) = (self.contract, self.today);
        let term = &contract.term;
        if !term.status.term_runs() || contract.decided == Decided::Succeeded {
            return None;
        }
        let near = |day: &NaiveDate| {
            (*day - today).num_days() <= i64::from(ALERT_DAYS.iter().copied().max().unwrap_or(0))
        };
        let deadline = term.next_deadline(today, calendar).filter(|_| contract.decided == Decided::Nothing);
        let place = Place::Contract(contract.id);
        match term.renewal {
            RenewalKind::Evergreen => None,
            RenewalKind::AutoRenew => {
                let due = deadline.filter(|due| near(&due.deadline))?;
                let months = words::count(term.renewal_months.unwrap_or(0), "month");
                let what = format!("Notice must arrive by {}", words::day(due.deadline));
                let why =
                    format!("If nobody acts it renews for {months} after {}.", words::day(due.term_end));
                Some(self.item(Kind::Notice, what, why, Some(due.deadline), place))
            }
            RenewalKind::Fixed => {
                let end = term.term_end.filter(|end| *end >= today)?;
                let due = deadline.map(|due| due.deadline);
                let day = due.unwrap_or(end);
                if !near(&day) {
                    return None;
                }
                let what = format!("The term ends on {}", words::day(end));
                let before = match (contract.decided, due) {
                    (Decided::NoticeGiven, _) => "Notice was given. ".to_owned(),
                    (_, Some(due)) => format!("Notice or a successor is due by {}. ", words::day(due)),
                    _ => String::new(),
                };
                let why = format!("{before}If nobody acts no terms hold after that day.");
                Some(self.item(Kind::Expiry, what, why, Some(day), place))
            }
        }
    }

    /// What a version waits for.
    fn version(&self, version: &VersionFacts) -> Option<Item> {
        use ContractVersionStatus::{Approved, Draft, InReview, Suspended};
        let no = version.version_no;
        let place = Place::Version(self.contract.id, no);
        let since = |verb: &str| {
            version.since.map_or_else(String::new, |day| format!("{verb} since {}. ", words::day(day)))
        };
        let first = Some(version.valid_from);
        let holds = if version.valid_from < self.today {
            format!("Its first day, {}, has passed.", words::day(version.valid_from))
        } else {
            format!("It is to hold from {}.", words::day(version.valid_from))
        };
        let missing = missing_words(&version.missing);
        match version.status {
            Draft => {
                if let Some(item) = self.talk(version) {
                    return Some(item);
                }
                let agreed = if matches!(version.talk, Talk::Agreed { .. }) {
                    "Both sides agreed to it. "
                } else {
                    ""
                };
                if version.missing.is_empty() {
                    let what = format!("Draft of version {no} is complete and not in review");
                    return Some(self.item(Kind::Ready, what, format!("{agreed}{holds}"), first, place));
                }
                let what = format!("Draft of version {no} is incomplete");
                Some(self.item(Kind::Incomplete, what, format!("{agreed}{missing} {holds}"), first, place))
            }
            InReview => {
                let what = format!("Version {no} waits for approval");
                let missing = if missing.is_empty() { missing } else { format!("{missing} ") };
                let why = format!("{}{missing}{holds}", since("In review"));
                Some(self.item(Kind::Approval, what, why, first, place))
            }
            Approved => {
                let what = format!("Version {no} waits for the partner's signature");
                let why = format!("{}{holds}", since("Approved"));
                Some(self.item(Kind::Signature, what, why, first, place))
            }
            Suspended => {
                let what = format!("Version {no} is suspended");
                let why = format!(
                    "{}It prices what moves, and nothing is credited until somebody resumes it.",
                    since("Suspended")
                );
                Some(self.item(Kind::Suspended, what, why, None, place))
            }
            _ => None,
        }
    }

    /// A proposal that waits for an answer.
    fn talk(&self, version: &VersionFacts) -> Option<Item> {
        let Talk::Open(Open { round, by, reply_by, .. }) = &version.talk else { return None };
        let until = format!("on {} it lapses.", words::day(reply_by.succ_opt().unwrap_or(*reply_by)));
        let (kind, what, why) = match by {
            Side::Partner => {
                let what = format!("Round {round} over version {} waits for our answer", version.version_no);
                (Kind::Answer, what, format!("The partner proposed it; {until}"))
            }
            Side::Shipper => {
                let what = format!(
                    "Round {round} over version {} waits for the partner's answer",
                    version.version_no
                );
                (Kind::Reply, what, format!("We proposed it; {until}"))
            }
        };
        Some(self.item(kind, what, why, Some(*reply_by), Place::Negotiation(version.id)))
    }

    /// What the contract cannot price, the most shipments first.
    fn unrated(&self) -> Vec<Item> {
        let mut facts: Vec<&UnratedFacts> = self.contract.unrated.iter().collect();
        facts.sort_by(|a, b| b.shipments.cmp(&a.shipments).then_with(|| a.reason.cmp(&b.reason)));
        let rest = facts.split_off(facts.len().min(REASONS_MAX));
        let mut items: Vec<Item> = facts.into_iter().map(|fact| self.without_price(fact)).collect();
        if let Some((first, others)) = rest.split_first() {
            let mut together = (*first).clone();
            others.iter().for_each(|other| together.add(other));
            let reasons = i64::try_from(rest.len()).unwrap_or(i64::MAX);
            together.reason = format!("{} more", words::count(reasons, "reason"));
            items.push(self.without_price(&together));
        }
        items
    }

    fn without_price(&self, fact: &UnratedFacts) -> Item {
        let need = if fact.shipments == 1 { "needs" } else { "need" };
        let what = format!("{} {need} rates", words::count(fact.shipments, "shipment"));
        let [first, last] = [fact.first, fact.last].map(|day| day.format("%B %Y").to_string());
        let months = if first == last { format!("in {last}") } else { format!("from {first} to {last}") };
        let why = format!("{}, {months}.", fact.reason.trim_end_matches('.'));
        let stake =
            fact.billed.map(|amount| Stake { amount, currency: self.contract.currency, of: StakeOf::Billed });
        Item { stake, ..self.item(Kind::Unrated, what, why, None, Place::Rates(self.contract.id)) }
    }
}

/// `Missing: baseline, price cap.`; empty when nothing is.
fn missing_words(missing: &[String]) -> String {
    if missing.is_empty() {
        return String::new();
    }
    let named = missing.iter().take(MISSING_NAMED).cloned().collect::<Vec<_>>().join(", ");
    match missing.len().saturating_sub(MISSING_NAMED) {
        0 => format!("Missing: {named}."),
        more => format!("Missing: {named}, and {more} more."),
    }
}
