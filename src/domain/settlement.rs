//! What settles agreed items: a credit note, a set-off, a deduction, an invoice, a payment (DOMAIN §4.5), what each may be
//! applied to, and which of them the clause of an item grants.
//!
//! A document is kept whole. What of it is applied to items is posted; what is not stays with it, unapplied, and is shown.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::clause::{ObligationKey, SettlementForm};
use super::currency::Currency;
use super::field::codes;
use super::ledger::ItemState;
use super::money::Micros;
use super::words;

/// Items that one document can settle.
pub const PARTS_MAX: usize = 2_000;
/// Longest number of a document.
pub const NUMBER_CHARS_MAX: usize = 60;
/// Longest remark.
pub const WORDS_CHARS_MAX: usize = 500;

codes! {
    /// How items are settled.
    SettlementKind, "settlement" {
        /// The carrier credits it. Preferred.
        CreditNote = "CREDIT_NOTE", "Credit note";
        /// Taken off the next remittance, where the contract lets us.
        Offset = "OFFSET", "Set-off against a remittance";
        /// Taken off an invoice of the carrier, where the clause lets us.
        Deduction = "DEDUCTION", "Deduction from an invoice";
        /// We invoice the carrier.
        Invoice = "INVOICE", "Invoice to the carrier";
        /// We pay what we owe the carrier.
        Payment = "PAYMENT", "Payment to the carrier";
        /// What was settled too much goes back.
        Refund = "REFUND", "Paid back";
    }
}

impl SettlementKind {
    /// The words on the number of its document.
    #[must_use]
    pub const fn number_words(self) -> &'static str {
        match self {
            Self::CreditNote => "number of the credit note",
            Self::Offset => "number of the remittance",
            Self::Deduction => "number of the carrier's invoice",
            Self::Invoice => "number of our invoice",
            Self::Payment | Self::Refund => "number of the payment",
        }
    }

    /// Whether it takes money off what we pay, so that it is a controller's and needs a right in the contract.
    #[must_use]
    pub const fn takes_off(self) -> bool {
        matches!(self, Self::Offset | Self::Deduction)
    }
}

/// An item as far as a settlement asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The obligation.
    pub key: ObligationKey,
    /// What people call it.
    pub named: String,
    /// Where it stands.
    pub state: ItemState,
    /// The carrier owes it; else we do.
    pub is_ours: bool,
    /// What is left to settle; negative where too much was settled.
    pub outstanding: Micros,
    /// The form that its signed clause names.
    pub form: Option<SettlementForm>,
    /// Who noted that its contract lets us set off; none where nobody did.
    pub set_off_noted_by: Option<i64>,
}

/// What a document settles of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The obligation.
    pub key: ObligationKey,
    /// How much, more than 0.
    pub amount: Micros,
}

/// The day of a document and of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The day it is dated, and posted.
    pub settled_on: NaiveDate,
    /// Today.
    pub today: NaiveDate,
    /// The last closed day of the books.
    pub closed_through: Option<NaiveDate>,
}

