//! Credits and bonuses in the partner portal. Everything shown comes from
//! [`OwnCredits`], which holds nothing of anyone else.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{optional, with_currency};
use crate::app::ledger::own::{Behind, OwnCredits, Sums, credits_own};
use crate::db::ledger::{ALL_FORGONE, PartnerCredit};
use crate::domain::currency::Currency;
use crate::domain::ledger::ItemState;
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::web::evidence::counted_list;
use crate::web::extract::SignedIn;
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// The query of the page, as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Params {
    month: String,
}

struct Line {
    what: String,
    clause: String,
    why: String,
    due: String,
    amount: String,
    /// What the head of the column does not say.
    note: String,
    tone: &'static str,
    shape: &'static str,
    state: &'static str,
    /// The page of the item.
    href: String,
    /// Where the facts are, and what they are called.
    facts: Option<(String, String)>,
}

struct Total {
    currency: String,
    credits: String,
    bonuses: String,
}

#[derive(Template)]
#[template(path = "ledger/own.html")]
struct OwnPage {
    page: Page,
    month: String,
    months: Vec<(String, String, bool)>,
    credits: String,
    bonuses: String,
    month_credits: String,
    month_bonuses: String,
    items: usize,
    /// Items that wait for an answer, and the month they are accepted by.
    waiting: usize,
    address: String,
    /// The one currency of all items; empty when there are several.
    currency: String,
    lines: Vec<Line>,
    totals: Vec<Total>,
}

/// `GET /portal/credits?month=2025-06`
pub(in crate::web) async fn list(me: SignedIn, params: web::Query<Params>) -> Result<HttpResponse, WebError> {
    let month = optional::<Period>(&params.month)?;
    if month.is_some_and(|month| month.kind() != PeriodKind::Month) {
        return Err(WebError::NotFound);
    }
    let found = me
        .in_db(move |unit| {
            let today = unit.app.today(unit.db)?;
            credits_own(unit.db, unit.viewer, month, today)
        })
        .await?
        .ok_or(WebError::NotFound)?;
    page::html(&OwnPage::new(me.page("Credits"), &found))
}

/// One month in short, for the partner's home.
pub(in crate::web) struct Brief {
    /// `June 2026`.
    pub month: String,
    /// Its page.
    pub href: String,
    /// What the partner owes of it.
    pub credits: String,
    /// What it is owed.
    pub bonuses: String,
}

impl Brief {
    /// None when there is nothing to say.
    pub(in crate::web) fn of(found: &OwnCredits) -> Option<Self> {
        (!found.items.is_empty()).then(|| Self {
            month: found.month.title(),
            href: address(found.month),
            credits: all_of(&found.in_month, |sums| sums.credits),
            bonuses: all_of(&found.in_month, |sums| sums.bonuses),
        })
    }
}

fn address(month: Period) -> String {
    format!("/portal/credits?month={month}")
}

impl OwnPage {
    fn new(page: Page, found: &OwnCredits) -> Self {
        let many = found.in_all.len() > 1;
        let tab = |month: &Period| (month.title(), address(*month), *month == found.month);
        Self {
            page,
            month: found.month.title(),
            months: found.months.iter().map(tab).collect(),
            credits: all_of(&found.in_all, |sums| sums.credits),
            bonuses: all_of(&found.in_all, |sums| sums.bonuses),
            month_credits: all_of(&found.in_month, |sums| sums.credits),
            month_bonuses: all_of(&found.in_month, |sums| sums.bonuses),
            items: found.items.len(),
            waiting: found.items.iter().filter(|(item, _)| item.state == ItemState::Assessed).count(),
            address: found.month.to_string(),
            currency: found
                .in_all
                .keys()
                .next()
                .filter(|_| !many)
                .map(ToString::to_string)
                .unwrap_or_default(),
            lines: found.items.iter().map(|(item, behind)| Line::new(item, behind, many)).collect(),
            totals: found.in_month.iter().map(|(currency, sums)| Total::new(*currency, sums)).collect(),
        }
    }
}

fn all_of(sums: &BTreeMap<Currency, Sums>, of: impl Fn(&Sums) -> Micros) -> String {
    with_currency(&sums.iter().map(|(currency, sums)| (*currency, of(sums))).collect::<Vec<_>>())
}

impl Total {
    fn new(currency: Currency, sums: &Sums) -> Self {
        Self {
            currency: currency.to_string(),
            credits: show::money(sums.credits),
            bonuses: show::money(sums.bonuses),
        }
    }
}

impl Line {
    fn new(item: &PartnerCredit, behind: &Behind, with_currency: bool) -> Self {
        let (tone, shape, state) = match item.state {
            ItemState::Reversed if item.is_capped_away => ("good", "check", ALL_FORGONE),
            ItemState::Reversed => ("good", "check", "Taken back"),
            ItemState::Disputed => ("warn", "dot", "Disputed"),
            ItemState::Agreed => ("warn", "clock", "Agreed, to be settled"),
            ItemState::Settled => ("good", "check", item.state.label()),
            _ => ("warn", "dot", "Assessed"),
        };
        let facts = match behind {
            Behind::Shipment(source, reference) => {
                Some((show::own_shipment_href(source, reference), reference.clone()))
            }
            Behind::Kpi(kpi, period) => {
                let list = counted_list("/portal/scorecards", *period, Some(kpi), item.key);
                Some((list, period.title()))
            }
            Behind::Gone => None,
        };
        Self {
            what: item.clause_title.clone(),
            href: format!("/portal/items/{}", item.key.slug()),
            clause: item.clause_code.clone(),
            why: item.steps.join(" "),
            due: show::day(item.obligation_day),
            amount: show::money(item.amount),
            note: match (item.sign.owed_by_carrier(), with_currency) {
                (true, false) => String::new(),
                (true, true) => item.currency.to_string(),
                (false, false) => "owed to you".to_owned(),
                (false, true) => format!("{}, owed to you", item.currency),
            },
            tone,
            shape,
            state,
            facts,
        }
    }
}
