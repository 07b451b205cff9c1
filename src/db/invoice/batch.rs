//! Reading and writing what audits of many invoices of one partner need, in few statements.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::reach::{Reached, invoices_of_numbers};
use super::{AuditRow, InvoiceLineRow, InvoiceRow, KEYS_PER_STATEMENT, NEWEST, StoredAudit};
use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::dialect::among::among;
use crate::db::dialect::invoice_marks_lock;
use crate::db::schema::{invoice_audits, invoice_lines, invoice_references, invoices, stale_invoices};
use crate::domain::audit::papers::NumberKey;
use crate::{bulk_insert, sqlite_rows_insert};

/// Which invoices of a partner share a shipment, a number or an original with some others. It holds each list of ids once,
/// however many invoices share it.
#[derive(Debug, Default)]
pub struct Neighbours {
    named: HashMap<String, Vec<i64>>,
    papered: HashMap<NumberKey, Vec<i64>>,
    numbered: HashMap<String, Vec<i64>>,
    correcting: HashMap<String, Vec<i64>>,
}

impl Neighbours {
    /// Looks for the invoices of a partner that give a shipment one of the names or of the numbers it carries, or have or
    /// correct one of the numbers of some invoices.
    ///
    /// Unscoped: an audit names whose invoices it reads.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn read_unscoped<'a>(
        db: &mut Db,
        partner_id: i64,
        (names, keys): (&BTreeSet<&str>, &BTreeSet<NumberKey>),
        rows: impl IntoIterator<Item = &'a InvoiceRow>,
    ) -> QueryResult<Self> {
        let mut found = Self::default();
        let names: Vec<&str> = names.iter().copied().collect();
        for chunk in names.chunks(KEYS_PER_STATEMENT) {
            let pairs: Vec<(String, i64)> = invoice_references::table
                .filter(invoice_references::partner_id.eq(partner_id))
                .filter(among(invoice_references::reference, chunk.to_vec()))
                .select((invoice_references::reference, invoice_references::invoice_id))
                .load(db)?;
            for (name, id) in pairs {
                found.named.entry(name).or_default().push(id);
            }
        }
        found.papered = invoices_of_numbers(db, partner_id, keys)?;
        let keys: BTreeSet<&str> = rows.into_iter().flat_map(numbers).collect();
        let keys: Vec<&str> = keys.into_iter().collect();
        for chunk in keys.chunks(KEYS_PER_STATEMENT) {
            let same: Vec<(String, i64)> = invoices::table
                .filter(invoices::partner_id.eq(partner_id))
                .filter(among(invoices::number_key, chunk.to_vec()))
                .select((invoices::number_key, invoices::id))
                .load(db)?;
            for (key, id) in same {
                found.numbered.entry(key).or_default().push(id);
            }
            let corrected: Vec<(Option<String>, i64)> = invoices::table
                .filter(invoices::partner_id.eq(partner_id))
                .filter(among(invoices::corrects_key.assume_not_null(), chunk.to_vec()))
                .select((invoices::corrects_key, invoices::id))
                .load(db)?;
            for (key, id) in corrected {
                found.correcting.entry(key.unwrap_or_default()).or_default().push(id);
            }
        }
        Ok(found)
    }

    /// Ids of the others that share something with one of the invoices looked for, which leads to these shipments.
    #[must_use]
    pub fn of(&self, row: &InvoiceRow, reached: &Reached<'_>) -> BTreeSet<i64> {
        let names = reached.names.iter().filter_map(|name| self.named.get(*name));
        let numbers_of_shipments = reached.keys.iter().filter_map(|key| self.papered.get(key));
        let mut ids: BTreeSet<i64> = names.chain(numbers_of_shipments).flatten().copied().collect();
        for key in numbers(row) {
            let both = [self.numbered.get(key), self.correcting.get(key)];
            ids.extend(both.into_iter().flatten().flatten().copied());
        }
        ids.remove(&row.id);
        ids
    }

    /// Ids of all that were found, those looked for among them.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<i64> {
        let all = [&self.named, &self.numbered, &self.correcting];
        let all = all.into_iter().flat_map(HashMap::values);
        all.chain(self.papered.values()).flatten().copied().collect()
    }
}

/// The numbers an invoice is found by, its own and the one it corrects.
fn numbers(row: &InvoiceRow) -> impl Iterator<Item = &str> {
    [Some(row.number_key.as_str()), row.corrects_key.as_deref()].into_iter().flatten()
}

/// Some invoices of a partner with their lines in order, by id; those that are not there are missing.
///
/// Unscoped: an audit names whose invoices it reads.
///
/// # Errors
/// The engine's reason.
pub fn invoices_unscoped(
    db: &mut Db,
    partner_id: i64,
    ids: &BTreeSet<i64>,
) -> QueryResult<BTreeMap<i64, (InvoiceRow, Vec<InvoiceLineRow>)>> {
    let mut found = BTreeMap::new();
    let ids: Vec<i64> = ids.iter().copied().collect();
    for chunk in ids.chunks(KEYS_PER_STATEMENT) {
        let rows: Vec<InvoiceRow> = invoices::table
            .filter(invoices::partner_id.eq(partner_id))
            .filter(among(invoices::id, chunk.to_vec()))
            .select(InvoiceRow::as_select())
            .load(db)?;
        found.extend(rows.into_iter().map(|row| (row.id, (row, Vec::new()))));
        let lines: Vec<InvoiceLineRow> = invoice_lines::table
            .filter(invoice_lines::partner_id.eq(partner_id))
            .filter(among(invoice_lines::invoice_id, chunk.to_vec()))
            .order((invoice_lines::invoice_id, invoice_lines::seq))
            .select(InvoiceLineRow::as_select())
            .load(db)?;
        for line in lines {
            if let Some((_, lines)) = found.get_mut(&line.invoice_id) {
                lines.push(line);
            }
        }
    }
    Ok(found)
}

