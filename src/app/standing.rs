//! The standing that counts on a day: what the scorecards measured, or what two people set by hand for a while; and what
//! follows from it for the whole portfolio.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Months, NaiveDate};
use rust_decimal::Decimal;

use super::App;
use super::audit::{Entry, audit};
use super::edit::{EditError, allowed, valid};
use super::score::tier_from_code;
use super::scorecard_mail::{To, Told, tell};
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::partner::{Partner, partner_list, partner_show};
use crate::db::scorecard::{scorecard_briefs, scorecard_periods};
use crate::db::setting::reporting_zone;
use crate::db::standing::{
    AskedOverride, OverrideDecisionRow, OverrideRow, Which, override_decision_insert, override_insert,
    override_list,
};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::exclusion::words_fit;
use crate::domain::field::{FieldErrors, require};
use crate::domain::partner::PartnerStatus;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::scorecard::{
    HeldOn, OverrideDecision, OverrideRefused, ShareRange, StandingOverride, Tier, consequences, held_on,
    last_day_held, override_after, override_problem, suggested_share,
};
use crate::domain::viewer::{Action, Viewer};
use crate::domain::words;

/// One override of a partner at a time is decided.
const LOCK: &str = "standing-overrides";
/// Months before the newest scorecard in which the last decision about a standing is looked for: two quarters, the running one
/// and a month to score.
const MEASURED_MONTHS: u32 = 10;

/// The overrides by partner that were agreed for days around `day`, as the rules know them; one that was ended early with
/// the days it held.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
fn agreed(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    day: NaiveDate,
) -> Result<BTreeMap<i64, Vec<StandingOverride>>, DbError> {
    let mut found: BTreeMap<i64, Vec<StandingOverride>> = BTreeMap::new();
    for one in override_list(db, viewer, partner_id, Which::Around(day))? {
        if let Some(held) = override_of(&one)? {
            found.entry(one.row.partner_id).or_default().push(held);
        }
    }
    Ok(found)
}

/// An override as far as it held or holds; none when it was never agreed, or ended before it began.
fn override_of(one: &AskedOverride) -> Result<Option<StandingOverride>, DbError> {
    let row = &one.row;
    if !matches!(one.state, Some(OverrideDecision::Approved | OverrideDecision::Ended)) {
        return Ok(None);
    }
    let Some(last_day) = last_day_held(row.first_day.0, row.last_day.0, one.ended_on()) else {
        return Ok(None);
    };
    let agreed = one.decisions.iter().find(|one| one.kind == OverrideDecision::Approved.code());
    Ok(Some(StandingOverride {
        id: row.id,
        tier: tier_from_code(&row.tier).ok_or_else(|| DbError::Stored {
            what: format!("standing override {}", row.id),
            reason: format!("`{}` is no standing", row.tier),
        })?,
        first_day: row.first_day.0,
        last_day,
        reason: row.reason.clone(),
        people: (row.requested_by.clone(), agreed.map(|one| one.actor.clone()).unwrap_or_default()),
    }))
}

/// The standing that was measured last for each partner the viewer may see, as of `day`, with the period whose scorecard says
/// so.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn measured_on(
    db: &mut Db,
    viewer: &Viewer,
    day: NaiveDate,
) -> Result<BTreeMap<i64, (Period, Tier)>, DbError> {
    measured_of(db, viewer, None, day)
}

fn measured_of(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    day: NaiveDate,
) -> Result<BTreeMap<i64, (Period, Tier)>, DbError> {
    let zone = reporting_zone(db)?;
    // What was decided last holds until something else is, however long ago the last facts came.
    let newest = scorecard_periods(db, viewer, partner_id)?.iter().map(|period| period.end()).max();
    let until = newest.map_or(day, |newest| newest.min(day));
    let from = until.checked_sub_months(Months::new(MEASURED_MONTHS)).unwrap_or(until);
    // A quarter decides; a month shows what the quarter before it decided, and that a partner is new.
    let mut ended: Vec<_> = scorecard_briefs(db, viewer, partner_id, from, until)?
        .into_iter()
        .filter(|brief| brief.decides(zone, day))
        .filter_map(|brief| Some((brief.partner_id, (brief.period, brief.summary.tier?))))
        .collect();
    ended.sort_by_key(|(_, (period, _))| (period.kind() == PeriodKind::Quarter, period.start()));
    Ok(ended.into_iter().collect())
}

