#!/usr/bin/env python3
"""The nightly accrual of service credits and bonuses over a short and a long history, in one run.

    cargo build --release
    python3 benches/accrual_job.py --postgres postgres://postgres@127.0.0.1/postgres

Needs DuckDB (`pip install duckdb`) for the feed. 200 partners with a contract each and six clauses of different kinds: late shipments,
a KPI as a share of the spend, a KPI by units missed, a KPI's bonus, promised volume, and an earn-back. Every history ends on the same
days, each as full as every other, so a longer one only begins earlier; it was accrued all along, so that the ledger is as old as the
facts. Measured is the night after each of seven days' feeds, the same feeds for both, and the night again with nothing new: it must post
nothing. Clauses over a calendar year are left out: those price the whole year by what they promise.
"""

import argparse
import datetime
import json
import pathlib
import statistics
import tempfile

from main_job import FEED, Engine, in_child, lanemark, run

PARTNERS, CLAUSES = 200, 6
ROWS_A_DAY = 10_000
FEED_DAYS = 7
# The last day of every history.
LAST = datetime.date(2024, 11, 20)
# Facts this many days back still change what is owed; the nights of a history are accrued no further apart.
NIGHTS_APART = 80

LATE = {"sign": "PENALTY", "rule": {"kind": "LATE_DELIVERY", "per_day": {"type": "PCT_OF_LINEHAUL", "share": 500}, "event_cap_share": 1500}}
SHARE = {"sign": "PENALTY", "rule": {"kind": "PERIOD_THRESHOLD", "kpi": "OTD_WIN", "better": "HIGHER", "scale": "PERCENT", "threshold": "95",
                                     "dead_band": "0.5", "period": "MONTH", "amount": {"type": "PCT_OF_SPEND", "share": 100}}}
UNITS = {"sign": "PENALTY", "rule": {"kind": "PERIOD_THRESHOLD", "kpi": "EDI_TIMELY", "better": "HIGHER", "scale": "PERCENT", "threshold": "90",
                                     "period": "MONTH", "amount": {"type": "PER_UNIT", "amount": 5_000_000}}}
BONUS = {"sign": "BONUS", "rule": {"kind": "PERIOD_THRESHOLD", "kpi": "FADS", "better": "HIGHER", "scale": "PERCENT", "threshold": "90",
                                   "period": "MONTH", "amount": {"type": "PCT_OF_SPEND", "share": 50}}}
VOLUME = {"sign": "SHIPPER_LIABILITY", "rule": {"kind": "VOLUME_SHORTFALL", "type": "OWN", "measure": "LOADS", "period": "MONTH",
                                                "quantity": 1_700_000_000, "tolerance": 500, "rate": 20_000_000, "rejections_count": True,
                                                "force_majeure_reduces": True}}
EARN_BACK = {"sign": "EARN_BACK", "rule": {"kind": "EARN_BACK", "of_clause": "7.2", "kpi": "OTD_WIN", "better": "HIGHER", "scale": "PERCENT",
                                           "threshold": "85", "min_volume": 20, "period": "MONTH", "consecutive": 1, "share": 5_000}}
KINDS = [("Late delivery", LATE), ("On time", SHARE), ("Late messages", UNITS), ("First attempts", BONUS), ("Promised loads", VOLUME),
         ("Earn-back", EARN_BACK)]

# Contracts and versions are numbered 10, 20, …, the clauses of the first 11 to 16.
NUMBERED = "(SELECT id, code, 10 * ROW_NUMBER() OVER (ORDER BY id) AS n FROM partners) p"
CONTRACT_ROWS = """
INSERT INTO contracts SELECT n, id, code || '-A', 'Truckload', 'USD', {start}, {open}, 'EVERGREEN', 0, 60, 'ACTIVE', 'bench', {at} FROM {numbered};
INSERT INTO contract_versions (id, contract_id, partner_id, version, kind, valid_from, status, change_summary, caps, created_by, created_at)
  SELECT n, n, id, 1, 'ORIGINAL', {start}, 'ACTIVE', '', '{caps}', 'bench', {at} FROM {numbered};
"""
CLAUSE_ROWS = """
INSERT INTO clauses SELECT n + {number}, n, id, '7.{number}', '{title}', '{kind}', '{terms}' FROM {numbered};
"""
# On-time credits of old months are settled, so that the earn-back has something to give back.
SETTLED = "UPDATE accruals SET state = 'SETTLED' WHERE period < '{month}' AND clause_id = contract_version_id + 2 AND state IN ('ACCRUED', 'ASSESSED')"


