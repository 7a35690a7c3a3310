#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# For every library and font in the AppDir: its Debian package, the licence under which Bitmend may ship it (from
# licences.list beside this script), and the package's own copyright file. Fails on a package that is not listed, so
# that a new dependency is a decision and not an accident.
#   licences.sh APPDIR BUILDFOLDER
set -euo pipefail
app=$1
build=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$app/usr/share/licenses
mkdir -p "$target"
lib=/usr/lib/x86_64-linux-gnu

packageOf() { # a bundled file's name -> the package that owns its original
    local original=$1
    dpkg -S "$original" 2>/dev/null | head -1 | cut -d: -f1
}

owners=$(
    { while read -r _ path; do realpath "$path"; done <"$build/closure"
      find "$app/usr/plugins" -name '*.so' -printf "$lib/qt6/plugins/%P\n"
      echo /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf; } | sort -u |
        grep -v "^$app" |
        while read -r path; do
            package=$(packageOf "$path")
            # /lib is a link to /usr/lib; older packages own the short name.
            [[ -n $package ]] || package=$(packageOf "${path#/usr}")
            echo "${package:-unowned:$path}"
        done
    # Linked into the runtime.
    printf '%s\n' libsquashfuse-dev libfuse3-dev libzstd-dev zlib1g-dev liblzma-dev liblz4-dev libc6-dev
)
failed=0
: >"$target/LIST"
while read -r package; do
    licence=$(awk -v p="$package" '$1 == p {$1 = ""; print substr($0, 2)}' "$here/licences.list")
    if [[ -z $licence ]]; then
        echo "$package is bundled but its licence is not in licences.list." >&2
        failed=1
        continue
    fi
    printf '%-36s %-28s %s\n' "$package" "$(dpkg-query -W -f='${Version}' "$package" | head -1)" "$licence" >>"$target/LIST"
    install -m644 "/usr/share/doc/$package/copyright" "$target/$package"
done < <(sort -u <<<"$owners")
install -m644 "$here/../../LICENSE" "$target/bitmend"
exit $failed
