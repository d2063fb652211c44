-- Time and money: statements that wait, and such that never end.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

--#S-cost-01 | timing | must=DENY | a wait
SELECT SYSTEM$WAIT(10);
--#S-cost-02 | timing | must=DENY | a wait in a predicate
SELECT 1 FROM customer WHERE SYSTEM$WAIT(1, 'SECONDS') = 'x';
--#S-cost-03 | timing | must=DENY | a wait by a foreign name
SELECT PG_SLEEP(5);
--#S-cost-04 | timing | must=DENY | a wait by another foreign name
SELECT SLEEP(5);
--#S-cost-05 | timing | must=DENY | a benchmark by a foreign name
SELECT BENCHMARK(1000000, MD5('x'));
--#S-cost-06 | timing | must=RESIDUAL | control=statement timeout and row limit: a cross join of large tables
SELECT COUNT(*) FROM lineitem a, lineitem b, lineitem c;
--#S-cost-07 | timing | must=RESIDUAL | control=statement timeout and row limit: a recursion without end
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT COUNT(*) FROM r;
--#S-cost-08 | timing | must=RESIDUAL | control=statement timeout and row limit: a generator of many rows
SELECT SUM(SEQ8()) FROM TABLE(GENERATOR(TIMELIMIT => 3600));
--#S-cost-09 | timing | must=RESIDUAL | control=statement timeout: work that depends on unmasked rows only takes the time it takes
SELECT COUNT(*) FROM lineitem WHERE REGEXP_LIKE(l_comment, '(a|aa)+b');
--#S-cost-10 | timing | must=MASKED | work that depends on the mask only
SELECT COUNT(*) FROM customer WHERE REGEXP_LIKE(c_phone, '([0-9]+-)+x');
