//! What needs attention on the contract desk, the most urgent first.

use actix_web::HttpResponse;
use askama::Template;

use crate::app::attention::attention;
use crate::domain::attention::{Item, Place, Stake, Urgency};
use crate::domain::words;
use crate::web::extract::SignedIn;
use crate::web::page::{self, Page, WebError};
use crate::web::partner::Due;
use crate::web::show;

/// Most items one page lists; the nearest come first.
const ITEMS_MAX: usize = 500;

struct Row {
    subject: String,
    partner_id: i64,
    partner: String,
    kind: &'static str,
    what: String,
    why: String,
    due: Option<Due>,
    /// Amount with its currency, and what it is.
    stake: Option<(String, &'static str)>,
    href: String,
}

/// The items of one urgency.
struct Group {
    id: &'static str,
    title: &'static str,
    words: String,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "contract/attention.html")]
struct AttentionPage {
    page: Page,
    summary: String,
    groups: Vec<Group>,
    more: String,
}

/// `GET /contracts/attention`
pub(in crate::web) async fn show(me: SignedIn) -> Result<HttpResponse, WebError> {
    let (mut items, today) = me.in_db(|unit| attention(unit.app, unit.db, unit.viewer)).await?;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let all = items.len();
    let rest = items.split_off(all.min(ITEMS_MAX)).len();
    let groups = Urgency::ALL.iter().filter_map(|urgency| {
        let rows: Vec<Row> = items.iter().filter(|item| item.urgency() == *urgency).map(row).collect();
        let id = match urgency {
            Urgency::Now => "now",
            Urgency::Soon => "soon",
            Urgency::Later => "later",
        };
        let words = words::count(count(rows.len()), "item");
        (!rows.is_empty()).then(|| Group { id, title: urgency.label(), words, rows })
    });
    page::html(&AttentionPage {
        page: me.page("Needs attention"),
        summary: match all {
            0 => format!("Nothing waits on the contract desk on {}.", show::weekday_long(today)),
            1 => format!("One thing waits on {}.", show::weekday_long(today)),
            n => format!(
                "{} things wait on {}, the most urgent first.",
                show::count(count(n)),
                show::weekday_long(today)
            ),
        },
        groups: groups.collect(),
        more: if rest == 0 {
            String::new()
        } else {
            format!("{} more are not listed.", show::count(count(rest)))
        },
    })
}

fn row(item: &Item) -> Row {
    Row {
        subject: item.subject.clone(),
        partner_id: item.partner_id,
        partner: item.partner.clone(),
        kind: item.kind.label(),
        what: item.what.clone(),
        why: item.why.clone(),
        due: item.day.zip(item.days_left).map(|(day, left)| Due::of(day, left)),
        stake: item.stake.map(|stake| (stake_words(&stake), stake.of.words())),
        href: address(item.place),
    }
}

/// `2,194,480.15 USD`.
pub(in crate::web) fn stake_words(stake: &Stake) -> String {
    format!("{} {}", show::decimal(stake.amount, 2), stake.currency.code())
}

/// Where somebody can act.
pub(in crate::web) fn address(place: Place) -> String {
    match place {
        Place::Contract(id) => format!("/contracts/{id}"),
        Place::Version(id, version_no) => format!("/contracts/{id}?version={version_no}"),
        Place::Rates(id) => format!("/contracts/{id}#needs-rates"),
        Place::Negotiation(version_id) => format!("/contract-versions/{version_id}/negotiation"),
        Place::Codes(partner_id) => format!("/charge-codes?partner={partner_id}"),
    }
}
