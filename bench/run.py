#!/usr/bin/python3
"""Measures helios-nano beside PostgreSQL 15: same machine, same file system, same durability, rounds in turn (A B, B A, ...).

Writes the table to bench/RESULTS.md and everything measured to bench/results.json. --quick takes about two minutes.
"""
import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests'))
from support import servers  # noqa: E402

LITE = os.path.join(ROOT, 'build', 'pgbench-lite')
# Both acknowledge a commit after its log is synced. PostgreSQL otherwise as its administrator would set up a small machine.
PG_SETTINGS = {'fsync': 'on', 'synchronous_commit': 'on', 'full_page_writes': 'on', 'shared_buffers': "'128MB'",
               'max_wal_size': "'1GB'", 'max_connections': 120, 'checkpoint_timeout': "'5min'", 'autovacuum': 'on', 'jit': 'off'}
AGGREGATES = [('count(*)', 'SELECT count(*) FROM pgbench_accounts'),
              ('sum, min, max', 'SELECT sum(abalance), min(abalance), max(abalance) FROM pgbench_accounts'),
              ('group by', 'SELECT bid, count(*), sum(abalance) FROM pgbench_accounts GROUP BY bid'),
              ('filtered count', 'SELECT count(*) FROM pgbench_accounts WHERE abalance % 7 = 3')]


class Measure:
    """One row of the table: how to run it, which figure counts, and what is aimed at."""

    def __init__(self, name, unit, figure, args, better='more', target=None):
        self.name, self.unit, self.figure, self.args = name, unit, figure, args
        self.better, self.target = better, target


def tps(result):
    return result['tps']


def row_rate(result):
    return result['rows_per_s']


def median_ms(result):
    return result['latency_ms']['p50']


