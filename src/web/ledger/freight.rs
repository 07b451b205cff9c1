//! Freight that is not billed, and the shipments behind each entry about it.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::link::{EntriesOf, Params as LedgerParams};
use super::{EntryLine, optional};
use crate::app::ledger::freight::{
    EntryView, FreightView, freight_csv, freight_entry_view, freight_export, freight_view,
};
use crate::app::ledger::view::Since;
use crate::db::freight::FreightListed;
use crate::db::ledger::EXPORT_ROWS_MAX;
use crate::domain::expected::Parts;
use crate::domain::ledger::Account;
use crate::domain::money::Micros;
use crate::domain::words;
use crate::web::download::download_csv;
use crate::web::extract::SignedIn;
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// The query of both pages, as sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Params {
    partner: String,
    page: String,
}

/// One shipment.
struct Line {
    reference: String,
    /// Empty where the shipment is not due on its day any more.
    href: String,
    partner: String,
    due: String,
    /// When it was delivered, or why it changed.
    said: String,
    base: String,
    fuel: String,
    accessorial: String,
    tax: String,
    total: String,
    currency: String,
}

impl Line {
    fn of(row: &FreightListed) -> Self {
        let (reference, href) = match &row.shipment {
            Some((source, reference)) => {
                (reference.clone(), show::shipment_href(row.partner_id, source, reference))
            }
            None => ("not due on this day any more".to_owned(), String::new()),
        };
        let said = match (row.delivered_on, row.why) {
            (Some(day), _) => show::day(day),
            (None, why) => why.map_or("", crate::domain::freight::Why::label).to_owned(),
        };
        let [base, fuel, accessorial, tax, total] = amounts(&row.parts);
        Self {
            reference,
            href,
            partner: row.partner.clone(),
            due: show::day(row.place.0.0),
            said,
            base,
            fuel,
            accessorial,
            tax,
            total,
            currency: row.currency.clone(),
        }
    }
}

fn amounts(parts: &Parts) -> [String; 5] {
    [parts.base, parts.fuel, parts.accessorial, parts.tax, parts.total()].map(show::money)
}

#[derive(Template)]
#[template(path = "ledger/freight.html")]
struct FreightPage {
    page: Page,
    heading: String,
    subtitle: String,
    /// What stands, by currency: amount, currency, shipments, and whether the ledger has the same.
    sums: Vec<(String, String, String, String)>,
    /// The entries that come to the sums.
    behind: String,
    /// The entry, where the page is about one.
    entry: Option<EntryLine>,
    /// What the column beside the due day says.
    said: &'static str,
    lines: Vec<Line>,
    /// Where the list is a file; empty where the page is about an entry.
    file: String,
    count: String,
    partners: Vec<(String, String, bool)>,
    before: Option<String>,
    after: Option<String>,
    number: usize,
    pages: usize,
    /// What stands where nothing is listed.
    nothing: &'static str,
}

fn number_of(text: &str) -> Result<usize, WebError> {
    Ok(optional(text)?.unwrap_or(1))
}

/// `GET /ledger/freight?partner=7&page=2`
pub(in crate::web) async fn list(me: SignedIn, params: web::Query<Params>) -> Result<HttpResponse, WebError> {
    let partner_id: Option<i64> = optional(&params.partner)?;
    let number = number_of(&params.page)?;
    let view = me
        .in_db(move |unit| {
            let today = unit.app.today(unit.db)?;
            freight_view(unit.db, unit.viewer, partner_id, number, today)
        })
        .await?;
    page::html(&standing(&me, partner_id, &view))
}

/// `GET /ledger/freight.csv?partner=7`
pub(in crate::web) async fn export(
    me: SignedIn,
    params: web::Query<Params>,
) -> Result<HttpResponse, WebError> {
    let partner_id: Option<i64> = optional(&params.partner)?;
    let (rows, more) = me.in_db(move |unit| freight_export(unit.db, unit.viewer, partner_id)).await?;
    if more {
        return Err(WebError::BadRequest(format!(
            "That is more than {EXPORT_ROWS_MAX} shipments. Choose one partner, or ask for a copy of the database."
        )));
    }
    download_csv("freight-not-billed.csv", freight_csv(&rows))
}

