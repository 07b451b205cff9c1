//! Every address, and who may open it. The router is built from this table and from nothing else, so
//! a page without a row does not exist; a test walks every row as every role.
//!
//! To add a page: a handler in the file of its noun, a template in the folder of its noun, a row
//! here, and a row of expectations in `tests/web/routes.rs`.

use std::sync::OnceLock;

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, Responder, Route, Scope, guard, web};

use super::access::{self, Access};
use super::contract::{
    attachments, cell, clause_form, draft, known, lifecycle, negotiation, negotiation_own, options, rates,
    sheet_upload, sign, terms,
};
use super::page::WebError;
use super::{
    account, audit, books, challenge, charge_code, compare, contract, decision, declared_event, dispute,
    evidence, exceptions, exclusion, import, invoice, job, kpi, ledger, mail, partner, plan, portal,
    restatement, scorecard, settlement, shipment, sign_in, standing, template, today, two_way, user,
};
use crate::domain::viewer::Action;

/// The table, in the order in which addresses are tried.
fn table() -> Vec<Row> {
    use Access::{May, Public, SignedIn};
    vec![
        // Signing in and out.
        get("/sign-in", Public, sign_in::form),
        post("/sign-in", Public, sign_in::create),
        post("/sign-out", Public, sign_in::delete),
        // Everybody's own.
        get("/", SignedIn, account::home),
        get("/account", SignedIn, account::page),
        post("/account/password", SignedIn, account::password),
        post("/account/theme", SignedIn, account::theme),
        // The capacity plan.
        get("/capacity", May(Action::ViewCapacity), plan::index),
        get("/capacity.csv", May(Action::ViewCapacity), plan::index_csv),
        get("/capacity/{lane}", May(Action::ViewCapacity), plan::lane),
        // The portal: a partner's own plan.
        get("/portal/plan", May(Action::UsePortal), plan::own),
        get("/portal/plan.csv", May(Action::UsePortal), plan::own_csv),
        post("/portal/plan/{plan}/answers", May(Action::UsePortal), plan::answer),
        post("/portal/plan/{plan}/commitment", May(Action::UsePortal), plan::commit_all),
        // Partners.
        get("/partners", May(Action::ViewPartners), partner::list),
        get("/partners/new", May(Action::EditPartners), partner::new),
        post("/partners", May(Action::EditPartners), partner::create),
        get("/partners/{id}", May(Action::ViewPartners), partner::show),
        get("/partners/{id}/standing", May(Action::ViewScorecards), standing::show_one),
        get("/partners/{id}/two-way", May(Action::ViewScorecards), two_way::show_one),
        post("/partners/{id}/standing-overrides", May(Action::OverrideStanding), standing::ask),
        post("/standing-overrides/{id}/decision", May(Action::OverrideStanding), standing::decide),
        post("/partners/{id}/corrective-actions", May(Action::RunCorrectiveActions), standing::open_action),
        get("/watch-list", May(Action::ViewScorecards), standing::watch),
        get("/corrective-actions/{id}", May(Action::ViewScorecards), standing::action),
        post("/corrective-actions/{id}/steps", May(Action::RunCorrectiveActions), standing::step),
        get("/partners/{id}/edit", May(Action::EditPartners), partner::edit_form),
        post("/partners/{id}", May(Action::EditPartners), partner::change),
        // Contracts.
        get("/contracts", May(Action::ViewContracts), contract::list),
        get("/contracts/new", May(Action::EditContracts), contract::new),
        post("/contracts", May(Action::EditContracts), contract::create),
        get("/contracts/attention", May(Action::ViewContracts), contract::attention::show),
        get("/contracts/{id}", May(Action::ViewContracts), contract::show),
        get("/contracts/{id}/backtest", May(Action::ViewContracts), contract::backtest::form),
        post("/contracts/{id}/backtests", May(Action::ViewContracts), contract::backtest::create),
        get("/contracts/{id}/backtests/{run}", May(Action::ViewContracts), contract::backtest::show),
        post(
            "/contracts/{id}/backtests/{run}/cancellation",
            May(Action::ViewContracts),
            contract::backtest::cancel,
        ),
        get("/contracts/{id}/backtests/{run}/table.csv", May(Action::ViewContracts), contract::backtest::csv),
        get(
            "/contracts/{id}/backtests/{run}/workbook.xlsx",
            May(Action::ViewContracts),
            contract::backtest::xlsx,
        ),
        get("/contracts/{id}/simulation", May(Action::ViewContracts), contract::simulation::show),
        get("/contracts/{id}/calibration", May(Action::ViewContracts), contract::calibration::show),
        get(
            "/contracts/{id}/calibration/shipments",
            May(Action::ViewContracts),
            contract::calibration::shipments,
        ),
        get("/contracts/{id}/versions/{version}/rates", May(Action::ViewContracts), rates::show),
        get("/contracts/{id}/versions/{version}/rates.csv", May(Action::ViewContracts), rates::sheet::csv),
        get("/contracts/{id}/versions/{version}/rates.xlsx", May(Action::ViewContracts), rates::sheet::xlsx),
        get("/contracts/{id}/versions/{version}/rate", May(Action::ViewContracts), rates::price::price_of),
        get("/contracts/{id}/known", May(Action::ViewContracts), known::show),
        get("/contracts/{id}/attachments", May(Action::ViewContracts), attachments::list),
        post("/contracts/{id}/attachments", May(Action::EditContracts), attachments::create),
        get("/attachments/{id}", May(Action::ViewContracts), attachments::file),
        post("/attachments/{id}/moves", May(Action::EditContracts), attachments::step),
        get("/contracts/{id}/edit", May(Action::EditContracts), contract::edit_form),
        post("/contracts/{id}", May(Action::EditContracts), contract::change),
        get("/contracts/{id}/notice", May(Action::EditContracts), contract::end_form),
        post("/contracts/{id}/notice", May(Action::EditContracts), contract::end),
        get("/contracts/{id}/versions/new", May(Action::EditContracts), contract::version_new),
        post("/contracts/{id}/versions", May(Action::EditContracts), contract::version_create),
        post("/contracts/{id}/approval", May(Action::ApproveContracts), lifecycle::approve),
        get("/contracts/{id}/suspension", May(Action::ApproveContracts), lifecycle::suspension_form),
        post("/contracts/{id}/suspension", May(Action::ApproveContracts), lifecycle::suspend),
        post("/contracts/{id}/resumption", May(Action::ApproveContracts), lifecycle::resume),
        get("/contracts/{id}/termination", May(Action::ApproveContracts), lifecycle::termination_form),
        post("/contracts/{id}/termination", May(Action::ApproveContracts), lifecycle::terminate),
        // A version on its way to a signature.
        post("/contract-versions/{id}/review", May(Action::EditContracts), lifecycle::submit),
        get("/contract-versions/{id}/return", May(Action::ApproveContracts), lifecycle::return_form),
        post("/contract-versions/{id}/return", May(Action::ApproveContracts), lifecycle::give_back),
        get("/contract-versions/{id}/recall", May(Action::ApproveContracts), lifecycle::recall_form),
        post("/contract-versions/{id}/recall", May(Action::ApproveContracts), lifecycle::recall),
        // Proposals over a draft.
        get("/contract-versions/{id}/negotiation", May(Action::ViewContracts), negotiation::show),
        post("/contract-versions/{id}/rounds", May(Action::EditContracts), negotiation::send),
        post("/contract-versions/{id}/answers", May(Action::EditContracts), negotiation::answer),
        get("/contract-versions/{id}/concessions", May(Action::ViewContracts), negotiation::ledger),
        // A version being written.
        get("/contract-versions/{id}/edit", May(Action::EditContracts), draft::frame_form),
        post("/contract-versions/{id}", May(Action::EditContracts), draft::frame),
        post("/contract-versions/{id}/withdrawal", May(Action::EditContracts), draft::withdraw),
        post("/contract-versions/{id}/removals", May(Action::EditContracts), draft::remove),
        get("/contract-versions/{id}/options", May(Action::EditContracts), options::form),
        post("/contract-versions/{id}/options", May(Action::EditContracts), options::store),
        get("/contract-versions/{id}/parameters", May(Action::EditContracts), terms::parameters_form),
        post("/contract-versions/{id}/parameters", May(Action::EditContracts), terms::parameters),
        get("/contract-versions/{id}/terms/{kind}", May(Action::EditContracts), terms::form),
        post("/contract-versions/{id}/terms/{kind}", May(Action::EditContracts), terms::store),
        get("/contract-versions/{id}/sheet", May(Action::EditContracts), sheet_upload::form),
        post("/contract-versions/{id}/sheet", May(Action::EditContracts), sheet_upload::load),
        get("/contract-versions/{id}/limits", May(Action::EditContracts), draft::caps_form),
        post("/contract-versions/{id}/limits", May(Action::EditContracts), draft::caps),
        get("/contract-versions/{id}/rate", May(Action::EditContracts), draft::rate_form),
        post("/contract-versions/{id}/rate", May(Action::EditContracts), draft::rate),
        get("/contract-versions/{id}/table-rate", May(Action::EditContracts), cell::form),
        post("/contract-versions/{id}/table-rate", May(Action::EditContracts), cell::store),
        post("/contract-versions/{id}/table-rate/removal", May(Action::EditContracts), cell::remove),
        get("/contract-versions/{id}/target", May(Action::EditContracts), draft::target_form),
        post("/contract-versions/{id}/target", May(Action::EditContracts), draft::target),
        get("/contract-versions/{id}/late-clause", May(Action::EditContracts), draft::late_form),
        post("/contract-versions/{id}/late-clause", May(Action::EditContracts), draft::late),
        get("/contract-versions/{id}/threshold-clause", May(Action::EditContracts), draft::threshold_form),
        post("/contract-versions/{id}/threshold-clause", May(Action::EditContracts), draft::threshold),
        get("/contract-versions/{id}/clauses/{kind}", May(Action::EditContracts), clause_form::form),
        post("/contract-versions/{id}/clauses/{kind}", May(Action::EditContracts), clause_form::save),
        // The codes on invoices.
        get("/charge-codes", May(Action::ViewContracts), charge_code::list),
        get("/charge-codes/mapped", May(Action::ViewContracts), charge_code::mapped_list),
        get("/charge-codes/{partner}/{code}", May(Action::ViewContracts), charge_code::show_one),
        post("/charge-codes/{partner}/{code}", May(Action::MapCharges), charge_code::map),
        post("/charge-codes/{partner}/{code}/withdrawal", May(Action::MapCharges), charge_code::undo),
        // Money.
        get("/ledger", May(Action::ViewLedger), ledger::list),
        get("/ledger.csv", May(Action::ViewLedger), ledger::export),
        get("/ledger/accruals/{partner}/{key}", May(Action::ViewLedger), ledger::accrual),
        get("/ledger/accruals/{partner}/{key}/replacements", May(Action::ViewLedger), ledger::replaced::show),
        get("/ledger/freight", May(Action::ViewLedger), ledger::freight::list),
        get("/ledger/freight.csv", May(Action::ViewLedger), ledger::freight::export),
        get("/ledger/freight/{partner}/{entry}", May(Action::ViewLedger), ledger::freight::entry),
        // The books.
        get("/ledger/close", May(Action::ViewLedger), books::close::show_open),
        get("/ledger/close/{month}", May(Action::ViewLedger), books::close::show_one),
        post("/ledger/close/{month}", May(Action::CloseBooks), books::close::close),
        post("/ledger/close/{month}/checks", May(Action::KeepBooks), books::close::check),
        post("/ledger/close/{month}/overrides", May(Action::KeepBooks), books::close::ask),
        post("/ledger/close-overrides/{id}/decision", May(Action::CloseBooks), books::close::decide),
        get("/ledger/roll-forward.csv", May(Action::ViewLedger), books::roll::csv_file),
        get("/ledger/roll-forward.xlsx", May(Action::ViewLedger), books::roll::xlsx_file),
        get("/ledger/exports", May(Action::ViewLedger), books::export::list),
        post("/ledger/exports", May(Action::KeepBooks), books::export::create),
        get("/ledger/exports/{batch}", May(Action::ViewLedger), books::export::show_one),
        get("/ledger/exports/{batch}/{file}", May(Action::ViewLedger), books::export::file),
        get("/ledger/layout", May(Action::ViewLedger), books::layout::show_form),
        post("/ledger/layout", May(Action::KeepBooks), books::layout::store),
        get("/ledger/reconciliation", May(Action::ViewLedger), books::reconcile::show),
        get("/ledger/incentives", May(Action::ViewLedger), books::incentive::show),
        get("/ledger/budget", May(Action::ViewLedger), books::budget::show_month),
        post("/ledger/budget", May(Action::KeepBooks), books::budget::store),
        get("/ledger/accounts", May(Action::ViewLedger), books::accounts::show_chart),
        post("/ledger/accounts", May(Action::KeepBooks), books::accounts::store),
        // Items partners were told of: disputes, decisions, settlements.
        get("/disputes", May(Action::ViewLedger), dispute::show_inbox),
        post("/disputes/budgets", May(Action::ApproveMoney), dispute::set_budget),
        get("/disputes/holidays", May(Action::ViewLedger), dispute::holiday::show_holidays),
        post("/disputes/holidays", May(Action::ApproveMoney), dispute::holiday::set_holidays),
        get("/disputes/items", May(Action::ViewLedger), dispute::list),
        get("/items/{partner}/{key}", May(Action::ViewLedger), dispute::show_one),
        get("/items/{partner}/{key}/evidence.zip", May(Action::ViewLedger), dispute::evidence),
        post("/items/{partner}/{key}/answer", May(Action::AnswerDisputes), dispute::answer),
        get("/settlements", May(Action::ViewLedger), settlement::list),
        get("/settlements/new", May(Action::SettleItems), settlement::new),
        post("/settlements", May(Action::SettleItems), settlement::create),
        post("/settlements/set-off", May(Action::SettleItems), settlement::note),
        get("/settlements/{partner}/{id}", May(Action::ViewLedger), settlement::show_one),
        post("/settlements/{partner}/{id}/applications", May(Action::SettleItems), settlement::apply),
        get("/statements/{partner}", May(Action::ViewLedger), settlement::statement::show_one),
        post("/portal/credits/acceptance", May(Action::UsePortal), dispute::own::accept_all),
        get("/portal/items/{key}", May(Action::UsePortal), dispute::own::show_one),
        get("/portal/items/{key}/evidence.zip", May(Action::UsePortal), dispute::own::evidence),
        post("/portal/items/{key}/answer", May(Action::UsePortal), dispute::own::answer),
        post("/portal/items/{key}/disputes", May(Action::UsePortal), dispute::own::dispute),
        get("/portal/statement", May(Action::UsePortal), settlement::statement::show_own),
        get("/portal/statement.csv", May(Action::UsePortal), settlement::statement::csv_own),
        get("/portal/statement.xlsx", May(Action::UsePortal), settlement::statement::xlsx_own),
        // Carriers' invoices.
        get("/invoices", May(Action::ViewInvoices), invoice::list),
        get("/invoices.csv", May(Action::ViewInvoices), invoice::export),
        get("/invoices/drift", May(Action::ViewInvoices), invoice::drift::show_drift),
        get("/invoices/lines", May(Action::ViewInvoices), invoice::drift::show_lines),
        get("/invoices/terms/{partner}", May(Action::ViewInvoices), invoice::terms::show_terms),
        post("/invoices/terms/{partner}", May(Action::ResolveInvoices), invoice::terms::set),
        get("/invoices/{id}", May(Action::ViewInvoices), invoice::show_one),
        post("/invoices/{id}/rulings", May(Action::ResolveInvoices), invoice::release::decide),
        post("/invoices/{id}/steps", May(Action::ResolveInvoices), invoice::step),
        get("/portal/invoices", May(Action::UsePortal), invoice::own::list),
        get("/portal/invoices/{id}", May(Action::UsePortal), invoice::own::show_one),
        post("/portal/invoices/{id}/steps", May(Action::UsePortal), invoice::own::answer),
        // Scorecards and what stands behind them.
        // The portal: a partner's own score and facts.
        get("/portal", May(Action::UsePortal), portal::home),
        get("/portal/scorecards", May(Action::UsePortal), portal::scorecard_newest),
        get("/portal/scorecards/{period}", May(Action::UsePortal), portal::scorecard),
        get("/portal/scorecards/{period}/evidence.zip", May(Action::UsePortal), portal::evidence_bundle),
        get("/portal/scorecards/{period}/{kpi}", May(Action::UsePortal), portal::evidence),
        get("/portal/scorecards/{period}/{kpi}/challenge", May(Action::UsePortal), challenge::form_own),
        post("/portal/scorecards/{period}/{kpi}/challenge", May(Action::UsePortal), challenge::raise_own),
        get("/portal/challenges/{id}", May(Action::UsePortal), challenge::show_own),
        post("/portal/challenges/{id}/withdrawal", May(Action::UsePortal), challenge::withdraw),
        get("/portal/shipments/{source}/{reference}", May(Action::UsePortal), portal::shipment_page),
        get(
            "/portal/shipments/{source}/{reference}/exclusion",
            May(Action::UsePortal),
            exclusion::ask_form_own,
        ),
        post("/portal/shipments/{source}/{reference}/exclusion", May(Action::UsePortal), exclusion::ask_own),
        get(
            "/portal/tenders/{source}/{reference}/exclusion",
            May(Action::UsePortal),
            exclusion::tender::ask_form_own,
        ),
        post(
            "/portal/tenders/{source}/{reference}/exclusion",
            May(Action::UsePortal),
            exclusion::tender::ask_own,
        ),
        get("/portal/exclusions", May(Action::UsePortal), exclusion::list_own),
        get("/portal/exclusions/{id}", May(Action::UsePortal), exclusion::show_own),
        post("/portal/exclusions/{id}/withdrawal", May(Action::UsePortal), exclusion::withdraw),
        get("/portal/evidence-files/{id}", May(Action::UsePortal), exclusion::file),
        get("/portal/corrective-actions/{id}", May(Action::UsePortal), standing::action_own),
        post("/portal/corrective-actions/{id}/answer", May(Action::UsePortal), standing::answer_own),
        get("/portal/kpis", May(Action::UsePortal), portal::kpis),
        get("/portal/two-way", May(Action::UsePortal), two_way::show_own),
        // The portal: a partner's own contract and money.
        get("/portal/contract", May(Action::UsePortal), contract::own::show),
        get("/portal/contract/rates", May(Action::UsePortal), rates::show_own),
        get("/portal/contract/rates.csv", May(Action::UsePortal), rates::sheet::csv_own),
        get("/portal/contract/rates.xlsx", May(Action::UsePortal), rates::sheet::xlsx_own),
        get("/portal/contract/rate", May(Action::UsePortal), rates::price::price_own),
        get("/portal/attachments/{id}", May(Action::UsePortal), attachments::file_own),
        get("/portal/signatures/{id}", May(Action::UsePortal), sign::form),
        post("/portal/signatures/{id}", May(Action::UsePortal), sign::sign),
        post("/portal/signatures/{id}/refusal", May(Action::UsePortal), sign::decline),
        // The portal: proposals, and the partner's answer.
        get("/portal/negotiations/{id}", May(Action::UsePortal), negotiation_own::show),
        post("/portal/negotiations/{id}/answers", May(Action::UsePortal), negotiation_own::answer),
        get("/portal/negotiations/{id}/counter", May(Action::UsePortal), negotiation_own::counter_form),
        post("/portal/negotiations/{id}/counter", May(Action::UsePortal), negotiation_own::counter),
        get("/portal/negotiations/{id}/terms.csv", May(Action::UsePortal), negotiation_own::terms_csv),
        get("/portal/negotiations/{id}/terms.xlsx", May(Action::UsePortal), negotiation_own::terms_xlsx),
        get("/portal/negotiations/{id}/replay", May(Action::UsePortal), negotiation_own::replay),
        get("/portal/credits", May(Action::UsePortal), ledger::own::list),
        // The morning, scorecards, and what stands behind them.
        get("/today", May(Action::ViewScorecards), today::show),
        get("/today.csv", May(Action::ViewScorecards), today::csv),
        get("/exceptions", May(Action::ViewScorecards), exceptions::show),
        get("/exceptions/rows", May(Action::ViewScorecards), exceptions::rows),
        get("/scorecards", May(Action::ViewScorecards), scorecard::list),
        get("/scorecards/{partner_id}/{period}", May(Action::ViewScorecards), scorecard::show),
        get(
            "/scorecards/{partner_id}/{period}/evidence.zip",
            May(Action::ViewScorecards),
            scorecard::evidence_bundle,
        ),
        get(
            "/scorecards/{partner_id}/{period}/restatement",
            May(Action::PublishScorecards),
            restatement::form,
        ),
        post(
            "/scorecards/{partner_id}/{period}/restatement",
            May(Action::PublishScorecards),
            restatement::create,
        ),
        get("/scorecards/{partner_id}/{period}/{kpi}", May(Action::ViewScorecards), evidence::show),
        // What one side asks for, and the other decides.
        get("/decisions", May(Action::ViewScorecards), decision::list),
        get("/exclusions/{id}", May(Action::ViewScorecards), exclusion::show_one),
        post("/exclusions/{id}/decision", May(Action::DecideExclusions), exclusion::decide),
        get("/evidence-files/{id}", May(Action::ViewScorecards), exclusion::file),
        get("/challenges/{id}", May(Action::ViewScorecards), challenge::show_one),
        post("/challenges/{id}/answer", May(Action::DecideExclusions), challenge::answer),
        get("/declared-events", May(Action::ViewScorecards), declared_event::list),
        post("/declared-events", May(Action::RequestExclusions), declared_event::create),
        post("/declared-events/{id}/decision", May(Action::DecideExclusions), declared_event::decide),
        get("/templates", May(Action::ViewScorecards), template::list),
        get("/templates/new", May(Action::EditTemplates), template::new),
        post("/templates", May(Action::EditTemplates), template::create),
        get("/templates/{code}", May(Action::ViewScorecards), template::show_one),
        get("/templates/{code}/edit", May(Action::EditTemplates), template::edit_form),
        get("/template-versions/{version}", May(Action::ViewScorecards), template::show_version),
        post("/template-versions/{version}/decision", May(Action::EditTemplates), template::decide),
        get("/kpis", May(Action::ViewScorecards), kpi::list),
        get("/kpis/new", May(Action::EditKpis), kpi::own::new),
        post("/kpis", May(Action::EditKpis), kpi::own::create),
        get("/kpis/{code}", May(Action::ViewScorecards), kpi::show),
        get("/kpis/{code}/partners", May(Action::ViewScorecards), compare::kpi),
        get("/compare", May(Action::ViewScorecards), compare::show),
        get("/kpis/{code}/edit", May(Action::EditKpis), kpi::own::edit_form),
        post("/kpis/{code}", May(Action::EditKpis), kpi::own::change),
        post("/kpis/{code}/retirement", May(Action::EditKpis), kpi::own::retire),
        get("/shipments/{partner_id}/{source}/{reference}", May(Action::ViewPartners), shipment::show),
        get(
            "/shipments/{partner_id}/{source}/{reference}/exclusion",
            May(Action::RequestExclusions),
            exclusion::ask_form,
        ),
        post(
            "/shipments/{partner_id}/{source}/{reference}/exclusion",
            May(Action::RequestExclusions),
            exclusion::ask,
        ),
        get(
            "/tenders/{partner_id}/{source}/{reference}/exclusion",
            May(Action::RequestExclusions),
            exclusion::tender::ask_form,
        ),
        post(
            "/tenders/{partner_id}/{source}/{reference}/exclusion",
            May(Action::RequestExclusions),
            exclusion::tender::ask,
        ),
        // Running the installation.
        get("/imports", May(Action::ViewImports), import::list),
        get("/imports/{id}", May(Action::ViewImports), import::show_one),
        get("/jobs", May(Action::ViewJobs), job::list),
        get("/jobs/{job}", May(Action::ViewJobs), job::show_one),
        post("/jobs/{job}/runs", May(Action::RunJobs), job::run),
        get("/outbox", May(Action::ViewOutbox), mail::list),
        get("/outbox/{id}", May(Action::ViewOutbox), mail::show_one),
        get("/outbox/{id}/body", May(Action::ViewOutbox), mail::body),
        get("/outbox/{id}/parts/{part}", May(Action::ViewOutbox), mail::part),
        post("/outbox/{id}/attempts", May(Action::RunJobs), mail::retry),
        get("/users", May(Action::ViewUsers), user::list),
        post("/users", May(Action::EditUsers), user::create),
        get("/users/{id}/role", May(Action::EditUsers), user::role_form),
        post("/users/{id}/role", May(Action::EditUsers), user::set_role),
        post("/users/{id}/state", May(Action::EditUsers), user::state),
        get("/audit", May(Action::ViewUsers), audit::list),
    ]
}

