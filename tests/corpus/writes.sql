-- Writes: what they read, where they write, and what they narrow.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

--#S-write-01 | write | must=ALLOW | plain insert
INSERT INTO region (r_regionkey, r_name) VALUES (9, 'X');
--#S-write-02 | write | must=ALLOW | plain update
UPDATE region SET r_name = 'X' WHERE r_regionkey = 1;
--#S-write-03 | write | must=HOLD | update of everything
UPDATE region SET r_name = 'X';
--#S-write-04 | write | must=HOLD | delete of everything
DELETE FROM region;
--#S-write-05 | write | must=HOLD | delete by a condition that looks at nothing
DELETE FROM region WHERE 1 = 1;
--#S-write-06 | write | must=ALLOW | plain delete
DELETE FROM region WHERE r_regionkey = 1;
--#S-write-07 | write | must=DENY | copy of masked data
INSERT INTO region (r_regionkey, r_name) SELECT c_custkey, c_phone FROM customer;
--#S-write-08 | write | must=DENY | copy through a view
INSERT INTO region (r_regionkey, r_name) SELECT c_custkey, nm FROM v_cust;
--#S-write-09 | write | must=DENY | copy through a CTE
INSERT INTO region (r_name) WITH a AS (SELECT c_phone FROM customer) SELECT c_phone FROM a;
--#S-write-10 | write | must=DENY | write to a filtered table
UPDATE customer SET c_comment = 'x' WHERE c_custkey = 1;
--#S-write-11 | write | must=DENY | condition on a masked table
DELETE FROM region WHERE r_regionkey IN (SELECT c_custkey FROM customer WHERE c_phone LIKE '1%');
--#S-write-12 | write | must=DENY | update from a masked table
UPDATE region SET r_name = c.c_phone FROM customer c WHERE c.c_custkey = region.r_regionkey;
--#S-write-13 | write | must=DENY | delete using a masked table
DELETE FROM region USING customer c WHERE c.c_custkey = region.r_regionkey;
--#S-write-14 | write | must=DENY | merge branch with a subquery on a masked table
MERGE INTO region r USING nation n ON r.r_regionkey = n.n_regionkey WHEN MATCHED THEN UPDATE SET r_name = (SELECT MAX(c_phone) FROM customer);
--#S-write-15 | write | must=ALLOW | plain merge
MERGE INTO region r USING nation n ON r.r_regionkey = n.n_regionkey WHEN MATCHED THEN UPDATE SET r_comment = n.n_comment WHEN NOT MATCHED THEN INSERT (r_regionkey, r_name) VALUES (n.n_regionkey, n.n_name);
--#S-write-16 | write | must=DENY | write to a view
INSERT INTO v_cust (c_custkey) VALUES (1);
--#S-write-17 | write | must=DENY | write to a table that does not exist
INSERT INTO nosuch (a) VALUES (1);
--#S-write-18 | write | must=DENY | write to an unknown column
INSERT INTO region (nosuch) VALUES (1);
--#S-write-19 | write | must=DENY | update of an unknown column
UPDATE region SET nosuch = 1 WHERE r_regionkey = 1;
--#S-write-20 | write | must=DENY | write with a user's function
UPDATE region SET r_name = my_udf(1) WHERE r_regionkey = 1;
--#S-write-21 | write | must=DENY | target by variable
INSERT INTO IDENTIFIER($t) VALUES (1);
--#S-write-22 | write | must=ALLOW | insert from open data
INSERT INTO region (r_regionkey, r_name) SELECT n_nationkey + 100, n_name FROM nation;
--#S-change-01 | write | must=DENY | insert of a masked value by a scalar subquery
INSERT INTO region (r_regionkey, r_name) SELECT 1, (SELECT MAX(c_phone) FROM customer);
--#S-change-02 | write | must=DENY | insert of a union with the masked table
INSERT INTO region (r_regionkey, r_name) SELECT n_nationkey, n_name FROM nation UNION ALL SELECT c_custkey, c_name FROM customer;
--#S-change-03 | write | must=DENY | insert of counts of the filtered table
INSERT INTO region (r_regionkey) SELECT COUNT(*) FROM customer;
--#S-change-04 | write | must=DENY | insert of values with a subquery
INSERT INTO region (r_regionkey, r_name) VALUES (1, (SELECT MAX(c_name) FROM customer));
--#S-change-05 | write | must=DENY | insert into the masked table
INSERT INTO customer (c_custkey, c_name) VALUES (99, 'x');
--#S-change-06 | write | must=DENY | update of a masked column
UPDATE customer SET c_phone = 'x' WHERE c_custkey = 1;
--#S-change-07 | write | must=DENY | update that moves the secret to a public column
UPDATE customer SET c_mktsegment = c_phone WHERE c_custkey = 1;
--#S-change-08 | write | must=DENY | update with a condition on the secret
UPDATE region SET r_name = 'hit' WHERE EXISTS (SELECT 1 FROM customer WHERE c_phone LIKE '25%');
--#S-change-09 | write | must=DENY | update joined with the masked table
UPDATE region SET r_name = 'hit' FROM customer c WHERE c.c_acctbal > 0 AND region.r_regionkey = 1;
--#S-change-10 | write | must=DENY | update of the filtered table's hidden rows
UPDATE customer SET c_nationkey = 1 WHERE c_mktsegment = 'MACHINERY';
--#S-change-11 | write | must=DENY | delete of the filtered table's rows
DELETE FROM customer WHERE c_custkey = 1;
--#S-change-12 | write | must=DENY | delete by a join with the secret
DELETE FROM region USING customer WHERE customer.c_phone LIKE '25%' AND region.r_regionkey = 1;
--#S-change-13 | write | must=DENY | merge into the masked table
MERGE INTO customer c USING nation n ON c.c_custkey = n.n_nationkey WHEN MATCHED THEN UPDATE SET c_comment = n.n_name;
--#S-change-14 | write | must=DENY | merge with a condition on the masked table
MERGE INTO region r USING nation n ON r.r_regionkey = n.n_regionkey WHEN MATCHED AND EXISTS (SELECT 1 FROM customer WHERE c_acctbal > 0) THEN DELETE;
--#S-change-15 | write | must=DENY | merge with the view as source
MERGE INTO region r USING v_cust v ON r.r_regionkey = v.c_custkey WHEN NOT MATCHED THEN INSERT (r_regionkey, r_name) VALUES (v.c_custkey, v.nm);
--#S-change-16 | write | must=DENY | merge with a subquery of the masked table as source
MERGE INTO region r USING (SELECT c_custkey AS k, c_phone AS p FROM customer) s ON r.r_regionkey = s.k WHEN MATCHED THEN UPDATE SET r_name = s.p;
--#S-change-17 | write | must=DENY | insert into a quoted name of another case
INSERT INTO "region" (r_regionkey) VALUES (1);
--#S-change-18 | write | must=DENY | insert into a stage
INSERT INTO @stg VALUES (1);
--#S-change-19 | write | must=DENY | insert into another database
INSERT INTO other.public.region (r_regionkey) VALUES (1);
--#S-change-20 | write | must=DENY | insert with a user's function
INSERT INTO region (r_regionkey) SELECT my_udf(1);
--#S-change-21 | write | must=DENY | insert with a sequence
INSERT INTO region (r_regionkey) SELECT seq.NEXTVAL;
--#S-change-22 | write | must=DENY | update with RETURNING
UPDATE region SET r_name = 'x' WHERE r_regionkey = 1 RETURNING r_name;
--#S-change-23 | write | must=DENY | insert with ON CONFLICT
INSERT INTO region (r_regionkey) VALUES (1) ON CONFLICT DO NOTHING;
--#S-change-24 | write | must=DENY | replace
REPLACE INTO region VALUES (1, 'x', 'y');
--#S-change-25 | write | must=DENY | upsert by a foreign word
INSERT OR REPLACE INTO region VALUES (1, 'x', 'y');
--#S-change-26 | write | must=DENY | insert into a table function
INSERT INTO TABLE(region) VALUES (1);
--#S-change-27 | write | must=DENY | delete from two tables
DELETE region, nation FROM region, nation;
--#S-change-28 | write | must=DENY | delete with LIMIT
DELETE FROM region LIMIT 1;
--#S-change-29 | write | must=HOLD | update of two tables
UPDATE region, nation SET r_name = 'x';
--#S-change-30 | write | must=HOLD | delete by a condition that is always true
DELETE FROM region WHERE TRUE;
--#S-change-31 | write | must=HOLD | delete by two constants
DELETE FROM region WHERE 'a' = 'a';
--#S-change-32 | write | must=HOLD | update by a condition on a bind
UPDATE region SET r_name = 'x' WHERE ? = 1;
