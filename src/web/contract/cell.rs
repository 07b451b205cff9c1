//! One rate of a draft's table on a form: changed, added, taken out.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::edit::{self, Refusal, amount_text};
use super::super::extract::{Form, SignedIn, Unit};
use super::super::page::{self, Page, WebError};
use super::draft::{self, Draft, Head};
use crate::app::contract::cell_edit::{NewRate, RateShown, rate_shown, table_rate_remove, table_rate_save};
use crate::domain::rate::form::{Field, Input};
use crate::domain::rate::view::CellKey;
use crate::domain::rate::{Axis, Band, ColumnsBy, RateLine};

/// Where the form for the rate table at `line` of a version is, counted from 0.
pub(super) fn address(version_id: i64, line: usize) -> String {
    format!("/contract-versions/{version_id}/table-rate?line={line}")
}

#[derive(Template)]
#[template(path = "contract/cell_form.html")]
struct CellForm {
    page: Page,
    head: Head,
    /// Which table, in words.
    table: String,
    line: usize,
    /// The rate that is changed, none for a new one.
    key: Option<String>,
    fields: Vec<Field>,
    form: Form,
    notice: Option<String>,
}

const NAMES: &[(&str, &str)] = &[("rate", "rate"), ("column", "column")];

/// Names of the ends of both bands.
const ENDS: [(&str, &str); 2] = [("first_from", "first_to"), ("second_from", "second_to")];

fn ends(axis: Axis) -> (&'static str, &'static str) {
    match axis {
        Axis::Weight => ("Weight from", "Weight to"),
        Axis::Distance => ("Distance from", "Distance to"),
        Axis::Units => ("Units from", "Units to"),
    }
}

fn fields(line: &RateLine) -> Vec<Field> {
    let field = |name, label, hint: &str, input| Field { name, label, hint: hint.to_owned(), input };
    let mut fields = Vec::new();
    let column = match line.columns_by {
        ColumnsBy::None => None,
        ColumnsBy::Zone => Some("Zone"),
        ColumnsBy::Class => Some("Freight class"),
    };
    fields.extend(column.map(|label| field("column", label, "One of the table, or a new one", Input::Text)));
    for (axis, (from, to)) in [line.first, line.second].into_iter().zip(ENDS) {
        let Some((from_label, to_label)) = axis.map(ends) else { continue };
        fields.push(field(from, from_label, "", Input::Number));
        fields.push(field(to, to_label, "Leave empty when it is open", Input::Number));
    }
    let basis = format!("A rate is {}", line.basis.label());
    fields.push(field("rate", "Rate", &basis, Input::Number));
    fields.push(field(
        "min",
        "At least",
        "The least charge by this rate; leave empty for none",
        Input::Number,
    ));
    fields.push(field(
        "prior",
        "Rate before",
        "What a price cap holds it to; leave empty for none",
        Input::Number,
    ));
    fields
}

fn filled(shown: &RateShown, line: usize) -> Form {
    let mut pairs = vec![("line", line.to_string())];
    if let Some(cell) = &shown.cell {
        let column = shown.line.columns.get(usize::from(cell.column)).cloned();
        pairs.push(("key", CellKey::of(cell).to_string()));
        pairs.push(("column", column.unwrap_or_default()));
        for (band, (from, to)) in [cell.first, cell.second].into_iter().zip(ENDS) {
            pairs.push((from, amount_text(Some(band.lower))));
            pairs.push((to, amount_text(band.upper)));
        }
        pairs.push(("rate", amount_text(Some(cell.rate))));
        pairs.push(("min", amount_text(cell.min)));
        pairs.push(("prior", amount_text(cell.prior)));
    }
    Form::filled(pairs)
}

