//! Scorecard templates: proposing a version, and a second person's agreement before the first period it counts for.
//!
//! Nothing is ever edited. An agreed version is added beside the ones before it, so that what was published stays scored as
//! it was; what scores a period is chosen by [`crate::domain::scorecard::template_of`].

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::App;
use super::audit::{Entry, audit};
use super::edit::{EditError, allowed, valid};
use super::own_kpi::library;
use super::score::ensure_default_template;
use super::scorecard_mail::{Told, tell_who_may};
use crate::db::contract::{contract_by_number, version_list, version_titles};
use crate::db::dialect::{transaction_lock, write_tx};
use crate::db::lane::{lane_codes, lane_regions};
use crate::db::measure::services_and_modes_unscoped;
use crate::db::partner::{partner_by_code_unscoped, partner_list};
use crate::db::scorecard::{template_insert, templates_agreed};
use crate::db::template::{
    Proposal, ProposalRow, TemplateDecisionRow, template_decision_insert, template_proposal_insert,
    template_proposals_all,
};
use crate::db::types::{Day, Instant};
use crate::db::{Db, DbError};
use crate::domain::exclusion::{Decision, after, words_fit};
use crate::domain::field::{FieldErrors, require};
use crate::domain::formula::Library;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::scorecard::{
    AgreedTemplate, CODE_CHARS_MAX, STANDARD, TEMPLATE_VERSIONS_MAX, Template, TemplateChange, TemplateDraft,
    TemplateTerms, Volume, ambiguous_with, begins_too_early, in_catalogue, is_code, kpi_part, still_scoring,
    template_changes, volume_and_unit,
};
use crate::domain::viewer::{Action, Viewer};

/// Templates are checked against each other, so they are changed one after the other.
const LOCK: &str = "scorecard-templates";

/// Takes the locks of own KPIs and of templates, always in this order: a template rests on the KPIs it scores, and a KPI
/// that is scored cannot be retired.
pub(super) fn lock_definitions(db: &mut Db) -> Result<(), DbError> {
    transaction_lock(db, super::own_kpi::LOCK)?;
    Ok(transaction_lock(db, LOCK)?)
}

/// A version of a template that scores a KPI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoredBy {
    /// The version.
    pub version: String,
    /// The weight it gives the KPI, out of 100; 0 for information only.
    pub weight: Decimal,
    /// Whether it waits to be agreed.
    pub waits: bool,
}

/// The versions of templates that name a KPI and can score a period that begins after today: agreed ones that nothing
/// replaced yet, whomever and whenever they are for, and those that wait to be agreed.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn scored_by(db: &mut Db, code: &str, today: chrono::NaiveDate) -> Result<Vec<ScoredBy>, DbError> {
    let one = |template: &Template, waits: bool| {
        let line = template.kpi(code)?;
        Some(ScoredBy { version: template.version.clone(), weight: line.weight, waits })
    };
    let agreed = templates_agreed(db)?;
    let mut found: Vec<ScoredBy> =
        still_scoring(&agreed, today).filter_map(|version| one(&version.template, false)).collect();
    let proposals = template_proposals_all(db)?;
    found.extend(
        proposals
            .iter()
            .filter(|proposal| proposal.state.is_none() && !proposal.template.terms.retired)
            .filter_map(|proposal| one(&proposal.template, true)),
    );
    Ok(found)
}

/// One version, agreed or not.
#[derive(Clone, Debug)]
pub struct TemplateVersion {
    /// Row id.
    pub id: i64,
    /// What it says.
    pub template: Template,
    /// First day it counts for; the first of all counts from the beginning.
    pub valid_from: chrono::NaiveDate,
    /// How it was proposed; none for the one an installation starts with.
    pub proposal: Option<Proposal>,
    /// Whether it was agreed.
    pub agreed: bool,
    /// What it says otherwise than the agreed version before it.
    pub changes: Vec<TemplateChange>,
}

/// A template with its versions.
#[derive(Clone, Debug)]
pub struct TemplateBook {
    /// Code that all versions share.
    pub code: String,
    /// Every version, the newest first.
    pub versions: Vec<TemplateVersion>,
    /// The version that holds today; none before the first.
    pub current: Option<i64>,
}

impl TemplateBook {
    /// The version that holds today, else the newest.
    #[must_use]
    pub fn shown(&self) -> Option<&TemplateVersion> {
        let current = self.versions.iter().find(|one| Some(one.id) == self.current);
        current.or_else(|| self.versions.first())
    }
}

