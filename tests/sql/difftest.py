#!/usr/bin/python3
"""Runs the statements of tests/sql/*.sql on PostgreSQL 15 and on helios-nano and compares what they answer.

Compared: column names, types and typmods, rows, command tags, COPY output, error and notice fields (severity, SQLSTATE,
message, detail, hint, position, schema/table/column/type/constraint names), and the transaction status. Rows are compared in order when the
statement has an ORDER BY, else as a multiset. A statement that is known to differ is listed in known.txt with its reason.
"""
import argparse
import glob
import json
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from support import pgclient, servers, sqlsplit  # noqa: E402

FIRST_USER_OID = 16384
ERROR_FIELDS = 'VCMDHPWsctn'   # not S (localised), F, L, R (places in PostgreSQL's sources), p, q
TIMEOUT = 30.0


class KnownDifferences:
    """known.txt: a line `file | text found in the statement | reason`; '*' as text means the whole file."""

    def __init__(self, path):
        self.rows = []
        self.used = set()
        if os.path.exists(path):
            with open(path) as f:
                for line in f:
                    if line.strip() and not line.startswith('#'):
                        parts = [p.strip() for p in line.split(' | ')]
                        if len(parts) != 3:
                            raise ValueError('known.txt: three fields wanted: ' + line)
                        self.rows.append(parts)

    def reason(self, file, statement):
        flat = ' '.join(statement.split())
        for name, text, why in self.rows:
            if name == file and (text == '*' or text in flat):
                self.used.add((name, text))
                return why
        return None

    def unused(self, files):
        """The entries of these files that nothing needed: to be deleted."""
        return [(name, text) for name, text, _ in self.rows if name in files and (name, text) not in self.used]


class Side:
    """One server, and the connection that the current file runs on."""

    def __init__(self, server):
        self.server = server
        self.connection = None
        self.database = None

    def open(self, database):
        self.database = database
        with self.server.connect() as admin:
            admin.query('DROP DATABASE IF EXISTS %s' % database)
            admin.query('CREATE DATABASE %s' % database)
        self.reconnect()

    def reconnect(self):
        if self.connection:
            self.connection.close()
        self.connection = self.server.connect(self.database, timeout=TIMEOUT)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def run(self, statement, protocol):
        """The comparable form of everything the server said."""
        c = self.connection
        c.notices = []
        try:
            if protocol == 'simple':
                answers = c.query(statement.text, statement.data)
            else:
                answers = c.extended(statement.text, copy_data=statement.data,
                                     result_format=1 if protocol == 'binary' else 0)
        except pgclient.Disconnected as e:
            return {'lost': str(e)}
        return {'answers': [comparable(a, statement.text) for a in answers],
                'notices': [fields(n) for n in c.notices], 'status': c.status}


def fields(error):
    return {k: v for k, v in error.items() if k in ERROR_FIELDS}


def value(raw):
    return None if raw is None else raw.decode('utf-8', 'backslashreplace')


def comparable(a, text):
    columns = a.columns and [[c[0], 'user' if c[3] >= FIRST_USER_OID else c[3], c[4], c[5]] for c in a.columns]
    rows = [[value(v) for v in row] for row in a.rows]
    if not re.search(r'\border\s+by\b', text, re.I):
        rows.sort(key=repr)
    out = {'columns': columns, 'rows': rows, 'tag': a.tag}
    if a.error:
        out['error'] = fields(a.error)
    if a.copy_out is not None:
        lines = a.copy_out.decode('utf-8', 'backslashreplace').split('\n')
        out['copy'] = lines if re.search(r'\border\s+by\b', text, re.I) else sorted(lines)
    return out


def difference(want, got, path=''):
    """The first place where two answers differ, as text; None when they are equal."""
    if type(want) is not type(got):
        return '%s: %s, not %s' % (path, short(got), short(want))
    if isinstance(want, dict):
        for k in want.keys() | got.keys():
            if k not in got or k not in want:
                return '%s: %s, not %s' % (path, short(got), short(want))
        for k in want:
            d = difference(want[k], got[k], path + '.' + k)
            if d:
                return d
        return None
    if isinstance(want, list):
        if len(want) != len(got):
            return '%s: %d items %s, not %d %s' % (path, len(got), short(got), len(want), short(want))
        for i, (w, g) in enumerate(zip(want, got)):
            d = difference(w, g, '%s[%d]' % (path, i))
            if d:
                return d
        return None
    return None if want == got else '%s: %s, not %s' % (path, short(got), short(want))


def short(x):
    text = json.dumps(x, ensure_ascii=False)
    return text if len(text) <= 300 else text[:300] + '…'


def revive(side, text, say):
    """After a lost connection: starts the server again if it ended (it may be about to), and connects."""
    server = side.server
    if hasattr(server, 'alive'):
        end = time.monotonic() + 1.0
        while server.alive() and time.monotonic() < end:
            time.sleep(0.05)
        if not server.alive():
            say('     the server ended at: %s' % text)
            say('     ' + '\n     '.join(server.log().splitlines()[-45:]))
            server.start()
    side.reconnect()


