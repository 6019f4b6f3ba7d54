"""Programs written with the PostgreSQL JDBC driver (Debian's libpostgresql-jdbc-java)."""
import os
import unittest

from support import harness, servers

JAR = '/usr/share/java/postgresql.jar'
CACHE = os.path.join(servers.ROOT, 'build', 'cache', 'java')
SOURCE = os.path.join(servers.ROOT, 'tests', 'e2e', 'java', 'Drive.java')


@harness.need_program('javac')
@unittest.skipUnless(os.path.exists(JAR), 'libpostgresql-jdbc-java is not installed')
class Jdbc(harness.HeliosCase):
    database = 'e2e_jdbc'

    def compile(self):
        made = os.path.join(CACHE, 'Drive.class')
        if not os.path.exists(made) or os.path.getmtime(made) < os.path.getmtime(SOURCE):
            os.makedirs(CACHE, exist_ok=True)
            self.run_program(['javac', '-cp', JAR, '-d', CACHE, SOURCE])

    def test_jdbc(self):
        self.compile()
        url = 'jdbc:postgresql://127.0.0.1:%d/%s' % (self.server.port, self.database)
        r = self.run_program(['java', '-Xmx256m', '-cp', CACHE + ':' + JAR, 'Drive', url], check=False)
        self.check_lines(r.stdout + r.stderr)
