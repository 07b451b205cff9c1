//! The tables of the books: closed months, the chain of entries, sums by month, exports, the chart of accounts, budgets.

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    period_closes (month) {
        month -> Text,
        last_day -> Day,
        closed_by_id -> BigInt,
        closed_by -> Text,
        closed_at -> Instant,
        steps -> Text,
        heads -> Text,
        ledger_sha256 -> Text,
    }
}

diesel::table! {
    period_balances (month, partner_id, currency, account) {
        month -> Text,
        partner_id -> BigInt,
        currency -> Text,
        account -> Integer,
        balance_micros -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    close_checks (id) {
        id -> BigInt,
        month -> Text,
        checked_by -> Text,
        checked_at -> Instant,
        ledger_sha256 -> Text,
        entries -> BigInt,
        problems -> BigInt,
        first_problem -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    close_overrides (id) {
        id -> BigInt,
        month -> Text,
        step -> Text,
        finding -> Text,
        reason -> Text,
        asked_by_id -> BigInt,
        asked_by -> Text,
        asked_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    close_override_decisions (override_id) {
        override_id -> BigInt,
        is_approved -> Bool,
        note -> Text,
        decided_by_id -> BigInt,
        decided_by -> Text,
        decided_at -> Instant,
    }
}

diesel::table! {
    journal_seals (partner_id, seq) {
        partner_id -> BigInt,
        seq -> BigInt,
        entry_id -> BigInt,
        sha256 -> Text,
    }
}

diesel::table! {
    journal_heads (partner_id) {
        partner_id -> BigInt,
        sealed -> BigInt,
    }
}

diesel::table! {
    journal_months (month, partner_id, currency, account, side, reason, recognition) {
        month -> Text,
        partner_id -> BigInt,
        currency -> Text,
        account -> Integer,
        side -> Text,
        reason -> Text,
        recognition -> Text,
        lines -> BigInt,
        entries -> BigInt,
        amount_micros -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    export_batches (batch) {
        batch -> Integer,
        through_day -> Day,
        made_by_id -> BigInt,
        made_by -> Text,
        made_at -> Instant,
        layout_version -> Nullable<Integer>,
        entries -> BigInt,
        lines -> BigInt,
        content_sha256 -> Text,
        content -> Text,
    }
}

diesel::table! {
    export_entries (partner_id, entry_id) {
        partner_id -> BigInt,
        entry_id -> BigInt,
        batch -> Integer,
    }
}

diesel::table! {
    export_months (batch, month, currency, account, side) {
        batch -> Integer,
        month -> Text,
        currency -> Text,
        account -> Integer,
        side -> Text,
        lines -> BigInt,
        entries -> BigInt,
        amount_micros -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    journal_layouts (version) {
        version -> Integer,
        layout -> Text,
        set_by_id -> BigInt,
        set_by -> Text,
        set_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    chart_accounts (account, seq) {
        account -> Integer,
        seq -> Integer,
        number -> Text,
        name -> Text,
        set_by_id -> BigInt,
        set_by -> Text,
        set_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    budgets (partner_id, month, seq) {
        partner_id -> BigInt,
        month -> Text,
        seq -> Integer,
        amount_micros -> BigInt,
        currency -> Text,
        set_by_id -> BigInt,
        set_by -> Text,
        set_at -> Instant,
    }
}

diesel::allow_tables_to_appear_in_same_query!(close_overrides, close_override_decisions);
