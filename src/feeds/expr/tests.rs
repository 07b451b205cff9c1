//! Tests of this part.

use std::fmt::Write as _;

use super::*;
use crate::feeds::kind::ImportKind;
use crate::feeds::mapping::Mapping;
use crate::feeds::table::Row;
use proptest::prelude::*;

/// The expression as the text field `name` of a partner, on one row of columns a, b, c.
fn run(expr: &str, cells: [&str; 3]) -> Result<String, String> {
    let toml = format!(
        "kind='partners'\nzone='America/New_York'\n[fields]\ncode='key'\nname={{compute='''{expr}'''}}"
    );
    let mapping = Mapping::parse("test", &toml).map_err(|e| e.to_string())?;
    let headers = ["key", "a", "b", "c"].map(str::to_owned);
    let compiled = mapping.compile(&headers).map_err(|e| e.to_string())?;
    let (mut fields, mut row) = (compiled.fields(), Row::new());
    row.fill(2, ["K"].into_iter().chain(cells));
    compiled.apply(&row, &mut fields).map_err(|e| e.to_string())?;
    let name = ImportKind::Partners.field("name").unwrap();
    Ok(fields.text(name).unwrap_or("(blank)").to_owned())
}

#[track_caller]
fn gives(expr: &str, cells: [&str; 3], wanted: &str) {
    assert_eq!(run(expr, cells).as_deref(), Ok(wanted), "{expr}");
}

#[test]
fn computes_numbers_texts_and_choices() {
    gives("a + b * 2 - -1", ["1.5", "2", ""], "6.5");
    gives("(a + b) * 2 / 4", ["1", "2", ""], "1.5");
    gives("round(a * 1.609344, 3)", ["1400", "", ""], "2253.082");
    gives("if(a > 10 and not is_blank(b), b, \"none\")", ["11", "x", ""], "x");
    gives("if(a = 10 or b = \"y\", \"hit\", blank)", ["9", "n", ""], "(blank)");
    gives("coalesce(a, b, 7)", ["", "", ""], "7");
    gives("concat(upper(trim(a)), \"-\", lower(b), c)", [" x ", "Y", ""], "X-y");
    gives("replace(a, \"$\", \"\")", ["$5", "", ""], "5");
    gives("number(replace(a, \",\", \"\")) + 1", ["1,234.5", "", ""], "1235.5");
    gives("substr(a, 2, 3)", ["äbcdef", "", ""], "bcd");
    gives("col(\"a\")", ["v", "", ""], "v");
    gives("\"say \"\"hi\"\"\"", ["", "", ""], "say \"hi\"");
}

#[test]
fn blank_propagates() {
    for expr in ["a + 1", "a < 1", "upper(a)", "add_days(date(b), a)", "if(a > 1, 1, 2)", "not (a = 1)", "-a"]
    {
        gives(expr, ["", "2025-01-01", ""], "(blank)");
    }
    gives("if(a > 1 and 1 > 2, \"yes\", \"no\")", ["", "", ""], "no");
}

#[test]
fn computes_dates_and_times() {
    gives("date(a, \"%d-%b-%y\", \"%m/%d/%Y\")", ["6/2/2006", "", ""], "2006-06-02");
    gives("datetime(date(a), hhmm(b))", ["2013-01-01", "517", ""], "2013-01-01T10:17:00Z");
    gives("datetime(date(a), hhmm(b))", ["2013-01-01", "2400", ""], "2013-01-02T05:00:00Z");
    gives("datetime(date(a), hhmm(b), \"UTC\")", ["2013-01-01", "5", ""], "2013-01-01T00:05:00Z");
    gives("add_minutes(datetime(a), b)", ["2013-01-01 23:50", "-20", ""], "2013-01-02T04:30:00Z");
    // Across the change of clocks a day later is the same local time, 23 hours on.
    gives("add_days(datetime(a), 1)", ["2013-03-09 12:00", "", ""], "2013-03-10T16:00:00Z");
    gives(
        "not_before(datetime(a), datetime(b))",
        ["2013-01-01 00:30", "2013-01-01 22:00", ""],
        "2013-01-02T05:30:00Z",
    );
    gives(
        "not_before(datetime(a), datetime(b))",
        ["2013-01-01 22:00", "2013-01-01 22:00", ""],
        "2013-01-02T03:00:00Z",
    );
    gives(
        "not_before(datetime(a), datetime(b))",
        ["2013-01-01 10:00", "2013-01-09 09:00", ""],
        "2013-01-09T15:00:00Z",
    );
}

