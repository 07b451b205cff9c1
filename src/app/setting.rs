//! What an installation is set to: its zone, its currency, its name, its policies.

use std::str::FromStr;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::App;
use super::accrual::RECOGNITION_POLICY;
use super::audit::{Entry, audit};
use super::beside::{SAFETY_POLICY, SUPPORT_HOURS, judged_by_mark};
use super::dispute::{FINANCIAL_HOLIDAYS, WAIVER_LIMIT, WAIVER_LIMIT_DEFAULT, holidays};
use super::edit::{EditError, allowed};
use super::invoice::release::{RELEASE_LIMIT, RELEASE_LIMIT_DEFAULT};
use super::plan::{POLICY_SETTING, PlanPolicy};
use super::review::ORGANISATION;
use crate::db::books::close_list;
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::setting::{
    BOOKS_CLOSED_THROUGH, REPORTING_CURRENCY, REPORTING_ZONE, limit_of, setting, setting_set,
};
use crate::db::shipment::any_facts;
use crate::db::{Db, DbError};
use crate::domain::beside::{SafetyPolicy, SupportHours};
use crate::domain::currency::Currency;
use crate::domain::holiday::{NO_HOLIDAYS, listed};
use crate::domain::ledger::RecognitionPolicy;
use crate::domain::viewer::{Action, Viewer};

/// Longest name of the shipper.
const ORGANISATION_CHARS_MAX: usize = 120;

/// One thing that can be set.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in the database and on the command line.
    pub key: &'static str,
    /// What it is, for whoever sets it.
    pub about: &'static str,
    /// What holds while it was never set.
    pub default: &'static str,
    check: fn(&str) -> Result<(), String>,
}

/// Everything that can be set.
pub const SETTINGS: [Setting; 11] = [
    Setting {
        key: REPORTING_ZONE,
        about: "the zone in which days and periods begin and jobs are due, such as America/Chicago",
        default: "UTC",
        check: |text| reads::<Tz>(text, "is no zone; write one such as America/Chicago"),
    },
    Setting {
        key: REPORTING_CURRENCY,
        about: "the currency in which amounts are kept; fixed once facts are in",
        default: "USD",
        check: |text| reads::<Currency>(text, "is no currency of ISO 4217; write three capitals such as EUR"),
    },
    Setting {
        key: ORGANISATION,
        about: "the shipper's name as mails sign it",
        default: "your shipper",
        check: |text| match text.chars().count() {
            1..=ORGANISATION_CHARS_MAX if text.chars().all(|c| !c.is_control()) => Ok(()),
            _ => Err(format!("a name has 1 to {ORGANISATION_CHARS_MAX} characters in one line")),
        },
    },
    Setting {
        key: BOOKS_CLOSED_THROUGH,
        about: "the last day of the books closed elsewhere, until the first month is closed here; what comes later is posted after it",
        default: "none",
        check: |text| reads::<NaiveDate>(text, "is no day; write one such as 2026-06-30"),
    },
    Setting {
        key: RECOGNITION_POLICY,
        about: "MEMO_UNTIL_AGREED or ACCRUE_WHEN_PROBABLE: when a credit reaches the general ledger",
        default: "MEMO_UNTIL_AGREED",
        check: |text| {
            reads::<RecognitionPolicy>(text, "is neither MEMO_UNTIL_AGREED nor ACCRUE_WHEN_PROBABLE")
        },
    },
    Setting {
        key: POLICY_SETTING,
        about: "what the capacity plan assumes, as JSON; what it does not name keeps its default",
        default: "{}",
        check: |text| serde_json::from_str::<PlanPolicy>(text).map(|_| ()).map_err(|error| error.to_string()),
    },
    Setting {
        key: SUPPORT_HOURS,
        about: "the hours, Monday to Friday, in which the clock of a case runs, such as 08:00-18:00",
        default: "08:00-18:00",
        check: |text| text.parse::<SupportHours>().map(|_| ()).map_err(|error| error.to_string()),
    },
    Setting {
        key: SAFETY_POLICY,
        about: "what carriers must hold and reach to pass the safety gate, as JSON; what it does not name keeps its default",
        default: "{}",
        check: |text| {
            serde_json::from_str::<SafetyPolicy>(text)
                .map_err(|error| error.to_string())
                .and_then(|policy| policy.check())
        },
    },
    Setting {
        key: WAIVER_LIMIT,
        about: "what one decision on a dispute may give up without a controller, such as 250.00",
        default: WAIVER_LIMIT_DEFAULT,
        check: |text| limit_of(text, WAIVER_LIMIT_DEFAULT).map(|_| ()),
    },
    Setting {
        key: RELEASE_LIMIT,
        about: "what one person of finance may release of an invoice on hold, in its currency, such as 1000.00",
        default: RELEASE_LIMIT_DEFAULT,
        check: |text| limit_of(text, RELEASE_LIMIT_DEFAULT).map(|_| ()),
    },
    Setting {
        key: FINANCIAL_HOLIDAYS,
        about: "holidays that deadlines of assessed items skip, such as `2026-12-25 Christmas Day; 2027-01-01 New Year's Day`; what began before a change keeps its day",
        default: NO_HOLIDAYS,
        check: |text| listed(text).map(|_| ()).map_err(|error| error.to_string()),
    },
];

