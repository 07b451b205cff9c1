//! The negotiation in the partner portal: the rounds, the open text whole, accept or decline, and the counter-proposal
//! by form or by the sheet that is downloaded, changed and sent back. It shows what was sent, never the draft.

use std::collections::BTreeMap;
use std::io::Write;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use rust_decimal::Decimal;

use super::negotiation::{
    LedgerView, NAMES, RoundView, Station, answer_kind, deadline, ledger_view, named, replay_words,
    round_view, said, stations,
};
use super::own::THEIRS;
use super::{ClauseRow, RateRow, TargetRow, clause_row, option_rows, rate_row, target_row};
use crate::app::contract::negotiate::{CounterError, Named, proposal_answer, proposal_counter};
use crate::app::contract::negotiate_view::{
    CounterSheet, Negotiation, Preview, counter_preview, counter_sheet, negotiation_own, replay_own,
};
use crate::app::edit::EditError;
use crate::domain::negotiation::value::{Part, TermValue};
use crate::domain::negotiation::{Move, Side, Talk};
use crate::domain::terms::Change;
use crate::domain::words;
use crate::feeds::terms::{COLUMNS, number_in, read};
use crate::report::sheet;
use crate::web::download::{FileKind, download, download_csv};
use crate::web::edit::{self, Refusal};
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};
use crate::web::upload::Upload;

/// Most values a form lists; with more, rates are changed in the sheet alone.
const FORM_VALUES_MAX: usize = 400;
/// Most lanes, tables and programmes the page lists.
const PRICING_LINES_MAX: usize = 500;

/// Where a negotiation is shown to the partner.
pub(in crate::web) fn address(version_id: i64) -> String {
    format!("/portal/negotiations/{version_id}")
}

/// The text of the newest round, whole.
struct TextView {
    options: Vec<(&'static str, String)>,
    rates: Vec<RateRow>,
    targets: Vec<TargetRow>,
    clauses: Vec<ClauseRow>,
    limit: String,
    pricing: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "contract/negotiation_own.html")]
struct OwnPage {
    page: Page,
    number: String,
    title: String,
    currency: String,
    version_no: i32,
    version_id: i64,
    heading: String,
    sentence: String,
    stations: Vec<Station>,
    rounds: Vec<RoundView>,
    text: Option<TextView>,
    named: Named,
    may_answer: bool,
    may_withdraw: bool,
    form: Form,
    notice: Option<String>,
}

/// Whose turn it is, for the partner.
fn turn(talk: &Negotiation) -> (String, String) {
    if !talk.is_draft {
        return (
            "This version is past negotiation".to_owned(),
            "What was proposed stays here as it was. What waits for your signature is on your home page."
                .to_owned(),
        );
    }
    match &talk.talk {
        Talk::Open(open) if open.by == Side::Shipper => (
            "It is your turn".to_owned(),
            format!(
                "Accept round {}, change its values, or decline it, {}. After that day it lapses.",
                open.round,
                deadline(open, talk.today)
            ),
        ),
        Talk::Open(open) => (
            "It is the shipper's turn".to_owned(),
            format!("Your round {} can be answered {}.", open.round, deadline(open, talk.today)),
        ),
        Talk::Agreed { round, .. } => (
            format!("Both sides agreed to round {round}"),
            "The shipper reviews and approves that very text; then you are asked to sign it.".to_owned(),
        ),
        Talk::Closed { how, .. } => {
            (format!("The last round {}", how.label()), "The shipper may send a new one.".to_owned())
        }
        Talk::Idle => ("Nothing was sent".to_owned(), String::new()),
    }
}