/// The standing that each partner the viewer may see holds on `day`, with the measured one beside it: the one answer to where
/// a partner stands, wherever a page, a mail or a job says so.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn standings_on(db: &mut Db, viewer: &Viewer, day: NaiveDate) -> Result<BTreeMap<i64, HeldOn>, DbError> {
    let measured = measured_on(db, viewer, day)?;
    standings_from(db, viewer, &measured, day)
}

/// [`standings_on`] where the [`measured_on`] of that day is at hand.
///
/// # Errors
/// As [`standings_on`].
pub fn standings_from(
    db: &mut Db,
    viewer: &Viewer,
    measured: &BTreeMap<i64, (Period, Tier)>,
    day: NaiveDate,
) -> Result<BTreeMap<i64, HeldOn>, DbError> {
    Ok(held_by(measured, &agreed(db, viewer, None, day)?, day))
}

/// [`standings_on`] of one partner; not ranked when nothing is known of it, or the viewer may not see it.
///
/// # Errors
/// As [`standings_on`].
pub fn standing_on(db: &mut Db, viewer: &Viewer, partner_id: i64, day: NaiveDate) -> Result<HeldOn, DbError> {
    let measured = measured_of(db, viewer, Some(partner_id), day)?;
    let by_hand = agreed(db, viewer, Some(partner_id), day)?;
    Ok(held_by(&measured, &by_hand, day).remove(&partner_id).unwrap_or_default())
}

fn held_by(
    measured: &BTreeMap<i64, (Period, Tier)>,
    by_hand: &BTreeMap<i64, Vec<StandingOverride>>,
    day: NaiveDate,
) -> BTreeMap<i64, HeldOn> {
    let ids: BTreeSet<i64> = measured.keys().chain(by_hand.keys()).copied().collect();
    let held = |id: i64| {
        let overrides = by_hand.get(&id).map_or(&[][..], Vec::as_slice);
        held_on(measured.get(&id).map(|(_, tier)| *tier), overrides, day)
    };
    ids.into_iter().map(|id| (id, held(id))).collect()
}

/// An override to ask for.
#[derive(Clone, Debug)]
pub struct NewOverride {
    /// Whose standing.
    pub partner_id: i64,
    /// The standing.
    pub tier: Option<Tier>,
    /// First and last day.
    pub days: (NaiveDate, NaiveDate),
    /// Why.
    pub reason: String,
}