#[test]
fn a_bad_cell_is_an_error_of_the_row() {
    for (expr, said) in [
        ("a + 1", "`abc` is not a number"),
        ("date(a)", "`abc` is not a date"),
        ("hhmm(a) = hhmm(b)", "`abc` is not a time of day"),
        ("1 / b", "a division by zero"),
        ("add_minutes(datetime(c), 0.5)", "0.5 is not a whole number"),
        ("round(1.5, 99)", "places"),
        (
            "replace(replace(concat(a,a,a), \"a\", \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"), \"a\", c)",
            "",
        ),
    ] {
        let found = run(expr, ["abc", "0", "2013-01-01 10:00"]);
        assert!(said.is_empty() || found.as_ref().is_err_and(|e| e.contains(said)), "{expr}: {found:?}");
    }
    let long = "a".repeat(30_000);
    assert!(
        run("replace(a, \"a\", \"bcd\")", [&long, "", ""]).is_err_and(|e| e.contains("MAX_EXPR_TEXT_BYTES"))
    );
}

#[test]
fn mistakes_are_found_before_the_first_row() {
    for (expr, said) in [
        ("a +", "a value was expected"),
        ("a b", "character 3"),
        ("(a", "`)` was expected"),
        ("\"open", "a quote that is never closed"),
        ("a # b", "`#` has no meaning"),
        ("uper(a)", "no function `uper` (did you mean `upper`?)"),
        ("aa + 1", "no column or mapped field `aa` (did you mean `a`?)"),
        ("if(a, 1, 2)", "`if` needs yes or no, but was given text"),
        ("round()", "`round` takes a number"),
        ("date(a) + 1", "`+` needs a number, but was given a date"),
        ("date(a, b)", "formats in quotes"),
        ("date(a, \"%Q\")", "`%Q` is not a date format"),
        ("datetime(date(a), hhmm(b), \"Mars\")", "`Mars` is not an IANA zone"),
        ("hhmm(a)", "needs a text, but was given a time of day"),
        ("name + 1", "field `name`: its expression needs its own result"),
    ] {
        let found = run(expr, ["1", "2", "3"]);
        assert!(found.as_ref().is_err_and(|e| e.contains(said)), "{expr}: {found:?}");
    }
}

#[test]
fn length_and_depth_are_bounded() {
    assert_eq!(Parsed::new(&"1+".repeat(MAX_EXPR_BYTES)).unwrap_err(), ExprError::TooLong);
    for deep in [
        "(".repeat(2_000),
        "-".repeat(2_000),
        "not ".repeat(900),
        "if(".repeat(1_000),
        format!("1{}", "+1".repeat(1_500)),
    ] {
        assert_eq!(Parsed::new(&deep).unwrap_err(), ExprError::TooDeep);
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
        let _ = Parsed::new(&text);
    }

    #[test]
    fn any_tokens_on_any_cells_are_computed_or_refused(
        picks in prop::collection::vec(0..WORDS.len(), 1..14),
        a in CELL, b in CELL, c in CELL,
    ) {
        let mut text = String::new();
        for pick in picks {
            let _ = write!(text, "{} ", WORDS[pick]);
        }
        let _ = run(&text, [&a, &b, &c]);
    }

    #[test]
    fn every_function_survives_any_cell(function in 0..FUNCTIONS.len(), a in CELL, b in CELL, c in CELL) {
        let (name, ..) = FUNCTIONS[function];
        for args in ["a", "a, b", "a, b, c", "a > 1, b, c", "date(a), hhmm(b), c", "datetime(a), datetime(b)", "datetime(a), b"] {
            let _ = run(&format!("concat({name}({args}), \"\")"), [&a, &b, &c]);
        }
    }
}

const CELL: &str =
    "([0-9.eE:+-]{0,8}|[0-9]{4}-[01][0-9]-[0-3][0-9]( [0-2][0-9]:[0-5][0-9])?|[0-9]{1,28}|\\PC{0,6})";
const WORDS: &[&str] = &[
    "a",
    "b",
    "c",
    "1",
    "0",
    "99999999999999999999999999",
    "\"x\"",
    "'",
    "(",
    ")",
    ",",
    "+",
    "-",
    "*",
    "/",
    "=",
    "<",
    "and",
    "or",
    "not",
    "blank",
    "if(",
    "concat(",
    "date(",
    "datetime(",
    "hhmm(",
    "add_days(",
    "add_minutes(",
    "not_before(",
    "round(",
    "coalesce(",
    "substr(",
    "replace(",
    "col(\"a\")",
    "is_blank(",
    "number(",
];