fn view(me: &SignedIn, talk: &Negotiation, form: Form, notice: Option<String>) -> OwnPage {
    let (heading, sentence) = turn(talk);
    let newest = talk.rounds.first();
    let open = match &talk.talk {
        Talk::Open(open) if talk.is_draft => Some(open),
        _ => None,
    };
    let asked = Form::default();
    let text = talk.latest.as_ref().map(|terms| TextView {
        options: option_rows(terms),
        rates: terms.rates.iter().map(rate_row).collect(),
        targets: terms.targets.iter().map(target_row).collect(),
        clauses: terms.clauses.iter().map(|clause| clause_row(terms, clause, &asked, THEIRS)).collect(),
        limit: terms.caps.explain().unwrap_or_else(|| "No limit over all clauses".to_owned()),
        pricing: talk
            .pricing
            .iter()
            .take(PRICING_LINES_MAX)
            .map(|line| (line.what.clone(), line.after.clone().unwrap_or_default()))
            .collect(),
    });
    OwnPage {
        page: me.page(format!("Proposal for version {} of {}", talk.version_no, talk.number)),
        number: talk.number.clone(),
        title: talk.title.clone(),
        currency: talk.currency.clone(),
        version_no: talk.version_no,
        version_id: talk.version_id,
        heading,
        sentence,
        stations: stations(talk, Side::Partner),
        rounds: talk.rounds.iter().map(|round| round_view(talk, round, Side::Partner)).collect(),
        text,
        named: Named {
            round: newest.map(|round| round.round).unwrap_or_default(),
            sha256: newest.map(|round| round.sha256.clone()).unwrap_or_default(),
        },
        may_answer: open.is_some_and(|open| open.by == Side::Shipper && !open.is_late(talk.today)),
        may_withdraw: open.is_some_and(|open| open.by == Side::Partner),
        form,
        notice,
    }
}

async fn find(me: &SignedIn, id: i64) -> Result<Negotiation, WebError> {
    me.in_db(move |unit| negotiation_own(unit.app, unit.db, unit.viewer, id)).await
}

/// `GET /portal/negotiations/{id}`
pub(in crate::web) async fn show(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let talk = find(&me, *id).await?;
    page::html(&view(&me, &talk, Form::default(), None))
}

/// `POST /portal/negotiations/{id}/answers`: accepts, declines or withdraws.
pub(in crate::web) async fn answer(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let Some(kind) = answer_kind(&form) else {
        // Whether there is something to answer is not told to whoever may not see it.
        find(&me, id).await?;
        return Err(WebError::BadRequest("Say how to answer: accept, decline or withdraw.".to_owned()));
    };
    let (named, said) = (named(&form), said(&mut form, false).unwrap_or_default());
    let work = move |unit: crate::web::extract::Unit<'_>| {
        Ok::<_, WebError>(proposal_answer(unit.app, unit.db, unit.viewer, id, kind, &named, &said))
    };
    match me.in_db(work).await? {
        Ok(()) => {
            me.flash(match kind {
                Move::Accept => "Accepted. The shipper approves this text next; then you sign it.",
                Move::Withdraw => "Withdrawn. The shipper is told.",
                _ => "Declined. The shipper is told why.",
            });
            Ok(page::see_other(&address(id)))
        }
        Err(error) => {
            let Refusal { status, notice } = edit::refuse(&mut form, error, NAMES)?;
            let talk = find(&me, id).await?;
            page::html_with(status, &view(&me, &talk, form, notice))
        }
    }
}

// ---- the sheet ------------------------------------------------------------------

fn rows(values: &[TermValue]) -> impl Iterator<Item = [String; 6]> + '_ {
    values.iter().map(|value| {
        [
            value.key.clone(),
            value.part.label().to_owned(),
            value.of.clone(),
            value.name.clone(),
            value.unit.label().to_owned(),
            value.value.to_string(),
        ]
    })
}

async fn counter_of(me: &SignedIn, id: i64) -> Result<CounterSheet, WebError> {
    me.in_db(move |unit| counter_sheet(unit.app, unit.db, unit.viewer, id)).await
}

/// `GET /portal/negotiations/{id}/terms.csv`
pub(in crate::web) async fn terms_csv(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let found = counter_of(&me, *id).await?;
    let name = format!("{}-round-{}.csv", found.talk.number, found.open.round);
    download_csv(&name, sheet::csv(COLUMNS, rows(&found.values)))
}

