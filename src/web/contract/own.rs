//! The contract in the partner portal. Everything shown comes from
//! [`OwnContract`], which holds what both sides agreed and nothing else.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{Days, NaiveDate};
use url::form_urlencoded;

use super::attachments::{kind_words, of_words, size_words};
use super::{
    ClauseRow, HASH_CHARS, Owed, RateRow, TargetRow, clause_row, option_rows, outlook, rate_row, target_row,
};
use crate::app::contract::own::{OwnContract, OwnFile, OwnVersion, contract_own};
use crate::domain::contract::ContractVersionStatus;
use crate::domain::terms::Change;
use crate::domain::words;
use crate::web::extract::{Form, SignedIn};
use crate::web::page::{self, Page, WebError};
use crate::web::partner::{Chip, term_words};
use crate::web::show;

/// Where the page is.
const ADDRESS: &str = "/portal/contract";
/// As the partner says it.
pub(super) const THEIRS: Owed = Owed { credit: "credited to the shipper", bonus: "paid to you" };

struct VersionRow {
    no: i32,
    href: String,
    days: String,
    changed: String,
    summary: String,
    state: Chip,
    shown: bool,
}

struct FileRow {
    href: String,
    name: String,
    /// What it is, how large, and of which version.
    words: String,
    sha256: String,
}

fn file_row(file: &OwnFile) -> FileRow {
    FileRow {
        href: format!("/portal/attachments/{}", file.id),
        name: file.name.clone(),
        words: format!(
            "{}, {}, {}",
            kind_words(&file.kind),
            size_words(file.bytes),
            of_words(file.version_no)
        ),
        sha256: file.sha256.clone(),
    }
}

#[derive(Template)]
#[template(path = "contract/own.html")]
struct OwnPage {
    page: Page,
    contract: Option<Shown>,
}

struct Shown {
    heading: String,
    lede: String,
    /// Every contract of the partner, when there are several: title, address, whether it is shown.
    others: Vec<(String, String, bool)>,
    number: String,
    address: &'static str,
    term: String,
    outlook: String,
    notice: String,
    currency: String,
    hash: String,
    limit: String,
    version_no: i32,
    before: Option<i32>,
    changes: Vec<Change>,
    options: Vec<(&'static str, String)>,
    rates: Vec<RateRow>,
    tables: super::rates::Tables,
    blocks: Vec<super::terms::Block>,
    targets: Vec<TargetRow>,
    clauses: Vec<ClauseRow>,
    versions: Vec<VersionRow>,
    files: Vec<FileRow>,
    /// Where to sign the version shown, if it waits for that.
    sign: Option<String>,
}

/// `GET /portal/contract?number=…&version=…`
pub(in crate::web) async fn show(
    me: SignedIn,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let asked = Form::filled(query.into_inner());
    let number = Some(asked.value("number").to_owned()).filter(|number| !number.is_empty());
    let version = asked.value("version").parse().ok();
    let found = me
        .in_db(move |unit| contract_own(unit.app, unit.db, unit.viewer, number.as_deref(), version))
        .await?;
    let title = found.as_ref().map_or_else(|| "Your contract".to_owned(), |found| found.terms.number.clone());
    page::html(&OwnPage { page: me.page(title), contract: found.map(|found| Shown::new(&found, &asked)) })
}

impl Shown {
    fn new(found: &OwnContract, asked: &Form) -> Self {
        let terms = &found.terms;
        let others = if found.all.len() > 1 { found.all.as_slice() } else { &[] };
        let tab =
            |(number, _): &(String, String)| (number.clone(), address(number, None), *number == terms.number);
        Self {
            heading: format!("{}, {}", terms.number, terms.title),
            lede: lede(found),
            others: others.iter().map(tab).collect(),
            number: terms.number.clone(),
            address: ADDRESS,
            term: term_words(&terms.term),
            outlook: outlook(&terms.term),
            notice: words::count(terms.term.notice_days, "day"),
            currency: terms.currency.code().to_owned(),
            hash: terms.hash().chars().take(HASH_CHARS).collect(),
            limit: terms.caps.explain().unwrap_or_else(|| "No limit over all clauses".to_owned()),
            version_no: terms.version_no,
            before: found.before,
            changes: found.redline.clone(),
            options: option_rows(terms),
            sign: (terms.status == ContractVersionStatus::Approved)
                .then(|| super::sign::address(terms.version_id)),
            rates: terms.rates.iter().map(rate_row).collect(),
            tables: super::rates::Tables::of_partner(terms),
            blocks: super::terms::blocks(&terms.pricing.terms, false, asked, &|kind, from| {
                format!("{}&{kind}={from}#{kind}", address(&terms.number, Some(terms.version_no)))
            }),
            targets: terms.targets.iter().map(target_row).collect(),
            clauses: terms.clauses.iter().map(|clause| clause_row(terms, clause, asked, THEIRS)).collect(),
            files: found.files.iter().map(file_row).collect(),
            versions: found.versions.iter().map(|version| version_row(version, found)).collect(),
        }
    }
}

/// Which version is shown, and which one holds.
fn lede(found: &OwnContract) -> String {
    let shown = found.terms.version_no;
    match found.versions.iter().find(|version| version.in_force).map(|version| version.version_no) {
        None if found.terms.status == ContractVersionStatus::Approved => {
            format!("Version {shown} waits for your signature. Nothing is in force today.")
        }
        Some(now) if now == shown => format!("Version {now} is in force. The shipper sees the same text."),
        Some(now) => format!("Version {shown}; version {now} is in force."),
        None => format!("Version {shown}. Nothing is in force today."),
    }
}

/// The page of the contract of that number.
pub(in crate::web) fn address(number: &str, version_no: Option<i32>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("number", number);
    if let Some(version_no) = version_no {
        query.append_pair("version", &version_no.to_string());
    }
    format!("{ADDRESS}?{}", query.finish())
}

fn version_row(version: &OwnVersion, found: &OwnContract) -> VersionRow {
    let (from, to) = version.days;
    let last = to.and_then(|to| to.checked_sub_days(Days::new(1)));
    VersionRow {
        no: version.version_no,
        href: address(&found.terms.number, Some(version.version_no)),
        days: last.map_or_else(
            || format!("from {}", show::day(from)),
            |last| format!("{} to {}", show::day(from), show::day(last)),
        ),
        changed: version.changed.clone(),
        summary: version.summary.clone(),
        state: state(version, from, found.today),
        shown: version.version_no == found.terms.version_no,
    }
}

fn state(version: &OwnVersion, from: NaiveDate, today: NaiveDate) -> Chip {
    if version.status == ContractVersionStatus::Approved {
        Chip::new("info", "clock", "waits for your signature")
    } else if version.status == ContractVersionStatus::Suspended {
        Chip::new("warn", "clock", "suspended")
    } else if version.in_force {
        Chip::new("good", "check", "in force")
    } else if from > today {
        Chip::new("info", "clock", "agreed, not begun")
    } else {
        Chip::new("none", "stop", "over")
    }
}
