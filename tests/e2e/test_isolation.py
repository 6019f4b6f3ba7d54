"""Interleaved sessions: each script of isolation/*.spec runs on PostgreSQL 15 and on helios-nano, step by step, and must give the same answers
and the same waits.

A script: `== name`, then lines `N: statement` (session N sends it). What a session with an unfinished statement is told next waits for it first.
Before each script the tables of `setup:` lines are made. Rows are compared as sets.
"""
import glob
import os
import select
import time

from support import harness, pgclient, servers

HERE = os.path.dirname(os.path.abspath(__file__))
# How long a statement may take before it counts as waiting. Long enough for a busy machine, short enough for many scripts.
PATIENCE = 0.25 * min(servers.SLOWNESS, 2)
LIMIT = 15 * servers.SLOWNESS


class Script:
    def __init__(self, name):
        self.name, self.setup, self.steps = name, [], []


def read_scripts(path):
    scripts = []
    with open(path) as f:
        for line in f:
            line = line.strip()
            if line.startswith('=='):
                scripts.append(Script(line[2:].strip()))
            elif line.startswith('setup:'):
                scripts[-1].setup.append(line[6:])
            elif line and not line.startswith('#'):
                session, sql = line.split(':', 1)
                scripts[-1].steps.append((session.strip(), sql.strip()))
    return scripts


class Session:
    def __init__(self, server, database):
        self.connection = server.connect(database, timeout=30)
        self.pending = None     # the number of the step that is not answered yet

    def ready(self, seconds):
        return bool(self.connection.buffer) or bool(select.select([self.connection.socket], [], [], seconds)[0])

    def finish(self):
        answers = self.connection.collect()
        self.pending = None
        out = []
        for a in answers:
            if a.error:
                out.append('%s %s' % (a.error['C'], a.error['M']))
            else:
                rows = sorted(tuple(v.decode() if v is not None else None for v in row) for row in a.rows)
                out.append('%s %s' % (a.tag, rows if a.columns else ''))
        return '; '.join(x.strip() for x in out)


def run_script(server, database, script, patience=PATIENCE):
    """The list of events: (step, session, outcome), `waits` when a statement did not end at once."""
    with server.connect(database) as c:
        for sql in script.setup:
            for answer in c.query(sql):
                if answer.error and 'does not exist' not in answer.error['M']:
                    raise AssertionError('%s: setup %s: %s' % (server.name, sql, answer.error))
    sessions, events = {}, []

    def sweep(step, seconds):
        """Notes the sessions whose waiting statement has ended by now."""
        end = time.monotonic() + seconds
        while True:
            for name in sorted(sessions):
                s = sessions[name]
                if s.pending is not None and s.ready(0):
                    waited = s.pending
                    events.append((step, name, 'step %d: %s' % (waited, s.finish())))
                    end = time.monotonic() + seconds
            if time.monotonic() >= end or all(s.pending is None for s in sessions.values()):
                return
            time.sleep(0.01)
    for number, (name, sql) in enumerate(script.steps, 1):
        if name not in sessions:
            sessions[name] = Session(server, database)
        s = sessions[name]
        if s.pending is not None:
            if not s.ready(LIMIT):
                events.append((number, name, 'step %d never ends' % s.pending))
                break
            sweep(number, 0)
        s.connection.message(b'Q', sql.encode() + b'\0')
        if s.ready(patience):
            events.append((number, name, s.finish()))
        else:
            s.pending = number
            events.append((number, name, 'waits'))
        sweep(number, patience)
    for name in sorted(sessions):
        s = sessions[name]
        if s.pending is not None:
            if s.ready(LIMIT):
                sweep(len(script.steps) + 1, 0)
            else:
                events.append((len(script.steps) + 1, name, 'never ends'))
    for s in sessions.values():
        s.connection.socket.close()
    return events


class Isolation(harness.HeliosCase):
    database = 'e2e_isolation'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postgres = harness.shared_postgres()
        with cls.postgres.connect() as c:
            c.query('CREATE DATABASE e2e_isolation')

    def test_scripts(self):
        for path in sorted(glob.glob(os.path.join(HERE, 'isolation', '*.spec'))):
            for script in read_scripts(path):
                with self.subTest('%s: %s' % (os.path.basename(path), script.name)):
                    want, got = self.both(script, PATIENCE)
                    if got != want:         # perhaps only a slow moment: once more, with more patience
                        want, got = self.both(script, 4 * PATIENCE)
                    self.assertEqual(got, want)

    def both(self, script, patience):
        want = run_script(self.postgres, self.database, script, patience)
        try:
            got = run_script(self.server, self.database, script, patience)
        except pgclient.Disconnected as e:
            harness.after_lost_connection()
            self.fail('connection lost: %s' % e)
        return self.show(want, script), self.show(got, script)

    @staticmethod
    def show(events, script):
        lines = []
        for step, session, outcome in events:
            sql = script.steps[step - 1][1] if step <= len(script.steps) and not outcome.startswith('step ') else ''
            lines.append('%2d  %s: %s -> %s' % (step, session, sql, outcome))
        return '\n'.join(lines)
