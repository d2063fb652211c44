-- Further cases, judged by policy.yaml and catalog.json beside this file. The verdicts are those of cases.py.

--#S-name-01 | name | must=MASKED | full name
SELECT C_NAME FROM GW.PUBLIC.CUSTOMER;
--#S-name-02 | name | must=MASKED | quoted full name
SELECT "C_NAME" FROM "GW"."PUBLIC"."CUSTOMER";
--#S-name-03 | name | must=MASKED | mixed case and spaces
select  C_nAmE  from  gW . pUbLiC . "CUSTOMER";
--#S-name-04 | name | must=DENY | quoted name in another case is another table
SELECT * FROM GW.PUBLIC."Customer";
--#S-name-05 | name | must=DENY | too many parts
SELECT * FROM A.GW.PUBLIC.CUSTOMER;
--#S-name-06 | name | must=DENY | full-width letters
SELECT * FROM ｃustomer;
--#S-name-07 | name | must=DENY | dotless i folds to another name
SELECT * FROM natıon;
--#S-name-08 | name | must=DENY | zero-width joiner
SELECT * FROM cust‍omer;
--#S-name-09 | name | must=MASKED | IDENTIFIER with a full quoted name
SELECT c_phone FROM IDENTIFIER('"GW"."PUBLIC"."CUSTOMER"');
--#S-name-10 | name | must=MASKED | IDENTIFIER with an alias
SELECT x.c_phone FROM IDENTIFIER('gw.public.customer') x;
--#S-name-11 | name | must=DENY | IDENTIFIER of a concatenation
SELECT * FROM IDENTIFIER('cust' || 'omer');
--#S-name-12 | name | must=DENY | IDENTIFIER that holds a comment
SELECT * FROM IDENTIFIER('customer -- x');
--#S-name-13 | name | must=DENY | IDENTIFIER that holds a subquery
SELECT * FROM IDENTIFIER('(select 1)');
--#S-name-14 | name | must=DENY | IDENTIFIER of a reserved name
SELECT * FROM IDENTIFIER('__GW_C1');
--#S-name-15 | name | must=DENY | table named by a string
SELECT * FROM TABLE('GW.PUBLIC.CUSTOMER');
--#S-name-16 | name | must=DENY | table literal by variable
SELECT * FROM TABLE($t);
--#S-name-17 | name | must=DENY | information schema
SELECT * FROM gw.information_schema.columns;
--#S-name-18 | name | must=DENY | information schema of another database
SELECT * FROM snowflake.information_schema.tables;
--#S-name-19 | name | must=DENY | information schema table function
SELECT * FROM TABLE(gw.information_schema.query_history());
--#S-name-20 | name | must=DENY | reserved alias
SELECT "__gw_r".c_phone FROM customer AS "__gw_r";
--#S-name-21 | name | must=DENY | reserved name inside a CTE
WITH "__GW_C1" AS (SELECT 1 AS x) SELECT * FROM "__GW_C1";
--#S-name-22 | name | must=DENY | reserved name as a column alias
SELECT 1 AS __GW_T0;
--#S-name-23 | name | must=DENY | metadata pseudo-column
SELECT METADATA$ROW_ID FROM customer;
--#S-name-24 | name | must=DENY | positional column
SELECT $5 FROM customer;
--#S-name-25 | name | must=DENY | positional column of an alias
SELECT c.$5 FROM customer c;
--#S-name-26 | name | must=DENY | columns renamed by position
SELECT v.e FROM customer AS v(a, b, c, d, e);
--#S-name-27 | name | must=MASKED | derived table with renamed columns
SELECT v.e FROM (SELECT c_custkey, c_phone FROM customer) AS v(a, e);
--#S-name-28 | name | must=MASKED | CTE with renamed columns
WITH v(a, e) AS (SELECT c_custkey, c_phone FROM customer) SELECT e FROM v;

