//! Scores partners and publishes scorecards: computed from measure cells, stored as documents, never edited.
//!
//! Running again changes nothing. Changed facts give a new publication that names the one it restates, until the scorecard
//! is final: from then on only a person restates it ([`super::restatement`]), and a run notes that facts would move it. A
//! period that still runs has a preview, which each run replaces.

mod scoped;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;

use super::App;
use super::own_kpi::library_at;
use crate::db::challenge::challenges_of_card;
use crate::db::contract::contracts_in_force;
use crate::db::dialect::write_tx;
use crate::db::own_kpi::own_kpi_rows;
use crate::db::restatement::{
    DriftRow, FinalRow, drift_clear, drift_note, final_insert, finals_of_period_unscoped,
};
use crate::db::scorecard::{
    PublicationRow, ScorecardRow, StoredTemplate, day_cells, first_day, has_cells, lane_titles,
    month_lane_cells, scorecard_briefs, scorecard_by_id, scorecard_heads, scorecard_latest,
    scorecard_log_add, scorecard_log_unscoped, scorecard_page, scorecard_preview_delete, scorecard_publish,
    scorecard_templates_used, scored_partners, targets_in_force, template_by_id, template_id,
    template_insert, templates_agreed,
};
use crate::db::setting::{reporting_currency, reporting_day, reporting_zone};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::calendar::BusinessCalendar;
use crate::domain::challenge::Acceptance;
use crate::domain::digest::sha256;
use crate::domain::formula::{OwnKpi, Plan};
use crate::domain::known::end_of_day;
use crate::domain::measure::{Measures, Tally};
use crate::domain::outcome::local_day;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::scorecard::{
    AgreedTemplate, Alone, Facts, HeldStanding, MIN_ACTIVE_DAYS, MIN_SHIPMENTS, Mark, Publication,
    PublicationState, QuarterScore, RECENCY_MONTHS, SERIES_WEEKS, ScorecardProblem, Snapshot, StandingInput,
    Summary, TargetOverride, Template, Tier, default_template, log_faults, own_codes, own_plans, snapshot,
    standing, template_of,
};
use crate::domain::viewer::Viewer;
use crate::domain::words;

/// Version under which a new installation's template is stored.
pub const DEFAULT_TEMPLATE_VERSION: &str = "2026.1";
/// How far back a nightly run looks for changed facts, in days (DOMAIN, Appendix C).
const RESTATE_DAYS: u64 = 90;
/// Earlier quarters that a standing is decided on.
pub(super) const QUARTERS_BEFORE: u32 = 2;
/// Scorecards read at once when all are checked.
const VERIFY_PAGE: i64 = 200;

/// Why partners could not be scored.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The database's reason.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Nothing of the period is over yet.
    #[error("{period} has no full day before {as_of}; score an earlier period")]
    NotBegun {
        /// The period asked for.
        period: Period,
        /// The day of the run.
        as_of: NaiveDate,
    },
    /// Only months and quarters are published.
    #[error("scorecards are published by month and quarter; `{0}` is neither")]
    Kind(Period),
}

impl From<diesel::result::Error> for ScoreError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// What a run did to one period.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ScoreReport {
    /// The period.
    pub period: Period,
    /// Partners with a scorecard after the run.
    pub partners: i64,
    /// First publications.
    pub published: i64,
    /// Publications that correct an earlier one.
    pub restated: i64,
    /// Previews of a running period made or renewed.
    pub previews: i64,
    /// Left as they were.
    pub unchanged: i64,
    /// Final, so that facts that came later did not move them.
    pub held: i64,
    /// Rows beside the scorecards that were written: became final, would be moved by later facts, corrective actions.
    #[serde(skip)]
    noted: i64,
}

impl ScoreReport {
    fn new(period: Period) -> Self {
        Self { period, partners: 0, published: 0, restated: 0, previews: 0, unchanged: 0, held: 0, noted: 0 }
    }

    /// Scorecards stored, and rows about those that are final.
    #[must_use]
    pub fn changed_rows(&self) -> i64 {
        self.published + self.restated + self.previews + self.noted
    }

    /// `June 2025: 12 partners, 11 published, 1 restated`.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = format!("{}: {}", self.period.title(), words::many(self.partners, "partner"));
        for (count, what) in [
            (self.published, "published"),
            (self.restated, "restated"),
            (self.previews, "to date"),
            (self.unchanged, "unchanged"),
            (self.held, "final and held against later facts"),
        ] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text
    }
}

/// Stores the template a new installation starts with; does nothing when it is there. Returns its row id.
///
/// # Errors
/// The engine's reason.
pub fn ensure_default_template(app: &App, db: &mut Db) -> Result<i64, DbError> {
    if let Some(id) = template_id(db, DEFAULT_TEMPLATE_VERSION)? {
        return Ok(id);
    }
    let template = Template { version: DEFAULT_TEMPLATE_VERSION.to_owned(), ..default_template() };
    let id = app.id();
    template_insert(db, id, &template, NaiveDate::default(), "Lanemark", Instant(app.now()))?;
    Ok(id)
}

