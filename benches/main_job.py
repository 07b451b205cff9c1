#!/usr/bin/env python3
"""The main job against its peers, in one run: import, a day's feed, the scorecard page, memory.

    cargo build --release
    python3 benches/main_job.py --rows 1000000 10000000 --postgres postgres://postgres@127.0.0.1/postgres

Peers come from their ordinary packages: `sqlite3`, `psql`, `wrk` (Debian), `duckdb` (PyPI). Every figure
stands beside its peer's from the same run, as a ratio; figures of different runs are never compared.
Writes what it measured as JSON to --out and a table to standard output. Talks to loopback only.
"""

import argparse
import concurrent.futures
import contextlib
import glob
import json
import multiprocessing
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
LANEMARK = pathlib.Path(os.environ.get("LANEMARK", ROOT / "target/release/lanemark"))
ROWS_A_DAY = 30_000
# History ends on this day after 2024-01-01 whatever its length, so that every history ends in the same
# month, equally full: 23 November 2024. The feeds of the next seven days come one by one; the median of fewer is at the mercy
# of one slow write of the disk.
LAST_DAY = 327
FEED_DAYS = 7
# Loads of up to so many rows are measured so many times.
SHORT_ROWS, IMPORTS = 1_000_000, 3
MONTH = "2024-11"
AS_OF = "2024-12-09"  # every evidence grace of November has passed
PASSWORD = "ten thousand lanes"

# The feed's columns as a careful person would type them in a bare table.
TYPES = {
    "attempts": "INTEGER", "weight_kg": "NUMERIC", "linehaul": "NUMERIC", "fuel": "NUMERIC",
    "accessorial": "NUMERIC", "rated_total": "NUMERIC",
}

# The KPIs of the month for every partner, as a DuckDB user would write them over the loaded table. The
# 90th percentile of dwell has no source columns in the feed and is in neither side.
DUCKDB_KPIS = """
WITH near AS (
  SELECT *, CAST(arrived_at AT TIME ZONE 'UTC' AT TIME ZONE delivery_zone AS DATE) AS arrived_day,
    CAST(delivery_window_end AT TIME ZONE 'UTC' AT TIME ZONE delivery_zone AS DATE) AS due_day,
    CAST(pickup_window_end AT TIME ZONE 'UTC' AT TIME ZONE pickup_zone AS DATE) AS pickup_day
  FROM feed WHERE delivery_window_end >= TIMESTAMP '2024-10-31' AND delivery_window_end < TIMESTAMP '2024-12-04'
), month AS (
  SELECT *, due_day BETWEEN DATE '2024-11-01' AND DATE '2024-11-30' AS due, pickup_day BETWEEN DATE '2024-11-01' AND DATE '2024-11-30' AS collected
  FROM near
)
SELECT partner,
  count(*) FILTER (due) AS shipments,
  count(*) FILTER (due AND coalesce(arrived_at <= delivery_window_end + INTERVAL 15 MINUTE, false)) AS otd_win,
  count(*) FILTER (due AND coalesce(arrived_day <= due_day, false)) AS otd_day,
  count(*) FILTER (collected) AS pickups,
  count(*) FILTER (collected AND coalesce(pickup_arrived_at <= pickup_window_end + INTERVAL 15 MINUTE, false)) AS otp_win,
  count(*) FILTER (due AND first_attempt = 'SUCCESS') AS fads,
  sum(attempts) FILTER (due) AS attempts,
  count(*) FILTER (due AND arrived_received_at - arrived_at <= INTERVAL 60 MINUTE) AS timely,
  count(arrived_received_at) FILTER (due) AS messages,
  sum(linehaul + fuel + accessorial) FILTER (due) AS freight, sum(weight_kg) FILTER (due) AS weight,
  sum(rated_total) FILTER (due) AS rated, sum(accessorial) FILTER (due) AS accessorial, sum(linehaul) FILTER (due) AS linehaul
FROM month GROUP BY partner ORDER BY partner
"""

