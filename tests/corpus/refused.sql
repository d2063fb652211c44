-- Honest statements that stay refused, each with the reason: what Snowflake does not have is told in Snowflake's words.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

--#H-not-01 | refused | must=DENY | not Snowflake's: QUALIFY instead
SELECT DISTINCT ON (region) * FROM sales ORDER BY region, amount DESC;
--#H-not-02 | refused | must=DENY | not Snowflake's: COUNT_IF instead
SELECT region, COUNT(*) FILTER (WHERE is_return) FROM sales GROUP BY region;
--#H-not-03 | refused | must=DENY | not Snowflake's: a named window is written out
SELECT SUM(amount) OVER w FROM sales WINDOW w AS (PARTITION BY region);
--#H-not-04 | refused | must=DENY | not Snowflake's: CONVERT_TIMEZONE instead
SELECT sold_at AT TIME ZONE 'UTC' FROM sales;
--#H-not-05 | refused | must=DENY | not Snowflake's: CURRENT_TIMESTAMP instead
SELECT NOW() - INTERVAL '1 day';
--#H-not-06 | refused | must=DENY | not Snowflake's: POSITION instead
SELECT STRPOS(note, 'a'), INSTR(note, 'b') FROM sales;
--#H-not-07 | refused | must=DENY | not Snowflake's: TO_CHAR instead
SELECT DATE_FORMAT(sold_on, '%Y-%m') FROM sales;
--#H-not-08 | refused | must=DENY | not Snowflake's: LISTAGG instead
SELECT STRING_AGG(product, ', ') FROM sales;
--#H-not-09 | refused | must=DENY | not Snowflake's: IFF instead
SELECT IF(is_return, 1, 0) FROM sales;
--#H-not-10 | refused | must=DENY | not Snowflake's: FLATTEN instead
SELECT t.x FROM docs CROSS JOIN UNNEST(tags) AS t(x);
--#H-not-11 | refused | must=DENY | not Snowflake's: GENERATOR instead
SELECT * FROM GENERATE_SERIES(1, 10);
--#H-not-12 | refused | must=DENY | not Snowflake's: NOT EXISTS instead
SELECT d.n_name FROM nation d LEFT ANTI JOIN region r ON r.r_regionkey = d.n_regionkey;
--#H-not-13 | refused | must=DENY | not Snowflake's, and read as bits where a power is meant
SELECT amount ^ 2 FROM sales;
--#H-not-14 | refused | must=DENY | not Snowflake's: names in double quotes
SELECT `region` FROM `sales`;
--#H-not-15 | refused | must=DENY | not Snowflake's: RANK instead
SELECT region FROM sales ORDER BY amount FETCH FIRST 5 ROWS WITH TIES;
--#H-not-16 | refused | must=DENY | not Snowflake's: PERCENT_RANK instead
SELECT TOP 10 PERCENT region FROM sales ORDER BY amount;
--#H-not-17 | refused | must=DENY | of old: LEFT JOIN instead
SELECT * FROM sales s, employees e WHERE s.customer_id = e.emp_id (+);
--#H-not-18 | refused | must=DENY | the parser loses the words WITHOUT TIME ZONE: TIMESTAMP_NTZ instead
SELECT note::TIMESTAMP WITHOUT TIME ZONE FROM sales;
--#H-not-19 | refused | must=DENY | two texts side by side, which Snowflake does not join
SELECT 'a' 'b';
--#H-not-20 | refused | must=DENY | a bind by name: `?` instead
SELECT * FROM sales WHERE region = :region;
--#H-not-21 | refused | must=DENY | a bind of a driver: `?` instead
SELECT * FROM sales WHERE region = %(region)s;
--#H-not-22 | refused | must=DENY | a variable of the session, which no two calls share
SELECT * FROM sales WHERE region = $region;
--#H-not-23 | refused | must=DENY | columns of a table by position: their names instead
SELECT $1, $2 FROM sales;
--#H-not-24 | refused | must=DENY | the parser does not know it yet: columns by name instead
MERGE INTO region t USING region s ON t.r_regionkey = s.r_regionkey WHEN MATCHED THEN UPDATE ALL BY NAME WHEN NOT MATCHED THEN INSERT ALL BY NAME;
--#H-not-25 | refused | must=DENY | the catalog is shown by describe_schema
SHOW COLUMNS IN TABLE sales;
--#H-not-26 | refused | must=DENY | the catalog is shown by describe_schema
DESC TABLE sales;
--#H-not-27 | refused | must=DENY | the catalog is shown by describe_schema, which leaves out what is closed
SELECT table_name FROM gw.information_schema.tables WHERE table_schema = 'PUBLIC';
--#H-not-28 | refused | must=DENY | there is no session to set: names in full
USE SCHEMA gw.public;
--#H-not-29 | refused | must=DENY | what a statement costs is looked at by the gate
EXPLAIN SELECT region, SUM(amount) FROM sales GROUP BY region;
--#H-not-30 | refused | must=DENY | data would move to a table that no policy knows: create it, then insert
CREATE TABLE top_sales AS SELECT * FROM sales WHERE amount > 100;
--#H-not-31 | refused | must=DENY | the same for a while
CREATE OR REPLACE TEMPORARY TABLE top_sales AS SELECT * FROM sales;
--#H-not-32 | refused | must=DENY | a view would carry the gate's rights
CREATE VIEW top_sales AS SELECT * FROM sales;
--#H-not-33 | refused | must=DENY | each statement is a transaction of its own
BEGIN;
--#H-not-34 | refused | must=DENY | who the gate is tells nothing of the caller
SELECT CURRENT_USER(), CURRENT_ROLE();
--#H-not-35 | refused | must=DENY | a table's past is opened by policy
SELECT * FROM sales AT(OFFSET => -3600);
--#H-not-36 | refused | must=DENY | DELETE, then INSERT
INSERT OVERWRITE INTO region SELECT * FROM region WHERE r_regionkey < 5;
--#H-not-37 | refused | must=DENY | two calls instead of one
DELETE FROM region WHERE r_regionkey = 9; INSERT INTO region (r_regionkey) VALUES (9);
--#H-not-38 | refused | must=DENY | a quantifier that is also the sign of a bind: {0,1} instead
SELECT * FROM sales MATCH_RECOGNIZE (ORDER BY sold_on MEASURES COUNT(*) AS n PATTERN (a b?) DEFINE a AS amount > 1);
--#H-not-39 | refused | must=DENY | a column that is called otherwise, with what was meant
SELECT regoin, SUM(amount) FROM sales GROUP BY 1;
--#H-not-40 | refused | must=DENY | time zones of dates by name in a cast of another dialect
SELECT DATETIME(sold_at, 'UTC') FROM sales;
--#H-not-41 | refused | must=DENY | the parser reads a spread as a product of a star: ARRAY_CAT instead
SELECT [1, **tags] FROM docs;