/// `GET /portal/negotiations/{id}/terms.xlsx`
pub(in crate::web) async fn terms_xlsx(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let found = counter_of(&me, *id).await?;
    let name = format!("{}-round-{}.xlsx", found.talk.number, found.open.round);
    let bytes = sheet::xlsx("Terms", COLUMNS, rows(&found.values)).map_err(anyhow::Error::from)?;
    Ok(download(&name, FileKind::Xlsx, bytes))
}

// ---- the counter-proposal -----------------------------------------------------------

struct Field {
    key: String,
    of: String,
    name: String,
    unit: &'static str,
    was: String,
    value: String,
    wrong: Option<String>,
}

struct Group {
    title: &'static str,
    id: &'static str,
    fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "contract/counter.html")]
struct CounterPage {
    page: Page,
    number: String,
    version_no: i32,
    version_id: i64,
    round: i32,
    currency: String,
    deadline: String,
    groups: Vec<Group>,
    /// Why rates are not on the form, when they are not.
    sheet_only: Option<String>,
    named: Named,
    /// Values that a sheet changed and the form does not list, to be sent with it.
    carried: String,
    /// What is wrong: where, and what to do.
    problems: Vec<(String, String)>,
    preview: Option<Vec<Change>>,
    form: Form,
    notice: Option<String>,
}

/// What somebody wants the values to be, and what does not read.
#[derive(Default)]
struct Asked {
    /// New values by key; only those that differ, and those that name nothing.
    changes: BTreeMap<String, Decimal>,
    /// What stood in fields that do not read.
    unread: BTreeMap<String, String>,
    /// Where, and what to do.
    problems: Vec<(String, String)>,
    /// Rows of the sheet, by key.
    rows: BTreeMap<String, u64>,
    /// Rows of the sheet that was read; none without a sheet.
    rows_read: Option<usize>,
}

/// What the fields of a form ask for: those it lists, and those a sheet changed before.
fn asked(form: &Form, found: &CounterSheet) -> Asked {
    let mut asked = Asked::default();
    for line in form.raw("carried").lines() {
        if let Some((key, text)) = line.split_once('\t')
            && let Some(value) = number_in(text)
        {
            asked.changes.insert(key.to_owned(), value);
        }
    }
    for value in &found.values {
        let text = form.value(&format!("v:{}", value.key));
        if text.is_empty() {
            continue;
        }
        match number_in(text) {
            Some(new) => {
                asked.changes.insert(value.key.clone(), new);
            }
            None => {
                asked.unread.insert(value.key.clone(), text.to_owned());
                let place = format!("{}, {}", value.of, value.name);
                asked.problems.push((place, edit::sentence(value.unit.advice())));
            }
        }
    }
    asked.differing(found)
}

impl Asked {
    fn differing(mut self, found: &CounterSheet) -> Self {
        let now: BTreeMap<&str, Decimal> = found.values.iter().map(|v| (v.key.as_str(), v.value)).collect();
        self.changes.retain(|key, value| now.get(key.as_str()) != Some(value));
        self
    }
}

/// A file that is gone when it is dropped.
fn temporary(name: &str, bytes: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix(name).tempfile()?;
    file.write_all(bytes)?;
    Ok(file)
}

/// What a sheet asks for.
fn asked_by_sheet(name: &str, bytes: &[u8], found: &CounterSheet) -> Result<Asked, WebError> {
    let kept = temporary(name, bytes).map_err(anyhow::Error::from)?;
    let mut asked = Asked::default();
    match read(kept.path()) {
        Ok(sheet) => {
            asked.rows_read = Some(sheet.rows_read);
            for problem in sheet.problems {
                let place = format!("Row {}, column {}", problem.row, problem.column);
                asked.problems.push((place, edit::sentence(&problem.message)));
            }
            for (key, (row, value)) in sheet.values {
                asked.rows.insert(key.clone(), row);
                asked.changes.insert(key, value);
            }
        }
        Err(error) => {
            // The reader names the file; ours has a made-up name.
            let words = error.to_string().replace(&kept.path().display().to_string(), "the sheet");
            asked.problems.push(("The sheet".to_owned(), edit::sentence(&words)));
        }
    }
    Ok(asked.differing(found))
}