# Every sum there is, made anew as ours is: by partner, day, service and mode, and by partner, lane and month.
SUMS = """
CREATE TABLE {table} AS
WITH days AS (
  SELECT *, CAST({arrived} AS DATE) AS arrived_day, CAST({due} AS DATE) AS due_day, CAST({pickup} AS DATE) AS pickup_day FROM {feed}
)
SELECT {keys}, count(*) AS shipments,
  count(*) FILTER (WHERE arrived_at <= delivery_window_end + INTERVAL '15 minutes') AS otd_win,
  count(*) FILTER (WHERE arrived_day <= due_day) AS otd_day,
  count(*) FILTER (WHERE pickup_arrived_at <= pickup_window_end + INTERVAL '15 minutes') AS otp_win,
  count(*) FILTER (WHERE CAST({collected} AS DATE) <= pickup_day) AS otp_day,
  count(*) FILTER (WHERE first_attempt = 'SUCCESS') AS fads, sum(attempts) AS attempts,
  count(*) FILTER (WHERE arrived_received_at - arrived_at <= INTERVAL '60 minutes') AS timely, count(arrived_received_at) AS messages,
  sum(linehaul + fuel + accessorial) AS freight, sum(weight_kg) AS weight, sum(rated_total) AS rated, sum(accessorial) AS accessorial,
  sum(linehaul) AS linehaul
FROM days GROUP BY {groups}
"""
SUMS_BY = {"cells": ("partner, due_day, service, mode", "1, 2, 3, 4"), "lanes": ("partner, lane, date_trunc('month', due_day) AS month", "1, 2, 3")}


def sums_sql(feed, local):
    """The statements that make all sums from a bare table; `local` says an instant in a zone."""
    times = {"arrived": local("arrived_at", "delivery_zone"), "due": local("delivery_window_end", "delivery_zone"),
             "pickup": local("pickup_window_end", "pickup_zone"), "collected": local("pickup_arrived_at", "pickup_zone")}
    return [SUMS.format(table=f"{table}_made", keys=keys, groups=groups, feed=feed, **times) for table, (keys, groups) in SUMS_BY.items()]


def run(*command, env=None, stdin=None):
    """Runs a command to its end. Returns (seconds, peak memory in MB, standard output)."""
    out = tempfile.TemporaryFile()
    began = time.perf_counter()
    child = subprocess.Popen([str(c) for c in command], stdout=out, stderr=subprocess.PIPE, stdin=stdin,
                             env={**os.environ, **(env or {})}, cwd=tempfile.gettempdir())
    complaint = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\nended with {child.returncode}: {complaint.decode()[-2000:]}")
    out.seek(0)
    return seconds, usage.ru_maxrss / 1024, out.read().decode()


