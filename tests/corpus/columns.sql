-- Columns: every way to reach a masked column without saying so.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

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
--#S-col-32 | column | must=MASKED | MATCH_RECOGNIZE
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
--#S-evade-01 | column-evasion | must=MASKED | EXCLUDE of one column
SELECT * EXCLUDE c_name FROM customer;
--#S-evade-02 | column-evasion | must=MASKED | ILIKE pattern that matches everything
SELECT * ILIKE '%' FROM customer;
--#S-evade-03 | column-evasion | must=MASKED | a star of an alias beside others
SELECT c.*, n.n_name FROM customer c JOIN nation n ON n.n_nationkey = c.c_nationkey;
--#S-evade-04 | column-evasion | must=MASKED | a star of an alias with EXCLUDE
SELECT c.* EXCLUDE (c_comment) FROM customer c;
--#S-evade-05 | column-evasion | must=MASKED | a star with REPLACE that reads another secret
SELECT * REPLACE (c_name AS c_comment) FROM customer;
--#S-evade-06 | column-evasion | must=MASKED | a star with RENAME in a derived table
SELECT p FROM (SELECT * RENAME (c_phone AS p) FROM customer);
--#S-evade-07 | column-evasion | must=MASKED | EXCLUDE and RENAME together
SELECT * EXCLUDE c_name RENAME (c_phone AS tel) FROM customer;
--#S-evade-08 | column-evasion | must=MASKED | two stars
SELECT *, * FROM customer;
--#S-evade-09 | column-evasion | must=MASKED | a star over a star
SELECT * FROM (SELECT * FROM (SELECT * FROM customer));
--#S-evade-10 | column-evasion | must=MASKED | every column by name
SELECT c_custkey, c_name, c_address, c_nationkey, c_phone, c_acctbal, c_mktsegment, c_comment FROM customer;
--#S-evade-11 | column-evasion | must=MASKED | DISTINCT
SELECT DISTINCT c_phone FROM customer;
--#S-evade-12 | column-evasion | must=MASKED | COUNT DISTINCT
SELECT COUNT(DISTINCT c_phone), COUNT(DISTINCT c_phone, c_name) FROM customer;
--#S-evade-13 | column-evasion | must=MASKED | APPROX_COUNT_DISTINCT
SELECT APPROX_COUNT_DISTINCT(c_phone) FROM customer;
--#S-evade-14 | column-evasion | must=MASKED | ARRAY_AGG
SELECT ARRAY_AGG(c_phone) WITHIN GROUP (ORDER BY c_custkey) FROM customer;
--#S-evade-15 | column-evasion | must=MASKED | ARRAY_AGG DISTINCT
SELECT ARRAY_AGG(DISTINCT c_phone) FROM customer;
--#S-evade-16 | column-evasion | must=MASKED | OBJECT_AGG
SELECT OBJECT_AGG(c_custkey::VARCHAR, c_phone::VARIANT) FROM customer;
--#S-evade-17 | column-evasion | must=MASKED | MAX_BY
SELECT MAX_BY(c_phone, c_custkey), MIN_BY(c_phone, c_custkey) FROM customer;
--#S-evade-18 | column-evasion | must=MASKED | sums and averages
SELECT SUM(c_acctbal), AVG(c_acctbal), STDDEV(c_acctbal), VARIANCE(c_acctbal), MEDIAN(c_acctbal) FROM customer;
--#S-evade-19 | column-evasion | must=MASKED | correlation
SELECT CORR(c_acctbal, c_custkey), COVAR_POP(c_acctbal, c_custkey), REGR_SLOPE(c_acctbal, c_custkey) FROM customer;
--#S-evade-20 | column-evasion | must=MASKED | bit aggregates
SELECT BITXOR_AGG(c_acctbal::INT), BITOR_AGG(c_acctbal::INT) FROM customer;
--#S-evade-21 | column-evasion | must=MASKED | percentiles
SELECT PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY c_acctbal), PERCENTILE_DISC(0.1) WITHIN GROUP (ORDER BY c_acctbal) FROM customer;
--#S-evade-22 | column-evasion | must=MASKED | pieces of the value
SELECT LEFT(c_phone, 2), RIGHT(c_phone, 4), SUBSTR(c_phone, 3, 3), SPLIT_PART(c_phone, '-', 2) FROM customer;
--#S-evade-23 | column-evasion | must=MASKED | the value's length
SELECT LENGTH(c_phone), OCTET_LENGTH(c_name), LENGTH(c_address) FROM customer;
--#S-evade-24 | column-evasion | must=MASKED | the value's letters
SELECT ASCII(c_name), UNICODE(c_name), SOUNDEX(c_name) FROM customer;
--#S-evade-25 | column-evasion | must=MASKED | the value encoded
SELECT BASE64_ENCODE(c_phone), HEX_ENCODE(c_phone), REVERSE(c_phone), TO_JSON(c_phone::VARIANT) FROM customer;
--#S-evade-26 | column-evasion | must=MASKED | the value replaced
SELECT REGEXP_REPLACE(c_phone, '[0-9]', 'x'), TRANSLATE(c_phone, '0123456789', 'abcdefghij'), REPLACE(c_phone, '-', '') FROM customer;
--#S-evade-27 | column-evasion | must=MASKED | the value's likeness
SELECT EDITDISTANCE(c_name, 'Customer#1'), JAROWINKLER_SIMILARITY(c_name, 'Customer#1') FROM customer;
--#S-evade-28 | column-evasion | must=MASKED | the value as a number
SELECT TRY_TO_NUMBER(REPLACE(c_phone, '-', '')) FROM customer;
--#S-evade-29 | column-evasion | must=MASKED | the value as a date
SELECT TRY_TO_DATE(c_phone), TRY_CAST(c_name AS DATE) FROM customer;
--#S-evade-30 | column-evasion | must=MASKED | the value as a binary
SELECT TRY_TO_BINARY(c_phone, 'UTF-8') FROM customer;
--#S-evade-31 | column-evasion | must=MASKED | the value in a variant
SELECT c_phone::VARIANT, TO_VARIANT(c_phone), TYPEOF(c_acctbal::VARIANT) FROM customer;
--#S-evade-32 | column-evasion | must=MASKED | the value in an array
SELECT [c_phone, c_name], ARRAY_CONSTRUCT(c_acctbal) FROM customer;
--#S-evade-33 | column-evasion | must=MASKED | the value as a key
SELECT OBJECT_CONSTRUCT(c_phone, 1) FROM customer;
--#S-evade-34 | column-evasion | must=MASKED | the value in an object literal
SELECT {'p': c_phone, 'b': c_acctbal} FROM customer;
--#S-evade-35 | column-evasion | must=MASKED | a path into an object of the value
SELECT OBJECT_CONSTRUCT('p', c_phone):p::VARCHAR FROM customer;
--#S-evade-36 | column-evasion | must=MASKED | a star without one column as an object
SELECT OBJECT_CONSTRUCT(* EXCLUDE c_custkey) FROM customer;
--#S-evade-37 | column-evasion | must=MASKED | the nullness of the value
SELECT COUNT(c_address), COUNT_IF(c_address IS NULL) FROM customer;
--#S-evade-38 | column-evasion | must=MASKED | conditionals
SELECT NVL2(c_address, 1, 0), COALESCE(c_address, c_phone), NULLIF(c_phone, '25'), DECODE(c_phone, '25', 1, 2), IFF(c_acctbal > 0, 1, 0) FROM customer;
--#S-evade-39 | column-evasion | must=MASKED | GREATEST and LEAST
SELECT GREATEST(c_acctbal, 0), LEAST(c_phone, '5') FROM customer;
--#S-evade-40 | column-evasion | must=MASKED | CASE over an operand
SELECT CASE c_phone WHEN '25-989-741-2988' THEN 'hit' ELSE 'miss' END FROM customer;
--#S-evade-41 | column-evasion | must=MASKED | FIRST_VALUE
SELECT FIRST_VALUE(c_phone) OVER (ORDER BY c_custkey), LAST_VALUE(c_phone) OVER (ORDER BY c_custkey) FROM customer;
--#S-evade-42 | column-evasion | must=MASKED | NTH_VALUE
SELECT NTH_VALUE(c_phone, 2) OVER (ORDER BY c_custkey) FROM customer;
--#S-evade-43 | column-evasion | must=MASKED | NTILE over the secret order
SELECT c_custkey, NTILE(4) OVER (ORDER BY c_acctbal, c_custkey) FROM customer;
--#S-evade-44 | column-evasion | must=MASKED | RANK over the secret order
SELECT c_custkey, RANK() OVER (ORDER BY c_acctbal), DENSE_RANK() OVER (ORDER BY c_phone), PERCENT_RANK() OVER (ORDER BY c_acctbal) FROM customer;
--#S-evade-45 | column-evasion | must=MASKED | a window partitioned by the secret
SELECT c_custkey, COUNT(*) OVER (PARTITION BY c_phone) FROM customer;
--#S-evade-46 | column-evasion | must=MASKED | a sliding sum
SELECT c_custkey, SUM(c_acctbal) OVER (ORDER BY c_custkey ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM customer;
--#S-evade-47 | column-evasion | must=MASKED | a window frame by range over the secret
SELECT c_custkey, COUNT(*) OVER (ORDER BY c_acctbal RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM customer;
--#S-evade-48 | column-evasion | must=MASKED | changes of the secret
SELECT c_custkey, CONDITIONAL_CHANGE_EVENT(c_phone) OVER (ORDER BY c_custkey) FROM customer;
--#S-evade-49 | column-evasion | must=MASKED | shares of the secret
SELECT c_custkey, RATIO_TO_REPORT(c_acctbal) OVER () FROM customer;
--#S-evade-50 | column-evasion | must=MASKED | LATERAL subquery
SELECT n.n_name, x.p FROM nation n, LATERAL (SELECT MAX(c.c_phone) AS p FROM customer c WHERE c.c_nationkey = n.n_nationkey) x;
--#S-evade-51 | column-evasion | must=MASKED | LATERAL that reads the outer secret
SELECT c.c_custkey, x.q FROM customer c, LATERAL (SELECT c.c_phone || '' AS q) x;
--#S-evade-52 | column-evasion | must=MASKED | FLATTEN of an array of the secret
SELECT f.value FROM customer c, TABLE(FLATTEN(INPUT => ARRAY_CONSTRUCT(c.c_phone, c.c_name))) f;
--#S-evade-53 | column-evasion | must=MASKED | FLATTEN of a parsed secret
SELECT f.value FROM customer c, LATERAL FLATTEN(INPUT => TRY_PARSE_JSON(c.c_comment), OUTER => TRUE) f;
--#S-evade-54 | column-evasion | must=MASKED | STRTOK_SPLIT_TO_TABLE
SELECT s.value FROM customer c, LATERAL STRTOK_SPLIT_TO_TABLE(c.c_phone, '-') s;
--#S-evade-55 | column-evasion | must=MASKED | FLATTEN in a projection
SELECT (SELECT LISTAGG(f.value, '') FROM TABLE(FLATTEN(INPUT => SPLIT(c.c_phone, '-'))) f) FROM customer c;
--#S-evade-56 | column-evasion | must=MASKED | PIVOT of a count by the secret
SELECT * FROM (SELECT c_phone, c_nationkey FROM customer) PIVOT(COUNT(c_nationkey) FOR c_phone IN ('25-989-741-2988', '***')) AS p;
--#S-evade-57 | column-evasion | must=MASKED | UNPIVOT with nulls
SELECT * FROM (SELECT c_custkey, c_name, c_address FROM customer) UNPIVOT INCLUDE NULLS (v FOR k IN (c_name, c_address));
--#S-evade-58 | column-evasion | must=MASKED | ROLLUP
SELECT c_phone, c_nationkey, SUM(c_acctbal), GROUPING(c_phone) FROM customer GROUP BY ROLLUP (c_phone, c_nationkey);
--#S-evade-59 | column-evasion | must=MASKED | GROUP BY position
SELECT c_phone, COUNT(*) FROM customer GROUP BY 1;
--#S-evade-60 | column-evasion | must=MASKED | GROUP BY an alias of an expression of the secret
SELECT LEFT(c_phone, 2) AS area, COUNT(*) FROM customer GROUP BY area;
--#S-evade-61 | column-evasion | must=MASKED | a lateral alias chain
SELECT c_phone AS a, a AS b, b || '!' AS d FROM customer;
--#S-evade-62 | column-evasion | must=MASKED | a lateral alias that hides the column
SELECT c_custkey::VARCHAR AS c_phone, c_phone || 'x' AS y FROM customer;
--#S-evade-63 | column-evasion | must=MASKED | NATURAL JOIN of the table with itself
SELECT COUNT(*) FROM customer a NATURAL JOIN customer b;
--#S-evade-64 | column-evasion | must=MASKED | a self join on the secret
SELECT a.c_custkey, b.c_custkey FROM customer a JOIN customer b ON a.c_phone = b.c_phone AND a.c_custkey < b.c_custkey;
--#S-evade-65 | column-evasion | must=MASKED | a full outer join on the secret
SELECT c.c_custkey, s.s_suppkey FROM customer c FULL OUTER JOIN supplier s ON c.c_phone = s.s_phone;
--#S-evade-66 | column-evasion | must=MASKED | a right join
SELECT c.c_phone FROM customer c RIGHT JOIN nation n ON n.n_nationkey = c.c_nationkey;
--#S-evade-67 | column-evasion | must=MASKED | a cross join
SELECT c.c_phone, r.r_name FROM region r CROSS JOIN customer c;
--#S-evade-68 | column-evasion | must=MASKED | a join in brackets with an alias
SELECT j.c_phone FROM (SELECT * FROM customer JOIN nation ON n_nationkey = c_nationkey) j;
--#S-evade-69 | column-evasion | must=MASKED | an ASOF join
SELECT o.o_orderkey, c.c_phone FROM orders o ASOF JOIN customer c MATCH_CONDITION(o.o_custkey >= c.c_custkey);
--#S-evade-70 | column-evasion | must=MASKED | CONNECT BY with a path of the secret
SELECT SYS_CONNECT_BY_PATH(c_name, '/') FROM customer START WITH c_custkey = 1 CONNECT BY PRIOR c_custkey = c_nationkey AND LEVEL < 3;
--#S-evade-71 | column-evasion | must=MASKED | CONNECT_BY_ROOT of the secret
SELECT CONNECT_BY_ROOT c_phone FROM customer START WITH c_custkey = 1 CONNECT BY PRIOR c_custkey = c_nationkey AND LEVEL < 3;
--#S-evade-72 | column-evasion | must=MASKED | a set operation that names the secret's column otherwise
SELECT n_name AS x FROM nation UNION SELECT c_phone FROM customer;
--#S-evade-73 | column-evasion | must=MASKED | UNION BY NAME
SELECT s_phone AS c_phone FROM supplier UNION ALL BY NAME SELECT c_phone FROM customer;
--#S-evade-74 | column-evasion | must=MASKED | MINUS
SELECT c_name FROM customer MINUS SELECT s_name FROM supplier;
--#S-evade-75 | column-evasion | must=MASKED | a set operation ordered by the secret
SELECT c_custkey, c_phone FROM customer UNION ALL SELECT s_suppkey, s_phone FROM supplier ORDER BY 2, 1;
--#S-evade-76 | column-evasion | must=MASKED | a lambda that closes over the secret
SELECT TRANSFORM([1, 2], x -> x || c_phone) FROM customer;
--#S-evade-77 | column-evasion | must=MASKED | FILTER that looks at the secret
SELECT FILTER([1, 2, 3], x -> x < LENGTH(c_phone)) FROM customer;
--#S-evade-78 | column-evasion | must=MASKED | REDUCE over the secret
SELECT REDUCE(SPLIT(c_phone, '-'), '', (acc, x) -> acc || x) FROM customer;
--#S-evade-79 | column-evasion | must=MASKED | a window with a named secret order in QUALIFY
SELECT c_custkey FROM customer QUALIFY c_phone = MAX(c_phone) OVER ();
--#S-evade-80 | column-evasion | must=MASKED | QUALIFY over an alias of the secret
SELECT c_custkey, c_acctbal AS b FROM customer QUALIFY ROW_NUMBER() OVER (ORDER BY b DESC, c_custkey) = 1;
--#S-evade-81 | column-evasion | must=MASKED | LIMIT and OFFSET by the secret's order
SELECT c_custkey FROM customer ORDER BY c_phone DESC, c_custkey LIMIT 1 OFFSET 2;
--#S-evade-82 | column-evasion | must=MASKED | FETCH by the secret's order
SELECT c_custkey FROM customer ORDER BY c_acctbal, c_custkey FETCH FIRST 1 ROW ONLY;
--#S-evade-83 | column-evasion | must=MASKED | TOP by the secret's order
SELECT TOP 1 c_custkey FROM customer ORDER BY c_acctbal DESC, c_custkey;
--#S-evade-84 | column-evasion | must=MASKED | ORDER BY with nulls of the secret
SELECT c_custkey FROM customer ORDER BY c_address NULLS FIRST, c_custkey;
--#S-evade-85 | column-evasion | must=MASKED | the secret in an interval
SELECT DATEADD(day, c_acctbal, '2024-01-01'::DATE) FROM customer;
--#S-evade-86 | column-evasion | must=MASKED | the secret as a format
SELECT TRY_TO_DATE('2024-01-01', c_phone) FROM customer;
--#S-evade-87 | column-evasion | must=MASKED | the secret as a separator
SELECT LISTAGG(n_name, '-') WITHIN GROUP (ORDER BY n_name), MAX(p) FROM nation, (SELECT MAX(c_phone) AS p FROM customer);
--#S-evade-88 | column-evasion | must=MASKED | the secret as a column name in JSON
SELECT OBJECT_CONSTRUCT('a', 1)[c_phone] FROM customer;
--#S-evade-89 | column-evasion | must=MASKED | the secret in GET_PATH
SELECT GET(OBJECT_CONSTRUCT(c_phone, 1), '25-989-741-2988') FROM customer;
--#S-evade-90 | column-evasion | must=MASKED | a column under the table's name
SELECT customer.c_phone FROM customer;
--#S-evade-91 | column-evasion | must=MASKED | a column under the schema's name in WHERE
SELECT 1 FROM gw.public.customer WHERE gw.public.customer.c_phone LIKE '25%';
--#S-evade-92 | column-evasion | must=MASKED | quoted columns
SELECT "C_PHONE", c."C_NAME" FROM customer c;
--#S-evade-93 | column-evasion | must=DENY | a quoted lower-case column
SELECT "c_phone" FROM customer;
--#S-evade-94 | column-evasion | must=DENY | a column by position in a function
SELECT UPPER($5) FROM customer;
--#S-evade-95 | column-evasion | must=DENY | a column by position in ORDER of a derived table
SELECT $2 FROM (SELECT c_custkey, c_phone FROM customer);
--#S-evade-96 | column-evasion | must=DENY | a range of columns by position
SELECT $1, $2, $3 FROM customer;
--#S-evade-97 | column-evasion | must=DENY | a pseudo-column of the row
SELECT METADATA$ACTION FROM customer;
--#S-evade-98 | column-evasion | must=DENY | a pseudo-column of the file
SELECT METADATA$FILENAME FROM customer;
--#S-evade-99 | column-evasion | must=DENY | renaming by position in a join
SELECT v.e FROM nation n JOIN customer AS v(a, b, c, d, e) ON TRUE;
--#S-evade-100 | column-evasion | must=MASKED | MATCH_RECOGNIZE in a derived table
SELECT * FROM (SELECT * FROM customer MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES LAST(c_phone) AS f PATTERN (a+) DEFINE a AS c_acctbal > 0));
--#S-evade-101 | column-evasion | must=DENY | an unknown column in ORDER BY
SELECT c_custkey FROM customer ORDER BY c_ssn;
--#S-evade-102 | column-evasion | must=DENY | an unknown column in GROUP BY
SELECT COUNT(*) FROM customer GROUP BY c_ssn;
--#S-evade-103 | column-evasion | must=DENY | an unknown column in HAVING
SELECT c_nationkey FROM customer GROUP BY 1 HAVING MAX(c_ssn) > 1;
--#S-evade-104 | column-evasion | must=DENY | an unknown column in a window
SELECT RANK() OVER (ORDER BY c_ssn) FROM customer;
--#S-evade-105 | column-evasion | must=DENY | an unknown column in QUALIFY
SELECT c_custkey FROM customer QUALIFY ROW_NUMBER() OVER (ORDER BY c_ssn) = 1;
--#S-evade-106 | column-evasion | must=DENY | an unknown column of a derived table
SELECT q.c_phone FROM (SELECT c_custkey FROM customer) q;
--#S-evade-107 | column-evasion | must=DENY | an unknown column of a CTE
WITH a AS (SELECT c_custkey FROM customer) SELECT c_phone FROM a;
--#S-evade-108 | column-evasion | must=DENY | an unknown column in USING
SELECT 1 FROM orders JOIN nation USING (c_ssn);
--#S-evade-109 | column-evasion | must=DENY | a column that only the raw view source has
SELECT c_name FROM v_cust;
