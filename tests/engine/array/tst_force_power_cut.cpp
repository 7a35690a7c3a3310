// SPDX-License-Identifier: Apache-2.0
// The power goes after every single write and flush of a forced start. Whatever comes out either
// still needs the same choice, and takes it, or needs none any more; it never has members that
// count as in sync without the bits that say where they may be torn.
#include "engine/array/array.h"
#include "engine/array/array_state.h"
#include "engine/io/faulty_device.h"
#include "tests/support/array_images.h"

#include <QTest>

#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

using Images = std::vector<std::vector<std::byte>>;

const std::vector<std::uint64_t> kSet{3, 4, 9};

Images imagesOf(const ArrayImages& array)
{
    Images images;
    for (std::size_t i = 0; i < array.members.size(); ++i)
        images.push_back(array.image(i));
    return images;
}

// A RAID 5 that lost its last member and then the one before.
Images lostInSteps(std::uint64_t eventsCleared)
{
    ArrayImages array(5, 3);
    array.addBitmaps(kSet);
    for (auto& member : array.members)
        member.bitmap->header.eventsCleared = eventsCleared;
    for (const std::size_t left : {2, 1}) {
        for (std::size_t i = 0; i < left; ++i) {
            array[i].events += 5;
            array[i].devRoles[left] = kRoleFaulty;
            array.members[i].bitmap->header.events = array[i].events;
        }
    }
    array.members[1].bitmap->set = {20};
    return imagesOf(array);
}

// One that lost two members at the same moment, so that all three are taken.
Images lostTogether()
{
    ArrayImages array(5, 3);
    array.addBitmaps(kSet);
    array[0].events += 5;
    array[0].devRoles[1] = array[0].devRoles[2] = kRoleFaulty;
    array.members[0].bitmap->header.events = array[0].events;
    return imagesOf(array);
}

// A dirty one without its last member.
Images lostPower()
{
    ArrayImages array(5, 3);
    array.onAll([](Superblock& s) { s.resyncOffset = {}; });
    array.addBitmaps(kSet);
    array.members.pop_back();
    return imagesOf(array);
}

class Bench
{
public:
    explicit Bench(const Images& images) : m_journal(std::make_shared<IoJournal>())
    {
        for (std::size_t i = 0; i < images.size(); ++i) {
            auto memory = std::make_shared<MemoryDevice>(images[i], "m" + std::to_string(i));
            m_devices.push_back(std::make_shared<FaultyDevice>(std::move(memory), m_journal));
        }
    }

    AssemblyPlan plan(const AssemblyChoices& choices) const
    {
        ScanReport report;
        for (const auto& device : m_devices) {
            SourceReport source;
            source.path = device->name();
            source.sizeBytes = device->sizeBytes();
            lookQuickly(device, source);
            report.sources.push_back(std::move(source));
        }
        const auto arrays = findArrays(report);
        return planAssembly(report, arrays.at(0).uuid, choices).value_or(AssemblyPlan());
    }

    // Starts it and stops it; empty when both went well.
    QString force(const AssemblyChoices& choices)
    {
        const auto open = [this](const std::string& path) -> Result<DevicePtr> {
            for (const auto& device : m_devices) {
                if (device->name() == path)
                    return DevicePtr(device);
            }
            return fail(ErrorCode::CannotOpen, path);
        };
        const auto look = [open](const std::string& path) -> Result<SourcePtr> {
            return SourcePtr(BM_TRY(open(path)));
        };
        auto array = assembleFrom(plan(choices), {look, open});
        if (!array)
            return QStringLiteral("does not start: %1").arg(int(array.error().code));
        return stop(**array) ? QString() : QStringLiteral("does not stop");
    }

    std::vector<JournalEntry> entries() const { return m_journal->entries(); }

private:
    std::shared_ptr<IoJournal> m_journal;
    std::vector<std::shared_ptr<FaultyDevice>> m_devices;
};

