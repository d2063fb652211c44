-- Names: tables and common table expressions that are called otherwise, shadowed, or not told until run time.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

--#S-name-01 | name | must=MASKED | full name
SELECT C_NAME FROM GW.PUBLIC.CUSTOMER;
--#S-name-02 | name | must=MASKED | quoted full name
SELECT "C_NAME" FROM "GW"."PUBLIC"."CUSTOMER";
--#S-name-03 | name | must=MASKED | mixed case and spaces
select  C_nAmE  from  gW . pUbLiC . "CUSTOMER";
--#S-name-04 | name | must=DENY | quoted name in another case is another table
SELECT * FROM GW.PUBLIC."Customer";
--#S-name-05 | name | must=DENY | too many parts
SELECT * FROM A.GW.PUBLIC.CUSTOMER;
--#S-name-06 | name | must=DENY | full-width letters
SELECT * FROM ｃustomer;
--#S-name-07 | name | must=DENY | dotless i folds to another name
SELECT * FROM natıon;
--#S-name-08 | name | must=DENY | zero-width joiner
SELECT * FROM cust‍omer;
--#S-name-09 | name | must=MASKED | IDENTIFIER with a full quoted name
SELECT c_phone FROM IDENTIFIER('"GW"."PUBLIC"."CUSTOMER"');
--#S-name-10 | name | must=MASKED | IDENTIFIER with an alias
SELECT x.c_phone FROM IDENTIFIER('gw.public.customer') x;
--#S-name-11 | name | must=DENY | IDENTIFIER of a concatenation
SELECT * FROM IDENTIFIER('cust' || 'omer');
--#S-name-12 | name | must=DENY | IDENTIFIER that holds a comment
SELECT * FROM IDENTIFIER('customer -- x');
--#S-name-13 | name | must=DENY | IDENTIFIER that holds a subquery
SELECT * FROM IDENTIFIER('(select 1)');
--#S-name-14 | name | must=DENY | IDENTIFIER of a reserved name
SELECT * FROM IDENTIFIER('__GW_C1');
--#S-name-15 | name | must=DENY | table named by a string
SELECT * FROM TABLE('GW.PUBLIC.CUSTOMER');
--#S-name-16 | name | must=DENY | table literal by variable
SELECT * FROM TABLE($t);
--#S-name-17 | name | must=DENY | information schema
SELECT * FROM gw.information_schema.columns;
--#S-name-18 | name | must=DENY | information schema of another database
SELECT * FROM snowflake.information_schema.tables;
--#S-name-19 | name | must=DENY | information schema table function
SELECT * FROM TABLE(gw.information_schema.query_history());
--#S-name-20 | name | must=DENY | reserved alias
SELECT "__gw_r".c_phone FROM customer AS "__gw_r";
--#S-name-21 | name | must=DENY | reserved name inside a CTE
WITH "__GW_C1" AS (SELECT 1 AS x) SELECT * FROM "__GW_C1";
--#S-name-22 | name | must=DENY | reserved name as a column alias
SELECT 1 AS __GW_T0;
--#S-name-23 | name | must=DENY | metadata pseudo-column
SELECT METADATA$ROW_ID FROM customer;
--#S-name-24 | name | must=DENY | positional column
SELECT $5 FROM customer;
--#S-name-25 | name | must=DENY | positional column of an alias
SELECT c.$5 FROM customer c;
--#S-name-26 | name | must=DENY | columns renamed by position
SELECT v.e FROM customer AS v(a, b, c, d, e);
--#S-name-27 | name | must=MASKED | derived table with renamed columns
SELECT v.e FROM (SELECT c_custkey, c_phone FROM customer) AS v(a, e);
--#S-name-28 | name | must=MASKED | CTE with renamed columns
WITH v(a, e) AS (SELECT c_custkey, c_phone FROM customer) SELECT e FROM v;
--#S-cte-01 | cte | must=MASKED | CTE of the table's name, the table under its full name inside
WITH customer AS (SELECT * FROM gw.public.customer) SELECT c_phone FROM customer;
--#S-cte-02 | cte | must=DENY | CTE that reads its own name is two things
WITH customer AS (SELECT * FROM customer) SELECT * FROM customer;
--#S-cte-03 | cte | must=MASKED | nested CTEs
WITH a AS (WITH b AS (SELECT c_phone FROM customer) SELECT * FROM b) SELECT * FROM a;
--#S-cte-04 | cte | must=MASKED | CTE used twice
WITH a AS (SELECT c_phone FROM customer) SELECT * FROM a x JOIN a y ON x.c_phone = y.c_phone;
--#S-cte-05 | cte | must=MASKED | CTE in a subquery of a predicate
SELECT 1 FROM nation WHERE EXISTS (WITH a AS (SELECT c_phone FROM customer) SELECT 1 FROM a WHERE c_phone LIKE '1%');
--#S-cte-06 | cte | must=MASKED | inner CTE hides the outer one
WITH a AS (SELECT 1 AS c_phone) SELECT * FROM (WITH a AS (SELECT c_phone FROM customer) SELECT * FROM a) q, a;
--#S-cte-07 | cte | must=MASKED | recursion over a protected anchor
WITH RECURSIVE r(k, p) AS (SELECT c_custkey, c_phone FROM customer UNION ALL SELECT k + 1, p FROM r WHERE k < 2) SELECT p FROM r;
--#S-cte-08 | cte | must=MASKED | recursion that joins the protected table
WITH RECURSIVE r(k) AS (SELECT 1 UNION ALL SELECT c.c_custkey FROM r JOIN customer c ON c.c_custkey = r.k + 1) SELECT * FROM r;
--#S-cte-09 | cte | must=DENY | recursion in the anchor
WITH RECURSIVE r AS (SELECT * FROM r UNION ALL SELECT * FROM r) SELECT * FROM r;
--#S-cte-10 | cte | must=DENY | procedure in WITH
WITH p AS PROCEDURE () RETURNS INT LANGUAGE SQL AS $$ BEGIN RETURN 1; END $$ CALL p();
--#S-cte-11 | cte | must=DENY | write in a CTE
WITH a AS (DELETE FROM customer RETURNING *) SELECT * FROM a;
--#S-shadow-01 | cte-shadow | must=MASKED | a CTE of the table's name hides nothing from an earlier CTE
WITH a AS (SELECT c_phone FROM customer), customer AS (SELECT 'x' AS c_phone) SELECT a.c_phone FROM a, customer;
--#S-shadow-02 | cte-shadow | must=MASKED | a CTE of the table's name in one arm does not reach the other
SELECT * FROM (WITH customer AS (SELECT 'x' AS c_phone) SELECT c_phone FROM customer) UNION ALL SELECT c_phone FROM customer;
--#S-shadow-03 | cte-shadow | must=MASKED | a CTE of the table's name inside EXISTS does not reach out
SELECT c_phone FROM customer c WHERE EXISTS (WITH customer AS (SELECT 1 AS x) SELECT x FROM customer);
--#S-shadow-04 | cte-shadow | must=MASKED | a qualified name is never a CTE
WITH customer AS (SELECT 'decoy' AS c_phone) SELECT c_phone FROM public.customer;
--#S-shadow-05 | cte-shadow | must=MASKED | a fully qualified name is never a CTE
WITH customer AS (SELECT 'decoy' AS c_phone) SELECT c_phone FROM gw.public.customer;
--#S-shadow-06 | cte-shadow | must=MASKED | a mixed-case quoted CTE leaves the table alone
WITH "Customer" AS (SELECT 'decoy' AS c_phone) SELECT c_phone FROM customer;
--#S-shadow-07 | cte-shadow | must=MASKED | a quoted upper-case CTE is the unquoted name, the table under its path
WITH "CUSTOMER" AS (SELECT c_phone FROM gw.public.customer) SELECT c_phone FROM customer;
--#S-shadow-08 | cte-shadow | must=MASKED | an alias of the table's name on another table beside the table
SELECT customer.n_name, c.c_phone FROM nation customer JOIN customer c ON c.c_nationkey = customer.n_nationkey;
--#S-shadow-09 | cte-shadow | must=MASKED | an alias of another table's name on the table
SELECT nation.c_phone FROM customer nation;
--#S-shadow-10 | cte-shadow | must=MASKED | a derived table of the table's name beside the table
SELECT customer.x, c.c_phone FROM (SELECT 1 AS x) customer, gw.public.customer c;
--#S-shadow-11 | cte-shadow | must=MASKED | a CTE chain of five
WITH a AS (SELECT * FROM customer), b AS (SELECT * FROM a), c AS (SELECT * FROM b), d AS (SELECT * FROM c), e AS (SELECT * FROM d) SELECT c_phone FROM e;
--#S-shadow-12 | cte-shadow | must=MASKED | a CTE nobody uses
WITH a AS (SELECT c_phone FROM customer) SELECT n_name FROM nation;
--#S-shadow-13 | cte-shadow | must=MASKED | a CTE that a scalar subquery uses
WITH a AS (SELECT MAX(c_phone) AS p FROM customer) SELECT (SELECT p FROM a) FROM region;
--#S-shadow-14 | cte-shadow | must=MASKED | a CTE that two set operations use
WITH a AS (SELECT c_phone FROM customer) (SELECT * FROM a INTERSECT SELECT * FROM a) EXCEPT SELECT s_phone FROM supplier;
--#S-shadow-15 | cte-shadow | must=DENY | a CTE inside a CTE of the same name: refused, because readers disagree on it
WITH a AS (WITH a AS (SELECT c_phone FROM customer) SELECT * FROM a) SELECT * FROM a;
--#S-shadow-16 | cte-shadow | must=MASKED | a recursive CTE that counts through the secret
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT r.n + 1 FROM r JOIN customer c ON c.c_custkey = r.n WHERE r.n < LENGTH(c.c_phone)) SELECT MAX(n) FROM r;
--#S-shadow-17 | cte-shadow | must=MASKED | a recursive CTE that walks the characters of the secret
WITH RECURSIVE r AS (SELECT c_custkey AS k, c_phone AS p, 1 AS i FROM customer UNION ALL SELECT k, SUBSTR(p, 2), i + 1 FROM r WHERE LENGTH(p) > 1) SELECT k, i, LEFT(p, 1) FROM r;
--#S-shadow-18 | cte-shadow | must=MASKED | two CTEs that call each other's column names
WITH a(x, y) AS (SELECT c_custkey, c_phone FROM customer), b(y, x) AS (SELECT x, y FROM a) SELECT b.x FROM b;
--#S-shadow-19 | cte-shadow | must=MASKED | a CTE over VALUES joined with the secret
WITH g(p) AS (SELECT * FROM VALUES ('25-989-741-2988'), ('25-989-741-2989')) SELECT g.p FROM g JOIN customer c ON c.c_phone = g.p;
--#S-shadow-20 | cte-shadow | must=MASKED | a CTE in a derived table in a CTE
WITH a AS (SELECT * FROM (WITH b AS (SELECT c_name FROM customer) SELECT * FROM b) q) SELECT * FROM a;
--#S-shadow-21 | cte-shadow | must=DENY | a CTE of the table's name that reads that name through a nested subquery
WITH customer AS (SELECT (SELECT MAX(c_phone) FROM customer) AS m) SELECT m FROM customer;
--#S-shadow-22 | cte-shadow | must=DENY | a recursive CTE of the table's name whose anchor reads the table
WITH RECURSIVE customer AS (SELECT c_custkey AS k FROM customer UNION ALL SELECT k + 1 FROM customer WHERE k < 5) SELECT * FROM customer;
--#S-shadow-23 | cte-shadow | must=DENY | a CTE that is a path
WITH gw.public.a AS (SELECT 1) SELECT * FROM gw.public.a;
--#S-shadow-24 | cte-shadow | must=DENY | a CTE of a reserved name
WITH __GW_T0 AS (SELECT 1 AS x) SELECT x FROM __GW_T0;
--#S-shadow-25 | cte-shadow | must=DENY | a CTE that writes
WITH a AS (INSERT INTO region (r_regionkey) VALUES (1)) SELECT 1;
--#S-shadow-26 | cte-shadow | must=MASKED | a nested CTE reads a CTE of the outer query, whose name a table has
WITH nation AS (SELECT c_phone AS n_name FROM customer) SELECT * FROM (WITH b AS (SELECT n_name FROM nation) SELECT * FROM b) q;
--#S-indirect-01 | indirect-name | must=MASKED | spaces and line ends between the parts
SELECT c_phone FROM gw
 . public
 . customer;
