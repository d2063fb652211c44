-- Honest statements, function by function and as each is spelled in Snowflake's documentation: all are permitted.
-- Judged by policy.yaml and catalog.json beside this file; cases.py says what the headers mean.

--#H-fun-01 | honest | must=ALLOW | date parts of every spelling in DATEADD
SELECT DATEADD(year, 1, sold_on), DATEADD('yy', 1, sold_on), DATEADD(qtr, 1, sold_on), DATEADD(mon, 1, sold_on), DATEADD(wk, 1, sold_on), DATEADD(dd, 1, sold_on), DATEADD(hh, 1, sold_at), DATEADD(mi, 1, sold_at), DATEADD(ss, 1, sold_at), DATEADD(ms, 1, sold_at), DATEADD(us, 1, sold_at), DATEADD(ns, 1, sold_at) FROM sales;
--#H-fun-02 | honest | must=ALLOW | date parts of every spelling in DATEDIFF
SELECT DATEDIFF(years, sold_on, CURRENT_DATE), DATEDIFF('quarters', sold_on, CURRENT_DATE), DATEDIFF(months, sold_on, CURRENT_DATE), DATEDIFF(weeks, sold_on, CURRENT_DATE), DATEDIFF(days, sold_on, CURRENT_DATE), DATEDIFF(hours, sold_at, CURRENT_TIMESTAMP), DATEDIFF(minutes, sold_at, CURRENT_TIMESTAMP), DATEDIFF(seconds, sold_at, CURRENT_TIMESTAMP), DATEDIFF(milliseconds, sold_at, CURRENT_TIMESTAMP), DATEDIFF(microseconds, sold_at, CURRENT_TIMESTAMP), DATEDIFF(nanoseconds, sold_at, CURRENT_TIMESTAMP) FROM sales;
--#H-fun-03 | honest | must=ALLOW | date parts of every spelling in DATE_TRUNC
SELECT DATE_TRUNC('YEAR', sold_at), DATE_TRUNC(quarter, sold_at), DATE_TRUNC("month", sold_at), DATE_TRUNC('week', sold_at), DATE_TRUNC('d', sold_at), DATE_TRUNC(HOUR, sold_at), DATE_TRUNC('minute', sold_at), DATE_TRUNC('second', sold_at), TRUNC(sold_on, 'month') FROM sales;
--#H-fun-04 | honest | must=ALLOW | DATE_PART and EXTRACT by every part
SELECT DATE_PART(year, sold_at), DATE_PART('month', sold_at), DATE_PART(dayofweek, sold_at), DATE_PART('dayofweekiso', sold_at), DATE_PART(dayofyear, sold_at), DATE_PART(weekiso, sold_at), DATE_PART(yearofweek, sold_at), DATE_PART(yearofweekiso, sold_at), DATE_PART(epoch_second, sold_at), DATE_PART(epoch_millisecond, sold_at), DATE_PART(epoch, sold_at), DATE_PART(nanosecond, sold_at), EXTRACT(dow FROM sold_at), EXTRACT(doy FROM sold_at), EXTRACT(week FROM sold_at), EXTRACT(year FROM sold_at) FROM sales;
--#H-fun-05 | honest | must=ALLOW | time zone parts
SELECT DATE_PART(timezone_hour, read_at), DATE_PART(timezone_minute, read_at), EXTRACT(timezone_hour FROM read_at) FROM readings;
--#H-fun-06 | honest | must=ALLOW | parts by functions
SELECT YEAR(sold_at), YEAROFWEEK(sold_at), YEAROFWEEKISO(sold_at), DAY(sold_at), DAYOFMONTH(sold_at), DAYOFWEEK(sold_at), DAYOFWEEKISO(sold_at), DAYOFYEAR(sold_at), WEEK(sold_at), WEEKOFYEAR(sold_at), WEEKISO(sold_at), MONTH(sold_at), QUARTER(sold_at), HOUR(sold_at), MINUTE(sold_at), SECOND(sold_at) FROM sales;
--#H-fun-07 | honest | must=ALLOW | other spellings of adding and differing
SELECT TIMEADD(hour, 2, sold_at), TIMESTAMPADD(minute, 5, sold_at), TIMEDIFF(second, sold_at, CURRENT_TIMESTAMP()), TIMESTAMPDIFF(month, sold_at, SYSDATE()), ADD_MONTHS(sold_on, -1), MONTHS_BETWEEN(CURRENT_DATE(), sold_on), LAST_DAY(sold_on, 'quarter'), NEXT_DAY(sold_on, 'Friday'), PREVIOUS_DAY(sold_on, 'mon') FROM sales;
--#H-fun-08 | honest | must=ALLOW | constructors of time
SELECT DATE_FROM_PARTS(2024, 2, 30), DATEFROMPARTS(2024, 1, 1), TIME_FROM_PARTS(12, 30, 0), TIMEFROMPARTS(1, 2, 3, 4), TIMESTAMP_FROM_PARTS(2024, 1, 1, 0, 0, 0), TIMESTAMP_NTZ_FROM_PARTS(2024, 1, 1, 0, 0, 0), TIMESTAMP_LTZ_FROM_PARTS(2024, 1, 1, 0, 0, 0), TIMESTAMP_TZ_FROM_PARTS(2024, 1, 1, 0, 0, 0, 0, 'America/New_York'), TIMESTAMP_FROM_PARTS('2024-01-01'::DATE, '10:00'::TIME);
--#H-fun-09 | honest | must=ALLOW | conversions of time with formats
SELECT TO_DATE('2024-01-31'), TO_DATE('31/01/2024', 'DD/MM/YYYY'), TO_DATE(1700000000), DATE('2024-01-31'), TO_TIME('10:30'), TO_TIMESTAMP('2024-01-31T10:00:00Z'), TO_TIMESTAMP('31-01-2024 10:00', 'DD-MM-YYYY HH24:MI'), TO_TIMESTAMP(1700000000000, 3), TO_TIMESTAMP_NTZ(1700000000), TO_TIMESTAMP_TZ('2024-01-31 10:00:00 +0100'), TO_TIMESTAMP_LTZ('2024-01-31 10:00:00');
--#H-fun-10 | honest | must=ALLOW | the same with the AUTO format
SELECT TO_DATE(note, 'AUTO'), TRY_TO_TIMESTAMP(note, 'AUTO'), TRY_TO_DATE(note, 'YYYY-MM-DD'), TRY_TO_TIME(note), TRY_TO_TIMESTAMP_TZ(note), TRY_TO_TIMESTAMP_LTZ(note), TRY_TO_TIMESTAMP_NTZ(note, 'YYYYMMDD') FROM sales;
--#H-fun-11 | honest | must=ALLOW | conversions of time to text
SELECT TO_CHAR(sold_at, 'YYYY-MM'), TO_VARCHAR(sold_at, 'DY DD MON YYYY HH12:MI AM'), TO_CHAR(sold_on), sold_at::VARCHAR, TO_CHAR(sold_at, 'MMMM'), TO_VARCHAR(CURRENT_TIMESTAMP(), 'YYYY-MM-DD"T"HH24:MI:SS.FF3TZH:TZM'), TO_CHAR(sold_on, 'YYYY') || '-W' || TO_CHAR(WEEKISO(sold_on), 'FM00') FROM sales;
--#H-fun-12 | honest | must=ALLOW | the clock in every spelling
SELECT CURRENT_DATE, CURRENT_DATE(), CURRENT_TIME(), CURRENT_TIMESTAMP, CURRENT_TIMESTAMP(3), GETDATE(), SYSDATE(), SYSTIMESTAMP(), LOCALTIME(), LOCALTIMESTAMP, LOCALTIMESTAMP();
--#H-fun-13 | honest | must=ALLOW | zones
SELECT CONVERT_TIMEZONE('UTC', sold_at), CONVERT_TIMEZONE('America/Los_Angeles', 'UTC', sold_at), CONVERT_TIMEZONE('Europe/Paris', read_at)::TIMESTAMP_NTZ, read_at::TIMESTAMP_NTZ, seen_at::TIMESTAMP_TZ FROM sales JOIN readings ON sensor_id = sale_id;
--#H-fun-14 | honest | must=ALLOW | slices and series of time
SELECT TIME_SLICE(sold_on, 4, 'MONTH', 'START'), TIME_SLICE(sold_at, 10, 'minute', 'end'), DATE_TRUNC('week', DATEADD('day', 1, sold_on)) - 1 AS sunday_week FROM sales;
--#H-fun-15 | honest | must=ALLOW | age in years, and first and last days
SELECT FLOOR(DATEDIFF('day', hired_on, CURRENT_DATE) / 365.25) AS years, DATE_TRUNC('month', CURRENT_DATE) AS first_day, LAST_DAY(CURRENT_DATE) AS last_day, DAYNAME(hired_on), MONTHNAME(hired_on) FROM employees;
--#H-fun-16 | honest | must=ALLOW | times of day
SELECT shift_start, HOUR(shift_start), DATEADD(minute, 30, shift_start), shift_start > '09:00'::TIME, TIMEDIFF(minute, '08:00'::TIME, shift_start), TIME '10:00:00' FROM employees;
--#H-fun-17 | honest | must=ALLOW | text, letter by letter
SELECT UPPER(note), LOWER(note), INITCAP(note, ' '), TRIM(note), LTRIM(note, '0'), RTRIM(note, ' .'), LPAD(note, 5, '0'), RPAD(note, 5), LEFT(note, 3), RIGHT(note, 3), SUBSTR(note, 2, 3), SUBSTRING(note, -3), REVERSE(note), REPEAT('ab', 3), SPACE(2), CHR(65), ASCII(note), UNICODE(note) FROM sales;
--#H-fun-18 | honest | must=ALLOW | text, searched
SELECT POSITION('a', note), POSITION('a' IN note), POSITION('a', note, 2), CHARINDEX('a', note, 2), CONTAINS(note, 'gift'), STARTSWITH(note, 'g'), ENDSWITH(note, 't'), INSERT(note, 1, 2, 'x'), EDITDISTANCE(note, 'gift'), EDITDISTANCE(note, 'gift', 3), JAROWINKLER_SIMILARITY(note, 'gift'), SOUNDEX(note), LENGTH(note), LEN(note), OCTET_LENGTH(note), BIT_LENGTH(note) FROM sales;
--#H-fun-19 | honest | must=ALLOW | text, cut and joined
SELECT SPLIT(note, ','), SPLIT_PART(note, ',', 1), SPLIT_PART(note, ',', -1), STRTOK(note, ' ', 2), STRTOK_TO_ARRAY(note, ' '), CONCAT(region, product), CONCAT('a', 'b', 'c'), CONCAT_WS('-', region, product, note), region || product, TRANSLATE(note, 'abc', 'xyz'), REPLACE(note, 'a'), REPLACE(note, 'a', 'b'), ARRAY_TO_STRING(SPLIT(note, ' '), '_') FROM sales;
--#H-fun-20 | honest | must=ALLOW | regular expressions with all their arguments
SELECT REGEXP_LIKE(note, '\\d+'), REGEXP_LIKE(note, 'x.*', 'is'), REGEXP_SUBSTR(note, '[a-z]+', 1, 2, 'i'), REGEXP_SUBSTR(note, '(\\w+)@(\\w+)', 1, 1, 'e', 2), REGEXP_SUBSTR(note, '(\\w+)', 1, 1, 'e'), REGEXP_REPLACE(note, '(\\d)(\\d)', '\\2\\1', 1, 0, 'i'), REGEXP_REPLACE(note, '\\s+'), REGEXP_COUNT(note, 'a', 1, 'i'), REGEXP_INSTR(note, 'a', 1, 1, 0, 'i'), REGEXP_INSTR(note, '(a)(b)', 1, 1, 0, 'e', 1), REGEXP_SUBSTR_ALL(note, '[0-9]+'), REGEXP_EXTRACT_ALL(note, '[0-9]+') FROM sales;
--#H-fun-21 | honest | must=ALLOW | encodings and digests
SELECT MD5(note), MD5_HEX(note), MD5_BINARY(note), MD5_NUMBER_LOWER64(note), SHA1(note), SHA1_HEX(note), SHA2(note), SHA2(note, 512), SHA2_HEX(note, 224), SHA2_BINARY(note), HASH(note, region), BASE64_ENCODE(note), BASE64_DECODE_STRING(BASE64_ENCODE(note)), HEX_ENCODE(note), HEX_DECODE_STRING(HEX_ENCODE(note)), TRY_BASE64_DECODE_STRING(note), TRY_HEX_DECODE_BINARY(note), COMPRESS(note, 'SNAPPY') FROM sales;
--#H-fun-22 | honest | must=ALLOW | addresses parsed
SELECT PARSE_URL('https://example.com:80/a?b=c#d'):host::STRING, PARSE_URL(note, 1):path, PARSE_IP('192.168.1.1/24', 'INET'):netmask_prefix_length FROM sales;
--#H-fun-23 | honest | must=ALLOW | numbers, rounded
SELECT ROUND(amount), ROUND(amount, -1), ROUND(amount, 1, 'HALF_TO_EVEN'), TRUNC(amount, 1), TRUNCATE(amount), CEIL(amount, 1), FLOOR(amount, 1), CEILING(amount), MOD(quantity, 3), quantity % 3, ABS(amount), SIGN(amount), DIV0(amount, quantity), DIV0NULL(amount, quantity), amount / NULLIF(quantity, 0) FROM sales;
--#H-fun-24 | honest | must=ALLOW | numbers, computed
SELECT SQRT(amount), CBRT(amount), SQUARE(quantity), POWER(quantity, 2), POW(2, 3), EXP(1), LN(amount), LOG(10, amount), LOG(2, 8), FACTORIAL(5), PI(), DEGREES(PI()), RADIANS(180), SIN(1), COS(1), TAN(1), COT(1), ASIN(1), ACOS(1), ATAN(1), ATAN2(1, 2), SINH(1), COSH(1), TANH(1), WIDTH_BUCKET(amount, 0, 1000, 10), GREATEST(amount, quantity, 3), LEAST(amount, quantity), GREATEST_IGNORE_NULLS(amount, NULL), LEAST_IGNORE_NULLS(amount, NULL) FROM sales;
--#H-fun-25 | honest | must=ALLOW | bits
SELECT BITAND(quantity, 1), BITOR(quantity, 1), BITXOR(quantity, 1), BITNOT(quantity), BITSHIFTLEFT(quantity, 1), BITSHIFTRIGHT(quantity, 1), GETBIT(quantity, 0), BITAND_AGG(quantity), BITOR_AGG(quantity), BITXOR_AGG(quantity) FROM sales GROUP BY quantity;
--#H-fun-26 | honest | must=ALLOW | conversions of numbers
SELECT TO_NUMBER('12.3456', 10, 2), TO_NUMBER('$12.30', '$99.99'), TO_NUMBER('1,234', '9,999', 10, 0), TO_DECIMAL('1.5', 3, 1), TO_NUMERIC('1'), TO_DOUBLE('1.5'), TRY_TO_NUMBER(note), TRY_TO_DECIMAL(note, 10, 2), TRY_TO_DOUBLE(note), TO_BOOLEAN('yes'), TRY_TO_BOOLEAN(note), TO_CHAR(amount, '999,999.00'), TO_CHAR(quantity, '000'), amount::STRING, TO_VARCHAR(amount), TO_VARCHAR(raw, 'HEX'), TO_CHAR(raw, 'BASE64') FROM sales, readings;
--#H-fun-27 | honest | must=ALLOW | missing values
SELECT COALESCE(note, region, 'x'), NVL(note, ''), IFNULL(note, ''), NVL2(note, 1, 0), NULLIF(note, ''), ZEROIFNULL(amount), NULLIFZERO(amount), EQUAL_NULL(note, region), IFF(note IS NULL, 0, 1), DECODE(region, 'EMEA', 1, 'APAC', 2, NULL, 0, 9), CASE region WHEN 'EMEA' THEN 1 END, IS_NULL_VALUE(body:a) FROM sales, docs;
--#H-fun-28 | honest | must=ALLOW | truth values
SELECT BOOLAND(quantity, 1), BOOLOR(quantity, 0), BOOLXOR(quantity, 1), BOOLNOT(0), BOOLXOR_AGG(is_return) FROM sales GROUP BY quantity;
--#H-fun-29 | honest | must=ALLOW | statistics
SELECT STDDEV(amount), STDDEV_SAMP(amount), STDDEV_POP(amount), VARIANCE(amount), VAR_SAMP(amount), VAR_POP(amount), VARIANCE_SAMP(amount), VARIANCE_POP(amount), COVAR_SAMP(amount, quantity), COVAR_POP(amount, quantity), CORR(amount, quantity), SKEW(amount), KURTOSIS(amount), MEDIAN(amount), MODE(region), AVG(amount), REGR_R2(amount, quantity), REGR_INTERCEPT(amount, quantity), REGR_SLOPE(amount, quantity) FROM sales;
--#H-fun-30 | honest | must=ALLOW | counts and choices
SELECT COUNT(*), COUNT(note), COUNT_IF(is_return), ANY_VALUE(region), MIN(sold_on), MAX(sold_on), SUM(amount), SUM(IFF(is_return, -amount, amount)), HASH_AGG(sale_id, amount), HASH_AGG(*) FROM sales;
--#H-fun-31 | honest | must=ALLOW | approximations
SELECT APPROX_COUNT_DISTINCT(customer_id), HLL(customer_id, region), HLL_ESTIMATE(HLL_ACCUMULATE(customer_id)), APPROX_PERCENTILE(amount, 0.95), APPROX_TOP_K(product, 5, 100), APPROX_TOP_K(product), APPROXIMATE_SIMILARITY(MINHASH(100, customer_id)) FROM sales;
--#H-fun-32 | honest | must=ALLOW | sketches kept and joined
SELECT HLL_ESTIMATE(HLL_COMBINE(h)), APPROX_PERCENTILE_ESTIMATE(APPROX_PERCENTILE_COMBINE(t), 0.5), APPROX_TOP_K_ESTIMATE(APPROX_TOP_K_COMBINE(k), 3) FROM (SELECT region, HLL_ACCUMULATE(customer_id) AS h, APPROX_PERCENTILE_ACCUMULATE(amount) AS t, APPROX_TOP_K_ACCUMULATE(product, 50) AS k FROM sales GROUP BY region);
--#H-fun-33 | honest | must=ALLOW | sketches exported
SELECT HLL_EXPORT(HLL_ACCUMULATE(customer_id)), DATASKETCHES_HLL_ESTIMATE(DATASKETCHES_HLL_ACCUMULATE(customer_id)), DATASKETCHES_HLL(customer_id) FROM sales;
--#H-fun-34 | honest | must=ALLOW | bitmaps
SELECT BITMAP_BUCKET_NUMBER(customer_id) AS bucket, BITMAP_COUNT(BITMAP_CONSTRUCT_AGG(BITMAP_BIT_POSITION(customer_id))) AS n FROM sales GROUP BY bucket;
--#H-fun-35 | honest | must=ALLOW | bitmaps joined
SELECT region, SUM(c) FROM (SELECT region, bucket, BITMAP_COUNT(BITMAP_OR_AGG(b)) AS c FROM (SELECT region, product, BITMAP_BUCKET_NUMBER(customer_id) AS bucket, BITMAP_CONSTRUCT_AGG(BITMAP_BIT_POSITION(customer_id)) AS b FROM sales GROUP BY 1, 2, 3) GROUP BY 1, 2) GROUP BY 1;
--#H-fun-36 | honest | must=ALLOW | windows that rank
SELECT sale_id, ROW_NUMBER() OVER (ORDER BY amount), RANK() OVER (PARTITION BY region ORDER BY amount), DENSE_RANK() OVER (ORDER BY amount), PERCENT_RANK() OVER (ORDER BY amount), CUME_DIST() OVER (ORDER BY amount), NTILE(100) OVER (ORDER BY amount), RATIO_TO_REPORT(amount) OVER (PARTITION BY region), CONDITIONAL_TRUE_EVENT(amount > 10) OVER (ORDER BY sold_at), CONDITIONAL_CHANGE_EVENT(region) OVER (ORDER BY sold_at) FROM sales;
--#H-fun-37 | honest | must=ALLOW | gaps filled by interpolation
SELECT sensor_id, read_at, INTERPOLATE_FFILL(val) OVER (PARTITION BY sensor_id ORDER BY read_at), INTERPOLATE_BFILL(val) OVER (PARTITION BY sensor_id ORDER BY read_at), INTERPOLATE_LINEAR(val) OVER (PARTITION BY sensor_id ORDER BY read_at) FROM readings;
--#H-fun-38 | honest | must=ALLOW | arrays made and changed
SELECT ARRAY_CONSTRUCT(1, 2), ARRAY_CONSTRUCT_COMPACT(1, NULL), ARRAY_APPEND(tags, 'x'), ARRAY_PREPEND(tags, 'x'), ARRAY_CAT(tags, ['y']), ARRAY_COMPACT(tags), ARRAY_DISTINCT(tags), ARRAY_EXCEPT(tags, ['x']), ARRAY_FLATTEN([tags, tags]), ARRAY_GENERATE_RANGE(0, 10, 2), ARRAY_INSERT(tags, 0, 'z'), ARRAY_INTERSECTION(tags, ['x']), ARRAY_REMOVE(tags, 'x'), ARRAY_REMOVE_AT(tags, 0), ARRAY_REVERSE(tags), ARRAY_SLICE(tags, 0, 1), ARRAY_SORT(tags), ARRAY_SORT(tags, FALSE, TRUE), ARRAYS_ZIP(tags, tags) FROM docs;
--#H-fun-39 | honest | must=ALLOW | arrays asked
SELECT ARRAY_CONTAINS('x'::VARIANT, tags), ARRAY_POSITION('x'::VARIANT, tags), ARRAY_SIZE(tags), ARRAY_MAX(tags), ARRAY_MIN(tags), ARRAYS_OVERLAP(tags, ['x']), ARRAY_TO_STRING(tags, ', '), ARRAYS_TO_OBJECT(['a'], [1]), IS_ARRAY(body:a), TO_ARRAY(doc_id) FROM docs;
--#H-fun-40 | honest | must=ALLOW | arrays by groups
SELECT ARRAY_AGG(doc_id), ARRAY_AGG(DISTINCT doc_id), ARRAY_UNIQUE_AGG(doc_id), ARRAY_UNION_AGG(tags), OBJECT_AGG(doc_id::VARCHAR, body), ARRAYAGG(doc_id) WITHIN GROUP (ORDER BY doc_id DESC) FROM docs;
--#H-fun-41 | honest | must=ALLOW | objects made and changed
SELECT OBJECT_CONSTRUCT('a', 1), OBJECT_CONSTRUCT_KEEP_NULL('a', NULL), OBJECT_INSERT(attrs, 'k', 'v'), OBJECT_INSERT(attrs, 'k', 'v', TRUE), OBJECT_DELETE(attrs, 'a', 'b'), OBJECT_PICK(attrs, 'a', 'b'), OBJECT_PICK(attrs, ['a']), OBJECT_KEYS(attrs), TO_OBJECT(body), {} AS empty, {'a': {'b': [1, 2]}} AS nested FROM docs;
--#H-fun-42 | honest | must=ALLOW | JSON and XML
SELECT PARSE_JSON('{"a":1}'), TRY_PARSE_JSON(body::VARCHAR), CHECK_JSON('{'), TO_JSON(body), STRIP_NULL_VALUE(body:a), TYPEOF(body), JSON_EXTRACT_PATH_TEXT(TO_JSON(body), 'a.b'), PARSE_XML('<a b="1">x</a>'), XMLGET(PARSE_XML('<a><b>1</b></a>'), 'b'), XMLGET(PARSE_XML('<a><b>1</b></a>'), 'b', 0):"$"::INT, CHECK_XML('<a/>'), TO_XML(body), GET(PARSE_XML('<a b="1"/>'), '@b') FROM docs;
--#H-fun-43 | honest | must=ALLOW | kinds of values
SELECT IS_ARRAY(body), IS_BINARY(body), IS_BOOLEAN(body), IS_CHAR(body), IS_VARCHAR(body), IS_DATE(body), IS_DECIMAL(body), IS_DOUBLE(body), IS_REAL(body), IS_INTEGER(body), IS_OBJECT(body), IS_TIME(body), IS_TIMESTAMP_NTZ(body), AS_ARRAY(body), AS_BOOLEAN(body), AS_DATE(body), AS_DECIMAL(body, 10, 2), AS_DOUBLE(body), AS_OBJECT(body), AS_TIMESTAMP_NTZ(body), AS_CHAR(body) FROM docs;
--#H-fun-44 | honest | must=ALLOW | maps
SELECT MAP_CAT(labels, labels), MAP_DELETE(labels, 'a'), MAP_INSERT(labels, 'a', 1), MAP_INSERT(labels, 'a', 1, TRUE), MAP_PICK(labels, 'a'), MAP_KEYS(labels), {'a': 1}::MAP(VARCHAR, NUMBER) FROM docs;
--#H-fun-45 | honest | must=ALLOW | vectors
SELECT doc_id, VECTOR_COSINE_SIMILARITY(emb, [0.1, 0.2, 0.3]::VECTOR(FLOAT, 3)) AS s, VECTOR_L2_DISTANCE(emb, [1, 2, 3]::VECTOR(FLOAT, 3)), VECTOR_INNER_PRODUCT(emb, emb), VECTOR_L1_DISTANCE(emb, emb) FROM docs ORDER BY s DESC LIMIT 10;
--#H-fun-46 | honest | must=ALLOW | places made and measured
SELECT ST_MAKEPOINT(lon, lat), ST_POINT(lon, lat), ST_DISTANCE(geo, ST_MAKEPOINT(13.4, 52.5)), ST_DWITHIN(geo, ST_MAKEPOINT(13.4, 52.5), 1000), ST_X(geo), ST_Y(geo), ST_AREA(geo), ST_LENGTH(geo), ST_PERIMETER(geo), HAVERSINE(lat, lon, 52.5, 13.4) FROM places;
--#H-fun-47 | honest | must=ALLOW | places written and read
SELECT ST_ASGEOJSON(geo), ST_ASTEXT(geo), ST_ASWKT(geo), ST_ASWKB(geo), ST_ASEWKT(geo), TO_GEOGRAPHY('POINT(1 2)'), TRY_TO_GEOGRAPHY('x'), ST_GEOGRAPHYFROMTEXT('POINT(1 2)'), ST_GEOGFROMTEXT('POINT(1 2)'), TO_GEOMETRY('POINT(1 2)'), ST_SETSRID(shape, 4326), ST_TRANSFORM(shape, 3857), ST_SRID(shape) FROM places;
--#H-fun-48 | honest | must=ALLOW | places related
SELECT a.place_name, b.place_name FROM places a JOIN places b ON ST_INTERSECTS(a.geo, b.geo) AND NOT ST_DISJOINT(a.geo, b.geo) WHERE ST_CONTAINS(a.shape, b.shape) OR ST_WITHIN(a.shape, b.shape) OR ST_COVERS(a.geo, b.geo);
--#H-fun-49 | honest | must=ALLOW | places joined and simplified
SELECT ST_UNION_AGG(geo), ST_COLLECT(geo), ST_CENTROID(ST_COLLECT(geo)), ST_ENVELOPE(ST_COLLECT(shape)), ST_BUFFER(ST_COLLECT(shape), 1), ST_SIMPLIFY(ST_COLLECT(geo), 10), ST_GEOHASH(ST_CENTROID(ST_COLLECT(geo)), 6), ST_ISVALID(ST_COLLECT(geo)), ST_NPOINTS(ST_COLLECT(geo)) FROM places;
--#H-fun-50 | honest | must=ALLOW | hexagons
SELECT H3_LATLNG_TO_CELL(lat, lon, 8) AS cell, COUNT(*), H3_CELL_TO_BOUNDARY(cell), H3_CELL_TO_PARENT(cell, 5), H3_GRID_DISTANCE(cell, cell), H3_POINT_TO_CELL_STRING(ST_MAKEPOINT(ANY_VALUE(lon), ANY_VALUE(lat)), 7) FROM places GROUP BY cell;
--#H-fun-51 | honest | must=ALLOW | binaries
SELECT TO_BINARY('abc', 'UTF-8'), TRY_TO_BINARY(quality, 'HEX'), HEX_ENCODE(raw), BASE64_ENCODE(raw), LENGTH(raw), SUBSTR(raw, 1, 2), raw || raw, TO_VARCHAR(raw, 'UTF-8'), MD5(raw), DECOMPRESS_STRING(COMPRESS('x', 'ZLIB'), 'ZLIB') FROM readings;
--#H-fun-52 | honest | must=ALLOW | types in every spelling
SELECT '1'::INT, '1'::INTEGER, '1'::BIGINT, '1'::SMALLINT, '1'::TINYINT, '1'::BYTEINT, '1'::NUMBER, '1'::DECIMAL(5, 2), '1'::NUMERIC(5), '1'::FLOAT, '1'::FLOAT4, '1'::FLOAT8, '1'::DOUBLE, '1'::DOUBLE PRECISION, '1'::REAL, '1'::CHAR(3), '1'::CHARACTER(2), '1'::STRING, '1'::TEXT, '1'::VARCHAR, '1'::NVARCHAR, 'true'::BOOLEAN;
--#H-fun-53 | honest | must=ALLOW | types of time in every spelling
SELECT '2024-01-01'::DATETIME, '2024-01-01'::TIMESTAMP, '2024-01-01'::TIMESTAMP_NTZ(3), '2024-01-01'::TIMESTAMP_LTZ, '2024-01-01'::TIMESTAMP_TZ, '2024-01-01'::TIMESTAMPNTZ, '10:00'::TIME(0), 'ab'::BINARY, 'ab'::VARBINARY, 1::VARIANT, [1]::ARRAY, {}::OBJECT;
--#H-fun-54 | honest | must=ALLOW | safe casts to every type
SELECT TRY_CAST(note AS INT), TRY_CAST(note AS FLOAT), TRY_CAST(note AS NUMBER(10, 2)), TRY_CAST(note AS DATE), TRY_CAST(note AS TIME), TRY_CAST(note AS TIMESTAMP), TRY_CAST(note AS TIMESTAMP_TZ), TRY_CAST(note AS BOOLEAN), TRY_CAST(note AS VARCHAR(10)) FROM sales;
--#H-fun-55 | honest | must=ALLOW | dice with seeds
SELECT RANDOM(), RANDOM(42), UNIFORM(1, 10, RANDOM()), UNIFORM(0::FLOAT, 1::FLOAT, RANDOM(1)), NORMAL(0, 1, RANDOM(2)), ZIPF(1, 10, RANDOM(3)), RANDSTR(8, RANDOM(4)), UUID_STRING(), UUID_STRING('fe971b24-9572-4005-b22f-351e9c09274d', 'foo'), SEQ1(), SEQ2(), SEQ4(), SEQ8(1) FROM TABLE(GENERATOR(ROWCOUNT => 5));
--#H-fun-56 | honest | must=ALLOW | a random sample by ordering
SELECT * FROM sales ORDER BY RANDOM() LIMIT 10;
--#H-fun-57 | honest | must=ALLOW | percentiles in every form
SELECT PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY amount), PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY amount DESC), APPROX_PERCENTILE(amount, 0.5), MEDIAN(amount), PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY amount) OVER (PARTITION BY region) FROM sales GROUP BY region, amount;
--#H-fun-58 | honest | must=ALLOW | distribution by width buckets
SELECT WIDTH_BUCKET(amount, 0, 1000, 20) AS b, MIN(amount), MAX(amount), COUNT(*), RPAD('', COUNT(*), '*') AS bar FROM sales GROUP BY b ORDER BY b;
--#H-fun-59 | honest | must=ALLOW | LIKE as a function, and its relatives
SELECT LIKE(note, 'a%'), LIKE(note, 'a!%', '!'), ILIKE(note, 'A%'), REGEXP(note, 'a.*'), RLIKE(note, 'a.*', 'i') FROM sales;
--#H-fun-60 | honest | must=ALLOW | LEFT and RIGHT as functions beside joins
SELECT LEFT(s.product, 3), RIGHT(s.product, 3) FROM sales s LEFT JOIN employees e ON LEFT(e.emp_name, 1) = RIGHT(s.region, 1);
--#H-fun-61 | honest | must=ALLOW | a key made of columns, as dbt_utils makes it
SELECT MD5(CAST(COALESCE(CAST(sale_id AS TEXT), '_dbt_utils_surrogate_key_null_') || '-' || COALESCE(CAST(region AS TEXT), '_dbt_utils_surrogate_key_null_') AS TEXT)) AS surrogate_key FROM sales;
--#H-fun-62 | honest | must=ALLOW | a date spine, as dbt_utils makes it
WITH rawdata AS (WITH p AS (SELECT 0 AS generated_number UNION ALL SELECT 1), unioned AS (SELECT p0.generated_number * POWER(2, 0) + p1.generated_number * POWER(2, 1) + 1 AS generated_number FROM p AS p0 CROSS JOIN p AS p1) SELECT * FROM unioned WHERE generated_number <= 3 ORDER BY generated_number), all_periods AS (SELECT DATEADD(day, ROW_NUMBER() OVER (ORDER BY 1) - 1, CAST('2024-01-01' AS DATE)) AS date_day FROM rawdata) SELECT * FROM all_periods WHERE date_day <= CAST('2024-01-03' AS DATE);
--#H-fun-63 | honest | must=ALLOW | moving sums by dates
SELECT sold_on, SUM(SUM(amount)) OVER (ORDER BY sold_on ROWS BETWEEN 29 PRECEDING AND CURRENT ROW) AS rolling_30, AVG(SUM(amount)) OVER (ORDER BY sold_on ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS rolling_7 FROM sales GROUP BY sold_on;
--#H-fun-64 | honest | must=ALLOW | MERGE of JSON documents by groups
SELECT OBJECT_AGG(f.key, f.value) FROM docs d, LATERAL FLATTEN(INPUT => d.attrs) f GROUP BY d.doc_id;
--#H-fun-65 | honest | must=ALLOW | typed object access
SELECT body:a::OBJECT(x INT, y VARCHAR):x, body:arr::ARRAY(INT)[0], CAST(body AS MAP(VARCHAR, VARIANT))['k'] FROM docs;
--#H-fun-66 | honest | must=ALLOW | a path behind a function and a bracket
SELECT PARSE_JSON(body:raw::STRING):a[0].b::INT, (body:a):b, GET(body:list, 0):name::STRING, XMLGET(PARSE_XML(body:xml::STRING), 'title'):"$"::STRING FROM docs;
--#H-fun-67 | honest | must=ALLOW | FLATTEN without an alias
SELECT doc_id, value::STRING, index FROM docs, LATERAL FLATTEN(INPUT => tags);
--#H-fun-68 | honest | must=ALLOW | FLATTEN by TABLE without an alias
SELECT key, value FROM docs, TABLE(FLATTEN(INPUT => attrs));
--#H-fun-69 | honest | must=ALLOW | FLATTEN with lower-case named arguments in another order
SELECT f.value FROM docs, LATERAL FLATTEN(outer => true, input => docs.body, path => 'a.b', mode => 'array') AS f;
--#H-fun-70 | honest | must=ALLOW | keys of all documents
SELECT DISTINCT f.path, TYPEOF(f.value) AS kind FROM docs, LATERAL FLATTEN(body, RECURSIVE => TRUE) f WHERE TYPEOF(f.value) <> 'OBJECT' ORDER BY 1;
--#H-fun-71 | honest | must=ALLOW | LISTAGG without a group, with an empty separator
SELECT LISTAGG(product), LISTAGG(DISTINCT region, '|') WITHIN GROUP (ORDER BY region) FROM sales;
--#H-fun-72 | honest | must=ALLOW | windows over MIN_BY, ARRAY_AGG and COUNT DISTINCT
SELECT sale_id, COUNT(DISTINCT product) OVER (PARTITION BY region), ARRAY_AGG(product) OVER (PARTITION BY region), SUM(amount) OVER (), MIN(sold_on) OVER (PARTITION BY customer_id) FROM sales;
--#H-fun-73 | honest | must=ALLOW | FLOOR of a time and arithmetic of dates
SELECT sold_on + 1, sold_on - 7, sold_on - hired_on, sold_on + INTERVAL '1 month', CURRENT_DATE - 30, '2024-01-31'::DATE - '2024-01-01'::DATE FROM sales, employees;
--#H-fun-74 | honest | must=ALLOW | literals of time
SELECT DATE '2024-01-31', TIMESTAMP '2024-01-31 10:00:00', TIME '10:00:00', sold_on >= DATE '2024-01-01' FROM sales;
--#H-fun-75 | honest | must=ALLOW | intervals beside a unit word
SELECT sold_on + INTERVAL '1' DAY, sold_at - INTERVAL '2' HOUR FROM sales;
--#H-fun-76 | honest | must=ALLOW | a bare week start
SELECT DATEADD(day, -1 * DAYOFWEEK(sold_on), sold_on) AS week_start, COUNT(*) FROM sales GROUP BY 1;
--#H-fun-77 | honest | must=ALLOW | CASE with nested IFF and DECODE
SELECT CASE WHEN IFF(is_return, 1, 0) = 1 THEN DECODE(channel, 'web', 'W', 'S') WHEN amount BETWEEN 0 AND 1 THEN NULL ELSE region END FROM sales;
--#H-fun-78 | honest | must=ALLOW | TO_QUERY's honest neighbour: a table by IDENTIFIER with quotes
SELECT * FROM IDENTIFIER('"GW"."PUBLIC"."Order Lines"') LIMIT 1;
--#H-fun-79 | honest | must=ALLOW | SUM of booleans and casts in groups
SELECT SUM(is_return::INT) / COUNT(*)::FLOAT AS return_rate, AVG(is_return::INT) * 100 FROM sales;
--#H-fun-80 | honest | must=ALLOW | HASH of a row and of a star with columns left out
SELECT HASH(*), HASH(s.*), HASH(* EXCLUDE sale_id) FROM sales s;
