-- Inference: what could be told of hidden values and rows by conditions, counts, errors and digests.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

--#S-infer-01 | predicate-inference | must=MASKED | prefix probe
SELECT COUNT(*) FROM customer WHERE c_phone LIKE '25-9%';
--#S-infer-02 | predicate-inference | must=MASKED | prefix probe by STARTSWITH
SELECT COUNT(*) FROM customer WHERE STARTSWITH(c_phone, '25');
--#S-infer-03 | predicate-inference | must=MASKED | probe by CONTAINS
SELECT c_custkey FROM customer WHERE CONTAINS(c_name, '#1');
--#S-infer-04 | predicate-inference | must=MASKED | probe by ENDSWITH
SELECT c_custkey FROM customer WHERE ENDSWITH(c_phone, '88');
--#S-infer-05 | predicate-inference | must=MASKED | probe by regular expression
SELECT c_custkey FROM customer WHERE REGEXP_LIKE(c_phone, '25-98[0-9]-.*');
--#S-infer-06 | predicate-inference | must=MASKED | probe by RLIKE
SELECT c_custkey FROM customer WHERE c_phone RLIKE '25.*';
--#S-infer-07 | predicate-inference | must=MASKED | probe by ILIKE ANY
SELECT c_custkey FROM customer WHERE c_name ILIKE ANY ('customer#1', 'customer#2');
--#S-infer-08 | predicate-inference | must=MASKED | probe by LIKE ALL
SELECT c_custkey FROM customer WHERE c_phone LIKE ALL ('2%', '%8');
--#S-infer-09 | predicate-inference | must=MASKED | probe by NOT LIKE
SELECT COUNT(*) FROM customer WHERE c_phone NOT LIKE '25%';
--#S-infer-10 | predicate-inference | must=MASKED | probe by IN
SELECT c_custkey FROM customer WHERE c_phone IN ('25-989-741-2988', '25-989-741-2989');
--#S-infer-11 | predicate-inference | must=MASKED | probe by a row of values
SELECT c_custkey FROM customer WHERE (c_name, c_phone) IN (('Customer#0', '25-989-741-2988'));
--#S-infer-12 | predicate-inference | must=MASKED | probe by NOT IN
SELECT c_custkey FROM customer WHERE c_phone NOT IN ('25-989-741-2988');
--#S-infer-13 | predicate-inference | must=MASKED | probe by BETWEEN on text
SELECT COUNT(*) FROM customer WHERE c_phone BETWEEN '25' AND '26';
--#S-infer-14 | predicate-inference | must=MASKED | probe by comparison
SELECT COUNT(*) FROM customer WHERE c_acctbal >= 712.56;
--#S-infer-15 | predicate-inference | must=MASKED | probe by inequality
SELECT COUNT(*) FROM customer WHERE c_acctbal <> 0;
--#S-infer-16 | predicate-inference | must=MASKED | probe by IS DISTINCT FROM
SELECT COUNT(*) FROM customer WHERE c_phone IS DISTINCT FROM '***';
--#S-infer-17 | predicate-inference | must=MASKED | probe by EQUAL_NULL
SELECT c_custkey FROM customer WHERE EQUAL_NULL(c_address, 'Street 1');
--#S-infer-18 | predicate-inference | must=MASKED | probe by nullness
SELECT c_custkey FROM customer WHERE c_address IS NOT NULL;
--#S-infer-19 | predicate-inference | must=MASKED | probe by a sum
SELECT c_custkey FROM customer WHERE c_acctbal + 1 > 712;
--#S-infer-20 | predicate-inference | must=MASKED | probe by a modulus
SELECT c_custkey FROM customer WHERE MOD(c_acctbal::INT, 2) = 0;
--#S-infer-21 | predicate-inference | must=MASKED | probe by CASE
SELECT c_custkey FROM customer WHERE CASE WHEN c_phone > '25' THEN TRUE ELSE FALSE END;
--#S-infer-22 | predicate-inference | must=MASKED | probe by a length
SELECT COUNT(*) FROM customer WHERE LENGTH(c_name) > 10;
--#S-infer-23 | predicate-inference | must=MASKED | probe by a letter
SELECT c_custkey FROM customer WHERE SUBSTR(c_phone, 1, 1) = '2';
--#S-infer-24 | predicate-inference | must=MASKED | probe by a hash
SELECT c_custkey FROM customer WHERE MD5(c_phone) = MD5('25-989-741-2988');
--#S-infer-25 | predicate-inference | must=MASKED | probe by a correlated count
SELECT n_name, (SELECT COUNT(*) FROM customer c WHERE c.c_nationkey = n.n_nationkey AND c.c_acctbal > 715) FROM nation n;
--#S-infer-26 | predicate-inference | must=MASKED | probe by a join on a guess
SELECT g.column1 FROM VALUES ('25-989-741-2988'), ('x') AS g JOIN customer c ON c.c_phone = g.column1;
--#S-infer-27 | predicate-inference | must=MASKED | probe by an anti join
SELECT s_name FROM supplier s WHERE NOT EXISTS (SELECT 1 FROM customer c WHERE c.c_phone = s.s_phone);
--#S-infer-28 | predicate-inference | must=MASKED | probe by ALL
SELECT n_name FROM nation WHERE n_nationkey < ALL (SELECT c_acctbal FROM customer);
--#S-infer-29 | predicate-inference | must=MASKED | probe by ANY
SELECT n_name FROM nation WHERE n_name = ANY (SELECT c_name FROM customer);
--#S-infer-30 | predicate-inference | must=MASKED | probe by a scalar comparison
SELECT r_name FROM region WHERE (SELECT MAX(c_phone) FROM customer) > '25';
--#S-infer-31 | predicate-inference | must=MASKED | probe by HAVING on a count of the secret
SELECT c_nationkey FROM customer GROUP BY c_nationkey HAVING COUNT(DISTINCT c_phone) > 1;
--#S-infer-32 | predicate-inference | must=MASKED | probe by HAVING without GROUP BY
SELECT 1 FROM customer HAVING SUM(c_acctbal) > 1000;
--#S-infer-33 | predicate-inference | must=MASKED | probe by HAVING on LISTAGG
SELECT c_nationkey FROM customer GROUP BY 1 HAVING LISTAGG(c_phone) LIKE '%2988%';
--#S-infer-34 | predicate-inference | must=MASKED | probe by an aggregate's FILTER in IFF
SELECT SUM(IFF(c_phone LIKE '25%', 1, 0)) FROM customer;
--#S-infer-35 | predicate-inference | must=MASKED | probe by BOOLOR_AGG
SELECT BOOLOR_AGG(c_phone LIKE '25%') FROM customer;
--#S-infer-36 | predicate-inference | must=MASKED | probe by a division that is total
SELECT DIV0(1, c_acctbal - 711.56) FROM customer;
--#S-infer-37 | predicate-inference | must=MASKED | probe by the order of ties
SELECT c_custkey FROM customer ORDER BY c_phone = '25-989-741-2988' DESC, c_custkey LIMIT 1;
--#S-infer-38 | predicate-inference | must=MASKED | probe by MIN over rows that match
SELECT MIN(c_custkey) FROM customer WHERE c_acctbal = (SELECT MAX(c_acctbal) FROM customer);
--#S-infer-39 | predicate-inference | must=MASKED | probe by a running count
SELECT c_custkey, COUNT_IF(c_acctbal > 712) OVER (ORDER BY c_custkey) FROM customer;
--#S-infer-40 | predicate-inference | must=MASKED | probe by grouping on a predicate
SELECT c_phone LIKE '25%', COUNT(*) FROM customer GROUP BY 1;
--#S-infer-41 | predicate-inference | must=MASKED | probe through a derived table
SELECT COUNT(*) FROM (SELECT c_phone AS p FROM customer) WHERE p LIKE '25%';
--#S-infer-42 | predicate-inference | must=MASKED | probe through a view
SELECT COUNT(*) FROM v_cust WHERE nm = 'CUSTOMER#0';
--#S-infer-43 | predicate-inference | must=MASKED | probe through a view's number
SELECT c_custkey FROM v_cust WHERE c_acctbal > 712;
--#S-infer-44 | predicate-inference | must=MASKED | probe of the hidden segment
SELECT COUNT(*) FROM customer WHERE c_mktsegment = 'MACHINERY';
--#S-infer-45 | predicate-inference | must=MASKED | probe of the hidden segment by its absence
SELECT c_mktsegment, COUNT(*) FROM customer GROUP BY c_mktsegment;
--#S-infer-46 | predicate-inference | must=MASKED | probe by an outer join's missing rows
SELECT n.n_nationkey, c.c_custkey FROM nation n LEFT JOIN customer c ON c.c_nationkey = n.n_nationkey AND c.c_phone LIKE '25%';
--#S-infer-47 | predicate-inference | must=MASKED | probe by XOR of conditions
SELECT c_custkey FROM customer WHERE BOOLXOR(c_acctbal > 712, TRUE);
--#S-infer-48 | predicate-inference | must=MASKED | probe by bits
SELECT c_custkey FROM customer WHERE BITAND(c_acctbal::INT, 1) = 1;
--#S-infer-49 | predicate-inference | must=MASKED | probe by WIDTH_BUCKET
SELECT WIDTH_BUCKET(c_acctbal, 0, 1000, 10), COUNT(*) FROM customer GROUP BY 1;
--#S-infer-50 | predicate-inference | must=MASKED | probe by ARRAY_CONTAINS
SELECT c_custkey FROM customer WHERE ARRAY_CONTAINS(c_phone::VARIANT, ['25-989-741-2988']);
--#S-infer-51 | predicate-inference | must=MASKED | probe by the position of a letter
SELECT c_custkey, POSITION('9', c_phone), CHARINDEX('-', c_phone) FROM customer;
--#S-error-01 | error-channel | must=MASKED | division by the masked balance
SELECT 1 / (c_acctbal - 1) FROM customer;
--#S-error-02 | error-channel | must=MASKED | cast of the masked name
SELECT c_name::INT FROM customer;
--#S-error-03 | error-channel | must=MASKED | cast of the masked phone in a predicate
SELECT COUNT(*) FROM customer WHERE c_phone::INT > 1;
--#S-error-04 | error-channel | must=MASKED | cast of the masked address to a date
SELECT c_address::DATE FROM customer;
--#S-error-05 | error-channel | must=MASKED | parsing of the masked comment
SELECT PARSE_JSON(c_comment) FROM customer;
--#S-error-06 | error-channel | must=MASKED | square root of the masked balance
SELECT SQRT(c_acctbal - 1) FROM customer;
--#S-error-07 | error-channel | must=MASKED | logarithm of the masked balance
SELECT LN(c_acctbal + 1) FROM customer;
--#S-error-08 | error-channel | must=MASKED | a repeat by the masked balance
SELECT REPEAT('x', c_acctbal::INT) FROM customer;
--#S-error-09 | error-channel | must=MASKED | a factorial of the masked balance
SELECT FACTORIAL(c_acctbal::INT) FROM customer;
--#S-error-10 | error-channel | must=MASKED | a pattern made of the masked name
SELECT REGEXP_COUNT('abc', c_name || 'x') FROM customer WHERE c_name <> '***';
--#S-error-11 | error-channel | must=MASKED | a date made of the masked balance
SELECT DATE_FROM_PARTS(2024, c_acctbal::INT + 1, 1) FROM customer;
--#S-error-12 | error-channel | must=MASKED | a scalar subquery that has more than one row if the secret says so
SELECT (SELECT c_custkey FROM customer WHERE c_acctbal = 711.56);
--#S-error-13 | error-channel | must=MASKED | an overflow of the masked balance
SELECT (c_acctbal * 99999999999999999999)::NUMBER(38,0) FROM customer;
--#S-error-14 | error-channel | must=MASKED | a cast that fails on a hidden row
SELECT COUNT(*) FROM customer WHERE (CASE WHEN c_mktsegment = 'MACHINERY' THEN 'x' ELSE '1' END)::INT = 1;
--#S-error-15 | error-channel | must=MASKED | a division by zero on a hidden row
SELECT COUNT(*) FROM customer WHERE 1 / IFF(c_mktsegment = 'MACHINERY', 0, 1) = 1;
--#S-error-16 | error-channel | must=MASKED | a bad number on a hidden row, in a projection below a filter
SELECT x FROM (SELECT TO_NUMBER(c_mktsegment || '') AS x, c_custkey FROM customer) WHERE c_custkey < 0;
--#S-error-39 | error-channel | must=RESIDUAL | control=native row policy: that some row is hidden, though none of its values, by an error on rows without values
SELECT COUNT(*) FROM customer WHERE 1 / IFF(c_custkey IS NULL, 0, 1) = 1;
--#S-error-17 | error-channel | must=DENY | an unknown function's error
SELECT nosuchfunction(c_phone) FROM customer;
--#S-error-18 | error-channel | must=DENY | an error on purpose
SELECT RAISE_ERROR(c_phone) FROM customer;
--#S-error-19 | error-channel | must=DENY | an abort on purpose
SELECT SYSTEM$ABORT_SESSION(1);
--#S-count-01 | row-count | must=MASKED | rows of each nation
SELECT c_nationkey, COUNT(*) FROM customer GROUP BY 1;
--#S-count-02 | row-count | must=MASKED | rows by a window
SELECT DISTINCT COUNT(*) OVER () FROM customer;
--#S-count-03 | row-count | must=MASKED | rows by the last number
SELECT MAX(rn) FROM (SELECT ROW_NUMBER() OVER (ORDER BY c_custkey) AS rn FROM customer);
--#S-count-04 | row-count | must=MASKED | keys that are missing
SELECT MIN(c_custkey), MAX(c_custkey), COUNT(DISTINCT c_custkey) FROM customer;
--#S-count-05 | row-count | must=MASKED | keys that a generator misses
SELECT o_custkey FROM orders WHERE o_custkey NOT IN (SELECT c_custkey FROM customer);
--#S-count-06 | row-count | must=MASKED | gaps by LAG
SELECT c_custkey - LAG(c_custkey) OVER (ORDER BY c_custkey) FROM customer;
--#S-count-07 | row-count | must=MASKED | rows through the view
SELECT COUNT(*), COUNT(nm) FROM v_cust;
--#S-count-08 | row-count | must=MASKED | rows of a self join
SELECT COUNT(*) FROM customer a, customer b;
--#S-count-09 | row-count | must=MASKED | rows by a limit
SELECT COUNT(*) FROM (SELECT 1 FROM customer LIMIT 1000);
--#S-count-10 | row-count | must=MASKED | rows by an offset
SELECT c_custkey FROM customer ORDER BY c_custkey LIMIT 1 OFFSET 9;
--#S-count-11 | row-count | must=MASKED | approximate rows
SELECT HLL(c_custkey) FROM customer;
--#S-count-12 | row-count | must=MASKED | statistics by ntile
SELECT MAX(t) FROM (SELECT NTILE(100) OVER (ORDER BY c_custkey) AS t FROM customer);
--#S-count-13 | row-count | must=DENY | a sample of a percentage
SELECT COUNT(*) FROM customer SAMPLE (50);
--#S-count-14 | row-count | must=DENY | a sample of blocks
SELECT COUNT(*) FROM customer SAMPLE SYSTEM (50);
--#S-count-15 | row-count | must=DENY | a sample with a seed
SELECT COUNT(*) FROM customer SAMPLE (50) SEED (1);
--#S-count-16 | row-count | must=DENY | a sample of one row
SELECT c_custkey FROM customer SAMPLE (1 ROWS);
--#S-count-17 | row-count | must=DENY | a sample of a join
SELECT * FROM nation n JOIN customer c SAMPLE (10) ON c.c_nationkey = n.n_nationkey;
--#S-count-18 | row-count | must=DENY | a sample in a CTE
WITH a AS (SELECT * FROM customer SAMPLE (10 ROWS)) SELECT COUNT(*) FROM a;
--#S-count-19 | row-count | must=DENY | a sample of a derived table in a CTE
WITH a AS (SELECT * FROM (SELECT * FROM customer) TABLESAMPLE (10 ROWS)) SELECT COUNT(*) FROM a;
--#S-count-20 | row-count | must=RESIDUAL | control=a minimum group size: a group of one by unmasked columns
SELECT c_nationkey, c_mktsegment, COUNT(*) FROM customer GROUP BY 1, 2 HAVING COUNT(*) = 1;
--#S-count-21 | row-count | must=RESIDUAL | control=a minimum group size and budgets: two sums that differ by one person
SELECT SUM(o_totalprice) FROM orders WHERE o_custkey <> 3 AND o_orderstatus = 'F';
--#S-count-22 | row-count | must=RESIDUAL | control=filters on the child tables: orders whose customer is hidden
SELECT o_orderkey FROM orders o LEFT JOIN customer c ON c.c_custkey = o.o_custkey WHERE c.c_custkey IS NULL;
--#S-hash-01 | hashing | must=MASKED | every digest of the mask
SELECT MD5(c_phone), SHA1(c_phone), SHA2(c_phone, 512), HASH(c_phone), MD5_NUMBER_LOWER64(c_phone) FROM customer;
--#S-hash-02 | hashing | must=MASKED | a dictionary joined on digests
SELECT g.n FROM (SELECT 'Customer#' || SEQ4() AS n FROM TABLE(GENERATOR(ROWCOUNT => 20))) g JOIN customer c ON MD5(g.n) = MD5(c.c_name);
--#S-hash-03 | hashing | must=MASKED | a digest of several columns
SELECT HASH(c_name, c_phone, c_custkey) FROM customer;
--#S-hash-04 | hashing | must=MASKED | a digest of all rows
SELECT HASH_AGG(c_phone, c_name), HASH_AGG(*) FROM customer;
--#S-hash-05 | hashing | must=MASKED | similarity sketches of the secret
SELECT APPROXIMATE_SIMILARITY(m) FROM (SELECT MINHASH(10, c_phone) AS m FROM customer UNION ALL SELECT MINHASH(10, s_phone) FROM supplier);
--#S-hash-06 | hashing | must=MASKED | bitmaps of the secret
SELECT BITMAP_COUNT(BITMAP_CONSTRUCT_AGG(BITMAP_BIT_POSITION(c_acctbal::INT))) FROM customer;
