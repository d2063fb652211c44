-- Honest statements in the hand of tools: BI, dbt, notebooks and agents, as they generate them. All are permitted.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

--#H-tool-01 | honest | must=ALLOW | Tableau: a custom query, grouped
SELECT "Custom SQL Query"."REGION" AS "REGION", SUM("Custom SQL Query"."AMOUNT") AS "sum:AMOUNT:ok" FROM ( select * from sales where amount > 0 ) "Custom SQL Query" GROUP BY 1
--#H-tool-02 | honest | must=ALLOW | Tableau: months by a cast, with HAVING on a constant count
SELECT DATE_TRUNC('MONTH', CAST("SALES"."SOLD_ON" AS TIMESTAMP)) AS "tmn:SOLD_ON:ok", AVG(CAST("SALES"."AMOUNT" AS DOUBLE PRECISION)) AS "avg:AMOUNT:ok", COUNT(DISTINCT "SALES"."CUSTOMER_ID") AS "ctd:CUSTOMER_ID:ok" FROM "PUBLIC"."SALES" "SALES" WHERE (("SALES"."REGION" IN ('EMEA', 'APAC')) AND ("SALES"."SOLD_ON" >= (TO_DATE('2024-01-01 00:00:00', 'YYYY-MM-DD HH24:MI:SS')))) GROUP BY 1 HAVING (COUNT(1) > 0)
--#H-tool-03 | honest | must=ALLOW | Tableau: a look at the columns of a query
SELECT * FROM (SELECT region, product FROM sales) "TableauSQL" LIMIT 1
--#H-tool-04 | honest | must=ALLOW | Tableau: a join with a top-n filter
SELECT "t0"."PRODUCT" AS "PRODUCT", SUM("SALES"."AMOUNT") AS "sum" FROM "GW"."PUBLIC"."SALES" "SALES" INNER JOIN (SELECT "SALES"."PRODUCT" AS "PRODUCT", SUM("SALES"."AMOUNT") AS "$__alias__0" FROM "GW"."PUBLIC"."SALES" "SALES" GROUP BY 1 ORDER BY 2 DESC NULLS LAST LIMIT 10) "t0" ON (("SALES"."PRODUCT" = "t0"."PRODUCT") OR (("SALES"."PRODUCT" IS NULL) AND ("t0"."PRODUCT" IS NULL))) GROUP BY 1
--#H-tool-05 | honest | must=ALLOW | Tableau: parts of dates as text
SELECT CAST(TRUNC(EXTRACT(QUARTER FROM "SALES"."SOLD_ON")) AS INTEGER) AS "qr:SOLD_ON:ok", CAST(TRUNC(EXTRACT(YEAR FROM "SALES"."SOLD_ON")) AS INTEGER) AS "yr:SOLD_ON:ok" FROM "PUBLIC"."SALES" "SALES" GROUP BY 1, 2
--#H-tool-06 | honest | must=ALLOW | Tableau: level of detail as a self join
SELECT "t0"."REGION", SUM("t1"."x_measure__0") FROM (SELECT "REGION" FROM "PUBLIC"."SALES" GROUP BY 1) "t0" INNER JOIN (SELECT "REGION", MAX("AMOUNT") AS "x_measure__0" FROM "PUBLIC"."SALES" GROUP BY 1) "t1" ON ("t0"."REGION" IS NOT DISTINCT FROM "t1"."REGION") GROUP BY 1
--#H-tool-07 | honest | must=ALLOW | Looker: dimensions and measures with dotted aliases
SELECT sales.region AS "sales.region", TO_CHAR(TO_DATE(CONVERT_TIMEZONE('UTC', 'America/Los_Angeles', CAST(sales.sold_at AS TIMESTAMP_NTZ))), 'YYYY-MM-DD') AS "sales.sold_date", COALESCE(SUM(sales.amount), 0) AS "sales.total_amount" FROM PUBLIC.sales AS sales WHERE (((sales.sold_at) >= ((CONVERT_TIMEZONE('America/Los_Angeles', 'UTC', CAST(DATEADD('day', -6, DATE_TRUNC('day', CONVERT_TIMEZONE('UTC', 'America/Los_Angeles', CAST(CURRENT_TIMESTAMP() AS TIMESTAMP_NTZ)))) AS TIMESTAMP_NTZ)))))) GROUP BY 1, (TO_DATE(CONVERT_TIMEZONE('UTC', 'America/Los_Angeles', CAST(sales.sold_at AS TIMESTAMP_NTZ)))), 2 ORDER BY 3 DESC FETCH NEXT 500 ROWS ONLY
--#H-tool-08 | honest | must=ALLOW | Looker: symmetric aggregates
SELECT COALESCE(CAST((SUM(DISTINCT (CAST(FLOOR(COALESCE(sales.amount, 0) * (1000000 * 1.0)) AS DECIMAL(38, 0))) + (TO_NUMBER(MD5(sales.sale_id), 'XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX') % 1.0e27)::NUMERIC(38, 0)) - SUM(DISTINCT (TO_NUMBER(MD5(sales.sale_id), 'XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX') % 1.0e27)::NUMERIC(38, 0))) AS DOUBLE PRECISION) / CAST((1000000 * 1.0) AS DOUBLE PRECISION), 0) AS "total" FROM sales LEFT JOIN employees ON sales.customer_id = employees.emp_id
--#H-tool-09 | honest | must=ALLOW | Looker: a pivot by ranks
SELECT * FROM (SELECT *, DENSE_RANK() OVER (ORDER BY z___min_rank) AS z___pivot_row_rank, RANK() OVER (PARTITION BY z__pivot_col_rank ORDER BY z___min_rank) AS z__pivot_col_ordering FROM (SELECT *, MIN(z___rank) OVER (PARTITION BY "sales.region") AS z___min_rank FROM (SELECT *, RANK() OVER (ORDER BY "sales.region" DESC, z__pivot_col_rank) AS z___rank FROM (SELECT *, DENSE_RANK() OVER (ORDER BY "sales.channel" NULLS LAST) AS z__pivot_col_rank FROM (SELECT sales.channel AS "sales.channel", sales.region AS "sales.region", COUNT(*) AS "sales.count" FROM PUBLIC.sales AS sales GROUP BY 1, 2) ww) bb WHERE z__pivot_col_rank <= 16384) aa) xx) zz WHERE (z__pivot_col_rank <= 50 OR z__pivot_col_ordering = 1) AND z___pivot_row_rank <= 500 ORDER BY z___pivot_row_rank
--#H-tool-10 | honest | must=ALLOW | Looker: yes and no
SELECT CASE WHEN sales.is_return THEN 'Yes' ELSE 'No' END AS "sales.is_return", COUNT(DISTINCT CASE WHEN (CASE WHEN sales.amount >= 100 THEN TRUE ELSE FALSE END) THEN sales.customer_id ELSE NULL END) AS "sales.big_buyers" FROM sales GROUP BY (CASE WHEN sales.is_return THEN 'Yes' ELSE 'No' END)
--#H-tool-11 | honest | must=ALLOW | Power BI: folded steps in lower case with quoted names
select "rows"."REGION" as "REGION", sum("rows"."AMOUNT") as "a0" from ( select "REGION", "AMOUNT", "SOLD_ON" from "GW"."PUBLIC"."SALES" ) "rows" group by "REGION"
--#H-tool-12 | honest | must=ALLOW | Power BI: DirectQuery with a top and null-safe joins
select top 1000001 "basetable0"."REGION" as "c1", count("basetable0"."SALE_ID") as "a0" from "GW"."PUBLIC"."SALES" as "basetable0" left outer join "GW"."PUBLIC"."EMPLOYEES" as "basetable1" on (("basetable0"."CUSTOMER_ID" = "basetable1"."EMP_ID") or ("basetable0"."CUSTOMER_ID" is null and "basetable1"."EMP_ID" is null)) group by "basetable0"."REGION"
--#H-tool-13 | honest | must=ALLOW | Power BI: a cast of everything and a case for blanks
select "_"."PRODUCT", case when "_"."AMOUNT" is null then 0 else cast("_"."AMOUNT" as double) end as "C1", year("_"."SOLD_ON") as "Year", dateadd(month, -1, "_"."SOLD_ON") as "Prev" from ( select * from "GW"."PUBLIC"."SALES" ) "_" where "_"."SOLD_ON" >= to_date('2024-01-01') and "_"."SOLD_ON" < to_date('2025-01-01') order by "_"."PRODUCT" limit 4096
--#H-tool-14 | honest | must=ALLOW | Metabase: full quoted names throughout, with its comment
-- Metabase:: userID: 1 queryType: MBQL queryHash: abc
SELECT DATE_TRUNC('month', "GW"."PUBLIC"."SALES"."SOLD_ON") AS "SOLD_ON", SUM("GW"."PUBLIC"."SALES"."AMOUNT") AS "sum" FROM "GW"."PUBLIC"."SALES" WHERE ("GW"."PUBLIC"."SALES"."SOLD_ON" >= DATE_TRUNC('month', DATEADD('month', -12, CURRENT_TIMESTAMP()))) AND ("GW"."PUBLIC"."SALES"."REGION" = 'EMEA') GROUP BY DATE_TRUNC('month', "GW"."PUBLIC"."SALES"."SOLD_ON") ORDER BY DATE_TRUNC('month', "GW"."PUBLIC"."SALES"."SOLD_ON") ASC
--#H-tool-15 | honest | must=ALLOW | Metabase: a nested source with a join alias
SELECT "source"."REGION" AS "REGION", COUNT(*) AS "count" FROM (SELECT "GW"."PUBLIC"."SALES"."REGION" AS "REGION", "Employees - Customer"."DEPT" AS "Employees - Customer__DEPT" FROM "GW"."PUBLIC"."SALES" LEFT JOIN "GW"."PUBLIC"."EMPLOYEES" AS "Employees - Customer" ON "GW"."PUBLIC"."SALES"."CUSTOMER_ID" = "Employees - Customer"."EMP_ID") AS "source" GROUP BY "source"."REGION" ORDER BY "count" DESC, "source"."REGION" ASC LIMIT 2000
--#H-tool-16 | honest | must=ALLOW | Metabase: bins and a time zone
SELECT FLOOR(("GW"."PUBLIC"."SALES"."AMOUNT" / 12.5)) * 12.5 AS "AMOUNT", TO_DATE(CONVERT_TIMEZONE('UTC', 'Europe/Berlin', "GW"."PUBLIC"."SALES"."SOLD_AT")) AS "d", COUNT(*) FROM "GW"."PUBLIC"."SALES" GROUP BY 1, 2
--#H-tool-17 | honest | must=ALLOW | Metabase: the first rows of a table
SELECT "GW"."PUBLIC"."SALES"."SALE_ID" AS "SALE_ID", SUBSTRING("GW"."PUBLIC"."SALES"."NOTE", 1, 1234) AS "substring1" FROM "GW"."PUBLIC"."SALES" LIMIT 10000
--#H-tool-18 | honest | must=ALLOW | Sigma: nested queries with its comment behind
select REGION_3 "Region", SUM_5 "Sum of Amount" from (select REGION REGION_3, sum(AMOUNT) SUM_5 from (select REGION, AMOUNT from GW.PUBLIC.SALES SALES) Q1 group by REGION order by REGION asc nulls last) Q2 order by REGION_3 asc limit 10001 -- Sigma {"request-id":"x","email":"a@b.c"}
--#H-tool-19 | honest | must=ALLOW | Sigma: a pivot table by windows
select Q2.REGION "Region", Q2.V_3 / nullif(sum(Q2.V_3) over (), 0) "Share", dense_rank() over ( order by Q2.V_3 desc) "Rank" from (select REGION, sum(AMOUNT) V_3 from GW.PUBLIC.SALES group by REGION) Q2
--#H-tool-20 | honest | must=ALLOW | Superset: a time series with its aliases
SELECT DATE_TRUNC('DAY', sold_at) AS __timestamp, region AS region, sum(amount) AS "SUM(amount)" FROM public.sales JOIN (SELECT region AS region__, sum(amount) AS mme_inner__ FROM public.sales GROUP BY region ORDER BY mme_inner__ DESC LIMIT 25) AS series_limit ON region = region__ WHERE sold_at >= TO_TIMESTAMP('2024-01-01T00:00:00.000000') AND sold_at < TO_TIMESTAMP('2025-01-01T00:00:00.000000') GROUP BY DATE_TRUNC('DAY', sold_at), region ORDER BY "SUM(amount)" DESC LIMIT 10000
--#H-tool-21 | honest | must=ALLOW | Superset: IS TRUE, which Snowflake does not have and the printer writes otherwise
SELECT COUNT(*) AS "count" FROM public.sales WHERE is_return IS TRUE AND (amount > 5) IS NOT FALSE LIMIT 5000
--#H-tool-22 | honest | must=ALLOW | Hex: an expression for each cell
WITH cell_1 AS (SELECT * FROM sales WHERE region = 'EMEA'), cell_2 AS (SELECT product, SUM(amount) AS total FROM cell_1 GROUP BY ALL) SELECT * FROM cell_2 ORDER BY total DESC NULLS LAST LIMIT 100
--#H-tool-23 | honest | must=ALLOW | Mode: comments with parameters filled in
-- Monthly revenue
-- owner: finance
SELECT DATE_TRUNC('month', sold_on) AS month
     , SUM(amount)                  AS revenue
  FROM sales
 WHERE region IN ('EMEA', 'AMER') /* {{ regions }} */
 GROUP BY 1
 ORDER BY 1