fn standing(me: &SignedIn, partner_id: Option<i64>, view: &FreightView) -> FreightPage {
    let to = |page: usize| {
        let partner = partner_id.map_or_else(String::new, |id| format!("partner={id}&"));
        format!("/ledger/freight?{partner}page={page}")
    };
    let all = std::iter::once((String::new(), "All".to_owned(), partner_id.is_none()));
    let named =
        view.partners.iter().map(|one| (one.id.to_string(), one.name.clone(), partner_id == Some(one.id)));
    let shipments: i64 = view.sums.values().map(|sum| sum.shipments).sum();
    FreightPage {
        page: me.page("Freight not billed"),
        heading: "Freight delivered and not billed".to_owned(),
        subtitle: "What each delivered shipment should cost, less the charges that audited invoices bill, as the last \
                   accrual left it. An invoice on hold, refused or billed twice changes nothing. Partners do not see this."
            .to_owned(),
        sums: sums(view),
        behind: EntriesOf {
            since: Some(Since::Start),
            partner_id,
            accounts: vec![Account::FreightAccrued],
            ..EntriesOf::default()
        }
        .href(),
        entry: None,
        said: "Delivered",
        lines: view.rows.iter().map(Line::of).collect(),
        file: format!(
            "/ledger/freight.csv{}",
            partner_id.map(|id| format!("?partner={id}")).unwrap_or_default()
        ),
        count: words::count(shipments, "shipment"),
        partners: all.chain(named).collect(),
        before: (view.page > 1).then(|| to(view.page - 1)),
        after: (view.page < view.pages).then(|| to(view.page + 1)),
        number: view.page,
        pages: view.pages,
        nothing: "Everything delivered is billed, or its partner sends no invoices here.",
    }
}

fn sums(view: &FreightView) -> Vec<(String, String, String, String)> {
    let mut both: BTreeMap<&str, (i64, Micros, Micros)> = BTreeMap::new();
    for (currency, sum) in &view.sums {
        both.insert(currency, (sum.shipments, sum.amount, Micros::ZERO));
    }
    for (currency, posted) in &view.posted {
        both.entry(currency).or_default().2 = *posted;
    }
    both.into_iter()
        .map(|(currency, (shipments, amount, posted))| {
            let ledger = if amount == posted {
                "the ledger has the same".to_owned()
            } else {
                format!("the ledger has {}", show::money(posted))
            };
            (show::money(amount), currency.to_owned(), words::count(shipments, "shipment"), ledger)
        })
        .collect()
}

/// `GET /ledger/freight/{partner}/{entry}`
pub(in crate::web) async fn entry(
    me: SignedIn,
    path: web::Path<(String, String)>,
    params: web::Query<Params>,
) -> Result<HttpResponse, WebError> {
    let (partner, entry) = path.into_inner();
    let whole = |text: &str| text.parse::<i64>().map_err(|_| WebError::NotFound);
    let key = (whole(&partner)?, whole(&entry)?);
    let number = number_of(&params.page)?;
    let view = me
        .in_db(move |unit| freight_entry_view(unit.db, unit.viewer, key, number))
        .await?
        .ok_or(WebError::NotFound)?;
    page::html(&behind(&me, key, &view))
}

fn behind(me: &SignedIn, (partner_id, entry_id): (i64, i64), view: &EntryView) -> FreightPage {
    let to = |page: usize| format!("/ledger/freight/{partner_id}/{entry_id}?page={page}");
    let listed = &view.listed;
    let [base, fuel, accessorial, tax, _] = amounts(&view.parts);
    FreightPage {
        page: me.page(format!("Freight, {}", listed.partner_name)),
        heading: format!("Freight of {}, {}", listed.entry.obligation_period.title(), listed.partner_name),
        subtitle: format!("Linehaul {base}, fuel {fuel}, accessorials {accessorial}, tax {tax}."),
        sums: Vec::new(),
        behind: String::new(),
        entry: Some(EntryLine::of(listed, &LedgerParams::default(), &view.chart)),
        said: "Why",
        lines: view.rows.iter().map(Line::of).collect(),
        file: String::new(),
        count: words::many(view.count, "shipment"),
        partners: Vec::new(),
        before: (view.page > 1).then(|| to(view.page - 1)),
        after: (view.page < view.pages).then(|| to(view.page + 1)),
        number: view.page,
        pages: view.pages,
        nothing: "The shipments behind this entry are not known.",
    }
}
