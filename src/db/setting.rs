//! Settings of the installation: the reporting zone and currency, the demo's day.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::dialect::BothExt;
use super::schema::settings;
use crate::domain::money::Micros;
use crate::domain::outcome::local_day;

/// Zone in which periods are reported.
pub const REPORTING_ZONE: &str = "reporting_zone";
/// Currency in which amounts are kept.
pub const REPORTING_CURRENCY: &str = "reporting_currency";
/// Last day of the books that was closed elsewhere, before months are closed here.
pub const BOOKS_CLOSED_THROUGH: &str = "books_closed_through";

/// A setting, if it was ever made.
///
/// # Errors
/// The engine's reason.
pub fn setting(db: &mut Db, key: &str) -> QueryResult<Option<String>> {
    settings::table.find(key).select(settings::value).first(db).optional()
}

/// Reads a limit of money, of 0 or more; `example` is one as it is written.
///
/// # Errors
/// What is wrong with the text.
pub fn limit_of(text: &str, example: &str) -> Result<Micros, String> {
    let value = text.parse().ok().and_then(|value| Micros::from_decimal(value).ok());
    value
        .filter(|limit| *limit >= Micros::ZERO)
        .ok_or_else(|| format!("`{text}` is no amount of 0 or more; write one such as {example}"))
}

/// The limit of money that is set, or `default`.
///
/// # Errors
/// The engine's reason, or a setting that does not read back.
pub fn limit(db: &mut Db, key: &str, default: &str) -> Result<Micros, DbError> {
    let text = setting(db, key)?.unwrap_or_else(|| default.to_owned());
    limit_of(&text, default).map_err(|reason| DbError::Stored { what: format!("setting `{key}`"), reason })
}

/// Makes or changes a setting.
///
/// # Errors
/// The engine's reason.
pub fn setting_set(db: &mut Db, key: &str, value: &str) -> QueryResult<()> {
    diesel::insert_into(settings::table)
        .values((settings::key.eq(key), settings::value.eq(value)))
        .on_conflict(settings::key)
        .do_update()
        .set(settings::value.eq(value))
        .both()
        .execute(db)?;
    Ok(())
}

/// The currency in which amounts are kept; USD until set.
///
/// # Errors
/// The engine's reason.
pub fn reporting_currency(db: &mut Db) -> QueryResult<String> {
    Ok(setting(db, REPORTING_CURRENCY)?.unwrap_or_else(|| "USD".to_owned()))
}

/// The zone in which periods are reported; UTC until set.
///
/// # Errors
/// The engine's reason, or a stored name that is no zone.
pub fn reporting_zone(db: &mut Db) -> Result<Tz, DbError> {
    zone_of(setting(db, REPORTING_ZONE)?.as_deref())
}

/// The zone that the setting [`REPORTING_ZONE`] names; UTC where it was never made.
///
/// # Errors
/// A stored name that is no zone.
pub fn zone_of(name: Option<&str>) -> Result<Tz, DbError> {
    let Some(name) = name else { return Ok(Tz::UTC) };
    name.parse().map_err(|_| DbError::Stored {
        what: format!("the setting {REPORTING_ZONE}"),
        reason: format!("`{name}` is no zone"),
    })
}

/// The day that `at` is in the reporting zone.
///
/// # Errors
/// As [`reporting_zone`].
pub fn reporting_day(db: &mut Db, at: DateTime<Utc>) -> Result<NaiveDate, DbError> {
    Ok(local_day(at, reporting_zone(db)?))
}

/// Makes a setting unless it was made before, and returns the value it has then: two nodes that start
/// at once agree.
///
/// # Errors
/// The engine's reason.
pub fn setting_get_or_set(db: &mut Db, key: &str, value: &str) -> QueryResult<String> {
    diesel::insert_into(settings::table)
        .values((settings::key.eq(key), settings::value.eq(value)))
        .on_conflict(settings::key)
        .do_nothing()
        .both()
        .execute(db)?;
    settings::table.find(key).select(settings::value).first(db)
}
