//! What waits for a decision: exclusions, challenges, declared events, scorecard templates and standings by hand that a
//! second person must agree to, final scorecards that later facts would move.

use actix_web::HttpResponse;
use askama::Template;
use std::collections::BTreeMap;

use super::exclusion::{challenge_what, exclusion_what, left};
use super::extract::SignedIn;
use super::page::{self, Page, WebError};
use super::show;
use crate::app::challenge::{Waiting, waiting};
use crate::app::declared_event::events;
use crate::app::restatement::drifts;
use crate::db::Db;
use crate::db::declared_event::Declared;
use crate::db::partner::partner_list;
use crate::db::restatement::DriftRow;
use crate::db::standing::{AskedOverride, Which, override_list};
use crate::db::template::{Proposal, template_proposals_all};
use crate::domain::calendar::BusinessCalendar;
use crate::domain::exclusion::decide_by;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;
use crate::domain::words;

struct Line {
    href: String,
    title: String,
    partner: String,
    claim: String,
    by: String,
    at: String,
    due: String,
    left: String,
    soon: bool,
    day: chrono::NaiveDate,
}

#[derive(Template)]
#[template(path = "decision/list.html")]
struct ListPage {
    page: Page,
    summary: String,
    lines: Vec<Line>,
    drifts: Vec<(String, String, String)>,
    /// Versions of scorecard templates and standings by hand that wait: title, address, who asked.
    others: Vec<(String, String, String)>,
}

/// Everything that waits for somebody's decision, read once for the page and for the count on others.
struct Waits {
    open: Waiting,
    declared: Vec<Declared>,
    templates: Vec<Proposal>,
    overrides: Vec<AskedOverride>,
    moved: Vec<DriftRow>,
}

impl Waits {
    fn read(db: &mut Db, viewer: &Viewer) -> Result<Self, WebError> {
        let waits = |proposal: &Proposal| proposal.state.is_none();
        Ok(Self {
            open: waiting(db, viewer)?,
            declared: events(db, viewer)?.into_iter().filter(|one| one.state.is_none()).collect(),
            templates: template_proposals_all(db)?.into_iter().filter(waits).collect(),
            overrides: override_list(db, viewer, None, Which::Waiting)?,
            moved: drifts(db, viewer)?,
        })
    }

    fn counts(&self) -> [(usize, &'static str); 6] {
        [
            (self.open.exclusions.len(), "exclusion"),
            (self.open.challenges.len(), "challenge"),
            (self.declared.len(), "declared event"),
            (self.templates.len(), "scorecard template"),
            (self.overrides.len(), "standing by hand"),
            (self.moved.len(), "final scorecard"),
        ]
    }

    /// How much waits; empty when nothing does.
    fn words(&self) -> String {
        let some = self.counts().into_iter().filter(|(count, _)| *count > 0);
        // Nobody says standing by hands.
        let told = some.map(|(count, noun)| match noun.split_once(' ') {
            Some((noun, "by hand")) => format!("{} by hand", words::many(count, noun)),
            _ => words::many(count, noun),
        });
        told.collect::<Vec<_>>().join(", ")
    }

    fn summary(&self) -> String {
        let whole: usize = self.counts().iter().map(|(count, _)| count).sum();
        match whole {
            0 => "Nothing waits for a decision.".to_owned(),
            1 => format!("{} waits for a decision.", self.words()),
            _ => format!("{} wait for a decision.", self.words()),
        }
    }
}

/// How much waits, in words; empty when nothing does.
pub(super) fn counted(db: &mut Db, viewer: &Viewer) -> Result<String, WebError> {
    Ok(Waits::read(db, viewer)?.words())
}

/// What else a second person must agree to: title, address, who asked.
fn others(waits: &Waits, name: impl Fn(i64) -> String) -> Vec<(String, String, String)> {
    let templates = waits.templates.iter().map(|one| {
        let version = &one.row.version;
        let title = format!("Scorecard template {version}");
        (title, format!("/template-versions/{version}"), one.row.proposed_by.clone())
    });
    let overrides = waits.overrides.iter().map(|one| {
        let title = format!("Standing of {} by hand", name(one.row.partner_id));
        (title, format!("/partners/{}/standing", one.row.partner_id), one.row.requested_by.clone())
    });
    templates.chain(overrides).collect()
}

/// `GET /decisions`
pub(super) async fn list(me: SignedIn) -> Result<HttpResponse, WebError> {
    let (partners, waits, today) = me
        .in_db(move |unit| {
            let partners = partner_list(unit.db, unit.viewer)?;
            let today = unit.app.today(unit.db)?;
            Ok::<_, WebError>((partners, Waits::read(unit.db, unit.viewer)?, today))
        })
        .await?;
    let names: BTreeMap<i64, String> = partners.into_iter().map(|one| (one.id, one.name)).collect();
    let name = |id: i64| names.get(&id).cloned().unwrap_or_default();
    let mut lines: Vec<Line> = Vec::new();
    for one in &waits.open.exclusions {
        let row = &one.row;
        let (left, soon) = left(row.due_on.0, today);
        lines.push(Line {
            href: format!("/exclusions/{}", row.id),
            title: format!("Exclusion of {}", row.named()),
            partner: name(row.partner_id),
            claim: format!("{}. {}", exclusion_what(one), row.statement),
            by: row.requested_by.clone(),
            at: show::moment(row.requested_at.0),
            due: show::day(row.due_on.0),
            left,
            soon,
            day: row.due_on.0,
        });
    }
    for one in &waits.open.challenges {
        let row = &one.row;
        let (left, soon) = left(row.answer_by.0, today);
        lines.push(Line {
            href: format!("/challenges/{}", row.id),
            title: format!("Challenge of {}", row.named()),
            partner: name(row.partner_id),
            claim: format!("{}. {}", challenge_what(one), row.statement),
            by: row.raised_by.clone(),
            at: show::moment(row.raised_at.0),
            due: show::day(row.answer_by.0),
            left,
            soon,
            day: row.answer_by.0,
        });
    }
    for one in &waits.declared {
        let row = &one.row;
        // Nothing lapses here; it is to be looked at within the time that an exclusion has.
        let due = decide_by(row.requested_at.0.date_naive(), &BusinessCalendar::weekdays([]));
        let (left, soon) = left(due, today);
        lines.push(Line {
            href: "/declared-events".to_owned(),
            title: format!("Declared event {}", row.name),
            partner: "all in its scope".to_owned(),
            claim: row.statement.clone(),
            by: row.requested_by.clone(),
            at: show::moment(row.requested_at.0),
            due: show::day(due),
            left,
            soon,
            day: due,
        });
    }
    lines.sort_by_key(|line| line.day);
    let drifts = waits
        .moved
        .iter()
        .map(|row| {
            let title = row.period.parse::<Period>().map_or_else(|_| row.period.clone(), Period::title);
            let href = format!("/scorecards/{}/{}/restatement", row.partner_id, row.period);
            (format!("{}, {title}", name(row.partner_id)), href, show::moment(row.seen_at.0))
        })
        .collect();
    page::html(&ListPage {
        page: me.page("Needs decision"),
        summary: waits.summary(),
        others: others(&waits, name),
        lines,
        drifts,
    })
}
