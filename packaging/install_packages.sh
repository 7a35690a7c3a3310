#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages named in the given lists, through sudo when not root. Asks apt for
# nothing when all of them are there.
set -eu

missing=
for package in $(cat "$@" | sort -u); do
    state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2> /dev/null || true)
    case $state in ii*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo > /dev/null; then
    as_root=sudo
else
    echo "These packages are needed, and there is neither root nor sudo to install them:$missing" >&2
    exit 1
fi
echo "Installing with apt:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q >&2
# shellcheck disable=SC2086  # one argument per package
$as_root apt-get install -q -y --no-install-recommends $missing >&2
