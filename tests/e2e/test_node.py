"""Programs written with node-postgres; the package is fetched once into build/cache/node."""
import os
import subprocess
import unittest

from support import harness, servers

CACHE = os.path.join(servers.ROOT, 'build', 'cache', 'node')


def install():
    if os.path.isdir(os.path.join(CACHE, 'node_modules', 'pg')):
        return
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, 'package.json'), 'w') as f:
        f.write('{"private": true, "dependencies": {"pg": "^8.11.0"}}\n')
    r = subprocess.run(['npm', 'install', '--no-audit', '--no-fund', '--loglevel=error'], cwd=CACHE, capture_output=True,
                       text=True, timeout=300)
    if r.returncode != 0:
        raise unittest.SkipTest('npm install pg: ' + r.stderr[-300:])


@harness.need_program('node')
@harness.need_program('npm')
class Node(harness.HeliosCase):
    database = 'e2e_node'

    def test_node_postgres(self):
        install()
        script = os.path.join(servers.ROOT, 'tests', 'e2e', 'node', 'drive.js')
        r = self.run_program(['node', script], env={**self.env(), 'NODE_PATH': os.path.join(CACHE, 'node_modules')},
                             check=False)
        self.check_lines(r.stdout + r.stderr)