/// Scores every partner that is not closed for one month or quarter and publishes what is new or differs.
///
/// Reads cells only: the period, the one before it and the weeks of the control chart, whatever the history holds.
///
/// # Errors
/// [`ScoreError`].
pub fn score_period(
    app: &App,
    period: Period,
    as_of: DateTime<Utc>,
    run_id: Option<i64>,
) -> Result<ScoreReport, ScoreError> {
    score(app, period, as_of, run_id, None)
}

/// [`score_period`] of `only` some partners, if any are named.
fn score(
    app: &App,
    period: Period,
    as_of: DateTime<Utc>,
    run_id: Option<i64>,
    only: Option<&BTreeSet<i64>>,
) -> Result<ScoreReport, ScoreError> {
    if !matches!(period.kind(), PeriodKind::Month | PeriodKind::Quarter) {
        return Err(ScoreError::Kind(period));
    }
    let mut db = app.pool.get()?;
    let today = reporting_day(&mut db, as_of)?;
    if period.start() >= today {
        return Err(ScoreError::NotBegun { period, as_of: today });
    }
    write_tx(&mut db, |db| ensure_default_template(app, db))?;
    let run = Run::load(&mut db, period, today)?;
    let mut documents = Vec::new();
    for partner_id in scored_partners(&mut db)? {
        if only.is_some_and(|only| !only.contains(&partner_id)) {
            continue;
        }
        if let Some(document) = run.document(&mut db, partner_id)? {
            documents.push((partner_id, document));
        }
    }
    write_tx(&mut db, |db| store(app, db, &run, as_of, run_id, &documents))
}

/// Scores everything that is due on `as_of`: periods of the last 90 days, the running month and quarter, and of
/// older ones what was never scored, such as the history of a partner that came later. In order, since a
/// standing rests on the quarters before it.
///
/// # Errors
/// [`ScoreError`].
pub fn score_due(
    app: &App,
    as_of: DateTime<Utc>,
    run_id: Option<i64>,
) -> Result<Vec<ScoreReport>, ScoreError> {
    let (begun, today, zone) = {
        let mut db = app.pool.get()?;
        let mut begun = BTreeMap::new();
        for partner_id in scored_partners(&mut db)? {
            if let Some(first) = first_day(&mut db, partner_id)? {
                begun.insert(partner_id, first);
            }
        }
        (begun, reporting_day(&mut db, as_of)?, reporting_zone(&mut db)?)
    };
    let Some(first) = begun.values().min().copied() else { return Ok(Vec::new()) };
    let window = today.checked_sub_days(Days::new(RESTATE_DAYS)).map_or(first, |back| first.max(back));
    let recent: BTreeSet<Period> = periods_between(window, today).into_iter().collect();
    let mut reports = Vec::new();
    for period in periods_between(first, today) {
        if recent.contains(&period) {
            reports.push(score_period(app, period, as_of, run_id)?);
            continue;
        }
        let missing = never_scored(&mut *app.pool.get()?, period, &begun, zone)?;
        if !missing.is_empty() {
            reports.push(score(app, period, as_of, run_id, Some(&missing))?);
        }
    }
    Ok(reports)
}

/// Partners with facts that a scorecard of `period` would show (those of the period before are its trend), and
/// without one that was made after its end. Cells are asked for only where there is none.
fn never_scored(
    db: &mut Db,
    period: Period,
    begun: &BTreeMap<i64, NaiveDate>,
    zone: Tz,
) -> Result<BTreeSet<i64>, DbError> {
    let heads = scorecard_heads(db, period)?;
    let final_made = |id: &i64| heads.get(id).is_some_and(|(_, _, at)| local_day(at.0, zone) >= period.end());
    let mut missing = BTreeSet::new();
    for (&partner_id, &first) in begun {
        if first < period.end()
            && !final_made(&partner_id)
            && has_cells(db, partner_id, period.previous().start(), period.end())?
        {
            missing.insert(partner_id);
        }
    }
    Ok(missing)
}

/// Months and quarters that begin before `today` and end after `from`, each quarter after its last month.
fn periods_between(from: NaiveDate, today: NaiveDate) -> Vec<Period> {
    let mut periods = Vec::new();
    let mut month = Period::containing(PeriodKind::Month, from);
    while month.start() < today {
        periods.push(month);
        let quarter = Period::containing(PeriodKind::Quarter, month.start());
        if quarter.last_day() == month.last_day() || month.next().start() >= today {
            periods.push(quarter);
        }
        month = month.next();
    }
    periods
}

/// A document and the template it was made by.
struct Made {
    template_id: i64,
    document: Snapshot,
}

