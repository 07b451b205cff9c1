//! Arrows point down only: web, jobs, cli → app → db, feeds, report, mail → domain.

use super::{files, root};

/// Each floor with what it may name of ours. A floor may always name itself.
const FLOORS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("db", &["domain"]),
    ("feeds", &["domain"]),
    ("report", &["domain"]),
    ("mail", &["domain"]),
    ("app", &["clock", "config", "db", "domain", "feeds", "mail", "report"]),
    ("jobs", &["app", "clock", "config", "db", "domain", "mail"]),
    ("web", &["app", "clock", "config", "db", "domain", "feeds", "jobs", "mail", "report"]),
];

/// What a floor may never use of other people's, with the reason.
const FOREIGN: &[(&str, &[&str])] = &[
    ("domain", &["diesel", "actix_web", "tokio", "lettre", "askama", "std::fs", "std::net", "std::env"]),
    ("feeds", &["diesel", "actix_web", "tokio", "lettre"]),
    ("report", &["diesel", "actix_web", "tokio", "lettre"]),
    ("app", &["actix_web", "askama::Template"]),
    ("jobs", &["actix_web"]),
];

/// All SQL is in `db`; above it nobody builds a statement or names a table, save to look on in a test.
const STATEMENTS: &[&str] = &[
    "diesel::prelude",
    "diesel::insert_into",
    "diesel::update",
    "diesel::delete",
    "diesel::sql_query",
    "bulk_insert",
    "crate::db::schema",
    "lanemark::db::schema",
];

#[test]
fn statements_are_built_in_one_place() {
    let mut wrong = Vec::new();
    for floor in ["app", "jobs", "web", "cli"] {
        for file in files(&root().join("src").join(floor), "rs") {
            let name = file.to_string_lossy().into_owned();
            if name.ends_with("tests.rs") || name.ends_with("testing.rs") || name.contains("/tests/") {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            for (number, line) in code.lines().enumerate() {
                let line = line.split("//").next().unwrap_or_default();
                for what in STATEMENTS.iter().filter(|what| mentions(line, what)) {
                    wrong.push(format!("{name}:{}: {floor} uses {what}", number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn arrows_point_down() {
    let mut wrong = Vec::new();
    for (floor, may) in FLOORS {
        for file in files(&root().join("src").join(floor), "rs") {
            let text = std::fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate() {
                if line.trim_start().starts_with("//") {
                    continue;
                }
                for other in named(line) {
                    if other != *floor && !may.contains(&other.as_str()) && is_floor(&other) {
                        wrong.push(format!("{}:{}: {floor} names {other}", file.display(), number + 1));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "these arrows point up:\n{}", wrong.join("\n"));
}

#[test]
fn floors_keep_to_their_libraries() {
    let mut wrong = Vec::new();
    for (floor, banned) in FOREIGN {
        for file in files(&root().join("src").join(floor), "rs") {
            // Tests of a rule may read their case files.
            if file.ends_with("ledger/cases.rs") || file.ends_with("rate/tests/cases.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for name in banned.iter().filter(|name| mentions(code, name)) {
                    wrong.push(format!("{}:{}: {floor} uses {name}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Names after `crate::` in a line of code.
fn named(line: &str) -> Vec<String> {
    line.split("crate::")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

fn is_floor(name: &str) -> bool {
    FLOORS.iter().any(|(floor, _)| *floor == name)
}

/// Whether `name` stands in the code as a path of its own.
fn mentions(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + name.len()..].chars().next();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            && after.is_some_and(|c| c == ':' || c == ';' || c == ' ' || c == '!' || c == '(')
    })
}

#[test]
fn every_folder_of_the_source_is_a_floor() {
    for entry in std::fs::read_dir(root().join("src")).unwrap().map(|entry| entry.unwrap()) {
        if entry.path().is_dir() {
            let name = entry.file_name().into_string().unwrap();
            assert!(
                is_floor(&name) || name == "cli",
                "src/{name} is on no floor; add it to FLOORS and ARCHITECTURE.md"
            );
        }
    }
}
