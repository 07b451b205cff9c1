//! The real server on a port of the loopback, over a small demo network.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, OnceLock};

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use actix_web::{App as Service, HttpServer, rt};
use lanemark::app::App;
use lanemark::app::demo::{Size, as_of, sign_ins};
use lanemark::clock::Clock;
use lanemark::db::DbUrl;
use lanemark::domain::viewer::Role;
use lanemark::jobs::demo::{DemoOptions, run};
use lanemark::mail::Mailer;
use lanemark::web::{Web, WebConfig, configure};
use tempfile::TempDir;

use super::driver::Browser;

/// Enough loads for every kind of page, few enough for every test run.
const SIZE: Size = Size(2);
/// Connections of the site.
const POOL_SIZE: u32 = 3;

/// A site that serves until it is dropped.
pub struct Site {
    /// Its address, without a slash at the end.
    pub base: String,
    handle: ServerHandle,
    _folder: TempDir,
}

impl Site {
    /// Serves a copy of the network. Call inside a running system.
    pub fn serve() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("site.db");
        std::fs::write(&file, network()).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let bind = listener.local_addr().unwrap();
        let base = format!("http://{bind}");
        let mailer = Mailer::file("Lanemark <reviews@shipper.example>", folder.path().join("mail")).unwrap();
        let pool = DbUrl::Sqlite(file).open(POOL_SIZE).unwrap();
        let app = App::new(pool, Clock::Fixed(as_of()), &base).with_mailer(mailer);
        let config = WebConfig { bind, base_url: base.parse().unwrap(), trust_proxy: false, secret: None };
        let web = Data::from(Arc::new(Web::new(app, config).unwrap()));
        let server = HttpServer::new(move || Service::new().configure(configure(&web)))
            .workers(1)
            .disable_signals()
            .listen(listener)
            .unwrap()
            .run();
        let handle = server.handle();
        rt::spawn(server);
        Self { base, handle, _folder: folder }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // The answer comes when the last connection is closed; the system ends before.
        drop(self.handle.stop(false));
    }
}

/// The bytes of a demo's database, made once.
fn network() -> &'static [u8] {
    static NETWORK: OnceLock<Vec<u8>> = OnceLock::new();
    NETWORK.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("demo.db");
        let options = DemoOptions {
            database: DbUrl::Sqlite(file.clone()),
            size: SIZE,
            keep_files: None,
            mail_folder: folder.path().join("mail"),
            base_url: "http://127.0.0.1".to_owned(),
            pool_size: 2,
        };
        // Closing the last connection moves the log into the file.
        drop(run(&options, &mut |_| ()).unwrap());
        std::fs::read(file).unwrap()
    })
}

/// Signs in through the page, as the demo's user of that role.
pub async fn sign_in(browser: &Browser, base: &str, role: Role) {
    let user = sign_ins().into_iter().find(|user| user.role == role.title()).unwrap();
    browser.client.goto(&format!("{base}/sign-in")).await.unwrap();
    browser.fill("form", "email", &user.email).await;
    browser.fill("form", "password", &user.password).await;
    browser.press("form .btn.primary").await;
    browser.reads("who", user.name).await;
}

/// Signs out through the rail.
pub async fn sign_out(browser: &Browser, base: &str) {
    browser.client.goto(&format!("{base}/account")).await.unwrap();
    browser.press(".rail .who button").await;
    browser.find("input[name='password']").await;
}
