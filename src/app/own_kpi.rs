//! Own KPIs: defining one, looking at it on real figures before it is kept, and the ones that stood at a moment.
//!
//! A version never changes, so what is published says by which version and stays as it is. A value that is read counts by
//! the newest version; a scorecard by the one that stood when its period began, as its template and its targets do.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::App;
use super::audit::{Entry, audit};
use super::edit::{EditError, allowed};
use super::kpi::{Dimension, KpiError, sums_by};
use super::template::{ScoredBy, lock_definitions, scored_by};
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::measure::newest_day;
use crate::db::own_kpi::{OwnKpiRow, own_kpi_history, own_kpi_insert, own_kpi_rows};
use crate::db::partner::partner_list;
use crate::db::setting::reporting_day;
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::domain::field::FieldErrors;
use crate::domain::formula::{
    Answer, FormulaError, Library, OWN_KPIS_MAX, OwnKpi, OwnValue, Plan, VERSIONS_MAX, volume_code,
};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::signal::Better;
use crate::domain::viewer::{Action, Viewer};

/// Definitions are checked against each other, so they are changed one after the other.
pub(super) const LOCK: &str = "own-kpis";

/// The own KPIs as they are now.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn library(db: &mut Db) -> Result<Library, DbError> {
    newest(&own_kpi_rows(db)?)
}

/// The own KPIs as they stood at a moment. Those of `codes` that came later stand as they were first made, and everything
/// else as it stood by then.
///
/// # Errors
/// As [`library`].
pub fn library_at(db: &mut Db, moment: DateTime<Utc>, codes: &[&str]) -> Result<Library, DbError> {
    let rows = own_kpi_rows(db)?;
    let first = |code: &&str| rows.iter().find(|row| row.code == *code).map(|row| row.created_at.0);
    let moment = codes.iter().filter_map(first).max().map_or(moment, |made| made.max(moment));
    let stood: Vec<OwnKpiRow> = rows.into_iter().filter(|row| row.created_at.0 <= moment).collect();
    newest(&stood)
}

/// The newest of each code; rows stand by code, the oldest first.
fn newest(rows: &[OwnKpiRow]) -> Result<Library, DbError> {
    let newest: BTreeMap<&str, &OwnKpiRow> = rows.iter().map(|row| (row.code.as_str(), row)).collect();
    newest.into_values().map(OwnKpiRow::kpi).collect()
}

/// One own KPI with its history.
#[derive(Clone, Debug)]
pub struct OwnKpiPage {
    /// As it is now.
    pub kpi: OwnKpi,
    /// Every version, the newest first.
    pub history: Vec<OwnKpiRow>,
    /// Own KPIs that use it: code and name.
    pub used_by: Vec<(String, String)>,
    /// Own KPIs it uses directly or through others: code and name.
    pub uses: Vec<(String, String)>,
}

/// One own KPI by its code; none when there is none.
///
/// # Errors
/// As [`library`].
pub fn own_kpi_page(db: &mut Db, code: &str) -> Result<Option<OwnKpiPage>, DbError> {
    let library = library(db)?;
    let Some(kpi) = library.get(code).cloned() else { return Ok(None) };
    let titled = |kpi: &OwnKpi| (kpi.code.clone(), kpi.name.clone());
    let plan = Plan::new(&kpi, &library).ok();
    let uses = plan.iter().flat_map(Plan::kpis).filter(|used| used.code != kpi.code).map(titled).collect();
    Ok(Some(OwnKpiPage {
        history: own_kpi_history(db, code)?,
        used_by: library.users_of(code).into_iter().map(titled).collect(),
        uses,
        kpi,
    }))
}

/// One own KPI ready to be computed, in its newest version; none when there is none or it was retired.
///
/// # Errors
/// As [`library`], or [`DbError::Stored`] for a formula that does not hold any more.
pub fn own_plan(db: &mut Db, code: &str) -> Result<Option<Plan>, DbError> {
    let library = library(db)?;
    let Some(kpi) = library.get(code).filter(|kpi| !kpi.retired) else { return Ok(None) };
    let plan = Plan::new(kpi, &library).map_err(|error| DbError::Stored {
        what: format!("the formula of the own KPI {code}"),
        reason: error.to_string(),
    })?;
    Ok(Some(plan))
}

/// What is wrong with a definition before it is kept.
#[derive(Debug)]
pub struct Draft {
    /// Ready to be computed, when the formula holds.
    pub plan: Result<Plan, FormulaError>,
    /// Everything wrong, field by field, the formula among it.
    pub errors: FieldErrors,
}

/// Checks a definition against the own KPIs there are.
fn drafted(kpi: &OwnKpi, library: &Library) -> Draft {
    let mut errors = kpi.problems();
    let plan = Plan::new(kpi, library);
    match &plan {
        Err(error) => errors.push(("formula".to_owned(), error.to_string())),
        Ok(_) => {
            // Whoever uses it must hold with it as it will be.
            let changed = library.clone().with(kpi.clone());
            for user in library.users_of(&kpi.code) {
                if let Err(error) = Plan::new(user, &changed) {
                    let words = format!(
                        "{} uses this KPI and would not hold any more: {error}; change that one first, or make this one anew under another code",
                        user.code
                    );
                    errors.push(("formula".to_owned(), words));
                    break;
                }
            }
        }
    }
    Draft { plan, errors }
}

