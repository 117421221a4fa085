#!/bin/sh
# Make the secrets of an installation, each random for itself. Nothing that exists is touched.
#
#   deploy/secrets.sh FOLDER PUBLIC_URL [DATABASE_HOST:PORT]
#
# The folder is its owner's alone; the files in it are read by containers under another user id.
set -eu
folder=$1 public_url=$2 database=${3:-database:5432}
umask 077
mkdir -p "$folder"

keep() { # NAME TEXT
  [ -e "$folder/$1" ] && return
  printf '%s\n' "$2" > "$folder/$1"
  chmod 0444 "$folder/$1"
}
hex() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

keep secret_key "$(hex 48)"
keep token_hash_keys "$(hex 32)"
keep key_encryption_keys "k$(hex 4):$(head -c 32 /dev/urandom | base64 | tr -d '\n')"
keep superuser_password "$(hex 24)"
keep owner_password "$(hex 24)"
keep portal_password "$(hex 24)"
keep public_url "$public_url"
keep database_url "postgres://latchkey:$(cat "$folder/portal_password")@$database/latchkey"
keep migration_database_url "postgres://latchkey_owner:$(cat "$folder/owner_password")@$database/latchkey"