/// Asks for an override; it holds once a second person agrees. Gives its id.
///
/// # Errors
/// [`EditError::Invalid`] of `tier`, `last_day` or `reason`, [`EditError::NotFound`], [`EditError::Denied`], or the
/// database's reason.
pub fn override_ask(app: &App, db: &mut Db, viewer: &Viewer, new: &NewOverride) -> Result<i64, EditError> {
    allowed(viewer, Action::OverrideStanding)?;
    let mut errors = FieldErrors::new();
    let tier = new.tier.filter(|tier| *tier != Tier::Onboarding);
    require(&mut errors, tier.is_some(), "tier", "choose a standing; nobody is made new by hand");
    words_fit(&mut errors, "reason", &new.reason, "say why");
    write_tx(db, |db| {
        transaction_lock(db, LOCK)?;
        let today = app.today(db)?;
        let problem = override_problem(new.days.0, new.days.1, today);
        errors.extend(problem.map(|words| ("last_day".to_owned(), words)));
        valid(std::mem::take(&mut errors))?;
        let Some(tier) = tier else { return Err(EditError::NotFound("standing")) };
        partner_show(db, viewer, new.partner_id)?.ok_or(EditError::NotFound("partner"))?;
        if !override_list(db, viewer, Some(new.partner_id), Which::Waiting)?.is_empty() {
            return Err(EditError::field("tier", "another one waits to be agreed; decide that one first"));
        }
        let row = OverrideRow {
            id: app.id(),
            partner_id: new.partner_id,
            tier: tier.code().to_owned(),
            first_day: Day(new.days.0),
            last_day: Day(new.days.1),
            reason: new.reason.trim().to_owned(),
            requested_at: Instant(app.now()),
            requested_by: viewer.name.clone(),
            requested_by_id: viewer.user_id,
        };
        override_insert(db, &row)?;
        log(app, db, viewer, "standing.override", &row, &row.reason)?;
        tell_others(app, db, &row)?;
        Ok(row.id)
    })
}

/// Tells whoever may agree to it, but not who asked.
fn tell_others(app: &App, db: &mut Db, row: &OverrideRow) -> Result<(), DbError> {
    let tier = tier_from_code(&row.tier).map_or("another standing", Tier::title);
    let told = Told {
        occasion: format!("standing-override:{}", row.id),
        heading: format!("A standing is to be set to {tier} by hand"),
        lines: vec![
            format!("{} asks for it until {}.", row.requested_by, words::day(row.last_day.0)),
            row.reason.clone(),
            "Somebody else than who asked must agree.".to_owned(),
        ],
        action: "Decide it",
        path: format!("/partners/{}/standing", row.partner_id),
    };
    let to = To::WhoMay { action: Action::OverrideStanding, but: row.requested_by_id };
    tell(app, db, row.partner_id, to, &told).map(drop)
}

impl From<OverrideRefused> for EditError {
    fn from(refused: OverrideRefused) -> Self {
        match refused {
            OverrideRefused::Request(refused) => Self::Review(refused),
            other => Self::Card(other.to_string()),
        }
    }
}

/// Agrees to an override, denies it, takes it back, or ends one that was agreed: from today on it no longer holds, and the
/// days before stay as they were.
///
/// # Errors
/// [`EditError::Review`] or [`EditError::Card`] with what stands against it, [`EditError::Invalid`] of `words` or
/// `last_day`, [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn override_decide(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    id: i64,
    decision: OverrideDecision,
    why: &str,
) -> Result<i64, EditError> {
    allowed(viewer, Action::OverrideStanding)?;
    let mut errors = FieldErrors::new();
    words_fit(&mut errors, "words", why, "say why");
    valid(errors)?;
    write_tx(db, |db| {
        transaction_lock(db, LOCK)?;
        let found = override_list(db, viewer, None, Which::One(id))?.pop();
        let found = found.ok_or(EditError::NotFound("override"))?;
        let row = &found.row;
        let next = override_after(found.state, decision, row.requested_by_id == viewer.user_id)?;
        let today = app.today(db)?;
        let over = row.last_day.0 < today;
        if next == OverrideDecision::Approved && over {
            return Err(EditError::field("last_day", "it has ended before anybody agreed; ask again"));
        }
        if next == OverrideDecision::Ended && over {
            return Err(EditError::Card("it has ended by itself already".to_owned()));
        }
        override_decision_insert(
            db,
            &OverrideDecisionRow {
                override_id: id,
                seq: found.decisions.last().map_or(0, |last| last.seq).saturating_add(1),
                partner_id: row.partner_id,
                kind: next.code().to_owned(),
                words: why.trim().to_owned(),
                at: Instant(app.now()),
                actor: viewer.name.clone(),
                actor_id: viewer.user_id,
                ends_on: (next == OverrideDecision::Ended).then_some(Day(today)),
            },
        )?;
        let action = format!("standing.{}", next.code().to_lowercase());
        log(app, db, viewer, &action, row, why.trim())?;
        Ok(row.partner_id)
    })
}