/// What all partners of a run share.
struct Run {
    period: Period,
    /// First day not counted.
    until: NaiveDate,
    to_date: Option<NaiveDate>,
    /// Every version that was agreed.
    templates: Vec<AgreedTemplate>,
    /// Template of the scorecards that were published already: a card is scored by the version it began with.
    fixed: BTreeMap<i64, i64>,
    /// Contract versions in force when the period began, by partner.
    contracts: BTreeMap<i64, Vec<i64>>,
    targets: BTreeMap<i64, Vec<TargetOverride>>,
    /// Own KPIs of each template, as they stood when the period began, by template.
    own: BTreeMap<i64, Vec<Plan>>,
    /// Earlier scores by themselves, by partner; read only where a template has a half-life.
    earlier: BTreeMap<i64, Vec<(Period, Alone)>>,
    lanes: BTreeMap<i64, String>,
    /// Id, code and region of every lane; read only where a template has a scope by lanes.
    lane_places: Vec<(i64, String, String)>,
    weeks: Vec<Period>,
    /// Briefs of the quarters before, by partner, oldest first.
    quarters: BTreeMap<i64, Vec<(Period, Summary)>>,
    /// Partners that have a scorecard of the period already.
    known: BTreeMap<i64, (i64, String, Instant)>,
    today: NaiveDate,
    currency: String,
    zone: Tz,
}

impl Run {
    fn load(db: &mut Db, period: Period, today: NaiveDate) -> Result<Self, ScoreError> {
        let until = period.end().min(today);
        let running = today < period.end();
        let templates = templates_agreed(db)?;
        let zone = reporting_zone(db)?;
        let known = scorecard_heads(db, period)?;
        let looks_back = templates.iter().any(|one| one.template.terms.half_life_months.is_some());
        Ok(Self {
            period,
            until,
            to_date: running.then(|| until.pred_opt()).flatten(),
            own: own_of(db, &templates, period, zone)?,
            fixed: fixed_templates(db, period, zone, &known)?,
            contracts: contracts_in_force(db, period.start())?,
            earlier: if looks_back { earlier_scores(db, period)? } else { BTreeMap::new() },
            lane_places: scoped::lane_places(db, &templates)?,
            templates,
            targets: targets_in_force(db, period.start())?,
            lanes: lane_titles(db)?,
            weeks: full_weeks(until),
            quarters: quarters_before(db, period)?,
            known,
            today,
            currency: reporting_currency(db)?,
            zone,
        })
    }

    /// The document of one partner; none when it has no facts in the period or the one before.
    fn document(&self, db: &mut Db, partner_id: i64) -> Result<Option<Made>, ScoreError> {
        let agreed = self.template_of(partner_id)?;
        let sums = self.sums(db, partner_id)?;
        let idle = sums.now == Measures::default() && sums.before == Measures::default();
        if idle && !self.known.contains_key(&partner_id) {
            return Ok(None);
        }
        let lanes = self.lanes_of(db, partner_id)?;
        let scoped = scoped::sums(db, self, partner_id, &agreed.template)?;
        let mut document = snapshot(Facts {
            period: self.period,
            to_date: self.to_date,
            currency: &self.currency,
            template: &agreed.template,
            overrides: self.targets.get(&partner_id).cloned().unwrap_or_default(),
            now: &sums.now,
            before: &sums.before,
            weeks: &sums.weeks,
            lanes,
            own: self.own.get(&agreed.id).map_or(&[][..], Vec::as_slice),
            scoped: &scoped,
            earlier: self.earlier.get(&partner_id).map_or(&[][..], Vec::as_slice),
        });
        document.standing = self.standing_of(db, partner_id, &sums, &document)?;
        Ok(Some(Made { template_id: agreed.id, document }))
    }

    /// The version a partner is scored by: the one a published scorecard of the period has, else what was agreed.
    fn template_of(&self, partner_id: i64) -> Result<&AgreedTemplate, DbError> {
        let fixed =
            self.fixed.get(&partner_id).and_then(|id| self.templates.iter().find(|one| one.id == *id));
        let contracts = self.contracts.get(&partner_id).map_or(&[][..], Vec::as_slice);
        fixed.or_else(|| template_of(&self.templates, self.period, partner_id, contracts)).ok_or_else(|| {
            DbError::Stored { what: "the scorecard template".to_owned(), reason: "there is none".to_owned() }
        })
    }