--#S-indirect-02 | indirect-name | must=MASKED | a comment between the parts
SELECT c_phone FROM gw./* x */public./* y */customer;
--#S-indirect-03 | indirect-name | must=MASKED | IDENTIFIER in two parts
SELECT c_phone FROM IDENTIFIER('public.customer');
--#S-indirect-04 | indirect-name | must=MASKED | IDENTIFIER with quotes inside one part
SELECT c_phone FROM IDENTIFIER('public."CUSTOMER"');
--#S-indirect-05 | indirect-name | must=MASKED | IDENTIFIER in a join
SELECT c.c_phone FROM nation n JOIN IDENTIFIER('customer') c ON c.c_nationkey = n.n_nationkey;
--#S-indirect-06 | indirect-name | must=MASKED | IDENTIFIER in a subquery
SELECT 1 FROM region WHERE EXISTS (SELECT 1 FROM IDENTIFIER('customer') WHERE c_phone LIKE '25%');
--#S-indirect-07 | indirect-name | must=MASKED | IDENTIFIER of a view
SELECT nm FROM IDENTIFIER('v_cust');
--#S-indirect-08 | indirect-name | must=DENY | IDENTIFIER in dollar quotes
SELECT c_phone FROM IDENTIFIER($$customer$$);
--#S-indirect-09 | indirect-name | must=DENY | IDENTIFIER of a lower-case quoted name
SELECT * FROM IDENTIFIER('"customer"');
--#S-indirect-10 | indirect-name | must=DENY | IDENTIFIER of four parts
SELECT * FROM IDENTIFIER('a.gw.public.customer');
--#S-indirect-11 | indirect-name | must=DENY | IDENTIFIER of nothing
SELECT * FROM IDENTIFIER('');
--#S-indirect-12 | indirect-name | must=DENY | IDENTIFIER of dots
SELECT * FROM IDENTIFIER('gw..customer');
--#S-indirect-13 | indirect-name | must=DENY | IDENTIFIER that ends early
SELECT * FROM IDENTIFIER('gw.public.');
--#S-indirect-14 | indirect-name | must=DENY | IDENTIFIER with an open quote
SELECT * FROM IDENTIFIER('"customer');
--#S-indirect-15 | indirect-name | must=DENY | IDENTIFIER of a call
SELECT * FROM IDENTIFIER(UPPER('customer'));
--#S-indirect-16 | indirect-name | must=DENY | IDENTIFIER of a subquery
SELECT * FROM IDENTIFIER((SELECT 'customer'));
--#S-indirect-17 | indirect-name | must=DENY | IDENTIFIER of a number
SELECT * FROM IDENTIFIER(1);
--#S-indirect-18 | indirect-name | must=DENY | IDENTIFIER of NULL
SELECT * FROM IDENTIFIER(NULL);
--#S-indirect-19 | indirect-name | must=DENY | IDENTIFIER as part of a path
SELECT * FROM gw.public.IDENTIFIER('customer');
--#S-indirect-20 | indirect-name | must=DENY | IDENTIFIER for a schema
SELECT * FROM IDENTIFIER('public').customer;
--#S-indirect-21 | indirect-name | must=DENY | IDENTIFIER as a column in ORDER BY
SELECT c_custkey FROM customer ORDER BY IDENTIFIER('c_phone');
--#S-indirect-22 | indirect-name | must=DENY | IDENTIFIER as a column in WHERE
SELECT c_custkey FROM customer WHERE IDENTIFIER('c_phone') LIKE '25%';
--#S-indirect-23 | indirect-name | must=DENY | IDENTIFIER as an alias
SELECT 1 AS IDENTIFIER('x');
--#S-indirect-24 | indirect-name | must=DENY | a bind for a whole path
SELECT * FROM ?;
--#S-indirect-25 | indirect-name | must=DENY | a named bind for a table
SELECT * FROM :tbl;
--#S-indirect-26 | indirect-name | must=DENY | a variable for a table
SELECT * FROM $tbl;
--#S-indirect-27 | indirect-name | must=DENY | TABLE of a bind
SELECT * FROM TABLE(?);
--#S-indirect-28 | indirect-name | must=DENY | TABLE of a subquery
SELECT * FROM TABLE((SELECT 'customer'));
--#S-indirect-29 | indirect-name | must=DENY | TABLE of a quoted path
SELECT * FROM TABLE('"GW"."PUBLIC"."CUSTOMER"');
--#S-indirect-30 | indirect-name | must=DENY | TABLE of a dollar-quoted name
SELECT * FROM TABLE($$customer$$);
--#S-indirect-31 | indirect-name | must=DENY | a name with a trailing space in quotes
SELECT * FROM "CUSTOMER ";
--#S-indirect-32 | indirect-name | must=DENY | a name with a no-break space
SELECT * FROM "CUSTOMER ";
--#S-indirect-33 | indirect-name | must=DENY | Greek letters
SELECT * FROM CUSΤOMER;
--#S-indirect-34 | indirect-name | must=DENY | a soft hyphen
SELECT * FROM "CUST­OMER";
--#S-indirect-35 | indirect-name | must=DENY | a combining letter
SELECT * FROM "CUSTOMÉR";
--#S-indirect-36 | indirect-name | must=DENY | a schema of another case
SELECT * FROM gw."public".customer;
--#S-indirect-37 | indirect-name | must=DENY | a database of another case
SELECT * FROM "gw".public.customer;
--#S-indirect-38 | indirect-name | must=DENY | another database
SELECT * FROM other.public.customer;
--#S-indirect-39 | indirect-name | must=DENY | another schema
SELECT * FROM gw.private.customer;
--#S-indirect-40 | indirect-name | must=DENY | a table that does not exist, in a branch that is never taken
SELECT * FROM nation WHERE 1 = 0 AND EXISTS (SELECT 1 FROM secrets);
--#S-indirect-41 | indirect-name | must=DENY | a table that does not exist, in a CTE that nobody uses
WITH a AS (SELECT * FROM secrets) SELECT n_name FROM nation;