/// Every template with its versions, the standard one first, then by code.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn template_books(app: &App, db: &mut Db) -> Result<Vec<TemplateBook>, DbError> {
    let mut agreed = templates_agreed(db)?;
    if agreed.is_empty() {
        write_tx(db, |db| ensure_default_template(app, db))?;
        agreed = templates_agreed(db)?;
    }
    let today = app.today(db)?;
    let mut proposals: BTreeMap<i64, Proposal> =
        template_proposals_all(db)?.into_iter().map(|one| (one.row.id, one)).collect();
    let mut books: BTreeMap<(bool, String), Vec<TemplateVersion>> = BTreeMap::new();
    let key = |code: &str| (code != STANDARD, code.to_owned());
    for one in agreed {
        let proposal = proposals.remove(&one.id);
        books.entry(key(&one.template.terms.code)).or_default().push(TemplateVersion {
            id: one.id,
            template: one.template,
            valid_from: one.valid_from,
            proposal,
            agreed: true,
            changes: Vec::new(),
        });
    }
    for proposal in proposals.into_values() {
        books.entry(key(&proposal.row.code)).or_default().push(TemplateVersion {
            id: proposal.row.id,
            template: proposal.template.clone(),
            valid_from: proposal.row.valid_from.0,
            agreed: false,
            changes: Vec::new(),
            proposal: Some(proposal),
        });
    }
    Ok(books.into_iter().map(|((_, code), versions)| book(code, versions, today)).collect())
}

fn book(code: String, mut versions: Vec<TemplateVersion>, today: chrono::NaiveDate) -> TemplateBook {
    versions.sort_by_key(|one| (one.valid_from, one.id));
    let mut before: Option<Template> = None;
    let mut current = None;
    for one in &mut versions {
        if let Some(before) = &before {
            one.changes = template_changes(before, &one.template);
        }
        if one.agreed {
            before = Some(one.template.clone());
            if one.valid_from <= today {
                current = Some(one.id);
            }
        }
    }
    versions.reverse();
    TemplateBook { code, versions, current }
}

/// One version by its name, with its book.
///
/// # Errors
/// As [`template_books`].
pub fn template_version(
    app: &App,
    db: &mut Db,
    version: &str,
) -> Result<Option<(TemplateBook, TemplateVersion)>, DbError> {
    let books = template_books(app, db)?;
    Ok(books.into_iter().find_map(|book| {
        let found = book.versions.iter().find(|one| one.template.version == version)?.clone();
        Some((book, found))
    }))
}

/// A version as a draft of the next, with partner and contract named.
///
/// # Errors
/// The engine's reason.
pub fn template_draft(db: &mut Db, viewer: &Viewer, template: &Template) -> Result<TemplateDraft, DbError> {
    let mut draft = TemplateDraft::of(template);
    let terms = &template.terms;
    if let Some(id) = terms.contract_version_id {
        if let Some((number, version)) = version_titles(db, viewer, &[id])?.remove(&id) {
            (draft.contract, draft.contract_version) = (number, Some(version));
        }
    } else if let Some(id) = terms.partner_id {
        let found = partner_list(db, viewer)?.into_iter().find(|partner| partner.id == id);
        draft.partner = found.map(|partner| partner.code).unwrap_or_default();
    }
    Ok(draft)
}

/// Whom a version is for, in words: `all partners`, a partner's name, `contract C-1, version 2`.
///
/// # Errors
/// The engine's reason.
pub fn scope_words(db: &mut Db, viewer: &Viewer, terms: &TemplateTerms) -> Result<String, DbError> {
    if let Some(id) = terms.contract_version_id {
        let found = version_titles(db, viewer, &[id])?.remove(&id);
        return Ok(found.map_or_else(
            || "one contract version".to_owned(),
            |(number, version)| format!("contract {number}, version {version}"),
        ));
    }
    let Some(id) = terms.partner_id else { return Ok("all partners".to_owned()) };
    let found = partner_list(db, viewer)?.into_iter().find(|partner| partner.id == id);
    Ok(found.map_or_else(|| "one partner".to_owned(), |partner| partner.name))
}

/// A draft that may be proposed, with what it is checked against.
struct Checked {
    template: Template,
    first: Period,
}

