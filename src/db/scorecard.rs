//! Scorecard templates and published scorecards. A published row is never changed; a newer one of the same partner
//! and period takes the `latest` mark from it and names it in `restates`.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::partner::Partner;
use super::restatement::FinalRow;
use super::schema::{
    exclusions, kpi_targets, lane_cells, lanes, measure_cells, partners, scorecard_changes, scorecard_finals,
    scorecard_log, scorecard_templates, scorecards, settings, standing_overrides,
};
use super::setting::{REPORTING_CURRENCY, REPORTING_ZONE, zone_of};
use super::shipment::partner_filter;
use super::types::{Day, Instant};
use crate::domain::exclusion::Side;
use crate::domain::money::Micros;
use crate::domain::outcome::local_day;
use crate::domain::partner::PartnerStatus;
use crate::domain::period::Period;
use crate::domain::scorecard::{AgreedTemplate, Logged, Summary, TargetOverride, Template};
use crate::domain::viewer::Viewer;
use crate::domain::words;

/// Scorecards one list answers at most.
pub const LIST_LIMIT: i64 = 20_000;
/// Scorecards one statement answers at most where all are read, page after page.
const PAGE_ROWS: i64 = 20_000;

/// A published scorecard, whole.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = scorecards, treat_none_as_default_value = false)]
pub struct ScorecardRow {
    /// Row id.
    pub id: i64,
    /// Whose.
    pub partner_id: i64,
    /// Of which period, as written: `2025-06`, `2025-Q2`.
    pub period: String,
    /// Its first day.
    pub period_start: Day,
    /// The template it was scored by.
    pub template_id: i64,
    /// State of publication on the day it was made.
    pub state: String,
    /// Published composite times ten; none when not scored.
    pub composite_tenths: Option<i32>,
    /// Code of the standing held; empty before the first decision.
    pub standing: String,
    /// Share of KPI weight that is scored.
    pub coverage_bps: i32,
    /// What lists and trends need, as JSON of [`Summary`].
    pub summary: String,
    /// The document, JSON.
    pub snapshot: String,
    /// SHA-256 of the document, in hex.
    pub snapshot_hash: String,
    /// The publication this one corrects.
    pub restates: Option<i64>,
    /// Whether it is the newest of its partner and period.
    pub latest: bool,
    /// Facts known until then are in it.
    pub as_of: Instant,
    /// The job run that made it.
    pub run_id: Option<i64>,
    /// When it was stored.
    pub created_at: Instant,
}

/// A published scorecard without its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScorecardBrief {
    /// Row id.
    pub id: i64,
    /// Whose.
    pub partner_id: i64,
    /// Of which period.
    pub period: Period,
    /// Published composite times ten; none when not scored.
    pub composite_tenths: Option<i32>,
    /// Code of the standing held; empty before the first decision.
    pub standing: String,
    /// What lists and trends need.
    pub summary: Summary,
    /// The publication it corrects.
    pub restates: Option<i64>,
    /// Facts known until then are in it.
    pub as_of: Instant,
}

impl ScorecardBrief {
    /// Whether it decides anything on `day`: its period is over, and it was made after that. A preview that was made while
    /// the period ran decides nothing, also when its period is over since.
    #[must_use]
    pub fn decides(&self, zone: Tz, day: NaiveDate) -> bool {
        self.period.end() <= day && local_day(self.as_of.0, zone) >= self.period.end()
    }
}

type BriefTuple = (i64, i64, String, Option<i32>, String, String, Option<i64>, Instant);

const BRIEF: (
    scorecards::id,
    scorecards::partner_id,
    scorecards::period,
    scorecards::composite_tenths,
    scorecards::standing,
    scorecards::summary,
    scorecards::restates,
    scorecards::as_of,
) = (
    scorecards::id,
    scorecards::partner_id,
    scorecards::period,
    scorecards::composite_tenths,
    scorecards::standing,
    scorecards::summary,
    scorecards::restates,
    scorecards::as_of,
);

