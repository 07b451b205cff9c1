//! Sums of journal lines by month of posting. They are added to in the transaction that posts; re-performing the ledger
//! adds the lines up again.

use std::collections::BTreeMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use diesel::upsert::excluded;

use crate::db::DbError;
use crate::db::conn::Db;
use crate::db::ledger::{EntryTotals, Movement};
use crate::db::schema::{journal_entries, journal_lines, journal_months, period_balances, period_closes};
use crate::db::shipment::partner_filter;
use crate::db::types::Day;
use crate::domain::books::month_of;
use crate::domain::books::roll::Balances;
use crate::domain::currency::Currency;
use crate::domain::ledger::{Account, JournalEntry, Recognition, Side};
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;
use crate::domain::words;
use crate::{bulk_insert, on_engine};

/// The sum of a column: both engines widen it to a decimal, which would pass through floats.
const SUM_AMOUNT: &str = "CAST(SUM(journal_months.amount_micros) AS BIGINT)";
const SUM_ENTRIES: &str = "CAST(SUM(journal_months.entries) AS BIGINT)";
/// Rows in one statement; ten binds each stay below SQLite's limit.
const ROWS_PER_STATEMENT: usize = 500;

fn stored(what: &str, reason: &impl ToString) -> DbError {
    DbError::Stored { what: what.to_owned(), reason: reason.to_string() }
}

fn read<T: std::str::FromStr<Err: ToString>>(text: &str) -> Result<T, DbError> {
    text.parse().map_err(|error: T::Err| stored("a sum of journal lines by month", &error))
}

fn account(number: i32) -> Result<Account, DbError> {
    Account::from_number(number).map_err(|error| stored("a sum of journal lines by month", &error))
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = journal_months, treat_none_as_default_value = false)]
struct MonthRow {
    month: String,
    partner_id: i64,
    currency: String,
    account: i32,
    side: String,
    reason: String,
    recognition: String,
    lines: i64,
    entries: i64,
    amount_micros: i64,
}

/// Month, partner, currency, account, side, reason, recognition.
type Key = (String, i64, String, i32, String, String, String);

/// Adds what entries bring to the sums of their months.
///
/// # Errors
/// The engine's reason.
pub fn month_add<'a>(
    db: &mut Db,
    entries: impl IntoIterator<Item = &'a JournalEntry>,
) -> Result<(), DbError> {
    let mut sums: BTreeMap<Key, (i64, i64, Micros)> = BTreeMap::new();
    for entry in entries {
        for line in &entry.lines {
            let key = (
                month_of(entry.posting_date).to_string(),
                entry.partner_id,
                line.currency.code().to_owned(),
                line.account.number(),
                line.side.code().to_owned(),
                entry.reason.code().to_owned(),
                entry.recognition.code().to_owned(),
            );
            let (lines, firsts, amount) = sums.entry(key).or_default();
            *lines += 1;
            *firsts += i64::from(line.line_no == 1);
            *amount = *amount + line.amount;
        }
    }
    let rows: Vec<MonthRow> = sums.into_iter().map(row).collect();
    for chunk in rows.chunks(ROWS_PER_STATEMENT) {
        on_engine!(db, |conn| diesel::insert_into(journal_months::table)
            .values(chunk)
            .on_conflict((
                journal_months::month,
                journal_months::partner_id,
                journal_months::currency,
                journal_months::account,
                journal_months::side,
                journal_months::reason,
                journal_months::recognition,
            ))
            .do_update()
            .set((
                journal_months::lines.eq(journal_months::lines + excluded(journal_months::lines)),
                journal_months::entries.eq(journal_months::entries + excluded(journal_months::entries)),
                journal_months::amount_micros
                    .eq(journal_months::amount_micros + excluded(journal_months::amount_micros)),
            ))
            .execute(conn))?;
    }
    Ok(())
}

fn row((key, (lines, entries, amount)): (Key, (i64, i64, Micros))) -> MonthRow {
    let (month, partner_id, currency, account, side, reason, recognition) = key;
    MonthRow {
        month,
        partner_id,
        currency,
        account,
        side,
        reason,
        recognition,
        lines,
        entries,
        amount_micros: amount.0,
    }
}

/// Sums of what was posted from the month `from` on and before the month `until`, by partner, currency, account, side and
/// reason, as far as the viewer may see it.
///
/// # Errors
/// The engine's reason, or a row that does not read back.
pub fn month_movements(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    from: Option<Period>,
    until: Option<Period>,
) -> Result<Vec<Movement>, DbError> {
    let Some(partner) = partner_filter(viewer, partner_id) else { return Ok(Vec::new()) };
    let columns = (
        journal_months::partner_id,
        journal_months::currency,
        journal_months::account,
        journal_months::side,
        journal_months::reason,
    );
    let mut query = journal_months::table
        .group_by(columns)
        .select((columns, sql::<Nullable<BigInt>>(SUM_AMOUNT)))
        .order(columns)
        .into_boxed();
    if let Some(partner_id) = partner {
        query = query.filter(journal_months::partner_id.eq(partner_id));
    }
    if let Some(from) = from {
        query = query.filter(journal_months::month.ge(from.to_string()));
    }
    if let Some(until) = until {
        query = query.filter(journal_months::month.lt(until.to_string()));
    }
    type Row = ((i64, String, i32, String, String), Option<i64>);
    let rows: Vec<Row> = query.load(db)?;
    rows.into_iter()
        .map(|((partner_id, currency, number, side, reason), amount)| {
            Ok(Movement {
                partner_id,
                currency: read(&currency)?,
                account: account(number)?,
                side: read(&side)?,
                reason: read(&reason)?,
                amount: Micros(amount.unwrap_or(0)),
            })
        })
        .collect()
}