def first_day(rows):
    return LAST - datetime.timedelta(days=rows // ROWS_A_DAY - 1)


def feed(folder, first, last):
    """A csv of the shipments of these days. A day's shipments are the same in every feed."""
    path = folder / f"accrual-{first}-{last}.csv"
    if not path.exists():
        in_child(feed_write, path, first, last)
    return path


def feed_write(path, first, last):
    import duckdb
    # Counted from a day before every history, since the number of a row is its place in time.
    start = datetime.date(2000, 1, 1)
    query = FEED.replace("2024-01-01", str(start)).replace("% 50 AS partner", f"% {PARTNERS} AS partner").replace("'C{{:02}}'", "'C{{:03}}'")
    # What is late here is late by days, or there would be no credit for a late day.
    query = query.replace("% 600 AS lateness", "% 6000 AS lateness")
    of = lambda day: (day - start).days * ROWS_A_DAY
    query = query.format(a_day=ROWS_A_DAY, first=of(first), last=of(last + datetime.timedelta(days=1)))
    duckdb.execute(f"COPY ({query}) TO '{path}' (HEADER, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ')")


def agree(engine, url, first):
    """A contract for each partner over the whole history."""
    caps = {"period": "MONTH", "cap": {"amount": None, "share_of_freight": 1_000}}
    times = {"sqlite": {"start": (first - datetime.date(1970, 1, 1)).days, "open": 2932896, "at": 0},
             "postgres": {"start": f"date '{first}'", "open": "date '9999-12-31'", "at": "now()"}}
    engine.sql(url, CONTRACT_ROWS.format(numbered=NUMBERED, caps=json.dumps(caps), **times[engine.name]))
    for number, (title, terms) in enumerate(KINDS, 1):
        engine.sql(url, CLAUSE_ROWS.format(numbered=NUMBERED, number=number, title=title, kind=terms["rule"]["kind"], terms=json.dumps(terms)))


def query(engine, url, statement):
    """The only value of a statement."""
    if engine.name == "sqlite":
        return run("sqlite3", url.removeprefix("sqlite://"), statement)[2].strip()
    return run("psql", "-q", "-t", "-A", "-c", statement, url)[2].strip()


def entries(engine, url):
    return int(query(engine, url, "SELECT count(*) FROM journal_entries"))


def night(engine, url, day):
    """Seconds, peak memory and entries posted."""
    before = entries(engine, url)
    seconds, memory, _ = lanemark(url, "job", "run", "accrue-credits", "--as-of", day)
    return seconds, memory, entries(engine, url) - before


def measure(engine, rows, folder):
    label, first = f"accrual{rows}", first_day(rows)
    url = engine.fresh(label)
    out = lanemark(url, "import", "shipments", feed(folder, first, LAST))[2]
    assert json.loads(out)["rows_new"] == rows, out
    agree(engine, url, first)
    nights = [LAST - datetime.timedelta(days=back) for back in range(0, (LAST - first).days, NIGHTS_APART)]
    for day in reversed(nights):
        night(engine, url, day)
        engine.sql(url, SETTLED.format(month=f"{day - datetime.timedelta(days=45):%Y-%m}"))
    # What became settled above is given back, before the first night that counts.
    night(engine, url, LAST)
    result = {"engine": engine.name, "rows": rows, "entries": entries(engine, url)}
    kinds = query(engine, url, "SELECT count(DISTINCT clause_id - contract_version_id) FROM journal_entries")
    assert int(kinds) == CLAUSES, f"entries of {kinds} of {CLAUSES} kinds of clauses"
    first_nights, second_nights = [], []
    for n in range(1, FEED_DAYS + 1):
        day = LAST + datetime.timedelta(days=n)
        out = lanemark(url, "import", "shipments", feed(folder, day, day))[2]
        assert json.loads(out)["rows_new"] == ROWS_A_DAY, out
        first_nights.append(night(engine, url, day))
        second_nights.append(night(engine, url, day))
        assert first_nights[-1][2] > 0 and second_nights[-1][2] == 0, (first_nights, second_nights)
    result["night_s"] = statistics.median(one[0] for one in first_nights)
    result["nothing_new_s"] = statistics.median(one[0] for one in second_nights)
    result["night_mb"] = max(one[1] for one in first_nights)
    result["posted"] = [one[2] for one in first_nights]
    engine.drop(label)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000], help="shipments of history, 10,000 a day")
    parser.add_argument("--postgres", help="address of a server where databases may be made; without it only SQLite is measured")
    parser.add_argument("--engines", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--folder", type=pathlib.Path, help="where feeds go and stay; a temporary one otherwise")
    parser.add_argument("--out", type=pathlib.Path, help="also write the results as JSON here")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name in options.engines:
            if name == "postgres" and not options.postgres:
                continue
            own = []
            for rows in options.rows:
                own.append(measure(Engine(name, folder, options.postgres), rows, folder))
                print(json.dumps(own[-1]), flush=True)
            for part in ("night_s", "nothing_new_s"):
                print(f"{name}: {part} at {own[-1]['rows']:,} rows is {own[-1][part] / own[0][part]:.2f} times that at {own[0]['rows']:,}", flush=True)
            results.extend(own)
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
