//! Bonuses, rebates and shared gains of a year by partner and programme.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::MonthParams;
use crate::app::books::incentive::{Programme, programmes};
use crate::app::edit::EditError;
use crate::domain::books::month_of;
use crate::domain::currency::Currency;
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::web::extract::SignedIn;
use crate::web::page::{self, Page, WebError};
use crate::web::show;

struct Line {
    name: String,
    under: String,
    href: String,
    currency: String,
    accrued: String,
    told: String,
    agreed: String,
    paid: String,
    total: String,
}

#[derive(Template)]
#[template(path = "books/incentives.html")]
struct IncentivesPage {
    page: Page,
    year: String,
    years: Vec<(String, String, bool)>,
    lines: Vec<Line>,
    foot: Vec<Line>,
}

/// `GET /ledger/incentives`
pub(in crate::web) async fn show(
    me: SignedIn,
    params: web::Query<MonthParams>,
) -> Result<HttpResponse, WebError> {
    let asked = params.month()?;
    let (year, found) = me
        .in_db(move |unit| {
            let month = asked.map_or_else(|| unit.app.today(unit.db).map(month_of), Ok)?;
            let year = Period::containing(PeriodKind::Year, month.start());
            Ok::<_, EditError>((year, programmes(unit.db, unit.viewer, year)?))
        })
        .await?;
    let mut sums: BTreeMap<Currency, Programme> = BTreeMap::new();
    for one in &found {
        let zero = Programme {
            accrued: Micros::ZERO,
            told: Micros::ZERO,
            agreed: Micros::ZERO,
            paid: Micros::ZERO,
            items: 0,
            ..one.clone()
        };
        let sum = sums.entry(one.currency).or_insert(zero);
        sum.accrued = sum.accrued + one.accrued;
        sum.told = sum.told + one.told;
        sum.agreed = sum.agreed + one.agreed;
        sum.paid = sum.paid + one.paid;
        sum.items += one.items;
    }
    let line = |one: &Programme, name: String, under: String, href: String| Line {
        name,
        under,
        href,
        currency: one.currency.to_string(),
        accrued: show::money(one.accrued),
        told: show::money(one.told),
        agreed: show::money(one.agreed),
        paid: show::money(one.paid),
        total: show::money(one.total()),
    };
    let way = |year: Period| (year.title(), format!("/ledger/incentives?month={}-01", year.title()), year);
    let incentives_page = IncentivesPage {
        page: me.page(format!("Incentives, {}", year.title())),
        year: year.title(),
        years: [year.previous(), year, year.next()]
            .map(way)
            .into_iter()
            .map(|(title, href, one)| (title, href, one == year))
            .collect(),
        lines: found
            .iter()
            .map(|one| {
                let under = format!("clause {}, {}", one.clause, one.title);
                line(
                    one,
                    one.partner.clone(),
                    under,
                    format!("/ledger?partner={}&account=2110", one.partner_id),
                )
            })
            .collect(),
        foot: sums
            .values()
            .map(|sum| {
                let items = crate::domain::words::count(sum.items, "item");
                line(sum, "All partners".to_owned(), items, String::new())
            })
            .collect(),
    };
    page::html(&incentives_page)
}