;
--#H-tool-24 | honest | must=ALLOW | dbt: the test not_null
select count(*) as failures, count(*) != 0 as should_warn, count(*) != 0 as should_error from ( select sale_id from gw.public.sales where sale_id is null ) dbt_internal_test
--#H-tool-25 | honest | must=ALLOW | dbt: the test unique
select count(*) as failures from ( select sale_id as unique_field, count(*) as n_records from gw.public.sales where sale_id is not null group by sale_id having count(*) > 1 ) dbt_internal_test
--#H-tool-26 | honest | must=ALLOW | dbt: the test accepted_values
with all_values as ( select region as value_field, count(*) as n_records from gw.public.sales group by region ) select * from all_values where value_field not in ( 'EMEA','APAC' )
--#H-tool-27 | honest | must=ALLOW | dbt: the test relationships
with child as ( select customer_id as from_field from gw.public.sales where customer_id is not null ), parent as ( select emp_id as to_field from gw.public.employees ) select from_field from child left join parent on child.from_field = parent.to_field where parent.to_field is null
--#H-tool-28 | honest | must=ALLOW | dbt: an empty look at a model's columns
select * from ( with src as (select * from sales) select region, sum(amount) as a from src group by 1 ) as __dbt_sbq where false limit 0
--#H-tool-29 | honest | must=ALLOW | dbt: deduplicate
select * from gw.public.sales as tt qualify row_number() over ( partition by sale_id order by sold_at desc ) = 1
--#H-tool-30 | honest | must=ALLOW | dbt: union_relations with casts of missing columns
( select cast('"GW"."PUBLIC"."SALES"' as VARCHAR) as _dbt_source_relation, cast("SALE_ID" as NUMBER(38,0)) as "ID", cast(null as character varying(16777216)) as "DEPT" from "GW"."PUBLIC"."SALES" ) union all ( select cast('"GW"."PUBLIC"."EMPLOYEES"' as VARCHAR) as _dbt_source_relation, cast("EMP_ID" as NUMBER(38,0)) as "ID", cast("DEPT" as character varying(16777216)) as "DEPT" from "GW"."PUBLIC"."EMPLOYEES" )
--#H-tool-31 | honest | must=ALLOW | dbt: pivot by cases
select region, sum(case when channel = 'web' then 1 else 0 end) as "web", sum(case when channel = 'store' then 1 else 0 end) as "store" from gw.public.sales group by region
--#H-tool-32 | honest | must=ALLOW | dbt: unpivot by unions
select sale_id, cast('QUANTITY' as TEXT) as metric, cast(quantity as float) as value from sales union all select sale_id, cast('DISCOUNT' as TEXT) as metric, cast(discount as float) as value from sales
--#H-tool-33 | honest | must=ALLOW | dbt: an incremental condition
select * from gw.public.sales where sold_at > (select coalesce(max(created_at), '1900-01-01'::timestamp_ntz) from gw.public.docs)
--#H-tool-34 | honest | must=ALLOW | dbt: an audit of two relations
with a as (select sale_id, amount from sales), b as (select sale_id, amount from sales where not is_return), a_intersect_b as (select * from a intersect select * from b), a_except_b as (select * from a except select * from b), all_records as (select *, true as in_a, true as in_b from a_intersect_b union all select *, true as in_a, false as in_b from a_except_b) select in_a, in_b, count(*) as count, round(100.0 * count(*) / sum(count(*)) over (), 2) as pct from all_records group by 1, 2 order by 1 desc, 2 desc
--#H-tool-35 | honest | must=ALLOW | dbt: freshness
select max(sold_at) as max_loaded_at, convert_timezone('UTC', current_timestamp()) as snapshotted_at from gw.public.sales
--#H-tool-36 | honest | must=ALLOW | dbt: a snapshot's hash and validity
select *, md5(coalesce(cast(sale_id as varchar ), '') || '|' || coalesce(cast(sold_at as varchar ), '')) as dbt_scd_id, sold_at as dbt_updated_at, coalesce(nullif(sold_at, sold_at), to_date('9999-12-31')) as dbt_valid_to from gw.public.sales
--#H-tool-37 | honest | must=ALLOW | dbt: the metric flow's time spine join
SELECT subq_2.metric_time__day AS metric_time__day, COALESCE(subq_1.revenue, 0) AS revenue FROM (SELECT DATE_TRUNC('day', d) AS metric_time__day FROM (SELECT DATEADD(day, SEQ4(), '2024-01-01'::DATE) AS d FROM TABLE(GENERATOR(ROWCOUNT => 31)))) subq_2 LEFT OUTER JOIN (SELECT DATE_TRUNC('day', sold_at) AS metric_time__day, SUM(amount) AS revenue FROM gw.public.sales sales_src_28000 GROUP BY DATE_TRUNC('day', sold_at)) subq_1 ON subq_2.metric_time__day = subq_1.metric_time__day
--#H-tool-38 | honest | must=ALLOW | Great Expectations: counts of unexpected values
SELECT COUNT(*) AS "table.row_count", SUM(CASE WHEN (sale_id IS NULL) THEN 1 ELSE 0 END) AS "column_values.nonnull.unexpected_count", SUM(CASE WHEN (amount NOT BETWEEN 0 AND 1000 AND amount IS NOT NULL) THEN 1 ELSE 0 END) AS "column_values.between.unexpected_count" FROM sales
--#H-tool-39 | honest | must=ALLOW | pandas and SQLAlchemy: aliases with numbers
SELECT anon_1.region AS anon_1_region, count(*) AS count_1 FROM (SELECT sales.region AS region FROM sales WHERE sales.amount > ?) AS anon_1 GROUP BY anon_1.region LIMIT ? OFFSET ?
--#H-tool-40 | honest | must=ALLOW | Ibis: aliases of tables by letters and numbers
SELECT "t1"."REGION", "t1"."total" FROM (SELECT "t0"."REGION", SUM("t0"."AMOUNT") AS "total" FROM "GW"."PUBLIC"."SALES" AS "t0" GROUP BY 1) AS "t1" ORDER BY "t1"."total" DESC NULLS LAST
--#H-tool-41 | honest | must=ALLOW | Snowpark: nested selects with quoted names and casts
SELECT "REGION", sum("AMOUNT") AS "SUM(AMOUNT)" FROM ( SELECT "REGION", "AMOUNT" FROM ( SELECT * FROM (gw.public.sales)) WHERE ("AMOUNT" > 10 :: INT)) GROUP BY "REGION" LIMIT 10
--#H-tool-42 | honest | must=ALLOW | Snowpark: a count of a frame
SELECT count(1) AS "COUNT(LITERAL())" FROM (( SELECT "REGION" AS "REGION" FROM ( SELECT * FROM (GW.PUBLIC.SALES)))) LIMIT 1
--#H-tool-43 | honest | must=ALLOW | Streamlit: filters by optional binds
SELECT * FROM sales WHERE (? IS NULL OR region = ?) AND (? IS NULL OR sold_on >= ?) ORDER BY sold_at DESC LIMIT 500
--#H-tool-44 | honest | must=ALLOW | an agent: top customers with names and shares
WITH customer_sales AS (
  SELECT
    e.emp_id,
    e.emp_name,
    SUM(s.amount) AS total_sales,
    COUNT(DISTINCT s.sale_id) AS order_count
  FROM GW.PUBLIC.SALES AS s
  INNER JOIN GW.PUBLIC.EMPLOYEES AS e
    ON s.customer_id = e.emp_id
  WHERE s.sold_on >= DATEADD(MONTH, -12, CURRENT_DATE())
    AND NOT s.is_return
  GROUP BY e.emp_id, e.emp_name
)
SELECT
  emp_name,
  total_sales,
  order_count,
  ROUND(total_sales / NULLIF(SUM(total_sales) OVER (), 0) * 100, 2) AS pct_of_total
