// SPDX-License-Identifier: Apache-2.0
// The overlay against power cuts at every point of random lives: whatever part of the unflushed
// writes survived, each sector shows its content of the last flush or of a later write, whole.
#include "engine/io/faulty_device.h"
#include "engine/io/overlay.h"
#include "engine/io/overlay_log.h"
#include "tests/support/files.h"
#include "tests/support/memory_device.h"

#include <QTest>

#include <cstring>
#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

constexpr std::size_t kSectors = 48;
constexpr std::size_t kLifeSteps = 40;

using Random = std::mt19937;

// A sector that says where it belongs and which write made it: anything else is garbage. Version 0
// is the base.
Bytes stamped(std::uint64_t sector, std::uint32_t version)
{
    Bytes bytes(kSectorBytes);
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
        const auto low = std::uint32_t(sector);
        std::memcpy(bytes.data() + at, &low, 4);
        std::memcpy(bytes.data() + at + 4, &version, 4);
    }
    return bytes;
}

// -1 when the sector is not whole.
std::int64_t versionOf(const BlockSource& source, std::uint64_t sector)
{
    const auto bytes = bytesAt(source, sector * kSectorBytes, kSectorBytes);
    std::uint32_t version = 0;
    std::memcpy(&version, bytes.data() + 4, 4);
    return bytes == stamped(sector, version) ? std::int64_t(version) : -1;
}

using Versions = std::vector<std::uint32_t>; // of each sector

// The overlay and, for each journal length, what a cut there may not undo.
struct Life
{
    std::shared_ptr<MemoryDevice> base;
    std::shared_ptr<MemoryDevice> data;
    std::shared_ptr<MemoryDevice> log;
    Bytes dataBefore;
    Bytes logBefore;
    std::shared_ptr<IoJournal> journal = std::make_shared<IoJournal>();
    Versions shown = Versions(kSectors);
    std::uint32_t lastVersion = 0;

    struct Flush
    {
        std::size_t journalLength = 0;
        Versions durable;
    };
    std::vector<Flush> flushes;

    Life()
    {
        Bytes content;
        for (std::uint64_t sector = 0; sector < kSectors; ++sector) {
            const auto bytes = stamped(sector, 0);
            content.insert(content.end(), bytes.begin(), bytes.end());
        }
        base = std::make_shared<MemoryDevice>(content, "base");
        data = std::make_shared<MemoryDevice>(content.size(), "data");
        log = std::make_shared<MemoryDevice>(overlayLogBytes(content.size()), "log");
        begin();
    }

    void begin()
    {
        dataBefore = data->bytes();
        logBefore = log->bytes();
        journal = std::make_shared<IoJournal>();
        flushes = {{0, shown}};
    }

    DevicePtr open() const
    {
        const auto recorded = [&](const std::shared_ptr<MemoryDevice>& device) {
            return std::make_shared<FaultyDevice>(device, journal);
        };
        auto recordedData = recorded(data);
        return openOverlayOn(base, std::move(recordedData), recorded(log)).value_or(nullptr);
    }

    void live(Random& random, std::size_t steps)
    {
        const auto overlay = open();
        QVERIFY(overlay);
        for (std::size_t step = 0; step < steps; ++step) {
            if (random() % 4 == 0) {
                QVERIFY(overlay->flush().has_value());
                flushes.push_back({journal->entries().size(), shown});
                continue;
            }
            const std::uint64_t first = random() % kSectors;
            const std::uint64_t count = std::min(1 + random() % 6, kSectors - first);
            const std::uint32_t version = ++lastVersion;
            Bytes bytes;
            for (auto sector = first; sector < first + count; ++sector) {
                const auto one = stamped(sector, version);
                bytes.insert(bytes.end(), one.begin(), one.end());
                shown[sector] = version;
            }
            QVERIFY(overlay->writeAt(first * kSectorBytes, bytes).has_value());
        }
    }

    // What the two files hold after a cut; the write under way may be torn in the log at any byte.
    void cutAt(std::size_t cut, Random& random)
    {
        const auto entries = journal->entries();
        const auto survives = [&, odds = 1 + random() % 4] {
            return random() % odds == 0;
        };
        data->bytes() = afterPowerCut(dataBefore, entries, 0, cut, survives);
        log->bytes() = afterPowerCut(logBefore, entries, 1, cut, survives);
        if (cut == 0 || entries[cut - 1].device != 1 || entries[cut - 1].isFlush)
            return;
        const auto& torn = entries[cut - 1];
        const std::size_t kept = random() % (torn.bytes.size() + 1);
        auto target = log->bytes().begin() + std::ptrdiff_t(torn.offset);
        std::copy_n(torn.bytes.begin(), kept, target);
        std::copy(logBefore.begin() + std::ptrdiff_t(torn.offset + kept),
            logBefore.begin() + std::ptrdiff_t(torn.offset + torn.bytes.size()),
            target + std::ptrdiff_t(kept));
    }

    const Versions& durableAt(std::size_t cut) const
    {
        const Flush* last = flushes.data();
        for (const auto& flush : flushes) {
            if (flush.journalLength <= cut)
                last = &flush;
        }
        return last->durable;
    }
};

} // namespace

class TestOverlayPowerCut : public QObject
{
    Q_OBJECT

private slots:
    void everyCut_leavesFlushedOrLaterContent_data()
    {
        QTest::addColumn<unsigned>("seed");
        for (unsigned seed = 1; seed <= 12; ++seed)
            QTest::addRow("seed %u", seed) << seed;
    }

    void everyCut_leavesFlushedOrLaterContent()
    {
        QFETCH(const unsigned, seed);
        Random random(seed);
        Life life;
        life.live(random, kLifeSteps);
        const std::size_t length = life.journal->entries().size();
        for (std::size_t cut = 0; cut <= length; ++cut) {
            for (int luck = 0; luck < 4; ++luck) {
                Life after = life;
                after.data = std::make_shared<MemoryDevice>(Bytes(), "data");
                after.log = std::make_shared<MemoryDevice>(Bytes(), "log");
                after.cutAt(cut, random);
                if (!check(after, life.durableAt(cut)) || !liveOn(after, random))
                    QFAIL(qPrintable(QStringLiteral("cut %1, luck %2").arg(cut).arg(luck)));
            }
        }
    }

private:
    // Also takes what is shown as the durable state of the next life.
    static bool check(Life& life, const Versions& durable)
    {
        const auto overlay = life.open();
        if (!overlay)
            return false;
        for (std::uint64_t sector = 0; sector < kSectors; ++sector) {
            const auto version = versionOf(*overlay, sector);
            if (version < std::int64_t(durable[sector]))
                return false;
            life.shown[sector] = std::uint32_t(version);
        }
        return true;
    }

    // After the power is back the overlay works on, over whatever the cut left, and is cut again.
    static bool liveOn(Life& life, Random& random)
    {
        life.begin();
        life.live(random, 6);
        const std::size_t cut = random() % (life.journal->entries().size() + 1);
        const Versions durable = life.durableAt(cut);
        life.cutAt(cut, random);
        return check(life, durable);
    }
};

QTEST_GUILESS_MAIN(TestOverlayPowerCut)
#include "tst_overlay_power_cut.moc"
