//! Credit notes and corrections that came in for other invoices of their partner, with what they take back of a dispute.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::{KEYS_PER_STATEMENT, NEWEST};
use crate::db::conn::Db;
use crate::db::schema::{invoice_audits, invoices};
use crate::db::shipment::partner_filter;
use crate::db::types::{Day, Instant};
use crate::domain::audit::{BillKind, BillStatus, Outcome};
use crate::domain::money::Micros;
use crate::domain::viewer::Viewer;

/// A credit note or correction that an audit accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditNote {
    /// Who bills.
    pub partner_id: i64,
    /// Its row id.
    pub id: i64,
    /// Its number.
    pub number: String,
    /// The day it came in.
    pub received_on: NaiveDate,
    /// What it takes back of what was disputed.
    pub amount: Micros,
    /// When an audit first saw it.
    pub seen_at: Instant,
    /// Row id of the invoice it is for.
    pub of: i64,
}

type NoteRow = ((i64, i64, String), (Option<String>, Option<String>), Day, i64);

/// Credit notes and corrections with an amount to take back, for the invoices of the partners the viewer may see or for one number,
/// by partner and id. Each is for one invoice: the one that is numbered just so, or else the first with the same letters and digits.
///
/// # Errors
/// The engine's reason.
pub fn credit_notes(
    db: &mut Db,
    viewer: &Viewer,
    partner: Option<i64>,
    number_key: Option<&str>,
) -> QueryResult<Vec<CreditNote>> {
    let Some(asked) = partner_filter(viewer, partner) else { return Ok(Vec::new()) };
    let mut query = invoices::table
        .inner_join(
            invoice_audits::table.on(invoice_audits::partner_id
                .eq(invoices::partner_id)
                .and(invoice_audits::invoice_id.eq(invoices::id))),
        )
        .filter(invoices::corrects_key.is_not_null())
        .filter(invoice_audits::disputed_micros.lt(0))
        .filter(invoice_audits::outcome.ne_all([Outcome::Hold.code(), Outcome::Reject.code()]))
        .filter(invoice_audits::status.ne_all([BillStatus::Duplicate.code(), BillStatus::Rejected.code()]))
        .filter(sql::<Bool>(NEWEST))
        .order((invoices::partner_id, invoices::id))
        .select((
            (invoices::partner_id, invoices::id, invoices::number),
            (invoices::corrects, invoices::corrects_key),
            invoices::received_on,
            invoice_audits::disputed_micros,
        ))
        .into_boxed();
    if let Some(partner_id) = asked {
        query = query.filter(invoices::partner_id.eq(partner_id));
    }
    if let Some(key) = number_key {
        query = query.filter(invoices::corrects_key.eq(key.to_owned()));
    }
    let mut by_partner: BTreeMap<i64, Vec<NoteRow>> = BTreeMap::new();
    for row in query.load::<NoteRow>(db)? {
        by_partner.entry(row.0.0).or_default().push(row);
    }
    let mut found = Vec::new();
    for (partner_id, rows) in by_partner {
        let keys: BTreeSet<String> = rows.iter().filter_map(|row| row.1.1.clone()).collect();
        let named = numbered(db, partner_id, &keys)?;
        let ids: Vec<i64> = rows.iter().map(|row| row.0.1).collect();
        let seen = first_seen(db, partner_id, &ids)?;
        for ((_, id, number), (corrects, key), received_on, disputed) in rows {
            let (Some(corrects), Some(key)) = (corrects, key) else { continue };
            let same = named.get(&key).map_or(&[][..], Vec::as_slice);
            let exact = same.iter().find(|(_, number)| *number == corrects);
            let (Some((of, _)), Some(seen_at)) = (exact.or(same.first()), seen.get(&id)) else { continue };
            found.push(CreditNote {
                partner_id,
                id,
                number,
                received_on: received_on.0,
                amount: Micros(-disputed),
                seen_at: *seen_at,
                of: *of,
            });
        }
    }
    Ok(found)
}

/// Ids and numbers of a partner's bills by the number as numbers are compared, the first received first.
fn numbered(
    db: &mut Db,
    partner_id: i64,
    keys: &BTreeSet<String>,
) -> QueryResult<HashMap<String, Vec<(i64, String)>>> {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut found: HashMap<String, Vec<(i64, String)>> = HashMap::new();
    for chunk in keys.chunks(KEYS_PER_STATEMENT) {
        let rows: Vec<(String, i64, String)> = invoices::table
            .filter(invoices::partner_id.eq(partner_id))
            .filter(invoices::number_key.eq_any(chunk))
            .filter(invoices::kind.ne(BillKind::Credit.code()))
            .order((invoices::received_on, invoices::issued_on, invoices::number))
            .select((invoices::number_key, invoices::id, invoices::number))
            .load(db)?;
        for (key, id, number) in rows {
            found.entry(key).or_default().push((id, number));
        }
    }
    Ok(found)
}

/// When some invoices of a partner were first audited, by id.
fn first_seen(db: &mut Db, partner_id: i64, ids: &[i64]) -> QueryResult<HashMap<i64, Instant>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(KEYS_PER_STATEMENT) {
        let rows: Vec<(i64, Instant)> = invoice_audits::table
            .filter(invoice_audits::partner_id.eq(partner_id))
            .filter(invoice_audits::invoice_id.eq_any(chunk))
            .filter(invoice_audits::seq.eq(1))
            .select((invoice_audits::invoice_id, invoice_audits::audited_at))
            .load(db)?;
        found.extend(rows);
    }
    Ok(found)
}