/// Reads a draft against what is stored. Problems are told by the fields `code`, `name`, `first_period`, `reason`,
/// `partner`, `contract` and `lines`.
fn checked(app: &App, db: &mut Db, viewer: &Viewer, draft: &TemplateDraft) -> Result<Checked, EditError> {
    let mut errors = FieldErrors::new();
    let code = draft.code.trim();
    let words = format!("use 1 to {CODE_CHARS_MAX} capitals, digits and underscores, such as PEAK_SEASON");
    require(&mut errors, is_code(code), "code", &words);
    words_fit(&mut errors, "name", &draft.name, "give it a name");
    words_fit(&mut errors, "reason", &draft.reason, "say why it changes");
    let first: Option<Period> = draft.first_period.trim().parse().ok();
    let first = first.filter(|first| matches!(first.kind(), PeriodKind::Month | PeriodKind::Quarter));
    let today = app.today(db)?;
    match first {
        None => errors.push((
            "first_period".to_owned(),
            "name the month or quarter it counts from, such as 2027-01 or 2027-Q1".to_owned(),
        )),
        Some(first) => {
            errors.extend(begins_too_early(first, today).map(|why| ("first_period".to_owned(), why)));
        }
    }
    let terms = terms_of(db, viewer, draft, &mut errors)?;
    if code == STANDARD {
        let whole = terms.partner_id.is_none() && terms.months.is_empty() && !terms.retired;
        let words = "STANDARD counts wherever no other template does, so it is for all partners and months and stays in use; make a template of another code";
        require(&mut errors, whole, "code", words);
    }
    let own = library(db)?;
    let template = match draft.template(terms, |code| volume_of(&own, code)) {
        Ok(template) => {
            errors.extend(of_lines(own_problems(&template, &own)));
            errors.extend(of_lines(scopes_unknown(db, &template)?));
            Some(template)
        }
        Err(wrong) => {
            errors.extend(of_lines(wrong));
            None
        }
    };
    valid(errors)?;
    match (template, first) {
        (Some(template), Some(first)) => Ok(Checked { template, first }),
        _ => Err(EditError::field("lines", "the template is not whole")),
    }
}

fn of_lines(wrong: Vec<String>) -> impl Iterator<Item = (String, String)> {
    wrong.into_iter().map(|problem| ("lines".to_owned(), problem))
}

/// How many units a KPI takes and how a difference of it is called; none for a code that is no KPI in use.
fn volume_of(own: &Library, code: &str) -> Option<(Volume, String)> {
    match in_catalogue(code) {
        Some(kpi) => {
            let (volume, unit) = volume_and_unit(kpi);
            Some((volume, unit.to_owned()))
        }
        None => {
            own.get(code).filter(|kpi| !kpi.retired).map(|kpi| (kpi.volume, own_unit(kpi.unit).to_owned()))
        }
    }
}

/// What is wrong with a template as the own KPIs stand now: one it scores was retired or changed since it was proposed, or
/// is scored against what is better.
fn own_problems(template: &Template, own: &Library) -> Vec<String> {
    let mut wrong = Vec::new();
    for line in template.kpis().filter(|line| in_catalogue(kpi_part(&line.code)).is_none()) {
        match volume_of(own, &line.code) {
            None => wrong.push(format!(
                "{} is not used any more; propose a version without it, or take the KPI up again",
                line.code
            )),
            Some(found) if found != (line.volume, line.unit.clone()) => wrong.push(format!(
                "{} was changed since this version was proposed; propose the version again",
                line.code
            )),
            Some(_) => {}
        }
        let better = own.get(&line.code).map(|kpi| kpi.better);
        wrong.extend(better.and_then(|better| line.wrong_way(better)).map(|problem| problem.to_string()));
    }
    wrong
}

/// Most names that a message lists.
const NAMES_TOLD: usize = 8;

/// Where the scopes of a template name what there is not: a lane, a region, a service or a mode without any fact.
fn scopes_unknown(db: &mut Db, template: &Template) -> Result<Vec<String>, DbError> {
    if template.scopes.is_empty() {
        return Ok(Vec::new());
    }
    let lanes: BTreeSet<String> = lane_codes(db)?.into_values().collect();
    let regions: BTreeSet<String> = lane_regions(db)?.into_values().filter(|name| !name.is_empty()).collect();
    let (services, modes) = services_and_modes_unscoped(db)?;
    let mut wrong = Vec::new();
    for scope in &template.scopes {
        let one = |name: &String| BTreeSet::from_iter(Some(name.clone()).filter(|name| !name.is_empty()));
        for (what, named, known) in [
            ("lane", &scope.lanes, &lanes),
            ("region", &scope.regions, &regions),
            ("service", &one(&scope.service), &services),
            ("mode", &one(&scope.mode), &modes),
        ] {
            let missing: Vec<&str> = named.difference(known).take(NAMES_TOLD).map(String::as_str).collect();
            if !missing.is_empty() {
                let there: Vec<&str> = known.iter().take(NAMES_TOLD).map(String::as_str).collect();
                let more = if known.len() > NAMES_TOLD { " and others" } else { "" };
                let there = if there.is_empty() { "none yet".to_owned() } else { there.join(", ") };
                wrong.push(format!(
                    "{}: no {what} is called {}, so nothing could be counted; there is {there}{more}",
                    scope.code,
                    missing.join(", ")
                ));
            }
        }
    }
    Ok(wrong)
}