/// Why a document is not booked. Nothing of it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The accounting period of its day is closed.
    #[error(
        "the books are closed through {}; date it {} or later, its obligation period stays as it is",
        words::day(*.0), words::day(.0.succ_opt().unwrap_or(*.0))
    )]
    Closed(NaiveDate),
    /// A day to come.
    #[error("it is dated after today; book it on its day")]
    Future,
    /// No amount.
    #[error("give the amount of the document, above 0")]
    NoAmount,
    /// Less than the smallest coin.
    #[error("{} is finer than {currency} is paid in: give at most {} decimals", words::amount(*.amount), .currency.minor_digits())]
    TooFine {
        /// What was asked.
        amount: Micros,
        /// Its currency.
        currency: Currency,
        /// It is the amount of one item; else that of the document.
        of_item: bool,
    },
    /// Nothing there to apply it to.
    #[error("there is nothing that this can settle: {0}")]
    Nothing(&'static str),
    /// Too many items at once.
    #[error("a document settles at most {PARTS_MAX} items; split it")]
    TooMany,
    /// The parts come to more than the document.
    #[error("the items come to {}, the document to {}; lower what it settles", words::amount(*.parts), words::amount(*.document))]
    TooMuch {
        /// The sum of the parts.
        parts: Micros,
        /// The document.
        document: Micros,
    },
    /// More than is left of an item.
    #[error("{named}: {} is left to settle, not {}", words::amount(*.left), words::amount(*.asked))]
    Part {
        /// The item.
        named: String,
        /// What is left of it.
        left: Micros,
        /// What was asked.
        asked: Micros,
    },
    /// The item is not agreed.
    #[error("{named} is {}; only what both sides agree on is settled", .state.label().to_lowercase())]
    NotAgreed {
        /// The item.
        named: String,
        /// Where it stands.
        state: ItemState,
    },
    /// The document goes the other way.
    #[error("{named} is not settled by this: {why}")]
    WrongWay {
        /// The item.
        named: String,
        /// Why.
        why: &'static str,
    },
    /// The contract does not let us set off.
    #[error(
        "the contract of {0} does not let us set credits off against what we pay; ask for a credit note, or note the clause that grants it"
    )]
    NoSetOff(String),
    /// The clause does not let us deduct.
    #[error(
        "the clause of {0} does not let us take it off an invoice, and carriers may refuse a short payment; ask for a credit note, or agree on deduction in the next version of the contract"
    )]
    NoDeduction(String),
    /// The clause has a way of its own to take the money.
    #[error("the clause of {named} says that it is settled by {}; book that, or a credit note", .form.label())]
    OtherForm {
        /// The item.
        named: String,
        /// What the clause names.
        form: SettlementForm,
    },
    /// Who noted a right does not use it (DOMAIN §9).
    #[error(
        "you noted yourself that the contract of {0} grants set-off; another controller must set off under it"
    )]
    OwnSetOff(String),
    /// The document is larger than what it settles.
    #[error(
        "the document comes to {} more than the agreed items it settles; keep the rest as unapplied, or ask for a document over the right amount",
        words::amount(*.0)
    )]
    Rest(Micros),
}

/// Whether a document of `kind` settles an item, and why not.
///
/// # Errors
/// The reason in words.
pub fn fits(kind: SettlementKind, item: &Open) -> Result<(), &'static str> {
    use SettlementKind::{CreditNote, Deduction, Invoice, Offset, Payment, Refund};
    let owes_back = item.outstanding < Micros::ZERO;
    match kind {
        Refund if owes_back => Ok(()),
        Refund => Err("nothing was settled too much"),
        _ if owes_back => Err("too much was settled of it; pay it back"),
        CreditNote | Offset | Deduction | Invoice if item.is_ours => Ok(()),
        CreditNote | Offset | Deduction | Invoice => Err("we owe it to the carrier; pay it"),
        Payment if item.is_ours => Err("the carrier owes it to us"),
        Payment => Ok(()),
    }
}

/// Whether the contract of an item grants that it is settled by `kind`. A credit note is preferred and always taken; what is
/// taken off a payment or an invoice needs a right that says so; an invoice of ours is the last resort, where the clause
/// gives no way of its own to take the money (DOMAIN §4.1, §4.5).
///
/// # Errors
/// [`Refused`] with what to do instead.
pub fn granted(kind: SettlementKind, item: &Open) -> Result<(), Refused> {
    let named = || item.named.clone();
    match (kind, item.form) {
        (SettlementKind::CreditNote | SettlementKind::Payment | SettlementKind::Refund, _)
        | (SettlementKind::Offset, Some(SettlementForm::OffsetNext))
        | (SettlementKind::Deduction, Some(SettlementForm::Deduction)) => Ok(()),
        (SettlementKind::Offset, _) if item.set_off_noted_by.is_some() => Ok(()),
        (SettlementKind::Offset, _) => Err(Refused::NoSetOff(named())),
        (SettlementKind::Deduction, _) => Err(Refused::NoDeduction(named())),
        (SettlementKind::Invoice, Some(form @ (SettlementForm::Deduction | SettlementForm::OffsetNext))) => {
            Err(Refused::OtherForm { named: named(), form })
        }
        (SettlementKind::Invoice, _) => Ok(()),
    }
}

/// How an agreed item that the carrier owes is settled, in words.
#[must_use]
pub const fn ways(form: Option<SettlementForm>) -> &'static str {
    match form {
        Some(SettlementForm::OffsetNext) => {
            "A credit note of the carrier settles it, or a set-off against the next payment, as the clause says."
        }
        Some(SettlementForm::Deduction) => {
            "A credit note of the carrier settles it, or a deduction from an invoice, as the clause says."
        }
        Some(SettlementForm::Invoice) => {
            "A credit note of the carrier settles it, or an invoice, as the clause says."
        }
        Some(SettlementForm::CreditNote) => {
            "A credit note of the carrier settles it, as the clause says; an invoice is the last resort."
        }
        None => {
            "A credit note of the carrier settles it; a set-off where the contract grants it; else an invoice."
        }
    }
}

