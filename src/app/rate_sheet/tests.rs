//! Any valid lines go out and come in again as they were.

use proptest::prelude::*;

use super::*;
use crate::app::import::rates::{RatesRequest, read};
use crate::domain::lifecycle::VersionOptions;
use crate::domain::money::Micros;
use crate::domain::rate::{Band, Cell, RateBasis};
use crate::feeds::kind::ImportKind;
use crate::feeds::mapping::Mapping;

const PAIRS: [[Axis; 2]; 3] =
    [[Axis::Weight, Axis::Distance], [Axis::Weight, Axis::Units], [Axis::Distance, Axis::Units]];

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(
        &["2", "GROUND", "=1+1", "+49", "-x", "@sum", "'=a", "\"q\", b", "007", "1e5", "Zürich", "rate 2"][..],
    )
    .prop_map(str::to_owned)
}

fn band() -> impl Strategy<Value = Band> {
    (0_i64..1 << 50, prop::option::of(0_i64..1 << 50)).prop_map(|(lower, width)| Band {
        lower: Micros(lower),
        upper: width.map(|width| Micros(lower + width)),
    })
}

fn money() -> impl Strategy<Value = Micros> {
    prop_oneof![
        (0_i64..=100_000_000).prop_map(|cents| Micros(cents * 10_000)),
        (0_i64..=1_000_000_000_000).prop_map(Micros)
    ]
}

fn cell() -> impl Strategy<Value = Cell> {
    (band(), band(), money(), prop::option::of(money()), prop::option::of(money()))
        .prop_map(|(first, second, rate, prior, min)| Cell { column: 0, first, second, rate, prior, min })
}

/// Up to three lines of a contract; all with columns when `columns`.
fn lines(columns: bool) -> impl Strategy<Value = Vec<(RateLine, Option<Lane>)>> {
    let names = prop::collection::btree_set(name(), usize::from(columns)..4);
    let one = (
        names,
        0_usize..4,
        prop::collection::vec(cell(), 4..30),
        name(),
        prop::option::of((name(), any::<bool>(), prop::option::of(0_u16..90))),
        (any::<bool>(), prop::option::of(1_u64..3_000)),
    );
    (0_usize..3, prop::collection::vec(one, 1..4)).prop_map(|(pair, lines)| {
        let [a, b] = PAIRS[pair];
        lines
            .into_iter()
            .zip(0_u16..)
            .map(|((names, axes, mut cells, label, lane, (dated, currency)), number)| {
                let mut line = RateLine::new(&format!("=L{number}"), &label, RateBasis::PerCwt);
                (line.first, line.second) =
                    [(None, None), (Some(a), None), (Some(b), Some(a)), (Some(a), Some(b))][axes];
                line.columns = names.into_iter().collect();
                line.columns_by = if line.columns.is_empty() { ColumnsBy::None } else { ColumnsBy::Class };
                for (cell, at) in cells.iter_mut().zip(0_usize..) {
                    cell.column = u16::try_from(at % line.columns.len().max(1)).unwrap();
                    if line.first.is_none() {
                        cell.first = Band::ALL;
                    }
                    if line.second.is_none() {
                        cell.second = Band::ALL;
                    }
                }
                cells.sort_unstable();
                line.cells = cells;
                line.edges = crate::domain::rate::BandEdges::Closed;
                line.valid_from = dated.then(|| "2025-02-28".parse().unwrap());
                line.valid_to = currency.filter(|_| dated).and_then(|days| {
                    line.valid_from.and_then(|from| from.checked_add_days(chrono::Days::new(days)))
                });
                line.currency = currency.map(|_| crate::domain::currency::Currency::EUR);
                line.discount = crate::domain::money::Bps(6_200);
                line.min = currency.map(|days| Micros(days.cast_signed()));
                line.gaps = if dated { crate::domain::rate::GapRule::Unrated } else { line.gaps };
                let lane = lane.map(|(code, any, days)| Lane {
                    code: format!("{code}{number}"),
                    origin: if any { GeoSelector::Any } else { "city:US-TX-Ft. Worth".parse().unwrap() },
                    destination: "zip3:750".parse().unwrap(),
                    equipment: any.then(|| "@REEFER".to_owned()),
                    service: None,
                    transit_business_days: days,
                    line: line.code.clone(),
                });
                (line, lane)
            })
            .collect()
    })
}

