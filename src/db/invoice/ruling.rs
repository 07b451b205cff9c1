//! What people ruled about invoices on hold. It is only added to.

use std::collections::HashMap;

use diesel::prelude::*;

use super::KEYS_PER_STATEMENT;
use super::batch::audits_newest_unscoped;
use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::schema::invoice_rulings;
use crate::db::shipment::partner_filter;
use crate::db::types::Instant;
use crate::domain::audit::Audited;
use crate::domain::audit::release::{Held, Ruled, resolved};
use crate::domain::field::BadCode;
use crate::domain::viewer::Viewer;

/// A ruling, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = invoice_rulings)]
pub struct RulingRow {
    /// Who bills.
    pub partner_id: i64,
    /// The invoice.
    pub invoice_id: i64,
    /// 1 for the first.
    pub seq: i32,
    /// [`Ruling`](crate::domain::audit::release::Ruling).
    pub kind: String,
    /// The audit that was looked at.
    pub audit_seq: i32,
    /// The positions as they stood, as JSON.
    pub held: String,
    /// How much it is about.
    pub amount_micros: i64,
    /// Why.
    pub words: String,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// Id of that user.
    pub actor_id: i64,
}

impl RulingRow {
    /// Positions as they are stored.
    ///
    /// # Errors
    /// [`DbError::Stored`] when they cannot be written, which no value is known to do.
    pub fn text(held: &[Held]) -> Result<String, DbError> {
        serde_json::to_string(held)
            .map_err(|error| DbError::Stored { what: "a ruling".to_owned(), reason: error.to_string() })
    }

    /// As the rules read it.
    ///
    /// # Errors
    /// [`DbError::Stored`] for one that does not read back.
    pub fn ruled(&self) -> Result<Ruled, DbError> {
        let stored = |reason: String| DbError::Stored {
            what: format!("ruling {} of invoice {}", self.seq, self.invoice_id),
            reason,
        };
        Ok(Ruled {
            ruling: self.kind.parse().map_err(|error: BadCode| stored(error.to_string()))?,
            held: serde_json::from_str(&self.held).map_err(|error| stored(error.to_string()))?,
            actor_id: self.actor_id,
        })
    }
}

/// The rulings about invoices of the partners the viewer may see, or about one invoice, in order.
///
/// # Errors
/// The engine's reason.
pub fn ruling_list(
    db: &mut Db,
    viewer: &Viewer,
    partner: Option<i64>,
    invoice: Option<i64>,
) -> QueryResult<Vec<RulingRow>> {
    let Some(asked) = partner_filter(viewer, partner) else { return Ok(Vec::new()) };
    let mut query = invoice_rulings::table.into_boxed();
    if let Some(partner_id) = asked {
        query = query.filter(invoice_rulings::partner_id.eq(partner_id));
    }
    if let Some(id) = invoice {
        query = query.filter(invoice_rulings::invoice_id.eq(id));
    }
    query
        .order((invoice_rulings::partner_id, invoice_rulings::invoice_id, invoice_rulings::seq))
        .select(RulingRow::as_select())
        .load(db)
}

/// Adds a ruling; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn ruling_insert(db: &mut Db, row: &RulingRow) -> QueryResult<()> {
    diesel::insert_into(invoice_rulings::table).values(row).execute(db).map(drop)
}

/// The newest audit of some invoices of a partner with what was ruled about what it holds, by id; those without an audit are
/// missing.
///
/// Unscoped: whoever asks names whose invoices it reads.
///
/// # Errors
/// [`DbError::Stored`] for an audit or a ruling that does not read back, or the engine's reason.
pub fn audits_resolved_unscoped(
    db: &mut Db,
    partner_id: i64,
    ids: &[i64],
) -> Result<HashMap<i64, Audited>, DbError> {
    let mut ruled: HashMap<i64, Vec<Ruled>> = HashMap::new();
    for chunk in ids.chunks(KEYS_PER_STATEMENT) {
        let rows: Vec<RulingRow> = invoice_rulings::table
            .filter(invoice_rulings::partner_id.eq(partner_id))
            .filter(invoice_rulings::invoice_id.eq_any(chunk))
            .order((invoice_rulings::invoice_id, invoice_rulings::seq))
            .select(RulingRow::as_select())
            .load(db)?;
        for row in rows {
            ruled.entry(row.invoice_id).or_default().push(row.ruled()?);
        }
    }
    let newest = audits_newest_unscoped(db, partner_id, ids)?;
    let with = |(id, one): (i64, super::StoredAudit)| {
        let audited = match ruled.get(&id) {
            Some(rulings) => resolved(&one.audited, rulings),
            None => one.audited,
        };
        (id, audited)
    };
    Ok(newest.into_iter().map(with).collect())
}