--#S-cte-01 | cte | must=MASKED | CTE of the table's name, the table under its full name inside
WITH customer AS (SELECT * FROM gw.public.customer) SELECT c_phone FROM customer;
--#S-cte-02 | cte | must=DENY | CTE that reads its own name is two things
WITH customer AS (SELECT * FROM customer) SELECT * FROM customer;
--#S-cte-03 | cte | must=MASKED | nested CTEs
WITH a AS (WITH b AS (SELECT c_phone FROM customer) SELECT * FROM b) SELECT * FROM a;
--#S-cte-04 | cte | must=MASKED | CTE used twice
WITH a AS (SELECT c_phone FROM customer) SELECT * FROM a x JOIN a y ON x.c_phone = y.c_phone;
--#S-cte-05 | cte | must=MASKED | CTE in a subquery of a predicate
SELECT 1 FROM nation WHERE EXISTS (WITH a AS (SELECT c_phone FROM customer) SELECT 1 FROM a WHERE c_phone LIKE '1%');
--#S-cte-06 | cte | must=MASKED | inner CTE hides the outer one
WITH a AS (SELECT 1 AS c_phone) SELECT * FROM (WITH a AS (SELECT c_phone FROM customer) SELECT * FROM a) q, a;
--#S-cte-07 | cte | must=MASKED | recursion over a protected anchor
WITH RECURSIVE r(k, p) AS (SELECT c_custkey, c_phone FROM customer UNION ALL SELECT k + 1, p FROM r WHERE k < 2) SELECT p FROM r;
--#S-cte-08 | cte | must=MASKED | recursion that joins the protected table
WITH RECURSIVE r(k) AS (SELECT 1 UNION ALL SELECT c.c_custkey FROM r JOIN customer c ON c.c_custkey = r.k + 1) SELECT * FROM r;
--#S-cte-09 | cte | must=DENY | recursion in the anchor
WITH RECURSIVE r AS (SELECT * FROM r UNION ALL SELECT * FROM r) SELECT * FROM r;
--#S-cte-10 | cte | must=DENY | procedure in WITH
WITH p AS PROCEDURE () RETURNS INT LANGUAGE SQL AS $$ BEGIN RETURN 1; END $$ CALL p();
--#S-cte-11 | cte | must=DENY | write in a CTE
WITH a AS (DELETE FROM customer RETURNING *) SELECT * FROM a;

