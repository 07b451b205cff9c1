//! What waits for a decision of the carrier manager: exclusions, challenges, declared events, final scorecards that later
//! facts would move.

use actix_web::HttpResponse;
use askama::Template;
use std::collections::BTreeMap;

use super::exclusion::{challenge_what, exclusion_what, left};
use super::extract::{SignedIn, Unit};
use super::page::{self, Page, WebError};
use super::show;
use crate::app::challenge::waiting;
use crate::app::declared_event::events;
use crate::app::restatement::drifts;
use crate::db::Db;
use crate::db::partner::{Partner, partner_list};
use crate::db::standing::override_list;
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

/// How much waits, in words; empty when nothing does.
pub(super) fn counted(db: &mut Db, viewer: &Viewer) -> Result<String, WebError> {
    let open = waiting(db, viewer)?;
    let declared = events(db, viewer)?.iter().filter(|one| one.state.is_none()).count();
    let parts: Vec<String> = [
        (open.exclusions.len(), "exclusion"),
        (open.challenges.len(), "challenge"),
        (declared, "declared event"),
        (drifts(db, viewer)?.len(), "final scorecard"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, noun)| words::many(count, noun))
    .collect();
    Ok(parts.join(", "))
}

/// What else a second person must agree to.
fn others(unit: &mut Unit<'_>, partners: &[Partner]) -> Result<Vec<(String, String, String)>, WebError> {
    let mut found: Vec<(String, String, String)> = super::template::waiting(unit)?
        .into_iter()
        .map(|(version, by)| {
            (format!("Scorecard template {version}"), format!("/template-versions/{version}"), by)
        })
        .collect();
    for one in override_list(unit.db, unit.viewer, None)?.into_iter().filter(|one| one.state.is_none()) {
        let of = partners.iter().find(|partner| partner.id == one.row.partner_id);
        let name = of.map_or("a partner", |partner| partner.name.as_str());
        let href = format!("/partners/{}/standing", one.row.partner_id);
        found.push((format!("Standing of {name} by hand"), href, one.row.requested_by));
    }
    Ok(found)
}

/// `GET /decisions`
pub(super) async fn list(me: SignedIn) -> Result<HttpResponse, WebError> {
    let (partners, open, declared, moved, today, others) = me
        .in_db(move |mut unit| {
            let partners = partner_list(unit.db, unit.viewer)?;
            let today = unit.app.today(unit.db)?;
            let open = waiting(unit.db, unit.viewer)?;
            let declared = events(unit.db, unit.viewer)?;
            let others = others(&mut unit, &partners)?;
            Ok::<_, WebError>((partners, open, declared, drifts(unit.db, unit.viewer)?, today, others))
        })
        .await?;
    let names: BTreeMap<i64, String> = partners.into_iter().map(|one| (one.id, one.name)).collect();
    let name = |id: i64| names.get(&id).cloned().unwrap_or_default();
    let mut lines: Vec<Line> = Vec::new();
    for one in &open.exclusions {
        let row = &one.row;
        let (left, soon) = left(row.due_on.0, today);
        lines.push(Line {
            href: format!("/exclusions/{}", row.id),
            title: format!("Exclusion of shipment {}", row.reference),
            partner: name(row.partner_id),
            claim: format!("{}. {}", exclusion_what(one), row.statement),
            by: row.requested_by.clone(),
            at: show::instant(row.requested_at.0),
            due: show::day(row.due_on.0),
            left,
            soon,
            day: row.due_on.0,
        });
    }
    for one in &open.challenges {
        let row = &one.row;
        let (left, soon) = left(row.answer_by.0, today);
        lines.push(Line {
            href: format!("/challenges/{}", row.id),
            title: format!("Challenge of shipment {}", row.reference),
            partner: name(row.partner_id),
            claim: format!("{}. {}", challenge_what(one), row.statement),
            by: row.raised_by.clone(),
            at: show::instant(row.raised_at.0),
            due: show::day(row.answer_by.0),
            left,
            soon,
            day: row.answer_by.0,
        });
    }
    for one in declared.iter().filter(|one| one.state.is_none()) {
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
            at: show::instant(row.requested_at.0),
            due: show::day(due),
            left,
            soon,
            day: due,
        });
    }
    lines.sort_by_key(|line| line.day);
    let drifts = moved
        .iter()
        .map(|row| {
            let title = row.period.parse::<Period>().map_or_else(|_| row.period.clone(), Period::title);
            let href = format!("/scorecards/{}/{}/restatement", row.partner_id, row.period);
            (format!("{}, {title}", name(row.partner_id)), href, show::instant(row.seen_at.0))
        })
        .collect();
    page::html(&ListPage {
        page: me.page("Needs decision"),
        summary: match lines.len() {
            0 => "Nothing waits for a decision.".to_owned(),
            many => format!(
                "{} for a decision.",
                if many == 1 { "1 waits".to_owned() } else { format!("{many} wait") }
            ),
        },
        lines,
        drifts,
        others,
    })
}
