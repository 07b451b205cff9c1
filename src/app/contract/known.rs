//! What was in force on one day as it was known on another: loads the history, [`crate::domain::known`] replays it.

use chrono::{DateTime, NaiveDate, Utc};

use crate::db::contract::{self as store, Contract};
use crate::db::contract_event::event_list;
use crate::db::contract_term::term_list;
use crate::db::setting::reporting_zone;
use crate::db::{Db, DbError};
use crate::domain::contract::ContractTerm;
use crate::domain::fuel::FuelQuote;
use crate::domain::known::{Known, KnownVersion, Recorded, VersionRecord, as_known, end_of_day};
use crate::domain::rate::FxRate;
use crate::domain::terms::{Change, Terms, in_force, redline};
use crate::domain::viewer::{Action, Viewer};

use super::super::App;
use super::super::edit::{EditError, allowed};
use super::super::expected::{FOREVER, Prices};

/// The price of a fuel series that a version carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuelKnown {
    /// Charge code of the programme.
    pub code: String,
    /// The series.
    pub index: String,
    /// The price in force that day; none when none was known.
    pub quote: Option<FuelQuote>,
}

/// The version in force, as it was known.
#[derive(Clone, Debug)]
pub struct Held {
    /// Everything it says, with the dates, state and rests as they were known.
    pub terms: Terms,
    /// The hash it was sealed with.
    pub seal: String,
    /// Whether the text kept today is the one that was sealed then.
    pub same: bool,
    /// The prices of its fuel series.
    pub fuel: Vec<FuelKnown>,
    /// The rates of the currencies it converts from, in their order; none where none was known.
    pub fx: Vec<(String, Option<FxRate>)>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct KnownAnswer {
    /// The contract as it is now.
    pub contract: Contract,
    /// The day asked for.
    pub on: NaiveDate,
    /// The day whose knowledge is asked for.
    pub known_on: NaiveDate,
    /// The end of that day: what was recorded before it was known.
    pub known_until: DateTime<Utc>,
    /// The contract's own dates as they were known; none when there was no contract yet.
    pub term: Option<ContractTerm>,
    /// Whether these dates were taken over when records began.
    pub taken_over: bool,
    /// The versions there were, newest first.
    pub versions: Vec<KnownVersion>,
    /// The version in force; none when none was.
    pub held: Option<Held>,
    /// Number of the version in force that day by what is known now; none when none is.
    pub now: Option<i32>,
    /// What is different by what is known now; empty when nothing is, or when nothing was in force.
    pub changes: Vec<Change>,
    /// What else is different by what is known now, in few words each: its days, its rests, prices from outside.
    pub otherwise: Vec<&'static str>,
}

/// What of a contract was in force on `on`, as it was known at the end of `known_on` in the reporting zone.
///
/// # Errors
/// [`EditError::NotFound`] also when it is not the viewer's to see, [`EditError::Denied`], a history that cannot have
/// happened, or the database's reason.
pub fn contract_known(
    app: &App,
    db: &mut Db,
    viewer: &Viewer,
    contract_id: i64,
    on: NaiveDate,
    known_on: NaiveDate,
) -> Result<KnownAnswer, EditError> {
    allowed(viewer, Action::ViewContracts)?;
    let contract = store::contract_show(db, viewer, contract_id)?.ok_or(EditError::NotFound("contract"))?;
    let known_until = end_of_day(known_on, reporting_zone(db)?);
    // What is recorded today is known today, whatever the clock of another machine says.
    let known_until = if known_on >= app.today(db)? { FOREVER } else { known_until };
    let mut answer = KnownAnswer {
        on,
        known_on,
        known_until,
        term: None,
        taken_over: false,
        versions: Vec::new(),
        held: None,
        now: None,
        changes: Vec::new(),
        otherwise: Vec::new(),
        contract: contract.clone(),
    };
    let mut current = None;
    for version in store::version_list(db, viewer, contract.id)? {
        if in_force(&contract.term, &version.dates()?, on) {
            answer.now = Some(version.version);
            current = store::terms_load(db, viewer, version.id)?;
            break;
        }
    }
    let Some(known) = replayed(db, viewer, &contract, known_until)? else { return Ok(answer) };
    answer.term = Some(known.record.term.clone());
    answer.taken_over = known.record.taken_over;
    if let Some(version) = known.in_force(on)
        && let Some(terms) = store::terms_load(db, viewer, version.dates.id)?
    {
        let held = held(db, terms.clone(), &known, version, known_until, on)?;
        if let Some(present) = replayed(db, viewer, &contract, FOREVER)?
            && let Some(same) = present.in_force(on).filter(|same| same.dates.id == version.dates.id)
        {
            let present = self::held(db, terms, &present, same, FOREVER, on)?;
            answer.otherwise = differing(&held, &present);
        }
        answer.changes = current.map(|current| redline(&held.terms, &current)).unwrap_or_default();
        answer.held = Some(held);
    }
    answer.versions = known.versions;
    Ok(answer)
}

/// The history of a contract, replayed up to a moment.
pub(super) fn replayed(
    db: &mut Db,
    viewer: &Viewer,
    contract: &Contract,
    known: DateTime<Utc>,
) -> Result<Option<Known>, DbError> {
    let mut versions = Vec::new();
    for version in store::version_list(db, viewer, contract.id)? {
        let mut steps = Vec::new();
        for row in event_list(db, viewer, contract.partner_id, version.id)? {
            steps.push(Recorded { at: row.at.0, order: row.id, past: row.past()? });
        }
        versions.push(VersionRecord {
            id: version.id,
            version_no: version.version,
            valid_from: version.valid_from.0,
            steps,
        });
    }
    let terms = term_list(db, viewer, contract)?;
    as_known(&terms, &versions, known).map_err(|broken| DbError::Stored {
        what: format!("history of contract {}", contract.number),
        reason: broken.to_string(),
    })
}

/// What of a version in force is known otherwise, beside its text.
fn differing(then: &Held, now: &Held) -> Vec<&'static str> {
    let told = [
        (then.terms.valid_to == now.terms.valid_to, "its last day"),
        (then.terms.rests == now.terms.rests, "the days on which it rested"),
        (then.fuel == now.fuel, "fuel prices"),
        (then.fx == now.fx, "exchange rates"),
    ];
    told.into_iter().filter(|(same, _)| !same).map(|(_, what)| what).collect()
}

