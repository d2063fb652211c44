-- Evasions of a further red team: names that two readers take apart, syntax that is newer than the parser, lexing.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

--#E-name-01 | name-resolution | must=MASKED | a lateral alias named like a hidden column, used in WHERE, where the column comes first
SELECT 'x' AS c_phone, c_custkey FROM customer WHERE c_phone LIKE '25%';
--#E-name-02 | name-resolution | must=MASKED | the same in GROUP BY and HAVING
SELECT LEFT(c_mktsegment, 1) AS c_phone, COUNT(*) FROM customer GROUP BY c_phone HAVING MAX(c_phone) > '2';
--#E-name-03 | name-resolution | must=MASKED | the same in QUALIFY
SELECT c_custkey AS c_acctbal FROM customer QUALIFY ROW_NUMBER() OVER (ORDER BY c_acctbal) = 1;
--#E-name-04 | name-resolution | must=MASKED | the same in ORDER BY, where the alias comes first
SELECT c_custkey AS c_phone FROM customer ORDER BY c_phone LIMIT 3;
--#E-name-05 | name-resolution | must=MASKED | an outer column of the inner table's name in a correlated subquery
SELECT s.s_name, (SELECT MAX(c_phone) FROM customer WHERE c_custkey = s.s_suppkey) AS c_phone FROM supplier s;
--#E-name-06 | name-resolution | must=MASKED | a subquery whose inner source lacks the column, so that the outer secret is meant
SELECT c_custkey FROM customer WHERE EXISTS (SELECT 1 FROM nation WHERE c_phone LIKE '25%');
--#E-name-07 | name-resolution | must=MASKED | the same two levels up
SELECT c_custkey FROM customer WHERE EXISTS (SELECT 1 FROM nation WHERE EXISTS (SELECT 1 FROM region WHERE c_acctbal > n_nationkey + r_regionkey));
--#E-name-08 | name-resolution | must=MASKED | two aliases of one spelling but quotes
SELECT "c".c_phone, C.n_name FROM customer AS "c", nation AS C;
--#E-name-09 | name-resolution | must=MASKED | an alias that is the table's schema
SELECT public.c_phone FROM customer AS public;
--#E-name-10 | name-resolution | must=MASKED | an alias that is the table's database
SELECT gw.c_phone FROM customer AS gw;
--#E-name-11 | name-resolution | must=MASKED | an object column called like the table's alias
SELECT c:c_phone FROM (SELECT OBJECT_CONSTRUCT(*) AS c FROM customer c);
--#E-name-12 | name-resolution | must=MASKED | a lambda parameter named like a hidden column
SELECT TRANSFORM([1, 2], c_phone -> c_phone + 1), c_phone FROM customer;
--#E-name-13 | name-resolution | must=MASKED | a lambda within a lambda that shadows the first parameter
SELECT TRANSFORM([[1]], x -> TRANSFORM(x, x -> x || c_phone)) FROM customer;
--#E-name-14 | name-resolution | must=MASKED | REDUCE whose parameters are hidden columns
SELECT REDUCE([1, 2], 0, (c_acctbal, c_phone) -> c_acctbal + c_phone) FROM customer;
--#E-name-15 | name-resolution | must=MASKED | a typed lambda that casts the secret
SELECT FILTER(SPLIT(c_phone, '-'), c_phone INT -> c_phone > 1) FROM customer;
--#E-name-16 | name-resolution | must=MASKED | a PIVOT whose output column has a hidden column's name
SELECT "C_PHONE" FROM (SELECT c_custkey, c_mktsegment FROM customer) PIVOT(COUNT(c_custkey) FOR c_mktsegment IN ('BUILDING' AS "C_PHONE"));
--#E-name-17 | name-resolution | must=MASKED | an UNPIVOT that names its value column like a hidden one
SELECT c_phone FROM (SELECT c_custkey, c_name, c_address FROM customer) UNPIVOT(c_phone FOR k IN (c_name, c_address));
--#E-name-18 | name-resolution | must=MASKED | a pattern's symbol named like the table
SELECT * FROM customer MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES LAST(customer.c_phone) AS p PATTERN (customer+) DEFINE customer AS customer.c_acctbal >= 0);
--#E-name-19 | name-resolution | must=MASKED | a pattern's symbol named like a hidden column
SELECT * FROM customer MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES FIRST(c_phone.c_phone) AS p PATTERN (c_phone) DEFINE c_phone AS c_phone.c_name > '');
--#E-name-20 | name-resolution | must=MASKED | a hierarchy whose pseudo-column hides nothing
SELECT LEVEL, CONNECT_BY_ROOT c_phone FROM customer START WITH c_acctbal >= 0 CONNECT BY PRIOR c_phone = c_phone AND LEVEL < 2;
--#E-name-21 | name-resolution | must=MASKED | USING over a hidden column of a table and its view
SELECT c_acctbal, COUNT(*) FROM customer JOIN v_cust USING (c_custkey, c_acctbal) GROUP BY 1;
--#E-name-22 | name-resolution | must=MASKED | NATURAL JOIN of the table and its view
SELECT COUNT(*) FROM customer NATURAL JOIN v_cust;
--#E-name-23 | name-resolution | must=MASKED | a chain of USING and the merged secret
SELECT c_phone FROM customer a FULL JOIN customer b USING (c_phone) LEFT JOIN (SELECT s_phone AS c_phone FROM supplier) USING (c_phone);
--#E-name-24 | name-resolution | must=MASKED | an expression that hides a table of the catalog from a subquery, not from a full name
WITH nation AS (SELECT c_phone AS n_name, 1 AS n_nationkey FROM customer) SELECT a.n_name, b.n_name FROM nation a JOIN gw.public.nation b ON a.n_nationkey = b.n_nationkey;
--#E-name-25 | name-resolution | must=MASKED | an expression's declared column names swap the secret with a key
WITH a (c_custkey, c_phone) AS (SELECT c_phone, c_custkey FROM customer) SELECT c_custkey FROM a;
--#E-name-26 | name-resolution | must=MASKED | columns renamed by a derived table so that the secret is called a key
SELECT t.k FROM (SELECT c_phone, c_custkey FROM customer) AS t (k, p);
--#E-name-27 | name-resolution | must=MASKED | a star replaced by another star's column
SELECT * EXCLUDE (c_custkey) REPLACE (c_phone AS c_mktsegment) RENAME (c_mktsegment AS seg) FROM customer;
--#E-name-28 | name-resolution | must=MASKED | a star by pattern that meets only hidden columns
SELECT s.* ILIKE '%ph%' FROM customer s;
--#E-name-29 | name-resolution | must=MASKED | a recursive expression whose second arm has the secret under the first arm's name
WITH RECURSIVE r (k, n) AS (SELECT 0, 'start' UNION ALL SELECT c.c_custkey, c.c_phone FROM r JOIN customer c ON c.c_custkey = r.k + 1) SELECT n FROM r;
--#E-name-30 | name-resolution | must=MASKED | UNION BY NAME that pads the secret's column
SELECT c_custkey, c_phone FROM customer UNION BY NAME SELECT s_suppkey AS c_custkey FROM supplier;
--#E-name-31 | name-resolution | must=MASKED | GROUP BY ALL over an alias that hides a column
SELECT c_phone AS seg, c_mktsegment AS c_phone, COUNT(*) FROM customer GROUP BY ALL;
--#E-name-32 | name-resolution | must=MASKED | ORDER BY ALL of the secret alone
SELECT c_acctbal FROM customer ORDER BY ALL DESC LIMIT 1;
--#E-name-33 | name-resolution | must=MASKED | LATERAL that names its columns like the outer secret
SELECT x.c_phone FROM customer c, LATERAL (SELECT c.c_phone AS c_phone UNION ALL SELECT c.c_name) x;
--#E-name-34 | name-resolution | must=MASKED | FLATTEN of the row, whose key is a hidden column's name
SELECT f.value FROM customer c, LATERAL FLATTEN(INPUT => OBJECT_CONSTRUCT_KEEP_NULL(c.*)) f WHERE f.key = 'C_PHONE';
--#E-name-35 | name-resolution | must=MASKED | FLATTEN's THIS shows the whole
SELECT f.this FROM customer c, LATERAL FLATTEN(INPUT => [c.c_phone, c.c_name]) f;
--#E-name-36 | name-resolution | must=DENY | a column of an alias that only a later join brings
SELECT * FROM nation n JOIN region r ON r.r_regionkey = z.c_custkey;
--#E-name-37 | name-resolution | must=DENY | a column in another case in quotes under an alias
SELECT c."c_phone" FROM customer c;
--#E-name-38 | name-resolution | must=DENY | an alias in another case in quotes
SELECT "C".c_phone FROM customer AS "c";
--#E-name-39 | name-resolution | must=DENY | full-width letters in a column
SELECT ｃ_phone FROM customer;
--#E-name-40 | name-resolution | must=DENY | a Kelvin sign for a K in a quoted name
SELECT "C_CUSTKEY" FROM customer;
--#E-name-41 | name-resolution | must=DENY | a Kelvin sign that folds to a K
SELECT c_custKey FROM customer;
--#E-name-42 | name-resolution | must=DENY | a long s that folds to an S
SELECT c_mktſegment FROM customer;
--#E-name-43 | name-resolution | must=DENY | letters and their accents apart
SELECT "C_NAMÉ" FROM customer;
--#E-name-44 | name-resolution | must=DENY | a full-width dot between schema and table
SELECT * FROM public．customer;
--#E-name-45 | name-resolution | must=DENY | a right-to-left mark in a name
SELECT * FROM "CUSTOMER‏";
--#E-name-46 | name-resolution | must=DENY | a tag character in a name
SELECT * FROM "CUSTOMER󠁁";
--#E-name-47 | name-resolution | must=DENY | a variation selector in a name
SELECT * FROM "CUSTOMER️";
--#E-name-48 | name-resolution | must=DENY | the table as a column of itself
SELECT customer FROM customer;
--#E-name-49 | name-resolution | must=DENY | a row value of the table
SELECT (customer).c_phone FROM customer;
--#E-name-50 | name-resolution | must=DENY | a path of four names on a column
SELECT a.gw.public.customer.c_phone FROM customer;

