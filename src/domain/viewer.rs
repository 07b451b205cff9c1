//! Who is asking, and what they may see and do (DOMAIN §9, reduced to the roles that exist).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// Runs the installation: users, jobs, mail. Sees no rates and no scores.
    Admin,
    /// Negotiates: drafts contracts, rates, targets and clauses.
    Procurement,
    /// Reviews scorecards, plans capacity, runs reviews.
    CarrierManager,
    /// Reconciles service credits, prepares closes and settlements; approves contracts it did not write.
    Finance,
    /// The second word in finance: closes months, gives up more than the waiver limit, sets off.
    Controller,
    /// Reads everything, writes nothing.
    Auditor,
    /// A carrier's own user: sees its own contract, scorecard, plan and credits, nothing else.
    Partner,
}

/// One thing a role may do. Every route names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// See partners, lanes and shipments.
    ViewPartners,
    /// Create and edit partners.
    EditPartners,
    /// See contracts, rates and clauses.
    ViewContracts,
    /// Draft and edit contracts.
    EditContracts,
    /// Approve a version someone else wrote.
    ApproveContracts,
    /// Decide what the charge codes of a partner mean.
    MapCharges,
    /// See scorecards and KPIs.
    ViewScorecards,
    /// Define KPIs of our own.
    EditKpis,
    /// Propose and agree scorecard templates.
    EditTemplates,
    /// Set a standing by hand, and agree to one that somebody else set.
    OverrideStanding,
    /// Open, answer and close corrective actions.
    RunCorrectiveActions,
    /// Ask for exclusions, and declare events.
    RequestExclusions,
    /// Decide exclusions, events and challenges that somebody else asked for.
    DecideExclusions,
    /// Restate a scorecard that is final.
    PublishScorecards,
    /// See the ledger of service credits.
    ViewLedger,
    /// Re-perform the ledger, ask to pass over a step, make exports, name accounts, set budgets of months.
    KeepBooks,
    /// Close months, and approve what somebody else would pass over.
    CloseBooks,
    /// See carriers' invoices and what their audits found.
    ViewInvoices,
    /// Dispute, credit and write off what an audit found, and set by which terms it audits.
    ResolveInvoices,
    /// Answer disputes of assessed items, and decide what somebody else proposed.
    AnswerDisputes,
    /// Book what settles agreed items, and note which contracts grant set-off.
    SettleItems,
    /// Set off against what we pay, give up more than the waiver limit, and set waiver budgets.
    ApproveMoney,
    /// See the capacity plan.
    ViewCapacity,
    /// See which files were imported, and what became of their rows.
    ViewImports,
    /// See jobs and their history.
    ViewJobs,
    /// Run a job by hand.
    RunJobs,
    /// See what was mailed.
    ViewOutbox,
    /// See users and the audit log.
    ViewUsers,
    /// Create users, change their roles and switch them off.
    EditUsers,
    /// Use the partner portal.
    UsePortal,
}

impl Role {
    /// Every role, in the order pages list them.
    pub const ALL: [Self; 7] = [
        Self::Admin,
        Self::Procurement,
        Self::CarrierManager,
        Self::Finance,
        Self::Controller,
        Self::Auditor,
        Self::Partner,
    ];

