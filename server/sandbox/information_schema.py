"""INFORMATION_SCHEMA as Snowflake has it, where fakesnow's lacks something.

Views appear in TABLES, comments of views are there, LAST_DDL moves with each DDL, COLUMNS has DATETIME_PRECISION and
Snowflake's default lengths, VIEWS has the text that created the view, and SHOW TABLES tells of rows. Source: Snowflake,
"Information Schema": TABLES, COLUMNS, VIEWS; "SHOW TABLES".
"""

from collections.abc import Sequence
from string import Template

VIEW_TEXTS = "_fs_global._fs_information_schema.sandbox_views"
LAST_DDLS = "_fs_global._fs_information_schema.sandbox_ddl"

REMEMBER_VIEW = f"insert or replace into {VIEW_TEXTS} values (?, ?, ?, ?, 'NO', null)"  # noqa: S608  # a constant
"""Binds: database, schema, name, and the text of the CREATE VIEW."""

REMEMBER_DDL = f"insert or replace into {LAST_DDLS} values (?, ?, ?, now())"  # noqa: S608  # a constant
"""Binds: database, schema and name of what a DDL was about."""

_SHARED = f"""
create table if not exists {LAST_DDLS} (
    table_catalog varchar, table_schema varchar, table_name varchar, last_ddl timestamptz,
    primary key (table_catalog, table_schema, table_name)
);
create table if not exists {VIEW_TEXTS} (
    table_catalog varchar, table_schema varchar, table_name varchar,
    view_definition varchar, is_secure varchar, comment varchar,
    primary key (table_catalog, table_schema, table_name)
);
"""

_TABLES = Template(
    """
create or replace view ${db}._fs_information_schema._fs_tables as
select
    t.database_name as TABLE_CATALOG, t.schema_name as TABLE_SCHEMA, t.table_name as TABLE_NAME,
    'SYSADMIN' as TABLE_OWNER, 'BASE TABLE' as TABLE_TYPE, 'NO' as IS_TRANSIENT, null::varchar as CLUSTERING_KEY,
    t.estimated_size as ROW_COUNT, t.estimated_size * 64 as BYTES, 1 as RETENTION_TIME,
    to_timestamp(0)::timestamptz as CREATED, to_timestamp(0)::timestamptz as LAST_ALTERED,
    coalesce(d.last_ddl, to_timestamp(0)) as LAST_DDL, coalesce(x.comment, t.comment) as COMMENT,
    'NO' as IS_TEMPORARY, 'NO' as IS_ICEBERG, 'NO' as IS_DYNAMIC
from duckdb_tables() t
left join ${ddls} d
    on d.table_catalog = t.database_name and d.table_schema = t.schema_name and d.table_name = t.table_name
left join _fs_global._fs_information_schema._fs_tables_ext x
    on x.ext_table_catalog = t.database_name and x.ext_table_schema = t.schema_name
    and x.ext_table_name = t.table_name
where t.database_name = '${db}' and t.schema_name != '_fs_information_schema' and not t.temporary
union all
select
    v.database_name, v.schema_name, v.view_name, 'SYSADMIN', 'VIEW', null, null, null, null, null,
    to_timestamp(0)::timestamptz, to_timestamp(0)::timestamptz, coalesce(d.last_ddl, to_timestamp(0)),
    coalesce(v.comment, s.comment), 'NO', 'NO', 'NO'
from duckdb_views() v
left join ${ddls} d
    on d.table_catalog = v.database_name and d.table_schema = v.schema_name and d.table_name = v.view_name
left join ${texts} s
    on s.table_catalog = v.database_name and s.table_schema = v.schema_name and s.table_name = v.view_name
where v.database_name = '${db}' and not v.internal and v.schema_name != '_fs_information_schema'
"""
)

_VIEWS = Template(
    """
create or replace view ${db}._fs_information_schema._fs_views as
select
    v.database_name as TABLE_CATALOG, v.schema_name as TABLE_SCHEMA, v.view_name as TABLE_NAME,
    'SYSADMIN' as TABLE_OWNER, coalesce(s.view_definition, v.sql) as VIEW_DEFINITION,
    'NONE' as CHECK_OPTION, 'NO' as IS_UPDATABLE, 'NO' as INSERTABLE_INTO, coalesce(s.is_secure, 'NO') as IS_SECURE,
    to_timestamp(0)::timestamptz as CREATED, to_timestamp(0)::timestamptz as LAST_ALTERED,
    to_timestamp(0)::timestamptz as LAST_DDL, coalesce(v.comment, s.comment) as COMMENT
from duckdb_views() v
left join ${texts} s
    on s.table_catalog = v.database_name and s.table_schema = v.schema_name and s.table_name = v.view_name
where v.database_name = '${db}' and not v.internal and v.schema_name != '_fs_information_schema'
"""
)

_COLUMNS = Template(
    """
create or replace view ${db}._fs_information_schema._fs_columns as
select
    c.* exclude (character_maximum_length, character_octet_length, numeric_precision_radix, data_type),
    c.data_type as DATA_TYPE,
    case c.data_type when 'TEXT' then coalesce(c.character_maximum_length, 16777216)
                     when 'BINARY' then 8388608 end as CHARACTER_MAXIMUM_LENGTH,
    case c.data_type when 'TEXT' then coalesce(c.character_octet_length, 16777216)
                     when 'BINARY' then 8388608 end as CHARACTER_OCTET_LENGTH,
    case when c.numeric_precision is not null then 10 end as NUMERIC_PRECISION_RADIX,
    case when c.data_type = 'TIME' or c.data_type like 'TIMESTAMP%' then 9 end as DATETIME_PRECISION
from _fs_global._fs_information_schema._fs_columns c
where c.table_catalog = '${db}'
"""
)

_SHOW_TABLES = """
create or replace view _fs_global._fs_information_schema._fs_show_tables as
select
    to_timestamp(0)::timestamptz as created_on, table_name as name, 'TABLE' as kind, database_name, schema_name,
    coalesce(comment, '') as comment, '' as cluster_by, estimated_size as rows, estimated_size * 64 as bytes,
    'SYSADMIN' as owner, 1 as retention_time, 'OFF' as automatic_clustering, 'OFF' as change_tracking,
    'ROLE' as owner_role_type, 'N' as is_external, 'N' as is_hybrid, 'N' as is_iceberg, 'N' as is_dynamic
from duckdb_tables()
where schema_name != '_fs_information_schema' and not temporary
"""


def creation_sql(databases: Sequence[str]) -> str:
    """Return DuckDB's SQL that puts these views in the place of fakesnow's; may be run again."""
    views = (
        each.substitute(db=database, texts=VIEW_TEXTS, ddls=LAST_DDLS)
        for database in databases
        for each in (_TABLES, _VIEWS, _COLUMNS)
    )
    return ";\n".join((_SHARED.rstrip().rstrip(";"), _SHOW_TABLES, *views))