--#S-col-01 | column | must=MASKED | whole row as an object
SELECT OBJECT_CONSTRUCT(*) FROM customer;
--#S-col-02 | column | must=MASKED | whole row as an object literal
SELECT {*} FROM customer;
--#S-col-03 | column | must=MASKED | row hash
SELECT HASH(*) FROM customer;
--#S-col-04 | column | must=MASKED | aggregate of row hashes
SELECT HASH_AGG(*) FROM customer;
--#S-col-05 | column | must=MASKED | count of non-null rows
SELECT COUNT(c.*) FROM customer c;
--#S-col-06 | column | must=MASKED | star with replacement
SELECT * REPLACE (c_phone || 'x' AS c_phone) FROM customer;
--#S-col-07 | column | must=MASKED | star with renaming
SELECT * RENAME (c_phone AS p) FROM customer;
--#S-col-08 | column | must=MASKED | natural join on the secret
SELECT COUNT(*) FROM customer NATURAL JOIN (SELECT '1' AS c_phone) g;
--#S-col-09 | column | must=MASKED | secrets by MIN and MAX
SELECT MIN(c_phone), MAX(c_phone), MODE(c_phone), ANY_VALUE(c_phone) FROM customer;
--#S-col-10 | column | must=MASKED | listing
SELECT LISTAGG(c_phone, ',') WITHIN GROUP (ORDER BY c_phone) FROM customer;
--#S-col-11 | column | must=MASKED | sketch of values
SELECT APPROX_TOP_K(c_phone, 5), MINHASH(5, c_phone), HLL_ACCUMULATE(c_phone) FROM customer;
--#S-col-12 | column | must=MASKED | window over the secret
SELECT c_custkey, LAG(c_phone) OVER (ORDER BY c_phone) FROM customer;
--#S-col-13 | column | must=MASKED | order by the secret only
SELECT c_custkey FROM customer ORDER BY c_acctbal LIMIT 1;
--#S-col-14 | column | must=MASKED | lateral alias of the secret's name
SELECT c_custkey AS c_phone, c_phone AS x FROM customer;
--#S-col-15 | column | must=MASKED | lambda over pieces of the secret
SELECT TRANSFORM(SPLIT(c_phone, '-'), x -> x || '!') FROM customer;
--#S-col-16 | column | must=MASKED | flatten of the row
SELECT f.key, f.value FROM customer c, LATERAL FLATTEN(INPUT => OBJECT_CONSTRUCT(c.*)) f;
--#S-col-17 | column | must=MASKED | split to table
SELECT s.value FROM customer c, LATERAL SPLIT_TO_TABLE(c.c_phone, '-') s;
--#S-col-18 | column | must=MASKED | unpivot of the table itself
SELECT * FROM customer UNPIVOT(val FOR col IN (c_name, c_phone));
--#S-col-19 | column | must=MASKED | pivot of the table itself
SELECT * FROM customer PIVOT(MAX(c_phone) FOR c_mktsegment IN ('BUILDING')) AS p;
--#S-col-20 | column | must=MASKED | group by cube
SELECT c_phone, c_mktsegment, COUNT(*) FROM customer GROUP BY CUBE (c_phone, c_mktsegment);
--#S-col-21 | column | must=MASKED | set operation membership
SELECT '25-989-741-2988' INTERSECT SELECT c_phone FROM customer;
--#S-col-22 | column | must=MASKED | except
SELECT c_phone FROM customer EXCEPT SELECT s_phone FROM supplier;
--#S-col-23 | column | must=MASKED | scalar subquery in a limit-like place
SELECT n_name FROM nation WHERE n_nationkey > (SELECT MAX(c_acctbal) FROM customer);
--#S-col-24 | column | must=MASKED | case on the secret
SELECT CASE WHEN c_phone LIKE '25%' THEN 1 ELSE 0 END FROM customer;
--#S-col-25 | column | must=MASKED | in a join condition
SELECT COUNT(*) FROM supplier s JOIN customer c ON c.c_phone = s.s_phone;
--#S-col-26 | column | must=MASKED | qualified by schema and table
SELECT gw.public.customer.c_phone FROM gw.public.customer;
--#S-col-27 | column | must=DENY | qualified by a schema that is not the table's
SELECT other.customer.c_phone FROM gw.public.customer;
--#S-col-28 | column | must=DENY | unknown column of an alias
SELECT c.c_nosuch FROM customer c;
--#S-col-29 | column | must=DENY | unknown alias
SELECT x.c_phone FROM customer c;
--#S-col-30 | column | must=DENY | unknown column in a predicate
SELECT 1 FROM customer WHERE nosuch = 1;
--#S-col-31 | column | must=DENY | unknown column in a correlated subquery
SELECT (SELECT MAX(o.o_nosuch) FROM orders o WHERE o.o_custkey = c.c_custkey) FROM customer c;
--#S-col-32 | column | must=DENY | MATCH_RECOGNIZE
SELECT * FROM customer MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES FIRST(c_phone) AS f PATTERN (a) DEFINE a AS TRUE);
--#S-col-33 | column | must=MASKED | view, by its renamed column
SELECT v.nm FROM v_cust v WHERE v.nm LIKE 'CUSTOMER%';
--#S-col-34 | column | must=MASKED | view counted
SELECT COUNT(*) FROM v_cust;
--#S-col-35 | column | must=MASKED | view and table joined
SELECT v.nm, c.c_name FROM v_cust v JOIN customer c USING (c_custkey);
--#S-col-36 | column | must=MASKED | order by all, group by all
SELECT c_phone, COUNT(*) FROM customer GROUP BY ALL ORDER BY ALL;
--#S-col-37 | column | must=MASKED | qualify on the secret
SELECT c_custkey FROM customer QUALIFY RANK() OVER (ORDER BY c_phone) = 1;
--#S-col-38 | column | must=MASKED | having on the secret
SELECT COUNT(*) FROM customer HAVING MAX(c_phone) > '2';

