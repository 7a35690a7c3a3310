# SPDX-License-Identifier: Apache-2.0
# Functions for scenarios, sourced by the guest (busybox sh) before each of them.
# An array is named by its node without the folder: md10. Members are device-mapper devices, because
# those can be cut to any size, slowed down and broken while in use.

# With the seconds since boot, so that a slow step can be found in the console.
say() {
    local now
    read -r now rest < /proc/uptime
    echo "lab: $now $*"
}

die() {
    say "FAILED: $*"
    exit 1
}

# Ends this kernel as a power cut would: the host kills it when it reads the marker. What the disks
# (ubd) were given is kept, everything else is gone.
crash_now() {
    sync /share/slices /share/log 2>/dev/null
    echo LAB-CRASH-NOW
    while :; do sleep 1; done
}

# until_true SECONDS COMMAND...: polls; fails when the time is over.
until_true() {
    local left=$(($1 * 20))
    shift
    while ! "$@"; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        usleep 50000
    done
}

# ---- members ------------------------------------------------------------------------------------

# cut_member NAME SECTORS: the next free part of /dev/ubda becomes /dev/mapper/NAME. The list of parts
# is kept in /share/slices, from which the host cuts the same images out of the file.
cut_member() {
    local start
    start=$(awk '{ end = $2 + $3 } END { print int((end + 2047) / 2048) * 2048 + 0 }' /share/slices 2>/dev/null)
    echo "$1 ${start:-0} $2" >> /share/slices
    dmsetup create "$1" --table "0 $2 linear /dev/ubda ${start:-0}" || die "no member $1"
}

# Makes every member in the list available, in one go because dmsetup is slow to start here.
reopen_members() {
    dmsetup create --concise "$(awk '{ printf "%s%s,,,rw,0 %s linear /dev/ubda %s", (NR > 1 ? ";" : ""), $1, $3, $2 }' \
        /share/slices)" || die "no members"
}

# wrap_member NAME DEVICE: /dev/mapper/NAME, all of DEVICE, ready for the functions below.
wrap_member() {
    dmsetup create "$1" --table "0 $(blockdev --getsz "$2") linear $2 0" || die "no member $1"
}

# files_on DEVICE: an ext4 in /files, for bitmap files: the kernel wants to know their blocks.
files_on() {
    mkfs.ext4 -q -O ^has_journal "$1" || die "no file system on $1"
    mkdir -p /files
    mount -t ext4 "$1" /files || die "no files on $1"
}

# What is below a member: "device offset sectors".
below_member() {
    dmsetup table "$1" | awk '{ print $4, $5, $2 }'
}

reload_member() {
    dmsetup load "$1" --table "$2" && dmsetup suspend --noflush --nolockfs "$1" && dmsetup resume "$1"
}

# slow_member NAME MS: data writes arrive MS milliseconds late, so a crash loses them.
slow_member() {
    set -- "$1" "$2" $(below_member "$1")
    reload_member "$1" "0 $5 delay $3 $4 0 $3 $4 $2"
}

# break_member NAME: every access fails from now on.
break_member() {
    reload_member "$1" "0 $(blockdev --getsz "/dev/mapper/$1") error"
}

member_sectors_written() {
    awk '{ print $7 }' "/sys/block/dm-$(dmsetup info -c --noheadings -o minor "$1")/stat"
}

# ---- arrays -------------------------------------------------------------------------------------

md_file() { echo "/sys/block/$1/md/$2"; }
md_get() { cat "$(md_file "$1" "$2")" 2>/dev/null; }
md_set() { echo "$3" > "/sys/block/$1/md/$2"; }

# Arrays that know no sync have no such file and are always idle.
is_idle() {
    local action=idle
    [ ! -e "/sys/block/$1/md/sync_action" ] || read -r action < "/sys/block/$1/md/sync_action"
    [ "$action" = idle ]
}

