//! The plan in the partner portal. Everything shown comes from [`OwnPlan`], which holds nothing of anyone
//! else.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;

use super::{answer_words, csv, iso_week, zone_word};
use crate::app::plan::show::{OwnPlan, OwnWeek, plan_own};
use crate::app::plan::{AnswerError, plan_answer, plan_commit_all};
use crate::domain::capacity::{Answer, MAX_REASON_CHARS, Zone};
use crate::domain::words;
use crate::web::download::download_csv;
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Weeks with a form on one page.
const MAX_FORMS: usize = 120;

struct Line {
    key: String,
    lane_id: i64,
    lane: String,
    week: NaiveDate,
    number: u32,
    days: String,
    zone: &'static str,
    asked: i32,
    contract: i32,
    /// `+2 above, surge` or `within`.
    against: String,
    suggested: i32,
    answer: String,
    is_answered: bool,
    /// What is wrong with the answer just sent for this line.
    error: Option<String>,
    reason: String,
}

#[derive(Template)]
#[template(path = "plan/own.html")]
struct OwnPage {
    page: Page,
    plan: Option<Own>,
    max_reason: usize,
}

struct Own {
    id: i64,
    as_of: String,
    deadline: String,
    is_closed: bool,
    /// Weeks 3 to 6 that wait for an answer.
    open: Vec<Line>,
    /// Later weeks and answered ones that may still be answered otherwise.
    later: Vec<Line>,
    /// Weeks that nobody can change.
    standing: Vec<Line>,
    /// What the one button commits: every week of `open`, and no other.
    commit_words: Option<String>,
    left_out: usize,
}

impl From<AnswerError> for WebError {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::NotFound => Self::NotFound,
            AnswerError::Db(error) => error.into(),
            other => Self::Conflict(other.to_string()),
        }
    }
}

fn line(week: OwnWeek, sent: Option<&Sent>) -> Line {
    let end = week.week + chrono::Days::new(6);
    let above = week.asked.saturating_sub(week.contract);
    let sent = sent.filter(|sent| sent.lane == week.lane_id && sent.week == week.week);
    Line {
        key: format!("{}-{}", week.lane_id, week.week),
        number: iso_week(week.week),
        days: format!("{} to {}", week.week.format("%-d %b"), end.format("%-d %b")),
        zone: zone_word(Some(week.zone)),
        against: if above > 0 { format!("+{above} above") } else { "within".to_owned() },
        suggested: week.answer_units.unwrap_or(week.asked.min(week.contract)),
        answer: answer_words(&week.state, week.answer_units, &week.answer_reason),
        is_answered: week.state != "SHARED",
        error: sent.map(|sent| sent.error.clone()),
        reason: sent.map_or(week.answer_reason, |sent| sent.reason.clone()),
        lane_id: week.lane_id,
        lane: week.lane,
        week: week.week,
        asked: week.asked,
        contract: week.contract,
    }
}

/// A refused answer, to be shown again beside its week.
struct Sent {
    lane: i64,
    week: NaiveDate,
    reason: String,
    error: String,
}

fn own_view(plan: OwnPlan, sent: Option<&Sent>) -> Own {
    let (mut open, mut later, mut standing) = (Vec::new(), Vec::new(), Vec::new());
    for week in plan.weeks {
        let into = match (week.is_open, week.zone, week.state.as_str()) {
            (false, ..) => &mut standing,
            (true, Zone::Committed, "SHARED") => &mut open,
            (true, ..) => &mut later,
        };
        into.push(line(week, sent));
    }
    let commit_words = (open.len() > 1).then(|| commit_words(&open));
    let room = MAX_FORMS.saturating_sub(open.len().min(MAX_FORMS));
    let left_out = open.len().saturating_sub(MAX_FORMS) + later.len().saturating_sub(room);
    open.truncate(MAX_FORMS);
    later.truncate(room);
    Own {
        id: plan.plan_id,
        as_of: show::day(plan.as_of),
        deadline: show::weekday(plan.deadline),
        is_closed: plan.is_closed,
        open,
        later,
        standing,
        commit_words,
        left_out,
    }
}

/// `Commit all 41 loads of these 12 lane weeks`
fn commit_words(open: &[Line]) -> String {
    let loads: i64 = open.iter().map(|line| i64::from(line.asked)).sum();
    format!("Commit all {} of these {}", words::count(loads, "load"), words::many(open.len(), "lane week"))
}