--#S-src-01 | source | must=DENY | time travel
SELECT * FROM customer AT(OFFSET => -3600);
--#S-src-02 | source | must=DENY | before a statement
SELECT * FROM customer BEFORE(STATEMENT => '8e5d0ca9-005e-44e6-b858-a8f5b37c5726');
--#S-src-03 | source | must=DENY | changes
SELECT * FROM customer CHANGES(INFORMATION => DEFAULT) AT(OFFSET => -60);
--#S-src-04 | source | must=DENY | stage
SELECT * FROM @my_stage;
--#S-src-05 | source | must=DENY | stage file
SELECT t.$1 FROM @my_stage/data.csv (FILE_FORMAT => 'f') t;
--#S-src-06 | source | must=DENY | user stage
SELECT * FROM @~;
--#S-src-07 | source | must=DENY | directory table
SELECT * FROM DIRECTORY(@my_stage);
--#S-src-08 | source | must=DENY | sample of filtered rows
SELECT * FROM customer TABLESAMPLE BERNOULLI (50);
--#S-src-09 | source | must=DENY | sample of a view of filtered rows
SELECT * FROM v_cust SAMPLE (10);
--#S-src-10 | source | must=DENY | sample of a query over filtered rows
SELECT * FROM (SELECT * FROM customer) SAMPLE (10);
--#S-src-11 | source | must=DENY | semantic view
SELECT * FROM SEMANTIC_VIEW(v DIMENSIONS d.x);
--#S-src-12 | source | must=DENY | table function of a procedure
SELECT * FROM TABLE(my_procedure());
--#S-src-13 | source | must=DENY | table function of a user, full name
SELECT * FROM TABLE(gw.public.f(1));
--#S-src-14 | source | must=DENY | lateral table function of a user
SELECT * FROM customer c, LATERAL my_udtf(c.c_phone);
--#S-src-15 | source | must=DENY | result of an earlier statement
SELECT * FROM TABLE(RESULT_SCAN('01b2'));
--#S-src-16 | source | must=DENY | flow operator
SELECT 1 ->> SELECT * FROM $1;
--#S-src-17 | source | must=DENY | validation of a load
SELECT * FROM TABLE(VALIDATE(customer, JOB_ID => '_last'));
--#S-src-18 | source | must=DENY | reads a file by a foreign name
SELECT * FROM READ_CSV('/etc/passwd');
--#S-src-19 | source | must=DENY | file as a table
SELECT * FROM '/etc/passwd';
--#S-src-20 | source | must=DENY | dynamic table function
SELECT * FROM TABLE(IDENTIFIER('customer'));

