//! Both databases have the same schema, and it is the one in `src/db/schema.rs`.

use std::collections::BTreeMap;

use super::root;

/// Column name, type as the product sees it, nullable.
type Columns = BTreeMap<String, Vec<(String, String, bool)>>;

fn migrations(engine: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = std::fs::read_dir(root().join("migrations").join(engine))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let up = std::fs::read_to_string(entry.path().join("up.sql")).unwrap();
            assert!(entry.path().join("down.sql").is_file(), "{:?} has no way back", entry.path());
            (entry.file_name().into_string().unwrap(), up)
        })
        .collect();
    found.sort();
    found
}

#[test]
fn both_engines_have_the_same_migrations() {
    let names = |engine| migrations(engine).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn both_engines_and_the_code_have_the_same_tables() {
    let (sqlite, postgres) = (declared("sqlite"), declared("postgres"));
    assert_eq!(sqlite.keys().collect::<Vec<_>>(), postgres.keys().collect::<Vec<_>>());
    let code = tables_of_the_code();
    assert_eq!(sqlite.keys().collect::<Vec<_>>(), code.keys().collect::<Vec<_>>());
    for (table, columns) in &sqlite {
        let others = &postgres[table];
        for (column, other) in columns.iter().zip(others) {
            assert_eq!((&column.0, column.2), (&other.0, other.2), "{table}");
            assert!(same_type(&column.1, &other.1), "{table}.{}: {} and {}", column.0, column.1, other.1);
        }
        assert_eq!(columns.len(), others.len(), "{table}");
        let coded: Vec<(String, bool)> = code[table].iter().map(|c| (c.0.clone(), c.2)).collect();
        let stored: Vec<(String, bool)> = columns.iter().map(|c| (c.0.clone(), c.2)).collect();
        assert_eq!(coded, stored, "{table}");
    }
}

#[test]
fn checks_and_indexes_are_the_same() {
    let shape = |engine: &str| -> Vec<String> {
        migrations(engine)
            .iter()
            .flat_map(|(_, up)| up.lines().map(str::trim).map(str::to_owned).collect::<Vec<_>>())
            .filter(|line| {
                line.contains("CHECK (") || line.starts_with("CREATE") || line.starts_with("UNIQUE")
            })
            // PostgreSQL keeps the body of a trigger in a function.
            .filter(|line| !line.starts_with("CREATE FUNCTION"))
            // Each engine has one way of its own around a trigger on DELETE, and a trigger that closes it.
            .filter(|line| !line.contains(" BEFORE TRUNCATE ON ") && !line.contains(" BEFORE INSERT ON "))
            .map(|line| line.replace(" WITHOUT ROWID", ""))
            .collect()
    };
    assert_eq!(shape("sqlite"), shape("postgres"));
}

/// SQLite's type and the one PostgreSQL has for it.
fn same_type(sqlite: &str, postgres: &str) -> bool {
    sqlite == postgres
        || matches!((sqlite, postgres), ("INTEGER", "TIMESTAMPTZ" | "DATE") | ("BLOB", "BYTEA"))
}

fn declared(engine: &str) -> Columns {
    let mut tables = Columns::new();
    for (_, up) in migrations(engine) {
        for statement in up.split("CREATE TABLE ").skip(1) {
            let (name, rest) = statement.split_once(" (\n").unwrap();
            let body = rest.split("\n)").next().unwrap();
            let columns = body.lines().map(str::trim).filter(|line| {
                !["PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "--"].iter().any(|word| line.starts_with(word))
            });
            let columns = columns.map(|line| {
                let mut words = line.trim_end_matches(',').split_whitespace();
                let (column, kind) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
                (column, kind, !line.contains("NOT NULL"))
            });
            tables.insert(name.to_owned(), columns.collect());
        }
        for statement in up.split("ALTER TABLE ").skip(1) {
            let words: Vec<&str> = statement.split(';').next().unwrap().split_whitespace().collect();
            if let [table, "ADD", "COLUMN", column, kind, rules @ ..] = words.as_slice() {
                let nullable = !rules.join(" ").contains("NOT NULL");
                tables.get_mut(*table).unwrap().push(((*column).to_owned(), (*kind).to_owned(), nullable));
            }
        }
    }
    tables
}

fn tables_of_the_code() -> Columns {
    let mut text = std::fs::read_to_string(root().join("src/db/schema.rs")).unwrap();
    for file in super::files(&root().join("src/db/schema"), "rs") {
        text.push_str(&std::fs::read_to_string(file).unwrap());
    }
    let mut tables = Columns::new();
    let mut table = String::new();
    for line in text.lines().map(str::trim) {
        if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with('{')) {
            table = name.to_owned();
            tables.insert(table.clone(), Vec::new());
        } else if let Some((column, kind)) = line.trim_end_matches(',').split_once(" -> ") {
            let nullable = kind.starts_with("Nullable");
            tables.get_mut(&table).unwrap().push((column.to_owned(), kind.to_owned(), nullable));
        }
    }
    tables
}
