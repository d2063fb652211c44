-- Views: they are protected by what they read.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

--#S-view-01 | view | must=MASKED | the view's star
SELECT * FROM v_cust;
--#S-view-02 | view | must=MASKED | the view's column under a path
SELECT v_cust.nm FROM gw.public.v_cust;
--#S-view-03 | view | must=MASKED | the view under a CTE of the table's name
WITH customer AS (SELECT 'decoy' AS c_name, 1 AS c_custkey, 2 AS c_acctbal) SELECT nm FROM v_cust;
--#S-view-04 | view | must=MASKED | the view joined with itself
SELECT a.nm FROM v_cust a JOIN v_cust b ON a.c_acctbal = b.c_acctbal;
--#S-view-05 | view | must=MASKED | the view grouped
SELECT nm, SUM(c_acctbal) FROM v_cust GROUP BY nm;
--#S-view-06 | view | must=MASKED | the view in a set operation
SELECT nm FROM v_cust INTERSECT SELECT UPPER(s_name) FROM supplier;
--#S-view-07 | view | must=MASKED | the view in a scalar subquery
SELECT n_name, (SELECT MIN(nm) FROM v_cust) FROM nation;
--#S-view-08 | view | must=MASKED | the view flattened
SELECT f.value FROM v_cust v, LATERAL FLATTEN(INPUT => OBJECT_CONSTRUCT(v.*)) f;
--#S-view-09 | view | must=MASKED | the view excluded
SELECT * EXCLUDE nm FROM v_cust;
--#S-view-10 | view | must=MASKED | the view ordered by the secret
SELECT c_custkey FROM v_cust ORDER BY nm, c_custkey LIMIT 3;
--#S-view-11 | view | must=DENY | the view's rows sampled
SELECT COUNT(*) FROM v_cust SAMPLE (3 ROWS);
--#S-view-12 | view | must=DENY | the view in the past
SELECT * FROM v_cust BEFORE(STATEMENT => 'x');
--#S-view-13 | view | must=DENY | the view changed
DELETE FROM v_cust WHERE c_custkey = 1;
--#S-view-14 | view | must=DENY | the view updated
UPDATE v_cust SET nm = 'x' WHERE c_custkey = 1;
--#S-view-15 | view | must=DENY | a write that reads the view
UPDATE region SET r_name = (SELECT MAX(nm) FROM v_cust) WHERE r_regionkey = 1;
