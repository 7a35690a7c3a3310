#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The files that tell a desktop what Bitmend is, judged by the tools that desktops use.
set -e
cd "$(dirname "$0")/../../resources/desktop"
id=io.github.bitmend.Bitmend
desktop-file-validate $id.desktop
appstreamcli validate --no-net --pedantic $id.metainfo.xml
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/packages"
cp $id.mime.xml "$folder/packages/$id.xml"
update-mime-database "$folder"
grep -qF 'application/x-ewf:*.e01' "$folder/globs"