class Engine:
    """One database of Lanemark's and its bare-table peer."""

    def __init__(self, name, folder, postgres):
        self.name, self.folder, self.postgres, self.sums_s = name, folder, postgres, None

    def fresh(self, label):
        """The address of an empty database."""
        if self.name == "sqlite":
            for old in glob.glob(f"{self.folder}/{label}.db*"):
                os.unlink(old)
            return f"sqlite://{self.folder}/{label}.db"
        base = urllib.parse.urlsplit(self.postgres)
        run("psql", "-q", "-c", f"DROP DATABASE IF EXISTS bench_{label}", "-c", f"CREATE DATABASE bench_{label}", self.postgres)
        return urllib.parse.urlunsplit(base._replace(path=f"/bench_{label}"))

    def drop(self, label):
        self.fresh(label)
        if self.name == "postgres":
            run("psql", "-q", "-c", f"DROP DATABASE bench_{label}", self.postgres)
        else:
            for old in glob.glob(f"{self.folder}/{label}.db*"):
                os.unlink(old)

    def peer(self, csv, header, sums):
        """Seconds the peer takes for the same file into a bare typed table; PostgreSQL then makes all sums from it where asked."""
        if self.name == "sqlite":
            columns = ", ".join(f"{c} {TYPES.get(c, 'TEXT')}" for c in header)
            db = self.folder / "bare.db"
            db.unlink(missing_ok=True)
            seconds, _, _ = run("sqlite3", db, f"CREATE TABLE bare ({columns})", f".import --csv --skip 1 {csv} bare")
            db.unlink()
            return seconds
        instants = lambda c: "timestamptz" if c.endswith("_at") or c.endswith(("_start", "_end")) else "text"
        columns = ", ".join(f"{c} {TYPES.get(c, instants(c)).lower()}" for c in header)
        url = self.fresh("bare")
        run("psql", "-q", "-c", f"CREATE TABLE bare ({columns})", url)
        seconds, _, _ = run("psql", "-q", "-c", f"\\copy bare FROM '{csv}' WITH (FORMAT csv, HEADER)", url)
        if sums:
            statements = sums_sql("bare", lambda instant, zone: f"{instant} AT TIME ZONE {zone}")
            self.sums_s, _, _ = run("psql", "-q", *(part for sql in statements for part in ("-c", sql)), url)
        self.drop("bare")
        return seconds

    def contracts(self, url):
        caps = {"period": "MONTH", "cap": {"amount": None, "share_of_freight": None}}
        terms = {"sign": "PENALTY", "period_cap": {"amount": None, "share_of_freight": 300}, "rule": {
            "kind": "LATE_DELIVERY", "per_day": {"type": "PCT_OF_LINEHAUL", "share": 500}, "grace_days": 0,
            "event_cap_share": 1500, "event_cap_amount": None, "period": "MONTH"}}
        times = {"sqlite": {"start": 19723, "open": 2932896, "at": 0},
                 "postgres": {"start": "date '2024-01-01'", "open": "date '9999-12-31'", "at": "now()"}}
        self.sql(url, CONTRACTS.format(caps=json.dumps(caps), terms=json.dumps(terms), **times[self.name]))

    def sql(self, url, statement):
        if self.name == "sqlite":
            run("sqlite3", url.removeprefix("sqlite://"), statement)
        else:
            run("psql", "-q", "-c", statement, url)


def lanemark(url, *arguments):
    return run(LANEMARK, *arguments, "--database", url, "--format", "json")


