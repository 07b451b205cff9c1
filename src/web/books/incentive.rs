//! Bonuses and shared gains of a year by partner and programme, and beside them, each with a sum of its own, rebates,
//! shortfalls and earn-backs.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::MonthParams;
use crate::app::books::incentive::{Programme, programmes};
use crate::app::edit::EditError;
use crate::domain::books::month_of;
use crate::domain::clause::Sign;
use crate::domain::currency::Currency;
use crate::domain::ledger::settled_account;
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
    settled: String,
    total: String,
}

impl Line {
    fn of(one: &Programme, name: String, under: String, href: String) -> Self {
        Self {
            name,
            under,
            href,
            currency: one.currency.to_string(),
            accrued: show::money(one.accrued),
            told: show::money(one.told),
            agreed: show::money(one.agreed),
            settled: show::money(one.settled),
            total: show::money(one.total()),
        }
    }
}

/// Programmes that owe the same way: their name, who owes whom, the programmes, and their sums by currency.
struct Part {
    id: &'static str,
    name: &'static str,
    who: &'static str,
    lines: Vec<Line>,
    foot: Vec<Line>,
}

/// What programmes of a sign are called on the page, and who owes whom.
const fn part_words(sign: Sign) -> Option<(&'static str, &'static str, &'static str)> {
    match sign {
        Sign::Penalty => None,
        Sign::Bonus => Some(("bonuses", "Bonuses and shared gains", "Owed by us to the partner")),
        Sign::Rebate => Some(("rebates", "Volume rebates", "Owed to us by the partner")),
        Sign::ShipperLiability => {
            Some(("shortfalls", "Volume shortfalls", "No incentive; owed by us to the partner"))
        }
        Sign::EarnBack => Some((
            "earn-backs",
            "Service credits earned back",
            "No incentive; owed by us to the partner, of credits it had settled",
        )),
    }
}

impl Part {
    fn of(sign: Sign, found: &[Programme]) -> Option<Self> {
        let (id, name, who) = part_words(sign)?;
        let own = || found.iter().filter(|one| one.sign == sign);
        let mut sums: BTreeMap<Currency, Programme> = BTreeMap::new();
        for one in own() {
            sums.entry(one.currency).or_insert_with(|| one.without_items()).plus(one);
        }
        let line = |one: &Programme| {
            let under = format!("clause {}, {}", one.clause, one.title);
            let href = format!("/ledger?partner={}&account={}", one.partner_id, settled_account(sign).code());
            Line::of(one, one.partner.clone(), under, href)
        };
        let foot = |sum: &Programme| {
            let items = crate::domain::words::count(sum.items, "item");
            Line::of(sum, "All partners".to_owned(), items, String::new())
        };
        let lines: Vec<Line> = own().map(line).collect();
        (!lines.is_empty()).then(|| Self { id, name, who, lines, foot: sums.values().map(foot).collect() })
    }
}

#[derive(Template)]
#[template(path = "books/incentives.html")]
struct IncentivesPage {
    page: Page,
    year: String,
    years: Vec<(String, String, bool)>,
    parts: Vec<Part>,
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
    let way = |year: Period| (year.title(), format!("/ledger/incentives?month={}-01", year.title()), year);
    let incentives_page = IncentivesPage {
        page: me.page(format!("Incentives, {}", year.title())),
        year: year.title(),
        years: [year.previous(), year, year.next()]
            .map(way)
            .into_iter()
            .map(|(title, href, one)| (title, href, one == year))
            .collect(),
        parts: Sign::ALL.iter().filter_map(|sign| Part::of(*sign, &found)).collect(),
    };
    page::html(&incentives_page)
}
