//! What stands between the shipper and one carrier, section by section, as the carrier was told of it (DOMAIN §4.5).
//!
//! An account of the ledger moves from the first accrual on; a partner hears of an item when it is assessed, and before that it
//! is nobody's claim (DOMAIN §9). So what was posted before counts on the day of the notice, in one sum, and what is posted
//! after it on its own day. A statement of days that are over therefore never changes, and the sum of what stands is the balance
//! of the account less what the partner was not told of.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::clause::{ObligationKey, Reason, Sign};
use super::ledger::{Account, settled_account};
use super::money::Micros;

/// A section of a statement; what the carrier owes comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Service credits that were assessed: 1420.
    Credits,
    /// Rebates receivable: 1440.
    Rebates,
    /// Incentives and bonuses owed to the carrier: 2110.
    Bonuses,
    /// Service credits given back after good periods: 2110 as well.
    EarnBacks,
    /// Volume that the shipper promised and did not bring: 2120.
    Shortfall,
}

impl Section {
    /// Every section, in reading order.
    pub const ALL: [Self; 5] =
        [Self::Credits, Self::Rebates, Self::Bonuses, Self::EarnBacks, Self::Shortfall];

    /// The section of items of a kind of debt.
    #[must_use]
    pub const fn of(sign: Sign) -> Self {
        match sign {
            Sign::Penalty => Self::Credits,
            Sign::Rebate => Self::Rebates,
            Sign::Bonus => Self::Bonuses,
            Sign::EarnBack => Self::EarnBacks,
            Sign::ShipperLiability => Self::Shortfall,
        }
    }

    const fn sign(self) -> Sign {
        match self {
            Self::Credits => Sign::Penalty,
            Self::Rebates => Sign::Rebate,
            Self::Bonuses => Sign::Bonus,
            Self::EarnBacks => Sign::EarnBack,
            Self::Shortfall => Sign::ShipperLiability,
        }
    }

    /// The account on which its items stand from the notice to the settlement.
    #[must_use]
    pub const fn account(self) -> Account {
        settled_account(self.sign())
    }

    /// Whether the carrier owes what stands in it; else the shipper does.
    #[must_use]
    pub const fn owed_by_carrier(self) -> bool {
        self.sign().owed_by_carrier()
    }

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Credits => "Service credits",
            Self::Rebates => "Rebates",
            Self::Bonuses => "Bonuses",
            Self::EarnBacks => "Service credits earned back",
            Self::Shortfall => "Volume shortfall",
        }
    }
}

/// One posting on the account of an obligation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The day it is posted on; of what was posted before the notice, the day of the notice.
    pub on: NaiveDate,
    /// Where it comes among the postings of all obligations.
    pub place: usize,
    /// Why.
    pub reason: Reason,
    /// What it adds, positive when the debt grows.
    pub amount: Micros,
    /// What the entry says.
    pub memo: String,
}

/// The moves of one obligation as its partner was told of them, from all moves in the order of posting and the days of its
/// notices in order. What no notice was given of is left out.
///
/// A notice takes in everything up to its day. Where the facts take an item back whole, the partner is told that too and the
/// item is over; what grows after that waits for another notice. What was settled once was told before. A document that is dated
/// before the notice is told right after it, on its day: what was assessed and what settled it are two lines.
#[must_use]
pub fn as_told(moves: &[Move], notices: &[NaiveDate]) -> Vec<Move> {
    let mut told = Vec::new();
    let mut notices = notices.iter().copied().peekable();
    let (mut stands, mut owed, mut settled) = (false, Micros::ZERO, Micros::ZERO);
    let mut waiting: Option<Move> = None;
    let mut early: Vec<Move> = Vec::new();
    for one in moves {
        let is_settlement = one.reason == Reason::Settlement;
        let is_due = |day: &NaiveDate| *day < one.on || (is_settlement && *day == one.on);
        while let Some(day) = notices.next_if(is_due) {
            told.extend(noticed(waiting.take(), std::mem::take(&mut early), day));
            stands = true;
        }
        if is_settlement {
            settled = settled + one.amount;
        } else {
            owed = owed + one.amount;
        }
        if stands {
            told.push(one.clone());
            stands = owed != Micros::ZERO || settled != Micros::ZERO;
        } else if is_settlement {
            early.push(one.clone());
        } else {
            let before = waiting.take().map_or(Micros::ZERO, |before| before.amount);
            waiting = Some(Move { amount: before + one.amount, ..one.clone() });
        }
    }
    if let Some(day) = notices.next() {
        told.extend(noticed(waiting, early, day));
    }
    told
}

