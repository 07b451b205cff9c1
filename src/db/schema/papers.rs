//! What the papers of shipments say, beside their wide row.

use super::{invoice_numbers, shipments};

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    shipment_numbers (obligation_day, partner_id, shipment_id, kind, number_key) {
        obligation_day -> Day,
        partner_id -> BigInt,
        shipment_id -> BigInt,
        kind -> Text,
        number_key -> Text,
        number -> Text,
        stop -> Nullable<Integer>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    shipment_freight_terms (obligation_day, partner_id, shipment_id) {
        obligation_day -> Day,
        partner_id -> BigInt,
        shipment_id -> BigInt,
        freight_terms -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(shipment_numbers, shipments, invoice_numbers);