--#S-fun-01 | function | must=DENY | system function
SELECT SYSTEM$TYPEOF(1);
--#S-fun-02 | function | must=DENY | quoted name of a function
SELECT "GET_DDL"('table', 'customer');
--#S-fun-03 | function | must=DENY | current statement shows the masks
SELECT CURRENT_STATEMENT();
--#S-fun-04 | function | must=DENY | last query
SELECT LAST_QUERY_ID();
--#S-fun-05 | function | must=DENY | role of the session
SELECT CURRENT_ROLE();
--#S-fun-06 | function | must=DENY | user without brackets
SELECT CURRENT_USER;
--#S-fun-07 | function | must=DENY | sequence
SELECT my_seq.NEXTVAL;
--#S-fun-08 | function | must=DENY | sequence by full name
SELECT gw.public.my_seq.NEXTVAL;
--#S-fun-09 | function | must=DENY | language model
SELECT AI_COMPLETE('m', c_name) FROM customer;
--#S-fun-10 | function | must=DENY | language model, aggregate
SELECT AI_AGG(c_comment, 'summarise') FROM customer;
--#S-fun-11 | function | must=DENY | language model by full name
SELECT SNOWFLAKE.CORTEX.SENTIMENT(c_comment) FROM customer;
--#S-fun-12 | function | must=DENY | language model, quoted
SELECT "SNOWFLAKE"."CORTEX"."COMPLETE"('m', 'x');
--#S-fun-13 | function | must=DENY | presigned link
SELECT GET_PRESIGNED_URL(@stg, 'f');
--#S-fun-14 | function | must=DENY | scoped link
SELECT BUILD_SCOPED_FILE_URL(@stg, 'f');
--#S-fun-15 | function | must=DENY | user's function
SELECT my_udf(c_phone) FROM customer;
--#S-fun-16 | function | must=DENY | user's function by full name
SELECT gw.public.my_udf(1);
--#S-fun-17 | function | must=DENY | method on a model
SELECT my_model!PREDICT(c_acctbal) FROM customer;
--#S-fun-18 | function | must=DENY | decryption
SELECT DECRYPT(c_comment, 'k') FROM customer;
--#S-fun-19 | function | must=DENY | search service
SELECT SEARCH(c_comment, 'x') FROM customer;
--#S-fun-20 | function | must=DENY | policy context
SELECT INVOKER_ROLE();
--#S-fun-21 | function | must=DENY | secret
SELECT SYSTEM$GET_SECRET('x');
--#S-fun-22 | function | must=DENY | function hidden in a default
SELECT COALESCE(NULL, GET_DDL('table', 'customer'));
--#S-fun-23 | function | must=DENY | function hidden in a window
SELECT SUM(1) OVER (PARTITION BY my_udf(1));
--#S-fun-24 | function | must=DENY | function hidden in a lambda
SELECT TRANSFORM([1], x -> my_udf(x));
--#S-fun-25 | function | must=DENY | function hidden in an object
SELECT {'a': my_udf(1)};
--#S-fun-26 | function | must=DENY | function named by IDENTIFIER
SELECT IDENTIFIER('my_udf')(1);
--#S-fun-27 | function | must=DENY | session variable
SELECT $my_var;
--#S-fun-28 | function | must=DENY | session variable by function
SELECT GETVARIABLE('MY_VAR');
--#S-fun-29 | function | must=DENY | external file type
SELECT TO_FILE('@stg', 'f');
--#S-fun-30 | function | must=DENY | user-defined type
SELECT CAST(1 AS my_type);
--#S-fun-31 | function | must=DENY | function in CONNECT BY
SELECT 1 FROM nation START WITH my_udf(1) = 1 CONNECT BY PRIOR n_nationkey = n_regionkey;
--#S-fun-32 | function | must=DENY | function in ORDER BY
SELECT 1 FROM nation ORDER BY my_udf(n_name);
--#S-fun-33 | function | must=DENY | function in a join condition
SELECT 1 FROM nation JOIN region ON my_udf(1) = 1;
--#S-fun-34 | function | must=DENY | function in LIMIT
SELECT 1 FROM nation LIMIT my_udf();

