-- EXPLAIN: only that it answers in its shape; plans are the server's own.
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT g, 'v' || g FROM generate_series(1, 100) g;
EXPLAIN (COSTS OFF) SELECT 1;
EXPLAIN SELECT * FROM nothing;
EXPLAIN (NONSENSE) SELECT 1;
EXPLAIN (FORMAT nonsense) SELECT 1;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) INSERT INTO t VALUES (1000, 'x');
SELECT * FROM t WHERE id = 1000;
-- several statements in one text
SELECT 1 AS a; SELECT 2 AS b;