fn brief(row: BriefTuple) -> Result<ScorecardBrief, DbError> {
    let (id, partner_id, period, composite_tenths, standing, summary, restates, as_of) = row;
    let bad = |reason: String| DbError::Stored { what: format!("scorecard {id}"), reason };
    Ok(ScorecardBrief {
        id,
        partner_id,
        period: period.parse().map_err(|error: crate::domain::period::BadPeriod| bad(error.to_string()))?,
        composite_tenths,
        standing,
        summary: serde_json::from_str(&summary).map_err(|error| bad(error.to_string()))?,
        restates,
        as_of,
    })
}

/// A stored template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTemplate {
    /// Row id.
    pub id: i64,
    /// What it says.
    pub template: Template,
}

fn stored_template((id, text): (i64, String)) -> Result<StoredTemplate, DbError> {
    let template = serde_json::from_str(&text).map_err(|error| DbError::Stored {
        what: format!("scorecard template {id}"),
        reason: error.to_string(),
    })?;
    Ok(StoredTemplate { id, template })
}

/// Every version that was agreed, oldest first: [`crate::domain::scorecard::template_of`] chooses among them. A template
/// is no partner's data beside the partner it may name, so only the shipper's pages list them.
///
/// # Errors
/// The engine's reason, or a template that does not read back.
pub fn templates_agreed(db: &mut Db) -> Result<Vec<AgreedTemplate>, DbError> {
    let rows: Vec<(i64, String, Day)> = scorecard_templates::table
        .order((scorecard_templates::valid_from, scorecard_templates::id))
        .select((scorecard_templates::id, scorecard_templates::definition, scorecard_templates::valid_from))
        .load(db)?;
    rows.into_iter()
        .map(|(id, text, from)| {
            let StoredTemplate { id, template } = stored_template((id, text))?;
            Ok(AgreedTemplate { id, valid_from: from.0, template })
        })
        .collect()
}

/// The template that the newest scorecard of each partner in `period` was scored by.
///
/// # Errors
/// The engine's reason.
pub fn scorecard_templates_used(db: &mut Db, period: Period) -> QueryResult<BTreeMap<i64, i64>> {
    let rows: Vec<(i64, i64)> = scorecards::table
        .filter(scorecards::period.eq(period.to_string()))
        .filter(scorecards::latest.eq(true))
        .select((scorecards::partner_id, scorecards::template_id))
        .load(db)?;
    Ok(rows.into_iter().collect())
}

/// One template by its row id.
///
/// # Errors
/// As [`templates_agreed`].
pub fn template_by_id(db: &mut Db, id: i64) -> Result<Option<StoredTemplate>, DbError> {
    let row = scorecard_templates::table
        .find(id)
        .select((scorecard_templates::id, scorecard_templates::definition))
        .first(db)
        .optional()?;
    row.map(stored_template).transpose()
}

/// The row id of a version, when it is stored.
///
/// # Errors
/// The engine's reason.
pub fn template_id(db: &mut Db, version: &str) -> QueryResult<Option<i64>> {
    scorecard_templates::table
        .filter(scorecard_templates::version.eq(version))
        .select(scorecard_templates::id)
        .first(db)
        .optional()
}

/// Stores a new version.
///
/// # Errors
/// The engine's reason; a version that exists is refused.
pub fn template_insert(
    db: &mut Db,
    id: i64,
    template: &Template,
    valid_from: NaiveDate,
    created_by: &str,
    at: Instant,
) -> Result<(), DbError> {
    let definition = serde_json::to_string(template).map_err(|error| DbError::Stored {
        what: "a new scorecard template".to_owned(),
        reason: error.to_string(),
    })?;
    diesel::insert_into(scorecard_templates::table)
        .values((
            scorecard_templates::id.eq(id),
            scorecard_templates::version.eq(&template.version),
            scorecard_templates::definition.eq(definition),
            scorecard_templates::valid_from.eq(Day(valid_from)),
            scorecard_templates::created_by.eq(created_by),
            scorecard_templates::created_at.eq(at),
        ))
        .execute(db)?;
    Ok(())
}