--#S-kind-01 | statement | must=DENY | nothing
;
--#S-kind-02 | statement | must=DENY | a comment only
-- nothing
--#S-kind-03 | statement | must=DENY | two statements, one empty in between
SELECT 1;; SELECT 2;
--#S-kind-04 | statement | must=ALLOW | one statement and a trailing semicolon
SELECT 1;
--#S-kind-05 | statement | must=DENY | explain
EXPLAIN SELECT * FROM customer;
--#S-kind-06 | statement | must=DENY | describe result
DESCRIBE RESULT LAST_QUERY_ID();
--#S-kind-07 | statement | must=DENY | describe
DESCRIBE TABLE customer;
--#S-kind-08 | statement | must=DENY | show
SHOW TABLES;
--#S-kind-09 | statement | must=DENY | use role
USE ROLE ACCOUNTADMIN;
--#S-kind-10 | statement | must=DENY | secondary roles
USE SECONDARY ROLES ALL;
--#S-kind-11 | statement | must=DENY | set
SET x = 1;
--#S-kind-12 | statement | must=DENY | unset
UNSET x;
--#S-kind-13 | statement | must=DENY | create table as
CREATE TABLE t AS SELECT * FROM customer;
--#S-kind-14 | statement | must=DENY | create view
CREATE VIEW v AS SELECT * FROM customer;
--#S-kind-15 | statement | must=DENY | temporary table
CREATE TEMPORARY TABLE t LIKE customer;
--#S-kind-16 | statement | must=DENY | drop
DROP TABLE customer;
--#S-kind-17 | statement | must=DENY | undrop
UNDROP TABLE customer;
--#S-kind-18 | statement | must=DENY | truncate
TRUNCATE TABLE customer;
--#S-kind-19 | statement | must=DENY | put
PUT file:///etc/passwd @~;
--#S-kind-20 | statement | must=DENY | get
GET @~/x file:///tmp/;
--#S-kind-21 | statement | must=DENY | list
LIST @~;
--#S-kind-22 | statement | must=DENY | copy in
COPY INTO customer FROM @stg;
--#S-kind-23 | statement | must=DENY | copy out to a link
COPY INTO 's3://bucket/x' FROM customer;
--#S-kind-24 | statement | must=DENY | scripting
BEGIN SELECT 1; END;
--#S-kind-25 | statement | must=DENY | transaction
BEGIN;
--#S-kind-26 | statement | must=DENY | commit
COMMIT;
--#S-kind-27 | statement | must=DENY | task
EXECUTE TASK t;
--#S-kind-28 | statement | must=DENY | insert into several
INSERT ALL INTO region VALUES (1, 'x', '') INTO nation VALUES (1, 'x', 1, '') SELECT 1;
--#S-kind-29 | statement | must=DENY | insert overwrite
INSERT OVERWRITE INTO region SELECT * FROM region;
--#S-kind-30 | statement | must=DENY | select into
SELECT c_name INTO x FROM customer;
--#S-kind-31 | statement | must=DENY | for update
SELECT * FROM nation FOR UPDATE;
--#S-kind-32 | statement | must=DENY | comment on
COMMENT ON TABLE customer IS 'x';
--#S-kind-33 | statement | must=DENY | control character
SELECT 1 FROM nation;
--#S-kind-34 | statement | must=DENY | right-to-left override
SELECT 'a‮b';
--#S-kind-35 | statement | must=DENY | dollar-quoted block
$$ SELECT * FROM customer $$;