fn reads<T: FromStr>(text: &str, otherwise: &str) -> Result<(), String> {
    text.parse::<T>().map(|_| ()).map_err(|_| format!("`{text}` {otherwise}"))
}

/// Why a setting was not made.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// There is none of this name.
    #[error("there is no setting `{0}`; `lanemark setting list` names them")]
    Unknown(String),
    /// The value does not read.
    #[error("{key}: {reason}")]
    Value {
        /// Which setting.
        key: &'static str,
        /// What is wrong with the value.
        reason: String,
    },
    /// Amounts are stored in the old one.
    #[error(
        "amounts are kept in {0} and facts are stored already; a database keeps one currency, so start a new one"
    )]
    CurrencyInUse(String),
    /// Months are closed here.
    #[error(
        "months are closed here already; close the next one with `lanemark close MONTH` or on the page of the close"
    )]
    BooksKept,
    /// The database did not do it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<diesel::result::Error> for SettingError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Every setting and its value; none where it was never set.
///
/// # Errors
/// The engine's reason.
pub fn setting_list(db: &mut Db) -> Result<Vec<(Setting, Option<String>)>, DbError> {
    let mut list = Vec::with_capacity(SETTINGS.len());
    for one in SETTINGS {
        let mut value = setting(db, one.key)?;
        // Kept with the days on which each was put on the list and taken off; shown as it is written.
        if one.key == FINANCIAL_HOLIDAYS && value.is_some() {
            value = Some(holidays(db)?.words());
        }
        list.push((one, value));
    }
    Ok(list)
}

/// Sets `key`, with a line in the audit log. The same value again changes nothing.
///
/// # Errors
/// [`SettingError`]; then nothing was changed.
pub fn setting_change(
    app: &App,
    db: &mut Db,
    by: &Viewer,
    key: &str,
    value: &str,
) -> Result<(), SettingError> {
    let one =
        SETTINGS.iter().find(|one| one.key == key).ok_or_else(|| SettingError::Unknown(key.to_owned()))?;
    let value = value.trim();
    (one.check)(value).map_err(|reason| SettingError::Value { key: one.key, reason })?;
    write_tx(db, |db| {
        if key == FINANCIAL_HOLIDAYS {
            transaction_lock(db, FINANCIAL_HOLIDAYS)?;
            return holidays_change(app, db, by, value);
        }
        let old = setting(db, key)?;
        let before = old.as_deref().unwrap_or(one.default);
        if old.as_deref() == Some(value) {
            return Ok(());
        }
        if key == REPORTING_CURRENCY && before != value && any_facts(db)? {
            return Err(SettingError::CurrencyInUse(before.to_owned()));
        }
        if key == BOOKS_CLOSED_THROUGH && !close_list(db)?.is_empty() {
            return Err(SettingError::BooksKept);
        }
        setting_set(db, key, value)?;
        judged_by_mark(db, key)?;
        let detail = format!("{before} → {value}");
        let entry = Entry { action: "setting.change", subject: key, partner_id: None, detail: &detail };
        Ok(audit(app, db, by, entry)?)
    })
}

/// Writes the list of holidays anew for whoever has the second word about money; `seen` is the list as it was, in
/// [`Holidays::words`](crate::domain::holiday::Holidays::words).
///
/// # Errors
/// [`EditError::Denied`], [`EditError::Stale`], [`EditError::Invalid`] for the field `holidays`, or the database's reason;
/// then nothing was changed.
pub fn holidays_set(
    app: &App,
    db: &mut Db,
    by: &Viewer,
    (seen, text): (&str, &str),
) -> Result<(), EditError> {
    allowed(by, Action::ApproveMoney)?;
    if text.trim().is_empty() {
        let words = format!("write one holiday a line, or the word {NO_HOLIDAYS} where there is none");
        return Err(EditError::field("holidays", &words));
    }
    write_tx(db, |db| {
        transaction_lock(db, FINANCIAL_HOLIDAYS)?;
        if holidays(db)?.words() != seen {
            return Err(EditError::Stale("list of holidays"));
        }
        holidays_change(app, db, by, text.trim()).map_err(|error| match error {
            SettingError::Value { reason, .. } => EditError::field("holidays", &reason),
            SettingError::Db(error) => error.into(),
            other => EditError::field("holidays", &other.to_string()),
        })
    })
}

