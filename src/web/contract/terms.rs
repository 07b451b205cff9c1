//! Lanes, zones, service levels, fuel, calendars, taxes, commitments and tiers of a version, and how it rates: the
//! lists on a contract's page, and one form for all of them.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::edit::{self, Refusal};
use super::super::extract::{Form, SignedIn, Unit};
use super::super::page::{self, Page, WebError};
use super::draft::{self, Draft, Head};
use crate::app::contract::term_edit as app;
use crate::domain::field::FieldErrors;
use crate::domain::rate::RateTerms;
use crate::domain::rate::form::{
    Field, TermKind, Values, fields, parameter_fields, parameters_read, parameters_write, read, usual, write,
};
use crate::domain::words;

/// Terms of one kind on a page; more have pages of their own.
const SHOWN_AT_ONCE: usize = 50;

/// One kind on a contract's page.
pub(super) struct Block {
    pub slug: String,
    pub title: &'static str,
    /// `one lane`, for the links.
    pub one: &'static str,
    pub words: String,
    pub rows: Vec<Row>,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// One term.
pub(super) struct Row {
    /// Counted from 0, as the form and the removal name it.
    pub place: usize,
    pub heading: String,
    pub text: String,
    /// What is behind the words, such as the rows of a fuel table, and how many in words.
    pub behind: Vec<String>,
    pub behind_words: String,
}

/// The nine kinds; those without a term too where they can be added. `asked` says from which term on a kind is
/// shown, by the kind's part of an address; `address` gives the page that starts there.
pub(super) fn blocks(
    terms: &RateTerms,
    may_edit: bool,
    asked: &Form,
    address: &dyn Fn(&str, usize) -> String,
) -> Vec<Block> {
    let block = |kind: &TermKind| {
        let (slug, total) = (kind.slug(), kind.count(terms));
        if total == 0 && !may_edit {
            return None;
        }
        let from = asked.value(&slug).parse::<usize>().unwrap_or(1).clamp(1, total.max(1)) - 1;
        let rows: Vec<Row> = (from..total.min(from + SHOWN_AT_ONCE))
            .filter_map(|place| Some((place, kind.item(terms, place)?)))
            .map(|(place, item)| {
                let behind = item.rows();
                Row {
                    place,
                    heading: item.heading(),
                    text: item.text(),
                    behind_words: words::many(behind.len(), "row"),
                    behind,
                }
            })
            .collect();
        let last = from + rows.len();
        let words = if rows.len() < total {
            format!(
                "{} to {} of {}",
                from + 1,
                words::group(&last.to_string()),
                words::group(&total.to_string())
            )
        } else if total == 0 {
            String::new()
        } else {
            format!("{total}")
        };
        Some(Block {
            before: (from > 0).then(|| address(&slug, from.saturating_sub(SHOWN_AT_ONCE) + 1)),
            after: (last < total).then(|| address(&slug, last + 1)),
            title: kind.plural(),
            one: kind.label(),
            slug,
            words,
            rows,
        })
    };
    TermKind::ALL.iter().filter_map(block).collect()
}

#[derive(Template)]
#[template(path = "contract/terms_form.html")]
struct TermsForm {
    page: Page,
    head: Head,
    action: String,
    button: &'static str,
    fields: Vec<Field>,
    form: Form,
    notice: Option<String>,
}

fn kind_of(slug: &str) -> Result<TermKind, WebError> {
    TermKind::of_slug(slug).ok_or(WebError::NotFound)
}

/// The place a form replaces.
fn place_of(form: &Form) -> Result<Option<usize>, WebError> {
    match form.value("replaces") {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| WebError::NotFound),
    }
}

fn term_view(me: &SignedIn, draft: &Draft, kind: TermKind, form: Form, notice: Option<String>) -> TermsForm {
    let what = if form.value("replaces").is_empty() { "New" } else { "Change a" };
    let head = draft.head(&format!("{what} {}", kind.label()));
    TermsForm {
        page: me.page(head.title.clone()),
        action: format!("/contract-versions/{}/terms/{}", head.version_id, kind.slug()),
        button: "Store it",
        fields: fields(kind, &draft.page.terms.pricing.terms),
        head,
        form,
        notice,
    }
}

/// A form with these answers; `replaces` names what it changes.
pub(super) fn filled(values: Values, replaces: Option<impl ToString>) -> Form {
    let replaces = replaces.map(|what| ("replaces", what.to_string()));
    Form::filled(values.into_iter().chain(replaces))
}