/// What each account of each partner stands at when a month begins, positive on the account's normal side: the balances
/// carried forward from the newest month closed before it, and what was posted since.
///
/// # Errors
/// As [`month_movements`].
pub fn month_openings(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    month: Period,
) -> Result<Balances, DbError> {
    let Some(partner) = partner_filter(viewer, partner_id) else { return Ok(Balances::new()) };
    let closed: Option<String> = period_closes::table
        .filter(period_closes::month.lt(month.to_string()))
        .order(period_closes::month.desc())
        .select(period_closes::month)
        .first(db)
        .optional()?;
    let mut balances = Balances::new();
    let mut from = None;
    if let Some(closed) = closed {
        from = Some(read::<Period>(&closed)?.next());
        let mut query = period_balances::table
            .filter(period_balances::month.eq(closed))
            .select((
                period_balances::partner_id,
                period_balances::currency,
                period_balances::account,
                period_balances::balance_micros,
            ))
            .into_boxed();
        if let Some(partner_id) = partner {
            query = query.filter(period_balances::partner_id.eq(partner_id));
        }
        for (partner_id, currency, number, micros) in query.load::<(i64, String, i32, i64)>(db)? {
            balances.insert((partner_id, read(&currency)?, account(number)?), Micros(micros));
        }
    }
    for movement in month_movements(db, viewer, partner_id, from, Some(month))? {
        let key = (movement.partner_id, movement.currency, movement.account);
        let sum = balances.entry(key).or_default();
        *sum = *sum + movement.account.growth(movement.side, movement.amount);
    }
    Ok(balances)
}

/// Carries the balances at the end of a month forward. The caller closes it in the same transaction.
///
/// # Errors
/// The engine's reason.
pub fn balances_carry(db: &mut Db, month: Period, balances: &Balances) -> QueryResult<()> {
    let row = |((partner_id, currency, account), balance): (&(i64, Currency, Account), &Micros)| CarriedRow {
        month: month.to_string(),
        partner_id: *partner_id,
        currency: currency.code().to_owned(),
        account: account.number(),
        balance_micros: balance.0,
    };
    let rows: Vec<CarriedRow> = balances.iter().map(row).collect();
    bulk_insert!(db, period_balances::table, rows.as_slice())?;
    Ok(())
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = period_balances, treat_none_as_default_value = false)]
struct CarriedRow {
    month: String,
    partner_id: i64,
    currency: String,
    account: i32,
    balance_micros: i64,
}

/// Balances carried forward from a closed month that are not what the sums of all months up to it come to, in words.
///
/// # Errors
/// As [`month_movements`].
pub fn carried_differences_unscoped(db: &mut Db, month: Period) -> Result<Vec<String>, DbError> {
    let viewer = Viewer::system();
    let mut sums = Balances::new();
    for movement in month_movements(db, &viewer, None, None, Some(month.next()))? {
        let key = (movement.partner_id, movement.currency, movement.account);
        let sum = sums.entry(key).or_default();
        *sum = *sum + movement.account.growth(movement.side, movement.amount);
    }
    let carried = month_openings(db, &viewer, None, month.next())?;
    let keys: std::collections::BTreeSet<_> = sums.keys().chain(carried.keys()).copied().collect();
    let mut differences = Vec::new();
    for key @ (partner_id, currency, account) in keys {
        let (kept, found) =
            (carried.get(&key).copied().unwrap_or_default(), sums.get(&key).copied().unwrap_or_default());
        if kept != found {
            differences.push(format!(
                "partner {partner_id}, account {}: {} {currency} was carried forward from {month}, the entries come to {}",
                account.number(),
                words::amount(kept),
                words::amount(found)
            ));
        }
    }
    Ok(differences)
}

/// How many entries were posted in a month, and their debits and credits by currency, as far as the viewer may see them.
///
/// # Errors
/// As [`month_movements`].
pub fn month_totals(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: Option<i64>,
    month: Period,
) -> Result<EntryTotals, DbError> {
    let mut totals = EntryTotals::default();
    let Some(partner) = partner_filter(viewer, partner_id) else { return Ok(totals) };
    let columns = (journal_months::currency, journal_months::side);
    let mut query = journal_months::table
        .filter(journal_months::month.eq(month.to_string()))
        .group_by(columns)
        .select((columns, sql::<Nullable<BigInt>>(SUM_ENTRIES), sql::<Nullable<BigInt>>(SUM_AMOUNT)))
        .into_boxed();
    if let Some(partner_id) = partner {
        query = query.filter(journal_months::partner_id.eq(partner_id));
    }
    type Row = ((String, String), Option<i64>, Option<i64>);
    let rows: Vec<Row> = query.load(db)?;
    for ((currency, side), entries, amount) in rows {
        totals.entries += entries.unwrap_or(0);
        let (debit, credit) = totals.sums.entry(read(&currency)?).or_default();
        let amount = Micros(amount.unwrap_or(0));
        match read::<Side>(&side)? {
            Side::Debit => *debit = *debit + amount,
            Side::Credit => *credit = *credit + amount,
        }
    }
    Ok(totals)
}