    /// The word stored in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN",
            Self::Procurement => "PROCUREMENT",
            Self::CarrierManager => "CARRIER_MANAGER",
            Self::Finance => "FINANCE",
            Self::Controller => "CONTROLLER",
            Self::Auditor => "AUDITOR",
            Self::Partner => "PARTNER",
        }
    }

    /// The word people read.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Admin => "Administrator",
            Self::Procurement => "Procurement",
            Self::CarrierManager => "Carrier manager",
            Self::Finance => "Finance",
            Self::Controller => "Controller",
            Self::Auditor => "Auditor",
            Self::Partner => "Partner",
        }
    }

    /// What the role is for, in a sentence or two for whoever gives it.
    #[must_use]
    pub fn duty(self) -> &'static str {
        match self {
            Self::Admin => "Runs the installation: users, jobs and mail. Sees no rates and no scores.",
            Self::Procurement => {
                "Drafts contracts, rates, targets and clauses, and approves what somebody else drafted."
            }
            Self::CarrierManager => {
                "Reviews scorecards, decides exclusions and challenges, plans capacity, answers disputes."
            }
            Self::Finance => {
                "Audits invoices, answers disputes, prepares closes and settlements, approves contracts."
            }
            Self::Controller => {
                "May do all that finance may, and has the second word: closes months, gives up more than the waiver limit, sets off."
            }
            Self::Auditor => "Reads everything and changes nothing.",
            Self::Partner => {
                "Sees one partner's own contract, scorecard, plan and credits, and nothing else."
            }
        }
    }

    /// Whether the role may do `action`. Whatever is not listed is denied.
    #[must_use]
    pub fn may(self, action: Action) -> bool {
        use Action as A;
        match self {
            Self::Admin => {
                matches!(
                    action,
                    A::ViewImports | A::ViewJobs | A::RunJobs | A::ViewOutbox | A::ViewUsers | A::EditUsers
                )
            }
            Self::Procurement => matches!(
                action,
                A::ViewPartners
                    | A::EditPartners
                    | A::ViewContracts
                    | A::EditContracts
                    | A::ApproveContracts
                    | A::MapCharges
                    | A::ViewScorecards
                    | A::EditTemplates
                    | A::OverrideStanding
                    | A::ViewCapacity
                    | A::ViewImports
            ),
            Self::CarrierManager => matches!(
                action,
                A::ViewPartners
                    | A::EditPartners
                    | A::ViewContracts
                    | A::ViewScorecards
                    | A::EditKpis
                    | A::EditTemplates
                    | A::OverrideStanding
                    | A::RunCorrectiveActions
                    | A::RequestExclusions
                    | A::DecideExclusions
                    | A::PublishScorecards
                    | A::AnswerDisputes
                    | A::ViewLedger
                    | A::ViewInvoices
                    | A::ViewCapacity
                    | A::ViewImports
                    | A::ViewJobs
                    | A::RunJobs
                    | A::ViewOutbox
            ),
            Self::Finance => matches!(
                action,
                A::ViewPartners
                    | A::ViewContracts
                    | A::ApproveContracts
                    | A::MapCharges
                    | A::ViewScorecards
                    | A::ViewLedger
                    | A::KeepBooks
                    | A::ViewInvoices
                    | A::ResolveInvoices
                    | A::AnswerDisputes
                    | A::SettleItems
                    | A::ViewImports
                    | A::ViewJobs
            ),
            Self::Controller => {
                Self::Finance.may(action) || matches!(action, A::CloseBooks | A::ApproveMoney)
            }
            Self::Auditor => matches!(
                action,
                A::ViewPartners
                    | A::ViewContracts
                    | A::ViewScorecards
                    | A::ViewLedger
                    | A::ViewInvoices
                    | A::ViewCapacity
                    | A::ViewImports
                    | A::ViewJobs
                    | A::ViewOutbox
                    | A::ViewUsers
            ),
            Self::Partner => matches!(action, A::UsePortal),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A role nobody has heard of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no role; choose ADMIN, PROCUREMENT, CARRIER_MANAGER, FINANCE, CONTROLLER, AUDITOR or PARTNER"
)]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.code().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// The asker: an argument of every query that can return a partner's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// The user, 0 for the command line and jobs.
    pub user_id: i64,
    /// The name shown in the audit log.
    pub name: String,
    /// What the user is.
    pub role: Role,
    /// The only partner a [`Role::Partner`] may see.
    pub partner_id: Option<i64>,
}

impl Viewer {
    /// The command line and the scheduler: reads across all partners.
    #[must_use]
    pub fn system() -> Self {
        Self { user_id: 0, name: "system".to_owned(), role: Role::Auditor, partner_id: None }
    }

    /// Which partners the viewer may see.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match (self.role, self.partner_id) {
            (Role::Partner, Some(id)) => Scope::One(id),
            (Role::Partner, None) | (Role::Admin, _) => Scope::Nobody,
            _ => Scope::All,
        }
    }

    /// Whoever runs commands beside the database and changes drafts; no command approves.
    #[must_use]
    pub fn operator() -> Self {
        Self { user_id: 0, name: "command line".to_owned(), role: Role::Procurement, partner_id: None }
    }

    /// Whether data of `partner_id` may be shown.
    #[must_use]
    pub fn sees(&self, partner_id: i64) -> bool {
        match self.scope() {
            Scope::All => true,
            Scope::One(own) => own == partner_id,
            Scope::Nobody => false,
        }
    }
}

/// The partners a viewer may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every partner.
    All,
    /// One partner only.
    One(i64),
    /// None at all.
    Nobody,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partner_sees_itself_and_nobody_else() {
        let viewer = Viewer { user_id: 1, name: "P".into(), role: Role::Partner, partner_id: Some(7) };
        assert!(viewer.sees(7) && !viewer.sees(8));
        let lost = Viewer { partner_id: None, ..viewer };
        assert!(!lost.sees(7), "a partner user without a partner sees nothing");
    }

    #[test]
    fn the_administrator_has_no_business_permission() {
        assert!(!Role::Admin.may(Action::ViewContracts) && !Role::Admin.may(Action::ViewScorecards));
    }

    #[test]
    fn finance_prepares_and_the_controller_closes_and_approves() {
        for own in [Action::CloseBooks, Action::ApproveMoney] {
            let may: Vec<Role> = Role::ALL.into_iter().filter(|role| role.may(own)).collect();
            assert_eq!(may, [Role::Controller], "{own:?}");
        }
        for shared in [Action::KeepBooks, Action::SettleItems, Action::ResolveInvoices] {
            let may: Vec<Role> = Role::ALL.into_iter().filter(|role| role.may(shared)).collect();
            assert_eq!(may, [Role::Finance, Role::Controller], "{shared:?}");
        }
        assert_eq!("controller".parse(), Ok(Role::Controller));
    }
}
