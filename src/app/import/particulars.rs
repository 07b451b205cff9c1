//! The fields of a file that say what a price may depend on, read the same way for a shipment that is stored and for one
//! that is only rated.

use rust_decimal::Decimal;

use super::batch::micros;
use crate::domain::money::Micros;
use crate::domain::quantity::LengthUnit;
use crate::domain::rate::Particulars;
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{Field, requests as q, shipments as s};

/// Where a kind of file says each of them.
#[derive(Clone, Copy, Debug)]
pub struct ParticularFields {
    ordered: Field,
    invoiced: Field,
    class: Field,
    sides: [(&'static str, Field); 3],
    length_unit: Field,
    volume_m3: Field,
    pallets: Field,
    loading_metres: Field,
    value: Field,
    flags: Field,
}

/// In a file of shipments.
pub const OF_SHIPMENTS: ParticularFields = ParticularFields {
    ordered: s::ORDERED,
    invoiced: s::INVOICED,
    class: s::CLASS,
    sides: [("length", s::LENGTH), ("width", s::WIDTH), ("height", s::HEIGHT)],
    length_unit: s::LENGTH_UNIT,
    volume_m3: s::VOLUME_M3,
    pallets: s::PALLETS,
    loading_metres: s::LOADING_METRES,
    value: s::VALUE,
    flags: s::FLAGS,
};

/// In a file of shipments to rate.
pub const OF_REQUESTS: ParticularFields = ParticularFields {
    ordered: q::ORDERED,
    invoiced: q::INVOICED,
    class: q::CLASS,
    sides: [("length", q::LENGTH), ("width", q::WIDTH), ("height", q::HEIGHT)],
    length_unit: q::LENGTH_UNIT,
    volume_m3: q::VOLUME_M3,
    pallets: q::PALLETS,
    loading_metres: q::LOADING_METRES,
    value: q::VALUE,
    flags: q::FLAGS,
};

impl ParticularFields {
    /// Whether a row says none of them.
    fn are_blank(&self, fields: &Fields) -> bool {
        let [length, width, height] = self.sides.map(|(_, field)| field);
        let all = [
            self.ordered,
            self.invoiced,
            self.class,
            length,
            width,
            height,
            self.volume_m3,
            self.pallets,
            self.loading_metres,
            self.value,
            self.flags,
        ];
        all.iter().all(|field| fields.is_blank(*field))
    }

    /// What a row says; none where it says nothing.
    ///
    /// # Errors
    /// A number that is too large, or a size of which a side is missing, with its field.
    pub fn read(&self, fields: &Fields) -> Result<Option<Particulars>, RowError> {
        if self.are_blank(fields) {
            return Ok(None);
        }
        let number = |name: &str, field: Field| -> Result<Option<Micros>, RowError> {
            let value: Option<Decimal> = fields.decimal(field);
            micros(name, value)
        };
        let mut sides = [None; 3];
        for ((name, field), side) in self.sides.into_iter().zip(&mut sides) {
            *side = number(name, field)?;
        }
        let sides = match sides {
            [Some(length), Some(width), Some(height)] => Some([length, width, height]),
            [None, None, None] => None,
            some => {
                let missing = self.sides.iter().zip(some).find(|(_, side)| side.is_none());
                let name = missing.map_or("height", |((name, _), _)| name);
                return Err(RowError::field(
                    name,
                    "",
                    "the size of a piece is its length, width and height; give all three or none",
                ));
            }
        };
        Ok(Some(Particulars {
            ordered: fields.day(self.ordered),
            invoiced: fields.day(self.invoiced),
            class: fields.text(self.class).unwrap_or_default().to_owned(),
            sides,
            length_unit: fields
                .text(self.length_unit)
                .and_then(|unit| unit.parse().ok())
                .unwrap_or(LengthUnit::In),
            volume_m3: number("volume_m3", self.volume_m3)?,
            pallets: number("pallets", self.pallets)?,
            loading_metres: number("loading_metres", self.loading_metres)?,
            value: number("value", self.value)?,
            flags: fields.text(self.flags).map(Particulars::flags_in).unwrap_or_default(),
        }))
    }
}