--#S-text-01 | text | must=ALLOW | comments vanish
SELECT /* c_phone FROM customer */ 1 -- , c_phone
FROM nation;
--#S-text-02 | text | must=ALLOW | a slash comment
SELECT 1 // c_phone
FROM nation;
--#S-text-03 | text | must=ALLOW | a statement in a string
SELECT '; DROP TABLE customer; --';
--#S-text-04 | text | must=ALLOW | dollar-quoted string
SELECT $$ ' " -- /* $$;
--#S-text-05 | text | must=ALLOW | backslashes
SELECT 'a\\', 'b\'c', 'd\nE' FROM nation;
--#S-text-06 | text | must=DENY | the parameter that prints as a dollar quote
SELECT @@version, '$$, c_phone FROM GW.PUBLIC.CUSTOMER --' FROM region;
--#S-text-07 | text | must=DENY | the same in a predicate
SELECT '$$ FROM GW.PUBLIC.CUSTOMER --' FROM region WHERE r_name = @@a;
--#S-text-08 | text | must=ALLOW | a placeholder's name in a string stays a string
SELECT '"__GW_T0_0"', '__GW_P1', ':__GW_P1' FROM region;
--#S-text-09 | text | must=ALLOW | quotes in a quoted alias
SELECT 1 AS "a"" FROM customer --";
--#S-text-10 | text | must=DENY | unfinished string
SELECT 'abc;
--#S-text-11 | text | must=DENY | unfinished comment
SELECT 1 /* abc;
--#S-text-12 | text | must=DENY | unfinished quoted name
SELECT "abc;

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

--#S-ok-01 | honest | must=ALLOW | joins and aggregates
SELECT n.n_name, SUM(o.o_totalprice) AS total FROM orders o JOIN supplier s ON s.s_suppkey = o.o_custkey JOIN nation n ON n.n_nationkey = s.s_nationkey GROUP BY n.n_name HAVING SUM(o.o_totalprice) > 0 ORDER BY total DESC LIMIT 10;
--#S-ok-02 | honest | must=ALLOW | window frames
SELECT o_orderkey, AVG(o_totalprice) OVER (PARTITION BY o_custkey ORDER BY o_orderdate ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM orders;
--#S-ok-03 | honest | must=ALLOW | lateral alias
SELECT o_totalprice * 2 AS double_price, double_price + 1 AS more FROM orders WHERE double_price > 10;
--#S-ok-04 | honest | must=ALLOW | dates
SELECT DATE_TRUNC('month', o_orderdate), DATEADD(day, 7, o_orderdate), DATEDIFF('day', o_orderdate, CURRENT_DATE()), TO_CHAR(o_orderdate, 'YYYY-MM') FROM orders;
--#S-ok-05 | honest | must=ALLOW | conditional aggregates
SELECT COUNT_IF(o_orderstatus = 'F'), SUM(IFF(o_orderstatus = 'O', 1, 0)), DIV0(SUM(o_totalprice), COUNT(*)), RATIO_TO_REPORT(COUNT(*)) OVER () FROM orders GROUP BY o_orderpriority;
--#S-ok-06 | honest | must=ALLOW | set operations
(SELECT n_name FROM nation UNION ALL SELECT r_name FROM region) ORDER BY 1 LIMIT 5;
--#S-ok-07 | honest | must=ALLOW | qualify
SELECT o_custkey, o_orderkey FROM orders QUALIFY ROW_NUMBER() OVER (PARTITION BY o_custkey ORDER BY o_orderdate DESC) = 1;
--#S-ok-08 | honest | must=ALLOW | variant paths
SELECT PARSE_JSON(o_comment):a.b[0]::STRING AS x, TRY_PARSE_JSON(o_comment)['k'] FROM orders;
--#S-ok-09 | honest | must=ALLOW | flatten
SELECT f.index, f.value::INT FROM TABLE(FLATTEN(INPUT => ARRAY_CONSTRUCT(1, 2, 3))) f;
--#S-ok-10 | honest | must=ALLOW | flatten in a projection's subquery
SELECT n_name, (SELECT LISTAGG(f.value, '-') FROM LATERAL FLATTEN(INPUT => SPLIT(n_name, ' ')) f) FROM nation;
--#S-ok-11 | honest | must=ALLOW | generator
SELECT SEQ4() AS n FROM TABLE(GENERATOR(ROWCOUNT => 10));
--#S-ok-12 | honest | must=ALLOW | a CTE under each name
WITH a AS (SELECT * FROM nation), b AS (SELECT * FROM a WHERE n_regionkey = 1) SELECT b.n_name, a.n_name FROM a JOIN b ON a.n_nationkey = b.n_nationkey;
--#S-ok-13 | honest | must=ALLOW | exists and in
SELECT * FROM nation n WHERE EXISTS (SELECT 1 FROM supplier s WHERE s.s_nationkey = n.n_nationkey) AND n_regionkey NOT IN (SELECT r_regionkey FROM region WHERE r_name LIKE 'A%');
--#S-ok-14 | honest | must=ALLOW | sample of an open table
SELECT * FROM nation SAMPLE (10);
--#S-ok-15 | honest | must=ALLOW | asof join
SELECT o.o_orderkey, l.l_shipdate FROM orders o ASOF JOIN lineitem l MATCH_CONDITION(o.o_orderdate >= l.l_shipdate) ON o.o_orderkey = l.l_orderkey;
--#S-ok-16 | honest | must=ALLOW | top
SELECT TOP 5 n_name FROM nation ORDER BY 1;
--#S-ok-17 | honest | must=ALLOW | regular expressions
SELECT n_name FROM nation WHERE REGEXP_LIKE(n_name, 'A.*') OR n_name RLIKE 'B.*' OR n_name ILIKE ANY ('c%', 'd%');
--#S-ok-18 | honest | must=ALLOW | percentiles
SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY o_totalprice), MEDIAN(o_totalprice), APPROX_PERCENTILE(o_totalprice, 0.9) FROM orders;
--#S-ok-19 | honest | must=ALLOW | binds
SELECT n_name FROM nation WHERE n_regionkey = ? AND n_name LIKE ?::VARCHAR || '%' LIMIT ?;
--#S-ok-20 | honest | must=ALLOW | object and array functions
SELECT OBJECT_CONSTRUCT('k', n_name), ARRAY_AGG(n_name) WITHIN GROUP (ORDER BY n_name), ARRAY_SIZE([1, 2]) FROM nation GROUP BY n_name;
--#S-ok-21 | honest | must=ALLOW | values
SELECT column1, column2 FROM VALUES (1, 'a'), (2, 'b');
--#S-ok-22 | honest | must=ALLOW | a join over quoted aliases
SELECT "n".n_name AS "Nation Name" FROM nation AS "n" LEFT JOIN region AS "r" ON "n".n_regionkey = "r".r_regionkey;
--#S-ok-23 | honest | must=ALLOW | grouping sets
SELECT n_regionkey, n_name, GROUPING(n_name), COUNT(*) FROM nation GROUP BY GROUPING SETS ((n_regionkey), (n_regionkey, n_name), ());
--#S-ok-24 | honest | must=ALLOW | filter and reduce with lambdas
SELECT FILTER([1, 2, 3], x -> x > 1), REDUCE([1, 2], 0, (acc, x) -> acc + x);
--#S-ok-25 | honest | must=ALLOW | hierarchy
SELECT n_name, LEVEL, SYS_CONNECT_BY_PATH(n_name, '/') FROM nation START WITH n_regionkey = 0 CONNECT BY PRIOR n_nationkey = n_regionkey;
--#S-ok-26 | honest | must=ALLOW | week and quarter
SELECT YEAR(o_orderdate), QUARTER(o_orderdate), WEEKISO(o_orderdate), MONTHNAME(o_orderdate), LAST_DAY(o_orderdate, 'month') FROM orders;
--#S-ok-27 | honest | must=ALLOW | zone conversion
SELECT CONVERT_TIMEZONE('UTC', 'Europe/Berlin', o_orderdate::TIMESTAMP_NTZ) FROM orders;
--#S-ok-28 | honest | must=ALLOW | interval arithmetic
SELECT o_orderdate + INTERVAL '1 day' FROM orders WHERE o_orderdate BETWEEN '1995-01-01' AND '1995-12-31';
--#S-ok-29 | honest | must=ALLOW | unpivot of an open table
SELECT n_nationkey, col, val FROM nation UNPIVOT(val FOR col IN (n_name, n_comment));
--#S-ok-30 | honest | must=ALLOW | subquery in FROM with a lateral join
SELECT n.n_name, x.c FROM nation n, LATERAL (SELECT COUNT(*) AS c FROM supplier s WHERE s.s_nationkey = n.n_nationkey) x;

--#S-drop-01 | dropped | must=DENY | a bracket after IDENTIFIER is stepped over by the parser
SELECT c_name FROM IDENTIFIER('customer')(SELECT * FROM nation);
--#S-drop-02 | dropped | must=DENY | a star after IDENTIFIER is stepped over
SELECT n_name FROM IDENTIFIER('nation') *;
--#S-drop-03 | dropped | must=DENY | a projection that is a word of another clause
SELECT AS FROM (IDENTIFIER('customer'));
--#S-drop-04 | dropped | must=DENY | a select list that begins with a comma
SELECT, n_name FROM nation *;