# 50 partners, 2,000 lanes with three partners each, four services, 2 % of deliveries never reported, some
# partners later than others. Every value is a hash of the row's number, so equal arguments give equal bytes.
FEED = """
WITH rows AS (
  SELECT n, timestamp '2024-01-01' + to_days(CAST(n // {a_day} AS INTEGER)) AS midnight,
    hash(n, 1) % 2000 AS lane, hash(n, 2) % 3 AS slot, hash(n, 3) % 100 AS luck, hash(n, 4) % 600 AS lateness,
    hash(n, 5) % 90 AS earliness, hash(n, 6) % 100 >= 2 AS reported, 1 + CAST(hash(n, 7) % 20 = 0 AS INTEGER) AS attempts,
    20000 + hash(n, 8) % 90000 AS linehaul, hash(n, 9) AS h9, hash(n, 10) AS h10
  FROM range({first}, {last}) AS t (n)
), dated AS (
  SELECT *, (lane * 7 + slot * 11) % 50 AS partner, midnight + to_minutes(CAST(480 + h9 % 540 AS INTEGER)) AS due,
    CASE WHEN h10 % 6 = 0 THEN 1500 + h10 // 7 % 6000 ELSE 0 END AS accessorial
  FROM rows
), moved AS (
  SELECT *, due - to_minutes(CAST(1200 + h9 // 600 % 240 AS INTEGER)) AS pickup,
    CASE WHEN NOT reported THEN NULL WHEN luck < 3 + partner % 12 THEN due + to_minutes(CAST(20 + lateness AS INTEGER))
      ELSE due - to_minutes(CAST(earliness AS INTEGER)) END AS arrived
  FROM dated
)
SELECT format('S{{:09}}', n) AS reference, format('C{{:02}}', partner) AS partner, format('L{{:04}}', lane) AS lane,
  ['standard', 'express', 'economy', 'dedicated'][1 + CAST(h9 // 7 % 4 AS INTEGER)] AS service, 'TL' AS mode,
  'America/Chicago' AS pickup_zone, 'America/Chicago' AS delivery_zone, pickup AS pickup_window_end,
  pickup - to_minutes(CAST(h10 % 40 AS INTEGER)) AS pickup_arrived_at, pickup + to_minutes(30) AS picked_up_at,
  due - to_minutes(120) AS delivery_window_start, due AS delivery_window_end, arrived AS arrived_at,
  arrived + to_minutes(CAST(5 + h10 // 40 % 80 AS INTEGER)) AS arrived_received_at, arrived + to_minutes(45) AS delivered_at,
  attempts, CASE attempts WHEN 1 THEN 'SUCCESS' ELSE 'FAILED' END AS first_attempt, 'DELIVERED' AS disposition,
  CAST((100000 + h9 // 31 % 18000000) / 1000 AS DECIMAL(12, 3)) AS weight_kg, CAST(linehaul / 100 AS DECIMAL(12, 2)) AS linehaul,
  CAST(linehaul // 5 / 100 AS DECIMAL(12, 2)) AS fuel, CAST(accessorial / 100 AS DECIMAL(12, 2)) AS accessorial,
  CAST((linehaul + linehaul // 5 + accessorial * 9 // 10) / 100 AS DECIMAL(12, 2)) AS rated_total
FROM moved ORDER BY n
"""


def feed(folder, rows, first_day):
    """A csv of shipments, columns named as our fields."""
    path = folder / f"feed-{rows}-{first_day}.csv"
    if not path.exists():
        in_child(feed_write, path, rows, first_day * ROWS_A_DAY)
    return path


def feed_write(path, rows, first):
    import duckdb
    query = FEED.format(a_day=ROWS_A_DAY, first=first, last=first + rows)
    duckdb.execute(f"COPY ({query}) TO '{path}' (HEADER, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ')")


# One contract a partner over the whole history with a credit for each late day, so that accruing has something to price.
CONTRACTS = """
INSERT INTO contracts SELECT id, id, code || '-2024', 'Truckload', 'USD', {start}, {open}, 'EVERGREEN', 0, 60, 'ACTIVE', 'bench', {at} FROM partners;
INSERT INTO contract_versions (id, contract_id, partner_id, version, kind, valid_from, status, change_summary, caps, created_by, created_at)
  SELECT id, id, id, 1, 'ORIGINAL', {start}, 'ACTIVE', '', '{caps}', 'bench', {at} FROM partners;
INSERT INTO clauses SELECT id, id, id, '7.1', 'Late delivery', 'LATE_DELIVERY', '{terms}' FROM partners;
"""


