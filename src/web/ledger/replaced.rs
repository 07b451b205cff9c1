//! The loads behind an item that is priced by what replacements cost.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{accrual_href, optional};
use crate::app::accrual::AccrualError;
use crate::app::ledger::replaced::{ReplacedLoad, ReplacementsView, replacements_view};
use crate::domain::clause::ObligationKey;
use crate::domain::words;
use crate::web::extract::SignedIn;
use crate::web::page::{self, Page, WebError};
use crate::web::show;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Params {
    page: String,
}

struct Line {
    reference: String,
    offered: String,
    /// Who carried it, and when it was due.
    carrier: String,
    due: String,
    /// The shipment and its page.
    shipment: Option<(String, String)>,
    price: String,
    cost: String,
    more: String,
    owed: String,
    /// What stands below what is owed.
    said: &'static str,
}

impl Line {
    fn of(load: &ReplacedLoad) -> Self {
        let money = |amount: Option<_>| amount.map_or_else(|| "not known".to_owned(), show::money);
        let carried = load.carried.as_ref();
        let shipment = carried.and_then(|by| {
            let (source, reference) = by.shipment.as_ref()?;
            Some((show::shipment_href(by.partner_id, source, reference), reference.clone()))
        });
        let more = load.cost.zip(load.price).map(|(cost, price)| cost - price);
        let said = match (load.is_let_pass, more) {
            (true, _) => "may be turned down",
            (false, None) => "counts nothing until it is known",
            (false, Some(_)) => "",
        };
        Self {
            reference: load.reference.clone(),
            offered: show::instant(load.sent_at),
            carrier: carried.map_or_else(|| "nobody yet".to_owned(), |by| by.partner.clone()),
            due: carried.map(|by| show::day(by.due_on)).unwrap_or_default(),
            shipment,
            price: money(load.price),
            cost: money(load.cost),
            more: money(more),
            owed: load.owed.map_or_else(|| "–".to_owned(), show::money),
            said,
        }
    }
}

#[derive(Template)]
#[template(path = "ledger/replaced.html")]
struct ReplacedPage {
    page: Page,
    back: String,
    what: String,
    heading: String,
    partner: String,
    count: String,
    beyond: String,
    currency: String,
    sum: String,
    target: String,
    steps: Vec<String>,
    lines: Vec<Line>,
    before: Option<String>,
    after: Option<String>,
    number: usize,
    pages: usize,
}

/// `GET /ledger/accruals/{partner}/{key}/replacements?page=2`
pub(in crate::web) async fn show(
    me: SignedIn,
    path: web::Path<(String, String)>,
    params: web::Query<Params>,
) -> Result<HttpResponse, WebError> {
    let (partner, key) = path.into_inner();
    let partner_id: i64 = partner.parse().map_err(|_| WebError::NotFound)?;
    let key = ObligationKey::from_slug(&key).ok_or(WebError::NotFound)?;
    let number: usize = optional(&params.page)?.unwrap_or(1);
    let found = me
        .in_db(move |unit| {
            match replacements_view(unit.db, unit.viewer, (partner_id, key), number, unit.app.now()) {
                Ok(found) => Ok(Ok(found)),
                Err(AccrualError::Db(error)) => Err(error),
                Err(error) => Ok(Err(error)),
            }
        })
        .await?;
    match found {
        Ok(found) => page::html(&view(&me, &found.ok_or(WebError::NotFound)?)),
        Err(error) => Err(WebError::Internal(std::sync::Arc::new(error.into()))),
    }
}

fn view(me: &SignedIn, found: &ReplacementsView) -> ReplacedPage {
    let item = accrual_href(found.accrual.partner_id, found.accrual.key);
    let to = |page: usize| format!("{item}/replacements?page={page}");
    ReplacedPage {
        page: me.page(format!("Replacements, {}", found.partner)),
        what: found.accrual.period.title(),
        heading: format!("Clause {}: {}", found.clause.code, found.clause.title),
        partner: found.partner.clone(),
        count: words::many(found.count, "load"),
        beyond: words::many(found.beyond, "load"),
        currency: found.accrual.currency.to_string(),
        sum: show::money(found.sum),
        target: show::money(found.accrual.target),
        steps: found.steps.clone(),
        lines: found.loads.iter().map(Line::of).collect(),
        before: (found.page > 1).then(|| to(found.page - 1)),
        after: (found.page < found.pages).then(|| to(found.page + 1)),
        back: item,
        number: found.page,
        pages: found.pages,
    }
}
