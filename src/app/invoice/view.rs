//! Invoices as people look at them: the list by money at risk, and one invoice whole.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::recovery::events;
use crate::db::invoice::batch::{Neighbours, audits_newest_unscoped, invoices_unscoped};
use crate::db::invoice::credit::{CreditNote, credit_notes};
use crate::db::invoice::letter::letter_list;
use crate::db::invoice::reach::Reach;
use crate::db::invoice::ruling::{RulingRow, ruling_list};
use crate::db::invoice::{
    InvoiceFilter, InvoiceKey, InvoiceLineRow, InvoiceRow, ListedInvoice, StepRow, StoredAudit, audit_list,
    invoice_partner, invoice_show, invoices_fold, shipment_places, stale_invoices_count, step_list,
};
use crate::db::partner::{Partner, partner_show};
use crate::db::{Db, DbError};
use crate::domain::audit::recovery::{Event, Funnel, LetterKind, Stage};
use crate::domain::audit::release::{Ruled, Stand, resolved};
use crate::domain::audit::{Audited, BillStatus, Named, Outcome};
use crate::domain::currency::Currency;
use crate::domain::kpi::Kpi;
use crate::domain::measure::Measures;
use crate::domain::money::Micros;
use crate::domain::period::Period;
use crate::domain::viewer::Viewer;

/// Invoices on one page.
pub const PAGE_ROWS: usize = 50;
/// Invoices of one download.
pub const DOWNLOAD_ROWS: usize = 50_000;

/// Which invoices of the filter to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// With disputed money that is still open.
    Open,
    /// Held until something comes in.
    Held,
    /// Not acceptable, or billed twice.
    Refused,
    /// With the partner.
    Disputed,
    /// Whose dispute is over.
    Settled,
    /// As agreed.
    Clean,
    /// Of which the audit found something too much.
    Found,
    /// Of which something was sent to the partner.
    Sent,
    /// Of which the partner agreed to something.
    Accepted,
    /// Of which something is back, or was never paid.
    Recovered,
    /// Of which something was given up.
    WrittenOff,
    /// First bills that count and are as agreed.
    Passed,
    /// That fail a KPI.
    Failing(Kpi),
    /// Every one.
    All,
}

impl Pick {
    /// The choices of the page, in reading order.
    pub const CHOICES: [Self; 7] =
        [Self::Open, Self::Held, Self::Refused, Self::Disputed, Self::Settled, Self::Clean, Self::All];

    /// The word in an address.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Disputed => "disputed",
            Self::Settled => "settled",
            Self::Clean => "clean",
            Self::Found => "found",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Recovered => "recovered",
            Self::WrittenOff => "written-off",
            Self::Passed => "passed",
            Self::Failing(kpi) => kpi.code(),
            Self::All => "all",
        }
    }

    /// The words on the page.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Open => "Money at risk",
            Self::Held => "On hold",
            Self::Refused => "Billed twice or refused",
            Self::Disputed => "With the partner",
            Self::Settled => "Settled disputes",
            Self::Clean => "As agreed",
            Self::Found => "Found by the audits",
            Self::Sent => "Sent to partners",
            Self::Accepted => "Accepted by partners",
            Self::Recovered => "Recovered",
            Self::WrittenOff => "Written off",
            Self::Passed => "First bills as agreed at once",
            Self::Failing(kpi) => kpi.name(),
            Self::All => "All invoices",
        }
    }

    /// Reads the word of an address.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let failing = || code.parse::<Kpi>().ok().filter(|kpi| kpi.counts_invoices()).map(Self::Failing);
        Self::CHOICES.into_iter().chain(Self::OF_FUNNEL).find(|pick| pick.code() == code).or_else(failing)
    }

    /// Those behind the figures of the funnel, which no list offers.
    const OF_FUNNEL: [Self; 6] =
        [Self::Found, Self::Sent, Self::Accepted, Self::Recovered, Self::WrittenOff, Self::Passed];

    /// What of an invoice counts in the figure of the funnel that the list is behind; none of a list that is behind none.
    #[must_use]
    pub fn amount(self, one: &Shown) -> Option<Micros> {
        let funnel = &one.funnel;
        match self {
            Self::Found => Some(funnel.found.max(Micros::ZERO)),
            Self::Sent => Some(funnel.disputed),
            Self::Accepted => Some(funnel.accepted),
            Self::Recovered => Some(funnel.recovered),
            Self::WrittenOff => Some(funnel.written_off),
            _ => None,
        }
    }

    fn takes(self, one: &Shown) -> bool {
        match self {
            Self::Open => one.funnel.open() > Micros::ZERO,
            Self::Held => one.listed.outcome == Outcome::Hold,
            Self::Refused => matches!(one.listed.status, BillStatus::Duplicate | BillStatus::Rejected),
            Self::Disputed => matches!(one.funnel.stage, Stage::Disputed | Stage::Accepted | Stage::Refused),
            Self::Settled => matches!(one.funnel.stage, Stage::Recovered | Stage::WrittenOff),
            Self::Clean => one.listed.status == BillStatus::Matched,
            Self::Found | Self::Sent | Self::Accepted | Self::Recovered | Self::WrittenOff => {
                self.amount(one).is_some_and(|amount| amount != Micros::ZERO)
            }
            Self::Passed => one.listed.accuracy.is_counted && one.listed.accuracy.is_right,
            Self::Failing(kpi) => {
                let mut alone = Measures::default();
                one.listed.accuracy.add_to(true, &mut alone);
                let value = kpi.value(&alone);
                value.n > 0 && value.numerator < value.denominator
            }
            Self::All => true,
        }
    }
}

