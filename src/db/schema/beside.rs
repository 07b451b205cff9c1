//! The tables of what lies beside shipments and tenders: claims, cases and safety records, and the prices of the market.

use super::shipments;

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    beside_facts (kind, day, partner_id, id) {
        kind -> Text,
        day -> Day,
        partner_id -> BigInt,
        id -> BigInt,
        source_id -> Integer,
        reference -> Text,
        fact_hash -> BigInt,
        version -> Integer,
        import_id -> BigInt,
        import_row -> BigInt,
        lane_id -> Nullable<BigInt>,
        service -> Text,
        mode -> Text,
        shipment -> Text,
        settles_at -> Nullable<Instant>,
        fact -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    beside_fact_versions (partner_id, fact_id, version) {
        partner_id -> BigInt,
        fact_id -> BigInt,
        version -> Integer,
        fact -> Text,
        import_id -> BigInt,
        replaced_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    benchmarks (lane_id, week, equipment) {
        lane_id -> BigInt,
        week -> Day,
        equipment -> Text,
        amount_micros -> BigInt,
        currency -> Text,
        series -> Text,
        licence -> Text,
        recorded_at -> Instant,
    }
}

diesel::allow_tables_to_appear_in_same_query!(benchmarks, shipments);