/// The newest scorecard of one partner and period; none when there is none or the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn scorecard_latest(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: Period,
) -> Result<Option<ScorecardRow>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(None);
    }
    Ok(scorecards::table
        .filter(scorecards::partner_id.eq(partner_id))
        .filter(scorecards::period.eq(period.to_string()))
        .filter(scorecards::latest.eq(true))
        .select(ScorecardRow::as_select())
        .first(db)
        .optional()?)
}

/// What a scorecard page rests on beside the documents: while it is the same, so is the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardStamp {
    /// Whose.
    pub partner: Partner,
    /// When it became final; none while it is not.
    pub made_final: Option<FinalRow>,
    /// Whether the partner's own side ever asked to leave a stop out.
    pub partner_asked: bool,
    /// Whether anybody ever asked to set its standing by hand.
    pub overridden: bool,
    /// The reporting zone.
    pub zone: Tz,
    /// How often anything changed that pages of scorecards are drawn from.
    pub changes: Option<i64>,
}

/// Counts a change of what pages of scorecards are drawn from, in the transaction that makes it.
///
/// # Errors
/// The engine's reason.
pub fn scorecards_changed(db: &mut Db) -> QueryResult<()> {
    diesel::update(scorecard_changes::table)
        .set(scorecard_changes::count.eq(scorecard_changes::count + 1))
        .execute(db)
        .map(drop)
}

/// Reads the [`CardStamp`] of one partner and period; none when the viewer may not see the partner. One statement, since a
/// page that many open at once is mostly round trips.
///
/// # Errors
/// The engine's reason, or a stored zone that is none.
pub fn card_stamp(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: Period,
) -> Result<Option<CardStamp>, DbError> {
    if !viewer.sees(partner_id) {
        return Ok(None);
    }
    let became_final =
        scorecard_finals::partner_id.eq(partners::id).and(scorecard_finals::period.eq(period.to_string()));
    let asked = exclusions::table
        .filter(exclusions::partner_id.eq(partner_id))
        .filter(exclusions::side.eq(Side::Partner.code()));
    let zone = settings::table.find(REPORTING_ZONE).select(settings::value).single_value();
    let changes = scorecard_changes::table.select(scorecard_changes::count).single_value();
    let by_hand = standing_overrides::table.filter(standing_overrides::partner_id.eq(partner_id));
    type Found = (Partner, Option<FinalRow>, bool, bool, Option<String>, Option<i64>);
    let found: Option<Found> = partners::table
        .left_join(scorecard_finals::table.on(became_final))
        .filter(partners::id.eq(partner_id))
        .select((
            Partner::as_select(),
            Option::<FinalRow>::as_select(),
            diesel::dsl::exists(asked),
            diesel::dsl::exists(by_hand),
            zone,
            changes,
        ))
        .first(db)
        .optional()?;
    let Some((partner, made_final, partner_asked, overridden, zone, changes)) = found else {
        return Ok(None);
    };
    let zone = zone_of(zone.as_deref())?;
    Ok(Some(CardStamp { partner, made_final, partner_asked, overridden, zone, changes }))
}

/// One scorecard by its row id; for use cases that follow restatements, not for pages.
///
/// # Errors
/// The engine's reason.
pub fn scorecard_by_id(db: &mut Db, id: i64) -> QueryResult<Option<ScorecardRow>> {
    scorecards::table.find(id).select(ScorecardRow::as_select()).first(db).optional()
}

/// All latest scorecards of one period, whole, of the partners the viewer may see, by partner.
///
/// # Errors
/// The engine's reason.
pub fn scorecard_list_period(
    db: &mut Db,
    viewer: &Viewer,
    period: Period,
) -> Result<Vec<ScorecardRow>, DbError> {
    let Some(partner) = partner_filter(viewer, None) else { return Ok(Vec::new()) };
    in_pages(
        PAGE_ROWS,
        |after: Option<i64>, rows| {
            let mut query = scorecards::table
                .filter(scorecards::period.eq(period.to_string()))
                .filter(scorecards::latest.eq(true))
                .order(scorecards::partner_id)
                .select(ScorecardRow::as_select())
                .limit(rows)
                .into_boxed();
            if let Some(partner_id) = partner {
                query = query.filter(scorecards::partner_id.eq(partner_id));
            }
            if let Some(after) = after {
                query = query.filter(scorecards::partner_id.gt(after));
            }
            Ok(query.load(db)?)
        },
        |row| row.partner_id,
    )
}

