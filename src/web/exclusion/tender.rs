//! Asking for a tender that was not taken to be excused.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::{
    AskView, Links, Of, PORTAL, SHIPPER, What, ask_page, decided_by_words, limits, own, parties, reasons,
    store,
};
use crate::app::exclusion::{Named, tender_outcome};
use crate::domain::attachment::FILE_BYTES_MAX;
use crate::web::edit::sentence;
use crate::web::extract::{Form, SignedIn};
use crate::web::page::WebError;
use crate::web::upload::Upload;

pub(super) async fn view(
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

/// `GET /tenders/{partner_id}/{source}/{reference}/exclusion`
pub(in crate::web) async fn ask_form(me: SignedIn, path: web::Path<Of>) -> Result<HttpResponse, WebError> {
    let view = view(&me, path.into_inner(), Form::default(), None, SHIPPER).await?;
    ask_page(&me, StatusCode::OK, view, SHIPPER)
}

/// `GET /portal/tenders/{source}/{reference}/exclusion`
pub(in crate::web) async fn ask_form_own(
    me: SignedIn,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let view = view(&me, own(&me, path)?, Form::default(), None, PORTAL).await?;
    ask_page(&me, StatusCode::OK, view, PORTAL)
}

/// `POST /tenders/{partner_id}/{source}/{reference}/exclusion`
pub(in crate::web) async fn ask(
    me: SignedIn,
    path: web::Path<Of>,
    upload: Upload<FILE_BYTES_MAX>,
) -> Result<HttpResponse, WebError> {
    store(&me, path.into_inner(), What::Tender, upload, SHIPPER).await
}

/// `POST /portal/tenders/{source}/{reference}/exclusion`
pub(in crate::web) async fn ask_own(
    me: SignedIn,
    path: web::Path<(String, String)>,
    upload: Upload<FILE_BYTES_MAX>,
) -> Result<HttpResponse, WebError> {
    store(&me, own(&me, path)?, What::Tender, upload, PORTAL).await
}
