-- Statements: every kind but a query and the four writes.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

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
--#S-verb-01 | statement-kind | must=DENY | explain as text
EXPLAIN USING TEXT SELECT c_phone FROM customer;
--#S-verb-02 | statement-kind | must=DENY | explain as JSON
EXPLAIN USING JSON SELECT * FROM customer;
--#S-verb-03 | statement-kind | must=DENY | two statements in one line, the second after a comment
SELECT 1 /* ; */; DELETE FROM region;
--#S-verb-04 | statement-kind | must=DENY | a statement behind an empty one
; SELECT 1; DROP TABLE customer;
--#S-verb-05 | statement-kind | must=DENY | a block
BEGIN LET x := (SELECT MAX(c_phone) FROM customer); RETURN x; END;
--#S-verb-06 | statement-kind | must=DENY | a declaration
DECLARE c CURSOR FOR SELECT * FROM customer; BEGIN OPEN c; END;
--#S-verb-07 | statement-kind | must=DENY | an anonymous block in dollar quotes
EXECUTE IMMEDIATE $$ BEGIN RETURN 1; END $$;
--#S-verb-08 | statement-kind | must=DENY | a string that runs
EXECUTE IMMEDIATE 'SELECT * FROM customer';
--#S-verb-09 | statement-kind | must=DENY | a variable that runs
EXECUTE IMMEDIATE $stmt;
--#S-verb-10 | statement-kind | must=DENY | a file that runs
EXECUTE IMMEDIATE FROM @stg/x.sql;
--#S-verb-11 | statement-kind | must=DENY | a procedure by path
CALL gw.public.dump('customer');
--#S-verb-12 | statement-kind | must=DENY | an anonymous procedure
WITH p AS PROCEDURE (t VARCHAR) RETURNS TABLE () LANGUAGE SQL AS 'BEGIN RETURN TABLE(SELECT * FROM customer); END' CALL p('x');
--#S-verb-13 | statement-kind | must=DENY | a function made
CREATE FUNCTION f() RETURNS INT AS '1';
--#S-verb-14 | statement-kind | must=DENY | a function replaced
CREATE OR REPLACE FUNCTION upper(x VARCHAR) RETURNS VARCHAR AS 'x';
--#S-verb-15 | statement-kind | must=DENY | an external function made
CREATE EXTERNAL FUNCTION f(x VARCHAR) RETURNS VARIANT API_INTEGRATION = i AS 'https://example.com';
--#S-verb-16 | statement-kind | must=DENY | a stage made
CREATE STAGE s URL = 's3://bucket';
--#S-verb-17 | statement-kind | must=DENY | a share
CREATE SHARE s;
--#S-verb-18 | statement-kind | must=DENY | a share opened
ALTER SHARE s ADD ACCOUNTS = x;
--#S-verb-19 | statement-kind | must=DENY | a privilege
GRANT SELECT ON customer TO ROLE public;
--#S-verb-20 | statement-kind | must=DENY | a role
GRANT ROLE ACCOUNTADMIN TO USER ada;
--#S-verb-21 | statement-kind | must=DENY | a privilege taken
REVOKE SELECT ON customer FROM ROLE public;
--#S-verb-22 | statement-kind | must=DENY | a user
CREATE USER u PASSWORD = 'x';
--#S-verb-23 | statement-kind | must=DENY | a user changed
ALTER USER ada SET DEFAULT_ROLE = 'ACCOUNTADMIN';
--#S-verb-24 | statement-kind | must=DENY | a network policy
ALTER ACCOUNT SET NETWORK_POLICY = x;
--#S-verb-25 | statement-kind | must=DENY | a warehouse
ALTER WAREHOUSE w SET WAREHOUSE_SIZE = 'X6LARGE';
--#S-verb-26 | statement-kind | must=DENY | a warehouse made
CREATE WAREHOUSE w;
--#S-verb-27 | statement-kind | must=DENY | a warehouse used
USE WAREHOUSE w;
--#S-verb-28 | statement-kind | must=DENY | a database used
USE DATABASE other;
--#S-verb-29 | statement-kind | must=DENY | a schema used
USE SCHEMA gw.private;
--#S-verb-30 | statement-kind | must=DENY | a role used
USE ROLE SYSADMIN;
--#S-verb-31 | statement-kind | must=DENY | a database made
CREATE DATABASE d CLONE gw;
--#S-verb-32 | statement-kind | must=DENY | a schema dropped
DROP SCHEMA gw.public CASCADE;
--#S-verb-33 | statement-kind | must=DENY | a table as a query
CREATE TEMP TABLE t AS SELECT c_phone FROM customer;
--#S-verb-34 | statement-kind | must=DENY | a table by a template
CREATE TABLE t USING TEMPLATE (SELECT 1);
--#S-verb-35 | statement-kind | must=DENY | a dynamic table
CREATE DYNAMIC TABLE d TARGET_LAG = '1 minute' WAREHOUSE = w AS SELECT * FROM customer;
--#S-verb-36 | statement-kind | must=DENY | a materialized view
CREATE MATERIALIZED VIEW m AS SELECT c_phone FROM customer;
--#S-verb-37 | statement-kind | must=DENY | a secure view
CREATE OR REPLACE SECURE VIEW v_cust AS SELECT * FROM customer;
--#S-verb-38 | statement-kind | must=DENY | a stream
CREATE STREAM s ON TABLE customer;
--#S-verb-39 | statement-kind | must=DENY | a task
CREATE TASK t SCHEDULE = '1 minute' AS SELECT 1;
--#S-verb-40 | statement-kind | must=DENY | an alert
CREATE ALERT a IF (EXISTS (SELECT 1)) THEN CALL x();
--#S-verb-41 | statement-kind | must=DENY | a pipe
CREATE PIPE p AS COPY INTO customer FROM @stg;
--#S-verb-42 | statement-kind | must=DENY | a tag taken off
ALTER TABLE customer UNSET TAG pii;
--#S-verb-43 | statement-kind | must=DENY | a row policy taken off
ALTER TABLE customer DROP ALL ROW ACCESS POLICIES;
--#S-verb-44 | statement-kind | must=DENY | a column added
ALTER TABLE customer ADD COLUMN x INT;
--#S-verb-45 | statement-kind | must=DENY | a table renamed
ALTER TABLE customer RENAME TO c2;
--#S-verb-46 | statement-kind | must=DENY | a table swapped
ALTER TABLE customer SWAP WITH nation;
--#S-verb-47 | statement-kind | must=DENY | a masking policy's body
ALTER MASKING POLICY p SET BODY -> val;
--#S-verb-48 | statement-kind | must=DENY | data files removed
REMOVE @stg;
--#S-verb-49 | statement-kind | must=DENY | data files copied
COPY FILES INTO @a FROM @b;
--#S-verb-50 | statement-kind | must=DENY | a session left
ALTER SESSION UNSET TIMEZONE;
--#S-verb-51 | statement-kind | must=DENY | a session parameter
ALTER SESSION SET MULTI_STATEMENT_COUNT = 0;
--#S-verb-52 | statement-kind | must=DENY | a variable by a list
SET (a, b) = (1, 2);
--#S-verb-53 | statement-kind | must=DENY | a transaction by name
START TRANSACTION;
--#S-verb-54 | statement-kind | must=DENY | a rollback
ROLLBACK;
--#S-verb-55 | statement-kind | must=DENY | a description of a query
DESCRIBE SELECT * FROM customer;
--#S-verb-56 | statement-kind | must=DENY | show in full
SHOW COLUMNS IN TABLE customer;
--#S-verb-57 | statement-kind | must=DENY | show with a filter
SHOW TERSE TABLES LIKE 'C%' IN ACCOUNT;
--#S-verb-58 | statement-kind | must=DENY | show of variables
SHOW VARIABLES;
--#S-verb-59 | statement-kind | must=DENY | show of users
SHOW USERS;
--#S-verb-60 | statement-kind | must=DENY | an insert into two tables by condition
INSERT FIRST WHEN 1 = 1 THEN INTO region ELSE INTO nation SELECT 1, 'x', 'y';
--#S-verb-61 | statement-kind | must=DENY | a merge into a view
MERGE INTO v_cust v USING nation n ON v.c_custkey = n.n_nationkey WHEN MATCHED THEN DELETE;
--#S-verb-62 | statement-kind | must=DENY | a truncate by another word
TRUNCATE region;
--#S-verb-63 | statement-kind | must=DENY | a foreign pragma
PRAGMA database_list;
--#S-verb-64 | statement-kind | must=DENY | a foreign attachment
ATTACH 'x.db' AS x;
--#S-verb-65 | statement-kind | must=DENY | a foreign load
LOAD 'httpfs';
--#S-verb-66 | statement-kind | must=DENY | a foreign install
INSTALL httpfs;
--#S-verb-67 | statement-kind | must=DENY | a foreign copy
COPY customer TO 'x.csv';
--#S-verb-68 | statement-kind | must=DENY | a foreign analyser
ANALYZE customer;
--#S-verb-69 | statement-kind | must=DENY | a foreign vacuum
VACUUM;
--#S-verb-70 | statement-kind | must=DENY | a foreign lock
LOCK TABLE customer;
--#S-verb-71 | statement-kind | must=DENY | a foreign cache
CACHE TABLE customer;
--#S-verb-72 | statement-kind | must=DENY | a foreign kill
KILL 1;
--#S-verb-73 | statement-kind | must=MASKED | a foreign FROM-first query
FROM customer;
--#S-verb-74 | statement-kind | must=DENY | a foreign table query
TABLE customer;
--#S-verb-75 | statement-kind | must=MASKED | a foreign pipe
FROM customer |> SELECT c_phone;
--#S-verb-76 | statement-kind | must=DENY | words
help me please;
--#S-verb-77 | statement-kind | must=DENY | a number
42;
--#S-verb-78 | statement-kind | must=DENY | a string
'SELECT * FROM customer';
--#S-verb-79 | statement-kind | must=DENY | a bracketed nothing
();