    /// One pass over the partner's cells: whole sums for the two periods, only tallies for the weeks before them.
    fn sums(&self, db: &mut Db, partner_id: i64) -> Result<Sums, ScoreError> {
        let before = self.period.previous();
        let first_week = self.weeks.first().map_or(self.until, |w| w.start());
        let mut sums = Sums {
            now: Measures::default(),
            before: Measures::default(),
            weeks: self.weeks.iter().map(|w| (*w, [Tally::default(); 3])).collect(),
            shipments: 0,
        };
        day_cells::<ScoreError>(db, partner_id, first_week.min(before.start()), self.until, |day, text| {
            let bad = |error: serde_json::Error| DbError::Stored {
                what: format!("a measure cell of partner {partner_id} on {day}"),
                reason: error.to_string(),
            };
            let judged = if day >= before.start() {
                let whole: Measures = serde_json::from_str(text).map_err(bad)?;
                if self.period.contains(day) {
                    sums.now += &whole;
                } else if before.contains(day) {
                    sums.before += &whole;
                }
                Judged::from(&whole)
            } else {
                serde_json::from_str(text).map_err(bad)?
            };
            sums.add(day, first_week, &judged);
            Ok(())
        })?;
        Ok(sums)
    }

    fn lanes_of(&self, db: &mut Db, partner_id: i64) -> Result<Vec<(i64, String, [Tally; 3])>, ScoreError> {
        let mut lanes: BTreeMap<i64, [Tally; 3]> = BTreeMap::new();
        month_lane_cells::<ScoreError>(
            db,
            partner_id,
            self.period.start(),
            self.period.end(),
            |lane, text| {
                let judged: Judged = serde_json::from_str(text).map_err(|error| DbError::Stored {
                    what: format!("a lane cell of partner {partner_id}, lane {lane}"),
                    reason: error.to_string(),
                })?;
                let sums = lanes.entry(lane).or_default();
                sums.iter_mut().zip(judged.tallies()).for_each(|(sum, tally)| *sum += tally);
                Ok(())
            },
        )?;
        let title = |id: i64| self.lanes.get(&id).cloned().unwrap_or_else(|| format!("Lane {id}"));
        Ok(lanes.into_iter().map(|(id, tallies)| (id, title(id), tallies)).collect())
    }

    /// A quarter decides; a month shows what the last quarter decided.
    fn standing_of(
        &self,
        db: &mut Db,
        partner_id: i64,
        sums: &Sums,
        document: &Snapshot,
    ) -> Result<Option<HeldStanding>, ScoreError> {
        let earlier = self.quarters.get(&partner_id).map_or(&[][..], Vec::as_slice);
        let (days_active, shipments) = self.activity(db, partner_id, sums)?;
        let decide = |quarters: &[QuarterScore]| {
            standing(&StandingInput {
                current: earlier.last().and_then(|(_, summary)| summary.tier),
                quarters,
                days_active,
                shipments,
                gate_failed: document.result.failed_gate().is_some(),
            })
        };
        if self.period.kind() == PeriodKind::Quarter {
            let mut quarters: Vec<QuarterScore> =
                earlier.iter().map(|(_, summary)| summary.quarter).collect();
            quarters.push(document.summary().quarter);
            return Ok(Some(HeldStanding { quarter: Some(self.period), standing: decide(&quarters) }));
        }
        if let Some((quarter, _)) = earlier.last() {
            let row = scorecard_latest(db, &Viewer::system(), partner_id, *quarter)?;
            let decided = row.map(|row| parsed(&row)).transpose()?.and_then(|document| document.standing);
            if decided.is_some() {
                return Ok(decided);
            }
        }
        let new = days_active < MIN_ACTIVE_DAYS || shipments < MIN_SHIPMENTS;
        Ok(new.then(|| HeldStanding { quarter: None, standing: decide(&[]) }))
    }

    /// Days since the first fact and shipments so far, until the end of the period; shipments are counted only until
    /// they are enough.
    fn activity(&self, db: &mut Db, partner_id: i64, sums: &Sums) -> Result<(i64, i64), ScoreError> {
        let (days, shipments) = match sums.shipments {
            known if known >= MIN_SHIPMENTS => (days_active(db, partner_id, self.until)?, known),
            _ => activity_until(db, partner_id, self.until)?,
        };
        Ok((days, shipments))
    }
}

/// Days since the first fact of a partner, until `until`.
fn days_active(db: &mut Db, partner_id: i64, until: NaiveDate) -> Result<i64, DbError> {
    let first = first_day(db, partner_id)?;
    Ok(first.map_or(0, |first| until.signed_duration_since(first).num_days().max(0)))
}

/// Days since the first fact of a partner and shipments so far, until `until`.
///
/// # Errors
/// The engine's reason, or a cell that does not read back.
pub(super) fn activity_until(db: &mut Db, partner_id: i64, until: NaiveDate) -> Result<(i64, i64), DbError> {
    let Some(first) = first_day(db, partner_id)? else { return Ok((0, 0)) };
    let mut shipments = 0;
    day_cells::<DbError>(db, partner_id, first, until, |day, text| {
        let judged: Judged = serde_json::from_str(text).map_err(|error| DbError::Stored {
            what: format!("a measure cell of partner {partner_id} on {day}"),
            reason: error.to_string(),
        })?;
        shipments += judged.shipments;
        Ok(())
    })?;
    Ok((days_active(db, partner_id, until)?, shipments))
}