fn log(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    action: &str,
    row: &OverrideRow,
    why: &str,
) -> Result<(), DbError> {
    let tier = tier_from_code(&row.tier).map_or("unknown", Tier::title);
    let subject = format!("standing {tier} from {} to {}", row.first_day, row.last_day);
    audit(app, db, viewer, Entry { action, subject: &subject, partner_id: Some(row.partner_id), detail: why })
}

/// Partners whose awards are frozen on `day`, and those that get nothing: for the capacity plan.
///
/// # Errors
/// As [`standings_on`].
pub fn frozen_on(db: &mut Db, day: NaiveDate) -> Result<(BTreeSet<i64>, BTreeSet<i64>), DbError> {
    let (mut frozen, mut stopped) = (BTreeSet::new(), BTreeSet::new());
    for (id, held) in standings_on(db, &Viewer::system(), day)? {
        let Some(follows) = held.tier().map(consequences) else { continue };
        if follows.frozen {
            frozen.insert(id);
        }
        if follows.stopped {
            stopped.insert(id);
        }
    }
    Ok((frozen, stopped))
}

/// A partner on the watch list.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The partner.
    pub partner: Partner,
    /// Its standing, measured and held.
    pub held: HeldOn,
}

/// Partners on the watch list on `day`, the worst standing first, then by name; not those we no longer work with.
///
/// # Errors
/// As [`standings_on`].
pub fn watch_list(db: &mut Db, viewer: &Viewer, day: NaiveDate) -> Result<Vec<Watched>, DbError> {
    let mut held = standings_on(db, viewer, day)?;
    let mut found: Vec<Watched> = partner_list(db, viewer)?
        .into_iter()
        .filter(|partner| partner.status != PartnerStatus::Closed.code())
        .filter_map(|partner| {
            let held = held.remove(&partner.id)?;
            // Also whoever is lifted off it by hand: the measure still says otherwise.
            let low = |tier: Option<Tier>| tier.is_some_and(|tier| consequences(tier).watched);
            (low(held.tier()) || low(held.measured)).then_some(Watched { partner, held })
        })
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.held.tier()));
    Ok(found)
}

/// The share of the freight of the newest whole quarter that one partner had, in percent, and the one its standing
/// suggests; none without freight or standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareAdvice {
    /// The quarter.
    pub quarter: Period,
    /// Percent of all partners' freight, one place.
    pub present: Decimal,
    /// What is suggested.
    pub suggested: ShareRange,
}

/// Works out [`ShareAdvice`] for a partner with a standing on `day`. Only for the shipper: it rests on all partners.
///
/// # Errors
/// The engine's reason, or a summary that does not read back.
pub fn share_advice(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    tier: Option<Tier>,
    day: NaiveDate,
) -> Result<Option<ShareAdvice>, DbError> {
    let quarter = Period::containing(PeriodKind::Quarter, day).previous();
    let briefs = scorecard_briefs(db, viewer, None, quarter.start(), quarter.end())?;
    let of_quarter = briefs.iter().filter(|brief| brief.period == quarter);
    let (mut own, mut all) = (Decimal::ZERO, Decimal::ZERO);
    for brief in of_quarter {
        let freight = brief.summary.spend.unwrap_or_default();
        all += freight;
        if brief.partner_id == partner_id {
            own += freight;
        }
    }
    let share = (own * Decimal::ONE_HUNDRED).checked_div(all);
    Ok(share.zip(tier).map(|(share, tier)| ShareAdvice {
        quarter,
        present: share.round_dp_with_strategy(1, rust_decimal::RoundingStrategy::MidpointAwayFromZero),
        suggested: suggested_share(tier, share),
    }))
}

#[cfg(test)]
mod tests;
