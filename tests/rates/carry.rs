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
            let mut said = said.json();
            for one in said.as_array_mut().unwrap() {
                assert_eq!(one.as_object_mut().unwrap().remove("contract"), Some(contract.into()));
            }
            said
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

fn read(desk: &Desk, file: &str) -> String {
    std::fs::read_to_string(desk.path(file)).unwrap()
}

const ACCESSORIALS: &str = "code,label,unit,rate,free_quantity,increment_minutes,cap,cap_scope,condition,free_by_weight,late_arrival,evidence,fuel_applicable,discount\n\
    DTU,Detention while unloading,PER_HOUR,60.00,120,30,500,STOP,weight at least 100 and not service in economy,5000: 180 | 10000: 240,FORFEIT,TIMES,yes,10\n\
    LFT,=Liftgate,PER_OCCURRENCE,\"1,040.00\",,,,,,,,,,\n";

const FUEL: &str = "code,label,index,basis,from,to,value,applies_to,valid_from,valid_to\n\
    405,Fuel surcharge,EIA-US-DIESEL,PCT_OF_BASE,0,2.50,0,LFT | DTU,2025-01-01,2025-12-31\n\
    405,,,,2.50,2.75,18.5,,2025-01-01,\n405,,,,2.75,,20,,2025-01-01,\n\
    FUE,By the mile,EIA-US-DIESEL,PER_DISTANCE,0,,0.45,,,\n";

#[test]
fn accessorial_rates_and_fuel_tables_come_by_file_and_go_out_as_they_came() {
    on_both(|db| {
        let desk = Desk::new(&db);
        let mapping = desk.file("tariff.toml", tariff());
        desk.file("tariff.csv", SHEET);
        load(&desk, "tariff.csv", mapping.to_str().unwrap()).ends(0);
        load_to(&desk, "C-2", mapping.to_str().unwrap());
        desk.file("accessorials.csv", ACCESSORIALS);
        desk.file("fuel.csv", FUEL);
        let import = |kind: &str, file: &str, contract: &str, more: &[&str]| {
            desk.run(&[&["import", kind, file, "--contract", contract, "--format", "json"], more].concat())
        };
        for (kind, file, rows) in [("accessorials", "accessorials.csv", 2), ("fuel-table", "fuel.csv", 2)] {
            // A dry run tells the same and keeps nothing.
            let dry = import(kind, file, "C-1", &["--dry-run"]).ends(0).json();
            assert_eq!(dry["added"].as_array().unwrap().len(), rows, "{dry}");
            let named = if kind == "accessorials" { "accessorial-rates" } else { kind };
            assert_eq!(dry["kind"], named, "{dry}");
            let said = import(kind, file, "C-1", &[]).ends(0).json();
            assert_eq!((&said["added"], &said["changed"]), (&dry["added"], &dry["changed"]), "{kind}");
            let again = import(kind, file, "C-1", &[]).ends(0).json();
            assert_eq!(again["same"], rows, "{again}");
            for ending in ["csv", "xlsx"] {
                let out = format!("out-{kind}.{ending}");
                desk.run(&["export", kind, &out, "--contract", "C-1"]).ends(0);
                let same = import(kind, &out, "C-1", &[]).ends(0).json();
                assert_eq!(
                    (&same["same"], &same["changed"]),
                    (&rows.into(), &serde_json::json!([])),
                    "{same}"
                );
                let other = import(kind, &out, "C-2", &[]).ends(0).json();
                let same = usize::try_from(other["same"].as_u64().unwrap()).unwrap();
                let both = other["added"].as_array().unwrap().len() + same;
                assert_eq!(both, rows, "{other}");
                let back = format!("back-{kind}.{ending}");
                desk.run(&["export", kind, &back, "--contract", "C-2"]).ends(0);
                if ending == "csv" {
                    assert_eq!(read(&desk, &out), read(&desk, &back), "{kind}");
                }
            }
        }
        let said = import("accessorials", "accessorials.csv", "C-1", &["--dry-run"]).ends(0).json();
        assert_eq!(said["same"], 2);
        // What a file has no column for stays.
        desk.file("dearer.csv", "code,rate\nDTU,75\n");
        let said = import("accessorials", "dearer.csv", "C-1", &[]).ends(0).json();
        let changed = said["changed"][0].as_str().unwrap();
        assert!(changed.contains("75.00 per hour") && changed.contains("late arrival forfeits"), "{changed}");
        desk.file("table.csv", "from,to,value,valid_from\n0,3,1,2025-01-01\n3,,2.5,2025-01-01\n");
        let said = import("fuel-table", "table.csv", "C-1", &[]).ends(0).json();
        assert!(said["changed"][0].as_str().unwrap().contains("table of 2 rows"), "{said}");
        // One wrong row and nothing is loaded; each is told by row and column, and the rejects have it.
        desk.run(&["export", "accessorials", "before.csv", "--contract", "C-1"]).ends(0);
        desk.file("bad.csv", "code,label,unit,rate,condition\nRES,Residential,PER_OCCURRENCE,5,\nHAZ,Hazmat,PER_STONE,5,\nDET,Trailer,PER_DAY,lots,\nSAT,Saturday,PER_OCCURRENCE,1,weight over 5\nRES,Twice,PER_OCCURRENCE,5,\n");
        import("accessorials", "bad.csv", "C-1", &["--rejects", "rejects.csv"]).ends(1).complains(&[
            "4 of 5 rows",
            "row 3: column `unit`, value `PER_STONE`",
            "row 4: column `rate`",
            "row 5: column `condition`",
            "row 6: column `code`, value `RES`",
        ]);
        assert_eq!(read(&desk, "rejects.csv").lines().count(), 5);
        desk.run(&["export", "accessorials", "after.csv", "--contract", "C-1"]).ends(0);
        assert_eq!(read(&desk, "before.csv"), read(&desk, "after.csv"));
        desk.file("hole.csv", "code,from,to,value\nFUE,0,2,1\nFUE,2.5,,2\n");
        import("fuel-table", "hole.csv", "C-1", &[])
            .ends(1)
            .complains(&["row 3", "no row holds prices from"]);
        desk.file(
            "twice.csv",
            "code,label,index,basis,from,to,value,valid_from\n405,Fuel,EIA,PCT_OF_BASE,0,,1,2025-06-01\n",
        );
        import("fuel-table", "twice.csv", "C-1", &[])
            .ends(1)
            .complains(&["row 2", "fuel would be charged twice"]);
        desk.run(&["import", "fuel-table", "fuel.csv"]).ends(1).complains(&["--contract NUMBER"]);
    });
}

fn load_to(desk: &Desk, contract: &str, mapping: &str) {
    desk.run(&[
        "import",
        "rates",
        "tariff.csv",
        "--contract",
        contract,
        "--partner",
        "BRCK",
        "--mapping",
        mapping,
    ])
    .ends(0);
}
