//! Every migration can be taken back, one by one, on both engines.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use lanemark::db::Db;

use super::root;
use crate::support::db::{TestDb, on_both};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// What PostgreSQL has in the schema of the connection, one thing a line.
const POSTGRES: &str = "
SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
       || coalesce(column_default, '') AS line
  FROM information_schema.columns WHERE table_schema = current_schema()
UNION ALL SELECT 'constraint ' || conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(c.oid)
  FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE n.nspname = current_schema()
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = current_schema()
UNION ALL SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM pg_trigger t
  JOIN pg_class r ON r.oid = t.tgrelid JOIN pg_namespace n ON n.oid = r.relnamespace
  WHERE n.nspname = current_schema() AND NOT t.tgisinternal
UNION ALL SELECT 'function ' || p.proname || ' ' || p.prosrc
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = current_schema()
UNION ALL SELECT 'sequence ' || sequencename FROM pg_sequences WHERE schemaname = current_schema()";

/// The same of SQLite, which keeps the text of everything and changes it with ALTER TABLE.
const SQLITE: &str = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS line FROM sqlite_master";

/// Everything the database has, without what the library that runs the migrations keeps for itself.
fn schema(db: &mut Db) -> BTreeSet<String> {
    let sql = if matches!(db, Db::Pg(_)) { POSTGRES } else { SQLITE };
    let lines: Vec<Line> = diesel::sql_query(sql).load(db).unwrap();
    lines
        .into_iter()
        .map(|row| row.line.split_whitespace().collect::<Vec<_>>().join(" "))
        // A column that SQLite takes away leaves the space before it.
        .map(|line| line.replace(" )", ")").replace("( ", "(").replace(" ,", ","))
        .filter(|line| !line.contains("__diesel_schema_migrations") && !line.contains("sqlite_sequence"))
        .collect()
}

fn source(db: &Db) -> FileBasedMigrations {
    let engine = if matches!(db, Db::Pg(_)) { "postgres" } else { "sqlite" };
    FileBasedMigrations::from_path(root().join("migrations").join(engine)).unwrap()
}

/// Runs the next migration, or takes the newest one back; its version, none when there is no more to do.
fn step(db: &mut Db, back: bool) -> Option<String> {
    fn on<B: diesel::backend::Backend>(
        conn: &mut impl MigrationHarness<B>,
        source: FileBasedMigrations,
        back: bool,
    ) -> Option<String>
    where
        FileBasedMigrations: diesel::migration::MigrationSource<B>,
    {
        let version = if back {
            let any = !conn.applied_migrations().unwrap().is_empty();
            any.then(|| conn.revert_last_migration(source).unwrap())
        } else {
            let any = conn.has_pending_migration(source.clone()).unwrap();
            any.then(|| conn.run_next_migration(source).unwrap())
        };
        version.map(|version| version.to_string())
    }
    let source = source(db);
    match db {
        Db::Pg(conn) => on(conn, source, back),
        Db::Sqlite(conn) => on(conn, source, back),
    }
}

#[track_caller]
fn assert_same(before: &BTreeSet<String>, after: &BTreeSet<String>, when: &str) {
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
        one.difference(other).cloned().collect()
    };
    assert_eq!((only(before, after), only(after, before)), (vec![], vec![]), "{when}: gone, and left behind");
}

#[test]
fn every_migration_goes_down_to_what_was_there_before_it_and_up_again() {
    on_both(|test: TestDb| {
        let mut db = test.conn();
        let full = schema(&mut db);
        assert!(full.len() > 100, "the whole schema: {}", full.len());
        let mut down = Vec::new();
        while let Some(version) = step(&mut db, true) {
            down.push((version, schema(&mut db)));
        }
        let (oldest, nothing) = down.last().unwrap();
        assert_same(&BTreeSet::new(), nothing, &format!("down to nothing, past {oldest}"));
        // Up again, what was there below each migration is what its way down left.
        let mut here = schema(&mut db);
        for (version, left) in down.iter().rev() {
            assert_same(&here, left, &format!("the way down of {version}"));
            assert_eq!(step(&mut db, false).as_ref(), Some(version));
            here = schema(&mut db);
        }
        assert_eq!(step(&mut db, false), None);
        assert_same(&full, &here, "down and up again");
    });
}
