-- Constructs that are understood since they were first refused, each attacked where it could show more than it names.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

--#O-match-01 | match-recognize | must=MASKED | a measure of a masked column
SELECT m.f FROM customer MATCH_RECOGNIZE (PARTITION BY c_nationkey ORDER BY c_custkey MEASURES FIRST(a.c_phone) AS f ONE ROW PER MATCH PATTERN (a b+) DEFINE b AS b.c_acctbal > 0) m;
--#O-match-02 | match-recognize | must=MASKED | every row, and every column with it
SELECT * FROM customer MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES CLASSIFIER() AS c ALL ROWS PER MATCH PATTERN (a) DEFINE a AS c_name LIKE 'Customer%');
--#O-match-03 | match-recognize | must=MASKED | the order by a masked column
SELECT * FROM customer MATCH_RECOGNIZE (ORDER BY c_acctbal MEASURES MATCH_NUMBER() AS n PATTERN (a+) DEFINE a AS TRUE);
--#O-match-04 | match-recognize | must=MASKED | over a common table expression
WITH c AS (SELECT * FROM customer) SELECT f FROM c MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES LAST(x.c_phone) AS f PATTERN (x+) DEFINE x AS c_mktsegment = 'MACHINERY');
--#O-match-05 | match-recognize | must=MASKED | over a view
SELECT * FROM v_cust MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES FIRST(nm) AS f PATTERN (a) DEFINE a AS c_acctbal > 0);
--#O-match-06 | match-recognize | must=MASKED | a subquery in a definition
SELECT * FROM nation MATCH_RECOGNIZE (ORDER BY n_name MEASURES FIRST(n_name) AS f PATTERN (a) DEFINE a AS n_nationkey IN (SELECT c_nationkey FROM customer WHERE c_acctbal > 0));
--#O-match-07 | match-recognize | must=DENY | the printer moves a pattern behind the joins
SELECT * FROM nation MATCH_RECOGNIZE (ORDER BY n_name MEASURES FIRST(n_name) AS f PATTERN (a) DEFINE a AS TRUE) m JOIN customer ON TRUE;
--#O-match-08 | match-recognize | must=DENY | the printer moves a pattern behind a comma
SELECT * FROM nation, customer MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES FIRST(c_phone) AS f PATTERN (a) DEFINE a AS TRUE);
--#O-match-09 | match-recognize | must=DENY | the parser drops a pattern within brackets
SELECT * FROM (customer MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES FIRST(c_phone) AS f PATTERN (a) DEFINE a AS TRUE)) m;
--#O-match-23 | match-recognize | must=DENY | a comment within the pattern, which is printed as it is written
SELECT * FROM customer MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES FIRST(c_phone) AS f PATTERN (a /* ) */ b) DEFINE a AS TRUE);
--#O-match-10 | match-recognize | must=MASKED | a comment at the end of the pattern is not part of it
SELECT * FROM customer MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES FIRST(c_phone) AS f PATTERN (a /* ) */) DEFINE a AS TRUE);
--#O-match-11 | match-recognize | must=MASKED | a line comment at the end of the pattern
SELECT * FROM customer MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES FIRST(c_phone) AS f PATTERN (a -- b
) DEFINE a AS TRUE);
--#O-match-12 | match-recognize | must=DENY | a string in the pattern that ends elsewhere for another lexer
SELECT * FROM customer MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES FIRST(c_phone) AS f PATTERN (a '$$') DEFINE a AS TRUE);
--#O-match-13 | match-recognize | must=DENY | a dollar-quoted string in the pattern
SELECT * FROM customer MATCH_RECOGNIZE (ORDER BY c_custkey MEASURES FIRST(c_phone) AS f PATTERN (a $$ ) $$) DEFINE a AS TRUE);
--#O-match-14 | match-recognize | must=DENY | a bind in the pattern would shift the others
SELECT * FROM nation MATCH_RECOGNIZE (ORDER BY n_name MEASURES FIRST(n_name) AS f PATTERN (a?) DEFINE a AS n_name = ?);
--#O-match-15 | match-recognize | must=DENY | a user's function in a definition
SELECT * FROM nation MATCH_RECOGNIZE (ORDER BY n_name MEASURES FIRST(n_name) AS f PATTERN (a) DEFINE a AS my_udf(n_name));
--#O-match-16 | match-recognize | must=DENY | a user's function under the name of a pattern's
SELECT CLASSIFIER(n_name), FIRST(n_name) FROM nation;
--#O-match-17 | match-recognize | must=DENY | a function called PATTERN
SELECT PATTERN(n_name) FROM nation;
--#O-match-18 | match-recognize | must=DENY | a function called PATTERN beside a real pattern
SELECT PATTERN(f) FROM nation MATCH_RECOGNIZE (ORDER BY n_name MEASURES FIRST(n_name) AS f PATTERN (a) DEFINE a AS TRUE);
--#O-match-19 | match-recognize | must=DENY | a variable in the rows to skip to
SELECT * FROM nation MATCH_RECOGNIZE (ORDER BY n_name MEASURES FIRST(n_name) AS f AFTER MATCH SKIP TO LAST $x PATTERN (a) DEFINE a AS TRUE);
--#O-match-20 | match-recognize | must=DENY | an unknown column under a symbol's name
SELECT * FROM nation MATCH_RECOGNIZE (ORDER BY n_name MEASURES FIRST(a.new_secret) AS f PATTERN (a) DEFINE a AS TRUE);
--#O-match-21 | match-recognize | must=DENY | a hidden table in a definition
SELECT * FROM nation MATCH_RECOGNIZE (ORDER BY n_name MEASURES FIRST(n_name) AS f PATTERN (a) DEFINE a AS n_name IN (SELECT x FROM other.hidden.t));
--#O-match-22 | match-recognize | must=ALLOW | honest: runs of nations
SELECT m.first_name, m.n FROM nation MATCH_RECOGNIZE (PARTITION BY n_regionkey ORDER BY n_name MEASURES FIRST(up.n_name) AS first_name, COUNT(*) AS n ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (start_row up+) DEFINE up AS n_nationkey > LAG(n_nationkey)) AS m;

