//! The exceptions board: what needs a call now. Its rows come again by themselves; without scripts the page does.

use actix_web::HttpResponse;
use actix_web::http::header;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::extract::SignedIn;
use super::page::{self, Page, WebError};
use super::show;
use crate::app::exceptions::{Board, OnBoard, SHOWN, SILENT_HOURS, board};
use crate::db::dimension::zones_by_id;
use crate::domain::exception::Exception;
use crate::domain::words;

/// The one page with a script: it fetches its own rows from this site, and nothing else is allowed.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; \
    img-src 'self' data:; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "exceptions/page.html")]
struct BoardPage {
    page: Page,
    view: View,
}

#[derive(Template)]
#[template(path = "exceptions/rows.html")]
struct RowsPart {
    view: View,
}

struct View {
    as_of: String,
    groups: Vec<Group>,
    silent: Vec<(String, String, String, String)>,
    is_cut: bool,
}

struct Group {
    id: &'static str,
    title: &'static str,
    count: String,
    note: String,
    due: &'static str,
    rows: Vec<Line>,
}

struct Line {
    reference: String,
    href: String,
    partner: String,
    partner_href: String,
    lane: String,
    due: String,
    by: String,
}

/// `GET /exceptions`
pub(super) async fn show(me: SignedIn) -> Result<HttpResponse, WebError> {
    let view = view(&me).await?;
    let mut answer = page::html(&BoardPage { page: me.page("Exceptions"), view })?;
    answer
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    Ok(answer)
}

/// `GET /exceptions/rows`: the part of the page that comes again.
pub(super) async fn rows(me: SignedIn) -> Result<HttpResponse, WebError> {
    page::html(&RowsPart { view: view(&me).await? })
}

async fn view(me: &SignedIn) -> Result<View, WebError> {
    let (now, board, zones) = me
        .in_db(|unit| {
            let now = unit.app.now();
            Ok::<_, WebError>((now, board(unit.db, unit.viewer, now)?, zones_by_id(unit.db)?))
        })
        .await?;
    let name = |id: i64| board.names.get(&id).cloned().unwrap_or_else(|| id.to_string());
    let zone = |on: &OnBoard| {
        let id = match on.finding.exception {
            Exception::NotPickedUp => on.row.pickup_zone_id.or(on.row.delivery_zone_id),
            Exception::Late | Exception::AboutToBeLate => on.row.delivery_zone_id.or(on.row.pickup_zone_id),
        };
        id.and_then(|id| zones.get(&id).copied()).unwrap_or(Tz::UTC)
    };
    let line = |on: &OnBoard| Line {
        reference: on.row.reference.clone(),
        href: show::shipment_href(on.row.partner_id, &on.source, &on.row.reference),
        partner: name(on.row.partner_id),
        partner_href: format!("/partners/{}", on.row.partner_id),
        lane: on.lane.clone(),
        due: show::local_short(on.finding.due_by, zone(on), false),
        by: distance(on.finding.due_by, now),
    };
    let groups = Exception::ALL.into_iter().map(|kind| group(kind, &board, line)).collect();
    let silent = board
        .silent
        .iter()
        .map(|silent| {
            let heard = silent.heard_at.map_or_else(
                || "nothing in two weeks".to_owned(),
                |at| format!("{} ago", show::minutes(now.signed_duration_since(at).num_minutes())),
            );
            let open = words::many(i64::try_from(silent.open).unwrap_or(i64::MAX), "shipment");
            (name(silent.partner_id), format!("/partners/{}", silent.partner_id), open, heard)
        })
        .collect();
    Ok(View { as_of: show::instant(now), groups, silent, is_cut: board.is_cut })
}

fn group(kind: Exception, board: &Board, line: impl Fn(&OnBoard) -> Line) -> Group {
    let count = board.counts.get(&kind).copied().unwrap_or_default();
    Group {
        id: match kind {
            Exception::Late => "late",
            Exception::AboutToBeLate => "soon",
            Exception::NotPickedUp => "waiting",
        },
        title: kind.title(),
        count: show::count(i64::try_from(count).unwrap_or(i64::MAX)),
        note: if count > SHOWN { format!("the first {SHOWN} are shown") } else { String::new() },
        due: match kind {
            Exception::Late => "Overdue by",
            Exception::AboutToBeLate => "Due in",
            Exception::NotPickedUp => "Pickup overdue by",
        },
        rows: board.rows.iter().filter(|on| on.finding.exception == kind).map(line).collect(),
    }
}

fn distance(due_by: DateTime<Utc>, now: DateTime<Utc>) -> String {
    show::minutes(due_by.signed_duration_since(now).num_minutes().abs())
}

/// What the page says of silence.
pub(super) fn silent_words() -> String {
    format!("Something is open, and nothing was reported for {SILENT_HOURS} hours or more")
}
