//! What the tables of facts have in common: they are read a day at a time, and new facts take the place of old ones.

/// Reads the rows of some partners and one day, chunk by chunk, in key order, so that memory stays the same however many
/// there are. Both engines walk the primary key; a range of days would tempt SQLite to read all of a partner's rows
/// through another index.
macro_rules! fold_day {
    (
        $db:ident, $table:ident.$day_column:ident = $day:expr, $partners:expr, $chunk_rows:expr,
        $from:expr => $selection:expr => $row:ty, $key:expr, $each:expr
    ) => {
        $crate::db::fact::fold_day!(
            $db, $table.$day_column = $day, $partners, $chunk_rows, $from => $selection => $row, $key, $each, ()
        )
    };
    // `$then` is evaluated after each chunk, when the connection is free again.
    (
        $db:ident, $table:ident.$day_column:ident = $day:expr, $partners:expr, $chunk_rows:expr,
        $from:expr => $selection:expr => $row:ty, $key:expr, $each:expr, $then:expr
    ) => {{
        let mut after = (i64::MIN, i64::MIN);
        loop {
            let (partner_id, id) = after;
            let mut seen = 0;
            $crate::on_engine!($db, |conn| {
                let rows = $from
                    .filter($table::$day_column.eq($crate::db::types::Day($day)))
                    .filter($table::partner_id.eq_any($partners))
                    .filter($table::partner_id.ge(partner_id))
                    .filter($table::partner_id.gt(partner_id).or($table::id.gt(id)))
                    .order(($table::partner_id, $table::id))
                    .limit($chunk_rows)
                    .select($selection)
                    .load_iter::<$row, diesel::connection::DefaultLoadingMode>(conn)?;
                for row in rows {
                    let row: $row = row?;
                    seen += 1;
                    after = $key(&row);
                    $each(row)?;
                }
            });
            $then;
            if seen < $chunk_rows {
                return Ok(());
            }
        }
    }};
}

/// The rows that a table has of some shipments of one partner, in as few statements as [`day_chunks`] makes of their keys and in no
/// order across them. `$id` is the column of the shipment's id; calls after it are put on each statement. As there, a row may be of a
/// shipment nobody asked for.
///
/// [`day_chunks`]: crate::db::fold::day_chunks
macro_rules! rows_of_shipments {
    (
        $db:ident, $partner_id:expr, $keys:expr,
        $table:ident.$id:ident $(.$method:ident($by:expr))* => $selection:expr => $row:ty
    ) => {{
        let mut rows: Vec<$row> = Vec::new();
        for (days, ids) in $crate::db::fold::day_chunks($keys) {
            let found = $table::table
                $(.$method($by))*
                .filter($crate::db::dialect::among::among($table::obligation_day, days))
                .filter($table::partner_id.eq($partner_id))
                .filter($crate::db::dialect::among::among($table::$id, ids))
                .select($selection)
                .load::<$row>($db)?;
            rows.extend(found);
        }
        rows
    }};
}

/// Puts new facts in the place of old ones, under the same id; the old ones go into the history as `$fact`. `$first` is the
/// column beside partner and id that the table is keyed by.
macro_rules! fact_replace {
    ($db:ident, $table:ident.$first:ident, $history:ident.$history_id:ident, $old:ident => $new:ident, $at:expr, $fact:expr) => {{
        diesel::insert_into($history::table)
            .values((
                $history::partner_id.eq($old.partner_id),
                $history::$history_id.eq($old.id),
                $history::version.eq($old.version),
                $history::fact.eq($fact),
                $history::import_id.eq($old.import_id),
                $history::replaced_at.eq($crate::db::types::Instant($at)),
            ))
            .execute($db)?;
        diesel::delete(
            $table::table
                .filter($table::$first.eq($old.$first))
                .filter($table::partner_id.eq($old.partner_id))
                .filter($table::id.eq($old.id)),
        )
        .execute($db)?;
        $crate::on_engine!($db, |conn| diesel::insert_into($table::table).values($new).execute(conn))?;
        Ok(())
    }};
}

pub(super) use {fact_replace, fold_day, rows_of_shipments};
