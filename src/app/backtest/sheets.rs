//! A replayed period as files: every group of every version as csv, and a workbook with a sheet for each way to split it.

use rust_xlsxwriter::XlsxError;

use super::credits::IN_FORCE;
use super::{BacktestReport, Named, NetGroup, NetShown, Shown};
use crate::report::sheet::{Sheet, csv, workbook};

/// The columns of a group: name, in force, version, difference over what both price and its causes, shipments both price and
/// those the difference leaves out, what the ones that only one side prices come to there, shipments the version prices and
/// those it does not.
pub const GROUP_COLUMNS: [&str; GROUP_CELLS] = [
    "group",
    "in_force",
    "total",
    "difference",
    "base",
    "minimum",
    "fuel",
    "accessorial",
    "tax",
    "shipments_compared",
    "shipments_left_out",
    "only_in_force",
    "only_version",
    "shipments_rated",
    "shipments_unrated",
];
const GROUP_CELLS: usize = 15;

/// The cells of a group under the version in that place, in the order of [`GROUP_COLUMNS`]; empty when there is none.
#[must_use]
pub fn group_cells(name: &str, sums: &Shown, place: usize) -> [String; GROUP_CELLS] {
    let mut cells = <[String; GROUP_CELLS]>::default();
    let Some(version) = sums.versions.get(place) else { return cells };
    let why = &version.causes;
    let texts = [
        name,
        &sums.in_force.total,
        &version.tally.total,
        version.difference.as_deref().unwrap_or_default(),
        &why.base,
        &why.minimum,
        &why.fuel,
        &why.accessorial,
        &why.tax,
        &version.compared.to_string(),
        &version.left_out.to_string(),
        &version.only_in_force.total,
        &version.only_version.total,
        &version.tally.rated.to_string(),
        &version.tally.unrated.to_string(),
    ];
    for (cell, text) in cells.iter_mut().zip(texts) {
        text.clone_into(cell);
    }
    cells
}

/// The columns of net costs.
const NET_COLUMNS: [&str; 6] =
    ["charges", "service_credits", "bonuses", "forgone_by_caps", "net_cost", "difference"];

/// The cells of one line of the net costs: charges, credits, bonuses, what caps took off, net cost, difference. What is not
/// known is empty.
#[must_use]
pub fn net_cells(net: &NetShown) -> [String; 6] {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        net.charges.clone(),
        or_empty(&net.credits),
        or_empty(&net.bonuses),
        or_empty(&net.forgone),
        or_empty(&net.net_cost),
        or_empty(&net.difference),
    ]
}

/// The lines of a group's net costs: what was in force, then each version, each with its name.
pub fn net_lines<'a>(
    report: &'a BacktestReport,
    group: &'a NetGroup,
) -> impl Iterator<Item = (String, &'a NetShown)> {
    let names = report.versions.iter().map(super::TriedVersion::name);
    std::iter::once((IN_FORCE.to_owned(), &group.in_force)).chain(names.zip(&group.versions))
}

/// Every group of every version, plain.
///
/// # Errors
/// The writer's reason.
pub fn table_csv(report: &BacktestReport) -> Result<Vec<u8>, csv::Error> {
    let header = ["version", "by"].into_iter().chain(GROUP_COLUMNS);
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (place, tried) in report.versions.iter().enumerate() {
        let version = tried
            .round
            .map_or_else(|| tried.version.to_string(), |round| format!("{}.{round}", tried.version));
        let mut push = |by: &str, name: &str, sums: &Shown| {
            let cells = group_cells(name, sums, place);
            rows.push([version.clone(), by.to_owned()].into_iter().chain(cells).collect());
        };
        push("all", "", &report.total);
        for (by, groups) in
            [("month", &report.months), ("service", &report.services), ("lane", &report.lanes)]
        {
            for group in groups {
                push(by, &group.name, &group.sums);
            }
        }
    }
    csv(header, rows)
}

