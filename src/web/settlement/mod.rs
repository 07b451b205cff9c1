//! What settles agreed items: the documents, the form that books one, and the statement of a partner, which both sides read.

pub mod statement;

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::dispute::optional;
use super::edit::{Refusal, amount, day, refuse, unsound};
use super::extract::{Form, SignedIn};
use super::page::{self, Page, WebError};
use super::show;
use crate::app::dispute::Item;
use crate::app::settlement::{
    NewSettlement, apply_rest, book, documents, kind_of, names, note_set_off, open_items, set_off,
};
use crate::db::contract::contract_list;
use crate::db::dispute::SetOffRow;
use crate::db::partner::{Partner, partner_list, partner_show};
use crate::db::settlement::SettlementListed;
use crate::domain::clause::{ObligationKey, SettlementForm};
use crate::domain::currency::Currency;
use crate::domain::money::Micros;
use crate::domain::settlement::{Open, Part, SettlementKind};
use crate::domain::viewer::Action;
use crate::domain::words;

/// Items offered on one form.
const OFFERED: usize = 500;

/// A document in a list.
struct DocumentLine {
    href: String,
    kind: &'static str,
    number: String,
    partner: String,
    on: String,
    amount: String,
    currency: String,
    applied: usize,
    unapplied: String,
    has_rest: bool,
}

impl DocumentLine {
    fn of(one: &SettlementListed) -> Self {
        let row = &one.row;
        let rest = one.unapplied();
        Self {
            href: format!("/settlements/{}/{}", row.partner_id, row.id),
            kind: row.kind.parse::<SettlementKind>().map_or("Document", SettlementKind::label),
            number: row.number.clone(),
            partner: one.partner.clone(),
            on: show::day(row.settled_on.0),
            amount: show::money(Micros(row.amount_micros)),
            currency: row.currency.clone(),
            applied: one.parts.len(),
            unapplied: show::money(rest),
            has_rest: rest > Micros::ZERO,
        }
    }
}

#[derive(Template)]
#[template(path = "settlement/list.html")]
struct ListPage {
    page: Page,
    lines: Vec<DocumentLine>,
    count: String,
    may_book: bool,
}

/// `GET /settlements`
pub(super) async fn list(me: SignedIn) -> Result<HttpResponse, WebError> {
    let found = me.in_db(|unit| documents(unit.db, unit.viewer, None)).await?;
    page::html(&ListPage {
        page: me.page("Settlements"),
        count: words::many(found.len(), "document"),
        lines: found.iter().map(DocumentLine::of).collect(),
        may_book: me.viewer.role.may(Action::SettleItems),
    })
}

/// The query of the form, as sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Params {
    partner: String,
}

/// An agreed item on the form.
struct OpenLine {
    field: String,
    href: String,
    named: String,
    chip: super::dispute::Chip,
    left: String,
    currency: String,
    owed_by: &'static str,
    why: String,
    /// The form of settlement that its clause names.
    form: &'static str,
    value: String,
}

struct SetOffLine {
    contract: String,
    contract_id: i64,
    words: String,
    granted: bool,
}

#[derive(Template)]
#[template(path = "settlement/form.html")]
struct FormPage {
    page: Page,
    partner: Option<(i64, String)>,
    partners: Vec<(String, String)>,
    kinds: Vec<(String, String)>,
    open: Vec<OpenLine>,
    more: usize,
    set_off: Vec<SetOffLine>,
    form: Form,
    notice: Option<String>,
}

struct FormFound {
    partner: Option<Partner>,
    partners: Vec<Partner>,
    open: Vec<(Item, Open)>,
    contracts: Vec<(i64, String, Option<SetOffRow>)>,
}

async fn form_found(me: &SignedIn, partner_id: Option<i64>) -> Result<FormFound, WebError> {
    me.in_db(move |unit| {
        let (db, viewer) = (unit.db, unit.viewer);
        let partners = partner_list(db, viewer)?;
        let Some(id) = partner_id else {
            return Ok::<_, WebError>(FormFound {
                partner: None,
                partners,
                open: Vec::new(),
                contracts: Vec::new(),
            });
        };
        let partner = partner_show(db, viewer, id)?.ok_or(WebError::NotFound)?;
        let mut noted = set_off(db, viewer, id)?;
        let contracts = contract_list(db, viewer)?
            .into_iter()
            .filter(|listed| listed.contract.partner_id == id)
            .map(|listed| {
                let noted = noted.remove(&listed.contract.id);
                (listed.contract.id, listed.contract.number, noted)
            })
            .collect();
        let open = open_items(db, viewer, id)?;
        Ok(FormFound { partner: Some(partner), partners, open, contracts })
    })
    .await
}

/// What the fields of items are called, before the key of each.
const ITEM_FIELD: &str = "a-";