/// Keeps a definition: a new KPI when `seen` is 0, else the version after `seen`. Gives the version; the same again keeps
/// none and gives the one there is.
///
/// # Errors
/// [`EditError::Invalid`] with the fields `code`, `name`, `formula` and `rules`, [`EditError::Stale`] when somebody changed it
/// meanwhile, [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn save(app: &App, db: &mut Db, viewer: &Viewer, seen: i32, kpi: &OwnKpi) -> Result<i32, EditError> {
    allowed(viewer, Action::EditKpis)?;
    write_tx(db, |db| {
        transaction_lock(db, LOCK)?;
        let library = library(db)?;
        let before = library.get(&kpi.code);
        let Draft { mut errors, .. } = drafted(kpi, &library);
        match before {
            None if seen > 0 => return Err(EditError::NotFound("KPI")),
            None if library.codes().count() >= OWN_KPIS_MAX => {
                errors.push((
                    "code".to_owned(),
                    format!("there are {OWN_KPIS_MAX} own KPIs, and there may be no more"),
                ));
            }
            Some(_) if seen == 0 => {
                errors.push((
                    "code".to_owned(),
                    format!("there is a KPI {}; change that one, or choose another code", kpi.code),
                ));
            }
            Some(known) if known.version != seen => return Err(EditError::Stale("KPI")),
            Some(known) if known.version >= VERSIONS_MAX => {
                errors.push(("code".to_owned(), format!("it has {VERSIONS_MAX} versions, and there may be no more; make a KPI under another code")));
            }
            _ => {}
        }
        super::edit::valid(errors)?;
        if let Some(known) = before.filter(|known| known.says_the_same(kpi)) {
            return Ok(known.version);
        }
        let version = before.map_or(0, |known| known.version).saturating_add(1);
        let kept = OwnKpi { version, retired: false, ..kpi.clone() };
        let words = match before {
            Some(known) => changes(known, &kept),
            None => format!("{} = {}", kept.unit.label(), kept.formula),
        };
        let action = if before.is_some() { "kpi.edit" } else { "kpi.create" };
        add(app, db, viewer, &kept, (action, &words))?;
        Ok(version)
    })
}

/// Ends the use of an own KPI; its history stays.
///
/// # Errors
/// [`EditError::Invalid`] of the field `retire` when something uses it; else as [`save`].
pub fn retire(app: &App, db: &mut Db, viewer: &Viewer, code: &str, seen: i32) -> Result<(), EditError> {
    allowed(viewer, Action::EditKpis)?;
    write_tx(db, |db| {
        lock_definitions(db)?;
        let library = library(db)?;
        let Some(known) = library.get(code) else { return Err(EditError::NotFound("KPI")) };
        if known.version != seen {
            return Err(EditError::Stale("KPI"));
        }
        if known.retired {
            return Err(EditError::field("retire", "it was retired already"));
        }
        if let Some(user) = library.users_of(code).first() {
            let words = format!("{} uses it; change that KPI first", user.name_with_code());
            return Err(EditError::field("retire", &words));
        }
        let today = app.today(db)?;
        let scored = scored_by(db, code, today)?;
        if !scored.is_empty() {
            let named = |one: &ScoredBy| {
                format!("{}{}", one.version, if one.waits { ", which waits to be agreed" } else { "" })
            };
            let words = format!(
                "it is scored by template {}; agree versions without it and deny what waits first",
                scored.iter().map(named).collect::<Vec<_>>().join("; by ")
            );
            return Err(EditError::field("retire", &words));
        }
        let kept = OwnKpi { version: known.version.saturating_add(1), retired: true, ..known.clone() };
        add(app, db, viewer, &kept, ("kpi.retire", "not used any more"))
    })
}

fn add(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    kpi: &OwnKpi,
    (action, detail): (&str, &str),
) -> Result<(), EditError> {
    let row = OwnKpiRow {
        code: kpi.code.clone(),
        version: kpi.version,
        name: kpi.name.clone(),
        unit: kpi.unit.code().to_owned(),
        better: better_code(kpi.better).to_owned(),
        formula: kpi.formula.clone(),
        rules: kpi.rules.clone(),
        volume: volume_code(kpi.volume).to_owned(),
        retired: kpi.retired,
        created_by: viewer.name.clone(),
        created_by_id: viewer.user_id,
        created_at: Instant(app.now()),
    };
    own_kpi_insert(db, &row)?;
    let subject = format!("KPI {}, version {}", kpi.code, kpi.version);
    audit(app, db, viewer, Entry { action, subject: &subject, partner_id: None, detail })?;
    Ok(())
}

