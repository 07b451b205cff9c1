//! The pages: one HTTP server, every page rendered here, no script.
//!
//! Reading order: [`routes`] (every address and who may open it), [`access`] (who is asking, and the
//! one place that refuses), [`extract`] (what a handler gets), [`page`] (what it answers), then one
//! file per noun. [`guard`] holds headers and the check against forged requests, [`session`] the
//! cookie's other half, [`assets`] the files in `static/`.

pub mod access;
pub mod account;
pub mod assets;
pub mod audit;
mod books;
pub mod challenge;
pub mod charge_code;
pub mod compare;
pub mod contract;
pub mod decision;
pub mod declared_event;
mod desk;
pub mod dispute;
mod download;
pub mod edit;
pub mod evidence;
pub mod exceptions;
pub mod exclusion;
pub mod extract;
pub mod guard;
pub mod health;
pub mod import;
pub mod invoice;
pub mod job;
mod kept;
pub mod kpi;
pub mod ledger;
pub mod mail;
pub mod page;
pub mod partner;
pub mod plan;
pub mod portal;
pub mod restatement;
pub mod routes;
pub mod scorecard;
pub mod session;
pub mod settlement;
pub mod shipment;
pub mod show;
pub mod sign_in;
pub mod standing;
pub mod template;
pub mod today;
mod two_way;
mod upload;
pub mod user;

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpServer, cookie};
use sha2::{Digest, Sha512};
use url::Url;

use self::kept::Kept;
use crate::app::App;
use crate::config::Config;
use crate::db::DbError;
use crate::db::setting::setting_get_or_set;
use crate::web::page::WebError;

/// Largest request body, in bytes; handlers that take files set their own.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// Under this name the database keeps the secret that signs cookies.
const SECRET_SETTING: &str = "web.secret";

/// Bytes of a secret made here.
const SECRET_BYTES: usize = 32;

/// Threads of each worker for units of work, at least. More of them than connections would only wait in each other's
/// way and wake out of turn, which the slowest answers would show.
const LEAST_THREADS: usize = 4;

/// What the pages need to know besides [`App`].
#[derive(Clone, Debug)]
pub struct WebConfig {
    /// Where to listen.
    pub bind: SocketAddr,
    /// The public address; `https` turns on secure cookies and HSTS.
    pub base_url: Url,
    /// Whether addresses in forwarding headers are believed.
    pub trust_proxy: bool,
    /// Signs cookies; `None` takes the one kept in the database.
    pub secret: Option<crate::config::Secret>,
}

impl From<&Config> for WebConfig {
    fn from(config: &Config) -> Self {
        Self {
            bind: config.bind,
            base_url: config.base_url.clone(),
            trust_proxy: config.trust_proxy,
            secret: config.secret.clone(),
        }
    }
}

impl WebConfig {
    /// Whether somebody said how people reach the site; else it may be under any name.
    #[must_use]
    pub fn is_address_given(&self) -> bool {
        self.base_url != Config::default().base_url
    }

    /// Whether people reach the site over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.base_url.scheme() == "https"
    }
}

/// What all workers share.
pub struct Web {
    /// The use cases' parts.
    pub app: App,
    /// The settings.
    pub config: WebConfig,
    /// How often who may try to sign in.
    pub limits: sign_in::Limits,
    /// Portfolios as drawn.
    portfolios: today::Portfolios,
    /// What waits for each role.
    desks: desk::Desks,
    /// Scorecards as drawn.
    cards: scorecard::Cards,
    /// Pages of the ledger as drawn.
    ledgers: ledger::Ledgers,
    /// Pages of closes as drawn.
    closes: books::close::Closes,
    /// Signs cookies.
    key: cookie::Key,
}

impl Web {
    /// Binds the parts and finds or makes the secret that signs cookies. Blocks on the database.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn new(app: App, config: WebConfig) -> Result<Self, DbError> {
        let secret = match &config.secret {
            Some(secret) => secret.reveal().to_owned(),
            None => setting_get_or_set(&mut *app.pool.get()?, SECRET_SETTING, &random_hex()?)?,
        };
        let key = cookie::Key::from(&Sha512::digest(secret.as_bytes()));
        Ok(Self {
            app,
            config,
            limits: sign_in::Limits::new(),
            portfolios: Kept::new(today::PORTFOLIOS),
            desks: Kept::new(desk::DESKS),
            cards: Kept::new(scorecard::CARDS),
            ledgers: Kept::new(ledger::LEDGERS),
            closes: Kept::new(books::close::CLOSES),
            key,
        })
    }
}

/// Fresh randomness as text.
fn random_hex() -> Result<String, DbError> {
    let mut bytes = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| DbError::Stored {
        what: "a new secret".to_owned(),
        reason: format!("the operating system gave no randomness: {error}"),
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Adds everything to a service: the server does it once per worker, tests do it themselves.
///
/// From the outside in: request id and log, headers, compression; then for pages the session, who is
/// asking, error pages, forged requests; then per route who may.
pub fn configure(web: &Data<Web>) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let web = web.clone();
    move |service: &mut ServiceConfig| {
        let pages =
            routes::mount(web::scope("").app_data(web::PayloadConfig::new(MAX_BODY_BYTES)).default_service(
                web::route().to(|| async { Err::<actix_web::HttpResponse, _>(WebError::NotFound) }),
            ))
            .wrap(from_fn(guard::same_origin))
            .wrap(from_fn(guard::no_zero_byte))
            .wrap(from_fn(page::errors))
            .wrap(from_fn(access::identify))
            .wrap(session::middleware(&web))
            .wrap(from_fn(page::no_session));
        service.service(
            web::scope("")
                .app_data(web)
                .service(assets::service())
                .service(assets::favicon())
                .service(health::live())
                .service(health::ready())
                .service(pages)
                .wrap(Compress::default())
                .wrap(from_fn(guard::headers))
                .wrap(from_fn(guard::trace)),
        );
    }
}

/// Serves the pages until the process is told to stop.
///
/// # Errors
/// The port is taken, or the database cannot be read.
pub async fn serve(app: App, config: WebConfig) -> anyhow::Result<()> {
    let bind = config.bind;
    let web = Data::from(Arc::new(web::block(move || Web::new(app, config)).await??));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = usize::try_from(web.app.pool.size())?.div_ceil(workers).max(LEAST_THREADS);
    let server = HttpServer::new(move || actix_web::App::new().configure(configure(&web)));
    let server = server
        .workers(workers)
        .worker_max_blocking_threads(threads)
        .bind(bind)
        .map_err(|error| anyhow::anyhow!("cannot listen on {bind}: {error}; set LANEMARK_BIND"))?;
    tracing::info!(address = %bind, "serving");
    server.run().await?;
    Ok(())
}
