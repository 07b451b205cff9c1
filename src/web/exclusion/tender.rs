//! Asking for a tender that was not taken to be excused.

use actix_web::{HttpResponse, web};

use super::{
    AskPage, AskPortalPage, AskView, Links, NAMES, Of, PORTAL, SHIPPER, asked, decided_by_words, limits,
    parties, reasons,
};
use crate::app::exclusion::{Named, request_tender, tender_outcome};
use crate::domain::attachment::FILE_BYTES_MAX;
use crate::domain::baseline::StopPurpose;
use crate::web::edit::{Refusal, refuse, sentence};
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, WebError};
use crate::web::upload::Upload;

async fn view(
    me: &SignedIn,
    of: Of,
    form: Form,
    notice: Option<String>,
    links: Links,
) -> Result<AskView, WebError> {
    let (partner_id, source, reference) = of.clone();
    let (outcome, month) = me
        .in_db(move |unit| {
            let named = Named { partner_id, source: &source, reference: &reference };
            tender_outcome(unit.app, unit.db, unit.viewer, named)?.ok_or(WebError::NotFound)
        })
        .await?;
    let (_, source, reference) = of;
    Ok(AskView {
        named: format!("Tender {reference}"),
        what: format!("Tender {reference}"),
        lede: format!("It was {outcome}."),
        stop_code: "",
        proposal: String::new(),
        back: links.tenders(partner_id, month),
        action: links.ask_tender(partner_id, &source, &reference),
        rule: sentence(&decided_by_words()),
        limits: limits(),
        parties: parties(),
        reasons: reasons(),
        form,
        notice,
    })
}

async fn store(
    me: &SignedIn,
    of: Of,
    upload: Upload<FILE_BYTES_MAX>,
    links: Links,
) -> Result<Result<String, (Refusal, AskView)>, WebError> {
    // Of a tender the stop says nothing.
    let (mut form, new) = asked(upload, StopPurpose::Pickup);
    let (partner_id, source, reference) = of.clone();
    let work = me.in_db(move |unit| {
        let named = Named { partner_id, source: &source, reference: &reference };
        Ok::<_, WebError>(request_tender(unit.app, unit.db, unit.viewer, named, &new))
    });
    match work.await? {
        Ok(id) => {
            me.flash("Asked for. Someone else decides it.");
            Ok(Ok(format!("{}/{id}", links.exclusions)))
        }
        Err(error) => {
            let refusal = refuse(&mut form, error, NAMES)?;
            let notice = refusal.notice.clone();
            Ok(Err((refusal, view(me, of, form, notice, links).await?)))
        }
    }
}

fn own(me: &SignedIn, path: web::Path<(String, String)>) -> Result<Of, WebError> {
    let (source, reference) = path.into_inner();
    Ok((me.viewer.partner_id.ok_or(WebError::NotFound)?, source, reference))
}

/// `GET /tenders/{partner_id}/{source}/{reference}/exclusion`
pub(in crate::web) async fn ask_form(me: SignedIn, path: web::Path<Of>) -> Result<HttpResponse, WebError> {
    let view = view(&me, path.into_inner(), Form::default(), None, SHIPPER).await?;
    page::html(&AskPage { page: me.page("Ask for an exclusion"), view })
}

/// `GET /portal/tenders/{source}/{reference}/exclusion`
pub(in crate::web) async fn ask_form_own(
    me: SignedIn,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let view = view(&me, own(&me, path)?, Form::default(), None, PORTAL).await?;
    page::html(&AskPortalPage { page: me.page("Ask for an exclusion"), view })
}

/// `POST /tenders/{partner_id}/{source}/{reference}/exclusion`
pub(in crate::web) async fn ask(
    me: SignedIn,
    path: web::Path<Of>,
    upload: Upload<FILE_BYTES_MAX>,
) -> Result<HttpResponse, WebError> {
    match store(&me, path.into_inner(), upload, SHIPPER).await? {
        Ok(next) => Ok(page::see_other(&next)),
        Err((refusal, view)) => {
            page::html_with(refusal.status, &AskPage { page: me.page("Ask for an exclusion"), view })
        }
    }
}

/// `POST /portal/tenders/{source}/{reference}/exclusion`
pub(in crate::web) async fn ask_own(
    me: SignedIn,
    path: web::Path<(String, String)>,
    upload: Upload<FILE_BYTES_MAX>,
) -> Result<HttpResponse, WebError> {
    match store(&me, own(&me, path)?, upload, PORTAL).await? {
        Ok(next) => Ok(page::see_other(&next)),
        Err((refusal, view)) => {
            page::html_with(refusal.status, &AskPortalPage { page: me.page("Ask for an exclusion"), view })
        }
    }
}
