//! A rate sheet, accessorial rates or a fuel table brought to a draft by file: read, looked at beside the version in
//! force, and only then loaded. What is shown is a dry run of the very import, and what is loaded is the same bytes.

use std::fmt::Write;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::edit::sentence;
use super::super::extract::{Form, SignedIn};
use super::super::page::{self, Page, WebError};
use super::super::upload::Upload;
use super::draft::{self, Draft, Head};
use crate::app::App;
use crate::app::contract::draft::version_seen;
use crate::app::edit::EditError;
use crate::app::import::Progress;
use crate::app::import::rates::terms::{TermsReport, terms_import};
use crate::app::import::rates::{LineReport, RatesError, RatesReport, RatesRequest, rates_import};
use crate::domain::lifecycle::VersionOptions;
use crate::domain::viewer::Viewer;
use crate::domain::words;
use crate::feeds::kind::ImportKind;
use crate::feeds::mapping::Mapping;
use crate::feeds::rejects::rejects_read;

/// Largest file the page takes; it comes back with the confirmation, two letters a byte. The command line takes more.
const SHEET_BYTES_MAX: usize = 2_000_000;
/// Rows told one by one.
const ROWS_TOLD: usize = 50;
/// Lines told one by one.
const LINES_TOLD: usize = 100;
/// Shipped mappings of rate sheets that people bring.
const MAPPINGS: [&str; 3] = ["brunel", "400ng-2019", "400ng-2020"];

#[derive(Template)]
#[template(path = "contract/sheet_upload.html")]
struct SheetPage {
    page: Page,
    head: Head,
    form: Form,
    notice: Option<String>,
    hows: Vec<(String, String)>,
    problems: Vec<String>,
    found: Option<Found>,
}

/// What a file would change.
struct Found {
    words: String,
    beside: String,
    /// What, and how it changes.
    rows: Vec<(String, String)>,
    notes: Vec<String>,
    /// The file, to come back with the confirmation.
    content: String,
    file_name: String,
    how: String,
}

/// What the file is: (value, words).
fn hows() -> Vec<(String, String)> {
    let own = [
        ("rates", "Rates, one price a row"),
        ("rates-matrix", "Rates, zones or classes across"),
        ("accessorial-rates", "Accessorial rates"),
        ("fuel-table", "A fuel table"),
    ];
    let own = own.map(|(value, words)| (value.to_owned(), words.to_owned()));
    let shipped = MAPPINGS.map(|name| (name.to_owned(), format!("Rates, as the mapping {name} reads them")));
    own.into_iter().chain(shipped).collect()
}

fn mapping_of(how: &str) -> Option<Mapping> {
    match how {
        "rates" | "accessorial-rates" | "fuel-table" => ImportKind::named(how).map(Mapping::identity),
        "rates-matrix" => Mapping::load(how).ok(),
        _ => MAPPINGS.iter().find(|name| **name == how).and_then(|name| Mapping::load(name).ok()),
    }
}

fn view(me: &SignedIn, draft: &Draft, form: Form, problems: Vec<String>, found: Option<Found>) -> SheetPage {
    let head = draft.head("Load a file");
    SheetPage { page: me.page(head.title.clone()), head, form, notice: None, hows: hows(), problems, found }
}

/// `GET /contract-versions/{id}/sheet`
pub(in crate::web) async fn form(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let draft = draft::open(&me, *id).await?;
    page::html(&view(&me, &draft, Form::filled([("how", "rates")]), Vec::new(), None))
}

