#!/bin/sh
# Starts the daemon on the development configuration, in the foreground, and says where it listens.
set -eu
cd "$(dirname "$0")/.."
build=${TOUCHLINE_BUILD:-build}
sh conf/dev-secrets.sh "${TOUCHLINE_VAR:-var}"
cat <<'TEXT'
Touchline, development configuration (conf/touchline.dev.yml); Ctrl-C ends it.

  HTTP       http://127.0.0.1:8480     API, forms, hooks; /readyz tells its state
  LMTP       127.0.0.1:8424            support@localhost, sales@localhost
  mail out   127.0.0.1:8425            start an SMTP sink there to see replies

  tokens     dev-adapter               pushes touchpoints, its word on identities is trusted
             dev-operator              may do all
             dev-anna, dev-ben         agents (password "dev"); dev-clara supervises

  try        curl -H 'Authorization: Bearer dev-adapter' -H 'Content-Type: application/json' \
               -d '{"channel":"chat","kind":"message","from":{"email":"jana@example.org"},"text":"Hello"}' \
               http://127.0.0.1:8480/v1/touchpoints
             TOUCHLINE_TOKEN=dev-operator build/touchline status

TEXT
exec ${DEBUGGER:-} "$build/touchlined" -c conf/touchline.dev.yml
