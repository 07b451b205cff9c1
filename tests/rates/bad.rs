//! Sheets with mistakes: each is refused with the place of the mistake, and nothing of it is there afterwards.

use super::{LOADS, LOADS_HEADER, load};
use crate::support::db::on_both;
use crate::support::dump::Dump;
use crate::support::process::Desk;

/// Name, rows, and what the message must say.
const BAD: &[(&str, &str, &[&str])] = &[
    ("negative rate", "A,*,*,0,500,,,-1.00,USD\n", &["row 3", "price", "-1"]),
    ("absurd rate", "A,*,*,0,500,,,1000000.01,USD\n", &["row 3", "1,000,000"]),
    ("overlapping breaks", "A,*,*,0,500,,,2,USD\nA,*,*,400,900,,,1,USD\n", &["rows 3 and 4", "overlap"]),
    ("inverted break", "A,*,*,500,100,,,2,USD\n", &["row 3", "below", "ends before it starts"]),
    ("gap", "A,*,*,0,500,,,2,USD\nA,*,*,600,900,,,1,USD\n", &["rate line A", "500", "600"]),
    ("two currencies", "A,*,*,0,500,,,2,USD\nA,*,*,500,900,,,1,EUR\n", &["row 4", "EUR", "row 3"]),
    ("text in a number column", "A,*,*,0,500,,,on request,USD\n", &["row 3", "price", "on request"]),
    ("text in a band", "A,*,*,light,500,,,2,USD\n", &["row 3", "above", "light"]),
    ("range that ends before it starts", "A,*,*,0,500,2025-02-01,2025-01-31,2,USD\n", &["row 3", "ends"]),
    ("unknown currency", "A,*,*,0,500,,,2,dollars\n", &["row 3", "money", "dollars"]),
    ("unknown place", "A,Gotham City,*,0,500,,,2,USD\n", &["row 3", "from", "Gotham City"]),
    ("no price", "A,*,*,0,500,,,,USD\n", &["row 3", "price", "required"]),
    ("a cell too few", "A,*,*,0,500,,,2\n", &["row 3", "8 cells"]),
    (
        "two tables at once",
        "A,*,*,0,,2025-01-01,,2,USD\nA,*,*,0,,2025-06-01,,3,USD\n",
        &["rate line A", "two"],
    ),
    ("two lanes alike", "A,US,US,0,,,,2,USD\nB,US,US,0,,,,3,USD\n", &["lane"]),
];

/// A good row before the bad ones: it must not be left behind.
const GOOD: &str = "GOOD,US-TX,US-OK,0,,,,5.00,USD\n";

#[test]
fn a_bad_sheet_makes_no_contract() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("loads.toml", LOADS);
        let before = Dump::of(&mut db.conn());
        for (name, rows, parts) in BAD {
            desk.file("bad.csv", format!("{LOADS_HEADER}{GOOD}{rows}"));
            let said = load(&desk, "bad.csv", mapping.to_str().unwrap());
            assert_eq!(said.code, 1, "{name}: {said:?}");
            for part in *parts {
                assert!(said.err.contains(part), "{name}: no `{part}` in {}", said.err);
            }
            assert!(said.err.contains("no rate was loaded"), "{name}: {}", said.err);
            assert_eq!(Dump::of(&mut db.conn()), before, "{name} left something behind");
        }
    });
}

#[test]
fn a_bad_sheet_leaves_the_draft_as_it_was() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("loads.toml", LOADS);
        let mapping = mapping.to_str().unwrap();
        desk.file("good.csv", format!("{LOADS_HEADER}{GOOD}A,*,*,0,500,,,2,USD\nA,*,*,500,,,,1,USD\n"));
        load(&desk, "good.csv", mapping).ends(0);
        let before = Dump::of(&mut db.conn());
        for (name, rows, _) in BAD {
            desk.file("bad.csv", format!("{LOADS_HEADER}GOOD,US-TX,US-OK,0,,,,6.00,USD\n{rows}"));
            assert_eq!(load(&desk, "bad.csv", mapping).code, 1, "{name}");
            assert_eq!(Dump::of(&mut db.conn()), before, "{name} left something behind");
        }
        let dry = [
            "import",
            "rates",
            "good.csv",
            "--contract",
            "C-2",
            "--partner",
            "NEW",
            "--mapping",
            mapping,
            "--dry-run",
        ];
        let said = desk.run(&dry).ends(0);
        assert!(said.out.contains("nothing was kept"), "{}", said.out);
        assert_eq!(Dump::of(&mut db.conn()), before, "a dry run left something behind");
    });
}

#[test]
fn what_is_asked_for_must_exist() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("loads.toml", LOADS);
        let mapping = mapping.to_str().unwrap();
        desk.file("good.csv", format!("{LOADS_HEADER}{GOOD}"));
        desk.run(&["import", "rates", "good.csv", "--mapping", mapping]).ends(1).complains(&["--contract"]);
        let to = |contract: &str, more: &[&str]| {
            desk.run(
                &[&["import", "rates", "good.csv", "--mapping", mapping, "--contract", contract], more]
                    .concat(),
            )
        };
        to("C-9", &[]).ends(1).complains(&["no contract C-9", "--partner"]);
        to("C-1", &["--partner", "BRCK"]).ends(0);
        to("C-1", &["--partner", "OTHER"]).ends(1).complains(&["C-1 is not with OTHER"]);
        to("C-1", &["--version", "7"]).ends(1).complains(&["no version 7"]);
        desk.file("ship.csv", "reference,weight\nX,100\n");
        desk.run(&["rate", "ship.csv", "--contract", "C-9"]).ends(1).complains(&["no contract C-9"]);
        desk.run(&["rate", "ship.csv", "--contract", "C-1", "--version", "7"])
            .ends(1)
            .complains(&["no version 7"]);
        desk.run(&["rate", "ship.csv", "--contract", "C-1", "--mapping", "brunel"])
            .ends(1)
            .complains(&["rates"]);
        desk.run(&["import", "requests", "ship.csv"]).ends(2).complains(&["no kind `requests`"]);
    });
}
