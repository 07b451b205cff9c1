//! The tables of templates on their way to be agreed, standings set by hand, and corrective actions.

use super::{exclusions, partners, scorecard_finals, scorecards, settings};

diesel::table! {
    scorecard_changes (id) {
        id -> Integer,
        count -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    template_proposals (id) {
        id -> BigInt,
        code -> Text,
        version -> Text,
        definition -> Text,
        first_period -> Text,
        valid_from -> Day,
        reason -> Text,
        proposed_at -> Instant,
        proposed_by -> Text,
        proposed_by_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    template_decisions (proposal_id, seq) {
        proposal_id -> BigInt,
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
    standing_overrides (id) {
        id -> BigInt,
        partner_id -> BigInt,
        tier -> Text,
        first_day -> Day,
        last_day -> Day,
        reason -> Text,
        requested_at -> Instant,
        requested_by -> Text,
        requested_by_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    standing_override_decisions (override_id, seq) {
        override_id -> BigInt,
        seq -> Integer,
        partner_id -> BigInt,
        kind -> Text,
        words -> Text,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
        ends_on -> Nullable<Day>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    corrective_actions (id) {
        id -> BigInt,
        partner_id -> BigInt,
        cause -> Text,
        scorecard_id -> Nullable<BigInt>,
        period -> Text,
        kpi -> Text,
        words -> Text,
        owner -> Text,
        due_on -> Day,
        opened_at -> Instant,
        opened_by -> Text,
        opened_by_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    corrective_action_steps (action_id, seq) {
        action_id -> BigInt,
        seq -> Integer,
        partner_id -> BigInt,
        kind -> Text,
        words -> Text,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
        period -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(template_proposals, template_decisions);
diesel::allow_tables_to_appear_in_same_query!(standing_overrides, standing_override_decisions);
diesel::allow_tables_to_appear_in_same_query!(corrective_actions, corrective_action_steps);
// The head of a scorecard page asks for all of these at once.
diesel::allow_tables_to_appear_in_same_query!(standing_overrides, partners);
diesel::allow_tables_to_appear_in_same_query!(standing_overrides, scorecards);
diesel::allow_tables_to_appear_in_same_query!(standing_overrides, scorecard_finals);
diesel::allow_tables_to_appear_in_same_query!(standing_overrides, exclusions);
diesel::allow_tables_to_appear_in_same_query!(standing_overrides, settings);
diesel::allow_tables_to_appear_in_same_query!(scorecard_changes, partners);
diesel::allow_tables_to_appear_in_same_query!(scorecard_changes, scorecards);
diesel::allow_tables_to_appear_in_same_query!(scorecard_changes, scorecard_finals);
diesel::allow_tables_to_appear_in_same_query!(scorecard_changes, exclusions);
diesel::allow_tables_to_appear_in_same_query!(scorecard_changes, settings);
diesel::allow_tables_to_appear_in_same_query!(scorecard_changes, standing_overrides);
