-- Sources: earlier results, metadata, stages, files, the past.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

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
--#S-reuse-01 | result-reuse | must=DENY | the last result
SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID(-1)));
--#S-reuse-02 | result-reuse | must=DENY | a result by a literal in quotes
SELECT * FROM TABLE("RESULT_SCAN"('01b2'));
--#S-reuse-03 | result-reuse | must=DENY | a result in a subquery
SELECT 1 FROM nation WHERE n_nationkey IN (SELECT $1 FROM TABLE(RESULT_SCAN('x')));
--#S-reuse-04 | result-reuse | must=DENY | a result by a CTE
WITH a AS (SELECT * FROM TABLE(RESULT_SCAN('x'))) SELECT * FROM a;
--#S-reuse-05 | result-reuse | must=DENY | the flow operator onto a SHOW
SHOW TABLES ->> SELECT * FROM $1;
--#S-reuse-06 | result-reuse | must=DENY | the flow operator after a query in brackets
(SELECT * FROM nation) ->> SELECT * FROM $1;
--#S-reuse-07 | result-reuse | must=DENY | the flow operator towards a write
SELECT 1 ->> DELETE FROM region;
--#S-reuse-08 | result-reuse | must=DENY | three steps of flow
SELECT 1 ->> SELECT 2 ->> SELECT * FROM $2;
--#S-reuse-09 | result-reuse | must=DENY | a session variable in a predicate
SELECT * FROM nation WHERE n_name = $x;
--#S-reuse-10 | result-reuse | must=DENY | a session variable as a limit
SELECT * FROM nation LIMIT $x;
--#S-reuse-11 | result-reuse | must=DENY | the transaction's name
SELECT CURRENT_TRANSACTION();
--#S-reuse-12 | result-reuse | must=DENY | the last number of a sequence
SELECT seq.CURRVAL;
--#S-reuse-13 | result-reuse | must=DENY | next number in an insert
INSERT INTO region (r_regionkey) VALUES (seq.NEXTVAL);
--#S-reuse-14 | result-reuse | must=DENY | a sequence as a table
SELECT s.NEXTVAL FROM nation, TABLE(GETNEXTVAL(seq)) s;
--#S-meta-01 | metadata | must=DENY | every column of the database
SELECT column_name FROM gw.information_schema.columns WHERE table_name = 'CUSTOMER';
--#S-meta-02 | metadata | must=DENY | information schema without a database
SELECT * FROM information_schema.tables;
--#S-meta-03 | metadata | must=DENY | information schema in quotes
SELECT * FROM "GW"."INFORMATION_SCHEMA"."TABLES";
--#S-meta-04 | metadata | must=DENY | views and their texts
SELECT view_definition FROM information_schema.views;
--#S-meta-05 | metadata | must=DENY | the query history function
SELECT query_text FROM TABLE(information_schema.query_history_by_session());
--#S-meta-06 | metadata | must=DENY | account usage in quotes
SELECT * FROM "SNOWFLAKE"."ACCOUNT_USAGE"."ACCESS_HISTORY";
--#S-meta-07 | metadata | must=DENY | organization usage
SELECT * FROM snowflake.organization_usage.query_history;
--#S-meta-08 | metadata | must=DENY | login history
SELECT * FROM snowflake.account_usage.login_history;
--#S-meta-09 | metadata | must=DENY | shared sample data
SELECT * FROM snowflake_sample_data.tpch_sf1.customer;
--#S-meta-10 | metadata | must=DENY | tag references
SELECT * FROM TABLE(gw.information_schema.tag_references_all_columns('customer', 'table'));
--#S-meta-11 | metadata | must=DENY | the table's storage
SELECT * FROM gw.information_schema.table_storage_metrics;
--#S-meta-12 | metadata | must=DENY | clustering information
SELECT SYSTEM$CLUSTERING_INFORMATION('customer', '(c_phone)');
--#S-meta-13 | metadata | must=DENY | clustering depth
SELECT SYSTEM$CLUSTERING_DEPTH('customer');
--#S-meta-14 | metadata | must=DENY | an estimate of search optimisation
SELECT SYSTEM$ESTIMATE_SEARCH_OPTIMIZATION_COSTS('customer');
--#S-meta-15 | metadata | must=DENY | lineage
SELECT * FROM TABLE(SNOWFLAKE.CORE.GET_LINEAGE('customer', 'TABLE', 'DOWNSTREAM'));
--#S-meta-16 | metadata | must=DENY | object dependencies
SELECT * FROM TABLE(GET_OBJECT_REFERENCES(database_name => 'gw', schema_name => 'public', object_name => 'v_cust'));
--#S-meta-17 | metadata | must=DENY | the explanation of a query
SELECT SYSTEM$EXPLAIN_PLAN_JSON('SELECT * FROM customer');
--#S-meta-18 | metadata | must=DENY | explain in a string
SELECT * FROM TABLE(EXPLAIN_JSON(SYSTEM$EXPLAIN_PLAN_JSON('select 1')));
--#S-meta-19 | metadata | must=DENY | the definition through CORE
SELECT SNOWFLAKE.CORE.NULL_COUNT(SELECT c_phone FROM customer);
--#S-meta-20 | metadata | must=DENY | data metrics
SELECT SNOWFLAKE.CORE.UNIQUE_COUNT(SELECT c_phone FROM customer);
--#S-meta-21 | metadata | must=DENY | a time-travelled view
SELECT * FROM v_cust AT(TIMESTAMP => '2024-01-01'::TIMESTAMP);
--#S-meta-22 | metadata | must=DENY | time travel in a join
SELECT * FROM nation n JOIN customer AT(OFFSET => -60) c ON c.c_nationkey = n.n_nationkey;
--#S-meta-23 | metadata | must=DENY | time travel on an open table
SELECT * FROM nation BEFORE(OFFSET => -60);
--#S-meta-24 | metadata | must=DENY | a stream's changes
SELECT * FROM customer CHANGES(INFORMATION => APPEND_ONLY) AT(TIMESTAMP => '2024-01-01'::TIMESTAMP) END(OFFSET => 0);
--#S-meta-25 | metadata | must=DENY | a versioned file
SELECT * FROM snow://notebook/x/versions/live/y;
--#S-meta-26 | metadata | must=DENY | a stage with a file format in a join
SELECT s.$1 FROM nation n, @stg/x.csv (FILE_FORMAT => f) s;
--#S-meta-27 | metadata | must=DENY | a named stage by path
SELECT $1 FROM @gw.public.stg/customers.parquet;
--#S-meta-28 | metadata | must=DENY | a table stage
SELECT $1 FROM @%customer;
--#S-meta-29 | metadata | must=DENY | a quoted stage
SELECT $1 FROM '@stg/customers.csv';
--#S-meta-30 | metadata | must=DENY | a location as text
SELECT * FROM 's3://bucket/customers.csv';
--#S-meta-31 | metadata | must=DENY | a web address as text
SELECT * FROM 'https://example.com/x.csv';
--#S-meta-32 | metadata | must=DENY | files of a stage
SELECT * FROM DIRECTORY('@stg');
--#S-meta-33 | metadata | must=DENY | a directory by IDENTIFIER
SELECT * FROM IDENTIFIER('@stg');
--#S-meta-34 | metadata | must=DENY | a foreign reader
SELECT * FROM READ_PARQUET('x.parquet');
--#S-meta-35 | metadata | must=DENY | a foreign generator
SELECT * FROM GENERATE_SERIES(1, 10);
--#S-meta-36 | metadata | must=DENY | a foreign settings table
SELECT * FROM duckdb_settings();
--#S-meta-37 | metadata | must=DENY | a foreign catalog
SELECT * FROM pg_catalog.pg_tables;
--#S-meta-38 | metadata | must=DENY | a foreign master table
SELECT * FROM sqlite_master;
