//! The page on which a partner reads a sealed version and signs it, or declines. What is signed is the hash shown;
//! another one is refused.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::own::{self, THEIRS};
use super::{ClauseRow, RateRow, TargetRow, clause_row, option_rows, outlook, rate_row, target_row};
use crate::app::contract::lifecycle::{Signature, version_decline, version_sign};
use crate::app::contract::own::{ToSign, to_sign};
use crate::domain::contract::{ContractStatus, ContractTerm};
use crate::domain::terms::Change;
use crate::domain::words;
use crate::web::edit::{self, Refusal};
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};
use crate::web::partner::term_words;
use crate::web::show;

#[derive(Template)]
#[template(path = "contract/sign.html")]
struct SignPage {
    page: Page,
    number: String,
    title: String,
    version_no: i32,
    version_id: i64,
    from: String,
    summary: String,
    term: String,
    outlook: String,
    notice_days: String,
    currency: String,
    seal: String,
    limit: String,
    against: Option<i32>,
    changes: Vec<Change>,
    options: Vec<(&'static str, String)>,
    rates: Vec<RateRow>,
    targets: Vec<TargetRow>,
    clauses: Vec<ClauseRow>,
    /// Lanes, tables and programmes: what, and what it says.
    pricing: Vec<(String, String)>,
    /// How many of them are not listed.
    more: Option<String>,
    form: Form,
    notice: Option<String>,
}

/// Most lanes, tables and programmes the page lists; what is more is counted.
const PRICING_LINES_MAX: usize = 500;

/// Where a version is signed.
pub(in crate::web) fn address(version_id: i64) -> String {
    format!("/portal/signatures/{version_id}")
}

fn view(me: &SignedIn, found: &ToSign, form: Form, notice: Option<String>) -> SignPage {
    let terms = &found.terms;
    let asked = Form::default();
    let count = |n: usize, noun| words::many(n, noun);
    let said = found.pricing.iter().map(|line| (line.what.clone(), line.after.clone().unwrap_or_default()));
    let hidden = found.pricing.len().saturating_sub(PRICING_LINES_MAX);
    SignPage {
        page: me.page(format!("Sign version {} of {}", terms.version_no, terms.number)),
        number: terms.number.clone(),
        title: terms.title.clone(),
        version_no: terms.version_no,
        version_id: terms.version_id,
        from: show::day(terms.valid_from),
        summary: found.summary.clone(),
        term: term_words(&terms.term),
        // What waits for a signature runs once it is signed, whatever the contract is until then.
        outlook: outlook(&ContractTerm { status: ContractStatus::Active, ..terms.term.clone() }),
        notice_days: words::count(terms.term.notice_days, "day"),
        currency: terms.currency.code().to_owned(),
        seal: found.seal.clone(),
        limit: terms.caps.explain().unwrap_or_else(|| "No limit over all clauses".to_owned()),
        against: found.against,
        changes: found.redline.clone(),
        options: option_rows(terms),
        rates: terms.rates.iter().map(rate_row).collect(),
        targets: terms.targets.iter().map(target_row).collect(),
        clauses: terms.clauses.iter().map(|clause| clause_row(terms, clause, &asked, THEIRS)).collect(),
        pricing: said.take(PRICING_LINES_MAX).collect(),
        more: (hidden > 0)
            .then(|| format!("{} more; the fingerprint covers each of them.", count(hidden, "line"))),
        form,
        notice,
    }
}

/// `GET /portal/signatures/{id}`
pub(in crate::web) async fn form(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let id = *id;
    let found = me.in_db(move |unit| to_sign(unit.app, unit.db, unit.viewer, id)).await?;
    if !found.waits {
        // Signed already: the contract itself shows it.
        return Ok(page::see_other(&own::address(&found.terms.number, Some(found.terms.version_no))));
    }
    page::html(&view(&me, &found, Form::default(), None))
}

/// `POST /portal/signatures/{id}`
pub(in crate::web) async fn sign(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let signature = Signature {
        hash: form.value("hash").to_owned(),
        name: form.value("name").to_owned(),
        agreed: form.is("agreed", "yes"),
    };
    let work =
        me.in_db(move |unit| Ok::<_, WebError>(version_sign(unit.app, unit.db, unit.viewer, id, &signature)));
    match work.await? {
        Ok(()) => signed(&me, id, "You have signed it. The shipper is told.").await,
        Err(error) => {
            let refusal = edit::refuse(&mut form, error, &[("name", "name"), ("agreed", "agreed")])?;
            again(&me, id, form, refusal).await
        }
    }
}

/// `POST /portal/signatures/{id}/refusal`
pub(in crate::web) async fn decline(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let (id, note) = (*id, form.value("note").to_owned());
    let work =
        me.in_db(move |unit| Ok::<_, WebError>(version_decline(unit.app, unit.db, unit.viewer, id, &note)));
    match work.await? {
        Ok(()) => {
            me.flash("You have declined to sign it. The shipper is told why.");
            Ok(page::see_other("/portal"))
        }
        Err(error) => {
            let refusal = edit::refuse(&mut form, error, &[("note", "note")])?;
            again(&me, id, form, refusal).await
        }
    }
}

async fn signed(me: &SignedIn, id: i64, words: &str) -> Result<HttpResponse, WebError> {
    let found = me.in_db(move |unit| to_sign(unit.app, unit.db, unit.viewer, id)).await?;
    me.flash(words);
    Ok(page::see_other(&own::address(&found.terms.number, Some(found.terms.version_no))))
}

/// The page again, with what stands against the signature; nothing to sign leaves the words alone.
async fn again(me: &SignedIn, id: i64, form: Form, refusal: Refusal) -> Result<HttpResponse, WebError> {
    let found = me.in_db(move |unit| to_sign(unit.app, unit.db, unit.viewer, id)).await?;
    if !found.waits && refusal.status == StatusCode::CONFLICT {
        return Err(WebError::Conflict(refusal.notice.unwrap_or_default()));
    }
    page::html_with(refusal.status, &view(me, &found, form, refusal.notice))
}