class Runner:
    def __init__(self, reference, candidate, protocol='simple', verbose=True, limit=20):
        self.reference, self.candidate = Side(reference), Side(candidate)
        self.protocol, self.verbose, self.limit = protocol, verbose, limit
        self.known = KnownDifferences(os.path.join(HERE, 'known.txt'))
        self.passed = self.failed = self.excused = 0
        self.report = []
        self.files = []

    def say(self, text):
        if self.verbose:
            print(text, flush=True)

    def run_file(self, path):
        name = os.path.basename(path)
        self.files.append(name)
        with open(path, encoding='utf-8') as f:
            statements = list(sqlsplit.split(f.read()))
        database = 'difftest_' + re.sub(r'\W', '_', name[:-4])
        before, shown, began = (self.passed, self.failed, self.excused), 0, time.monotonic()
        self.reference.open(database)
        self.open_candidate(database)
        for statement in statements:
            want = self.reference.run(statement, self.protocol)
            got = self.candidate.run(statement, self.protocol)
            shown += self.judge(name, statement, want, got, shown)
            if 'lost' in got:
                self.revive(statement)
            if 'lost' in want:
                self.reference.reconnect()
        self.reference.close()
        self.candidate.close()
        done = [now - then for now, then in zip((self.passed, self.failed, self.excused), before)]
        self.say('%s sql %s: %d passed, %d failed, %d known to differ (%.1f s)' %
                 ('FAIL' if done[1] else 'ok  ', name, *done, time.monotonic() - began))

    def open_candidate(self, database):
        self.candidate.open(database)

    def revive(self, statement):
        revive(self.candidate, ' '.join(statement.text.split())[:200], self.say)

    def judge(self, name, statement, want, got, shown):
        found = difference(want, got)
        if not found:
            self.passed += 1
            return 0
        reason = self.known.reason(name, statement.text)
        if reason:
            self.excused += 1
            return 0
        self.failed += 1
        self.report.append({'file': name, 'line': statement.line, 'statement': statement.text, 'difference': found,
                            'want': want, 'got': got})
        if shown < self.limit:
            self.say('     %s:%d: %s' % (name, statement.line, ' '.join(statement.text.split())[:240]))
            self.say('         %s' % found[:700])
        return 1


def run_all(only='', protocols=('simple', 'extended'), json_path=None, limit=8, reference=None, candidate=None, files=None):
    """Returns (passed, failed, known). Starts the servers unless they are given."""
    own = []
    if reference is None:
        reference = servers.Postgres({'max_prepared_transactions': 10}).start()
        own.append(reference)
    if candidate is None:
        candidate = servers.Helios().start()
        own.append(candidate)
    totals, report = [0, 0, 0], []
    try:
        for protocol in protocols:
            runner = Runner(reference, candidate, protocol, limit=limit)
            print('-- tests/sql, %s protocol' % protocol, flush=True)
            for path in files or sorted(glob.glob(os.path.join(HERE, '*.sql'))):
                # What needs several statements, or the simple protocol's text answers, is not repeated.
                if only not in os.path.basename(path) or (protocol != 'simple' and '_simple' in path):
                    continue
                runner.run_file(path)
            if protocol == 'simple':
                for name, text in runner.known.unused(runner.files):
                    print('     known.txt: no longer differs: %s | %s' % (name, text), flush=True)
            totals = [totals[0] + runner.passed, totals[1] + runner.failed, totals[2] + runner.excused]
            report += [{**r, 'protocol': protocol} for r in runner.report]
        if not files and only in 'random':
            totals = run_random(reference, candidate, totals)
        if candidate in own:
            totals[1] += check_end(candidate)
    finally:
        for server in own:
            server.remove()
    path = json_path or os.path.join(servers.ROOT, 'build', 'results', 'sql-differences.json')
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        json.dump(report, f, indent=1, ensure_ascii=False)
    if report:
        print('     all differences with both answers: %s' % os.path.relpath(path, servers.ROOT))
    return totals


def run_random(reference, candidate, totals):
    import randomquery
    count = 150 if os.environ.get('HELIOS_SANITIZER') else 500
    for seed in (1, 2, 3):
        began = time.monotonic()
        passed, failed = randomquery.run(reference, candidate, seed, count)
        print('%s sql random statements, seed %d: %d passed, %d failed (%.1f s)' %
              ('FAIL' if failed else 'ok  ', seed, passed, failed, time.monotonic() - began), flush=True)
        totals = [totals[0] + passed, totals[1] + failed, totals[2]]
    return totals


def check_end(candidate):
    """Stops the server; its exit status and sanitizer reports count as failures."""
    failures = 0
    status = candidate.stop() if candidate.alive() else -1
    reports = candidate.sanitizer_reports()
    if status != 0 or reports:
        failures = 1
        print('FAIL sql: helios-nano ended with status %s %s' % (status, reports[:5]))
    return failures


class External(servers.Server):
    """A server that somebody else started, by its port."""

    def __init__(self, port):
        self.port = port


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('files', nargs='*')
    parser.add_argument('--reference-port', type=int, help='a running PostgreSQL 15 (default: start one)')
    parser.add_argument('--port', type=int, help='a running helios-nano (default: start one)')
    parser.add_argument('--protocol', default='simple', help='simple, extended, binary, or several with commas')
    parser.add_argument('--limit', type=int, default=20, help='differences shown per file')
    parser.add_argument('--json', help='where the full differences go')
    options = parser.parse_args()
    passed, failed, known = run_all(
        protocols=options.protocol.split(','), json_path=options.json, limit=options.limit,
        reference=options.reference_port and External(options.reference_port),
        candidate=options.port and External(options.port), files=options.files)
    print('%d passed, %d failed, %d skipped' % (passed, failed, known))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
