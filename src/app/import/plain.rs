//! Partners, lanes, capacity commitments, fuel prices, exchange rates and benchmarks: small tables, written row by row.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::batch::{
    Batch, Counts, Input, Run, micros, pipeline, repeated_key, small, some_text, text, thousandths,
};
use super::market::{
    BenchmarkDraft, ChangedMarket, benchmark_draft, benchmark_write, fuel_draft, fuel_write, fx_draft,
    fx_write, market_mark, recorded_at,
};
use super::seen::SeenKeys;
use super::{ImportError, ImportReport};
use crate::app::expected::Reach;
use crate::db::Db;
use crate::db::dimension::{Dimensions, LaneNames, normal_name};
use crate::db::lane::{LaneTexts, lane_texts, lane_texts_write};
use crate::db::partner::{PartnerTexts, partner_alias_add, partner_texts_unscoped, partner_texts_write};
use crate::db::plan::{CommitmentRow, commitment_get_unscoped, commitment_put};
use crate::db::setting::reporting_currency;
use crate::db::shipment::{Source, StaleCell, stale_mark};
use crate::db::types::{Day, Instant};
use crate::domain::fuel::FuelPrice;
use crate::domain::partner::looks_like_mail;
use crate::domain::period::Period;
use crate::domain::rate::FxRate;
use crate::feeds::RowError;
use crate::feeds::fields::Fields;
use crate::feeds::kind::{ImportKind, capacity as c, lanes as l, partners as p};

enum Draft {
    Partner(PartnerDraft),
    Lane { names: LaneNames, origin_region: String, distance_m: Option<i64> },
    Capacity(CapacityDraft),
    Fuel(FuelPrice),
    Fx(FxRate),
    Benchmark(BenchmarkDraft),
}

struct PartnerDraft {
    code: String,
    name: Option<String>,
    scac: Option<String>,
    mode: Option<String>,
    contact_name: Option<String>,
    contact_email: Option<String>,
    review_cadence: Option<String>,
    aliases: Vec<String>,
}

struct CapacityDraft {
    partner: String,
    lane: String,
    week: NaiveDate,
    base_units: i32,
    surge_bps: i32,
    unit_cost_micros: Option<i64>,
    currency: Option<String>,
}

/// Loads a file of partners, lanes, capacity commitments, fuel prices, exchange rates or benchmarks.
pub fn load(db: &mut Db, run: &Run<'_>, input: Input<'_>) -> Result<ImportReport, ImportError> {
    let kind = run.request.mapping.kind;
    let reporting = reporting_currency(db)?;
    let recorded_at = recorded_at(run);
    let mut dimensions = Dimensions::load(db, &run.app.ids, run.now)?;
    let mut seen = SeenKeys::default();
    pipeline(
        db,
        run,
        input,
        move |fields| match kind {
            ImportKind::Partners => partner_draft(fields).map(Draft::Partner),
            ImportKind::Lanes => lane_draft(fields),
            ImportKind::Fuel => fuel_draft(fields, recorded_at).map(Draft::Fuel),
            ImportKind::Fx => fx_draft(fields, recorded_at).map(Draft::Fx),
            ImportKind::Benchmarks => benchmark_draft(fields).map(Draft::Benchmark),
            _ => capacity_draft(fields).map(Draft::Capacity),
        },
        |db, batch| write(db, run, &mut dimensions, &mut seen, &reporting, batch),
    )
}

fn partner_draft(fields: &Fields) -> Result<PartnerDraft, RowError> {
    if let Some(address) = fields.text(p::CONTACT_EMAIL).filter(|address| !looks_like_mail(address)) {
        let reason = "is no e-mail address such as ops@carrier.example";
        return Err(RowError::field("contact_email", address, reason));
    }
    Ok(PartnerDraft {
        code: text(fields, p::CODE),
        name: some_text(fields, p::NAME),
        scac: some_text(fields, p::SCAC),
        mode: some_text(fields, p::MODE),
        contact_name: some_text(fields, p::CONTACT_NAME),
        contact_email: some_text(fields, p::CONTACT_EMAIL),
        review_cadence: some_text(fields, p::REVIEW_CADENCE),
        aliases: fields
            .text(p::ALIAS)
            .unwrap_or_default()
            .split('|')
            .map(normal_name)
            .filter(|a| !a.is_empty())
            .collect(),
    })
}

fn lane_draft(fields: &Fields) -> Result<Draft, RowError> {
    Ok(Draft::Lane {
        names: LaneNames {
            code: text(fields, l::CODE),
            origin: text(fields, l::ORIGIN),
            destination: text(fields, l::DESTINATION),
            region: text(fields, l::REGION),
        },
        origin_region: text(fields, l::ORIGIN_REGION),
        distance_m: thousandths("distance_km", fields.decimal(l::DISTANCE_KM))?,
    })
}

