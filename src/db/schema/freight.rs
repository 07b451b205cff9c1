//! The tables of freight that was delivered and is not billed.

use super::partners;

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    freight_accruals (partner_id, obligation_day, shipment_id) {
        partner_id -> BigInt,
        obligation_day -> Day,
        shipment_id -> BigInt,
        contract_version_id -> BigInt,
        delivered_on -> Day,
        currency -> Text,
        base_micros -> BigInt,
        fuel_micros -> BigInt,
        accessorial_micros -> BigInt,
        tax_micros -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    freight_moves (partner_id, entry_id, obligation_day, shipment_id, part) {
        partner_id -> BigInt,
        entry_id -> BigInt,
        obligation_day -> Day,
        shipment_id -> BigInt,
        part -> Text,
        why -> Text,
        amount_micros -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    freight_partners (partner_id) {
        partner_id -> BigInt,
        lapsed_before -> Day,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    stale_freight (partner_id, obligation_day) {
        partner_id -> BigInt,
        obligation_day -> Day,
    }
}

diesel::allow_tables_to_appear_in_same_query!(freight_accruals, partners);
