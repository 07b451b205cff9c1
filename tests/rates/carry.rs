//! What is taken away from one contract and brought to another prices the same, and what a file does not say is told.

use super::{LOADS, load, of, rate};
use crate::support::db::on_both;
use crate::support::process::Desk;

/// [`LOADS`] with everything a line and a version can say about how to rate.
fn tariff() -> String {
    LOADS.replace(
        "basis = \"PER_CWT\"\n",
        "basis = \"PER_CWT\"\ndiscount_percent = \"62\"\nminimum = \"95.00\"\ngaps = \"UNRATED\"\ndeficit = true\n\
         weight_unit = \"LB\"\nweight_rounding = { mode = \"UP\", step = \"1\" }\ncharge = \"LHS\"\n",
    )
}

const SHEET: &str = "line,from,to,above,below,starts,ends,price,money\n\
    LTL,US-TX,*,0,500,,,48.20,USD\nLTL,US-TX,*,500,1000,,,39.75,USD\nLTL,US-TX,*,1000,2000,,,31.40,USD\n\
    LTL,US-TX,*,2100,,,,26.10,USD\n";

const TO_RATE: &str = "reference,pickup,origin_state,origin_country,weight\n\
    bumped,2025-07-08,TX,US,940\nleast,2025-07-08,TX,US,60\ngap,2025-07-08,TX,US,2050\nup,2025-07-08,TX,US,1500.2\n";

#[test]
fn a_sheet_prices_the_same_in_another_contract() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("tariff.toml", tariff());
        desk.file("tariff.csv", SHEET);
        desk.file("loads.csv", TO_RATE);
        load(&desk, "tariff.csv", mapping.to_str().unwrap()).ends(0);
        let priced = |contract: &str| {
            let said = desk.run(&["rate", "loads.csv", "--contract", contract, "--format", "json"]).ends(0);
            said.json()
        };
        let first = priced("C-1");
        // 1,000 lb at 31.40 less 62 %, DOMAIN R1 without its fuel.
        assert_eq!(of(&rate(&desk, "loads.csv", &[]), "bumped")["total"], "119.32");
        for (file, more) in [("out.csv", &[][..]), ("out.xlsx", &[][..])] {
            desk.run(&[&["export", "rates", file, "--contract", "C-1"], more].concat()).ends(0);
            let number = format!("C-{file}");
            desk.run(&["import", "rates", file, "--contract", &number, "--partner", "BRCK"]).ends(0);
            assert_eq!(priced(&number), first, "{file}");
        }
        // Where the contract says otherwise, the sheet wins and says what it changes for all tables.
        let other = tariff()
            .replace("62", "10")
            .replace("deficit = true", "deficit = false")
            .replace("95.00", "5.00");
        let other = desk.file("other.toml", other);
        let other = other.to_str().unwrap();
        desk.run(&[
            "import",
            "rates",
            "tariff.csv",
            "--contract",
            "C-9",
            "--partner",
            "BRCK",
            "--mapping",
            other,
        ])
        .ends(0);
        assert_ne!(priced("C-9"), first);
        let said =
            desk.run(&["import", "rates", "out.csv", "--contract", "C-9", "--format", "json"]).ends(0).json();
        assert_eq!(priced("C-9"), first);
        assert!(said["notes"][0].as_str().unwrap().contains("deficit weight: Not used → Charged"), "{said}");
        // A sheet without those columns leaves the line as it is, and says so by name.
        desk.file("bare.csv", "line,weight_from,weight_to,rate,currency\nLTL,0,,50,USD\n");
        let said = desk
            .run(&["import", "rates", "bare.csv", "--contract", "C-9", "--format", "json"])
            .ends(0)
            .json();
        let note = said["notes"][0].as_str().unwrap();
        for told in ["LTL: the sheet does not say", "discount percent 62", "minimum 95.00", "basis PER_CWT"] {
            assert!(note.contains(told), "{told}: {note}");
        }
        // Two rows that say different things, and what does not read, are told by row and column.
        desk.file("clash.csv", "line,weight_from,weight_to,rate,basis\nLTL,0,5,50,FLAT\nLTL,5,,50,PER_CWT\n");
        desk.run(&["import", "rates", "clash.csv", "--contract", "C-9"]).ends(1).complains(&[
            "row 3",
            "`basis`",
            "row 2 says",
        ]);
        desk.file("bad.csv", "line,weight_from,weight_to,rate,discount_percent\nLTL,0,,50,lots\n");
        desk.run(&["import", "rates", "bad.csv", "--contract", "C-9"])
            .ends(1)
            .complains(&["row 2", "is not a percentage"]);
    });
}
