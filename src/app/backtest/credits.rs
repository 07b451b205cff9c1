//! The service credits and bonuses of a replayed period: of what was in force and of every text that is tried, by the
//! engine of the accruals. Nothing is posted.

use std::collections::{BTreeMap, BTreeSet};

use super::{BacktestError, ClauseShown, NamedNet, NetGroup, NetReport, NetShown, TriedVersion};
use crate::app::App;
use crate::app::accrual::AccrualError;
use crate::app::accrual::replay::{ClausesReplayed, ReplayDays, in_force_replay, text_replay};
use crate::app::rating::money;
use crate::db::Db;
use crate::db::contract::Contract;
use crate::domain::backtest::credits::{CreditSums, Credits, Net};
use crate::domain::backtest::{Backtest, Group};
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::terms::Terms;
use crate::domain::viewer::Viewer;
use crate::domain::words;

/// What `in force` is called beside the versions.
pub const IN_FORCE: &str = "in force";

/// What the period came to after credits and bonuses, and would have come to. `tried` and its texts are in the order of
/// the versions in `sums`.
///
/// # Errors
/// The database's reason. Clauses that cannot be evaluated are a note, not an error.
pub(super) fn net(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    contract: &Contract,
    sums: &Backtest,
    (tried, texts): (&[TriedVersion], &[Terms]),
    period: Period,
) -> Result<NetReport, BacktestError> {
    let (from, to) = (period.start(), period.end());
    let as_of = period.last_day().min(app.today(db)?).max(from);
    let days = ReplayDays { from, to, as_of };
    let mut notes = Vec::new();
    let of = (contract.partner_id, contract.id, contract.currency);
    let in_force = noted(IN_FORCE, in_force_replay(db, viewer, of, days), &mut notes)?;
    let mut versions = Vec::with_capacity(texts.len());
    for (tried, text) in tried.iter().zip(texts) {
        versions.push(noted(&tried.name(), text_replay(db, text, days), &mut notes)?);
    }
    let digits = contract.currency.minor_digits();
    let mut clauses = clauses_shown(IN_FORCE, in_force.as_ref(), digits);
    for (tried, sums) in tried.iter().zip(&versions) {
        clauses.extend(clauses_shown(&tried.name(), sums.as_ref(), digits));
    }
    let all = || std::iter::once(&in_force).chain(&versions);
    let names: BTreeSet<&String> =
        sums.months.keys().chain(all().flatten().flat_map(|sums| sums.months.keys())).collect();
    let nothing = Group::default();
    let months = names.into_iter().map(|name| {
        let credits = all().map(|sums| {
            let months: Option<&BTreeMap<String, Credits>> = sums.as_ref().map(|sums| &sums.months);
            months.map(|months| months.get(name).copied().unwrap_or_default())
        });
        let group = sums.months.get(name).unwrap_or(&nothing);
        NamedNet { name: name.clone(), sums: shown(group, credits, digits) }
    });
    Ok(NetReport {
        months: months.collect(),
        total: shown(&sums.total, all().map(|sums| sums.as_ref().map(|sums| sums.total)), digits),
        clauses,
        notes,
    })
}

/// The sums, with a note on what is not in them.
fn noted(
    name: &str,
    replayed: Result<ClausesReplayed, AccrualError>,
    notes: &mut Vec<String>,
) -> Result<Option<CreditSums>, BacktestError> {
    match replayed {
        Ok(done) => {
            if !done.foreign.is_empty() {
                let contracts = done.foreign.join(", ");
                notes.push(format!("Service credits {name}: {contracts} left out, in another currency."));
            }
            if done.unpriced > 0 {
                let many = words::many(done.unpriced, "late shipment");
                notes.push(format!("Service credits {name}: {many} left out, without a charge."));
            }
            if done.unclaimed > 0 {
                let many = words::many(done.unclaimed, "late shipment");
                notes
                    .push(format!("Service credits {name}: {many} left out, that no contract alone claims."));
            }
            Ok(Some(done.sums))
        }
        Err(AccrualError::Db(error)) => Err(error.into()),
        Err(error) => {
            notes.push(format!("Service credits {name} are not replayed: {error}."));
            Ok(None)
        }
    }
}

/// Charges of a group with the credits of what was in force and of each version, in that order.
fn shown(group: &Group, credits: impl IntoIterator<Item = Option<Credits>>, digits: u32) -> NetGroup {
    let mut credits = credits.into_iter();
    let was = Net { charges: group.in_force.total, credits: credits.next().flatten() };
    // A month without shipments has credits alone.
    let charges = group.versions.iter().zip(&group.compared);
    let charges = charges.map(|(tally, compared)| (tally.total, compared.difference()));
    let charges = charges.chain(std::iter::repeat((Micros::ZERO, Some(Micros::ZERO))));
    let versions = credits.zip(charges).map(|(credits, (charges, difference))| {
        let net = Net { charges, credits };
        NetShown {
            difference: net.less(&was, difference).map(|less| money(less, digits)),
            ..one(&net, digits)
        }
    });
    NetGroup { in_force: one(&was, digits), versions: versions.collect() }
}

fn one(net: &Net, digits: u32) -> NetShown {
    let of =
        |amount: fn(&Credits) -> Micros| net.credits.as_ref().map(|credits| money(amount(credits), digits));
    NetShown {
        charges: money(net.charges, digits),
        credits: of(|credits| credits.credits),
        bonuses: of(|credits| credits.bonuses),
        forgone: of(|credits| credits.forgone),
        net_cost: net.cost().map(|cost| money(cost, digits)),
        difference: None,
    }
}

fn clauses_shown(terms: &str, sums: Option<&CreditSums>, digits: u32) -> Vec<ClauseShown> {
    let clauses = sums.into_iter().flat_map(|sums| &sums.clauses);
    let line = |(clause, sums): (&String, &Credits)| ClauseShown {
        terms: terms.to_owned(),
        clause: clause.clone(),
        obligations: sums.obligations,
        credits: money(sums.credits, digits),
        bonuses: money(sums.bonuses, digits),
        forgone: money(sums.forgone, digits),
    };
    clauses.map(line).collect()
}