/// The own KPIs of a template in the versions that stood when the period began; a change made since counts for later
/// periods only, so that scoring again restates nothing on its account.
fn own_of(
    db: &mut Db,
    templates: &[AgreedTemplate],
    period: Period,
    zone: Tz,
) -> Result<BTreeMap<i64, Vec<Plan>>, DbError> {
    let began = period.start().pred_opt().unwrap_or_else(|| period.start());
    let mut plans = BTreeMap::new();
    for one in templates {
        let codes = own_codes(&one.template);
        if !codes.is_empty() {
            let library = library_at(db, end_of_day(began, zone), &codes)?;
            plans.insert(one.id, own_plans(&one.template, &library));
        }
    }
    Ok(plans)
}

/// The template of each scorecard that was published after the end of its period.
fn fixed_templates(
    db: &mut Db,
    period: Period,
    zone: Tz,
    known: &BTreeMap<i64, (i64, String, Instant)>,
) -> Result<BTreeMap<i64, i64>, DbError> {
    let mut used = scorecard_templates_used(db, period)?;
    used.retain(|partner_id, _| {
        known.get(partner_id).is_some_and(|(_, _, at)| local_day(at.0, zone) >= period.end())
    });
    Ok(used)
}

/// Scores of the periods of the same kind that a half-life can reach, each by itself.
fn earlier_scores(db: &mut Db, period: Period) -> Result<BTreeMap<i64, Vec<(Period, Alone)>>, DbError> {
    let from = period.start().checked_sub_months(Months::new(RECENCY_MONTHS)).unwrap_or(period.start());
    let mut earlier: BTreeMap<i64, Vec<(Period, Alone)>> = BTreeMap::new();
    for brief in scorecard_briefs(db, &Viewer::system(), None, from, period.start())? {
        if brief.period.kind() == period.kind() {
            earlier.entry(brief.partner_id).or_default().push((brief.period, brief.summary.alone()));
        }
    }
    Ok(earlier)
}

/// The sums of one partner.
struct Sums {
    now: Measures,
    before: Measures,
    weeks: Vec<(Period, [Tally; 3])>,
    shipments: i64,
}

impl Sums {
    fn add(&mut self, day: NaiveDate, first_week: NaiveDate, judged: &Judged) {
        self.shipments += judged.shipments;
        let week =
            usize::try_from(day.signed_duration_since(first_week).num_days()).ok().map(|days| days / 7);
        let Some((_, tallies)) = week.and_then(|week| self.weeks.get_mut(week)) else { return };
        tallies.iter_mut().zip(judged.tallies()).for_each(|(sum, tally)| *sum += tally);
    }
}

/// The part of a cell that the weeks need; reading the rest of 26 weeks would only cost time.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Judged {
    shipments: i64,
    pickup_window: Tally,
    delivery_day: Tally,
    delivery_window: Tally,
}

impl Judged {
    /// In the order of the headline KPIs.
    fn tallies(&self) -> [Tally; 3] {
        [self.delivery_window, self.delivery_day, self.pickup_window]
    }
}

impl From<&Measures> for Judged {
    fn from(whole: &Measures) -> Self {
        Self {
            shipments: whole.shipments,
            pickup_window: whole.pickup_window,
            delivery_day: whole.delivery_day,
            delivery_window: whole.delivery_window,
        }
    }
}

/// The last full ISO weeks before `until`, oldest first.
pub(super) fn full_weeks(until: NaiveDate) -> Vec<Period> {
    let mut week = Period::containing(PeriodKind::Week, until).previous();
    let mut weeks = Vec::with_capacity(SERIES_WEEKS);
    for _ in 0..SERIES_WEEKS {
        weeks.push(week);
        week = week.previous();
    }
    weeks.reverse();
    weeks
}

fn quarters_before(db: &mut Db, period: Period) -> Result<BTreeMap<i64, Vec<(Period, Summary)>>, DbError> {
    let end = Period::containing(PeriodKind::Quarter, period.start()).start();
    let from = end.checked_sub_months(Months::new(3 * QUARTERS_BEFORE)).unwrap_or(end);
    let mut quarters: BTreeMap<i64, Vec<(Period, Summary)>> = BTreeMap::new();
    for brief in scorecard_briefs(db, &Viewer::system(), None, from, end)? {
        if brief.period.kind() == PeriodKind::Quarter {
            quarters.entry(brief.partner_id).or_default().push((brief.period, brief.summary));
        }
    }
    Ok(quarters)
}