fn field_of(key: ObligationKey) -> String {
    format!("{ITEM_FIELD}{}", key.slug())
}

fn form_page(me: &SignedIn, found: &FormFound, form: Form, notice: Option<String>) -> FormPage {
    let open = |(item, open): &(Item, Open)| {
        let accrual = &item.row.accrual;
        let field = field_of(accrual.key);
        OpenLine {
            href: format!("/items/{}/{}", accrual.partner_id, accrual.key.slug()),
            named: item.named(),
            chip: super::dispute::stage_chip(item.stage),
            left: show::money(open.outstanding),
            currency: accrual.currency.to_string(),
            owed_by: if open.is_ours { "" } else { "We owe it." },
            why: accrual.steps.first().cloned().unwrap_or_default(),
            form: open.form.map_or("", SettlementForm::label),
            value: form.value(&field).to_owned(),
            field,
        }
    };
    FormPage {
        page: me.page("Book a settlement"),
        partner: found.partner.as_ref().map(|one| (one.id, one.name.clone())),
        partners: found.partners.iter().map(|one| (one.id.to_string(), one.name.clone())).collect(),
        kinds: SettlementKind::ALL
            .iter()
            .filter(|kind| !kind.takes_off() || me.viewer.role.may(Action::ApproveMoney))
            .map(|kind| (kind.code().to_owned(), kind.label().to_owned()))
            .collect(),
        open: found.open.iter().take(OFFERED).map(open).collect(),
        more: found.open.len().saturating_sub(OFFERED),
        set_off: found
            .contracts
            .iter()
            .map(|(id, number, noted)| SetOffLine {
                contract: number.clone(),
                contract_id: *id,
                words: noted.as_ref().map_or_else(
                    || "Nothing noted: no set-off".to_owned(),
                    |row| {
                        let what = if row.granted { "Granted" } else { "Not granted" };
                        format!("{what}: {} ({}, {})", row.words, row.actor, show::day(row.at.0.date_naive()))
                    },
                ),
                granted: noted.as_ref().is_some_and(|row| row.granted),
            })
            .collect(),
        form,
        notice,
    }
}

/// `GET /settlements/new?partner=7`
pub(super) async fn new(me: SignedIn, params: web::Query<Params>) -> Result<HttpResponse, WebError> {
    let found = form_found(&me, optional(&params.partner)?).await?;
    let currency = found.open.first().map(|(item, _)| item.row.accrual.currency.to_string());
    let form = Form::filled([("currency", currency.unwrap_or_else(|| "USD".to_owned()))]);
    page::html(&form_page(&me, &found, form, None))
}

const NAMES: &[(&str, &str)] =
    &[("number", "number"), ("settled_on", "settled_on"), ("amount", "amount"), ("words", "words")];

/// What of which items the form says the document settles. An amount for anything but an open item of the partner refuses
/// the whole: left out, it would go to other items, the oldest first.
fn parts_of(form: &Form, found: &FormFound) -> Result<Vec<Part>, String> {
    let known: BTreeSet<String> = found.open.iter().map(|(item, _)| field_of(item.row.accrual.key)).collect();
    if let Some(unknown) = form.names_of(ITEM_FIELD).find(|name| !known.contains(*name)) {
        let key = unknown.strip_prefix(ITEM_FIELD).and_then(ObligationKey::from_slug);
        let item = key.map_or_else(|| "One of the items".to_owned(), |key| format!("Item {}", key.slug()));
        return Err(format!(
            "{item} has nothing left to settle, or is not of this partner. Nothing was booked: open the page again."
        ));
    }
    let mut parts = Vec::new();
    for (item, open) in &found.open {
        let key = item.row.accrual.key;
        let text = form.value(&field_of(key));
        if text.is_empty() {
            continue;
        }
        let plain = text.replace(',', "");
        let amount = plain.parse().ok().and_then(|value| Micros::from_decimal(value).ok());
        let amount = amount.filter(|amount| *amount > Micros::ZERO).ok_or_else(|| {
            format!("{}: write an amount above 0 such as 1,250.00, or leave it empty.", open.named)
        })?;
        parts.push(Part { key, amount });
    }
    Ok(parts)
}

