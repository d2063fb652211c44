-- Honest statements, construct by construct, over tables of every type: all are permitted, with masks and filters too.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

--#H-lang-01 | honest | must=ALLOW | a trailing comma in the select list
SELECT region, product, FROM sales;
--#H-lang-02 | honest | must=ALLOW | dbt's shape: import, logical and final expressions
WITH source AS (SELECT * FROM gw.public.sales), renamed AS (SELECT sale_id AS id, customer_id, sold_on::DATE AS sold_on, UPPER(region) AS region, amount * 1.0 AS amount_usd FROM source), final AS (SELECT *, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY sold_on) AS nth FROM renamed) SELECT * FROM final;
--#H-lang-03 | honest | must=ALLOW | an expression that reads the table of its own name, as dbt's import expressions do
WITH sales AS (SELECT * FROM gw.public.sales) SELECT COUNT(*) FROM sales;
--#H-lang-04 | honest | must=ALLOW | recursion over an org chart with a path
WITH RECURSIVE chart (emp_id, emp_name, depth, path) AS (SELECT emp_id, emp_name, 1, emp_name::VARCHAR(1000) FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.emp_id, e.emp_name, c.depth + 1, c.path || ' > ' || e.emp_name FROM employees e JOIN chart c ON e.manager_id = c.emp_id) SELECT * FROM chart ORDER BY path;
--#H-lang-05 | honest | must=ALLOW | recursion without the word
WITH days AS (SELECT '2024-01-01'::DATE AS d UNION ALL SELECT DATEADD('day', 1, d) FROM days WHERE d < '2024-01-31') SELECT d FROM days;
--#H-lang-06 | honest | must=ALLOW | Fibonacci
WITH RECURSIVE fib AS (SELECT 1 AS n, 0 AS a, 1 AS b UNION ALL SELECT n + 1, b, a + b FROM fib WHERE n < 20) SELECT n, a FROM fib;
--#H-lang-07 | honest | must=ALLOW | a hierarchy by CONNECT BY, indented
SELECT LPAD(' ', 2 * (LEVEL - 1)) || emp_name AS tree, LEVEL, SYS_CONNECT_BY_PATH(title, ' / ') AS path, CONNECT_BY_ROOT emp_name AS boss FROM employees START WITH manager_id IS NULL CONNECT BY manager_id = PRIOR emp_id ORDER BY emp_id;
--#H-lang-08 | honest | must=ALLOW | CONNECT BY with two priors and a filter
SELECT emp_id, manager_id, title FROM employees START WITH title = 'President' CONNECT BY manager_id = PRIOR emp_id AND dept = PRIOR dept;
--#H-lang-09 | honest | must=ALLOW | QUALIFY with a window that is not selected, over a join
SELECT s.* FROM sales s JOIN employees e ON e.emp_id = s.customer_id WHERE s.amount > 0 QUALIFY RANK() OVER (PARTITION BY s.region ORDER BY s.amount DESC) <= 3;
--#H-lang-10 | honest | must=ALLOW | QUALIFY COUNT(*) OVER for duplicates
SELECT customer_id, sold_on, amount FROM sales QUALIFY COUNT(*) OVER (PARTITION BY customer_id, sold_on, amount) > 1;
--#H-lang-11 | honest | must=ALLOW | PIVOT of static values with aliases
SELECT * FROM (SELECT region, product, amount FROM sales) PIVOT(SUM(amount) FOR region IN ('EMEA', 'APAC', 'AMER')) AS p (product, emea, apac, amer);
--#H-lang-12 | honest | must=ALLOW | PIVOT by any value, ordered
SELECT * FROM (SELECT product, region, amount FROM sales) PIVOT(SUM(amount) FOR region IN (ANY ORDER BY region)) ORDER BY product;
--#H-lang-13 | honest | must=ALLOW | PIVOT by a subquery
SELECT * FROM (SELECT product, region, amount FROM sales) PIVOT(SUM(amount) FOR region IN (SELECT DISTINCT region FROM sales WHERE amount > 0 ORDER BY region));
--#H-lang-14 | honest | must=ALLOW | PIVOT with a default for missing cells
SELECT * FROM (SELECT product, channel, quantity FROM sales) PIVOT(SUM(quantity) FOR channel IN ('web', 'store') DEFAULT ON NULL (0));
--#H-lang-15 | honest | must=ALLOW | PIVOT any with a default
SELECT * FROM (SELECT product, channel, quantity FROM sales) PIVOT(SUM(quantity) FOR channel IN (ANY) DEFAULT ON NULL (0)) ORDER BY product;
--#H-lang-16 | honest | must=ALLOW | PIVOT whose columns are named in quotes afterwards
SELECT product, "'web'" AS web, "'store'" AS store FROM (SELECT product, channel, amount FROM sales) PIVOT(SUM(amount) FOR channel IN ('web', 'store'));
--#H-lang-17 | honest | must=ALLOW | PIVOT with aliased values
SELECT product, web, store FROM (SELECT product, channel, amount FROM sales) PIVOT(AVG(amount) FOR channel IN ('web' AS web, 'store' AS store));
--#H-lang-18 | honest | must=ALLOW | UNPIVOT including nulls
SELECT * FROM (SELECT sale_id, quantity::FLOAT AS q, discount AS d FROM sales) UNPIVOT INCLUDE NULLS (val FOR what IN (q, d));
--#H-lang-19 | honest | must=ALLOW | UNPIVOT with labels
SELECT sale_id, what, val FROM (SELECT sale_id, quantity::FLOAT AS q, discount AS d FROM sales) UNPIVOT (val FOR what IN (q AS 'Quantity', d AS 'Discount')) ORDER BY 1, 2;
--#H-lang-20 | honest | must=ALLOW | FLATTEN of an object, recursively, by LATERAL
SELECT d.doc_id, f.key, f.path, f.value, f.index, f.seq, f.this FROM docs d, LATERAL FLATTEN(INPUT => d.body, RECURSIVE => TRUE, OUTER => TRUE, MODE => 'BOTH') f;
--#H-lang-21 | honest | must=ALLOW | FLATTEN by CROSS JOIN LATERAL
SELECT d.doc_id, t.value::STRING AS tag FROM docs d CROSS JOIN LATERAL FLATTEN(INPUT => d.tags) t;
--#H-lang-22 | honest | must=ALLOW | FLATTEN by LEFT JOIN LATERAL
SELECT d.doc_id, t.value::STRING AS tag FROM docs d LEFT JOIN LATERAL FLATTEN(INPUT => d.tags, OUTER => TRUE) t;
--#H-lang-23 | honest | must=ALLOW | FLATTEN chained over nested arrays
SELECT d.doc_id, o.value:id::INT AS order_id, l.value:sku::STRING AS sku, l.value:qty::INT AS qty FROM docs d, LATERAL FLATTEN(d.body:orders) o, LATERAL FLATTEN(o.value:lines) l WHERE l.value:qty > 1;
--#H-lang-24 | honest | must=ALLOW | FLATTEN of a literal array as a driver table
SELECT f.value::STRING AS region, COUNT(s.sale_id) FROM TABLE(FLATTEN(INPUT => PARSE_JSON('["EMEA","APAC"]'))) f LEFT JOIN sales s ON s.region = f.value::STRING GROUP BY 1;
--#H-lang-25 | honest | must=ALLOW | FLATTEN of SPLIT
SELECT s.sale_id, TRIM(w.value::STRING) AS word FROM sales s, LATERAL FLATTEN(INPUT => SPLIT(s.note, ',')) w;
--#H-lang-26 | honest | must=ALLOW | VARIANT paths in every spelling
SELECT body:customer.name::STRING, body['customer']['name']::STRING, body:items[0].sku, body:"Mixed Case"."Key With Space", body:items[0]['sku']::VARCHAR(20), GET(body, 'customer'), GET_PATH(body, 'items[0].sku'), GET_IGNORE_CASE(body, 'CUSTOMER') FROM docs;
--#H-lang-27 | honest | must=ALLOW | VARIANT casts
SELECT body:n::NUMBER(10, 2), body:d::DATE, body:t::TIMESTAMP_NTZ, body:b::BOOLEAN, body:f::FLOAT, body:a::ARRAY, body:o::OBJECT, body:s::VARCHAR, TRY_CAST(body:n::VARCHAR AS INT), AS_INTEGER(body:n), AS_VARCHAR(body:s) FROM docs;
--#H-lang-28 | honest | must=ALLOW | OBJECT columns and MAPs
SELECT attrs:color::STRING, attrs['size']::INT, OBJECT_KEYS(attrs), labels['x'], MAP_KEYS(labels), MAP_SIZE(labels), MAP_CONTAINS_KEY('x', labels) FROM docs;
--#H-lang-29 | honest | must=ALLOW | object literals and spreads of columns
SELECT {'id': doc_id, 'tags': tags} AS o, [doc_id, doc_id + 1] AS a, OBJECT_CONSTRUCT_KEEP_NULL('id', doc_id, 'x', NULL), ARRAY_CONSTRUCT(1, 'a', TRUE) FROM docs;
--#H-lang-30 | honest | must=ALLOW | the whole row as an object, per table
SELECT OBJECT_CONSTRUCT(*) AS row_json FROM sales LIMIT 5;
--#H-lang-31 | honest | must=ALLOW | ARRAY_AGG with DISTINCT and order
SELECT region, ARRAY_AGG(DISTINCT product) WITHIN GROUP (ORDER BY product) AS products, ARRAY_SIZE(ARRAY_AGG(DISTINCT product)) AS n FROM sales GROUP BY region;
--#H-lang-32 | honest | must=ALLOW | LISTAGG with a window
SELECT sale_id, LISTAGG(product, ', ') WITHIN GROUP (ORDER BY product) OVER (PARTITION BY region) FROM sales;
--#H-lang-33 | honest | must=ALLOW | higher-order functions with typed parameters
SELECT FILTER(tags, t STRING -> t LIKE 'a%'), TRANSFORM(tags, t STRING -> UPPER(t)), REDUCE(body:nums::ARRAY, 0, (acc INT, x INT) -> acc + x) FROM docs;
--#H-lang-34 | honest | must=ALLOW | higher-order functions over objects
SELECT FILTER(body:items::ARRAY, i -> i:price::FLOAT > 10), TRANSFORM(body:items::ARRAY, i -> OBJECT_CONSTRUCT('sku', i:sku, 'total', i:price * i:qty)), REDUCE([1, 2, 3], 0, (a, v) -> a + v) FROM docs;
--#H-lang-35 | honest | must=ALLOW | nested higher-order functions
SELECT TRANSFORM(FILTER(tags, t -> t IS NOT NULL), t -> LOWER(t::STRING)) FROM docs;
--#H-lang-36 | honest | must=ALLOW | a pattern of falling and rising prices
SELECT * FROM sales MATCH_RECOGNIZE (PARTITION BY product ORDER BY sold_on MEASURES MATCH_NUMBER() AS match_no, FIRST(sold_on) AS start_on, LAST(sold_on) AS end_on, COUNT(*) AS days, COUNT(down.*) AS falls ONE ROW PER MATCH AFTER MATCH SKIP TO LAST up PATTERN (strt down+ up+) DEFINE down AS amount < LAG(amount), up AS amount > LAG(amount)) ORDER BY product, match_no;
--#H-lang-37 | honest | must=ALLOW | a pattern with every row and an alias
SELECT m.* FROM sales MATCH_RECOGNIZE (PARTITION BY customer_id ORDER BY sold_at MEASURES CLASSIFIER() AS cls, MATCH_SEQUENCE_NUMBER() AS seq ALL ROWS PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (a b*) DEFINE b AS channel = 'web') AS m;
--#H-lang-38 | honest | must=ALLOW | ASOF JOIN with USING
SELECT s.sale_id, r.val FROM sales s ASOF JOIN (SELECT sensor_id AS customer_id, read_at::TIMESTAMP_NTZ AS at, val FROM readings) r MATCH_CONDITION (s.sold_at >= r.at) USING (customer_id);
--#H-lang-39 | honest | must=ALLOW | ASOF JOIN without equality
SELECT s.sale_id, r.val FROM sales s ASOF JOIN readings r MATCH_CONDITION (s.sold_at > r.read_at) ORDER BY 1;
--#H-lang-40 | honest | must=ALLOW | GROUPING SETS, ROLLUP and CUBE together with GROUPING
SELECT region, product, channel, GROUPING(region, product), SUM(amount) FROM sales GROUP BY GROUPING SETS ((region, product), (channel), ());
--#H-lang-41 | honest | must=ALLOW | ROLLUP with a label for the total
SELECT COALESCE(region, 'Total') AS region, COALESCE(product, 'All') AS product, SUM(amount) AS revenue FROM sales GROUP BY ROLLUP (region, product) ORDER BY GROUPING(region), region, GROUPING(product), product;
--#H-lang-42 | honest | must=ALLOW | CUBE beside a plain key
SELECT YEAR(sold_on) AS y, region, product, SUM(amount) FROM sales GROUP BY y, CUBE (region, product);
--#H-lang-43 | honest | must=ALLOW | GROUP BY ALL with expressions
SELECT DATE_TRUNC('week', sold_on) AS week, IFF(is_return, 'return', 'sale') AS kind, COUNT(*), SUM(amount) FROM sales GROUP BY ALL ORDER BY ALL;
--#H-lang-44 | honest | must=ALLOW | ORDER BY ALL with a direction
SELECT region, COUNT(*) FROM sales GROUP BY region ORDER BY ALL DESC NULLS LAST;
--#H-lang-45 | honest | must=ALLOW | a star with everything at once
SELECT * EXCLUDE (note, currency) REPLACE (ROUND(amount) AS amount) RENAME (sale_id AS id, sold_on AS day) FROM sales;
--#H-lang-46 | honest | must=ALLOW | a star by pattern with a rename
SELECT * ILIKE '%_id' RENAME (sale_id AS id) FROM sales;
--#H-lang-47 | honest | must=ALLOW | qualified stars with options
SELECT s.* EXCLUDE note, e.* RENAME (emp_name AS seller) FROM sales s JOIN employees e ON s.customer_id = e.emp_id;
--#H-lang-48 | honest | must=ALLOW | VALUES with names, and joined
SELECT v.code, v.label, COUNT(s.sale_id) FROM (VALUES ('E', 'EMEA'), ('A', 'APAC')) AS v (code, label) LEFT JOIN sales s ON s.region = v.label GROUP BY ALL;
--#H-lang-49 | honest | must=ALLOW | VALUES alone
VALUES (1, 'a'), (2, 'b'), (3, NULL);
--#H-lang-50 | honest | must=ALLOW | positions of VALUES
SELECT $1 AS id, $2 AS name FROM VALUES (1, 'one'), (2, 'two');
--#H-lang-51 | honest | must=ALLOW | positions of VALUES through an alias
SELECT v.$1, v.$2 FROM (VALUES (1, 'one'), (2, 'two')) AS v;
--#H-lang-52 | honest | must=ALLOW | UNION BY NAME with missing columns
SELECT region, amount FROM sales UNION ALL BY NAME SELECT dept AS region, salary AS amount, title FROM employees;
--#H-lang-53 | honest | must=ALLOW | nested set operations with order and limit in the arms
(SELECT region, amount FROM sales ORDER BY amount DESC LIMIT 3) UNION ALL (SELECT region, amount FROM sales ORDER BY amount LIMIT 3) ORDER BY region;
--#H-lang-54 | honest | must=ALLOW | INTERSECT, EXCEPT and MINUS mixed
SELECT customer_id FROM sales WHERE YEAR(sold_on) = 2023 INTERSECT SELECT customer_id FROM sales WHERE YEAR(sold_on) = 2024 MINUS SELECT customer_id FROM sales WHERE is_return;
--#H-lang-55 | honest | must=ALLOW | UNION DISTINCT
SELECT region FROM sales UNION DISTINCT SELECT dept FROM employees;
--#H-lang-56 | honest | must=ALLOW | FETCH in its short and long forms
SELECT sale_id FROM sales ORDER BY sale_id OFFSET 5 ROWS FETCH FIRST 5 ROWS ONLY;
--#H-lang-57 | honest | must=ALLOW | FETCH without the small words
SELECT sale_id FROM sales ORDER BY sale_id FETCH 5;
--#H-lang-58 | honest | must=ALLOW | LIMIT NULL and OFFSET
SELECT sale_id FROM sales ORDER BY sale_id LIMIT NULL OFFSET 3;
--#H-lang-59 | honest | must=ALLOW | TOP with DISTINCT
SELECT DISTINCT TOP 10 region FROM sales ORDER BY region;
--#H-lang-60 | honest | must=ALLOW | SELECT ALL
SELECT ALL region FROM sales;
--#H-lang-61 | honest | must=ALLOW | dollar-quoted strings
SELECT $$it's "quoted" \n raw$$ AS s, REGEXP_LIKE(note, $$\d{3}-\w+$$) FROM sales;
--#H-lang-62 | honest | must=ALLOW | binary literals
SELECT X'48656C6C6F', TO_BINARY('48656C6C6F', 'HEX'), x'00ff' FROM readings WHERE raw = X'00FF';
--#H-lang-63 | honest | must=ALLOW | numbers in every spelling
SELECT 1e6, 1.5E-3, .5, 10., -7, +3, 1E+2, 0.0001::FLOAT, 12345678901234567890;
--#H-lang-64 | honest | must=ALLOW | special floats
SELECT 'NaN'::FLOAT, 'inf'::FLOAT, '-inf'::FLOAT, discount = 'NaN' FROM sales;
--#H-lang-65 | honest | must=ALLOW | escapes in strings
SELECT 'tab\there', 'line\nbreak', 'quote''s', 'back\\slash', 'unicode \u26c4', '\x41', 'oct \101';
--#H-lang-66 | honest | must=ALLOW | strings side by side by operator
SELECT 'a' || 'b' || NULL || region FROM sales;
--#H-lang-67 | honest | must=ALLOW | comments and hints everywhere
SELECT /*+ MAX_CONCURRENCY(4) */ region -- the region
, /* the
sum */ SUM(amount) // in dollars
FROM sales -- facts
GROUP BY region /* one row each */;
--#H-lang-68 | honest | must=ALLOW | binds of every kind of place
SELECT * FROM sales WHERE region = ? AND sold_on BETWEEN ?::DATE AND ?::DATE AND amount > ? * 1.1 AND product IN (?, ?, ?) AND note ILIKE CONCAT('%', ?, '%') ORDER BY sold_on DESC LIMIT ? OFFSET ?;
--#H-lang-69 | honest | must=ALLOW | a sample of an expression
WITH s AS (SELECT * FROM nation) SELECT * FROM s SAMPLE (10);
--#H-lang-70 | honest | must=ALLOW | samples by rows, fractions, blocks and seeds
SELECT a.n_name, b.r_name FROM nation a TABLESAMPLE BERNOULLI (0.5) SEED (99), region b SAMPLE ROW (5 ROWS);
--#H-lang-71 | honest | must=ALLOW | quoted names with spaces and mixed case
SELECT l."Line No", l."product name", SUM(l."Unit Price") AS "Total Price" FROM "Order Lines" l WHERE l."Ship Date" >= '2024-01-01' GROUP BY 1, 2 HAVING "Total Price" > 0 ORDER BY "Total Price" DESC;
--#H-lang-72 | honest | must=ALLOW | quoted names in full
SELECT "GW"."PUBLIC"."Order Lines"."Line No" FROM "GW"."PUBLIC"."Order Lines";
--#H-lang-73 | honest | must=ALLOW | a lateral subquery with two columns
SELECT e.emp_name, x.n, x.total FROM employees e, LATERAL (SELECT COUNT(*) AS n, SUM(s.amount) AS total FROM sales s WHERE s.customer_id = e.emp_id) AS x;
--#H-lang-74 | honest | must=ALLOW | a lateral join with ON
SELECT e.emp_name, x.amount FROM employees e LEFT JOIN LATERAL (SELECT s.amount FROM sales s WHERE s.customer_id = e.emp_id) x ON TRUE;
--#H-lang-75 | honest | must=ALLOW | correlated subqueries in CASE and WHERE
SELECT e.emp_name, CASE WHEN EXISTS (SELECT 1 FROM sales s WHERE s.customer_id = e.emp_id AND s.is_return) THEN 'had returns' ELSE 'none' END FROM employees e WHERE e.salary > (SELECT AVG(e2.salary) FROM employees e2 WHERE e2.dept = e.dept);
--#H-lang-76 | honest | must=ALLOW | NOT EXISTS and NOT IN and comparisons with ALL
SELECT product FROM sales s WHERE NOT EXISTS (SELECT 1 FROM sales r WHERE r.product = s.product AND r.is_return) AND s.amount >= ALL (SELECT x.amount FROM sales x WHERE x.product = s.product) AND s.region NOT IN ('X');
--#H-lang-77 | honest | must=ALLOW | joins of every spelling
SELECT * FROM sales a INNER JOIN employees b ON a.customer_id = b.emp_id LEFT OUTER JOIN readings c ON c.sensor_id = a.sale_id RIGHT JOIN nation d ON d.n_nationkey = a.sale_id FULL OUTER JOIN region e ON e.r_regionkey = d.n_regionkey CROSS JOIN places f;
--#H-lang-78 | honest | must=ALLOW | USING over several names
SELECT customer_id, sold_on, a.amount, b.amount AS prior FROM sales a JOIN (SELECT customer_id, DATEADD(year, 1, sold_on) AS sold_on, amount FROM sales) b USING (customer_id, sold_on);
--#H-lang-79 | honest | must=ALLOW | NATURAL LEFT JOIN
SELECT region, share FROM sales NATURAL LEFT JOIN (SELECT region, COUNT(*) AS share FROM sales GROUP BY region);
--#H-lang-80 | honest | must=ALLOW | window frames of every kind
SELECT sale_id, SUM(amount) OVER (PARTITION BY region ORDER BY sold_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), AVG(amount) OVER (ORDER BY sold_on ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING), SUM(amount) OVER (ORDER BY sold_on RANGE BETWEEN INTERVAL '30 days' PRECEDING AND CURRENT ROW), MAX(amount) OVER (ORDER BY sale_id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING), COUNT(*) OVER (ORDER BY sold_on ROWS 5 PRECEDING), SUM(amount) OVER (ORDER BY amount RANGE BETWEEN 10 PRECEDING AND 10 FOLLOWING) FROM sales;
--#H-lang-81 | honest | must=ALLOW | window functions that ignore and respect nulls
SELECT sale_id, LAST_VALUE(note) IGNORE NULLS OVER (PARTITION BY customer_id ORDER BY sold_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), FIRST_VALUE(note RESPECT NULLS) OVER (ORDER BY sold_at), NTH_VALUE(note, 2) FROM FIRST IGNORE NULLS OVER (ORDER BY sold_at), LEAD(note, 1, 'none') IGNORE NULLS OVER (ORDER BY sold_at) FROM sales;
--#H-lang-82 | honest | must=ALLOW | a named window written out, as Snowflake has none
SELECT region, SUM(SUM(amount)) OVER (ORDER BY SUM(amount) DESC) / SUM(SUM(amount)) OVER () AS pareto FROM sales GROUP BY region;
--#H-lang-83 | honest | must=ALLOW | DISTINCT in aggregates of several columns
SELECT COUNT(DISTINCT region, product), COUNT(DISTINCT CASE WHEN is_return THEN customer_id END), SUM(DISTINCT quantity), COUNT(ALL region) FROM sales;
--#H-lang-84 | honest | must=ALLOW | lateral aliases that build on each other
SELECT amount * quantity AS gross, gross * discount AS off, gross - off AS net, ROUND(net * 0.2, 2) AS tax FROM sales WHERE net > 100 QUALIFY ROW_NUMBER() OVER (ORDER BY net DESC) <= 10;
--#H-lang-85 | honest | must=ALLOW | BETWEEN, LIKE ANY, LIKE ALL, ILIKE ANY, RLIKE, IS DISTINCT FROM
SELECT * FROM sales WHERE amount NOT BETWEEN 1 AND 5 AND region LIKE ANY ('E%', 'A%') AND product NOT LIKE ALL ('x%', '%y') AND note ILIKE ANY ('%gift%', '%promo%') AND channel RLIKE 'w.b' AND currency IS DISTINCT FROM 'USD' AND note NOT ILIKE '%!_%' ESCAPE '!';
--#H-lang-86 | honest | must=ALLOW | boolean columns and expressions
SELECT is_return, NOT is_return, is_return AND amount > 5 OR quantity = 0, is_return IS NOT TRUE, is_return = TRUE, BOOLAND_AGG(is_return), BOOLOR_AGG(NOT is_return) FROM sales GROUP BY is_return, amount, quantity;
--#H-lang-87 | honest | must=ALLOW | a calendar by GENERATOR with ROW_NUMBER
SELECT DATEADD('day', ROW_NUMBER() OVER (ORDER BY NULL) - 1, DATE_TRUNC('year', CURRENT_DATE)) AS day, DAYNAME(day), WEEKISO(day) FROM TABLE(GENERATOR(ROWCOUNT => 366));
--#H-lang-88 | honest | must=ALLOW | a spine of hours joined to facts
WITH spine AS (SELECT DATEADD(hour, SEQ4(), '2024-01-01'::TIMESTAMP_NTZ) AS h FROM TABLE(GENERATOR(ROWCOUNT => 24 * 7))) SELECT h, COUNT(s.sale_id) FROM spine LEFT JOIN sales s ON DATE_TRUNC(hour, s.sold_at) = h GROUP BY h ORDER BY h;
--#H-lang-89 | honest | must=ALLOW | a long CASE inside an aggregate inside a window
SELECT region, SUM(SUM(CASE WHEN sold_on >= DATEADD(day, -30, CURRENT_DATE()) THEN amount WHEN is_return THEN -amount ELSE 0 END)) OVER (PARTITION BY region) FROM sales GROUP BY region, sold_on;
--#H-lang-90 | honest | must=ALLOW | a subquery in FROM without an alias, nested three deep
SELECT AVG(n) FROM (SELECT region, MAX(n) AS n FROM (SELECT region, product, COUNT(*) AS n FROM sales GROUP BY 1, 2) GROUP BY 1);
--#H-lang-91 | honest | must=ALLOW | SPLIT_TO_TABLE and STRTOK_SPLIT_TO_TABLE
SELECT s.sale_id, w.index, w.value FROM sales s, LATERAL STRTOK_SPLIT_TO_TABLE(s.note, ' ,') w UNION ALL SELECT s.sale_id, w.index, w.value FROM sales s, TABLE(SPLIT_TO_TABLE(s.note, ' ')) w;
--#H-lang-92 | honest | must=ALLOW | a table by name in a string
SELECT COUNT(*) FROM IDENTIFIER('gw.public.sales') WHERE region = 'EMEA';
--#H-lang-93 | honest | must=ALLOW | a table of a view, joined with a table
SELECT v.month, v.revenue, COUNT(e.emp_id) FROM v_sales v LEFT JOIN employees e ON DATE_TRUNC('month', e.hired_on) = v.month GROUP BY ALL;
--#H-lang-94 | honest | must=ALLOW | aliases called like words of the grammar
SELECT region AS "order", COUNT(*) AS count, MAX(sold_on) AS date, MIN(amount) AS min, SUM(amount) AS value, 1 AS type, 2 AS name, 3 AS status, 4 AS rank, 5 AS year FROM sales GROUP BY region;
--#H-lang-95 | honest | must=ALLOW | an alias without AS
SELECT s.region r, COUNT(*) n FROM sales s GROUP BY s.region;
--#H-lang-96 | honest | must=ALLOW | columns qualified by schema and table without an alias
SELECT public.sales.region, gw.public.sales.amount FROM gw.public.sales WHERE sales.amount > 5;
--#H-lang-97 | honest | must=ALLOW | a scalar subquery as a share
SELECT region, SUM(amount) / (SELECT SUM(amount) FROM sales) AS share FROM sales GROUP BY region;
--#H-lang-98 | honest | must=ALLOW | row values in IN
SELECT * FROM sales WHERE (region, product) IN (SELECT region, MAX(product) FROM sales GROUP BY region) OR (region, product) IN (('EMEA', 'x'), ('APAC', 'y'));
--#H-lang-99 | honest | must=ALLOW | an interval of several parts
SELECT sold_at + INTERVAL '1 year, 3 months, 2 days', sold_on - INTERVAL '2 weeks', CURRENT_TIMESTAMP - INTERVAL '90 minutes' FROM sales;
--#H-lang-100 | honest | must=ALLOW | a cast of everything with both spellings
SELECT amount::VARCHAR, CAST(amount AS INTEGER), TRY_CAST(note AS NUMBER(38, 4)), sold_on::TIMESTAMP_TZ, is_return::INT, quantity::BOOLEAN, CAST(sold_at AS TIME), raw::VARCHAR FROM sales JOIN readings ON sensor_id = sale_id;
--#H-lang-101 | honest | must=ALLOW | a star in EXISTS and COUNT over a derived table
SELECT COUNT(*) FROM (SELECT * FROM sales s WHERE EXISTS (SELECT * FROM employees e WHERE e.emp_id = s.customer_id)) q;
--#H-lang-102 | honest | must=ALLOW | HAVING without GROUP BY and with several aggregates
SELECT COUNT(*) FROM sales HAVING COUNT(*) > 10 AND MAX(amount) < 1e6;
--#H-lang-103 | honest | must=ALLOW | ordering by position, expression, alias and nulls
SELECT region, SUM(amount) AS total FROM sales GROUP BY region ORDER BY 2 DESC NULLS LAST, LOWER(region) COLLATE 'en-ci', total ASC NULLS FIRST;
--#H-lang-104 | honest | must=ALLOW | collations
SELECT COLLATE(region, 'en-ci'), region COLLATE 'de' FROM sales WHERE product COLLATE 'en-ci' = 'WIDGET' ORDER BY region COLLATE 'en-ci-trim';
--#H-lang-105 | honest | must=ALLOW | a condition on a scalar subquery with LIMIT
SELECT * FROM sales WHERE customer_id = (SELECT customer_id FROM sales ORDER BY amount DESC LIMIT 1);
--#H-lang-106 | honest | must=ALLOW | statements without FROM
SELECT 1 + 1, CURRENT_DATE, 'x' AS y, NULL, TRUE, PI();
--#H-lang-107 | honest | must=ALLOW | DUAL
SELECT CURRENT_TIMESTAMP() FROM DUAL;
--#H-lang-108 | honest | must=ALLOW | a truth value compared with NULL in mind
SELECT COUNT(*) FROM sales WHERE is_return IS NOT DISTINCT FROM TRUE OR EQUAL_NULL(is_return, FALSE);
--#H-lang-109 | honest | must=ALLOW | set difference of stars
SELECT * FROM nation EXCEPT SELECT * FROM nation WHERE n_regionkey = 1;
--#H-lang-110 | honest | must=ALLOW | a window over a set operation in brackets
SELECT kind, n, SUM(n) OVER (ORDER BY n) FROM ((SELECT 'sales' AS kind, COUNT(*) AS n FROM sales) UNION ALL (SELECT 'staff', COUNT(*) FROM employees)) u;
--#H-lang-111 | honest | must=ALLOW | an inline table of pairs by UNION
SELECT m.src, m.dst, COUNT(*) FROM sales s JOIN (SELECT 'web' AS src, 'online' AS dst UNION ALL SELECT 'store', 'offline') m ON m.src = s.channel GROUP BY ALL;
--#H-lang-112 | honest | must=ALLOW | the start of a recursive expression that is used twice
WITH RECURSIVE t AS (SELECT emp_id, manager_id, 0 AS d FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.emp_id, e.manager_id, t.d + 1 FROM employees AS e INNER JOIN t ON t.emp_id = e.manager_id), n AS (SELECT d, COUNT(*) AS c FROM t GROUP BY d) SELECT t.emp_id, n.c FROM t JOIN n USING (d);
--#H-lang-113 | honest | must=ALLOW | MIN_BY and MAX_BY with several values
SELECT region, MAX_BY(product, amount), MIN_BY(product, amount, 3), MAX_BY(sale_id, sold_at, 5) FROM sales GROUP BY region;
--#H-lang-114 | honest | must=ALLOW | GROUP BY the alias of an expression with the same name as none
SELECT DATE_TRUNC('quarter', sold_on) AS quarter_start, product AS item, SUM(amount) FROM sales GROUP BY quarter_start, item;
--#H-lang-115 | honest | must=ALLOW | an alias that is also a column, grouped by the column
SELECT UPPER(region) AS region, COUNT(*) FROM sales GROUP BY region;
--#H-lang-116 | honest | must=ALLOW | an array index and a slice
SELECT tags[0]::STRING, tags[ARRAY_SIZE(tags) - 1]::STRING, ARRAY_SLICE(tags, 0, 2), body:items[1 + 1] FROM docs;
--#H-lang-117 | honest | must=ALLOW | RANGE frames by intervals in words
SELECT sold_at, COUNT(*) OVER (PARTITION BY region ORDER BY sold_at RANGE BETWEEN INTERVAL '1 hour' PRECEDING AND INTERVAL '1 hour' FOLLOWING) FROM sales;
--#H-lang-118 | honest | must=ALLOW | a cross join of numbers for buckets
SELECT b.n * 100 AS lower_bound, COUNT(s.sale_id) FROM (SELECT SEQ4() AS n FROM TABLE(GENERATOR(ROWCOUNT => 10))) b LEFT JOIN sales s ON s.amount >= b.n * 100 AND s.amount < (b.n + 1) * 100 GROUP BY 1 ORDER BY 1;
--#H-lang-119 | honest | must=ALLOW | an ordered-set aggregate in HAVING
SELECT region FROM sales GROUP BY region HAVING PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY amount) > 10 AND MEDIAN(quantity) > 1;
--#H-lang-120 | honest | must=ALLOW | brackets around everything
((SELECT (((region))) FROM ((sales)) WHERE (((amount) > (5)))));
--#H-lang-121 | honest | must=ALLOW | DIRECTED and plain CROSS JOIN with a filter
SELECT s.sale_id, n.n_name FROM sales s CROSS JOIN nation n WHERE s.sale_id = n.n_nationkey;
--#H-lang-122 | honest | must=ALLOW | LIMIT inside an IN subquery and a CTE inside a subquery
SELECT * FROM sales WHERE product IN (WITH top AS (SELECT product, SUM(amount) AS a FROM sales GROUP BY 1 ORDER BY a DESC LIMIT 5) SELECT product FROM top);
--#H-lang-123 | honest | must=ALLOW | a Unicode string and a quoted Unicode alias
SELECT region AS "Région", 'Zürich – “smart quotes” – 東京' AS "city ✓" FROM sales;
--#H-lang-124 | honest | must=ALLOW | RESAMPLE is not there yet, so the gap filling is written out
SELECT t.h, LAST_VALUE(r.val IGNORE NULLS) OVER (ORDER BY t.h) FROM (SELECT DATEADD(minute, 5 * SEQ4(), '2024-01-01'::TIMESTAMP_TZ) AS h FROM TABLE(GENERATOR(ROWCOUNT => 288))) t LEFT JOIN readings r ON TIME_SLICE(r.read_at::TIMESTAMP_NTZ, 5, 'MINUTE') = t.h;
--#H-lang-125 | honest | must=ALLOW | an ILIKE with ESCAPE and a regular expression with flags
SELECT * FROM sales WHERE note ILIKE '100^%%' ESCAPE '^' OR REGEXP_LIKE(note, '^gift', 'i') OR NOT REGEXP_LIKE(product, '[a-z]+[0-9]*', 'is');