fn counter_view(
    me: &SignedIn,
    found: &CounterSheet,
    mut form: Form,
    asked: &Asked,
    preview: Option<Preview>,
    notice: Option<String>,
) -> CounterPage {
    let too_many = found.values.len() > FORM_VALUES_MAX;
    let on_form = |value: &&TermValue| !(too_many && value.part == Part::Cell);
    let mut problems = asked.problems.clone();
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    for problem in preview.iter().flat_map(|preview| &preview.problems) {
        let value = found.values.iter().find(|value| value.key == problem.key);
        let place = match (value, asked.rows.get(&problem.key)) {
            (Some(value), Some(row)) => format!("Row {row}, {}, {}", value.of, value.name),
            (None, Some(row)) => format!("Row {row}, {}", problem.key),
            (Some(value), None) => format!("{}, {}", value.of, value.name),
            (None, None) => "The proposal".to_owned(),
        };
        wrong.entry(problem.key.clone()).or_insert_with(|| edit::sentence(&problem.message));
        problems.push((place, edit::sentence(&problem.message)));
    }
    let mut groups: Vec<Group> = Vec::new();
    for value in found.values.iter().filter(on_form) {
        let title = value.part.label();
        if groups.last().is_none_or(|group| group.title != title) {
            groups.push(Group { title, id: value.part.code(), fields: Vec::new() });
        }
        let text = asked.unread.get(&value.key).cloned();
        let wanted = asked.changes.get(&value.key).map(Decimal::to_string);
        if let Some(group) = groups.last_mut() {
            group.fields.push(Field {
                key: value.key.clone(),
                of: value.of.clone(),
                name: value.name.clone(),
                unit: value.unit.label(),
                was: value.text(),
                value: text.or(wanted).unwrap_or_else(|| value.value.to_string()),
                wrong: wrong.get(&value.key).cloned(),
            });
        }
    }
    let listed = |key: &str| found.values.iter().filter(on_form).any(|value| value.key == key);
    let carried: Vec<String> = asked
        .changes
        .iter()
        .filter(|(key, _)| !listed(key))
        .map(|(key, value)| format!("{key}\t{value}"))
        .collect();
    if form.value("reply_by").is_empty() {
        let day = found.talk.today.checked_add_days(chrono::Days::new(14)).unwrap_or(found.talk.today);
        form = Form::filled([("reply_by", day.to_string()), ("message", form.value("message").to_owned())]);
    }
    CounterPage {
        page: me.page(format!("Counter round {} of {}", found.open.round, found.talk.number)),
        number: found.talk.number.clone(),
        version_no: found.talk.version_no,
        version_id: found.talk.version_id,
        round: found.open.round,
        currency: found.talk.currency.clone(),
        deadline: deadline(&found.open, found.talk.today),
        groups,
        sheet_only: if found.without_cells {
            Some("The rate tables are too large to be changed cell by cell; propose other rates in your message.".to_owned())
        } else if too_many {
            Some("There are too many rates for a form. Change them in the sheet.".to_owned())
        } else {
            None
        },
        named: Named { round: found.open.round, sha256: found.open.sha256.clone() },
        carried: carried.join("\n"),
        preview: preview.filter(|_| problems.is_empty()).map(|preview| preview.changes),
        problems,
        form,
        notice,
    }
}

/// `GET /portal/negotiations/{id}/counter`
pub(in crate::web) async fn counter_form(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let found = counter_of(&me, *id).await?;
    page::html(&counter_view(&me, &found, Form::default(), &Asked::default(), None, None))
}

