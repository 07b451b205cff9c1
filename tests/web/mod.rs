//! The pages, through the whole service.

mod plan;
mod routes;
mod security;
mod sign_in;
mod user;
