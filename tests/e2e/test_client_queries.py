"""The catalog queries that psql and the JDBC driver send: caught from PostgreSQL's log while the clients work, then put to both servers."""
import os
import re
import subprocess
import sys

from support import harness, pgclient, servers, sqlsplit
import test_jdbc
import test_psql

sys.path.insert(0, os.path.join(servers.ROOT, 'tests', 'sql'))
import difftest  # noqa: E402

MORE_COMMANDS = [r'\l', r'\l+', r'\dt+', r'\di+', r'\dv+', r'\ds+', r'\df+ abs', r'\dT+ int4', r'\dF', r'\dO C', r'\dX', r'\dP', r'\dd', r'\dl',
                 r'\sf abs(int4)', r'\d+ small_counter', r'\d pg_class', r'\z', r'\dg']


def logged_queries(log, oids):
    """The distinct catalog queries of a log with log_statement = all; the OIDs of our relations become names."""
    seen = {}
    for part in log.split('@@@ ')[1:]:
        m = re.match(r'LOG:  (?:statement|execute [^:]*): (.*)', part, re.S)
        if not m:
            continue
        text = m.group(1).replace('\n\t', '\n').strip().rstrip(';').strip()
        text = re.sub(r"'(\d{5})'", lambda n: "'%s'::pg_catalog.regclass" % oids[n.group(1)] if n.group(1) in oids else n.group(0), text)
        if re.match(r'(SELECT|WITH)\b', text, re.I) and re.search(r'pg_catalog|information_schema|pg_type', text) and not re.search(r"\$1|\b1[67]\d{3}\b", text):
            seen[text] = True
    return list(seen)


class CatalogSide(difftest.Side):
    """Hides the OIDs that user objects happened to get, and what databases other tests made."""

    def run(self, statement, protocol):
        result = super().run(statement, protocol)
        for answer in result.get('answers', []):
            oid_columns = [i for i, c in enumerate(answer['columns'] or ()) if c[1] == 26]
            for row in answer['rows']:
                for i in oid_columns:
                    if row[i] and int(row[i]) >= difftest.FIRST_USER_OID:
                        row[i] = 'user'
            if 'pg_database' in statement.text:
                answer['rows'] = [r for r in answer['rows'] if r[0] in ('postgres', 'template0', 'template1')]
                answer['tag'] = None
            if len(answer['rows']) > 300:           # all built-in types: theirs are more
                answer['rows'], answer['tag'] = 'many', None
            if '_size(' in statement.text:      # sizes are each server's own
                answer['rows'] = len(answer['rows'])
        return result


class ClientQueries(harness.HeliosCase):
    database = 'e2e_client_queries'

    def test_catalog_queries(self):
        postgres = servers.Postgres({'log_statement': 'all', 'log_line_prefix': "'@@@ '"}).start()
        try:
            queries = self.catch(postgres)
            self.assertGreater(len(queries), 100)
            with self.server.connect(self.database) as c:
                c.query(test_psql.SCHEMA)
            sides = CatalogSide(postgres), CatalogSide(self.server)
            for side in sides:
                side.database = self.database
                side.reconnect()
            for text in queries:
                with self.subTest(' '.join(text.split())[:300]):
                    statement = sqlsplit.Statement(text, 0)
                    want, got = (side.run(statement, 'simple') for side in sides)
                    if 'lost' in got:
                        harness.after_lost_connection()
                        sides[1].reconnect()
                    found = difftest.difference(want, got)
                    if found:
                        self.fail('%s\n%s' % (' '.join(text.split())[:1500], found))
        finally:
            postgres.remove()

    def catch(self, postgres):
        with postgres.connect() as c:
            c.one('CREATE DATABASE %s' % self.database)
        postgres.psql(None, self.database, stdin=test_psql.SCHEMA, args=('-Xq', '-1'))
        for command in test_psql.COMMANDS + MORE_COMMANDS:
            subprocess.run(['psql', '-X'], input=command + '\n', env=postgres.env(self.database), capture_output=True, text=True)
        with postgres.connect(self.database) as c:
            rows = c.one('SELECT oid, oid::regclass FROM pg_class WHERE oid >= %d' % difftest.FIRST_USER_OID).rows
        if os.path.exists(os.path.join(test_jdbc.CACHE, 'Drive.class')):
            with postgres.connect() as c:
                c.one('CREATE DATABASE jdbc')
            subprocess.run(['java', '-Xmx256m', '-cp', test_jdbc.CACHE + ':' + test_jdbc.JAR, 'Drive', 'jdbc:postgresql://127.0.0.1:%d/jdbc' % postgres.port],
                           capture_output=True, timeout=120)
        with open(postgres.home + '/log') as f:
            return logged_queries(f.read(), {r[0].decode(): r[1].decode() for r in rows})
