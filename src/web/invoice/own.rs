//! A partner's own invoices in the portal: what was found, and how to answer. No tolerance and no internal word is shown.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{FUNNEL, Foot, Funnel, FunnelLinks, InvoiceView, Line, Params, taken};
use crate::app::invoice::view::{PAGE_ROWS, Pick, Whole, list as listing, whole};
use crate::domain::audit::recovery::Step;
use crate::domain::viewer::Action;
use crate::domain::words;
use crate::web::edit::Refusal;
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};

#[derive(Template)]
#[template(path = "invoice/list_own.html")]
struct OwnListPage {
    page: Page,
    funnels: Vec<Funnel>,
    lines: Vec<Line>,
    foot: Vec<Foot>,
    /// What the column of the figure is called that the list is behind; none where it is behind none.
    counted: Option<&'static str>,
    count: String,
    picks: Vec<(String, String, bool)>,
    params: Params,
    before: Option<String>,
    after: Option<String>,
    number: usize,
    pages: usize,
}

/// `GET /portal/invoices?period=2025-06&show=open`
pub(in crate::web) async fn list(me: SignedIn, params: web::Query<Params>) -> Result<HttpResponse, WebError> {
    // Whose invoices they are is the viewer's to say, whatever the address asks for.
    let mut params = Params { partner: String::new(), ..params.into_inner() };
    if params.show.trim().is_empty() {
        Pick::All.code().clone_into(&mut params.show);
    }
    let asked = params.asked(PAGE_ROWS)?;
    let found = me.in_db(move |unit| listing(unit.db, unit.viewer, &asked)).await?;
    let choices =
        Pick::CHOICES.into_iter().chain((!Pick::CHOICES.contains(&asked.pick)).then_some(asked.pick));
    let to = |page: usize| params.link("/portal/invoices", &[("page", &page.to_string())]);
    let to_lists = FunnelLinks::of(&params, "/portal/invoices");
    page::html(&OwnListPage {
        page: me.page("Invoices"),
        funnels: found
            .totals
            .iter()
            .map(|(currency, sums)| Funnel::of(*currency, sums, to_lists.clone()))
            .collect(),
        lines: found.rows.iter().map(|one| Line::of(one, asked.pick, "/portal")).collect(),
        foot: found.picked.iter().map(|sums| Foot::of(sums, asked.pick)).collect(),
        counted: FUNNEL.contains(&asked.pick).then(|| own_words(asked.pick)),
        count: words::many(found.count, "invoice"),
        picks: choices.map(|pick| (pick.code().to_owned(), own_label(pick), pick == asked.pick)).collect(),
        before: (found.page > 1).then(|| to(found.page - 1)),
        after: (found.page < found.pages).then(|| to(found.page + 1)),
        number: found.page,
        pages: found.pages,
        params,
    })
}

fn own_label(pick: Pick) -> String {
    own_words(pick).to_owned()
}

fn own_words(pick: Pick) -> &'static str {
    match pick {
        Pick::Open => "Not settled",
        Pick::Disputed => "Disputed",
        Pick::Sent => "Sent to you",
        Pick::Accepted => "Accepted by you",
        other => other.label(),
    }
}

#[derive(Template)]
#[template(path = "invoice/page_own.html")]
struct OwnPage {
    page: Page,
    invoice: InvoiceView,
    form: Form,
    notice: Option<String>,
}

fn own_page(me: &SignedIn, found: &Whole, form: Form, notice: Option<String>) -> OwnPage {
    OwnPage {
        page: me.page(format!("Invoice {}", found.row.number)),
        invoice: InvoiceView::of(found, "/portal", me.viewer.role.may(Action::UsePortal)),
        form,
        notice,
    }
}

/// `GET /portal/invoices/{id}`
pub(in crate::web) async fn show_one(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let id = *id;
    let found = me.in_db(move |unit| whole(unit.db, unit.viewer, id)).await?.ok_or(WebError::NotFound)?;
    page::html(&own_page(&me, &found, Form::default(), None))
}

/// `POST /portal/invoices/{id}/steps`
pub(in crate::web) async fn answer(
    me: SignedIn,
    id: web::Path<i64>,
    form: Form,
) -> Result<HttpResponse, WebError> {
    let refused = match taken(&me, *id, form).await? {
        Ok(step) => {
            me.flash(match step {
                Step::Accepted => "You accepted the dispute.",
                _ => "You refused the dispute; your reason is on its page.",
            });
            return Ok(page::see_other(&format!("/portal/invoices/{id}")));
        }
        Err(refused) => refused,
    };
    let (found, form, Refusal { status, notice }) = *refused;
    page::html_with(status, &own_page(&me, &found, form, notice))
}
