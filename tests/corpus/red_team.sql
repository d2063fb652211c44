-- What a reader who set out to break the policy found. Judged by policy.yaml and catalog.json beside this file.

--#R-print-01 | print injection | must=DENY | FILE:// is one word to the parser and a comment to Snowflake: what follows the line end in the quoted name turns into code
SELECT p.FILE://, 1 AS "
a, c_phone FROM GW.PUBLIC.CUSTOMER c, (SELECT PARSE_JSON('{}') AS FILE) p --" FROM (SELECT * ILIKE '%' FROM region) AS p;
--#R-print-02 | print injection | must=DENY | FILE:// as an alias
SELECT r_name AS FILE:// FROM region;
--#R-print-03 | print injection | must=DENY | FILE:// as a lambda parameter
SELECT TRANSFORM([1], FILE:// -> 1) FROM region;
--#R-print-04 | print injection | must=DENY | FILE:// as a named argument
SELECT f.value FROM TABLE(FLATTEN(FILE:// => 1)) f;
--#R-print-05 | print injection | must=DENY | FILE:// as the name of a column of a common table expression
WITH a(FILE://) AS (SELECT 1) SELECT 1 FROM a;
--#R-print-06 | print injection | must=DENY | a date part in quotes is printed bare: a user-defined function in it is called
SELECT LAST_DAY(CURRENT_DATE, 'month), "MY_UDF"(1), LAST_DAY(CURRENT_DATE, month');
--#R-print-07 | print injection | must=DENY | a date part in quotes is printed bare: GET_DDL in it is called
SELECT LAST_DAY(CURRENT_DATE, 'month), "GET_DDL"(''table'', ''customer''), LAST_DAY(CURRENT_DATE, month');
--#R-print-08 | print injection | must=DENY | the same in DATEADD, with a session variable
SELECT DATEADD('day, 1, CURRENT_DATE), $x, DATEADD(day', 1, CURRENT_DATE);
--#R-print-09 | print injection | must=DENY | the same in DATEDIFF
SELECT DATEDIFF('day, CURRENT_DATE, CURRENT_DATE), "MY_UDF"(1), DATEDIFF(day', CURRENT_DATE, CURRENT_DATE);
--#R-print-10 | print injection | must=DENY | the same in TIMEADD
SELECT TIMEADD('day, 1, CURRENT_DATE), "MY_UDF"(1), TIMEADD(day', 1, CURRENT_DATE);
--#R-print-11 | print injection | must=DENY | a named argument in quotes is printed bare
SELECT FLATTEN('x => $v, y' => 1);
--#R-print-12 | print injection | must=DENY | an alias in dollar quotes is printed bare: columns renamed by position
SELECT 1 FROM region AS $$r(a, b)$$;
--#R-print-13 | print injection | must=DENY | an alias in dollar quotes is printed bare: a column by position
SELECT 1 AS $$x, $1$$ FROM region;
--#R-print-14 | print injection | must=DENY | the flow operator as a column of a source whose columns are not known
SELECT p.->> FROM (SELECT * ILIKE '%' FROM region) p;
--#R-print-15 | print injection | must=DENY | the flow operator as an alias
SELECT r_name AS ->> FROM region;
--#R-print-16 | print injection | must=DENY | one name to the parser, a subtraction of two columns to Snowflake
SELECT p.USER-DEFINED FROM (SELECT * ILIKE '%' FROM region) p;
--#R-print-17 | print injection | must=DENY | two key words as an alias
SELECT 1 FROM region AS FOREIGN KEY;
--#R-print-18 | print injection | must=DENY | a key word that opens a clause, as an alias
SELECT r_name AS ORDER BY FROM region;
--#R-print-19 | print injection | must=DENY | a cast in quotes is a name of its own
SELECT "CAST"(1 AS INT) FROM region;
--#R-print-20 | print meaning | must=DENY | 0x1F is 0 AS X1F in Snowflake, not a binary value
SELECT 0x1F FROM region;
--#R-print-21 | print meaning | must=ALLOW | an alias in quotes is a text in UNPIVOT, and would fold if it were printed bare
SELECT m FROM (SELECT n_nationkey AS a FROM nation) UNPIVOT(v FOR m IN (a AS 'quantity'));
--#R-print-22 | print meaning | must=DENY | a volatile argument is doubled
SELECT DIV0(RANDOM(), 2);
--#R-drift-01 | new column | must=ALLOW | a column that the catalog does not have, under the name of an alias: to Snowflake the column comes first
SELECT 1 AS new_secret, new_secret FROM region;
--#R-drift-02 | new column | must=ALLOW | the same in WHERE
SELECT r_name AS new_secret FROM region WHERE new_secret = 1;
--#R-drift-03 | new column | must=ALLOW | the same in a correlated subquery
SELECT r_name FROM region WHERE (SELECT MAX(new_secret) AS new_secret) = 1;
--#R-drift-04 | new column | must=DENY | joined by name, which the catalog does not have on one side
SELECT g.new_secret FROM region r JOIN (SELECT 'guess' AS new_secret) g USING (new_secret);
--#R-drift-05 | new column | must=DENY | a lambda parameter that differs by case from the column in its body
SELECT TRANSFORM([1], "new_secret" -> new_secret) FROM region;
--#R-drift-06 | new column | must=DENY | in a write
UPDATE region SET r_name = (SELECT new_secret AS new_secret) WHERE r_regionkey = 1;
--#R-drift-07 | new column | must=ALLOW | a star that picks columns by pattern inside COUNT
SELECT COUNT(* ILIKE 'new_%') FROM region;
--#R-write-01 | write | must=HOLD | a merge that matches every row deletes them all
MERGE INTO region r USING nation n ON TRUE WHEN MATCHED THEN DELETE;
--#R-write-02 | write | must=HOLD | a merge that matches every row changes them all
MERGE INTO region r USING (SELECT 1 AS x) s ON 1 = 1 WHEN MATCHED THEN UPDATE SET r_name = 'x';
--#R-write-03 | write | must=HOLD | a condition on another table narrows nothing
DELETE FROM region WHERE EXISTS (SELECT 1 FROM nation WHERE n_nationkey = 1);
--#R-write-04 | write | must=RESIDUAL | control=a hold rule on the table, which every shipped policy has: a condition on the source alone narrows nothing
UPDATE region SET r_name = 'x' FROM nation WHERE n_name IS NOT NULL;
--#R-write-05 | write | must=DENY | a lambda parameter that differs by case from the column in its body
UPDATE region SET r_name = ARRAY_TO_STRING(TRANSFORM([1], "new_secret" -> new_secret), '') WHERE r_regionkey = 1;
--#R-cost-01 | cost | must=DENY | LIMIT of a subquery, nested: the parser reads each one twice
SELECT (SELECT 1 LIMIT (SELECT 1 LIMIT (SELECT 1 LIMIT (SELECT 1 LIMIT (SELECT 1 LIMIT (SELECT 1 LIMIT (SELECT 1 LIMIT (SELECT 1 LIMIT (SELECT 1 LIMIT (SELECT 1 LIMIT (SELECT 1 LIMIT (SELECT 1 LIMIT (SELECT 1 LIMIT (SELECT 1 LIMIT (SELECT 1 LIMIT 1)))))))))))))));
--#R-cost-02 | cost | must=DENY | joins without conditions in each of nested brackets: the parser reads the inner ones again for each
SELECT 1 FROM (SELECT 1 FROM nation a LEFT JOIN nation b LEFT JOIN nation b LEFT JOIN (SELECT 1 FROM nation a LEFT JOIN nation b LEFT JOIN nation b LEFT JOIN (SELECT 1 FROM nation a LEFT JOIN nation b LEFT JOIN nation b LEFT JOIN (SELECT 1 FROM nation a LEFT JOIN nation b LEFT JOIN nation b LEFT JOIN (SELECT 1 FROM nation a LEFT JOIN nation b LEFT JOIN nation b LEFT JOIN (SELECT 1 FROM nation a LEFT JOIN nation b LEFT JOIN nation b LEFT JOIN (SELECT 1 FROM nation a LEFT JOIN nation b LEFT JOIN nation b LEFT JOIN nation))))))) q;
--#R-cost-03 | cost | must=DENY | PIVOT whose values are a subquery, nested
SELECT 1 FROM (SELECT * FROM nation PIVOT(MAX(n_name) FOR n_regionkey IN (SELECT 1 FROM (SELECT * FROM nation PIVOT(MAX(n_name) FOR n_regionkey IN (SELECT 1 FROM (SELECT * FROM nation PIVOT(MAX(n_name) FOR n_regionkey IN (SELECT 1 FROM (SELECT * FROM nation PIVOT(MAX(n_name) FOR n_regionkey IN (SELECT 1 FROM (SELECT * FROM nation PIVOT(MAX(n_name) FOR n_regionkey IN (SELECT 1 FROM (SELECT * FROM nation PIVOT(MAX(n_name) FOR n_regionkey IN (SELECT 1 FROM (SELECT * FROM nation PIVOT(MAX(n_name) FOR n_regionkey IN (SELECT 1 FROM (SELECT * FROM nation PIVOT(MAX(n_name) FOR n_regionkey IN (SELECT 1 FROM (SELECT * FROM nation PIVOT(MAX(n_name) FOR n_regionkey IN (SELECT 1 FROM (SELECT * FROM nation PIVOT(MAX(n_name) FOR n_regionkey IN (SELECT 1 FROM (SELECT * FROM nation PIVOT(MAX(n_name) FOR n_regionkey IN (SELECT 1 FROM (SELECT * FROM nation PIVOT(MAX(n_name) FOR n_regionkey IN (SELECT 1 FROM nation))))))))))))))))))))))))))))))))))));
--#R-cost-04 | cost | must=DENY | LATERAL before a bracketed query, nested
SELECT (SELECT 1 FROM nation, LATERAL (SELECT 1 FROM nation, LATERAL (SELECT 1 FROM nation, LATERAL (SELECT 1 FROM nation, LATERAL (SELECT 1 FROM nation, LATERAL (SELECT 1 FROM nation, LATERAL (SELECT 1 FROM nation, LATERAL (SELECT 1 FROM nation, LATERAL (SELECT 1 FROM nation, LATERAL (SELECT 1 FROM nation, LATERAL (SELECT 1 FROM nation, LATERAL (SELECT 1 FROM nation, LATERAL (SELECT 1 FROM nation, LATERAL (SELECT 1 FROM nation, LATERAL 1))))))))))))));
--#R-honest-01 | honest | must=ALLOW | a repeatable sample
SELECT n_name FROM nation SAMPLE (10) SEED (42);
--#R-honest-02 | honest | must=ALLOW | a repeatable sample in other words
SELECT n_name FROM nation TABLESAMPLE BERNOULLI (5) REPEATABLE (42);
--#R-honest-03 | honest | must=ALLOW | the local time without brackets
SELECT LOCALTIMESTAMP;
--#R-honest-04 | honest | must=ALLOW | a key that is also a word of the grammar
SELECT v:when::TIMESTAMP_NTZ FROM (SELECT PARSE_JSON('{}') AS v);
--#R-honest-05 | honest | must=ALLOW | keys that are also words of the grammar
SELECT v:group, v:order.table, v:case FROM (SELECT PARSE_JSON('{}') AS v);
--#R-honest-06 | honest | must=ALLOW | a flattened array
SELECT ARRAY_FLATTEN([[1], [2]]);
