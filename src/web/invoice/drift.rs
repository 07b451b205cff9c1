//! What is billed a little more each month.

use actix_web::HttpResponse;
use askama::Template;
use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::app::invoice::drift::drifts;
use crate::domain::audit::drift::{Month, POSITIONS_MIN};
use crate::web::extract::SignedIn;
use crate::web::page::{self, Page, WebError};
use crate::web::show;

struct Line {
    lane: String,
    partner: String,
    charge: String,
    /// Share over, charges behind it, and the invoices of the partner of the month.
    months: Vec<(String, String, String)>,
    over: String,
    /// The invoices behind that.
    href: String,
}

#[derive(Template)]
#[template(path = "invoice/drift.html")]
struct DriftPage {
    page: Page,
    heads: Vec<String>,
    lines: Vec<Line>,
    positions: i64,
}

/// `GET /invoices/drift`
pub(in crate::web) async fn show_drift(me: SignedIn) -> Result<HttpResponse, WebError> {
    let (months, found) = me
        .in_db(move |unit| {
            let today = unit.app.today(unit.db)?;
            drifts(unit.db, unit.viewer, today)
        })
        .await?;
    let share = |month: &Month| {
        let share = month.over.decimal().checked_div(month.owed.decimal()).unwrap_or_default();
        format!("{}\u{a0}%", show::decimal(share.saturating_mul(Decimal::ONE_HUNDRED), 2))
    };
    let invoices = |partner_id: i64, month: &NaiveDate| {
        format!("/invoices?partner={partner_id}&period={}&show=all", month.format("%Y-%m"))
    };
    page::html(&DriftPage {
        page: me.page("Drift"),
        heads: months.iter().map(|month| month.format("%B %Y").to_string()).collect(),
        lines: found
            .into_iter()
            .map(|one| Line {
                lane: if one.lane.is_empty() { "no lane".to_owned() } else { one.lane },
                partner: one.partner,
                charge: one.charge,
                months: one
                    .months
                    .iter()
                    .zip(&months)
                    .map(|(month, of)| {
                        (share(month), show::count(month.positions), invoices(one.partner_id, of))
                    })
                    .collect(),
                href: months.last().map(|of| invoices(one.partner_id, of)).unwrap_or_default(),
                over: one.months.last().map(|month| show::money(month.over)).unwrap_or_default(),
            })
            .collect(),
        positions: POSITIONS_MIN,
    })
}
