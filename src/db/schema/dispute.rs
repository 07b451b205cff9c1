//! The tables of what becomes of an item after the partner was told of it, and of what settles it.

use super::{accruals, contracts, partners};

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    item_steps (partner_id, obligation_key, seq) {
        partner_id -> BigInt,
        obligation_key -> Text,
        seq -> Integer,
        id -> BigInt,
        kind -> Text,
        line -> Integer,
        ruling -> Nullable<Text>,
        unit -> Text,
        amount_micros -> BigInt,
        words -> Text,
        day -> Day,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    waiver_budgets (partner_id, year, seq) {
        partner_id -> BigInt,
        year -> Integer,
        seq -> Integer,
        amount_micros -> BigInt,
        currency -> Text,
        reason -> Text,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    set_off_grants (contract_id, seq) {
        contract_id -> BigInt,
        seq -> Integer,
        partner_id -> BigInt,
        granted -> Bool,
        words -> Text,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    settlements (partner_id, id) {
        partner_id -> BigInt,
        id -> BigInt,
        kind -> Text,
        number -> Text,
        number_key -> Text,
        settled_on -> Day,
        currency -> Text,
        amount_micros -> BigInt,
        words -> Text,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    settlement_parts (partner_id, settlement_id, seq) {
        partner_id -> BigInt,
        settlement_id -> BigInt,
        seq -> Integer,
        obligation_key -> Text,
        amount_micros -> BigInt,
        posted_on -> Day,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    item_notices (partner_id, obligation_key, told_on) {
        partner_id -> BigInt,
        obligation_key -> Text,
        told_on -> Day,
    }
}

diesel::allow_tables_to_appear_in_same_query!(item_steps, accruals);
diesel::allow_tables_to_appear_in_same_query!(set_off_grants, contracts);
diesel::allow_tables_to_appear_in_same_query!(settlements, settlement_parts);
diesel::allow_tables_to_appear_in_same_query!(settlements, partners);
