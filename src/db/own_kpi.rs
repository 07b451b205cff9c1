//! The KPIs that the shipper defines by a formula. Rows are only added: one a version.

use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::schema::own_kpis;
use super::types::Instant;
use crate::domain::field::BadCode;
use crate::domain::formula::{OwnKpi, better_from_code, volume_from_code};

/// One version of an own KPI, with who made it when.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = own_kpis)]
pub struct OwnKpiRow {
    /// Its code.
    pub code: String,
    /// 1 for the first, one more for each after it.
    pub version: i32,
    /// Name for people.
    pub name: String,
    /// Code of the unit.
    pub unit: String,
    /// `HIGHER` or `LOWER`.
    pub better: String,
    /// The formula as it was written.
    pub formula: String,
    /// What counts, in words.
    pub rules: String,
    /// Kind of minimum volume.
    pub volume: String,
    /// Not used any more from this version on.
    pub retired: bool,
    /// Who.
    pub created_by: String,
    /// Their user id; 0 for the command line.
    pub created_by_id: i64,
    /// When.
    pub created_at: Instant,
}

impl OwnKpiRow {
    /// The definition in it.
    ///
    /// # Errors
    /// [`DbError::Stored`] for a row that does not read back.
    pub fn kpi(&self) -> Result<OwnKpi, DbError> {
        let stored = |reason: String| DbError::Stored {
            what: format!("version {} of the own KPI {}", self.version, self.code),
            reason,
        };
        let unknown = |what: &str, code: &str| stored(format!("`{code}` is no {what}"));
        Ok(OwnKpi {
            code: self.code.clone(),
            version: self.version,
            name: self.name.clone(),
            unit: self.unit.parse().map_err(|error: BadCode| stored(error.to_string()))?,
            better: better_from_code(&self.better).ok_or_else(|| unknown("direction", &self.better))?,
            formula: self.formula.clone(),
            rules: self.rules.clone(),
            volume: volume_from_code(&self.volume).ok_or_else(|| unknown("kind of volume", &self.volume))?,
            retired: self.retired,
        })
    }
}

/// Adds a version; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn own_kpi_insert(db: &mut Db, row: &OwnKpiRow) -> QueryResult<()> {
    diesel::insert_into(own_kpis::table).values(row).execute(db).map(drop)
}

/// Every version of one, the newest first. A definition is no partner's data.
///
/// # Errors
/// The engine's reason.
pub fn own_kpi_history(db: &mut Db, code: &str) -> QueryResult<Vec<OwnKpiRow>> {
    own_kpis::table
        .filter(own_kpis::code.eq(code))
        .order(own_kpis::version.desc())
        .select(OwnKpiRow::as_select())
        .load(db)
}

/// Every version of all, by code, the oldest first.
///
/// # Errors
/// The engine's reason.
pub fn own_kpi_rows(db: &mut Db) -> QueryResult<Vec<OwnKpiRow>> {
    own_kpis::table.order((own_kpis::code, own_kpis::version)).select(OwnKpiRow::as_select()).load(db)
}