/// `POST /contract-versions/{id}/sheet`: looks at the file, or loads what was looked at.
pub(in crate::web) async fn load(
    me: SignedIn,
    id: web::Path<i64>,
    upload: Upload<SHEET_BYTES_MAX>,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let draft = draft::open(&me, id).await?;
    let Upload { form, file, file_name } = upload;
    let load = form.is("do", "load");
    let (bytes, file_name) = match file {
        Some(bytes) => (Some(bytes), file_name),
        None => (read_hex(form.value("content")), form.value("file_name").to_owned()),
    };
    let refuse = |form: Form, status: StatusCode, problems: Vec<String>| {
        page::html_with(status, &view(&me, &draft, form, problems, None))
    };
    let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else {
        return refuse(form, StatusCode::UNPROCESSABLE_ENTITY, vec!["Choose a file.".to_owned()]);
    };
    let how = form.value("how").to_owned();
    let Some(mapping) = mapping_of(&how) else {
        return refuse(form, StatusCode::UNPROCESSABLE_ENTITY, vec!["Say what the file holds.".to_owned()]);
    };
    let wanted = Wanted {
        version_id: id,
        contract: draft.page.contract.number.clone(),
        version_no: draft.page.version.version,
        seen: form.value("seen").to_owned(),
        name: plain_name(&file_name),
        load,
    };
    let content = if load { String::new() } else { hex(&bytes) };
    let name = wanted.name.clone();
    match me.in_app(move |app, viewer| wanted.run(app, viewer, &mapping, &bytes)).await? {
        Err((status, problems)) => refuse(form, status, problems),
        Ok(_) if load => {
            me.flash("The file is in the draft.");
            Ok(page::see_other(&draft.address()))
        }
        Ok(report) => {
            let found = Found { content, file_name: name, how, ..report.found() };
            page::html(&view(&me, &draft, form, Vec::new(), Some(found)))
        }
    }
}

/// A name that is safe in a folder of our own.
fn plain_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        .take(100)
        .collect();
    let plain = plain.trim_start_matches('.').to_owned();
    if plain.is_empty() { "sheet".to_owned() } else { plain }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn read_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks_exact(2);
    let whole = digits.remainder().is_empty();
    let bytes: Option<Vec<u8>> =
        digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()).collect();
    bytes.filter(|_| whole)
}

/// What was read, or loaded.
enum Report {
    Rates(RatesReport),
    Terms(TermsReport),
}

/// One file for one draft.
struct Wanted {
    version_id: i64,
    contract: String,
    version_no: i32,
    seen: String,
    name: String,
    load: bool,
}

type Refused = (StatusCode, Vec<String>);

impl Wanted {
    fn run(
        &self,
        app: &App,
        viewer: &Viewer,
        mapping: &Mapping,
        bytes: &[u8],
    ) -> Result<Result<Report, Refused>, WebError> {
        let mut db = app.pool.get().map_err(anyhow::Error::from)?;
        if self.load && version_seen(&mut db, viewer, self.version_id)? != self.seen {
            let words = "The draft has changed since you looked at the file. Look at it again.".to_owned();
            return Ok(Err((StatusCode::CONFLICT, vec![words])));
        }
        drop(db);
        let folder = tempfile::tempdir().map_err(anyhow::Error::from)?;
        let path = folder.path().join(&self.name);
        std::fs::write(&path, bytes).map_err(anyhow::Error::from)?;
        let request = RatesRequest {
            path: &path,
            mapping,
            by: &viewer.name,
            rejects: folder.path().join("rejected.rows"),
            contract: &self.contract,
            partner: None,
            version: Some(self.version_no),
            options: VersionOptions { baseline: None, dispute_days: None, price_cap: None },
            dry_run: !self.load,
        };
        let quiet = |_: Progress| {};
        let done = if mapping.kind == ImportKind::Rates {
            rates_import(app, viewer, &request, &quiet).map(Report::Rates)
        } else {
            terms_import(app, viewer, &request, &quiet).map(Report::Terms)
        };
        match done {
            Ok(report) => Ok(Ok(report)),
            Err(error) => {
                let (status, problems) = told(error)?;
                let own = path.display().to_string();
                let problems = problems.into_iter().map(|line| sentence(&line.replace(&own, "the file")));
                Ok(Err((status, problems.collect())))
            }
        }
    }
}