# A thread may still be about to start something, so idle has to be seen twice.
wait_idle() {
    until_true 60 is_idle "$1" || die "$1 does not become idle"
    usleep 100000
    until_true 60 is_idle "$1" || die "$1 does not become idle"
}

dirty_chunks() {
    mdadm -X "/dev/mapper/$1" 2>/dev/null | sed -n 's/.*Bitmap : .*chunks), \([0-9]*\) dirty.*/\1/p'
}

bits_are_clear() {
    [ "$(dirty_chunks "$1")" = 0 ]
}

# wait_clear ARRAY MEMBER: until the daemon has cleared every bit on that member.
wait_clear() {
    local before
    before=$(md_get "$1" bitmap/time_base)
    md_set "$1" bitmap/time_base 1
    until_true 30 bits_are_clear "$2" || die "bits of $2 stay set"
    md_set "$1" bitmap/time_base "$before"
}

# From the first write on the array stays dirty and the bits of its writes stay set, however slow the
# machine is: the crash finds them.
hold_dirty() {
    md_set "$1" safe_mode_delay 3000
    [ ! -e "$(md_file "$1" bitmap/time_base)" ] || md_set "$1" bitmap/time_base 3000 2>/dev/null
    return 0
}

# scribble ARRAY SEED KIB_OFFSET KIB: reproducible bytes, written through the array.
scribble() {
    yes "bitmend $2 $3" | dd of="/dev/$1" bs=4k seek=$(($3 / 4)) count=$(($4 / 4)) iflag=fullblock oflag=direct \
        conv=notrunc 2>/dev/null
}

# The same as one single write, for a member that will never finish it.
scribble_at_once() {
    yes "bitmend $2 $3" | dd of="/dev/$1" bs="$4k" seek=$(($3 * 1024)) count=1 iflag=fullblock \
        oflag=direct,seek_bytes conv=notrunc 2>/dev/null
}

# run_check ARRAY: prints mismatch_cnt after a complete check.
run_check() {
    md_set "$1" sync_action check
    wait_idle "$1"
    md_get "$1" mismatch_cnt
}

content_hash() {
    sha256sum < "/dev/$1" | cut -d' ' -f1
}

# ---- records ------------------------------------------------------------------------------------

# print_file KEY FILE: "KEY=first line of FILE", without starting a process; those are slow here.
print_file() {
    local value=
    [ -e "$2" ] || return 0
    read -r value < "$2" 2>/dev/null
    echo "$1=$value"
}

# dump_array ARRAY: what sysfs says, as key=value.
dump_array() {
    local folder="/sys/block/$1/md" key dev name
    [ -d "$folder" ] || return 0
    print_file array_size "/sys/block/$1/size"
    for key in level raid_disks layout chunk_size component_size array_state degraded metadata_version \
        resync_start sync_action sync_completed last_sync_action mismatch_cnt reshape_position uuid \
        consistency_policy bitmap/location bitmap/chunksize bitmap/metadata bitmap/time_base; do
        print_file "$key" "$folder/$key"
    done
    for dev in "$folder"/dev-*; do
        [ -d "$dev" ] || continue
        name=${dev##*/dev-}
        [ ! -e "$dev/block/dm/name" ] || read -r name < "$dev/block/dm/name"
        for key in state slot offset size recovery_start errors; do
            print_file "member.$name.$key" "$dev/$key"
        done
    done
}

# dump_state FOLDER ARRAY|- MEMBER...: everything known about one array, into FOLDER.
dump_state() {
    local folder="$1" array="$2" member
    shift 2
    mkdir -p "$folder"
    for member in "$@"; do
        mdadm -E "/dev/mapper/$member" > "$folder/$member.examine" 2>&1
        mdadm -X "/dev/mapper/$member" > "$folder/$member.bitmap" 2>&1
    done
    cat /proc/mdstat > "$folder/mdstat"
    [ "$array" = - ] || dump_array "$array" > "$folder/sysfs"
}
