//! A rate table from rows as people send them: one price a row, with its own currency and names.

use super::{Band, Cell, Currency, Micros, Problems, RateLine, TermProblem};

/// One price as a file or form has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateRow {
    /// Class or zone; empty when the table has one column only.
    pub column: String,
    /// Band of the first axis.
    pub first: Band,
    /// Band of the second axis.
    pub second: Band,
    /// The rate.
    pub rate: Micros,
    /// The rate before, for a price cap.
    pub prior: Option<Micros>,
    /// Least charge.
    pub min: Option<Micros>,
    /// Currency, where the row names one.
    pub currency: Option<Currency>,
}

/// Fills `line` with the rows: columns in the order they first appear, the one currency all rows name.
///
/// # Errors
/// Rows that name another currency than the rows before them; the line is left as it was.
pub fn cells_from_rows(line: &mut RateLine, rows: &[RateRow]) -> Result<(), Vec<TermProblem>> {
    let mut problems = Problems::default();
    let mut columns: Vec<String> = Vec::new();
    let mut index = std::collections::BTreeMap::new();
    let mut currency: Option<(Currency, usize)> = None;
    let mut cells = Vec::with_capacity(rows.len());
    for (row, number) in rows.iter().zip(1_usize..) {
        let at = || format!("rate line {}, row {number}", line.code);
        match (currency, row.currency) {
            (Some((first, of)), Some(own)) if own != first => {
                problems.say(at, || {
                    format!("is in {own}, row {of} in {first}; a table has one currency, so split it")
                });
            }
            (None, Some(own)) => currency = Some((own, number)),
            _ => {}
        }
        let name = row.column.trim();
        let column = if name.is_empty() {
            0
        } else {
            *index.entry(name.to_ascii_uppercase()).or_insert_with(|| {
                columns.push(name.to_owned());
                columns.len() - 1
            })
        };
        if name.is_empty() && !columns.is_empty() {
            problems.say(at, || "names no column, though rows before it do".to_owned());
        }
        let Ok(column) = u16::try_from(column) else {
            problems.say(at, || "is of too many columns; split the table".to_owned());
            continue;
        };
        cells.push(Cell {
            column,
            first: row.first,
            second: row.second,
            rate: row.rate,
            prior: row.prior,
            min: row.min,
        });
    }
    if !problems.0.is_empty() {
        return Err(problems.0);
    }
    line.columns = columns;
    line.cells = cells;
    line.currency = currency.map(|(currency, _)| currency).or(line.currency);
    Ok(())
}
