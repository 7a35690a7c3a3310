#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who else's work is in the AppDir, and under which licence Bitmend may ship it. Takes the bundled libraries, plugins
# and fonts, the archives that the link maps name and the headers that were compiled in; finds the Debian package of
# each, its licence in licences.list beside this script, and copies the package's own copyright file and the licence
# texts it points to. Fails on a package that is not listed, or is under the GPL without an exception, so that a new
# dependency is a decision and not an accident.
#   licences.sh APPDIR BUILDFOLDER [LIST]
set -euo pipefail
app=$(realpath "$1")
build=$(realpath "$2")
list=${3:-$(dirname "${BASH_SOURCE[0]}")/licences.list}
target=$app/usr/share/licenses
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lib=/usr/lib/x86_64-linux-gnu

bundled() {
    while read -r _ path; do realpath "$path"; done <"$build/closure"
    find "$app/usr/plugins" -name '*.so' -printf "$lib/qt6/plugins/%P\n"
    find "$app/usr/share/fonts" -type f -printf "/usr/share/fonts/truetype/dejavu/%f\n"
}

linked() {
    sed -n -e 's/^\(\/[^ (]*\.a\)(.*/\1/p' -e 's/^LOAD \(\/usr\/.*\.o\)$/\1/p' "$build"/*.map | sort -u | xargs realpath
}

compiled() {
    ninja -C "$build/cmake" -t deps | sed -n 's/^    \(\/usr\/.*\)/\1/p' | sort -u
}

# Paths -> packages. /lib is a link to /usr/lib, and some packages own their files by the short name.
owners() {
    sort -u | grep -v "^$top/" >"$build/paths" || true
    { cat "$build/paths"; sed -n 's/^\/usr\/lib/\/lib/p' "$build/paths"; } | xargs dpkg -S 2>/dev/null |
        grep -v '^diversion' | sed -n 's/^\([^:, ]*\)[^/]*: \(\/.*\)$/\1 \2/p' >"$build/owned" || true
    cut -d' ' -f1 "$build/owned" | sort -u
    cut -d' ' -f2 "$build/owned" | sed 's/^\/lib/\/usr\/lib/' | sort -u | comm -23 "$build/paths" - | sed 's/^/nobody:/'
}

rm -rf "$target"
mkdir -p "$target/texts"
failed=0
{
    echo "# What this AppImage contains of others' work: Debian package, version, licence, and how it is in here."
    for how in bundled linked compiled; do
        while read -r package; do
            licence=$(awk -v p="$package" '$1 == p {$1 = ""; print substr($0, 2)}' "$list")
            case $licence in
            '')
                echo "$package is $how, but its licence is not in $(basename "$list")." >&2
                failed=1
                continue
                ;;
            *WITH* | *LGPL*) ;;
            *GPL*)
                echo "$package is $how, but it is under the GPL: $licence." >&2
                failed=1
                ;;
            esac
            printf '%-36s %-28s %-44s %s\n' "$package" "$(dpkg-query -W -f='${Version}\n' "$package" | head -1)" \
                "$licence" "$how"
            install -m644 "/usr/share/doc/$package/copyright" "$target/$package"
        done < <("$how" | owners)
    done
} >"$target/LIST"
install -m644 "$top/LICENSE" "$target/bitmend"

# Debian's copyright files point to texts that every Debian has and other systems have not.
mapfile -t texts < <(find "$target" -maxdepth 1 -type f -exec \
    grep -oh '/usr/share/common-licenses/[A-Za-z]*-\?[0-9.]*[0-9]' {} + | sort -u)
for text in "${texts[@]}"; do
    [[ ! -e $text ]] || install -m644 "$text" "$target/texts/"
done
exit $failed
