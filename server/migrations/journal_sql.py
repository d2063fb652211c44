"""Who may do what to the journal, in SQL: roles, functions that run as its owner, privileges and guards.

The roles are groups without a login; an operator makes logins that are members of those that they need. Roles belong
to a whole cluster, so they may be there already, or be made by another database's migration at the same moment.
"""

ROLES = """
do $$
declare
    role text;
begin
    foreach role in array array['journal_owner', 'journal_writer', 'journal_sequencer', 'journal_reader',
                                'journal_retention', 'snowgate_gate'] loop
        if not exists (select from pg_roles where rolname = role) then
            begin
                execute format('create role %I nologin', role);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end if;
    end loop;
    if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('GRANT journal_owner TO %I', current_user);
    end if;
end $$
"""

# Everything that must not be an argument is a constant in here: who calls may not choose.
FUNCTIONS = """
create function journal.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the journal is append-only: % on %.%', tg_op, tg_table_schema, tg_table_name
        using errcode = 'insufficient_privilege';
end $$;

create function journal.ensure_month(wanted date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    partition text := format('entry_%s', to_char(wanted, 'YYYYMM'));
begin
    if wanted <> date_trunc('month', wanted)::date
       or wanted not between (now() - interval '62 days')::date and (now() + interval '62 days')::date then
        raise exception 'no month to be written to now: %', wanted using errcode = 'invalid_parameter_value';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('journal.ensure_month', 0));
    if to_regclass('journal.' || partition) is null then
        execute format('create table journal.%I partition of journal.entry for values from (%L) to (%L)',
                       partition, wanted, (wanted + interval '1 month')::date);
        execute format('create trigger append_only before update or delete or truncate on journal.%I
                        for each statement execute function journal.refuse_change()', partition);
    end if;
end $$;

create function journal.drop_month(wanted date) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    keep constant interval := interval '400 days';
    partition text := format('entry_%s', to_char(wanted, 'YYYYMM'));
    entries bigint;
    woven bigint;
    covered bigint;
    told bigint;
begin
    if wanted <> date_trunc('month', wanted)::date or wanted + interval '1 month' > now() - keep then
        raise exception 'retention: % is too young to be dropped', wanted using errcode = 'insufficient_privilege';
    end if;
    if exists (select from journal.legal_hold where month = wanted and not released) then
        raise exception 'retention: % is under a legal hold', wanted using errcode = 'insufficient_privilege';
    end if;
    if to_regclass('journal.' || partition) is null then
        raise exception 'retention: there is no month %', wanted using errcode = 'no_data_found';
    end if;
    perform set_config('lock_timeout', '5s', true);
    execute format('lock table journal.%I in access exclusive mode', partition);
    execute format('select count(*) from journal.%I', partition) into entries;
    select coalesce(max(size), 0) into covered from journal.checkpoint;
    select coalesce(sum(r.count), 0) into woven from journal.run r join journal.stream s using (stream)
        where s.month = wanted and r.first + r.count <= covered;
    if woven <> entries then
        raise exception 'retention: of % entries of %, % are under no signed head', entries, wanted, entries - woven
            using errcode = 'insufficient_privilege';
    end if;
    -- The entry that announces it has to be under a signed head as well, or nobody could be shown why they are gone.
    select max((convert_from(e.body, 'UTF8')::jsonb #>> '{facts,entries}')::bigint) into told
        from journal.entry e join journal.run r on r.stream = e.stream and e.n >= r.n and e.n < r.n + r.count
        where e.stage = 'retention.drop' and r.first + r.count <= covered
          and convert_from(e.body, 'UTF8')::jsonb #>> '{facts,month}' = wanted::text;
    if told is distinct from entries then
        raise exception 'retention: no entry under a signed head announces the end of %', wanted
            using errcode = 'insufficient_privilege';
    end if;
    execute format('drop table journal.%I', partition);
    return entries;
end $$;

create function journal.place_legal_hold(wanted date, matter text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into journal.legal_hold values (date_trunc('month', wanted)::date, matter, false)
    on conflict (month, reference) do update set released = false
$$;

create function journal.release_legal_hold(wanted date, matter text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update journal.legal_hold set released = true
    where month = date_trunc('month', wanted)::date and reference = matter
$$;

alter function journal.refuse_change() owner to journal_owner;
alter function journal.ensure_month(date) owner to journal_owner;
alter function journal.drop_month(date) owner to journal_owner;
alter function journal.place_legal_hold(date, text) owner to journal_owner;
alter function journal.release_legal_hold(date, text) owner to journal_owner;
"""