/// What a notice takes in, in one sum, nothing where it comes to nothing; then the documents dated before it.
fn noticed(waiting: Option<Move>, early: Vec<Move>, on: NaiveDate) -> impl Iterator<Item = Move> {
    let waiting = waiting.filter(|waiting| waiting.amount != Micros::ZERO);
    let place = waiting.as_ref().map_or(0, |waiting| waiting.place);
    let assessed =
        waiting.map(|waiting| Move { on, reason: Reason::Assessment, memo: String::new(), ..waiting });
    // Sorted by place they come after what they settle, also where the facts moved it later.
    let settled = early.into_iter().map(move |one| Move { on, place: one.place.max(place), ..one });
    assessed.into_iter().chain(settled)
}

/// One change of what stands in a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The obligation.
    pub key: ObligationKey,
    /// What moved.
    pub moved: Move,
    /// What stands after it.
    pub balance: Micros,
}

/// A section in one currency: opening and every line come to the closing balance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// What stood before.
    pub opening: Micros,
    /// The changes, by day.
    pub lines: Vec<Line>,
    /// What stands after.
    pub closing: Micros,
    /// The items that come to the closing balance; none of 0.
    pub standing: BTreeMap<ObligationKey, Micros>,
}

impl Part {
    /// The part of the days in `[from, until)`, from moves as they were told, in any order; what is told later is no part of it.
    #[must_use]
    pub fn of(mut moves: Vec<(ObligationKey, Move)>, (from, until): (NaiveDate, NaiveDate)) -> Self {
        moves.retain(|(_, moved)| moved.on < until);
        moves.sort_by_key(|(_, moved)| (moved.on, moved.place));
        let mut part = Self::default();
        for (key, moved) in moves {
            part.closing = part.closing + moved.amount;
            let standing = part.standing.entry(key).or_default();
            *standing = *standing + moved.amount;
            if moved.on < from {
                part.opening = part.closing;
            } else {
                part.lines.push(Line { key, moved, balance: part.closing });
            }
        }
        part.standing.retain(|_, amount| *amount != Micros::ZERO);
        part
    }

    /// Whether it says nothing: nothing stood and nothing moved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.opening == Micros::ZERO
    }

    /// Its four figures.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let of = |is_settled: bool| -> Micros {
            let lines = self.lines.iter().map(|line| &line.moved);
            let counted = lines.filter(|moved| (moved.reason == Reason::Settlement) == is_settled);
            counted.map(|moved| moved.amount).sum()
        };
        Sums { opening: self.opening, moved: of(false), settled: of(true), closing: self.closing }
    }
}

/// What a section, or all of them, came to over the days of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Before.
    pub opening: Micros,
    /// What was assessed, changed and given up.
    pub moved: Micros,
    /// What documents settled; below zero, since it leaves.
    pub settled: Micros,
    /// After.
    pub closing: Micros,
}

