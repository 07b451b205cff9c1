//! Chromium, driven through Debian's WebDriver. Both end with the test, whatever becomes of it.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::{ParseError, Url};

/// What a bare Debian machine has after `.ci/run` installed its packages.
const CHROMIUM: &str = "chromium";
const CHROMEDRIVER: &str = "chromedriver";
/// How the driver says that it listens.
const STARTED: &str = "started successfully on port ";
/// Longest wait for the driver to start, for an element to appear, and for both to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Without a sandbox, because CI is root; without anything that would reach for the network.
const ARGUMENTS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-features=OptimizationHints,MediaRouter,Translate",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
];

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    /// As people have them.
    On,
    /// Switched off in the browser's settings.
    Off,
}

/// One browser with its driver and a profile of its own.
pub struct Browser {
    /// The WebDriver session.
    pub client: Client,
    /// Ends the browser before its profile goes.
    _driver: Driver,
    _profile: TempDir,
}

/// The driver's process.
struct Driver {
    child: Child,
    port: u16,
    /// The folder of the browser's profile: names the browser's processes.
    profile: String,
    browser_pid: Option<u64>,
}

/// Whether both programs are here; says so when not, and fails in CI.
pub fn is_installed() -> bool {
    let answers = |program: &&str| {
        let mut asked = Command::new(program);
        asked.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        asked.status().is_ok_and(|status| status.success())
    };
    let missing: Vec<_> = [CHROMIUM, CHROMEDRIVER].into_iter().filter(|program| !answers(program)).collect();
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join(" and ");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs {missing}");
    println!("skipped in the browser: no {missing}");
    false
}

impl Driver {
    /// Starts on a free port of the driver's own choice.
    fn start(profile: &str) -> Self {
        let mut child = Command::new(CHROMEDRIVER)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let mut driver = Self { child, port: 0, profile: profile.to_owned(), browser_pid: None };
        let (says, heard) = mpsc::channel();
        // Reads on to the end, so that the driver never waits for a reader.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some((_, port)) = line.split_once(STARTED) {
                    let _ = says.send(port.trim_end_matches('.').parse());
                }
            }
        });
        driver.port = heard.recv_timeout(PATIENCE).expect("the driver starts").expect("and names its port");
        driver
    }

    /// Asks the driver to end its browser and itself.
    fn shut_down(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET /shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        stream.read_to_end(&mut Vec::new()).map(|_| ())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let asked = self.shut_down();
        let _ = self.child.kill();
        let _ = self.child.wait();
        // A browser that outlived its driver is known by the profile on its command line.
        let Some(pid) = self.browser_pid else { return };
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(&self.profile) {
            eprintln!("the browser {pid} did not end by itself: {asked:?}");
            let _ = Command::new("sh").args(["-c", &format!("kill -9 {pid}")]).status();
        }
    }
}

impl Browser {
    /// Opens a browser.
    pub async fn open(scripts: Scripts) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let folder = profile.path().display().to_string();
        let mut driver = Driver::start(&folder);
        let mut arguments: Vec<String> = ARGUMENTS.iter().map(|&argument| argument.to_owned()).collect();
        arguments.push(format!("--user-data-dir={folder}"));
        let mut options = json!({ "args": arguments });
        if scripts == Scripts::Off {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        let mut wanted = Capabilities::new();
        wanted.insert("goog:chromeOptions".to_owned(), options);
        wanted.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        let patience = u64::try_from(PATIENCE.as_millis()).unwrap();
        wanted.insert("timeouts".to_owned(), json!({ "pageLoad": patience, "script": patience }));
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{}", driver.port))
            .await
            .unwrap();
        driver.browser_pid =
            client.capabilities().and_then(|given| given.get("goog:processID")).and_then(Value::as_u64);
        Self { client, _driver: driver, _profile: profile }
    }

    /// Sends a command of the DevTools protocol.
    pub async fn devtools(&self, cmd: &'static str, params: Value) -> Value {
        let body = json!({ "cmd": cmd, "params": params });
        self.client.issue_cmd(Vendor { path: "goog/cdp/execute", body }).await.unwrap()
    }

    /// Shows pages on a screen of this size.
    pub async fn resize(&self, width: u32, height: u32) {
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
    }

    /// Shows pages as a device set to light or dark does.
    pub async fn color_scheme(&self, scheme: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// What the console got since the last time: errors only.
    pub async fn console_errors(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Vendor { path: "se/log", body: json!({ "type": "browser" }) });
        let lines = log.await.unwrap();
        let is_error = |line: &&Value| line["level"] == "SEVERE";
        lines.as_array().unwrap().iter().filter(is_error).map(|line| line["message"].to_string()).collect()
    }

    /// The element that `css` finds, once it is there.
    pub async fn find(&self, css: &str) -> Element {
        self.wait_for(Locator::Css(css)).await
    }

    /// Waits until an element of this class says these words.
    pub async fn reads(&self, class: &str, words: &str) {
        let path = format!(r#"//*[contains(@class, "{class}")][contains(normalize-space(.), "{words}")]"#);
        self.wait_for(Locator::XPath(&path)).await;
    }

    /// Waits until the page says these words, outside what frames every page.
    pub async fn says(&self, words: &str) {
        let path = format!(r#"//main[contains(normalize-space(.), "{words}")]"#);
        self.wait_for(Locator::XPath(&path)).await;
    }

    async fn wait_for(&self, what: Locator<'_>) -> Element {
        match self.client.wait().at_most(PATIENCE).for_element(what).await {
            Ok(element) => element,
            Err(error) => {
                let (address, page) = (self.client.current_url().await, self.client.source().await);
                panic!("no {what:?} at {address:?}: {error}\n{}", page.unwrap_or_default())
            }
        }
    }

    /// The text of the first element that `css` finds.
    pub async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    /// Fills a field of the form that `form` finds: picks, ticks or types, as its kind wants.
    pub async fn fill(&self, form: &str, name: &str, value: &str) {
        let field = self.find(&format!("{form} [name='{name}']")).await;
        let kind = field.attr("type").await.unwrap().unwrap_or_default();
        match (field.tag_name().await.unwrap().as_str(), kind.as_str()) {
            ("select", _) => field.select_by_label(value).await.unwrap(),
            ("input", "radio") => {
                self.find(&format!("{form} [name='{name}'][value='{value}']")).await.click().await.unwrap();
            }
            ("input", "date") => {
                // Keys in a date field follow the browser's language; its value does not.
                let set = "arguments[0].value = arguments[1]";
                let arguments = vec![serde_json::to_value(&field).unwrap(), json!(value)];
                self.client.execute(set, arguments).await.unwrap();
            }
            _ => {
                field.clear().await.unwrap();
                field.send_keys(value).await.unwrap();
            }
        }
    }

    /// Presses what `css` finds and waits for the page that comes of it.
    pub async fn press(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }
}

/// A command of Chromium's own.
struct Vendor {
    path: &'static str,
    body: Value,
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path)
    }
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(&self, base_url: &Url, session_id: Option<&str>) -> Result<Url, ParseError> {
        base_url.join(&format!("session/{}/{}", session_id.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