/// Takes the marks of some invoices of a partner, by rising ids, before the facts behind them are read. They are locked in
/// the order in which they are written, as those of freight.
///
/// # Errors
/// The engine's reason.
pub fn stale_invoices_take(db: &mut Db, partner_id: i64, ids: &[i64]) -> QueryResult<()> {
    for chunk in ids.chunks(KEYS_PER_STATEMENT) {
        invoice_marks_lock(db, partner_id, chunk)?;
        diesel::delete(
            stale_invoices::table
                .filter(stale_invoices::partner_id.eq(partner_id))
                .filter(among(stale_invoices::invoice_id, chunk.to_vec())),
        )
        .execute(db)?;
    }
    Ok(())
}

/// Number and fingerprint of the newest audit of some invoices of a partner, by id; those without one are missing.
///
/// Unscoped: an audit names whose invoices it reads.
///
/// # Errors
/// The engine's reason.
pub fn audit_marks_unscoped(
    db: &mut Db,
    partner_id: i64,
    ids: &[i64],
) -> QueryResult<HashMap<i64, (i32, i64)>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(KEYS_PER_STATEMENT) {
        let rows: Vec<(i64, i32, i64)> = invoice_audits::table
            .filter(invoice_audits::partner_id.eq(partner_id))
            .filter(among(invoice_audits::invoice_id, chunk.to_vec()))
            .order((invoice_audits::invoice_id, invoice_audits::seq))
            .select((invoice_audits::invoice_id, invoice_audits::seq, invoice_audits::facts_hash))
            .load(db)?;
        // The last one of each stays. There are few, and to ask for it alone is a join.
        found.extend(rows.into_iter().map(|(id, seq, facts_hash)| (id, (seq, facts_hash))));
    }
    Ok(found)
}

/// The newest audit of some invoices of a partner, by id; those without one are missing.
///
/// Unscoped: `verify` names whose invoices it reads.
///
/// # Errors
/// [`DbError::Stored`] for one that does not read back, or the engine's reason.
pub fn audits_newest_unscoped(
    db: &mut Db,
    partner_id: i64,
    ids: &[i64],
) -> Result<HashMap<i64, StoredAudit>, DbError> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(KEYS_PER_STATEMENT) {
        let rows: Vec<AuditRow> = invoice_audits::table
            .filter(invoice_audits::partner_id.eq(partner_id))
            .filter(among(invoice_audits::invoice_id, chunk.to_vec()))
            .filter(sql::<Bool>(NEWEST))
            .select(AuditRow::as_select())
            .load(db)?;
        for row in rows {
            found.insert(row.invoice_id, row.read()?);
        }
    }
    Ok(found)
}

/// Adds audits; a second one of the same invoice and number fails.
///
/// # Errors
/// The engine's reason.
pub fn audits_insert(db: &mut Db, rows: &[AuditRow]) -> QueryResult<()> {
    bulk_insert!(db, invoice_audits::table, rows, AuditsInsert).map(drop)
}

sqlite_rows_insert!(
    AuditsInsert,
    AuditRow,
    invoice_audits,
    partner_id,
    invoice_id,
    seq,
    facts_hash,
    status,
    outcome,
    billed_micros,
    approved_micros,
    disputed_micros,
    payable_micros,
    codes,
    accuracy,
    result,
    audited_at,
);

#[cfg(test)]
mod tests {
    use super::super::{InvoicesInsert, LinesInsert};
    use super::*;

    fn assert_all(table: &str, columns: &[&str], all: &str) {
        let written: Vec<String> = columns.iter().map(|column| format!("`{table}`.`{column}`")).collect();
        assert!(all.contains(&written.join(", ")), "{all}");
        assert_eq!(all.matches(&format!("`{table}`.")).count(), written.len(), "{all}");
    }

    #[test]
    fn a_row_is_written_with_every_column() {
        use diesel::debug_query;
        use diesel::sqlite::Sqlite;

        let all = invoice_audits::table.select(invoice_audits::all_columns);
        assert_all("invoice_audits", AuditsInsert::COLUMNS, &debug_query::<Sqlite, _>(&all).to_string());
        let all = invoices::table.select(invoices::all_columns);
        assert_all("invoices", InvoicesInsert::COLUMNS, &debug_query::<Sqlite, _>(&all).to_string());
        let all = invoice_lines::table.select(invoice_lines::all_columns);
        assert_all("invoice_lines", LinesInsert::COLUMNS, &debug_query::<Sqlite, _>(&all).to_string());
    }
}