PRIVILEGES = """
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA journal FROM public;
GRANT USAGE ON SCHEMA journal TO journal_writer, journal_sequencer, journal_reader, journal_retention;

GRANT INSERT ON journal.entry, journal.stream TO journal_writer;
GRANT SELECT (month, stream, n, digest) ON journal.entry TO journal_writer;
GRANT SELECT (stream), INSERT, UPDATE (at) ON journal.seen TO journal_writer;
GRANT SELECT, INSERT ON journal.subject_key TO journal_writer;
GRANT EXECUTE ON FUNCTION journal.ensure_month(date) TO journal_writer;

GRANT SELECT (month, stream, n, at, stage, call_id, digest) ON journal.entry TO journal_sequencer;
GRANT SELECT ON journal.stream, journal.seen, journal.head, journal.cursor, journal.run, journal.tile,
    journal.checkpoint TO journal_sequencer;
GRANT INSERT ON journal.cursor, journal.run, journal.tile, journal.checkpoint TO journal_sequencer;
GRANT UPDATE (size) ON journal.head TO journal_sequencer;
GRANT UPDATE (next_n, closed) ON journal.cursor TO journal_sequencer;
GRANT UPDATE (hashes) ON journal.tile TO journal_sequencer;

GRANT SELECT ON ALL TABLES IN SCHEMA journal TO journal_reader;

GRANT SELECT ON journal.stream, journal.head, journal.run, journal.checkpoint, journal.legal_hold TO journal_retention;
GRANT SELECT (month, stream, n, stage) ON journal.entry TO journal_retention;
GRANT SELECT (id), DELETE ON journal.subject_key TO journal_retention;
GRANT EXECUTE ON FUNCTION journal.drop_month(date), journal.place_legal_hold(date, text),
    journal.release_legal_hold(date, text) TO journal_retention;

GRANT USAGE ON SCHEMA gate TO snowgate_gate, journal_reader, journal_retention;
GRANT SELECT ON gate.schema_version TO snowgate_gate, journal_reader, journal_retention;
GRANT SELECT, INSERT, UPDATE, DELETE ON gate.hold TO snowgate_gate;
ALTER DEFAULT PRIVILEGES IN SCHEMA gate GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO snowgate_gate;
ALTER DEFAULT PRIVILEGES IN SCHEMA gate GRANT USAGE ON SEQUENCES TO snowgate_gate;
"""

# Only a superuser may make event triggers; without them the owner can still take the tables away.
GUARDS = """
create function journal.guard() returns event_trigger language plpgsql as $$
declare
    touched record;
begin
    if tg_event = 'sql_drop' then
        for touched in select * from pg_event_trigger_dropped_objects() loop
            if touched.schema_name = 'journal' and touched.object_type in ('table', 'trigger', 'function', 'index')
               and current_user <> 'journal_owner' then
                raise exception 'the journal is append-only: drop of %', touched.object_identity
                    using errcode = 'insufficient_privilege';
            end if;
        end loop;
    else
        for touched in select * from pg_event_trigger_ddl_commands() loop
            if (touched.schema_name = 'journal' or touched.object_identity ~ '(^|[ .])"?journal"?[.]')
               and current_user <> 'journal_owner' then
                raise exception 'the journal is append-only: % of %', touched.command_tag, touched.object_identity
                    using errcode = 'insufficient_privilege';
            end if;
        end loop;
    end if;
end $$;
REVOKE ALL ON FUNCTION journal.guard() FROM public;
do $$
begin
    create event trigger journal_guard_drop on sql_drop execute function journal.guard();
    create event trigger journal_guard_ddl on ddl_command_end
        when tag in ('ALTER TABLE', 'CREATE TRIGGER', 'ALTER TRIGGER', 'ALTER FUNCTION', 'CREATE FUNCTION',
                     'CREATE RULE', 'ALTER RULE', 'CREATE POLICY', 'CREATE TABLE', 'CREATE INDEX')
        execute function journal.guard();
exception when insufficient_privilege then
    raise notice 'no event triggers: this user is no superuser';
end $$;
"""
