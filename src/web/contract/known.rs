//! What of a contract was in force on one day, as it was known on another.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::Days;

use super::{RateRow, TargetRow, option_rows, rate_row, rates, target_row};
use crate::app::contract::known::{FuelKnown, Held, KnownAnswer, contract_known};
use crate::domain::known::status_words;
use crate::domain::terms::Change;
use crate::web::edit;
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};
use crate::web::partner::term_words;
use crate::web::show;

/// A version as it was known: its number, its state and its days.
struct VersionRow {
    no: i32,
    state: &'static str,
    days: String,
}

/// A clause in words.
struct ClauseRow {
    code: String,
    title: String,
    lines: Vec<String>,
}

/// What was in force.
struct HeldView {
    version_no: i32,
    state: &'static str,
    days: String,
    rests: String,
    seal: String,
    same: bool,
    limit: String,
    options: Vec<(&'static str, String)>,
    tables: rates::Tables,
    rates: Vec<RateRow>,
    targets: Vec<TargetRow>,
    clauses: Vec<ClauseRow>,
    /// What a price is called, the price, and since when.
    prices: Vec<(String, String, String)>,
    rated_by: String,
}

struct Outcome {
    heading: String,
    summary: String,
    term: Option<String>,
    title: Option<String>,
    notice: String,
    taken_over: bool,
    held: Option<HeldView>,
    versions: Vec<VersionRow>,
    known: i32,
    now: i32,
    changes: Vec<Change>,
}

#[derive(Template)]
#[template(path = "contract/known.html")]
struct KnownPage {
    page: Page,
    contract_id: i64,
    number: String,
    form: Form,
    outcome: Option<Outcome>,
}

/// `GET /contracts/{id}/known?on=2025-04-05&known_on=2025-04-09`
pub(in crate::web) async fn show(
    me: SignedIn,
    id: web::Path<i64>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let mut form = Form::filled(query.into_inner());
    let today = me.in_db(|unit| Ok::<_, WebError>(unit.app.today(unit.db)?)).await?;
    let asked = !form.value("on").is_empty() || !form.value("known_on").is_empty();
    let mut day = |name: &'static str| match form.value(name) {
        "" => Some(today),
        _ => edit::day(&mut form, name),
    };
    let (on, known_on) = (day("on"), day("known_on"));
    let days = on.zip(known_on).unwrap_or((today, today));
    let answer =
        me.in_db(move |unit| contract_known(unit.app, unit.db, unit.viewer, id, days.0, days.1)).await?;
    if !asked {
        form = Form::filled([("on", today.to_string()), ("known_on", today.to_string())]);
    }
    page::html(&KnownPage {
        page: me.page(format!("{} as known on a day", answer.contract.number)),
        contract_id: id,
        number: answer.contract.number.clone(),
        outcome: form.is_sound().then(|| outcome(&answer)),
        form,
    })
}

fn outcome(answer: &KnownAnswer) -> Outcome {
    let [on, known] = [answer.on, answer.known_on].map(show::day);
    let version = |no: Option<i32>| no.map_or_else(|| "nothing".to_owned(), |no| format!("version {no}"));
    let then = answer.held.as_ref().map(|held| held.terms.version_no);
    let same = then == answer.now && answer.changes.is_empty() && answer.otherwise.is_empty();
    let summary = if same {
        format!("As is known now: {}.", version(answer.now))
    } else if then == answer.now {
        let also = answer.otherwise.join(", ");
        let also = if also.is_empty() { also } else { format!(": {also}") };
        format!("The same version as is known now, and some of it was known otherwise{also}.")
    } else {
        format!("As is known now it was {}.", version(answer.now))
    };
    Outcome {
        heading: format!("On {on}, as known on {known}: {}", version(then)),
        summary,
        term: answer.term.as_ref().map(term_words),
        title: answer.held.as_ref().map(|held| held.terms.title.clone()),
        notice: answer.term.as_ref().map_or_else(String::new, |term| {
            format!(
                "{}, {} of notice",
                term.renewal.label(),
                crate::domain::words::count(term.notice_days, "day")
            )
        }),
        taken_over: answer.taken_over,
        held: answer.held.as_ref().map(held_view),
        versions: answer
            .versions
            .iter()
            .map(|one| VersionRow {
                no: one.dates.version_no,
                state: status_words(one.dates.status),
                days: days_words(one.dates.valid_from, one.dates.valid_to),
            })
            .collect(),
        known: then.unwrap_or(0),
        now: answer.now.unwrap_or(0),
        changes: answer.changes.clone(),
    }
}

fn days_words(from: chrono::NaiveDate, to: Option<chrono::NaiveDate>) -> String {
    match to.and_then(|to| to.checked_sub_days(Days::new(1))) {
        Some(last) => format!("{} to {}", show::day(from), show::day(last)),
        None => format!("from {}", show::day(from)),
    }
}

fn held_view(held: &Held) -> HeldView {
    let terms = &held.terms;
    let clause = |clause: &crate::domain::terms::Clause| ClauseRow {
        code: clause.code.clone(),
        title: clause.title.clone(),
        lines: clause.terms.explain(),
    };
    let rests: Vec<String> = terms.rests.iter().map(|(from, to)| days_words(*from, *to)).collect();
    let mut prices: Vec<(String, String, String)> = held.fuel.iter().map(fuel_words).collect();
    prices.extend(held.fx.iter().map(|(pair, rate)| match rate {
        Some(rate) => {
            let since =
                format!("from {}, recorded {}", show::day(rate.valid_on), show::instant(rate.recorded_at));
            (pair.clone(), rate.rate.normalize().to_string(), since)
        }
        None => (pair.clone(), "not known".to_owned(), String::new()),
    }));
    HeldView {
        version_no: terms.version_no,
        state: status_words(terms.status),
        days: days_words(terms.valid_from, terms.valid_to),
        rests: if rests.is_empty() { "no days".to_owned() } else { rests.join(", ") },
        seal: held.seal.clone(),
        same: held.same,
        limit: terms.caps.explain().unwrap_or_else(|| "No limit over all clauses".to_owned()),
        options: option_rows(terms),
        tables: rates::Tables::of_staff(terms.contract_id, terms),
        rates: terms.rates.iter().map(rate_row).collect(),
        targets: terms.targets.iter().map(target_row).collect(),
        clauses: terms.clauses.iter().map(clause).collect(),
        prices,
        rated_by: terms.pricing.terms.parameters.rating_date.label().to_lowercase(),
    }
}

fn fuel_words(fuel: &FuelKnown) -> (String, String, String) {
    let name = format!("{} (charge {})", fuel.index, fuel.code);
    match &fuel.quote {
        Some(quote) => {
            let late = if quote.carried { "; a later one was due" } else { "" };
            let since = format!(
                "published {}, in force from {}{late}",
                show::day(quote.published_on),
                show::day(quote.effective_from)
            );
            (name, show::rate(quote.price), since)
        }
        None => (name, "not known".to_owned(), String::new()),
    }
}
