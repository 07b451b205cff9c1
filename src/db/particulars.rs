//! What a price may depend on of a shipment beyond its wide row: a row beside the shipment where its feed says anything
//! of it, stored as the shipments are.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;

use super::DbError;
use super::conn::Db;
use super::fact::rows_of_shipments;
use super::fold::ShipmentKey;
use super::schema::shipment_particulars;
use super::types::Day;
use crate::bulk_insert;
use crate::domain::field::BadCode;
use crate::domain::money::Micros;
use crate::domain::quantity::LengthUnit;
use crate::domain::rate::Particulars;
use crate::domain::viewer::Viewer;

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Insertable, Queryable, Selectable, Serialize)]
#[diesel(table_name = shipment_particulars, treat_none_as_default_value = false)]
pub struct ParticularsRow {
    /// The day its shipment is stored under.
    pub obligation_day: Day,
    /// Who carries the shipment.
    pub partner_id: i64,
    /// The shipment.
    pub shipment_id: i64,
    /// Day of the order.
    pub ordered_on: Option<Day>,
    /// Day of the invoice.
    pub invoiced_on: Option<Day>,
    /// Freight class.
    pub freight_class: Option<String>,
    /// Length of one piece, in millionths of `length_unit`.
    pub length_micros: Option<i64>,
    /// Width of one piece, likewise.
    pub width_micros: Option<i64>,
    /// Height of one piece, likewise.
    pub height_micros: Option<i64>,
    /// Unit of the sides, where there are any.
    pub length_unit: Option<String>,
    /// Volume in millionths of a cubic metre.
    pub volume_micros: Option<i64>,
    /// Millionths of a pallet.
    pub pallets_micros: Option<i64>,
    /// Millionths of a loading metre.
    pub loading_metres_micros: Option<i64>,
    /// Value of the goods in millionths of the contract's currency.
    pub value_micros: Option<i64>,
    /// What it is flagged with, separated by `|`.
    pub flags: Option<String>,
}

/// Rows of one day by partner and shipment.
pub type ParticularsOfDay = HashMap<(i64, i64), Particulars>;

impl ParticularsRow {
    /// The row of a shipment that is stored under `key`.
    #[must_use]
    pub fn of((obligation_day, partner_id, shipment_id): ShipmentKey, said: &Particulars) -> Self {
        let amount = |amount: Option<Micros>| amount.map(|amount| amount.0);
        let text = |text: String| (!text.is_empty()).then_some(text);
        let [length, width, height] = match said.sides {
            Some(sides) => sides.map(Some),
            None => [None; 3],
        };
        Self {
            obligation_day,
            partner_id,
            shipment_id,
            ordered_on: said.ordered.map(Day),
            invoiced_on: said.invoiced.map(Day),
            freight_class: text(said.class.clone()),
            length_micros: amount(length),
            width_micros: amount(width),
            height_micros: amount(height),
            length_unit: said.sides.map(|_| said.length_unit.code().to_owned()),
            volume_micros: amount(said.volume_m3),
            pallets_micros: amount(said.pallets),
            loading_metres_micros: amount(said.loading_metres),
            value_micros: amount(said.value),
            flags: text(said.flags_text()),
        }
    }

    /// What it says.
    ///
    /// # Errors
    /// [`DbError::Stored`] for a unit that is none.
    pub fn read(self) -> Result<Particulars, DbError> {
        let unit = self.length_unit.as_deref().map(str::parse::<LengthUnit>).transpose();
        let unit = unit.map_err(|error: BadCode| DbError::Stored {
            what: format!("the particulars of shipment {} of partner {}", self.shipment_id, self.partner_id),
            reason: error.to_string(),
        })?;
        let amount = |amount: Option<i64>| amount.map(Micros);
        let sides = match [self.length_micros, self.width_micros, self.height_micros] {
            [Some(length), Some(width), Some(height)] => Some([length, width, height].map(Micros)),
            _ => None,
        };
        Ok(Particulars {
            ordered: self.ordered_on.map(|day| day.0),
            invoiced: self.invoiced_on.map(|day| day.0),
            class: self.freight_class.unwrap_or_default(),
            sides,
            length_unit: unit.unwrap_or(LengthUnit::In),
            volume_m3: amount(self.volume_micros),
            pallets: amount(self.pallets_micros),
            loading_metres: amount(self.loading_metres_micros),
            value: amount(self.value_micros),
            flags: self.flags.as_deref().map(Particulars::flags_in).unwrap_or_default(),
        })
    }
}

