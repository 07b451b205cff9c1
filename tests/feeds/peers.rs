//! Runs `tests/cases/peers/*.toml`: complaints about scores in other products, played against the program as people run it.
//! The README there tells how.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::support::db::on_both;
use crate::support::process::Desk;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    #[serde(rename = "source")]
    _source: String,
    file: Vec<File>,
    step: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    run: String,
    #[serde(default)]
    code: i32,
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    never: Vec<String>,
    #[serde(default)]
    values: BTreeMap<String, Value>,
    keep: Option<String>,
    same_as: Option<String>,
}

impl Step {
    fn play(&self, desk: &Desk, kept: &mut BTreeMap<String, String>, title: &str) {
        let words: Vec<&str> = self.run.split(' ').collect();
        let said = desk.run(&words);
        let place = format!("{title}: `{}`", self.run);
        assert_eq!(said.code, self.code, "{place}: {said:?}");
        let all = format!("{}{}", said.out, said.err);
        self.says.iter().for_each(|part| assert!(all.contains(part), "{place}: no `{part}` in {all}"));
        self.never.iter().for_each(|part| assert!(!all.contains(part), "{place}: `{part}` in {all}"));
        if !self.values.is_empty() {
            let json = said.json();
            for (pointer, want) in &self.values {
                let got = json.pointer(pointer).cloned().unwrap_or(Value::Null);
                let want = if want == "nothing" { &Value::Null } else { want };
                assert_eq!(&got, want, "{place} at {pointer}: {json}");
            }
        }
        if let Some(name) = &self.same_as {
            assert_eq!(said.out, kept[name], "{place}: not the same as {name}");
        }
        if let Some(name) = &self.keep {
            kept.insert(name.clone(), said.out);
        }
    }
}

#[test]
fn peers_complaints_do_not_hold_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/peers");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&path).unwrap();
            let case: Case =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            cases.push(case);
        }
    }
    assert!(cases.len() >= 6);
    for case in &cases {
        on_both(|db| {
            let desk = Desk::new(&db);
            for file in &case.file {
                desk.file(&file.name, file.text.trim_start());
            }
            let mut kept = BTreeMap::new();
            case.step.iter().for_each(|step| step.play(&desk, &mut kept, &case.title));
        });
    }
}
