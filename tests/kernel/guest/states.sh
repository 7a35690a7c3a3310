# SPDX-License-Identifier: Apache-2.0
# How a fixture comes into its state, and what the kernel then makes of it. Sourced after guest.sh.
# Before each call the scenario sets:
#   MD (md12)  C (member names are $C-0, $C-1, ...)  N (slots)  BITMAP (internal, file, none)
#   FILE (the bitmap file)  MEMBERS (what the fixture keeps, in order)

node() { echo "/dev/mapper/$C-$1"; }
last() { echo $((N - 1)); }

# nodes FIRST LAST
nodes() {
    local i=$1
    while [ $i -le $2 ]; do
        echo "/dev/mapper/$C-$i"
        i=$((i + 1))
    done
}

half_kib() {
    local size
    read -r size < "/sys/block/$MD/size"
    echo $((size / 4 / 64 * 64))
}

# build COUNT OPTION...: creates the array over COUNT members and writes to it.
build() {
    local count=$1
    shift
    mdadm --create "/dev/$MD" --run --quiet "$@" $(nodes 0 $((count - 1))) 2> "/tmp/$C.create" || {
        cat "/tmp/$C.create"
        die "$C: mdadm does not create it"
    }
    [ ! -e "/sys/block/$MD/md/bitmap/time_base" ] || md_set "$MD" bitmap/time_base 1
    scribble "$MD" "$C-base" 0 64
    scribble "$MD" "$C-base" "$(half_kib)" 128
}

# The resync of creation is to be found half done later, so it may not get far now.
build_slowly() {
    echo 1 > /proc/sys/dev/raid/speed_limit_min
    echo 1 > /proc/sys/dev/raid/speed_limit_max
    local count=$1
    shift
    mdadm --create "/dev/$MD" --run --quiet "$@" $(nodes 0 $((count - 1))) || die "$C: mdadm does not create it"
    # The limit cannot be set while it runs.
    md_set "$MD" sync_action frozen
    md_set "$MD" sync_max "$SYNC_STOP" || die "$C: no limit"
    echo 2000000 > /proc/sys/dev/raid/speed_limit_min
    echo 2000000 > /proc/sys/dev/raid/speed_limit_max
    md_set "$MD" sync_action idle
}

settle() {
    wait_idle "$MD"
    case "$BITMAP" in
        internal)
            until_true 40 bits_are_clear "$C-0" || die "$C: bits stay set"
            md_set "$MD" bitmap/time_base 5 ;;
        file)
            # mdadm -X reads files of this kind wrongly, and stopping will clear them anyway.
            md_set "$MD" bitmap/time_base 5 ;;
    esac
}

stop() {
    mdadm --quiet --stop "/dev/$MD" || die "$C: does not stop"
}

start_with() {
    mdadm --quiet --assemble --run "/dev/$MD" "$@" || die "$C: does not start with $*"
}

lose_last() {
    mdadm --quiet "/dev/$MD" --fail "$(node "$(last)")" && mdadm --quiet "/dev/$MD" --remove "$(node "$(last)")" \
        || die "$C: the last member stays"
}

write_some() {
    scribble "$MD" "$C-$1" 128 64
    scribble "$MD" "$C-$1" 1024 16
    scribble "$MD" "$C-$1" "$(($(half_kib) + 512))" 200
}

# Dirty, with bits set, and where there is a second member, one write that it never gets.
write_and_leave_dirty() {
    hold_dirty "$MD"
    write_some dirty
    [ "$N" -lt 2 ] || slow_member "$C-$1" 600000
    scribble_at_once "$MD" "$C-late" 128 32 &
}

# ---- states; the ones named crash_* leave the array running for crash_now -----------------------

state_clean() { stop; }
crash_dirty() { write_and_leave_dirty 1; }

# Slot 0 is not read while there is another one.
crash_write_mostly() {
    echo writemostly > "/sys/block/$MD/md/rd0/state" || die "$C: not write-mostly"
    write_and_leave_dirty 1
}

state_degraded() {
    lose_last
    write_some later
    stop
}

crash_degraded() {
    lose_last
    write_and_leave_dirty 0
}

# The others went on without the last one, which was only absent.
state_stale() {
    stop
    start_with $(nodes 0 $((N - 2)))
    write_some later
    stop
}

state_failed() {
    mdadm --quiet "/dev/$MD" --fail "$(node "$(last)")" || die "$C: does not fail"
    write_some later
    stop
}

state_removed() {
    lose_last
    write_some later
    stop
}

