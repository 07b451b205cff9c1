//! The holidays that deadlines about money skip: the next ones, and the list for whoever may change it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::NaiveDate;

use crate::app::dispute::holidays;
use crate::app::setting::holidays_set;
use crate::domain::holiday::Holidays;
use crate::domain::viewer::Action;
use crate::domain::words;
use crate::web::edit::refuse;
use crate::web::extract::{Form, SignedIn, Unit};
use crate::web::page::{self, Page, WebError};
use crate::web::show;

/// Holidays to come that are shown.
const NEXT_SHOWN: usize = 8;

/// A holiday to come: its day, its name, and since when it is on the list.
struct Line {
    day: String,
    left: String,
    name: String,
    since: String,
}

#[derive(Template)]
#[template(path = "dispute/holidays.html")]
struct HolidaysPage {
    page: Page,
    lines: Vec<Line>,
    /// How many there are on the list, and how many of them are to come.
    count: String,
    may_set: bool,
    /// The list that the form began with.
    seen: String,
    form: Form,
    notice: Option<String>,
}

fn found(unit: &mut Unit<'_>) -> Result<(NaiveDate, std::sync::Arc<Holidays>), WebError> {
    Ok((unit.app.today(unit.db)?, holidays(unit.db)?))
}

fn days_left(today: NaiveDate, day: NaiveDate) -> String {
    match day.signed_duration_since(today).num_days() {
        0 => "today".to_owned(),
        days => format!("in {}", words::count(days, "day")),
    }
}

fn holidays_page(
    me: &SignedIn,
    today: NaiveDate,
    list: &Holidays,
    form: Option<Form>,
    notice: Option<String>,
) -> HolidaysPage {
    let now = list.now();
    let coming: Vec<_> = now.iter().filter(|holiday| holiday.day >= today).collect();
    HolidaysPage {
        page: me.page("Holidays of deadlines"),
        lines: coming
            .iter()
            .take(NEXT_SHOWN)
            .map(|holiday| Line {
                day: show::weekday_long(holiday.day),
                left: days_left(today, holiday.day),
                name: holiday.name.clone(),
                since: show::day(holiday.since),
            })
            .collect(),
        count: format!(
            "{} on the list, {} to come",
            words::many(now.len(), "day"),
            words::figure(coming.len())
        ),
        may_set: me.viewer.role.may(Action::ApproveMoney),
        seen: list.words(),
        form: form.unwrap_or_else(|| Form::filled([("holidays", list.written("\n"))])),
        notice,
    }
}

/// `GET /disputes/holidays`
pub(in crate::web) async fn show_holidays(me: SignedIn) -> Result<HttpResponse, WebError> {
    let (today, list) = me.in_db(|mut unit| found(&mut unit)).await?;
    page::html(&holidays_page(&me, today, &list, None, None))
}

/// `POST /disputes/holidays`
pub(in crate::web) async fn set_holidays(me: SignedIn, mut form: Form) -> Result<HttpResponse, WebError> {
    let (seen, text) = (form.value("seen").to_owned(), form.value("holidays").to_owned());
    let done = me
        .in_db(move |unit| Ok::<_, WebError>(holidays_set(unit.app, unit.db, unit.viewer, (&seen, &text))))
        .await?;
    let Err(error) = done else {
        me.flash("The list of holidays is kept. Deadlines that began today or before keep their day.");
        return Ok(page::see_other("/disputes/holidays"));
    };
    let refusal = refuse(&mut form, error, &[("holidays", "holidays")])?;
    let (today, list) = me.in_db(|mut unit| found(&mut unit)).await?;
    // After a conflict the list is shown as it is by now; what was typed is in the way of looking at it.
    let form = (refusal.status != StatusCode::CONFLICT).then_some(form);
    page::html_with(refusal.status, &holidays_page(&me, today, &list, form, refusal.notice))
}
