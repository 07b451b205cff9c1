//! The KPIs: what each number means, the same words on every page; the catalogue and the shipper's own.

pub(in crate::web) mod own;

use actix_web::{HttpResponse, web};
use askama::Template;

use self::own::{Asked, OwnLine};
use super::extract::SignedIn;
use super::page::{self, Page, WebError};
use super::scorecard::card::threshold;
use crate::app::own_kpi::library;
use crate::app::score::template_today;
use crate::db::DbError;
use crate::db::scorecard::templates_agreed;
use crate::domain::kpi::{Kpi, Shape};
use crate::domain::measure::DAY_BUCKET_MINUTES;
use crate::domain::scorecard::{DEFINITIONS_VERSION, Template as Terms, plain, still_scoring};
use crate::domain::signal::Better;
use crate::domain::viewer::Action;

/// One definition, ready to print.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub code: &'static str,
    pub name: &'static str,
    pub formula: &'static str,
    pub rules: &'static str,
    pub better: &'static str,
    pub unit: &'static str,
    pub weight: Option<String>,
    pub thresholds: Option<[String; 3]>,
    pub critical: bool,
    pub volume: String,
    pub basis: &'static str,
    pub source: &'static str,
}

#[derive(Template)]
#[template(path = "kpi/list.html")]
struct ListPage {
    page: Page,
    version: &'static str,
    /// Version of the template for all.
    template: String,
    /// Whether others are agreed beside it.
    with_others: bool,
    kpis: Vec<Definition>,
    own: Vec<OwnLine>,
    may_edit: bool,
}

#[derive(Template)]
#[template(path = "kpi/page.html")]
struct KpiPage {
    page: Page,
    version: &'static str,
    template: String,
    kpi: Definition,
}

/// `GET /kpis`
pub(super) async fn list(me: SignedIn) -> Result<HttpResponse, WebError> {
    let (terms, library, with_others) = me
        .in_db(|unit| {
            let terms = template_today(unit.db, unit.app.now())?;
            let today = unit.app.today(unit.db)?;
            let agreed = templates_agreed(unit.db)?;
            let shown = terms.as_ref().map(|terms| terms.version.as_str());
            let others =
                still_scoring(&agreed, today).any(|one| Some(one.template.version.as_str()) != shown);
            Ok::<_, DbError>((terms, library(unit.db)?, others))
        })
        .await?;
    let kpis = definitions(terms.as_ref());
    page::html(&ListPage {
        page: me.page("KPIs"),
        version: DEFINITIONS_VERSION,
        template: version(terms.as_ref()),
        with_others,
        kpis,
        own: library.kpis().map(|kpi| OwnLine::of(kpi, terms.as_ref())).collect(),
        may_edit: me.viewer.role.may(Action::EditKpis),
    })
}

/// `GET /kpis/{code}`
pub(super) async fn show(
    me: SignedIn,
    path: web::Path<String>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, WebError> {
    let code = path.into_inner();
    let Ok(kpi) = code.parse::<Kpi>() else { return own::show(&me, code, asked.into_inner()).await };
    let terms = me.in_db(|unit| template_today(unit.db, unit.app.now())).await?;
    page::html(&KpiPage {
        page: me.page(kpi.name()),
        version: DEFINITIONS_VERSION,
        template: version(terms.as_ref()),
        kpi: definition(kpi, terms.as_ref()),
    })
}

fn version(terms: Option<&Terms>) -> String {
    terms.map_or_else(|| "none yet".to_owned(), |t| t.version.clone())
}

/// Every definition with its place in the template.
pub(super) fn definitions(terms: Option<&Terms>) -> Vec<Definition> {
    Kpi::ALL.into_iter().map(|kpi| definition(kpi, terms)).collect()
}

fn definition(kpi: Kpi, terms: Option<&Terms>) -> Definition {
    let text = kpi.definition();
    let place = terms.and_then(|t| t.kpi(text.code));
    let own = place.and_then(|p| p.scale.as_ref()).map(|s| [s.floor, s.target, s.stretch]);
    Definition {
        code: text.code,
        name: text.name,
        formula: text.formula,
        rules: text.rules,
        basis: text.basis,
        source: text.source,
        better: match text.better {
            Some(Better::Higher) => "more is better",
            Some(Better::Lower) => "less is better",
            None => "for information",
        },
        unit: text.unit.words(),
        weight: place.filter(|p| !p.weight.is_zero()).map(|p| plain(p.weight)),
        thresholds: own.or(text.thresholds).map(|marks| marks.map(|v| threshold(v, text.unit))),
        critical: place.is_some_and(|p| p.critical),
        volume: match text.shape {
            Shape::Judged | Shape::Share => "scored from 10 units, without reserve from 30".to_owned(),
            Shape::Sums => "scored from 20 units".to_owned(),
            Shape::State => "one look is enough".to_owned(),
            Shape::Percentile => match kpi.bucket_minutes() {
                Some(DAY_BUCKET_MINUTES) => {
                    "scored from 20 units; read to the upper edge of a day".to_owned()
                }
                bucket => format!(
                    "scored from 20 units; read to the upper edge of {} minutes",
                    bucket.unwrap_or_default()
                ),
            },
        },
    }
}