--#O-past-01 | time-travel | must=DENY | what the table held an hour ago
SELECT c_custkey FROM customer AT(OFFSET => -3600);
--#O-past-02 | time-travel | must=DENY | before a statement
SELECT * FROM nation BEFORE(STATEMENT => '8e5d0ca9-005e-44e6-b858-a8f5b37c5726');
--#O-past-03 | time-travel | must=DENY | a moment in words
SELECT * FROM nation AT(TIMESTAMP => 'Fri, 01 May 2015 16:20:00 -0700'::TIMESTAMP);
--#O-past-04 | time-travel | must=DENY | a moment that is read
SELECT * FROM nation AT(TIMESTAMP => (SELECT MAX(o_orderdate) FROM orders));
--#O-past-05 | time-travel | must=DENY | a moment that is bound
SELECT * FROM nation AT(OFFSET => ?);
--#O-past-06 | time-travel | must=DENY | the moment of a stream
SELECT * FROM nation AT(STREAM => 'gw.public.s');
--#O-past-07 | time-travel | must=DENY | a moment of a variable
SELECT * FROM nation AT(TIMESTAMP => $t);
--#O-past-08 | time-travel | must=DENY | changes
SELECT * FROM nation CHANGES(INFORMATION => DEFAULT) AT(OFFSET => -60);
--#O-past-09 | time-travel | must=DENY | an old table in a view's place
SELECT * FROM v_cust AT(OFFSET => -60);
--#O-past-10 | time-travel | must=DENY | the past of a common table expression
WITH c AS (SELECT * FROM customer) SELECT * FROM c AT(OFFSET => -60);
--#O-past-11 | time-travel | must=DENY | a write into the past
DELETE FROM region AT(OFFSET => -60) WHERE r_regionkey = 1;

--#O-sample-01 | sample | must=DENY | a seeded sample counts the rows that a filter hides
SELECT COUNT(*) FROM customer SAMPLE (10) SEED (1);
--#O-sample-02 | sample | must=DENY | blocks of a filtered table
SELECT COUNT(*) FROM customer SAMPLE SYSTEM (10);
--#O-sample-03 | sample | must=DENY | a sample of a common table expression over a filtered table
WITH c AS (SELECT * FROM customer) SELECT COUNT(*) FROM c SAMPLE (10 ROWS);
--#O-sample-04 | sample | must=DENY | a size from a subquery
SELECT * FROM nation SAMPLE ((SELECT MAX(c_custkey) FROM customer) ROWS);
--#O-sample-05 | sample | must=DENY | a size from a variable
SELECT * FROM nation SAMPLE ($n ROWS);
--#O-sample-06 | sample | must=DENY | blocks of a subquery, which Snowflake does not take
SELECT * FROM (SELECT * FROM nation) SAMPLE SYSTEM (10);
--#O-sample-07 | sample | must=ALLOW | honest: blocks by a seed
SELECT n_name FROM nation SAMPLE SYSTEM (3.5) SEED (82);
--#O-sample-08 | sample | must=ALLOW | honest: a number of rows in a join
SELECT n.n_name FROM nation AS n SAMPLE (3 ROWS) JOIN region AS r TABLESAMPLE (50) ON r.r_regionkey = n.n_regionkey;
--#O-sample-09 | sample | must=ALLOW | honest: a sample of a subquery
SELECT * FROM (SELECT * FROM nation WHERE n_regionkey = 1) SAMPLE (5 ROWS);