fn store(
    app: &App,
    db: &mut Db,
    run: &Run,
    as_of: DateTime<Utc>,
    run_id: Option<i64>,
    documents: &[(i64, Made)],
) -> Result<ScoreReport, ScoreError> {
    let mut report = ScoreReport::new(run.period);
    // Read again inside the transaction: another run may have published since.
    let heads = scorecard_heads(db, run.period)?;
    let finals = Finals::read(db, run)?;
    for (partner_id, made) in documents {
        report.partners += 1;
        let (text, hash) = written(&made.document)?;
        let head = heads.get(partner_id);
        let preview = head.filter(|(_, _, at)| local_day(at.0, run.zone) < run.period.end());
        let published = head.filter(|_| preview.is_none());
        if let Some((id, stored, _)) = published.filter(|_| finals.holds(*partner_id)) {
            // Final: facts that came later move no figure of it by themselves (DOMAIN §7.2).
            report.noted += finals.note(app, db, *partner_id, (*id, stored))?;
            if *stored == hash || *stored == older_hash(&made.document)? {
                report.unchanged += 1;
                report.noted += i64::from(drift_clear(db, *partner_id, &finals.period)?);
            } else {
                report.held += 1;
                report.noted += i64::from(drift_note(
                    db,
                    &DriftRow {
                        partner_id: *partner_id,
                        period: finals.period.clone(),
                        snapshot_hash: hash,
                        seen_at: Instant(app.now()),
                    },
                )?);
            }
            continue;
        }
        let as_published = match published {
            Some((_, stored, _)) if *stored != hash => *stored == older_hash(&made.document)?,
            _ => false,
        };
        if let Some((id, stored, _)) = head.filter(|(_, stored, _)| as_published || *stored == hash) {
            report.unchanged += 1;
            if preview.is_none() {
                report.noted += finals.note(app, db, *partner_id, (*id, stored))?;
            }
            continue;
        }
        let restates = published.map(|(id, _, _)| *id);
        if let Some((id, _, _)) = preview {
            scorecard_preview_delete(db, *id)?;
        }
        let row = row_of(app, run, *partner_id, made, Written { text, hash, restates, as_of, run_id })?;
        scorecard_publish(db, &row, restates)?;
        if run.to_date.is_none() {
            scorecard_log_add(db, &row)?;
            report.noted += finals.note(app, db, *partner_id, (row.id, &row.snapshot_hash))?;
        }
        match (run.to_date, restates) {
            (Some(_), _) => report.previews += 1,
            (None, Some(_)) => report.restated += 1,
            (None, None) => report.published += 1,
        }
    }
    if run.period.kind() == PeriodKind::Quarter {
        report.noted += super::corrective::follow(app, db, None, run.today)?;
    }
    Ok(report)
}

/// Which scorecards of the period are final.
struct Finals {
    period: String,
    known: BTreeSet<i64>,
    publication: Publication,
    today: NaiveDate,
}

impl Finals {
    fn read(db: &mut Db, run: &Run) -> Result<Self, DbError> {
        let period = run.period.to_string();
        Ok(Self {
            known: finals_of_period_unscoped(db, &period)?,
            period,
            publication: Publication::of(run.period, &BusinessCalendar::weekdays([])),
            today: run.today,
        })
    }

    /// Whether a published scorecard stays as it is: it was noted as final, or its final day is over, noted or not.
    fn holds(&self, partner_id: i64) -> bool {
        self.known.contains(&partner_id) || self.today > self.publication.final_on
    }

    /// Notes that a scorecard is final, once its day has come. Gives 1 when that is news.
    fn note(&self, app: &App, db: &mut Db, partner_id: i64, card: (i64, &str)) -> Result<i64, DbError> {
        if self.known.contains(&partner_id) || self.publication.state(self.today) != PublicationState::Final {
            return Ok(0);
        }
        let raised = challenges_of_card(db, &Viewer::system(), partner_id, &self.period)?;
        let open = raised.iter().filter(|one| one.answer.is_none()).count();
        final_insert(
            db,
            &FinalRow {
                partner_id,
                period: self.period.clone(),
                scorecard_id: card.0,
                snapshot_hash: card.1.to_owned(),
                acceptance: Acceptance::of(raised.len(), open).code().to_owned(),
                open_challenges: i32::try_from(open).unwrap_or(i32::MAX),
                final_at: Instant(app.now()),
            },
        )?;
        Ok(1)
    }
}

/// What scoring a partner's period as of now gives, and a row to publish it by.
pub(super) struct Fresh {
    run: Run,
    made: Made,
    text: String,
    /// SHA-256 of the document, in hex.
    pub hash: String,
}

impl Fresh {
    /// Scores one partner; none when it has no facts in the period or the one before and no scorecard.
    pub(super) fn read(
        db: &mut Db,
        partner_id: i64,
        period: Period,
        today: NaiveDate,
    ) -> Result<Option<Self>, ScoreError> {
        let run = Run::load(db, period, today)?;
        let Some(made) = run.document(db, partner_id)? else { return Ok(None) };
        let (text, hash) = written(&made.document)?;
        Ok(Some(Self { run, made, text, hash }))
    }

