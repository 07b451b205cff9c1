//! The roll-forward of a month as a file.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::app::books::roll::{roll_forward, roll_sheet};
use crate::db::DbError;
use crate::db::ledger::last_posting_day;
use crate::db::partner::partner_list;
use crate::domain::books::month_of;
use crate::report::sheet::{Sheet, csv, workbook};
use crate::web::download::{FileKind, download, download_csv};
use crate::web::extract::SignedIn;
use crate::web::ledger::{month_of as month_in, optional};
use crate::web::page::WebError;

/// The month and the partner in the address of a file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct RollParams {
    month: String,
    partner: String,
}

async fn sheet(me: &SignedIn, params: &RollParams) -> Result<(String, Sheet), WebError> {
    let month = month_in(&params.month)?;
    let partner_id: Option<i64> = optional(&params.partner)?;
    me.in_db(move |unit| {
        let month = match month {
            Some(month) => month,
            None => match last_posting_day(unit.db, unit.viewer)? {
                Some(day) => month_of(day),
                None => month_of(unit.app.today(unit.db)?),
            },
        };
        let rows = roll_forward(unit.db, unit.viewer, month, partner_id)?;
        let partners = partner_list(unit.db, unit.viewer)?;
        let names: BTreeMap<i64, String> =
            partners.into_iter().map(|partner| (partner.id, partner.name)).collect();
        Ok::<_, DbError>((format!("roll-forward-{month}"), roll_sheet(month, &rows, &names)))
    })
    .await
}

/// `GET /ledger/roll-forward.csv`
pub(in crate::web) async fn csv_file(
    me: SignedIn,
    params: web::Query<RollParams>,
) -> Result<HttpResponse, WebError> {
    let (name, sheet) = sheet(&me, &params).await?;
    download_csv(&format!("{name}.csv"), csv(&sheet.header, &sheet.rows))
}

/// `GET /ledger/roll-forward.xlsx`
pub(in crate::web) async fn xlsx_file(
    me: SignedIn,
    params: web::Query<RollParams>,
) -> Result<HttpResponse, WebError> {
    let (name, sheet) = sheet(&me, &params).await?;
    let bytes = workbook(vec![sheet]).map_err(anyhow::Error::from)?;
    Ok(download(&format!("{name}.xlsx"), FileKind::Xlsx, bytes))
}