/// Everything a query answers, read by its key page after page, so that nothing is cut off and no statement answers more
/// than `rows`.
///
/// # Errors
/// Those of `read`.
fn in_pages<T, K>(
    rows: i64,
    mut read: impl FnMut(Option<K>, i64) -> Result<Vec<T>, DbError>,
    key: impl Fn(&T) -> K,
) -> Result<Vec<T>, DbError> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = read(after, rows)?;
        let whole = i64::try_from(page.len()).unwrap_or(i64::MAX) >= rows;
        after = page.last().map(&key);
        all.extend(page);
        if !whole {
            return Ok(all);
        }
    }
}

/// Latest scorecards without their documents whose period begins in `[from, until)`, by partner and first day.
///
/// # Errors
/// The engine's reason, or a summary that does not read back.
pub fn scorecard_briefs(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    from: NaiveDate,
    until: NaiveDate,
) -> Result<Vec<ScorecardBrief>, DbError> {
    scorecard_briefs_paged(db, viewer, partner_id, (from, until), PAGE_ROWS)
}

/// [`scorecard_briefs`] with this many rows a statement.
///
/// # Errors
/// As [`scorecard_briefs`].
pub(crate) fn scorecard_briefs_paged(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    (from, until): (NaiveDate, NaiveDate),
    rows: i64,
) -> Result<Vec<ScorecardBrief>, DbError> {
    let Some(partner) = partner_filter(viewer, partner_id) else { return Ok(Vec::new()) };
    let read = |after: Option<(i64, Day, i64)>, rows: i64| {
        let mut query = scorecards::table
            .filter(scorecards::latest.eq(true))
            .filter(scorecards::period_start.ge(Day(from)))
            .filter(scorecards::period_start.lt(Day(until)))
            .order((scorecards::partner_id, scorecards::period_start, scorecards::id))
            .select((BRIEF, scorecards::period_start))
            .limit(rows)
            .into_boxed();
        if let Some(partner_id) = partner {
            query = query.filter(scorecards::partner_id.eq(partner_id));
        }
        if let Some((whose, start, id)) = after {
            let later = scorecards::period_start
                .gt(start)
                .or(scorecards::period_start.eq(start).and(scorecards::id.gt(id)));
            let rest = scorecards::partner_id.gt(whose).or(scorecards::partner_id.eq(whose).and(later));
            query = query.filter(rest);
        }
        Ok(query.load::<(BriefTuple, Day)>(db)?)
    };
    let found = in_pages(rows, read, |(row, start)| (row.1, *start, row.0))?;
    let mut briefs: Vec<ScorecardBrief> = Vec::with_capacity(found.len());
    for (row, _) in found {
        let brief = brief(row)?;
        // One that was published between two pages stands in both, as it was and as it is; the newer counts.
        let again = |one: &ScorecardBrief| (one.partner_id, one.period) == (brief.partner_id, brief.period);
        let start = brief.period.start();
        let near = briefs.iter().rev().take_while(|one| one.period.start() == start).position(again);
        if let Some(back) = near {
            let at = briefs.len().saturating_sub(back).saturating_sub(1);
            briefs.remove(at);
        }
        briefs.push(brief);
    }
    Ok(briefs)
}

/// What lists of published scorecards rest on beside partners: while it is the same, they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// How often anything changed that pages of scorecards are drawn from.
    changes: Option<i64>,
    /// The reporting zone and currency as set.
    zone: Option<String>,
    currency: Option<String>,
}

impl Stamp {
    /// The reporting zone.
    ///
    /// # Errors
    /// A stored zone that is none.
    pub fn zone(&self) -> Result<Tz, DbError> {
        zone_of(self.zone.as_deref())
    }
}

/// Reads the [`Stamp`]; one statement. It names no partner and holds no figure of one.
///
/// # Errors
/// The engine's reason.
pub fn publications_stamp(db: &mut Db) -> QueryResult<Stamp> {
    let changes = scorecard_changes::table.select(scorecard_changes::count).single_value();
    let zone = settings::table.find(REPORTING_ZONE).select(settings::value).single_value();
    let currency = settings::table.find(REPORTING_CURRENCY).select(settings::value).single_value();
    let (changes, zone, currency) = diesel::select((changes, zone, currency)).get_result(db)?;
    Ok(Stamp { changes, zone, currency })
}