/// `POST /settlements`
pub(super) async fn create(me: SignedIn, mut form: Form) -> Result<HttpResponse, WebError> {
    let partner_id: i64 = form.value("partner").parse().map_err(|_| WebError::NotFound)?;
    let found = form_found(&me, Some(partner_id)).await?;
    let kind: Option<SettlementKind> = form.read("kind", "Choose what it is.");
    let settled_on = day(&mut form, "settled_on");
    let sum = amount(&mut form, "amount");
    let currency: Option<Currency> = form.read("currency", "Write three capitals such as USD.");
    let refusal = match (kind, settled_on, sum, currency, parts_of(&form, &found)) {
        (Some(kind), Some(settled_on), Some(amount), Some(currency), Ok(parts)) => {
            let new = NewSettlement {
                kind,
                number: form.value("number").to_owned(),
                settled_on,
                amount,
                currency,
                parts,
                keeps_rest: form.is("keep", "yes"),
                words: form.value("words").to_owned(),
            };
            let work = me
                .in_db(move |unit| Ok::<_, WebError>(book(unit.app, unit.db, unit.viewer, partner_id, &new)));
            match work.await? {
                Ok(id) => {
                    me.flash("Booked.");
                    return Ok(page::see_other(&format!("/settlements/{partner_id}/{id}")));
                }
                Err(error) => refuse(&mut form, error, NAMES)?,
            }
        }
        (.., Err(message)) => Refusal { notice: Some(message), ..unsound() },
        _ => unsound(),
    };
    let found = form_found(&me, Some(partner_id)).await?;
    page::html_with(refusal.status, &form_page(&me, &found, form, refusal.notice))
}

/// `POST /settlements/set-off`: note what a contract says about set-off.
pub(super) async fn note(me: SignedIn, mut form: Form) -> Result<HttpResponse, WebError> {
    let partner_id: i64 = form.value("partner").parse().map_err(|_| WebError::NotFound)?;
    let contract_id: i64 = form.value("contract").parse().map_err(|_| WebError::NotFound)?;
    let (granted, clause) = (form.is("granted", "yes"), form.value("clause").to_owned());
    let work = me.in_db(move |unit| {
        Ok::<_, WebError>(note_set_off(unit.app, unit.db, unit.viewer, contract_id, (granted, &clause)))
    });
    let refusal = match work.await? {
        Ok(()) => {
            me.flash("Noted.");
            return Ok(page::see_other(&format!("/settlements/new?partner={partner_id}")));
        }
        Err(error) => refuse(&mut form, error, &[("words", "clause")])?,
    };
    let found = form_found(&me, Some(partner_id)).await?;
    page::html_with(refusal.status, &form_page(&me, &found, form, refusal.notice))
}

struct PartLine {
    href: String,
    named: String,
    amount: String,
    on: String,
    by: String,
}

#[derive(Template)]
#[template(path = "settlement/page.html")]
struct DocumentPage {
    page: Page,
    document: DocumentLine,
    words: String,
    by: String,
    parts: Vec<PartLine>,
    post: Option<String>,
    statement: String,
}

fn document_path(path: &(String, String)) -> Result<(i64, i64), WebError> {
    let id = |text: &str| text.parse().map_err(|_| WebError::NotFound);
    Ok((id(&path.0)?, id(&path.1)?))
}

/// `GET /settlements/{partner}/{id}`
pub(super) async fn show_one(
    me: SignedIn,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let (partner_id, id) = document_path(&path)?;
    let (found, names) = me
        .in_db(move |unit| {
            let found = documents(unit.db, unit.viewer, Some(partner_id))?;
            let found = found.into_iter().find(|one| one.row.id == id).ok_or(WebError::NotFound)?;
            found.row.currency()?;
            kind_of(&found)?;
            Ok::<_, WebError>((found, names(unit.db, unit.viewer, partner_id)?))
        })
        .await?;
    let part = |part: &crate::db::settlement::PartRow| {
        let key: Option<ObligationKey> = part.obligation_key.parse().ok();
        PartLine {
            href: key.map(|key| format!("/items/{partner_id}/{}", key.slug())).unwrap_or_default(),
            named: key.and_then(|key| names.get(&key).cloned()).unwrap_or_else(|| "An item".to_owned()),
            amount: show::money(Micros(part.amount_micros)),
            on: show::day(part.posted_on.0),
            by: part.actor.clone(),
        }
    };
    let document = DocumentLine::of(&found);
    let may = document.has_rest && me.viewer.role.may(Action::SettleItems);
    page::html(&DocumentPage {
        page: me.page(format!("{} {}", document.kind, document.number)),
        words: found.row.words.clone(),
        by: format!("{}, {}", found.row.actor, show::instant(found.row.at.0)),
        parts: found.parts.iter().map(part).collect(),
        post: may.then(|| format!("/settlements/{partner_id}/{id}/applications")),
        statement: format!("/statements/{partner_id}"),
        document,
    })
}

/// `POST /settlements/{partner}/{id}/applications`: apply what is left of a document.
pub(super) async fn apply(me: SignedIn, path: web::Path<(String, String)>) -> Result<HttpResponse, WebError> {
    let (partner_id, id) = document_path(&path)?;
    let applied = me
        .in_db(move |unit| {
            apply_rest(unit.app, unit.db, unit.viewer, (partner_id, id)).map_err(WebError::from)
        })
        .await?;
    me.flash(&format!("{} applied.", show::money(applied)));
    Ok(page::see_other(&format!("/settlements/{partner_id}/{id}")))
}
