//! One clause over months of history: what it comes to, what the caps take, what the partner could contest, and how much
//! hangs on its figures.

use actix_web::{HttpResponse, web};
use askama::Template;
use rust_decimal::Decimal;

use crate::app::accrual::AccrualError;
use crate::app::accrual::simulate::{MONTHS_MAX, MonthSum, Simulation, Step, simulate};
use crate::app::contract::{ContractPage, contract_show};
use crate::domain::money::Micros;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::terms::Clause;
use crate::domain::words;
use crate::report::chart::{Line, LineText, line_chart};
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Months replayed when none are named.
const MONTHS_USUAL: usize = 6;
/// Obligations listed with their steps.
const OBLIGATIONS_SHOWN: usize = 20;

/// A row of figures.
struct SumRow {
    name: String,
    obligations: String,
    uncapped: String,
    forgone: String,
    owed: String,
}

impl SumRow {
    fn of(name: String, sum: &MonthSum) -> Self {
        Self {
            name,
            obligations: show::count(sum.obligations),
            uncapped: show::money(sum.uncapped),
            forgone: show::money(sum.forgone),
            owed: show::money(sum.owed),
        }
    }
}

/// A drawing of what the total would be with one figure changed, and the table behind it.
struct Sensitivity {
    id: &'static str,
    heading: String,
    drawing: String,
    /// Figure, total, difference, whether it is the clause's own.
    rows: Vec<(String, String, String, bool)>,
}