QString judgeStarting(const ArrayReport& array)
{
    for (const auto& member : array.members) {
        if (member.state != MemberState::InSync)
            continue;
        if (!member.bitmap || !member.bitmap->usable() || member.bitmap->stale)
            return QStringLiteral("an active member has no bitmap");
        for (const auto chunk : kSet) {
            if (!member.bitmap->bits.test(chunk))
                return QStringLiteral("bit %1 is lost").arg(chunk);
        }
    }
    return {};
}

QString judge(Bench& bench, const AssemblyChoices& choices, int missing)
{
    const auto now = bench.plan({}).array;
    for (const auto& member : now.members) {
        if (anyBars(member.problems))
            return QStringLiteral("a superblock is not whole");
    }
    if (now.canStart) {
        if (const auto wrong = judgeStarting(now); !wrong.isEmpty())
            return wrong;
    }
    if (const auto wrong = bench.force(choices); !wrong.isEmpty())
        return wrong;
    const auto after = bench.plan({}).array;
    if (!after.canStart || after.missing != missing)
        return QStringLiteral("needs force again");
    return judgeStarting(after);
}

AssemblyChoices accepting(std::vector<std::string> paths, bool dirt)
{
    AssemblyChoices choices;
    choices.acceptStale = std::move(paths);
    choices.acceptDirtyDegraded = dirt;
    return choices;
}

QString cutEverywhere(const Images& images, const AssemblyChoices& choices, int missing)
{
    Bench whole(images);
    if (const auto wrong = whole.force(choices); !wrong.isEmpty())
        return wrong;
    const auto entries = whole.entries();
    if (entries.size() < 8)
        return QStringLiteral("only %1 writes and flushes").arg(entries.size());
    std::mt19937 random(7);
    for (std::size_t cut = 0; cut <= entries.size(); ++cut) {
        for (int luck = 0; luck < 3; ++luck) {
            const auto survives = [&] {
                return luck == 2 ? random() % 2 == 0 : luck == 1;
            };
            Images left;
            for (std::size_t i = 0; i < images.size(); ++i)
                left.push_back(afterPowerCut(images[i], entries, i, cut, survives));
            Bench bench(left);
            if (const auto wrong = judge(bench, choices, missing); !wrong.isEmpty())
                return QStringLiteral("cut %1, luck %2: %3").arg(cut).arg(luck).arg(wrong);
        }
    }
    return {};
}

} // namespace

class TestForcePowerCut : public QObject
{
    Q_OBJECT

private slots:
    void oneThatFellBehind()
    {
        QCOMPARE(cutEverywhere(lostInSteps(103), taking({"m1"}), 1), QString());
    }

    void oneThatTheBitsDoNotReachBackTo()
    {
        QCOMPARE(cutEverywhere(lostInSteps(109), taking({"m1"}), 1), QString());
    }

    void twoThatLeftTogether()
    {
        QCOMPARE(cutEverywhere(lostTogether(), taking({"m1", "m2"}), 0), QString());
    }

    void dirtyAndDegraded()
    {
        QCOMPARE(cutEverywhere(lostPower(), accepting({}, true), 1), QString());
    }

    void whatDoesNotReachBack_isSetAsAWhole()
    {
        Bench bench(lostInSteps(109));
        QCOMPARE(bench.force(taking({"m1"})), QString());
        const auto array = bench.plan({}).array;
        QCOMPARE(array.bitmap->dirty, array.bitmap->chunks);
    }

    void dataIsNotTouched()
    {
        const auto images = lostInSteps(103);
        Bench bench(images);
        QCOMPARE(bench.force(taking({"m1"})), QString());
        for (const auto& entry : bench.entries())
            QVERIFY(entry.isFlush || entry.offset + entry.bytes.size() <= Sectors{256}.bytes());
    }

private:
    static AssemblyChoices taking(std::vector<std::string> paths)
    {
        return accepting(std::move(paths), false);
    }
};

QTEST_GUILESS_MAIN(TestForcePowerCut)
#include "tst_force_power_cut.moc"
