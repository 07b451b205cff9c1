//! The pages, through the whole service.

mod books;
mod contract;
mod dispute;
mod drawn;
mod fairness;
mod five;
mod import;
mod intruder;
mod invoice;
mod job;
mod kpi;
mod ledger;
mod mail;
mod partner;
mod plan;
mod replaced;
mod routes;
mod scorecard;
mod security;
mod sign_in;
mod template;
mod user;