    /// The document.
    pub(super) fn document(&self) -> &Snapshot {
        &self.made.document
    }

    /// Stores it as a new publication in place of the one named, and logs that. Gives the new row's id.
    pub(super) fn publish(
        self,
        app: &App,
        db: &mut Db,
        partner_id: i64,
        restates: i64,
    ) -> Result<i64, DbError> {
        let written = Written {
            text: self.text,
            hash: self.hash,
            restates: Some(restates),
            as_of: app.now(),
            run_id: None,
        };
        let row = row_of(app, &self.run, partner_id, &self.made, written)?;
        scorecard_publish(db, &row, Some(restates))?;
        scorecard_log_add(db, &row)?;
        super::corrective::follow(app, db, Some(partner_id), self.run.today)?;
        Ok(row.id)
    }
}

/// What a row says besides its document.
struct Written {
    text: String,
    hash: String,
    restates: Option<i64>,
    as_of: DateTime<Utc>,
    run_id: Option<i64>,
}

fn row_of(
    app: &App,
    run: &Run,
    partner_id: i64,
    made: &Made,
    written: Written,
) -> Result<ScorecardRow, DbError> {
    let document = &made.document;
    let calendar = BusinessCalendar::weekdays([]);
    let summary = serde_json::to_string(&document.summary()).map_err(|error| unwritable(&error))?;
    Ok(ScorecardRow {
        id: app.id(),
        partner_id,
        period: run.period.to_string(),
        period_start: Day(run.period.start()),
        template_id: made.template_id,
        state: Publication::of(run.period, &calendar).state(run.today).code().to_owned(),
        composite_tenths: document.result.published.and_then(tenths),
        standing: document.standing.as_ref().map_or("", |s| s.standing.tier.code()).to_owned(),
        coverage_bps: coverage_bps(document),
        summary,
        snapshot: written.text,
        snapshot_hash: written.hash,
        restates: written.restates,
        latest: true,
        as_of: Instant(written.as_of),
        run_id: written.run_id,
        created_at: Instant(app.now()),
    })
}

fn coverage_bps(document: &Snapshot) -> i32 {
    (document.result.coverage * Decimal::from(10_000)).trunc().to_i32().unwrap_or_default()
}

fn tenths(published: Decimal) -> Option<i32> {
    (published * Decimal::TEN).trunc().to_i32()
}

fn unwritable(error: &serde_json::Error) -> DbError {
    DbError::Stored { what: "a scorecard".to_owned(), reason: error.to_string() }
}

/// The document as stored, and its hash.
fn written(document: &Snapshot) -> Result<(String, String), DbError> {
    let text = serde_json::to_string(document).map_err(|error| unwritable(&error))?;
    let hash = sha256(&text);
    Ok((text, hash))
}

/// The hash of the document as it was written before misses were told by reason: a card published then is not restated
/// only to tell more.
fn older_hash(document: &Snapshot) -> Result<String, DbError> {
    let mut older = document.clone();
    older.drop_reasons();
    written(&older).map(|(_, hash)| hash)
}

/// The document of a stored row.
///
/// # Errors
/// [`DbError::Stored`] when it does not read back.
pub fn parsed(row: &ScorecardRow) -> Result<Snapshot, DbError> {
    serde_json::from_str(&row.snapshot)
        .map_err(|error| DbError::Stored { what: format!("scorecard {}", row.id), reason: error.to_string() })
}

/// The template in force on the day of `as_of`; none before the first scoring.
///
/// # Errors
/// The engine's reason.
pub fn template_today(db: &mut Db, as_of: DateTime<Utc>) -> Result<Option<Template>, DbError> {
    template_today_for(db, as_of, None)
}

/// The template that scores a partner in the month of `as_of`; for nobody in particular, the one for all.
///
/// # Errors
/// The engine's reason.
pub fn template_today_for(
    db: &mut Db,
    as_of: DateTime<Utc>,
    partner_id: Option<i64>,
) -> Result<Option<Template>, DbError> {
    let today = reporting_day(db, as_of)?;
    let month = Period::containing(PeriodKind::Month, today);
    let contracts = match partner_id {
        Some(id) => contracts_in_force(db, month.start())?.remove(&id).unwrap_or_default(),
        None => Vec::new(),
    };
    let templates = templates_agreed(db)?;
    // No partner has the id 0.
    let found = template_of(&templates, month, partner_id.unwrap_or_default(), &contracts);
    Ok(found.map(|one| one.template.clone()))
}

/// A published scorecard with its document.
#[derive(Clone, Debug)]
pub struct Published {
    /// The row.
    pub row: ScorecardRow,
    /// The document.
    pub snapshot: Snapshot,
}

impl Published {
    /// Reads the document of a row.
    ///
    /// # Errors
    /// As [`parsed`].
    pub fn read(row: ScorecardRow) -> Result<Self, DbError> {
        Ok(Self { snapshot: parsed(&row)?, row })
    }
}

