"""The kinds of syntax node that a statement may be made of: one table, and what is not in it is refused.

Names are sqlglot's classes. A class that no statement in Snowflake's dialect needs, or that nobody has looked at, is
absent, so a parser upgrade that brings a new class brings a refusal. A test lists every class that the parser has.
"""

from types import MappingProxyType

_QUERIES = """
    Select Union Intersect Except Subquery Values Tuple With CTE From Where Group Having Qualify Order Ordered Limit
    LimitOptions Offset Fetch Distinct GroupingSets Rollup Cube Connect Prior Join Lateral Table TableAlias
    TableFromRows TableSample Pivot PivotAlias PivotAny Window WindowSpec WithinGroup IgnoreNulls RespectNulls Filter
"""
_WRITES = "Insert Update Delete Merge Whens When Schema"
_VALUES = """
    Alias Column Identifier Literal RawString Boolean Null Star Var Placeholder Interval DataType DataTypeParam Paren
    Bracket Slice Dot Lambda Kwarg JSONPath JSONPathRoot JSONPathKey JSONPathSubscript JSONKeyValue PropertyEQ
    DynamicIdentifier WithinGroup Case If Collate AtTimeZone HexString National
"""
_OPERATORS = """
    Add Sub Mul Div Mod Neg DPipe EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ And Or Not Xor Is In Between Like ILike
    Escape Any All Exists BitwiseAnd BitwiseOr BitwiseXor BitwiseNot BitwiseLeftShift BitwiseRightShift RegexpLike
"""
_FUNCTIONS = """
    Abs Acos Acosh AddMonths And Anonymous AnyValue ApproxDistinct ApproxPercentileAccumulate ApproxPercentileCombine
    ApproxPercentileEstimate ApproxQuantile ApproxTopK ApproxTopKAccumulate ApproxTopKCombine ApproxTopKEstimate
    ApproximateSimilarity ArgMax ArgMin Array ArrayAgg ArrayAppend ArrayCompact ArrayConcat ArrayConstructCompact
    ArrayContains ArrayDistinct ArrayExcept ArrayFilter ArrayInsert ArrayIntersect ArrayMax ArrayMin ArrayOverlaps
    ArrayPosition ArrayPrepend ArrayRemove ArrayRemoveAt ArrayReverse ArraySize ArraySlice ArrayToString ArrayUnionAgg
    ArrayUniqueAgg ArraysZip Ascii Asin Asinh Atan Atan2 Atanh Avg Base64DecodeBinary Base64DecodeString Base64Encode
    BitLength BitmapBitPosition BitmapBucketNumber BitmapConstructAgg BitmapCount BitmapOrAgg BitwiseAndAgg
    BitwiseOrAgg BitwiseXorAgg Booland Boolnot Boolor BoolxorAgg ByteLength Case Cast CastToStrType Cbrt Ceil
    CheckJson CheckXml Chr Coalesce Collate Collation Concat ConcatWs ConnectByRoot Contains ConvertTimezone Corr Cos
    Cosh CosineDistance Cot Count CountIf CovarPop CovarSamp CumeDist CurrentDate CurrentTime CurrentTimestamp DateAdd
    DateDiff DateFromParts DateTrunc DatetimeAdd Day DayOfMonth DayOfWeek DayOfWeekIso DayOfYear Dayname DecodeCase
    Degrees DenseRank DotProduct EndsWith EqualNull EuclideanDistance Exists Exp Explode Extract Factorial FirstValue
    Floor GenerateSeries Generator GetExtract GetIgnoreCase Greatest GroupConcat Grouping GroupingId HashAgg Hex
    HexDecodeString Hll Hour If Initcap IsArray IsNullValue JSONExtract JSONExtractScalar JSONFormat JSONKeys
    JSONObject JarowinklerSimilarity Kurtosis Lag LastDay LastValue Lead Least Left Length Levenshtein Ln Localtime
    Localtimestamp Log LogicalAnd LogicalOr Lower MD5 MD5Digest MD5NumberLower64 MD5NumberUpper64 ManhattanDistance
    MapCat MapContainsKey MapDelete MapInsert MapKeys MapPick MapSize Max Median Min Minhash MinhashCombine Minute
    Mode Month Monthname MonthsBetween NextDay Normal NthValue Ntile Nullif Nvl2 ObjectAgg ObjectInsert Or Pad ParseIp
    ParseJSON ParseTime ParseUrl PercentRank PercentileCont PercentileDisc Pi Pow PreviousDay Quantile Quarter Radians
    Rand Randstr Rank Reduce RegexpCount RegexpExtract RegexpExtractAll RegexpInstr RegexpLike RegexpReplace RegrAvgx
    RegrAvgy RegrCount RegrIntercept RegrR2 RegrSlope RegrSxx RegrSxy RegrSyy RegrValx RegrValy Repeat Replace Reverse
    Right Round RowNumber RtrimmedLength SHA SHA1Digest SHA2 SHA2Digest Second Seq1 Seq2 Seq4 Seq8 Sign Sin Sinh
    Skewness SortArray Soundex SoundexP123 Space Split SplitPart SplitToTable Sqrt StDistance StPoint StarMap
    StartsWith Stddev StddevPop StrPosition StrToTime StripNullValue Strtok StrtokToArray Struct Stuff Substring Sum
    Systimestamp Tan Tanh Time TimeAdd TimeFromParts TimeSlice TimestampAdd TimestampDiff TimestampFromParts
    TimestampLtzFromParts TimestampTrunc TimestampTzFromParts ToArray ToBinary ToBoolean ToChar ToDecfloat ToDouble
    ToNumber ToVariant Transform Translate Trim Trunc TryBase64DecodeBinary TryBase64DecodeString TryCast
    TryHexDecodeBinary TryHexDecodeString TryToDecfloat TsOrDsToDate TsOrDsToTime Typeof Unhex Unicode Uniform
    UnixToTime Upper Uuid Variance VariancePop Week WeekOfYear WidthBucket XMLGet Xor Year YearOfWeek YearOfWeekIso
    Zipf
"""