/// What the form says, beside what is wrong with it.
fn read(form: &mut Form, line: &RateLine) -> Option<NewRate> {
    let mut bands = [Band::ALL; 2];
    for ((band, axis), (from, to)) in bands.iter_mut().zip([line.first, line.second]).zip(ENDS) {
        if axis.is_some() {
            let lower = edit::amount(form, from);
            let upper = edit::amount_optional(form, to);
            if let Some(lower) = lower {
                *band = Band { lower, upper };
            }
        }
    }
    let rate = edit::amount(form, "rate");
    let (min, prior) = (edit::amount_optional(form, "min"), edit::amount_optional(form, "prior"));
    let [first, second] = bands;
    let new = NewRate { column: form.value("column").to_owned(), first, second, rate: rate?, min, prior };
    form.is_sound().then_some(new)
}

/// The table and the rate a form is about.
fn place(form: &Form) -> Result<(usize, Option<CellKey>), WebError> {
    let line = form.value("line").parse().map_err(|_| WebError::NotFound)?;
    let key = match form.value("key") {
        "" => None,
        text => Some(text.parse().map_err(|()| WebError::NotFound)?),
    };
    Ok((line, key))
}

async fn shown(me: &SignedIn, id: i64, line: usize, key: Option<CellKey>) -> Result<RateShown, WebError> {
    me.in_db(move |unit| Ok::<_, WebError>(rate_shown(unit.db, unit.viewer, id, line, key.as_ref())?)).await
}

fn view(me: &SignedIn, draft: &Draft, shown: &RateShown, form: Form, notice: Option<String>) -> CellForm {
    let key = Some(form.value("key").to_owned()).filter(|key| !key.is_empty());
    let head = draft.head(if key.is_some() { "Change a rate of a table" } else { "New rate of a table" });
    CellForm {
        page: me.page(head.title.clone()),
        table: format!("{} ({})", shown.line.label, shown.line.code),
        line: form.value("line").parse().unwrap_or_default(),
        key,
        fields: fields(&shown.line),
        head,
        form,
        notice,
    }
}

/// `GET /contract-versions/{id}/table-rate?line=0&key=…`
pub(in crate::web) async fn form(
    me: SignedIn,
    id: web::Path<i64>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let draft = draft::open(&me, *id).await?;
    let (line, key) = place(&Form::filled(query.into_inner()))?;
    let shown = shown(&me, *id, line, key).await?;
    let form = filled(&shown, line);
    page::html(&view(&me, &draft, &shown, form, None))
}

/// `POST /contract-versions/{id}/table-rate`
pub(in crate::web) async fn store(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let (line, key) = place(&form)?;
    // The key may be gone meanwhile; the line is enough to show the form again.
    let shown = shown(&me, id, line, None).await?;
    let again = async |draft: Draft, form: Form, refusal: Refusal| {
        page::html_with(refusal.status, &view(&me, &draft, &shown, form, refusal.notice))
    };
    match read(&mut form, &shown.line) {
        None => again(draft::load(&me, id).await?, form, edit::unsound()).await,
        Some(new) => {
            let work = move |unit: Unit<'_>, seen: &str| {
                table_rate_save(unit.app, unit.db, unit.viewer, id, seen, (line, key.as_ref()), &new)
            };
            draft::store(&me, id, &mut form, NAMES, "The rate is in the draft.", work, again).await
        }
    }
}

/// `POST /contract-versions/{id}/table-rate/removal`
pub(in crate::web) async fn remove(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let (line, key) = place(&form)?;
    let key = key.ok_or(WebError::NotFound)?;
    let shown = shown(&me, id, line, Some(key)).await?;
    let again = async |draft: Draft, form: Form, refusal: Refusal| {
        let mut whole = filled(&shown, line);
        if let Some(message) = form.error("rate") {
            whole.fail("rate", message);
        }
        page::html_with(refusal.status, &view(&me, &draft, &shown, whole, refusal.notice))
    };
    let work = move |unit: Unit<'_>, seen: &str| {
        table_rate_remove(unit.app, unit.db, unit.viewer, id, seen, (line, &key))
    };
    draft::store(&me, id, &mut form, NAMES, "The rate is taken out of the draft.", work, again).await
}