fn capacity_draft(fields: &Fields) -> Result<CapacityDraft, RowError> {
    let day =
        fields.day(c::WEEK).ok_or_else(|| RowError::field("week", "", "a commitment needs its week"))?;
    let surge = fields.decimal(c::SURGE_PERCENT).unwrap_or_default();
    let surge_bps = thousandths("surge_percent", Some(surge / Decimal::TEN))?;
    Ok(CapacityDraft {
        partner: text(fields, c::PARTNER),
        lane: text(fields, c::LANE),
        week: Period::monday(day),
        base_units: small("base_units", fields.int(c::BASE_UNITS))?.unwrap_or(0),
        surge_bps: small("surge_percent", surge_bps)?.unwrap_or(0),
        unit_cost_micros: micros("unit_cost", fields.decimal(c::UNIT_COST))?.map(|amount| amount.0),
        currency: some_text(fields, c::CURRENCY),
    })
}

/// What one row did.
pub enum Done {
    /// Something not known before.
    New,
    /// Something else than what was known.
    Changed,
    /// Nothing.
    Same,
}

fn write(
    db: &mut Db,
    run: &Run<'_>,
    dimensions: &mut Dimensions<'_>,
    seen: &mut SeenKeys,
    reporting: &str,
    batch: &mut Batch<Draft>,
) -> Result<Counts, ImportError> {
    let mut counts = Counts::default();
    // Whose charges these rows may change; prices and lanes only.
    let mut reach = match batch.drafts.iter().flatten().next() {
        Some(Draft::Fuel(_) | Draft::Fx(_) | Draft::Lane { .. }) => Some(Reach::read(db)?),
        _ => None,
    };
    let mut changed_lanes = Vec::new();
    let mut market = ChangedMarket::new();
    // Weeks with another commitment than before.
    let mut weeks = BTreeSet::new();
    for (record, slot) in batch.rows.iter().zip(&mut batch.drafts) {
        let number = record.number();
        let Ok(draft) = slot else { continue };
        let done = match draft {
            Draft::Partner(draft) => partner_write(db, dimensions, seen, number, draft)?,
            Draft::Lane { names, origin_region, distance_m } => {
                let done = lane_write(db, dimensions, seen, number, names, origin_region, *distance_m)?;
                if matches!(done, Ok(Done::Changed)) {
                    changed_lanes.extend(dimensions.lane(db, names)?);
                }
                done
            }
            Draft::Capacity(draft) => {
                let done = capacity_write(db, run, dimensions, seen, number, reporting, draft)?;
                if matches!(done, Ok(Done::New | Done::Changed)) {
                    let partner_id = dimensions.partner(&draft.partner);
                    weeks.extend(partner_id.map(|partner_id| StaleCell { partner_id, day: draft.week }));
                }
                done
            }
            Draft::Fuel(price) => fuel_write(db, price, (seen, number), reach.as_mut())?,
            Draft::Fx(rate) => fx_write(db, rate, (seen, number), reach.as_mut())?,
            Draft::Benchmark(draft) => {
                benchmark_write(db, (run, dimensions), (seen, number), reporting, draft, &mut market)?
            }
        };
        match done {
            Ok(Done::New) => counts.new += 1,
            Ok(Done::Changed) => counts.changed += 1,
            Ok(Done::Same) => counts.same += 1,
            Err(error) => *slot = Err(error),
        }
    }
    if let Some(reach) = reach.filter(|_| !changed_lanes.is_empty()) {
        reach.lanes_mark(db, &changed_lanes)?;
    }
    market_mark(db, market)?;
    stale_mark(db, Source::Weeks, &weeks)?;
    Ok(counts)
}

