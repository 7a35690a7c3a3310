# SPDX-License-Identifier: Apache-2.0
# Runs inside the kernel lab (tests/kernel): how the demo's array came to be what it is.
wrap_member a /dev/ubda
wrap_member b /dev/ubdb
wrap_member c /dev/ubdc
mdadm --create /dev/md10 --run --level=1 --raid-devices=3 --metadata=1.2 --homehost=nas --name=photos \
    --bitmap=internal --bitmap-chunk=64K /dev/mapper/a /dev/mapper/b /dev/mapper/c || die "no array"
wait_idle md10

# Small block groups, so that new folders land in different places of the disk.
mkfs.ext4 -q -L photos -b 1024 -g 4096 -O ^flex_bg,^resize_inode -J size=1 -m 0 \
    -E lazy_itable_init=0,lazy_journal_init=0 /dev/md10 || die "no file system"
mkdir -p /tmp/photos
mount -t ext4 /dev/md10 /tmp/photos || die "not mounted"
cp -r /share/files/old/. /tmp/photos
umount /tmp/photos
wait_clear md10 a

# The third disk dies; from here on no bit is cleared any more.
mdadm /dev/md10 --fail /dev/mapper/c && mdadm /dev/md10 --remove /dev/mapper/c || die "c stays"
# Without this it would call itself clean again a moment after each write.
md_set md10 safe_mode_delay 3000

mount -t ext4 /dev/md10 /tmp/photos || die "not mounted"
cp -r /share/files/new/. /tmp/photos
sync

# While new versions of the newest files are being written, the second disk falls behind and the power
# goes: it never gets what its neighbour already has.
slow_member b 600000
before=$(member_sectors_written a)
for file in $(cd /share/files/edited && find . -type f); do
    dd if="/share/files/edited/$file" of="/tmp/photos/$file" bs=4k conv=notrunc,fsync 2>/dev/null &
done
has_gone_on() { [ "$(member_sectors_written a)" -ge $((before + $1)) ]; }
until_true 30 has_gone_on 600 || die "nothing was written"
crash_now
