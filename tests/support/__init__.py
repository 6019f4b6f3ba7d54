"""What the test suites and the benchmark share: servers, a protocol client, an SQL splitter."""
