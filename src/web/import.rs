//! Imports: which files came in, and what became of their rows.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::extract::SignedIn;
use super::page::{self, Page, WebError};
use super::show;
use crate::db::import::{ImportRecord, import_list, import_show};
use crate::feeds::kind::ImportKind;

/// Imports on one page.
const PAGE_ROWS: i64 = 50;

struct Line {
    id: i64,
    file: String,
    kind: String,
    mapping: String,
    by: String,
    started: String,
    took: String,
    tone: &'static str,
    shape: &'static str,
    state: &'static str,
    read: String,
    new: String,
    changed: String,
    same: String,
    rejected: String,
    /// What to do about it, if anything.
    advice: Option<String>,
}

#[derive(Template)]
#[template(path = "import/list.html")]
struct ImportsPage {
    page: Page,
    imports: Vec<Line>,
    older: Option<i64>,
    first: bool,
}

#[derive(Template)]
#[template(path = "import/page.html")]
struct ImportPage {
    page: Page,
    one: Line,
}

/// The query of the list.
#[derive(Debug, Deserialize)]
pub(super) struct From {
    before: Option<i64>,
}

/// `GET /imports?before=ID`
pub(super) async fn list(me: SignedIn, from: web::Query<From>) -> Result<HttpResponse, WebError> {
    let before = from.before;
    let mut found =
        me.in_db(move |unit| Ok::<_, WebError>(import_list(unit.db, before, PAGE_ROWS + 1)?)).await?;
    let page_rows = usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
    let more = found.len() > page_rows;
    found.truncate(page_rows);
    page::html(&ImportsPage {
        page: me.page("Imports"),
        older: found.last().filter(|_| more).map(|last| last.id),
        first: before.is_some(),
        imports: found.into_iter().map(Line::of).collect(),
    })
}

/// `GET /imports/{id}`
pub(super) async fn show_one(me: SignedIn, path: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let id = path.into_inner();
    let found = me.in_db(move |unit| Ok::<_, WebError>(import_show(unit.db, id)?)).await?;
    let one = Line::of(found.ok_or(WebError::NotFound)?);
    page::html(&ImportPage { page: me.page(one.file.clone()), one })
}

impl Line {
    fn of(record: ImportRecord) -> Self {
        let (tone, shape, state) = match record.state.as_str() {
            "DONE" if record.rows_rejected > 0 => ("warn", "near", "Done, rows rejected"),
            "DONE" => ("good", "check", "Done"),
            "RUNNING" => ("info", "clock", "Running"),
            _ => ("bad", "stop", "Stopped"),
        };
        let advice = match state {
            "Stopped" => Some(
                "It stopped before its end. Run the same import again; what is in already is recognised.".to_owned(),
            ),
            "Done, rows rejected" => Some(
                "Each rejected row is in the rejects file that the command named, with what is wrong. Correct them there \
                 and import that file."
                    .to_owned(),
            ),
            _ => None,
        };
        let took = record.finished_at.map_or_else(
            || "–".to_owned(),
            |end| {
                let seconds = end.0.signed_duration_since(record.started_at.0).num_seconds().max(0);
                if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds / 60) }
            },
        );
        Self {
            id: record.id,
            file: record.file_name,
            kind: ImportKind::of_code(&record.kind)
                .map_or_else(|| record.kind.to_lowercase(), |kind| kind.words().to_owned()),
            mapping: record.mapping,
            by: record.imported_by,
            started: show::instant(record.started_at.0),
            took,
            tone,
            shape,
            state,
            read: show::count(record.rows_read),
            new: show::count(record.rows_new),
            changed: show::count(record.rows_changed),
            same: show::count(record.rows_same),
            rejected: show::count(record.rows_rejected),
            advice,
        }
    }
}
