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

/// Rows of a history keep their meaning: what was agreed and then denied or taken back was ended on that day.
#[test]
fn a_standing_that_was_ended_early_reads_as_ended_after_the_migration() {
    on_both(|test: TestDb| {
        let mut db = test.conn();
        while step(&mut db, true).as_deref() != Some("20261130371000") {}
        let (first, at) = match &mut *db {
            Db::Pg(_) => ("DATE '2026-04-10'", "TIMESTAMPTZ '2026-04-20T08:00:00Z'"),
            Db::Sqlite(_) => ("20553", "1776672000000000"),
        };
        let partner = format!(
            "INSERT INTO partners (id, code, name, created_at) VALUES (1, 'A', 'A', {at}), (2, 'B', 'B', {at})"
        );
        let asked = |id: i64| {
            format!(
                "INSERT INTO standing_overrides VALUES ({id}, 1, 'APPROVED', {first}, {first}, 'x', {at}, 'm', 1)"
            )
        };
        // The second names another partner than the override is about, as nothing forbade.
        let decided = |id: i64, seq: i32, partner: i64, kind: &str| {
            format!(
                "INSERT INTO standing_override_decisions VALUES ({id}, {seq}, {partner}, '{kind}', 'x', {at}, 'p', 2)"
            )
        };
        let rows = [
            partner,
            asked(7),
            asked(8),
            decided(7, 1, 1, "APPROVED"),
            decided(7, 2, 2, "DENIED"),
            decided(8, 1, 1, "DENIED"),
        ];
        for sql in rows {
            diesel::sql_query(sql).execute(&mut *db).unwrap();
        }
        while step(&mut db, false).is_some() {}
        let sql = format!(
            "SELECT override_id || ' ' || partner_id || ' ' || kind || ' ' || \
             CASE WHEN ends_on IS NULL THEN 'open' WHEN ends_on = {} THEN 'its day' ELSE 'another day' END AS line \
             FROM standing_override_decisions ORDER BY override_id, seq",
            if matches!(&*db, Db::Pg(_)) { "DATE '2026-04-20'" } else { "20563" }
        );
        let lines: Vec<Line> = diesel::sql_query(sql).load(&mut *db).unwrap();
        let lines: Vec<String> = lines.into_iter().map(|row| row.line).collect();
        assert_eq!(lines, ["7 1 APPROVED open", "7 1 ENDED its day", "8 1 DENIED open"]);
    });
}

/// Whoever may sign in and whoever is signed in stays so, both ways; a controller is finance where there are none.
#[test]
fn users_and_their_sessions_outlive_the_role_of_controllers() {
    on_both(|test: TestDb| {
        let mut db = test.conn();
        let at = match &*db {
            Db::Pg(_) => "TIMESTAMPTZ '2026-12-02T08:00:00Z'",
            Db::Sqlite(_) => "1796198400000000",
        };
        let user = |id: i64, role: &str| {
            format!(
                "INSERT INTO users VALUES ({id}, '{id}@x.example', 'N', '{role}', NULL, 'hash', TRUE, {at})"
            )
        };
        let session = format!("INSERT INTO sessions VALUES ('key', 'state', {at}, 2)");
        for sql in [user(1, "FINANCE"), user(2, "CONTROLLER"), session] {
            diesel::sql_query(sql).execute(&mut *db).unwrap();
        }
        let mut seen = Vec::new();
        let mut look = |db: &mut Db| {
            let sql = "SELECT u.role || ' ' || coalesce(s.key_hash, 'out') AS line \
                       FROM users u LEFT JOIN sessions s ON s.user_id = u.id ORDER BY u.id";
            let lines: Vec<Line> = diesel::sql_query(sql).load(db).unwrap();
            seen.push(lines.into_iter().map(|row| row.line).collect::<Vec<_>>().join(", "));
        };
        look(&mut db);
        while step(&mut db, true).as_deref() != Some("20261202470000") {}
        look(&mut db);
        while step(&mut db, false).is_some() {}
        look(&mut db);
        assert_eq!(
            seen,
            ["FINANCE out, CONTROLLER key", "FINANCE out, FINANCE key", "FINANCE out, FINANCE key"]
        );
    });
}