fn partner_write(
    db: &mut Db,
    dimensions: &mut Dimensions<'_>,
    seen: &mut SeenKeys,
    number: u64,
    draft: &PartnerDraft,
) -> Result<Result<Done, RowError>, ImportError> {
    let known = dimensions.partner_by_code(&draft.code);
    if known.is_none() && dimensions.partner(&draft.code).is_some() {
        let reason = "another partner is called so; write that one's code, or another code for a new partner";
        return Ok(Err(RowError::field("code", &draft.code, reason)));
    }
    if let Some(id) = known
        && let Some(first) = seen.note((0, 0, &id.to_string()), number)
    {
        return Ok(Err(repeated_key("code", &draft.code, "partner", first, number)));
    }
    let names = draft
        .aliases
        .iter()
        .map(|alias| ("alias", alias))
        .chain(draft.name.iter().map(|name| ("name", name)));
    for (field, text) in names {
        if let Some(other) = dimensions.partner(text).filter(|other| Some(*other) != known) {
            let reason = format!("another partner (id {other}) already answers to this name");
            return Ok(Err(RowError::field(field, text, reason)));
        }
    }
    let (id, mut done) = match known {
        Some(id) => (id, Done::Same),
        None => {
            let id = dimensions.partner_create(db, &draft.code, draft.name.as_deref())?;
            seen.note((0, 0, &id.to_string()), number);
            (id, Done::New)
        }
    };
    let before = partner_texts_unscoped(db, id)?;
    let or_before = |given: &Option<String>, before: &String| given.as_ref().unwrap_or(before).clone();
    let wanted = PartnerTexts {
        name: or_before(&draft.name, &before.name),
        scac: or_before(&draft.scac, &before.scac),
        mode: or_before(&draft.mode, &before.mode),
        contact_name: or_before(&draft.contact_name, &before.contact_name),
        contact_email: or_before(&draft.contact_email, &before.contact_email),
        review_cadence: or_before(&draft.review_cadence, &before.review_cadence),
    };
    let mut changed = wanted != before;
    if changed {
        partner_texts_write(db, id, &wanted)?;
        dimensions.partner_rename(id, &before.name, &wanted.name);
    }
    for alias in &draft.aliases {
        changed |= partner_alias_add(db, id, alias)?;
        dimensions.remember_partner(alias, id);
    }
    if changed && matches!(done, Done::Same) {
        done = Done::Changed;
    }
    Ok(Ok(done))
}

/// What a file leaves blank, or has no column for, stays as it is stored.
fn lane_write(
    db: &mut Db,
    dimensions: &mut Dimensions<'_>,
    seen: &mut SeenKeys,
    number: u64,
    names: &LaneNames,
    origin_region: &str,
    distance_m: Option<i64>,
) -> Result<Result<Done, RowError>, ImportError> {
    let known = dimensions.lane_known(names);
    let Some(id) = dimensions.lane(db, names)? else { return Ok(Ok(Done::Same)) };
    if let Some(first) = seen.note((0, 0, &id.to_string()), number) {
        return Ok(Err(repeated_key("code", &names.code, "lane", first, number)));
    }
    let stored = lane_texts(db, id)?;
    let or_stored =
        |given: &str, stored: &String| if given.is_empty() { stored.clone() } else { given.to_owned() };
    let wanted = LaneTexts {
        origin: or_stored(&names.origin, &stored.origin),
        destination: or_stored(&names.destination, &stored.destination),
        region: or_stored(&names.region, &stored.region),
        origin_region: or_stored(origin_region, &stored.origin_region),
        distance_m: distance_m.or(stored.distance_m),
    };
    if wanted != stored {
        lane_texts_write(db, id, &wanted)?;
        return Ok(Ok(if known { Done::Changed } else { Done::New }));
    }
    Ok(Ok(if known { Done::Same } else { Done::New }))
}

fn capacity_write(
    db: &mut Db,
    run: &Run<'_>,
    dimensions: &mut Dimensions<'_>,
    seen: &mut SeenKeys,
    number: u64,
    reporting: &str,
    draft: &CapacityDraft,
) -> Result<Result<Done, RowError>, ImportError> {
    let Some(partner_id) = dimensions.partner(&draft.partner) else {
        return Ok(Err(RowError::field(
            "partner",
            &draft.partner,
            "no partner has this code, name or alias",
        )));
    };
    if let Err(error) =
        super::batch::check_currency(draft.currency.as_deref(), reporting, draft.unit_cost_micros.is_some())
    {
        return Ok(Err(error));
    }
    let names = LaneNames { code: draft.lane.clone(), ..LaneNames::default() };
    let Some(lane_id) = dimensions.lane(db, &names)? else {
        return Ok(Err(RowError::field("lane", &draft.lane, "a commitment needs its lane")));
    };
    if let Some(first) = seen.note((partner_id, 0, &format!("{lane_id} {}", draft.week)), number) {
        let week = draft.week.to_string();
        return Ok(Err(repeated_key("week", &week, "partner, lane and week", first, number)));
    }
    let old = commitment_get_unscoped(db, partner_id, lane_id, draft.week)?;
    let row = CommitmentRow {
        partner_id,
        lane_id,
        week: Day(draft.week),
        base_units: draft.base_units,
        surge_bps: draft.surge_bps,
        unit_cost_micros: draft.unit_cost_micros,
        currency: reporting.to_owned(),
        recorded_at: Instant(run.now),
    };
    let promised = |row: &CommitmentRow| (row.base_units, row.surge_bps, row.unit_cost_micros);
    if old.as_ref().is_some_and(|old| promised(old) == promised(&row)) {
        return Ok(Ok(Done::Same));
    }
    commitment_put(db, &row)?;
    Ok(Ok(if old.is_some() { Done::Changed } else { Done::New }))
}