/// What lines of one side of one account came to in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountSum {
    /// Month of posting.
    pub month: Period,
    /// Currency.
    pub currency: Currency,
    /// Account.
    pub account: Account,
    /// Debit or credit.
    pub side: Side,
    /// Sum of the lines.
    pub amount: Micros,
}

/// What counts in the general ledger, of all partners, by month, currency, account and side.
///
/// # Errors
/// As [`month_movements`].
pub fn gl_sums_unscoped(db: &mut Db) -> Result<Vec<AccountSum>, DbError> {
    let columns =
        (journal_months::month, journal_months::currency, journal_months::account, journal_months::side);
    type Row = ((String, String, i32, String), Option<i64>);
    let rows: Vec<Row> = journal_months::table
        .filter(journal_months::recognition.eq(Recognition::Gl.code()))
        .group_by(columns)
        .select((columns, sql::<Nullable<BigInt>>(SUM_AMOUNT)))
        .order(columns)
        .load(db)?;
    rows.into_iter()
        .map(|((month, currency, number, side), amount)| {
            Ok(AccountSum {
                month: read(&month)?,
                currency: read(&currency)?,
                account: account(number)?,
                side: read(&side)?,
                amount: Micros(amount.unwrap_or(0)),
            })
        })
        .collect()
}

/// How many entries up to the end of a month count in the general ledger.
///
/// # Errors
/// The engine's reason.
pub fn gl_count(db: &mut Db, through: Period) -> QueryResult<i64> {
    let count: Option<i64> = journal_months::table
        .filter(journal_months::recognition.eq(Recognition::Gl.code()))
        .filter(journal_months::month.le(through.to_string()))
        .select(sql::<Nullable<BigInt>>(SUM_ENTRIES))
        .first(db)?;
    Ok(count.unwrap_or(0))
}

/// Sums of one partner that are not what its lines come to, in words. Unscoped: only the check asks.
///
/// # Errors
/// The engine's reason.
pub fn month_differences_unscoped(db: &mut Db, partner_id: i64) -> Result<Vec<String>, DbError> {
    type Row = (Day, String, String, String, i32, String, i32, i64);
    let mut sums: BTreeMap<Key, (i64, i64, i64)> = BTreeMap::new();
    let rows = journal_entries::table
        .inner_join(
            journal_lines::table.on(journal_lines::partner_id
                .eq(journal_entries::partner_id)
                .and(journal_lines::entry_id.eq(journal_entries::id))),
        )
        .filter(journal_entries::partner_id.eq(partner_id))
        .select((
            journal_entries::posting_day,
            journal_entries::reason,
            journal_entries::recognition,
            journal_lines::currency,
            journal_lines::account,
            journal_lines::side,
            journal_lines::line_no,
            journal_lines::amount_micros,
        ))
        .load_iter::<Row, _>(db)?;
    for row in rows {
        let (day, reason, recognition, currency, account, side, line_no, amount) = row?;
        let key = (month_of(day.0).to_string(), partner_id, currency, account, side, reason, recognition);
        let (lines, firsts, sum) = sums.entry(key).or_default();
        *lines += 1;
        *firsts += i64::from(line_no == 1);
        *sum = sum.saturating_add(amount);
    }
    let kept: Vec<(Key, i64, i64, i64)> = journal_months::table
        .filter(journal_months::partner_id.eq(partner_id))
        .select((
            (
                journal_months::month,
                journal_months::partner_id,
                journal_months::currency,
                journal_months::account,
                journal_months::side,
                journal_months::reason,
                journal_months::recognition,
            ),
            journal_months::lines,
            journal_months::entries,
            journal_months::amount_micros,
        ))
        .load(db)?;
    let mut differences = Vec::new();
    let mut say = |key: &Key, kept: i64, lines: i64| {
        let (month, _, currency, account, side, ..) = key;
        let amount = |micros| words::amount(Micros(micros));
        differences.push(format!(
            "the sum of {month}, account {account}, {side}, {currency} is kept as {}, the lines come to {}",
            amount(kept),
            amount(lines)
        ));
    };
    for (key, lines, firsts, amount) in kept {
        let found = sums.remove(&key).unwrap_or_default();
        if found != (lines, firsts, amount) {
            say(&key, amount, found.2);
        }
    }
    for (key, (_, _, amount)) in &sums {
        say(key, 0, *amount);
    }
    Ok(differences)
}