/// Writes the list of holidays anew. Which day was on it when is kept: deadlines that began keep what they were counted by.
fn holidays_change(app: &App, db: &mut Db, by: &Viewer, value: &str) -> Result<(), SettingError> {
    let bad = |error: crate::domain::holiday::BadHolidays| SettingError::Value {
        key: FINANCIAL_HOLIDAYS,
        reason: error.to_string(),
    };
    let wanted = listed(value).map_err(bad)?;
    let old = holidays(db)?;
    let today = app.today(db)?;
    let new = old.as_ref().clone().changed(&wanted, today).map_err(bad)?;
    if new == *old {
        return Ok(());
    }
    setting_set(db, FINANCIAL_HOLIDAYS, &new.to_json().map_err(bad)?)?;
    let detail = format!("{} → {}", old.words(), new.words());
    let entry =
        Entry { action: "setting.change", subject: FINANCIAL_HOLIDAYS, partner_id: None, detail: &detail };
    Ok(audit(app, db, by, entry)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::{on_each_engine, viewer};
    use crate::clock::Clock;
    use crate::domain::viewer::Role;

    #[test]
    fn a_controller_writes_the_list_of_holidays() {
        on_each_engine("2025-07-08T06:10:00Z", |app| {
            let db = &mut app.pool.get().unwrap();
            let mut set = |by: Role, seen: &str, text: &str| {
                holidays_set(app, db, &viewer("K. Brandt", by), (seen, text))
            };
            for role in Role::ALL.into_iter().filter(|role| *role != Role::Controller) {
                let denied = set(role, NO_HOLIDAYS, "2025-12-25 Christmas Day");
                assert!(matches!(denied, Err(EditError::Denied { .. })), "{role}: {denied:?}");
            }
            let told = |result: Result<(), EditError>| match result {
                Err(EditError::Invalid(fields)) => fields.into_iter().next().unwrap(),
                other => panic!("{other:?}"),
            };
            let (field, words) = told(set(Role::Controller, NO_HOLIDAYS, " "));
            assert!(field == "holidays" && words.contains("the word none"), "{words}");
            let (_, words) =
                told(set(Role::Controller, NO_HOLIDAYS, "2025-12-25 Christmas Day\n26 Boxing Day"));
            assert!(words.starts_with("`26 Boxing Day` is no holiday"), "{words}");
            set(Role::Controller, NO_HOLIDAYS, "2025-12-25 Christmas Day\r\n2025-07-07 Works outing")
                .unwrap();
            let late = set(Role::Controller, NO_HOLIDAYS, "2025-12-26 Boxing Day");
            assert!(matches!(late, Err(EditError::Stale(_))), "{late:?}");
            let list = holidays(db).unwrap();
            assert_eq!(list.words(), "2025-07-07 Works outing; 2025-12-25 Christmas Day");
            let (lines, _) = crate::app::audit::audit_page(db, None).unwrap();
            assert_eq!(lines.len(), 1, "what was refused left nothing");
            assert_eq!((lines[0].actor.as_str(), lines[0].action.as_str()), ("K. Brandt", "setting.change"));
            assert_eq!(lines[0].detail, "none → 2025-07-07 Works outing; 2025-12-25 Christmas Day");
        });
    }

    #[test]
    fn a_setting_is_checked_and_noted() {
        let folder = tempfile::tempdir().unwrap();
        let pool = crate::db::DbUrl::Sqlite(folder.path().join("a.db")).open(2).unwrap();
        let app = App::new(pool, Clock::Fixed("2025-07-08T06:10:00Z".parse().unwrap()), "http://localhost");
        let mut db = app.pool.get().unwrap();
        let mut set = |key: &str, value: &str| {
            setting_change(&app, &mut db, &Viewer::system(), key, value).map_err(|error| error.to_string())
        };
        assert_eq!(set(REPORTING_ZONE, " America/Chicago "), Ok(()));
        assert_eq!(set(REPORTING_CURRENCY, "EUR"), Ok(()));
        assert_eq!(set(REPORTING_CURRENCY, "EUR"), Ok(()));
        assert!(set(REPORTING_ZONE, "Chicago").unwrap_err().contains("`Chicago` is no zone"));
        assert!(set(REPORTING_CURRENCY, "euro").unwrap_err().contains("three capitals"));
        assert!(set(BOOKS_CLOSED_THROUGH, "June").unwrap_err().contains("2026-06-30"));
        assert!(set(POLICY_SETTING, "{\"late\":1}").unwrap_err().starts_with("capacity_policy: "));
        assert!(set("zone", "UTC").unwrap_err().contains("setting list"));
        assert!(set(FINANCIAL_HOLIDAYS, "Christmas").unwrap_err().contains("2026-12-25 Christmas Day"));
        assert_eq!(set(FINANCIAL_HOLIDAYS, "2025-12-25 Christmas Day;"), Ok(()));
        assert_eq!(set(FINANCIAL_HOLIDAYS, "2025-12-25 Christmas Day"), Ok(()), "nothing new");
        let values: Vec<_> =
            setting_list(&mut db).unwrap().into_iter().filter_map(|(_, value)| value).collect();
        assert_eq!(values, ["America/Chicago", "EUR", "2025-12-25 Christmas Day"]);
        let (lines, _) = crate::app::audit::audit_page(&mut db, None).unwrap();
        assert_eq!(
            lines.iter().map(|line| line.detail.as_str()).collect::<Vec<_>>(),
            ["none → 2025-12-25 Christmas Day", "USD → EUR", "UTC → America/Chicago"]
        );
    }
}
