//! Template lines that count a part of the work: from files of facts to the score, its list, its bundle and back.

use std::collections::BTreeSet;
use std::io::Cursor;

use super::*;
use crate::app::bundle::{bundle, check_bundle};
use crate::app::evidence::{Part, Pick, Rows, behind};
use crate::app::expected::tests::{conn, load, partner, refreshed};
use crate::db::partner::partner_show;
use crate::domain::kpi::Kpi;
use crate::domain::scorecard::Scope;
use crate::feeds::kind::ImportKind;

const HEAD: &str = "reference,partner,lane,service,mode,pickup_zone,delivery_zone,delivery_window_end,arrived_at,\
    delivery_reason,delivery_exclusion\n";

/// Deliveries of May and June: on lane `A-B`, every second one express, all late ones on express.
fn facts() -> String {
    let mut csv = HEAD.to_owned();
    for month in [5, 6] {
        for number in 0..40 {
            let day = number % 28 + 1;
            let (lane, service) =
                (["A-B", "A-C"][number % 2], ["Express", "Standard"][usize::from(number % 4 > 1)]);
            let (hour, reason, excused) = match (month, number) {
                (6, 0 | 4) => (20, "AI", ""),
                (6, 8) => (20, "", ""),
                (6, 12) => (20, "b1", "CONSIGNEE"),
                (6, 16) => (20, "flat tyre", ""),
                _ => (16, "", ""),
            };
            csv.push_str(&format!(
                "S{month}-{number},P1,{lane},{service},LTL,UTC,UTC,2025-{month:02}-{day:02}T17:00Z,\
                 2025-{month:02}-{day:02}T{hour}:00Z,{reason},{excused}\n"
            ));
        }
    }
    csv
}

fn scope(code: &str, change: fn(&mut Scope)) -> Scope {
    let mut scope = Scope { code: code.to_owned(), title: code.to_lowercase(), ..Scope::default() };
    change(&mut scope);
    scope
}

/// The template with on-time deliveries of a service, of a lane, and of a lane's express freight.
fn template() -> Template {
    let lanes = |code: &str| BTreeSet::from([code.to_owned()]);
    let mut template = Template {
        scopes: vec![
            scope("EXPRESS", |one| one.service = "Express".to_owned()),
            Scope { lanes: lanes("A-B"), ..scope("FIRST", |_| ()) },
            Scope { lanes: lanes("A-B"), ..scope("BOTH", |one| one.service = "Express".to_owned()) },
            scope("ROAD", |one| one.mode = "LTL".to_owned()),
        ],
        ..sc1_template()
    };
    let line = |code: &str, weight: i64| TemplateKpi {
        code: code.to_owned(),
        weight: Decimal::from(weight),
        scale: Some(Scale::linear(Decimal::from(50), Decimal::from(90), Decimal::from(99))),
        critical: false,
        gate: false,
        volume: Volume::Proportion,
        unit: "point".to_owned(),
    };
    let first = &mut template.categories[0];
    first.kpis = vec![
        line("OTD_WIN", 8),
        line("OTD_WIN@EXPRESS", 8),
        line("OTD_WIN@FIRST", 8),
        line("OTD_WIN@BOTH", 8),
        line("OTD_WIN@ROAD", 8),
    ];
    assert_eq!(template.problems(), []);
    template
}

fn staged(app: &App) -> i64 {
    load(app, ImportKind::Shipments, &facts());
    refreshed(app);
    let mut db = conn(app);
    template_insert(&mut db, 7, &template(), day("2020-01-01"), "test", Instant(at("2020-01-01T00:00:00Z")))
        .unwrap();
    drop(db);
    score_due(app, app.now(), None).unwrap();
    partner(app, "P1")
}

/// References behind a line of June.
fn listed(app: &App, found: &Published, code: &str, pick: Pick) -> Vec<String> {
    let scoped = found.snapshot.scoped_of(code);
    let scope = scoped.map(|one| (one.scope.clone(), one.lane_ids.clone()));
    let part = Part { scope, ..Part::default() };
    let of = (found.row.partner_id, period("2025-06"), app.now());
    let listed =
        behind(&mut conn(app), &Viewer::system(), of, (Kpi::OtdWin, pick, &part), (None, 100)).unwrap();
    let Rows::Shipments(rows) = listed.rows else { panic!("shipments") };
    rows.into_iter().map(|row| row.reference).collect()
}