async fn own_page(me: &SignedIn, sent: Option<&Sent>) -> Result<OwnPage, WebError> {
    let plan = me.in_app(plan_own).await?;
    Ok(OwnPage {
        page: me.page("Your plan"),
        plan: plan.map(|plan| own_view(plan, sent)),
        max_reason: MAX_REASON_CHARS,
    })
}

/// `GET /portal/plan`
pub(in crate::web) async fn own(me: SignedIn) -> Result<HttpResponse, WebError> {
    page::html(&own_page(&me, None).await?)
}

/// `GET /portal/plan.csv`
pub(in crate::web) async fn own_csv(me: SignedIn) -> Result<HttpResponse, WebError> {
    let plan = me.in_app(plan_own).await?.ok_or(WebError::NotFound)?;
    let rows = plan.weeks.iter().map(|week| {
        [
            week.lane.clone(),
            week.week.to_string(),
            zone_word(Some(week.zone)).to_owned(),
            week.asked.to_string(),
            week.contract.to_string(),
            week.state.clone(),
            week.answer_units.map(|units| units.to_string()).unwrap_or_default(),
            week.answer_reason.clone(),
        ]
    });
    let header = ["lane", "week", "zone", "asked", "contract", "state", "answered_loads", "reason"];
    download_csv(&format!("plan-{}.csv", plan.as_of), csv(header, rows))
}

/// `POST /portal/plan/{plan}/answers`
pub(in crate::web) async fn answer(
    me: SignedIn,
    plan: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let plan = plan.into_inner();
    let (Some(lane), Some(week)) = (form.read::<i64>("lane", ""), form.read::<NaiveDate>("week", "")) else {
        return Err(WebError::BadRequest("Name the lane and the week you answer for.".to_owned()));
    };
    let reason = form.value("reason").to_owned();
    let answer = match form.value("answer") {
        "commit" => Ok(Answer::Commit),
        "decline" => Ok(Answer::Decline),
        "counter" => form
            .value("loads")
            .parse::<i64>()
            .map(|loads| Answer::Counter { loads, reason: reason.clone() })
            .map_err(|_| "Write the loads you can take as a whole number, such as 14.".to_owned()),
        _ => return Err(WebError::BadRequest("Choose commit, counter or decline.".to_owned())),
    };
    let refused = match answer {
        Err(words) => words,
        Ok(answer) => {
            let sent = answer.clone();
            // The outer result is the thread's, the inner one the plan's word on the answer.
            let result = me
                .in_app(move |app, viewer| {
                    Ok::<_, WebError>(plan_answer(app, viewer, plan, lane, week, &sent))
                })
                .await?;
            match result {
                Ok(()) => {
                    me.flash(&thanks(&answer, week));
                    return Ok(page::see_other("/portal/plan"));
                }
                Err(AnswerError::Cell(refusal)) => sentence(&refusal.to_string()),
                Err(refusal @ AnswerError::TooMany(_)) => sentence(&refusal.to_string()),
                Err(other) => return Err(other.into()),
            }
        }
    };
    let sent = Sent { lane, week, reason, error: refused };
    page::html_with(StatusCode::UNPROCESSABLE_ENTITY, &own_page(&me, Some(&sent)).await?)
}

fn thanks(answer: &Answer, week: NaiveDate) -> String {
    let week = iso_week(week);
    match answer {
        Answer::Commit => format!("Week {week}: you committed."),
        Answer::Counter { loads, .. } => format!("Week {week}: your offer of {loads} was sent."),
        Answer::Decline => format!("Week {week}: you declined; your contract’s loads stand."),
    }
}

/// The message as a sentence of its own.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let start: String = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{start}{}.", letters.as_str())
}

/// `POST /portal/plan/{plan}/commitment`
pub(in crate::web) async fn commit_all(me: SignedIn, plan: web::Path<i64>) -> Result<HttpResponse, WebError> {
    let plan = plan.into_inner();
    let count = me.in_app(move |app, viewer| plan_commit_all(app, viewer, plan)).await?;
    me.flash(&match count {
        0 => "Nothing waited for an answer.".to_owned(),
        n => format!("You committed {}.", words::many(n, "lane week")),
    });
    Ok(page::see_other("/portal/plan"))
}