fn again(lines: &[(RateLine, Option<Lane>)], form: SheetForm, format: SheetFormat) {
    let columns = columns_of(lines.iter().map(|(line, _)| line), form).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file_name_of("C 1", 1, None, format));
    let mut sheet = RateSheet::new(std::fs::File::create(&path).unwrap(), format, columns).unwrap();
    for (line, lane) in lines {
        check_texts(line, lane.as_ref()).unwrap();
        sheet.line(line, lane.as_ref());
        sheet.cells(&mut line.cells.clone()).unwrap();
    }
    sheet.finish().unwrap();
    let mapping = match form {
        SheetForm::Long => Mapping::identity(ImportKind::Rates),
        SheetForm::Matrix => Mapping::load("rates-matrix").unwrap(),
    };
    let request = RatesRequest {
        path: &path,
        mapping: &mapping,
        by: "test",
        rejects: folder.path().join("rejects.csv"),
        contract: "C-1",
        partner: None,
        version: None,
        options: VersionOptions { baseline: None, dispute_days: None, price_cap: None },
        dry_run: false,
    };
    let (back, _) = read(&request, &|_| {}).unwrap();
    assert_eq!(back.lines.len(), lines.len());
    for (mut line, (was, _)) in back.lines.iter().cloned().zip(lines) {
        // An empty contract has nothing to keep: the sheet alone says how the line rates.
        assert_eq!(head_write(&line), head_write(was));
        let other = RateLine {
            discount: crate::domain::money::Bps(1),
            edges: crate::domain::rate::BandEdges::UpTo,
            max: Some(Micros(7)),
            min: Some(Micros(5)),
            basis: RateBasis::PerUnit,
            ..was.clone()
        };
        mapping.rates.keep(&mut line, &other, back.said);
        line.cells.sort_unstable();
        assert_eq!(&line, was, "whatever the contract it comes to has");
    }
    let lanes: Vec<Lane> = lines.iter().filter_map(|(_, lane)| lane.clone()).collect();
    assert_eq!(back.lanes, lanes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_long_sheet_comes_back_as_it_was(lines in lines(false)) {
        again(&lines, SheetForm::Long, SheetFormat::Csv);
        again(&lines, SheetForm::Long, SheetFormat::Xlsx);
    }

    #[test]
    fn a_matrix_comes_back_as_it_was(lines in lines(true)) {
        again(&lines, SheetForm::Matrix, SheetFormat::Csv);
        again(&lines, SheetForm::Matrix, SheetFormat::Xlsx);
    }
}

#[test]
fn nothing_in_a_sheet_runs_as_a_formula() {
    let mut line = RateLine::new("=cmd()", "@SUM(A1)", RateBasis::Flat);
    line.cells = vec![Cell {
        column: 0,
        first: Band::ALL,
        second: Band::ALL,
        rate: Micros(12_345_678),
        prior: None,
        min: None,
    }];
    let columns = columns_of(std::iter::once(&line), SheetForm::Long).unwrap();
    let mut out = Vec::new();
    let mut sheet = RateSheet::new(&mut out, SheetFormat::Csv, columns).unwrap();
    sheet.line(&line, None);
    sheet.cells(&mut line.cells.clone()).unwrap();
    sheet.finish().unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        format!(
            "line,label,lane,origin,destination,equipment,service,transit_days,valid_from,valid_to,currency,rate,min,prior,\
             {},{}\r\n'=cmd(),'@SUM(A1),,,,,,,,,,12.345678,,,400,FLAT,,NONE,HALF_OPEN,REFUSE,REFUSE,SHIPMENT,0,,,,{}\r\n",
            HEAD_FIELDS.join(","),
            PARAMETER_NAMES.join(","),
            ",".repeat(PARAMETER_NAMES.len())
        )
    );
}

#[test]
fn what_a_sheet_cannot_hold_is_named() {
    let mut line = RateLine::new("A", "Linehaul", RateBasis::PerCwt);
    let code_only =
        |line: &RateLine| columns_of(std::iter::once(line), SheetForm::Matrix).unwrap_err().to_string();
    assert!(code_only(&line).contains("rate line A has no zones or classes"), "{}", code_only(&line));
    line.label = "two\nlines".to_owned();
    assert!(check_texts(&line, None).unwrap_err().to_string().contains("no line breaks"));
    let mut rates = RateTerms::empty(crate::domain::currency::Currency::USD);
    for code in ["L1", "L2"] {
        rates.lanes.push(Lane {
            code: code.to_owned(),
            origin: GeoSelector::Any,
            destination: GeoSelector::Any,
            equipment: Some(code.to_owned()),
            service: None,
            transit_business_days: None,
            line: "A".to_owned(),
        });
    }
    rates.parameters.deficit = true;
    rates.parameters.dispute_days = Some(15);
    let said = left_out(&rates, 3, None).join("; ");
    assert!(said.contains("2 lanes of A") && said.contains("3 accessorial rates"), "{said}");
    assert!(said.contains("dispute window"), "{said}");
}