/// What to list.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Only this partner's.
    pub partner_id: Option<i64>,
    /// Received in it.
    pub period: Option<Period>,
    /// Which of them.
    pub pick: Pick,
    /// The page, from 1.
    pub page: usize,
    /// Rows of a page.
    pub rows: usize,
}

/// One invoice of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// As stored, with its newest audit and what was ruled about it.
    pub listed: ListedInvoice,
    /// A release is asked for, and somebody else of finance decides.
    pub is_asked: bool,
    /// What became of its disputed money.
    pub funnel: Funnel,
}

/// What the invoices of a filter come to in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Invoices.
    pub invoices: i64,
    /// First bills that count, and of those the ones that passed.
    pub audited: i64,
    /// Of those, the ones that passed.
    pub passed: i64,
    /// Billed.
    pub billed: Micros,
    /// Found by the audits.
    pub found: Micros,
    /// Sent to partners.
    pub disputed: Micros,
    /// Agreed to by partners.
    pub accepted: Micros,
    /// Back, or never paid.
    pub recovered: Micros,
    /// Given up.
    pub written_off: Micros,
    /// Still open.
    pub open: Micros,
}

impl Totals {
    fn add(&mut self, one: &Shown) {
        let (listed, funnel) = (&one.listed, &one.funnel);
        self.invoices += 1;
        self.audited += i64::from(listed.accuracy.is_counted);
        self.passed += i64::from(listed.accuracy.is_counted && listed.accuracy.is_right);
        self.billed = self.billed + listed.billed;
        let part = |pick: Pick| pick.amount(one).unwrap_or_default();
        self.found = self.found + part(Pick::Found);
        self.disputed = self.disputed + part(Pick::Sent);
        self.accepted = self.accepted + part(Pick::Accepted);
        self.recovered = self.recovered + part(Pick::Recovered);
        self.written_off = self.written_off + part(Pick::WrittenOff);
        self.open = self.open + funnel.open();
    }
}

/// What the invoices of a list come to in one currency: billed, open, and what counts in the figure it is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Picked {
    /// Billed.
    pub billed: Micros,
    /// Disputed by the audits.
    pub disputed: Micros,
    /// Still open.
    pub open: Micros,
    /// By [`Pick::amount`].
    pub amount: Micros,
}

/// One page of the list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The most money at risk first.
    pub rows: Vec<Shown>,
    /// How many there are.
    pub count: usize,
    /// The page, from 1.
    pub page: usize,
    /// Pages there are, 1 at least.
    pub pages: usize,
    /// Everything of the partner and the period, by currency, whatever is listed of it.
    pub totals: BTreeMap<Currency, Totals>,
    /// What the listed invoices come to, those of all pages, by currency.
    pub picked: BTreeMap<Currency, Picked>,
    /// Invoices that wait to be audited.
    pub waiting: i64,
}

