//! The tables, one block each; the migrations are the source. A test compares both databases with this file.

mod beside;
mod books;
mod dispute;
mod fairness;
mod freight;
mod invoice;
mod papers;
mod rating;
mod standing;

pub use beside::*;
pub use books::*;
pub use dispute::*;
pub use fairness::*;
pub use freight::*;
pub use invoice::*;
pub use papers::*;
pub use rating::*;
pub use standing::*;

diesel::table! {
    use crate::db::types::sql::*;
    settings (key) {
        key -> Text,
        value -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    partners (id) {
        id -> BigInt,
        code -> Text,
        name -> Text,
        scac -> Text,
        mode -> Text,
        status -> Text,
        contact_name -> Text,
        contact_email -> Text,
        review_cadence -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    partner_aliases (alias) {
        alias -> Text,
        partner_id -> BigInt,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    users (id) {
        id -> BigInt,
        email -> Text,
        name -> Text,
        role -> Text,
        partner_id -> Nullable<BigInt>,
        password_hash -> Text,
        active -> Bool,
        created_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    sessions (key_hash) {
        key_hash -> Text,
        state -> Text,
        expires_at -> Instant,
        user_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    audit_log (id) {
        id -> BigInt,
        at -> Instant,
        actor -> Text,
        action -> Text,
        subject -> Text,
        partner_id -> Nullable<BigInt>,
        detail -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    sources (id) {
        id -> Integer,
        code -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    zones (id) {
        id -> Integer,
        name -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    outcome_policies (id) {
        id -> Integer,
        terms -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    lanes (id) {
        id -> BigInt,
        code -> Text,
        origin -> Text,
        destination -> Text,
        origin_region -> Text,
        region -> Text,
        distance_m -> Nullable<BigInt>,
        created_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    imports (id) {
        id -> BigInt,
        kind -> Text,
        file_name -> Text,
        mapping -> Text,
        state -> Text,
        started_at -> Instant,
        finished_at -> Nullable<Instant>,
        rows_read -> BigInt,
        rows_new -> BigInt,
        rows_changed -> BigInt,
        rows_same -> BigInt,
        rows_rejected -> BigInt,
        imported_by -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    shipments (obligation_day, partner_id, id) {
        obligation_day -> Day,
        partner_id -> BigInt,
        id -> BigInt,
        source_id -> Integer,
        reference -> Text,
        fact_hash -> BigInt,
        version -> Integer,
        import_id -> BigInt,
        import_row -> BigInt,
        policy_id -> Integer,
        lane_id -> Nullable<BigInt>,
        service -> Text,
        mode -> Text,
        region -> Text,
        equipment -> Text,
        pickup_zone_id -> Nullable<Integer>,
        delivery_zone_id -> Nullable<Integer>,
        pickup_window_start -> Nullable<Instant>,
        pickup_window_end -> Nullable<Instant>,
        pickup_due_day -> Nullable<Day>,
        delivery_window_start -> Nullable<Instant>,
        delivery_window_end -> Nullable<Instant>,
        delivery_due_day -> Nullable<Day>,
        date_only -> Integer,
        pickup_arrived_at -> Nullable<Instant>,
        pickup_arrived_received_at -> Nullable<Instant>,
        picked_up_at -> Nullable<Instant>,
        arrived_at -> Nullable<Instant>,
        arrived_received_at -> Nullable<Instant>,
        delivered_at -> Nullable<Instant>,
        delivered_received_at -> Nullable<Instant>,
        station_arrived_at -> Nullable<Instant>,
        out_for_delivery_at -> Nullable<Instant>,
        cancelled_at -> Nullable<Instant>,
        attempts -> Nullable<Integer>,
        first_attempt -> Nullable<Text>,
        disposition -> Nullable<Text>,
        diverted_by -> Nullable<Text>,
        pickup_reason -> Nullable<Text>,
        delivery_reason -> Nullable<Text>,
        pickup_exclusion -> Nullable<Text>,
        delivery_exclusion -> Nullable<Text>,
        pieces -> Nullable<BigInt>,
        weight_g -> Nullable<BigInt>,
        distance_m -> Nullable<BigInt>,
        currency -> Nullable<Text>,
        linehaul_micros -> Nullable<BigInt>,
        fuel_micros -> Nullable<BigInt>,
        accessorial_micros -> Nullable<BigInt>,
        freight_micros -> Nullable<BigInt>,
        rated_micros -> Nullable<BigInt>,
        pickup_window_outcome -> Text,
        delivery_day_outcome -> Text,
        delivery_window_outcome -> Text,
        settles_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    shipment_versions (partner_id, shipment_id, version) {
        partner_id -> BigInt,
        shipment_id -> BigInt,
        version -> Integer,
        fact -> Text,
        import_id -> BigInt,
        replaced_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    shipment_quality (obligation_day, partner_id, shipment_id) {
        obligation_day -> Day,
        partner_id -> BigInt,
        shipment_id -> BigInt,
        pieces_delivered -> Nullable<BigInt>,
        condition -> Nullable<Text>,
        receipt_expected -> Bool,
        pod_received_at -> Nullable<Instant>,
        pod_clean -> Nullable<Bool>,
        invoice_right -> Nullable<Bool>,
        notice_expected -> Bool,
        delay_noticed_at -> Nullable<Instant>,
        transit_standard_days -> Nullable<Integer>,
        co2e_g -> Nullable<BigInt>,
        emission_distance_m -> Nullable<BigInt>,
        emission_data -> Nullable<Text>,
        statuses -> Nullable<BigInt>,
        statuses_refused -> Nullable<BigInt>,
        statuses_corrected -> Nullable<BigInt>,
        invoiced_day -> Nullable<Day>,
        paid_day -> Nullable<Day>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::*;
    stop_commitments (partner_id, shipment_id, id) {
        partner_id -> BigInt,
        shipment_id -> BigInt,
        id -> BigInt,
        source_id -> Integer,
        reference -> Text,
        stop -> Text,
        requested_by -> Nullable<Text>,
        set_at -> Nullable<Instant>,
        window_start -> Nullable<Instant>,
        window_end -> Nullable<Instant>,
        due_day -> Nullable<Day>,
        reason -> Nullable<Text>,
        import_id -> BigInt,
        import_row -> BigInt,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    shipment_events (partner_id, shipment_id, id) {
        partner_id -> BigInt,
        shipment_id -> BigInt,
        id -> BigInt,
        source_id -> Integer,
        kind -> Text,
        event_at -> Instant,
        received_at -> Nullable<Instant>,
        date_only -> Bool,
        reporter -> Text,
        reason -> Nullable<Text>,
        import_id -> BigInt,
        import_row -> BigInt,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    tenders (sent_day, partner_id, id) {
        sent_day -> Day,
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
        sequence -> Nullable<Integer>,
        sent_at -> Instant,
        respond_by -> Nullable<Instant>,
        responded_at -> Nullable<Instant>,
        response -> Nullable<Text>,
        decline_reason -> Nullable<Text>,
        pickup_at -> Nullable<Instant>,
        bounced_at -> Nullable<Instant>,
        beyond_commitment -> Bool,
        short_notice -> Bool,
        outcome -> Text,
        settles_at -> Nullable<Instant>,
        exclusion -> Nullable<Text>,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    tender_versions (partner_id, tender_id, version) {
        partner_id -> BigInt,
        tender_id -> BigInt,
        version -> Integer,
        fact -> Text,
        import_id -> BigInt,
        replaced_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    charges (partner_id, shipment_id, id) {
        partner_id -> BigInt,
        shipment_id -> BigInt,
        id -> BigInt,
        source_id -> Integer,
        reference -> Text,
        fact_hash -> BigInt,
        version -> Integer,
        import_id -> BigInt,
        import_row -> BigInt,
        code -> Text,
        category -> Text,
        amount_micros -> BigInt,
        rated_micros -> Nullable<BigInt>,
        currency -> Text,
        charged_day -> Nullable<Day>,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    charge_versions (partner_id, charge_id, version) {
        partner_id -> BigInt,
        charge_id -> BigInt,
        version -> Integer,
        fact -> Text,
        import_id -> BigInt,
        replaced_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    capacity_commitments (partner_id, lane_id, week) {
        partner_id -> BigInt,
        lane_id -> BigInt,
        week -> Day,
        base_units -> Integer,
        surge_bps -> Integer,
        unit_cost_micros -> Nullable<BigInt>,
        currency -> Text,
        recorded_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    stale_cells (partner_id, source, source_day) {
        partner_id -> BigInt,
        source -> Text,
        source_day -> Day,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    stale_lane_months (partner_id, source, source_month) {
        partner_id -> BigInt,
        source -> Text,
        source_month -> Day,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    measure_cells (partner_id, day, service, mode, source, source_day) {
        partner_id -> BigInt,
        day -> Day,
        service -> Text,
        mode -> Text,
        source -> Text,
        source_day -> Day,
        measures -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    lane_cells (partner_id, month, lane_id, service, source, source_month) {
        partner_id -> BigInt,
        month -> Day,
        lane_id -> BigInt,
        service -> Text,
        source -> Text,
        source_month -> Day,
        measures -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    scorecard_templates (id) {
        id -> BigInt,
        version -> Text,
        definition -> Text,
        valid_from -> Day,
        created_by -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    scorecards (id) {
        id -> BigInt,
        partner_id -> BigInt,
        period -> Text,
        period_start -> Day,
        template_id -> BigInt,
        state -> Text,
        composite_tenths -> Nullable<Integer>,
        standing -> Text,
        coverage_bps -> Integer,
        summary -> Text,
        snapshot -> Text,
        snapshot_hash -> Text,
        restates -> Nullable<BigInt>,
        latest -> Bool,
        as_of -> Instant,
        run_id -> Nullable<BigInt>,
        created_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    scorecard_log (seq) {
        seq -> BigInt,
        scorecard_id -> BigInt,
        partner_id -> BigInt,
        period -> Text,
        state -> Text,
        snapshot_hash -> Text,
        restates -> Nullable<BigInt>,
        chain -> Text,
        logged_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    contracts (id) {
        id -> BigInt,
        partner_id -> BigInt,
        number -> Text,
        title -> Text,
        currency -> Text,
        term_start -> Day,
        term_end -> Day,
        renewal -> Text,
        renewal_months -> Integer,
        notice_days -> Integer,
        status -> Text,
        created_by -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    contract_versions (id) {
        id -> BigInt,
        contract_id -> BigInt,
        partner_id -> BigInt,
        version -> Integer,
        kind -> Text,
        valid_from -> Day,
        valid_to -> Nullable<Day>,
        status -> Text,
        change_summary -> Text,
        caps -> Text,
        authors -> Text,
        created_by -> Text,
        created_at -> Instant,
        approved_by -> Nullable<Text>,
        approved_at -> Nullable<Instant>,
        rating -> Text,
        agreed -> Text,
        terms_sha256 -> Text,
        signed_by -> Nullable<Text>,
        signed_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    negotiation_moves (id) {
        id -> BigInt,
        contract_id -> BigInt,
        contract_version_id -> BigInt,
        partner_id -> BigInt,
        version -> Integer,
        seq -> Integer,
        kind -> Text,
        side -> Text,
        round -> Integer,
        message -> Text,
        reply_by -> Nullable<Day>,
        on_day -> Day,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
        actor_role -> Text,
        answers_sha256 -> Text,
        terms_sha256 -> Text,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    negotiation_tables (contract_version_id, round, ordinal) {
        partner_id -> BigInt,
        contract_version_id -> BigInt,
        round -> Integer,
        ordinal -> Integer,
        table_id -> BigInt,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    contract_events (id) {
        id -> BigInt,
        contract_id -> BigInt,
        contract_version_id -> BigInt,
        partner_id -> BigInt,
        version -> Integer,
        seq -> Integer,
        step -> Text,
        from_status -> Text,
        to_status -> Text,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
        actor_role -> Text,
        day -> Nullable<Day>,
        note -> Text,
        terms_sha256 -> Text,
        written_sha256 -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    accessorial_rates (id) {
        id -> BigInt,
        contract_version_id -> BigInt,
        partner_id -> BigInt,
        code -> Text,
        terms -> Text,
        rate_micros -> BigInt,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    kpi_targets (id) {
        id -> BigInt,
        contract_version_id -> BigInt,
        partner_id -> BigInt,
        kpi -> Text,
        floor_micros -> BigInt,
        target_micros -> BigInt,
        stretch_micros -> BigInt,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    clauses (id) {
        id -> BigInt,
        contract_version_id -> BigInt,
        partner_id -> BigInt,
        code -> Text,
        title -> Text,
        kind -> Text,
        terms -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    contract_notices (contract_id, kind, due_day, days_before) {
        contract_id -> BigInt,
        partner_id -> BigInt,
        kind -> Text,
        due_day -> Day,
        days_before -> Integer,
        raised_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    accruals (partner_id, obligation_key) {
        partner_id -> BigInt,
        obligation_key -> Text,
        contract_version_id -> BigInt,
        clause_id -> BigInt,
        period -> Text,
        obligation_day -> Day,
        shipment_id -> Nullable<BigInt>,
        uncapped_micros -> BigInt,
        target_micros -> BigInt,
        forgone_micros -> BigInt,
        currency -> Text,
        state -> Text,
        steps -> Text,
        run_id -> Nullable<BigInt>,
        updated_at -> Instant,
        assessed_on -> Nullable<Day>,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    journal_entries (partner_id, id) {
        partner_id -> BigInt,
        id -> BigInt,
        obligation_key -> Text,
        contract_version_id -> BigInt,
        clause_id -> BigInt,
        period -> Text,
        obligation_day -> Day,
        posting_day -> Day,
        reason -> Text,
        recognition -> Text,
        memo -> Text,
        run_id -> Nullable<BigInt>,
        created_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    journal_lines (partner_id, entry_id, line_no) {
        partner_id -> BigInt,
        entry_id -> BigInt,
        line_no -> Integer,
        account -> Integer,
        side -> Text,
        amount_micros -> BigInt,
        currency -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    plans (id) {
        id -> BigInt,
        as_of_day -> Day,
        first_week -> Day,
        weeks -> Integer,
        summary -> Text,
        inputs_hash -> Text,
        run_id -> Nullable<BigInt>,
        created_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    plan_lanes (plan_id, lane_id, week) {
        plan_id -> BigInt,
        lane_id -> BigInt,
        week -> Day,
        p25 -> Integer,
        p50 -> Integer,
        p75 -> Integer,
        p90 -> Integer,
        uncovered -> Integer,
        method -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    plan_cells (plan_id, partner_id, lane_id, week) {
        plan_id -> BigInt,
        partner_id -> BigInt,
        lane_id -> BigInt,
        week -> Day,
        committed -> Integer,
        base_units -> Integer,
        surge_units -> Integer,
        unit_cost_micros -> BigInt,
        state -> Text,
        answer_units -> Nullable<Integer>,
        answer_reason -> Text,
        answered_by -> Text,
        answered_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    job_runs (id) {
        id -> BigInt,
        job -> Text,
        scope -> Text,
        due_at -> Instant,
        as_of -> Instant,
        period -> Text,
        state -> Text,
        trigger_kind -> Text,
        requested_by -> Text,
        node -> Text,
        attempt -> Integer,
        lease_until -> Instant,
        started_at -> Instant,
        finished_at -> Nullable<Instant>,
        changed_rows -> BigInt,
        summary -> Text,
        details -> Text,
        error -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    mails (id) {
        id -> BigInt,
        dedupe_key -> Text,
        kind -> Text,
        partner_id -> Nullable<BigInt>,
        recipient -> Text,
        subject -> Text,
        text_body -> Text,
        html_body -> Text,
        state -> Text,
        attempts -> Integer,
        next_attempt_at -> Instant,
        last_error -> Text,
        delivered_to -> Text,
        created_at -> Instant,
        sent_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    mail_parts (mail_id, content_id) {
        mail_id -> BigInt,
        content_id -> Text,
        content_type -> Text,
        content -> Binary,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    rate_items (partner_id, contract_version_id, kind, ordinal) {
        partner_id -> BigInt,
        contract_version_id -> BigInt,
        kind -> Text,
        ordinal -> Integer,
        code -> Text,
        terms -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    rate_lines (id) {
        id -> BigInt,
        partner_id -> BigInt,
        contract_version_id -> BigInt,
        ordinal -> Integer,
        code -> Text,
        head -> Text,
        table_id -> BigInt,
        cell_count -> BigInt,
        cells_sha256 -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    rate_cells (partner_id, table_id, ordinal) {
        partner_id -> BigInt,
        table_id -> BigInt,
        ordinal -> Integer,
        column_no -> Integer,
        first_lower -> BigInt,
        first_upper -> Nullable<BigInt>,
        second_lower -> BigInt,
        second_upper -> Nullable<BigInt>,
        rate_micros -> BigInt,
        prior_micros -> Nullable<BigInt>,
        min_micros -> Nullable<BigInt>,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    fuel_prices (index_code, published_on, recorded_at) {
        index_code -> Text,
        published_on -> Day,
        effective_from -> Nullable<Day>,
        price_micros -> BigInt,
        recorded_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    fx_rates (base, quote, day, recorded_at) {
        base -> Text,
        quote -> Text,
        day -> Day,
        rate -> Text,
        recorded_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    expected_charges (obligation_day, partner_id, shipment_id) {
        obligation_day -> Day,
        partner_id -> BigInt,
        shipment_id -> BigInt,
        contract_version_id -> BigInt,
        rating_day -> Day,
        pickup_day -> Nullable<Day>,
        status -> Text,
        reason -> Nullable<Text>,
        currency -> Text,
        base_micros -> Nullable<BigInt>,
        fuel_micros -> Nullable<BigInt>,
        accessorial_micros -> Nullable<BigInt>,
        tax_micros -> Nullable<BigInt>,
        total_micros -> Nullable<BigInt>,
        fuel_published_on -> Nullable<Day>,
        known_at -> Instant,
        lines -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    expected_versions (partner_id, contract_version_id) {
        partner_id -> BigInt,
        contract_version_id -> BigInt,
        valid_from -> Day,
        valid_to -> Nullable<Day>,
        rating_date -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    contract_attachments (id) {
        id -> BigInt,
        contract_id -> BigInt,
        contract_version_id -> Nullable<BigInt>,
        version -> Nullable<Integer>,
        partner_id -> BigInt,
        file_name -> Text,
        kind -> Text,
        byte_count -> BigInt,
        sha256 -> Text,
        note -> Text,
        added_at -> Instant,
        added_by -> Text,
        added_by_id -> BigInt,
        content -> Binary,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    contract_attachment_moves (attachment_id, seq) {
        attachment_id -> BigInt,
        seq -> Integer,
        partner_id -> BigInt,
        kind -> Text,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
        note -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    contract_terms (contract_id, seq) {
        contract_id -> BigInt,
        seq -> Integer,
        partner_id -> BigInt,
        recorded_at -> Instant,
        origin -> Text,
        number -> Text,
        title -> Text,
        currency -> Text,
        term_start -> Day,
        term_end -> Day,
        renewal -> Text,
        renewal_months -> Integer,
        notice_days -> Integer,
        status -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    own_kpis (code, version) {
        code -> Text,
        version -> Integer,
        name -> Text,
        unit -> Text,
        better -> Text,
        formula -> Text,
        rules -> Text,
        volume -> Text,
        retired -> Bool,
        created_by -> Text,
        created_by_id -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    charge_aliases (partner_id, alias, seq) {
        partner_id -> BigInt,
        alias -> Text,
        seq -> Integer,
        kind -> Nullable<Text>,
        code -> Nullable<Text>,
        note -> Text,
        at -> Instant,
        actor -> Text,
        actor_id -> BigInt,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    backtests (id) {
        id -> BigInt,
        contract_id -> BigInt,
        partner_id -> BigInt,
        asked_by -> Text,
        asked_by_id -> BigInt,
        asked_at -> Instant,
        ask -> Text,
        state -> Text,
        attempt -> Integer,
        done_days -> BigInt,
        total_days -> BigInt,
        started_at -> Nullable<Instant>,
        finished_at -> Nullable<Instant>,
        result -> Text,
        error -> Text,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    accessorial_events (partner_id, shipment_id, id) {
        partner_id -> BigInt,
        shipment_id -> BigInt,
        id -> BigInt,
        source_id -> Integer,
        reference -> Text,
        fact_hash -> BigInt,
        version -> Integer,
        import_id -> BigInt,
        import_row -> BigInt,
        code -> Text,
        stop -> Integer,
        event_day -> Nullable<Day>,
        measure -> Text,
        quantity_micros -> Nullable<BigInt>,
        unit -> Nullable<Text>,
        minutes -> Nullable<BigInt>,
        cost_micros -> Nullable<BigInt>,
        currency -> Nullable<Text>,
        arrived_at -> Nullable<Instant>,
        appointment_start -> Nullable<Instant>,
        appointment_end -> Nullable<Instant>,
        notified_at -> Nullable<Instant>,
        work_started_at -> Nullable<Instant>,
        departed_at -> Nullable<Instant>,
        authorised -> Bool,
        notified -> Bool,
        proven -> Bool,
        withdrawn -> Bool,
    }
}

diesel::table! {
    use crate::db::types::sql::*;
    accessorial_event_versions (partner_id, event_id, version) {
        partner_id -> BigInt,
        event_id -> BigInt,
        version -> Integer,
        fact -> Text,
        import_id -> BigInt,
        replaced_at -> Instant,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    settings,
    partners,
    partner_aliases,
    users,
    sessions,
    audit_log,
    sources,
    zones,
    outcome_policies,
    lanes,
    imports,
    shipments,
    shipment_versions,
    shipment_events,
    stop_commitments,
    tenders,
    tender_versions,
    charges,
    charge_versions,
    accessorial_events,
    accessorial_event_versions,
    charge_aliases,
    capacity_commitments,
    stale_cells,
    stale_lane_months,
    measure_cells,
    lane_cells,
    scorecard_templates,
    scorecards,
    scorecard_log,
    contracts,
    contract_versions,
    contract_events,
    negotiation_moves,
    negotiation_tables,
    accessorial_rates,
    kpi_targets,
    clauses,
    contract_notices,
    accruals,
    journal_entries,
    journal_lines,
    plans,
    plan_lanes,
    plan_cells,
    job_runs,
    mails,
    mail_parts,
    rate_items,
    contract_attachments,
    contract_terms,
    contract_attachment_moves,
    expected_charges,
    expected_versions,
    rate_lines,
    rate_cells,
    fuel_prices,
    fx_rates
);
