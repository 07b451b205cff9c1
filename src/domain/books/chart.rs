//! The chart of accounts: under which number and name each account is shown and exported. What an account means stays
//! [`Account`]; a number is only how the general ledger calls it.

use std::collections::BTreeMap;

use crate::domain::field::{FieldErrors, require};
use crate::domain::ledger::Account;

/// Longest account number.
pub const NUMBER_CHARS_MAX: usize = 20;
/// Longest account name.
pub const NAME_CHARS_MAX: usize = 80;

/// How an account is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// Its number in the general ledger.
    pub number: String,
    /// Its name there.
    pub name: String,
}

impl Called {
    /// As the sub-ledger itself calls it.
    #[must_use]
    pub fn usual(account: Account) -> Self {
        Self { number: account.code().to_owned(), name: account.label().to_owned() }
    }

    /// What is wrong with it, by the fields `number` and `name`.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/' | '_');
        let number = self.number.chars().count();
        require(
            &mut errors,
            (1..=NUMBER_CHARS_MAX).contains(&number) && self.number.chars().all(plain),
            "number",
            "write 1 to 20 letters, digits, dots, dashes or slashes, as the general ledger has it",
        );
        let name = self.name.trim().chars().count();
        require(
            &mut errors,
            (1..=NAME_CHARS_MAX).contains(&name) && !self.name.chars().any(char::is_control),
            "name",
            "write 1 to 80 characters in one line",
        );
        errors
    }
}

/// How all accounts are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart(BTreeMap<Account, Called>);

impl Chart {
    /// The chart in which these are called otherwise than usual.
    #[must_use]
    pub fn of(set: BTreeMap<Account, Called>) -> Self {
        Self(set)
    }

    /// How one is called.
    #[must_use]
    pub fn called(&self, account: Account) -> Called {
        self.0.get(&account).cloned().unwrap_or_else(|| Called::usual(account))
    }

    /// Its number.
    #[must_use]
    pub fn number(&self, account: Account) -> String {
        self.0.get(&account).map_or_else(|| account.code().to_owned(), |called| called.number.clone())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self, account: Account) -> String {
        self.0.get(&account).map_or_else(|| account.label().to_owned(), |called| called.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_called_as_set_or_as_usual() {
        let called = Called { number: "0041-1410.02".to_owned(), name: "Carrier claims".to_owned() };
        assert_eq!(called.problems(), []);
        let chart = Chart::of([(Account::CreditAccrued, called)].into());
        assert_eq!(chart.number(Account::CreditAccrued), "0041-1410.02");
        assert_eq!(
            (chart.number(Account::CreditAssessed), chart.name(Account::CreditAssessed)),
            ("1420".to_owned(), "Service credits assessed".to_owned())
        );
        for (number, name) in [("", "a"), ("14 10", "a"), ("1410;", "a"), ("1410", " "), ("1410", "a\nb")] {
            let wrong = Called { number: number.to_owned(), name: name.to_owned() };
            assert_eq!(wrong.problems().len(), 1, "{wrong:?}");
        }
    }
}
