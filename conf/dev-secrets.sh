#!/bin/sh
# dev-secrets.sh VAR: writes the secrets of the development configuration to VAR/secrets, each 0600.
# They are public and good for loopback only; the installation's secret alone is random, and made once.
set -eu
var=${1:?usage: dev-secrets.sh VAR}
umask 077
mkdir -p "$var/secrets" "$var/log"

secret() {
    printf '%s\n' "$2" >"$var/secrets/$1.new"
    mv "$var/secrets/$1.new" "$var/secrets/$1"
}

for token in dev-adapter dev-operator dev-anna dev-ben dev-clara dev-secret dev-verify; do
    secret "$token" "$token"
done
secret dev-whsec "whsec_$(printf %s touchline-development-secret | base64)"
# argon2id of "dev"
# shellcheck disable=SC2016
secret dev-password '$argon2id$v=19$m=65536,t=2,p=1$HJsCyfmtUMbxbC9O/F40qg$wC+fqBl0zdEknE4pZdxHyaO0Yj178fCl8lGe11AHFiU'
[ -s "$var/secrets/installation" ] ||
    secret installation "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
