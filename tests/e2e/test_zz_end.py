"""Runs last: the server that all tests shared stops cleanly and its log holds no sanitizer report."""
import unittest

from support import harness


class End(unittest.TestCase):
    def test_shared_server_stops_cleanly(self):
        server = harness.shared_if_started()
        if server is None:
            self.skipTest('no test used it')
        status = server.stop() if server.alive() else -1
        self.assertEqual(server.sanitizer_reports(), [])
        self.assertIn(status, (0, None))