FROM customer_sales
ORDER BY total_sales DESC
LIMIT 10;
--#H-tool-45 | honest | must=ALLOW | an agent: week over week with LAG and a safe division
WITH weekly AS (SELECT DATE_TRUNC('WEEK', sold_on) AS wk, region, SUM(amount) AS revenue FROM sales GROUP BY 1, 2) SELECT wk, region, revenue, LAG(revenue) OVER (PARTITION BY region ORDER BY wk) AS prev, ROUND((revenue - prev) / NULLIF(prev, 0) * 100, 1) AS pct_change FROM weekly ORDER BY region, wk;
--#H-tool-46 | honest | must=ALLOW | an agent: RFM scores
WITH rfm AS (SELECT customer_id, DATEDIFF('day', MAX(sold_on), CURRENT_DATE()) AS recency, COUNT(*) AS frequency, SUM(amount) AS monetary FROM sales GROUP BY customer_id), scored AS (SELECT *, NTILE(5) OVER (ORDER BY recency DESC) AS r, NTILE(5) OVER (ORDER BY frequency) AS f, NTILE(5) OVER (ORDER BY monetary) AS m FROM rfm) SELECT CASE WHEN r >= 4 AND f >= 4 THEN 'Champions' WHEN r >= 3 THEN 'Loyal' ELSE 'At risk' END AS segment, COUNT(*) AS customers, ROUND(AVG(monetary), 2) AS avg_value FROM scored GROUP BY segment ORDER BY customers DESC
--#H-tool-47 | honest | must=ALLOW | an agent: cohorts pivoted by month
WITH firsts AS (SELECT customer_id, DATE_TRUNC('month', MIN(sold_on)) AS cohort FROM sales GROUP BY customer_id), activity AS (SELECT f.cohort, DATEDIFF('month', f.cohort, s.sold_on) AS month_no, s.customer_id FROM sales s JOIN firsts f ON f.customer_id = s.customer_id) SELECT * FROM (SELECT cohort, month_no, customer_id FROM activity) PIVOT (COUNT(customer_id) FOR month_no IN (0, 1, 2, 3)) AS p ORDER BY cohort
--#H-tool-48 | honest | must=ALLOW | an agent: outliers by z-scores and quartiles
WITH stats AS (SELECT AVG(amount) AS mu, STDDEV(amount) AS sigma, PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY amount) AS q1, PERCENTILE_CONT(0.75) WITHIN GROUP (ORDER BY amount) AS q3 FROM sales) SELECT s.sale_id, s.amount, (s.amount - st.mu) / NULLIF(st.sigma, 0) AS z FROM sales s CROSS JOIN stats st WHERE ABS((s.amount - st.mu) / NULLIF(st.sigma, 0)) > 3 OR s.amount > st.q3 + 1.5 * (st.q3 - st.q1)
--#H-tool-49 | honest | must=ALLOW | an agent: a profile of a table's columns
SELECT 'region' AS column_name, COUNT(*) AS rows_total, COUNT(region) AS non_null, COUNT(DISTINCT region) AS distinct_values, MIN(region)::VARCHAR AS min_value, MAX(region)::VARCHAR AS max_value FROM sales UNION ALL SELECT 'amount', COUNT(*), COUNT(amount), COUNT(DISTINCT amount), MIN(amount)::VARCHAR, MAX(amount)::VARCHAR FROM sales
--#H-tool-50 | honest | must=ALLOW | an agent: documents searched by a key
SELECT doc_id, body:title::STRING AS title, body:author.name::STRING AS author FROM docs WHERE body:title::STRING ILIKE '%snowflake%' AND ARRAY_CONTAINS('news'::VARIANT, tags) AND body:published::DATE >= DATEADD(year, -1, CURRENT_DATE) ORDER BY body:published::DATE DESC LIMIT 20
--#H-tool-51 | honest | must=ALLOW | an agent: sensors resampled to five minutes
SELECT sensor_id, TIME_SLICE(read_at::TIMESTAMP_NTZ, 5, 'MINUTE') AS bucket, AVG(val) AS avg_val, MIN(val) AS min_val, MAX(val) AS max_val, COUNT(*) AS n FROM readings WHERE quality = 'ok' AND read_at >= DATEADD(hour, -24, CURRENT_TIMESTAMP) GROUP BY sensor_id, bucket HAVING n >= 3 ORDER BY sensor_id, bucket
--#H-tool-52 | honest | must=ALLOW | an agent: the nearest places
SELECT place_name, ROUND(ST_DISTANCE(TO_GEOGRAPHY(geo), ST_MAKEPOINT(-122.42, 37.77)) / 1000, 1) AS km FROM places QUALIFY ROW_NUMBER() OVER (ORDER BY km) <= 5
--#H-tool-53 | honest | must=ALLOW | an agent: days without sales
SELECT d.day FROM (SELECT DATEADD(day, SEQ4(), DATE_TRUNC(month, CURRENT_DATE)) AS day FROM TABLE(GENERATOR(ROWCOUNT => 31))) d LEFT JOIN sales s ON s.sold_on = d.day WHERE s.sale_id IS NULL
--#H-tool-54 | honest | must=ALLOW | an agent: the median time between orders
SELECT MEDIAN(gap) FROM (SELECT customer_id, DATEDIFF(hour, LAG(sold_at) OVER (PARTITION BY customer_id ORDER BY sold_at), sold_at) AS gap FROM sales) WHERE gap IS NOT NULL
--#H-tool-55 | honest | must=ALLOW | an agent: a market basket
SELECT a.product AS p1, b.product AS p2, COUNT(DISTINCT a.customer_id) AS together FROM sales a JOIN sales b ON a.customer_id = b.customer_id AND a.sold_on = b.sold_on AND a.product < b.product GROUP BY 1, 2 HAVING together > 5 ORDER BY together DESC LIMIT 25
--#H-tool-56 | honest | must=ALLOW | an agent: months in words
SELECT TO_CHAR(sold_on, 'Mon-YYYY') AS month, TO_CHAR(DATE_TRUNC('month', sold_on), 'YYYY-MM') AS sort_key, TO_VARCHAR(SUM(amount), '$999,999,990.00') AS revenue FROM sales GROUP BY 1, 2 ORDER BY 2
--#H-tool-57 | honest | must=ALLOW | an agent: today in text
SELECT TO_CHAR(CURRENT_DATE(), 'YYYY-MM-DD') AS today, TO_CHAR(CURRENT_TIMESTAMP(), 'YYYY-MM-DD HH24:MI:SS') AS now, TO_CHAR(DATEADD(day, -1, CURRENT_DATE), 'DD.MM.YYYY') AS yesterday, TO_VARCHAR(sold_on::DATE, 'MM/DD/YYYY') FROM sales
--#H-tool-58 | honest | must=ALLOW | an agent: ISO timestamps parsed and written
SELECT TO_TIMESTAMP_NTZ(note, 'YYYY-MM-DD"T"HH24:MI:SS.FF3"Z"'), TRY_TO_TIMESTAMP(note, 'YYYY-MM-DD HH24:MI:SS.FF'), TO_TIMESTAMP_TZ(note, 'DY MON DD HH24:MI:SS TZHTZM YYYY'), TO_DATE(note, 'MON DD, YYYY'), TO_TIME(note, 'HH12:MI:SS AM') FROM sales
--#H-tool-59 | honest | must=ALLOW | an agent: a sentence by CASE over dates
SELECT CASE WHEN DAYOFWEEKISO(sold_on) IN (6, 7) THEN 'weekend' ELSE 'weekday' END AS kind, IFF(HOUR(sold_at) < 12, 'am', 'pm') AS half, COUNT(*) FROM sales GROUP BY ALL
--#H-tool-60 | honest | must=ALLOW | an agent: growth by a self join on the year before
SELECT c.month, c.revenue, p.revenue AS last_year, c.revenue / NULLIF(p.revenue, 0) - 1 AS yoy FROM v_sales c LEFT JOIN v_sales p ON p.region = c.region AND p.month = DATEADD(year, -1, c.month) WHERE c.region = 'EMEA'
--#H-tool-61 | honest | must=ALLOW | an agent: masked people counted by public columns
SELECT c_mktsegment, n_name, COUNT(*) AS customers, COUNT(DISTINCT c_custkey) FROM customer JOIN nation ON n_nationkey = c_nationkey GROUP BY 1, 2 HAVING COUNT(*) >= 5 ORDER BY customers DESC
--#H-tool-62 | honest | must=ALLOW | an agent: a masked table as a whole, limited
SELECT * FROM customer LIMIT 10
--#H-tool-63 | honest | must=ALLOW | an agent: orders of a segment by month
SELECT DATE_TRUNC('month', o.o_orderdate) AS month, c.c_mktsegment, SUM(o.o_totalprice) FROM orders o JOIN customer c ON c.c_custkey = o.o_custkey WHERE c.c_mktsegment ILIKE 'build%' GROUP BY ALL ORDER BY ALL
--#H-tool-64 | honest | must=ALLOW | one row inserted with an expression for each kind of value
INSERT INTO sales (sale_id, sold_on, sold_at, region, amount, discount, is_return, currency) VALUES (1, '2024-01-01', CURRENT_TIMESTAMP(), 'EMEA', 12.5, 1e-2, FALSE, NULL)
--#H-tool-65 | honest | must=ALLOW | a default value by its key word
INSERT INTO region (r_regionkey, r_name, r_comment) VALUES (7, DEFAULT, NULL)
--#H-tool-66 | honest | must=ALLOW | an insert from VALUES with conversions
INSERT INTO docs (doc_id, body, tags) SELECT column1, PARSE_JSON(column2), ARRAY_CONSTRUCT(column3) FROM VALUES (1, '{"a": 1}', 'x'), (2, '{}', 'y')
--#H-tool-67 | honest | must=ALLOW | an insert of what is not there yet
INSERT INTO region (r_regionkey, r_name) SELECT s.n_regionkey, MIN(s.n_name) FROM nation s WHERE NOT EXISTS (SELECT 1 FROM region t WHERE t.r_regionkey = s.n_regionkey) GROUP BY s.n_regionkey
--#H-tool-68 | honest | must=ALLOW | an insert with an expression before it
INSERT INTO region (r_regionkey, r_name) WITH src AS (SELECT DISTINCT n_regionkey, 'r' || n_regionkey::VARCHAR AS n FROM nation) SELECT n_regionkey, n FROM src WHERE n_regionkey > 4
--#H-tool-69 | honest | must=ALLOW | an update by a CASE over the row itself
UPDATE sales SET channel = CASE WHEN channel = 'www' THEN 'web' ELSE channel END, discount = COALESCE(discount, 0) WHERE sold_on >= '2024-01-01' AND region = 'EMEA'
--#H-tool-70 | honest | must=ALLOW | an update with an alias, from a subquery
UPDATE sales t SET t.note = s.n FROM (SELECT emp_id, MAX(emp_name) AS n FROM employees GROUP BY emp_id) s WHERE t.customer_id = s.emp_id AND t.note IS NULL
--#H-tool-71 | honest | must=ALLOW | an update by a scalar subquery
UPDATE sales SET note = (SELECT MAX(r_name) FROM region WHERE r_regionkey = 1) WHERE sale_id = 17
--#H-tool-72 | honest | must=ALLOW | an update of a document
UPDATE docs SET attrs = OBJECT_INSERT(attrs, 'reviewed', TRUE, TRUE), body = PARSE_JSON('{"a": 1}') WHERE doc_id = 5
--#H-tool-73 | honest | must=ALLOW | a delete by a date and a list
DELETE FROM sales WHERE sold_on < DATEADD(year, -7, CURRENT_DATE()) AND region IN ('EMEA', 'APAC')
--#H-tool-74 | honest | must=ALLOW | a delete with an alias and USING
DELETE FROM sales AS s USING employees AS e WHERE s.customer_id = e.emp_id AND e.dept = 'closed'
--#H-tool-75 | honest | must=ALLOW | a delete of duplicates by a subquery with QUALIFY
DELETE FROM sales WHERE sale_id IN (SELECT sale_id FROM sales QUALIFY ROW_NUMBER() OVER (PARTITION BY customer_id, sold_at ORDER BY sale_id) > 1)
--#H-tool-76 | honest | must=ALLOW | dbt: a merge of an incremental model
merge into gw.public.sales as DBT_INTERNAL_DEST using (select * from gw.public.sales where sold_on > '2024-01-01') as DBT_INTERNAL_SOURCE on ((DBT_INTERNAL_SOURCE.sale_id = DBT_INTERNAL_DEST.sale_id)) when matched then update set "REGION" = DBT_INTERNAL_SOURCE."REGION", "AMOUNT" = DBT_INTERNAL_SOURCE."AMOUNT" when not matched then insert ("SALE_ID", "REGION", "AMOUNT") values ("SALE_ID", "REGION", "AMOUNT")
--#H-tool-77 | honest | must=ALLOW | a merge with conditions in each branch
MERGE INTO sales t USING (SELECT sale_id, amount, is_return FROM sales WHERE sold_on = CURRENT_DATE) s ON t.sale_id = s.sale_id AND t.region = 'EMEA' WHEN MATCHED AND s.is_return THEN DELETE WHEN MATCHED AND t.amount <> s.amount THEN UPDATE SET t.amount = s.amount, t.note = 'fixed' WHEN NOT MATCHED AND s.amount > 0 THEN INSERT (sale_id, amount) VALUES (s.sale_id, s.amount)
--#H-tool-78 | honest | must=ALLOW | a merge from values
MERGE INTO region t USING (SELECT column1 AS k, column2 AS n FROM VALUES (1, 'x'), (2, 'y')) s ON t.r_regionkey = s.k WHEN MATCHED THEN UPDATE SET r_name = s.n WHEN NOT MATCHED THEN INSERT (r_regionkey, r_name) VALUES (s.k, s.n)
--#H-tool-79 | honest | must=ALLOW | dbt: delete and insert
delete from gw.public.sales using (select distinct sale_id from gw.public.sales where sold_on = '2024-01-01') as tmp where (tmp.sale_id) = gw.public.sales.sale_id
--#H-tool-80 | honest | must=ALLOW | a text made of a date that the caller names
SELECT TO_VARCHAR(DATE_TRUNC('quarter', '2024-05-17'::DATE), 'YYYY-MM-DD') AS quarter_start, TO_CHAR(TO_DATE('2024-05-17'), 'DY')
--#H-tool-81 | honest | must=ALLOW | columns of VALUES by position, in every clause
SELECT $1 AS id, $2::INT + 1, COUNT(*) FROM VALUES ('a', 1), ('b', 2) WHERE $2 > 0 GROUP BY $1, 2 ORDER BY $1
--#H-tool-82 | honest | must=ALLOW | a row without a table, as Oracle's tools ask for it
SELECT CURRENT_DATE AS today FROM DUAL UNION ALL SELECT CURRENT_DATE - 1 FROM dual
--#H-tool-83 | honest | must=ALLOW | an offset without a limit
SELECT sale_id FROM sales ORDER BY sale_id OFFSET 100
--#H-tool-84 | honest | must=ALLOW | signs before numbers
SELECT +1, - 2, DATEADD(day, +7, sold_on), amount * +1, amount - -1 FROM sales WHERE amount > +5
--#H-tool-85 | honest | must=ALLOW | every argument of functions that have defaults
SELECT TO_NUMBER('1,234', '9,999', 10, 0), TO_NUMBER('12', 38, 0), TRY_TO_DECIMAL(note, '999.99', 10, 0), ARRAY_SORT(ARRAY_CONSTRUCT(1), FALSE, TRUE), ARRAY_SORT([1], TRUE, FALSE), INITCAP(note, ' -'), '1'::REAL, '1'::FLOAT4 FROM sales