CONSTRUCTS: frozenset[str] = frozenset(" ".join((_QUERIES, _WRITES, _VALUES, _OPERATORS, _FUNCTIONS)).split())
"""Every allowed class of node. Function classes are judged again by the name that they print as."""

_CLAUSES = "with_ expressions from_ joins laterals pivots where group having qualify order limit offset"

SLOTS: MappingProxyType[str, frozenset[str]] = MappingProxyType(
    {
        name: frozenset(slots.split())
        for name, slots in {
            "Select": f"{_CLAUSES} distinct connect sample",
            "Union": "with_ this expression distinct by_name order limit offset",
            "Intersect": "with_ this expression distinct order limit offset",
            "Except": "with_ this expression distinct order limit offset",
            "Subquery": "with_ this alias joins laterals pivots order limit offset sample",
            "Table": "this db catalog alias joins laterals pivots sample",
            "TableFromRows": "this alias joins pivots sample",
            "TableAlias": "this columns",
            "TableSample": "method percent rows size seed",
            "Lateral": "this view outer alias",
            "Join": "this on using side kind method match_condition directed",
            "With": "expressions recursive",
            "CTE": "this alias",
            "Values": "expressions alias",
            "Column": "this table db catalog",
            "Star": "except_ replace rename ilike",
            "Distinct": "expressions",
            "DynamicIdentifier": "this",
            "Placeholder": "this",
            "Window": "this partition_by order spec over",
            "Insert": "with_ this expression",
            "Update": "with_ this expressions from_ where",
            "Delete": "with_ this using where",
            "Merge": "with_ this using on whens",
            "When": "matched condition then",
            "Pivot": "alias expressions fields unpivot columns include_nulls default_on_null identify_pivot_strings "
            "prefixed_pivot_columns pivot_column_naming",
            "Fetch": "direction count limit_options",
            "Limit": "expression",
        }.items()
    }
)
"""For the classes that give a query its structure, the arguments that may be set; any other argument is refused."""