/// One row of the table.
struct Row {
    method: Method,
    path: &'static str,
    access: Access,
    route: Route,
}

fn get<F, Args>(path: &'static str, access: Access, handler: F) -> Row
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let route = web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
    row(Method::GET, path, access, route, handler)
}

fn post<F, Args>(path: &'static str, access: Access, handler: F) -> Row
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    row(Method::POST, path, access, web::post(), handler)
}

fn row<F, Args>(method: Method, path: &'static str, access: Access, route: Route, handler: F) -> Row
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let route = route.to(handler).wrap(from_fn(move |request, next| access::check(access, request, next)));
    Row { method, path, access, route }
}

/// Adds every row to the pages.
pub(super) fn mount(mut pages: Scope) -> Scope {
    let mut rows = table();
    while let Some(path) = rows.first().map(|row| row.path) {
        let (here, rest): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.path == path);
        let wrong_method = web::route().to(|| async { Err::<actix_web::HttpResponse, _>(WebError::Method) });
        let resource = here
            .into_iter()
            .fold(web::resource(path), |resource, row| resource.route(row.route))
            .default_service(wrong_method);
        pages = pages.service(resource);
        rows = rest;
    }
    pages
}

/// Method, address pattern and access of every row, for the navigation and for the test.
pub fn list() -> &'static [(Method, &'static str, Access)] {
    static LIST: OnceLock<Vec<(Method, &'static str, Access)>> = OnceLock::new();
    LIST.get_or_init(|| table().into_iter().map(|row| (row.method, row.path, row.access)).collect())
}

/// Who may open the page at `path`, if there is one.
pub(super) fn access_of_page(path: &str) -> Option<Access> {
    list()
        .iter()
        .find(|(method, own, _)| *method == Method::GET && *own == path)
        .map(|(_, _, access)| *access)
}