/// What to say of a file that cannot be loaded.
fn told(error: RatesError) -> Result<Refused, WebError> {
    let unsound = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(match error {
        RatesError::Edit(error @ (EditError::NotFound(_) | EditError::Denied { .. } | EditError::Db(_))) => {
            return Err(error.into());
        }
        RatesError::Edit(error) => (StatusCode::CONFLICT, vec![error.to_string()]),
        RatesError::Busy => {
            (StatusCode::CONFLICT, vec!["Another import is running. Try again in a minute.".to_owned()])
        }
        RatesError::Rejected { count, read, rejects, .. } => {
            let rows = rejects_read(&rejects, ROWS_TOLD).map_err(anyhow::Error::from)?;
            let mut said = vec![format!("{count} of {read} rows cannot be read, so nothing was loaded")];
            said.extend(rows);
            if usize::try_from(count).unwrap_or(usize::MAX) > ROWS_TOLD {
                said.push(format!("only the first {ROWS_TOLD} are listed"));
            }
            (unsound, said)
        }
        RatesError::Problems { problems, .. } | RatesError::Invalid(problems) => (unsound, problems.0),
        other => (unsound, vec![other.to_string()]),
    })
}

impl Report {
    fn found(&self) -> Found {
        let (words, beside, rows, notes) = match self {
            Self::Rates(report) => (
                format!(
                    "{} read: {} in {} and {}.",
                    words::many(report.rows_read, "row"),
                    words::many(report.cells, "rate"),
                    words::many(report.lines.len(), "line"),
                    words::many(report.lanes, "lane")
                ),
                match report.compared_with {
                    Some(version) => format!("Against version {version}. Nothing is loaded yet"),
                    None => "There is no signed version to compare with. Nothing is loaded yet".to_owned(),
                },
                report.lines.iter().take(LINES_TOLD).map(line_row).collect(),
                report.notes.clone(),
            ),
            Self::Terms(report) => {
                let rows = |what: &'static str, all: &[String]| -> Vec<(String, String)> {
                    all.iter().map(|said| (what.to_owned(), said.clone())).collect()
                };
                let mut all = rows("Added", &report.added);
                all.extend(rows("Changed", &report.changed));
                (
                    format!(
                        "{} read: {} added, {} changed, {} the same.",
                        words::many(report.rows_read, "row"),
                        report.added.len(),
                        report.changed.len(),
                        report.same
                    ),
                    "Against the draft. Nothing is loaded yet".to_owned(),
                    all.into_iter().take(LINES_TOLD).collect(),
                    Vec::new(),
                )
            }
        };
        let notes = notes.iter().map(|note| sentence(note)).collect();
        Found {
            words,
            beside,
            rows,
            notes,
            content: String::new(),
            file_name: String::new(),
            how: String::new(),
        }
    }
}

/// A rate line and how it changes.
fn line_row(line: &LineReport) -> (String, String) {
    let from = line.valid_from.map(|day| format!(" from {day}")).unwrap_or_default();
    let mut said = if line.new {
        format!("new, {}", words::many(line.added, "rate"))
    } else {
        format!(
            "{} added, {} removed, {} changed, {} the same",
            line.added, line.removed, line.changed, line.same
        )
    };
    for change in &line.largest {
        said += &format!("; {change}");
    }
    if line.over_cap > 0 {
        said += &format!("; over the price cap: {}", words::many(line.over_cap, "rate"));
    }
    (format!("{}{from}", line.code), said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_back_as_it_went_out() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(read_hex(&hex(&bytes)), Some(bytes));
        assert_eq!((read_hex("0"), read_hex("zz")), (None, None));
        assert_eq!(plain_name("../../etc/passwd"), "etcpasswd");
        assert_eq!(plain_name("…"), "sheet");
    }

    #[test]
    fn every_kind_of_file_has_its_mapping() {
        assert!(hows().iter().all(|(how, _)| mapping_of(how).is_some()));
        assert!(mapping_of("/etc/passwd").is_none());
    }
}
