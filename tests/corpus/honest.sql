-- Honest statements, such as analysts write: all are permitted, and those over open tables run as before.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

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
--#S-ask-01 | honest | must=ALLOW | revenue by month
SELECT DATE_TRUNC('month', o_orderdate) AS month, COUNT(*) AS orders, SUM(o_totalprice) AS revenue FROM orders GROUP BY 1 ORDER BY 1;
--#S-ask-02 | honest | must=ALLOW | month over month
WITH m AS (SELECT DATE_TRUNC('month', o_orderdate) AS month, SUM(o_totalprice) AS revenue FROM orders GROUP BY 1) SELECT month, revenue, revenue - LAG(revenue) OVER (ORDER BY month) AS change, DIV0(revenue, LAG(revenue) OVER (ORDER BY month)) - 1 AS growth FROM m ORDER BY month;
--#S-ask-03 | honest | must=ALLOW | year to date
SELECT o_orderdate, SUM(SUM(o_totalprice)) OVER (PARTITION BY YEAR(o_orderdate) ORDER BY o_orderdate ROWS UNBOUNDED PRECEDING) AS ytd FROM orders GROUP BY o_orderdate;
--#S-ask-04 | honest | must=ALLOW | moving average over seven days
SELECT o_orderdate, AVG(SUM(o_totalprice)) OVER (ORDER BY o_orderdate ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM orders GROUP BY o_orderdate;
--#S-ask-05 | honest | must=ALLOW | a frame that looks ahead
SELECT o_orderkey, MAX(o_totalprice) OVER (PARTITION BY o_custkey ORDER BY o_orderdate ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) FROM orders;
--#S-ask-06 | honest | must=ALLOW | a frame by range
SELECT o_orderkey, SUM(o_totalprice) OVER (ORDER BY o_orderdate RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM orders;
--#S-ask-07 | honest | must=ALLOW | a frame by a range of days
SELECT o_orderkey, COUNT(*) OVER (ORDER BY o_orderdate RANGE BETWEEN INTERVAL '7 days' PRECEDING AND CURRENT ROW) FROM orders;
--#S-ask-08 | honest | must=ALLOW | first and last order of each customer
SELECT DISTINCT o_custkey, FIRST_VALUE(o_orderkey) OVER (PARTITION BY o_custkey ORDER BY o_orderdate), LAST_VALUE(o_orderkey) OVER (PARTITION BY o_custkey ORDER BY o_orderdate ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM orders;
--#S-ask-09 | honest | must=ALLOW | nulls ignored in a window
SELECT e_id, LAST_VALUE(e_amount IGNORE NULLS) OVER (PARTITION BY e_user ORDER BY e_at) FROM events;
--#S-ask-10 | honest | must=ALLOW | nulls ignored behind the bracket
SELECT e_id, LAG(e_amount) IGNORE NULLS OVER (PARTITION BY e_user ORDER BY e_at) FROM events;
--#S-ask-11 | honest | must=ALLOW | LAG with a default
SELECT o_orderkey, LAG(o_totalprice, 2, 0) OVER (PARTITION BY o_custkey ORDER BY o_orderdate, o_orderkey) FROM orders;
--#S-ask-12 | honest | must=ALLOW | ranks of every kind
SELECT p_name, RANK() OVER (PARTITION BY p_brand ORDER BY p_retailprice DESC), DENSE_RANK() OVER (PARTITION BY p_brand ORDER BY p_retailprice DESC), ROW_NUMBER() OVER (PARTITION BY p_brand ORDER BY p_retailprice DESC), NTILE(4) OVER (PARTITION BY p_brand ORDER BY p_retailprice DESC), PERCENT_RANK() OVER (PARTITION BY p_brand ORDER BY p_retailprice DESC), CUME_DIST() OVER (PARTITION BY p_brand ORDER BY p_retailprice DESC) FROM part;
--#S-ask-13 | honest | must=ALLOW | top three of each group
SELECT p_brand, p_name, p_retailprice FROM part QUALIFY ROW_NUMBER() OVER (PARTITION BY p_brand ORDER BY p_retailprice DESC, p_partkey) <= 3 ORDER BY 1, 3 DESC;
--#S-ask-14 | honest | must=ALLOW | QUALIFY over an alias
SELECT p_name, RANK() OVER (ORDER BY p_size DESC) AS r FROM part QUALIFY r <= 10;
--#S-ask-15 | honest | must=ALLOW | QUALIFY after GROUP BY and HAVING
SELECT l_partkey, SUM(l_quantity) AS q FROM lineitem GROUP BY l_partkey HAVING SUM(l_quantity) > 10 QUALIFY RANK() OVER (ORDER BY q DESC) <= 5;
--#S-ask-16 | honest | must=ALLOW | duplicates removed
SELECT * FROM events QUALIFY ROW_NUMBER() OVER (PARTITION BY e_user, e_kind ORDER BY e_at DESC) = 1;
--#S-ask-17 | honest | must=ALLOW | sessions by gaps
WITH g AS (SELECT e_user, e_at, IFF(DATEDIFF('minute', LAG(e_at) OVER (PARTITION BY e_user ORDER BY e_at), e_at) > 30, 1, 0) AS is_new FROM events) SELECT e_user, e_at, SUM(is_new) OVER (PARTITION BY e_user ORDER BY e_at) AS session_no FROM g;
--#S-ask-18 | honest | must=ALLOW | a funnel
SELECT COUNT(DISTINCT IFF(e_kind = 'view', e_user, NULL)) AS viewed, COUNT(DISTINCT IFF(e_kind = 'cart', e_user, NULL)) AS carted, COUNT(DISTINCT IFF(e_kind = 'buy', e_user, NULL)) AS bought FROM events;
--#S-ask-19 | honest | must=ALLOW | retention
WITH f AS (SELECT e_user, MIN(DATE_TRUNC('week', e_at)) AS cohort FROM events GROUP BY 1) SELECT f.cohort, DATEDIFF('week', f.cohort, e.e_at) AS w, COUNT(DISTINCT e.e_user) FROM events e JOIN f ON f.e_user = e.e_user GROUP BY 1, 2 ORDER BY 1, 2;
--#S-ask-20 | honest | must=ALLOW | islands of days
SELECT e_user, MIN(d), MAX(d), COUNT(*) FROM (SELECT e_user, e_at::DATE AS d, DATEADD('day', -ROW_NUMBER() OVER (PARTITION BY e_user ORDER BY e_at::DATE), e_at::DATE) AS grp FROM events GROUP BY e_user, e_at::DATE) GROUP BY e_user, grp;
--#S-ask-21 | honest | must=ALLOW | changes by CONDITIONAL_CHANGE_EVENT
SELECT e_user, e_kind, CONDITIONAL_CHANGE_EVENT(e_kind) OVER (PARTITION BY e_user ORDER BY e_at) FROM events;
--#S-ask-22 | honest | must=ALLOW | PIVOT by a list
SELECT * FROM (SELECT o_orderstatus, o_orderpriority, o_totalprice FROM orders) PIVOT(SUM(o_totalprice) FOR o_orderstatus IN ('F', 'O', 'P')) AS p (priority, f, o, p) ORDER BY priority;
--#S-ask-23 | honest | must=ALLOW | PIVOT by any value
SELECT * FROM (SELECT n_regionkey, n_name FROM nation) PIVOT(COUNT(n_name) FOR n_regionkey IN (ANY ORDER BY n_regionkey));
--#S-ask-24 | honest | must=ALLOW | PIVOT of a CTE
WITH q AS (SELECT YEAR(o_orderdate) AS y, o_orderstatus, o_totalprice FROM orders) SELECT * FROM q PIVOT(AVG(o_totalprice) FOR o_orderstatus IN ('F', 'O')) ORDER BY y;
--#S-ask-25 | honest | must=ALLOW | UNPIVOT of measures
SELECT l_orderkey, measure, amount FROM lineitem UNPIVOT(amount FOR measure IN (l_quantity, l_extendedprice, l_discount, l_tax));
--#S-ask-26 | honest | must=ALLOW | FLATTEN of a document's list
SELECT e.e_id, f.value:sku::STRING AS sku, f.value:qty::INT AS qty FROM events e, LATERAL FLATTEN(INPUT => e.e_data:items) f;
--#S-ask-27 | honest | must=ALLOW | FLATTEN with OUTER and a path
SELECT e.e_id, f.index, f.value FROM events e, LATERAL FLATTEN(INPUT => e.e_data, PATH => 'items', OUTER => TRUE) f;
--#S-ask-28 | honest | must=ALLOW | FLATTEN, recursive
SELECT f.path, f.key, f.value FROM events e, LATERAL FLATTEN(INPUT => e.e_data, RECURSIVE => TRUE, MODE => 'OBJECT') f WHERE f.key = 'id';
--#S-ask-29 | honest | must=ALLOW | FLATTEN twice
SELECT e.e_id, i.value:sku::STRING, t.value::STRING FROM events e, LATERAL FLATTEN(INPUT => e.e_data:items) i, LATERAL FLATTEN(INPUT => i.value:tags) t;
--#S-ask-30 | honest | must=ALLOW | FLATTEN by JOIN
SELECT e.e_id, f.value FROM events e JOIN LATERAL FLATTEN(INPUT => e.e_data:items) f ON TRUE;
--#S-ask-31 | honest | must=ALLOW | FLATTEN by TABLE
SELECT f.key, COUNT(*) FROM events e, TABLE(FLATTEN(e.e_data)) f GROUP BY f.key;
--#S-ask-32 | honest | must=ALLOW | paths of every kind
SELECT e_data:a, e_data:a.b.c, e_data:a[0], e_data['a']['b'], e_data:"Quoted Key", e_data:a[0].b::FLOAT, GET_PATH(e_data, 'a.b'), GET(e_data, 'a') FROM events;
--#S-ask-33 | honest | must=ALLOW | a path in conditions, groups and order
SELECT e_data:country::STRING AS country, SUM(e_data:price::NUMBER(12,2)) FROM events WHERE e_data:country IS NOT NULL AND e_data:price::FLOAT > 1 GROUP BY e_data:country::STRING ORDER BY 2 DESC;
--#S-ask-34 | honest | must=ALLOW | documents built
SELECT OBJECT_CONSTRUCT('user', e_user, 'events', ARRAY_AGG(OBJECT_CONSTRUCT('at', e_at, 'kind', e_kind)) WITHIN GROUP (ORDER BY e_at)) FROM events GROUP BY e_user;
--#S-ask-35 | honest | must=ALLOW | documents parsed
SELECT TRY_PARSE_JSON(o_comment):x::INT, PARSE_JSON('{"a": 1}'):a, TYPEOF(PARSE_JSON('[1]')), IS_ARRAY(PARSE_JSON('[1]')) FROM orders;
--#S-ask-36 | honest | must=ALLOW | array functions
SELECT ARRAY_SIZE(e_data:items), ARRAY_CONTAINS('x'::VARIANT, e_data:tags), ARRAY_TO_STRING(e_data:tags, ','), ARRAY_SLICE(e_data:tags, 0, 2), ARRAY_DISTINCT(e_data:tags), ARRAYS_OVERLAP(e_data:tags, ['a', 'b']) FROM events;
--#S-ask-37 | honest | must=ALLOW | object functions
SELECT OBJECT_KEYS(e_data), OBJECT_INSERT(e_data, 'k', 1), OBJECT_DELETE(e_data, 'k'), OBJECT_PICK(e_data, 'a', 'b') FROM events;
--#S-ask-38 | honest | must=ALLOW | higher-order functions
SELECT TRANSFORM(e_data:items, x -> x:price * x:qty), FILTER(e_data:items, x -> x:qty > 1), REDUCE(e_data:nums, 0, (acc, x) -> acc + x) FROM events;
--#S-ask-39 | honest | must=ALLOW | lists within groups
SELECT n_regionkey, LISTAGG(n_name, ', ') WITHIN GROUP (ORDER BY n_name DESC), LISTAGG(DISTINCT LEFT(n_name, 1)) WITHIN GROUP (ORDER BY LEFT(n_name, 1)) FROM nation GROUP BY n_regionkey;
--#S-ask-40 | honest | must=ALLOW | percentiles within groups
SELECT o_orderpriority, PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY o_totalprice), PERCENTILE_DISC(0.75) WITHIN GROUP (ORDER BY o_totalprice) FROM orders GROUP BY o_orderpriority;
--#S-ask-41 | honest | must=ALLOW | percentiles over a partition
SELECT o_orderkey, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY o_totalprice) OVER (PARTITION BY o_custkey) FROM orders;
--#S-ask-42 | honest | must=ALLOW | approximate aggregates
SELECT APPROX_COUNT_DISTINCT(o_custkey), HLL(o_custkey), APPROX_PERCENTILE(o_totalprice, 0.99), APPROX_TOP_K(o_orderstatus, 3) FROM orders;
--#S-ask-43 | honest | must=ALLOW | statistics
SELECT STDDEV(o_totalprice), VAR_POP(o_totalprice), CORR(o_totalprice, o_shippriority), REGR_SLOPE(o_totalprice, o_shippriority), SKEW(o_totalprice), KURTOSIS(o_totalprice), MODE(o_orderstatus) FROM orders;
--#S-ask-44 | honest | must=ALLOW | conditional counts
SELECT COUNT_IF(o_totalprice > 100), SUM(CASE WHEN o_orderstatus = 'F' THEN o_totalprice ELSE 0 END), AVG(NULLIF(o_totalprice, 0)), MAX_BY(o_orderkey, o_totalprice), ANY_VALUE(o_clerk), BOOLOR_AGG(o_totalprice > 1) FROM orders;
--#S-ask-45 | honest | must=ALLOW | GROUPING SETS with names
SELECT o_orderstatus, o_orderpriority, GROUPING_ID(o_orderstatus, o_orderpriority) AS level, SUM(o_totalprice) FROM orders GROUP BY GROUPING SETS ((o_orderstatus, o_orderpriority), (o_orderstatus), ()) ORDER BY level;
--#S-ask-46 | honest | must=ALLOW | ROLLUP
SELECT YEAR(o_orderdate) AS y, MONTH(o_orderdate) AS m, SUM(o_totalprice) FROM orders GROUP BY ROLLUP (YEAR(o_orderdate), MONTH(o_orderdate)) ORDER BY 1, 2;
--#S-ask-47 | honest | must=ALLOW | CUBE
SELECT l_returnflag, l_linestatus, COUNT(*) FROM lineitem GROUP BY CUBE (l_returnflag, l_linestatus);
--#S-ask-48 | honest | must=ALLOW | GROUP BY ALL
SELECT l_returnflag, l_linestatus, SUM(l_quantity), COUNT(*) FROM lineitem GROUP BY ALL ORDER BY ALL;
--#S-ask-49 | honest | must=ALLOW | HAVING on an alias
SELECT s_nationkey, AVG(s_acctbal) AS a FROM supplier GROUP BY s_nationkey HAVING a > 0;
--#S-ask-50 | honest | must=ALLOW | ORDER BY an expression, nulls last
SELECT p_name, p_size FROM part ORDER BY ABS(p_size - 20) ASC NULLS LAST, p_name LIMIT 20 OFFSET 5;
--#S-ask-51 | honest | must=ALLOW | FETCH
SELECT p_name FROM part ORDER BY p_name OFFSET 10 ROWS FETCH NEXT 10 ROWS ONLY;
--#S-ask-52 | honest | must=ALLOW | union of three
SELECT 'n' AS kind, n_name AS name FROM nation UNION ALL SELECT 'r', r_name FROM region UNION ALL SELECT 's', s_name FROM supplier ORDER BY kind, name;
--#S-ask-53 | honest | must=ALLOW | intersection and difference
(SELECT o_custkey FROM orders WHERE YEAR(o_orderdate) = 1995 INTERSECT SELECT o_custkey FROM orders WHERE YEAR(o_orderdate) = 1996) EXCEPT SELECT o_custkey FROM orders WHERE YEAR(o_orderdate) = 1997;
--#S-ask-54 | honest | must=ALLOW | MINUS
SELECT r_regionkey FROM region MINUS SELECT n_regionkey FROM nation;
--#S-ask-55 | honest | must=ALLOW | UNION BY NAME
SELECT n_name AS name, n_nationkey AS id FROM nation UNION ALL BY NAME SELECT r_regionkey AS id, r_name AS name FROM region;
--#S-ask-56 | honest | must=ALLOW | a set operation in a derived table
SELECT kind, COUNT(*) FROM (SELECT 'a' AS kind FROM nation UNION ALL SELECT 'b' FROM region) u GROUP BY kind;
--#S-ask-57 | honest | must=ALLOW | correlated scalar subquery
SELECT n.n_name, (SELECT COUNT(*) FROM supplier s WHERE s.s_nationkey = n.n_nationkey) AS suppliers FROM nation n;
--#S-ask-58 | honest | must=ALLOW | correlated above average
SELECT p.p_name FROM part p WHERE p.p_retailprice > (SELECT 1.2 * AVG(q.p_retailprice) FROM part q WHERE q.p_brand = p.p_brand);
--#S-ask-59 | honest | must=ALLOW | anti join
SELECT p_name FROM part p WHERE NOT EXISTS (SELECT 1 FROM lineitem l WHERE l.l_partkey = p.p_partkey);
--#S-ask-60 | honest | must=ALLOW | semi join of two columns
SELECT * FROM partsupp WHERE (ps_partkey, ps_suppkey) IN (SELECT l_partkey, l_suppkey FROM lineitem);
--#S-ask-61 | honest | must=ALLOW | comparison with ALL and ANY
SELECT p_name FROM part WHERE p_retailprice >= ALL (SELECT p_retailprice FROM part) OR p_size = ANY (SELECT n_nationkey FROM nation);
--#S-ask-62 | honest | must=ALLOW | dates in parts
SELECT YEAR(o_orderdate), MONTH(o_orderdate), DAY(o_orderdate), DAYOFWEEK(o_orderdate), DAYOFYEAR(o_orderdate), WEEK(o_orderdate), EXTRACT(quarter FROM o_orderdate), DATE_PART('epoch_second', o_orderdate) FROM orders;
--#S-ask-63 | honest | must=ALLOW | dates moved
SELECT DATEADD('month', -3, CURRENT_DATE), ADD_MONTHS(o_orderdate, 1), o_orderdate + 7, o_orderdate - 1, LAST_DAY(o_orderdate), NEXT_DAY(o_orderdate, 'mo'), PREVIOUS_DAY(o_orderdate, 'fr'), DATEADD(quarter, 1, o_orderdate) FROM orders;
--#S-ask-64 | honest | must=ALLOW | dates apart
SELECT DATEDIFF(day, l_shipdate, l_receiptdate), TIMEDIFF(hour, e_at, CURRENT_TIMESTAMP()), MONTHS_BETWEEN(l_receiptdate, l_shipdate), l_receiptdate - l_shipdate FROM lineitem, events;
--#S-ask-65 | honest | must=ALLOW | the last thirty days
SELECT COUNT(*) FROM events WHERE e_at >= DATEADD(day, -30, CURRENT_TIMESTAMP()) AND e_at < CURRENT_DATE;
--#S-ask-66 | honest | must=ALLOW | dates made
SELECT DATE_FROM_PARTS(2024, 1, 31), TIMESTAMP_FROM_PARTS(2024, 1, 31, 12, 0, 0), TO_DATE('31.01.2024', 'DD.MM.YYYY'), '2024-01-31'::DATE, DATE '2024-01-31', TO_TIMESTAMP(1700000000), TO_TIMESTAMP_NTZ('2024-01-31 10:00:00');
--#S-ask-67 | honest | must=ALLOW | dates written
SELECT TO_CHAR(o_orderdate, 'YYYY-"Q"Q'), TO_VARCHAR(e_at, 'YYYY-MM-DD HH24:MI:SS'), MONTHNAME(o_orderdate), DAYNAME(o_orderdate) FROM orders, events;
--#S-ask-68 | honest | must=ALLOW | slices of time
SELECT TIME_SLICE(e_at, 15, 'MINUTE'), TIME_SLICE(e_at, 1, 'WEEK', 'END'), COUNT(*) FROM events GROUP BY 1, 2;
--#S-ask-69 | honest | must=ALLOW | zones
SELECT CONVERT_TIMEZONE('America/New_York', e_at), CONVERT_TIMEZONE('UTC', 'Asia/Tokyo', e_at) FROM events;
--#S-ask-70 | honest | must=ALLOW | a calendar by a generator
SELECT DATEADD(day, ROW_NUMBER() OVER (ORDER BY SEQ4()) - 1, '2024-01-01'::DATE) AS d FROM TABLE(GENERATOR(ROWCOUNT => 366));
--#S-ask-71 | honest | must=ALLOW | a calendar left-joined
WITH days AS (SELECT DATEADD(day, SEQ4(), '1995-01-01'::DATE) AS d FROM TABLE(GENERATOR(ROWCOUNT => 31))) SELECT d, COALESCE(SUM(o_totalprice), 0) FROM days LEFT JOIN orders ON o_orderdate = d GROUP BY d ORDER BY d;
--#S-ask-72 | honest | must=ALLOW | regular expressions of every kind
SELECT REGEXP_SUBSTR(p_type, '[A-Z]+', 1, 2), REGEXP_REPLACE(p_name, '\\s+', '_'), REGEXP_COUNT(p_comment, 'a'), REGEXP_INSTR(p_name, 'b'), REGEXP_SUBSTR(p_name, '(\\w+) (\\w+)', 1, 1, 'e', 2) FROM part WHERE p_type REGEXP '.*BRASS$' AND p_name NOT RLIKE '^x';
--#S-ask-73 | honest | must=ALLOW | text functions
SELECT UPPER(p_name), INITCAP(p_name), TRIM(p_comment), LPAD(p_partkey::VARCHAR, 10, '0'), SPLIT_PART(p_type, ' ', -1), CONCAT_WS('-', p_brand, p_container), LEFT(p_name, 3) || '...', REPLACE(p_name, 'a', 'b'), LENGTH(p_name), CHARINDEX('a', p_name), REVERSE(p_name) FROM part;
--#S-ask-74 | honest | must=ALLOW | matching
SELECT p_name FROM part WHERE p_name LIKE '%green%' AND p_type LIKE ANY ('%BRASS', '%TIN') AND p_name NOT ILIKE 'x%' AND CONTAINS(p_name, 'a') AND STARTSWITH(p_brand, 'Brand') AND p_name LIKE '50\\%' ESCAPE '\\';
--#S-ask-75 | honest | must=ALLOW | safe conversions
SELECT TRY_CAST(p_comment AS INT), TRY_TO_NUMBER(p_comment), TRY_TO_NUMBER(p_comment, 10, 2), TRY_TO_DATE(p_comment), TRY_TO_TIMESTAMP(p_comment), TRY_TO_BOOLEAN(p_comment), TRY_TO_DOUBLE(p_comment), TRY_PARSE_JSON(p_comment) FROM part;
--#S-ask-76 | honest | must=ALLOW | conversions
SELECT p_retailprice::INT, CAST(p_size AS VARCHAR(10)), TO_NUMBER('12.5', 10, 1), p_retailprice::NUMBER(10,1), TO_DECIMAL(p_size), TO_BOOLEAN('true'), p_size::FLOAT / 3 FROM part;
--#S-ask-77 | honest | must=ALLOW | numbers
SELECT ROUND(p_retailprice, 1), CEIL(p_retailprice), FLOOR(p_retailprice), TRUNC(p_retailprice, 1), MOD(p_size, 7), p_size % 7, POWER(p_size, 2), SQRT(p_size), LN(p_size), LOG(10, p_size), SIGN(p_size), ABS(-p_size), WIDTH_BUCKET(p_retailprice, 0, 2000, 10) FROM part;
--#S-ask-78 | honest | must=ALLOW | missing values
SELECT NVL(p_comment, ''), COALESCE(p_comment, p_name, 'x'), IFNULL(p_size, 0), NVL2(p_comment, 1, 0), NULLIF(p_size, 0), ZEROIFNULL(p_size), IFF(p_size IS NULL, 'none', 'some'), p_size IS NOT DISTINCT FROM NULL FROM part;
--#S-ask-79 | honest | must=ALLOW | choices
SELECT CASE WHEN p_size < 10 THEN 'S' WHEN p_size < 30 THEN 'M' ELSE 'L' END AS size, CASE p_container WHEN 'JAR' THEN 1 ELSE 0 END, DECODE(p_brand, 'Brand#1', 'one', 'Brand#2', 'two', 'other'), GREATEST(p_size, 10), LEAST(p_size, 10) FROM part;
--#S-ask-80 | honest | must=ALLOW | a chain of common table expressions
WITH li AS (SELECT l_orderkey, SUM(l_extendedprice * (1 - l_discount)) AS net FROM lineitem GROUP BY l_orderkey), o AS (SELECT o_orderkey, o_custkey, o_orderdate FROM orders WHERE o_orderstatus = 'F'), j AS (SELECT o.o_custkey, li.net FROM o JOIN li ON li.l_orderkey = o.o_orderkey), r AS (SELECT o_custkey, SUM(net) AS net, RANK() OVER (ORDER BY SUM(net) DESC) AS rk FROM j GROUP BY o_custkey) SELECT * FROM r WHERE rk <= 10 ORDER BY rk;
--#S-ask-81 | honest | must=ALLOW | a recursive hierarchy
WITH RECURSIVE t (id, depth, path) AS (SELECT n_nationkey, 0, n_name::VARCHAR FROM nation WHERE n_regionkey = 0 UNION ALL SELECT n.n_nationkey, t.depth + 1, t.path || '/' || n.n_name FROM nation n JOIN t ON n.n_regionkey = t.id WHERE t.depth < 3) SELECT * FROM t;
--#S-ask-82 | honest | must=ALLOW | recursive numbers
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT SUM(i) FROM n;
--#S-ask-83 | honest | must=ALLOW | joins of every kind
SELECT n.n_name, r.r_name, s.s_name, o.o_orderkey FROM nation n JOIN region r ON r.r_regionkey = n.n_regionkey LEFT OUTER JOIN supplier s ON s.s_nationkey = n.n_nationkey FULL JOIN orders o ON o.o_custkey = s.s_suppkey CROSS JOIN (SELECT 1 AS one) x;
--#S-ask-84 | honest | must=ALLOW | USING
SELECT ps_partkey, p.p_name FROM partsupp ps JOIN (SELECT p_partkey AS ps_partkey, p_name FROM part) p USING (ps_partkey);
--#S-ask-85 | honest | must=ALLOW | NATURAL JOIN
SELECT * FROM nation NATURAL JOIN (SELECT n_nationkey, COUNT(*) AS c FROM nation GROUP BY 1);
--#S-ask-86 | honest | must=ALLOW | comma joins
SELECT COUNT(*) FROM nation, region, supplier WHERE n_regionkey = r_regionkey AND s_nationkey = n_nationkey;
--#S-ask-87 | honest | must=ALLOW | a range join
SELECT COUNT(*) FROM orders o JOIN lineitem l ON l.l_orderkey = o.o_orderkey AND l.l_shipdate BETWEEN o.o_orderdate AND o.o_orderdate + 30;
--#S-ask-88 | honest | must=ALLOW | a self join
SELECT a.n_name, b.n_name FROM nation a JOIN nation b ON a.n_regionkey = b.n_regionkey AND a.n_nationkey < b.n_nationkey;
--#S-ask-89 | honest | must=ALLOW | an ASOF join by customer
SELECT o.o_orderkey, e.e_at FROM orders o ASOF JOIN events e MATCH_CONDITION(o.o_orderdate >= e.e_at) ON o.o_custkey = e.e_user;
--#S-ask-90 | honest | must=ALLOW | joins in brackets
SELECT n.n_name FROM nation n LEFT JOIN (region r JOIN supplier s ON s.s_suppkey = r.r_regionkey) ON r.r_regionkey = n.n_regionkey;
--#S-ask-91 | honest | must=ALLOW | lateral aliases
SELECT l_extendedprice * (1 - l_discount) AS net, net * (1 + l_tax) AS gross, gross - net AS tax FROM lineitem WHERE gross > 100;
--#S-ask-92 | honest | must=ALLOW | stars of every kind
SELECT n.* EXCLUDE (n_comment) RENAME (n_name AS name), r.* EXCLUDE r_comment FROM nation n JOIN region r ON r.r_regionkey = n.n_regionkey;
--#S-ask-93 | honest | must=ALLOW | a star replaced
SELECT * REPLACE (UPPER(n_name) AS n_name) FROM nation;
--#S-ask-94 | honest | must=ALLOW | a star by pattern
SELECT * ILIKE 'n_%' FROM nation;
--#S-ask-95 | honest | must=ALLOW | values as a table
SELECT t.code, t.label, COUNT(o.o_orderkey) FROM (VALUES ('F', 'finished'), ('O', 'open')) AS t(code, label) LEFT JOIN orders o ON o.o_orderstatus = t.code GROUP BY 1, 2;
--#S-ask-96 | honest | must=ALLOW | a long list
SELECT * FROM nation WHERE n_nationkey IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) AND n_name NOT IN ('X', 'Y');
--#S-ask-97 | honest | must=ALLOW | conditions of every kind
SELECT * FROM part WHERE (p_size BETWEEN 1 AND 5 OR NOT p_size > 40) AND p_brand <> 'Brand#1' AND p_brand != 'x' AND p_container IS NOT NULL AND (p_size = 1) IS NOT TRUE;
--#S-ask-98 | honest | must=ALLOW | shares of a total
SELECT n_regionkey, COUNT(*) / SUM(COUNT(*)) OVER () AS share, ROUND(100 * RATIO_TO_REPORT(COUNT(*)) OVER (), 1) AS pct FROM nation GROUP BY n_regionkey;
--#S-ask-99 | honest | must=ALLOW | deciles
SELECT decile, MIN(o_totalprice), MAX(o_totalprice) FROM (SELECT o_totalprice, NTILE(10) OVER (ORDER BY o_totalprice) AS decile FROM orders) GROUP BY decile;
--#S-ask-100 | honest | must=ALLOW | a median by a window
SELECT o_orderkey, MEDIAN(o_totalprice) OVER (PARTITION BY o_orderstatus) FROM orders;
--#S-ask-101 | honest | must=ALLOW | hashes as keys
SELECT MD5(CONCAT_WS('|', l_orderkey, l_linenumber)) AS k, HASH(l_orderkey, l_linenumber), SHA2(l_comment, 256) FROM lineitem;
--#S-ask-102 | honest | must=ALLOW | a sample of rows
SELECT AVG(l_quantity) FROM lineitem TABLESAMPLE BERNOULLI (100 ROWS);
--#S-ask-103 | honest | must=ALLOW | a masked table, counted and joined
SELECT c_mktsegment, COUNT(*) FROM customer c JOIN orders o ON o.o_custkey = c.c_custkey GROUP BY c_mktsegment;
--#S-ask-104 | honest | must=ALLOW | a masked table by its public columns
SELECT c_custkey, c_nationkey FROM customer WHERE c_mktsegment IN ('BUILDING', 'AUTOMOBILE') ORDER BY 1 LIMIT 10;
--#S-ask-105 | honest | must=ALLOW | binds among functions
SELECT e_kind, COUNT(*) FROM events WHERE e_at BETWEEN ? AND DATEADD(day, ?, ?::DATE) AND e_kind ILIKE '%' || ? || '%' GROUP BY 1 HAVING COUNT(*) > ? LIMIT ? OFFSET ?;
--#S-ask-106 | honest | must=ALLOW | quoted names with spaces
SELECT n_name AS "Nation", COUNT(*) AS "How many" FROM nation GROUP BY "Nation" ORDER BY "How many" DESC;
--#S-ask-107 | honest | must=ALLOW | mixed case throughout
sElEcT N_Name As Name FrOm Gw.Public.Nation WhErE n_regionKEY = 1 oRdEr By NAME;
--#S-ask-108 | honest | must=ALLOW | comments and a trailing semicolon
-- weekly report
SELECT n_name, /* key */ n_nationkey FROM nation; -- end
--#S-ask-109 | honest | must=ALLOW | a hierarchy by CONNECT BY
SELECT LEVEL, CONNECT_BY_ROOT n_name AS root, n_name FROM nation START WITH n_nationkey = 0 CONNECT BY PRIOR n_nationkey = n_regionkey ORDER BY LEVEL;
--#S-ask-110 | honest | must=ALLOW | text split into rows
SELECT p.p_partkey, s.value, s.index FROM part p, LATERAL SPLIT_TO_TABLE(p.p_name, ' ') s;
--#S-ask-111 | honest | must=ALLOW | bits
SELECT BITAND(p_size, 3), BITOR(p_size, 4), BITXOR(p_size, 1), BITSHIFTLEFT(p_size, 2), BITNOT(p_size) FROM part;
--#S-ask-112 | honest | must=ALLOW | places on earth
SELECT HAVERSINE(40.7, -74.0, 34.0, -118.2), ST_DISTANCE(ST_MAKEPOINT(-74.0, 40.7), ST_MAKEPOINT(-118.2, 34.0)), H3_LATLNG_TO_CELL(40.7, -74.0, 8);
--#S-ask-113 | honest | must=ALLOW | random numbers
SELECT UNIFORM(1, 10, RANDOM(42)), NORMAL(0, 1, RANDOM(1)), RANDSTR(5, RANDOM(3)), UUID_STRING() FROM TABLE(GENERATOR(ROWCOUNT => 3));
--#S-ask-114 | honest | must=ALLOW | an update of one row by a bind
UPDATE region SET r_comment = ? WHERE r_regionkey = ?;
--#S-ask-115 | honest | must=ALLOW | an update from another table
UPDATE nation SET n_comment = r.r_comment FROM region r WHERE r.r_regionkey = nation.n_regionkey;
--#S-ask-116 | honest | must=ALLOW | a delete by a subquery
DELETE FROM partsupp WHERE ps_partkey IN (SELECT p_partkey FROM part WHERE p_size > 49);
--#S-ask-117 | honest | must=ALLOW | a delete by USING
DELETE FROM lineitem USING orders o WHERE o.o_orderkey = lineitem.l_orderkey AND o.o_orderstatus = 'X';
--#S-ask-118 | honest | must=ALLOW | an insert from an aggregate
INSERT INTO region (r_regionkey, r_name, r_comment) SELECT n_regionkey + 10, MIN(n_name), LISTAGG(n_name, ',') FROM nation GROUP BY 1;
--#S-ask-119 | honest | must=ALLOW | an insert of rows
INSERT INTO region (r_regionkey, r_name) VALUES (5, 'A'), (6, 'B'), (?, ?);
--#S-ask-120 | honest | must=ALLOW | an insert from a common table expression
INSERT INTO region (r_regionkey, r_name) WITH a AS (SELECT n_nationkey, n_name FROM nation) SELECT n_nationkey, n_name FROM a;
--#S-ask-121 | honest | must=ALLOW | a merge with every branch
MERGE INTO partsupp t USING (SELECT p_partkey, p_size FROM part) s ON t.ps_partkey = s.p_partkey WHEN MATCHED AND s.p_size = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET ps_availqty = s.p_size WHEN NOT MATCHED THEN INSERT (ps_partkey, ps_availqty) VALUES (s.p_partkey, s.p_size);
--#S-ask-122 | honest | must=ALLOW | a safe conversion to a truth value
SELECT TRY_CAST(p_comment AS BOOLEAN) FROM part;
--#S-ask-123 | honest | must=ALLOW | a table named by text inside a common table expression
WITH a AS (SELECT n_name FROM IDENTIFIER('gw.public.nation')) SELECT n_name FROM a;
--#S-ask-124 | honest | must=ALLOW | an object of a structured type
SELECT {'sku': 'x', 'qty': 1}::OBJECT(sku VARCHAR, qty NUMBER) FROM region;
--#S-ask-125 | honest | must=ALLOW | a safe conversion to a date and of a date
SELECT TRY_CAST(o_comment AS DATE), TRY_CAST(o_comment AS TIMESTAMP_NTZ), TRY_CAST(o_comment AS NUMBER(9, 2)), TRY_CAST(o_comment AS TIME) FROM orders;
