//! How a rate line rates, as texts under fixed names: the columns a rate sheet has beside its prices, so that a sheet
//! prices the same in another contract. What is written reads back.

use std::fmt::Display;
use std::str::FromStr;

use super::super::{AboveRate, AbsoluteMinimum, RateLine};
use super::kinds::or_empty;
use super::read::{number, plain, share, share_text};
use crate::domain::money::Micros;

/// The names, in the order of a sheet; those of a mapping's `[rates]` where it has them too.
pub const HEAD_FIELDS: [&str; 13] = [
    "charge",
    "basis",
    "unit",
    "columns_by",
    "edges",
    "overlaps",
    "gaps",
    "rated_by",
    "discount_percent",
    "minimum",
    "maximum",
    "absolute_minimum",
    "above_rates",
];
/// Between the rates of `above_rates`: `2: 0.75 | 3: 0.80`.
const BETWEEN: char = '|';

/// The texts of a line, in the order of [`HEAD_FIELDS`]; empty where there is nothing.
#[must_use]
pub fn head_write(line: &RateLine) -> [String; HEAD_FIELDS.len()] {
    let column = |at: u16| line.columns.get(usize::from(at)).map_or("", String::as_str);
    let floor = line.absolute_min.map(|floor| match floor {
        AbsoluteMinimum::Amount { amount } => amount.to_string(),
        AbsoluteMinimum::CellLess { column: at, first, reduction } => {
            format!("{} at {} less {reduction}", column(at), plain(first)).trim_start().to_owned()
        }
    });
    let above = line.above.iter().map(|row| format!("{}: {}", column(row.column), plain(row.rate)));
    [
        line.charge.clone(),
        line.basis.to_string(),
        or_empty(line.unit),
        line.columns_by.to_string(),
        line.edges.to_string(),
        line.overlaps.to_string(),
        line.gaps.to_string(),
        line.rated_by.to_string(),
        share_text(line.discount),
        or_empty(line.min),
        or_empty(line.max),
        floor.unwrap_or_default(),
        above.collect::<Vec<_>>().join(&format!(" {BETWEEN} ")),
    ]
}

/// Sets what `name` says in `text`; an empty text says nothing. Columns are found by their names, so the line has
/// them already.
///
/// # Errors
/// What is wrong with the text, and what to write.
pub fn head_set(line: &mut RateLine, name: &str, text: &str) -> Result<(), String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(());
    }
    match name {
        "charge" => text.clone_into(&mut line.charge),
        "basis" => line.basis = code(text)?,
        "unit" => line.unit = Some(code(text)?),
        "columns_by" => line.columns_by = code(text)?,
        "edges" => line.edges = code(text)?,
        "overlaps" => line.overlaps = code(text)?,
        "gaps" => line.gaps = code(text)?,
        "rated_by" => line.rated_by = code(text)?,
        "discount_percent" => {
            line.discount =
                share(text).ok_or("is not a percentage such as 62, with two decimals at most".to_owned())?;
        }
        "minimum" => line.min = Some(amount(text)?),
        "maximum" => line.max = Some(amount(text)?),
        "absolute_minimum" => line.absolute_min = Some(floor(line, text)?),
        "above_rates" => line.above = above(line, text)?,
        _ => {}
    }
    Ok(())
}

/// Whether `name` can be read only once the columns of the line are known.
#[must_use]
pub fn head_needs_columns(name: &str) -> bool {
    matches!(name, "absolute_minimum" | "above_rates")
}

fn code<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.to_ascii_uppercase().parse().map_err(|error: T::Err| error.to_string())
}

fn amount(text: &str) -> Result<Micros, String> {
    number(text).ok_or_else(|| "is not an amount such as 95.00, with six decimals at most".to_owned())
}

fn column(line: &RateLine, name: &str) -> Result<u16, String> {
    let name = name.trim();
    let at = match name {
        "" if line.columns.is_empty() => Some(0),
        _ => line.columns.iter().position(|own| own.eq_ignore_ascii_case(name)),
    };
    at.and_then(|at| u16::try_from(at).ok())
        .ok_or_else(|| format!("names the column `{name}`, and line {} has no price in it", line.code))
}

/// `95.00`, or `2 at 1 less 2.00`: the cell of column 2 at 1 less an amount.
fn floor(line: &RateLine, text: &str) -> Result<AbsoluteMinimum, String> {
    if let Some(amount) = number(text) {
        return Ok(AbsoluteMinimum::Amount { amount });
    }
    let bad = || "is neither an amount such as 95.00 nor a cell such as 2 at 1 less 2.00".to_owned();
    let (cell, reduction) = text.rsplit_once(" less ").ok_or_else(bad)?;
    let named = cell.rsplit_once(" at ");
    let (name, first) = named.or_else(|| Some(("", cell.strip_prefix("at ")?))).ok_or_else(bad)?;
    let numbers = number(first.trim()).zip(number(reduction.trim()));
    let (first, reduction) = numbers.ok_or_else(bad)?;
    Ok(AbsoluteMinimum::CellLess { column: column(line, name)?, first, reduction })
}

fn above(line: &RateLine, text: &str) -> Result<Vec<AboveRate>, String> {
    let one = |part: &str| {
        let (name, rate) =
            part.rsplit_once(':').and_then(|(name, rate)| Some((name, number(rate.trim())?))).ok_or_else(
                || format!("`{}` is no rate above the table; write 2: 0.75 | 3: 0.80", part.trim()),
            )?;
        Ok(AboveRate { column: column(line, name)?, rate })
    };
    text.split(BETWEEN).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::RateBasis;
    use super::super::super::tests::samples::{ltl, micros};
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut line = ltl();
        line.columns = ["2", "at 3", "a: b"].map(str::to_owned).to_vec();
        line.above = vec![
            AboveRate { column: 1, rate: micros("0.75") },
            AboveRate { column: 2, rate: micros("0.000001") },
        ];
        for floor in [
            None,
            Some(AbsoluteMinimum::Amount { amount: micros("95") }),
            Some(AbsoluteMinimum::CellLess { column: 1, first: micros("1"), reduction: micros("2") }),
        ] {
            line.absolute_min = floor;
            let mut back = RateLine::new(&line.code, &line.label, RateBasis::Flat);
            (back.columns, back.cells) = (line.columns.clone(), line.cells.clone());
            (back.first, back.second) = (line.first, line.second);
            for (name, text) in HEAD_FIELDS.into_iter().zip(head_write(&line)) {
                head_set(&mut back, name, &text).unwrap();
            }
            assert_eq!(back, line);
        }
    }

    #[test]
    fn what_does_not_read_is_told() {
        let mut line = ltl();
        for (name, text, told) in [
            ("basis", "PER_STONE", "is not a rate basis"),
            ("discount_percent", "62.123", "is not a percentage"),
            ("minimum", "ninety", "is not an amount"),
            ("absolute_minimum", "zone 9", "is neither an amount"),
            ("absolute_minimum", "9 at 1 less 2", "names the column `9`"),
            ("above_rates", "much", "is no rate above the table"),
        ] {
            let said = head_set(&mut line, name, text).unwrap_err();
            assert!(said.contains(told), "{name}: {said}");
        }
        assert_eq!(line, ltl());
    }
}