def measures(options):
    seconds = ['-T', str(options.seconds)]
    out = []
    for clients in (1, 8):
        out.append(Measure('select-only, prepared, %d client%s' % (clients, 's' * (clients > 1)), 'tps', tps,
                           ['-w', 'select-only', '-M', 'prepared', '-c', str(clients), *seconds], target=2.0))
    for clients in (1, 8, 32):
        out.append(Measure('tpcb-like, prepared, %d client%s' % (clients, 's' * (clients > 1)), 'tps', tps,
                           ['-w', 'tpcb-like', '-M', 'prepared', '-c', str(clients), *seconds], target=1.3))
    out.append(Measure('COPY of %d rows, one transaction, with primary key' % options.copy_rows, 'rows/s', row_rate,
                       ['-w', 'bulk-copy', '-t', '1', '-r', str(options.copy_rows)], target=1.0))
    for name, sql in AGGREGATES:
        out.append(Measure('%s over %d rows' % (name, options.scale * 100000), 'ms', median_ms,
                           ['-q', sql, '-t', '3' if options.quick else '7'], better='less'))
    out.append(Measure('range scan of 100 rows, prepared, 1 client', 'tps', tps,
                       ['-w', 'range-scan', '-M', 'prepared', '-T', str(max(2, options.seconds // 2))]))
    return out


class Bench:
    def __init__(self, options):
        self.options = options
        self.home = os.path.join(ROOT, 'build', 'bench')
        shutil.rmtree(self.home, ignore_errors=True)
        os.makedirs(self.home)
        self.helios = servers.Helios(data_dir=os.path.join(self.home, 'helios', 'data'))
        os.makedirs(os.path.dirname(self.helios.data_dir))
        self.postgres = servers.Postgres(PG_SETTINGS, durable=True, parent=self.home)
        self.both = [self.helios, self.postgres]
        self.raw = {'measures': {}, 'errors': []}
        self.values = {}        # (row name, server name) -> list of figures

    def note(self, row, server, value):
        self.values.setdefault((row, server.name), []).append(value)

    def lite(self, server, args, label=''):
        """Runs pgbench-lite; its result, or None with the error kept."""
        command = [LITE, '-p', str(server.port), '-d', 'bench', '--json=-', '--server-pid', str(server.pid), '-j', '1',
                   '--label', label, *args]
        try:
            r = subprocess.run(command, capture_output=True, text=True, env=server.env('bench'), timeout=900)
        except subprocess.TimeoutExpired:
            self.error(server, label, 'no end within 900 s')
            return None
        if r.returncode != 0 or not r.stdout.strip():
            self.error(server, label, r.stderr.strip()[-400:] or 'failed: ' + r.stdout[:200])
            return None
        return json.loads(r.stdout)

    def error(self, server, label, text):
        print('  %s: %s: %s' % (server.name, label, text), flush=True)
        self.raw['errors'].append({'server': server.name, 'measure': label, 'error': text})

    def start(self):
        for server in self.both:
            server.start()
            with server.connect() as c:
                c.query('CREATE DATABASE bench')

    def load(self):
        """pgbench -i on both; the database's size after it."""
        for server in self.both:
            began = time.monotonic()
            r = subprocess.run(['pgbench', '-i', '-q', '-s', str(self.options.scale), 'bench'], env=server.env('bench'),
                               capture_output=True, text=True, timeout=1800)
            if r.returncode != 0:
                self.error(server, 'pgbench -i', r.stderr[-400:])
                r = subprocess.run([LITE, '-p', str(server.port), '-d', 'bench', '-i', '-s', str(self.options.scale)],
                                   capture_output=True, text=True, env=server.env('bench'))
            self.note('pgbench -i -s %d' % self.options.scale, server, time.monotonic() - began)
            with server.connect('bench') as c:
                c.query('CHECKPOINT')
                if server is self.postgres:
                    size = int(c.value("SELECT pg_database_size('bench')"))
            if server is self.helios:
                time.sleep(2)
                size = servers.disk_usage(server.data_dir)      # everything, logs included
            self.note('database size after pgbench -i -s %d' % self.options.scale, server, size / 1e6)

    def rounds(self):
        rows = measures(self.options)
        for number in range(self.options.rounds):
            order = self.both if number % 2 == 0 else self.both[::-1]
            for m in rows:
                for server in order:
                    result = self.lite(server, m.args, m.name)
                    if result is None:
                        continue
                    self.note(m.name, server, m.figure(result))
                    self.raw['measures'].setdefault(m.name, {}).setdefault(server.name, []).append(result)
                    print('round %d  %-60s %-14s %12.2f %s' % (number + 1, m.name, server.name, m.figure(result), m.unit), flush=True)
        return rows

    def writes(self):
        """Bytes that reach the disk per transaction: each server, freshly loaded, alone on a file system of its own."""
        row = 'bytes written per tpcb-like transaction, 8 clients'
        for kind in (servers.Helios, servers.Postgres):
            folder = os.path.join(self.home, 'writes')
            mounted = mount_image(folder)
            os.makedirs(folder, exist_ok=True)
            if kind is servers.Helios:
                os.makedirs(os.path.join(folder, 'helios'))
                server = kind(data_dir=os.path.join(folder, 'helios', 'data'))
            else:
                server = kind(PG_SETTINGS, durable=True, parent=folder)
            try:
                server.start()
                with server.connect() as c:
                    c.query('CREATE DATABASE bench')
                subprocess.run(['pgbench', '-i', '-q', '-s', str(self.options.scale), 'bench'], env=server.env('bench'),
                               capture_output=True, timeout=1800)
                result = self.lite(server, ['-w', 'tpcb-like', '-M', 'prepared', '-c', '8', '--checkpoint', '-T',
                                            str(self.options.seconds * 2), '--disk', server.data_dir], row)
                if result:
                    self.note(row, server, result['server_usage']['bytes_written_per_transaction'])
                    self.raw['measures'].setdefault(row, {})[server.name] = [{**result, 'own_file_system': mounted}]
                    print('%-70s %-14s %12.0f bytes' % (row, server.name, result['server_usage']['bytes_written_per_transaction']), flush=True)
            except AssertionError as e:
                self.error(server, row, str(e)[-300:])
            finally:
                server.remove()
                if mounted:
                    subprocess.run(['umount', folder])
                shutil.rmtree(folder, ignore_errors=True)

    def memory(self):
        """Idle memory after a restart on the existing database, then with and after 100 clients."""
        for server in self.both:
            server.stop()
            server.start()
            self.note('start to ready', server, server.start_seconds * 1000)
            time.sleep(3)
            self.note('memory (PSS), idle after start', server, server.memory_kb() / 1024)
            result = self.lite(server, ['-w', 'tpcb-like', '-M', 'prepared', '-c', '100', '-T', str(self.options.seconds)],
                               '100 clients')
            if result:
                usage = result['server_usage']
                self.raw['measures'].setdefault('100 clients', {})[server.name] = [result]
                self.note('memory (PSS), 100 clients connected after tpcb-like', server, usage['pss_after_kb'] / 1024)
                self.note('memory (PSS), peak under 100 clients', server, usage['pss_peak_kb'] / 1024)
                self.note('tpcb-like, prepared, 100 clients', server, result['tps'])
            time.sleep(2)
            self.note('memory (PSS), after 100 clients left', server, server.memory_kb() / 1024)

    def run(self):
        try:
            self.start()
            self.raw['environment'] = environment(self)
            self.load()
            rows = self.rounds()
            self.memory()
            for server in self.both:
                server.stop()
            self.writes()
        finally:
            for server in self.both:
                try:
                    server.remove()
                except (AssertionError, OSError) as e:
                    print(e)
            if not self.options.keep:
                shutil.rmtree(self.home, ignore_errors=True)
        return rows


def first_match(path, pattern, fallback='unknown'):
    try:
        with open(path) as f:
            m = re.search(pattern, f.read(), re.M)
            return m.group(1).strip() if m else fallback
    except OSError:
        return fallback


def mount_image(folder):
    """A file of 3 GB with an ext4 of its own at folder; False where that is not permitted."""
    image = folder + '.img'
    os.makedirs(folder, exist_ok=True)
    with open(image, 'wb') as f:
        f.truncate(3 << 30)
    ok = (subprocess.run(['mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image], capture_output=True).returncode == 0 and
          subprocess.run(['mount', '-o', 'loop', image, folder], capture_output=True).returncode == 0)
    os.unlink(image)        # the mount keeps it alive
    return ok


def environment(bench):
    file_system = subprocess.run(['stat', '-f', '-c', '%T', bench.home], capture_output=True, text=True).stdout.strip()
    with bench.postgres.connect() as c:
        pg_version = c.value('SHOW server_version')
    version = subprocess.run([servers.BINARY, '--version'], capture_output=True, text=True).stdout.strip()
    return {'load_before': os.getloadavg()[0], 'date': time.strftime('%Y-%m-%d'), 'processor': first_match('/proc/cpuinfo', r'^model name\s*:\s*(.*)$'),
            'cores': os.cpu_count(), 'memory': '%.0f GB' % (int(first_match('/proc/meminfo', r'^MemTotal:\s+(\d+)', '0')) / 1e6),
            'kernel': platform.release(), 'file_system': file_system, 'helios_nano': version, 'postgresql': pg_version,
            'postgresql_settings': {k: str(v).strip("'") for k, v in PG_SETTINGS.items()}, 'fsync_per_second': fsync_rate(bench.home)}


def fsync_rate(folder, count=300):
    """How fast this disk syncs a 4 kB overwrite, to judge the commit figures by."""
    path = os.path.join(folder, 'fsync-probe')
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    os.pwrite(fd, b'\0' * 4096 * 16, 0)
    os.fsync(fd)
    began = time.monotonic()
    for i in range(count):
        os.pwrite(fd, bytes([i % 256]) * 4096, 4096 * (i % 16))
        os.fdatasync(fd)
    took = time.monotonic() - began
    os.close(fd)
    os.unlink(path)
    return round(count / took)


def number(x):
    if x is None:
        return 'failed'
    return '%.0f' % x if abs(x) >= 1000 else '%.1f' % x if abs(x) >= 10 else '%.3g' % x


def table_rows(bench, rows):
    """(name, unit, helios median, postgres median, ratio in our favour, target text, verdict)."""
    scale = bench.options.scale
    extra = [Measure('tpcb-like, prepared, 100 clients', 'tps', None, None),
             Measure('bytes written per tpcb-like transaction, 8 clients', 'bytes', None, None, better='less', target=2.0),
             Measure('pgbench -i -s %d' % scale, 's', None, None, better='less'),
             Measure('database size after pgbench -i -s %d' % scale, 'MB', None, None, better='less', target=2.0),
             Measure('memory (PSS), idle after start', 'MB', None, None, better='less', target=('at most', 16)),
             Measure('memory (PSS), 100 clients connected after tpcb-like', 'MB', None, None, better='less', target=('at most', 64)),
             Measure('memory (PSS), peak under 100 clients', 'MB', None, None, better='less'),
             Measure('memory (PSS), after 100 clients left', 'MB', None, None, better='less'),
             Measure('start to ready', 'ms', None, None, better='less', target=('at most', 200))]
    for m in rows + extra:
        ours, theirs = (bench.values.get((m.name, s.name)) for s in bench.both)
        ours, theirs = (statistics.median(v) if v else None for v in (ours, theirs))
        ratio = None
        if ours and theirs:
            ratio = ours / theirs if m.better == 'more' else theirs / ours
        target, verdict = '', ''
        if isinstance(m.target, tuple):
            target = 'at most %g %s' % (m.target[1], m.unit)
            verdict = 'yes' if ours is not None and ours <= m.target[1] else 'no'
        elif m.target:
            target = 'at least %gx' % m.target if m.better == 'more' else 'at most 1/%g' % m.target
            verdict = 'yes' if ratio is not None and ratio >= m.target else 'no'
        yield m, ours, theirs, ratio, target, verdict


def write_results(bench, rows):
    env, o = bench.raw['environment'], bench.options
    lines = ['# helios-nano beside PostgreSQL 15', '',
             'Written by `make bench`%s on %s; all single results are in `results.json`.' % (' --quick' if o.quick else '', env['date']), '',
             '| measure | unit | helios-nano | PostgreSQL 15 | better by | target | reached |', '|---|---|---:|---:|---:|---|---|']
    raw_rows = []
    for m, ours, theirs, ratio, target, verdict in table_rows(bench, rows):
        lines.append('| %s | %s | %s | %s | %s | %s | %s |' % (
            m.name, m.unit, number(ours), number(theirs), '%.2fx' % ratio if ratio else '', target, verdict))
        raw_rows.append({'measure': m.name, 'unit': m.unit, 'helios_nano': ours, 'postgresql': theirs, 'ratio': ratio,
                         'target': target, 'reached': verdict})
    settings = ', '.join('%s = %s' % kv for kv in env['postgresql_settings'].items())
    lines += ['', '"Better by" is always in helios-nano\'s favour when above 1: rates divided ours by theirs, times and sizes theirs by ours.', '',
              '## How it was measured', '',
              '- %s, %s cores, %s of memory, Linux %s, %s; the disk synced %s overwrites of 4 kB a second before the run.' % (
                  env['processor'], env['cores'], env['memory'], env['kernel'], env['file_system'], env['fsync_per_second']),
              '- Load average before the run: %.1f. Above 1 other work shared the machine, and the figures are rough.' % env['load_before'],
              '- %s and PostgreSQL %s (Debian), both on the same file system, both running throughout, driven one at a time by pgbench-lite '
              '(one thread) on the same machine.' % (env['helios_nano'], env['postgresql']),
              '- Both acknowledge a commit only after the log is synced. helios-nano runs with its defaults. PostgreSQL: %s.' % settings,
              '- %d round%s of %d s a measurement, the order of the servers changing each round; medians. Scale %d.' % (
                  o.rounds, 's' * (o.rounds > 1), o.seconds, o.scale),
              '- Bytes written are the sectors written to the device: each server alone, freshly loaded, on an ext4 of its own (a loop device; where '
              'that is not permitted, the disk of the data directory with whatever else writes to it), from a CHECKPOINT before %d s of load to the end '
              'of one after it, so that delayed writes are included.' % (o.seconds * 2),
              '- Database size: PostgreSQL\'s `pg_database_size`, without its log; helios-nano\'s whole data directory, with its logs.',
              '- Memory is PSS summed over the server\'s processes, so shared pages count once.', '']
    if bench.raw['errors']:
        lines += ['## What failed', ''] + ['- %s, %s: `%s`' % (e['server'], e['measure'], ' '.join(e['error'].split())) for e in bench.raw['errors']] + ['']
    bench.raw['table'] = raw_rows
    with open(os.path.join(o.output, 'RESULTS.md'), 'w') as f:
        f.write('\n'.join(lines))
    with open(os.path.join(o.output, 'results.json'), 'w') as f:
        json.dump(bench.raw, f, indent=1)
    print('\n'.join(lines[4:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='one short round')
    parser.add_argument('--rounds', type=int, help='default 3 (quick: 1)')
    parser.add_argument('--seconds', type=int, help='of each measurement; default 10 (quick: 3)')
    parser.add_argument('--scale', type=int, default=10)
    parser.add_argument('--copy-rows', type=int, default=1_000_000)
    parser.add_argument('--keep', action='store_true', help='keep the data directories in build/bench')
    parser.add_argument('--output', default=os.path.join(ROOT, 'bench'), help='folder of RESULTS.md and results.json')
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (3 if options.quick else 10)
    bench = Bench(options)
    write_results(bench, bench.run())


if __name__ == '__main__':
    main()
