//! Every page of every role: found by its links, looked at as people see it, checked by machine.

use std::collections::{BTreeSet, VecDeque};

use lanemark::domain::viewer::{Role, Viewer};
use lanemark::web::access::{Access, Verdict};
use lanemark::web::routes;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::driver::Browser;

/// Pages one role is walked through at most; there are fewer addresses than that.
const PAGES_MAX: usize = 120;
/// A desk and a phone.
pub const DESK: (u32, u32) = (1440, 1000);
pub const PHONE: (u32, u32) = (390, 844);
/// Words of a program that slipped into a page.
const SLIPS: &[&str] = &["None", "NaN", "NULL", "null", "undefined", "Infinity", "Some"];

/// The accessibility rules, from the npm package axe-core; its licence lies beside it.
const AXE: &str = include_str!("axe.min.js");

/// What a page tells about itself.
const LOOK: &str = r"
const [load] = performance.getEntriesByType('navigation');
return {
  status: load.responseStatus,
  text: document.body.innerText,
  links: [...document.querySelectorAll('a[href], iframe[src], img[src]')].map(e => new URL(e.getAttribute('href') ?? e.getAttribute('src'), location).href),
};";

/// How far the page can be moved sideways, in pixels.
const SIDEWAYS: &str = "return document.scrollingElement.scrollWidth - window.innerWidth;";

/// Runs the rules over the page itself; a mail in a frame is walked as a page of its own.
const CHECK: &str = r"
const done = arguments[arguments.length - 1];
const [only, rules] = arguments;
const told = v => v.id + ', ' + v.help + ': ' + v.nodes.slice(0, 2).map(n => n.html + ' ' + n.failureSummary).join('; ');
// Rows of one table come from one loop of a template: after a dozen the next says nothing new.
const context = { include: [document], exclude: [['tbody > tr:nth-child(n+13)']] };
axe.run(context, { runOnly: only, rules, resultTypes: ['violations'], iframes: false, preload: false })
  .then(r => done(r.violations.map(told)), e => done(['axe itself: ' + e]));";

/// Whose rules: levels A and AA of WCAG 2.0 and 2.1.
const TAGS: &[&str] = &["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];

/// The rules that another colour scheme can break; the slowest of all.
const COLOUR_RULES: &[&str] = &["color-contrast", "link-in-text-block"];

#[derive(Clone, Copy)]
enum Rules {
    All,
    OfColour,
    NotOfColour,
}

#[derive(Deserialize)]
struct Seen {
    status: u16,
    text: String,
    links: Vec<String>,
}

/// One walk over the site; remembers what was wrong and which addresses were checked already.
pub struct Walk<'a> {
    browser: &'a Browser,
    base: Url,
    checked: BTreeSet<&'static str>,
    /// What was wrong, with its place.
    pub problems: Vec<String>,
}

impl<'a> Walk<'a> {
    /// Nothing seen yet.
    pub fn new(browser: &'a Browser, base: &str) -> Self {
        Self { browser, base: base.parse().unwrap(), checked: BTreeSet::new(), problems: Vec::new() }
    }

    /// Follows every link from `/` and from `begin` on, one of each route, and then asks whether that was every
    /// page of the role.
    pub async fn role(&mut self, role: Role, begin: &[String]) {
        let mut open: VecDeque<Url> = begin.iter().map(|address| address.parse().unwrap()).collect();
        let mut first_ones = open.len();
        open.push_back(self.base.clone());
        let mut visited = BTreeSet::new();
        while let Some(address) = open.pop_front() {
            let Some(route) = route_of(address.path()) else {
                self.problems.push(format!("{role}: a link leads to {address}, which is no page"));
                continue;
            };
            let is_new = visited.insert(route) || first_ones > 0;
            first_ones = first_ones.saturating_sub(1);
            if is_file(route) || is_file(address.path()) || !is_new {
                continue;
            }
            assert!(visited.len() <= PAGES_MAX, "more than {PAGES_MAX} pages for {role}");
            let links = self.page(role, route, &address).await;
            // What a mail to a partner leads to is the partner's alone to open.
            let is_theirs =
                |link: &Url| is_mail(route) && role != Role::Partner && link.path().starts_with("/portal");
            let ours = links.into_iter().filter(|link| link.origin() == self.base.origin());
            open.extend(ours.filter(|link| !is_theirs(link)));
        }
        let viewer = Viewer { user_id: 1, name: String::new(), role, partner_id: Some(1) };
        for (method, route, access) in routes::list() {
            let owed = method == "GET" && !matches!(access, Access::Public) && !is_file(route);
            // Few loads make no chart in a mail, and what a mail says is not the administrator's to read.
            let is_absent = is_mail(route) && (route.contains("/parts/") || role == Role::Admin);
            if owed
                && !is_absent
                && access.verdict(Some(&viewer)) == Verdict::Allow
                && !visited.contains(route)
            {
                self.problems.push(format!("{role}: no link leads to {route}"));
            }
        }
    }

