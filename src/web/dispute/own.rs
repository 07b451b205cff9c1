//! A partner's own items in the portal: how each was worked out, accepting it, disputing it line by line with evidence. What the
//! shipper's people propose to each other is not read for it.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{Found, ItemView, archive, found, key_of, store};
use crate::app::dispute::{accept_month, whole_step};
use crate::domain::attachment::FILE_BYTES_MAX;
use crate::domain::clause::ObligationKey;
use crate::domain::dispute::{Asked, StepKind};
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::words;
use crate::web::edit::{Refusal, amount, unsound};
use crate::web::exclusion::document;
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};
use crate::web::upload::Upload;

#[derive(Template)]
#[template(path = "dispute/item_own.html")]
struct OwnPage {
    page: Page,
    item: ItemView,
    form: Form,
    notice: Option<String>,
}

fn own_page(me: &SignedIn, found: &Found, form: Form, notice: Option<String>) -> OwnPage {
    let item = ItemView::of(found, &me.viewer);
    OwnPage { page: me.page(item.named.clone()), item, form, notice }
}

fn of(me: &SignedIn, path: &str) -> Result<(i64, ObligationKey), WebError> {
    Ok((me.viewer.partner_id.ok_or(WebError::NotFound)?, key_of(path)?))
}

/// `GET /portal/items/{key}`
pub(in crate::web) async fn show_one(
    me: SignedIn,
    path: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let (partner_id, key) = of(&me, &path)?;
    let found = found(&me, partner_id, key).await?;
    page::html(&own_page(&me, &found, Form::default(), None))
}

/// `GET /portal/items/{key}/evidence.zip`
pub(in crate::web) async fn evidence(
    me: SignedIn,
    path: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let (partner_id, key) = of(&me, &path)?;
    archive(&me, partner_id, key).await
}

/// `POST /portal/items/{key}/answer`: accept the item, or take a dispute back.
pub(in crate::web) async fn answer(
    me: SignedIn,
    path: web::Path<String>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let (partner_id, key) = of(&me, &path)?;
    let asked = match form.value("step") {
        "ACCEPTED" => Some(whole_step(StepKind::Accepted)),
        "WITHDRAWN" => Some(Asked {
            line: form.value("line").parse().unwrap_or(0),
            words: form.value("words").to_owned(),
            ..whole_step(StepKind::Withdrawn)
        }),
        _ => None,
    };
    let refusal = match asked {
        Some(asked) => {
            let kind = asked.kind;
            match store(&me, (partner_id, key), &mut form, asked, None).await? {
                None => {
                    me.flash(match kind {
                        StepKind::Accepted => "Accepted. Thank you.",
                        _ => "Taken back. The line stands.",
                    });
                    return Ok(page::see_other(&format!("/portal/items/{}", key.slug())));
                }
                Some(refusal) => refusal,
            }
        }
        None => Refusal { notice: Some("Choose your answer.".to_owned()), ..unsound() },
    };
    let found = found(&me, partner_id, key).await?;
    page::html_with(refusal.status, &own_page(&me, &found, form, refusal.notice))
}

/// `POST /portal/items/{key}/disputes`: dispute a line, with its evidence.
pub(in crate::web) async fn dispute(
    me: SignedIn,
    path: web::Path<String>,
    upload: Upload<FILE_BYTES_MAX>,
) -> Result<HttpResponse, WebError> {
    let (partner_id, key) = of(&me, &path)?;
    let Upload { mut form, file, file_name } = upload;
    let refusal = match amount(&mut form, "amount") {
        Some(sum) => {
            let asked = Asked {
                kind: StepKind::Disputed,
                line: 0,
                ruling: None,
                amount: Micros(sum.0),
                unit: form.value("unit").to_owned(),
                words: form.value("words").to_owned(),
            };
            match store(&me, (partner_id, key), &mut form, asked, document(file, &file_name)).await? {
                None => {
                    me.flash("Disputed. The shipper answers within 10 business days.");
                    return Ok(page::see_other(&format!("/portal/items/{}", key.slug())));
                }
                Some(refusal) => refusal,
            }
        }
        None => unsound(),
    };
    let found = found(&me, partner_id, key).await?;
    page::html_with(refusal.status, &own_page(&me, &found, form, refusal.notice))
}

/// `POST /portal/credits/acceptance`: accept everything of a month that waits for an answer.
pub(in crate::web) async fn accept_all(me: SignedIn, form: Form) -> Result<HttpResponse, WebError> {
    let month: Period = form.value("month").parse().map_err(|_| WebError::NotFound)?;
    if month.kind() != PeriodKind::Month {
        return Err(WebError::NotFound);
    }
    let count = me
        .in_db(move |unit| accept_month(unit.app, unit.db, unit.viewer, month).map_err(WebError::from))
        .await?;
    me.flash(&match count {
        0 => "Nothing waited for your answer.".to_owned(),
        count => format!("You accepted {}.", words::many(count, "item")),
    });
    Ok(page::see_other(&format!("/portal/credits?month={month}")))
}