/// What the carrier owes less what the shipper owes, over all sections of one currency; below zero where the shipper owes more.
#[must_use]
pub fn net<'a>(parts: impl IntoIterator<Item = (&'a Section, &'a Part)>) -> Sums {
    let mut net = Sums::default();
    for (section, part) in parts {
        let sums = part.sums();
        let of = |amount: Micros| if section.owed_by_carrier() { amount } else { -amount };
        net.opening = net.opening + of(sums.opening);
        net.moved = net.moved + of(sums.moved);
        net.settled = net.settled + of(sums.settled);
        net.closing = net.closing + of(sums.closing);
    }
    net
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::clause::Obligation;

    fn day(number: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2025, 7, 1).unwrap() + chrono::Days::new(number.saturating_sub(1))
    }

    fn moved(on: u64, reason: Reason, micros: i64) -> Move {
        Move { on: day(on), place: 0, reason, amount: Micros(micros), memo: "memo".to_owned() }
    }

    fn said(moves: &[Move], notices: &[u64]) -> Vec<(u64, Reason, i64)> {
        let notices: Vec<NaiveDate> = notices.iter().map(|number| day(*number)).collect();
        let number = |on: NaiveDate| u64::try_from((on - day(1)).num_days()).unwrap() + 1;
        as_told(moves, &notices).iter().map(|one| (number(one.on), one.reason, one.amount.0)).collect()
    }

    #[test]
    fn a_section_stands_on_the_account_of_its_kind_of_debt() {
        let accounts: Vec<i32> = Section::ALL.iter().map(|section| section.account().number()).collect();
        assert_eq!(accounts, [1420, 1440, 2110, 2110, 2120]);
        for sign in Sign::ALL {
            assert_eq!(Section::of(*sign).sign(), *sign);
        }
    }

    /// DOMAIN P5: 2,124.80 accrued day by day, told in one sum, changed and paid.
    #[test]
    fn what_was_accrued_before_the_notice_counts_on_its_day() {
        let moves = [
            moved(1, Reason::Initial, 1_000),
            moved(2, Reason::Accrual, 1_200),
            moved(3, Reason::TrueUp, -75),
            moved(16, Reason::TrueUp, 100),
            moved(20, Reason::Settlement, -2_225),
        ];
        assert_eq!(said(&moves, &[]), [], "nobody was told");
        assert_eq!(
            said(&moves, &[14]),
            [(14, Reason::Assessment, 2_125), (16, Reason::TrueUp, 100), (20, Reason::Settlement, -2_225)]
        );
        assert_eq!(said(&moves[..3], &[14]), [(14, Reason::Assessment, 2_125)]);
        assert_eq!(said(&moves[..3], &[3]), [(3, Reason::Assessment, 2_125)], "the same day is before it");
        let same_day = [moved(14, Reason::Initial, 50), moved(14, Reason::Settlement, -50)];
        let both = [(14, Reason::Assessment, 50), (14, Reason::Settlement, -50)];
        assert_eq!(said(&same_day, &[14]), both, "a document is told with its own line");
    }

    /// A rebate of 2,000 of a year, of which a credit note dated before the notice gives 1,500.
    #[test]
    fn a_document_dated_before_the_notice_is_told_after_it() {
        let mut moves = vec![moved(1, Reason::Accrual, 2_000), moved(6, Reason::Settlement, -1_500)];
        assert_eq!(said(&moves, &[]), [], "nobody was told");
        let both = [(16, Reason::Assessment, 2_000), (16, Reason::Settlement, -1_500)];
        assert_eq!(said(&moves, &[16]), both);
        moves.push(moved(20, Reason::Settlement, -500));
        let later = said(&moves, &[16]);
        assert_eq!((&later[..2], &later[2..]), (&both[..], &[(20, Reason::Settlement, -500)][..]));
        // Settled whole it does not vanish.
        let whole = [moved(1, Reason::Accrual, 2_000), moved(6, Reason::Settlement, -2_000)];
        assert_eq!(said(&whole, &[16]), [(16, Reason::Assessment, 2_000), (16, Reason::Settlement, -2_000)]);
        // Of what accrues after the document too, the notice is the first line of a statement.
        let key = ObligationKey { contract_version_id: 1, clause_id: 2, of: Obligation::Event(3) };
        let moves = [
            moved(1, Reason::Accrual, 1_900),
            Move { place: 1, ..moved(6, Reason::Settlement, -1_500) },
            Move { place: 2, ..moved(9, Reason::TrueUp, 100) },
        ];
        let told = as_told(&moves, &[day(16)]).into_iter().map(|moved| (key, moved)).collect();
        let part = Part::of(told, (day(1), day(32)));
        let lines: Vec<(Reason, i64)> =
            part.lines.iter().map(|line| (line.moved.reason, line.moved.amount.0)).collect();
        assert_eq!(lines, [(Reason::Assessment, 2_000), (Reason::Settlement, -1_500)]);
        assert_eq!(part.closing, Micros(500));
    }

    #[test]
    fn what_grows_again_after_it_was_taken_back_waits_for_another_notice() {
        let moves = [
            moved(1, Reason::Initial, 500),
            moved(16, Reason::Reversal, -500),
            moved(18, Reason::Initial, 300),
        ];
        let taken_back = [(14, Reason::Assessment, 500), (16, Reason::Reversal, -500)];
        assert_eq!(said(&moves, &[14]), taken_back);
        let again = said(&moves, &[14, 25]);
        assert_eq!(again[..2], taken_back, "what was said of days that are over stays");
        assert_eq!(again[2..], [(25, Reason::Assessment, 300)]);
        // Taken back before anybody heard of it: never said.
        assert_eq!(said(&[moved(1, Reason::Initial, 500), moved(2, Reason::Reversal, -500)], &[14]), []);
        // What was paid stands as told also where nothing is owed any more: it is to be paid back.
        let paid = [
            moved(1, Reason::Initial, 500),
            moved(15, Reason::Settlement, -500),
            moved(16, Reason::Reversal, -500),
            moved(18, Reason::TrueUp, 200),
        ];
        assert_eq!(said(&paid, &[14]).len(), 4);
    }

    #[test]
    fn the_net_is_what_the_carrier_owes_less_what_we_owe() {
        let key = ObligationKey { contract_version_id: 1, clause_id: 2, of: Obligation::Event(3) };
        let part = |amounts: &[(u64, Reason, i64)]| {
            let moves = amounts.iter().map(|(on, reason, micros)| (key, moved(*on, *reason, *micros)));
            Part::of(moves.collect(), (day(10), day(32)))
        };
        let credits = part(&[
            (5, Reason::Assessment, 900),
            (12, Reason::Assessment, 100),
            (13, Reason::Settlement, -400),
        ]);
        let bonuses = part(&[
            (11, Reason::Assessment, 2_000),
            (12, Reason::TrueUp, -500),
            (15, Reason::Settlement, -200),
        ]);
        let sums = |opening, moved, settled, closing| Sums {
            opening: Micros(opening),
            moved: Micros(moved),
            settled: Micros(settled),
            closing: Micros(closing),
        };
        assert_eq!(credits.sums(), sums(900, 100, -400, 600));
        assert_eq!(bonuses.sums(), sums(0, 1_500, -200, 1_300));
        let both = [(Section::Credits, credits), (Section::Bonuses, bonuses)];
        let net = net(both.iter().map(|(section, part)| (section, part)));
        assert_eq!(net, sums(900, -1_400, -200, -700));
    }

    proptest! {
        /// Opening and lines come to the closing balance, which is what the items that stand come to; and a statement in two
        /// parts says the same as one.
        #[test]
        fn a_part_foots(amounts in prop::collection::vec((1_u64..40, 1_i64..6, -500_i64..500, any::<bool>()), 0..40), cut in 1_u64..45) {
            let moves: Vec<(ObligationKey, Move)> = amounts
                .iter()
                .enumerate()
                .map(|(place, (on, item, micros, is_settled))| {
                    let reason = if *is_settled { Reason::Settlement } else { Reason::TrueUp };
                    let key = ObligationKey { contract_version_id: 1, clause_id: 2, of: Obligation::Event(*item) };
                    (key, Move { place, ..moved(*on, reason, *micros) })
                })
                .collect();
            let whole = Part::of(moves.clone(), (day(1), day(50)));
            let part = Part::of(moves.clone(), (day(cut), day(50)));
            let sums = part.sums();
            prop_assert_eq!(sums.opening + sums.moved + sums.settled, sums.closing);
            prop_assert_eq!(part.standing.values().copied().sum::<Micros>(), part.closing);
            prop_assert_eq!(part.closing, whole.closing);
            let before = Part::of(moves, (day(1), day(cut)));
            prop_assert_eq!(before.closing, part.opening, "what one closes with opens the next");
            prop_assert!(before.lines.iter().all(|line| line.moved.on < day(cut)));
            let last = part.lines.last().map_or(part.opening, |line| line.balance);
            prop_assert_eq!(last, part.closing);
        }

        /// Once everything is told, the account and the statement come to the same; and what is added later changes no day
        /// before it.
        #[test]
        fn the_sum_of_what_was_told_is_the_account(amounts in prop::collection::vec((1_u64..20, 1_i64..500), 0..20), notice in 1_u64..40) {
            let mut moves: Vec<Move> = amounts.iter().map(|(on, micros)| moved(*on, Reason::Accrual, *micros)).collect();
            moves.sort_by_key(|one| one.on);
            let account: Micros = moves.iter().map(|one| one.amount).sum();
            let told = as_told(&moves, &[day(notice), day(50)]);
            prop_assert_eq!(told.iter().map(|one| one.amount).sum::<Micros>(), account);
            let by_then = |told: &[Move], last: u64| told.iter().filter(|one| one.on <= day(last)).map(|one| one.amount).sum::<Micros>();
            moves.push(moved(45, Reason::TrueUp, 7));
            let later = as_told(&moves, &[day(notice), day(50)]);
            for last in 1..45 {
                prop_assert_eq!(by_then(&told, last), by_then(&later, last));
            }
        }
    }
}
