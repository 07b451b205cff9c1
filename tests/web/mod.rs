//! The pages, through the whole service.

mod contract;
mod ledger;
mod partner;
mod plan;
mod routes;
mod scorecard;
mod security;
mod sign_in;
mod user;
