//! Bonuses and shared gains of a year by partner and programme, and beside them, each with a sum of its own, rebates,
//! shortfalls and earn-backs.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::MonthParams;
use crate::app::books::incentive::{Programme, programmes};
use crate::app::edit::EditError;
use crate::app::ledger::view::Since;
use crate::domain::books::month_of;
use crate::domain::clause::{Reason, Sign};
use crate::domain::currency::Currency;
use crate::domain::ledger::{ItemState, accrual_accounts, settled_account};
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::web::extract::SignedIn;
use crate::web::ledger::link::EntriesOf;
use crate::web::page::{self, Page, WebError};
use crate::web::show;

struct Line {
    name: String,
    under: String,
    href: String,
    currency: String,
    /// Worked out, told, agreed and open, settled, together: each with the entries that come to it, where they can be listed.
    cells: [(String, String); 5],
}

/// The entries behind each figure of a programme of the year: what they do to the account on which it stands until it is
/// settled. A settlement takes from that account what is settled.
fn behind(one: &Programme, year: Period) -> [EntriesOf; 5] {
    let all = EntriesOf {
        since: Some(Since::Start),
        partner_id: Some(one.partner_id),
        clause: one.clause.clone(),
        period: Some(year),
        accounts: vec![settled_account(one.sign)],
        ..EntriesOf::default()
    };
    let now = |states: &[ItemState]| EntriesOf { states: states.to_vec(), ..all.clone() };
    let made = |is_settlement: bool| {
        let reasons = Reason::ALL.iter().copied();
        let reasons = reasons.filter(|reason| (*reason == Reason::Settlement) == is_settlement).collect();
        EntriesOf { reasons, ..all.clone() }
    };
    [
        now(&[ItemState::Estimated, ItemState::Accrued]),
        now(&[ItemState::Assessed, ItemState::Disputed]),
        now(&[ItemState::Agreed, ItemState::Settled, ItemState::Reversed]),
        made(true),
        made(false),
    ]
}

/// The entries behind what all programmes of a sign come to in the year, on the account of their cost alone; none where that
/// account is that of service credits too.
fn behind_all(sign: Sign, year: Period) -> Option<EntriesOf> {
    let (debit, credit) = accrual_accounts(sign, true);
    let cost = if debit == settled_account(sign) { credit } else { debit };
    (sign != Sign::EarnBack).then(|| EntriesOf {
        since: Some(Since::Start),
        period: Some(year),
        accounts: vec![cost],
        ..EntriesOf::default()
    })
}

impl Line {
    fn of(one: &Programme, name: String, under: String, links: [Option<EntriesOf>; 5]) -> Self {
        let [accrued, told, agreed, settled, total] = links;
        let cell = |amount: Micros, of: Option<EntriesOf>| {
            let href = of.filter(|_| amount != Micros::ZERO).map(|of| of.href());
            (show::money(amount), href.unwrap_or_default())
        };
        Self {
            name,
            under,
            href: format!("/ledger?partner={}&account={}", one.partner_id, settled_account(one.sign).code()),
            currency: one.currency.to_string(),
            cells: [
                cell(one.accrued, accrued),
                cell(one.told, told),
                cell(one.agreed, agreed),
                cell(one.settled, settled),
                cell(one.total(), total),
            ],
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
    fn of(sign: Sign, found: &[Programme], year: Period) -> Option<Self> {
        let (id, name, who) = part_words(sign)?;
        let own = || found.iter().filter(|one| one.sign == sign);
        let mut sums: BTreeMap<Currency, Programme> = BTreeMap::new();
        for one in own() {
            sums.entry(one.currency).or_insert_with(|| one.without_items()).plus(one);
        }
        let line = |one: &Programme| {
            let under = format!("clause {}, {}", one.clause, one.title);
            Line::of(one, one.partner.clone(), under, behind(one, year).map(Some))
        };
        let foot = |sum: &Programme| {
            let items = crate::domain::words::count(sum.items, "item");
            Line::of(sum, "All partners".to_owned(), items, [None, None, None, None, behind_all(sign, year)])
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
        parts: Sign::ALL.iter().filter_map(|sign| Part::of(*sign, &found, year)).collect(),
    };
    page::html(&incentives_page)
}