fn held(
    db: &mut Db,
    mut terms: Terms,
    known: &Known,
    version: &KnownVersion,
    known_until: DateTime<Utc>,
    on: NaiveDate,
) -> Result<Held, DbError> {
    terms.title.clone_from(&known.record.title);
    terms.term = known.record.term.clone();
    terms.status = version.dates.status;
    terms.valid_to = version.dates.valid_to;
    terms.rests.clone_from(&version.rests);
    let prices = Prices::known_before(db, known_until)?;
    let market = prices.market();
    let runs = |from: Option<NaiveDate>, to: Option<NaiveDate>| {
        from.is_none_or(|from| from <= on) && to.is_none_or(|to| on < to)
    };
    let pricing = &terms.pricing.terms;
    let fuel = pricing.fuel.iter().filter(|programme| runs(programme.valid_from, programme.valid_to));
    let fuel = fuel.map(|programme| FuelKnown {
        code: programme.code.clone(),
        index: programme.index.clone(),
        quote: market.fuel.in_force(programme, on),
    });
    let fx = pricing.foreign_currencies().into_iter().map(|from| {
        let pair = format!("{} to {}", from.code(), terms.currency.code());
        (pair, market.fx.on(from, terms.currency, on).cloned())
    });
    Ok(Held {
        fuel: fuel.collect(),
        fx: fx.collect(),
        same: terms.hash() == version.seal,
        seal: version.seal.clone(),
        terms,
    })
}