/// One unit of difference of an own KPI, as its thresholds are told.
fn own_unit(unit: crate::domain::formula::OwnUnit) -> &'static str {
    use crate::domain::formula::OwnUnit as U;
    match unit {
        U::Percent => "point",
        U::PerHundred => "per 100",
        other => other.label(),
    }
}

/// Partner, contract version, months and half-life of a draft.
fn terms_of(
    db: &mut Db,
    viewer: &Viewer,
    draft: &TemplateDraft,
    errors: &mut FieldErrors,
) -> Result<TemplateTerms, DbError> {
    let mut terms = TemplateTerms {
        code: draft.code.trim().to_owned(),
        months: draft.months.clone(),
        half_life_months: draft.half_life_months,
        retired: draft.retired,
        ..TemplateTerms::default()
    };
    let partner = draft.partner.trim();
    if !partner.is_empty() {
        terms.partner_id = partner_by_code_unscoped(db, partner)?;
        let words = format!("no partner has the code {partner}");
        require(errors, terms.partner_id.is_some(), "partner", &words);
    }
    let contract = draft.contract.trim();
    if contract.is_empty() {
        return Ok(terms);
    }
    let Some(found) = contract_by_number(db, viewer, contract)? else {
        errors.push(("contract".to_owned(), format!("there is no contract {contract}")));
        return Ok(terms);
    };
    let version = version_list(db, viewer, found.id)?
        .into_iter()
        .find(|version| Some(version.version) == draft.contract_version);
    let words = format!("contract {contract} has no such version; name one, such as 1");
    require(errors, version.is_some(), "contract", &words);
    let other = terms.partner_id.is_some_and(|id| id != found.partner_id);
    require(errors, !other, "partner", "the contract is another partner's; leave the partner empty");
    terms.contract_version_id = version.map(|version| version.id);
    terms.partner_id = Some(found.partner_id);
    Ok(terms)
}

/// Refuses a version that no rule could tell apart from another that was agreed or waits.
fn unambiguous(
    db: &mut Db,
    template: &Template,
    valid_from: chrono::NaiveDate,
    own_id: Option<i64>,
) -> Result<(), EditError> {
    let mut others = templates_agreed(db)?;
    let waiting = template_proposals_all(db)?.into_iter().filter(|one| one.state.is_none());
    others.extend(waiting.filter(|one| Some(one.row.id) != own_id).map(|one| AgreedTemplate {
        id: one.row.id,
        valid_from: one.row.valid_from.0,
        template: one.template,
    }));
    match ambiguous_with(template, valid_from, &others) {
        None => Ok(()),
        Some(other) => Err(EditError::field(
            "code",
            &format!(
                "{} is for the same partners and months, so nothing could choose between the two; give one of them a partner, a contract version or other months, or retire {} first",
                other.template.version, other.template.terms.code
            ),
        )),
    }
}

/// Proposes a version: the next of its code, or the first of a new one. It counts for nothing before a second person
/// agrees to it. Gives its name.
///
/// # Errors
/// [`EditError::Invalid`] by its fields, [`EditError::Denied`], or the database's reason.
pub fn template_propose(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    draft: &TemplateDraft,
) -> Result<String, EditError> {
    allowed(viewer, Action::EditTemplates)?;
    write_tx(db, |db| {
        lock_definitions(db)?;
        ensure_default_template(app, db)?;
        let Checked { mut template, first } = checked(app, db, viewer, draft)?;
        unambiguous(db, &template, first.start(), None)?;
        let books = template_books(app, db)?;
        let known = books.iter().find(|book| book.code == template.terms.code);
        let count = known.map_or(0, |book| book.versions.len());
        if count >= TEMPLATE_VERSIONS_MAX {
            return Err(EditError::field(
                "code",
                "it has as many versions as there may be; use another code",
            ));
        }
        if let Some(waiting) = known.and_then(|book| book.versions.iter().find(|one| waits(one))) {
            let words = format!("{} waits to be agreed; decide that one first", waiting.template.version);
            return Err(EditError::field("code", &words));
        }
        let before = known.and_then(|book| book.versions.iter().find(|one| one.agreed));
        if before.is_some_and(|before| {
            let same = Template { version: before.template.version.clone(), ..template.clone() };
            same == before.template
        }) {
            return Err(EditError::field(
                "lines",
                "it says the same as the version before; change something",
            ));
        }
        template.version = format!("{}-{}", template.terms.code, count.saturating_add(1));
        let definition = serde_json::to_string(&template).map_err(|error| DbError::Stored {
            what: "a proposed template".to_owned(),
            reason: error.to_string(),
        })?;
        let row = ProposalRow {
            id: app.id(),
            code: template.terms.code.clone(),
            version: template.version.clone(),
            definition,
            first_period: first.to_string(),
            valid_from: Day(first.start()),
            reason: draft.reason.trim().to_owned(),
            proposed_at: Instant(app.now()),
            proposed_by: viewer.name.clone(),
            proposed_by_id: viewer.user_id,
        };
        template_proposal_insert(db, &row)?;
        let detail = format!("from {}: {}", row.first_period, row.reason);
        log(app, db, viewer, "template.propose", &row.version, &detail)?;
        tell_others(app, db, &row)?;
        Ok(row.version)
    })
}

