-- Functions: whatever the reviewed list does not hold, wherever an expression may stand.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

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
--#S-abuse-01 | function-abuse | must=DENY | in a CASE branch
SELECT CASE WHEN 1 = 0 THEN my_udf(c_phone) END FROM customer;
--#S-abuse-02 | function-abuse | must=DENY | in a filter of an aggregate
SELECT SUM(IFF(my_udf(1), 1, 0)) FROM nation;
--#S-abuse-03 | function-abuse | must=DENY | in GROUP BY
SELECT COUNT(*) FROM nation GROUP BY my_udf(n_name);
--#S-abuse-04 | function-abuse | must=DENY | in HAVING
SELECT COUNT(*) FROM nation GROUP BY n_name HAVING my_udf(1);
--#S-abuse-05 | function-abuse | must=DENY | in QUALIFY
SELECT n_name FROM nation QUALIFY my_udf(ROW_NUMBER() OVER (ORDER BY 1)) = 1;
--#S-abuse-06 | function-abuse | must=DENY | in a window frame's order
SELECT SUM(1) OVER (ORDER BY my_udf(n_name)) FROM nation;
--#S-abuse-07 | function-abuse | must=DENY | in WITHIN GROUP
SELECT LISTAGG(n_name) WITHIN GROUP (ORDER BY my_udf(n_name)) FROM nation;
--#S-abuse-08 | function-abuse | must=DENY | in PIVOT
SELECT * FROM (SELECT n_regionkey, n_nationkey FROM nation) PIVOT(my_udf(n_nationkey) FOR n_regionkey IN (0, 1));
--#S-abuse-09 | function-abuse | must=DENY | in FLATTEN
SELECT * FROM TABLE(FLATTEN(INPUT => my_udf(1)));
--#S-abuse-10 | function-abuse | must=DENY | in VALUES
SELECT * FROM VALUES (my_udf(1));
--#S-abuse-11 | function-abuse | must=DENY | in an array
SELECT [my_udf(1)];
--#S-abuse-12 | function-abuse | must=DENY | in a path
SELECT my_udf(1):a.b;
--#S-abuse-13 | function-abuse | must=DENY | in a cast
SELECT my_udf(1)::INT;
--#S-abuse-14 | function-abuse | must=DENY | in a concatenation
SELECT 'x' || my_udf(1);
--#S-abuse-15 | function-abuse | must=DENY | in a star's REPLACE
SELECT * REPLACE (my_udf(n_name) AS n_name) FROM nation;
--#S-abuse-16 | function-abuse | must=DENY | in an IN list
SELECT 1 FROM nation WHERE n_name IN (my_udf(1), 'x');
--#S-abuse-17 | function-abuse | must=DENY | in LIKE
SELECT 1 FROM nation WHERE n_name LIKE my_udf(1);
--#S-abuse-18 | function-abuse | must=DENY | in START WITH
SELECT 1 FROM nation START WITH n_nationkey = my_udf(1) CONNECT BY PRIOR n_nationkey = n_regionkey;
--#S-abuse-19 | function-abuse | must=DENY | in MATCH_CONDITION
SELECT 1 FROM orders o ASOF JOIN lineitem l MATCH_CONDITION(o.o_orderdate >= my_udf(l.l_shipdate));
--#S-abuse-20 | function-abuse | must=DENY | in UNION's second arm
SELECT 1 UNION SELECT my_udf(1);
--#S-abuse-21 | function-abuse | must=DENY | in a CTE nobody uses
WITH a AS (SELECT my_udf(1) AS x) SELECT 1;
--#S-abuse-22 | function-abuse | must=DENY | quoted, upper case, known name
SELECT "UPPER"(n_name) FROM nation;
--#S-abuse-23 | function-abuse | must=DENY | quoted, lower case, known name
SELECT "upper"(n_name) FROM nation;
--#S-abuse-24 | function-abuse | must=DENY | known name behind a schema
SELECT public.upper(n_name) FROM nation;
--#S-abuse-25 | function-abuse | must=DENY | known name behind a path
SELECT gw.public.upper(n_name) FROM nation;
--#S-abuse-26 | function-abuse | must=DENY | known name behind quotes and dots
SELECT "GW"."PUBLIC"."UPPER"(n_name) FROM nation;
--#S-abuse-27 | function-abuse | must=DENY | a table function behind a schema
SELECT * FROM TABLE(public.flatten(INPUT => [1]));
--#S-abuse-28 | function-abuse | must=DENY | an aggregate of a user
SELECT my_agg(n_name) FROM nation;
--#S-abuse-29 | function-abuse | must=DENY | a user's window function
SELECT my_agg(n_name) OVER (PARTITION BY n_regionkey) FROM nation;
--#S-abuse-30 | function-abuse | must=DENY | a user's table function with a partition
SELECT t.* FROM nation, TABLE(my_udtf(n_name) OVER (PARTITION BY n_regionkey)) t;
--#S-abuse-31 | function-abuse | must=DENY | letters that look alike in a known name
SELECT UPРER(n_name) FROM nation;
--#S-abuse-32 | function-abuse | must=DENY | a known name with a space
SELECT UPPER$(n_name) FROM nation;
--#S-abuse-33 | function-abuse | must=DENY | AI in lower case
SELECT ai_classify(c_comment, ['a', 'b']) FROM customer;
--#S-abuse-34 | function-abuse | must=DENY | AI filter
SELECT 1 FROM customer WHERE AI_FILTER('is rich: ' || c_name);
--#S-abuse-35 | function-abuse | must=DENY | AI similarity
SELECT AI_SIMILARITY(c_name, 'x') FROM customer;
--#S-abuse-36 | function-abuse | must=DENY | AI embedding
SELECT AI_EMBED('m', c_comment) FROM customer;
--#S-abuse-37 | function-abuse | must=DENY | AI extraction
SELECT AI_EXTRACT(text => c_comment, responseFormat => ['name']) FROM customer;
--#S-abuse-38 | function-abuse | must=DENY | AI translation
SELECT AI_TRANSLATE(c_comment, 'en', 'de') FROM customer;
--#S-abuse-39 | function-abuse | must=DENY | AI redaction
SELECT AI_REDACT(c_comment) FROM customer;
--#S-abuse-40 | function-abuse | must=DENY | Cortex by mixed case
SELECT Snowflake.Cortex.Summarize(c_comment) FROM customer;
--#S-abuse-41 | function-abuse | must=DENY | Cortex search preview
SELECT SNOWFLAKE.CORTEX.SEARCH_PREVIEW('svc', '{}');
--#S-abuse-42 | function-abuse | must=DENY | an agent's run
SELECT SNOWFLAKE.CORTEX.DATA_AGENT_RUN('x', '{}');
--#S-abuse-43 | function-abuse | must=DENY | an external function
SELECT ext_fn(c_phone) FROM customer;
--#S-abuse-44 | function-abuse | must=DENY | a forecast model
SELECT * FROM TABLE(my_model!FORECAST(FORECASTING_PERIODS => 3));
--#S-abuse-45 | function-abuse | must=DENY | a notification
SELECT SYSTEM$SEND_SNOWFLAKE_NOTIFICATION('x', 'y');
--#S-abuse-46 | function-abuse | must=DENY | a scoped link
SELECT BUILD_STAGE_FILE_URL(@stg, 'x');
--#S-abuse-47 | function-abuse | must=DENY | a file's link
SELECT GET_STAGE_LOCATION(@stg);
--#S-abuse-48 | function-abuse | must=DENY | an encryption
SELECT ENCRYPT(c_phone, 'k') FROM customer;
--#S-abuse-49 | function-abuse | must=DENY | a raw decryption
SELECT DECRYPT_RAW(c_phone, 'k', 'v') FROM customer;
--#S-abuse-50 | function-abuse | must=DENY | a secret's text
SELECT SYSTEM$REFERENCE('TABLE', 'customer');
--#S-abuse-51 | function-abuse | must=DENY | a reference as a table
SELECT * FROM REFERENCE('t');
--#S-abuse-52 | function-abuse | must=DENY | the account
SELECT CURRENT_ACCOUNT();
--#S-abuse-53 | function-abuse | must=DENY | the warehouse
SELECT CURRENT_WAREHOUSE();
--#S-abuse-54 | function-abuse | must=DENY | the session
SELECT CURRENT_SESSION();
--#S-abuse-55 | function-abuse | must=DENY | the client
SELECT CURRENT_CLIENT(), CURRENT_VERSION();
--#S-abuse-56 | function-abuse | must=DENY | the available roles
SELECT CURRENT_AVAILABLE_ROLES();
--#S-abuse-57 | function-abuse | must=DENY | whether a role is in the session
SELECT IS_ROLE_IN_SESSION('ACCOUNTADMIN');
--#S-abuse-58 | function-abuse | must=DENY | the database
SELECT CURRENT_DATABASE(), CURRENT_SCHEMA();
--#S-abuse-59 | function-abuse | must=DENY | the address
SELECT CURRENT_IP_ADDRESS();
--#S-abuse-60 | function-abuse | must=DENY | the schemas
SELECT CURRENT_SCHEMAS();
--#S-abuse-61 | function-abuse | must=DENY | the organisation
SELECT CURRENT_ORGANIZATION_NAME();
--#S-abuse-62 | function-abuse | must=DENY | the region
SELECT CURRENT_REGION();
--#S-abuse-63 | function-abuse | must=DENY | a policy's context
SELECT POLICY_CONTEXT(c_phone) FROM customer;
--#S-abuse-64 | function-abuse | must=DENY | the invoker's share
SELECT INVOKER_SHARE();
--#S-abuse-65 | function-abuse | must=DENY | an estimate of the remaining privacy
SELECT * FROM TABLE(SNOWFLAKE.DATA_PRIVACY.ESTIMATE_REMAINING_DP_AGGREGATES('customer'));
--#S-abuse-66 | function-abuse | must=DENY | synthetic data
SELECT SNOWFLAKE.DATA_PRIVACY.GENERATE_SYNTHETIC_DATA(1);
--#S-abuse-67 | function-abuse | must=DENY | a foreign evaluator
SELECT EVAL('SELECT 1');
--#S-abuse-68 | function-abuse | must=DENY | a foreign query runner
SELECT * FROM query('SELECT * FROM customer');
--#S-abuse-69 | function-abuse | must=DENY | a foreign table runner
SELECT * FROM query_table('customer');
--#S-abuse-70 | function-abuse | must=DENY | a foreign file reader
SELECT read_text('/etc/passwd');
--#S-abuse-71 | function-abuse | must=DENY | a foreign environment reader
SELECT getenv('HOME');
--#S-abuse-72 | function-abuse | must=DENY | a foreign XML runner
SELECT query_to_xml('select * from customer', true, true, '');
