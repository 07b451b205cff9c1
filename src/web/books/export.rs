//! Export batches: the list, one batch, its files, and the form that makes the next.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::app::books::export::{ExportFormat, batch_file, batch_make, batch_view, batches};
use crate::app::books::layout::layouts;
use crate::app::edit::EditError;
use crate::app::ledger::view::Since;
use crate::db::books::{BatchRow, exported_count, gl_count};
use crate::db::partner::{Partner, partner_list};
use crate::domain::books::batch::BatchLine as Exported;
use crate::domain::books::month_of;
use crate::domain::ledger::{Recognition, Side};
use crate::domain::viewer::Action;
use crate::domain::words;
use crate::web::download::{FileKind, download};
use crate::web::edit::{day_optional, refuse};
use crate::web::extract::{Form, SignedIn};
use crate::web::ledger::link::EntriesOf;
use crate::web::ledger::{entry_address, optional};
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Lines of a batch on its page; the files hold all.
const LINES_SHOWN: usize = 200;

struct BatchLine {
    number: String,
    href: String,
    through: String,
    entries: String,
    made: String,
    files: Vec<(String, &'static str)>,
}

#[derive(Template)]
#[template(path = "books/exports.html")]
struct ExportsPage {
    page: Page,
    batches: Vec<BatchLine>,
    left: String,
    has_left: bool,
    /// The entries that wait.
    waiting: String,
    layout: String,
    may: bool,
    form: Form,
    notice: Option<String>,
}

fn files(batch: i32) -> Vec<(String, &'static str)> {
    ExportFormat::ALL
        .iter()
        .map(|format| {
            let name = match format {
                ExportFormat::Journal => "journal.txt",
                ExportFormat::Csv => "journal.csv",
                ExportFormat::Xlsx => "journal.xlsx",
                ExportFormat::Json => "journal.json",
            };
            (format!("/ledger/exports/{batch}/{name}"), format.label())
        })
        .collect()
}

fn line(row: &BatchRow) -> BatchLine {
    BatchLine {
        number: format!("Batch {}", row.batch),
        href: format!("/ledger/exports/{}", row.batch),
        through: show::day(row.through_day.0),
        entries: show::count(row.entries),
        made: format!("{}, {} UTC", row.made_by, show::moment(row.made_at.0)),
        files: files(row.batch),
    }
}

async fn answer(me: &SignedIn, form: Form, refusal: Option<EditError>) -> Result<HttpResponse, WebError> {
    let (rows, left, layout) = me
        .in_db(|unit| {
            let rows = batches(unit.db, unit.viewer)?;
            let today = unit.app.today(unit.db)?;
            let now = month_of(today);
            let left = gl_count(unit.db, now)?.saturating_sub(exported_count(unit.db, now)?);
            let layout = layouts(unit.db, unit.viewer)?.first().map(|row| row.version);
            Ok::<_, EditError>((rows, left, layout))
        })
        .await?;
    let mut form = form;
    if form.value("through").is_empty() && refusal.is_none() {
        form = Form::filled([("through", String::new())]);
    }
    let (status, notice) = match refusal {
        None => (actix_web::http::StatusCode::OK, None),
        Some(error) => {
            let refused = refuse(&mut form, error, &[("through", "through")])?;
            (refused.status, refused.notice)
        }
    };
    let exports = ExportsPage {
        page: me.page("Exports to the general ledger"),
        batches: rows.iter().map(line).collect(),
        left: match left {
            0 => "Nothing waits to be exported".to_owned(),
            left => format!("{} to be exported", words::count(left, "entry")),
        },
        has_left: left > 0,
        waiting: EntriesOf {
            since: Some(Since::Start),
            recognition: Some(Recognition::Gl),
            exported: Some(false),
            ..EntriesOf::default()
        }
        .href(),
        layout: layout.map_or_else(
            || "No layout of the journal file is kept yet.".to_owned(),
            |version| format!("The journal file is laid out by version {version}."),
        ),
        may: me.viewer.role.may(Action::KeepBooks),
        form,
        notice,
    };
    page::html_with(status, &exports)
}

/// `GET /ledger/exports`
pub(in crate::web) async fn list(me: SignedIn) -> Result<HttpResponse, WebError> {
    answer(&me, Form::default(), None).await
}

/// `POST /ledger/exports`
pub(in crate::web) async fn create(me: SignedIn, mut form: Form) -> Result<HttpResponse, WebError> {
    let through = day_optional(&mut form, "through");
    if !form.is_sound() {
        let words = EditError::field("through", "choose a day");
        return answer(&me, form, Some(words)).await;
    }
    let made = me.in_app(move |app, viewer| Ok::<_, WebError>(batch_make(app, viewer, through))).await?;
    match made {
        Ok(row) => {
            me.flash(&format!("Batch {} holds {}.", row.batch, words::count(row.entries, "entry")));
            Ok(page::see_other(&format!("/ledger/exports/{}", row.batch)))
        }
        Err(error) => answer(&me, form, Some(error)).await,
    }
}

struct JournalLine {
    posted: String,
    what: String,
    /// Where the entry is; empty where its partner is not known by that code any more.
    href: String,
    under: String,
    account: String,
    debit: String,
    credit: String,
}

#[derive(Template)]
#[template(path = "books/batch.html")]
struct BatchPage {
    page: Page,
    title: String,
    made: String,
    sha256: String,
    entries: String,
    files: Vec<(String, &'static str)>,
    lines: Vec<JournalLine>,
    more: Option<String>,
    layouts: Vec<(String, String)>,
}

/// Where the evidence of an exported line is.
fn evidence(line: &Exported, partners: &[Partner]) -> String {
    let partner = partners.iter().find(|one| one.code == line.partner_code);
    let address = |(partner, key): (&Partner, _)| entry_address(partner.id, line.entry, key);
    partner.zip(line.obligation.parse().ok()).map(address).unwrap_or_default()
}

/// `GET /ledger/exports/{batch}`
pub(in crate::web) async fn show_one(me: SignedIn, batch: web::Path<i32>) -> Result<HttpResponse, WebError> {
    let number = *batch;
    let ((row, batch), kept, partners) = me
        .in_db(move |unit| {
            let found = batch_view(unit.db, unit.viewer, number)?;
            Ok::<_, EditError>((found, layouts(unit.db, unit.viewer)?, partner_list(unit.db, unit.viewer)?))
        })
        .await?;
    let money = |amount: Option<crate::domain::money::Micros>| amount.map(show::money).unwrap_or_default();
    let lines = batch.lines.iter().take(LINES_SHOWN).map(|line| JournalLine {
        posted: show::day(line.posted),
        what: line.memo.clone(),
        href: evidence(line, &partners),
        under: format!("{}, for {}, entry {}", line.partner, line.obligation_period, line.entry),
        account: format!("{} {}", line.account, line.account_name),
        debit: money(line.on(Side::Debit)),
        credit: money(line.on(Side::Credit)),
    });
    let more = batch.lines.len().saturating_sub(LINES_SHOWN);
    let batch_page = BatchPage {
        page: me.page(format!("Batch {number}")),
        title: format!("Batch {number}"),
        made: format!(
            "Made by {} on {} UTC of what was posted up to {}.",
            row.made_by,
            show::moment(row.made_at.0),
            show::day(row.through_day.0)
        ),
        sha256: row.content_sha256.clone(),
        entries: format!("{}, {}", words::count(row.entries, "entry"), words::count(row.lines, "line")),
        files: files(number),
        lines: lines.collect(),
        more: (more > 0).then(|| format!("{} more in the files.", words::many(more, "line"))),
        layouts: kept
            .iter()
            .map(|layout| {
                let href = format!("/ledger/exports/{number}/journal.txt?layout={}", layout.version);
                (href, format!("by layout {}", layout.version))
            })
            .collect(),
    };
    page::html(&batch_page)
}

/// The layout in the address of a journal file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct FileParams {
    layout: String,
}

/// `GET /ledger/exports/{batch}/{file}`
pub(in crate::web) async fn file(
    me: SignedIn,
    path: web::Path<(i32, String)>,
    params: web::Query<FileParams>,
) -> Result<HttpResponse, WebError> {
    let (number, name) = path.into_inner();
    let (format, kind) = match name.as_str() {
        "journal.csv" => (ExportFormat::Csv, FileKind::Csv),
        "journal.xlsx" => (ExportFormat::Xlsx, FileKind::Xlsx),
        "journal.json" => (ExportFormat::Json, FileKind::Json),
        "journal.txt" => (ExportFormat::Journal, FileKind::Text),
        _ => return Err(WebError::NotFound),
    };
    let layout: Option<i32> = optional(&params.layout)?;
    let file = me.in_db(move |unit| batch_file(unit.db, unit.viewer, number, format, layout)).await?;
    Ok(download(&file.name, kind, file.bytes))
}
