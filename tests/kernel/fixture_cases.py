# SPDX-License-Identifier: Apache-2.0
"""The one description of all fixtures; fixtures.py makes them, the kernel decides what they are.

Case names: level, metadata, bitmap, state. `state` is a function of guest/states.sh; the ones that
begin with "crash" end with the power cut. `quick` cases are the fixed sample of the quick run.
"""

from dataclasses import dataclass, field


@dataclass
class Case:
    name: str
    level: str
    metadata: str = "1.2"
    slots: int = 2
    mib: float = 8
    sizes: list = field(default_factory=list)  # sectors of each member, where they are not equal
    chunk: int = 0  # KiB
    layout: str = ""
    bitmap: str = "none"  # none, internal, file
    bitmap_chunk: str = ""
    state: str = "state_clean"
    spares: int = 0
    initial_sync: bool = False
    options: str = ""
    sync_stop: int = 4096  # sector at which a half-done sync is stopped
    keep: str = "all"  # which members the fixture has: all, or "present" without the last one
    quick: bool = False

    @property
    def crashes(self):
        return self.state.startswith("crash")

    def member_count(self):
        """Members that exist at some time, spares and later ones included."""
        later = self.state in ("state_half_recovery", "crash_half_recovery", "state_half_replacement")
        return self.slots + self.spares + (1 if later else 0)

    def kept(self):
        """Indexes of the members that the fixture consists of."""
        absent = set()
        if self.keep == "present" or self.state in ("state_half_recovery", "crash_half_recovery"):
            absent.add(self.slots - 1)
        return [index for index in range(self.member_count()) if index not in absent]

    def sectors(self, index):
        return self.sizes[index] if self.sizes else int(self.mib * 2048)