/// The newest period of each kind that any partner the viewer may see has a scorecard for, newest first.
///
/// # Errors
/// The engine's reason.
pub fn scorecard_periods(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
) -> Result<Vec<Period>, DbError> {
    let Some(partner) = partner_filter(viewer, partner_id) else { return Ok(Vec::new()) };
    let mut query = scorecards::table
        .filter(scorecards::latest.eq(true))
        .select((scorecards::period, scorecards::period_start))
        .distinct()
        .order((scorecards::period_start.desc(), scorecards::period.desc()))
        .limit(LIST_LIMIT)
        .into_boxed();
    if let Some(partner_id) = partner {
        query = query.filter(scorecards::partner_id.eq(partner_id));
    }
    let rows: Vec<(String, Day)> = query.load(db)?;
    Ok(rows.into_iter().filter_map(|(text, _)| text.parse().ok()).collect())
}

/// One publication of a period, without its document.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = scorecards)]
pub struct PublicationRow {
    /// Row id.
    pub id: i64,
    /// Published composite times ten; none when not scored.
    pub composite_tenths: Option<i32>,
    /// Code of the standing held; empty before the first decision.
    pub standing: String,
    /// The job run that made it; none for a command.
    pub run_id: Option<i64>,
    /// When it was published.
    pub created_at: Instant,
}

/// Every publication of one partner and period, oldest first; none when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn scorecard_publications(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: Period,
) -> QueryResult<Vec<PublicationRow>> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    scorecards::table
        .filter(scorecards::period.eq(period.to_string()))
        .filter(scorecards::partner_id.eq(partner_id))
        .order(scorecards::id)
        .select(PublicationRow::as_select())
        .limit(LIST_LIMIT)
        .load(db)
}

/// The id, hash and preview mark of the newest scorecard of each partner in `period`.
///
/// # Errors
/// The engine's reason.
pub fn scorecard_heads(db: &mut Db, period: Period) -> QueryResult<BTreeMap<i64, (i64, String, Instant)>> {
    let rows: Vec<(i64, i64, String, Instant)> = scorecards::table
        .filter(scorecards::period.eq(period.to_string()))
        .filter(scorecards::latest.eq(true))
        .select((scorecards::partner_id, scorecards::id, scorecards::snapshot_hash, scorecards::as_of))
        .load(db)?;
    Ok(rows.into_iter().map(|(partner, id, hash, as_of)| (partner, (id, hash, as_of))).collect())
}

/// Stores a scorecard as the latest of its partner and period, taking the mark from `replaces`.
///
/// # Errors
/// The engine's reason.
pub fn scorecard_publish(db: &mut Db, row: &ScorecardRow, replaces: Option<i64>) -> QueryResult<()> {
    if let Some(old) = replaces {
        diesel::update(scorecards::table.find(old)).set(scorecards::latest.eq(false)).execute(db)?;
    }
    diesel::insert_into(scorecards::table).values(row).execute(db)?;
    scorecards_changed(db)
}

type LogTuple = (i64, i64, i64, String, String, String, Option<i64>, String);

const LOGGED: (
    scorecard_log::seq,
    scorecard_log::scorecard_id,
    scorecard_log::partner_id,
    scorecard_log::period,
    scorecard_log::state,
    scorecard_log::snapshot_hash,
    scorecard_log::restates,
    scorecard_log::chain,
) = (
    scorecard_log::seq,
    scorecard_log::scorecard_id,
    scorecard_log::partner_id,
    scorecard_log::period,
    scorecard_log::state,
    scorecard_log::snapshot_hash,
    scorecard_log::restates,
    scorecard_log::chain,
);

fn logged(
    (seq, scorecard_id, partner_id, period, state, snapshot_hash, restates, chain): LogTuple,
) -> Logged {
    Logged { seq, scorecard_id, partner_id, period, state, snapshot_hash, restates, chain }
}