/// The answers of the fields of a form.
pub(super) fn values(form: &Form, fields: &[Field]) -> Values {
    fields.iter().map(|field| (field.name, form.value(field.name).to_owned())).collect()
}

/// Problems stand at the field they name.
pub(super) fn names(fields: &[Field]) -> Vec<(&'static str, &'static str)> {
    fields.iter().map(|field| (field.name, field.name)).collect()
}

/// Puts what does not read beside its field.
pub(super) fn refuse(form: &mut Form, fields: &[Field], errors: FieldErrors) -> Refusal {
    let mut refusal = edit::unsound();
    for (name, message) in errors {
        match fields.iter().find(|field| field.name == name) {
            Some(field) => form.fail(field.name, edit::sentence(&message)),
            None => refusal.notice = Some(format!("{name}: {message}")),
        }
    }
    refusal
}

/// `GET /contract-versions/{id}/terms/{kind}?place=0`
pub(in crate::web) async fn form(
    me: SignedIn,
    path: web::Path<(i64, String)>,
    query: web::Query<BTreeMap<String, String>>,
) -> Result<HttpResponse, WebError> {
    let (id, slug) = path.into_inner();
    let kind = kind_of(&slug)?;
    let draft = draft::open(&me, id).await?;
    let form = match query.get("place") {
        None => filled(usual(kind), None::<usize>),
        Some(place) => {
            let place = place.parse().map_err(|_| WebError::NotFound)?;
            let item = kind.item(&draft.page.terms.pricing.terms, place).ok_or(WebError::NotFound)?;
            filled(write(&item), Some(place))
        }
    };
    page::html(&term_view(&me, &draft, kind, form, None))
}

/// `POST /contract-versions/{id}/terms/{kind}`
pub(in crate::web) async fn store(
    me: SignedIn,
    path: web::Path<(i64, String)>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let (id, slug) = path.into_inner();
    let kind = kind_of(&slug)?;
    let place = place_of(&form)?;
    let known = fields(kind, &draft::load(&me, id).await?.page.terms.pricing.terms);
    let again = async |draft: Draft, form: Form, refusal: Refusal| {
        page::html_with(refusal.status, &term_view(&me, &draft, kind, form, refusal.notice))
    };
    match read(kind, &values(&form, &known)) {
        Err(errors) => {
            let refusal = refuse(&mut form, &known, errors);
            again(draft::load(&me, id).await?, form, refusal).await
        }
        Ok(item) => {
            let work = move |unit: Unit<'_>, seen: &str| {
                app::term_save(unit.app, unit.db, unit.viewer, id, seen, &item, place)
            };
            draft::store(&me, id, &mut form, &names(&known), "It is in the draft.", work, again).await
        }
    }
}

fn parameters_view(me: &SignedIn, draft: &Draft, form: Form, notice: Option<String>) -> TermsForm {
    let head = draft.head("How it is rated");
    TermsForm {
        page: me.page(head.title.clone()),
        action: format!("/contract-versions/{}/parameters", head.version_id),
        button: "Store how it is rated",
        fields: parameter_fields(),
        head,
        form,
        notice,
    }
}

/// `GET /contract-versions/{id}/parameters`
pub(in crate::web) async fn parameters_form(
    me: SignedIn,
    id: web::Path<i64>,
) -> Result<HttpResponse, WebError> {
    let draft = draft::open(&me, *id).await?;
    let form = filled(parameters_write(&draft.page.terms.pricing.terms.parameters), None::<usize>);
    page::html(&parameters_view(&me, &draft, form, None))
}

/// `POST /contract-versions/{id}/parameters`
pub(in crate::web) async fn parameters(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let known = parameter_fields();
    let before = draft::load(&me, id).await?.page.terms.pricing.terms.parameters;
    let again = async |draft: Draft, form: Form, refusal: Refusal| {
        page::html_with(refusal.status, &parameters_view(&me, &draft, form, refusal.notice))
    };
    match parameters_read(&values(&form, &known), &before) {
        Err(errors) => {
            let refusal = refuse(&mut form, &known, errors);
            again(draft::load(&me, id).await?, form, refusal).await
        }
        Ok(parameters) => {
            let work = move |unit: Unit<'_>, seen: &str| {
                app::parameters_edit(unit.app, unit.db, unit.viewer, id, seen, &parameters)
            };
            draft::store(&me, id, &mut form, &names(&known), "How it is rated is stored.", work, again).await
        }
    }
}