def mirrors():
    yield Case("raid1-0.90-none-clean", "1", "0.90")
    yield Case("raid1-0.90-64k-clean", "1", "0.90", bitmap="internal", bitmap_chunk="64K", quick=True)
    yield Case("raid1-0.90-16k-crashed", "1", "0.90", bitmap="internal", bitmap_chunk="16K", state="crash_dirty", quick=True)
    yield Case("raid1-0.90-none-crashed", "1", "0.90", state="crash_dirty")
    yield Case("raid1-0.90-64k-degraded", "1", "0.90", bitmap="internal", bitmap_chunk="64K", state="state_degraded", keep="present")
    yield Case("raid1-0.90-none-stale", "1", "0.90", state="state_stale")
    yield Case("raid1-0.90-none-half-recovery", "1", "0.90", state="state_half_recovery", quick=True)
    yield Case("raid1-0.90-none-half-resync", "1", "0.90", initial_sync=True, state="state_half_resync")
    yield Case("raid1-0.90-none-failed", "1", "0.90", 3, state="state_failed")
    yield Case("raid1-1.0-none-clean", "1", "1.0")
    yield Case("raid1-1.0-64k-clean", "1", "1.0", bitmap="internal", bitmap_chunk="64K")
    yield Case("raid1-1.0-8k-crashed", "1", "1.0", bitmap="internal", bitmap_chunk="8K", state="crash_dirty", quick=True)
    yield Case("raid1-1.0-64k-stale", "1", "1.0", bitmap="internal", bitmap_chunk="64K", state="state_stale")
    yield Case("raid1-1.1-none-clean", "1", "1.1")
    yield Case("raid1-1.1-128k-crashed", "1", "1.1", bitmap="internal", bitmap_chunk="128K", state="crash_dirty", quick=True)
    yield Case("raid1-1.1-4k-degraded-crashed", "1", "1.1", 3, bitmap="internal", bitmap_chunk="4K", state="crash_degraded", keep="present")
    yield Case("raid1-1.2-none-clean", "1", quick=True)
    yield Case("raid1-1.2-64k-clean", "1", bitmap="internal", bitmap_chunk="64K", initial_sync=True)
    yield Case("raid1-1.2-64k-crashed", "1", bitmap="internal", bitmap_chunk="64K", state="crash_dirty", quick=True)
    yield Case("raid1-1.2-none-crashed", "1", state="crash_dirty")
    yield Case("raid1-1.2-1m-crashed", "1", mib=32, bitmap="internal", bitmap_chunk="1M", state="crash_dirty")
    yield Case("raid1-1.2-default-chunk-crashed", "1", mib=16, bitmap="internal", state="crash_dirty")
    # More bits than the first 4 KiB page of the bitmap holds: from 8 GiB on mdadm leaves room for that.
    yield Case("raid1-1.2-64k-many-pages-crashed", "1", mib=9216, bitmap="internal", bitmap_chunk="64K", state="crash_dirty", quick=True)
    yield Case("raid1-1.0-64k-many-pages-degraded", "1", "1.0", mib=9216, bitmap="internal", bitmap_chunk="64K",
               state="state_degraded", keep="present")
    yield Case("raid1-0.90-4k-many-pages-crashed", "1", "0.90", mib=288, bitmap="internal", bitmap_chunk="4K", state="crash_dirty")
    yield Case("raid1-1.2-file-clean", "1", bitmap="file", bitmap_chunk="16K")
    yield Case("raid1-1.2-file-crashed", "1", bitmap="file", bitmap_chunk="16K", state="crash_dirty", quick=True)
    yield Case("raid1-0.90-file-crashed", "1", "0.90", bitmap="file", bitmap_chunk="64K", state="crash_dirty")
    yield Case("raid1-1.2-64k-degraded", "1", bitmap="internal", bitmap_chunk="64K", state="state_degraded", keep="present", quick=True)
    yield Case("raid1-1.2-64k-degraded-crashed", "1", bitmap="internal", bitmap_chunk="64K", state="crash_degraded", keep="present")
    yield Case("raid1-1.2-64k-degraded-crashed-3", "1", slots=3, bitmap="internal", bitmap_chunk="64K", state="crash_degraded",
               keep="present", quick=True)
    yield Case("raid1-1.2-64k-stale", "1", bitmap="internal", bitmap_chunk="64K", state="state_stale", quick=True)
    yield Case("raid1-1.2-none-stale-3", "1", slots=3, state="state_stale")
    yield Case("raid1-1.2-64k-failed", "1", slots=3, bitmap="internal", bitmap_chunk="64K", state="state_failed", quick=True)
    yield Case("raid1-1.2-64k-removed", "1", slots=3, bitmap="internal", bitmap_chunk="64K", state="state_removed")
    yield Case("raid1-1.2-64k-spare", "1", spares=1, bitmap="internal", bitmap_chunk="64K", quick=True)
    yield Case("raid1-1.2-none-spare-crashed", "1", spares=1, state="crash_dirty")
    yield Case("raid1-1.2-64k-half-recovery", "1", bitmap="internal", bitmap_chunk="64K", state="state_half_recovery", quick=True)
    yield Case("raid1-1.2-64k-half-recovery-crashed", "1", bitmap="internal", bitmap_chunk="64K", state="crash_half_recovery")
    yield Case("raid1-1.2-none-half-recovery-crashed", "1", state="crash_half_recovery")
    yield Case("raid1-1.2-none-half-resync", "1", initial_sync=True, state="state_half_resync", quick=True)
    yield Case("raid1-1.2-64k-half-resync", "1", bitmap="internal", bitmap_chunk="64K", initial_sync=True, state="state_half_resync")
    yield Case("raid1-1.2-64k-half-resync-crashed", "1", bitmap="internal", bitmap_chunk="64K", initial_sync=True, state="crash_half_resync")
    yield Case("raid1-1.2-none-half-resync-crashed", "1", initial_sync=True, state="crash_half_resync")
    yield Case("raid1-1.2-64k-half-readd", "1", bitmap="internal", bitmap_chunk="64K", state="state_half_readd")
    yield Case("raid1-1.2-64k-half-replacement", "1", bitmap="internal", bitmap_chunk="64K", state="state_half_replacement")
    yield Case("raid1-1.2-64k-split", "1", bitmap="internal", bitmap_chunk="64K", state="state_split", quick=True)
    yield Case("raid1-1.2-none-split-equal", "1", state="state_split_equal")
    yield Case("raid1-0.90-none-split", "1", "0.90", state="state_split")
    yield Case("raid1-1.2-none-bad-blocks", "1", state="state_bad_blocks")
    yield Case("raid1-1.2-write-mostly", "1", bitmap="internal", bitmap_chunk="64K", state="crash_write_mostly")
    yield Case("raid1-1.2-unequal-sizes", "1", sizes=[16384, 20000], bitmap="internal", bitmap_chunk="32K", state="crash_dirty")


