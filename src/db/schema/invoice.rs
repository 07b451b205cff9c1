//! The tables of carriers' invoices, their audits, and what is done about them.

use super::{partners, shipments};

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    invoices (partner_id, id) {
        partner_id -> BigInt,
        id -> BigInt,
        number -> Text,
        number_key -> Text,
        kind -> Text,
        corrects -> Nullable<Text>,
        corrects_key -> Nullable<Text>,
        issued_on -> Day,
        received_on -> Day,
        currency -> Text,
        remit_to -> Nullable<Text>,
        total_micros -> BigInt,
        fact_hash -> BigInt,
        import_id -> BigInt,
        recorded_at -> Instant,
        bill_to -> Nullable<Text>,
    }
}

diesel::table! {
    invoice_lines (partner_id, invoice_id, seq) {
        partner_id -> BigInt,
        invoice_id -> BigInt,
        seq -> Integer,
        shipment -> Nullable<Text>,
        pro -> Nullable<Text>,
        bol -> Nullable<Text>,
        code -> Text,
        category -> Text,
        quantity_micros -> Nullable<BigInt>,
        unit -> Nullable<Text>,
        amount_micros -> BigInt,
        import_row -> BigInt,
        load_number -> Nullable<Text>,
        stop -> Nullable<Integer>,
        freight_terms -> Nullable<Text>,
    }
}

diesel::table! {
    invoice_references (partner_id, reference, invoice_id) {
        partner_id -> BigInt,
        reference -> Text,
        invoice_id -> BigInt,
    }
}

diesel::table! {
    invoice_numbers (partner_id, kind, number_key, invoice_id) {
        partner_id -> BigInt,
        kind -> Text,
        number_key -> Text,
        invoice_id -> BigInt,
    }
}

diesel::table! {
    stale_invoices (partner_id, invoice_id) {
        partner_id -> BigInt,
        invoice_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    invoice_audits (partner_id, invoice_id, seq) {
        partner_id -> BigInt,
        invoice_id -> BigInt,
        seq -> Integer,
        facts_hash -> BigInt,
        status -> Text,
        outcome -> Text,
        billed_micros -> BigInt,
        approved_micros -> BigInt,
        disputed_micros -> BigInt,
        payable_micros -> BigInt,
        codes -> Text,
        accuracy -> Text,
        result -> Text,
        audited_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    invoice_steps (partner_id, invoice_id, seq) {
        partner_id -> BigInt,
        invoice_id -> BigInt,
        seq -> Integer,
        kind -> Text,
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
    audit_terms (partner_id, seq) {
        partner_id -> BigInt,
        seq -> Integer,
        valid_from -> Day,
        terms -> Text,
        reason -> Text,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    invoice_letters (partner_id, invoice_id, seq, kind) {
        partner_id -> BigInt,
        invoice_id -> BigInt,
        seq -> Integer,
        kind -> Text,
        told_on -> Day,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    invoice_rulings (partner_id, invoice_id, seq) {
        partner_id -> BigInt,
        invoice_id -> BigInt,
        seq -> Integer,
        kind -> Text,
        audit_seq -> Integer,
        held -> Text,
        amount_micros -> BigInt,
        words -> Text,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    invoice_letters,
    invoice_rulings,
    invoices,
    invoice_lines,
    invoice_references,
    stale_invoices,
    invoice_audits,
    invoice_steps,
    audit_terms,
    partners
);
diesel::allow_tables_to_appear_in_same_query!(invoice_references, shipments);
diesel::allow_columns_to_appear_in_same_group_by_clause!(invoice_lines::code, invoices::currency);
