//! What a price may depend on beside places, times, weight and distance: one definition, whether it comes with a stored
//! shipment or with a row of a file to rate.

use chrono::NaiveDate;

use super::{Piece, RatingRequest, UnitCount};
use crate::domain::money::Micros;
use crate::domain::quantity::{ChargeUnit, LengthUnit};

/// What is said of a shipment's goods and papers (DOMAIN §3.3, §3.6, §3.7, §3.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Particulars {
    /// Day of the order.
    pub ordered: Option<NaiveDate>,
    /// Day of the invoice.
    pub invoiced: Option<NaiveDate>,
    /// Freight class; empty when not said.
    pub class: String,
    /// Length, width and height of one of its equal pieces.
    pub sides: Option<[Micros; 3]>,
    /// Unit of the sides.
    pub length_unit: LengthUnit,
    /// Volume of everything, in cubic metres.
    pub volume_m3: Option<Micros>,
    /// Pallets.
    pub pallets: Option<Micros>,
    /// Loading metres.
    pub loading_metres: Option<Micros>,
    /// Value of the goods, in the contract's currency.
    pub value: Option<Micros>,
    /// What it is flagged with: `liftgate`, `residential`.
    pub flags: Vec<String>,
}

impl Default for Particulars {
    fn default() -> Self {
        Self {
            ordered: None,
            invoiced: None,
            class: String::new(),
            sides: None,
            length_unit: LengthUnit::In,
            volume_m3: None,
            pallets: None,
            loading_metres: None,
            value: None,
            flags: Vec::new(),
        }
    }
}

/// Between flags that stand in one text.
pub const FLAGS_BY: char = '|';

impl Particulars {
    /// The flags in a text, blanks around them taken off.
    #[must_use]
    pub fn flags_in(text: &str) -> Vec<String> {
        text.split(FLAGS_BY).map(str::trim).filter(|flag| !flag.is_empty()).map(str::to_owned).collect()
    }

    /// The flags as one text; empty when there are none.
    #[must_use]
    pub fn flags_text(&self) -> String {
        self.flags.join("|")
    }

    /// Adds them to a request for so many equal pieces, or for pieces nobody counted.
    #[must_use]
    pub fn onto(self, request: RatingRequest, pieces: Option<u32>) -> RatingRequest {
        let described = self.sides.is_some() || pieces.is_some();
        let piece = Piece { count: pieces.unwrap_or(1), weight: None, sides: self.sides, stackable: false };
        let units = [(ChargeUnit::Pallet, self.pallets), (ChargeUnit::LoadingMetre, self.loading_metres)];
        RatingRequest {
            ordered: self.ordered,
            invoiced: self.invoiced,
            class: self.class,
            length_unit: self.length_unit,
            volume_m3: self.volume_m3,
            pieces: described.then_some(piece).into_iter().collect(),
            units: units
                .into_iter()
                .filter_map(|(unit, count)| Some(UnitCount { unit, count: count? }))
                .collect(),
            value: self.value,
            flags: self.flags,
            ..request
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_they_are_written() {
        let flags = Particulars::flags_in(" liftgate | residential||");
        let said = Particulars { flags, ..Particulars::default() };
        assert_eq!(said.flags, ["liftgate", "residential"]);
        assert_eq!(Particulars::flags_in(&said.flags_text()), said.flags);
    }

    #[test]
    fn what_nobody_counted_or_measured_has_no_pieces() {
        let none = Particulars::default().onto(RatingRequest::default(), None);
        assert_eq!(none, RatingRequest::default());
        let sides = Some([Micros(1_000_000); 3]);
        let one = Particulars { sides, ..Particulars::default() }.onto(RatingRequest::default(), None);
        assert_eq!((one.piece_count(), one.pieces[0].sides), (1, sides), "a size is that of one piece");
        let two = Particulars::default().onto(RatingRequest::default(), Some(2));
        assert_eq!((two.piece_count(), two.pieces[0].sides), (2, None));
    }
}