/// Stores rows.
///
/// # Errors
/// The engine's reason.
pub fn particulars_insert(db: &mut Db, rows: &[ParticularsRow]) -> QueryResult<usize> {
    bulk_insert!(db, shipment_particulars::table, rows)
}

/// Removes the row of a shipment, if it has one: its facts are about to be replaced.
///
/// # Errors
/// The engine's reason.
pub fn particulars_delete(db: &mut Db, key: ShipmentKey) -> QueryResult<()> {
    diesel::delete(shipment_particulars::table.find(key)).execute(db)?;
    Ok(())
}

/// Whether any shipment has a row: where none has, nobody needs to look for one.
///
/// # Errors
/// The engine's reason.
pub fn any_particulars(db: &mut Db) -> QueryResult<bool> {
    let any: Option<i64> =
        shipment_particulars::table.select(shipment_particulars::shipment_id).first(db).optional()?;
    Ok(any.is_some())
}

/// What is said of the shipments of some partners due on a day.
///
/// Unscoped: whoever reads the shipments names the partners they may read.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn particulars_of_day_unscoped(
    db: &mut Db,
    partners: &[i64],
    day: NaiveDate,
) -> Result<ParticularsOfDay, DbError> {
    let rows: Vec<ParticularsRow> = shipment_particulars::table
        .filter(shipment_particulars::obligation_day.eq(Day(day)))
        .filter(shipment_particulars::partner_id.eq_any(partners))
        .select(ParticularsRow::as_select())
        .load(db)?;
    rows.into_iter().map(|row| Ok(((row.partner_id, row.shipment_id), row.read()?))).collect()
}

/// What is said of some shipments of a partner.
///
/// Unscoped: whoever reads the shipments names the partner they may read.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn particulars_of_shipments_unscoped(
    db: &mut Db,
    partner_id: i64,
    keys: &[ShipmentKey],
) -> Result<ParticularsOfDay, DbError> {
    let mut found = ParticularsOfDay::new();
    let rows = rows_of_shipments!(
        db, partner_id, keys, shipment_particulars.shipment_id
        => ParticularsRow::as_select() => ParticularsRow
    );
    for row in rows {
        found.insert((row.partner_id, row.shipment_id), row.read()?);
    }
    Ok(found)
}

/// The row of one shipment; none when it has none or the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn particulars_of(db: &mut Db, viewer: &Viewer, key: ShipmentKey) -> QueryResult<Option<ParticularsRow>> {
    if !viewer.sees(key.1) {
        return Ok(None);
    }
    shipment_particulars::table.find(key).select(ParticularsRow::as_select()).first(db).optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_back() {
        let said = Particulars {
            ordered: "2025-05-01".parse().ok(),
            invoiced: "2025-05-20".parse().ok(),
            class: "92.5".to_owned(),
            sides: Some([Micros(1), Micros(2), Micros(3)]),
            length_unit: LengthUnit::Cm,
            volume_m3: Some(Micros(4)),
            pallets: Some(Micros(5)),
            loading_metres: Some(Micros(6)),
            value: Some(Micros(7)),
            flags: vec!["liftgate".to_owned(), "residential".to_owned()],
        };
        for said in [said, Particulars::default()] {
            let row = ParticularsRow::of((Day::default(), 1, 2), &said);
            assert_eq!(row.read().unwrap(), said);
        }
    }
}