/// Adds a publication to the log, in the transaction that stores it.
///
/// # Errors
/// The engine's reason; two that add at once get one place, and the second is refused.
pub fn scorecard_log_add(db: &mut Db, row: &ScorecardRow) -> QueryResult<()> {
    let last: Option<LogTuple> =
        scorecard_log::table.order(scorecard_log::seq.desc()).select(LOGGED).first(db).optional()?;
    let (seq, before) = last.map_or((0, String::new()), |last| (last.0, last.7));
    let line = Logged {
        seq: seq + 1,
        scorecard_id: row.id,
        partner_id: row.partner_id,
        period: row.period.clone(),
        state: row.state.clone(),
        snapshot_hash: row.snapshot_hash.clone(),
        restates: row.restates,
        chain: String::new(),
    };
    let chain = line.chained(&before);
    diesel::insert_into(scorecard_log::table)
        .values((
            scorecard_log::seq.eq(line.seq),
            scorecard_log::scorecard_id.eq(line.scorecard_id),
            scorecard_log::partner_id.eq(line.partner_id),
            scorecard_log::period.eq(&line.period),
            scorecard_log::state.eq(&line.state),
            scorecard_log::snapshot_hash.eq(&line.snapshot_hash),
            scorecard_log::restates.eq(line.restates),
            scorecard_log::chain.eq(chain),
            scorecard_log::logged_at.eq(row.created_at),
        ))
        .execute(db)?;
    Ok(())
}

/// The log of publications, whole, in order: some hundred bytes a publication.
///
/// Unscoped: `verify` holds all scorecards against it.
///
/// # Errors
/// The engine's reason.
pub fn scorecard_log_unscoped(db: &mut Db) -> QueryResult<Vec<Logged>> {
    let rows: Vec<LogTuple> = scorecard_log::table.order(scorecard_log::seq).select(LOGGED).load(db)?;
    Ok(rows.into_iter().map(logged).collect())
}

/// Takes a preview of a running period away; what was published after the period's end is never deleted.
///
/// # Errors
/// The engine's reason.
pub fn scorecard_preview_delete(db: &mut Db, id: i64) -> QueryResult<()> {
    diesel::delete(scorecards::table.find(id)).execute(db)?;
    scorecards_changed(db)
}

/// Scorecards after `after`, whole, in order of id, at most `limit`: for the check of all of them.
///
/// # Errors
/// The engine's reason.
pub fn scorecard_page(db: &mut Db, after: i64, limit: i64) -> QueryResult<Vec<ScorecardRow>> {
    scorecards::table
        .filter(scorecards::id.gt(after))
        .order(scorecards::id)
        .select(ScorecardRow::as_select())
        .limit(limit)
        .load(db)
}

/// Partners that are scored: all but the closed ones, by id.
///
/// # Errors
/// The engine's reason.
pub fn scored_partners(db: &mut Db) -> QueryResult<Vec<i64>> {
    partners::table
        .filter(partners::status.ne(PartnerStatus::Closed.code()))
        .order(partners::id)
        .select(partners::id)
        .load(db)
}

/// The first day of a partner's facts.
///
/// # Errors
/// The engine's reason.
pub fn first_day(db: &mut Db, partner_id: i64) -> QueryResult<Option<NaiveDate>> {
    let day: Option<Day> = measure_cells::table
        .filter(measure_cells::partner_id.eq(partner_id))
        .order(measure_cells::day)
        .select(measure_cells::day)
        .first(db)
        .optional()?;
    Ok(day.map(|d| d.0))
}

/// Whether a partner has facts on days in `[from, until)`.
///
/// # Errors
/// The engine's reason.
pub fn has_cells(db: &mut Db, partner_id: i64, from: NaiveDate, until: NaiveDate) -> QueryResult<bool> {
    let cells = measure_cells::table
        .filter(measure_cells::partner_id.eq(partner_id))
        .filter(measure_cells::day.ge(Day(from)))
        .filter(measure_cells::day.lt(Day(until)));
    diesel::select(diesel::dsl::exists(cells)).get_result(db)
}