/// Lists invoices by money at risk.
///
/// # Errors
/// The database's reason.
pub fn list(db: &mut Db, viewer: &Viewer, asked: &Asked) -> Result<Listed, DbError> {
    let mut behind: BTreeMap<InvoiceKey, (Vec<StepRow>, Vec<CreditNote>)> = BTreeMap::new();
    for row in step_list(db, viewer, asked.partner_id, None)? {
        behind.entry((row.partner_id, row.invoice_id)).or_default().0.push(row);
    }
    for note in credit_notes(db, viewer, asked.partner_id, None)? {
        behind.entry((note.partner_id, note.of)).or_default().1.push(note);
    }
    let mut happened: BTreeMap<InvoiceKey, Vec<Event>> = BTreeMap::new();
    for (key, (steps, notes)) in behind {
        happened.insert(key, events(&steps, &notes)?);
    }
    let ruled = ruled(db, viewer, asked.partner_id)?;
    let filter = InvoiceFilter {
        partner_id: asked.partner_id,
        from: asked.period.map(Period::start),
        until: asked.period.map(Period::end),
    };
    let (mut rows, mut totals) = (Vec::new(), BTreeMap::<Currency, Totals>::new());
    invoices_fold(db, viewer, &filter, |mut listed| {
        let key = (listed.partner_id, listed.id);
        let events = happened.get(&key).map_or(&[][..], Vec::as_slice);
        let after = ruled.get(&key);
        if let Some((after, _)) = after {
            listed.status = after.status;
            listed.outcome = after.outcome;
            listed.approved = after.approved;
            listed.disputed = after.disputed;
            listed.payable = after.payable;
        }
        let funnel = Funnel::of(listed.disputed, listed.outcome, events);
        let one = Shown { is_asked: after.is_some_and(|(_, is_asked)| *is_asked), funnel, listed };
        totals.entry(one.listed.currency).or_default().add(&one);
        if asked.pick.takes(&one) {
            rows.push(one);
        }
    })?;
    rows.sort_by_key(|one| {
        let listed = &one.listed;
        (
            Reverse(one.funnel.open()),
            Reverse(listed.disputed.abs()),
            Reverse(listed.received_on),
            listed.number.clone(),
        )
    });
    let mut picked: BTreeMap<Currency, Picked> = BTreeMap::new();
    for one in &rows {
        let sum = picked.entry(one.listed.currency).or_default();
        sum.billed = sum.billed + one.listed.billed;
        sum.disputed = sum.disputed + one.listed.disputed;
        sum.open = sum.open + one.funnel.open();
        sum.amount = sum.amount + asked.pick.amount(one).unwrap_or_default();
    }
    let count = rows.len();
    let pages = count.div_ceil(asked.rows.max(1)).max(1);
    let page = asked.page.clamp(1, pages);
    let rows = rows.into_iter().skip((page - 1) * asked.rows).take(asked.rows).collect();
    Ok(Listed {
        rows,
        count,
        page,
        pages,
        totals,
        picked,
        waiting: stale_invoices_count(db, viewer, asked.partner_id)?,
    })
}

/// The invoices that something was ruled about, as they are with it, and whether a release is asked for.
fn ruled(
    db: &mut Db,
    viewer: &Viewer,
    partner: Option<i64>,
) -> Result<BTreeMap<InvoiceKey, (Audited, bool)>, DbError> {
    let mut rulings: BTreeMap<i64, BTreeMap<i64, Vec<Ruled>>> = BTreeMap::new();
    for row in ruling_list(db, viewer, partner, None)? {
        let own = rulings.entry(row.partner_id).or_default().entry(row.invoice_id).or_default();
        own.push(row.ruled()?);
    }
    let mut found = BTreeMap::new();
    for (partner_id, rulings) in rulings {
        let ids: Vec<i64> = rulings.keys().copied().collect();
        let mut newest = audits_newest_unscoped(db, partner_id, &ids)?;
        for (id, rulings) in rulings {
            let Some(newest) = newest.remove(&id) else { continue };
            let is_asked = Stand::of(&newest.audited, &rulings).pending.is_some();
            found.insert((partner_id, id), (resolved(&newest.audited, &rulings), is_asked));
        }
    }
    Ok(found)
}

/// An invoice that touches another: of the same shipments, the same number, or the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Row id.
    pub id: i64,
    /// The carrier's number.
    pub number: String,
    /// ORIGINAL, CORRECTION or CREDIT.
    pub kind: String,
    /// The day on it.
    pub issued_on: NaiveDate,
    /// Sum of its lines.
    pub total: Micros,
    /// What its lines name, and our references of the shipments that leads to.
    pub names: BTreeSet<String>,
}