#[test]
fn a_line_counts_its_part_and_its_list_has_exactly_that() {
    on_both(|app| {
        let id = staged(app);
        let found = read(app, id, "2025-06").unwrap();
        let counted = |code: &str| {
            let value = &found.snapshot.evidence_of(code).unwrap().value;
            (value.n, value.excused, value.numerator.to_i64().unwrap())
        };
        assert_eq!(counted("OTD_WIN"), (39, 1, 35));
        assert_eq!(counted("OTD_WIN@EXPRESS"), (19, 1, 15), "every late one is express");
        assert_eq!(counted("OTD_WIN@FIRST"), (19, 1, 15));
        assert_eq!(counted("OTD_WIN@BOTH"), (9, 1, 5));
        assert_eq!(counted("OTD_WIN@ROAD"), counted("OTD_WIN"));
        for code in ["OTD_WIN", "OTD_WIN@EXPRESS", "OTD_WIN@FIRST", "OTD_WIN@BOTH", "OTD_WIN@ROAD"] {
            let (n, excused, good) = counted(code);
            let lists = [Pick::Success, Pick::Missed, Pick::Excused]
                .map(|pick| listed(app, &found, code, pick).len());
            let counts = [good, n - good, excused].map(|count| usize::try_from(count).unwrap());
            assert_eq!(lists, counts, "{code}");
        }
        let line = found.snapshot.result.kpi("OTD_WIN@BOTH").unwrap();
        assert_eq!(line.words(), "9 counted, 10 needed", "a part has its own volume");
        let line = found.snapshot.result.kpi("OTD_WIN@EXPRESS").unwrap();
        assert!(line.score.is_some());
        assert_eq!(found.snapshot.kpi_name("OTD_WIN@EXPRESS"), "Delivery on time, window: express");
        assert!(!found.snapshot.reading("OTD_WIN@EXPRESS").by_chart, "the chart is of everything");
        let before = &found.snapshot.scoped_of("OTD_WIN@FIRST").unwrap().evidence;
        assert_eq!(before.previous_n, 20, "May is compared by the same part");
        assert_eq!(verify_scorecards(&mut conn(app)).unwrap().0, vec![]);
        // Quarters sum the same way.
        let quarter = read(app, id, "2025-Q2").unwrap();
        assert_eq!(quarter.snapshot.evidence_of("OTD_WIN@FIRST").unwrap().value.n, 39);
    });
}

#[test]
fn reasons_are_told_worst_first_and_each_leads_to_its_shipments() {
    on_both(|app| {
        let id = staged(app);
        let found = read(app, id, "2025-06").unwrap();
        let misses = found.snapshot.misses.as_ref().unwrap();
        let told: Vec<_> =
            misses.reasons.iter().map(|one| (one.given.code(), one.failed, one.excused)).collect();
        assert_eq!(told, [("AI", 2, 0), ("NONE", 1, 0), ("OTHER", 1, 0), ("B1", 0, 1)]);
        for one in &misses.reasons {
            let part = Part { given: Some(one.given), ..Part::default() };
            let of = (id, period("2025-06"), app.now());
            for (pick, count) in [(Pick::Missed, one.failed), (Pick::Excused, one.excused)] {
                let of_kpi = (misses.kpi, pick, &part);
                let rows = behind(&mut conn(app), &Viewer::system(), of, of_kpi, (None, 100)).unwrap().rows;
                let Rows::Shipments(rows) = rows else { panic!("shipments") };
                assert_eq!(i64::try_from(rows.len()).unwrap(), count, "{} {pick:?}", one.given.code());
            }
        }
    });
}

#[test]
fn a_bundle_makes_scopes_reasons_and_the_standing_again() {
    on_both(|app| {
        let id = staged(app);
        for of in ["2025-06", "2025-Q2", "2025-05"] {
            let found = read(app, id, of).unwrap();
            let mut db = conn(app);
            let who = partner_show(&mut db, &Viewer::system(), id).unwrap().unwrap();
            let archive = bundle(&mut db, &Viewer::system(), &who, &found, app.now()).unwrap().unwrap();
            let report = check_bundle(Cursor::new(&archive)).unwrap();
            assert_eq!(report.problems, Vec::<String>::new(), "{of}");
            assert_eq!(report.manifest.moved_since, Vec::<String>::new(), "{of}");
            assert_eq!(
                report.standing.is_empty(),
                found.snapshot.standing.is_none(),
                "{of}: {}",
                report.standing
            );
        }
        assert!(read(app, id, "2025-Q2").unwrap().snapshot.standing.is_some());
    });
}