/// Tells whoever may agree to a version, but not who proposed it.
fn tell_others(app: &App, db: &mut Db, row: &ProposalRow) -> Result<(), DbError> {
    let told = Told {
        occasion: format!("template-proposal:{}", row.id),
        heading: "A version waits to be agreed".to_owned(),
        lines: vec![
            format!("{} proposes that it counts from {} on.", row.proposed_by, row.first_period),
            row.reason.clone(),
            "Somebody else than who proposed it must agree before that period begins.".to_owned(),
        ],
        action: "Decide it",
        path: format!("/template-versions/{}", row.version),
    };
    let about = format!("Scorecard template {}", row.version);
    let to = (Action::EditTemplates, row.proposed_by_id);
    tell_who_may(app, db, to, &about, &told).map(drop)
}

fn waits(version: &TemplateVersion) -> bool {
    !version.agreed && version.proposal.as_ref().is_some_and(|proposal| proposal.state.is_none())
}

/// Agrees to a version, denies it or takes it back. From then on it stands as it is.
///
/// # Errors
/// [`EditError::Review`] with what stands against it, [`EditError::Invalid`] of the fields `words`, `first_period`, `code`
/// and `lines`, [`EditError::NotFound`], [`EditError::Denied`], or the database's reason.
pub fn template_decide(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    version: &str,
    decision: Decision,
    words: &str,
) -> Result<(), EditError> {
    allowed(viewer, Action::EditTemplates)?;
    let mut errors = FieldErrors::new();
    words_fit(&mut errors, "words", words, "say why");
    valid(errors)?;
    write_tx(db, |db| {
        lock_definitions(db)?;
        let all = template_proposals_all(db)?;
        let found = all.into_iter().find(|one| one.row.version == version);
        let found = found.ok_or(EditError::NotFound("template version"))?;
        // What is agreed stays; a later version takes its place.
        if found.state == Some(Decision::Approved) {
            return Err(EditError::Review(crate::domain::exclusion::Refused::Decided(Decision::Approved)));
        }
        let own = found.row.proposed_by_id == viewer.user_id;
        let next = after(found.state, decision, own)?;
        if next == Decision::Approved {
            let first: Option<Period> = found.row.first_period.parse().ok();
            let today = app.today(db)?;
            if let Some(why) = first.and_then(|first| begins_too_early(first, today)) {
                return Err(EditError::field("first_period", &why));
            }
            unambiguous(db, &found.template, found.row.valid_from.0, Some(found.row.id))?;
            // A version that ends the use of a template scores nothing.
            if !found.template.terms.retired {
                valid(of_lines(own_problems(&found.template, &library(db)?)).collect())?;
            }
            let by = &found.row.proposed_by;
            template_insert(
                db,
                found.row.id,
                &found.template,
                found.row.valid_from.0,
                by,
                Instant(app.now()),
            )?;
        }
        template_decision_insert(
            db,
            &TemplateDecisionRow {
                proposal_id: found.row.id,
                seq: found.decisions.last().map_or(0, |last| last.seq).saturating_add(1),
                kind: next.code().to_owned(),
                words: words.trim().to_owned(),
                at: Instant(app.now()),
                actor: viewer.name.clone(),
                actor_id: viewer.user_id,
            },
        )?;
        let action = format!("template.{}", next.code().to_lowercase());
        log(app, db, viewer, &action, version, words.trim())?;
        Ok(())
    })
}

fn log(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    action: &str,
    version: &str,
    detail: &str,
) -> Result<(), DbError> {
    let subject = format!("template {version}");
    audit(app, db, viewer, Entry { action, subject: &subject, partner_id: None, detail })
}

#[cfg(test)]
mod tests;