/// Refuses a set-off by whoever noted that a contract grants it.
///
/// # Errors
/// [`Refused::OwnSetOff`] with the first such item.
pub fn check_noted(
    kind: SettlementKind,
    parts: &[Part],
    items: &[Open],
    user_id: i64,
) -> Result<(), Refused> {
    let noted = |item: &&Open| {
        // Where the signed clause itself grants it, nobody's note is used.
        let by_note = item.form != Some(SettlementForm::OffsetNext);
        let is_own = by_note && item.set_off_noted_by == Some(user_id);
        is_own && parts.iter().any(|part| part.key == item.key)
    };
    match items.iter().find(noted) {
        Some(item) if kind == SettlementKind::Offset => Err(Refused::OwnSetOff(item.named.clone())),
        _ => Ok(()),
    }
}

/// The parts of a document over `amount` applied to the oldest items first; the last one in part. Items whose contract does
/// not grant it are passed over where there are others.
#[must_use]
pub fn oldest_first(kind: SettlementKind, amount: Micros, items: &[Open]) -> Vec<Part> {
    let mut left = amount;
    let mut parts = Vec::new();
    let agreed = |item: &&Open| item.state == ItemState::Agreed && fits(kind, item).is_ok();
    // Where none grants it, [`check`] says so of the first.
    let any_grants = items.iter().filter(agreed).any(|item| granted(kind, item).is_ok());
    let taken = items.iter().filter(agreed).filter(|item| !any_grants || granted(kind, item).is_ok());
    for item in taken {
        let part = item.outstanding.abs().min(left);
        if part > Micros::ZERO && parts.len() < PARTS_MAX {
            parts.push(Part { key: item.key, amount: part });
            left = left - part;
        }
    }
    parts
}

/// Refuses what nobody can pay: a document, or what it settles of an item, finer than the currency is paid in.
///
/// # Errors
/// [`Refused::TooFine`] with the first such amount.
pub fn check_payable(currency: Currency, amount: Micros, parts: &[Part]) -> Result<(), Refused> {
    let is_too_fine = |amount: Micros| amount.decimal().normalize().scale() > currency.minor_digits();
    if is_too_fine(amount) {
        return Err(Refused::TooFine { amount, currency, of_item: false });
    }
    match parts.iter().find(|part| is_too_fine(part.amount)) {
        Some(part) => Err(Refused::TooFine { amount: part.amount, currency, of_item: true }),
        None => Ok(()),
    }
}

/// Checks a document before it is booked. Gives what stays unapplied.
///
/// # Errors
/// [`Refused`].
pub fn check(
    kind: SettlementKind,
    amount: Micros,
    parts: &[Part],
    items: &[Open],
    (days, keeps_rest): (&Days, bool),
) -> Result<Micros, Refused> {
    if let Some(closed) = days.closed_through.filter(|closed| days.settled_on <= *closed) {
        return Err(Refused::Closed(closed));
    }
    if days.settled_on > days.today {
        return Err(Refused::Future);
    }
    if amount <= Micros::ZERO {
        return Err(Refused::NoAmount);
    }
    if parts.is_empty() && !keeps_rest {
        return Err(Refused::Nothing("no agreed item of this partner waits for it"));
    }
    if parts.len() > PARTS_MAX {
        return Err(Refused::TooMany);
    }
    let applied: Micros = parts.iter().map(|part| part.amount).sum();
    if applied > amount {
        return Err(Refused::TooMuch { parts: applied, document: amount });
    }
    let by_key: BTreeMap<ObligationKey, &Open> = items.iter().map(|item| (item.key, item)).collect();
    let mut seen = BTreeSet::new();
    for part in parts {
        let item = by_key.get(&part.key);
        let item = item.ok_or(Refused::Nothing("one of the items is not of this partner or currency"))?;
        if !seen.insert(part.key) {
            return Err(Refused::Nothing("one of the items is named twice"));
        }
        check_part(kind, item, part)?;
    }
    let rest = amount - applied;
    if rest > Micros::ZERO && !keeps_rest { Err(Refused::Rest(rest)) } else { Ok(rest) }
}