/// Hands out the cells of one partner with days in `[from, until)` as stored, oldest first: the caller parses only
/// what it needs.
///
/// # Errors
/// The engine's reason, or the caller's.
pub fn day_cells<E: From<diesel::result::Error>>(
    db: &mut Db,
    partner_id: i64,
    from: NaiveDate,
    until: NaiveDate,
    mut each: impl FnMut(NaiveDate, &str) -> Result<(), E>,
) -> Result<(), E> {
    let rows = measure_cells::table
        .filter(measure_cells::partner_id.eq(partner_id))
        .filter(measure_cells::day.ge(Day(from)))
        .filter(measure_cells::day.lt(Day(until)))
        .select((measure_cells::day, measure_cells::measures))
        .load_iter::<(Day, String), _>(db)?;
    for row in rows {
        let (day, text) = row?;
        each(day.0, &text)?;
    }
    Ok(())
}

/// Hands out the lane cells of one partner with months in `[from, until)` as stored.
///
/// # Errors
/// The engine's reason, or the caller's.
pub fn month_lane_cells<E: From<diesel::result::Error>>(
    db: &mut Db,
    partner_id: i64,
    from: NaiveDate,
    until: NaiveDate,
    mut each: impl FnMut(i64, &str) -> Result<(), E>,
) -> Result<(), E> {
    let rows = lane_cells::table
        .filter(lane_cells::partner_id.eq(partner_id))
        .filter(lane_cells::month.ge(Day(from)))
        .filter(lane_cells::month.lt(Day(until)))
        .select((lane_cells::lane_id, lane_cells::measures))
        .load_iter::<(i64, String), _>(db)?;
    for row in rows {
        let (lane_id, text) = row?;
        each(lane_id, &text)?;
    }
    Ok(())
}

/// Lane id → `Joliet IL to Indianapolis IN`.
///
/// # Errors
/// The engine's reason.
pub fn lane_titles(db: &mut Db) -> QueryResult<BTreeMap<i64, String>> {
    let rows: Vec<(i64, String, String, String)> =
        lanes::table.select((lanes::id, lanes::code, lanes::origin, lanes::destination)).load(db)?;
    Ok(rows.into_iter().map(|(id, code, from, to)| (id, words::lane(&code, &from, &to))).collect())
}

/// The KPI thresholds of every contract version in force on `day`, by partner.
///
/// # Errors
/// [`super::DbError::Stored`] for a contract that does not read back, or the engine's reason.
pub fn targets_in_force(
    db: &mut Db,
    day: NaiveDate,
) -> Result<BTreeMap<i64, Vec<TargetOverride>>, super::DbError> {
    let holding = super::contract::versions_in_force_unscoped(db, day)?;
    let ids: Vec<i64> = holding.iter().map(|version| version.version_id).collect();
    let rows: Vec<(i64, i64, String, i64, i64, i64)> = kpi_targets::table
        .filter(kpi_targets::contract_version_id.eq_any(ids))
        .order(kpi_targets::kpi)
        .select((
            kpi_targets::contract_version_id,
            kpi_targets::partner_id,
            kpi_targets::kpi,
            kpi_targets::floor_micros,
            kpi_targets::target_micros,
            kpi_targets::stretch_micros,
        ))
        .load(db)?;
    // By contract, then by KPI.
    let rows = holding.iter().flat_map(|version| {
        let of_version = rows.iter().filter(|row| row.0 == version.version_id);
        of_version.map(|(_, partner_id, kpi, floor, target, stretch)| {
            let (contract, no) = (version.contract.clone(), version.version_no);
            (*partner_id, kpi.clone(), *floor, *target, *stretch, contract, no)
        })
    });
    let mut by_partner: BTreeMap<i64, Vec<TargetOverride>> = BTreeMap::new();
    for (partner_id, kpi, floor, target, stretch, contract, version) in rows {
        let plain = |micros| Micros(micros).decimal().normalize();
        by_partner.entry(partner_id).or_default().push(TargetOverride {
            kpi,
            floor: plain(floor),
            target: plain(target),
            stretch: plain(stretch),
            contract,
            version,
        });
    }
    Ok(by_partner)
}
