# Give the gate a login that can do no more than it needs. Its password goes by standard input, not by an argument.
set -eu
PGPASSWORD=$(cat /run/secrets/admin.password)
export PGPASSWORD
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 <<'SQL'
\set password `cat /run/secrets/gate.password`
select 'create role snowgate_login login' where not exists (select from pg_roles where rolname = 'snowgate_login') \gexec
alter role snowgate_login login password :'password';
GRANT snowgate_gate, journal_writer, journal_sequencer to snowgate_login;
SQL