/// The newest scorecard of one partner and period; none when there is none or the viewer may not see it.
///
/// # Errors
/// The engine's reason, or a document that does not read back.
pub fn published(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    period: Period,
) -> Result<Option<Published>, DbError> {
    scorecard_latest(db, viewer, partner_id, period)?.map(Published::read).transpose()
}

/// A publication by its row, as [`crate::db::scorecard::scorecard_publications`] lists it to a viewer.
///
/// # Errors
/// As [`published`].
pub fn publication(db: &mut Db, row: &PublicationRow) -> Result<Option<Published>, DbError> {
    scorecard_by_id(db, row.id)?.map(Published::read).transpose()
}

/// Checks every published scorecard: the document is the one that was hashed, its scores follow from its inputs and
/// the template as agreed, the row says what the document says, and the log of publications knows it as it is and lacks
/// none. Returns the problems and how many were checked.
///
/// # Errors
/// The engine's reason.
pub fn verify_scorecards(db: &mut Db) -> Result<(Vec<ScorecardProblem>, i64), DbError> {
    let mut problems = Vec::new();
    let mut templates: BTreeMap<i64, Option<StoredTemplate>> = BTreeMap::new();
    let mut kept: BTreeMap<(String, i32), OwnKpi> = BTreeMap::new();
    for row in own_kpi_rows(db)? {
        // A row that does not read back is told by the check of definitions.
        if let Ok(kpi) = row.kpi() {
            kept.insert((row.code, row.version), kpi);
        }
    }
    let (mut after, mut checked, mut marks) = (0, 0, Vec::new());
    loop {
        let rows = scorecard_page(db, after, VERIFY_PAGE)?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        for row in &rows {
            checked += 1;
            let template = match templates.entry(row.template_id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(template_by_id(db, row.template_id)?),
            };
            let document = parsed(row).ok();
            let mut found = faults(row, document.as_ref(), template.as_ref());
            let own = document.as_ref().and_then(|document| document.own.as_ref());
            let is_kept = |kpi: &OwnKpi| kept.get(&(kpi.code.clone(), kpi.version)) == Some(kpi);
            if own.is_some_and(|own| !own.definitions.iter().all(is_kept)) {
                found.push("an own KPI in the document says otherwise than the version of it that is kept");
            }
            problems.extend(found.into_iter().map(|what| ScorecardProblem {
                scorecard_id: row.id,
                partner_id: row.partner_id,
                period: row.period.clone(),
                what,
            }));
            marks.push(mark_of(row, document.as_ref()));
        }
    }
    problems.extend(log_faults(&scorecard_log_unscoped(db)?, &marks));
    Ok((problems, checked))
}

fn mark_of(row: &ScorecardRow, document: Option<&Snapshot>) -> Mark {
    Mark {
        id: row.id,
        partner_id: row.partner_id,
        period: row.period.clone(),
        state: row.state.clone(),
        snapshot_hash: row.snapshot_hash.clone(),
        restates: row.restates,
        is_latest: row.latest,
        is_preview: document.is_some_and(|document| document.to_date.is_some()),
    }
}

fn faults(
    row: &ScorecardRow,
    document: Option<&Snapshot>,
    template: Option<&StoredTemplate>,
) -> Vec<&'static str> {
    let mut faults = Vec::new();
    if sha256(&row.snapshot) != row.snapshot_hash {
        faults.push("the document is not the one that was published: its hash differs");
    }
    let Some(document) = document else {
        faults.push("the document does not read back");
        return faults;
    };
    let Some(template) = template else {
        faults.push("the template it was scored by is gone");
        return faults;
    };
    if !document.re_performs(&template.template) {
        faults.push("scoring the stored inputs again gives other scores");
    }
    if document.result.published.and_then(tenths) != row.composite_tenths {
        faults.push("the row and the document name different composites");
    }
    if document.standing.as_ref().map_or("", |s| s.standing.tier.code()) != row.standing {
        faults.push("the row and the document name different standings");
    }
    if coverage_bps(document) != row.coverage_bps {
        faults.push("the row and the document name different coverage");
    }
    if !serde_json::from_str(&row.summary).is_ok_and(|stored: Summary| stored == document.summary()) {
        faults.push("the row's summary is not that of the document");
    }
    if document.period.to_string() != row.period || Day(document.period.start()) != row.period_start {
        faults.push("the row and the document name different periods");
    }
    faults
}

/// The standing a stored code names.
#[must_use]
pub fn tier_from_code(code: &str) -> Option<Tier> {
    [
        Tier::Strategic,
        Tier::Preferred,
        Tier::Approved,
        Tier::Probation,
        Tier::ExitReview,
        Tier::Suspended,
        Tier::Onboarding,
    ]
    .into_iter()
    .find(|tier| tier.code() == code)
}

#[cfg(test)]
mod tests;