def measure_engine(engine, rows, options, folder):
    """Import, the day's feed, refresh and score, jobs and their memory, the page."""
    history = feed(folder, rows, LAST_DAY + 1 - -(-rows // ROWS_A_DAY))
    header = open(history).readline().strip().split(",")
    label = f"h{rows}"
    result = {"engine": engine.name, "rows": rows}

    # A short load is at the mercy of what the disk does just then: ours and the peer's take turns, the medians count.
    ours, peers, memories = [], [], []
    times = IMPORTS if rows <= SHORT_ROWS else 1
    for turn in range(times):
        url = engine.fresh(label)
        os.sync()
        seconds, memory, out = lanemark(url, "import", "shipments", history)
        assert json.loads(out)["rows_new"] == rows, out
        ours.append(seconds)
        memories.append(memory)
        os.sync()
        peers.append(engine.peer(history, header, sums=turn == times - 1))
    result["import_rows_s"] = rows / statistics.median(ours)
    result["import_mb"] = max(memories)
    result["import_peer_rows_s"] = rows / statistics.median(peers)
    result["import_ratio"] = result["import_rows_s"] / result["import_peer_rows_s"]

    # Contracts with clauses, so that accruing has work; then the months before, so that the night below is a usual one.
    engine.contracts(url)
    lanemark(url, "job", "run", "score-period", "--as-of", AS_OF, "--period", "2024-10")
    lanemark(url, "job", "run", "score-period", "--as-of", AS_OF, "--period", MONTH)

    # A day is taken in by a system at rest: what the load left to write back is written.
    os.sync()
    days = [take_in_a_day(url, feed(folder, ROWS_A_DAY, LAST_DAY + 1 + n)) for n in range(FEED_DAYS)]
    for part in ["import", "refresh", "score", "total"]:
        result[f"day_{part}_s"] = statistics.median(day[part] for day in days)
    result["refresh_score_s"] = statistics.median(day["refresh"] + day["score"] for day in days)
    # A correction: a day that was summed before is stale again, so the lanes of its month are made from all its facts.
    engine.sql(url, STALE[engine.name])
    result["correction_s"], _, _ = lanemark(url, "job", "run", "refresh-measures", "--as-of", AS_OF)
    result["jobs_mb"] = {"import of a day": max(day["memory"] for day in days)}
    for job in ["refresh-measures", "score-period", "accrue-credits", "assess-credits", "plan-capacity", "contract-calendar", "send-reviews", "deliver-mail"]:
        seconds, memory, out = lanemark(url, "job", "run", job, "--as-of", AS_OF)
        result["jobs_mb"][job] = memory
        result.setdefault("jobs_s", {})[job] = seconds
    result["peak_mb"] = max(result["import_mb"], *result["jobs_mb"].values())
    result["kpis"] = {k: json.loads(lanemark(url, "kpi", k, "--by", "partner", "--period", MONTH)[2]) for k in ["OTD_WIN", "OTD_DAY", "OTP_WIN", "EDI_TIMELY", "CPS"]}
    if not options.no_page:
        result.update(measure_page(url, options))
    # Every day is stale: all sums are made again from all facts.
    engine.sql(url, ALL_STALE)
    result["rebuild_s"], result["rebuild_mb"], _ = lanemark(url, "job", "run", "refresh-measures", "--as-of", AS_OF)
    result["rebuild_postgres_s"] = engine.sums_s
    result["peak_mb"] = max(result["peak_mb"], result["rebuild_mb"])
    if not options.keep:
        engine.drop(label)
    return result


def take_in_a_day(url, csv):
    imported, memory, out = lanemark(url, "import", "shipments", csv, "--no-refresh")
    assert json.loads(out)["rows_new"] == ROWS_A_DAY, out
    refreshed, _, _ = lanemark(url, "job", "run", "refresh-measures", "--as-of", AS_OF)
    scored, _, _ = lanemark(url, "job", "run", "score-period", "--as-of", AS_OF, "--period", MONTH)
    return {"import": imported, "refresh": refreshed, "score": scored, "total": imported + refreshed + scored, "memory": memory}


# Marks 28 November stale for everybody; days are stored as days since 1970 on SQLite.
STALE = {
    "sqlite": "INSERT INTO stale_cells SELECT id, 'SHIPMENTS', 20055 FROM partners",
    "postgres": "INSERT INTO stale_cells SELECT id, 'SHIPMENTS', date '2024-11-28' FROM partners",
}
ALL_STALE = "INSERT INTO stale_cells SELECT DISTINCT partner_id, 'SHIPMENTS', obligation_day FROM shipments"


def in_child(work, *arguments):
    """Runs `work` in a process of its own: a child's peak memory counts what its parent held, so this one stays small."""
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def measure_duckdb(rows, folder):
    """The same KPIs of the same month from DuckDB's own loaded table."""
    import duckdb
    base = duckdb.connect(str(folder / "peer.duckdb"), config={"threads": 2})
    files = [str(feed(folder, rows, LAST_DAY + 1 - -(-rows // ROWS_A_DAY)))]
    files += [str(feed(folder, ROWS_A_DAY, LAST_DAY + 1 + n)) for n in range(FEED_DAYS)]
    base.execute("DROP TABLE IF EXISTS feed")
    base.execute("CREATE TABLE feed AS SELECT * REPLACE (CAST(linehaul AS DECIMAL(12,2)) AS linehaul, CAST(fuel AS DECIMAL(12,2)) AS fuel,"
                 " CAST(accessorial AS DECIMAL(12,2)) AS accessorial, CAST(rated_total AS DECIMAL(12,2)) AS rated_total,"
                 " CAST(weight_kg AS DECIMAL(12,3)) AS weight_kg) FROM read_csv(?, header = true, timestampformat = '%Y-%m-%dT%H:%M:%SZ')", [files])
    def once():
        began = time.perf_counter()
        base.execute(DUCKDB_KPIS).fetchall()
        return time.perf_counter() - began
    seconds = statistics.median(once() for _ in range(5))
    names = [d[0] for d in base.execute(DUCKDB_KPIS).description]
    found = {row[0]: dict(zip(names, row)) for row in base.fetchall()}
    began = time.perf_counter()
    for statement in sums_sql("feed", lambda instant, zone: f"{instant} AT TIME ZONE 'UTC' AT TIME ZONE {zone}"):
        base.execute(statement)
    sums_s = time.perf_counter() - began
    base.close()
    (folder / "peer.duckdb").unlink()
    return seconds, sums_s, found


def check_answers(kpis, found):
    """Both sides must have counted the same; a faster wrong answer is no answer."""
    pairs = {"OTD_WIN": ("otd_win", "shipments"), "OTD_DAY": ("otd_day", "shipments"), "OTP_WIN": ("otp_win", "pickups"), "EDI_TIMELY": ("timely", "messages"), "CPS": ("freight", "shipments")}
    for kpi, (numerator, denominator) in pairs.items():
        for row in kpis[kpi]:
            theirs = found[row["key"]]
            ours = (float(row["numerator"]), float(row["denominator"]))
            for value, name in zip(ours, (numerator, denominator)):
                if name and abs(value - float(theirs[name])) > 0.005:
                    raise SystemExit(f"{kpi} of {row['key']}: {ours}, but DuckDB counts {theirs}")


def measure_page(url, options):
    """p99 of the scorecard page and of a static file, 50 readers each, from one server."""
    with served(url) as address:
        cookie, page = sign_in(address, MONTH)
        static = latency(f"{address}{static_path(address)}", cookie, options)
        card = latency(page, cookie, options)
        return {"static_p99_ms": static[0], "static_rps": static[1], "page_p99_ms": card[0], "page_rps": card[1], "page_ratio": card[0] / static[0], "page": page.removeprefix(address)}


@contextlib.contextmanager
def served(url):
    """A server over a database, with a reader who may sign in; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile() as word:
        word.write(PASSWORD.encode() + b"\n")
        word.seek(0)
        run(LANEMARK, "user", "add", "reader@bench.example", "--name", "Reader", "--role", "CARRIER_MANAGER", "--database", url, stdin=word)
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "LANEMARK_BIND": f"127.0.0.1:{port}", "LANEMARK_BASE_URL": address, "RUST_LOG": "error"}
    server = subprocess.Popen([str(LANEMARK), "serve", "--database", url], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield address
    finally:
        server.terminate()
        server.wait(20)


def sign_in(address, month):
    jar = urllib.request.HTTPCookieProcessor()
    browser = urllib.request.build_opener(jar)
    browser.addheaders = [("Origin", address), ("Sec-Fetch-Site", "same-origin")]
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError):
            browser.open(f"{address}/sign-in", timeout=5).read()
            break
        if time.monotonic() > deadline:
            raise SystemExit("the server did not come up within 60 s")
        time.sleep(0.05)
    form = urllib.parse.urlencode({"email": "reader@bench.example", "password": PASSWORD}).encode()
    browser.open(f"{address}/sign-in", form, timeout=30).read()
    listed = browser.open(f"{address}/partners", timeout=60).read().decode()
    partner = re.search(r'href="/partners/(\d+)"', listed).group(1)
    cookie = "; ".join(f"{c.name}={c.value}" for c in jar.cookiejar)
    return cookie, f"{address}/scorecards/{partner}/{month}"


def static_path(address):
    page = urllib.request.urlopen(f"{address}/sign-in", timeout=10).read().decode()
    return re.search(r'href="(/static/[^"]+\.css[^"]*)"', page).group(1)


def latency(page, cookie, options):
    """(p99 in ms, requests/s) under 50 concurrent readers."""
    _, _, out = run("wrk", "-t1", "-c50", f"-d{options.seconds}s", "--latency", "-H", f"Cookie: {cookie}", page)
    if "Non-2xx" in out:
        raise SystemExit(f"{page} answered errors:\n{out}")
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit], float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def report(results):
    print(f"\n{'database':10}{'rows':>12}{'import rows/s':>16}{'peer rows/s':>14}{'ratio':>8}{'day s':>8}{'refresh+score s':>17}{'DuckDB s':>10}{'ratio':>8}{'correction s':>14}{'page p99 ms':>13}{'static':>8}{'ratio':>7}{'peak MB':>9}")
    for r in results:
        print(f"{r['engine']:10}{r['rows']:>12,}{r['import_rows_s']:>16,.0f}{r['import_peer_rows_s']:>14,.0f}{r['import_ratio']:>8.2f}{r['day_total_s']:>8.2f}{r['refresh_score_s']:>17.2f}"
              f"{r['duckdb_s']:>10.3f}{r['refresh_score_s'] / r['duckdb_s']:>8.1f}{r['correction_s']:>14.2f}{r.get('page_p99_ms', 0):>13.1f}{r.get('static_p99_ms', 0):>8.2f}{r.get('page_ratio', 0):>7.1f}{r['peak_mb']:>9.0f}")
    for r in results:
        own = f", {r['rebuild_s'] / r['rebuild_postgres_s']:.1f} times PostgreSQL's" if r["rebuild_postgres_s"] else ""
        print(f"{r['engine']}, {r['rows']:,} rows: all sums made again in {r['rebuild_s']:.1f} s ({r['rebuild_mb']:.0f} MB), {r['rebuild_s'] / r['rebuild_duckdb_s']:.1f} times DuckDB's{own}")
    for engine in {r["engine"] for r in results}:
        days = [r for r in results if r["engine"] == engine]
        if len(days) > 1:
            first, last = days[0], days[-1]
            print(f"{engine}: the day's feed at {last['rows']:,} rows takes {last['day_total_s'] / first['day_total_s']:.2f} times what it takes at {first['rows']:,}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--postgres", help="address of a server where databases may be made; without it only SQLite is measured")
    parser.add_argument("--engines", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "lanemark-bench")
    parser.add_argument("--seconds", type=int, default=10, help="seconds of load on each page")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--no-page", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave databases and feeds for a closer look")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    results = []
    for rows in options.rows:
        duckdb_s, duckdb_sums_s, found = in_child(measure_duckdb, rows, options.folder)
        for name in options.engines:
            if name == "postgres" and not options.postgres:
                continue
            result = measure_engine(Engine(name, options.folder, options.postgres), rows, options, options.folder)
            result["duckdb_s"] = duckdb_s
            result["rebuild_duckdb_s"] = duckdb_sums_s
            kpis = result.pop("kpis")
            results.append(result)
            print(json.dumps(result), flush=True)
            check_answers(kpis, found)
    report(results)
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))
    if not options.keep:
        shutil.rmtree(options.folder)


if __name__ == "__main__":
    main()