/// One invoice with everything known about it.
#[derive(Clone, Debug)]
pub struct Whole {
    /// The partner.
    pub partner: Partner,
    /// As it came in.
    pub row: InvoiceRow,
    /// Its lines.
    pub lines: Vec<InvoiceLineRow>,
    /// Its audits, the newest first; none before the first.
    pub audits: Vec<StoredAudit>,
    /// The newest audit with what was ruled about what it holds.
    pub now: Option<Audited>,
    /// What was ruled, oldest first.
    pub rulings: Vec<RulingRow>,
    /// How that stands beside the newest audit.
    pub stand: Stand,
    /// What was done about it, oldest first.
    pub steps: Vec<StepRow>,
    /// Credit notes and corrections that take back what it disputes.
    pub notes: Vec<CreditNote>,
    /// Where its disputed money stands.
    pub funnel: Funnel,
    /// What was written about the dispute, oldest first.
    pub letters: Vec<(LetterKind, NaiveDate)>,
    /// Codes of the feeds of its shipments, by reference.
    pub places: BTreeMap<String, String>,
    /// Invoices that touch it.
    pub related: Vec<Related>,
}

/// One invoice; none when there is none or the viewer may not see it.
///
/// # Errors
/// The database's reason.
pub fn whole(db: &mut Db, viewer: &Viewer, id: i64) -> Result<Option<Whole>, DbError> {
    let Some(partner_id) = invoice_partner(db, viewer, id)? else { return Ok(None) };
    let key = (partner_id, id);
    let (Some((row, lines)), Some(partner)) =
        (invoice_show(db, viewer, key)?, partner_show(db, viewer, partner_id)?)
    else {
        return Ok(None);
    };
    let audits = audit_list(db, viewer, key)?;
    let steps = step_list(db, viewer, Some(partner_id), Some(id))?;
    let mut notes = credit_notes(db, viewer, Some(partner_id), Some(&row.number_key))?;
    notes.retain(|note| note.of == id);
    let rulings = ruling_list(db, viewer, Some(partner_id), Some(id))?;
    let ruled: Vec<Ruled> = rulings.iter().map(RulingRow::ruled).collect::<Result<_, _>>()?;
    let newest = audits.first().map(|one| &one.audited);
    let now = newest.map(|audited| resolved(audited, &ruled));
    let stand = newest.map(|audited| Stand::of(audited, &ruled)).unwrap_or_default();
    let (found, outcome) =
        now.as_ref().map_or((Micros::ZERO, Outcome::Pay), |one| (one.disputed, one.outcome));
    let reach = Reach::read_unscoped(db, partner_id, lines.iter())?;
    let named: Vec<Named> = lines.iter().map(InvoiceLineRow::named).collect();
    let reached = reach.of(named.iter());
    let names: BTreeSet<String> = reached.references.iter().map(|name| (*name).to_owned()).collect();
    let places = shipment_places(db, viewer, partner_id, &names)?;
    let mut related = Vec::new();
    let neighbours = Neighbours::read_unscoped(db, partner_id, (&reached.names, &reached.keys), [&row])?;
    let others = invoices_unscoped(db, partner_id, &neighbours.of(&row, &reached))?;
    let theirs = Reach::read_unscoped(db, partner_id, others.values().flat_map(|(_, lines)| lines))?;
    for (row, lines) in others.into_values() {
        let named: Vec<Named> = lines.iter().map(InvoiceLineRow::named).collect();
        let reached = theirs.of(named.iter());
        related.push(Related {
            names: reached.names.iter().map(|name| (*name).to_owned()).collect(),
            id: row.id,
            number: row.number,
            kind: row.kind,
            issued_on: row.issued_on.0,
            total: Micros(row.total_micros),
        });
    }
    related.sort_by(|a, b| (a.issued_on, &a.number).cmp(&(b.issued_on, &b.number)));
    Ok(Some(Whole {
        partner,
        row,
        lines,
        audits,
        funnel: Funnel::of(found, outcome, &events(&steps, &notes)?),
        letters: letter_list(db, viewer, key)?,
        notes,
        now,
        rulings,
        stand,
        steps,
        places,
        related,
    }))
}
