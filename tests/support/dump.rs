//! Everything a database holds, to compare two states or two databases.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Text;
use lanemark::db::Db;
use serde_json::{Map, Value};

/// The rows of every table, each row as JSON by column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump(pub BTreeMap<String, Vec<Map<String, Value>>>);

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(db: &mut Db, sql: &str) -> Vec<String> {
    let rows: Vec<Line> = diesel::sql_query(sql).load(db).unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

fn tables(db: &mut Db) -> Vec<String> {
    let sql = match db {
        Db::Pg(_) => "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = current_schema()",
        Db::Sqlite(_) => "SELECT name AS line FROM sqlite_master WHERE type = 'table'",
    };
    let mut tables = lines(db, sql);
    tables.retain(|table| !table.starts_with("__diesel") && !table.starts_with("sqlite_"));
    assert!(tables.len() > 30, "the whole schema: {tables:?}");
    tables
}

fn rows_of(db: &mut Db, table: &str) -> Vec<Map<String, Value>> {
    let select = match db {
        Db::Pg(_) => format!("SELECT row_to_json(t)::text AS line FROM {table} t"),
        Db::Sqlite(_) => {
            let names = lines(db, &format!("SELECT name AS line FROM pragma_table_info('{table}')"));
            let cell = |name: &String| {
                format!("'{name}', CASE typeof({name}) WHEN 'blob' THEN hex({name}) ELSE {name} END")
            };
            let cells: Vec<String> = names.iter().map(cell).collect();
            format!("SELECT json_object({}) AS line FROM {table}", cells.join(", "))
        }
    };
    let mut lines = lines(db, &select);
    lines.sort_unstable();
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl Dump {
    /// Reads the whole database.
    pub fn of(db: &mut Db) -> Self {
        Self(tables(db).into_iter().map(|table| (table.clone(), rows_of(db, &table))).collect())
    }

    /// The same without some tables.
    #[must_use]
    pub fn without(mut self, tables: &[&str]) -> Self {
        for table in tables {
            assert!(self.0.remove(*table).is_some(), "there is a table {table}");
        }
        self
    }

    /// Rows of one table.
    pub fn rows(&self, table: &str) -> &[Map<String, Value>] {
        &self.0[table]
    }

    /// The business content: ids replaced by the names they stand for, and without what an import
    /// leaves of itself. Equal for two databases that know the same facts.
    #[must_use]
    pub fn business(&self) -> Self {
        const NAMED: [(&str, &str, &str); 5] = [
            ("partners", "code", "partner_id"),
            ("lanes", "code", "lane_id"),
            ("sources", "code", "source_id"),
            ("zones", "name", "zone_id"),
            ("outcome_policies", "terms", "policy_id"),
        ];
        const TABLES: [&str; 16] = [
            "partners",
            "partner_aliases",
            "lanes",
            "sources",
            "zones",
            "outcome_policies",
            "shipments",
            "shipment_versions",
            "stale_cells",
            "stale_lane_months",
            "measure_cells",
            "lane_cells",
            "tenders",
            "charges",
            "accessorial_events",
            "accessorial_event_versions",
        ];
        const OWN: [&str; 6] = ["id", "import_id", "created_at", "replaced_at", "shipment_id", "event_id"];
        let mut names: BTreeMap<&str, BTreeMap<String, Value>> = BTreeMap::new();
        for (table, name, column) in NAMED {
            let known = self.rows(table).iter().map(|row| (row["id"].to_string(), row[name].clone()));
            names.insert(column, known.collect());
        }
        let mut business = BTreeMap::new();
        for table in TABLES {
            let mut rows: Vec<Map<String, Value>> = self.rows(table).to_vec();
            for row in &mut rows {
                row.retain(|column, _| !OWN.contains(&column.as_str()));
                for (column, value) in row.iter_mut().filter(|(_, value)| !value.is_null()) {
                    let kind = if column.ends_with("zone_id") { "zone_id" } else { column.as_str() };
                    if let Some(known) = names.get(kind) {
                        *value = known[&value.to_string()].clone();
                    }
                }
            }
            rows.sort_by_cached_key(|row| serde_json::to_string(row).unwrap());
            business.insert(table.to_owned(), rows);
        }
        Self(business)
    }

    /// Asserts that `other` is the same, naming the first row that is not.
    #[track_caller]
    pub fn assert_same(&self, other: &Self, when: &str) {
        let names = |dump: &Self| dump.0.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(self), names(other));
        for (table, rows) in &self.0 {
            let others = &other.0[table];
            for (own, their) in rows.iter().zip(others) {
                assert_eq!(own, their, "{when}: a row of {table} differs");
            }
            assert_eq!(rows.len(), others.len(), "{when}: {table} has another number of rows");
        }
    }
}