/// `POST /portal/negotiations/{id}/counter`: reads the form, or the sheet that came with it, and shows what it would
/// change; sends it when asked to and nothing is wrong.
pub(in crate::web) async fn counter(
    me: SignedIn,
    id: web::Path<i64>,
    upload: Upload,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let wanted =
        me.in_db(move |unit| Ok::<_, WebError>(counter_sheet(unit.app, unit.db, unit.viewer, id))).await?;
    let found = match wanted {
        Ok(found) => found,
        // Sent twice, or answered by somebody else meanwhile: the page says what happened.
        Err(EditError::NotFound("open round")) => {
            let talk = find(&me, id).await?;
            let notice = "Nothing was sent: no round waits for your answer any more. What was sent before counts, and stands below.";
            return page::html_with(
                StatusCode::CONFLICT,
                &view(&me, &talk, Form::default(), Some(notice.to_owned())),
            );
        }
        Err(error) => return Err(error.into()),
    };
    let Upload { mut form, file, .. } = upload;
    let asked = match &file {
        Some(bytes) => {
            let name = format!("lanemark-terms-{}", me.app.id());
            let bytes = bytes.clone();
            let found = found.clone();
            me.in_app(move |_, _| asked_by_sheet(&name, &bytes, &found)).await?
        }
        None => asked(&form, &found),
    };
    let (sheet, changes) = (found.clone(), asked.changes.clone());
    let preview = me.in_db(move |unit| counter_preview(unit.db, unit.viewer, &sheet, &changes)).await?;
    let clean = asked.problems.is_empty() && preview.problems.is_empty();
    let send = form.is("do", "send") && file.is_none();
    if !send || !clean {
        let status = if clean { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        let notice = asked.rows_read.map(read_words);
        return page::html_with(status, &counter_view(&me, &found, form, &asked, Some(preview), notice));
    }
    let Some(said) = said(&mut form, true) else {
        let status = edit::unsound().status;
        return page::html_with(status, &counter_view(&me, &found, form, &asked, Some(preview), None));
    };
    let (named, changes) = (named(&form), asked.changes.clone());
    let work = move |unit: crate::web::extract::Unit<'_>| {
        Ok::<_, WebError>(proposal_counter(unit.app, unit.db, unit.viewer, id, &named, &changes, &said))
    };
    match me.in_db(work).await? {
        Ok(()) => {
            me.flash("Your counter-proposal is sent. The shipper is told by mail.");
            Ok(page::see_other(&address(id)))
        }
        Err(CounterError::Values(problems)) => {
            let preview = Preview { changes: Vec::new(), problems };
            let page = counter_view(&me, &found, form, &asked, Some(preview), None);
            page::html_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(CounterError::Edit(error)) => refused(&me, &found, form, &asked, preview, error),
    }
}

/// How much of a sheet was read.
fn read_words(rows: usize) -> String {
    match rows {
        0 => "The sheet has no rows under its headings, so it changes nothing.".to_owned(),
        rows => format!("{} of the sheet read.", words::many(rows, "row")),
    }
}

fn refused(
    me: &SignedIn,
    found: &CounterSheet,
    mut form: Form,
    asked: &Asked,
    preview: Preview,
    error: EditError,
) -> Result<HttpResponse, WebError> {
    let Refusal { status, notice } = edit::refuse(&mut form, error, NAMES)?;
    page::html_with(status, &counter_view(me, found, form, asked, Some(preview), notice))
}

// ---- the replay ---------------------------------------------------------------------

#[derive(Template)]
#[template(path = "contract/replay_own.html")]
struct ReplayPage {
    page: Page,
    number: String,
    version_no: i32,
    version_id: i64,
    currency: String,
    replayed: String,
    without: Vec<String>,
    ledger: LedgerView,
}

/// `GET /portal/negotiations/{id}/replay`: the partner's own shipments under each round.
pub(in crate::web) async fn replay(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let id = *id;
    let found = me.in_db(move |unit| replay_own(unit.app, unit.db, unit.viewer, id)).await?;
    page::html(&ReplayPage {
        page: me.page(format!("Your shipments under each round of {}", found.talk.number)),
        number: found.talk.number.clone(),
        version_no: found.talk.version_no,
        version_id: found.talk.version_id,
        currency: found.talk.currency.clone(),
        replayed: replay_words(&found),
        without: found.without.clone(),
        ledger: ledger_view(&found, Side::Partner),
    })
}
