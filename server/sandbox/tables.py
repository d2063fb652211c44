"""The sandbox's tables: columns with Snowflake's types, keys and comments, as one readable list.

TPC-H follows the TPC-H specification, revision 3.0.1, section 1.4, with the types of Snowflake's own sample database.
The CRM is ours. Keys are facts to be shown and not constraints: Snowflake does not enforce them either.
"""

from dataclasses import dataclass

TPCH_SCALE = 0.01
"""Scale factor of the first start, unless another is asked for: 60,175 order lines, loaded in a second or two."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: name, Snowflake type, comment (may be empty), and whether NULL is allowed."""

    name: str
    type: str
    comment: str = ""
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`columns` of this table name a row of `table` (in the same schema) by its `referenced` columns."""

    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `primary_key` names columns in order."""

    database: str
    schema: str
    name: str
    comment: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A view; `definition` is the whole CREATE VIEW statement, with names in full."""

    database: str
    schema: str
    name: str
    comment: str
    definition: str
    column_comments: tuple[tuple[str, str], ...] = ()


def _columns(text: str) -> tuple[Column, ...]:
    """Read lines `NAME TYPE [null] [-- comment]`."""
    columns = []
    for line in text.strip().splitlines():
        facts, _, comment = line.partition("--")
        name, kind, *rest = facts.split()
        columns.append(Column(name, kind, comment.strip(), nullable=rest == ["null"]))
    return tuple(columns)


def _tpch(name: str, comment: str, key: tuple[str, ...], text: str, *foreign: ForeignKey) -> Table:
    return Table("TPCH", "PUBLIC", name, comment, _columns(text), key, foreign)


CRM_TABLES = (
    Table(
        "CRM",
        "PUBLIC",
        "CUSTOMERS",
        "People and small companies that buy from us; one row per customer",
        _columns("""
            CUSTOMER_ID NUMBER(38,0) -- Number of the customer, never reused
            FULL_NAME VARCHAR(120) -- First and last name
            EMAIL VARCHAR(254) -- Address for order mail, unique
            PHONE VARCHAR(32) null -- International format with a leading plus
            COUNTRY VARCHAR(2) -- ISO 3166-1 alpha-2
            REGION VARCHAR(8) -- Sales region: EMEA, AMER or APAC
            SEGMENT VARCHAR(16) -- CONSUMER, SMALL_BUSINESS or ENTERPRISE
            CREATED_AT TIMESTAMP_NTZ -- First contact, UTC
            LIFETIME_VALUE NUMBER(12,2) -- Forecast of total revenue in EUR; 0 for newcomers
        """),
        ("CUSTOMER_ID",),
    ),
    Table(
        "CRM",
        "PUBLIC",
        "ORDERS",
        "Orders of the last three years, one row per order",
        _columns("""
            ORDER_ID NUMBER(38,0) -- Number of the order
            CUSTOMER_ID NUMBER(38,0) -- Who ordered
            ORDER_DATE DATE -- Day of the order, UTC
            STATUS VARCHAR(16) -- OPEN, PAID, SHIPPED, DELIVERED, RETURNED or CANCELLED
            AMOUNT NUMBER(12,2) -- Total with tax, in CURRENCY
            CURRENCY VARCHAR(3) -- ISO 4217
        """),
        ("ORDER_ID",),
        (ForeignKey(("CUSTOMER_ID",), "CUSTOMERS", ("CUSTOMER_ID",)),),
    ),
    Table(
        "CRM",
        "PUBLIC",
        "TICKETS",
        "Support requests with the agents' notes, which quote what customers wrote",
        _columns("""
            TICKET_ID NUMBER(38,0) -- Number of the ticket
            CUSTOMER_ID NUMBER(38,0) -- Who asked
            OPENED_AT TIMESTAMP_NTZ -- When it came in, UTC
            STATUS VARCHAR(16) -- NEW, OPEN, WAITING or CLOSED
            PRIORITY VARCHAR(8) -- LOW, NORMAL, HIGH or URGENT
            SUBJECT VARCHAR(200) -- First line of the request
            NOTES VARCHAR null -- Free text; may hold addresses, phone and card numbers
        """),
        ("TICKET_ID",),
        (ForeignKey(("CUSTOMER_ID",), "CUSTOMERS", ("CUSTOMER_ID",)),),
    ),
    Table(
        "CRM",
        "HR",
        "EMPLOYEES",
        "Staff with pay; for the people department only",
        _columns("""
            EMPLOYEE_ID NUMBER(38,0) -- Number on the badge
            FULL_NAME VARCHAR(120) -- First and last name
            EMAIL VARCHAR(254) -- Address at work
            PHONE VARCHAR(32) null -- Private mobile, for emergencies
            DEPARTMENT VARCHAR(40) -- Where the person works
            TITLE VARCHAR(80) -- What the person does
            SALARY NUMBER(10,2) -- Gross per year in EUR
            HIRED_ON DATE -- First day at work
            MANAGER_ID NUMBER(38,0) null -- Who the person reports to; empty for the head of the company
        """),
        ("EMPLOYEE_ID",),
        (ForeignKey(("MANAGER_ID",), "EMPLOYEES", ("EMPLOYEE_ID",)),),
    ),
)

CRM_VIEWS = (
    View(
        "CRM",
        "PUBLIC",
        "CUSTOMER_REVENUE",
        "What each customer has paid so far; cancelled and returned orders do not count",
        "CREATE VIEW CRM.PUBLIC.CUSTOMER_REVENUE (CUSTOMER_ID, EMAIL, REVENUE) AS "
        "SELECT c.CUSTOMER_ID, c.EMAIL, SUM(o.AMOUNT) AS REVENUE "
        "FROM CRM.PUBLIC.CUSTOMERS AS c JOIN CRM.PUBLIC.ORDERS AS o ON o.CUSTOMER_ID = c.CUSTOMER_ID "
        "WHERE o.STATUS NOT IN ('CANCELLED', 'RETURNED') GROUP BY c.CUSTOMER_ID, c.EMAIL",
        (
            ("CUSTOMER_ID", "Number of the customer"),
            ("EMAIL", "Address for order mail"),
            ("REVENUE", "Sum of all orders that count, currencies not converted"),
        ),
    ),
)

TPCH_TABLES = (
    _tpch(
        "REGION",
        "Continents (TPC-H)",
        ("R_REGIONKEY",),
        """
            R_REGIONKEY NUMBER(38,0)
            R_NAME VARCHAR(25)
            R_COMMENT VARCHAR(152) null
        """,
    ),
    _tpch(
        "NATION",
        "Countries with their region (TPC-H)",
        ("N_NATIONKEY",),
        """
            N_NATIONKEY NUMBER(38,0)
            N_NAME VARCHAR(25)
            N_REGIONKEY NUMBER(38,0)
            N_COMMENT VARCHAR(152) null
        """,
        ForeignKey(("N_REGIONKEY",), "REGION", ("R_REGIONKEY",)),
    ),
    _tpch(
        "SUPPLIER",
        "Suppliers of parts (TPC-H)",
        ("S_SUPPKEY",),
        """
            S_SUPPKEY NUMBER(38,0)
            S_NAME VARCHAR(25)
            S_ADDRESS VARCHAR(40)
            S_NATIONKEY NUMBER(38,0)
            S_PHONE VARCHAR(15)
            S_ACCTBAL NUMBER(12,2) -- Balance of the account
            S_COMMENT VARCHAR(101) null
        """,
        ForeignKey(("S_NATIONKEY",), "NATION", ("N_NATIONKEY",)),
    ),
    _tpch(
        "CUSTOMER",
        "Customers (TPC-H)",
        ("C_CUSTKEY",),
        """
            C_CUSTKEY NUMBER(38,0)
            C_NAME VARCHAR(25)
            C_ADDRESS VARCHAR(40)
            C_NATIONKEY NUMBER(38,0)
            C_PHONE VARCHAR(15)
            C_ACCTBAL NUMBER(12,2) -- Balance of the account
            C_MKTSEGMENT VARCHAR(10) null -- Market segment
            C_COMMENT VARCHAR(117) null
        """,
        ForeignKey(("C_NATIONKEY",), "NATION", ("N_NATIONKEY",)),
    ),
    _tpch(
        "PART",
        "Parts that are traded (TPC-H)",
        ("P_PARTKEY",),
        """
            P_PARTKEY NUMBER(38,0)
            P_NAME VARCHAR(55)
            P_MFGR VARCHAR(25) -- Manufacturer
            P_BRAND VARCHAR(10)
            P_TYPE VARCHAR(25)
            P_SIZE NUMBER(38,0)
            P_CONTAINER VARCHAR(10)
            P_RETAILPRICE NUMBER(12,2)
            P_COMMENT VARCHAR(23) null
        """,
    ),
    _tpch(
        "PARTSUPP",
        "Which supplier has which part, at what cost (TPC-H)",
        ("PS_PARTKEY", "PS_SUPPKEY"),
        """
            PS_PARTKEY NUMBER(38,0)
            PS_SUPPKEY NUMBER(38,0)
            PS_AVAILQTY NUMBER(38,0) -- Quantity in stock
            PS_SUPPLYCOST NUMBER(12,2)
            PS_COMMENT VARCHAR(199) null
        """,
        ForeignKey(("PS_PARTKEY",), "PART", ("P_PARTKEY",)),
        ForeignKey(("PS_SUPPKEY",), "SUPPLIER", ("S_SUPPKEY",)),
    ),
    _tpch(
        "ORDERS",
        "Orders of customers (TPC-H)",
        ("O_ORDERKEY",),
        """
            O_ORDERKEY NUMBER(38,0)
            O_CUSTKEY NUMBER(38,0)
            O_ORDERSTATUS VARCHAR(1) -- F finished, O open, P partly
            O_TOTALPRICE NUMBER(12,2)
            O_ORDERDATE DATE
            O_ORDERPRIORITY VARCHAR(15)
            O_CLERK VARCHAR(15)
            O_SHIPPRIORITY NUMBER(38,0)
            O_COMMENT VARCHAR(79) null
        """,
        ForeignKey(("O_CUSTKEY",), "CUSTOMER", ("C_CUSTKEY",)),
    ),
    _tpch(
        "LINEITEM",
        "Lines of orders, the largest table (TPC-H)",
        ("L_ORDERKEY", "L_LINENUMBER"),
        """
            L_ORDERKEY NUMBER(38,0)
            L_PARTKEY NUMBER(38,0)
            L_SUPPKEY NUMBER(38,0)
            L_LINENUMBER NUMBER(38,0)
            L_QUANTITY NUMBER(12,2)
            L_EXTENDEDPRICE NUMBER(12,2)
            L_DISCOUNT NUMBER(12,2) -- As a share, 0.00 to 0.10
            L_TAX NUMBER(12,2) -- As a share, 0.00 to 0.08
            L_RETURNFLAG VARCHAR(1) -- R returned, A accepted, N neither
            L_LINESTATUS VARCHAR(1) -- O open, F shipped
            L_SHIPDATE DATE
            L_COMMITDATE DATE
            L_RECEIPTDATE DATE
            L_SHIPINSTRUCT VARCHAR(25)
            L_SHIPMODE VARCHAR(10)
            L_COMMENT VARCHAR(44) null
        """,
        ForeignKey(("L_ORDERKEY",), "ORDERS", ("O_ORDERKEY",)),
        ForeignKey(("L_PARTKEY", "L_SUPPKEY"), "PARTSUPP", ("PS_PARTKEY", "PS_SUPPKEY")),
    ),
)

TABLES = CRM_TABLES + TPCH_TABLES
