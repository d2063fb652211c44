#!/bin/sh
# Make the keys and passwords of compose.yaml in ./secrets, once; what is there is left alone.
# The directory is for its owner alone. The files in it are readable, for the containers' users are nobody's here.
set -eu
umask 077
mkdir -p secrets
cd secrets
umask 022
random() { openssl rand -hex 32; }
[ -f admin.password ] || random > admin.password
[ -f gate.password ] || random > gate.password
[ -f journal.key ] || openssl rand -base64 48 > journal.key
[ -f state.key ] || openssl rand -base64 48 > state.key
[ -f lease.pem ] || openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out lease.pem
[ -f writer.pem ] || openssl genpkey -algorithm ed25519 -out writer.pem
[ -f log.pem ] || openssl genpkey -algorithm ed25519 -out log.pem
chmod 644 ./*.pem
echo "SNOWGATE_DATABASE_URL=postgresql://snowgate_login:$(cat gate.password)@postgres:5432/snowgate" > gate.env
echo "SNOWGATE_ADMIN_DATABASE_URL=postgresql://snowgate_admin:$(cat admin.password)@postgres:5432/snowgate" > admin.env