--#O-using-01 | using | must=DENY | a column that only one side has
SELECT 1 FROM nation JOIN region USING (n_name);
--#O-using-02 | using | must=DENY | a column that neither side has
SELECT 1 FROM nation JOIN region USING (new_secret);
--#O-using-03 | using | must=DENY | a column of an earlier join's other side only
SELECT 1 FROM nation JOIN region USING (r_name) JOIN supplier USING (s_name);
--#O-using-04 | using | must=MASKED | equal masked columns
SELECT COUNT(*) FROM customer JOIN (SELECT '25-989-741-2988' AS c_phone) g USING (c_phone);
--#O-using-05 | using | must=ALLOW | honest: one name on both sides
SELECT COUNT(*) FROM (SELECT n_regionkey AS k FROM nation) a JOIN (SELECT r_regionkey AS k FROM region) b USING (k);

--#O-type-01 | structured type | must=ALLOW | honest: an object of a structured type
SELECT {'a': 1}::OBJECT(a NUMBER NOT NULL, b ARRAY(VARCHAR)) AS o, [1]::ARRAY(NUMBER(9,0)), NULL::MAP(VARCHAR, INT);
--#O-type-02 | structured type | must=DENY | a user's type in a structured type
SELECT NULL::OBJECT(a my_type);
--#O-type-03 | structured type | must=DENY | a default in a structured type
SELECT NULL::OBJECT(a NUMBER DEFAULT my_udf());
--#O-type-04 | structured type | must=MASKED | a masked column in a structured type
SELECT OBJECT_CONSTRUCT('p', c_phone)::OBJECT(p VARCHAR) FROM customer;

--#O-print-01 | print meaning | must=ALLOW | a frame that is the default of its function is printed
SELECT FIRST_VALUE(n_name) OVER (PARTITION BY n_regionkey ORDER BY n_name ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM nation;
--#O-print-02 | print meaning | must=DENY | dice that the printer would throw twice
SELECT ZEROIFNULL(RANDOM()), NULLIFZERO(UNIFORM(1, 9, RANDOM()));
--#O-print-03 | print meaning | must=ALLOW | the clock may be asked twice: within a statement it stands still
SELECT DIV0(1, DATEDIFF('day', o_orderdate, CURRENT_DATE)) FROM orders;
--#O-key-01 | variant path | must=ALLOW | keys that are words of the grammar
SELECT e_data:select, e_data:from.where, e_data:join::STRING, e_data:case FROM events;
--#O-key-02 | variant path | must=DENY | a word of the grammar that is lost elsewhere still counts
SELECT e_data:a FROM events WHERE;
--#O-cte-01 | cte-shadow | must=ALLOW | a table named by text in an expression of another name
WITH a AS (SELECT * FROM IDENTIFIER('nation')) SELECT COUNT(*) FROM a;
--#O-cte-02 | cte-shadow | must=DENY | an expression named by text within itself
WITH customer AS (SELECT * FROM IDENTIFIER('customer')) SELECT * FROM customer;
--#O-cte-03 | cte-shadow | must=MASKED | a later expression does not stand for the table
WITH a AS (SELECT c_phone FROM customer), customer AS (SELECT 'decoy' AS c_phone) SELECT a.c_phone, customer.c_phone FROM a, customer;
--#O-print-04 | print meaning | must=DENY | the parser casts the string of a typed literal before its type: a date where a text was asked for
SELECT DATE '2024-01-02'::VARCHAR;
--#O-print-05 | print meaning | must=DENY | the same of a moment
SELECT o_orderkey FROM orders WHERE o_orderdate = TIMESTAMP '2024-01-02 10:00:00'::DATE;
--#O-print-06 | print meaning | must=ALLOW | with brackets it is what was meant
SELECT (DATE '2024-01-02')::VARCHAR, DATE '2024-01-02', '2024-01-02'::DATE::VARCHAR;
