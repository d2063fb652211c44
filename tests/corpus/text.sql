-- Text: quotes, comments, dollars and invisible characters that could make the printed text say something else.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

--#S-text-01 | text | must=ALLOW | comments vanish
SELECT /* c_phone FROM customer */ 1 -- , c_phone
FROM nation;
--#S-text-02 | text | must=ALLOW | a slash comment
SELECT 1 // c_phone
FROM nation;
--#S-text-03 | text | must=ALLOW | a statement in a string
SELECT '; DROP TABLE customer; --';
--#S-text-04 | text | must=ALLOW | dollar-quoted string
SELECT $$ ' " -- /* $$;
--#S-text-05 | text | must=ALLOW | backslashes
SELECT 'a\\', 'b\'c', 'd\nE' FROM nation;
--#S-text-06 | text | must=DENY | the parameter that prints as a dollar quote
SELECT @@version, '$$, c_phone FROM GW.PUBLIC.CUSTOMER --' FROM region;
--#S-text-07 | text | must=DENY | the same in a predicate
SELECT '$$ FROM GW.PUBLIC.CUSTOMER --' FROM region WHERE r_name = @@a;
--#S-text-08 | text | must=ALLOW | a placeholder's name in a string stays a string
SELECT '"__GW_T0_0"', '__GW_P1', ':__GW_P1' FROM region;
--#S-text-09 | text | must=ALLOW | quotes in a quoted alias
SELECT 1 AS "a"" FROM customer --";
--#S-text-10 | text | must=DENY | unfinished string
SELECT 'abc;
--#S-text-11 | text | must=DENY | unfinished comment
SELECT 1 /* abc;
--#S-text-12 | text | must=DENY | unfinished quoted name
SELECT "abc;
--#S-drop-01 | dropped | must=DENY | a bracket after IDENTIFIER is stepped over by the parser
SELECT c_name FROM IDENTIFIER('customer')(SELECT * FROM nation);
--#S-drop-02 | dropped | must=DENY | a star after IDENTIFIER is stepped over
SELECT n_name FROM IDENTIFIER('nation') *;
--#S-drop-03 | dropped | must=DENY | a projection that is a word of another clause
SELECT AS FROM (IDENTIFIER('customer'));
--#S-drop-04 | dropped | must=DENY | a select list that begins with a comma
SELECT, n_name FROM nation *;
--#S-print-01 | print-injection | must=DENY | a parameter that opens a dollar quote in ORDER BY
SELECT r_name, '$$ , 1 FROM GW.PUBLIC.CUSTOMER --' FROM region ORDER BY @@a
--#S-print-02 | print-injection | must=DENY | a parameter in a join
SELECT 1 FROM region JOIN nation ON @@a = 1;
--#S-print-03 | print-injection | must=DENY | a parameter as an alias's source
SELECT @@a AS x, '$$ x' AS y;
--#S-print-04 | print-injection | must=DENY | a parameter in VALUES
SELECT * FROM VALUES (@@a, '$$ x');
--#S-print-05 | print-injection | must=DENY | a variable beside dollar quotes
SELECT $$a$$, $b;
--#S-print-06 | print-injection | must=DENY | a dollar quote with a tag
SELECT $tag$ x $tag$;
--#S-print-07 | print-injection | must=DENY | an open dollar quote
SELECT $$ FROM customer;
--#S-print-08 | print-injection | must=DENY | an open bracket
SELECT (1;
--#S-print-09 | print-injection | must=DENY | a closing bracket too many
SELECT 1);
--#S-print-10 | print-injection | must=DENY | an open quote behind an escape
SELECT 'a\';
--#S-print-11 | print-injection | must=DENY | a question mark in a name
SELECT * FROM cust?mer;
--#S-print-12 | print-injection | must=DENY | a backquote
SELECT * FROM `customer`;
--#S-print-13 | print-injection | must=DENY | square brackets as quotes
SELECT [c_phone] FROM [customer];
--#S-print-14 | print-injection | must=DENY | a byte order mark
﻿SELECT 1;
--#S-print-15 | print-injection | must=DENY | a zero-width space between words
SELECT​1 FROM nation;
--#S-print-16 | print-injection | must=DENY | a line separator in a comment
SELECT 1 -- x , c_phone
FROM nation;
--#S-print-17 | print-injection | must=DENY | a left-to-right mark in a string
SELECT 'a‎b' FROM nation;
--#S-print-18 | print-injection | must=DENY | an isolate in a name
SELECT 1 AS "a⁦b";
--#S-print-19 | print-injection | must=DENY | a nested comment that ends once
SELECT 1 /* a /* b */ c */ FROM nation;
--#S-print-20 | print-injection | must=ALLOW | a comment in the middle of a word boundary
SELECT/**/n_name/**/FROM/**/nation;
--#S-print-21 | print-injection | must=ALLOW | comments of every kind
SELECT n_name -- one
, /* two */ n_nationkey // three
FROM nation;
--#S-print-22 | print-injection | must=ALLOW | a comment sign in a string
SELECT '--', '/*', '//', '*/' FROM region
--#S-print-23 | print-injection | must=ALLOW | a comment sign in a quoted name
SELECT 1 AS "--x", 2 AS "/*y*/"
--#S-print-24 | print-injection | must=ALLOW | an escaped quote at the end of a string
SELECT 'a\'' || '''', '\\';
--#S-print-25 | print-injection | must=ALLOW | a line end in a string
SELECT 'a
b' FROM region;
--#S-print-26 | print-injection | must=ALLOW | a semicolon in a string, in a name and in a comment
SELECT ';', 1 AS ";" /* ; */ FROM region;
--#S-print-27 | print-injection | must=ALLOW | a dollar in a name
SELECT 1 AS a$b;
--#S-print-28 | print-injection | must=ALLOW | a text that looks like a hint
SELECT /*+ no_cache */ n_name FROM nation;
--#S-print-29 | print-injection | must=ALLOW | letters of other scripts in a string
SELECT 'Ünïcödé 日本語 😀' FROM region;
--#S-print-30 | print-injection | must=ALLOW | a quoted name in another script
SELECT 1 AS "größe";
--#S-print-31 | print-injection | must=MASKED | the secret's name as a string
SELECT 'c_phone', c_phone FROM customer;
--#S-print-32 | print-injection | must=MASKED | the derived table's text as a string
SELECT '(SELECT "__GW_R"."C_PHONE" FROM "GW"."PUBLIC"."CUSTOMER")', c_phone FROM customer;
--#S-print-33 | print-injection | must=MASKED | a quoted alias that holds SQL
SELECT c_phone AS "c_phone FROM customer) --" FROM customer
--#S-print-34 | print-injection | must=MASKED | a quoted alias that holds quotes
SELECT c_phone AS """, c_phone" FROM customer;
--#S-print-35 | print-injection | must=MASKED | a string that closes a bracket
SELECT ') AS x, c_phone FROM customer --', c_phone FROM customer
--#S-print-36 | print-injection | must=MASKED | a table's alias that holds a bracket
SELECT "x)".c_phone FROM customer AS "x)";
--#S-print-37 | print-injection | must=MASKED | a CTE's name that holds a path
WITH "GW.PUBLIC.CUSTOMER" AS (SELECT c_phone FROM customer) SELECT * FROM "GW.PUBLIC.CUSTOMER";
