//! The chart of accounts: under which numbers and names accounts are shown and exported.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::app::books::chart::{chart_set, chart_view};
use crate::app::edit::EditError;
use crate::domain::books::chart::Called;
use crate::domain::ledger::Account;
use crate::domain::viewer::Action;
use crate::domain::words;
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};
use crate::web::show;

struct Line {
    code: &'static str,
    meaning: &'static str,
    number: String,
    name: String,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "books/accounts.html")]
struct AccountsPage {
    page: Page,
    may: bool,
    lines: Vec<Line>,
    history: Vec<[String; 3]>,
    notice: Option<String>,
}

async fn answer(
    me: &SignedIn,
    sent: Option<&Form>,
    refusal: Option<EditError>,
) -> Result<HttpResponse, WebError> {
    let (chart, history) = me.in_db(|unit| chart_view(unit.db, unit.viewer)).await?;
    let (errors, notice, status) = match refusal {
        None => (Vec::new(), None, StatusCode::OK),
        Some(EditError::Invalid(errors)) => {
            let words = Some("Some accounts need attention; nothing was kept.".to_owned());
            (errors, words, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Some(other) => return Err(other.into()),
    };
    let lines = Account::ALL.iter().map(|account| {
        let (code, now) = (account.code(), chart.called(*account));
        let own = [format!("number_{code}"), format!("name_{code}")];
        let error = errors.iter().find(|(field, _)| own.contains(field));
        let sent = |name: &String, now: String| sent.map_or(now, |form| form.value(name).to_owned());
        let [number, name] = &own;
        Line {
            code,
            meaning: account.label(),
            number: sent(number, now.number),
            name: sent(name, now.name),
            error: error.map(|(_, words)| crate::web::edit::sentence(words)),
        }
    });
    let accounts_page = AccountsPage {
        page: me.page("Accounts"),
        may: me.viewer.role.may(Action::KeepBooks),
        lines: lines.collect(),
        history: history
            .iter()
            .map(|row| {
                let meaning = Account::from_number(row.account).map_or("", Account::label);
                [
                    meaning.to_owned(),
                    format!("{} {}", row.number, row.name),
                    format!("{}, {} UTC", row.set_by, show::moment(row.set_at.0)),
                ]
            })
            .collect(),
        notice,
    };
    page::html_with(status, &accounts_page)
}

/// `GET /ledger/accounts`
pub(in crate::web) async fn show_chart(me: SignedIn) -> Result<HttpResponse, WebError> {
    answer(&me, None, None).await
}

/// `POST /ledger/accounts`
pub(in crate::web) async fn store(me: SignedIn, form: Form) -> Result<HttpResponse, WebError> {
    let accounts: Vec<(Account, Called)> = Account::ALL
        .iter()
        .map(|account| {
            let value = |name: &str| form.value(&format!("{name}_{}", account.code())).to_owned();
            (*account, Called { number: value("number"), name: value("name") })
        })
        .collect();
    let set =
        me.in_db(move |unit| Ok::<_, WebError>(chart_set(unit.app, unit.db, unit.viewer, &accounts))).await?;
    match set {
        Ok(changed) => {
            me.flash(&format!("{} called otherwise from now on.", words::many(changed, "account")));
            Ok(page::see_other("/ledger/accounts"))
        }
        Err(error) => answer(&me, Some(&form), Some(error)).await,
    }
}
