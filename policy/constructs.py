"""The kinds of syntax node that a statement may be made of, each with the arguments that it may have: one table.

Names are sqlglot's classes and arguments. A class or argument that no statement in Snowflake's dialect needs, or that
nobody has looked at, is absent, and what is absent is refused: a parser upgrade that brings a new one brings a refusal.
A test lists every class that the parser has, and every argument of those that are here.
"""

import re
from types import MappingProxyType

_QUERIES = """
    Select(with_ expressions distinct from_ match laterals joins connect pivots where group having qualify order limit
    offset sample)
    Union(with_ this expression distinct by_name order limit offset)
    Intersect(with_ this expression distinct order limit offset)
    Except(with_ this expression distinct order limit offset)
    Subquery(this alias with_ laterals joins pivots order limit offset sample) Values(expressions alias)
    Tuple(expressions) With(expressions recursive) CTE(this alias) From(this) Where(this)
    Group(expressions grouping_sets cube rollup all) Having(this) Qualify(this) Order(this expressions)
    Ordered(this desc nulls_first) Limit(expression) LimitOptions(rows) Offset(expression)
    Fetch(direction count limit_options) Distinct(expressions) GroupingSets(expressions) Rollup(expressions)
    Cube(expressions) Connect(start connect) Prior(this) Join(this on side kind using method match_condition directed)
    Lateral(this view outer alias) Table(this alias db catalog laterals joins pivots sample when)
    TableAlias(this columns) TableFromRows(this alias joins pivots sample) TableSample(method percent rows size seed)
    HistoricalData(this kind expression) MatchRecognizeMeasure(this window_frame)
    MatchRecognize(partition_by order measures rows after pattern define alias)
    Pivot(alias expressions fields unpivot columns include_nulls default_on_null identify_pivot_strings
    prefixed_pivot_columns pivot_column_naming)
    PivotAlias(this alias) PivotAny(this) Window(this partition_by order spec over)
    WindowSpec(kind start start_side end end_side) WithinGroup(this expression) IgnoreNulls(this) RespectNulls(this)
"""
_WRITES = """
    Insert(with_ this expression) Update(with_ this expressions from_ where) Delete(with_ this using where)
    Merge(this using on whens with_) Whens(expressions) When(matched condition then) Schema(this expressions)
"""
_VALUES = """
    Alias(this alias) Column(this table db catalog) Identifier(this quoted) Literal(this is_string) RawString(this)
    Boolean(this) Null() Star(except_ replace rename ilike) Var(this) Placeholder(this) Interval(this unit)
    DataType(this expressions nested nullable) DataTypeParam(this) Paren(this) Bracket(this expressions json_access)
    Dot(this expression) Lambda(this expressions) Kwarg(this expression) JSONPath(expressions) JSONPathRoot()
    JSONPathKey(this quoted) JSONPathSubscript(this) JSONKeyValue(this expression) PropertyEQ(this expression)
    DynamicIdentifier(this) Case(this ifs default) If(this true false) Collate(this expression)
    HexString(this is_integer) ColumnDef(this kind constraints) ColumnConstraint(kind) NotNullColumnConstraint()
"""
_OPERATORS = """
    Add(this expression) Sub(this expression) Mul(this expression) Div(this expression) Mod(this expression) Neg(this)
    DPipe(this expression safe) EQ(this expression) NEQ(this expression) GT(this expression) GTE(this expression)
    LT(this expression) LTE(this expression) NullSafeEQ(this expression) NullSafeNEQ(this expression)
    And(this expression) Or(this expression) Not(this) Xor(this expression round_input) Is(this expression)
    In(this expressions query) Between(this low high) Like(this expression) ILike(this expression)
    Escape(this expression) Any(this) All(this) Exists(this) BitwiseAnd(this expression padside)
    BitwiseOr(this expression padside) BitwiseXor(this expression padside) BitwiseNot(this)
    BitwiseLeftShift(this expression requires_int128) BitwiseRightShift(this expression requires_int128)
    RegexpLike(this expression flag full_match)
"""
_FUNCTIONS = """
    Abs(this) Acos(this) Acosh(this) AddMonths(this expression preserve_end_of_month) Anonymous(this expressions)
    AnyValue(this) ApproxDistinct(this accuracy) ApproxPercentileAccumulate(this) ApproxPercentileCombine(this)
    ApproxPercentileEstimate(this percentile) ApproxQuantile(this quantile accuracy weight)
    ApproxTopK(this expression counters) ApproxTopKAccumulate(this expression) ApproxTopKCombine(this expression)
    ApproxTopKEstimate(this expression) ApproximateSimilarity(this) ArgMax(this expression count)
    ArgMin(this expression count) Array(expressions) ArrayAgg(this nulls_excluded)
    ArrayAppend(this expression null_propagation) ArrayCompact(this) ArrayConcat(this expressions null_propagation)
    ArrayConstructCompact(expressions) ArrayContains(this expression check_null ensure_variant)
    ArrayDistinct(this check_null)
    ArrayExcept(this expression is_multiset) ArrayFilter(this expression) ArrayInsert(this position expression offset)
    ArrayIntersect(expressions is_multiset) ArrayMax(this) ArrayMin(this) ArrayOverlaps(this expression null_safe)
    ArrayPosition(this expression zero_based) ArrayPrepend(this expression null_propagation)
    ArrayRemove(this expression null_propagation) ArrayRemoveAt(this position) ArrayReverse(this)
    ArraySize(this expression) ArraySlice(this start end zero_based)
    ArrayToString(this expression null_is_empty null_delim_is_null) ArrayUnionAgg(this) ArrayUniqueAgg(this)
    ArraysZip(expressions) Ascii(this) Asin(this) Asinh(this) Atan(this expression) Atan2(this expression) Atanh(this)
    Avg(this) Base64DecodeBinary(this alphabet) Base64DecodeString(this alphabet)
    Base64Encode(this max_line_length alphabet) BitLength(this) BitmapBitPosition(this) BitmapBucketNumber(this)
    BitmapConstructAgg(this) BitmapCount(this) BitmapOrAgg(this) BitwiseAndAgg(this) BitwiseOrAgg(this)
    BitwiseXorAgg(this) Booland(this expression round_input) Boolnot(this round_input)
    Boolor(this expression round_input) BoolxorAgg(this) ByteLength(this) Cast(this to) CastToStrType(this to)
    Cbrt(this) Ceil(this decimals to) CheckJson(this) CheckXml(this disable_auto_convert) Chr(expressions)
    Coalesce(this expressions) Collation(this) Concat(expressions safe) ConcatWs(expressions safe) ConnectByRoot(this)
    Contains(this expression json_scope) ConvertTimezone(source_tz target_tz timestamp options)
    Corr(this expression null_on_zero_variance) Cos(this) Cosh(this) CosineDistance(this expression) Cot(this)
    Count(this expressions big_int) CountIf(this zero_on_all_null) CovarPop(this expression)
    CovarSamp(this expression) CumeDist(expressions) CurrentDate(this) CurrentTime() CurrentTimestamp(this sysdate)
    DateAdd(this expression unit) DateDiff(this expression unit date_part_boundary)
    DateFromParts(year month day allow_overflow) DateTrunc(unit this) Day(this) DayOfMonth(this) DayOfWeek(this)
    DayOfWeekIso(this) DayOfYear(this) Dayname(this abbreviated) DecodeCase(expressions) Degrees(this)
    DenseRank(expressions) DotProduct(this expression) EndsWith(this expression) EqualNull(this expression)
    EuclideanDistance(this expression) Exp(this) Explode(this expressions) Extract(this expression) Factorial(this)
    FirstValue(this) Floor(this decimals) GenerateSeries(start end step is_end_exclusive)
    Generator(rowcount timelimit) GetExtract(this expression) GetIgnoreCase(this expression)
    Greatest(this expressions ignore_nulls) GroupConcat(this separator on_overflow) Grouping(expressions)
    GroupingId(expressions) HashAgg(this expressions) Hex(this case) HexDecodeString(this) Hll(this expressions)
    Hour(this) Initcap(this expression) IsArray(this) IsNullValue(this)
    JSONExtract(this expression variant_extract requires_json) JSONExtractScalar(this expression)
    JSONFormat(this options is_json to_json) JSONKeys(this expression expressions) JSONObject(expressions)
    JarowinklerSimilarity(this expression case_insensitive integer_scale) Kurtosis(this) Lag(this offset default)
    LastDay(this unit) LastValue(this) Lead(this offset default) Least(this expressions ignore_nulls)
    Left(this expression negative_length_returns_empty) Length(this binary) Levenshtein(this expression max_dist)
    Ln(this) Localtime(this) Localtimestamp() Log(this expression) LogicalAnd(this) LogicalOr(this) Lower(this)
    MD5(this) MD5Digest(this expressions) MD5NumberLower64(this) MD5NumberUpper64(this)
    ManhattanDistance(this expression) MapCat(this expression) MapContainsKey(this key) MapDelete(this expressions)
    MapInsert(this key value update_flag) MapKeys(this) MapPick(this expressions) MapSize(this) Max(this expressions)
    Median(this) Min(this expressions) Minhash(this expressions) MinhashCombine(this) Minute(this)
    Mode(this deterministic) Month(this) Monthname(this abbreviated) MonthsBetween(this expression roundoff)
    NextDay(this expression) Normal(this stddev gen) NthValue(this offset from_first) Ntile(this)
    Nullif(this expression) Nvl2(this true false) ObjectAgg(this expression) ObjectInsert(this key value update_flag)
    Pad(this expression fill_pattern is_left) ParseIp(this type permissive) ParseJSON(this expression safe is_literal)
    ParseUrl(this permissive) PercentRank(expressions) PercentileCont(this expression) PercentileDisc(this expression)
    Pi() Pow(this expression) PreviousDay(this expression) Quarter(this) Radians(this) Rand(this lower upper)
    Randstr(this generator) Rank(expressions) Reduce(this initial merge finish)
    RegexpCount(this expression position parameters)
    RegexpExtract(this expression position occurrence parameters group null_if_pos_overflow)
    RegexpExtractAll(this expression group parameters position occurrence)
    RegexpInstr(this expression position occurrence option parameters group)
    RegexpReplace(this expression replacement position occurrence modifiers) RegrAvgx(this expression)
    RegrAvgy(this expression) RegrCount(this expression) RegrIntercept(this expression) RegrR2(this expression)
    RegrSlope(this expression) RegrSxx(this expression) RegrSxy(this expression) RegrSyy(this expression)
    RegrValx(this expression) RegrValy(this expression) Repeat(this times) Replace(this expression replacement)
    Reverse(this) Right(this expression negative_length_returns_empty)
    Round(this decimals truncate casts_non_integer_decimals) RowNumber(this) RtrimmedLength(this) SHA(this)
    SHA1Digest(this) SHA2(this length) SHA2Digest(this length) Second(this) Seq1(this) Seq2(this) Seq4(this)
    Seq8(this) Sign(this) Sin(this) Sinh(this) Skewness(this) SortArray(this asc nulls_first) Soundex(this)
    SoundexP123(this) Space(this) Split(this expression null_returns_null empty_delimiter_returns_whole)
    SplitPart(this delimiter part_index part_index_zero_as_one empty_delimiter_returns_whole)
    SplitToTable(this expression) Sqrt(this) StDistance(this expression use_spheroid) StPoint(this expression z m)
    StarMap(this) StartsWith(this expression) Stddev(this) StddevPop(this)
    StrPosition(this substr position clamp_position) StrToTime(this format safe target_type) StripNullValue(this)
    Strtok(this delimiter part_index) StrtokToArray(this expression) Struct(expressions)
    Stuff(this start length expression) Substring(this start length zero_start) Sum(this) Systimestamp() Tan(this)
    Tanh(this) Time(this zone) TimeAdd(this expression unit)
    TimeFromParts(hour min sec nano fractions precision overflow) TimeSlice(this expression unit kind)
    TimeToStr(this format)
    TimestampFromParts(year month day hour min sec nano zone this expression)
    TimestampLtzFromParts(year month day hour min sec nano) TimestampTrunc(this unit input_type_preserved)
    TimestampTzFromParts(year month day hour min sec nano zone) ToArray(this) ToBinary(this format safe)
    ToBoolean(this safe) ToChar(this format nlsparam is_numeric) ToDecfloat(this format) ToDouble(this format safe)
    ToNumber(this format precision scale safe) ToVariant(this) Transform(this expression) Translate(this from_ to)
    Trim(this expression position collation) Trunc(this decimals fractions_supported)
    TryBase64DecodeBinary(this alphabet) TryBase64DecodeString(this alphabet) TryCast(this to safe
    requires_string probe_date_format null_on_text_overflow)
    TryHexDecodeBinary(this) TryHexDecodeString(this) TryToDecfloat(this format) TsOrDsToDate(this format safe)
    TsOrDsToTime(this format safe) Typeof(this) Unhex(this expression) Unicode(this empty_is_zero)
    Uniform(this expression gen seed) UnixToTime(this scale target_type) Upper(this) Uuid(this name is_string)
    Variance(this) VariancePop(this) Week(this mode) WeekOfYear(this)
    WidthBucket(this min_value max_value num_buckets) XMLGet(this expression instance) Year(this) YearOfWeek(this)
    YearOfWeekIso(this) Zipf(this elementcount gen) Flatten(this) Compress(this method) DecompressBinary(this method)
    DecompressString(this method) First(this) Last(this) Getbit(this expression zero_is_msb)
"""

_ENTRY = re.compile(r"(\w+)\(([\w\s]*)\)")

SLOTS: MappingProxyType[str, frozenset[str]] = MappingProxyType(
    {
        name: frozenset(slots.split())
        for block in (_QUERIES, _WRITES, _VALUES, _OPERATORS, _FUNCTIONS)
        for name, slots in _ENTRY.findall(block)
    }
)
"""Every allowed class of node with its arguments. Function classes are judged again by the name that they print as."""

_TYPE_NAMES = """
    ARRAY BIGINT BINARY BOOLEAN CHAR DATE DATETIME DECFLOAT DECIMAL DOUBLE FLOAT GEOGRAPHY GEOMETRY INT MAP NCHAR
    NVARCHAR OBJECT SMALLINT TEXT TIME TIMESTAMP TIMESTAMPLTZ TIMESTAMPNTZ TIMESTAMPTZ TINYINT UUID VARBINARY VARCHAR
    VARIANT VECTOR
"""
TYPES: frozenset[str] = frozenset(_TYPE_NAMES.split())
"""The types that a value may be cast to. FILE is none of them: a text that is cast to it names a file on a stage."""
