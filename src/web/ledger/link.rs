//! The addresses of lists of entries: what the page is asked for, and the list that comes to a figure of another page.

use serde::Deserialize;
use url::form_urlencoded;

use super::{bad, month_of, optional};
use crate::app::ledger::view::{LedgerQuery, Since};
use crate::domain::clause::Reason;
use crate::domain::ledger::{Account, ItemState, Recognition};
use crate::domain::period::Period;
use crate::web::page::WebError;

/// The query of the page, as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Params {
    pub month: String,
    /// `start`, or the first month of several.
    pub from: String,
    pub partner: String,
    pub clause: String,
    pub period: String,
    /// One state, or several with commas between.
    pub state: String,
    /// One account, or several.
    pub account: String,
    /// One reason, or several.
    pub reason: String,
    /// `GL` or `MEMO`.
    pub goes: String,
    /// `yes` or `no`.
    pub exported: String,
    pub after: String,
}

/// The names of the filters of entries, as they are in an address.
const FILTERS: [&str; 9] =
    ["from", "partner", "clause", "period", "state", "account", "reason", "goes", "exported"];

/// Values with commas between them, each once, in order.
fn many<T: Ord>(text: &str, read: impl Fn(&str) -> Result<T, WebError>) -> Result<Vec<T>, WebError> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut found = parts.map(read).collect::<Result<Vec<T>, WebError>>()?;
    found.sort();
    found.dedup();
    Ok(found)
}

fn code<T: std::str::FromStr<Err: ToString>>(text: &str) -> Result<T, WebError> {
    text.parse().map_err(|error: T::Err| bad(&error))
}

fn account(text: &str) -> Result<Account, WebError> {
    Account::from_number(code(text)?).map_err(|error| bad(&error))
}

impl Params {
    pub(super) fn query(&self) -> Result<LedgerQuery, WebError> {
        let since = match self.from.trim() {
            "start" => Some(Since::Start),
            text => month_of(text)?.map(Since::Month),
        };
        let exported = match self.exported.trim() {
            "" => None,
            "yes" => Some(true),
            "no" => Some(false),
            other => return Err(WebError::BadRequest(format!("`{other}` is neither yes nor no."))),
        };
        let clause = self.clause.trim();
        Ok(LedgerQuery {
            month: month_of(&self.month)?,
            since,
            partner_id: optional(&self.partner)?,
            clause: (!clause.is_empty()).then(|| clause.to_owned()),
            obligation_period: optional(&self.period)?,
            states: many(&self.state, code::<ItemState>)?,
            accounts: many(&self.account, account)?,
            reasons: many(&self.reason, code::<Reason>)?,
            recognition: optional::<Recognition>(&self.goes)?,
            exported,
            after: optional(&self.after)?,
        })
    }

    fn value(&self, name: &str) -> &str {
        match name {
            "month" => &self.month,
            "from" => &self.from,
            "partner" => &self.partner,
            "clause" => &self.clause,
            "period" => &self.period,
            "state" => &self.state,
            "account" => &self.account,
            "reason" => &self.reason,
            "goes" => &self.goes,
            "exported" => &self.exported,
            _ => "",
        }
    }

    /// An address with these parameters, some of them changed; empty ones are left out.
    pub(super) fn link(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let changed = |name: &str| changes.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
        let names = std::iter::once("month").chain(FILTERS).chain(std::iter::once("after"));
        address(path, names.map(|name| (name, changed(name).unwrap_or_else(|| self.value(name)))))
    }

    /// The same month with all its entries.
    pub(super) fn unfiltered(&self, path: &str) -> String {
        self.link(path, &FILTERS.map(|name| (name, "")))
    }

    /// What is filtered by and has no field in the form.
    pub(super) fn hidden(&self) -> Vec<(&'static str, String)> {
        let names = ["month", "from", "clause", "goes", "exported"];
        let kept = names.into_iter().map(|name| (name, self.value(name).to_owned()));
        kept.filter(|(_, value)| !value.is_empty()).collect()
    }
}

fn address<'a>(path: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The entries behind a figure. The page of entries adds up what they do to the accounts, which is the figure.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct EntriesOf {
    /// The month of posting, or the last of several; the last with entries when none.
    pub month: Option<Period>,
    /// Where earlier months begin that count too.
    pub since: Option<Since>,
    /// Of this partner only.
    pub partner_id: Option<i64>,
    /// About the clause with this number.
    pub clause: String,
    /// About obligations of this period.
    pub period: Option<Period>,
    /// About items in these states.
    pub states: Vec<ItemState>,
    /// With lines on these accounts.
    pub accounts: Vec<Account>,
    /// Made for these reasons.
    pub reasons: Vec<Reason>,
    /// That go there.
    pub recognition: Option<Recognition>,
    /// That are in a batch, or in none.
    pub exported: Option<bool>,
}

impl EntriesOf {
    /// The address of the list, which stands below the month's balances.
    pub(in crate::web) fn href(&self) -> String {
        let text = |period: Option<Period>| period.map(|period| period.to_string()).unwrap_or_default();
        let codes = |codes: Vec<&str>| codes.join(",");
        let params = Params {
            month: text(self.month),
            from: match self.since {
                None => String::new(),
                Some(Since::Start) => "start".to_owned(),
                Some(Since::Month(month)) => month.to_string(),
            },
            partner: self.partner_id.map(|id| id.to_string()).unwrap_or_default(),
            clause: self.clause.clone(),
            period: text(self.period),
            state: codes(self.states.iter().map(|state| state.code()).collect()),
            account: codes(self.accounts.iter().map(|account| account.code()).collect()),
            reason: codes(self.reasons.iter().map(|reason| reason.code()).collect()),
            goes: self.recognition.map(|goes| goes.code().to_owned()).unwrap_or_default(),
            exported: match self.exported {
                None => String::new(),
                Some(true) => "yes".to_owned(),
                Some(false) => "no".to_owned(),
            },
            after: String::new(),
        };
        format!("{}#en", params.link("/ledger", &[]))
    }

    /// All that was ever posted up to the end of a month: what stands then.
    pub(in crate::web) fn up_to(month: Period, accounts: &[Account]) -> Self {
        Self { month: Some(month), since: Some(Since::Start), accounts: accounts.to_vec(), ..Self::default() }
    }
}