    /// Opens one page and looks at it; gives the links on it.
    async fn page(&mut self, role: Role, route: &'static str, address: &Url) -> Vec<Url> {
        let place = format!("{role} {}", address.path());
        self.browser.client.goto(address.as_str()).await.unwrap();
        let seen = self.browser.client.execute(LOOK, Vec::new()).await.unwrap();
        let seen: Seen = serde_json::from_value(seen).unwrap();
        if seen.status != 200 {
            self.problems.push(format!("{place}: status {}", seen.status));
        }
        let words = seen.text.split(|c: char| !c.is_alphanumeric());
        let slips: BTreeSet<&str> = words.filter(|word| SLIPS.contains(word)).collect();
        if !slips.is_empty() {
            self.problems.push(format!("{place}: the page says {slips:?}"));
        }
        if self.checked.insert(route) && !is_mail(route) {
            self.look_closely(&place).await;
        }
        let errors = self.browser.console_errors().await;
        self.problems.extend(errors.into_iter().map(|error| format!("{place}: the console got {error}")));
        let base = &self.base;
        seen.links.iter().filter_map(|link| base.join(link).ok()).collect()
    }

    /// Accessibility light and dark, on a desk and on a phone, and whether the phone's page stays in its column.
    async fn look_closely(&mut self, place: &str) {
        // Through the developer's door, for the page's own policy lets no script in.
        self.browser.devtools("Runtime.evaluate", json!({ "expression": AXE })).await;
        self.rules(&format!("{place}, light, desk"), Rules::All).await;
        self.browser.color_scheme("dark").await;
        self.rules(&format!("{place}, dark, desk"), Rules::OfColour).await;
        self.browser.resize(PHONE.0, PHONE.1).await;
        self.rules(&format!("{place}, dark, phone"), Rules::OfColour).await;
        self.browser.color_scheme("light").await;
        // The colours of a phone's page are those of the desk's; what else could differ is asked again.
        self.rules(&format!("{place}, light, phone"), Rules::NotOfColour).await;
        let sideways = self.browser.client.execute(SIDEWAYS, Vec::new()).await.unwrap();
        if sideways.as_i64() != Some(0) {
            self.problems.push(format!("{place}: moves {sideways} pixels sideways on a phone"));
        }
        self.browser.resize(DESK.0, DESK.1).await;
    }

    async fn rules(&mut self, place: &str, rules: Rules) {
        let of_colour = || COLOUR_RULES.iter().map(|rule| ((*rule).to_owned(), json!({ "enabled": false })));
        let tags = json!({ "type": "tag", "values": TAGS });
        let (only, but) = match rules {
            Rules::All => (tags, json!({})),
            Rules::OfColour => (json!({ "type": "rule", "values": COLOUR_RULES }), json!({})),
            Rules::NotOfColour => (tags, Value::Object(of_colour().collect())),
        };
        let found = self.browser.client.execute_async(CHECK, vec![only, but]).await.unwrap();
        let found = found.as_array().unwrap().iter().filter_map(Value::as_str);
        self.problems.extend(found.map(|problem| format!("{place}: {problem}")));
    }
}

/// A table to download, which is no page.
fn is_file(path: &str) -> bool {
    const FOLDERS: [&str; 4] =
        ["/attachments/", "/portal/attachments/", "/evidence-files/", "/portal/evidence-files/"];
    let attached = FOLDERS.iter().any(|folder| path.starts_with(folder));
    // The rows of the live board come to its script.
    let part = path == "/exceptions/rows";
    [".csv", ".xlsx", ".zip", ".json", ".txt"].iter().any(|ending| path.ends_with(ending)) || attached || part
}

/// A mail as it was sent: its page allows no script to run, so the rules cannot either.
fn is_mail(route: &str) -> bool {
    route.starts_with("/outbox/{id}/")
}

/// The row of the route table that an address belongs to.
fn route_of(path: &str) -> Option<&'static str> {
    let fits = |route: &str| {
        let (mut ours, mut theirs) = (route.split('/'), path.split('/'));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(part), Some(given)) if part == given || part.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let gets = || routes::list().iter().filter(|(method, ..)| method == "GET").map(|(_, route, _)| *route);
    gets().find(|route| *route == path).or_else(|| gets().find(|route| fits(route)))
}