fn check_part(kind: SettlementKind, item: &Open, part: &Part) -> Result<(), Refused> {
    let named = || item.named.clone();
    if item.state != ItemState::Agreed {
        return Err(Refused::NotAgreed { named: named(), state: item.state });
    }
    fits(kind, item).map_err(|why| Refused::WrongWay { named: named(), why })?;
    granted(kind, item)?;
    let left = item.outstanding.abs();
    if part.amount <= Micros::ZERO || part.amount > left {
        return Err(Refused::Part { named: named(), left, asked: part.amount });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clause::Obligation;

    fn open(id: i64, outstanding: i64) -> Open {
        Open {
            key: ObligationKey { contract_version_id: 1, clause_id: 2, of: Obligation::Event(id) },
            named: format!("item {id}"),
            state: ItemState::Agreed,
            is_ours: true,
            outstanding: Micros(outstanding),
            form: None,
            set_off_noted_by: None,
        }
    }

    fn days() -> Days {
        let day = |text: &str| text.parse().unwrap();
        Days {
            settled_on: day("2025-08-02"),
            today: day("2025-08-04"),
            closed_through: Some(day("2025-06-30")),
        }
    }

    #[test]
    fn a_credit_note_goes_to_the_oldest_items_and_no_further_than_they_reach() {
        use SettlementKind::CreditNote;
        let items = [open(1, 100), open(2, 50)];
        let parts = oldest_first(CreditNote, Micros(120), &items);
        assert_eq!(parts.iter().map(|part| part.amount.0).collect::<Vec<_>>(), [100, 20]);
        assert_eq!(check(CreditNote, Micros(120), &parts, &items, (&days(), false)), Ok(Micros::ZERO));
        let parts = oldest_first(CreditNote, Micros(180), &items);
        let whole = |keep| check(CreditNote, Micros(180), &parts, &items, (&days(), keep));
        assert_eq!(whole(false), Err(Refused::Rest(Micros(30))), "larger than the claim");
        assert_eq!(whole(true), Ok(Micros(30)), "kept as unapplied");
    }

    #[test]
    fn what_does_not_fit_is_refused_in_words() {
        use SettlementKind::{CreditNote, Offset, Payment, Refund};
        let items = [open(1, 100), open(2, -40), Open { is_ours: false, ..open(3, 70) }];
        let one = |kind, index: usize, amount| {
            let parts = [Part { key: items[index].key, amount: Micros(amount) }];
            check(kind, Micros(amount), &parts, &items, (&days(), false))
        };
        assert_eq!(one(CreditNote, 0, 100), Ok(Micros::ZERO));
        assert!(matches!(one(CreditNote, 0, 101), Err(Refused::Part { .. })));
        assert!(matches!(one(CreditNote, 1, 10), Err(Refused::WrongWay { .. })));
        assert_eq!(one(Refund, 1, 40), Ok(Micros::ZERO));
        assert!(matches!(one(CreditNote, 2, 70), Err(Refused::WrongWay { .. })));
        assert_eq!(one(Payment, 2, 70), Ok(Micros::ZERO));
        assert!(matches!(one(Offset, 0, 100), Err(Refused::NoSetOff(_))));
        let disputed = [Open { state: ItemState::Disputed, ..open(1, 100) }];
        let parts = [Part { key: disputed[0].key, amount: Micros(1) }];
        let refused = check(CreditNote, Micros(1), &parts, &disputed, (&days(), false));
        assert!(matches!(refused, Err(Refused::NotAgreed { .. })));
    }

    #[test]
    fn what_is_finer_than_the_currency_is_paid_in_is_refused() {
        let currency = |code: &str| code.parse::<Currency>().unwrap();
        let part = |amount| [Part { key: open(1, 100).key, amount: Micros(amount) }];
        let whole = Micros(1_250_000);
        // 1.25 is money in dollars and in dinars, of which a thousandth is paid, and not in yen.
        assert_eq!(check_payable(Currency::USD, whole, &part(10_000)), Ok(()));
        assert_eq!(check_payable(currency("KWD"), whole, &part(4_000)), Ok(()));
        let yen = check_payable(currency("JPY"), whole, &[]).unwrap_err().to_string();
        assert_eq!(yen, "1.25 is finer than JPY is paid in: give at most 0 decimals");
        let of_item =
            |amount| Refused::TooFine { amount: Micros(amount), currency: Currency::USD, of_item: true };
        for amount in [4_000, 100] {
            assert_eq!(check_payable(Currency::USD, whole, &part(amount)), Err(of_item(amount)));
        }
        let document = check_payable(Currency::USD, Micros(4_000), &[]);
        assert!(matches!(document, Err(Refused::TooFine { of_item: false, .. })), "{document:?}");
    }

    #[test]
    fn who_noted_a_right_does_not_set_off_under_it() {
        use SettlementKind::{CreditNote, Offset};
        let items = [
            Open { set_off_noted_by: Some(7), ..open(1, 100) },
            Open { form: Some(SettlementForm::OffsetNext), set_off_noted_by: Some(7), ..open(2, 50) },
        ];
        let part = |index: usize| [Part { key: items[index].key, amount: Micros(10) }];
        let own = check_noted(Offset, &part(0), &items, 7).unwrap_err();
        assert_eq!(own, Refused::OwnSetOff("item 1".to_owned()));
        assert!(own.to_string().contains("another controller"), "{own}");
        assert_eq!(check_noted(Offset, &part(0), &items, 8), Ok(()));
        assert_eq!(check_noted(Offset, &part(1), &items, 7), Ok(()), "a signed clause grants it");
        assert_eq!(check_noted(CreditNote, &part(0), &items, 7), Ok(()), "a credit note needs no right");
    }

    /// DOMAIN 4.5: prefer a credit note, else set-off where it is granted, else an invoice; 4.1: no deduction without a right.
    #[test]
    fn what_takes_money_off_needs_a_right_and_an_invoice_comes_last() {
        use SettlementForm as Form;
        use SettlementKind::{CreditNote, Deduction, Invoice, Offset};
        let item = |form, noted| Open { form, set_off_noted_by: noted, ..open(1, 100) };
        let forms = [
            None,
            Some(Form::CreditNote),
            Some(Form::Deduction),
            Some(Form::Invoice),
            Some(Form::OffsetNext),
        ];
        // By form as above: whether it may be booked where nobody noted a right, and where somebody did.
        for (kind, unnoted, noted) in [
            (CreditNote, [true; 5], [true; 5]),
            (Offset, [false, false, false, false, true], [true; 5]),
            (Deduction, [false, false, true, false, false], [false, false, true, false, false]),
            (Invoice, [true, true, false, true, false], [true, true, false, true, false]),
        ] {
            for (form, (unnoted, noted)) in forms.into_iter().zip(unnoted.into_iter().zip(noted)) {
                assert_eq!(granted(kind, &item(form, None)).is_ok(), unnoted, "{kind:?} {form:?}");
                assert_eq!(granted(kind, &item(form, Some(7))).is_ok(), noted, "{kind:?} {form:?}, noted");
            }
        }
        let told = |kind, form| granted(kind, &item(form, None)).unwrap_err().to_string();
        assert!(told(Deduction, Some(Form::OffsetNext)).contains("ask for a credit note"));
        let other = told(Invoice, Some(Form::Deduction));
        assert!(other.contains("settled by a deduction from an invoice; book that"), "{other}");
    }

    #[test]
    fn a_deduction_goes_to_the_items_that_grant_it() {
        use SettlementKind::{Deduction, Payment};
        let granting = Open { form: Some(SettlementForm::Deduction), ..open(2, 50) };
        let items = [open(1, 100), granting.clone()];
        let parts = oldest_first(Deduction, Micros(50), &items);
        assert_eq!(parts, [Part { key: granting.key, amount: Micros(50) }]);
        assert_eq!(check(Deduction, Micros(50), &parts, &items, (&days(), false)), Ok(Micros::ZERO));
        let none = [open(1, 100)];
        let parts = oldest_first(Deduction, Micros(50), &none);
        let refused = check(Deduction, Micros(50), &parts, &none, (&days(), false));
        assert_eq!(refused, Err(Refused::NoDeduction("item 1".to_owned())));
        let ours = [Open { is_ours: false, ..granting }];
        let parts = [Part { key: ours[0].key, amount: Micros(50) }];
        let refused = check(Deduction, Micros(50), &parts, &ours, (&days(), false));
        assert!(matches!(refused, Err(Refused::WrongWay { .. })), "what we owe is paid");
        assert_eq!(check(Payment, Micros(50), &parts, &ours, (&days(), false)), Ok(Micros::ZERO));
    }

    #[test]
    fn a_closed_or_coming_day_takes_no_document() {
        let items = [open(1, 100)];
        let parts = oldest_first(SettlementKind::CreditNote, Micros(100), &items);
        let on = |day: &str| {
            let days = Days { settled_on: day.parse().unwrap(), ..days() };
            check(SettlementKind::CreditNote, Micros(100), &parts, &items, (&days, false))
        };
        let closed = on("2025-06-30").unwrap_err();
        assert!(closed.to_string().contains("date it 1 July 2025 or later"), "{closed}");
        assert_eq!(on("2025-07-01"), Ok(Micros::ZERO));
        assert_eq!(on("2025-08-05"), Err(Refused::Future));
    }
}
