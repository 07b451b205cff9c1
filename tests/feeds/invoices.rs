//! Invoices as a carrier sends them: a workbook, by the mapping that stands among the examples.

use diesel::prelude::*;
use lanemark::db::schema::{invoice_lines, invoices};
use lanemark::db::types::Day;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use crate::support::db::{TestDb, on_both};
use crate::support::process::Desk;

const MAPPING: &str = include_str!("../../examples/mappings/carrier-invoices.toml");
const IMPORT: [&str; 5] = ["import", "invoices", "june.xlsx", "--mapping", "carrier.toml"];

/// Columns of the workbook, as the mapping names them.
const COLUMNS: [&str; 16] = [
    "SCAC",
    "Invoice No",
    "Bill Type",
    "Original Invoice",
    "Invoice Date",
    "Received",
    "Currency",
    "Remit To",
    "Total Due",
    "Shipper Ref",
    "PRO",
    "BOL",
    "Charge Code",
    "Qty",
    "UOM",
    "Amount",
];

/// An invoice of two charges, its credit note, and one whose total is not what its lines come to. What is empty is left out.
const ROWS: [[&str; 16]; 5] = [
    [
        "P",
        "0042",
        "OR",
        "",
        "06/12/2025",
        "",
        "USD",
        "Box 7",
        "1,707.48",
        "S-1",
        "",
        "",
        "400",
        "622",
        "MI",
        "1,438.20",
    ],
    [
        "P",
        "0042",
        "OR",
        "",
        "06/12/2025",
        "",
        "USD",
        "Box 7",
        "1,707.48",
        "S-1",
        "",
        "",
        "405",
        "",
        "",
        "269.28",
    ],
    [
        "P",
        "0042-CR",
        "CR",
        "0042",
        "06/20/2025",
        "",
        "USD",
        "Box 7",
        "-40.00",
        "",
        "77001",
        "",
        "400",
        "",
        "",
        "-40.00",
    ],
    [
        "P",
        "0043",
        "OR",
        "",
        "06/12/2025",
        "",
        "USD",
        "",
        "1,500.00",
        "S-2",
        "",
        "",
        "400",
        "",
        "",
        "1,000.00",
    ],
    ["P", "0043", "OR", "", "06/12/2025", "", "USD", "", "1,500.00", "S-2", "", "", "405", "", "", "400.00"],
];

/// The workbook: days of receipt are days, quantities are numbers, and the rest is text.
fn workbook() -> Vec<u8> {
    let mut book = Workbook::new();
    let day = Format::new().set_num_format("yyyy-mm-dd");
    let received = ExcelDateTime::from_ymd(2025, 6, 21).unwrap();
    let sheet = book.add_worksheet();
    sheet.write_row(0, 0, COLUMNS).unwrap();
    for (row, cells) in (1..).zip(ROWS) {
        for ((column, cell), name) in (0..).zip(cells).zip(COLUMNS) {
            match name {
                "Received" => sheet.write_with_format(row, column, &received, &day).unwrap(),
                "Qty" if !cell.is_empty() => sheet.write(row, column, cell.parse::<f64>().unwrap()).unwrap(),
                _ if cell.is_empty() => continue,
                _ => sheet.write(row, column, cell).unwrap(),
            };
        }
    }
    book.save_to_buffer().unwrap()
}

type Head = (String, String, Option<String>, Day, Day, Option<String>, i64);

fn heads(db: &TestDb) -> Vec<Head> {
    invoices::table
        .order(invoices::number)
        .select((
            invoices::number,
            invoices::kind,
            invoices::corrects,
            invoices::issued_on,
            invoices::received_on,
            invoices::remit_to,
            invoices::total_micros,
        ))
        .load(&mut *db.conn())
        .unwrap()
}

type Line = (Option<String>, Option<String>, String, String, Option<i64>, Option<String>, i64);

/// The lines by amount, the dearest first.
fn lines(db: &TestDb) -> Vec<Line> {
    invoice_lines::table
        .order(invoice_lines::amount_micros.desc())
        .select((
            invoice_lines::shipment,
            invoice_lines::pro,
            invoice_lines::code,
            invoice_lines::category,
            invoice_lines::quantity_micros,
            invoice_lines::unit,
            invoice_lines::amount_micros,
        ))
        .load(&mut *db.conn())
        .unwrap()
}

#[test]
fn invoices_come_in_by_workbook_and_mapping() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file(
            "loads.csv",
            "reference,partner,delivery_due_date,delivered_at\nS-1,P,2025-06-10,2025-06-10T10:00:00Z\n",
        );
        desk.run(&["import", "shipments", "loads.csv"]).ends(0);
        desk.file("carrier.toml", MAPPING);
        desk.file("june.xlsx", workbook());
        // Three rows load, and the two of the invoice that does not add up are refused.
        desk.run(&IMPORT).ends(3);
        let day = |text: &str| Day(text.parse().unwrap());
        let some = |text: &str| Some(text.to_owned());
        let (issued, credited, received) = (day("2025-06-12"), day("2025-06-20"), day("2025-06-21"));
        let stored = [
            ("0042".to_owned(), "ORIGINAL".to_owned(), None, issued, received, some("Box 7"), 1_707_480_000),
            (
                "0042-CR".to_owned(),
                "CREDIT".to_owned(),
                some("0042"),
                credited,
                received,
                some("Box 7"),
                -40_000_000,
            ),
        ];
        assert_eq!(heads(&db), stored);
        let found = lines(&db);
        assert_eq!(found.len(), 3, "{found:?}");
        let haul = (
            some("S-1"),
            None,
            "400".to_owned(),
            "LINEHAUL".to_owned(),
            Some(622_000_000),
            some("MI"),
            1_438_200_000,
        );
        assert_eq!(found[0], haul);
        assert_eq!((found[1].3.as_str(), found[1].4, found[1].6), ("FUEL", None, 269_280_000));
        assert_eq!((found[2].0.clone(), found[2].1.clone(), found[2].6), (None, some("77001"), -40_000_000));
        // The same workbook again changes nothing.
        desk.run(&IMPORT).ends(3);
        assert_eq!((heads(&db).len(), lines(&db).len()), (2, 3));
        desk.run(&["verify"]).ends(0);
    });
}

#[test]
fn a_workbook_without_a_mapped_column_is_refused_whole() {
    on_both(|db| {
        let desk = Desk::new(&db);
        desk.file("carrier.toml", MAPPING.replace("\"Shipper Ref\"", "\"Load Ref\""));
        desk.file("june.xlsx", workbook());
        desk.run(&IMPORT).ends(1).complains(&["carrier-invoices", "Load Ref"]);
        assert!(heads(&db).is_empty());
    });
}
