//! The loads behind an item that is priced by what replacements cost: what each came to, and who carried it instead.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::accrual::AccrualError;
use crate::app::accrual::counted::Counted;
use crate::app::accrual::replaced::{Replacement, replacements_unscoped};
use crate::db::contract::terms_load;
use crate::db::ledger::{Accrual, accrual_show, credit_shipments};
use crate::db::partner::partner_list;
use crate::db::setting::reporting_zone;
use crate::db::{Db, DbError};
use crate::domain::clause::{ClauseError, Obligation, ObligationKey, PeriodFacts, PricedLoad, Rule};
use crate::domain::kpi::Kpi;
use crate::domain::money::Micros;
use crate::domain::terms::Clause;
use crate::domain::viewer::{Scope, Viewer};

/// Loads on one page.
pub const PAGE_ROWS: usize = 50;

/// The loads behind an item, as known now.
#[derive(Clone, Debug)]
pub struct ReplacementsView {
    /// The item.
    pub accrual: Accrual,
    /// Who turned the loads down.
    pub partner: String,
    /// The clause that prices them.
    pub clause: Clause,
    /// How the whole comes about, as known now.
    pub steps: Vec<String>,
    /// One page of the loads turned down, the earliest first.
    pub loads: Vec<ReplacedLoad>,
    /// How many there are.
    pub count: usize,
    /// How many of them are beyond what the threshold lets pass.
    pub beyond: usize,
    /// What all of them come to, before any limit of a period.
    pub sum: Micros,
    /// The page, from 1.
    pub page: usize,
    /// Pages there are, 1 at least.
    pub pages: usize,
}

/// A load turned down.
#[derive(Clone, Debug)]
pub struct ReplacedLoad {
    /// The load.
    pub reference: String,
    /// When it was offered.
    pub sent_at: DateTime<Utc>,
    /// Who carried it instead, and that shipment; none where nobody is known to have.
    pub carried: Option<CarriedBy>,
    /// Linehaul and fuel by the contract.
    pub price: Option<Micros>,
    /// Linehaul and fuel of who carried it.
    pub cost: Option<Micros>,
    /// The threshold lets it pass.
    pub is_let_pass: bool,
    /// What is owed for it; none where it is let pass, or not known yet.
    pub owed: Option<Micros>,
}

/// Who carried a load instead.
#[derive(Clone, Debug)]
pub struct CarriedBy {
    /// The other partner.
    pub partner_id: i64,
    /// Its name.
    pub partner: String,
    /// Local day the shipment was due.
    pub due_on: NaiveDate,
    /// Feed and number of the shipment.
    pub shipment: Option<(String, String)>,
}

/// Gathers a page of the loads behind an item, as known `now`; none when there is no such item, or it is not priced by
/// replacements. What others were paid is for no partner to see: none for partners, whoever owes.
///
/// # Errors
/// The database's reason, or facts that cannot be priced.
pub fn replacements_view(
    db: &mut Db,
    viewer: &Viewer,
    (partner_id, key): (i64, ObligationKey),
    page: usize,
    now: DateTime<Utc>,
) -> Result<Option<ReplacementsView>, AccrualError> {
    if viewer.scope() != Scope::All {
        return Ok(None);
    }
    let Some(accrual) = accrual_show(db, viewer, partner_id, key)? else { return Ok(None) };
    let Some(terms) = terms_load(db, viewer, key.contract_version_id)? else { return Ok(None) };
    let clause = terms.clauses.iter().find(|clause| clause.id == key.clause_id).cloned();
    let (Some(clause), Obligation::Period(period)) = (clause, key.of) else { return Ok(None) };
    let Rule::PeriodThreshold(rule) = &clause.terms.rule else { return Ok(None) };
    let of = (key.contract_version_id, Some(key.clause_id));
    let Some(counted) = Counted::read(db, viewer, of, period, now)? else { return Ok(None) };
    let kpi: Kpi =
        rule.kpi.parse().map_err(|source| AccrualError::Kpi { clause: clause.code.clone(), source })?;
    let sums = counted.total(db, viewer)?;
    let replaced = replacements_unscoped(db, &terms, &counted.turned_down)?;
    let facts = PeriodFacts {
        turned_down: replaced.iter().map(Replacement::turned_down).collect(),
        ..PeriodFacts::of(kpi, &sums, (period, reporting_zone(db)?), terms.currency)
    };
    let too_large = |source| ClauseError::TooLarge { key, source };
    let priced = rule.priced_loads(clause.terms.sign, &facts, terms.currency.minor_digits());
    let Some((priced, steps)) = priced.map_err(too_large)? else { return Ok(None) };
    let names: BTreeMap<i64, String> =
        partner_list(db, viewer)?.into_iter().map(|partner| (partner.id, partner.name)).collect();
    let sum = priced.iter().filter_map(|load| load.owed).fold(Micros::ZERO, |sum, (_, within)| sum + within);
    let pages = priced.len().div_ceil(PAGE_ROWS).max(1);
    let page = page.clamp(1, pages);
    let shown = priced.chunks(PAGE_ROWS).nth(page - 1).unwrap_or_default();
    Ok(Some(ReplacementsView {
        partner: names.get(&partner_id).cloned().unwrap_or_default(),
        loads: told(db, viewer, (&replaced, shown), &names)?,
        count: priced.len(),
        beyond: priced.iter().filter(|load| !load.is_let_pass).count(),
        accrual,
        clause,
        steps,
        sum,
        page,
        pages,
    }))
}

/// In the order of `priced`.
fn told(
    db: &mut Db,
    viewer: &Viewer,
    (replaced, priced): (&[Replacement], &[PricedLoad]),
    names: &BTreeMap<i64, String>,
) -> Result<Vec<ReplacedLoad>, DbError> {
    let by_tender: BTreeMap<i64, &Replacement> = replaced.iter().map(|one| (one.load.id, one)).collect();
    let shown = priced.iter().filter_map(|priced| by_tender.get(&priced.load.tender_id)?.carried);
    let mut by_partner: BTreeMap<i64, Vec<(NaiveDate, i64)>> = BTreeMap::new();
    for (day, partner_id, id) in shown {
        by_partner.entry(partner_id).or_default().push((day.0, id));
    }
    let mut shipments: BTreeMap<(i64, i64), (String, String)> = BTreeMap::new();
    for (partner_id, keys) in by_partner {
        let found = credit_shipments(db, viewer, partner_id, &keys)?;
        shipments.extend(found.into_iter().map(|(id, named)| ((partner_id, id), named)));
    }
    let told = priced.iter().filter_map(|priced| {
        let one = by_tender.get(&priced.load.tender_id)?;
        let carried = one.carried.map(|(day, partner_id, id)| CarriedBy {
            partner_id,
            partner: names.get(&partner_id).cloned().unwrap_or_default(),
            due_on: day.0,
            shipment: shipments.get(&(partner_id, id)).cloned(),
        });
        Some(ReplacedLoad {
            reference: one.load.reference.clone(),
            sent_at: one.load.sent_at.0,
            carried,
            price: one.price,
            cost: one.cost,
            is_let_pass: priced.is_let_pass,
            owed: priced.owed.map(|(_, within)| within),
        })
    });
    Ok(told.collect())
}
