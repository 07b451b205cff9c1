//! The tables of exclusions, declared events, challenges and restatements. Only what is decided
//! about a thing is read together with it, and what the head of a scorecard page asks for.

use super::{partners, scorecard_log, settings};

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    exclusions (id) {
        id -> BigInt,
        partner_id -> BigInt,
        shipment_id -> BigInt,
        source_id -> Integer,
        reference -> Text,
        stop -> Text,
        party -> Text,
        reason_code -> Text,
        statement -> Text,
        evidence -> Text,
        side -> Text,
        due_on -> Day,
        requested_at -> Instant,
        requested_by -> Text,
        requested_by_id -> BigInt,
        unit -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    exclusion_decisions (exclusion_id, seq) {
        exclusion_id -> BigInt,
        seq -> Integer,
        partner_id -> BigInt,
        kind -> Text,
        basis -> Text,
        words -> Text,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    evidence_files (id) {
        id -> BigInt,
        partner_id -> BigInt,
        subject -> Text,
        subject_id -> BigInt,
        file_name -> Text,
        kind -> Text,
        byte_count -> BigInt,
        sha256 -> Text,
        content -> Binary,
        added_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    declared_events (id) {
        id -> BigInt,
        name -> Text,
        kind -> Text,
        first_day -> Day,
        last_day -> Day,
        scope -> Text,
        statement -> Text,
        requested_at -> Instant,
        requested_by -> Text,
        requested_by_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    declared_event_decisions (declared_event_id, seq) {
        declared_event_id -> BigInt,
        seq -> Integer,
        kind -> Text,
        words -> Text,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    challenges (id) {
        id -> BigInt,
        partner_id -> BigInt,
        scorecard_id -> BigInt,
        period -> Text,
        kpi -> Text,
        shipment_id -> BigInt,
        source_id -> Integer,
        reference -> Text,
        outcome -> Text,
        statement -> Text,
        evidence -> Text,
        answer_by -> Day,
        raised_at -> Instant,
        raised_by -> Text,
        raised_by_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    challenge_decisions (challenge_id, seq) {
        challenge_id -> BigInt,
        seq -> Integer,
        partner_id -> BigInt,
        kind -> Text,
        words -> Text,
        exclusion_id -> Nullable<BigInt>,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    scorecard_finals (partner_id, period) {
        partner_id -> BigInt,
        period -> Text,
        scorecard_id -> BigInt,
        snapshot_hash -> Text,
        acceptance -> Text,
        open_challenges -> Integer,
        final_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    scorecard_restatements (id) {
        id -> BigInt,
        partner_id -> BigInt,
        period -> Text,
        scorecard_id -> BigInt,
        restates -> BigInt,
        reason -> Text,
        figures_moved -> Integer,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    scorecard_drifts (partner_id, period) {
        partner_id -> BigInt,
        period -> Text,
        snapshot_hash -> Text,
        seen_at -> Instant,
    }
}

diesel::allow_tables_to_appear_in_same_query!(exclusions, exclusion_decisions);
diesel::allow_tables_to_appear_in_same_query!(challenges, challenge_decisions);
// What a scorecard page rests on is asked for at once.
diesel::allow_tables_to_appear_in_same_query!(scorecard_finals, exclusions);
diesel::allow_tables_to_appear_in_same_query!(scorecard_finals, partners);
diesel::allow_tables_to_appear_in_same_query!(scorecard_finals, scorecard_log);
diesel::allow_tables_to_appear_in_same_query!(scorecard_finals, settings);
diesel::allow_tables_to_appear_in_same_query!(exclusions, partners);
diesel::allow_tables_to_appear_in_same_query!(exclusions, scorecard_log);
diesel::allow_tables_to_appear_in_same_query!(exclusions, settings);
