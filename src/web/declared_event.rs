//! Declared events: the list with its history, declaring one, and the second person's decision.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::edit::{Refusal, day, refuse, unsound};
use super::exclusion::chip;
use super::extract::{Form, SignedIn};
use super::page::{self, Page, WebError};
use super::partner::Chip;
use super::show;
use crate::app::declared_event::{NewEvent, declare, event_decide, events};
use crate::db::declared_event::Declared;
use crate::db::partner::{Partner, partner_list};
use crate::domain::declared_event::{EventKind, Scope};
use crate::domain::exclusion::Decision;
use crate::domain::geo::GeoSelector;
use crate::domain::viewer::Action;
use crate::domain::words;

struct Line {
    id: i64,
    name: String,
    kind: String,
    statement: String,
    days: String,
    scope: String,
    state: Chip,
    history: Vec<String>,
    choices: Vec<(&'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "declared_event/list.html")]
struct ListPage {
    page: Page,
    lines: Vec<Line>,
    may_declare: bool,
    may_decide: bool,
    kinds: Vec<(String, String)>,
    form: Form,
    notice: Option<String>,
}

fn line(me: &SignedIn, one: &Declared, names: &BTreeMap<i64, String>) -> Line {
    let row = &one.row;
    let own = row.requested_by_id == me.viewer.user_id;
    let may = me.viewer.role.may(Action::DecideExclusions);
    let choices = match (one.state, own) {
        _ if !may => Vec::new(),
        (None, true) => vec![("WITHDRAWN", "Take it back")],
        (None, false) => vec![("APPROVED", "Approve"), ("DENIED", "Deny")],
        (Some(Decision::Approved), false) => vec![("WITHDRAWN", "Withdraw")],
        _ => Vec::new(),
    };
    let mut history = vec![format!("{} {} declared it", show::instant(row.requested_at.0), row.requested_by)];
    history.extend(one.decisions.iter().map(|decision| {
        let what: Option<Decision> = decision.kind.parse().ok();
        let at = show::instant(decision.at.0);
        format!("{at} {} {} it: {}", decision.actor, what.map_or("", Decision::label), decision.words)
    }));
    Line {
        id: row.id,
        name: row.name.clone(),
        kind: row.kind.parse::<EventKind>().map_or_else(|_| row.kind.clone(), |kind| kind.label().to_owned()),
        statement: row.statement.clone(),
        days: if row.first_day == row.last_day {
            show::day(row.first_day.0)
        } else {
            format!("{} to {}", show::day(row.first_day.0), show::day(row.last_day.0))
        },
        scope: one.row.event().map_or_else(|_| String::new(), |event| scope_words(&event.scope, names)),
        state: chip(one.state),
        history,
        choices,
    }
}

fn scope_words(scope: &Scope, names: &BTreeMap<i64, String>) -> String {
    let places: Vec<String> = scope.places.iter().map(ToString::to_string).collect();
    let places = if scope.places == [GeoSelector::Any] { "everywhere".to_owned() } else { places.join(", ") };
    let modes = if scope.modes.is_empty() { "all modes".to_owned() } else { scope.modes.join(", ") };
    let partners: Vec<&str> =
        scope.partners.iter().filter_map(|id| names.get(id)).map(String::as_str).collect();
    let partners = if scope.partners.is_empty() { "all partners".to_owned() } else { partners.join(", ") };
    format!("{places}; {modes}; {partners}")
}

async fn list_page(me: &SignedIn, form: Form, notice: Option<String>) -> Result<ListPage, WebError> {
    let (all, partners) = me
        .in_db(move |unit| {
            Ok::<_, WebError>((events(unit.db, unit.viewer)?, partner_list(unit.db, unit.viewer)?))
        })
        .await?;
    let names: BTreeMap<i64, String> = partners.into_iter().map(|one| (one.id, one.name)).collect();
    Ok(ListPage {
        page: me.page("Declared events"),
        lines: all.iter().map(|one| line(me, one, &names)).collect(),
        may_declare: me.viewer.role.may(Action::RequestExclusions),
        may_decide: me.viewer.role.may(Action::DecideExclusions),
        kinds: EventKind::ALL.iter().map(|kind| (kind.code().to_owned(), kind.label().to_owned())).collect(),
        form,
        notice,
    })
}

/// `GET /declared-events`
pub(super) async fn list(me: SignedIn) -> Result<HttpResponse, WebError> {
    page::html(&list_page(&me, Form::default(), None).await?)
}

/// What a form says of the scope; notes what does not read.
fn scope_of(form: &mut Form, partners: &[Partner]) -> Scope {
    let (mut places, mut modes, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    let lines: Vec<String> = form
        .value("places")
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    for line in lines {
        match line.parse::<GeoSelector>() {
            Ok(place) => places.push(place),
            Err(error) => form.fail("places", super::edit::sentence(&error.to_string())),
        }
    }
    let parts = |text: &str| -> Vec<String> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    modes.extend(parts(form.value("modes")));
    for code in parts(form.value("partners")) {
        match partners.iter().find(|one| one.code.eq_ignore_ascii_case(&code)) {
            Some(partner) => ids.push(partner.id),
            None => form.fail("partners", format!("No partner has the code {code}.")),
        }
    }
    Scope { places, modes, partners: ids }
}

const NAMES: &[(&str, &str)] = &[
    ("name", "name"),
    ("last_day", "last_day"),
    ("places", "places"),
    ("modes", "modes"),
    ("partners", "partners"),
    ("statement", "statement"),
];

/// `POST /declared-events`
pub(super) async fn create(me: SignedIn, mut form: Form) -> Result<HttpResponse, WebError> {
    let partners = me.in_db(move |unit| partner_list(unit.db, unit.viewer)).await?;
    let kind = form.read::<EventKind>("kind", "Choose from the list.");
    let (first, last) = (day(&mut form, "first_day"), day(&mut form, "last_day"));
    let scope = scope_of(&mut form, &partners);
    let refusal = match (kind, first, last) {
        (Some(kind), Some(first), Some(last)) if form.is_sound() => {
            let new = NewEvent {
                name: form.value("name").to_owned(),
                kind,
                days: (first, last),
                scope,
                statement: form.value("statement").to_owned(),
            };
            let work = me.in_db(move |unit| Ok::<_, WebError>(declare(unit.app, unit.db, unit.viewer, &new)));
            match work.await? {
                Ok(_) => {
                    me.flash("Declared. It takes effect once someone else approves it.");
                    return Ok(page::see_other("/declared-events"));
                }
                Err(error) => refuse(&mut form, error, NAMES)?,
            }
        }
        _ => unsound(),
    };
    let Refusal { status, notice } = refusal;
    page::html_with(status, &list_page(&me, form, notice).await?)
}

/// `POST /declared-events/{id}/decision`
pub(super) async fn decide(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let decision: Decision = form
        .value("decision")
        .parse()
        .map_err(|_| WebError::BadRequest("Choose what to do with the event.".to_owned()))?;
    let why = form.value("words").to_owned();
    let work = me.in_db(move |unit| {
        Ok::<_, WebError>(event_decide(unit.app, unit.db, unit.viewer, id, decision, &why))
    });
    match work.await? {
        Ok(marked) => {
            let told = match decision {
                Decision::Approved => "Approved.",
                Decision::Denied => "Denied.",
                Decision::Withdrawn => "Withdrawn.",
            };
            me.flash(&format!("{told} {} will be judged again.", words::many(marked, "partner day")));
            Ok(page::see_other("/declared-events"))
        }
        Err(error) => {
            let Refusal { status, notice } = refuse(&mut form, error, &[])?;
            page::html_with(status, &list_page(&me, Form::default(), notice).await?)
        }
    }
}