has_reached_stop() {
    local done=0
    read -r done rest < "/sys/block/$MD/md/sync_completed"
    [ "$done" != none ] && [ "$done" != delayed ] && [ "$done" -ge "$SYNC_STOP" ]
}

wait_half() { until_true 30 has_reached_stop || die "$C: sync does not reach $SYNC_STOP"; }

recover_half() {
    lose_last
    md_set "$MD" sync_max "$SYNC_STOP"
    mdadm --quiet "/dev/$MD" --add "$(node "$N")" || die "$C: the new member is refused"
    wait_half
}

state_half_recovery() { recover_half; stop; }
crash_half_recovery() { recover_half; hold_dirty "$MD"; write_some dirty; }

state_half_resync() { wait_half; stop; }
crash_half_resync() { wait_half; hold_dirty "$MD"; write_some dirty; }

state_half_readd() {
    lose_last
    write_some later
    scribble "$MD" "$C-more" 2048 512
    md_set "$MD" sync_max "$SYNC_STOP"
    mdadm --quiet "/dev/$MD" --re-add "$(node "$(last)")" || die "$C: no re-add"
    wait_half
    stop
}

state_half_replacement() {
    mdadm --quiet "/dev/$MD" --add "$(node "$N")" || die "$C: the new member is refused"
    wait_idle "$MD"
    md_set "$MD" sync_max "$SYNC_STOP"
    mdadm --quiet "/dev/$MD" --replace "$(node 0)" --with "$(node "$N")" || die "$C: no replacement"
    wait_half
    stop
}

# Each half (SPLIT_ONE, SPLIT_TWO) ran without the other.
split() {
    stop
    start_with $SPLIT_ONE
    scribble "$MD" "$C-one" 256 64
    stop
    start_with $SPLIT_TWO
    scribble "$MD" "$C-two" 512 64
    stop
}

state_split_equal() { split; }

# One half was started once more than the other.
state_split() {
    split
    start_with $SPLIT_TWO
    scribble "$MD" "$C-two" 768 64
    stop
}

state_bad_blocks() {
    echo "3000 8" > "/sys/block/$MD/md/rd1/bad_blocks" || die "$C: no bad blocks"
    echo "5000 700" > "/sys/block/$MD/md/rd1/bad_blocks"
    write_some later
    stop
}

# ---- the trial ----------------------------------------------------------------------------------

is_running() {
    local state=inactive
    [ ! -e "/sys/block/$MD/md/array_state" ] || read -r state < "/sys/block/$MD/md/array_state"
    case "$state" in "" | inactive | clear) return 1 ;; esac
}

member_traffic() {
    local name dev
    for dev in "/sys/block/$MD/md"/dev-*; do
        name=${dev##*/dev-}
        [ ! -e "$dev/block/dm/name" ] || read -r name < "$dev/block/dm/name"
        set -- $(cat "$dev/block/stat")
        echo "$name $3 $7"
    done
}

# trial FOLDER: bitmaps of all members, then what assembling does. The array is first held auto-read-only,
# so that roles can be seen before a sync changes them, and then made writable.
trial() {
    local folder="$1" member options= nodes=
    mkdir -p "$folder"
    for member in $MEMBERS; do
        nodes="$nodes /dev/mapper/$member"
        [ "$BITMAP" != internal ] || mdadm -X "/dev/mapper/$member" > "$folder/$member.bitmap" 2>&1
    done
    if [ "$BITMAP" = file ]; then
        cp "$FILE" "$folder/bitmap.file"
        options="--bitmap=$FILE"
    fi
    dmesg -c > /dev/null
    mdadm --assemble "/dev/$MD" $options $nodes > "$folder/assemble" 2>&1
    echo "status=$?" >> "$folder/assemble"
    if ! is_running; then
        mdadm --quiet --stop "/dev/$MD" 2>/dev/null
        mdadm --assemble --run "/dev/$MD" $options $nodes > "$folder/assemble.run" 2>&1
        echo "status=$?" >> "$folder/assemble.run"
    fi
    if is_running; then
        dump_array "$MD" > "$folder/sysfs"
        member_traffic > "$folder/traffic.before"
        mdadm --quiet --readwrite "/dev/$MD" 2> /dev/null
        wait_idle "$MD"
        member_traffic > "$folder/traffic.after"
        dump_array "$MD" > "$folder/sysfs.after"
        local size
        read -r size < "/sys/block/$MD/size"
        [ "$size" -gt 100000 ] || content_hash "$MD" > "$folder/hash"
    fi
    dmesg > "$folder/dmesg"
    mdadm --quiet --stop "/dev/$MD" 2> /dev/null
}
