//! `column IN (...)` with one bind, whatever the number of keys.
//!
//! With a bind a key the text of a statement differs from list to list, so that SQLite parses and plans every one of them anew,
//! which took longer than the look-ups. Here the list is one value: an array on PostgreSQL, JSON on SQLite.

use diesel::QueryResult;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Array, BigInt, Bool, HasSqlType, SqlType, Text};
use diesel::sqlite::Sqlite;
use serde_json::Value;

use crate::db::conn::MultiBackend;
use crate::db::types::{Day, sql};

/// What [`among`] can look for.
pub trait Key: std::fmt::Debug {
    /// The type of the column.
    type Sql: SqlType + 'static;

    /// The value as SQLite stores it.
    fn json(&self) -> Value;
}

impl Key for i64 {
    type Sql = BigInt;

    fn json(&self) -> Value {
        Value::from(*self)
    }
}

impl Key for &str {
    type Sql = Text;

    fn json(&self) -> Value {
        Value::from(*self)
    }
}

impl Key for Day {
    type Sql = sql::Day;

    fn json(&self) -> Value {
        Value::from(self.days_since_1970())
    }
}

/// The column is one of the keys; where there are none, nothing is. A column that can be NULL is asked as one that is not.
pub fn among<C: Expression<SqlType = K::Sql>, K: Key>(column: C, keys: Vec<K>) -> Among<C, K> {
    Among { column, keys: Keys(keys) }
}

/// See [`among`].
#[derive(Clone, Debug)]
pub struct Among<C, K> {
    column: C,
    keys: Keys<K>,
}

#[derive(Clone, Debug)]
struct Keys<K>(Vec<K>);

impl<K: Key> ToSql<Text, Sqlite> for Keys<K> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        let list = Value::Array(self.0.iter().map(Key::json).collect());
        out.set_value(list.to_string());
        Ok(IsNull::No)
    }
}

impl<C: Expression, K> Expression for Among<C, K> {
    type SqlType = Bool;
}

impl<C: AppearsOnTable<T>, K, T> AppearsOnTable<T> for Among<C, K> {}

impl<C: SelectableExpression<T>, K, T> SelectableExpression<T> for Among<C, K> {}

impl<C: ValidGrouping<G>, K, G> ValidGrouping<G> for Among<C, K> {
    type IsAggregate = C::IsAggregate;
}

impl<C: QueryId, K: Key> QueryId for Among<C, K> {
    // The type of the column tells the statements apart.
    type QueryId = Among<C::QueryId, K::Sql>;
    const HAS_STATIC_QUERY_ID: bool = C::HAS_STATIC_QUERY_ID;
}

impl<C: QueryFragment<Sqlite>, K: Key> QueryFragment<Sqlite> for Among<C, K> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT value FROM json_each(");
        out.push_bind_param::<Text, _>(&self.keys)?;
        out.push_sql("))");
        Ok(())
    }
}

impl<C, K> QueryFragment<Pg> for Among<C, K>
where
    C: QueryFragment<Pg>,
    K: Key,
    Pg: HasSqlType<Array<K::Sql>>,
    Vec<K>: ToSql<Array<K::Sql>, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY(");
        out.push_bind_param::<Array<K::Sql>, _>(&self.keys.0)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<C, K> QueryFragment<MultiBackend> for Among<C, K>
where
    Self: QueryFragment<Pg> + QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        MultiBackend::walk_variant_ast(self, pass)
    }
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;

    use super::*;
    use crate::db::schema::stale_invoices;

    #[test]
    fn the_text_is_the_same_for_every_number_of_keys() {
        let text = |ids: Vec<i64>| {
            let asked = stale_invoices::table
                .filter(among(stale_invoices::invoice_id, ids))
                .select(stale_invoices::invoice_id);
            let sqlite = diesel::debug_query::<Sqlite, _>(&asked).to_string();
            let pg = diesel::debug_query::<Pg, _>(&asked).to_string();
            [sqlite, pg].map(|text| text.split(" -- binds").next().unwrap_or_default().to_owned())
        };
        assert_eq!(text(vec![]), text(vec![1, 2, 3]));
        assert!(text(vec![1])[0].contains("IN (SELECT value FROM json_each(?))"), "{:?}", text(vec![1]));
        assert!(text(vec![1])[1].contains("= ANY($1)"), "{:?}", text(vec![1]));
    }
}