/// The whole result as a workbook: total, months, services, lanes, credits, clauses, and what it is about.
///
/// # Errors
/// The writer's reason.
pub fn workbook_xlsx(report: &BacktestReport) -> Result<Vec<u8>, XlsxError> {
    workbook(vec![
        total(report),
        groups("months", "month", report, &report.months),
        groups("services", "service", report, &report.services),
        groups("lanes", "lane", report, &report.lanes),
        credits(report),
        clauses(report),
        about(report),
    ])
}

fn total(report: &BacktestReport) -> Sheet {
    let mut rows = Vec::new();
    let was = &report.total.in_force;
    let counts = std::iter::once((String::new(), String::new(), was)).chain(
        report
            .total
            .versions
            .iter()
            .map(|version| (version.compared.to_string(), version.left_out.to_string(), &version.tally)),
    );
    for ((name, net), (compared, left_out, tally)) in net_lines(report, &report.net.total).zip(counts) {
        let counts = [tally.rated, tally.unrated, tally.not_applicable].map(|count| count.to_string());
        let counts = [compared, left_out].into_iter().chain(counts);
        rows.push(std::iter::once(name).chain(net_cells(net)).chain(counts).collect());
    }
    let counts = [
        "shipments_compared",
        "shipments_left_out",
        "shipments_rated",
        "shipments_unrated",
        "shipments_not_applicable",
    ];
    let header = std::iter::once("terms").chain(NET_COLUMNS).chain(counts);
    Sheet { name: "total", header: header.collect(), rows }
}

fn groups(name: &'static str, one: &'static str, report: &BacktestReport, groups: &[Named]) -> Sheet {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (place, tried) in report.versions.iter().enumerate() {
        rows.extend(groups.iter().map(|group| {
            let cells = group_cells(&group.name, &group.sums, place);
            std::iter::once(tried.name()).chain(cells).collect()
        }));
    }
    let columns = GROUP_COLUMNS.into_iter().skip(1);
    Sheet { name, header: ["terms", one].into_iter().chain(columns).collect(), rows }
}

fn credits(report: &BacktestReport) -> Sheet {
    let lines = report.net.months.iter().flat_map(|month| {
        net_lines(report, &month.sums).map(|(name, net)| {
            [name, month.name.clone()].into_iter().chain(net_cells(net)).collect::<Vec<_>>()
        })
    });
    let header = ["terms", "month"].into_iter().chain(NET_COLUMNS);
    Sheet { name: "credits", header: header.collect(), rows: lines.collect() }
}

fn clauses(report: &BacktestReport) -> Sheet {
    let rows = report.net.clauses.iter().map(|line| {
        vec![
            line.terms.clone(),
            line.clause.clone(),
            line.obligations.to_string(),
            line.credits.clone(),
            line.bonuses.clone(),
            line.forgone.clone(),
        ]
    });
    let header = vec!["terms", "clause", "obligations", "service_credits", "bonuses", "forgone_by_caps"];
    Sheet { name: "clauses", header, rows: rows.collect() }
}

fn about(report: &BacktestReport) -> Sheet {
    let mut rows: Vec<[String; 2]> = vec![
        ["Contract".to_owned(), report.contract.clone()],
        ["Period, by obligation day".to_owned(), report.period.clone()],
        ["Amounts in".to_owned(), report.currency.clone()],
        ["General rate increase, percent".to_owned(), report.increase_percent.clone().unwrap_or_default()],
        ["Shipments".to_owned(), report.shipments.to_string()],
        ["Prices as known at, UTC".to_owned(), report.known_at.format("%Y-%m-%d %H:%M:%S").to_string()],
    ];
    rows.extend(report.versions.iter().map(|tried| [tried.name(), tried.state()]));
    rows.extend(report.left_out_words().into_iter().map(|words| ["Left out".to_owned(), words]));
    rows.extend(report.net.notes.iter().map(|note| ["Note".to_owned(), note.clone()]));
    Sheet { name: "about", header: vec!["what", "value"], rows: rows.into_iter().map(Vec::from).collect() }
}
