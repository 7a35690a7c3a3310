#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes Bitmend-<version>-x86_64.AppImage from this tree and Debian's packages, without a network.
#   packaging/appimage/build.sh [--fast] [--output FOLDER] [--build FOLDER]
# --fast compresses less, for tests. Two builds of one tree give the same bytes.
set -euo pipefail
export LC_ALL=C.UTF-8 TZ=UTC
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
level=19
output=$root/build
build=$root/build/appimage
while (($#)); do
    case $1 in
    --fast) level=3 ;;
    --output) output=$2; shift ;;
    --build) build=$2; shift ;;
    *) echo "usage: build.sh [--fast] [--output FOLDER] [--build FOLDER]" >&2; exit 2 ;;
    esac
    shift
done

if [[ $(uname -m) != x86_64 ]]; then
    echo "The AppImage is built for x86-64, on x86-64; this machine is $(uname -m)." >&2
    exit 1
fi
missing=$(cat "$here/packages" "$root/packaging/packages" | sort -u |
    while read -r package; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || echo "$package"
    done)
if [[ -n $missing ]]; then
    echo "The AppImage is built from these packages too: apt-get install" $missing >&2
    exit 1
fi

version=$(sed -n 's/^project(bitmend VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
lib=/usr/lib/x86_64-linux-gnu
qt=$lib/qt6/plugins

mkdir -p "$build"
build=$(realpath "$build")
app=$build/AppDir

# --- what we build: the program as a library, bitmendctl, the launcher, the runtime --------------------------
# A cache of compiled files names the sources by their way from the build folder; both end as the same name.
way=$(realpath --relative-to="$build/cmake" "$root")
maps="-ffile-prefix-map=$build=build -ffile-prefix-map=$root=. -ffile-prefix-map=$way=."
cmake -S "$root" -B "$build/cmake" -G Ninja -DCMAKE_BUILD_TYPE=None -DBITMEND_TESTS=OFF -DBITMEND_APPIMAGE=ON \
    -DCMAKE_CXX_FLAGS="-O2 -DNDEBUG $maps" >"$build/cmake.log" 2>&1 ||
    { cat "$build/cmake.log" >&2; exit 1; }
cmake --build "$build/cmake" --target bitmend_app bitmendctl

flags=(-Os -std=gnu17 -Wall -Wextra -Werror "-ffile-prefix-map=$root=.")
cp "$build"/cmake/*.map "$build"
gcc "${flags[@]}" -static -s -Wl,-Map="$build/AppRun.map" "$here/launcher/apprun.c" -o "$build/AppRun"
gcc "${flags[@]}" -s -Wl,-Map="$build/launcher.map" "$here/launcher/launcher.c" -o "$build/launcher"
gcc "${flags[@]}" -static -s -ffunction-sections -fdata-sections -Wl,--gc-sections -Wl,-Map="$build/runtime.map" \
    -D_FILE_OFFSET_BITS=64 -DBITMEND_VERSION="\"$version\"" -I/usr/include/squashfuse -I/usr/include/fuse3 \
    "$here"/runtime/*.c -o "$build/runtime" \
    -lsquashfuse_ll -lsquashfuse -lfuse3 -lzstd -lz -llzma -llz4 -lpthread -ldl 2>"$build/runtime.log" ||
    { cat "$build/runtime.log" >&2; exit 1; }
printf 'AI\002' | dd of="$build/runtime" bs=1 seek=8 conv=notrunc status=none

# --- the tree --------------------------------------------------------------------------------------------------
rm -rf "$app"
mkdir -p "$app"/usr/{bin,lib/fallback,plugins,share/{applications,metainfo,mime/packages,fonts,man/man1},etc/fonts}
mkdir -p "$app/usr/share/icons/hicolor/scalable/apps"
id=io.github.bitmend.Bitmend
install -m755 "$build/AppRun" "$app/AppRun"
install -m755 "$build/launcher" "$app/usr/bin/bitmend"
install -m755 "$build/cmake/bin/bitmendctl" "$app/usr/bin/bitmendctl"
install -m644 "$(find "$build/cmake" -name libbitmend_app.so)" "$app/usr/lib/libbitmend_app.so"
install -m644 "$root/resources/desktop/$id.desktop" "$app/usr/share/applications/"
install -m644 "$root/resources/desktop/$id.metainfo.xml" "$app/usr/share/metainfo/"
install -m644 "$root/resources/desktop/$id.mime.xml" "$app/usr/share/mime/packages/$id.xml"
install -m644 "$root/resources/desktop/$id.svg" "$app/usr/share/icons/hicolor/scalable/apps/"
ln -s "usr/share/applications/$id.desktop" "$app/$id.desktop"
ln -s "usr/share/icons/hicolor/scalable/apps/$id.svg" "$app/$id.svg"
ln -s "$id.svg" "$app/.DirIcon"
install -m644 "$root"/app/bitmend.1 "$root"/app/ctl/bitmendctl.1 "$app/usr/share/man/man1/"
install -m644 /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf "$app/usr/share/fonts/"
install -m644 /usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf "$app/usr/share/fonts/"
install -m644 "$here/fonts.conf" "$app/usr/etc/fonts/fonts.conf"
printf '[Paths]\nPrefix=..\nPlugins=plugins\n' >"$app/usr/bin/qt.conf"

plugins=(
    platforms/libqxcb.so platforms/libqwayland-generic.so platforms/libqwayland-egl.so platforms/libqoffscreen.so
    xcbglintegrations/libqxcb-egl-integration.so xcbglintegrations/libqxcb-glx-integration.so
    imageformats/libqsvg.so imageformats/libqico.so iconengines/libqsvgicon.so
    wayland-shell-integration/libxdg-shell.so wayland-decoration-client/libbradient.so
    wayland-graphics-integration-client/libqt-plugin-wayland-egl.so
    platforminputcontexts/libcomposeplatforminputcontextplugin.so
    platforminputcontexts/libibusplatforminputcontextplugin.so
    platformthemes/libqxdgdesktopportal.so)
for plugin in "${plugins[@]}"; do
    install -Dm644 "$qt/$plugin" "$app/usr/plugins/$plugin"
done

# --- libraries: all that these need, except the C library's own -------------------------------------------------
glibc='^(ld-linux-x86-64|libc|libm|libdl|libpthread|librt|libresolv|libutil|libnsl|libanl|libmvec)\.so'
mapfile -t graphics < <(grep -o '"lib[^"]*\.so[.0-9]*"' "$here/launcher/launcher.c" | tr -d '"')
closure() { # ELF files -> "soname path" lines of everything they load
    local file
    for file in "$@"; do ldd "$file"; done | awk '$2 == "=>" && $3 ~ /^\// {print $1, $3}' | sort -u
}
mapfile -t roots < <(printf '%s\n' "$app/usr/lib/libbitmend_app.so" "$app/usr/bin/bitmendctl"
    for plugin in "${plugins[@]}"; do echo "$qt/$plugin"; done
    for name in "${graphics[@]}"; do echo "$lib/$name"; done)
{ closure "${roots[@]}"
  for name in "${graphics[@]}"; do echo "$name $lib/$name"; done; } |
    awk -v own="$app/" -v libc="$glibc" '$1 !~ libc && index($2, own) != 1' | sort -u -k1,1 >"$build/closure"
while read -r name path; do
    folder=$app/usr/lib
    for excluded in "${graphics[@]}"; do [[ $name == "$excluded" ]] && folder=$app/usr/lib/fallback; done
    install -m644 "$(realpath "$path")" "$folder/$name"
done <"$build/closure"

find "$app/usr" -name '*.so*' -type f -exec strip --strip-unneeded {} +
strip "$app/usr/bin/bitmendctl"
patchelf --set-rpath '$ORIGIN/../lib' "$app/usr/bin/bitmendctl"
find "$app/usr/lib" -maxdepth 1 -name '*.so*' -exec patchelf --set-rpath '$ORIGIN' {} +
find "$app/usr/lib/fallback" -name '*.so*' -exec patchelf --set-rpath '$ORIGIN:$ORIGIN/..' {} +
find "$app/usr/plugins" -name '*.so' -exec patchelf --set-rpath '$ORIGIN/../../lib' {} +

# --- licences: what is bundled, linked in or compiled in belongs to a package whose licence is on our list -------
"$here/licences.sh" "$app" "$build"

find "$app" -type d -exec chmod 755 {} +
mksquashfs "$app" "$build/image.squashfs" -comp zstd -Xcompression-level "$level" -b 128K -root-owned -noappend \
    -no-xattrs -mkfs-time 0 -all-time 0 -quiet -no-progress >/dev/null
mkdir -p "$output"
file=$output/Bitmend-$version-x86_64.AppImage
cat "$build/runtime" "$build/image.squashfs" >"$file.part"
chmod 755 "$file.part"
mv "$file.part" "$file"
printf '%s  %s MiB\n' "$file" "$(($(stat -c %s "$file") / 1048576))"