/// What came of a replay.
struct Outcome {
    total: SumRow,
    months: Vec<SumRow>,
    drawing: String,
    /// Which cap, how often, how much.
    caps: Vec<(&'static str, String, String)>,
    /// What, how many, what it means.
    contest: Vec<(&'static str, String, &'static str)>,
    sensitivities: Vec<Sensitivity>,
    unpriced: String,
    /// When or what, amount, steps.
    obligations: Vec<(String, String, Vec<String>)>,
    more: usize,
}

#[derive(Template)]
#[template(path = "contract/simulation.html")]
struct SimulationPage {
    page: Page,
    contract_id: i64,
    number: String,
    version_no: i32,
    currency: String,
    clause: String,
    /// Code and title of every clause of the version.
    clauses: Vec<(String, String)>,
    lines: Vec<String>,
    from: String,
    to: String,
    error: Option<String>,
    outcome: Option<Outcome>,
}

/// The months asked for, first and last, or the usual ones before `this_month`.
fn months(asked: &Form, this_month: Period) -> Result<(Period, Period), String> {
    let read = |name: &str| match asked.value(name) {
        "" => Ok(None),
        text => match text.parse::<Period>() {
            Ok(month) if month.kind() == PeriodKind::Month => Ok(Some(month)),
            _ => Err(format!("`{text}` is not a month; write one as 2025-05.")),
        },
    };
    let last = read("to")?.unwrap_or_else(|| this_month.previous());
    let usual = (1..MONTHS_USUAL).fold(last, |month, _| month.previous());
    let first = read("from")?.unwrap_or(usual);
    let count = std::iter::successors(Some(first), |month| Some(month.next()))
        .take_while(|month| *month <= last)
        .take(MONTHS_MAX.saturating_add(1))
        .count();
    match count {
        0 => Err("The first month must not lie after the last.".to_owned()),
        n if n > MONTHS_MAX => Err(format!("A page replays {MONTHS_MAX} months at most; ask for fewer.")),
        _ => Ok((first, last)),
    }
}

/// `GET /contracts/{id}/simulation?version=2&clause=7.2&from=2025-01&to=2025-06`
pub(in crate::web) async fn show(
    me: SignedIn,
    id: web::Path<i64>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let (id, asked) = (id.into_inner(), Form::filled(query.into_inner()));
    let version = asked.value("version").parse().ok();
    let code = asked.value("clause").to_owned();
    let (found, clause, months, answer) = me
        .in_db(move |unit| {
            let found = contract_show(unit.app, unit.db, unit.viewer, id, version)?;
            let clause = match code.as_str() {
                "" => found.terms.clauses.first().cloned(),
                code => found.terms.clauses.iter().find(|clause| clause.code == code).cloned(),
            };
            let months = months(&asked, Period::containing(PeriodKind::Month, found.today));
            let answer = match (&clause, &months) {
                (None, _) => Ok(None),
                (_, Err(wrong)) => Err(wrong.clone()),
                (Some(clause), Ok((first, last))) => {
                    let days = (first.start(), last.end());
                    match simulate(unit.db, unit.viewer, &found.terms, &clause.code, days) {
                        Ok(simulation) => Ok(simulation),
                        Err(AccrualError::Db(error)) => return Err(error.into()),
                        Err(error) => Err(error.to_string()),
                    }
                }
            };
            let shown = months.ok().map(|(first, last)| (first.to_string(), last.to_string()));
            let typed = (asked.value("from").to_owned(), asked.value("to").to_owned());
            Ok::<_, WebError>((found, clause, shown.unwrap_or(typed), answer))
        })
        .await?;
    if clause.is_none() && !found.terms.clauses.is_empty() {
        return Err(WebError::NotFound);
    }
    page::html(&view(&me, &found, clause.as_ref(), months, answer))
}

fn view(
    me: &SignedIn,
    found: &ContractPage,
    clause: Option<&Clause>,
    (from, to): (String, String),
    answer: Result<Option<Simulation>, String>,
) -> SimulationPage {
    let currency = found.contract.currency.code().to_owned();
    let title = clause.map_or_else(String::new, |clause| format!("clause {}, {}", clause.code, clause.title));
    let (outcome, error) = match answer {
        Err(error) => (None, Some(error)),
        Ok(simulation) => {
            (simulation.zip(clause).map(|(simulation, clause)| outcome(&simulation, clause, &currency)), None)
        }
    };
    SimulationPage {
        page: me.page(format!("Replay of {title}")),
        contract_id: found.contract.id,
        number: found.contract.number.clone(),
        version_no: found.version.version,
        currency,
        clause: clause.map(|clause| clause.code.clone()).unwrap_or_default(),
        clauses: found
            .terms
            .clauses
            .iter()
            .map(|clause| (clause.code.clone(), format!("{}, {}", clause.code, clause.title)))
            .collect(),
        lines: clause.map(|clause| clause.terms.explain()).unwrap_or_default(),
        from,
        to,
        error,
        outcome,
    }
}

fn outcome(simulation: &Simulation, clause: &Clause, currency: &str) -> Outcome {
    let months = simulation.months.iter().map(|(month, sum)| SumRow::of(month.title(), sum));
    let labels: Vec<String> = simulation.months.keys().map(|month| month.number()).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let noun = clause.terms.sign.noun();
    let line = |name: &str, alternative, value: fn(&MonthSum) -> Micros| Line {
        name: name.to_owned(),
        note: String::new(),
        values: simulation.months.values().map(|sum| Some(value(sum).decimal())).collect(),
        alternative,
    };
    let lines = [line("Owed", false, |sum| sum.owed), line("Without caps", true, |sum| sum.uncapped)];
    let title = format!("What the {noun} comes to by month, {currency}");
    let text = LineText { id: "simulation-months", title: &title, zero: Some("Nothing") };
    let shown = simulation.obligations.iter().filter(|target| target.uncapped > Micros::ZERO);
    let obligations: Vec<_> = shown
        .map(|target| {
            let when = target.obligation_period.title();
            (when, show::money(target.amount), target.steps.clone())
        })
        .collect();
    let threshold = clause.terms.threshold_name().unwrap_or("Threshold");
    let sensitivities = [
        sensitivity(
            "by-threshold",
            format!("By {}", threshold.to_lowercase()),
            &simulation.by_threshold,
            currency,
        ),
        sensitivity(
            "by-price",
            "By price, in % of the one written".to_owned(),
            &simulation.by_price,
            currency,
        ),
    ];
    Outcome {
        total: SumRow::of("All months".to_owned(), &simulation.total),
        months: months.collect(),
        drawing: line_chart(&lines, &labels, &text),
        caps: simulation
            .caps
            .iter()
            .map(|(level, cap)| (level.label(), show::count(cap.times), show::money(cap.amount)))
            .collect(),
        contest: contest(simulation),
        sensitivities: sensitivities.into_iter().flatten().collect(),
        unpriced: match simulation.unpriced {
            0 => String::new(),
            n => format!("{} left out, without a charge so far.", words::many(n, "late shipment")),
        },
        more: obligations.len().saturating_sub(OBLIGATIONS_SHOWN),
        obligations: obligations.into_iter().take(OBLIGATIONS_SHOWN).collect(),
    }
}

fn contest(simulation: &Simulation) -> Vec<(&'static str, String, &'static str)> {
    let Some(contest) = simulation.contestable else { return Vec::new() };
    vec![
        (
            "Misses without evidence",
            show::count(contest.no_evidence),
            "Proof that arrives turns them into successes.",
        ),
        (
            "Exclusions that wait for a decision",
            show::count(contest.pending),
            "Those that are approved cost nothing.",
        ),
        (
            "Misses excused already",
            show::count(contest.excused),
            "They cost nothing, and are not counted above.",
        ),
    ]
}

/// None where no figure of this kind can be changed.
fn sensitivity(id: &'static str, heading: String, steps: &[Step], currency: &str) -> Option<Sensitivity> {
    let own = steps.iter().find(|step| step.is_own)?.owed;
    let labels: Vec<&str> = steps.iter().map(|step| step.label.as_str()).collect();
    let values: Vec<Option<Decimal>> = steps.iter().map(|step| Some(step.owed.decimal())).collect();
    let lines = [Line { name: "Total".to_owned(), note: String::new(), values, alternative: false }];
    let title = format!("Total of all months, {currency}. {heading}");
    let rows = steps.iter().map(|step| {
        let difference = step.owed - own;
        let sign = if difference > Micros::ZERO { "+" } else { "" };
        let shown =
            if step.is_own { "as written".to_owned() } else { format!("{sign}{}", show::money(difference)) };
        (step.label.clone(), show::money(step.owed), shown, step.is_own)
    });
    Some(Sensitivity {
        id,
        drawing: line_chart(
            &lines,
            &labels,
            &LineText { id: &format!("{id}-chart"), title: &title, zero: Some("Nothing") },
        ),
        heading,
        rows: rows.collect(),
    })
}
