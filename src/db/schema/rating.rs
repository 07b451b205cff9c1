//! What a price may depend on of a shipment beyond its wide row.

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    shipment_particulars (obligation_day, partner_id, shipment_id) {
        obligation_day -> Day,
        partner_id -> BigInt,
        shipment_id -> BigInt,
        ordered_on -> Nullable<Day>,
        invoiced_on -> Nullable<Day>,
        freight_class -> Nullable<Text>,
        length_micros -> Nullable<BigInt>,
        width_micros -> Nullable<BigInt>,
        height_micros -> Nullable<BigInt>,
        length_unit -> Nullable<Text>,
        volume_micros -> Nullable<BigInt>,
        pallets_micros -> Nullable<BigInt>,
        loading_metres_micros -> Nullable<BigInt>,
        value_micros -> Nullable<BigInt>,
        flags -> Nullable<Text>,
    }
}
