//! The rate tables of a contract version to look through.

use chrono::NaiveDate;

use super::rate_sheet::sheet_leaves_out;
use crate::db::contract::{contract_show, terms_load, version_list};
use crate::db::rate::table_cells;
use crate::db::{Db, DbError};
use crate::domain::contract::ContractVersionStatus;
use crate::domain::rate::view::{TableRow, TableSearch, table_rows};
use crate::domain::rate::{Lane, RateLine};
use crate::domain::viewer::Viewer;

/// Rates of one table a page looks through; a larger one is for a download.
pub const TABLE_RATES_MAX: usize = 200_000;

/// The rate lines of a version, and one of them opened.
#[derive(Clone, Debug)]
pub struct RateTables {
    /// Contract number.
    pub number: String,
    /// Version number.
    pub version_no: i32,
    /// Currency of the contract.
    pub currency: String,
    /// Whether the version is a draft, whose rates may change.
    pub is_draft: bool,
    /// Its lanes.
    pub lanes: Vec<Lane>,
    /// Lines without cells, and how many cells each has.
    pub lines: Vec<(RateLine, usize)>,
    /// What a sheet of them, or of the one looked at, leaves out.
    pub left_out: Vec<String>,
    /// The one looked at.
    pub opened: Option<OpenedTable>,
}

/// One table.
#[derive(Clone, Debug)]
pub struct OpenedTable {
    /// Place in the lines.
    pub at: usize,
    /// What was found; none where there are more than [`TABLE_RATES_MAX`] rates.
    pub rows: Option<Vec<TableRow>>,
}

/// Which line of a version: its code, and its first day where several have the code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineAsked {
    /// Its code.
    pub code: String,
    /// Its first day.
    pub from: Option<NaiveDate>,
}

/// Row id of a version by its number; none when there is none or the viewer may not see it.
///
/// # Errors
/// The database's reason.
pub fn version_id_of(
    db: &mut Db,
    viewer: &Viewer,
    contract_id: i64,
    version_no: i32,
) -> Result<Option<i64>, DbError> {
    let Some(contract) = contract_show(db, viewer, contract_id)? else { return Ok(None) };
    let versions = version_list(db, viewer, contract.id)?;
    Ok(versions.into_iter().find(|version| version.version == version_no).map(|version| version.id))
}

/// The lines of a version and the one asked for, or the only one there is; none when the viewer may not see it.
///
/// # Errors
/// The database's reason.
pub fn rate_tables(
    db: &mut Db,
    viewer: &Viewer,
    version_id: i64,
    asked: Option<&LineAsked>,
    search: &str,
) -> Result<Option<RateTables>, DbError> {
    let Some(terms) = terms_load(db, viewer, version_id)? else { return Ok(None) };
    let (lines, tables) = (&terms.pricing.terms.lines, &terms.pricing.tables);
    let at = match asked {
        Some(asked) => {
            let of_code = |line: &RateLine| line.code == asked.code;
            let exact = lines.iter().position(|line| of_code(line) && line.valid_from == asked.from);
            exact.or_else(|| lines.iter().rposition(of_code))
        }
        None => (lines.len() == 1).then_some(0),
    };
    let mut opened = None;
    if let Some((at, (line, seal))) = at.and_then(|at| Some((at, (lines.get(at)?, tables.get(at)?)))) {
        let rows = if seal.cells > TABLE_RATES_MAX {
            None
        } else {
            let cells = table_cells(db, viewer, terms.partner_id, seal)?;
            Some(table_rows(line, &cells, &TableSearch::read(search)))
        };
        opened = Some(OpenedTable { at, rows });
    }
    let code = opened.as_ref().and_then(|one| lines.get(one.at)).map(|line| line.code.as_str());
    Ok(Some(RateTables {
        left_out: sheet_leaves_out(&terms, code),
        number: terms.number.clone(),
        version_no: terms.version_no,
        currency: terms.currency.code().to_owned(),
        is_draft: terms.status == ContractVersionStatus::Draft,
        lanes: terms.pricing.terms.lanes.clone(),
        lines: lines.iter().zip(tables).map(|(line, seal)| (line.head(), seal.cells)).collect(),
        opened,
    }))
}