def stripes():
    yield Case("linear-0.90-clean", "linear", "0.90", 3)
    yield Case("linear-1.2-clean", "linear", slots=2, sizes=[16384, 20480], quick=True)
    yield Case("linear-1.0-absent", "linear", "1.0", keep="present")
    yield Case("raid0-1.2-clean", "0", slots=3, chunk=64, quick=True)
    yield Case("raid0-1.0-clean", "0", "1.0", 2, chunk=16)
    yield Case("raid0-1.1-absent", "0", "1.1", 3, chunk=32, keep="present")
    yield Case("raid0-1.2-zones", "0", slots=3, sizes=[12288, 16384, 24576], chunk=64)
    yield Case("raid0-1.2-zones-alternate", "0", slots=3, sizes=[12288, 16384, 24576], chunk=64, layout="alternate")


def parity():
    yield Case("raid4-1.2-64k-clean", "4", slots=3, chunk=64, bitmap="internal", bitmap_chunk="64K")
    yield Case("raid4-0.90-none-crashed", "4", "0.90", 3, chunk=16, state="crash_dirty")
    yield Case("raid5-1.2-64k-clean-grown", "5", slots=3, chunk=64, bitmap="internal", bitmap_chunk="64K", initial_sync=True, quick=True)
    yield Case("raid5-1.2-64k-crashed", "5", slots=3, chunk=64, bitmap="internal", bitmap_chunk="64K", state="crash_dirty", quick=True)
    yield Case("raid5-0.90-none-clean", "5", "0.90", 3, chunk=64, layout="left-asymmetric")
    yield Case("raid5-1.0-32k-crashed", "5", "1.0", 4, chunk=32, layout="right-symmetric", bitmap="internal", bitmap_chunk="32K",
               state="crash_dirty")
    yield Case("raid5-1.2-none-degraded", "5", slots=3, chunk=64, layout="parity-first", state="state_degraded", keep="present")
    yield Case("raid5-1.2-none-degraded-crashed", "5", slots=3, chunk=64, state="crash_degraded", keep="present", quick=True)
    yield Case("raid5-1.1-64k-stale", "5", "1.1", 3, chunk=64, bitmap="internal", bitmap_chunk="64K", state="state_stale")
    yield Case("raid5-1.2-none-half-recovery", "5", slots=3, chunk=64, state="state_half_recovery")
    yield Case("raid5-1.2-none-spare", "5", slots=3, spares=1, chunk=64)
    yield Case("raid5-1.2-ppl-clean", "5", slots=3, mib=12, chunk=64, options="--consistency-policy=ppl")
    yield Case("raid5-1.2-ppl-crashed", "5", slots=3, mib=12, chunk=64, options="--consistency-policy=ppl", state="crash_dirty")
    yield Case("raid6-1.2-64k-crashed", "6", slots=4, chunk=64, bitmap="internal", bitmap_chunk="64K", state="crash_dirty", quick=True)
    yield Case("raid6-1.2-none-degraded", "6", slots=4, chunk=32, layout="ddf-zero-restart", state="state_degraded", keep="present")
    yield Case("raid6-1.0-none-clean", "6", "1.0", 5, chunk=64, layout="left-symmetric-6")
    yield Case("raid6-0.90-none-half-resync", "6", "0.90", 4, chunk=64, initial_sync=True, state="state_half_resync")


def tens():
    yield Case("raid10-1.2-n2-64k-crashed", "10", slots=4, chunk=64, layout="n2", bitmap="internal", bitmap_chunk="64K",
               state="crash_dirty", quick=True)
    yield Case("raid10-1.2-f2-none-clean", "10", slots=4, chunk=64, layout="f2")
    yield Case("raid10-1.1-o2-32k-crashed", "10", "1.1", 3, chunk=32, layout="o2", bitmap="internal", bitmap_chunk="32K",
               state="crash_dirty")
    yield Case("raid10-0.90-n2-none-clean", "10", "0.90", 4, chunk=64, layout="n2")
    yield Case("raid10-1.0-n3-64k-degraded", "10", "1.0", 4, chunk=64, layout="n3", bitmap="internal", bitmap_chunk="64K",
               state="state_degraded", keep="present")
    yield Case("raid10-1.2-n2-none-stale", "10", slots=4, chunk=64, layout="n2", state="state_stale")
    yield Case("raid10-1.2-n2-none-split", "10", slots=4, chunk=64, layout="n2", state="state_split")
    yield Case("raid10-1.2-f2-none-half-recovery", "10", slots=4, chunk=64, layout="f2", state="state_half_recovery")


def all_cases():
    cases = [*mirrors(), *stripes(), *parity(), *tens()]
    assert len({case.name for case in cases}) == len(cases)
    return cases