--#E-new-01 | newer-syntax | must=DENY | the flow operator within brackets
SELECT * FROM (SELECT 1 ->> SELECT * FROM $1);
--#E-new-02 | newer-syntax | must=DENY | the flow operator after SHOW with a filter
SHOW TABLES LIKE 'C%' ->> SELECT "name" FROM $1;
--#E-new-03 | newer-syntax | must=DENY | the flow operator without spaces
SELECT 1->>SELECT*FROM $1;
--#E-new-04 | newer-syntax | must=DENY | the flow operator into a write
SELECT * FROM nation ->> INSERT INTO region SELECT * FROM $1;
--#E-new-05 | newer-syntax | must=DENY | the flow operator as a JSON arrow of another dialect
SELECT e_data ->> 'a' FROM events;
--#E-new-06 | newer-syntax | must=DENY | a semantic view by its clause
SELECT * FROM SEMANTIC_VIEW(gw.public.sv DIMENSIONS c.c_name METRICS c.n WHERE c.c_phone LIKE '2%');
--#E-new-07 | newer-syntax | must=DENY | a semantic view queried by AGG
SELECT c_name, AGG(revenue) FROM sv GROUP BY 1;
--#E-new-08 | newer-syntax | must=DENY | RESAMPLE
SELECT * FROM events RESAMPLE (USING e_at INCREMENT BY INTERVAL '1 minute');
--#E-new-09 | newer-syntax | must=DENY | a table of changes with an end
SELECT * FROM nation CHANGES (INFORMATION => APPEND_ONLY) AT (OFFSET => -60) END (OFFSET => -30);
--#E-new-10 | newer-syntax | must=DENY | a stage's path with a pattern
SELECT t.$1, METADATA$FILENAME FROM @gw.public.stg/path/ (PATTERN => '.*', FILE_FORMAT => (TYPE => CSV)) t;
--#E-new-11 | newer-syntax | must=DENY | the user's own stage
SELECT $1 FROM @~/secrets.csv;
--#E-new-12 | newer-syntax | must=DENY | the table's own stage by a full name
SELECT $1 FROM @gw.public.%customer/x;
--#E-new-13 | newer-syntax | must=DENY | a directory of a stage in a join
SELECT * FROM nation, DIRECTORY(@stg) d;
--#E-new-14 | newer-syntax | must=DENY | a git repository's files
SELECT $1 FROM @gw.public.repo/branches/main/x.sql;
--#E-new-15 | newer-syntax | must=DENY | a version of a notebook
SELECT $1 FROM 'snow://notebook/GW.PUBLIC.NB/versions/live/notebook_app.ipynb';
--#E-new-16 | newer-syntax | must=DENY | IDENTIFIER of a bind in a join
SELECT * FROM nation JOIN IDENTIFIER(?) t ON TRUE;
--#E-new-17 | newer-syntax | must=DENY | IDENTIFIER of an expression that only joins literals
SELECT * FROM IDENTIFIER('gw' || '.public.customer');
--#E-new-18 | newer-syntax | must=DENY | IDENTIFIER for a target of a write
INSERT INTO IDENTIFIER('customer') SELECT * FROM nation;
--#E-new-19 | newer-syntax | must=DENY | IDENTIFIER for a function
SELECT IDENTIFIER('GET_DDL')('table', 'customer');
--#E-new-20 | newer-syntax | must=DENY | a scripting block with a result set
DECLARE r RESULTSET DEFAULT (SELECT * FROM customer); BEGIN RETURN TABLE(r); END;
--#E-new-21 | newer-syntax | must=DENY | an anonymous block with a loop
BEGIN FOR x IN (SELECT c_phone FROM customer) DO RETURN x.c_phone; END FOR; END;
--#E-new-22 | newer-syntax | must=DENY | a block after a query
SELECT 1; BEGIN SELECT * FROM customer; END;
--#E-new-23 | newer-syntax | must=DENY | dynamic text with binds
EXECUTE IMMEDIATE 'SELECT * FROM customer WHERE c_custkey = ?' USING (x);
--#E-new-24 | newer-syntax | must=DENY | a procedure defined and called at once
WITH p AS PROCEDURE () RETURNS TABLE (x VARCHAR) LANGUAGE PYTHON RUNTIME_VERSION = '3.11' HANDLER = 'f' PACKAGES = ('snowflake-snowpark-python') AS $$def f(s): return s.table('customer')$$ CALL p() INTO :x;
--#E-new-25 | newer-syntax | must=DENY | a procedure as a table
SELECT * FROM TABLE(gw.public.dump(TABLE(customer)));
--#E-new-26 | newer-syntax | must=DENY | a table handed to a user's function
SELECT f.* FROM customer c, TABLE(my_udtf(c.c_phone) OVER (PARTITION BY c.c_nationkey)) f;
--#E-new-27 | newer-syntax | must=DENY | a table handed as an argument
SELECT * FROM TABLE(my_udtf(TABLE(SELECT * FROM customer) PARTITION BY c_nationkey));
--#E-new-28 | newer-syntax | must=DENY | a query in brackets handed to a metric
SELECT SNOWFLAKE.CORE.DUPLICATE_COUNT(SELECT c_phone FROM gw.public.customer);
--#E-new-29 | newer-syntax | must=DENY | a metric that scans a table
SELECT * FROM TABLE(SYSTEM$DATA_METRIC_SCAN(REF_ENTITY_NAME => 'customer', METRIC_NAME => 'snowflake.core.null_count', ARGUMENT_NAME => 'c_phone'));
--#E-new-30 | newer-syntax | must=DENY | a search over columns by a star
SELECT * FROM customer WHERE SEARCH((c_phone, c_name), '25');
--#E-new-31 | newer-syntax | must=DENY | a search over every column
SELECT * FROM customer c WHERE SEARCH((c.*), 'secret');
--#E-new-32 | newer-syntax | must=DENY | a search service as a table
SELECT * FROM TABLE(CORTEX_SEARCH_DATA_SCAN(SERVICE_NAME => 'gw.public.svc'));
--#E-new-33 | newer-syntax | must=DENY | a model by method
SELECT m!PREDICT(OBJECT_CONSTRUCT(*)) FROM customer;
--#E-new-34 | newer-syntax | must=DENY | a model by version
SELECT MODEL(gw.public.m, v1)!PREDICT(c_acctbal) FROM customer;
--#E-new-35 | newer-syntax | must=DENY | an AI filter in a join
SELECT * FROM nation JOIN customer ON AI_FILTER(PROMPT('is {0} in {1}', c_name, n_name));
--#E-new-36 | newer-syntax | must=DENY | an AI aggregate in a window
SELECT AI_SUMMARIZE_AGG(c_comment) OVER (PARTITION BY c_nationkey) FROM customer;
--#E-new-37 | newer-syntax | must=DENY | an AI function of tomorrow
SELECT AI_GUESS(c_comment) FROM nation, customer;
--#E-new-38 | newer-syntax | must=DENY | a stream's columns
SELECT METADATA$ACTION, METADATA$ISUPDATE FROM nation;
--#E-new-39 | newer-syntax | must=DENY | a hybrid table's and an event table's columns
SELECT RECORD_ATTRIBUTES FROM snowflake.telemetry.events;
--#E-new-40 | newer-syntax | must=DENY | an iceberg table's files
SELECT * FROM TABLE(INFORMATION_SCHEMA.ICEBERG_TABLE_FILES(TABLE_NAME => 'CUSTOMER'));
--#E-new-41 | newer-syntax | must=DENY | an external table's files, by full name in quotes
SELECT * FROM TABLE("GW"."INFORMATION_SCHEMA"."EXTERNAL_TABLE_FILES"(TABLE_NAME => 'X'));
--#E-new-42 | newer-syntax | must=DENY | copying history
SELECT * FROM TABLE(INFORMATION_SCHEMA.COPY_HISTORY(TABLE_NAME => 'CUSTOMER', START_TIME => DATEADD(hours, -1, CURRENT_TIMESTAMP())));
--#E-new-43 | newer-syntax | must=DENY | a reference made and read
SELECT * FROM TABLE(SYSTEM$REFERENCE('TABLE', 'customer', 'SESSION', 'SELECT'));
--#E-new-44 | newer-syntax | must=DENY | a query as a table by its text
SELECT * FROM TABLE(TO_QUERY('SELECT * FROM customer'));
--#E-new-45 | newer-syntax | must=DENY | a query as a table by a bind
SELECT * FROM TABLE(TO_QUERY(SQL => ?, arg => 'x'));
--#E-new-46 | newer-syntax | must=DENY | binds of an earlier statement
SELECT * FROM TABLE(BIND_VALUES('01b2-x'));
--#E-new-47 | newer-syntax | must=DENY | a policy's context with a query
EXECUTE USING POLICY_CONTEXT (CURRENT_ROLE => 'ACCOUNTADMIN') AS SELECT * FROM customer;
--#E-new-48 | newer-syntax | must=DENY | a secret's value by function
SELECT GET_GENERIC_SECRET_STRING('s');
--#E-new-49 | newer-syntax | must=DENY | a column made by a function in a type
SELECT NULL::OBJECT(a VARCHAR MASKING POLICY p);
--#E-new-50 | newer-syntax | must=DENY | a file's type in a cast
SELECT '@stg/x'::FILE;
--#E-new-51 | newer-syntax | must=DENY | a service's endpoint
SELECT my_service!predict(c_name) FROM customer;
--#E-new-52 | newer-syntax | must=DENY | a log of a service
SELECT * FROM TABLE(my_service!SPCS_GET_LOGS());
--#E-new-53 | newer-syntax | must=DENY | an instance's class method as a table
SELECT * FROM TABLE(gw.public.budget!GET_SPENDING_HISTORY());
--#E-new-54 | newer-syntax | must=DENY | a listing with a trailing table
LS @~ ->> SELECT * FROM $1;
--#E-new-55 | newer-syntax | must=DENY | files removed
RM @~/x;
--#E-new-56 | newer-syntax | must=DENY | a copy into a table from a query on a stage
COPY INTO region FROM (SELECT $1, $2, $3 FROM @stg);
--#E-new-57 | newer-syntax | must=DENY | an unload with a partition
COPY INTO @stg/x FROM customer PARTITION BY (c_nationkey) FILE_FORMAT = (TYPE = PARQUET);
--#E-new-58 | newer-syntax | must=DENY | a call with named arguments and a pipe
CALL SYSTEM$SEND_EMAIL('i', 'a@b.c', 's', (SELECT MAX(c_phone) FROM customer)) ->> SELECT 1;
--#E-new-59 | newer-syntax | must=DENY | a task with a query
EXECUTE TASK t USING CONFIG = $$ {"x": 1} $$;
--#E-new-60 | newer-syntax | must=DENY | a notebook that runs
EXECUTE NOTEBOOK gw.public.nb('x');
--#E-new-61 | newer-syntax | must=DENY | a dbt project that runs
EXECUTE DBT PROJECT gw.public.p ARGS = 'run';
--#E-new-62 | newer-syntax | must=DENY | an agent as a table
SELECT * FROM TABLE(SNOWFLAKE.CORTEX.DATA_AGENT_RUN('a', 'read customer'));
--#E-new-63 | newer-syntax | must=DENY | an undo of everything by BEFORE
CREATE OR REPLACE TABLE region CLONE customer BEFORE (STATEMENT => '01b2');
--#E-new-64 | newer-syntax | must=DENY | a table like another with its rows
CREATE TABLE gw.public.copy AS TABLE customer;
--#E-new-65 | newer-syntax | must=DENY | a table from files
CREATE TABLE t2 FROM BACKUP SET s IDENTIFIER '01';
