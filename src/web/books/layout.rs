//! The layout of the journal file: a form with a preview on the newest batch.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::app::books::layout::{layout_preview, layout_set, layouts};
use crate::app::edit::EditError;
use crate::domain::books::layout::{DateFormat, EXAMPLE, Field, SignConvention};
use crate::domain::viewer::Action;
use crate::web::edit::refuse;
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};
use crate::web::show;

#[derive(Template)]
#[template(path = "books/layout.html")]
struct LayoutPage {
    page: Page,
    may: bool,
    form: Form,
    notice: Option<String>,
    preview: Option<String>,
    fields: Vec<(&'static str, &'static str)>,
    dates: Vec<(&'static str, &'static str)>,
    signs: Vec<(&'static str, &'static str)>,
    kept: Vec<(String, String)>,
}

async fn answer(
    me: &SignedIn,
    form: Option<Form>,
    preview: Option<String>,
    refusal: Option<EditError>,
) -> Result<HttpResponse, WebError> {
    let kept = me.in_db(|unit| layouts(unit.db, unit.viewer)).await?;
    let newest = kept.first().map_or_else(|| EXAMPLE.to_owned(), |row| row.layout.clone());
    let mut form = form.unwrap_or_else(|| Form::filled([("layout", newest)]));
    let (status, notice) = match refusal {
        None => (StatusCode::OK, None),
        Some(error) => {
            let refused = refuse(&mut form, error, &[("layout", "layout")])?;
            (refused.status, refused.notice)
        }
    };
    let layout_page = LayoutPage {
        page: me.page("Layout of the journal file"),
        may: me.viewer.role.may(Action::KeepBooks),
        form,
        notice,
        preview,
        fields: Field::ALL.iter().map(|one| (one.code(), one.label())).collect(),
        dates: DateFormat::ALL.iter().map(|one| (one.code(), one.label())).collect(),
        signs: SignConvention::ALL.iter().map(|one| (one.code(), one.label())).collect(),
        kept: kept
            .iter()
            .map(|row| {
                (
                    format!("Version {}", row.version),
                    format!("{}, {} UTC", row.set_by, show::moment(row.set_at.0)),
                )
            })
            .collect(),
    };
    page::html_with(status, &layout_page)
}

/// `GET /ledger/layout`
pub(in crate::web) async fn show_form(me: SignedIn) -> Result<HttpResponse, WebError> {
    answer(&me, None, None, None).await
}

/// `POST /ledger/layout`: shows a preview, or keeps the layout.
pub(in crate::web) async fn store(me: SignedIn, form: Form) -> Result<HttpResponse, WebError> {
    let text = form.value("layout").to_owned();
    if form.is("then", "keep") {
        let kept = me
            .in_db(move |unit| Ok::<_, WebError>(layout_set(unit.app, unit.db, unit.viewer, &text)))
            .await?;
        return match kept {
            Ok(version) => {
                me.flash(&format!("Version {version} of the layout counts for batches from now on."));
                Ok(page::see_other("/ledger/layout"))
            }
            Err(error) => answer(&me, Some(form), None, Some(error)).await,
        };
    }
    let shown = me.in_db(move |unit| Ok::<_, WebError>(layout_preview(unit.db, unit.viewer, &text))).await?;
    match shown {
        Ok(preview) => {
            let words = preview
                .unwrap_or_else(|| "There is no batch to show it on yet; the layout reads.".to_owned());
            answer(&me, Some(form), Some(words), None).await
        }
        Err(error) => answer(&me, Some(form), None, Some(error)).await,
    }
}