/// `HIGHER` or `LOWER`, as stored.
#[must_use]
pub fn better_code(better: Better) -> &'static str {
    match better {
        Better::Higher => "HIGHER",
        Better::Lower => "LOWER",
    }
}

/// What one version says otherwise than the one before, in words.
#[must_use]
pub fn changes(before: &OwnKpi, now: &OwnKpi) -> String {
    let better = |kpi: &OwnKpi| crate::domain::formula::better_words(kpi.better).to_owned();
    let volume = |kpi: &OwnKpi| crate::domain::formula::volume_words(kpi.volume);
    let state = |kpi: &OwnKpi| if kpi.retired { "retired" } else { "in use" }.to_owned();
    let pairs = [
        ("name", before.name.clone(), now.name.clone()),
        ("unit", before.unit.label().to_owned(), now.unit.label().to_owned()),
        ("direction", better(before), better(now)),
        ("formula", before.formula.clone(), now.formula.clone()),
        ("what counts", before.rules.clone(), now.rules.clone()),
        ("few units", volume(before), volume(now)),
        ("state", state(before), state(now)),
    ];
    let moved = pairs.into_iter().filter(|(_, old, new)| old != new);
    moved.map(|(what, old, new)| format!("{what}: {new}, was {old}")).collect::<Vec<_>>().join("; ")
}

/// A definition on real figures.
#[derive(Debug)]
pub struct Preview {
    /// What is wrong with it, and the plan when the formula holds.
    pub draft: Draft,
    /// The newest whole month with figures; none while there is none, or the formula does not hold.
    pub month: Option<Period>,
    /// Each partner with figures in it: code, name, value. By name.
    pub lines: Vec<(String, String, OwnValue)>,
    /// Code and name of the partner whose steps are told, and its answer.
    pub told: Option<(String, String, Answer)>,
}

/// Computes a definition that is not kept yet over the newest whole month, for each partner the viewer may see. The steps
/// are those of `partner`, or of the one with the most units behind its value.
///
/// # Errors
/// The database's reason.
pub fn preview(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    kpi: &OwnKpi,
    partner: Option<&str>,
) -> Result<Preview, DbError> {
    let library = library(db)?;
    let draft = drafted(kpi, &library);
    let mut preview = Preview { draft, month: None, lines: Vec::new(), told: None };
    let Ok(plan) = &preview.draft.plan else { return Ok(preview) };
    let today = reporting_day(db, app.now())?;
    let running = Period::containing(PeriodKind::Month, today).start();
    let Some(newest) = newest_day(db, viewer, running)? else { return Ok(preview) };
    let month = Period::containing(PeriodKind::Month, newest);
    let sums = match sums_by(db, viewer, Dimension::Partner, Some(month)) {
        Ok(sums) => sums,
        Err(KpiError::Db(error)) => return Err(error),
        // A month is summed by every dimension.
        Err(KpiError::LanesByMonth(_) | KpiError::Fault { .. }) => return Ok(preview),
    };
    let names: HashMap<String, String> =
        partner_list(db, viewer)?.into_iter().map(|partner| (partner.code, partner.name)).collect();
    let name = |code: &str| names.get(code).cloned().unwrap_or_else(|| code.to_owned());
    preview.month = Some(month);
    preview.lines =
        sums.iter().map(|(code, measures)| (code.clone(), name(code), plan.value(measures))).collect();
    preview.lines.sort_by(|a, b| a.1.cmp(&b.1));
    let most = preview.lines.iter().max_by_key(|(_, _, value)| (value.net.is_some(), value.n));
    let chosen = partner.filter(|code| sums.contains_key(*code)).map(str::to_owned);
    if let Some(code) = chosen.or_else(|| most.map(|(code, ..)| code.clone()))
        && let Some(measures) = sums.get(&code)
    {
        preview.told = Some((code.clone(), name(&code), plan.answer(measures)));
    }
    Ok(preview)
}

/// Own KPIs whose stored formula or history does not hold: how many were read, and what is wrong.
///
/// # Errors
/// The engine's reason.
pub fn definitions_differ(db: &mut Db) -> Result<(i64, Vec<String>), DbError> {
    let rows = own_kpi_rows(db)?;
    let mut problems = Vec::new();
    let mut before: Option<&OwnKpiRow> = None;
    for row in &rows {
        let wanted =
            before.filter(|last| last.code == row.code).map_or(0, |last| last.version).saturating_add(1);
        if row.version != wanted {
            problems.push(format!(
                "own KPI {}: version {wanted} is missing before version {}",
                row.code, row.version
            ));
        }
        if let Err(error) = row.kpi() {
            problems.push(error.to_string());
        }
        before = Some(row);
    }
    if let Ok(library) = newest(&rows) {
        for kpi in library.kpis().filter(|kpi| !kpi.retired) {
            if let Err(error) = Plan::new(kpi, &library) {
                problems.push(format!("own KPI {}: its formula does not hold: {error}", kpi.code));
            }
        }
    }
    Ok((i64::try_from(rows.len()).unwrap_or(i64::MAX), problems))
}

#[cfg(test)]
mod tests;
